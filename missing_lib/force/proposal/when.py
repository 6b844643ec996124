"""What dates of an extract say about each other: order, spans, overlaps, ages, the study."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from missing_lib.force.proposal.peek import Peeked
from missing_lib.force.times import parse_dates, parse_times
from missing_lib.force.typed import TYPED

#: Share of the usual month's reports below which a month at either end is left out of the study.
QUIET = 0.25
#: Months from which on months at either end are compared with the others.
ENOUGH_MONTHS = 6
#: Months without any report, and share of all reports, by which slips are told; and the day that
#: halves a month.
APART, FAR, HALF = 12, 0.05, 15


@dataclass(frozen=True)
class Window:
    """Whole months in which there are reports, and whether months at the ends were left out."""

    start: pd.Timestamp
    end: pd.Timestamp
    quiet: bool


def moments(file: Peeked, names: tuple[str, ...], formats: tuple[str, ...]) -> pd.Series:
    """Clock times of one or several columns, without a zone; missing where they are not read."""
    text = file.columns[names[0]]
    for name in names[1:]:
        text = (text + " " + file.columns[name]).str.strip()
    if formats:
        shown = parse_times(text, formats, "UTC").instants
    else:
        shown = parse_times(text.astype(str), (), "UTC").instants
    return shown.dt.tz_localize(None)


def days(file: Peeked, name: str, formats: tuple[str, ...]) -> pd.Series:
    """Days of one column."""
    text = file.columns[name].astype(str)
    if not formats:
        text = text.str.removeprefix(TYPED).str.slice(0, 10)
    return parse_dates(text, formats)


def middle(times: pd.Series) -> pd.Timestamp:
    """The median moment, missing where none is known."""
    known = times.dropna()
    return known.median() if len(known) else pd.NaT


def overlapping(people: pd.Series, reports: pd.Series, ends: pd.Series) -> float:
    """Share of the rows that begin before the same person's earlier row has ended."""
    rows = pd.DataFrame({"person": people, "report": reports, "end": ends})
    rows = rows.dropna(subset=["report"]).sort_values(["person", "report"], kind="stable")
    if not len(rows):
        return 0.0
    before = rows.groupby("person")["end"].cummax().groupby(rows["person"]).shift()
    return float((rows["report"] < before).mean())


def window(reports: pd.Series) -> Window | None:
    """The months that an extract covers, by its reports."""
    months = reports.dropna().dt.to_period("M")
    if not len(months):
        return None
    count = months.value_counts().sort_index()
    body = _without_slips(count)
    enough = body[body >= QUIET * body.median()] if len(body) >= ENOUGH_MONTHS else body
    first, last = enough.index[0], enough.index[-1]
    days_seen = reports.dropna().dt.day.groupby(months)
    first = _outwards(first, -1, days_seen.min() <= HALF)
    last = _outwards(last, 1, days_seen.max() > HALF)
    quiet = bool(first > count.index[0] or last < count.index[-1])
    return Window(first.start_time.normalize(), last.end_time.normalize(), quiet)


def _without_slips(count: pd.Series) -> pd.Series:
    """Reports by month without those that lie far from nearly all others."""
    number = pd.Series(count.index.year * 12 + count.index.month, index=count.index)
    group = (number.diff() > APART).cumsum()
    size = count.groupby(group).transform("sum")
    return count[(size >= FAR * count.sum()) | (size == size.max())]


def _outwards(month: pd.Period, step: int, spread: pd.Series) -> pd.Period:
    """Months of the same year that adjoin, with few reports, but not because of a cut.

    A month that is cut so early that few reports are in it has none in its other half.
    """
    while month.year == (month + step).year and bool(spread.get(month + step, False)):
        month += step
    return month


def years_between(earlier: pd.Series, later: pd.Series) -> pd.Series:
    """Years from one date to another, row by row, where both are known."""
    return ((later - earlier).dt.days / 365.25).dropna()
