"""Finite mixtures of zero-truncated Poisson laws, for counts that no single law fits.

A person belongs to one of a few groups, each with its own Poisson rate. The groups are a device
that lets the spread of rates have any shape; they are not kinds of people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from missing_lib.study.chance import poisson_log_mass
from missing_lib.study.histogram import Histogram, as_histogram

Floats = NDArray[np.float64]

#: Most groups that are tried.
MOST = 8
_STEPS = 3000
#: Gain in log-likelihood, per person, at which the steps end.
_SETTLED = 1e-10
#: Smallest rate; at it a group's people all have exactly one incident.
_LOWEST = 1e-9
#: Part of the people with which a new group begins.
_NEW = 0.05


@dataclass(frozen=True)
class PoissonMixture:
    """Groups of people with their own Poisson rates, seen only with at least one incident.

    Attributes
    ----------
    weights : ndarray of float, shape (groups,)
        Part of the people seen who belong to each group; they add up to one.
    means : ndarray of float, shape (groups,)
        Poisson rate of each group before truncation, ascending; near zero where everybody of
        the group has one incident.
    loglik : float
    """

    weights: Floats
    means: Floats
    loglik: float

    @property
    def name(self) -> str:
        """Short name of the law."""
        return "mixture"

    @property
    def parameters(self) -> int:
        """Free parameters: a rate for each group, and all weights but one."""
        return 2 * len(self.means) - 1

    def probabilities(self, largest: int) -> Floats:
        """Probabilities of 1, 2, ..., ``largest``; shape (largest,)."""
        x = np.arange(1, largest + 1, dtype=float)
        return np.asarray(np.exp(poisson_log_mass(x[:, None], self.means)) @ self.weights)


def fit_mixture(counts: ArrayLike | Histogram, groups: int) -> PoissonMixture:
    """Mixture of so many zero-truncated Poisson laws by maximum likelihood.

    EM steps (Dempster, Laird and Rubin 1977, doi 10.1111/j.2517-6161.1977.tb01600.x). Groups are
    added one at a time at the rate where the likelihood climbs most steeply, so that no random
    start is needed (Lindsay 1983, doi 10.1214/aos/1176346059, for the gradient).

    Parameters
    ----------
    counts : array_like of int, or Histogram
        Each at least one.
    groups : int

    Examples
    --------
    >>> found = fit_mixture([1] * 60 + [2] * 12 + [3] * 3 + [18, 19, 20, 20, 21, 22, 23], 2)
    >>> [round(float(mean), 2) for mean in found.means]
    [0.45, 20.43]
    """
    return _path(counts, groups)[-1]


def choose_mixture(counts: ArrayLike | Histogram, most: int = MOST) -> PoissonMixture:
    """The mixture whose Bayesian information criterion is smallest; fewer groups if equal.

    -2 log L + p log n, p from :attr:`PoissonMixture.parameters` (Schwarz 1978,
    doi 10.1214/aos/1176344136). Trying ends when two further groups have not helped.
    """
    people = as_histogram(counts).people.sum()
    tried = _path(counts, most, patience=2)
    return min(tried, key=lambda fit: bayesian_criterion(fit.loglik, fit.parameters, people))


def bayesian_criterion(loglik: float, parameters: int, people: float) -> float:
    """-2 log L + p log n; the smaller, the better."""
    return -2 * loglik + parameters * float(np.log(max(people, 1.0)))


def refit(hist: Histogram, start: PoissonMixture) -> tuple[Floats, Floats]:
    """Fit as many groups to each row of many histograms, beginning from one fit.

    Parameters
    ----------
    hist : Histogram
        ``people`` of shape (draws, k).
    start : PoissonMixture

    Returns
    -------
    weights, means : ndarray of float, shape (draws, groups)
    """
    draws = hist.people.shape[0]
    used = hist.people.any(axis=0)
    weights, means = (np.tile(given, (draws, 1)) for given in (start.weights, start.means))
    weights, means, _ = _em(
        hist.values[used], hist.people[:, used], weights, means, steps=200, settled=1e-6
    )
    return weights, means


def _path(counts: ArrayLike | Histogram, most: int, patience: int = MOST) -> list[PoissonMixture]:
    """Fits with one group, two, ..., each begun from the one before."""
    hist = as_histogram(counts)
    people = hist.people.sum()
    if not people or hist.values.min() < 1:
        raise ValueError("a mixture is fitted to counts of at least one")
    weights, means = np.ones(1), _rates(np.array([hist.values @ hist.people / people]))
    found: list[PoissonMixture] = []
    worse, best = 0, np.inf
    while len(found) < most and worse < patience:
        if found:
            weights, means = _with_one_more(hist, weights, means)
        fitted = _em(hist.values, hist.people[None, :], weights[None, :], means[None, :])
        weights, means = fitted[0][0], fitted[1][0]
        order = np.argsort(means)
        found.append(PoissonMixture(weights[order], means[order], float(fitted[2][0])))
        criterion = bayesian_criterion(found[-1].loglik, found[-1].parameters, people)
        worse = 0 if criterion < best else worse + 1
        best = min(best, criterion)
    return found


def _with_one_more(hist: Histogram, weights: Floats, means: Floats) -> tuple[Floats, Floats]:
    """Add a group where the likelihood gains most for each person who is moved there."""
    # Not at a rate of nought: a group there holds none with two incidents, and never moves again.
    candidates = np.geomspace(0.1, 1.05 * hist.values.max(), 200)
    x = hist.values[:, None]
    mixed = np.exp(poisson_log_mass(x, means)) @ weights
    gains = (hist.people / np.maximum(mixed, 1e-300)) @ np.exp(poisson_log_mass(x, candidates))
    return np.append(weights * (1 - _NEW), _NEW), np.append(means, candidates[np.argmax(gains)])


def _em(
    values: Floats,
    people: Floats,
    weights: Floats,
    means: Floats,
    *,
    steps: int = _STEPS,
    settled: float = _SETTLED,
) -> tuple[Floats, Floats, Floats]:
    """EM steps of many data sets at once; ``people`` (sets, k), the others (sets, groups)."""
    number = people.sum(axis=1)
    log_ways = special.gammaln(values + 1)
    last = np.full(len(people), -np.inf)
    for _ in range(steps):
        level = np.log(np.maximum(weights, 1e-300)) - means - np.log(-np.expm1(-means))
        joint = values[None, :, None] * np.log(means)[:, None, :] + level[:, None, :]
        top = joint.max(axis=2, keepdims=True)
        part = np.exp(joint - top)
        total = part.sum(axis=2, keepdims=True)
        loglik = (people * ((np.log(total) + top)[..., 0] - log_ways)).sum(axis=1)
        if np.all(loglik - last <= settled * number):
            break
        last = loglik
        belongs = part * (people[..., None] / total)
        size = belongs.sum(axis=1)
        weights = size / number[:, None]
        means = _rates((values @ belongs) / np.maximum(size, 1e-300))
    return weights, means, loglik


def _rates(averages: Floats) -> Floats:
    """Poisson means whose zero-truncated means are given, m + W(-m exp(-m)) with Lambert's W."""
    m = np.maximum(averages, 1.0)
    excess = m - 1
    exact = m + special.lambertw(-m * np.exp(-m)).real
    # Near one the branch point of W swallows the digits; mu = 2d - (2/3) d^2 + ...
    return np.maximum(np.where(excess < 1e-4, 2 * excess - excess**2 / 1.5, exact), _LOWEST)
