"""The notebook of the docs runs from its first cell to its last, and the committed one shows what it made."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.skipif(find_spec("nest") is None, reason="NEST is not installed: scripts/setup")

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "docs" / "notebooks" / "mouse_brain.ipynb"
CONNECTOME = ROOT.parent / "shared" / "data" / "connectomes" / "allen-mouse-104"
LARGEST = 500_000
"""Bytes of the notebook with its figures."""


def images(notebook):
    """Cells that made a figure."""
    made = [output for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    return [output for output in made if "image/png" in output.data]


def text(notebook):
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))


def test_it_runs(tools, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    for name, value in tools["mpi_environment"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    monkeypatch.setenv("MOUSE_CONNECTOME", str(CONNECTOME))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(notebook, timeout=400, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert len(images(notebook)) == 3
    assert "400 ms computed" in text(notebook) and "Right Entorhinal area lateral part: " in text(notebook)


def test_the_committed_one_has_its_outputs():
    committed = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert len(images(committed)) == 3 and NOTEBOOK.stat().st_size < LARGEST
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    for place in ("/work/", "/tmp/", "/root/"):
        assert place not in NOTEBOOK.read_text(), "paths of the machine that it was made on"
