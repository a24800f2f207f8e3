"""ci/slurm/up and down: a real SLURM that comes and goes without a trace."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil

SCRIPTS = Path(__file__).parents[2] / "ci" / "slurm"


def call(script, *arguments):
    return subprocess.run([SCRIPTS / script, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def processes_of(folder):
    """All that belongs to a cluster and is alive."""
    found = []
    for process in psutil.process_iter():
        try:
            named = any(str(folder) in word for word in process.cmdline())
            if named or process.environ().get("SLURM_CONF") == f"{folder}/slurm.conf":
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def test_two_nodes_run_ranks_that_find_each_other(cluster):
    program = "from mpi4py.MPI import COMM_WORLD as c; import os; print(c.allreduce(1), os.environ['SLURMD_NODENAME'])"
    shown = cluster.run("srun", "-N2", "-n2", "python", "-c", program)
    assert sorted(shown.splitlines()) == ["2 n1", "2 n2"]


def test_up_again_changes_nothing(cluster):
    controller = (cluster.folder / "slurmctld.pid").read_text()
    again = call("up", "--nodes", 2, cluster.folder)
    assert (again.returncode, again.stderr) == (0, "")
    assert (cluster.folder / "slurmctld.pid").read_text() == controller
    other = call("up", "--nodes", 1, cluster.folder)
    assert other.returncode == 2
    assert (
        f"a cluster with nodes=2 cpus=4 is running there; end it first: ci/slurm/down {cluster.folder}" in other.stderr
    )


def test_two_clusters_at_once_and_one_that_crashed(cluster, tmp_path):
    folder = tmp_path / "second"
    assert call("up", folder).returncode == 0
    environment = cluster.environment | {"SLURM_CONF": f"{folder}/slurm.conf"}
    sinfo = ["sinfo", "-h", "-N", "-o", "%N %T"]
    assert subprocess.run(sinfo, env=environment, capture_output=True, text=True).stdout == "n1 idle\n"
    assert cluster.run(*sinfo) == "n1 idle\nn2 idle"
    psutil.Process(int((folder / "slurmctld.pid").read_text())).kill()
    assert call("up", folder).returncode == 0
    assert subprocess.run(sinfo, env=environment, capture_output=True, text=True).stdout == "n1 idle\n"
    assert call("down", folder).returncode == 0
    assert not folder.exists() and not processes_of(folder)
    assert call("down", folder).returncode == 0


def test_down_takes_stubborn_jobs_with_it(cluster, tmp_path):
    folder = tmp_path / "third"
    assert call("up", folder).returncode == 0
    environment = cluster.environment | {"SLURM_CONF": f"{folder}/slurm.conf"}
    wrapped = "trap '' TERM; srun sleep 600 & wait; sleep 600"
    submit = ["sbatch", "-o", "/dev/null", "--wrap", wrapped]
    subprocess.run(submit, env=environment, check=True, capture_output=True)
    while not any(process.name() == "sleep" for process in processes_of(folder)):
        time.sleep(0.1)
    assert call("down", folder).returncode == 0
    assert not folder.exists() and not processes_of(folder)


def test_wrong_use(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    for script in ("up", "down"):
        refused = call(script, tmp_path)
        assert refused.returncode == 2 and f"{tmp_path}: " in refused.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert "--nodes none: must be a number" in call("up", "--nodes", "none").stderr
    assert "sockets cannot have such long names" in call("up", tmp_path / ("x" * 100)).stderr
    assert "allows no spaces" in call("up", tmp_path / "a b").stderr


def test_missing_packages_are_named(tmp_path):
    """A PATH without SLURM: the folders of the system's programs without those of SLURM and munge."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "basename", "realpath", "id", "cksum", "cut", "cat", "sed", "hostname"):
        (programs / name).symlink_to(Path("/usr/bin") / name if (Path("/usr/bin") / name).exists() else f"/bin/{name}")
    text = (SCRIPTS / "lib.sh").read_text().replace(":/usr/sbin:/sbin", "")
    copy = tmp_path / "ci" / "slurm"
    copy.mkdir(parents=True)
    (copy / "lib.sh").write_text(text)
    (copy / "up").write_text((SCRIPTS / "up").read_text())
    shown = subprocess.run(
        [programs / "bash", copy / "up", tmp_path / "x"], env={"PATH": str(programs)}, capture_output=True, text=True
    )
    assert shown.returncode == 1
    assert (
        "not installed: munged slurmctld slurmd sinfo srun; install them with: scripts/setup --with-slurm"
        in shown.stderr
    )
