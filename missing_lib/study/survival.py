"""Estimators for times until the next event, with censoring: curves, hazards, mean counts.

A row is at risk at t when entry < t <= duration; an event at t comes before a censoring at t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.curve_variance import summed_squares
from missing_lib.study.given import refuse_unlike_rows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Normal quantile of a 95 % interval.
Z = 1.959963984540054
#: Whole days are counted instead of sorted if the last is not beyond this many times the rows.
_COUNTED = 4

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
        and is left out, as is one with a missing time.
    observed : array_like of bool, shape (n,)
    entry : array_like, shape (n,), optional
        Time from which the row is under observation; zero if not given. An event must come
        after it.
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

    Raises
    ------
    ValueError
        If lengths or indices differ, or an event comes no later than its row's entry.

    References
    ----------
    Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452.
    """
    refuse_unlike_rows(durations=durations, observed=observed, entry=entry, cluster=cluster)
    time = np.asarray(durations, dtype=float)
    event = np.asarray(observed, dtype=bool)
    start = None if entry is None else np.asarray(entry, dtype=float)
    used = _ever_at_risk(time, event, start)
    if not used.all():
        time, event = time[used], event[used]
        start = None if start is None else start[used]
        cluster = None if cluster is None else np.asarray(cluster)[used]
    if len(time) == 0:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in KAPLAN_MEIER_COLUMNS})
    risk = _risk_sets(time, event, start)
    curve = np.cumprod(1 - _over(risk.deaths, risk.at_risk))
    if cluster is None:
        remaining = risk.at_risk - risk.deaths
        spread = np.sqrt(np.cumsum(_over(risk.deaths, risk.at_risk * remaining)))
    else:
        spread = _jackknife(risk, event, start, cluster)
    table = pd.DataFrame(
        {
            "time": risk.steps,
            "at_risk": risk.at_risk,
            "events": risk.deaths,
            "survival": curve,
            "se": curve * spread,
        }
    )
    if at is not None:
        table = _read_at(table, np.asarray(at, dtype=float), risk)
    return _with_log_log_bounds(table)


def _ever_at_risk(
    time: Floats, event: NDArray[np.bool_], start: Floats | None
) -> NDArray[np.bool_]:
    """Rows with known times that are at risk at some time, at their origin if an event is there."""
    if start is None:
        return (event & ~np.isnan(time)) | (time > 0)
    early = int((event & (time <= start)).sum())
    if early:
        raise ValueError(
            f"{early} rows have an event no later than their entry, when they are not yet at risk; "
            "let such a row enter earlier, or leave it out."
        )
    return np.asarray(time > start)


