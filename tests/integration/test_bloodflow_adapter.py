"""The blood flow adapter on the tiny circuit: fields, radii, checkpoints, errors. Needs no NEURON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpi_coupling.clock import Clock
from mpi_coupling.world import UserError, World
from multiscale_run.config import load_config
from multiscale_run.coupling import VESSELS, fields_of
from multiscale_run.simulators.bloodflow import BloodflowSimulator


@pytest.fixture
def build(tiny_template: Path, tmp_path: Path) -> Callable[..., BloodflowSimulator]:
    """Builds the adapter of the tiny circuit, with keys of its section changed."""

    def make(**changes: Any) -> BloodflowSimulator:
        folder = Path(shutil.copytree(tiny_template, tmp_path / "tiny", dirs_exist_ok=True))
        file = folder / "simulation_config.json"
        settings = json.loads(file.read_text())
        settings["multiscale_run"] |= {"with_bloodflow": True, "bloodflow": changes}
        file.write_text(json.dumps(settings))
        config = load_config(folder)
        return BloodflowSimulator(config, World.start(), Clock.from_config(config.run.dt, config.run.tstop))

    return make


@pytest.fixture
def vessels(build: Callable[..., BloodflowSimulator]) -> BloodflowSimulator:
    return build()


def test_fields_live_on_the_vessels(vessels: BloodflowSimulator) -> None:
    fields = fields_of(type(vessels))
    assert {name for name, field in fields.items() if field.writable} == {"set_radii"}
    assert {field.domain for field in fields.values()} == {VESSELS}
    domain = vessels.domains()[VESSELS]
    assert not domain.distributed
    for name, field in fields.items():
        assert field.writable or getattr(vessels, name)().shape == (domain.size,)


def test_default_configuration_lets_blood_in_by_the_arteriole_and_out_by_the_venule(
    vessels: BloodflowSimulator,
) -> None:
    graph, boundary = vessels.graph, vessels.boundary
    assert graph.types_at(boundary.inlets).tolist() == [4] and graph.types_at(boundary.outlets).tolist() == [3]
    assert boundary.flow[boundary.inlets].tolist() == [3.5e4]
    assert np.abs(vessels.get_flows()).max() == pytest.approx(3.5e4, rel=1e-12)
    assert (vessels.get_pressures() >= 1.33e-3).all()


def test_radii_change_volume_at_once_and_flow_at_the_next_advance(vessels: BloodflowSimulator) -> None:
    flow, volume, radii = vessels.get_flows(), vessels.get_vols(), vessels.get_radii()
    assert (vessels.get_relative_flow() == 1).all()
    np.testing.assert_allclose(volume, np.pi * radii**2 * vessels.graph.lengths, rtol=1e-15)
    index = np.argsort(np.abs(flow))[len(flow) // 2]
    values = np.full(len(radii), np.nan)
    values[index] = 1.2 * radii[index]
    vessels.set_radii(values)
    assert vessels.get_vols()[index] == pytest.approx(1.44 * volume[index], rel=1e-14)
    assert (vessels.get_flows() == flow).all()
    others = np.arange(len(radii)) != index
    assert (vessels.get_radii()[others] == radii[others]).all(), "NaN leaves a radius as it is"
    vessels.advance(4000)
    assert abs(vessels.get_flows()[index]) > abs(flow[index])
    np.testing.assert_allclose(vessels.get_relative_flow(), np.abs(vessels.get_flows() / flow), rtol=1e-12)


def test_restored_state_continues_to_the_same_bits(
    vessels: BloodflowSimulator, build: Callable[..., BloodflowSimulator]
) -> None:
    vessels.set_radii(vessels.get_radii() * 1.05)
    vessels.advance(1)
    vessels.set_radii(vessels.get_radii() * 1.02)  # not solved for yet
    saved = {name: values.copy() for name, values in vessels.state().items()}
    other = build()
    other.restore(saved)
    for _ in range(2):
        for name in fields_of(type(vessels)):
            if name.startswith("get_"):
                np.testing.assert_array_equal(getattr(other, name)(), getattr(vessels, name)(), err_msg=name)
        vessels.advance(2)
        other.advance(2)


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf])
def test_impossible_radius_is_refused(vessels: BloodflowSimulator, value: float) -> None:
    values = np.full(vessels.graph.n_segments, np.nan)
    values[7] = value
    with pytest.raises(UserError, match=rf"radius {value:g} um for vessel segment 7 .* positive and finite"):
        vessels.set_radii(values)
    assert (vessels.get_radii() == vessels.graph.radii).all()


def test_both_solvers_agree(build: Callable[..., BloodflowSimulator]) -> None:
    pytest.importorskip("astrovascpy", reason="AstroVascPy is not installed: pip install AstroVascPy")
    ours, theirs = build(solver="grounded"), build(solver="astrovascpy")
    np.testing.assert_allclose(ours.get_flows(), theirs.get_flows(), rtol=0, atol=1e-10 * 3.5e4)


def test_circuit_without_vessels_is_refused(tiny_template: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_template, tmp_path / "tiny"))
    file = folder / "circuit_config.json"
    circuit = json.loads(file.read_text())
    networks = circuit["networks"]
    networks["nodes"] = [n for n in networks["nodes"] if "vasculature" not in n["populations"]]
    networks["edges"] = [e for e in networks["edges"] if "gliovascular" not in e["populations"]]
    file.write_text(json.dumps(circuit))
    settings = json.loads((folder / "simulation_config.json").read_text())
    settings["multiscale_run"]["with_bloodflow"] = True
    (folder / "simulation_config.json").write_text(json.dumps(settings))
    config = load_config(folder)
    with pytest.raises(UserError, match=r"circuit_config\.json: networks\.nodes has 0 populations of type vasculature"):
        BloodflowSimulator(config, World.start(), Clock.from_config(config.run.dt, config.run.tstop))
