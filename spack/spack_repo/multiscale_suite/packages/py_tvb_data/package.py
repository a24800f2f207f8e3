# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyTvbData(PythonPackage):
    """A package with data for TVB"""

    homepage = "http://www.thevirtualbrain.org"
    pypi = "tvb-data/tvb_data-3.0.0.tar.gz"
    import_modules = ["tvb_data"]

    license("GPL-3.0-or-later")

    version("3.0.0", sha256="6cadd8b0c7757bd367d1eb8b7c107c6d933d7528b0917440d4e57e646e82a3d1")

    with default_args(type=("build",)):
        depends_on("py-hatchling")

    with default_args(type=("build", "run")):
        depends_on("python@3.8:")
