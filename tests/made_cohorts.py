"""Small cohorts for tests, made from lists of incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables, conform, empty
from missing_lib.study.cohort import Cohort, select

START, END = "2015-01-01", "2017-12-31"

#: Hours after the report at which an incident ends unless a test says otherwise.
HOURS = 6.0


def force_file(**definitions: object) -> ForceFile:
    """A made-up force whose study runs from 2015 to 2017."""
    return ForceFile.model_validate(
        {
            "code": "small",
            "name": "Small (synthetic)",
            "kind": "synthetic",
            "study": {"start": START, "end": END},
            "definitions": definitions,
            "sources": {"persons": {"file": "p.csv"}, "incidents": {"file": "i.csv"}},
        }
    )


def make_tables(
    incidents: Iterable[tuple[str, str | pd.Timestamp]],
    *,
    hours: Iterable[float | None] | None = None,
    births: Mapping[str, str] | None = None,
    observed_to: Mapping[str, str] | None = None,
    from_care: Iterable[bool | None] | None = None,
    out_of_area: Iterable[bool | None] | None = None,
    time_known: Iterable[bool | None] | None = None,
    others: int = 0,
) -> Tables:
    """The canonical tables of a made-up force.

    Parameters
    ----------
    incidents : iterable of (person, UTC time of the report)
    hours : iterable of float or None, optional
        Length of each incident; None where the end is missing.
    births, observed_to : mapping, optional
        Dates by person; born in 2003 and observed to the end if not given.
    from_care, out_of_area, time_known : iterable of bool or None
        Of each incident; not recorded if not given.
    others : int
        People known to an agency and never reported.
    """
    rows = list(incidents)
    people = sorted({person for person, _ in rows}) + [f"other{i}" for i in range(others)]
    birth = {person: "2003-06-15" for person in people} | dict(births or {})
    persons = pd.DataFrame(
        {
            "person_id": people,
            "birth_date": [birth[p] for p in people],
            "sex": "female",
            "observed_to": [(observed_to or {}).get(p) for p in people],
        }
    )
    given = list(hours) if hours is not None else [HOURS] * len(rows)
    reported = pd.to_datetime([when for _, when in rows], utc=True)
    lengths = pd.to_timedelta([np.nan if h is None else h for h in given], unit="h")
    table = pd.DataFrame(
        {
            "incident_id": [f"i{k}" for k in range(len(rows))],
            "person_id": [person for person, _ in rows],
            "reported_at": reported,
            "ended_at": reported + lengths,
            "from_care": [None] * len(rows) if from_care is None else list(from_care),
            "out_of_area": [None] * len(rows) if out_of_area is None else list(out_of_area),
            "time_known": [None] * len(rows) if time_known is None else list(time_known),
        }
    )
    return Tables(
        persons=conform(persons, "persons") if people else empty("persons"),
        incidents=conform(table, "incidents") if rows else empty("incidents"),
        markers=empty("markers"),
        ties=empty("ties"),
        events=empty("events"),
    )


def make_cohort(
    incidents: Iterable[tuple[str, str | pd.Timestamp]],
    *,
    hours: Iterable[float | None] | None = None,
    births: Mapping[str, str] | None = None,
    observed_to: Mapping[str, str] | None = None,
    others: int = 0,
    **definitions: object,
) -> Cohort:
    """The children of a made-up force, see :func:`make_tables`."""
    tables = make_tables(
        incidents, hours=hours, births=births, observed_to=observed_to, others=others
    )
    return select(tables, force_file(**definitions), "children")


def random_cohort(people: int, seed: int, clustered: bool = False) -> Cohort:
    """People with geometric numbers of incidents, at uniform times or in short runs."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        number = int(rng.geometric(0.35))
        days = np.sort(rng.uniform(0, 1090, number))
        if clustered:
            days = np.sort(rng.uniform(0, 1000) + np.cumsum(rng.exponential(4.0, number)))
            days = days[days < 1090]
        rows += [(f"p{person:04d}", pd.Timestamp(START) + pd.Timedelta(days=d)) for d in days]
    return make_cohort(rows, hours=[0.0] * len(rows), others=people // 2)
