"""Which traps are planted in Northshire's incident export, and where."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_lib.force.tables import Tables
from missing_lib.synthetic import trap_records
from missing_lib.synthetic.clock import ZONE
from missing_lib.synthetic.damage import Bench, Trap
from missing_lib.synthetic.export import DAY_FIRST, TIME, Raw, local

REPORTED, LAST_SEEN, LOCATED = "Date/time reported", "Last seen", "Date/time located"
NUMBER, CLOSURE = "Occurrence no", "Risk at closure"
#: Names of the files of the extract.
FILES = {
    "incidents": "missing_occurrences.csv",
    "persons": "nominals.csv",
    "markers": "childrens_services_flags.csv",
    "events": "custody_log.tsv",
}
SHARE_MIDNIGHT = 0.13
OPEN_WORD = "OPEN"
HOUR = pd.Timedelta(hours=1)


def plant(
    raw: dict[str, Raw], tables: Tables, rng: np.random.Generator
) -> tuple[dict[str, Raw], pd.DataFrame]:
    """Damage every file; say what was planted where."""
    bench = {name: Bench(name, file.rows, rng) for name, file in raw.items()}
    facts = incident_facts(tables)
    trap_records.plant_persons(bench, facts, tables)
    _plant_incidents(bench["incidents"], facts)
    trap_records.plant_markers(bench["markers"])
    trap_records.plant_custody(bench["events"], tables)
    out = {name: file.with_rows(bench[name].finished()) for name, file in raw.items()}
    parts = []
    for name, one in bench.items():
        found = one.planted()
        found.insert(1, "file", FILES[name])
        parts.append(found)
    return out, pd.concat(parts, ignore_index=True)


def incident_facts(tables: Tables) -> pd.DataFrame:
    """What is true of each incident, on the clock on the wall; in the order of the export."""
    rows = tables.incidents
    facts = pd.DataFrame(
        {
            "person_id": rows["person_id"].astype(object),
            "reported": local(rows["reported_at"]),
            "seen": local(rows["missing_from_at"]),
            "ended": local(rows["ended_at"]),
        }
    )
    ordered = facts.sort_values(["person_id", "reported"], kind="stable")
    by_person = ordered.groupby("person_id")
    facts["before_ended"] = by_person["ended"].shift()
    facts["next_reported"] = by_person["reported"].shift(-1)
    facts["next"] = (
        pd.Series(ordered.index, index=ordered.index).groupby(ordered["person_id"]).shift(-1)
    )
    facts["number"] = by_person["reported"].transform("size")
    facts["day"] = facts["reported"].dt.normalize()
    facts["spell"] = facts["ended"] - facts["reported"]
    return facts


def _plant_incidents(bench: Bench, facts: pd.DataFrame) -> None:
    bench.rows[LOCATED] = bench.rows[LOCATED].mask(facts["ended"].isna(), OPEN_WORD)
    _clock_changes(bench, facts)
    _overlaps(bench, facts)
    _ends(bench, facts)
    _second_records(bench, facts)
    _dates(bench, facts)
    _midnights(bench, facts)
    _codes(bench)
    _not_reported(bench)
    bench.blank_rows(5)
    _unsure_times(bench)


def _stamp(time: pd.Timestamp) -> str:
    return time.strftime(TIME)


def _clock_changes(bench: Bench, facts: pd.DataFrame) -> None:
    """Reports and ends on the nights of clock changes, moved to the hour twice or never there."""
    days = pd.date_range("2015-01-01", "2020-01-01", freq="D")
    hours = (days + pd.Timedelta(days=1)).tz_localize(ZONE) - days.tz_localize(ZONE)
    for length, name in ((25, "clock_twice"), (23, "clock_never")):
        trap = Trap(f"{name}_moved", "a time that falls into the hour of a clock change")
        night = facts["day"].isin(days[hours == length * HOUR])
        fits = (facts["ended"] > facts["day"] + 3 * HOUR) | facts["ended"].isna()
        fits &= ~(facts["before_ended"] > facts["day"] + HOUR)
        fits &= ~(facts["seen"] > facts["day"] + HOUR)
        for key in bench.pick(night & fits, 6):
            minutes = int(bench.rng.integers(5, 55))
            at = facts.loc[key, "day"] + HOUR + pd.Timedelta(minutes=minutes)
            bench.write(key, REPORTED, _stamp(at))
            bench.note(key, trap)
        ended = facts["ended"].dt.normalize()
        fits = (facts["reported"] < ended) & ~(facts["next_reported"] < ended + 3 * HOUR)
        for key in bench.pick(ended.isin(days[hours == length * HOUR]) & fits, 6):
            at = ended[key] + HOUR + pd.Timedelta(minutes=int(bench.rng.integers(5, 55)))
            bench.write(key, LOCATED, _stamp(at))
            bench.note(key, trap)


def _overlaps(bench: Bench, facts: pd.DataFrame) -> None:
    """An incident closed late, after the person's next one had begun."""
    trap = Trap("closed_late", "closed while the same person's next incident ran", "I04", "", False)
    follows = facts["next"].dropna().astype(int)
    ends = facts["ended"].reindex(follows.to_numpy()).set_axis(follows.index)
    room = (ends - facts["next_reported"]) > 2 * HOUR
    near = facts["next_reported"] - facts["ended"] < pd.Timedelta(days=10)
    usable = room.reindex(facts.index, fill_value=False) & near & facts["ended"].notna()
    usable &= ~facts["next"].isin(list(bench.used))
    taken = 0
    for key in bench.pick(usable, 40):
        following = facts.loc[key, "next"]
        if taken == 10 or following in bench.used:
            bench.used.discard(key)
            continue
        bench.used.add(int(following))
        bench.write(key, LOCATED, _stamp(facts.loc[key, "next_reported"] + HOUR))
        bench.note(int(following), trap)
        taken += 1


