"""How many are reported missing, who they are, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.force.reachable import reachable_levels
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables
from missing_lib.study.cohort import ERA_CHANGE, ERAS, Cohort, clock_known, select
from missing_lib.study.tabulate import Table

AGE_BANDS = {
    "children": {"under 12": 0, "12 to 13": 12, "14 to 15": 14, "16 to 17": 16},
    "adults": {"18 to 24": 18, "25 to 39": 25, "40 to 64": 40, "65 and over": 65},
}
#: Upper bounds in hours; a duration is at most the bound.
DURATION_BANDS = {
    "up to 4 hours": 4.0,
    "4 to 8 hours": 8.0,
    "8 to 24 hours": 24.0,
    "1 to 2 days": 48.0,
    "2 to 7 days": 168.0,
    "over 7 days": np.inf,
}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOUR_BANDS = tuple(f"{h:02d} to {h + 2:02d}" for h in range(0, 24, 3))
#: Columns of a table that are canonical columns as they came, with table and name.
AS_MAPPED = {
    "sex": ("persons", "sex"),
    "ethnicity": ("persons", "ethnicity_self"),
    "category": ("incidents", "category"),
    "risk_first": ("incidents", "risk_first"),
    "risk_final": ("incidents", "risk_final"),
}


@dataclass(frozen=True)
class Headline:
    """The counts that a study opens with, over all ages of one force.

    Attributes
    ----------
    incidents : DataFrame
        Everything reported in the study window, one row per incident: ``incident_id``,
        ``person_id``.
    child_incidents : DataFrame
        The same below the age limit.
    crossing : Index of str
        People with incidents on both sides of the age limit.
    unknown_age : DataFrame
        Incidents whose age is unknown; they are in the first only.
    """

    incidents: pd.DataFrame
    child_incidents: pd.DataFrame
    crossing: pd.Index
    unknown_age: pd.DataFrame

    @property
    def per_person(self) -> pd.Series:
        """Incidents of everybody reported missing, indexed by person; int64."""
        return self.incidents.groupby("person_id", sort=True).size().rename("incidents")

    @property
    def child_per_person(self) -> pd.Series:
        """Incidents below the age limit, of everybody with at least one; int64."""
        return self.child_incidents.groupby("person_id", sort=True).size().rename("incidents")


def headline(tables: Tables, force: ForceFile) -> Headline:
    """Incidents and individuals, all ages and children.

    Returns
    -------
    Headline
        A child is a person with at least one incident below the age limit.
    """
    everybody, children = select(tables, force, "all"), select(tables, force, "children")
    adults = select(tables, force, "adults")
    ids = ["incident_id", "person_id"]
    return Headline(
        incidents=everybody.incidents[ids],
        child_incidents=children.incidents[ids],
        crossing=children.counts.index.intersection(adults.counts.index),
        unknown_age=everybody.unknown_age,
    )


def child_against_all(people: float, incidents: float) -> str:
    """Whether reported children are reported more often than people of all ages, as a sentence.

    A child has more incidents than a person of any age exactly if the children's share of
    incidents is larger than their share of people.

    Parameters
    ----------
    people, incidents : float
        Published shares of children among people and of their incidents among incidents; NaN
        where not shown.
    """
    if np.isnan(people) or np.isnan(incidents):
        return "How often children are reported, compared with all ages, is not shown here."
    if incidents == people:
        return "Reported children are reported about as often as reported people of all ages."
    more = "more" if incidents > people else "less"
    return f"On average, reported children are reported {more} often than people of all ages."


def ordinal(number: int) -> str:
    """A number as a place in a row.

    Examples
    --------
    >>> ordinal(18), ordinal(21), ordinal(12)
    ('18th', '21st', '12th')
    """
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 < number % 100 < 20 else last}"


def described_incidents(cohort: Cohort) -> pd.DataFrame:
    """Incidents with every column that a table of the chapter is broken down by.

    Returns
    -------
    DataFrame
        One row per incident with ``incident_id``, ``person_id`` and categorical columns whose
        categories are the code book: ``age_band``, ``sex``, ``ethnicity``, ``category``,
        ``risk_first``, ``risk_final``, ``harm``, ``duration``, ``month``, ``calendar_month``,
        ``weekday``, ``hour``, ``era``.
    """
    rows = cohort.incidents
    hours = _hours(rows)
    starts = age_starts(cohort.population)
    three_hours = (rows["local_hour"] // 3).fillna(-1).astype(int)
    return pd.DataFrame(
        {
            "incident_id": rows["incident_id"],
            "person_id": rows["person_id"],
            "age_band": _cut(rows["age"], [*starts.values(), np.inf], tuple(starts), right=False),
            "sex": rows["sex"],
            "ethnicity": rows["ethnicity_self"],
            "category": rows["category"],
            "risk_first": rows["risk_first"],
            "risk_final": rows["risk_final"],
            "harm": _yes_no(rows["harm"]),
            "from_care": _yes_no(rows["from_care"]),
            "duration": _cut(
                hours, [-np.inf, *DURATION_BANDS.values()], tuple(DURATION_BANDS), right=True
            ),
            "month": pd.Categorical(rows["month"], categories=cohort.months),
            "calendar_month": _coded(rows["reported_on"].dt.month - 1, MONTHS),
            "weekday": _coded(rows["reported_on"].dt.weekday, DAYS),
            "hour": _coded(three_hours, HOUR_BANDS),
            "era": _coded((rows["reported_on"] >= ERA_CHANGE).astype(int), ERAS),
        }
    )


def holds_nobody(table: Table, force: ForceFile) -> NDArray[np.bool_]:
    """Cells of a table that can hold nobody, whatever the extract says.

    Those of a level that no code of the force becomes. What the extract holds plays no part, so
    that showing them as nought tells nothing about it; derived columns have no such level.

    Returns
    -------
    ndarray of bool, shape (cells,)
    """
    nobody = np.zeros(len(table.cells), dtype=bool)
    for name in table.by:
        if name in AS_MAPPED:
            possible = reachable_levels(force, *AS_MAPPED[name])
            nobody |= ~table.cells[name].isin(possible).to_numpy()
    return nobody


def age_starts(population: str) -> dict[str, int]:
    """Age bands of a population, by the age at which each starts."""
    if population == "all":
        return AGE_BANDS["children"] | AGE_BANDS["adults"]
    return AGE_BANDS[population]


def _cut(values: pd.Series, bounds: list[float], labels: tuple[str, ...], right: bool) -> pd.Series:
    return pd.cut(values.astype(float), bounds, labels=list(labels), right=right)


def _yes_no(flag: pd.Series) -> pd.Categorical:
    return pd.Categorical(flag.map({True: "yes", False: "no"}), categories=["yes", "no"])


def _coded(codes: pd.Series, levels: tuple[str, ...]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes.to_numpy(dtype=int), categories=list(levels))


def _hours(rows: pd.DataFrame) -> pd.Series:
    """Hours from report to end, NaN without an end or where the report's clock is a placeholder."""
    hours = (rows["ended_at"] - rows["reported_at"]).dt.total_seconds() / 3600
    return hours.where(clock_known(rows))
