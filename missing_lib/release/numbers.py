"""Make a safe number from an exact one: rounded, or hidden by the rule that says so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from missing_lib.release.mends import Mend
from missing_lib.release.policy import Policy, enough_incidents, round_count, significant
from missing_lib.release.published import (
    HIDDEN_SHARE,
    NOT_AVAILABLE,
    SMALLEST_P,
    Number,
    count_text,
    kept_text,
    p_text,
    percent_text,
    value_text,
)

Bounds = tuple[float, float] | None


def people(name: str, n: int, of: Number | None, policy: Policy) -> Number:
    """A count of people; hidden below the threshold, or where its complement is."""
    shown = n >= policy.threshold and _complement_is_safe(n, of, policy)
    return _count(name, float(n), shown, "person", policy)


def incidents(name: str, per_person: ArrayLike, of: Number | None, policy: Policy) -> Number:
    """A count of incidents, given how many each person contributes."""
    total = float(np.sum(np.asarray(per_person, dtype=float)))
    shown = may_be_shown(per_person, policy) and _complement_is_safe(total, of, policy)
    return _count(name, total, shown, "incident", policy)


def may_be_shown(per_person: ArrayLike, policy: Policy) -> bool:
    """Whether a sum over people may be shown: enough of it, of people, and nobody dominant.

    Examples
    --------
    >>> may_be_shown([1] * 12, Policy()), may_be_shown([30] + [1] * 12, Policy())
    (True, False)
    """
    given = np.sort(np.asarray(per_person, dtype=float))[::-1]
    given = given[given > 0]
    total = float(given.sum())
    return bool(enough_incidents(total, len(given), given[:1].sum(), given[:2].sum(), policy))


def _complement_is_safe(n: float, of: Number | None, policy: Policy) -> bool:
    return of is None or of.exact - n >= policy.threshold


def _count(name: str, n: float, shown: bool, unit: str, policy: Policy) -> Number:
    if shown:
        safe = float(round_count(n, policy))
        return Number(name, safe, count_text(safe), unit=unit, exact=n)
    few = f"fewer than {policy.threshold}" if n < policy.threshold else HIDDEN_SHARE
    return Number(name, math.nan, few, hidden=True, unit=unit, exact=n)


def mended(number: Number, mend: Mend | None) -> Number:
    """A count as the edition may show it: hidden, or as it was in an earlier release."""
    if mend is None:
        return number
    if mend.value is None:
        return replace(number, value=math.nan, text=HIDDEN_SHARE, hidden=True)
    text = kept_text(mend.value, mend.since)
    return replace(number, value=mend.value, text=text, hidden=False, since=mend.since)


def share(name: str, part: Number, whole: Number, interval: Bounds) -> Number:
    """Part over whole in whole per cent, from the rounded counts."""
    if part.hidden or whole.hidden:
        return hidden(name)
    if not whole.value > 0:
        return Number(name, math.nan, NOT_AVAILABLE)
    return _percent(name, part.value / whole.value, interval)


def percent(name: str, value: float, interval: Bounds, shown: bool) -> Number:
    """A fraction in whole per cent whose counts stay on the machine."""
    return _percent(name, value, interval) if shown else hidden(name)


def _percent(name: str, value: float, interval: Bounds) -> Number:
    if math.isnan(value):
        return Number(name, math.nan, NOT_AVAILABLE)
    safe = math.floor(100 * value + 0.5) / 100
    low, high, between = math.nan, math.nan, ""
    if interval is not None and not any(math.isnan(v) for v in interval):
        low, high = math.floor(100 * interval[0]) / 100, math.ceil(100 * interval[1]) / 100
        between = f"{100 * low:.0f} to {percent_text(high)}"
    return Number(name, safe, percent_text(safe), low, high, between)


def estimate(
    name: str, value: float, n_people: int, interval: Bounds, unit: str, policy: Policy
) -> Number:
    """A statistic with two significant digits; it rests on so many people."""
    if n_people < policy.threshold:
        return hidden(name)
    low, high = (significant(float(v)) for v in interval or (math.nan, math.nan))
    safe = significant(float(value))
    suffix = f" {unit}" if unit and not math.isnan(safe) else ""
    between = "" if math.isnan(low) else f"{value_text(low)} to {value_text(high)}{suffix}"
    return Number(name, safe, value_text(safe) + suffix, low, high, between)


def p_value(name: str, p: float, n_people: int, policy: Policy) -> Number:
    """A p value with two significant digits, never below one in a thousand.

    Examples
    --------
    >>> p_value("p", 0.000012, 40, Policy()).text, p_value("p", 0.0312, 40, Policy()).value
    ('< 0.001', 0.031)
    """
    if n_people < policy.threshold:
        return hidden(name)
    safe = p if math.isnan(p) else max(significant(float(p)), SMALLEST_P)
    return Number(name, safe, p_text(p))


def quantile(
    name: str, values: ArrayLike, q: float, persons: ArrayLike, unit: str, policy: Policy
) -> Number:
    """A quantile that has enough people strictly on each side of it, and so is no extreme."""
    frame = pd.DataFrame({"value": np.asarray(values, float), "person": np.asarray(persons)})
    frame = frame.dropna()
    at = float(frame["value"].quantile(q)) if len(frame) else math.nan
    below = frame.loc[frame["value"] < at, "person"].nunique()
    above = frame.loc[frame["value"] > at, "person"].nunique()
    return estimate(name, at, min(below, above), None, unit, policy)


def money(
    name: str, count: Number, unit_cost: float, currency: str, between: Bounds = None
) -> Number:
    """A cost in millions or thousands, from the rounded count of incidents.

    ``between`` are the bounds of the count, from published values alone.
    """
    if count.hidden or math.isnan(count.value):
        return hidden(name) if count.hidden else Number(name, math.nan, NOT_AVAILABLE)
    cost = count.value * unit_cost
    low, high = (n * unit_cost for n in between or (math.nan, math.nan))
    text = f"{currency} {_amount(cost)}"
    if math.isnan(low) or math.isnan(high):
        return Number(name, cost, text)
    return Number(name, cost, text, low, high, f"{currency} {_amount(low)} to {_amount(high)}")


def share_of_count(share: Number, whole: Number) -> tuple[float, float]:
    """Between what a count may lie whose share of a published count has an interval."""
    return share.low * whole.value, share.high * whole.value


def _amount(cost: float) -> str:
    return f"{cost / 1e6:.2f} million" if cost >= 1e6 else f"{round(cost, -3):,.0f}"


def hidden(name: str) -> Number:
    """A number that a rule hides."""
    return Number(name, math.nan, HIDDEN_SHARE, hidden=True)
