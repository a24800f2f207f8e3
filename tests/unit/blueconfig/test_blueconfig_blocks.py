"""All blocks but stimuli: values as libsonata reads them, and what is listed as lost."""

import pytest

from mpi_coupling.settings.problems import ConfigError
from multiscale_run.blueconfig import Outcome

FULL_RUN = """
Run Default
{
    CircuitPath /circuits/O1
    nrnPath /circuits/O1/edges.h5
    CellLibraryFile circuit.mvd3
    METypePath /circuits/hoc
    MorphologyPath /circuits/morphologies
    TargetFile user.target
    CurrentDir .
    OutputRoot results
    CircuitTarget Mosaic
    Duration 1000
    Dt 0.025
    BaseSeed 201506
    StimulusSeed 11
    IonChannelSeed 12
    MinisSeed 13
    SynapseSeed 14
    SecondOrder 2
    Simulator CoreNeuron
    RunMode WholeCell
    RNGMode Random123
    ForwardSkip 5000
    ExtracellularCalcium 1.2
    V_Init -75
    Celsius 36.5
    SpikeLocation ais
    SpikeThreshold -35.5
    MinisSingleVesicle 1
    RandomizeGabaRiseTime False
    Note "first attempt"
    Unheard 3
}
"""


def test_run(folder):
    conversion = folder.convert("", run=FULL_RUN)
    read = folder.read_back(conversion)
    run, conditions = read.run, read.conditions
    assert (run.tstop, run.dt, run.random_seed, run.spike_threshold) == (1000, 0.025, 201506, -35.5)
    assert (run.stimulus_seed, run.ionchannel_seed, run.minis_seed, run.synapse_seed) == (11, 12, 13, 14)
    assert run.integration_method.name == "crank_nicolson_ion"
    assert (conditions.celsius, conditions.v_init, conditions.extracellular_calcium) == (36.5, -75, 1.2)
    assert conditions.spike_location.name == "AIS"
    assert conditions.randomize_gaba_rise_time is False
    mechanisms = ("ProbAMPANMDA_EMS", "ProbGABAAB_EMS", "GluSynapse")
    assert conditions.mechanisms == {name: {"minis_single_vesicle": True} for name in mechanisms}
    assert read.target_simulator.name == "CORENEURON"
    assert (read.node_set, read.metadata) == ("Mosaic", {"note": "first attempt"})
    assert read.output.output_dir == str(folder.path / "results")
    assert read.network == str(folder.path / "circuit_config.json")
    assert read.node_sets_file == str(folder.path / "node_sets.json")


def test_no_key_of_run_is_dropped_in_silence(folder, entry):
    conversion = folder.convert("", run=FULL_RUN)
    keys = [line.split()[0] for line in FULL_RUN.splitlines() if line.startswith("    ")]
    assert sorted(e.key for e in conversion.entries if e.block == "Run Default") == sorted(keys)
    assert {e.key for e in conversion.with_outcome(Outcome.LOST)} == {"ForwardSkip", "Unheard"}
    assert entry(conversion, "Run Default", "RunMode").outcome is Outcome.NEEDLESS
    assert entry(conversion, "Run Default", "nrnPath").outcome is Outcome.CIRCUIT
    assert entry(conversion, "Run Default", "Dt").place == "run.dt"


def test_defaults_that_differ_from_sonatas(folder, entry):
    """A BlueConfig without the key randomises the rise time of GABA; SONATA does not."""
    conversion = folder.convert("")
    assert folder.read_back(conversion).conditions.randomize_gaba_rise_time is True
    assert conversion.document["run"]["random_seed"] == 0
    assert entry(conversion, "", "RandomizeGabaRiseTime").outcome is Outcome.DEFAULT


def test_paths(folder, tmp_path):
    run = "Run a\n{\nDuration 1\nDt 0.1\nCurrentDir /elsewhere\nOutputRoot out/now\n}\n"
    assert folder.convert("", run=run).document["output"]["output_dir"] == "/elsewhere/out/now"
    run = f"Run a\n{{\nDuration 1\nDt 0.1\nOutputRoot {tmp_path}/now\n}}\n"
    assert folder.convert("", run=run).document["output"]["output_dir"] == "now"


