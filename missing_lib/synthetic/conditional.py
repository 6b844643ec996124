"""Independent yes/no draws given their exact total (conditional Bernoulli sampling)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

#: Draws tried at once; the total of a draw is right about once in 2.5 standard deviations.
BLOCK = 16
MAX_BLOCKS = 2_000


def centred_intercept(eta: np.ndarray, total: int, weight: np.ndarray | float = 1.0) -> float:
    """Solve ``sum weight expit(alpha + eta) = total`` for alpha.

    Parameters
    ----------
    eta : array (n,)
        Log odds, up to a constant.
    total : int
        Expected number of successes.
    weight : array (n,) or float
        Chance of being at risk at all.

    Examples
    --------
    >>> abs(round(centred_intercept(np.zeros(4), 2), 6))
    0.0
    """
    at_risk = np.broadcast_to(weight, eta.shape)
    if not 0 < total < at_risk.sum():
        raise ValueError(f"total {total} must lie strictly between 0 and {at_risk.sum():g}")
    bound = np.abs(eta).max() + np.log(len(eta)) + 5.0

    def excess(alpha: float) -> float:
        return float((at_risk * expit(alpha + eta)).sum() - total)

    return float(brentq(excess, -bound, bound, xtol=1e-12))


def conditional_bernoulli(eta: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Draw independent Bernoulli variables given that exactly ``total`` succeed.

    P(y) is proportional to exp(sum y_i eta_i) over all y with sum y = total (Chen, Dempster
    and Liu 1994, doi 10.1093/biomet/81.3.457). An intercept cancels from it, so draws with
    the intercept that makes the total likely, kept when the total is right, are exact.

    Parameters
    ----------
    eta : array (n,)
        Log odds, up to a constant.
    total : int
        Number of successes, 0 <= total <= n.
    rng : Generator

    Returns
    -------
    bool array (n,)
    """
    if total in (0, len(eta)):
        return np.full(len(eta), total > 0)
    chance = expit(centred_intercept(eta, total) + eta)
    for _ in range(MAX_BLOCKS):
        draws = rng.random((BLOCK, len(eta))) < chance
        right = np.flatnonzero(draws.sum(axis=1) == total)
        if len(right):
            return draws[right[0]]
    raise RuntimeError(f"no draw of {len(eta)} reached the total {total}")
