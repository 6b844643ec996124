"""Made-up people for benchmarks: covariates, counts, gaps, histories. Nothing is meant by them."""

from __future__ import annotations

import numpy as np
import pandas as pd

YES_NO = ("mental_health", "self_harm", "child_protection", "arrest", "care")
#: True log ratios of the five, and of a year of age.
EFFECTS = (0.5, 0.6, 0.4, 0.7, 0.9, 0.1)
#: Shape of the Gamma rates: variance mu + 2 mu^2.
SHAPE = 0.5
STUDY_DAYS = 2000
MINUTES = 1440


def people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Six covariates, days at risk, number of incidents and whether there was one."""
    made = pd.DataFrame({name: (rng.random(n) < 0.15).astype(int) for name in YES_NO})
    made["age"] = rng.integers(8, 18, n)
    made["days"] = rng.integers(100, STUDY_DAYS, n).astype(float)
    rate = 5e-4 * np.exp(made[[*YES_NO, "age"]] @ EFFECTS - 1.2)
    made["incidents"] = rng.poisson(made["days"] * rate * rng.gamma(SHAPE, 1 / SHAPE, n))
    made["ever"] = (made["incidents"] > 0).astype(int)
    return made


def measured_people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """The same people with age as a measured number, so that hardly two of them are alike."""
    made = people(n, rng)
    made["age"] = made["age"] + rng.random(n)
    return made


def spells_in_minutes(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """About 1.5 gaps a person, of minutes: person, days, whether a next incident was seen."""
    number = 1 + rng.poisson(rng.gamma(SHAPE, 1, n))
    person = np.repeat(np.arange(n), number)
    rate = np.repeat(rng.gamma(SHAPE, 0.02, n), number)
    gap = rng.exponential(1 / (rate + 1e-4))
    watched = rng.uniform(1, STUDY_DAYS, len(person))
    days = np.ceil(np.minimum(gap, watched) * MINUTES) / MINUTES
    return pd.DataFrame({"person": person, "days": days, "observed": (gap <= watched).astype(int)})


def spells(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """The same in whole days."""
    made = spells_in_minutes(n, rng)
    return made.assign(days=np.ceil(made["days"]))


def histories(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows (start, stop] that end in an incident or where observation ends, by person and day."""
    length = rng.integers(100, STUDY_DAYS, n)
    number = rng.poisson(length * rng.gamma(SHAPE, 1e-3, n))
    person = np.repeat(np.arange(n), number)
    days = rng.integers(1, length[person])
    ends = pd.concat(
        [
            pd.DataFrame({"person": person, "stop": days, "event": 1}).drop_duplicates(),
            pd.DataFrame({"person": np.arange(n), "stop": length, "event": 0}),
        ]
    ).sort_values(["person", "stop"], ignore_index=True)
    start = ends.groupby("person")["stop"].shift(fill_value=0)
    return ends.assign(start=start, stop=ends["stop"].astype(float))


def reports(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Incidents of n people, sorted: person, minute, minutes away (-1: not ended), last day."""
    person = np.repeat(np.arange(n), 1 + rng.poisson(rng.gamma(SHAPE, 1, n)))
    minute = rng.integers(0, STUDY_DAYS * MINUTES, len(person))
    # Ends are lost, but nobody is still missing when the study ends: the peers have no such rule.
    lost = (rng.random(len(person)) < 0.02) & (minute < (STUDY_DAYS - 30) * MINUTES)
    away = np.where(lost, -1, rng.exponential(1200, len(person)))
    last = np.where(rng.random(n) < 0.1, rng.integers(1, STUDY_DAYS, n), STUDY_DAYS)[person]
    made = pd.DataFrame(
        {"person": person, "minute": minute, "away": away.astype(int), "last_day": last}
    )
    made = made[made["minute"] < made["last_day"] * MINUTES]
    return made.sort_values(["person", "minute"], ignore_index=True)
