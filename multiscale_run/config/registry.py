"""What only the simulators know: their fields with the arguments these take, and the grammar of expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mpi_coupling.settings.problems import Finding, KeyPath, Problem, unknown_name
from mpi_coupling.world import UserError
from multiscale_run.config.document import SECTION
from multiscale_run.config.hints import describe, fits
from multiscale_run.config.schema import Report
from multiscale_run.config.simulation_config import SimulationConfig


@dataclass(frozen=True)
class FieldInfo:
    """What a configuration may do with a field of a simulator.

    Attributes:
        readable: may be named by src_get_func and dest_get_func.
        writable: may be named by dest_set_func and src_set_func.
        arguments: type hint of each argument, such as ``Literal["area", "volume"]`` or ``list[int | str]``.
        required: names of arguments without a default.
    """

    readable: bool = False
    writable: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


Registry: TypeAlias = Mapping[str, Mapping[str, FieldInfo]]
"""Fields by name, by simulator."""


@dataclass(frozen=True)
class FieldUse:
    """A field as a configuration uses it."""

    place: KeyPath
    key: str
    simulator: str
    name: str
    arguments: Mapping[str, Any]

    @property
    def reads(self) -> bool:
        """Whether the field is read, not written."""
        return "_get_" in self.key

    @property
    def arguments_place(self) -> KeyPath:
        """Where the arguments stand."""
        return (*self.place, self.key.replace("_func", "_kwargs"))


def check_fields(
    config: SimulationConfig, registry: Registry, parse_expression: Callable[[str], object] | None = None
) -> list[Problem]:
    """Check the fields that connections and reports name, their arguments, and transform expressions.

    Args:
        config: the configuration.
        registry: fields of the simulators; uses of a simulator that is not in it are not checked.
        parse_expression: parses a transform expression, raises UserError or ValueError where it cannot.

    Returns:
        All problems of what is applied in this run; empty when everything is in order.
    """
    findings = [f for use in field_uses(config) if use.simulator in registry for f in _check_use(use, registry)]
    if parse_expression is not None:
        findings += _check_expressions(config, parse_expression)
    return [config.problem(finding) for finding in findings]


def field_uses(config: SimulationConfig) -> Iterator[FieldUse]:
    """Every field that connections and reports name; those of simulators that are off are not looked at."""
    section = config.multiscale_run
    for event, index, connection in section.applied_connections():
        for simulator, key, name, arguments in connection.fields():
            yield FieldUse((SECTION, "connections", event, index), key, simulator, name, arguments)
    for simulator in section.active_simulators:
        reports: Mapping[str, Report] = getattr(section.reports, simulator, {})
        for report_name, report in reports.items():
            place = (SECTION, "reports", simulator, report_name)
            yield FieldUse(place, "src_get_func", simulator, report.src_get_func, report.src_get_kwargs)


def _check_use(use: FieldUse, registry: Registry) -> Iterator[Finding]:
    known = registry[use.simulator]
    place = (*use.place, use.key)
    if use.name not in known:
        usable = [name for name, info in known.items() if (info.readable if use.reads else info.writable)]
        yield unknown_name(place, use.name, f"is not a field of {use.simulator}", usable)
        return
    info = known[use.name]
    if not (info.readable if use.reads else info.writable):
        yield Finding(place, f"this field of {use.simulator} cannot be {'read' if use.reads else 'written'}")
    yield from _check_arguments(use, info)


def _check_arguments(use: FieldUse, info: FieldInfo) -> Iterator[Finding]:
    for name in sorted(info.required.difference(use.arguments)):
        yield Finding(use.arguments_place, f'needs the argument "{name}" of {use.name}')
    for name, value in use.arguments.items():
        place = (*use.arguments_place, name)
        if name not in info.arguments:
            yield unknown_name(place, name, f"is not an argument of {use.name}", info.arguments)
        elif not fits(value, info.arguments[name]):
            yield Finding(place, f"must be {describe(info.arguments[name])}")


def _check_expressions(config: SimulationConfig, parse: Callable[[str], object]) -> Iterator[Finding]:
    for event, index, connection in config.multiscale_run.applied_connections():
        text = connection.transform_expression
        try:
            if text is not None:
                parse(text)
        except (UserError, ValueError, SyntaxError) as error:
            message = str(error).removeprefix(f"transform_expression {text!r}: ")
            yield Finding((SECTION, "connections", event, index, "transform_expression"), message)
