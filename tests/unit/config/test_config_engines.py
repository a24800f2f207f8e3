"""What a check says of engines that are not installed: which one, where it is asked for, and how to install it."""

import importlib.util

import pytest

from multiscale_run.checkup import checkup
from multiscale_run.config import load_config


@pytest.mark.parametrize(
    ("engine", "changes", "message"),
    [
        ("neurodamus", {}, "neurodamus is not installed; install it with: pip install 'multiscale-run[neurons]'"),
        ("steps", {}, "with_steps = true: steps is not installed; install it with: scripts/setup, or"),
        (
            "astrovascpy",
            {("multiscale_run", "bloodflow"): {"solver": "astrovascpy"}},
            'bloodflow.solver = "astrovascpy": astrovascpy is not installed; install it with: pip install',
        ),
        (
            "gmsh",
            {("multiscale_run", "preprocessor", "mesh"): {"generator": "gmsh"}},
            "generator = \"gmsh\": gmsh is not installed; install it with: pip install 'multiscale-run[gmsh]'",
        ),
    ],
)
def test_a_missing_engine(write, monkeypatch, engine, changes, message):
    config = load_config(write(changes, with_steps=True, with_bloodflow=True))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == engine else find(name))
    assert any(message in str(problem) for problem in checkup(config).problems)


def test_engines_that_take_no_part_may_be_missing(write, monkeypatch):
    config = load_config(write())
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "steps" else find(name))
    assert not any("not installed" in str(problem) for problem in checkup(config).problems)
