"""Estimators for times until the next event, with censoring: curves, hazards, mean counts.

A row is at risk at t when entry < t <= duration; an event at t comes before a censoring at t.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Normal quantile of a 95 % interval.
Z = 1.959963984540054
_PEOPLE_AT_ONCE = 2000

KAPLAN_MEIER_COLUMNS = ("time", "at_risk", "events", "survival", "se", "lower", "upper")


def kaplan_meier(
    durations: ArrayLike,
    observed: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    at: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Kaplan-Meier estimate of the probability that the event has not come by t.

    Parameters
    ----------
    durations : array_like, shape (n,)
        Time from origin to event or censoring. A row censored at its origin was never at risk
        and is left out.
    observed : array_like of bool, shape (n,)
    entry : array_like, shape (n,), optional
        Time from which the row is under observation; zero if not given.
    cluster : array_like, shape (n,), optional
        Rows of one cluster (a person) are dependent: the standard error is then the
        infinitesimal jackknife summed by cluster, else Greenwood's.
    at : sequence of float, optional
        Times at which the curve is read; all distinct durations if not given.

    Returns
    -------
    DataFrame
        ``time``, ``at_risk`` (rows at risk at the time), ``events`` (up to the time if ``at``
        is given, else at it), ``survival``, ``se``, ``lower``, ``upper`` (95 %, on the
        log(-log) scale; NaN where the curve is one or zero).

    References
    ----------
    Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452.
    """
    time = np.asarray(durations, dtype=float)
    event = np.asarray(observed, dtype=bool)
    start = np.full(time.shape, -np.inf) if entry is None else np.asarray(entry, dtype=float)
    origin = np.zeros(time.shape) if entry is None else start
    used = event | (time > origin)
    time, event, start = time[used], event[used], start[used]
    if len(time) == 0:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in KAPLAN_MEIER_COLUMNS})
    steps = np.unique(time)
    deaths, at_risk = _events_and_risk(steps, time, event, start)
    curve = _lifelines_curve(time, event, None if entry is None else start, steps)
    remaining = at_risk - deaths
    if cluster is None:
        spread = np.sqrt(np.cumsum(_over(deaths, at_risk * remaining)))
    else:
        rows = np.asarray(cluster)[used]
        needed = np.arange(len(steps)) if at is None else _steps_before(steps, at)
        spread = _jackknife(needed, steps, deaths, at_risk, time, event, start, rows)
    table = pd.DataFrame(
        {
            "time": steps,
            "at_risk": at_risk,
            "events": deaths,
            "survival": curve,
            "se": curve * spread,
        }
    )
    if at is not None:
        table = _read_at(table, np.asarray(at, dtype=float), time, start)
    return _with_log_log_bounds(table)


def nelson_aalen(durations: ArrayLike, observed: ArrayLike) -> pd.DataFrame:
    """Nelson-Aalen estimate of the cumulative hazard, the sum of d/n.

    Returns
    -------
    DataFrame
        ``time`` (all distinct durations), ``at_risk``, ``events``, ``cumulative_hazard`` and
        ``se``, the root of the sum of d/n^2 (no correction for ties).

    References
    ----------
    Aalen 1978, doi 10.1214/aos/1176344247.
    """
    time, event = np.asarray(durations, dtype=float), np.asarray(observed, dtype=bool)
    steps = np.unique(time)
    deaths, at_risk = _events_and_risk(steps, time, event, np.full(time.shape, -np.inf))
    return pd.DataFrame(
        {
            "time": steps,
            "at_risk": at_risk,
            "events": deaths,
            "cumulative_hazard": np.cumsum(_over(deaths, at_risk)),
            "se": np.sqrt(np.cumsum(_over(deaths, at_risk**2))),
        }
    )


