"""Who and what a study counts: the incidents of one population in one study window."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.force.spec import Definitions, ForceFile, check_population
from missing_lib.force.tables import Tables, age_in_years, birth_anniversary

#: From this local day on everybody whose whereabouts cannot be established is missing;
#: before it forces used an "absent" category (College of Policing, January 2017).
ERA_CHANGE = pd.Timestamp("2017-01-01")
#: What the two eras are called; either can hold incidents graded as no apparent risk.
ERAS = (
    f"absent counted apart, to {ERA_CHANGE.year - 1}",
    f"absent counted as missing, from {ERA_CHANGE.year}",
)

#: Days before the end of the study from which on an incident without an end is taken as open.
#: Of one reported earlier the end was not recorded: hardly anybody is missing for so long.
OPEN_DAYS = 28

#: What the people of a population are called.
PEOPLE = {"children": "children", "adults": "adults", "all": "people"}
PERSON = {"children": "child", "adults": "adult", "all": "person"}


@dataclass(frozen=True)
class Cohort:
    """One population of one force in the study window.

    Attributes
    ----------
    population : str
        ``children`` (under the age limit when reported missing), ``adults`` or ``all``.
    incidents : DataFrame
        One row per incident of the population, sorted by person and report: the canonical
        columns and ``reported_on`` (local date), ``local_hour`` (0-23, NaN where the time is a
        placeholder), ``month`` (period), ``age`` (years at report), ``sex``, ``ethnicity_self``,
        ``order`` (1, 2, ... within the person), ``n_incidents`` (of the person in this cohort).
    persons : DataFrame
        Everybody known to any agency, reported missing or not; canonical columns.
    markers, ties, events : DataFrame
        Canonical tables, all dates.
    start, end : Timestamp
        First and last local day of the study window, both inside.
    time_zone : str
        Zone of the local days and hours.
    definitions : Definitions
        Age limit, persistent, top share, gap bounds.
    absent : frozenset of str
        Tables that the force does not supply.
    unknown_age : DataFrame
        ``incident_id`` and ``person_id`` of incidents in the window whose age is unknown; they
        are in no population but ``all``.
    """

    population: str
    incidents: pd.DataFrame
    persons: pd.DataFrame
    markers: pd.DataFrame
    ties: pd.DataFrame
    events: pd.DataFrame
    start: pd.Timestamp
    end: pd.Timestamp
    time_zone: str
    definitions: Definitions
    absent: frozenset[str]
    unknown_age: pd.DataFrame

    @property
    def counts(self) -> pd.Series:
        """Incidents per person with at least one, indexed by ``person_id``; int64."""
        return self.incidents.groupby("person_id", sort=True).size().rename("incidents")

    def incidents_of(self, people: Collection[str]) -> pd.DataFrame:
        """The incidents of some people."""
        return self.incidents[self.incidents["person_id"].isin(people)]

    @property
    def months(self) -> pd.PeriodIndex:
        """Every calendar month that the study window touches."""
        return pd.period_range(self.start, self.end, freq="M", name="month")


def select(tables: Tables, force: ForceFile, population: str) -> Cohort:
    """Select the incidents of a population in the force's study window.

    A person is a child *when reported missing*: one person can be a child in one incident
    and an adult in a later one.

    Parameters
    ----------
    tables : Tables
        Canonical tables after cleaning.
    force : ForceFile
        Study window, time zone and definitions.
    population : {"children", "adults", "all"}

    Returns
    -------
    Cohort
    """
    check_population(population)
    rows = described(tables, force)
    limit = force.definitions.child_age_limit
    wanted = {
        "children": rows["age"] < limit,
        "adults": rows["age"] >= limit,
        "all": pd.Series(True, index=rows.index),
    }[population]
    return Cohort(
        population=population,
        incidents=arranged(rows[wanted]),
        persons=tables.persons,
        markers=tables.markers,
        ties=tables.ties,
        events=tables.events,
        start=pd.Timestamp(force.study.start),
        end=pd.Timestamp(force.study.end),
        time_zone=force.time_zone,
        definitions=force.definitions,
        absent=tables.absent,
        unknown_age=rows.loc[rows["age"].isna(), ["incident_id", "person_id"]],
    )


def described(tables: Tables, force: ForceFile) -> pd.DataFrame:
    """Incidents in the study window, with local time, age and what is known of the person.

    Returns
    -------
    DataFrame
        The canonical columns and those of :class:`Cohort` up to ``ethnicity_self``.
    """
    about = tables.persons[["person_id", "birth_date", "sex", "ethnicity_self"]]
    rows = tables.incidents.merge(about, on="person_id", how="left", validate="many_to_one")
    local = rows["reported_at"].dt.tz_convert(force.time_zone).dt.tz_localize(None)
    rows["reported_on"] = local.dt.normalize()
    rows["local_hour"] = local.dt.hour.where(clock_known(rows)).astype(float)
    rows["month"] = rows["reported_on"].dt.to_period("M")
    rows["age"] = age_in_years(rows["birth_date"], rows["reported_on"])
    start, end = pd.Timestamp(force.study.start), pd.Timestamp(force.study.end)
    return rows[rows["reported_on"].between(start, end)].drop(columns="birth_date")


def clock_known(incidents: pd.DataFrame) -> pd.Series:
    """Whether the report has a clock time; a placeholder midnight says the day and no more."""
    return incidents["time_known"].fillna(True).astype(bool)


def without_clock(cohort: Cohort) -> pd.DataFrame:
    """The incidents whose report has a date and no clock time."""
    return cohort.incidents[~clock_known(cohort.incidents)]


def still_open(cohort: Cohort) -> NDArray[np.bool_]:
    """Whether each incident goes on when the study ends.

    That is taken of the last one of a person that has no end and was reported in the last
    :data:`OPEN_DAYS` days of the study. Whoever was reported earlier came back at a time that
    nobody wrote down.

    Returns
    -------
    ndarray of bool, shape (incidents,)
    """
    rows = cohort.incidents
    last = rows["order"] == rows["n_incidents"]
    late = rows["reported_on"] > cohort.end - pd.Timedelta(days=OPEN_DAYS)
    return (rows["ended_at"].isna() & last & late).to_numpy(bool)


#: Why nothing is counted against everybody known to an agency, with ``threshold``.
ONLY_REPORTED = (
    "The table of persons holds fewer than {threshold} people who were never reported missing, so "
    "nothing is counted here against everybody known to an agency."
)


def never_reported(tables: Tables) -> int:
    """People in the table of persons whom no incident is about, inside the study or outside."""
    return int((~tables.persons["person_id"].isin(tables.incidents["person_id"])).sum())


def arranged(incidents: pd.DataFrame) -> pd.DataFrame:
    """Incidents sorted by person and report, with each one's order and the person's number."""
    rows = incidents.sort_values(["person_id", "reported_at", "incident_id"], ignore_index=True)
    by_person = rows.groupby("person_id", sort=False)
    rows["order"] = by_person.cumcount() + 1
    rows["n_incidents"] = by_person["order"].transform("size")
    return rows


def at_risk_windows(cohort: Cohort) -> pd.DataFrame:
    """The days on which each known person could have entered the cohort.

    From the latest of study start, start of observation and (adults) the age limit to the
    earliest of study end, end of observation and (children) the day before the age limit.
    Nothing here derives from incidents.

    Returns
    -------
    DataFrame
        ``person_id``, ``at_risk_from``, ``at_risk_to`` (dates, both inside) and ``days``;
        only people with at least one day. Without a birth date only ``all`` has a window.
    """
    persons = cohort.persons
    first = persons["observed_from"].fillna(cohort.start).clip(lower=cohort.start)
    last = persons["observed_to"].fillna(cohort.end).clip(upper=cohort.end)
    if cohort.population != "all":
        limit = birth_anniversary(persons["birth_date"], cohort.definitions.child_age_limit)
        if cohort.population == "children":
            last = pd.Series(np.minimum(last, limit - pd.Timedelta(days=1)), index=persons.index)
        else:
            first = pd.Series(np.maximum(first, limit), index=persons.index)
        first = first.where(limit.notna())
    out = pd.DataFrame(
        {"person_id": persons["person_id"], "at_risk_from": first, "at_risk_to": last}
    )
    out["days"] = (out["at_risk_to"] - out["at_risk_from"]).dt.days + 1
    return out[out["days"] >= 1].reset_index(drop=True)
