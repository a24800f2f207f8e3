"""Pages with every key of the two programs' settings, made from the typed models that read them."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx

INTRODUCTION = "*Made from the typed models that read the file; a key that is not here is an error.*"
PAGES = {
    "configuration": (
        "Configuration of multiscale-run",
        "multiscale_run",
        "`simulation_config.json` is a SONATA simulation configuration with the section `multiscale_run`.",
    ),
    "parameters": (
        "Parameters of tvb-nest",
        "",
        "`parameter.json`. Keys whose default is *linked* follow from others; see `tvb-nest params --links`.",
    ),
}
"""File -> title, key path of the model, what it is."""


def write_pages(app: Sphinx) -> None:
    """Write the pages into ``generated/``, before Sphinx looks for pages."""
    from multiscale_run.config.schema import MultiscaleRun
    from tvb_nest.parameters.parameter_set import ParameterSet

    folder = Path(app.srcdir) / "generated"
    folder.mkdir(exist_ok=True)
    for (name, (title, path, what)), model in zip(PAGES.items(), (MultiscaleRun, ParameterSet), strict=True):
        text = "\n".join([f"# {title}", "", what, "", INTRODUCTION, "", *sections(model, path)])
        file = folder / f"{name}.md"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def sections(model: type[BaseModel], path: str) -> Iterator[str]:
    """Lines of a model: its own keys as a table, then each section inside it."""
    inner: dict[str, type[BaseModel]] = {}
    rows = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        here = f"{path}.{key}" if path else key
        found = dict(models_in(field.annotation, here))
        inner |= found
        if here not in found:
            rows.append(row(key, field))
    yield from ([f"## `{path}`", ""] if path else [])
    if path and model.__doc__:
        yield from (model.__doc__.strip().splitlines()[0], "")
    if rows:
        yield from ("| key | default | unit | meaning |", "|---|---|---|---|", *rows, "")
    for here, section in inner.items():
        yield from sections(section, here)


def models_in(annotation: Any, path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models that an annotation leads to, with their key paths: ``path``, ``path.<name>``, ``path[]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield path, annotation
        return
    container = typing.get_origin(annotation)
    suffix = {dict: ".<name>", list: "[]", tuple: "[]"}.get(container, "")
    for part in typing.get_args(annotation):
        yield from models_in(part, path + suffix)


def row(key: str, field: FieldInfo) -> str:
    """A key's line of the table."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    bounds = [f"{name} {value}" for name, value in bounds_of(field)]
    meaning = (field.description or "") + (f" ({', '.join(bounds)})" if bounds else "")
    cells = (f"`{key}`", default_of(field), str(extra.get("unit", "")), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def bounds_of(field: FieldInfo) -> Iterator[tuple[str, Any]]:
    """Limits of a number or a length, in words of mathematics."""
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "min_length": "at least", "max_length": "at most"}
    for limit in field.metadata:
        for name, sign in signs.items():
            if getattr(limit, name, None) is not None:
                yield sign, getattr(limit, name)


def default_of(field: FieldInfo) -> str:
    """The default as JSON would have it."""
    if field.default_factory is not None:
        value = field.default_factory()  # type: ignore[call-arg]
    elif field.default is PydanticUndefined:
        return "*must be given*"
    else:
        value = field.default
    if value is None:
        return "null, or *linked*" if "linked" in str(field.json_schema_extra) else "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if len(text) < 60 else f"`{text[:56]}...`"


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
