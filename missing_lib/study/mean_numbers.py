"""Mean numbers of incidents at given days, overall and by group, with robust intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from missing_lib.force.tables import SEXES
from missing_lib.study.cohort import Cohort
from missing_lib.study.prevalence import age_starts, described_incidents
from missing_lib.study.survival import Z, mean_cumulative


def mean_at(events: pd.DataFrame, windows: pd.DataFrame, days: Sequence[float]) -> pd.DataFrame:
    """Mean number of events per person by some days.

    Parameters
    ----------
    events : DataFrame
        ``person_id``, and in the second column the day of each event on the person's clock.
    windows : DataFrame
        ``person_id`` and ``days`` under observation, one row per person.
    days : sequence of float

    Returns
    -------
    DataFrame
        ``days``, ``mean``, ``lower``, ``upper`` (on the log scale, so that they stay above
        zero; NaN without an event) and ``people`` (the smaller of the numbers with an event by
        then and still under observation then).
    """
    when, who = events.iloc[:, 1], events["person_id"]
    table = mean_cumulative(when, who, windows.set_index("person_id")["days"], at=days)
    some = table["mean"].where(table["mean"] > 0)
    spread = np.exp(Z * table["se"] / some)
    having = np.array([who[when <= day].nunique() for day in days])
    return pd.DataFrame(
        {
            "days": table["time"],
            "mean": table["mean"],
            "lower": some / spread,
            "upper": some * spread,
            "people": np.minimum(having, table["at_risk"]),
        }
    )


def first_described(cohort: Cohort) -> pd.DataFrame:
    """Groups of people by what is known at the first incident.

    Returns
    -------
    DataFrame
        ``person_id``, and as text or NaN ``sex`` and ``age`` (such as ``aged 12 to 13``) at the
        first report.
    """
    first = (cohort.incidents["order"] == 1).to_numpy(bool)
    rows = described_incidents(cohort)[first]
    return pd.DataFrame(
        {
            "person_id": rows["person_id"].to_numpy(),
            "sex": rows["sex"].astype(object).to_numpy(),
            "age": [f"aged {band}" for band in rows["age_band"]],
        }
    )


def levels(cohort: Cohort) -> dict[str, Sequence[str]]:
    """The code books of the groups of :func:`first_described`."""
    return {"sex": SEXES, "age": [f"aged {band}" for band in age_starts(cohort.population)]}


def mean_by_group(
    events: pd.DataFrame,
    windows: pd.DataFrame,
    groups: pd.DataFrame,
    books: Mapping[str, Sequence[str]],
    days: Sequence[float],
) -> pd.DataFrame:
    """Mean numbers in each group of each column.

    Parameters
    ----------
    events, windows : DataFrame
        As :func:`mean_at`.
    groups : DataFrame
        ``person_id`` and one column for each key of ``books``.
    books : mapping
        The code book of each column; no level is in two of them.
    days : sequence of float

    Returns
    -------
    DataFrame
        ``group`` and the columns of :func:`mean_at`; one row per level and day.
    """
    tables = []
    for column, book in books.items():
        for level in book:
            who = groups.loc[groups[column] == level, "person_id"]
            mine, theirs = (t[t["person_id"].isin(who)] for t in (events, windows))
            tables.append(mean_at(mine, theirs, days).assign(group=level))
    return pd.concat(tables, ignore_index=True)
