"""Small NEST simulations, one per process: ``python scenarios.py <name> <result.npz> [<JSON arguments>]``.

NEST has one kernel per process, which also remembers thread numbers and random streams; and tests must not share it.
"""

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mpi_coupling.failure import UserError
from tvb_nest.nest_side import session
from tvb_nest.nest_side.devices import Recorder
from tvb_nest.nest_side.exchange import Kernel
from tvb_nest.nest_side.nest_with_mpi import find
from tvb_nest.nest_side.network import SpikingNetwork
from tvb_nest.nest_side.output_files import RecorderFile
from tvb_nest.nest_side.own_model import load_own_model
from tvb_nest.nest_side.parameters import (
    BackgroundParameters,
    ConnectionParameters,
    NetworkParameters,
    PopulationParameters,
    RecordingParameters,
    StimulusParameters,
)
from tvb_nest.nest_side.spawned_network import SpawnedNetwork
from tvb_nest.transform.to_spikes import RateToSpikes

DT = 0.1
SILENT = BackgroundParameters(poisson=False)
BOTH = ("excitatory", "inhibitory")


class Brain:
    """Three regions; only region 2 hears region 0, 1.7 ms later."""

    speed = 2.0
    weights = np.zeros((3, 3))
    weights[2, 0] = 0.25
    lengths = np.full((3, 3), 9.0)
    lengths[2, 0] = 3.4

    def delays(self, dt):
        return np.rint(self.lengths / self.speed / dt).astype(int)


def parrots(size, external_input, **changes):
    """A network whose neurons repeat each spike they get, one delay later."""
    neurons = PopulationParameters(size, 0.2, "parrot_neuron", {}, {})
    values = {
        "populations": neurons,
        "connections": ConnectionParameters(p_connect=0.0),
        "background": SILENT,
        "recorded_populations": BOTH,
        "external_input": external_input,
    }
    return NetworkParameters(**(values | changes))


def neurons(external_input="rates", delay_local=None, **changes):
    """A network of AdEx neurons with everything random that NEST has."""
    values = {
        "populations": PopulationParameters(100, sigma_V_0=5.0, mean_w_0=5.0, sigma_I_ext=10.0),
        "connections": ConnectionParameters(g=5.0, p_connect=0.1, delay_local=delay_local, nb_external_synapse=40),
        "background": BackgroundParameters(
            rate_ex=500.0, rate_in=5.0, noise=True, sigma_noise=50.0, weight_poisson=1.1
        ),
        "recorded_populations": BOTH,
        "external_input": external_input,
    }
    return NetworkParameters(**(values | changes))


def opened(*arguments, threads=1, ranks=0, **options):
    """A network in this process, or in so many others."""
    if ranks:
        return SpawnedNetwork(*arguments, ranks=ranks, python=find(), **options)
    return SpikingNetwork(*arguments, threads=threads, **options)


def by_window(network, windows, feed):
    """Run windows; spikes of all as (times, neurons, regions)."""
    network.prepare()
    found = []
    for n_steps in windows:
        feed(network, n_steps)
        network.run(n_steps)
        for region in network.regions:
            times, fired = network.spikes(region.index)
            found.append((times, fired, np.full(len(times), region.index)))
    times, fired, regions = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((fired, regions, times))
    return {"times": times[order], "neurons": fired[order], "regions": regions[order]}


