"""Who is tied to whom: pairs drawn from age, area, placement, sociability and arrest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from missing_lib.synthetic.clock import NEVER, YEAR

#: Types that a child's own missing episode creates; never part of the degree.
EPISODE_TIES = ("missing_together",)
AGENCY = {
    "co_arrest": "police",
    "co_victim": "police",
    "intelligence": "police",
    "missing_together": "police",
    "same_placement": "social_care",
    "same_school": "education",
}
#: Pairs aimed at before the landmark and in the study window.
PAIRS_BEFORE = {"co_arrest": 1_400, "co_victim": 1_300, "intelligence": 5_200, "same_school": 2_600}
PAIRS_AFTER = {"co_arrest": 500, "co_victim": 500, "intelligence": 1_800, "same_school": 800}
SHARE_SAME_AREA = 0.8
AGE_SCALE = 2.5
COLUMNS = ["a", "b", "tie_type", "first_seen", "agency"]


@dataclass(frozen=True)
class Crowd:
    """Persons among whom ties arise.

    Attributes
    ----------
    row : int array
        Position of each person in the table of persons.
    weight : array
        Propensity to be tied, at least 0.
    area : int array
        Area of residence.
    age : array
        Age at the landmark in years.
    earliest : int array
        First day on which a tie of the person could be recorded.
    """

    row: np.ndarray
    weight: np.ndarray
    area: np.ndarray
    age: np.ndarray
    earliest: np.ndarray


def draw_pairs(crowd: Crowd, count: int, rng: np.random.Generator) -> np.ndarray:
    """Distinct pairs: both ends by weight, mostly of one area and close in age.

    A candidate pair (i, j) has probability proportional to w_i w_j, with j from the area
    of i for a share of the candidates, and is kept with probability exp(-|age gap| / scale).

    Returns
    -------
    int array (at most count, 2)
        Positions within the crowd, smaller first.
    """
    order = np.argsort(crowd.area, kind="stable")
    cumulative = np.concatenate([[0.0], np.cumsum(crowd.weight[order])])
    low = np.searchsorted(crowd.area[order], crowd.area, side="left")
    high = np.searchsorted(crowd.area[order], crowd.area, side="right")
    tries = 8 * count
    first = _weighted(rng.random(tries) * cumulative[-1], cumulative, order)
    near = rng.random(tries) < SHARE_SAME_AREA
    start = np.where(near, cumulative[low[first]], 0.0)
    stop = np.where(near, cumulative[high[first]], cumulative[-1])
    second = _weighted(start + rng.random(tries) * (stop - start), cumulative, order)
    gap = np.abs(crowd.age[first] - crowd.age[second])
    keep = (first != second) & (rng.random(tries) < np.exp(-gap / AGE_SCALE))
    pairs = np.sort(np.column_stack([first[keep], second[keep]]), axis=1)
    _, index = np.unique(pairs, axis=0, return_index=True)
    return pairs[np.sort(index)][:count]


def dated_pairs(
    crowd: Crowd, tie_type: str, count: int, stop: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Pairs of one type with the day they were first seen, before ``stop``."""
    pairs = draw_pairs(crowd, count, rng)
    earliest = crowd.earliest[pairs].max(axis=1)
    share = rng.beta(1.5, 1.0, len(pairs)) if stop <= 0 else rng.random(len(pairs))
    seen = earliest + (share * (stop - earliest)).astype(np.int64)
    frame = tie_rows(crowd.row[pairs[:, 0]], crowd.row[pairs[:, 1]], tie_type, seen)
    return frame[earliest < stop - 1]


def tie_rows(a: np.ndarray, b: np.ndarray, tie_type: str, seen: np.ndarray) -> pd.DataFrame:
    """Ties of one type as rows of this room's tie table."""
    return pd.DataFrame(
        {"a": a, "b": b, "tie_type": tie_type, "first_seen": seen, "agency": AGENCY[tie_type]}
    )


