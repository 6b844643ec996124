"""Maximum partial likelihood by Newton's method, and why there may be none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.cox.kernel import (
    cross_products,
    cumulated,
    expected_events,
    log_hazards,
    slot_sums,
    summed_score_residuals,
    sums_at_risk,
)
from missing_lib.study.cox.rows import CoxRows, prepare
from missing_lib.study.diagnosis import listed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ties = Literal["efron", "breslow"]

#: Newton stops after a step shorter than this in every standardised coefficient; what is left
#: is about its square.
_SMALL_STEP = 1e-6
_STEPS = 50
_HALVINGS = 30
#: Part of a term's information that the other terms leave, below which they hold all of it:
#: sums of many rows carry about twelve digits.
_COLLINEAR = 1e-11
#: Information per event of a standardised term that varies in no risk set.
_FLAT = 1e-12
#: A standardised coefficient beyond this is running away.
_FAR = 50.0
#: Information per weight of an event, along some direction of the standardised terms, that only
#: a likelihood without a top has: a standard error above ten standard deviations.
_NO_TOP = 0.01


@dataclass(frozen=True)
class CoxFit:
    """A fitted Cox regression, or the reason why there is none.

    Attributes
    ----------
    terms : tuple of str, length k
        Terms that are estimated, in the order given.
    coefficients : ndarray, shape (k,)
        Log hazard ratios.
    covariance : ndarray, shape (k, k)
        Inverse of the information.
    robust : ndarray, shape (k, k), or None
        Grouped dfbeta, without a small-sample factor; None where no cluster was given.
    log_likelihood, log_likelihood_null : float
        Log partial likelihood at the estimate, and with all coefficients 0.
    score_test : float
        Score statistic at 0, k degrees of freedom.
    robust_score_test : float
        The same from scores added up by cluster; NaN without clusters.
    rows, events, dropped : int
        Complete rows, events among them, and rows left out for a missing value.
    ties : str
    reasons : dict
        Terms that are not estimated, each with its reason.
    problem : str
        Why nothing is estimated; empty where the model stands.
    """

    terms: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    robust: Floats | None
    log_likelihood: float
    log_likelihood_null: float
    score_test: float
    robust_score_test: float
    rows: int
    events: int
    dropped: int
    ties: Ties
    reasons: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def standard_errors(self) -> Floats:
        """Robust where there are clusters, else model-based; shape (k,)."""
        used = self.covariance if self.robust is None else self.robust
        return np.sqrt(np.diag(used))

    @property
    def likelihood_ratio_test(self) -> float:
        """Twice the gain in log partial likelihood over the model without terms."""
        return 2 * (self.log_likelihood - self.log_likelihood_null)

    @property
    def wald_test(self) -> float:
        """Wald statistic of all coefficients, robust where there are clusters."""
        used = self.covariance if self.robust is None else self.robust
        return float(self.coefficients @ np.linalg.solve(used, self.coefficients))


@dataclass(frozen=True)
class AtRisk:
    """Sums over risk sets at given coefficients; slots as in :class:`.rows.CoxRows`.

    Attributes
    ----------
    risk : ndarray, shape (n,)
        exp(eta - level), the offset included.
    s1, s1d : ndarray, shape (slots, k)
    sums : ndarray, shape (slots, 5)
        A, B, C, D and E.
    level : float
        Taken off eta before exponentials: A times exp(-level) is the baseline hazard at mean
        covariates.
    log_likelihood : float
    """

    risk: Floats
    s1: Floats
    s1d: Floats
    sums: Floats
    level: float
    log_likelihood: float


def fit_cox(
    stop: ArrayLike,
    event: ArrayLike,
    design: pd.DataFrame,
    *,
    start: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    ties: Ties = "efron",
) -> CoxFit:
    """Cox regression of (start, stop] rows.

    The hazard of a row is lambda_s(t) exp(offset + x b), with a free baseline in each stratum
    s. Rows with a missing value are left out and counted.

    Parameters
    ----------
    stop : array_like, shape (n,)
    event : array_like of bool, shape (n,)
    design : DataFrame, shape (n, k)
        One column per term, no intercept.
    start, strata, weights, offset : array_like, shape (n,), optional
        See :func:`.rows.prepare`.
    cluster : array_like, shape (n,), optional
        Rows of one cluster (a person) are dependent: ``robust`` then holds the covariance of
        Lin and Wei.
    ties : {"efron", "breslow"}

    Returns
    -------
    CoxFit
        Terms that are constant or collinear among those at risk are left out by name; where
        the likelihood has no maximum, nothing is estimated and ``problem`` names the terms.

    Raises
    ------
    ValueError
        If ``ties`` is not one of the two, and as :func:`.rows.prepare`.

    References
    ----------
    Cox 1972, doi 10.1111/j.2517-6161.1972.tb00899.x; Andersen and Gill 1982, doi
    10.1214/aos/1176345976; Lin and Wei 1989, doi 10.1080/01621459.1989.10478874.

    Examples
    --------
    >>> rows = pd.DataFrame({"x": [0.0, 1, 1, 1, 0, 0]})
    >>> fit = fit_cox([9, 1, 1, 6, 6, 8], [1, 1, 0, 1, 1, 0], rows, ties="breslow")
    >>> round(float(fit.coefficients[0]), 6)  # log((3 + sqrt(33))/2)
    1.475285
    """
    rows = prepare(stop, event, design, start=start, strata=strata, weights=weights, offset=offset)
    return fit_rows(rows, cluster=cluster, ties=ties)


def fit_rows(rows: CoxRows, *, cluster: ArrayLike | None = None, ties: Ties = "efron") -> CoxFit:
    """:func:`fit_cox` of prepared rows.

    Parameters
    ----------
    rows : CoxRows
    cluster : array_like, optional
        One value per row given to :func:`.rows.prepare`.
    ties : {"efron", "breslow"}
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties is {ties!r}; it must be 'efron' or 'breslow'.")
    group, groups = (None, 0) if cluster is None else _groups(cluster, rows)
    if rows.events == 0:
        return _without_estimate(rows, ties, {}, "no event is among the rows")
    null = at_risk(rows, np.zeros(len(rows.terms)), ties)
    curvature = information(rows, null)
    reasons = _not_estimable(rows, curvature)
    kept = [j for j, name in enumerate(rows.terms) if name not in reasons]
    if not kept:
        problem = "" if not rows.terms else "no term differs among those at risk at an event"
        return _without_estimate(rows, ties, reasons, problem, null.log_likelihood)
    own = rows
    if reasons:
        own = keep_terms(rows, kept)
        null = at_risk(own, np.zeros(len(kept)), ties)
        curvature = curvature[np.ix_(kept, kept)]
    beta, there, final, settled = _climb(own, null, curvature, ties)
    endless = _endless(own, final, beta, settled)
    if endless:
        problem = f"the events are fully told by {listed(endless)}, so no estimate is finite"
        return _without_estimate(rows, ties, reasons, problem, null.log_likelihood)
    inverse = np.linalg.inv(final)
    slope = score(own, null)
    robust, robust_score = None, np.nan
    if group is not None:
        moved = score_residuals(own, there, group, groups) @ inverse
        robust = _back(own, moved.T @ moved)
        at_zero = score_residuals(own, null, group, groups)
        total = at_zero.sum(axis=0)
        robust_score = float(total @ np.linalg.lstsq(at_zero.T @ at_zero, total, rcond=None)[0])
    return CoxFit(
        terms=own.terms,
        coefficients=beta / own.scale,
        covariance=_back(own, inverse),
        robust=robust,
        log_likelihood=there.log_likelihood,
        log_likelihood_null=null.log_likelihood,
        score_test=float(slope @ np.linalg.solve(curvature, slope)),
        robust_score_test=robust_score,
        rows=rows.complete,
        events=rows.events,
        dropped=rows.given - rows.complete,
        ties=ties,
        reasons=reasons,
    )


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
    told = float(rows.weight[rows.died] @ eta[rows.died])
    # Any constant cancels; without this one a large offset would overflow.
    level = float(eta.max())
    eta -= level
    risk = np.exp(eta, out=eta)
    weighted = rows.weight * risk
    exposed, dying = sums_at_risk(
        rows.x, weighted, rows.before, rows.last, rows.died, rows.first_slot
    )
    sums, logs = slot_sums(
        exposed[:, 0].copy(), dying[:, 0].copy(), rows.deaths, rows.death_weight, ties == "efron"
    )
    likelihood = told - float(level * rows.death_weight.sum() + logs.sum())
    return AtRisk(risk, exposed[:, 1:], dying[:, 1:], sums, level, likelihood)


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
            "centre": rows.centre[kept],
            "scale": rows.scale[kept],
            "seen": rows.seen[kept],
        }
    )