def piecewise_hazard(
    durations: ArrayLike, observed: ArrayLike, cluster: ArrayLike, edges: Sequence[float]
) -> pd.DataFrame:
    """Events per person-day in bands of time since the origin.

    Parameters
    ----------
    durations, observed : array_like, shape (n,)
    cluster : array_like, shape (n,)
        Person of each row; persons are independent, rows of one person are not.
    edges : sequence of float
        Ascending; a band holds what came after its lower and not after its upper edge, the
        first band also what came at its lower edge.

    Returns
    -------
    DataFrame
        ``days_from``, ``days_to``, ``events``, ``person_days``, ``rate`` (per day), ``lower``,
        ``upper`` (95 % on the log scale, from residuals summed by person; NaN without an
        event) and ``people`` (with an event in the band).
    """
    time, event = np.asarray(durations, dtype=float), np.asarray(observed, dtype=bool)
    who, persons = pd.factorize(np.asarray(cluster))
    rows = []
    for number, (low, high) in enumerate(pairwise(edges)):
        inside = event & (time <= high) & ((time > low) | ((number == 0) & (time >= low)))
        exposure = np.clip(time - low, 0, high - low)
        events, days = float(inside.sum()), float(exposure.sum())
        rate = events / days if days > 0 else np.nan
        lower = upper = np.nan
        if events and days > 0:
            residual = np.bincount(who, inside - rate * exposure, minlength=len(persons))
            spread = np.exp(Z * np.sqrt((residual**2).sum()) / events)
            lower, upper = rate / spread, rate * spread
        rows.append(
            {
                "days_from": float(low),
                "days_to": float(high),
                "events": events,
                "person_days": days,
                "rate": rate,
                "lower": lower,
                "upper": upper,
                "people": int(np.unique(who[inside]).size),
            }
        )
    return pd.DataFrame(rows)