def shared_placements(spells: pd.DataFrame) -> pd.DataFrame:
    """Pairs whose spells in one placement overlap, first seen when the later one arrived."""
    pairs = spells.merge(spells, on="placement", suffixes=("", "_other"))
    together = (
        (pairs["row"] < pairs["row_other"])
        & (pairs["start"] < pairs["stop_other"])
        & (pairs["start_other"] < pairs["stop"])
    )
    pairs = pairs[together]
    seen = np.maximum(pairs["start"], pairs["start_other"]).to_numpy()
    rows = tie_rows(pairs["row"].to_numpy(), pairs["row_other"].to_numpy(), "same_placement", seen)
    return unique_ties(rows)


def unique_ties(ties: pd.DataFrame) -> pd.DataFrame:
    """One row per pair and type, the earliest."""
    first, second = np.minimum(ties["a"], ties["b"]), np.maximum(ties["a"], ties["b"])
    ordered = ties.assign(a=first, b=second).sort_values(
        ["a", "b", "tie_type", "first_seen"], kind="stable"
    )
    return ordered.drop_duplicates(["a", "b", "tie_type"]).reset_index(drop=True)[COLUMNS]


def degree(ties: pd.DataFrame, n: int, before: int = 0) -> np.ndarray:
    """Count distinct alters over ties first seen before a day, ties of episodes left out."""
    early = ties[(ties["first_seen"] < before) & ~ties["tie_type"].isin(EPISODE_TIES)]
    pairs = early[["a", "b"]].drop_duplicates()
    return np.bincount(pairs["a"], minlength=n) + np.bincount(pairs["b"], minlength=n)


def crowd_of(
    people: pd.DataFrame, arrests: pd.DataFrame | None, age: np.ndarray, floor: int
) -> Crowd:
    """Persons at risk of a tie; with ``arrests`` only those arrested, from that day on.

    Parameters
    ----------
    people : DataFrame
        Persons known so far, rows numbered from 0.
    arrests : DataFrame or None
        Columns ``row`` and ``known_from`` of first arrests.
    age : array
        Age at the landmark in years.
    floor : int
        No tie is dated before this day.
    """
    n = len(people)
    reach = np.where(age < 18, np.clip((age - 4) / 8, 0.1, 1.2), 0.4)
    weight = people["sociability"].to_numpy() * reach
    earliest = np.maximum(people["observed_from"], people["birth"] + np.int64(6 * YEAR))
    if arrests is not None:
        since = np.full(n, NEVER)
        np.minimum.at(since, arrests["row"].to_numpy(), arrests["known_from"].to_numpy())
        earliest = np.maximum(earliest, since)
        weight = np.where(since < NEVER, weight, 0.0)
    return Crowd(
        row=np.arange(n),
        weight=weight,
        area=people["area"].to_numpy(),
        age=age.astype(float),
        earliest=np.maximum(earliest.to_numpy(), floor),
    )


def random_ties(
    people: pd.DataFrame,
    markers: pd.DataFrame,
    age: np.ndarray,
    pairs: dict[str, int],
    window: tuple[int, int],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Ties of all types but those of placements and episodes, first seen in a window of days."""
    arrests = markers[markers["marker"] == "arrest"]
    everyone = crowd_of(people, None, age, window[0])
    arrested = crowd_of(people, arrests, age, window[0])
    pupils = replace(everyone, weight=np.where(age < 18, everyone.weight, 0.0))
    crowds = {"co_arrest": arrested, "same_school": pupils}
    parts = []
    for tie_type, count in pairs.items():
        crowd = crowds.get(tie_type, everyone)
        parts.append(dated_pairs(crowd, tie_type, count, window[1], rng))
    return unique_ties(pd.concat(parts, ignore_index=True))


def _weighted(value: np.ndarray, cumulative: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Persons (positions) at points of the cumulated weights; no person of weight 0 is hit."""
    index = np.searchsorted(cumulative, value, side="right") - 1
    return order[np.clip(index, 0, len(order) - 1)]
