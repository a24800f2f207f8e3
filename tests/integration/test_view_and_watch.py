"""``multiscale-run view`` in a browser without a network; ``multiscale-run watch`` on runs that go on and that end."""

from __future__ import annotations

import io
import re
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

SECONDS = 180
"""How long a page may take: there may be no graphics processor."""
OPTIONS = ("headless=new", "no-sandbox", "disable-dev-shm-usage", "use-angle=swiftshader", "enable-unsafe-swiftshader")
# all colours that are drawn, as numbers
COLOURS = """
const trace = document.getElementById("plot").data[arguments[0]];
return Array.from(trace.intensity || trace.marker.color);
"""
# corners of the box of axes as they are seen: the edge of the picture is 1
CORNERS = """
const { model, view, projection } = document.getElementById("plot")._fullLayout.scene._scene.glplot.cameraParams;
const [low, high] = document.getElementById("plot")._fullLayout.scene._scene.glplot.bounds;
const times = (m, v) => [0, 1, 2, 3].map((r) => m[r] * v[0] + m[4 + r] * v[1] + m[8 + r] * v[2] + m[12 + r] * v[3]);
return Array.from({ length: 8 }, (_, n) => {
  const corner = [0, 1, 2].map((k) => ((n >> k) & 1 ? high : low)[k]);
  const [x, y, , w] = times(projection, times(view, times(model, [...corner, 1])));
  return [x / w, y / w];
});
"""
EYE = """
const eye = document.getElementById("plot")._fullLayout.scene._scene.getCamera().eye;
return [eye.x, eye.y, eye.z];
"""


