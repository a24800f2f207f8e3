"""The morphologies of the neurons: synthetic ones, or a user's reconstructions, as SWC files of the circuit."""

from dataclasses import dataclass
from pathlib import Path

import morphio
from morphio import Morphology, SectionType

from mpi_coupling import UserError

from . import tables
from .segments import SegmentTable
from .space import stream
from .swc import SwcTree, from_morphio
from .synthetic_neurons import grow_neuron

_FORMATS = (".swc", ".asc", ".h5")


@dataclass(frozen=True)
class NeuronMorphologies:
    """Morphology files of a circuit.

    Attributes:
        names: file names without suffix.
        kinds: kind of each (a table of `morphology_kinds.toml`).
        segments: their segments.
        notes: what the user should know about them.
    """

    names: list[str]
    kinds: list[str]
    segments: SegmentTable
    notes: list[str]

    def of_kind(self, kind: str) -> list[int]:
        """Indices of the morphologies of a kind."""
        return [index for index, own in enumerate(self.kinds) if own == kind]


def write_morphologies(folder: Path, seed: int, reconstructions: Path | None) -> NeuronMorphologies:
    """Write the SWC files of a circuit.

    Reconstructions with an apical dendrite are pyramidal cells, the others interneurons. A kind without any
    reconstruction gets synthetic neurons.

    Args:
        folder: where to write.
        seed: seed of the circuit.
        reconstructions: folder with SWC, ASC or H5 files, or None.

    Raises:
        UserError: the folder is missing or empty, or files in it cannot be used; all of them are named.
    """
    trees = _reconstructed(reconstructions) if reconstructions else {}
    notes = []
    for kind, parameters in tables.read_toml("morphology_kinds").items():
        if any(own == kind for own, _ in trees.values()):
            continue
        if reconstructions:
            notes.append(f"{reconstructions} has no {kind} cell, so these are synthetic.")
        for number in range(parameters["variants"]):
            name = f"synthetic_{kind}_{number}"
            trees[name] = kind, grow_neuron(stream(seed, "morphology", kind, number), parameters)
    for name, (_, tree) in trees.items():
        tree.write(folder / f"{name}.swc")
    segments = SegmentTable.of([Morphology(folder / f"{name}.swc") for name in trees])
    return NeuronMorphologies(list(trees), [kind for kind, _ in trees.values()], segments, notes)


def _reconstructed(folder: Path) -> dict[str, tuple[str, SwcTree]]:
    if not folder.is_dir():
        raise UserError(f"The folder of morphologies {folder} does not exist.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _FORMATS)
    if not paths:
        raise UserError(f"The folder of morphologies {folder} holds no {', '.join(_FORMATS)} file.")
    trees: dict[str, tuple[str, SwcTree]] = {}
    wrong = []
    warnings = morphio.WarningHandlerCollector()
    for path in paths:
        try:
            if path.stem in trees:
                raise ValueError("has the name of another morphology")
            morphology = Morphology(path, options=morphio.Option.nrn_order, warning_handler=warnings)
            trees[path.stem] = _kind(morphology), from_morphio(morphology)
        except (morphio.MorphioError, RuntimeError, OSError, ValueError) as error:
            wrong.append(f"{path.name} ({' '.join(str(error).split())})")
    if wrong:
        raise UserError(f"These morphologies in {folder} cannot be used: {'; '.join(wrong)}. Repair or remove them.")
    return trees


def _kind(morphology: Morphology) -> str:
    types = {section.type for section in morphology.root_sections}
    return "pyramidal" if SectionType.apical_dendrite in types else "interneuron"
