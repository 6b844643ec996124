"""Test whether gaps are shorter than each person's own number of incidents makes likely.

The null keeps what a person is: how often, in which days at risk, in which months, at which ages
and in which spells of care. Only the times within that are drawn again. Rejection means that
incidents of a person cluster in the short term; it does not say that one causes the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.cohort import Cohort
from missing_lib.study.redraw import redraw_gaps, redraw_plan
from missing_lib.study.repeats import HAZARD_EDGES
from missing_lib.study.stretches import stretches
from missing_lib.study.within_person import FACTORS, within_rates

Floats = NDArray[np.float64]

#: Worlds drawn unless asked otherwise.
DRAWS = 499
#: p value up to which the wording says that gaps are shorter, or longer, than drawn ones.
SMALL = 0.05
#: Fewer gaps than this are not compared in words.
FEWEST_GAPS = 20
ALSO_CARE = "also spells in care"
#: What a null keeps of the rate within a person, beside everybody's number and time at risk.
KEPT: dict[str, tuple[str, ...]] = {
    "numbers and time at risk": (),
    "also month and age": ("month", "age"),
    ALSO_CARE: FACTORS,
}
_RESAMPLED = 1000
_TINY = 1e-12


@dataclass(frozen=True)
class DrawnWorlds:
    """Short gaps and hazards as seen, and in worlds drawn again.

    Attributes
    ----------
    bounds : ndarray of float, shape (bounds,)
        Days.
    seen, expected : ndarray of float, shape (people, bounds)
        Gaps of each person within each bound: seen, and on average over the worlds.
    gaps : ndarray of int, shape (people,)
        Gaps of each person.
    shares : ndarray of float, shape (worlds, bounds)
        Share of gaps within each bound in each world; no rows without a gap.
    hazards : ndarray of float, shape (worlds, bands)
        Incidents per person-day in the bands of
        :data:`missing_lib.study.repeats.HAZARD_EDGES`; NaN where nobody is at risk.
    """

    bounds: Floats
    seen: Floats
    expected: Floats
    gaps: NDArray[np.int64]
    shares: Floats
    hazards: Floats


def draw_again(
    cohort: Cohort,
    spells: pd.DataFrame,
    bounds: Sequence[float],
    *,
    kept: Sequence[str] = FACTORS,
    draws: int = DRAWS,
    seed: int = 1,
) -> DrawnWorlds:
    """Draw worlds in which incidents of a person do not cluster.

    Parameters
    ----------
    cohort : Cohort
    spells : DataFrame
        From :func:`missing_lib.study.repeats.gaps`.
    bounds : sequence of float
        Days; a gap of exactly the bound is within it.
    kept : sequence of str
        What the rate within a person may change with; see :data:`KEPT`.
    draws : int
        B, worlds drawn.
    seed : int
    """
    limits = np.asarray(bounds, dtype=float)
    given = stretches(cohort, spells)
    plan = redraw_plan(given, within_rates(given, kept))
    people = len(given.people)
    next_seen = spells["observed"].to_numpy()
    who = given.people.get_indexer(spells["person_id"])[next_seen]
    within = spells["gap_days"].to_numpy()[next_seen, None] <= limits
    seen = _by_person(who, within, people)
    rng = np.random.default_rng(seed)
    expected = np.zeros(seen.shape)
    shares, hazards = [], []
    for _ in range(draws if len(who) else 0):
        gaps = redraw_gaps(plan, rng)
        short = gaps[plan.observed, None] <= limits
        expected += _by_person(plan.who[plan.observed], short, people) / draws
        shares.append(short.mean(axis=0))
        hazards.append(_hazard(gaps, plan.observed))
    bands = len(HAZARD_EDGES) - 1
    return DrawnWorlds(
        bounds=limits,
        seen=seen,
        expected=expected,
        gaps=np.bincount(who, minlength=people),
        shares=np.reshape(shares, (-1, len(limits))),
        hazards=np.reshape(hazards, (-1, bands)),
    )


def _by_person(who: NDArray[np.int64], short: NDArray[np.bool_], people: int) -> Floats:
    """Short gaps of each person, shape (people, bounds)."""
    counts = [np.bincount(who, column, minlength=people) for column in short.T]
    return np.reshape(counts, (short.shape[1], people)).T.astype(np.float64)


def _hazard(gaps: Floats, observed: NDArray[np.bool_]) -> Floats:
    """Incidents per person-day in the bands of time since the return."""
    edges = np.asarray(HAZARD_EDGES, dtype=float)
    # Gaps of no length belong to the first band, as everywhere else.
    band = np.maximum(np.searchsorted(edges, gaps[observed], side="left") - 1, 0)
    events = np.bincount(band, minlength=len(edges))[: len(edges) - 1]
    days = np.array([np.clip(gaps - low, 0, high - low).sum() for low, high in pairwise(edges)])
    return np.divide(events, days, out=np.full(len(days), np.nan), where=days > 0)


def compare(worlds: DrawnWorlds, *, seed: int = 1) -> pd.DataFrame:
    """Place the short gaps that were seen among those of the drawn worlds.

    Returns
    -------
    DataFrame
        ``days``, ``observed`` (share of gaps within), ``expected``, ``low``, ``high`` (mean and
        middle 95 % of the drawn shares), ``p`` = (1 + #{drawn >= observed})/(B + 1), ``p_fewer``
        (the same with <=), ``explained`` = expected/observed with ``explained_low`` and
        ``explained_high`` (people resampled), ``gaps`` and ``people`` (the smaller of the
        numbers with a gap within and with one beyond the bound). NaN without a gap.
    """
    total = int(worlds.gaps.sum())
    rows = []
    for column, days in enumerate(worlds.bounds):
        seen, drawn = worlds.seen[:, column], worlds.shares[:, column]
        both = min(int((seen > 0).sum()), int((worlds.gaps > seen).sum()))
        row = {"days": float(days), "gaps": total, "people": both}
        rows.append(row | _placed(seen.sum() / max(total, 1), drawn))
        explained = _explained(worlds.expected[:, column], seen, seed)
        names = ("explained", "explained_low", "explained_high")
        rows[-1] |= dict(zip(names, explained, strict=True))
    return pd.DataFrame(rows)


def compare_nulls(
    cohort: Cohort,
    spells: pd.DataFrame,
    bounds: Sequence[float],
    *,
    draws: int = DRAWS,
    seed: int = 1,
) -> tuple[DrawnWorlds, pd.DataFrame]:
    """The worlds that keep everything, and the comparison with every null of :data:`KEPT`.

    Returns
    -------
    DrawnWorlds
        Of the last null.
    DataFrame
        As from :func:`compare`, with ``kept`` in words, bounds within each. The null that keeps
        spells in care is left out where nobody has one.
    """
    tables = []
    in_care = bool(stretches(cohort, spells).care.any())
    for words, kept in KEPT.items():
        if words != ALSO_CARE or in_care:
            worlds = draw_again(cohort, spells, bounds, kept=kept, draws=draws, seed=seed)
            tables.append(compare(worlds, seed=seed).assign(kept=words))
    return worlds, pd.concat(tables, ignore_index=True)


def _placed(observed: float, drawn: Floats) -> dict[str, float]:
    if not len(drawn):
        return dict.fromkeys(("observed", "expected", "low", "high", "p", "p_fewer"), np.nan)
    low, high = np.quantile(drawn, [0.025, 0.975])
    # Shares are quotients of whole numbers by one total; equal ones must compare as equal.
    at_least, at_most = drawn >= observed - _TINY, drawn <= observed + _TINY
    return {
        "observed": float(observed),
        "expected": float(drawn.mean()),
        "low": float(low),
        "high": float(high),
        "p": float((1 + at_least.sum()) / (len(drawn) + 1)),
        "p_fewer": float((1 + at_most.sum()) / (len(drawn) + 1)),
    }


def _explained(expected: Floats, seen: Floats, seed: int) -> tuple[float, float, float]:
    """Sum of expected over sum of seen, with a percentile interval from resampled people."""
    some = (expected > 0) | (seen > 0)
    expected, seen = expected[some], seen[some]
    if not seen.sum() > 0:
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(seed)
    ratios = []
    for _ in range(_RESAMPLED):
        drawn = np.bincount(rng.integers(0, len(seen), len(seen)), minlength=len(seen))
        if drawn @ seen > 0:
            ratios.append(drawn @ expected / (drawn @ seen))
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(expected.sum() / seen.sum()), float(low), float(high)


def expected_hazard(worlds: DrawnWorlds) -> pd.DataFrame:
    """Rate of the next incident by time since the return, as the drawn worlds have it.

    Returns
    -------
    DataFrame
        ``expected``, ``expected_low``, ``expected_high`` (mean and middle 95 %), in incidents
        per hundred person-days; a row per band of
        :data:`missing_lib.study.repeats.HAZARD_EDGES`; NaN where no world has anybody at risk.
    """
    columns = []
    for drawn in worlds.hazards.T:
        some = drawn[np.isfinite(drawn)]
        if len(some):
            columns.append((some.mean(), *np.quantile(some, [0.025, 0.975])))
        else:
            columns.append((np.nan, np.nan, np.nan))
    named = ["expected", "expected_low", "expected_high"]
    return 100 * pd.DataFrame(columns, columns=named)


@dataclass(frozen=True)
class Soonest:
    """The rate in the first band of days since the return, over that of the drawn worlds.

    Attributes
    ----------
    ratio, low, high : float
        Quotient, and its bounds from the interval of the rate that was seen.
    people : int
        People with an incident in the band.
    """

    ratio: float
    low: float
    high: float
    people: int


def soonest(rates: pd.DataFrame) -> Soonest | None:
    """Compare the first band; None where either rate is zero or missing.

    Parameters
    ----------
    rates : DataFrame
        :func:`missing_lib.study.repeats.hazard_table` beside :func:`expected_hazard`.
    """
    first = rates.iloc[0]
    if not (first["per_hundred_days"] > 0 and first["expected"] > 0):
        return None
    ratio, low, high = first[["per_hundred_days", "lower", "upper"]] / first["expected"]
    return Soonest(float(ratio), float(low), float(high), int(first["people"]))


def describe_soonest(found: Soonest | None) -> str:
    """How often the first days bring an incident, as a template with ``days`` and ``ratio``."""
    if found is None:
        return "Nobody was reported again so soon that the first days could be compared."
    return (
        "In the first {days} days after a return the next incident comes {ratio} times as often "
        "as with times drawn again (interval {ratio.interval_text})."
    )


def main_comparison(nulls: pd.DataFrame) -> pd.Series:
    """The row of :func:`compare_nulls` that keeps most, at the shortest bound."""
    most = nulls[nulls["kept"] == nulls["kept"].iloc[-1]]
    return most.sort_values("days").iloc[0]


def in_words(test: pd.DataFrame) -> pd.DataFrame:
    """The test with its bounds in words, in column ``within``, and bounds together."""
    worded = test.assign(within=[f"within {days:.0f} days" for days in test["days"]])
    return worded.sort_values("days", kind="stable", ignore_index=True)


def too_few(test: pd.Series) -> bool:
    """Whether there are too few gaps to compare in words."""
    return bool(test["gaps"] < FEWEST_GAPS)


def describe(test: pd.Series) -> str:
    """What the comparison says of one bound, as a template for a page.

    Parameters
    ----------
    test : Series
        A row of :func:`compare_nulls`.

    Returns
    -------
    str
        With ``times``, ``expected``, ``days``, ``seen``, ``p`` and ``explained``; with none of
        them where there are too few gaps.
    """
    if too_few(test):
        return "Too few gaps were seen to compare them with times drawn again."
    told = (
        "With times drawn again {times} times, {expected} of gaps would be within {days} days on "
        "average; {seen} are (p = {p}). "
    )
    if test["p"] <= SMALL:
        also = "month, age and spells in care" if test["kept"] == ALSO_CARE else "month and age"
        return told + (
            f"Differences in who goes missing how often, with {also}, "
            "explain {explained} of these quick repeats (interval {explained.interval_text}). "
            "The rest is short-term clustering, which does not prove that one incident brings "
            "the next."
        )
    if test["p_fewer"] <= SMALL:
        return told + "Quick repeats are fewer than that: the next incident tends to wait."
    return told + "That is within what chance gives; it does not show that there is no clustering."


def describe_care(test: pd.Series) -> str:
    """Whether spells in care are in the comparison."""
    if test["kept"] == ALSO_CARE:
        return "Spells in care are kept where they were when the times are drawn again."
    return "Nobody has a spell in care on record, so the drawn times take no account of care."


def told_p(test: pd.Series) -> float:
    """The p value that goes with the words: of fewer short gaps where they are fewer."""
    fewer = test["p"] > SMALL and test["p_fewer"] <= SMALL
    return float(test["p_fewer"] if fewer else test["p"])
