"""Incidents of one person that overlap or follow each other closely are one incident."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.times import local_day


def merge_incidents(incidents: pd.DataFrame, gap_hours: float) -> pd.DataFrame:
    """Merge incidents of one person that overlap or lie within a gap.

    An incident joins the one before it where its report comes at most ``gap_hours`` after the
    latest end so far; at a gap of zero it must come strictly before that end. An incident
    without an end is never followed by a merge. The merged incident keeps the first report and
    the first row's values, the latest end (missing if that of the last is), the highest risk
    and any harm.

    Parameters
    ----------
    incidents : DataFrame
        Canonical incidents.
    gap_hours : float
        Hours, at least 0.

    Returns
    -------
    DataFrame
        At most as many rows, in the order in which they came.

    Examples
    --------
    >>> import missing_lib.force.tables as t
    >>> two = t.conform(pd.DataFrame({
    ...     "incident_id": ["1", "2"], "person_id": ["a", "a"],
    ...     "reported_at": ["2020-01-01T10:00Z", "2020-01-01T15:00Z"],
    ...     "ended_at": ["2020-01-01T12:00Z", "2020-01-01T16:00Z"]}), "incidents")
    >>> len(merge_incidents(two, 1)), len(merge_incidents(two, 6))
    (2, 1)
    """
    ordered = _in_order(incidents)
    return _merged(incidents, ordered, _joins(ordered, pd.Timedelta(hours=gap_hours)))


def _in_order(incidents: pd.DataFrame) -> pd.DataFrame:
    """By person and report, then by number; ``_came`` is the order in which they came.

    Which person stands first is of no matter, so people are told apart and not sorted.
    """
    person = pd.factorize(incidents["person_id"])[0]
    report = incidents["reported_at"].dt.tz_localize(None).to_numpy().astype("int64")
    number = np.zeros(len(incidents), dtype=np.int64)
    tied = pd.DataFrame({"person": person, "report": report}).duplicated(keep=False).to_numpy()
    number[tied] = pd.factorize(incidents.loc[tied, "incident_id"], sort=True)[0]
    order = np.lexsort((number, report, person))
    return incidents.assign(_came=np.arange(len(incidents))).iloc[order]


def _merged(incidents: pd.DataFrame, ordered: pd.DataFrame, joins: pd.Series) -> pd.DataFrame:
    """Every incident that joins the one before it merged into it."""
    if not joins.any():
        return incidents
    in_spell = joins | joins.shift(-1, fill_value=False)
    alone, ordered, joins = ordered[~in_spell], ordered[in_spell], joins[in_spell]
    spell = (~joins).cumsum()
    groups = ordered.groupby(spell)
    last = groups.tail(1)
    kept = ordered[~joins].copy()
    ends = groups["ended_at"].max().set_axis(kept.index)
    kept["ended_at"] = ends.mask(last["ended_at"].isna().to_numpy())
    grades = ordered["risk_final"]
    highest = grades.cat.codes.groupby(spell).max().to_numpy()
    kept["risk_final"] = pd.Categorical.from_codes(highest, dtype=grades.dtype)
    kept["harm"] = groups["harm"].max().set_axis(kept.index).astype("boolean")
    return pd.concat([alone, kept]).sort_values("_came").drop(columns="_came")


def _joins(ordered: pd.DataFrame, gap: pd.Timedelta) -> pd.Series:
    """Which incidents join the one before them; sorted by person and report."""
    another = ordered["person_id"] != ordered["person_id"].shift()
    after_open = ordered["ended_at"].shift().isna()
    stretch = (another | after_open).cumsum()
    latest = ordered.groupby(stretch)["ended_at"].cummax().groupby(stretch).shift()
    if gap == pd.Timedelta(0):
        return ordered["reported_at"] < latest
    return ordered["reported_at"] <= latest + gap


@dataclass(frozen=True)
class Near:
    """Incidents that may be one, keyed in twice.

    Attributes
    ----------
    again : Index
        Rows that may be the one before them again.
    groups : Series of int
        Number of the group by row, the first row of each included.
    """

    again: pd.Index
    groups: pd.Series


def near_duplicates(incidents: pd.DataFrame, hours: float, time_zone: str) -> Near:
    """Reports of one person within some hours that no end and no clock time tells apart.

    The earlier has no end, or both have a placeholder for their time and the same local day.

    Parameters
    ----------
    incidents : DataFrame
        Canonical incidents after :func:`merge_incidents`.
    hours : float
    time_zone : str
    """
    ordered = _in_order(incidents)
    again = _again(ordered, hours, time_zone)
    spell = (~again).cumsum()
    several = again | again.shift(-1, fill_value=False)
    return Near(ordered.index[again], spell[several].astype("int64"))


def merge_near(incidents: pd.DataFrame, hours: float, time_zone: str) -> pd.DataFrame:
    """Merge what :func:`near_duplicates` finds, by the rules of :func:`merge_incidents`."""
    ordered = _in_order(incidents)
    return _merged(incidents, ordered, _again(ordered, hours, time_zone))


def _again(ordered: pd.DataFrame, hours: float, time_zone: str) -> pd.Series:
    report, before = ordered["reported_at"], ordered["reported_at"].shift()
    same = ordered["person_id"].eq(ordered["person_id"].shift()).fillna(False).astype(bool)
    same &= report - before <= pd.Timedelta(hours=hours)
    open_ = ordered["ended_at"].shift().isna()
    unknown = ~ordered["time_known"].fillna(True).astype(bool)
    day = local_day(report, time_zone)
    both = unknown & unknown.shift(fill_value=False) & (day == day.shift())
    return same & (open_ | both)
