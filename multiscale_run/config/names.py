"""Names of the metabolic network that a configuration mentions: species, inputs, parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

from mpi_coupling.settings.problems import Finding, KeyPath, Problem
from mpi_coupling.world import UserError
from multiscale_run.config.document import SECTION
from multiscale_run.config.registry import field_uses
from multiscale_run.config.simulation_config import SimulationConfig

Kind: TypeAlias = Literal["species", "input", "parameter"]

Resolver: TypeAlias = Callable[[int | str], object]
"""Looks a name or number up; raises UserError, LookupError or ValueError with a sentence where there is none."""

NAMED_BY: dict[tuple[str, str], Kind] = {
    ("get_vm_idx", "idx"): "species",
    ("set_vm_idxs", "idxs"): "species",
    ("get_parameters_idx", "idx"): "input",
    ("set_parameters_idxs", "idxs"): "input",
}
"""What an argument of a metabolism field names."""


def check_names(
    config: SimulationConfig,
    resolve_species: Resolver,
    resolve_input: Resolver,
    resolve_parameter: Resolver | None = None,
) -> list[Problem]:
    """Check the species, inputs and parameters of the metabolic network that the configuration names.

    Args:
        config: the configuration.
        resolve_species: finds a species by name or slot.
        resolve_input: finds an input by name or position.
        resolve_parameter: finds a parameter of the network by name; None: parameters are not checked.

    Returns:
        All problems; empty when everything is in order.
    """
    resolvers: dict[Kind, Resolver | None] = {
        "species": resolve_species,
        "input": resolve_input,
        "parameter": resolve_parameter,
    }
    findings = []
    for kind, place, name in _names(config):
        resolve = resolvers[kind]
        try:
            if resolve is not None:
                resolve(_number_or_name(name))
        except (UserError, LookupError, ValueError, TypeError) as error:
            sentence = error.args[0] if isinstance(error, KeyError) and error.args else error
            findings.append(Finding(place, str(sentence)))
    return [config.problem(finding) for finding in findings]


def _number_or_name(name: Any) -> Any:
    """Keys of JSON objects are always text: a number there means a position."""
    return int(name) if isinstance(name, str) and name.isdecimal() else name


def _names(config: SimulationConfig) -> Iterator[tuple[Kind, KeyPath, Any]]:
    metabolism = config.multiscale_run.metabolism
    place: KeyPath = (SECTION, "metabolism")
    yield from (("input", (*place, "checks", "parameters", name), name) for name in metabolism.checks.parameters)
    yield from (("species", (*place, "checks", "vm", name), name) for name in metabolism.checks.vm)
    yield from (("parameter", (*place, "network_parameters", name), name) for name in metabolism.network_parameters)
    for use in field_uses(config):
        for argument, value in use.arguments.items():
            kind = NAMED_BY.get((use.name, argument))
            if kind is None or use.simulator != "metabolism":
                continue
            where = (*use.arguments_place, argument)
            if isinstance(value, list):
                yield from ((kind, (*where, index), name) for index, name in enumerate(value))
            else:
                yield kind, where, value
