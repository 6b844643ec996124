"""Does the same small group account for most incidents in every month? Five readings of it.

A share of "the top fifth" says nothing without two windows: the one in which people are ranked
and the one in which their share is measured. Each reading fixes both. The first reading is
also given for three months together, because the top fifth of one month is often too few
people to show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.chance import chance_top_share
from missing_lib.study.cohort import Cohort
from missing_lib.study.periods import (
    COLUMNS,
    PeriodCounts,
    count_by_period,
    mean_of_known,
    share_of,
    top_of_window,
    worlds,
)

Floats = NDArray[np.float64]
Window = tuple[int, int]

YEAR = 12
QUARTER = 3


@dataclass(frozen=True)
class Reading:
    """One meaning of "the top fifth hold at least so much in every month".

    Attributes
    ----------
    name, ranked, measured : str
        Code, and the two windows in words.
    windows : callable
        Takes a period and the number of periods; returns the half-open ranges of periods in
        which people are ranked and in which incidents are counted, or None where the ranking
        window is not complete.
    """

    name: str
    ranked: str
    measured: str
    windows: Callable[[int, int], tuple[Window, Window] | None]


READINGS = (
    Reading("within_month", "the month", "the month", lambda m, n: ((m, m + 1), (m, m + 1))),
    Reading(
        "within_quarter",
        "the three months up to and with the month",
        "the same three months",
        lambda m, n: (
            ((m + 1 - QUARTER, m + 1), (m + 1 - QUARTER, m + 1)) if m + 1 >= QUARTER else None
        ),
    ),
    Reading(
        "trailing_year",
        "the twelve months up to and with the month",
        "the same twelve months",
        lambda m, n: ((m + 1 - YEAR, m + 1), (m + 1 - YEAR, m + 1)) if m + 1 >= YEAR else None,
    ),
    Reading(
        "cumulative",
        "all months so far",
        "all months so far",
        lambda m, n: ((0, m + 1), (0, m + 1)),
    ),
    Reading("fixed_set", "the whole study", "the month", lambda m, n: ((0, n), (m, m + 1))),
    Reading(
        "prospective",
        "the twelve months before the month",
        "the month",
        lambda m, n: ((m - YEAR, m), (m, m + 1)) if m >= YEAR else None,
    ),
)


#: Share, in per cent, that the study's sentence asks for in every month.
STUDY_LEVEL = 60.0
#: Name of each reading as a title.
TITLES = {reading.name: reading.name.replace("_", " ").capitalize() for reading in READINGS}


def describe_readings() -> pd.DataFrame:
    """The readings in words: ``reading``, ``ranked``, ``measured``."""
    return pd.DataFrame(
        [{"reading": r.name, "ranked": r.ranked, "measured": r.measured} for r in READINGS]
    )


def readings(cohort: Cohort, *, draws: int = 40, seed: int = 1) -> pd.DataFrame:
    """Share of the top fraction in each month, under each reading, and what chance gives.

    Parameters
    ----------
    cohort : Cohort
    draws : int
        Simulated allocations behind each chance value.
    seed : int

    Returns
    -------
    DataFrame
        ``month``, ``reading``, the columns of :func:`top_of_window`, ``share`` and ``chance``;
        one row for every month and reading whose ranking window is complete. Chance is
        conditional on every person having at least one incident: in the window itself for the
        readings that rank and measure in one window, in the whole study for the other two.
    """
    by_month = count_by_period(cohort)
    top = cohort.definitions.top_share
    rng = np.random.default_rng(seed)
    rows = [
        {"month": str(month), "reading": reading.name, **values}
        for reading in READINGS
        for month, values in zip(
            by_month.periods, shares_by_period(by_month, reading, top), strict=True
        )
        if values is not None
    ]
    table = pd.DataFrame(rows, columns=["month", "reading", *COLUMNS])
    table["share"] = share_of(table)
    table["chance"] = np.nan
    for reading in READINGS:
        mine = table["reading"] == reading.name
        table.loc[mine, "chance"] = _chance(by_month, reading, table[mine], top, draws, rng)
    return table


def shares_by_period(
    by: PeriodCounts, reading: Reading, top: float
) -> list[dict[str, float] | None]:
    """The reading's shares, one entry a period; None where it is not defined."""
    until, periods = by.until(), len(by.periods)
    found: list[dict[str, float] | None] = []
    for period in range(periods):
        windows = reading.windows(period, periods)
        if windows is None:
            found.append(None)
            continue
        (a, b), (c, d) = windows
        found.append(top_of_window(until[:, b] - until[:, a], until[:, d] - until[:, c], top))
    return found


