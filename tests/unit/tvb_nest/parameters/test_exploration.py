"""Explorations with quick stand-ins for the simulation."""

from __future__ import annotations

import csv
import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from mpi_coupling.failure import UserError
from tvb_nest.exploration import (
    Exploration,
    Point,
    axis_of,
    explore,
    in_slurm,
    in_this_machine,
    points_of_grid,
    points_of_table,
    read_record,
    run_program,
    summarise,
)
from tvb_nest.exploration.launching import Launch
from tvb_nest.exploration.program import ProgramFailed, command_of
from tvb_nest.exploration.record import Record, State
from tvb_nest.exploration.summary import _pivot, draw, in_words
from tvb_nest.parameters import read_parameters

G, B = "param_nest_connection.g", "param_nest_topology.param_neuron_excitatory.b"


class StandIn:
    """Writes g * b as the rate; fails for chosen values of g."""

    def __init__(self, failing=()):
        self.failing = set(failing)
        self.seen: list[str] = []

    def __call__(self, folder: Path) -> None:
        self.seen.append(folder.name)
        resolved = read_parameters(folder).resolved
        if resolved.param_nest_connection.g in self.failing:
            raise RuntimeError(f"unstable at g = {resolved.param_nest_connection.g:g}")
        rate = resolved.param_tvb_model.Q_i * resolved.param_nest_topology.param_neuron_excitatory.b
        (folder / "summary.json").write_text(json.dumps({"rate": rate, "comment": "text is left out"}))


@pytest.fixture
def exploration(make, tmp_path):
    def build(*axes: str, document=None) -> Exploration:
        points = points_of_grid(axis_of(text) for text in axes)
        return Exploration(make(document), tmp_path / "results", points)

    return build


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("param_nest_connection.g=3.5,5,10", [3.5, 5, 10]),
        ("param_nest_connection.g=0:0.3:4", [0.0, 0.1, 0.2, 0.3]),
        ("g=1", [1]),
        ("param_co_simulation.id_region_nest=[[1, 2], [3]]", [[1, 2], [3]]),
        ("param_nest_background.poisson=true,false", [True, False]),
        ("param_tvb_nest.compat=corrected,upstream", ["corrected", "upstream"]),
    ],
)
def test_values_of_a_key(text, values):
    assert axis_of(text)[1] == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g", "g: must be KEY=VALUES, such as param_nest_connection.g=3.5,5,10"),
        ("velocty=1", 'velocty: is not a key; did you mean "velocity"?'),
        ("b=1", f"b: there are {B} and {B.replace('excitatory', 'inhibitory')}; write one of them"),
        ("Q_e=1", "param_tvb_model.Q_e: is linked to param_nest_connection.weight_local; vary that instead"),
        ("cluster=true", "param_co_simulation.cluster: cannot be varied; it does not change the simulation"),
        ("result_path=a", "result_path: cannot be varied; it does not change the simulation"),
        ("g=1:2:x", "g=1:2:x: a range must be start:stop:count, two numbers and a whole number"),
        ("g=[1", "g=[1: not a JSON list: Expecting ',' delimiter"),
        ("g=[]", "g=[]: has no values"),
    ],
)
def test_values_that_make_no_sense(text, message):
    with pytest.raises(UserError) as caught:
        axis_of(text)
    assert str(caught.value) == message


def test_folders_are_called_as_the_originals():
    points = points_of_grid([axis_of("g=[1.0, 2.0]"), axis_of("mean_I_ext=[0.0, 50.0]")])
    names = [point.folder_name for point in points]
    assert names[0] == "_g_1.0_mean_I_ext_0.0"
    assert names[1:] == ["_g_1.0_mean_I_ext_50.0", "_g_2.0_mean_I_ext_0.0", "_g_2.0_mean_I_ext_50.0"]
    alike = Point({B: 1, B.replace("excitatory", "inhibitory"): 2})
    assert alike.folder_name == "_param_neuron_excitatory.b_1_param_neuron_inhibitory.b_2"
    assert "/" not in Point({"param_tvb_nest.connectome": "/data/a"}).folder_name


def test_grids_of_any_dimension():
    grid = points_of_grid([axis_of("g=1,2"), axis_of(f"{B}=1,2,3"), axis_of("order=1,2"), axis_of("velocity=3")])
    assert len(grid) == 12
    assert list(grid[1].values.values()) == [1, 1, 2, 3]
    with pytest.raises(UserError, match="is varied twice"):
        points_of_grid([axis_of("g=1"), axis_of("param_nest_connection.g=2")])


def test_points_of_a_table(tmp_path):
    file = tmp_path / "points.csv"
    file.write_text(f"g,{B}\n1,10\n2.5,20\n")
    assert [dict(point.values) for point in points_of_table(file)] == [{G: 1, B: 10}, {G: 2.5, B: 20}]
    file.write_text("g,velocity\n1\n")
    with pytest.raises(UserError, match="line 2 must have 2 values"):
        points_of_table(file)
    file.write_text("g\n")
    with pytest.raises(UserError, match="has no points"):
        points_of_table(file)