def test_conditions(folder, entry):
    keys = "randomize_Gaba_risetime False\nSYNAPSES__init_depleted 1\ncao_CR_GluSynapse 1.5\nProbAMPANMDA_EMS__e 0.5"
    conversion = folder.convert(f"Conditions c\n{{\n{keys}\nmystery 3\n}}\n")
    conditions = folder.read_back(conversion).conditions
    assert conditions.randomize_gaba_rise_time is False
    assert conditions.mechanisms == {
        "ProbAMPANMDA_EMS": {"init_depleted": True, "e": 0.5},
        "ProbGABAAB_EMS": {"init_depleted": True},
        "GluSynapse": {"init_depleted": True, "cao_CR": 1.5},
    }
    assert entry(conversion, "Conditions c", "mystery").outcome is Outcome.LOST


REPORT = "Unit mV\nDt 0.1\nStartTime 5\nEndTime 90.5\nFormat SONATA\n"


def test_reports(folder):
    text = f"""
Report soma
{{
Target Layer5
Type compartment
ReportOn v
{REPORT}}}
Report axon
{{
Target Mosaic
Type Compartment
Sections Axon
Compartments Center
ReportOn v
FileName tips
Enabled false
{REPORT}}}
Report currents
{{
Target Mosaic
Type Summation
ReportOn i_membrane IClamp
Scaling None
{REPORT.replace("mV", "nA")}}}
Report conductance
{{
Target Both
Type Synapse
ReportOn g
{REPORT.replace("mV", "uS")}}}
"""
    read = folder.read_back(folder.convert(text))
    assert set(read.list_report_names) == {"soma", "axon", "currents", "conductance"}
    soma, axon, currents, conductance = map(read.report, ("soma", "axon", "currents", "conductance"))
    assert (soma.cells, soma.type.name, soma.sections.name, soma.variable_name) == (
        "Layer5",
        "compartment",
        "soma",
        "v",
    )
    assert (soma.dt, soma.start_time, soma.end_time, soma.unit, soma.enabled) == (0.1, 5, 90.5, "mV", True)
    assert (axon.sections.name, axon.compartments.name, axon.enabled) == ("axon", "center", False)
    assert axon.file_name.endswith("tips.h5")
    assert (currents.type.name, currents.scaling.name, currents.unit) == ("summation", "none", "nA")
    assert currents.variable_name == "i_membrane, IClamp"
    assert (conductance.type.name, conductance.unit) == ("synapse", "uS")


def test_all_compartments(folder):
    read = folder.read_back(
        folder.convert(f"Report all\n{{\nTarget AllCompartments\nType compartment\nReportOn v\n{REPORT}}}\n")
    ).report("all")
    assert (read.cells, read.sections.name, read.compartments.name) == ("Mosaic", "all", "all")


TARGETS = """
# Target Cell Layer4 { a9 }
Target Cell few
{
  a12 a13
}
Target Compartment parts { Layer5 }
Target Section dendrites
{
  Layer5 dend
}
Target Section many
{
  Layer5 dend apic
}
"""


@pytest.mark.parametrize(
    ("target", "expected"),
    [("parts", ("Layer5", "all", "all")), ("dendrites", ("Layer5", "dend", "all"))],
)
def test_targets_of_parts_of_cells(folder, target, expected):
    (folder.path / "user.target").write_text(TARGETS)
    text = f"Report r\n{{\nTarget {target}\nType compartment\nReportOn v\n{REPORT}}}\n"
    read = folder.read_back(folder.convert(text, run=FULL_RUN)).report("r")
    assert (read.cells, read.sections.name, read.compartments.name) == expected


def test_targets_that_sonata_cannot_report_on(folder, entry):
    (folder.path / "user.target").write_text(TARGETS)
    text = f"Report r\n{{\nTarget many\nType compartment\nReportOn v\n{REPORT}}}\n"
    conversion = folder.convert(text, run=FULL_RUN)
    assert "reports" not in conversion.document
    assert "a Section target of Layer5 dend apic: SONATA reports on" in entry(conversion, "Report r", "Target").note


