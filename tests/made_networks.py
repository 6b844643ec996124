"""Small forces with markers and ties for tests, made row by row or at random."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from missing_lib.force.tables import Tables, conform, empty
from missing_lib.study.cohort import Cohort, select
from missing_lib.study.frame import IN_FRAME, Frame
from tests.made_cohorts import START, force_file

#: Rows of the two optional tables: (person, marker, known from, known to) and
#: (person, person, type, first seen[, agency]).
Marker = tuple[str, str, str, str | None]
Tie = tuple[str, ...]


def known_cohort(
    persons: Mapping[str, Mapping[str, Any]],
    incidents: Iterable[tuple[str, str | pd.Timestamp]] = (),
    markers: Iterable[Marker] = (),
    ties: Iterable[Tie] = (),
    population: str = "children",
) -> Cohort:
    """A cohort of people whom a health service knew before the study unless said otherwise.

    Parameters
    ----------
    persons : mapping of identifier to columns of ``persons``
    incidents : iterable of (person, UTC time of the report)
    markers, ties : iterable of rows
    population : str
    """
    default = {
        "birth_date": "2003-06-15",
        "sex": "female",
        "observed_from": "2010-01-01",
        "known_first_by": "health:appointment",
    }
    people = pd.DataFrame(
        [{"person_id": name, **default, **given} for name, given in persons.items()]
    )
    rows = list(incidents)
    reports = pd.DataFrame(
        {
            "incident_id": [f"i{k}" for k in range(len(rows))],
            "person_id": [person for person, _ in rows],
            "reported_at": pd.to_datetime([when for _, when in rows], utc=True),
        }
    )
    marks = pd.DataFrame(markers, columns=["person_id", "marker", "known_from", "known_to"])
    seen = pd.DataFrame(
        [(*tie, "police")[:5] for tie in ties],
        columns=["person_a", "person_b", "tie_type", "first_seen", "agency"],
    )
    tables = Tables(
        persons=conform(people, "persons") if len(people) else empty("persons"),
        incidents=conform(reports, "incidents") if len(reports) else empty("incidents"),
        markers=conform(marks, "markers") if len(marks) else empty("markers"),
        ties=conform(seen, "ties") if len(seen) else empty("ties"),
        events=empty("events"),
    )
    return select(tables, force_file(), population)


def random_force(
    people: int,
    seed: int,
    beta: Mapping[str, float] | None = None,
    ties_each: float = 2.0,
    level: float = -1.0,
) -> Cohort:
    """Children with random markers and ties who go missing by a logistic model.

    logit P = level + sum of beta over markers; nobody influences anybody.
    """
    rng = np.random.default_rng(seed)
    names = [f"p{k:05d}" for k in range(people)]
    born = pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 2500, people), unit="D")
    persons = {
        name: {"birth_date": str(day.date()), "sex": sex}
        for name, day, sex in zip(names, born, rng.choice(["female", "male"], people), strict=True)
    }
    weights = {"mental_health": 0.0, "arrest": 0.0} if beta is None else beta
    has = {marker: rng.random(people) < 0.4 for marker in weights}
    markers = [
        (names[k], marker, "2013-05-01", None)
        for marker, held in has.items()
        for k in np.flatnonzero(held)
    ]
    eta = level + sum(weights[marker] * held for marker, held in has.items())
    missing = np.flatnonzero(rng.random(people) < expit(eta))
    incidents = [
        (names[k], pd.Timestamp(START) + pd.Timedelta(days=float(day)))
        for k in missing
        for day in np.sort(rng.uniform(1, 1000, rng.integers(1, 4)))
    ]
    pairs = rng.integers(0, people, (int(people * ties_each / 2), 2))
    ties = [
        (names[min(a, b)], names[max(a, b)], "same_school", "2014-02-01")
        for a, b in pairs
        if a != b
    ]
    return known_cohort(persons, incidents, markers, ties)


def made_frame(
    people: int, seed: int, marks: Mapping[str, float], name: str = "p"
) -> tuple[Frame, np.random.Generator]:
    """A frame of children at risk for three years, of whom nobody went missing yet.

    Parameters
    ----------
    people, seed : int
    marks : mapping of str to float
        Share of people with each marker.
    name : str
        With which identifiers begin.

    Returns
    -------
    Frame
    Generator
        To draw outcomes with.
    """
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "person_id": [f"{name}{k:05d}" for k in range(people)],
            "days": 1096,
            "incidents": 0,
            "ever": False,
            "age": rng.uniform(8, 16, people),
            "sex": rng.choice(["female", "male"], people),
            "sex_recorded": True,
            "ethnicity": "white",
        }
    )
    held = {marker: (rng.random(people) < share).astype(float) for marker, share in marks.items()}
    considered = rows[["person_id", "incidents"]].assign(step=IN_FRAME)
    frame = Frame(rows, pd.DataFrame(held), considered, "children", pd.Timestamp(START))
    return frame, rng


def odd_cohorts() -> dict[str, Cohort]:
    """Cohorts that leave little to compute with, by name."""
    two = {"a": {}, "b": {}}
    when = "2015-06-01 12:00"
    many = {f"p{k:02d}": {} for k in range(30)}
    ring = [(f"p{k:02d}", f"p{k + 1:02d}", "same_school", "2014-01-01") for k in range(29)]
    half = [(f"p{k:02d}", when) for k in range(0, 30, 2)]
    everybody = [(name, when) for name in many]
    care = [(name, "local_authority_care", "2014-01-01", None) for name in many]
    return {
        "empty": known_cohort({}),
        "one person": known_cohort({"a": {}}),
        "one person missing": known_cohort({"a": {}}, [("a", when)]),
        "two tied, one missing": known_cohort(
            two,
            [("a", when)],
            [("a", "arrest", "2014-01-01", None)],
            [("a", "b", "co_arrest", "2014-01-01")],
        ),
        "nobody missing": known_cohort(many, (), care[:12], ring),
        "everybody missing": known_cohort(many, everybody, care[:12], ring),
        "no markers": known_cohort(many, half, (), ring),
        "no ties": known_cohort(many, half, care[:12]),
        "constant marker": known_cohort(many, half, care, ring),
        "marker tells all": known_cohort(many, half, care[::2], ring),
        "one component": known_cohort(many, half, care[:12], ring),
        "nobody known before": known_cohort(
            {name: {"known_first_by": "police:missing_report"} for name in many}, half, care, ring
        ),
        "no birth dates": known_cohort({name: {"birth_date": None} for name in many}, half, care),
        "everybody of all ages": known_cohort(
            {name: {"birth_date": None} for name in many}, half, care[:12], ring, population="all"
        ),
    }
