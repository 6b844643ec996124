"""Does it hold elsewhere: results of several forces pooled, each force held out in its turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import logit
from scipy.stats import chi2, norm
from scipy.stats import t as student

from missing_lib.study.optimism import Maker
from missing_lib.study.validation import calibration, discrimination, scores

Floats = NDArray[np.float64]
Method = Literal["DL", "REML"]


@dataclass(frozen=True)
class RandomEffects:
    """Mean over groups whose true values differ.

    Attributes
    ----------
    groups, left_out : int
        Groups pooled, and groups without an estimate or error.
    problem : str
        Why something is NaN; empty where nothing is.
    estimate, se : float
        Mean with weights 1/(v + tau2), and its standard error.
    lower, upper : float
        Normal (Wald) bounds of the mean.
    hksj_se, hksj_lower, hksj_upper : float
        Hartung and Knapp, Sidik and Jonkman: the error from the observed spread, with
        Student's t on K - 1. The one to print with few groups; may be the narrower where
        groups happen to agree.
    prediction_lower, prediction_upper : float
        Where the true value of a further group is expected, Student's t on K - 2; NaN with
        fewer than three groups.
    tau2 : float
        Variance of the true values between groups.
    i2 : float
        tau2 / (tau2 + typical v), per cent: the part of the observed spread that is real.
    q, q_p : float
        Cochran's Q and its p value: do the groups differ at all?
    """

    groups: int
    left_out: int
    problem: str = ""
    estimate: float = np.nan
    se: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    hksj_se: float = np.nan
    hksj_lower: float = np.nan
    hksj_upper: float = np.nan
    prediction_lower: float = np.nan
    prediction_upper: float = np.nan
    tau2: float = np.nan
    i2: float = np.nan
    q: float = np.nan
    q_p: float = np.nan


def random_effects(
    estimates: ArrayLike, errors: ArrayLike, method: Method = "REML", level: float = 0.95
) -> RandomEffects:
    """Pool one estimate a group, allowing for true differences between groups.

    tau2 of DerSimonian and Laird is (Q - (K - 1)) / (sum w - sum w^2 / sum w) with w = 1/v,
    at least 0; that of REML solves sum w^2 (y - mean)^2 = sum w - sum w^2 / sum w with
    w = 1/(v + tau2), 0 if the left side is the smaller there.

    Parameters
    ----------
    estimates : array_like, shape (K,)
        On a scale on which they are about normal (log of a ratio, logit of an AUC).
    errors : array_like, shape (K,)
        Their standard errors; a group with NaN in either is left out.
    method : {"DL", "REML"}
        How tau2 is estimated.
    level : float
        Of all intervals.

    Returns
    -------
    RandomEffects
        With one group its own estimate and interval, and nothing about differences.

    Raises
    ------
    ValueError
        If the method is unknown or a standard error is not above 0.

    Notes
    -----
    statsmodels' ``combine_effects`` agrees where tau2 is positive, but leaves a negative tau2
    (and I2) as it is, and has no REML.

    References
    ----------
    DerSimonian and Laird 1986, doi 10.1016/0197-2456(86)90046-2; REML: Viechtbauer 2005,
    doi 10.3102/10769986030003261; Hartung and Knapp 2001, doi 10.1002/sim.791; I2: Higgins and
    Thompson 2002, doi 10.1002/sim.1186; prediction: Higgins, Thompson and Spiegelhalter 2009,
    doi 10.1111/j.1467-985X.2008.00552.x.

    Examples
    --------
    >>> found = random_effects([0.9, 1.0, 1.3, 0.7], [0.1, 0.14, 0.17, 0.14], method="DL")
    >>> round(found.estimate, 3), round(found.tau2, 3), round(found.i2)
    (0.958, 0.028, 61)
    """
    if method not in get_args(Method):
        raise ValueError(f"{method!r} is none of {', '.join(get_args(Method))}")
    y, se = np.asarray(estimates, dtype=float), np.asarray(errors, dtype=float)
    used = np.isfinite(y) & np.isfinite(se)
    left_out = int((~used).sum())
    y, v = y[used], se[used] ** 2
    if not (v > 0).all():
        raise ValueError("a standard error is not above 0")
    k = len(y)
    if k < 2:
        return _too_few(y, np.sqrt(v), left_out, level)
    fixed = _mean(y, 1 / v)
    q = float((((y - fixed) ** 2) / v).sum())
    tau2 = _dersimonian_laird(q, v) if method == "DL" else _reml(y, v)
    w = 1 / (v + tau2)
    mean, error = _mean(y, w), float(w.sum() ** -0.5)
    hksj = float(np.sqrt((w * (y - mean) ** 2).sum() / (k - 1))) * error
    tail = (1 + level) / 2
    wald, knapp = norm.ppf(tail) * error, student.ppf(tail, k - 1) * hksj
    ahead = student.ppf(tail, k - 2) * np.sqrt(tau2 + error**2) if k > 2 else np.nan
    typical = (k - 1) * (1 / v).sum() / ((1 / v).sum() ** 2 - (v**-2.0).sum())
    return RandomEffects(
        estimate=mean,
        se=error,
        lower=float(mean - wald),
        upper=float(mean + wald),
        hksj_se=hksj,
        hksj_lower=float(mean - knapp),
        hksj_upper=float(mean + knapp),
        prediction_lower=float(mean - ahead),
        prediction_upper=float(mean + ahead),
        tau2=tau2,
        i2=float(100 * tau2 / (tau2 + typical)),
        q=q,
        q_p=float(chi2.sf(q, k - 1)),
        groups=k,
        left_out=left_out,
        problem="" if k > 2 else "two groups cannot say where a third will lie",
    )


def leave_one_group_out(
    outcome: ArrayLike, design: pd.DataFrame, groups: ArrayLike, make: Maker
) -> pd.DataFrame:
    """Internal-external validation: a forecast made without a group, measured on that group.

    Parameters
    ----------
    outcome : array_like of bool, shape (n,)
    design : DataFrame, shape (n, k)
    groups : array_like, shape (n,)
        The force, or another unit in which the forecast might not hold.
    make : callable
        ``make(outcome, design)`` returns a function from a design to probabilities, as
        :func:`missing_lib.study.optimism.logistic_forecast`; ValueError where it cannot.

    Returns
    -------
    DataFrame
        One row a group, in sorted order: ``group``, ``people``, ``events``; ``auc``,
        ``auc_se``; ``logit_auc``, ``logit_auc_se`` (delta method; NaN at an AUC of 0 or 1);
        ``slope``, ``slope_se``, ``in_the_large``, ``in_the_large_se``, ``brier``,
        ``observed_expected``; ``problem`` (why something is NaN, else empty). To be pooled
        column by column with :func:`random_effects`.

    Raises
    ------
    ValueError
        If there are fewer than two groups, or a row has none.

    References
    ----------
    Steyerberg and Harrell 2016, doi 10.1016/j.jclinepi.2015.04.005; Debray et al. 2017,
    doi 10.1136/bmj.i6460.

    Examples
    --------
    >>> from missing_lib.study.optimism import logistic_forecast
    >>> had = np.tile([True, False, False, True, False], 20)
    >>> x = pd.DataFrame({"x": np.tile([0, 0, 0, 1, 1], 20)})
    >>> held_out = leave_one_group_out(had, x, np.repeat(["a", "b"], 50), logistic_forecast)
    >>> held_out[["group", "people", "auc"]].round(3).values.tolist()
    [['a', 50, 0.583], ['b', 50, 0.583]]
    """
    y, where = np.asarray(outcome, dtype=bool), np.asarray(groups)
    if pd.isna(where).any():
        raise ValueError("a row belongs to no group")
    names = np.unique(where).tolist()
    if len(names) < 2:
        raise ValueError("leaving a group out needs at least two groups")
    return pd.DataFrame([_held_out(y, design, where == name, name, make) for name in names])


def _held_out(
    y: NDArray[np.bool_],
    design: pd.DataFrame,
    held: NDArray[np.bool_],
    name: object,
    make: Maker,
) -> dict[str, object]:
    there = y[held]
    problem = ""
    try:
        chance = make(y[~held], design[~held])(design[held])
    except ValueError as error:
        problem, chance = f"no forecast without this group: {error}", np.full(len(there), np.nan)
    area, level = discrimination(there, chance), calibration(there, chance)
    inside = 0 < area.auc < 1
    return {
        "group": name,
        "people": len(there),
        "events": int(there.sum()),
        "auc": area.auc,
        "auc_se": area.se,
        "logit_auc": float(logit(area.auc)) if inside else np.nan,
        "logit_auc_se": area.se / (area.auc * (1 - area.auc)) if inside else np.nan,
        "slope": level.slope,
        "slope_se": level.slope_se,
        "in_the_large": level.in_the_large,
        "in_the_large_se": level.in_the_large_se,
        "brier": scores(there, chance).brier,
        "observed_expected": level.observed_expected,
        "problem": problem or level.problem,
    }


def _too_few(y: Floats, se: Floats, left_out: int, level: float) -> RandomEffects:
    if not len(y):
        return RandomEffects(0, left_out, "no group")
    half = float(norm.ppf((1 + level) / 2) * se[0])
    return RandomEffects(
        1,
        left_out,
        "one group cannot say how groups differ",
        estimate=float(y[0]),
        se=float(se[0]),
        lower=float(y[0]) - half,
        upper=float(y[0]) + half,
    )


def _mean(y: Floats, w: Floats) -> float:
    return float((w * y).sum() / w.sum())


def _dersimonian_laird(q: float, v: Floats) -> float:
    w = 1 / v
    return max(0.0, float((q - (len(v) - 1)) / (w.sum() - (w**2).sum() / w.sum())))


def _reml(y: Floats, v: Floats) -> float:
    """Root of the restricted score in tau2."""

    def excess(tau2: float) -> float:
        w = 1 / (v + tau2)
        spread = (w**2 * (y - _mean(y, w)) ** 2).sum()
        return float(spread - (w.sum() - (w**2).sum() / w.sum()))

    if excess(0.0) <= 0:
        return 0.0
    high = float(np.var(y, ddof=1) + v.max())
    while excess(high) > 0:
        high *= 2
    # 4 eps is the finest that brentq allows
    return float(brentq(excess, 0.0, high, xtol=1e-300, rtol=4 * np.finfo(float).eps))
