"""Connections between two small simulators that hold arrays: actions, order, masks, errors."""

from types import SimpleNamespace

import numpy as np
import pytest

from mpi_coupling.world import World
from multiscale_run.coupling import (
    NEURONS,
    SEGMENTS,
    CouplingError,
    Domain,
    Reduction,
    Sample,
    Transfers,
    connect,
    fields_of,
    grouping,
    readable,
    registry,
    writable,
)


class Store:
    """Holds one value per neuron, read either per neuron or per segment (two segments per neuron)."""

    def __init__(self, name, values):
        self.name = name
        self.values = np.array(values, dtype=float)

    @readable(NEURONS)
    def get(self) -> np.ndarray:
        return self.values.copy()

    @readable(SEGMENTS)
    def get_segments(self, *, weight: str | None = None, reader: str | None = None) -> Sample:
        self.reader = reader
        return Sample(np.repeat(self.values, 2) + [-1, 1] * len(self.values), SEGMENTS)

    @writable(NEURONS)
    def put(self, values: np.ndarray, *, idxs: list[int]) -> None:
        self.values = np.array(values)


def spec(**changes):
    base = {
        "src_simulator": "a",
        "src_get_func": "get",
        "src_get_kwargs": {},
        "dest_simulator": "b",
        "dest_set_func": "put",
        "dest_set_kwargs": {"idxs": [0]},
        "action": "set",
        "transform_expression": None,
        "src_set_func": None,
        "src_set_kwargs": {},
        "dest_get_func": None,
        "dest_get_kwargs": {},
    }
    return SimpleNamespace(**(base | changes))


MERGE = {"action": "merge", "src_set_func": "put", "src_set_kwargs": {"idxs": [0]}, "dest_get_func": "get"}


@pytest.fixture
def pair():
    return Store("a", [1.0, 2.0]), Store("b", [10.0, 20.0])


def wire(pair, *specs, event="after_b_advance"):
    owner = np.repeat(np.arange(2), 2)
    domains = {NEURONS: Domain(NEURONS, np.arange(2)), SEGMENTS: Domain(SEGMENTS, np.arange(4))}
    transfers = Transfers(World.start(), domains, [grouping(SEGMENTS, NEURONS, owner, 2, Reduction.MEAN)])
    return connect({event: list(specs)}, {store.name: store for store in pair}, transfers, None)


def test_set_and_order(pair):
    connections = wire(pair, spec(), spec(transform_expression="vals * 3"))
    connections.fire("before_b_advance")
    np.testing.assert_array_equal(pair[1].values, [10, 20])
    connections.fire("after_b_advance")
    np.testing.assert_array_equal(pair[1].values, [3, 6])


def test_segments_are_averaged_before_the_transform(pair):
    wire(pair, spec(src_get_func="get_segments", transform_expression="vals ** 2")).fire("after_b_advance")
    np.testing.assert_array_equal(pair[1].values, [1, 4])
    assert pair[0].reader == "multiscale_run.connections.after_b_advance[0]"


def test_sum_adds_to_the_destination(pair):
    wire(pair, spec(action="sum", dest_get_func="get")).fire("after_b_advance")
    np.testing.assert_array_equal(pair[1].values, [11, 22])


def test_merge_counts_both_changes_once(pair):
    a, b = pair
    connections = wire(pair, spec(**MERGE))
    connections.fire("after_b_advance")
    np.testing.assert_array_equal(b.values, [1, 2], err_msg="the first time the source wins")
    a.values -= 0.25
    b.values += 1.0
    connections.fire("after_b_advance")
    np.testing.assert_array_equal(a.values, [1.75, 2.75])
    np.testing.assert_array_equal(b.values, [1.75, 2.75])
    connections.fire("after_b_advance")
    np.testing.assert_array_equal(a.values, [1.75, 2.75], err_msg="nothing changed, so nothing may change")


def test_before_any_time_has_passed_nothing_is_added(pair):
    connections = wire(pair, spec(action="sum", dest_get_func="get"), spec(transform_expression="vals * 3"))
    connections.initialise("after_b_advance")
    np.testing.assert_array_equal(pair[1].values, [3, 6])


def test_what_merging_sides_agreed_on_survives_a_checkpoint(pair):
    a, b = pair
    before = wire(pair, spec(**MERGE))
    before.fire("after_b_advance")
    saved = before.state()
    a.values, b.values = a.values - 0.25, b.values + 1.0
    resumed = wire(pair, spec(**MERGE))
    resumed.restore(saved)
    resumed.fire("after_b_advance")
    np.testing.assert_array_equal(b.values, [1.75, 2.75])


def test_inactive_simulators_are_left_out(pair):
    assert list(wire(pair, spec(src_simulator="steps"))) == []


def test_unknown_field(pair):
    with pytest.raises(
        CouplingError, match=r"multiscale_run.connections.after_b_advance\[0\]: a has no field 'gett'; it has get"
    ):
        wire(pair, spec(src_get_func="gett"))


def test_wrong_number_of_values(pair):
    pair[0].values = np.ones(3)
    with pytest.raises(CouplingError, match="3 values arrive at 2 neurons"):
        wire(pair, spec()).fire("after_b_advance")


def test_a_transform_that_changes_the_number_of_values(pair):
    with pytest.raises(CouplingError, match="1 values come out of the transform for 2 neurons"):
        wire(pair, spec(transform_expression="vals[:1]")).fire("after_b_advance")


def test_registry_comes_from_signatures():
    field = fields_of(Store)["get_segments"]
    assert field.domain == SEGMENTS and field.knows_reader and "reader" not in field.arguments
    info = registry({"a": Store})["a"]["put"]
    assert info.writable and not info.readable and set(info.arguments) == {"idxs"}
