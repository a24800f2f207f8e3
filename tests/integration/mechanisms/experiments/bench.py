"""What the experiments share: NEURON with our mechanisms, morphologies, current clamp."""

import json
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI  # noqa: F401  (before NEURON)

from multiscale_run.mechanisms import activate, mechanism_library

_library = mechanism_library()
activate(_library)
from neuron import h  # noqa: E402

h.nrn_load_dll(str(_library.library_path))
h.load_file("stdrun.hoc")
for _type in ("RegularSpiking", "FastSpiking"):
    h.load_file(str(_library.hoc_path / f"{_type}.hoc"))
h.celsius, h.v_init, h.dt = 34, -65, 0.025

FARADAY = 96485.33212
POOLS = ("nai", "ki", "ko", "cai", "cli")


def report(result: object) -> None:
    """The experiment's result, for the test that started it."""
    print(json.dumps(result, default=lambda value: np.asarray(value).tolist()))


def write_pyramidal(path: Path) -> Path:
    """A soma of 16 um, four forked basal dendrites, an apical trunk with a fork, an axon: as SWC."""
    lines, last = ["1 1 0 0 0 8 -1"], 1

    def branch(kind: int, start: np.ndarray, direction: tuple, length: float, radius: float, parent: int) -> tuple:
        nonlocal last
        unit = np.array(direction) / np.linalg.norm(direction)
        for step in range(0 if parent == 1 else 1, 11):
            last += 1
            point = start + unit * length * step / 10
            lines.append(f"{last} {kind} {' '.join(f'{x:.3f}' for x in point)} {radius} {parent}")
            parent = last
        return last, point

    def tree(kind: int, direction: np.ndarray, length: float, radius: float) -> None:
        end, point = branch(kind, 8 * direction, tuple(direction), length, radius, 1)
        for side in (-0.5, 0.5):
            turned = direction + side * np.array([direction[1], -direction[0], 1.0])
            branch(kind, point, tuple(turned), 100, 0.6 * radius, end)

    branch(2, np.array([0.0, -8.0, 0.0]), (0, -1, 0), 200, 0.6, 1)
    for angle in np.arange(4) * np.pi / 2:
        tree(3, np.array([np.cos(angle), 0.0, np.sin(angle)]), 100, 1.0)
    tree(4, np.array([0.0, 1.0, 0.0]), 400, 1.5)
    path.write_text("\n".join(lines) + "\n")
    return path


def neuron(electrical_type: str, morphology: str | None = None):
    """A cell of ours; by default on the synthetic pyramidal morphology."""
    path = Path(morphology) if morphology else write_pyramidal(Path(tempfile.mkdtemp()) / "pyramidal.swc")
    return getattr(h, electrical_type)(7, str(path.parent), path.name)


def segments(cell) -> list:
    return [segment for section in cell.all for segment in section]


def read(cell, name: str) -> np.ndarray:
    """A range variable, `name` or `mechanism.name`, in all segments."""
    *mechanism, variable = name.split(".")
    return np.array([getattr(getattr(s, mechanism[0]) if mechanism else s, variable) for s in segments(cell)])


def write(cell, name: str, value: float) -> None:
    mechanism, variable = name.split(".")
    for segment in segments(cell):
        setattr(getattr(segment, mechanism), variable, value)


def clamp(cell, amplitude: float, start: float, duration: float):
    electrode = h.IClamp(cell.soma[0](0.5))
    electrode.amp, electrode.delay, electrode.dur = amplitude, start, duration
    return electrode


def spikes(cell):
    """Times of the spikes at the soma, filled as the simulation runs."""
    detector = h.NetCon(cell.soma[0](0.5)._ref_v, None, sec=cell.soma[0])
    detector.threshold = -20
    times = h.Vector()
    detector.record(times)
    return detector, times


def run(stop: float) -> None:
    h.stdinit()
    h.continuerun(stop)
