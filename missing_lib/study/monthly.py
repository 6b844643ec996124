"""Incidents by month, and the days on which they could have happened."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from missing_lib.study.cohort import Cohort, at_risk_windows

Floats = NDArray[np.float64]

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Series:
    """Incidents of a cohort by month.

    Attributes
    ----------
    months : PeriodIndex, shape (m,)
    incidents : ndarray of float, shape (m,)
    people : ndarray of int, shape (m,)
        People with an incident in the month.
    days : ndarray of float, shape (m,)
        Person-days at risk, or days of the study where nobody but those reported is known.
    by_person : csr_array, shape (n, m)
        Incidents of each person with any.
    """

    months: pd.PeriodIndex
    incidents: Floats
    people: NDArray[np.int64]
    days: Floats
    by_person: csr_array


def monthly_series(cohort: Cohort, *, known_people: bool) -> Series:
    """Count incidents and days at risk in each month of the study.

    Parameters
    ----------
    cohort : Cohort
    known_people : bool
        Whether the table of persons holds people never reported. Then the days are those on
        which a known person was at risk and not missing; else the days of the calendar.
    """
    rows, months = cohort.incidents, cohort.months
    who, persons = pd.factorize(rows["person_id"])
    when = months.get_indexer(rows["month"])
    cells = csr_array(
        (np.ones(len(rows)), (who, when)), shape=(len(persons), len(months)), dtype=np.float64
    )
    cells.sum_duplicates()
    edges = _edges(cohort)
    days = np.diff(edges)
    if known_people:
        days = np.clip(_days_at_risk(cohort, edges) - _days_missing(cohort, edges), 0.0, None)
    return Series(
        months=months,
        incidents=np.asarray(cells.sum(axis=0), dtype=float).ravel(),
        people=np.bincount(cells.indices, minlength=len(months)),
        days=days,
        by_person=cells,
    )


def _edges(cohort: Cohort) -> Floats:
    """Bounds of the months in days since the study began; shape (m + 1,)."""
    inner = (cohort.months.start_time[1:] - cohort.start) / _DAY
    last = (cohort.end - cohort.start) / _DAY + 1
    return np.concatenate([[0.0], np.asarray(inner, dtype=float), [float(last)]])


def _days_at_risk(cohort: Cohort, edges: Floats) -> Floats:
    windows = at_risk_windows(cohort)
    first = ((windows["at_risk_from"] - cohort.start) / _DAY).to_numpy(dtype=float)
    last = ((windows["at_risk_to"] - cohort.start) / _DAY).to_numpy(dtype=float) + 1
    return _overlap(first, last, edges)


def _days_missing(cohort: Cohort, edges: Floats) -> Floats:
    """Days on which people of the cohort were missing; an incident without an end has none."""
    rows = cohort.incidents.dropna(subset=["ended_at"])
    start = cohort.start.tz_localize(cohort.time_zone).tz_convert("UTC")
    first = ((rows["reported_at"] - start) / _DAY).to_numpy(dtype=float)
    last = ((rows["ended_at"] - start) / _DAY).to_numpy(dtype=float)
    return _overlap(first, np.maximum(first, last), edges)


def _overlap(first: Floats, last: Floats, edges: Floats) -> Floats:
    """Length of all spells within each pair of neighbouring edges; shape (m,)."""
    return np.array(
        [
            float(np.clip(np.minimum(last, high) - np.maximum(first, low), 0, None).sum())
            for low, high in pairwise(edges)
        ]
    )
