"""Spells in care and the placements in which they are spent."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from missing_lib.synthetic.clock import DAYS, NEVER, YEAR
from missing_lib.synthetic.people import AREAS, age_at_landmark

HOMES = 36
FOSTER_PLACEMENTS = 320
SHARE_RESIDENTIAL = 0.35
#: Mean further time in care of those in care at the landmark or entering later, in years.
MEAN_SPELL = 3.5
ENTRIES_PER_YEAR = 0.006


def spells_before(known: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Care spells of known children that began before the landmark."""
    age = age_at_landmark(known)
    ever = rng.random(len(known)) < expit(-2.20 + 0.06 * (age - 12))
    rows = np.flatnonzero(ever)
    entry = known["observed_from"].to_numpy()[rows]
    start = entry + (rng.beta(1.6, 1.0, len(rows)) * (-1 - entry)).astype(np.int64)
    current = rng.random(len(rows)) < 0.8
    ended = start + 1 + (rng.random(len(rows)) * (-start - 1)).astype(np.int64)
    later = (rng.exponential(MEAN_SPELL * YEAR, len(rows))).astype(np.int64) + 1
    return place(known, rows, start, np.where(current, later, ended), 0.12, rng)


def spells_after(
    known: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Later entries into care of known children, at a constant rate."""
    first = rng.exponential(YEAR / ENTRIES_PER_YEAR, len(known)).astype(np.int64) + 1
    never_before = ~np.isin(np.arange(len(known)), before["row"])
    latest = np.minimum(known["eighteenth"], known["observed_to"]).to_numpy() - 90
    rows = np.flatnonzero(never_before & (first < np.minimum(latest, DAYS)))
    start = first[rows]
    stop = start + rng.exponential(MEAN_SPELL * YEAR, len(rows)).astype(np.int64) + 30
    return place(known, rows, start, stop, 0.12, rng)


def spells_on_arrival(arriving: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Children placed here by authorities elsewhere, from the day of arrival."""
    rows = np.flatnonzero(rng.random(len(arriving)) < 0.60)
    start = arriving["observed_from"].to_numpy()[rows]
    stop = start + rng.exponential(MEAN_SPELL * YEAR, len(rows)).astype(np.int64) + 60
    return place(arriving, rows, start, stop, 0.75, rng)


def place(
    people: pd.DataFrame,
    rows: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
    out_of_area: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Give each spell a placement, mostly one in the person's area; care ends at eighteen.

    Returns
    -------
    DataFrame
        One row per spell: ``row`` (position in ``people``), ``start``, ``stop`` (days),
        ``residential``, ``placement`` (number, homes first), ``out_of_area``.
    """
    n = len(rows)
    ends = np.minimum(stop, people["eighteenth"].to_numpy()[rows])
    residential = rng.random(n) < SHARE_RESIDENTIAL
    area = people["area"].to_numpy()[rows]
    near = (area * HOMES) // AREAS
    home = np.where(rng.random(n) < 0.6, near, rng.integers(0, HOMES, n))
    foster = HOMES + rng.integers(0, FOSTER_PLACEMENTS, n)
    return pd.DataFrame(
        {
            "row": rows,
            "start": start,
            "stop": np.where(ends >= DAYS, NEVER, np.maximum(ends, start + 1)),
            "residential": residential,
            "placement": np.where(residential, home, foster),
            "out_of_area": rng.random(n) < out_of_area,
        }
    )
