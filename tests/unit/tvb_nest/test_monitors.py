"""Monitors against The Virtual Brain's on the same data, in any pieces, and with regions that are not known."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mpi_coupling import UserError
from tvb_nest.tvb_side.haemodynamics import RESPONSES
from tvb_nest.tvb_side.monitors import Bold, Monitor, Projection, Raw, Samples, TemporalAverage, region_gain

DT = 0.1
SHAPE = (3, 5)
GAIN = np.random.default_rng(2).normal(size=(4, 5))


def states(n: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(1).random((n, *shape))


def library(name: str, shape: tuple[int, int] = SHAPE, dt: float = DT, **options: Any) -> Any:
    """A monitor of The Virtual Brain, configured for data of this shape."""
    monitors = pytest.importorskip("tvb.simulator.monitors")
    model = SimpleNamespace(variables_of_interest=["x"] * shape[0], number_of_modes=1)
    integrator = SimpleNamespace(dt=dt)
    monitor = getattr(monitors, name)(**options)
    monitor.config_for_sim(SimpleNamespace(model=model, integrator=integrator, number_of_nodes=shape[1]))
    return monitor


def record(monitor: Any, data: np.ndarray) -> Samples:
    """What a monitor of the library gives."""
    given = [monitor.record(step, state[..., None]) for step, state in enumerate(data, 1)]
    samples = [sample for sample in given if sample is not None]
    return Samples(np.array([time for time, _ in samples]), np.array([value[..., 0] for _, value in samples]))


def assert_same(ours: Samples, theirs: Samples, rtol: float = 1e-12) -> None:
    assert len(ours.times) == len(theirs.times) > 0
    np.testing.assert_allclose(ours.times, theirs.times, rtol=1e-14)
    np.testing.assert_allclose(ours.values, theirs.values, rtol=rtol)


def test_raw() -> None:
    data = states(30)
    assert_same(Raw(DT, None, SHAPE).record(data), record(library("Raw"), data))
    assert np.array_equal(Raw(DT, [2, 0], SHAPE).record(data).values, data[:, [2, 0]])


@pytest.mark.parametrize("variables", [None, (1,), (2, 0)])
def test_temporal_average(variables: tuple | None) -> None:
    data = states(75)
    options = {} if variables is None else {"variables_of_interest": np.array(variables)}
    theirs = record(library("TemporalAverage", period=1.0, **options), data)
    assert_same(TemporalAverage(DT, 1.0, SHAPE, variables).record(data), theirs)
    assert len(theirs.times) == 7


@pytest.mark.parametrize("response", RESPONSES)
def test_bold_is_that_of_the_library(response: str) -> None:
    """Longer than the response, so that its stock goes round."""
    equations = pytest.importorskip("tvb.datatypes.equations")
    data = states(6000, (2, 2))
    kernel = getattr(equations, response)()
    theirs = record(library("Bold", (2, 2), dt=2.0, period=500.0, hrf_length=10_000.0, hrf_kernel=kernel), data)
    options = {"period": 500.0, "variables": (0, 1), "response": response, "length": 10_000.0}
    assert np.isfinite(theirs.values).all()
    assert_same(Bold(2.0, (2, 2), **options, tvb_compat=True).record(data), theirs, rtol=1e-9)
    late = Bold(2.0, (2, 2), **options).record(data)
    assert np.abs(late.values - theirs.values).max() < 0.02 * np.ptp(theirs.values)


@pytest.mark.parametrize("response", RESPONSES)
def test_bold_is_a_convolution(response: str) -> None:
    data = states(4000, (1, 2))
    means = data[:, 0].reshape(-1, 2, 2).mean(axis=1)  # of 4 ms
    kernel = RESPONSES[response].kernel(np.arange(1500) * 0.004)
    convolved = np.array([np.convolve(means[:, i], kernel)[: len(means)] for i in range(2)]).T
    expected = RESPONSES[response].gain * (convolved - RESPONSES[response].baseline)
    bold = Bold(2.0, (1, 2), 400.0, response=response, length=6000.0).record(data)
    np.testing.assert_allclose(bold.values[:, 0], expected[99::100], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(bold.times, np.arange(1, 21) * 400.0)


def test_bold_peaks_seconds_after_activity() -> None:
    """An impulse of 4 ms gives the response itself: first rise, peak after a second or two, undershoot."""
    dt, data = 4.0, np.zeros((4000, 1, 1))
    data[0] = 1.0
    bold = Bold(dt, (1, 1), 100.0).record(data)
    signal = (bold.values + 5.6 * 0.02)[:, 0, 0]
    assert 0.5e3 < bold.times[signal.argmax()] < 2e3
    assert signal.min() < 0 < signal.max()


def test_projection_is_gain_times_mean() -> None:
    data = states(90)
    samples = Projection(DT, 2.0, SHAPE, GAIN, variables=(0, 2)).record(data)
    means = data[:80, [0, 2]].reshape(4, 20, 2, 5).mean(axis=1)
    np.testing.assert_allclose(samples.values, np.einsum("sr,mvr->mvs", GAIN, means), rtol=1e-12)
    np.testing.assert_allclose(samples.times, [1.0, 3.0, 5.0, 7.0])


def test_projection_is_that_of_the_library() -> None:
    """The library's EEG without noise, on a cortex of ten vertices."""
    monitors = pytest.importorskip("tvb.simulator.monitors")  # its lab cannot be imported while output is captured
    from tvb.datatypes.projections import ProjectionSurfaceEEG
    from tvb.datatypes.region_mapping import RegionMapping
    from tvb.datatypes.sensors import SensorsEEG

    vertex_gain = np.random.default_rng(4).normal(size=(4, 10))
    mapping = np.repeat(np.arange(5), 2)
    monitor = monitors.EEG(
        period=1.0,
        reference="average",
        variables_of_interest=np.array([1]),
        sensors=SensorsEEG(labels=np.array(list("abcd")), locations=np.ones((4, 3))),
        projection=ProjectionSurfaceEEG(projection_data=vertex_gain.copy()),
        region_mapping=RegionMapping(array_data=mapping),
    )
    monitor.obsnoise = None
    connectivity = SimpleNamespace(
        cortical=np.ones(5, bool), centres=np.zeros((5, 3)), orientations=np.zeros((5, 3)), number_of_regions=5
    )
    model = SimpleNamespace(variables_of_interest=["x"] * 3, number_of_modes=1)
    integrator = SimpleNamespace(dt=DT)
    monitor.config_for_sim(
        SimpleNamespace(model=model, integrator=integrator, number_of_nodes=5, surface=None, connectivity=connectivity)
    )
    data = states(60)
    gain = region_gain(vertex_gain, mapping, 5)
    ours = Projection(DT, 1.0, SHAPE, gain, variables=(1,), reference="average").record(data)
    assert_same(ours, record(monitor, data), rtol=1e-9)


