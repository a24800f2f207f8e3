"""Names that only the simulators know: fields, arguments, expressions, species, inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from multiscale_run.config import FieldInfo, check_fields, check_names, load_config
from multiscale_run.config.hints import describe, fits

Write = Callable[..., Path]

AFTER = ("multiscale_run", "connections", "after_metabolism_advance")
PLACE = "simulation_config.json: multiscale_run.connections.after_metabolism_advance"
REPORTS = ("multiscale_run", "reports", "metabolism")

IDX = FieldInfo(readable=True, arguments={"idx": int | str}, required=frozenset({"idx"}))
IDXS = FieldInfo(writable=True, arguments={"idxs": list[int | str]}, required=frozenset({"idxs"}))
REGISTRY = {
    "neurodamus": {
        "get_var": FieldInfo(
            readable=True,
            arguments={"var": str, "weight": Literal["area", "volume"] | None, "windowed": bool},
            required=frozenset({"var"}),
        ),
        "set_var": FieldInfo(writable=True, arguments={"var": str}, required=frozenset({"var"})),
    },
    "metabolism": {
        "get_vm_idx": IDX,
        "get_parameters_idx": IDX,
        "set_vm_idxs": IDXS,
        "set_parameters_idxs": IDXS,
    },
}
SPECIES = ("atp_c_n", "adp_slot_c_n", "na_c_n", "k_e", "glc_c_n", "lac_c_n", "pcr_c_n", "o2_b")
INPUTS = ("ina_density", "ik_density", "mito_scale", "bf_fin", "bf_fout", "bf_vol")


def resolver(names: tuple[str, ...], kind: str) -> Callable[[int | str], int]:
    def resolve(name: int | str) -> int:
        position = names.index(name) if name in names else name
        if not isinstance(position, int) or not 0 <= position < len(names):
            raise KeyError(f"no {kind} {name!r}")
        return position

    return resolve


def test_the_default_configuration_fits(write: Write) -> None:
    config = load_config(write())
    assert check_fields(config, REGISTRY) == []
    assert check_names(config, resolver(SPECIES, "species"), resolver(INPUTS, "input")) == []


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("src_get_func",), "get_vars", '[0].src_get_func = "get_vars": is not a field of neurodamus; did you mean '
         '"get_var"?'),
        (("src_get_func",), "set_var", '[0].src_get_func = "set_var": this field of neurodamus cannot be read'),
        (("dest_set_func",), "zzz", '[0].dest_set_func = "zzz": is not a field of metabolism; allowed: set_vm_idxs, '
         "set_parameters_idxs"),
        (("src_get_kwargs",), {"var": 1}, "[0].src_get_kwargs.var = 1: must be text"),
        (("src_get_kwargs",), {"var": "ina", "weight": "length"},
         '[0].src_get_kwargs.weight = "length": must be "area" or "volume" or null'),
        (("src_get_kwargs",), {"var": "ina", "windowd": True},
         '[0].src_get_kwargs.windowd = true: is not an argument of get_var; did you mean "windowed"?'),
        (("src_get_kwargs",), {}, '[0].src_get_kwargs = {}: needs the argument "var" of get_var'),
        (("dest_set_kwargs",), {"idxs": [0.5, 0]},
         "[0].dest_set_kwargs.idxs = [0.5, 0]: must be a list of a whole number or text"),
    ],
)  # fmt: skip
def test_fields_and_arguments(write: Write, path: tuple[str, ...], value: Any, message: str) -> None:
    changes = {(*AFTER, 0, *path): value, ("multiscale_run", "metabolism", "parameters"): [0, 0, 1, 0.01, 0.01, 0.02]}
    problems = check_fields(load_config(write(changes)), REGISTRY)
    assert message in [str(problem).removeprefix(PLACE) for problem in problems]


def test_reports_are_checked_too(write: Write) -> None:
    config = load_config(write({(*REPORTS, "atp_after_sync", "src_get_func"): "get_vm"}))
    assert [str(problem) for problem in check_fields(config, REGISTRY)] == [
        'simulation_config.json: multiscale_run.reports.metabolism.atp_after_sync.src_get_func = "get_vm": is not a '
        'field of metabolism; did you mean "get_vm_idx"?'
    ]


def test_uses_of_an_unknown_simulator_are_left_to_others(write: Write) -> None:
    config = load_config(write())
    assert check_fields(config, {"neurodamus": REGISTRY["neurodamus"]}) == []


def test_what_is_skipped_is_not_checked(write: Write) -> None:
    """A connection of a simulator that is off may name fields that only its absent adapter would know."""
    reports = {"flow": {"src_get_func": "get_nothing", "file_name": "flow.h5"}}
    skipped = {
        "src_simulator": "bloodflow",
        "src_get_func": "get_nothing",
        "dest_simulator": "metabolism",
        "dest_set_func": "set_nothing",
        "transform_expression": "((",
    }
    changes = {(*AFTER, 0): skipped, ("multiscale_run", "reports", "bloodflow"): reports}
    changes[("multiscale_run", "metabolism", "parameters")] = [0, 0, 1, 0.01, 0.01, 0.02]
    registry = REGISTRY | {"bloodflow": {}}

    def refuse(text: str) -> None:
        raise ValueError("refused")

    config = load_config(write(changes))
    assert {problem.message for problem in check_fields(config, registry, refuse)} == {"refused"}  # that of ADP
    assert len(check_fields(config, registry)) == 0
    on = load_config(write(changes, with_bloodflow=True))
    problems = check_fields(on, {"bloodflow": {}, "metabolism": REGISTRY["metabolism"]})
    assert {problem.key_path.removeprefix("multiscale_run.") for problem in problems} == {
        "connections.after_metabolism_advance[0].src_get_func",
        "connections.after_metabolism_advance[0].dest_set_func",
        "connections.after_metabolism_advance[6].src_get_func",
        "connections.after_metabolism_advance[7].src_get_func",
        "connections.before_bloodflow_advance[0].dest_set_func",
        "reports.bloodflow.flow.src_get_func",
    }


def test_expressions_are_parsed(write: Write) -> None:
    config = load_config(write({(*AFTER, 0, "transform_expression"): "vals * (2"}))

    def parse(text: str) -> object:
        return compile(text, "expression", "eval")

    (problem,) = check_fields(config, REGISTRY, parse)
    assert str(problem).startswith(f"{PLACE}[0].transform_expression = \"vals * (2\": '(' was never closed")


def test_unknown_names_are_found_wherever_they_stand(write: Write) -> None:
    metabolism = ("multiscale_run", "metabolism")
    check = {"name": "x", "response": "exclude_neuron"}
    config = load_config(
        write(
            {
                (*AFTER, 0, "dest_set_kwargs"): {"idxs": ["ina_density", "ina"]},
                (*AFTER, 2, "dest_get_kwargs"): {"idx": 183},
                (*metabolism, "checks", "vm", "8"): check,
                (*metabolism, "checks", "vm", "7"): check,
                (*metabolism, "checks", "parameters", "bf"): check,
                (*metabolism, "network_parameters"): {"glc_art": 4.6, "glc": 1.0},
                (*REPORTS, "ko_after_sync", "src_get_kwargs"): {"idx": "k_o"},
            }
        )
    )
    problems = check_names(
        config, resolver(SPECIES, "species"), resolver(INPUTS, "input"), resolver(("glc_art",), "parameter")
    )
    assert [(problem.key_path.removeprefix("multiscale_run."), problem.message) for problem in problems] == [
        ("metabolism.checks.parameters.bf", "no input 'bf'"),
        ("metabolism.checks.vm.8", "no species 8"),
        ("metabolism.network_parameters.glc", "no parameter 'glc'"),
        ("connections.after_metabolism_advance[0].dest_set_kwargs.idxs[1]", "no input 'ina'"),
        ("connections.after_metabolism_advance[2].dest_get_kwargs.idx", "no species 183"),
        ("reports.metabolism.ko_after_sync.src_get_kwargs.idx", "no species 'k_o'"),
    ]


@pytest.mark.parametrize(
    ("hint", "value", "expected", "words"),
    [
        (bool, 1, False, "true or false"),
        (int, True, False, "a whole number"),
        (float, 3, True, "a number"),
        (float, "3", False, "a number"),
        (list[str], ["a"], True, "a list of text"),
        (int | None, None, True, "a whole number or null"),
        (Literal["a", 1], 1, True, '"a" or 1'),
    ],
)
def test_type_hints_of_arguments(hint: Any, value: Any, expected: bool, words: str) -> None:
    assert fits(value, hint) is expected
    assert describe(hint) == words
