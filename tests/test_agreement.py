"""The force's own figures beside the official ones: brute force, and cohorts made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_lib.figures import context as figures
from missing_lib.force.intake import Intake
from missing_lib.force.spec import ForceFile, Study
from missing_lib.force.tables import Tables
from missing_lib.release.counted import Cell
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.published import Shown
from missing_lib.release.registry import Registry
from missing_lib.study import agreement, agreement_words, official
from tests.made_cohorts import force_file, make_tables

pytestmark = pytest.mark.filterwarnings("error")

FOLDER = Path(__file__).parents[1] / "data" / "official" / "looked-after-missing"
BUCKINGHAMSHIRE = ("E06000060",)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return official.load(FOLDER)


def force_of(
    codes: Sequence[str] = BUCKINGHAMSHIRE, start: str = "2015-01-01", end: str = "2017-12-31"
) -> ForceFile:
    study = Study.model_validate({"start": start, "end": end})
    return force_file().model_copy(update={"local_authorities": tuple(codes), "study": study})


def from_care(rows: list[tuple[str, str]], **more: Any) -> Tables:
    return make_tables(rows, from_care=[True] * len(rows), **more)


def own(tables: Tables, table: pd.DataFrame, force: ForceFile | None = None) -> pd.DataFrame:
    """Own figures by measure and year."""
    made = agreement.compare(tables, force or force_of(), "children", table)
    assert made.obstacle == ""
    return made.rows.pivot(index="measure", columns="year", values="own")


# --- counting ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "years"),
    [
        ("2015-04-01", "2017-03-31", [2016, 2017]),
        ("2015-04-02", "2017-03-30", []),
        ("2014-05-01", "2019-12-31", [2016, 2017, 2018, 2019]),
        ("2013-04-01", "2015-03-31", [2015]),  # the official years begin then
        ("2023-01-01", "2030-01-01", [2024]),  # and end then
        ("2016-01-01", "2016-12-31", []),
    ],
)
def test_only_years_wholly_inside_the_study_count(start: str, end: str, years: list[int]) -> None:
    assert agreement.whole_years(start, end, range(2015, 2025)) == years


def test_a_year_begins_on_the_local_first_of_april(table: pd.DataFrame) -> None:
    rows = [
        ("a", "2015-03-31 22:59"),  # still 31 March, in summer time: before the first whole year
        ("b", "2015-03-31 23:00"),  # midnight of 1 April
        ("c", "2016-03-31 22:59"),
        ("d", "2016-03-31 23:00"),
        ("e", "2017-03-31 22:59"),
        ("f", "2017-03-31 23:00"),  # after the last whole year
    ]
    assert own(from_care(rows), table).loc["incidents"].to_dict() == {2016: 2, 2017: 2}


def test_a_child_counts_in_each_year_and_again_only_within_one(table: pd.DataFrame) -> None:
    rows = [
        *[("both", "2015-06-01"), ("both", "2016-06-01")],
        *[("again", "2016-07-01"), ("again", "2016-08-01"), ("again", "2017-05-01")],
    ]
    found = own(from_care(rows), table)
    assert found.loc["incidents"].to_dict() == {2016: 1, 2017: 3}
    assert found.loc["children"].to_dict() == {2016: 1, 2017: 2}
    assert found.loc["children missing more than once"].to_dict() == {2016: 0, 2017: 1}


def test_only_children_known_to_be_in_care_count(table: pd.DataFrame) -> None:
    rows = [(name, "2016-06-01") for name in ("care", "home", "unknown", "grown")]
    tables = make_tables(rows, from_care=[True, False, None, True], births={"grown": "1990-01-01"})
    made = agreement.compare(tables, force_of(), "all", table)
    assert made.rows.pivot(index="measure", columns="year", values="own").loc[
        "children"
    ].to_dict() == {2016: 0, 2017: 1}
    assert made.unknown.part.to_dict() == {"unknown": 1}
    assert made.unknown.rest.to_dict() == {"care": 1, "home": 1}
    assert made.unknown.share == pytest.approx(1 / 3)


def test_children_placed_here_by_others_are_told_apart(table: pd.DataFrame) -> None:
    rows = [("a", "2016-06-01"), ("a", "2016-07-01"), ("b", "2016-06-01"), ("c", "2016-06-01")]
    tables = from_care(rows, out_of_area=[True, True, False, None])
    made = agreement.compare(tables, force_of(), "children", table).elsewhere
    assert (made.part.to_dict(), made.rest.to_dict()) == ({"a": 2}, {"b": 1})
    nowhere = agreement.compare(from_care(rows), force_of(), "children", table).elsewhere
    assert np.isnan(nowhere.share)


def test_thames_valley_in_plain_pandas(
    thames_valley: ForceFile, thames_valley_intake: Intake, table: pd.DataFrame
) -> None:
    tables = thames_valley_intake.tables
    made = agreement.compare(tables, thames_valley, "children", table)
    rows = tables.incidents.merge(tables.persons[["person_id", "birth_date"]], on="person_id")
    local = rows["reported_at"].dt.tz_convert("Europe/London").dt.tz_localize(None)
    comes_of_age = rows["birth_date"] + pd.DateOffset(years=18)
    rows = rows[(local.dt.normalize() < comes_of_age) & rows["from_care"].eq(True).fillna(False)]
    assert made.rows["year"].unique().tolist() == [2016, 2017, 2018, 2019]
    for year in (2016, 2017, 2018, 2019):
        inside = local.between(f"{year - 1}-04-01", f"{year}-04-01", inclusive="left")
        per_child = rows.loc[inside[rows.index], "person_id"].value_counts()
        here = made.rows[made.rows["year"] == year].set_index("measure")
        assert here["own"].tolist() == [per_child.sum(), len(per_child), (per_child > 1).sum()]
        assert here["people"].tolist() == [len(per_child), len(per_child), (per_child > 1).sum()]
        assert here["largest"].tolist() == [per_child.max(), 1, 1]
        assert here["largest_two"].tolist() == [per_child.nlargest(2).sum(), 2, 2]
        assert here["rest"].tolist()[2] == (per_child == 1).sum()
        assert here["rest"].isna().tolist() == [True, True, False]
        assert here["unit"].tolist() == ["incident", "person", "person"]
        assert set(here["members"].iloc[0]) == set(rows.loc[inside[rows.index], "incident_id"])
        assert set(here["members"].iloc[1]) == set(per_child.index)
        assert set(here["members"].iloc[2]) == set(per_child.index[per_child > 1])
        for measure, words in agreement.MEASURES.items():
            cells = table[
                table["code"].isin(thames_valley.local_authorities)
                & (table["year"] == year)
                & (table["measure"] == measure)
            ]
            assert (len(cells), cells["value"].notna().all()) == (9, True)
            assert here.loc[words, "official"] == cells["value"].sum()
            assert here.loc[words, "official_text"] == f"{cells['value'].sum():,.0f}"


@pytest.mark.parametrize("population", ["children", "all"])
def test_every_edition_shows_the_same_children(
    thames_valley: ForceFile, thames_valley_intake: Intake, table: pd.DataFrame, population: str
) -> None:
    made = agreement.compare(thames_valley_intake.tables, thames_valley, population, table)
    assert made.rows["own"].sum() > 1000


# --- official sums -------------------------------------------------------------------------------


def test_an_area_that_was_divided_is_followed_across_the_reform(table: pd.DataFrame) -> None:
    raw = pd.read_csv(FOLDER / "2020-2024.csv", dtype=str, encoding="utf-8-sig")
    raw = raw.rename(columns=str.lower)
    raw = raw[raw["cla_group"] == official.MEASURES["missing_incidents"]]
    number = dict(
        zip(zip(raw["new_la_code"], raw["time_period"], strict=True), raw["number"], strict=True)
    )
    expected = {
        2021: float(number["E10000021", "2021"]),
        2022: float(number["E06000061", "2022"]) + float(number["E06000062", "2022"]),
    }
    force = force_of(["E06000061", "E06000062"], "2020-04-01", "2022-03-31")
    rows = agreement.compare(from_care([]), force, "children", table).rows
    found = rows[rows["measure"] == "incidents"].set_index("year")["official"]
    assert found.to_dict() == expected
    old = agreement.compare(
        from_care([]), force_of(["E10000021"], "2020-04-01", "2022-03-31"), "children", table
    ).rows
    assert old["official"].tolist() == rows["official"].tolist()


@pytest.mark.parametrize(
    ("codes", "year", "said"),
    [
        (["E06000061"], 2021, "does not apply"),  # created a year later
        (["E06000028"], 2020, "does not apply"),  # abolished a year before
        (["E06000038", "E06000039"], 2022, "withheld"),  # Slough's number
        (["E09000012"], 2021, "not supplied"),  # Hackney
    ],
)
def test_what_is_lacking_is_said_and_never_worked_out(
    table: pd.DataFrame, codes: list[str], year: int, said: str
) -> None:
    force = force_of(codes, f"{year - 1}-04-01", f"{year}-03-31")
    rows = agreement.compare(from_care([]), force, "children", table).rows
    children = rows[rows["measure"] == "children"]
    assert children["official_text"].tolist() == [said]
    assert children["official"].isna().all()


# --- nothing to compare --------------------------------------------------------------------------

CARED = [("a", "2016-06-01")]


@pytest.mark.parametrize(
    ("tables", "force", "population", "said"),
    [
        (None, force_of(), "children", "no police records"),
        (from_care(CARED), force_of([]), "children", "names no local authorities"),
        (from_care(CARED), force_of(), "adults", "about adults"),
        (make_tables(CARED), force_of(), "children", "do not say who was missing from care"),
        (from_care(CARED), force_of(start="2016-01-01", end="2016-12-31"), "all", "No official"),
    ],
)
def test_one_sentence_says_why_nothing_is_compared(
    table: pd.DataFrame, tables: Tables | None, force: ForceFile, population: str, said: str
) -> None:
    made = agreement.compare(tables, force, population, table)
    assert said in made.obstacle
    assert made.rows.empty
    sentence = gate().sentence(made.obstacle, force=force.name).payload["text"]
    assert "{" not in sentence
    assert sentence.endswith(".")


# --- what is published ---------------------------------------------------------------------------


def gate() -> Gate:
    return Gate(Policy(), Registry(None))


def published(frame: pd.DataFrame) -> Shown:
    return gate().beside_official(
        "own", frame, ["measure", "year"], title="Title", what="what", source="Department",
        labels=["What", "Year", "Own", "Official", "%"],
    )  # fmt: skip


def one_row(**values: Any) -> pd.DataFrame:
    row = {
        "measure": "incidents", "year": 2016, "own": 123, "people": 60, "largest": 20,
        "largest_two": 30, "rest": np.nan, "unit": "incident", "official": 200.0,
        "official_text": "200",
    } | values  # fmt: skip
    return pd.DataFrame([{"members": tuple(range(row["own"])), **row}])


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ({}, ["125", "200", "63 %"]),  # 125 / 200, not 123 / 200
        ({"own": 9, "people": 9}, ["hidden", "200", ""]),
        ({"people": 9}, ["hidden", "200", ""]),
        ({"largest": 62}, ["hidden", "200", ""]),
        ({"largest_two": 111}, ["hidden", "200", ""]),
        ({"rest": 9.0}, ["hidden", "200", ""]),
        ({"rest": 10.0}, ["125", "200", "63 %"]),
        ({"official": np.nan, "official_text": "withheld"}, ["125", "withheld", ""]),
        ({"official": 0.0, "official_text": "0"}, ["125", "0", ""]),
    ],
)
def test_own_counts_pass_the_gate(values: dict[str, Any], cells: list[str]) -> None:
    shown = published(one_row(**values))
    assert shown.payload["rows"] == [["incidents", "2016", *cells]]
    values = {"own", "official", "percent"}
    assert set(shown.frame) == {"measure", "year", *values, *(f"{v}_status" for v in values)}
    assert (shown.frame["own_status"] == "hidden").tolist() == [cells[0] == "hidden"]
    assert (cells[0] == "hidden") == any("Hidden" in note for note in shown.payload["notes"])
    assert shown.frame["own"].isna().tolist() == [cells[0] == "hidden"]


def test_own_counts_are_counts_of_their_members() -> None:
    with pytest.raises(ValueError, match="not the number of its members"):
        published(one_row(members=("a", "b")))
    gate = Gate(Policy(), Registry(None))
    rows = pd.concat([one_row(), one_row(own=9, people=9, unit="person", year=2017)])
    gate.beside_official(
        "own", rows, ["measure", "year"], title="T", what="w", source="S", labels=list("abcde")
    )
    assert [(c.unit, *c.cells) for c in gate.registry.counted] == [
        ("incident", Cell("incidents, 2016", "shown", 125.0, 123)),
        ("person", Cell("incidents, 2017", "hidden", pytest.approx(np.nan, nan_ok=True), 9)),
    ]


def test_a_stricter_policy_rounds_and_hides_more() -> None:
    strict = Gate(Policy(threshold=70, rounding=10), Registry(None))
    options = {"title": "T", "what": "w", "source": "S", "labels": list("abcde")}
    rows = pd.concat([one_row(), one_row(people=80, own=124)])
    shown = strict.beside_official("own", rows, ["measure", "year"], **options)
    assert [row[2] for row in shown.payload["rows"]] == ["hidden", "120"]


@pytest.mark.parametrize("children", [0, 1, 9])
def test_tiny_cohorts_show_no_count_of_their_own(table: pd.DataFrame, children: int) -> None:
    rows = [(f"p{i}", f"2016-0{month}-01") for i in range(children) for month in (5, 6, 7)]
    made = agreement.compare(from_care(rows), force_of(), "children", table)
    shown = published(made.rows)
    assert {row[2] for row in shown.payload["rows"]} == {"hidden"}
    found = agreement_words.spans(shown.frame)
    assert found.empty
    said = gate().sentence(agreement_words.describe(found), force="Small").payload["text"]
    assert said.startswith("In none of these years")


@pytest.mark.parametrize(
    ("percent", "end"),
    [
        ([50.0, 60.0, 99.0], "60 % of the children in the official figures: fewer throughout."),
        ([101.0, 130.0, 150.0], "130 % of the children in the official figures: more throughout."),
        ([80.0, 120.0, 150.0], ": neither fewer nor more throughout."),
        ([100.0, 100.0, 100.0], ": neither fewer nor more throughout."),
    ],
)
def test_the_sentence_follows_the_numbers(percent: list[float], end: str) -> None:
    measures = ["incidents", "children", "incidents"]
    compared = pd.DataFrame({"measure": measures, "percent": percent})
    found = agreement_words.spans(compared)
    assert found.index.tolist() == [
        f"{which}_{what}" for what in ("incidents", "children") for which in ("lowest", "highest")
    ]
    numbers = {name: f"{value:.0f} %" for name, value in found.items()}
    sentence = agreement_words.describe(found).format(force="Small", **numbers)
    low, high = sorted(percent[::2])
    span = f"{low:.0f} %" if low == high else f"{low:.0f} % to {high:.0f} %"
    assert f"the records of Small hold {span} of the incidents and " in sentence
    assert sentence.endswith(end)


def test_the_figure_draws_the_safe_table(table: pd.DataFrame) -> None:
    rows = [(f"p{i}", "2016-06-01") for i in range(12)]
    made = agreement.compare(from_care(rows), force_of(), "children", table)
    shown = published(made.rows)
    panels = figures.own_and_official(shown.frame).axes
    assert [panel.get_title("left") for panel in panels] == [
        "Incidents", "Children", "Children missing more than once",
    ]  # fmt: skip
    for panel, measure in zip(panels, agreement.MEASURES.values(), strict=True):
        here = shown.frame[shown.frame["measure"] == measure]
        drawn = {line.get_label(): line for line in panel.get_lines()}
        for column, label in (
            ("official", "Official statistics"),
            ("own", "The force's own records"),
        ):
            np.testing.assert_array_equal(drawn[label].get_ydata(), here[column])
        looks = {(line.get_linestyle(), line.get_marker()) for line in panel.get_lines()}
        assert len(looks) == 2


@pytest.mark.parametrize(
    ("kind", "codes", "said"),
    [
        ("official", [], "all of its authorities"),
        ("official", ["E06000038", "E06000039"], "follows 2 of England's authorities"),
        ("synthetic", ["E06000038"], "the force's own records beside theirs"),
        ("real", [], "names no local authorities"),
    ],
)
def test_the_chapter_says_what_it_sets_beside_england(
    kind: str, codes: list[str], said: str
) -> None:
    page = {"code": "small", "name": "Small", "kind": kind, "local_authorities": codes}
    if kind != "official":
        page = force_file().model_dump(exclude_unset=True) | page
    assert said in agreement_words.scope(ForceFile.model_validate(page))
