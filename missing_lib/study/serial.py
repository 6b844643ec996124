"""Whether a long gap of a person tends to be followed by a long one: order, not size.

A person's gaps are shuffled among themselves. That changes neither a gap nor how many are short,
so it says nothing of whether gaps are shorter than chance: for that see
:mod:`missing_lib.study.clustering`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Shuffles unless asked otherwise.
DRAWS = 999
#: p value up to which the wording says that the order of gaps is not by chance.
SMALL = 0.05
_TINY = 1e-12


@dataclass(frozen=True)
class SerialCorrelation:
    """Lag-one correlation of a person's gaps against shuffled orders.

    Attributes
    ----------
    correlation : float
        Pooled within persons, in logarithms, less its mean over all orders: 0 by chance. NaN
        where nobody has two gaps that differ.
    p : float
        (1 + number of shuffles at least as far from 0)/(draws + 1).
    people : int
        People with two gaps or more that are not all alike.
    gaps : int
        Their gaps.
    """

    correlation: float
    p: float
    people: int
    gaps: int


def serial_correlation(
    spells: pd.DataFrame, *, draws: int = DRAWS, seed: int = 1
) -> SerialCorrelation:
    """Correlation of each gap with the person's next, and its place among shuffled orders.

    With z the logarithm of one day and the gap less the person's mean of it, the statistic is
    the sum over persons of [sum z_k z_(k+1) + S_i/m_i], over the sum of S_i = sum z_k^2: for m_i
    gaps in random order the first sum has the mean -S_i/m_i (Wald and Wolfowitz 1943,
    doi 10.1214/aoms/1177731358).

    Parameters
    ----------
    spells : DataFrame
        From :func:`missing_lib.study.repeats.gaps`: ``person_id``, ``gap_days``, ``observed``,
        each person's rows in the order of time.
    draws : int
        B, shuffles.
    seed : int

    Examples
    --------
    >>> rows = pd.DataFrame({"person_id": "a", "observed": True, "gap_days": [1, 1, 1, 50, 50, 50]})
    >>> round(serial_correlation(rows, draws=99).correlation, 2)
    0.67
    """
    seen = spells[spells["observed"]]
    size = np.log1p(seen["gap_days"]).groupby(seen["person_id"], sort=False)
    centred = (np.log1p(seen["gap_days"]) - size.transform("mean")).to_numpy()
    who, _ = pd.factorize(seen["person_id"])
    order = np.argsort(who, kind="stable")
    who, centred = who[order], centred[order]
    squares, sizes = np.bincount(who, centred**2), np.bincount(who)
    differ = squares > _TINY
    kept = differ[who] if len(who) else np.zeros(0, dtype=bool)
    who, centred = who[kept], centred[kept]
    total = float(squares[differ].sum())
    people, number = int(differ.sum()), len(who)
    if not people:
        return SerialCorrelation(np.nan, np.nan, 0, 0)
    by_chance = -float((squares[differ] / sizes[differ]).sum())
    neighbours = np.diff(who) == 0
    observed = _products(centred, neighbours) - by_chance
    rng = np.random.default_rng(seed)
    drawn = np.empty(draws)
    for b in range(draws):
        shuffled = centred[np.argsort(who + rng.random(number))]
        drawn[b] = _products(shuffled, neighbours) - by_chance
    far = np.abs(drawn) >= abs(observed) - _TINY
    return SerialCorrelation(
        correlation=observed / total,
        p=float((1 + far.sum()) / (draws + 1)),
        people=people,
        gaps=number,
    )


def _products(values: Floats, neighbours: NDArray[np.bool_]) -> float:
    return float((values[:-1] * values[1:])[neighbours].sum())


def describe(found: SerialCorrelation) -> str:
    """What the order of gaps says, as a template for a page with ``r`` and ``p``."""
    if np.isnan(found.correlation):
        return "Nobody has two gaps that differ, so their order says nothing."
    told = "Within a person, one gap and the next have a correlation of {r} (p = {p}): "
    if found.p > SMALL:
        return told + "the order of a person's gaps may be chance."
    if found.correlation > 0:
        return told + "long gaps follow long ones, and short follow short, more than by chance."
    return told + "long gaps follow short ones, and short follow long, more than by chance."
