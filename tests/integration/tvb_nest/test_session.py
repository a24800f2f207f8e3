"""NEST itself: under an MPI launcher, its files, and the properties that the exchange is built round."""

import os
import subprocess
import sys

import pytest

from mpi_coupling.failure import UserError
from tvb_nest.nest_side import session

MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}

GUARDED = """
import os, sys
sys.argv = ["program", "--quiet", "--debug"]
before = dict(os.environ)
from tvb_nest.nest_side import session
nest = session.import_nest()
assert dict(os.environ) == before, "the environment was not put back"
assert sys.argv == ["program", "--quiet", "--debug"]
assert session.import_nest() is nest
from mpi4py import MPI
nest.verbosity = nest.VerbosityLevel.ERROR
nest.Create("iaf_psc_exp", 3)
nest.Simulate(1.0)
total = MPI.COMM_WORLD.allreduce(nest.network_size + MPI.COMM_WORLD.rank)
lines = MPI.COMM_WORLD.gather(f"rank {MPI.COMM_WORLD.rank} sees {total}")
if lines:
    print("\\n".join(lines))
"""


def mpirun(program, environment):
    command = ["mpirun", "-n", "2", sys.executable, "-c", program]
    return subprocess.run(command, env=environment | MPI, capture_output=True, text=True, timeout=120)


def test_nest_starts_under_a_launcher(environment):
    """And MPI works beside it, and nothing of the environment is lost."""
    done = mpirun(GUARDED, environment)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("rank")]
    assert lines == ["rank 0 sees 7", "rank 1 sees 7"]


def test_without_the_guard_it_would_not(environment):
    """If this fails, NEST has learnt to live under a launcher and the guard can go."""
    done = mpirun("import nest", environment)
    assert done.returncode == 127
    assert "not compiled with MPI support" in done.stdout + done.stderr


def test_missing_nest_is_explained(monkeypatch):
    for name in session.LAUNCHER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "nest", None)
    monkeypatch.delitem(sys.modules, "nest")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    before = dict(os.environ)
    with pytest.raises(UserError, match=r"need NEST, which cannot be imported .*pip install 'nest-simulator"):
        session.import_nest()
    assert dict(os.environ) == before


def test_properties_of_the_kernel(scenario, tmp_path):
    found = scenario("kernel_facts", folder=str(tmp_path))
    # a new rate of poisson_generator is ignored until the next Prepare, the other generator's takes effect at once
    assert found["until_now"][0] == 0 < found["after_prepare"][0]
    assert 700 < found["until_now"][1] < 1300
    # recorders cannot be emptied between Prepare and Cleanup
    assert "cannot be changed while inside a Prepare/Run/Cleanup context" in str(found["refused"])
    # Prepare empties the files of ASCII recorders
    assert found["lines"][0] > 700
    assert found["lines"][1] <= 3
    # ids have a floating-point type when there are none
    assert str(found["empty_type"]) == "float64"
    assert not found["with_mpi"]


def test_recordings_look_like_those_of_nest(scenario, tmp_path):
    scenario("ascii_table", folder=str(tmp_path))
    for label in ("spikes", "state"):
        theirs, ours = (next(tmp_path.glob(f"{prefix}{label}-*.dat")) for prefix in ("nest_", ""))
        lines = [file.read_text().splitlines() for file in (theirs, ours)]
        assert len(lines[0]) > 30
        assert lines[0][:3] == lines[1][:3]
        assert sorted(lines[0]) == sorted(lines[1])
