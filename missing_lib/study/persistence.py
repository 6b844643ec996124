"""Is it the same people next year? Rank in one calendar year, measure in the next."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.cohort import Cohort, at_risk_windows
from missing_lib.study.concentration import top_weights
from missing_lib.study.periods import (
    COLUMNS,
    Counts,
    PeriodCounts,
    count_by_period,
    mean_of_known,
    share_of,
    top_of_window,
    worlds,
)


def persistence(cohort: Cohort, *, draws: int = 40, seed: int = 1) -> pd.DataFrame:
    """Rank people in one calendar year, measure them in the next.

    Parameters
    ----------
    cohort : Cohort
    draws : int
        Simulated allocations behind each chance value.
    seed : int

    Returns
    -------
    DataFrame
        ``year`` (of the ranking), ``measure``, the columns of :func:`top_of_window` and
        ``chance``. Measures: ``incidents_next_year`` (share of the next year's incidents that
        belong to this year's top fraction), ``again_in_top`` (share of this year's top
        fraction that is in the next year's) and ``again_in_top_if_at_risk`` (the same among
        those who could have entered the cohort on every day of the next year).
    """
    by_year = count_by_period(cohort, "Y")
    top = cohort.definitions.top_share
    table = _year_to_year(by_year, _at_risk_throughout(cohort, by_year), top)
    table["share"] = share_of(table)
    table["chance"] = np.nan
    if len(table) and by_year.counts.sum():
        everybody = np.ones(by_year.counts.shape, dtype=bool)
        shares = [
            share_of(_year_to_year(world, everybody, top)).to_numpy()
            for world in worlds(by_year, draws, np.random.default_rng(seed))
        ]
        table["chance"] = mean_of_known(np.array(shares))
    return table


def _year_to_year(by: PeriodCounts, at_risk: NDArray[np.bool_], top: float) -> pd.DataFrame:
    rows = []
    for first in range(len(by.periods) - 1):
        now, then = by.counts[:, first], by.counts[:, first + 1]
        everybody = np.ones(len(now), dtype=bool)
        measures = {
            "incidents_next_year": top_of_window(now, then, top),
            "again_in_top": _again(now, then, everybody, top),
            "again_in_top_if_at_risk": _again(now, then, at_risk[:, first + 1], top),
        }
        year = str(by.periods[first])
        rows += [{"year": year, "measure": name, **row} for name, row in measures.items()]
    return pd.DataFrame(rows, columns=["year", "measure", *COLUMNS])


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
    windows = at_risk_windows(cohort).set_index("person_id").reindex(by.people)
    first = by.periods.start_time.to_series().clip(lower=cohort.start).to_numpy()
    last = by.periods.end_time.normalize().to_series().clip(upper=cohort.end).to_numpy()
    begins, ends = (windows[name].to_numpy()[:, None] for name in ("at_risk_from", "at_risk_to"))
    return np.asarray((begins <= first) & (ends >= last))