def test_every_point_gets_its_parameters_and_what_is_linked(exploration):
    document = {
        "param_tvb_model": {"Q_i": 3.5},
        "param_nest_connection": {"path_weight": "w.npy"},
        "result_path": "old",
    }
    grid = exploration("g=2,4", f"{B}=5", document=document)
    records = explore(grid, run=StandIn())
    assert [record.state for record in records.values()] == [State.FINISHED] * 2
    second = read_parameters(grid.folder / "_g_4_b_5")
    assert second.resolved.param_tvb_model.Q_i == 4.0 and second.resolved.param_tvb_model.b_e == 5.0
    assert second.result_folder == grid.folder / "_g_4_b_5"
    assert second.connectome == grid.base.folder
    assert grid.base.resolved.param_nest_connection.g == 3.5


def test_wrong_values_are_all_named_before_anything_runs(exploration):
    grid, run = exploration('g=1,-1,"fast"'), StandIn()
    with pytest.raises(UserError) as caught:
        explore(grid, run=run)
    assert str(caught.value).splitlines() == [
        "_g_-1: parameter.json: param_nest_connection.g = -1: must be >= 0",
        '_g_fast: parameter.json: param_nest_connection.g = "fast": must be a number',
    ]
    assert run.seen == [] and not grid.folder.exists()
    with pytest.raises(UserError, match="_g_1: two points with this name"):
        explore(exploration("g=1,1"), run=run)


def test_finished_points_are_skipped_and_failed_ones_retried_on_demand(exploration):
    grid = exploration("g=1,2,3")
    first = StandIn(failing=[2])
    records = explore(grid, run=first)
    assert first.seen == ["_g_1", "_g_2", "_g_3"]
    assert records["_g_2"].state == State.FAILED and records["_g_2"].message == "unstable at g = 2"
    again = StandIn()
    assert explore(grid, run=again) == records and again.seen == []
    retried = StandIn()
    records = explore(grid, run=retried, retry=True)
    assert retried.seen == ["_g_2"]
    assert {record.state for record in records.values()} == {State.FINISHED}


def test_more_points_and_points_that_were_interrupted(exploration):
    explore(exploration("g=1,2"), run=StandIn())
    grid = exploration("g=1,2,3")
    record = read_record(grid.folder / "_g_2")
    Record(State.RUNNING, record.fingerprint).write(grid.folder / "_g_2")
    run = StandIn()
    explore(grid, run=run)
    assert run.seen == ["_g_2", "_g_3"]


def test_interruption_leaves_a_state_to_go_on_from(exploration):
    def interrupted(folder: Path) -> None:
        if folder.name == "_g_2":
            raise KeyboardInterrupt
        StandIn()(folder)

    grid = exploration("g=1,2,3")
    with pytest.raises(KeyboardInterrupt):
        explore(grid, run=interrupted)
    assert read_record(grid.folder / "_g_1").state == State.FINISHED
    assert read_record(grid.folder / "_g_2").state == State.RUNNING
    run = StandIn()
    explore(grid, run=run)
    assert "_g_1" not in run.seen and "_g_2" in run.seen


def test_results_of_other_parameters_are_not_mixed_up(exploration):
    grid = exploration("g=1,2")
    explore(grid, run=StandIn())
    other, run = exploration("g=1,2", document={"param_nest": {"master_seed": 47}}), StandIn()
    with pytest.raises(UserError) as caught:
        explore(other, run=run)
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"{grid.folder / '_g_1'}: has results of other parameters; remove it, or explore in another folder"
    )
    assert len(lines) == 2 and run.seen == []


def test_points_run_at_the_same_time(exploration):
    together = threading.Barrier(3, timeout=10)

    def meet(folder: Path) -> None:
        together.wait()

    records = explore(exploration("g=1,2,3"), run=meet, launch=in_this_machine(jobs=3))
    assert {record.state for record in records.values()} == {State.FINISHED}


def test_no_more_points_at_a_time_than_asked_for(exploration):
    running, most, lock = [0], [0], threading.Lock()

    def count(folder: Path) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    explore(exploration("g=1,2,3,4,5,6"), run=count, launch=in_this_machine(jobs=2))
    assert most == [2]


def test_a_job_that_disappears_has_failed(exploration):
    grid = exploration("g=1,2")

    def launch(work, folders):
        work(folders[0])
        yield from folders

    vanishing: Launch = launch
    records = explore(grid, run=StandIn(), launch=vanishing)
    assert records["_g_1"].state == State.FINISHED
    assert records["_g_2"].state == State.FAILED
    assert records["_g_2"].message == "its job ended before it was done; the logs of the job say why"


PROGRAM = """
import json, os, sys
folder = sys.argv[1]
g = json.load(open(folder + "/parameter.json"))["param_nest_connection"]["g"]
print("starting")
if g == 2:
    print("NEST says no", file=sys.stderr)
    sys.exit(3)
json.dump({"rank": int("OMPI_COMM_WORLD_RANK" in os.environ)}, open(folder + "/summary.json", "w"))
"""


