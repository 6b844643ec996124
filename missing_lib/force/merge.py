"""Incidents of one person that overlap or follow each other closely are one incident."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.times import local_day


def merge_incidents(incidents: pd.DataFrame, gap_hours: float, time_zone: str) -> pd.DataFrame:
    """Merge incidents of one person that overlap or lie within a gap.

    An incident joins the one before it where its report comes at most ``gap_hours`` after the
    latest end so far; at a gap of zero it must come strictly before that end. An incident
    without an end is never followed by a merge, and of two reports on one day nobody knows the
    order if either has a placeholder for its clock time: they join only where the earlier lasted
    into the next day. The merged incident keeps the first report and the earliest time last
    seen, the latest end (missing if that of the last is), the graver category, the highest final
    risk, what any row affirms of harm, care and area, and of the rest the first that is known.

    Parameters
    ----------
    incidents : DataFrame
        Canonical incidents.
    gap_hours : float
        Hours, at least 0.
    time_zone : str
        Zone in which days begin.

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
    >>> [len(merge_incidents(two, gap, "Europe/London")) for gap in (1, 6)]
    [2, 1]
    """
    ordered = _in_order(incidents)
    return _merged(incidents, ordered, _joins(ordered, pd.Timedelta(hours=gap_hours), time_zone))


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
    for flag in ("harm", "from_care", "out_of_area"):
        kept[flag] = groups[flag].max().set_axis(kept.index).astype("boolean")
    kept["missing_from_at"] = groups["missing_from_at"].min().set_axis(kept.index)
    for name in ("category", "risk_first", "placement_id", "age_recorded"):
        kept[name] = groups[name].first().set_axis(kept.index).astype(ordered[name].dtype)
    missing = (ordered["category"] == "missing").groupby(spell).any().to_numpy()
    kept["category"] = kept["category"].mask(missing, "missing")
    return pd.concat([alone, kept]).sort_values("_came").drop(columns="_came")


def _joins(ordered: pd.DataFrame, gap: pd.Timedelta, time_zone: str) -> pd.Series:
    """Which incidents join the one before them; sorted by person and report."""
    another = ordered["person_id"] != ordered["person_id"].shift()
    after_open = ordered["ended_at"].shift().isna()
    stretch = (another | after_open).cumsum()
    latest = ordered.groupby(stretch)["ended_at"].cummax().groupby(stretch).shift()
    unknown = _time_unknown(ordered)
    report = ordered["reported_at"]
    if unknown.any():
        day = local_day(report, time_zone)
        next_day = (day + pd.Timedelta(days=1)).dt.tz_localize(time_zone).dt.tz_convert("UTC")
        same_day = unknown.shift(fill_value=False) & (day == day.shift())
        latest = latest.mask(same_day & (latest < next_day))
        report = report.mask(unknown, next_day)
    return report < latest if gap == pd.Timedelta(0) else report <= latest + gap


def _time_unknown(incidents: pd.DataFrame) -> pd.Series:
    return ~incidents["time_known"].fillna(True).astype(bool)


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
    """Reports of one person within some hours, where the earlier may not have ended.

    It has no end; or the later has a placeholder for its time and is not of a later day than
    that end; or the earlier has one, is of the same day, and ended after the later's report.

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
    end = ordered["ended_at"].shift()
    near = ordered["person_id"] == ordered["person_id"].shift()
    near &= report - before <= pd.Timedelta(hours=hours)
    unknown, day = _time_unknown(ordered), local_day(report, time_zone)
    later_unsure = unknown & (day <= local_day(end, time_zone))
    earlier_unsure = unknown.shift(fill_value=False) & (day == day.shift()) & (end > report)
    return near & (end.isna() | later_unsure | earlier_unsure)
