"""Compiled kernels: from IR to machine code, kept on disk so that only the first run on a machine compiles.

An entry is named by everything that decides its content: the network, this package's generator, the method, the lanes,
the processor and the compiler. Entries are complete files put in place by renaming, so runs at the same time, or a
folder that cannot be written, do no harm.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from .equations import Equations
from .integrator import Integrator, Memory
from .kernels import make_plan
from .rosenbrock import StepControl, Tableau

log = logging.getLogger(__name__)

_DIGEST_BYTES, _NUMBER_BYTES = 32, 8


@dataclass(frozen=True)
class Kernel:
    """Machine code of one integrator.

    Attributes:
        machine_code: an object file that defines ``advance``.
        memory_vectors: working memory of one thread, in vectors of all lanes.
    """

    machine_code: bytes
    memory_vectors: int

    def to_bytes(self) -> bytes:
        """File content: digest, size of the working memory, object file."""
        content = self.memory_vectors.to_bytes(_NUMBER_BYTES, "little") + self.machine_code
        return hashlib.sha256(content).digest() + content

    @classmethod
    def from_bytes(cls, data: bytes) -> Kernel | None:
        """Read what :meth:`to_bytes` wrote; None when the content is damaged."""
        digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            return None
        return cls(content[_NUMBER_BYTES:], int.from_bytes(content[:_NUMBER_BYTES], "little"))


def best_lanes() -> int:
    """Doubles in a vector register of this processor."""
    features = llvm.get_host_cpu_features()
    return 8 if features.get("avx512f") else 4 if features.get("avx") else 2


def processor() -> tuple[str, str]:
    """Name and features of this processor: machine code is made for exactly these."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def cache_folder() -> Path:
    """Folder of compiled kernels in MULTISCALE_RUN_CACHE, XDG_CACHE_HOME/multiscale-run or ~/.cache/multiscale-run."""
    chosen = os.environ.get("MULTISCALE_RUN_CACHE")
    if chosen:
        return Path(chosen).absolute() / "metabolism"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "multiscale-run" / "metabolism"


def kernel_for(
    equations: Equations, tableau: Tableau, control: StepControl, lanes: int, folder: Path | None = None
) -> Kernel:
    """Take the kernel from the cache, or compile it and try to keep it.

    Args:
        equations: what to integrate.
        tableau: the method.
        control: its step size control.
        lanes: cells advanced together.
        folder: cache folder; None takes :func:`cache_folder`.
    """
    entry = (folder or cache_folder()) / f"{_key(equations, tableau, control, lanes)}.kernel"
    with contextlib.suppress(OSError):
        kernel = Kernel.from_bytes(entry.read_bytes())
        if kernel is not None:
            return kernel
        log.warning("%s is damaged and is compiled again", entry)
    kernel = compile_kernel(equations, tableau, control, lanes)
    try:
        _keep(entry, kernel.to_bytes())
    except OSError as error:
        log.warning(
            "cannot keep the compiled metabolism in %s (%s); it is compiled in every run", entry.parent, error.strerror
        )
    return kernel


def compile_kernel(equations: Equations, tableau: Tableau, control: StepControl, lanes: int) -> Kernel:
    """Generate and compile an integrator for this processor."""
    plan = make_plan(equations)
    module = ir.Module("metabolism")
    Integrator(module, plan, tableau, control, lanes)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    machine = _target_machine()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # the code is in vectors already; looking for more only costs time
    options.slp_vectorization = options.loop_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)
    return Kernel(machine.emit_object(parsed), Memory.of(plan, tableau).vectors)


class LoadedKernel:
    """A kernel that can be called; keeps its code in memory as long as it lives."""

    _ARGUMENTS = (
        (ctypes.c_void_p,) * 5 + (ctypes.c_int64,) * 2 + (ctypes.c_double,) * 3 + (ctypes.c_int64, ctypes.c_void_p)
    )

    def __init__(self, kernel: Kernel) -> None:
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
        self._engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(kernel.machine_code))
        self._engine.finalize_object()
        # ctypes releases Python's global lock during the call, so threads run side by side
        self.advance = ctypes.CFUNCTYPE(None, *self._ARGUMENTS)(self._engine.get_function_address("advance"))


def _target_machine() -> llvm.TargetMachine:
    """A code generator; made anew each time, because a loaded kernel becomes its owner."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = processor()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name,
        features=features,
        opt=2,
        reloc="pic",
        codemodel="jitdefault",
        jit=True,
    )


def _key(equations: Equations, tableau: Tableau, control: StepControl, lanes: int) -> str:
    """Name of a cache entry."""
    generator = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        generator.update(source.read_bytes())
    compiler = (llvmlite.__version__, llvm.llvm_version_info)
    parts = (equations.network.content_key, generator.hexdigest(), tableau, control, lanes, processor(), compiler)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _keep(entry: Path, content: bytes) -> None:
    """Put a file in place in one step."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=entry.parent, prefix=entry.stem)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # others may share the folder
        temporary.chmod(0o644)
        temporary.replace(entry)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
