"""Who is compared with whom: people known to an agency, for another reason, at the landmark."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.force.tables import MISSING_REPORT, STUDY_MARKERS, age_in_years
from missing_lib.study.cohort import Cohort, at_risk_windows

#: Age at which the age terms are zero, and the years that make one unit.
AGE_CENTRE = {"children": 12.0, "adults": 40.0, "all": 30.0}
AGE_UNIT = {"children": 1.0, "adults": 10.0, "all": 10.0}

#: Terms of models that are no markers; a force's marker of the same name gets another.
OWN_TERMS = {
    "female",
    "sex_other",
    "age",
    "age_squared",
    "connections",
    "connections_before",
    "own_before",
    "steps",
    "closeness",
    "contacts",
    "shared_placement",
    "ethnicity_other",
    "ethnicity_unknown",
}

#: Steps from everybody at risk to the frame, in the order in which they are taken.
LATER = "at risk only after the landmark"
THROUGH_REPORT = "first known through a missing report"
REASON_UNKNOWN = "reason of the first contact not recorded"
IN_FRAME = "in the comparison"


class RecordedTooLate(ValueError):
    """Something recorded on or after the landmark was to predict what happens from then on."""


@dataclass(frozen=True)
class Frame:
    """People at risk at the landmark whom an agency knew before it for another reason.

    Attributes
    ----------
    people : DataFrame
        One row per person: ``person_id``, ``days`` (at risk, from the landmark on),
        ``incidents`` (in the cohort), ``ever`` (bool), ``age`` (years at the landmark, NaN
        where unknown), ``sex`` (``female``, ``male``, or ``other`` for anything else, not
        recorded included), ``sex_recorded`` (bool), ``ethnicity`` (as the person stated it; NaN
        where not stated or not recorded).
    marks : DataFrame of float
        One column per marker, same rows: 1 where recorded before the landmark, else 0.
    considered : DataFrame
        Everybody with a day at risk, one row per person: ``person_id``, ``step`` and
        ``incidents``.
    population : str
        Population of the cohort, which sets the centre and unit of age.
    landmark : Timestamp
        First day on which an incident is an outcome; what predicts was recorded before it.
    """

    people: pd.DataFrame
    marks: pd.DataFrame
    considered: pd.DataFrame
    population: str
    landmark: pd.Timestamp

    @property
    def steps(self) -> pd.DataFrame:
        """Counts by step.

        Returns
        -------
        DataFrame
            ``step``, ``people``, ``ever`` (people with an incident), ``repeat`` (with two or
            more), ``incidents``.
        """
        return _count_steps(self.considered)

    def at_step(self, step: str, ever: bool = False) -> pd.Series:
        """Identifiers of the people at a step, or of those among them with an incident."""
        rows = self.considered[self.considered["step"] == step]
        return rows.loc[rows["incidents"] > 0, "person_id"] if ever else rows["person_id"]

    @property
    def ever(self) -> pd.Series:
        """Identifiers of the people in the frame with an incident."""
        return self.people.loc[self.people["ever"], "person_id"]

    @property
    def study_markers(self) -> list[str]:
        """The study's five markers, as far as this force records them."""
        return [name for name in STUDY_MARKERS if name in self.marks]


def known_before(
    cohort: Cohort, in_force: bool = False, recorded_before: pd.Timestamp | None = None
) -> Frame:
    """The frame at the landmark, the first day of the study.

    Everybody in it is at risk on that day; who comes into the area, or of age, only later is
    not. Nothing that happens on or after the landmark decides who is in it or what is known
    of them. People whom only the missing report brought to notice are counted beside it:
    admitting them makes every marker look protective, because they have none.

    Parameters
    ----------
    cohort : Cohort
    in_force : bool
        Count a marker only while it holds on the landmark. The default counts everything
        ever recorded before it: a history.
    recorded_before : Timestamp, optional
        Count markers recorded before this day; the landmark if not given, and never a later day.

    Returns
    -------
    Frame
        With no rows where the cohort has nobody to compare.

    Raises
    ------
    RecordedTooLate
        If markers recorded after the landmark were asked for.
    """
    until = cohort.start if recorded_before is None else recorded_before
    if until > cohort.start:
        raise RecordedTooLate(_TOO_LATE.format(name="markers", landmark=_day(cohort.start)))
    everybody = _at_risk(cohort)
    step = _step(everybody, cohort.start)
    chosen = everybody[step == IN_FRAME]
    people = chosen[_PEOPLE]
    people = people.sort_values("person_id").reset_index(drop=True)
    return Frame(
        people=people,
        marks=_marks(cohort, people["person_id"], in_force, until),
        considered=everybody[["person_id", "incidents"]].assign(step=step),
        population=cohort.population,
        landmark=cohort.start,
    )