def _chance(
    by: PeriodCounts,
    reading: Reading,
    rows: pd.DataFrame,
    top: float,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """What chance gives for each row of a reading."""
    if len(rows) == 0 or by.counts.sum() == 0:
        return np.full(len(rows), np.nan)
    if reading.name == "fixed_set":
        people, incidents = len(by.people), int(by.counts.sum())
        return np.full(len(rows), chance_top_share(people, incidents, top, draws=draws, rng=rng))
    if reading.name == "prospective":
        return _chance_between_windows(by, reading, top, draws, rng)
    return np.array(
        [
            chance_top_share(int(people), int(incidents), top, draws=draws, rng=rng)
            for people, incidents in zip(rows["whole_people"], rows["whole"], strict=True)
        ]
    )


def _chance_between_windows(
    by: PeriodCounts, reading: Reading, top: float, draws: int, rng: np.random.Generator
) -> Floats:
    shares = []
    for world in worlds(by, draws, rng):
        found = [row for row in shares_by_period(world, reading, top) if row is not None]
        shares.append(share_of(pd.DataFrame(found)).to_numpy())
    return mean_of_known(np.array(shares))


def months_reaching(percent: pd.DataFrame, level: float) -> pd.DataFrame:
    """For how many months each reading reaches a share.

    Parameters
    ----------
    percent : DataFrame
        ``reading``, and ``percent`` (NaN where hidden or without incidents).
    level : float
        In per cent.

    Returns
    -------
    DataFrame
        ``reading``, ``months`` (with a value), ``reaching``, ``without_value``, ``lowest`` and
        ``middle`` (smallest and median per cent, NaN without a value); in the order of
        :data:`READINGS`.
    """
    rows = []
    for reading in READINGS:
        given = percent.loc[percent["reading"] == reading.name, "percent"]
        seen = given.dropna()
        rows.append(
            {
                "reading": reading.name,
                "months": len(seen),
                "reaching": int((seen >= level).sum()),
                "without_value": int(given.isna().sum()),
                "lowest": float(seen.min()) if len(seen) else np.nan,
                "middle": float(seen.median()) if len(seen) else np.nan,
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Verdict:
    """What the months say of the study's sentence.

    Attributes
    ----------
    holds : bool or None
        Whether every month of the fixed set reaches the share; None where the months that
        have a value do and another has none.
    sentence : str
        Template for a page.
    numbers : dict
        What goes into the template: numbers of months, the share, names of readings.
    lowest : float
        Smallest monthly share of the fixed set, as a fraction.
    lowest_text : str
        The same in print.
    """

    holds: bool | None
    sentence: str
    numbers: dict[str, int | str]
    lowest: float
    lowest_text: str


def verdict(reach: pd.DataFrame, level: float = STUDY_LEVEL) -> Verdict:
    """Under which readings the study's sentence holds, and whether *fixed set* is one.

    Parameters
    ----------
    reach : DataFrame
        From :func:`months_reaching`.
    level : float
        In per cent.
    """
    rows = reach.set_index("reading")
    fixed = rows.loc["fixed_set"]
    months, reaching = int(fixed["months"]), int(fixed["reaching"])
    whole = (rows["months"] > 0) & (rows["without_value"] == 0)
    always = rows[whole & (rows["reaching"] == rows["months"])].index
    numbers: dict[str, int | str] = {"level": f"{level:g} %"}
    sentence = "Ranked by the whole study (fixed set), too few people remain to show any month. "
    if months:
        numbers |= {"reaching": reaching, "months": months}
        sentence = (
            "Ranked by the whole study (fixed set), the top group holds {level} or more in "
            "{reaching} of {months} months shown; that ranking knows the future. "
        )
    if len(always):
        sentence += "Readings that reach {level} in every month: {readings}."
        numbers["readings"] = _listed([name.replace("_", " ") for name in always])
    else:
        sentence += "No reading is seen to reach {level} in every month."
    lowest = float(fixed["lowest"])
    decided = reaching < months or (months > 0 and not fixed["without_value"])
    return Verdict(
        holds=reaching == months if decided else None,
        sentence=sentence,
        numbers=numbers,
        lowest=lowest / 100,
        lowest_text=f"{lowest:.0f} %" if months else "not shown",
    )


def incidents_needed(top: float, level: float = STUDY_LEVEL) -> float:
    """Incidents per active person that a month needs before its top group can reach a level.

    Everybody active has one at least, so that the rest of A people holds (1 - q) A of C
    incidents or more: the top fraction q reaches the level l only if C/A >= (1 - q)/(1 - l).

    Parameters
    ----------
    top : float
        Fraction q of people.
    level : float
        In per cent.

    Examples
    --------
    >>> round(incidents_needed(0.2, 60.0), 6)
    2.0
    """
    return (1 - top) / (1 - level / 100)


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def incidents_per_active_person(cohort: Cohort) -> float:
    """Incidents of a month by people active in it, averaged over months with an incident.

    Within one month a top fraction q cannot hold more than 1 - (1 - q) A/C of C incidents of A
    active people, because everybody else has one at least.
    """
    by_month = count_by_period(cohort).counts
    active = (by_month > 0).sum(axis=0)
    seen = active > 0
    if not seen.any():
        return float("nan")
    return float((by_month.sum(axis=0)[seen] / active[seen]).mean())
