"""How far the peers' part of a network Hawkes process can be from its estimate.

A profile: c is held at a value, and all else is at its best.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2, norm

from missing_lib.study.network_hawkes import search
from missing_lib.study.network_hawkes.search import Top, names_of
from missing_lib.study.network_hawkes.timeline import Timeline

#: Twice the fall in log-likelihood at the bounds of a 95 % profile interval.
_DROP = float(chi2.ppf(0.95, 1))
_Z = float(norm.ppf(0.975))
#: Steps to a bound, and the relative precision at which it is reached.
_STEPS, _PRECISION = 15, 2e-3


def held_at(line: Timeline, near: Top, peer: float, delay: float | None = None) -> Top:
    """The best fit with c held at a value above 0.

    Parameters
    ----------
    line : Timeline
    near : Top
        A fit to begin from, with c free or at 0.
    peer : float
    delay : float, optional
        Mean delay of peers in days; the best one if not given.
    """
    names = names_of(near)
    spread = near.spread
    if delay is not None:
        near = _hold_delay(near, delay)
        names, spread = names_of(near), near.spread
    if "peer" in names:
        spread = search.without(near, "peer")
        names = tuple(name for name in names if name != "peer")
    start = Top(
        near.at.but("peer", peer), near.value, search.free_of(len(near.at.beta), names), spread
    )
    if delay is None and "peer_decay" not in names:
        spread = search.widened(start, "peer_decay", search.BEGIN["peer_decay"] ** 2)
        names = (*names, "peer_decay")
    return search.top(line, start.at, names, spread)


def _hold_delay(near: Top, delay: float) -> Top:
    names, spread = names_of(near), near.spread
    if "peer_decay" in names:
        spread = search.without(near, "peer_decay")
        names = tuple(name for name in names if name != "peer_decay")
    at = near.at.but("peer_decay", 1 / delay)
    return Top(at, near.value, search.free_of(len(at.beta), names), spread)


def peer_bounds(line: Timeline, null: Top, best: Top) -> tuple[float, float]:
    """The c at which twice the log-likelihood, at its best over all else, falls by 3.84."""
    centre = best.at.peer
    se = centre / 2 if centre > 0 else 0.1
    if "peer" in names_of(best):
        at = search.place(best, "peer")
        se = centre * float(np.sqrt(best.spread[at, at]))
    upper = _bound(line, best, centre, se, +1)
    fall = 2 * (best.value - null.value)
    return (0.0 if fall <= _DROP else _bound(line, best, centre, se, -1)), upper


def _bound(line: Timeline, best: Top, centre: float, se: float, way: int) -> float:
    """One bound, by steps along the power law through the last two falls."""
    near, target = best, np.sqrt(_DROP)
    distance = min(_Z * se, 0.9 * centre) if way < 0 else _Z * se
    tried: list[tuple[float, float]] = []
    for _ in range(_STEPS):
        near = held_at(line, near, centre + way * distance)
        fall = float(np.sqrt(max(2 * (best.value - near.value), 1e-8)))
        if abs(fall / target - 1) < _PRECISION:
            break
        tried.append((np.log(distance), np.log(fall)))
        power = 1.0
        if len(tried) > 1 and tried[-1][0] != tried[-2][0]:
            slope = (tried[-1][1] - tried[-2][1]) / (tried[-1][0] - tried[-2][0])
            power = float(np.clip(slope, 0.4, 2.5))
        distance *= float(np.clip((target / fall) ** (1 / power), 0.25, 4.0))
        if way < 0:
            distance = min(distance, centre * (1 - 1e-3))
    return max(centre + way * distance, 0.0)
