"""The numbered rules that every row passes; each says what it touched and loses nothing.

What they are called, and what a force may change, stands in :mod:`missing_lib.force.rulebook`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from missing_lib.force.merge import merge_incidents, merge_near, near_duplicates
from missing_lib.force.quality import Step
from missing_lib.force.review import same_person_groups
from missing_lib.force.rulebook import Chosen, chosen
from missing_lib.force.schema import SCHEMA
from missing_lib.force.tables import age_in_years
from missing_lib.force.typed import is_in

#: Birth dates that systems write where the date is unknown.
PLACEHOLDER_BIRTHS = (pd.Timestamp("1900-01-01"), pd.Timestamp("1901-01-01"))
#: Days in a year, and births on 1 January below which they are too few to stand out.
YEAR, FEW_BIRTHS = 365.25, 5

Rule = Callable[[Step], Step]


# --- all tables ---------------------------------------------------------------------------------


def required_values(rule: Chosen) -> Rule:
    """A row without a value in a required column cannot be used."""

    def apply(step: Step) -> Step:
        bad = pd.Series(False, index=step.rows.index)
        for name, column in SCHEMA[step.table].items():
            if column.required:
                bad |= step.rows[name].isna()
        return step.act(rule, bad)

    return apply


def exact_duplicates(rule: Chosen) -> Rule:
    """Rows that agree in every column are one row."""

    def apply(step: Step) -> Step:
        again = pd.Series(False, index=step.rows.index)
        key = next(iter(SCHEMA[step.table]))
        alike = step.rows[step.rows[key].duplicated(keep=False)]
        again.loc[alike.index] = alike.duplicated()
        return step.note(rule, int(again.sum()), step.rows[~again] if again.any() else step.rows)

    return apply


def repeated_identifier(rule: Chosen) -> Rule:
    """A second row under one identifier that says something else is set aside.

    A person is still there when a second row is set aside, an incident is not: only many
    incidents under one number stop the intake.
    """

    def apply(step: Step) -> Step:
        about = replace(rule, settings={}) if step.table == "persons" else rule
        return step.act(about, step.rows[next(iter(SCHEMA[step.table]))].duplicated())

    return apply


def unknown_person(rule: Chosen, persons: pd.DataFrame, *columns: str) -> Rule:
    """A row about somebody who is not in the table of persons is set aside."""

    def apply(step: Step) -> Step:
        bad = pd.Series(False, index=step.rows.index)
        for column in columns:
            bad |= ~is_in(step.rows[column], persons["person_id"])
        return step.act(rule, bad)

    return apply


# --- persons ------------------------------------------------------------------------------------


def implausible_birth(rule: Chosen, end: pd.Timestamp) -> Rule:
    """Placeholder births, births long ago and births after the study."""
    oldest = end - pd.DateOffset(years=int(rule.settings["oldest"]))

    def apply(step: Step) -> Step:
        birth = step.rows["birth_date"]
        bad = birth.isin(PLACEHOLDER_BIRTHS) | (birth < oldest) | (birth > end)
        return step.act(rule, bad, "birth_date")

    return apply


def observation_backwards(rule: Chosen) -> Rule:
    """An observation window that ends before it begins is no window."""

    def apply(step: Step) -> Step:
        bad = step.rows["observed_to"] < step.rows["observed_from"]
        return step.act(rule, bad, "observed_from", "observed_to")

    return apply


def first_of_january(rule: Chosen) -> Rule:
    """Births on 1 January, where they are too many to be true for all.

    They are when the day has over so many times the births of another day (n / 365.25), and
    more than a handful.
    """

    def apply(step: Step) -> Step:
        birth = step.rows["birth_date"]
        new_year = (birth.dt.month == 1) & (birth.dt.day == 1)
        usual = (birth.notna().sum() - new_year.sum()) / (YEAR - 1)
        many = new_year.sum() > max(FEW_BIRTHS, rule.settings["times"] * usual)
        return step.act(rule, new_year & many, "birth_date")

    return apply


def born_after_report(rule: Chosen, incidents: pd.DataFrame, time_zone: str) -> Rule:
    """A birth date after the person's first report cannot be right."""
    first = local_day(incidents["reported_at"], time_zone).groupby(incidents["person_id"]).min()

    def apply(step: Step) -> Step:
        bad = step.rows["birth_date"] > step.rows["person_id"].map(first)
        return step.act(rule, bad, "birth_date")

    return apply


