"""The synthetic force Northshire: clean tables, their truth, and the extract as delivered."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_lib.force.tables import Tables, conform
from missing_lib.synthetic import attributes, hawkes, hawkes_world, markers, traps
from missing_lib.synthetic.clock import DAY, NEVER, YEAR, ZONE, Clock, date_of, study_clock
from missing_lib.synthetic.export import Raw, raw_files
from missing_lib.synthetic.hawkes_world import DAYS, FIRST_DATE, LAST_DATE, Society

SEED = 20150401
ERA_CHANGE = int((pd.Timestamp("2017-01-01") - FIRST_DATE).days)
#: Yearly chance of a first record without any incident, and chance per incident of one after it.
RECORD_RATE = {"mental_health": 0.015, "self_harm": 0.010, "child_protection": 0.008}
AFTER_INCIDENT = {"mental_health": 0.02, "self_harm": 0.03, "child_protection": 0.03}
#: Further arrests a year, alone, of somebody arrested before.
ARREST_RATE = 0.12
SHARE_TOGETHER_AGAIN = 0.04


@dataclass(frozen=True)
class Northshire:
    """The force, clean and as delivered.

    Attributes
    ----------
    tables : Tables
        Clean canonical tables.
    truth : dict
        Coefficients, shares and planted numbers, as written to ``truth.json``.
    raw : dict of Raw
        The files of the extract by name.
    planted : DataFrame
        ``table``, ``file``, ``source_row`` (as a spreadsheet counts), ``trap``, ``rule`` (of
        the intake, empty where none can find it), ``recoverable``, ``what``.
    """

    tables: Tables
    truth: dict[str, Any]
    raw: dict[str, Raw]
    planted: pd.DataFrame


def make(seed: int = SEED) -> Northshire:
    """Generate the force: society, process, records, extract, damage."""
    clock = study_clock(FIRST_DATE, DAYS)
    society = hawkes_world.generate(seed)
    incidents = hawkes.simulate(society, hawkes.TRUTH, clock, np.random.default_rng([seed, 12]))
    tables = clean_tables(society, incidents, clock, seed)
    raw, planted = traps.plant(raw_files(tables, seed), tables, np.random.default_rng([seed, 15]))
    return Northshire(tables, _truth(incidents, tables, planted), raw, planted)


def clean_tables(society: Society, incidents: pd.DataFrame, clock: Clock, seed: int) -> Tables:
    """Canonical tables of what truly happened and was truly known."""
    step = iter(np.random.default_rng([seed, 13, k]) for k in range(10))
    people = society.people
    present = ~people["group"].str.startswith("unknown").to_numpy()
    present[incidents["row"].unique()] = True
    ids = _numbers(present, next(step))
    later = _later_markers(society, incidents, present, clock, next(step))
    recorded = pd.concat([society.markers, later], ignore_index=True)
    tied = _all_ties(society, recorded, next(step))
    described = attributes.describe(
        incidents,
        society.design["self_harm"].to_numpy()[incidents["row"]],
        society.spells,
        clock,
        next(step),
        ERA_CHANGE,
    )
    return Tables(
        persons=_persons(people, ids),
        incidents=_incidents(described, ids, clock, next(step)),
        markers=_markers(recorded, ids),
        ties=_ties(tied, ids),
        events=_arrests(society, recorded, tied, ids, clock, next(step)),
    )


def _numbers(present: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give each person in the file a number that says nothing; leading zeros and all."""
    out = np.full(len(present), "", dtype=object)
    numbers = rng.choice(999_000, int(present.sum()), replace=False) + 500
    out[present] = [f"{n:07d}" for n in numbers]
    return out


