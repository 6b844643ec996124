"""The numbered rules that every row passes; each says what it touched and loses nothing.

A rule takes a step of the intake (the table so far, its account) and returns the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from missing_lib.force.merge import merge_incidents
from missing_lib.force.schema import SCHEMA

#: Birth dates that systems write where the date is unknown.
PLACEHOLDER_BIRTHS = (pd.Timestamp("1900-01-01"), pd.Timestamp("1901-01-01"))
#: Nobody who is reported missing is older, in years.
OLDEST = 110


@dataclass(frozen=True)
class Touched:
    """One line of the ledger.

    Attributes
    ----------
    rule : str
        Such as ``I03``.
    title : str
        What the rule looks for, in plain words.
    action : {"quarantined", "merged", "set missing", "flagged"}
    before, touched, after : int
        Rows before the rule, rows it touched, rows after it.
    """

    table: str
    rule: str
    title: str
    action: str
    before: int
    touched: int
    after: int


@dataclass(frozen=True)
class Step:
    """A table on its way through the rules.

    Attributes
    ----------
    table : str
        Canonical table.
    rows : DataFrame
        Canonical columns; the index is the row's position in its source.
    ledger : tuple of Touched
    quarantined : DataFrame
        ``position`` in the source and ``rule``, one row per row set aside.
    merged : int
        Rows that were merged into another row.
    """

    table: str
    rows: pd.DataFrame
    ledger: tuple[Touched, ...] = ()
    quarantined: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            {"position": pd.Series(dtype="int64"), "rule": pd.Series(dtype=object)}
        )
    )
    merged: int = 0

    def note(self, rule: str, title: str, action: str, touched: int, rows: pd.DataFrame) -> Step:
        """The next step, with one more line in the ledger."""
        line = Touched(self.table, rule, title, action, len(self.rows), touched, len(rows))
        merged = self.merged + (touched if action == "merged" else 0)
        return replace(self, rows=rows, ledger=(*self.ledger, line), merged=merged)

    def quarantine(self, rule: str, title: str, bad: pd.Series) -> Step:
        """Set rows aside."""
        out = pd.DataFrame({"position": self.rows.index[bad].astype("int64"), "rule": rule})
        aside = pd.concat([self.quarantined, out], ignore_index=True)
        step = self.note(rule, title, "quarantined", int(bad.sum()), self.rows[~bad])
        return replace(step, quarantined=aside)

    def blank(self, rule: str, title: str, bad: pd.Series, *columns: str) -> Step:
        """Set values of some columns missing."""
        rows = self.rows.assign(**{name: self.rows[name].mask(bad) for name in columns})
        return self.note(rule, title, "set missing", int(bad.sum()), rows)

    def flag(self, rule: str, title: str, odd: pd.Series) -> Step:
        """Count rows and leave them as they are."""
        return self.note(rule, title, "flagged", int(odd.sum()), self.rows)


Rule = Callable[[Step], Step]


def required_values(step: Step) -> Step:
    """A row without a value in a required column cannot be used."""
    needed = [name for name, column in SCHEMA[step.table].items() if column.required]
    bad = step.rows[needed].isna().any(axis=1)
    return step.quarantine("A01", "a required value is missing or could not be read", bad)


def exact_duplicates(step: Step) -> Step:
    """Rows that agree in every column are one row."""
    again = step.rows.duplicated()
    return step.note(
        "A02", "the same row more than once", "merged", int(again.sum()), step.rows[~again]
    )


def repeated_identifier(step: Step) -> Step:
    """A second row under one identifier that says something else is set aside."""
    key = next(iter(SCHEMA[step.table]))
    again = step.rows.duplicated(key)
    return step.quarantine("A03", f"another row has the same {key} with other content", again)


def implausible_birth(reference: pd.Timestamp) -> Rule:
    """Placeholder births, births long ago and births after the study are set missing."""
    oldest = reference - pd.DateOffset(years=OLDEST)

    def rule(step: Step) -> Step:
        birth = step.rows["birth_date"]
        bad = birth.isin(PLACEHOLDER_BIRTHS) | (birth < oldest) | (birth > reference)
        title = f"birth date is a placeholder, over {OLDEST} years ago or after the study"
        return step.blank("P01", title, bad, "birth_date")

    return rule


def observation_backwards(step: Step) -> Step:
    """An observation window that ends before it begins is no window."""
    bad = step.rows["observed_to"] < step.rows["observed_from"]
    return step.blank(
        "P02", "observation ends before it begins", bad, "observed_from", "observed_to"
    )


def born_after_report(incidents: pd.DataFrame, time_zone: str) -> Rule:
    """A birth date after the person's first report cannot be right: it is set missing."""
    first = _local_day(incidents["reported_at"], time_zone).groupby(incidents["person_id"]).min()

    def rule(step: Step) -> Step:
        bad = step.rows["birth_date"] > step.rows["person_id"].map(first)
        return step.blank("P03", "birth date is after the first report", bad, "birth_date")

    return rule


