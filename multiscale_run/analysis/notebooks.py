"""Running a notebook by this very interpreter, whatever kernels and settings its user has."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from mpi_coupling.failure import UserError
from mpi_coupling.launch import without_launchers

PARAMETERS, INJECTED = "parameters", "injected-parameters"
"""Tags of the cell that holds the parameters, and of the one that replaces their values, as papermill has them."""
SHOWN_LINES = 12
LONGEST_SOCKET = 104
"""Bytes that the path of a socket may have on any system."""


class _ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that runs now."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook of any version.

    Raises:
        UserError: it is not there, no notebook, or not one for Python.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such notebook") from error
    except (OSError, ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        raise UserError(f"{path}: is no notebook that can be read: {error}") from error
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise UserError(f"{path}: is a notebook for {language}; only those for Python are run")
    return notebook


def with_parameters(notebook: NotebookNode, values: Mapping[str, str | None]) -> bool:
    """Give the parameters of a notebook other values, by a cell after the one that is tagged ``parameters``.

    Returns:
        Whether the notebook has such a cell.
    """
    tagged = [k for k, cell in enumerate(notebook.cells) if PARAMETERS in cell.metadata.get("tags", [])]
    if tagged:
        source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": [INJECTED]})
        notebook.cells.insert(tagged[0] + 1, cell)
    return bool(tagged)


def execute(notebook: NotebookNode, folder: Path, name: str) -> None:
    """Run all cells; their outputs are then in the notebook.

    Args:
        notebook: is changed.
        folder: where its cells find themselves.
        name: what messages call it.

    Raises:
        UserError: a cell fails, with its number, source and error; or the kernel dies.
    """
    with tempfile.TemporaryDirectory(prefix="multiscale-run-") as private:
        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=_ThisPython(),
            connection_file=str(Path(private) / "kernel.json"),
            **_transport(private),
        )
        client = NotebookClient(notebook, km=manager, timeout=None, resources={"metadata": {"path": str(folder)}})
        client.owns_km = True  # ends the kernel whatever happens
        try:
            client.execute(env=_environment(private))
        except CellExecutionError as error:
            raise UserError(_describe(notebook, name, error)) from error
        except DeadKernelError as error:
            raise UserError(f"{name}: the kernel died while it ran; is there enough memory?") from error


def _transport(private: str) -> dict[str, str]:
    """Talk to the kernel by files that only this user can open, where their path is short enough for a socket."""
    place = str(Path(private) / "socket")
    return {"transport": "ipc", "ip": place} if len(place) + 3 < LONGEST_SOCKET else {}


def _environment(private: str) -> dict[str, str]:
    """The present environment, without what makes a process a rank and without the user's start-up files of IPython."""
    return without_launchers() | {"IPYTHONDIR": private, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def _describe(notebook: NotebookNode, name: str, error: CellExecutionError) -> str:
    own = [cell for cell in notebook.cells if INJECTED not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(own, start=1):
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            lines = cell.source.splitlines()
            source = "\n".join(f"    {line}" for line in lines[:SHOWN_LINES])
            more = "\n    ..." if len(lines) > SHOWN_LINES else ""
            return f"{name}: cell {number} failed: {error.ename}: {error.evalue}\n{source}{more}"
    return f"{name}: {error.ename}: {error.evalue}"
