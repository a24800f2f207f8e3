"""Carrying values between domains: means, sums, conservation and paths."""

import numpy as np
import pytest
import scipy.sparse as sparse

from mpi_coupling.world import World
from multiscale_run.coupling import Domain, Operator, Reduction, Sample, Transfers, grouping

OWNER = np.array([0, 0, 1, 1, 1])
VALUES = np.array([1.0, 3.0, 2.0, 4.0, 6.0])


@pytest.fixture
def world():
    return World.start()


def test_mean_is_weighted(world):
    mean = grouping("segments", "neurons", OWNER, 3, Reduction.MEAN)
    weights = np.array([1.0, 3.0, 1.0, 1.0, 2.0])
    result = mean.apply(Sample(VALUES, "segments", weights), world)
    assert result.domain == "neurons"
    np.testing.assert_allclose(result.values[:2], [2.5, 4.5])
    assert np.isnan(result.values[2]), "a neuron without segments has no mean"


def test_sum_conserves_amounts(world):
    rng = np.random.default_rng(1)
    fractions = rng.dirichlet(np.ones(4), size=5)  # each segment spread over 4 tetrahedra
    to_tetrahedra = Operator("segments", "tetrahedra", sparse.csr_matrix(fractions.T), Reduction.SUM)
    area = rng.uniform(1, 9, 5)
    result = to_tetrahedra.apply(Sample(VALUES, "segments", area), world)
    assert result.values.sum() == pytest.approx((VALUES * area).sum(), rel=1e-14)


def test_shortest_path_is_taken(world):
    def step(source, target, factor):
        return Operator(source, target, sparse.csr_matrix(factor * np.eye(2)), Reduction.SUM)

    operators = [step("a", "b", 2), step("b", "c", 3), step("a", "c", 5), step("c", "d", 7)]
    domains = {name: Domain(name, np.arange(2)) for name in "abcd"}
    transfers = Transfers(world, domains, operators)
    np.testing.assert_array_equal(transfers.transfer(Sample(np.ones(2), "a"), "d").values, [35, 35])
    np.testing.assert_array_equal(transfers.transfer(Sample(np.ones(2), "a"), "a").values, [1, 1])
    with pytest.raises(LookupError, match="no way from d to a; from d one can reach d"):
        transfers.path("d", "a")
