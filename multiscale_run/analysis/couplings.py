"""What is coupled to what, when and in which unit: as a list and as a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema import events
from multiscale_run.coupling import fields_of
from multiscale_run.simulators import simulator_class

LANE, ROW, MARGIN = 4.4, 0.62, 0.9
"""Inches between the lines of two simulators, between two arrows, and round the drawing."""

COLOURS = {"neurodamus": "#0072B2", "steps": "#009E73", "bloodflow": "#D55E00", "metabolism": "#CC79A7"}
"""Okabe and Ito's colours, which colour-blind readers can tell apart; simulators of others are grey."""
OTHER_COLOUR = "0.4"


@dataclass(frozen=True)
class End:
    """One end of a coupling.

    Attributes:
        simulator: its name.
        field: the field with its arguments.
        domain: where the values live.
        unit: of the values.
    """

    simulator: str
    field: str
    domain: str
    unit: str

    def __str__(self) -> str:
        return f"{self.field} [{self.unit}]" if self.unit else self.field


@dataclass(frozen=True)
class Coupling:
    """A connection that is applied in a run.

    Attributes:
        event: when it is applied.
        every_ms: biological time between two applications, ms.
        source: where values are read.
        destination: where they are written.
        action: set, sum or merge.
        transform: expression on the way; empty without one.
    """

    event: str
    every_ms: float
    source: End
    destination: End
    action: str
    transform: str


def couplings(config: SimulationConfig) -> list[Coupling]:
    """The connections of a configuration that are applied, in the order of a step.

    Raises:
        KeyError: a field does not exist; ``check`` says so first.
    """
    periods = config.periods()
    turns = events()
    order = {event: place for place, event in enumerate(turns)}
    found = [
        Coupling(
            event=event,
            every_ms=periods[turns[event]] * config.run.dt,
            source=_end(c.src_simulator, c.src_get_func, c.src_get_kwargs),
            destination=_end(c.dest_simulator, c.dest_set_func, c.dest_set_kwargs),
            action=c.action,
            transform=c.transform_expression or "",
        )
        for event, _, c in config.multiscale_run.applied_connections()
    ]
    return sorted(found, key=lambda coupling: order[coupling.event])


def _end(simulator: str, name: str, arguments: Mapping[str, Any]) -> End:
    field = fields_of(simulator_class(simulator))[name]
    shown = ", ".join(_shown(value) for value in arguments.values() if not isinstance(value, bool))
    return End(simulator, f"{name}({shown})", field.domain, field.unit_for(arguments))


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def draw(found: Sequence[Coupling], simulators: Sequence[str], path: Path) -> None:
    """Draw the couplings as arrows between the lines of the simulators, from the top in the order of a step.

    Args:
        found: the couplings, in order.
        simulators: those that take part, from left to right.
        path: file; its ending says in which format, such as svg.

    Raises:
        OSError: the file cannot be written.
        ValueError: there is no such format.
    """
    from matplotlib.figure import Figure

    rows = len(found) + len({coupling.event for coupling in found})
    # the label of a simulator's arrow to itself reaches to both sides of its line
    to_itself = any(coupling.source.simulator == coupling.destination.simulator for coupling in found)
    side = LANE / 2 if to_itself else MARGIN
    width, height = LANE * (len(simulators) - 1) + 2 * side, ROW * (rows + 1) + 2 * MARGIN
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    lanes = {name: side + LANE * place for place, name in enumerate(simulators)}
    for name, x in lanes.items():
        colour = COLOURS.get(name, OTHER_COLOUR)
        box = {"boxstyle": "round,pad=0.5", "facecolor": colour, "edgecolor": "none"}
        axes.plot([x, x], [MARGIN, height - MARGIN / 2], color=colour, lw=2, zorder=0)
        axes.text(x, MARGIN, name, ha="center", va="center", color="white", weight="bold", size=12, bbox=box)
    _draw_rows(axes, found, lanes, width)
    figure.savefig(path)


def _draw_rows(axes: Any, found: Sequence[Coupling], lanes: Mapping[str, float], width: float) -> None:
    y, event = MARGIN + ROW * 0.5, ""
    for coupling in found:
        if coupling.event != event:
            event = coupling.event
            y += ROW
            axes.axhspan(y - 0.3 * ROW, y + 0.3 * ROW, color="0.93", zorder=-1)
            axes.text(width / 2, y, f"{event}, every {coupling.every_ms:g} ms", ha="center", va="center", size=10)
        y += ROW
        _draw_arrow(axes, coupling, lanes, y)


def _draw_arrow(axes: Any, coupling: Coupling, lanes: Mapping[str, float], y: float) -> None:
    start, stop = lanes[coupling.source.simulator], lanes[coupling.destination.simulator]
    both = "<|-|>" if coupling.action == "merge" else "-|>"
    colour = COLOURS.get(coupling.source.simulator, OTHER_COLOUR)
    line = {"arrowstyle": both, "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=(stop, y), xytext=(start, y), arrowprops=line)
    middle = (start + stop) / 2
    backing = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    label = f"{coupling.action}: {coupling.source}  \N{RIGHTWARDS ARROW}  {coupling.destination}"
    axes.text(middle, y - 0.07, label, ha="center", va="bottom", size=8, bbox=backing)
    way = f"{coupling.source.domain} \N{RIGHTWARDS ARROW} {coupling.destination.domain}"
    text = f"{way}   {coupling.transform}" if len(coupling.transform) < 60 else f"{way}   with a transform"
    axes.text(middle, y + 0.06, text, ha="center", va="top", size=7, color="0.35", bbox=backing)
