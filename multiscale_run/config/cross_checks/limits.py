"""Checks of values against each other within a section: bands, species."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from mpi_coupling.settings.problems import Finding, KeyPath
from multiscale_run.config.document import SECTION
from multiscale_run.config.parts import Parts
from multiscale_run.config.schema import Bounds, Check

_UNBOUNDED = (-math.inf, -math.inf, math.inf, math.inf)


def check_bands(parts: Parts) -> Iterator[Finding]:
    """A check's lower bounds are below its upper bounds, otherwise every value fails it."""
    section = parts.multiscale_run
    groups: list[tuple[KeyPath, Mapping[str, Check]]] = [
        (("metabolism", "checks", "parameters"), section.metabolism.checks.parameters),
        (("metabolism", "checks", "vm"), section.metabolism.checks.vm),
        (("neurodamus", "checks"), section.neurodamus.checks),
    ]
    for place, checks in groups:
        for name, check in checks.items():
            if _is_empty(check.kwargs):
                path = (SECTION, *place, name, "kwargs")
                yield Finding(path, "no value can satisfy these bounds: lb < v, leb <= v, v < hb, v <= heb")


def check_species(parts: Parts) -> Iterator[Finding]:
    """Diffusion needs something that diffuses."""
    section = parts.multiscale_run
    if section.with_steps and "steps" not in parts.broken and not section.steps.Volsys.species:
        yield Finding(
            (SECTION, "steps", "Volsys", "species"), "must name at least one species while with_steps is true"
        )


def note_filter_neuron(parts: Parts) -> Iterator[Finding]:
    """The original's preprocessing of node sets is left to the node sets themselves."""
    if parts.multiscale_run.preprocessor.node_sets.filter_neuron:
        place = (SECTION, "preprocessor", "node_sets", "filter_neuron")
        yield Finding(place, "has no effect: name the cells that take part in node_sets.json, and that set in node_set")


def check_flow_boundary(parts: Parts) -> Iterator[Finding]:
    """AstroVascPy solves for given flows only."""
    settings = parts.multiscale_run.bloodflow
    if settings.solver == "astrovascpy" and settings.boundary == "pressures":
        yield Finding((SECTION, "bloodflow", "boundary"), 'needs solver "grounded"; AstroVascPy solves for given flows')


def _is_empty(bounds: Bounds) -> bool:
    open_low, low, open_high, high = (
        default if bound is None else bound
        for bound, default in zip((bounds.lb, bounds.leb, bounds.hb, bounds.heb), _UNBOUNDED, strict=True)
    )
    is_open_above_low = open_low < min(open_high, high)
    is_closed_above_low = low < open_high and low <= high
    return not (is_open_above_low and is_closed_above_low)
