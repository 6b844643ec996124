"""Everything that is settled before anybody goes missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.tables import MISSING_REPORT
from missing_lib.synthetic import care, markers, people, ties

#: Terms of the children's stage models that are data of the frame.
TERMS = (*markers.MARKERS, "log1p_degree", "female", "age", "age_squared")
#: Centres of the age terms, in years at the landmark.
AGE_CENTRE = 12
ADULT_AGE_CENTRE = 40
CHILD_GROUPS = ("known_child", "arriving_child", "unknown_child")
KNOWN_GROUPS = ("known_child", "known_adult", "arriving_child")


@dataclass(frozen=True)
class World:
    """Persons and their records before the landmark.

    Attributes
    ----------
    people : DataFrame
        All persons, rows numbered from 0: the known ones (children and adults mixed), those
        arriving later, then the pools of persons known to no agency.
    spells : DataFrame
        Spells in care, also later ones; none of them depends on an outcome.
    markers, ties : DataFrame
        Recorded before the landmark.
    design : DataFrame
        Terms of the stage models, one row per person.
    """

    people: pd.DataFrame
    spells: pd.DataFrame
    markers: pd.DataFrame
    ties: pd.DataFrame
    design: pd.DataFrame

    @property
    def is_child(self) -> np.ndarray:
        """Persons who can be a child of the study."""
        return self.people["group"].isin(CHILD_GROUPS).to_numpy()

    @property
    def frame(self) -> np.ndarray:
        """Rows of the predictors' frame."""
        return np.flatnonzero(self.people["group"] == "known_child")


def generate(seed: int) -> World:
    """Generate the world of a seed, with one generator per step."""
    step = iter(np.random.default_rng([seed, 1, k]) for k in range(20))
    children = people.known_children(next(step))
    adults = people.known_adults(next(step))
    order = next(step).permutation(len(children) + len(adults))
    known = pd.concat([children, adults], ignore_index=True).iloc[order].reset_index(drop=True)
    arriving = people.arriving_children(next(step))
    unknown = [people.unknown_children(next(step)), people.unknown_adults(next(step))]
    everyone = pd.concat([known, arriving, *unknown], ignore_index=True)

    spells = _spells(everyone, next(step), next(step), next(step))
    recorded = _markers(everyone, spells, next(step), next(step))
    tied = _ties(everyone.iloc[: len(known)], spells, recorded, next(step))
    everyone["known_first_by"] = _first_contact(everyone, recorded, spells, next(step))
    return World(everyone, spells, recorded, tied, design(everyone, recorded, tied))


def design(everyone: pd.DataFrame, recorded: pd.DataFrame, tied: pd.DataFrame) -> pd.DataFrame:
    """Terms of the stage models; those not known before the landmark have no markers or ties."""
    out = markers.indicators(recorded, len(everyone))
    out["log1p_degree"] = np.log1p(ties.degree(tied, len(everyone)))
    out["female"] = (everyone["sex"] == "female").to_numpy(float)
    age = people.age_at_landmark(everyone)
    out["age"] = age - AGE_CENTRE
    out["age_squared"] = out["age"] ** 2
    out["decade"] = (age - ADULT_AGE_CENTRE) / 10
    out["unknown"] = everyone["group"].str.startswith("unknown").to_numpy(float)
    out["arriving"] = (everyone["group"] == "arriving_child").to_numpy(float)
    return out


def _rows(everyone: pd.DataFrame, group: str) -> np.ndarray:
    return np.flatnonzero(everyone["group"] == group)


def _renumber(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Replace positions in a part of the table of persons by rows of the whole."""
    return frame.assign(row=rows[frame["row"].to_numpy()])


def _spells(everyone: pd.DataFrame, *rngs: np.random.Generator) -> pd.DataFrame:
    rows, later = _rows(everyone, "known_child"), _rows(everyone, "arriving_child")
    known = everyone.iloc[rows].reset_index(drop=True)
    before = care.spells_before(known, rngs[0])
    after = care.spells_after(known, before, rngs[1])
    arriving = care.spells_on_arrival(everyone.iloc[later].reset_index(drop=True), rngs[2])
    parts = [_renumber(before, rows), _renumber(after, rows), _renumber(arriving, later)]
    return pd.concat(parts, ignore_index=True)


def _markers(
    everyone: pd.DataFrame, spells: pd.DataFrame, *rngs: np.random.Generator
) -> pd.DataFrame:
    """Markers before the landmark; care is one of them."""
    rows = _rows(everyone, "known_child")
    position = pd.Series(np.arange(len(rows)), index=rows)
    early = spells[spells["start"] < 0]
    early = early.assign(row=position[early["row"]].to_numpy())
    children = everyone.iloc[rows].reset_index(drop=True)
    of_children = _renumber(markers.child_markers(children, early, rngs[0]), rows)
    grown = _rows(everyone, "known_adult")
    adults = everyone.iloc[grown].reset_index(drop=True)
    of_adults = _renumber(markers.adult_markers(adults, rngs[1]), grown)
    return pd.concat([of_children, of_adults], ignore_index=True)


def _ties(
    known: pd.DataFrame, spells: pd.DataFrame, recorded: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Ties before the landmark, among those known by then."""
    age = people.age_at_landmark(known)
    window = (people.RECORDS_BEGIN, 0)
    random = ties.random_ties(known, recorded, age, ties.PAIRS_BEFORE, window, rng)
    shared = ties.shared_placements(spells[spells["start"] < 0])
    return ties.unique_ties(pd.concat([random, shared], ignore_index=True))


def _first_contact(
    everyone: pd.DataFrame,
    recorded: pd.DataFrame,
    spells: pd.DataFrame,
    rng: np.random.Generator,
) -> np.ndarray:
    reason = markers.first_contact(recorded, len(everyone), rng)
    group = everyone["group"]
    reason[group.str.startswith("unknown")] = f"police:{MISSING_REPORT}"
    arriving = spells.loc[group.iloc[spells["row"]].to_numpy() == "arriving_child", "row"]
    reason[arriving.unique()] = "social_care:local_authority_care"
    return reason
