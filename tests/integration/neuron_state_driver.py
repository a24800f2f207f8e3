"""Runs the neurons of a simulation alone, saves and restores their state; started by test_neuron_state.py.

Arguments: folder of the simulation, folder for what is found, folder of the state to resume from or "new", then times
in ms. At each, the state is saved if a "!" follows, and then something is written into the model, as metabolism does. A
resumed run names the time of the saved state first. "event" in place of a time saves with a Python event pending.
"""

import sys
from pathlib import Path

import numpy as np

from mpi_coupling.clock import Clock
from mpi_coupling.world import World

WORLD = World.start()  # before anything that imports NEURON

from multiscale_run.config import load_config  # noqa: E402
from multiscale_run.simulators.endfeet import Endfeet  # noqa: E402
from multiscale_run.simulators.mechanism_values import random_streams, range_values  # noqa: E402
from multiscale_run.simulators.neuron_state import neuron_state, restore_neuron_state  # noqa: E402
from multiscale_run.simulators.neurons import NeuronSimulator  # noqa: E402

VARIABLES = ("v", "nai", "ki", "ko", "cai", "atpi", "adpi", "ina", "density_nakpump")


def main(folder: Path, results: Path, origin: str, *stops: str) -> None:
    config = load_config(folder)
    WORLD.on_root(lambda: [path.mkdir(parents=True, exist_ok=True) for path in (results, config.output_dir)])
    clock = Clock.from_config(config.run.dt, config.run.tstop)
    neurons = NeuronSimulator(config, WORLD, clock)
    endfeet = Endfeet(config, neurons._neurodamus, neurons.h)
    if origin == "new":
        neurons.set_var(0.9 + 0.02 * neurons.alive.neuron_ids, var="density_nakpump")
        neurons.restart()
    else:
        restore_neuron_state(neurons.h, Path(origin, f"state.{WORLD.rank}").read_bytes())
        neurons._tick = round(neurons.h.t / config.run.dt)
    for stop in stops:
        if stop == "event":
            neurons.h.cvode.event(neurons.h.t + 1, lambda: None)
            neuron_state(neurons.h)
        now = float(stop.rstrip("!"))
        neurons.advance(round(now / config.run.dt))
        if stop.endswith("!"):
            Path(results, f"state.{WORLD.rank}").write_bytes(neuron_state(neurons.h))
        np.savez(results / f"{now:g}.{WORLD.rank}.npz", **found(neurons, endfeet))
        write_as_metabolism_does(neurons, now)


def write_as_metabolism_does(neurons: NeuronSimulator, now: float) -> None:
    ids = neurons.alive.neuron_ids
    neurons.set_var(1.3 + 0.01 * ids + 1e-4 * now, var="atpi")
    neurons.set_var(0.03 + 0.001 * ids, var="adpi")
    neurons.set_var(3.0 + 0.05 * ids + 1e-3 * now, var="kbath_ionpools")


def found(neurons: NeuronSimulator, endfeet: Endfeet) -> dict[str, np.ndarray]:
    """Everything that can be read from the model of this rank."""
    h = neurons.h
    spikes = [np.array(vector) for pair in neurons._neurodamus._spike_vecs for vector in pair]
    return {
        **{variable: neurons.get_var(var=variable, windowed=False).values for variable in VARIABLES},
        "all": range_values(h),
        "nodes": np.array([section(x).v for section in h.allsec() for x in (0, 1)]),
        "weights": np.array([netcon.weight[i] for netcon in h.List("NetCon") for i in range(int(netcon.wcnt()))]),
        "draws": np.array([stream.get_seq() for stream in random_streams(h)]),
        "radii": endfeet.radii(),
        "glutamate": np.array([receiver.glut for receiver in h.List("GlutReceive")]),
        "spike_times": spikes[0] if len(spikes) == 2 else np.concatenate(spikes[::2]),
        "spike_gids": spikes[1] if len(spikes) == 2 else np.concatenate(spikes[1::2]),
        "clocks": np.array([h.t, h.ParallelContext().t(0)]),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