def disagreeing_age(rule: Chosen, incidents: pd.DataFrame, time_zone: str) -> Rule:
    """A birth date that most of a person's reports contradict by the age that they record."""
    told = incidents.loc[incidents["age_recorded"].notna()]
    day = local_day(told["reported_at"], time_zone)

    def apply(step: Step) -> Step:
        if told.empty:
            return step.act(rule, pd.Series(False, index=step.rows.index))
        born = step.rows.drop_duplicates("person_id").set_index("person_id")["birth_date"]
        years = age_in_years(told["person_id"].map(born), day) // 1
        off = (told["age_recorded"].astype(float) - years).abs() > rule.settings["years"]
        usual = off[years.notna()].groupby(told["person_id"]).mean()
        wrong = usual.index[usual > 0.5]
        return step.act(rule, step.rows["person_id"].isin(wrong).astype(bool), "birth_date")

    return apply


def same_person_twice(rule: Chosen, incidents: pd.DataFrame) -> Rule:
    """People who were reported and agree in birth date, sex and ethnicity, for review."""

    def apply(step: Step) -> Step:
        reported = step.rows[is_in(step.rows["person_id"], incidents["person_id"])]
        groups = same_person_groups(reported)
        odd = pd.Series(step.rows.index.isin(groups.index), index=step.rows.index)
        return step.act(rule, odd).look_at(rule, groups)

    return apply


# --- incidents ----------------------------------------------------------------------------------


def report_from_last_seen(rule: Chosen) -> Rule:
    """A report without a time, where the time last seen is known and may stand for it."""

    def apply(step: Step) -> Step:
        report, seen = step.rows["reported_at"], step.rows["missing_from_at"]
        odd = report.isna() & seen.notna()
        if rule.action != "fill":
            return step.act(rule, odd)
        rows = step.rows.assign(reported_at=report.where(~odd, seen))
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
            local = report.dt.tz_convert(zone).dt.tz_localize(None)
            midnight |= local == local.dt.normalize()
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


def merge_close_incidents(rule: Chosen, gap_hours: float) -> Rule:
    """Overlapping incidents of one person, or closer than the merge gap, are one incident."""

    def apply(step: Step) -> Step:
        rows = merge_incidents(step.rows, gap_hours)
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


# --- markers and ties ---------------------------------------------------------------------------


def marker_backwards(rule: Chosen) -> Rule:
    """A marker that ceased to hold before it was recorded."""

    def apply(step: Step) -> Step:
        return step.act(rule, step.rows["known_to"] < step.rows["known_from"], "known_to")

    return apply


def order_pairs(rule: Chosen) -> Rule:
    """The smaller identifier of a tie stands first."""

    def apply(step: Step) -> Step:
        rows = step.rows
        swap = rows["person_a"] > rows["person_b"]
        first = rows["person_a"].where(~swap, rows["person_b"])
        second = rows["person_b"].where(~swap, rows["person_a"])
        return step.note(rule, int(swap.sum()), rows.assign(person_a=first, person_b=second))

    return apply


def tied_to_oneself(rule: Chosen) -> Rule:
    """Nobody is tied to themselves."""

    def apply(step: Step) -> Step:
        return step.act(rule, (step.rows["person_a"] == step.rows["person_b"]).astype(bool))

    return apply


def repeated_ties(rule: Chosen) -> Rule:
    """One row per pair and type, dated by the first sight."""

    def apply(step: Step) -> Step:
        ordered = step.rows.sort_values("first_seen", kind="stable")
        again = ordered.duplicated(["person_a", "person_b", "tie_type"])
        return step.note(rule, int(again.sum()), ordered[~again].sort_index())

    return apply


