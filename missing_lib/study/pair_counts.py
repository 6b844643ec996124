"""Pairs of rows compared at the events that one of them has: the loops of the concordance.

All pairs are counted in two sweeps over the rows with a tree of sums over the ranks of the
risk (Fenwick 1994, doi 10.1002/spe.4380240306), in time n log n.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@njit(cache=True)
def _add(tree: Floats, rank: int, weight: float) -> None:
    place = rank + 1
    while place < len(tree):
        tree[place] += weight
        place += place & -place


@njit(cache=True)
def _below(tree: Floats, rank: int) -> float:
    """Sum of the weights of all smaller ranks."""
    total, place = 0.0, rank
    while place > 0:
        total += tree[place]
        place -= place & -place
    return total


@njit(cache=True)
def event_pairs(
    rank: Ints,
    weight: Floats,
    own: Ints,
    events: Ints,
    partner: Flags,
    by_end: Ints,
    outlived: Ints,
    by_start: Ints,
    before: Ints,
    ranks: int,
) -> Floats:
    """Weight of the rows that outlive each event, with lower, higher and equal rank.

    Sweeps from the last slot to the first: rows enter the tree where they end and leave it
    where they start.

    Parameters
    ----------
    rank : ndarray, shape (n,)
        Rank of the risk from 0, ties equal.
    weight : ndarray, shape (n,)
    own : ndarray, shape (n,)
        Slot (number of the event time) of the event of each row.
    events : ndarray
        Rows with an event, by ascending slot.
    partner : ndarray, shape (n,)
        Whether the row outlives any slot at all: those from ``before`` to below ``outlived``.
    by_end, by_start : ndarray, shape (n,)
        Rows by descending ``outlived`` and ``before``.
    outlived, before : ndarray, shape (n,)
    ranks : int
        Number of distinct ranks.

    Returns
    -------
    ndarray, shape (n, 3)
    """
    out = np.zeros((len(rank), 3))
    tree, same = np.zeros(ranks + 1), np.zeros(ranks)
    entering = leaving = 0
    total = 0.0
    for i in events[::-1]:
        slot = own[i]
        while entering < len(by_end) and outlived[by_end[entering]] > slot:
            j = by_end[entering]
            entering += 1
            if partner[j]:
                _add(tree, rank[j], weight[j])
                same[rank[j]] += weight[j]
                total += weight[j]
        while leaving < len(by_start) and before[by_start[leaving]] > slot:
            j = by_start[leaving]
            leaving += 1
            if partner[j]:
                _add(tree, rank[j], -weight[j])
                same[rank[j]] -= weight[j]
                total -= weight[j]
        lower = _below(tree, rank[i])
        out[i, 0] = lower
        out[i, 1] = total - lower - same[rank[i]]
        out[i, 2] = same[rank[i]]
    return out


@njit(cache=True)
def partner_pairs(
    rank: Ints,
    event_weight: Floats,
    own: Ints,
    events: Ints,
    partner: Flags,
    order: Ints,
    at: Ints,
    ranks: int,
) -> Floats:
    """Weight of the events that each row outlives, of higher, lower and equal rank.

    Sweeps from the first slot to the last: events up to the end less events up to the start.

    Parameters
    ----------
    rank, own, events, partner, ranks
        As for :func:`event_pairs`.
    event_weight : ndarray, shape (n,)
    order : ndarray, shape (2n,)
        Positions of ``at`` by ascending slot.
    at : ndarray, shape (2n,)
        First slot of each row, then the slot after its last.

    Returns
    -------
    ndarray, shape (n, 3)
    """
    n = len(rank)
    out = np.zeros((n, 3))
    tree, same = np.zeros(ranks + 1), np.zeros(ranks)
    inserted = 0
    total = 0.0
    for place in order:
        i = place % n
        if not partner[i]:
            continue
        while inserted < len(events) and own[events[inserted]] < at[place]:
            j = events[inserted]
            inserted += 1
            _add(tree, rank[j], event_weight[j])
            same[rank[j]] += event_weight[j]
            total += event_weight[j]
        sign = 1.0 if place >= n else -1.0
        lower = _below(tree, rank[i])
        out[i, 0] += sign * (total - lower - same[rank[i]])
        out[i, 1] += sign * lower
        out[i, 2] += sign * same[rank[i]]
    return out
