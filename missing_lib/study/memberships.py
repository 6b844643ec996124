"""What if people had been together with others? Ties as occasions, redrawn among people alike.

A tie comes from an occasion: an arrest, a school, a home. Ties of one type that were first seen
on one day and tie all of some people to each other are one occasion with these members; any
other tie is an occasion of two. The same members over and over, for ties of one type, are one
occasion, because they make no further connection. Occasions redrawn among people who are alike
keep everybody's number of occasions of each type and each occasion's number of members, so that
whoever was in many large groups still is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from missing_lib.force.tables import age_in_years
from missing_lib.study.cohort import Cohort
from missing_lib.study.network import EPISODE_TIES
from missing_lib.study.placements import shared_homes

Ints = NDArray[np.int64]

#: Steps for each membership between two drawings that are compared.
STEPS = 10
#: Width of the age bands within which memberships are exchanged, in years.
_BAND = 3.0


@dataclass(frozen=True)
class Memberships:
    """People in occasions, occasion by occasion.

    Attributes
    ----------
    names : Index of str
        People who have a tie.
    person : ndarray of int, shape (memberships,)
        Position in ``names``.
    begins : ndarray of int, shape (occasions + 1,)
        Members of occasion k are those from ``begins[k]`` to ``begins[k + 1]`` - 1.
    group : ndarray of int, shape (memberships,)
        Memberships of one group may change places: one type of tie, and people who are alike.
    """

    names: pd.Index
    person: Ints
    begins: Ints
    group: Ints

    @property
    def occasion(self) -> Ints:
        """Number of the occasion of each membership."""
        return np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))

    def pairs(self) -> Ints:
        """Everybody with everybody of the same occasion, each pair once.

        Returns
        -------
        ndarray of int, shape (pairs, 2)
            Positions in ``names``, the smaller first.
        """
        size = np.diff(self.begins)
        first = np.arange(len(self.person))
        later = np.repeat(self.begins[1:], size) - first - 1
        one = np.repeat(first, later)
        two = one + 1 + np.arange(later.sum()) - np.repeat(np.cumsum(later) - later, later)
        a, b = self.person[one], self.person[two]
        wide = max(len(self.names), 1)
        keys = np.unique(np.minimum(a, b) * wide + np.maximum(a, b))
        return np.column_stack(np.divmod(keys, wide))


def memberships(cohort: Cohort, pairs: pd.DataFrame) -> Memberships:
    """Occasions behind tied pairs, as they stood at the landmark.

    Memberships may change places between people of one home (:func:`.placements.shared_homes`),
    or between people without a known one, who are in the same band of three years of age.

    Parameters
    ----------
    cohort : Cohort
    pairs : DataFrame
        ``person_a`` < ``person_b``, see :func:`.network.ties_before`.
    """
    ties = _ties_behind(cohort, pairs)
    names, begins, members, kinds = _occasions(ties)
    kind = np.repeat(kinds, np.diff(begins))
    stratum = _strata(cohort, names)[members]
    group = pd.DataFrame({"kind": kind, "stratum": stratum}).groupby(["kind", "stratum"]).ngroup()
    return Memberships(names, members, begins, group.to_numpy(np.int64))


def redrawn(found: Memberships, rng: np.random.Generator, steps: int = STEPS) -> Memberships:
    """Memberships after many exchanges between people of one group, at random.

    Two memberships of one group are drawn, and their people change places unless one of them
    is in the other's occasion already; a step in which nothing changes counts. In the long run
    every arrangement that keeps the numbers is as likely as any other.

    Parameters
    ----------
    found : Memberships
    rng : Generator
    steps : int
        For each membership.

    References
    ----------
    Verhelst 2008, doi 10.1007/s11336-008-9062-3; Besag and Clifford 1989, doi
    10.1093/biomet/76.4.633.
    """
    size = len(found.person)
    person = found.person.copy()
    order = np.argsort(found.group, kind="stable")
    number = np.bincount(found.group)
    begin = np.cumsum(number) - number
    one = rng.integers(0, size, steps * size) if size else np.zeros(0, np.int64)
    own = found.group[one]
    other = order[begin[own] + (rng.random(len(one)) * number[own]).astype(np.int64)]
    _exchange(person, found.occasion, found.begins, one, other)
    return Memberships(found.names, person, found.begins, found.group)


@njit(cache=True)
def _exchange(person: Ints, occasion: Ints, begins: Ints, one: Ints, other: Ints) -> None:
    for k in range(len(one)):
        a, b = one[k], other[k]
        p, q = person[a], person[b]
        e, f = occasion[a], occasion[b]
        if p == q or e == f:
            continue
        free = True
        for m in range(begins[e], begins[e + 1]):
            free &= person[m] != q
        for m in range(begins[f], begins[f + 1]):
            free &= person[m] != p
        if free:
            person[a], person[b] = q, p


def _ties_behind(cohort: Cohort, pairs: pd.DataFrame) -> pd.DataFrame:
    """Records of ties before the landmark of each pair, each type and day once."""
    ties = cohort.ties
    keep = (ties["first_seen"] < cohort.start) & ~ties["tie_type"].isin(EPISODE_TIES)
    ties = ties.loc[keep, ["person_a", "person_b", "tie_type", "first_seen"]].dropna()
    a, b = ties["person_a"].astype(object), ties["person_b"].astype(object)
    ties = ties.assign(person_a=a.where(a < b, b), person_b=b.where(a < b, a))
    wanted = pairs[["person_a", "person_b"]].astype(object).drop_duplicates()
    return ties.drop_duplicates().merge(wanted, on=["person_a", "person_b"])


def _occasions(ties: pd.DataFrame) -> tuple[pd.Index, Ints, Ints, NDArray[np.object_]]:
    """Names, where each occasion begins, its members, and its type of tie."""
    ends = pd.concat([ties["person_a"], ties["person_b"]])
    place, names = pd.factorize(ends, sort=True)
    half, n = len(ties), len(names)
    day = ties.groupby(["tie_type", "first_seen"], sort=True).ngroup().to_numpy(np.int64)
    # One node for each person and day of a type.
    node, at = np.unique(np.tile(day, 2) * max(n, 1) + place, return_inverse=True)
    links = (np.ones(half), (at[:half], at[half:]))
    _, part = connected_components(coo_array(links, shape=(len(node),) * 2), directed=False)
    members = np.bincount(part)
    tied = np.bincount(part[at[:half]], minlength=len(members))
    whole = 2 * tied == members * (members - 1)
    of_tie = part[at[:half]]
    alone = ~whole[of_tie]
    kinds = ties["tie_type"].to_numpy(object)
    inside = whole[part]
    label = np.concatenate([part[inside], np.repeat(len(members) + np.arange(alone.sum()), 2)])
    pair = np.column_stack([place[:half], place[half:]])[alone].ravel()
    who = np.concatenate([node[inside] % max(n, 1), pair]).astype(np.int64)
    kind_of = np.empty(len(members) + int(alone.sum()), object)
    kind_of[of_tie] = kinds
    kind_of[len(members) :] = kinds[alone]
    order = np.lexsort((who, label))
    labels, size = np.unique(label, return_counts=True)
    return pd.Index(names), *_once(np.append(0, np.cumsum(size)), who[order], kind_of[labels])


def _once(
    begins: Ints, members: Ints, kinds: NDArray[np.object_]
) -> tuple[Ints, Ints, NDArray[np.object_]]:
    """Occasions of one type with the same members once."""
    size = np.diff(begins)
    sets = [members[a:b].tobytes() for a, b in pairwise(begins)]
    kept = ~pd.DataFrame({"members": sets, "kind": kinds}).duplicated().to_numpy(bool)
    return (
        np.append(0, np.cumsum(size[kept])).astype(np.int64),
        members[np.repeat(kept, size)],
        kinds[kept],
    )


def _strata(cohort: Cohort, names: pd.Index) -> Ints:
    """Home, or band of age where there is none."""
    home = shared_homes(cohort).reindex(names).to_numpy(float)
    births = cohort.persons.drop_duplicates("person_id").set_index("person_id")["birth_date"]
    born = births.reindex(names).reset_index(drop=True)
    age = age_in_years(born, pd.Series(cohort.start, index=born.index)).to_numpy(float)
    band = np.nan_to_num(np.floor(age / _BAND), nan=-1.0)
    keys = pd.DataFrame({"home": np.nan_to_num(home, nan=-1.0), "band": band})
    keys.loc[keys["home"] >= 0, "band"] = 0.0
    return keys.groupby(["home", "band"], sort=True).ngroup().to_numpy(np.int64)
