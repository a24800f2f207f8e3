"""Every experiment runs in a process of its own: NEURON holds one model, and its mechanisms cannot be unloaded."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "experiments"


@pytest.fixture(scope="session")
def library() -> None:
    """The compiled mechanisms are in the cache."""
    from multiscale_run.mechanisms import mechanism_library

    mechanism_library()


@pytest.fixture(scope="session")
def experiment(library: None) -> Callable[..., Any]:
    """Calls `experiment(name, *arguments)`: runs experiments/<name>.py and returns what it prints as JSON."""

    def run(name: str, *arguments: Any, fails: bool = False) -> Any:
        command = [sys.executable, str(FOLDER / f"{name}.py"), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if fails:
            assert done.returncode != 0
            return done.stdout + done.stderr
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
