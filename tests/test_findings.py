"""The findings of the study, computed a second time from the CSV in plain pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from missing_lib.force.intake import Intake
from missing_lib.force.spec import ForceFile
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.registry import Registry
from missing_lib.study import concentration, prevalence, repeats, stability
from missing_lib.study.cohort import Cohort, select
from missing_lib.study.findings import CLAIMS, not_the_same_people
from missing_lib.study.tabulate import tabulate
from tests.conftest import RAW


@pytest.fixture(scope="module")
def plain() -> pd.DataFrame:
    """Child incidents straight from the files: local day of report, age by calendar."""
    incidents = pd.read_csv(RAW / "incidents.csv", parse_dates=["reported_at", "ended_at"])
    persons = pd.read_csv(RAW / "persons.csv", parse_dates=["birth_date"])
    rows = incidents.merge(persons[["person_id", "birth_date"]], on="person_id")
    day = rows["reported_at"].dt.tz_convert("Europe/London").dt.tz_localize(None).dt.normalize()
    eighteenth = [b + pd.DateOffset(years=18) for b in rows["birth_date"]]
    rows["child"] = day < pd.to_datetime(pd.Series(eighteenth))
    rows["month"] = day.dt.to_period("M")
    return rows.sort_values(["person_id", "reported_at"], ignore_index=True)


@pytest.fixture(scope="module")
def children(plain: pd.DataFrame) -> pd.DataFrame:
    return plain[plain["child"]]


@pytest.fixture(scope="module")
def cohort(thames_valley_intake: Intake, thames_valley: ForceFile) -> Cohort:
    return select(thames_valley_intake.tables, thames_valley, "children")


def test_files_hold_the_published_counts(plain: pd.DataFrame, children: pd.DataFrame) -> None:
    per_child = children.groupby("person_id").size()
    assert (len(plain), plain["person_id"].nunique()) == (8773, 2753)
    assert (len(children), len(per_child)) == (5262, 1132)
    assert ((per_child >= 10).sum(), per_child[per_child >= 10].sum()) == (125, 3121)


def test_headline(
    plain: pd.DataFrame, thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    head = prevalence.headline(thames_valley_intake.tables, thames_valley)
    both = plain.groupby("person_id")["child"].nunique().eq(2).sum()
    pd.testing.assert_series_equal(
        head.per_person, plain.groupby("person_id").size(), check_names=False, check_dtype=False,
        check_index_type=False,
    )  # fmt: skip
    assert head.child_per_person.sum() == 5262
    assert (len(head.crossing), len(head.unknown_age)) == (both, 0)


def test_repeats(children: pd.DataFrame, cohort: Cohort) -> None:
    per_child = children.groupby("person_id").size()
    shares = repeats.repeat_shares(cohort.counts)
    assert shares.share_of_repeat_people == per_child[per_child > 1].sum() / 5262
    assert shares.share_after_first == (5262 - 1132) / 5262
    gap = children["reported_at"] - children.groupby("person_id")["ended_at"].shift()
    days = gap.dropna() / pd.Timedelta(days=1)
    assert len(days) == 4130
    short = repeats.short_gaps(repeats.gaps(cohort), (14, 28))
    np.testing.assert_allclose(short["share"], [(days <= 14).mean(), (days <= 28).mean()])
    assert [round(100 * s) for s in short["share"]] == [60, 70]


def test_concentration(children: pd.DataFrame, cohort: Cohort) -> None:
    counts = np.sort(children.groupby("person_id").size().to_numpy())
    measured = concentration.measure(cohort.counts, 0.2, 10)
    assert (measured.persistent_people, measured.persistent_incidents) == (125, 3121)
    pairs = np.abs(counts[:, None] - counts[None, :]).sum()
    assert measured.gini == pytest.approx(pairs / (2 * len(counts) ** 2 * counts.mean()))
    whole, part = divmod(0.2 * len(counts), 1)
    top = counts[::-1][: int(whole)].sum() + part * counts[::-1][int(whole)]
    assert measured.top_share == pytest.approx(top / counts.sum())


def test_fixed_top_fifth_every_month(children: pd.DataFrame, cohort: Cohort) -> None:
    per_child = children.groupby("person_id").size()
    ordered = per_child.sort_values(ascending=False)
    cut = ordered.iloc[226]
    above, at_cut = (per_child > cut).sum(), (per_child == cut).sum()
    weight = per_child.map(
        lambda n: 1.0 if n > cut else (226.4 - above) / at_cut if n == cut else 0
    )
    held = children["person_id"].map(weight).groupby(children["month"]).sum()
    total = children.groupby("month").size()
    monthly = stability.readings(cohort, draws=2)
    fixed = monthly[monthly["reading"] == "fixed_set"].set_index("month")
    np.testing.assert_allclose(fixed["part"].to_numpy(float), held.to_numpy(float))
    np.testing.assert_allclose(fixed["whole"].to_numpy(float), total.to_numpy(float))
    assert len(fixed) == 68
    assert (held / total).min() >= 0.6
    rounded = (5 * np.floor(held / 5 + 0.5)) / (5 * np.floor(total / 5 + 0.5))
    assert rounded.min() >= 0.6


def test_published_figures_keep_their_meaning(
    cohort: Cohort, thames_valley_intake: Intake, thames_valley: ForceFile
) -> None:
    gate = Gate(Policy(), Registry(None))
    head = prevalence.headline(thames_valley_intake.tables, thames_valley)
    incidents = gate.incidents("incidents", head.incidents, what="all")
    people = gate.people("people", head.per_person.index, what="all")
    children = gate.people("children", cohort.counts.index, what="children", of=people)
    theirs = gate.incidents("theirs", cohort.incidents, what="children", of=incidents)
    many = concentration.persistent(cohort.counts, 10)
    persistent = gate.incidents(
        "persistent", cohort.incidents_of(many.index), what="10 or more", of=theirs
    )
    shown = [incidents, people, children, theirs, persistent]
    assert [n.text for n in shown] == ["8,775", "2,755", "1,130", "5,260", "3,120"]
    assert gate.share("p2", children, people, what="").text == "41 %"
    assert gate.share("p3", theirs, incidents, what="").text == "60 %"
    assert gate.share("c2", persistent, theirs, what="").text == "59 %"
    assert gate.money("c3", persistent, 2415.80, currency="GBP", what="").text == "GBP 7.54 million"


@pytest.mark.parametrize("population", ["adults", "all"])
def test_headings_of_another_population_do_not_speak_of_children(population: str) -> None:
    for claim in CLAIMS:
        assert "{" not in claim.titled(population)
        if claim.of_children:
            assert "child" not in claim.titled(population).lower().replace("child protection", "")
            assert "child" in claim.figure_beside(population)
        assert "(children)" not in claim.figure_beside("children")
    assert "figures of the study are of children" in not_the_same_people(population)


def test_how_often_children_are_reported_follows_the_shares() -> None:
    assert "more often" in prevalence.child_against_all(0.41, 0.60)
    assert "less often" in prevalence.child_against_all(0.41, 0.30)
    assert "about as often" in prevalence.child_against_all(0.41, 0.41)
    assert "not shown" in prevalence.child_against_all(float("nan"), 0.60)


def test_a_table_needs_a_code_book() -> None:
    rows = pd.DataFrame({"person_id": ["a"], "sex": ["female"]})
    with pytest.raises(TypeError, match="no code book for sex"):
        tabulate(rows, ["sex"])