def _persons(people: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    last = people["observed_to"].to_numpy()
    frame = people.assign(
        person_id=ids,
        birth_date=date_of(people["birth"].to_numpy(), FIRST_DATE),
        observed_from=date_of(people["observed_from"].to_numpy(), FIRST_DATE),
        observed_to=date_of(np.where(last >= NEVER, NEVER, last - 1), FIRST_DATE),
    )
    return _finish(frame[ids != ""], "persons", ["person_id"])


def _incidents(
    described: pd.DataFrame, ids: np.ndarray, clock: Clock, rng: np.random.Generator
) -> pd.DataFrame:
    ordered = described.sort_values(["reported", "row"]).reset_index(drop=True)
    still_open = ordered["ended"] >= clock.day_start[-1]
    seen = ordered["missing_from"].mask(ordered["missing_from"] > ordered["reported"])
    numbers = 20_001 + np.cumsum(rng.integers(1, 9, len(ordered)))
    frame = ordered.assign(
        incident_id=[f"{n:06d}" for n in numbers],
        person_id=ids[ordered["row"]],
        reported_at=clock.instant(ordered["reported"]),
        missing_from_at=clock.instant(seen),
        ended_at=clock.instant(ordered["ended"].mask(still_open)),
        risk_final=ordered["risk_final"].mask(still_open),
        harm=ordered["harm"].mask(still_open),
        placement_id=[None if np.isnan(p) else f"L{int(p) + 1:03d}" for p in ordered["placement"]],
    )
    return _finish(frame, "incidents", ["incident_id"])


def _later_markers(
    society: Society,
    incidents: pd.DataFrame,
    present: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """First records during the study: some at a constant rate, some that an incident causes."""
    rows = np.flatnonzero(present & ~society.people["group"].str.startswith("unknown"))
    start = np.maximum(0, society.people["observed_from"].to_numpy()[rows])
    parts = []
    for marker, rate in RECORD_RATE.items():
        day = start + rng.exponential(YEAR / rate, len(rows)).astype(np.int64) + 1
        parts.append(pd.DataFrame({"row": rows, "marker": marker, "known_from": day}))
        hit = incidents[rng.random(len(incidents)) < AFTER_INCIDENT[marker]]
        day = clock.local_day(hit["ended"].to_numpy()) + rng.integers(0, 30, len(hit))
        parts.append(pd.DataFrame({"row": hit["row"], "marker": marker, "known_from": day}))
    found = pd.concat(parts, ignore_index=True).sort_values(["row", "marker", "known_from"])
    found = found.drop_duplicates(["row", "marker"])
    gone = np.minimum(society.people["observed_to"].to_numpy(), DAYS)[found["row"]]
    held = pd.MultiIndex.from_frame(society.markers[["row", "marker"]])
    fresh = ~pd.MultiIndex.from_frame(found[["row", "marker"]]).isin(held)
    found = found[fresh & (found["known_from"] < gone)]
    return found.assign(known_to=NEVER, agency=found["marker"].map(markers.AGENCY))


def _all_ties(society: Society, recorded: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Pairs arrested together of all dates; those of the study carry no effect."""
    known = ~society.people["group"].str.startswith("unknown").to_numpy()
    window, number = (0, DAYS), hawkes_world.PAIRS_AFTER
    later = hawkes_world.co_arrests(society.people, recorded, known, number, window, rng)
    gone = np.minimum(society.people["observed_to"].to_numpy(), DAYS)
    later = later[later["first_seen"] < np.minimum(gone[later["a"]], gone[later["b"]])]
    both = pd.concat([society.ties, later], ignore_index=True)
    return both.sort_values("first_seen", kind="stable").drop_duplicates(["a", "b"])


def _arrests(
    society: Society,
    recorded: pd.DataFrame,
    tied: pd.DataFrame,
    ids: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Arrests: the two of each pair at one minute, first arrests, and further ones alone."""
    known = recorded[recorded["marker"] == "arrest"]
    gone = np.minimum(society.people["observed_to"].to_numpy(), DAYS)
    number = rng.poisson(ARREST_RATE * 4, len(known))
    again = np.repeat(known["row"].to_numpy(), number)
    day = rng.integers(0, DAYS, len(again))
    alone = pd.DataFrame({"row": again, "day": day})[day < gone[again]]
    tied = pd.concat([tied, _together_again(tied, gone, rng)], ignore_index=True)
    pairs = tied["first_seen"].to_numpy(np.int64) * DAY + rng.integers(0, DAY, len(tied))
    parts = [
        pd.DataFrame({"row": tied["a"], "minute": pairs}),
        pd.DataFrame({"row": tied["b"], "minute": pairs}),
    ]
    for rows, days in ((known["row"], known["known_from"]), (alone["row"], alone["day"])):
        minute = days.to_numpy(np.int64) * DAY + rng.integers(0, DAY, len(rows))
        parts.append(pd.DataFrame({"row": rows, "minute": minute}))
    rows = pd.concat(parts, ignore_index=True)
    local = FIRST_DATE + pd.to_timedelta(rows["minute"], unit="m")
    first = np.ones(len(local), dtype=bool)
    at = local.dt.tz_localize(ZONE, ambiguous=first, nonexistent="shift_forward")
    frame = pd.DataFrame(
        {
            "person_id": ids[rows["row"]],
            "event_type": "arrest",
            "occurred_at": at.dt.tz_convert("UTC"),
        }
    )
    return _finish(frame.drop_duplicates(), "events", ["occurred_at", "person_id"])


def _together_again(tied: pd.DataFrame, gone: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Pairs that are arrested together a second time, months later."""
    later = tied.assign(first_seen=tied["first_seen"] + rng.integers(60, 400, len(tied)))
    until = np.minimum(gone[tied["a"]], gone[tied["b"]])
    return later[(later["first_seen"] < until) & (rng.random(len(tied)) < SHARE_TOGETHER_AGAIN)]


def _markers(rows: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    frame = rows.assign(
        person_id=ids[rows["row"]],
        known_from=date_of(rows["known_from"], FIRST_DATE).to_numpy(),
        known_to=date_of(rows["known_to"], FIRST_DATE).to_numpy(),
        agency="childrens_services",
    )
    return _finish(frame, "markers", ["person_id", "known_from", "marker"])


def _ties(rows: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    ends = np.sort(np.column_stack([ids[rows["a"]], ids[rows["b"]]]).astype(str), axis=1)
    frame = pd.DataFrame(
        {
            "person_a": ends[:, 0],
            "person_b": ends[:, 1],
            "tie_type": "co_arrest",
            "first_seen": date_of(rows["first_seen"], FIRST_DATE).to_numpy(),
            "agency": "police",
        }
    )
    return _finish(frame, "ties", ["person_a", "person_b"])


def _finish(frame: pd.DataFrame, table: str, order: list[str]) -> pd.DataFrame:
    return conform(frame.sort_values(order).reset_index(drop=True), table)


def _truth(incidents: pd.DataFrame, tables: Tables, planted: pd.DataFrame) -> dict[str, Any]:
    """What the generator knows."""
    is_child = incidents["is_child"].to_numpy()
    number = incidents[is_child].groupby("row").size()
    causes = incidents["cause"].value_counts(normalize=True)
    share = {"spontaneous": hawkes.SPONTANEOUS, "own": hawkes.OWN, "peer": hawkes.PEER}
    coefficients = asdict(hawkes.TRUTH)
    for name in ("own_decay", "peer_decay"):
        coefficients[name] = round(coefficients[name], 6)
    traps_by = planted.groupby(["table", "trap"]).size()
    ledger = planted[planted["rule"] != ""].groupby(["table", "rule"]).size()
    return {
        "window": {
            "first_day": FIRST_DATE.date().isoformat(),
            "last_day": LAST_DATE.date().isoformat(),
            "time_zone": ZONE,
        },
        "true": {
            "model": " ".join((hawkes.__doc__ or "").split("\n\n")[1].split()),
            "coefficients": coefficients,
            "rate_by_age": dict(zip(map(str, hawkes.AGES), hawkes.RATES, strict=True)),
            "alters": "pairs arrested together before the first day; each weighs 1 / d_i",
        },
        "drawn": {
            "children": len(number),
            "child_incidents": int(number.sum()),
            "children_missing_more_than_once": int((number > 1).sum()),
            "children_missing_ten_times_or_more": int((number >= 10).sum()),
            "adult_incidents": int((~is_child).sum()),
            "persons": len(tables.persons),
            "share_of_incidents_by_cause": {
                name: round(float(causes.get(code, 0)), 4) for name, code in share.items()
            },
        },
        "planted": {f"{t}.{trap}": int(n) for (t, trap), n in traps_by.items()},
        "ledger": {f"{t}.{rule}": int(n) for (t, rule), n in ledger.items()},
    }
