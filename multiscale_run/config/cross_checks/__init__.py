"""Cross-checks: what types and bounds cannot say. A new rule is one function and one line here."""

from collections.abc import Callable, Iterator

from mpi_coupling.settings.problems import Finding
from multiscale_run.config.cross_checks import couplings, files, limits, timing
from multiscale_run.config.parts import Parts

Rule = Callable[[Parts], Iterator[Finding]]

PROBLEM_RULES: tuple[Rule, ...] = (
    timing.check_end,
    timing.check_report_intervals,
    couplings.check_merge,
    couplings.check_arguments_have_fields,
    couplings.check_open_inputs,
    couplings.check_species_names,
    limits.check_bands,
    limits.check_species,
    limits.check_flow_boundary,
    files.check_inputs_exist,
    files.check_places_are_free,
    files.check_report_places,
    files.check_file_names,
)
"""Rules whose findings stop a run."""

NOTE_RULES: tuple[Rule, ...] = (
    timing.note_rare_exchange,
    timing.note_finer_window,
    timing.note_last_stretch,
    couplings.note_skipped,
    limits.note_filter_neuron,
)
"""Rules whose findings the user should know of."""


def apply(rules: tuple[Rule, ...], parts: Parts) -> list[Finding]:
    """All findings of some rules."""
    return [finding for rule in rules for finding in rule(parts)]


__all__ = ["NOTE_RULES", "PROBLEM_RULES", "apply"]
