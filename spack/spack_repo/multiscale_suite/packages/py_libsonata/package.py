# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyLibsonata(PythonPackage):
    """SONATA files reader"""

    homepage = "https://github.com/openbraininstitute/libsonata"
    pypi = "libsonata/libsonata-0.2.2.tar.gz"
    import_modules = ["libsonata"]

    license("LGPL-3.0-or-later")

    version("0.2.2", sha256="5d808574a1818c3d44ce164c722e5849822804bf0a90d5ea061d2432505803d2")

    with default_args(type=("build",)):
        depends_on("py-scikit-build-core")
        depends_on("py-setuptools-scm")
        depends_on("c")
        depends_on("cxx")
        depends_on("cmake@3.16:")
        depends_on("ninja")

    with default_args(type=("build", "link")):
        depends_on("hdf5@1.14:")

    with default_args(type=("build", "run")):
        depends_on("python@3.9:")
        depends_on("py-numpy@1.17.3:")
