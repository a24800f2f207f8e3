"""From the parameters of a simulation to its parts: network, brain, transformers, monitors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.settings.problems import ConfigError, Finding
from tvb_nest.connectome import Connectome
from tvb_nest.nest_side.own_model import STANDARD, load_own_model
from tvb_nest.nest_side.parameters import (
    BackgroundParameters,
    ConnectionParameters,
    NetworkParameters,
    PopulationParameters,
    RecordingParameters,
    StimulusParameters,
)
from tvb_nest.parameters import Mode, Parameters, of_state_variables
from tvb_nest.parameters.tvb import STATE_VARIABLES
from tvb_nest.recording import NEST_FOLDER
from tvb_nest.transform.plugins import TransformSettings, make_to_nest, make_to_tvb
from tvb_nest.transform.translator import Translator
from tvb_nest.tvb_models import library_brain
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters
from tvb_nest.tvb_side.noise import OrnsteinUhlenbeckParameters

if TYPE_CHECKING:
    from tvb_nest.nest_side.windows import WindowedNetwork
    from tvb_nest.tvb_side.brain import Brain
    from tvb_nest.tvb_side.monitors import Monitor

LAWS = {1: "sip", 2: "mip"}
"""``function_select`` -> law of the correlated spike trains."""

MAXIMAL_THREADS = 64

_SAME_NAMES = frozenset(
    """order T P_e P_i g_L C_m E_L_e E_L_i b_e b_i a_e a_i tau_w_e tau_w_i E_e E_i Q_e Q_i tau_e tau_i N_tot g
    p_connect_e p_connect_i K_ext_e""".split()
)
"""Keys of param_tvb_model that the mean field has under the same name."""


def is_upstream(parameters: Parameters) -> bool:
    """Whether defects of the original are kept, to compare with it."""
    return parameters.resolved.param_tvb_nest.compat == "upstream"


def external_input(parameters: Parameters) -> str:
    """How the brain reaches the neurons: as independent spikes, drawn by NEST, or correlated ones, drawn here."""
    if parameters.mode != Mode.CO_SIMULATION:
        return "none"
    own, shared = parameters.resolved.param_tvb_nest, parameters.resolved.param_TR_tvb_to_nest.percentage_shared
    return "rates" if shared == 0 and own.transformer_tvb_to_nest is None else "spikes"


def network_parameters(parameters: Parameters) -> NetworkParameters:
    """NEST's part."""
    resolved = parameters.resolved
    topology, connection, own = resolved.param_nest_topology, resolved.param_nest_connection, resolved.param_tvb_nest
    populations = PopulationParameters(
        nb_neuron_by_region=topology.nb_neuron_by_region,
        percentage_inhibitory=topology.percentage_inhibitory,
        neuron_type=topology.neuron_type,
        excitatory=topology.param_neuron_excitatory.model_dump() | own.neuron_parameters_excitatory,
        inhibitory=topology.param_neuron_inhibitory.model_dump() | own.neuron_parameters_inhibitory,
        mean_I_ext=topology.mean_I_ext,
        sigma_I_ext=topology.sigma_I_ext,
        sigma_V_0=topology.sigma_V_0,
        mean_w_0=topology.mean_w_0,
    )
    connections = ConnectionParameters(
        weight_local=connection.weight_local,
        g=connection.g,
        p_connect=connection.p_connect,
        nb_external_synapse=connection.nb_external_synapse,
        weight_global=connection.weight_global,
        compat_upstream=is_upstream(parameters),
    )
    return NetworkParameters(
        sim_resolution=resolved.param_nest.sim_resolution,
        populations=populations,
        connections=connections,
        background=_background(parameters),
        stimuli=_stimuli(parameters),
        recordings=_recordings(parameters),
        external_input=external_input(parameters),  # type: ignore[arg-type]
    )


def threads(parameters: Parameters) -> int:
    """Threads of NEST: its virtual processes, all of them in one process."""
    return min(parameters.resolved.param_nest.total_num_virtual_procs, MAXIMAL_THREADS)


def make_network(parameters: Parameters, connectome: Connectome | None) -> WindowedNetwork:
    """The spiking regions: in this process, or in processes of a NEST with MPI.

    Args:
        parameters: of the simulation.
        connectome: of the brain; without it the regions are not connected with each other.

    Raises:
        UserError: there is no such NEST, or it refuses parameters.
    """
    from tvb_nest.nest_side.nest_with_mpi import find
    from tvb_nest.nest_side.network import SpikingNetwork
    from tvb_nest.nest_side.spawned_network import SpawnedNetwork

    own, resolved = parameters.resolved.param_tvb_nest, parameters.resolved
    network = network_parameters(parameters), parameters.spiking, connectome
    seed, folder = resolved.param_nest.master_seed, parameters.result_folder / NEST_FOLDER
    model = STANDARD if own.network_file is None else load_own_model(parameters.path(own.network_file))
    if own.exchange == "memory":
        return SpikingNetwork(*network, seed=seed, threads=threads(parameters), folder=folder, own_model=model)
    ranks = resolved.param_co_simulation.nb_MPI_nest
    return SpawnedNetwork(*network, seed=seed, ranks=ranks, python=find(), folder=folder, own_model=model)


