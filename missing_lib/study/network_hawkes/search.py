"""The largest log-likelihood of a network Hawkes process over some of its parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array

from missing_lib.study.network_hawkes.climb import LATER, Climb, Parameters, climb
from missing_lib.study.network_hawkes.kernel import Decayed
from missing_lib.study.network_hawkes.timeline import Floats, Timeline

#: A search ends where no slope, per standard deviation of its parameter, is steeper.
SLOPE = 1e-3
#: Where only a likelihood ratio is wanted: it is then good to about 0.001.
COARSE = 1e-2
#: Steps of the finite differences of the gradient, in standard deviations.
NUDGE = 1e-3
#: Curvature per squared step, below which there is none.
FLAT = 1e-4
#: Standard deviation of a log, and of the peer branching ratio, that a search begins with.
BEGIN = {"own": 0.1, "own_decay": 0.2, "peer": 0.3, "peer_decay": 0.3, "variance": 0.2}
#: Mean delays that a search may reach, in days: (own, peer).
DELAYS = {"own_decay": (0.25, 180.0), "peer_decay": (2.0, 28.0)}
#: No log is taken further than this.
_FAR = 40.0
#: Newton's steps to the Poisson background, where they have arrived, and what keeps them finite.
_NEWTON, _ARRIVED, _RIDGE = 30, 1e-6, 1e-9


@dataclass(frozen=True)
class Top:
    """A maximum over some of the parameters.

    Attributes
    ----------
    at : Parameters
    value : float
    free : ndarray of bool, shape (terms + 5,)
        Over which parameters; in the order of a gradient.
    spread : ndarray, shape (free, free)
        About the covariance of the free parameters on the scale of the search (logs of all but
        beta), with which the next search begins.
    """

    at: Parameters
    value: float
    free: NDArray[np.bool_]
    spread: Floats


def top(
    line: Timeline,
    start: Parameters,
    names: tuple[str, ...],
    spread: Floats | None = None,
    peer: Decayed | None = None,
    slope: float = SLOPE,
) -> Top:
    """Climb to the nearest maximum by the method of Broyden, Fletcher, Goldfarb and Shanno.

    Parameters
    ----------
    line : Timeline
    start : Parameters
        What is free must be above 0 there.
    names : tuple of str
        Which of :data:`.climb.LATER` are free; the background always is.
    spread : ndarray, shape (free, free), optional
        About the covariance of what is free.
    peer : Decayed, optional
        The peers' kernel, where its decay is not free.
    slope : float
        Where the search ends; see :data:`SLOPE`.

    Returns
    -------
    Top
        With each delay inside :data:`DELAYS`, on its bound if the search would leave them.
    """
    found = _climbed(line, start, names, spread, peer, slope)
    for name, (least, most) in DELAYS.items():
        delay = 1 / getattr(found.at, name)
        if name in names and not least <= delay <= most:
            held = found.at.but(name, 1 / float(np.clip(delay, least, most)))
            rest = tuple(one for one in names if one != name)
            return top(line, held, rest, without(found, name), peer, slope)
    return found


def covariance(line: Timeline, at: Top) -> Floats | None:
    """Inverse of the observed information on the scale of the search; None where it has none.

    The information comes from central differences of the exact gradient, in steps of
    :data:`NUDGE` standard deviations.
    """
    steps = NUDGE * np.sqrt(np.diag(at.spread))
    here = _to_vector(at.at)
    free = np.flatnonzero(at.free)
    rows = []
    for k, step in zip(free, steps, strict=True):
        sides = []
        for way in (1, -1):
            there = here.copy()
            there[k] += way * step
            sides.append(_slope(climb(line, _from_vector(there)), there)[free])
        rows.append((sides[1] - sides[0]) / (2 * step))
    information = (np.array(rows) + np.array(rows).T) / 2
    scaled = information * np.outer(steps, steps) / NUDGE**2
    if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled).min() < FLAT:
        return None
    inverse = np.linalg.inv(scaled) * np.outer(steps, steps) / NUDGE**2
    return np.asarray(inverse)


def settled(line: Timeline, found: Top) -> tuple[Top, Floats | None]:
    """A maximum and its covariance.

    A delay on which the likelihood does not depend is held, and so is what is next to 0, where
    its log has no curvature.
    """
    spread = covariance(line, found)
    for name in ("peer_decay", "own_decay", "peer", "variance", "own"):
        if spread is None and name in names_of(found):
            left = found.free.copy()
            left[len(found.at.beta) + LATER.index(name)] = False
            found = Top(found.at, found.value, left, without(found, name))
            spread = covariance(line, found)
    return found, spread


def poisson(line: Timeline) -> tuple[Floats, Floats]:
    """Coefficients of the background were it all there is, and their covariance."""
    background = line.setting.background
    x, z = background.fixed, background.varying
    spent = csr_array((line.exposure, background.pattern, background.first), shape=(len(x), len(z)))
    number = np.diff(line.first)
    beta = np.zeros(len(background.terms))
    beta[0] = np.log(number.sum() / line.exposure.sum())
    target = np.append(x.T @ number, np.bincount(line.pattern, minlength=len(z)) @ z)
    for _ in range(_NEWTON):
        person, factor = background.rates(np.clip(beta, -_FAR, _FAR))
        mass, days = person * (spent @ factor), factor * (spent.T @ person)
        mixed = (person[:, None] * x).T @ (spent @ (factor[:, None] * z))
        information = np.block(
            [[x.T @ (mass[:, None] * x), mixed], [mixed.T, z.T @ (days[:, None] * z)]]
        )
        inverse = np.linalg.inv(information + _RIDGE * np.eye(len(beta)))
        step = inverse @ (target - np.append(x.T @ mass, days @ z))
        beta = beta + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _ARRIVED:
            break
    return beta, np.asarray(inverse)


def _climbed(
    line: Timeline,
    start: Parameters,
    names: tuple[str, ...],
    spread: Floats | None,
    peer: Decayed | None,
    slope: float,
) -> Top:
    free = free_of(len(start.beta), names)
    origin = _to_vector(start)
    if spread is None:
        spread = first_spread(line, names)
    root = _root(spread, line, names)
    peer = None if "peer_decay" in names else peer
    if peer is None and "peer_decay" not in names:
        peer = climb(line, start).peer

    def fall(step: Floats) -> tuple[float, Floats]:
        there = origin.copy()
        there[free] += root @ step
        if np.abs(there[free]).max() > _FAR:
            return np.inf, np.zeros(len(step))
        found = climb(line, _from_vector(there), peer)
        return -found.value, -(root.T @ _slope(found, there)[free])

    with np.errstate(all="ignore"):
        done = minimize(
            fall, np.zeros(int(free.sum())), jac=True, method="BFGS", options={"gtol": slope}
        )
    there = origin.copy()
    there[free] += root @ done.x
    inverse = root @ done.hess_inv @ root.T
    return Top(_from_vector(there), -float(done.fun), free, (inverse + inverse.T) / 2)


def _root(spread: Floats, line: Timeline, names: tuple[str, ...]) -> Floats:
    """A root of the covariance; of the first guess where a search has left none."""
    try:
        return np.asarray(np.linalg.cholesky(spread))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.cholesky(first_spread(line, names)))


def first_spread(line: Timeline, names: tuple[str, ...]) -> Floats:
    """A first guess at the covariance of what is free."""
    _, inverse = poisson(line)
    later = [BEGIN[name] ** 2 for name in LATER if name in names]
    size = len(inverse) + len(later)
    spread = np.zeros((size, size))
    spread[: len(inverse), : len(inverse)] = inverse
    spread[range(len(inverse), size), range(len(inverse), size)] = later
    return spread


def without(found: Top, name: str) -> Floats:
    """The covariance of what stays free."""
    at = place(found, name)
    return np.delete(np.delete(found.spread, at, 0), at, 1)


def widened(found: Top, name: str, variance: float) -> Floats:
    """The covariance with one more parameter, taken to vary by itself."""
    at = place(found, name)
    spread = np.insert(np.insert(found.spread, at, 0.0, axis=0), at, 0.0, axis=1)
    spread[at, at] = variance
    return spread


def place(found: Top, name: str) -> int:
    """Where a parameter stands, or would stand, among those that are free."""
    return int(found.free[: len(found.at.beta) + LATER.index(name)].sum())


def vector(found: Top) -> tuple[Floats, tuple[str, ...]]:
    """What is free, on the scale of the search, and the names of its last entries."""
    return _to_vector(found.at)[found.free], names_of(found)


def names_of(found: Top) -> tuple[str, ...]:
    """Which of :data:`.climb.LATER` were free."""
    later = found.free[len(found.at.beta) :]
    return tuple(name for name, free in zip(LATER, later, strict=True) if free)


def free_of(terms: int, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which parameters are free: the background and those named, in the order of a gradient."""
    return np.append(np.ones(terms, bool), [name in names for name in LATER])


def _to_vector(at: Parameters) -> Floats:
    """Coefficients, and logs of the rest; what is 0 stays 0, and must not be free."""
    later = np.array([getattr(at, name) for name in LATER])
    return np.append(at.beta, np.log(np.where(later > 0, later, 1.0)) + _NONE * (later <= 0))


#: Stands for the log of 0.
_NONE = -1e6


def _from_vector(vector: Floats) -> Parameters:
    terms = len(vector) - len(LATER)
    later = np.where(vector[terms:] <= _NONE / 2, 0.0, np.exp(vector[terms:]))
    return Parameters(vector[:terms], *(float(value) for value in later))


def _slope(found: Climb, there: Floats) -> Floats:
    """Gradient on the scale of the search: peers' branching on the log scale too."""
    gradient = found.gradient.copy()
    at = len(gradient) - len(LATER) + LATER.index("peer")
    gradient[at] *= np.exp(there[at]) if there[at] > _NONE / 2 else 0.0
    return gradient
