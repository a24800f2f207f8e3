"""Connections: at an event, read a field, transform it, carry it over and act on the destination."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.coupling.actions import ACTIONS, Action
from multiscale_run.coupling.domains import SEGMENTS
from multiscale_run.coupling.expressions import Expression
from multiscale_run.coupling.fields import READER, Field, fields_of
from multiscale_run.coupling.operators import Sample, Transfers

CARRIED_FIRST = frozenset({SEGMENTS})
"""Domains whose values travel to the destination's sites before the transform expression sees them (format 3)."""


class CouplingError(UserError):
    """A connection that cannot be made or whose values do not fit."""


@dataclass(frozen=True)
class Port:
    """One end of a connection: a field of a simulator with the arguments of the configuration.

    Attributes:
        field: what the simulator class says of it.
        call: the bound method.
        arguments: keyword arguments from the configuration.
    """

    field: Field
    call: Callable[..., Any]
    arguments: Mapping[str, Any]

    @classmethod
    def of(cls, simulator: Any, name: str, arguments: Mapping[str, Any], reader: str) -> Port:
        """Look a field up on a simulator object.

        Args:
            simulator: the adapter.
            name: field name.
            arguments: keyword arguments of the configuration.
            reader: who asks: fields that integrate over a window keep one window per reader.

        Raises:
            CouplingError: the simulator has no such field.
        """
        known = fields_of(type(simulator))
        if name not in known:
            raise CouplingError(f"{reader}: {simulator.name} has no field {name!r}; it has {', '.join(known)}")
        extra = {READER: reader} if known[name].knows_reader else {}
        return cls(known[name], getattr(simulator, name), {**arguments, **extra})

    def read(self) -> Sample:
        """The field's values; a bare array counts as one value per site without weights."""
        values = self.call(**self.arguments)
        return values if isinstance(values, Sample) else Sample(values, self.field.domain)

    def write(self, values: np.ndarray) -> None:
        """Hand values, shape (sites of the field's domain,), to the simulator."""
        self.call(values, **self.arguments)


@dataclass
class Connection:
    """A coupling between two simulators, ready to be applied.

    Attributes:
        name: key path in the configuration, used in messages.
        action: set, sum or merge.
        source: where values are read.
        destination: where the result is written.
        transform: expression applied on the way, or None.
        source_write: where the result is written back, or None.
        destination_read: the destination's own values (sum, merge), or None.
        previous: the values both sides agreed on last (merge), or None before the first time.
    """

    name: str
    action: Action
    source: Port
    destination: Port
    transform: Expression | None = None
    source_write: Port | None = None
    destination_read: Port | None = None
    previous: np.ndarray | None = None

    def apply(self, transfers: Transfers) -> None:
        """Do the exchange. Collective where the path between the two domains is.

        Raises:
            CouplingError: a field refused, the expression failed, or the number of values does not fit the
                destination's sites; the message names the connection.
        """
        try:
            arrived = self._carry(self.source.read(), transfers)
            own = None if self.destination_read is None else self.destination_read.read().values
            result = ACTIONS[self.action](arrived, own, self.previous)
            self.destination.write(result)
            if self.source_write is not None:
                self.source_write.write(result)
        except (UserError, LookupError) as error:
            raise CouplingError(f"{self.name}: {error}") from error
        if self.action is Action.MERGE:
            self.previous = result.copy()

    def _carry(self, sample: Sample, transfers: Transfers) -> np.ndarray:
        target = self.destination.field.domain
        if self.transform is None:
            values = transfers.transfer(sample, target).values
        elif sample.domain in CARRIED_FIRST:
            values = self.transform(transfers.transfer(sample, target).values)
        else:
            domain = self.transform.domain(sample.domain)
            weights = sample.weights if domain == sample.domain else None
            transformed = _fitting(self.transform(sample.values), domain, transfers, "come out of the transform for")
            values = transfers.transfer(Sample(transformed, domain, weights), target).values
        return _fitting(values, target, transfers, "arrive at")


def _fitting(values: np.ndarray, domain: str, transfers: Transfers, what: str) -> np.ndarray:
    """The values, if there is one for every site of a domain."""
    size = transfers.domains[domain].size if domain in transfers.domains else len(values)
    if len(values) != size:
        raise CouplingError(f"{len(values)} values {what} {size} {domain}")
    return values


class Connections:
    """All connections of a run, by the event that triggers them.

    Args:
        transfers: domains and operators of the run.
        by_event: connections in the order in which they are applied.
    """

    def __init__(self, transfers: Transfers, by_event: Mapping[str, Sequence[Connection]]) -> None:
        self._transfers = transfers
        self._by_event = {event: list(connections) for event, connections in by_event.items()}

    def fire(self, event: str) -> None:
        """Apply the connections of an event, such as ``after_metabolism_advance``, in order."""
        for connection in self._by_event.get(event, ()):
            connection.apply(self._transfers)

    def initialise(self, event: str) -> None:
        """As :meth:`fire`, before any time has passed: what only adds up over time (``sum``) is left out."""
        for connection in self._by_event.get(event, ()):
            if connection.action is not Action.SUM:
                connection.apply(self._transfers)

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint has to hold: the values that merging simulators last agreed on, by connection."""
        return {connection.name: connection.previous for connection in self if connection.previous is not None}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a :meth:`state`."""
        for connection in self:
            connection.previous = state.get(connection.name)

    def __iter__(self) -> Iterator[Connection]:
        return (connection for group in self._by_event.values() for connection in group)


def connect(
    specs: Mapping[str, Sequence[Any]],
    simulators: Mapping[str, Any],
    transfers: Transfers,
    config_view: Any,
    matrices: Mapping[str, Any] | None = None,
) -> Connections:
    """Build the connections of a configuration.

    Args:
        specs: event -> connections as the configuration has them.
        simulators: active simulators by name; connections that name another one are left out.
        transfers: domains and operators of the run.
        config_view: what expressions see as ``config``.
        matrices: named coupling matrices that expressions may use.

    Raises:
        CouplingError: a field does not exist.
        ExpressionError: an expression is not allowed.
    """
    by_event = {
        event: [
            _build(f"multiscale_run.connections.{event}[{i}]", spec, simulators, config_view, matrices)
            for i, spec in enumerate(group)
            if spec.src_simulator in simulators and spec.dest_simulator in simulators
        ]
        for event, group in specs.items()
    }
    return Connections(transfers, by_event)


def _build(
    name: str, spec: Any, simulators: Mapping[str, Any], config_view: Any, matrices: Mapping[str, Any] | None
) -> Connection:
    source, destination = simulators[spec.src_simulator], simulators[spec.dest_simulator]

    def port(simulator: Any, function: str | None, arguments: Mapping[str, Any]) -> Port | None:
        return None if function is None else Port.of(simulator, function, arguments, reader=name)

    return Connection(
        name=name,
        action=Action(spec.action),
        source=Port.of(source, spec.src_get_func, spec.src_get_kwargs, reader=name),
        destination=Port.of(destination, spec.dest_set_func, spec.dest_set_kwargs, reader=name),
        transform=None
        if spec.transform_expression is None
        else Expression(spec.transform_expression, config_view, matrices),
        source_write=port(source, spec.src_set_func, spec.src_set_kwargs),
        destination_read=port(destination, spec.dest_get_func, spec.dest_get_kwargs),
    )
