"""A report of a simulation's results: its notebook, run, as one HTML file that needs nothing else."""

from __future__ import annotations

import html
import re
from datetime import datetime
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from mpi_coupling.atomic import write_in_one_step, writing
from mpi_coupling.console import get_logger
from mpi_coupling.failure import UserError
from multiscale_run import __version__
from multiscale_run.analysis.notebooks import INJECTED, execute, read_notebook, with_parameters
from multiscale_run.analysis.results import Results
from multiscale_run.analysis.runs import Runs

NOTEBOOK, REPORT = "postproc.ipynb", "report.html"
LONGEST_NAME = 200
"""Letters of another run's name in the name of a file."""
_TEMPLATES = resources.files("multiscale_run") / "templates"

_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>', re.DOTALL)
_TAGS = re.compile(r"<a class=\"anchor-link\".*?</a>|<[^>]+>", re.DOTALL)
_RESOURCE = re.compile(
    r"<(?:script|img|link|iframe|audio|video|source|object|embed)\b[^>]*?\s(?:src|href|data)\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]+)",
    re.I,
)
_STYLE_RESOURCE = re.compile(r"(?:@import\s+|url\()\s*(?:url\()?[\"']?((?:https?:)?//[^\"')\s]+)", re.I)

log = get_logger(__name__)


def write_report(
    results: Results, notebook_file: Path | None = None, other: Results | None = None, output: Path | None = None
) -> Path:
    """Run a notebook in the simulation's folder and write what it shows as HTML.

    Args:
        results: of the simulation.
        notebook_file: the notebook; None: the simulation's ``postproc.ipynb``, or ours where it has none.
        other: results to compare with; the notebook must have a cell tagged ``parameters``.
        output: the HTML file; None: ``report.html`` among the results, or ``report-compare-OTHER.html`` with the name
            of the other run.

    Returns:
        The file written, put in place in one step.

    Raises:
        UserError: the notebook cannot be read or fails, or the file cannot be written; nothing is written then.
    """
    path = _notebook_of(results, notebook_file)
    names = list(Runs(results, other))
    output = output or results.folder / file_name(*names[1:])
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise UserError(f"{output}: cannot be written there; name a file in a folder that exists")
    notebook = read_notebook(path)
    parameters = {"simulation": str(results.config.file), "compare": str(other.config.file) if other else None}
    if not with_parameters(notebook, parameters) and other is not None:
        raise UserError(f"{path}: has no cell tagged 'parameters', so it cannot compare; see the one that init writes")
    execute(notebook, results.config.folder, str(path))
    text = to_html(notebook, f"multiscale-run: {' and '.join(names)}", path.name)
    for reason in (reason for each in (results, other) if each for reason in each.unreadable):
        log.warning("%s", reason)
    for address in external_resources(text):
        log.warning("%s: the report is not complete without a network: it refers to %s", path, address)
    with writing(output, "name another file with --output"):
        write_in_one_step(output, text)
    return output


def file_name(other: str = "") -> str:
    """Name of the report's file; one that compares does not take the place of the plain one.

    Args:
        other: name of the run that is compared with: of a folder, a file, or a path.
    """
    letters = re.sub(r"[^\w.-]+", "-", other.removesuffix(".json")).strip("-.")[-LONGEST_NAME:]
    return f"report-compare-{letters}.html" if other else REPORT


def to_html(notebook: NotebookNode, title: str, notebook_name: str) -> str:
    """A notebook that was run as an HTML page without code and without anything from elsewhere."""
    exporter = HTMLExporter(template_name="basic", exclude_input=True)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    shown = NotebookNode(
        notebook | {"cells": [c for c in notebook.cells if INJECTED not in c.metadata.get("tags", [])]}
    )
    body, _ = exporter.from_notebook_node(shown)
    headings = [(anchor, html.unescape(_TAGS.sub("", text)).strip()) for anchor, text in _HEADING.findall(body)]
    template = jinja2.Template((_TEMPLATES / "report.html.jinja").read_text(encoding="utf-8"), autoescape=True)
    return template.render(
        title=title,
        version=__version__,
        headings=headings,
        body=Markup(body),
        notebook=notebook_name,
        date=f"{datetime.now():%Y-%m-%d %H:%M}",
    )


def external_resources(page: str) -> list[str]:
    """Addresses of scripts, pictures and style sheets that a page would fetch; links that a reader follows are none."""
    styles = re.findall(r"<style\b[^>]*>(.*?)</style>", page, re.DOTALL | re.I)
    found = _RESOURCE.findall(page) + [address for style in styles for address in _STYLE_RESOURCE.findall(style)]
    return list(dict.fromkeys(found))


def _notebook_of(results: Results, given: Path | None) -> Path:
    if given is not None:
        return given
    own = results.config.folder / NOTEBOOK
    return own if own.exists() else Path(str(_TEMPLATES / NOTEBOOK))
