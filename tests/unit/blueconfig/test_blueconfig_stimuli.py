"""Stimuli: every pattern as libsonata reads what it becomes, and how they are injected."""

import math

import pytest

from mpi_coupling.settings.problems import ConfigError
from multiscale_run.blueconfig import Outcome
from multiscale_run.blueconfig.tables import patterns

SHOT = "RiseTime 0.4\nDecayTime 4\nReversal 10\nDt 0.5\nSeed 230522"
SHOT_READ = {"rise_time": 0.4, "decay_time": 4, "reversal": 10, "dt": 0.5, "random_seed": 230522}
PROCESS = "Tau 2.8\nReversal 10\nDt 0.5\nSeed 7"
PROCESS_READ = {"tau": 2.8, "reversal": 10, "dt": 0.5, "random_seed": 7}

CASES = [
    ("Linear", "Current", "current_clamp", "AmpStart 0.1\nAmpEnd -0.2", {"amp_start": 0.1, "amp_end": -0.2}),
    ("Linear", "Current", "current_clamp", "AmpStart 0.1", {"amp_start": 0.1, "amp_end": 0.1}),
    (
        "RelativeLinear",
        "Current",
        "current_clamp",
        "PercentStart 80\nPercentEnd 120.5",
        {"percent_start": 80, "percent_end": 120.5},
    ),
    (
        "Pulse",
        "Current",
        "current_clamp",
        "AmpStart 1.5\nWidth 1\nFrequency 80",
        {"amp_start": 1.5, "width": 1, "frequency": 80},
    ),
    (
        "Sinusoidal",
        "Current",
        "current_clamp",
        "AmpStart 0.2\nFrequency 8\nDt 0.05",
        {"amp_start": 0.2, "frequency": 8, "dt": 0.05},
    ),
    ("SubThreshold", "Current", "current_clamp", "PercentLess -20", {"percent_less": -20}),
    ("Hyperpolarizing", "Current", "current_clamp", "", {}),
    ("Noise", "Current", "current_clamp", "MeanPercent 78\nVariance 0.1", {"mean_percent": 78, "variance": 0.1}),
    ("Noise", "Current", "current_clamp", "Mean 0.05\nVariance 0.01", {"mean": 0.05, "variance": 0.01}),
    (
        "ShotNoise",
        "Current",
        "current_clamp",
        f"{SHOT}\nRate 2000\nAmpMean 0.04\nAmpVar 0.0016",
        {**SHOT_READ, "rate": 2000, "amp_mean": 0.04, "amp_var": 0.0016},
    ),
    (
        "RelativeShotNoise",
        "Conductance",
        "conductance",
        f"{SHOT}\nMeanPercent 70\nSDPercent 40\nRelativeSkew 0.1",
        {**SHOT_READ, "mean_percent": 70, "sd_percent": 40, "relative_skew": 0.1},
    ),
    (
        "AbsoluteShotNoise",
        "Conductance",
        "conductance",
        f"{SHOT}\nMean 50\nSigma 5\nAmpCV 0.5",
        {**SHOT_READ, "mean": 50, "sigma": 5, "relative_skew": 0.2},
    ),
    (
        "OrnsteinUhlenbeck",
        "Conductance",
        "conductance",
        f"{PROCESS}\nMean 0.001\nSigma 0.002",
        {**PROCESS_READ, "mean": 0.001, "sigma": 0.002},
    ),
    (
        "RelativeOrnsteinUhlenbeck",
        "Current",
        "current_clamp",
        f"{PROCESS}\nMeanPercent 20\nSDPercent 10",
        {**PROCESS_READ, "mean_percent": 20, "sd_percent": 10},
    ),
    ("SEClamp", "Voltage", "voltage_clamp", "Voltage -70\nRS 0.1", {"voltage": -70, "series_resistance": 0.1}),
    ("SEClamp", "Current", "voltage_clamp", "Voltage -70", {"voltage": -70, "series_resistance": 0.01}),
]


def stimulus(pattern, mode="Current", keys="", name="s"):
    return f"Stimulus {name}\n{{\nPattern {pattern}\nMode {mode}\nDelay 20\nDuration 30.5\n{keys}\n}}\n"


def inject(name="s", target="Mosaic", block="i"):
    return f"StimulusInject {block}\n{{\nStimulus {name}\nTarget {target}\n}}\n"


