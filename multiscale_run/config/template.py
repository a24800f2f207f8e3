"""The simulation_config.json that ``multiscale-run init`` writes: valid SONATA with the ``multiscale_run`` section.

Connections, checks, reports and stimuli are tables in ``defaults/``; keys with the schema's default are taken from it.
"""

from __future__ import annotations

import csv
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from multiscale_run.config.schema import MultiscaleRun, Simulator, events

_TABLES = Path(__file__).with_name("defaults")

WRITTEN_KEYS: dict[str, set[str]] = {
    "neurodamus": {"glial_delay"},
    "metabolism": {"ndts", "engine", "variant", "parameters", "solver_kwargs", "calibrate_resting_demand"},
    "steps": {"ndts", "solver", "conc_factor", "extracellular_volume_fraction", "compname"},
    "bloodflow": {
        "ndts", "solver", "boundary", "blood_viscosity", "base_pressure", "input_v", "max_nb_inputs", "depth_ratio",
        "vasc_axis",
    },
}  # fmt: skip
"""Keys that a new file shows with their defaults, so that users find them."""

POTASSIUM = {"conc_0": 3.0, "diffcst": 7.7e-10, "ncharges": 1}
"""Extracellular potassium: mM, m2/s, elementary charges. The diffusion coefficient is that in water, 1.96e-9, over the
square of the tortuosity of cortex, 1.6 (Sykova and Nicholson 2008, Physiol Rev 88:1277)."""

PHYSIOLOGICAL: dict[str, dict[str, Any]] = {
    "steps": {"extracellular_volume_fraction": 0.2},  # same review
    "bloodflow": {"boundary": "pressures"},
}
"""What new simulations set otherwise than the original, whose choices are the defaults of absent keys."""


def default_config(
    *,
    variant: str = "standard",
    with_metabolism: bool = True,
    with_steps: bool = True,
    with_bloodflow: bool = True,
    circuit_path: Path | str | None = None,
    neuron_population: str = "neurons",
    astrocyte_population: str = "astrocytes",
    tstop: float = 1000.0,
    dt: float = 0.025,
    random_seed: int = 1,
) -> dict[str, Any]:
    """The content of a new simulation_config.json.

    Args:
        variant: variant of the metabolic network: standard, young or aged.
        with_metabolism: simulate metabolism.
        with_steps: simulate the extracellular space.
        with_bloodflow: simulate blood flow.
        circuit_path: circuit_config.json of a circuit that brings its own node sets (All and Neurons among them);
            None: circuit_config.json and node_sets.json in the simulation folder.
        neuron_population: SONATA population of the neurons.
        astrocyte_population: SONATA population of the astrocytes.
        tstop: end of the simulation, ms.
        dt: time step, ms.
        random_seed: seed of every random number.

    Returns:
        A new dictionary, ready to be changed and written as JSON.
    """
    section = MultiscaleRun.model_validate(
        {
            "with_metabolism": with_metabolism,
            "with_steps": with_steps,
            "with_bloodflow": with_bloodflow,
            "msr_version": _version(),
            "preprocessor": {
                "mesh": {"refinement_steps": 0},  # cubes of base_length
                "node_sets": {
                    "neuron_population_name": neuron_population,
                    "astrocyte_population_name": astrocyte_population,
                },
            },
            "metabolism": {"variant": variant},
            **PHYSIOLOGICAL,
        }
    )
    own_circuit = {"network": "circuit_config.json", "node_sets_file": "node_sets.json"}
    return {
        **(own_circuit if circuit_path is None else {"network": str(circuit_path)}),
        "node_set": "All",
        "run": {"tstop": tstop, "dt": dt, "random_seed": random_seed},
        "conditions": {"v_init": -65.0, "celsius": 34.0},
        "output": {"output_dir": "RESULTS", "spikes_file": "out.h5"},
        "inputs": _stimuli(tstop),
        "reports": _neuron_reports(tstop),
        "multiscale_run": _section(section),
    }


def _section(model: MultiscaleRun) -> dict[str, Any]:
    active = model.active_simulators
    top = {"config_format", "msr_version", "with_metabolism", "with_steps", "with_bloodflow", "logging_level"}
    keys: dict[str, Any] = dict.fromkeys([*top, "cache_save", "cache_load", "cache_path", "preprocessor"], True)
    if "steps" in active:
        keys |= {"mesh_path": True, "mesh_scale": True}
    keys |= {name: written for name, written in WRITTEN_KEYS.items() if name in active}
    content = model.model_dump(mode="json", include=keys)
    checks = _toml("checks")
    content["neurodamus"]["checks"] = checks["neurodamus"]
    if "metabolism" in active:
        content["metabolism"]["checks"] = checks["metabolism"]
    if "steps" in active:
        content["steps"]["Volsys"] = {"name": "extra_volsys", "species": {"KK": dict(POTASSIUM)}}
    content["connections"] = _connections(active)
    content["reports"] = {name: reports for name in active if (reports := _simulator_reports(name))}
    return content


def _version() -> str | None:
    try:
        return metadata.version("multiscale-run")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return None


def _connections(active: tuple[Simulator, ...]) -> dict[str, list[dict[str, Any]]]:
    turns = events()
    chosen = {
        event: [c for c in group if {c["src_simulator"], c["dest_simulator"], turns[event]} <= set(active)]
        for event, group in _toml("connections").items()
    }
    return {event: group for event, group in chosen.items() if group}


def _stimuli(tstop: float) -> dict[str, Any]:
    return {name: stimulus | {"duration": tstop} for name, stimulus in _toml("stimuli").items()}


def _neuron_reports(tstop: float) -> dict[str, Any]:
    return {
        row["name"]: {"cells": "Neurons", "start_time": 0.0, "end_time": tstop}
        | {key: value for key, value in row.items() if key not in ("name", "dt")}
        | {"dt": float(row["dt"]), "file_name": f"{row['name']}.h5"}
        for row in _csv("neuron_reports")
    }


def _simulator_reports(simulator: Simulator) -> dict[str, Any]:
    return {
        f"{row['name']}_{when}": {
            "src_get_func": row["field"],
            "src_get_kwargs": {row["argument"]: row["value"]} if row["argument"] else {},
            "unit": row["unit"],
            "file_name": f"{simulator}_{row['name']}_{when}.h5",
            "when": when,
        }
        for row in _csv("simulator_reports")
        for when in row["when"].split()
        if row["simulator"] == simulator
    }


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((_TABLES / f"{name}.toml").read_text(encoding="utf-8"))


def _csv(name: str) -> list[dict[str, str]]:
    with (_TABLES / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
