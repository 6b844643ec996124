"""Does the same small group account for most incidents in every month? Five readings of it.

A share of "the top fifth" says nothing without two windows: the one in which people are ranked
and the one in which their share is measured. Each reading fixes both. The first reading is
also given for three months together, because the top fifth of one month is often too few
people to show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.chance import chance_top_share, draw_counts
from missing_lib.study.cohort import Cohort, at_risk_windows
from missing_lib.study.concentration import top_weights

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Window = tuple[int, int]

YEAR = 12
QUARTER = 3


@dataclass(frozen=True)
class PeriodCounts:
    """Incidents of each person in each period.

    Attributes
    ----------
    people : Index, shape (n,)
        Person identifiers.
    periods : PeriodIndex, shape (m,)
    counts : ndarray of int, shape (n, m)
    """

    people: pd.Index
    periods: pd.PeriodIndex
    counts: Counts

    def until(self) -> Counts:
        """Incidents before each period; shape (n, m + 1), first column zero."""
        before = np.zeros((self.counts.shape[0], self.counts.shape[1] + 1), dtype=np.int64)
        np.cumsum(self.counts, axis=1, out=before[:, 1:])
        return before


@dataclass(frozen=True)
class Reading:
    """One meaning of "the top fifth hold at least so much in every month".

    Attributes
    ----------
    name, ranked, measured : str
        Code, and the two windows in words.
    windows : callable
        Takes a period and the number of periods; returns the half-open ranges of periods in
        which people are ranked and in which incidents are counted, or None where the ranking
        window is not complete.
    """

    name: str
    ranked: str
    measured: str
    windows: Callable[[int, int], tuple[Window, Window] | None]


READINGS = (
    Reading("within_month", "the month", "the month", lambda m, n: ((m, m + 1), (m, m + 1))),
    Reading(
        "within_quarter",
        "the three months up to and with the month",
        "the same three months",
        lambda m, n: ((m + 1 - QUARTER, m + 1), (m + 1 - QUARTER, m + 1))
        if m + 1 >= QUARTER
        else None,
    ),
    Reading(
        "trailing_year",
        "the twelve months up to and with the month",
        "the same twelve months",
        lambda m, n: ((m + 1 - YEAR, m + 1), (m + 1 - YEAR, m + 1)) if m + 1 >= YEAR else None,
    ),
    Reading(
        "cumulative",
        "all months so far",
        "all months so far",
        lambda m, n: ((0, m + 1), (0, m + 1)),
    ),
    Reading("fixed_set", "the whole study", "the month", lambda m, n: ((0, n), (m, m + 1))),
    Reading(
        "prospective",
        "the twelve months before the month",
        "the month",
        lambda m, n: ((m - YEAR, m), (m, m + 1)) if m >= YEAR else None,
    ),
)


def count_by_period(cohort: Cohort, frequency: str = "M") -> PeriodCounts:
    """Incidents of each person in each month (``M``) or calendar year (``Y``) of the study."""
    periods = pd.period_range(cohort.start, cohort.end, freq=frequency)
    rows = cohort.incidents
    who, people = pd.factorize(rows["person_id"], sort=True)
    when = periods.get_indexer(rows["reported_on"].dt.to_period(frequency))
    cells = np.bincount(who * len(periods) + when, minlength=len(people) * len(periods))
    return PeriodCounts(
        pd.Index(people), periods, cells.reshape(len(people), len(periods)).astype(np.int64)
    )


def top_of_window(ranked: Counts, measured: Counts, top: float) -> dict[str, float]:
    """Incidents in one window that belong to the top fraction of people in another.

    Parameters
    ----------
    ranked : ndarray of int, shape (n,)
        Incidents by which people are ranked; those with none are not in the base.
    measured : ndarray of int, shape (n,)
        Incidents whose share is taken.
    top : float

    Returns
    -------
    dict
        ``part`` and ``whole`` (incidents; the part may be fractional at ties), ``part_people``
        (people of the top fraction with a measured incident, but never more than the fraction
        has members), ``rest_people``, ``whole_people``, ``part_largest`` and
        ``part_largest_two`` (incidents of the one and two people with most of the part).
    """
    weights = top_weights(ranked, top)
    held = weights * measured
    largest = np.sort(held)[::-1][:2]
    members = np.floor(weights.sum() + 1e-9)
    return {
        "part": float(held.sum()),
        "whole": float(measured.sum()),
        "part_people": float(min(np.count_nonzero(held), members)),
        "rest_people": float(np.count_nonzero((weights < 1) & (measured > 0))),
        "whole_people": float(np.count_nonzero(measured)),
        "part_largest": float(largest[:1].sum()),
        "part_largest_two": float(largest.sum()),
    }


def readings(cohort: Cohort, *, draws: int = 40, seed: int = 1) -> pd.DataFrame:
    """Share of the top fraction in each month, under each reading, and what chance gives.

    Parameters
    ----------
    cohort : Cohort
    draws : int
        Simulated allocations behind each chance value.
    seed : int

    Returns
    -------
    DataFrame
        ``month``, ``reading``, the columns of :func:`top_of_window`, ``share`` and ``chance``;
        one row for every month and reading whose ranking window is complete. Chance is
        conditional on every person having at least one incident: in the window itself for the
        readings that rank and measure in one window, in the whole study for the other two.
    """
    by_month = count_by_period(cohort)
    top = cohort.definitions.top_share
    rng = np.random.default_rng(seed)
    rows = [
        {"month": str(month), "reading": reading.name, **values}
        for reading in READINGS
        for month, values in zip(by_month.periods, _shares(by_month, reading, top))
        if values is not None
    ]
    columns = ["month", "reading", *top_of_window(np.zeros(0, int), np.zeros(0, int), top)]
    table = pd.DataFrame(rows, columns=columns)
    table["share"] = _share(table)
    table["chance"] = np.nan
    for reading in READINGS:
        mine = table["reading"] == reading.name
        table.loc[mine, "chance"] = _chance(by_month, reading, table[mine], top, draws, rng)
    return table


def _shares(by: PeriodCounts, reading: Reading, top: float) -> list[dict[str, float] | None]:
    """The reading's shares, one entry a period; None where it is not defined."""
    until, periods = by.until(), len(by.periods)
    found: list[dict[str, float] | None] = []
    for period in range(periods):
        windows = reading.windows(period, periods)
        if windows is None:
            found.append(None)
            continue
        (a, b), (c, d) = windows
        found.append(top_of_window(until[:, b] - until[:, a], until[:, d] - until[:, c], top))
    return found


