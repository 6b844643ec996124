"""Simulated worlds: their truth against brute force, and a small part of every experiment.

The full run is ``missing-book simulate``; here each experiment is tried on a few data sets, and
what is held is how far estimates lie from the truth in standard errors, and how small p values
are where there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2

from missing_lib.book import controls
from missing_lib.book.code_state import of_experiments
from missing_lib.book.experiments import EXPERIMENTS
from missing_lib.book.simulate import Result, read, write
from missing_lib.figures.controls import coverage
from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study import worlds_hazards, worlds_network, worlds_people, worlds_rates
from missing_lib.study.controls import criteria
from missing_lib.study.controls.criteria import Experiment, Quantity, verdict
from missing_lib.study.controls.summary import Estimate, Summary, by_quantity, summarise
from missing_lib.study.worlds_cohort import LENGTH
from tests.conftest import ROOT

pytestmark = pytest.mark.filterwarnings("error")

#: Chance with which a right method would fail one of the bounds below.
BY_CHANCE = 1e-4
#: Data sets of an experiment that costs a tenth of a second each, of one of which nothing is
#: asked, and of one that costs next to nothing.
FEW, FEWER, MANY = 8, 4, 40
QUICK = (
    "wilson", "poisson_exact", "truncated", "truncated_log_series", "truncated_mixture",
    "concentration", "andersen_gill", "pwp", "pwp_differing", "proportional",
    "proportional_differing",
)  # fmt: skip
#: Tests by hundreds of shuffles, of which a few p values are looked at.
SLOW = (
    "nearness", "nearness_unseen", "timing", "timing_shocks", "timing_influence",
    "clustering", "clustering_gamma", "clustering_boost",
)  # fmt: skip
_Z = 1.959963984540054


@cache
def tried(name: str) -> tuple[Mapping[str, Estimate], ...]:
    one = EXPERIMENTS[name]
    bounded = {criteria.COVERS, criteria.KEEPS_SIZE} & {q.wants for q in one.quantities}
    number = MANY if name in QUICK else 2 if name in SLOW else FEW if bounded else FEWER
    return tuple(one.run(seed) for seed in range(number))


def estimates(name: str, quantity: str) -> list[Estimate]:
    return [one[quantity] for one in tried(name)]


def off(found: Sequence[Estimate]) -> float:
    """Mean square of the distance from the truth, in standard errors of the side it lies on."""
    width = [e.upper - e.value if e.truth > e.value else e.value - e.lower for e in found]
    with np.errstate(divide="ignore"):
        z = _Z * np.array([e.truth - e.value for e in found]) / np.array(width)
    return float(np.mean(z**2))


def right(found: Sequence[Estimate], cautious: bool = False) -> bool:
    """Whether intervals are as wide as estimates are off: R times the mean is chi-squared(R)."""
    low, high = chi2.ppf([BY_CHANCE, 1 - BY_CHANCE], len(found)) / len(found)
    return bool((cautious or off(found) >= low) and off(found) <= high)


def honest(p: Sequence[float]) -> bool:
    """Whether p values are those of a test with nothing to find, by Fisher's combination."""
    low, high = chi2.ppf([BY_CHANCE, 1 - BY_CHANCE], 2 * len(p))
    return bool(low <= -2 * np.log(p).sum() <= high)


@pytest.mark.parametrize("one", EXPERIMENTS.values(), ids=list(EXPERIMENTS))
def test_a_few_data_sets_of_each_experiment(one: Experiment) -> None:
    for quantity in one.quantities:
        found = estimates(one.name, quantity.name)
        if quantity.wants in (criteria.COVERS, criteria.COVERS_AT_LEAST):
            assert all(e.lower <= e.value <= e.upper for e in found), quantity.words
            assert right(found, quantity.wants == criteria.COVERS_AT_LEAST), quantity.words
        elif quantity.wants == criteria.KEEPS_SIZE and {e.p for e in found} <= {0.0, 1.0}:
            # Only the decision is told: as often as chance makes it, not by its p values.
            assert binom.sf(sum(e.p < 0.05 for e in found) - 1, len(found), 0.05) > BY_CHANCE
        elif quantity.wants == criteria.KEEPS_SIZE:
            assert honest([e.p for e in found]), quantity.words
        elif quantity.wants == criteria.KEEPS_SIZE_AT_MOST:
            assert np.mean([e.p < 0.05 for e in found]) <= 0.5
        elif quantity.wants == criteria.FINDS:
            assert np.median([e.p for e in found]) < 0.05


