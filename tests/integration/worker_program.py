"""An owner of two workers, which are this program too: ``python worker_program.py <what happens>``."""

import os
import signal
import sys
import time
from pathlib import Path

from mpi4py import MPI

from mpi_coupling.failure import UserError
from mpi_coupling.workers import Workers, serve
from mpi_coupling.world import World


def double(value):
    return 2 * value, MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size


def fail(ranks, kind="user"):
    """Some fail, the others wait for them for ever."""
    if MPI.COMM_WORLD.rank in ranks:
        raise {"user": UserError, "other": ValueError}[kind]("wrong value")
    MPI.COMM_WORLD.Barrier()


def die(rank):
    if MPI.COMM_WORLD.rank == rank:
        os.kill(os.getpid(), signal.SIGKILL)
    MPI.COMM_WORLD.Barrier()


def connect(port):
    """Join the owner late, so that it waits."""
    time.sleep(1.0)
    joined = MPI.COMM_WORLD.Connect(port)
    size = joined.remote_size
    joined.Disconnect()
    return size


def own(what):
    world = World.start()
    with world.guard():
        workers = Workers(Path(sys.executable), "worker_program", 2, "Toy")
        print("answers", workers.call("double", 21), flush=True)
        if what == "all fail":
            workers.call("fail", [0, 1])
        elif what == "all fail otherwise":
            workers.call("fail", [0, 1], "other")
        elif what == "one fails":
            workers.call("fail", [1])
        elif what == "one dies":
            workers.call("die", 1)
        elif what in ("one fails to connect", "one dies before it connects"):
            workers.command(*(("fail", [1]) if "fails" in what else ("die", 1)))
            with workers.watched():
                MPI.COMM_SELF.Accept(MPI.Open_port())
        elif what == "all connect":
            port = MPI.Open_port()
            workers.command("connect", port)
            with workers.watched():
                joined = MPI.COMM_SELF.Accept(port)
            size = joined.remote_size
            joined.Disconnect()
            print("joined", size, workers.replies(), flush=True)
        elif what == "owner dies":
            workers.command("fail", [])
            os.kill(os.getpid(), signal.SIGKILL)
        workers.close()
        workers.close()
    print("done", flush=True)


if __name__ == "__main__":
    if MPI.Comm.Get_parent() == MPI.COMM_NULL:
        own(sys.argv[1])
    else:
        serve({"double": double, "fail": fail, "die": die, "connect": connect})