def mean_cumulative(
    times: ArrayLike,
    persons: ArrayLike,
    lengths: pd.Series,
    *,
    at: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Mean number of events per person by time t, M(t) = sum of d(s)/Y(s) over s <= t.

    Parameters
    ----------
    times : array_like, shape (events,)
        Time of each event on the person's clock; several at one time all count. Events after
        the end of the person's observation are left out.
    persons : array_like, shape (events,)
    lengths : Series
        Length of observation of every person, with or without events, indexed by person.
    at : sequence of float, optional
        Times at which the function is read; all distinct event times if not given.

    Returns
    -------
    DataFrame
        ``time``, ``at_risk``, ``events`` (up to the time), ``mean``, ``se``, ``lower``,
        ``upper`` (95 %, plain). The variance is robust to dependence within a person: the sum
        over persons of {sum of [dN_i(s) - Y_i(s) dM(s)]/Y(s)}^2.

    References
    ----------
    Lawless and Nadeau 1995, doi 10.1080/00401706.1995.10484300.
    """
    who = lengths.index.get_indexer(np.asarray(persons))
    ends = lengths.to_numpy(dtype=float)
    when = np.asarray(times, dtype=float)
    seen = (who >= 0) & (when <= ends[who] if len(ends) else np.zeros(len(when), bool))
    who, when = who[seen], when[seen]
    steps, number = np.unique(when, return_counts=True)
    at_risk = len(ends) - np.searchsorted(np.sort(ends), steps, side="left")
    grid = steps if at is None else np.asarray(at, dtype=float)
    upto = np.searchsorted(steps, grid, side="right")
    mean = np.append(0.0, np.cumsum(number / at_risk))[upto]
    se = np.sqrt(_lawless_nadeau(grid, steps, number / at_risk**2, at_risk, who, when, ends))
    return pd.DataFrame(
        {
            "time": grid,
            "at_risk": len(ends) - np.searchsorted(np.sort(ends), grid, side="left"),
            "events": np.append(0, np.cumsum(number))[upto],
            "mean": mean,
            "se": se,
            "lower": mean - Z * se,
            "upper": mean + Z * se,
        }
    )


def _lawless_nadeau(
    grid: Floats,
    steps: Floats,
    drift: Floats,
    at_risk: NDArray[np.int64],
    who: NDArray[np.int64],
    when: Floats,
    ends: Floats,
) -> Floats:
    """Sum over persons of squared influence at each time of the grid.

    Person i contributes E_i(t) - B(min(t, end_i)), E_i the sum of 1/Y over own events and
    B(t) the sum of d/Y^2: first as if nobody had an event, then corrected for those who had.
    """
    total = np.append(0.0, np.cumsum(drift))

    def drift_until(t: Floats) -> Floats:
        return np.asarray(total[np.searchsorted(steps, t, side="right")])

    ordered = np.sort(ends)
    gone = np.searchsorted(ordered, grid, side="left")
    squares = np.append(0.0, np.cumsum(drift_until(ordered) ** 2))
    variance = (len(ends) - gone) * drift_until(grid) ** 2 + squares[gone]
    weight = 1.0 / at_risk[np.searchsorted(steps, when)]
    order = np.argsort(who, kind="stable")
    who, when, weight = who[order], when[order], weight[order]
    having, first = np.unique(who, return_index=True)
    for some in np.array_split(np.arange(len(having)), len(having) // _PEOPLE_AT_ONCE + 1):
        own = np.zeros((len(some), len(grid)))
        for row, person in enumerate(some):
            until = first[person + 1] if person + 1 < len(first) else len(who)
            events = slice(first[person], until)
            sums = np.append(0.0, np.cumsum(weight[events][np.argsort(when[events])]))
            own[row] = sums[np.searchsorted(np.sort(when[events]), grid, side="right")]
        lost = drift_until(np.minimum(grid[None, :], ends[having[some]][:, None]))
        variance = variance + (own**2 - 2 * own * lost).sum(axis=0)
    return np.clip(variance, 0.0, None)


def _events_and_risk(
    steps: Floats, time: Floats, event: NDArray[np.bool_], start: Floats
) -> tuple[Floats, Floats]:
    """Events at each step, and rows with start < step <= time."""
    happened = np.sort(time[event])
    deaths = np.searchsorted(happened, steps, "right") - np.searchsorted(happened, steps, "left")
    return deaths.astype(float), _at_risk(steps, time, start)


def _at_risk(times: Floats, time: Floats, start: Floats) -> Floats:
    entered = np.searchsorted(np.sort(start), times, side="left")
    left = np.searchsorted(np.sort(time), times, side="left")
    return (entered - left).astype(float)


def _lifelines_curve(
    time: Floats, event: NDArray[np.bool_], entry: Floats | None, steps: Floats
) -> Floats:
    fitter = KaplanMeierFitter().fit(time, event, entry=entry)
    curve = fitter.survival_function_.iloc[:, 0]
    return np.asarray(curve.reindex(steps).to_numpy(), dtype=float)


def _steps_before(steps: Floats, at: Sequence[float]) -> NDArray[np.int64]:
    """Positions of the last step at or before each time, where there is one."""
    position = np.searchsorted(steps, np.asarray(at, dtype=float), side="right") - 1
    return np.unique(position[position >= 0])


def _jackknife(
    needed: NDArray[np.int64],
    steps: Floats,
    deaths: Floats,
    at_risk: Floats,
    time: Floats,
    event: NDArray[np.bool_],
    start: Floats,
    cluster: NDArray[Any],
) -> Floats:
    """Standard error of log S at the needed steps, by the infinitesimal jackknife.

    Row i moves -log S(t) by the sum over s <= t of [dN_i - Y_i d/n] / (n - d); what the rows of
    one cluster move is added up before it is squared.
    """
    who, clusters = pd.factorize(cluster)
    per_event = _over(np.ones(len(steps)), at_risk - deaths)
    drift = np.append(0.0, np.cumsum(_over(deaths, at_risk * (at_risk - deaths))))
    own = np.searchsorted(steps, time)
    entered = np.searchsorted(steps, start, side="right")
    spread = np.full(len(steps), np.nan)
    for k in needed:
        through = np.minimum(own, k) + 1
        lost = drift[through] - drift[np.minimum(entered, through)]
        moved = np.where(event & (own <= k), per_event[own], 0.0) - lost
        spread[k] = np.sqrt((np.bincount(who, moved, minlength=len(clusters)) ** 2).sum())
    return spread


def _read_at(table: pd.DataFrame, at: Floats, time: Floats, start: Floats) -> pd.DataFrame:
    """A curve at given times: what held after the last step at or before each."""
    upto = np.searchsorted(table["time"].to_numpy(), at, side="right")

    def then(column: pd.Series, before: float) -> Floats:
        return np.append(before, column.to_numpy())[upto]

    return pd.DataFrame(
        {
            "time": at,
            "at_risk": _at_risk(at, time, start),
            "events": then(table["events"].cumsum(), 0.0),
            "survival": then(table["survival"], 1.0),
            "se": then(table["se"], 0.0),
        }
    )


def _with_log_log_bounds(table: pd.DataFrame) -> pd.DataFrame:
    curve = table["survival"].to_numpy()
    inside = (curve > 0) & (curve < 1)
    safe = np.where(inside, curve, 0.5)
    spread = Z * table["se"].to_numpy() / (safe * np.log(safe))
    return table.assign(
        lower=np.where(inside, safe ** np.exp(-spread), np.nan),
        upper=np.where(inside, safe ** np.exp(spread), np.nan),
    )


def _over(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, zero where the denominator is zero."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator != 0)
