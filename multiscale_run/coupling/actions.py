"""What a connection does with the values that arrive: set, sum or merge."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np


class Action(StrEnum):
    """The three ways of combining a source's values with the destination's."""

    SET = "set"
    SUM = "sum"
    MERGE = "merge"


def set_values(source: np.ndarray, destination: np.ndarray | None, previous: np.ndarray | None) -> np.ndarray:
    """The destination takes the source's values."""
    return source


def sum_values(source: np.ndarray, destination: np.ndarray | None, previous: np.ndarray | None) -> np.ndarray:
    """The destination adds the source's values to its own, or, where its setter accumulates, receives them."""
    return source if destination is None else source + destination


def merge_values(source: np.ndarray, destination: np.ndarray | None, previous: np.ndarray | None) -> np.ndarray:
    """Reconcile a quantity that both simulators have changed since they last agreed.

    Both changes count: new = previous + (source - previous) + (destination - previous). This is first-order (Lie)
    operator splitting of the two right-hand sides. With no previous value the source wins.
    """
    if previous is None or destination is None:
        return source
    return source + destination - previous


ACTIONS: dict[Action, Callable[[np.ndarray, np.ndarray | None, np.ndarray | None], np.ndarray]] = {
    Action.SET: set_values,
    Action.SUM: sum_values,
    Action.MERGE: merge_values,
}
