"""Robust variances of curves: squared influence, summed over clusters, at every step at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def summed_squares(
    cluster: Integers, step: Integers, jump: Floats, change: Floats, held: Floats, drift: Floats
) -> Floats:
    """Sum over clusters of squared influence, at each step of a curve.

    What a cluster c moves a curve by is U_c(k) = a_c(k) - b_c(k) L(k): it jumps at the cluster's
    own events and in between drifts with the curve, once for each of its rows at risk. With A, B
    and C the sums of a^2, a b and b^2 over clusters, the sum of squares is A - 2 B L + C L^2, and
    each change of a or b adds to A, B and C what it makes of its own cluster. So the cost is that
    of one sort, however many the steps.

    Parameters
    ----------
    cluster, step : ndarray of int, shape (changes,)
        Number of the cluster that changes, and the first step at which the change holds.
    jump, change : ndarray of float, shape (changes,)
        What is added to a and to b.
    held : ndarray of float, shape (clusters,)
        b before the first step; a is then zero.
    drift : ndarray of float, shape (steps,)
        L at each step.

    Returns
    -------
    ndarray of float, shape (steps,)

    Examples
    --------
    One cluster whose only row is at risk at both steps and jumps at the second:

    >>> now = np.array([1])
    >>> summed_squares(np.array([0]), now, np.ones(1), -np.ones(1), np.ones(1), np.array([.5, 2.]))
    array([0.25, 1.  ])
    """
    steps = len(drift)
    order = np.argsort(cluster * np.int64(steps + 1) + step)
    cluster, step = cluster[order], step[order]
    jump, change = jump[order], change[order]
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    a = _summed_within(jump, starts)
    b = _summed_within(change, starts) + held[cluster]
    before_a, before_b = a - jump, b - change

    def upto(added: ArrayLike) -> Floats:
        return np.cumsum(np.bincount(step, added, minlength=steps)[:steps])

    squares = upto(jump * (a + before_a)) - 2 * drift * upto(a * b - before_a * before_b)
    squares += (float(held @ held) + upto(change * (b + before_b))) * drift**2
    return np.clip(squares, 0.0, None)


def _summed_within(values: Floats, starts: Integers) -> Floats:
    """Running sums that begin anew at each start.

    The sum of the block before is taken off again at each start, so that rounding errors stay of
    the size of one block.
    """
    if len(values) == 0:
        return values
    restarted = values.copy()
    restarted[starts[1:]] -= np.add.reduceat(values, starts)[:-1]
    return np.cumsum(restarted)
