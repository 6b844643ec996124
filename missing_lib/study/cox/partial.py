"""The partial likelihood of a Cox regression, its derivatives and its residuals, by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from missing_lib.study.cox.kernel import (
    cross_products,
    cumulated,
    expected_events,
    level_off,
    log_hazards,
    slot_sums,
    summed_score_residuals,
    sums_at_risk,
)
from missing_lib.study.cox.rows import CoxRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ties = Literal["efron", "breslow"]

#: Log hazards whose exponentials, and the squares of these, are all numbers of full precision.
_FAR_APART = 100.0


@dataclass(frozen=True)
class AtRisk:
    """Sums over risk sets at given coefficients; slots as in :class:`.rows.CoxRows`.

    Attributes
    ----------
    risk : ndarray, shape (n,)
        exp(eta - level of the stretch), the offset included.
    s1, s1d : ndarray, shape (slots, k)
    sums : ndarray, shape (slots, 5)
        A, B, C, D and E.
    level : ndarray, shape (stretches,)
        Taken off eta before exponentials: A times exp(-level) is the baseline hazard at mean
        covariates of the stretch.
    log_likelihood : float
    lost : float
        How many times more than is left was ever taken off again as rows enter, on average over
        deaths: so much larger rounding errors are. Infinite where a sum is no number.
    """

    risk: Floats
    s1: Floats
    s1d: Floats
    sums: Floats
    level: Floats
    log_likelihood: float
    lost: float


def at_risk(rows: CoxRows, beta: Floats, ties: Ties) -> AtRisk:
    """Sums over risk sets at standardised coefficients.

    Parameters
    ----------
    rows : CoxRows
    beta : ndarray, shape (k,)
        Per standard deviation of each term.
    ties : {"efron", "breslow"}
    """
    eta = log_hazards(rows.x, beta, rows.offset)
    level = _level_off(rows, eta)
    told = float(rows.weight[rows.died] @ eta[rows.died])
    risk = np.exp(eta, out=eta)
    weighted = rows.weight * risk
    exposed, dying, ever = sums_at_risk(
        rows.x, weighted, rows.before, rows.last, rows.died, rows.first_slot
    )
    s0, s0d = exposed[:, 0].copy(), dying[:, 0].copy()
    sums, logs = slot_sums(s0, s0d, rows.deaths, rows.death_weight, ties == "efron")
    return AtRisk(
        risk, exposed[:, 1:], dying[:, 1:], sums, level, told - float(logs.sum()),
        _lost(rows, sums, ever),
    )  # fmt: skip


def _level_off(rows: CoxRows, eta: Floats) -> Floats:
    """Take a level of each stretch off log hazards, in place; shape (stretches,).

    Any constant of a stretch cancels; without one a large offset would overflow. One for all
    serves as well where hazards are not far apart, and costs less.
    """
    stretches, top = len(rows.first_slot) - 1, float(eta.max())
    if stretches > 1 and top - eta.min() > _FAR_APART:
        return level_off(eta, rows.last, rows.stretch, stretches)
    eta -= top
    return np.full(stretches, top)


def _lost(rows: CoxRows, sums: Floats, ever: Floats) -> float:
    """Mean over deaths of all that was added to S0, relative to S0."""
    if not np.isfinite(sums).all() or (sums[:, 0] <= 0).any():
        return np.inf
    return float(sums[:, 0] @ ever / rows.death_weight.sum())


def score(rows: CoxRows, at: AtRisk) -> Floats:
    """First derivatives of the log likelihood, per standard deviation; shape (k,)."""
    return np.asarray(rows.seen - at.sums[:, 0] @ at.s1 + at.sums[:, 1] @ at.s1d)


def information(rows: CoxRows, at: AtRisk, slot_weight: Floats | None = None) -> Floats:
    """Minus the second derivatives, per standard deviation; shape (k, k).

    With ``slot_weight`` g, shape (slots,), each slot's part is multiplied by g: the blocks of a
    model with terms x and x g(t).
    """
    sums = at.sums if slot_weight is None else at.sums * slot_weight[:, None]
    cumulative = cumulated(sums[:, :1], rows.first_slot)[:, 0]
    q = expected_events(
        rows.weight * at.risk, cumulative, sums[:, 1], rows.before, rows.last, rows.died
    )
    c, d, e = sums[:, 2], sums[:, 3], sums[:, 4]
    cross = (at.s1 * d[:, None]).T @ at.s1d
    means = (at.s1 * c[:, None]).T @ at.s1 - cross - cross.T + (at.s1d * e[:, None]).T @ at.s1d
    return np.asarray(cross_products(rows.x, q) - means)


def score_residuals(rows: CoxRows, at: AtRisk, group: Ints, groups: int) -> Floats:
    """Weighted score residuals added up within groups, per standard deviation.

    Parameters
    ----------
    rows : CoxRows
    at : AtRisk
    group : ndarray of int, shape (n,)
        From 0 to ``groups`` - 1.
    groups : int

    Returns
    -------
    ndarray, shape (groups, k)
    """
    a, b, c, d, e = (at.sums[:, [i]] for i in range(5))
    passed = cumulated(np.hstack([a, c * at.s1 - d * at.s1d]), rows.first_slot)
    own = np.hstack([b, d * at.s1 - e * at.s1d])
    return summed_score_residuals(
        rows.x, at.risk, rows.weight, rows.before, rows.last, rows.died,
        mean_covariates(rows, at), passed, own, group, groups,
    )  # fmt: skip


def mean_covariates(rows: CoxRows, at: AtRisk) -> Floats:
    """Mean over the deaths of a slot of (S1 - f S1d)/den; shape (slots, k)."""
    weight = rows.death_weight[:, None]
    total = at.sums[:, [0]] * at.s1 - at.sums[:, [1]] * at.s1d
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)


def keep_terms(rows: CoxRows, kept: list[int]) -> CoxRows:
    """The same rows with some of the terms."""
    return CoxRows(
        **{
            **rows.__dict__,
            "terms": tuple(rows.terms[j] for j in kept),
            "x": np.ascontiguousarray(rows.x[:, kept]),
            "centre": rows.centre[:, kept],
            "scale": rows.scale[kept],
            "seen": rows.seen[kept],
        }
    )
