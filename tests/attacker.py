"""Somebody who has everything published, knows the policy, and solves for every count there is.

Written apart from the gate: from the definitions of the tables, not from who is in them. The
true data judge whether the attack succeeded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from missing_lib.release.counted import Counted
from missing_lib.release.policy import Policy
from tests.made_worlds import Population, Published, Shape, masks, protected

#: What is protected and when it is recovered, whatever policy a broken gate applied.
JUDGE = Policy()

#: One published table or number, what was printed, and under which policy.
Print = tuple[Published, Counted, Policy]


def recovered(shape: Shape, population: Population, prints: Sequence[Print]) -> list[int]:
    """True sizes of the protected sets that can be worked out too closely."""
    rows, low, high = _said(shape, prints)
    found = []
    for mask in protected(shape, [one for one, _, _ in prints]).values():
        true = int(population[mask].sum())
        if 0 < true < JUDGE.threshold:
            least, most = (_extreme(rows, low, high, mask, true, s) for s in (1, -1))
            apart = max(most - true, true - least)
            if most - least + 1 < JUDGE.consistent or apart < JUDGE.distance:
                found.append(true)
    return found


def _said(
    shape: Shape, prints: Sequence[Print]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rows, low, high = [np.zeros(shape.size)], [0.0], [np.inf]
    for one, counted, policy in prints:
        for mask, cell in zip(masks(shape, one), counted.cells, strict=True):
            rows.append(mask.astype(float))
            least, most = _between(cell.status, cell.value, policy)
            low.append(least)
            high.append(most)
    return np.array(rows), np.array(low), np.array(high)


def _between(status: str, value: float, policy: Policy) -> tuple[float, float]:
    """All counts that would be printed so, one by one."""
    if status == "zero":
        return 0, 0
    if status in ("few", "hidden", "kept"):
        return 0, policy.threshold - 1 if status == "few" else np.inf
    step = policy.rounding
    near = range(max(policy.threshold, int(value) - step), int(value) + step + 1)
    same = [n for n in near if (2 * n + step) // (2 * step) * step == value]
    return (min(same), max(same)) if same else (0, np.inf)


def _extreme(
    rows: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    mask: NDArray[np.bool_],
    true: int,
    sign: int,
) -> int:
    """Least (1) or greatest (-1) size of a set, not looked for further than ten from the truth."""
    goal = mask.astype(float)
    found = milp(
        sign * goal,
        constraints=[
            LinearConstraint(rows, low, high),
            LinearConstraint(goal[None, :], true - 10, true + 10),
        ],
        integrality=np.ones(len(mask)),
        bounds=Bounds(0, np.inf),
    )
    return round(sign * found.fun)
