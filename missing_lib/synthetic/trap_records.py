"""Which traps are planted in Northshire's files of persons, markers and custody."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.tables import Tables
from missing_lib.synthetic.damage import Bench, Trap
from missing_lib.synthetic.export import DAY_FIRST, serial
from missing_lib.synthetic.hawkes_world import LAST_DATE

#: The day on which the police system of today was filled from the one before.
SYSTEM_START = pd.Timestamp("2013-04-01")
#: Numbers of this size belong to nobody in the file of persons.
STRANGER = 9_000_000
#: Birth dates that nobody can have, and how many do.
IMPOSSIBLE_BIRTHS = {"01/01/1900": 22, "01/01/1901": 4, "14/07/2051": 5, "03/02/1890": 2}
#: What stands for "no custody number", and how many people share it.
NO_NUMBER, WITHOUT_NUMBER = "C/00000", 26


def plant_persons(bench: dict[str, Bench], facts: pd.DataFrame, tables: Tables) -> None:
    """Damage the nominal export, and what depends on it in the other files."""
    persons = bench["persons"]
    key_of = pd.Series(persons.rows.index, index=persons.rows["NOMINAL_REF"])
    _split(bench, facts, key_of)
    _not_there(bench, facts, key_of)
    _moved_away(bench, facts, key_of)
    _births(persons, facts, key_of, tables)
    _windows(persons)
    _second_rows(persons)
    other = Trap("declared_otherwise", "a sex code that the force file maps as 'otherwise'")
    for key in persons.pick(persons.rows["GENDER"].isin(["F", "M"]), 10):
        persons.write(key, "GENDER", "X9")
        persons.note(key, other)
    persons.blank_rows(4)


def _rows_of(facts: pd.DataFrame, person: str) -> list[int]:
    return [int(k) for k in facts.index[facts["person_id"] == person]]


def _split(bench: dict[str, Bench], facts: pd.DataFrame, key_of: pd.Series) -> None:
    """Children under two numbers: the later half of the incidents stands under the second."""
    trap = Trap("split_person", "one person under two numbers", recoverable=False)
    persons, incidents = bench["persons"], bench["incidents"]
    repeaters = key_of[facts.loc[facts["number"] >= 3, "person_id"].unique()]
    eligible = pd.Series(persons.rows.index.isin(repeaters), index=persons.rows.index)
    for turn, key in enumerate(persons.pick(eligible, 14)):
        person = str(persons.rows.loc[key, "NOMINAL_REF"])
        number = f"{STRANGER - 1_000 + turn}"
        persons.note(persons.copy(key, {"NOMINAL_REF": number}, 400.5), trap)
        rows = _rows_of(facts, person)
        incidents.used.update(rows)
        for row in rows[len(rows) // 2 :]:
            incidents.write(row, "Nominal", number)
            incidents.note(row, trap)


def _not_there(bench: dict[str, Bench], facts: pd.DataFrame, key_of: pd.Series) -> None:
    """Persons with incidents whom the nominal export leaves out."""
    trap = Trap("not_in_nominals", "a person whom the nominal export lacks", "A04", "", False)
    persons, incidents, flags = bench["persons"], bench["incidents"], bench["markers"]
    arrested = set(bench["events"].rows["detained_person"])
    few = [p for p in facts.loc[facts["number"] <= 2, "person_id"].unique() if p not in arrested]
    eligible = pd.Series(persons.rows.index.isin(key_of[few]), index=persons.rows.index)
    for key in persons.pick(eligible, 8):
        person = str(persons.rows.loc[key, "NOMINAL_REF"])
        persons.drop(key)
        for row in _rows_of(facts, person):
            incidents.used.add(row)
            incidents.note(row, trap)
        held = flags.rows.index[flags.rows["Child police ref"] == person]
        for row in held:
            flags.used.add(int(row))
            flags.note(int(row), trap)


def _moved_away(bench: dict[str, Bench], facts: pd.DataFrame, key_of: pd.Series) -> None:
    """Persons who are said to have left before their last report."""
    trap = Trap(
        "left_before_report", "reported after the day of leaving the area", "I06", "", False
    )
    persons, incidents = bench["persons"], bench["incidents"]
    last = facts[facts["next"].isna() & ~facts.index.isin(list(incidents.used))]
    last = last[~(last["before_ended"] >= last["day"])]
    stays = persons.rows["RESIDENT_TO"] == ""
    eligible = stays & persons.rows["NOMINAL_REF"].isin(last["person_id"])
    for key in persons.pick(eligible, 8):
        (row,) = last.index[last["person_id"] == persons.rows.loc[key, "NOMINAL_REF"]]
        left = last.loc[row, "day"] - pd.Timedelta(days=1)
        persons.write(key, "RESIDENT_TO", left.strftime(DAY_FIRST))
        incidents.used.add(int(row))
        incidents.note(int(row), trap)


def _births(persons: Bench, facts: pd.DataFrame, key_of: pd.Series, tables: Tables) -> None:
    """Birth dates that cannot be, that nobody knows, and that hide behind a plausible one."""
    rows = persons.rows
    known = rows["DOB"] != ""
    for text, count in IMPOSSIBLE_BIRTHS.items():
        trap = Trap("impossible_birth", "birth date a placeholder or impossible", "P01", "", False)
        for key in persons.pick(known, count):
            persons.write(key, "DOB", text)
            persons.note(key, trap)
    late = Trap("born_after_report", "born after the first report", "P03", "", False)
    last = facts.groupby("person_id")["day"].max()
    last = last[last < LAST_DATE - pd.Timedelta(days=120)]
    for key in persons.pick(known & rows["NOMINAL_REF"].isin(last.index), 3):
        born = last[rows.loc[key, "NOMINAL_REF"]] + pd.Timedelta(days=60)
        persons.write(key, "DOB", born.strftime(DAY_FIRST))
        persons.note(key, late)
    for text, count in (("NK", 6), ("31/02/2004", 3)):
        trap = Trap("unreadable_birth", "birth date in no calendar", "", "birth_date", False)
        for key in persons.pick(known, count):
            persons.write(key, "DOB", text)
            persons.note(key, trap)
    spike = Trap("first_of_january", "only the year of birth is known", "P05", "", False)
    for key in persons.pick(known, 40):
        persons.write(key, "DOB", f"01/01/{rows.loc[key, 'DOB'][-4:]}")
        persons.note(key, spike)
    born = tables.persons["birth_date"].reindex(rows.index)
    swapped = Trap("month_first", "birth date written month first, readable", recoverable=False)
    for key in persons.pick(known & born.dt.day.le(12) & born.dt.day.ne(born.dt.month), 8):
        persons.write(key, "DOB", born[key].strftime("%m/%d/%Y"))
        persons.note(key, swapped)
    _other_ages(persons, facts)
    _new_year(persons)


def _other_ages(persons: Bench, facts: pd.DataFrame) -> None:
    """Birth dates that are years off, as the age in each report shows."""
    trap = Trap("other_age", "birth date four years off the age in the reports", "P04", "", False)
    reported = persons.rows["NOMINAL_REF"].isin(facts["person_id"])
    dated = persons.rows["DOB"].str.fullmatch(r"(?!01/01)(?!29/02)\d\d/\d\d/\d{4}")
    for key in persons.pick(reported & dated, 9):
        day, year = persons.rows.loc[key, "DOB"][:6], int(persons.rows.loc[key, "DOB"][6:])
        persons.write(key, "DOB", f"{day}{year - 4}")
        persons.note(key, trap)


def _new_year(persons: Bench) -> None:
    """Note those who are said to be born on 1 January, as far as nothing else is wrong."""
    trap = Trap("born_on_new_year", "born on 1 January, as some people are", "P05")
    noted = {key for key, _, one in persons.notes if one.rule.startswith("P0")}
    text = persons.rows["DOB"]
    for key in text.index[text.str.startswith("01/01/") & ~text.isin(list(IMPOSSIBLE_BIRTHS))]:
        if key not in noted:
            persons.note(int(key), trap)


def _windows(persons: Bench) -> None:
    rows = persons.rows
    backwards = Trap("window_backwards", "left the area before coming to it", "P02", "", False)
    for key in persons.pick(rows["RESIDENT_TO"] != "", 5):
        persons.write(key, "RESIDENT_TO", "01/01/2001")
        persons.note(key, backwards)
    trap = Trap("system_start", "resident since the day the system was filled", recoverable=False)
    since = pd.to_datetime(rows["RESIDENT_FROM"], format=DAY_FIRST)
    for key in persons.pick(since < SYSTEM_START, 250):
        persons.write(key, "RESIDENT_FROM", SYSTEM_START.strftime(DAY_FIRST))
        persons.note(key, trap)


def _second_rows(persons: Bench) -> None:
    every = pd.Series(True, index=persons.rows.index)
    again = Trap("exact_duplicate", "the same row twice", "A02")
    for key in persons.pick(every, 12):
        persons.note(persons.copy(key, {}, 90.5), again)
    changed = Trap("same_number", "the same number with another sex", "A03")
    for key in persons.pick(every, 6):
        other = "M" if persons.rows.loc[key, "GENDER"] == "F" else "F"
        persons.note(persons.copy(key, {"GENDER": other}, 50.5), changed)
    nobody = Trap("no_number", "a row without the number of the person", "A01")
    for key in persons.pick(every, 2):
        persons.note(persons.copy(key, {"NOMINAL_REF": ""}, 10.5), nobody)


def plant_markers(flags: Bench) -> None:
    """Damage the file of the children's services."""
    every = pd.Series(True, index=flags.rows.index)
    again = Trap("exact_duplicate", "the same row twice", "A02")
    for key in flags.pick(every, 20):
        flags.note(flags.copy(key, {}, 25.5), again)
    stranger = Trap("not_in_nominals", "a person whom the nominal export lacks", "A04")
    for turn, key in enumerate(flags.pick(every, 15)):
        number = f"{STRANGER + turn}"
        flags.note(flags.copy(key, {"Child police ref": number}, 70.5), stranger)
    backwards = Trap("flag_backwards", "a flag that ends before it begins", "M01", "", False)
    for key in flags.pick(flags.rows["Start"].astype(int) > 40_000, 6):
        flags.write(key, "End", str(int(flags.rows.loc[key, "Start"]) - 300))
        flags.note(key, backwards)
    wounds = (
        (Trap("no_date", "the flag has no date", "A01", "", False), "Start", "", 5),
        (Trap("typed_date", "a typed date among day numbers", "A01", "known_from", False),
         "Start", "12/05/2014", 4),
        (Trap("unlisted_code", "a flag that nobody listed", "A01", "marker", False),
         "Flag", "ZZ", 4),
    )  # fmt: skip
    for trap, column, text, count in wounds:
        for key in flags.pick(every, count):
            flags.write(key, column, text)
            flags.note(key, trap)
    (start,) = serial(pd.Series([SYSTEM_START]))
    trap = Trap("system_start", "flagged since the day the system was filled", recoverable=False)
    early = pd.to_numeric(flags.rows["Start"], errors="coerce") < int(start)
    for key in flags.pick(early & (flags.rows["End"] == ""), 40):
        flags.write(key, "Start", start)
        flags.note(key, trap)
    flags.blank_rows(3)