def _ends(bench: Bench, facts: pd.DataFrame) -> None:
    """Ends that are not there or cannot be."""
    ended, follows = facts["ended"].notna(), facts["next"].notna()
    plain = Trap("open_last", "never closed; nothing follows", recoverable=False)
    for key in bench.pick(ended & ~follows, 12):
        bench.write(key, LOCATED, "")
        bench.note(key, plain)
    odd = Trap("open_followed", "never closed, yet reported again", "I05", "", False)
    for turn, key in enumerate(bench.pick(ended & follows, 12)):
        bench.write(key, LOCATED, OPEN_WORD if turn % 2 else "")
        bench.note(key, odd)
    before = Trap("ended_before_report", "located before the report", "I03", "", False)
    for key in bench.pick(ended & ~follows, 12):
        hours = int(bench.rng.integers(1, 20))
        bench.write(key, LOCATED, _stamp(facts.loc[key, "reported"] - hours * HOUR))
        bench.note(key, before)
    seen = Trap("seen_after_report", "last seen after the report", "I02", "", False)
    for key in bench.pick(facts["seen"].notna(), 15):
        hours = int(bench.rng.integers(1, 8))
        bench.write(key, LAST_SEEN, _stamp(facts.loc[key, "reported"] + hours * HOUR))
        bench.note(key, seen)


def _second_records(bench: Bench, facts: pd.DataFrame) -> None:
    """The same incident recorded twice, in four ways."""
    long = facts["spell"] > 3 * HOUR
    again = Trap("exact_duplicate", "the same row twice", "A02")
    for key in bench.pick(facts["ended"].notna(), 30):
        bench.note(bench.copy(key, {}, float(bench.rng.integers(1, 200)) + 0.5), again)
    changed = Trap("same_number", "the same number with another grade", "A03")
    for key in bench.pick(facts["ended"].notna(), 10):
        other = "L" if bench.rows.loc[key, CLOSURE] != "L" else "H"
        bench.note(bench.copy(key, {CLOSURE: other}, 60.5), changed)
    rekeyed = Trap("rekeyed", "keyed again under another number, minutes later", "I04")
    for key in bench.pick(long, 15):
        at = facts.loc[key, "reported"] + pd.Timedelta(minutes=int(bench.rng.integers(3, 21)))
        bench.note(_second_number(bench, key, at), rekeyed)
    moved = Trap("transferred", "recorded again where it was transferred to", "I04")
    for key in bench.pick(long, 12):
        share = bench.rng.uniform(0.2, 0.8)
        at = (facts.loc[key, "reported"] + share * facts.loc[key, "spell"]).floor("min")
        bench.note(_second_number(bench, key, at), moved)


