"""The web page: what is drawn and its colours over time, in one file with plotly's library in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from mpi_coupling.atomic import write_in_one_step, writing
from mpi_coupling.console import get_logger
from mpi_coupling.failure import UserError
from multiscale_run import __version__
from multiscale_run.analysis import Results
from multiscale_run.analysis.sites import NEURON, TETRAHEDRON, VESSEL, Sites
from multiscale_run.config import SimulationConfig
from multiscale_run.output_folder import has_results
from multiscale_run.view.anatomy import Anatomy, Share, read_anatomy
from multiscale_run.view.shapes import Lines, Triangles
from multiscale_run.view.values import Colours, read_colours

PAGE = "view.html"
LIMIT = 20_000
"""Most points of neurites, vessel segments and tetrahedra that a page draws, each."""
_TEMPLATES = resources.files("multiscale_run") / "templates"

SCALES = {NEURON: "Viridis", VESSEL: "Cividis", TETRAHEDRON: "Plasma"}
"""Colour scales that colour-blind readers can read, a different one for each kind."""
SIGNED_SCALE = "Coolwarm"
"""Of quantities with two directions, as in the report; grey stands for 0."""
FIRST = {NEURON: "membrane_potential", VESSEL: "radius_change", TETRAHEDRON: ""}
"""The quantity that a page shows when it is opened."""
TITLES = {NEURON: "Neurons", VESSEL: "Vessels", TETRAHEDRON: "Extracellular space"}
_STILL = {"hoverinfo": "skip", "showlegend": False}
_LIGHT = {"ambient": 0.65, "diffuse": 0.6, "specular": 0.1, "roughness": 0.8}

log = get_logger(__name__)


@dataclass(frozen=True)
class Layer:
    """Something that can be shown or hidden.

    Attributes:
        name: in words.
        traces: of plotly.
        colour: where it has no quantity.
        kind: of the quantities that colour it; empty for none.
        owners: number of the thing that each point of each trace belongs to.
        visible: whether it is shown when the page is opened.
    """

    name: str
    traces: Sequence[dict[str, Any]]
    colour: str
    kind: str = ""
    owners: Sequence[np.ndarray] = ()
    visible: bool = True


def write_page(config: SimulationConfig, output: Path | None = None, limit: int = LIMIT) -> tuple[Path, list[Share]]:
    """Write the page of a simulation, with its results if there are any.

    Args:
        config: of the simulation.
        output: the file; None: ``view.html`` in the simulation's folder.
        limit: most points of neurites, vessel segments and tetrahedra that are drawn, each.

    Returns:
        The file written, and how much of everything it shows.

    Raises:
        UserError: circuit or results cannot be read, plotly is missing, or the file cannot be written; nothing is then.
    """
    library = _plotly_library()
    output = output or config.folder / PAGE
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise UserError(f"{output}: cannot be written there; name a file in a folder that exists")
    results = Results(config.file) if has_results(config) else None
    anatomy = read_anatomy(config, results.sites if results else Sites(config), limit)
    colours = read_colours(results, _ids(anatomy)) if results else []
    for reason in results.unreadable if results else ():
        log.warning("%s", reason)
    with writing(output, "name another file with --output"):
        write_in_one_step(output, _render(config.folder.name, library, anatomy, colours, _state(results)))
    return output, shares(anatomy)


def shares(anatomy: Anatomy) -> list[Share]:
    """How much of everything is drawn."""
    cells = [group for group in (anatomy.neurons, anatomy.astrocytes) if group]
    return [share for group in cells for share in group.shares] + [
        part.share for part in (anatomy.vessels, anatomy.tissue) if part
    ]


def _ids(anatomy: Anatomy) -> dict[str, np.ndarray]:
    parts = {NEURON: anatomy.neurons, VESSEL: anatomy.vessels, TETRAHEDRON: anatomy.tissue}
    return {kind: part.ids for kind, part in parts.items() if part}


def _state(results: Results | None) -> str:
    return str(results.state) if results else "the circuit, without results"


def _plotly_library() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise UserError("view needs plotly; install it: pip install 'multiscale-run[view]'") from error
    return get_plotlyjs()


def _render(name: str, library: str, anatomy: Anatomy, colours: Sequence[Colours], state: str) -> str:
    template = jinja2.Template((_TEMPLATES / "view.html.jinja").read_text(encoding="utf-8"), autoescape=True)
    return template.render(
        title=f"multiscale-run: {name}",
        name=name,
        state=state,
        shares=[str(share) for share in shares(anatomy)],
        version=__version__,
        has_results=bool(colours),
        library=Markup(library),
        script=Markup((_TEMPLATES / "view.js").read_text(encoding="utf-8")),
        data=Markup(json.dumps(page_data(anatomy, colours)).replace("</", "<\\/")),
    )


def page_data(anatomy: Anatomy, colours: Sequence[Colours]) -> dict[str, Any]:
    """What the page's script reads: layers, quantities and the moments of the slider; arrays are packed."""
    moments = [np.round(c.times, 6) for c in colours]
    return {
        "layers": [_layer(layer) for layer in layers(anatomy)],
        "ids": {kind: packed(ids.astype("i4")) for kind, ids in _ids(anatomy).items()},
        "quantities": [_quantity(c) for c in colours],
        "moments": packed(np.unique(np.concatenate(moments)) if moments else np.zeros(1)),
        "titles": TITLES,
        "first": FIRST,
    }


