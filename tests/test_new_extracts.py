"""Extracts in many vocabularies and shapes go from ``new`` to ``check`` without a hand's edit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from missing_lib.force.intake import take_in
from missing_lib.force.proposal.new import new_force, said
from missing_lib.force.spec import read_force_file
from tests.made_extracts import Episode, World, episode_rows, person_rows, world, write
from tests.test_force_schema import complaints, loaded

MADE = world()
Accounts = dict[str, tuple[int, int, int, int]]
Names = tuple[str, ...]


def at(how: str) -> Callable[[Episode], str]:
    return lambda one: one.report.strftime(how)


def ended(how: str) -> Callable[[Episode], str]:
    return lambda one: one.end.strftime(how)


def born(how: str) -> Callable[[int, dt.date], str]:
    return lambda _, birth: birth.strftime(how)


def birth_of(how: str) -> Callable[[Episode], str]:
    return lambda one: MADE.births[one.person].strftime(how)


def number(prefix: str) -> Callable[[Episode], str]:
    return lambda one: f"{prefix}{one.number}"


def someone(prefix: str) -> Callable[[Episode], str]:
    return lambda one: f"{prefix}{one.person + 100}"


def them(prefix: str) -> Callable[[int, dt.date], str]:
    return lambda person, _: f"{prefix}{person + 100}"


def one_of(*codes: str) -> Callable[[Episode], str]:
    return lambda one: codes[one.number % len(codes)]


def each_of(*codes: str) -> Callable[[int, dt.date], str]:
    return lambda person, _: codes[person % len(codes)]


@dataclass(frozen=True)
class Case:
    """An extract, and what must become of it.

    Attributes
    ----------
    make : callable
        Writes the extract into a folder.
    persons, incidents : dict
        Canonical column to the extract's columns, exactly.
    accounts : dict
        Rows in, kept, merged, set aside.
    says : tuple of str
        What the force file says, in the words of its comments.
    lost : dict of str to int
        Canonical column of the incidents or persons to its missing values; others have none.
    left : tuple of str
        Files that fill nothing.
    in_utc : bool
        Whether its clocks are in UTC.
    until : str
        Last day of the study; the last month is left out where it has few rows.
    """

    name: str
    make: Callable[[Path], list[Path]]
    persons: dict[str, Names]
    incidents: dict[str, Names]
    says: tuple[str, ...] = ()
    lost: dict[str, int] = field(default_factory=dict)
    left: Names = ()
    in_utc: bool = False
    until: str = "2018-12-31"
    accounts: Accounts = field(
        default_factory=lambda: {"persons": (60, 60, 0, 0), "incidents": (400, 400, 0, 0)}
    )


FLAT: Accounts = {"persons": (400, 60, 340, 0), "incidents": (400, 400, 0, 0)}


def _two_files_of_another_country(folder: Path) -> list[Path]:
    """Months first, clock times with AM and PM apart, codes that nobody knows, late closures."""
    events = write(
        folder / "dockets.csv",
        ["docket uid", "subject uid", "happened", "lodged", "hour lodged", "closed on", "category"],
        episode_rows(MADE, number("7"), someone("S"), at("%m/%d/%Y"), at("%m/%d/%Y"),
                     at("%I:%M %p"),
                     lambda one: (one.end + dt.timedelta(days=150)).strftime("%m/%d/%Y"),
                     one_of("41", "42", "43")),
    )  # fmt: skip
    people = write(
        folder / "roster.csv",
        ["subject uid", "gender", "race", "yr of birth", "entry date"],
        person_rows(MADE, them("S"), each_of("FEMALE", "MALE", "QUX"), each_of("WHITE", "BLORP"),
                    born("%Y.0"), born("%Y-%m-%d")),
    )  # fmt: skip
    return [events, people]


def _stays(folder: Path) -> list[Path]:
    """One flat file of stays, cut at semicolons, in Windows letters."""
    rows = episode_rows(MADE, someone("K"), birth_of("%d.%m.%Y"),
                        lambda one: "mfd"[one.person % 3], at("%d.%m.%Y %H:%M"),
                        ended("%d.%m.%Y %H:%M"), one_of("Bööb", "Größl"))  # fmt: skip
    header = ["client_no", "born", "sex", "admission", "discharge", "ward"]
    return [write(folder / "stays.csv", header, rows, sign=";", encoding="cp1252")]


def _workbook(folder: Path) -> list[Path]:
    """Two sheets and a note in one workbook, with a title above a header."""
    book = openpyxl.Workbook()
    book.active.append(["Made up"])
    book.active.title = "Notes"
    sheet = book.create_sheet("Absences")
    for row in (["Register of absences"], [], ["Register no", "Pupil no", "Absence start",
                "Absence end", "In care?", "Risk grading"]):  # fmt: skip
        sheet.append(row)
    for one in MADE.episodes:
        grade = ("High", "Medium", "Standard", "Florp")[one.number % 4]
        told = ("Yes", "No", "Not recorded")[one.number % 3]
        sheet.append([one.number, one.person, one.report, one.end, told, grade])
    sheet = book.create_sheet("Pupils")
    sheet.append(["Pupil no", "Date of birth", "Gender"])
    for person, birth in enumerate(MADE.births):
        sheet.append([person, birth, ("Girl", "Boy")[person % 2]])
    folder.mkdir()
    book.save(folder / "register.xlsx")
    return [folder / "register.xlsx"]


def _parquet(folder: Path) -> list[Path]:
    """Typed values with a zone."""
    folder.mkdir()
    rows = pd.DataFrame(
        {
            "pid": [one.person for one in MADE.episodes],
            "episode_start": pd.to_datetime([one.report for one in MADE.episodes], utc=True),
            "episode_end": pd.to_datetime([one.end for one in MADE.episodes], utc=True),
            "dob": [MADE.births[one.person] for one in MADE.episodes],
            "harmed": [one.number % 9 == 0 for one in MADE.episodes],
            "town": [f"Blee {one.number % 50}" for one in MADE.episodes],
        }
    )
    rows.to_parquet(folder / "episodes.parquet")
    return [folder / "episodes.parquet"]


def _cryptic(folder: Path) -> list[Path]:
    """Names that say nothing, years of two digits, months in words."""
    rows = episode_rows(MADE, someone("q-"), at("%d-%b-%y"), at("%H:%M"), birth_of("%d-%b-%y"),
                        one_of("blah"))  # fmt: skip
    return [write(folder / "x.txt", ["SBJX", "D_A", "T_A", "D_B", "zzz"], rows, sign="\t")]


def _years(folder: Path) -> list[Path]:
    """A file for each year, and files that are of no use."""
    header = ["Occurrence", "Nominal", "Reported date", "Reported time", "Found date",
              "Found time", "Class"]  # fmt: skip
    cells = (number("OC"), someone("0"), at("%d/%m/%y"), at("%H%M"), ended("%d/%m/%y"),
             ended("%H%M"), one_of("MIS", "ABS"))  # fmt: skip
    files = [
        write(folder / f"occ_{year}.csv", header, episode_rows(
            World(MADE.births, [one for one in MADE.episodes if one.report.year == year]), *cells))
        for year in (2016, 2017, 2018)
    ]  # fmt: skip
    people = person_rows(MADE, them("0"), born("%d/%m/%y"), each_of("M", "F"),
                         each_of("W1", "B9", "A3", "Z9"))  # fmt: skip
    things = [[f"{n}", f"{n + 4000}", "car", "2016-01-02"] for n in range(20)]
    return [
        *files,
        write(folder / "nominals.csv", ["Nominal", "DOB", "Sex", "SDE"], people),
        write(folder / "codes.csv", ["letter", "shade"], [["MIS", "x"], ["ABS", "y"]]),
        write(folder / "vehicles.csv", ["vehicle id", "owner id", "type", "date"], things),
    ]


def _related(folder: Path) -> list[Path]:
    """Incidents, people, and a third file that says who was in which incident."""
    iso = "%Y-%m-%dT%H:%M:%SZ"
    rows = episode_rows(MADE, number("I"), at(iso), ended(iso), one_of("L", "M", "H"))
    links = episode_rows(MADE, number("I"), someone("P"), one_of("subject"))
    people = person_rows(MADE, them("P"), born("%b %d, %Y"), each_of("1", "2"))
    return [
        write(folder / "a.csv", ["inc_ref", "date_reported", "date_found", "risk"], rows),
        write(folder / "b.csv", ["inc_ref", "person_ref", "role"], links),
        write(folder / "c.csv", ["person_ref", "dob", "sex"], people),
    ]


def _several_files(folder: Path) -> list[Path]:
    """Who was in which case, several rows for some; cases; people; and two files beside."""
    rows = [
        [f"C{one.number}", f"S{one.person + 100}", f"kind {again}", f"S{one.number * 7 % 60 + 100}"]
        for one in MADE.episodes
        for again in range(1 + (one.number % 5 == 0))
    ]
    cases = episode_rows(MADE, number("C"), at("%Y-%m-%d"), at("%Y-%m-%d"))
    people = person_rows(MADE, them("S"), each_of("FEMALE", "MALE"), born("%Y"))
    units = person_rows(MADE, them("S"), each_of("1", "2", "3"), each_of("2010-01-05"))
    prizes = episode_rows(MADE, number("9"), someone("S"), one_of("2014-02-03", "2014-05-06"))
    return [
        write(folder / "named.csv", ["case_id", "SUID", "kind", "handler_id"], rows),
        write(folder / "cases.csv", ["case_id", "incident_date", "complaint_date"], cases),
        write(folder / "people.csv", ["SUID", "gender", "birth_year"], people),
        write(folder / "units.csv", ["SUID", "unit", "unit_start_date"], units * 3),
        write(folder / "prizes.csv", ["prize_id", "SUID", "prize_date"], prizes),
    ]


def _serials(folder: Path) -> list[Path]:
    """Day numbers of a spreadsheet, and people whose numbers do not agree."""
    zero = dt.datetime(1899, 12, 30)

    def serial(moment: dt.datetime) -> str:
        return f"{(moment - zero).total_seconds() / 86400:.6f}"

    rows = episode_rows(MADE, number(""), lambda one: f"{one.person + 300}.0",
                        lambda one: serial(one.report), lambda one: serial(one.end))  # fmt: skip
    people = person_rows(MADE, lambda person, _: f"{person + 300}", each_of("1", "2"))
    header = ["event number", "subject number", "date reported", "date returned"]
    return [
        write(folder / "ev.csv", header, rows),
        write(folder / "su.csv", ["subject number", "sex"], people),
    ]


def _disagreeing(folder: Path) -> list[Path]:
    """One flat file in which people's rows differ: a little in sex, always in the town."""
    rows = episode_rows(
        MADE, number("R"), someone("C"), at("%B %d, %Y"), birth_of("%Y%m%d"),
        lambda one: "male" if one.number == 200 else "female", one_of("White", "Black", "Fleeb"),
    )  # fmt: skip
    header = ["record id", "child ref", "reported on", "birthday", "gender", "officer ethnicity"]
    return [write(folder / "flat.csv", header, rows, sign="|")]


