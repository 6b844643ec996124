"""Cleaning choices: what each one does, against plain recomputation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from missing_lib.force.intake import Intake
from missing_lib.force.merge import merge_incidents
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables
from missing_lib.study import choices
from missing_lib.study.choices import DEFAULT, OTHERS, Specification
from missing_lib.study.cohort import select
from missing_lib.study.repeats import gaps


@pytest.fixture(scope="module")
def made(thames_valley_intake: Intake, thames_valley: ForceFile) -> pd.DataFrame:
    return choices.headline_by_choice(
        thames_valley_intake.tables, thames_valley, "children", "pairs", seed=1
    ).set_index("choice")


def test_pairs_are_the_default_each_choice_and_every_pair() -> None:
    made = choices.specifications("pairs")
    sizes = [len(values) for values in OTHERS.values()]
    pairs = (sum(sizes) ** 2 - sum(s**2 for s in sizes)) / 2
    assert len(made) == len(set(made)) == 1 + sum(sizes) + pairs
    assert made[0] == DEFAULT
    assert len(choices.specifications("all")) == np.prod([s + 1 for s in sizes])
    with pytest.raises(ValueError, match="single, pairs, all"):
        choices.specifications("every")


def test_default_is_the_headline(made: pd.DataFrame) -> None:
    row = made.loc["as in this book"]
    assert row["persistent"] == 3121 / 5262
    assert row["repeat"] == (5262 - 631) / 5262
    assert row["people"] == 125


@pytest.mark.parametrize("hours", [1, 6, 24])
def test_merge_gap_is_that_of_the_intake(
    made: pd.DataFrame, hours: int, thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    tables = thames_valley_intake.tables
    merged = replace(
        tables, incidents=merge_incidents(tables.incidents, hours, thames_valley.time_zone)
    )
    cohort = select(merged, thames_valley, "children")
    seen = gaps(cohort)
    seen = seen[seen["observed"]]
    row = made.loc[f"reports within {hours} h of a return are one incident"]
    assert row["short"] == (seen["gap_days"] <= 14).mean()
    known = cohort.incidents["time_known"].astype(bool)
    next_known = known.groupby(cohort.incidents["person_id"]).shift(-1, fill_value=False)
    assert seen.loc[known & next_known, "gap_days"].min() > hours / 24
    assert row["persistent"] == cohort.counts[cohort.counts >= 10].sum() / cohort.counts.sum()


def test_without_the_lowest_category(
    made: pd.DataFrame, thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    incidents = select(thames_valley_intake.tables, thames_valley, "children").incidents
    counts = incidents[incidents["category"] != "no_apparent_risk"].groupby("person_id").size()
    row = made.loc["without absent and no apparent risk"]
    assert row["repeat"] == counts[counts > 1].sum() / counts.sum()


def test_wash_out_leaves_the_first_year_out(
    made: pd.DataFrame, thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    incidents = select(thames_valley_intake.tables, thames_valley, "children").incidents
    counts = incidents[incidents["reported_on"] >= "2015-05-01"].groupby("person_id").size()
    row = made.loc["without the first 12 months"]
    assert row["persistent"] == counts[counts >= 10].sum() / counts.sum()


def test_unknown_ages_join_the_population(
    thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    tables = thames_valley_intake.tables
    child = select(tables, thames_valley, "children").incidents["person_id"].iloc[0]
    persons = tables.persons.copy()
    persons.loc[persons["person_id"] == child, "birth_date"] = pd.NaT
    found = choices.headline_by_choice(
        replace(tables, persons=persons), thames_valley, "children", "single", seed=1
    ).set_index("choice")
    everybody = select(tables, thames_valley, "all").counts[child]
    children = select(tables, thames_valley, "children").counts
    counts = children.drop(child)
    out = counts[counts > 1].sum() / counts.sum()
    assert found.loc["as in this book", "repeat"] == out
    counts = pd.concat([counts, pd.Series({child: everybody})])
    back = counts[counts > 1].sum() / counts.sum()
    assert found.loc["with incidents of unknown age", "repeat"] == back


def test_splitting_takes_so_many_people_and_loses_nothing() -> None:
    rows = pd.DataFrame(
        {"person_id": np.repeat([f"p{i}" for i in range(300)], 4), "n": range(1200)}
    )
    rows = pd.concat([rows, pd.DataFrame({"person_id": ["once"], "n": [1200]})])
    touched: dict[int, set[str]] = {}
    for percent in (1, 2, 5):
        split = choices.split_people(rows, percent, np.random.default_rng(3))
        assert split["n"].tolist() == rows["n"].tolist()
        new = set(split["person_id"]) - set(rows["person_id"])
        touched[percent] = {name.removesuffix("\x1f") for name in new}
        # One in sixteen of the chosen keep all four incidents on one side.
        assert 0.6 * 3 * percent <= len(new) <= 3 * percent
    assert "once" not in touched[5]
    assert choices.split_people(rows, 0, np.random.default_rng(3)) is rows


def test_splitting_lowers_the_share_of_the_persistent(made: pd.DataFrame) -> None:
    whole = made.loc["as in this book", "persistent"]
    parts = [
        made.loc[f"{p} % of repeat people under two identifiers", "persistent"] for p in (1, 5)
    ]
    assert whole >= parts[0] >= parts[1]


@pytest.mark.parametrize("keep", [0, 1])
def test_empty_and_single_extracts_survive(
    keep: int, thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    whole = thames_valley_intake.tables
    tables = Tables(
        whole.persons.iloc[:keep], whole.incidents.iloc[:keep], whole.markers.iloc[:0],
        whole.ties.iloc[:0], whole.events.iloc[:0],
    )  # fmt: skip
    found = choices.headline_by_choice(tables, thames_valley, "children", "all", seed=1)
    assert (found["people"] == 0).all()
    assert choices.spread(found, ["short"]).empty


def test_choices_without_anything_to_choose_on_are_left_out(
    thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    tables, force = thames_valley_intake.tables, thames_valley
    assert choices.possible(tables, force) == OTHERS
    assert choices.describe_impossible(OTHERS) == ""
    born = tables.persons["birth_date"].fillna(pd.Timestamp("1970-01-01"))
    blank = tables.incidents.assign(category=tables.incidents["category"].mask(lambda c: c.notna()))
    bare = replace(tables, persons=tables.persons.assign(birth_date=born), incidents=blank)
    one = choices.possible(replace(bare, incidents=tables.incidents), force)
    assert set(OTHERS) - set(one) == {"unknown_age"}
    two = choices.possible(bare, force)
    assert set(OTHERS) - set(two) == {"low_risk", "unknown_age"}
    made = choices.headline_by_choice(bare, force, "children", "pairs", seed=1)
    assert made["low_risk"].all()
    assert not made["unknown_age"].any()
    sizes = [len(some) for some in two.values()]
    assert len(made) == 1 + sum(sizes) + (sum(sizes) ** 2 - sum(s**2 for s in sizes)) / 2
    assert len(choices.marks(two)) == sum(sizes)


def test_what_the_intake_has_merged_cannot_be_chosen_again(
    thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    definitions = thames_valley.definitions.model_copy(update={"merge_gap_hours": 6})
    rules = {"I07": {"action": "merge"}}
    force = thames_valley.model_copy(update={"definitions": definitions, "rules": rules})
    values = choices.possible(thames_valley_intake.tables, force)
    assert values["merge_gap"] == (24.0,)
    assert "duplicates" not in values
    assert choices.describe_impossible(values) == (
        "Not among the choices for this force: "
        "merge gap 1 h (reports within it or a longer gap are merged already); "
        "merge gap 6 h (reports within it or a longer gap are merged already); "
        "near duplicates merged (they are merged already)."
    )


def test_words_and_marks_name_every_choice() -> None:
    words = [choices.in_words(s) for s in choices.specifications("all")]
    assert len(set(words)) == len(words)
    everything = Specification(24.0, True, False, True, 12, 5)
    assert choices.in_words(everything).count("; ") == len(OTHERS) - 1
    assert len(choices.marks()) == sum(len(v) for v in OTHERS.values())
