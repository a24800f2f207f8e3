# Written by scripts/update-spack-recipes; do not edit.
from pathlib import Path

from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyMultiscaleRun(PythonPackage):
    """Brain simulation across scales: neurons, extracellular ions, blood flow and energy metabolism in one coupled run"""

    # the repository that this recipe is in: no other place is needed to build a release or main
    git = Path(__file__).resolve().parents[5].as_uri()
    import_modules = ["mpi_coupling", "multiscale_run", "tvb_nest"]

    license("LGPL-3.0-or-later")

    version("main", branch="main")  # 1.0.0.dev0

    variant("steps", default=True, description="Ions in the extracellular space, by STEPS")
    variant("bloodflow", default=True, description="AstroVascPy's solver of blood flow beside our own")
    variant("julia", default=False, description="The metabolism's engine julia in the same process")
    variant("tvb_nest", default=False, description="The program tvb-nest: The Virtual Brain with NEST")

    with default_args(type=("build",)):
        depends_on("py-setuptools@77:")

    with default_args(type=("build", "run")):
        depends_on("python@3.11:")
        depends_on("py-click@8.1:")
        depends_on("py-h5py@3.10:+mpi")
        depends_on("py-ipykernel@6.29:")
        depends_on("py-jinja2@3.1:")
        depends_on("py-libsonata@0.1.30:")
        depends_on("py-llvmlite@0.44:")
        depends_on("py-matplotlib@3.8:")
        depends_on("py-morphio@3.3.7:")
        depends_on("py-mpi4py@4.0:")
        depends_on("py-nbclient@0.10:")
        depends_on("py-nbconvert@7.16:")
        depends_on("py-nbformat@5.9:")
        depends_on("py-numba@0.60:")
        depends_on("py-numpy@1.26:")
        depends_on("py-psutil@5.9:")
        depends_on("py-pydantic@2.6:")
        depends_on("py-rich@13:")
        depends_on("py-scipy@1.11:")
        depends_on("py-simpleeval@1.0:")
        depends_on("py-xarray@2024.1:")
        depends_on("neuron@9.0:+mpi+python")
        depends_on("py-neurodamus@4.2:4")
        depends_on("py-submitit@1.5:")
        depends_on("steps@5.1:+mpi", when="+steps")
        depends_on("py-astrovascpy@0.1.6:", when="+bloodflow")
        depends_on("py-vascpy@0.1.1:", when="+bloodflow")
        depends_on("py-juliacall@0.9.20:", when="+julia")
        depends_on("nest@3.10:+python", when="+tvb_nest")
        depends_on("py-tvb-library@2.10:", when="+tvb_nest")
        depends_on("py-tvb-data@3.0:", when="+tvb_nest")

    with default_args(type=("run",)):
        depends_on("gmake")

    def test_version(self):
        """The program starts and knows its version."""
        program = Executable(join_path(self.prefix.bin, "multiscale-run"))
        said = program("--version", output=str.split, error=str.split)
        assert said.startswith("multiscale-run, version "), said

    def test_new_simulation(self):
        """A simulation is written, and the check of it finds the engines, the circuit and the mechanisms in order."""
        program = Executable(join_path(self.prefix.bin, "multiscale-run"))
        program("init", "--circuit", "tiny", "simulation")
        said = program("check", "simulation", output=str.split, error=str.split)
        assert "is ready to compute" in said, said
