"""Small mistakes, made on purpose: a module's source with one thing changed, for tests that must notice.

A mutant is a place in the syntax tree and what is done there. Annotations, names of errors and docstrings are left
alone, for they do nothing.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED_OTHERWISE: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
_RECKONED_OTHERWISE: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLED_OTHERWISE = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: where it stands, and what was made of what."""

    line: str
    what: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Every mistake this knows how to make in a module, one at a time."""
    original, lines = ast.parse(source), source.splitlines()
    for place, node in enumerate(ast.walk(original)):
        for variant in range(len(_changes(node))):
            tree = copy.deepcopy(original)
            twin = next(each for number, each in enumerate(ast.walk(tree)) if number == place)
            line, before = lines[getattr(twin, "lineno", 1) - 1].strip(), _text(twin)
            _changes(twin)[variant]()
            ast.fix_missing_locations(tree)
            if (after := _text(twin)) != before:
                yield Mutant(line, f"{before}  ->  {after}", tree)


def _changes(node: ast.AST) -> list:  # type: ignore[type-arg]
    """What can be done to a node, as functions that do it."""
    found = []
    match node:
        case ast.Compare(ops=operators):
            found += [
                lambda number=number, other=other: node.ops.__setitem__(number, other())
                for number, operator in enumerate(operators)
                for other in _COMPARED_OTHERWISE.get(type(operator), [])
            ]
        case ast.BoolOp(op=operator, values=values):
            found.append(lambda: setattr(node, "op", ast.And() if isinstance(operator, ast.Or) else ast.Or()))
            found += [lambda number=number: node.values.pop(number) for number in range(len(values))]
        case ast.UnaryOp(op=ast.Not()):
            found.append(lambda: setattr(node, "operand", ast.UnaryOp(ast.Not(), node.operand)))
        case ast.UnaryOp(op=ast.USub()):
            found.append(lambda: setattr(node, "op", ast.UAdd()))
        case ast.BinOp(op=operator) if type(operator) in _RECKONED_OTHERWISE and not _of_types(node):
            found.append(lambda: setattr(node, "op", _RECKONED_OTHERWISE[type(operator)]()))
        case ast.Constant(value=bool(value)):
            found.append(lambda: setattr(node, "value", not value))
        case ast.Constant(value=int(value)):
            found += [lambda more=more: setattr(node, "value", value + more) for more in (1, -1)]
        case ast.Call(func=ast.Name(id=name)) if name in _CALLED_OTHERWISE:
            found.append(lambda: setattr(node.func, "id", _CALLED_OTHERWISE[name]))
        case ast.Call(func=ast.Name(id="replace"), keywords=keywords) if len(keywords) > 1:
            found += [lambda number=number: node.keywords.pop(number) for number in range(len(keywords))]
        case ast.IfExp():
            found.append(lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test)))
        case ast.If():
            found.append(lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test)))
        case ast.Expr(value=ast.Call()):
            found.append(lambda: setattr(node, "value", ast.Constant(None)))
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            found.append(lambda: setattr(node, "value", ast.Constant(None)))
    return found


def _of_types(node: ast.BinOp) -> bool:
    """Whether it is a union of types, which does nothing."""
    sides = (node.left, node.right)
    return any(isinstance(side, ast.Constant) and side.value is None for side in sides) or any(
        isinstance(side, ast.Name) and side.id[:1].isupper() and not side.id.isupper() for side in sides
    )


def _text(node: ast.AST) -> str:
    first, *rest = ast.unparse(node).splitlines() or [""]
    return first + (" …" if rest else "")
