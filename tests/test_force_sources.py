"""Every kind of source tells the same story, and each mistake about it is one clear line."""

from __future__ import annotations

import csv
import datetime as dt
import sqlite3
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from pyarrow import parquet

from missing_lib.force import store
from missing_lib.force.intake import Intake
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import read_force_file
from missing_lib.force.typed import cell_text, column_text, series
from tests.test_force import INCIDENTS, PERSONS, SECRETS, complaints, make_force, taken_in

URL = "MISSING_TEST_DATABASE"
STAMP = "%Y-%m-%d %H:%M"


def tables(persons: str = PERSONS, incidents: str = INCIDENTS) -> dict[str, list[list[str]]]:
    return {
        "persons": list(csv.reader(persons.splitlines())),
        "incidents": list(csv.reader(incidents.splitlines())),
    }


def typed_cell(text: str) -> Any:
    """The value that a spreadsheet or a database would hold for a text of the extract."""
    for form in (STAMP, "%Y-%m-%d"):
        try:
            return dt.datetime.strptime(text, form)
        except ValueError:
            continue
    return text or None


def write_workbook(
    path: Path, rows: list[list[Any]], title: str = "Sheet 1", above: int = 0
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for line in rows:
        sheet.append(line)
    book.save(path)


def as_typed(rows: list[list[str]]) -> list[list[Any]]:
    return [rows[0], *([typed_cell(cell) for cell in row] for row in rows[1:])]


def as_workbook(folder: Path, typed: bool) -> dict[str, Any]:
    for table, rows in tables().items():
        write_workbook(folder / f"{table}.xlsx", as_typed(rows) if typed else rows)
    return {t: {"file": f"{t}.xlsx"} for t in tables()}


def as_parquet(folder: Path, typed: bool) -> dict[str, Any]:
    for table, rows in tables().items():
        frame = pd.DataFrame(rows[1:], columns=rows[0])
        if typed:
            for name in frame.columns.intersection(["DOB", "REPORTED", "FOUND"]):
                frame[name] = pd.to_datetime(frame[name].replace("", None))
        frame.to_parquet(folder / f"{table}.parquet")
    return {t: {"file": f"{t}.parquet"} for t in tables()}


def as_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    place = folder / "extract.sqlite"
    with sqlite3.connect(place) as base:
        for table, rows in tables().items():
            pd.DataFrame(rows[1:], columns=rows[0]).to_sql(table, base, index=False)
    base.close()
    monkeypatch.setenv(URL, f"sqlite:///{place}")
    query = "select * from {} where '10:00' <> ':x' and 'a%b' like 'a%'"
    return {t: {"query": query.format(t), "connection": URL} for t in tables()}


def as_duckdb(folder: Path, monkeypatch: pytest.MonkeyPatch, typed: bool) -> dict[str, Any]:
    place = folder / "extract.duckdb"
    with duckdb.connect(str(place)) as base:
        for table, rows in tables().items():
            base.register("given", pd.DataFrame(rows[1:], columns=rows[0]))
            kinds = {"DOB": "date", "REPORTED": "timestamp", "FOUND": "timestamp"} if typed else {}
            columns = [
                f"nullif({name}, '')::{kinds[name]} as {name}" if name in kinds else name
                for name in rows[0]
            ]
            base.execute(f"create table {table} as select {', '.join(columns)} from given")
            base.unregister("given")
    monkeypatch.setenv(URL, f"duckdb:///{place}")
    return {t: {"query": f"select * from {t}", "connection": URL} for t in tables()}


def with_origins(root: Path, origins: dict[str, Any], **changes: Any) -> Path:
    """The force of the other tests with its rows from elsewhere."""
    places: dict[str, Any] = {}
    for table, keys in origins.items():
        if "file" not in keys:
            places[f"sources__{table}__file"] = ...
        places |= {f"sources__{table}__{key}": value for key, value in keys.items()}
    return make_force(root, **(places | changes))


def assert_same(one: Intake, other: Intake, but_rows: bool = False) -> None:
    for table in SCHEMA:
        pd.testing.assert_frame_equal(one.tables[table], other.tables[table])
    pd.testing.assert_frame_equal(one.accounts, other.accounts)
    pd.testing.assert_frame_equal(one.ledger, other.ledger)
    assert one.caveats == other.caveats
    for table, rows in one.quarantined.items():
        drop = ["source_row"] if but_rows else []
        pd.testing.assert_frame_equal(
            rows.drop(columns=drop), other.quarantined[table].drop(columns=drop), check_dtype=False
        )


KINDS = (
    "sheet of texts", "sheet of types", "parquet of texts", "parquet of types", "SQLite",
    "DuckDB of texts", "DuckDB of types",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_gives_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / "x").mkdir()
    folder = tmp_path / "x" / "mark"
    folder.mkdir()
    typed = kind.endswith("types")
    if kind.startswith("sheet"):
        origins = as_workbook(folder, typed)
    elif kind.startswith("parquet"):
        origins = as_parquet(folder, typed)
    elif kind.startswith("DuckDB"):
        origins = as_duckdb(folder, monkeypatch, typed)
    else:
        origins = as_database(folder, monkeypatch)
    staged = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    made = with_origins(tmp_path / "x", origins)
    for name, content in staged.items():
        (made / name).write_bytes(content)
    plain = taken_in(make_force(tmp_path / "csv"))
    assert_same(taken_in(made), plain, but_rows=not kind.startswith("sheet"))
    kept = plain.by_source[["rows_in", "kept", "merged", "quarantined"]].to_numpy().tolist()
    assert kept == plain.accounts[["rows_in", "kept", "merged", "quarantined"]].to_numpy().tolist()


def test_a_type_needs_no_format_and_a_text_beside_it_does(tmp_path: Path) -> None:
    rows = as_typed(tables()["persons"])
    rows[2][2] = "31/01/2004"
    rows.append(["N3", None, 38000, "M"])
    rows.append([4, None, dt.datetime(1990, 7, 1), "M"])
    folder = make_force(
        tmp_path,
        sources__persons__file="p.xlsx",
        sources__persons__columns__birth_date={"column": "DOB", "format": ["%d/%m/%Y", "excel"]},
    )
    write_workbook(folder / "p.xlsx", rows)
    persons = taken_in(folder).tables.persons
    assert persons["birth_date"].dt.strftime("%Y-%m-%d").tolist() == [
        "1987-06-05", "2004-01-31", "2004-01-14", "1990-07-01",
    ]  # fmt: skip
    assert persons["person_id"].tolist() == ["N1", "N2", "N3", "4"]


def test_a_typed_date_and_a_typed_time_make_one(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["REF", "NOMINAL", "DAY", "HOUR"]]
    rows.append(["R1", "N1", dt.datetime(2015, 7, 1), dt.time(10, 30)])
    rows.append(["R2", "N1", dt.datetime(2015, 8, 1), None])
    columns = {"incident_id": "REF", "person_id": "NOMINAL", "reported_at": ["DAY", "HOUR"]}
    folder = make_force(tmp_path, sources__incidents={"file": "i.xlsx", "columns": columns})
    write_workbook(folder / "i.xlsx", rows)
    intake = taken_in(folder)
    when = intake.tables.incidents["reported_at"].dt.strftime("%m-%d %H:%M").tolist()
    assert when == ["07-01 09:30", "07-31 23:00"]
    assert intake.tables.incidents["time_known"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1971.0, "1971"),
        (1971, "1971"),
        (43924.5, "43924.5"),
        (1e22, "1e+22"),
        (Decimal("12.50"), "12.5"),
        (Decimal("1E+3"), "1000"),
        (True, "true"),
        (None, ""),
        (float("nan"), ""),
        ("1971.0", "1971.0"),
        (dt.date(2020, 2, 29), "\ue0002020-02-29"),
        (dt.datetime(2020, 2, 29), "\ue0002020-02-29"),
        (dt.datetime(2020, 2, 29, 1, 2, 3), "\ue0002020-02-29 01:02:03"),
        (dt.datetime(2020, 2, 29, tzinfo=dt.UTC), "\ue0002020-02-29 00:00:00+00:00"),
        (dt.time(9, 30), "09:30:00"),
        (b"\x01\xff", "01ff"),
    ],
)
def test_typed_values_become_text_without_loss(value: Any, text: str) -> None:
    assert cell_text(value) == text
    arrow = pa.chunked_array([pa.array([value, None])])
    (whole, nothing) = column_text(arrow).to_pylist()
    assert whole.replace("00:00:00Z", "00:00:00+00:00") == text
    assert nothing == ""


