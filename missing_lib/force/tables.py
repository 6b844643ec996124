"""The canonical tables: what every chapter reads, whatever system a force runs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from missing_lib.force.schema import (
    CATEGORIES,
    ETHNICITIES,
    MISSING_REPORT,
    NEEDED_TABLES,
    RISKS,
    SCHEMA,
    SEXES,
    STUDY_MARKERS,
    Column,
)
from missing_lib.force.typed import TEXT

__all__ = [
    "CATEGORIES",
    "ETHNICITIES",
    "MISSING_REPORT",
    "NEEDED_TABLES",
    "RISKS",
    "SCHEMA",
    "SEXES",
    "STUDY_MARKERS",
    "Column",
    "Tables",
    "age_in_years",
    "birth_anniversary",
    "conform",
    "empty",
]


@dataclass(frozen=True)
class Tables:
    """The canonical tables of one force.

    Each attribute is a frame with exactly the columns of :data:`SCHEMA`, in that
    order; a table the force does not supply is empty and named in ``absent``.
    """

    persons: pd.DataFrame
    incidents: pd.DataFrame
    markers: pd.DataFrame
    ties: pd.DataFrame
    events: pd.DataFrame
    absent: frozenset[str] = frozenset()

    def __getitem__(self, table: str) -> pd.DataFrame:
        if table not in SCHEMA:
            raise KeyError(f"no canonical table {table!r}; there are {', '.join(SCHEMA)}")
        frame: pd.DataFrame = getattr(self, table)
        return frame

    @staticmethod
    def names() -> tuple[str, ...]:
        """Names of the tables, in the order of :data:`SCHEMA`."""
        return tuple(f.name for f in fields(Tables) if f.name in SCHEMA)


def empty(table: str) -> pd.DataFrame:
    """An empty canonical table with the right columns and types.

    Examples
    --------
    >>> list(empty("events"))
    ['person_id', 'event_type', 'occurred_at']
    """
    return conform(pd.DataFrame({name: [] for name in SCHEMA[table]}), table)


def conform(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Put a frame into canonical column order and types.

    Parameters
    ----------
    frame : DataFrame
        Values already in canonical vocabulary; a missing column is filled with missing values.
    table : str
        Name of the canonical table.

    Returns
    -------
    DataFrame
        New frame: identifiers and codes ``str``, dates ``datetime64[ns]``, times
        ``datetime64[ns, UTC]``, flags ``boolean``, ages ``Float64``, levels categorical over
        the code book.

    Raises
    ------
    ValueError
        If a level outside the code book occurs; the level itself is not quoted.
    """
    out = {}
    for name, column in SCHEMA[table].items():
        if name in frame:
            out[name] = _typed(frame[name], column, f"{table}.{name}")
        else:
            nothing = _typed(pd.Series([None], dtype=object), column, f"{table}.{name}")
            out[name] = nothing.reindex(range(len(frame))).set_axis(frame.index)
    return pd.DataFrame(out, index=frame.index)


def _typed(values: pd.Series, column: Column, where: str) -> pd.Series:
    if column.kind == "time":
        return pd.to_datetime(values, utc=True).astype("datetime64[ns, UTC]")
    if column.kind == "date":
        return pd.to_datetime(values).astype("datetime64[ns]")
    if column.kind == "flag":
        return values.astype("boolean")
    if column.kind == "age":
        return values.astype("Float64")
    if column.kind == "level":
        levels = pd.CategoricalDtype(list(column.levels), ordered=True)
        if values.dtype == levels:
            return values
        text = values.astype("string")
        strange = text.notna() & ~text.isin(column.levels)
        if strange.any():
            raise ValueError(
                f"{where}: {int(strange.sum())} values outside the code book "
                f"({', '.join(column.levels)})"
            )
        return text.astype(levels)
    text = values.astype(TEXT)
    empty = text == ""
    return text.mask(empty) if empty.any() else text


def age_in_years(birth: pd.Series, on: pd.Series) -> pd.Series:
    """Completed years of age plus the fraction of the year since the last birthday.

    The integer part changes on the birthday itself, so ``age < 18`` is the legal
    test; someone born on 29 February has a birthday on 1 March in common years.

    Parameters
    ----------
    birth, on : Series of datetime64
        Dates (no time zone), same index.

    Returns
    -------
    Series of float
        Years; NaN where either date is missing.

    Examples
    --------
    >>> dates = pd.Series(pd.to_datetime(["2000-05-02", "2000-05-02"]))
    >>> on = pd.Series(pd.to_datetime(["2018-05-01", "2018-05-02"]))
    >>> [bool(a < 18) for a in age_in_years(dates, on)]
    [True, False]
    """
    had_birthday = (on.dt.month > birth.dt.month) | (
        (on.dt.month == birth.dt.month) & (on.dt.day >= birth.dt.day)
    )
    whole = on.dt.year - birth.dt.year - np.where(had_birthday, 0, 1)
    last_birthday = birth_anniversary(birth, whole)
    return whole + ((on - last_birthday).dt.days / 365.25).clip(0, 0.999)


def birth_anniversary(birth: pd.Series, age: pd.Series | float) -> pd.Series:
    """The day on which a person reaches an age (1 March for 29 February in common years).

    Examples
    --------
    >>> born = pd.Series(pd.to_datetime(["2000-02-29"]))
    >>> birth_anniversary(born, 18)[0].date().isoformat()
    '2018-03-01'
    """
    year = birth.dt.year + age
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    moved = (birth.dt.month == 2) & (birth.dt.day == 29) & ~leap
    return pd.to_datetime(
        pd.DataFrame(
            {
                "year": year,
                "month": birth.dt.month.where(~moved, 3),
                "day": birth.dt.day.where(~moved, 1),
            }
        )
    )
