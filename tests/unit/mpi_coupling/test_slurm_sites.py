"""Site profiles: who finds which, what is refused and how; time limits as SLURM writes them."""

from __future__ import annotations

import pytest

from mpi_coupling.failure import UserError
from mpi_coupling.slurm.sites import Site, find_site, read_site, site_names
from mpi_coupling.slurm.time_limit import seconds_of


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        ("30", 1800),
        ("0:30", 30),
        ("90:00", 5400),
        ("02:00:00", 7200),
        ("1-12", 129600),
        ("1-12:30", 131400),
        ("1-0:0:5", 86405),
        ("unlimited", None),
    ],
)
def test_time_limits(limit, seconds):
    """The formats of sbatch(1), --time."""
    assert seconds_of(limit) == seconds


@pytest.mark.parametrize("limit", ["", "soon", "1:2:3:4", "2h", "-5", "1-", "0", "00:00:00", "1:30:", "1 0"])
def test_wrong_time_limits(limit):
    with pytest.raises(ValueError, match="must be a time limit such as 02:00:00"):
        seconds_of(limit)


@pytest.fixture
def config_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "multiscale-run" / "sites"
    folder.mkdir(parents=True)
    return folder


def test_profiles_that_come_along_are_valid(config_home):
    assert {"default", "loopback", "bb5", "jusuf"} == set(site_names())
    for name in site_names():
        assert read_site(find_site(name)).description


def test_a_users_own_profile_stands_before_ours(config_home):
    (config_home / "jusuf.toml").write_text('account = "mine"')
    (config_home / "cellar.toml").write_text('partition = "dark"\nnodes = 3')
    assert read_site(find_site("jusuf")) == Site(account="mine")
    assert read_site(find_site("cellar"), {"nodes": 5}) == Site(partition="dark", nodes=5)
    with pytest.raises(UserError) as raised:
        find_site("celar")
    expected = (
        f"--site celar: no such site; known: bb5, cellar, default, jusuf, loopback; your own go into {config_home}"
    )
    assert str(raised.value) == f'{expected}; did you mean "cellar"?'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('tiem = "1:00"', 'tiem = "1:00": is not a key of this section; did you mean "time"?'),
        ('time = "1h"', 'time = "1h": must be a time limit such as 02:00:00; SLURM knows minutes,'),
        ("nodes = 0", "nodes = 0: must be >= 1"),
        ('nodes = "2"', 'nodes = "2": must be a whole number'),
        ('launcher = "srunn"', 'launcher = "srunn": must be one of "srun", "mpirun"; did you mean "srun"?'),
        ('account = "a b"', 'account = "a b": must be one word without quotes'),
        ('options = ["exclusive"]', 'options[0] = "exclusive": must be one option of sbatch, such as --exclusive'),
        ('setup = ["a\\nb"]', "must be one line"),
        ('environment = { "1a" = "x" }', 'environment.1a = "x": must be the name of a variable'),
        ("nodes = ", "is not valid TOML: Invalid value (at"),
    ],
)
def test_what_is_wrong_with_a_profile(tmp_path, text, message):
    file = tmp_path / "site.toml"
    file.write_text(text)
    with pytest.raises(UserError) as raised:
        read_site(find_site(str(file)))
    assert str(raised.value).startswith(f"{file}: ")
    assert message in str(raised.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text('nodes = 0\npartitoin = "prod"\n')
    with pytest.raises(UserError) as raised:
        read_site(file)
    assert len(str(raised.value).splitlines()) == 2


def test_a_profile_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"site\.toml: cannot be read: No such file"):
        read_site(find_site(str(tmp_path / "site.toml")))
