"""Worlds of people whom agencies know, with markers that do or do not raise their risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from missing_lib.study.cohort import Cohort
from missing_lib.study.worlds_cohort import END, START, cohort_of, people_known

Floats = NDArray[np.float64]

#: Part of the people with each marker: the study's five, and one of the force's own.
SHARES = {
    "mental_health": 0.16,
    "self_harm": 0.09,
    "child_protection": 0.11,
    "arrest": 0.11,
    "local_authority_care": 0.06,
    "school_exclusion": 0.10,
}
#: What each marker adds to the log odds or the log rate, unless a world says otherwise.
EFFECTS = {
    "mental_health": 0.65,
    "self_harm": 0.75,
    "child_protection": 0.65,
    "arrest": 0.8,
    "local_authority_care": 0.8,
    "school_exclusion": 0.0,
}
FEMALE, AGE, AGE_SQUARED = 0.15, -0.14, -0.05
#: Correlation between the leanings behind any two markers: trouble comes in company.
_TOGETHER = 0.3
_CENTRE = 12.0


@dataclass(frozen=True)
class Known:
    """People at the landmark.

    Attributes
    ----------
    persons : DataFrame
        Canonical columns, one row per person.
    marks : DataFrame of bool
        Markers that each person has at the landmark, same rows.
    days : float array, shape (n,)
        Days under observation as a child from the landmark on, whole days.
    eta : float array, shape (n,)
        Sum of effects of markers, sex and age, without a level.
    """

    persons: pd.DataFrame
    marks: pd.DataFrame
    days: Floats
    eta: Floats


def known_people(
    people: int, rng: np.random.Generator, effects: Mapping[str, float] = EFFECTS
) -> Known:
    """Children of 6 to 17 with markers in company, and what these add to the log risk."""
    age = rng.uniform(6, 17.9, people)
    birth = (START - pd.to_timedelta(np.round(age * 365.25), unit="D")).normalize()
    female = rng.random(people) < 0.5
    common = rng.normal(size=people) * np.sqrt(_TOGETHER)
    marks = pd.DataFrame(
        {
            name: common + rng.normal(size=people) * np.sqrt(1 - _TOGETHER) > norm.isf(share)
            for name, share in SHARES.items()
        }
    )
    persons = people_known(people, birth_date=birth, sex=np.where(female, "female", "male"))
    last = pd.Series(birth + pd.DateOffset(years=18) - pd.Timedelta(days=1)).clip(upper=END)
    days = (last - START).dt.days + 1
    centred = (START - birth).days / 365.25 - _CENTRE
    eta = marks.to_numpy(float) @ np.array([effects[name] for name in marks])
    eta = eta + FEMALE * female + AGE * centred + AGE_SQUARED * centred**2
    return Known(persons, marks, np.asarray(days, float), np.asarray(eta))


def ever_missing_world(
    people: int,
    rng: np.random.Generator,
    *,
    level: float = -1.9,
    effects: Mapping[str, float] = EFFECTS,
    noticed: float = 0.0,
    dated: bool = True,
) -> tuple[Cohort, Known]:
    """People who are ever missing with log odds that markers, sex and age add up to.

    Parameters
    ----------
    level : float
        Log odds of a boy of twelve without a marker.
    effects : mapping of str to float
        Log odds ratio of each marker.
    noticed : float
        Chance with which each marker that a missing child did not have is recorded after the
        incident, because going missing brings people to notice.
    dated : bool
        Whether these later records have their date, or look as if they had always been there.
    """
    known = known_people(people, rng, effects)
    missing = np.flatnonzero(rng.random(people) < expit(level + known.eta))
    days = rng.random(len(missing)) * known.days[missing]
    later = rng.random((len(missing), known.marks.shape[1])) < noticed
    later &= ~known.marks.to_numpy()[missing]
    row, column = np.nonzero(later)
    since = START + pd.to_timedelta(np.floor(days[row]) + 14, unit="D")
    markers = pd.concat(
        [
            recorded_before(known),
            pd.DataFrame(
                {
                    "person_id": known.persons["person_id"].to_numpy()[missing[row]],
                    "marker": known.marks.columns.to_numpy()[column],
                    "known_from": since if dated else START - pd.Timedelta(days=400),
                }
            ),
        ],
        ignore_index=True,
    )
    return cohort_of(known.persons, missing, days, markers), known


def counts_world(
    people: int,
    rng: np.random.Generator,
    *,
    level: float = -8.2,
    alpha: float = 0.0,
    alpha_in_care: float | None = None,
    most: int = 0,
) -> tuple[Cohort, Known]:
    """People who go missing at a rate per day at risk, as many times as the rate gives.

    Parameters
    ----------
    level : float
        Log rate per day of a boy of twelve without a marker.
    alpha : float
        Variance of the Gamma factor by which rates differ beyond markers, sex and age; 0 for
        Poisson counts.
    alpha_in_care : float, optional
        The same for children with the marker of local-authority care.
    most : int
        If given, numbers are binomial with so many trials and the same mean, so that they vary
        *less* than Poisson counts.
    """
    known = known_people(people, rng)
    mean = known.days * np.exp(level + known.eta)
    care = known.marks["local_authority_care"].to_numpy()
    spread = np.where(care & (alpha_in_care is not None), alpha_in_care or 0.0, alpha)
    if most:
        number = rng.binomial(most, np.minimum(mean / most, 1.0))
    else:
        safe = np.where(spread > 0, spread, 1.0)
        factor = np.where(spread > 0, rng.gamma(1 / safe, safe), 1.0)
        number = rng.poisson(mean * factor)
    who = np.repeat(np.arange(people), number)
    days = rng.random(len(who)) * known.days[who]
    return cohort_of(known.persons, who, days, recorded_before(known)), known


def recorded_before(known: Known) -> pd.DataFrame:
    """Canonical markers of what everybody has at the landmark."""
    row, column = np.nonzero(known.marks.to_numpy())
    return pd.DataFrame(
        {
            "person_id": known.persons["person_id"].to_numpy()[row],
            "marker": known.marks.columns.to_numpy()[column],
            "known_from": START - pd.Timedelta(days=400),
        }
    )


def forgotten_world(
    people: int,
    rng: np.random.Generator,
    *,
    level: float = -1.9,
    gone: float = 0.1,
    gone_with_mental_health: float = 0.5,
) -> Cohort:
    """People who are ever missing as in :func:`ever_missing_world`, not all fully recorded.

    Sex and ethnicity are asked of whoever goes missing, and of others less often where health
    services alone know them: whether they are on record hangs together with marker and outcome.
    Ethnicity changes nothing, and is another with more children in care.

    Parameters
    ----------
    level : float
        Log odds of a boy of twelve without a marker.
    gone : float
        Part of the people of whom sex is not on record, and likewise ethnicity.
    gone_with_mental_health : float
        The same for people with the marker of mental health who were never missing.
    """
    known = known_people(people, rng)
    ever = rng.random(people) < expit(level + known.eta)
    care = known.marks["local_authority_care"].to_numpy()
    other = rng.random(people) < 0.15 + 0.2 * care
    chance = np.where(known.marks["mental_health"] & ~ever, gone_with_mental_health, gone)
    sex = known.persons["sex"].where(rng.random(people) >= chance)
    ethnicity = pd.Series(np.where(other, "asian", "white")).where(rng.random(people) >= chance)
    missing = np.flatnonzero(ever)
    days = rng.random(len(missing)) * known.days[missing]
    persons = known.persons.assign(sex=sex, ethnicity_self=ethnicity)
    return cohort_of(persons, missing, days, recorded_before(known))
