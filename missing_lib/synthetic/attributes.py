"""What an incident's record says besides its times: category, grades, harm and care."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from missing_lib.synthetic.clock import DAY, FIRST_DATE, Clock

#: First day on which everybody whose whereabouts are unknown is recorded as missing.
ERA_CHANGE = int((pd.Timestamp("2017-01-01") - FIRST_DATE).days)
LOG_EIGHT_HOURS = np.log(480.0)
LEVELS = np.array(["no_apparent_risk", "low", "medium", "high"], dtype=object)
#: Chances of a first grade of low, medium and high.
CHILD_GRADES = (0.10, 0.73, 0.17)
ADULT_GRADES = (0.22, 0.56, 0.22)
SHARE_WITHOUT_MISSING_FROM = 0.06


def describe(
    incidents: pd.DataFrame,
    self_harm: np.ndarray,
    spells: pd.DataFrame,
    clock: Clock,
    rng: np.random.Generator,
    era_change: int = ERA_CHANGE,
) -> pd.DataFrame:
    """Add the remaining columns of the incident record.

    Parameters
    ----------
    incidents : DataFrame
        In order of person and time, with ``row``, ``reported``, ``ended``, ``time_known``,
        ``is_child``.
    self_harm : array
        1 for incidents of persons with the marker before the landmark.
    spells : DataFrame
        All spells in care.
    era_change : int
        First day on which absence is no longer a category.
    """
    log_spell = np.log((incidents["ended"] - incidents["reported"]).to_numpy()) - LOG_EIGHT_HOURS
    day = clock.local_day(incidents["reported"].to_numpy())
    grades = _first_grade(incidents["is_child"].to_numpy(), rng)
    absent = rng.random(len(incidents)) < np.where(
        day < era_change, expit(-1.35 - 0.30 * log_spell), 0.012
    )
    first = np.where(absent, 0, grades)
    final = _final_grade(first, log_spell, rng)
    harm = rng.random(len(incidents)) < expit(
        -3.50 + 0.5 * self_harm + 0.6 * (first == 3) + 0.25 * log_spell - 0.8 * absent
    )
    care = _care(incidents, day, spells, rng)
    return incidents.assign(
        missing_from=_missing_from(incidents, rng),
        category=np.where(absent, "no_apparent_risk", "missing"),
        risk_first=_with_gaps(LEVELS[first], 0.005, rng),
        risk_final=_with_gaps(LEVELS[final], 0.010, rng),
        harm=_with_gaps(harm.astype(object), 0.012, rng),
        from_care=care["from_care"],
        placement=care["placement"],
        out_of_area=care["out_of_area"],
    )


def _first_grade(is_child: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    draw = rng.random(len(is_child))
    of_child = np.searchsorted(np.cumsum(CHILD_GRADES)[:-1], draw)
    of_adult = np.searchsorted(np.cumsum(ADULT_GRADES)[:-1], draw)
    return 1 + np.where(is_child, of_child, of_adult)


def _final_grade(first: np.ndarray, log_spell: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mostly the first grade; longer spells are upgraded more often."""
    draw = rng.random(len(first))
    up = draw < expit(-2.6 + 0.5 * log_spell)
    down = draw > 0.95
    return np.clip(first + up - down, 0, 3)


def _missing_from(incidents: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Last seen: some hours before the report, after the return from the incident before."""
    reported = incidents["reported"].to_numpy()
    before = np.roll(incidents["ended"].to_numpy(), 1)
    same = incidents["row"].to_numpy() == np.roll(incidents["row"].to_numpy(), 1)
    same[0] = False
    delay = np.exp(np.log(150) + 1.2 * rng.standard_normal(len(reported)))
    delay = np.minimum(delay, 3 * DAY)
    room = np.where(same, reported - before - 2, 3 * DAY)
    delay = np.where(delay > 0.9 * room, rng.random(len(delay)) * 0.9 * room, delay)
    absent = rng.random(len(reported)) < SHARE_WITHOUT_MISSING_FROM
    unknown = absent | ~incidents["time_known"].to_numpy()
    return np.where(unknown, np.nan, reported - np.floor(delay))


def _care(
    incidents: pd.DataFrame, day: np.ndarray, spells: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Whether missing from care, from which placement, placed by an authority elsewhere."""
    of_person = {row: part for row, part in spells.groupby("row")}
    draw = rng.random(len(incidents))
    from_care = np.full(len(incidents), False, dtype=object)
    placement = np.full(len(incidents), np.nan)
    elsewhere = np.full(len(incidents), False)
    for k, (row, when) in enumerate(zip(incidents["row"], day, strict=True)):
        if row not in of_person:
            continue
        part = of_person[row]
        now = part[(part["start"] <= when) & (when < part["stop"])]
        if len(now):
            elsewhere[k] = now["out_of_area"].iloc[0]
            if draw[k] < 0.90:
                from_care[k], placement[k] = True, now["placement"].iloc[0]
    from_care[(draw > 0.99) & np.isnan(placement)] = None
    return pd.DataFrame(
        {"from_care": from_care, "placement": placement, "out_of_area": elsewhere},
        index=incidents.index,
    )


def _with_gaps(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    out = values.copy()
    out[rng.random(len(out)) < share] = None
    return out
