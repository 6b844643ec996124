"""Delimited text: two readers, one result; what is declared about it is what is read."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from missing_lib.force import delimited
from missing_lib.force.origin import Origin
from tests.test_force import PERSONS, make_force, taken_in
from tests.test_force_sources import with_origins


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (PERSONS.replace("Somebody", 'O\'Brien "Bob"'), {"quote": "none"}),
        (PERSONS.replace("Somebody", "'a,b'"), {"quote": "'"}),
    ],
)
def test_quotation_marks_are_those_declared(
    tmp_path: Path,
    text: str,
    keys: dict[str, str],
) -> None:
    folder = with_origins(tmp_path, {"persons": {"file": "persons.csv", **keys}})
    (folder / "persons.csv").write_text(text)
    intake = taken_in(folder)
    assert intake.caveats == ()
    assert len(intake.tables.persons) == 2


def test_a_declared_decimal_sign_is_that_of_day_numbers(tmp_path: Path) -> None:
    text = "NOMINAL;DOB;GENDER\nN1;38000,5;F\nN2;38000.5;F\n"
    folder = with_origins(
        tmp_path, {"persons": {"file": "persons.csv", "delimiter": ";", "decimal": ","}},
        sources__persons__columns__birth_date={"column": "DOB", "format": "excel"},
    )  # fmt: skip
    (folder / "persons.csv").write_text(text)
    assert taken_in(folder).tables.persons["birth_date"].dt.year.tolist() == [2004, 2004]


AWKWARD = ["", "a", " b ", "é", "x,y", 'say "so"', "two\nlines", "two\r\nlines", '"', "null", "NA",
           "0012", "1971.0", "\u00a0", "'", "2015-03-01"]  # fmt: skip


def awkward(path: Path, rows: int, encoding: str, end: str, quoting: int) -> None:
    chance = random.Random(5)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(["A", "B ", "C", "C"])
        writer.writerows([chance.choice(AWKWARD) for _ in range(4)] for _ in range(rows))


def same_cut(path: Path, origin: Origin) -> delimited.Cut:
    fast, careful = delimited.read_fast(path, origin), delimited.read_careful(path, origin)
    assert fast is not None
    assert (fast.header, fast.short, fast.long, fast.loose) == (
        careful.header, careful.short, careful.long, careful.loose,
    )  # fmt: skip
    for one, other in zip(fast.columns, careful.columns, strict=True):
        assert one.to_pylist() == other.to_pylist()
    return fast


@pytest.mark.parametrize(
    ("encoding", "end", "quoting", "rows"),
    [
        ("utf-8", "\n", csv.QUOTE_MINIMAL, 100_000),
        ("utf-8-sig", "\r\n", csv.QUOTE_ALL, 5_000),
        ("cp1252", "\r\n", csv.QUOTE_MINIMAL, 5_000),
        ("latin-1", "\n", csv.QUOTE_ALL, 5_000),
    ],
)
def test_the_fast_and_the_careful_reader_agree_cell_by_cell(
    tmp_path: Path, encoding: str, end: str, quoting: int, rows: int
) -> None:
    path = tmp_path / "x.csv"
    awkward(path, rows, encoding, end, quoting)
    cut = same_cut(path, Origin(file=path.name, encoding=encoding))
    assert cut.header == ["A", "B", "C", "C"]
    assert len(cut.columns[0]) == rows
    path.write_bytes(path.read_bytes() + (",,," + end).encode() * 2 + end.encode())
    same_cut(path, Origin(file=path.name, encoding=encoding))


@pytest.mark.parametrize("marks", [2, 4, 6])
def test_quotation_marks_are_looked_at_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marks: int
) -> None:
    monkeypatch.setattr(delimited, "_MARKS", marks)
    monkeypatch.setattr(delimited, "_BYTES", 3)
    path = tmp_path / "x.csv"
    awkward(path, 60, "utf-8", "\r\n", csv.QUOTE_ALL)
    same_cut(path, Origin(file=path.name))
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"a"a', 1))
    assert delimited.read_fast(path, Origin(file=path.name)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n3\n",
        b"a,b\n1,2\n3,4,5\n",
        b'a,b\n1,x "y" z\n',
        b'a,b\n1, "x"\n',
        b'a,b\n1,"x"y\n',
        b'a,b\n1,"x\n',
        b"a,b\r1,2\r",
        b"a,b\n1,\x00\n",
        b"a,b\n1,\xff\n",
        b"a\n1\n",
        b"",
        "a,b\n1,2\n".encode("utf-16"),
    ],
)
def test_what_leaves_something_to_decide_is_read_with_care(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    encoding = "utf-16" if content[:2] == b"\xff\xfe" else "utf-8"
    assert delimited.read_fast(path, Origin(file=path.name, encoding=encoding)) is None


def test_the_careful_reader_works_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "a,b,c\n" + "1\n\n1,2\n1,2,3\n" * 5 + "\n\n"
    path = tmp_path / "x.csv"
    path.write_text(content)
    whole = delimited.read_careful(path, Origin(file=path.name))
    monkeypatch.setattr(delimited, "_ROWS", 3)
    parts = delimited.read_careful(path, Origin(file=path.name))
    assert (whole.short, whole.long) == (parts.short, parts.long) == (10, 0)
    for one, other in zip(whole.columns, parts.columns, strict=True):
        assert one.to_pylist() == other.to_pylist()
        assert len(one) == 22


def test_a_cell_of_a_million_signs_is_a_cell(tmp_path: Path) -> None:
    text = PERSONS.replace("Somebody", "x" * 1_000_000)
    for number, content in enumerate((text, text + "N3\n")):
        intake = taken_in(make_force(tmp_path / str(number), {"persons.csv": content}))
        assert len(intake.tables.persons) == 2 + number
    assert csv.field_size_limit() == 131_072
