"""Northshire before its first study day: persons, care, markers and who was arrested with whom.

Days count from Northshire's own first day; otherwise everything is as in Thames Valley's rooms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.tables import MISSING_REPORT, STUDY_MARKERS, birth_anniversary
from missing_lib.synthetic import care, markers, people, ties
from missing_lib.synthetic.clock import NEVER, YEAR, date_of, day_of

FIRST_DATE = pd.Timestamp("2015-04-01")
LAST_DATE = pd.Timestamp("2019-03-31")
DAYS = int((LAST_DATE - FIRST_DATE).days) + 1
#: First day of the agencies' shared records (2009-01-01).
RECORDS_BEGIN = int((pd.Timestamp("2009-01-01") - FIRST_DATE).days)
AREAS = 14
KNOWN_CHILDREN = 1_650
ARRIVING_CHILDREN = 130
UNKNOWN_CHILDREN = 5_000
KNOWN_ADULTS = 750
UNKNOWN_ADULTS = 6_000
SHARE_LEAVING = 0.07
SHORTEST_WINDOW = 90
#: Pairs arrested together before the first study day and during the study.
PAIRS_BEFORE, PAIRS_AFTER = 620, 260
#: Terms of the log rate of spontaneous incidents that are data.
TERMS = (*STUDY_MARKERS, "female", "unknown")


@dataclass(frozen=True)
class Society:
    """Persons and their records before the first study day.

    Attributes
    ----------
    people : DataFrame
        One row per person; ``group`` is ``known_child``, ``known_adult``, ``arriving_child``,
        ``unknown_child`` or ``unknown_adult``.
    spells : DataFrame
        Spells in care that began before the first study day, or on arrival.
    markers, ties : DataFrame
        Recorded before the first study day; ties are pairs arrested together.
    design : DataFrame
        Terms of the log rate, one row per person.
    """

    people: pd.DataFrame
    spells: pd.DataFrame
    markers: pd.DataFrame
    ties: pd.DataFrame
    design: pd.DataFrame


def generate(seed: int) -> Society:
    """Generate the society of a seed, with one generator per step; nothing uses outcomes."""
    step = iter(np.random.default_rng([seed, 11, k]) for k in range(20))
    everyone = _everyone(next(step))
    group = everyone["group"]
    early = np.flatnonzero(group == "known_child")
    arriving = np.flatnonzero(group == "arriving_child")
    spells = pd.concat(
        [
            _spells(everyone, early, -2.1, 0.12, next(step)),
            _spells(everyone, arriving, 0.4, 0.70, next(step)),
        ],
        ignore_index=True,
    )
    recorded = _markers(everyone, spells, next(step), next(step))
    known = everyone["group"].isin(("known_child", "known_adult")).to_numpy()
    window = (RECORDS_BEGIN, 0)
    tied = co_arrests(everyone, recorded, known, PAIRS_BEFORE, window, next(step))
    everyone["known_first_by"] = _first_contact(everyone, recorded, next(step))
    return Society(everyone, spells, recorded, tied, _design(everyone, recorded))


def age(everyone: pd.DataFrame) -> np.ndarray:
    """Age on the first study day, in years."""
    return -everyone["birth"].to_numpy() / YEAR


def co_arrests(
    everyone: pd.DataFrame,
    recorded: pd.DataFrame,
    among: np.ndarray,
    count: int,
    window: tuple[int, int],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Pairs arrested together, drawn from area, age and sociability of those arrested."""
    arrests = recorded[recorded["marker"] == "arrest"]
    crowd = ties.crowd_of(everyone, arrests[["row", "known_from"]], age(everyone), window[0])
    crowd.weight[~among] = 0.0
    return ties.unique_ties(ties.dated_pairs(crowd, "co_arrest", count, window[1], rng))