def test_a_missing_node_set_is_spelled_out(folder):
    (folder.path / "user.target").write_text(TARGETS)
    with pytest.raises(ConfigError) as caught:
        folder.convert("Connection c\n{\nSource few\nDestination Layer4\n}\n", run=FULL_RUN)
    assert 'node_sets.json; add "few": {"node_id": [11, 12]} there, or pass --allow-missing' in str(caught.value)
    assert "node_sets.json; add it there" in str(caught.value)


def test_lfp_takes_the_weights_of_run(folder, entry):
    text = f"Report lfp\n{{\nTarget Mosaic\nType lfp\nReportOn v\n{REPORT}}}\n"
    run = "Run a\n{\nDuration 1\nDt 0.1\nOutputRoot o\nLFPWeightsPath weights.h5\n}\n"
    read = folder.read_back(folder.convert(text, run=run)).report("lfp")
    assert (read.type.name, read.electrodes_file) == ("lfp", str(folder.path / "weights.h5"))
    without = folder.convert(text)
    assert "reports" not in without.document
    assert entry(without, "Report lfp").outcome is Outcome.LOST


def test_connections_keep_their_order(folder, entry):
    text = """
Connection all
{
Source Mosaic
Destination Mosaic
Weight 0.75
SpontMinis 0.04
SynapseConfigure %s.Fac = 0 %s.Dep = 0
ModOverride GluSynapse
SynDelayOverride 0.5
}
Connection layer
{
Source Mosaic
Destination Layer5
Weight 1
Delay 100
}
Connection all
{
Source Layer5
Destination Mosaic
NeuromodDtc 75
NeuromodStrength 0.3
SynapseID 3
}
"""
    conversion = folder.convert(text)
    first, second, third = folder.read_back(conversion).connection_overrides()
    assert [c.name for c in (first, second, third)] == ["all", "layer", "all_2"]
    assert (first.source, first.target, first.weight, first.spont_minis) == ("Mosaic", "Mosaic", 0.75, 0.04)
    assert (first.synapse_configure, first.modoverride) == ("%s.Fac = 0 %s.Dep = 0", "GluSynapse")
    assert first.synapse_delay_override == 0.5
    assert (second.target, second.delay, second.weight) == ("Layer5", 100, 1)
    assert (third.neuromodulation_dtc, third.neuromodulation_strength) == (75, 0.3)
    assert entry(conversion, "Connection all", "SynapseID").outcome is Outcome.LOST


def test_modifications(folder):
    text = """
Modification silent { Type TTX
Target Layer5 }
Modification no_SK { Type ConfigureAllSections
Target Mosaic
SectionConfigure %s.gSK_E2bar_SK_E2 = 0 }
"""
    silent, no_sk = folder.read_back(folder.convert(text)).conditions.modifications()
    assert (silent.name, silent.type.name, silent.node_set) == ("silent", "ttx", "Layer5")
    assert (no_sk.type.name, no_sk.section_configure) == ("configure_all_sections", "%s.gSK_E2bar_SK_E2 = 0")


@pytest.mark.parametrize(
    ("keys", "outcome", "note"),
    [
        ("Path /p/edges.h5:VPM__All__chemical", "circuit", "circuit_config.json has VPM__All__chemical"),
        ("Path /p/edges.h5:POm__All__chemical", "lost", "add edges population POm__All__chemical there"),
        ("Path /p/proj\nSource VPM", "circuit", "type chemical from VPM: circuit_config.json has VPM__All__chemical"),
        ("Path /p/proj\nSource POm:", "lost", "add an edges population of type chemical from POm there"),
        ("Path /p/neuroglial.h5\nType NeuroGlial", "circuit", "has astrocytes__All__synapse_astrocyte"),
        ("Path /p/x.h5\nType GlioVascular", "lost", "add an edges population of type endfoot there"),
    ],
)
def test_projections_are_compared_with_the_circuit(folder, entry, keys, outcome, note):
    found = entry(folder.convert(f"Projection p\n{{\n{keys}\n}}\n"), "Projection p")
    assert found.outcome.value == outcome and note in found.note


