"""How often is somebody reported for the first time in the study? Rates by age and by ethnicity.

Later reports of one person depend on the first, so an exact interval holds for first ones only.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from missing_lib.force.tables import birth_anniversary
from missing_lib.study.cohort import Cohort, at_risk_windows
from missing_lib.study.intervals import rate_ratio, standardised_rate
from missing_lib.study.prevalence import age_starts

_DAY = np.timedelta64(1, "D")
_YEAR = 365.25
#: Years of age that the last band of all is taken to hold in a standard population.
_LAST_BAND_YEARS = 20.0


def by_age(cohort: Cohort) -> pd.DataFrame:
    """First reports and person-years until them, by age.

    A person is counted from the first day at risk to the day of the first report, both inside,
    or to the last day at risk; whoever was reported before being at risk is left out. First means
    first in the study: earlier reports are not known.

    Returns
    -------
    DataFrame
        ``age_band``, ``first_reports`` (people), ``person_years``, ``people`` (known with a day
        in the band), ``standard`` (years of age in the band) and ``fewest`` (the smaller of those
        reported and the other people). People without a birth date are left out.
    """
    people = _followed(cohort).dropna(subset=["birth_date"])
    starts = age_starts(cohort.population)
    oldest = cohort.definitions.child_age_limit if cohort.population == "children" else np.inf
    rows = []
    for band, (low, high) in zip(starts, pairwise([*starts.values(), oldest]), strict=True):
        enters, leaves = _birthday(people, low), _birthday(people, high)
        days = np.minimum(people["after"], leaves) - np.maximum(people["begins"], enters)
        then = people["first"].where(people["reported"])
        rows.append(
            {
                "age_band": band,
                "first_reports": float(((then >= enters) & (then < leaves)).sum()),
                "person_years": float((days / _DAY).clip(lower=0.0).sum() / _YEAR),
                "people": int((days / _DAY > 0).sum()),
                "standard": min(high - low, _LAST_BAND_YEARS),
            }
        )
    return _with_fewest(pd.DataFrame(rows))


def by_ethnicity(cohort: Cohort) -> pd.DataFrame:
    """First reports and person-years until them, by ethnicity as stated.

    Returns
    -------
    DataFrame
        ``ethnicity``, ``first_reports``, ``person_years``, ``people`` and ``fewest`` as in
        :func:`by_age`; all levels of the code book, in its order.
    """
    people = _followed(cohort)
    found = people.groupby("ethnicity", observed=False, sort=False).agg(
        first_reports=("reported", "sum"), person_years=("years", "sum"), people=("years", "size")
    )
    levels = pd.Index(cohort.persons["ethnicity_self"].cat.categories, name="ethnicity")
    return _with_fewest(found.reindex(levels, fill_value=0).astype(float).reset_index())


def oldest_against_youngest(rates: pd.DataFrame) -> tuple[float, float, float]:
    """Rate of the last age band over that of the first, with its exact interval."""
    ends = rates.iloc[[-1, 0]]
    last, first = ends["first_reports"].to_numpy()
    return rate_ratio((last, first), tuple(ends["person_years"]))


def standardised(rates: pd.DataFrame) -> tuple[float, float, float]:
    """Rate as if there were as many people of every year of age, with its interval."""
    return standardised_rate(rates["first_reports"], rates["person_years"], rates["standard"])


def _with_fewest(rates: pd.DataFrame) -> pd.DataFrame:
    others = rates["people"] - rates["first_reports"]
    return rates.assign(fewest=np.minimum(rates["first_reports"], others))


def _followed(cohort: Cohort) -> pd.DataFrame:
    """Everybody with a day at risk, from the first such day to the first report."""
    windows = at_risk_windows(cohort).drop_duplicates("person_id").set_index("person_id")
    about = cohort.persons.drop_duplicates("person_id").set_index("person_id")
    rows = windows.join(about[["birth_date", "ethnicity_self"]])
    first = cohort.incidents.groupby("person_id")["reported_on"].min().reindex(rows.index)
    reported = first.between(rows["at_risk_from"], rows["at_risk_to"])
    after = rows["at_risk_to"].where(~reported, first) + pd.Timedelta(days=1)
    people = pd.DataFrame(
        {
            "ethnicity": rows["ethnicity_self"],
            "birth_date": rows["birth_date"],
            "begins": rows["at_risk_from"],
            "after": after,
            "years": (after - rows["at_risk_from"]) / _DAY / _YEAR,
            "reported": reported,
            "first": first,
        }
    )
    return people[~(first < rows["at_risk_from"])]


def _birthday(people: pd.DataFrame, age: float) -> pd.Series:
    """The day on which each person comes to an age; the last of all days if it has no end."""
    if np.isinf(age):
        return pd.Series(pd.Timestamp.max.normalize(), index=people.index)
    return birth_anniversary(people["birth_date"], int(age))
