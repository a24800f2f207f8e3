# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyJuliacall(PythonPackage):
    """Julia and Python in seamless harmony"""

    homepage = "https://pypi.org/project/juliacall"
    pypi = "juliacall/juliacall-0.9.37.tar.gz"
    import_modules = []

    license("MIT")

    version("0.9.37", sha256="246db2ec648cd50dcd446d02323e0b187949a2ab50e06e32fe6db1a4323eba75")

    with default_args(type=("build",)):
        depends_on("py-hatchling")

    with default_args(type=("build", "run")):
        depends_on("python@3.10:3")
        depends_on("py-juliapkg@0.1.27:0.1")

    with default_args(type=("run",)):
        depends_on("julia@1.10.3:")
