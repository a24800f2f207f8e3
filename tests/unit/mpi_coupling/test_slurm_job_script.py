"""Job scripts: what they ask SLURM for, the environment they bring back, and what they do with signals.

SLURM's programs are played by small scripts here; tests/hpc runs job scripts in a real SLURM.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mpi_coupling.failure import UserError
from mpi_coupling.slurm import Job, Site, job_script

APPLICATION = Job("tiny", ("app", "compute"), ntasks=2, keeps_checkpoints=True)
NO_MODULES: dict[str, str] = {}


def directives(script):
    return [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH")]


def test_what_sbatch_is_asked_for():
    site = Site(
        account="proj40",
        partition="prod",
        constraint="clx&nvme",
        time="2:00:00",
        nodes=3,
        ntasks_per_node=36,
        warning_seconds=300,
        options=["--exclusive", "--mem=0"],
    )
    script = job_script(Job("my rüns/1", ("app",), keeps_checkpoints=True), site, NO_MODULES)
    assert script.startswith("#!/bin/bash -l\n#SBATCH ")
    assert directives(script) == [
        "--job-name=my_r_ns_1",
        "--account=proj40",
        "--partition=prod",
        "--constraint=clx&nvme",
        "--nodes=3",
        "--ntasks-per-node=36",
        "--cpus-per-task=1",
        "--time=2:00:00",
        "--signal=B:USR2@300",
        "--requeue",
        "--open-mode=append",
        "--output=%x-%j.log",
        "--exclusive",
        "--mem=0",
    ]
    plain = directives(job_script(Job("a", ("app",), ntasks=2, cpus_per_task=4), Site(), NO_MODULES))
    assert not [line for line in plain if line.startswith(("--account", "--partition", "--constraint", "--signal"))]
    assert "--ntasks-per-node=2" in plain and "--cpus-per-task=4" in plain


def test_what_cannot_work_is_refused():
    with pytest.raises(UserError, match="a time limit of 2 leaves no time for the run"):
        job_script(APPLICATION, Site(time="2"))
    two = Job("two", ("app",), ntasks=2, starts_itself=True)
    with pytest.raises(UserError, match="has 2 processes, and nodes = 1 with ntasks_per_node = 1 have room for 1"):
        job_script(two, Site(ntasks_per_node=1))
    job_script(two, Site(ntasks_per_node=1, nodes=2))
    assert "--ntasks-per-node=1" in directives(job_script(two, Site(nodes=2), NO_MODULES))
    assert "--ntasks-per-node=1" in directives(job_script(two, Site(nodes=3), NO_MODULES))


def test_loaded_modules_are_recorded():
    loaded = {"LOADEDMODULES": "gcc/12.2:py-multiscale-run/1.0", "MODULEPATH": "/opt/modules:/home/me/my modules"}
    lines = job_script(APPLICATION, Site(), loaded).splitlines()
    use = lines.index("module use --append /opt/modules '/home/me/my modules'")
    assert lines[use + 1 : use + 3] == ["module load gcc/12.2 || exit 1", "module load py-multiscale-run/1.0 || exit 1"]
    assert not [line for line in job_script(APPLICATION, Site(), NO_MODULES).splitlines() if "module" in line]
    told = job_script(APPLICATION, Site(modules=["unstable"], module_paths=["/site"]), loaded).splitlines()
    assert "module use --append /site" in told and "module load unstable || exit 1" in told
    assert "module load gcc/12.2 || exit 1" not in told
    assert not [line for line in job_script(APPLICATION, Site(modules=[]), loaded).splitlines() if "module" in line]


PLAYED = {
    "srun": 'while [[ $1 == --* ]]; do shift; done\nexec "$@"\n',
    "mpirun": 'echo "mpirun $*" >>"$RECORD"; while [[ $1 != app ]]; do shift; done\nexec "$@"\n',
    "scontrol": 'echo "scontrol $*" >>"$RECORD"; exit "${SCONTROL:-0}"\n',
    "module": 'echo "module $*" >>"$RECORD"\n',
}
APP = """
import os, signal, sys, time
def stop(number, frame):
    print("checkpoint", flush=True)
    time.sleep(0.3)
    sys.exit(143)