def make_translator(
    parameters: Parameters, n_neurons: Sequence[int], n_excitatory: Sequence[int], positions: Sequence[int]
) -> Translator:
    """Both translations of some of the spiking regions.

    Args:
        parameters: of the simulation.
        n_neurons: of every spiking region.
        n_excitatory: of them, whose spikes TVB hears.
        positions: the regions, counted among the spiking ones.
    """
    resolved, own = parameters.resolved, parameters.resolved.param_tvb_nest
    settings = transform_settings(parameters, n_neurons, n_excitatory, positions)
    law = own.transformer_tvb_to_nest or LAWS[resolved.param_TR_tvb_to_nest.function_select]
    to_nest = None if external_input(parameters) == "rates" else make_to_nest(law, settings)
    return Translator(to_nest, make_to_tvb(own.transformer_nest_to_tvb or "sliding_mean", settings))


def transform_settings(
    parameters: Parameters, n_neurons: Sequence[int], n_excitatory: Sequence[int], positions: Sequence[int]
) -> TransformSettings:
    """What transformers need to know."""
    resolved = parameters.resolved
    return TransformSettings(
        n_neurons=tuple(n_neurons[position] for position in positions),
        n_excitatory=tuple(n_excitatory[position] for position in positions),
        positions=tuple(positions),
        nb_synapses=resolved.param_TR_tvb_to_nest.nb_synapses,
        percentage_shared=resolved.param_TR_tvb_to_nest.percentage_shared,
        width=resolved.param_TR_nest_to_tvb.width,
        resolution=resolved.param_nest.sim_resolution,
        seed=resolved.param_TR_tvb_to_nest.seed,
    )


def mean_field_parameters(parameters: Parameters) -> MeanFieldParameters:
    """The mean field of every region; ``compat`` decides how its covariances are computed.

    Derivatives have tvb-library's unit, with which models of the field have been fitted: covariances then act on rates
    by next to nothing. In the rates' own unit the second order leaves the range of numbers in small networks.

    The background of the neurons is that of every region: a region has the same input as mean field and as network.
    """
    model = parameters.resolved.param_tvb_model
    values = {name: getattr(model, name) for name in _SAME_NAMES}
    values |= {name: tuple(values[name]) for name in ("P_e", "P_i")}
    covariance = "tvb-nest" if is_upstream(parameters) else "el-boustani"
    values |= _background_rates(parameters)
    return MeanFieldParameters(**values, weight_noise=0.0, tvb_compat=True, covariance=covariance)


def _background_rates(parameters: Parameters) -> dict[str, float]:
    """The Poisson background as the mean field takes it: kHz in each of a number of external synapses."""
    given, model = parameters.resolved.param_nest_background, parameters.resolved.param_tvb_model
    if is_upstream(parameters) or not given.poisson:
        return {}
    excitatory, inhibitory = 1e-3 * given.rate_ex / model.K_ext_e, 1e-3 * given.rate_in
    values = {f"external_input_{population}_ex": excitatory for population in ("ex", "in")}
    values |= {f"external_input_{population}_in": inhibitory for population in ("ex", "in")}
    return {"K_ext_i": 1, **values}


def noise_parameters(parameters: Parameters) -> OrnsteinUhlenbeckParameters:
    """The noise of every region.

    Raises:
        ConfigError: variables with noise differ in its mean or strength.
    """
    integrator, order = parameters.resolved.param_tvb_integrator, parameters.resolved.param_tvb_model.order
    weights, mu, nsig = (
        of_state_variables(values, order) for values in (integrator.weights, integrator.mu, integrator.nsig)
    )
    noisy = [k for k, weight in enumerate(weights) if weight]
    if len({(mu[k], nsig[k]) for k in noisy}) > 1:
        message = "all variables with a weight above 0 must have the same mu and nsig"
        raise ConfigError([parameters.problem(Finding(("param_tvb_integrator", "weights"), message))])
    first = noisy[0] if noisy else 0
    by_name = {STATE_VARIABLES[order][k]: weights[k] for k in noisy}
    return OrnsteinUhlenbeckParameters(integrator.tau_OU, mu[first], nsig[first], by_name)


