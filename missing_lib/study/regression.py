"""Logistic and count regressions that say by name why they cannot be had."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests
from statsmodels.tools.sm_exceptions import PerfectSeparationError

#: Fewer people than this with the outcome, or without it, and nothing is fitted.
MIN_EVENTS = 10
#: Fewer of them than this for each term, and nothing is fitted
#: (Vittinghoff and McCulloch 2007, doi 10.1093/aje/kwk052).
EVENTS_PER_TERM = 5
#: A standard error, in standard deviations of its term, that only a flat likelihood has.
FLAT = 10.0
UNSETTLED = "the estimation did not settle on one answer"
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
        alpha of the negative binomial, variance mu + alpha mu^2; else NaN.
    dispersion_se : float
        Its standard error.
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
    """

    def run(y: NDArray[np.float64], x: NDArray[np.float64], _: NDArray[np.float64]) -> Any:
        return sm.Logit(y, x).fit(method="newton", maxiter=60, tol=1e-12, disp=False)

    return _fit("odds ratio", run, outcome, design, np.ones(len(design)), linked=linked)


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
    """

    def run(y: NDArray[np.float64], x: NDArray[np.float64], t: NDArray[np.float64]) -> Any:
        link = sm.families.links.CLogLog()
        model = sm.GLM(y, x, family=sm.families.Binomial(link=link), offset=np.log(t))
        return model.fit(method="newton", maxiter=60, tol=1e-10)

    return _fit("hazard ratio", run, outcome, design, np.asarray(days, float))


def negative_binomial(counts: ArrayLike, design: pd.DataFrame, days: ArrayLike) -> Fit:
    """Negative binomial regression of counts with unequal time at risk.

    E n = t exp(a + x b) and Var n = mu + alpha mu^2 (NB2), by full maximum likelihood;
    standard errors from the whole Hessian, alpha included.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
    design : DataFrame, shape (n, k)
    days : array_like, shape (n,)
        Time at risk, above 0.

    Returns
    -------
    Fit
    """

    def run(y: NDArray[np.float64], x: NDArray[np.float64], t: NDArray[np.float64]) -> Any:
        model = sm.NegativeBinomial(y, x, loglike_method="nb2", offset=np.log(t))
        rough = model.fit(method="bfgs", maxiter=300, disp=False)
        return model.fit(start_params=rough.params, method="newton", maxiter=60, disp=False)

    return _fit("rate ratio", run, counts, design, np.asarray(days, float), binary=False)


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


def separating_terms(outcome: ArrayLike, design: pd.DataFrame) -> list[str]:
    """Terms whose combination splits the people with the outcome from those without.

    Estimates are infinite exactly if some direction b has s_i (1, x_i) b >= 0 for everybody
    (s_i = 1 with the outcome, -1 without) and > 0 for somebody; found by linear programming.

    Returns
    -------
    list of str
        Terms of that direction; empty where the estimates are finite.

    References
    ----------
    Albert and Anderson 1984, doi 10.1093/biomet/71.1.1.
    """
    sign = np.where(np.asarray(outcome, bool), 1.0, -1.0)
    scale = design.std(ddof=0).replace(0, 1).to_numpy()
    x = np.column_stack([np.ones(len(design)), design.to_numpy(float) / scale])
    rows, times = np.unique(sign[:, None] * x, axis=0, return_counts=True)
    found = linprog(-(times @ rows), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1))
    if not found.success or -found.fun < 1e-6:
        return []
    return [name for name, b in zip(design.columns, found.x[1:], strict=True) if abs(b) > 1e-6]


def _fit(
    scale: str,
    run: Callable[..., Any],
    outcome: ArrayLike,
    design: pd.DataFrame,
    days: NDArray[np.float64],
    binary: bool = True,
    linked: csr_array | None = None,
) -> Fit:
    y = np.asarray(outcome, float)
    complete = (design.notna().all(axis=1) & ~np.isnan(y) & (days > 0)).to_numpy(bool)
    y, x, t = y[complete], design[complete].reset_index(drop=True).astype(float), days[complete]
    has = y > 0
    reasons = _unusable(x, has, binary)
    kept = [name for name in x.columns if name not in reasons]
    guards = _guards(x, has, binary)
    problem = _too_few(has, len(kept), binary)
    result: Any = None
    if not problem:
        result, problem = _run(run, y, x[kept], t)
    if problem == UNSETTLED and binary and (names := separating_terms(has, x[kept])):
        problem = f"the outcome is fully told by {_listed(names)}, so no estimate is finite"
    people, events = len(y), int(has.sum())
    if problem:
        reasons = {name: reasons.get(name, problem) for name in x.columns}
        terms = _terms(guards, [], None, reasons, np.array([]))
        return Fit(scale, terms, people, events, problem=problem)
    extra = len(result.params) > len(kept) + 1
    se = np.asarray(result.bse)
    if linked is not None:
        se = _linked_se(result, y, linked[complete][:, complete])
    return Fit(
        scale,
        _terms(guards, kept, result, reasons, se),
        people,
        events,
        intercept=float(result.params[0]),
        dispersion=float(result.params[-1]) if extra else np.nan,
        dispersion_se=float(result.bse[-1]) if extra else np.nan,
        log_likelihood=float(result.llf),
    )


def _run(
    run: Callable[..., Any],
    y: NDArray[np.float64],
    x: pd.DataFrame,
    t: NDArray[np.float64],
) -> tuple[Any, str]:
    """The result of statsmodels, or the reason why it may not be believed."""
    matrix = np.column_stack([np.ones(len(x)), x.to_numpy()])
    spread = np.append(1.0, x.std(ddof=0).to_numpy())
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = run(y, matrix, t)
        except (np.linalg.LinAlgError, PerfectSeparationError, ValueError):
            result = None
        if result is not None:
            converged = bool(getattr(result, "converged", result.mle_retvals["converged"]))
            se = np.asarray(result.bse)
            finite = converged and np.isfinite(se).all() and np.isfinite(result.params).all()
            if finite and (se[: len(spread)] * spread < FLAT).all():
                return result, ""
    return None, UNSETTLED


def _linked_se(result: Any, y: NDArray[np.float64], linked: csr_array) -> NDArray[np.float64]:
    """Standard errors with the cross products of the scores of linked people."""
    score = result.model.exog * (y - result.predict())[:, None]
    middle = score.T @ score + score.T @ (linked @ score)
    inverse = np.asarray(result.cov_params())
    variance = np.diag(inverse @ middle @ inverse)
    return np.sqrt(np.maximum(variance, np.diag(inverse)))


def _too_few(has: NDArray[np.bool_], terms: int, binary: bool) -> str:
    fewest = int(min(has.sum(), (~has).sum()) if binary else has.sum())
    if fewest < MIN_EVENTS:
        return "too few people with the outcome, or without it"
    if fewest < EVENTS_PER_TERM * terms:
        return "too few people with the outcome for so many terms"
    return ""


def _unusable(x: pd.DataFrame, has: NDArray[np.bool_], binary: bool) -> dict[str, str]:
    """Terms that cannot be estimated, each with its reason."""
    reasons: dict[str, str] = {}
    kept: list[str] = []
    for name in x.columns:
        value = x[name].to_numpy()
        if len(value) == 0 or np.ptp(value) == 0:
            reasons[name] = "the same for everybody"
            continue
        others = np.column_stack([np.ones(len(x)), x[kept].to_numpy()])
        b, _, _, _ = np.linalg.lstsq(others, value, rcond=None)
        if np.std(value - others @ b) < 1e-8 * np.std(value):
            twins = [k for k, weight in zip(kept, b[1:], strict=True) if abs(weight) > 1e-8]
            reasons[name] = f"cannot be told apart from {_listed(twins)}"
            continue
        levels = np.unique(value)
        if len(levels) == 2:
            on = value == levels[1]
            empty = [not has[on].any(), not has[~on].any()]
            empty += [has[on].all(), has[~on].all()] if binary else []
            if any(empty):
                reasons[name] = _EMPTY_CELL[empty.index(True)]
                continue
        kept.append(name)
    return reasons


_EMPTY_CELL = (
    "nobody with it has the outcome",
    "nobody without it has the outcome",
    "everybody with it has the outcome",
    "everybody without it has the outcome",
)


def _guards(x: pd.DataFrame, has: NDArray[np.bool_], binary: bool) -> pd.DataFrame:
    """Fewest people, and fewest with or without the outcome, on which each term rests."""
    rows = []
    outcomes = (True, False) if binary else (True,)
    for name in x.columns:
        value = x[name].to_numpy()
        levels = np.unique(value)
        sides = (
            [value == level for level in levels] if len(levels) <= 2 else [np.ones(len(x), bool)]
        )
        people = min((int(s.sum()) for s in sides), default=0) if len(levels) > 1 else 0
        cells = [int((has[s] == wanted).sum()) for s in sides for wanted in outcomes]
        rows.append((name, people, min(cells, default=0)))
    return pd.DataFrame(rows, columns=["term", "people", "events"])


def _terms(
    guards: pd.DataFrame,
    kept: list[str],
    result: Any,
    reasons: dict[str, str],
    all_se: NDArray[np.float64],
) -> pd.DataFrame:
    out = guards.assign(**{name: np.nan for name in _NUMBERS + _EFFECTS})
    out["reason"] = [reasons.get(name, "") for name in out["term"]]
    if kept:
        at = out["term"].isin(kept).to_numpy()
        b = np.asarray(result.params)[1 : len(kept) + 1]
        se = all_se[1 : len(kept) + 1]
        ratio = [np.exp(b), np.exp(b - _Z * se), np.exp(b + _Z * se)]
        values = [b, se, *ratio, 2 * norm.sf(np.abs(b / se))]
        out.loc[at, _NUMBERS] = np.column_stack(values)
        if isinstance(result.model, sm.Logit):
            margins = result.get_margeff(at="overall", method="dydx", dummy=True)
            effect = np.column_stack([margins.margeff, margins.conf_int()])
            out.loc[at, _EFFECTS] = effect
    return out[["term", *_NUMBERS, *_EFFECTS, "people", "events", "reason"]]


def _listed(names: list[str]) -> str:
    plain = [name.replace("_", " ") for name in names]
    return plain[0] if len(plain) == 1 else f"{', '.join(plain[:-1])} and {plain[-1]}"
