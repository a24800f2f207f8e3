"""Transform expressions: the one line of arithmetic a user may put on a connection.

An expression sees the values in transit (``vals``), the configuration (``config``), ``math``, a part of ``numpy``
(``np``), the builtins abs, min, max, pow, round, sum and the named coupling matrices. Everything else (other names,
attributes, calls, comprehensions, strings) is refused before it is evaluated, so a configuration file cannot run code.
"""

from __future__ import annotations

import ast
import difflib
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import simpleeval

from mpi_coupling.world import UserError

MAX_LENGTH = 2000
"""Longest expression accepted, in characters."""

_NUMPY_NAMES = frozenset(
    """abs absolute arccos arcsin arctan cbrt ceil clip cos cosh cumsum diff dot e exp exp2 expm1 fabs floor fmax fmin
    hypot inf isfinite log log10 log1p log2 maximum mean median minimum nan nan_to_num ones_like pi power round sign sin
    sinh sqrt square std sum tan tanh var where zeros_like""".split()
)
_UNBOUNDED = frozenset(("factorial", "comb", "perm"))
"""Functions of math whose results grow without bound."""
_MATH_NAMES = frozenset(name for name in dir(math) if not name.startswith("_")) - _UNBOUNDED


def _power(base: Any, exponent: Any) -> Any:
    """Power in floating point: integers of Python would grow without bound."""
    return np.float_power(base, exponent)


_BUILTINS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "pow": _power,
    "round": round,
    "sum": sum,
}
_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.keyword,
    ast.Name,
    ast.Load,
    ast.Attribute,
    ast.Constant,
    ast.Subscript,
    ast.Slice,
    *_OPERATORS,
)


class ExpressionError(UserError):
    """A transform expression that cannot be parsed, is not allowed, or gives unusable values."""


class _NumpyFunctions(SimpleNamespace):
    """The part of numpy that expressions may call."""


class _MathFunctions(SimpleNamespace):
    """The part of math that expressions may call."""


class _AnyName:
    """Stands for 'every public attribute' in simpleeval's allow-list."""

    def __contains__(self, name: str) -> bool:
        return not name.startswith("_")


_NUMPY = _NumpyFunctions(**{name: getattr(np, name) for name in _NUMPY_NAMES})
_MATH = _MathFunctions(**{name: getattr(math, name) for name in _MATH_NAMES})


class Expression:
    """A checked transform expression, compiled once and evaluated at each exchange.

    Args:
        text: the expression as written in the configuration.
        config: object behind the name ``config``: attribute access to the configuration's values.
        matrices: named coupling matrices; each offers only ``.dot``, and names the domain of its rows as ``rows``.

    Raises:
        ExpressionError: the text is not an expression, or uses something that is not allowed.
    """

    def __init__(self, text: str, config: Any = None, matrices: Mapping[str, Any] | None = None) -> None:
        self.text = text
        self._matrices = dict(matrices or {})
        self._tree = _parse(text, ("vals", "config", "math", "np", *self._matrices))
        allowed: dict[type, Any] = {
            _NumpyFunctions: _NUMPY_NAMES,
            _MathFunctions: _MATH_NAMES,
            type(config): _AnyName(),
        }
        allowed |= {type(matrix): frozenset({"dot"}) for matrix in self._matrices.values()}
        self._names = {"config": config, "np": _NUMPY, "math": _MATH, **self._matrices}
        self._evaluator = simpleeval.SimpleEval(
            operators=_OPERATORS, functions=_BUILTINS, names=self._names, allowed_attrs=allowed
        )

    def domain(self, source: str) -> str:
        """The domain of the result for values of a source domain: that of the rows of the outermost matrix, if any."""
        for node in ast.walk(self._tree):  # from the outside inwards
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self._matrices:
                return str(self._matrices[node.value.id].rows)
        return source

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Apply the expression.

        Args:
            values: the values in transit, shape (sites,); not changed.

        Returns:
            A new float array of shape (sites of the result,). Scalars are spread over the sites.

        Raises:
            ExpressionError: the evaluation failed, or the result is not a vector of numbers.
        """
        self._names["vals"] = values
        try:
            result = self._evaluator.eval(self.text, previously_parsed=self._tree)
            array = np.array(result, dtype=float)
        except Exception as error:
            raise ExpressionError(f"transform_expression {self.text!r}: {error}") from error
        if array.ndim == 0:
            array = np.full(values.shape, float(array))
        if array.ndim != 1:
            raise ExpressionError(
                f"transform_expression {self.text!r}: gives an array of shape {array.shape}; "
                "it must give one number per site"
            )
        return array


def _parse(text: str, names: tuple[str, ...]) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"transform_expression has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"transform_expression {text!r}: {error.msg} at column {error.offset}") from error
    for node in ast.walk(tree):
        _check_node(node, text, names)
    return tree


def _check_node(node: ast.AST, text: str, names: tuple[str, ...]) -> None:
    if not isinstance(node, _NODES):
        raise ExpressionError(
            f"transform_expression {text!r}: {type(node).__name__} is not allowed; use arithmetic only, and .dot to "
            "multiply by a matrix"
        )
    if isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
        raise ExpressionError(f"transform_expression {text!r}: {node.value!r} is not allowed; only numbers are")
    if isinstance(node, ast.Name):
        _check_name(node.id, (*names, *_BUILTINS), "name", text)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        allowed = {"np": _NUMPY_NAMES, "math": _MATH_NAMES}.get(node.value.id)
        if allowed is not None:
            _check_name(node.attr, allowed, f"{node.value.id} function", text)
        elif node.value.id != "config" and node.attr != "dot":
            raise ExpressionError(f"transform_expression {text!r}: .{node.attr} is not allowed on {node.value.id}")


def _check_name(name: str, allowed: Iterable[str], kind: str, text: str) -> None:
    allowed = sorted(allowed)
    if name in allowed:
        return
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(allowed)}"
    raise ExpressionError(f"transform_expression {text!r}: unknown {kind} {name!r}{hint}")
