"""Events that bring further events: the Hawkes process with an exponential kernel.

lambda(t) = mu + sum over t_k < t of a b exp(-b (t - t_k)): events come at the background rate
mu, and each brings a more on average, after a mean delay of 1/b. Likelihood, derivatives and
residuals take one pass over the events, by the recursion of Ozaki.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.diagnosis import MIN_EVENTS

Floats = NDArray[np.float64]
Simultaneous = Literal["apart", "in_turn"]

#: Branching ratios and delays (in mean gaps) from which the search for the maximum starts.
STARTS = ((0.2, 0.2), (0.2, 2.0), (0.6, 0.2), (0.6, 2.0), (0.6, 10.0))
#: A branching ratio below this is none; the likelihood is flat in the decay there.
NONE = 1e-4
#: So is it where the gain over a constant rate is no more than this.
GAIN = 1e-6
#: A decay so many times faster than the shortest gap, or slower than the whole, is a bound.
DISTINCT = 50.0
#: The search ends where a step promises this gain in log-likelihood, and an estimate stands
#: where it promises no more than the other.
LEFT_TO_CLIMB, SETTLED = 1e-13, 1e-8
#: Curvature that is none, and a fall in likelihood that is rounding, of itself.
FLAT, ROUNDING = 1e-8, 1e-13
#: More steps than this, and the search has no end.
STEPS = 100


@dataclass(frozen=True)
class Parameters:
    """A Hawkes process.

    Attributes
    ----------
    background : float
        mu, events per unit of time that no event brought.
    branching : float
        a, events that one event brings directly, on average.
    decay : float
        b, per unit of time; 1/b is the mean delay.
    """

    background: float
    branching: float
    decay: float


@dataclass(frozen=True)
class Climb:
    """A log-likelihood with its derivatives by (background, branching, decay).

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (3,)
    hessian : ndarray, shape (3, 3)
    """

    value: float
    gradient: Floats
    hessian: Floats


@dataclass(frozen=True)
class Fit:
    """A Hawkes process fitted by maximum likelihood, or the reason why there is none.

    Attributes
    ----------
    parameters : Parameters or None
        None where nothing is estimated.
    log_se : ndarray, shape (3,)
        Standard errors of the logs of background, branching and decay.
    log_covariance : ndarray, shape (3, 3)
    log_likelihood, poisson_log_likelihood : float
        At the estimate, and of the constant rate alone. Twice their difference is not
        chi-squared: without branching the decay means nothing.
    events : int
    problem : str
        Empty where the estimate stands.
    """

    parameters: Parameters | None
    log_se: Floats
    log_covariance: Floats
    log_likelihood: float
    poisson_log_likelihood: float
    events: int
    problem: str = ""


def log_likelihood(
    times: ArrayLike, end: float, at: Parameters, simultaneous: Simultaneous = "apart"
) -> float:
    """Log-likelihood of events in (0, end], in one pass.

    sum of log lambda(t_i) - mu T - a sum of [1 - exp(-b (T - t_i))]; R_i = sum over k < i of
    exp(-b (t_i - t_k)) obeys R_i = exp(-b (t_i - t_{i-1})) (1 + R_{i-1}).

    Parameters
    ----------
    times : array_like, shape (n,)
        Times of events, in any order.
    end : float
        T, the end of observation, which began at 0.
    at : Parameters
    simultaneous : {"apart", "in_turn"}
        Events of the same time never bring each other, as the strict inequality in lambda has
        it; or the first brings the second and so on. In turn, the likelihood grows without
        bound with the decay, and what is fitted is a local maximum.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a time is missing or outside (0, end], or ``simultaneous`` is unknown.

    References
    ----------
    Ozaki 1979, doi 10.1007/BF02480272.

    Examples
    --------
    >>> round(log_likelihood([1.0, 2.0], 3.0, Parameters(1.0, 0.5, 1.0)), 6)
    -3.579545
    """
    return climb(times, end, at, simultaneous).value


def climb(
    times: ArrayLike, end: float, at: Parameters, simultaneous: Simultaneous = "apart"
) -> Climb:
    """Log-likelihood with gradient and Hessian; arguments as for :func:`log_likelihood`.

    Examples
    --------
    >>> climb([1.0, 2.0], 3.0, Parameters(1.0, 0.5, 1.0)).gradient.round(3).tolist()
    [-1.155, -1.186, -0.319]
    """
    t = _checked(times, end, simultaneous)
    mu, a, b = at.background, at.branching, at.decay
    r, q, p = decayed_sums(t, b, simultaneous == "in_turn")
    rate = mu + a * b * r
    by = np.stack([np.ones(len(t)), b * r, a * (r - b * q)])  # d lambda
    left = end - t
    gone = np.exp(-b * left)
    value = np.log(rate).sum() - mu * end - a * (1 - gone).sum()
    gradient = (by / rate).sum(axis=1)
    gradient -= [end, (1 - gone).sum(), a * (left * gone).sum()]
    scaled = by / rate
    hessian = -(scaled @ scaled.T)
    mixed = ((r - b * q) / rate).sum() - (left * gone).sum()
    hessian[1, 2] += mixed
    hessian[2, 1] += mixed
    hessian[2, 2] += (a * (b * p - 2 * q) / rate).sum() + a * (left**2 * gone).sum()
    return Climb(float(value), gradient, hessian)


def log_likelihood_by_pairs(
    times: ArrayLike, end: float, at: Parameters, simultaneous: Simultaneous = "apart"
) -> float:
    """The same log-likelihood, summed over all pairs of events as it is written.

    Time and memory grow with the square of the number of events: it is there to check
    :func:`log_likelihood`.

    Examples
    --------
    >>> round(log_likelihood_by_pairs([1.0, 2.0], 3.0, Parameters(1.0, 0.5, 1.0)), 6)
    -3.579545
    """
    t = _checked(times, end, simultaneous)
    a, b = at.branching, at.decay
    delay = t[:, None] - t[None, :]
    earlier = np.tri(len(t), k=-1, dtype=bool)
    if simultaneous == "apart":
        earlier &= delay > 0
    brought = a * b * np.where(earlier, np.exp(-b * np.abs(delay)), 0.0).sum(axis=1)
    total = np.log(at.background + brought).sum() - at.background * end
    return float(total - a * (1 - np.exp(-b * (end - t))).sum())


def residuals(times: ArrayLike, at: Parameters, simultaneous: Simultaneous = "apart") -> Floats:
    """Gaps between events on the clock of the expected number; exponential if the model holds.

    Lambda(t) = mu t + a sum over t_k < t of [1 - exp(-b (t - t_k))]; the residuals are its
    differences between successive events, the first from 0. With ``scipy.stats.kstest`` they
    are held against the unit exponential; after a fit its p value is too kind. Events at the
    same time have residuals of 0.

    Returns
    -------
    ndarray, shape (n,)

    References
    ----------
    Ogata 1988, doi 10.1080/01621459.1988.10478560.

    Examples
    --------
    >>> residuals([1.0, 2.0], Parameters(1.0, 0.5, 1.0)).round(3).tolist()
    [1.0, 1.316]
    """
    t = _checked(times, np.inf, simultaneous)
    r = decayed_sums(t, at.decay, simultaneous == "in_turn")[0]
    apart = simultaneous == "apart"
    earlier = np.searchsorted(t, t, side="left") if apart else np.arange(len(t))
    expected = at.background * t + at.branching * (earlier - r)
    return np.diff(expected, prepend=0.0)


def fit(times: ArrayLike, end: float, simultaneous: Simultaneous = "apart") -> Fit:
    """Fit a Hawkes process to events in (0, end] by maximum likelihood.

    On the log scale of the three parameters, from several starts, to the top by Newton's
    method; standard errors from the Hessian there.

    Parameters
    ----------
    times, end, simultaneous
        As for :func:`log_likelihood`.

    Returns
    -------
    Fit

    Examples
    --------
    >>> found = fit(np.arange(1.0, 21.0), end=20.5)
    >>> found.parameters is None, found.problem
    (True, 'events bring no further events: the constant rate alone fits as well')
    """
    t = _checked(times, end, simultaneous)
    n = len(t)
    constant = float(n * np.log(n / end) - n) if n else 0.0
    if n < MIN_EVENTS:
        return _nothing(np.nan, constant, n, "too few events")
    starts = [np.log([(1 - a) * n / end, a, n / (delay * end)]) for a, delay in STARTS]
    tops = [_top(t, end, start, simultaneous) for start in starts]
    theta = max(tops, key=lambda top: _on_log_scale(t, end, top, simultaneous).value)
    best = _on_log_scale(t, end, theta, simultaneous)
    problem = _degenerate(t, theta, best, constant)
    if problem:
        return _nothing(best.value, constant, n, problem)
    covariance = np.asarray(np.linalg.inv(-best.hessian), dtype=np.float64)
    return Fit(
        Parameters(*(float(value) for value in np.exp(theta))),
        np.sqrt(np.diag(covariance)),
        covariance,
        best.value,
        constant,
        n,
    )


@njit(cache=True)
def decayed_sums(times: Floats, decay: float, in_turn: bool) -> tuple[Floats, Floats, Floats]:
    """Sums over the earlier events of exp(-b u), u exp(-b u) and u^2 exp(-b u), u the delay.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Ascending.
    decay : float
    in_turn : bool
        Whether an earlier event of the same time counts, with u = 0.

    Returns
    -------
    r, q, p : ndarray, shape (n,)
    """
    n = len(times)
    r, q, p = np.zeros(n), np.zeros(n), np.zeros(n)
    joining = 1.0  # events at the time before, not yet in the sums
    for i in range(1, n):
        d = times[i] - times[i - 1]
        if d == 0.0 and not in_turn:
            r[i], q[i], p[i] = r[i - 1], q[i - 1], p[i - 1]
            joining += 1.0
            continue
        kept = np.exp(-decay * d)
        old = r[i - 1] + joining
        r[i] = kept * old
        q[i] = kept * (q[i - 1] + d * old)
        p[i] = kept * (p[i - 1] + 2.0 * d * q[i - 1] + d * d * old)
        joining = 1.0
    return r, q, p


def _checked(times: ArrayLike, end: float, simultaneous: str) -> Floats:
    if simultaneous not in get_args(Simultaneous):
        raise ValueError(f"{simultaneous!r} is none of {', '.join(get_args(Simultaneous))}")
    t = np.sort(np.asarray(times, dtype=float))
    if not ((t > 0) & (t <= end)).all():
        raise ValueError("a time is missing, or not within the time of observation, (0, end]")
    return t


def _on_log_scale(t: Floats, end: float, theta: Floats, simultaneous: Simultaneous) -> Climb:
    values = np.exp(theta)
    found = climb(t, end, Parameters(*values), simultaneous)
    gradient = values * found.gradient
    hessian = np.outer(values, values) * found.hessian + np.diag(gradient)
    return Climb(found.value, gradient, hessian)


def _top(t: Floats, end: float, start: Floats, simultaneous: Simultaneous) -> Floats:
    """Nearest maximum on the log scale, or how far a search without end has come.

    Newton's steps with the curvature turned downwards, none longer than one, halved until the
    likelihood does not fall.
    """
    theta = start
    here = _on_log_scale(t, end, theta, simultaneous)
    for _ in range(STEPS):
        curvature, axes = np.linalg.eigh(here.hessian)
        step = axes @ ((axes.T @ here.gradient) / np.maximum(np.abs(curvature), FLAT))
        if abs(here.gradient @ step) < LEFT_TO_CLIMB:
            return theta
        step /= max(1.0, float(np.linalg.norm(step)))
        there = _on_log_scale(t, end, theta + step, simultaneous)
        while there.value < here.value - ROUNDING * abs(here.value):
            step /= 2
            there = _on_log_scale(t, end, theta + step, simultaneous)
        theta, here = theta + step, there
    return theta


def _degenerate(t: Floats, theta: Floats, best: Climb, constant: float) -> str:
    """Why a maximum is not an estimate; empty where it is one."""
    branching, decay = np.exp(theta[1:])
    if branching < NONE or best.value - constant < GAIN:
        return "events bring no further events: the constant rate alone fits as well"
    gaps = np.diff(t)
    if (
        decay * gaps[gaps > 0].min(initial=np.inf) > DISTINCT
        or decay * (t[-1] - t[0]) < 1 / DISTINCT
    ):
        return "the decay ran to its bound: events say nothing of the delay"
    if np.linalg.eigvalsh(best.hessian).max() >= -FLAT:
        return "the likelihood is flat: the events do not tell the parameters apart"
    if abs(best.gradient @ np.linalg.solve(best.hessian, best.gradient)) > SETTLED:
        return "the estimation did not settle on one answer"
    return ""


def _nothing(value: float, constant: float, events: int, problem: str) -> Fit:
    nan = np.full(3, np.nan)
    return Fit(None, nan, np.full((3, 3), np.nan), value, constant, events, problem)
