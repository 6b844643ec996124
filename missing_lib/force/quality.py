"""The numbered rules that every row passes; each says what it touched and loses nothing.

A rule takes an intake step (the table so far, its account) and returns the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from missing_lib.force.schema import NEEDED_TABLES, SCHEMA

#: Birth dates that systems write where the date is unknown.
PLACEHOLDER_BIRTHS = (pd.Timestamp("1900-01-01"), pd.Timestamp("1901-01-01"))


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
        default_factory=lambda: pd.DataFrame({"position": [], "rule": []})
    )
    merged: int = 0

    def note(self, rule: str, title: str, action: str, touched: int, rows: pd.DataFrame) -> Step:
        """The next step, with one more line in the ledger."""
        line = Touched(self.table, rule, title, action, len(self.rows), touched, len(rows))
        merged = self.merged + (touched if action == "merged" else 0)
        return replace(self, rows=rows, ledger=(*self.ledger, line), merged=merged)

    def quarantine(self, rule: str, title: str, bad: pd.Series) -> Step:
        """Set rows aside."""
        out = pd.DataFrame({"position": self.rows.index[bad], "rule": rule})
        aside = pd.concat([self.quarantined, out], ignore_index=True)
        step = self.note(rule, title, "quarantined", int(bad.sum()), self.rows[~bad])
        return replace(step, quarantined=aside)

    def blank(self, rule: str, title: str, column: str, bad: pd.Series) -> Step:
        """Set values of one column missing."""
        rows = self.rows.assign(**{column: self.rows[column].mask(bad)})
        return self.note(rule, title, "set missing", int(bad.sum()), rows)


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
    """Placeholder births, and births after the end of the study, are set missing."""

    def rule(step: Step) -> Step:
        birth = step.rows["birth_date"]
        bad = birth.isin(PLACEHOLDER_BIRTHS) | (birth > reference)
        return step.blank("P01", "birth date is a placeholder or in the future", "birth_date", bad)

    return rule


def unknown_person(persons: pd.DataFrame, column: str = "person_id") -> Rule:
    """A row about somebody who is not in the table of persons is set aside."""
    known = set(persons["person_id"])

    def rule(step: Step) -> Step:
        bad = ~step.rows[column].isin(known)
        return step.quarantine("A04", f"{column} is not in the table of persons", bad)

    return rule


def missing_after_report(step: Step) -> Step:
    """Last seen after the report: the time last seen is set missing."""
    bad = step.rows["missing_from_at"] > step.rows["reported_at"]
    return step.blank("I01", "last seen after the report", "missing_from_at", bad)


def ended_before_report(step: Step) -> Step:
    """Ended before the report: the end is set missing."""
    bad = step.rows["ended_at"] < step.rows["reported_at"]
    return step.blank("I02", "ended before the report", "ended_at", bad)


def placeholder_times(time_zone: str, mapped: bool) -> Rule:
    """Midnight exactly stands for an unknown time, unless the extract says which are known."""

    def rule(step: Step) -> Step:
        local = step.rows["reported_at"].dt.tz_convert(time_zone)
        midnight = (local.dt.hour == 0) & (local.dt.minute == 0) & (local.dt.second == 0)
        unset = step.rows["time_known"].isna()
        rows = step.rows.assign(time_known=step.rows["time_known"].mask(unset, ~midnight))
        touched = 0 if mapped else int((midnight & unset).sum())
        return step.note("I03", "report at midnight exactly", "flagged", touched, rows)

    return rule


def merge_close_incidents(gap_hours: float) -> Rule:
    """Overlapping incidents of one person, or closer than the merge gap, are one incident."""

    def rule(step: Step) -> Step:
        rows = merge_incidents(step.rows, gap_hours)
        title = f"overlaps or follows within {gap_hours:g} h of the same person's incident"
        return step.note("I04", title, "merged", len(step.rows) - len(rows), rows)

    return rule


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
        At most as many rows, sorted as they came.

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
    if incidents.empty:
        return incidents
    ordered = incidents.sort_values(["person_id", "reported_at", "incident_id"], kind="stable")
    gap = pd.Timedelta(hours=gap_hours)
    latest = ordered.groupby("person_id")["ended_at"].cummax().groupby(ordered["person_id"]).shift()
    before_end = ordered["reported_at"] < latest
    joins = before_end if gap_hours == 0 else ordered["reported_at"] <= latest + gap
    open_before = ordered["ended_at"].isna().groupby(ordered["person_id"]).shift(fill_value=False)
    joins &= latest.notna() & ~open_before
    if not joins.any():
        return incidents
    spell = (~joins).cumsum()
    kept = ordered[~joins].copy()
    groups = ordered.groupby(spell, sort=False)
    last_open = groups["ended_at"].apply(lambda ends: bool(ends.isna().iloc[-1]))
    kept["ended_at"] = groups["ended_at"].max().mask(last_open).to_numpy()
    kept["ended_at"] = kept["ended_at"].astype(incidents["ended_at"].dtype)
    final = groups["risk_final"].apply(lambda grades: grades.cat.codes.max())
    dtype = incidents["risk_final"].dtype
    kept["risk_final"] = pd.Categorical.from_codes(final.to_numpy(), dtype=dtype)
    kept["harm"] = groups["harm"].max().to_numpy()
    return kept.sort_index()


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


def rules_for(
    table: str,
    persons: pd.DataFrame,
    end: pd.Timestamp,
    time_zone: str,
    gap_hours: float,
    times_mapped: bool,
) -> list[Rule]:
    """The rules of one canonical table, in the order in which they are applied."""
    basic: list[Rule] = [required_values, exact_duplicates]
    special: dict[str, list[Rule]] = {
        "persons": [repeated_identifier, implausible_birth(end)],
        "incidents": [
            repeated_identifier,
            unknown_person(persons),
            missing_after_report,
            ended_before_report,
            placeholder_times(time_zone, times_mapped),
            merge_close_incidents(gap_hours),
        ],
        "ties": [
            unknown_person(persons, "person_a"),
            unknown_person(persons, "person_b"),
            order_pairs,
            repeated_ties,
        ],
    }
    return basic + special.get(table, [unknown_person(persons)])


def is_needed(table: str) -> bool:
    """True for the tables without which there is no study."""
    return table in NEEDED_TABLES


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
