"""Running an exploration: what is finished is left alone, what failed is said and recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeAlias

from mpi_coupling.console import get_logger
from mpi_coupling.failure import UserError
from tvb_nest.exploration.launching import Launch, in_this_machine
from tvb_nest.exploration.points import RESULT_PATH, Point
from tvb_nest.exploration.program import run_program
from tvb_nest.exploration.record import Record, State, read_record
from tvb_nest.parameters import FILE_NAME, Parameters, fingerprint, write_parameters

Run: TypeAlias = Callable[[Path], None]
"""Runs the simulation of a folder; an exception says that it failed, and why."""

logger = get_logger(__name__)


@dataclass(frozen=True)
class Exploration:
    """Points and where their results go.

    Attributes:
        base: parameters that all points share.
        folder: of the results; a folder in it for each point.
        points: what differs.
    """

    base: Parameters
    folder: Path
    points: Sequence[Point]

    def folder_of(self, point: Point) -> Path:
        """Where a point's parameters and results are."""
        return self.folder / point.folder_name

    @cached_property
    def parameters(self) -> dict[str, Parameters]:
        """Folder name -> parameters of all points.

        Raises:
            UserError: the values of some points are wrong (all are named), or two points have the same folder.
        """
        names = [point.folder_name for point in self.points]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UserError("\n".join(f"{name}: two points with this name; take one out" for name in twice))
        problems, result = [], {}
        for point in self.points:
            try:
                result[point.folder_name] = self._parameters_of(point)
            except UserError as error:
                problems += [f"{point.folder_name}: {line}" for line in str(error).splitlines()]
        if problems:
            raise UserError("\n".join(problems))
        return result

    def _parameters_of(self, point: Point) -> Parameters:
        folder = self.folder_of(point).absolute()
        values = {tuple(name.split(".")): value for name, value in point.values.items()}
        return self.base.changed(values | {(RESULT_PATH,): f"{folder}/"}, folder / FILE_NAME)


def explore(
    exploration: Exploration, *, run: Run = run_program, launch: Launch | None = None, retry: bool = False
) -> dict[str, Record]:
    """Run all points that are not finished.

    Args:
        exploration: the points.
        run: runs one of them.
        launch: where they run; None: here, one after the other.
        retry: run also those that failed before.

    Returns:
        Folder name -> record of all points, those of earlier runs too.

    Raises:
        UserError: as `Exploration.parameters`, or a folder has results of other parameters. Nothing was run then.
    """
    waiting = _waiting(exploration, retry)
    for folder in waiting:
        write_parameters(exploration.parameters[folder.name])
    marks = {name: fingerprint(parameters) for name, parameters in exploration.parameters.items()}
    start = launch or in_this_machine()
    logger.info("%d of %d points to run in %s", len(waiting), len(exploration.points), exploration.folder)
    for number, folder in enumerate(start(partial(run_point, run=run, marks=marks), waiting), start=1):
        record = _ended(folder, marks[folder.name])
        reason = f": {record.message}" if record.message else ""
        logger.info("%d/%d %s %s%s", number, len(waiting), folder.name, record.state, reason)
    records = {point.folder_name: read_record(exploration.folder_of(point)) for point in exploration.points}
    return {name: record for name, record in records.items() if record is not None}


def run_point(folder: Path, run: Run, marks: dict[str, str]) -> None:
    """Run the point of a folder and record how it went.

    Args:
        folder: with its parameter.json.
        run: runs it.
        marks: folder name -> fingerprint of its parameters.
    """
    mark, began = marks[folder.name], time.monotonic()
    Record(State.RUNNING, mark).write(folder)
    try:
        run(folder)
    except Exception as error:  # whatever a simulator raises concerns this point alone
        message = str(error) or type(error).__name__
        Record(State.FAILED, mark, message, time.monotonic() - began).write(folder)
    else:
        Record(State.FINISHED, mark, seconds=time.monotonic() - began).write(folder)


def _ended(folder: Path, mark: str) -> Record:
    """The record of a point whose work is over; where it has not come to its end, it has failed."""
    record = read_record(folder)
    if record is None or record.state == State.RUNNING:
        record = Record(State.FAILED, mark, "its job ended before it was done; the logs of the job say why")
        record.write(folder)
    return record


def _waiting(exploration: Exploration, retry: bool) -> list[Path]:
    """Folders of the points to run."""
    waiting, foreign = [], []
    for name, parameters in exploration.parameters.items():
        folder = parameters.folder
        record = read_record(folder)
        if record is not None and record.fingerprint != fingerprint(parameters):
            foreign.append(f"{folder}: has results of other parameters; remove it, or explore in another folder")
        elif record is None or record.state == State.RUNNING or (record.state == State.FAILED and retry):
            waiting.append(folder)
        elif record.state == State.FAILED:
            logger.warning("%s failed before: %s; --retry runs it again", name, record.message)
    if foreign:
        raise UserError("\n".join(foreign))
    return waiting
