"""Currents and spikes into NEST and spikes out of it through its MPI backends, beside a twin that has them in memory.

``python backend_matrix.py <result.npz> <JSON arguments>`` is the owner; the processes that it starts run this as well.
Nothing is random in NEST here, so that the twins must agree to the last bit.
"""

import json
import sys

import numpy as np
from mpi4py import MPI

from mpi_coupling.workers import WorkerFailed, Workers, serve
from tvb_nest.nest_side.backends import GeneratorPort, RecorderPort
from tvb_nest.nest_side.nest_with_mpi import find

DT = 0.1
DEVICES = 6
WINDOWS = 3
WINDOW_MS = 200.0
LEAKY = {"C_m": 250.0, "tau_m": 10.0, "E_L": -70.0, "V_th": 1000.0}
KINDS = ("mpi", "memory")


def current_steps(device, window):
    """Times (ms) and amplitudes (pA) of a generator in a window."""
    rng = np.random.default_rng([1, device, window])
    times = np.sort(rng.choice(np.arange(1, WINDOW_MS), 5, replace=False)) + window * WINDOW_MS
    return times, rng.uniform(-100.0, 700.0, 5).round(3)


def spike_times(device, window):
    """Of a generator in a window; some come twice, and one generator is silent in the second window."""
    rng = np.random.default_rng([2, device, window])
    steps = np.sort(rng.integers(1, round(WINDOW_MS / DT) + 1, 0 if (device, window) == (3, 1) else 25))
    return np.repeat(steps, 1 + (steps % 7 == 0)) * DT + window * WINDOW_MS


class Worker:
    """NEST's side: both twins."""

    def build(self, recording_port, input_port, threads):
        from tvb_nest.nest_side import session

        self.nest = nest = session.import_nest()
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.set(resolution=DT, local_num_threads=threads)
        through = {"stimulus_source": "mpi", "mpi_address": input_port}
        self.currents = {"mpi": nest.Create("step_current_generator", DEVICES, params=through)}
        self.spikes = {"mpi": nest.Create("spike_generator", DEVICES, params=through)}
        self.currents["memory"] = nest.Create("step_current_generator", DEVICES)
        self.spikes["memory"] = nest.Create("spike_generator", DEVICES)
        self.recorders = {
            "mpi": nest.Create("spike_recorder", params={"record_to": "mpi", "mpi_address": recording_port}),
            "memory": nest.Create("spike_recorder"),
        }
        self.meters = {kind: self.connect(kind) for kind in KINDS}
        self.fill()
        return self.currents["mpi"].tolist()[0], {kind: self.spiking[kind].tolist() for kind in KINDS}

    def connect(self, kind):
        """Currents to neurons that never fire, and spikes to parrots, one to one; both to neurons that fire."""
        nest = self.nest
        leaky, firing = nest.Create("iaf_psc_exp", DEVICES, params=LEAKY), nest.Create("iaf_psc_exp", DEVICES)
        parrots = nest.Create("parrot_neuron", DEVICES)
        for target in (leaky, firing):
            nest.Connect(self.currents[kind], target, "one_to_one")
        nest.Connect(self.spikes[kind], parrots, "one_to_one")
        nest.Connect(self.spikes[kind], firing, "all_to_all", {"weight": 150.0, "delay": 1.5})
        self.spiking = getattr(self, "spiking", {}) | {kind: parrots + firing}
        nest.Connect(self.spiking[kind], self.recorders[kind])
        meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": DT})
        nest.Connect(meter, leaky)
        return meter

    def fill(self):
        """Give the twin in memory everything at once."""
        for device in range(DEVICES):
            steps = [current_steps(device, window) for window in range(WINDOWS)]
            times, amplitudes = (np.concatenate(part) for part in zip(*steps, strict=True))
            self.currents["memory"][device].set(amplitude_times=times, amplitude_values=amplitudes)
            spikes = np.concatenate([spike_times(device, window) for window in range(WINDOWS)])
            self.spikes["memory"][device].set(spike_times=spikes)

    def prepare(self):
        self.nest.Prepare()

    def run(self):
        self.nest.Run(WINDOW_MS)

    def close(self):
        """End; returns what this process recorded in memory."""
        self.nest.Cleanup()
        columns = {kind: self.meters[kind].events for kind in KINDS}
        potentials = {k: np.stack([e["senders"], e["times"], e["V_m"]]) for k, e in columns.items()}
        events = self.recorders["memory"].events
        return potentials, np.stack([events["senders"], events["times"]])

    def rates(self, recording_port, input_port):
        """An inhomogeneous_poisson_generator behind the backend."""
        from tvb_nest.nest_side import session

        nest = session.import_nest()
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        self.nest = nest
        self.source = nest.Create(
            "inhomogeneous_poisson_generator", params={"stimulus_source": "mpi", "mpi_address": input_port}
        )
        recorder = nest.Create("spike_recorder", params={"record_to": "mpi", "mpi_address": recording_port})
        parrots = nest.Create("parrot_neuron", 100)
        nest.Connect(self.source, parrots)
        nest.Connect(parrots, recorder)
        return self.source.tolist()[0], {}


