"""Intervals of proportions, of rates and their ratio, and of whatever people are drawn anew for."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm
from statsmodels.stats.proportion import proportion_confint

#: Resampled populations unless asked otherwise.
DRAWS = 1000


class Interval(NamedTuple):
    """A 95 % interval; both ends NaN where there is nothing to resample."""

    low: float
    high: float


def wilson(part: float, whole: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, without continuity correction.

    Parameters
    ----------
    part, whole : float
        Number with the property, and number of all.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Lower and upper bound in [0, 1]; NaN where ``whole`` is 0.

    References
    ----------
    Wilson 1927, doi 10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson(0, 50)]
    [0.0, 0.071]
    """
    if not whole > 0:
        return math.nan, math.nan
    low, high = proportion_confint(part, whole, alpha=1 - level, method="wilson")
    return float(low), float(high)


def clopper_pearson(part: float, whole: float, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a proportion: the shares that neither tail of the binomial rejects.

    Parameters
    ----------
    part, whole : float
        Number with the property, and number of all.
    level : float
        Confidence level; the coverage is at least this, whatever the share.

    Returns
    -------
    tuple of float
        Lower and upper bound in [0, 1]; NaN where ``whole`` is 0.

    References
    ----------
    Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> [round(bound, 4) for bound in clopper_pearson(0, 50)]
    [0.0, 0.0711]
    """
    if not whole > 0:
        return math.nan, math.nan
    low, high = proportion_confint(part, whole, alpha=1 - level, method="beta")
    return float(low), float(high)


def poisson_exact(events: float, exposure: float, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a Poisson rate, events per unit of exposure.

    The bounds are chi2(a/2; 2x) / (2t) and chi2(1 - a/2; 2x + 2) / (2t) for x events in
    exposure t and a = 1 - level.

    Parameters
    ----------
    events : float
        Number of events.
    exposure : float
        Person-time, or expected number of events.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Lower and upper bound; NaN where ``exposure`` is 0.

    References
    ----------
    Garwood 1936, doi 10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> [round(bound, 4) for bound in poisson_exact(0, 50)]
    [0.0, 0.0738]
    """
    if not exposure > 0:
        return math.nan, math.nan
    tail = (1 - level) / 2
    low = chi2.ppf(tail, 2 * events) / 2 if events > 0 else 0.0
    high = chi2.ppf(1 - tail, 2 * events + 2) / 2
    return float(low / exposure), float(high / exposure)


def rate_ratio(
    events: tuple[float, float], exposure: tuple[float, float], level: float = 0.95
) -> tuple[float, float, float]:
    """Ratio of two Poisson rates, first over second, with its exact interval.

    Given both numbers together the first is binomial with chance r t1 / (r t1 + t2) at the ratio
    r, so that the bounds follow from those of :func:`clopper_pearson`.

    Parameters
    ----------
    events, exposure : tuple of float
        Numbers of events and person-time of the two groups.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Ratio, lower and upper bound; NaN where a group has no exposure or neither an event.

    References
    ----------
    Przyborowski and Wilenski 1940, doi 10.1093/biomet/31.3-4.313.

    Examples
    --------
    >>> [round(v, 3) for v in rate_ratio((20, 10), (100, 100))]
    [2.0, 0.894, 4.785]
    """
    (first, second), (time, other) = events, exposure
    if not (time > 0 and other > 0 and first + second > 0):
        return math.nan, math.nan, math.nan

    def odds(share: float) -> float:
        return math.inf if share >= 1 else share / (1 - share) * other / time

    low, high = clopper_pearson(first, first + second, level)
    return odds(first / (first + second)), odds(low), odds(high)


def standardised_rate(
    events: ArrayLike, exposure: ArrayLike, standard: ArrayLike, level: float = 0.95
) -> tuple[float, float, float]:
    """Directly standardised rate with its gamma interval.

    With weights w_i = standard_i / (exposure_i sum standard) the rate is y = sum w_i x_i and its
    variance v = sum w_i^2 x_i. The bounds are v/(2y) chi2(a/2; 2y^2/v) and
    (v + m^2)/(2(y + m)) chi2(1 - a/2; 2(y + m)^2/(v + m^2)), m the largest weight.

    Parameters
    ----------
    events, exposure : array_like, shape (strata,)
        Events and person-time of each stratum.
    standard : array_like, shape (strata,)
        Size of each stratum in the standard population.

    Returns
    -------
    tuple of float
        Rate, lower and upper bound; NaN where a stratum of the standard has no exposure.

    References
    ----------
    Fay and Feuer 1997,
    doi 10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#.

    Examples
    --------
    >>> [round(v, 4) for v in standardised_rate([5, 10], [100, 100], [1, 3])]
    [0.0875, 0.0465, 0.1511]
    """
    x, time, size = (np.asarray(given, dtype=float) for given in (events, exposure, standard))
    used = size > 0
    x, time, size = x[used], time[used], size[used]
    if len(size) == 0 or not (time > 0).all():
        return math.nan, math.nan, math.nan
    weight = size / size.sum() / time
    rate, variance = float(weight @ x), float(weight**2 @ x)
    tail, largest = (1 - level) / 2, float(weight.max())
    low = variance / (2 * rate) * chi2.ppf(tail, 2 * rate**2 / variance) if rate > 0 else 0.0
    wider, further = variance + largest**2, rate + largest
    high = wider / (2 * further) * chi2.ppf(1 - tail, 2 * further**2 / wider)
    return rate, float(low), float(high)


def bias_corrected(
    value: float, draws: ArrayLike, without_one: ArrayLike, people: ArrayLike
) -> Interval:
    """Bootstrap interval, corrected for bias and for a spread that changes with the value (BCa).

    The ends are quantiles of the draws at Phi(z0 + (z0 + z)/(1 - a (z0 + z))) with z the normal
    quantiles of 2.5 and 97.5 %. z0 says how many draws lie below the value; a is the skewness of
    what leaving one person out does.

    Parameters
    ----------
    value : float
        The statistic itself.
    draws : array_like, shape (draws,)
        The statistic in resampled populations; NaN where it could not be had.
    without_one : array_like, shape (kinds,)
        The statistic without one person of each kind.
    people : array_like, shape (kinds,)
        People of each kind.

    References
    ----------
    Efron 1987, doi 10.1080/01621459.1987.10478410.
    """
    drawn = np.asarray(draws, dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size == 0 or not math.isfinite(value):
        return Interval(math.nan, math.nan)
    below = (np.mean(drawn < value) + np.mean(drawn <= value)) / 2
    half = 0.5 / drawn.size
    shift = float(norm.ppf(np.clip(below, half, 1 - half)))
    at = shift + norm.ppf([0.025, 0.975])
    levels = norm.cdf(shift + at / (1 - _acceleration(without_one, people) * at))
    low, high = np.quantile(drawn, levels)
    return Interval(float(low), float(high))


def _acceleration(without_one: ArrayLike, people: ArrayLike) -> float:
    """A sixth of the skewness of the jackknife influences; 0 where nobody moves the statistic."""
    left, number = np.asarray(without_one, dtype=float), np.asarray(people, dtype=float)
    known = np.isfinite(left)
    left, number = left[known], number[known]
    influence = number @ left / max(number.sum(), 1.0) - left
    spread = float(number @ influence**2)
    return float(number @ influence**3) / (6 * spread**1.5) if spread > 1e-24 else 0.0


def ratio_by_people(
    part: ArrayLike, whole: ArrayLike, draws: int = DRAWS, seed: int = 1
) -> Interval:
    """Percentile interval of sum(part) / sum(whole) when people are drawn anew.

    What one person contributes is not independent, so whole persons are drawn (Davison and
    Hinkley 1997, Bootstrap Methods and their Application, section 3.8). People with the same
    pair of numbers are one cell of a multinomial draw.

    Parameters
    ----------
    part, whole : array_like of int, shape (people,)
        What each person contributes.
    draws : int
        Resampled populations.
    seed : int

    Examples
    --------
    >>> ratio_by_people([1, 1], [2, 2], draws=10, seed=1)
    Interval(low=0.5, high=0.5)
    """
    parts, wholes = np.asarray(part, dtype=np.int64), np.asarray(whole, dtype=np.int64)
    if not wholes.sum() > 0:
        return Interval(math.nan, math.nan)
    # one number for each pair, in the order of the pairs: quicker to sort than rows of two
    span = int(wholes.max() - wholes.min()) + 1
    pairs, people = np.unique(parts * span + (wholes - wholes.min()), return_counts=True)
    cells = np.column_stack([pairs // span, pairs % span + wholes.min()])
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(parts), people / len(parts), draws)
    low, high = np.quantile((drawn @ cells[:, 0]) / (drawn @ cells[:, 1]), [0.025, 0.975])
    return Interval(float(low), float(high))
