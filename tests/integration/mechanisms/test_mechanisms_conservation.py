"""What leaves a pool is what the currents carried: windowed currents conserve mass, ATP pays for the pump."""

import pytest


@pytest.fixture(scope="module", params=["RegularSpiking", "FastSpiking"])
def balance(request, experiment):
    return experiment("conservation", request.param)


@pytest.mark.parametrize("pool", ["nai", "ki", "cli", "bonds"])
def test_pools_change_by_the_integrated_charge(balance, pool):
    assert balance["largest_sodium_change"] > 0.01, "the cell must have worked"
    assert balance["released"] > 0
    assert balance[pool] < 1e-9


def test_adenylate_kinase_keeps_its_equilibrium(balance):
    assert balance["adenylate_kinase"] < 2e-3


def test_charges_start_at_zero_with_every_initialisation(balance):
    assert balance["charges_after_restart"] == 0


def test_one_atp_for_each_charge_of_the_pump(experiment):
    found = experiment("pump_charge")
    assert found["consumed"] == pytest.approx(found["moved"], rel=1e-9)