def rate_profile(threads, windows):
    """Rates that are zero at two steps of three."""
    profile = np.tile([[0.0, 4000.0], [6000.0, 0.0], [0.0, 0.0]], (sum(windows) // 3, 1))

    def feed(network, n_steps):
        network.set_rates(network.step, profile[network.step : network.step + n_steps])

    with SpikingNetwork(parrots(500, "rates"), [4, 9], threads=threads) as network:
        return by_window(network, windows, feed) | {"profile": profile}


def background(rate, rate_ex, weight_poisson):
    """Rates and background through the same or through other synapses."""
    values = parrots(500, "rates", background=BackgroundParameters(rate_ex=rate_ex, weight_poisson=weight_poisson))
    with SpikingNetwork(values, [0]) as network:
        return by_window(network, [500] * 2, lambda n, steps: n.set_rates(n.step, np.full((steps, 1), rate)))


def windows(windows, folder, delay_local=None, **where):
    """A network with everything, run in the given windows."""
    recordings = (RecordingParameters("all", 0, 200), RecordingParameters("state", 0, 9, ("V_m", "w"), 0.5))
    profile = np.abs(np.random.default_rng(1).normal(300, 200, (sum(windows), 2)))

    def feed(network, n_steps):
        network.set_rates(network.step, profile[network.step : network.step + n_steps])

    values = neurons(delay_local=delay_local, recordings=recordings)
    with opened(values, [0, 2], Brain(), folder=Path(folder), **where) as network:
        return by_window(network, windows, feed)


def spikes_into_neurons(windows, folder, **where):
    """The same network with correlated spikes, as a transformer draws them."""
    recordings = (RecordingParameters("all", 0, 200), RecordingParameters("state", 95, 105, ("V_m", "g_ex"), 0.3))
    to_spikes = RateToSpikes([100, 100], 40, 0.1, DT, seed=3)

    def feed(network, n_steps):
        network.set_spikes(network.step, to_spikes(network.step, np.full((n_steps, 2), 0.012)))

    with opened(neurons("spikes", recordings=recordings), [0, 2], Brain(), folder=Path(folder), **where) as network:
        return by_window(network, windows, feed) | {"min_delay": network.min_delay_steps}


def spikes_in(n_neurons=30, **where):
    """Given spikes, several in a step, not sorted; sent and received."""
    rng = np.random.default_rng(5)
    sent = []

    def feed(network, n_steps):
        trains = []
        for region in network.regions:
            size = 0 if rng.random() < 0.1 else int(rng.integers(1, 4 * n_neurons))
            fired, steps = rng.integers(0, n_neurons, size), network.step + rng.integers(1, n_steps + 1, size)
            trains.append((fired, steps * DT))
            sent.append((steps, fired, np.full(size, region.index)))
        network.set_spikes(network.step, trains)

    values = parrots(n_neurons, "spikes", connections=ConnectionParameters(p_connect=0.0, delay_local=0.4))
    with opened(values, [1, 7], **where) as network:
        found = by_window(network, [20] * 25, feed)
    steps, fired, regions = (np.concatenate(part) for part in zip(*sent, strict=True))
    order = np.lexsort((fired, regions, steps))
    return found | {"sent_steps": steps[order], "sent_neurons": fired[order], "sent_regions": regions[order]}


def by_population():
    """One spike into each neuron; who is heard under which name."""
    with SpikingNetwork(parrots(10, "spikes"), [3, 5]) as network:
        network.prepare()
        network.set_spikes(0, [(np.arange(10), np.full(10, 0.2))] * 2)
        network.run(10)
        return {str(name): network.spikes(5, name)[1] for name in (None, *BOTH)}


def wrong_input(folder):
    """What is refused in place of a silent wrong result."""
    errors = {}

    def attempt(name, call, *arguments):
        try:
            call(*arguments)
        except (UserError, ValueError, RuntimeError) as error:
            errors[name] = f"{type(error).__name__}: {error}"

    attempt_windows(attempt)
    attempt_parameters(attempt)
    attempt_own_models(attempt, Path(folder) / "own.py")
    return {"errors": json.dumps(errors)}


def attempt_windows(attempt):
    """Windows and calls that do not fit the network."""
    some = np.array([0]), np.array([0.1])
    with SpikingNetwork(parrots(10, "rates"), [3]) as network:
        attempt("not prepared", network.run, 10)
        network.prepare()
        attempt("no rates", network.run, 10)
        network.set_rates(0, np.ones((10, 1)))
        attempt("rates too short", network.run, 11)
        attempt("other window", network.set_rates, 20, np.ones((10, 1)))
        attempt("negative", network.set_rates, 0, np.array([[1.0], [-2.0]]))
        attempt("not a number", network.set_rates, 0, np.array([[np.nan]]))
        attempt("shape", network.set_rates, 0, np.ones((10, 2)))
        attempt("kind", network.set_spikes, 0, [some])
        attempt("second network", SpikingNetwork, parrots(10, "none"), [1])
        network.run(10)  # none of these harmed it
        attempt("not recorded", network.spikes, 3, "third")
    with SpikingNetwork(parrots(10, "spikes"), [3]) as network:
        network.prepare()
        attempt("regions", network.set_spikes, 0, [some, some])
        attempt("off grid", network.set_spikes, 0, [(np.array([0]), np.array([0.15]))])
        attempt("neuron", network.set_spikes, 0, [(np.array([10]), np.array([0.1]))])
        attempt("past", network.set_spikes, 0, [(np.array([1]), np.array([0.0]))])
    with SpikingNetwork(neurons("none", delay_local=0.5), [3]) as network:
        network.prepare()
        network.run(7)
        attempt("inside a slice", network.run, 5)


def attempt_parameters(attempt):
    """Parameters that no network can be made of."""
    attempt(
        "model", SpikingNetwork, NetworkParameters(populations=PopulationParameters(10, neuron_type="aeif_cnd")), [0]
    )
    values = PopulationParameters(10, excitatory={"tau_W": 1.0})
    attempt("parameter", SpikingNetwork, NetworkParameters(populations=values), [0])
    values = PopulationParameters(10, excitatory={"C_m": -1.0})
    attempt("value", SpikingNetwork, NetworkParameters(populations=values), [0])
    attempt(
        "adaptation",
        SpikingNetwork,
        parrots(10, "none", populations=PopulationParameters(10, 0.2, "parrot_neuron", {}, {}, mean_w_0=1.0)),
        [0],
    )
    attempt("recording", SpikingNetwork, parrots(10, "none", recordings=(RecordingParameters("x", 5, 11),)), [0])
    attempt("variable", SpikingNetwork, neurons("none", recordings=(RecordingParameters("x", 0, 1, ("v",)),)), [0])
    attempt("target", SpikingNetwork, neurons("none", stimuli=(StimulusParameters(1.0, 0.0, 1.0, 5),)), [0, 2])
    attempt("population", SpikingNetwork, parrots(10, "none", recorded_populations=("exc",)), [0])


def attempt_own_models(attempt, own):
    """Mistakes in a user's own model, written to the file `own`."""

    def attempt_own(name, text):
        own.write_text(text)
        attempt(name, partial(SpikingNetwork, own_model=load_own_model(own)), parrots(10, "none"), [0])

    attempt_own("own nodes", "def populations(nest, parameters, region):\n    return {'excitatory': [1, 2]}\n")
    attempt_own("own resolution", "def kernel(settings):\n    return settings | {'resolution': 0.2}\n")
    attempt_own("own setting", "def kernel(settings):\n    return settings | {'resolutoin': 0.2}\n")
    attempt_own(
        "own device", "def devices(nest, parameters, populations):\n    return {'dc': nest.Create('dc_generator')}\n"
    )


def spawned_errors(ranks, folder):
    """Errors of the processes of NEST, of their user's files, and of the input, seen from here."""
    errors, own = {}, Path(folder) / "own.py"
    open_network = partial(opened, ranks=ranks)

    def attempt(name, call, *arguments, **options):
        try:
            call(*arguments, **options)
        except (UserError, ValueError, RuntimeError) as error:
            errors[name] = f"{type(error).__name__}: {error}"

    def attempt_own(name, text, call=open_network):
        own.write_text(text)
        attempt(name, call, parrots(10, "none"), [0], own_model=load_own_model(own))

    def run_own(*arguments, **options):
        network = open_network(*arguments, **options)
        network.prepare()
        network.run(10)

    attempt("model", open_network, parrots(10, "none", populations=PopulationParameters(10, 0.2, "aeif_cnd")), [0])
    values = parrots(10, "none", populations=PopulationParameters(10, excitatory={"C_m": -1.0}))
    attempt("value", open_network, values, [0])
    attempt_own("own threads", "def kernel(settings):\n    return settings | {'local_num_threads': 2}\n")
    simulate = "def simulate(nest, parameters, start, stop):\n    if start == 0:\n        1 / 0\n"
    attempt_own("own simulate", simulate, run_own)
    with open_network(parrots(10, "rates"), [3]) as network:
        network.prepare()
        attempt("no rates", network.run, 10)
        attempt("negative", network.set_rates, 0, np.array([[1.0], [-2.0]]))
    with open_network(neurons("none", delay_local=0.5), [3]) as network:
        network.prepare()
        network.run(7)
        attempt("inside a slice", network.run, 5)
    return {"errors": json.dumps(errors)}


def links(threads):
    """Every excitatory neuron of three regions fires once; who hears it, and when."""
    synapses = ConnectionParameters(p_connect=0.0, nb_external_synapse=40)
    values = parrots(50, "spikes", connections=synapses)

    def feed(network, n_steps):
        if network.step == 0:
            network.set_spikes(0, [(np.arange(40), np.full(40, 0.5))] * 3)

    with SpikingNetwork(values, [0, 1, 2], Brain(), threads=threads) as network:
        return by_window(network, [10] * 5, feed)


def inside(p_connect):
    """Every excitatory neuron fires once; the in-degree of all neurons."""
    synapses = ConnectionParameters(p_connect=p_connect, delay_local=1.0)
    with SpikingNetwork(parrots(50, "spikes", connections=synapses), [0]) as network:
        return by_window(network, [25], lambda n, steps: n.set_spikes(0, [(np.arange(40), np.full(40, 0.5))]))


def values(seed, threads):
    """Currents, potentials and adaptation at the beginning."""
    sizes = PopulationParameters(2000, 0.2, mean_I_ext=20.0, sigma_I_ext=3.0, sigma_V_0=4.0, mean_w_0=6.0)
    synapses = ConnectionParameters(p_connect=0.0)
    with SpikingNetwork(
        NetworkParameters(populations=sizes, connections=synapses, background=SILENT),
        [0, 1],
        seed=seed,
        threads=threads,
    ) as network:
        return {
            f"{region.index} {name} {key}": np.array(nodes.get(key))
            for region in network.regions
            for name, nodes in region.populations.items()
            for key in ("I_e", "V_m", "w")
        }


def current_step(kind):
    """The potential of a leaky neuron with exact solution, during a stimulus or a constant current."""
    leaky = {"C_m": 250.0, "tau_m": 10.0, "E_L": -70.0, "V_th": 1000.0}
    step = StimulusParameters(amplitude=100.0, start=5.0, duration=10.0, target=7, population="inhibitory")
    changes = {"stimuli": (step,)} if kind == "stimulus" else {"background": replace(SILENT, dc=100.0)}
    values = NetworkParameters(
        populations=PopulationParameters(10, 0.2, "iaf_psc_exp", leaky, leaky),
        connections=ConnectionParameters(p_connect=0.0),
        **({"background": SILENT} | changes),
    )
    with SpikingNetwork(values, [3, 7]) as network:
        network.prepare()
        potentials = []
        for _ in range(300):
            network.run(1)
            potentials.append([list(region.nodes.V_m) for region in network.regions])
    return {"V_m": np.array(potentials)}


def own_model(folder):
    """A user's file with all five steps; its recorders end up in files."""
    own = load_own_model(Path(folder) / "own.py")
    values = parrots(10, "spikes", recorded_populations=("excitatory",))
    with SpikingNetwork(values, [2, 6], own_model=own, folder=Path(folder) / "nest") as network:
        found = by_window(
            network, [10, 10], lambda n, steps: n.set_spikes(n.step, [([0, 1], [n.step * DT + 0.2] * 2)] * 2)
        )
        return found | {"dt": network.dt, "sizes": network.n_neurons}


def ascii_table(folder):
    """The same recordings written by NEST and by us."""
    nest = session.import_nest()
    nest.set(data_path=folder, overwrite_files=True, data_prefix="nest_")
    cells = nest.Create("iaf_psc_exp", 5, params={"I_e": nest.random.uniform(400.0, 600.0)})
    kinds = {"spikes": ("spike_recorder", {}), "state": ("multimeter", {"record_from": ["V_m", "I_syn_ex"]})}
    recorders = []
    for label, (model, parameters) in kinds.items():
        for backend in ("ascii", "memory"):
            node = nest.Create(model, params=parameters | {"record_to": backend, "label": label})
            nest.Connect(*((cells, node) if model == "spike_recorder" else (node, cells)))
        recorders.append((label, node, tuple(parameters.get("record_from", ()))))
    nest.Simulate(100.0)
    for recorder in recorders:
        file = RecorderFile(Path(folder), Recorder(*recorder), nest.__version__)
        file.append(Kernel())
        file.close()
    return {}


def kernel_facts(folder):
    """The properties of NEST that this package is built round; a new NEST that changes one must be noticed."""
    nest = session.import_nest()
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(data_path=folder, overwrite_files=True, resolution=DT)
    poisson = nest.Create("poisson_generator", params={"rate": 0.0})
    inhomogeneous = nest.Create("inhomogeneous_poisson_generator", 2)
    cells = [nest.Create("parrot_neuron", 100) for _ in range(2)]
    memory, table = (
        nest.Create("spike_recorder", 2),
        nest.Create("spike_recorder", params={"record_to": "ascii", "label": "t"}),
    )
    nest.Connect(poisson, cells[0])
    nest.Connect(inhomogeneous[0], cells[1])
    nest.Connect(cells[0], memory[0])
    nest.Connect(cells[1], memory[1])
    nest.Connect(cells[1], table)
    empty_type = str(memory[0].events["senders"].dtype)
    nest.Prepare()
    nest.Run(10.0)
    poisson.rate = 1000.0
    inhomogeneous[0].set(rate_times=[10.1], rate_values=[1000.0])
    nest.Run(10.0)
    until_now = memory.n_events
    try:
        memory[1].n_events = 0
        refused = ""
    except nest.NESTError as error:
        refused = str(error)
    nest.Cleanup()
    lines = [len((Path(folder) / f"t-{table.global_id}-0.dat").read_text().splitlines())]
    nest.Prepare()
    lines.append(len((Path(folder) / f"t-{table.global_id}-0.dat").read_text().splitlines()))
    nest.Run(10.0)
    nest.Cleanup()
    return {
        "until_now": until_now, "after_prepare": memory.n_events, "refused": refused, "lines": lines,
        "empty_type": empty_type, "with_mpi": nest.build_info["have_mpi"], "backends": nest.recording_backends,
    }  # fmt: skip


if __name__ == "__main__":
    name, file, arguments = sys.argv[1:]
    np.savez(file, **globals()[name](**json.loads(arguments)))
