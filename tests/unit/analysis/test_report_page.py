"""The report as a page: what it must not need, how parameters get into a notebook, how a failing cell is told."""

from __future__ import annotations

import nbformat
import pytest

from mpi_coupling.failure import UserError
from multiscale_run.analysis.html_report import external_resources, file_name, to_html
from multiscale_run.analysis.notebooks import execute, read_notebook, with_parameters

code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


def notebook(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        "<script async\n src='//cdn.example.org/a.js'></script>",
        '<link rel="stylesheet" href="http://cdn.example.org/a.css">',
        "<img alt=x src=https://cdn.example.org/a.png>",
        "<style>@import url('https://cdn.example.org/a.css');</style>",
        "<style>b { background: url(https://cdn.example.org/a.png) }</style>",
    ],
)
def test_what_a_page_would_fetch_is_found(page):
    (found,) = external_resources(page)
    assert "cdn.example.org/a." in found


def test_what_a_page_brings_along_is_not():
    page = '<img src="data:image/png;base64,//8="><a href="https://example.org">x</a><link rel="icon" href="data:,">'
    assert external_resources(page) == []


def test_parameters_come_after_their_defaults():
    tagged = code("simulation = '.'", metadata={"tags": ["parameters"]})
    book = notebook(text("title"), tagged, code("print(simulation, compare)"))
    assert with_parameters(book, {"simulation": "/a/b", "compare": None})
    assert [cell.source for cell in book.cells[1:3]] == ["simulation = '.'", "simulation = '/a/b'\ncompare = None"]
    assert not with_parameters(notebook(code("1")), {"simulation": "x"})


def test_a_page_has_outputs_and_no_code(tmp_path):
    book = notebook(text("# Title\n\n## First & last"), code("print(6 * 7, 'cwd' and __import__('os').getcwd())"))
    execute(book, tmp_path, "book")
    page = to_html(book, "a <title>", "book.ipynb")
    assert f"42 {tmp_path}" in page and "6 * 7" not in page
    assert "<title>a &lt;title&gt;</title>" in page
    assert "First &amp; last</a></li>" in page, "sections are listed"
    assert external_resources(page) == []


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ("other", "report-compare-other.html"),
        ("simulation_config_2.json", "report-compare-simulation_config_2.html"),
        ("/data/my runs/other", "report-compare-data-my-runs-other.html"),
        ("/" + 400 * "x", f"report-compare-{200 * 'x'}.html"),
    ],
)
def test_a_comparison_has_a_file_of_its_own(other, name):
    assert file_name() == "report.html" and file_name(other) == name


def test_a_failing_cell_is_named_with_its_error(tmp_path):
    tagged = code("simulation = '.'", metadata={"tags": ["parameters"]})
    book = notebook(text("title"), tagged, code("x = {}\nx['nothing']"), code("print('never')"))
    with_parameters(book, {"simulation": "."})
    with pytest.raises(UserError, match=r"book: cell 3 failed: KeyError: 'nothing'\n    x = \{\}\n    x\['nothing'\]"):
        execute(book, tmp_path, "book")


def test_a_kernel_that_dies_is_told(tmp_path):
    with pytest.raises(UserError, match="the kernel died"):
        execute(notebook(code("import os; os._exit(1)")), tmp_path, "book")


def test_the_kernel_does_not_believe_that_it_is_a_rank(tmp_path, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    book = notebook(code("import os\nprint([k for k in os.environ if k.startswith('OMPI_COMM')])"))
    execute(book, tmp_path, "book")
    assert book.cells[0].outputs[0].text == "[]\n"


def test_files_that_are_no_notebooks_for_python(tmp_path):
    with pytest.raises(UserError, match="there is no such notebook"):
        read_notebook(tmp_path / "a.ipynb")
    (tmp_path / "b.ipynb").write_text("no json")
    with pytest.raises(UserError, match=r"b\.ipynb: is no notebook that can be read"):
        read_notebook(tmp_path / "b.ipynb")
    book = notebook(code("1"))
    book.metadata.kernelspec = {"name": "ir", "display_name": "R", "language": "R"}
    nbformat.write(book, tmp_path / "c.ipynb")
    with pytest.raises(UserError, match="is a notebook for R; only those for Python are run"):
        read_notebook(tmp_path / "c.ipynb")
