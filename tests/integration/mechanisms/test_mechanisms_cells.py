"""Cells from files: every format gives the same cell, with the section ids of SONATA."""

import subprocess
import sys
from pathlib import Path

import morphio
import morphio.mut
import numpy as np
import pytest

REAL = Path(__file__).parents[4] / "shared" / "data" / "morphologies"


def neuron(with_axon: bool) -> morphio.mut.Morphology:
    """A contour soma, an axon that forks, two basal dendrites of which one forks, an apical one."""
    built = morphio.mut.Morphology()
    angles = 2 * np.pi * np.arange(16) / 16
    built.soma.points = [[6 * np.cos(a), 6 * np.sin(a), 0] for a in angles]
    built.soma.diameters = [0.0] * 16
    built.soma.type = morphio.SomaType.SOMA_SIMPLE_CONTOUR

    def stretch(start, end, diameter):
        return morphio.PointLevel([start, end], [diameter, diameter])

    def root(kind, start, end, diameter):
        return built.append_root_section(stretch(start, end, diameter), kind)

    kinds = morphio.SectionType
    first = root(kinds.basal_dendrite, [6, 0, 0], [90, 0, 0], 2)
    first.append_section(stretch([90, 0, 0], [150, 40, 0], 1), kinds.basal_dendrite)
    first.append_section(stretch([90, 0, 0], [150, -40, 0], 1), kinds.basal_dendrite)
    root(kinds.apical_dendrite, [0, 6, 0], [0, 200, 0], 3)
    if with_axon:
        axon = root(kinds.axon, [0, -6, 0], [0, -30, 0], 1)
        axon.append_section(stretch([0, -30, 0], [40, -90, 0], 0.5), kinds.axon)
        axon.append_section(stretch([0, -30, 0], [-40, -90, 0], 0.5), kinds.axon)
    root(kinds.basal_dendrite, [-6, 0, 0], [-90, 0, 0], 2)
    return built


@pytest.fixture(params=["asc", "h5"])
def file(request, tmp_path):
    path = tmp_path / f"cell.{request.param}"
    neuron(with_axon=True).write(path)
    return path


def test_section_ids_are_those_of_sonata(experiment, file):
    cell = experiment("cells", "RegularSpiking", file)
    assert cell["counts"] == [9, 1, 3, 4, 1]
    assert cell["ids"] == {"somatic": [0], "axonal": [1], "basal": [4, 5, 6, 7], "apical": [8]}
    assert cell["all"] == ["soma[0]", "axon[0]", *(f"dend[{i}]" for i in range(4)), "apic[0]"]


def test_geometry_is_that_of_the_file(experiment, file):
    cell = experiment("cells", "FastSpiking", file)
    assert cell["area"]["somatic"] == pytest.approx(4 * np.pi * 6**2, rel=1e-3)
    assert cell["area"]["basal"] == pytest.approx(2 * np.pi * 2 * 84 + 2 * np.pi * np.hypot(60, 40), rel=1e-3)
    assert cell["area"]["apical"] == pytest.approx(np.pi * 3 * 194, rel=1e-3)
    assert cell["initial_segment"] == [60]
    assert cell["unconnected"] == 1
    assert cell["longest"] <= 40
    assert cell["points"] >= 2


def test_a_cell_without_axon_has_no_initial_segment(experiment, tmp_path):
    neuron(with_axon=False).write(tmp_path / "cell.h5")
    cell = experiment("cells", "RegularSpiking", tmp_path / "cell.h5")
    assert cell["ids"] == {"somatic": [0], "axonal": [], "basal": [1, 2, 3, 4], "apical": [5]}


@pytest.mark.parametrize("name", ["C210401C", "jy180406_B_idC_", "jy180406_C_idB_", "rr110330_C3_idA"])
def test_reconstructed_neurons(experiment, name):
    path = REAL / f"{name}.swc"
    if not path.is_file():
        pytest.skip(f"no reconstruction {path}")
    cell = experiment("cells", "RegularSpiking", path)
    kinds = [s.type for s in morphio.Morphology(path, warning_handler=morphio.WarningHandlerCollector()).sections]
    counted = [kinds.count(kind) for kind in (morphio.SectionType.axon, morphio.SectionType.basal_dendrite)]
    assert cell["counts"][2:4] == counted
    assert 200 < cell["area"]["somatic"] < 1200, "um2"
    assert cell["ids"]["basal"][0] == 1 + counted[0]
    assert cell["unconnected"] == 1


def test_a_missing_file_is_named(experiment, tmp_path):
    message = experiment("cells", "RegularSpiking", tmp_path / "absent.swc", fails=True)
    assert f"{tmp_path / 'absent.swc'}: not a readable morphology" in message


def test_neurodamus_is_not_needed_to_import_the_tables():
    code = "import sys, multiscale_run.mechanisms.tables; sys.exit('neuron' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