def plant_custody(custody: Bench, tables: Tables) -> None:
    """Damage the custody log, which gives arrests and, by shared numbers, ties."""
    rows = custody.rows.copy()
    size = rows.groupby("custody_number")["detained_person"].transform("size")
    _seen_again(custody)
    alone = size == 1
    again = Trap("exact_duplicate", "the same row twice", "A02")
    for key in custody.pick(alone, 15):
        custody.note(custody.copy(key, {}, 3.5), again)
    stranger = Trap("not_in_nominals", "a person whom the nominal export lacks", "A04")
    for turn, key in enumerate(custody.pick(alone, 10)):
        new = custody.copy(key, {"detained_person": f"{STRANGER + 500 + turn}"})
        custody.note(new, stranger)
        custody.note(new, stranger, "ties")
    once = alone & ~rows["detained_person"].duplicated()
    shared = Trap("placeholder_number", "no custody number, shared by many")
    for key in custody.pick(once, WITHOUT_NUMBER):
        custody.write(key, "custody_number", NO_NUMBER)
        custody.note(key, shared, "ties")
    empty = Trap("no_number", "no custody number at all")
    for key in custody.pick(once, 5):
        custody.write(key, "custody_number", "")
        custody.note(key, empty, "ties")
    day = pd.to_datetime(tables.events["occurred_at"])
    differs = day.dt.tz_convert("Europe/London").dt.date != day.dt.date
    early = Trap("utc_day", "the day in UTC is the one before the local day")
    for key in rows.index[differs.to_numpy() & (size > 1).to_numpy()]:
        custody.note(int(key), early, "ties")
    custody.blank_rows(2)


def _seen_again(custody: Bench) -> None:
    """Note pairs that share a second custody number."""
    trap = Trap("seen_again", "the same pair arrested together again", "T03")
    groups = custody.rows.groupby("custody_number")["detained_person"].agg(
        lambda people: tuple(sorted(people))
    )
    groups = groups[groups.map(len) > 1]
    first = custody.rows.drop_duplicates("custody_number").set_index("custody_number")
    key_of = pd.Series(custody.rows.index, index=custody.rows["custody_number"])
    key_of = key_of[~key_of.index.duplicated()]
    when = pd.to_datetime(first["detained_utc"].reindex(groups.index))
    ordered = groups.loc[when.sort_values(kind="stable").index]
    for number in ordered.index[ordered.duplicated()]:
        custody.note(int(key_of[number]), trap, "ties")
