"""Elimination order, and the generated factorisation, solve and residual against NumPy."""

import ctypes

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

from multiscale_run.metabolism import load_network
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.evaluate import Evaluator
from multiscale_run.metabolism.kernel_cache import target_machine
from multiscale_run.metabolism.kernels import emit_linearise, emit_prepare, make_plan
from multiscale_run.metabolism.linear_kernels import Factors, emit_factorise, emit_residual, emit_solve
from multiscale_run.metabolism.ordering import eliminate

LANES = 4
BOUND = 1e-10


@pytest.fixture(scope="module")
def equations():
    return build_equations(load_network())


@pytest.fixture(scope="module")
def kernels(equations):
    """The straight-line kernels of the network as callables over (items, lanes) arrays."""
    plan, module = make_plan(equations), ir.Module("test")
    factors = Factors(plan)
    functions = [
        emit_prepare(module, plan, LANES),
        emit_linearise(module, plan, LANES),
        emit_factorise(module, plan, factors, LANES),
        emit_solve(module, plan, factors, LANES),
        emit_residual(module, plan, LANES, BOUND),
    ]
    for function in functions:
        function.linkage = "external"
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), target_machine())
    engine.finalize_object()

    def caller(function):
        types = [ctypes.c_void_p] * len(function.args)
        call = ctypes.CFUNCTYPE(None, *types)(engine.get_function_address(function.name))
        return lambda *arrays: call(*(a.ctypes.data for a in arrays))

    return plan, engine, {function.name: caller(function) for function in functions}


def lanes_of(values):
    """A vector-aligned copy, shape (items, lanes)."""
    raw = np.zeros(values.size + 8)
    skip = -raw.ctypes.data % 64 // 8
    array = raw[skip : skip + values.size].reshape(values.shape)
    array[:] = values
    return array


@pytest.fixture(scope="module")
def system(equations, kernels):
    """States of four cells, their matrix entries by the generated code, and the dense matrices by NumPy."""
    plan, _, call = kernels
    network = equations.network
    rng = np.random.default_rng(3)
    state = network.initial_state(LANES) * rng.uniform(0.8, 1.05, (LANES, 1))
    inputs = network.default_inputs(LANES)
    values = dict(zip(equations.symbols, np.concatenate([state, inputs], axis=1).T, strict=True))
    given = lanes_of(np.array([values[node] for node in plan.given]))
    prepared = lanes_of(np.zeros((len(plan.prepared), LANES)))
    call["prepare"](given, prepared)
    dydt = lanes_of(np.zeros((plan.size, LANES)))
    entries = lanes_of(np.zeros((len(equations.jacobian.nodes), LANES)))
    call["linearise"](lanes_of(state[:, network.dynamic_slots].T), prepared, dydt, entries)
    return state, inputs, dydt, entries


def test_generated_equations_equal_numpy(equations, system):
    state, inputs, dydt, entries = system
    evaluator = Evaluator(equations)
    slots = equations.network.dynamic_slots
    expected = evaluator.derivative(state, inputs)[:, slots].T
    assert np.abs(dydt - expected).max() < 1e-9
    jacobian = evaluator.jacobian(state, inputs).T
    assert np.abs(entries - jacobian).max() < 1e-9 * np.abs(jacobian).max()
    np.testing.assert_allclose(entries, jacobian, rtol=1e-8, atol=1e-12)


def test_factorise_and_solve(equations, kernels, system):
    plan, _, call = kernels
    entries, matrix = system[3], equations.jacobian
    rng = np.random.default_rng(4)
    for step in (1e-7, 1e-3, 1.0):
        shift = lanes_of(np.full((1, LANES), 1 / step))
        right, addend = rng.normal(size=(2, plan.size, LANES))
        x, factors = lanes_of(right - addend), lanes_of(np.zeros((plan.elimination.entries, LANES)))
        call["factorise"](entries, shift, factors)
        call["solve"](factors, lanes_of(addend), x)
        for lane in range(LANES):
            dense = np.eye(plan.size) / step
            dense[matrix.rows, matrix.columns] -= entries[:, lane]
            backward = np.abs(dense @ x[:, lane] - right[:, lane])
            assert (backward / (np.abs(dense) @ np.abs(x[:, lane]) + np.abs(right[:, lane]))).max() < 1e-13


def test_residual_notices_a_wrong_solution(kernels, system):
    plan, _, call = kernels
    entries = system[3]
    shift, right = lanes_of(np.full((1, LANES), 1e3)), lanes_of(np.ones((plan.size, LANES)))
    x, factors = lanes_of(right.copy()), lanes_of(np.zeros((plan.elimination.entries, LANES)))
    call["factorise"](entries, shift, factors)
    call["solve"](factors, lanes_of(np.zeros_like(x)), x)
    x[7, 2] *= 1 + 1e-6
    excess = lanes_of(np.zeros((1, LANES)))
    call["residual"](entries, shift, x, right, excess)
    assert (excess[0] > 0).tolist() == [False, False, True, False]


def test_markowitz_order_keeps_the_network_sparse(equations):
    matrix = equations.jacobian
    elimination = eliminate(matrix.size, matrix.rows, matrix.columns)
    assert sorted(elimination.order) == list(range(133))
    assert (elimination.entries, elimination.multiplications) == (943, 1334)
    natural = sum(np.count_nonzero(np.abs(f) > 0) for f in dense_factors(matrix, np.arange(matrix.size)))
    assert elimination.entries < natural - matrix.size


def dense_factors(matrix, order):
    """L and U without pivoting of a diagonally dominant matrix with the given pattern."""
    dense = np.zeros((matrix.size, matrix.size))
    dense[matrix.rows, matrix.columns] = np.random.default_rng(0).uniform(0.1, 1, len(matrix.rows))
    a = (dense + 200 * np.eye(matrix.size))[np.ix_(order, order)]
    for k in range(len(a)):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return np.tril(a, -1), np.triu(a)


def test_predicted_fill_is_the_fill(equations):
    matrix = equations.jacobian
    elimination = eliminate(matrix.size, matrix.rows, matrix.columns)
    lower, upper = dense_factors(matrix, np.array(elimination.order))
    for step in range(matrix.size):
        assert set(np.flatnonzero(lower[:, step])) <= set(elimination.lower[step])
        assert set(np.flatnonzero(upper[step, step + 1 :]) + step + 1) <= set(elimination.upper[step])


def test_arrow_matrix_has_no_fill():
    size = 6
    rows = [0] * (size - 1) + list(range(1, size))
    columns = list(range(1, size)) + [0] * (size - 1)
    elimination = eliminate(size, np.array(rows), np.array(columns))
    assert elimination.order[-1] in (0, 5)
    assert elimination.entries == size + 2 * (size - 1)
