"""The parts of a configuration that can be read, so that cross-checks also run where another part is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from mpi_coupling.settings.problems import KeyPath
from mpi_coupling.settings.validation import path_of
from multiscale_run.config.document import SECTION, Document
from multiscale_run.config.schema import (
    Connection,
    MultiscaleRun,
    Report,
    Run,
    SimulationFile,
    SonataPart,
    SonataReport,
)
from multiscale_run.config.sonata_paths import circuit_node_sets, sonata_path

Model = TypeVar("Model", bound=BaseModel)
Placed: TypeAlias = list[tuple[KeyPath, Model]]
"""Sections of one kind with their places in the document."""

ANY = "*"
"""In a pattern: every key of an object, or every index of a list."""


@dataclass(frozen=True)
class Parts:
    """What a cross-check may look at.

    Attributes:
        document: the whole content.
        sonata: SONATA's part; keys that are wrong have their default.
        run: time and seed; None where they are wrong.
        multiscale_run: our section; subsections that are wrong have their default.
        broken: keys of our section that are wrong; what depends on them is not checked.
        connections: connections that can be read, with their places.
        reports: reports of coupled simulators that can be read, with their places.
    """

    document: Document
    sonata: SonataPart
    run: Run | None
    multiscale_run: MultiscaleRun
    broken: frozenset[str]
    connections: Placed[Connection]
    reports: Placed[Report]

    def path(self, name: str) -> Path:
        """A path of SONATA's part, absolute."""
        return sonata_path(name, self.sonata.manifest, self.document.folder)

    @property
    def network(self) -> Path:
        """The circuit_config.json."""
        return self.path(self.sonata.network)

    @property
    def node_sets_file(self) -> Path | None:
        """The node sets: those named here, or else the circuit's own; None where there are none."""
        return self.path(self.sonata.node_sets_file) if self.sonata.node_sets_file else circuit_node_sets(self.network)

    @property
    def sonata_reports(self) -> Placed[SonataReport]:
        """Reports of neurons that are written, with their places."""
        return [(("reports", name), report) for name, report in self.sonata.reports.items() if report.enabled]


def parts_of(document: Document, error: ValidationError | None, model: type[SimulationFile]) -> Parts:
    """Read what can be read.

    Args:
        document: the configuration.
        error: what is wrong with it, or None.
        model: with which it was compared.
    """
    wrong = {path_of(details) for details in error.errors()} if error else set()
    broken_keys = {path[:1] for path in wrong}
    ours = document.value((SECTION,))
    broken = frozenset(str(path[1]) for path in wrong if path[0] == SECTION and len(path) > 1)
    sections = {key: value for key, value in ours.items() if key not in broken} if isinstance(ours, dict) else {}
    section: Any = model.model_fields[SECTION].annotation
    return Parts(
        document=document,
        sonata=SonataPart.model_validate({k: v for k, v in document.data.items() if (k,) not in broken_keys}),
        run=next((run for _, run in _read(document, ("run",), Run)), None),
        multiscale_run=section.model_validate(sections, context={"folder": document.folder}),
        broken=broken,
        connections=list(_read(document, (SECTION, "connections", ANY, ANY), Connection)),
        reports=list(_read(document, (SECTION, "reports", ANY, ANY), Report)),
    )


def _read(document: Document, pattern: KeyPath, model: type[Model]) -> Iterator[tuple[KeyPath, Model]]:
    for path in _expand(document, (), pattern):
        try:
            yield path, model.model_validate(document.value(path))
        except ValidationError:
            continue  # already among the problems


def _expand(document: Document, done: KeyPath, pattern: KeyPath) -> Iterator[KeyPath]:
    if not pattern:
        yield done
        return
    keys: Any = [pattern[0]]
    if pattern[0] == ANY:
        node = document.value(done)
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    for key in keys:
        yield from _expand(document, (*done, key), pattern[1:])
