"""A cohort from simulated people and incidents, as intake and selection would leave it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables, conform, empty
from missing_lib.study.cohort import Cohort, select

#: First and last day of the simulated study: five years that begin and end in winter time.
START, END = pd.Timestamp("2015-01-01"), pd.Timestamp("2019-12-31")
#: Days of it.
LENGTH = (END - START).days + 1
#: Born so that nobody reaches the age limit in it.
ALWAYS_CHILD = pd.Timestamp("2008-06-15")


def identifiers(people: int) -> pd.Index:
    """Names of simulated people, in order."""
    return pd.Index([f"p{k:06d}" for k in range(people)], name="person_id")


def people_known(people: int, **columns: object) -> pd.DataFrame:
    """The table of persons, all known long before the study for another reason than going missing.

    Parameters
    ----------
    people : int
    **columns
        Canonical columns that are to hold something else than the default.
    """
    default = {
        "birth_date": ALWAYS_CHILD,
        "sex": "female",
        "observed_from": pd.Timestamp("2010-01-01"),
        "known_first_by": "health:appointment",
    }
    return pd.DataFrame({"person_id": identifiers(people), **default, **columns})


def cohort_of(
    persons: pd.DataFrame,
    who: ArrayLike,
    days: ArrayLike,
    markers: pd.DataFrame | None = None,
    ties: pd.DataFrame | None = None,
) -> Cohort:
    """The children of a simulated force.

    Parameters
    ----------
    persons : DataFrame
        From :func:`people_known`.
    who : array_like of int, shape (incidents,)
        Row of ``persons`` of each incident.
    days : array_like of float, shape (incidents,)
        Days from the start of the study to each report; an incident ends when it is reported.
    markers, ties : DataFrame, optional
        Canonical columns.

    Returns
    -------
    Cohort
        Selected as that of a real force is.
    """
    rows, when = np.asarray(who, dtype=int), np.asarray(days, dtype=float)
    reported = START.tz_localize("UTC") + pd.to_timedelta(when, unit="D")
    incidents = pd.DataFrame(
        {
            "incident_id": identifiers(len(rows)).str.replace("p", "i"),
            "person_id": persons["person_id"].to_numpy()[rows],
            "reported_at": reported,
            "ended_at": reported,
        }
    )
    tables = Tables(
        persons=conform(persons, "persons"),
        incidents=conform(incidents, "incidents"),
        markers=_nothing("markers") if markers is None else conform(markers, "markers"),
        ties=_nothing("ties") if ties is None else conform(ties, "ties"),
        events=_nothing("events"),
    )
    return select(tables, _force(), "children")


@cache
def _nothing(table: str) -> pd.DataFrame:
    return empty(table)


@cache
def _force() -> ForceFile:
    return ForceFile.model_validate(
        {
            "code": "simulated",
            "name": "Simulated",
            "kind": "synthetic",
            "study": {"start": START.date(), "end": END.date()},
            "sources": {"persons": {"file": "p.csv"}, "incidents": {"file": "i.csv"}},
        }
    )
