"""Regression of counts of people with at least one incident: zero-truncated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from missing_lib.study.diagnosis import guards, listed, too_few, unusable
from missing_lib.study.given import refuse_unless_whole
from missing_lib.study.likelihoods import Maximum, Slopes, maximise
from missing_lib.study.regression import (
    FLAT,
    LEFT_TO_CLIMB,
    Fit,
    Settled,
    refuse_unlike_people,
    term_table,
)

Floats = NDArray[np.float64]
Likelihood = Callable[[Floats], Slopes]

#: Gain in log-likelihood below which a negative binomial is reported as its limit.
NO_GAIN = 1e-6
_STEPS = 200


@dataclass(frozen=True)
class TruncatedFit(Fit):
    """A fitted zero-truncated regression; see :class:`.regression.Fit`.

    People with one incident and people with more are the two outcomes of ``events``, and
    ``dispersion`` is 1/theta.

    Attributes
    ----------
    log_theta, log_theta_se : float
        theta is the shape of the negative binomial, variance mu + mu^2/theta before truncation;
        NaN of the Poisson, and where a limit is reported.
    limit : {"", "log_series", "poisson"}
        Where the likelihood is largest at a limit of the negative binomial: theta to zero (alpha
        to infinity) or theta to infinity (alpha to zero). The estimates are then those of the
        limit. Of the log-series ``intercept`` is that of log(mu/theta), as mu itself is zero;
        ratios of mu stay what they are.
    """

    log_theta: float = np.nan
    log_theta_se: float = np.nan
    limit: str = ""


def zero_truncated_negative_binomial(
    counts: ArrayLike, design: pd.DataFrame, days: ArrayLike
) -> TruncatedFit:
    """Negative binomial regression of counts of which only those of at least one are seen.

    With mu = t exp(a + x b) and P0 = (theta/(theta + mu))^theta, the probability of y >= 1 is
    that of the negative binomial divided by 1 - P0. Full maximum likelihood with analytic
    derivatives; standard errors from the whole Hessian, theta included. The limits, truncated
    Poisson and log-series, are fitted beside it, and reported by name where they fit as well.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        People with none are left out.
    design : DataFrame, shape (n, k)
        Terms without intercept. People with a missing value are left out.
    days : array_like, shape (n,)
        Time at risk, above 0.

    Returns
    -------
    TruncatedFit
        Rate ratios: ratios of the mean before truncation, people with none included.

    Raises
    ------
    ValueError
        If counts are not whole numbers of 0 or more, lengths or indices differ, two terms have
        one name, or a time is infinite.

    References
    ----------
    Grogger and Carson 1991, doi 10.1002/jae.3950060302.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = pd.DataFrame({"x": rng.integers(0, 2, 4000).astype(float)})
    >>> counts = rng.poisson(np.exp(0.7 * x["x"]) * rng.gamma(2.0, 0.5, 4000))
    >>> fit = zero_truncated_negative_binomial(counts, x, np.ones(4000))
    >>> bool(abs(fit.row("x")["coefficient"] - 0.7) < 3 * fit.row("x")["se"]), fit.limit
    (True, '')
    """
    data = _prepared(counts, design, days)
    if data.problem:
        return _without(data, data.problem)
    series = _top(_log_series(data), _level(data))
    found = {"poisson": _top(_poisson(data), _level(data)), "log_series": series}
    inside = _top(_negative_binomial(data), _start(data, series))
    limits = {name: top for name, top in found.items() if top is not None}
    best = max(limits, key=lambda name: limits[name].log_likelihood, default="")
    most = limits[best].log_likelihood if best else -np.inf
    if inside is not None and inside.log_likelihood > most + NO_GAIN:
        return _with_theta(data, inside)
    return _settled(data, limits[best], best) if best else _without(data, _NO_TOP)


def zero_truncated_poisson(
    counts: ArrayLike, design: pd.DataFrame, days: ArrayLike
) -> TruncatedFit:
    """Poisson regression of counts of which only those of at least one are seen.

    Parameters and result as for :func:`zero_truncated_negative_binomial`; P0 = exp(-mu).
    """
    data = _prepared(counts, design, days)
    if data.problem:
        return _without(data, data.problem)
    top = _top(_poisson(data), _level(data))
    return _without(data, _NO_TOP) if top is None else _settled(data, top, "")


def describe_limit(fit: TruncatedFit) -> str:
    """What the spread of rates came to, in one sentence; empty where the model stands as it is."""
    return {
        "log_series": "The truncated model ran to its limit, the log-series: no finite spread of "
        "rates is wide enough for so many with one incident beside so few with very many.",
        "poisson": "The truncated model ran to its limit, the Poisson: given the terms, the "
        "rates of people need not differ.",
    }.get(fit.limit, "")


@dataclass(frozen=True)
class _Data:
    """What is fitted: counts (n,), terms with a constant (n, 1 + k), log days (n,), and why not."""

    y: Floats
    x: Floats
    log_days: Floats
    kept: list[str]
    reasons: dict[str, str]
    rests_on: pd.DataFrame
    spread: Floats
    problem: str


_NO_TOP = "the estimation did not settle on one answer"


def _prepared(counts: ArrayLike, design: pd.DataFrame, days: ArrayLike) -> _Data:
    refuse_unlike_people(counts, design, days)
    y, t = np.asarray(counts, float), np.asarray(days, float)
    refuse_unless_whole("counts", y)
    used = (design.notna().all(axis=1) & (y > 0) & (t > 0)).to_numpy(bool)
    y, t, x = y[used], t[used], design[used].reset_index(drop=True).astype(float)
    more = y > 1
    reasons = unusable(x, more, binary=False)
    kept = [name for name in x.columns if name not in reasons]
    problem = too_few(more, len(kept), binary=False)
    if problem:
        problem = "too few people with more than one incident for these terms"
    return _Data(
        y=y,
        x=np.column_stack([np.ones(len(x)), x[kept].to_numpy()]),
        log_days=np.log(t),
        kept=kept,
        reasons=reasons,
        rests_on=guards(x, more, binary=True),
        spread=np.append(1.0, x[kept].std(ddof=0).to_numpy()),
        problem=problem,
    )


def _poisson(data: _Data) -> Likelihood:
    constant = gammaln(data.y + 1)

    def at(b: Floats) -> Slopes:
        mu = np.exp(data.x @ b + data.log_days)
        odds = 1 / np.expm1(mu)
        value = data.y @ np.log(mu) - np.sum(mu + np.log(-np.expm1(-mu)) + constant)
        slope = data.y - mu - odds * mu
        bend = -mu - odds * mu + odds * (1 + odds) * mu**2
        return Slopes(float(value), data.x.T @ slope, -(data.x.T * bend) @ data.x)

    return at


def _log_series(data: _Data) -> Likelihood:
    """In c = log(mu/theta), the limit of theta to zero."""

    def at(b: Floats) -> Slopes:
        c = data.x @ b + data.log_days
        log_one, q = np.logaddexp(0, c), 1 / (1 + np.exp(-c))
        value = data.y @ (c - log_one) - np.sum(np.log(data.y) + np.log(log_one))
        slope = data.y * (1 - q) - q / log_one
        bend = -(data.y + 1 / log_one) * q * (1 - q) + (q / log_one) ** 2
        return Slopes(float(value), data.x.T @ slope, -(data.x.T * bend) @ data.x)

    return at


def _negative_binomial(data: _Data) -> Likelihood:
    """In c = log(mu/theta) and log theta, in which both limits are approached evenly.

    log P = lgamma(y + theta) - lgamma(theta) - lgamma(y + 1) + y c - (y + theta) L - log(1 - P0)
    with L = log(1 + exp c) and log P0 = -theta L.
    """
    constant = float(gammaln(data.y + 1).sum())
    # Functions of y + theta are needed once for each different count only.
    seen, which = np.unique(data.y, return_inverse=True)

    def at(b: Floats) -> Slopes:
        c, theta = data.x @ b[:-1] + data.log_days, np.exp(b[-1])
        log_one, q = np.logaddexp(0, c), 1 / (1 + np.exp(-c))
        odds = 1 / np.expm1(theta * log_one)
        ways = (gammaln(seen + theta) - gammaln(theta))[which]
        first = (digamma(seen + theta) - digamma(theta))[which]
        second = (polygamma(1, seen + theta) - polygamma(1, theta))[which]
        value = ways + data.y * c - (data.y + theta) * log_one
        value -= np.log(-np.expm1(-theta * log_one))
        by_c = data.y - (data.y + theta) * q - odds * theta * q
        by_cc = -(data.y + theta + odds * theta) * q * (1 - q)
        by_cc += odds * (1 + odds) * (theta * q) ** 2
        by_theta = first - log_one - odds * log_one
        by_both = -q - odds * q + odds * (1 + odds) * theta * q * log_one
        by_twice = second + odds * (1 + odds) * log_one**2
        slope = np.append(data.x.T @ by_c, theta * by_theta.sum())
        bend = np.empty((len(b), len(b)))
        bend[:-1, :-1] = (data.x.T * by_cc) @ data.x
        bend[:-1, -1] = bend[-1, :-1] = theta * (data.x.T @ by_both)
        bend[-1, -1] = theta**2 * by_twice.sum() + theta * by_theta.sum()
        return Slopes(float(value.sum()) - constant, slope, -bend)

    return at


def _level(data: _Data) -> Floats:
    """Where to begin: no effects, and the mean rate."""
    rate = np.log(data.y.sum()) - np.log(np.exp(data.log_days).sum())
    return np.append(rate, np.zeros(len(data.kept)))


def _start(data: _Data, series: Maximum | None) -> Floats:
    """Where the negative binomial begins: theta = 1, effects as in the log-series."""
    return np.append(_level(data) if series is None else series.params, 0.0)


def _top(likelihood: Likelihood, start: Floats) -> Maximum | None:
    """The largest likelihood; None where there is none."""
    with np.errstate(all="ignore"):
        found = maximise(likelihood, start, _STEPS)
    positive = np.isfinite(found.covariance).all() and (np.diag(found.covariance) > 0).all()
    return found if found.converged and positive and 0 <= found.left < LEFT_TO_CLIMB else None


def _with_theta(data: _Data, top: Maximum) -> TruncatedFit:
    """Back from log(mu/theta) to log mu, which adds log theta to the intercept."""
    turn = np.eye(len(top.params))
    turn[0, -1] = 1.0
    b, covariance = turn @ top.params, turn @ top.covariance @ turn.T
    alpha, se = float(np.exp(-b[-1])), float(np.sqrt(covariance[-1, -1]))
    inside = _settled(data, replace(top, params=b, covariance=covariance), "")
    if inside.problem:
        return inside
    return replace(
        inside,
        dispersion=alpha,
        dispersion_se=alpha * se,
        log_theta=float(b[-1]),
        log_theta_se=se,
    )


def _settled(data: _Data, top: Maximum, limit: str) -> TruncatedFit:
    k = len(data.kept)
    b, se = top.params[: k + 1], np.sqrt(np.diag(top.covariance))[: k + 1]
    wide = se * data.spread >= FLAT
    flat = [name for name, is_flat in zip(data.kept, wide[1:], strict=True) if is_flat]
    if wide.any():
        where = f", because {listed(flat)} can hardly be told from the rest" if flat else ""
        return _without(data, _NO_TOP + where)
    settled = Settled(b, se, np.full((k, 3), np.nan), top.log_likelihood)
    return TruncatedFit(
        "rate ratio",
        term_table(data.rests_on, data.kept, settled, data.reasons),
        people=len(data.y),
        events=int((data.y > 1).sum()),
        intercept=float(b[0]),
        log_likelihood=top.log_likelihood,
        limit=limit,
    )


def _without(data: _Data, problem: str) -> TruncatedFit:
    names = data.rests_on["term"]
    reasons = {name: data.reasons.get(name, problem) for name in names}
    table = term_table(data.rests_on, [], None, reasons)
    people, more = len(data.y), int((data.y > 1).sum())
    return TruncatedFit("rate ratio", table, people=people, events=more, problem=problem)
