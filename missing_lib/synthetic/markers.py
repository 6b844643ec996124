"""What agencies had on record about a person before the landmark."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.synthetic.clock import NEVER, YEAR
from missing_lib.synthetic.people import age_at_landmark

#: The five markers of the study, and the stay in a residential home (the placement effect).
MARKERS = (*STUDY_MARKERS, "residential_care")
#: Agency that usually records a marker.
AGENCY = {
    "mental_health": "health",
    "self_harm": "health",
    "child_protection": "social_care",
    "arrest": "police",
    "local_authority_care": "social_care",
    "residential_care": "social_care",
}
#: Age below which a marker is not recorded, in years (arrest: criminal responsibility).
YOUNGEST = {"mental_health": 6, "self_harm": 8, "child_protection": 0, "arrest": 10}
COLUMNS = ["row", "marker", "known_from", "known_to", "agency"]
OTHER_CONTACTS = (
    "education:attendance",
    "health:appointment",
    "police:victim",
    "police:witness",
    "social_care:assessment",
)


def child_markers(
    known: pd.DataFrame, spells: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Markers of known children before the landmark, from age, sex and care alone."""
    age = age_at_landmark(known) - 12
    female = (known["sex"] == "female").to_numpy()
    care = np.isin(np.arange(len(known)), spells["row"])
    logit = {
        "child_protection": -1.75 - 0.03 * age + 1.2 * care,
        "mental_health": -1.95 + 0.10 * age + 0.15 * female + 0.5 * care,
        "self_harm": -2.50 + 0.14 * age + 0.6 * female + 0.6 * care,
        "arrest": -2.20 + 0.28 * age - 0.7 * female + 0.6 * care,
    }
    return pd.concat([care_markers(spells), recorded(known, logit, rng)], ignore_index=True)


def adult_markers(adults: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Markers of known adults before the landmark, from age and sex alone."""
    decade = (age_at_landmark(adults) - 40) / 10
    female = (adults["sex"] == "female").to_numpy()
    logit = {
        "child_protection": -3.2 - 0.5 * decade,
        "mental_health": -1.2 + 0.1 * female,
        "self_harm": -2.3 - 0.15 * decade + 0.2 * female,
        "arrest": -1.3 - 0.25 * decade - 0.8 * female,
    }
    return recorded(adults, logit, rng)


def care_markers(spells: pd.DataFrame) -> pd.DataFrame:
    """Care spells as markers: care itself, and the stay in a residential home."""
    care = spells.assign(marker="local_authority_care")
    home = spells[spells["residential"]].assign(marker="residential_care")
    rows = pd.concat([care, home], ignore_index=True)
    rows = rows.rename(columns={"start": "known_from", "stop": "known_to"})
    return rows.assign(agency="social_care")[COLUMNS]


def indicators(markers: pd.DataFrame, n: int, before: int = 0) -> pd.DataFrame:
    """Whether each person has each marker with ``known_from`` before a day (0/1)."""
    early = markers[markers["known_from"] < before]
    out = {}
    for marker in MARKERS:
        rows = early.loc[early["marker"] == marker, "row"]
        out[marker] = np.isin(np.arange(n), rows).astype(float)
    return pd.DataFrame(out)


def first_contact(markers: pd.DataFrame, n: int, rng: np.random.Generator) -> np.ndarray:
    """Agency and reason of first contact: the earliest marker, or a contact of another kind."""
    reason = rng.choice(np.array(OTHER_CONTACTS, dtype=object), n)
    earliest = markers.sort_values(["row", "known_from", "marker"]).drop_duplicates("row")
    reason[earliest["row"].to_numpy()] = earliest["agency"] + ":" + earliest["marker"]
    return reason


def recorded(
    people: pd.DataFrame, logit: dict[str, np.ndarray], rng: np.random.Generator
) -> pd.DataFrame:
    """Markers before the landmark by their log odds, dated between entry and landmark."""
    birth = people["birth"].to_numpy()
    entry = people["observed_from"].to_numpy()
    parts = []
    for marker, eta in logit.items():
        earliest = np.maximum(entry, birth + np.int64(YOUNGEST[marker] * YEAR + 1))
        has = (rng.random(len(people)) < expit(eta)) & (earliest < -1)
        rows = np.flatnonzero(has)
        span = -1 - earliest[rows]
        known_from = earliest[rows] + (rng.beta(1.5, 1.0, len(rows)) * span).astype(np.int64)
        by_police = rng.random(len(rows)) < (0.3 if marker == "self_harm" else 0.0)
        parts.append(
            pd.DataFrame(
                {
                    "row": rows,
                    "marker": marker,
                    "known_from": known_from,
                    "known_to": NEVER,
                    "agency": np.where(by_police, "police", AGENCY[marker]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
