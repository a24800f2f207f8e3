"""Runs the metabolism of the original release in a process of its own, for ``benchmarks/metabolism.py``.

    python metabolism_original.py FOLDER CELLS.npz RESULT.npz

FOLDER holds the unpacked original, which is never imported beside ours: both packages have the same name. CELLS.npz has
`state` and `inputs` in the original's order, `seconds` and `rtol` (nan: the original's own setting).
"""

import sys
import time
import types
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp


def main() -> None:
    """Integrate every cell as the original's manager does, one solve_ivp call per cell and window."""
    folder, cells, result = sys.argv[1:]
    # the original's package imports every simulator that it can couple; its model alone needs none of them
    package = types.ModuleType("multiscale_run")
    package.__path__ = [str(Path(folder) / "multiscale_run")]
    sys.modules["multiscale_run"] = package
    from multiscale_run.metabolism.model import compute_du

    with np.load(cells) as data:
        state, inputs, seconds, rtol = data["state"], data["inputs"], float(data["seconds"]), float(data["rtol"])
    options = {} if np.isnan(rtol) else {"rtol": rtol, "atol": rtol * 1e-3}
    wall, cpu = np.zeros(len(state)), np.zeros(len(state))
    for i, (u, p) in enumerate(zip(state, inputs, strict=True)):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        solution = solve_ivp(lambda t, u, p=p: compute_du(u, p, t), (0.0, seconds), u, method="Radau", **options)
        wall[i], cpu[i] = time.perf_counter() - begin, time.process_time() - begin_cpu
        if not solution.success:
            raise SystemExit(f"the original failed for cell {i}: {solution.message}")
        state[i] = solution.y[:, -1]
    np.savez(result, state=state, wall=wall, cpu=cpu)


if __name__ == "__main__":
    main()