def test_a_zoned_column_keeps_its_day() -> None:
    local = pd.Series(pd.to_datetime(["2020-07-01"])).dt.tz_localize("Europe/London")
    (text,) = column_text(pa.chunked_array([pa.array(local)])).to_pylist()
    assert text == "\ue0002020-07-01 00:00:00+0100"


# --- several sources, joins ---------------------------------------------------------------------

MORE = "NOMINAL,NAME,DOB,GENDER\nN3,,2001-02-03,F\nN1,,,\n,,2001-02-03,F\n\nN4,,2001-02-03,M\n"


def halves(root: Path, listed: bool) -> Path:
    page = read_force_file(make_force(root / "page") / "force.yml").sources["persons"]
    columns = page.model_dump(exclude_unset=True)["columns"]
    files = {"file": ["persons.csv", "more.csv"], "columns": columns}
    two = [{"file": one, "columns": columns} for one in files["file"]]
    return make_force(root, {"more.csv": MORE}, sources__persons=two if listed else files)


@pytest.mark.parametrize("listed", [True, False])
def test_several_files_fill_one_table_and_each_has_its_account(
    tmp_path: Path, listed: bool
) -> None:
    folder = halves(tmp_path, listed)
    intake = taken_in(folder)
    assert intake.tables.persons["person_id"].tolist() == ["N1", "N2", "N3", "N4"]
    assert intake.accounts.iloc[0].tolist() == ["persons", 6, 4, 0, 2]
    assert intake.by_source.iloc[:2].to_numpy().tolist() == [
        ["persons", 1, "'persons.csv'", 2, 2, 0, 0],
        ["persons", 2, "'more.csv'", 4, 2, 0, 2],
    ]
    aside = intake.quarantined["persons"]
    assert aside[["rule", "source", "source_row"]].to_numpy().tolist() == [
        ["A01", "'more.csv'", 4], ["A03", "'more.csv'", 3],
    ]  # fmt: skip
    assert intake.caveats == (
        "persons: rows without any value that were left out: 1 (in 'more.csv')",
    )
    assert read_force_file(folder / "force.yml").sources["persons"].files() == (
        "persons.csv", "more.csv",
    )  # fmt: skip
    store.save(intake, folder)
    again = store.load(folder)
    assert len(again.tables.persons) == 4
    pd.testing.assert_frame_equal(again.by_source, intake.by_source)


