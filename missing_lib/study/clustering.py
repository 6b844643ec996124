"""Test whether gaps are shorter than each person's own number of incidents makes likely.

The null keeps what a person is: how often, in which days at risk, in which months and at which
ages this cohort goes missing. Only the times within that are redrawn. Rejection means that
incidents of a person cluster in the short term; it does not say that one causes the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.cohort import Cohort, at_risk_windows

Floats = NDArray[np.float64]

#: Worlds drawn unless asked otherwise.
DRAWS = 200
#: p value up to which the wording says that gaps are shorter than drawn ones.
_SMALL = 0.05

_DAY = np.timedelta64(1, "D")
_ROUNDS = 25
_TINY = 1e-12
_DAYS_IN_YEAR = 365.25


@dataclass(frozen=True)
class RedrawPlan:
    """From where each repeat person's times are redrawn.

    Attributes
    ----------
    numbers : ndarray of int, shape (people,)
        Incidents of each person, two at least.
    edges : ndarray of float, shape (people, months + 1)
        Ends of the person's at-risk days in each month, in days since the study began.
    reached : ndarray of float, shape (people, months + 1)
        Part of the person's expected incidents before each edge, from 0 to 1.
    """

    numbers: NDArray[np.int64]
    edges: Floats
    reached: Floats


def clustering_test(
    cohort: Cohort,
    spells: pd.DataFrame,
    bounds: Sequence[float],
    *,
    draws: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Compare short gaps with a world in which incidents of a person do not cluster.

    Each person keeps the number of incidents and the at-risk days, less the days away; the
    times are drawn anew with the rate that the cohort has in each calendar month and at each
    age. Person and rate explain whatever short gaps remain.

    Parameters
    ----------
    cohort : Cohort
    spells : DataFrame
        From :func:`missing_lib.study.repeats.gaps`.
    bounds : sequence of float
        Days.
    draws : int
        B, worlds drawn.
    seed : int

    Returns
    -------
    DataFrame
        ``days``, ``observed`` (share of gaps within), ``expected``, ``low``, ``high`` (mean and
        middle 95 % of the drawn shares), ``p`` = (1 + #{drawn >= observed})/(B + 1), ``gaps``
        and ``people`` (the smaller of the numbers with a gap within and with one beyond the
        bound). NaN without a gap.
    """
    seen = spells[spells["observed"]]
    limits = np.asarray(bounds, dtype=float)
    if len(seen) == 0:
        empty = dict.fromkeys(("observed", "expected", "low", "high", "p"), np.nan)
        return pd.DataFrame({"days": limits, **empty, "gaps": 0, "people": 0})
    within = seen["gap_days"].to_numpy()[:, None] <= limits
    observed = within.mean(axis=0)
    plan = redraw_plan(cohort, spells)
    rng = np.random.default_rng(seed)
    drawn = np.array(
        [(redraw_gaps(plan, rng)[:, None] <= limits).mean(axis=0) for _ in range(draws)]
    )
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "days": limits,
            "observed": observed,
            "expected": drawn.mean(axis=0),
            "low": low,
            "high": high,
            "p": (1 + (drawn >= observed).sum(axis=0)) / (draws + 1),
            "gaps": len(seen),
            "people": [
                min(seen.loc[short, "person_id"].nunique(), seen.loc[~short, "person_id"].nunique())
                for short in within.T
            ],
        }
    )


def in_words(test: pd.DataFrame) -> pd.DataFrame:
    """The test with its bounds in words, in column ``within``."""
    return test.assign(within=[f"within {days:.0f} days" for days in test["days"]])


def describe(test: pd.DataFrame) -> str:
    """What the test says of the shortest bound, as a template for a page.

    Parameters
    ----------
    test : DataFrame
        From :func:`clustering_test`.
    """
    told = (
        "With times drawn again {times} times, {expected} of gaps would be within {days} days on "
        "average; {seen} are (p = {p}). "
    )
    p = float(test["p"].iloc[0])
    if np.isnan(p):
        return told + "There is no gap to compare."
    if p <= _SMALL:
        return told + "Gaps are shorter than each person's number of incidents makes likely."
    return told + "That is within what chance gives; it does not show that there is no clustering."


def redraw_plan(cohort: Cohort, spells: pd.DataFrame) -> RedrawPlan:
    """Where the incidents of each repeat person may fall, and with what weight.

    A person's window is shortened by the days away between first and last incident, so that
    differences of drawn times are gaps from an end to the next report.
    """
    windows = _windows(cohort)
    month_edges = _month_edges(cohort)
    rates = _rates(cohort, windows, month_edges)
    inner = spells[spells["observed"]]
    away = inner.groupby("person_id")["away_days"].sum()
    numbers = cohort.counts[cohort.counts > 1]
    own = windows.loc[numbers.index]
    end = own["until"] - away.reindex(numbers.index).fillna(0.0)
    end = np.maximum(end, own["since"] + 1.0).to_numpy()
    edges = np.clip(month_edges[None, :], own["since"].to_numpy()[:, None], end[:, None])
    expected = np.diff(edges, axis=1) * rates.loc[numbers.index].to_numpy()
    expected = np.where(expected.sum(axis=1, keepdims=True) > 0, expected, np.diff(edges, axis=1))
    reached = np.cumsum(expected, axis=1) / expected.sum(axis=1, keepdims=True)
    reached = np.column_stack([np.zeros(len(reached)), np.minimum(reached, 1.0)])
    return RedrawPlan(numbers.to_numpy(), edges, reached)


