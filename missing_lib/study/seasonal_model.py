"""Season, trend and the change of definition in monthly incidents, by a model of counts.

log E(incidents in a month) = log(days at risk) + mean + season + trend + step. The season is two
waves, of twelve and of six months. The counts vary more than Poisson counts and neighbouring
months resemble each other, for two reasons: something that all share in a month, and people whose
incidents come in clusters. Each gives a covariance of its own; the intervals use the larger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_array

from missing_lib.study.cohort import ERA_CHANGE
from missing_lib.study.intervals import Interval
from missing_lib.study.monthly import Series

Floats = NDArray[np.float64]

#: Months that a study must have before a season and a trend can be told apart.
LEAST_MONTHS = 24
#: Months that a study must have on each side of the change of definition.
LEAST_AROUND = 12
#: Incidents that the model needs in all, of as many people, and on each side of a step.
LEAST_INCIDENTS = 10
#: p value below which a season is said to be seen.
SMALL = 0.05
#: p values below this are printed as this: further down in a tail the law is not known so well.
SMALLEST = 0.001
SEASON = ["year_cos", "year_sin", "half_cos", "half_sin"]

_YEAR = 12.0
_NEWTON_STEPS = 50
_SETTLED = 1e-10
#: A log ratio that no series of months can carry; beyond it Newton's steps have run away.
_AWAY = 15.0
_CORRELATIONS = np.linspace(0.0, 0.95, 96)


@dataclass(frozen=True)
class Ratio:
    """A ratio of rates with its 95 % interval; NaN where it cannot be had, and why.

    Attributes
    ----------
    estimate, lower, upper : float
    people : int
        Fewest people on either side of what is compared.
    reason : str
        Empty where there is an estimate.
    """

    estimate: float
    lower: float
    upper: float
    people: int
    reason: str = ""


@dataclass(frozen=True)
class SeriesFit:
    """The fitted model.

    Attributes
    ----------
    step : Ratio
        Rate from the change of definition on, over the rate before.
    trend : Ratio
        Rate of one year over that of the year before.
    season : Ratio
        Rate of the month with the highest wave over that of the lowest.
    season_p : float
        F test that there is no season.
    highest, lowest : int
        Calendar months (1 to 12) of the wave's top and bottom; 0 without a fit.
    expected : ndarray of float, shape (m,)
        Expected incidents by month; NaN without a fit.
    dispersion : float
        Variance over mean, one for Poisson counts.
    correlation : float
        Of neighbouring months, zero at least.
    problem : str
        Why nothing is fitted; empty where the model stands.
    """

    step: Ratio
    trend: Ratio
    season: Ratio
    season_p: float
    highest: int
    lowest: int
    expected: Floats
    dispersion: float
    correlation: float
    problem: str = ""


def fit_series(series: Series, change: pd.Timestamp = ERA_CHANGE) -> SeriesFit:
    """Fit season, trend and step by quasi-likelihood.

    The coefficients solve X'(y - mu) = 0, as for Poisson counts. With A = (X' diag(mu) X)^-1 the
    covariance is A M A, where M is one of two, whichever makes a standard error larger:

    * shared by all: M = f X' V^(1/2) R V^(1/2) X, V = diag(mu), R first-order autocorrelation.
      f and the correlation come from Pearson residuals, allowing for what fitting takes out of
      them (Zeger 1988, doi 10.1093/biomet/75.4.621, on the estimating equations);
    * by person: M = sum over persons of (X'y_i)(X'y_i)', their incidents being independent of
      those of others and of nothing else (Liang and Zeger 1986, doi 10.1093/biomet/73.1.13).

    Tests and bounds use t and F with the months less the coefficients as degrees of freedom. A
    sum over lags of the residuals (Newey and West) is not used: at 68 months and seven
    coefficients it rejected a step that was not there in 9 to 23 % of series at a nominal 5 %,
    and the season in 15 to 20 %.

    Parameters
    ----------
    series : Series
    change : Timestamp
        First day of the new definition.

    Returns
    -------
    SeriesFit
        With a problem named where the study is too short or holds too few incidents.
    """
    problem = _too_little(series)
    if problem:
        return _no_fit(series, problem)
    design = design_of(series, change)
    x = design.to_numpy()
    beta = _newton(series.incidents[None, :], x, series.days)[0]
    if np.isnan(beta).any():
        return _no_fit(series, "the model of monthly counts did not settle")
    mu = series.days * np.exp(x @ beta)
    dispersion, correlation = overdispersion(series.incidents, mu, x)
    covariances = [
        _shared(x, mu, dispersion, correlation),
        _by_person(x, mu, series.by_person),
    ]
    df = int((series.days > 0).sum()) - x.shape[1]
    names = list(design)
    where = [names.index(name) for name in SEASON]
    waves = _waves()
    level = waves @ beta[where]
    top, bottom = int(level.argmax()), int(level.argmin())
    contrast = np.zeros(len(names))
    contrast[where] = waves[top] - waves[bottom]
    people = series.by_person.shape[0]
    return SeriesFit(
        step=_step(series, names, beta, covariances, df, change),
        trend=_ratio(_unit(names, "trend"), beta, covariances, df, people),
        season=_ratio(contrast, beta, covariances, df, people),
        season_p=max(_f_test(beta[where], c[np.ix_(where, where)], df) for c in covariances),
        highest=top + 1,
        lowest=bottom + 1,
        expected=np.asarray(mu),
        dispersion=dispersion,
        correlation=correlation,
    )


def design_of(series: Series, change: pd.Timestamp) -> pd.DataFrame:
    """Terms of the model by month: mean, season, trend (in years) and, where it can be had, step.

    A month belongs to the new definition if its first day does.
    """
    number = series.months.month.to_numpy() - 1
    waves = _waves()[number]
    place = np.arange(len(series.months)) / _YEAR
    terms = {"mean": np.ones(len(place)), **dict(zip(SEASON, waves.T, strict=True))}
    terms["trend"] = place - place.mean()
    if not why_no_step(series, change):
        terms["step"] = _after(series, change).astype(float)
    return pd.DataFrame(terms)


def why_no_step(series: Series, change: pd.Timestamp) -> str:
    """Why the change of definition has no term; empty where it has one."""
    after = _after(series, change)
    if not after.any() or after.all():
        return "the study lies on one side of the change of definition"
    if min(after.sum(), (~after).sum()) < LEAST_AROUND:
        return "the study has less than a year on one side of the change of definition"
    sides = series.incidents[after].sum(), series.incidents[~after].sum()
    if min(sides) < LEAST_INCIDENTS:
        return "too few incidents lie on one side of the change of definition"
    return ""


def overdispersion(y: Floats, mu: Floats, x: Floats) -> tuple[float, float]:
    """Variance over mean, and correlation of neighbouring months, from Pearson residuals.

    Residuals of k fitted coefficients are smaller and less alike than the errors: with M the
    projection that leaves them, E(r r') = f M R M. The correlation is the one whose M R M has
    the ratio of lagged to squared sums that the residuals have.

    Returns
    -------
    dispersion : float
        One at least.
    correlation : float
        Zero at least.
    """
    used = mu > 0
    y, mu, x = y[used], mu[used], x[used]
    residual = (y - mu) / np.sqrt(mu)
    weighted = x * np.sqrt(mu)[:, None]
    left = np.eye(len(y)) - weighted @ np.linalg.pinv(weighted)
    # tr(M R M) = sum of R_ij M_ij, and its neighbour the sum of R_ij (M S M)_ij with S the shift,
    # so that both are polynomials in the correlation.
    apart = np.abs(np.subtract.outer(np.arange(len(y)), np.arange(len(y)))).ravel()
    powers = _CORRELATIONS[:, None] ** np.arange(len(y))
    squared = powers @ np.bincount(apart, left.ravel())
    lagged = powers @ np.bincount(apart, (left @ np.eye(len(y), k=1) @ left).ravel()) / squared
    seen = float(residual[1:] @ residual[:-1] / np.maximum(residual @ residual, 1e-300))
    at = int(np.searchsorted(np.maximum.accumulate(lagged), seen))
    at = min(at, len(_CORRELATIONS) - 1)
    dispersion = float(residual @ residual / squared[at])
    return max(dispersion, 1.0), float(_CORRELATIONS[at])


def step_by_people(
    series: Series, *, change: pd.Timestamp = ERA_CHANGE, draws: int = 400, seed: int = 1
) -> Interval:
    """Interval of the step when whole people are drawn anew, with all their incidents.

    Each person has weight Poisson(1), which is drawing from everybody known with replacement
    where those reported are a part of them; the days at risk are kept.

    Returns
    -------
    Interval
        Middle 95 % of the drawn steps; NaN where the model has no step.
    """
    if _too_little(series) or why_no_step(series, change):
        return Interval(np.nan, np.nan)
    design = design_of(series, change)
    rng, people = np.random.default_rng(seed), series.by_person.shape[0]
    by_month = series.by_person.T
    drawn = np.array([by_month @ rng.poisson(1.0, people) for _ in range(draws)], dtype=float)
    steps = _newton(drawn, design.to_numpy(), series.days)[:, list(design).index("step")]
    known = steps[np.isfinite(steps)]
    if known.size == 0:
        return Interval(np.nan, np.nan)
    return Interval(*(float(v) for v in np.exp(np.quantile(known, [0.025, 0.975]))))


def describe_step(fit: SeriesFit) -> str:
    """What the model says of the change of definition, as a template with ratio and between."""
    if fit.step.reason:
        return f"No step is estimated at the change of definition: {fit.step.reason}."
    told = (
        "From the month of the change on, the model has {ratio} times the incidents before "
        "(interval {between}), season and trend allowed for"
    )
    return told + _against_one(fit.step, "; a step up", "; a step down", "no step at all")


def describe_trend(fit: SeriesFit) -> str:
    """What the model says of the trend, as a template with ratio and between."""
    if fit.trend.reason:
        return f"No trend is estimated: {fit.trend.reason}."
    told = "From one year to the next the rate is multiplied by {ratio} (interval {between})"
    return told + _against_one(fit.trend, "; it rises", "; it falls", "no trend")


def describe_season(fit: SeriesFit) -> str:
    """What the model says of the season, as a template with p, ratio, between and two months."""
    if fit.season.reason:
        return f"No season is estimated: {fit.season.reason}."
    told = (
        "The wave over the year is highest in {highest} and lowest in {lowest}, with {ratio} "
        "times the incidents (interval {between}; test of any season, p = {p})"
    )
    if fit.season_p < SMALL:
        return told + ". Top and bottom were picked as such, so that their ratio errs upwards."
    return told + ". A wave of that size comes from chance alone often enough: no season is shown."


def _against_one(ratio: Ratio, above: str, below: str, nothing: str) -> str:
    if ratio.lower > 1:
        return above + "."
    if ratio.upper < 1:
        return below + "."
    return f". That agrees with {nothing}."


def _too_little(series: Series) -> str:
    if len(series.months) < LEAST_MONTHS:
        return "the study is shorter than two years, so season and trend cannot be told apart"
    if min(series.incidents.sum(), series.by_person.shape[0]) < LEAST_INCIDENTS:
        return "too few incidents, or people, for a model of months"
    if (series.incidents[series.days <= 0] > 0).any():
        return "incidents lie in a month in which nobody was at risk"
    if (series.days > 0).sum() < LEAST_MONTHS:
        return "in too many months nobody was at risk"
    return ""


def _no_fit(series: Series, problem: str) -> SeriesFit:
    none = Ratio(np.nan, np.nan, np.nan, 0, problem)
    return SeriesFit(
        none, none, none, np.nan, 0, 0, np.full(len(series.months), np.nan), np.nan, np.nan, problem
    )


def _step(
    series: Series,
    names: list[str],
    beta: Floats,
    covariances: list[Floats],
    df: int,
    change: pd.Timestamp,
) -> Ratio:
    reason = why_no_step(series, change)
    if reason:
        return Ratio(np.nan, np.nan, np.nan, 0, reason)
    after = _after(series, change)
    sides = [np.diff(series.by_person[:, side].indptr) > 0 for side in (after, ~after)]
    people = min(int(side.sum()) for side in sides)
    return _ratio(_unit(names, "step"), beta, covariances, df, people)


def _ratio(
    contrast: Floats, beta: Floats, covariances: list[Floats], df: int, people: int
) -> Ratio:
    """Ratio of rates of a contrast, with the larger of the standard errors."""
    log_ratio = float(contrast @ beta)
    se = max(float(np.sqrt(contrast @ c @ contrast)) for c in covariances)
    wide = float(stats.t.ppf(0.975, df)) * se
    low, mid, high = np.exp([log_ratio - wide, log_ratio, log_ratio + wide])
    return Ratio(float(mid), float(low), float(high), people)


def _f_test(beta: Floats, covariance: Floats, df: int) -> float:
    statistic = float(beta @ np.linalg.pinv(covariance, hermitian=True) @ beta) / len(beta)
    return float(stats.f.sf(statistic, len(beta), df))


def _shared(x: Floats, mu: Floats, dispersion: float, correlation: float) -> Floats:
    """Covariance where all share what moves a month."""
    bread = np.linalg.inv(x.T @ (mu[:, None] * x))
    half = x * np.sqrt(mu)[:, None]
    meat = dispersion * half.T @ _autocorrelation(len(mu), correlation) @ half
    return np.asarray(bread @ meat @ bread)


def _by_person(x: Floats, mu: Floats, by_person: csr_array) -> Floats:
    """Covariance where persons are independent of each other, and their incidents are not."""
    bread = np.linalg.inv(x.T @ (mu[:, None] * x))
    scores = np.asarray(by_person @ x)
    return np.asarray(bread @ (scores.T @ scores) @ bread)


def _autocorrelation(months: int, correlation: float) -> Floats:
    apart = np.abs(np.subtract.outer(np.arange(months), np.arange(months)))
    return np.asarray(np.where(apart == 0, 1.0, correlation**apart))


def _newton(y: Floats, x: Floats, days: Floats) -> Floats:
    """Poisson coefficients of each row of y, shape (sets, k); NaN where they run away."""
    used = days > 0
    y, x, offset = y[:, used], x[used], np.log(days[used])
    beta = np.zeros((len(y), x.shape[1]))
    beta[:, 0] = np.log(np.maximum(y.sum(axis=1), 0.5) / days[used].sum())
    for _ in range(_NEWTON_STEPS):
        mu = np.exp(np.clip(offset + beta @ x.T, -50, 50))
        information = np.einsum("sm,mi,mj->sij", mu, x, x)
        information += 1e-12 * np.eye(x.shape[1])
        step = np.linalg.solve(information, ((y - mu) @ x)[..., None])[..., 0]
        beta = beta + step / np.maximum(1.0, np.abs(step).max(axis=1) / 2)[:, None]
        if np.abs(step).max() < _SETTLED:
            break
    lost = (np.abs(step).max(axis=1) > np.sqrt(_SETTLED)) | (np.abs(beta[:, 1:]) > _AWAY).any(
        axis=1
    )
    return np.where(lost[:, None], np.nan, beta)


def _waves() -> Floats:
    """The two waves at each calendar month; shape (12, 4)."""
    angle = 2 * np.pi * np.arange(12) / 12
    return np.column_stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])


def _after(series: Series, change: pd.Timestamp) -> NDArray[np.bool_]:
    return np.asarray(series.months.start_time >= change)


def _unit(names: list[str], name: str) -> Floats:
    return np.array([float(one == name) for one in names])
