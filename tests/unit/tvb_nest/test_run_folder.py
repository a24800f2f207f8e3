"""The folder of a run: what a run that begins removes, one that has nothing left to do, and results without samples."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mpi_coupling import Groups, Profiler
from mpi_coupling.failure import UserError
from mpi_coupling.keeping import CheckpointPlan, Start
from tvb_nest.connectome_import import import_connectome
from tvb_nest.nest_side.devices import Recorder
from tvb_nest.nest_side.output_files import RecorderFile
from tvb_nest.orchestrator import plan, run
from tvb_nest.parameters import Parameters, fingerprint
from tvb_nest.recording import prepare_folder
from tvb_nest.results import Results
from tvb_nest.setup_folder import write_example


@pytest.fixture
def parameters(tmp_path: Path) -> Parameters:
    example = write_example(tmp_path / "brain", "two-regions", regions=[])
    alone = {("param_co_simulation", "co-simulation"): False, ("param_co_simulation", "nb_MPI_nest"): 0}
    monitors = {("param_tvb_monitor", "Raw"): True, ("param_tvb_monitor", "Bold"): True}
    return example.changed({**alone, **monitors, ("param_co_simulation", "id_region_nest"): [], ("end",): 4.0})


def compute(parameters: Parameters, at_end: bool = False, start: Start = Start.ANEW) -> None:
    groups = Groups.join(plan(parameters), one_program=True)
    run(parameters, groups, Profiler(), CheckpointPlan(at_end=at_end), start)


def test_a_run_that_is_resumed_at_its_end_is_finished_again(parameters: Parameters) -> None:
    compute(parameters, at_end=True)
    summary = json.loads((parameters.result_folder / "summary.json").read_text())
    compute(parameters, start=Start.RESUME)
    again = json.loads((parameters.result_folder / "summary.json").read_text())
    assert summary.pop("wall_seconds_per_second") > 0
    assert again == summary
    assert (parameters.result_folder / ".SUCCESS").exists()


def test_a_monitor_without_samples_is_named(parameters: Parameters) -> None:
    compute(parameters)
    results = Results(parameters.result_folder)
    assert np.isfinite(results.monitor("Raw")).all()
    with pytest.raises(UserError, match="the monitor Bold has no sample; its period is longer than the run"):
        results.monitor("Bold")


def test_results_lose_their_mark_before_they_are_removed(
    parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = parameters.result_folder
    (folder / "tvb").mkdir(parents=True)
    (folder / ".SUCCESS").touch()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare_folder(parameters)
    assert (folder / "tvb").exists() and not (folder / ".SUCCESS").exists()


def test_a_recording_is_not_taken_for_one_whose_label_begins_alike(parameters: Parameters) -> None:
    folder = parameters.result_folder / "nest"
    folder.mkdir(parents=True)
    for name, time in (("pop-12-0.dat", 1.0), ("pop-ex-13-0.dat", 2.0)):
        (folder / name).write_text(f"# NEST\nsender\ttime_ms\n1\t{time}\n")
    assert Results(parameters.result_folder).recording("pop")["time_ms"].tolist() == [1.0]


def test_spikes_of_all_recorders_are_on_disk_after_each_window(tmp_path: Path) -> None:
    """Else those who fire more would be ahead in the files of a run that goes on."""
    recorders = [Recorder(label, SimpleNamespace(global_id=k), ()) for k, label in ((12, "pop_ex"), (13, "pop_in"))]
    files = [RecorderFile(tmp_path, recorder, "3.10") for recorder in recorders]
    assert all(len(file.path.read_text().splitlines()) == 3 for file in files), "headers"
    for window, count in enumerate((5, 1)):
        times = np.full(count, 1.5 + window)
        kernel = SimpleNamespace(events=lambda _, times=times: {"senders": times.astype(int), "times": times})
        for file in files:
            file.append(kernel)
        assert {file.path.read_text().splitlines()[-1] for file in files} == {f"{1 + window}\t{1.5 + window:.3f}"}
    for file in files:
        file.close()


def test_a_changed_file_of_the_user_is_another_simulation(parameters: Parameters, tmp_path: Path) -> None:
    connectome = tmp_path / "connectome"
    import_connectome("connectivity_76", connectome)
    own = tmp_path / "network.py"
    own.write_text("def kernel(settings): return settings\n")
    names = {("param_tvb_nest", "connectome"): str(connectome), ("param_tvb_nest", "network_file"): str(own)}
    changed = parameters.changed(names)
    first = fingerprint(changed)
    assert fingerprint(changed.changed({("result_path",): str(tmp_path / "elsewhere")})) == first
    own.write_text("def kernel(settings): return settings | {'print_time': True}\n")
    second = fingerprint(changed)
    with (connectome / "labels.txt").open("a") as labels:
        labels.write("\n")
    assert len({first, second, fingerprint(changed)}) == 3
