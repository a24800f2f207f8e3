"""Concentrations, molecules and currents in tetrahedra, against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.extracellular import Amounts, Ion, Space, refuse_negative
from multiscale_run.geometry.boxes import cubic_mesh

FARADAY = 96485.33212
"""C/mol (CODATA 2018)."""


@pytest.fixture
def space() -> Space:
    mesh = cubic_mesh(np.zeros(3), np.full(3, 60.0), 20.0)
    return Space(mesh.vertices, mesh.tetrahedra, [Ion("KK", 2e-9)])


def test_molecules_at_three_millimolar() -> None:
    # 3 mol/m3 in (10 um)3 = 1e-15 m3
    assert Amounts(np.array([1000.0])).molecules(3.0) == pytest.approx([3e-15 * 6.02214076e23], rel=1e-14)


@pytest.mark.parametrize(("factor", "fraction"), [(1.0, 1.0), (1e-9, 1.0), (1e-2, 0.2)])
def test_concentrations_and_molecules_are_inverse(factor: float, fraction: float) -> None:
    amounts = Amounts(np.array([5.0, 700.0, 1e5]), factor, fraction)
    concentrations = np.array([0.0, 3.0, 11.5])
    molecules = amounts.molecules(concentrations)
    np.testing.assert_allclose(amounts.concentrations(molecules), concentrations, rtol=1e-15)
    np.testing.assert_allclose(
        molecules, factor * fraction * Amounts(amounts.volumes).molecules(concentrations), rtol=1e-14
    )


@pytest.mark.parametrize("charge", [1, 2, -1])
@pytest.mark.parametrize(("factor", "fraction"), [(1.0, 1.0), (1e-9, 0.2)])
def test_current_raises_concentration_by_faradays_law(charge: int, factor: float, fraction: float) -> None:
    volumes, currents, seconds = np.array([1000.0, 250.0]), np.array([2e-9, -3e-10]), 0.025
    amounts = Amounts(volumes, factor, fraction)
    change = amounts.concentrations(amounts.carried(currents, seconds, charge))
    moles = 1e-3 * currents * seconds / (charge * FARADAY)
    np.testing.assert_allclose(change, moles / (fraction * 1e-18 * volumes), rtol=1e-9)


def test_original_expression_turns_stored_values_into_millimolar() -> None:
    """MultiscaleRun 0.8 reads mol/L x conc_factor and multiplies by 1 / (1e-3 conc_factor)."""
    from multiscale_run.extracellular.amounts import MOLAR

    factor = 1e-9
    assert (3.0 * MOLAR * factor) * (1.0 / (1.0e-3 * factor)) == pytest.approx(3.0, rel=1e-15)


@pytest.mark.parametrize("value", [-0.5, np.nan, np.inf])
def test_impossible_concentration_is_refused_with_its_place(space: Space, value: float) -> None:
    concentrations = np.full(len(space.tetrahedra), 3.0)
    concentrations[[4, 17]] = value
    x, y, z = space.barycentres[4]
    message = rf"setting KK would leave 2 of 135 .* {value:g} mM in tetrahedron 4 at \({x:g}, {y:g}, {z:g}\) um; do so"
    with pytest.raises(UserError, match=message):
        refuse_negative(concentrations, "setting KK", space, "do so")


def test_lowest_tetrahedron_is_named(space: Space) -> None:
    concentrations = np.full(len(space.tetrahedra), 3.0)
    concentrations[[4, 17]] = -0.1, -0.2
    with pytest.raises(UserError, match=r"2 of 135 .* -0\.2 mM in tetrahedron 17"):
        refuse_negative(concentrations, "it", space, "do so")


def test_rounding_below_zero_passes(space: Space) -> None:
    refuse_negative(np.full(len(space.tetrahedra), -1e-7), "it", space, "do so")


@pytest.mark.parametrize("n_ranks", [1, 2, 3, 7])
def test_ranks_share_the_tetrahedra_evenly_in_slabs(space: Space, n_ranks: int) -> None:
    ranks = space.split(n_ranks)
    counts = np.bincount(ranks, minlength=n_ranks)
    assert len(counts) == n_ranks and np.ptp(counts) <= 1
    centres = space.barycentres[:, 0]
    for rank in range(n_ranks - 1):
        assert centres[ranks == rank].max() <= centres[ranks == rank + 1].min()
