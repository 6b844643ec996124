"""Who is compared with whom: people known to an agency, for another reason, at the landmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.tables import MISSING_REPORT, STUDY_MARKERS, age_in_years
from missing_lib.study.cohort import Cohort, at_risk_windows

#: Age at which the age terms are zero, and the years that make one unit.
AGE_CENTRE = {"children": 12.0, "adults": 40.0, "all": 30.0}
AGE_UNIT = {"children": 1.0, "adults": 10.0, "all": 10.0}

#: Steps from everybody at risk to the frame, in the order in which they are taken.
LATER = "at risk only after the landmark"
THROUGH_REPORT = "first known through a missing report"
REASON_UNKNOWN = "reason of the first contact not recorded"
IN_FRAME = "in the comparison"


@dataclass(frozen=True)
class Frame:
    """People at risk at the landmark whom an agency knew before it for another reason.

    Attributes
    ----------
    people : DataFrame
        One row per person: ``person_id``, ``days`` (at risk, from the landmark on),
        ``incidents`` (in the cohort), ``ever`` (bool), ``age`` (years at the landmark, NaN
        where unknown), ``sex`` (``female``, ``male``, or ``other`` for anything else, not
        recorded included).
    marks : DataFrame of float
        One column per marker, same rows: 1 where recorded before the landmark, else 0.
    considered : DataFrame
        Everybody with a day at risk, one row per person: ``person_id``, ``step`` and
        ``incidents``.
    population : str
        Population of the cohort, which sets the centre and unit of age.
    """

    people: pd.DataFrame
    marks: pd.DataFrame
    considered: pd.DataFrame
    population: str

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


def known_before(cohort: Cohort, in_force: bool = False) -> Frame:
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

    Returns
    -------
    Frame
        With no rows where the cohort has nobody to compare.
    """
    everybody = _at_risk(cohort)
    step = _step(everybody, cohort.start)
    chosen = everybody[step == IN_FRAME]
    people = chosen[["person_id", "days", "incidents", "ever", "age", "sex"]]
    people = people.sort_values("person_id").reset_index(drop=True)
    return Frame(
        people=people,
        marks=_marks(cohort, people["person_id"], in_force),
        considered=everybody[["person_id", "incidents"]].assign(step=step),
        population=cohort.population,
    )


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
    own = {"female", "sex_other", "age", "age_squared", "connections", "steps", "closeness"}
    out = frame.marks[names].rename(columns={n: f"{n}_marker" for n in names if n in own})
    sex = frame.people["sex"]
    age = (frame.people["age"] - AGE_CENTRE[frame.population]) / AGE_UNIT[frame.population]
    return out.assign(
        female=(sex == "female").astype(float),
        sex_other=(sex == "other").astype(float),
        age=age,
        age_squared=age**2,
    )


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


def _marks(cohort: Cohort, persons: pd.Series, in_force: bool) -> pd.DataFrame:
    """Study markers first, then the force's own, only those that the force records at all."""
    markers = cohort.markers
    before = markers["known_from"] < cohort.start
    if in_force:
        before &= markers["known_to"].isna() | (markers["known_to"] >= cohort.start)
    recorded = set(markers["marker"].dropna())
    names = [n for n in STUDY_MARKERS if n in recorded]
    names += sorted(recorded.difference(STUDY_MARKERS))
    early = markers[before]
    has = {n: persons.isin(early.loc[early["marker"] == n, "person_id"]) for n in names}
    return pd.DataFrame(has, index=persons.index).astype(float)
