"""Maximum partial likelihood by Newton's method, and why there may be none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.cox.partial import (
    AtRisk,
    Ties,
    at_risk,
    information,
    keep_terms,
    score,
    score_residuals,
)
from missing_lib.study.cox.rows import CoxRows, prepare
from missing_lib.study.diagnosis import listed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Coefficients are judged per standard deviation among those at risk together: between strata, and
# over time, a term may vary far more.
#: Newton stops after a step shorter than this in every coefficient; what is left is about its
#: square.
_SMALL_STEP = 1e-6
_STEPS = 50
_HALVINGS = 30
#: Part of a term's information that the other terms leave, below which they hold all of it:
#: sums of many rows carry about twelve digits.
_COLLINEAR = 1e-11
#: Information per event of a term that varies in no risk set, per standard deviation of all.
_FLAT = 1e-12
#: A coefficient beyond this is running away.
_FAR = 50.0
#: Information per weight of an event, along some direction of the terms, that only a likelihood
#: without a top has: a standard error above ten standard deviations ...
_NO_TOP = 0.01
#: ... with an estimate further out than this. Nearer it, a few rows far off make the unit large.
_OUT = 1.0
#: Information that is rounding.
_NONE = 1e-9
#: Sums over risk sets that lose more digits than this, see :attr:`.partial.AtRisk.lost`, would
#: leave fewer than nine.
_LOST = 1e7
_TOO_UNLIKE = "{} differ by too many orders of magnitude among rows that overlap"


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
        Grouped dfbeta, without a small-sample factor; None where no cluster was given, and NaN
        where there are no more clusters than terms.
    log_likelihood, log_likelihood_null : float
        Log partial likelihood at the estimate, and with all coefficients 0.
    score_test : float
        Score statistic at 0, k degrees of freedom.
    robust_score_test : float
        The same from scores added up by cluster; NaN without clusters, or with too few.
    rows, events, dropped : int
        Complete rows, events among them, and rows left out for a missing value.
    ties : str
    reasons : dict
        Terms that are not estimated, each with its reason.
    problem : str
        Why nothing is estimated; empty where the model stands.
    robust_problem : str
        Why robust errors are NaN; empty where they stand or were not asked for.
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
    robust_problem: str = ""

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
        """Wald statistic of all coefficients, robust where there are clusters; NaN without."""
        used = self.covariance if self.robust is None else self.robust
        return float(self.coefficients @ np.linalg.solve(used, self.coefficients))


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
    if null.lost > _LOST:
        return _without_estimate(rows, ties, {}, _TOO_UNLIKE.format("offsets or weights"))
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
    unit = np.sqrt(np.diag(curvature) / rows.death_weight.sum())
    beta, there, final, settled = _climb(own, null, curvature, unit, ties)
    final = final / np.outer(unit, unit)
    problem = _no_estimate(own, there, final, beta * unit, settled)
    if problem:
        return _without_estimate(rows, ties, reasons, problem, null.log_likelihood)
    inverse = np.linalg.inv(final) / np.outer(unit, unit)
    slope = score(own, null)
    robust, robust_score, few = None, np.nan, ""
    if group is not None and groups <= len(kept):
        robust = np.full((len(kept), len(kept)), np.nan)
        few = f"robust errors of {len(kept)} terms need more than {groups} clusters"
    elif group is not None:
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
        robust_problem=few,
    )


def _not_estimable(rows: CoxRows, info: Floats) -> dict[str, str]:
    """Terms that vary in no risk set, or that earlier ones determine in every risk set."""
    reasons: dict[str, str] = {}
    kept: list[int] = []
    for j, name in enumerate(rows.terms):
        if info[j, j] <= _FLAT * rows.death_weight.sum():
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
    rows: CoxRows, here: AtRisk, info: Floats, unit: Floats, ties: Ties
) -> tuple[Floats, AtRisk, Floats, bool]:
    """Newton's method with halved steps from 0.

    Returns the estimate, the sums and the information there, and whether it is a top.
    """
    beta = np.zeros(len(rows.terms))
    for _ in range(_STEPS):
        step = _newton(info, score(rows, here), unit)
        near = bool(np.abs(step * unit).max() < _SMALL_STEP)
        for _ in range(_HALVINGS):
            there = at_risk(rows, beta + step, ties)
            # At the top the likelihood moves by rounding alone.
            lost = here.log_likelihood - there.log_likelihood
            if lost <= 1e-9 * abs(here.log_likelihood) and np.isfinite(there.lost):
                break
            step = step / 2
        else:
            return beta, here, info, False
        beta, here = beta + step, there
        info = information(rows, here)
        if near:
            return beta, here, info, True
        if np.abs(beta * unit).max() > _FAR:
            break
    return beta, here, info, False


def _newton(info: Floats, slope: Floats, unit: Floats) -> Floats:
    """Newton's step, found in units in which no term is lost beside another."""
    return np.asarray(np.linalg.lstsq(info / np.outer(unit, unit), slope / unit)[0] / unit)


def _no_estimate(rows: CoxRows, there: AtRisk, info: Floats, beta: Floats, settled: bool) -> str:
    """Why the end of the climb is no estimate; empty where it is one."""
    endless = _endless(rows, info, beta, settled)
    if endless:
        return f"the events are fully told by {listed(endless)}, so no estimate is finite"
    return _TOO_UNLIKE.format("hazards") if there.lost > _LOST else ""


def _endless(rows: CoxRows, info: Floats, beta: Floats, settled: bool) -> list[str]:
    """Terms along which the likelihood has no top: flat where the climb ended, or climbing on."""
    per_event = info / rows.weight[rows.died].mean()
    values, directions = np.linalg.eigh(per_event)
    flat = values < _NO_TOP
    if settled:
        flat &= (np.abs(beta @ directions) > _OUT) | (values < _NONE)
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
