"""Any value at any place: a configuration is read, or refused with problems that name the place; never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from multiscale_run.config import ConfigError, default_config, load_config

Write = Callable[..., Path]

VALUES = [None, True, -1, 1e400, 3.5, "x", "${x}", "${", [], {}, [{}], {"a": {}}, [[None]]]


OPTIONS = {"with_steps": True, "with_bloodflow": True}


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a configuration, but of a list and of reports only the first entry, the others are like it."""
    items = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    alike = isinstance(node, list) or path in (("reports",), ("multiscale_run", "reports", "metabolism"))
    for key, value in items[:1] if alike else items:
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("value", VALUES, ids=[json.dumps(value) for value in VALUES])
def test_any_value_at_any_place(write: Write, value: object) -> None:
    outcomes = {True: 0, False: 0}
    for path in places(default_config(**OPTIONS)):
        if path[0] in ("inputs", "conditions"):  # SONATA's own, read by neurodamus
            continue
        folder = write({path: value}, **OPTIONS)
        try:
            load_config(folder)
        except ConfigError as error:
            assert error.problems, path
            assert all(len(str(problem)) < 600 for problem in error.problems), path
            outcomes[False] += 1
        else:
            outcomes[True] += 1
    assert min(outcomes.values()) > 10, outcomes


@pytest.mark.parametrize("content", [{}, {"multiscale_run": None}, {"multiscale_run": {}}, {"run": []}])
def test_almost_nothing(tmp_path: Path, content: dict[str, Any]) -> None:
    (tmp_path / "simulation_config.json").write_text(json.dumps(content))
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert all("simulation_config.json: " in str(problem) for problem in caught.value.problems)