def unknown_person(persons: pd.DataFrame, column: str = "person_id") -> Rule:
    """A row about somebody who is not in the table of persons is set aside."""
    known = set(persons["person_id"])

    def rule(step: Step) -> Step:
        bad = ~step.rows[column].isin(known)
        return step.quarantine("A04", f"{column} is not in the table of persons", bad)

    return rule


def placeholder_times(*zones: str) -> Rule:
    """Midnight exactly stands for an unknown time, unless the extract says which are known.

    Midnight is that of any of the zones: the force's, and that of the extract's own clock.
    """

    def rule(step: Step) -> Step:
        report = step.rows["reported_at"]
        midnight = pd.Series(False, index=report.index)
        for zone in zones:
            local = report.dt.tz_convert(zone)
            midnight |= local == local.dt.normalize()
        unset = step.rows["time_known"].isna()
        rows = step.rows.assign(time_known=step.rows["time_known"].mask(unset, ~midnight))
        touched = int((midnight & unset).sum())
        return step.note("I01", "report at midnight exactly", "flagged", touched, rows)

    return rule


def missing_after_report(time_zone: str) -> Rule:
    """Last seen after the report: the time last seen is set missing.

    Where only the day of the report is known, only the days are compared.
    """

    def rule(step: Step) -> Step:
        seen, report = step.rows["missing_from_at"], step.rows["reported_at"]
        day_seen, day_report = (_local_day(times, time_zone) for times in (seen, report))
        known = step.rows["time_known"].fillna(True).astype(bool)
        bad = (seen > report) & (known | (day_seen > day_report))
        return step.blank("I02", "last seen after the report", bad, "missing_from_at")

    return rule


def ended_before_report(step: Step) -> Step:
    """Ended before the report: the end is set missing."""
    bad = step.rows["ended_at"] < step.rows["reported_at"]
    return step.blank("I03", "ended before the report", bad, "ended_at")


def _local_day(times: pd.Series, time_zone: str) -> pd.Series:
    return times.dt.tz_convert(time_zone).dt.tz_localize(None).dt.normalize()


def merge_close_incidents(gap_hours: float) -> Rule:
    """Overlapping incidents of one person, or closer than the merge gap, are one incident."""

    def rule(step: Step) -> Step:
        rows = merge_incidents(step.rows, gap_hours)
        within = f" or begins within {gap_hours:g} h of its end" if gap_hours else ""
        title = f"overlaps the same person's earlier incident{within}"
        return step.note("I04", title, "merged", len(step.rows) - len(rows), rows)

    return rule


def followed_while_open(step: Step) -> Step:
    """An incident without an end that another report follows; its end is not made up."""
    ordered = step.rows.sort_values(["person_id", "reported_at", "incident_id"])
    followed = ordered["person_id"] == ordered["person_id"].shift(-1)
    odd = ordered["ended_at"].isna() & followed
    return step.flag("I05", "still open when the same person is reported again", odd)