def nelson_aalen(durations: ArrayLike, observed: ArrayLike) -> pd.DataFrame:
    """Nelson-Aalen estimate of the cumulative hazard, the sum of d/n.

    Rows with a missing duration are left out.

    Returns
    -------
    DataFrame
        ``time`` (all distinct durations), ``at_risk``, ``events``, ``cumulative_hazard`` and
        ``se``, the root of the sum of d/n^2 (no correction for ties).

    References
    ----------
    Aalen 1978, doi 10.1214/aos/1176344247.
    """
    refuse_unlike_rows(durations=durations, observed=observed)
    time, event = np.asarray(durations, dtype=float), np.asarray(observed, dtype=bool)
    known = ~np.isnan(time)
    risk = _risk_sets(time[known], event[known], None)
    return pd.DataFrame(
        {
            "time": risk.steps,
            "at_risk": risk.at_risk,
            "events": risk.deaths,
            "cumulative_hazard": np.cumsum(_over(risk.deaths, risk.at_risk)),
            "se": np.sqrt(np.cumsum(_over(risk.deaths, risk.at_risk**2))),
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
                "people": int(np.count_nonzero(np.bincount(who[inside]))),
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
    steps, place, number = np.unique(when, return_inverse=True, return_counts=True)
    leaving = np.sort(ends)
    at_risk = len(ends) - np.searchsorted(leaving, steps, side="left")
    grid = steps if at is None else np.asarray(at, dtype=float)
    upto = np.searchsorted(steps, grid, side="right")
    mean = np.append(0.0, np.cumsum(number / at_risk))[upto]
    variance = _lawless_nadeau(steps, number / at_risk**2, who, place, 1.0 / at_risk[place], ends)
    se = np.sqrt(np.append(0.0, variance))[upto]
    return pd.DataFrame(
        {
            "time": grid,
            "at_risk": len(ends) - np.searchsorted(leaving, grid, side="left"),
            "events": np.append(0, np.cumsum(number))[upto],
            "mean": mean,
            "se": se,
            "lower": mean - Z * se,
            "upper": mean + Z * se,
        }
    )


def _lawless_nadeau(
    steps: Floats, drift: Floats, who: Integers, place: Integers, weight: Floats, ends: Floats
) -> Floats:
    """Sum over persons of squared influence at each step.

    Person i contributes E_i(t) - B(min(t, end_i)), E_i the sum of 1/Y over own events and
    B(t) the sum of d/Y^2.
    """
    total = np.cumsum(drift)
    after = np.searchsorted(steps, ends, side="right")
    leaving = np.flatnonzero(after < len(steps))
    lost = np.append(0.0, total)[after[leaving]]
    return summed_squares(
        np.concatenate([who, leaving]),
        np.concatenate([place, after[leaving]]),
        np.concatenate([weight, -lost]),
        np.concatenate([np.zeros(len(who)), np.full(len(leaving), -1.0)]),
        np.ones(len(ends)),
        total,
    )


@dataclass(frozen=True)
class _RiskSets:
    """What happens at each distinct time.

    Attributes
    ----------
    steps, deaths, at_risk : ndarray of float, shape (steps,)
        Distinct times, ascending; events at each; rows with entry < step <= time.
    place : ndarray of int, shape (rows,)
        The step of each row's time.
    left : ndarray of float, shape (steps + 1,)
        Rows whose time came before each step, and all of them.
    entries : ndarray of float, shape (rows,) or (0,)
        Ascending entries; empty where everybody was there from the start.
    """

    steps: Floats
    deaths: Floats
    at_risk: Floats
    place: Integers
    left: Floats
    entries: Floats

    def at(self, times: Floats) -> Floats:
        """Rows at risk at any times."""
        entered = (
            np.searchsorted(self.entries, times, "left") if len(self.entries) else self.left[-1]
        )
        return entered - self.left[np.searchsorted(self.steps, times, side="left")]


def _risk_sets(time: Floats, event: NDArray[np.bool_], start: Floats | None) -> _RiskSets:
    steps, place = _distinct(time)
    deaths = np.bincount(place[event], minlength=len(steps)).astype(float)
    left = np.append(0.0, np.cumsum(np.bincount(place, minlength=len(steps))))
    entries = np.zeros(0) if start is None else np.sort(start)
    entered = left[-1] if start is None else np.searchsorted(entries, steps, side="left")
    return _RiskSets(steps, deaths, entered - left[:-1], place, left, entries)


def _distinct(time: Floats) -> tuple[Floats, Integers]:
    """Distinct times, ascending, and the place of each time among them."""
    if len(time) and time.min() >= 0 and time.max() < _COUNTED * len(time):
        days = time.astype(np.int64)
        if (days == time).all():
            there = np.bincount(days) > 0
            return np.flatnonzero(there).astype(float), (np.cumsum(there) - 1)[days]
    steps, place = np.unique(time, return_inverse=True)
    return steps, place


def _jackknife(
    risk: _RiskSets, event: NDArray[np.bool_], start: Floats | None, cluster: ArrayLike
) -> Floats:
    """Standard error of log S at each step, by the infinitesimal jackknife.

    Row i moves -log S(t) by the sum over s <= t of [dN_i - Y_i d/n] / (n - d); what the rows of
    one cluster move is added up before it is squared.
    """
    who, clusters = pd.factorize(np.asarray(cluster))
    remaining = risk.at_risk - risk.deaths
    drift = np.cumsum(_over(risk.deaths, risk.at_risk * remaining))
    per_event = _over(np.ones(len(remaining)), remaining)
    jump = np.where(event, per_event[risk.place], 0.0)
    if start is None:
        held = np.bincount(who, minlength=len(clusters)).astype(float)
        jump -= drift[risk.place]
        change = np.full(len(who), -1.0)
        return np.sqrt(summed_squares(who, risk.place, jump, change, held, drift))
    entered = np.searchsorted(risk.steps, start, side="right")
    during = entered <= risk.place
    entered = entered[during]
    return np.sqrt(
        summed_squares(
            np.concatenate([who, who[during]]),
            np.concatenate([risk.place, entered]),
            np.concatenate(
                [jump - np.where(during, drift[risk.place], 0.0), np.append(0.0, drift)[entered]]
            ),
            np.concatenate([np.where(during, -1.0, 0.0), np.ones(len(entered))]),
            np.zeros(len(clusters)),
            drift,
        )
    )


def _read_at(table: pd.DataFrame, at: Floats, risk: _RiskSets) -> pd.DataFrame:
    """A curve at given times: what held after the last step at or before each."""
    upto = np.searchsorted(risk.steps, at, side="right")

    def then(column: pd.Series, before: float) -> Floats:
        return np.append(before, column.to_numpy())[upto]

    return pd.DataFrame(
        {
            "time": at,
            "at_risk": risk.at(at),
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
