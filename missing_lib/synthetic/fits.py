"""Maximum likelihood fits on large simulated samples, for pseudo-true values only."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

STEPS = 50
TOLERANCE = 1e-9


def logit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients of log odds = x b, by Newton's method."""
    b = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = expit(x @ b)
        step = np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (y - p))
        b = b + step
        if np.abs(step).max() < TOLERANCE:
            return b
    raise RuntimeError("logistic fit did not converge")


def complementary_log_log(x: np.ndarray, y: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Coefficients of log(-log(1 - p)) = x b + offset, by Fisher scoring."""
    b = np.zeros(x.shape[1])
    b[0] = np.log(-np.log1p(-y.mean())) - offset.mean()
    for _ in range(STEPS):
        hazard = np.exp(x @ b + offset)
        p = -np.expm1(-hazard)
        slope = hazard * np.exp(-hazard)
        weight = slope**2 / (p * (1 - p))
        step = np.linalg.solve((x.T * weight) @ x, x.T @ (slope * (y - p) / (p * (1 - p))))
        b = b + step
        if np.abs(step).max() < TOLERANCE:
            return b
    raise RuntimeError("complementary log-log fit did not converge")


def negative_binomial(x: np.ndarray, y: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Coefficients of log mean = x b + offset with variance mu + alpha mu^2, then log alpha.

    Maximises sum [lgamma(y + r) - lgamma(r) - lgamma(y + 1) + r log(r / (r + mu))
    + y log(mu / (r + mu))], r = 1/alpha, by BFGS on scaled columns.
    """
    scale = np.maximum(x.std(axis=0), 1e-12)
    scale[0] = 1.0
    z = x / scale

    def loss(parameter: np.ndarray) -> tuple[float, np.ndarray]:
        r = np.exp(-parameter[-1])
        mu = np.exp(z @ parameter[:-1] + offset)
        fit = r * np.log(r / (r + mu)) + y * np.log(mu / (r + mu))
        value = gammaln(y + r) - gammaln(r) - gammaln(y + 1) + fit
        by_r = digamma(y + r) - digamma(r) + np.log(r / (r + mu)) + 1 - (r + y) / (r + mu)
        by_b = z.T @ ((y - mu) * r / (r + mu))
        gradient = np.append(by_b, -r * by_r.sum())
        return -float(value.mean()), -gradient / len(y)

    start = np.zeros(x.shape[1] + 1)
    start[0] = np.log(y.sum() / np.exp(offset).sum())
    start[-1] = 2.0
    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 500})
    if np.abs(found.jac).max() > 1e-5:
        raise RuntimeError("negative binomial fit did not converge")
    return np.append(found.x[:-1] / scale, found.x[-1])