def test_rows_of_one_source_that_go_into_another_are_merged_there(tmp_path: Path) -> None:
    folder = halves(tmp_path, listed=True)
    (folder / "more.csv").write_text(PERSONS)
    intake = taken_in(folder)
    assert intake.by_source["merged"].tolist() == [0, 2, 0]


def test_problems_of_several_sources_name_the_file(tmp_path: Path) -> None:
    folder = halves(tmp_path, listed=True)
    (folder / "more.csv").write_text(MORE.replace("N4,,2001-02-03,M", "N4,,2001-02-03,QX9"))
    (first, _) = complaints(lambda: taken_in(folder))
    assert first == (
        "persons.sex (your 'GENDER'): 1 row with a code that 'recode' does not list; list their "
        "codes under 'recode', or say 'otherwise_missing: true' (in 'more.csv')"
    )
    unread = pd.read_csv(folder / "restricted" / "stopped-unread.csv")
    assert unread.to_numpy().tolist() == [["persons", "sex", 6, "'more.csv'"]]
    (folder / "more.csv").write_text(MORE.replace("DOB", "BORN"))
    assert complaints(lambda: taken_in(folder)) == [
        "sources.persons.1.columns.birth_date: 'more.csv' has no column 'DOB'; there are: NOMINAL, "
        "NAME, BORN, GENDER"
    ]
    (folder / "more.csv").unlink()
    assert complaints(lambda: taken_in(folder)) == [
        "sources.persons.1.file: there is no file 'more.csv' at that place"
    ]


