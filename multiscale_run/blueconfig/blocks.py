"""Converts the blocks of each type."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from multiscale_run.blueconfig import tables
from multiscale_run.blueconfig.outcome import Entry, Outcome
from multiscale_run.blueconfig.parser import Block, BlueConfig
from multiscale_run.blueconfig.session import GROUPED, NotConvertible, Session, contains, put
from multiscale_run.blueconfig.tables import Key
from multiscale_run.blueconfig.values import read_value


def convert_run(session: Session, config: BlueConfig, document: dict[str, Any]) -> None:
    """Run and Conditions, and what a BlueConfig means where they are silent and SONATA's own default differs."""
    for block in config.of("Run"):
        session.fill(block, tables.keys("Run"), document)
    for block in config.of("Conditions"):
        session.fill(block, tables.keys("Conditions"), document, lookup=_condition)
    for row in tables.keys("Run"):
        if row.default and not contains(document, row.path):
            value = read_value(row.kind, row.default)
            put(document, row.path, value)
            note = f"{json.dumps(value)}, which a BlueConfig means without {row.key}"
            session.entries.append(Entry(Outcome.DEFAULT, "", row.key, 0, row.path, note))


def _condition(key: str) -> Key | None:
    """The row of a condition; one that is not in the table is a variable of a mechanism."""
    return tables.find(tables.keys("Conditions"), key) or _mechanism_variable(key)


def _mechanism_variable(key: str) -> Key | None:
    terms = tables.circuit_terms()
    mechanism, separator, variable = key.partition("__")
    if not separator:
        known = [name for name in terms["mechanisms"]["known"] if key.endswith(f"_{name}")]
        if not known:
            return None
        mechanism, variable = known[0], key.removesuffix(f"_{known[0]}")
    mechanism = next((name for name in terms["mechanism_groups"] if name.lower() == mechanism.lower()), mechanism)
    if not mechanism or not variable:
        return None
    kind = "boolean" if variable in terms["switches"]["names"] else "any"
    return Key(key, f"{GROUPED}{mechanism}.{variable}", kind, "", "", "", "")


def convert_reports(session: Session, config: BlueConfig, document: dict[str, Any]) -> None:
    """Reports."""
    blocks = config.of("Report")
    for block, name in zip(blocks, _unique(session, blocks), strict=True):
        report: dict[str, Any] = {}
        if _fill_report(session, config, block, document, report, f"reports.{name}."):
            document.setdefault("reports", {})[name] = report


def _fill_report(
    session: Session, config: BlueConfig, block: Block, document: dict[str, Any], report: dict[str, Any], prefix: str
) -> bool:
    rows = tables.keys("Report")
    target = block.get("Target")
    if target is not None and target.value not in session.node_sets:
        try:
            parts = _parts_of_cells(session, target.value, document.get("node_set"))
        except NotConvertible as error:
            session.record(Outcome.LOST, block, target, str(error))
            return False
        if parts:
            report |= parts
            session.record(Outcome.CONVERTED, block, target, json.dumps(parts), f"{prefix}cells")
            rows = tuple(row for row in rows if row.key != "Target")
            others = tuple(s for s in block.settings if s.key.lower() != "target")
            block = Block(block.kind, block.name, block.line, others)
    complete = session.fill(block, rows, report, prefix)
    return complete and (report.get("type") != "lfp" or _lfp(session, config, block, report, prefix))


