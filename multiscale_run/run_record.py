"""What a run leaves for those who read its results later: what it was, what it warned of, and how it ended.

``run.json`` is written when the run begins, ``events.jsonl`` grows by a line for each warning, exclusion of a neuron
and end. Both are on disk with the step that they belong to, so a run that is killed has them too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from mpi_coupling.plugins import packages
from mpi_coupling.world import UserError, World
from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema.base import GROUP
from multiscale_run.coupling.domains import EXCLUDED_NEURON

RUN, EVENTS = "run.json", "events.jsonl"
PACKAGES = ("multiscale-run", "neuron", "neurodamus", "steps", "AstroVascPy", "libsonata", "mpi4py", "numpy", "scipy")
"""Whose versions are kept: what computes."""
LOGGERS = ("multiscale_run", "mpi_coupling")


@dataclass(frozen=True)
class Event:
    """Something that a reader of the results should know.

    Attributes:
        kind: a warning; the exclusion of a neuron; the end of a run that stopped itself.
        message: in words.
        time_ms: end of the step in which it happened; None: while the model was built.
        neuron: SONATA id of the excluded neuron.
    """

    kind: Literal["warning", "exclusion", "end"]
    message: str
    time_ms: float | None = None
    neuron: int | None = None


@dataclass(frozen=True)
class RunDescription:
    """What was run.

    Attributes:
        started: date and time in ISO 8601.
        ranks: number of ranks.
        machine: its name.
        versions: package -> version, ``python`` among them.
        configuration: the configuration, references resolved.
        resumed_from_ms: where the run took up an earlier one; None for a run from the beginning.
    """

    started: str
    ranks: int
    machine: str
    versions: Mapping[str, str]
    configuration: Mapping[str, Any]
    resumed_from_ms: float | None = None

    @classmethod
    def of(cls, config: SimulationConfig, world: World, resumed_from_ms: float | None) -> RunDescription:
        """The description of the run that begins now."""
        return cls(
            started=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
            ranks=world.size,
            machine=platform.node(),
            versions={
                "python": platform.python_version(),
                **dict(_versions()),
                **packages(GROUP, config.external_simulators),
            },
            configuration=config.document.data,
            resumed_from_ms=resumed_from_ms,
        )


class RunRecord(logging.Handler):
    """Keeps the warnings of all ranks and writes them step by step. Collective, but for what logging calls.

    Args:
        world: the ranks.
        folder: of the results.
        config: the simulation's configuration.
        resumed_from_ms: time up to which the events of an earlier run are kept; None begins anew.
    """

    def __init__(self, world: World, folder: Path, config: SimulationConfig, resumed_from_ms: float | None) -> None:
        super().__init__(logging.WARNING)
        self._world, self._folder, self._new = world, folder, list[Event]()
        world.on_root(lambda: self._begin(RunDescription.of(config, world, resumed_from_ms)))
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning until the next :meth:`flush_step`; called by logging."""
        neuron = getattr(record, EXCLUDED_NEURON, None)
        kind: Literal["warning", "exclusion"] = "warning" if neuron is None else "exclusion"
        self._new.append(Event(kind, record.getMessage(), neuron=neuron))

    def flush_step(self, time_ms: float | None) -> None:
        """Write what happened since the last time, in the order of the ranks."""
        gathered = self._world.comm.gather(self._new, root=0) or []
        self._new = []
        events = [Event(e.kind, e.message, time_ms, e.neuron) for part in gathered for e in part]
        self._world.on_root(lambda: self._append(events))

    def end(self, message: str, time_ms: float | None = None) -> None:
        """Write why the run ended before its time."""
        self._new += [Event("end", message)] if self._world.is_root else []
        self.flush_step(time_ms)

    def leave(self, message: str) -> None:
        """Write what this rank has, and why the run fails here. Not collective: the others may be anywhere."""
        self._append([*self._new, Event("end", message)])
        self._new = []

    def close(self) -> None:
        """Listen no more."""
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self)
        super().close()

    def _begin(self, description: RunDescription) -> None:
        until = description.resumed_from_ms
        kept = [] if until is None else [e for e in read_events(self._folder) if _is_before(e, until)]
        with _file_errors(self._folder):
            (self._folder / RUN).write_text(json.dumps(asdict(description), indent=2, default=str) + "\n")
            (self._folder / EVENTS).write_text("".join(map(_line, kept)))

    def _append(self, events: list[Event]) -> None:
        if events:
            with _file_errors(self._folder), (self._folder / EVENTS).open("a") as file:
                file.write("".join(map(_line, events)))


def read_description(folder: Path) -> RunDescription | None:
    """What was run in a results folder; None where nothing that can be read was recorded, as by other programs."""
    try:
        return TypeAdapter(RunDescription).validate_json((folder / RUN).read_bytes())
    except (OSError, ValidationError):  # the latter: killed while it was written, or damaged
        return None


def read_events(folder: Path) -> list[Event]:
    """The events of a run, in the order of time; empty where nothing was recorded.

    What cannot be read is left out, and a warning at the end tells of it.
    """
    file = folder / EVENTS
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [Event("warning", f"{file} cannot be read: {error.strerror}")]
    if lines and lines[-1].startswith(b"{") and not lines[-1].endswith(b"\n"):
        lines.pop()  # a killed run left it half written, or a run is just writing it
    events = list(_events(lines))
    if damaged := len(lines) - len(events):
        events.append(Event("warning", f"{file} cannot be read in full: {damaged} of {len(lines)} lines are damaged"))
    return events


def reason_to_end(events: Iterable[Event]) -> str:
    """Why a run ended itself before its time; empty where it did not."""
    return next((event.message for event in reversed(list(events)) if event.kind == "end"), "")


def _events(lines: list[bytes]) -> Iterator[Event]:
    adapter = TypeAdapter(Event)
    for line in lines:
        with contextlib.suppress(ValidationError):
            yield adapter.validate_json(line)


def _line(event: Event) -> str:
    return json.dumps(asdict(event)) + "\n"


def _is_before(event: Event, until_ms: float) -> bool:
    """Whether an event of an earlier run belongs to the run that goes on from a time; building is done again."""
    return event.kind != "end" and event.time_ms is not None and event.time_ms <= until_ms


@contextlib.contextmanager
def _file_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: the record of the run cannot be written: {error.strerror}") from error


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield package, metadata.version(package)
