"""Import of an SBML model as a network."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..network import Network, NetworkError
from .assembly import Assembly
from .model_reader import read_model

_SHOWN_PROBLEMS = 10


@dataclass(frozen=True)
class Imported:
    """A network and what the user should know about its import.

    Attributes:
        network: its variant is ``standard``.
        remarks: assumptions that were made.
    """

    network: Network
    remarks: tuple[str, ...]

    @property
    def message(self) -> str:
        """What was read, in one line, and a line for every remark."""
        network = self.network
        equations = len(network.dynamic_slots)
        counts = {
            "equations": equations,
            "constant species": len(network.species) - equations,
            "rates": len(network.rates),
            "parameters": len(network.parameters),
            "inputs": len(network.inputs),
        }
        return "\n".join([", ".join(f"{count} {kind}" for kind, count in counts.items()), *self.remarks])


def import_sbml(path: Path | str, inputs: Collection[str] = ()) -> Imported:
    """Read an SBML file, of any level, as a network.

    Species that reactions or rate rules change become dynamic species in the unit of their symbol (mostly a
    concentration), all others constant ones. A kinetic law becomes a rate. Equations are per second whatever the
    model's unit of time.

    Args:
        path: the file.
        inputs: constants of the model that are given per cell and call; those of an exported file are known already.

    Raises:
        UserError: libSBML (extra ``sbml``) is not installed.
        NetworkError: the file is wrong, or uses events, delays, piecewise or other things that a network cannot hold;
            all of them are named. An input is no constant of the model.
    """
    source = Path(path)
    try:
        contents = read_model(source)
        assembly = Assembly(contents, inputs)
        network = assembly.network()
    except RecursionError:
        raise NetworkError(f"{source}: a formula is nested too deeply; split it into assignment rules") from None
    problems = [*dict.fromkeys(assembly.problems)]
    if problems:
        more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise NetworkError(f"{source}: {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}; set them in the model")
    return Imported(network, contents.remarks)
