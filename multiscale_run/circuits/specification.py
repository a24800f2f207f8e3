"""What circuit to build: the specification a user gives, and the named ones the product ships."""

import dataclasses
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from mpi_coupling import UserError

from . import tables

_LARGEST_POPULATION = 900_000  # neurodamus reserves global ids from 1e6 on for synapses
_SMALLEST_BOX_UM = 50.0


@dataclass(frozen=True)
class CircuitSpec:
    """A synthetic neuro-glia-vascular circuit in a cube, with the pia at the top (largest y).

    Attributes:
        neurons: number of neurons.
        size_um: edge of the cube in um; None derives it from `neuron_density_per_mm3`.
        seed: seed of every random choice; the same seed gives the same bytes.
        morphologies: folder of SWC, ASC and H5 reconstructions to use in place of synthetic neurons.
        astrocytes: number of astrocytes; None gives one per three neurons, at least two.
        excitatory_fraction: share of excitatory neurons.
        connection_scale: factor on every connection probability.
        layers: cortical layers that fill the cube from top to bottom, in proportion to their thickness.
        neuron_density_per_mm3: density when `size_um` is None. The default is about a tenth of rat cortex, so that
            a thousand neurons already span the reach of dendrites and capillaries.
    """

    neurons: int = 10
    size_um: float | None = None
    seed: int = 1
    morphologies: Path | None = None
    astrocytes: int | None = None
    excitatory_fraction: float = 0.8
    connection_scale: float = 1.0
    layers: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    neuron_density_per_mm3: float = 10_000.0

    def __post_init__(self) -> None:
        known = {row.layer for row in tables.layers()}
        checks = (
            ("neurons", 1 <= self.neurons <= _LARGEST_POPULATION, f"from 1 to {_LARGEST_POPULATION}"),
            ("size_um", self.size_um is None or self.size_um >= _SMALLEST_BOX_UM, f"at least {_SMALLEST_BOX_UM} um"),
            ("seed", self.seed >= 0, "zero or more"),
            # neurodamus does not shift the ids after a population that holds only node 0
            ("astrocytes", self.astrocytes is None or 2 <= self.astrocytes <= _LARGEST_POPULATION, "two or more"),
            ("excitatory_fraction", 0 <= self.excitatory_fraction <= 1, "from 0 to 1"),
            ("connection_scale", self.connection_scale >= 0, "zero or more"),
            ("layers", bool(self.layers) and set(self.layers) <= known, f"a selection of {sorted(known)}"),
            ("neuron_density_per_mm3", self.neuron_density_per_mm3 > 0, "positive"),
        )
        wrong = [f"{name} is {getattr(self, name)}, allowed: {allowed}" for name, valid, allowed in checks if not valid]
        if wrong:
            raise UserError("This circuit cannot be built: " + "; ".join(wrong) + ".")

    @property
    def edge_um(self) -> float:
        """Edge of the cube in um."""
        if self.size_um is not None:
            return float(self.size_um)
        return max(1e3 * (self.neurons / self.neuron_density_per_mm3) ** (1 / 3), _SMALLEST_BOX_UM)

    @property
    def astrocyte_count(self) -> int:
        """Number of astrocytes."""
        if self.astrocytes is not None:
            return self.astrocytes
        placement = tables.read_toml("glia")["placement"]
        return max(placement["minimum"], round(self.neurons / placement["neurons_per_astrocyte"]))


def circuit_names() -> list[str]:
    """Names of the circuits the product ships."""
    return list(_named_circuits())


def named_circuit(name: str, **changes: Any) -> CircuitSpec:
    """The specification of a named circuit, with some fields changed.

    Raises:
        UserError: there is no circuit of that name.
    """
    circuits = _named_circuits()
    if name not in circuits:
        raise UserError(f"There is no circuit named {name!r}; allowed: {', '.join(circuits)}.")
    return dataclasses.replace(circuits[name], **changes)


def _named_circuits() -> dict[str, CircuitSpec]:
    text = (files(__package__) / "circuits.toml").read_text(encoding="utf-8")
    circuits: dict[str, dict[str, Any]] = tomllib.loads(text)
    return {
        name: CircuitSpec(**{**table, "layers": tuple(table.get("layers", CircuitSpec.layers))})
        for name, table in circuits.items()
    }
