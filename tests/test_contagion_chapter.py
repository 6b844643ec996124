"""The chapter on transmission for forces that leave it little: each gets a sensible one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from missing_lib.force.tables import Tables, conform, empty
from missing_lib.release.registry import ChapterRecords
from missing_lib.study import contagion
from tests.conftest import ROOT
from tests.one_chapter import numbers_of, published_of, texts
from tests.test_network_chapter import one_care_home, one_component, tables_of, ten_ties

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the chapter on a force's tables, with few simulated worlds and no pictures."""

    def run(tables: Tables, population: str = "children", outcome: str = "") -> ChapterRecords:
        monkeypatch.setattr(contagion, "WORLDS", 3)
        source = ROOT / "chapters" / "contagion.md"
        if outcome:
            text = source.read_text(encoding="utf-8").replace(
                'outcome = "missing"', f'outcome = "{outcome}"'
            )
            source = tmp_path / "contagion.md"
            source.write_text(text, encoding="utf-8")
        return published_of(source, tables, tmp_path, monkeypatch, population)

    return run


def often(tables: Tables, seed: int = 2) -> Tables:
    """Everybody with an incident has five more, so that there is something to model."""
    rng = np.random.default_rng(seed)
    rows = tables.incidents.loc[tables.incidents.index.repeat(6)].reset_index(drop=True)
    later = pd.to_timedelta(rng.uniform(2, 200, len(rows)), unit="D").floor("min")
    later = pd.Series(later).where(np.arange(len(rows)) % 6 > 0, pd.Timedelta(0))
    at = rows["reported_at"] + later.to_numpy()
    rows = rows.assign(incident_id=[f"m{k}" for k in range(len(rows))], reported_at=at, ended_at=at)
    return replace(tables, incidents=conform(rows, "incidents"))


def test_a_force_without_ties_is_told_so(published) -> None:
    (stop,) = published(replace(tables_of(), ties=empty("ties"))).of_kind("stop")
    assert "supplies no ties" in stop["text"]


@pytest.mark.parametrize(
    ("shape", "concludes"),
    [
        (ten_ties, "How many further incidents an incident brings on among connections is not"),
        # The day after each report of so many tied people is no time at risk: little is left.
        (one_care_home, "There is no evidence that episodes bring on episodes of connections, and"),
        (one_component, "There is evidence that episodes bring on no, or hardly any, episodes"),
    ],
)
def test_ties_of_any_shape_give_a_chapter_with_its_conclusion(
    shape, concludes: str, published
) -> None:
    records = published(often(shape(tables_of())))
    assert concludes in records.of_kind("text")[-1]["text"]
    assert not records.of_kind("stop")
    assert [r["name"] for r in records.of_kind("finding")] == ["N3"]


def test_ten_ties_show_nothing_of_anybody(published) -> None:
    numbers = numbers_of(published(often(ten_ties(tables_of()))))
    for name in ("timing_ratio", "peer_effect", "detectable", "timing_adjusted"):
        assert numbers[name] in ("not shown", "not available"), name


def test_another_outcome_is_no_answer_to_the_study_s_question(published) -> None:
    tables = often(one_component(tables_of()))
    events = pd.DataFrame(
        {
            "person_id": tables.incidents["person_id"].astype(object),
            "event_type": "violence_victim",
            "occurred_at": tables.incidents["reported_at"],
        }
    )
    tables = replace(tables, events=conform(events, "events"))
    records = published(tables, outcome="violence_victim")
    assert not records.of_kind("finding")
    assert "an event on file as violence victim" in texts(records)


def test_adults_have_a_chapter(published) -> None:
    tables = often(one_component(tables_of()))
    born = tables.persons["birth_date"] - pd.DateOffset(years=20)
    tables = replace(tables, persons=tables.persons.assign(birth_date=born))
    records = published(tables, "adults")
    assert not records.of_kind("stop")
    assert numbers_of(records)["own_effect"] not in ("not shown", "not available")


def test_a_file_of_reported_people_alone_has_the_test_of_timing(published) -> None:
    tables = often(one_component(tables_of()))
    persons = tables.persons.assign(known_first_by="police:missing_report")
    records = published(replace(tables, persons=conform(persons, "persons")))
    assert [r["name"] for r in records.of_kind("finding")] == ["N3"]
    assert numbers_of(records)["timing_ratio"] not in ("not shown", "not available")
    assert "is not known" in texts(records)
