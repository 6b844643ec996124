"""Turn the extract's own texts into canonical values, by the mapping of the force file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from missing_lib.force.errors import suggestion
from missing_lib.force.mapping import EXCEL, EXCEL_1904, ColumnFrom, Source
from missing_lib.force.schema import SCHEMA, Column
from missing_lib.force.tables import conform
from missing_lib.force.times import in_words, parse_dates, parse_times
from missing_lib.force.typed import TEXT, without_mark

FLAGS = {
    "true": True, "t": True, "yes": True, "y": True, "1": True,
    "false": False, "f": False, "no": False, "n": False, "0": False,
}  # fmt: skip

#: Share of unreadable dates above which the declared format must be wrong (a date read with day
#: and month exchanged fails on the 18 of 30 days after the 12th), and dates needed to judge.
WRONG_FORMAT, ENOUGH_TO_JUDGE = 0.5, 10
#: No age is higher, in years.
OLDEST = 120
#: Dates from which on the share of days after the 12th is looked at, and the share below which
#: something is odd; 0.6 is expected, and 0.4 is four standard errors less in a hundred dates.
ENOUGH_DATES, FEW_LATE_DAYS = 100, 0.4


@dataclass(frozen=True)
class Read:
    """One canonical column as it was read.

    Attributes
    ----------
    values : Series
        One per source row.
    unread : Series of bool
        Rows that hold a text which could not be read.
    trouble : str
        What is wrong with them, such as ``could not be read as dates like %d/%m/%Y``.
    stops : str
        What to do where unread rows stop the intake; empty where they do not.
    notes : tuple of str
        What else the analyst should know.
    """

    values: pd.Series
    unread: pd.Series
    trouble: str
    stops: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Converted:
    """A source in canonical vocabulary.

    Attributes
    ----------
    rows : DataFrame
        Canonical columns and types, one row per source row; the index is the position.
    unread : DataFrame
        ``table``, ``column``, ``position``: the rows that could not be read.
    problems : list of str
        What stops the intake.
    caveats : list of str
        What was read with a loss: column, expectation, number of rows.
    """

    rows: pd.DataFrame
    unread: pd.DataFrame
    problems: list[str]
    caveats: list[str]


def convert(raw: pd.DataFrame, table: str, source: Source, time_zone: str) -> Converted:
    """Map every canonical column of a table; all problems are collected."""
    mapping = source.columns or {
        name: ColumnFrom(column=name) for name in SCHEMA[table] if name in raw.columns
    }
    values: dict[str, pd.Series] = {}
    unread: list[pd.DataFrame] = []
    problems: list[str] = []
    caveats = [] if source.columns else _strange_names(raw, table)
    for name, origin in mapping.items():
        read = _one_column(raw, SCHEMA[table][name], origin, time_zone, source.decimal)
        values[name] = read.values
        where = f"{table}.{name} (your {own_words(origin)})"
        says = said(read, where)
        (problems if read.stops else caveats).extend(says)
        caveats += [f"{where}: {note}" for note in read.notes]
        unread.append(unread_rows(read, table, name))
    rows = pd.DataFrame(values, index=raw.index)
    if problems:
        rows = rows.iloc[:0].astype(object)
    return Converted(conform(rows, table), pd.concat(unread, ignore_index=True), problems, caveats)


def said(read: Read, where: str) -> list[str]:
    """Unread rows of a column in one line, or no line where all were read."""
    number = int(read.unread.sum())
    if not number:
        return []
    rows = "1 row" if number == 1 else f"{number:,} rows"
    cure = f"; {read.stops}" if read.stops else ""
    return [f"{where}: {rows} {read.trouble}{cure}"]


def unread_rows(read: Read, table: str, column: str) -> pd.DataFrame:
    """Where the unread rows of a column stand in the source."""
    position = read.unread.index[read.unread].astype("int64")
    return pd.DataFrame({"table": table, "column": column, "position": position})


def _strange_names(raw: pd.DataFrame, table: str) -> list[str]:
    """Names in a file of canonical vocabulary that are nearly canonical, but not quite."""
    lacking = [name for name in SCHEMA[table] if name not in raw.columns]
    near = {str(c): suggestion(str(c), lacking) for c in raw.columns if c not in SCHEMA[table]}
    return [f"{table}: the column {c!r} is not read{hint}" for c, hint in near.items() if hint]


def own_words(origin: ColumnFrom) -> str:
    """The analyst's names of the columns that are read."""
    return " + ".join(repr(name) for name in origin.names) or "fixed value"


