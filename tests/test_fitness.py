"""What the check says of a whole extract: too long a study, nobody to compare with, other names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from missing_lib.book.check import check
from missing_lib.book.layout import Layout
from missing_lib.force.fitness import FEW_OTHERS
from missing_lib.force.proposal.written import MARK
from tests.conftest import ROOT
from tests.test_force import INCIDENTS, PERSONS, complaints, make_force, taken_in

HEADER = PERSONS.split("\n")[0]
REPORTED = [f"N{n},,2004-01-31,F" for n in range(1, FEW_OTHERS + 1)]
OTHERS = [f"M{n},,2004-01-31,F" for n in range(FEW_OTHERS)]
MARKERS = "WHO,WHAT,SINCE\nN1,X,2014-01-01\nN1,Y,2014-01-01\n"


def marked(**recode: str) -> dict[str, Any]:
    columns = {"person_id": "WHO", "marker": {"column": "WHAT", "recode": recode},
               "known_from": "SINCE"}  # fmt: skip
    return {"file": "markers.csv", "columns": columns}


def said(tmp_path: Path, word: str, **changes: Any) -> list[str]:
    folder = make_force(tmp_path, {"markers.csv": MARKERS}, **changes)
    return [note for note in taken_in(folder).caveats if note.startswith(word)]


@pytest.mark.parametrize(
    ("start", "end", "notes"),
    [
        ("2015-03-01", "2015-06-30", []),
        ("2014-11-30", "2015-09-18", []),  # twelve reports in 110 days: ten times 110 / 12
        ("2014-11-29", "2015-09-18", ["first 3 months"]),
        ("2015-03-01", "2016-12-31", ["last 18 months"]),
        ("2018-01-01", "2018-12-31", ["no report lies between start and end"]),
    ],
)
def test_a_study_longer_than_the_extract(
    tmp_path: Path, start: str, end: str, notes: list[str]
) -> None:
    days = pd.date_range("2015-03-01 10:00", periods=12, freq="10D")
    header = INCIDENTS.split("\n")[0]
    reports = [f"R{n},N1,{day:%Y-%m-%d %H:%M},,M," for n, day in enumerate(days)]
    content = {"incidents.csv": "\n".join([header, *reports, ""])}
    folder = make_force(tmp_path, content, study={"start": start, "end": end})
    lines = [note for note in taken_in(folder).caveats if note.startswith("study: ")]
    assert len(lines) == len(notes)
    assert all(note in line for note, line in zip(notes, lines, strict=True))


@pytest.mark.parametrize(
    ("persons", "number"),
    [([*REPORTED, *OTHERS[1:]], 1), ([*REPORTED, *OTHERS], 0), (REPORTED[1:], 0)],
)
def test_nobody_to_compare_with(tmp_path: Path, persons: list[str], number: int) -> None:
    header, line = INCIDENTS.split("\n")[:2]
    reports = [line.replace("R1,N1", f"R{n},{p.split(',')[0]}") for n, p in enumerate(persons)]
    reports = [one for one in reports if ",N" in one]
    content = {"persons.csv": [HEADER, *persons], "incidents.csv": [header, *reports]}
    texts = {name: "\n".join([*lines, ""]) for name, lines in content.items()}
    notes = [n for n in taken_in(make_force(tmp_path, texts)).caveats if n.startswith("persons: ")]
    assert len(notes) == number
    assert all("fewer than 10 people have no incident" in note for note in notes)


@pytest.mark.parametrize(
    ("recode", "ends"),
    [
        ({"X": "arrested", "Y": "looked_after"},
         "by these names; 'arrested': (did you mean 'arrest'?); is your 'looked_after' "
         "'local_authority_care'?"),
        ({"X": "arrest", "Y": "court"}, "by these names"),
    ],
)  # fmt: skip
def test_markers_by_other_names(tmp_path: Path, recode: dict[str, str], ends: str) -> None:
    (line,) = said(tmp_path, "markers: ", sources__markers=marked(**recode))
    assert line.endswith(ends)
    assert ("arrest," in line) == (recode["X"] == "arrested")


def test_words_of_the_extract_are_not_said(tmp_path: Path) -> None:
    source = marked()
    source["columns"]["marker"] = "WHAT"
    (line,) = said(tmp_path, "markers: ", sources__markers=source)
    assert line.endswith("by these names")


def test_no_apparent_risk_in_a_grade_alone(tmp_path: Path) -> None:
    risk = {"column": "RISK", "recode": {"M": "no_apparent_risk", "H": "high"}}
    lines = said(tmp_path, "incidents: ", sources__incidents__columns__risk_final=risk)
    assert len(lines) == 1
    assert lines[0].startswith("incidents: 2 rows are graded no_apparent_risk")


def test_authorities_are_looked_up_by_the_check(tmp_path: Path) -> None:

    folder = make_force(tmp_path, {"persons.csv": ""}, local_authorities=["E9"])
    lines = complaints(lambda: list(check(Layout(ROOT, folder.parent), "mark")))
    assert lines[0].startswith("local_authorities: 'E9' is no authority in the official")
    assert lines[1].startswith("sources.persons.file: 'persons.csv' is empty")


def test_marks_of_the_proposal_are_counted(tmp_path: Path) -> None:

    folder = make_force(tmp_path, {"incidents.csv": INCIDENTS})
    page = folder / "force.yml"
    layout = Layout(tmp_path, folder.parent)
    assert "CHECK" not in next(check(layout, "mark"))
    page.write_text(f"{MARK} a\n{page.read_text()}{MARK} b\n")
    assert next(check(layout, "mark")) == (
        "2 lines are still marked CHECK in force.yml: look at each, and take its mark away"
    )
