"""Pictures in docs that a change of the program makes wrong."""

import re
from pathlib import Path

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def labels(drawing: Path) -> list[str]:
    """Matplotlib draws letters as paths and writes each text into a comment."""
    return re.findall(r"<!-- (.*) -->", drawing.read_text())


def test_connections_are_those_that_init_writes(tools, tiny_template, tmp_path):
    drawing = tmp_path / "connections.svg"
    done = tools["launch"]("connections", "--svg", drawing, tiny_template)
    assert done.returncode == 0, done.stdout
    assert len(labels(drawing)) > 20
    remedy = "multiscale-run connections --svg docs/images/connections.svg my-simulation"
    assert labels(IMAGES / "connections.svg") == labels(drawing), remedy
