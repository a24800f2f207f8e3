"""Vessel networks for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from multiscale_run.bloodflow import VesselGraph, read_vasculature
from multiscale_run.circuits.specification import CircuitSpec
from multiscale_run.circuits.vasculature import grow_vasculature, write_vasculature


def make_graph(ends: Any, positions: Any, radii: Any = 3.0, types: Any = 0) -> VesselGraph:
    """A graph from points and the segments between them."""
    ends, positions = np.array(ends), np.array(positions, dtype=float)
    lengths = np.linalg.norm(positions[ends[:, 1]] - positions[ends[:, 0]], axis=1)
    radii = np.broadcast_to(np.asarray(radii, dtype=float), len(ends)).copy()
    point_radii = np.zeros(len(positions))
    np.maximum.at(point_radii, ends, radii[:, None])
    return VesselGraph(ends, positions, lengths, radii, point_radii, np.broadcast_to(types, len(ends)).copy())


@pytest.fixture
def graph_of() -> Callable[..., VesselGraph]:
    return make_graph


@pytest.fixture(scope="session")
def vasculature_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vasculature of about 2000 segments, as the circuit builder writes it; do not change it."""
    file = tmp_path_factory.mktemp("vasculature") / "nodes.h5"
    write_vasculature(file, grow_vasculature(CircuitSpec(size_um=310.0)))
    return file


@pytest.fixture(scope="session")
def vasculature(vasculature_file: Path) -> VesselGraph:
    return read_vasculature(vasculature_file)


@pytest.fixture
def broken_file(vasculature_file: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes copies of the vasculature with something changed in the group of its attributes."""

    def make(change: Callable[[Any], None]) -> Path:
        file = tmp_path / "nodes.h5"
        file.write_bytes(vasculature_file.read_bytes())
        with h5py.File(file, "r+") as content:
            change(content["nodes/vasculature/0"])
        return file

    return make
