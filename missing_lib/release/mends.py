"""Cells that must not show today's count: an input of an edition, found by its build.

A cell is hidden, or keeps the value of an earlier release where the change since then cannot be
shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Mend:
    """One cell that is not shown as it is.

    Attributes
    ----------
    chapter, output : str
    unit : {"person", "incident", "row"}
    label : str
        Levels of the cell in words; empty for a number.
    value : float or None
        What it showed earlier and shows again; None hides it.
    since : str
        Day up to which the earlier value counts, in words; empty where there is none.
    """

    chapter: str
    output: str
    unit: str
    label: str
    value: float | None = None
    since: str = ""


@dataclass(frozen=True)
class Mends:
    """All mends of an edition.

    Attributes
    ----------
    basis : str
        What they were found with; with anything else they mean nothing.
    mends : tuple of Mend, sorted
    """

    basis: str
    mends: tuple[Mend, ...]

    def of(self, chapter: str) -> tuple[Mend, ...]:
        """Those of one chapter."""
        return tuple(m for m in self.mends if m.chapter == chapter)

    def with_more(self, more: Iterable[Mend]) -> Mends:
        """These and others; of two for the same cell the new one."""
        cells = {(m.chapter, m.output, m.unit, m.label): m for m in (*self.mends, *more)}
        return Mends(self.basis, tuple(sorted(cells.values(), key=_cell)))


def _cell(mend: Mend) -> tuple[str, str, str, str]:
    return mend.chapter, mend.output, mend.unit, mend.label


def read_mends(path: Path, basis: str) -> Mends:
    """Mends that were found with this basis; none if there are none or they had another."""
    kept = _read(path)
    return kept if kept.basis == basis else Mends(basis, ())


def mends_for(path: Path, chapter: str) -> tuple[Mend, ...]:
    """Mends of a chapter that runs; whoever lets it run has seen to their basis."""
    return _read(path).of(chapter)


def any_mends(path: Path) -> bool:
    """Whether the edition has mends; whoever lets its chapters run has seen to their basis."""
    return bool(_read(path).mends)


def _read(path: Path) -> Mends:
    if not path.is_file():
        return Mends("", ())
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Mends(kept["basis"], tuple(Mend(**m) for m in kept["mends"]))


def write_mends(path: Path, mends: Mends) -> None:
    """Write them all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"basis": mends.basis, "mends": [asdict(m) for m in mends.mends]}, indent=1)
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def for_output(mends: Sequence[Mend], output: str, unit: str) -> dict[str, Mend]:
    """Mends of one output and unit, by label."""
    return {m.label: m for m in mends if m.output == output and m.unit == unit}
