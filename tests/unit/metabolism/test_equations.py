"""Right-hand side, rates and Jacobian of the generated equations against independent numbers.

`data/reference.npz` holds states with the derivatives of the original model (Python double precision, Julia 1.5.3) and
60-digit values. At rest the derivative is a difference of far larger terms, so only an absolute bound has a meaning.
"""

from pathlib import Path

import numpy as np
import pytest

from multiscale_run.metabolism import load_network
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.evaluate import Evaluator

# values of the original, where our tables carry the resting point instead
ORIGINAL = {"glc_art": 4.6}


@pytest.fixture(scope="module")
def reference():
    with np.load(Path(__file__).with_name("data") / "reference.npz") as data:
        return dict(data)


@pytest.fixture(scope="module", params=["standard", "young", "aged"])
def evaluator(request):
    return Evaluator(build_equations(load_network(request.param, parameters=ORIGINAL)))


def test_reference_is_in_table_order(evaluator, reference):
    network = evaluator.equations.network
    assert [s.id for s in network.species] == list(reference["species"])
    assert [r.id for r in network.rates] == list(reference["rates_id"])
    assert [i.id for i in network.inputs] == list(reference["inputs_id"])


@pytest.mark.parametrize("source", ["", "_exact"])
def test_derivative_equals_the_original(evaluator, reference, source):
    variant = evaluator.equations.network.variant
    expected = reference[f"du_{variant}{source}"]
    found = evaluator.derivative(reference["u"], reference["inputs"])
    assert np.all(np.abs(found - expected) <= 1e-10 * np.maximum(np.abs(expected), 1e-9))
    at_rest = evaluator.derivative(reference["rest_u"], reference["rest_inputs"])
    assert np.abs(at_rest - reference[f"rest_du_{variant}{source}"]).max() < 1e-9


def test_rates_equal_the_original(reference):
    evaluator = Evaluator(build_equations(load_network(parameters=ORIGINAL)))
    expected = reference["v_standard_exact"]
    found = evaluator.rates(reference["u"], reference["inputs"])
    assert np.all(np.abs(found - expected) <= 1e-10 * np.maximum(np.abs(expected), 1e-15))


def test_contributions_add_up_to_the_derivative(evaluator, reference):
    state, inputs = reference["u"][:4], reference["inputs"][:4]
    derivative = evaluator.derivative(state, inputs)
    for slot in (22, 3, 75):
        total = sum(values for _, values in evaluator.contributions(state, inputs, slot))
        np.testing.assert_allclose(total, derivative[:, slot], rtol=1e-9, atol=1e-12)


def test_jacobian_equals_complex_step(evaluator, reference):
    """Im f(x + ih)/h has no cancellation, so it is exact to rounding (Squire and Trapp 1998, SIAM Review 40:110)."""
    equations = evaluator.equations
    slots, matrix = equations.network.dynamic_slots, equations.jacobian
    for state, inputs in zip(reference["u"][::7], reference["inputs"][::7], strict=True):
        step = 1e-40
        moved = np.tile(state.astype(complex), (len(slots), 1))
        moved[np.arange(len(slots)), slots] += 1j * step
        expected = evaluator.derivative(moved, np.tile(inputs, (len(slots), 1)))[:, slots].imag.T / step
        found = np.zeros_like(expected)
        found[matrix.rows, matrix.columns] = evaluator.jacobian(state[None], inputs[None])[0]
        # the partials of a saturated rate cancel, so tiny entries of a column are held to a part of its largest
        scale = np.maximum(np.abs(expected), 1e-4 * np.abs(expected).max(axis=0))
        assert np.all(np.abs(found - expected) <= 1e-10 * scale)


def test_jacobian_pattern(evaluator):
    matrix = evaluator.equations.jacobian
    assert (matrix.size, len(matrix.nodes)) == (133, 699)
    assert matrix.column_pointers[-1] == 699
    assert np.all(np.diff(matrix.columns) >= 0)


def test_mito_scale_acts_in_young_and_aged_only(evaluator, reference):
    network = evaluator.equations.network
    state, inputs = network.initial_state(), network.default_inputs()
    halved = inputs.copy()
    halved[0, network.input_index("mito_scale")] = 0.5
    changed = not np.array_equal(evaluator.derivative(state, inputs), evaluator.derivative(state, halved))
    assert changed == (network.variant != "standard")