def make_brain(parameters: Parameters, connectome: Connectome, spiking: Sequence[int]) -> Brain:
    """The whole brain at step 0, in compiled code or in tvb-library.

    Raises:
        ConfigError: a model of tvb-library is asked for with parameters that are wrong.
    """
    from tvb_nest.tvb_side.brain import IntegratorParameters
    from tvb_nest.tvb_side.mean_field.brain import MeanFieldBrain

    resolved = parameters.resolved
    if resolved.param_tvb_nest.tvb_model is not None:
        brain: Brain = library_brain(parameters, connectome, spiking)
        return brain
    mean_field = mean_field_parameters(parameters)
    common = {
        "integrator": IntegratorParameters(resolved.param_nest.sim_resolution, resolved.param_tvb_integrator.seed),
        "coupling": resolved.param_tvb_coupling.a,
        "initial": _initial(parameters, mean_field.state_variables, connectome.n_regions),
    }
    options = {"spiking": spiking, "compat_upstream": is_upstream(parameters)}
    if resolved.param_tvb_nest.brain == "compiled":
        return MeanFieldBrain(connectome, mean_field, noise=noise_parameters(parameters), **common, **options)
    from tvb_nest.tvb_side.reference import ReferenceBrain, mean_field_simulator

    library = replace(mean_field, covariance="tvb-library")
    return ReferenceBrain(mean_field_simulator(connectome, library, **common), **options)


def make_monitors(parameters: Parameters, brain: Brain) -> dict[str, Monitor]:
    """The monitors that are switched on, by name, in the original's order.

    Raises:
        ConfigError: sensors are asked for with files or keys that are wrong.
    """
    from tvb_nest.sensing import make_sensors
    from tvb_nest.tvb_side.monitors import Bold, Raw, TemporalAverage

    settings, dt = parameters.resolved.param_tvb_monitor, parameters.resolved.param_nest.sim_resolution
    shape = len(brain.state_variables), brain.n_regions
    monitors: dict[str, Monitor] = {}
    if settings.Raw:
        monitors["Raw"] = Raw(dt, None, shape)
    if settings.TemporalAverage:
        average = settings.parameter_TemporalAverage
        monitors["TemporalAverage"] = TemporalAverage(dt, average.period, shape, average.variables_of_interest)
    if settings.Bold:
        bold = settings.parameter_Bold
        monitors["Bold"] = Bold(dt, shape, bold.period, bold.variables_of_interest)
    return monitors | make_sensors(parameters, shape)


def _background(parameters: Parameters) -> BackgroundParameters:
    given = parameters.resolved.param_nest_background
    return BackgroundParameters(
        poisson=given.poisson,
        rate_ex=given.rate_ex,
        rate_in=0.0 if is_upstream(parameters) else given.rate_in,
        weight_poisson=given.weight_poisson,
        noise=given.noise,
        mean_noise=given.mean_noise,
        sigma_noise=given.sigma_noise,
        weight_noise=given.weight_noise,
    )


def _stimuli(parameters: Parameters) -> tuple[StimulusParameters, ...]:
    """The one stimulus of the original: populations are counted over all regions, excitatory ones first."""
    given, spiking = parameters.resolved.param_nest_background, parameters.spiking
    if not given.stimulus:
        return ()
    is_inhibitory, region = divmod(given.stimulus_target, len(spiking))
    population = ("excitatory", "inhibitory")[is_inhibitory]
    times = given.stimulus_start, given.stimulus_duration
    return (StimulusParameters(given.stimulus_amplitude, *times, spiking[region], population),)


def _recordings(parameters: Parameters) -> tuple[RecordingParameters, ...]:
    given = parameters.resolved.param_nest_background
    found = []
    if given.multimeter:
        for label, (variables, first, last) in given.multimeter_list.items():
            found.append(RecordingParameters(label, first, last, tuple(variables)))
    if given.record_spike:
        found += [RecordingParameters(label, *neurons) for label, neurons in given.record_spike_list.items()]
    return tuple(found)


def _initial(parameters: Parameters, variables: Sequence[str], n_regions: int) -> NDArray[np.float64]:
    """Constant pasts, uniform in the ranges of the parameters, shape (variables, regions)."""
    ranges = parameters.resolved.param_tvb_model.initial_condition
    rng = np.random.default_rng(parameters.resolved.param_tvb_integrator.seed_init)
    bounds = [getattr(ranges, name, [0.0, 0.0]) for name in variables]
    return np.array([rng.uniform(min(pair), max(pair), n_regions) for pair in bounds])
