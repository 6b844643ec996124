"""Worlds of recurrent incidents as rows for hazard models: constant rates, frailty or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Log hazard ratios of the two terms of the design.
EFFECTS = {"marked": 0.7, "score": 0.3}
#: Rate without either, per year; years of the shortest and the longest window.
_RATE, _WINDOW = 0.8, (0.5, 3.0)
_SHARE_MARKED = 0.4


@dataclass(frozen=True)
class Rows:
    """Time at risk of everybody, in rows (start, stop] that each incident ends.

    Attributes
    ----------
    person, order : ndarray of int, shape (n,)
        ``order`` is 1 until the first incident, 2 until the second, ...
    start, stop : ndarray of float, shape (n,)
        Years since the person's window opened.
    event : ndarray of bool, shape (n,)
    design : DataFrame, shape (n, 2)
        ``marked`` (0 or 1) and ``score``; the same in all rows of a person.
    """

    person: NDArray[np.int64]
    order: NDArray[np.int64]
    start: NDArray[np.float64]
    stop: NDArray[np.float64]
    event: NDArray[np.bool_]
    design: pd.DataFrame

    def keep(self, rows: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return Rows(
            self.person[rows],
            self.order[rows],
            self.start[rows],
            self.stop[rows],
            self.event[rows],
            self.design[rows].reset_index(drop=True),
        )


def recurrent(
    people: int, rng: np.random.Generator, theta: float = 0.0, only_reported: bool = False
) -> Rows:
    """People whose incidents come at a constant rate z lambda exp(x b).

    Parameters
    ----------
    theta : float
        Variance of z, Gamma with mean 1; 0 where only x makes people differ.
    only_reported : bool
        Leave out people without an incident, as police files do.
    """
    marked = (rng.random(people) < _SHARE_MARKED).astype(float)
    design = pd.DataFrame({"marked": marked, "score": rng.normal(size=people)})
    factor = rng.gamma(1 / theta, theta, people) if theta > 0 else np.ones(people)
    rate = _RATE * factor * np.exp(design.to_numpy() @ np.array(list(EFFECTS.values())))
    window = rng.uniform(*_WINDOW, people)
    number = rng.poisson(rate * window)
    size = number + 1
    person = np.repeat(np.arange(people), size)
    first = np.cumsum(size) - size
    order = np.arange(len(person)) - first[person] + 1
    event = order <= number[person]
    at = np.where(event, rng.random(len(person)), 1.0) * window[person]
    stop = at[np.lexsort((at, person))]
    start = np.where(order == 1, 0.0, np.roll(stop, 1))
    rows = Rows(person, order, start, stop, event, design.iloc[person].reset_index(drop=True))
    return rows.keep((number > 0)[person]) if only_reported else rows
