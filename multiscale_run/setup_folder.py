"""What ``init`` does: fill a folder with a simulation that is ready to compute."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from mpi_coupling.atomic import writing
from mpi_coupling.slurm import Job, Site, job_script
from mpi_coupling.world import UserError
from multiscale_run.circuits import CircuitSpec, CircuitSummary, build_circuit, circuit_names, named_circuit
from multiscale_run.config import default_config
from multiscale_run.metabolism.julia import prepare_environment

CIRCUIT_FOLDER = "circuit"
DEFAULT_CIRCUIT = "tiny"
RANKS = 2
"""Of a job, where the site does not say how many."""


@dataclass(frozen=True)
class CircuitRequest:
    """Which circuit a user asked for.

    Attributes:
        spec: a circuit to build, or None.
        config_path: the user's own circuit_config.json, or None.
    """

    spec: CircuitSpec | None = None
    config_path: Path | None = None

    @classmethod
    def from_options(
        cls, circuit: str | None, neurons: int | None, size: float | None, seed: int, morphologies: Path | None
    ) -> CircuitRequest:
        """Make sense of the command line.

        Raises:
            UserError: options contradict each other, or the circuit is neither a known name nor a file.
        """
        if circuit is not None and neurons is not None:
            raise UserError("--circuit and --neurons exclude each other: name a circuit or have one built")
        if neurons is not None:
            return cls(spec=CircuitSpec(neurons=neurons, size_um=size, seed=seed, morphologies=morphologies))
        name = circuit or DEFAULT_CIRCUIT
        if morphologies is not None and not Path(name).is_file() and circuit is None:
            raise UserError("--morphologies goes with --neurons or --circuit tiny: say how many neurons to build")
        if name in circuit_names():
            if size is not None:
                raise UserError("--size goes with --neurons")
            return cls(spec=replace(named_circuit(name), seed=seed, morphologies=morphologies))
        path = Path(name)
        if not path.is_file():
            known = ", ".join(circuit_names())
            raise UserError(f"--circuit {name}: neither a named circuit ({known}) nor an existing file")
        if size is not None or morphologies is not None:
            raise UserError("--size and --morphologies are for circuits that init builds; leave them out with your own")
        return cls(config_path=path.resolve())


def write_simulation(
    folder: Path,
    request: CircuitRequest,
    site: Site | None = None,
    *,
    variant: str = "standard",
    julia: bool = False,
    checkpoint_every: float | None = None,
    force: bool = False,
) -> str:
    """Fill a folder.

    Args:
        folder: made if it does not exist; must be empty unless ``force``.
        request: the circuit.
        site: the cluster of the job script; None: any.
        variant: of the metabolic network.
        julia: integrate it in Julia, in an environment of the simulation's own.
        checkpoint_every: biological time between two checkpoints of the job, ms; None: only when it has to stop.
        force: replace the files of an earlier init; other files stay.

    Returns:
        One or two sentences on what was written.

    Raises:
        UserError: the folder is not empty, is a file or cannot be written; the site has no room for the job.
    """
    _refuse_occupied(folder, force)
    script = job_script(_job(folder, checkpoint_every), site or Site())
    folder.parent.mkdir(parents=True, exist_ok=True)
    # written beside the folder and moved at the end, so that a failure leaves an earlier simulation as it was
    with (
        writing(folder, "name another folder"),
        tempfile.TemporaryDirectory(dir=folder.resolve().parent, prefix=".init-") as staging_name,
    ):
        staging = Path(staging_name)
        if request.spec is not None:
            built = build_circuit(staging / CIRCUIT_FOLDER, request.spec, config_directory=staging)
            summary = _describe(built)
        else:
            assert request.config_path is not None
            summary = f"using {request.config_path}"
        settings = default_config(variant=variant, circuit_path=request.config_path)
        if julia:
            prepare_environment(staging)
            settings["multiscale_run"]["metabolism"]["engine"] = "julia"
        (staging / "simulation_config.json").write_text(json.dumps(settings, indent=2) + "\n")
        (staging / "simulation.sbatch").write_text(script)
        notebook = resources.files("multiscale_run") / "templates" / "postproc.ipynb"
        (staging / "postproc.ipynb").write_bytes(notebook.read_bytes())
        _move_into(staging, folder)
    return summary


def _describe(circuit: CircuitSummary) -> str:
    sizes = circuit.nodes | circuit.edges
    parts = ", ".join(f"{size} {name}" for name, size in sizes.items())
    return f"built a cube of {circuit.edge_um:g} um: {parts} ({circuit.file_bytes / 1e6:.1f} MB)"


def _refuse_occupied(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UserError(f"{folder} is not empty; name another folder, or use --force to replace an earlier simulation")


def _move_into(staging: Path, folder: Path) -> None:
    """Replace the files of an earlier init; whatever else is in the folder stays."""
    folder.mkdir(exist_ok=True)
    earlier = staging / ".earlier"
    items = list(staging.iterdir())
    earlier.mkdir()
    for item in items:
        target = folder / item.name
        if target.is_dir():  # moved as a whole: a folder that cannot be written keeps it
            target.rename(earlier / item.name)
        shutil.move(item, target)


def _job(folder: Path, checkpoint_every: float | None) -> Job:
    regular = () if checkpoint_every is None else ("--checkpoint-every", f"{checkpoint_every:g}")
    command = ("multiscale-run", "compute", "--continue", *regular)
    return Job(folder.resolve().name, command, ntasks=RANKS, keeps_checkpoints=True)
