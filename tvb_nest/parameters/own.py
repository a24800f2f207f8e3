"""What the original does not know: one section, so that its files and ours stay readable to each other."""

from __future__ import annotations

from typing import Any, Literal

from tvb_nest.parameters.fields import OptionalPath, Section, key, path


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
    tvb_model_parameters: dict[str, Any] = key(dict, "Parameters of tvb_model.")
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