def layers(anatomy: Anatomy) -> list[Layer]:
    """What can be shown and hidden, back to front."""
    neurons, glia, vessels, tissue = anatomy.neurons, anatomy.astrocytes, anatomy.vessels, anatomy.tissue
    owners = [neurons.neurites.owner, neurons.somas.owner]
    found = [Layer("Neurons", [_lines(neurons.neurites), _surface(neurons.somas)], "#56707f", NEURON, owners)]
    if glia:
        found.append(Layer("Astrocytes", [_lines(glia.neurites, 1.5), _surface(glia.somas)], "#009e73"))
    if anatomy.endfeet:
        found.append(Layer("Endfeet", [_surface(anatomy.endfeet, 0.55)], "#e69f00"))
    if vessels:
        found.append(Layer("Vessels", [_surface(vessels.tubes)], "#b5483a", VESSEL, [vessels.tubes.owner]))
    if tissue:
        numbers = np.arange(len(tissue.ids), dtype="i4")
        found.append(Layer("Tetrahedra", [_points(tissue.barycentres)], "#9aa4ad", TETRAHEDRON, [numbers], False))
        found.append(Layer("Outline of the mesh", [_lines(tissue.outline, 1.5)], "#8b949e"))
    return found


def packed(values: np.ndarray) -> dict[str, Any]:
    """An array as plotly takes it: type, shape and its bytes in base64, little-endian."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    shape = ", ".join(map(str, values.shape))
    return {"dtype": little.dtype.str[1:], "bdata": base64.b64encode(little.tobytes()).decode(), "shape": shape}


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "traces": list(layer.traces),
        "colour": layer.colour,
        "kind": layer.kind,
        "owners": [packed(owner.astype("i4")) for owner in layer.owners],
        "visible": layer.visible,
    }


def _quantity(c: Colours) -> dict[str, Any]:
    return {
        "key": c.key,
        "kind": c.kind,
        "label": c.label,
        "unit": c.unit,
        "times": packed(np.round(c.times, 6)),
        "values": packed(c.values.astype("f4").ravel()),
        "limits": c.limits,
        "scale": SIGNED_SCALE if c.is_signed else SCALES[c.kind],
        "part": c.part,
        "extremes": [float(np.nanmin(c.values)), float(np.nanmax(c.values))] if np.isfinite(c.values).any() else [0, 0],
        "every": c.every,
    }


def _places(points: np.ndarray) -> dict[str, Any]:
    return {axis: packed(points[:, k].astype("f4")) for k, axis in enumerate("xyz")}


def _lines(lines: Lines, width: float = 2.5) -> dict[str, Any]:
    return {"type": "scatter3d", "mode": "lines", "line": {"width": width}, **_places(lines.points), **_STILL}


def _points(points: np.ndarray) -> dict[str, Any]:
    marker = {"size": 2, "symbol": "circle", "line": {"width": 0}}
    return {"type": "scatter3d", "mode": "markers", "marker": marker, **_places(points), **_STILL}


def _surface(surface: Triangles, opacity: float = 1.0) -> dict[str, Any]:
    corners = {axis: packed(surface.corners[:, k].astype("i4")) for k, axis in enumerate("ijk")}
    look = {"opacity": opacity, "flatshading": False, "lighting": _LIGHT}
    return {"type": "mesh3d", **_places(surface.points), **corners, **look, **_STILL}
