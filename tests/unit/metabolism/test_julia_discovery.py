"""Where Julia is looked for, and what is said when none is good."""

import os
import subprocess
from pathlib import Path

import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism import load_network, make_engine
from multiscale_run.metabolism.julia import discovery, find_julia, julia_health, prepare_environment, use_environment
from multiscale_run.metabolism.julia.environment import worker_environment

GET_JULIA = Path(__file__).parents[3] / "scripts" / "get-julia"


def program(path, *lines):
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without Julia: no juliacall, no variable, an empty cache, only a folder of the test on the PATH."""

    def no_juliacall():
        raise discovery._NotHere("juliacall is not installed")

    monkeypatch.setattr(discovery, "_of_juliacall", no_juliacall)
    monkeypatch.delenv("JULIA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("MULTISCALE_RUN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_without_julia_every_place_and_the_remedy_are_named(bare):
    with pytest.raises(UserError) as caught:
        make_engine("julia", load_network())
    text = str(caught.value)
    for part in (
        "juliacall is not installed",
        "JULIA is not set",
        "no julia on the PATH",
        str(bare / "cache" / "julia"),
    ):
        assert part in text
    assert "run scripts/get-julia" in text
    assert 'engine "native"' in text


def test_order_of_the_places(bare, monkeypatch):
    cached = program(bare / "cache" / "julia" / "1.5.3" / "bin" / "julia", "echo 1.5.3")
    assert julia_health() == (cached, "1.5.3")
    on_path = program(bare / "path" / "julia", "echo 1.10.4")
    assert julia_health() == (on_path, "1.10.4")
    named = program(bare / "named", "echo 1.6.7")
    monkeypatch.setenv("JULIA", str(named))
    assert julia_health() == (named, "1.6.7")


def test_an_old_julia_on_the_path_gives_way(bare):
    program(bare / "path" / "julia", "echo 1.4.2")
    with pytest.raises(UserError, match=r"julia is Julia 1\.4\.2, older than 1\.5"):
        find_julia()
    cached = program(bare / "cache" / "julia" / "1.5.3" / "bin" / "julia", "echo 1.5.3")
    assert find_julia().path == cached


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["echo 1.4.2"], "is Julia 1.4.2, older than 1.5"),
        (["echo hello"], "does not answer like Julia but with 'hello'"),
        (["echo cannot load libjulia >&2", "exit 3"], "ended with exit code 3: cannot load libjulia"),
    ],
)
def test_a_bad_julia_that_the_user_named_is_an_error(bare, monkeypatch, lines, reason):
    program(bare / "cache" / "julia" / "1.5.3" / "bin" / "julia", "echo 1.5.3")
    monkeypatch.setenv("JULIA", str(program(bare / "mine", *lines)))
    with pytest.raises(UserError, match="named by the variable JULIA cannot be used") as caught:
        julia_health()
    assert reason in str(caught.value)


def test_a_name_that_is_no_program(bare, monkeypatch):
    monkeypatch.setenv("JULIA", "no-such-julia")
    with pytest.raises(UserError, match=r"JULIA is 'no-such-julia', which is not a program\. Install Julia"):
        find_julia()


def test_a_juliacall_that_does_not_work_is_passed_over(tmp_path, monkeypatch, caplog):
    (tmp_path / "juliacall.py").write_text("raise ImportError('it has no Julia of its own')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("JULIA", str(program(tmp_path / "named", "echo 1.9.0")))
    discovery._ask_juliacall.cache_clear()
    julia = find_julia()
    discovery._ask_juliacall.cache_clear()
    assert (julia.version, julia.in_process) == ("1.9.0", False)
    assert "it has no Julia of its own" in caplog.text


def test_environment_of_a_simulation_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JULIA_PROJECT", "/mine")
    use_environment(tmp_path)
    assert os.environ["JULIA_PROJECT"] == "/mine"
    assert "JULIA_DEPOT_PATH" not in worker_environment({"JULIA_PROJECT": "/mine"})
    made = prepare_environment(tmp_path)
    assert made == tmp_path.resolve() / ".julia_environment"
    project = made / "Project.toml"
    assert 'julia = "1.5"' in project.read_text()
    project.write_text("# the user's\n")
    assert prepare_environment(tmp_path) == made
    assert project.read_text() == "# the user's\n"
    use_environment(tmp_path)
    assert os.environ["JULIA_PROJECT"] == str(made)
    assert worker_environment({"JULIA_PROJECT": str(made)})["JULIA_DEPOT_PATH"] == f"{made / 'depot'}:"
    own = {"JULIA_PROJECT": str(made), "JULIA_DEPOT_PATH": "/elsewhere"}
    assert worker_environment(own)["JULIA_DEPOT_PATH"] == "/elsewhere"


def get_julia(cache, *, path=""):
    variables = {**os.environ, "MULTISCALE_RUN_CACHE": str(cache), "PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(["bash", GET_JULIA], env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_get_julia_finds_what_it_made(tmp_path):
    made = program(tmp_path / "julia" / "1.5.3" / "bin" / "julia", "echo 1.5.3")
    done = get_julia(tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, str(made))


def test_get_julia_says_why_it_has_none(tmp_path):
    program(tmp_path / "tools" / "apt-get", "echo 'E: Unable to locate package julia'", "exit 100")
    done = get_julia(tmp_path / "cache", path=tmp_path / "tools")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no Debian mirror offers julia 1.5.3 of bullseye: E: Unable to locate package julia" in done.stderr
    assert list((tmp_path / "cache" / "julia").iterdir()) == []
