"""One pass over a timeline: what earlier reports add to each rate, and the likelihood of it all.

What own returns and alters' reports add depends on their decays alone, so it is computed first
(:func:`decayed`) and the likelihood of all else is a sum over reports and people
(:func:`likelihood`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from missing_lib.study.network_hawkes.timeline import Floats, Ints, Jumps, Timeline

#: A variance below this is none: rounding would drown its derivative.
NO_VARIANCE = 1e-8


@dataclass(frozen=True)
class Decayed:
    """An exponential kernel of one kind of jumps, seen from the reports and over time at risk.

    Attributes
    ----------
    at : ndarray, shape (reports,)
        Sum over the person's jumps before each report of w b exp(-b u), u the delay; per day.
    slope : ndarray, shape (reports,)
        Its derivative by log b.
    total : float
        Integral of the kernel over everybody's time at risk.
    total_slope : float
        Its derivative by log b.
    """

    at: Floats
    slope: Floats
    total: float
    total_slope: float


def decayed(line: Timeline, jumps: Jumps, decay: float) -> Decayed:
    """An exponential kernel at the reports and over the time at risk, by Ozaki's recursion.

    Parameters
    ----------
    line : Timeline
    jumps : Jumps
        ``line.own`` or ``line.peer``.
    decay : float
        b, per day.

    Returns
    -------
    Decayed

    References
    ----------
    Ozaki 1979, doi 10.1007/BF02480272.
    """
    setting, away = line.setting, line.away
    return Decayed(
        *_decayed(
            jumps.first, jumps.at, jumps.weight, away.first, away.begins, away.ends, away.report,
            line.reports, setting.opens, setting.closes, decay,
        )
    )  # fmt: skip


@njit(cache=True)
def _decayed(
    first: Ints,
    jump: Floats,
    weight: Floats,
    away: Ints,
    begins: Floats,
    ends: Floats,
    report: Ints,
    reports: int,
    opens: Floats,
    closes: Floats,
    b: float,
) -> tuple[Floats, Floats, float, float]:
    """See :class:`Decayed`; r and q are the sums of w exp(-b u) and of w u exp(-b u)."""
    value, slope = np.zeros(reports), np.zeros(reports)
    total, total_slope = 0.0, 0.0
    for i in range(len(opens)):
        j, last = first[i], first[i + 1]
        if j == last:
            continue
        r, q, now = 0.0, 0.0, jump[j]
        for k in range(away[i], away[i + 1] + 1):
            start = opens[i] if k == away[i] else ends[k - 1]
            stop = begins[k] if k < away[i + 1] else closes[i]
            # A jump at the start counts from there on, one at the stop no longer.
            while j < last and jump[j] <= start:
                kept = np.exp(-b * (jump[j] - now))
                q = kept * (q + (jump[j] - now) * r)
                r = kept * r + weight[j]
                now = jump[j]
                j += 1
            if r > 0.0 and start > now:
                kept = np.exp(-b * (start - now))
                q = kept * (q + (start - now) * r)
                r = kept * r
            now = start
            while now < stop:
                until = jump[j] if j < last and jump[j] < stop else stop
                if r > 0.0:
                    kept = np.exp(-b * (until - now))
                    then = kept * (q + (until - now) * r)
                    total += r - kept * r
                    total_slope -= b * (q - then)
                    q = then
                    r = kept * r
                now = until
                while j < last and jump[j] == now and now < stop:
                    r += weight[j]
                    j += 1
            if k < away[i + 1] and report[k] >= 0:
                value[report[k]] = b * r
                slope[report[k]] = b * (r - b * q)
    return value, slope, total, total_slope


@dataclass(frozen=True)
class Likelihood:
    """A log-likelihood with its derivatives by the parts of each rate.

    Attributes
    ----------
    value : float
        Without the integral of what earlier reports add, which is no matter of persons.
    background : ndarray, shape (reports,)
        Chance that each report came from the background, given all reports.
    by_added : ndarray, shape (reports,)
        Derivative by what earlier reports add to the rate at each report.
    factor : ndarray, shape (people,)
        Mean of v_i given all reports.
    by_variance : float
        Derivative by the variance of v.
    numbers : ndarray, shape (people,)
        Mean number of each person's reports that came from the background.
    """

    value: float
    background: Floats
    by_added: Floats
    factor: Floats
    by_variance: float
    numbers: Floats


def likelihood(
    first: Ints, rate: Floats, added: Floats, mass: Floats, variance: float
) -> Likelihood:
    """Log-likelihood of reports at rates v_i mu + e, with v_i gamma of mean 1 integrated out.

    Given v_i the likelihood of a person is the product over reports of (v mu_k + e_k), times
    exp(-v M). The product is a polynomial in v whose m-th coefficient belongs to m reports from
    the background, and the gamma moments of v are known, so that the integral is a finite sum
    of positive terms: no approximation. Forwards over the reports for the value, backwards for
    the derivatives; n^2 steps for a person with n reports.

    Parameters
    ----------
    first : ndarray of int, shape (people + 1,)
        Where the reports of each person begin.
    rate : ndarray, shape (reports,)
        mu_k, of the background at each report without the person's factor.
    added : ndarray, shape (reports,)
        e_k, what earlier reports add.
    mass : ndarray, shape (people,)
        M_i, integral of the background over the person's time at risk.
    variance : float
        Of v; 0 for no person effects.

    Returns
    -------
    Likelihood

    Examples
    --------
    One report of one person at rate v + 1 over one day, v exponential: E[(v + 1) exp(-v)] = 3/4.

    >>> one = np.ones(1)
    >>> found = likelihood(np.array([0, 1]), one, one, one, 1.0)
    >>> round(float(np.exp(found.value)), 12), round(float(found.background[0]), 12)
    (0.75, 0.333333333333)
    """
    return Likelihood(*_likelihood(first, rate, added, mass, variance))


@njit(cache=True)
def _likelihood(
    first: Ints, rate: Floats, added: Floats, mass: Floats, theta: float
) -> tuple[float, Floats, Floats, Floats, float, Floats]:
    """See :class:`Likelihood`."""
    n, people = len(rate), len(mass)
    background, by_added = np.empty(n), np.empty(n)
    factor, numbers = np.ones(people), np.zeros(people)
    value, by_theta = 0.0, 0.0
    longest = 0
    for i in range(people):
        longest = max(longest, first[i + 1] - first[i])
    g, h = np.empty((longest + 1, longest + 1)), np.empty(longest + 2)
    for i in range(people):
        low, high = first[i], first[i + 1]
        if theta < NO_VARIANCE:
            value -= mass[i]
            for k in range(low, high):
                total = rate[k] + added[k]
                value += np.log(total)
                background[k] = rate[k] / total
                by_added[k] = 1.0 / total
                numbers[i] += background[k]
            continue
        grown = 1.0 + theta * mass[i]
        value += forwards(rate[low:high], added[low:high], theta, grown, g)
        mean, ladder, expected = 0.0, 0.0, 0.0
        for m in range(high - low + 1):
            mean += m * g[high - low, m]
            expected += ladder * g[high - low, m]
            ladder += m / (1.0 + theta * m)
        numbers[i] = mean
        factor[i] = (1.0 + theta * mean) / grown
        spread = np.log1p(theta * mass[i])
        value -= spread / theta
        by_theta += expected + spread / theta**2 - (1.0 / theta + mean) * mass[i] / grown
        _backwards(
            rate[low:high], added[low:high], theta, grown, g, h,
            background[low:high], by_added[low:high],
        )  # fmt: skip
    return value, background, by_added, factor, by_theta, numbers


@njit(cache=True)
def forwards(rate: Floats, added: Floats, theta: float, grown: float, g: Floats) -> float:
    """Fill g, and return the log of the sum over numbers of background reports.

    g[k, m] is the weight of m background reports among the first k, scaled to sum to one; the
    next one from the background has the factor (1 + theta m) / grown, grown = 1 + theta M.
    """
    value = 0.0
    g[0, 0] = 1.0
    for k in range(len(rate)):
        total = 0.0
        for m in range(k + 2):
            stay = added[k] * g[k, m] if m <= k else 0.0
            step = rate[k] * (1.0 + theta * (m - 1)) / grown * g[k, m - 1] if m > 0 else 0.0
            g[k + 1, m] = stay + step
            total += stay + step
        for m in range(k + 2):
            g[k + 1, m] /= total
        value += np.log(total)
    return value


@njit(cache=True)
def _backwards(
    rate: Floats,
    added: Floats,
    theta: float,
    grown: float,
    g: Floats,
    h: Floats,
    background: Floats,
    by_added: Floats,
) -> None:
    """Fill the last two from the g of :func:`forwards`; h is the same from behind."""
    for m in range(len(rate) + 2):
        h[m] = 1.0
    for k in range(len(rate) - 1, -1, -1):
        here, came = 0.0, 0.0
        for m in range(k + 1):
            step = rate[k] * (1.0 + theta * m) / grown * h[m + 1]
            here += g[k, m] * h[m]
            came += g[k, m] * step
            h[m] = added[k] * h[m] + step
        total = added[k] * here + came
        background[k] = came / total
        by_added[k] = here / total
        for m in range(k + 1):
            h[m] /= total
