"""Starting neurodamus inside a program that has its own console, logs and error handling."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mpi_coupling.world import UserError, World, abort_on_error
from multiscale_run.config import SimulationConfig

LOG_FILE = "neurodamus.log"
"""Everything neurodamus says, in the output folder."""


def start_neurodamus(config: SimulationConfig, world: World) -> tuple[Any, Any]:
    """Build the model of a configuration; neurodamus and NEURON are imported here and nowhere else.

    Args:
        config: the simulation's configuration.
        world: the ranks.

    Returns:
        The ``Neurodamus`` object and neurodamus' wrapper of NEURON.

    Raises:
        UserError: the mechanisms cannot be built, or libsonata refuses the configuration.
    """
    from multiscale_run.mechanisms import activate, mechanism_library, mod_folder

    activate(mechanism_library(mod_folder(config.folder), world=world))
    with _own_console(is_quiet=config.multiscale_run.logging_level == 0):
        from neurodamus import Neurodamus, ngv
        from neurodamus.core import NeuronWrapper

        ngv.NeuroGlialConnection.netcon_delay = config.multiscale_run.neurodamus.glial_delay
        neurodamus = Neurodamus(
            sonata_config(config),
            logging_level=config.multiscale_run.logging_level,
            enable_coord_mapping=True,
            lb_mode="RoundRobin",
            disable_reports=True,
        )
    abort_on_error(world)  # neurodamus replaces the hook by one that waits for the other ranks for ever
    return neurodamus, NeuronWrapper


def sonata_config(config: SimulationConfig) -> Any:
    """What neurodamus is given: the merged configuration, not the file, since a parent file may hold half of it.

    Raises:
        UserError: libsonata refuses it.
    """
    import libsonata

    output = {**config.raw.get("output", {}), "output_dir": str(config.output_dir), "log_file": LOG_FILE}
    try:
        return libsonata.SimulationConfig(json.dumps({**config.raw, "output": output}), str(config.folder))
    except Exception as error:
        raise UserError(f"the SONATA part cannot be used: {error}") from error


@contextlib.contextmanager
def _own_console(is_quiet: bool) -> Iterator[None]:
    """When quiet, keep what neurodamus and NEURON print off the console; neurodamus' log file has its part."""
    if not is_quiet:
        yield
        return
    sys.stdout.flush()
    sink = Path(os.devnull).open("w")  # noqa: SIM115 - neurodamus keeps writing its progress bars there
    console = os.dup(1)  # NEURON prints from C, past Python's sys.stdout
    os.dup2(sink.fileno(), 1)
    try:
        with contextlib.redirect_stdout(sink):
            yield
    finally:
        os.dup2(console, 1)
        os.close(console)
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if isinstance(handler, logging.FileHandler)]
