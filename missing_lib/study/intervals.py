"""Intervals of one proportion and of one rate."""

from __future__ import annotations

import math

from scipy.stats import chi2
from statsmodels.stats.proportion import proportion_confint


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
