"""What if those who left the area had been followed: bounds instead of an assumption.

A curve that censors whoever moves away supposes that those who left are like those who stayed.
Nobody can check that in one force's file. The bounds suppose the two extremes instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.force.tables import birth_anniversary
from missing_lib.study.cohort import Cohort
from missing_lib.study.survival import kaplan_meier


def left_early(cohort: Cohort, people: pd.Series) -> NDArray[np.bool_]:
    """Whether each person's observation ended before the study, and before the age limit did it.

    Parameters
    ----------
    cohort : Cohort
    people : Series of str, shape (n,)
        Identifiers; any number of rows per person.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    persons = cohort.persons
    left = persons["observed_to"].notna() & (persons["observed_to"] < cohort.end)
    if cohort.population == "children":
        limit = birth_anniversary(persons["birth_date"], cohort.definitions.child_age_limit)
        left &= ~(persons["observed_to"] >= limit - pd.Timedelta(days=1))
    return people.isin(persons.loc[left, "person_id"]).to_numpy(bool)


def bounds_of_leaving(cohort: Cohort, spells: pd.DataFrame, days: Sequence[float]) -> pd.DataFrame:
    """Share followed by another incident if none, or all, of those who left had had one.

    Parameters
    ----------
    cohort : Cohort
    spells : DataFrame
        ``person_id``, ``gap_days``, ``observed``; from :func:`.repeats.gaps`, those ever at risk.
    days : sequence of float
        Days since the return at which the curve is read.

    Returns
    -------
    DataFrame
        ``days``; ``none`` (whoever left would have had no further incident), ``alike`` (they are
        like those who stayed: the Kaplan-Meier curve) and ``at_once`` (each would have had one
        the moment after); ``people``, fewest of those who left or stayed.

    Examples
    --------
    >>> from missing_lib.study.worlds_cohort import END, cohort_of, people_known
    >>> left = people_known(2, observed_to=[END - pd.Timedelta(days=9), pd.NaT])
    >>> cohort = cohort_of(left, [0, 1, 1], [10.0, 10.0, 12.0])
    >>> from missing_lib.study.repeats import gaps
    >>> bounds_of_leaving(cohort, gaps(cohort), [1816.0]).round(2).iloc[0, 1:4].tolist()
    [0.33, 0.33, 0.67]
    """
    gone = left_early(cohort, spells["person_id"]) & ~spells["observed"].to_numpy(bool)
    gap, seen = spells["gap_days"].to_numpy(float), spells["observed"].to_numpy(bool)
    longest = max(float(np.max(gap, initial=0.0)), *days, 1.0)
    worlds = {
        "none": (np.where(gone, longest, gap), seen),
        "alike": (gap, seen),
        "at_once": (gap, seen | gone),
    }
    out = pd.DataFrame({"days": [float(day) for day in days]})
    for name, (duration, event) in worlds.items():
        if len(gap):
            out[name] = 1 - kaplan_meier(duration, event, at=list(days))["survival"].to_numpy()
        else:
            out[name] = np.nan
    left = spells.loc[gone, "person_id"].nunique()
    return out.assign(people=min(left, spells.loc[~gone, "person_id"].nunique()))
