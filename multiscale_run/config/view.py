"""Attribute access to a configuration for transform expressions: ``config.multiscale_run.steps.conc_factor``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ConfigView:
    """A read-only namespace over nested mappings; lists appear as tuples.

    Args:
        content: keys and values; nested mappings become views themselves.
        place: name of the section, for messages.
    """

    __slots__ = ("_content", "_place")

    def __init__(self, content: Mapping[str, Any], place: str = "config") -> None:
        object.__setattr__(self, "_content", {key: _freeze(value, f"{place}.{key}") for key, value in content.items()})
        object.__setattr__(self, "_place", place)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._content[name]
        except KeyError:
            raise AttributeError(f"{self._place} has no key {name!r}; it has {', '.join(self._content)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self._place}.{name} cannot be set: the configuration is read-only")

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __repr__(self) -> str:
        return f"<{self._place}: {', '.join(self._content)}>"


def _freeze(value: Any, place: str) -> Any:
    if isinstance(value, Mapping):
        return ConfigView(value, place)
    if isinstance(value, list | tuple):
        return tuple(_freeze(item, f"{place}[{i}]") for i, item in enumerate(value))
    return value
