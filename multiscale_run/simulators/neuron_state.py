"""The whole state of a rank's NEURON model: a run resumed from it gives the same bits as an uninterrupted one.

NEURON's ``SaveState`` keeps voltages, STATEs, NetCon weights, detectors, played vectors and the queue of events. It
does not keep

* what else changes in density mechanisms and in point processes without NET_RECEIVE: parameters that others write,
  currents, what a mechanism remembers in ASSIGNED variables;
* how far the random streams are;
* events that call Python: none may be pending.

So all RANGE variables and the positions of all ``RANDOM`` are kept beside it. Recorded vectors, such as those of the
spikes, are no part of the state: the initialisation before a restore empties them, and they fill from there on. Nor are
events that were put into the queue before a restore: SaveState clears it.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.simulators.mechanism_values import mechanisms, random_streams, range_values, set_range_values
from multiscale_run.simulators.mini_streams import advance_mini_streams, next_mini_events

PYTHON_EVENT = b"\nPythonObject\n"
"""What SaveState writes for an event that calls Python."""


def neuron_state(h: Any) -> bytes:
    """This rank's state, taken between two calls of neurodamus' ``solve``: no spike is between ranks then.

    Args:
        h: NEURON's hoc interface.

    Raises:
        RuntimeError: an event that calls Python is pending.
    """
    saved = _saved_by_neuron(h)
    if PYTHON_EVENT in saved:
        raise RuntimeError("NEURON's state cannot be saved while an event that calls Python is pending")
    file = io.BytesIO()
    np.savez(
        file,
        layout=_layout(h),
        saved_by_neuron=np.frombuffer(saved, dtype=np.uint8),
        time=h.t,
        variables=range_values(h),
        streams=np.array([stream.get_seq() for stream in random_streams(h)], dtype=float),
    )
    return file.getvalue()


def restore_neuron_state(h: Any, data: bytes) -> None:
    """Bring a model to a saved state. It must be built as the one that was saved, and just initialised (``stdinit``).

    Args:
        h: NEURON's hoc interface.
        data: what :func:`neuron_state` returned on this rank.

    Raises:
        UserError: the state is that of another model, or of another number of ranks.
    """
    state = np.load(io.BytesIO(data), allow_pickle=False)
    if state["layout"].item() != _layout(h):
        raise UserError(
            "the saved state of NEURON belongs to another model; circuit, mechanisms, inputs and number of ranks must "
            "be those of the run that saved it"
        )
    first_minis = next_mini_events(h)
    _restore_saved_by_neuron(h, state["saved_by_neuron"].tobytes())
    set_range_values(h, state["variables"])  # after SaveState, which plays vectors into the variables they drive
    for stream, position in zip(random_streams(h), state["streams"].tolist(), strict=True):
        stream.set_seq(position)
    advance_mini_streams(h, first_minis)
    h.t = float(state["time"])


def _saved_by_neuron(h: Any) -> bytes:
    """What SaveState keeps; it insists on the solver's own time in ``h.t``, where neurodamus puts the nominal one."""
    nominal, h.t = h.t, h.ParallelContext().t(0)
    saver = h.SaveState()
    saver.save()
    h.t = nominal
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        saver.fwrite(h.File(str(path)))
        return path.read_bytes()


def _restore_saved_by_neuron(h: Any, saved: bytes) -> None:
    saver = h.SaveState()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        path.write_bytes(saved)
        saver.fread(h.File(str(path)))
    saver.restore()


def _layout(h: Any) -> np.bytes_:
    """Lines of text on which two models must agree; SaveState would kill the process where they do not."""
    context = h.ParallelContext()
    lines = [f"rank {context.id():g} of {context.nhost():g}", f"NetCon {len(h.List('NetCon'))}"]
    lines += [f"{mechanism.name} {len(mechanism.owners)} {mechanism.variables}" for mechanism in mechanisms(h)]
    return np.bytes_("\n".join(lines).encode())
