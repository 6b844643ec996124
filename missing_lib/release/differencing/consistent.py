"""Which values of a protected size remain consistent with everything published.

Bounds are first narrowed from row to row, which proves at once that some sizes are told. What
stays undecided is asked of linear and integer programs: is there another world, with everything
published unchanged, in which the size is another? It is looked for first in the tables that hold
the size, with all else as it is, then everywhere. Every world found answers later questions too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, hstack, vstack

from missing_lib.release.differencing.protected import Question
from missing_lib.release.differencing.system import System
from missing_lib.release.policy import Policy

#: Rounds of narrowing; a bound that moves later moves too little to decide anything.
ROUNDS = 10


class Worlds:
    """Worlds that agree with everything published, found so far.

    Parameters
    ----------
    system : System
    policy : Policy
        Says how many values must remain, and how far one must be from the truth.
    seconds : float
        Longest time for one integer program; undecided by then counts as told.
    """

    def __init__(self, system: System, policy: Policy, seconds: float = 5.0) -> None:
        self.system, self._policy, self._seconds = system, policy, seconds
        self._worlds = system.truth[None, :].astype(float)
        self._low, self._high = narrowed(system)
        self._parts: dict[int, Part] = {}

    def after(self, system: System) -> Worlds:
        """The same worlds where less is published; all of them still agree with it."""
        other = Worlds(system, self._policy, self._seconds)
        other._worlds = self._worlds
        return other

    def safe(self, question: Question) -> bool:
        """Whether enough values remain consistent, one of them far enough from the truth."""
        at = question.columns
        narrowest = self._high[at].sum() - self._low[at].sum() + 1
        if narrowest < self._policy.consistent:
            return False
        nearby, everywhere = self._part(at), Part.whole(self.system, self._low, self._high)
        return self._enough(at) or any(
            self._search(at, part) for part in (nearby, everywhere) if part is not None
        )

    def _search(self, at: NDArray[np.int64], part: Part) -> bool:
        """Look for worlds with other sizes until there are enough."""
        true, far = int(self.system.truth[at].sum()), self._policy.distance
        wider = range(1, self._policy.threshold + self._policy.consistent)
        steps = [far, -far, *(s for w in wider for s in (w, -w) if abs(s) != far)]
        for step in steps:
            if true + step < 0 or true + step in self._seen(at):
                continue
            world = part.look_for(at, true + step, self._seconds)
            if world is not None:
                self._worlds = np.vstack([self._worlds, world[None, :]])
            if self._enough(at):
                return True
        return False

    def _part(self, at: NDArray[np.int64]) -> Part | None:
        """The family of tables in which a size stands; all else stays as it is in truth."""
        for first, end in self.system.blocks:
            if first <= at[0] < end:
                if first not in self._parts:
                    limits = self._low[first:end], self._high[first:end]
                    self._parts[first] = Part.of(self.system, first, end, *limits)
                return self._parts[first]
        return None

    def _seen(self, at: NDArray[np.int64]) -> set[int]:
        return set(np.rint(self._worlds[:, at].sum(axis=1)).astype(int).tolist())

    def _enough(self, at: NDArray[np.int64]) -> bool:
        seen, true = self._seen(at), int(self.system.truth[at].sum())
        apart = any(abs(value - true) >= self._policy.distance for value in seen)
        return apart and len(seen) >= self._policy.consistent


@dataclass(frozen=True)
class Part:
    """Some unknowns of a system, free to move while all others stay as they are.

    Attributes
    ----------
    truth : array of int
        Of all unknowns.
    first : int
        Position of the first that moves.
    rows, low, high : sparse matrix and arrays
        What is said of those that move.
    least, most : array of float
        Bounds of each that moves.
    """

    truth: NDArray[np.int64]
    first: int
    rows: csr_matrix
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]

    @classmethod
    def whole(cls, system: System, least: NDArray[np.float64], most: NDArray[np.float64]) -> Part:
        """Everything moves."""
        return cls(system.truth, 0, system.rows, system.low, system.high, least, most)

    @classmethod
    def of(
        cls,
        system: System,
        first: int,
        end: int,
        least: NDArray[np.float64],
        most: NDArray[np.float64],
    ) -> Part:
        """Only these move."""
        rows = system.rows[:, first:end].tocsr()
        fixed = system.rows @ system.truth - rows @ system.truth[first:end]
        some = rows.getnnz(axis=1) > 0
        low, high = (system.low - fixed)[some], (system.high - fixed)[some]
        return cls(system.truth, first, rows[some], low, high, least, most)

    def look_for(
        self, at: NDArray[np.int64], value: int, seconds: float
    ) -> NDArray[np.float64] | None:
        """A world in which a size is this value.

        Tried in turn, each more costly: the world nearest to the truth, as a linear program, whose
        corners are most often whole; any corner; the integer program.
        """
        asked = _row(at - self.first, len(self.least))
        rows = vstack([self.rows, asked]).tocsr()
        low, high = np.append(self.low, value), np.append(self.high, value)
        moved = self._nearest(rows, low, high)
        if moved is None:
            return None
        for found in (lambda: moved, lambda: self._solve(rows, low, high, 0, seconds),
                      lambda: self._solve(rows, low, high, 1, seconds)):  # fmt: skip
            world = self._agreeing(found(), rows, low, high)
            if world is not None:
                return world
        return None

    def _nearest(
        self, rows: csr_matrix, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        truth = self._here
        said = rows @ truth
        moves = linprog(
            np.ones(2 * len(truth)),
            A_ub=_both_ways(rows, low, high),
            b_ub=np.concatenate([(high - said)[high < np.inf], (said - low)[low > -np.inf]]),
            bounds=np.column_stack(
                [
                    np.zeros(2 * len(truth)),
                    np.concatenate([self.most - truth, truth - self.least]),
                ]
            ),
            method="highs",
        )
        if moves.status != 0:
            return None
        up, down = np.split(moves.x, 2)
        return np.asarray(truth + up - down)

    def _solve(
        self,
        rows: csr_matrix,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        whole: int,
        seconds: float,
    ) -> NDArray[np.float64] | None:
        n = len(self.least)
        found = milp(
            np.zeros(n),
            constraints=LinearConstraint(rows, low, high),
            integrality=np.full(n, whole),
            bounds=Bounds(self.least, self.most),
            options={"time_limit": seconds},
        )
        return found.x if found.x is not None and found.status == 0 else None

    @property
    def _here(self) -> NDArray[np.int64]:
        return self.truth[self.first : self.first + len(self.least)]

    def _agreeing(
        self,
        found: NDArray[np.float64] | None,
        rows: csr_matrix,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> NDArray[np.float64] | None:
        """The whole world with what was found in its place, if all that is said holds in it."""
        if found is None:
            return None
        here = np.rint(found)
        said = rows @ here
        if not (np.all(said >= low) and np.all(said <= high) and np.all(here >= 0)):
            return None
        world = self.truth.astype(float)
        world[self.first : self.first + len(here)] = here
        return world


def narrowed(system: System) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of every unknown that follow from one row after the other; never too narrow."""
    n = len(system.truth)
    low, high = np.zeros(n), np.full(n, np.inf)
    if not system.rows.shape[0]:
        return low, high
    entries = system.rows.tocoo()
    row, column, plus = entries.row, entries.col, entries.data > 0
    for _ in range(ROUNDS):
        before = low.copy(), high.copy()
        least = np.where(plus, low[column], -high[column])
        most = np.where(plus, high[column], -low[column])
        sums = [_sums(row, values, system.rows.shape[0]) for values in (least, most)]
        rest_least = _less(sums[0], row, least, -np.inf)
        rest_most = _less(sums[1], row, most, np.inf)
        upper = system.high[row] - rest_least
        lower = system.low[row] - rest_most
        np.minimum.at(high, column, np.where(plus, upper, -lower))
        np.maximum.at(low, column, np.where(plus, lower, -upper))
        if np.array_equal(before[0], low) and np.array_equal(before[1], high):
            break
    return low, high


