"""The metabolism section: engine, network variant, inputs, tolerances and checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from mpi_coupling.settings.schema import Section, key
from multiscale_run.config.schema.base import FolderPath, Ticks
from multiscale_run.config.schema.check import Check

InputName: TypeAlias = Literal["ina_density", "ik_density", "mito_scale", "bf_fin", "bf_fout", "bf_vol"]
DEFAULT_INPUTS: dict[InputName, float | None] = {
    "ina_density": None,
    "ik_density": None,
    "mito_scale": 1.0,
    "bf_fin": 0.012,
    "bf_fout": 0.012,
    "bf_vol": 0.0237,
}
"""The inputs of the network in their order; the perfusion is the one at which the initial state rests."""

LAYER_INPUT: InputName = "mito_scale"
"""The one input that has a source besides connections: the neuron's layer, see Constants.mito_volume_fraction."""

LAYERS = 6


def _layers(default: tuple[float, ...], description: str, unit: str = "") -> Any:
    return key(lambda: list(default), description, unit, min_length=LAYERS, max_length=LAYERS)


class Constants(Section):
    """Constants of the coupling, by cortical layer where they are lists (layer 1 first)."""

    ATDPtot_n: float = key(1.4449961078157665, "Sum of ATP and ADP in the neuron.", "mM", gt=0)
    glycogen_au: list[Annotated[float, Field(ge=0)]] = _layers(
        (128.0, 100.0, 100.0, 90.0, 80.0, 75.0), "Glycogen by layer, arbitrary unit."
    )
    mito_volume_fraction: list[Annotated[float, Field(gt=0)]] = _layers(
        (0.0459, 0.0522, 0.064, 0.0774, 0.0575, 0.0403),
        "Mitochondrial volume fraction by layer; a null mito_scale becomes the layer's value over the largest.",
    )


class SolverOptions(Section):
    """Error tolerances of the integrator."""

    reltol: float = key(1e-4, "Relative tolerance.", gt=0, lt=1)
    abstol: float = key(1e-7, "Absolute tolerance.", "mM", gt=0)


class Checks(Section):
    """Checks by index or name."""

    parameters: dict[str, Check] = key(dict, "Checks of the network's inputs.")
    vm: dict[str, Check] = key(dict, "Checks of the network's species.")


def _form_of_inputs(value: Any) -> str | None:
    return "<list>" if isinstance(value, list) else "<object>" if isinstance(value, dict) else None


Inputs: TypeAlias = Annotated[
    Annotated[list[float | None], Field(min_length=len(DEFAULT_INPUTS), max_length=len(DEFAULT_INPUTS)), Tag("<list>")]
    | Annotated[dict[InputName, float | None], Tag("<object>")],
    Discriminator(
        _form_of_inputs,
        custom_error_type="inputs",
        custom_error_message="must be a list of 6 numbers (null: from a connection) or an object by input name",
    ),
]
"""Two ways of writing the inputs. The tags in angle brackets never reach a user's message."""


class Metabolism(Section):
    """The energy metabolism of each neuron."""

    ndts: Ticks = key(4000, "Period of the exchange with the neurons.", "time steps of run.dt")
    engine: Literal["native", "scipy", "julia"] = key(
        "native", "Integrator: native is the fast one, scipy the slow reference, julia a cross-check."
    )
    network_path: FolderPath | None = key(
        None, "Folder with the tables of a network of your own; `metabolism import` makes one from SBML."
    )
    variant: str = key("standard", "Variant of the network: standard, young, aged or corrected.")
    initial_state: Literal["tables", "steady"] = key(
        "tables",
        "tables: the initial values of the network. steady: where it comes to rest under the configured inputs, "
        "integrated once and cached.",
    )
    threads: int = key(1, "Threads of the native engine on each rank.", ge=1)
    constants: Constants = key(Constants, "Constants of the coupling.")
    parameters: Inputs = key(
        lambda: list(DEFAULT_INPUTS.values()),
        "Inputs of the network: ina_density and ik_density (mA/cm2), mito_scale (1), bf_fin and bf_fout (1/s), "
        "bf_vol (1). null: set by a connection (mito_scale: by the neuron's layer).",
        "see description",
    )
    network_parameters: dict[str, float] = key(
        dict, "Other values for parameters of the network, by name, such as glc_art.", "that of the parameter"
    )
    solver_kwargs: SolverOptions = key(SolverOptions, "Tolerances of the integrator.")
    checks: Checks = key(Checks, "Bands that inputs and species must stay in.")
    calibrate_resting_demand: bool = key(
        True, "Scale each neuron's sodium pump so that its ATP demand at rest equals the network's supply."
    )

    @property
    def inputs(self) -> dict[InputName, float | None]:
        """Value of every input by name, in the network's order; None where a connection (or the layer) gives it."""
        if isinstance(self.parameters, list):
            return dict(zip(DEFAULT_INPUTS, self.parameters, strict=True))
        return DEFAULT_INPUTS | self.parameters
