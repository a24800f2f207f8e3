"""Every way of getting a configuration wrong that we know of, and the one line that says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multiscale_run.config import ConfigError, load_config

Write = Callable[..., Path]

M = "multiscale_run"
MET = (M, "metabolism")
AFTER = (M, "connections", "after_metabolism_advance")
REPORT = (M, "reports", "metabolism", "atp_after_sync")
FILE = "simulation_config.json: "
EVENTS = (
    "before_neurodamus_advance, after_neurodamus_advance, before_steps_advance, after_steps_advance, "
    "before_bloodflow_advance, after_bloodflow_advance, before_metabolism_advance, after_metabolism_advance"
)

WRONG: dict[str, tuple[dict[tuple[str | int, ...], Any], str]] = {
    "text for ticks": (
        {(*MET, "ndts"): "abc"},
        'multiscale_run.metabolism.ndts = "abc": must be a whole number of time steps (>= 1)',
    ),
    "no ticks": (
        {(*MET, "ndts"): 0},
        "multiscale_run.metabolism.ndts = 0: must be a whole number of time steps (>= 1)",
    ),
    "broken ticks": (
        {(M, "steps", "ndts"): 10.5},
        "multiscale_run.steps.ndts = 10.5: must be a whole number of time steps (>= 1)",
    ),
    "true is not a number of ticks": (
        {(M, "bloodflow", "ndts"): True},
        "multiscale_run.bloodflow.ndts = true: must be a whole number of time steps (>= 1)",
    ),
    "text for a switch": ({(M, "with_steps"): "no"}, 'multiscale_run.with_steps = "no": must be true or false'),
    "unknown key with a near one": (
        {(*MET, "ndt"): 4000},
        'multiscale_run.metabolism.ndt = 4000: is not a key of this section; did you mean "ndts"?',
    ),
    "unknown key without a near one": (
        {(*MET, "solver_kwargs", "zzz"): 1},
        "multiscale_run.metabolism.solver_kwargs.zzz = 1: is not a key of this section; allowed: reltol, abstol",
    ),
    "unknown section": (
        {(M, "metabolsim"): {}},
        'multiscale_run.metabolsim = {}: is not a key of this section; did you mean "metabolism"?',
    ),
    "section that is a number": ({(*MET,): 3}, "multiscale_run.metabolism = 3: must be an object {...}"),
    "unknown choice": (
        {(*MET, "engine"): "nativ"},
        'multiscale_run.metabolism.engine = "nativ": must be one of "native", "scipy", "julia"; did you mean "native"?',
    ),
    "unknown initial state": (
        {(*MET, "initial_state"): "stedy"},
        'multiscale_run.metabolism.initial_state = "stedy": must be one of "tables", "steady"; did you mean "steady"?',
    ),
    "older format": (
        {(M, "config_format"): 2},
        "multiscale_run.config_format = 2: must be 3, the format of version 0.8 and later; write a new configuration "
        "with `multiscale-run init` and carry your changes over",
    ),
    "newer format": (
        {(M, "config_format"): 4},
        "multiscale_run.config_format = 4: must be 3, the format of version 0.8 and later; "
        "install a newer multiscale-run",
    ),
    "tolerance of zero": (
        {(*MET, "solver_kwargs", "reltol"): 0},
        "multiscale_run.metabolism.solver_kwargs.reltol = 0: must be > 0",
    ),
    "volume fraction above one": (
        {(M, "steps", "extracellular_volume_fraction"): 1.5},
        "multiscale_run.steps.extracellular_volume_fraction = 1.5: must be <= 1",
    ),
    "axis": ({(M, "bloodflow", "vasc_axis"): 3}, "multiscale_run.bloodflow.vasc_axis = 3: must be one of 0, 1, 2"),
    "too few layers": (
        {(*MET, "constants"): {"glycogen_au": [1, 2]}},
        "multiscale_run.metabolism.constants.glycogen_au = [1, 2]: must have 6 values, has 2",
    ),
    "too many inputs": (
        {(*MET, "parameters"): [0] * 7},
        "multiscale_run.metabolism.parameters = [0, 0, 0, 0, 0, 0, 0]: must have 6 values, has 7",
    ),
    "inputs of another kind": (
        {(*MET, "parameters"): 1},
        "multiscale_run.metabolism.parameters = 1: must be a list of 6 numbers (null: from a connection) or an object "
        "by input name",
    ),
    "text among the inputs": (
        {(*MET, "parameters"): [None, None, "x", 0, 0, 0]},
        'multiscale_run.metabolism.parameters[2] = "x": must be a number',
    ),
    "unknown input": (
        {(*MET, "parameters"): {"bf_in": 0.012}},
        'multiscale_run.metabolism.parameters.bf_in = 0.012: is not a name known here; did you mean "bf_fin"?',
    ),
    "open input": (
        {(*MET, "parameters"): [None, None, None, None, 0.01, 0.02]},
        "multiscale_run.metabolism.parameters[3] = null: no active connection sets this input (bf_fin); give a number "
        "or add a connection",
    ),
    "open input by name": (
        {(*MET, "parameters"): {"bf_vol": None}},
        "multiscale_run.metabolism.parameters.bf_vol = null: no active connection sets this input (bf_vol); give a "
        "number or add a connection",
    ),
    "empty band": (
        {(*MET, "checks", "vm", "k_e", "kwargs"): {"lb": 10, "hb": 1}},
        'multiscale_run.metabolism.checks.vm.k_e.kwargs = {"lb": 10, "hb": 1}: no value can satisfy these bounds: '
        "lb < v, leb <= v, v < hb, v <= heb",
    ),
    "unknown response": (
        {(*MET, "checks", "vm", "k_e", "response"): "abort"},
        'multiscale_run.metabolism.checks.vm.k_e.response = "abort": must be one of "exclude_neuron", '
        '"abort_simulation"',
    ),
    "unknown event": (
        {(M, "connections", "after_metabolism_advanced"): []},
        "multiscale_run.connections.after_metabolism_advanced = []: is not an event; did you mean "
        '"after_metabolism_advance"?',
    ),
    "event like no other": (
        {(M, "connections", "x"): []},
        f"multiscale_run.connections.x = []: is not an event; allowed: {EVENTS}",
    ),
    "unknown action": (
        {(*AFTER, 2, "action"): "merged"},
        'multiscale_run.connections.after_metabolism_advance[2].action = "merged": must be one of "set", "sum", '
        '"merge"; did you mean "merge"?',
    ),
    "unknown simulator": (
        {(*AFTER, 0, "src_simulator"): "neuron"},
        'multiscale_run.connections.after_metabolism_advance[0].src_simulator = "neuron": must be one of '
        '"neurodamus", "steps", "bloodflow", "metabolism"; did you mean "neurodamus"?',
    ),
    "connection without a destination": (
        {(*AFTER, 1, "dest_set_func"): ...},
        "multiscale_run.connections.after_metabolism_advance[1].dest_set_func: is missing",
    ),
    "unknown key of a connection": (
        {(*AFTER, 1, "src_get_kwarg"): {}},
        "multiscale_run.connections.after_metabolism_advance[1].src_get_kwarg = {}: is not a key of this section; did "
        'you mean "src_get_kwargs"?',
    ),
    "merge that reads nothing at the destination": (
        {(*AFTER, 2, "dest_get_func"): ..., (*AFTER, 2, "dest_get_kwargs"): ...},
        'multiscale_run.connections.after_metabolism_advance[2].action = "merge": needs dest_get_func, which reads the '
        "destination's value",
    ),
    "merge that does not write back": (
        {(*AFTER, 2, "src_set_func"): ..., (*AFTER, 2, "src_set_kwargs"): ...},
        'multiscale_run.connections.after_metabolism_advance[2].action = "merge": needs src_set_func, which writes the '
        "result to the source too",
    ),
    "set that reads the destination": (
        {(*AFTER, 2, "action"): "set"},
        'multiscale_run.connections.after_metabolism_advance[2].dest_get_func = "get_vm_idx": is only used by action '
        '"merge"; this action is "set"',
    ),
    "arguments of no field": (
        {(*AFTER, 0, "src_set_kwargs"): {"var": "ina"}},
        'multiscale_run.connections.after_metabolism_advance[0].src_set_kwargs = {"var": "ina"}: has no effect without '
        "src_set_func; add it or remove this",
    ),
    "report outside the results": (
        {(*REPORT, "file_name"): "../atp.h5"},
        'multiscale_run.reports.metabolism.atp_after_sync.file_name = "../atp.h5": must be a file below '
        "output.output_dir, without ..",
    ),
    "two reports, one file": (
        {(*REPORT, "file_name"): "./v.h5"},
        'multiscale_run.reports.metabolism.atp_after_sync.file_name = "./v.h5": is also reports.v.file_name; '
        "choose another name",
    ),
    "report over the spikes": (
        {("output", "spikes_file"): "ina.h5"},
        'reports.ina.file_name = "ina.h5": is also output.spikes_file; choose another name',
    ),
    "report at no moment": (
        {(*REPORT, "when"): "after"},
        'multiscale_run.reports.metabolism.atp_after_sync.when = "after": must be one of "before_sync", "after_sync"; '
        'did you mean "after_sync"?',
    ),
    "end between two time steps": (
        {("run", "tstop"): 1000.01},
        "run.tstop = 1000.01: must be a multiple of run.dt = 0.025 ms",
    ),
    "end before the first exchange": (
        {("run", "tstop"): 50.0},
        "run.tstop = 50.0: must be at least 100 ms, the period of metabolism: no exchange would happen (lengthen the "
        "run or lower multiscale_run.metabolism.ndts = 4000)",
    ),
    "negative time step": ({("run", "dt"): -0.025}, "run.dt = -0.025: must be > 0"),
    "no end": ({("run", "tstop"): ...}, "run.tstop: is missing"),
    "frames between time steps": (
        {("reports", "soma_v", "dt"): 0.03},
        "reports.soma_v.dt = 0.03: must be a multiple of run.dt = 0.025 ms",
    ),
    "frames faster than time steps": (
        {("reports", "soma_v", "dt"): 0.0125},
        "reports.soma_v.dt = 0.0125: must be a multiple of run.dt = 0.025 ms",
    ),
    "no section": (
        {(M,): ...},
        "multiscale_run: is missing: this is a plain SONATA configuration; `multiscale-run init` writes one with the "
        "section",
    ),
    "unknown reference": (
        {(M, "mesh_path"): "m.msh", (M, "cache_path"): "${mesh_pth}/cache"},
        'multiscale_run.cache_path = "${mesh_pth}/cache": ${mesh_pth} is not a key of this section or an enclosing '
        'one; did you mean "mesh_path"?',
    ),
    "reference to a section": (
        {(M, "cache_path"): "${preprocessor}"},
        'multiscale_run.cache_path = "${preprocessor}": ${preprocessor} is not a single value',
    ),
}


def problems_of(folder: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(folder)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("case", WRONG)
def test_one_mistake_gives_one_line(case: str, write: Write) -> None:
    changes, message = WRONG[case]
    assert problems_of(write(changes)) == [FILE + message]


def test_every_mistake_is_reported_at_once(write: Write) -> None:
    """Mistakes in types, names, references, times and connections do not hide each other."""
    lines = problems_of(
        write(
            {
                (M, "with_steps"): 1,
                (M, "cache_path"): "${nowhere}",
                (M, "blodflow"): {},
                (*MET, "threads"): 0,
                (*AFTER, 0, "action"): "copy",
                (*AFTER, 2, "action"): "set",
                (*REPORT, "file_name"): "/atp.h5",
                ("run", "tstop"): 0.01,
            }
        )
    )
    assert [line.split(" = ")[0].removeprefix(FILE) for line in lines] == [
        "multiscale_run.cache_path",
        "multiscale_run.with_steps",
        "multiscale_run.connections.after_metabolism_advance[0].action",
        "multiscale_run.metabolism.threads",
        "multiscale_run.blodflow",
        "run.tstop",
        "multiscale_run.connections.after_metabolism_advance[2].dest_get_func",
        "multiscale_run.reports.metabolism.atp_after_sync.file_name",
    ]


def test_problems_can_be_taken_apart(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write({(*MET, "engine"): "scypi"}))
    (problem,) = caught.value.problems
    assert problem.file == "simulation_config.json"
    assert problem.key_path == "multiscale_run.metabolism.engine"
    assert problem.value == "scypi"
    assert problem.suggestion == "scipy"


def test_references_in_a_circle(write: Write) -> None:
    lines = problems_of(write({(M, "cache_path"): "${mesh_path}/a", (M, "mesh_path"): "${cache_path}/b"}))
    assert lines == [
        FILE + 'multiscale_run.cache_path = "${mesh_path}/a": refers to itself: cache_path -> mesh_path -> cache_path',
        FILE + 'multiscale_run.mesh_path = "${cache_path}/b": refers to itself: mesh_path -> cache_path -> mesh_path',
    ]


def test_missing_files_are_named_with_their_place(write: Write) -> None:
    folder = write({("network",): "nowhere.json"})
    assert problems_of(folder) == [FILE + f'network = "nowhere.json": no such file: {folder / "nowhere.json"}']
    folder = write({("node_sets_file",): "sets/none.json"})
    assert problems_of(folder) == [
        FILE + f'node_sets_file = "sets/none.json": no such file: {folder / "sets/none.json"}'
    ]


def test_species_are_needed_where_steps_is_on(write: Write) -> None:
    folder = write({(M, "steps", "Volsys", "species"): {}}, with_steps=True)
    assert problems_of(folder) == [
        FILE + "multiscale_run.steps.Volsys.species = {}: must name at least one species while with_steps is true"
    ]


def test_an_exchange_that_never_fires_does_not_fill_an_input(write: Write) -> None:
    """The connection exists and both its simulators run, but its event belongs to one that is off."""
    folder = write({(M, "connections", "after_steps_advance"): [], (*MET, "parameters"): {"ina_density": 0.0}})
    load_config(folder)
    moved = {"src_simulator": "neurodamus", "src_get_func": "get_var", "src_get_kwargs": {"var": "ina"},
             "dest_simulator": "metabolism", "dest_set_func": "set_parameters_idxs",
             "dest_set_kwargs": {"idxs": ["bf_vol"]}}  # fmt: skip
    with_open = {(*MET, "parameters"): {"bf_vol": None}}
    load_config(write(with_open | {(M, "connections", "before_metabolism_advance"): [moved]}))
    lines = problems_of(write(with_open | {(M, "connections", "after_steps_advance"): [moved]}))
    assert len(lines) == 1
    assert "no active connection sets this input (bf_vol)" in lines[0]