def _parts_of_cells(session: Session, name: str, simulated: str | None) -> dict[str, Any]:
    """Cells, sections and compartments of a target of the kind Compartment or Section; nothing for one of cells.

    Raises:
        NotConvertible: SONATA cannot report on these parts at once.
    """
    terms = tables.circuit_terms()
    if name not in session.targets and name in terms["compartment_targets"]:
        if simulated is None:
            raise NotConvertible("means all cells, but Run has no CircuitTarget to name them")
        return {"cells": simulated, **terms["target_kinds"]["Compartment"]}
    target = session.targets.get(name)
    if target is None or target.kind not in terms["target_kinds"]:
        return {}
    sections = [member for member in target.members if member in tables.choices()["sections"]]
    cells = [member for member in target.members if member not in sections]
    if len(cells) != 1 or len(sections) > 1 or cells[0] not in session.node_sets:
        raise NotConvertible(
            f"a {target.kind} target of {' '.join(target.members)}: SONATA reports on one node set, and on one kind "
            f"of its sections or all; make {session.node_sets_file} hold its cells as {name}, and add Sections"
        )
    chosen = {"sections": sections[0]} if sections else terms["target_kinds"][target.kind]
    return {"cells": cells[0], **chosen}


def _lfp(session: Session, config: BlueConfig, block: Block, report: dict[str, Any], prefix: str) -> bool:
    """A report of the extracellular potential: of the transmembrane current, with the weights of electrodes."""
    report.pop("variable_name", None)
    session.record(Outcome.NEEDLESS, block, block.get("ReportOn"), "SONATA's lfp reports are of i_membrane")
    weights = next((s for run in config.of("Run") if (s := run.get("LFPWeightsPath")) is not None), None)
    if weights is None or not weights.value:
        session.record(Outcome.LOST, block, None, "Run has no LFPWeightsPath to name the weights of its electrodes")
        return False
    report["electrodes_file"] = session.relative(weights.value)
    note = f"{report['electrodes_file']}, from LFPWeightsPath of Run"
    session.record(Outcome.CONVERTED, block, None, note, f"{prefix}electrodes_file")
    return True


def convert_connections(session: Session, config: BlueConfig, document: dict[str, Any]) -> None:
    """Connections, in their order: a later one overrides what an earlier one set."""
    blocks = config.of("Connection")
    for block, name in zip(blocks, _unique(session, blocks), strict=True):
        overrides = document.setdefault("connection_overrides", [])
        override = {"name": name}
        if session.fill(block, tables.keys("Connection"), override, f"connection_overrides[{len(overrides)}]."):
            overrides.append(override)


def convert_modifications(session: Session, config: BlueConfig, document: dict[str, Any]) -> None:
    """Modifications, in their order."""
    blocks = config.of("Modification")
    for block, name in zip(blocks, _unique(session, blocks), strict=True):
        modifications = document.setdefault("conditions", {}).setdefault("modifications", [])
        modification = {"name": name}
        prefix = f"conditions.modifications[{len(modifications)}]."
        if session.fill(block, tables.keys("Modification"), modification, prefix):
            modifications.append(modification)
        if modification.get("type") == "configure_all_sections" and "section_configure" not in modification:
            session.problem(block, None, "needs SectionConfigure")


def convert_stimuli(session: Session, config: BlueConfig, document: dict[str, Any]) -> None:
    """Stimuli and their injections: each injection is an input."""
    injections = config.of("StimulusInject")
    names = _unique(session, injections)
    used: dict[str, list[str]] = {}
    for block, name in zip(injections, names, strict=True):
        stimulus = block.get("Stimulus")
        if stimulus is not None:
            used.setdefault(stimulus.value, []).append(name)
    stimuli = _stimuli(session, config, used)
    for block, name in zip(injections, names, strict=True):
        own: dict[str, Any] = {}
        session.fill(block, tables.keys("StimulusInject"), own, f"inputs.{name}.")
        stimulus = block.get("Stimulus")
        if stimulus is None:
            continue
        if stimulus.value not in stimuli:
            session.problem(block, stimulus, f"no Stimulus has this name; there are: {', '.join(stimuli) or 'none'}")
        elif (parameters := stimuli[stimulus.value]) is None:
            session.record(Outcome.LOST, block, None, f"Stimulus {stimulus.value} is not converted")
        else:
            document.setdefault("inputs", {})[name] = parameters | own


