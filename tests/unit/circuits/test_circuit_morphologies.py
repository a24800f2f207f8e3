"""Synthetic and imported morphologies."""

from collections import Counter

import morphio
import numpy as np
import pytest
from morphio import Morphology, SectionType

from mpi_coupling import UserError
from multiscale_run.circuits import tables
from multiscale_run.circuits.neuron_morphologies import write_morphologies
from multiscale_run.circuits.segments import SegmentTable
from multiscale_run.circuits.swc import from_morphio, soma_radius

UNSORTED = """1 1 5 5 5 6 -1
2 4 5 12 5 1 1
3 4 5 40 5 1 2
4 3 12 5 5 1 1
5 3 40 5 5 1 4
6 3 60 15 5 .5 5
7 3 60 -15 5 .5 5
8 2 5 -2 5 .5 1
9 2 5 -50 5 .5 8
"""
CONTOUR_ASC = """("CellBody" (CellBody) (-5 0 0 0) (0 5 0 0) (5 0 0 0) (0 -5 0 0))
((Dendrite) (5 0 0 2) (30 0 0 1.5) (60 5 0 1))
((Axon) (0 -5 0 1) (0 -80 0 1))
"""


@pytest.fixture
def synthetic(tmp_path):
    return tmp_path, write_morphologies(tmp_path, 1, None)


def test_synthetic_cells_are_light_and_complete(synthetic):
    folder, morphologies = synthetic
    for name, kind in zip(morphologies.names, morphologies.kinds, strict=True):
        cell = Morphology(folder / f"{name}.swc")
        types = Counter(section.type for section in cell.sections)
        assert types[SectionType.axon] == 1
        assert (types[SectionType.apical_dendrite] > 0) == (kind == "pyramidal")
        lengths = [np.linalg.norm(np.diff(s.points, axis=0), axis=1).sum() for s in cell.sections]
        compartments = 1 + sum(1 + 2 * int(length / 40) for length in lengths)
        assert 35 <= compartments <= 65
        assert min(lengths) > 15


def test_synthetic_branches_follow_rall(synthetic):
    folder, morphologies = synthetic
    checked = 0
    for name in morphologies.names:
        for section in Morphology(folder / f"{name}.swc").sections:
            if section.children and section.diameters[-1] > 1:
                daughters = sum(child.diameters[1] ** 1.5 for child in section.children)
                # the first own point of a daughter has tapered a little
                assert daughters == pytest.approx(section.diameters[-1] ** 1.5, rel=0.12)
                checked += 1
            assert (np.diff(section.diameters[1:]) <= 1e-5).all()
    assert checked > 10


def test_variants_differ_and_seeds_repeat(tmp_path):
    texts = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_morphologies(tmp_path / folder, seed, None)
        texts.append({path.name: path.read_text() for path in sorted((tmp_path / folder).iterdir())})
    assert texts[0] == texts[1]
    assert texts[0].keys() == texts[2].keys() and texts[0] != texts[2]
    assert len(set(texts[0].values())) == len(texts[0])


