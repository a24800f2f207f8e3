"""Connections: which field of one simulator goes where, when and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from mpi_coupling.settings.schema import Section, key
from multiscale_run.config.schema.base import Simulator, simulator_names


def events() -> dict[str, Simulator]:
    """Moments at which connections are applied, in their order in a step, and the simulator whose turn it is."""
    return {f"{when}_{simulator}_advance": simulator for simulator in simulator_names() for when in ("before", "after")}


def _known_event(name: str) -> str:
    if name not in events():
        raise PydanticCustomError("unknown_name", "is not an event", {"allowed": list(events())})
    return name


Event: TypeAlias = Annotated[str, AfterValidator(_known_event)]


class Connection(Section):
    """One exchange: read the source's field, transform it, carry it over, act on the destination."""

    src_simulator: Simulator = key(..., "Simulator whose field is read.")
    src_get_func: str = key(..., "Field that is read.")
    src_get_kwargs: dict[str, Any] = key(dict, "Arguments of the field that is read.")
    src_set_func: str | None = key(None, "Field of the source that receives the result too; required by merge.")
    src_set_kwargs: dict[str, Any] = key(dict, "Arguments of src_set_func.")
    dest_simulator: Simulator = key(..., "Simulator that receives the values.")
    dest_get_func: str | None = key(None, "Field with the destination's own values; required by merge.")
    dest_get_kwargs: dict[str, Any] = key(dict, "Arguments of dest_get_func.")
    dest_set_func: str = key(..., "Field that is written.")
    dest_set_kwargs: dict[str, Any] = key(dict, "Arguments of the field that is written.")
    action: Literal["set", "sum", "merge"] = key(
        "set", "set replaces, sum adds, merge reconciles: source + destination - previous, written to both."
    )
    transform_expression: str | None = key(None, "Arithmetic on the values in transit, named vals.")

    def users(self, event: str) -> set[Simulator]:
        """Simulators that must take part for it to be applied at an event: both ends and whose turn it is."""
        turn = events().get(event)
        return {self.src_simulator, self.dest_simulator} | ({turn} if turn else set())

    def fields(self) -> list[tuple[Simulator, str, str, dict[str, Any]]]:
        """The fields it uses: simulator, key that names the field, field, arguments."""
        ends: list[tuple[Simulator, str, str | None, dict[str, Any]]] = [
            (self.src_simulator, "src_get_func", self.src_get_func, self.src_get_kwargs),
            (self.src_simulator, "src_set_func", self.src_set_func, self.src_set_kwargs),
            (self.dest_simulator, "dest_get_func", self.dest_get_func, self.dest_get_kwargs),
            (self.dest_simulator, "dest_set_func", self.dest_set_func, self.dest_set_kwargs),
        ]
        return [(simulator, name, field, kwargs) for simulator, name, field, kwargs in ends if field is not None]
