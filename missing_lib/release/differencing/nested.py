"""Published sets within each other, wherever they stand, whose two sizes tell what is between.

Tables by different columns share nothing but their totals as sums go. Yet those from twelve and
those from fourteen years of age can stand in two tables, and their difference is one of few.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from missing_lib.release.differencing.counts import Collection
from missing_lib.release.policy import Policy


def nested(collection: Collection, policy: Policy) -> list[tuple[int, int]]:
    """Pairs of counts, the first within the second, that by themselves tell a difference of few.

    Only those are looked for whose published sizes leave too few values for what is between.
    """
    found = []
    for unit in sorted(collection.sizes):
        mine = [i for i, c in enumerate(collection.counts) if c.unit == unit and c.high < np.inf]
        at = np.array(mine, dtype=np.int64)
        for i, j in np.argwhere(_narrow(collection, at, policy)):
            inner, outer = int(at[i]), int(at[j])
            if _is_within(collection, inner, outer):
                found.append((inner, outer))
    return found


def _narrow(collection: Collection, at: NDArray[np.int64], policy: Policy) -> NDArray[np.bool_]:
    """Whether two sizes, the first no more than the second, leave too few values between them."""
    counts = [collection.counts[i] for i in at]
    low, high = np.array([c.low for c in counts]), np.array([c.high for c in counts])
    true = np.array([c.true for c in counts], dtype=np.int64)
    left = true[None, :] - true[:, None]
    least = np.maximum(low[None, :] - high[:, None], 0)
    most = high[None, :] - low[:, None]
    apart = np.maximum(most - left, left - least)
    few = (true[:, None] > 0) & (left > 0) & (left < policy.threshold)
    return few & ((most - least + 1 < policy.consistent) | (apart < policy.distance))


def _is_within(collection: Collection, inner: int, outer: int) -> bool:
    part, whole = collection.counts[inner].members, collection.counts[outer].members
    return bool(np.isin(part, whole, assume_unique=True).all())
