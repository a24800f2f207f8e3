"""What is decided about a spiking network before NEST is asked: sizes, links between regions, labels."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tvb_nest.nest_side.connections import Link, plan_links, synapse
from tvb_nest.nest_side.devices import Recorder
from tvb_nest.nest_side.exchange import background_in_rates
from tvb_nest.nest_side.output_files import write_labels
from tvb_nest.nest_side.parameters import (
    BackgroundParameters,
    ConnectionParameters,
    NetworkParameters,
    PopulationParameters,
)

DT = 0.1


@dataclass
class Brain:
    """Four regions whose weights and lengths are not symmetric; weights[target, source]."""

    weights: np.ndarray = field(default_factory=lambda: np.arange(16.0).reshape(4, 4) / 10 * (1 - np.eye(4)))
    lengths: np.ndarray = field(default_factory=lambda: np.add.outer(np.arange(4.0), 10 * np.arange(4.0)))
    speed: float = 4.0

    def delays(self, dt):
        return np.rint(self.lengths / self.speed / dt).astype(int)


def test_links_follow_the_mean_field():
    """A neuron of i gets K * a * weights[i, j] synapses from j, delayed by length / speed."""
    parameters = ConnectionParameters(nb_external_synapse=100, weight_global=0.5)
    links = {(link.target, link.source): link for link in plan_links(Brain(), [1, 3], parameters, [40, 60], DT)}
    # weights[1, 3] = 0.7, weights[3, 1] = 1.3; lengths[1, 3] = 31 mm, lengths[3, 1] = 13 mm
    assert links == {
        (1, 3): Link(source=3, target=1, n_synapses=40 * 35, delay_steps=78),
        (3, 1): Link(source=1, target=3, n_synapses=60 * 65, delay_steps=32),
    }


def test_nothing_is_counted_twice():
    """A region's synapses from one other region are the same whether or not a third one is in NEST too."""
    parameters = ConnectionParameters(nb_external_synapse=100)
    two, three = (plan_links(Brain(), regions, parameters, [10] * 4, DT) for regions in ([1, 3], [1, 2, 3]))
    assert set(two) <= set(three)


def test_links_of_the_original():
    parameters = ConnectionParameters(nb_external_synapse=100, compat_upstream=True)
    links = {(link.target, link.source): link for link in plan_links(Brain(), [1, 3], parameters, [40, 40], DT)}
    # all synapses go to the only other spiking region, delays are distance times speed
    assert {key: link.n_synapses for key, link in links.items()} == {(1, 3): 4000, (3, 1): 4000}
    assert links[1, 3].delay_steps == 31 * 4 / DT


def test_weak_links_have_no_synapse_and_short_ones_one_step():
    brain = Brain(weights=np.array([[0, 1e-6], [1.0, 0]]), lengths=np.zeros((2, 2)))
    assert plan_links(brain, [0, 1], ConnectionParameters(), [10, 10], DT) == [Link(0, 1, 4000, 1)]


@pytest.mark.parametrize(("neurons", "fraction", "inhibitory"), [(1000, 0.2, 200), (7, 0.2, 1), (100, 0.29, 29)])
def test_every_neuron_has_a_population(neurons, fraction, inhibitory):
    sizes = PopulationParameters(nb_neuron_by_region=neurons, percentage_inhibitory=fraction)
    assert (sizes.n_inhibitory, sizes.n_excitatory) == (inhibitory, neurons - inhibitory)


def test_weight_of_external_synapses():
    assert ConnectionParameters(weight_local=2.0).external_synapse_weight == 2.0
    assert ConnectionParameters(weight_local=2.0, weight_external=3.0).external_synapse_weight == 3.0
    assert ConnectionParameters(weight_global=5.0, compat_upstream=True).external_synapse_weight == 5.0


def test_background_joins_the_rates_only_through_the_same_synapses():
    network = NetworkParameters(external_input="rates")
    assert_allclose(background_in_rates(network), 300.4)
    assert background_in_rates(replace(network, external_input="spikes")) == 0
    assert background_in_rates(replace(network, background=BackgroundParameters(poisson=False))) == 0
    assert background_in_rates(replace(network, background=BackgroundParameters(weight_poisson=2.0))) == 0


def test_port_zero_is_left_out():
    assert synapse(1.0, 0.1) == {"weight": 1.0, "delay": 0.1}
    assert synapse(1.0, 0.1, 2) == {"weight": 1.0, "delay": 0.1, "receptor_type": 2}


def test_labels_are_the_original_table(tmp_path):
    recorders = [Recorder("pop_1_ex_VM", None, ("V_m",)), Recorder("pop_1_ex", None, ())]
    write_labels(tmp_path / "labels.csv", recorders)
    assert (tmp_path / "labels.csv").read_text() == "label,type of data\npop_1_ex_VM,['V_m']\npop_1_ex,spikes\n"