ETHNIC = "SUBJECT,CODE,NAME\nN1,W1,x\n N3 ,B1,x\nN9,A1,x\n,A1,x\nN1,W1,x\n"
JOIN = {"file": "e.csv", "on": {"SUBJECT": "NOMINAL"}, "columns": ["CODE"]}
SELF = {"column": "CODE", "recode": {"W1": "white", "B1": "black"}}


def with_join(root: Path, content: str = ETHNIC, **join: Any) -> Path:
    return make_force(
        root, {"e.csv": content},
        sources__persons__join=JOIN | join, sources__persons__columns__ethnicity_self=SELF,
    )  # fmt: skip


def test_columns_of_another_file_are_joined_and_what_does_not_match_is_counted(
    tmp_path: Path,
) -> None:
    folder = with_join(tmp_path)
    (folder / "persons.csv").write_text(PERSONS + "N3,,,M\nN3,,,M\n")
    text = (folder / "force.yml").read_text()
    (folder / "force.yml").write_text(text.replace("'on':", "on:"))
    intake = taken_in(folder)
    got = intake.tables.persons.set_index("person_id")["ethnicity_self"]
    assert got.astype(object).where(got.notna(), None).to_dict() == {
        "N1": "white", "N2": None, "N3": "black",
    }  # fmt: skip
    assert intake.caveats == (
        "persons: rows without a match in 'e.csv': 1 of 4",
        "persons: rows of 'e.csv' that match none: 1 of 3",
        "persons: rows that share a row of 'e.csv' with another: 2",
        "persons: rows of 'e.csv' that are there again: 1",
        "persons: rows of 'e.csv' without a key: 1",
    )
    assert intake.accounts.iloc[0].tolist() == ["persons", 4, 3, 1, 0]
    assert read_force_file(folder / "force.yml").sources["persons"].files() == (
        "persons.csv", "e.csv",
    )  # fmt: skip


def test_a_join_on_two_keys_under_new_names(tmp_path: Path) -> None:
    content = "SUBJECT,SEX,NAME\nN1,F,W1\nN2,F,B1\n"
    folder = with_join(
        tmp_path, content, on={"SUBJECT": "NOMINAL", "SEX": "GENDER"}, columns={"NAME": "CODE"}
    )
    assert taken_in(folder).tables.persons["ethnicity_self"].fillna("other").tolist() == [
        "white", "other",
    ]  # fmt: skip


# --- mistakes -----------------------------------------------------------------------------------


