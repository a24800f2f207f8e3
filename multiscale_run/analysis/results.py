"""The results of a simulation as arrays with names, units and coordinates, whether or not the run came to its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from mpi_coupling.failure import UserError
from mpi_coupling.locks import is_folder_held
from mpi_coupling.profile import ProfileSummary
from multiscale_run.analysis import derived
from multiscale_run.analysis.arrays import report_array
from multiscale_run.analysis.catalogue import (
    METABOLISM,
    NEURONS,
    Quantity,
    Source,
    names_in_network,
    quantities,
    quantities_of_others,
    sources,
)
from multiscale_run.analysis.errors import NoData, Unreadable
from multiscale_run.analysis.report_file import ReportFile, find_reports, read_patiently, read_spikes
from multiscale_run.analysis.sites import Sites
from multiscale_run.circuit_check import neuron_population
from multiscale_run.config import SimulationConfig, load_config
from multiscale_run.output_folder import PROFILE, has_results
from multiscale_run.reports import SUCCESS
from multiscale_run.run_record import RUN, Event, RunDescription, read_description, read_events, reason_to_end

DEFAULT_SPIKES_FILE = "out.h5"
_STOPPED_AT = re.compile(r"^stopped at \S+ ms (?=by )")


@dataclass(frozen=True)
class RunState:
    """How far a run has come.

    Attributes:
        state: ``finished``; ``running`` at this moment; ``stopped`` by itself before its time; ``unfinished``, as
            after a crash.
        reached_ms: biological time of the last row of any report.
        planned_ms: biological time at which the run ends.
        reason: why a run stopped itself; else empty.
    """

    state: Literal["finished", "running", "stopped", "unfinished"]
    reached_ms: float
    planned_ms: float
    reason: str = ""

    def __str__(self) -> str:
        if self.state == "finished":
            return f"finished: {self.planned_ms:g} ms"
        at = f"at {self.reached_ms:g} of {self.planned_ms:g} ms"
        if not self.reason:
            return f"{self.state} {at}"
        told = _STOPPED_AT.sub("", self.reason)  # the reason of a signal says so itself
        return f"{self.state} {at}: {told}" if told == self.reason else f"{self.state} {at} {told}"


class Results(Mapping[str, xr.DataArray]):
    """The results of a simulation; a mapping from the names of its reports to their values.

    Values are read from the files when they are used, so a large report costs nothing until a part of it is asked
    for. Only rows that were written are shown: the time axis of an unfinished run ends with its last step. A
    ``Results`` is a view of one moment; make a new one to see how a run goes on.

    Example:
        results = Results("my-simulation")
        results["atpi"].sel(time=500, method="nearest").groupby("neuron").mean()
        results.quantity("extracellular_potassium").isel(time=-1).max()

    Args:
        path: simulation folder or configuration file.

    Attributes:
        config: the configuration, as it is now.
        folder: of the result files.
        sites: neurons, vessel segments and tetrahedra with their places.

    Raises:
        ConfigError: the configuration cannot be read.
        UserError: nothing has been computed, or the folder cannot be read.
    """

    def __init__(self, path: Path | str = ".") -> None:
        self.config: SimulationConfig = load_config(path)
        self.folder = self.config.output_dir
        self.sites = Sites(self.config)
        if not has_results(self.config):
            raise UserError(f"no results in {self.folder}; run: multiscale-run compute {self.config.folder}")

    def __repr__(self) -> str:
        return f"<Results of {self.config.folder}: {len(self)} reports, {self.state}>"

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, name: str) -> xr.DataArray:
        """The values of a report; see :meth:`report`."""
        if name not in self.files:
            raise KeyError(name)
        return self._array(name)

    @cached_property
    def _spikes_file(self) -> Path:
        return self.folder / self.configuration.get("output", {}).get("spikes_file", DEFAULT_SPIKES_FILE)

    @property
    def name(self) -> str:
        """The simulation folder's name, for legends."""
        return self.config.folder.name

    @cached_property
    def _found(self) -> tuple[dict[str, ReportFile], dict[str, Unreadable]]:
        return find_reports(self.folder, self._spikes_file)

    @property
    def files(self) -> Mapping[str, ReportFile]:
        """The report files by name: the file's, and the population's behind a slash where a file has several."""
        return self._found[0]

    @cached_property
    def unreadable(self) -> tuple[str, ...]:
        """Why files of results cannot be read; what they hold counts as not reported."""
        reasons = [str(error) for error in self._found[1].values()]
        if self.description is None and (self.folder / RUN).exists():
            reasons.append(f"{self.folder / RUN} cannot be read: it does not describe a run")
        for ask in (self.spikes, lambda: self.profile):
            try:
                ask()
            except Unreadable as error:
                reasons.append(str(error))
            except NoData:
                continue  # not there
        return tuple(reasons)

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Where the numbers of each report come from."""
        return self._sources_of(self)

    @cached_property
    def of_others(self) -> Mapping[str, Quantity]:
        """Quantities of simulators of other packages, as they are not in ``quantities.csv``, by key."""
        return quantities_of_others(self._sources_of([*self, *self._found[1]]))

    def report(self, name: str) -> xr.Dataset:
        """A report as a dataset with one variable of the report's name.

        Dimensions are ``time`` (ms) and one of ``neuron``, ``compartment`` (with the coordinates ``neuron``,
        ``section`` and ``segment``), ``vessel``, ``tetrahedron`` and ``site``; coordinates are layer, morphological
        type and place (um) where they are known.

        Raises:
            NoData: there is no report of this name.
        """
        if name in self._found[1]:
            raise self._found[1][name]
        if name not in self.files:
            raise NoData(f"{self.folder}: there is no report {name!r}; there are: {', '.join(self) or 'none'}")
        return self._array(name).to_dataset(name=name)

    def quantity(self, key: str) -> xr.DataArray:
        """A quantity by its key in ``quantities.csv`` or :attr:`of_others`, whatever its report is called.

        Of several reports of neurons that with the most values is taken.

        Raises:
            NoData: it was not computed or not reported; the message says why.
        """
        wanted = (quantities() | self.of_others).get(key)
        if wanted is None:
            raise NoData(f"{self.folder}: no quantity {key!r} was reported")
        found = self._reports_of(wanted)
        if not found:
            raise self._why_missing(wanted)
        return self._named(max(found, key=lambda name: len(self.files[name].node_ids)), wanted)

    def soma_potential(self) -> xr.DataArray:
        """The membrane potential at the soma, else the mean over each neuron (mV): time and neuron.

        Raises:
            NoData: it was not reported.
        """
        wanted = quantities()["membrane_potential"]
        at_soma = [name for name in self._reports_of(wanted) if self.files[name].is_per_node]
        if at_soma:
            return self._named(min(at_soma, key=lambda name: self.files[name].step_ms), wanted)
        return derived.per_neuron(self.quantity("membrane_potential"))

    def spikes(self) -> xr.Dataset:
        """All spikes in the order of time: variables ``time`` (ms) and ``neuron`` along ``spike``.

        Raises:
            NoData: the run left no file of spikes, or one that cannot be read.
        """
        times, neurons = self._spike_columns
        order = np.argsort(times, kind="stable")
        variables = {"time": ("spike", times[order], {"units": "ms"}), "neuron": ("spike", neurons[order])}
        return xr.Dataset(variables, attrs={"stop_ms": self.state.reached_ms})

    @cached_property
    def _spike_columns(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._spikes_file.exists():
            raise NoData(f"{self._spikes_file}: there is no file of spikes")
        return read_patiently(self._spikes_file, read_spikes)

    def neurons(self) -> xr.Dataset:
        """Layer, type and place of every biophysical neuron of the circuit."""
        return self.sites.neurons(neuron_population(self.config).name)

    def energy(self) -> xr.Dataset:
        """ATP that neurons used and that metabolism supplied, by exchange; see :func:`derived.energy`.

        Raises:
            NoData: metabolism took no part, or its ATP was not reported before and after the exchange.
        """
        before, after = self.quantity("atp_before_exchange"), self.quantity("atp_after_exchange")
        if after.sizes["time"] < 2:
            raise NoData("energy: the run has not come to its second exchange with the metabolism")
        if self._overwrites(after.attrs["variable"]):
            raise NoData("energy: a connection sets ATP of the metabolism; only action 'merge' tells use from supply")
        return derived.energy(before, after)

    def alive(self) -> xr.Dataset:
        """Which neurons took part at each exchange, and why others did not; see :func:`derived.alive`."""
        names = [] if self.description else [n for n in self if self.sources[n].simulator == METABOLISM]
        masked = []
        for name in names:
            with suppress(Unreadable):
                masked.append(self[name].load())
        return derived.alive(self.neurons(), self.state.reached_ms, self.exclusions, masked)

    @cached_property
    def description(self) -> RunDescription | None:
        """What was run on what; None for results of other programs."""
        return read_description(self.folder)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The content of the configuration that was computed; the present one where none was recorded."""
        return self.description.configuration if self.description else self.config.document.data

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Warnings, exclusions and the end of the run, in the order of time."""
        return tuple(read_events(self.folder))

    @property
    def warnings(self) -> tuple[Event, ...]:
        """What the run warned of."""
        return tuple(event for event in self.events if event.kind == "warning")

    @property
    def exclusions(self) -> tuple[Event, ...]:
        """Which neurons were excluded, when and why."""
        return tuple(event for event in self.events if event.kind == "exclusion")

    @property
    def state(self) -> RunState:
        """How far the run has come."""
        reached = max((float(file.times[-1]) for file in self.files.values() if file.rows), default=0.0)
        planned = float(self.configuration["run"]["tstop"])
        reason = reason_to_end(self.events)
        if (self.folder / SUCCESS).exists():
            return RunState("finished", planned, planned)
        if is_folder_held(self.folder):
            return RunState("running", reached, planned)
        return RunState("stopped" if reason else "unfinished", reached, planned, reason)

    @cached_property
    def profile(self) -> ProfileSummary:
        """Time and memory of the run.

        Raises:
            NoData: the run did not come to an end that could write them.
        """
        file = self.folder / PROFILE
        try:
            return ProfileSummary.from_json(file.read_text())
        except FileNotFoundError as error:
            raise NoData(f"{file}: a run writes it when it ends; this one is {self.state}") from error
        except OSError as error:
            raise Unreadable(f"{file} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"{file} cannot be read: it holds no profile of a run") from error

    def _sources_of(self, names: Iterable[str]) -> dict[str, Source]:
        known = sources(self.config, self.configuration)
        return {name: known.get(name) or known.get(name.rpartition("/")[0]) or Source("", name) for name in names}

    def _array(self, name: str) -> xr.DataArray:
        return report_array(name, self.files[name], self.sources[name], self.sites)

    def _named(self, name: str, quantity: Quantity) -> xr.DataArray:
        if not self.files[name].rows:
            raise NoData(f"{quantity.label}: the run has not written any yet")
        return self._array(name).assign_attrs(long_name=quantity.label, symbol=quantity.symbol)

    def _reports_of(self, wanted: Quantity) -> list[str]:
        return [name for name, source in self.sources.items() if source.gives(wanted)]

    def _overwrites(self, species: str) -> bool:
        """Whether a connection puts something in the place of a species, instead of merging it."""
        name = names_in_network(self.config)
        written = [
            (c["action"], name(c["dest_set_func"], slot))
            for event in self.configuration.get("multiscale_run", {}).get("connections", {}).values()
            for c in event
            if c["dest_simulator"] == METABOLISM and c["dest_set_func"] == "set_vm_idxs"
            for slot in c["dest_set_kwargs"].get("idxs", [])
        ]
        return any(action != "merge" and slot == species for action, slot in written)

    def _why_missing(self, wanted: Quantity) -> NoData:
        unreadable = self._found[1]
        for name, source in self._sources_of(unreadable).items():
            if source.gives(wanted):
                return unreadable[name]
        section = self.configuration.get("multiscale_run", {})
        if wanted.simulator != NEURONS and not section.get(f"with_{wanted.simulator}", False):
            return NoData(f"{wanted.simulator} took no part (multiscale_run.with_{wanted.simulator} is false)")
        place = "reports" if wanted.simulator == NEURONS else f"multiscale_run.reports.{wanted.simulator}"
        when = f" {wanted.when}" if wanted.when else ""
        return NoData(f"{wanted.label}: was not reported; add {wanted.variable}{when} to {place} and compute again")
