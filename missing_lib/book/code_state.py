"""Which code a simulated result was made with: the files that an experiment depends on.

Comments, docstrings and layout are left out, so that a better word makes no result stale.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from missing_lib.book import fingerprint
from missing_lib.study.controls.criteria import Experiment

_PACKAGE = Path(__file__).parents[1]
#: Packages whose versions change numbers.
_COMPUTING = ("lifelines", "networkx", "numba", "numpy", "pandas", "scipy", "statsmodels")


def of_experiments(
    experiments: Sequence[Experiment], root: Path, package: Path = _PACKAGE
) -> dict[str, str]:
    """Digest of what each experiment's results depend on, by name.

    Parameters
    ----------
    experiments : sequence of Experiment
    root : Path
        Folder with ``requirements.lock``.
    package : Path
        The library.
    """
    read: dict[Path, _Source] = {}
    versions = locked_versions(root / "requirements.lock")
    return {
        one.name: fingerprint.of_values(
            function=one.replicate.__qualname__,
            settings=dict(one.settings),
            versions=versions,
            code={
                path.relative_to(package).as_posix(): read[path].digest
                for path in depends_on(one.replicate.__module__, package, read)
            },
        )[:16]
        for one in experiments
    }


@dataclass(frozen=True)
class _Source:
    """A file: digest of its :func:`meaning`, and the files of the library that it imports."""

    digest: str
    imports: tuple[Path, ...]


def depends_on(
    module: str, package: Path = _PACKAGE, read: dict[Path, _Source] | None = None
) -> tuple[Path, ...]:
    """The files of the library that a module is made of: its own and all that it imports.

    Parameters
    ----------
    module : str
        Such as ``missing_lib.study.regression``.
    package : Path
    read : dict, optional
        What was read before; what is read now is added.
    """
    known = {} if read is None else read
    waiting, seen = [path for path in (_file(module, package),) if path], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path not in known:
            known[path] = _read(path, package)
        waiting += known[path].imports
    return tuple(sorted(seen))


def _read(path: Path, package: Path) -> _Source:
    text = path.read_text(encoding="utf-8")
    files = {_file(name, package) for name in _imported(ast.parse(text))}
    return _Source(fingerprint.of_values(code=meaning(text)), tuple(f for f in files if f))


def meaning(source: str) -> str:
    r"""Code without comments, docstrings, blank lines and spaces at line ends.

    Examples
    --------
    >>> meaning('def f(x):\n    "Twice."\n\n    return 2 * x  # double\n')
    'def f(x):\n    return 2 * x'
    """
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for first, last in _docstrings(ast.parse(source)):
        lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def locked_versions(lock: Path) -> dict[str, str]:
    """Versions of the computing packages that a lock file names."""
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    found = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, re.M))
    return {name: found[name] for name in _COMPUTING if name in found}


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """First and last line of every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.lineno, first.end_lineno or first.lineno


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names that may be modules, in every import of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def _file(module: str, package: Path) -> Path | None:
    """The file of a module of the library; None for anything else."""
    first, *rest = module.split(".")
    if first != "missing_lib" or not rest:
        return None
    path = package.joinpath(*rest)
    for one in (path.with_suffix(".py"), path / "__init__.py"):
        if one.is_file():
            return one
    return None
