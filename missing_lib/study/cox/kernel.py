"""Sums over risk sets, in two passes over the rows, compiled.

With r = w exp(eta), f = l/d for the death of rank l = 0..d-1 among d (0 for Breslow), S0 and S1
the sums of r and r x over those at risk, S0d and S1d over those who die, den = S0 - f S0d and
h = (mean weight of deaths)/den, a slot has

A = sum h, B = sum h f, C = sum h/den, D = sum (h/den) f, E = sum (h/den) f^2.

The sum of r x x' at each slot is never formed: its part of the information is X' diag(q) X with
q = r (cumulative A while at risk - B of the own death). Sums over those at risk are cumulated
from the last slot backwards, so that late and thin risk sets lose no digits.

References
----------
Efron 1977, doi 10.1080/01621459.1977.10480613; Breslow 1974, doi 10.2307/2529620.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True)
def cut_where_nobody_stays(before: Ints, last: Ints, first_slot: Ints) -> Ints:
    """First slots of the stretches into which strata fall, with the number of slots at the end.

    A stratum is cut between two slots if no row is at risk in both. A row that enters at a cut
    has nothing before it there, so its ``before`` is set to -1, in place.
    """
    slots = first_slot[-1]
    earliest = np.full(slots, slots)
    for i in range(len(last)):
        earliest[last[i]] = min(earliest[last[i]], before[i])
    begins = np.zeros(slots, np.bool_)
    begins[first_slot[:-1]] = True
    for s in range(len(first_slot) - 1):
        reach = slots
        for t in range(first_slot[s + 1] - 1, first_slot[s], -1):
            reach = min(reach, earliest[t])
            begins[t] |= reach == t - 1
    for i in range(len(last)):
        if begins[before[i] + 1]:
            before[i] = -1
    return np.append(np.flatnonzero(begins), slots)


@njit(cache=True)
def weighted_moments(
    x: Floats, rows: Ints, weight: Floats, last: Ints, stretch: Ints, stretches: int
) -> tuple[Floats, Floats]:
    """Weighted mean of each column in each stretch, and weighted sum of squares about them."""
    k = x.shape[1]
    mean, total, squares = np.zeros((stretches, k)), np.zeros(stretches), np.zeros(k)
    for i in range(len(rows)):
        s = stretch[last[i]]
        total[s] += weight[i]
        for j in range(k):
            mean[s, j] += weight[i] * x[rows[i], j]
    for s in range(stretches):
        for j in range(k):
            mean[s, j] /= total[s]
    for i in range(len(rows)):
        s = stretch[last[i]]
        for j in range(k):
            squares[j] += weight[i] * (x[rows[i], j] - mean[s, j]) ** 2
    return mean, squares


@njit(cache=True)
def standardised(
    x: Floats, rows: Ints, last: Ints, stretch: Ints, centre: Floats, scale: Floats
) -> Floats:
    """(x - centre of the stretch)/scale of some rows."""
    out = np.empty((len(rows), x.shape[1]))
    for i in range(len(rows)):
        s = stretch[last[i]]
        for j in range(x.shape[1]):
            out[i, j] = (x[rows[i], j] - centre[s, j]) / scale[j]
    return out


@njit(cache=True)
def level_off(eta: Floats, last: Ints, stretch: Ints, stretches: int) -> Floats:
    """Take the largest value of each stretch off its rows, in place; shape (stretches,)."""
    level = np.full(stretches, -np.inf)
    for i in range(len(eta)):
        s = stretch[last[i]]
        level[s] = max(level[s], eta[i])
    for i in range(len(eta)):
        eta[i] -= level[stretch[last[i]]]
    return level


@njit(cache=True)
def log_hazards(x: Floats, beta: Floats, offset: Floats) -> Floats:
    """Log hazard offset + x b of every row."""
    n, k = x.shape
    eta = offset.copy()
    for i in range(n):
        for j in range(k):
            eta[i] += x[i, j] * beta[j]
    return eta


@njit(cache=True)
def sums_at_risk(
    x: Floats, r: Floats, before: Ints, last: Ints, died: NDArray[np.bool_], first_slot: Ints
) -> tuple[Floats, Floats, Floats]:
    """(S0, S1) of those at risk and (S0d, S1d) of those dying at every slot; (slots, 1 + k).

    The third, shape (slots,), is S0 before those who enter later are taken off again: how much
    larger it is than S0 says how many digits are lost.
    """
    n, k = x.shape
    slots = first_slot[-1]
    at_risk, dying = np.zeros((slots, 1 + k)), np.zeros((slots, 1 + k))
    entering = np.zeros(slots)
    for i in range(n):
        end, begin, ri = last[i], before[i], r[i]
        at_risk[end, 0] += ri
        for j in range(k):
            at_risk[end, 1 + j] += ri * x[i, j]
        if begin >= 0:
            entering[begin] += ri
            for j in range(k):
                at_risk[begin, 1 + j] -= ri * x[i, j]
        if died[i]:
            dying[end, 0] += ri
            for j in range(k):
                dying[end, 1 + j] += ri * x[i, j]
    ever = at_risk[:, 0].copy()
    at_risk[:, 0] -= entering
    for s in range(len(first_slot) - 1):
        for t in range(first_slot[s + 1] - 2, first_slot[s] - 1, -1):
            ever[t] += ever[t + 1]
            for j in range(k + 1):
                at_risk[t, j] += at_risk[t + 1, j]
    return at_risk, dying, ever


# Where coefficients run away a sum may vanish: inf is told from an estimate later on.
@njit(cache=True, error_model="numpy")
def slot_sums(
    s0: Floats, s0d: Floats, deaths: Ints, death_weight: Floats, efron: bool
) -> tuple[Floats, Floats]:
    """A, B, C, D, E of every slot, shape (slots, 5), and the sum of log den, weighted."""
    slots = len(s0)
    out, logs = np.zeros((slots, 5)), np.zeros(slots)
    for t in range(slots):
        d = deaths[t]
        if d == 0:
            continue
        mean_weight = death_weight[t] / d
        ranks = d if efron else 1
        for rank in range(ranks):
            f = rank / d if efron else 0.0
            times = 1.0 if efron else float(d)
            den = s0[t] - f * s0d[t]
            h = times * mean_weight / den
            out[t, 0] += h
            out[t, 1] += h * f
            out[t, 2] += h / den
            out[t, 3] += h / den * f
            out[t, 4] += h / den * f * f
            logs[t] += times * mean_weight * np.log(den)
    return out, logs


@njit(cache=True)
def cumulated(values: Floats, first_slot: Ints) -> Floats:
    """Running sums of the columns within each stratum; shape (slots, m)."""
    out = values.copy()
    for s in range(len(first_slot) - 1):
        for t in range(first_slot[s] + 1, first_slot[s + 1]):
            for j in range(values.shape[1]):
                out[t, j] += out[t - 1, j]
    return out


@njit(cache=True)
def expected_events(
    r: Floats, cumulative: Floats, own: Floats, before: Ints, last: Ints, died: NDArray[np.bool_]
) -> Floats:
    """For each row q: r times the hazard passed, the own death's part taken off."""
    out = np.empty(len(r))
    for i in range(len(r)):
        hazard = cumulative[last[i]]
        if before[i] >= 0:
            hazard -= cumulative[before[i]]
        if died[i]:
            hazard -= own[last[i]]
        out[i] = r[i] * hazard
    return out