def _joined(raw: pd.DataFrame, origin: ColumnFrom, timed: bool) -> pd.Series:
    """The text of one or several columns, stripped.

    Identifiers and codes are empty where any part is; of a date and its time what there is
    is kept, because a date without its time is still a date.
    """
    if not origin.names:
        fixed = "" if origin.value is None else str(origin.value)
        return pd.Series(fixed, index=raw.index, dtype=object)
    parts = [raw[name].str.strip() for name in origin.names]
    if not timed:
        parts = [without_mark(part) for part in parts]
    text = parts[0]
    for part in parts[1:]:
        text = text + (" " if timed else "-") + part
    if timed:
        return text.str.strip() if len(parts) > 1 else text
    empty = [part == "" for part in parts] if len(parts) > 1 else []
    return text.mask(np.logical_or.reduce(empty), "") if empty else text


def _one_column(
    raw: pd.DataFrame, column: Column, origin: ColumnFrom, time_zone: str, decimal: str
) -> Read:
    if column.kind == "date":
        return read_dates(raw, origin, time_zone, decimal)
    if column.kind == "time":
        return read_times(raw, origin, time_zone, decimal)
    text = _joined(raw, origin, timed=False)
    if column.kind == "age":
        return _read_ages(text, origin, decimal)
    return _read_codes(text, column, origin)


def _read_ages(text: pd.Series, origin: ColumnFrom, decimal: str) -> Read:
    """Ages in years, by the declared decimal sign."""
    if origin.recode:
        given = {code: meaning or "" for code, meaning in origin.recode.items()}
        text = _looked_up(text, given).fillna(text)
    plain = text.str.replace(decimal, ".", regex=False) if decimal != "." else text
    values = pd.to_numeric(plain.mask(plain == ""), errors="coerce").astype("Float64")
    values = values.where(values.between(0, OLDEST).fillna(False).astype(bool))
    trouble = f"could not be read as ages in years, 0 to {OLDEST}"
    return Read(values, (text != "") & values.isna(), trouble)


def read_dates(raw: pd.DataFrame, origin: ColumnFrom, time_zone: str, decimal: str = ".") -> Read:
    """Dates of one or several columns, as days in the force's zone."""
    text = _known_text(raw, origin, decimal)
    dates = parse_dates(text, origin.format, origin.zone, time_zone)
    return _checked(
        dates, text, f"could not be read as dates like {in_words(origin.format, 'date')}", origin
    )


def read_times(raw: pd.DataFrame, origin: ColumnFrom, time_zone: str, decimal: str = ".") -> Read:
    """UTC instants of one or several columns."""
    text = _known_text(raw, origin, decimal)
    times = parse_times(text, origin.format, origin.zone or time_zone)
    notes = []
    if times.twice:
        notes.append(
            f"clock times that occur twice, as clocks go back: {times.twice}; the first is taken"
        )
    if times.never:
        notes.append(
            f"clock times that do not occur, as clocks go forward: {times.never}; moved to the "
            "next that does"
        )
    trouble = f"could not be read as times like {in_words(origin.format, 'time')}"
    return _checked(times.instants, text, trouble, origin, tuple(notes))


