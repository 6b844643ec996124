"""The outcome as a parameter: going missing, or any other dated event of the same people."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from missing_lib.force.tables import age_in_years, conform
from missing_lib.study.cohort import Cohort, arranged

#: The outcome that a cohort comes with.
MISSING = "missing"


def known_outcomes(cohort: Cohort) -> tuple[str, ...]:
    """What can be studied as outcome: going missing, and the types of ``events``, in order.

    Examples
    --------
    >>> from missing_lib.study.worlds_cohort import cohort_of as made, people_known
    >>> known_outcomes(made(people_known(1), [], []))
    ('missing',)
    """
    types = cohort.events["event_type"].dropna().unique()
    return (MISSING, *sorted(str(name) for name in types if name != MISSING))


def describe(outcome: str) -> str:
    """What the outcome is, in one sentence.

    Examples
    --------
    >>> describe("violence_victim")
    'An episode or incident is here an event on file as violence victim.'
    """
    if outcome == MISSING:
        return "An episode or incident is here a report that somebody is missing."
    return f"An episode or incident is here an event on file as {outcome.replace('_', ' ')}."


def cohort_of(cohort: Cohort, outcome: str) -> Cohort:
    """The same people with another outcome in the place of their missing incidents.

    An event begins and ends at the moment at which it occurred, so that nobody is away; it is
    the population's if the person was of its age on that local day. An event that another row
    holds too (same person, type and moment) counts once.

    Parameters
    ----------
    cohort : Cohort
    outcome : str
        ``missing`` (the cohort is given back as it is), or a type of event.

    Returns
    -------
    Cohort
        ``incidents`` are the events in the study window, with the columns of :class:`.Cohort`;
        what only a missing incident has is missing.

    Raises
    ------
    ValueError
        If no event of the force has that type.
    """
    known = known_outcomes(cohort)
    if outcome not in known:
        raise ValueError(f"There is no outcome {outcome!r} here; there are {', '.join(known)}.")
    if outcome == MISSING:
        return cohort
    rows = _described(cohort, outcome)
    limit = cohort.definitions.child_age_limit
    wanted = {
        "children": rows["age"] < limit,
        "adults": rows["age"] >= limit,
        "all": pd.Series(True, index=rows.index),
    }[cohort.population]
    unknown = rows.loc[rows["age"].isna(), ["incident_id", "person_id"]]
    return replace(cohort, incidents=arranged(rows[wanted]), unknown_age=unknown)


def _described(cohort: Cohort, outcome: str) -> pd.DataFrame:
    """Events in the study window, in the columns of incidents."""
    events = cohort.events[cohort.events["event_type"] == outcome]
    events = events.dropna(subset=["person_id", "occurred_at"])
    events = events.drop_duplicates(["person_id", "occurred_at"]).reset_index(drop=True)
    plain = pd.DataFrame(
        {
            "incident_id": [f"{outcome}:{number}" for number in range(1, len(events) + 1)],
            "person_id": events["person_id"],
            "reported_at": events["occurred_at"],
            "ended_at": events["occurred_at"],
            "time_known": True,
        }
    )
    about = cohort.persons[["person_id", "birth_date", "sex", "ethnicity_self"]]
    rows = conform(plain, "incidents").merge(
        about.drop_duplicates("person_id"), on="person_id", how="left", validate="many_to_one"
    )
    local = rows["reported_at"].dt.tz_convert(cohort.time_zone).dt.tz_localize(None)
    rows["reported_on"] = local.dt.normalize()
    rows["local_hour"] = local.dt.hour.astype(float)
    rows["month"] = rows["reported_on"].dt.to_period("M")
    rows["age"] = age_in_years(rows["birth_date"], rows["reported_on"])
    return rows[rows["reported_on"].between(cohort.start, cohort.end)].drop(columns="birth_date")
