"""Reports of the coupled simulators; neurons report through SONATA's own ``reports``."""

from __future__ import annotations

from typing import Any, Literal

from mpi_coupling.settings.schema import Section, key


class Report(Section):
    """A quantity written to a SONATA report at every exchange."""

    src_get_func: str = key(..., "Field that is written.")
    src_get_kwargs: dict[str, Any] = key(dict, "Arguments of the field.")
    unit: str = key("", "Unit stored in the file.")
    file_name: str = key(..., "File below output.output_dir.")
    when: Literal["before_sync", "after_sync"] = key("after_sync", "Before or after the connections are applied.")


class Reports(Section):
    """Reports by simulator and name."""

    neurodamus: dict[str, Report] = key(
        dict, "Reports with one value per neuron: the mean over its segments by the field's weight."
    )
    metabolism: dict[str, Report] = key(dict, "Reports with one value per neuron.")
    steps: dict[str, Report] = key(dict, "Reports with one value per tetrahedron.")
    bloodflow: dict[str, Report] = key(
        dict, "Reports with one value per vessel segment; the argument idxs asks for some of them."
    )
