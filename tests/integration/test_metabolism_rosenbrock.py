"""Order of convergence of the generated integrator on small problems with known solutions, and its step control."""

import csv
import math

import numpy as np
import pytest

from multiscale_run.metabolism import Options, Status, load_network
from multiscale_run.metabolism.native import NativeEngine
from multiscale_run.metabolism.rosenbrock import METHODS, StepControl

_COLUMNS = {
    "species": "id julia_index unit initial_value role",
    "parameters": "id value unit",
    "inputs": "id unit default",
    "assignments": "id expression",
    "rates": "id expression",
    "stoichiometry": "species rate coefficient",
    "variants": "variant target_kind target expression",
}


@pytest.fixture
def problem(tmp_path):
    """Write y' = expression per species as network tables and load them: the tables are the only way in."""

    def write(equations, inputs=()):
        rows = {
            "species": [(s, i, "1", y0, "dynamic") for i, (s, (y0, _)) in enumerate(equations.items(), 1)],
            "inputs": [(name, "1", 0.0) for name in inputs],
            "rates": [(f"v_{s}", expression) for s, (_, expression) in equations.items()],
            "stoichiometry": [(s, f"v_{s}", "1") for s in equations],
        }
        for table, columns in _COLUMNS.items():
            with (tmp_path / f"{table}.csv").open("w", newline="") as file:
                csv.writer(file).writerows([columns.split(), *rows.get(table, [])])
        return load_network(folder=tmp_path)

    return write


def integrate(network, seconds, tmp_path, method="Rodas5P", control=None, rtol=1e-6, state=None, inputs=None):
    options = Options(
        relative_tolerance=rtol, absolute_tolerance=rtol, method=method, cache_dir=tmp_path / "cache", lanes=2
    )
    engine = NativeEngine(network, options, control=control)
    state = network.initial_state() if state is None else state
    result = engine.advance(state, network.default_inputs(len(state)) if inputs is None else inputs, seconds)
    return state, result


def fixed_step(step):
    """Every step is accepted and has the same size."""
    return StepControl(safety=1.0, shrink=1.0, grow=1.0, first_step=step)


