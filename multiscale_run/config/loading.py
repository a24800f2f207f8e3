"""Load a configuration: read, merge, substitute, validate, cross-check; all problems at once."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from mpi_coupling.settings.problems import ABSENT, ConfigError, Finding, Note, format_key_path
from mpi_coupling.settings.validation import findings_of
from multiscale_run.config import cross_checks
from multiscale_run.config.document import SECTION, Document, locate, read_document
from multiscale_run.config.legacy import not_ignored, strip_ignored
from multiscale_run.config.parts import Parts, parts_of
from multiscale_run.config.schema import SimulationFile, missing_simulators, model_for
from multiscale_run.config.simulation_config import SimulationConfig
from multiscale_run.config.substitution import substitute

NO_SECTION = "is missing: this is a plain SONATA configuration; `multiscale-run init` writes one with the section"


def load_config(path: Path | str) -> SimulationConfig:
    """Read the configuration of a simulation.

    Args:
        path: a folder with a simulation_config.json, or such a file under any name.

    Raises:
        ConfigError: something is wrong; the error lists every problem, not only the first.
        UserError: a simulator of another package cannot be imported.
    """
    original = read_document(path)
    substituted, reference_findings = substitute(original)
    document, ignored = strip_ignored(substituted)
    if document.value((SECTION,)) is ABSENT:
        raise ConfigError([document.problem(Finding((SECTION,), NO_SECTION))])
    _refuse_missing_simulators(document)
    findings = not_ignored(reference_findings, ignored)
    model = model_for(document.value((SECTION,)))
    error = _compare(document, model)
    if error is not None:
        unresolved = {finding.path for finding in findings}
        findings += [finding for finding in findings_of(error, model) if finding.path not in unresolved]
    parts = parts_of(document, error, model)
    findings += cross_checks.apply(cross_checks.PROBLEM_RULES, parts)
    if findings or parts.run is None or parts.node_sets_file is None:
        raise ConfigError([document.problem(finding) for finding in findings])
    return SimulationConfig(
        file=locate(path),
        document=document,
        run=parts.run,
        multiscale_run=parts.multiscale_run,
        output_dir=parts.path(parts.sonata.output.output_dir),
        network=parts.network,
        node_sets_file=parts.node_sets_file,
        notes=_notes(parts),
        ignored_keys=ignored,
        raw=original.data,
    )


def _refuse_missing_simulators(document: Document) -> None:
    """One message in place of one for each key of theirs."""
    remedy = "is not installed: no package offers this simulator; install the one that does, or remove what names it"
    missing = missing_simulators(document.value((SECTION,)))
    findings = [Finding((SECTION, f"with_{name}"), f"{name} {remedy}") for name in missing]
    if findings:
        raise ConfigError(list(map(document.problem, findings)))


def _compare(document: Document, model: type[SimulationFile]) -> ValidationError | None:
    """Compare a document with the schema; None when it fits."""
    try:
        model.model_validate(document.data, context={"folder": document.folder})
    except ValidationError as error:
        return error
    return None


def _notes(parts: Parts) -> tuple[Note, ...]:
    findings = cross_checks.apply(cross_checks.NOTE_RULES, parts)
    return tuple(Note(format_key_path(finding.path), finding.message) for finding in findings)
