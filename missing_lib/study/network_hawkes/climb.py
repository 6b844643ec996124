"""The log-likelihood of a network Hawkes process at given parameters, with its gradient.

lambda_i(t) = Y_i(t) [ v_i exp(z_i(t) beta)
                       + a sum over own returns t_k < t of b_o exp(-b_o (t - t_k))
                       + c sum over alters' reports of w_ij b_p exp(-b_p (t - t_k)) ],

the last from one day after each report on. These are the shared coefficients of Green, Horel and
Papachristos 2017 (doi 10.1001/jamainternmed.2016.8245), for people who are not always at risk
(Y_i) and who differ by a gamma factor v_i with mean 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from missing_lib.study.network_hawkes.kernel import Decayed, Likelihood, decayed, likelihood
from missing_lib.study.network_hawkes.timeline import Floats, Ints, Timeline

#: Parameters after the coefficients of the background, in the order of a gradient: logs of own
#: branching and decay, peer branching itself, logs of peer decay and of the variance.
LATER = ("own", "own_decay", "peer", "peer_decay", "variance")


@dataclass(frozen=True)
class Parameters:
    """A network Hawkes process.

    Attributes
    ----------
    beta : ndarray, shape (terms,)
        Coefficients of the log background rate per day, the constant first.
    own : float
        a: further reports that a report would bring of the same person, were they always at
        risk.
    own_decay : float
        b_o per day from the return on; 1/b_o is the mean delay.
    peer : float
        c: further reports that a report of each of a person's alters (weights ``mean``), or of
        one of them (``sum``), would bring of that person.
    peer_decay : float
        b_p per day, from one day after the alter's report on.
    variance : float
        Of v, the person's factor of the background; 0 for none.
    """

    beta: Floats
    own: float
    own_decay: float
    peer: float
    peer_decay: float
    variance: float

    def but(self, name: str, value: float) -> Parameters:
        """The same with one of :data:`LATER` changed."""
        return Parameters(
            self.beta, *(value if one == name else getattr(self, one) for one in LATER)
        )


@dataclass(frozen=True)
class Climb:
    """The log-likelihood at one place.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (terms + 5,)
        By beta and then as in :data:`LATER`.
    persons : Likelihood
    own, peer : Decayed
        Kernels at their decays.
    mass : ndarray, shape (people,)
        Integral of the background over each person's time at risk, without the factor.
    """

    value: float
    gradient: Floats
    persons: Likelihood
    own: Decayed
    peer: Decayed
    mass: Floats


def climb(line: Timeline, at: Parameters, peer: Decayed | None = None) -> Climb:
    """Log-likelihood and gradient in one pass over the timeline.

    Parameters
    ----------
    line : Timeline
    at : Parameters
    peer : Decayed, optional
        The peers' kernel at ``at.peer_decay``, where it is at hand.

    Returns
    -------
    Climb
    """
    own = decayed(line, line.own, at.own_decay)
    peer = decayed(line, line.peer, at.peer_decay) if peer is None else peer
    background = line.setting.background
    person, factor = background.rates(at.beta)
    mass = person * _mass(background.first, background.pattern, line.exposure, factor)
    added = at.own * own.at + at.peer * peer.at
    rate = person[line.person] * factor[line.pattern]
    found = likelihood(line.first, rate, added, mass, at.variance)
    days = _by_pattern(
        background.first, background.pattern, line.exposure, found.factor * person, len(factor)
    )
    seen = np.bincount(line.pattern, found.background, minlength=len(factor))
    by_own = at.own * (found.by_added @ own.at - own.total)
    by_peer = found.by_added @ peer.at - peer.total
    later = [
        by_own,
        at.own * (found.by_added @ own.slope - own.total_slope),
        by_peer,
        at.peer * (found.by_added @ peer.slope - peer.total_slope),
        at.variance * found.by_variance,
    ]
    value = found.value - at.own * own.total - at.peer * peer.total
    gradient = np.concatenate(
        [
            background.fixed.T @ (found.numbers - found.factor * mass),
            background.varying.T @ (seen - days * factor),
            later,
        ]
    )
    return Climb(float(value), gradient, found, own, peer, mass)


def log_likelihood(line: Timeline, at: Parameters) -> float:
    """Log-likelihood of the reports; see :func:`climb`."""
    return climb(line, at).value


@njit(cache=True)
def _mass(first: Ints, pattern: Ints, exposure: Floats, rate: Floats) -> Floats:
    """Each person's days at risk, those of a pattern times its factor."""
    out = np.zeros(len(first) - 1)
    for i in range(len(out)):
        for p in range(first[i], first[i + 1]):
            out[i] += exposure[p] * rate[pattern[p]]
    return out


@njit(cache=True)
def _by_pattern(
    first: Ints, pattern: Ints, exposure: Floats, factor: Floats, patterns: int
) -> Floats:
    """Days at risk in each pattern, those of a person times the person's factor."""
    out = np.zeros(patterns)
    for i in range(len(factor)):
        for p in range(first[i], first[i + 1]):
            out[pattern[p]] += exposure[p] * factor[i]
    return out