def _chance(
    by: PeriodCounts,
    reading: Reading,
    rows: pd.DataFrame,
    top: float,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """What chance gives for each row of a reading."""
    if len(rows) == 0 or by.counts.sum() == 0:
        return np.full(len(rows), np.nan)
    if reading.name == "fixed_set":
        people, incidents = len(by.people), int(by.counts.sum())
        return np.full(
            len(rows), chance_top_share(people, incidents, top, draws=draws, rng=rng)
        )
    if reading.name == "prospective":
        return _chance_between_windows(by, reading, top, draws, rng)
    return np.array(
        [
            chance_top_share(int(people), int(incidents), top, draws=draws, rng=rng)
            for people, incidents in zip(rows["whole_people"], rows["whole"])
        ]
    )


def _chance_between_windows(
    by: PeriodCounts, reading: Reading, top: float, draws: int, rng: np.random.Generator
) -> Floats:
    shares = []
    for world in _worlds(by, draws, rng):
        found = [row for row in _shares(world, reading, top) if row is not None]
        shares.append(_share(pd.DataFrame(found)).to_numpy())
    return _mean_of_known(np.array(shares))


def _worlds(by: PeriodCounts, draws: int, rng: np.random.Generator) -> Iterator[PeriodCounts]:
    """Worlds in which all incidents of the study fall at random on its people and periods.

    Every person keeps at least one incident in the study, every period its part of all.
    """
    drawn = draw_counts(len(by.people), int(by.counts.sum()), draws, rng)
    part_of_period = by.counts.sum(axis=0) / by.counts.sum()
    n, m = by.counts.shape
    for people in drawn.people:
        totals = np.repeat(drawn.values, people.astype(int)).astype(int)
        who = np.repeat(np.arange(n), totals)
        when = rng.choice(m, size=len(who), p=part_of_period)
        cells = np.bincount(who * m + when, minlength=n * m)
        yield PeriodCounts(by.people, by.periods, cells.reshape(n, m))


def _mean_of_known(values: Floats) -> Floats:
    """Mean over the first axis of the values that are not NaN; NaN where there is none."""
    known = np.isfinite(values)
    number = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, number, out=np.full(number.shape, np.nan), where=number > 0)


def _share(table: pd.DataFrame) -> pd.Series:
    return table["part"] / table["whole"].where(table["whole"] > 0)


