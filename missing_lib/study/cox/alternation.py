"""Factors of groups and coefficients by turns, until they settle for one variance of frailty.

The steps of :mod:`.frailty`, which tells the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from missing_lib.study.cox.kernel import cumulated, expected_events, log_hazards
from missing_lib.study.cox.partial import AtRisk, Ties, at_risk, information, keep_terms, score
from missing_lib.study.cox.rows import CoxRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SETTLED = 1e-11
_ROUNDS = 2000
#: Steps remembered by the acceleration.
_MEMORY = 10
#: Step of the numerical second derivatives, in standard errors.
_STEP = 0.05


@dataclass(frozen=True)
class World:
    """What does not change during the climb."""

    rows: CoxRows
    group: Ints
    deaths: Floats
    ties: Ties
    truncated: bool


@dataclass(frozen=True)
class State:
    """Where the climb stands for one theta.

    Attributes
    ----------
    beta : ndarray, shape (k,)
        Per standard deviation.
    log_z : ndarray, shape (groups,)
        Log of the factor in the offset.
    hazard : ndarray, shape (groups,)
        H.
    at : AtRisk
    """

    beta: Floats
    log_z: Floats
    hazard: Floats
    at: AtRisk


class UnsettledError(Exception):
    """The alternation of factors and coefficients found no end."""


def evaluate(world: World, beta: Floats, log_z: Floats) -> State:
    """Sums over risk sets with the factors in the offset, and each group's H."""
    offset = world.rows.offset + log_z[world.group]
    at = at_risk(replace(world.rows, offset=offset), beta, world.ties)
    rows = world.rows
    cumulative = cumulated(at.sums[:, :1], rows.first_slot)[:, 0]
    q = expected_events(at.risk, cumulative, at.sums[:, 1], rows.before, rows.last, rows.died)
    hazard = np.bincount(world.group, q, minlength=len(log_z)) / np.exp(log_z)
    return State(beta, log_z, np.asarray(hazard, float), at)


def _factor(world: World, hazard: Floats, nu: float) -> Floats:
    """Log of the factor that the offset should have, given each group's H."""
    given_none = np.ones_like(hazard) if np.isinf(nu) else nu / (nu + hazard)
    z = given_none if np.isinf(nu) else (nu + world.deaths) / (nu + hazard)
    if world.truncated:
        z = z + given_none / np.expm1(-_log_none(hazard, nu))
    return np.asarray(np.log(z))


def _log_none(hazard: Floats, nu: float) -> Floats:
    """Log of the probability of no event."""
    return np.asarray(-hazard if np.isinf(nu) else -nu * np.log1p(hazard / nu))


def settle(world: World, start: State, nu: float) -> State:
    """Alternate factors and Newton steps of b until nothing moves.

    Anderson's acceleration: the next point is the combination of recent ones whose moves
    cancel best. The information of the start serves every step: it decides how fast the score
    vanishes, not where.
    """
    k = len(start.beta)
    state = start
    curvature = information(world.rows, state.at)
    points: list[Floats] = []
    moves: list[Floats] = []
    for _ in range(_ROUNDS):
        step = np.linalg.solve(curvature, score(world.rows, state.at))
        here = np.append(state.beta, state.log_z)
        move = np.append(step, _factor(world, state.hazard, nu) - state.log_z)
        if np.abs(move).max() < _SETTLED:
            return state
        if moves and np.abs(move).max() > 10 * np.abs(moves[-1]).max():
            points, moves = [], []
        points, moves = [*points[-_MEMORY:], here], [*moves[-_MEMORY:], move]
        there = _combined(points, moves)
        state = evaluate(world, there[:k], there[k:])
    raise UnsettledError


def _settle_factors(world: World, state: State, nu: float) -> State:
    """Factors settled with b held, which then is a known part of the log hazard."""
    rows = world.rows
    known = replace(rows, offset=log_hazards(rows.x, state.beta, rows.offset))
    bare = replace(world, rows=keep_terms(known, []))
    settled = settle(bare, evaluate(bare, np.zeros(0), state.log_z), nu)
    return evaluate(world, state.beta, settled.log_z)


def _combined(points: list[Floats], moves: list[Floats]) -> Floats:
    """Anderson's next point from recent points and their moves."""
    following = points[-1] + moves[-1]
    if len(moves) == 1:
        return np.asarray(following)
    changes = np.diff(np.array(moves), axis=0).T
    # By cross products of columns of length one, as a decomposition of all rows would take most
    # of the time of a fit; how precise the shares are decides how fast it settles, not where.
    size = np.linalg.norm(changes, axis=0)
    scaled = changes / np.where(size > 0, size, 1.0)
    share = np.linalg.lstsq(scaled.T @ scaled, scaled.T @ moves[-1], rcond=1e-14)[0]
    share = share / np.where(size > 0, size, 1.0)
    return np.asarray(following - (np.diff(np.array(points), axis=0).T + changes) @ share)


def marginal(world: World, state: State, nu: float) -> float:
    """Log marginal likelihood, less the sum of d log d, plus the number of events."""
    d, h = world.deaths, state.hazard
    # The partial likelihood with the factors of the offset taken off the events again.
    own = state.at.log_likelihood - float(d @ state.log_z)
    if np.isinf(nu):
        parts = -h
    else:
        # Where factors have settled, nu + H is (nu + d)/z; Efron's ties need this form.
        rest = nu + h if world.truncated else (nu + d) * np.exp(-state.log_z)
        parts = gammaln(nu + d) - gammaln(nu) + nu * np.log(nu) - (nu + d) * np.log(rest)
    if world.truncated:
        parts = parts - np.log(-np.expm1(_log_none(h, nu)))
    return float(own + parts.sum() + d.sum())


def slope_in_log_theta(world: World, state: State, nu: float) -> float:
    """Derivative of the profile likelihood with respect to log theta, by the envelope."""
    d, h = world.deaths, state.hazard
    ratio = -np.log1p(h / nu)
    parts = digamma(nu + d) - digamma(nu) + ratio + 1 - (nu + d) / (nu + h)
    if world.truncated:
        parts = parts + (ratio + h / (nu + h)) / np.expm1(-_log_none(h, nu))
    return float(-nu * parts.sum())


def curvature_with_log_theta(world: World, state: State, nu: float) -> Floats:
    """Minus the second derivatives for (b, log theta), by differences of first ones.

    At each point the factors are settled again with b and theta held; b is per standard
    deviation. Two step lengths are combined, so that the error is of fourth order.
    """
    k = len(state.beta)
    spread = np.sqrt(1 / np.maximum(np.diag(information(world.rows, state.at)), 1e-12))
    lengths = _STEP * np.append(spread, 1.0)

    def slopes(move: Floats) -> Floats:
        there_nu = nu * float(np.exp(-move[k]))
        moved = _settle_factors(world, replace(state, beta=state.beta + move[:k]), there_nu)
        return np.append(score(world.rows, moved.at), slope_in_log_theta(world, moved, there_nu))

    columns = []
    for j in range(k + 1):
        unit = np.zeros(k + 1)
        unit[j] = lengths[j]
        near, far = ((slopes(s * unit) - slopes(-s * unit)) / (2 * s) for s in (1, 2))
        columns.append(-(4 * near - far) / 3 / lengths[j])
    whole = np.array(columns)
    return np.asarray((whole + whole.T) / 2)
