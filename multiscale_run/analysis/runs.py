"""Several runs at once: the same question to each, and what those say that cannot answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from mpi_coupling.failure import UserError
from multiscale_run.analysis.errors import NoData
from multiscale_run.analysis.results import Results

T = TypeVar("T")


@dataclass(frozen=True)
class Answers(Generic[T]):
    """What runs have to say.

    Attributes:
        found: name of the run -> its answer, of those that have one.
        missing: name of the run -> why it has none.
    """

    found: Mapping[str, T]
    missing: Mapping[str, str]

    @property
    def reason(self) -> str:
        """Why some runs have no answer; empty where all have one."""
        if not self.found:
            return "; ".join(dict.fromkeys(self.missing.values()))
        return "; ".join(f"{name}: {reason}" for name, reason in self.missing.items())


class Runs(dict[str, Results]):
    """Results by a name that tells them apart.

    Args:
        results: of the run that is looked at.
        other: of the one that it is compared with, if any.
    """

    def __init__(self, results: Results, other: Results | None = None) -> None:
        if other is None:
            super().__init__({results.name: results})
            return
        one, two = results.config.folder, other.config.folder
        names = (one.name, two.name) if one.name != two.name else (str(one), str(two))
        if one == two:
            names = (results.config.file.name, other.config.file.name)
        super().__init__(zip(names, (results, other), strict=True))

    def ask(self, question: Callable[[Results], T]) -> Answers[T]:
        """Put a question to every run; one may raise a ``UserError``."""
        found: dict[str, T] = {}
        missing: dict[str, str] = {}
        for name, results in self.items():
            try:
                found[name] = question(results)
            except UserError as error:  # no data, or a mesh or circuit that is no longer there
                missing[name] = str(error)
        return Answers(found, missing)

    def need(self, question: Callable[[Results], T]) -> Answers[T]:
        """As :meth:`ask`, for what a section cannot do without.

        Raises:
            NoData: no run has an answer.
        """
        answers = self.ask(question)
        if not answers.found:
            raise NoData(answers.reason)
        return answers
