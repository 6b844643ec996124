"""Published counts with their true values and members, which stay on the machine.

The registry of an edition says what was published. This says of what: every count is a set of
people, incidents or rows, and what two counts together give away follows from their sets alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Members = NDArray[np.uint64]

#: What is counted.
PERSON, INCIDENT, ROW = "person", "incident", "row"

#: What a count can be: shown; hidden, whatever its size; hidden and said to be below the
#: threshold; nought by definition; shown as it was in an earlier release.
SHOWN, HIDDEN, FEW, ZERO, KEPT = "shown", "hidden", "few", "zero", "kept"

#: Beginning of the name under which the stand-ins of a unit are kept.
_UNIT = "members-"

#: Label of the cell that holds everybody in a table.
ALL_RECORDED = "All recorded"


class Tabulated(Protocol):
    """A table of counts before the policy, such as ``study.tabulate`` makes."""

    @property
    def by(self) -> tuple[str, ...]:
        """Columns that span the table."""

    @property
    def cells(self) -> pd.DataFrame:
        """One row per cell, zero cells included; see ``study.tabulate``."""

    @property
    def rows(self) -> pd.DataFrame:
        """One row per incident: ``incident_id``, ``person_id`` and ``cell``, a position."""


@dataclass(frozen=True)
class Cell:
    """One published count.

    Attributes
    ----------
    label : str
        Its levels in words, joined by a comma; empty for a number in a sentence.
    status : str
        One of the five constants of this module.
    value : float
        As published; NaN where it is not shown.
    true : int
        Number of members.
    """

    label: str
    status: str
    value: float
    true: int


@dataclass(frozen=True)
class Counted:
    """The counts of one unit in one published table, or one published number.

    Attributes
    ----------
    chapter, output : str
        Where it stands.
    unit : {"person", "incident", "row"}
    by : tuple of str
        Columns that span the table, none for a number. Its cells are a partition of the table
        where the unit is the incident; a person can stand in several.
    cells : tuple of Cell
        In the order of the table; in a table with a total that is the last, labelled
        :data:`ALL_RECORDED`.
    members : tuple of array of uint64, each sorted and without repeats
        Of each cell, as :func:`hashed`.
    """

    chapter: str
    output: str
    unit: str
    by: tuple[str, ...]
    cells: tuple[Cell, ...]
    members: tuple[Members, ...]


def hashed(ids: Iterable[Any]) -> Members:
    """Stand-ins for identifiers, the same in every edition and release; sorted, no repeats.

    Examples
    --------
    >>> len(hashed(["a", "b", "a"]))
    2
    """
    texts = pd.Series(list(ids) if not isinstance(ids, pd.Series) else ids, dtype=object)
    unique = texts.dropna().astype(str).drop_duplicates()
    return np.sort(pd.util.hash_array(unique.to_numpy(dtype=object), categorize=False))


def save(path: Path, counted: Sequence[Counted]) -> None:
    """Write counts and members of a chapter.

    Stand-ins are written once for each unit; a set is the steps from one of its places among them
    to the next, which are small, and equal sets are written once.
    """
    everybody = {one.unit: np.empty(0, dtype=np.uint64) for one in counted}
    for unit in everybody:
        sets = [members for one in counted if one.unit == unit for members in one.members]
        everybody[unit] = np.unique(np.concatenate(sets)) if sets else everybody[unit]
    arrays: dict[str, Any] = {f"{_UNIT}{unit}": ids for unit, ids in everybody.items()}
    index = []
    for one in counted:
        keys = []
        for members in one.members:
            places = np.searchsorted(everybody[one.unit], members)
            steps = np.diff(places, prepend=0).astype(np.uint32)
            digest = hashlib.blake2b(steps.tobytes(), digest_size=12)
            keys.append(f"{one.unit}-{digest.hexdigest()}")
            arrays[keys[-1]] = steps
        cells = [
            [c.label, c.status, None if np.isnan(c.value) else c.value, c.true] for c in one.cells
        ]
        index.append([one.chapter, one.output, one.unit, list(one.by), cells, keys])
    text = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, index=text, **arrays)


def load(path: Path) -> list[Counted]:
    """Read what :func:`save` has written."""
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in kept.files}
    found = []
    for chapter, output, unit, by, cells, keys in json.loads(arrays["index"].tobytes()):
        everybody = arrays[f"{_UNIT}{unit}"]
        found.append(
            Counted(
                chapter,
                output,
                unit,
                tuple(by),
                tuple(Cell(a, b, np.nan if c is None else c, d) for a, b, c, d in cells),
                tuple(everybody[np.cumsum(arrays[key], dtype=np.int64)] for key in keys),
            )
        )
    return found
