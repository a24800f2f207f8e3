"""Writing parameter.json, and describing what may be in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from mpi_coupling.settings.json_file import merge
from mpi_coupling.settings.problems import value_at
from tvb_nest.parameters.links import link_table
from tvb_nest.parameters.loading import Parameters, unlinked
from tvb_nest.parameters.parameter_set import KeyInfo, ParameterSet, keys


def write_parameters(parameters: Parameters, resolved: bool = True) -> None:
    """Write a parameter file, readable to the original too.

    Args:
        parameters: the content, and the file that it goes to.
        resolved: write all keys, linked ones too, and the path of the results; otherwise what the user gave.
    """
    document: Mapping[str, Any] = parameters.given
    if resolved:
        # the original appends names to it
        document = {**parameters.resolved.document(), "result_path": f"{parameters.result_folder}/"}
    parameters.file.parent.mkdir(parents=True, exist_ok=True)
    parameters.file.write_text(format_document(document), encoding="utf-8")


def format_document(document: Mapping[str, Any]) -> str:
    """Lay a parameter file out: sections and keys in the order of the schema, one key on a line."""
    order = {name: number for number, name in enumerate(ParameterSet.model_fields)}
    lines = []
    for name in sorted(document, key=lambda name: order[name]):
        lines.append(f"{json.dumps(name)}: {_format_section(document[name])}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def editable(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with the defaults of all keys that a user may change."""
    return merge(unlinked(ParameterSet().document()), document)


def fingerprint(parameters: Parameters) -> str:
    """Tells parameters and the content of the user's files that they name apart, wherever their results go."""
    document = {**parameters.resolved.document(), "result_path": ""}
    digest = hashlib.sha256(format_document(document).encode())
    for file in parameters.named_files():
        digest.update(file.read_bytes())
    return digest.hexdigest()


def schema() -> dict[str, Any]:
    """The JSON schema of a parameter file; the description of a linked key ends with what it is linked to."""
    content = ParameterSet.model_json_schema(by_alias=True)
    for link in link_table():
        field = _schema_of(content, link.path)
        del field["default"]
        field["description"] += f" Linked to {link.source}."
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **content}


def key_table(parameters: Parameters) -> Iterator[tuple[KeyInfo, Any]]:
    """All keys with their resolved values; ABSENT where there is none."""
    document = parameters.resolved.document()
    return ((info, value_at(document, info.path)) for info in keys())


def _format_section(value: Any) -> str:
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False)
    lines = (f"  {json.dumps(name)}: {json.dumps(item, ensure_ascii=False)}" for name, item in value.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _schema_of(content: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    """The part of a schema that describes a key."""
    node: Any = content
    for part in place:
        model = content["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        node = model["properties"][part]
    found: dict[str, Any] = node
    return found
