"""The mean field gives the same bits whether it was compiled in this process or by an earlier one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap


def test_compiled_here_or_before(tmp_path):
    folder = tmp_path / "brain"
    subprocess.run([sys.executable, "-m", "tvb_nest", "init", "--example", "two-regions", folder], check=True)
    program = textwrap.dedent(f"""
        import hashlib
        from tvb_nest import building
        from tvb_nest.brain_connectome import connectome_of
        from tvb_nest.parameters import read_parameters

        parameters = read_parameters({str(folder)!r})
        brain = building.make_brain(parameters, connectome_of(parameters), [])
        print(hashlib.sha256(brain.run(100).tobytes()).hexdigest())
    """)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "compiled")}
    command = [sys.executable, "-c", program]
    here, before = (subprocess.check_output(command, env=environment, timeout=300) for _ in range(2))
    assert list((tmp_path / "compiled").rglob("*.nbc")), "the second process had compiled code to load"
    assert here == before