def with_record(frame: Frame, name: str, records: pd.DataFrame) -> Frame:
    """The frame with one more marker: 1 for whoever has a record.

    Parameters
    ----------
    frame : Frame
    name : str
        Of the marker.
    records : DataFrame
        ``person_id`` and ``known_from``, the day of recording (not of onset).

    Returns
    -------
    Frame

    Raises
    ------
    RecordedTooLate
        If a record is dated on or after the landmark, or not dated. Leaving such records out
        is for the caller to do, who has to know that the marker is then a history.
    """
    if not (records["known_from"] < frame.landmark).all():
        raise RecordedTooLate(_TOO_LATE.format(name=name, landmark=_day(frame.landmark)))
    has = frame.people["person_id"].isin(records["person_id"]).astype(float)
    return replace(frame, marks=frame.marks.assign(**{name: has}))


def within(cohort: Cohort, frame: Frame, days: int = 365) -> Frame:
    """The frame with everybody followed equally long: outcomes of the first days only.

    Parameters
    ----------
    cohort : Cohort
    frame : Frame
    days : int
        Length of follow-up; people at risk for a shorter time are left out.

    Returns
    -------
    Frame
        Same columns; ``incidents`` and ``ever`` count the first ``days`` days.
    """
    long_enough = _some(frame, (frame.people["days"] >= days).to_numpy(bool))
    return between(cohort, long_enough, cohort.start, cohort.start + pd.Timedelta(days=days - 1))


def between(cohort: Cohort, frame: Frame, first: pd.Timestamp, last: pd.Timestamp) -> Frame:
    """The frame with the outcomes and the days at risk of a part of the study only.

    What was known at the landmark stays as it is.

    Parameters
    ----------
    cohort : Cohort
    frame : Frame
    first, last : Timestamp
        Days, both inside; people without a day at risk between them are left out.

    Returns
    -------
    Frame
        Same columns; ``days``, ``incidents`` and ``ever`` count the days from first to last.
    """
    # Everybody in the frame is at risk from the landmark on, and without a break.
    skipped, until = (first - frame.landmark).days, (last - frame.landmark).days + 1
    days = np.minimum(frame.people["days"], until) - max(skipped, 0)
    part = _some(frame, (days > 0).to_numpy(bool))
    inside = cohort.incidents["reported_on"].between(first, last)
    number = cohort.incidents.loc[inside, "person_id"].value_counts()
    count = part.people["person_id"].map(number).fillna(0).astype("int64")
    days = days[days > 0].to_numpy()
    return replace(part, people=part.people.assign(days=days, incidents=count, ever=count > 0))


def covariates(frame: Frame, markers: list[str] | None = None) -> pd.DataFrame:
    """Terms of a model: markers, sex, age and its square.

    Parameters
    ----------
    frame : Frame
    markers : list of str, optional
        Which markers; all of the frame if not given.

    Returns
    -------
    DataFrame of float
        Rows of ``frame.people``. ``female`` and ``sex_other`` are set against males; ``age``
        is in units of :data:`AGE_UNIT` from :data:`AGE_CENTRE`. NaN where age is unknown.
    """
    names = list(frame.marks.columns) if markers is None else markers
    out = frame.marks[names].rename(columns={n: f"{n}_marker" for n in names if n in OWN_TERMS})
    sex = frame.people["sex"]
    age = (frame.people["age"] - AGE_CENTRE[frame.population]) / AGE_UNIT[frame.population]
    return out.assign(
        female=(sex == "female").astype(float),
        sex_other=(sex == "other").astype(float),
        age=age,
        age_squared=age**2,
    )


