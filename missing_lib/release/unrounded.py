"""Between what a figure could lie before it was rounded: from what is published, and no more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from missing_lib.release.counted import SHOWN, Cell
from missing_lib.release.differencing.counts import interval
from missing_lib.release.policy import Policy
from missing_lib.release.published import count_text
from missing_lib.release.registry import ChapterRecords

#: Multiples of the rounding up to which the two counts of a share are tried; with more the share
#: moves by less than with fewer.
LARGEST = 300


def between(record: dict[str, Any], records: ChapterRecords, policy: Policy) -> str:
    """Lowest and highest value that a published number could have had, in words.

    Parameters
    ----------
    record : dict
        Of a number.
    records : ChapterRecords
        Of its chapter, in which the numbers and tables that it was made of stand.
    policy : Policy

    Returns
    -------
    str
        Empty where nothing is shown, or where nothing was rounded.
    """
    if record["hidden"] or record["value"] is None or record["status"] != SHOWN:
        return ""
    made_of = [r for r in records.of_kind("number", "table") if r["name"] in record["of"]]
    value, unit = float(record["value"]), record["unit"]
    if unit in ("person", "incident"):
        low, high = of_count(value, policy)
        return f"{count_text(low)} to {count_text(high)}"
    if unit == "money":
        return _cost(value, float(made_of[0]["value"]), record["text"], policy)
    if unit == "estimate" and record["text"].startswith("<"):
        return f"0 to {value:g}"
    if unit == "estimate":
        low, high = of_estimate(value)
        return f"{low:.3g} to {high:.3g}"
    if unit == "share":
        counts = {r["name"]: float(r["value"]) for r in made_of}
        two = [counts[name] for name in record["of"]]
        return _percent(*(of_share(two[0], two[1], policy) if two else of_percent(value)))
    if [r.get("rule") for r in made_of] == ["ratios"]:
        return _percent(*of_any_share(value, policy))
    return ""


def of_count(value: float, policy: Policy) -> tuple[float, float]:
    """Counts that are shown as this one.

    Examples
    --------
    >>> of_count(1130.0, Policy()), of_count(10.0, Policy())
    ((1128.0, 1132.0), (10.0, 12.0))
    """
    return interval(Cell("", SHOWN, value, 0), policy)


def of_share(part: float, whole: float, policy: Policy) -> tuple[float, float]:
    """Shares whose two counts are shown as these.

    Examples
    --------
    >>> low, high = of_share(50.0, 100.0, Policy())
    >>> round(low, 4), round(high, 4)
    (0.4706, 0.5306)
    """
    (fewest, most), (smallest, largest) = (of_count(n, policy) for n in (part, whole))
    return fewest / largest, min(1.0, most / smallest)


def of_any_share(share: float, policy: Policy) -> tuple[float, float]:
    """Shares that are shown as this one, whatever their two counts, which are not published.

    Somebody on the edge of a top fifth belongs to it in part, so a count need not be whole.

    Examples
    --------
    >>> low, high = of_any_share(0.5, Policy())
    >>> round(low, 2), round(high, 2)
    (0.38, 0.71)
    """
    size = policy.rounding * np.arange(1, LARGEST + 1, dtype=float)
    whole, part = (grid.ravel() for grid in np.meshgrid(size, size))
    possible = (part >= policy.threshold) & (part <= whole)
    possible &= np.floor(100 * part / whole + 0.5) == round(100 * share)
    if not possible.any():
        return of_percent(share)
    whole, part, half = whole[possible], part[possible], policy.rounding / 2
    low = np.maximum(part - half, policy.threshold) / (whole + half)
    high = np.minimum((part + half) / (whole - half), 1.0)
    return float(low.min()), float(high.max())


def of_percent(share: float) -> tuple[float, float]:
    """Shares that are shown as this whole number of per cent."""
    return share - 0.005, share + 0.005


def of_estimate(value: float) -> tuple[float, float]:
    """Statistics that are shown as this one of two significant digits.

    Examples
    --------
    >>> low, high = of_estimate(2.1)
    >>> round(low, 3), round(high, 3)
    (2.05, 2.15)
    >>> low, high = of_estimate(1.0)
    >>> round(low, 3), round(high, 3)
    (0.995, 1.05)
    """
    size = abs(value)
    if size == 0:
        return 0.0, 0.0
    towards = size - _half_a_digit(size * (1 - 1e-9))
    away = size + _half_a_digit(size)
    return (towards, away) if value > 0 else (-away, -towards)


def _half_a_digit(size: float) -> float:
    return float(0.5 * 10.0 ** (math.floor(math.log10(size)) - 1))


def _percent(low: float, high: float) -> str:
    """Bounds in per cent, rounded outwards to a tenth."""
    return f"{math.floor(1000 * low + 1e-6) / 10:.1f} to {math.ceil(1000 * high - 1e-6) / 10:.1f} %"


def _cost(cost: float, count: float, text: str, policy: Policy) -> str:
    """Bounds in millions, rounded outwards to a hundredth."""
    unit, currency = cost / count, text.split(maxsplit=1)[0]
    low, high = (n * unit / 1e4 for n in of_count(count, policy))
    return f"{currency} {math.floor(low) / 100:.2f} to {math.ceil(high) / 100:.2f} million"
