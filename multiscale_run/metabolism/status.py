"""How the integration of a cell can end."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How the integration of one cell ended; everything from NOT_FINITE_INPUT on is a failure."""

    OK = 0
    INACTIVE = 1
    NOT_FINITE_INPUT = 2
    NEGATIVE_INPUT = 3
    STEP_TOO_SMALL = 4
    TOO_MANY_STEPS = 5
    NOT_FINITE_RESULT = 6
    NEGATIVE_RESULT = 7
    SINGULAR = 8

    @property
    def meaning(self) -> str:
        """The status in words."""
        return _MEANINGS[self]


_MEANINGS = {
    Status.OK: "advanced",
    Status.INACTIVE: "left out by the caller",
    Status.NOT_FINITE_INPUT: "its state or inputs are not finite",
    Status.NEGATIVE_INPUT: "a concentration is negative before the step",
    Status.STEP_TOO_SMALL: "the step size became too small: the equations are singular near this state",
    Status.TOO_MANY_STEPS: "too many steps were needed",
    Status.NOT_FINITE_RESULT: "the result is not finite",
    Status.NEGATIVE_RESULT: "a concentration became negative",
    Status.SINGULAR: "the linear systems of the implicit steps are singular",
}
