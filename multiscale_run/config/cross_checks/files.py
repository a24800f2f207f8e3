"""Checks of files: inputs are there, outputs do not overwrite each other or leave their folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath, PurePosixPath

from mpi_coupling.settings.problems import Finding, KeyPath, format_key_path
from multiscale_run.config.document import SECTION
from multiscale_run.config.parts import Parts


def check_inputs_exist(parts: Parts) -> Iterator[Finding]:
    """The circuit and the node sets can be found."""
    if not parts.network.is_file():
        yield Finding(("network",), f"no such file: {parts.network}")
        return
    if parts.node_sets_file is None:
        yield Finding(("node_sets_file",), "is missing, and the circuit names no node sets of its own")
    elif not parts.node_sets_file.is_file():
        yield Finding(("node_sets_file",), f"no such file: {parts.node_sets_file}")


def check_places_are_free(parts: Parts) -> Iterator[Finding]:
    """What has to be a folder is no file, and the other way round."""
    section = parts.multiscale_run
    if section.cache_path.is_file():
        yield Finding((SECTION, "cache_path"), "is a file; name a folder, which is made where there is none")
    if section.mesh_path.is_dir():
        yield Finding((SECTION, "mesh_path"), "is a folder; name a mesh file, which is made where there is none")


def check_report_places(parts: Parts) -> Iterator[Finding]:
    """Reports stay below the output folder."""
    for path, report in parts.reports:
        name = PurePath(report.file_name)
        if not report.file_name or name.is_absolute() or ".." in name.parts:
            yield Finding((*path, "file_name"), "must be a file below output.output_dir, without ..")


def check_file_names(parts: Parts) -> Iterator[Finding]:
    """No two reports write the same file."""
    taken: dict[str, str] = {}
    for path, name in _outputs(parts):
        file = str(PurePosixPath(name))
        if file in taken:
            yield Finding(path, f"is also {taken[file]}; choose another name")
        taken.setdefault(file, format_key_path(path))


def _outputs(parts: Parts) -> Iterator[tuple[KeyPath, str]]:
    """Files written below the output folder; the format adds .h5 to names of neuron reports without it."""
    yield ("output", "spikes_file"), parts.sonata.output.spikes_file
    for path, neurons in parts.sonata_reports:
        name = neurons.file_name or str(path[-1])
        yield (*path, "file_name"), name if name.endswith(".h5") else f"{name}.h5"
    for path, report in parts.reports:
        yield (*path, "file_name"), report.file_name
