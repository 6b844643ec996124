"""The synthetic force Thames Valley: canonical tables and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_lib.force.tables import Tables, conform, empty
from missing_lib.synthetic import aftermath, attributes, outcomes, truth, world
from missing_lib.synthetic.clock import NEVER, Clock, date_of, study_clock

SEED = 20140501
#: Never-missing adults whose birth date nobody recorded.
WITHOUT_BIRTH_DATE = 60


@dataclass(frozen=True)
class Made:
    """A synthetic force.

    Attributes
    ----------
    tables : Tables
        Canonical tables.
    truth : dict
        What the generator knows, as written to ``truth.json``.
    """

    tables: Tables
    truth: dict[str, Any]


def make(seed: int = SEED, outcome_seed: int | None = None) -> Made:
    """Generate the force.

    Parameters
    ----------
    seed : int
        Settles everything before the landmark.
    outcome_seed : int, optional
        Settles who goes missing and all that follows; the same as ``seed`` by default.
    """
    later = seed if outcome_seed is None else outcome_seed
    clock = study_clock()
    before = world.generate(seed)
    what = outcomes.generate(before, clock, later)
    incidents = what.incidents
    present = before.people["group"].isin(world.KNOWN_GROUPS).to_numpy()
    present[incidents["row"].unique()] = True
    after = aftermath.generate(before, incidents, present, clock, later)
    described = attributes.describe(
        incidents,
        before.design["self_harm"].to_numpy()[incidents["row"]],
        after.spells,
        clock,
        np.random.default_rng([later, 4]),
    )
    ids = person_ids(before.people, incidents, present, clock)
    tables = Tables(
        persons=_persons(before.people, incidents, ids),
        incidents=_incidents(described, ids, clock),
        markers=_markers(after.markers, ids),
        ties=_ties(after.ties, ids),
        events=_events(after.events, ids, clock),
    )
    return Made(tables, truth.describe(before, what, clock))


def children_again(before: world.World, seed: int) -> Tables:
    """The children's incidents of another run of the same world, with what was known before it.

    Parameters
    ----------
    before : World
        Everything before the landmark.
    seed : int
        Of who goes missing, how often and when.

    Returns
    -------
    Tables
        Markers and ties of before the landmark, no events, and incidents with no more than
        person and times.
    """
    clock = study_clock()
    incidents = outcomes.children_only(before, clock, seed)
    present = before.people["group"].isin(world.KNOWN_GROUPS).to_numpy()
    present[incidents["row"].unique()] = True
    ids = person_ids(before.people, incidents, present, clock)
    rows = pd.DataFrame(
        {
            "incident_id": [f"I{k:06d}" for k in range(1, len(incidents) + 1)],
            "person_id": ids[incidents["row"]],
            "reported_at": clock.instant(incidents["reported"]),
            "ended_at": clock.instant(incidents["ended"]),
            "time_known": incidents["time_known"],
        }
    )
    recorded = before.markers[present[before.markers["row"].to_numpy()]]
    return Tables(
        persons=_persons(before.people, incidents, ids),
        incidents=_finish(rows, "incidents", ["incident_id"]),
        markers=_markers(recorded, ids),
        ties=_ties(before.ties, ids),
        events=empty("events"),
    )


def person_ids(
    people: pd.DataFrame, incidents: pd.DataFrame, present: np.ndarray, clock: Clock
) -> np.ndarray:
    """Number persons in order of becoming known; empty for persons not in the file."""
    known_on = np.maximum(people["observed_from"].to_numpy(), -1)
    early = people["group"].isin(("known_child", "known_adult")).to_numpy()
    known_on[early] = -1
    first = incidents.groupby("row")["reported"].min()
    unknown = people["group"].str.startswith("unknown").to_numpy()[first.index]
    known_on[first.index[unknown]] = clock.local_day(first[unknown].to_numpy())
    rows = np.flatnonzero(present)
    order = rows[np.lexsort((rows, known_on[rows]))]
    out = np.full(len(people), "", dtype=object)
    out[order] = [f"P{k:06d}" for k in range(1, len(order) + 1)]
    return out


def _persons(people: pd.DataFrame, incidents: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    adults = np.flatnonzero(people["group"] == "known_adult")
    never = adults[~np.isin(adults, incidents["row"])][:WITHOUT_BIRTH_DATE]
    born = people["birth"].to_numpy().copy()
    born[never] = NEVER
    last = people["observed_to"].to_numpy()
    frame = pd.DataFrame(
        {
            "person_id": ids,
            "birth_date": date_of(born),
            "sex": people["sex"],
            "ethnicity_self": people["ethnicity_self"],
            "ethnicity_officer": people["ethnicity_officer"],
            "observed_from": date_of(people["observed_from"].to_numpy()),
            "observed_to": date_of(np.where(last >= NEVER, NEVER, last - 1)),
            "known_first_by": people["known_first_by"],
        }
    )
    return _finish(frame[ids != ""], "persons", ["person_id"])


def _incidents(described: pd.DataFrame, ids: np.ndarray, clock: Clock) -> pd.DataFrame:
    ordered = described.sort_values(["reported", "row"]).reset_index(drop=True)
    still_open = ordered["ended"] >= clock.day_start[-1]
    ordered = ordered.assign(
        risk_final=ordered["risk_final"].mask(still_open), harm=ordered["harm"].mask(still_open)
    )
    place = ordered["placement"]
    frame = pd.DataFrame(
        {
            "incident_id": [f"I{k:06d}" for k in range(1, len(ordered) + 1)],
            "person_id": ids[ordered["row"]],
            "reported_at": clock.instant(ordered["reported"]),
            "missing_from_at": clock.instant(ordered["missing_from"]),
            "ended_at": clock.instant(ordered["ended"].mask(still_open)),
            "placement_id": [None if np.isnan(p) else f"H{int(p) + 1:03d}" for p in place],
        }
    )
    same = ["time_known", "category", "risk_first", "risk_final", "harm", "from_care"]
    frame = frame.join(ordered[[*same, "out_of_area"]])
    return _finish(frame, "incidents", ["incident_id"])


def _markers(rows: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "person_id": ids[rows["row"]],
            "marker": rows["marker"],
            "known_from": date_of(rows["known_from"]),
            "known_to": date_of(rows["known_to"]),
            "agency": rows["agency"],
        }
    )
    return _finish(frame, "markers", ["person_id", "known_from", "marker", "agency"])


def _ties(rows: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    ends = np.sort(np.column_stack([ids[rows["a"]], ids[rows["b"]]]).astype(str), axis=1)
    frame = pd.DataFrame(
        {
            "person_a": ends[:, 0],
            "person_b": ends[:, 1],
            "tie_type": rows["tie_type"],
            "first_seen": date_of(rows["first_seen"]),
            "agency": rows["agency"],
        }
    )
    return _finish(frame, "ties", ["person_a", "person_b", "tie_type"])


def _events(rows: pd.DataFrame, ids: np.ndarray, clock: Clock) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "person_id": ids[rows["row"]],
            "event_type": rows["event_type"],
            "occurred_at": clock.instant(rows["minute"]),
        }
    )
    unique = frame.drop_duplicates()
    return _finish(unique, "events", ["person_id", "occurred_at", "event_type"])


def _finish(frame: pd.DataFrame, table: str, order: list[str]) -> pd.DataFrame:
    return conform(frame.sort_values(order).reset_index(drop=True), table)