def test_reference_sensor() -> None:
    data = states(10)
    signal = Projection(DT, 1.0, SHAPE, GAIN).record(data).values
    referenced = Projection(DT, 1.0, SHAPE, GAIN, reference=2).record(data).values
    np.testing.assert_allclose(referenced, signal - signal[:, :, 2:3], atol=1e-14)


MAKERS = {
    "raw": lambda: Raw(DT, None, SHAPE),
    "mean": lambda: TemporalAverage(DT, 1.0, SHAPE),
    "eeg": lambda: Projection(DT, 0.7, SHAPE, GAIN, reference="average"),
    "bold": lambda: Bold(DT, SHAPE, 9.0, length=40.0),
}


@pytest.mark.parametrize("name", MAKERS)
def test_pieces_and_checkpoints_do_not_matter(name: str) -> None:
    data = states(400)
    whole = MAKERS[name]().record(data)
    monitor, pieces = MAKERS[name](), []
    for piece in np.split(data, [1, 8, 95, 96, 350]):
        saved = {key: array.copy() for key, array in monitor.state().items()}
        monitor.record(data[:13])  # what is undone
        monitor = MAKERS[name]()
        monitor.restore(saved)
        pieces.append(monitor.record(piece))
    for k, expected in enumerate(whole):
        assert np.array_equal(np.concatenate([piece[k] for piece in pieces]), expected)


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_not_known_stays_unknown_and_alone(name: str) -> None:
    """Region 3 is a proxy: its rate is known, its other variables are not."""
    data = states(400)
    known = MAKERS[name]().record(data).values
    data[:, 1:, 3] = np.nan
    values = MAKERS[name]().record(data).values
    if values.shape[1:] == SHAPE:
        assert np.isnan(values[:, 1:, 3]).all()
        values[:, 1:, 3] = known[:, 1:, 3]
    assert np.array_equal(values, known)


def test_only_sensors_that_see_an_unknown_region_are_unknown() -> None:
    gain = GAIN.copy()
    gain[[0, 2], 3] = 0.0
    data = states(10)
    known = Projection(DT, 1.0, SHAPE, gain, variables=(1,)).record(data).values
    data[4, 1, 3] = np.nan
    values = Projection(DT, 1.0, SHAPE, gain, variables=(1,)).record(data).values
    assert np.isnan(values[:, :, [1, 3]]).all()
    assert np.array_equal(values[:, :, [0, 2]], known[:, :, [0, 2]])


def test_nothing_to_give_yet_has_the_right_shape() -> None:
    assert Projection(DT, 1.0, SHAPE, GAIN, (0, 1)).record(states(3)).values.shape == (0, 2, 4)
    assert Bold(DT, SHAPE).record(states(3)).values.shape == (0, 1, 5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Raw(DT, [3], SHAPE), "must be some of 0 to 2"),
        (lambda: TemporalAverage(DT, 0.25, SHAPE), "period of a monitor = 0.25 ms is not a multiple"),
        (lambda: TemporalAverage(DT, 0.0, SHAPE), "at least the time step"),
        (lambda: Bold(DT, SHAPE, response="box"), "must be one of FirstOrderVolterra"),
        (lambda: Projection(DT, 1.0, SHAPE, GAIN.T), r"gain has shape \(5, 4\), must be \(sensors, 5\)"),
        (lambda: Projection(DT, 1.0, SHAPE, np.where(GAIN < -1, np.nan, GAIN)), r"not finite for sensors \["),
        (lambda: Projection(DT, 1.0, SHAPE, GAIN, reference=4), "must be average or a sensor, 0 to 3"),
        (lambda: region_gain(GAIN, np.zeros(3, int), 5), "mapping of 3 vertices"),
        (lambda: region_gain(GAIN, np.full(5, 9), 5), "regions other than 0 to 4"),
    ],
)
def test_mistakes_are_named(make: Callable[[], Monitor], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
