"""Which published tables depend on each other through more than their totals.

Two tables of the same incidents, by month and by sex, share nothing but their total. By month
and by calendar month share more: the Mays add up. In the first case the graph that joins two
levels where an incident has both is connected, in the second it falls into parts, and each part
is a sum that both tables tell. Tables that depend on each other are looked at together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from missing_lib.release.differencing.counts import Collection, Table

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Family:
    """Tables to be looked at together.

    Attributes
    ----------
    tables : tuple of int
        Positions in the collection.
    related : tuple of int
        Counts outside these tables that are sums of cells of one of them.
    """

    tables: tuple[int, ...]
    related: tuple[int, ...]


def families(collection: Collection) -> list[Family]:
    """Group the tables by what they share beyond totals; each table is in one family."""
    tables = collection.tables
    by = sorted({t.by for t in tables})
    kin = _Kin(len(by))
    for i, one in enumerate(by):
        for j, other in enumerate(by[:i]):
            if kin.apart(i, j) and _groups_share(collection, one, other):
                kin.join(i, j)
    groups: dict[int, list[int]] = {}
    for position, table in enumerate(tables):
        groups.setdefault(kin.root(by.index(table.by)), []).append(position)
    outside = numbers_and_totals(collection)
    return [
        Family(tuple(members), tuple(_related(collection, members, outside)))
        for members in groups.values()
    ]


def numbers_and_totals(collection: Collection) -> list[int]:
    """Counts that stand in a sentence, or of everybody in a table."""
    return [i for i, count in enumerate(collection.counts) if count.outside]


def is_partition(collection: Collection, table: Table) -> bool:
    """Whether nobody stands in two cells of a table."""
    sizes = sum(collection.counts[c].true for c in table.cells)
    return sizes == collection.counts[table.union].true


def codes(collection: Collection, table: Table) -> Codes:
    """The cell of every member of the universe, -1 outside the table; for a partition."""
    out = np.full(collection.sizes[table.unit], -1, dtype=np.int64)
    for code, count in enumerate(table.cells):
        out[collection.counts[count].members] = code
    return out


def parts(one: Codes, other: Codes) -> int:
    """Number of parts into which two tables fall where both hold somebody.

    Examples
    --------
    >>> parts(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    1
    >>> parts(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1]))
    2
    """
    both = (one >= 0) & (other >= 0)
    if not both.any():
        return 0
    a, first = np.unique(one[both], return_inverse=True)
    b, second = np.unique(other[both], return_inverse=True)
    size = len(a) + len(b)
    edges = coo_matrix((np.ones(len(first)), (first, second + len(a))), shape=(size, size))
    return int(connected_components(edges, directed=False, return_labels=False))


def _groups_share(collection: Collection, one: Iterable[str], other: Iterable[str]) -> bool:
    mine = _partitions(collection, tuple(one))
    theirs = _partitions(collection, tuple(other))
    return any(
        parts(codes(collection, a), codes(collection, b)) > 1
        for a in mine
        for b in theirs
        if a.unit == b.unit and a.source == b.source
    )


def _partitions(collection: Collection, by: tuple[str, ...]) -> list[Table]:
    return [t for t in collection.tables if t.by == by and is_partition(collection, t)]


def _related(collection: Collection, tables: list[int], outside: list[int]) -> list[int]:
    found = []
    for position in tables:
        table = collection.tables[position]
        if not is_partition(collection, table):
            continue
        of = codes(collection, table)
        sizes = np.bincount(of[of >= 0], minlength=len(table.cells))
        for count in outside:
            if collection.counts[count].unit != table.unit or count == table.union:
                continue
            inside = of[collection.counts[count].members]
            held = np.bincount(inside[inside >= 0], minlength=len(table.cells))
            whole = (held == sizes) | (held == 0)
            if whole.all() and 0 < held.sum() < sizes.sum():
                found.append(count)
    return list(dict.fromkeys(found))


class _Kin:
    """Union of groups that turn out to be related."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, i: int) -> int:
        while self._parent[i] != i:
            i = self._parent[i]
        return i

    def apart(self, i: int, j: int) -> bool:
        return self.root(i) != self.root(j)

    def join(self, i: int, j: int) -> None:
        self._parent[self.root(i)] = self.root(j)
