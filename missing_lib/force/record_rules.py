"""Rules for rows of any table, and for those of markers and ties."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from missing_lib.force.quality import Rule, Step
from missing_lib.force.rulebook import Chosen
from missing_lib.force.schema import SCHEMA
from missing_lib.force.times import local_day
from missing_lib.force.typed import is_in


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


def dated_after_study(rule: Chosen, column: str, end: pd.Timestamp, time_zone: str) -> Rule:
    """A row of the day after the study or later, which no chapter may look at."""

    def apply(step: Step) -> Step:
        day = step.rows[column]
        timed = SCHEMA[step.table][column].kind == "time"
        return step.act(rule, (local_day(day, time_zone) if timed else day) > end)

    return apply


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
