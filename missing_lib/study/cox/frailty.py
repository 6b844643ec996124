"""Shared gamma frailty: each person has a factor of their own on the hazard.

Given the factor z_g of group g, hazards are z_g lambda0(t) exp(x b); the factors are gamma with
mean 1 and variance theta. With nu = 1/theta, d_g events and H_g the group's cumulated hazard
without the factor, E z_g = (nu + d_g)/(nu + H_g), and given the factors b is a Cox fit with offset
log z. Both hold at the maximum of the marginal likelihood, which is climbed by that alternation
(EM), accelerated; theta is found where the slope of the profile likelihood is zero.

Where only groups with an event are on file, each of them stands for (1 - p)/p unseen ones, p
the probability of an event in the time of observation: the factor in the offset becomes
E z + (1 - p)/p E[z | no event], and the likelihood is divided by the product of p.

References
----------
Nielsen, Gill, Andersen and Sorensen 1992, Scandinavian Journal of Statistics 19, 25-43; Therneau,
Grambsch and Pankratz 2003, doi 10.1198/1061860031365.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import chi2

from missing_lib.study.cox.alternation import (
    State,
    UnsettledError,
    World,
    curvature_with_log_theta,
    evaluate,
    marginal,
    settle,
    slope_in_log_theta,
)
from missing_lib.study.cox.fit import fit_rows
from missing_lib.study.cox.partial import Ties, information, keep_terms
from missing_lib.study.cox.rows import CoxRows

Floats = NDArray[np.float64]

#: Variances between which theta is sought; below the first it is taken as 0.
_THETA = (1e-4, 1e3)
_LEVEL = float(chi2.ppf(0.95, 1)) / 2


@dataclass(frozen=True)
class FrailtyFit:
    """A Cox regression with shared gamma frailty, or the reason why there is none.

    Attributes
    ----------
    terms : tuple of str, length k
    coefficients : ndarray, shape (k,)
        Log hazard ratios for the same person: given the frailty.
    covariance : ndarray, shape (k, k)
        From the marginal likelihood, the uncertainty of theta included.
    covariance_given_theta : ndarray, shape (k, k)
        With theta taken as known; what R prints without its sparse approximation.
    theta : float
        Variance of the frailty; 0 at the boundary.
    theta_se : float
        From the curvature of the profile likelihood; NaN at the boundary.
    theta_lower, theta_upper : float
        95 % interval from the profile likelihood; the upper bound is infinite where that does
        not fall so far up to a variance of a thousand.
    log_likelihood : float
        Marginal; on the scale of the partial likelihood, which it equals at theta = 0.
    log_likelihood_no_frailty : float
    likelihood_ratio, p : float
        Twice the gain over theta = 0, and its p value: half of that of chi-squared with one
        degree of freedom, because theta cannot be negative.
    frailties : Series
        Expected factor of each group given its events, indexed by group.
    rows, events, groups : int
    truncated : bool
        Whether the likelihood is that of groups with at least one event.
    problem : str
        Why nothing is estimated; empty where the model stands.
    """

    terms: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    covariance_given_theta: Floats
    theta: float
    theta_se: float
    theta_lower: float
    theta_upper: float
    log_likelihood: float
    log_likelihood_no_frailty: float
    likelihood_ratio: float
    p: float
    frailties: pd.Series
    rows: int
    events: int
    groups: int
    truncated: bool = False
    problem: str = ""


def fit_frailty(
    rows: CoxRows,
    group: ArrayLike,
    *,
    ties: Ties = "efron",
    theta: float | None = None,
    truncated: bool = False,
) -> FrailtyFit:
    """Cox regression with shared gamma frailty by maximum marginal likelihood.

    Parameters
    ----------
    rows : CoxRows
        From :func:`.rows.prepare`, without case weights.
    group : array_like
        One value per row given to :func:`.rows.prepare`, such as a person.
    ties : {"efron", "breslow"}
    theta : float, optional
        Variance of the frailty, above 0, if it is not to be estimated; its standard error,
        interval and p value are then NaN.
    truncated : bool
        The file holds only groups with at least one event. Needs ``ties="breslow"``.

    Returns
    -------
    FrailtyFit

    Raises
    ------
    ValueError
        If rows have case weights, theta is not above 0, a group is missing, or ``truncated``
        with Efron's ties or with a group that has no event.

    Examples
    --------
    >>> from missing_lib.study.cox import prepare
    >>> rows = prepare([1, 2, 1, 9, 8, 9], [1, 1, 1, 0, 0, 1], pd.DataFrame({"x": [0.0, 1] * 3}))
    >>> fit = fit_frailty(rows, ["a", "a", "b", "b", "c", "c"], theta=0.5)
    >>> round(float(fit.frailties.mean()), 6)
    1.0
    """
    world, labels = _world(rows, group, ties, truncated)
    if theta is not None and not theta > 0:
        raise ValueError(f"theta is {theta}; a variance that is given must be above 0.")
    plain = fit_rows(rows, ties=ties)
    if plain.problem or not plain.terms:
        return _without_estimate(rows, len(labels), truncated, plain.problem or "it has no terms")
    own = keep_terms(rows, [rows.terms.index(name) for name in plain.terms])
    world = replace(world, rows=own)
    try:
        return _climb(world, labels, plain.coefficients * own.scale, theta)
    except UnsettledError:
        problem = "the estimation did not settle on one answer"
        return _without_estimate(rows, len(labels), truncated, problem)


class _Profile:
    """The likelihood with everything but theta at its best, each theta settled once."""

    def __init__(self, world: World, start: State) -> None:
        self._world = world
        self._known = {0.0: start}

    def state(self, theta: float) -> State:
        """The climb's end for a theta, begun at that of the nearest known one."""
        if theta not in self._known:
            nearest = min(self._known, key=lambda known: abs(known - theta))
            self._known[theta] = settle(self._world, self._known[nearest], 1 / theta)
        return self._known[theta]

    def slope(self, log_theta: float) -> float:
        """Derivative of the profile likelihood with respect to log theta."""
        theta = float(np.exp(log_theta))
        return slope_in_log_theta(self._world, self.state(theta), 1 / theta)

    def value(self, theta: float) -> float:
        """Profile likelihood; theta may be 0."""
        return marginal(self._world, self.state(theta), 1 / theta if theta else np.inf)

    def top(self) -> float:
        """The theta with the largest likelihood; 0 at the boundary, inf without a top."""
        low, high = np.log(_THETA)
        if self.slope(low) <= 0:
            return 0.0
        upper = min(0.0, high)
        while self.slope(upper) > 0:
            upper += 1.0
            if upper > high:
                return np.inf
        lower = upper - 1.0
        while lower > low and self.slope(lower) <= 0:
            lower -= 1.0
        return float(np.exp(brentq(self.slope, max(lower, low), upper, xtol=1e-10)))

    def interval(self, best: float) -> tuple[float, float]:
        """Thetas whose likelihood is not far below the largest: 95 % by chi-squared."""
        top = self.value(best)

        def above(log_theta: float) -> float:
            return self.value(float(np.exp(log_theta))) - top + _LEVEL

        low, high = np.log(_THETA)
        centre = float(np.log(best)) if best else low
        lower = 0.0
        if best and self.value(0.0) < top - _LEVEL:
            crossed = _crossing(above, centre, low, -0.5)
            lower = 0.0 if crossed is None else float(np.exp(crossed))
        crossed = _crossing(above, centre, high, 0.5)
        return lower, np.inf if crossed is None else float(np.exp(crossed))


