"""What the original does not know: one section, so that its files and ours stay readable to each other."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from tvb_nest.parameters.fields import FileName, OptionalPath, Section, key, path

Integrator: TypeAlias = Literal[
    "EulerDeterministic", "HeunDeterministic", "RungeKutta4thOrderDeterministic", "EulerStochastic", "HeunStochastic"
]
"""Integrators of tvb-library that advance in steps."""

Range: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]
Dispersion: TypeAlias = Annotated[float, Field(ge=0)]


class Proxy(Section):
    """tvb_proxy: how the rates of NEST's regions become a variable of another model, and its coupling a rate."""

    variable: str | None = key(
        None, "Coupling variable that stands for the rate of NEST's regions; null: the model's first.", min_length=1
    )
    scale: float | None = key(None, "Rate per unit of the variable: rate = scale * variable + offset.", "kHz")
    offset: float = key(0.0, "Rate where the variable is 0.", "kHz")
    input_scale: float | None = key(
        None,
        "Rate into a NEST region per unit of the coupling: input = input_scale * coupling + input_offset; null: scale, "
        "where the coupling is linear.",
        "kHz",
    )
    input_offset: float | None = key(
        None, "Rate into a NEST region where the coupling is 0; null: that of its sources, each with offset.", "kHz"
    )


class SensorChoices(Section):
    """parameter_sensors: what all of SEEG, ECOG and EEG have in common."""

    variable: str | None = key(
        None, "State variable that sensors see; null: the one that is the rate of NEST's regions.", min_length=1
    )
    period: float | None = key(None, "Time over which a sample is averaged; null: 10 time steps.", "ms", gt=0)
    lead_field: Literal["distance", "dipole"] = key(
        "distance",
        "SEEG and ECOG: scaling / distance, as in the original, or scaling times the potential of dipoles along the "
        "orientations of the regions, as in tvb-library.",
    )
    conductivity: float = key(1.0, "Of the medium round dipoles.", "S/m", gt=0)


class EegMonitor(Section):
    """parameter_EEG: electrodes on the scalp."""

    sensors: FileName = path(
        "Positions of the electrodes: a text file, or a name of tvb-data.", "mm", "eeg_brainstorm_65"
    )
    lead_field: Literal["projection", "sphere"] = key(
        "projection", "From the cortical surface by a file, or from dipoles in one sphere (Sarvas 1987)."
    )
    projection: FileName = path(
        "Gain of the surface, .npy or .mat, or a name of tvb-data.", default="projection_eeg_65_surface_16k"
    )
    region_mapping: FileName = path(
        "Region of each vertex of the surface: a text file, or a name of tvb-data.", default="regionMapping_16k_76"
    )
    reference: str | None = key(
        None, 'Electrode whose signal is subtracted from all, or "average"; null: none.', min_length=1
    )
    scaling: float = key(1.0, "Factor on the projection.")
    sigma_noise: float = key(0.0, "Standard deviation of the electrodes' noise.", ge=0)


class TvbNest(Section):
    """param_tvb_nest: choices that the original does not offer."""

    compat: Literal["corrected", "upstream"] = key(
        "corrected", "Whether defects of the original are corrected, or kept where results must match its own."
    )
    connectome: str | None = key(
        None,
        "Connectome: the name of a tvb-data set, a TVB zip or a folder; null: the files of param_nest_connection, "
        "else connectivity_76.",
        min_length=1,
    )
    normalise_weights: bool = key(
        False, "Whether the weights into each region are scaled to a sum of 1, as those of the original's data are."
    )
    brain: Literal["compiled", "reference"] = key(
        "compiled", "The mean field in compiled code, or in tvb-library's simulator."
    )
    tvb_model: str | None = key(
        None, "A model of tvb-library by its class, on the reference simulator; null: the mean field.", min_length=1
    )
    tvb_model_parameters: dict[str, Any] = key(
        dict, "Parameters of tvb_model by name: a number, or one per region; others are the library's."
    )
    tvb_initial_condition: dict[str, Range] = key(
        dict, "Ranges of tvb_model's initial history by state variable; others are the model's own."
    )
    tvb_coupling: str = key("Linear", "A coupling of tvb-library by its class; for tvb_model.", min_length=1)
    tvb_coupling_parameters: dict[str, Any] = key(
        dict, "Parameters of tvb_coupling; a of Linear and Scaling is param_tvb_coupling.a unless given."
    )
    tvb_integrator: Integrator = key("HeunDeterministic", "Integrator of tvb-library; for tvb_model.")
    tvb_noise: dict[str, Dispersion] = key(
        dict, "Dispersion D of the noise by state variable: a step adds sqrt(2 D dt) N(0, 1)."
    )
    tvb_noise_correlation: float = key(0.0, "Correlation time of the noise; 0: white.", "ms", ge=0)
    tvb_proxy: Proxy = key(Proxy, "Between tvb_model and the rates of NEST's regions.")
    parameter_sensors: SensorChoices = key(SensorChoices, "What SEEG, ECOG and EEG have in common.")
    EEG: bool = key(False, "Whether EEG is recorded.")
    parameter_EEG: EegMonitor = key(EegMonitor, "EEG.")
    exchange: Literal["memory", "mpi"] = key(
        "memory",
        "NEST in this process, or in nb_MPI_nest others, with its own MPI (scripts/setup --with-nest-mpi).",
    )
    transform_ranks: int = key(0, "Ranks that only translate; 0: the ranks of NEST do.", ge=0)
    transformer_tvb_to_nest: str | None = key(None, "Entry point that replaces the translation of rates to spikes.")
    transformer_nest_to_tvb: str | None = key(None, "Entry point that replaces the translation of spikes to rates.")
    network_file: OptionalPath = path("Python file that makes populations and devices of your own.")
    network_parameters: dict[str, Any] = key(dict, "Parameters of network_file.")
    neuron_parameters_excitatory: dict[str, float] = key(dict, "More parameters of NEST's excitatory neurons.")
    neuron_parameters_inhibitory: dict[str, float] = key(dict, "More parameters of NEST's inhibitory neurons.")
