"""The command line as a user types it: what it prints, its exit codes, and what it leaves on disk."""

import json

import h5py
import pytest


def digest(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_help_and_version(tools):
    launch = tools["launch"]
    shown = launch("--help")
    assert shown.returncode == 0
    for command in ("init", "check", "compute", "stats", "post-processing", "view", "watch"):
        assert command in shown.stdout
        assert launch(command, "--help").returncode == 0
    assert launch("--version").stdout.startswith("multiscale-run, version 1.")
    wrong = launch("comptue")
    assert wrong.returncode == 2 and "No such command 'comptue'" in wrong.stdout


def test_init_writes_everything(tiny_template):
    names = {path.name for path in tiny_template.iterdir()}
    expected = {
        "circuit_config.json",
        "node_sets.json",
        "simulation_config.json",
        "simulation.sbatch",
        "postproc.ipynb",
    }
    assert expected <= names


def test_init_works_in_the_present_folder_and_is_reproducible(tools, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    assert tools["launch"]("init", "--seed", "5", "--no-check", cwd=first).returncode == 0
    assert tools["launch"]("init", "--seed", "5", "--no-check", second).returncode == 0
    one, two = digest(first / "circuit"), digest(second / "circuit")
    assert one == two
    third = tmp_path / "third"
    assert tools["launch"]("init", "--seed", "6", "--no-check", third).returncode == 0
    assert digest(third / "circuit") != one


def test_init_refuses_an_occupied_folder(tools, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    refused = tools["launch"]("init", tmp_path)
    assert refused.returncode == 2
    assert "is not empty; name another folder, or use --force" in refused.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert tools["launch"]("init", "--force", "--no-check", tmp_path).returncode == 0
    assert (tmp_path / "thesis.tex").read_text() == "precious"
    assert (tmp_path / "simulation_config.json").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--circuit", "tinny"], "--circuit tinny: neither a named circuit (tiny) nor an existing file"),
        (["--circuit", "tiny", "--neurons", "5"], "--circuit and --neurons exclude each other"),
        (["--size", "100"], "--size goes with --neurons"),
        (["--neurons", "ten"], "'ten' is not a valid integer range"),
        (["--metabolism", "old"], "'old' is not one of 'standard', 'young', 'aged', 'corrected'"),
        (["--morphologies", "nowhere"], "'nowhere' does not exist"),
        (["--time", "2h"], "'2h' must be a time limit such as 02:00:00"),
        (["--time", "2"], "a time limit of 2 leaves no time for the run"),
        (["--account", "proj 40"], "'proj 40' must be one word without quotes"),
        (["--nodes", "0"], "0 is not in the range x>=1"),
        (["--site", "jusuff"], "no such site; known: bb5, default, jusuf, loopback; your own go into"),
        (["--site", "nowhere.toml"], "nowhere.toml: cannot be read: No such file or directory"),
    ],
)
def test_init_refuses_wrong_options(tools, tmp_path, options, message):
    folder = tmp_path / "simulation"
    done = tools["launch"]("init", *options, folder)
    assert done.returncode == 2
    assert message in " ".join(done.stdout.split())
    assert not folder.exists()


def test_init_writes_the_job_script_of_a_site(tools, tmp_path):
    site = tmp_path / "site.toml"
    site.write_text('partition = "prod"\ntime = "1-00:00:00"\noptions = ["--exclusive"]\nmpi = "pmix"\n')
    folder = tmp_path / "a simulation"
    options = ["--site", site, "--account", "proj40", "--nodes", "2", "--time", "12:00:00", "--checkpoint-every", "50"]
    done = tools["launch"]("init", "--no-check", *options, folder)
    assert done.returncode == 0, done.stdout
    lines = (folder / "simulation.sbatch").read_text().splitlines()
    asked = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")}
    assert {"--job-name=a_simulation", "--account=proj40", "--partition=prod", "--nodes=2"} <= asked
    assert {"--ntasks-per-node=1", "--time=12:00:00", "--signal=B:USR2@120", "--exclusive"} <= asked
    assert "export SLURM_MPI_TYPE=pmix" in lines
    run = 'srun --kill-on-bad-exit=1 multiscale-run compute --continue --checkpoint-every 50 "$folder" &'
    assert run in lines

    site.write_text('partitoin = "prod"')
    refused = tools["launch"]("init", "--site", site, tmp_path / "other")
    assert refused.returncode == 2 and not (tmp_path / "other").exists()
    expected = f'{site}: partitoin = "prod": is not a key of this section; did you mean "partition"?'
    assert expected in refused.stdout.replace("\n", "")


def test_init_with_a_circuit_of_ones_own(tools, tiny_template, tmp_path):
    folder = tmp_path / "own"
    done = tools["launch"]("init", "--circuit", tiny_template / "circuit_config.json", folder)
    assert done.returncode == 0, done.stdout
    settings = json.loads((folder / "simulation_config.json").read_text())
    assert (folder / settings["network"]).resolve() == (tiny_template / "circuit_config.json").resolve()
    assert not (folder / "circuit").exists()


def test_check_of_a_fresh_simulation(tiny):
    folder = tiny()
    done = folder.command("check")
    assert done.returncode == 0
    assert "is ready to compute" in done.stdout


def settings_problem(*keys, value):
    def change(settings):
        node = settings
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = value

    return change


SODIUM = {"Na": {"conc_0": 145.0, "diffcst": 5e-10, "ncharges": 1}}
VESSELS_REPORT = {"flow": {"src_get_func": "get_flow", "file_name": "flow.h5"}}
PARAMETERS = ("multiscale_run", "metabolism", "network_parameters")
EVENT = ("multiscale_run", "connections", "after_metabolism_advance", 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (settings_problem(*EVENT, "src_get_func", value="get_vars"), 'did you mean "get_var"?'),
        (settings_problem(*EVENT, "dest_set_kwargs", value={"idxs": ["atp_n"]}), "did you mean ATP_n"),
        (settings_problem(*EVENT, "transform_expression", value="valz"), "unknown name 'valz'; did you mean 'vals'"),
        (settings_problem(*EVENT, "src_get_kwargs", value={"var": "atpi", "weight": "length"}), '"area"'),
        (settings_problem("network", value="circuit.json"), "no such file"),
        (settings_problem("multiscale_run", "metabolism", "variant", value="old"), "known are standard, young, aged"),
        (
            settings_problem("multiscale_run", "metabolism", "network_path", value="mine"),
            "cannot read the network table",
        ),
        (settings_problem("node_set", value="Neurones"), "is not a node set; allowed: All, Astrocytes"),
        (settings_problem("multiscale_run", "cache_path", value="node_sets.json"), "is a file; name a folder"),
        (
            settings_problem("output", "output_dir", value="node_sets.json"),
            "node_sets.json is a file, not a folder; remove it or change output.output_dir",
        ),
        (settings_problem("multiscale_run", "mesh_path", value="circuit"), "is a folder; name a mesh file"),
        (settings_problem("multiscale_run", "mesh_path", value="node_sets.json"), "is no gmsh file"),
        (settings_problem("multiscale_run", "bloodflow", "solver", value="astrovascpy"), 'needs solver "grounded"'),
        (settings_problem("multiscale_run", "steps", "conc_factor", value=-1), "conc_factor"),
        (
            settings_problem("multiscale_run", "steps", "Volsys", "species", value=SODIUM),
            "not a species of steps",
        ),
        (
            settings_problem("multiscale_run", "reports", "bloodflow", value=VESSELS_REPORT),
            "is not a field of bloodflow",
        ),
        (
            settings_problem("multiscale_run", "metabolism", "network_parameters", value={"glc_arte": 5.0}),
            "did you mean glc_art,",
        ),
    ],
)
def test_check_names_what_is_wrong(tiny, change, message):
    done = tiny(change).command("check")
    assert done.returncode == 2, done.stdout
    assert message in done.stdout
    assert "Traceback" not in done.stdout


