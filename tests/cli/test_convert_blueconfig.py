"""``multiscale-run convert-blueconfig``: what it prints, its exit codes and what it leaves on disk."""

import json

import libsonata
import pytest

BLUECONFIG = """
Run Default
{
    Duration 100
    Dt 0.025
    OutputRoot output
    CircuitTarget Mosaic
    RunMode WholeCell
}

Projection VPM
{
    Path /projections/vpm:VPM__All__chemical
}

Stimulus hold
{
    Pattern Hyperpolarizing
    Mode Current
    Delay 0
    Duration 100
}

StimulusInject hold_all
{
    Stimulus hold
    Target Mosaic
}
"""


@pytest.fixture
def folder(tmp_path):
    networks = {
        "nodes": [{"nodes_file": "nodes.h5", "populations": {"All": {}}}],
        "edges": [{"edges_file": "edges.h5", "populations": {"All__All__chemical": {}}}],
    }
    (tmp_path / "circuit_config.json").write_text(json.dumps({"networks": networks}))
    (tmp_path / "node_sets.json").write_text('{"Mosaic": {"population": "All"}}')
    (tmp_path / "BlueConfig").write_text(BLUECONFIG)
    return tmp_path


@pytest.fixture
def run(tools, folder):
    def run(*options):
        names = ("circuit_config.json", "sim.json", "node_sets.json", "BlueConfig")
        return tools["launch"]("convert-blueconfig", *options, *names, cwd=folder)

    return run


def test_converts_and_says_what_became_of_each_key(run, folder):
    done = run()
    assert done.returncode == 0, done.stdout
    for words in (
        ("Run Default", "Duration", "run.tstop", "100"),
        ("Run Default", "RunMode", "ranks is an option of the simulator"),
        ("Projection VPM", "circuit_config.json has no such thing: add edges population VPM__All__chemical there"),
        ("Stimulus hold", "Pattern", "inputs.hold_all.module", "hyperpolarizing"),
        ("(default)", "RandomizeGabaRiseTime", "true"),
    ):
        assert any(all(word in line for word in words) for line in done.stdout.splitlines()), (words, done.stdout)
    assert done.stdout.splitlines()[-1].startswith("sim.json is written: ")
    assert done.stdout.splitlines()[-1].endswith(", 1 lost")
    read = libsonata.SimulationConfig.from_file(str(folder / "sim.json"))
    assert (read.node_set, read.run.tstop, read.list_input_names) == ("Mosaic", 100, ["hold_all"])
    assert sorted(path.name for path in folder.iterdir()) == [
        "BlueConfig",
        "circuit_config.json",
        "node_sets.json",
        "sim.json",
    ]


def test_replaces_a_file_only_when_told(run, folder):
    (folder / "sim.json").write_text("precious")
    refused = run()
    assert refused.returncode == 2
    assert "sim.json exists; name another file, or replace it with --force" in refused.stdout
    assert (folder / "sim.json").read_text() == "precious"
    assert run("--force").returncode == 0
    assert json.loads((folder / "sim.json").read_text())["run"]["tstop"] == 100


def test_strict_writes_nothing_where_anything_is_lost(run, folder):
    refused = run("--strict")
    assert refused.returncode == 2
    assert "1 keys or blocks are lost, see the table; nothing is written (--strict)" in refused.stdout
    assert not (folder / "sim.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Dt 0.025", "Dt soon", 'BlueConfig: line 5: Run Default: Dt = "soon": must be a number'),
        ("Target Mosaic\n}\n", "Target Mosiac\n}\n", 'allow-missing; did you mean "Mosaic"?'),
        ("Target Mosaic\n}\n", "Target Mosaic\n", "line 24: the block StimulusInject hold_all has no '}'"),
    ],
)
def test_what_is_wrong_ends_with_code_2(run, folder, old, new, message):
    text = (folder / "BlueConfig").read_text()
    (folder / "BlueConfig").write_text(new.join(text.rsplit(old, 1)))
    done = run()
    assert done.returncode == 2
    assert message in done.stdout and "Traceback" not in done.stdout
    assert not (folder / "sim.json").exists()


def test_missing_node_sets_are_written_when_told(run, folder):
    text = (folder / "BlueConfig").read_text()
    (folder / "BlueConfig").write_text(text.replace("    Target Mosaic", "    Target Elsewhere"))
    done = run("--allow-missing")
    assert done.returncode == 0
    assert "Elsewhere; is written, but is not a node set of node_sets.json" in done.stdout
    assert json.loads((folder / "sim.json").read_text())["inputs"]["hold_all"]["node_set"] == "Elsewhere"


def test_files_that_are_not_there(run, folder):
    (folder / "BlueConfig").unlink()
    done = run()
    assert done.returncode == 2
    assert "File 'BlueConfig' does not exist" in done.stdout