#: Quantities that hardly depend on each other, looked at together.
TOGETHER = {
    "logistic": STUDY_MARKERS, "time_at_risk": STUDY_MARKERS, "negative_binomial": STUDY_MARKERS,
    "andersen_gill": ("robust_marked", "robust_score"), "pwp": ("gap_marked", "gap_score"),
    "concentration": ("gini",), "wilson": ("share",),
}  # fmt: skip


@pytest.mark.parametrize("part", [0.5, 2.0])
@pytest.mark.parametrize("name", TOGETHER)
def test_a_standard_error_that_is_half_or_twice_its_size_is_seen(name: str, part: float) -> None:
    found = [e for quantity in TOGETHER[name] for e in estimates(name, quantity)]
    wrong = [
        replace(e, lower=e.value - part * (e.value - e.lower),
                upper=e.value + part * (e.upper - e.value))
        for e in found
    ]  # fmt: skip
    assert right(found)
    assert not right(wrong)


@pytest.mark.parametrize(
    ("name", "quantities"),
    [
        ("logistic_leak", ("self_harm", "arrest", "local_authority_care")),
        ("andersen_gill", ("model_marked", "model_score")),
        ("pwp_differing", ("gap_marked", "total_marked")),
        ("time_at_risk_differing", ("arrest", "self_harm")),
        ("frailty_reported_ignored", ("theta",)),
    ],
)
def test_where_an_assumption_is_broken_the_method_fails(
    name: str, quantities: tuple[str, ...]
) -> None:
    for quantity in quantities:
        assert not right(estimates(name, quantity))


@pytest.mark.parametrize(
    ("name", "wide", "narrow"),
    [
        ("kaplan_meier", "by_person_14", "greenwood_14"),
        ("kaplan_meier", "by_person_28", "greenwood_28"),
        ("mean_cumulative", "robust_365", "poisson_365"),
        ("mean_cumulative", "robust_730", "poisson_730"),
    ],
)
def test_intervals_that_take_incidents_as_strangers_are_too_narrow(
    name: str, wide: str, narrow: str
) -> None:
    by_person, plain = (
        np.mean([e.upper - e.lower for e in estimates(name, q)]) for q in (wide, narrow)
    )
    assert plain < 0.75 * by_person


def test_a_marker_recorded_after_the_landmark_would_look_like_a_cause() -> None:
    dated, lost = (summarise(estimates(n, "self_harm")) for n in ("logistic", "logistic_leak"))
    assert abs(dated.bias) < 4 * dated.bias_error
    assert lost.bias > 0.4
    assert not honest([e.p for e in estimates("logistic_leak", "idle")])


def test_fits_that_say_there_is_no_answer_count_as_failures() -> None:
    limit = by_quantity(tried("truncated_log_series"))["log_shape"]
    assert 0.2 < limit.failures / limit.replicates < 0.8  # one of two, within four errors of 40
    assert by_quantity(tried("truncated_mixture"))["log_shape"].failures == MANY
    assert by_quantity(tried("truncated"))["log_shape"].failures == 0


@pytest.mark.parametrize("name", ["wilson", "concentration", "logistic", "timing"])
def test_a_seed_gives_the_same_data_set_again(name: str) -> None:
    again = EXPERIMENTS[name].run(1)
    for quantity, e in tried(name)[1].items():
        assert repr(again[quantity]) == repr(e)


# --- worlds -------------------------------------------------------------------------------------


