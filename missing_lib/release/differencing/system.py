"""What everything published says, as bounds on sums of unknown whole numbers.

The unknowns are the sizes of the smallest sets that published sets cut out of each other. One
system holds all numbers in sentences and all totals; a family of tables adds the cells of its
tables, whose sums are totals of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from missing_lib.release.counted import INCIDENT, PERSON
from missing_lib.release.differencing.counts import Collection, Table
from missing_lib.release.differencing.cut import Cut, bits, cut_out
from missing_lib.release.differencing.families import (
    Family,
    codes,
    is_partition,
    numbers_and_totals,
)

Columns = NDArray[np.int64]

#: A row that follows from no published value.
ALWAYS = -1


@dataclass(frozen=True)
class Named:
    """A set whose size is a sum of unknowns.

    Attributes
    ----------
    columns : array of int
        The unknowns.
    count : int
        Position of the count in the collection.
    block : str
        Sets of one block are cut from the same members.
    """

    columns: Columns
    count: int
    block: str


@dataclass(frozen=True)
class System:
    """Bounds on sums of unknowns.

    Attributes
    ----------
    truth : array of int, shape (unknowns,)
    rows : sparse matrix, shape (rows, unknowns)
        Entries are 1 and -1.
    low, high : array of float, shape (rows,)
    of : array of int, shape (rows,)
        The count whose publication says so, or :data:`ALWAYS`.
    sets : tuple of Named
    sums : tuple of tuple of Named
        Cells of one table that are hidden together.
    blocks : tuple of (int, int)
        First unknown of each family of tables and the first after it. Those before the first
        family are of numbers and totals.
    """

    truth: NDArray[np.int64]
    rows: csr_matrix
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    of: NDArray[np.int64]
    sets: tuple[Named, ...]
    sums: tuple[tuple[Named, ...], ...]
    blocks: tuple[tuple[int, int], ...]

    def without(self, hidden: Iterable[int]) -> System:
        """The same system had these counts not been published."""
        keep = ~np.isin(self.of, list(hidden))
        rows, low, high, of = self.rows[keep], self.low[keep], self.high[keep], self.of[keep]
        return replace(self, rows=rows, low=low, high=high, of=of)


@dataclass
class _Rows:
    """Unknowns and rows while a system is put together."""

    truth: list[NDArray[np.int64]] = field(default_factory=list)
    size: int = 0
    entries: list[tuple[Columns, Columns, float, float, int]] = field(default_factory=list)

    def unknowns(self, sizes: NDArray[np.int64]) -> int:
        """Add unknowns and return the position of the first."""
        first = self.size
        self.truth.append(sizes)
        self.size += len(sizes)
        return first

    def bound(
        self, plus: Columns, minus: Columns, low: float, high: float, of: int = ALWAYS
    ) -> None:
        """Say that a sum less another lies between two values."""
        if low > -np.inf or high < np.inf:
            self.entries.append((plus, minus, low, high, of))

    def system(
        self,
        sets: Sequence[Named],
        sums: Sequence[tuple[Named, ...]],
        blocks: Sequence[tuple[int, int]],
    ) -> System:
        """Everything that was said."""
        columns = [np.concatenate([p, m]) for p, m, *_ in self.entries]
        signs = [np.repeat([1.0, -1.0], [len(p), len(m)]) for p, m, *_ in self.entries]
        at = np.repeat(np.arange(len(columns)), [len(c) for c in columns])
        flat = np.concatenate(columns) if columns else np.empty(0, dtype=np.int64)
        sign = np.concatenate(signs) if signs else np.empty(0)
        shape = (len(columns), self.size)
        return System(
            truth=np.concatenate(self.truth) if self.truth else np.empty(0, dtype=np.int64),
            rows=csr_matrix((sign, (at, flat)), shape=shape),
            low=np.array([e[2] for e in self.entries], dtype=float),
            high=np.array([e[3] for e in self.entries], dtype=float),
            of=np.array([e[4] for e in self.entries], dtype=np.int64),
            sets=tuple(sets),
            sums=tuple(sums),
            blocks=tuple(blocks),
        )


_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class _Root:
    """Numbers and totals: their unknowns, and the unknown to which each member belongs."""

    columns: dict[int, Columns]
    atom: dict[str, Columns]
    sets: tuple[Named, ...]


def system_of(
    collection: Collection, kin: Sequence[Family], within: Sequence[tuple[int, int]] = ()
) -> System:
    """Everything published as one system: numbers and totals first, then family by family.

    ``within`` are pairs of counts of which the first is a part of the second; those that stand in
    no family together are looked at by themselves.
    """
    rows = _Rows()
    root = _root(collection, rows)
    sets = list(root.sets)
    sums: list[tuple[Named, ...]] = []
    blocks: list[tuple[int, int]] = []
    for number, family in enumerate(kin):
        first = rows.size
        more, aside = _family(collection, family, root, rows, f"family {number}")
        sets += more
        sums += aside
        blocks.append((first, rows.size))
    together = _blocks(sets)
    for inner, outer in within:
        if not together.get(inner, set()) & together.get(outer, set()):
            sets += _pair(collection, inner, outer, rows)
    return rows.system(sets, sums, blocks)


def _blocks(sets: Iterable[Named]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for one in sets:
        found.setdefault(one.count, set()).add(one.block)
    return found


def _pair(collection: Collection, inner: int, outer: int, rows: _Rows) -> list[Named]:
    """A part and what is around it; no table need hold both."""
    part, whole = collection.counts[inner].true, collection.counts[outer].true
    both = rows.unknowns(np.array([part, whole - part])) + np.arange(2)
    _publish(rows, collection, inner, both[:1])
    _publish(rows, collection, outer, both)
    block = f"{inner} within {outer}"
    return [Named(both[:1], inner, block), Named(both, outer, block)]


def _root(collection: Collection, rows: _Rows) -> _Root:
    found, sets, atom = {}, [], {}
    everything = numbers_and_totals(collection)
    for unit in sorted(collection.sizes):
        mine = [i for i in everything if collection.counts[i].unit == unit]
        members = [collection.counts[i].members for i in mine]
        cut = cut_out([bits(m, collection.sizes[unit]) for m in members])
        first = rows.unknowns(cut.sizes)
        atom[unit] = np.where(cut.atom >= 0, first + cut.atom, -1)
        for count, inside in zip(mine, members, strict=True):
            found[count] = first + np.unique(cut.atom[inside])
            sets.append(Named(found[count], count, unit))
            _publish(rows, collection, count, found[count])
    for incidents, people in _both_units(collection.tables):
        rows.bound(found[incidents.union], found[people.union], 0, np.inf)
    return _Root(found, atom, tuple(sets))


def _family(
    collection: Collection, family: Family, root: _Root, rows: _Rows, name: str
) -> tuple[list[Named], list[tuple[Named, ...]]]:
    tables = [collection.tables[i] for i in family.tables]
    sets: list[Named] = []
    at: dict[tuple[str, str, int], dict[str, Columns]] = {}
    for unit in sorted({t.unit for t in tables}):
        whole = [t for t in tables if t.unit == unit and is_partition(collection, t)]
        related = [c for c in family.related if collection.counts[c].unit == unit]
        sets += _partitions(collection, whole, related, root, rows, at, name)
        broken = [t for t in tables if t.unit == unit and not is_partition(collection, t)]
        for by in sorted({t.by for t in broken}):
            mine = [t for t in tables if t.unit == unit and t.by == by]
            sets += _overlapping(collection, mine, root, rows, at, name)
    _people_and_incidents(collection, tables, rows, at)
    return sets, _hidden_together(collection, tables, at)


def _partitions(
    collection: Collection,
    tables: Sequence[Table],
    related: Sequence[int],
    root: _Root,
    rows: _Rows,
    at: dict[tuple[str, str, int], dict[str, Columns]],
    name: str,
) -> list[Named]:
    """Cells of tables in which nobody stands twice: their members are the unknowns."""
    if not tables:
        return []
    unit, block = tables[0].unit, f"{name}, {tables[0].unit}"
    coded = [codes(collection, t) for t in tables]
    inside = [bits(collection.counts[c].members, collection.sizes[unit]) for c in related]
    cut = cut_out([*coded, *inside])
    first = rows.unknowns(cut.sizes)
    _link(cut, first, root.atom[unit], [*coded, *inside], rows)
    sets = []
    for table, code in zip(tables, coded, strict=True):
        where = at.setdefault((table.name, table.unit, table.source), {})
        for label, count in zip(table.labels, table.cells, strict=True):
            columns = first + np.unique(cut.atom[collection.counts[count].members])
            where[label] = columns
            sets.append(Named(columns, count, block))
            _publish(rows, collection, count, columns)
            _complement(rows, root.columns[table.union], columns, count, table, collection)
        everybody = first + np.unique(cut.atom[code >= 0])
        sets.append(Named(everybody, table.union, block))
    for count in related:
        columns = first + np.unique(cut.atom[collection.counts[count].members])
        sets.append(Named(columns, count, block))
    return sets


def _link(cut: Cut, first: int, outside: Columns, coded: Sequence[Columns], rows: _Rows) -> None:
    """What a family's unknowns add up to is what numbers and totals say of the same members.

    Members alike in which tables and numbers hold them are one sum on either side.
    """
    alike = cut_out([np.where(code >= 0, 0, -1) for code in coded])
    for kind in range(len(alike.sizes)):
        members = alike.atom == kind
        mine, theirs = np.unique(cut.atom[members]), np.unique(outside[members])
        rows.bound(first + mine, theirs, 0, 0)


def _overlapping(
    collection: Collection,
    tables: Sequence[Table],
    root: _Root,
    rows: _Rows,
    at: dict[tuple[str, str, int], dict[str, Columns]],
    name: str,
) -> list[Named]:
    """Cells of tables in which people can stand twice: each level has unknowns of its own.

    Nobody stands twice in some of them, by luck: of children, say, or in an earlier release.
    These are partitions too, and a cell is of the same size in both.
    """
    labels = list(dict.fromkeys(label for t in tables for label in t.labels))
    standing = [_standing(collection, table, labels) for table in tables]
    pairs = np.unique(np.concatenate(standing))
    levels = pairs // collection.sizes[tables[0].unit]
    coded = [np.where(np.isin(pairs, mine, assume_unique=True), levels, -1) for mine in standing]
    cut = cut_out(coded)
    first = rows.unknowns(cut.sizes)
    sets = []
    for table, code in zip(tables, coded, strict=True):
        where = at.setdefault((table.name, table.unit, table.source), {})
        for label, count in zip(table.labels, table.cells, strict=True):
            columns = first + np.unique(cut.atom[code == labels.index(label)])
            if label in where:
                rows.bound(where[label], columns, 0, 0)
            where.setdefault(label, columns)
            sets.append(Named(columns, count, f"{name}, {table.by}, {label}"))
            _publish(rows, collection, count, columns)
            rows.bound(root.columns[table.union], columns, 0, np.inf)
            _complement(rows, root.columns[table.union], columns, count, table, collection)
        everywhere = first + np.unique(cut.atom[code >= 0])
        rows.bound(everywhere, root.columns[table.union], 0, np.inf)
    return sets


def _standing(collection: Collection, table: Table, labels: Sequence[str]) -> Columns:
    """Everybody in each cell of a table, as one number for the level and the member."""
    size = collection.sizes[table.unit]
    return np.concatenate(
        [
            labels.index(label) * size + collection.counts[count].members
            for label, count in zip(table.labels, table.cells, strict=True)
        ]
    )


def _people_and_incidents(
    collection: Collection,
    tables: Sequence[Table],
    rows: _Rows,
    at: dict[tuple[str, str, int], dict[str, Columns]],
) -> None:
    """No cell has more people than incidents; incidents are shown of enough people only."""
    for incidents, people in _both_units(tables):
        mine = at[incidents.name, INCIDENT, incidents.source]
        theirs = at[people.name, PERSON, people.source]
        counts = dict(zip(incidents.labels, incidents.cells, strict=True))
        for label in incidents.labels:
            if label not in theirs:
                continue
            rows.bound(mine[label], theirs[label], 0, np.inf)
            count = collection.counts[counts[label]]
            if count.threshold:
                rows.bound(theirs[label], _NONE, count.threshold, np.inf, counts[label])


def _both_units(tables: Iterable[Table]) -> list[tuple[Table, Table]]:
    people = {(t.name, t.source): t for t in tables if t.unit == PERSON}
    return [
        (t, people[t.name, t.source])
        for t in tables
        if t.unit == INCIDENT and (t.name, t.source) in people
    ]


def _complement(
    rows: _Rows, total: Columns, cell: Columns, count: int, table: Table, collection: Collection
) -> None:
    """A cell of people is shown only where as many are left over, or nobody can be."""
    shown, around = collection.counts[count], collection.counts[table.union]
    if shown.unit == PERSON and around.true - shown.true >= shown.threshold > 0:
        rows.bound(total, cell, shown.threshold, np.inf, count)


def _publish(rows: _Rows, collection: Collection, count: int, columns: Columns) -> None:
    said = collection.counts[count]
    if said.low > 0 or said.high < np.inf:
        rows.bound(columns, _NONE, said.low, said.high, count if said.told_at else ALWAYS)


def _hidden_together(
    collection: Collection,
    tables: Sequence[Table],
    at: dict[tuple[str, str, int], dict[str, Columns]],
) -> list[tuple[Named, ...]]:
    found = []
    for table in tables:
        where = at[table.name, table.unit, table.source]
        aside = [
            Named(where[label], count, table.unit)
            for label, count in zip(table.labels, table.cells, strict=True)
            if not collection.counts[count].threshold
        ]
        if len(aside) > 1:
            found.append(tuple(aside))
    return found