@pytest.fixture(scope="module")
def browser():
    """Chromium; a test fails where it is missing: scripts/setup --with-browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for option in OPTIONS:
        options.add_argument(f"--{option}")
    options.add_argument("--window-size=1280,800")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver") or "chromedriver")
    driver = webdriver.Chrome(options, service)
    driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    driver.set_script_timeout(SECONDS)
    yield driver
    driver.quit()


def opened(browser, folder):
    """The page of a simulation, written by the command and loaded."""
    done = folder.command("view")
    assert done.returncode == 0, done.stdout
    file = re.search(r"page: (.*)", done.stdout).group(1)
    browser.get_log("performance")
    browser.get(f"file://{file}")
    WebDriverWait(browser, SECONDS).until(lambda b: b.execute_script("return document.body.dataset.ready === 'yes'"))
    asked = re.findall(r'"url\\?":\\?"(https?:[^"\\]+)', str(browser.get_log("performance")))
    assert asked == [], "nothing is fetched"
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    return browser


def traces(browser):
    """Number of the trace of each kind of thing that has colours: somas, vessels and tetrahedra."""
    kinds = browser.execute_script("return document.getElementById('plot').data.map((t) => t.type + (t.mode || ''))")
    return {"neuron": kinds.index("mesh3d"), "tetrahedron": kinds.index("scatter3dmarkers")}


def move_to(browser, moment):
    """Put the slider to a number of a moment and wait until it is drawn."""
    script = """
    const slider = document.getElementById("time"), plot = document.getElementById("plot"), done = arguments[1];
    let timer = setTimeout(done, 3000);
    plot.on("plotly_restyle", () => { clearTimeout(timer); timer = setTimeout(done, 1000); });
    slider.value = arguments[0];
    slider.dispatchEvent(new Event("input"));
    """
    browser.execute_async_script(script, moment)


def drawn_alone(page, layer):
    """Show one layer only, without axes: pixels of the drawing that have a colour (hue, saturation, value)."""
    for box in page.find_elements(By.CSS_SELECTOR, "#layers label"):
        tick = box.find_element(By.TAG_NAME, "input")
        if tick.is_selected() != (box.text.strip() == layer):
            tick.click()
    page.execute_async_script(
        "Plotly.relayout('plot', {'scene.xaxis.visible': false, 'scene.yaxis.visible': false,"
        " 'scene.zaxis.visible': false}).then(() => setTimeout(arguments[0], 1500))"
    )
    picture = Image.open(io.BytesIO(page.find_element(By.ID, "plot").screenshot_as_png)).convert("RGB")
    # the middle, without buttons and bars of colours
    pixels = rgb_to_hsv(np.asarray(picture)[60:, : picture.width - 200].reshape(-1, 3) / 255)
    return pixels[pixels[:, 1] > 0.2]


def away_from(colour, pixels):
    """Distance of the hues of pixels from that of a colour, 0 to 0.5."""
    return np.abs((pixels[:, 0] - rgb_to_hsv(to_rgb(colour))[0] + 0.5) % 1 - 0.5)


def test_without_a_quantity_a_layer_has_its_own_colour(browser, tiny, tools):
    page = opened(browser, tiny(tools["duration"](100.0)).computed())
    layers = page.execute_script("return JSON.parse(document.getElementById('data').textContent).layers")
    colours = {layer["name"]: layer["colour"] for layer in layers}
    cases = [("neuron", "Neurons", "membrane_potential"), ("vessel", "Vessels", "blood_pressure")]
    for kind, layer, quantity in cases:
        menu = Select(page.find_element(By.ID, f"colour-{kind}"))
        menu.select_by_value(quantity)
        before = away_from(colours[layer], drawn_alone(page, layer))
        menu.select_by_value("")
        after = away_from(colours[layer], drawn_alone(page, layer))
        assert len(before) > 500 and len(after) > 500
        assert np.percentile(before, 75) > 0.06, "a quantity has other colours"
        assert np.percentile(after, 99) < 0.03, f"{layer}: light changes the brightness only"


def test_page_of_a_run(browser, tiny, tools):
    folder = tiny(tools["duration"](200.0)).computed()
    page = opened(browser, folder)
    assert page.find_element(By.TAG_NAME, "header").text.endswith("finished: 200 ms")
    at = traces(page)
    last = int(page.find_element(By.ID, "time").get_attribute("max"))

    before = page.execute_script(COLOURS, at["neuron"])
    move_to(page, last)
    after = page.execute_script(COLOURS, at["neuron"])
    assert page.find_element(By.ID, "moment").text == "200 ms"
    assert before != after, "the slider changes colours"
    _, potential = folder.report("soma_v")
    assert set(np.float32(after)) == set(potential[-1]), "to those of the report"
    assert set(np.float32(before)) == set(potential[0])

    Select(page.find_element(By.ID, "colour-tetrahedron")).select_by_value("extracellular_potassium")
    move_to(page, last)
    _, potassium = folder.report("steps_potassium_after_sync")
    np.testing.assert_array_equal(np.float32(page.execute_script(COLOURS, at["tetrahedron"])), potassium[-1])
    bars = page.find_elements(By.CSS_SELECTOR, "#plot .colorbar")
    assert len(bars) == 3
    assert any("(mM)" in bar.get_attribute("textContent") for bar in bars)

    corners = np.abs(page.execute_script(CORNERS))
    assert corners.max() < 0.9, "the box and, beside it, the letters of its axes are in view"
    assert corners[:, 1].max() > 0.5, "and not small"

    Select(page.find_element(By.ID, "colour-vessel")).select_by_value("flow_change")
    limits = "const q = document.getElementById('plot').data.find((t) => t.colorbar?.title?.text.includes('flow'));"
    WebDriverWait(page, SECONDS).until(lambda b: b.execute_script(f"{limits} return Boolean(q)"))
    low, high, middle = page.execute_script(f"{limits} return [q.cmin, q.cmax, q.colorscale[5]]")
    assert low == -high and middle == [0.5, "rgb(221,220,220)"], "grey stands for no change"
    noted = re.findall(r"-?\d[\d.]*", page.find_element(By.ID, "notes").text.partition("every")[0])
    assert noted and all(len(number.strip("-.").replace(".", "").lstrip("0")) <= 4 for number in noted), noted

    eye = page.execute_script(EYE)
    plot = page.find_element(By.CSS_SELECTOR, "#plot canvas")
    ActionChains(page).move_to_element(plot).click_and_hold().move_by_offset(120, 30).pause(0.5).release().perform()
    WebDriverWait(page, SECONDS).until(lambda b: not np.allclose(b.execute_script(EYE), eye, atol=0.05))
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_page_of_a_circuit_without_results(browser, tiny):
    page = opened(browser, tiny())
    assert page.find_element(By.TAG_NAME, "header").text.endswith("the circuit, without results")
    assert not page.find_element(By.ID, "time").is_displayed()
    assert not page.find_element(By.ID, "colours").is_displayed()
    assert len(page.find_elements(By.CSS_SELECTOR, "#layers input")) >= 4


def watch(folder, tools):
    """``multiscale-run watch`` in the background."""
    command = [tools["program"], "watch", "--every", "0.5", folder.path]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def steps_on_disk(folder):
    try:
        with h5py.File(folder.results / "atpi.h5", locking=False) as file:
            return int(file["report/neurons/data"].attrs["last_written_step"])
    except (OSError, KeyError):
        return -1


def test_watch_from_before_the_run_to_its_end(tiny, tools, compare):
    folder, alone = tiny(tools["duration"](400.0)), tiny(tools["duration"](400.0), name="alone")
    follower = watch(folder, tools)
    time.sleep(3)
    assert follower.poll() is None, "it waits"
    folder.computed()
    printed, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0, printed
    lines = printed.splitlines()
    assert lines[0] == "waiting: there are no results yet"
    assert any(line.startswith("running at ") for line in lines)
    reached = [float(found) for found in re.findall(r"^running at ([\d.]+) of 400 ms", printed, re.MULTILINE)]
    assert reached == sorted(reached)
    assert lines[-1].startswith("finished: 400 ms; ")
    assert f"spikes {len(folder.spikes())};" in lines[-1]
    _, atp = folder.report("atpi")
    assert f"ATP in neurons {atp[-1].mean():.6g} mM" in lines[-1] or f"{atp[-1].astype(float).mean():.5g}" in lines[-1]
    compare(folder, alone.computed())  # the run was not disturbed


def test_watch_of_a_run_that_is_killed(tiny, tools, start):
    folder = tiny(tools["duration"](20_000.0))
    run = start(folder)
    deadline = time.monotonic() + 200
    while steps_on_disk(folder) < 100:
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.3)
    once = folder.command("watch", "--once")
    assert once.returncode == 0, once.stdout
    assert re.search(r"running at \d+ of 20000 ms", once.stdout)
    for fact in ("speed", "time left", "neurons that take part", "ATP in neurons", "radius of vessels"):
        assert fact in once.stdout
    follower = watch(folder, tools)
    time.sleep(4)
    assert follower.poll() is None
    run.send_signal(signal.SIGKILL)
    run.wait(timeout=30)
    printed, _ = follower.communicate(timeout=60)
    assert follower.returncode == 1, printed
    assert re.search(r"^ended at \d+ of 20000 ms, as a run that was killed or crashed", printed, re.MULTILINE)
    once = folder.command("watch", "--once")
    assert once.returncode == 1 and "killed or crashed" in once.stdout


def test_watch_of_what_is_no_run(tiny, tools, tmp_path):
    waiting = tiny().command("watch", "--once")
    assert waiting.returncode == 0 and waiting.stdout.strip() == "waiting: there are no results yet"
    nothing = tools["launch"]("watch", tmp_path / "nowhere")
    assert nothing.returncode == 2 and "nowhere" in nothing.stdout and "Traceback" not in nothing.stdout
