"""The straight-line Julia code, run as Python: its statements mean the same in both languages.

A dictionary that counts from 1 stands for a Julia array.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from multiscale_run.metabolism import load_network
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.evaluate import Evaluator
from multiscale_run.metabolism.julia import code
from multiscale_run.metabolism.kernels import make_plan
from multiscale_run.metabolism.linear_kernels import Factors
from multiscale_run.metabolism.rosenbrock import METHODS, RODAS5P, StepControl

REFERENCE = Path(__file__).parent / "data" / "reference.npz"


@pytest.fixture(scope="module", params=["standard", "aged"])
def equations(request):
    return build_equations(load_network(request.param))


@pytest.fixture(scope="module")
def plan(equations):
    return make_plan(equations)


@pytest.fixture(scope="module")
def cell():
    with np.load(REFERENCE) as data:
        return data["u"][3], data["inputs"][3]


def from_one(values):
    return dict(enumerate(np.asarray(values, dtype=float).tolist(), start=1))


def run(lines, **arrays):
    body = "\n".join(line.strip() for line in lines)
    exec(compile(body, "straight line", "exec"), {"exp": math.exp, "log": math.log, "sqrt": math.sqrt, **arrays})


def values(array):
    return np.array([array[k] for k in range(1, len(array) + 1)])


@pytest.fixture(scope="module")
def linearised(plan, cell):
    """y, slope and Jacobian entries of a cell, from the generated lines."""
    state, inputs = cell
    prepared, slope, jacobian = {}, {}, {}
    run(code.prepare_lines(plan), state=from_one(state), inputs=from_one(inputs), prepared=prepared)
    y = from_one(state[plan.equations.network.dynamic_slots])
    run(code.linearise_lines(plan), y=y, prepared=prepared, slope=slope, jacobian=jacobian)
    other = {}
    run(code.derivative_lines(plan), y=y, prepared=prepared, slope=other)
    assert other == slope
    return values(slope), values(jacobian)


def test_equations_and_jacobian_are_those_of_the_network(equations, cell, linearised):
    state, inputs = (part[None] for part in cell)
    evaluator, (slope, jacobian) = Evaluator(equations), linearised
    expected = evaluator.derivative(state, inputs)[0, equations.network.dynamic_slots]
    np.testing.assert_allclose(slope, expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(jacobian, evaluator.jacobian(state, inputs)[0], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("shift", [1e2, 1e6])
def test_factors_solve_the_system(equations, plan, linearised, shift):
    _, jacobian = linearised
    matrix, places = shift * np.eye(plan.size), equations.jacobian
    np.subtract.at(matrix, (places.rows, places.columns), jacobian)
    right = np.random.default_rng(1).normal(size=plan.size)
    layout, factors, b = Factors(plan), {}, from_one(right)
    run(code.factorise_lines(plan, layout), jacobian=from_one(jacobian), shift=shift, factors=factors)
    assert len(factors) == plan.elimination.entries
    run(code.solve_lines(plan, layout), factors=factors, b=b)
    np.testing.assert_allclose(values(b), np.linalg.solve(matrix, right), rtol=1e-8)


def test_source_is_kept_and_follows_network_method_and_control(equations, tmp_path):
    first = code.integrator_source(equations, RODAS5P, StepControl(), tmp_path)
    (entry,) = tmp_path.iterdir()
    written = entry.stat().st_mtime_ns
    assert code.integrator_source(equations, RODAS5P, StepControl(), tmp_path) == first
    assert entry.stat().st_mtime_ns == written
    others = [
        code.integrator_source(
            build_equations(load_network(parameters={"glc_art": 4.6})), RODAS5P, StepControl(), tmp_path
        ),
        code.integrator_source(equations, METHODS["Rodas4"], StepControl(), tmp_path),
        code.integrator_source(equations, RODAS5P, StepControl(safety=0.8), tmp_path),
    ]
    assert len({first, *others}) == len(list(tmp_path.iterdir())) == 4


def test_tableau_is_written_with_all_digits(equations, tmp_path):
    source = code.integrator_source(equations, RODAS5P, StepControl(), tmp_path)
    (line,) = (line for line in source.splitlines() if line.startswith("const A = "))
    rows = [list(map(float, row.split())) for row in line.removeprefix("const A = [").rstrip("]").split(";")]
    expected = np.zeros((RODAS5P.stages, RODAS5P.stages))
    for i, row in enumerate(RODAS5P.a, start=1):
        expected[i, : len(row)] = row
    assert np.array_equal(rows, expected)
    assert f"const GAMMA = {RODAS5P.gamma!r}" in source
