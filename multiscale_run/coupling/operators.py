"""Operators: how values travel from one domain to another.

A simulator contributes the operators it knows (a neuron's segments average to the neuron, a current per segment sums
into tetrahedra); :class:`Transfers` finds the path between any two domains, so no code is written per pair of
simulators.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import scipy.sparse as sparse

from mpi_coupling.world import World
from multiscale_run.coupling.domains import Domain


@dataclass(frozen=True)
class Sample:
    """Values read from a simulator, on their way to another.

    Attributes:
        values: the quantity at each site, shape (sites,).
        domain: name of the domain the sites belong to.
        weights: what each site counts for (area, volume), shape (sites,); None: all alike.
    """

    values: np.ndarray
    domain: str
    weights: np.ndarray | None = None

    @property
    def amounts(self) -> np.ndarray:
        """Values times weights: what a sum over sites adds up."""
        return self.values if self.weights is None else self.values * self.weights


class Reduction(StrEnum):
    """How an operator combines several source sites into one target site."""

    MEAN = "mean"
    SUM = "sum"


@dataclass(frozen=True)
class Operator:
    """A sparse linear map between two domains.

    Attributes:
        source: name of the domain it reads.
        target: name of the domain it writes.
        matrix: shape (target sites, source sites) on this rank.
        reduction: ``mean`` divides by the weights that arrived, ``sum`` adds amounts.
        over_ranks: add the partial results of all ranks (a distributed source, a replicated target).
    """

    source: str
    target: str
    matrix: sparse.csr_matrix
    reduction: Reduction
    over_ranks: bool = False

    def apply(self, sample: Sample, world: World) -> Sample:
        """Carry a sample to the target domain. Collective when ``over_ranks``.

        A target site that no source site reaches becomes NaN under ``mean`` and 0 under ``sum``.
        """
        arrived = self.matrix @ sample.amounts
        if self.over_ranks:
            arrived = world.sum_ordered(arrived)
        if self.reduction is Reduction.SUM:
            return Sample(arrived, self.target)
        weights = self.matrix @ (np.ones(len(sample.values)) if sample.weights is None else sample.weights)
        if self.over_ranks:
            weights = world.sum_ordered(weights)
        values = np.divide(arrived, weights, out=np.full(len(arrived), np.nan), where=weights != 0)
        return Sample(values, self.target)


def grouping(source: str, target: str, owner: np.ndarray, n_targets: int, reduction: Reduction) -> Operator:
    """The operator that combines sites which belong to one owner each, such as segments to their neuron.

    Args:
        source: domain of the sites.
        target: domain of the owners.
        owner: local index of each site's owner, shape (sites,).
        n_targets: number of owners on this rank.
        reduction: mean or sum.
    """
    n_sources = len(owner)
    matrix = sparse.csr_matrix((np.ones(n_sources), (owner, np.arange(n_sources))), shape=(n_targets, n_sources))
    return Operator(source, target, matrix, reduction)


class Transfers:
    """All domains and operators of a run, and the paths between them.

    Args:
        world: the ranks.
        domains: by name.
        operators: every known step from one domain to another.
    """

    def __init__(self, world: World, domains: Mapping[str, Domain], operators: Iterable[Operator]) -> None:
        self._world = world
        self.domains = dict(domains)
        self._from: dict[str, list[Operator]] = {}
        for op in operators:
            self._from.setdefault(op.source, []).append(op)

    def path(self, source: str, target: str) -> list[Operator]:
        """The shortest chain of operators from one domain to another; empty when they are the same.

        Raises:
            LookupError: there is no path; the message lists the domains that can be reached.
        """
        reached: dict[str, list[Operator]] = {source: []}
        queue = deque([source])
        while queue:
            here = queue.popleft()
            if here == target:
                return reached[here]
            for op in self._from.get(here, []):
                if op.target not in reached:
                    reached[op.target] = [*reached[here], op]
                    queue.append(op.target)
        raise LookupError(f"no way from {source} to {target}; from {source} one can reach {', '.join(sorted(reached))}")

    def transfer(self, sample: Sample, target: str) -> Sample:
        """Carry a sample to a domain along the shortest path. Collective when the path is.

        Raises:
            LookupError: there is no path.
        """
        for op in self.path(sample.domain, target):
            sample = op.apply(sample, self._world)
        return sample