def test_import_sorts_trees_and_centres_the_soma(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cell.SWC").write_text(UNSORTED)
    morphologies = write_morphologies(tmp_path / "out", 1, tmp_path / "in")
    assert morphologies.names[0] == "cell" and morphologies.kinds[0] == "pyramidal"
    assert "interneuron" in morphologies.kinds and "has no interneuron cell" in morphologies.notes[0]
    cell = Morphology(tmp_path / "out" / "cell.swc")
    assert [int(section.type) for section in cell.sections] == [2, 3, 3, 3, 4]
    np.testing.assert_allclose(cell.soma.center, 0, atol=1e-6)
    assert soma_radius(cell) == pytest.approx(6)
    np.testing.assert_allclose(cell.sections[4].points, [[0, 7, 0], [0, 35, 0]], atol=1e-4)


def test_import_of_asc_and_h5(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    (source / "one.asc").write_text(CONTOUR_ASC)
    morphio.mut.Morphology(source / "one.asc").write(source / "two.h5")
    morphologies = write_morphologies(tmp_path / "out", 1, source)
    assert morphologies.names[:2] == ["one", "two"]
    for name in ("one", "two"):
        cell = Morphology(tmp_path / "out" / f"{name}.swc")
        assert [int(section.type) for section in cell.sections] == [2, 3]
        assert soma_radius(cell) == pytest.approx(5)
        np.testing.assert_allclose(cell.sections[1].points[-1], [60, 5, 0], atol=1e-4)
        np.testing.assert_allclose(cell.sections[1].diameters, [2, 1.5, 1], atol=1e-4)


def test_all_bad_files_are_named(tmp_path):
    (tmp_path / "broken.swc").write_text("1 1 0 0 0 5\nnot a number\n")
    (tmp_path / "headless.swc").write_text("1 3 0 0 0 1 -1\n2 3 10 0 0 1 1\n")
    (tmp_path / "twice.asc").write_text(CONTOUR_ASC)
    (tmp_path / "twice.swc").write_text(UNSORTED)
    (tmp_path / "wrong.h5").write_bytes(b"this is not HDF5")
    (tmp_path / "good.swc").write_text(UNSORTED)
    with pytest.raises(UserError) as error:
        write_morphologies(tmp_path / "out", 1, tmp_path)
    for name in ("broken.swc", "headless.swc (has no soma)", "twice.swc (has the name of another", "wrong.h5"):
        assert name in str(error.value)
    assert "good.swc" not in str(error.value)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        write_morphologies(tmp_path / "out", 1, tmp_path / "absent")
    with pytest.raises(UserError, match="holds no"):
        write_morphologies(tmp_path / "out", 1, tmp_path)


def test_segment_table_adds_up(tmp_path):
    (tmp_path / "cell.swc").write_text(UNSORTED)
    tree = from_morphio(Morphology(tmp_path / "cell.swc", options=morphio.Option.nrn_order))
    tree.write(tmp_path / "cell.swc")
    table = SegmentTable.of([Morphology(tmp_path / "cell.swc")] * 2)
    assert list(table.first) == [0, 6, 12]
    assert list(table.section_counts) == [6, 6]
    rows = np.flatnonzero(table.section_id == 3)[:1]
    assert table.path[rows] == pytest.approx(28)
    np.testing.assert_allclose(table.centre(rows, np.array([0.5])), [[45, 5, 0]], atol=1e-4)
    assert table.section_position(rows, np.array([0.5])) == pytest.approx(0.5)
    sides = 2 * np.pi * (48 * 0.5 + 28 + (np.hypot(20, 10) + np.hypot(20, 20)) * 0.75 + 28)
    # MorphIO repeats the parent's point, so a daughter starts at the parent's radius
    assert table.membrane_area == pytest.approx([4 * np.pi * 36 + sides] * 2, rel=1e-3)
    found = table.nearest(np.array([1]), np.array([[44.0, 6.0, 0.0]]))
    assert table.section_id[found] == 3 and found[0] >= table.first[1]


def test_kinds_of_the_table_have_weights():
    for kind in tables.read_toml("morphology_kinds").values():
        assert {"axon", "basal"} <= {tree["type"] for tree in kind["trees"]}


def test_long_axons_do_not_count_as_membrane(tmp_path):
    """The cell templates keep the initial segment only."""
    swc = "1 1 0 0 0 5 -1\n2 2 0 -5 0 1 1\n" + "".join(
        f"{n} 2 0 {-5 - 10 * (n - 2)} 0 1 {n - 1}\n" for n in range(3, 60)
    )
    (tmp_path / "cell.swc").write_text(swc)
    table = SegmentTable.of([Morphology(tmp_path / "cell.swc")])
    assert table.membrane_area[0] == pytest.approx(4 * np.pi * 25 + 2 * np.pi * 60)
