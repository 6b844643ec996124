"""Which numbered rules a row passes, and in what order.

What they are called, and what a force may change, stands in :mod:`missing_lib.force.rulebook`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from missing_lib.force import incident_rules, person_rules, record_rules
from missing_lib.force.quality import Rule, Step
from missing_lib.force.rulebook import Chosen, chosen


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
    first = (
        [incident_rules.report_from_last_seen(around.rule("I09"))] if table == "incidents" else []
    )
    common = [
        record_rules.required_values(around.rule("A01")),
        record_rules.exact_duplicates(around.rule("A02")),
    ]
    return [*first, *common, *_OF_TABLE[table](around)]


def _of_persons(around: Surroundings) -> list[Rule]:
    return [
        record_rules.repeated_identifier(around.rule("A03")),
        person_rules.implausible_birth(around.rule("P01"), around.end),
        person_rules.observation_backwards(around.rule("P02")),
    ]


def _of_incidents(around: Surroundings) -> list[Rule]:
    zone, hours = around.time_zone, around.gap_hours
    gap = f" or begins within {hours:g} h of its end" if hours else ""
    return [
        record_rules.repeated_identifier(around.rule("A03")),
        record_rules.unknown_person(around.rule("A04"), around.persons, "person_id"),
        incident_rules.placeholder_times(around.rule("I01"), around.clocks),
        incident_rules.missing_after_report(around.rule("I02"), zone),
        incident_rules.ended_before_report(around.rule("I03")),
        incident_rules.long_incidents(around.rule("I10")),
        incident_rules.merge_close_incidents(around.rule("I04", gap=gap), hours, zone),
        incident_rules.followed_while_open(around.rule("I05")),
        incident_rules.reported_twice(around.rule("I07"), zone),
        incident_rules.outside_observation(around.rule("I06"), around.persons, zone),
        incident_rules.outside_study(around.rule("I08"), around.start, around.end, zone),
    ]


def _of_markers(around: Surroundings) -> list[Rule]:
    known = record_rules.unknown_person(around.rule("A04"), around.persons, "person_id")
    return [known, record_rules.marker_backwards(around.rule("M01")), _late(around, "known_from")]


def _of_ties(around: Surroundings) -> list[Rule]:
    return [
        record_rules.unknown_person(around.rule("A04"), around.persons, "person_a", "person_b"),
        record_rules.order_pairs(around.rule("T01")),
        record_rules.tied_to_oneself(around.rule("T02")),
        record_rules.repeated_ties(around.rule("T03")),
        _late(around, "first_seen"),
    ]


def _of_events(around: Surroundings) -> list[Rule]:
    known = record_rules.unknown_person(around.rule("A04"), around.persons, "person_id")
    return [known, _late(around, "occurred_at")]


def _late(around: Surroundings, column: str) -> Rule:
    return record_rules.dated_after_study(around.rule("A05"), column, around.end, around.time_zone)


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
        person_rules.born_after_report(around.rule("P03"), incidents, around.time_zone),
        person_rules.disagreeing_age(around.rule("P04"), incidents, around.time_zone),
        person_rules.first_of_january(around.rule("P05")),
        person_rules.same_person_twice(around.rule("P06"), incidents),
    ]
