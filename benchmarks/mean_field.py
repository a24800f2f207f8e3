"""Our compiled mean field against The Virtual Brain's, in one process, on the same brain and the same noise.

    python benchmarks/mean_field.py [--connectome connectivity_76] [--order 2] [--ms 100] [--window 1.2]

Both advance in exchange windows, as in a co-simulation, in turns of `--ms`, and give every variable of every region.
Times are processor time per second of activity, the best of the turns after the first, in which both compile. The
difference is that of the rates over the whole run: against the library as it is, whose delayed rates and weights are in
single precision, and against the library with both in double precision.
"""

from __future__ import annotations

import argparse
import logging
import platform
import time
import warnings

import numpy as np
from headline import print_headline

warnings.filterwarnings("ignore", message="Geodesic distance module")
logging.disable(logging.WARNING)

from tvb_nest.connectome import load_connectome  # noqa: E402
from tvb_nest.tvb_side.brain import Brain, IntegratorParameters  # noqa: E402
from tvb_nest.tvb_side.mean_field.brain import MeanFieldBrain  # noqa: E402
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters  # noqa: E402
from tvb_nest.tvb_side.noise import NoiseParameters  # noqa: E402
from tvb_nest.tvb_side.reference import ReferenceBrain, mean_field_simulator, use_double_precision  # noqa: E402

DT, SPEED, TURNS = 0.1, 4.0, 4
GOAL_RATIO, GOAL_DIFFERENCE = 30.0, 1e-7
"""Of the second order, of which tvb-library computes the derivatives by finite differences."""
OURS, LIBRARY, DOUBLE = "compiled", "tvb-library", "tvb-library in double precision"


def brains(connectome_name: str, order: int) -> dict[str, Brain]:
    """The same brain three times: some Hz of activity with bursts, driven by noise."""
    connectome = load_connectome(connectome_name, SPEED)
    parameters = MeanFieldParameters(
        order=order, b_e=10.0, external_input_ex_ex=0.0015, external_input_in_ex=0.0015, weight_noise=0.01, tau_OU=20.0
    )
    initial = np.zeros((len(parameters.state_variables), connectome.n_regions))
    initial[:2] = np.array([[2.0**-8], [2.0**-7]])  # exact in single precision
    options = {"noise": NoiseParameters({"ou_drift": 1e-3}), "coupling": 1 / 256, "initial": initial}
    integrator = IntegratorParameters(DT, seed=3)
    made: dict[str, Brain] = {OURS: MeanFieldBrain(connectome, parameters, integrator, **options)}
    for name in (LIBRARY, DOUBLE):
        simulator = mean_field_simulator(connectome, parameters, integrator, **options)
        if name == DOUBLE:
            use_double_precision(simulator)
        made[name] = ReferenceBrain(simulator)
    return made


def turn(brain: Brain, n_windows: int, window: int) -> tuple[float, np.ndarray]:
    """Processor time [s] and rates of some windows."""
    start = time.process_time()
    rates = [brain.run(window)[:, :2] for _ in range(n_windows)]
    return time.process_time() - start, np.concatenate(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connectome", default="connectivity_76")
    parser.add_argument("--order", type=int, default=2, choices=(1, 2))
    parser.add_argument("--ms", type=float, default=100.0)
    parser.add_argument("--window", type=float, default=1.2)
    options = parser.parse_args()
    window = round(options.window / DT)
    n_windows = max(round(options.ms / options.window), 1)
    made = brains(options.connectome, options.order)
    seconds: dict[str, list[float]] = {name: [] for name in made}
    difference = dict.fromkeys((LIBRARY, DOUBLE), 0.0)
    for _ in range(TURNS):
        rates = {}
        for name, brain in made.items():
            spent, rates[name] = turn(brain, n_windows, window)
            seconds[name].append(spent / (n_windows * window * DT * 1e-3))
        for name in difference:
            difference[name] = max(difference[name], float(np.abs(rates[OURS] - rates[name]).max()))
    best = {name: min(times[1:]) for name, times in seconds.items()}
    size = made[OURS].n_regions
    print(f"{options.connectome}, {size} regions, order {options.order}, {platform.machine()}, numpy {np.__version__}")
    print(f"excitatory rate {1e3 * rates[OURS][:, 0].mean():.2f} Hz, {1e3 * rates[OURS][:, 0].max():.1f} Hz at most")
    for name in (OURS, LIBRARY):
        print(f"{name:12} {best[name]:8.3f} s of processor time per s")
    goal = f" (goal {GOAL_RATIO:g})" if options.order == 2 else ""
    print(f"ratio {best[LIBRARY] / best[OURS]:.1f}{goal}")
    for name, value in difference.items():
        print(f"largest difference of rates to {name}: {value:.1e} kHz (goal {GOAL_DIFFERENCE:g})")
    setup = f"{options.connectome}, rates equal to {difference[LIBRARY]:.0e} kHz"
    print_headline(f"mean field of order {options.order}", LIBRARY, best[LIBRARY] / best[OURS], setup)


if __name__ == "__main__":
    main()
