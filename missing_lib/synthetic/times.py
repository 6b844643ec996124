"""When the incidents of one person happen, given their number.

On operational time (see :mod:`missing_lib.synthetic.clock`), with the time spent missing
taken out, a person's reports form a self-exciting process with immigrants at their own
rate, branching ratio ``branching`` and exponential delays, given that there are n of them.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, ndtr, ndtri

from missing_lib.synthetic.clock import DAY, YEAR, Clock

#: Shortest time from a return to the next report, in minutes.
SHORTEST_GAP = 20
SHORTEST_SPELL = 10
LONGEST_SPELL = 60 * DAY
MAX_TRIES = 400


@dataclass(frozen=True)
class Rhythm:
    """Parameters of one person's history.

    Attributes
    ----------
    branching : float
        Mean number of further incidents that one incident brings.
    delay : float
        Mean operational days from a return to an incident that it brings.
    spell_median : float
        Median minutes from report to return.
    spell_sigma : float
        Standard deviation of the log of that time.
    placeholder : float
        Share of reports of which only the day is known.
    """

    branching: float
    delay: float
    spell_median: float
    spell_sigma: float
    placeholder: float


@dataclass(frozen=True)
class Window:
    """When a person can be reported missing.

    Attributes
    ----------
    start, stop : int
        First day, and first day after the last.
    latest_end : int
        Minute by which the last spell must have ended ...
    open_from : int
        ... unless it was reported from this minute on.
    birth : int
        Day of birth, for the rate by age.
    """

    start: int
    stop: int
    latest_end: int
    open_from: int
    birth: int


@dataclass(frozen=True)
class History:
    """Incidents of one person in order.

    Attributes
    ----------
    reported, ended : int array (n,)
        Minutes; a report whose clock time is unknown stands at midnight of its day.
    time_known : bool array (n,)
    """

    reported: np.ndarray
    ended: np.ndarray
    time_known: np.ndarray


def rate_by_age(age: np.ndarray) -> np.ndarray:
    """Relative rate of clusters of incidents at an age in years: low before 10, full at 15."""
    return np.interp(age, [8.0, 15.0, 17.0, 18.0], [0.1, 1.0, 1.0, 0.9])


def number_of_immigrants(n: int, branching: float, rng: np.random.Generator) -> int:
    """Draw m given n: Poisson(m; mu L) times the Borel-Tanner law of n from m ancestors.

    P(m | n) ~ (mu L)^m / m! (m/n) exp(-a n) (a n)^(n-m) / (n-m)!, with mu L = (1 - a) n, the
    person's own rate at which n is the expected number.
    """
    m = np.arange(1, n + 1)
    log_weight = (
        m * np.log((1 - branching) * n)
        - gammaln(m + 1)
        + np.log(m)
        + (n - m) * np.log(branching * n)
        - gammaln(n - m + 1)
    )
    weight = np.exp(log_weight - log_weight.max())
    return int(rng.choice(m, p=weight / weight.sum()))


def uniform_forest(n: int, roots: int, rng: np.random.Generator) -> np.ndarray:
    """Parents in a uniform forest on nodes 0..n-1 with roots 0..roots-1 (parent -1).

    Decodes one of the ``roots * n^(n - roots - 1)`` Pruefer-type codes of such forests.
    """
    parent = np.full(n, -1, dtype=np.int64)
    if n == roots:
        return parent
    code = np.append(rng.integers(0, n, n - roots - 1), rng.integers(0, roots))
    waiting = np.bincount(code, minlength=n)
    leaves = [node for node in range(roots, n) if waiting[node] == 0]
    heapq.heapify(leaves)
    for above in code:
        parent[heapq.heappop(leaves)] = above
        waiting[above] -= 1
        if waiting[above] == 0 and above >= roots:
            heapq.heappush(leaves, int(above))
    return parent


def history(
    n: int, window: Window, rhythm: Rhythm, clock: Clock, rng: np.random.Generator
) -> History:
    """Draw n incidents in a window; a draw that runs over its edges is drawn again."""
    for _ in range(MAX_TRIES):
        spell = _spells(n, rhythm, rng)
        points = _points(n, window, spell[:-1].sum() / DAY, rhythm, clock, rng)
        drawn = _expand(points, spell, window, rhythm, clock, rng)
        inside = drawn.reported[-1] < clock.day_start[window.stop]
        ended = drawn.ended[-1] <= window.latest_end or drawn.reported[-1] >= window.open_from
        if inside and ended:
            return drawn
    raise RuntimeError(f"{n} incidents do not fit into days {window.start} to {window.stop}")


def _spells(n: int, rhythm: Rhythm, rng: np.random.Generator) -> np.ndarray:
    """Log-normal times from report to return, truncated at both ends."""
    bounds = np.log(np.array([SHORTEST_SPELL, LONGEST_SPELL]) / rhythm.spell_median)
    low, high = ndtr(bounds / rhythm.spell_sigma)
    z = ndtri(low + (high - low) * rng.random(n))
    return np.ceil(rhythm.spell_median * np.exp(rhythm.spell_sigma * z)).astype(np.int64)


def _points(
    n: int,
    window: Window,
    away: float,
    rhythm: Rhythm,
    clock: Clock,
    rng: np.random.Generator,
) -> np.ndarray:
    """Sorted operational at-risk times of the reports, from the start of the window."""
    edge = clock.op(clock.day_start[window.start : window.stop + 1])
    days = np.arange(window.start, window.stop)
    weight = rate_by_age((days - window.birth) / YEAR) * np.diff(edge)
    mass = np.concatenate([[0.0], np.cumsum(weight)])
    length = edge[-1] - edge[0]
    shrink = max(1 - away / length, 0.05)
    m = number_of_immigrants(n, rhythm.branching, rng)
    parent = uniform_forest(n, m, rng)
    point = np.full(n, np.nan)
    point[:m] = (np.interp(rng.random(m) * mass[-1], mass, edge) - edge[0]) * shrink
    chance = rng.random(n)
    while np.isnan(point).any():
        ready = np.flatnonzero(np.isnan(point) & ~np.isnan(point[parent]))
        start = point[parent[ready]]
        reach = 1 - np.exp(-(length * shrink - start) / rhythm.delay)
        point[ready] = start - rhythm.delay * np.log1p(-chance[ready] * reach)
    return np.sort(point)


def _expand(
    points: np.ndarray,
    spell: np.ndarray,
    window: Window,
    rhythm: Rhythm,
    clock: Clock,
    rng: np.random.Generator,
) -> History:
    """Put the time spent missing back in between, and blank some clock times."""
    n = len(points)
    reported, ended = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    known = rng.random(n) >= rhythm.placeholder
    free = clock.day_start[window.start] - SHORTEST_GAP
    now, before = float(clock.op(clock.day_start[window.start])), 0.0
    for k in range(n):
        at = max(int(clock.at(now + points[k] - before)) + 1, free + SHORTEST_GAP)
        midnight = clock.day_start[clock.local_day(at)]
        at += at == midnight
        ended[k] = at + spell[k]
        known[k] |= midnight < free + SHORTEST_GAP
        reported[k] = at if known[k] else midnight
        free, before = ended[k], points[k]
        now = float(clock.op(free))
    return History(reported, ended, known)
