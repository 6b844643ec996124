"""Dates that may be right and are a sign of wrong ones: outside the study, far from the report."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.convert import own_words
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import SCHEMA, Tables

#: What dates a row, by table.
DATED = {
    "incidents": "reported_at",
    "markers": "known_from",
    "ties": "first_seen",
    "events": "occurred_at",
}
#: Days after which an incident is called long; a slip in a year is longer.
LONG = 365


def long_incidents(tables: Tables, force: ForceFile) -> list[str]:
    """How many incidents last, or begin before the report, longer than :data:`LONG` days."""
    rows, limit = tables["incidents"], pd.Timedelta(days=LONG)
    spans = {
        "ended_at": ("rows that end more than {} days after the report", "reported_at", "ended_at"),
        "missing_from_at": (
            "rows last seen more than {} days before the report", "missing_from_at", "reported_at",
        ),
    }  # fmt: skip
    notes = []
    for column, (what, first, then) in spans.items():
        number = int((rows[then] - rows[first] > limit).sum())
        if number:
            where = f"incidents.{column}{_words(force, 'incidents', column)}"
            notes.append(f"{where}: {what.format(LONG)}: {number:,} of {len(rows):,}")
    return notes


def outside_study(tables: Tables, force: ForceFile) -> list[str]:
    """How many rows are dated after the study, and how many reports before it.

    A marker or a tie may well be older than the study, and is not counted.
    """
    notes = []
    for table, column in DATED.items():
        day = tables[table][column]
        if SCHEMA[table][column].kind == "time":
            day = day.dt.tz_convert(force.time_zone).dt.tz_localize(None).dt.normalize()
        late = int((day > pd.Timestamp(force.study.end)).sum())
        early = int((day < pd.Timestamp(force.study.start)).sum()) if table == "incidents" else 0
        where = f"{table}.{column}{_words(force, table, column)}"
        for number, side in ((early, "before the first day"), (late, "after the last day")):
            if number:
                notes.append(f"{where}: rows dated {side} of the study: {number:,} of {len(day):,}")
    return notes


def _words(force: ForceFile, table: str, column: str) -> str:
    """The analyst's names of the columns that hold it."""
    names = []
    for _, source in force.sources[table].each() if table in force.sources else ():
        if source.shared is not None:
            names.append(own_words(source.shared.date))
        elif source.columns and column in source.columns:
            names.append(own_words(source.columns[column]))
    return f" (your {' or '.join(dict.fromkeys(names))})" if names else ""
