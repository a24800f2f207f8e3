"""Formulas as MathML, which browsers draw themselves: pages need no script and no network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def draw(as_block: bool, translator: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula of the page."""
    formula = tex2mathml(node.astext(), as_block=as_block)
    translator.body.append(f'<div class="math">{formula}</div>' if as_block else formula)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this."""
    app.add_html_math_renderer(
        "mathml",
        (lambda translator, node: draw(False, translator, node), None),
        (lambda translator, node: draw(True, translator, node), None),
    )
    return {"parallel_read_safe": True}
