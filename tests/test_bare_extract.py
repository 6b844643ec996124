"""The book of a force whose table of persons holds only people who were reported missing.

Its incidents have no category, its birth dates are all known, and no marker has the study's name
for an arrest: what an extract made for another purpose looks like.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from missing_lib.force.schema import STUDY_MARKERS
from missing_lib.release.counted import load
from missing_lib.release.registry import ChapterRecords, read
from tests.conftest import RAW, Tree, add_force, copy_sources

CHAPTERS = ("data", "prevalence", "concentration", "repeats", "predictors", "network")
ALONE = "fewer than 10 people who were never reported missing, so there is nobody to compare with"


def change(folder: Path, table: str, how: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change a table of an extract in its place."""
    rows = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
    how(rows).to_csv(folder / f"{table}.csv", index=False)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A tree with the children's and the adults' book of such a force."""
    tree = copy_sources(tmp_path_factory.mktemp("bare"))
    incidents = pd.read_csv(RAW / "incidents.csv", dtype=str)
    persons = pd.read_csv(RAW / "persons.csv", dtype=str, index_col="person_id")
    reported = persons.index.isin(incidents["person_id"])
    folder = add_force(tree, "bare", persons["birth_date"].notna() & reported)
    change(folder, "incidents", lambda rows: rows.assign(category=""))
    change(
        folder,
        "markers",
        lambda rows: rows.assign(marker=rows["marker"].replace("arrest", "custody")),
    )
    done = tree.run("build", "bare/children", "bare/adults")
    assert done.returncode == 0, done.stdout + done.stderr
    return tree


@pytest.fixture(scope="module")
def records(bare: Tree) -> dict[str, ChapterRecords]:
    """What the children's chapters published."""
    return read(bare.edition("bare") / "registry", [*CHAPTERS, "index"])


def findings(records: dict[str, ChapterRecords]) -> dict[str, dict[str, str]]:
    """The answers of the findings page, by finding."""
    shown = records["index"].of_kind("answers")
    return {answer["id"]: answer for one in shown for answer in one["answers"]}


@pytest.mark.parametrize("chapter", ["predictors", "network"])
def test_with_nobody_to_compare_the_chapter_says_who_is_lacking(
    chapter: str, bare: Tree, records: dict[str, ChapterRecords]
) -> None:
    (stop,) = records[chapter].of_kind("stop")
    assert ALONE in stop["text"]
    assert "supply people known to its agencies for another reason" in stop["text"]
    kept = bare.root / "forces" / "bare" / "restricted" / "editions" / "children"
    numbers = [r["name"] for r in records[chapter].of_kind("number") if r["unit"] == "person"]
    assert [one.output for one in load(kept / f"{chapter}.npz")] == numbers


@pytest.mark.parametrize("finding", ["F1", "F2", "F3", "F4", "F5", "N1", "N2"])
def test_with_nobody_to_compare_the_findings_say_the_same(
    finding: str, records: dict[str, ChapterRecords]
) -> None:
    assert ALONE in findings(records)[finding]["sentence"]


def test_the_timing_of_episodes_needs_nobody_to_compare_with(
    records: dict[str, ChapterRecords],
) -> None:
    answer = findings(records)["N3"]
    assert "of the expected number" in answer["figure"]
    assert ALONE not in answer["sentence"]


@pytest.mark.parametrize("chapter", ["concentration", "repeats"])
def test_those_reported_are_not_counted_against_themselves(
    chapter: str, bare: Tree, records: dict[str, ChapterRecords]
) -> None:
    said = "fewer than 10 people who were never reported missing, so nothing is counted here"
    assert any(said in r["text"] for r in records[chapter].of_kind("text"))
    page = (bare.edition("bare") / "html" / "chapters" / f"{chapter}.html").read_text()
    shown = re.sub(r"<pre.*?</pre>", "", page, flags=re.S)
    for claim in ("Counted against all", "that any agency knew, the", "for everybody known to"):
        assert claim not in shown
    assert "first day under observation" not in shown


def test_choices_that_cannot_be_made_are_named_and_not_drawn(
    records: dict[str, ChapterRecords],
) -> None:
    said = [r["text"] for r in records["data"].of_kind("text")]
    assert any("no incident has a category" in s and "no birth date is missing" in s for s in said)
    tables = {r["name"]: r for r in records["data"].of_kind("table")}
    choices = [row[0] for row in tables["variants"]["rows"]]
    assert "as in this book" in choices
    assert not any("no apparent risk" in c or "unknown age" in c for c in choices)


def test_without_categories_the_eras_are_a_sentence(records: dict[str, ChapterRecords]) -> None:
    names = {r["name"] for r in records["prevalence"].of_kind("table")}
    assert "by_month" in names
    assert "by_era" not in names
    said = [r["text"] for r in records["prevalence"].of_kind("text")]
    assert any("gives no incident a category" in s for s in said)


def test_findings_of_adults_say_that_the_study_is_of_children(
    bare: Tree, records: dict[str, ChapterRecords]
) -> None:
    adults = read(bare.edition("bare", "adults") / "registry", ["index"])
    assert findings(adults)["R1"]["claim"].startswith("Adults' incidents that belong to an adult")
    assert findings(adults)["R1"]["published"] == "88 % (children)"
    (said,) = [r["text"] for r in adults["index"].of_kind("text")]
    assert said.startswith("This edition is about adults, and the two are not the same people")
    assert findings(records)["R1"]["claim"].startswith("Children's incidents")
    assert not records["index"].of_kind("text")


def test_an_arrest_by_another_name_is_not_denied(tmp_path: Path) -> None:
    tree = copy_sources(tmp_path)
    people = pd.read_csv(RAW / "persons.csv", dtype=str, index_col="person_id").index[:1500]
    folder = add_force(tree, "custody", pd.Series(True, index=people))
    change(
        folder, "markers",
        lambda rows: rows.assign(marker=rows["marker"].replace("arrest", "custody")),
    )  # fmt: skip
    for chapter in ("predictors", "index", "force-file"):
        done = tree.run("run", chapter, "custody")
        assert done.returncode == 0, done.stdout + done.stderr
    records = read(tree.edition("custody") / "registry", ["predictors", "index", "force-file"])
    assert findings(records)["F4"]["sentence"].startswith(
        "No marker of this force is called arrest,"
    )
    named = {r["name"]: r for r in records["force-file"].of_kind("table")}["study_markers"]
    assert [row[1] for row in named["rows"]] == list(STUDY_MARKERS)


def test_without_reasons_of_first_contact_the_chapter_names_the_column(tmp_path: Path) -> None:
    tree = copy_sources(tmp_path)
    people = pd.read_csv(RAW / "persons.csv", dtype=str, index_col="person_id").index[:400]
    folder = add_force(tree, "unsaid", pd.Series(True, index=people))
    change(folder, "persons", lambda rows: rows.assign(known_first_by=""))
    done = tree.run("run", "predictors", "unsaid")
    assert done.returncode == 0, done.stdout + done.stderr
    (stop,) = read(tree.edition("unsaid") / "registry", ["predictors"])["predictors"].of_kind(
        "stop"
    )
    assert "does not say why anybody was first known to an agency" in stop["text"]
    assert stop["text"].endswith("supply the column known_first_by.")
