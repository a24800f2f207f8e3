"""``multiscale-run metabolism``: the network alone, as a modeller calls it."""

import math
import re

import pytest


def final(output, species):
    """Mean at the end of a species in the printed table."""
    row = next(line for line in output.splitlines() if species in line)
    return float(re.split(r"[│|]", row)[5])


def test_rest_under_the_originals_perfusion(tools):
    """Oxygen of the capillary falls to 0.0680 mM in 5 s (measured with the original's equations)."""
    done = tools["launch"](
        "metabolism",
        "run",
        "--cells",
        "3",
        "--seconds",
        "5",
        "--demand",
        "0",
        "--set",
        "bf_fin=1e-4",
        "--set",
        "glc_art=4.6",
    )
    assert done.returncode == 0, done.stdout
    assert final(done.stdout, "o2_b") == pytest.approx(0.0680, abs=2e-4)


def test_demand_costs_atp_and_the_figure_is_drawn(tools, tmp_path):
    figure = tmp_path / "energy.png"
    done = tools["launch"]("metabolism", "run", "--seconds", "3", "--demand", "0.1", "--plot", figure)
    assert done.returncode == 0, done.stdout
    assert final(done.stdout, "atp_c_n") < 1.36
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "bf_fn=1"], "unknown network parameter 'bf_fn'"),
        (["--set", "bf_fin"], "write NAME=NUMBER"),
        (["--variant", "old"], "old"),
        (["--engine", "fast"], "unknown metabolism engine 'fast'"),
    ],
)
def test_wrong_options(tools, options, message):
    done = tools["launch"]("metabolism", "run", *options)
    assert done.returncode == 2
    assert message in done.stdout
    assert "Traceback" not in done.stdout


def test_sbml_out_and_in_again_gives_the_same_run(tools, tmp_path):
    pytest.importorskip("libsbml", reason="NO LIBSBML: IMPORT OF SBML IS NOT TESTED")
    launch, model, tables = tools["launch"], tmp_path / "model.xml", tmp_path / "tables"
    assert launch("metabolism", "export", model, "--variant", "young").returncode == 0
    imported = launch("metabolism", "import", model, tables)
    assert imported.returncode == 0, imported.stdout
    assert "133 equations" in imported.stdout
    ours = launch("metabolism", "run", "--seconds", "2", "--variant", "young")
    theirs = launch("metabolism", "run", "--seconds", "2", "--network", tables)
    for species in ("atp_c_n", "o2_b", "psi_m_n"):
        assert final(theirs.stdout, species) == final(ours.stdout, species)
    again = launch("metabolism", "import", model, tables)
    assert again.returncode == 2 and "is not empty; name a new folder" in again.stdout


def test_a_network_of_ones_own(tools, tmp_path):
    """A decay with a known solution, as three rows of tables: x falls as exp(-2 t)."""
    tables = {
        "species": "id,compartment,cell,unit,initial_value,role,julia_index\nx,cytosol,n,mM,1.0,dynamic,1\n",
        "parameters": "id,value,unit\nk,2.0,1/s\n",
        "assignments": "id,expression\n",
        "rates": "id,expression\nv_decay,k*x\n",
        "stoichiometry": "species,rate,coefficient\nx,v_decay,-1\n",
        "variants": "variant,target_kind,target,expression\n",
        "inputs": "id,unit,default\n",
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    run = ("metabolism", "run", "--network", tmp_path, "--seconds", "1")
    done = tools["launch"](*run, "--demand", "0", "--plot", tmp_path / "x.svg")
    assert done.returncode == 0, done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith("│ x "))
    assert float(re.split(r"[│|]", row)[5]) == pytest.approx(math.exp(-2.0), rel=1e-3)
    refused = tools["launch"](*run)
    assert refused.returncode == 2 and "the network has no species 'atp_c_n'" in refused.stdout
