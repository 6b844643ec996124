"""A force file is proposed from names and shapes; no value gets into it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from missing_lib.force.errors import ContractError
from missing_lib.force.intake import take_in
from missing_lib.force.proposal.new import Made, new_force, said
from missing_lib.force.proposal.shapes import shape_of
from missing_lib.force.proposal.synonyms import NAMES, likeness
from missing_lib.force.proposal.when import overlapping
from missing_lib.force.proposal.written import force_text
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import ForceFile, read_force_file
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
         f"1{n % 10}:{n % 40 + 10}", f"{day[n % 3]:02}/02/2016 1{n % 10}:{n % 40 + 11}",
         "HML"[n % 3], "07700900123"]
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
    assert "none of your codes is among these usual ones, so all become missing" in text
    assert (force.kind, force.name, made.left) == ("real", "Mark", ())
    assert (f"{force.study.start}", f"{force.study.end}") == ("2016-02-01", "2016-02-29")
    taken = take_in(force, made.path.parent)
    caveat, alone = taken.caveats
    assert alone.startswith("persons: fewer than 10 people have no incident")
    assert "(your 'Ethnic Appearance'): 15 rows with a code that 'recode' does not list" in caveat
    assert taken.accounts["rows_in"].tolist() == [15, 40]
    assert taken.accounts["quarantined"].tolist() == [0, 0]


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
    assert done.stdout.splitlines()[-1].endswith("and missing-book build east-mark")
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
        (["Jan 5, 2016", "Feb 12, 2016"], ("%b %d, %Y",), "sure"),
        (["5 January 2016", "12 March 2016"], ("%d %B %Y",), "sure"),
        (["Tue 05 Jan 2016"], ("%a %d %b %Y",), "sure"),
        (["05-JAN-16"], ("%d-%b-%y",), "sure"),
        (["05JAN2016:10:30:00"], ("%d%b%Y:%H:%M:%S",), "sure"),
        (["2016-01-05 10:00:00 UTC"], ("%Y-%m-%d %H:%M:%S %Z",), "sure"),
        (["2016-01-05 10:00:00 +01:00"], ("%Y-%m-%d %H:%M:%S %z",), "sure"),
        (["201601051030"], ("%Y%m%d%H%M",), ""),
        (["1451989800", "1451989801"], (), ""),
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
    mark = (
        "      # CHECK: no value shows whether day or month comes first; read with the day first\n"
    )
    assert f"{mark}      reported_at:" in text
    assert f"{mark}      ended_at:" in text


def test_day_and_month_are_taken_from_another_column_of_the_file(tmp_path: Path) -> None:
    rows = [[f"i{n}", f"p{n % 9}", f"{n % 9 + 1:02}/02/2016", f"02/{n + 1:02}/2016"]
            for n in range(28)]  # fmt: skip
    names = ["incident no", "person no", "date of birth", "date reported"]
    force, text, _ = proposed(tmp_path, write(tmp_path / "a.csv", names, rows))
    assert (force.sources["persons"].columns or {})["birth_date"].format == ("%m/%d/%Y",)
    assert "read with the month first" in text


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


def test_a_title_above_the_header_is_skipped(tmp_path: Path) -> None:
    lines = ["Export of Amberley,,", ",,", "Ref,Person,Reported"]
    lines += [f"r{n},p{n % 7},{n + 1}/03/2016" for n in range(28)]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    force, _, made = proposed(tmp_path, tmp_path / "a.csv")
    assert force.sources["incidents"].header_row == 3
    assert len(take_in(force, made.path.parent).tables.incidents) == 28


def test_what_cannot_be_read_as_a_date_is_said(tmp_path: Path) -> None:
    rows = [[f"r{n}", f"p{n % 7}", f"{n + 1}/03/2016", "1451989800", "Amberley"] for n in range(28)]
    names = ["incident no", "person no", "date reported", "date found", "last seen"]
    force, text, made = proposed(tmp_path, write(tmp_path / "a.csv", names, rows))
    comments = " ".join(line.strip("# ") for line in text.splitlines())
    assert "'date found' could be ended_at, but holds seconds since 1970" in comments
    assert "'last seen' could be missing_from_at, but holds no way of writing dates" in comments
    assert len(take_in(force, made.path.parent).tables.incidents) == 28


def test_people_without_a_number_and_names_that_stand_twice_are_said(tmp_path: Path) -> None:
    rows = [[f"r{n}", f"p{n % 7}" if n % 5 else "UNKNOWN", f"{n + 1}/03/2016", "x", "y"]
            for n in range(28)]  # fmt: skip
    names = ["incident no", "person no", "date reported", "notes", "notes"]
    _, text, _ = proposed(tmp_path, write(tmp_path / "a.csv", names, rows))
    assert "a word such as unknown stands in some rows, which then count as one person" in text
    assert 'several columns have one name and are not read: "notes"' in text


def test_months_with_few_reports_at_the_ends_are_left_out_of_the_study(tmp_path: Path) -> None:
    days = [f"{n % 28 + 1:02}/{n // 40 % 9 + 2:02}/2016" for n in range(360)]
    rows = [[f"r{n}", f"p{n % 50}", day] for n, day in enumerate([*days, "05/06/2011"])]
    names = ["incident no", "person no", "date reported"]
    force, text, _ = proposed(tmp_path, write(tmp_path / "a.csv", names, rows))
    assert (f"{force.study.start}", f"{force.study.end}") == ("2016-02-01", "2016-10-31")
    comments = " ".join(line.strip("# ") for line in text.splitlines())
    assert "Reports before and after, in months with few of them, are not counted" in comments


def test_every_row_of_a_long_file_is_looked_at(tmp_path: Path) -> None:
    rows = [[f"r{n}", f"p{n % 900}", f"2016-{n // 5000 + 1:02}-{n % 28 + 1:02}"]
            for n in range(60_000)]  # fmt: skip
    rows[-1][0] = "r0"
    names = ["incident no", "person no", "date reported"]
    force, text, _ = proposed(tmp_path, write(tmp_path / "a.csv", names, rows))
    assert (f"{force.study.start}", f"{force.study.end}") == ("2016-01-01", "2016-12-31")
    assert "one number stands for several people" in text


@pytest.mark.parametrize("seed", range(3))
def test_overlaps_are_those_of_a_search_through_all_pairs(seed: int) -> None:
    draw = random.Random(seed)
    rows = pd.DataFrame(
        {
            "person": [draw.randrange(6) for _ in range(60)],
            "report": [pd.Timestamp("2016-01-01") + pd.Timedelta(hours=9 * n) for n in range(60)],
        }
    )
    ends = rows["report"] + pd.to_timedelta([draw.randrange(200) for _ in range(60)], unit="h")
    within = [
        any(rows["person"][a] == rows["person"][b] and ends[a] > rows["report"][b]
            for a in range(b))
        for b in range(60)
    ]  # fmt: skip
    assert overlapping(rows["person"], rows["report"], ends) == sum(within) / 60 > 0


def test_a_run_that_is_killed_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a.csv", HEADER, incident_rows())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("missing_lib.force.proposal.new._into_place", killed)
    with pytest.raises(KeyboardInterrupt):
        new_force(tmp_path / "forces", "mark", [file])
    assert list((tmp_path / "forces/mark").iterdir()) == []
    monkeypatch.undo()
    _, text, made = proposed(tmp_path, file)
    assert [path.name for path in made.path.parent.iterdir()] == ["force.yml"]
    assert text.endswith("say so.\n")


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    file = write(tmp_path / "a.csv", HEADER, incident_rows())
    path = tmp_path / "forces/mark/force.yml"
    text_of = force_text

    def slow(*given: Any) -> str:
        path.parent.mkdir(parents=True)
        path.write_text("of another", encoding="utf-8")
        return text_of(*given)

    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("missing_lib.force.proposal.new.force_text", slow)
    if not links:
        monkeypatch.setattr("os.link", no_links)
    with pytest.raises(ContractError, match="is there already and stays as it is"):
        new_force(tmp_path / "forces", "mark", [file])
    assert path.read_text(encoding="utf-8") == "of another"
    assert [one.name for one in path.parent.iterdir()] == ["force.yml"]


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
