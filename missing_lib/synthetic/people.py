"""Who there is: children and adults, known to agencies or not, before anything happens."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_lib.force.tables import age_in_years, birth_anniversary
from missing_lib.synthetic.clock import DAYS, FIRST_DATE, NEVER, YEAR, date_of, day_of

AREAS = 40
#: First day of the agencies' shared records (2008-01-01).
RECORDS_BEGIN = int((pd.Timestamp("2008-01-01") - FIRST_DATE).days)
#: Nobody is generated with less time under observation, in days.
SHORTEST_WINDOW = 120

KNOWN_CHILDREN = 7_000
ARRIVING_CHILDREN = 700
UNKNOWN_CHILDREN = 30_000
KNOWN_ADULTS = 3_900
UNKNOWN_ADULTS = 40_000

SHARE_LEAVING = 0.08
SHARE_MOVED_IN = 0.25
ETHNICITY = {"white": 0.70, "asian": 0.12, "black": 0.06, "mixed": 0.08, "other": 0.04}


def known_children(rng: np.random.Generator) -> pd.DataFrame:
    """Children known to an agency before the landmark, aged 6 to 17 on it."""
    years = np.arange(6, 18)
    weight = np.linspace(0.9, 1.0, len(years))
    age = rng.choice(years, KNOWN_CHILDREN, p=weight / weight.sum())
    days = age * YEAR + rng.uniform(0, 1, len(age)) * np.where(age == 17, 0.6, 1) * YEAR
    birth = -np.ceil(days).astype(np.int64)
    entry = _entry(birth, -30, rng)
    return _persons("known_child", birth, entry, 0.49, rng)


def arriving_children(rng: np.random.Generator) -> pd.DataFrame:
    """Children who came to the area after the landmark and became known on arrival."""
    arrival = rng.integers(1, DAYS - 200, ARRIVING_CHILDREN)
    birth = arrival - (rng.uniform(8, 17.4, ARRIVING_CHILDREN) * YEAR).astype(np.int64)
    return _persons("arriving_child", birth, arrival, 0.49, rng)


def unknown_children(rng: np.random.Generator) -> pd.DataFrame:
    """Children known to no agency; only those reported missing enter the file."""
    birth = -np.ceil(rng.uniform(3, 17.6, UNKNOWN_CHILDREN) * YEAR).astype(np.int64)
    entry = _entry(birth, DAYS - 400, rng)
    people = _persons("unknown_child", birth, entry, 0.49, rng)
    return people[child_window_length(people) >= SHORTEST_WINDOW].reset_index(drop=True)


def known_adults(rng: np.random.Generator) -> pd.DataFrame:
    """Adults known to an agency before the landmark."""
    age = 18.05 + 72 * rng.beta(1.1, 2.2, KNOWN_ADULTS)
    birth = -np.ceil(age * YEAR).astype(np.int64)
    return _persons("known_adult", birth, _entry(birth, -30, rng), 0.58, rng)


def unknown_adults(rng: np.random.Generator) -> pd.DataFrame:
    """Adults known to no agency, some of them grown up during the study."""
    age = 13 + 80 * rng.beta(1.0, 1.7, UNKNOWN_ADULTS)
    birth = -np.ceil(age * YEAR).astype(np.int64)
    entry = _entry(birth, DAYS - 400, rng)
    people = _persons("unknown_adult", birth, entry, 0.58, rng)
    return people[adult_window_length(people) >= SHORTEST_WINDOW].reset_index(drop=True)


def child_window(people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """First day of observation as a child, and the first day after it."""
    start = np.maximum(0, people["observed_from"].to_numpy())
    stop = np.minimum(people["eighteenth"].to_numpy(), people["observed_to"].to_numpy())
    return start, np.minimum(stop, DAYS)


def adult_window(people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """First day of observation as an adult, and the first day after it."""
    start = np.maximum(people["eighteenth"].to_numpy(), people["observed_from"].to_numpy())
    return np.maximum(0, start), np.minimum(people["observed_to"].to_numpy(), DAYS)


def child_window_length(people: pd.DataFrame) -> np.ndarray:
    """Days of observation as a child."""
    start, stop = child_window(people)
    return stop - start


def adult_window_length(people: pd.DataFrame) -> np.ndarray:
    """Days of observation as an adult."""
    start, stop = adult_window(people)
    return stop - start


def age_at_landmark(people: pd.DataFrame) -> np.ndarray:
    """Age in years, with its fraction, on the first study day."""
    born = date_of(people["birth"].to_numpy())
    landmark = pd.Series(FIRST_DATE, index=born.index)
    return age_in_years(born, landmark).to_numpy(float)


def _entry(birth: np.ndarray, latest: int, rng: np.random.Generator) -> np.ndarray:
    """First day under observation: start of records or birth, or a later move into the area."""
    always = np.maximum(birth, RECORDS_BEGIN)
    moved = always + (rng.random(len(birth)) * (latest - always)).astype(np.int64)
    return np.where(rng.random(len(birth)) < SHARE_MOVED_IN, moved, always)


def _persons(
    group: str, birth: np.ndarray, entry: np.ndarray, male: float, rng: np.random.Generator
) -> pd.DataFrame:
    n = len(birth)
    born = date_of(birth)
    eighteenth = day_of(birth_anniversary(born, 18))
    leaves = rng.random(n) < SHARE_LEAVING
    earliest = np.maximum(0, entry) + SHORTEST_WINDOW + 1
    away = earliest + (rng.random(n) * np.maximum(1, DAYS - earliest)).astype(np.int64)
    sex = np.where(rng.random(n) < male, "male", "female").astype(object)
    rare = rng.random(n)
    sex[rare < 0.003] = "unknown"
    sex[rare > 0.999] = "other"
    stated, seen = ethnicity(n, rng)
    return pd.DataFrame(
        {
            "group": group,
            "birth": birth,
            "eighteenth": eighteenth,
            "sex": sex,
            "ethnicity_self": stated,
            "ethnicity_officer": seen,
            "area": rng.integers(0, AREAS, n),
            "sociability": np.exp(rng.normal(0, 0.8, n)),
            "observed_from": entry,
            "observed_to": np.where(leaves & (away < DAYS), away, NEVER),
        }
    )


def ethnicity(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ethnicity as stated and as seen: mostly the same, each with its own gaps."""
    levels = np.array(list(ETHNICITY))
    true = rng.choice(levels, n, p=list(ETHNICITY.values()))
    misread = rng.random(n) < 0.06
    seen = np.where(misread, rng.choice(levels, n), true).astype(object)
    stated = true.astype(object)
    gap = rng.random(n)
    stated[gap < 0.07] = "not_stated"
    stated[gap > 0.88] = None
    seen[rng.random(n) < 0.10] = None
    return stated, seen
