"""Clustering against heterogeneity: held against R, brute force, and worlds of known truth."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from missing_lib.force.tables import conform
from missing_lib.study import clustering, redraw, repeats, serial, within_person, worlds
from missing_lib.study.clustering_worlds import replicate
from missing_lib.study.cohort import Cohort, select
from missing_lib.study.stretches import Stretches, stretches
from tests.made_cohorts import START, make_cohort, random_cohort
from tests.reference_cases import case

RELATIVE = (
    1e-6  # tolerance that the case states: R's and our Newton steps both stop earlier than 1e-8
)
STUDY_DAYS = 1096  # of the made-up cohorts


def with_care(cohort: Cohort, *spells: tuple[str, str, str | None], marker: str = "") -> Cohort:
    """The cohort with spells in care: person, first day, and day on which it ceased."""
    rows = pd.DataFrame(spells, columns=["person_id", "known_from", "known_to"])
    rows = rows.assign(marker=marker or "residential_care", agency="social_care")
    return replace(cohort, markers=conform(rows, "markers"))


def cut(cohort: Cohort) -> Stretches:
    return stretches(cohort, repeats.gaps(cohort))


def plan_of(cohort: Cohort, kept: tuple[str, ...] = within_person.FACTORS) -> redraw.RedrawPlan:
    given = cut(cohort)
    return redraw.redraw_plan(given, within_person.within_rates(given, kept))


def first_row(
    cohort: Cohort, seed: int, draws: int = 39, kept: tuple[str, ...] = within_person.FACTORS
) -> pd.Series:
    spells = repeats.gaps(cohort)
    drawn = clustering.draw_again(cohort, spells, (14,), kept=kept, draws=draws, seed=seed)
    return clustering.compare(drawn).iloc[0]


# --- time at risk, cut by hand -----------------------------------------------------------------


def test_somebody_missing_is_not_at_risk() -> None:
    cohort = make_cohort(
        [("a", "2016-01-02 12:00"), ("a", "2016-02-01 00:00")],
        hours=[24 * 10, 12],
        observed_to={"a": "2016-02-29"},
    )
    given = cut(cohort)
    assert given.days.sum() == pytest.approx(365 + 31 + 29 - 10 - 0.5)
    assert (given.days > 0).all()
    assert given.reports.sum() == 2
    in_january = given.month == 12
    assert given.days[in_january].sum() == pytest.approx(31 - 10)


def test_a_report_lies_at_the_end_of_time_at_risk_and_in_its_own_month() -> None:
    cohort = make_cohort([("a", "2016-01-31 20:00"), ("a", "2016-02-02 20:00")], hours=[30, 2])
    given = cut(cohort)
    assert given.month[given.reports > 0].tolist() == [12, 13]


def test_spells_in_care_begin_on_their_first_day_and_cease_on_their_last() -> None:
    cohort = make_cohort([("a", "2016-01-10 12:00"), ("b", "2016-06-01 12:00")], hours=[None, None])
    spells = [("a", "2015-02-10", "2015-02-20"), ("a", "2015-02-15", "2015-03-05")]
    spells += [("b", "2017-12-01", None), ("nobody", "2015-01-01", None)]
    given = cut(with_care(cohort, *spells))
    assert given.kinds == ("residential_care",)
    inside = np.bincount(given.person, given.days * given.care[:, 0])
    assert inside.tolist() == [18 + 5, 31]  # 10 February to 4 March, overlap once; December
    assert given.days.sum() == pytest.approx(2 * STUDY_DAYS)


@pytest.mark.parametrize(("marker", "kinds"), [("foster_care", 1), ("mental_health", 0)])
def test_which_markers_are_spells_of_care(marker: str, kinds: int) -> None:
    cohort = make_cohort([("a", "2016-01-10 12:00")])
    given = cut(with_care(cohort, ("a", "2016-01-01", "2016-02-01"), marker=marker))
    assert len(given.kinds) == kinds


def test_stretches_are_cut_at_birthdays() -> None:
    cohort = make_cohort([("a", "2016-01-10 12:00")], births={"a": "2003-06-15"}, hours=[None])
    given = cut(cohort)
    days = np.bincount(given.age, given.days)
    assert days[13] == pytest.approx(365.25)
    assert days[11:15] == pytest.approx([165, 365.25, 365.25, STUDY_DAYS - 895.5], abs=1.5)


@pytest.mark.parametrize("hours", [24.0 * 4000, None])
def test_missing_from_the_first_day_on_leaves_something_to_draw_from(hours: float | None) -> None:
    cohort = make_cohort([("a", "2015-01-01 00:00")], hours=[hours])
    assert cut(cohort).days.sum() == pytest.approx(STUDY_DAYS)


# --- rates within persons ----------------------------------------------------------------------


def made_stretches(data: pd.DataFrame, care: np.ndarray, kinds: tuple[str, ...]) -> Stretches:
    person, people = pd.factorize(data["person"])
    return Stretches(
        people=pd.Index(people),
        numbers=np.bincount(person, data["reports"]).astype(np.int64),
        person=person.astype(np.int64),
        days=data["days"].to_numpy(float),
        month=data["period"].to_numpy(np.int64),
        era_month=3,
        age=np.full(len(data), -1),
        care=care.astype(float),
        kinds=kinds,
        reports=data["reports"].to_numpy(np.int64),
    )


def test_effects_within_persons_agree_with_r(monkeypatch: pytest.MonkeyPatch) -> None:
    data, want, _ = case("self_controlled_simulated")
    monkeypatch.setattr(within_person, "_CARE_VARIANCE", 1e10)  # R has no prior
    alone = within_person.within_rates(
        made_stretches(data, data[["care"]].to_numpy(), ("care",)), ("care",)
    )
    assert alone.effects[0] == pytest.approx(want["care_alone"]["effect"], rel=RELATIVE)
    assert alone.covariance[0, 0] ** 0.5 == pytest.approx(want["care_alone"]["se"], rel=RELATIVE)
    periods = pd.get_dummies(data["period"]).to_numpy()[:, 1:]
    both = within_person.within_rates(
        made_stretches(data, np.column_stack([data["care"], periods]), tuple("c12345")), ("care",)
    )
    with_periods = want["care_with_periods"]
    assert both.effects[0] == pytest.approx(with_periods["effect"], rel=RELATIVE)
    assert both.covariance[0, 0] ** 0.5 == pytest.approx(with_periods["se"], rel=RELATIVE)
    np.testing.assert_allclose(both.effects[1:], want["periods"], rtol=RELATIVE)


def test_penalised_effects_by_brute_force() -> None:
    data, _, _ = case("self_controlled_simulated")
    given = made_stretches(data, data[["care"]].to_numpy(), ("care",))
    found = within_person.within_rates(given)
    design = found.design.toarray()
    _, groups = within_person._design(given, within_person.FACTORS)
    precision = within_person._penalty(groups, found.variance, len(found.effects))

    def loss(effects: np.ndarray) -> float:
        weight = given.days * np.exp(design @ effects)
        share = weight / np.bincount(given.person, weight)[given.person]
        return -float(given.reports @ np.log(share)) + effects @ precision @ effects / 2

    best = optimize.minimize(loss, np.zeros(len(found.effects)), method="BFGS")
    assert loss(found.effects) <= best.fun + 1e-6  # BFGS stops where its gradient is 1e-5
    np.testing.assert_allclose(found.effects, best.x, atol=1e-2)


def test_who_is_in_care_more_often_has_no_say_in_the_effect_of_care() -> None:
    rng = np.random.default_rng(3)
    rows, spells = [], []
    for person in range(150):
        in_care = person % 2 == 0
        number = rng.poisson(12 if in_care else 2)  # who is in care goes missing more often ...
        rows += [
            (f"p{person:03d}", pd.Timestamp(START) + pd.Timedelta(days=d))
            for d in rng.uniform(0, 1090, number)
        ]  # ... but no more often while in care
        if in_care:
            spells.append((f"p{person:03d}", "2015-06-01", "2017-06-01"))
    cohort = with_care(make_cohort(rows, hours=[0.0] * len(rows)), *spells)
    rates = within_person.within_rates(cut(cohort), ("care",))
    # four standard errors of the effect; between people the log rate ratio is about 1.8
    assert abs(rates.effects[0]) < 4 * rates.covariance[0, 0] ** 0.5 < 0.6


def test_only_known_factors_can_be_kept() -> None:
    with pytest.raises(ValueError, match="month, age, care"):
        within_person.within_rates(cut(random_cohort(5, 1)), ("placement",))


# --- drawing again -----------------------------------------------------------------------------


def test_without_factors_gaps_are_those_of_uniform_times() -> None:
    rows = [("a", f"2016-{m:02d}-01 10:00") for m in range(1, 13)] + [("b", "2015-05-05 10:00")]
    cohort = make_cohort([*rows, ("b", "2017-05-05 10:00")], hours=[0] * 14)
    plan = plan_of(cohort, kept=())
    rng = np.random.default_rng(9)
    drawn = np.array([redraw.redraw_gaps(plan, rng) for _ in range(4000)])
    assert plan.observed.sum() == 12
    for person, number in ((0, 12), (1, 2)):
        mine = drawn[:, plan.observed & (plan.who == person)]
        # n uniform times on (0, L): each gap exceeds d with probability (1 - d/L)^n
        want = 1 - (1 - 60 / STUDY_DAYS) ** number
        assert np.mean(mine <= 60) == pytest.approx(want, abs=4 * (want / 4000) ** 0.5)
    ends = drawn[:, ~plan.observed]
    assert ends.mean(axis=0) == pytest.approx([STUDY_DAYS / 13, STUDY_DAYS / 3], rel=0.08)


def test_drawn_gaps_stay_inside_the_days_at_risk() -> None:
    incidents = [("a", "2016-01-02 00:00"), ("a", "2016-02-01 00:00"), ("b", "2015-03-01 00:00")]
    cohort = make_cohort(incidents, hours=[24 * 10, 1, 1], observed_to={"a": "2016-02-29"})
    plan = plan_of(cohort)
    at_risk = np.add.reduceat(plan.days, plan.first[:-1])
    rng = np.random.default_rng(9)
    for _ in range(200):
        gaps = redraw.redraw_gaps(plan, rng)
        assert (gaps >= 0).all()
        assert (np.bincount(plan.who, gaps) < at_risk).all()


def test_times_fall_where_the_rate_is_high() -> None:
    rng = np.random.default_rng(2)
    rows = []
    for person in range(80):
        inside = pd.Timestamp("2016-01-01") + pd.to_timedelta(rng.uniform(0, 366, 9), unit="D")
        outside = pd.Timestamp(START) + pd.to_timedelta(rng.uniform(0, 365, 3), unit="D")
        rows += [(f"p{person:02d}", when) for when in [*inside, *outside]]
    cohort = make_cohort(rows, hours=[0.0] * len(rows))
    cohort = with_care(cohort, *[(f"p{k:02d}", "2016-01-01", "2017-01-01") for k in range(80)])
    given = cut(cohort)
    rates = within_person.within_rates(given, ("care",))
    # nine incidents in a year of care, three in two years outside: a rate ratio of six
    assert np.exp(rates.effects[0]) == pytest.approx(6, rel=0.15)
    flat = first_row(cohort, 1, kept=())
    kept = first_row(cohort, 1, kept=("care",))
    assert flat["p"] <= 0.05 < kept["p"]


def test_months_of_a_small_cohort_are_not_known_by_their_own_incidents() -> None:
    cohort = random_cohort(25, seed=4)
    monthly = cohort.incidents["month"].value_counts().reindex(cohort.months, fill_value=0)
    assert monthly.min() == 0  # raw rates would leave such a month out
    rates = within_person.within_rates(cut(cohort), ("month",))
    assert np.ptp(rates.effects) < np.log(10)


def test_what_is_seen_and_what_is_expected_are_summed_over_the_same_people() -> None:
    cohort = random_cohort(40, 6)
    spells = repeats.gaps(cohort)
    drawn = clustering.draw_again(cohort, spells, (14, 28), draws=30)
    table = repeats.short_gaps(spells, (14, 28), draws=5)
    assert drawn.seen.sum(axis=0).tolist() == table["short"].tolist()
    assert drawn.gaps.sum() == table["gaps"].iloc[0]
    shares = drawn.expected.sum(axis=0) / drawn.gaps.sum()
    np.testing.assert_allclose(shares, drawn.shares.mean(axis=0), rtol=1e-12)
    compared = clustering.compare(drawn)
    np.testing.assert_allclose(compared["observed"], table["share"], rtol=1e-12)
    np.testing.assert_allclose(
        compared["explained"], compared["expected"] / compared["observed"], rtol=1e-12
    )
    assert (compared["explained_low"] < compared["explained"]).all()
    assert (compared["explained"] < compared["explained_high"]).all()


def test_hazard_of_drawn_worlds_is_that_of_the_gaps() -> None:
    gaps, seen = np.array([0.0, 7.0, 7.5, 30.0, 400.0]), np.array([True, True, True, False, True])
    want = repeats.hazard_table(
        pd.DataFrame({"gap_days": gaps, "observed": seen, "person_id": list("abcde")})
    )
    ours = 100 * clustering._hazard(gaps, seen)
    np.testing.assert_allclose(ours, want["per_hundred_days"])


def test_the_comparison_rests_on_people_on_both_sides_of_the_bound() -> None:
    rows = [("a", "2016-01-01"), ("a", "2016-01-03"), ("a", "2016-03-01"), ("b", "2016-01-01")]
    cohort = make_cohort([*rows, ("b", "2016-06-01")], hours=[1] * 5)
    drawn = clustering.draw_again(cohort, repeats.gaps(cohort), (14, 28), draws=5)
    test = clustering.compare(drawn)
    assert test["people"].tolist() == [1, 1]  # a has a short gap, a and b have long ones
    assert test["gaps"].tolist() == [3, 3]


# --- size and power ----------------------------------------------------------------------------


def test_the_test_has_its_size_in_small_cohorts_where_nothing_clusters() -> None:
    size = 30
    found = np.array([first_row(random_cohort(60, seed), seed)["p"] for seed in range(size)])
    # at nominal 5 % more than five of thirty come in less than one in a hundred such runs
    assert (found <= 0.05).sum() <= 5
    assert 0.3 < found.mean() < 0.7


def test_the_test_sees_clusters_and_says_what_differences_explain() -> None:
    rows = [first_row(random_cohort(60, seed, clustered=True), seed) for seed in range(4)]
    assert max(row["p"] for row in rows) == 1 / 40
    assert max(row["explained_high"] for row in rows) < 0.6


def test_seasons_alone_are_no_clusters() -> None:
    rng = np.random.default_rng(8)
    cohorts = []
    for _ in range(10):
        rows = []
        for person in range(60):
            year = rng.integers(0, 3, rng.geometric(0.3))
            days = 365 * year + rng.uniform(181, 243, len(year))  # July and August only
            rows += [(f"p{person}", pd.Timestamp(START) + pd.Timedelta(days=d)) for d in days]
        cohorts.append(make_cohort(rows, hours=[0] * len(rows)))
    found = [first_row(cohort, seed)["p"] for seed, cohort in enumerate(cohorts)]
    assert np.mean(np.array(found) <= 0.05) <= 0.2
    flat = [first_row(cohort, 1, kept=())["p"] for cohort in cohorts[:4]]
    assert max(flat) <= 0.05  # the same worlds look clustered if the calendar is left out


def rejected(replicates: int, **world: object) -> float:
    found = [replicate(seed, draws=59, **world)["p"] for seed in range(replicates)]
    return float(np.mean(np.array(found) <= 0.05))


@pytest.mark.parametrize("shape", ["study", "two-point"])
def test_size_under_heterogeneity_with_season_age_era_and_care(shape: str) -> None:
    # at nominal 5 % four or more of eight come in less than one in a thousand such runs
    assert rejected(8, people=200, shape=shape) <= 3 / 8


def test_power_against_a_rate_raised_after_each_return() -> None:
    # at the size of the study; a test of the size alone would see both in one run of 400
    assert rejected(2, boost=1.5) == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "world",
    [
        {},
        {"shape": "gamma"},
        {"shape": "two-point"},
        {"shape": "heavy tail"},
        {"away": 2.0},
        {"season": 0.4, "era": 2.0},
        {"in_care": 6.0},
    ],
    ids=str,
)
def test_size_at_the_size_of_the_study(world: dict) -> None:
    # at nominal 5 % more than seven of sixty come in about one in a hundred such runs
    assert rejected(60, **world) <= 7 / 60


@pytest.mark.long
@pytest.mark.parametrize("shape", ["study", "gamma"])
def test_power_at_the_size_of_the_study(shape: str) -> None:
    assert rejected(40, shape=shape, boost=1.5) >= 0.8  # what is asked of the test


# --- worlds ------------------------------------------------------------------------------------


def cohort_of(seed: int = 1, **world: object) -> Cohort:
    made = worlds.simulate(worlds.World(**world), np.random.default_rng(seed))
    return select(made, worlds.force_file(), "children")


def test_a_world_has_the_numbers_of_the_study() -> None:
    counts = cohort_of().counts
    assert len(counts) == 1132
    assert counts.sum() == 5262
    assert tuple(counts.value_counts().reindex(range(1, 10))) == worlds.STUDY_FEW
    assert (counts >= 10).sum() == 125
    assert counts[counts >= 10].sum() == 3121


@pytest.mark.parametrize("shape", worlds.SHAPES)
def test_nobody_is_reported_while_missing_or_outside_the_window(shape: str) -> None:
    cohort = cohort_of(people=200, shape=shape, away=3.0)
    rows = cohort.incidents
    nxt = rows.groupby("person_id")["reported_at"].shift(-1)
    assert (rows["ended_at"] <= nxt)[nxt.notna()].all()
    window = cohort.persons.set_index("person_id").loc[rows["person_id"]]
    assert (rows["reported_on"].to_numpy() >= window["observed_from"].to_numpy()).all()
    assert (rows["reported_on"].to_numpy() <= window["observed_to"].to_numpy()).all()


FLAT = {"season": 0.0, "era": 1.0, "age": False, "share_in_care": 0.0}


def test_the_rate_is_multiplied_for_some_days_after_each_return() -> None:
    cohort = cohort_of(shape="same", boost=3.0, boost_days=10.0, mean=8.0, **FLAT)
    spells = repeats.gaps(cohort)
    gap, seen = spells["gap_days"].to_numpy(), spells["observed"].to_numpy()

    def rate(low: float, high: float) -> float:
        events = (seen & (gap > low) & (gap <= high)).sum()
        return events / np.clip(gap - low, 0, high - low).sum()

    # about 500 early and 1,500 later incidents: a standard error of five per cent
    assert rate(0, 10) / rate(10, 60) == pytest.approx(3, rel=0.2)
    assert rate(10, 40) / rate(40, 120) == pytest.approx(1, rel=0.25)


def test_the_rate_changes_with_era_and_care_as_the_world_says() -> None:
    cohort = cohort_of(shape="same", mean=8.0, **(FLAT | {"share_in_care": 0.5}))
    rates = within_person.within_rates(cut(cohort), ("care",))
    assert rates.effects[0] == pytest.approx(np.log(2.5), abs=4 * rates.covariance[0, 0] ** 0.5)
    cohort = cohort_of(shape="same", mean=8.0, **(FLAT | {"era": 2.0}))
    given = cut(cohort)
    later = given.month >= given.era_month
    ratio = given.reports[later].sum() / given.days[later].sum()
    ratio /= given.reports[~later].sum() / given.days[~later].sum()
    assert ratio == pytest.approx(2, rel=0.1)


def test_worlds_follow_their_seed() -> None:
    one, two, other = (replicate(seed, draws=9, people=80) for seed in (3, 3, 4))
    assert one == two
    assert one != other


def test_a_world_of_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="heavy tail"):
        worlds.World(shape="uniform")


# --- the order of gaps -------------------------------------------------------------------------


def gaps_of(*people: list[float]) -> pd.DataFrame:
    rows = [(f"p{k}", gap, True) for k, gaps in enumerate(people) for gap in gaps]
    return pd.DataFrame(rows, columns=["person_id", "gap_days", "observed"])


def test_serial_correlation_by_brute_force() -> None:
    gaps = [1.0, 2.0, 40.0, 3.0, 90.0]
    z = np.log1p(gaps) - np.log1p(gaps).mean()
    every = np.array([np.dot(order[:-1], order[1:]) for order in permutations(z)])
    found = serial.serial_correlation(gaps_of(gaps, [5.0], [7.0, 7.0]), draws=4000)
    by_chance = every.mean()
    assert found.correlation == pytest.approx((z[:-1] @ z[1:] - by_chance) / (z @ z))
    far = np.abs(every - by_chance) >= abs(z[:-1] @ z[1:] - by_chance) - 1e-12
    assert found.p == pytest.approx(far.mean(), abs=0.03)  # four standard errors of 4,000 draws
    assert (found.people, found.gaps) == (1, 5)  # one gap, or gaps all alike, have no order


@pytest.mark.parametrize(
    ("gaps", "sign", "says"),
    [
        ([1.0] * 8 + [60.0] * 8, 1, "long gaps follow long ones"),
        ([1.0, 60.0] * 8, -1, "long gaps follow short ones"),
    ],
)
def test_the_sign_of_serial_correlation(gaps: list[float], sign: int, says: str) -> None:
    found = serial.serial_correlation(gaps_of(gaps), draws=199)
    assert np.sign(found.correlation) == sign
    assert found.p <= 0.05
    assert says in serial.describe(found)


def test_serial_correlation_has_its_size_among_people_who_differ() -> None:
    rng = np.random.default_rng(4)
    found = []
    for seed in range(60):
        scales = rng.gamma(0.5, 40, 30)
        made = gaps_of(*[list(rng.exponential(scale, rng.integers(1, 9))) for scale in scales])
        found.append(serial.serial_correlation(made, draws=39, seed=seed))
    # more than eight of sixty come in less than one in a hundred runs at nominal 5 %
    assert sum(one.p <= 0.05 for one in found) <= 8


def test_the_order_of_gaps_says_nothing_of_how_many_are_short() -> None:
    one = gaps_of([1.0, 1.0, 1.0, 60.0, 60.0, 60.0])
    two = gaps_of([1.0, 60.0, 1.0, 60.0, 1.0, 60.0])
    correlations = [serial.serial_correlation(g, draws=9).correlation for g in (one, two)]
    assert correlations[0] > 0 > correlations[1]
    assert (one["gap_days"] <= 14).mean() == (two["gap_days"] <= 14).mean()


def test_without_two_gaps_that_differ_the_order_says_nothing() -> None:
    found = serial.serial_correlation(gaps_of([3.0, 3.0], [5.0]))
    assert np.isnan(found.correlation)
    assert "order says nothing" in serial.describe(found)


# --- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gaps", "p", "p_fewer", "says", "told"),
    [
        (100, 0.01, 0.99, "explain {explained} of these quick repeats", 0.01),
        (100, 0.4, 0.6, "within what chance gives", 0.4),
        (100, 0.99, 0.01, "Quick repeats are fewer", 0.01),
        (19, 0.01, 0.99, "Too few gaps", 0.01),
        (0, np.nan, np.nan, "Too few gaps", np.nan),
    ],
)
def test_what_the_comparison_says(
    gaps: int, p: float, p_fewer: float, says: str, told: float
) -> None:
    row = pd.Series({"gaps": gaps, "p": p, "p_fewer": p_fewer, "kept": clustering.ALSO_CARE})
    assert says in clustering.describe(row)
    assert clustering.too_few(row) == ("{" not in clustering.describe(row))
    assert clustering.told_p(row) == pytest.approx(told, nan_ok=True)
    if "explain" in says:
        assert "does not prove" in clustering.describe(row)
        assert "spells in care" in clustering.describe(row)


@pytest.mark.parametrize("expected", [0.0, np.nan])
def test_the_first_days_are_compared_where_both_rates_are_known(expected: float) -> None:
    bands = {"per_hundred_days": 6.0, "lower": 5.0, "upper": 8.0, "people": 12}
    found = clustering.soonest(pd.DataFrame([bands | {"expected": 2.0}]))
    assert found == clustering.Soonest(3.0, 2.5, 4.0, 12)
    assert "{ratio}" in clustering.describe_soonest(found)
    assert clustering.soonest(pd.DataFrame([bands | {"expected": expected}])) is None
    assert "{" not in clustering.describe_soonest(None)


def test_the_main_comparison_keeps_most_at_the_shortest_bound() -> None:
    cohort = with_care(random_cohort(30, 2), ("p0003", "2015-06-01", "2016-06-01"))
    _, nulls = clustering.compare_nulls(cohort, repeats.gaps(cohort), (28, 14), draws=5)
    row = clustering.main_comparison(nulls)
    assert (row["days"], row["kept"]) == (14.0, clustering.ALSO_CARE)
    bounds = ["within 14 days"] * 3 + ["within 28 days"] * 3
    assert clustering.in_words(nulls)["within"].tolist() == bounds
    assert "kept where they were" in clustering.describe_care(row)


def test_where_nobody_was_in_care_no_comparison_claims_to_keep_care() -> None:
    cohort = random_cohort(30, 2, clustered=True)
    _, nulls = clustering.compare_nulls(cohort, repeats.gaps(cohort), (14, 28), draws=39)
    row = clustering.main_comparison(nulls)
    assert row["kept"] == "also month and age"
    assert "spells in care" not in clustering.describe(row)
    assert "no account of care" in clustering.describe_care(row)
