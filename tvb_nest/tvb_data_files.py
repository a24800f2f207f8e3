"""Files of the package tvb-data by name; the package is found without being imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TVB_DATA = "tvb_data"
CONNECTOMES, SENSORS, PROJECTIONS, MAPPINGS = "connectivity", "sensors", "projectionMatrix", "regionMapping"
"""Folders of the package."""

ENDINGS = ("", ".zip", ".txt", ".txt.bz2", ".npy", ".mat")


def tvb_data_folder(folder: str) -> Path | None:
    """A folder of the package; None where it is not installed."""
    package = importlib.util.find_spec(TVB_DATA)
    return None if package is None or package.origin is None else Path(package.origin).parent / folder


def tvb_data_file(folder: str, name: str) -> Path | None:
    """A file of the package by its name, with or without ending; None where there is none."""
    place = tvb_data_folder(folder)
    if place is None or Path(name).name != name:
        return None
    return next((path for path in (place / f"{name}{ending}" for ending in ENDINGS) if path.is_file()), None)


def tvb_data_names(folder: str) -> list[str]:
    """Names of the files in a folder of the package, without ending."""
    place = tvb_data_folder(folder)
    files = () if place is None else place.iterdir()
    return sorted({path.name.partition(".")[0] for path in files if path.name.endswith(ENDINGS[1:])})
