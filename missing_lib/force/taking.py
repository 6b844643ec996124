"""All sources of one canonical table: read, in canonical vocabulary, one beneath the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from missing_lib.force.convert import Converted, convert, own_words, said, unread_rows
from missing_lib.force.mapping import ColumnFrom, SharedTies, Source
from missing_lib.force.read import Raw, missing_columns, read_source
from missing_lib.force.shared import pairs
from missing_lib.force.tables import empty
from missing_lib.force.times import OFFSET

#: Cells that are looked at to know how a column is written.
LOOKED_AT = 1_000


@dataclass(frozen=True)
class Part:
    """The rows of one file or query.

    Attributes
    ----------
    label : str
        What messages call it.
    rows : DataFrame of str
        As they came; the index is the position in the source.
    done : Converted
        The same rows in canonical vocabulary.
    first_row : int
        What a spreadsheet calls the row at position zero.
    beside : tuple of DataFrame
        What else was read for these rows, whole: files that were joined, and the rows that ties
        are made from.
    """

    label: str
    rows: pd.DataFrame
    done: Converted
    first_row: int
    beside: tuple[pd.DataFrame, ...] = ()

    @property
    def extent(self) -> int:
        """Positions that the source has, blank rows included."""
        return int(self.rows.index.max()) + 1 if len(self.rows) else 0


@dataclass(frozen=True)
class Taken:
    """What fills one table.

    Attributes
    ----------
    table : str
    parts : tuple of Part
    problems : tuple of str
        What stops the intake.
    caveats : tuple of str
    names : dict of tuple of str
        By canonical column: the extract's columns that it is made from.
    """

    table: str
    parts: tuple[Part, ...]
    problems: tuple[str, ...]
    caveats: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def own_words(self, columns: tuple[str, ...]) -> str:
        """The analyst's names of some canonical columns in brackets, or nothing."""
        names = [repr(n) for column in columns for n in self.names.get(column, ())]
        return f" (your {', '.join(dict.fromkeys(names))})" if names else ""

    def with_offsets(self, column: str) -> bool:
        """Whether stamps of a canonical column have offsets, by those that stand first."""
        names = self.names.get(column, (column,))
        cells = [p.rows[n].head(LOOKED_AT) for p in self.parts for n in names if n in p.rows]
        return any(cell.str.contains(OFFSET, regex=True).any() for cell in cells)

    def __len__(self) -> int:
        return sum(len(part.rows) for part in self.parts)

    @property
    def begins(self) -> list[int]:
        """Where the positions of each part begin among those of the table."""
        ends = pd.Series([part.extent for part in self.parts], dtype="int64").cumsum()
        return [0, *ends.tolist()][: len(self.parts)]

    def converted(self) -> pd.DataFrame:
        """Canonical rows of all parts; the index is the position in the table."""
        frames = []
        for part, begin in zip(self.parts, self.begins, strict=True):
            rows = part.done.rows
            frames.append(rows.set_axis(rows.index + begin) if begin else rows)
        if not frames:
            return empty(self.table)
        return frames[0] if len(frames) == 1 else pd.concat(frames)


def take_table(folder: Path, table: str, source: Source, time_zone: str) -> Taken:
    """Read and map every source of a table; all problems are collected.

    Parameters
    ----------
    folder : Path
        Files are found relative to it.
    table : str
        Canonical table.
    source : Source
    time_zone : str
        Zone of clock times without another.
    """
    parts: list[Part] = []
    problems: list[str] = []
    caveats: list[str] = []
    several = len(source.each()) > 1 or len(source.file) > 1
    for place, one in source.each():
        where = f"sources.{table}{place}"
        raws, wrong = read_source(folder, one, where)
        problems += wrong
        fit = []
        for raw in raws:
            lacking = missing_columns(raw, table, one, where)
            problems += lacking
            fit += [] if lacking else [raw]
            at = f" (in {raw.label})" if several else ""
            caveats += [f"{table}: {note}{at}" for note in raw.caveats]
        made = [_tied(fit, table, one, time_zone)] if one.shared and fit else []
        made += [_part(raw, table, one, time_zone) for raw in fit if one.shared is None]
        for part in made:
            at = f" (in {part.label})" if several else ""
            problems += [f"{line}{at}" for line in part.done.problems]
            caveats += [f"{line}{at}" for line in part.done.caveats]
        parts += made
    return Taken(table, tuple(parts), tuple(problems), tuple(caveats), _names(source))


def _names(source: Source) -> dict[str, tuple[str, ...]]:
    """The extract's columns by canonical column, over all sources."""
    names: dict[str, tuple[str, ...]] = {}
    for _, one in source.each():
        columns = dict(one.columns or {})
        if one.shared is not None:
            person = ColumnFrom(column=one.shared.person)
            columns = {"person_a": person, "person_b": person, "first_seen": one.shared.date}
        for column, origin in columns.items():
            names[column] = tuple(dict.fromkeys([*names.get(column, ()), *origin.names]))
    return names


def _part(raw: Raw, table: str, source: Source, time_zone: str) -> Part:
    done = convert(raw.rows, table, source, time_zone)
    return Part(raw.label, raw.rows, done, raw.first_row, raw.beside)


def _tied(raws: list[Raw], table: str, source: Source, time_zone: str) -> Part:
    """Ties of people who share a key, over all files of the source."""
    shared = source.shared
    if not isinstance(shared, SharedTies):
        raise TypeError("only a source with 'shared' makes ties")
    label = "pairs from " + " + ".join(raw.label for raw in raws)
    whole = raws[0].rows if len(raws) == 1 else pd.concat([raw.rows for raw in raws])
    rows, dates, notes = pairs(whole.reset_index(drop=True), shared, time_zone, source.decimal)
    dates = replace(dates, unread=dates.unread.set_axis(whole.index))
    plain = source.model_copy(update={"shared": None, "columns": None})
    done = convert(rows, table, plain, time_zone)
    where = f"ties.shared.date (your {own_words(shared.date)})"
    (done.problems if dates.stops else done.caveats).extend(said(dates, where))
    done.caveats.extend([*notes, *dates.notes])
    done = replace(done, unread=unread_rows(dates, table, "first_seen"))
    beside = [rows for raw in raws for rows in (raw.rows, *raw.beside)]
    return Part(label, rows, done, raws[0].first_row, tuple(beside))
