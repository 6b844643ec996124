"""The artefact scan: it finds what may not leave wherever it hides, and nothing else."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from missing_lib.force import traces
from missing_lib.force.errors import DisclosureError
from missing_lib.force.intake import Intake
from missing_lib.force.places import new_restricted_folder
from missing_lib.force.traces import Cells, Traces, gather
from missing_lib.release import machine, scan
from missing_lib.release.dates import days_in
from missing_lib.release.machine import Machine
from tests.hidden_texts import WAYS

#: No path and no name, so that tests do not depend on where they run.
NOWHERE = Machine((), ())
PERSON = "an identifier (persons.person_id)"
EPOCH = dt.date(1970, 1, 1)


def made(*values: str, what: str = PERSON, born: str = "2003-05-14") -> Traces:
    days = np.array([(dt.date.fromisoformat(born) - EPOCH).days])
    return gather([Cells(what, pd.Series(values), personal=True)], days)


def kinds(content: str | bytes, sought: Traces, name: str = "a.html", public: str = "") -> set[str]:
    raw = content.encode() if isinstance(content, str) else content
    return set(scan.in_content(name, raw, scan.wanted(sought, NOWHERE, [public])))


# --- where it looks ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", ["P000123", "104233"])
def test_a_value_is_found_however_it_is_hidden(way: str, secret: str) -> None:
    name, hide = WAYS[way]
    assert kinds(hide(secret), made(secret), name) == {PERSON}
    assert kinds(hide("P000124"), made(secret), name) == set()


#: An index holds single words.
@pytest.mark.parametrize("way", [way for way in WAYS if way != "a search index"])
def test_several_words_are_found_however_they_are_hidden(way: str) -> None:
    name, hide = WAYS[way]
    who = made("Hope Will-Ash")
    assert kinds(hide("Hope Will-Ash"), who, name, public="ash, will, hope") == {PERSON}
    assert kinds(hide("Hope and Will"), who, name, public="ash, will, hope") == set()


@pytest.mark.parametrize("content", [b"\x00\x01\x02\xff\xfe\x9c" * 9, b"PK\x03\x04broken", b"BZhx"])
def test_what_cannot_be_read_does_not_leave(content: bytes) -> None:
    assert kinds(content, made("P000123"), "a.bin") == {
        "a file or a part that the scan cannot read"
    }


def test_names_of_files_count_and_are_not_said(tmp_path: Path) -> None:
    (tmp_path / "P000123.csv").write_text("x")
    found = scan.scan(tmp_path, scan.wanted(made("P000123"), NOWHERE, []))
    assert found == [scan.Finding("a name of a file or a folder", PERSON)]


def test_a_file_that_the_book_brings_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "theme.js").write_text("P000123")
    sought = scan.wanted(made("P000123"), NOWHERE, [])
    assert len(scan.scan(tmp_path, sought)) == 1
    assert scan.scan(tmp_path, sought, lambda path: path.name == "theme.js") == []


# --- what counts as a value ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "page", "found"),
    [
        ("P000123", "of p000123.", True),
        ("P000123", "of P0001234 and XP000123", False),
        ("P000123", "P000123_old, P000123-2016", True),
        ("104233", "104233.0 of them", True),
        ("104233", "[104232,104233,104234]", True),
        ("104233", "7,104233", True),
        ("104233", "104233-2016", True),
        ("104233", "a share of 0.104233 and of 5.104233", False),
        ("104233", "104,233 incidents", False),
        ("1042", "1042 incidents", False),
        ("17", "17", False),
        ("female", "half are female", False),
        ("Zephyrine", "ZEPHYRINE was seen", True),
        ("Zephyrine", "Zephyrines", False),
        ("Zoë-Anne Müller", "Zoe\u0308\u2011Anne Mu\u0308ller", True),
        ("MIS/2015/123", "mis 2015/123", True),
        ("MIS/2015/123", "mis, in 2015, 123", False),
        ("12 High Street", "at 12, High Street", True),
        ("12 High Street", "12 people high on a street", False),
        ("14/03/2015", "14/03/2015", True),
        ("14/03/2015", "14 of 03 in 2015", False),
        ("14/03/2015 10:05", "14/03/2015 10:05:00", True),
        ("2015/16", "2015/16", False),
        ("2015-2016", "2015-2016", False),
        ("07700 900123", "call 07700 900123", True),
    ],
)  # fmt: skip
def test_which_words_tell(value: str, page: str, found: bool) -> None:
    assert (kinds(page, made(value), public="female, street, high") == {PERSON}) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<path style="fill: #262626"/>', False),
        ('<path d="M 7.262626 0"/>', False),
        ('<use xlink:href="#262626"/>', True),
        ("<!-- 262626 -->", True),
    ],
)
def test_colours_and_places_of_a_drawing_are_no_identifiers(text: str, found: bool) -> None:
    assert (kinds(text, made("262626"), "a.svg") == {PERSON}) == found


def test_a_quotation_of_a_free_text_is_found_and_so_is_a_rare_word_of_it() -> None:
    words = "she was seen with a man in a grey car near the old bridge before she left again"
    note = made(f"{words}, says Quillfeather")
    assert kinds("said Quillfeather", note, public=words.replace(" ", " . ")) == {PERSON}
    shuffled = " ".join(reversed(words.split()))
    assert kinds(f"x {words[8:60]} y", note, public=shuffled) == {PERSON}
    assert kinds("was seen with a man in", note, public=shuffled) == set()


def test_what_the_book_says_anyway_gives_nobody_away() -> None:
    sought = made("Grace", "Hope Reading", "P000123")
    assert (
        kinds("grace and Hope, in Reading", sought, public="Saving grace. Hope, reading.") == set()
    )
    assert kinds("Hope Reading", sought, public="Hope of reading") == {PERSON}


@pytest.mark.parametrize(
    ("rows", "others", "personal", "found"),
    [(10, 5, False, False), (9, 5, False, True), (10, 60, False, True), (10, 5, True, True)],
)
def test_what_many_rows_share_is_a_code(
    rows: int, others: int, personal: bool, found: bool
) -> None:
    values = pd.Series(["Thameside"] * rows + [f"level {n}" for n in range(others)])
    sought = gather([Cells("a value", values, personal)], np.array([], dtype=np.int64))
    assert (kinds("Thameside", sought) == {"a value"}) == found


# --- dates ---------------------------------------------------------------------------------------

DAY = dt.date(2003, 5, 14)


@pytest.mark.parametrize(
    "written",
    ["2003-05-14", "2003/5/14", "14/05/2003", "14.5.2003", "05/14/2003", "14-05-2003", "20030514",
     "14 May 2003", "14th of May 2003", "14th May, 2003", "May 14, 2003", "14-May-2003",
     "may 14th 2003", "2003-05-14T00:00:00Z", "datetime.date(2003, 5, 14)",
     "Timestamp('2003-05-14 00:00:00')"],
)  # fmt: skip
def test_a_birth_date_is_found_however_it_is_written(written: str) -> None:
    for text in (written, f"born {written}.", f"x,{written},y"):
        assert DAY in set(days_in(text))
        assert kinds(text, made("x")) == {"a birth date"}
    assert kinds(f"born {written}.", made("x"), public="since 14 May 2003") == set()
    assert kinds(f"born {written}.", made("x", born="2003-05-15")) == set()


@pytest.mark.parametrize(
    "text", ["2003 | 5 | 14", "in May 2003, 14 people", "2003-05", "12003-05-14"]
)
def test_numbers_in_a_row_are_no_date(text: str) -> None:
    assert DAY not in set(days_in(text))


# --- the machine, the runner, the outside --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("made in /srv/book/north", "a path of this machine"),
        (r'{"x": "D:\\\\book\\\\north"}', "a path of this machine"),
        ("made on FORCE-PC-17.", "the name of this machine or of its user"),
        ("see /home/somebody/x", "a path of a machine"),
        (r"C:\\Users\\somebody", "a path of a machine"),
        ("File /tmp/ipykernel_123/45.py", "a path of a machine"),
        ('{"papermill": {"duration": 1}}', "what the notebook runner notes"),
        ('{"iopub.execute_input": "2026"}', "what the notebook runner notes"),
    ],
)
def test_traces_of_the_machine(text: str, what: str) -> None:
    here = Machine(("/srv/book/north", "D:\\\\book\\\\north"), ("force-pc-17",))
    sought = scan.wanted(None, here, [])
    assert what in set(scan.in_content("a.ipynb", text.encode(), sought))
    assert set(scan.in_content("a.ipynb", text.encode(), scan.wanted(None, here, [text]))) == set()


@pytest.mark.parametrize(
    "text", ["force-pc-171", "https://x.org/home/page", "run by papermill", "/home"]
)
def test_what_is_no_trace_of_the_machine(text: str) -> None:
    sought = scan.wanted(None, Machine(("/srv/book/north",), ("force-pc-17",)), [])
    assert set(scan.in_content("a.ipynb", text.encode(), sought)) == set()


def test_this_machine_is_known_by_its_places(tmp_path: Path) -> None:
    here = machine.this_machine(tmp_path)
    assert str(tmp_path.resolve()) in here.paths
    assert {"/", "/root", "root", "localhost", ""}.isdisjoint({*here.paths, *here.names})


@pytest.mark.parametrize(
    ("name", "text", "asks"),
    [
        ("a.html", '<script src="https://x.org/a.js"></script>', True),
        ("a.html", "<img src=//x.org/a.png>", True),
        ("a.html", '<link href="http://x.org/a.css" rel="stylesheet">', True),
        ("a.html", '<p style="background: url(https://x.org/a.png)">', True),
        ("a.html", "<style>@import 'https://x.org/a.css';</style>", True),
        ("a.svg", '<svg><image xlink:href="https://x.org/a.png"/></svg>', True),
        ("a.css", "p {background: url('//x.org/a.png')}", True),
        ("a.html", '<a href="https://doi.org/10.1/x">x</a>', False),
        ("a.html", '<img src="_images/a.svg"><link rel="canonical" href="https://x.org">', False),
        ("a.txt", '<script src="https://x.org/a.js"></script>', False),
    ],
)  # fmt: skip
def test_what_a_page_would_ask_outside(name: str, text: str, asks: bool) -> None:
    said = set(scan.in_content(name, text.encode(), scan.wanted(None, NOWHERE, [])))
    assert said == (
        {"an outside address that it would request when it is opened"} if asks else set()
    )


# --- a whole edition -----------------------------------------------------------------------------


def extract_of(intake: Intake, folder: Path) -> Traces:
    with new_restricted_folder(folder) as made:
        assert intake.traces is not None
        traces.save(intake.traces, made)
    return traces.load(folder / "restricted")


def test_all_that_came_in_is_wanted_and_kept_as_digests_alone(
    tmp_path: Path, thames_valley_intake: Intake
) -> None:
    sought = scan.wanted(extract_of(thames_valley_intake, tmp_path), NOWHERE, [])
    tables = thames_valley_intake.tables
    for values, what in (
        (tables.persons["person_id"], PERSON),
        (tables.incidents["incident_id"], "an identifier (incidents.incident_id)"),
        (tables.persons["birth_date"].dropna().dt.strftime("%d %B %Y"), "a birth date"),
    ):
        for value in values.sample(50, random_state=1):
            assert what in set(scan.in_content("a.txt", str(value).encode(), sought))
    kept = (tmp_path / "restricted" / traces.FILE).read_bytes()
    assert not re.search(rb"P\d{6}", kept)


def test_a_leak_is_said_by_page_and_kind_with_a_cure_and_not_by_value(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "page.html").write_text("<p>P000123, born 14 May 2003, in /srv/book/x</p>")
    sought = scan.wanted(made("P000123"), Machine(("/srv/book/x",), ()), [])
    with pytest.raises(DisclosureError) as refused:
        scan.check(tmp_path, sought)
    values = "show counts of people with a method of publish instead"
    assert refused.value.problems == (
        f"a/page.html holds a birth date; {values}",
        "a/page.html holds a path of this machine; what it was made from must not name this "
        "machine",
        f"a/page.html holds {PERSON}; {values}",
    )


def test_a_million_values_are_looked_for_in_a_large_folder(tmp_path: Path) -> None:
    many = pd.Series(np.arange(1_000_000)).map("ZK{:07d}".format)
    sought = scan.wanted(
        gather([Cells(PERSON, many, True)], np.array([], dtype=np.int64)), NOWHERE, []
    )
    assert len(sought.traces or ()) == 1_000_000
    (tmp_path / "a.html").write_text("<p>ZK1000000 ZK999</p>" * 100 + "ZK0999999")
    assert [f.what for f in scan.scan(tmp_path, sought)] == [PERSON]
