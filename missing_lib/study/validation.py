"""How good a forecast is: what it tells apart, whether its chances are right, whether it helps.

Throughout, the outcome is yes or no and the forecast a probability. People without one of the
two are left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit, xlogy
from scipy.stats import norm, rankdata

from missing_lib.study.intervals import wilson
from missing_lib.study.newton import settled

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Discrimination:
    """Area under the receiver operating characteristic curve.

    Attributes
    ----------
    auc : float
        Chance that somebody with the outcome has a higher score than somebody without, ties
        counting half; NaN where all or none have the outcome.
    se : float
        DeLong's; NaN with fewer than two people on either side.
    lower, upper : float
        Wald bounds, cut at 0 and 1. A single point where the score separates: no certainty.
    cases, controls : int
        People with and without the outcome.
    left_out : int
        People without outcome or score.
    """

    auc: float
    se: float
    lower: float
    upper: float
    cases: int
    controls: int
    left_out: int


@dataclass(frozen=True)
class Calibration:
    """Agreement of forecast and observed chances, on the logit scale.

    Attributes
    ----------
    slope, slope_se, intercept : float
        Of logit P(y = 1) = intercept + slope logit(p); a slope below 1 means forecasts that
        are too extreme.
    in_the_large, in_the_large_se : float
        Intercept with the slope held at 1: above 0, more happened than was forecast.
    observed, expected : float
        Number with the outcome, and sum of the forecasts.
    problem : str
        Why slope or intercepts are NaN; empty where they stand.
    """

    slope: float
    slope_se: float
    intercept: float
    in_the_large: float
    in_the_large_se: float
    observed: float
    expected: float
    problem: str = ""

    @property
    def observed_expected(self) -> float:
        """Observed over expected; NaN where nothing was expected."""
        return self.observed / self.expected if self.expected > 0 else np.nan


@dataclass(frozen=True)
class Scores:
    """Proper scores of a forecast; NaN where nobody has both outcome and forecast.

    Attributes
    ----------
    brier, brier_null : float
        Mean squared error, and that of forecasting the observed share for everybody.
    scaled_brier : float
        1 - brier / brier_null: 0 is no better than the share, 1 is perfect.
    log_score : float
        Mean of -log of the chance given to what happened; infinite once that was 0.
    spiegelhalter_z : float
        Standard normal if the forecasts are the true chances.
    spiegelhalter_p : float
        Two-sided.
    """

    brier: float
    brier_null: float
    scaled_brier: float
    log_score: float
    spiegelhalter_z: float
    spiegelhalter_p: float


@dataclass(frozen=True)
class Classification:
    """What flagging everybody at or above a threshold gets right; NaN where nobody counts.

    Attributes
    ----------
    sensitivity, specificity : float
        Share flagged of those with, and not flagged of those without the outcome.
    ppv, npv : float
        Share with the outcome of those flagged, and without it of those not flagged.
    flagged : int
        People at or above the threshold.
    """

    sensitivity: float
    specificity: float
    ppv: float
    npv: float
    flagged: int


def discrimination(outcome: ArrayLike, score: ArrayLike, level: float = 0.95) -> Discrimination:
    """Area under the curve with DeLong's interval, from ranks in time n log n.

    The variance is var(V)/m + var(W)/n, V the share of the n controls that each case outranks
    and W the share of the m cases that outrank each control.

    Parameters
    ----------
    outcome : array_like of bool, shape (people,)
    score : array_like, shape (people,)
        Any number, larger where the outcome is thought likelier.
    level : float
        Of the interval.

    Returns
    -------
    Discrimination

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, doi 10.2307/2531595; ranks: Sun and Xu 2014,
    doi 10.1109/LSP.2014.2337313.

    Examples
    --------
    >>> found = discrimination([0, 0, 1, 1], [1, 2, 2, 3])
    >>> found.auc, found.se
    (0.875, 0.1767766952966369)
    """
    y, s, left_out = _pairs(outcome, score)
    cases, controls = s[y], s[~y]
    m, n = len(cases), len(controls)
    if not m or not n:
        return Discrimination(np.nan, np.nan, np.nan, np.nan, m, n, left_out)
    ranks = rankdata(s)
    outranked = (ranks[y] - rankdata(cases)) / n
    outranking = 1 - (ranks[~y] - rankdata(controls)) / m
    auc = float(outranked.mean())
    se = np.nan
    if min(m, n) > 1:
        se = float(np.sqrt(outranked.var(ddof=1) / m + outranking.var(ddof=1) / n))
    half = norm.ppf((1 + level) / 2) * se
    low, high = np.clip([auc - half, auc + half], 0, 1)
    return Discrimination(auc, se, float(low), float(high), m, n, left_out)


def calibration(outcome: ArrayLike, forecast: ArrayLike) -> Calibration:
    """Calibration slope, intercept and in-the-large of a forecast.

    Parameters
    ----------
    outcome : array_like of bool, shape (people,)
    forecast : array_like, shape (people,)
        Probabilities.

    Returns
    -------
    Calibration
        NaN, and the reason, where forecasts of 0 or 1 have no logit, all or none have the
        outcome, the forecast is the same for all, or it splits those with the outcome from
        those without.

    References
    ----------
    Cox 1958, doi 10.1093/biomet/45.3-4.562; Van Calster et al. 2019,
    doi 10.1186/s12916-019-1466-7.

    Examples
    --------
    >>> found = calibration([0, 1, 0, 1, 1, 0], [0.2, 0.2, 0.5, 0.5, 0.8, 0.8])
    >>> round(found.slope, 6), round(found.observed_expected, 6)
    (0.0, 1.0)
    """
    y, p, _ = _pairs(outcome, forecast, probability=True)
    problem = _no_level(y, p)
    sums = float(y.sum()), float(p.sum())
    if problem:
        return Calibration(np.nan, np.nan, np.nan, np.nan, np.nan, *sums, problem)
    lp = logit(p)
    nan = np.nan
    try:
        level, level_se = settled(y, np.ones((len(y), 1)), lp)
    except ValueError:
        return Calibration(nan, nan, nan, nan, nan, *sums, "the forecast is far too extreme")
    large = float(level[0]), float(level_se[0])
    problem = _no_slope(y, lp)
    if problem:
        return Calibration(nan, nan, nan, *large, *sums, problem)
    line, line_se = settled(y, np.column_stack([np.ones(len(y)), lp]))
    return Calibration(float(line[1]), float(line_se[1]), float(line[0]), *large, *sums)


def scores(outcome: ArrayLike, forecast: ArrayLike) -> Scores:
    """Brier score, scaled and not, logarithmic score, and Spiegelhalter's test.

    z = sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p (1 - p)).

    References
    ----------
    Brier 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Spiegelhalter 1986,
    doi 10.1002/sim.4780050506; Steyerberg et al. 2010, doi 10.1097/EDE.0b013e3181c30fb2.

    Examples
    --------
    >>> found = scores([0, 1], [0.25, 0.75])
    >>> found.brier, found.scaled_brier
    (0.0625, 0.75)
    """
    y, p, _ = _pairs(outcome, forecast, probability=True)
    if not len(y):
        return Scores(*[np.nan] * 6)
    brier = float(np.mean((y - p) ** 2))
    share = float(y.mean())
    null = share * (1 - share)
    spread = float(np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))
    z = float(((y - p) * (1 - 2 * p)).sum()) / spread if spread > 0 else np.nan
    return Scores(
        brier=brier,
        brier_null=null,
        scaled_brier=1 - brier / null if null > 0 else np.nan,
        log_score=float(-(xlogy(y, p) + xlogy(~y, 1 - p)).mean()),
        spiegelhalter_z=z,
        spiegelhalter_p=float(2 * norm.sf(abs(z))),
    )


def classification(outcome: ArrayLike, forecast: ArrayLike, threshold: float) -> Classification:
    """Sensitivity, specificity and predictive values at p >= threshold.

    Examples
    --------
    >>> found = classification([0, 0, 1, 1], [0.1, 0.3, 0.2, 0.9], threshold=0.2)
    >>> found.sensitivity, found.specificity, found.flagged
    (1.0, 0.5, 3)
    """
    y, p, _ = _pairs(outcome, forecast, probability=True)
    flagged = p >= threshold
    return Classification(
        sensitivity=_share(flagged, y),
        specificity=_share(~flagged, ~y),
        ppv=_share(y, flagged),
        npv=_share(~y, ~flagged),
        flagged=int(flagged.sum()),
    )


def net_benefit(
    outcome: ArrayLike, forecast: ArrayLike, thresholds: Sequence[float]
) -> pd.DataFrame:
    """Net benefit of acting on a forecast, and of acting for everybody.

    TP/n - FP/n t/(1 - t) at the threshold t from which one would act (p >= t): false alarms
    are charged at the odds at which one is just willing to act. Acting for nobody has 0.

    Parameters
    ----------
    outcome : array_like of bool, shape (people,)
    forecast : array_like, shape (people,)
    thresholds : sequence of float
        In (0, 1).

    Returns
    -------
    DataFrame
        ``threshold``, ``model``, ``treat_all``, ``standardised`` (model over the share with
        the outcome: 1 is perfect; NaN where nobody has it) and ``flagged`` (people).

    Raises
    ------
    ValueError
        If a threshold is not between 0 and 1.

    References
    ----------
    Vickers and Elkin 2006, doi 10.1177/0272989X06295361; standardised: Kerr et al. 2016,
    doi 10.1200/JCO.2015.65.5654.

    Examples
    --------
    >>> net_benefit([0, 1], [0.3, 0.6], [0.5])[["model", "treat_all"]].values.tolist()
    [[0.5, 0.0]]
    """
    t = np.asarray(thresholds, dtype=float)
    if not ((t > 0) & (t < 1)).all():
        raise ValueError("a threshold of net benefit lies between 0 and 1")
    y, p, _ = _pairs(outcome, forecast, probability=True)
    n, odds = len(y), t / (1 - t)

    def reached(values: Floats) -> Floats:
        return (len(values) - np.searchsorted(np.sort(values), t, side="left")).astype(float)

    hits, alarms = reached(p[y]), reached(p[~y])
    share = float(y.mean()) if n else np.nan
    model = (hits - alarms * odds) / n if n else np.full(len(t), np.nan)
    return pd.DataFrame(
        {
            "threshold": t,
            "model": model,
            "treat_all": share - (1 - share) * odds,
            "standardised": model / share if share > 0 else np.nan,
            "flagged": (hits + alarms).astype(int),
        }
    )


def calibration_bands(outcome: ArrayLike, forecast: ArrayLike, bands: int = 10) -> pd.DataFrame:
    """Mean forecast and observed share in bands of the forecast with about equally many people.

    The ranks 1 to n of the forecasts (people with the same forecast in the order given) are
    cut at equal distances: rank r is in band ceil(bands (r - 1)/(n - 1)), the lowest in 1.

    Returns
    -------
    DataFrame
        ``band`` (bands that nobody is in are left out), ``people``, ``events``, ``forecast``
        (mean), ``observed`` (share) with ``lower`` and ``upper`` (95 %, Wilson).

    Examples
    --------
    >>> found = calibration_bands([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], bands=2)
    >>> found[["band", "people", "observed"]].values.tolist()
    [[1.0, 2.0, 0.5], [2.0, 2.0, 0.5]]
    """
    y, p, _ = _pairs(outcome, forecast, probability=True)
    rank = rankdata(p, method="ordinal") - 1
    # in whole numbers, so that no rounding moves anybody across a cut
    band = np.maximum(-(-bands * rank // max(len(p) - 1, 1)), 1)
    groups = pd.DataFrame({"band": band, "y": y.astype(int), "p": p}).groupby("band")
    table = groups.agg(people=("y", "size"), events=("y", "sum"), forecast=("p", "mean"))
    table["observed"] = table["events"] / table["people"]
    bounds = [wilson(e, n) for e, n in zip(table["events"], table["people"], strict=True)]
    table["lower"] = [low for low, _ in bounds]
    table["upper"] = [high for _, high in bounds]
    return table.reset_index()


def _pairs(
    outcome: ArrayLike, forecast: ArrayLike, probability: bool = False
) -> tuple[NDArray[np.bool_], Floats, int]:
    """Outcome and forecast of who has both, and how many have not."""
    given, value = np.asarray(outcome), np.asarray(forecast, dtype=float)
    used = ~np.asarray(pd.isna(given)) & ~np.isnan(value)
    if probability and not ((value[used] >= 0) & (value[used] <= 1)).all():
        raise ValueError("a forecast lies between 0 and 1")
    return given[used].astype(bool), value[used], int((~used).sum())


def _share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(of[among].mean()) if among.any() else np.nan


def _no_level(y: NDArray[np.bool_], p: Floats) -> str:
    if not y.any() or y.all():
        return "all or none have the outcome"
    if (p == 0).any() or (p == 1).any():
        return "a forecast of exactly 0 or 1 has no logit"
    return ""


def _no_slope(y: NDArray[np.bool_], lp: Floats) -> str:
    if lp.max() == lp.min():
        return "the forecast is the same for everybody"
    if lp[y].min() >= lp[~y].max() or lp[y].max() <= lp[~y].min():
        return "the forecast splits those with the outcome from those without: no finite slope"
    return ""
