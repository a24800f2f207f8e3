"""Models of tvb-library by name: the brain is the library's own, mistakes are named, results know their variables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpi_coupling import UserError
from mpi_coupling.settings.problems import ConfigError
from tvb_nest import building
from tvb_nest.brain_connectome import connectome_of
from tvb_nest.checkup import checkup
from tvb_nest.figures import draw_summary
from tvb_nest.parameters import Parameters, parameters_of, write_parameters
from tvb_nest.results import Results

pytest.importorskip("tvb_data")
lab = pytest.importorskip("tvb.simulator.lab")

from tvb_nest.tvb_side import library  # noqa: E402

SPIKING = [9, 47]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Parameters]:
    """Parameters of connectivity_76 with a model; NEST simulates two regions if asked to."""

    def parameters(model: str | None, cosim: bool = False, sections: dict | None = None, **own: Any) -> Parameters:
        mode = {"co-simulation": True, "id_region_nest": SPIKING} if cosim else {"nb_MPI_nest": 0}
        document: dict[str, dict] = {
            "param_co_simulation": mode,
            "param_nest_topology": {"nb_region": 76, "nb_neuron_by_region": 5000},
            "param_nest_connection": {"weight_global": 0.02},
            "param_tvb_nest": {"brain": "reference", "tvb_model": model, **own},
        }
        return parameters_of(document | (sections or {}), tmp_path / "parameter.json")

    return parameters


def brain_of(parameters: Parameters) -> Any:
    return building.make_brain(parameters, connectome_of(parameters), parameters.spiking)


LIKE = {
    "wong-wang": (
        {
            "model": "ReducedWongWang",
            "tvb_model_parameters": {"w": 0.9, "I_o": list(np.linspace(0.28, 0.32, 76))},
            "tvb_integrator": "HeunStochastic",
            "tvb_noise": {"S": 1e-5},
        },
        lambda: lab.models.ReducedWongWang(w=np.array([0.9]), I_o=np.linspace(0.28, 0.32, 76)),
        lambda: lab.coupling.Linear(a=np.array([0.02])),
        lambda: lab.integrators.HeunStochastic(dt=0.1, noise=lab.noise.Additive(nsig=np.array([1e-5]), noise_seed=45)),
    ),
    "jansen-rit": (
        {
            "model": "JansenRit",
            "tvb_coupling": "SigmoidalJansenRit",
            "tvb_coupling_parameters": {"r": 0.5},
            "tvb_integrator": "EulerStochastic",
            "tvb_noise": {"y4": 1e-3},
            "tvb_noise_correlation": 2.0,
        },
        lab.models.JansenRit,
        lambda: lab.coupling.SigmoidalJansenRit(r=np.array([0.5])),
        lambda: lab.integrators.EulerStochastic(
            dt=0.1, noise=lab.noise.Additive(nsig=np.array([0, 0, 0, 0, 1e-3, 0]), ntau=2.0, noise_seed=45)
        ),
    ),
    "oscillator": (
        {
            "model": "Generic2dOscillator",
            "tvb_coupling": "Difference",
            "tvb_integrator": "RungeKutta4thOrderDeterministic",
        },
        lab.models.Generic2dOscillator,
        lab.coupling.Difference,
        lambda: lab.integrators.RungeKutta4thOrderDeterministic(dt=0.1),
    ),
    "zerlaut": (
        {"model": "ZerlautAdaptationFirstOrder", "tvb_model_parameters": {"N_tot": 5000, "b_e": 10}},
        lambda: lab.models.ZerlautAdaptationFirstOrder(N_tot=np.array([5000]), b_e=np.array([10.0])),
        lambda: lab.coupling.Linear(a=np.array([0.02])),
        lambda: lab.integrators.HeunDeterministic(dt=0.1),
    ),
}


@pytest.mark.parametrize("case", LIKE)
def test_the_brain_is_that_of_the_library(make: Callable, case: str) -> None:
    """A simulator made by hand from the same numbers gives the same bits."""
    own, model, coupling, integrator = LIKE[case]
    parameters = make(**own)
    brain, connectome = brain_of(parameters), connectome_of(parameters)
    connectivity = lab.connectivity.Connectivity(
        weights=connectome.weights.copy(),
        tract_lengths=connectome.lengths.copy(),
        centres=connectome.centres.copy(),
        region_labels=np.array(connectome.labels),
        speed=np.array([3.0]),
    )
    horizon = len(brain.simulator.history.buffer)
    simulator = lab.simulator.Simulator(
        model=model(),
        connectivity=connectivity,
        coupling=coupling(),
        integrator=integrator(),
        monitors=[lab.monitors.Raw()],
        initial_conditions=np.repeat(brain.simulator.current_state[None], horizon, axis=0),
    )
    simulator.model.variables_of_interest = tuple(simulator.model.state_variables)
    simulator.configure()
    expected = np.array([sample[0][1][..., 0] for sample in simulator(n_steps=np.int64(40))])
    assert np.array_equal(brain.run(40), expected)


OUT_OF_RANGE = {"SupHopf", "CoombesByrne", "GastSchmidtKnosche_SF", "KIonEx"}
"""At this time step tvb-library itself does not stay within the range of numbers, starting from its own ranges."""


@pytest.mark.parametrize("cosim", [False, True])
@pytest.mark.parametrize("name", sorted(set(library.model_names()) - OUT_OF_RANGE))
def test_every_model(make: Callable, name: str, cosim: bool) -> None:
    parameters = make(name, cosim, **({"tvb_proxy": {"scale": 2.0}} if cosim else {}))
    if name.startswith("ReducedSet"):
        with pytest.raises(ConfigError, match="has several modes"):
            brain_of(parameters)
        return
    brain = brain_of(parameters)
    assert brain.state_variables[brain.rate_variable] == library.model_class(name).state_variables[brain.rate_variable]
    states = brain.run(5)
    if cosim:
        brain.supply(np.full((5, 2), 0.03))
        brain.fill(states, np.full((5, 2), 0.03))
        assert (states[:, brain.rate_variable, SPIKING] == 0.015).all()
    assert np.isfinite(states[:, brain.rate_variable]).all()


def test_where_the_history_begins(make: Callable) -> None:
    """In the model's own ranges, or the user's; by seed_init."""
    parameters = make("WilsonCowan", tvb_initial_condition={"I": [0.3, 0.2]})
    past = brain_of(parameters).simulator.history.buffer[..., 0]
    state = brain_of(parameters).simulator.current_state[..., 0]
    assert (past == past[:1]).all(), "a constant past"
    assert 0 <= state[0].min() < 0.1 and 0.9 < state[0].max() <= 1
    assert 0.2 <= state[1].min() < 0.21 and 0.29 < state[1].max() <= 0.3
    other = make("WilsonCowan", sections={"param_nest": {"master_seed": 9}})
    assert not np.array_equal(brain_of(other).simulator.current_state[0, :, 0], state[0])


def test_the_factor_of_linear_couplings_is_that_of_the_mean_field(make: Callable) -> None:
    assert brain_of(make("ReducedWongWang")).simulator.coupling.a == 0.02
    assert brain_of(make("ReducedWongWang", tvb_coupling="Scaling")).simulator.coupling.a == 0.02
    assert brain_of(make("ReducedWongWang", tvb_coupling_parameters={"a": 0.4})).simulator.coupling.a == 0.4
    assert brain_of(make("ReducedWongWang", tvb_coupling="Sigmoidal")).simulator.coupling.a == 1.0


def test_the_input_of_spiking_regions_is_the_sum_of_rates(make: Callable) -> None:
    """Sources with rate = scale x + offset give a times the weighted sum of these rates, but for other NEST regions."""
    proxy = {"scale": 0.05, "offset": 0.002}
    parameters = make("ReducedWongWang", True, tvb_proxy=proxy, tvb_coupling_parameters={"a": 0.4})
    brain, connectome = brain_of(parameters), connectome_of(parameters)
    rates = 0.05 * brain.simulator.current_state[0, :, 0] + 0.002
    rates[SPIKING] = 0.0
    expected = 0.4 * connectome.weights[SPIKING] @ rates
    np.testing.assert_allclose(brain.coupling_into_proxies(1)[0], expected, rtol=1e-6)
    given = make("ReducedWongWang", True, tvb_proxy=proxy | {"input_scale": 2.0, "input_offset": 0.3})
    plain = make("ReducedWongWang", True, tvb_proxy={"scale": 1.0})
    inputs = [brain_of(each).coupling_into_proxies(1) for each in (given, plain)]
    np.testing.assert_allclose(inputs[0], 2.0 * inputs[1] + 0.3, rtol=1e-12)


PLACE = "parameter.json: param_tvb_nest."
MISTAKES = [
    (
        {"model": "ReducedWongWong"},
        'tvb_model = "ReducedWongWong": is no model of tvb-library; did you mean "ReducedWongWang"?',
    ),
    (
        {"tvb_model_parameters": {"W": 1.0}},
        'tvb_model_parameters.W = 1.0: is no parameter of ReducedWongWang; did you mean "w"?',
    ),
    ({"tvb_model_parameters": {"w": "a"}}, 'tvb_model_parameters.w = "a": must be a finite number, or a list of such'),
    (
        {"tvb_model_parameters": {"w": True}},
        "tvb_model_parameters.w = true: must be a finite number, or a list of such",
    ),
    (
        {"tvb_model_parameters": {"w": [1, 2]}},
        "tvb_model_parameters.w = [1, 2]: must be a number, or 76, one per region",
    ),
    (
        {"model": "ZerlautAdaptationFirstOrder", "tvb_model_parameters": {"N_tot": 1.5}},
        "tvb_model_parameters.N_tot = 1.5: must be whole",
    ),
    (
        {"model": "ZerlautAdaptationFirstOrder", "tvb_model_parameters": {"P_e": 1.0}},
        "tvb_model_parameters.P_e = 1.0: must be 10 numbers",
    ),
    ({"tvb_noise": {"s": 0.0}}, 'tvb_noise.s = 0.0: is no state variable of ReducedWongWang; did you mean "S"?'),
    (
        {"tvb_initial_condition": {"E": [0.0, 1.0]}},
        "tvb_initial_condition.E = [0.0, 1.0]: is no state variable of ReducedWongWang; allowed: S",
    ),
    ({"tvb_coupling": "linear"}, 'tvb_coupling = "linear": is no coupling of tvb-library; did you mean "Linear"?'),
    (
        {"tvb_coupling_parameters": {"A": 1}},
        'tvb_coupling_parameters.A = 1: is no parameter of Linear; did you mean "a"?',
    ),
    (
        {"tvb_coupling": "PreSigmoidal", "tvb_coupling_parameters": {"dynamic": 0}, "cosim": False},
        "tvb_coupling_parameters.dynamic = 0: must be true or false",
    ),
    (
        {"tvb_coupling": "SigmoidalJansenRit", "cosim": False},
        'tvb_coupling = "SigmoidalJansenRit": cannot be the coupling of ReducedWongWang in tvb-library: index 1 is',
    ),
    (
        {"model": "JansenRit", "tvb_proxy": {"variable": "y0", "scale": 1.0}},
        'tvb_proxy.variable = "y0": is no coupling variable of JansenRit; allowed: y1, y2',
    ),
    (
        {"tvb_proxy": {}},
        "tvb_proxy.scale: must be the rate in kHz that 1 of the variable stands for; 1 if it is a rate",
    ),
    (
        {"tvb_coupling": "Sigmoidal"},
        "tvb_proxy.input_scale: must be given with this coupling, which is no weighted sum: the rate in kHz",
    ),
    (
        {"tvb_coupling": "Difference"},
        'tvb_coupling = "Difference": depends on the state of the receiving region, which is not known ahead: NEST\'s',
    ),
    (
        {"model": "KIonEx", "cosim": False},
        'tvb_model = "KIonEx": the state of region 4 left the range of numbers at step 1',
    ),
]


@pytest.mark.parametrize(("own", "message"), MISTAKES, ids=[message.partition(":")[0] for _, message in MISTAKES])
def test_check_finds_mistakes(make: Callable, own: dict, message: str) -> None:
    given = {"model": "ReducedWongWang", "cosim": True, "tvb_proxy": {"scale": 1.0}} | own
    problems = checkup(make(**given)).problems
    assert len(problems) == 1
    assert str(problems[0]).startswith(PLACE + message)


def test_all_mistakes_at_once(make: Callable) -> None:
    own = {"tvb_model_parameters": {"W": 1.0, "w": "a"}, "tvb_coupling": "linear", "tvb_noise": {"s": 0.0}}
    assert len(checkup(make("ReducedWongWang", True, **own)).problems) == 5  # and the scale


def test_monitors_of_few_variables(make: Callable) -> None:
    sections = {"param_tvb_monitor": {"TemporalAverage": True}}
    first = str(checkup(make("ReducedWongWang", sections=sections)).problems[0])
    assert "parameter_TemporalAverage.variables_of_interest[1] = 1: must be a state variable from 0 to 0 (S)" in first


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            {"tvb_noise": {"S": 1e-5}},
            'tvb_integrator = "HeunDeterministic": must be EulerStochastic or HeunStochastic where '
            "param_tvb_nest.tvb_noise is above 0",
        ),
        ({"tvb_noise": {"S": -1.0}}, "tvb_noise.S = -1.0: must be >= 0"),
        ({"tvb_initial_condition": {"S": [1.0]}}, "tvb_initial_condition.S = [1.0]: must have 2 values, has 1"),
        ({"tvb_integrator": "Heun"}, 'tvb_integrator = "Heun": must be one of "EulerDeterministic"'),
    ],
)
def test_mistakes_found_by_reading(make: Callable, own: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make("ReducedWongWang", **own)
    assert str(caught.value).startswith(PLACE + message)


def test_the_library_has_no_noise_like_the_originals(make: Callable) -> None:
    message = 'tvb-library has no such noise: all must be 0 with param_tvb_nest.brain = "reference", or set that key'
    with pytest.raises(ConfigError, match=message):
        make(None)
    make(None, sections={"param_tvb_integrator": {"weights": [0.0] * 7}})
    make("ReducedWongWang")  # its noise is another key


def test_a_run_and_its_results(make: Callable) -> None:
    from mpi_coupling import Groups, Profiler
    from tvb_nest.orchestrator import plan, run

    monitors = {"TemporalAverage": True, "parameter_TemporalAverage": {"variables_of_interest": [4]}}
    own = {"tvb_coupling": "SigmoidalJansenRit", "tvb_proxy": {"variable": "y2"}}
    parameters = make("JansenRit", sections={"param_tvb_monitor": monitors, "end": 30.0}, **own)
    write_parameters(parameters)
    run(parameters, Groups.join(plan(parameters), one_program=True), Profiler())
    results = Results.of(parameters.folder)
    raw = results.monitor("Raw")
    assert list(raw["variable"].values) == ["y0", "y1", "y2", "y3", "y4", "y5"]
    assert raw.attrs["units"] == dict.fromkeys(raw["variable"].values, "")
    mean = results.monitor("TemporalAverage")
    np.testing.assert_allclose(mean.sel(variable="y4")[0], raw.sel(variable="y4")[:10].mean("time"), rtol=1e-12)
    assert results.rate_variable == "y2"
    assert results.summary["mean_y2_brain"] == pytest.approx(float(raw.sel(variable="y2").mean()), rel=1e-12)
    assert "rate_excitatory_brain_Hz" not in results.summary
    draw_summary(results, parameters.folder / "figure.png")
    assert (parameters.folder / "figure.png").stat().st_size > 10_000


def test_a_wrong_value_is_an_error_in_the_library_module() -> None:
    with pytest.raises(UserError, match="must be a number"):
        library.converted(lab.models.ReducedWongWang, "w", [1.0, 2.0], 5)
