"""What tells where and how something was made, and what a page would ask an outside address for."""

from __future__ import annotations

import getpass
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Whatever a page would fetch when it opens: scripts, styles, pictures, fonts, frames.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|audio|video|source|embed|track|input|frame)\b[^>]*"""
    r"""\b(?:src|srcset|poster)\s*=\s*["']?\s*(?:https?:)?//"""
    r"""|<(?:image|use|feimage|object)\b[^>]*\b(?:href|data)\s*=\s*["']?\s*(?:https?:)?//"""
    r"""|<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preload|icon|preconnect|dns-prefetch|"""
    r"""modulepreload|manifest))[^>]*\bhref\s*=\s*["']?\s*(?:https?:)?//""",
    re.I,
)
_FETCHED_BY_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?(?:https?:)?//""", re.I)

#: Paths of any machine, also where the signs between the parts are doubled.
_ANY_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|Users|tmp|root|var/folders)/[\w.-]+|\b[A-Za-z]:\\{1,2}(?:Users|Temp)\\"
)
_RUNNER = re.compile(
    r"\"(?:papermill|iopub\.[\w.]+|shell\.execute_reply)\"\s*:|ipykernel_\d+|kernel-[0-9a-f-]{8,}"
)
#: Names of users and machines that name nobody.
_NOBODY = {"root", "user", "admin", "administrator", "guest", "localhost", "localdomain"}
#: A shorter name is a word.
_SHORTEST = 3


@dataclass(frozen=True)
class Machine:
    """What this machine is called, and where things are on it.

    Attributes
    ----------
    paths : tuple of str
    names : tuple of str
        Of the machine and of its user, in small letters.
    """

    paths: tuple[str, ...]
    names: tuple[str, ...]


def this_machine(*places: Path) -> Machine:
    """The machine that runs this.

    Parameters
    ----------
    places : Path
        Folders beside those of the user, of temporary files and of Python.
    """
    folders = [*places, Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix)]
    paths = {str(p) for folder in folders for p in (folder, folder.resolve()) if len(p.parts) > 2}
    node = platform.node()
    names = {node.casefold(), node.partition(".")[0].casefold(), _user().casefold()}
    telling = {name for name in names - _NOBODY if len(name) >= _SHORTEST}
    return Machine(tuple(sorted(paths)), tuple(sorted(telling)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def traces_of_machine(text: str, machine: Machine) -> Iterator[tuple[str, str]]:
    """What in a text tells where it was made: what it is, and as it stands, for comparison."""
    for path in machine.paths:
        written = {path, path.replace("\\", "\\\\"), path.replace("\\", "/")}
        if any(one in text for one in written):
            yield "a path of this machine", path
    for found in set(_ANY_PATH.findall(text)):
        yield "a path of a machine", found
    for found in set(_RUNNER.findall(text)):
        yield "what the notebook runner notes", found
    small = text.casefold()
    for name in machine.names:
        if name in small and re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", small):
            yield "the name of this machine or of its user", name


def asks_outside(name: str, text: str) -> bool:
    """Whether a page, a drawing or a style sheet would request an outside address when opened."""
    ending = name.rpartition(".")[2].casefold()
    if ending in ("html", "htm", "xhtml", "svg"):
        in_styles = " ".join([*_styles(text)])
        return bool(_FETCHED.search(text) or _FETCHED_BY_STYLE.search(in_styles))
    return ending == "css" and bool(_FETCHED_BY_STYLE.search(text))


def _styles(text: str) -> Iterable[str]:
    yield from re.findall(r"<style\b[^>]*>(.*?)</style>", text, re.I | re.S)
    yield from re.findall(r"\bstyle\s*=\s*[\"']([^\"']*)", text, re.I)
