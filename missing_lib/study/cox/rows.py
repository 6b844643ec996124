"""Rows of a Cox regression, and between which event times each is at risk.

A row (start, stop] is at risk at t when start < t <= stop. Every distinct event time of every
stratum is a *slot*; slots of one stratum follow one another in time. A row is at risk in the
slots after ``before`` up to and including ``last``. Where nobody is at risk in two slots that
follow one another, nobody before is ever compared with anybody after: a stratum falls into
*stretches*, which are strata to the sums over risk sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.cox.kernel import (
    cut_where_nobody_stays,
    standardised,
    weighted_moments,
)
from missing_lib.study.given import refuse_twins, refuse_unless_yes_no, refuse_unlike_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A table of so many cells per row is looked up rather than searched.
_CELLS_PER_ROW = 4
_CELLS_AT_LEAST = 1_000_000
#: A smaller standard deviation has a square that is no number of full precision.
_LEAST_SPREAD = 1e-150


@dataclass(frozen=True)
class CoxRows:
    """Rows that are at risk at some event time, ready for the kernel.

    Attributes
    ----------
    terms : tuple of str, length k
    x : ndarray of float, shape (n, k)
        Standardised columns: (value - centre of the stretch)/scale.
    centre : ndarray of float, shape (stretches, k)
        Weighted mean of each column in each stretch.
    scale : ndarray of float, shape (k,)
        Weighted standard deviation of each column within stretches; 1 for a constant one.
    weight, offset : ndarray of float, shape (n,)
        Case weights, and the known part of the log hazard.
    died : ndarray of bool, shape (n,)
        Whether the row ends with an event.
    before, last : ndarray of int, shape (n,)
        Last slot before the row is at risk (-1 where there is none in its stretch), and its
        last slot at risk; an event falls in ``last``.
    seen : ndarray of float, shape (k,)
        Sum of w x over the events.
    times : ndarray of float, shape (slots,)
        Event time of each slot.
    deaths : ndarray of int, shape (slots,)
        Events in each slot.
    death_weight : ndarray of float, shape (slots,)
        The sum of their weights.
    first_slot : ndarray of int, shape (stretches + 1,)
        Slots of stretch s are ``first_slot[s]`` to ``first_slot[s + 1] - 1``.
    stretch : ndarray of int, shape (slots,)
        The stretch of each slot.
    first_of_stratum : ndarray of int, shape (strata + 1,)
        As ``first_slot``, of strata.
    strata : ndarray, shape (strata,)
        Labels of the strata that have an event.
    used : ndarray of int, shape (n,)
        Position of each row among the rows given.
    start, stop : ndarray of float, shape (given,)
    known : ndarray of bool, shape (given,)
        Whether a row has no missing value and a weight above 0.
    given, complete : int
        Rows given, and rows without a missing value; the difference was left out.
    """

    terms: tuple[str, ...]
    x: Floats
    centre: Floats
    scale: Floats
    weight: Floats
    offset: Floats
    died: NDArray[np.bool_]
    before: Ints
    last: Ints
    seen: Floats
    times: Floats
    deaths: Ints
    death_weight: Floats
    first_slot: Ints
    stretch: Ints
    first_of_stratum: Ints
    strata: NDArray[np.object_]
    used: Ints
    start: Floats
    stop: Floats
    known: NDArray[np.bool_]
    given: int
    complete: int

    @property
    def events(self) -> int:
        """Rows that end with an event."""
        return int(self.died.sum())


def prepare(
    stop: ArrayLike,
    event: ArrayLike,
    design: pd.DataFrame,
    *,
    start: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> CoxRows:
    """Bring rows into the form of the kernel.

    Parameters
    ----------
    stop : array_like, shape (n,)
        End of each row.
    event : array_like of bool, shape (n,)
        Whether it ends with an event; NaN where that is not known.
    design : DataFrame, shape (n, k)
        One column per term, no intercept.
    start : array_like, shape (n,), optional
        Start of each row, not itself at risk; minus infinity if not given.
    strata : array_like, shape (n,), optional
        Rows of different strata are never compared.
    weights : array_like, shape (n,), optional
        Case weights, at least 0; rows of weight 0 are left out.
    offset : array_like, shape (n,), optional

    Returns
    -------
    CoxRows
        Without rows that have a missing value, and without those never at risk.

    Raises
    ------
    ValueError
        If lengths or indices differ, a row ends no later than it starts, an event is neither yes
        nor no, a value is infinite or a weight negative.
    """
    refuse_unlike_rows(
        stop=stop, event=event, design=design, start=start, strata=strata, weights=weights,
        offset=offset,
    )  # fmt: skip
    refuse_twins(design)
    ends = np.asarray(stop, float)
    columns = {
        "stop": ends,
        "event": np.asarray(event, float),
        "start": np.full(len(ends), -np.inf) if start is None else np.asarray(start, float),
        "weights": np.ones(len(ends)) if weights is None else np.asarray(weights, float),
        "offset": np.zeros(len(ends)) if offset is None else np.asarray(offset, float),
    }
    codes, labels = _codes(strata, len(ends))
    x = np.ascontiguousarray(design.to_numpy(float))
    _refuse(columns, x, design, start is not None)
    refuse_unless_yes_no("event", columns["event"])
    known = codes >= 0
    for values in [*columns.values(), x]:
        # One sum tells whether any is missing, which is rare.
        if np.isnan(values.sum()) and np.isnan(values).any():
            known &= ~np.isnan(values).reshape(len(known), -1).any(axis=1)
    died = known & (columns["event"] > 0)
    risk = known & (columns["weights"] > 0)
    slots = _slots(columns["start"], ends, died & risk, codes, len(labels))
    at_risk = np.flatnonzero(risk & (slots.before < slots.last))
    weight = columns["weights"][at_risk]
    died, before, last = died[at_risk], slots.before[at_risk], slots.last[at_risk]
    entered = start is not None and len(slots.times) > 0
    first = cut_where_nobody_stays(before, last, slots.first) if entered else slots.first
    stretch = np.repeat(np.arange(len(first) - 1), np.diff(first))
    terms = tuple(str(name) for name in design.columns)
    x, centre, scale = _standardised(x, at_risk, weight, last, stretch, len(first) - 1, terms)
    where, lost = last[died], weight[died]
    number = len(slots.times)
    return CoxRows(
        terms=terms,
        x=x,
        centre=centre,
        scale=scale,
        weight=weight,
        offset=columns["offset"][at_risk],
        died=died,
        before=before,
        last=last,
        seen=np.where(died, weight, 0.0) @ x,
        times=slots.times,
        deaths=np.bincount(where, minlength=number).astype(np.int64),
        death_weight=np.bincount(where, lost, minlength=number).astype(float),
        first_slot=first,
        stretch=stretch,
        first_of_stratum=slots.first,
        strata=labels[slots.strata],
        used=at_risk,
        start=columns["start"],
        stop=ends,
        known=risk,
        given=len(ends),
        complete=int(known.sum()),
    )


def _codes(strata: ArrayLike | None, rows: int) -> tuple[Ints, NDArray[np.object_]]:
    """Number of each row's stratum, -1 where missing, and the labels in sorted order."""
    if strata is None:
        return np.zeros(rows, np.int64), np.array(["all"], dtype=object)
    codes, labels = pd.factorize(np.asarray(strata), sort=True)
    return codes.astype(np.int64), np.asarray(labels, dtype=object)


