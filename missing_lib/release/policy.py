"""The disclosure policy: two numbers a force may tighten, and what they do to one value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from missing_lib.force.spec import PolicyChoice


@dataclass(frozen=True)
class Policy:
    """What may be shown.

    Attributes
    ----------
    threshold : int
        Smallest count of people or incidents that may be shown.
    rounding : int
        Counts are rounded to the nearest multiple.
    one_share, two_shares : float
        Largest part of a count of incidents that one person, and two people, may hold.
    block : int
        Curves: cumulative counts are replaced by the midpoint of blocks of this size.
    consistent, distance : int
        Of a protected count so many values must remain consistent with everything published,
        one of them so far from the truth.
    """

    threshold: int = 10
    rounding: int = 5
    one_share: float = 0.5
    two_shares: float = 0.9
    block: int = 10
    consistent: int = 4
    distance: int = 2

    @classmethod
    def of(cls, choice: PolicyChoice) -> Policy:
        """The policy of a force file, which can only be stricter than the default."""
        return cls(
            threshold=max(choice.threshold, cls.threshold),
            rounding=max(choice.rounding, cls.rounding),
            block=max(choice.threshold, cls.block),
        )


def round_count(count: ArrayLike, policy: Policy) -> NDArray[np.float64]:
    """Round counts to the nearest multiple, halves up.

    Examples
    --------
    >>> round_count([10, 12, 13, 8773], Policy()).tolist()
    [10.0, 10.0, 15.0, 8775.0]
    """
    counts = np.asarray(count, dtype=float)
    return np.floor(counts / policy.rounding + 0.5) * policy.rounding


def enough_people(people: ArrayLike, policy: Policy) -> NDArray[np.bool_]:
    """True where a count of people reaches the threshold."""
    return np.asarray(people, dtype=float) >= policy.threshold


def enough_incidents(
    incidents: ArrayLike,
    people: ArrayLike,
    largest: ArrayLike,
    largest_two: ArrayLike,
    policy: Policy,
) -> NDArray[np.bool_]:
    """True where a count of incidents may be shown.

    It needs the threshold in incidents and in people, no person above ``one_share`` and no
    two people above ``two_shares`` of it.

    Parameters
    ----------
    incidents, people, largest, largest_two : array_like, shape (cells,)
        Incidents, contributing people, and the incidents of the one and the two people with most.

    Examples
    --------
    >>> enough_incidents([140, 140], [1, 30], [140, 20], [140, 35], Policy()).tolist()
    [False, True]
    """
    total = np.asarray(incidents, dtype=float)
    return (
        (total >= policy.threshold)
        & enough_people(people, policy)
        & (np.asarray(largest) <= policy.one_share * total)
        & (np.asarray(largest_two) <= policy.two_shares * total)
    )


def significant(value: float, digits: int = 2) -> float:
    """Round to significant digits; NaN and infinities stay what they are.

    Examples
    --------
    >>> significant(0.64837), significant(1234.0), significant(0.0)
    (0.65, 1200.0, 0.0)
    """
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
