"""A thin notation over LLVM IR: values with one double per lane, arrays of them, loops and branches.

One lane is one cell. Every operation acts on all lanes independently, so what one lane computes can never depend on
what the others hold. With it the integrator and the kernels below read like the formulas they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llvmlite import ir

DOUBLE, INTEGER, BYTE, POINTER = ir.DoubleType(), ir.IntType(64), ir.IntType(8), ir.PointerType()
# lets the code generator fuse a product and a sum into one rounding, and nothing else
_FUSE = ("contract",)


@dataclass(frozen=True, slots=True)
class Mask:
    """One truth value per lane."""

    code: Code
    value: ir.Value

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.code, self.code.builder.and_(self.value, other.value))

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.code, self.code.builder.or_(self.value, other.value))

    def __invert__(self) -> Mask:
        return Mask(self.code, self.code.builder.not_(self.value))

    def where(self, yes: Vector | float, no: Vector | float) -> Vector:
        """Take `yes` in the lanes that are true and `no` in the others."""
        chosen = self.code.builder.select(self.value, self.code.vector(yes).value, self.code.vector(no).value)
        return Vector(self.code, chosen)


@dataclass(frozen=True, slots=True)
class Vector:
    """One double per lane."""

    code: Code
    value: ir.Value

    def __add__(self, other: Vector | float) -> Vector:
        return self._with("fadd", other)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._with("fsub", other)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._with("fmul", other)

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._with("fdiv", other)

    def __rtruediv__(self, other: float) -> Vector:
        return self.code.vector(other) / self

    def __rsub__(self, other: float) -> Vector:
        return self.code.vector(other) - self

    __radd__ = __add__
    __rmul__ = __mul__

    def __lt__(self, other: Vector | float) -> Mask:
        return self._compare("<", other)

    def __le__(self, other: Vector | float) -> Mask:
        return self._compare("<=", other)

    def __gt__(self, other: Vector | float) -> Mask:
        return self._compare(">", other)

    def __ge__(self, other: Vector | float) -> Mask:
        return self._compare(">=", other)

    def maximum(self, other: Vector | float) -> Vector:
        """The larger value; `other` where this one is not a number."""
        return (self > other).where(self, other)

    def minimum(self, other: Vector | float) -> Vector:
        """The smaller value; `other` where this one is not a number."""
        return (self < other).where(self, other)

    def absolute(self) -> Vector:
        """The magnitude."""
        return self.code.intrinsic("llvm.fabs", self)

    def sqrt(self) -> Vector:
        """The square root; not a number for negative values."""
        return self.code.intrinsic("llvm.sqrt", self)

    def _with(self, operation: str, other: Vector | float) -> Vector:
        build = getattr(self.code.builder, operation)
        return Vector(self.code, build(self.value, self.code.vector(other).value, flags=_FUSE))

    def _compare(self, sign: str, other: Vector | float) -> Mask:
        return Mask(self.code, self.code.builder.fcmp_ordered(sign, self.value, self.code.vector(other).value))


@dataclass(frozen=True, slots=True)
class Array:
    """Memory of equal items; a constant or an IR integer is an index, items of type None are vectors of all lanes."""

    code: Code
    pointer: ir.Value
    item: ir.Type | None = None

    def __getitem__(self, index: int | ir.Value) -> Vector:
        value = self.code.builder.load(self.address(index), typ=self._type)
        return Vector(self.code, value) if self.item is None else value

    def __setitem__(self, index: int | ir.Value, value: Vector | ir.Value) -> None:
        self.code.builder.store(value.value if isinstance(value, Vector) else value, self.address(index))

    def address(self, index: int | ir.Value) -> ir.Value:
        """Pointer to an item."""
        return self.code.builder.gep(self.pointer, [self.code.integer(index)], source_etype=self._type)

    def part(self, index: int | ir.Value) -> Array:
        """The array that begins at an item."""
        return Array(self.code, self.address(index), self.item)

    def lanes(self) -> Array:
        """The same memory seen as single doubles: item * lanes + lane."""
        return Array(self.code, self.pointer, DOUBLE)

    @property
    def _type(self) -> ir.Type:
        return self.code.type if self.item is None else self.item


class Code:
    """Emits instructions at the current position of one function."""

    def __init__(self, module: ir.Module, builder: ir.IRBuilder, lanes: int) -> None:
        self.module = module
        self.builder = builder
        self.lanes = lanes
        self.type = ir.VectorType(DOUBLE, lanes)
        self.integers = ir.VectorType(INTEGER, lanes)

    def vector(self, value: Vector | float) -> Vector:
        """A number in every lane; a vector as it is."""
        if isinstance(value, Vector):
            return value
        return Vector(self, ir.Constant(self.type, [ir.Constant(DOUBLE, float(value))] * self.lanes))

    def broadcast(self, scalar: ir.Value) -> Vector:
        """A double known at run time in every lane."""
        first = self.builder.insert_element(
            ir.Constant(self.type, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
        )
        order = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return Vector(self, self.builder.shuffle_vector(first, first, order))

    def integer(self, value: int | ir.Value) -> ir.Value:
        """A 64-bit integer constant, or the value itself."""
        return ir.Constant(INTEGER, value) if isinstance(value, int) else value

    def bits(self, value: Vector) -> ir.Value:
        """The bit patterns of the lanes as 64-bit integers."""
        return self.builder.bitcast(value.value, self.integers)

    def from_bits(self, bits: ir.Value) -> Vector:
        """Lanes with the given bit patterns."""
        return Vector(self, self.builder.bitcast(bits, self.type))

    def bit_constant(self, pattern: int | float) -> ir.Constant:
        """An integer, or the pattern of a double, in every lane."""
        number = struct.unpack("<q", struct.pack("<d", pattern))[0] if isinstance(pattern, float) else pattern
        return ir.Constant(self.integers, [ir.Constant(INTEGER, number)] * self.lanes)

    def intrinsic(self, name: str, *arguments: Vector) -> Vector:
        """Call an LLVM intrinsic that exists for every lane width."""
        name = f"{name}.v{self.lanes}f64"
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(self.type, [self.type] * len(arguments)), name)
        return Vector(self, self.builder.call(function, [a.value for a in arguments]))

    def zero_variable(self) -> Array:
        """A vector that can be assigned to, at first 0 in every lane."""
        with self.builder.goto_entry_block():
            variable = Array(self, self.builder.alloca(self.type))
        variable[0] = self.vector(0.0)
        return variable

    @contextmanager
    def loop(self, count: int | ir.Value, first: int | ir.Value = 0) -> Iterator[ir.Value]:
        """Repeat the body for an index from `first` up to, not including, `count`."""
        builder, before = self.builder, self.builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(INTEGER)
        index.add_incoming(self.integer(first), before)
        builder.cbranch(builder.icmp_signed("<", index, self.integer(count)), body, after)
        builder.position_at_end(body)
        yield index
        index.add_incoming(builder.add(index, self.integer(1)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def repeat_while(self) -> Iterator[WhileLoop]:
        """Repeat the body until it calls `stop_unless` with a false value at its end."""
        body, after = self.builder.append_basic_block("body"), self.builder.append_basic_block("after")
        self.builder.branch(body)
        self.builder.position_at_end(body)
        loop = WhileLoop(self, body, after)
        yield loop
        self.builder.position_at_end(after)


@dataclass(frozen=True, slots=True)
class WhileLoop:
    """A loop that decides at the end of its body whether to go on."""

    code: Code
    body: ir.Block
    after: ir.Block

    def stop_unless(self, condition: ir.Value) -> None:
        """End the body: go round again when the 1-bit condition holds."""
        self.code.builder.cbranch(condition, self.body, self.after)


def define(
    module: ir.Module, name: str, lanes: int, arguments: list[ir.Type], internal: bool = True
) -> tuple[Code, list]:
    """Start a function that returns nothing; pointers do not alias.

    Returns:
        What emits its body, and its arguments.
    """
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal" if internal else "external"
    for argument in function.args:
        if argument.type == POINTER:
            argument.add_attribute("noalias")
    return Code(module, ir.IRBuilder(function.append_basic_block("entry")), lanes), list(function.args)