def _second_number(bench: Bench, key: int, at: pd.Timestamp) -> int:
    number = f"{bench.rows.loc[key, NUMBER]}T"
    at += pd.Timedelta(minutes=int(at == at.normalize()))
    return bench.copy(key, {NUMBER: number, REPORTED: _stamp(at)}, 30.5)


def _dates(bench: Bench, facts: pd.DataFrame) -> None:
    """Dates that are not there or that no calendar knows."""
    every = pd.Series(True, index=facts.index)
    gone = Trap("no_report_date", "the time of the report is empty", "A01", "", False)
    for key in bench.pick(every, 3):
        bench.write(key, REPORTED, "")
        bench.note(key, gone)
    never = Trap(
        "no_such_date", "reported on the 31st of a short month", "A01", "reported_at", False
    )
    for key in bench.pick(every, 4):
        bench.write(key, REPORTED, f"31/11/{facts.loc[key, 'reported'].year} 10:15")
        bench.note(key, never)
    swapped = Trap("month_first", "last seen is written month first", "", "missing_from_at", False)
    for key in bench.pick(facts["seen"].dt.day > 12, 6):
        bench.write(key, LAST_SEEN, facts.loc[key, "seen"].strftime("%m/%d/%Y %H:%M"))
        bench.note(key, swapped)


def _not_reported(bench: Bench) -> None:
    """Note rows without a time of the report that say when the person was last seen."""
    trap = Trap("last_seen_only", "last seen is known, the report is not", "I09", "", False)
    lost = {key for key, _, one in bench.notes if one.rule == "A01"}
    for key in sorted(lost):
        if bench.rows.loc[key, LAST_SEEN]:
            bench.note(key, trap)


def _midnights(bench: Bench, facts: pd.DataFrame) -> None:
    """Reports of which only the day is known, as 00:00 or without a time."""
    fits = ~(facts["before_ended"] >= facts["day"])
    count = round(SHARE_MIDNIGHT * len(facts))
    midnight = Trap("midnight", "00:00 stands for an unknown time", "I01", "", False)
    for key in bench.pick(fits, count):
        bench.write(key, REPORTED, _stamp(facts.loc[key, "day"]))
        bench.note(key, midnight)
    day = Trap("date_only", "the report has a date and no time", "I01", "", False)
    for key in bench.pick(fits, 60):
        bench.write(key, REPORTED, facts.loc[key, "day"].strftime(DAY_FIRST))
        bench.note(key, day)


def _codes(bench: Bench) -> None:
    unlisted = Trap("unlisted_code", "a grade that the code book lacks", "", "risk_final", False)
    for key in bench.pick(bench.rows[CLOSURE] != "", 20):
        bench.write(key, CLOSURE, "S")
        bench.note(key, unlisted)


def _unsure_times(bench: Bench) -> None:
    """Note every clock time in the hour that is twice or never, whoever put it there."""
    for column in (REPORTED, LAST_SEEN, LOCATED):
        at = pd.to_datetime(bench.rows[column], format=TIME, errors="coerce")
        last_sunday = at.dt.day.ge(25) & at.dt.dayofweek.eq(6) & at.dt.hour.eq(1)
        for month, name in ((10, "clock_twice"), (3, "clock_never")):
            trap = Trap(name, f"{column}: clocks change within this hour")
            for key in at.index[last_sunday & at.dt.month.eq(month)]:
                bench.note(int(key), trap)
    _wrong_order(bench)


def _wrong_order(bench: Bench) -> None:
    """Note untouched rows that seem to run backwards, as the hour that is twice makes them."""
    said = {
        name: pd.to_datetime(bench.rows[name], format=TIME, errors="coerce")
        for name in (REPORTED, LAST_SEEN, LOCATED)
    }
    backwards = {
        "I02": said[LAST_SEEN] > said[REPORTED],
        "I03": said[LOCATED] < said[REPORTED],
    }
    for rule, odd in backwards.items():
        trap = Trap("clocks_went_back", "runs backwards on the clock", rule, "", False)
        for key in odd.index[odd & ~odd.index.isin(list(bench.used))]:
            bench.note(int(key), trap)
