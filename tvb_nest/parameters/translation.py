"""The translation between rates and spikes, and what of it is saved."""

from __future__ import annotations

from typing import Literal

from tvb_nest.parameters.fields import OptionalPath, Section, key, linked, unused

HISTORY = "the first window follows from TVB's initial history"


class NestToTvb(Section):
    """param_TR_nest_to_tvb: spikes to the mean rate of a region."""

    init: OptionalPath = unused(HISTORY)
    resolution: float = linked("Time step.", "ms")
    nb_neurons: float = linked("Neurons whose mean rate TVB gets: the excitatory ones.")
    synch: float = linked("Window.", "ms")
    width: float = linked("Time over which the rate is averaged.", "ms")
    level_log: int = linked("Least level that is logged.")
    scaling: float = key(1.0, "Factor on the rate.", gt=0)
    save_hist: bool = key(False, "Whether the histograms of spikes are saved.")
    save_hist_count: int = key(10, "Windows in each file of histograms.", ge=1)
    save_rate: bool = key(False, "Whether the rates are saved.")
    save_rate_count: int = key(10, "Windows in each file of rates.", ge=1)


class TvbToNest(Section):
    """param_TR_tvb_to_nest: the rate into a region to spikes of its neurons (Kuhn et al. 2003)."""

    percentage_shared: float = key(
        0.5, "Part of the input spikes that neurons of a region share, 0 (independent) to 1 (all).", ge=0, le=1
    )
    function_select: Literal[1, 2] = key(2, "1: single interaction process; 2: multiple interaction process.")
    init: OptionalPath = unused(HISTORY)
    level_log: int = linked("Least level that is logged.")
    seed: int = linked("Seed of the spikes.")
    nb_synapses: int = linked("Synapses of a neuron with other regions.")
    save_spike: bool = key(False, "Whether the spikes are saved.")
    save_spike_count: int = key(10, "Windows in each file of spikes.", ge=1)
    save_rate: bool = key(False, "Whether the rates are saved.")
    save_rate_count: int = key(10, "Windows in each file of rates.", ge=1)


class RecordMpi(Section):
    """param_record_MPI: NEST alone, with the rates of its regions saved."""

    save_step: int = key(0, "Windows in each file; record_MPI needs at least 1.", ge=0)
    resolution: float = linked("Time step.", "ms")
    synch: float = linked("Window.", "ms")
    level_log: int = linked("Least level that is logged.")
