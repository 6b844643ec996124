"""Is it the same people next year? Rank in one calendar year, measure in the next.

Whoever is at the top of a year was partly lucky in it, and falls back in the next without any
change: regression to the mean. Beside what is seen therefore stands what the same people would
show if each kept one rate over both years.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special
from scipy.stats import binom

from missing_lib.study.cohort import Cohort, at_risk_windows
from missing_lib.study.concentration import top_weights
from missing_lib.study.periods import (
    COLUMNS,
    PEOPLE_DRAWN,
    Counts,
    PeriodCounts,
    count_by_period,
    mean_of_known,
    share_of,
    top_of_window,
    worlds,
)

Floats = NDArray[np.float64]

#: Worlds in which everybody keeps one rate, unless asked otherwise, and where people are many.
REDRAWN, FEWEST_REDRAWN = 200, 40
#: So rarely may luck put as many pairs of years beyond one end of the bars.
_LEVEL = 0.025


def persistence(
    cohort: Cohort, *, draws: int = 40, redrawn: int = REDRAWN, seed: int = 1
) -> pd.DataFrame:
    """Rank people in one calendar year, measure them in the next.

    Parameters
    ----------
    cohort : Cohort
    draws : int
        Simulated allocations behind each chance value.
    redrawn : int
        Worlds in which everybody keeps one rate, see :func:`at_constant_rates`.
    seed : int

    Returns
    -------
    DataFrame
        ``year`` (of the ranking), ``measure``, the columns of :func:`top_of_window`, ``chance``,
        and ``constant``, ``constant_low``, ``constant_high`` (mean and middle 95 % where
        everybody keeps one rate). Measures: ``incidents_next_year`` (share of the next year's
        incidents that belong to this year's top fraction), ``again_in_top`` (share of this
        year's top fraction that is in the next year's) and ``again_in_top_if_at_risk`` (the same
        among those who could have entered the cohort on every day of the next year).
    """
    by_year = count_by_period(cohort, "Y")
    top = cohort.definitions.top_share
    at_risk = _at_risk_throughout(cohort, by_year)
    table = _year_to_year(by_year, at_risk, top)
    table["share"] = share_of(table)
    table["chance"] = np.nan
    if len(table) and by_year.counts.sum():
        everybody = np.ones(by_year.counts.shape, dtype=bool)
        shares = [
            share_of(_year_to_year(world, everybody, top)).to_numpy()
            for world in worlds(by_year, draws, np.random.default_rng(seed))
        ]
        table["chance"] = mean_of_known(np.array(shares))
    days = days_at_risk(cohort, by_year)
    kept = at_constant_rates(
        by_year, days, at_risk, top, draws=redrawn, rng=np.random.default_rng(seed)
    )
    return table.join(kept)


def at_constant_rates(
    by: PeriodCounts,
    days: Floats,
    at_risk: NDArray[np.bool_],
    top: float,
    *,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What the measures would be if everybody kept one rate over both years of a pair.

    Given somebody's incidents of the two years together, those of the first are then binomial
    with chance c d1 / (c d1 + d2), d1 and d2 the person's days at risk and c the rate of the
    first year over that of the second, the same for all and such that the first year's total is
    met. Each person's incidents are dealt to the two years anew. Nothing is assumed of how rates
    differ between people.

    Parameters
    ----------
    by : PeriodCounts
        By calendar year, m of them.
    days : ndarray of float, shape (n, m)
        From :func:`days_at_risk`.
    at_risk : ndarray of bool, shape (n, m)
        At risk throughout the period.
    top : float
    draws : int
        Worlds; fewer where people are many.
    rng : Generator

    Returns
    -------
    DataFrame
        ``constant``, ``constant_low``, ``constant_high``: in the order of the rows of
        :func:`persistence`; NaN where a share is not defined.
    """
    enough = max(FEWEST_REDRAWN, PEOPLE_DRAWN // max(len(by.people), 1))
    columns = ["constant", "constant_low", "constant_high"]
    rows: list[Floats] = []
    for first in range(len(by.periods) - 1):
        pair = by.counts[:, first : first + 2]
        active = pair.sum(axis=1) > 0
        total = pair[active].sum(axis=1)
        chances = first_year_chances(pair[active], days[active, first : first + 2])
        stays = at_risk[active, first + 1]
        drawn = []
        for _ in range(min(draws, enough)):
            now = rng.binomial(total, chances)
            found = _measures(now, total - now, stays, top).values()
            drawn.append([_share(row) for row in found])
        rows.extend(_middle(np.array(drawn)))
    return pd.DataFrame(rows, columns=columns, dtype=float)


def first_year_chances(pair: Counts, days: Floats) -> Floats:
    """Chance that an incident of each person falls in the first of two years, at one rate.

    Parameters
    ----------
    pair : ndarray of int, shape (n, 2)
        Incidents in the two years.
    days : ndarray of float, shape (n, 2)
        Days at risk; a year with an incident counts as one day at least.

    Examples
    --------
    >>> first_year_chances(np.array([[3, 1], [1, 3]]), np.array([[9.0, 9.0], [9.0, 9.0]])).tolist()
    [0.5, 0.5]
    """
    if len(pair) == 0 or not pair[:, 0].any() or not pair[:, 1].any():
        return np.full(len(pair), float(len(pair) > 0 and pair[:, 0].any()))
    log_days = np.log(np.where(pair > 0, np.maximum(days, 1.0), np.maximum(days, 1e-12)))
    odds = log_days[:, 0] - log_days[:, 1]
    total, seen = pair.sum(axis=1), float(pair[:, 0].sum())

    def excess(log_ratio: float) -> float:
        return float(total @ special.expit(odds + log_ratio)) - seen

    # Between minus and plus sixty every finite odds is overruled, so a root lies between.
    bound = 60 + float(np.abs(odds).max())
    return np.asarray(special.expit(odds + optimize.brentq(excess, -bound, bound)))


def days_at_risk(cohort: Cohort, by: PeriodCounts) -> Floats:
    """Days of each period on which each person could have entered the cohort; shape (n, m)."""
    begins, ends, first, last = _windows_and_periods(cohort, by)
    days = (np.minimum(ends, last) - np.maximum(begins, first)) / np.timedelta64(1, "D") + 1
    return np.asarray(np.clip(np.nan_to_num(days), 0, None))


def describe(percent: pd.DataFrame) -> str:
    """How staying in the top group compares with everybody keeping one rate, as a template.

    Parameters
    ----------
    percent : DataFrame
        ``measure``, ``percent``, ``constant_low_percent`` and ``constant_high_percent`` as
        published; NaN where not shown.
    """
    rows = percent[percent["measure"] == "again_in_top_if_at_risk"].dropna(subset=["percent"])
    if rows.empty:
        return "How many stay in the top group is not shown: too few people remain."
    numbers = pairs_of_years(percent)
    words = (
        "In {below} of {pairs} pairs of years shown fewer stayed than one rate for each {person} "
        "would give, in {above} more; in {within} the difference is within luck. "
    )
    if more_than_luck(numbers["below"], len(rows)):
        return words + (
            "So the fall from the top is more than regression to the mean: much of what puts "
            "{people} at the top of a year is a phase of that year."
        )
    if more_than_luck(numbers["above"], len(rows)):
        return words + "So membership lasts longer than a rate that stays the same explains."
    return words + "So a fall beyond regression to the mean is not shown."


def more_than_luck(outside: int, pairs: int) -> bool:
    """Whether so many of the pairs lie beyond one end of bars that hold the middle 95 %.

    Each does so by luck with a chance of one in forty; pairs are taken as independent.

    Examples
    --------
    >>> more_than_luck(1, 5), more_than_luck(2, 5)
    (False, True)
    """
    return bool(binom.sf(outside - 1, pairs, 0.025) < _LEVEL) if outside else False


def pairs_of_years(percent: pd.DataFrame) -> dict[str, int]:
    """Numbers for the template of :func:`describe`."""
    rows = percent[percent["measure"] == "again_in_top_if_at_risk"].dropna(subset=["percent"])
    below = int((rows["percent"] < rows["constant_low_percent"]).sum())
    above = int((rows["percent"] > rows["constant_high_percent"]).sum())
    within = len(rows) - below - above
    return {"pairs": len(rows), "below": below, "within": within, "above": above}


def _year_to_year(by: PeriodCounts, at_risk: NDArray[np.bool_], top: float) -> pd.DataFrame:
    rows = []
    for first in range(len(by.periods) - 1):
        now, then = by.counts[:, first], by.counts[:, first + 1]
        year = str(by.periods[first])
        measures = _measures(now, then, at_risk[:, first + 1], top)
        rows += [{"year": year, "measure": name, **row} for name, row in measures.items()]
    return pd.DataFrame(rows, columns=["year", "measure", *COLUMNS])


def _measures(
    now: Counts, then: Counts, stays: NDArray[np.bool_], top: float
) -> dict[str, dict[str, float]]:
    """The measures of one pair of years; ``stays`` says who is at risk throughout the second."""
    everybody = np.ones(len(now), dtype=bool)
    return {
        "incidents_next_year": top_of_window(now, then, top),
        "again_in_top": _again(now, then, everybody, top),
        "again_in_top_if_at_risk": _again(now, then, stays, top),
    }


def _share(row: dict[str, float]) -> float:
    return row["part"] / row["whole"] if row["whole"] > 0 else np.nan


def _middle(drawn: Floats) -> Floats:
    """Mean and middle 95 % of each column's known values; shape (columns, 3)."""
    found = np.full((drawn.shape[1], 3), np.nan)
    for column, values in enumerate(drawn.T):
        known = values[np.isfinite(values)]
        if known.size:
            found[column] = [known.mean(), *np.quantile(known, [0.025, 0.975])]
    return found


def _again(now: Counts, then: Counts, base: NDArray[np.bool_], top: float) -> dict[str, float]:
    """Members of the first period's top fraction who are in the second period's."""
    members = top_weights(now, top) * base
    again = members * top_weights(then, top)
    part, whole = float(again.sum()), float(members.sum())
    largest = np.sort(again)[::-1][:2]
    return {
        "part": part,
        "whole": whole,
        "part_people": float(np.floor(part + 1e-9)),
        "rest_people": float(np.floor(whole - part + 1e-9)),
        "whole_people": float(np.floor(whole + 1e-9)),
        "part_largest": float(largest[:1].sum()),
        "part_largest_two": float(largest.sum()),
    }


def _at_risk_throughout(cohort: Cohort, by: PeriodCounts) -> NDArray[np.bool_]:
    """Who could have entered the cohort on every day of each period; shape (n, m)."""
    begins, ends, first, last = _windows_and_periods(cohort, by)
    return np.asarray((begins <= first) & (ends >= last))


def _windows_and_periods(cohort: Cohort, by: PeriodCounts) -> tuple[NDArray[np.datetime64], ...]:
    """First and last day of each person's window, as columns, and of each period, as rows."""
    windows = at_risk_windows(cohort).drop_duplicates("person_id").set_index("person_id")
    own = windows.reindex(by.people)
    begins, ends = (own[name].to_numpy()[:, None] for name in ("at_risk_from", "at_risk_to"))
    first = by.periods.start_time.to_series().clip(lower=cohort.start).to_numpy()
    last = by.periods.end_time.normalize().to_series().clip(upper=cohort.end).to_numpy()
    return begins, ends, first, last
