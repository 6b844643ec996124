"""What comes after the landmark: independent records, and those that incidents cause.

The second kind (markers, spells in care, ties and events that follow an incident) is the trap
for leakage: none of it is dated before the landmark, all of it predicts going missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.synthetic import care, markers, people, ties
from missing_lib.synthetic.clock import DAY, DAYS, NEVER, YEAR, Clock
from missing_lib.synthetic.world import World

#: Yearly chance of a first record without any incident.
CHILD_RATE = {"mental_health": 0.020, "self_harm": 0.015, "child_protection": 0.010}
ADULT_RATE = {"mental_health": 0.010, "self_harm": 0.005}
#: Chance per incident of a first record within a month of the return.
AFTER_INCIDENT = {"mental_health": 0.030, "self_harm": 0.025, "child_protection": 0.035}
CARE_AFTER_INCIDENT = 0.030
ARREST_AFTER_INCIDENT = 0.020
VICTIM_WHILE_MISSING = 0.015
TIE_AFTER_INCIDENT = 0.20
#: Two children of one area reported within so many minutes are recorded as together.
TOGETHER_WITHIN = DAY
SHARE_TOGETHER = 0.85
#: Yearly rates of other events of a person of average propensity.
EVENT_RATE = {"arrest": 0.045, "violence_suspect": 0.040, "violence_victim": 0.050}
SHARE_RECORDED_AGAIN = 0.12


@dataclass(frozen=True)
class Aftermath:
    """Records dated after the landmark, added to those before it.

    Attributes
    ----------
    spells, markers, ties, events : DataFrame
        In the columns of this room, of all dates.
    """

    spells: pd.DataFrame
    markers: pd.DataFrame
    ties: pd.DataFrame
    events: pd.DataFrame


def generate(
    world: World, incidents: pd.DataFrame, present: np.ndarray, clock: Clock, seed: int
) -> Aftermath:
    """Everything recorded after the landmark.

    Parameters
    ----------
    incidents : DataFrame
        ``row``, ``reported``, ``ended``, ``is_child``.
    present : bool array
        Persons who are in the file.
    """
    step = iter(np.random.default_rng([seed, 3, k]) for k in range(20))
    spells = _spells(world, incidents, clock, next(step))
    later_ties = _later_ties(world, spells, next(step))
    co_arrests = later_ties[later_ties["tie_type"] == "co_arrest"]
    events = _events(world, incidents, co_arrests, present, clock, next(step))
    recorded = _later_markers(world, incidents, events, spells, present, clock, next(step))
    caused = _episode_ties(world, incidents, clock, next(step))
    tied = ties.unique_ties(pd.concat([world.ties, later_ties, caused], ignore_index=True))
    tied = tied[tied["first_seen"] < _both_here_until(world, tied)].reset_index(drop=True)
    return Aftermath(spells, recorded, tied, events)


def _spells(
    world: World, incidents: pd.DataFrame, clock: Clock, rng: np.random.Generator
) -> pd.DataFrame:
    """Add entries into care that follow an incident of a child not in care before or later."""
    children = incidents[incidents["is_child"]]
    hit = children[rng.random(len(children)) < CARE_AFTER_INCIDENT]
    hit = hit[~hit["row"].isin(world.spells["row"])].drop_duplicates("row")
    rows = hit["row"].to_numpy()
    start = clock.local_day(hit["ended"].to_numpy()) + rng.integers(3, 60, len(rows))
    leaves = world.people[["eighteenth", "observed_to"]].min(axis=1).to_numpy()[rows]
    keep = start < np.minimum(leaves, DAYS) - 60
    stop = start + rng.exponential(care.MEAN_SPELL * YEAR, len(rows)).astype(np.int64) + 30
    added = care.place(world.people, rows[keep], start[keep], stop[keep], 0.05, rng)
    return pd.concat([world.spells, added], ignore_index=True)


def _later_ties(world: World, spells: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Ties seen after the landmark that no incident caused, among those known or arriving."""
    known = world.people["group"].isin(("known_child", "known_adult", "arriving_child"))
    members = world.people[known]
    age = people.age_at_landmark(members)
    drawn = ties.random_ties(members, world.markers, age, ties.PAIRS_AFTER, (0, DAYS), rng)
    shared = ties.shared_placements(spells)
    both = pd.concat([drawn, shared[shared["first_seen"] >= 0]], ignore_index=True)
    return both[both["first_seen"] < _both_here_until(world, both)]


