"""Jets: numbers that carry their first and second derivatives with respect to the two rates of a region.

A jet is a tuple ``(value, d_e, d_i, d_ee, d_ei, d_ii)``, where e and i are the excitatory and the inhibitory rate.
Arithmetic on jets is exact to rounding, so no step of a finite difference has to be chosen (Griewank & Walther,
Evaluating Derivatives, 2008, doi 10.1137/1.9780898717761, ch. 13). By `RELAXED` the compiler drops products with
derivatives that are constantly 0.
"""

from __future__ import annotations

import math
from typing import Any

import numba

RELAXED = {"nnan", "ninf", "nsz"}
"""What the compiler may take for granted: enough to drop products with 0. It may not reorder or fuse operations: code
that a process compiles and code that it loads from numba's cache would then differ in the last bits of their results.
"""

inlined = numba.njit(cache=True, fastmath=RELAXED, error_model="numpy", forceinline=True)
"""Compiles a function of jets into its caller."""


@inlined
def plane(value: float, slope_e: float, slope_i: float) -> Any:
    """A quantity that depends linearly on the rates."""
    return (value, slope_e, slope_i, 0.0, 0.0, 0.0)


@inlined
def add(a: Any, b: Any) -> Any:
    """a + b."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5])


@inlined
def scale_shift(a: Any, factor: float, shift: float) -> Any:
    """factor * a + shift."""
    return (factor * a[0] + shift, factor * a[1], factor * a[2], factor * a[3], factor * a[4], factor * a[5])


@inlined
def multiply(a: Any, b: Any) -> Any:
    """a * b, by the product rule."""
    return (
        a[0] * b[0],
        a[1] * b[0] + a[0] * b[1],
        a[2] * b[0] + a[0] * b[2],
        a[3] * b[0] + 2.0 * a[1] * b[1] + a[0] * b[3],
        a[4] * b[0] + a[1] * b[2] + a[2] * b[1] + a[0] * b[4],
        a[5] * b[0] + 2.0 * a[2] * b[2] + a[0] * b[5],
    )


@inlined
def compose(a: Any, value: float, first: float, second: float) -> Any:
    """f(a) by the chain rule, from f, f' and f'' at the value of a."""
    return (
        value,
        first * a[1],
        first * a[2],
        first * a[3] + second * a[1] * a[1],
        first * a[4] + second * a[1] * a[2],
        first * a[5] + second * a[2] * a[2],
    )


@inlined
def reciprocal(a: Any) -> Any:
    """1 / a."""
    value = 1.0 / a[0]
    square = value * value
    return compose(a, value, -square, 2.0 * value * square)


@inlined
def square_root(a: Any) -> Any:
    """The square root of a."""
    value = math.sqrt(a[0])
    first = 0.5 / value
    return compose(a, value, first, -first * first / value)


@inlined
def complementary_error(a: Any) -> Any:
    """erfc(a)."""
    return error_jet(a, math.erfc(a[0]), erfc_slope(a[0]))


@inlined
def error_jet(a: Any, value: float, first: float) -> Any:
    """erfc(a), from its value and slope at the value of a."""
    return compose(a, value, first, -2.0 * a[0] * first)


@inlined
def erfc_slope(x: float) -> float:
    """Derivative of erfc."""
    return -2.0 / math.sqrt(math.pi) * math.exp(-x * x)
