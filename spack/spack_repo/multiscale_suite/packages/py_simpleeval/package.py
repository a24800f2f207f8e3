# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PySimpleeval(PythonPackage):
    """A simple, safe single expression evaluator library."""

    homepage = "https://github.com/danthedeckie/simpleeval"
    pypi = "simpleeval/simpleeval-1.0.8.tar.gz"
    import_modules = ["simpleeval"]

    license("MIT")

    version("1.0.8", sha256="b417f869c11f2de034eb919820a825f35d12ce99f63a43971947ce73679eb9ba")

    with default_args(type=("build",)):
        depends_on("py-hatchling")

    with default_args(type=("build", "run")):
        depends_on("python@3.9:")
