"""How much each person's background differs from that of others alike, given their reports."""

from __future__ import annotations

import numpy as np
from numba import njit

from missing_lib.study.network_hawkes.climb import Parameters, climb
from missing_lib.study.network_hawkes.kernel import forwards
from missing_lib.study.network_hawkes.timeline import Floats, Ints, Timeline


def drawn_factors(line: Timeline, at: Parameters, rng: np.random.Generator) -> Floats:
    """A draw of everybody's factor v_i from what their reports say of it.

    The number of a person's reports that came from the background is drawn first; given it is
    m, v_i is gamma with shape 1/theta + m and mean (1 + theta m) / (1 + theta M_i).

    Parameters
    ----------
    line : Timeline
    at : Parameters
    rng : Generator

    Returns
    -------
    ndarray, shape (people,)
        All 1 without person effects.
    """
    if at.variance == 0.0:
        return np.ones(len(line.setting.opens))
    found = climb(line, at)
    person, factor = line.setting.background.rates(at.beta)
    rate = person[line.person] * factor[line.pattern]
    added = at.own * found.own.at + at.peer * found.peer.at
    chance = rng.random(len(found.mass))
    number = _drawn(line.first, rate, added, found.mass, at.variance, chance)
    scale = at.variance / (1.0 + at.variance * found.mass)
    return rng.gamma(1.0 / at.variance + number, scale)


@njit(cache=True)
def _drawn(
    first: Ints, rate: Floats, added: Floats, mass: Floats, theta: float, chance: Floats
) -> Ints:
    """Number of background reports of each person, at a quantile of its law."""
    out = np.zeros(len(mass), np.int64)
    longest = 0
    for i in range(len(mass)):
        longest = max(longest, first[i + 1] - first[i])
    g = np.empty((longest + 1, longest + 1))
    for i in range(len(mass)):
        low, high = first[i], first[i + 1]
        forwards(rate[low:high], added[low:high], theta, 1.0 + theta * mass[i], g)
        passed = g[high - low, 0]
        while passed < chance[i] and out[i] < high - low:
            out[i] += 1
            passed += g[high - low, out[i]]
    return out
