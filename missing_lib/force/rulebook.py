"""The rules of the intake as plain data: what each looks for, does, and lets a force change.

The functions are in the modules that :mod:`missing_lib.force.rules` calls; this page is read where
nothing heavy may be imported: by the force file, its schema, and the book.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from missing_lib.force.errors import suggestion

#: What a rule may do, as the force file says it and as the ledger reports it.
DONE = {
    "quarantine": "quarantined",
    "merge": "merged",
    "set missing": "set missing",
    "fill": "filled",
    "flag": "flagged",
}


@dataclass(frozen=True)
class Setting:
    """A number that a force may change within limits."""

    default: float
    low: float
    high: float
    meaning: str


#: Share of the rows of a table beyond which a rule that sets rows aside stops the intake.
STOP_ABOVE = Setting(0.5, 0.05, 1, "share of rows set aside above which the intake stops")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    title : str
        What it looks for, with settings in braces.
    tables : tuple of str
    columns : tuple of str
        Canonical columns that it looks at; none where it looks at all.
    severity : {"caveat", "note"}
        Whether figures may suffer where it touched a row, or only the reader should know.
    actions : tuple of str
        What it may do, the default first; keys of :data:`DONE`.
    settings : dict of Setting
    """

    title: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    severity: str
    actions: tuple[str, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)


_ALL = ("persons", "incidents", "markers", "ties", "events")
_INCIDENTS, _PERSONS = ("incidents",), ("persons",)