def _not_estimable(rows: CoxRows, info: Floats) -> dict[str, str]:
    """Terms that vary in no risk set, or that earlier ones determine in every risk set."""
    reasons: dict[str, str] = {}
    kept: list[int] = []
    for j, name in enumerate(rows.terms):
        if info[j, j] <= _FLAT * rows.events:
            reasons[name] = "the same for everybody at risk at an event"
            continue
        if kept:
            own = info[np.ix_(kept, kept)]
            b = np.linalg.solve(own, info[kept, j])
            if info[j, j] - info[j, kept] @ b <= _COLLINEAR * info[j, j]:
                twins = [
                    rows.terms[k] for k, share in zip(kept, b, strict=True) if abs(share) > 1e-6
                ]
                reasons[name] = f"cannot be told apart from {listed(twins)}"
                continue
        kept.append(j)
    return reasons


def _climb(
    rows: CoxRows, here: AtRisk, info: Floats, ties: Ties
) -> tuple[Floats, AtRisk, Floats, bool]:
    """Newton's method with halved steps from 0.

    Returns the estimate, the sums and the information there, and whether it is a top.
    """
    beta = np.zeros(len(rows.terms))
    for _ in range(_STEPS):
        step = np.linalg.lstsq(info, score(rows, here), rcond=None)[0]
        near = bool(np.abs(step).max() < _SMALL_STEP)
        for _ in range(_HALVINGS):
            there = at_risk(rows, beta + step, ties)
            # At the top the likelihood moves by rounding alone.
            lost = here.log_likelihood - there.log_likelihood
            if lost <= 1e-9 * abs(here.log_likelihood) and np.isfinite(there.sums).all():
                break
            step = step / 2
        else:
            return beta, here, info, False
        beta, here = beta + step, there
        info = information(rows, here)
        if near:
            return beta, here, info, True
        if np.abs(beta).max() > _FAR:
            break
    return beta, here, info, False


