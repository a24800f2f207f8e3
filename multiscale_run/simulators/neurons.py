"""Neurons, synapses and astrocytes: NEURON through neurodamus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from mpi_coupling.clock import Clock
from mpi_coupling.spikes import SpikeWriter
from mpi_coupling.world import UserError, World
from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import (
    ENDFEET,
    GLIA,
    NEURONS,
    SEGMENTS,
    AliveNeurons,
    Domain,
    Operator,
    Reduction,
    Sample,
    grouping,
    readable,
    writable,
)
from multiscale_run.geometry import NeuronSegments
from multiscale_run.simulators.base import Simulator
from multiscale_run.simulators.endfeet import Endfeet
from multiscale_run.simulators.glia import Glia
from multiscale_run.simulators.neurodamus_session import start_neurodamus
from multiscale_run.simulators.neuron_state import neuron_state, restore_neuron_state
from multiscale_run.simulators.segment_places import place_segments
from multiscale_run.simulators.segments import RangeVariable, SegmentTable

CHARGES = {"ina": "qna_ionpools", "ik": "qk_ionpools", "ica": "qca_ionpools", "icl": "qcl_ionpools"}
"""Ion current -> range variable that holds its time integral since the start (mA/cm2*ms)."""

Weight = Literal["area", "volume"] | None

_UNITS = {"v": "mV", "Rad_vascouplingB": "um"}


def variable_unit(arguments: Mapping[str, Any]) -> str:
    """Unit of a range variable by NEURON's conventions: ``ik`` in mA/cm2, ``ko`` and ``ki`` in mM."""
    name = str(arguments.get("var", ""))
    if name in CHARGES or name.startswith(("i_", "ipump")):
        return "mA/cm2"
    return _UNITS.get(name, "mM" if name.endswith(("i", "o")) or name.startswith("kbath") else "")


class Recorder(Protocol):
    """What is sampled while the neurons run."""

    def schedule(self, start_ms: float, stop_ms: float) -> None:
        """Arrange for the samples between two times; none may be left to come at the later one."""

    def sample_until(self, time_ms: float) -> None:
        """Take the sample of the present time, if there is one."""


