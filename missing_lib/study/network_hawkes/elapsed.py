"""How much of a rate has passed by a time: integrals over time at risk up to any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from missing_lib.study.network_hawkes.climb import Parameters
from missing_lib.study.network_hawkes.timeline import Floats, Ints, Jumps, Timeline

#: Integral over all time, at risk or not, up to moments of persons in order.
_Whole = Callable[[Ints, Floats], Floats]


@dataclass(frozen=True)
class Elapsed:
    """Integrals of the parts of each rate over a person's time at risk up to some moments.

    Attributes
    ----------
    background : ndarray, shape (moments,)
        Without the person's factor.
    added : ndarray, shape (moments,)
        Of what own returns and peers' reports add.
    """

    background: Floats
    added: Floats


def elapsed(line: Timeline, at: Parameters, person: Ints, when: Floats) -> Elapsed:
    """Integrals from the opening of each window up to some moments in it.

    Parameters
    ----------
    line : Timeline
    at : Parameters
    person : ndarray of int, shape (moments,)
        Ascending.
    when : ndarray of float, shape (moments,)
        Ascending within a person, inside the window.
    """
    background = _at_risk(line, _background(line, at), person, when)
    added = np.zeros(len(when))
    for jumps, part, decay in (
        (line.own, at.own, at.own_decay),
        (line.peer, at.peer, at.peer_decay),
    ):
        if part > 0:
            added += part * _at_risk(line, _kernel(jumps, decay), person, when)
    return Elapsed(background, added)


def _at_risk(line: Timeline, whole: _Whole, person: Ints, when: Floats) -> Floats:
    """An integral over all time less what falls into time away."""
    opens, away = whole(person, line.setting.opens[person]), line.away
    if len(away.begins) == 0:
        return whole(person, when) - opens
    gone = whole(away.person, away.ends) - whole(away.person, away.begins)
    lost = np.append(0.0, np.cumsum(gone))
    # Those that begin strictly before each moment; the last of them may not have ended yet.
    before = away.first[person] + _number_before(away.first, away.begins, person, when)
    last = np.maximum(before - 1, 0)
    inside = (before > away.first[person]) & (when < away.ends[last])
    moment = np.where(inside, away.begins[last], when)
    return np.asarray(
        whole(person, moment) - opens - (lost[before - inside] - lost[away.first[person]])
    )


def _background(line: Timeline, at: Parameters) -> _Whole:
    background, setting = line.setting.background, line.setting
    by_person, by_pattern = background.rates(at.beta)
    rate = by_pattern[background.pattern]
    length = background.ends(setting.closes) - background.start
    total = np.append(0.0, np.cumsum(rate * length))

    def whole(person: Ints, when: Floats) -> Floats:
        first = background.first
        place = first[person] + np.maximum(
            _number_before(first, background.start, person, when) - 1, 0
        )
        inside = rate[place] * (when - background.start[place])
        return np.asarray(by_person[person] * (total[place] + inside))

    return whole


def _kernel(jumps: Jumps, decay: float) -> _Whole:
    def whole(person: Ints, when: Floats) -> Floats:
        return _passed(jumps.first, jumps.at, jumps.weight, person, when, decay)

    return whole


@njit(cache=True)
def _passed(
    first: Ints, jump: Floats, weight: Floats, person: Ints, when: Floats, b: float
) -> Floats:
    """Sum of w [1 - exp(-b u)] over the jumps before each moment; moments in order."""
    out = np.empty(len(when))
    j, r, total, now, who = 0, 0.0, 0.0, 0.0, -1
    for k in range(len(when)):
        if person[k] != who:
            who, j, r, total = person[k], first[person[k]], 0.0, 0.0
        while j < first[who + 1] and jump[j] < when[k]:
            r = (r * np.exp(-b * (jump[j] - now)) if r > 0.0 else 0.0) + weight[j]
            total += weight[j]
            now = jump[j]
            j += 1
        out[k] = total - r * np.exp(-b * (when[k] - now)) if r > 0.0 else 0.0
    return out


@njit(cache=True)
def _number_before(first: Ints, at: Floats, person: Ints, when: Floats) -> Ints:
    """Moments of each person strictly before others."""
    out = np.empty(len(when), np.int64)
    for k in range(len(when)):
        low, high = first[person[k]], first[person[k] + 1]
        out[k] = np.searchsorted(at[low:high], when[k])
    return out