def _endless(rows: CoxRows, info: Floats, beta: Floats, settled: bool) -> list[str]:
    """Terms along which the likelihood has no top: flat where the climb ended, or climbing on."""
    per_event = info / rows.weight[rows.died].mean()
    values, directions = np.linalg.eigh(per_event)
    flat = values < _NO_TOP
    shares = np.abs(directions[:, flat]).max(axis=1, initial=0.0)
    if not flat.any() and not settled:
        shares = np.abs(beta) / np.abs(beta).max()
    return [name for name, share in zip(rows.terms, shares, strict=True) if share > 0.1]


def _groups(cluster: ArrayLike, rows: CoxRows) -> tuple[Ints, int]:
    given = np.asarray(cluster)
    if len(given) != rows.given:
        raise ValueError(f"cluster has {len(given)} values for {rows.given} rows.")
    codes, labels = pd.factorize(given[rows.used] if len(rows.used) < len(given) else given)
    if (codes < 0).any():
        raise ValueError("cluster is missing in some rows; every row needs one.")
    return codes.astype(np.int64), len(labels)


def _back(rows: CoxRows, covariance: NDArray[Any]) -> Floats:
    """A covariance per standard deviation as one per unit of each term."""
    return np.asarray(covariance / np.outer(rows.scale, rows.scale))


def _without_estimate(
    rows: CoxRows, ties: Ties, reasons: dict[str, str], problem: str, null: float = np.nan
) -> CoxFit:
    said = {name: reasons.get(name, problem) for name in rows.terms}
    return CoxFit(
        terms=(),
        coefficients=np.zeros(0),
        covariance=np.zeros((0, 0)),
        robust=None,
        log_likelihood=null,
        log_likelihood_null=null,
        score_test=0.0,
        robust_score_test=np.nan,
        rows=rows.complete,
        events=rows.events,
        dropped=rows.given - rows.complete,
        ties=ties,
        reasons=said,
        problem=problem,
    )
