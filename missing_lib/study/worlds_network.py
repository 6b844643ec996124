"""Worlds of people with ties, in which episodes do or do not bring on those of acquaintances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from missing_lib.study.cohort import Cohort
from missing_lib.study.worlds_cohort import LENGTH, START, cohort_of
from missing_lib.study.worlds_people import Known, known_people, recorded_before

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

#: People who share a school or a home.
GROUP = 20
#: Days after an incident in which a connection may be drawn along, or a shock acts.
_REACH = 28.0
_BURST_DAYS = 6.0
_SHOCK_DAYS = 7.0
_QUARTER_DAYS = 91.3125


@dataclass(frozen=True)
class Tied:
    """People with ties, all older than the study.

    Attributes
    ----------
    known : Known
    pairs : int array, shape (ties, 2)
        Rows of ``known.persons``, the smaller first, each pair once.
    group : int array, shape (n,)
    """

    known: Known
    pairs: Pairs
    group: NDArray[np.int64]

    @property
    def degree(self) -> NDArray[np.int64]:
        """Number of connections of each person."""
        return np.bincount(self.pairs.ravel(), minlength=len(self.group))

    @property
    def ties(self) -> pd.DataFrame:
        """Canonical ties."""
        names = self.known.persons["person_id"].to_numpy()
        return pd.DataFrame(
            {
                "person_a": names[self.pairs[:, 0]],
                "person_b": names[self.pairs[:, 1]],
                "tie_type": "same_school",
                "first_seen": START - pd.Timedelta(days=200),
                "agency": "police",
            }
        )


def tied_people(
    people: int, rng: np.random.Generator, inside: int = 25, across: float = 0.5
) -> Tied:
    """People in groups, with ``inside`` ties a group and ``across`` ties a person at random."""
    known = known_people(people, rng)
    group = np.arange(people) // GROUP
    groups = int(group.max()) + 1
    first = GROUP * np.repeat(np.arange(groups), inside)
    within = first[:, None] + rng.integers(0, GROUP, (len(first), 2))
    anywhere = rng.integers(0, people, (int(across * people), 2))
    pairs = np.sort(np.concatenate([within, anywhere]), axis=1)
    pairs = pairs[(pairs[:, 0] != pairs[:, 1]) & (pairs[:, 1] < people)]
    return Tied(known, np.unique(pairs, axis=0).astype(np.int64), group)


def ever_missing_with_ties(
    people: int,
    rng: np.random.Generator,
    *,
    coarse: bool = False,
    connections: float = 0.4,
    unseen: float = 0.0,
    level: float = -2.2,
) -> tuple[Cohort, Tied]:
    """People who are ever missing, each whatever the others do.

    Parameters
    ----------
    coarse : bool
        Whether the risk depends on nothing but the number of markers, care and a connection at
        all, or, as a model has it, on each marker, sex, age and log2(1 + connections).
    connections : float
        Log odds ratio of each doubling of one plus the connections.
    unseen : float
        Standard deviation of a trait that groups share and no record holds: likeness of those
        who are tied, without influence.
    level : float
        Log odds without any of it.
    """
    tied = tied_people(people, rng)
    if coarse:
        markers = tied.known.marks.sum(axis=1).clip(upper=3).to_numpy()
        eta = 0.6 * markers + 0.6 * tied.known.marks["local_authority_care"].to_numpy()
        eta = eta + connections * (tied.degree > 0)
    else:
        eta = tied.known.eta + connections * np.log2(1 + tied.degree)
    eta = eta + unseen * rng.normal(size=int(tied.group.max()) + 1)[tied.group]
    missing = np.flatnonzero(rng.random(people) < expit(level + eta))
    days = rng.random(len(missing)) * tied.known.days[missing]
    markers = recorded_before(tied.known)
    return cohort_of(tied.known.persons, missing, days, markers, tied.ties), tied


def histories_with_ties(
    people: int,
    rng: np.random.Generator,
    *,
    alike: float = 0.0,
    watched: float = 1.0,
    shocks: float = 0.0,
    together: float = 0.0,
    influence: float = 0.0,
) -> tuple[Cohort, Tied]:
    """People whose incidents come in bursts, more often at some ages and seasons.

    Parameters
    ----------
    alike : float
        Standard deviation of a lasting trait that groups share and no record holds, on the log
        of the rate: likeness of those who are tied.
    watched : float
        Part of the incidents that is reported while nobody watches the group; somebody does in
        half of the quarters, drawn for each group, and then all are.
    shocks : float
        Number of bad weeks that each group has in common, on average; each member then goes
        missing with a chance of one half. Nobody follows anybody.
    together : float
        Chance with which a burst begins together with that of a connection, within half a day;
        they then go on apart.
    influence : float
        Chance with which an incident is followed by one of each connection within 28 days.
    """
    tied = tied_people(people, rng)
    trait = alike * rng.normal(size=int(tied.group.max()) + 1)[tied.group]
    begun = _begun(tied.known, trait, rng)
    others = _with_one_other(tied, *begun, together, rng)
    begun = (np.concatenate([begun[0], others[0]]), np.concatenate([begun[1], others[1]]))
    who, days = _bursts(*begun, rng)
    parts = [
        (who, days),
        _shared(tied, shocks, rng),
        _drawn_along(tied, who, days, influence, rng),
    ]
    who, days = (np.concatenate(part) for part in zip(*parts, strict=True))
    inside = (days < tied.known.days[who]) & _noticed(tied, who, days, watched, rng)
    cohort = cohort_of(tied.known.persons, who[inside], days[inside], ties=tied.ties)
    return cohort, tied


def _noticed(
    tied: Tied,
    who: NDArray[np.int64],
    days: Floats,
    watched: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which incidents are reported."""
    if watched == 1.0:
        return np.ones(len(who), bool)
    quarters = int(LENGTH // _QUARTER_DAYS) + 1
    somebody = rng.random((int(tied.group.max()) + 1, quarters)) < 0.5
    quarter = np.clip(days // _QUARTER_DAYS, 0, quarters - 1).astype(int)
    return somebody[tied.group[who], quarter] | (rng.random(len(who)) < watched)


def _begun(
    known: Known, trait: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """When bursts begin: at a rate of one's own, by age and season."""
    people = len(known.days)
    own = rng.gamma(0.5, 0.004, people) * np.exp(trait)
    begun = np.repeat(np.arange(people), rng.poisson(own * known.days))
    at = rng.random(len(begun)) * known.days[begun]
    born = known.persons["birth_date"].to_numpy()[begun]
    age = at / 365.25 + (START.to_numpy() - born) / np.timedelta64(1, "D") / 365.25
    wanted = (0.4 + 0.6 * np.exp(-(((age - 15) / 2) ** 2))) * (
        0.75 + 0.25 * np.sin(2 * np.pi * at / 365.25)
    )
    kept = rng.random(len(at)) < wanted
    return begun[kept], at[kept]


def _bursts(
    begun: NDArray[np.int64], at: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """Histories of bursts, each of which goes on by itself."""
    size = rng.geometric(0.5, len(begun))
    burst = np.repeat(np.arange(len(begun)), size)
    step = rng.exponential(_BURST_DAYS, len(burst))
    step[np.cumsum(size) - size] = 0.0
    total = np.cumsum(step)
    since = total - np.repeat(total[np.cumsum(size) - size], size)
    return begun[burst], at[burst] + since


def _shared(
    tied: Tied, shocks: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """Incidents in the bad weeks that groups have in common."""
    groups = int(tied.group.max()) + 1
    of_group = np.repeat(np.arange(groups), rng.poisson(shocks, groups))
    week = rng.random(len(of_group)) * LENGTH
    shock, who = np.nonzero(of_group[:, None] == tied.group[None, :])
    hit = rng.random(len(who)) < 0.5
    return who[hit], week[shock[hit]] + rng.random(int(hit.sum())) * _SHOCK_DAYS


def _with_one_other(
    tied: Tied,
    who: NDArray[np.int64],
    days: Floats,
    together: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], Floats]:
    """Bursts of connections that begin together with somebody's."""
    if together == 0.0:
        return np.zeros(0, np.int64), np.zeros(0)
    both = np.concatenate([tied.pairs, tied.pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    degree = np.bincount(both[:, 0], minlength=len(tied.group))
    first = np.cumsum(degree) - degree
    goes = (rng.random(len(who)) < together) & (degree[who] > 0)
    place = first[who[goes]] + (rng.random(int(goes.sum())) * degree[who[goes]]).astype(int)
    return both[place, 1], days[goes] + rng.random(int(goes.sum())) / 2


def _drawn_along(
    tied: Tied,
    who: NDArray[np.int64],
    days: Floats,
    influence: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], Floats]:
    """Incidents of connections that another's incident brings on, two days to four weeks later."""
    both = np.concatenate([tied.pairs, tied.pairs[:, ::-1]])
    incident, tie = np.nonzero(who[:, None] == both[None, :, 0])
    follows = rng.random(len(tie)) < influence
    incident, tie = incident[follows], tie[follows]
    return both[tie, 1], days[incident] + rng.uniform(2.0, _REACH, len(tie))
