"""Guards of stochastic solvers: counts of 32 bits and too few molecules."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.extracellular import MOST_MOLECULES, Amounts, Ion, Space, check_counts, warn_of_shot_noise
from multiscale_run.geometry.boxes import cubic_mesh

EDGE = 20.0


@pytest.fixture
def space() -> Space:
    mesh = cubic_mesh(np.zeros(3), np.full(3, 60.0), EDGE)
    return Space(mesh.vertices, mesh.tetrahedra, [Ion("KK", 2e-9)])


@pytest.fixture
def volumes() -> np.ndarray:
    return cubic_mesh(np.zeros(3), np.full(3, 60.0), EDGE).volumes


def test_molecules_beyond_32_bits_are_refused(space: Space, volumes: np.ndarray) -> None:
    amounts = Amounts(volumes)
    # the tetrahedron in the middle of a cube has a third of it
    most = 3e-18 * EDGE**3 / 3 * 6.02214076e23
    message = rf"27 of 135 .* KK than TetOpSplit can count \(4294967295\), {most:.3g} in tetrahedron \d+ at .* TetODE"
    molecules = np.where(volumes > volumes.min() * 1.5, amounts.molecules(3.0), 0.0)
    with pytest.raises(UserError, match=re.sub(r"\+(?=\d)", r"\\+", message)):
        check_counts(molecules, "KK", "TetOpSplit", amounts, space)


def test_recommended_factor_fits_and_leaves_room(space: Space, volumes: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"lower steps\.conc_factor from 1 to at most ") as caught:
        check_counts(Amounts(volumes).molecules(3.0), "KK", "Tetexact", Amounts(volumes), space)
    factor = float(re.search(r"from 1 to at most ([0-9.e+-]+)", str(caught.value)).group(1))
    amounts = Amounts(volumes, factor)
    check_counts(amounts.molecules(4 * 3.0), "KK", "Tetexact", amounts, space)
    assert amounts.molecules(3.0).max() > MOST_MOLECULES / 20


def test_last_count_of_32_bits_passes(space: Space, volumes: np.ndarray) -> None:
    check_counts(np.full(len(volumes), float(MOST_MOLECULES)), "KK", "Tetexact", Amounts(volumes), space)
    with pytest.raises(UserError):
        check_counts(np.full(len(volumes), MOST_MOLECULES + 1.0), "KK", "Tetexact", Amounts(volumes), space)


def test_few_molecules_are_warned_of_with_their_noise(volumes: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    amounts = Amounts(volumes, 1e-9)
    molecules = amounts.molecules(3.0).mean()
    with caplog.at_level(logging.WARNING):
        warn_of_shot_noise(3.0, "KK", "TetOpSplit", amounts)
    text = caplog.text
    assert f"about {molecules:.3g} molecules of KK" in text
    assert f"fluctuate by {100 / molecules**0.5:.2g} %" in text and f"{3 / molecules**0.5:.2g} mM round 3 mM" in text
    least = float(re.search(r"to (\S+) or more", text).group(1))
    assert Amounts(volumes, least).molecules(3.0).mean() == pytest.approx(1e4, rel=0.5)


@pytest.mark.parametrize(("factor", "concentration"), [(1e-3, 3.0), (1e-9, 0.0)])
def test_enough_molecules_and_none_are_silent(
    volumes: np.ndarray, caplog: pytest.LogCaptureFixture, factor: float, concentration: float
) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_shot_noise(concentration, "KK", "TetOpSplit", Amounts(volumes, factor))
    assert not caplog.text