def test_the_truth_of_constant_rates_is_that_of_many_people() -> None:
    """Brute force: gaps of 300,000 people counted one by one, without any estimator."""
    rng, rates, people = np.random.default_rng(5), worlds_rates.UNEVEN, 300_000
    length = np.where(rng.random(people) < 0.5, rng.integers(60, LENGTH, people), LENGTH)
    number = rng.poisson(rng.gamma(rates.shape, rates.scale, people) * length)
    who = np.repeat(np.arange(people), number)
    at = rng.random(len(who)) * length[who]
    order = np.lexsort((at, who))
    who, at = who[order], at[order]
    last = np.append(who[1:] != who[:-1], True)
    gap = np.where(last, length[who], np.roll(at, -1)) - at
    # About 700,000 gaps of 130,000 people: four errors of a share are well below 0.004.
    seen = gap[~last]
    for days in (14, 28):
        assert (seen <= days).mean() == pytest.approx(worlds_rates.share_of_gaps(days), abs=4e-3)
    for low, high in ((0, 7), (90, 180)):
        inside = (~last & (gap > low) & (gap <= high)).sum()
        rate = inside / np.clip(gap - low, 0, high - low).sum()
        assert rate == pytest.approx(worlds_rates.rate_in_band(low, high), rel=0.03)
    survival = 1.0
    for day in range(28):  # hazard day by day
        at_risk = np.clip(gap - day, 0, 1).sum()
        survival *= np.exp(-(~last & (gap > day) & (gap <= day + 1)).sum() / at_risk)
    assert 1 - survival == pytest.approx(float(worlds_rates.followed(28)), abs=4e-3)
    full = number[length == LENGTH]
    assert full.mean() == pytest.approx(worlds_rates.mean_number(LENGTH), rel=0.02)
    law = worlds_rates.law_of_counts()
    assert law.sum() == pytest.approx(1, abs=1e-9)
    assert (full[full > 0] == 1).mean() == pytest.approx(law[0], abs=0.01)


def test_known_people_have_the_markers_and_the_risk_that_is_stated() -> None:
    rng = np.random.default_rng(2)
    known = worlds_people.known_people(40_000, rng)
    for marker, share in worlds_people.SHARES.items():
        assert known.marks[marker].mean() == pytest.approx(share, abs=0.01)
    assert known.marks.corr().to_numpy()[0, 1] > 0.05
    born = known.persons["birth_date"]
    grown = born + pd.DateOffset(years=18)
    first = pd.Timestamp("2015-01-01")
    assert (known.days == np.minimum((grown - first).dt.days, LENGTH)).all()
    assert known.days.min() >= 1


def test_worlds_of_recurrent_incidents_are_rows_without_gaps() -> None:
    rows = worlds_hazards.recurrent(300, np.random.default_rng(3), theta=1.0)
    assert (rows.stop > rows.start).all()
    inner = rows.order > 1
    assert (rows.start[inner] == rows.stop[np.flatnonzero(inner) - 1]).all()
    last = np.append(rows.person[1:] != rows.person[:-1], True)
    assert (rows.event == ~last).all()
    seen = worlds_hazards.recurrent(300, np.random.default_rng(3), 1.0, only_reported=True)
    assert set(seen.person) == set(rows.person[rows.event])


def test_influence_adds_incidents_of_connections_within_four_weeks() -> None:
    nobody, tied = worlds_network.histories_with_ties(300, np.random.default_rng(4))
    all_, _ = worlds_network.histories_with_ties(300, np.random.default_rng(4), influence=1.0)
    before = nobody.incidents[["person_id", "reported_at"]]
    after = all_.incidents[["person_id", "reported_at"]]
    added = after.merge(before, how="left", indicator=True).query("_merge == 'left_only'")
    assert len(added) > len(before)
    pairs = tied.ties[["person_a", "person_b"]]
    both = pd.concat(
        [pairs, pairs.rename(columns={"person_a": "person_b", "person_b": "person_a"})]
    )
    cause = added.merge(both, left_on="person_id", right_on="person_a").merge(
        before, left_on="person_b", right_on="person_id"
    )
    days = (cause["reported_at_x"] - cause["reported_at_y"]) / pd.Timedelta(days=1)
    led = cause[(days >= 2) & (days <= 28)]
    assert set(led["person_id_x"]) == set(added["person_id"])