# --- which apply --------------------------------------------------------------------------------


def local_day(times: pd.Series, time_zone: str) -> pd.Series:
    """Local calendar days of instants."""
    return times.dt.tz_convert(time_zone).dt.tz_localize(None).dt.normalize()


def apply(step: Step, rules: list[Rule]) -> Step:
    """Apply rules in order."""
    for rule in rules:
        step = rule(step)
    return step


@dataclass(frozen=True)
class Surroundings:
    """What rules look at beside the rows themselves.

    Attributes
    ----------
    persons : DataFrame
        Canonical persons after their own rules.
    start, end : Timestamp
        First and last day of the study.
    time_zone : str
        Zone of the force's days.
    clocks : tuple of str
        Zones in which a report at midnight may be a placeholder.
    gap_hours : float
        Gap within which incidents are merged.
    choices : mapping
        What the force file says of rules.
    """

    persons: pd.DataFrame
    start: pd.Timestamp
    end: pd.Timestamp
    time_zone: str
    clocks: tuple[str, ...]
    gap_hours: float
    choices: Mapping[str, Mapping[str, Any]]

    def rule(self, name: str, **words: str) -> Chosen:
        """A rule as this force has it."""
        return chosen(name, self.choices, **words)


def rules_for(table: str, around: Surroundings) -> list[Rule]:
    """The rules of one canonical table, in the order in which they are applied."""
    first = [report_from_last_seen(around.rule("I09"))] if table == "incidents" else []
    common = [required_values(around.rule("A01")), exact_duplicates(around.rule("A02"))]
    return [*first, *common, *_OF_TABLE[table](around)]


def _of_persons(around: Surroundings) -> list[Rule]:
    return [
        repeated_identifier(around.rule("A03")),
        implausible_birth(around.rule("P01"), around.end),
        observation_backwards(around.rule("P02")),
    ]


def _of_incidents(around: Surroundings) -> list[Rule]:
    zone, hours = around.time_zone, around.gap_hours
    gap = f" or begins within {hours:g} h of its end" if hours else ""
    return [
        repeated_identifier(around.rule("A03")),
        unknown_person(around.rule("A04"), around.persons, "person_id"),
        placeholder_times(around.rule("I01"), around.clocks),
        missing_after_report(around.rule("I02"), zone),
        ended_before_report(around.rule("I03")),
        merge_close_incidents(around.rule("I04", gap=gap), hours),
        followed_while_open(around.rule("I05")),
        reported_twice(around.rule("I07"), zone),
        outside_observation(around.rule("I06"), around.persons, zone),
        outside_study(around.rule("I08"), around.start, around.end, zone),
    ]


def _of_markers(around: Surroundings) -> list[Rule]:
    known = unknown_person(around.rule("A04"), around.persons, "person_id")
    return [known, marker_backwards(around.rule("M01"))]


def _of_ties(around: Surroundings) -> list[Rule]:
    return [
        unknown_person(around.rule("A04"), around.persons, "person_a", "person_b"),
        order_pairs(around.rule("T01")),
        tied_to_oneself(around.rule("T02")),
        repeated_ties(around.rule("T03")),
    ]


def _of_events(around: Surroundings) -> list[Rule]:
    return [unknown_person(around.rule("A04"), around.persons, "person_id")]


_OF_TABLE: dict[str, Callable[[Surroundings], list[Rule]]] = {
    "persons": _of_persons,
    "incidents": _of_incidents,
    "markers": _of_markers,
    "ties": _of_ties,
    "events": _of_events,
}


def rules_of_persons_after_incidents(around: Surroundings, incidents: pd.DataFrame) -> list[Rule]:
    """Rules that look at a person's incidents, which have passed theirs."""
    return [
        born_after_report(around.rule("P03"), incidents, around.time_zone),
        disagreeing_age(around.rule("P04"), incidents, around.time_zone),
        first_of_january(around.rule("P05")),
        same_person_twice(around.rule("P06"), incidents),
    ]
