"""``multiscale-run post-processing`` on runs of the tiny circuit: what the report says, and what it does not need."""

from __future__ import annotations

import base64
import re
import signal
import time

import h5py
import libsonata
import nbformat
import numpy as np
import pytest

from multiscale_run.analysis import Results
from multiscale_run.analysis.html_report import external_resources

SECTIONS = (
    "Run",
    "Configuration",
    "Spikes",
    "Membrane potential",
    "Ions, ATP and ADP",
    "Potassium in the extracellular space",
    "Vessels",
    "Neurons that take part",
    "Energy budget",
    "Metabolites",
    "Time and memory",
    "Warnings",
)


def page_of(folder, *options):
    """The report of a simulation, checked for what every report must be."""
    done = folder.command("post-processing", *map(str, options))
    assert done.returncode == 0, done.stdout
    file = re.search(r"report: (.*)", done.stdout).group(1)
    page = open(file, encoding="utf-8").read()  # noqa: SIM115, PTH123
    for title in SECTIONS:
        assert re.search(rf"<h2[^>]*>{re.escape(title)}<", page), title
    assert external_resources(page) == []
    assert "require.js" not in page and "MathJax" not in page
    assert "sections.summary" not in page, "no code"
    assert "Traceback" not in page and "Warning:" not in page
    for picture in re.findall(r'<img[^>]* src="([^"]+)"', page.replace("\n", " ")):
        assert picture.startswith("data:image/png;base64,")
        assert base64.b64decode(picture.partition(",")[2]).startswith(b"\x89PNG")
    return page


def section(page, title):
    """The HTML of one section."""
    return re.search(rf"<h2[^>]*>{re.escape(title)}<.*?(?=<h2|</main>)", page, re.DOTALL).group(0)


def cells(text):
    """Rows of the tables of a section."""
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


@pytest.fixture
def excluded(tiny, tools):
    """A run of 400 ms on two ranks of which some neurons are excluded for their sodium; what compute printed."""
    check = {"name": "nai", "kwargs": {"hb": 10.04}, "response": "exclude_neuron"}
    folder = tiny(tools["duration"](400.0), tools["metabolism"](checks={"vm": {"na_c_n": check}}), name="excluded")
    done = folder.compute(ranks=2)
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


def test_report_of_a_run(excluded):
    folder, printed = excluded
    page = page_of(folder)
    assert page.count("<img") == 11
    facts = dict(row for row in cells(section(page, "Run")) if len(row) == 2)
    assert facts["state"] == "finished: 400 ms" and facts["ranks"] == "2"
    spikes = libsonata.SpikeReader(str(folder.results / "out.h5"))["neurons"].get()
    assert facts["spikes"] == str(len(spikes)) and facts["neurodamus"].startswith("4.")
    said = re.findall(r"neuron (\d+) is excluded at (\d+) ms: (nai = [\d.]+)", printed)
    shown = [
        (row[1], row[2], row[3][: len("nai = ") + 7].split(" (")[0])
        for row in cells(section(page, "Neurons that take part"))[1:]
    ]
    assert sorted(shown) == sorted(said) and 0 < len(said) < 10
    assert "black lines go from the fastest to the slowest rank" in section(page, "Time and memory")
    assert not list(folder.results.glob(".report*")), "no temporary file stays"


def test_results_of_a_run_are_those_of_its_files(excluded):
    folder, _ = excluded
    results = Results(folder.path)
    assert {results[name].attrs["simulator"] for name in results} == {"neurodamus", "metabolism", "steps", "bloodflow"}
    for name in results:
        with h5py.File(folder.results / f"{name}.h5") as file:
            data = next(iter(file["report"].values()))["data"]
            np.testing.assert_array_equal(results[name].values, data[:])
            assert results[name].attrs["units"] == data.attrs["units"]
    with h5py.File(folder.results / "atpi.h5") as file:
        atp = file["report/neurons/data"][:]
    assert results.quantity("atp").equals(results["atpi"]) and results.quantity("atp").shape == atp.shape
    assert results.sites.tetrahedra["volume"].sum() > 1e6
    assert results.quantity("extracellular_potassium")["x"].attrs["units"] == "um"
    budget, after = results.energy(), results.quantity("atp_after_exchange")
    change = (budget["supply"] - budget["demand"]) * 0.1
    np.testing.assert_allclose(change, after.diff("time"), atol=1e-6)
    assert 0.01 < float(budget["demand"].mean()) < 0.1, "the pump's demand, mM/s"
    lost = np.isnan(after.isel(time=-1).values)
    by_then = results.alive()["excluded_at"].values < 400
    np.testing.assert_array_equal(lost, by_then)


