"""Runs a circuit in neurodamus and writes what it found as JSON; started by test_circuits_neurodamus.py.

Arguments: folder of the circuit (with simulation_config.json), time in ms, file to write.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from mpi_coupling import World, abort_on_error
from multiscale_run.mechanisms.library import activate, mechanism_library

WORLD = World.start()  # before anything that imports NEURON
activate(mechanism_library())

import numpy as np  # noqa: E402
from neurodamus import Neurodamus, ngv  # noqa: E402
from neuron import h  # noqa: E402


def main(folder: Path, stop: float, result: Path) -> None:
    model = Neurodamus(
        str(folder / "simulation_config.json"), logging_level=1, lb_mode="RoundRobin", disable_reports=True
    )
    abort_on_error(WORLD)  # neurodamus has put its own hook in place
    manager = model.circuits.get_node_manager("neurons")
    connections = list(model.circuits.get_edge_managers("neurons", "neurons")[0].all_connections())
    offset = manager.local_nodes.offset
    synapses, crossings, recorders = {}, {}, []
    for connection in connections:
        for number, synapse in enumerate(connection.synapses):
            row = int(connection.synapses_offset) + number
            synapses[row] = int(connection.sgid - offset), int(connection.tgid - offset)
            if hasattr(synapse, "Ustate"):
                crossings[row] = h.Vector()
                section = synapse.get_segment().sec
                recorder = h.NetCon(synapse._ref_Ustate, None, 0, 0, 1, sec=section)
                recorder.record(crossings[row])
                recorders.append(recorder)
    model.solve(stop)
    glia = model.circuits.get_node_manager("astrocytes")
    vessels = model.circuits.get_edge_manager("vasculature", "astrocytes", ngv.GlioVascularManager)
    astrocytes = {
        int(gid): {
            "heard": {int(section): round(receiver.glut) for section, receiver in cell._gluts.items()},
            "endfeet": len(list(cell.endfeet)),
            "radii": [(s(0.5).vascouplingB.R0pas, s(0.5).vascouplingB.Rad) for s in cell.endfeet],
            "edges": vessels._gliovascular.afferent_edges(gid - vessels._gid_offset).flat_size,
        }
        for gid, cell in glia.gid2cell.items()
    }
    found = {
        "synapses": synapses,
        "releases": {row: int(vector.size()) for row, vector in crossings.items()},
        "astrocytes": astrocytes,
        "segments": {int(cell.gid - offset): sum(s.nseg for s in cell.CellRef.all) for cell in manager.cells},
        "spikes": [
            [int(gid) - population_offset, float(time)]
            for (times, gids), (_, population_offset) in zip(model._spike_vecs, model._spike_populations, strict=True)
            for time, gid in zip(np.array(times), np.array(gids), strict=True)
        ],
    }
    gathered = WORLD.comm.gather(found)
    if gathered:
        merged = {key: merge([part[key] for part in gathered]) for key in found}
        result.write_text(json.dumps(merged), encoding="utf-8")


def merge(parts: list) -> dict | list:
    if isinstance(parts[0], list):
        return sorted(item for part in parts for item in part)
    keys = Counter(key for part in parts for key in part)
    assert not keys or max(keys.values()) == 1, "a node or an edge is on two ranks"
    return {key: value for part in parts for key, value in part.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
