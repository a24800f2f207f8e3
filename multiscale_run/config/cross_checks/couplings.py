"""Checks of connections and of the inputs that only a connection can give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mpi_coupling.settings.problems import Finding, unknown_name
from multiscale_run.config.document import SECTION
from multiscale_run.config.parts import Parts
from multiscale_run.config.schema import DEFAULT_INPUTS, Connection
from multiscale_run.config.schema.metabolism import LAYER_INPUT

MERGE_NEEDS = {"src_set_func": "writes the result to the source too", "dest_get_func": "reads the destination's value"}
SPECIES = "species_name"
INPUT_SETTER = "set_parameters_idxs"


def check_merge(parts: Parts) -> Iterator[Finding]:
    """Merge uses both values and writes both; set has no use for the destination's own value."""
    for path, connection in parts.connections:
        if connection.action == "merge":
            for key, purpose in MERGE_NEEDS.items():
                if getattr(connection, key) is None:
                    yield Finding((*path, "action"), f"needs {key}, which {purpose}")
        elif connection.dest_get_func is not None:
            yield Finding(
                (*path, "dest_get_func"), f'is only used by action "merge"; this action is "{connection.action}"'
            )


def check_arguments_have_fields(parts: Parts) -> Iterator[Finding]:
    """Arguments of a field that is not named would be lost."""
    for path, connection in parts.connections:
        for end in ("src_set", "dest_get"):
            if getattr(connection, f"{end}_kwargs") and getattr(connection, f"{end}_func") is None:
                yield Finding((*path, f"{end}_kwargs"), f"has no effect without {end}_func; add it or remove this")


def check_open_inputs(parts: Parts) -> Iterator[Finding]:
    """An input that is null gets its value from an active connection (or, for one of them, from the layer)."""
    section = parts.multiscale_run
    if "metabolism" not in section.active_simulators or parts.broken & {"metabolism", "connections"}:
        return
    active = [c for path, c in parts.connections if c.users(str(path[2])) <= set(section.active_simulators)]
    given = {name for connection in active for name in _inputs_set(connection)}
    as_list = isinstance(section.metabolism.parameters, list)
    for index, (name, value) in enumerate(section.metabolism.inputs.items()):
        if value is None and name not in given and name != LAYER_INPUT:
            yield Finding(
                (SECTION, "metabolism", "parameters", index if as_list else name),
                f"no active connection sets this input ({name}); give a number or add a connection",
            )


def check_species_names(parts: Parts) -> Iterator[Finding]:
    """Connections and reports name ions that the extracellular space has."""
    section = parts.multiscale_run
    if not section.with_steps or "steps" in parts.broken:
        return
    active, known = set(section.active_simulators), section.steps.Volsys.species
    named = [
        ((*path, key.replace("_func", "_kwargs"), SPECIES), arguments[SPECIES])
        for path, connection in parts.connections
        if connection.users(str(path[2])) <= active
        for simulator, key, _, arguments in connection.fields()
        if simulator == "steps" and SPECIES in arguments
    ]
    named += [
        ((*path, "src_get_kwargs", SPECIES), report.src_get_kwargs[SPECIES])
        for path, report in parts.reports
        if path[2] == "steps" and SPECIES in report.src_get_kwargs
    ]
    for place, name in named if known else []:
        if isinstance(name, str) and name not in known:
            yield unknown_name(place, name, "is not a species of steps.Volsys", known)


def note_skipped(parts: Parts) -> Iterator[Finding]:
    """Connections of simulators that are off are not applied; one note for each such simulator."""
    active = parts.multiscale_run.active_simulators
    skipped: Counter[str] = Counter()
    for path, connection in parts.connections:
        skipped.update(connection.users(str(path[2])).difference(active))
    for simulator, count in sorted(skipped.items()):
        yield Finding(
            (SECTION, f"with_{simulator}"),
            f"{simulator} is off: {count} connection{'s are' if count > 1 else ' is'} skipped",
        )


def _inputs_set(connection: Connection) -> Iterator[str]:
    names = list(DEFAULT_INPUTS)
    for simulator, _, field, kwargs in connection.fields():
        if simulator == "metabolism" and field == INPUT_SETTER:
            indices = kwargs.get("idxs", [])
            for index in indices if isinstance(indices, list) else [indices]:
                is_position = isinstance(index, int) and 0 <= index < len(names)
                yield names[index] if is_position else str(index)
