"""Times until the first of several events: which comes, and when.

A repeat can no longer come once a child has turned eighteen or left the area for good. Counting
those children as censored gives the chance of a repeat in a world in which nobody ages out;
the cumulative incidence gives the share who do have one. A row is at risk at t when
entry < t <= duration; an event at t comes before a censoring at t.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Normal quantile of a 95 % interval.
_Z = float(norm.ppf(0.975))
#: A part of the risk set smaller than this is what rounding left of nobody.
_NOBODY = 1e-11


@dataclass(frozen=True)
class Incidence:
    """Cumulative incidence of each cause.

    Attributes
    ----------
    curves : DataFrame
        ``cause``, ``time``, ``at_risk`` (weight at risk at the time), ``events`` (weight with
        an event of the cause up to the time), ``incidence`` (probability that the event has
        come and was of this cause), ``se``, ``lower``, ``upper`` (95 %, log(-log) scale of its
        complement; NaN where the incidence is zero or one). One block a cause, in the order of
        the causes; times ascend.
    rows : int
        Rows used.
    left_out : int
        Rows with a missing value, or that ended before they were under observation.
    """

    curves: pd.DataFrame
    rows: int
    left_out: int


@dataclass(frozen=True)
class _Rows:
    start: Floats
    stop: Floats
    cause: NDArray[Any]
    happened: Flags
    weight: Floats
    cluster: Ints
    left_out: int


@dataclass(frozen=True)
class _Steps:
    """Risk set at the K distinct event times; ``before`` and ``through`` locate the rows."""

    time: Floats
    at_risk: Floats
    remaining: Floats
    surviving: Floats  # probability of no event before the step
    before: Ints  # steps at or before the start of each row
    through: Ints  # steps at or before its end


def cumulative_incidence(
    durations: ArrayLike,
    cause: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    at: Sequence[float] | None = None,
    censored: Hashable = 0,
) -> Incidence:
    """Aalen-Johansen estimate of the probability of each event when others may come first.

    F_k(t) = sum over s <= t of S(s-) d_k(s)/Y(s), S the Kaplan-Meier curve of all events
    together. Its variance is the infinitesimal jackknife: the sum over clusters of squared
    influence, what F_k(t) would change if the cluster weighed a little more.

    Parameters
    ----------
    durations : array_like, shape (n,)
        Time from the origin to the first event, or to the end of observation.
    cause : array_like, shape (n,)
        Which event ended the row; ``censored`` where none did.
    entry : array_like, shape (n,), optional
        Time from which the row is under observation.
    weights : array_like, shape (n,), optional
    cluster : array_like, shape (n,), optional
        Rows of one cluster (a person) are dependent; each row its own if not given.
    at : sequence of float, optional
        Times at which the curves are read; all times of events if not given.
    censored : hashable
        The value of ``cause`` that means no event.

    Returns
    -------
    Incidence
        No curve where nobody has an event.

    References
    ----------
    Aalen and Johansen 1978, Scandinavian Journal of Statistics 5, 141-150; jackknife:
    Therneau, Crowson and Atkinson 2024, "Multi-state models and competing risks", vignette
    of the R package survival.

    Examples
    --------
    >>> found = cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0], at=[3.0])
    >>> found.curves[["cause", "incidence"]].to_dict("list")
    {'cause': [1, 2], 'incidence': [0.5, 0.25]}
    """
    rows = _rows(durations, cause, entry, weights, cluster, censored)
    steps = _steps(rows)
    times = steps.time if at is None else np.asarray(at, dtype=float)
    blocks = [_curve(rows, steps, times, name) for name in pd.unique(_sorted(rows))]
    names = ["cause", "time", "at_risk", "events", "incidence", "se", "lower", "upper"]
    empty = pd.DataFrame({name: pd.Series(dtype=float) for name in names})
    curves = pd.concat(blocks, ignore_index=True)[names] if blocks else empty
    return Incidence(curves, len(rows.stop), rows.left_out)


def fine_gray_rows(
    durations: ArrayLike,
    cause: ArrayLike,
    of: Hashable,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    censored: Hashable = 0,
) -> pd.DataFrame:
    """Weighted rows whose Cox fit is the proportional subdistribution hazards model.

    Who has another event at t_i stays in the risk set of the event of interest, with weight
    G(t-)/G(t_i-): the chance of not being censored until t, given that until t_i, G the
    Kaplan-Meier curve of the censoring with events before censorings. With delayed entry G
    is multiplied by H, the same in reversed time for the entries.

    Parameters
    ----------
    durations, cause : array_like, shape (n,)
        As for :func:`cumulative_incidence`.
    of : hashable
        The event of interest.
    entry : array_like, shape (n,), optional
    strata : array_like, shape (n,), optional
        Groups with a censoring of their own.
    censored : hashable

    Returns
    -------
    DataFrame
        ``row`` (position in the input), ``start``, ``stop``, ``event``, ``weight``; by row and
        time. Rows (start, stop] of one person carry the person's covariates and, in a robust
        variance, are one cluster. A person with a missing value, or whose time ended before it
        began, has no row. Without ``entry`` the first rows start at 0, or, if somebody's time
        is 0 or less, before it.

    Raises
    ------
    ValueError
        If nobody has the event of interest.

    References
    ----------
    Fine and Gray 1999, doi 10.1080/01621459.1999.10474144; Geskus 2011,
    doi 10.1111/j.1541-0420.2010.01420.x.

    Examples
    --------
    >>> fine_gray_rows([1, 2, 3, 4], [2, 0, 1, 1], of=1).round(3).values.tolist()[:2]
    [[0, 0.0, 2.0, False, 1.0], [0, 2.0, 4.0, False, 0.667]]
    """
    rows = _rows(durations, cause, entry, None, strata, censored)
    of_interest = rows.happened & _is(rows.cause, of)
    if not of_interest.any():
        raise ValueError("nobody has the event of interest: there is nothing to regress on")
    start = rows.start
    if entry is None:
        earliest = rows.stop.min()
        start = np.full(len(start), 0.0 if earliest > 0 else 2 * earliest - 1)
    position = np.flatnonzero(_usable(durations, cause, entry, None, strata))
    groups = np.zeros(len(np.asarray(durations)), dtype=int)
    if strata is not None:
        groups = pd.factorize(np.asarray(strata))[0]
    parts = []
    for group in np.unique(groups[position]):
        inside = groups[position] == group
        parts.append(
            _extended(
                position[inside],
                start[inside],
                rows.stop[inside],
                rows.happened[inside],
                of_interest[inside],
                entry is not None,
            )
        )
    return pd.concat(parts).sort_values(["row", "start"], kind="stable", ignore_index=True)


def _usable(
    durations: ArrayLike,
    cause: ArrayLike,
    entry: ArrayLike | None,
    weights: ArrayLike | None,
    cluster: ArrayLike | None,
) -> Flags:
    time = np.asarray(durations, dtype=float)
    start = np.full(len(time), -np.inf) if entry is None else np.asarray(entry, dtype=float)
    usable = start < time
    for given in (cause, weights, cluster):
        if given is not None:
            usable = usable & ~np.asarray(pd.isna(np.asarray(given)))
    return np.asarray(usable)


def _rows(
    durations: ArrayLike,
    cause: ArrayLike,
    entry: ArrayLike | None,
    weights: ArrayLike | None,
    cluster: ArrayLike | None,
    censored: Hashable,
) -> _Rows:
    used = _usable(durations, cause, entry, weights, cluster)
    n = int(used.sum())
    which = np.asarray(cause)[used]
    who = np.arange(n) if cluster is None else pd.factorize(np.asarray(cluster)[used])[0]
    return _Rows(
        start=np.full(n, -np.inf) if entry is None else np.asarray(entry, dtype=float)[used],
        stop=np.asarray(durations, dtype=float)[used],
        cause=which,
        happened=~_is(which, censored),
        weight=np.ones(n) if weights is None else np.asarray(weights, dtype=float)[used],
        cluster=who,
        left_out=len(used) - n,
    )


def _is(cause: NDArray[Any], name: Any) -> Flags:
    return pd.Series(cause).eq(name).to_numpy(dtype=bool)


def _sorted(rows: _Rows) -> NDArray[Any]:
    return np.sort(rows.cause[rows.happened])


def _steps(rows: _Rows) -> _Steps:
    time = np.unique(rows.stop[rows.happened])
    before = np.searchsorted(time, rows.start, side="right")
    through = np.searchsorted(time, rows.stop, side="right")
    size = len(time) + 1
    entered = np.cumsum(np.bincount(before, rows.weight, size))[:-1]
    left = np.cumsum(np.bincount(through, rows.weight, size))[:-1]
    at_risk = np.where(entered - left > _NOBODY * entered, entered - left, 0.0)
    remaining = at_risk - _events(rows, through, rows.happened, size)
    remaining = np.where(remaining > _NOBODY * entered, remaining, 0.0)
    surviving = np.append(1.0, np.cumprod(_over(remaining, at_risk)))[:-1]
    return _Steps(time, at_risk, remaining, surviving, before, through)


def _events(rows: _Rows, through: Ints, of: Flags, size: int) -> Floats:
    """Weight of the events at each step; the last step of a row is its own."""
    return np.bincount(through[of], rows.weight[of], size).astype(float)[1:]


def _curve(rows: _Rows, steps: _Steps, times: Floats, name: Any) -> pd.DataFrame:
    mine = rows.happened & _is(rows.cause, name)
    events = _events(rows, steps.through, mine, len(steps.time) + 1)
    rise = steps.surviving * _over(events, steps.at_risk)
    upto = np.searchsorted(steps.time, times, side="right")
    incidence = _from_zero(rise)[upto]
    table = pd.DataFrame(
        {
            "time": times,
            "at_risk": _weight_at(times, rows),
            "events": _from_zero(events)[upto],
            "incidence": incidence,
            "se": _jackknife(rows, steps, mine, rise, upto),
        }
    )
    inside = (incidence > 0) & (incidence < 1)
    free = np.where(inside, 1 - incidence, 0.5)
    spread = _Z * table["se"].to_numpy() / (free * np.log(free))  # negative, as is the log
    return table.assign(
        cause=name,
        lower=np.where(inside, 1 - free ** np.exp(spread), np.nan),
        upper=np.where(inside, 1 - free ** np.exp(-spread), np.nan),
    )


def _jackknife(rows: _Rows, steps: _Steps, mine: Flags, rise: Floats, upto: Ints) -> Floats:
    """Standard error of the incidence after each number of steps.

    Row i moves F_k(t) = sum S(s-) dN_k(s)/Y(s) in two ways: at each step it is at risk, by
    S(s-) [dN_ik - Y_i dN_k/Y]/Y; and, through S(s-), by dF_k(s) times what it moved log S
    before s, the sum over u < s of -[dN_i - Y_i d/Y]/(Y - d).
    """
    ones = np.ones(len(steps.time))
    per_event = np.append(0.0, _over(ones, steps.remaining))
    own_rise = np.append(0.0, steps.surviving * _over(ones, steps.at_risk))
    deaths = steps.at_risk - steps.remaining
    spared = _from_zero(_over(deaths, steps.at_risk * steps.remaining))
    total, lost = _from_zero(rise), _from_zero(rise * _over(ones, steps.at_risk))
    carried = _from_zero(rise * spared[:-1])
    spread = np.empty(len(upto))
    for number, t in enumerate(upto):
        start, end = np.minimum(steps.before, t), np.minimum(steps.through, t)
        over = steps.through <= t
        moved = lost[start] - lost[end] + carried[end] - carried[start]
        moved -= spared[start] * (total[end] - total[start])
        moved += (spared[end] - spared[start]) * (total[t] - total[end])
        moved += np.where(over & mine, own_rise[steps.through], 0.0)
        gone = np.where(over & rows.happened, per_event[steps.through], 0.0)
        moved -= gone * (total[t] - total[end])
        spread[number] = np.sqrt((np.bincount(rows.cluster, rows.weight * moved) ** 2).sum())
    return spread


def _weight_at(times: Floats, rows: _Rows) -> Floats:
    def before(bounds: Floats) -> Floats:
        order = np.argsort(bounds, kind="stable")
        summed = _from_zero(rows.weight[order])
        return np.asarray(summed[np.searchsorted(bounds[order], times, side="left")])

    return before(rows.start) - before(rows.stop)


def _extended(
    position: Ints, start: Floats, stop: Floats, happened: Flags, of_interest: Flags, late: bool
) -> pd.DataFrame:
    """Rows of one stratum: as they are, but longer and in pieces after a competing event."""
    cuts, chance = _staying(start, stop, happened, late)
    last = stop.max()
    ends = np.append(cuts, last)
    competing = happened & ~of_interest
    piece = np.searchsorted(cuts, stop, side="left")
    first_end = np.where(competing, np.minimum(ends[piece], last), stop)
    # a piece of time in which the event of interest never comes is not needed
    kept = np.unique(np.searchsorted(cuts, stop[of_interest], side="left"))
    after = np.searchsorted(kept, piece, side="right")
    number = np.where(competing, len(kept) - after, 0)
    row = np.repeat(np.arange(len(stop)), number)
    within = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    later = kept[np.repeat(after, number) + within]
    if not (chance[piece[row]] > 0).all():
        raise ValueError(
            "somebody's other event came before a time when everybody at risk had just entered: "
            "such a person's weight is not defined; start the clock later"
        )
    table = pd.DataFrame(
        {
            "row": np.concatenate([position, position[row]]),
            "start": np.concatenate([start, ends[later - 1]]),
            "stop": np.concatenate([first_end, np.minimum(ends[later], last)]),
            "event": np.concatenate([of_interest, np.zeros(len(row), dtype=bool)]),
            "weight": np.concatenate([np.ones(len(stop)), chance[later] / chance[piece[row]]]),
        }
    )
    return table[table["weight"] > 0]


def _staying(start: Floats, stop: Floats, happened: Flags, late: bool) -> tuple[Floats, Floats]:
    """Times at which G(t-) H(t-) changes, and its value up to and after each."""
    cuts = np.unique(stop[~happened])
    here = _count(start, cuts, "left") - _count(stop, cuts, "left")
    here -= _tied(stop[happened], cuts)  # events go first
    lost = _tied(stop[~happened], cuts)
    uncensored = np.append(1.0, np.cumprod(1 - _over(lost, here)))
    if not late:
        return cuts, uncensored
    entries = np.unique(start)
    seen = _count(start, entries, "right") - _count(stop, entries, "right")
    factors = 1 - _over(_tied(start, entries), seen)
    entered = np.append(np.cumprod(factors[::-1])[::-1], 1.0)
    both = np.unique(np.concatenate([cuts, entries]))
    # after the last cut at or before a time, and before the first entry at or after the next
    after = np.append(-np.inf, both)
    chance = (
        uncensored[np.searchsorted(cuts, after, side="right")]
        * entered[np.searchsorted(entries, after, side="right")]
    )
    return both, chance


def _count(values: Floats, bounds: Floats, side: Any) -> Floats:
    return np.searchsorted(np.sort(values), bounds, side=side).astype(float)


def _tied(values: Floats, bounds: Floats) -> Floats:
    return _count(values, bounds, "right") - _count(values, bounds, "left")


def _from_zero(values: Floats) -> Floats:
    return np.append(0.0, np.cumsum(values))


def _over(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, zero where the denominator is zero."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator != 0)
