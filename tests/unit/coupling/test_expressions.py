"""Transform expressions: what they compute, and what they refuse."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sparse

from multiscale_run.coupling import Expression, ExpressionError

CONFIG = SimpleNamespace(multiscale_run=SimpleNamespace(steps=SimpleNamespace(conc_factor=1e-9)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vals * 1e-8", [1e-8, 4e-8]),
        ("vals ** 0.5", [1.0, 2.0]),
        ("abs(-vals) + max(1, 2)", [3.0, 6.0]),
        ("np.sqrt(vals) * math.pi", [np.pi, 2 * np.pi]),
        ("vals * (1.0 / (1.0e-3 * config.multiscale_run.steps.conc_factor))", [1e12, 4e12]),
        ("vals if sum(vals) > 4 else 0", [1.0, 4.0]),
        ("7", [7.0, 7.0]),
        ("swap.dot(vals)", [4.0, 1.0]),
        ("np.where(vals > 2, 0, vals)", [1.0, 0.0]),
    ],
)
def test_values(text, expected):
    swap = sparse.csr_matrix([[0.0, 1.0], [1.0, 0.0]])
    result = Expression(text, CONFIG, {"swap": swap})(np.array([1.0, 4.0]))
    np.testing.assert_allclose(result, expected, rtol=1e-15)


def test_adenylate_kinase_expression_of_the_original():
    text = "vals / 2 * (-0.92 + np.sqrt(0.92 * 0.92 + 4 * 0.92 * (1.4449961078157665 / vals - 1)))"
    adp = Expression(text)(np.array([1.3846374147608125]))
    # adenylate kinase at equilibrium: q = ATP * AMP / ADP^2 with ATP + ADP + AMP = 1.445 mM, q = 0.92
    atp, amp = 1.3846374147608125, 1.4449961078157665 - 1.3846374147608125 - adp[0]
    assert atp * amp / adp[0] ** 2 == pytest.approx(1 / 0.92, rel=1e-9)


def test_does_not_change_its_input():
    values = np.array([1.0, 2.0])
    result = Expression("vals")(values)
    result[0] = 9
    assert values[0] == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vals +", "invalid syntax"),
        ("valz * 2", "unknown name 'valz'; did you mean 'vals'"),
        ("np.sqrtt(vals)", "unknown np function 'sqrtt'; did you mean 'sqrt'"),
        ("__import__('os')", "unknown name '__import__'"),
        ("open('x')", "unknown name 'open'"),
        ("np.fromfile(vals)", "unknown np function 'fromfile'"),
        ("vals.tofile(1)", ".tofile is not allowed on vals"),
        ("(vals * 1).tofile(1)", "not allowed"),
        ("().__class__", "Tuple is not allowed"),
        ("config.__class__", "not available"),
        ("config.nothing", "nothing"),
        ("[v for v in vals]", "ListComp is not allowed"),
        ("lambda: 1", "Lambda is not allowed"),
        ("'a'", "only numbers are"),
        ("9 ** 9 ** 9 ** 9", "overflow"),
        ("vals" * 1000, "at most 2000 are allowed"),
        ("np.where(vals)", "one number per site"),
    ],
)
def test_refusals(text, message):
    with pytest.raises(ExpressionError, match="transform_expression") as caught, np.errstate(over="raise"):
        Expression(text, CONFIG)(np.array([1.0, 2.0]))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("vals * 2", "vessels"),
        ("abs(tetXbf.dot(vals)) * 5e-10", "tetrahedra"),
        ("nXtet.dot(tetXbf.dot(vals)) + 1", "neurons"),
        ("config.scale * vals", "vessels"),
    ],
)
def test_the_domain_of_the_result_is_that_of_the_outermost_matrix(text, domain):
    matrices = {"tetXbf": SimpleNamespace(rows="tetrahedra"), "nXtet": SimpleNamespace(rows="neurons")}
    assert Expression(text, CONFIG, matrices).domain("vessels") == domain