def _refuse(columns: dict[str, Floats], x: Floats, design: pd.DataFrame, entered: bool) -> None:
    """Say by name what no Cox regression can use."""
    infinite = [
        name for name in ("stop", "event", "weights", "offset") if np.isinf(columns[name]).any()
    ]
    if not np.isfinite(x.sum()):
        infinite += [str(name) for j, name in enumerate(design.columns) if np.isinf(x[:, j]).any()]
    if infinite:
        raise ValueError(
            f"Values of {', '.join(infinite)} are infinite; every value must be a finite number, "
            "or missing (such a row is left out)."
        )
    if (columns["weights"] < 0).any():
        raise ValueError("A weight is negative; weights must be 0 or more.")
    backwards = int((columns["stop"] <= columns["start"]).sum()) if entered else 0
    if backwards:
        raise ValueError(
            f"{backwards} rows end no later than they start, so that an event in them would be "
            "lost; let such a row end half a day later, or leave it out."
        )


@dataclass(frozen=True)
class _Slots:
    before: Ints
    last: Ints
    times: Floats
    first: Ints
    strata: Ints


def _slots(start: Floats, stop: Floats, died: NDArray[np.bool_], codes: Ints, n: int) -> _Slots:
    """Slots of the strata that have an event, and each row's place among them.

    Ranks among all event times come first. A cell (stratum, rank) that holds an event is a
    slot; counting the cells up to a row's own start and stop gives its place.
    """
    times = _distinct(stop[died])
    width = len(times) + 1
    base = np.maximum(codes, 0) * width
    through_start = base + _rank(times, start)
    through_stop = base + _rank(times, stop)
    cells = n * width
    if cells <= max(_CELLS_PER_ROW * len(stop), _CELLS_AT_LEAST):
        holds = np.zeros(cells, bool)
        holds[through_stop[died]] = True
        keys = np.flatnonzero(holds)
        upto = np.cumsum(holds)
        after_start, after_stop = upto[through_start], upto[through_stop]
        in_strata_before = np.append(0, upto[width - 1 :: width])
    else:
        keys = np.unique(through_stop[died])
        after_start = np.searchsorted(keys, through_start, side="right")
        after_stop = np.searchsorted(keys, through_stop, side="right")
        in_strata_before = np.searchsorted(keys, np.arange(n + 1) * width)
    start_of_own = in_strata_before[np.maximum(codes, 0)]
    before = np.where(after_start > start_of_own, after_start - 1, -1)
    last = np.where(after_stop > after_start, after_stop - 1, before)
    counts = np.diff(in_strata_before)
    having = np.flatnonzero(counts)
    return _Slots(
        before.astype(np.int64),
        last.astype(np.int64),
        times[keys % width - 1] if len(keys) else np.zeros(0),
        np.append(0, np.cumsum(counts[having])).astype(np.int64),
        having,
    )


