"""Fit a network Hawkes process by maximum likelihood, with a profile interval for peers.

Without peers (c = 0) their delay means nothing, so that the likelihood ratio against it has no
known law: it is taken over a grid of delays that is fixed beforehand, and its p value comes from
simulated worlds (:mod:`.power`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_lib.study.diagnosis import MIN_EVENTS
from missing_lib.study.network_hawkes import search
from missing_lib.study.network_hawkes.climb import LATER, Parameters, climb
from missing_lib.study.network_hawkes.kernel import decayed
from missing_lib.study.network_hawkes.profile import peer_bounds
from missing_lib.study.network_hawkes.result import Bounded, HawkesFit, found, nothing
from missing_lib.study.network_hawkes.search import Top, names_of
from missing_lib.study.network_hawkes.timeline import Floats, Timeline

#: Mean delays of peers, in days after the first, among which the search for theirs begins.
GRID = (2.0, 4.0, 7.0, 14.0, 28.0)
#: Delay of peers where nothing is known of it.
MIDDLE = 7.0
#: Mean own delays from which the search begins, in days.
OWN_STARTS = (4.0, 30.0)
#: A branching ratio, or variance, below this is none, and so is a gain in log-likelihood.
NONE, GAIN = 1e-4, 1e-3
#: From here down it is asked whether they are none.
SMALL = 0.05

#: Reports of one person from which on there is no fit: memory grows with their square.
MOST = 5000

NO_TIES = "no two of the people followed are tied"
TOO_FEW = "too few people with a report"
NO_EXPOSURE = "nobody was at risk after the report of somebody tied to them"
NOT_OFTEN = "too few reports come from people who heard of one before"
TOO_MANY = f"somebody has more than {MOST:,} reports"
FLAT = "the likelihood is flat: the reports do not tell the parameters apart"


def fit(line: Timeline) -> HawkesFit:
    """Fit a network Hawkes process by maximum likelihood.

    Parameters
    ----------
    line : Timeline

    Returns
    -------
    HawkesFit
        Never a number where the data say nothing of it.
    """
    problem = _too_little(line)
    if problem:
        return nothing(line, problem)
    null = without_peers(line)
    peer_problem = why_no_peers(line)
    if peer_problem:
        null, covariance = search.settled(line, null)
        if covariance is None:
            return nothing(line, FLAT)
        return found(line, null, null, covariance, Bounded(), _grid(null, []), peer_problem)
    peers = with_peers(line, null)
    best, covariance = search.settled(line, best_of(line, null, peers))
    if covariance is None:
        return nothing(line, FLAT)
    peer = Bounded(best.at.peer, *peer_bounds(line, null, best))
    return found(line, null, best, covariance, peer, _grid(null, peers))


def best_of(line: Timeline, null: Top, peers: list[Top | None]) -> Top:
    """The best fit over all delays of peers; the one without them where they gain nothing."""
    tops = [one for one in peers if one is not None]
    if not tops:
        return null
    best = simpler(line, refined(line, max(tops, key=lambda one: one.value)))
    return best if best.value - null.value >= GAIN else null


def ratio_of(null: Top, peers: list[Top | None]) -> float:
    """Twice the largest gain over the fit without peers, 0 at least."""
    return max([0.0, *(2 * (one.value - null.value) for one in peers if one is not None)])


def without_peers(line: Timeline) -> Top:
    """The best fit with c = 0, from several starts; without own history or variance if none."""
    beta, _ = search.poisson(line)
    effects = ("variance",) if line.setting.person_effects else ()
    starts = [
        Parameters(beta - 0.5 * _first(len(beta)), 0.3, 1 / delay, 0.0, 1 / MIDDLE,
                   1.0 if effects else 0.0)
        for delay in OWN_STARTS
    ]  # fmt: skip
    names = ("own", "own_decay", *effects)
    best = max((search.top(line, start, names) for start in starts), key=lambda one: one.value)
    return simpler(line, best)


def simpler(line: Timeline, found: Top) -> Top:
    """The fit without own history or variance where these are none."""
    for name, with_it in (("variance", ("variance",)), ("own", ("own", "own_decay"))):
        if name in names_of(found) and getattr(found.at, name) < SMALL:
            rest = tuple(one for one in names_of(found) if one not in with_it)
            less = search.top(line, found.at.but(name, 0.0), rest)
            if found.value - less.value < GAIN:
                return simpler(line, less)
    return found


def with_peers(
    line: Timeline, null: Top, slope: float = search.SLOPE, enough: float = np.inf
) -> list[Top | None]:
    """The best fits at each delay of :data:`GRID`; None where peers gain nothing.

    Parameters
    ----------
    line : Timeline
    null : Top
        The best fit without peers.
    slope : float
        Where each search ends.
    enough : float
        A likelihood ratio above which the delays that follow are left out. Those in the middle
        of the grid come first.
    """
    tops: list[Top | None] = [None for _ in GRID]
    for k in np.argsort(np.abs(np.log(np.array(GRID) / MIDDLE)), kind="stable"):
        tops[k] = _at_delay(line, null, GRID[k], slope)
        if ratio_of(null, tops) > enough:
            break
    return tops


def _at_delay(line: Timeline, null: Top, delay: float, slope: float) -> Top | None:
    """The best fit at one delay of peers; None where their part would be negative.

    The likelihood is concave in c for given other parameters, so that its slope at 0 tells.
    """
    kernel = decayed(line, line.peer, 1 / delay)
    place = len(null.at.beta) + LATER.index("peer")
    here = climb(line, null.at.but("peer_decay", 1 / delay), kernel)
    rise = here.gradient[place]
    if rise <= 0:
        return None
    # The curvature in c alone gives a first step, if not the whole way.
    curve = float(((here.persons.by_added * kernel.at) ** 2).sum())
    first = max(min(rise / max(curve, 1e-12), 0.5), NONE)
    start = null.at.but("peer", first).but("peer_decay", 1 / delay)
    spread = search.widened(null, "peer", min(1 / max(curve * first**2, 1e-12), 0.25))
    return search.top(line, start, (*names_of(null), "peer"), spread, kernel, slope)


def refined(line: Timeline, best: Top) -> Top:
    """The best fit with the delay of peers free too."""
    spread = search.widened(best, "peer_decay", search.BEGIN["peer_decay"] ** 2)
    return search.top(line, best.at, (*names_of(best), "peer_decay"), spread)


def why_no_peers(line: Timeline) -> str:
    """Why nothing can be said of peers; empty where something can."""
    if len(line.setting.ties.ego) == 0:
        return NO_TIES
    if line.exposed == 0 or decayed(line, line.peer, 1 / MIDDLE).total == 0.0:
        return NO_EXPOSURE
    heard = np.diff(line.peer.first)[line.person] > 0
    if len(np.unique(line.person[heard])) < MIN_EVENTS:
        return NOT_OFTEN
    return ""


def _too_little(line: Timeline) -> str:
    if len(np.unique(line.person)) < MIN_EVENTS or line.exposure.sum() <= 0:
        return TOO_FEW
    if line.setting.person_effects and np.diff(line.first).max() > MOST:
        return TOO_MANY
    return ""


def _first(terms: int) -> Floats:
    return np.eye(1, terms)[0]


def _grid(null: Top, peers: list[Top | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "delay": GRID[: len(peers)],
            "peer": [0.0 if one is None else one.at.peer for one in peers],
            "ratio": [ratio_of(null, [one]) for one in peers],
        }
    )