@njit(cache=True)
def cross_products(x: Floats, q: Floats) -> Floats:
    """X' diag(q) X, without a copy of X."""
    n, k = x.shape
    out = np.zeros((k, k))
    for i in range(n):
        for a in range(k):
            part = q[i] * x[i, a]
            for b in range(a + 1):
                out[a, b] += part * x[i, b]
    for a in range(k):
        for b in range(a):
            out[b, a] = out[a, b]
    return out


@njit(cache=True)
def summed_score_residuals(
    x: Floats,
    risk: Floats,
    weight: Floats,
    before: Ints,
    last: Ints,
    died: NDArray[np.bool_],
    means: Floats,
    passed: Floats,
    own: Floats,
    group: Ints,
    groups: int,
) -> Floats:
    """Weighted score residuals added up within groups, shape (groups, k).

    ``means`` (slots, k) are the mean covariates among those dying in a slot, ``passed``
    (slots, 1 + k) the cumulative A and M, ``own`` (slots, 1 + k) B and D S1 - E S1d.
    """
    n, k = x.shape
    out = np.zeros((groups, k))
    for i in range(n):
        end, begin, g = last[i], before[i], group[i]
        hazard = passed[end, 0]
        if begin >= 0:
            hazard -= passed[begin, 0]
        for j in range(k):
            drift = passed[end, 1 + j]
            if begin >= 0:
                drift -= passed[begin, 1 + j]
            value = -risk[i] * (x[i, j] * hazard - drift)
            if died[i]:
                value += x[i, j] - means[end, j]
                value += risk[i] * (x[i, j] * own[end, 0] - own[end, 1 + j])
            out[g, j] += weight[i] * value
    return out
