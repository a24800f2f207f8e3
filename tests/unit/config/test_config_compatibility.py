"""A real configuration of the original, read unchanged; what init writes, read by us and by libsonata."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from multiscale_run.config import default_config, load_config

Write = Callable[..., Path]

_BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data"
TINY_CI = Path(os.environ.get("MULTISCALE_RUN_TEST_DATA", _BESIDE_CHECKOUT)) / "configs" / "tiny_CI"


@pytest.mark.skipif(not TINY_CI.is_dir(), reason=f"SKIPPED: the original's configuration is not at {TINY_CI}")
class TestOriginal:
    """tiny_CI of MultiscaleRun 0.8."""

    def test_it_is_read_without_a_problem(self) -> None:
        config = load_config(TINY_CI)
        assert config.active_simulators == ("neurodamus", "metabolism")
        assert config.periods() == {"neurodamus": 4000, "metabolism": 4000}
        assert config.output_dir == TINY_CI.resolve() / "RESULTS"
        assert config.multiscale_run.steps.conc_factor == 1e-9
        assert list(config.multiscale_run.metabolism.inputs.values()) == [None, None, None, 0.0001, 0.0001, 0.023]
        assert config.multiscale_run.metabolism.solver_kwargs.reltol == 1e-8
        assert len(config.multiscale_run.connections["after_metabolism_advance"]) == 9
        assert len(config.multiscale_run.reports.metabolism) == 11

    def test_notes_say_what_is_left_out(self) -> None:
        config = load_config(TINY_CI)
        assert [str(note) for note in config.notes] == [
            "multiscale_run.metabolism.ndts: the last 90 ms of the run are after the last turn of metabolism",
            "multiscale_run.with_bloodflow: bloodflow is off: 3 connections are skipped",
            "multiscale_run.with_steps: steps is off: 2 connections are skipped",
        ]
        assert {row.key for row in config.ignored_keys} == {
            "u0_path", "julia_code_path", "model", "saveat", "maxiters", "min_subgraph_size",
            "max_capillaries_diameter", "edge_scale", "node_scale",
        }  # fmt: skip

    def test_it_is_read_with_everything_on(self, tmp_path: Path) -> None:
        (tmp_path / "child.json").write_text(
            json.dumps(
                {
                    "parent_config_path": str(TINY_CI / "simulation_config.json"),
                    "network": str(TINY_CI / "circuit_config.json"),
                    "node_sets_file": str(TINY_CI / "node_sets.json"),
                    "multiscale_run": {"with_steps": True, "with_bloodflow": True},
                }
            )
        )
        config = load_config(tmp_path / "child.json")
        assert config.periods() == {"neurodamus": 1000, "steps": 1000, "bloodflow": 4000, "metabolism": 4000}


@pytest.mark.parametrize("switches", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize("variant", ["standard", "young", "aged"])
def test_what_init_writes_can_be_read(write: Write, variant: str, switches: tuple[bool, bool, bool]) -> None:
    with_metabolism, with_steps, with_bloodflow = switches
    options = {"with_metabolism": with_metabolism, "with_steps": with_steps, "with_bloodflow": with_bloodflow}
    config = load_config(write(variant=variant, **options))
    section = config.multiscale_run
    assert {key: getattr(section, key) for key in options} == options
    named = {
        simulator
        for connections in section.connections.values()
        for connection in connections
        for simulator in (connection.src_simulator, connection.dest_simulator)
    }
    assert named <= set(config.active_simulators)
    assert len(named) != 1
    assert config.ignored_keys == ()
    if with_metabolism:
        assert section.metabolism.variant == variant


def test_an_own_circuit_brings_its_own_node_sets() -> None:
    content = default_config(circuit_path=Path("/data/circuit_config.json"))
    assert content["network"] == "/data/circuit_config.json"
    assert "node_sets_file" not in content


def test_calls_do_not_share_what_they_return() -> None:
    first = default_config(with_steps=True)
    first["multiscale_run"]["metabolism"]["checks"]["vm"].clear()
    first["multiscale_run"]["steps"]["Volsys"]["species"]["KK"]["conc_0"] = -1
    second = default_config(with_steps=True)
    assert second["multiscale_run"]["metabolism"]["checks"]["vm"]
    assert second["multiscale_run"]["steps"]["Volsys"]["species"]["KK"]["conc_0"] == 3.0


def test_it_is_valid_sonata(write: Write) -> None:
    libsonata = pytest.importorskip("libsonata")
    sonata = libsonata.SimulationConfig.from_file(str(write() / "simulation_config.json"))
    assert sonata.run.tstop == 1000.0
    assert sonata.conditions.celsius == 34.0
    assert sonata.list_report_names >= {"v", "soma_v", "ina", "ik", "nai", "ki", "ko", "cai", "atpi", "adpi"}
    assert sonata.report("soma_v").dt == 0.1
    assert {name: sonata.input(name).module.name for name in sonata.list_input_names} == {
        "background": "relative_ornstein_uhlenbeck",
    }


def test_connections_carry_the_integrated_charge_and_merge_atp() -> None:
    connections = default_config()["multiscale_run"]["connections"]["after_metabolism_advance"]
    of_neurons = [c for c in connections if c["src_simulator"] == "neurodamus" and c["action"] == "set"]
    by_variable = {c["src_get_kwargs"]["var"]: c for c in of_neurons}
    assert {var for var, c in by_variable.items() if c["src_get_kwargs"].get("windowed")} == {"ina", "ik"}
    assert [c["dest_set_kwargs"]["idxs"] for c in connections if c["action"] == "merge"] == [["atp_c_n"]]
