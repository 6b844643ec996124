"""What is left of connections and nearness given placement, and how closely somebody is watched.

All of this is exploratory and stands beside the models of the primary family.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from missing_lib.study.cohort import Cohort
from missing_lib.study.crowds import LARGEST_GROUP, weighted_connections, weighted_ties
from missing_lib.study.frame import Frame
from missing_lib.study.network import (
    EPISODE_TIES,
    connections,
    degree_model,
    number_model,
    ties_before,
)
from missing_lib.study.placements import SAME_PLACEMENT
from missing_lib.study.predictors import words
from missing_lib.study.regression import Fit
from missing_lib.study.sensitivity import further_terms

Model = Callable[[Frame, pd.Series, pd.DataFrame | None, list[str] | None], Fit]

#: What connections are compared given, least first.
AGE_ALONE = "Given sex and age"
MARKERS = "Given markers as well"
EVERYTHING = "Given shared placement and police contacts as well"
#: One of the kinds of ties of :func:`by_kind_of_tie`.
POLICE_TIES = "Ties recorded by the police"
#: Terms of the table of :func:`ever_by_connections`.
TERMS = ["connections", "shared_placement", "contacts"]


def placement_and_contacts(cohort: Cohort, frame: Frame) -> pd.DataFrame:
    """Where somebody lived and how closely the police watched them, as of the landmark.

    Returns
    -------
    DataFrame of float
        Rows of ``frame.people``: ``shared_placement`` (1 where a tie to somebody in the same
        placement is on record) and ``contacts`` (log2 of one plus
        :func:`.detection.police_contacts`).
    """
    return further_terms(cohort, frame, ("placement", "contacts"))


def ever_by_connections(cohort: Cohort, frame: Frame, degree: pd.Series) -> dict[str, Fit]:
    """Odds of ever being missing by connections, given more and more; see :data:`EVERYTHING`."""
    return _given(degree_model, cohort, frame, degree)


def number_by_connections(cohort: Cohort, frame: Frame, degree: pd.Series) -> dict[str, Fit]:
    """Rates of incidents by connections, given more and more."""
    return _given(number_model, cohort, frame, degree)


def by_kind_of_tie(cohort: Cohort, frame: Frame) -> dict[str, Fit]:
    """Odds of ever being missing by connections, given markers, sex and age, by what a tie is.

    Returns
    -------
    dict of Fit
        Ties that the police recorded; without shared placements; ties of groups of more than
        :data:`.crowds.LARGEST_GROUP` people in part, and not at all.
    """
    unplaced = ties_before(cohort, leave_out=(*EPISODE_TIES, SAME_PLACEMENT))
    degrees = {
        POLICE_TIES: connections(ties_before(cohort, agency="police")),
        "Without ties of a shared placement": connections(unplaced),
        f"Groups of more than {LARGEST_GROUP} in part": weighted_connections(weighted_ties(cohort)),
        f"Groups of more than {LARGEST_GROUP} left out": connections(
            weighted_ties(cohort, crowds="leave out")
        ),
    }
    return {name: degree_model(frame, degree) for name, degree in degrees.items()}


def describe_gaps(fit: Fit) -> str:
    """Why the fullest model, or one of its two further terms, has no estimate; else empty.

    Parameters
    ----------
    fit : Fit
        Of :data:`EVERYTHING`.
    """
    if fit.problem:
        return f"With shared placement and police contacts there is no model: {fit.problem}."
    rows = [row for row in fit.terms.itertuples() if row.reason and row.term in TERMS]
    if not rows:
        return ""
    named = "; ".join(f"{words(row.term)} ({row.reason})" for row in rows)
    return f"Not estimated beside the others: {named}."


def _given(model: Model, cohort: Cohort, frame: Frame, degree: pd.Series) -> dict[str, Fit]:
    return {
        AGE_ALONE: model(frame, degree, None, []),
        MARKERS: model(frame, degree, None, None),
        EVERYTHING: model(frame, degree, placement_and_contacts(cohort, frame), None),
    }