def outside_observation(persons: pd.DataFrame, time_zone: str) -> Rule:
    """A report on a day on which the person was not under observation."""
    window = persons.drop_duplicates("person_id").set_index("person_id")

    def rule(step: Step) -> Step:
        day = _local_day(step.rows["reported_at"], time_zone)
        begins = step.rows["person_id"].map(window["observed_from"])
        ends = step.rows["person_id"].map(window["observed_to"])
        odd = (day < begins) | (day > ends)
        return step.flag("I06", "report outside the person's window of observation", odd)

    return rule


def marker_backwards(step: Step) -> Step:
    """A marker that ceased to hold before it was recorded."""
    bad = step.rows["known_to"] < step.rows["known_from"]
    return step.blank("M01", "marker ends before it begins", bad, "known_to")


def order_pairs(step: Step) -> Step:
    """The smaller identifier of a tie stands first; nobody is tied to themselves."""
    rows = step.rows
    swap = rows["person_a"] > rows["person_b"]
    first = rows["person_a"].where(~swap, rows["person_b"])
    second = rows["person_b"].where(~swap, rows["person_a"])
    turned = rows.assign(person_a=first, person_b=second)
    step = step.note("T01", "pair in the other order", "flagged", int(swap.sum()), turned)
    own = step.rows["person_a"] == step.rows["person_b"]
    return step.quarantine("T02", "a person tied to themselves", own)


def repeated_ties(step: Step) -> Step:
    """One row per pair and type, dated by the first sight."""
    ordered = step.rows.sort_values("first_seen", kind="stable")
    again = ordered.duplicated(["person_a", "person_b", "tie_type"])
    kept = ordered[~again].sort_index()
    return step.note("T03", "the same tie seen again", "merged", int(again.sum()), kept)


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
    end : Timestamp
        Last day of the study.
    time_zone : str
        Zone of the force's days.
    clocks : tuple of str
        Zones in which a report at midnight may be a placeholder.
    gap_hours : float
        Gap within which incidents are merged.
    """

    persons: pd.DataFrame
    end: pd.Timestamp
    time_zone: str
    clocks: tuple[str, ...]
    gap_hours: float


def rules_for(table: str, around: Surroundings) -> list[Rule]:
    """The rules of one canonical table, in the order in which they are applied."""
    known = unknown_person(around.persons)
    special: dict[str, list[Rule]] = {
        "persons": [repeated_identifier, implausible_birth(around.end), observation_backwards],
        "incidents": [
            repeated_identifier,
            known,
            placeholder_times(*around.clocks),
            missing_after_report(around.time_zone),
            ended_before_report,
            merge_close_incidents(around.gap_hours),
            followed_while_open,
            outside_observation(around.persons, around.time_zone),
        ],
        "markers": [known, marker_backwards],
        "ties": [
            unknown_person(around.persons, "person_a"),
            unknown_person(around.persons, "person_b"),
            order_pairs,
            repeated_ties,
        ],
        "events": [known],
    }
    return [required_values, exact_duplicates, *special[table]]


def row_account(rows_in: int, step: Step) -> dict[str, int]:
    """Rows in = kept + merged + quarantined; the difference is an error in a rule."""
    account = {
        "rows_in": rows_in,
        "kept": len(step.rows),
        "merged": step.merged,
        "quarantined": len(step.quarantined),
    }
    if rows_in != account["kept"] + account["merged"] + account["quarantined"]:
        raise AssertionError(f"{step.table}: the row account does not add up: {account}")
    return account


def ledger_frame(steps: list[Step]) -> pd.DataFrame:
    """The ledger of all tables as a frame, in the order of application."""
    lines = [line for step in steps for line in step.ledger]
    names = ["table", "rule", "title", "action", "before", "touched", "after"]
    return pd.DataFrame({name: np.array([getattr(line, name) for line in lines]) for name in names})
