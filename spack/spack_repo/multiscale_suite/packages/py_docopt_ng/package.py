# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyDocoptNg(PythonPackage):
    """Jazzband-maintained fork of docopt, the humane command line arguments parser."""

    homepage = "https://github.com/jazzband/docopt-ng"
    pypi = "docopt-ng/docopt_ng-0.9.0.tar.gz"
    import_modules = ["docopt"]

    license("MIT")

    version("0.9.0", sha256="91c6da10b5bb6f2e9e25345829fb8278c78af019f6fc40887ad49b060483b1d7")

    with default_args(type=("build",)):
        depends_on("py-pdm-backend")

    with default_args(type=("build", "run")):
        depends_on("python@3.7:")
