"""The force's own figures beside the official ones for the same authorities and years.

Official years run from 1 April to 31 March and are named after the year in which they end. The
two sources count different things, see :func:`differences`: agreement is not to be expected, but a
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
        and ``rest``, the people left over where they are a part of others, else NaN),
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
        ``person_id`` and ``official_year``.
    years : sequence of int

    Returns
    -------
    DataFrame
        ``measure`` (key of :data:`MEASURES`), ``year``, ``own`` and its summary for the gate.
    """
    counts = incidents.groupby(["official_year", "person_id"]).size()
    rows = []
    for year in years:
        here = counts[counts.index.get_level_values("official_year") == year]
        again = int((here > 1).sum())
        most = here.sort_values(ascending=False)
        rows += [
            ("missing_incidents", year, int(here.sum()), len(here), *_largest(most), np.nan),
            ("missing_children", year, len(here), len(here), *_largest(most > 0), np.nan),
            ("missing_more_than_once", year, again, again, *_largest(most > 1), len(here) - again),
        ]
    return pd.DataFrame(
        rows, columns=[c for c in _COLUMNS if c not in ("official", "official_text")]
    )


def scope(force: ForceFile) -> str:
    """What an edition sets beside the national figures, as a sentence.

    Examples
    --------
    >>> scope(ForceFile(code="england", name="England", kind="official"))
    'This edition shows England and all of its authorities, and rests on no police records.'
    """
    number = len(dict.fromkeys(force.local_authorities))
    if force.official and number:
        return (
            f"This edition, {force.name}, follows {number} of England's authorities, and rests on "
            "no police records."
        )
    if force.official:
        return (
            "This edition shows England and all of its authorities, and rests on no police records."
        )
    if number:
        return (
            f"This chapter sets the authorities of {force.name} beside those numbers, and the "
            "force's own records beside theirs."
        )
    return (
        f"The force file of {force.name} names no local authorities, so this chapter shows "
        "England alone."
    )


def spans(compared: pd.DataFrame) -> pd.Series:
    """The lowest and highest share that the own figures are of the official ones.

    Parameters
    ----------
    compared : DataFrame
        ``measure`` (in words) and ``percent`` (NaN where the two cannot be compared).

    Returns
    -------
    Series of float
        Per cent, as ``lowest_incidents``, ``highest_incidents`` and so on for every measure
        that is known in some year.
    """
    known = compared.dropna(subset=["percent"]).groupby("measure")["percent"]
    ends = {"lowest": known.min(), "highest": known.max()}
    return pd.Series(
        {
            f"{end}_{counted.replace(' ', '_')}": value
            for counted in MEASURES.values()
            for end, values in ends.items()
            if (value := values.get(counted)) is not None
        },
        dtype=float,
    )


def describe(found: pd.Series) -> str:
    """How the force's own figures stand to the official ones, as a sentence.

    Parameters
    ----------
    found : Series of float
        From :func:`spans`.

    Returns
    -------
    str
        With the placeholders ``{force}`` and those of the index.

    Examples
    --------
    >>> describe(pd.Series({"lowest_incidents": 40.0, "highest_incidents": 55.0}))
    'Year by year, the records of {force} hold {lowest_incidents} to {highest_incidents} of the \
incidents in the official figures: fewer throughout.'
    """
    if found.empty:
        return (
            "In none of these years is there both an official sum and a count of the records of "
            "{force} that may be shown."
        )
    parts = []
    for counted in MEASURES.values():
        low, high = (f"{end}_{counted.replace(' ', '_')}" for end in ("lowest", "highest"))
        if low in found:
            span = f"{{{low}}}" if found[low] == found[high] else f"{{{low}}} to {{{high}}}"
            parts.append(f"{span} of the {counted}")
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    way = "neither fewer nor more throughout"
    if (found < 100).all():
        way = "fewer throughout"
    elif (found > 100).all():
        way = "more throughout"
    return f"Year by year, the records of {{force}} hold {listed} in the official figures: {way}."


def differences() -> pd.DataFrame:
    """What the two sources count differently.

    Returns
    -------
    DataFrame
        ``what``, ``official``, ``force``.
    """
    rows = [
        (
            "Whose children",
            "Those for whom these authorities are responsible, wherever they live",
            "Those reported missing in this area, whichever authority is responsible",
        ),
        (
            "In care",
            "In the authority's own register on that day",
            "Put down by the police as missing from a care placement, as far as they knew",
        ),
        (
            "Missing",
            "Nobody knows where the child is; away without authorisation is counted apart",
            "Every incident recorded, also as absent or no apparent risk",
        ),
        (
            "Recorded",
            "What carers told the authority, whether the police were called or not",
            "What was reported to the police; reports that overlap are one incident",
        ),
        (
            "Age",
            "Up to the eighteenth birthday",
            "Below the age limit of this study when reported; not where age is unknown",
        ),
        (
            "Printed",
            "Whole numbers for authorities, small ones withheld",
            "Rounded, small ones hidden",
        ),
    ]
    return pd.DataFrame(rows, columns=["what", "official", "force"])


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
