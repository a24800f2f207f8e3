# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyNeurodamus(PythonPackage):
    """An OBI Simulation Control application for NEURON"""

    homepage = "https://github.com/BlueBrain/neurodamus"
    pypi = "neurodamus/neurodamus-4.2.9.tar.gz"
    import_modules = ["neurodamus"]

    license("Apache-2.0")

    version("4.2.9", sha256="23c42a29510186fce02e4393fdf7767eab92e453733fe71d7b3f50e8d682d852")

    with default_args(type=("build",)):
        depends_on("py-hatchling")
        depends_on("py-hatch-vcs")

    with default_args(type=("build", "run")):
        depends_on("python@3.10:")
        depends_on("py-docopt-ng")
        depends_on("py-h5py+mpi")
        depends_on("py-libsonata@0.2.2:")
        depends_on("py-packaging")
        depends_on("py-psutil")
        depends_on("py-scipy")
