"""Logistic and count regressions that say by name why they cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import expit
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from missing_lib.study import likelihoods
from missing_lib.study.diagnosis import guards, listed, separating_terms, too_few, unusable
from missing_lib.study.given import (
    refuse_twins,
    refuse_unless_whole,
    refuse_unless_yes_no,
    refuse_unlike_rows,
)
from missing_lib.study.likelihoods import Maximum, Rows

#: A standard error, in standard deviations of its term, that only a flat likelihood has.
FLAT = 10.0
#: Largest gain in log-likelihood, doubled, that a further Newton step may still promise.
LEFT_TO_CLIMB = 1e-8
_Z = float(norm.ppf(0.975))
_NUMBERS = ["coefficient", "se", "estimate", "lower", "upper", "p"]
_EFFECTS = ["effect", "effect_lower", "effect_upper"]


@dataclass(frozen=True)
class Fit:
    """A fitted regression, or the reason why there is none.

    Attributes
    ----------
    scale : str
        What ``estimate`` is: ``odds ratio``, ``rate ratio`` or ``hazard ratio``.
    terms : DataFrame
        One row per term asked for, without the intercept: ``term``; ``coefficient``, ``se``
        (log scale); ``estimate``, ``lower``, ``upper`` (ratio and 95 % Wald bounds); ``p``
        (two-sided); ``effect``, ``effect_lower``, ``effect_upper`` (average marginal effect on
        the probability; logistic only); ``people`` (fewest on either side of a yes-no term,
        else all), ``events`` (fewest people with or without the outcome on either side);
        ``reason`` (why a term is not estimated, else empty). NaN where not estimated.
    people, events : int
        People in the model and people with the outcome.
    intercept : float
        Log scale; NaN where nothing is fitted.
    dispersion : float
        alpha of the negative binomial, variance mu + alpha mu^2; 0 where its likelihood is
        largest there, which is the Poisson. Of other models NaN.
    dispersion_se : float
        Its standard error; NaN on the boundary.
    log_likelihood : float
    problem : str
        Why nothing is estimated; empty where the model stands.
    """

    scale: str
    terms: pd.DataFrame
    people: int
    events: int
    intercept: float = np.nan
    dispersion: float = np.nan
    dispersion_se: float = np.nan
    log_likelihood: float = np.nan
    problem: str = ""

    def row(self, term: str) -> pd.Series:
        """The row of one term."""
        return self.terms.set_index("term").loc[term]


def logistic(outcome: ArrayLike, design: pd.DataFrame, linked: csr_array | None = None) -> Fit:
    """Logistic regression by maximum likelihood, with average marginal effects.

    logit P(y = 1) = a + x b; the effect of a yes-no term is the mean over people of
    P(y = 1 | 1) - P(y = 1 | 0), of any other term the mean slope.

    Parameters
    ----------
    outcome : array_like of bool, shape (n,)
    design : DataFrame, shape (n, k)
        Terms without intercept. People with a missing value are left out.
    linked : csr_array, shape (n, n), optional
        1 for two people whose terms hold each other's outcome. Each such pair is counted from
        both sides, so that the usual standard errors are too small; those printed then allow
        for it: covariance H^-1 (S'S + S'WS) H^-1 with scores S, links W and Hessian H (Conley
        1999, doi 10.1016/S0304-4076(98)00084-0), never below the usual ones.

    Returns
    -------
    Fit
        Never a number that separation, collinearity or few events have made meaningless.

    Raises
    ------
    ValueError
        If an outcome is neither 0 nor 1, lengths or indices differ, or two terms have one name;
        the other regressions likewise.

    References
    ----------
    Cox 1958, Journal of the Royal Statistical Society B 20, 215-242, doi
    10.1111/j.2517-6161.1958.tb00292.x.
    """
    return _fit("odds ratio", likelihoods.logistic, outcome, design, None, linked=linked)


def complementary_log_log(outcome: ArrayLike, design: pd.DataFrame, days: ArrayLike) -> Fit:
    """Complementary log-log regression with unequal time at risk.

    P(y = 1) = 1 - exp(-t exp(a + x b)): the chance of at least one event in time t at a
    constant rate, so that exp(b) is a hazard ratio.

    Parameters
    ----------
    outcome : array_like of bool, shape (n,)
    design : DataFrame, shape (n, k)
    days : array_like, shape (n,)
        Time at risk, above 0.

    Returns
    -------
    Fit

    References
    ----------
    Prentice and Gloeckler 1978, doi 10.2307/2529588.
    """
    run = likelihoods.complementary_log_log
    return _fit("hazard ratio", run, outcome, design, days)


def negative_binomial(counts: ArrayLike, design: pd.DataFrame, days: ArrayLike) -> Fit:
    """Negative binomial regression of counts with unequal time at risk.

    E n = t exp(a + x b) and Var n = mu + alpha mu^2 (NB2), by full maximum likelihood;
    standard errors from the whole Hessian, alpha included. Where counts spread no more than a
    Poisson model allows, the answer is that model, and ``dispersion`` 0 says so.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
    design : DataFrame, shape (n, k)
    days : array_like, shape (n,)
        Time at risk, above 0.

    Returns
    -------
    Fit

    References
    ----------
    Lawless 1987, doi 10.2307/3314912.
    """
    run = likelihoods.negative_binomial_or_poisson
    return _fit("rate ratio", run, counts, design, days, binary=False)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjustment of p values; a missing one stays missing and does not count.

    Parameters
    ----------
    p : array_like, shape (m,)

    Returns
    -------
    array, shape (m,)

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.01, 0.03, np.nan, 0.2]).round(3).tolist()
    [0.04, 0.04, 0.06, nan, 0.2]
    """
    given = np.asarray(p, float)
    out = np.full(given.shape, np.nan)
    known = ~np.isnan(given)
    if known.any():
        out[known] = multipletests(given[known], method="holm")[1]
    return out


