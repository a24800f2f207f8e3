"""Writes the formulas of the tables as MathML, the form in which SBML holds mathematics."""

from __future__ import annotations

import ast
from xml.etree import ElementTree as ET

from ..network import NetworkError

_OPERATORS = {ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Div: "divide", ast.Pow: "power"}
_FUNCTIONS = {"exp": "exp", "log": "ln", "sqrt": "root"}
_MATHML = "http://www.w3.org/1998/Math/MathML"


def math_element(formula: str) -> ET.Element:
    """The ``<math>`` element of a formula that the tables' loader has accepted."""
    root = ET.Element("math", xmlns=_MATHML)
    root.append(_element(ast.parse(formula.strip(), mode="eval").body))
    return root


def _element(node: ast.expr) -> ET.Element:
    match node:
        case ast.Constant(value=int() | float() as value):
            return _number(value)
        case ast.Name(id=name):
            return _with_text("ci", name)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _element(operand)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _apply("minus", operand)
        case ast.BinOp(op=op):
            return _apply(_OPERATORS[type(op)], *_operands(node))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return _apply(_FUNCTIONS[name], argument)
        case _:
            raise NetworkError(f"{ast.unparse(node)!r} cannot be written as MathML")


def _operands(node: ast.BinOp) -> list[ast.expr]:
    """Both sides; all terms of a chain of sums or products, which MathML writes without nesting."""
    left = node.left
    if isinstance(node.op, ast.Add | ast.Mult) and isinstance(left, ast.BinOp) and type(left.op) is type(node.op):
        return [*_operands(left), node.right]
    return [left, node.right]


def _apply(operator: str, *arguments: ast.expr) -> ET.Element:
    element = ET.Element("apply")
    element.append(ET.Element(operator))
    element.extend(_element(argument) for argument in arguments)
    return element


def _number(value: float) -> ET.Element:
    """A number that reads back as the same double: SBML allows powers of ten only in a notation of their own."""
    if isinstance(value, int):
        return _with_text("cn", str(value), type="integer")
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return _with_text("cn", mantissa)
    element = _with_text("cn", mantissa, type="e-notation")
    separator = ET.SubElement(element, "sep")
    separator.tail = str(int(exponent))
    return element


def _with_text(tag: str, text: str, **attributes: str) -> ET.Element:
    element = ET.Element(tag, attributes)
    element.text = text
    return element