if os.environ.get("APP") == "ready":
    signal.signal(signal.SIGUSR2, stop)
print("started", sys.argv[1:], os.environ["SLURM_MPI_TYPE"], os.environ["NOTE"], flush=True)
time.sleep(float(os.environ.get("SECONDS_TO_RUN", 20)))
sys.exit(int(os.environ.get("CODE", 0)))
"""


@pytest.fixture
def play(tmp_path):
    """Runs the script of a job; gives its exit code, what it said, and the calls of SLURM's programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (PLAYED | {"app": f'exec {sys.executable} {tmp_path / "app.py"} "$@"\n'}).items():
        (programs / name).write_text(f"#!/bin/bash\n{text}")
        (programs / name).chmod(0o755)
    (tmp_path / "app.py").write_text(APP)
    record = tmp_path / "record"
    record.touch()

    def run(site=None, send=None, **environment):
        site = site or Site(mpi="pmix", environment={"NOTE": "it's $HOME"})
        # programs of the real environment would come first
        script = tmp_path / "simulation.sbatch"
        script.write_text(job_script(APPLICATION, site.model_copy(update={"modules": []})).replace("bash -l", "bash"))
        text = script.read_text().replace("\nfolder=", f'\nexport PATH="{programs}:$PATH"\nfolder=', 1)
        script.write_text(text)
        base = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "RECORD": str(record), "NOTE": "", "SLURM_MPI_TYPE": ""}
        job = subprocess.Popen(
            ["bash", script, "some folder"],
            env=os.environ | base | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = ""
        while send is not None and "started" not in said:
            said += job.stdout.readline()
        if send is not None:
            job.send_signal(send)
        said += job.communicate(timeout=60)[0]
        return job.returncode, said, record.read_text().splitlines()

    return run


def test_a_run_that_ends(play):
    code, said, calls = play(SECONDS_TO_RUN="0")
    assert (code, calls) == (0, [])
    assert "job 7 on , start 1\n" in said
    assert "started ['compute', 'some folder'] pmix it's $HOME\n" in said
    code, said, calls = play(SECONDS_TO_RUN="0", CODE="3", SLURM_RESTART_COUNT="4")
    assert (code, calls) == (3, []) and "start 5" in said


def test_out_of_time(play):
    code, said, calls = play(send=signal.SIGUSR2, APP="ready")
    assert "checkpoint" in said
    assert (code, calls) == (0, ["scontrol requeue 7"])


def test_out_of_time_before_anything_could_be_kept(play):
    """It would never get further: it must not come back."""
    code, _, calls = play(send=signal.SIGUSR2)
    assert (code, calls) == (128 + signal.SIGUSR2, [])


def test_cancelled(play):
    code, said, calls = play(send=signal.SIGTERM, APP="ready")
    assert "checkpoint" in said
    assert (code, calls) == (143, [])


def test_a_site_that_puts_nothing_back(play):
    code, said, calls = play(send=signal.SIGUSR2, APP="ready", SCONTROL="1")
    assert (code, calls) == (143, ["scontrol requeue 7"])
    remedy = r"go on with: sbatch some\ folder/simulation.sbatch some\ folder"
    assert f"this site does not put jobs back into the queue; {remedy}" in said


def test_a_site_with_mpirun(play):
    site = Site(launcher="mpirun", mpi="pmi2", environment={"NOTE": "x"})
    code, _, calls = play(site, SECONDS_TO_RUN="0")
    assert (code, calls) == (0, ["mpirun -n 2 --bind-to none app compute some folder"])


def test_outside_slurm_it_says_what_to_do(tmp_path):
    script = tmp_path / "simulation.sbatch"
    script.write_text(job_script(APPLICATION, Site(modules=[])))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True)
    assert done.returncode != 0 and "submit this with sbatch" in done.stderr


def test_the_environment_comes_back(tmp_path):
    script = tmp_path / "simulation.sbatch"
    script.write_text(
        job_script(Job("a", ("python", "-c", "import sys; print(sys.prefix)"), starts_itself=True), Site())
    )
    environment = {"SLURM_JOB_ID": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]) == Path(sys.prefix)