@pytest.mark.parametrize(("pattern", "mode", "input_type", "keys", "expected"), CASES)
def test_pattern(folder, pattern, mode, input_type, keys, expected):
    conversion = folder.convert(stimulus(pattern, mode, keys) + inject())
    clamp = pattern == "SEClamp"
    assert [e.key for e in conversion.with_outcome(Outcome.LOST)] == (["Delay"] if clamp else [])
    read = folder.read_back(conversion).input("i")
    modules = {row.name: row.module for row in patterns()}
    assert (read.module.name, read.input_type.name) == (modules[pattern], input_type)
    assert (read.delay, read.duration, read.node_set) == (0 if clamp else 20, 30.5, "Mosaic")
    assert {key: getattr(read, key) for key in expected} == pytest.approx(expected)


def test_every_pattern_is_tested():
    convertible = {pattern.name for pattern in patterns() if pattern.module}
    assert convertible - {case[0] for case in CASES} == {"SynapseReplay"}


def test_names_in_any_case(folder):
    conversion = folder.convert(stimulus("Subthreshold", "current", "percentless 10") + inject())
    assert folder.read_back(conversion).input("i").percent_less == 10


def test_replay_of_a_sonata_file(folder):
    conversion = folder.convert(stimulus("SynapseReplay", keys="SpikeFile replay/in.h5") + inject())
    read = folder.read_back(conversion).input("i")
    assert (read.module.name, read.input_type.name) == ("synapse_replay", "spikes")
    assert read.spike_file == str(folder.path / "replay" / "in.h5")


def test_replay_of_a_text_file_needs_its_sonata_twin(folder, entry):
    text = stimulus("SynapseReplay", keys="SpikeFile in.dat") + inject()
    conversion = folder.convert(text)
    assert "inputs" not in conversion.document
    assert "convert the spikes to in.h5" in entry(conversion, "Stimulus s", "SpikeFile").note
    assert entry(conversion, "StimulusInject i").outcome is Outcome.LOST
    (folder.path / "in.h5").touch()
    assert folder.convert(text).document["inputs"]["i"]["spike_file"] == "in.h5"


def test_source_of_a_replay_is_listed(folder, entry):
    text = stimulus("SynapseReplay", keys="SpikeFile in.h5") + inject().replace("Target", "Source VPM\nTarget")
    assert entry(folder.convert(text), "StimulusInject i", "Source").outcome is Outcome.LOST


def test_a_stimulus_injected_twice_is_two_inputs(folder):
    text = stimulus("Linear", keys="AmpStart 1") + inject(block="a") + inject(target="Layer5", block="b")
    read = folder.read_back(folder.convert(text))
    assert read.list_input_names == ["a", "b"]
    assert [(read.input(n).node_set, read.input(n).amp_start) for n in "ab"] == [("Mosaic", 1), ("Layer5", 1)]


def test_injections_of_one_name_are_told_apart(folder, entry):
    text = stimulus("Linear", keys="AmpStart 1") + inject() + inject(target="Layer5") + inject(block="i_2")
    conversion = folder.convert(text)
    assert {name: i["node_set"] for name, i in conversion.document["inputs"].items()} == {
        "i": "Mosaic",
        "i_3": "Layer5",
        "i_2": "Mosaic",
    }
    assert "is called i_3" in entry(conversion, "StimulusInject i").note


def test_the_last_stimulus_of_a_name_counts(folder, entry):
    text = stimulus("Linear", keys="AmpStart 1") + stimulus("Linear", keys="AmpStart 2") + inject()
    conversion = folder.convert(text)
    assert conversion.document["inputs"]["i"]["amp_start"] == 2
    assert "replaced by the stimulus of this name in line" in entry(conversion, "Stimulus s").note


def test_a_stimulus_without_injection(folder, entry):
    conversion = folder.convert(stimulus("Linear", keys="AmpStart 1"))
    assert "inputs" not in conversion.document
    assert entry(conversion, "Stimulus s").note == "no StimulusInject uses it"


