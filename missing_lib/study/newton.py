"""Logistic regression by Newton's method, for the thousands of small fits of a bootstrap.

A library's set-up takes many times as long as the fit itself there; its answers are the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

#: A step below this has arrived; a fall in log-likelihood below the other is rounding.
ARRIVED, ROUNDING = 1e-11, 1e-9
#: More steps than this, and the estimates run away.
STEPS = 60
#: Why nothing is estimated then.
RUNS_AWAY = "the estimates run away: terms split those with the outcome from those without"


def settled(
    outcome: NDArray[np.bool_], x: Floats, offset: Floats | float = 0.0
) -> tuple[Floats, Floats]:
    """Maximum-likelihood coefficients of a logistic regression, and their standard errors.

    Steps are halved until the likelihood does not fall.

    Parameters
    ----------
    outcome : ndarray of bool, shape (n,)
    x : ndarray, shape (n, k)
        With the constant, if there is one.
    offset : ndarray, shape (n,), or float
        Added to the linear predictor.

    Returns
    -------
    b, se : ndarray, shape (k,)
        Standard errors from the information at the last but one step.

    Raises
    ------
    ValueError
        If the estimates do not settle.

    Examples
    --------
    >>> b, se = settled(np.array([True, False, False, False]), np.ones((4, 1)))
    >>> round(float(np.exp(b[0])), 9), round(float(se[0] ** 2), 9)
    (0.333333333, 1.333333333)
    """
    b, eta = np.zeros(x.shape[1]), np.zeros(len(x)) + offset
    reached = _likelihood(outcome, eta)
    for _ in range(STEPS):
        chance = expit(eta)
        information = (x * (chance * (1 - chance))[:, None]).T @ x
        try:
            inverse = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            break
        step = inverse @ (x.T @ (outcome - chance))
        while _likelihood(outcome, x @ (b + step) + offset) < reached - ROUNDING:
            step = step / 2
        b = b + step
        eta = x @ b + offset
        reached = _likelihood(outcome, eta)
        if np.abs(step).max(initial=0.0) < ARRIVED:
            return b, np.sqrt(np.diag(inverse))
    raise ValueError(RUNS_AWAY)


def _likelihood(outcome: NDArray[np.bool_], eta: Floats) -> float:
    return float(-np.logaddexp(0, np.where(outcome, -eta, eta)).sum())