def months_reaching(percent: pd.DataFrame, level: float) -> pd.DataFrame:
    """For how many months each reading reaches a share.

    Parameters
    ----------
    percent : DataFrame
        ``reading``, and ``percent`` (NaN where hidden or without incidents).
    level : float
        In per cent.

    Returns
    -------
    DataFrame
        ``reading``, ``months`` (with a value), ``reaching``, ``without_value``, ``lowest`` and
        ``middle`` (smallest and median per cent, NaN without a value); in the order of
        :data:`READINGS`.
    """
    rows = []
    for reading in READINGS:
        given = percent.loc[percent["reading"] == reading.name, "percent"]
        seen = given.dropna()
        rows.append(
            {
                "reading": reading.name,
                "months": len(seen),
                "reaching": int((seen >= level).sum()),
                "without_value": int(given.isna().sum()),
                "lowest": float(seen.min()) if len(seen) else np.nan,
                "middle": float(seen.median()) if len(seen) else np.nan,
            }
        )
    return pd.DataFrame(rows)


def incidents_per_active_person(cohort: Cohort) -> float:
    """Incidents of a month by people active in it, averaged over months with an incident.

    Within one month a top fraction q cannot hold more than 1 - (1 - q) A/C of C incidents of A
    active people, because everybody else has one at least.
    """
    by_month = count_by_period(cohort).counts
    active = (by_month > 0).sum(axis=0)
    seen = active > 0
    if not seen.any():
        return float("nan")
    return float((by_month.sum(axis=0)[seen] / active[seen]).mean())


def persistence(cohort: Cohort, *, draws: int = 40, seed: int = 1) -> pd.DataFrame:
    """Rank people in one calendar year, measure them in the next.

    Parameters
    ----------
    cohort : Cohort
    draws : int
        Simulated allocations behind each chance value.
    seed : int

    Returns
    -------
    DataFrame
        ``year`` (of the ranking), ``measure``, the columns of :func:`top_of_window` and
        ``chance``. Measures: ``incidents_next_year`` (share of the next year's incidents that
        belong to this year's top fraction), ``again_in_top`` (share of this year's top
        fraction that is in the next year's) and ``again_in_top_if_at_risk`` (the same among
        those who could have entered the cohort on every day of the next year).
    """
    by_year = count_by_period(cohort, "Y")
    top = cohort.definitions.top_share
    table = _year_to_year(by_year, _at_risk_throughout(cohort, by_year), top)
    table["share"] = _share(table)
    table["chance"] = np.nan
    if len(table) and by_year.counts.sum():
        everybody = np.ones(by_year.counts.shape, dtype=bool)
        worlds = _worlds(by_year, draws, np.random.default_rng(seed))
        shares = [_share(_year_to_year(world, everybody, top)).to_numpy() for world in worlds]
        table["chance"] = _mean_of_known(np.array(shares))
    return table


def _year_to_year(by: PeriodCounts, at_risk: NDArray[np.bool_], top: float) -> pd.DataFrame:
    rows = []
    for first in range(len(by.periods) - 1):
        now, then = by.counts[:, first], by.counts[:, first + 1]
        everybody = np.ones(len(now), dtype=bool)
        measures = {
            "incidents_next_year": top_of_window(now, then, top),
            "again_in_top": _again(now, then, everybody, top),
            "again_in_top_if_at_risk": _again(now, then, at_risk[:, first + 1], top),
        }
        year = str(by.periods[first])
        rows += [{"year": year, "measure": name, **row} for name, row in measures.items()]
    columns = ["year", "measure", *top_of_window(np.zeros(0, int), np.zeros(0, int), top)]
    return pd.DataFrame(rows, columns=columns)


def _again(now: Counts, then: Counts, base: NDArray[np.bool_], top: float) -> dict[str, float]:
    """Members of the first period's top fraction who are in the second period's."""
    members = top_weights(now, top) * base
    again = members * top_weights(then, top)
    part, whole = float(again.sum()), float(members.sum())
    largest = np.sort(again)[::-1][:2]
    return {
        "part": part,
        "whole": whole,
        "part_people": float(np.floor(part + 1e-9)),
        "rest_people": float(np.floor(whole - part + 1e-9)),
        "whole_people": float(np.floor(whole + 1e-9)),
        "part_largest": float(largest[:1].sum()),
        "part_largest_two": float(largest.sum()),
    }


def _at_risk_throughout(cohort: Cohort, by: PeriodCounts) -> NDArray[np.bool_]:
    """Who could have entered the cohort on every day of each period; shape (n, m)."""
    windows = at_risk_windows(cohort).set_index("person_id").reindex(by.people)
    first = by.periods.start_time.to_series().clip(lower=cohort.start).to_numpy()
    last = by.periods.end_time.normalize().to_series().clip(upper=cohort.end).to_numpy()
    begins, ends = (windows[name].to_numpy()[:, None] for name in ("at_risk_from", "at_risk_to"))
    return np.asarray((begins <= first) & (ends >= last))