def _both_here_until(world: World, tied: pd.DataFrame) -> np.ndarray:
    """First day on which one of a pair is no longer observed."""
    gone = np.minimum(world.people["observed_to"].to_numpy(), DAYS)
    return np.minimum(gone[tied["a"]], gone[tied["b"]])


def _events(
    world: World,
    incidents: pd.DataFrame,
    co_arrests: pd.DataFrame,
    present: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Arrests and violence: at personal rates, at co-arrests, and after incidents."""
    parts = [_personal_events(world, present, clock, rng)]
    at = clock.day_start[co_arrests["first_seen"].to_numpy()] + rng.integers(
        0, DAY, len(co_arrests)
    )
    for side in ("a", "b"):
        parts.append(_event_rows(co_arrests[side].to_numpy(), "arrest", at))
    arrested = incidents[rng.random(len(incidents)) < ARREST_AFTER_INCIDENT]
    after = arrested["ended"].to_numpy() + rng.integers(60, 30 * DAY, len(arrested))
    parts.append(_event_rows(arrested["row"].to_numpy(), "arrest", after))
    harmed = incidents[rng.random(len(incidents)) < VICTIM_WHILE_MISSING]
    span = (harmed["ended"] - harmed["reported"]).to_numpy()
    during = harmed["reported"].to_numpy() + (rng.random(len(harmed)) * span).astype(np.int64)
    parts.append(_event_rows(harmed["row"].to_numpy(), "violence_victim", during))
    events = pd.concat(parts, ignore_index=True)
    age = (events["minute"] / DAY - world.people["birth"].to_numpy()[events["row"]]) / YEAR
    events = events[(events["event_type"] == "violence_victim") | (age >= 10)]
    gone = np.minimum(world.people["observed_to"].to_numpy(), DAYS)[events["row"]]
    return events[events["minute"] < clock.day_start[gone]].reset_index(drop=True)


def _personal_events(
    world: World, present: np.ndarray, clock: Clock, rng: np.random.Generator
) -> pd.DataFrame:
    """Poisson numbers of events, uniform on operational time: no person affects another."""
    rows = np.flatnonzero(present)
    persons = world.people.iloc[rows]
    start = np.maximum(0, persons["observed_from"].to_numpy())
    stop = np.minimum(persons["observed_to"].to_numpy(), DAYS)
    age = people.age_at_landmark(persons) + 3
    by_age = np.interp(age, [8, 14, 20, 30, 60, 90], [0.2, 1.2, 1.6, 1.0, 0.4, 0.1])
    propensity = rng.gamma(0.6, 1 / 0.6, len(rows)) * by_age
    arrested = world.design["arrest"].to_numpy()[rows]
    parts = []
    for event_type, rate in EVENT_RATE.items():
        factor = np.where(event_type == "violence_victim", 1.0, 1 + 2 * arrested)
        number = rng.poisson(rate * propensity * factor * (stop - start) / YEAR)
        row = np.repeat(np.arange(len(rows)), number)
        low, high = clock.op(clock.day_start[start[row]]), clock.op(clock.day_start[stop[row]])
        minute = np.floor(clock.at(low + rng.random(len(row)) * (high - low))).astype(np.int64)
        parts.append(_event_rows(rows[row], event_type, minute))
    return pd.concat(parts, ignore_index=True)


def _event_rows(row: np.ndarray, event_type: str, minute: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"row": row, "event_type": event_type, "minute": minute})


def _later_markers(
    world: World,
    incidents: pd.DataFrame,
    events: pd.DataFrame,
    spells: pd.DataFrame,
    present: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Markers of all dates: before, later without cause, and after incidents or arrests."""
    parts = [world.markers, _recorded_again(world, rng)]
    parts.append(markers.care_markers(spells[spells["start"] >= 0]))
    fresh = [_independent_markers(world, present, rng), _caused_markers(incidents, clock, rng)]
    arrests = events[events["event_type"] == "arrest"]
    fresh.append(_marker_rows(arrests["row"], "arrest", clock.local_day(arrests["minute"])))
    later = pd.concat(fresh, ignore_index=True).sort_values(["row", "marker", "known_from"])
    later = later.drop_duplicates(["row", "marker"])
    held = pd.MultiIndex.from_frame(world.markers[["row", "marker"]])
    later = later[~pd.MultiIndex.from_frame(later[["row", "marker"]]).isin(held)]
    out = pd.concat([*parts, later], ignore_index=True)
    gone = np.minimum(world.people["observed_to"].to_numpy(), DAYS)[out["row"]]
    out = out[(out["known_from"] < gone) | (out["known_from"] < 0)]
    return out.reset_index(drop=True)


def _recorded_again(world: World, rng: np.random.Generator) -> pd.DataFrame:
    """Record some markers a second time, years later and by another agency."""
    once = world.markers[world.markers["marker"].isin(("mental_health", "self_harm"))]
    again = once[rng.random(len(once)) < SHARE_RECORDED_AGAIN]
    day = rng.integers(1, DAYS, len(again))
    other = np.where(again["agency"] == "police", "health", "social_care")
    return again.assign(known_from=day, agency=other)


def _independent_markers(
    world: World, present: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    rows = np.flatnonzero(present & ~world.people["group"].str.startswith("unknown").to_numpy())
    start = np.maximum(0, world.people["observed_from"].to_numpy()[rows])
    child = world.is_child[rows]
    parts = []
    for marker in CHILD_RATE:
        rate = np.where(child, CHILD_RATE[marker], ADULT_RATE.get(marker, 0.0))
        with np.errstate(divide="ignore"):
            wait = rng.exponential(1.0, len(rows)) * YEAR / rate
        day = start + np.minimum(wait, NEVER)
        keep = day < DAYS
        parts.append(_marker_rows(rows[keep], marker, day[keep].astype(np.int64) + 1))
    return pd.concat(parts, ignore_index=True)


def _caused_markers(
    incidents: pd.DataFrame, clock: Clock, rng: np.random.Generator
) -> pd.DataFrame:
    day = clock.local_day(incidents["ended"].to_numpy())
    parts = []
    for marker, chance in AFTER_INCIDENT.items():
        hit = rng.random(len(incidents)) < chance
        if marker == "child_protection":
            hit &= incidents["is_child"].to_numpy()
        delay = rng.integers(0, 30, int(hit.sum()))
        parts.append(_marker_rows(incidents["row"].to_numpy()[hit], marker, day[hit] + delay))
    return pd.concat(parts, ignore_index=True)


def _marker_rows(row: np.ndarray, marker: str, day: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": np.asarray(row),
            "marker": marker,
            "known_from": np.asarray(day),
            "known_to": NEVER,
            "agency": markers.AGENCY[marker],
        }
    )


def _episode_ties(
    world: World, incidents: pd.DataFrame, clock: Clock, rng: np.random.Generator
) -> pd.DataFrame:
    """Children of one area reported at about the same time, and company seen by the police."""
    children = incidents[incidents["is_child"]].sort_values(["reported", "row"])
    row = children["row"].to_numpy()
    area = world.people["area"].to_numpy()[row]
    reported = children["reported"].to_numpy()
    together, company = [], []
    for k in range(len(row)):
        since = np.searchsorted(reported, reported[k] - 14 * DAY)
        near = np.arange(since, k)
        near = near[(area[near] == area[k]) & (row[near] != row[k])]
        for j in near[reported[k] - reported[near] <= TOGETHER_WITHIN]:
            if rng.random() < SHARE_TOGETHER:
                together.append((row[j], row[k], reported[k]))
        if len(near) and rng.random() < TIE_AFTER_INCIDENT:
            company.append((row[near[rng.integers(len(near))]], row[k], reported[k]))
    parts = []
    for tie_type, found in (("missing_together", together), ("intelligence", company)):
        a, b, minute = np.array(found, dtype=np.int64).T
        parts.append(ties.tie_rows(a, b, tie_type, clock.local_day(minute)))
    return pd.concat(parts, ignore_index=True)
