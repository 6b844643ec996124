"""How many steps lie between people? Searches over a graph, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Where nobody can be reached.
NOBODY = -1


@njit(cache=True)
def to_nearest_case(start: Ints, ends: Ints, case: Flags) -> Ints:
    """Steps from every node to the nearest case other than itself.

    One breadth-first search from all cases at once gives each node its nearest case and the
    steps to it. The shortest way from one case to another leaves the nodes that are nearest to
    the first over some tie; so the least sum of the steps on both sides of such a tie, and one,
    is the way to the nearest other. Time is linear in nodes and ties.

    Parameters
    ----------
    start : int array, shape (n + 1,)
        Where the neighbours of each node begin in ``ends``.
    ends : int array, shape (2 ties,)
    case : bool array, shape (n,)

    Returns
    -------
    int array, shape (n,)
        :data:`NOBODY` where no other case can be reached.
    """
    n = len(case)
    nearest = np.full(n, NOBODY, np.int32)
    steps = np.full(n, NOBODY, np.int32)
    queue = np.empty(n, np.int32)
    last = 0
    for node in range(n):
        if case[node]:
            nearest[node], steps[node], queue[last] = node, 0, node
            last += 1
    first = 0
    while first < last:
        node = queue[first]
        first += 1
        for slot in range(start[node], start[node + 1]):
            to = ends[slot]
            if nearest[to] == NOBODY:
                nearest[to], steps[to], queue[last] = nearest[node], steps[node] + 1, to
                last += 1
    return _between_cases(start, ends, case, nearest, steps, queue[:last])


@njit(cache=True)
def _between_cases(
    start: Ints, ends: Ints, case: Flags, nearest: Ints, steps: Ints, nearest_first: Ints
) -> Ints:
    """The steps of others as they are, those of cases over the ties where two areas meet."""
    out = np.where(case, np.int32(NOBODY), steps)
    for node in nearest_first:
        own = nearest[node]
        # Neighbours differ by one step at most, so nothing shorter leads through here.
        if out[own] != NOBODY and out[own] <= 2 * steps[node]:
            continue
        for slot in range(start[node], start[node + 1]):
            to = ends[slot]
            if nearest[to] != own:
                way = steps[node] + 1 + steps[to]
                if out[own] == NOBODY or way < out[own]:
                    out[own] = way
    return out


@njit(cache=True)
def inverse_steps_to(start: Ints, ends: Ints, sources: Ints) -> Floats:
    """Sum over sources other than oneself of 1 / steps; nought where none can be reached.

    Parameters
    ----------
    start : int array, shape (n + 1,)
    ends : int array, shape (2 ties,)
    sources : int array, shape (s,)

    Returns
    -------
    float array, shape (n,)
    """
    n = len(start) - 1
    total = np.zeros(n)
    seen = np.full(n, NOBODY, np.int32)
    queue = np.empty(n, np.int32)
    for source in sources:
        seen[source], queue[0] = source, source
        first, last, level = 0, 1, 0
        while first < last:
            level += 1
            end = last
            while first < end:
                node = queue[first]
                first += 1
                for slot in range(start[node], start[node + 1]):
                    to = ends[slot]
                    if seen[to] != source:
                        seen[to], queue[last] = source, to
                        total[to] += 1.0 / level
                        last += 1
    return total
