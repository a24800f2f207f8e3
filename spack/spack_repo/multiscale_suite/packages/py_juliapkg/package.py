# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyJuliapkg(PythonPackage):
    """Julia version manager and package manager"""

    homepage = "http://github.com/JuliaPy/pyjuliapkg"
    pypi = "juliapkg/juliapkg-0.1.28.tar.gz"
    import_modules = ["juliapkg"]

    license("MIT")

    version("0.1.28", sha256="24f3ca545263e090f57521f47900bbb94ee7ebc9d91c55c82e4148aaf1b58e36")

    with default_args(type=("build",)):
        depends_on("py-hatchling")

    with default_args(type=("build", "run")):
        depends_on("python@3.11:")
        depends_on("py-filelock@3.16:4")
        depends_on("py-semver@3.0:3")
        depends_on("py-tomli@2.0:2")
        depends_on("py-tomlkit@0.13.3:0.15")
