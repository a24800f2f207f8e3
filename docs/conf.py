"""Sphinx: the documentation of the suite.  sphinx-build -W docs docs/_build"""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "multiscale-run"
author = "The multiscale-run developers"
project_copyright = author
release = version = installed_version("multiscale-run")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "measured_boxes",
    "native_mathematics",
    "repository_links",
    "settings_reference",
]
exclude_patterns = ["_build", "figures", "jupyter_execute"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks are committed with what a test computed
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_title = "multiscale-run"