@dataclass(frozen=True)
class Settled:
    """Estimates that may be believed; intercept first, alpha of a count model last.

    Attributes
    ----------
    b, se : float arrays, shape (1 + k,) or (2 + k,)
    effects : float array, shape (k, 3)
        Average marginal effects with bounds; NaN where the model has none.
    log_likelihood : float
    """

    b: NDArray[np.float64]
    se: NDArray[np.float64]
    effects: NDArray[np.float64]
    log_likelihood: float


def _fit(
    scale: str,
    run: Callable[[Rows], Maximum],
    outcome: ArrayLike,
    design: pd.DataFrame,
    days: ArrayLike | None,
    binary: bool = True,
    linked: csr_array | None = None,
) -> Fit:
    refuse_unlike_people(outcome, design, days)
    if linked is not None and linked.shape != (len(design), len(design)):
        raise ValueError(f"linked has shape {linked.shape} for {len(design)} people.")
    y = np.asarray(outcome, float)
    refuse_unless_yes_no("outcome", y) if binary else refuse_unless_whole("counts", y)
    x, t, links = design, np.ones(len(y)) if days is None else np.asarray(days, float), linked
    complete = (design.notna().all(axis=1) & ~np.isnan(y) & (t > 0)).to_numpy(bool)
    if not complete.all():
        y, x, t = y[complete], design[complete], t[complete]
        links = None if linked is None else linked[complete][:, complete]
    x = x.reset_index(drop=True).astype(float, copy=False)
    matrix = np.column_stack([np.ones(len(x)), x.to_numpy()])
    rows = likelihoods.alike(y, matrix, np.log(t))
    if len(rows.y) < len(y):
        x = pd.DataFrame(rows.x[:, 1:], columns=x.columns)
    has = rows.y > 0
    reasons = unusable(x, has, binary)
    kept = [name for name in x.columns if name not in reasons]
    rests_on = guards(x, has, binary, rows.weight)
    problem = too_few(y > 0, len(kept), binary)
    at = np.append(True, x.columns.isin(kept))
    whole = None if links is None else (y, matrix[:, at], links)
    settled = None if problem else _settle(run, rows.of(at), whole)
    if settled is None:
        names = separating_terms(has, x[kept]) if binary and not problem else []
        if names:
            problem = f"the outcome is fully told by {listed(names)}, so no estimate is finite"
        problem = problem or "the estimation did not settle on one answer"
        reasons = {name: reasons.get(name, problem) for name in x.columns}
        terms = term_table(rests_on, [], None, reasons)
        return Fit(scale, terms, len(y), int((y > 0).sum()), problem=problem)
    has_alpha = len(settled.b) > len(kept) + 1
    no_alpha = 0.0 if scale == "rate ratio" else np.nan
    return Fit(
        scale,
        term_table(rests_on, kept, settled, reasons),
        len(y),
        int((y > 0).sum()),
        intercept=float(settled.b[0]),
        dispersion=float(settled.b[-1]) if has_alpha else no_alpha,
        dispersion_se=float(settled.se[-1]) if has_alpha else np.nan,
        log_likelihood=settled.log_likelihood,
    )