def _climb(world: World, labels: pd.Index, beta: Floats, theta: float | None) -> FrailtyFit:
    start = settle(world, evaluate(world, beta, np.zeros(len(labels))), np.inf)
    profile = _Profile(world, start)
    if theta is not None:
        return _result(world, labels, theta, profile, estimated=False)
    best = profile.top()
    if np.isinf(best):
        problem = "the variance of the frailty grows without end"
        return _without_estimate(world.rows, len(labels), world.truncated, problem)
    return _result(world, labels, best, profile, estimated=True)


def _crossing(
    above: Callable[[float], float], start: float, end: float, step: float
) -> float | None:
    """Where a function falls below 0 on the way from start to end; None if it does not."""
    here = start
    while here != end:
        there = min(here + step, end) if step > 0 else max(here + step, end)
        if above(there) < 0:
            return float(brentq(above, here, there, xtol=1e-8))
        here = there
    return None


def _world(rows: CoxRows, group: ArrayLike, ties: Ties, truncated: bool) -> tuple[World, pd.Index]:
    given = np.asarray(group)
    if len(given) != rows.given:
        raise ValueError(f"group has {len(given)} values for {rows.given} rows.")
    if (rows.weight != 1).any():
        raise ValueError("A frailty model takes no case weights.")
    if truncated and ties != "breslow":
        raise ValueError('A truncated frailty model needs ties="breslow".')
    codes, labels = pd.factorize(given[rows.used], sort=True)
    if (codes < 0).any():
        raise ValueError("group is missing in some rows; every row needs one.")
    deaths = np.bincount(codes, rows.died, minlength=len(labels)).astype(float)
    if truncated and (deaths == 0).any():
        raise ValueError("A group has no event, so the file is not one of groups with an event.")
    return World(rows, codes.astype(np.int64), deaths, ties, truncated), pd.Index(labels)


