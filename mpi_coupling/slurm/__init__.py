"""Job scripts for SLURM: what a site asks for, as a profile, and the script that runs, stops and continues a job."""

from mpi_coupling.slurm.job_script import Job, job_script
from mpi_coupling.slurm.options import site_options
from mpi_coupling.slurm.sites import Site, find_site, read_site, site_names

__all__ = ["Job", "Site", "find_site", "job_script", "read_site", "site_names", "site_options"]
