"""The force's own figures beside the official ones for the same authorities and years.

Official years run from 1 April to 31 March and are named after the year in which they end. The
two sources count different things, see
:func:`missing_lib.study.agreement_words.differences`: agreement is not to be expected, but a
gap that widens or closes from one year to the next calls for an explanation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables
from missing_lib.study.cohort import Cohort, select
from missing_lib.study.context import trend
from missing_lib.study.official import in_words

#: Official measures that a police record can be set beside, and what each counts, in words.
MEASURES = {
    "missing_incidents": "incidents",
    "missing_children": "children",
    "missing_more_than_once": "children missing more than once",
}

_COLUMNS = [
    "measure",
    "year",
    "own",
    "people",
    "largest",
    "largest_two",
    "rest",
    "unit",
    "members",
    "official",
    "official_text",
]


@dataclass(frozen=True)
class Split:
    """Incidents of which something holds, and those of which it does not.

    Attributes
    ----------
    part, rest : Series of int, indexed by person
        Incidents of each person on either side; people with none are left out.
    """

    part: pd.Series
    rest: pd.Series

    @property
    def share(self) -> float:
        """Part of all incidents, NaN where there is none."""
        whole = self.part.sum() + self.rest.sum()
        return float(self.part.sum() / whole) if whole else np.nan


@dataclass(frozen=True)
class Agreement:
    """The force's own figures beside the official ones.

    Attributes
    ----------
    obstacle : str
        Why there is nothing to compare, as a sentence with the placeholder ``{force}``; empty
        where there is.
    rows : DataFrame
        One row per measure and year: ``measure`` (in words), ``year`` (to 31 March), ``own``,
        what a disclosure rule needs to know of it (``people``, ``largest``, ``largest_two``,
        and ``rest``, the people left over where they are a part of others, else NaN), ``unit``
        (``incident`` or ``person``) and ``members``, the identifiers of those counted,
        ``official`` (sum over the authorities, NaN where they cannot be added up) and
        ``official_text`` (the same as printed, or why there is none).
    unknown : Split
        Children's incidents of these years that do not say whether the child was missing from
        care, and those that do.
    elsewhere : Split
        Incidents from care of a child placed here by an authority elsewhere, and those of
        other children; incidents that do not say are in neither.
    """

    obstacle: str
    rows: pd.DataFrame
    unknown: Split
    elsewhere: Split


def compare(
    tables: Tables | None, force: ForceFile, population: str, official: pd.DataFrame
) -> Agreement:
    """Set children's incidents from care beside the official figures of the force's authorities.

    Parameters
    ----------
    tables : Tables or None
        Canonical tables after cleaning; None where there is no extract.
    force : ForceFile
        Study window, time zone, age limit and local authorities.
    population : {"children", "adults", "all"}
        Of the edition; all but that of adults show the children.
    official : DataFrame
        From :func:`missing_lib.study.official.load`.
    """
    years = whole_years(force.study.start, force.study.end, official["year"].unique())
    obstacle = _obstacle(tables, force, population, years)
    if tables is None or obstacle:
        nobody = pd.Series(dtype="int64")
        nothing = Split(nobody, nobody)
        return Agreement(obstacle, pd.DataFrame(columns=_COLUMNS), nothing, nothing)
    rows = _in_years(select(tables, force, "children"), years)
    from_care = rows["from_care"].fillna(False).astype(bool)
    return Agreement(
        obstacle="",
        rows=_beside(own_figures(rows[from_care], years), official, force.local_authorities),
        unknown=_split(rows, rows["from_care"].isna()),
        elsewhere=_split(rows[from_care & rows["out_of_area"].notna()], rows["out_of_area"]),
    )


def whole_years(start: object, end: object, years: Iterable[int]) -> list[int]:
    """Years from 1 April to 31 March, of those given, that lie wholly between two days.

    Examples
    --------
    >>> whole_years("2015-04-01", "2018-03-30", [2015, 2016, 2017, 2018])
    [2016, 2017]
    """
    first, last = pd.Timestamp(str(start)), pd.Timestamp(str(end))
    return [
        int(year)
        for year in sorted(years)
        if first <= pd.Timestamp(year - 1, 4, 1) and pd.Timestamp(year, 3, 31) <= last
    ]


def own_figures(incidents: pd.DataFrame, years: Sequence[int]) -> pd.DataFrame:
    """Count incidents, children, and children with two incidents or more, in each year.

    A child with incidents in two years counts in both, and is missing more than once in a year
    only by the incidents of that year.

    Parameters
    ----------
    incidents : DataFrame
        ``incident_id``, ``person_id`` and ``official_year``.
    years : sequence of int

    Returns
    -------
    DataFrame
        ``measure`` (key of :data:`MEASURES`), ``year``, ``own`` and its summary for the gate.
    """
    rows: list[tuple[object, ...]] = []
    for year in years:
        mine = incidents[incidents["official_year"] == year]
        here = mine.groupby("person_id").size()
        again = here[here > 1]
        most = here.sort_values(ascending=False)
        once = len(here) - len(again)
        incident = ("incident", tuple(mine["incident_id"]))
        child, twice = ("person", tuple(here.index)), ("person", tuple(again.index))
        one, few = _largest(most > 0), _largest(most > 1)
        rows += [
            ("missing_incidents", year, len(mine), len(here), *_largest(most), np.nan, *incident),
            ("missing_children", year, len(here), len(here), *one, np.nan, *child),
            ("missing_more_than_once", year, len(again), len(again), *few, once, *twice),
        ]
    return pd.DataFrame(
        rows, columns=[c for c in _COLUMNS if c not in ("official", "official_text")]
    )


def _obstacle(
    tables: Tables | None, force: ForceFile, population: str, years: Sequence[int]
) -> str:
    if tables is None:
        return "This edition has no police records to set beside the official figures."
    if not force.local_authorities:
        return (
            "The force file of {force} names no local authorities, so there are no official "
            "figures to set beside its own."
        )
    if population == "adults":
        return "This edition is about adults, whom the official figures do not count."
    care = tables.incidents["from_care"]
    if len(care) and care.isna().all():
        return (
            "The records of {force} do not say who was missing from care, so there is nothing to "
            "set beside the official figures."
        )
    if not years:
        return (
            "No official year, from April to March, lies wholly inside the study of {force}, so "
            "there is nothing to compare."
        )
    return ""


def _in_years(children: Cohort, years: Sequence[int]) -> pd.DataFrame:
    """Incidents of these years with their ``official_year``, by the local day of the report."""
    rows = children.incidents
    day = rows["reported_on"].dt
    official_year = day.year + (day.month >= 4).astype("int64")
    return rows.assign(official_year=official_year)[official_year.isin(years)]


def _largest(values: pd.Series) -> tuple[int, int]:
    """What the one person and the two people with most contribute, of values that fall."""
    return int(values.iloc[:1].sum()), int(values.iloc[:2].sum())


def _beside(own: pd.DataFrame, official: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    sums = []
    for measure in MEASURES:
        series = trend(official, codes, measure).series
        cells = series[series["role"] == "together"]
        sums.append(
            pd.DataFrame(
                {
                    "measure": measure,
                    "year": cells["year"],
                    "official": cells["value"],
                    "official_text": in_words(cells),
                }
            )
        )
    rows = own.merge(pd.concat(sums), on=["measure", "year"], how="left", validate="one_to_one")
    order = {measure: place for place, measure in enumerate(MEASURES)}
    rows = rows.sort_values(
        ["measure", "year"], key=lambda c: c.map(order) if c.name == "measure" else c
    )
    return rows.assign(measure=rows["measure"].map(MEASURES)).reset_index(drop=True)


def _split(rows: pd.DataFrame, holds: pd.Series) -> Split:
    mask = holds.reindex(rows.index).astype(bool)
    return Split(rows[mask].groupby("person_id").size(), rows[~mask].groupby("person_id").size())