def _some(frame: Frame, chosen: NDArray[np.bool_]) -> Frame:
    """Some of the people of a frame."""
    people, marks = (table[chosen].reset_index(drop=True) for table in (frame.people, frame.marks))
    return replace(frame, people=people, marks=marks)


def _at_risk(cohort: Cohort) -> pd.DataFrame:
    """Everybody with a day at risk, with what is known of them and what happened."""
    about = cohort.persons.drop_duplicates("person_id")
    rows = at_risk_windows(cohort).merge(about, on="person_id", how="left")
    count = cohort.counts.reindex(pd.Index(rows["person_id"])).fillna(0).astype("int64")
    rows["incidents"] = count.to_numpy()
    rows["ever"] = rows["incidents"] > 0
    landmark = pd.Series(cohort.start, index=rows.index, dtype="datetime64[ns]")
    rows["age"] = age_in_years(rows["birth_date"], landmark).astype(float)
    sex = rows["sex"].astype(object)
    rows["sex"] = sex.where(sex.isin(["female", "male"]), "other")
    rows["sex_recorded"] = sex.notna() & (sex != "unknown")
    stated = rows["ethnicity_self"].astype(object)
    rows["ethnicity"] = stated.where(stated.notna() & (stated != "not_stated"), np.nan)
    return rows


def _step(rows: pd.DataFrame, landmark: pd.Timestamp) -> pd.Series:
    reason = rows["known_first_by"].astype("string").str.rsplit(":", n=1).str[-1]
    late = (rows["at_risk_from"] > landmark) | (rows["birth_date"] > landmark)
    step = np.select(
        [(reason == MISSING_REPORT).fillna(False), late, reason.isna()],
        [THROUGH_REPORT, LATER, REASON_UNKNOWN],
        IN_FRAME,
    )
    return pd.Series(step, index=rows.index)


def _count_steps(rows: pd.DataFrame) -> pd.DataFrame:
    counted = pd.DataFrame(
        {
            "people": 1,
            "ever": (rows["incidents"] > 0).astype(int),
            "repeat": (rows["incidents"] > 1).astype(int),
            "incidents": rows["incidents"],
        }
    )
    order = [THROUGH_REPORT, LATER, REASON_UNKNOWN, IN_FRAME]
    table = counted.groupby(rows["step"]).sum().reindex(order, fill_value=0)
    return table.astype("int64").reset_index()


def _marks(cohort: Cohort, persons: pd.Series, in_force: bool, until: pd.Timestamp) -> pd.DataFrame:
    """Study markers first, then the force's own, only those that the force records at all."""
    markers = cohort.markers
    before = markers["known_from"] < until
    if in_force:
        before &= markers["known_to"].isna() | (markers["known_to"] >= cohort.start)
    recorded = set(markers["marker"].dropna())
    names = [n for n in STUDY_MARKERS if n in recorded]
    names += sorted(recorded.difference(STUDY_MARKERS))
    early = markers[before]
    has = {n: persons.isin(early.loc[early["marker"] == n, "person_id"]) for n in names}
    return pd.DataFrame(has, index=persons.index).astype(float)


_PEOPLE = [
    "person_id",
    "days",
    "incidents",
    "ever",
    "age",
    "sex",
    "sex_recorded",
    "ethnicity",
]
_TOO_LATE = (
    "{name}: recorded on or after {landmark}, the landmark, cannot predict here. The column "
    "known_from holds the day of recording, and incidents count as outcomes from the landmark "
    "on, so what was recorded later may be a consequence of going missing. Leave out the rows "
    "whose known_from is not before the landmark, or begin the study later (study: start in the "
    "force file), which moves the landmark and counts only the incidents after it."
)


def _day(day: pd.Timestamp) -> str:
    return f"{day.day} {day:%B %Y}"
