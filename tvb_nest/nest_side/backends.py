"""The other end of NEST's backends `mpi`: takes the spikes of its recorder, gives the times of its spike generators.

The messages are those of NEST 3.10 (recording_backend_mpi.cpp and stimulation_backend_mpi.cpp); every NEST process
talks to us over one intercommunicator for each backend. In every step NEST serves its recording backends first.

========  =============================================  =============================================================
when      recorder                                       generators
========  =============================================  =============================================================
prepare   connects                                       connects
begin     flag, tag 0                                    flag, tag 0; number k of devices; their ids;
                                                         gets k + 1 sizes (the first is the sum), then the times,
                                                         tagged with the first id
end       gets a flag, tag 0; sends number of values,    flag, tag 1
          then (recorder, neuron, ms) of each spike;
          flag, tag 1
cleanup   flag, tag 2; disconnects                       flag, tag 2; disconnects
========  =============================================  =============================================================

To disconnect is collective: whoever waits for the generators' tag 2 before it disconnects the recorder waits for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.workers import Workers
from tvb_nest.nest_side.exchange import Train

if TYPE_CHECKING:
    from mpi4py import MPI

BEGIN, FINISHED, LEAVING = 0, 1, 2
"""Tags."""

VALUES = 3
"""Of each spike: recorder, neuron, time."""


class Port:
    """A port and what NEST's processes send through it.

    Args:
        workers: the processes.

    Attributes:
        address: for NEST's `mpi_address`.
    """

    def __init__(self, workers: Workers) -> None:
        from mpi4py import MPI

        self._mpi, self._workers = MPI, workers
        self.address: str = MPI.Open_port()
        self._comm: MPI.Intercomm = MPI.COMM_NULL  # type: ignore[assignment]

    def accept(self) -> None:
        """Let NEST connect."""
        self._comm = self._mpi.COMM_SELF.Accept(self.address)
        self._mpi.Close_port(self.address)

    def begin(self) -> None:
        """Serve the begin of a window."""
        self.take_flags(BEGIN)

    def end(self) -> None:
        """Serve the end of a window."""
        self.take_flags(FINISHED)

    def leave(self) -> None:
        """Take leave of NEST, which disconnects now."""
        self.take_flags(LEAVING)
        self._comm.Disconnect()

    def take_flags(self, tag: int) -> None:
        """Wait for a flag of every process."""
        for rank in range(self._workers.count):
            self.receive(np.empty(1, dtype=np.bool_), self._mpi.CXX_BOOL, rank, tag)

    def receive(self, room: NDArray[Any], kind: MPI.Datatype, rank: int, tag: int) -> NDArray[Any]:
        """Wait for a message that fills `room`."""
        self._workers.wait(self._comm.Irecv([room, len(room), kind], rank, tag))
        return room

    def number(self, rank: int) -> int:
        """A number that a process sends."""
        return int(self.receive(np.empty(1, dtype=np.intc), self._mpi.INT, rank, BEGIN)[0])

    def send(self, values: NDArray[Any], kind: MPI.Datatype, rank: int, tag: int) -> None:
        """Send a message."""
        self._workers.wait(self._comm.Isend([values, len(values), kind], rank, tag))


class RecorderPort(Port):
    """Takes spikes.

    Attributes:
        spikes: times (ms) and NEST's ids of those of the last window, sorted by both.
    """

    spikes: tuple[NDArray[np.float64], NDArray[np.int64]]

    def end(self) -> None:
        """Take the spikes."""
        parts = []
        for rank in range(self._workers.count):
            self.send(np.ones(1, dtype=np.bool_), self._mpi.CXX_BOOL, rank, BEGIN)
            room = np.empty(self.number(rank))
            parts.append(self.receive(room, self._mpi.DOUBLE, rank, BEGIN).reshape(-1, VALUES))
        super().end()
        events = np.concatenate(parts)
        times, ids = events[:, 2], events[:, 1].astype(np.int64)
        order = np.lexsort((ids, times))
        self.spikes = times[order], ids[order]


class GeneratorPort(Port):
    """Gives spike times to generators, one for each neuron."""

    def serve(self, first_id: int, sizes: Sequence[int]) -> None:
        """Tell which generators there are.

        Args:
            first_id: NEST's id of the first; the others follow.
            sizes: neurons per region.
        """
        self._first_id = first_id
        self._total = sum(sizes)
        self._firsts = (np.cumsum(sizes) - sizes).tolist()
        self.put([(np.empty(0, dtype=np.int64), np.empty(0))] * len(sizes))

    def put(self, trains: Sequence[Train]) -> None:
        """Keep the spikes of the next window, of each region, sorted by neuron and time."""
        neurons = np.concatenate([first + of for first, (of, _) in zip(self._firsts, trains, strict=True)])
        self._times = np.concatenate([times for _, times in trains])
        self._counts = np.bincount(neurons, minlength=self._total)
        self._starts = np.cumsum(self._counts) - self._counts

    def begin(self) -> None:
        """Give every process the spikes of its generators."""
        super().begin()
        for rank in range(self._workers.count):
            self._give(rank)
        self._counts[:] = 0  # given once, also when nothing is put for the next window

    def _give(self, rank: int) -> None:
        count = self.number(rank)
        if not count:
            return
        ids = self.receive(np.empty(count, dtype=np.intc), self._mpi.INT, rank, BEGIN)
        counts = self._counts[ids - self._first_id]
        sizes = np.concatenate([[counts.sum()], counts]).astype(np.intc)
        # where the times of a generator are, less where they go to
        shift = self._starts[ids - self._first_id] - (np.cumsum(counts) - counts)
        times = self._times[np.repeat(shift, counts) + np.arange(sizes[0])]
        self.send(sizes, self._mpi.INT, rank, int(ids[0]))
        self.send(times, self._mpi.DOUBLE, rank, int(ids[0]))
