"""Turn the extract's own texts into canonical values, by the mapping of the force file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.schema import SCHEMA, Column
from missing_lib.force.spec import ColumnFrom, Source
from missing_lib.force.tables import conform

ISO_DATE = "%Y-%m-%d"
FLAGS = {
    "true": True, "t": True, "yes": True, "y": True, "1": True,
    "false": False, "f": False, "no": False, "n": False, "0": False,
}  # fmt: skip


@dataclass(frozen=True)
class Converted:
    """A source in canonical vocabulary.

    Attributes
    ----------
    rows : DataFrame
        Canonical columns and types, one row per source row; the index is the position.
    mapped : frozenset of str
        Canonical columns that the source fills.
    problems : list of str
        What stops the intake.
    caveats : list of str
        What was read with a loss: column, expectation, number of rows.
    """

    rows: pd.DataFrame
    mapped: frozenset[str]
    problems: list[str]
    caveats: list[str]


def convert(raw: pd.DataFrame, table: str, source: Source, time_zone: str) -> Converted:
    """Map every canonical column of a table; all problems are collected."""
    mapping = source.columns or {
        name: ColumnFrom(column=name) for name in SCHEMA[table] if name in raw.columns
    }
    values: dict[str, pd.Series] = {}
    problems: list[str] = []
    caveats: list[str] = []
    for name, origin in mapping.items():
        column = SCHEMA[table][name]
        where = f"{table}.{name} (your {_own_words(origin)})"
        read, unread, expected = _one_column(raw, column, origin, time_zone)
        values[name] = read
        if unread and column.kind == "level" and not origin.otherwise_missing:
            problems.append(
                f"{where}: {unread} rows hold a code that is not one of {expected}; list it under "
                "'recode', or say 'otherwise_missing: true'"
            )
        elif unread:
            caveats.append(f"{where}: {unread} rows could not be read as {expected}")
    rows = pd.DataFrame(values, index=raw.index)
    if problems:
        rows = rows.iloc[:0]
    return Converted(conform(rows, table), frozenset(mapping), problems, caveats)


def _own_words(origin: ColumnFrom) -> str:
    return " + ".join(repr(name) for name in origin.names) or "fixed value"


def joined(raw: pd.DataFrame, origin: ColumnFrom, between: str) -> pd.Series:
    """The text of one or several columns, stripped; empty where any of them is."""
    if not origin.names:
        fixed = "" if origin.value is None else str(origin.value)
        return pd.Series(fixed, index=raw.index, dtype=str)
    parts = [raw[name].str.strip() for name in origin.names]
    text = parts[0]
    for part in parts[1:]:
        text = text + between + part
    empty = np.logical_or.reduce([part == "" for part in parts])
    return text.mask(empty, "")


def _one_column(
    raw: pd.DataFrame, column: Column, origin: ColumnFrom, time_zone: str
) -> tuple[pd.Series, int, str]:
    """Values of one canonical column, the number of rows not read, and what was expected."""
    timed = column.kind in ("date", "time")
    text = joined(raw, origin, " " if timed else "-")
    given = text != ""
    if column.kind == "date":
        dates = parse_dates(text, origin)
        return dates, int((given & dates.isna()).sum()), f"dates like {origin.format or ISO_DATE}"
    if column.kind == "time":
        times = parse_times(text, origin, time_zone)
        expected = f"times like {origin.format or 'ISO 8601'}"
        return times, int((given & times.isna()).sum()), expected
    if column.kind == "flag":
        flags = _recoded(text, origin) if origin.recode else text.str.lower().map(FLAGS)
        flags = flags.astype("boolean")
        return flags, int((given & flags.isna() & ~_listed(text, origin)).sum()), "yes or no"
    if column.kind == "level":
        levels = _recoded(text, origin) if origin.recode else text.mask(~given)
        known = levels.isin(column.levels)
        unread = int((given & ~known & ~_listed(text, origin)).sum())
        return levels.where(known), unread, ", ".join(column.levels)
    values = _recoded(text, origin) if origin.recode else text
    return values.astype("string"), 0, "text"


def _listed(text: pd.Series, origin: ColumnFrom) -> pd.Series:
    """Codes that the force file lists, if only to call them missing."""
    return text.isin(list(origin.recode or {}))


def _recoded(text: pd.Series, origin: ColumnFrom) -> pd.Series:
    table = origin.recode or {}
    out = text.map(table).astype(object)
    if origin.otherwise is not None:
        out = out.where(text.isin(list(table)) | (text == ""), origin.otherwise)
    return out


def parse_dates(text: pd.Series, origin: ColumnFrom) -> pd.Series:
    """Dates by the declared format alone; what does not match is missing.

    Examples
    --------
    >>> day_first = ColumnFrom(column="d", format="%d/%m/%Y")
    >>> parse_dates(pd.Series(["03/04/2020", "2020-04-03"]), day_first).tolist()
    [Timestamp('2020-04-03 00:00:00'), NaT]
    """
    return pd.to_datetime(text.mask(text == ""), format=origin.format or ISO_DATE, errors="coerce")


def parse_times(text: pd.Series, origin: ColumnFrom, time_zone: str) -> pd.Series:
    """Instants in UTC by the declared format and zone.

    Without a format the text is ISO 8601; an offset in the text wins over the zone. A clock
    time that occurs twice is taken as the first, one that does not occur is moved forward.
    """
    known = text.mask(text == "")
    zone = origin.zone or time_zone
    if origin.format is None:
        offset = known.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=False)
        with_offset = pd.to_datetime(
            known.where(offset), format="ISO8601", utc=True, errors="coerce"
        )
        local = pd.to_datetime(known.mask(offset), format="ISO8601", errors="coerce")
        return with_offset.fillna(_to_utc(local, zone))
    parsed = pd.to_datetime(known, format=origin.format, errors="coerce")
    return parsed.dt.tz_convert("UTC") if parsed.dt.tz is not None else _to_utc(parsed, zone)


def _to_utc(local: pd.Series, zone: str) -> pd.Series:
    first_of_two = np.ones(len(local), dtype=bool)
    located = local.dt.tz_localize(zone, ambiguous=first_of_two, nonexistent="shift_forward")
    return located.dt.tz_convert("UTC")
