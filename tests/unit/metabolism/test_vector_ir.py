"""The notation over LLVM IR: lanes are independent, masks choose per lane, loops and branches do what they say."""

import ctypes

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

from multiscale_run.metabolism.kernel_cache import target_machine
from multiscale_run.metabolism.vector_ir import DOUBLE, INTEGER, POINTER, Array, define

LANES = 4


@pytest.fixture
def run():
    """Compile the body of a function of two arrays of vectors and call it."""

    def compile_and_call(body, source, items=8):
        module = ir.Module("test")
        code, (given, result) = define(module, "body", LANES, [POINTER] * 2, internal=False)
        body(code, Array(code, given), Array(code, result))
        code.builder.ret_void()
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), target_machine())
        engine.finalize_object()
        room = np.zeros((2, 64, LANES))
        raw = np.zeros(room.size + 8)
        skip = -raw.ctypes.data % 64 // 8
        room = raw[skip : skip + room.size].reshape(room.shape)
        room[0, : len(source)] = source
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(engine.get_function_address("body"))
        function(room[0].ctypes.data, room[1].ctypes.data)
        return room[1, :items].copy()

    return compile_and_call


X = np.array([[1.0, -2.0, 3.0, np.nan], [4.0, 5.0, -6.0, 7.0]])


def test_arithmetic(run):
    def body(_, x, out):
        a, b = x[0], x[1]
        out[0], out[1], out[2], out[3] = a + b, 1.0 - a, a * b - 2.0, 1.0 / b
        out[4], out[5] = b.absolute(), (a * a).sqrt()

    found = run(body, X, 6)
    a, b = X
    np.testing.assert_array_equal(found, [a + b, 1 - a, a * b - 2, 1 / b, abs(b), np.sqrt(a * a)])


def test_masks_choose_per_lane_and_never_hold_for_nan(run):
    def body(_, x, out):
        a, b = x[0], x[1]
        out[0] = (a < b).where(1.0, 0.0)
        out[1] = ((a > 0.0) & (b > 0.0)).where(a, b)
        out[2] = ((a > 0.0) | (b > 0.0)).where(1.0, 0.0)
        out[3] = (~(a <= 1.0)).where(1.0, 0.0)
        out[4], out[5] = a.maximum(b), a.minimum(b)

    expected = [[1, 1, 0, 0], [1, 5, -6, 7], [1, 1, 1, 1], [0, 0, 1, 1], [4, 5, 3, 7], [1, -2, -6, 7]]
    np.testing.assert_array_equal(run(body, X, 6), expected)


def test_loops_nest_and_run_the_right_number_of_times(run):
    def body(code, x, out):
        total = code.zero_variable()
        with code.loop(3), code.loop(5, first=1):
            total[0] = total[0] + x[0]
        with code.loop(0):
            total[0] = code.vector(np.nan)
        out[0] = total[0]

    np.testing.assert_array_equal(run(body, X, 1), [12 * X[0]])


def test_repeat_while_stops_at_its_condition(run):
    def body(code, _, out):
        rounds = Array(code, code.builder.alloca(INTEGER), INTEGER)
        rounds[0] = code.integer(0)
        with code.repeat_while() as loop:
            rounds[0] = code.builder.add(rounds[0], code.integer(1))
            loop.stop_unless(code.builder.icmp_signed("<", rounds[0], code.integer(7)))
        out[0] = code.broadcast(code.builder.sitofp(rounds[0], DOUBLE))

    np.testing.assert_array_equal(run(body, X, 1), [[7.0] * LANES])


def test_single_lanes_of_vector_memory(run):
    def body(code, x, out):
        out.lanes()[LANES + 2] = x.lanes()[1]
        out.part(2)[0] = code.vector(9.0)

    found = run(body, X, 3)
    np.testing.assert_array_equal(found[1], [0, 0, -2, 0])
    np.testing.assert_array_equal(found[2], [9] * LANES)
