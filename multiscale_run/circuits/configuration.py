"""The JSON files that make HDF5 files a SONATA circuit: circuit_config.json and node_sets.json."""

import json
import os
from pathlib import Path
from typing import Any

from . import astrocytes, chemical_synapses, glial_edges, neurons, tables, vasculature

CIRCUIT_CONFIG = "circuit_config.json"
NODE_SETS = "node_sets.json"
NEURON_MORPHOLOGIES = Path("morphologies/neurons")
ASTROCYTE_MORPHOLOGIES = Path("morphologies/astrocytes")
CELL_TEMPLATES = Path("hoc")
MICRODOMAINS = Path("nodes/microdomains.h5")

_NODE_PROPERTIES: dict[str, dict[str, Any]] = {
    neurons.POPULATION: {
        "type": "biophysical",
        "morphologies_dir": f"$BASE_DIR/{NEURON_MORPHOLOGIES}",
        "biophysical_neuron_models_dir": f"$BASE_DIR/{CELL_TEMPLATES}",
    },
    astrocytes.POPULATION: {
        "type": "astrocyte",
        "alternate_morphologies": {"h5v1": f"$BASE_DIR/{ASTROCYTE_MORPHOLOGIES}"},
        "microdomains_file": f"$BASE_DIR/{MICRODOMAINS}",
    },
    # libsonata insists on these two keys, nothing here needs the files
    vasculature.POPULATION: {"type": "vasculature", "vasculature_file": "none", "vasculature_mesh": "none"},
}
_EDGE_PROPERTIES: dict[str, dict[str, Any]] = {
    chemical_synapses.POPULATION: {"type": "chemical"},
    glial_edges.NEUROGLIAL: {"type": "synapse_astrocyte"},
    glial_edges.GLIALGLIAL: {"type": "glialglial"},
    glial_edges.GLIOVASCULAR: {"type": "endfoot", "endfeet_meshes_file": "none"},
}


def nodes_file(population: str) -> Path:
    """File of a node population, relative to the data of the circuit."""
    return Path("nodes") / f"{population}.h5"


def edges_file(population: str) -> Path:
    """File of an edge population, relative to the data of the circuit."""
    return Path("edges") / f"{population}.h5"


def write_configuration(folder: Path, data: Path | None = None) -> Path:
    """Write circuit_config.json and node_sets.json.

    Args:
        folder: where the two files go.
        data: folder of the circuit's data, `folder` itself by default. It is stored relative to `folder`.

    Returns:
        The path of circuit_config.json.
    """
    base = Path(os.path.relpath(data or folder, folder)).as_posix()
    config = {
        "version": 2.3,
        "manifest": {"$BASE_DIR": base if base == "." else f"./{base}"},
        "node_sets_file": NODE_SETS,
        "networks": {
            "nodes": [
                {"nodes_file": f"$BASE_DIR/{nodes_file(name)}", "populations": {name: properties}}
                for name, properties in _NODE_PROPERTIES.items()
            ],
            "edges": [
                {"edges_file": f"$BASE_DIR/{edges_file(name)}", "populations": {name: properties}}
                for name, properties in _EDGE_PROPERTIES.items()
            ],
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / NODE_SETS, node_sets())
    return _write_json(folder / CIRCUIT_CONFIG, config)


def node_sets() -> dict[str, Any]:
    """Node sets: everything, the populations, the synapse classes, and each layer, mtype and etype of the tables."""
    types = tables.neuron_types()
    population = {"population": neurons.POPULATION}
    sets: dict[str, Any] = {
        "All": ["Neurons", "Astrocytes"],
        "Neurons": population,
        "Astrocytes": {"population": astrocytes.POPULATION},
        "Excitatory": population | {"synapse_class": "EXC"},
        "Inhibitory": population | {"synapse_class": "INH"},
    }
    sets |= {f"Layer{row.layer}": population | {"layer": str(row.layer)} for row in tables.layers()}
    sets |= {row.mtype: population | {"mtype": row.mtype} for row in types}
    sets |= {row.etype: population | {"etype": row.etype} for row in types}
    return sets


def _write_json(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path