PENDULUM = {"x": (1.0, "y"), "y": (0.0, "-x + x**3/6")}
RATIONAL = {"y": (1.0, "-y**2"), "z": (2.0, "-z*y + exp(-z)"), "w": (0.5, "sqrt(z)/(1 + w)")}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("equations", [PENDULUM, RATIONAL], ids=["pendulum", "rational"])
def test_order_of_convergence(problem, tmp_path, method, equations):
    network = problem(equations)
    exact, _ = integrate(network, 1.0, tmp_path, rtol=1e-13)
    errors = []
    for steps in (16, 32, 64):
        state, result = integrate(network, 1.0, tmp_path, method, fixed_step(1.0 / steps), rtol=1e9)
        assert result.steps[0] == steps
        errors.append(np.abs(state - exact).max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert orders[-1] == pytest.approx(METHODS[method].order, abs=0.3)


@pytest.mark.parametrize("method", METHODS)
def test_stiff_component_does_not_spoil_the_error(problem, tmp_path, method):
    """Prothero and Robinson 1974 (Math. Comp. 28:145): y follows g(t) = 1/(1 + t) with a stiff attraction."""
    network = problem({"g": (1.0, "-g**2"), "y": (1.0, "-1e6*(y - g) - g**2")})
    state, _ = integrate(network, 1.0, tmp_path, method, fixed_step(1 / 32), rtol=1e9)
    assert np.abs(state - 0.5).max() < 1e-7


@pytest.mark.parametrize("method", METHODS)
def test_tableau_is_l_stable_and_consistent(method):
    """The stability function R(z) tends to 0 and fits exp(z) to the method's order."""
    tableau = METHODS[method]

    def amplification(z):
        # y' = z y with h = 1: scalar stages of the formula in the module's text
        stages = []
        for i in range(tableau.stages):
            a = tableau.a[i - 1] if i else ()
            c = tableau.c[i - 1] if i else ()
            argument = 1 + sum(x * u for x, u in zip(a, stages, strict=True))
            right = z * argument + sum(x * u for x, u in zip(c, stages, strict=True))
            stages.append(right / (1 / tableau.gamma - z))
        return argument + stages[-1]

    assert abs(amplification(-1e9)) < 1e-6
    assert all(abs(amplification(complex(0, y))) <= 1 + 1e-10 for y in np.logspace(-2, 4, 200))
    error = [abs(amplification(z) - math.exp(z)) for z in (-0.1, -0.05)]
    assert math.log2(error[0] / error[1]) > tableau.order + 0.7


def test_robertson(problem, tmp_path):
    """Robertson's kinetics at t = 40; values of Hairer and Wanner's reference solution."""
    network = problem(
        {"a": (1.0, "-0.04*a + 1e4*b*c"), "b": (0.0, "0.04*a - 1e4*b*c - 3e7*b**2"), "c": (0.0, "3e7*b**2")}
    )
    state, result = integrate(network, 40.0, tmp_path, rtol=1e-9)
    assert result.status[0] == Status.OK
    np.testing.assert_allclose(state[0], [0.7158270687, 9.185534764e-6, 0.2841637457], rtol=1e-7)
    assert state.sum() == pytest.approx(1.0, abs=1e-12)


def test_error_follows_the_tolerance(problem, tmp_path):
    network = problem(RATIONAL)
    exact, _ = integrate(network, 1.0, tmp_path, rtol=1e-13)
    errors = [np.abs(integrate(network, 1.0, tmp_path, rtol=rtol)[0] - exact).max() for rtol in (1e-4, 1e-7, 1e-10)]
    assert all(error < 10 * rtol for error, rtol in zip(errors, (1e-4, 1e-7, 1e-10), strict=True))
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_a_singularity_ends_the_cell(problem, tmp_path):
    """y' = y**2 from 1 has no solution at t = 1."""
    network = problem({"y": (1.0, "y**2")})
    state, result = integrate(network, 2.0, tmp_path)
    assert result.status[0] in (Status.STEP_TOO_SMALL, Status.TOO_MANY_STEPS)
    assert state[0, 0] == 1.0
    assert result.findings[0].species == "y"


def test_systems_that_need_pivoting_go_to_the_reference(problem, tmp_path):
    """An impossible bound on the backward error marks every system as singular, so every cell takes the other way."""
    network = problem(PENDULUM)
    expected, _ = integrate(network, 1.0, tmp_path, rtol=1e-8)
    state, result = integrate(network, 1.0, tmp_path, rtol=1e-8, control=StepControl(backward_error=1e-25))
    assert result.status[0] == Status.OK
    np.testing.assert_allclose(state, expected, rtol=1e-6)
    assert not np.array_equal(state, expected)


def test_a_zero_pivot_is_only_a_rejected_step(problem, tmp_path):
    """1/(h*gamma) - J has a zero on its diagonal for the first step; another step size has not."""
    gamma = METHODS["Rodas5P"].gamma
    step = 2.0**-7
    rate = 1 / (step * gamma)
    network = problem({"x": (0.1, f"{rate!r}*x - 5e3*y"), "y": (0.0, f"5e3*x - {2 * rate!r}*y")})
    state, result = integrate(network, 4 * step, tmp_path, control=StepControl(first_step=step), rtol=1e-8)
    exact = np.array([[0.1, 0.0]])
    matrix = np.array([[rate, -5e3], [5e3, -2 * rate]])
    values, vectors = np.linalg.eig(matrix)
    exact = (vectors @ (np.exp(values * 4 * step) * np.linalg.solve(vectors, exact[0]))).real
    assert result.status[0] == Status.OK
    np.testing.assert_allclose(state[0], exact, atol=1e-6)


def test_window_is_met_exactly_and_steps_are_remembered(problem, tmp_path):
    network = problem({"t": (0.0, "1 + 0*speed")}, inputs=["speed"])
    options = Options(cache_dir=tmp_path / "cache", lanes=2)
    engine = NativeEngine(network, options)
    state, inputs = network.initial_state(3), network.default_inputs(3)
    for _ in range(7):
        result = engine.advance(state, inputs, 0.1)
    np.testing.assert_allclose(state, 0.7, rtol=1e-14)
    assert result.steps.max() == 1
    copy, second = state.copy(), NativeEngine(network, options)
    second.restore(engine.internal_state())
    engine.advance(state, inputs, 0.1)
    second.advance(copy, inputs, 0.1)
    assert np.array_equal(state, copy)
