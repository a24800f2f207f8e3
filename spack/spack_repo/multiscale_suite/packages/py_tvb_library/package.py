# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyTvbLibrary(PythonPackage):
    """A package for performing whole brain simulations"""

    homepage = "https://www.thevirtualbrain.org"
    pypi = "tvb-library/tvb_library-2.10.0.tar.gz"
    import_modules = ["tvb.simulator.simulator"]

    license("GPL-3.0-or-later")

    version("2.10.0", sha256="cd4ad32dcf4c58a8b926bd30baed269272d217d92605e308d7d3f22d900b8641")

    with default_args(type=("build",)):
        depends_on("py-hatchling")

    with default_args(type=("build", "run")):
        depends_on("python@3.8:")
        depends_on("py-autopep8")
        depends_on("py-deprecated")
        depends_on("py-docutils")
        depends_on("py-ipywidgets")
        depends_on("py-mako@1.1.4:")
        depends_on("py-matplotlib")
        depends_on("py-networkx")
        depends_on("py-numba")
        depends_on("py-numexpr")
        depends_on("py-numpy")
        depends_on("py-scipy")
        depends_on("py-six")
