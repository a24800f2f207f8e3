"""What is in a SONATA circuit: populations, how many nodes of which type, edges, sizes of files."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import libsonata

from mpi_coupling import UserError

_COUNTED = ("layer", "region", "synapse_class", "mtype", "etype", "model_template", "morph_class", "morphology", "type")


@dataclass(frozen=True)
class NodePopulation:
    """A node population.

    Attributes:
        name: of the population.
        kind: SONATA type, such as biophysical, astrocyte, vasculature.
        size: number of nodes.
        counts: attribute to value to number of nodes, values in ascending order.
        file_bytes: size of its file.
    """

    name: str
    kind: str
    size: int
    counts: dict[str, dict[str, int]]
    file_bytes: int


@dataclass(frozen=True)
class EdgePopulation:
    """An edge population; `per_target` is the mean number of edges onto a target node."""

    name: str
    kind: str
    source: str
    target: str
    size: int
    per_target: float
    file_bytes: int


@dataclass(frozen=True)
class CircuitStatistics:
    """All populations of a circuit, sorted by name."""

    nodes: list[NodePopulation]
    edges: list[EdgePopulation]

    @property
    def file_bytes(self) -> int:
        """Size of all node and edge files."""
        return sum(node.file_bytes for node in self.nodes) + sum(edge.file_bytes for edge in self.edges)


def circuit_statistics(circuit_config: Path) -> CircuitStatistics:
    """Count what a circuit holds; any SONATA circuit will do.

    Args:
        circuit_config: path of circuit_config.json.

    Raises:
        UserError: the configuration or a file it names cannot be read.
    """
    try:
        config = libsonata.CircuitConfig.from_file(circuit_config)
        nodes = [_node_population(config, name) for name in sorted(config.node_populations)]
        sizes = {population.name: population.size for population in nodes}
        edges = [_edge_population(config, name, sizes) for name in sorted(config.edge_populations)]
    except (libsonata.SonataError, RuntimeError, OSError) as error:
        raise UserError(f"The circuit {circuit_config} cannot be read: {' '.join(str(error).split())}") from error
    return CircuitStatistics(nodes, edges)


def _node_population(config: libsonata.CircuitConfig, name: str) -> NodePopulation:
    population = config.node_population(name)
    properties = config.node_population_properties(name)
    counts = {}
    for attribute in _COUNTED:
        if attribute in population.attribute_names:
            values = Counter(map(str, population.get_attribute(attribute, population.select_all())))
            counts[attribute] = dict(sorted(values.items()))
    file_bytes = Path(properties.elements_path).stat().st_size
    return NodePopulation(name, properties.type, population.size, counts, file_bytes)


def _edge_population(config: libsonata.CircuitConfig, name: str, sizes: dict[str, int]) -> EdgePopulation:
    population = config.edge_population(name)
    properties = config.edge_population_properties(name)
    per_target = population.size / max(sizes.get(population.target, 0), 1)
    file_bytes = Path(properties.elements_path).stat().st_size
    return EdgePopulation(
        name, properties.type, population.source, population.target, population.size, per_target, file_bytes
    )
