// Drives the page of multiscale-run view: colours the layers by the chosen quantities at the slider's moment.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const plot = document.getElementById("plot");
  const slider = document.getElementById("time");
  // of things without a value, such as excluded neurons; dark where grey stands for 0
  const missing = (quantity) => (quantity.scale === "Coolwarm" ? "#4b535c" : "#c9ced4");
  const ARRAYS = { f4: Float32Array, f8: Float64Array, i4: Int32Array };
  const ROUNDING = 2e-6; // part of the largest value
  const GAP = 0.02; // part of a colour bar that stands for things without a value

  const unpack = ({ dtype, bdata }) => {
    const bytes = Uint8Array.from(atob(bdata), (letter) => letter.charCodeAt(0));
    return new ARRAYS[dtype](bytes.buffer);
  };

  const moments = unpack(data.moments);
  const ids = Object.fromEntries(Object.entries(data.ids).map(([kind, packed]) => [kind, unpack(packed)]));
  const quantities = data.quantities.map((q) => {
    const times = unpack(q.times);
    const values = unpack(q.values);
    return { ...q, times, values, size: values.length / times.length, gaps: values.some(Number.isNaN) };
  });

  // one entry for each trace of plotly: its layer, and what each of its points belongs to
  const traces = [];
  const figure = [];
  for (const layer of data.layers) {
    layer.numbers = [];
    layer.traces.forEach((trace, index) => {
      const owner = layer.owners.length ? unpack(layer.owners[index]) : null;
      layer.numbers.push(figure.length);
      traces.push({ layer, owner, property: { mesh3d: "intensity", lines: "line", markers: "marker" }[trace.mode || trace.type] });
      paint(trace, layer.colour);
      figure.push({ ...trace, visible: layer.visible, hoverinfo: owner ? "none" : "skip" });
    });
  }
  const chosen = {}; // kind -> quantity or undefined

  function paint(trace, colour) {
    if (trace.type === "mesh3d") trace.color = colour;
    else if (trace.mode === "lines") trace.line.color = colour;
    else trace.marker.color = colour;
  }

  /** The last row of a quantity that is not after a moment; the first one before it began. */
  function rowAt(quantity, moment) {
    let low = 0, high = quantity.times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (quantity.times[middle] <= moment + 1e-6) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Values of all things at a moment. */
  function valuesAt(quantity, moment) {
    const row = rowAt(quantity, moment);
    return quantity.values.subarray(row * quantity.size, (row + 1) * quantity.size);
  }

  /** Values of the points of a trace; NaN is put below the range, where the scale is grey. */
  function ofPoints(owner, quantity, values) {
    const low = lowest(quantity);
    const result = new Float32Array(owner.length);
    for (let i = 0; i < owner.length; i++) {
      const value = values[owner[i]];
      result[i] = Number.isNaN(value) ? low : value;
    }
    return result;
  }

  function lowest({ limits: [low, high], gaps }) {
    return gaps ? low - (GAP / (1 - GAP)) * (high - low) : low;
  }

  /** The colour at a place of a map, 0 to 1. */
  function colourAt(colours, place) {
    const exact = Math.min(Math.max(place, 0), 1) * (colours.length - 1);
    const below = Math.min(Math.floor(exact), colours.length - 2);
    const channel = (colour, k) => parseInt(colour.slice(1 + 2 * k, 3 + 2 * k), 16);
    const mixed = (k) => channel(colours[below], k) + (exact - below) * (channel(colours[below + 1], k) - channel(colours[below], k));
    return `rgb(${[0, 1, 2].map((k) => Math.round(mixed(k))).join(",")})`;
  }

  /** The part of a map of colours that a quantity needs, with a grey part below it where values are missing. */
  function scaleOf(quantity) {
    const colours = COLOURS[quantity.scale];
    const [first, last] = quantity.part;
    const start = quantity.gaps ? GAP : 0;
    const stops = colours.map((_, i) => {
      const place = i / (colours.length - 1);
      return [start + (1 - start) * place, colourAt(colours, first + (last - first) * place)];
    });
    return quantity.gaps ? [[0, missing(quantity)], [GAP, missing(quantity)], ...stops] : stops;
  }

  /** Sizes of points, the low ones small: many points in space hide each other. */
  function sizes(values, { limits: [low, high] }) {
    return Array.from(values, (value) => 1 + 7 * Math.min(Math.max((value - low) / (high - low), 0), 1));
  }

  function barOf(quantity, place, places) {
    const length = 1 / Math.max(places, 2);
    const unit = quantity.unit ? ` (${quantity.unit})` : "";
    return {
      title: { text: wrapped(quantity.label) + unit, font: { size: 14 }, side: "top" },
      tickfont: { size: 13 }, thickness: 16, len: 0.92 * length, lenmode: "fraction", outlinewidth: 0,
      x: 1.01, xanchor: "left", y: 1 - (place + 0.5) * length, yanchor: "middle", exponentformat: "power",
    };
  }

  /** A label in lines of some twenty letters. */
  function wrapped(text) {
    const lines = [""];
    for (const word of text.split(" ")) {
      if (lines.at(-1) && lines.at(-1).length + word.length > 22) lines.push("");
      lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
    }
    return lines.join("<br>");
  }

  /** The settings of one trace for a quantity, or for none. */
  function settings(trace, quantity, bar) {
    const values = quantity && ofPoints(trace.owner, quantity, valuesAt(quantity, moment()));
    const isMesh = trace.property === "intensity";
    let shown = { showscale: false };
    if (quantity) shown = { colorscale: [scaleOf(quantity)], cmin: lowest(quantity), cmax: quantity.limits[1], showscale: bar !== null, colorbar: bar };
    else if (isMesh) shown = { ...shown, colorscale: [[[0, trace.layer.colour], [1, trace.layer.colour]]], cmin: 0, cmax: 1 };
    const prefix = isMesh ? "" : `${trace.property}.`;
    const update = Object.fromEntries(Object.entries(shown).map(([key, value]) => [prefix + key, value]));
    // plotly keeps the colours of a mesh that loses its intensities: it gets a scale of one colour instead
    if (isMesh) update.intensity = [values || new Float32Array(trace.owner.length)];
    else update[`${prefix}color`] = quantity ? [values] : trace.layer.colour;
    // plotly draws one size for all points larger than the same size for each
    if (trace.property === "marker") update["marker.size"] = [quantity ? sizes(values, quantity) : Array(trace.owner.length).fill(2)];
    return update;
  }

  function moment() {
    return moments[slider.valueAsNumber];
  }

  /** Colours all layers by the chosen quantities anew, scales and bars included. */
  async function recolour() {
    const active = data.layers.filter((layer) => chosen[layer.kind] && layer.visible);
    for (const layer of data.layers.filter((each) => each.kind)) {
      const quantity = chosen[layer.kind];
      for (const number of layer.numbers) {
        const place = active.indexOf(layer);
        const hasBar = place >= 0 && number === layer.numbers.at(-1);
        const bar = quantity && hasBar ? barOf(quantity, place, active.length) : null;
        await Plotly.restyle(plot, settings(traces[number], quantity, bar), [number]);
      }
    }
    notes();
  }

  /** Only the values of the moment: what the slider does. */
  async function moveTo() {
    label();
    const jobs = { intensity: [[], []], "line.color": [[], []], "marker.color": [[], []], "marker.size": [[], []] };
    const set = (key, number, array) => { jobs[key][0].push(array); jobs[key][1].push(number); };
    traces.forEach((trace, number) => {
      const quantity = trace.owner && trace.layer.visible && chosen[trace.layer.kind];
      if (!quantity) return;
      const values = ofPoints(trace.owner, quantity, valuesAt(quantity, moment()));
      set(trace.property === "intensity" ? "intensity" : `${trace.property}.color`, number, values);
      if (trace.property === "marker") set("marker.size", number, sizes(values, quantity));
    });
    for (const [key, [arrays, numbers]] of Object.entries(jobs)) {
      if (numbers.length) await Plotly.restyle(plot, { [key]: arrays }, numbers);
    }
  }

  let busy = null;
  let again = false;
  /** Draws the slider's moment; while it is drawn, later wishes are gathered into one. */
  function redraw() {
    if (busy) { again = true; return busy; }
    busy = moveTo().then(() => {
      busy = null;
      if (again) { again = false; return redraw(); }
    });
    return busy;
  }

  /** A number with some significant digits, small ones with an exponent. */
  function number(value, digits = 6) {
    const short = Number(value.toPrecision(digits));
    return short !== 0 && Math.abs(short) < 1e-3 ? value.toExponential(3) : short.toString();
  }

  /** A value of a quantity; what is tiny beside its largest values is the rounding of a 0. */
  function valueText(quantity, value, digits) {
    const largest = Math.max(...quantity.extremes.map(Math.abs));
    return number(Math.abs(value) < ROUNDING * largest ? 0 : value, digits);
  }

  function rangeText(quantity, range) {
    return range.map((value) => valueText(quantity, value, 4)).join(" to ");
  }

  function withUnit(text, { unit }) {
    return unit ? `${text} ${unit}` : text;
  }

  function label() {
    document.getElementById("moment").textContent = `${number(moment())} ms`;
  }

  function notes() {
    const texts = [];
    for (const q of Object.values(chosen).filter(Boolean)) {
      if (q.every > 1) texts.push(`${q.label}: every ${q.every}th moment of the report.`);
      const beyond = Math.max(q.extremes[1] - q.limits[1], q.limits[0] - q.extremes[0]);
      if (beyond > 0.02 * (q.limits[1] - q.limits[0]))
        texts.push(`${q.label}: from ${withUnit(rangeText(q, q.extremes), q)}; colours from ${rangeText(q, q.limits)}.`);
      if (q.gaps) texts.push(`${q.label}: ${q.scale === "Coolwarm" ? "dark " : ""}grey where there is no value.`);
    }
    document.getElementById("notes").replaceChildren(...texts.map((text) => element("p", { textContent: text })));
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function addColourMenus() {
    for (const [kind, title] of Object.entries(data.titles)) {
      const offered = quantities.filter((q) => q.kind === kind);
      if (!offered.length) continue;
      const option = (value, text) => element("option", { value, textContent: text });
      const menu = element("select", { id: `colour-${kind}` }, option("", "none"), ...offered.map((q) => option(q.key, q.label)));
      menu.value = offered.some((q) => q.key === data.first[kind]) ? data.first[kind] : "";
      const choose = () => { chosen[kind] = offered.find((q) => q.key === menu.value); };
      choose();
      menu.addEventListener("change", () => {
        choose();
        for (const layer of data.layers) if (layer.kind === kind && chosen[kind] && !layer.visible) layer.box.click();
        recolour();
      });
      document.getElementById("colours").append(element("label", { className: "colour" }, title, menu));
    }
  }

  function addLayerBoxes() {
    for (const layer of data.layers) {
      layer.box = element("input", { type: "checkbox", checked: layer.visible });
      layer.box.addEventListener("change", async () => {
        layer.visible = layer.box.checked;
        await Plotly.restyle(plot, { visible: layer.visible }, layer.numbers);
        if (layer.kind) recolour();
      });
      const swatch = element("span", { className: "swatch" });
      swatch.style.background = layer.colour;
      document.getElementById("layers").append(element("label", {}, layer.box, " ", swatch, layer.name));
    }
  }

  function pointAt(event) {
    const { curveNumber, pointNumber } = event.points[0];
    const { layer, owner } = traces[curveNumber];
    if (!owner) return;
    const thing = owner[pointNumber];
    const quantity = chosen[layer.kind];
    const value = quantity && valuesAt(quantity, moment())[thing];
    const told = !quantity ? "" : Number.isNaN(value) ? ": no value" : `: ${quantity.label} ${withUnit(valueText(quantity, value), quantity)}`;
    const under = document.getElementById("under");
    under.textContent = `${layer.kind} ${ids[layer.kind][thing]}${told}`;
    under.hidden = false;
  }

  let playing = null;
  function play() {
    const button = document.getElementById("play");
    if (playing) { clearTimeout(playing); playing = null; button.textContent = "Play"; return; }
    if (slider.valueAsNumber >= moments.length - 1) slider.value = 0;
    let last = performance.now();
    let now = moment();
    button.textContent = "Pause";
    const step = async () => {
      const clock = performance.now();
      now += ((clock - last) / 1000) * Number(document.getElementById("speed").value);
      last = clock;
      let next = slider.valueAsNumber;
      while (next < moments.length - 1 && moments[next + 1] <= now) next++;
      if (next !== slider.valueAsNumber) { slider.value = next; await redraw(); }
      if (!playing) return;
      if (next >= moments.length - 1) { play(); return; }
      playing = setTimeout(step, 30);
    };
    playing = setTimeout(step, 0);
  }

  // colour maps of matplotlib (CC0), eleven colours each
  const COLOURS = {
    Viridis: ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"],
    Cividis: ["#00224e", "#083370", "#35456c", "#4f576c", "#666970", "#7d7c78", "#948e77", "#aea371", "#c8b866", "#e5cf52", "#fee838"],
    Plasma: ["#0d0887", "#41049d", "#6a00a8", "#8f0da4", "#b12a90", "#cc4778", "#e16462", "#f2844b", "#fca636", "#fcce25", "#f0f921"],
    Coolwarm: ["#3b4cc0", "#5977e3", "#7b9ff9", "#9ebeff", "#c0d4f5", "#dddcdc", "#f2cbb7", "#f7ac8e", "#ee8468", "#d65244", "#b40426"],
  };

  const axis = (title) => ({ title: { text: `${title} (µm)` }, showbackground: false, gridcolor: "#e6e9ec", zeroline: false, color: "#57606a" });
  const layout = {
    margin: { l: 0, r: 190, t: 40, b: 8 }, showlegend: false, uirevision: "keep", paper_bgcolor: "#fff",
    font: { family: "system-ui, Arial, DejaVu Sans, sans-serif", size: 12, color: "#1b1f24" },
    scene: { aspectmode: "data", dragmode: "orbit", xaxis: axis("x"), yaxis: axis("y"), zaxis: axis("z"),
             camera: { center: { x: 0, y: -0.1, z: 0 }, eye: { x: 1.7, y: 0.55, z: 1.7 }, up: { x: 0, y: 1, z: 0 } } },
  };

  const BUTTONS = ["toImage", "zoom3d", "pan3d", "orbitRotation", "tableRotation", "resetCameraDefault3d"];

  async function start() {
    slider.max = moments.length - 1;
    addColourMenus();
    addLayerBoxes();
    label();
    await Plotly.newPlot(plot, figure, layout, { responsive: true, displaylogo: false, scrollZoom: true, modeBarButtons: [BUTTONS] });
    plot.on("plotly_hover", pointAt);
    plot.on("plotly_unhover", () => { document.getElementById("under").hidden = true; });
    slider.addEventListener("input", redraw);
    document.getElementById("play").addEventListener("click", play);
    await recolour();
    document.body.dataset.ready = "yes"; // for tests and scripts
  }

  start();
})();