def test_other_blocks_are_listed(folder, entry):
    glia = "Circuit GLIA {\nCellLibraryFile /ngv/glia.h5\n}\nCircuit NGV {\nEngine NGV\n}\n"
    text = f"{glia}Circuit B {{\nCircuitTarget other:X\n}}\n"
    conversion = folder.convert(text + "Electrode e {\nx 1\n}\nMystery m {\na 1\n}\n")
    assert entry(conversion, "Circuit GLIA").note.endswith("circuit_config.json has astrocytes")
    assert entry(conversion, "Circuit NGV").outcome is Outcome.CIRCUIT
    assert "add nodes population other there" in entry(conversion, "Circuit B").note
    assert "name one that joins other:X and that of Run" in entry(conversion, "Circuit B", "CircuitTarget").note
    assert entry(conversion, "Electrode e").outcome is Outcome.LOST
    assert entry(conversion, "Mystery m").note == "Mystery is not a known type of block"


def test_a_key_given_twice(folder, entry):
    conversion = folder.convert("Connection c\n{\nSource Mosaic\nDestination Mosaic\nWeight 1\nWeight 2\n}\n")
    assert conversion.document["connection_overrides"][0]["weight"] == 2
    lost = conversion.with_outcome(Outcome.LOST)
    assert [(e.key, e.line, e.note) for e in lost] == [("Weight", 13, "given again in line 14, which counts")]


def test_targets_with_a_population(folder, entry):
    text = "Connection c\n{\nSource All:Layer5\nDestination Mosaic\n}\n"
    conversion = folder.convert(text)
    assert conversion.document["connection_overrides"][0]["source"] == "Layer5"
    assert "see that it selects All only" in entry(conversion, "Connection c", "Source").note


def test_missing_node_sets(folder, entry):
    text = "Connection c\n{\nSource Layer4\nDestination a12\n}\n"
    with pytest.raises(ConfigError) as caught:
        folder.convert(text)
    assert [problem.key_path for problem in caught.value.problems] == [
        "line 11: Connection c: Source",
        "line 12: Connection c: Destination",
    ]
    assert 'node_sets.json; add it there, or pass --allow-missing; did you mean "Layer5"?' in str(caught.value)
    assert 'add "a12": {"node_id": [11]} there' in str(caught.value)
    conversion = folder.convert(text, allow_missing=True)
    assert folder.read_back(conversion).connection_overrides()[0].source == "Layer4"
    assert entry(conversion, "Connection c", "Source").outcome is Outcome.LOST


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("Report r { }\n", "BlueConfig: has no block Run; is it a BlueConfig?"),
        ("Run a { Duration 1 }\n", "line 1: Run a: needs Dt"),
        ("Run a {\nDuration 0\nDt 0.1\nOutputRoot o\n}\n", 'line 2: Run a: Duration = "0": must be above 0'),
        ("Run a {\nDuration 1\nDt 1\nOutputRoot o\nSimulator NEURO\n}\n", 'did you mean "NEURON"?'),
        ("Run a {\nDuration 1\nDt 1\nOutputRoot o\nSecondOrder 3\n}\n", "must be one of 0, 1, 2"),
        ("Run a {\n}\nRun b {\n}\n", "line 3: Run b: a second block Run; the first is in line 1, keep one"),
    ],
)
def test_what_is_wrong_in_run_is_said(folder, run, message):
    with pytest.raises(ConfigError) as caught:
        folder.convert("", run=run)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("circuit_config.json", "{}", "is not a SONATA circuit configuration: it names no networks.nodes"),
        ("circuit_config.json", '{"networks": {"nodes": [1]}}', "lists of files with populations"),
        ("circuit_config.json", "{", "line 1, column 2: not valid JSON"),
        ("node_sets.json", "Target Cell Mosaic { a1 }", "line 1, column 1: not valid JSON"),
        ("node_sets.json", '{"A": ["B"]}', "is not a file of node sets"),
    ],
)
def test_other_files_that_are_wrong(folder, name, content, message):
    (folder.path / name).write_text(content)
    with pytest.raises(ConfigError) as caught:
        folder.convert("")
    assert f"{name}: " in str(caught.value) and message in str(caught.value)


def test_what_libsonata_refuses_is_not_written(folder):
    text = f"Report r\n{{\nTarget Mosaic\nType compartment\nReportOn a+b\n{REPORT}}}\n"
    with pytest.raises(ConfigError, match="libsonata refuses what it becomes: Invalid comma separated variable"):
        folder.convert(text)
