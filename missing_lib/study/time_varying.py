"""Quantities that change while a person is followed: era, age, markers and own history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.cohort import ERA_CHANGE, Cohort
from missing_lib.study.counting import Changes, CountingRows, FollowUp
from missing_lib.study.frame import AGE_CENTRE, AGE_UNIT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Days from the recording of a marker to the day from which it counts: what is recorded because
#: of an incident should not explain that incident, nor the quick ones after it.
LAG = 28
#: Birthdays beyond this one change nothing.
_OLDEST = 120


def era(followed: FollowUp) -> Changes:
    """0 before the absent category ended (:data:`.cohort.ERA_CHANGE`), 1 from then on."""
    people = len(followed.people)
    at = followed.clock.midnight(pd.Series([ERA_CHANGE]))[0]
    return Changes(
        np.zeros(people), np.arange(people), np.full(people, at, np.int64), np.ones(people)
    )


def completed_years(cohort: Cohort, followed: FollowUp) -> Changes:
    """Age in completed years, which changes on birthdays; NaN where the birth is unknown."""
    births = _of_people(cohort, followed, "birth_date")
    known = births.notna().to_numpy(bool)
    month = births.to_numpy("datetime64[M]").astype(int)
    day = births.dt.day.fillna(1).to_numpy(int)
    start, end = (np.datetime64(d, "M").astype(int) for d in (cohort.start, cohort.end))
    # Years that could end inside the study, and one more on either side.
    low = np.where(known, np.maximum((start - month) // 12 - 1, 0), 0)
    high = np.where(known, np.clip((end - month) // 12 + 1, 0, _OLDEST), -1)
    number = np.maximum(high - low + 1, 0)
    person = np.repeat(np.arange(len(births)), number)
    age = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number) + low[person]
    # Adding days to the first of the month makes 1 March of 29 February in a common year.
    first = (month[person] + 12 * age).astype("datetime64[M]").astype("datetime64[D]")
    turned = first.astype(int) + day[person] - 1 - np.datetime64(cohort.start, "D").astype(int)
    at = followed.clock.midnight(turned)
    before = at <= followed.opens[person]
    reached = np.bincount(person[before], minlength=len(births)) + low - 1
    base = np.where(known, np.maximum(reached, 0), np.nan).astype(float)
    return Changes(base, person[~before], at[~before], np.ones(int((~before).sum())))


def recorded(
    cohort: Cohort,
    followed: FollowUp,
    marker: str,
    *,
    lag: int = LAG,
    before_first: bool = False,
) -> Changes:
    """1 from some days after the first record of a marker on, 0 before.

    A record is the day of recording, not of onset, and a history: it stays.

    Parameters
    ----------
    cohort : Cohort
    followed : FollowUp
    marker : str
    lag : int
        Days from recording to the day from which it counts.
    before_first : bool
        Leave out what was recorded on or after the day of the person's first incident: it may
        be a consequence.
    """
    rows = _records(cohort, followed, marker, before_first)
    first = rows.groupby("person", sort=True)["known_from"].min()
    at = followed.clock.midnight(first + pd.Timedelta(days=lag))
    return Changes(
        np.zeros(len(followed.people)), first.index.to_numpy(np.int64), at, np.ones(len(first))
    )


def in_force(
    cohort: Cohort,
    followed: FollowUp,
    marker: str,
    *,
    lag: int = LAG,
    before_first: bool = False,
) -> Changes:
    """Number of spells of a marker that hold, such as placements; the last day is inside.

    Parameters are those of :func:`recorded`; the lag is that of the beginning. A spell without
    an end goes on, one that is shorter than the lag never counts.
    """
    rows = _records(cohort, followed, marker, before_first)
    begins = followed.clock.midnight(rows["known_from"] + pd.Timedelta(days=lag))
    ends = followed.clock.midnight(rows["known_to"] + pd.Timedelta(days=1))
    ends = np.where(rows["known_to"].isna(), np.iinfo(np.int64).max, ends)
    real = ends > begins
    who = rows["person"].to_numpy(np.int64)[real]
    ones = np.ones(len(who))
    return Changes(
        np.zeros(len(followed.people)),
        np.append(who, who),
        np.append(begins[real], ends[real]),
        np.append(ones, -ones),
    )


def sex_and_age(cohort: Cohort, rows: CountingRows, years: str = "age") -> pd.DataFrame:
    """Terms that adjust: ``female`` and ``sex_other`` (against male), ``age``, ``age_squared``.

    Parameters
    ----------
    cohort : Cohort
    rows : CountingRows
    years : str
        Column of :attr:`.CountingRows.values` with completed years.

    Returns
    -------
    DataFrame, shape (rows, 4)
        Age in the units of :mod:`.frame`; NaN where unknown.
    """
    sex, person = _of_people(cohort, rows.followed, "sex"), rows.person
    unit, centre = AGE_UNIT[cohort.population], AGE_CENTRE[cohort.population]
    age = (rows.values[years].to_numpy(float) + 0.5 - centre) / unit
    return pd.DataFrame(
        {
            "female": (sex == "female").to_numpy(float)[person],
            "sex_other": (~sex.isin(["female", "male"])).to_numpy(float)[person],
            "age": age,
            "age_squared": age**2,
        }
    )


def own_history(rows: CountingRows, bounds: Sequence[float]) -> pd.DataFrame:
    """What a person's own earlier incidents say in each row.

    Parameters
    ----------
    rows : CountingRows
        Cut at the same days after each return.
    bounds : sequence of float
        Days since the return, ascending, such as 14 and 28.

    Returns
    -------
    DataFrame, shape (rows, 1 + bounds)
        ``earlier_incidents``, log2(1 + number since observation began), so that one is a
        doubling; and for each bound whether the last return lies no longer ago than that, and
        longer than the bound before.
    """
    again = rows.order > 0
    out = {EARLIER: np.log2(1.0 + rows.order)}
    for low, high in zip([0, *bounds[:-1]], bounds, strict=True):
        recent = again & (rows.since >= low) & (rows.since < high)
        out[returned_within(low, high)] = recent.astype(float)
    return pd.DataFrame(out)


#: Term of :func:`own_history` for the number of earlier incidents.
EARLIER = "earlier_incidents"


def returned_within(low: float, high: float) -> str:
    """Name of the term for a last return between two numbers of days ago.

    Examples
    --------
    >>> returned_within(0, 14), returned_within(14, 28)
    ('returned_in_the_past_14_days', 'returned_14_to_28_days_ago')
    """
    return (
        f"returned_in_the_past_{high:g}_days"
        if low == 0
        else (f"returned_{low:g}_to_{high:g}_days_ago")
    )


def _records(cohort: Cohort, followed: FollowUp, marker: str, before_first: bool) -> pd.DataFrame:
    """Dated records of one marker for the people followed, with their position."""
    rows = cohort.markers[cohort.markers["marker"] == marker]
    who = followed.people.get_indexer(rows["person_id"])
    rows = rows.assign(person=who)[(who >= 0) & rows["known_from"].notna().to_numpy()]
    if before_first:
        reported = cohort.incidents.groupby("person_id", sort=False)["reported_on"].min()
        first = rows["person_id"].map(reported)
        rows = rows[first.isna() | (rows["known_from"] < first)]
    return rows


def _of_people(cohort: Cohort, followed: FollowUp, column: str) -> pd.Series:
    about = cohort.persons.drop_duplicates("person_id").set_index("person_id")[column]
    return about.reindex(followed.people).reset_index(drop=True)
