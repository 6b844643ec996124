"""What the gate leaves of the findings: on both made-up forces each keeps its meaning.

The chapters are run as they stand, without their pictures, and each published figure is held
against the true one, computed without the gate from the canonical tables.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from missing_lib.book import disclosure
from missing_lib.book.layout import (
    FORCES_VARIABLE,
    MEMBERS_VARIABLE,
    REGISTRY_VARIABLE,
    ROOT_VARIABLE,
    Layout,
)
from missing_lib.book.toc import parameters_of, read_toc
from missing_lib.force import store
from missing_lib.force.intake import take_in
from missing_lib.force.spec import find_force
from missing_lib.force.tables import Tables
from missing_lib.release import unrounded
from missing_lib.release.counted import Counted
from missing_lib.release.differencing.counts import Source
from missing_lib.release.differencing.repair import repair
from missing_lib.release.policy import Policy, significant
from missing_lib.release.publish import Gate
from missing_lib.release.published import Shown
from missing_lib.release.registry import ChapterRecords
from missing_lib.study import family, predictors, stability
from missing_lib.study import frame as frames
from missing_lib.study.cohort import Cohort, select
from missing_lib.study.findings import CLAIMS
from tests.conftest import ROOT, copy_sources
from tests.one_chapter import gate_of

FORCES = ("thames-valley", "northshire")
#: Chapters that count or carry a finding, in the order of the book.
CHAPTERS = tuple(c for c in read_toc(ROOT).chapters if c not in ("force-file", "audit", "controls"))
#: With which the chapter on the network draws.
SEED = parameters_of(ROOT / "chapters" / "network.md")["seed"]  # type: ignore[index]


@dataclass(frozen=True)
class Edition:
    """What an edition of children published, and what it was computed from."""

    published: dict[str, ChapterRecords]
    counted: tuple[Counted, ...]
    tables: Tables
    cohort: Cohort
    unit_cost: float
    mended: bool

    @cached_property
    def truth(self) -> dict[str, float]:
        """True value of the number behind each finding's figure, by name."""
        return {
            **truth_of_counts(self),
            **truth_of_months(self.cohort),
            **truth_of_gaps(self.cohort),
            **truth_of_models(self.cohort),
        }