CASES = [
    Case(
        "two files of another country",
        _two_files_of_another_country,
        {"person_id": ("subject uid",), "birth_date": ("yr of birth",), "sex": ("gender",),
         "ethnicity_self": ("race",)},
        {"incident_id": ("docket uid",), "person_id": ("subject uid",),
         "reported_at": ("lodged", "hour lodged"), "category": ("category",)},
        ("none of your codes is among these usual ones, so all become missing",
         "'closed on' could be ended_at, but about ",
         "in 100 incidents begin before the person's last has ended",
         "Codes that are not listed become missing: list yours"),
        {"sex": 20, "ethnicity_self": 30, "category": 400},
    ),
    Case(
        "stays",
        _stays,
        {"person_id": ("client_no",), "birth_date": ("born",), "sex": ("sex",)},
        {"incident_id": ("client_no", "admission"), "person_id": ("client_no",),
         "reported_at": ("admission",), "ended_at": ("discharge",)},
        ("not UTF-8, so probably this", "made from person and report"),
        {"sex": 20},
        accounts=FLAT,
    ),
    Case(
        "a workbook",
        _workbook,
        {"person_id": ("Pupil no",), "birth_date": ("Date of birth",), "sex": ("Gender",)},
        {"incident_id": ("Register no",), "person_id": ("Pupil no",),
         "reported_at": ("Absence start",), "ended_at": ("Absence end",),
         "risk_final": ("Risk grading",), "from_care": ("In care?",)},
        ("the row with the names", "the time of going missing stands for it"),
        {"risk_final": 100, "from_care": 133},
        left=("register.xlsx, Notes",),
    ),
    Case(
        "a Parquet file",
        _parquet,
        {"person_id": ("pid",), "birth_date": ("dob",)},
        {"incident_id": ("pid", "episode_start"), "person_id": ("pid",),
         "reported_at": ("episode_start",), "ended_at": ("episode_end",), "harm": ("harmed",)},
        ("the name may mean something else",),
        in_utc=True,
        accounts=FLAT,
    ),
    Case(
        "cryptic names",
        _cryptic,
        {"person_id": ("SBJX",), "birth_date": ("D_B",)},
        {"incident_id": ("SBJX", "D_A", "T_A"), "person_id": ("SBJX",),
         "reported_at": ("D_A", "T_A")},
        ("taken because its values repeat as those of people would",
         "taken because it lies as long before the reports as births do",
         "taken because it is the earliest of the best filled dates",
         "00 to 68 as 2000 to 2068"),
        accounts=FLAT,
    ),
    Case(
        "a file a year",
        _years,
        {"person_id": ("Nominal",), "birth_date": ("DOB",), "sex": ("Sex",),
         "ethnicity_self": ("SDE",)},
        {"incident_id": ("Occurrence",), "person_id": ("Nominal",),
         "reported_at": ("Reported date", "Reported time"),
         "ended_at": ("Found date", "Found time"), "category": ("Class",)},
        ('"codes.csv" is not used: no name in its first row is known',
         '"vehicles.csv" is not used: its columns were not recognised as those of a table; seen '
         "were dates ('date')"),
        {"ethnicity_self": 15},
        left=("codes.csv", "vehicles.csv"),
    ),
    Case(
        "people and incidents related by a third file",
        _related,
        {"person_id": ("person_ref",), "birth_date": ("dob",), "sex": ("sex",)},
        {"incident_id": ("inc_ref",), "person_id": ("person_ref",),
         "reported_at": ("date_reported",), "ended_at": ("date_found",),
         "risk_final": ("risk",)},
        ("each row is taken for a missing person",),
        in_utc=True,
    ),
    Case(
        "several files, two of them beside the point",
        _several_files,
        {"person_id": ("SUID",), "birth_date": ("birth_year",), "sex": ("gender",)},
        {"incident_id": ("case_id",), "person_id": ("SUID",),
         "reported_at": ("complaint_date",), "category": ("kind",)},
        ("joined, as no file has both", "it is blank or stands twice in some rows",
         "taken because its values occur in 'SUID'"),
        {"category": 400},
        left=("units.csv", "prizes.csv"),
        until="2018-11-30",
        accounts={"persons": (60, 60, 0, 0), "incidents": (480, 400, 80, 0)},
    ),
    Case(
        "day numbers",
        _serials,
        {"person_id": ("subject number",)},
        {"incident_id": ("event number",), "person_id": ("subject number",),
         "reported_at": ("date reported",), "ended_at": ("date returned",)},
        ("the people of 'su.csv' are not those of 'ev.csv', so people are taken from the incidents",
         "they would agree without .0 and leading zeros",
         "day numbers of a spreadsheet",
         "without birth dates nobody counts as a child or an adult"),
        left=("su.csv",),
        accounts=FLAT,
    ),
    Case(
        "people who disagree",
        _disagreeing,
        {"person_id": ("child ref",), "birth_date": ("birthday",), "sex": ("gender",)},
        {"incident_id": ("record id",), "person_id": ("child ref",),
         "reported_at": ("reported on",)},
        ("their first row counts, the others are set aside here (rule A03)",
         "'officer ethnicity' could be ethnicity_officer, but differs between rows of the same"
         " person"),
        accounts={"persons": (400, 60, 339, 1), "incidents": (400, 400, 0, 0)},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_extract_of_any_vocabulary_is_taken_in_untouched(case: Case, tmp_path: Path) -> None:
    files = case.make(tmp_path / "extract")
    made = new_force(tmp_path / "forces", "mark", files)
    text = made.path.read_text(encoding="utf-8")
    assert complaints(loaded(text)) == []
    force = read_force_file(made.path)
    columns = {table: force.sources[table].columns or {} for table in ("persons", "incidents")}
    assert set(force.sources) == {"persons", "incidents"}
    for table, wanted in (("persons", case.persons), ("incidents", case.incidents)):
        assert {name: one.names for name, one in columns[table].items()} == wanted
    comments = " ".join(line.strip("# ") for line in text.splitlines())
    for words in case.says:
        assert words in comments
    assert made.left == case.left
    taken = take_in(force, made.path.parent)
    accounts = {one.table: tuple(one[2:]) for one in taken.accounts.itertuples()}
    assert accounts == case.accounts
    tables = taken.tables
    lost = {
        name: int(tables[table][name].isna().sum())
        for table in ("persons", "incidents")
        for name in columns[table]
    }
    assert lost == dict.fromkeys(lost, 0) | case.lost
    assert (f"{force.study.start}", f"{force.study.end}") == ("2016-01-01", case.until)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reports_and_births_are_read_as_they_were_meant(case: Case, tmp_path: Path) -> None:
    made = new_force(tmp_path / "forces", "mark", case.make(tmp_path / "extract"))
    force = read_force_file(made.path)
    tables = take_in(force, made.path.parent).tables
    clock = "UTC" if case.in_utc else force.time_zone
    reports = tables.incidents["reported_at"].dt.tz_convert(clock).dt.date
    assert sorted(reports) == sorted(one.report.date() for one in MADE.episodes)
    births = tables.persons["birth_date"].dropna()
    if len(births):
        assert sorted(births.dt.year) == sorted(birth.year for birth in MADE.births)


def test_no_value_of_an_extract_is_written(tmp_path: Path) -> None:
    for place, case in enumerate(CASES):
        files = case.make(tmp_path / str(place))
        made = new_force(tmp_path / "forces", f"mark-{place}", files)
        text = "\n".join([made.path.read_text(encoding="utf-8"), *said(made, "mark")])
        for value in ("Blee", "BLORP", "QUX", "Florp", "Fleeb", "Z9", "subject,", "Größl", "S101"):
            assert value not in text, (case.name, value)