def devices_of(window):
    """What the generators get in a window, as `GeneratorPort.put` takes it: currents first."""
    values = [np.column_stack(current_steps(device, window)).ravel() for device in range(DEVICES)]
    values += [spike_times(device, window) for device in range(DEVICES)]
    return np.repeat(np.arange(2 * DEVICES), [len(some) for some in values]), np.concatenate(values)


class Owner:
    """Our side."""

    def __init__(self, ranks):
        self.workers = Workers(find(), "backend_matrix", ranks, "NEST")
        self.ports = RecorderPort(self.workers), GeneratorPort(self.workers)

    def build(self, name, *arguments, devices):
        addresses = [port.address for port in self.ports]
        (first, names), *_ = self.workers.call(name, *addresses, *arguments)
        self.ports[1].serve(first, [devices])
        return names

    def prepare(self):
        self.workers.command("prepare")
        for port in self.ports:
            port.accept()
        self.workers.replies()

    def run(self, devices, values):
        self.ports[1].put([(devices, values)])
        self.workers.command("run")
        for port in self.ports:
            port.begin()
        for port in self.ports:
            port.end()
        self.workers.replies()
        return self.ports[0].spikes

    def close(self, ports):
        self.workers.command("close")
        for port in ports:
            port.leave()
        found = self.workers.replies()
        self.workers.close()
        return found


def matrix(ranks, threads=1):
    """Both twins' spikes, as (position in the twin, ms), and potentials, as (position, ms, mV)."""
    owner = Owner(ranks)
    names = owner.build("build", threads, devices=2 * DEVICES)
    owner.prepare()
    times, ids = (
        np.concatenate(part) for part in zip(*[owner.run(*devices_of(w)) for w in range(WINDOWS)], strict=True)
    )
    parts = owner.close(owner.ports)
    found = {"mpi spikes": np.stack([ids, times]), "memory spikes": np.concatenate([s for _, s in parts], axis=1)}
    for kind in KINDS:
        spikes, first = found[f"{kind} spikes"], names[kind][0]
        spikes[0] -= first
        potentials = np.concatenate([part[kind] for part, _ in parts], axis=1)
        potentials[0] -= potentials[0].min()
        found[f"{kind} potentials"] = potentials[:, np.lexsort(potentials[:2])]
        found[f"{kind} spikes"] = spikes[:, np.lexsort(spikes)]
    return found


def second_prepare():
    """What NEST says to a second Prepare in a process."""
    owner = Owner(1)
    owner.build("build", 1, devices=2 * DEVICES)
    owner.prepare()
    owner.run(*devices_of(0))
    owner.workers.command("close")
    for port in owner.ports:
        port.leave()
    owner.workers.replies()
    try:
        owner.workers.call("prepare")
    except WorkerFailed as error:
        return {"refused": str(error)}
    return {"refused": ""}


def second_rates():
    """Two windows of an inhomogeneous_poisson_generator."""
    owner = Owner(1)
    owner.build("rates", devices=1)
    owner.prepare()
    first, _ = owner.run(np.zeros(2, dtype=int), np.array([DT, 1000.0]))
    print("first window:", len(first), flush=True)
    owner.run(np.zeros(2, dtype=int), np.array([WINDOW_MS + DT, 1000.0]))


def wrong_farewell():
    """Waits for the generators' farewell first, which never comes."""
    owner = Owner(1)
    owner.build("build", 1, devices=2 * DEVICES)
    owner.prepare()
    owner.run(*devices_of(0))
    print("leaving", flush=True)
    owner.close(owner.ports[::-1])


if __name__ == "__main__":
    if MPI.Comm.Get_parent() == MPI.COMM_NULL:
        name, file, arguments = sys.argv[1:]
        np.savez(file, **globals()[name](**json.loads(arguments)))
    else:
        worker = Worker()
        serve({name: getattr(worker, name) for name in ("build", "rates", "prepare", "run", "close")})