class NeuronSimulator(Simulator):
    """The neurons of this rank, stepped by neurodamus.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        clock: ticks and milliseconds.

    Attributes:
        segments: this rank's segments as flat arrays.
        places: where the segments lie in the tissue.
        glia: the compartments of this rank's astrocytes.
        endfeet: the endfeet of this rank's astrocytes.
        alive: which of this rank's neurons still take part.
        recorders: sampled during each advance.
        population: SONATA name of the neuron population.
    """

    name: ClassVar[str] = "neurodamus"

    def __init__(self, config: SimulationConfig, world: World, clock: Clock) -> None:
        super().__init__(config.periods()[self.name])
        self._world, self._clock = world, clock
        self._neurodamus, self._neuron = start_neurodamus(config, world)
        manager = _neuron_manager(self._neurodamus)
        cells = sorted(manager.cells, key=lambda cell: cell.raw_gid)
        self.population: str = manager.population_name
        self.segments = SegmentTable(self._neuron.h, cells)
        self.places: NeuronSegments = place_segments(self.segments, cells)
        self.glia = Glia(config, self._neurodamus, self._neuron.h)
        self.endfeet = Endfeet(config, self._neurodamus, self._neuron.h)
        self.alive = AliveNeurons(np.array([cell.raw_gid for cell in cells], dtype=np.int64))
        self.recorders: list[Recorder] = []
        self._windows: dict[str, tuple[int, np.ndarray]] = {}
        self._known: dict[str, bool] = {}
        self._tick = 0
        names = [population for population, _ in self._neurodamus._spike_populations]
        self._offset = int(manager.local_nodes.offset)
        self._spikes = self._neurodamus._spike_vecs[names.index(self.population)]
        self._spikes_written = 0

    @property
    def h(self) -> Any:
        """NEURON's hoc interface."""
        return self._neuron.h

    def advance(self, tick: int) -> None:
        """Integrate to the tick (all ranks together)."""
        if tick <= self._tick:  # neurodamus takes solve(0) for "to the end"
            return
        start, stop = self._clock.ms(self._tick), self._clock.ms(tick)
        for recorder in self.recorders:
            recorder.schedule(start, stop)
        self._neurodamus.solve(stop)
        for recorder in self.recorders:
            recorder.sample_until(stop)
        self._tick = tick

    def restart(self) -> None:
        """Initialise all states anew at time 0, after parameters were changed; recorders take their first sample."""
        self._neuron.stdinit()
        for recorder in self.recorders:
            recorder.sample_until(0.0)
        self._tick = 0
        self._windows.clear()
        self._spikes_written = 0

    def domains(self) -> Mapping[str, Domain]:
        """Neurons and their segments, astrocytes and their endfeet."""
        return {
            NEURONS: Domain(NEURONS, self.alive.neuron_ids),
            SEGMENTS: Domain(SEGMENTS, np.arange(len(self.segments))),
            GLIA: self.glia.domain(),
            ENDFEET: self.endfeet.domain(),
        }

    def operators(self) -> Sequence[Operator]:
        """Segments average to their neuron, endfeet to the vessel that they hold."""
        return [self._to_neurons, self.endfeet.operator()]

    @cached_property
    def _to_neurons(self) -> Operator:
        n_neurons = len(self.alive.neuron_ids)
        return grouping(SEGMENTS, NEURONS, self.segments.owner, n_neurons, Reduction.MEAN)

    @readable(SEGMENTS, variable_unit)
    def get_var(
        self, *, var: str, weight: Weight = None, windowed: bool | None = None, reader: str | None = None
    ) -> Sample:
        """A range variable in every segment. The segments of excluded neurons count for nothing.

        Args:
            var: NEURON's name of it: ``v`` (mV), ``nai`` (mM), ``ina`` (mA/cm2), ``gnabar_channel`` ...
            weight: what a segment counts for when values are combined: ``area`` (um2), ``volume`` (um3) or all alike.
            windowed: True: mean over the time since this reader's last call, from the integrated charge, so that what
                is handed over is what entered the pools. False: the value at this instant. Default: windowed for ion
                currents.
            reader: the connection that asks; each has its own window.

        Raises:
            UserError: no neuron has the variable, or windowed was asked of one that has no integral.
        """
        variable = self._variable(var)
        has_integral = var in CHARGES and self._exists(CHARGES[var])
        if windowed and not has_integral:
            raise UserError(
                f"get_var: {var!r} cannot be windowed; windowed variables: {', '.join(CHARGES)} of ionpools"
            )
        use_window = has_integral if windowed is None else windowed
        values = self._window_mean(var, reader or "") if use_window else variable.read()
        weights = {"area": self.segments.area, "volume": self.segments.volume}.get(weight or "", np.ones(len(values)))
        counts = variable.present & self.alive.mask[self.segments.owner]
        return Sample(values, SEGMENTS, np.where(counts, weights, 0.0))

    @readable(GLIA, variable_unit)
    def get_glia_var(self, *, var: str) -> np.ndarray:
        """A range variable in every compartment of the astrocytes, such as ``v`` (mV) or ``ip3_cadifus`` (mM)."""
        return self.glia.variable(var).read()

    @writable(GLIA, variable_unit)
    def set_glia_var(self, values: np.ndarray, *, var: str) -> None:
        """Set a range variable in every compartment of the astrocytes.

        Args:
            values: one value per compartment of this rank; NaN leaves one as it is, such as one outside the mesh.
            var: NEURON's name of the variable.
        """
        variable = self.glia.variable(var)
        variable.write(np.where(np.isnan(values), variable.read(), values))

    @readable(ENDFEET, "um")
    def get_vasc_radii(self) -> np.ndarray:
        """Radius that each endfoot gives the vessel segment it holds, um."""
        return self.endfeet.radii()

    @writable(NEURONS, variable_unit)
    def set_var(self, values: np.ndarray, *, var: str) -> None:
        """Set a range variable in all segments of each living neuron.

        Args:
            values: one value per neuron of this rank; NaN leaves a neuron as it is.
            var: NEURON's name of the variable.
        """
        values, owner = np.asarray(values, dtype=float), self.segments.owner
        kept = np.isnan(values) | ~self.alive.mask
        self._write(var, values.take(owner), kept.take(owner) if kept.any() else None)

    @writable(SEGMENTS, variable_unit)
    def set_segment_var(self, values: np.ndarray, *, var: str) -> None:
        """Set a range variable in each segment of the living neurons.

        Args:
            values: one value per segment of this rank; NaN leaves a segment as it is, such as one outside the mesh.
            var: NEURON's name of the variable.
        """
        self._write(var, values, np.isnan(values) | ~self.alive.mask.take(self.segments.owner))

    def _write(self, var: str, values: np.ndarray, kept: np.ndarray | None) -> None:
        """Set a range variable in all segments but those that are kept as they are."""
        variable = self._variable(var)
        variable.write(values if kept is None else np.where(kept, variable.read(), values))

    def _exists(self, var: str) -> bool:
        """Whether a segment of any rank has the variable. Collective the first time it is asked for."""
        if var not in self._known:
            self._known[var] = self._world.any(bool(self.segments.variable(var).present.any()))
        return self._known[var]

    def _variable(self, var: str) -> RangeVariable:
        """A range variable that some segment of some rank has. Collective the first time it is asked for."""
        if not self._exists(var):
            raise UserError(
                f"no neuron has a variable {var!r}; NEURON's names are meant, such as v, nai, ipump_nakpump"
            )
        return self.segments.variable(var)

    def _window_mean(self, var: str, reader: str) -> np.ndarray:
        charge = self.segments.variable(CHARGES[var]).read()
        key = f"{reader}/{var}"
        since, before = self._windows.get(key, (0, np.zeros_like(charge)))
        self._windows[key] = (self._tick, charge)
        if self._tick == since:
            return self.segments.variable(var).read()
        return (charge - before) / self._clock.ms(self._tick - since)

    def neuron_mean(self, var: str, weight: Weight = "volume") -> np.ndarray:
        """Weighted mean of a range variable at this instant, shape (neurons,)."""
        sample = self.get_var(var=var, weight=weight, windowed=False)
        return self._to_neurons.apply(sample, self._world).values

    def collect_spikes(self, writer: SpikeWriter) -> None:
        """Hand the neurons' spikes since the last call to a writer."""
        times, gids = self._spikes
        new = slice(self._spikes_written, int(times.size()))
        self._spikes_written = new.stop
        node_ids = gids.as_numpy()[new].astype(np.int64) - self._offset
        writer.append(self.population, times.as_numpy()[new], node_ids)

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint has to hold: NEURON's own state, and where each window of charge began. Collective."""
        windows = {f"window {key}": np.append(charge, tick) for key, (tick, charge) in self._windows.items()}
        return {"tick": np.array(self._tick), "neuron": np.frombuffer(neuron_state(self.h), np.uint8), **windows}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a :meth:`state` of the same model on the same number of ranks. Collective."""
        restore_neuron_state(self.h, state["neuron"].tobytes())
        self._tick = int(state["tick"])
        self._windows = {
            key.removeprefix("window "): (int(values[-1]), values[:-1])
            for key, values in state.items()
            if key.startswith("window ")
        }
        self._spikes_written = 0  # NEURON's record of spikes begins anew

    def close(self) -> None:
        """Free the model, so that another can be built in this process."""
        self._neurodamus.clear_model()


def _neuron_manager(neurodamus: Any) -> Any:
    from neurodamus.cell_distributor import CellDistributor

    found = [m for m in neurodamus.circuits.all_node_managers() if type(m) is CellDistributor]
    if len(found) != 1:
        names = ", ".join(m.population_name for m in found) or "none"
        raise UserError(f"the circuit must have exactly one biophysical neuron population; found: {names}")
    return found[0]
