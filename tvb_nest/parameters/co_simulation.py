"""How the simulators run together."""

from __future__ import annotations

from pydantic import Field

from tvb_nest.parameters.fields import Section, key, unused

LAUNCHER = "start the job yourself, with `mpirun` or `srun` before `tvb-nest run`"
CONTAINER = "start the job inside the container"


class CoSimulation(Section):
    """param_co_simulation: the mode, the spiking regions and the window."""

    co_simulation: bool = Field(
        default=False,
        alias="co-simulation",
        description="Whether TVB and NEST run together.",
        json_schema_extra={"unit": ""},
    )
    nb_MPI_nest: int = key(
        1, "Processes of NEST, if it exchanges through MPI; 0 without co-simulation: TVB alone.", ge=0
    )
    record_MPI: bool = key(False, "NEST alone: whether the rates of its regions are saved as TVB would get them.")
    id_region_nest: list[int] = key(list, "Regions that NEST simulates, counted from 0 in the connectome.")
    synchronization: float | None = key(
        0.0, "Window between two exchanges; null or 0: the longest that the delays allow, computed.", "ms", ge=0
    )
    level_log: int = key(1, "Least level that is logged: 0 debug, 1 info, 2 warning, 3 error, 4 critical.", ge=0, le=4)
    cluster: bool | None = unused(LAUNCHER)
    cluster_param: str | None = unused(LAUNCHER)
    mpi: list[str] | None = unused(LAUNCHER)
    translation_thread: int | None = unused("param_tvb_nest.transform_ranks says how many ranks translate")
    singularity: list[str] | str | None = unused(CONTAINER)
    sarus: list[str] | str | None = unused(CONTAINER)
    docker: list[str] | str | None = unused(CONTAINER)
