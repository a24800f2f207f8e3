"""A circuit, node sets and a folder in which BlueConfigs are converted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import libsonata
import pytest

from multiscale_run.blueconfig import Conversion, Entry, convert, write_conversion

RUN = """
Run Default
{
    Duration 100
    Dt 0.025
    OutputRoot output
    CircuitTarget Mosaic
}
"""

CIRCUIT = {
    "networks": {
        "nodes": [
            {"nodes_file": "nodes.h5", "populations": {"All": {"type": "biophysical"}}},
            {"nodes_file": "glia.h5", "populations": {"astrocytes": {"type": "astrocyte"}}},
        ],
        "edges": [
            {"edges_file": "edges.h5", "populations": {"All__All__chemical": {}}},
            {"edges_file": "vpm/edges.h5", "populations": {"VPM__All__chemical": {"type": "chemical"}}},
            {
                "edges_file": "neuroglial.h5",
                "populations": {"astrocytes__All__synapse_astrocyte": {"type": "synapse_astrocyte"}},
            },
        ],
    }
}

NODE_SETS = {"Mosaic": {"population": "All"}, "Layer5": {"layer": 5}, "Both": ["Mosaic", "Layer5"]}


@dataclass
class Folder:
    """A folder with a circuit and node sets."""

    path: Path

    def convert(self, text: str, run: str = RUN, **options) -> Conversion:
        """Convert a BlueConfig: a block Run, and the blocks of a test."""
        blueconfig = self.path / "BlueConfig"
        blueconfig.write_text(run + text)
        names = (self.path / name for name in ("circuit_config.json", "sim.json", "node_sets.json"))
        return convert(*names, blueconfig, **options)

    def read_back(self, conversion: Conversion) -> libsonata.SimulationConfig:
        """Write the conversion and let libsonata read the file."""
        write_conversion(conversion, self.path / "sim.json")
        return libsonata.SimulationConfig.from_file(str(self.path / "sim.json"))


@pytest.fixture
def folder(tmp_path) -> Folder:
    (tmp_path / "circuit_config.json").write_text(json.dumps(CIRCUIT))
    (tmp_path / "node_sets.json").write_text(json.dumps(NODE_SETS))
    return Folder(tmp_path)


@pytest.fixture
def entry():
    """Finds what became of a key, or of a block as a whole."""

    def find(conversion: Conversion, block: str, key: str = "") -> Entry:
        found = [e for e in conversion.entries if (e.block, e.key) == (block, key)]
        assert len(found) == 1, f"{block} {key}: {found}"
        return found[0]

    return find
