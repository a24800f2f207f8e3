"""Sphinx: the documentation of the suite.  sphinx-build -W docs docs/_build"""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "multiscale-run"
author = "The multiscale-run developers"
project_copyright = author
release = version = installed_version("multiscale-run")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "repository_links", "settings_reference"]
exclude_patterns = ["_build", "figures", "jupyter_execute"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks are committed with what a test computed
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# engines are imported where they are used; what is left is only needed for annotations
autodoc_mock_imports = []
html_theme = "furo"
html_title = "multiscale-run"
