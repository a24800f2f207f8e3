# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyAstrovascpy(PythonPackage):
    """Simulating blood flow in vasculature"""

    homepage = "https://github.com/BlueBrain/AstroVascPy"
    pypi = "astrovascpy/astrovascpy-0.1.6.tar.gz"
    import_modules = ["astrovascpy"]

    license("Apache-2.0")

    version("0.1.6", sha256="3d2afdf74b7252647f70155792240f7da99a86ebeaa97afe959c3af82e1a64bc")

    with default_args(type=("build",)):
        depends_on("py-setuptools@42:")
        depends_on("py-wheel")
        depends_on("py-setuptools-scm@3.4:")

    with default_args(type=("build", "run")):
        depends_on("python@3.11:")
        depends_on("py-cached-property")
        depends_on("py-click")
        depends_on("py-coverage")
        depends_on("py-cython")
        depends_on("py-h5py+mpi")
        depends_on("py-libsonata")
        depends_on("py-matplotlib")
        depends_on("py-morphio")
        depends_on("py-mpi4py")
        depends_on("py-networkx")
        depends_on("py-numpy")
        depends_on("py-pandas")
        depends_on("py-psutil")
        depends_on("py-pyyaml")
        depends_on("py-scipy")
        depends_on("py-seaborn")
        depends_on("py-tables")
        depends_on("py-tqdm")
        depends_on("py-trimesh")
        depends_on("py-vascpy")
