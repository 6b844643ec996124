"""Regressions by maximum likelihood, with Newton's method over blocks of rows.

The likelihoods are those of statsmodels, which tests hold them against. A block fits the
processor's cache, so a step over a million people costs a fraction of a second and next to no
memory; people who are alike in everything are one row with a weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, gammaln
from scipy.stats import norm

Floats = NDArray[np.float64]

#: What the last Newton step promised, doubled; the error after it is of the order of its square.
_NOTHING_TO_GAIN = 1e-12
_LEAST_ALPHA = 1e-150
_STEPS = 60
_HALVINGS = 30
_ROWS_AT_ONCE = 1 << 14
#: Rows that are looked at to see whether many are alike.
_SAMPLE = 4096
#: Dispersion times mean below which counts vary no more than Poisson counts.
_NO_DISPERSION = 1e-6
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Rows:
    """People of a regression, those who are alike taken together.

    Attributes
    ----------
    y : ndarray of float, shape (n,)
        Outcome.
    x : ndarray of float, shape (n, k)
        Terms, the intercept first.
    offset : ndarray of float, shape (n,)
        What is added to the linear predictor: the logarithm of the time at risk, or zero.
    weight : ndarray of float, shape (n,)
        People of each row.
    """

    y: Floats
    x: Floats
    offset: Floats
    weight: Floats

    def of(self, columns: NDArray[np.bool_]) -> Rows:
        """The same with some of the terms."""
        return self if columns.all() else replace(self, x=self.x[:, columns])

    def blocks(self) -> Iterator[Rows]:
        """The same in pieces."""
        for first in range(0, len(self.y), _ROWS_AT_ONCE):
            some = slice(first, first + _ROWS_AT_ONCE)
            yield Rows(self.y[some], self.x[some], self.offset[some], self.weight[some])


@dataclass(frozen=True)
class Slopes:
    """A log-likelihood at some parameters.

    Attributes
    ----------
    value : float
    gradient : ndarray of float, shape (p,)
    information : ndarray of float, shape (p, p)
        The Hessian with its sign turned.
    """

    value: float
    gradient: Floats
    information: Floats


@dataclass(frozen=True)
class Maximum:
    """Where a search for the largest likelihood ended.

    Attributes
    ----------
    params : ndarray of float, shape (p,)
        Intercept, terms, and of counts the dispersion alpha.
    covariance : ndarray of float, shape (p, p)
        Inverse of the observed information; NaN where there is none.
    log_likelihood : float
    left : float
        What a further step promises, doubled: the gradient times the covariance times itself.
    converged : bool
        Whether the search ended by itself.
    """

    params: Floats
    covariance: Floats
    log_likelihood: float
    left: float
    converged: bool


def alike(y: Floats, x: Floats, offset: Floats) -> Rows:
    """Rows of a regression; people who are alike in everything are one, if many are.

    Parameters
    ----------
    y, offset : ndarray of float, shape (n,)
    x : ndarray of float, shape (n, k)

    Examples
    --------
    >>> rows = alike(np.array([1., 0., 1.]), np.ones((3, 1)), np.zeros(3))
    >>> rows.y.tolist(), rows.weight.tolist()
    ([0.0, 1.0], [1.0, 2.0])
    """
    everybody = Rows(y, x, offset, np.ones(len(y)))
    code, levels = np.zeros(len(y), dtype=np.int64), 1
    for column in (y, offset, *x.T):
        if pd.unique(column[:_SAMPLE]).size > _SAMPLE / 8:
            return everybody
        number, values = pd.factorize(column, sort=True)
        if levels * len(values) > len(y):
            return everybody
        code, levels = code * len(values) + number, levels * len(values)
    people = np.bincount(code, minlength=levels)
    first = np.zeros(levels, dtype=np.int64)
    first[code] = np.arange(len(code))
    first = first[people > 0]
    return Rows(y[first], x[first], offset[first], people[people > 0].astype(float))


def logistic(rows: Rows, steps: int = _STEPS) -> Maximum:
    """Largest likelihood of y = 1 with probability 1/(1 + exp(-eta)), eta = offset + x b."""

    def point(y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats]:
        chance = expit(eta)
        # log(1 + exp(eta)) without overflow
        value = y * eta - np.maximum(eta, 0.0) - np.log1p(np.exp(-np.abs(eta)))
        return value, y - chance, chance * (1 - chance)

    return maximise(lambda b: _linear(rows, point, b), np.zeros(rows.x.shape[1]), steps)


def complementary_log_log(rows: Rows, steps: int = _STEPS) -> Maximum:
    """Largest likelihood of y = 1 with probability 1 - exp(-mu), mu = exp(offset + x b)."""

    def point(y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats]:
        mean = np.exp(eta)
        odds = mean / np.expm1(mean)
        value = np.where(y > 0, np.log(-np.expm1(-mean)), -mean)
        first = np.where(y > 0, odds, -mean)
        return value, first, np.where(y > 0, odds * (odds + mean - 1), mean)

    return maximise(lambda b: _linear(rows, point, b), _constant_rate(rows), steps)


def poisson(rows: Rows, steps: int = _STEPS) -> Maximum:
    """Largest likelihood of counts with mean mu = exp(offset + x b) and the same variance."""

    def point(y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats]:
        mean = np.exp(eta)
        return y * eta - mean - gammaln(y + 1), y - mean, mean

    return maximise(lambda b: _linear(rows, point, b), _constant_rate(rows), steps)


def negative_binomial_or_poisson(rows: Rows, steps: int = _STEPS) -> Maximum:
    """The negative binomial, or the Poisson where that is its boundary.

    The slope in alpha at alpha = 0 is half the sum of (y - mu)^2 - y at the Poisson fit. Where it
    is not above 0, counts spread no more than Poisson counts, and alpha = 0 is best (Levin and
    Reeds 1977, doi 10.1214/aos/1176343748). The Poisson has no alpha among its parameters.
    """
    found = negative_binomial(rows, steps)
    if found.converged:
        return found
    plain = poisson(rows, steps)
    mean = np.exp(rows.offset + rows.x @ plain.params)
    return plain if rows.weight @ ((rows.y - mean) ** 2 - rows.y) <= 0 else found


def negative_binomial(rows: Rows, steps: int = _STEPS) -> Maximum:
    """Largest likelihood of counts with mean mu = exp(offset + x b), variance mu + alpha mu^2.

    log f(y) = sum over j < y of log(1 + alpha j) + y log mu - (y + 1/alpha) log(1 + alpha mu)
    - log y! (Lawless 1987, doi 10.2307/3314912). The search is over log alpha; counts that vary
    no more than Poisson counts have no maximum and give ``converged`` False.
    """
    beyond = _people_beyond(rows)
    constant = float(rows.weight @ gammaln(rows.y + 1))
    mean = float(rows.weight @ rows.y / rows.weight.sum())
    variance = float(rows.weight @ (rows.y - mean) ** 2 / rows.weight.sum())
    start = np.append(_constant_rate(rows), np.log(max((variance / mean - 1) / mean, 0.1)))

    def slopes(params: Floats) -> Slopes:
        return _negative_binomial_slopes(rows, beyond, constant, params)

    found = maximise(slopes, start, steps)
    alpha = float(np.exp(found.params[-1]))
    scale = np.append(np.ones(len(start) - 1), alpha)
    return Maximum(
        np.append(found.params[:-1], alpha),
        found.covariance * np.outer(scale, scale),
        found.log_likelihood,
        found.left,
        found.converged and alpha * mean > _NO_DISPERSION,
    )


def spreads(rows: Rows) -> Floats:
    """Standard deviation of each column of the terms over people; shape (k,)."""
    people = rows.weight.sum()
    mean = rows.weight @ rows.x / people
    squares = sum(block.weight @ (block.x - mean) ** 2 for block in rows.blocks())
    return np.asarray(np.sqrt(squares / people), dtype=float)


def average_effects(rows: Rows, found: Maximum) -> Floats:
    """Average marginal effects of a logistic model on the probability, with 95 % bounds.

    Of a term that is only 0 or 1 the mean of P(y = 1 | 1) - P(y = 1 | 0), of any other the mean
    slope; errors by the delta method.

    Returns
    -------
    ndarray of float, shape (k, 3)
        Effect, lower and upper bound of each term after the intercept.
    """
    terms = rows.x.shape[1]
    yes_no = ((rows.x == 0) | (rows.x == 1)).all(axis=0)
    effects, slopes = np.zeros(terms), np.zeros((terms, terms))
    for block in rows.blocks():
        eta = block.offset + block.x @ found.params
        for j in range(1, terms):
            add = _switched if yes_no[j] else _nudged
            effect, slope = add(block, eta, found.params, j)
            effects[j] += effect
            slopes[j] += slope
    people = rows.weight.sum()
    effects, slopes = effects[1:] / people, slopes[1:] / people
    se = np.sqrt(np.einsum("ij,jk,ik->i", slopes, found.covariance, slopes))
    return np.column_stack([effects, effects - _Z * se, effects + _Z * se])


def _switched(block: Rows, eta: Floats, b: Floats, j: int) -> tuple[float, Floats]:
    """Sum of differences of probability between 1 and 0, and its slope in the parameters."""
    effect, slope = 0.0, np.zeros(len(b))
    for value, sign in ((1.0, 1.0), (0.0, -1.0)):
        chance = expit(eta + b[j] * (value - block.x[:, j]))
        steep = block.weight * chance * (1 - chance)
        one = steep @ block.x
        one[j] = value * steep.sum()
        effect += sign * float(block.weight @ chance)
        slope += sign * one
    return effect, slope


def _nudged(block: Rows, eta: Floats, b: Floats, j: int) -> tuple[float, Floats]:
    """Sum of slopes of the probability, and its own slope in the parameters."""
    chance = expit(eta)
    steep = block.weight * chance * (1 - chance)
    slope = b[j] * ((steep * (1 - 2 * chance)) @ block.x)
    slope[j] += steep.sum()
    return float(b[j] * steep.sum()), slope


def _constant_rate(rows: Rows) -> Floats:
    """Parameters of one rate for everybody."""
    start = np.zeros(rows.x.shape[1])
    start[0] = np.log(rows.weight @ rows.y) - np.log(rows.weight @ np.exp(rows.offset))
    return start


def _linear(
    rows: Rows,
    point: Callable[[Floats, Floats], tuple[Floats, Floats, Floats]],
    b: Floats,
) -> Slopes:
    """Sum over rows of a log-likelihood that depends on the linear predictor alone.

    ``point`` gives it, its first derivative, and its second with the sign turned.
    """
    value, terms = 0.0, len(b)
    gradient, information = np.zeros(terms), np.zeros((terms, terms))
    for block in rows.blocks():
        own, first, second = point(block.y, block.offset + block.x @ b)
        value += float(block.weight @ own)
        gradient += (block.weight * first) @ block.x
        information += (block.x * (block.weight * second)[:, None]).T @ block.x
    return Slopes(value, gradient, information)


def _people_beyond(rows: Rows) -> Floats:
    """People with more than 0, 1, 2, ... incidents, up to the largest number."""
    number = np.bincount(rows.y.astype(np.int64), rows.weight)
    return np.asarray(np.cumsum(number[::-1])[::-1][1:], dtype=float)


def _negative_binomial_slopes(
    rows: Rows, beyond: Floats, constant: float, params: Floats
) -> Slopes:
    """Value, gradient and information in (b, log alpha)."""
    b, alpha = params[:-1], float(np.exp(params[-1]))
    if alpha < _LEAST_ALPHA:  # on its way to none; its square is no number any more
        return Slopes(-np.inf, np.zeros(len(params)), np.eye(len(params)))
    j = np.arange(len(beyond), dtype=float)
    weighed = beyond * j / (1 + alpha * j)
    value = float(beyond @ np.log1p(alpha * j)) - constant
    by_alpha, twice = float(weighed.sum()), -float(weighed @ (j / (1 + alpha * j)))
    gradient, crossed = np.zeros(len(b)), np.zeros(len(b))
    information = np.zeros((len(b), len(b)))
    for block in rows.blocks():
        y, w = block.y, block.weight
        eta = block.offset + block.x @ b
        mean = np.exp(eta)
        spread = 1 + alpha * mean
        log, ratio, trials = np.log1p(alpha * mean), mean / spread, y + 1 / alpha
        off = w * (y - mean) / spread
        value += float(w @ (y * eta - trials * log))
        by_alpha += float(w @ (log / alpha**2 - trials * ratio))
        twice += float(w @ (2 * (ratio - log / alpha) / alpha**2 + trials * ratio**2))
        gradient += off @ block.x
        crossed += (off * ratio) @ block.x
        information += (block.x * (w * ratio * (1 + alpha * y) / spread)[:, None]).T @ block.x
    # the chain rule turns derivatives by alpha into those by its logarithm
    last = -(alpha**2 * twice + alpha * by_alpha)
    return Slopes(
        value,
        np.append(gradient, alpha * by_alpha),
        np.block([[information, alpha * crossed[:, None]], [alpha * crossed[None, :], last]]),
    )


def maximise(slopes: Callable[[Floats], Slopes], start: Floats, steps: int = _STEPS) -> Maximum:
    """Newton's method, each step halved until the likelihood is no smaller.

    Where the information is not positive definite its diagonal is raised until it is.
    """
    params, here = start, slopes(start)
    left = np.inf
    for _ in range(steps):
        if left <= _NOTHING_TO_GAIN:
            break
        direction = _uphill(here)
        left = float(here.gradient @ direction)
        params, there = _step(slopes, params, here, direction)
        if there is here:
            break
        here = there
    return _ended(params, here, left <= _NOTHING_TO_GAIN)


def _uphill(here: Slopes) -> Floats:
    raised = 0.0
    diagonal = np.abs(np.diag(here.information)) + 1e-12
    for _ in range(_HALVINGS):
        try:
            root = np.linalg.cholesky(here.information + raised * np.diag(diagonal))
            return np.linalg.solve(root.T, np.linalg.solve(root, here.gradient))
        except np.linalg.LinAlgError:
            raised = max(4 * raised, 1e-3)
    return here.gradient / diagonal


def _step(
    slopes: Callable[[Floats], Slopes], params: Floats, here: Slopes, direction: Floats
) -> tuple[Floats, Slopes]:
    """The step or a part of it; the place itself where no part of it leads up."""
    rounding = 1e-13 * abs(here.value)
    for halvings in range(_HALVINGS):
        to = params + direction / 2**halvings
        there = slopes(to)
        if there.value >= here.value - rounding and np.isfinite(there.information).all():
            return to, there
    return params, here


def _ended(params: Floats, here: Slopes, converged: bool) -> Maximum:
    try:
        covariance = np.asarray(np.linalg.inv(here.information), dtype=float)
    except np.linalg.LinAlgError:
        covariance = np.full(here.information.shape, np.nan)
    left = float(here.gradient @ covariance @ here.gradient)
    return Maximum(params, covariance, here.value, left, converged)