def place(key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {f"sources__persons__{key}": value} | more


def workbook(root: Path, content: bytes | None = None, **keys: Any) -> Path:
    folder = with_origins(root, {"persons": {"file": "p.xlsx", **keys}})
    if content is None:
        book = openpyxl.Workbook()
        book.active.title = "Notes"
        people = book.create_sheet("Nominals")
        for row in [["Extract", None], *tables()["persons"]]:
            people.append(row)
        book.save(folder / "p.xlsx")
    else:
        (folder / "p.xlsx").write_bytes(content)
    return folder


def test_the_header_may_stand_below_a_title(tmp_path: Path) -> None:
    folder = workbook(tmp_path / "a", sheet="Nominals", header_row=2)
    assert len(taken_in(folder).tables.persons) == 2
    below = {"persons.csv": 'Extract of,"Mon\nday"\n\n' + PERSONS + ",,x,F\n"}
    folder = make_force(tmp_path / "b", below, sources__persons__header_row=3)
    intake = taken_in(folder)
    assert len(intake.tables.persons) == 2
    assert intake.quarantined["persons"]["source_row"].tolist() == [6]


def test_failed_and_unstored_formulas_are_counted(tmp_path: Path) -> None:
    rows = as_typed(tables()["persons"])
    rows[1][1], rows[2][1] = "#N/A", "=1+1"
    folder = with_origins(tmp_path, {"persons": {"file": "p.xlsx"}})
    write_workbook(folder / "p.xlsx", rows)
    assert taken_in(folder).caveats == (
        "persons: cells with an error of the spreadsheet, such as #N/A, taken as empty: 1",
        "persons: formulas whose result is not stored in 'p.xlsx', taken as empty: 1; open it in "
        "the spreadsheet program and save it",
    )


@pytest.mark.parametrize(
    ("address", "query", "said"),
    [
        ("", "select 1", "connection: the environment variable MISSING_TEST_DATABASE is not set; "
         "it holds the database's URL, dialect+driver:" + "//user:password@host/database"),
        (SECRETS[0], "select 1", "connection: what the environment variable MISSING_TEST_DATABASE "
         "holds is no database URL: dialect+driver:" + "//user:password@host/database"),
        ("mssql+pyodbc://u:QX9@h/d", "select 1", "connection: the driver of 'mssql' databases is "
         "not installed; pip install 'missing-lib[sqlserver]'"),
        ("oracle+oracledb://u:QX9@h/d", "select 1", "connection: the driver of 'oracle' databases "
         "is not installed; pip install 'missing-lib[oracle]'"),
        ("postgresql+psycopg://u:QX9@h/d", "select 1", "connection: the driver of 'postgresql' "
         "databases is not installed; pip install 'missing-lib[postgresql]'"),
        ("strange://u:QX9@h/d", "select 1", "connection: the driver of 'strange' databases is not "
         "installed; known are sqlite, mssql, oracle, postgresql, duckdb"),
        ("sqlite:////no/such/folder/x", "select 1", "connection: the database does not answer, or "
         "refuses the login (OperationalError); check the URL in the environment variable "
         "MISSING_TEST_DATABASE"),
        ("sqlite://", f"select {SECRETS[1]} from x", "query: the database refuses the query "
         "(OperationalError); try it in the database's own tool, there it says why"),
        ("sqlite://", "select 'x' as NOMINALS, 1 as DOB", "columns.person_id: the query has no "
         "column 'NOMINAL' (did you mean 'NOMINALS'?)"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, query: str, said: str
) -> None:
    for driver in ("pyodbc", "oracledb", "psycopg"):
        monkeypatch.setitem(sys.modules, driver, None)
    monkeypatch.setenv(URL, address)
    folder = with_origins(tmp_path, {"persons": {"query": query, "connection": URL}})
    lines = complaints(lambda: taken_in(folder))
    assert lines[0] == f"sources.persons.{said}"


def test_numbers_of_a_database_are_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "sqlite://")
    query = (
        "select 1 as NOMINAL, 38000.0 as DOB, 'F' as GENDER union all "
        "select 2, null, 'M' union all select 'N1', 'x', null union all select 'N2', null, null"
    )
    folder = with_origins(
        tmp_path, {"persons": {"query": query, "connection": URL}},
        sources__persons__columns__birth_date={"column": "DOB", "format": "excel"},
    )  # fmt: skip
    intake = taken_in(folder)
    assert intake.tables.persons["person_id"].tolist() == ["1", "2", "N1", "N2"]
    assert intake.tables.persons["birth_date"].dt.year.fillna(0).tolist() == [2004, 0, 0, 0]
    assert intake.unread.to_numpy().tolist() == [["persons", "birth_date", 3]]


def test_a_nested_column_is_text_too() -> None:
    nested = pa.chunked_array([pa.array([[1, 2], None])])
    assert column_text(nested).to_pylist() == ["[1, 2]", ""]


def test_a_workbook_of_1904_says_so(tmp_path: Path) -> None:
    folder = with_origins(tmp_path, as_workbook_of_1904(tmp_path))
    assert any("counts its days from 1904" in note for note in taken_in(folder).caveats)


def as_workbook_of_1904(folder: Path) -> dict[str, Any]:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for row in tables()["persons"]:
        book.active.append(row)
    book.save(folder / "old.xlsx")
    return {"persons": {"file": "../old.xlsx"}}


def test_parquet_codes_and_numbers_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    columns = {
        "i": pa.array([1, None]),
        "f": pa.array([1971.0, float("nan")]),
        "d": pa.array(["a", None]).dictionary_encode(),
        "b": pa.array([True, None]),
        "n": pa.nulls(2),
        "x": pa.array([Decimal("1.50"), None]),
    }
    parquet.write_table(pa.table(columns), path)
    texts = [column_text(c).to_pylist() for c in parquet.read_table(path).columns]
    assert [one for one, _ in texts] == ["1", "1971", "a", "true", "", "1.5"]
    assert {other for _, other in texts} == {""}
    assert series(["a"]).tolist() == ["a"]
