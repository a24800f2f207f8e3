"""A CI job: a simulation of the embedded circuit, from init to results, with some simulators on some ranks.

    python ci/simulate.py --launcher "srun -n" --ranks 2 --steps true --metabolism false --bloodflow true FOLDER
    python ci/simulate.py --submit --ranks 2 FOLDER       with sbatch, as a user does

Exit code 1 when a step fails or the run leaves no results.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

SIMULATORS = ("steps", "metabolism", "bloodflow")


def run(*command: object, cwd: Path | None = None) -> None:
    """Show and run a command.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    words = [str(word) for word in command]
    print(f"$ {shlex.join(words)}", flush=True)
    subprocess.run(words, cwd=cwd, check=True)


def configure(folder: Path, tstop: float, simulators: dict[str, bool]) -> None:
    """Set the end of the run and of its reports [ms], and which simulators take part."""
    file = folder / "simulation_config.json"
    settings = json.loads(file.read_text())
    settings["run"]["tstop"] = tstop
    for report in settings["reports"].values():
        report["end_time"] = tstop
    settings["multiscale_run"].update({f"with_{name}": taking_part for name, taking_part in simulators.items()})
    file.write_text(json.dumps(settings, indent=2) + "\n")


def compute(folder: Path, options: argparse.Namespace) -> None:
    """Run it, and wait for the end."""
    if not options.submit:
        run(*shlex.split(options.launcher), options.ranks, "multiscale-run", "compute", folder)
        return
    try:
        run("sbatch", "--wait", "simulation.sbatch", cwd=folder)
    finally:
        for log in folder.glob("*.log"):
            print(f"-- {log.name}\n{log.read_text()}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a simulation as a CI job.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--tstop", type=float, default=100.0, help="ms")
    parser.add_argument("--time", default="00:30:00", help="limit of the job that --submit makes")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--launcher", default="mpirun -n", help="what starts ranks, without their number")
    start.add_argument("--submit", action="store_true", help="with sbatch, and wait for the job")
    for name in SIMULATORS:
        parser.add_argument(f"--{name}", choices=("true", "false"), default="true")
    options = parser.parse_args()
    folder = options.folder.resolve()
    try:
        init = ["--circuit", "tiny", "--no-check", "--ntasks-per-node", options.ranks, "--time", options.time]
        run("multiscale-run", "init", *init, folder)
        configure(folder, options.tstop, {name: getattr(options, name) == "true" for name in SIMULATORS})
        run("multiscale-run", "check", "--ranks", options.ranks, folder)
        compute(folder, options)
        run("multiscale-run", "stats", "--results", folder)
    except subprocess.CalledProcessError as error:
        print(f"ci/simulate.py: {error}", file=sys.stderr)
        return 1
    if not list((folder / "RESULTS").glob("*.h5")):
        print(f"ci/simulate.py: no results in {folder / 'RESULTS'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