def _stimuli(session: Session, config: BlueConfig, used: dict[str, list[str]]) -> dict[str, dict[str, Any] | None]:
    """The parameters of each stimulus that is injected, None for one that SONATA does not have."""
    stimuli: dict[str, dict[str, Any] | None] = {}
    blocks = config.of("Stimulus")
    last = {block.name: block for block in blocks}
    for block in blocks:
        if last[block.name] is not block:
            note = f"replaced by the stimulus of this name in line {last[block.name].line}"
            session.record(Outcome.LOST, block, None, note)
        elif block.name not in used:
            session.record(Outcome.NEEDLESS, block, None, "no StimulusInject uses it")
        else:
            stimuli[block.name] = _stimulus(session, block, used[block.name])
    return stimuli


def _stimulus(session: Session, block: Block, inputs: list[str]) -> dict[str, Any] | None:
    setting = block.get("Pattern")
    patterns = {pattern.name.lower(): pattern for pattern in tables.patterns()}
    pattern = patterns.get(setting.value.lower()) if setting else None
    if setting is None or pattern is None:
        names = ", ".join(p.name for p in tables.patterns() if p.module)
        session.problem(block, setting, f"must be one of {names}" if setting else "needs Pattern")
        return None
    if not pattern.module:
        session.record(Outcome.LOST, block, setting, pattern.note)
        return None
    place = inputs[0] if len(inputs) == 1 else f"{{{','.join(inputs)}}}"
    prefix = f"inputs.{place}."
    session.record(Outcome.CONVERTED, block, setting, pattern.module, f"{prefix}module")
    input_type = _input_type(session, block, pattern, prefix)
    parameters = {"module": pattern.module, "input_type": input_type}
    rows = tables.stimulus_keys(pattern.name)
    rest = tuple(s for s in block.settings if s.key.lower() not in ("pattern", "mode"))
    rest_of_block = Block(block.kind, block.name, block.line, _meaningful(session, block, rest, pattern.name))
    complete = session.fill(rest_of_block, rows, parameters, prefix)
    return parameters if complete and input_type else None


def _meaningful(session: Session, block: Block, settings: Iterable[Any], pattern: str) -> tuple[Any, ...]:
    """The settings that are keys of the pattern, or of no pattern at all."""
    kept = []
    for setting in settings:
        own = tables.find(tables.stimulus_keys(pattern), setting.key)
        if own is None and tables.find(tables.stimulus_keys(), setting.key) is not None:
            session.record(Outcome.NEEDLESS, block, setting, f"has no meaning with Pattern {pattern}")
        else:
            kept.append(setting)
    return tuple(kept)


def _input_type(session: Session, block: Block, pattern: tables.Pattern, prefix: str) -> str:
    """The input type for the stimulus's mode; empty where there is none."""
    mode = block.get("Mode")
    modes = {name.lower(): name for p in tables.patterns() for name in p.input_types}
    if mode is None or mode.value.lower() not in modes:
        allowed = ", ".join(dict.fromkeys(modes.values()))
        session.problem(block, mode, f"must be one of {allowed}" if mode else f"needs Mode ({allowed})")
        return ""
    input_type = pattern.input_types.get(modes[mode.value.lower()], "")
    if input_type:
        session.record(Outcome.CONVERTED, block, mode, input_type, f"{prefix}input_type")
    else:
        note = f"SONATA has {pattern.module} with mode {' or '.join(pattern.input_types)} only"
        session.record(Outcome.LOST, block, mode, note)
    return input_type


def _unique(session: Session, blocks: list[Block]) -> list[str]:
    """A name for each block: its own, or with a number where an earlier block has it."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    taken = {block.name for block in blocks}
    for block in blocks:
        name = block.name
        seen[name] += 1
        if seen[name] > 1:
            number = seen[name]
            while (name := f"{block.name}_{number}") in taken:
                number += 1
            taken.add(name)
            session.record(Outcome.CONVERTED, block, None, f"is called {name}: an earlier block has its name")
        names.append(name)
    return names
