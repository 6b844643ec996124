"""Concordance: how often, of two people, the one at higher predicted risk has the event first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.pair_counts import event_pairs, partner_pairs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
TimeWeight = Literal["n", "S", "S/G", "n/G2", "I"]


@dataclass(frozen=True)
class Concordance:
    """Concordance of a risk with the order of events.

    Attributes
    ----------
    estimate : float
        (concordant + tied_risk / 2) / (concordant + discordant + tied_risk); NaN without a
        pair that can be compared.
    se : float
        From the squared influence of rows, or of clusters where these are given.
    concordant, discordant, tied_risk : float
        Weighted pairs in which one outlived the other's event, and the risk said so, said the
        opposite, or was the same.
    tied_time, tied_both : float
        Weighted pairs with events at the same time whose risks differ, or are the same. They
        are not in the estimate.
    influence : ndarray, shape (rows,) or (clusters,)
        What the estimate would change with the weight of the row or cluster, by one unit; two
        concordances of the same rows differ with the squared difference as variance.
    rows, left_out : int
        Rows used, and rows with a missing value or that ended before they began.
    """

    estimate: float
    se: float
    concordant: float
    discordant: float
    tied_risk: float
    tied_time: float
    tied_both: float
    influence: Floats
    rows: int
    left_out: int


@dataclass(frozen=True)
class _Rows:
    """Rows placed among the K event times of their strata (slots, by stratum and time)."""

    rank: Ints  # of the risk, ties equal
    weight: Floats
    happened: Flags
    before: Ints  # first slot after the start of the row
    through: Ints  # slots up to its end; the last is its own where it has an event
    slot_stratum: Ints
    slot_time: Floats

    @property
    def outlived(self) -> Ints:
        """Slots up to here, from ``before``, are those of events that the row outlived."""
        return self.through - self.happened


def concordance(
    durations: ArrayLike,
    observed: ArrayLike,
    risk: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    time_weight: TimeWeight = "n",
    until: float | None = None,
) -> Concordance:
    """Share of comparable pairs in which the higher risk has the earlier event.

    A pair is compared at the event of one of them if the other is then at risk and goes on
    without it: start < t < stop, or t = stop with no event.

    Parameters
    ----------
    durations : array_like, shape (n,)
        Time of the event or of censoring; the stop of a row (start, stop].
    observed : array_like of bool, shape (n,)
    risk : array_like, shape (n,)
        Any score that is larger for whom the event is expected sooner.
    start : array_like, shape (n,), optional
        Time from which the row is at risk: late entry, or rows of time-varying scores.
    weights : array_like, shape (n,), optional
        A pair weighs the product of its weights.
    strata : array_like, shape (n,), optional
        Only pairs within a stratum are compared.
    cluster : array_like, shape (n,), optional
        Rows of one cluster (a person, a force) are dependent.
    time_weight : {"n", "S", "S/G", "n/G2", "I"}
        Weight of a pair by the time t of the event. n: one, Harrell's C. n/G2: 1/G(t-)^2,
        Uno's, does not depend on the censoring. S: n S(t-)/Y(t). S/G: n S(t-)/(G(t-) Y(t)).
        I: 1/Y(t). S is the Kaplan-Meier curve of the event, G that of censoring with events
        before censorings, Y the weight at risk; each within its stratum.
    until : float, optional
        Events after this time are not counted.

    Returns
    -------
    Concordance

    Raises
    ------
    ValueError
        If the weight in time is unknown, or needs G while ``start`` is given.

    References
    ----------
    Harrell et al. 1982, doi 10.1001/jama.1982.03320430047030; Uno et al. 2011,
    doi 10.1002/sim.4154; definitions of ties, weights and influence as in Therneau and Watson
    2017, "The concordance statistic and the Cox model", Mayo Clinic technical report 85.

    Examples
    --------
    >>> found = concordance([1, 2, 3, 4], [True, True, False, True], [4, 1, 2, 2])
    >>> found.concordant, found.discordant, round(found.estimate, 2)
    (3.0, 2.0, 0.6)
    """
    if time_weight not in get_args(TimeWeight):
        raise ValueError(f"{time_weight!r} is none of {', '.join(get_args(TimeWeight))}")
    if start is not None and "G" in time_weight:
        raise ValueError(f"{time_weight} needs a censoring curve, which rows with a start lack")
    given = {"risk": risk, "weights": weights, "strata": strata, "cluster": cluster}
    used = _usable(durations, start, given.values())
    kept = {name: np.asarray(v)[used] for name, v in given.items() if v is not None}
    n = int(used.sum())
    stop, happened = np.asarray(durations, float)[used], np.asarray(observed, bool)[used]
    begun = np.full(n, -np.inf) if start is None else np.asarray(start, float)[used]
    weight = np.asarray(kept.get("weights", np.ones(n)), dtype=float)
    stratum = pd.factorize(kept.get("strata", np.zeros(n)))[0]
    rows = _placed(stop, happened, begun, kept["risk"], weight, stratum)
    by_time = _time_weights(rows, time_weight, stop, stratum)
    if until is not None:
        by_time = np.where(rows.slot_time <= until, by_time, 0.0)
    pairs = _pairs_of_rows(rows, by_time)
    events = pairs[0][rows.happened] * weight[rows.happened, None]
    counts = events.sum(axis=0)
    return _result(counts, pairs[0] + pairs[1], rows, by_time, kept.get("cluster"), len(used) - n)


def _result(
    counts: Floats,
    pairs: Floats,
    rows: _Rows,
    by_time: Floats,
    cluster: NDArray[np.generic] | None,
    left_out: int,
) -> Concordance:
    """Estimate and influence from what each row has of (concordant, discordant, tied) pairs."""
    tied_time, tied_both = _tied_times(rows, by_time)
    total = counts.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = (counts[0] + counts[2] / 2) / total
        right = pairs[:, 0] + pairs[:, 2] / 2
        influence = rows.weight * (right - estimate * pairs.sum(axis=1)) / total
    if cluster is not None:
        influence = np.bincount(pd.factorize(cluster)[0], influence)
    return Concordance(
        estimate=float(estimate),
        se=float(np.sqrt((influence**2).sum())) if total > 0 else np.nan,
        concordant=float(counts[0]),
        discordant=float(counts[1]),
        tied_risk=float(counts[2]),
        tied_time=tied_time,
        tied_both=tied_both,
        influence=influence,
        rows=len(rows.rank),
        left_out=left_out,
    )


def _usable(durations: ArrayLike, start: ArrayLike | None, others: object) -> Flags:
    stop = np.asarray(durations, dtype=float)
    usable = ~np.isnan(stop)
    if start is not None:
        usable &= np.asarray(start, dtype=float) < stop
    for given in others:  # type: ignore[attr-defined]
        if given is not None:
            usable &= ~np.asarray(pd.isna(np.asarray(given)))
    return usable


def _placed(
    stop: Floats,
    happened: Flags,
    start: Floats,
    risk: NDArray[np.generic],
    weight: Floats,
    stratum: Ints,
) -> _Rows:
    times = np.unique(stop[happened])
    base = stratum * (len(times) + 1)
    own = base + np.searchsorted(times, stop, side="right")
    slots = np.unique(own[happened] - 1)
    rank = np.unique(risk, return_inverse=True)[1].ravel() if len(risk) else np.zeros(0, int)
    return _Rows(
        rank=rank.astype(np.int64),
        weight=weight,
        happened=happened,
        before=np.searchsorted(slots, base + np.searchsorted(times, start, side="right")),
        through=np.searchsorted(slots, own),
        slot_stratum=slots // (len(times) + 1),
        slot_time=times[slots % (len(times) + 1)],
    )


def _time_weights(rows: _Rows, name: TimeWeight, stop: Floats, stratum: Ints) -> Floats:
    """Weight of a pair at each slot."""
    slots = len(rows.slot_time)
    if name == "n" or not slots:
        return np.ones(slots)
    if name == "n/G2":
        return 1 / _uncensored(rows, stop, stratum) ** 2
    entered = np.cumsum(np.bincount(rows.before, rows.weight, slots + 1))[:-1]
    at_risk = entered - np.cumsum(np.bincount(rows.through, rows.weight, slots + 1))[:-1]
    if name == "I":
        return 1 / at_risk
    deaths = np.bincount(
        rows.through[rows.happened] - 1, rows.weight[rows.happened], minlength=slots
    )
    surviving = _before_each(np.clip(1 - deaths / at_risk, 0.0, 1.0), rows.slot_stratum)
    whole = np.bincount(stratum, rows.weight)[rows.slot_stratum]
    weights = whole * surviving / at_risk
    return weights / _uncensored(rows, stop, stratum) if name == "S/G" else weights


def _uncensored(rows: _Rows, stop: Floats, stratum: Ints) -> Floats:
    """G(t-) at each slot: rows in order of time, events first, each with those that follow.

    Several censorings at one time in turn multiply to the same factor as together.
    """
    order = np.lexsort((~rows.happened, stop, stratum))
    weight, who = rows.weight[order], stratum[order]
    ends = np.cumsum(np.bincount(who, weight))
    following = ends[who] - np.cumsum(weight)
    staying = following / (following + weight)
    chance = _before_each(np.where(rows.happened[order], 1.0, np.clip(staying, 0, 1)), who)
    events = np.flatnonzero(rows.happened[order])
    first = np.unique(rows.through[order][events], return_index=True)[1]
    return np.asarray(chance[events[first]])


def _before_each(factors: Floats, group: Ints) -> Floats:
    """Product of the earlier factors of the same group; groups stand together."""
    out = np.ones(len(factors))
    bounds = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    for first, last in pairwise(bounds):
        out[first + 1 : last] = np.cumprod(factors[first : last - 1])
    return out


def _tied_times(rows: _Rows, by_time: Floats) -> tuple[float, float]:
    """Weighted pairs of events in one slot, with different and with equal risk."""
    slot, rank = rows.through[rows.happened] - 1, rows.rank[rows.happened]
    weight = rows.weight[rows.happened]
    if not len(slot):
        return 0.0, 0.0
    cell, which = np.unique(slot * (rank.max() + 1) + rank, return_inverse=True)
    slot_of_cell = cell // (rank.max() + 1)
    squares = np.bincount(slot, weight**2, minlength=len(by_time))
    alike_by_cell = (np.bincount(which, weight) ** 2 - np.bincount(which, weight**2)) / 2
    alike = (alike_by_cell * by_time[slot_of_cell]).sum()
    every = ((np.bincount(slot, weight, len(by_time)) ** 2 - squares) / 2 * by_time).sum()
    return float(every - alike), float(alike)


def _pairs_of_rows(rows: _Rows, by_time: Floats) -> tuple[Floats, Floats]:
    """Pairs of each row as the one with the event, and as the one that outlives it."""
    ranks = int(rows.rank.max(initial=-1)) + 1
    own = np.where(rows.happened, rows.through - 1, -1)
    events = np.flatnonzero(rows.happened)
    events = events[np.argsort(own[events], kind="stable")]
    outlived = rows.outlived
    partner = rows.before < outlived
    by_end = np.argsort(outlived, kind="stable")[::-1]
    by_start = np.argsort(rows.before, kind="stable")[::-1]
    as_event = event_pairs(
        rows.rank, rows.weight, own, events, partner, by_end, outlived, by_start, rows.before, ranks
    )
    counted = np.zeros(len(own))
    counted[events] = by_time[own[events]]
    as_event *= counted[:, None]
    at = np.concatenate([rows.before, outlived])
    as_partner = partner_pairs(
        rows.rank,
        rows.weight * counted,
        own,
        events,
        partner,
        np.argsort(at, kind="stable"),
        at,
        ranks,
    )
    return as_event, as_partner
