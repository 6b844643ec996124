"""The primary family: its members, its tests and their adjustment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from missing_lib.book.toc import parameters_of
from missing_lib.study import family, network, peers, predictors
from missing_lib.study import frame as frames
from missing_lib.study.findings import CLAIMS
from tests.made_networks import odd_cohorts, random_force

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).parents[1]
ODD = odd_cohorts()


@pytest.fixture(scope="module")
def found() -> family.Family:
    cohort = random_force(900, 3, {"mental_health": 1.0, "self_harm": 0.0, "arrest": 0.3})
    return family.primary(cohort, frames.known_before(cohort), seed=5)


def test_the_members_are_the_claims_on_markers_and_on_ties() -> None:
    assert list(family.MEMBERS) == [c.id for c in CLAIMS if c.id[0] in "FN"]
    assert set(family.QUESTIONS) == set(family.MEMBERS)
    assert len(family.MEMBERS) == 8


def test_each_p_is_that_of_its_own_model(found: family.Family) -> None:
    for finding, marker in predictors.FINDINGS.items():
        recorded = marker in set(found.markers.terms["term"])
        want = found.markers.row(marker)["p"] if recorded else np.nan
        assert found.p[finding] == pytest.approx(want, nan_ok=True)
    assert found.p["N1"] == found.connections.row("connections")["p"]
    steps = found.steps.row("steps")
    assert found.p["N2"] == family.equivalence_p(steps["coefficient"], steps["se"])
    assert found.p["N3"] == found.timing.p
    assert found.p[["F1", "F2", "F4", "N1", "N2", "N3"]].notna().all()
    assert found.p[["F3", "F5"]].isna().all()


def test_holm_by_hand_over_all_that_have_an_answer(found: family.Family) -> None:
    known = found.p.dropna().sort_values()
    m = len(known)
    assert found.tested == m == 6
    steps = [min(1.0, (m - k) * p) for k, p in enumerate(known)]
    want = pd.Series(np.maximum.accumulate(steps), index=known.index)
    assert found.p_holm[want.index].to_numpy() == pytest.approx(want.to_numpy())
    assert (found.p_holm.dropna() >= known.reindex(found.p_holm.dropna().index)).all()
    five = found.p[list(predictors.FINDINGS)].dropna().min()
    assert found.p_holm.min() > five * 5 or found.p.idxmin() not in predictors.FINDINGS


def test_a_second_reading_gives_the_same_and_another_seed_only_another_timing(
    found: family.Family,
) -> None:
    cohort = random_force(900, 3, {"mental_health": 1.0, "self_harm": 0.0, "arrest": 0.3})
    again = family.primary(cohort, frames.known_before(cohort), seed=5)
    pd.testing.assert_series_equal(again.p_holm, found.p_holm)
    other = family.primary(cohort, frames.known_before(cohort), seed=6)
    changed = other.p.dropna() != found.p.dropna()
    assert set(changed.index[changed]) <= {"N3"}


def test_the_two_chapters_draw_with_one_seed() -> None:
    """Both adjust over the family, so both must have the same p for N3."""
    seeds = {
        name: parameters_of(ROOT / "chapters" / f"{name}.md")["seed"]
        for name in ("predictors", "network")
    }
    assert len(set(seeds.values())) == 1


def test_the_shifts_are_enough_for_the_family() -> None:
    smallest = 1 / (peers.DRAWS + 1)
    assert smallest * len(family.MEMBERS) < predictors.LEVEL


# --- equivalence -----------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.7, 0.85, 1.0, 1.1, 1.24, 1.6])
@pytest.mark.parametrize("se", [0.02, 0.08, 0.3])
def test_equivalence_is_shown_exactly_where_the_ninety_per_cent_interval_is_inside(
    ratio: float, se: float
) -> None:
    p = family.equivalence_p(np.log(ratio), se)
    low, high = np.exp(np.log(ratio) + norm.ppf([0.05, 0.95]) * se)
    inside = network.EQUIVALENCE[0] < low and high < network.EQUIVALENCE[1]
    assert (p < 0.05) == inside


def test_equivalence_keeps_its_size_at_the_edge_of_the_region() -> None:
    rng = np.random.default_rng(1)
    edge = np.log(network.EQUIVALENCE[1])
    p = [family.equivalence_p(edge + 0.05 * z, 0.05) for z in rng.normal(size=2000)]
    assert abs(np.mean(np.array(p) < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize("se", [0.0, np.nan])
def test_no_error_no_p(se: float) -> None:
    assert np.isnan(family.equivalence_p(0.0, se))


# --- what is left of it ----------------------------------------------------------------------


def test_without_ties_the_five_are_adjusted_alone() -> None:
    cohort = random_force(900, 3, {"mental_health": 1.0, "arrest": 0.3}, ties_each=0)
    found = family.primary(cohort, frames.known_before(cohort), seed=5)
    assert found.p[["N1", "N2", "N3"]].isna().all()
    assert found.tested == 2
    assert found.p_holm["F1"] == pytest.approx(min(1, 2 * found.p["F1"]))


def test_without_markers_the_three_are_adjusted_alone() -> None:
    cohort = random_force(900, 3, {})
    found = family.primary(cohort, frames.known_before(cohort), seed=5)
    assert found.p[list(predictors.FINDINGS)].isna().all()
    assert found.tested == 3


@pytest.mark.parametrize("name", ODD)
def test_odd_cohorts_have_a_family_of_what_can_be_had(name: str) -> None:
    cohort = ODD[name]
    found = family.primary(cohort, frames.known_before(cohort), seed=1)
    assert list(found.p.index) == list(found.p_holm.index) == list(family.MEMBERS)
    assert (found.p_holm.isna() == found.p.isna()).all()
    assert (found.people >= 0).all()


def test_nobody_before_the_landmark_is_counted_by_later_ties() -> None:
    cohort = random_force(900, 3)
    later = cohort.ties.assign(first_seen=cohort.start)
    more = replace(cohort, ties=pd.concat([cohort.ties, later], ignore_index=True))
    frame = frames.known_before(cohort)
    one, two = family.ties_of(cohort, frame), family.ties_of(more, frame)
    pd.testing.assert_frame_equal(one.pairs, two.pairs)