def redraw_gaps(plan: RedrawPlan, rng: np.random.Generator) -> Floats:
    """Gaps in days of one drawn world, persons after one another; shape (gaps,)."""
    person = np.repeat(np.arange(len(plan.numbers)), plan.numbers)
    # Person i occupies [2i, 2i + 1] of one long axis, so that one call inverts all.
    offset = 2.0 * np.arange(len(plan.numbers))[:, None]
    times = np.interp(
        2.0 * person + rng.random(len(person)),
        (plan.reached + offset).ravel(),
        plan.edges.ravel(),
    )
    order = np.lexsort((times, person))
    same = np.diff(person) == 0
    return np.asarray(np.diff(times[order])[same])


def _windows(cohort: Cohort) -> pd.DataFrame:
    """At-risk time of the cohort's people, in days since the study began; by person."""
    known = at_risk_windows(cohort).drop_duplicates("person_id").set_index("person_id")
    own = known.reindex(cohort.counts.index)
    since = own["at_risk_from"].fillna(cohort.start)
    until = own["at_risk_to"].fillna(cohort.end) + _DAY
    births = cohort.persons.drop_duplicates("person_id").set_index("person_id")["birth_date"]
    born = births.reindex(own.index)
    return pd.DataFrame(
        {
            "since": (since - cohort.start) / _DAY,
            "until": (until - cohort.start) / _DAY,
            "born": (born - cohort.start) / _DAY,
        },
        index=own.index,
    )


def _month_edges(cohort: Cohort) -> Floats:
    starts = cohort.months.start_time[1:]
    inner = (starts - cohort.start) / _DAY
    last = (cohort.end - cohort.start) / _DAY + 1
    return np.concatenate([[0.0], np.asarray(inner, dtype=float), [float(last)]])


def _rates(cohort: Cohort, windows: pd.DataFrame, month_edges: Floats) -> pd.DataFrame:
    """The cohort's rate for each of its people in each month: month factor times age factor.

    Incidents and person-days are tabulated by month and age; the two factors of the rate are
    fitted by setting each margin right in turn (Poisson maximum likelihood).
    """
    middle = (month_edges[:-1] + month_edges[1:]) / 2
    months = len(middle)
    age = _age_band((middle[None, :] - windows["born"].to_numpy()[:, None]) / _DAYS_IN_YEAR)
    bands, band = np.unique(age, return_inverse=True)
    band = band.reshape(age.shape)
    edges = np.clip(
        month_edges[None, :],
        windows["since"].to_numpy()[:, None],
        windows["until"].to_numpy()[:, None],
    )
    days = np.diff(edges, axis=1)
    month = np.broadcast_to(np.arange(months), age.shape)
    rows = windows.index.get_indexer(cohort.incidents["person_id"])
    when = cohort.months.get_indexer(cohort.incidents["month"])
    shape = (months, len(bands))
    size = months * len(bands)
    seen = np.bincount(when * len(bands) + band[rows, when], minlength=size).reshape(shape)
    at_risk = np.bincount(
        (month * len(bands) + band).ravel(), days.ravel(), minlength=size
    ).reshape(shape)
    by_month, by_age = _two_factors(seen.astype(np.float64), at_risk.astype(np.float64))
    return pd.DataFrame(by_month[month] * by_age[band], index=windows.index)


def _two_factors(events: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Row and column factors of rates that reproduce the margins of the events, smoothed."""
    rows, columns = np.ones(events.shape[0]), np.ones(events.shape[1])
    for _ in range(_ROUNDS):
        rows = _over(events.sum(axis=1), exposure @ columns)
        columns = _over(events.sum(axis=0), exposure.T @ rows)
    by_column = _smoothed(events.sum(axis=0), exposure.T @ rows)
    return _smoothed(events.sum(axis=1), exposure @ by_column), by_column


def _smoothed(events: Floats, exposure: Floats) -> Floats:
    """Relative rates drawn towards one by as much as their spread is that of Poisson counts.

    With E the counts expected at a common rate, the rates' own variance v is estimated from
    the sum of (N - E)^2 - E, and N/E becomes (N + 1/v)/(E + 1/v). Without this a small cohort's
    months would be known by its own incidents, and clusters would look expected.
    """
    expected = exposure * events.sum() / max(float(exposure.sum()), _TINY)
    excess = float(((events - expected) ** 2 - expected).sum())
    variance = excess / max(float((expected**2).sum()), _TINY)
    if variance <= _TINY:
        return np.ones(len(events))
    return np.asarray((events + 1 / variance) / (expected + 1 / variance))


def _age_band(age: Floats) -> NDArray[np.int64]:
    """Completed years up to twenty, then decades; -1 where unknown."""
    years = np.floor(age)
    band = np.where(years < 20, years, 20 + 10 * np.floor((years - 20) / 10))
    return np.where(np.isfinite(band), np.clip(band, 0, None), -1).astype(np.int64)


def _over(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)
