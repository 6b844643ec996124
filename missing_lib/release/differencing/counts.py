"""Distinct published counts: equal sets are one quantity, wherever it was published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from missing_lib.release.counted import (
    ALL_RECORDED,
    FEW,
    HIDDEN,
    SHOWN,
    ZERO,
    Cell,
    Counted,
    Members,
)
from missing_lib.release.policy import Policy

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """The counts of one edition, of today's build or of an earlier release.

    Attributes
    ----------
    name : str
        In words, such as ``children`` or ``children, released as 2016-03``.
    fixed : bool
        Whether it is out already and cannot be changed.
    policy : Policy
        Under which it was published.
    counted : tuple of Counted
        In the order of the table of contents, then of publication.
    """

    name: str
    fixed: bool
    policy: Policy
    counted: tuple[Counted, ...]


@dataclass(frozen=True, order=True)
class Place:
    """One cell of one output, by its positions; places sort in the fixed order of repair."""

    source: int
    output: int
    cell: int


@dataclass(frozen=True)
class Count:
    """One set of people, incidents or rows with all that was published of its size.

    Attributes
    ----------
    unit : str
    members : array of int
        Positions in the universe of the unit, sorted.
    low, high : float
        What the policy and everything published say of the size; ``high`` can be infinite.
    threshold : int
        Of the policy under which it is shown; nought where it is hidden.
    told_at : tuple of Place
        Where something of its size can be read: the size itself, or that it is small.
    places : tuple of Place
        Where it stands, hidden or not.
    outside : bool
        Whether it stands outside the cells of tables: in a sentence, or as everybody in a table.
    """

    unit: str
    members: Positions
    low: float
    high: float
    threshold: int
    told_at: tuple[Place, ...]
    places: tuple[Place, ...]
    outside: bool

    @property
    def true(self) -> int:
        """Size of the set."""
        return len(self.members)


@dataclass(frozen=True)
class Table:
    """A published table of one unit, as positions in the list of counts.

    Attributes
    ----------
    source : int
    name : str
        Of the chapter and the output; both units of a table have the same.
    by : tuple of str
        Columns that span it.
    unit : str
    labels : tuple of str
        Of the cells.
    cells : tuple of int
        The counts of its cells, without the total.
    union : int
        The count of everybody in the table; its size need not be published.
    """

    source: int
    name: str
    by: tuple[str, ...]
    unit: str
    labels: tuple[str, ...]
    cells: tuple[int, ...]
    union: int


@dataclass(frozen=True)
class Collection:
    """Everything published by one force.

    Attributes
    ----------
    counts : tuple of Count
    tables : tuple of Table
    sizes : dict
        Size of the universe of each unit.
    """

    counts: tuple[Count, ...]
    tables: tuple[Table, ...]
    sizes: dict[str, int]


def interval(cell: Cell, policy: Policy) -> tuple[float, float]:
    """What a cell and the policy say of its count.

    A cell that keeps an earlier value says nothing anew: the earlier release said it.

    Examples
    --------
    >>> interval(Cell("", SHOWN, 25.0, 27), Policy()), interval(Cell("", SHOWN, 10.0, 11), Policy())
    ((23.0, 27.0), (10.0, 12.0))
    >>> interval(Cell("", FEW, float("nan"), 3), Policy())
    (0.0, 9.0)
    """
    if cell.status == SHOWN:
        low = np.ceil(cell.value - policy.rounding / 2)
        high = np.ceil(cell.value + policy.rounding / 2) - 1
        return max(float(policy.threshold), float(low)), float(high)
    if cell.status == ZERO:
        return 0.0, 0.0
    return 0.0, policy.threshold - 1.0 if cell.status == FEW else np.inf


def collect(sources: Sequence[Source]) -> Collection:
    """Find the distinct counts of everything published, and the tables they stand in."""
    universes = _universes(sources)
    keys: dict[tuple[str, bytes], int] = {}
    found: list[_Growing] = []
    tables: list[Table] = []

    def number(unit: str, members: Positions) -> int:
        key = (unit, members.tobytes())
        if key not in keys:
            keys[key] = len(found)
            found.append(_Growing(unit, members))
        return keys[key]

    for source, output, counted in _outputs(sources):
        at = [np.searchsorted(universes[counted.unit], m) for m in counted.members]
        cells = []
        for position, (cell, members) in enumerate(zip(counted.cells, at, strict=True)):
            count = number(counted.unit, members)
            place, policy = Place(source, output, position), sources[source].policy
            found[count].stand(place, cell, policy, one=not counted.by and len(counted.cells) == 1)
            found[count].outside |= not counted.by or cell.label == ALL_RECORDED
            cells.append(count)
        if counted.by:
            inside = [i for i, c in enumerate(counted.cells) if c.label != ALL_RECORDED]
            everybody = number(counted.unit, np.unique(np.concatenate([at[i] for i in inside])))
            found[everybody].outside = True
            tables.append(
                Table(
                    source,
                    f"{counted.chapter}: {counted.output}",
                    counted.by,
                    counted.unit,
                    tuple(counted.cells[i].label for i in inside),
                    tuple(cells[i] for i in inside),
                    everybody,
                )
            )
    counts = tuple(growing.grown() for growing in found)
    return Collection(counts, tuple(tables), {unit: len(ids) for unit, ids in universes.items()})


class _Growing:
    """A count while its places are still being found."""

    def __init__(self, unit: str, members: Positions) -> None:
        self.unit, self.members = unit, members
        self.low, self.high, self.threshold = 0.0, np.inf, 0
        self.outside = False
        self.told_at: list[Place] = []
        self.places: list[Place] = []

    def stand(self, place: Place, cell: Cell, policy: Policy, one: bool) -> None:
        """Take in what is said at a place; ``one`` is a number in a sentence.

        Such a number is said to be below the threshold where it is, so one which is only hidden
        is not; unless a mend took that word away, which nobody outside can see.
        """
        low, high = interval(cell, policy)
        if one and cell.status == HIDDEN and cell.true >= policy.threshold:
            low = float(policy.threshold)
        self.low, self.high = max(self.low, low), min(self.high, high)
        self.places.append(place)
        if cell.status in (SHOWN, FEW):
            self.told_at.append(place)
        if cell.status == SHOWN:
            self.threshold = max(self.threshold, policy.threshold)

    def grown(self) -> Count:
        return Count(
            self.unit,
            self.members,
            self.low,
            self.high,
            self.threshold,
            tuple(self.told_at),
            tuple(self.places),
            self.outside,
        )


def _outputs(sources: Sequence[Source]) -> Iterator[tuple[int, int, Counted]]:
    for s, source in enumerate(sources):
        for o, counted in enumerate(source.counted):
            if counted.cells:
                yield s, o, counted


def _universes(sources: Sequence[Source]) -> dict[str, Members]:
    members: dict[str, list[Members]] = {}
    for _, _, counted in _outputs(sources):
        members.setdefault(counted.unit, []).extend(counted.members)
    return {unit: np.unique(np.concatenate(sets)) for unit, sets in members.items()}
