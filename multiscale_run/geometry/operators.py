"""The operators between neurons, tetrahedra and vessels, for the coupler."""

from __future__ import annotations

from multiscale_run.coupling import NEURONS, SEGMENTS, TETRAHEDRA, VESSELS, Operator, Reduction
from multiscale_run.geometry.matrices import CouplingMatrices


def tissue_operators(matrices: CouplingMatrices) -> list[Operator]:
    """All ways between domains that the parts of a tissue open.

    - segments to tetrahedra: amounts divide as lengths do and add up over all ranks;
    - tetrahedra to segments: mean over the tetrahedra of a segment, by length;
    - tetrahedra to neurons: mean over the tetrahedra of a neuron, by volume;
    - vessels to tetrahedra: amounts divide as volumes do.

    What lies outside the mesh takes no part: its amounts are lost, and a site wholly outside has the mean NaN.
    """
    found = []
    if "nsegXtetMat" in matrices:
        to_tetrahedra = matrices["nsegXtetMat"].matrix
        from_tetrahedra = matrices["nXtetMat"].matrix
        found += [
            Operator(SEGMENTS, TETRAHEDRA, to_tetrahedra.T.tocsr(), Reduction.SUM, over_ranks=True),
            Operator(TETRAHEDRA, SEGMENTS, to_tetrahedra, Reduction.MEAN),
            Operator(TETRAHEDRA, NEURONS, from_tetrahedra, Reduction.MEAN),
        ]
    if "tetXbfVolsMat" in matrices:
        found.append(Operator(VESSELS, TETRAHEDRA, matrices["tetXbfVolsMat"].matrix, Reduction.SUM))
    return found
