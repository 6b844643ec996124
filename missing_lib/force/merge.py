"""Incidents of one person that overlap or follow each other closely are one incident."""

from __future__ import annotations

import pandas as pd


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
    came = pd.Series(range(len(incidents)), index=incidents.index)
    ordered = incidents.assign(_came=came).sort_values(
        ["person_id", "reported_at", "incident_id"], kind="stable"
    )
    joins = _joins(ordered, pd.Timedelta(hours=gap_hours))
    if not joins.any():
        return incidents
    spell = (~joins).cumsum()
    groups = ordered.groupby(spell)
    last = ordered.groupby(spell).tail(1)
    kept = ordered[~joins].copy()
    ends = groups["ended_at"].max().set_axis(kept.index)
    kept["ended_at"] = ends.mask(last["ended_at"].isna().to_numpy())
    grades = ordered["risk_final"]
    highest = grades.cat.codes.groupby(spell).max().to_numpy()
    kept["risk_final"] = pd.Categorical.from_codes(highest, dtype=grades.dtype)
    kept["harm"] = groups["harm"].max().set_axis(kept.index).astype("boolean")
    return kept.sort_values("_came").drop(columns="_came")


def _joins(ordered: pd.DataFrame, gap: pd.Timedelta) -> pd.Series:
    """Which incidents join the one before them; sorted by person and report."""
    another = ordered["person_id"] != ordered["person_id"].shift()
    after_open = ordered["ended_at"].shift().isna()
    stretch = (another | after_open).cumsum()
    latest = ordered.groupby(stretch)["ended_at"].cummax().groupby(stretch).shift()
    if gap == pd.Timedelta(0):
        return ordered["reported_at"] < latest
    return ordered["reported_at"] <= latest + gap