@pytest.fixture(scope="module", params=FORCES)
def edition(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    with pytest.MonkeyPatch.context() as patch:
        return made(request.param, tmp_path_factory.mktemp(request.param), patch)


def made(force: str, folder: Path, patch: pytest.MonkeyPatch) -> Edition:
    """Run the chapters of the children of a force in this process."""
    tree = copy_sources(folder / "book")
    layout = Layout(tree.root, tree.root / "forces")
    home = layout.forces / force
    home.mkdir(parents=True)
    shutil.copyfile(ROOT / "forces" / force / "force.yml", home / "force.yml")
    described = find_force(layout.forces, force)
    taken = take_in(described, home)
    store.save(taken, home)
    patch.setenv(ROOT_VARIABLE, str(layout.root))
    patch.setenv(FORCES_VARIABLE, str(layout.forces))
    for name in (REGISTRY_VARIABLE, MEMBERS_VARIABLE):
        patch.delenv(name, raising=False)
    # Pictures are drawn from safe tables; they change nothing here and take a third of the time.
    patch.setattr(Gate, "figure", lambda _self, name, *_, **__: Shown(name, {"kind": "none"}))
    gates = {name: gate_of(layout.source(name), force) for name in CHAPTERS}
    records = {n: ChapterRecords(n, tuple(g.registry.records)) for n, g in gates.items()}
    counted = tuple(one for gate in gates.values() for one in gate.registry.counted)
    cohort = select(taken.tables, described, "children")
    mended = layout.edition(force, "children").mends.exists()
    assert described.unit_cost is not None
    return Edition(records, counted, taken.tables, cohort, described.unit_cost.high, mended)


# --- the truth --------------------------------------------------------------------------------


def truth_of_counts(edition: Edition) -> dict[str, float]:
    """Incidents and people, and the shares made of them, in a few lines of plain pandas."""
    cohort = edition.cohort
    rows = edition.tables.incidents.merge(edition.tables.persons, on="person_id")
    day = rows["reported_at"].dt.tz_convert(cohort.time_zone).dt.tz_localize(None).dt.normalize()
    inside = day.between(cohort.start, cohort.end)
    eighteenth = rows["birth_date"] + pd.DateOffset(years=18)
    whole, young = rows[inside], rows[inside & (day < eighteenth)]
    per_child = young.groupby("person_id").size()
    often, again = per_child[per_child >= 10], per_child[per_child > 1]
    people = whole["person_id"].nunique()
    return {
        "all_incidents": len(whole),
        "all_people": people,
        "children_count": len(per_child),
        "children_share": len(per_child) / people,
        "child_incidents": len(young),
        "child_incidents_share": len(young) / len(whole),
        "repeat_share": again.sum() / len(young),
        "persistent_people": len(often),
        "persistent_people_share": len(often) / len(per_child),
        "persistent_share": often.sum() / len(young),
        "cost_high": often.sum() * edition.unit_cost,
    }


def truth_of_months(cohort: Cohort) -> dict[str, float]:
    monthly = stability.readings(cohort, draws=2)
    fixed = monthly[monthly["reading"] == "fixed_set"]
    return {"fixed_lowest": float((fixed["part"] / fixed["whole"]).min())}


def truth_of_gaps(cohort: Cohort) -> dict[str, float]:
    """Days from the end of an incident, or from its report where that is later or unknown."""
    rows = cohort.incidents
    before = rows.groupby("person_id")[["reported_at", "ended_at"]].shift()
    end = before["ended_at"].where(before["ended_at"] <= rows["reported_at"])
    gaps = (rows["reported_at"] - end.fillna(before["reported_at"])) / pd.Timedelta(days=1)
    seen = gaps[rows["order"] > 1]
    short, long = cohort.definitions.gap_days
    return {"short_share": (seen <= short).mean(), "long_share": (seen <= long).mean()}


def truth_of_models(cohort: Cohort) -> dict[str, float]:
    """Estimates as the study computes them; other tests hold these against R."""
    frame = frames.known_before(cohort)
    primary = family.primary(cohort, frame, SEED)
    found = predictors.answers(primary.markers, primary.p_holm)
    return {
        **{f"ratio_{answer.marker}": answer.estimate for answer in found},
        "doubling": primary.connections.row("connections")["estimate"],
        "per_step": primary.steps.row("steps")["estimate"],
        "steps_p": primary.p_holm["N2"],
        "timing_ratio": primary.timing.ratio,
        "timing_adjusted": primary.p_holm["N3"],
    }


# --- what is left of it -----------------------------------------------------------------------


def figures(edition: Edition) -> Iterator[tuple[str, dict[str, Any], ChapterRecords]]:
    """Each finding with the record of the number of each figure."""
    for claim in CLAIMS:
        records = edition.published[claim.chapter]
        numbers = {r["name"]: r for r in records.of_kind("number")}
        for found in (r for r in records.of_kind("finding") if r["name"] == claim.id):
            for figure in found["figures"]:
                yield claim.id, numbers[figure["name"]], records


def tolerance(edition: Edition, record: dict[str, Any], records: ChapterRecords) -> float:
    """What rounding may move a figure by: 2.5 of a count, half a point and its two counts."""
    if record["unit"] in ("person", "incident"):
        return 2.5
    if record["unit"] == "money":
        return 2.5 * edition.unit_cost
    if record["unit"] == "derived":
        # The two counts of a month are not published.
        low, high = unrounded.of_any_share(record["value"], Policy())
        return max(high - record["value"], record["value"] - low)
    whole = [r["value"] for r in records.of_kind("number") if r["name"] in record["of"][1:]]
    return 0.005 + (5 / (whole[0] - 2.5) if whole else 0)


def test_every_finding_is_answered_with_a_figure(edition: Edition) -> None:
    answered = {finding for finding, _, _ in figures(edition)}
    assert answered == {claim.id for claim in CLAIMS}
    assert not [r["name"] for _, r, _ in figures(edition) if r["hidden"] or r["value"] is None]


def test_every_published_figure_is_within_rounding_of_the_true_one(edition: Edition) -> None:
    for finding, record, records in figures(edition):
        value, true = float(record["value"]), float(edition.truth[record["name"]])
        if record["unit"] == "estimate":
            assert value == significant(true), finding
        else:
            assert abs(value - true) <= tolerance(edition, record, records), finding


def test_the_page_says_truly_between_what_a_figure_could_lie(edition: Edition) -> None:
    scales = {"share": 100, "derived": 100, "money": 1e-6}
    for finding, record, records in figures(edition):
        said = unrounded.between(record, records, Policy())
        low, high = (float(n.replace(",", "")) for n in re.findall(r"[\d.,]+", said))
        true = float(edition.truth[record["name"]]) * scales.get(record["unit"], 1)
        assert low <= true <= high, (finding, said)


def test_nothing_has_to_be_mended(edition: Edition) -> None:
    source = Source("children", False, Policy(), edition.counted)
    _, found = repair([source], Policy(), lambda _: False)
    assert (found.places, found.refused, edition.mended) == ((), (), False)


def test_hiding_touches_no_figure_of_a_finding(edition: Edition) -> None:
    touched = disclosure.findings_touched(edition.published, "children")
    assert touched["finding"].str.startswith("C4").all()
    assert touched["effect"].str.startswith("Answered from the values that are shown").all()
