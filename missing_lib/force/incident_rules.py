"""Rules for missing incidents."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.merge import merge_incidents, merge_near, near_duplicates
from missing_lib.force.quality import Rule, Step
from missing_lib.force.rulebook import Chosen
from missing_lib.force.times import local_day


def report_from_last_seen(rule: Chosen) -> Rule:
    """A report without a time, where the time last seen is known and may stand for it."""

    def apply(step: Step) -> Step:
        report, seen = step.rows["reported_at"], step.rows["missing_from_at"]
        odd = report.isna() & seen.notna()
        if rule.action != "fill":
            return step.act(rule, odd)
        unknown = step.rows["time_known"].mask(odd, False)
        rows = step.rows.assign(reported_at=report.where(~odd, seen), time_known=unknown)
        return step.note(rule, int(odd.sum()), rows)

    return apply


def placeholder_times(rule: Chosen, zones: tuple[str, ...]) -> Rule:
    """Midnight exactly stands for an unknown time, unless the extract says which are known.

    Midnight is that of any of the zones: the force's, and that of the extract's own clock.
    """

    def apply(step: Step) -> Step:
        report = step.rows["reported_at"]
        midnight = pd.Series(False, index=report.index)
        for zone in zones:
            midnight |= report.dt.tz_convert(zone).dt.tz_localize(None) == local_day(report, zone)
        unset = step.rows["time_known"].isna()
        rows = step.rows.assign(time_known=step.rows["time_known"].mask(unset, ~midnight))
        return step.note(rule, int((midnight & unset).sum()), rows)

    return apply


def missing_after_report(rule: Chosen, time_zone: str) -> Rule:
    """Last seen after the report; days are compared where only the day of it is known."""

    def apply(step: Step) -> Step:
        seen, report = step.rows["missing_from_at"], step.rows["reported_at"]
        late = seen > report
        known = step.rows.loc[late, "time_known"].fillna(True).astype(bool)
        day_seen, day_report = (local_day(times[late], time_zone) for times in (seen, report))
        bad = late.copy()
        bad.loc[late] = known | (day_seen > day_report)
        return step.act(rule, bad, "missing_from_at")

    return apply


def ended_before_report(rule: Chosen) -> Rule:
    """Ended before the report."""

    def apply(step: Step) -> Step:
        return step.act(rule, step.rows["ended_at"] < step.rows["reported_at"], "ended_at")

    return apply


def merge_close_incidents(rule: Chosen, gap_hours: float, time_zone: str) -> Rule:
    """Overlapping incidents of one person, or closer than the merge gap, are one incident."""

    def apply(step: Step) -> Step:
        rows = merge_incidents(step.rows, gap_hours, time_zone)
        return step.note(rule, len(step.rows) - len(rows), rows)

    return apply


def followed_while_open(rule: Chosen) -> Rule:
    """An incident without an end that another report follows; its end is not made up."""

    def apply(step: Step) -> Step:
        latest = step.rows.groupby("person_id")["reported_at"].transform("max")
        followed = step.rows["ended_at"].isna() & (step.rows["reported_at"] < latest)
        return step.act(rule, followed)

    return apply


def reported_twice(rule: Chosen, time_zone: str) -> Rule:
    """What may be one incident that was keyed in twice, for review."""
    hours = rule.settings["hours"]

    def apply(step: Step) -> Step:
        near = near_duplicates(step.rows, hours, time_zone)
        again = pd.Series(step.rows.index.isin(near.again), index=step.rows.index)
        if rule.action == "merge":
            rows = merge_near(step.rows, hours, time_zone)
            step = step.note(rule, len(step.rows) - len(rows), rows)
        else:
            step = step.act(rule, again)
        return step.look_at(rule, near.groups)

    return apply


def outside_observation(rule: Chosen, persons: pd.DataFrame, time_zone: str) -> Rule:
    """A report on a day on which the person was not under observation."""
    window = persons.drop_duplicates("person_id").set_index("person_id")

    def apply(step: Step) -> Step:
        day = local_day(step.rows["reported_at"], time_zone)
        odd = pd.Series(False, index=step.rows.index)
        for name, is_out in (("observed_from", pd.Series.lt), ("observed_to", pd.Series.gt)):
            if window[name].notna().any():
                odd |= is_out(day, step.rows["person_id"].map(window[name]))
        return step.act(rule, odd)

    return apply


def outside_study(rule: Chosen, start: pd.Timestamp, end: pd.Timestamp, time_zone: str) -> Rule:
    """A report before the first or after the last day of the study."""

    def apply(step: Step) -> Step:
        day = local_day(step.rows["reported_at"], time_zone)
        return step.act(rule, (day < start) | (day > end))

    return apply


def long_incidents(rule: Chosen) -> Rule:
    """Ends long after the report, and times last seen long before it: a slip in the year."""
    limit = pd.Timedelta(days=rule.settings["days"])

    def apply(step: Step) -> Step:
        report = step.rows["reported_at"]
        late = step.rows["ended_at"] - report > limit
        early = report - step.rows["missing_from_at"] > limit
        if rule.action != "set missing":
            return step.act(rule, late | early)
        ended, seen = step.rows["ended_at"].mask(late), step.rows["missing_from_at"].mask(early)
        rows = step.rows.assign(ended_at=ended, missing_from_at=seen)
        return step.note(rule, int((late | early).sum()), rows)

    return apply