def test_two_runs_are_laid_over_each_other(tiny, tools, tmp_path):
    short = tools["duration"](100.0)

    def calm(settings):
        settings["inputs"]["background"]["mean_percent"] = 40.0
        settings["multiscale_run"]["with_metabolism"] = False
        settings["multiscale_run"]["ndts"] = 1000

    one, two = tiny(short, name="one").computed(), tiny(short, calm, name="two").computed()
    page = page_of(one, "--compare", two.path, "--output", tmp_path / "both.html")
    differences = {row[0]: row[1:] for row in cells(section(page, "Configuration")) if len(row) == 3}
    assert differences["inputs.background.mean_percent"] == ["100", "40"]
    assert "two: metabolism took no part" in section(page, "Energy budget")
    assert section(page, "Potassium in the extracellular space").count("<img") == 2
    assert not list(one.results.glob("report*.html")), "--output is the only file written"
    assert "<title>multiscale-run: one and two</title>" in page
    (one.results / "report.html").write_text("plain")
    page_of(one, "--compare", two.path)
    assert (one.results / "report.html").read_text() == "plain", "a comparison has a file of its own"
    assert (one.results / "report-compare-two.html").exists()


def test_report_without_metabolism(tiny, tools):
    def alone(settings):
        settings["multiscale_run"] |= {
            "with_metabolism": False,
            "with_steps": False,
            "with_bloodflow": False,
            "ndts": 1000,
        }

    page = page_of(tiny(tools["duration"](50.0), alone).computed())
    for title, simulator in (
        ("Energy budget", "metabolism"),
        ("Metabolites", "metabolism"),
        ("Vessels", "bloodflow"),
        ("Potassium in the extracellular space", "steps"),
    ):
        assert f"No data: {simulator} took no part (multiscale_run.with_{simulator} is false)" in section(page, title)
        assert "<img" not in section(page, title)
    assert "<img" in section(page, "Membrane potential")


def test_report_of_a_run_that_goes_on_and_of_one_that_was_killed(tiny, tools, start):
    folder = tiny(tools["duration"](20_000.0))
    process = start(folder)
    deadline = time.monotonic() + 120
    while not (reached := _reached(folder)) > 250 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.3)
    assert reached > 250, process.communicate()[0]
    running = page_of(folder)
    assert re.search(r"running at [\d.]+ of 20000 ms|running at [\d.]+ of 2e\+04 ms", section(running, "Run"))
    assert process.poll() is None, "reading does not disturb the run"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    killed = page_of(folder)
    assert "unfinished at " in section(killed, "Run")
    assert "a run writes it when it ends" in section(killed, "Time and memory")
    assert "<img" in section(killed, "Ions, ATP and ADP") and "<img" in section(killed, "Energy budget")
    results = Results(folder.path)
    assert np.isfinite(results["atpi"].values).all() and 250 < results.state.reached_ms < 20_000


def _reached(folder):
    try:
        return Results(folder.path).state.reached_ms
    except Exception:  # files are just being made
        return 0.0


def test_a_run_that_stops_itself_says_why(tiny, tools):
    check = {"name": "nai", "kwargs": {"heb": 10.0001}, "response": "abort_simulation"}
    folder = tiny(tools["duration"](200.0), tools["metabolism"](checks={"vm": {"na_c_n": check}}))
    assert folder.compute(ranks=2).returncode == 3
    state = Results(folder.path).state
    assert state.state == "stopped" and state.reached_ms == 100.0
    assert "by check 'nai'" in state.reason
    assert Results(folder.path).profile.ranks == 2, "it knows where its time went"


def test_a_notebook_that_fails_leaves_nothing(tiny, tools):
    folder = tiny(tools["duration"](100.0)).computed()
    book = nbformat.read(folder.path / "postproc.ipynb", as_version=4)
    book.cells = [*book.cells[:3], nbformat.v4.new_code_cell("results['sodium in neurons']")]
    nbformat.write(book, folder.path / "mine.ipynb")
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*") if path.is_file()}
    done = folder.command("post-processing", "--notebook", str(folder.path / "mine.ipynb"))
    assert done.returncode == 2
    assert "mine.ipynb: cell 4 failed: KeyError: 'sodium in neurons'" in done.stdout
    assert "    results['sodium in neurons']" in done.stdout and "Traceback" not in done.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*") if path.is_file()} == before


def test_errors_of_the_command(tiny, tools, tmp_path):
    folder = tiny(tools["duration"](100.0))
    nothing = folder.command("post-processing")
    assert nothing.returncode == 2 and "no results in" in nothing.stdout
    folder.computed()
    elsewhere = folder.command("post-processing", "--output", str(tmp_path / "no" / "report.html"))
    assert elsewhere.returncode == 2 and "name a file in a folder that exists" in elsewhere.stdout
    other = folder.command("post-processing", "--compare", str(tmp_path / "nowhere"))
    assert other.returncode == 2 and "nowhere: no such folder or file" in other.stdout
