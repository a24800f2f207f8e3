"""What ``tvb-nest init`` does: a folder with the parameters of an example."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mpi_coupling.failure import UserError
from mpi_coupling.slurm import Job, Site, job_script
from tvb_nest import building
from tvb_nest.connectome import load_connectome
from tvb_nest.connectome_import import ANY_SPEED
from tvb_nest.examples import Example, layered, load_example
from tvb_nest.orchestrator import plan
from tvb_nest.parameters import FILE_NAME, Parameters, editable, parameters_of, write_parameters

README, JOB_SCRIPT = "README.md", "simulation.sbatch"
UPSTREAM = "upstream"


def write_example(
    folder: Path,
    name: str,
    site: Site | None = None,
    *,
    connectome: str | None = None,
    regions: Sequence[int] = (),
    compat: str = "corrected",
    force: bool = False,
) -> Parameters:
    """Write parameter.json, README.md and job script of an example.

    Args:
        folder: made if it does not exist; must not hold a parameter.json unless ``force``.
        name: of the example.
        site: the cluster of the job script; None: any.
        connectome: folder, zip or tvb-data name to use instead of the example's.
        regions: spiking regions instead of the example's.
        compat: "corrected" or "upstream", as ``param_tvb_nest.compat``.
        force: replace the files of an earlier init; other files stay.

    Raises:
        UserError: the folder is a file or has a parameter.json; a connectome cannot be read; a region is not in it; the
            site has no room for the job.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder")
    file = folder.absolute() / FILE_NAME
    if file.exists() and not force:
        raise UserError(f"{file} exists; name another folder, or use --force to replace it")
    example = load_example(name)
    document = example.parameters
    if compat == UPSTREAM:
        document = layered(layered(document, example.upstream), {"param_tvb_nest": {"compat": compat}})
    document = layered(document, _brain(connectome, regions))
    parameters = parameters_of(layered(editable({}), document), file)
    site = site or Site()
    script = job_script(_job(parameters, site), site)
    write_parameters(parameters, resolved=False)
    file.with_name(JOB_SCRIPT).write_text(script, encoding="utf-8")
    file.with_name(README).write_text(_readme(example, parameters), encoding="utf-8")
    return parameters


def _job(parameters: Parameters, site: Site) -> Job:
    """The program starts its processes itself, which are of several kinds. NEST cannot save its state."""
    command = ("tvb-nest", "run", "--continue", "--launcher", site.launcher)
    processes, threads = sum(role.minimum for role in plan(parameters)), building.threads(parameters)
    return Job(parameters.folder.name, command, ntasks=processes, cpus_per_task=threads, starts_itself=True)


def _brain(connectome: str | None, regions: Sequence[int]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if connectome is not None:
        path = Path(connectome)
        changes["param_tvb_nest"] = {"connectome": str(path.resolve()) if path.exists() else connectome}
        changes["param_nest_topology"] = {"nb_region": load_connectome(connectome, ANY_SPEED).n_regions}
    if regions:
        changes["param_co_simulation"] = {"id_region_nest": list(regions)}
    return changes


def _readme(example: Example, parameters: Parameters) -> str:
    spiking = ", ".join(map(str, parameters.spiking))
    resolved = parameters.resolved
    return f"""# {example.title}

{example.about}

- {resolved.param_nest_topology.nb_region} regions; NEST simulates {spiking} (counted from 0), \
{resolved.param_nest_topology.nb_neuron_by_region} neurons each
- {resolved.end:g} ms in steps of {resolved.param_nest.sim_resolution:g} ms
- source: {example.source}

    tvb-nest check .
    tvb-nest run .
    sbatch {JOB_SCRIPT}    # on a cluster

`parameter.json` holds every key that may be changed; `tvb-nest params .` explains them. Others follow from them:
`tvb-nest params . --links`.
"""
