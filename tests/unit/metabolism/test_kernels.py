"""When each expression is evaluated: with the code, once per cell and call, or every time."""

import numpy as np
import pytest

from multiscale_run.metabolism import load_network
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.expression import Op
from multiscale_run.metabolism.kernels import make_plan
from multiscale_run.metabolism.linear_kernels import Factors


@pytest.fixture(scope="module")
def plan():
    return make_plan(build_equations(load_network("young")))


def test_prepared_values_do_not_depend_on_the_state(plan):
    graph, states = plan.equations.graph, set(plan.equations.states)
    reached = set(graph.reachable(plan.prepared))
    assert not reached & states
    assert all(graph.nodes[node].op is not Op.CONSTANT for node in plan.prepared)
    assert {n for n in reached if graph.nodes[n].op is Op.SYMBOL} == set(plan.given)


def test_everything_else_follows_from_state_and_prepared_values(plan):
    graph, known = plan.equations.graph, {*plan.equations.states, *plan.prepared}
    open_nodes = [*plan.equations.derivatives, *plan.equations.jacobian.nodes]
    while open_nodes:
        node = open_nodes.pop()
        if node not in known:
            assert graph.nodes[node].op is not Op.SYMBOL, graph.nodes[node].value
            known.add(node)
            open_nodes.extend(graph.nodes[node].arguments)


def test_only_inputs_and_constant_species_are_given(plan):
    network, graph = plan.equations.network, plan.equations.graph
    allowed = {network.species[slot].id for slot in network.constant_slots} | {x.id for x in network.inputs}
    names = {graph.nodes[node].value for node in plan.given}
    assert names <= allowed
    assert {"k_e", "mito_scale", "bf_fin"} <= names


def test_factors_hold_every_entry_once(plan):
    factors = Factors(plan)
    assert sorted(factors.place.values()) == list(range(plan.elimination.entries))
    assert all((row, row) in factors.place for row in range(plan.size))
    assert np.all([rows == sorted(rows) for rows in factors.rows])
