# Written by scripts/update-spack-recipes; do not edit.
from spack_repo.builtin.build_systems.bundle import BundlePackage

from spack.package import *


class PyTvbNest(BundlePackage):
    """The Virtual Brain coupled with NEST: the program tvb-nest, which py-multiscale-run brings."""

    license("LGPL-3.0-or-later")

    version("main")
    depends_on("py-multiscale-run@main+tvb_nest", type="run", when="@main")

    def test_new_brain(self):
        """A parameter file is written, and the check of it finds the simulators in order."""
        program = Executable(join_path(self.spec["py-multiscale-run"].prefix.bin, "tvb-nest"))
        program("init", "--example", "two-regions", "brain")
        program("check", "brain")