def _known_text(raw: pd.DataFrame, origin: ColumnFrom, decimal: str) -> pd.Series:
    """Texts of dates or times after recoding, such as an end date that means still open."""
    text = _joined(raw, origin, timed=True)
    if origin.recode:
        bare = without_mark(text)
        listed = bare.isin(list(origin.recode))
        if listed.any():
            given = {code: meaning or "" for code, meaning in origin.recode.items()}
            text = text.astype(object).where(~listed, _looked_up(bare, given)).astype(text.dtype)
    if decimal != "." and {EXCEL, EXCEL_1904} & set(origin.format):
        text = text.str.replace(r"^(\d+),(\d+)$", r"\1.\2", regex=True)
    return text


def _looked_up(text: pd.Series, table: Mapping[str, Any]) -> pd.Series:
    """What a table says of each text, None where it says nothing; asked once per text."""
    codes, distinct = pd.factorize(text, use_na_sentinel=False)
    meanings = np.array([*(table.get(one) for one in distinct), None], dtype=object)
    return pd.Series(meanings[codes], index=text.index, dtype=object)


def _checked(
    values: pd.Series,
    text: pd.Series,
    trouble: str,
    origin: ColumnFrom,
    notes: tuple[str, ...] = (),
) -> Read:
    """Dates or times with what is odd about them."""
    given = text != ""
    unread = given & values.isna()
    wrong = unread.sum() > WRONG_FORMAT * given.sum() and given.sum() >= ENOUGH_TO_JUDGE
    stops = f"that is most of {int(given.sum()):,}, so correct 'format'" if wrong else ""
    day = values.drop_duplicates().dropna().dt.day
    by_day = not origin.format or any("%d" in one for one in origin.format)
    late = (day > 12).mean() if len(day) >= ENOUGH_DATES and by_day else 1.0
    if not wrong and late < FEW_LATE_DAYS:
        notes += (
            f"only {late:.0%} of {len(day):,} dates lie after the 12th of a month, where about "
            "60% are expected: are day and month the right way round, or do many dates stand "
            "for a whole month or year?",
        )
    return Read(values, unread, trouble, stops, notes)


def _read_codes(text: pd.Series, column: Column, origin: ColumnFrom) -> Read:
    """Flags, levels and texts; a code that nobody listed stops the intake."""
    table = origin.recode or None
    if table is None and column.kind not in ("flag", "level"):
        return Read(text, pd.Series(False, index=text.index), "")
    codes, distinct = pd.factorize(text, use_na_sentinel=False)
    if table is not None:
        known, words = dict(table), list(distinct)
        trouble = "with a code that 'recode' does not list"
    elif column.kind == "flag":
        known, words = dict(FLAGS), [one.lower() for one in distinct]
        trouble = "that say neither yes nor no"
    else:
        known, words = {one: one for one in column.levels}, list(distinct)
        trouble = f"with none of the codes {', '.join(column.levels)}"
    unlisted = np.array([word not in known and word != "" for word in words], dtype=bool)
    meanings = [
        origin.otherwise if strange else known.get(word)
        for word, strange in zip(words, unlisted, strict=True)
    ]
    strange = unlisted[codes] if origin.otherwise is None else np.zeros(len(codes), dtype=bool)
    cure = "list their codes under 'recode', or say 'otherwise_missing: true'"
    other = int(unlisted[codes].sum()) if origin.otherwise is not None else 0
    taken = f"rows with a code that 'recode' does not list, taken as 'otherwise' says: {other:,}"
    return Read(
        values=pd.Series(_meant(meanings, codes, column), index=text.index),
        unread=pd.Series(strange, index=text.index),
        trouble=trouble,
        stops="" if origin.otherwise_missing else cure,
        notes=(taken,) if other else (),
    )


def _meant(meanings: list[Any], codes: np.ndarray, column: Column) -> ExtensionArray:
    """The meaning of each row's code, as a canonical column of its kind."""
    if column.kind == "level":
        place = {level: n for n, level in enumerate(column.levels)}
        at = np.array([place.get(one, -1) for one in meanings], dtype=np.int8)
        return pd.Categorical.from_codes(at[codes], list(column.levels), ordered=True)
    if column.kind == "flag":
        return pd.array(meanings, dtype="boolean").take(codes)
    return pd.array(meanings, dtype=TEXT).take(codes)
