"""Intervals of a proportion, of a rate, and of a ratio of sums over people."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2
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
