"""The chapter on the network for forces that leave it little: each gets a sensible one."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from missing_lib.force.tables import Tables, conform, empty
from missing_lib.release.registry import ChapterRecords
from tests.conftest import ROOT
from tests.made_networks import random_force
from tests.one_chapter import numbers_of, published_of, texts

pytestmark = pytest.mark.filterwarnings("error")

MARKERS = {"mental_health": 0.5, "arrest": 0.5, "local_authority_care": 0.3}
ODDS = "connections_given"


def tables_of(people: int = 400, seed: int = 1, ties_each: float = 3.0, **markers: float) -> Tables:
    cohort = random_force(people, seed, markers or MARKERS, ties_each)
    incidents = cohort.incidents[["incident_id", "person_id", "reported_at"]]
    return Tables(
        persons=cohort.persons,
        incidents=conform(incidents.assign(ended_at=incidents["reported_at"]), "incidents"),
        markers=cohort.markers,
        ties=cohort.ties,
        events=cohort.events,
    )


def tied(tables: Tables, pairs: list[tuple[str, str]], kind: str = "co_arrest") -> Tables:
    rows = pd.DataFrame(pairs, columns=["person_a", "person_b"])
    rows = rows.assign(tie_type=kind, first_seen="2014-01-01", agency="police")
    return replace(tables, ties=conform(rows, "ties"))


def one_component(tables: Tables) -> Tables:
    names = sorted(tables.persons["person_id"])
    rng = np.random.default_rng(1)
    return tied(tables, [(names[int(rng.integers(0, k))], names[k]) for k in range(1, len(names))])


def one_care_home(tables: Tables) -> Tables:
    """Everybody who has a tie has it to everybody else of one home, of thirty children."""
    names = sorted(tables.persons["person_id"])[:30]
    return tied(tables, list(combinations(names, 2)), "same_placement")


def ten_ties(tables: Tables) -> Tables:
    """Between twenty people, of whom four were reported missing."""
    went = set(tables.incidents["person_id"])
    names = sorted(tables.persons["person_id"], key=lambda name: name in went)
    names = [*names[:16], *names[-4:]]
    return tied(tables, [(names[2 * k], names[2 * k + 1]) for k in range(10)])


def with_history(tables: Tables) -> Tables:
    """Every third person was reported before the study too."""
    names = tables.persons["person_id"].iloc[::3].to_numpy()
    early = pd.DataFrame(
        {
            "incident_id": [f"b{k}" for k in range(len(names))], "person_id": names,
            "reported_at": pd.Timestamp("2014-03-01", tz="UTC"),
            "ended_at": pd.Timestamp("2014-03-02", tz="UTC"),
        }
    )  # fmt: skip
    rows = pd.concat([tables.incidents, conform(early, "incidents")], ignore_index=True)
    return replace(tables, incidents=rows)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the chapter on a force's tables."""

    def run(tables: Tables, population: str = "children", drawn: bool = False) -> ChapterRecords:
        source = ROOT / "chapters" / "network.md"
        return published_of(source, tables, tmp_path, monkeypatch, population, drawn)

    return run


def rows_of(records: ChapterRecords, table: str) -> list[list[str]]:
    (found,) = [r for r in records.of_kind("table") if r["name"] == table]
    return found["rows"]


def test_a_force_without_ties_is_told_so(published) -> None:
    records = published(replace(tables_of(), ties=empty("ties")))
    (stop,) = records.of_kind("stop")
    assert "supplies no ties" in stop["text"]


def test_ten_ties_are_too_few_for_most_and_nothing_is_made_up(published) -> None:
    records = published(ten_ties(tables_of()), drawn=True)
    numbers = {r["name"]: r for r in records.of_kind("number")}
    assert numbers["observed_nearness"]["hidden"]
    for name in ("per_step", "transitivity", "assortativity", "near_p"):
        assert numbers[name]["text"] in ("not shown", "not available")
    assert not [r for r in records.of_kind("table") if r["name"] == "nulls"]
    assert "fewer than 10 people of this network" in texts(records)


def test_one_component_has_a_whole_chapter(published) -> None:
    records = published(one_component(tables_of()))
    numbers = {r["name"]: r for r in records.of_kind("number")}
    assert numbers["largest_share"]["hidden"]  # everybody with a tie: nobody is outside
    assert not numbers["observed_nearness"]["hidden"]
    assert [row[0] for row in rows_of(records, "nulls")] == ["labels shuffled", "ties rewired"]
    assert numbers["doubling"]["text"] not in ("not shown", "not available")


def test_one_care_home_ties_what_it_explains_and_that_is_said(published) -> None:
    records = published(one_care_home(tables_of()), drawn=True)
    said = texts(records)
    assert "Not estimated beside the others" in said or "there is no model" in said
    without = [row for row in rows_of(records, "kinds_of_ties") if "Without" in row[0]]
    assert without[0][2] == "not shown"
    assert numbers_of(records)["transitivity"] == "1.0"


@pytest.mark.parametrize("lacking", ["markers", "events"])
def test_tables_that_are_lacking_leave_the_rest(lacking: str, published) -> None:
    tables = tables_of()
    records = published(replace(tables, **{lacking: empty(lacking)}))
    numbers = numbers_of(records)
    assert numbers["doubling"] not in ("not shown", "not available")
    connections = [r for r in rows_of(records, ODDS) if r[1].startswith("one plus the number")]
    assert len(connections) == 3
    assert all("to" in row[3] for row in connections)


def test_without_a_placement_or_a_contact_the_terms_say_why(published) -> None:
    said = texts(published(tables_of()))
    assert "a placement shared with others (the same for everybody)" in said
    assert "one plus earlier contacts with the police, each doubling (the same for" in said


def test_reports_of_before_the_study_are_used_where_there_are_any(published) -> None:
    records = published(with_history(tables_of(1200, 3)))
    assert "goes with" in texts(records)
    assert "reported missing after it" in texts(records)
    rows = dict((row[0], row[1:]) for row in rows_of(records, "surroundings"))
    assert all(float(value) > 0 for row in rows.values() for value in row)


def test_adults_are_read_as_adults(published) -> None:
    tables = tables_of()
    born = tables.persons["birth_date"] - pd.DateOffset(years=20)
    tables = replace(tables, persons=tables.persons.assign(birth_date=born))
    records = published(tables, "adults")
    assert numbers_of(records)["doubling"] not in ("not shown", "not available")
