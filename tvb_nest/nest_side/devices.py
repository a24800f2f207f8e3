"""Step 4 of a spiking network: background, stimuli and recorders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mpi_coupling.failure import UserError
from tvb_nest.nest_side.connections import synapse
from tvb_nest.nest_side.parameters import NetworkParameters, RecordingParameters, StimulusParameters
from tvb_nest.nest_side.populations import Nodes, Region


@dataclass(frozen=True)
class Recorder:
    """A recording device.

    Attributes:
        label: names its file.
        node: the device.
        variables: that it samples; empty for spikes.
    """

    label: str
    node: Nodes
    variables: tuple[str, ...]


def connect_background(
    nest: Any, parameters: NetworkParameters, regions: Sequence[Region], *, excitatory_poisson: bool
) -> None:
    """Make the input that does not depend on the brain.

    Args:
        nest: the module.
        parameters: of the network.
        regions: that get the input.
        excitatory_poisson: False when another device makes the excitatory Poisson spikes along with its own.
    """
    background, ports = parameters.background, parameters.connections
    poisson = "poisson_generator"
    weight, inhibitory = background.weight_poisson, -ports.g * background.weight_poisson
    rate_ex = background.rate_ex if background.poisson and excitatory_poisson else 0.0
    rate_in = background.rate_in if background.poisson else 0.0
    current = {"mean": background.mean_noise, "std": background.sigma_noise}
    wanted = (
        (rate_ex, poisson, {"rate": rate_ex}, weight, ports.receptor_excitatory),
        (rate_in, poisson, {"rate": rate_in}, inhibitory, ports.receptor_inhibitory),
        (background.noise, "noise_generator", current, background.weight_noise, 0),
        (background.dc, "dc_generator", {"amplitude": background.dc}, 1.0, 0),
    )
    for is_wanted, model, values, strength, receptor in wanted:
        if is_wanted:
            generator = nest.Create(model, params=values)
            for region in regions:
                nest.Connect(generator, region.nodes, syn_spec=synapse(strength, parameters.delay_local, receptor))


def connect_stimulus(
    nest: Any, parameters: NetworkParameters, regions: Sequence[Region], step: StimulusParameters
) -> None:
    """Make a current step.

    Raises:
        UserError: the target is no spiking region or has no such population.
    """
    target = next((region for region in regions if region.index == step.target), None)
    if target is None:
        spiking = [region.index for region in regions]
        raise UserError(f"stimulus: target {step.target} is not a spiking region; these are {spiking}")
    generator = nest.Create(
        "dc_generator",
        params={"amplitude": step.amplitude, "start": step.start, "stop": step.start + step.duration},
    )
    nest.Connect(generator, target.select(step.population), syn_spec=synapse(1.0, parameters.delay_local))


def make_recorder(nest: Any, recording: RecordingParameters, neurons: Nodes, delay: float) -> Recorder:
    """A recorder of some of all neurons of the network.

    Raises:
        UserError: there are no such neurons, or they do not have one of the variables.
    """
    if not 0 <= recording.first < recording.last <= len(neurons):
        raise UserError(
            f"recording {recording.label}: neurons {recording.first} to {recording.last} do not lie in the network's "
            f"0 to {len(neurons)}"
        )
    chosen = neurons[recording.first : recording.last]
    if not recording.variables:
        node = nest.Create("spike_recorder")
        nest.Connect(chosen, node)
        return Recorder(recording.label, node, ())
    # of the model: of a neuron on another rank NEST does not tell them; some models have none
    known = nest.GetDefaults(str(chosen[0].model)).get("recordables", ())
    unknown = [name for name in recording.variables if name not in known]
    if unknown:
        raise UserError(f"recording {recording.label}: the neurons have no {unknown[0]!r}; choose from {list(known)}")
    node = nest.Create("multimeter", params={"record_from": list(recording.variables), "interval": recording.interval})
    nest.Connect(node, chosen, syn_spec={"delay": delay})
    return Recorder(recording.label, node, recording.variables)


def own_recorders(devices: Mapping[str, Nodes]) -> list[Recorder]:
    """Recorders for the devices that an own model returned.

    Raises:
        UserError: a device is no recorder.
    """
    variables: dict[str, Callable[[Nodes], tuple[str, ...]]] = {
        "spike_recorder": lambda node: (),
        "multimeter": lambda node: tuple(map(str, node.record_from)),
    }
    recorders = []
    for label, node in devices.items():
        model = str(node.model)
        if model not in variables:
            raise UserError(f"own model: device {label!r} is a {model}; return {' and '.join(variables)} only")
        recorders.append(Recorder(label, node, variables[model](node)))
    return recorders
