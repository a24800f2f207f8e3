"""What a run reads from a configuration that is in order: values, periods, notes, the view for expressions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from multiscale_run.config import ConfigView, load_config
from multiscale_run.config.cross_checks.limits import _is_empty
from multiscale_run.config.schema import DEFAULT_INPUTS, Bounds, Section

Write = Callable[..., Path]

M = "multiscale_run"


def notes_of(folder: Path) -> list[str]:
    return [str(note) for note in load_config(folder).notes]


def test_every_key_is_described() -> None:
    """The configuration reference is generated from these."""

    keys = [
        (section, name, field) for section in Section.__subclasses__() for name, field in section.model_fields.items()
    ]
    assert len(keys) > 70
    for section, name, field in keys:
        extra = field.json_schema_extra
        assert field.description, f"{section.__name__}.{name}"
        assert isinstance(extra, dict) and "unit" in extra, f"{section.__name__}.{name}"


@pytest.mark.parametrize(
    ("options", "ndts", "expected"),
    [
        ({}, None, {"neurodamus": 4000, "metabolism": 4000}),
        ({"with_steps": True}, None, {"neurodamus": 1000, "steps": 1000, "metabolism": 4000}),
        ({"with_bloodflow": True}, 600, {"neurodamus": 200, "bloodflow": 4000, "metabolism": 4000}),
        ({"with_metabolism": False}, None, {"neurodamus": 10_000}),
        ({"with_metabolism": False}, 30, {"neurodamus": 30}),
    ],
)
def test_the_neurons_stop_for_every_exchange(
    write: Write, options: dict[str, bool], ndts: int | None, expected: dict[str, int]
) -> None:
    config = load_config(write({(M, "ndts"): ndts}, **options))
    assert config.periods() == expected
    assert config.active_simulators == tuple(expected)


def test_a_slower_simulator_is_kept_and_noted(write: Write) -> None:
    folder = write({(M, "bloodflow", "ndts"): 8000}, with_bloodflow=True)
    assert load_config(folder).periods()["bloodflow"] == 8000
    assert notes_of(folder) == [
        "multiscale_run.bloodflow.ndts: bloodflow advances every 8000 time steps, less often than metabolism (4000), "
        "which uses its last values in between"
    ]


def test_a_global_ndts_that_does_not_divide_is_noted(write: Write) -> None:
    assert notes_of(write({(M, "ndts"): 600})) == [
        "multiscale_run.ndts: neurons stop every 200 time steps, the greatest common divisor of this and the other "
        "periods"
    ]


def test_time_without_exchange_at_the_end_is_noted(write: Write) -> None:
    assert notes_of(write({("run", "tstop"): 1050.0})) == [
        "multiscale_run.metabolism.ndts: the last 50 ms of the run are after the last turn of metabolism"
    ]


def test_the_default_configuration_needs_no_note(write: Write) -> None:
    assert notes_of(write(with_steps=True, with_bloodflow=True)) == []


def test_inputs_may_be_named(write: Write) -> None:
    config = load_config(write({(M, "metabolism", "parameters"): {"bf_fin": 0.01, "mito_scale": None}}))
    assert config.multiscale_run.metabolism.inputs == DEFAULT_INPUTS | {"bf_fin": 0.01, "mito_scale": None}


def test_a_whole_number_with_a_point_counts_as_ticks(write: Write) -> None:
    assert load_config(write({(M, "metabolism", "ndts"): 4e3})).multiscale_run.metabolism.ndts == 4000


def test_keys_without_effect_are_listed(write: Write) -> None:
    config = load_config(write({(M, "bloodflow"): {"edge_scale": 2.0}, (M, "metabolism", "model"): {"x": "${y}"}}))
    assert [str(row.note) for row in config.ignored_keys] == [
        "multiscale_run.metabolism.model: has no effect: the network is chosen by metabolism.variant; its values by "
        "metabolism.network_parameters",
        "multiscale_run.bloodflow.edge_scale: has no effect: never read by the flow solver",
    ]


def test_the_view_has_defaults_and_sonata_and_is_read_only(write: Write) -> None:
    view = load_config(write({(M, "steps", "conc_factor"): 1e-9})).attribute_view()
    assert view.multiscale_run.steps.conc_factor == 1e-9
    assert view.multiscale_run.metabolism.constants.ATDPtot_n == 1.4449961078157665
    assert view.multiscale_run.metabolism.constants.glycogen_au[-1] == 75.0
    assert view.run.dt == 0.025
    assert type(view.multiscale_run.steps) is type(view) is ConfigView
    with pytest.raises(AttributeError, match="read-only"):
        view.run.dt = 1.0
    with pytest.raises(
        AttributeError, match=r"config\.multiscale_run\.steps has no key 'conc_fact'; it has conc_factor, "
    ):
        _ = view.multiscale_run.steps.conc_fact


@pytest.mark.parametrize(
    ("bounds", "empty"),
    [
        ({}, False),
        ({"lb": 1, "hb": 2}, False),
        ({"lb": 1, "hb": 1}, True),
        ({"leb": 1, "heb": 1}, False),
        ({"leb": 1, "hb": 1}, True),
        ({"lb": 1, "heb": 1}, True),
        ({"leb": 2, "heb": 1}, True),
        ({"lb": 0, "leb": 1, "heb": 1, "hb": 2}, False),
    ],
)
def test_bands_that_no_value_satisfies(bounds: dict[str, float], empty: bool) -> None:
    assert _is_empty(Bounds(**bounds)) is empty
