"""Checks of times: steps, periods, the end of the run and the intervals of reports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mpi_coupling.settings.problems import Finding, KeyPath
from multiscale_run.config.document import SECTION
from multiscale_run.config.parts import Parts
from multiscale_run.config.schema import MultiscaleRun, Simulator

NO_PARTNER_WINDOW = 10_000
"""Ticks between two stops of the neurons when nothing is coupled to them; the original's number."""

_ROUND_OFF = 1e-6


def periods(section: MultiscaleRun) -> dict[Simulator, int]:
    """Period in ticks of each active simulator; that of the neurons divides all others."""
    partners: dict[Simulator, int] = {
        name: getattr(section, name).ndts for name in section.active_simulators if name != "neurodamus"
    }
    bounds = [*partners.values(), *([section.ndts] if section.ndts else [])]
    return {"neurodamus": math.gcd(*bounds) if bounds else NO_PARTNER_WINDOW, **partners}


def is_multiple(duration: float, step: float) -> bool:
    """Whether a duration is a whole number of steps, up to round-off."""
    steps = duration / step
    return steps > 0.5 and abs(steps - round(steps)) < _ROUND_OFF


def check_end(parts: Parts) -> Iterator[Finding]:
    """tstop is a whole number of time steps and long enough for one exchange with every simulator."""
    run, section = parts.run, parts.multiscale_run
    if run is None:
        return
    if not is_multiple(run.tstop, run.dt):
        yield Finding(("run", "tstop"), f"must be a multiple of run.dt = {run.dt:g} ms")
        return
    for name, ticks in _usable_periods(parts).items():
        if name != "neurodamus" and ticks * run.dt > run.tstop * (1 + _ROUND_OFF):
            yield Finding(
                ("run", "tstop"),
                f"must be at least {ticks * run.dt:g} ms, the period of {name}: no exchange would happen "
                f"(lengthen the run or lower multiscale_run.{name}.ndts = {getattr(section, name).ndts})",
            )


def check_report_intervals(parts: Parts) -> Iterator[Finding]:
    """Neurons can only be reported at whole time steps."""
    for path, report in parts.sonata_reports:
        if parts.run and report.dt is not None and not is_multiple(report.dt, parts.run.dt):
            yield Finding((*path, "dt"), f"must be a multiple of run.dt = {parts.run.dt:g} ms")


def note_rare_exchange(parts: Parts) -> Iterator[Finding]:
    """The original lowers periods above the metabolism's without a word; here they stay."""
    ticks = _usable_periods(parts)
    slow = [name for name in ("steps", "bloodflow") if ticks.get(name, 0) > ticks.get("metabolism", math.inf)]
    for name in slow:
        yield Finding(
            _ndts(name),
            f"{name} advances every {ticks[name]} time steps, less often than metabolism ({ticks['metabolism']}), "
            "which uses its last values in between",
        )


def note_finer_window(parts: Parts) -> Iterator[Finding]:
    """A global ndts that does not divide the others is not the stretch that is used."""
    asked, used = parts.multiscale_run.ndts, _usable_periods(parts)["neurodamus"]
    if asked not in (None, used):
        yield Finding(
            (SECTION, "ndts"),
            f"neurons stop every {used} time steps, the greatest common divisor of this and the other periods",
        )


def note_last_stretch(parts: Parts) -> Iterator[Finding]:
    """What happens after a simulator's last turn is not exchanged any more."""
    if parts.run is None or not is_multiple(parts.run.tstop, parts.run.dt):
        return
    ticks = round(parts.run.tstop / parts.run.dt)
    for name, period in _usable_periods(parts).items():
        if name != "neurodamus" and ticks > period and ticks % period:
            rest = (ticks % period) * parts.run.dt
            yield Finding(_ndts(name), f"the last {rest:g} ms of the run are after the last turn of {name}")


def _usable_periods(parts: Parts) -> dict[Any, int]:
    return {name: ticks for name, ticks in periods(parts.multiscale_run).items() if name not in parts.broken}


def _ndts(name: str) -> KeyPath:
    return (SECTION, name, "ndts")
