"""A force file is proposed from names and shapes; no value gets into it."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from missing_lib.force.errors import ContractError
from missing_lib.force.intake import take_in
from missing_lib.force.new import Made, new_force, said
from missing_lib.force.peek import shape_of
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import ForceFile, read_force_file
from missing_lib.force.synonyms import NAMES, likeness
from tests.conftest import Tree, copy_sources
from tests.test_force_schema import complaints, loaded

#: Planted in every extract; neither the file nor the output may hold one.
CANARIES = ("Zephyrine", "Quillfeather", "07700900123", "QX-", "Amberley", "13/02/2016", "ZZTOP")


def write(path: Path, header: list[str], rows: list[list[str]], sign: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(sign.join(line) for line in [header, *rows]) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def proposed(tmp_path: Path, *files: Path, code: str = "mark") -> tuple[ForceFile, str, Made]:
    """The force file that is proposed: read, as text, and what is said about it."""
    made = new_force(tmp_path / "forces", code, list(files))
    text = made.path.read_text(encoding="utf-8")
    assert complaints(loaded(text)) == []
    for canary in CANARIES:
        assert canary not in text + "\n".join(said(made, code))
    return read_force_file(made.path), text, made


def incident_rows(number: int = 40, late: bool = True) -> list[list[str]]:
    """Report number, person, name, date, time, end, risk, note."""
    day = [13, 2, 28] if late else [1, 2, 3]
    return [
        [f"QX-{n}", f"N{n % 15}", "Zephyrine Quillfeather", f"{day[n % 3]:02}/02/2016",
         f"1{n % 10}:30", f"{day[n % 3]:02}/02/2016 23:{n % 50 + 10}", "HML"[n % 3], "07700900123"]
        for n in range(number)
    ]  # fmt: skip


HEADER = ["MISPER_ID", "NominalRef", "FULL NAME", "Date Reported (dd/mm)", "Time Reported",
          "Date/Time Returned", "Risk Level", "FREE_TEXT"]  # fmt: skip


def person_rows(number: int = 15) -> list[list[str]]:
    return [
        [f"N{n}", "Quillfeather", f"{n + 10}/06/200{n % 9}", "FM"[n % 2], "ZZTOP"]
        for n in range(number)
    ]


def test_two_files_in_the_words_of_a_force(tmp_path: Path) -> None:
    incidents = write(tmp_path / "x" / "misper export.csv", HEADER, incident_rows())
    persons = write(
        tmp_path / "x" / "nominals.csv",
        ["Nominal URN", "Surname", "DOB", "Gender", "Ethnic Appearance"],
        person_rows(),
        sign=";",
    )
    force, text, made = proposed(tmp_path, incidents, persons)
    source = force.sources["incidents"]
    columns = source.columns or {}
    assert {name: mapped.names for name, mapped in columns.items()} == {
        "incident_id": ("MISPER_ID",),
        "person_id": ("NominalRef",),
        "reported_at": ("Date Reported (dd/mm)", "Time Reported"),
        "ended_at": ("Date/Time Returned",),
        "risk_final": ("Risk Level",),
    }
    assert columns["reported_at"].format == ("%d/%m/%Y %H:%M", "%d/%m/%Y")
    assert columns["ended_at"].format == ("%d/%m/%Y %H:%M",)
    assert (columns["risk_final"].recode or {})["M"] == "medium"
    assert '# Columns that are not read here: "FULL NAME", "FREE_TEXT"' in text
    people = force.sources["persons"]
    assert people.delimiter == ";"
    assert (people.columns or {})["birth_date"].format == ("%d/%m/%Y",)
    assert "needs a recode" in text.split("ethnicity_officer: Ethnic Appearance")[0][-160:]
    assert (force.kind, force.name, made.left) == ("real", "Mark", ())
    assert (force.study.start.year, force.study.end.year) == (2016, 2016)
    with pytest.raises(ContractError) as caught:
        take_in(force, made.path.parent)
    (line, rows) = caught.value.problems
    assert "'Ethnic Appearance'" in line
    assert "list their codes under 'recode'" in line
    assert "rows that could not be read" in rows
    mended = text.replace(
        "ethnicity_officer: Ethnic Appearance",
        'ethnicity_officer: {column: Ethnic Appearance, recode: {"ZZTOP": not_stated}}',
    )
    made.path.write_text(mended, encoding="utf-8")
    accounts = take_in(read_force_file(made.path), made.path.parent).accounts
    assert accounts["rows_in"].tolist() == [15, 40]
    assert accounts["quarantined"].tolist() == [0, 0]


def test_one_flat_file_fills_incidents_and_persons(tmp_path: Path) -> None:
    rows = [[f"P{n % 9}", f"2016-03-{n + 1:02} 10:00", "2001-05-06"] for n in range(27)]
    file = write(tmp_path / "flat.csv", ["person", "reported", "birthdate"], rows)
    force, text, made = proposed(tmp_path, file)
    assert (force.sources["incidents"].columns or {})["incident_id"].names == ("person", "reported")
    assert "rows that agree are merged" in text
    taken = take_in(force, made.path.parent)
    assert len(taken.tables.persons) == 9
    assert len(taken.tables.incidents) == 27


def test_an_extract_in_canonical_words_works_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "canonical"
    tree = copy_sources(tmp_path / "tree")
    (tree.root / "forces").mkdir()
    write(folder / "persons.csv", ["person_id", "birth_date"], [["a", "2003-04-05"]])
    rows = [["1", "a", "2016-03-01T10:00:00Z"], ["2", "a", "2016-05-01T10:00:00Z"]]
    write(folder / "incidents.csv", ["incident_id", "person_id", "reported_at"], rows)
    files = [str(folder / name) for name in ("persons.csv", "incidents.csv")]
    done = tree.run("new", "east-mark", "--from", *files, "--name", "East Mark")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("then: missing-book check east-mark")
    text = (tree.root / "forces/east-mark/force.yml").read_text()
    assert "columns:" not in text
    assert "name: East Mark " in text
    checked = tree.run("check", "east-mark")
    assert checked.returncode == 0, checked.stderr
    assert "2 rows in = 2 kept" in checked.stdout
    again = tree.run("new", "east-mark", "--from", files[0])
    assert again.returncode == 2
    assert "is there already and stays as it is" in again.stderr
    assert (tree.root / "forces/east-mark/force.yml").read_text() == text


def test_every_table_is_found_by_its_names(tmp_path: Path) -> None:
    day = [f"{n + 1:02}/03/2016" for n in range(28)]
    files = [
        write(tmp_path / "a.csv", ["PersonID", "DateOfBirth"],
              [[f"p{n}", day[n]] for n in range(28)]),
        write(tmp_path / "b.csv", ["Incident No", "Person ID", "Reported DateTime"],
              [[f"i{n}", f"p{n}", f"{day[n]} 10:00"] for n in range(28)]),
        write(tmp_path / "c.csv", ["Person_Ref", "Warning Marker", "Date Recorded"],
              [[f"p{n}", "Amberley", day[n]] for n in range(28)]),
        write(tmp_path / "d.csv", ["NOMINAL_NO", "OFFENCE_TYPE", "OFFENCE_DATE"],
              [[f"p{n}", "Amberley", day[n]] for n in range(28)]),
        write(tmp_path / "e.csv", ["Person A ID", "Person B ID", "Link Type", "First Seen Date"],
              [[f"p{n}", f"p{n + 1}", "Amberley", day[n]] for n in range(27)]),
        write(tmp_path / "f.csv", ["colour", "shade"], [["Amberley", "ZZTOP"]]),
    ]  # fmt: skip
    random.Random(3).shuffle(files)
    force, text, made = proposed(tmp_path, *files)
    assert made.tables == {
        "persons": "a.csv", "incidents": "b.csv", "markers": "c.csv", "ties": "e.csv",
        "events": "d.csv",
    }  # fmt: skip
    assert made.left == ("f.csv",)
    assert '"f.csv" is not used: no name in its first row is known' in text
    assert "colour" not in text
    take_in(force, made.path.parent)


def test_one_event_with_several_people_makes_one_incident_each(tmp_path: Path) -> None:
    rows = [[str(n // 2), f"p{n}", f"{n % 28 + 1:02}/03/2016 10:00"] for n in range(56)]
    file = write(tmp_path / "a.csv", ["Occurrence No", "Person No", "Reported At"], rows)
    force, text, _ = proposed(tmp_path, file)
    mapped = (force.sources["incidents"].columns or {})["incident_id"]
    assert mapped.names == ("Occurrence No", "Person No")
    assert "one number stands for several people" in text


def test_ties_from_a_shared_number_are_proposed_as_a_comment(tmp_path: Path) -> None:
    rows = [[f"c{n // 3}", f"p{n % 7}", f"2016-03-{n + 1:02}T10:00:00Z"] for n in range(27)]
    names = ["custody_number", "detained_person", "detained_utc", "offence type"]
    custody = write(tmp_path / "custody.csv", names, [[*row, "ZZTOP"] for row in rows])
    reports = [[f"i{n}", f"p{n}", "2016-03-13 10:00"] for n in range(7)]
    incidents = write(tmp_path / "i.csv", ["incident_id", "person_id", "reported_at"], reports)
    _, text, made = proposed(tmp_path, incidents, custody)
    before, _, after = text.partition("  # ties:\n")
    block, rest = after.split("  # Not supplied", 1)
    taken = "  ties:\n" + block.replace("  # ", "  ")
    made.path.write_text(f"{before}{taken}  # Not supplied{rest}", encoding="utf-8")
    force = read_force_file(made.path)
    assert force.sources["ties"].shared is not None
    tables = take_in(force, made.path.parent).tables
    assert len(tables.ties) > 0
    assert len(tables.events) == 27


def test_what_was_not_found_is_named_by_the_check(tmp_path: Path) -> None:
    rows = [[str(n), f"{n + 1}/03/2016"] for n in range(28)]
    file = write(tmp_path / "a.csv", ["Incident No", "Date Reported"], rows)
    force, _, made = proposed(tmp_path, file)
    with pytest.raises(ContractError, match="no column 'NAME YOUR COLUMN HERE'"):
        take_in(force, made.path.parent)


@pytest.mark.parametrize(
    ("values", "formats", "order"),
    [
        (["13/02/2016", "01/03/2016"], ("%d/%m/%Y",), "sure"),
        (["02/13/2016", "03/01/2016"], ("%m/%d/%Y",), "sure"),
        (["02/03/2016", "03/01/2016"], ("%d/%m/%Y",), "unsure"),
        (["13/02/2016", "02/13/2016"], ("%d/%m/%Y",), "mixed"),
        (["13-Feb-16 9:05 PM"], ("%d-%b-%y %I:%M %p",), "sure"),
        (["13.02.2016 21:05:09"], ("%d.%m.%Y %H:%M:%S",), "sure"),
        (["2016-02-13T21:05:09.123Z"], ("%Y-%m-%dT%H:%M:%S.%f%z",), "sure"),
        (["13/02/2016 10:00", "14/02/2016 11:00", "15/02/2016"],
         ("%d/%m/%Y %H:%M", "%d/%m/%Y"), "sure"),
        (["20160213", "20170101"], ("%Y%m%d",), ""),
        (["42413", "42414.5"], ("excel",), ""),
        (["1999", "2001"], ("%Y",), ""),
        (["1999.0", "2001.0"], ("%Y.0",), ""),
        (["10:30", "23:59"], ("%H:%M",), ""),
        (["Amberley", "ZZTOP"], (), ""),
        (["", ""], (), ""),
    ],
)  # fmt: skip
def test_ways_of_writing_dates_are_told_by_their_shape(
    values: list[str], formats: tuple[str, ...], order: str
) -> None:
    shape = shape_of(values)
    assert (shape.formats, shape.order) == (formats, order)


def test_day_and_month_are_unsure_unless_a_value_shows_them(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", HEADER, incident_rows(late=False))
    _, text, _ = proposed(tmp_path, file)
    mark = "      # CHECK: no value shows whether day or month comes first\n"
    assert f"{mark}      reported_at:" in text
    assert f"{mark}      ended_at:" in text


def test_encoding_and_delimiter_are_proposed(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    rows = "".join(f"{n}\tp{n}\t13/03/2016 10:00\tMünster\n" for n in range(5))
    file.write_bytes(f"Incident No\tPerson No\tReported\tPlace of Straße\n{rows}".encode("cp1252"))
    force, text, _ = proposed(tmp_path, file)
    source = force.sources["incidents"]
    assert (source.encoding, source.delimiter) == ("cp1252", "\t")
    assert "CHECK: not UTF-8" in text
    assert '"Place of Straße"' in text


def test_typed_files_are_looked_at_as_they_are_read(tmp_path: Path) -> None:
    start = pd.Timestamp("2016-03-01 10:00")
    rows = pd.DataFrame(
        {
            "Incident No": range(28),
            "Person No": [f"p{n}" for n in range(28)],
            "Reported": [start + pd.Timedelta(days=n) for n in range(28)],
            "Surname": "Quillfeather",
        }
    )
    rows.to_parquet(tmp_path / "a.parquet")
    rows.to_excel(tmp_path / "b.xlsx", index=False)
    for name in ("a.parquet", "b.xlsx"):
        force, _, made = proposed(tmp_path, tmp_path / name, code=name[0])
        assert len(take_in(force, made.path.parent).tables.incidents) == 28


def test_odd_names_of_columns_are_read_back(tmp_path: Path) -> None:
    names = ["Incident: No #", "person 'id'", '"Reported\nAt"', "yes", "a {b}"]
    rows = [[str(n), f"p{n}", "13/03/2016 10:00", "x", "y"] for n in range(5)]
    file = write(tmp_path / "a, b #.csv", names, rows)
    force, _, made = proposed(tmp_path, file)
    columns = force.sources["incidents"].columns or {}
    assert columns["incident_id"].names == ("Incident: No #",)
    assert columns["reported_at"].names == ("Reported\nAt",)
    assert len(take_in(force, made.path.parent).tables.incidents) == 5


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "there is no file 'a.csv' at that place"),
        (b"", "'a.csv' is empty, not even a header"),
        (b"\n\n", "'a.csv' is empty, not even a header"),
        (b",,\nN1,M,x\n", "'a.csv': the first row is blank"),
        (b"Export of Amberley,,\nRef,Person,Reported\n1,2,3\n", "the first row looks like a title"),
        (
            b"QX-1,Zephyrine,13/02/2016\nQX-2,Quillfeather,14/02/2016\n",
            "looks like data, not names",
        ),
        (b"QX-1,Zephyrine,M\nQX-2,Quillfeather,M\n", "looks like data, not names"),
        (b"Zephyrine,Quillfeather\nAmberley,ZZTOP\n", "no name in the first rows is known"),
        (b"PK\x03\x04rest", "'a.csv' is a spreadsheet workbook"),
        (b"a\0b\n", "'a.csv' is not text"),
    ],
)
def test_a_file_that_cannot_be_looked_at(tmp_path: Path, content: bytes | None, what: str) -> None:
    file = tmp_path / "a.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ContractError) as caught:
        new_force(tmp_path / "forces", "mark", [file])
    (line,) = caught.value.problems
    assert what in line
    assert not [canary for canary in CANARIES if canary in line]
    assert not (tmp_path / "forces").exists()


def test_all_files_that_fail_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as caught:
        new_force(tmp_path, "mark", [tmp_path / "a.csv", tmp_path / "b.csv", tmp_path])
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("code", "said_"),
    [
        ("Mark 1", "'Mark 1' is no code of a force (did you mean 'mark-1'?)"),
        ("../x", "did you mean 'x'?"),
        ("", "'' is no code of a force: lower-case letters"),
        ("templates", "is the folder of the mapping templates"),
    ],
)
def test_a_code_that_cannot_be_one(tmp_path: Path, code: str, said_: str) -> None:
    with pytest.raises(ContractError) as caught:
        new_force(tmp_path, code, [tmp_path / "a.csv"])
    assert said_ in caught.value.problems[0]


def test_without_files_the_command_says_how(tmp_path: Path) -> None:
    tree = copy_sources(tmp_path)
    done = Tree(tree.root).run("new", "mark")
    assert (done.returncode, done.stderr) == (2, "name the files of the extract: --from FILE ...\n")


def test_every_canonical_column_has_synonyms_and_knows_itself() -> None:
    for table, columns in SCHEMA.items():
        assert list(NAMES[table]) == list(columns)
        for name in columns:
            assert likeness(name, table, name) == 1.0
            assert likeness(name.replace("_", " ").title(), table, name) > 0.5, (table, name)
