"""The files of the original's nest folder: population_GIDs.dat, labels.csv and one table per recorder.

NEST's own ASCII recorders cannot be used window by window: each Prepare opens their files anew and what was in them is
lost. Therefore recorders keep their data in memory, and the same tables are written here.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from tvb_nest.nest_side.devices import Recorder
from tvb_nest.nest_side.exchange import Kernel
from tvb_nest.nest_side.populations import Region

FORMAT_VERSION = 2
"""Of NEST's ASCII recordings."""

HEADER_LINES = 3


def write_populations(file: Path, regions: Sequence[Region], first_id: int) -> None:
    """Write lines "first  last type", counted from 0, last not included; all excitatory populations come first."""
    names = list(dict.fromkeys(name for region in regions for name in region.populations))
    with file.open("w") as table:
        for name in names:
            for region in regions:
                ids = region.populations[name].tolist() if name in region.populations else []
                if ids:
                    table.write(f"{ids[0] - first_id}  {ids[-1] + 1 - first_id} {name}\n")


def write_labels(file: Path, recorders: Sequence[Recorder]) -> None:
    """Write what each recorder's file holds: "spikes" or a Python list of variables."""
    with file.open("w", newline="") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("label", "type of data"))
        rows.writerows((r.label, list(r.variables) if r.variables else "spikes") for r in recorders)


def recorder_files(label: str) -> str:
    """Pattern of the names of a recorder's files; not of those whose label only begins so."""
    return f"{glob.escape(label)}-[0-9]*-[0-9]*.dat"


class RecorderFile:
    """The table of a recorder, ``<label>-<id>-<virtual process>.dat``, sorted by time.

    NEST writes a file per virtual process; here one, number 0, holds the data of all threads.
    """

    def __init__(self, folder: Path, recorder: Recorder, nest_version: str) -> None:
        self._recorder = recorder
        for old in folder.glob(recorder_files(recorder.label)):
            old.unlink()  # of an earlier run, whose recorder had another number
        self.path = folder / f"{recorder.label}-{recorder.node.global_id}-0.dat"
        self._file: TextIO = self.path.open("w")
        header = "\t".join(("sender", "time_ms", *recorder.variables))
        self._file.write(
            f"# NEST version: {nest_version}\n# RecordingBackendASCII version: {FORMAT_VERSION}\n{header}\n"
        )
        self._file.flush()
        self._row = "\t".join(["%d", "%.3f"] + ["%.3f"] * len(recorder.variables)) + "\n"

    def append(self, kernel: Kernel) -> None:
        """Write what the recorder holds."""
        events = kernel.events(self._recorder.node)
        columns = [events[name].tolist() for name in ("senders", "times", *self._recorder.variables)]
        self._file.write("".join(map(self._row.__mod__, zip(*columns, strict=True))))
        # else a full buffer would write it, and the files of an unfinished run would end at different times
        self._file.flush()

    def merge(self, folder: Path) -> None:
        """Write what NEST's own recorders have left in a folder, a file for each of its virtual processes."""
        rows: list[str] = []
        for part in folder.glob(f"{glob.escape(self.path.name.removesuffix('0.dat'))}[0-9]*.dat"):
            rows += part.read_text().splitlines()[HEADER_LINES:]
        rows.sort(key=_sender_and_time)
        self._file.writelines(f"{row}\n" for row in rows)

    def close(self) -> None:
        self._file.close()


def _sender_and_time(row: str) -> tuple[float, int]:
    sender, moment, *_ = row.split("\t")
    return float(moment), int(sender)


class OutputFolder:
    """The nest folder of a result.

    Args:
        folder: made when missing; None writes nothing.
        nest: the module.
        regions: of the network.
        recorders: whose data are written.
    """

    def __init__(
        self, folder: Path | None, nest: Any, regions: Sequence[Region], recorders: Sequence[Recorder]
    ) -> None:
        self._recorders, self._files = recorders, list[RecorderFile]()
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        write_populations(folder / "population_GIDs.dat", regions, min(regions[0].nodes.tolist()))
        write_labels(folder / "labels.csv", recorders)
        self._files = [RecorderFile(folder, recorder, nest.__version__) for recorder in recorders]

    def append(self, kernel: Kernel) -> None:
        """Write what the recorders hold."""
        for file in self._files:
            file.append(kernel)

    def clear(self, kernel: Kernel) -> None:
        """Empty the recorders, also those that nobody writes; only outside Prepare and Cleanup."""
        for recorder in self._recorders:
            kernel.set(recorder.node, [{"n_events": 0}])

    def merge(self, folder: Path) -> None:
        """Write what NEST's own recorders have left in a folder."""
        for file in self._files:
            file.merge(folder)

    def close(self) -> None:
        for file in self._files:
            file.close()