def test_check_shows_all_problems_at_once(tiny):
    folder = tiny(
        settings_problem(*EVENT, "src_get_func", value="get_vars"),
        settings_problem(*EVENT, "transform_expression", value="valz"),
        settings_problem("node_set", value="Neurones"),
    )
    done = folder.command("check")
    assert done.returncode == 2
    for message in ("get_vars", "valz", "Neurones"):
        assert message in done.stdout


def test_check_finds_a_broken_circuit(tiny):
    folder = tiny()
    with h5py.File(folder.path / "circuit/edges/neurons__neurons__chemical.h5", "r+") as file:
        file["edges/neurons__neurons__chemical/target_node_id"][-1] = 99
    for morphology in (folder.path / "circuit/morphologies/neurons").glob("synthetic_pyramidal_0.*"):
        morphology.unlink()
    (folder.path / "circuit/morphologies/neurons/synthetic_pyramidal_1.swc").write_text("1 1 0 0 0\n")
    done = folder.command("check")
    assert done.returncode == 2
    assert (
        "networks.edges.neurons__neurons__chemical = 99: a target id is out of range: neurons has 10 nodes"
        in done.stdout
    )
    assert "has no file for synthetic_pyramidal_0" in done.stdout
    assert "no morphologies that MorphIO can read: synthetic_pyramidal_1.swc" in done.stdout


def test_check_names_files_of_the_circuit_that_are_missing(tiny):
    folder = tiny()
    for name in ("nodes/neurons", "edges/neuroglial"):
        (folder.path / f"circuit/{name}.h5").unlink()
    done = folder.command("check")
    assert done.returncode == 2
    assert f"networks.nodes.neurons: no such file: {folder.path}/circuit/nodes/neurons.h5" in done.stdout
    assert f"networks.edges.neuroglial: no such file: {folder.path}/circuit/edges/neuroglial.h5" in done.stdout
    assert "HDF5-DIAG" not in done.stdout and "Traceback" not in done.stdout


def test_check_notes_idle_ranks(tiny):
    done = tiny().command("check", "-n", "12")
    assert done.returncode == 0
    assert "12 ranks for 10 neurons: 2 ranks will have no neuron" in done.stdout


@pytest.mark.parametrize("ranks", [1, 2])
def test_compute_with_a_wrong_configuration(tiny, ranks):
    folder = tiny(settings_problem("run", "tstop", value=-1.0))
    done = folder.compute(ranks)
    assert done.returncode == 2
    assert done.stdout.count("run.tstop") == 1
    assert not folder.results.exists()


def test_compute_where_there_is_nothing(tools, tmp_path):
    done = tools["launch"]("compute", tmp_path)
    assert done.returncode == 2
    assert "multiscale-run init" in done.stdout


def test_stats(tiny):
    folder = tiny()
    shown = folder.command("stats")
    assert shown.returncode == 0
    for expected in ("neurons", "astrocytes", "vasculature", "neuroglial", "mtype", "EXC: 8, INH: 2"):
        assert expected in shown.stdout
    nothing = folder.command("stats", "--results")
    assert nothing.returncode == 2 and "no results in" in nothing.stdout


def test_init_never_removes_the_circuit_it_is_pointed_at(tools, tiny):
    folder = tiny()
    before = digest(folder.path / "circuit")
    done = tools["launch"]("init", "--force", "--circuit", folder.path / "circuit_config.json", folder.path)
    assert done.returncode == 0, done.stdout
    assert digest(folder.path / "circuit") == before
    assert folder.command("check").returncode == 0
