"""Curves that may leave: recomputed from cumulative counts in blocks, cut before few remain."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.release.policy import Policy, enough_incidents, round_count

#: Fixed percentiles of people, worst first, at which a Lorenz curve may be read.
LORENZ_PERCENTILES = (1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90)


def in_blocks(cumulative: ArrayLike, policy: Policy) -> NDArray[np.float64]:
    """Replace cumulative counts by the midpoint of their block; the first block counts as none.

    Examples
    --------
    >>> in_blocks([0, 9, 10, 19, 20], Policy()).tolist()
    [0.0, 0.0, 15.0, 15.0, 25.0]
    """
    counts = np.asarray(cumulative, dtype=float)
    midpoint = np.floor(counts / policy.block) * policy.block + policy.block / 2
    return np.where(counts < policy.block, 0.0, midpoint)


def safe_survival(
    durations: ArrayLike,
    observed: ArrayLike,
    until: int,
    policy: Policy,
    persons: ArrayLike | None = None,
) -> pd.DataFrame:
    """Kaplan-Meier from blocked counts of events and censorings.

    With E(t) and C(t) the blocked cumulative events and censorings and N the rounded number at
    the start, n(t) = N - E(t-) - C(t-) are at risk and S(t) is the product of 1 - dE/n. The
    interval is Greenwood's on the log(-log) scale, from the same series.

    Parameters
    ----------
    durations : array_like, shape (n,)
        Days from origin to event or censoring; a day t counts what came at most t days after.
    observed : array_like of bool, shape (n,)
        True where the event was seen.
    until : int
        Last day shown.
    policy : Policy
    persons : array_like, shape (n,), optional
        Whose spell it is; by default everybody has one.

    Returns
    -------
    DataFrame
        ``time``, ``survival``, ``lower``, ``upper``, ``at_risk`` (rounded), ``events`` (so far,
        blocked; 0 while the first block is not full); ends before fewer than the threshold of
        spells or people remain, and is empty if fewer than that start.
    """
    days = np.ceil(np.asarray(durations, dtype=float)).astype(int)
    happened = np.asarray(observed, dtype=bool)
    columns = ["time", "survival", "lower", "upper", "at_risk", "events"]
    if len(days) < policy.threshold:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in columns})
    grid = np.arange(until + 1)
    events = in_blocks(_cumulative(days[happened], until), policy)
    censored = in_blocks(_cumulative(days[~happened], until), policy)
    start = float(round_count(len(days), policy))
    gone_before = np.concatenate([[0.0], (events + censored)[:-1]])
    at_risk = start - gone_before
    deaths = np.diff(events, prepend=0.0)
    people = _people_at_risk(days, persons, until)
    enough = (np.minimum(at_risk, people) >= policy.threshold) & (at_risk > deaths)
    keep = np.logical_and.accumulate(enough)
    grid, at_risk, deaths, events = grid[keep], at_risk[keep], deaths[keep], events[keep]
    survival = np.cumprod(1 - deaths / at_risk)
    variance = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = 1.96 * np.sqrt(variance) / np.log(survival)
        lower, upper = survival ** np.exp(-spread), survival ** np.exp(spread)
    flat = survival >= 1
    return pd.DataFrame(
        {
            "time": grid,
            "survival": survival,
            "lower": np.where(flat, 1.0, lower),
            "upper": np.where(flat, 1.0, upper),
            "at_risk": round_count(at_risk, policy),
            "events": events,
        }
    )


def _people_at_risk(
    days: NDArray[np.int64], persons: ArrayLike | None, until: int
) -> NDArray[np.int64]:
    """People with a spell that lasts to each day or beyond, for days 0..until."""
    who = np.arange(len(days)) if persons is None else np.asarray(persons)
    longest = pd.Series(days).groupby(who).max().to_numpy()
    return len(longest) - np.concatenate([[0], _cumulative(longest, until)[:-1]])


def safe_mean_cumulative(
    times: ArrayLike, lengths: ArrayLike, until: int, policy: Policy, steps: int = 30
) -> pd.DataFrame:
    """Mean cumulative number of events per person, from blocked counts.

    M(t) is the sum of dE(s)/Y(s) over s <= t, with Y(t) = N - C(t-) people under observation
    (Lawless and Nadeau 1995, doi 10.1080/00401706.1995.10484300).

    Parameters
    ----------
    times : array_like, shape (events,)
        Days from each person's start to the event.
    lengths : array_like, shape (people,)
        Days under observation of every person, with or without events.

    Returns
    -------
    DataFrame
        ``time``, ``mean``, ``at_risk``; ends before fewer than the threshold remain.
    """
    ends = np.ceil(np.asarray(lengths, dtype=float)).astype(int)
    if len(ends) < policy.threshold:
        return pd.DataFrame({n: pd.Series(dtype=float) for n in ("time", "mean", "at_risk")})
    events = in_blocks(_cumulative(np.ceil(np.asarray(times, dtype=float)), until), policy)
    left = in_blocks(_cumulative(ends, until), policy)
    at_risk = float(round_count(len(ends), policy)) - np.concatenate([[0.0], left[:-1]])
    keep = np.logical_and.accumulate(at_risk >= policy.threshold)
    mean = np.cumsum(np.diff(events, prepend=0.0)[keep] / at_risk[keep])
    table = pd.DataFrame(
        {
            "time": np.arange(until + 1)[keep],
            "mean": mean,
            "at_risk": round_count(at_risk[keep], policy),
        }
    )
    return table[table["time"] % steps == 0].reset_index(drop=True)


def _cumulative(days: ArrayLike, until: int) -> NDArray[np.int64]:
    """Number of days at most t, for t = 0..until."""
    inside = np.clip(np.asarray(days, dtype=int), 0, until + 1)
    return np.cumsum(np.bincount(inside, minlength=until + 2)[: until + 1])


def safe_lorenz(counts: ArrayLike, policy: Policy) -> pd.DataFrame:
    """Share of incidents held by the top percentiles of people, in whole per cent.

    A percentile is left out where fewer than the threshold of people lie between it and the
    one before, or where one or two people dominate those above it.

    Parameters
    ----------
    counts : array_like, shape (people,)
        Incidents per person with at least one.

    Returns
    -------
    DataFrame
        ``share_people``, ``share_incidents``: per cent, from the top, with 0 and 100.
    """
    ordered = np.sort(np.asarray(counts, dtype=float))[::-1]
    n = len(ordered)
    if n < 2 * policy.threshold:
        return pd.DataFrame({"share_people": [], "share_incidents": []}, dtype=float)
    held = np.concatenate([[0.0], np.cumsum(ordered)])
    points, last = [(0.0, 0.0)], 0.0
    for percentile in LORENZ_PERCENTILES:
        people = n * percentile / 100
        incidents = float(np.interp(people, np.arange(n + 1), held))
        apart = min(people - last, n - people) >= policy.threshold
        if apart and enough_incidents(incidents, people, ordered[0], ordered[:2].sum(), policy):
            points.append((float(percentile), float(np.floor(100 * incidents / held[-1] + 0.5))))
            last = people
    points.append((100.0, 100.0))
    return pd.DataFrame(points, columns=["share_people", "share_incidents"])
