"""The polynomial exponential and logarithm against NumPy, in units in the last place."""

import ctypes

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

from multiscale_run.metabolism.kernel_cache import processor
from multiscale_run.metabolism.vector_ir import POINTER, Array, define
from multiscale_run.metabolism.vector_math import exponential, logarithm


@pytest.fixture(scope="module", params=[2, 4, 8])
def function(request):
    """Compile an elementwise function for some lanes and apply it to arrays."""
    lanes, kept = request.param, []

    def compile_function(emit):
        module = ir.Module("test")
        code, (source, target) = define(module, "apply", lanes, [POINTER] * 2, internal=False)
        with code.loop(512 // lanes) as i:
            Array(code, target)[i] = emit(code, Array(code, source)[i])
        code.builder.ret_void()
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        name, features = processor()
        machine = llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features, opt=2)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), machine)
        engine.finalize_object()
        kept.append(engine)
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(engine.get_function_address("apply"))

        def apply(values):
            padded = np.ones(8 * 512 * (len(values) // 4096 + 1))
            padded[: len(values)] = values
            raw = np.empty(2 * 512 + 8)
            skip = -raw.ctypes.data % 64 // 8
            work = raw[skip : skip + 1024]
            for block in padded.reshape(-1, 512):
                work[:512] = block
                call(work.ctypes.data, work[512:].ctypes.data)
                block[:] = work[512:]
            return padded[: len(values)]

        return apply

    return compile_function


def units_in_the_last_place(found, exact):
    """Error in units of the spacing of doubles at the exact value; `exact` in extended precision."""
    return (np.abs(found - exact) / np.spacing(np.abs(exact).astype(float))).max()


def test_exponential(function):
    apply = function(exponential)
    for x in (np.linspace(-707.6, 709.7, 40_000), np.linspace(-1, 1, 20_000), np.linspace(-1e-9, 1e-9, 1001)):
        assert units_in_the_last_place(apply(x), np.exp(x.astype(np.longdouble))) < 1.5
    special = apply(np.array([0.0, -0.0, -1e4, -np.inf, 800.0, np.inf, np.nan, -5.7e3]))
    np.testing.assert_array_equal(special, [1, 1, 0, 0, np.inf, np.inf, np.nan, 0])


def test_logarithm(function):
    apply = function(logarithm)
    for x in (np.logspace(-307, 308, 40_000), np.linspace(0.5, 2, 40_001), 1 + np.linspace(-1e-9, 1e-9, 1001)):
        x = x[x != 1.0]
        assert units_in_the_last_place(apply(x), np.log(x.astype(np.longdouble))) < 1.5
    special = apply(np.array([1.0, 0.0, -0.0, -1.0, -np.inf, np.inf, np.nan]))
    np.testing.assert_array_equal(special, [0, -np.inf, -np.inf, np.nan, np.nan, np.inf, np.nan])
    subnormal = np.array([5e-324, 1e-310])
    np.testing.assert_allclose(apply(subnormal), np.log(subnormal), rtol=1e-15)