# --- criteria -----------------------------------------------------------------------------------


def summary(**given: float) -> Summary:
    usual = dict.fromkeys(("truth", "bias", "bias_error", "spread", "mean_se"), 0.1)
    counts = {"replicates": 400, "failures": 0, "intervals": 400, "covered": 380, "tests": 400,
              "rejected": 20}  # fmt: skip
    return Summary(**(usual | counts | given))


def test_summary_by_hand() -> None:
    nan = float("nan")
    found = summarise(
        [Estimate(1, 2, 0, 4, 1, 0.01), Estimate(1, 0, -1, 0.5, 2, 0.2), Estimate(1),
         Estimate(1, 4, nan, nan, nan, nan)]
    )  # fmt: skip
    assert (found.replicates, found.failures) == (4, 1)
    assert found.bias == pytest.approx((1 - 1 + 3) / 3)
    assert found.spread == pytest.approx(2.0)
    assert found.bias_error == pytest.approx(2 / np.sqrt(3))
    assert found.mean_se == pytest.approx(np.sqrt(2.5))
    assert (found.intervals, found.covered, found.tests, found.rejected) == (2, 1, 2, 1)
    assert found.coverage == 0.5


@pytest.mark.parametrize(
    ("wants", "given", "said"),
    [
        (criteria.COVERS, {"covered": 370}, "met"),
        (criteria.COVERS, {"covered": 369}, "not met"),
        (criteria.COVERS, {"covered": 390}, "met"),
        (criteria.COVERS, {"covered": 391}, "not met"),
        (criteria.COVERS_AT_LEAST, {"covered": 400}, "met"),
        (criteria.COVERS_AT_LEAST, {"covered": 369}, "not met"),
        (criteria.KEEPS_SIZE, {"rejected": 10}, "met"),
        (criteria.KEEPS_SIZE, {"rejected": 9}, "not met"),
        (criteria.KEEPS_SIZE, {"rejected": 30}, "met"),
        (criteria.KEEPS_SIZE, {"rejected": 31}, "not met"),
        (criteria.KEEPS_SIZE_AT_MOST, {"rejected": 0}, "met"),
        (criteria.KEEPS_SIZE_AT_MOST, {"rejected": 31}, "not met"),
        (criteria.FINDS, {"rejected": 320}, "met"),
        (criteria.FINDS, {"rejected": 319}, "not met"),
        (criteria.COVERS, {"intervals": 0, "covered": 0}, "not met"),
        (criteria.COVERS, {"failures": 20, "intervals": 380, "covered": 361}, "met"),
        (criteria.COVERS, {"failures": 21, "intervals": 379, "covered": 361}, "not met"),
        (criteria.COVERS, {"replicates": 399}, "too few data sets"),
        (criteria.NOTHING, {"covered": 0}, "not required"),
    ],
)
def test_what_is_asked(wants: str, given: dict[str, float], said: str) -> None:
    assert verdict(Quantity("q", "q", wants), summary(**given)) == said


def test_each_experiment_gives_what_is_asked_of_it_and_says_why_it_fails() -> None:
    for name, one in EXPERIMENTS.items():
        assert one.name == name
        assert {q.name for q in one.quantities} <= set(tried(name)[0])
        asked = {q.wants for q in one.quantities}
        bounded = any(e.answered and not np.isnan(e.lower) for e in tried(name)[0].values())
        broken = asked == {criteria.NOTHING} and (bounded or name.startswith("truncated_"))
        assert bool(one.finding) or not broken


# --- the page -----------------------------------------------------------------------------------


def results(folder: Path, name: str, code: str, replicates: int = 400) -> None:
    """A made-up result in which everything is as it should be."""
    given = summary(replicates=replicates, intervals=replicates, covered=int(0.95 * replicates))
    found = {q.name: given for q in EXPERIMENTS[name].quantities}
    write(folder, name, Result(code, replicates, found))


