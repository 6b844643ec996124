"""Incidents of each person by month or year, and what a top group of one period holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.chance import draw_counts
from missing_lib.study.cohort import Cohort
from missing_lib.study.concentration import top_weights

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

#: People of all random worlds together beyond which no further world is drawn.
PEOPLE_DRAWN = 1_000_000
#: What is said of a top group's share, see :func:`top_of_window`.
COLUMNS = (
    "part",
    "whole",
    "part_people",
    "rest_people",
    "whole_people",
    "part_largest",
    "part_largest_two",
)


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


def share_of(table: pd.DataFrame) -> pd.Series:
    """Part over whole, NaN where the whole is zero."""
    return table["part"] / table["whole"].where(table["whole"] > 0)


def worlds(by: PeriodCounts, draws: int, rng: np.random.Generator) -> Iterator[PeriodCounts]:
    """Worlds in which all incidents of the study fall at random on its people and periods.

    Every person keeps at least one incident in the study, every period its part of all. Where
    people are many, fewer worlds are drawn than asked for: each is then precise enough.
    """
    enough = max(2, PEOPLE_DRAWN // max(len(by.people), 1))
    drawn = draw_counts(len(by.people), int(by.counts.sum()), min(draws, enough), rng)
    part_of_period = by.counts.sum(axis=0) / by.counts.sum()
    n, m = by.counts.shape
    for people in drawn.people:
        totals = np.repeat(drawn.values, people.astype(int)).astype(int)
        who = np.repeat(np.arange(n), totals)
        when = rng.choice(m, size=len(who), p=part_of_period)
        cells = np.bincount(who * m + when, minlength=n * m)
        yield PeriodCounts(by.people, by.periods, cells.reshape(n, m))


def mean_of_known(values: Floats) -> Floats:
    """Mean over the first axis of the values that are not NaN; NaN where there is none."""
    known = np.isfinite(values)
    number = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, number, out=np.full(number.shape, np.nan), where=number > 0)
