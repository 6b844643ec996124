"""What an analyst would miss in a proposal: flags, grades, ages, thin months, files left out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from missing_lib.force.errors import ContractError
from missing_lib.force.intake import take_in
from missing_lib.force.proposal.new import Made, new_force, said
from missing_lib.force.proposal.when import window
from missing_lib.force.spec import ForceFile, read_force_file
from tests.made_extracts import Rows, episode_rows, person_rows, world, write
from tests.test_force_schema import complaints, loaded

MADE = world()
HEAD = ["Ref", "Subject Ref", "Reported On", "Date of birth"]


def proposed(tmp_path: Path, *files: Path) -> tuple[ForceFile, str, Made]:
    """The force file, its comments on one line, and what was made."""
    made = new_force(tmp_path / "forces", "mark", list(files))
    text = made.path.read_text(encoding="utf-8")
    assert complaints(loaded(text)) == []
    comments = " ".join(line.strip("# ") for line in text.splitlines())
    return read_force_file(made.path), comments, made


def episodes(folder: Path, more: dict[str, tuple[str, ...]] | None = None) -> Path:
    """One file of incidents and people, days first, with more columns of codes in turn."""
    rows = episode_rows(
        MADE,
        lambda one: f"R{one.number}",
        lambda one: f"K{one.person:03}",
        lambda one: one.report.strftime("%d/%m/%Y %H:%M"),
        lambda one: MADE.births[one.person].strftime("%d/%m/%Y"),
        *(lambda one, c=codes: c[one.number % len(c)] for codes in (more or {}).values()),  # type: ignore[misc]
    )
    return write(folder / "episodes.csv", [*HEAD, *(more or {})], rows)


def flags(prefix: str = "K", codes: tuple[str, ...] = ("LAC", "CP Plan"), often: int = 3) -> Rows:
    """Person, code and a day that is written month first."""
    day = dt.date(2015, 1, 13)
    return [
        [f"{prefix}{n % 60:03}", codes[n % len(codes)],
         f"{day + dt.timedelta(days=n):%m/%d/%Y}"]
        for n in range(60 * often)
    ]  # fmt: skip


# --- columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "codes", "canonical"),
    [
        ("Initial Grading", ("Med", "High"), "risk_first"),
        ("First assessment", ("L", "M", "H"), "risk_first"),
        ("Final grade", ("Med", "High"), "risk_final"),
        ("Grading at closure", ("Std", "Flurb"), "risk_final"),
        ("Living Arrangements", ("Ash Hall", "Elm Hall"), "placement_id"),
        ("Accommodation Type", ("Ash Hall", "Elm Hall"), "placement_id"),
        ("Residence", ("Ash Hall", "Elm Hall"), "placement_id"),
        ("Home address type", ("Ash Hall", "Elm Hall"), "placement_id"),
        ("Foster home", ("Ash Hall", "Elm Hall"), "placement_id"),
        ("Children's home", ("Ash Hall", "Elm Hall"), "placement_id"),
    ],
)
def test_grades_and_placements_are_taken_as_unsure(
    tmp_path: Path, column: str, codes: tuple[str, ...], canonical: str
) -> None:
    force, comments, _ = proposed(tmp_path, episodes(tmp_path, {column: codes}))
    mapped = (force.sources["incidents"].columns or {})[canonical]
    assert mapped.names == (column,)
    assert "CHECK: the name may mean something else" in comments
    kinds = "are they single placements, or kinds of them?" in comments
    assert kinds == (canonical == "placement_id")


@pytest.mark.parametrize(
    ("codes", "like"),
    [
        (("Low", "Medium", "High"), "risk_first, risk_final"),
        (("Med", "Std", "Hi"), "risk_first, risk_final"),
        (("Y", "N"), "time_known, harm, from_care, out_of_area"),
        (("Male", "Female"), "sex"),
        (("W1", "A2", "B9"), "ethnicity_self, ethnicity_officer"),
    ],
)
def test_codes_of_the_book_under_a_name_that_says_nothing_are_a_place_to_check(
    tmp_path: Path, codes: tuple[str, ...], like: str
) -> None:
    _, comments, made = proposed(tmp_path, episodes(tmp_path, {"zzq": codes}))
    assert f"CHECK: 'zzq': codes like those of {like}; map it if it is that" in comments
    assert made.checks == made.path.read_text().count("# CHECK: ")


def test_codes_and_dates_that_are_not_read_are_places_to_check_and_said_once(
    tmp_path: Path,
) -> None:
    file = episodes(
        tmp_path,
        {"zzq": ("ruz", "taf"), "wob": ("02/03/2014", "05/06/2014"),
         "notes": tuple(f"word {n}" for n in range(200))},
    )  # fmt: skip
    _, comments, _ = proposed(tmp_path, file)
    assert comments.count("few values come again and again: 'zzq'") == 1
    assert comments.count("although they are dates: 'wob'") == 1
    assert comments.count("'notes'") + comments.count('"notes"') == 1


@pytest.mark.parametrize("codes", [("1", "2"), ("Low", "ruz", "taf"), ("ruz", "taf")])
def test_codes_that_may_be_anything_are_not_said_to_be_like_any(
    tmp_path: Path, codes: tuple[str, ...]
) -> None:
    _, comments, _ = proposed(tmp_path, episodes(tmp_path, {"zzq": codes}))
    assert "codes like those of" not in comments
    assert "few values come again and again: 'zzq'" in comments


def test_codes_are_not_said_to_be_like_a_column_that_is_found(tmp_path: Path) -> None:
    more = {"First risk": ("Low", "High"), "Last risk": ("Low",), "zzq": ("High", "Low")}
    _, comments, _ = proposed(tmp_path, episodes(tmp_path, more))
    assert "codes like those of" not in comments
    assert "few values come again and again: 'zzq'" in comments


def test_a_column_that_was_left_out_with_a_reason_is_not_named_again(tmp_path: Path) -> None:
    _, comments, _ = proposed(tmp_path, episodes(tmp_path, {"Sex": ("M", "F", "F", "F", "F")}))
    assert "'Sex' could be sex, but differs between rows of the same person" in comments
    assert comments.count("'Sex'") == 1


@pytest.mark.parametrize("name", ["Age", "Age at report", "AGE_YEARS", "Age at Incident"])
@pytest.mark.parametrize(
    ("values", "taken", "doubted"),
    [
        (("12", "15", "17"), True, False),
        (("12.0", "15,5", "0"), True, False),
        (("11", "12", "13", "14", "15", "16", "17", "N/K"), True, True),
        (("11", "12", "13", "14", "15", "16", "17", "999"), True, True),
        (("10-12", "13-15"), False, False),
        (("2001", "2003"), False, False),
        (("121", "130"), False, False),
    ],
)
def test_ages_are_taken_where_the_values_are_ages(
    tmp_path: Path, name: str, values: tuple[str, ...], taken: bool, doubted: bool
) -> None:
    force, comments, _ = proposed(tmp_path, episodes(tmp_path, {name: values}))
    found = (force.sources["incidents"].columns or {}).get("age_recorded")
    assert (found is not None and found.names == (name,)) == taken
    assert ("some values are no ages, 0 to 120" in comments) == doubted


@pytest.mark.parametrize(
    ("name", "codes", "blanks"),
    [
        ("Self-defined ethnicity", ("W1", ""), '"": not_stated'),
        ("Sex", ("F", ""), '"": unknown'),
        ("Sex", ("F", "M"), ""),
        ("Risk", ("High", ""), ""),
    ],
)
def test_blanks_that_may_mean_not_stated_are_mentioned(
    tmp_path: Path, name: str, codes: tuple[str, ...], blanks: str
) -> None:
    people = person_rows(MADE, lambda n, _: f"K{n:03}", lambda n, _: codes[n % len(codes)])
    file = episodes(tmp_path, {"Risk": codes} if name == "Risk" else {})
    persons = write(tmp_path / "people.csv", ["Subject Ref", name], people)
    _, comments, made = proposed(tmp_path, file, persons)
    assert (f"Blanks are missing; add {blanks} to the list" in comments) == bool(blanks)
    assert "Blanks" not in comments or blanks
    take_in(read_force_file(made.path), made.path.parent)


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        ["SubjectRef", "Flag Category", "Flag Raised"],
        ["qqa", "qqb", "qqc"],
        ["Subject Ref", "Code", "Date"],
    ],
)
def test_flags_are_found_by_names_or_by_values_and_dates_are_read_per_file(
    tmp_path: Path, head: list[str]
) -> None:
    extra = write(tmp_path / "extra.csv", head, flags(codes=("LAC", "CP Plan", "Zorf")))
    force, comments, made = proposed(tmp_path, episodes(tmp_path), extra)
    source = force.sources["markers"].columns or {}
    assert {name: one.names for name, one in source.items()} == {
        "person_id": (head[0],), "marker": (head[1],), "known_from": (head[2],),
    }  # fmt: skip
    assert source["known_from"].format == ("%m/%d/%Y",)
    report = (force.sources["incidents"].columns or {})["reported_at"]
    assert report.format == ("%d/%m/%Y %H:%M",)
    assert "do yours mean this? Codes that are not listed become 'other'" in comments
    assert "Zorf" not in comments
    taken = take_in(force, made.path.parent)
    accounts = taken.accounts.set_index("table")
    assert accounts.loc["markers", "quarantined"] == 0
    assert set(taken.tables.markers["marker"]) == {
        "local_authority_care", "child_protection", "other",
    }  # fmt: skip
    first = taken.tables.markers["known_from"].min()
    assert first == pd.Timestamp("2015-01-13")


def test_people_of_flags_are_found_beside_a_file_of_incident_numbers(tmp_path: Path) -> None:
    outcomes = episode_rows(MADE, lambda one: f"R{one.number}", lambda _: "zorf")
    files = [
        episodes(tmp_path),
        write(tmp_path / "outcomes.csv", ["Ref", "zzo"], outcomes),
        write(tmp_path / "extra.csv", ["qqa", "qqb", "qqc"], flags()),
    ]
    force, comments, made = proposed(tmp_path, *files)
    assert (force.sources["markers"].columns or {})["person_id"].names == ("qqa",)
    assert "taken because its values are those of people of 'episodes.csv'" in comments
    assert made.left == ("outcomes.csv",)


def test_the_table_of_other_records_is_told_by_words(tmp_path: Path) -> None:
    extra = write(tmp_path / "qq.csv", ["Subject Ref", "Offence", "zzd"],
                  flags(codes=("ruz", "taf")))  # fmt: skip
    force, _, made = proposed(tmp_path, episodes(tmp_path), extra)
    assert set(force.sources) == {"persons", "incidents", "events"}
    assert made.left == ()


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"qq.csv": (["qqa", "qqb", "qqc"], flags(codes=("ruz", "taf")))},
         "not recognised as those of a table; seen were people ('qqa'), codes ('qqb'), dates "
         "('qqc'). If it holds flags, events or ties, see markers, events and ties on the page"),
        ({"qq.csv": (["Subject Ref", "Flag", "Flag Date"], flags("V"))},
         "the people in 'Subject Ref' are not those of 'episodes.csv': are they written alike?"),
        ({"one.csv": (["Subject Ref", "Flag", "Flag Date"], flags()),
          "two.csv": (["Subject Ref", "Flag Type", "Flag Date"], flags())},
         "it could be markers, but 'one.csv' is; one file, or several with the same columns"),
        ({"qq.csv": (["Subject Ref", "Flag", "Flag Date"], [])}, "it has no rows"),
        ({"qq.csv": (["zorf", "blim"], [["ruz", "taf"]])}, "no name in its first row is known"),
    ],
)  # fmt: skip
def test_why_a_file_is_not_used_is_true(
    tmp_path: Path, files: dict[str, tuple[list[str], Rows]], why: str
) -> None:
    extra = [write(tmp_path / name, head, rows) for name, (head, rows) in files.items()]
    _, comments, made = proposed(tmp_path, episodes(tmp_path), *extra)
    (left,) = made.left
    assert f'CHECK: "{left}" is not used: ' in comments
    assert why in comments
    assert not [word for word in ("ruz", "taf") if word in comments + " ".join(said(made, "mark"))]


# --- the study ----------------------------------------------------------------------------------


def months(first: str, counts: list[int], days: tuple[int, ...] = tuple(range(1, 29))) -> list[str]:
    """So many reports in months that follow each other, spread over the days."""
    spread = pd.period_range(first, periods=len(counts), freq="M")
    return [
        f"{month}-{days[n * len(days) // count]:02}"
        for month, count in zip(spread, counts, strict=True)
        for n in range(count)
    ]


YEAR = months("2016-01", [40] * 11)


@pytest.mark.parametrize(
    ("reports", "start", "end", "quiet"),
    [
        ([*YEAR, *months("2016-12", [7])], "2016-01-01", "2016-12-31", False),
        ([*YEAR, *months("2016-12", [7], (1, 2, 3))], "2016-01-01", "2016-11-30", True),
        ([*YEAR[40:], *months("2016-01", [7])], "2016-01-01", "2016-11-30", False),
        ([*YEAR[40:], *months("2016-01", [7], (29, 30))], "2016-02-01", "2016-11-30", True),
        ([*YEAR, *months("2016-12", [40, 5])], "2016-01-01", "2016-12-31", True),
        ([*YEAR, "2031-06-05"], "2016-01-01", "2016-11-30", True),
        (["2001-06-25", *YEAR, *months("2016-12", [7])], "2016-01-01", "2016-12-31", True),
        ([*months("2016-01", [2] * 12), "2031-06-05"], "2016-01-01", "2016-12-31", True),
        ([*months("2016-01", [9] * 3), "2031-06-05"], "2016-01-01", "2016-03-31", True),
        (["2016-01-05", "2018-05-06"], "2016-01-01", "2018-05-31", False),
    ],
)  # fmt: skip
def test_the_study_spans_thin_months_but_neither_slips_nor_months_that_are_cut(
    reports: list[str], start: str, end: str, quiet: bool
) -> None:
    seen = window(pd.to_datetime(pd.Series(reports)))
    assert seen is not None
    assert (f"{seen.start:%Y-%m-%d}", f"{seen.end:%Y-%m-%d}", seen.quiet) == (start, end, quiet)


# --- places -------------------------------------------------------------------------------------


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    file = episodes(tmp_path)
    forces = tmp_path / "forces"
    new_force(forces, "mark", [file])
    with pytest.raises(ContractError, match="or move the folder forces/mark away first"):
        new_force(forces, "mark", [file])
    (forces / "east").write_text("a note", encoding="utf-8")
    with pytest.raises(ContractError, match="forces/east is a file, where the folder"):
        new_force(forces, "east", [file])
    assert (forces / "east").read_text(encoding="utf-8") == "a note"


def test_a_zone_in_the_name_is_written_and_marked(tmp_path: Path) -> None:
    rows = [[f"R{n}", f"P{n % 9}", f"2016-07-{n + 1:02} 10:00", f"2016-07-{n + 1:02} 15:00"]
            for n in range(27)]  # fmt: skip
    file = write(tmp_path / "x.csv", ["ref", "person", "reported_utc", "closed_date"], rows)
    force, text, _ = proposed(tmp_path, file)
    columns = force.sources["incidents"].columns or {}
    assert (columns["reported_at"].zone, columns["ended_at"].zone) == ("UTC", None)
    assert "CHECK: its name says UTC: is that so?" in text
    assert "is this the return of the person, or when the record was closed?" in text