def _result(
    world: World, labels: pd.Index, theta: float, profile: _Profile, estimated: bool
) -> FrailtyFit:
    rows, state = world.rows, profile.state(theta)
    k, scales = len(state.beta), np.outer(rows.scale, rows.scale)
    likelihood, no_frailty = profile.value(theta), profile.value(0.0)
    se = lower = upper = ratio = p = np.nan
    if theta:
        whole = curvature_with_log_theta(world, state, 1 / theta)
        given = covariance = np.asarray(np.linalg.inv(whole[:k, :k]))
        frailty = (1 / theta + world.deaths) / (1 / theta + state.hazard)
        if estimated:
            covariance = np.asarray(np.linalg.inv(whole)[:k, :k])
            se = theta / float(np.sqrt(whole[k, k] - whole[k, :k] @ given @ whole[:k, k]))
    else:
        given = covariance = np.asarray(np.linalg.inv(information(rows, state.at)))
        frailty = np.ones(len(labels))
    if estimated:
        ratio = max(0.0, 2 * (likelihood - no_frailty))
        p = float(chi2.sf(ratio, 1)) / 2 if theta else 1.0
        lower, upper = profile.interval(theta)
    return FrailtyFit(
        terms=rows.terms,
        coefficients=state.beta / rows.scale,
        covariance=covariance / scales,
        covariance_given_theta=given / scales,
        theta=theta,
        theta_se=se,
        theta_lower=lower,
        theta_upper=upper,
        log_likelihood=likelihood,
        log_likelihood_no_frailty=no_frailty,
        likelihood_ratio=ratio,
        p=p,
        frailties=pd.Series(frailty, index=labels, name="frailty"),
        rows=rows.complete,
        events=rows.events,
        groups=len(labels),
        truncated=world.truncated,
    )


def _without_estimate(rows: CoxRows, groups: int, truncated: bool, problem: str) -> FrailtyFit:
    none = np.zeros((0, 0))
    return FrailtyFit(
        (), np.zeros(0), none, none, *(np.nan,) * 8, pd.Series(dtype=float), rows.complete,
        rows.events, groups, truncated, problem,
    )  # fmt: skip
