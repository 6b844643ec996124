"""Run a network Hawkes process forward on given people, windows and ties."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from missing_lib.study.network_hawkes.climb import Parameters
from missing_lib.study.network_hawkes.timeline import Floats, Ints, Timeline, again

#: What set a report off.
BACKGROUND, OWN, PEER = 0, 1, 2
#: Stands in the queue for a report that is given.
_GIVEN = 3
#: A world with so many times the reports of its model has run away: each brings more than one.
RUNAWAY = 50


@dataclass(frozen=True)
class World:
    """Simulated reports with what set each off.

    Attributes
    ----------
    line : Timeline
    cause : ndarray of int, shape (reports,)
        :data:`BACKGROUND`, :data:`OWN` or :data:`PEER`, in the order of ``line``.
    """

    line: Timeline
    cause: Ints


class RunawayWorld(ValueError):
    """A simulated process in which each report brings more than one other."""


def simulate(
    line: Timeline,
    at: Parameters,
    rng: np.random.Generator,
    *,
    factor: Floats | None = None,
    away: Floats | None = None,
) -> Timeline:
    """Reports of the same people with the same windows, background and ties.

    Background reports are Poisson; each report has a Poisson number of offspring of its own
    person, counted from the return, and of each tied person, from the day after it. What falls
    on somebody not at risk, or who took part, does not happen. That is the process itself, with
    its parents drawn along. Reports that join another are no part of it: a world has none.

    Parameters
    ----------
    line : Timeline
        Its reports matter only for the time away.
    at : Parameters
    rng : Generator
    factor : ndarray, shape (people,), optional
        v_i; drawn from the gamma distribution if not given.
    away : ndarray, shape (any,), optional
        Days from report to return to draw from; those of ``line`` if not given.

    Returns
    -------
    Timeline

    Raises
    ------
    RunawayWorld
        If the process explodes.
    """
    return simulate_causes(line, at, rng, factor=factor, away=away).line


def simulate_causes(
    line: Timeline,
    at: Parameters,
    rng: np.random.Generator,
    *,
    factor: Floats | None = None,
    away: Floats | None = None,
) -> World:
    """As :func:`simulate`, with what set each report off."""
    setting, people = line.setting, len(line.setting.opens)
    if factor is None:
        shape = 1.0 / at.variance if at.variance > 0 else 1.0
        factor = rng.gamma(shape, at.variance, people) if at.variance > 0 else np.ones(people)
    if away is None:
        away = times_away(line)
    person, when = _spontaneous(line, at, factor, rng)
    ties = setting.ties
    expected = len(person) / max(1.0 - at.own - at.peer, 0.2)
    found = _run(
        person, when, setting.opens, setting.closes, ties.first, ties.ego, ties.weight,
        setting.given_person, setting.given_at, setting.together, at.own, 1 / at.own_decay,
        at.peer, 1 / at.peer_decay, away if len(away) else np.zeros(1),
        RUNAWAY * int(expected + 100), int(rng.integers(2**31)),
    )  # fmt: skip
    if len(found[0]) and found[0][0] < 0:
        raise RunawayWorld("each report brings more than one other: the process explodes")
    person, when, back, cause = found
    order = np.lexsort((when, person))
    return World(again(line, person, when, back), cause[order])


def times_away(line: Timeline) -> Floats:
    """Days from report to return, of the returns seen."""
    seen = line.back < line.setting.closes[line.person]
    return (line.back - line.at)[seen]


def _spontaneous(
    line: Timeline, at: Parameters, factor: Floats, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Background reports over the whole windows, in any order."""
    background = line.setting.background
    who = np.repeat(np.arange(len(factor)), np.diff(background.first))
    end = background.ends(line.setting.closes)
    length = end - background.start
    person, by_pattern = background.rates(at.beta)
    rate = (person * factor)[who] * by_pattern[background.pattern]
    drawn = np.repeat(np.arange(len(who)), rng.poisson(rate * length))
    # From the end backwards: a report at the very start of a window is in nobody's time at risk.
    return who[drawn], end[drawn] - rng.random(len(drawn)) * length[drawn]


@njit(cache=True)
def _run(
    person: Ints,
    when: Floats,
    opens: Floats,
    closes: Floats,
    first: Ints,
    ego: Ints,
    weight: Floats,
    given_person: Ints,
    given_at: Floats,
    together: float,
    own: float,
    own_delay: float,
    peer: float,
    peer_delay: float,
    away: Floats,
    most: int,
    seed: int,
) -> tuple[Ints, Floats, Floats, Ints]:
    """Person, report, return and cause of each report; person -1 if there are more than most.

    The queue holds (time, person, cause, alter's report) of what waits to happen, in order.
    """
    np.random.seed(seed)
    queue = [(when[k], person[k], np.int64(0), 0.0) for k in range(len(when))]
    for k in range(len(given_at)):
        queue.append((given_at[k], given_person[k], np.int64(_GIVEN), 0.0))
    heapq.heapify(queue)
    free = opens.copy()
    joining = np.full(len(opens), -np.inf)  # until when a report would join one heard of
    last = np.full(len(opens), -1)  # latest report of each person, and of each the one before
    before = [np.int64(0) for _ in range(0)]
    who, cause = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    at, back = [0.0 for _ in range(0)], [0.0 for _ in range(0)]
    while len(queue) > 0 and len(at) <= most:
        now, i, why, heard = heapq.heappop(queue)
        if why == _GIVEN:
            _tell(queue, i, now, first, ego, weight, together, peer, peer_delay, joining)
            continue
        if now <= free[i] or now > closes[i] or now <= joining[i]:
            continue
        if why == PEER and _took_part(i, heard, together, last, before, at, given_person, given_at):
            continue
        who.append(i)
        at.append(now)
        cause.append(why)
        before.append(last[i])
        last[i] = len(at) - 1
        free[i] = now + away[np.random.randint(len(away))]
        back.append(free[i])
        for _ in range(np.random.poisson(own)):
            wait = np.random.exponential(own_delay)
            heapq.heappush(queue, (free[i] + wait, i, np.int64(1), 0.0))
        _tell(queue, i, now, first, ego, weight, together, peer, peer_delay, joining)
    if len(at) > most:
        return np.full(1, -1), np.zeros(1), np.zeros(1), np.zeros(1, np.int64)
    return np.array(who), np.array(at), np.array(back), np.array(cause)


@njit(cache=True)
def _tell(
    queue: list[Any],
    i: int,
    now: float,
    first: Ints,
    ego: Ints,
    weight: Floats,
    together: float,
    peer: float,
    delay: float,
    joining: Floats,
) -> None:
    """Queue the reports of others that one report brings, and say until when they would join."""
    for t in range(first[i], first[i + 1]):
        if together > 0:
            joining[ego[t]] = now + together
        for _ in range(np.random.poisson(peer * weight[t])):
            wait = together + np.random.exponential(delay)
            heapq.heappush(queue, (now + wait, ego[t], np.int64(2), now))


@njit(cache=True)
def _took_part(
    i: int,
    heard: float,
    together: float,
    last: Ints,
    before: list[Any],
    at: list[float],
    given_person: Ints,
    given_at: Floats,
) -> bool:
    """Whether somebody was reported within some days of an alter's report."""
    k = last[i]
    while k >= 0 and at[k] >= heard - together:
        if at[k] <= heard + together:
            return True
        k = before[k]
    for k in range(len(given_at)):
        if given_person[k] == i and abs(given_at[k] - heard) <= together:
            return True
    return False