def refuse_unlike_people(outcome: ArrayLike, design: pd.DataFrame, days: ArrayLike | None) -> None:
    """Refuse arguments of a regression that do not hold one finite time for each person.

    Raises
    ------
    ValueError
        If lengths or indices differ, two terms have one name, or a time is infinite.
    """
    refuse_unlike_rows(outcome=outcome, design=design, days=days)
    refuse_twins(design)
    if days is not None and np.isinf(np.asarray(days, float)).any():
        raise ValueError("Values of days are infinite; every time must be a finite number.")


def _settle(
    run: Callable[[Rows], Maximum],
    rows: Rows,
    linked: tuple[NDArray[np.float64], NDArray[np.float64], csr_array] | None,
) -> Settled | None:
    """The largest likelihood, or None where it may not be believed.

    ``linked`` holds outcome, terms and links of all people, where some are linked.
    """
    spread = likelihoods.spreads(rows)
    spread[0] = 1.0
    with np.errstate(all="ignore"):
        found = run(rows)
        b, se = found.params, np.sqrt(np.diag(found.covariance))
        steep = np.isfinite(b).all() and bool((se[: len(spread)] * spread < FLAT).all())
        if not (found.converged and steep and 0 <= found.left < LEFT_TO_CLIMB):
            return None
    effects = np.full((len(spread) - 1, 3), np.nan)
    if run is likelihoods.logistic:
        effects = likelihoods.average_effects(rows, found)
    if linked is not None:
        se = _linked_se(found, *linked)
    return Settled(b, se, effects, found.log_likelihood)


def _linked_se(
    found: Maximum, y: NDArray[np.float64], x: NDArray[np.float64], linked: csr_array
) -> NDArray[np.float64]:
    """Standard errors with the cross products of the scores of linked people."""
    score = x * (y - expit(x @ found.params))[:, None]
    middle = score.T @ score + score.T @ (linked @ score)
    variance = np.diag(found.covariance @ middle @ found.covariance)
    return np.sqrt(np.maximum(variance, np.diag(found.covariance)))


def term_table(
    rests_on: pd.DataFrame, kept: list[str], settled: Settled | None, reasons: dict[str, str]
) -> pd.DataFrame:
    """The terms of a :class:`Fit` from what was estimated, and why others were not.

    Parameters
    ----------
    rests_on : DataFrame
        From :func:`.diagnosis.guards`.
    kept : list of str
        Terms of ``settled``, in its order.
    settled : Settled or None
    reasons : dict of str to str
        By term.
    """
    out = rests_on.assign(**{name: np.nan for name in _NUMBERS + _EFFECTS})
    out["reason"] = [reasons.get(name, "") for name in out["term"]]
    if settled is not None and kept:
        at = out["term"].isin(kept).to_numpy()
        b, se = settled.b[1 : len(kept) + 1], settled.se[1 : len(kept) + 1]
        ratio = [np.exp(b), np.exp(b - _Z * se), np.exp(b + _Z * se)]
        values = [b, se, *ratio, 2 * norm.sf(np.abs(b / se))]
        out.loc[at, _NUMBERS] = np.column_stack(values)
        out.loc[at, _EFFECTS] = settled.effects
    return out[["term", *_NUMBERS, *_EFFECTS, "people", "events", "reason"]]
