"""The GitLab pipeline: checked against GitLab's schema, and its jobs run for real against a SLURM on loopback."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=pipeline", "-c", "user.email=pipeline@localhost"]
PATIENCE = 1200
SITES = ("shell", "slurm", "jacamar", "bb5")  # not cscs, whose recipes are on the net


@pytest.fixture(scope="session")
def tools():
    """Folder of check-jsonschema, pyproject-build and gitlab-ci-local."""
    done = subprocess.run([ROOT / "scripts" / "get-pipeline-tools"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


@dataclass
class Project:
    """A repository with this checkout's files, and a GitLab runner beside it."""

    folder: Path
    tools: Path
    environment: dict[str, str]

    def gitlab(self, *arguments, site="slurm", before=(), **variables):
        """Runs gitlab-ci-local as a runner of a site would run the jobs; `before` starts it."""
        given = {"MULTISCALE_RUN_SITE": site, "MULTISCALE_RUN_VENV": sys.prefix, **variables}
        options = [word for name, value in given.items() for word in ("--variable", f"{name}={value}")]
        command = [*before, str(self.tools / "gitlab-ci-local"), *arguments, *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(command, cwd=self.folder, env=self.environment, timeout=PATIENCE, **pipes)

    def jobs(self, site):
        """Job -> stage."""
        shown = self.gitlab("--list-csv", site=site)
        assert shown.returncode == 0, shown.stdout
        rows = shown.stdout.partition("name;")[2].splitlines()[1:]
        return {row.split(";")[0]: row.split(";")[2] for row in rows}


@pytest.fixture(scope="module")
def project(tools, cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gitlab") / "multiscale-run"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    remote = ["git", "remote", "add", "origin", "git@gitlab.example.org:neuroscience/multiscale-run.git"]
    subprocess.run(remote, cwd=folder, check=True)
    commit(folder)
    return Project(folder, tools, cluster.environment)


def commit(folder):
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    subprocess.run([*GIT, "commit", "-q", "-m", "state"], cwd=folder, check=True)


def outcomes(output):
    """Job -> PASS or FAIL, from the summary that gitlab-ci-local ends with."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", output)
    return {name.strip(): word for word, name in re.findall(r"^ (PASS|FAIL)  (.*?)(?: {2,}.*)?$", plain, re.M)}


@pytest.mark.parametrize("change", ["scripts:", "when: sometimes"])
def test_the_schema_check_can_fail(tools, tmp_path, change):
    wrong = tmp_path / ".gitlab-ci.yml"
    wrong.write_text(f"job:\n  script: [!reference [.a, script]]\n  {change}\n")
    options = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    done = subprocess.run([tools / "check-jsonschema", *options, wrong], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "Schema validation errors" in done.stdout


@pytest.mark.parametrize("site", SITES)
def test_every_site_has_every_job(project, site):
    jobs = project.jobs(site)
    assert list(dict.fromkeys(jobs.values())) == "lint build unit mpi integration simulate deploy".split()
    switches = [name for name in jobs if name.startswith("simulate: ")]
    assert len(switches) == 2**3
    assert {name for name in jobs if name.startswith("simulate:ranks")} == {f"simulate:ranks: [{n}]" for n in (1, 2, 4)}


def test_the_matrices_have_all_tests(project):
    jobs = set(project.jobs("slurm"))
    folders = {path.name for path in (ROOT / "tests" / "unit").iterdir() if list(path.rglob("test_*.py"))}
    modules = {path.stem for path in (ROOT / "tests" / "mpi").glob("test_*.py")}
    assert {f"unit: [{name}]" for name in folders} == {name for name in jobs if name.startswith("unit:")}
    assert {f"mpi: [2,{name}]" for name in modules} == {name for name in jobs if name.startswith("mpi:")}


def test_what_schedulers_are_told(project):
    """The variables that Jacamar's and Blue Brain's runners read, with those of the job filled in."""
    shown = project.gitlab("--preview", site="jacamar")
    jobs = yaml.safe_load(shown.stdout[shown.stdout.index("---") :])
    compute = jobs["simulate"]
    assert compute["id_tokens"]["SITE_ID_TOKEN"]["aud"]
    assert compute["variables"]["SCHEDULER_PARAMETERS"].startswith("--nodes=1 --ntasks=$RANKS --time=$DURATION")
    assert compute["tags"] == ["jacamar", "slurm"] and jobs["build"]["tags"] == ["jacamar", "shell"]
    assert jobs["build"]["id_tokens"] == compute["id_tokens"]


def test_a_green_pipeline_on_slurm(project):
    """A short one, from lint to a simulation by sbatch on two ranks."""
    mpi, simulation = "mpi: [2,test_coupling_layer_channel]", "simulate: [false,true,false]"
    jobs = ["lint", "lint:pipeline", "build", "unit: [coupling]", mpi, simulation]
    done = project.gitlab(*jobs, TSTOP="100")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == dict.fromkeys(jobs, "PASS")
    assert "test_coupling_layer_channel.py on 2 ranks: passed" in done.stdout
    assert "sbatch --wait simulation.sbatch" in done.stdout
    assert "100 ms computed on 2 ranks" in done.stdout
    (results,) = project.folder.glob("simulation-*/RESULTS")
    with h5py.File(results / "atpi.h5") as report:
        assert report["report/neurons/mapping/time"][1] == 100.0
    assert list((project.folder / "reports").glob("tests.unit.coupling.xml"))


def test_a_job_inside_an_allocation(project):
    """As Jacamar and Blue Brain's runners do it: the whole script is in a job of SLURM, which starts ranks by srun."""
    job = "mpi: [2,test_coupling_layer_world]"
    done = project.gitlab(job, site="jacamar", before=("salloc", "--quiet", "--nodes=1", "--ntasks=2"))
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {job: "PASS"}
    assert "test_coupling_layer_world.py on 2 ranks: passed" in done.stdout


@pytest.mark.parametrize(
    ("job", "module", "code"),
    [
        ("unit: [coupling]", "tests/unit/coupling/test_expressions.py", "\n\ndef test_wrong():\n    assert 1 == 2\n"),
        (
            "mpi: [2,test_coupling_layer_channel]",
            "tests/mpi/test_coupling_layer_channel.py",
            "\n\n@pytest.mark.mpi(min_size=3)\ndef test_that_nobody_runs():\n    pass\n",
        ),
    ],
)
def test_a_broken_test_turns_it_red(project, job, module, code):
    file = project.folder / module
    right = file.read_text()
    file.write_text(right + code)
    try:
        done = project.gitlab(job)
    finally:
        file.write_text(right)
    assert done.returncode != 0, done.stdout
    assert outcomes(done.stdout) == {job: "FAIL"}


@pytest.mark.parametrize(
    ("file", "factor", "said"),
    [
        ("v.h5", 1 + 1e-8, "2 runs have the same results"),
        ("v.h5", 1 + 1e-4, "other/v.h5: report/data differs"),
        ("out.h5", 1 + 1e-8, "other/out.h5: report/data differs"),
        ("more.h5", 1.0, "more.h5 is not in both"),
    ],
)
def test_results_are_compared(tmp_path, file, factor, said):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        for name in {"v.h5", "out.h5"} | ({file} if folder == "other" else set()):
            with h5py.File(tmp_path / folder / name, "w") as handle:
                scale = factor if folder == "other" and name == file else 1.0
                handle["report/data"] = [[-65.0 * scale, 0.0, float("nan")]]
                handle["report/name"] = "v"
    command = [sys.executable, ROOT / "ci" / "compare_results.py", "one", "other"]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert said in done.stdout
    assert done.returncode == (0 if "same" in said else 1)


def test_without_an_environment_a_job_says_so(project):
    done = project.gitlab("build", MULTISCALE_RUN_VENV="/nowhere")
    assert done.returncode != 0
    assert "ci/environment: no Python environment in /nowhere" in done.stdout


def test_packages_are_built_and_complete(project):
    done = project.gitlab("deploy")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"deploy": "PASS"}
    kinds = sorted(file.suffix for file in (project.folder / "dist").iterdir())
    assert kinds == [".gz", ".whl"]
    assert (project.folder / "installed" / "simulation" / "simulation_config.json").is_file()
    assert os.access(project.folder / "installed" / "bin" / "tvb-nest", os.X_OK)