def _everyone(rng: np.random.Generator) -> pd.DataFrame:
    """Persons of all groups, the known ones in random order."""
    arrival = rng.integers(1, DAYS - 200, ARRIVING_CHILDREN)
    ages = {
        "known_child": rng.uniform(6, 17.6, KNOWN_CHILDREN),
        "known_adult": 18.05 + 70 * rng.beta(1.1, 2.2, KNOWN_ADULTS),
        "unknown_child": rng.uniform(4, 17.6, UNKNOWN_CHILDREN),
        "unknown_adult": 18.05 + 70 * rng.beta(1.0, 1.7, UNKNOWN_ADULTS),
    }
    birth = {group: -np.ceil(years * YEAR).astype(np.int64) for group, years in ages.items()}
    birth["arriving_child"] = arrival - (rng.uniform(9, 17.2, len(arrival)) * YEAR).astype(int)
    parts = [_persons(group, born, rng) for group, born in birth.items()]
    everyone = pd.concat(parts, ignore_index=True)
    arrived = everyone["group"] == "arriving_child"
    everyone.loc[arrived, "observed_from"] = arrival
    shuffled = everyone.iloc[rng.permutation(len(everyone))].reset_index(drop=True)
    away = np.maximum(0, shuffled["observed_from"].to_numpy()) + SHORTEST_WINDOW
    away = away + (rng.random(len(away)) * DAYS).astype(np.int64)
    leaves = (rng.random(len(away)) < SHARE_LEAVING) & (away < DAYS)
    return shuffled.assign(observed_to=np.where(leaves, away, NEVER))


def _persons(group: str, birth: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n = len(birth)
    stated, seen = people.ethnicity(n, rng)
    sex = np.where(rng.random(n) < 0.5, "male", "female").astype(object)
    sex[rng.random(n) < 0.004] = "unknown"
    always = np.maximum(birth, RECORDS_BEGIN)
    moved = always + (rng.random(n) * (-30 - always)).astype(np.int64)
    eighteenth = day_of(birth_anniversary(date_of(birth, FIRST_DATE), 18), FIRST_DATE)
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
            "observed_from": np.where(rng.random(n) < 0.2, moved, always),
        }
    )


def _spells(
    everyone: pd.DataFrame, rows: np.ndarray, logit: float, away: float, rng: np.random.Generator
) -> pd.DataFrame:
    """One spell in care for some of the rows: before the first day, or from arrival on."""
    rows = rows[rng.random(len(rows)) < 1 / (1 + np.exp(-logit))]
    entry = everyone["observed_from"].to_numpy()[rows]
    start = np.where(entry < -1, entry + (rng.random(len(rows)) * (-1 - entry)).astype(int), entry)
    stop = start + 60 + rng.exponential(4 * YEAR, len(rows)).astype(np.int64)
    spells = care.place(everyone, rows, start, stop, away, rng)
    return spells.assign(stop=np.where(spells["stop"] >= DAYS, NEVER, spells["stop"]))


def _markers(
    everyone: pd.DataFrame, spells: pd.DataFrame, *rngs: np.random.Generator
) -> pd.DataFrame:
    """Markers of known persons before the first study day; care is one of them."""
    parts = [markers.care_markers(spells).query("marker == 'local_authority_care'")]
    for group, rng in zip(("known_child", "known_adult"), rngs, strict=True):
        rows = np.flatnonzero(everyone["group"] == group)
        some = everyone.iloc[rows].reset_index(drop=True)
        found = markers.recorded(some, _log_odds(some, group, np.isin(rows, spells["row"])), rng)
        parts.append(found.assign(row=rows[found["row"].to_numpy()]))
    return pd.concat(parts, ignore_index=True)


def _log_odds(some: pd.DataFrame, group: str, in_care: np.ndarray) -> dict[str, np.ndarray]:
    female = (some["sex"] == "female").to_numpy(float)
    if group == "known_adult":
        return {
            "mental_health": -1.1 + 0.1 * female,
            "self_harm": -2.2 + 0.2 * female,
            "arrest": -1.0 - 0.8 * female,
        }
    years = age(some) - 12
    return {
        "child_protection": -1.4 + 1.0 * in_care,
        "mental_health": -1.8 + 0.10 * years + 0.4 * in_care,
        "self_harm": -2.2 + 0.12 * years + 0.5 * female + 0.4 * in_care,
        "arrest": -1.2 + 0.25 * years - 0.6 * female + 0.5 * in_care,
    }


def _first_contact(
    everyone: pd.DataFrame, recorded: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    reason = markers.first_contact(recorded, len(everyone), rng)
    reason[everyone["group"].str.startswith("unknown")] = f"police:{MISSING_REPORT}"
    return reason


def _design(everyone: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    out = markers.indicators(recorded, len(everyone))[list(STUDY_MARKERS)]
    out["female"] = (everyone["sex"] == "female").to_numpy(float)
    out["unknown"] = everyone["group"].str.startswith("unknown").to_numpy(float)
    return out