def tight_rows(system: System, question: Question) -> NDArray[np.int64]:
    """Rows without which the size could be larger or smaller: those with a price at an optimum."""
    n = len(system.truth)
    goal = np.zeros(n)
    goal[question.columns] = 1
    upper, lower = np.isfinite(system.high), np.isfinite(system.low)
    rows = vstack([system.rows[upper], -system.rows[lower]]).tocsr()
    limits = np.concatenate([system.high[upper], -system.low[lower]])
    origin = np.concatenate([np.flatnonzero(upper), np.flatnonzero(lower)])
    priced: set[int] = set()
    for sign in (1, -1):
        found = linprog(sign * goal, A_ub=rows, b_ub=limits, bounds=(0, None), method="highs")
        if found.status == 0:
            priced.update(origin[np.abs(found.ineqlin.marginals) > 1e-9].tolist())
    return np.array(sorted(priced), dtype=np.int64)


def _sums(
    row: NDArray[np.int64], values: NDArray[np.float64], rows: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Finite part of each row's sum, and how many of its terms are infinite."""
    finite = np.isfinite(values)
    total = np.bincount(row, np.where(finite, values, 0.0), rows).astype(float)
    return total, np.bincount(row, ~finite, rows).astype(np.int64)


def _less(
    sums: tuple[NDArray[np.float64], NDArray[np.int64]],
    row: NDArray[np.int64],
    values: NDArray[np.float64],
    unbounded: float,
) -> NDArray[np.float64]:
    """Each row's sum without one of its terms; ``unbounded`` if another one is infinite."""
    total, infinite = sums
    finite = np.isfinite(values)
    others = infinite[row] - ~finite
    return np.where(others > 0, unbounded, total[row] - np.where(finite, values, 0.0))


def _both_ways(rows: csr_matrix, low: NDArray[np.float64], high: NDArray[np.float64]) -> csr_matrix:
    """Upper limits of rows on moves up and down, from rows with two limits."""
    up, down = rows[high < np.inf], rows[low > -np.inf]
    return vstack([hstack([up, -up]), hstack([-down, down])]).tocsr()


def _row(at: NDArray[np.int64], n: int) -> csr_matrix:
    return csr_matrix((np.ones(len(at)), (np.zeros(len(at), dtype=int), at)), shape=(1, n))
