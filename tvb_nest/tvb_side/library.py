"""Models and couplings of tvb-library by name, with parameters as plain numbers.

tvb-library takes any array for a parameter and fails, or not, far from there; here a wrong value is an error at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tvb.basic.neotraits.api import Attr, Final, List, NArray
from tvb.simulator import coupling as couplings
from tvb.simulator import integrators, models
from tvb.simulator.models import ModelsEnum
from tvb.simulator.noise import Additive

from mpi_coupling.failure import UserError

Kind: TypeAlias = type[Any]

NO_PARAMETERS = ("gid", "state_variable_range", "state_variable_boundaries", "variables_of_interest", "parameter_names")
SCALARS = (bool, int, float, str)

LINEAR_COUPLINGS = ("Linear", "Scaling")
"""Couplings whose output is a times the weighted sum of their input, but for a constant."""


def model_names() -> list[str]:
    """Names of all models."""
    return [model.value for model in ModelsEnum if model != ModelsEnum.BASE_MODEL]


def model_class(name: str) -> Kind:
    """A model by its name, one of `model_names`."""
    kind: Kind = getattr(models, name)
    return kind


def coupling_names() -> list[str]:
    """Names of all couplings."""
    base, sparse = couplings.Coupling, couplings.SparseCoupling
    kinds = {name: kind for name, kind in vars(couplings).items() if inspect.isclass(kind)}
    return [name for name, kind in kinds.items() if issubclass(kind, base) and kind not in (base, sparse)]


def coupling_class(name: str) -> Kind:
    """A coupling by its name, one of `coupling_names`."""
    kind: Kind = getattr(couplings, name)
    return kind


def parameter_names(kind: Kind) -> list[str]:
    """Parameters that may be set."""
    return [name for name in kind.declarative_attrs if name not in NO_PARAMETERS and _is_settable(getattr(kind, name))]


def converted(kind: Kind, name: str, value: Any, n_regions: int) -> Any:
    """A parameter as the library wants it.

    Args:
        kind: model or coupling.
        name: of the parameter, one of `parameter_names`.
        value: a number or a list of numbers; for some parameters a truth value or a text.
        n_regions: how many numbers a value for each region has.

    Raises:
        UserError: the value has another type, or the wrong number of values.
    """
    attribute = getattr(kind, name)
    if not isinstance(attribute, NArray):
        return _scalar(attribute, value)
    default = attribute.default
    length = 1 if default is None else np.size(default)
    array = _numbers(value)
    if array.size not in (length, *((n_regions, 1) if length == 1 else ())):
        wanted = f"a number, or {n_regions}, one per region" if length == 1 else f"{length} numbers"
        raise UserError(f"must be {wanted}")
    if np.issubdtype(attribute.dtype, np.integer) and (array != np.rint(array)).any():
        raise UserError("must be whole")
    return array.astype(attribute.dtype)


def integrator_of(
    name: str, dt: float, dispersion: NDArray[np.float64], correlation_time: float, seed: int
) -> integrators.Integrator:
    """An integrator.

    Args:
        name: its class.
        dt: time step [ms].
        dispersion: D of each state variable; a step adds sqrt(2 D dt) N(0, 1).
        correlation_time: of the noise [ms]; 0 for white noise.
        seed: of the noise.
    """
    kind = getattr(integrators, name)
    if not name.endswith("Stochastic"):
        return kind(dt=dt)
    return kind(dt=dt, noise=Additive(nsig=dispersion, ntau=correlation_time, noise_seed=seed))


def ranges_of(model: Any) -> Mapping[str, NDArray[np.float64]]:
    """State variable -> the range in which the model's history begins."""
    ranges: Mapping[str, NDArray[np.float64]] = model.state_variable_range
    return ranges


def _is_settable(attribute: Any) -> bool:
    if isinstance(attribute, Final | List):
        return False
    return isinstance(attribute, NArray) or (isinstance(attribute, Attr) and attribute.field_type in SCALARS)


def _scalar(attribute: Any, value: Any) -> Any:
    kind = attribute.field_type
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        name = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}[kind]
        raise UserError(f"must be {name}")
    return value


def _numbers(value: Any) -> NDArray[np.float64]:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, int | float) and not isinstance(item, bool) and np.isfinite(item) for item in items):
        raise UserError("must be a finite number, or a list of such")
    return np.array(items, dtype=np.float64)