def test_program_in_processes_of_its_own(exploration, tmp_path, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    command = command_of(f"{sys.executable} {script}")
    assert command[-1] == "{folder}"
    grid = exploration("g=1,2,3")
    records = explore(grid, run=lambda folder: run_program(folder, command), launch=in_this_machine(jobs=2))
    assert records["_g_2"].message == "exit code 3: starting | NEST says no"
    assert (grid.folder / "_g_1" / "exploration.log").read_text() == "starting\n"
    assert json.loads((grid.folder / "_g_3" / "summary.json").read_text()) == {"rank": 0}


def test_program_that_does_not_exist(tmp_path):
    with pytest.raises(ProgramFailed, match="nowhere: No such file or directory"):
        run_program(tmp_path, ["nowhere", "{folder}"])


def test_summary_of_a_grid(exploration):
    grid = exploration("g=1,2,3", f"{B}=10,20")
    explore(grid, run=StandIn(failing=[2]))
    table, figure = summarise(grid)
    with table.open() as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["folder", G, B, "state", "seconds", "message", "rate"]
    assert [row["rate"] for row in rows] == ["10.0", "20.0", "", "", "30.0", "60.0"]
    assert [row["state"] for row in rows] == ["finished"] * 2 + ["failed"] * 2 + ["finished"] * 2
    assert rows[2]["message"] == "unstable at g = 2"
    assert figure == grid.folder / "rate.png" and figure.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="no point has a result speed; there are: rate"):
        summarise(grid, "speed")


@pytest.mark.parametrize(
    ("results", "drawn"),
    [
        (["wall_seconds_per_second", "rate_excitatory_region_9_Hz", "rate_excitatory_brain_Hz"], 2),
        (["wall_seconds_per_second", "rate_excitatory_region_0_Hz", "rate_excitatory_region_1_Hz"], 1),
        (["wall_seconds_per_second", "mean_S_brain"], 1),
        (["wall_seconds_per_second"], 0),
        (["own", "other"], 0),
    ],
)
def test_the_figure_shows_a_result_of_the_simulation(exploration, results, drawn):
    measure = dict.fromkeys(results, 1.0)
    assert summarise(exploration("g=1,2"), measure=lambda _: measure)[1].stem == results[drawn]


def test_axes_have_units(monkeypatch, tmp_path):
    """Those that the typed models of the parameters declare; a ratio has none."""
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    points = [{B: b, G: g, "param_nest.master_seed": 1} for b in (10, 20) for g in (1, 2)]
    draw(tmp_path / "map.png", points, np.arange(4.0), "rate_excitatory_brain_Hz")
    draw(tmp_path / "curve.png", [{G: 1}, {G: 2}], np.arange(2.0), "rate_excitatory_region_9_Hz")
    (axes, bar), (curve,) = (figure.axes for figure in figures)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("b (pA)", "g")
    assert axes.get_title() == "mean over master_seed"
    assert bar.get_ylabel() == "mean excitatory rate of the brain (Hz)"
    assert (curve.get_xlabel(), curve.get_ylabel()) == ("g", "excitatory rate of region 9 (Hz)")
    assert in_words("wall_seconds_per_second") == "wall time per biological time (s/s)"
    assert in_words("mean_y2_brain") == "mean of y2 over the brain" and in_words("speed") == "speed"


def test_summary_with_a_measure_of_ones_own(exploration):
    grid = exploration("g=1,2")
    explore(grid, run=StandIn())
    assert summarise(grid, "length", measure=lambda folder: {"length": len(folder.name)})[1].is_file()


def test_heat_map_puts_values_where_they_belong():
    points = [{"a": a, "b": b, "c": c} for a in (2, 1) for b in ("x", "y") for c in (0, 1)]
    values = np.array([1.0, 3.0, 5.0, 7.0, 10.0, np.nan, np.nan, np.nan])
    (across, up), means = _pivot(points, values, "a", "b")
    assert (across, up) == ([1, 2], ["x", "y"])
    np.testing.assert_array_equal(means, [[10.0, np.nan], [2.0, 6.0]])


def test_slurm_needs_submitit(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"submitit is not installed; install it with: pip install"):
        in_slurm(tmp_path, {})


def _run_in_a_job(folder: Path) -> None:
    StandIn(failing=[2])(folder)


def test_jobs_of_submitit(exploration):
    grid = exploration("g=1,2,3")
    records = explore(grid, run=_run_in_a_job, launch=in_slurm(grid.folder, {"timeout_min": 1}, cluster="debug"))
    assert [record.state for record in records.values()] == [State.FINISHED, State.FAILED, State.FINISHED]
    with pytest.raises(UserError, match="wrong SLURM option"):
        in_slurm(grid.folder, {"timeout_mni": 1}, cluster="debug")
