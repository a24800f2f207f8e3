"""Compiled kernels: from IR to machine code, kept on disk so that only the first run on a machine compiles."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from .disk_cache import remembered
from .equations import Equations
from .integrator import Integrator, Memory
from .kernels import make_plan
from .rosenbrock import StepControl, Tableau

_NUMBER_BYTES = 8


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
        """Size of the working memory, object file."""
        return self.memory_vectors.to_bytes(_NUMBER_BYTES, "little") + self.machine_code

    @classmethod
    def from_bytes(cls, data: bytes) -> Kernel:
        """Read what :meth:`to_bytes` wrote."""
        return cls(data[_NUMBER_BYTES:], int.from_bytes(data[:_NUMBER_BYTES], "little"))


def best_lanes() -> int:
    """Doubles in a vector register of this processor."""
    features = llvm.get_host_cpu_features()
    return 8 if features.get("avx512f") else 4 if features.get("avx") else 2


def processor() -> tuple[str, str]:
    """Name and features of this processor: machine code is made for exactly these."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def kernel_for(
    equations: Equations, tableau: Tableau, control: StepControl, lanes: int, folder: Path | None = None
) -> Kernel:
    """Take the kernel from the cache, or compile it and try to keep it.

    Args:
        equations: what to integrate.
        tableau: the method.
        control: its step size control.
        lanes: cells advanced together.
        folder: cache folder; None takes the user's.
    """
    compiler = (llvmlite.__version__, llvm.llvm_version_info)
    deciding = (equations.network.content_key, tableau, control, lanes, processor(), compiler)
    content = remembered(
        "kernel", deciding, lambda: compile_kernel(equations, tableau, control, lanes).to_bytes(), folder
    )
    return Kernel.from_bytes(content)


def compile_kernel(equations: Equations, tableau: Tableau, control: StepControl, lanes: int) -> Kernel:
    """Generate and compile an integrator for this processor."""
    plan = make_plan(equations)
    module = ir.Module("metabolism")
    Integrator(module, plan, tableau, control, lanes)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    machine = target_machine()
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
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        self._engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(kernel.machine_code))
        self._engine.finalize_object()
        # ctypes releases Python's global lock during the call, so threads run side by side
        self.advance = ctypes.CFUNCTYPE(None, *self._ARGUMENTS)(self._engine.get_function_address("advance"))


def target_machine() -> llvm.TargetMachine:
    """A code generator for this processor; made anew each time, because what it is loaded into becomes its owner."""
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
