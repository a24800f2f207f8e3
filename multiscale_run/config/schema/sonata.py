"""What is used of SONATA's own part of simulation_config.json; everything else there is left to others."""

from __future__ import annotations

from mpi_coupling.settings.schema import key
from multiscale_run.config.schema.base import SonataSection
from multiscale_run.config.schema.multiscale_run import MultiscaleRun


class Run(SonataSection):
    """Time and seed."""

    tstop: float = key(..., "End of the simulation.", "ms", gt=0)
    dt: float = key(..., "Time step of the neurons.", "ms", gt=0)
    random_seed: int = key(0, "Seed of every random number.", ge=0)


class Output(SonataSection):
    """Where results go."""

    output_dir: str = key("output", "Folder of the results.", min_length=1)
    spikes_file: str = key("out.h5", "File of the spikes.")


class SonataReport(SonataSection):
    """A report of neurons."""

    dt: float | None = key(None, "Interval between two frames.", "ms", gt=0)
    file_name: str | None = key(None, "File below output_dir; the report's name where not given.")
    enabled: bool = key(True, "Whether it is written.")


class SonataPart(SonataSection):
    """Everything but time, seed and our section; each key has a default."""

    manifest: dict[str, str] = key(dict, "SONATA's names for folders, such as $OUTPUT_DIR.")
    output: Output = key(Output, "Where results go.")
    network: str = key("circuit_config.json", "The circuit.")
    node_sets_file: str | None = key(None, "Named groups of cells.")
    reports: dict[str, SonataReport] = key(dict, "Reports of neurons.")


class SimulationFile(SonataPart):
    """A whole simulation_config.json."""

    run: Run = key(..., "Time and seed.")
    multiscale_run: MultiscaleRun = key(..., "The section described here.")
