"""Calibrate the children's times to the monthly finding and the two gap shares.

A statement about every one of 68 months holds for few draws of the times. Children are
drawn again, one at a time and in full, until it holds with a margin; a draw is kept unless
it takes the data further from the targets. Everything about this is calibration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from missing_lib.synthetic.clock import DAY, MONTHS, Clock
from missing_lib.synthetic.times import History

TOP_SHARE = 0.2
#: Targets of the calibration: smallest monthly share of the top fifth, with its margin.
MONTHLY_SHARE = 0.635
#: Smallest share after numerator and denominator are rounded to five.
ROUNDED_SHARE = 0.61
SMALLEST_MONTH = 45
#: Children active in a month, inside the top fifth and outside it.
SMALLEST_GROUP = 12
#: Gap shares within 14 and 28 days, and how far the data may be from them.
GAP_DAYS = (14, 28)
GAP_SHARES = (0.60, 0.70)
GAP_TOLERANCE = 0.002
MAX_STEPS = 60_000


@dataclass(frozen=True)
class Calibration:
    """Result of the calibration.

    Attributes
    ----------
    histories : tuple of History
        One per child.
    tried, kept : int
        Number of redraws, and of those kept.
    redrawn : int
        Number of children whose times are not those of the first draw.
    failing_before : int
        Months that missed a target in the first draw.
    gap_shares_before : tuple of float
        Gap shares within 14 and 28 days in the first draw.
    """

    histories: tuple[History, ...]
    tried: int
    kept: int
    redrawn: int
    failing_before: int
    gap_shares_before: tuple[float, ...]


def top_weight(counts: np.ndarray, share: float = TOP_SHARE) -> np.ndarray:
    """Membership of the fixed top share by count; people tied at its edge share what is left.

    Examples
    --------
    >>> top_weight(np.array([9, 4, 4, 1, 1]), 0.4).tolist()
    [1.0, 0.5, 0.5, 0.0, 0.0]
    """
    size = share * len(counts)
    above = np.array([(counts > c).sum() for c in counts])
    equal = np.array([(counts == c).sum() for c in counts])
    return np.clip((size - above) / equal, 0.0, 1.0)


def round_to_five(value: np.ndarray, half: float = 0.0) -> np.ndarray:
    """Nearest multiple of five; ``half`` (+1e-9 or -1e-9) decides where the middle goes."""
    return 5 * np.floor(np.asarray(value) / 5 + 0.5 + half)


@dataclass(frozen=True)
class Summary:
    """The figures that the calibration is about.

    Attributes
    ----------
    gap_shares : tuple of float
        Shares of repeat gaps within 14 and 28 days.
    smallest_share, smallest_rounded_share : float
        Smallest monthly share of the fixed top fifth, and after rounding both counts to five.
    smallest_month : int
        Fewest child incidents in a month.
    fewest_inside, fewest_outside : int
        Fewest children active in a month in the top fifth and outside it.
    """

    gap_shares: tuple[float, ...]
    smallest_share: float
    smallest_rounded_share: float
    smallest_month: int
    fewest_inside: int
    fewest_outside: int


def summarise(histories: tuple[History, ...], counts: np.ndarray, clock: Clock) -> Summary:
    """Measure the calibrated figures."""
    weight = top_weight(counts)
    months = np.array([_by_month(h, clock) for h in histories])
    total, top = months.sum(axis=0), weight @ months
    gaps = np.array([_short_gaps(h) for h in histories]).sum(axis=0) / (counts - 1).sum()
    return Summary(
        gap_shares=tuple(float(g) for g in gaps),
        smallest_share=float((top / total).min()),
        smallest_rounded_share=float((round_to_five(top) / round_to_five(total)).min()),
        smallest_month=int(total.min()),
        fewest_inside=int((months[weight == 1] > 0).sum(axis=0).min()),
        fewest_outside=int((months[weight == 0] > 0).sum(axis=0).min()),
    )


def calibrate(
    histories: list[History],
    counts: np.ndarray,
    redraw: Callable[[int], History],
    clock: Clock,
    rng: np.random.Generator,
) -> Calibration:
    """Redraw single children until every month and both gap shares are within their targets.

    Parameters
    ----------
    histories : list of History
        First draw, one per child.
    counts : int array
        Number of incidents of each child.
    redraw : callable
        Draws the history of the child with a given position again.
    clock : Clock
    rng : Generator
        Chooses whom to redraw.
    """
    current, fresh = list(histories), np.zeros(len(histories), dtype=bool)
    weight = top_weight(counts)
    months = np.array([_by_month(h, clock) for h in current])
    gaps = np.array([_short_gaps(h) for h in current])
    repeats = int((counts - 1).sum())
    shares_before = gaps.sum(axis=0) / repeats
    distance = _distance(months, shares_before, weight)
    failing_before, kept = int((distance[:MONTHS] > 0).sum()), 0
    for step in range(MAX_STEPS):
        if distance.sum() == 0:
            return Calibration(
                histories=tuple(current),
                tried=step,
                kept=kept,
                redrawn=int(fresh.sum()),
                failing_before=failing_before,
                gap_shares_before=tuple(float(s) for s in shares_before),
            )
        child = _candidate(distance, months, rng)
        new = redraw(child)
        old = months[child].copy(), gaps[child].copy()
        months[child], gaps[child] = _by_month(new, clock), _short_gaps(new)
        after = _distance(months, gaps.sum(axis=0) / repeats, weight)
        if after.sum() <= distance.sum():
            current[child], distance, kept = new, after, kept + 1
            fresh[child] = True
        else:
            months[child], gaps[child] = old
    raise RuntimeError(f"targets not met after {MAX_STEPS} redraws")


def _candidate(distance: np.ndarray, months: np.ndarray, rng: np.random.Generator) -> int:
    """Half of the time a child who was missing in a month that fails, else any child."""
    failing = np.flatnonzero(distance[:MONTHS])
    if len(failing) and rng.random() < 0.5:
        month = failing[rng.integers(len(failing))]
        active = np.flatnonzero(months[:, month])
        if len(active):
            return int(active[rng.integers(len(active))])
    return int(rng.integers(len(months)))


def _by_month(history: History, clock: Clock) -> np.ndarray:
    return np.bincount(clock.local_month(history.reported), minlength=MONTHS)


def _short_gaps(history: History) -> np.ndarray:
    gap = history.reported[1:] - history.ended[:-1]
    return np.array([(gap <= days * DAY).sum() for days in GAP_DAYS])


def _distance(months: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Shortfall of each month, in incidents, and of each gap share, in thousandths; 0 is met."""
    total = months.sum(axis=0)
    top = weight @ months
    low = (weight == 0) @ months
    rounded = round_to_five(top - 0.5, -1e-9) / np.maximum(round_to_five(total, 1e-9), 5)
    active_top = ((months > 0) & (weight == 1)[:, None]).sum(axis=0)
    active_low = ((months > 0) & (weight == 0)[:, None]).sum(axis=0)
    short = np.maximum(MONTHLY_SHARE * total - top, 0)
    short = np.maximum(short, np.where(rounded < ROUNDED_SHARE, 1.0, 0.0))
    short += np.maximum(SMALLEST_MONTH - total, 0)
    short += np.maximum(SMALLEST_GROUP - active_top, 0) + np.maximum(SMALLEST_GROUP - active_low, 0)
    short += np.maximum(SMALLEST_GROUP - low, 0)
    off = np.maximum(np.abs(shares - GAP_SHARES) - GAP_TOLERANCE, 0) * 1_000
    return np.concatenate([short, off])