def test_page_of_nothing_says_that_nothing_was_run(tmp_path: Path) -> None:
    made = controls.trials(tmp_path, ROOT)
    assert made.not_run == len(EXPERIMENTS)
    assert set(controls.worlds(made)["data_sets"]) == {"not run yet"}
    assert controls.coverage(made, required=True).empty
    assert controls.rejections(made, required=False).empty
    assert "No experiment has been run" in controls.describe(made)


def test_page_marks_what_earlier_code_made_and_what_is_too_little(tmp_path: Path) -> None:
    pick = [EXPERIMENTS[n] for n in ("wilson", "pwp", "kaplan_meier", "timing")]
    codes = of_experiments(pick, ROOT)
    results(tmp_path, "wilson", codes["wilson"])
    results(tmp_path, "pwp", "something else")
    results(tmp_path, "kaplan_meier", codes["kaplan_meier"], replicates=40)
    made = controls.trials(tmp_path, ROOT, pick)
    assert (made.stale, made.not_run) == (("pwp",), 1)
    table = controls.coverage(made, required=True).set_index("experiment")["criterion"]
    assert table["wilson"] == "met"
    assert set(table["pwp"]) == {"met; made with earlier code"}
    assert set(table["kaplan_meier"]) == {"too few data sets"}
    rest = controls.coverage(made, required=False)
    assert set(rest["experiment"]) == {"kaplan_meier"}
    assert set(rest["criterion"]) == {"not required"}
    shown = controls.worlds(made).set_index("experiment")["data_sets"].to_dict()
    assert shown == {
        "wilson": "400", "pwp": "400; made with earlier code", "kaplan_meier": "40",
        "timing": "not run yet",
    }  # fmt: skip
    assert controls.describe(made).startswith(
        "Of {required} things asked of the methods tried so far, all"
    )
    assert made.count("met") == 5
    for frame in (controls.coverage(made, required=True), rest):
        figure = coverage(frame, low=92.5, high=97.5, earlier=controls.EARLIER)
        legend = figure.axes[0].get_legend()
        assert (legend is not None) == frame["criterion"].str.contains("earlier").any()


def test_what_is_missed_is_named(tmp_path: Path) -> None:
    pick = [EXPERIMENTS["wilson"], EXPERIMENTS["pwp_differing"]]
    bad = summary(covered=100)
    for one in pick:
        write(tmp_path, one.name, Result("x", 400, {q.name: bad for q in one.quantities}))
    made = controls.trials(tmp_path, ROOT, pick)
    assert controls.missed(made) == "Wilson's interval of a share (share of people)"
    (row,) = controls.findings(made).to_dict("records")
    assert "in 25 %" in row["worst"]
    assert row["finding"] == EXPERIMENTS["pwp_differing"].finding


def test_how_many_miss_by_luck_is_the_sum_of_binomial_tails(tmp_path: Path) -> None:
    names = ["wilson", "pwp", "network_models", "logistic", "time_at_risk", "negative_binomial"]
    pick = [EXPERIMENTS[n] for n in names]
    for name in names:
        results(tmp_path, name, "x")
    made = controls.trials(tmp_path, ROOT, pick)
    outside = [k for k in range(401) if k < 370 or k > 390]
    chance = binom.pmf(outside, 400, 0.95).sum()  # of a test too: 10 to 30 of 400
    asked = sum(q.wants != criteria.NOTHING for one in pick for q in one.quantities)
    assert asked > 25
    assert controls.missed_by_luck(made) == pytest.approx(asked * chance)


def test_results_that_come_with_the_book_are_those_of_an_experiment() -> None:
    for path in (ROOT / "data" / "controls").glob("*.json"):
        kept = read(path.parent, path.stem)
        assert kept is not None
        assert kept.replicates >= criteria.REPLICATES
        assert {q.name for q in EXPERIMENTS[path.stem].quantities} <= set(kept.found)
