"""The canonical columns and their code books; plain data, so that it is read in no time.

Times of incidents and events are UTC instants; everything that agencies record
by day (births, windows, markers, ties) is a plain date at midnight.
"""

from __future__ import annotations

from dataclasses import dataclass

SEXES = ("female", "male", "other", "unknown")
ETHNICITIES = ("asian", "black", "mixed", "other", "white", "not_stated")
CATEGORIES = ("missing", "no_apparent_risk")
RISKS = ("no_apparent_risk", "low", "medium", "high")
STUDY_MARKERS = (
    "mental_health",
    "self_harm",
    "child_protection",
    "arrest",
    "local_authority_care",
)

#: The reason in ``persons.known_first_by`` ("agency:reason") that means the
#: person became known because they were reported missing.
MISSING_REPORT = "missing_report"


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Attributes
    ----------
    kind : {"id", "text", "date", "time", "flag", "level", "age"}
        Identifier, free code, date, UTC instant, true/false/unknown, one of ``levels``, or
        years.
    required : bool
        A row without a value here cannot be used.
    meaning : str
        One line for the data dictionary.
    levels : tuple of str
        The code book of a ``level`` column, in display order.
    personal : bool
        Values of this column are never printed, not even in an error.
    """

    kind: str
    required: bool
    meaning: str
    levels: tuple[str, ...] = ()
    personal: bool = True


SCHEMA: dict[str, dict[str, Column]] = {
    "persons": {
        "person_id": Column("id", True, "person, the same in every table"),
        "birth_date": Column("date", False, "date of birth; missing where unknown"),
        "sex": Column("level", False, "sex as recorded", SEXES),
        "ethnicity_self": Column("level", False, "ethnicity as stated by the person", ETHNICITIES),
        "ethnicity_officer": Column("level", False, "ethnicity as an officer saw it", ETHNICITIES),
        "observed_from": Column("date", False, "first day on which a report would be seen here"),
        "observed_to": Column("date", False, "last such day; missing while still observed"),
        "known_first_by": Column(
            "text", False, "agency:reason of the first contact; reason missing_report is reserved"
        ),
    },
    "incidents": {
        "incident_id": Column("id", True, "missing incident (not call, not person)"),
        "person_id": Column("id", True, "who is missing"),
        "reported_at": Column("time", True, "when the police were told"),
        "missing_from_at": Column("time", False, "when last seen"),
        "ended_at": Column("time", False, "when found or returned; missing while open"),
        "time_known": Column("flag", False, "false where the clock time is a placeholder"),
        "category": Column("level", False, "missing or no apparent risk (absent)", CATEGORIES),
        "risk_first": Column("level", False, "officer's first risk grade", RISKS),
        "risk_final": Column("level", False, "last risk grade", RISKS),
        "harm": Column("flag", False, "came to harm while missing"),
        "from_care": Column("flag", False, "missing from a care placement"),
        "placement_id": Column("id", False, "care placement"),
        "out_of_area": Column("flag", False, "placed here by an authority elsewhere"),
        "age_recorded": Column(
            "age", False, "age in years as the report has it; only compared with the birth date"
        ),
    },
    "markers": {
        "person_id": Column("id", True, "whom the marker describes"),
        "marker": Column(
            "text", True, f"what was recorded; the findings read {', '.join(STUDY_MARKERS)}"
        ),
        "known_from": Column("date", True, "day it was recorded (not onset)"),
        "known_to": Column("date", False, "day it ceased to hold"),
        "agency": Column("text", False, "agency that recorded it", personal=False),
    },
    "ties": {
        "person_a": Column("id", True, "one person of the pair, the smaller identifier"),
        "person_b": Column("id", True, "the other person"),
        "tie_type": Column("text", True, "how they are tied, such as co_arrest"),
        "first_seen": Column("date", True, "day the tie was first recorded"),
        "agency": Column("text", False, "agency that recorded it", personal=False),
    },
    "events": {
        "person_id": Column("id", True, "whom the event happened to"),
        "event_type": Column("text", True, "what happened, such as arrest"),
        "occurred_at": Column("time", True, "when"),
    },
}

#: Without these no chapter has anything to say.
NEEDED_TABLES = ("persons", "incidents")
