"""From an output of a chapter backwards: the lines of code that it rests on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from missing_lib.book.sources import imported

_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n((?::[^\n]*\n)*)(.*?)^```", re.M | re.S)
#: Methods of lists, sets and dictionaries that change them.
_CHANGING = {
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse",
    "setdefault", "sort", "update",
}  # fmt: skip
_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Line:
    """One statement of a chapter.

    Attributes
    ----------
    cell : int
        Number of its cell, from 0.
    source : str
        As it is written, with the comment above it.
    node : ast.stmt
    """

    cell: int
    source: str
    node: ast.stmt


@dataclass(frozen=True)
class Code:
    """The code of a chapter.

    Attributes
    ----------
    lines : tuple of Line
    bindings : dict
        What the names that it imports stand for.
    """

    lines: tuple[Line, ...]
    bindings: dict[str, str]


def code_of(text: str) -> Code:
    """The code in the text of a chapter, without its parameters, which each edition sets anew."""
    lines: list[Line] = []
    bindings: dict[str, str] = {}
    for number, (options, cell) in enumerate(_CELL.findall(text)):
        if "parameters" not in options:
            tree = ast.parse(cell)
            bindings |= imported(tree)
            lines += _lines(number, cell, tree)
    return Code(tuple(lines), bindings)


def _lines(number: int, cell: str, tree: ast.Module) -> Iterator[Line]:
    written = cell.splitlines()
    for node in tree.body:
        first = node.lineno
        while first > 1 and written[first - 2].startswith("#"):
            first -= 1
        yield Line(number, "\n".join(written[first - 1 : node.end_lineno]), node)


def outputs(code: ast.AST, *methods: str) -> list[str]:
    r"""Names under which code publishes something; empty where it computes the name.

    Parameters
    ----------
    code : ast.AST
    *methods : str
        Of the gate, such as ``finding``.

    Examples
    --------
    >>> text = 'publish.finding("C2", "{n}", n=n)\nfor i in ids: publish.finding(i, "")'
    >>> outputs(ast.parse(text), "finding")
    ['C2', '']
    """
    wanted = {f"publish.{method}" for method in methods}
    return [
        str(call.args[0].value) if isinstance(call.args[0], ast.Constant) else ""
        for call in ast.walk(code)
        if isinstance(call, ast.Call) and call.args and ast.unparse(call.func) in wanted
    ]


def lines_behind(code: Code, published: Iterable[Line]) -> tuple[Line, ...]:
    """Statements that some statements rest on, these among them, as they stand in the chapter.

    A statement belongs to them if it gives a value to a name that a later one of them reads, or
    changes what such a name stands for. Of two that give a value to the same name the later one
    counts, unless it gives it only under a condition.

    Parameters
    ----------
    code : Code
    published : iterable of Line
        Where to begin.
    """
    wanted: set[str] = set()
    kept: list[Line] = []
    begin = list(published)
    for line in reversed(code.lines):
        given = _given(line.node)
        if line not in begin and not wanted & (given | _changed(line.node)):
            continue
        if isinstance(line.node, (ast.Assign, *_IMPORTS)):
            wanted -= given
        wanted |= _read(line.node)
        kept.append(line)
    return tuple(reversed(kept))


def _given(node: ast.stmt) -> set[str]:
    """Names to which a statement gives a value that outlives it."""
    if isinstance(node, _IMPORTS):
        return set(imported(node))
    inside = [c.target for c in ast.walk(node) if isinstance(c, ast.comprehension)]
    own = {id(n) for target in inside for n in ast.walk(target)}
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return {n.id for n in names if id(n) not in own}


def _changed(node: ast.stmt) -> set[str]:
    """Names of what a statement changes, by setting a part of it or by a method that does."""
    parts = [
        n
        for n in ast.walk(node)
        if isinstance(n, (ast.Subscript, ast.Attribute)) and isinstance(n.ctx, ast.Store)
    ]
    called = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    changing = [f for f in called if isinstance(f, ast.Attribute) and f.attr in _CHANGING]
    return {root for one in (*parts, *changing) if (root := _root(one))}


def _root(node: ast.expr) -> str:
    """The name of which this is a part."""
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _read(node: ast.stmt) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