RULES: dict[str, Rule] = {
    "A01": Rule(
        "a required value is missing or could not be read",
        _ALL, (), "caveat", ("quarantine",), {"stop_above": STOP_ABOVE}),
    "A02": Rule("the same row more than once", _ALL, (), "note", ("merge",)),
    "A03": Rule(
        "another row has the same identifier with other content; the first is kept",
        (*_PERSONS, *_INCIDENTS), ("incident_id",), "caveat", ("quarantine",),
        {"stop_above": STOP_ABOVE}),
    "A04": Rule(
        "a person who is not in the table of persons",
        _ALL[1:], ("person_id", "person_a", "person_b"), "caveat", ("quarantine",),
        {"stop_above": STOP_ABOVE}),
    "A05": Rule(
        "dated after the last day of the study",
        ("markers", "ties", "events"), ("known_from", "first_seen", "occurred_at"), "note",
        ("flag",)),
    "P01": Rule(
        "birth date is a placeholder, over {oldest} years ago or after the study",
        _PERSONS, ("birth_date",), "caveat", ("set missing",),
        {"oldest": Setting(110, 90, 120, "age in years that nobody has who is reported missing")}),
    "P02": Rule(
        "observation ends before it begins",
        _PERSONS, ("observed_from", "observed_to"), "caveat", ("set missing",)),
    "P03": Rule(
        "birth date is after the first report",
        _PERSONS, ("birth_date",), "caveat", ("set missing",)),
    "P04": Rule(
        "birth date is more than {years} year off the recorded age in most of the reports",
        _PERSONS, ("birth_date",), "caveat", ("set missing", "flag"),
        {"years": Setting(1, 0.5, 5, "years by which the recorded age may be off")}),
    "P05": Rule(
        "born on 1 January, which is over {times} times as frequent as other days",
        _PERSONS, ("birth_date",), "note", ("flag", "set missing"),
        {"times": Setting(3, 2, 20, "times as frequent as other days, where it begins to look "
                                    "as if only the year were known")}),
    "P06": Rule(
        "another person who was reported has the same birth date, sex and ethnicity",
        _PERSONS, ("birth_date", "sex", "ethnicity_self"), "note", ("flag",)),
    "I01": Rule(
        "report without a clock time, or at midnight exactly",
        _INCIDENTS, ("reported_at",), "note", ("flag",)),
    "I02": Rule(
        "last seen after the report",
        _INCIDENTS, ("missing_from_at",), "caveat", ("set missing", "quarantine")),
    "I03": Rule(
        "ended before the report, or on its day without a clock time",
        _INCIDENTS, ("ended_at",), "caveat", ("set missing", "quarantine")),
    "I04": Rule(
        "overlaps the same person's earlier incident{gap}",
        _INCIDENTS, ("reported_at", "ended_at"), "note", ("merge",)),
    "I05": Rule(
        "still open when the same person is reported again",
        _INCIDENTS, ("ended_at",), "caveat", ("flag",)),
    "I06": Rule(
        "report outside the person's window of observation",
        _INCIDENTS, ("reported_at",), "caveat", ("flag", "quarantine")),
    "I07": Rule(
        "reported again within {hours} hours, and the earlier incident may not have ended",
        _INCIDENTS, ("reported_at",), "note", ("flag", "merge"),
        {"hours": Setting(24, 1, 72, "hours within which a second report may be the first again")}),
    "I08": Rule(
        "report outside the study, which no chapter counts",
        _INCIDENTS, ("reported_at",), "caveat", ("flag",)),
    "I09": Rule(
        "no time of the report, where the time last seen is known",
        _INCIDENTS, ("reported_at", "missing_from_at"), "caveat", ("flag", "fill")),
    "I10": Rule(
        "ends over {days} days after the report, or was last seen over {days} days before it",
        _INCIDENTS, ("ended_at", "missing_from_at"), "caveat", ("flag", "set missing"),
        {"days": Setting(365, 30, 3650, "days above which the year may be a slip")}),
    "M01": Rule(
        "marker ends before it begins",
        ("markers",), ("known_to",), "caveat", ("set missing", "quarantine")),
    "T01": Rule("pair in the other order", ("ties",), ("person_a", "person_b"), "note", ("flag",)),
    "T02": Rule(
        "a person tied to themselves",
        ("ties",), ("person_a", "person_b"), "note", ("quarantine",)),
    "T03": Rule("the same tie seen again", ("ties",), (), "note", ("merge",)),
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """A rule as one force has it.

    Attributes
    ----------
    rule : str
        Such as ``I03``.
    title, severity : str
    action : str
        Key of :data:`DONE`.
    settings : dict of float
    """

    rule: str
    title: str
    severity: str
    action: str
    settings: Mapping[str, float]


def chosen(rule: str, choices: Mapping[str, Mapping[str, Any]], **words: str) -> Chosen:
    """A rule with what the force file says of it.

    Parameters
    ----------
    rule : str
    choices : mapping
        What stands under ``rules`` in the force file.
    **words : str
        Further parts of the title.

    Examples
    --------
    >>> one = chosen("P01", {"P01": {"oldest": 105}})
    >>> one.title, one.action
    ('birth date is a placeholder, over 105 years ago or after the study', 'set missing')
    """
    about, mine = RULES[rule], choices.get(rule, {})
    settings = {name: float(mine.get(name, s.default)) for name, s in about.settings.items()}
    plain = {name: f"{value:g}" for name, value in settings.items()}
    return Chosen(
        rule=rule,
        title=about.title.format(**plain, **words),
        severity=about.severity,
        action=str(mine.get("action", about.actions[0])),
        settings=settings,
    )


def choice_problems(choices: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with the rules of a force file: place, expectation, cure."""
    for rule, mine in choices.items():
        if rule not in RULES:
            near = suggestion(rule, RULES)
            yield f"rules: there is no rule {rule!r}{near}; the page on the force file lists them"
            continue
        about = RULES[rule]
        for name, value in mine.items():
            if name == "action":
                if value not in about.actions:
                    there = ", ".join(about.actions)
                    yield f"rules.{rule}.action: {value!r} is not one of: {there}"
            elif name not in about.settings:
                known = ["action", *about.settings]
                near = suggestion(str(name), known)
                yield f"unknown key 'rules.{rule}.{name}'{near}; there are: {', '.join(known)}"
            else:
                yield from _limits(f"rules.{rule}.{name}", value, about.settings[name])


def _limits(place: str, value: Any, setting: Setting) -> Iterator[str]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not setting.low <= value <= setting.high:
        yield f"{place}: give a number from {setting.low:g} to {setting.high:g}"
