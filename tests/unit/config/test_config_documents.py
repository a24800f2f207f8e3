"""Files: JSON, parents, references between values, and which file a problem belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import multiscale_run
from multiscale_run.config import ConfigError, load_config

Write = Callable[..., Path]


def message_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_syntax_errors_name_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "simulation_config.json").write_text('{\n  "run": {"dt": 0.025,}\n}')
    message = message_of(tmp_path)
    assert message.startswith("simulation_config.json: line 2, column 2")
    assert "not valid JSON" in message


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    text = '{"multiscale_run": {"steps": {"ndts": 1, "ndts": 2}, "a": [{"b": 1, "b": 1}]}}'
    (tmp_path / "simulation_config.json").write_text(text)
    assert message_of(tmp_path).splitlines() == [
        "simulation_config.json: multiscale_run.steps.ndts: is given twice; keep one of them",
        "simulation_config.json: multiscale_run.a[0].b: is given twice; keep one of them",
    ]


@pytest.mark.parametrize("content", ["[1, 2]", "3", '"x"'])
def test_the_file_must_hold_an_object(tmp_path: Path, content: str) -> None:
    (tmp_path / "simulation_config.json").write_text(content)
    assert message_of(tmp_path) == "simulation_config.json: must hold a JSON object {...}"


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "simulation_config.json").write_bytes(b"\xff\xfe\x00")
    assert message_of(tmp_path).startswith("simulation_config.json: cannot be read: ")


def test_a_folder_without_configuration(tmp_path: Path) -> None:
    assert message_of(tmp_path) == (
        f"{tmp_path}/simulation_config.json: no such file; name a folder with one, or run `multiscale-run init` there"
    )


@pytest.mark.parametrize("name", ["nowhere", "nowhere/deeper", "other.json"])
def test_what_does_not_exist(tmp_path: Path, name: str) -> None:
    assert message_of(tmp_path / name) == (
        f"{tmp_path}/{name}: no such folder or file; name one that exists, or run `multiscale-run init` there"
    )


def test_folder_file_and_text_are_the_same(write: Write) -> None:
    folder = write()
    configs = [load_config(p) for p in (folder, str(folder), folder / "simulation_config.json")]
    assert {config.file for config in configs} == {folder / "simulation_config.json"}
    assert {config.folder for config in configs} == {folder}


@pytest.mark.parametrize("holder", [(), ("multiscale_run",)], ids=["at the top", "in multiscale_run"])
def test_a_parent_fills_in_what_the_child_leaves_out(write: Write, holder: tuple[str, ...]) -> None:
    folder = write()
    child = folder / "study" / "child.json"
    child.parent.mkdir()
    content = {
        "network": "../circuit_config.json",
        "node_sets_file": "../node_sets.json",
        "multiscale_run": {"metabolism": {"ndts": 2000, "parameters": [0, 0, 1, 0.01, 0.01, 0.02]}},
    }
    target = content["multiscale_run"] if holder else content
    target["parent_config_path"] = "../simulation_config.json"  # type: ignore[index]
    child.write_text(json.dumps(content))
    config = load_config(child)
    metabolism = config.multiscale_run.metabolism
    assert metabolism.ndts == 2000
    assert metabolism.inputs["bf_fin"] == 0.01
    assert "atp_c_n" in metabolism.checks.vm  # from the parent
    assert config.run.tstop == 1000.0
    assert config.multiscale_run.cache_path == child.parent / "cache"
    assert config.output_dir == child.parent / "RESULTS"
    assert "parent_config_path" not in json.dumps(config.raw)


def test_a_problem_names_the_file_that_supplied_the_value(write: Write) -> None:
    folder = write({("multiscale_run", "metabolism", "threads"): 0})
    content = {
        "parent_config_path": "simulation_config.json",
        "run": {"dt": "x"},
        "multiscale_run": {"metabolism": {"engine": "fast"}},
    }
    (folder / "child.json").write_text(json.dumps(content))
    assert message_of(folder / "child.json").splitlines() == [
        'child.json: run.dt = "x": must be a number',
        'child.json: multiscale_run.metabolism.engine = "fast": must be one of "native", "scipy", "julia"',
        "simulation_config.json: multiscale_run.metabolism.threads = 0: must be >= 1",
    ]


def test_a_list_of_the_child_replaces_that_of_the_parent(write: Write) -> None:
    folder = write()
    connections = {"after_metabolism_advance": []}
    content = {
        "parent_config_path": "simulation_config.json",
        "multiscale_run": {"connections": connections, "metabolism": {"parameters": [0, 0, 1, 1, 1, 1]}},
    }
    (folder / "child.json").write_text(json.dumps(content))
    assert load_config(folder / "child.json").multiscale_run.connections == connections


def test_files_that_are_each_others_parents(tmp_path: Path) -> None:
    for name, parent in (("a.json", "b.json"), ("b.json", "a.json")):
        (tmp_path / name).write_text(json.dumps({"parent_config_path": parent}))
    assert message_of(tmp_path / "a.json") == (
        'b.json: parent_config_path = "a.json": files are each other\'s parents: a.json -> b.json -> a.json'
    )


def test_a_parent_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"parent_config_path": "../b.json"}')
    missing = tmp_path.parent / "b.json"
    assert message_of(tmp_path / "a.json") == f'a.json: parent_config_path = "../b.json": no such file: {missing}'


def test_references_are_resolved_from_the_inside_out(write: Write) -> None:
    section = "multiscale_run"
    folder = write(
        {
            (section, "msr_version"): "1.2",
            (section, "cache_path"): "${mesh_path}/${msr_version}",
            (section, "mesh_path"): "store/${network}",
            (section, "reports", "metabolism", "atp_after_sync", "file_name"): "${unit}-${msr_version}.h5",
            (section, "steps", "compname"): "${pkg_path}",
        }
    )
    config = load_config(folder)
    assert config.multiscale_run.cache_path == folder / "store/circuit_config.json/1.2"
    assert config.multiscale_run.reports.metabolism["atp_after_sync"].file_name == "mM-1.2.h5"
    assert config.multiscale_run.steps.compname == str(Path(multiscale_run.__path__[0]))


def test_numbers_can_be_referred_to_in_text(write: Write) -> None:
    folder = write({("multiscale_run", "cache_path"): "cache_${config_format}"})
    assert load_config(folder).multiscale_run.cache_path == folder / "cache_3"


def test_absolute_paths_stay(write: Write) -> None:
    assert load_config(write({("multiscale_run", "cache_path"): "/scratch/c"})).multiscale_run.cache_path == Path(
        "/scratch/c"
    )


def test_names_of_the_sonata_manifest(write: Write) -> None:
    folder = write(
        {
            ("manifest",): {"$BASE": "./x", "$BASE_OUT": "$BASE/out"},
            ("output", "output_dir"): "$BASE_OUT/run1",
        }
    )
    assert load_config(folder).output_dir == folder / "x/out/run1"


def test_node_sets_of_the_circuit_serve_where_none_are_named(write: Write) -> None:
    folder = write({("node_sets_file",): ..., ("network",): "circuit/config.json"})
    (folder / "circuit").mkdir()
    circuit = folder / "circuit" / "config.json"
    circuit.write_text(json.dumps({"manifest": {"$B": "."}, "node_sets_file": "$B/sets.json"}))
    (folder / "circuit" / "sets.json").write_text("{}")
    assert load_config(folder).node_sets_file == folder / "circuit" / "sets.json"
    circuit.write_text("{}")
    assert message_of(folder) == (
        "simulation_config.json: node_sets_file: is missing, and the circuit names no node sets of its own"
    )
