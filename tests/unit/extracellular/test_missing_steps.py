"""What a user reads without STEPS, and the script that builds it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.extracellular import Ion, Space, make_engine

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "build-steps-wheel"


def test_missing_steps_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "steps.API_1", None)
    corner = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    with pytest.raises(UserError, match=r"needs STEPS, .* scripts/build-steps-wheel .* with_steps to false"):
        make_engine("TetODE", Space(corner, np.arange(4)[None], [Ion("KK", 2e-9)]))


def test_wheel_in_the_cache_is_not_built_again(tmp_path: Path) -> None:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    folder = tmp_path / "wheels" / f"5.1.0-{tag}-{platform.machine()}"
    folder.mkdir(parents=True)
    wheel = folder / f"steps-5.1.0-{tag}-{tag}-linux_{platform.machine()}.whl"
    wheel.touch()
    environment = os.environ | {"MULTISCALE_RUN_CACHE": str(tmp_path), "MULTISCALE_RUN_VENV": sys.prefix}
    done = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == f"{wheel}\n" and not done.stderr
    assert list(folder.iterdir()) == [wheel]


def test_environment_without_pip_is_named(tmp_path: Path) -> None:
    environment = os.environ | {
        "MULTISCALE_RUN_CACHE": str(tmp_path),
        "MULTISCALE_RUN_VENV": str(tmp_path / "nothing"),
        "PATH": "/usr/bin:/bin",
    }
    fake = tmp_path / "nothing" / "bin" / "python"
    fake.parent.mkdir(parents=True)
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    done = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "no Python with pip in" in done.stderr and "scripts/setup" in done.stderr
