"""What a fitted network Hawkes process says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from missing_lib.study.network_hawkes import search
from missing_lib.study.network_hawkes.climb import Parameters
from missing_lib.study.network_hawkes.search import Top, names_of
from missing_lib.study.network_hawkes.timeline import Floats, Timeline

_Z = float(norm.ppf(0.975))
#: Half an interval on the log scale that says nothing any more.
_WIDE = 50.0


@dataclass(frozen=True)
class Bounded:
    """An estimate with its 95 % interval; NaN where it cannot be had.

    Attributes
    ----------
    value, lower, upper : float
    """

    value: float = np.nan
    lower: float = np.nan
    upper: float = np.nan


@dataclass(frozen=True)
class HawkesFit:
    """A fitted network Hawkes process, or the reason why there is none.

    Attributes
    ----------
    parameters : Parameters or None
    terms : DataFrame
        Background, one row per term: ``term``, ``coefficient``, ``se`` (log scale),
        ``estimate``, ``lower``, ``upper`` (rate ratio and 95 % Wald bounds), ``reason``.
    own : Bounded
        a, with Wald bounds on the log scale; 0 where there is none.
    own_delay : Bounded
        Mean delay 1/b_o from the return, days. Bounds are NaN where it lies at the end of what
        was searched.
    peer : Bounded
        c, with the profile interval, never below 0.
    peer_delay : Bounded
        Mean delay 1/b_p in days, counted from the day after the alter's report. Bounds are NaN
        where c may be 0, so that the delay may mean nothing.
    variance : Bounded
        Of the person's factor of the background.
    log_likelihood, null_log_likelihood : float
        At the estimate, and the best without peers.
    ratio : float
        Twice the gain in log-likelihood by peers, the largest over :data:`.fit.GRID`; 0 at least.
    grid : DataFrame
        ``delay`` (days), ``peer``, ``ratio``: the best c at each delay of the grid.
    best, null : Top or None
        The searches that ended at the estimate, and at the best without peers.
    covariance : ndarray
        Of what was free in ``best``: beta, and logs of the rest in the order of
        :data:`.climb.LATER`.
    people, reports, exposed : int
        People followed, their reports, and people who ever heard of an alter's report.
    problem : str
        Why nothing is estimated; empty where the fit stands.
    peer_problem : str
        Why nothing is said of peers, though the rest stands; empty where it is.
    """

    parameters: Parameters | None
    terms: pd.DataFrame
    own: Bounded
    own_delay: Bounded
    peer: Bounded
    peer_delay: Bounded
    variance: Bounded
    log_likelihood: float
    null_log_likelihood: float
    ratio: float
    grid: pd.DataFrame
    best: Top | None
    null: Top | None
    covariance: Floats
    people: int
    reports: int
    exposed: int
    problem: str = ""
    peer_problem: str = ""


def found(
    line: Timeline,
    null: Top,
    best: Top,
    covariance: Floats,
    peer: Bounded,
    grid: pd.DataFrame,
    peer_problem: str = "",
) -> HawkesFit:
    """The result of a search.

    Parameters
    ----------
    line : Timeline
    null, best : Top
    covariance : ndarray, shape (free, free)
        Of what was free in ``best``.
    peer : Bounded
    grid : DataFrame
        See :class:`HawkesFit`.
    peer_problem : str
    """
    own, own_rate, peer_rate, variance = (
        _wald(best, name, covariance) for name in ("own", "own_decay", "peer_decay", "variance")
    )
    delay = _delay(peer_rate) if best.at.peer > 0 else Bounded()
    return HawkesFit(
        best.at,
        _terms(line, best.at, covariance),
        own,
        _delay(own_rate) if own.value > 0 else Bounded(),
        peer,
        delay if peer.lower > 0 else Bounded(delay.value),
        variance,
        best.value,
        null.value,
        np.nan if peer_problem else float(grid["ratio"].max()),
        grid,
        best,
        null,
        covariance,
        _followed(line),
        line.reports,
        line.exposed,
        "",
        peer_problem,
    )


def _followed(line: Timeline) -> int:
    return int((line.setting.closes > line.setting.opens).sum())


def _delay(rate: Bounded) -> Bounded:
    return Bounded(1 / rate.value, 1 / rate.upper, 1 / rate.lower)


def _wald(found: Top, name: str, covariance: Floats) -> Bounded:
    """Estimate and 95 % bounds on the log scale; bounds NaN where it was not estimated."""
    value = float(getattr(found.at, name))
    if name not in names_of(found):
        return Bounded(value)
    place = search.place(found, name)
    wide = float(np.exp(min(_Z * np.sqrt(covariance[place, place]), _WIDE)))
    return Bounded(value, value / wide, value * wide)


def _terms(line: Timeline, at: Parameters, covariance: Floats) -> pd.DataFrame:
    background = line.setting.background
    se = np.sqrt(np.diag(covariance))[: len(at.beta)]
    # As wide as can be told where the reports say next to nothing of a term.
    half = np.minimum(_Z * se, _WIDE)
    low, middle, high = (np.exp(at.beta + way * half) for way in (-1, 0, 1))
    table = pd.DataFrame({"term": background.terms, "coefficient": at.beta, "se": se})
    table = table.assign(estimate=middle, lower=low, upper=high, reason="")
    reasons = background.reasons
    left = pd.DataFrame({"term": list(reasons), "reason": list(reasons.values())})
    return pd.concat([table, left], ignore_index=True) if reasons else table


def nothing(line: Timeline, problem: str) -> HawkesFit:
    """The result where nothing is estimated."""
    background = line.setting.background
    reasons = dict.fromkeys(background.terms, "") | background.reasons
    terms = pd.DataFrame({"term": list(reasons)})
    for name in ("coefficient", "se", "estimate", "lower", "upper"):
        terms[name] = np.nan
    return HawkesFit(
        None,
        terms.assign(reason=list(reasons.values())),
        *(Bounded(), Bounded(), Bounded(), Bounded(), Bounded()),
        np.nan,
        np.nan,
        np.nan,
        pd.DataFrame({"delay": [], "peer": [], "ratio": []}, dtype=float),
        None,
        None,
        np.zeros((0, 0)),
        _followed(line),
        line.reports,
        line.exposed,
        problem,
    )