def _distinct(values: Floats) -> Floats:
    """Distinct values in order; whole days are ticked off in a table rather than sorted."""
    if len(values) == 0:
        return values
    low, span = values.min(), np.ptp(values)
    if span >= max(len(values), 1000) or not (values == np.floor(values)).all():
        return np.unique(values)
    return np.flatnonzero(np.bincount((values - low).astype(np.int64))) + low


def _rank(times: Floats, values: Floats) -> Ints:
    """Number of event times up to and including each value; whole days are looked up."""
    if len(times) == 0:
        return np.zeros(len(values), np.int64)
    low, high = times[0], times[-1]
    span = high - low
    if span + 2 > max(len(values), 1000) or not (times == np.floor(times)).all():
        return np.searchsorted(times, values, side="right").astype(np.int64)
    table = np.zeros(int(span) + 2, np.int64)
    table[(times - low).astype(np.int64) + 1] = 1
    table = np.cumsum(table)
    # One before the first event time, where nothing has happened, is place 0.
    place = np.clip(np.nan_to_num(values, nan=low - 1) - low + 1, 0, span + 1)
    return table[place.astype(np.int64)]


def _standardised(
    x: Floats,
    rows: Ints,
    weight: Floats,
    last: Ints,
    stretch: Ints,
    stretches: int,
    terms: tuple[str, ...],
) -> tuple[Floats, Floats, Floats]:
    """Some rows with columns of weighted mean 0 in each stretch and standard deviation 1.

    Constant columns are 0.
    """
    k = x.shape[1]
    if len(rows) == 0:
        return np.zeros((0, k)), np.zeros((stretches, k)), np.ones(k)
    centre, squares = weighted_moments(x, rows, weight, last, stretch, stretches)
    spread = np.sqrt(squares / weight.sum())
    _refuse_units(spread, x[rows] if (spread < _LEAST_SPREAD).any() else x, terms)
    varies = spread > 1e-12 * np.maximum(np.abs(centre).max(axis=0), 1e-300)
    scale = np.where(varies, spread, 1.0)
    return standardised(x, rows, last, stretch, centre, scale), centre, scale


def _refuse_units(spread: Floats, x: Floats, terms: tuple[str, ...]) -> None:
    """Refuse columns that vary but whose squares are no numbers; they would look constant."""
    odd = [
        name
        for j, name in enumerate(terms)
        if not np.isfinite(spread[j])
        or (spread[j] < _LEAST_SPREAD and 0 < np.abs(x[:, j]).max() < _LEAST_SPREAD)
    ]
    if odd:
        raise ValueError(
            f"Values of {', '.join(odd)} are too large or too small for their squares to be "
            "numbers; give them in another unit."
        )
