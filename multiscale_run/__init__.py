"""multiscale-run: neurons, extracellular ions, blood flow and energy metabolism in one coupled run."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("multiscale-run")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"
