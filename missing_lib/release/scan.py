"""The artefact scan: nothing of the extract, and nothing of this machine, in what may leave.

It reads every file of a folder as bytes and as whatever the bytes can be opened to, and looks for
the traces of the extract (:mod:`missing_lib.force.traces`), for birth dates however written, for
paths and names of the machine, for the notes of the notebook runner, and for addresses that a page
would ask. What is *public*, because the book holds it for any force or the force file says it,
gives nobody away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from missing_lib.force.errors import DisclosureError
from missing_lib.force.traces import Traces, without
from missing_lib.force.words import Sequence, digests, runs, sequence, words_of
from missing_lib.release.dates import days_in
from missing_lib.release.decode import UnreadableError, texts_of
from missing_lib.release.machine import Machine, asks_outside, traces_of_machine

_EPOCH = dt.date(1970, 1, 1).toordinal()
_CURES = {
    "an outside": "put what it needs into _static",
    "a file": "leave it out, or write it as text",
}
_CURE = "show counts of people with a method of publish instead"
_MACHINE_CURE = "what it was made from must not name this machine"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing in one file that may not leave.

    Attributes
    ----------
    file : str
        Relative to the folder that was scanned.
    what : str
        What kind of thing; never the thing.
    """

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file} holds {self.what}; {_cure(self.what)}"


def _cure(what: str) -> str:
    for begin, cure in _CURES.items():
        if what.startswith(begin):
            return cure
    return _MACHINE_CURE if "machine" in what or "runner" in what else _CURE


@dataclass(frozen=True)
class Wanted:
    """What a scan looks for.

    Attributes
    ----------
    traces : Traces or None
        None where there is no extract.
    machine : Machine
    births : frozenset of date
        Those that are not public.
    public_marks : frozenset of tuple
        What would look like a trace of a machine and stands in the book for any force.
    """

    traces: Traces | None
    machine: Machine
    births: frozenset[dt.date] = frozenset()
    public_marks: frozenset[tuple[str, str]] = frozenset()


def wanted(traces: Traces | None, machine: Machine, public: Iterable[str]) -> Wanted:
    """What to look for, which is what is not public.

    Parameters
    ----------
    traces : Traces or None
    machine : Machine
    public : iterable of str
        Texts that the book holds for any force, and what the force file says.
    """
    days: set[dt.date] = set()
    marks: set[tuple[str, str]] = set()
    known: dict[int, list[NDArray[np.uint64]]] = {}
    for text in public:
        marks.update(traces_of_machine(text, machine))
        if traces is not None:
            days.update(days_in(text))
            for length, at in _found(sequence(words_of(text)), traces).items():
                known.setdefault(length, []).append(traces.digests[length][at])
    if traces is None:
        return Wanted(None, machine, public_marks=frozenset(marks))
    births = {dt.date.fromordinal(int(day) + _EPOCH) for day in traces.births}
    left = without(traces, {n: np.concatenate(parts) for n, parts in known.items()})
    return Wanted(left, machine, frozenset(births - days), frozenset(marks))


def check(folder: Path, sought: Wanted, same: Callable[[Path], bool] = lambda path: False) -> None:
    """Let a folder out, or say what in it may not leave.

    Parameters
    ----------
    folder : Path
    sought : Wanted
    same : callable
        Of a file, whether it is byte for byte one that the book brings for any force.

    Raises
    ------
    DisclosureError
        Names file and kind of each finding, and no value.
    """
    found = scan(folder, sought, same)
    if found:
        raise DisclosureError(map(str, found))


def scan(
    folder: Path, sought: Wanted, same: Callable[[Path], bool] = lambda path: False
) -> list[Finding]:
    """Whatever in a folder may not leave, in the order of the files; see :func:`check`."""
    found: set[Finding] = set()
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder).as_posix()
        said = set(_in_text(file, sought))
        if said:
            file = "a name of a file or a folder"
        elif path.is_file() and not same(path):
            said = set(in_content(file, path.read_bytes(), sought))
        found |= {Finding(file, what) for what in said}
    return sorted(found)


def in_content(name: str, content: bytes, sought: Wanted) -> Iterator[str]:
    """What kinds of things that may not leave a file holds; some may come more than once."""
    try:
        for text in texts_of(name, content):
            if asks_outside(name, text):
                yield "an outside address that it would request when it is opened"
            yield from _in_text(text, sought)
    except UnreadableError:
        yield "a file or a part that the scan cannot read"


def _in_text(text: str, sought: Wanted) -> Iterator[str]:
    for mark in traces_of_machine(text, sought.machine):
        if mark not in sought.public_marks:
            yield mark[0]
    traces = sought.traces
    if traces is None:
        return
    for length, at in _found(sequence(words_of(text)), traces).items():
        yield from map(str, traces.labels[np.unique(traces.label_of[length][at])])
    if not sought.births.isdisjoint(days_in(text)):
        yield "a birth date"


def _found(text: Sequence, traces: Traces) -> Mapping[int, NDArray[np.intp]]:
    """By number of words: which digests of an extract are in a text."""
    if not len(text.words):
        return {}
    found = {}
    in_order = text.digests[text.places]
    for length, known in traces.digests.items():
        if not len(known):
            continue
        if length == 1:
            made = np.concatenate([text.digests, _parts(text.words)])
        else:
            starts = np.arange(max(len(in_order) - length + 1, 0))
            made = np.unique(runs(in_order, starts, length))
        at = np.searchsorted(known, made)
        at = at[(at < len(known)) & (known[np.minimum(at, len(known) - 1)] == made)]
        if len(at):
            found[length] = np.unique(at)
    return found


def _parts(words: NDArray[np.object_]) -> NDArray[np.uint64]:
    """Numbers that a sign joined to others, such as 104233-2016; not the places of a decimal."""
    joined = [word for word in words if "-" in word or "/" in word or ":" in word]
    parts = {
        part for word in joined for part in word.replace("/", "-").replace(":", "-").split("-")
    }
    return digests(np.array(sorted(part for part in parts if part.isdigit()), dtype=object))
