"""The expression graph: simplification, parsing and differentiation against plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiscale_run.metabolism import NetworkError
from multiscale_run.metabolism.differentiate import Differentiator
from multiscale_run.metabolism.expression import Graph, Op
from multiscale_run.metabolism.parse import build, evaluate_constant, names_in
from multiscale_run.metabolism.text_code import FLOAT_FUNCTIONS, NUMPY_FUNCTIONS, compile_outputs


@pytest.fixture
def graph():
    return Graph()


def value(graph, node, functions=FLOAT_FUNCTIONS, **names):
    results = [None]
    compile_outputs(graph, [graph.symbol(n) for n in names], [node], functions)(list(names.values()), results)
    return results[0]


def test_equal_expressions_are_one_node(graph):
    x, y = graph.symbol("x"), graph.symbol("y")
    assert graph.add(x, y) == graph.add(y, x)
    assert graph.mul(graph.scale(2.0, x), y) == graph.scale(2.0, graph.mul(y, x))
    assert graph.symbol("x") == x


def test_simplifications(graph):
    x, zero, one = graph.symbol("x"), graph.constant(0.0), graph.constant(1.0)
    assert graph.add(x, zero) == graph.sub(x, zero) == graph.mul(x, one) == graph.power(x, 1.0) == x
    assert graph.mul(x, zero) == graph.sub(x, x) == zero
    assert graph.power(x, 0.0) == one
    assert graph.nodes[graph.add(x, graph.scale(-1.0, graph.symbol("y")))].op is Op.SUB


def test_a_chain_of_quotients_costs_one_division(graph):
    names = {name: graph.symbol(name) for name in "abcd"}
    node = build(graph, "3*a/(a + b)*b/(b + c)/(d*2)", names)
    used = [graph.nodes[n].op for n in graph.reachable([node])]
    assert used.count(Op.RECIPROCAL) == 1
    assert value(graph, node, a=1.0, b=2.0, c=3.0, d=4.0) == pytest.approx(3 * 1 / 3 * 2 / 5 / 8, rel=1e-15)


@pytest.mark.parametrize("exponent", [-3, -1.5, -1 / 2.73, 0.25, 0.5, 1.5, 2, 3, 5.5, 8, 9.3])
def test_powers(graph, exponent):
    x = graph.symbol("x")
    node = graph.power(x, exponent)
    derivative = Differentiator(graph, [x]).derivative(node, x)
    assert value(graph, node, x=1.7) == pytest.approx(1.7**exponent, rel=1e-14)
    assert value(graph, derivative, x=1.7) == pytest.approx(exponent * 1.7 ** (exponent - 1), rel=1e-14)


FORMULAS = [
    "a*b/(c + a)",
    "a - b - c",
    "exp(-a/b)*sqrt(c) - log(a*c)",
    "(a/b)**3/(1 + (a/b)**3)",
    "-(a + 2*b)/(c*(1 + a/b))",
    "a**b",
    "2**3*a - -b",
    "1e-3*a*(0.5*b)*c**0.25/7",
    "sqrt(a**2 + 4*b) - 4 + c",
]
POSITIVE = st.floats(0.1, 10.0)


@pytest.mark.parametrize("text", FORMULAS)
@given(a=POSITIVE, b=POSITIVE, c=POSITIVE)
def test_formulas_and_their_derivatives(text, a, b, c):
    graph = Graph()
    names = {name: graph.symbol(name) for name in "abc"}
    node = build(graph, text, names)
    plain = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt}
    at = {"a": a, "b": b, "c": c}
    assert value(graph, node, **at) == pytest.approx(eval(text, plain, at), rel=1e-12, abs=1e-12)
    differentiator = Differentiator(graph, list(names.values()))
    for name, symbol in names.items():
        step = 1e-30
        exact = np.imag(eval(text, plain, {**at, name: at[name] + 1j * step})) / step
        found = value(graph, differentiator.derivative(node, symbol), **at)
        assert found == pytest.approx(exact, rel=1e-11, abs=1e-12)


def test_arrays_and_floats_agree(graph):
    names = {name: graph.symbol(name) for name in "abc"}
    node = build(graph, FORMULAS[2], names)
    many = value(graph, node, NUMPY_FUNCTIONS, a=np.array([1.0, 2.0]), b=np.array([3.0, 1.0]), c=np.array([0.5, 4.0]))
    assert many[1] == pytest.approx(value(graph, node, a=2.0, b=1.0, c=4.0), rel=1e-15)


@pytest.mark.parametrize(
    "text",
    ["a b", "a if b else c", "__import__('os')", "a.b", "a[0]", "lambda: 1", "'a'", "True", "exp(a, b)", "a @ b", ""],
)
def test_anything_but_arithmetic_is_refused(text):
    with pytest.raises(NetworkError, match=r"not a formula|is not allowed"):
        names_in(text)


def test_names_and_constants():
    assert names_in("a*exp(b) + 2") == {"a", "b"}
    assert evaluate_constant("0.65*0.212") == pytest.approx(0.1378)
    assert evaluate_constant("2**0.5") == math.sqrt(2)


def test_dependence_is_a_set_of_symbols(graph):
    names = {name: graph.symbol(name) for name in "abc"}
    differentiator = Differentiator(graph, list(names.values()))
    assert differentiator.dependence(build(graph, "a*c + 1", names)) == 0b101
    assert differentiator.derivative(build(graph, "a*c", names), names["b"]) == graph.constant(0.0)
