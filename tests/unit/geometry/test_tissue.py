"""The tissue of a run: what needs a mesh, and which vessels supply a neuron."""

import numpy as np
import pytest

from mpi_coupling.world import World
from multiscale_run.config.schema.preprocessor import Mesh
from multiscale_run.coupling import NEURONS, VESSELS, Sample
from multiscale_run.geometry import NeuronSegments, VesselSegments
from multiscale_run.tissue import _nearest_vessels, make_mesh


def neurons_at(places, owner, volumes):
    half = np.array([0.5, 0.0, 0.0])
    return NeuronSegments(places - half, places + half, owner, owner * 0, np.ones(len(owner)), volumes, owner.max() + 1)


def test_a_neuron_is_supplied_by_the_vessels_next_to_its_segments():
    middles = np.array([[0.0, 0, 0], [100.0, 0, 0], [0.0, 100, 0]])
    half = np.array([1.0, 0, 0])
    vessels = VesselSegments(middles - half, middles + half, np.zeros(3, dtype=bool))
    places = np.array([[10.0, 0, 0], [70.0, 10, 0], [20.0, 90, 5], [49.0, 0, 0]])
    neurons = neurons_at(places, np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 2.0]))
    arrived = _nearest_vessels(neurons, vessels).apply(Sample(np.array([8.0, 4.0, 2.0]), VESSELS), World.start())
    assert arrived.domain == NEURONS
    np.testing.assert_allclose(arrived.values, [(8 + 3 * 4) / 4, (2 * 2 + 2 * 8) / 4])


def test_a_rank_without_neurons():
    vessels = VesselSegments(np.zeros((2, 3)), np.ones((2, 3)), np.zeros(2, dtype=bool))
    none = np.empty(0, dtype=int)
    neurons = NeuronSegments(np.empty((0, 3)), np.empty((0, 3)), none, none, np.empty(0), np.empty(0), 0)
    assert not len(_nearest_vessels(neurons, vessels).apply(Sample(np.ones(2), VESSELS), World.start()).values)


@pytest.mark.parametrize(("refinement_steps", "edge"), [(0, 30.0), (1, 15.0), (2, 7.5)])
def test_cubes_are_halved_by_each_refinement(refinement_steps, edge):
    mesh = make_mesh(Mesh(refinement_steps=refinement_steps), np.array([[0.0, 0, 0], [59.0, 59, 59]]))
    assert mesh.n_tetrahedra == 5 * round(60 / edge) ** 3
    np.testing.assert_allclose(mesh.volumes.sum(), 60.0**3)
