"""Functions as they are written: read from files at each build, without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.Lambda)


@dataclass(frozen=True)
class Definition:
    """A function, class or constant of a module, as it is written.

    Attributes
    ----------
    name : str
        With its module, such as ``missing_lib.study.regression.logistic``.
    file : str
        Relative to the folder that holds the package, such as
        ``missing_lib/study/regression.py``.
    line : int
        First line in it, decorators and comments included.
    kind : str
        ``function``, ``class`` or ``constant``.
    signature : str
        Of a function, from its name to its result; else empty.
    doc : str
        Docstring without its indentation; empty if there is none.
    source : str
        Every line of it.
    rests_on : tuple of str
        Names of what the text refers to in these packages, in order of appearance, each once.
    """

    name: str
    file: str
    line: int
    kind: str
    signature: str
    doc: str
    source: str
    rests_on: tuple[str, ...]

    @property
    def short(self) -> str:
        """Last part of the module, and the name in it."""
        return ".".join(self.name.split(".")[-2:])

    @property
    def own(self) -> str:
        """The name in its module."""
        return self.name.rpartition(".")[2]

    @property
    def public(self) -> bool:
        """Whether others may use it."""
        return not self.own.startswith("_")

    @property
    def summary(self) -> str:
        """First paragraph of the docstring, on one line."""
        return " ".join(self.doc.partition("\n\n")[0].split())


class Sources:
    """What some packages define.

    Parameters
    ----------
    packages : Path
        Folder of each package, such as that of ``missing_lib``. A folder that is not there
        defines nothing.
    """

    def __init__(self, *packages: Path) -> None:
        self._roots = {folder.name: folder.parent for folder in packages if folder.is_dir()}
        self._modules: dict[str, _Module | None] = {}
        self._found: dict[str, Definition] = {}

    def find(self, name: str) -> Definition | None:
        """What a full name stands for, through however many imports; None if for nothing here."""
        place = self._place(name)
        if place is None:
            return None
        module, own = place
        full = f"{module.name}.{own}"
        if full not in self._found:
            self._found[full] = self._define(module, own)
        return self._found[full]

    def closure(self, names: Iterable[str], within: str) -> Iterator[tuple[Definition, int]]:
        """Definitions and what they rest on, each once and before what it rests on, with depth.

        Parameters
        ----------
        names : iterable of str
        within : str
            Beginning of the names that are followed, such as ``missing_lib.study.``.
        """
        seen: set[str] = set()
        open_ = [(name, 0) for name in reversed(list(names))]
        while open_:
            name, depth = open_.pop()
            found = self.find(name)
            if found is None or found.name in seen or not found.name.startswith(within):
                continue
            seen.add(found.name)
            yield found, depth
            open_ += [(below, depth + 1) for below in reversed(found.rests_on)]

    def names_in(self, statement: ast.AST, bindings: dict[str, str]) -> list[str]:
        """Full names of what a statement refers to in these packages, in order, each once."""
        full = (_bound(dotted, bindings) for dotted in _loaded(statement, frozenset()))
        places = [self._place(name) for name in full]
        return list(dict.fromkeys(f"{module.name}.{own}" for module, own in filter(None, places)))

    def public_of(self, module: str) -> list[Definition]:
        """Functions and classes that a module defines for others, as they stand in it."""
        read = self._module(module)
        names = (
            [n for n, node in read.nodes.items() if not isinstance(node, _ASSIGNED)] if read else []
        )
        found = [self.find(f"{module}.{name}") for name in names if not name.startswith("_")]
        return [one for one in found if one]

    def doc_of(self, module: str) -> str:
        """Docstring of a module, without its indentation."""
        read = self._module(module)
        return (ast.get_docstring(read.tree) or "") if read else ""

    def _place(self, name: str) -> tuple[_Module, str] | None:
        for _ in range(9):  # imports of imports
            home, _, own = name.rpartition(".")
            module = self._module(home)
            if module is None or not own:
                return None
            if own in module.nodes:
                return module, own
            if own not in module.bindings:
                return None
            name = module.bindings[own]
        return None

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> _Module | None:
        package, *rest = name.split(".")
        if package not in self._roots:
            return None
        root = self._roots[package]
        stem = root.joinpath(package, *rest)
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                return _Module(name, path.relative_to(root).as_posix(), text)
        return None

    def _define(self, module: _Module, own: str) -> Definition:
        node = module.nodes[own]
        doc = ast.get_docstring(node) if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) else ""
        first = module.first_line(node)
        known = module.bindings | {name: f"{module.name}.{name}" for name in module.nodes}
        used = [*self.names_in(node, known), *module.fixtures(node)]
        name = f"{module.name}.{own}"
        return Definition(
            name,
            module.file,
            first,
            _KINDS[type(node)],
            module.signature(node),
            doc or "",
            "\n".join(module.lines[first - 1 : node.end_lineno]),
            tuple(one for one in dict.fromkeys(used) if one != name),
        )


_ASSIGNED = (ast.Assign, ast.AnnAssign)
_KINDS = {
    ast.FunctionDef: "function",
    ast.AsyncFunctionDef: "function",
    ast.ClassDef: "class",
    ast.Assign: "constant",
    ast.AnnAssign: "constant",
}


class _Module:
    """One file, taken apart."""

    def __init__(self, name: str, file: str, text: str) -> None:
        self.name, self.file, self.lines = name, file, text.splitlines()
        self.tree = ast.parse(text)

    @cached_property
    def bindings(self) -> dict[str, str]:
        """What imported names stand for."""
        return imported(self.tree)

    @cached_property
    def nodes(self) -> dict[str, ast.stmt]:
        """What the module defines, by name."""
        found: dict[str, ast.stmt] = {}
        for node in self.tree.body:
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                found[node.name] = node
            elif isinstance(node, _ASSIGNED):
                found |= {name: node for name in sorted(stored(node))}
        return found

    def first_line(self, node: ast.stmt) -> int:
        """Where it begins: with its decorators, or the comment above a constant."""
        line = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        while isinstance(node, _ASSIGNED) and line > 1 and self.lines[line - 2].startswith("#"):
            line -= 1
        return line

    def fixtures(self, node: ast.stmt) -> Iterator[str]:
        """Full names of fixtures of the module that pytest gives to a test as its parameters."""
        for arg in node.args.args if isinstance(node, _FUNCTIONS) else ():
            given = getattr(self.nodes.get(arg.arg), "decorator_list", ())
            if any("fixture" in ast.unparse(one) for one in given):
                yield f"{self.name}.{arg.arg}"

    def signature(self, node: ast.stmt) -> str:
        """Name, parameters and result of a function, on one line."""
        if not isinstance(node, _FUNCTIONS):
            return ""
        result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{node.name}({ast.unparse(node.args)}){result}"


def imported(tree: ast.AST) -> dict[str, str]:
    """What the names that a text imports stand for.

    Examples
    --------
    >>> imported(ast.parse("import numpy as np; from missing_lib.study import frame as frames"))
    {'np': 'numpy', 'frames': 'missing_lib.study.frame'}
    """
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.asname: a.name for a in node.names if a.asname}
            found |= {
                a.name.partition(".")[0]: a.name.partition(".")[0]
                for a in node.names
                if not a.asname
            }
    return found


def stored(node: ast.AST) -> set[str]:
    """Names to which a text gives a value.

    Examples
    --------
    >>> sorted(stored(ast.parse("a, b = 1, 2; [c for c in a]; d.e = 3")))
    ['a', 'b', 'c']
    """
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _bound(dotted: str, bindings: dict[str, str]) -> str:
    root, _, rest = dotted.partition(".")
    if root not in bindings:
        return ""
    return f"{bindings[root]}.{rest}" if rest else bindings[root]


def _loaded(node: ast.AST, local: frozenset[str]) -> Iterator[str]:
    """Dotted names that a text reads, but for annotations and names of its own scopes."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield from _dotted(node, local)
        return
    if isinstance(node, _SCOPES):
        of_arguments = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        for outside in (*getattr(node, "decorator_list", ()), *of_arguments):
            yield from _loaded(outside, local)
        local = local | {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
        body = node.body if isinstance(node.body, list) else [node.body]
        local = local.union(*(stored(one) for one in body))
        for inside in body:
            yield from _loaded(inside, local)
        return
    for name, value in ast.iter_fields(node):
        if name == "annotation":
            continue
        for below in value if isinstance(value, list) else [value]:
            if isinstance(below, ast.AST):
                yield from _loaded(below, local)


def _dotted(node: ast.Name | ast.Attribute, local: frozenset[str]) -> Iterator[str]:
    parts: list[str] = []
    at: ast.AST = node
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
    if not isinstance(at, ast.Name):
        yield from _loaded(at, local)
    elif at.id not in local and isinstance(at.ctx, ast.Load):
        yield ".".join([at.id, *reversed(parts)])