@pytest.mark.parametrize("pattern", [row.name for row in patterns() if not row.module])
def test_patterns_that_sonata_lacks_are_listed(folder, entry, pattern):
    conversion = folder.convert(stimulus(pattern, keys="Lambda 1\nNumOfSynapses 3") + inject())
    assert "inputs" not in conversion.document
    assert "SONATA" in entry(conversion, "Stimulus s", "Pattern").note
    assert entry(conversion, "StimulusInject i").note == "Stimulus s is not converted"


def test_a_mode_that_sonata_lacks_is_listed(folder, entry):
    conversion = folder.convert(stimulus("Linear", "Conductance", "AmpStart 1") + inject())
    assert "inputs" not in conversion.document
    assert entry(conversion, "Stimulus s", "Mode").note == "SONATA has linear with mode Current only"


@pytest.mark.parametrize(
    ("keys", "key", "outcome", "note"),
    [
        ("AmpEnd 2", "AmpEnd", Outcome.NEEDLESS, "has no meaning with Pattern Pulse"),
        ("Offset 3", "Offset", Outcome.LOST, "does not scatter"),
        ("Offset 0", "Offset", Outcome.NEEDLESS, "0 switches it off"),
        ("Widht 3", "Widht", Outcome.LOST, "not a known key of Stimulus; did you mean Width?"),
        ("Electrode e", "Electrode", Outcome.LOST, "no electrodes"),
    ],
)
def test_no_key_is_dropped_in_silence(folder, entry, keys, key, outcome, note):
    conversion = folder.convert(stimulus("Pulse", keys=f"AmpStart 1\nWidth 1\nFrequency 10\n{keys}") + inject())
    found = entry(conversion, "Stimulus s", key)
    assert found.outcome is outcome and note in found.note


def test_amplitude_variation_becomes_skewness(folder):
    """The shots that neurodamus derives from the skewness have the coefficient of variation that was asked for.

    Expectations: cumulants of filtered Poisson shots (Rice 1944) with gamma-distributed amplitudes of shape k and
    scale theta: lambda2/lambda1 holds (1 + k) theta, lambda3/lambda2 holds (2 + k) theta.
    """
    for variation in (0.1, 0.63, 1.0, 2.5):
        keys = f"RiseTime 0.4\nDecayTime 4\nMean 1\nSigma 1\nAmpCV {variation}"
        read = folder.read_back(folder.convert(stimulus("AbsoluteShotNoise", keys=keys) + inject())).input("i")
        # third over second cumulant, relative to its least value, is 1 + relative_skew
        first, second = 1.0, 1.0 + read.relative_skew
        mean = 2 * first - second
        variance = mean * (second - first)
        assert math.sqrt(variance) / mean == pytest.approx(variation, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (stimulus("Lineal", keys="AmpStart 1") + inject(), 'Stimulus s: Pattern = "Lineal": must be one of Linear,'),
        (stimulus("Linear") + inject(), "Stimulus s: needs AmpStart"),
        (stimulus("Linear", keys="AmpStart much") + inject(), 'AmpStart = "much": must be a number'),
        (stimulus("Linear", keys="AmpStart nan") + inject(), 'AmpStart = "nan": must be a finite number'),
        (stimulus("Linear", keys="AmpStart") + inject(), "has no value; give one or take the key out"),
        (stimulus("Linear", "Curent", "AmpStart 1") + inject(), "must be one of Current, Conductance, Voltage"),
        (stimulus("Noise", keys="Variance 1") + inject(), "Stimulus s: needs Mean or MeanPercent"),
        (
            stimulus("Noise", keys="Variance 1\nMean 1\nMeanPercent 1") + inject(),
            "give Mean or MeanPercent, not both",
        ),
        (stimulus("Hyperpolarizing") + inject("t"), 'Stimulus = "t": no Stimulus has this name; there are: '),
        ("StimulusInject i\n{\nTarget Mosaic\n}\n", "line 9: StimulusInject i: needs Stimulus"),
        (stimulus("SynapseReplay") + inject(), "needs SpikeFile"),
        (
            stimulus("ShotNoise", keys="RiseTime 1\nDecayTime 2\nRate 1\nAmpMean 1\nAmpVar 1\nSeed 1.5") + inject(),
            'Seed = "1.5": must be a whole number from 0 to',
        ),
    ],
)
def test_what_is_wrong_is_said(folder, text, message):
    with pytest.raises(ConfigError) as caught:
        folder.convert(text)
    assert message in str(caught.value)
