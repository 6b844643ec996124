"""Concentration: held against R, published numbers, enumeration and simulation."""

from __future__ import annotations

import math
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from missing_lib.figures import concentration as figures
from missing_lib.force.intake import Intake
from missing_lib.force.spec import ForceFile
from missing_lib.study import chance, concentration, count_fits, intervals, persistence, stability
from missing_lib.study.cohort import Cohort, select
from missing_lib.study.concentration import Histogram, histogram
from missing_lib.study.periods import PeriodCounts, count_by_period, top_of_window
from tests.made_cohorts import make_cohort, random_cohort
from tests.reference_cases import case

EXACT = 1e-12  # tolerance that the cases state
CLOSE = 1e-9  # sums in another order
MONTHS, DAYS_IN_MONTH = 68, 30  # of the constructed case

STEADY = settings(deadline=None, derandomize=True, max_examples=60)
FEW = settings(STEADY, max_examples=15)

some_counts = st.lists(st.integers(1, 40), min_size=1, max_size=60)
some_top = st.floats(0.0, 1.0)

#: One distribution of incidents per child that the published figures allow.
FEASIBLE = np.repeat(
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 24, 25], [631, 96, 112, 48, 36, 28, 22, 18, 16, 4, 121]
)


# --- held against R ----------------------------------------------------------------------------


@pytest.mark.parametrize("example", list("ABCDEFGHIJ"))
def test_gini_and_top_shares_agree_with_the_worked_examples(example: str) -> None:
    data, expected, _ = case("gini_hand_examples")
    counts = data.loc[data["example"] == example, "count"]
    want = expected[example]
    found = concentration.measure(counts, top=0.2, least=10)
    assert found.people == want["n"]
    assert found.incidents == want["c"]
    assert found.gini == pytest.approx(want["gini"], abs=EXACT)
    assert found.gini_small_sample == pytest.approx(want["gini_unbiased"], abs=EXACT)
    assert found.gini_generalised == pytest.approx(want["gini_generalised"], abs=EXACT)
    assert found.gini_generalised_small_sample == pytest.approx(
        want["gini_generalised_unbiased"], abs=EXACT
    )
    for top, name in ((0.1, "top10_interp"), (0.2, "top20_interp"), (0.5, "top50_interp")):
        share = concentration.top_share(histogram(counts), top)
        assert share == pytest.approx(want[name], abs=EXACT)


@pytest.mark.parametrize("example", list("ABCEFGHI"))
def test_lorenz_curve_agrees_with_the_worked_examples(example: str) -> None:
    data, expected, _ = case("gini_hand_examples")
    curve = concentration.lorenz(data.loc[data["example"] == example, "count"])
    from_below = 1 - np.array(expected[example]["lorenz_p"])
    held = np.interp(from_below, curve["share_people"], curve["share_incidents"])
    np.testing.assert_allclose(1 - held, expected[example]["lorenz_L"], atol=EXACT)


def test_gini_of_the_published_table() -> None:
    published = [22, 18, 17, 12, 11, 8, 6, 3, 2, 1]  # Bernasco and Steenbeek 2017, table 1
    assert round(float(concentration.gini(histogram(published))), 3) == 0.392


@pytest.fixture(scope="module")
def constructed() -> tuple[PeriodCounts, dict]:
    data, expected, _ = case("concentration_constructed")
    month = np.minimum(data["day"] // DAYS_IN_MONTH, MONTHS - 1)
    table = pd.crosstab(data["child"], month).reindex(columns=range(MONTHS), fill_value=0)
    periods = pd.period_range("2014-05", periods=MONTHS, freq="M")
    return PeriodCounts(table.index, periods, table.to_numpy()), expected


def test_concentration_of_the_constructed_study(constructed: tuple[PeriodCounts, dict]) -> None:
    by_month, expected = constructed
    found = concentration.measure(by_month.counts.sum(axis=1), top=0.2, least=10)
    assert found.people == expected["children"]
    assert found.incidents == expected["incidents"]
    assert found.persistent_people == expected["ge10_children"]
    assert found.persistent_incidents == expected["ge10_incidents"]
    assert found.top_share == pytest.approx(expected["top20_interp"], rel=EXACT)
    assert found.gini == pytest.approx(expected["gini"], rel=EXACT)
    assert found.gini_small_sample == pytest.approx(expected["gini_unbiased"], rel=EXACT)
    assert found.gini_generalised == pytest.approx(expected["gini_generalised"], rel=EXACT)


@pytest.mark.parametrize(
    ("reading", "name"),
    [
        ("within_month", "E1_within_month_interp"),
        ("trailing_year", "E2_trailing12_interp"),
        ("cumulative", "E3_cumulative_interp"),
    ],
)
def test_monthly_readings_agree_with_r(
    constructed: tuple[PeriodCounts, dict], reading: str, name: str
) -> None:
    by_month, expected = constructed
    one = next(r for r in stability.READINGS if r.name == reading)
    rows = [r for r in stability.shares_by_period(by_month, one, 0.2) if r is not None]
    np.testing.assert_allclose(
        [r["part"] / r["whole"] for r in rows], expected["monthly"][name], rtol=EXACT
    )


def test_fixed_and_prospective_sets_of_whole_people_agree_with_r(
    constructed: tuple[PeriodCounts, dict],
) -> None:
    by_month, expected = constructed
    until = by_month.until()

    def share(ranked: np.ndarray, month: int) -> float:
        active = np.count_nonzero(ranked)
        row = top_of_window(ranked, by_month.counts[:, month], math.ceil(0.2 * active) / active)
        return row["part"] / row["whole"]

    fixed = [share(until[:, -1], m) for m in range(MONTHS)]
    np.testing.assert_allclose(
        fixed, expected["monthly"]["E4_fixed_overall_top20_share_of_month"], rtol=EXACT
    )
    ahead = [share(until[:, m] - until[:, m - 12], m) for m in range(12, MONTHS)]
    np.testing.assert_allclose(
        ahead, expected["monthly"]["E5_prospective_prior12_top20"], atol=EXACT
    )


def test_truncated_likelihoods_agree_with_r() -> None:
    data, expected, _ = case("zerotrunc_quine")
    design = np.column_stack([np.ones(len(data)), data[["eth_n", "sex_m", "lrn_sl"]]])
    nb = expected["ztnb"]["par"]
    mean = np.exp(design @ [nb[k] for k in ("intercept", "eth_n", "sex_m", "lrn_sl")])
    shape = expected["ztnb"]["theta"]
    mass = chance.negative_binomial_log_mass(data["days"], mean, shape)
    assert mass.sum() == pytest.approx(expected["ztnb"]["loglik"], rel=1e-8)
    po = expected["ztpoisson"]["par"]
    mean = np.exp(design @ [po[k] for k in ("intercept", "eth_n", "sex_m", "lrn_sl")])
    mass = chance.poisson_log_mass(data["days"], mean)
    assert mass.sum() == pytest.approx(expected["ztpoisson"]["loglik"], rel=1e-8)


# --- published numbers -------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "published"), [(0.25, 8.12), (0.5, 20.96)])
def test_chance_concentration_of_street_segments(share: float, published: float) -> None:
    found = 100 * chance.chance_share_of_units(118_653, 131_179, share)
    assert round(found, 2) == published


def test_chance_concentration_agrees_with_simulation() -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(20):
        counts = np.bincount(rng.integers(0, 5_000, 4_000), minlength=5_000)
        found.append(concentration.people_holding(counts, 0.5, 5_000))
    assert chance.chance_share_of_units(5_000, 4_000, 0.5) == pytest.approx(
        np.mean(found), rel=0.01
    )


def test_gamma_rates() -> None:
    assert round(chance.gamma_top_share(0.82, 0.05), 4) == 0.2193
    assert round(chance.gamma_gini(0.82), 4) == 0.5388
    rates = np.random.default_rng(2).gamma(0.82, 1.0, 400_000)
    assert np.sort(rates)[-20_000:].sum() / rates.sum() == pytest.approx(0.2193, abs=0.003)


# --- models of counts --------------------------------------------------------------------------


def test_negative_binomial_runs_to_the_log_series_on_the_study_like_counts() -> None:
    fitted = chance.fit_negative_binomial(FEASIBLE)
    assert fitted.limit == "log_series"
    assert fitted.shape == 0
    expected = count_fits.expected_people(FEASIBLE, [fitted])
    assert expected["observed"].iloc[0] == 631
    assert expected["negative_binomial"].iloc[0] == pytest.approx(409, abs=1)
    assert "log-series" in chance.describe_limit(fitted)


def test_negative_binomial_runs_to_poisson_where_rates_do_not_differ() -> None:
    counts = np.repeat([1, 2, 3, 4], [40, 42, 25, 6])  # under-dispersed
    fitted = chance.fit_negative_binomial(counts)
    assert fitted.limit == "poisson"
    assert fitted.loglik == pytest.approx(chance.fit_poisson(counts).loglik)


def test_negative_binomial_is_found_inside_its_limits() -> None:
    drawn = np.random.default_rng(3).negative_binomial(1.5, 0.25, 6_000)
    counts = drawn[drawn > 0]
    fitted = chance.fit_negative_binomial(counts)
    assert fitted.limit == ""
    assert fitted.shape == pytest.approx(1.5, rel=0.15)
    assert fitted.mean == pytest.approx(4.5, rel=0.06)

    def loss(p: np.ndarray) -> float:
        mass = chance.negative_binomial_log_mass(counts, np.exp(p[0]), np.exp(p[1]))
        return -float(mass.sum())

    other = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8})
    assert fitted.loglik == pytest.approx(-other.fun, abs=1e-5)


@pytest.mark.parametrize(
    "fit", [chance.fit_poisson, chance.fit_log_series, chance.fit_negative_binomial]
)
def test_fitted_models_are_distributions_with_the_right_mean(fit) -> None:
    counts = np.repeat([1, 2, 3, 5, 9, 14], [60, 25, 10, 6, 3, 1])
    chances = fit(counts).probabilities(2_000)
    assert chances.sum() == pytest.approx(1, abs=CLOSE)
    assert chances @ np.arange(1, 2_001) == pytest.approx(counts.mean(), rel=1e-6)


def test_expected_people_add_up_to_the_people() -> None:
    laws = count_fits.fit_laws(FEASIBLE)
    table = count_fits.expected_people(FEASIBLE, laws)
    for column in ("observed", *count_fits.NAMES):
        assert table[column].sum() == pytest.approx(len(FEASIBLE))
    published = count_fits.expected_people(FEASIBLE, laws, total=1_130.0)
    assert published["log_series"].sum() == pytest.approx(1_130)
    assert published["observed"].sum() == len(FEASIBLE)


def test_people_without_an_incident_are_those_of_r() -> None:
    data, expected, _ = case("zerotrunc_quine")
    want = expected["unseen"]
    seen, once, twice = len(data), (data["days"] == 1).sum(), (data["days"] == 2).sum()
    assert (seen, once, twice) == (want["n"], want["f1"], want["f2"])
    found = chance.unseen_people(seen, once, twice)
    assert found.chao == pytest.approx(want["chao"], rel=EXACT)
    assert found.chao_corrected == pytest.approx(want["chao_bc"], rel=EXACT)
    assert found.zelterman == pytest.approx(want["zelterman"], rel=EXACT)


@pytest.mark.parametrize(
    ("given", "chao", "corrected"),
    [((5, 5, 0), np.inf, 15.0), ((5, 0, 5), 5.0, 5.0), ((np.nan, 5, 5), np.nan, np.nan)],
)
def test_people_without_an_incident_at_the_ends(given, chao, corrected) -> None:
    found = chance.unseen_people(*given)
    assert found.chao == pytest.approx(chao, nan_ok=True)
    assert found.chao_corrected == pytest.approx(corrected, nan_ok=True)
    assert chance.in_two_digits(np.nan) == "not shown"


def test_the_bound_finds_those_without_an_incident_where_all_have_one_rate() -> None:
    drawn = np.random.default_rng(8).poisson(1.0, 20_000)
    number = np.bincount(drawn)
    found = chance.unseen_people(number[1:].sum(), number[1], number[2])
    for value in (found.chao, found.chao_corrected, found.zelterman):
        assert value == pytest.approx(20_000, rel=0.02)  # three standard errors of the bound


# --- chance given one incident each ------------------------------------------------------------


def enumerated(people: int, incidents: int, top: float) -> float:
    """Mean top share over all ways in which incidents fall on people, nobody without."""
    shares = [
        float(concentration.top_share(histogram(np.bincount(fallen, minlength=people)), top))
        for fallen in product(range(people), repeat=incidents)
        if len(set(fallen)) == people
    ]
    return float(np.mean(shares))


@pytest.mark.parametrize(("people", "incidents"), [(2, 5), (3, 5), (4, 7)])
def test_chance_top_share_agrees_with_enumeration(people: int, incidents: int) -> None:
    rng = np.random.default_rng(4)
    found = chance.chance_top_share(people, incidents, 0.4, draws=4_000, rng=rng)
    assert found == pytest.approx(enumerated(people, incidents, 0.4), abs=0.006)


@pytest.mark.parametrize(("people", "incidents"), [(30, 50), (40, 199), (300, 2_000)])
def test_drawn_counts_keep_people_and_incidents(people: int, incidents: int) -> None:
    drawn = chance.draw_counts(people, incidents, 50, np.random.default_rng(5))
    assert (drawn.values >= 1).all()
    assert (drawn.people.sum(axis=1) == people).all()
    deviation = np.abs(drawn.people @ drawn.values - incidents)
    assert deviation.max() <= 0.005 * incidents


def test_with_one_incident_each_the_top_share_is_the_top() -> None:
    rng = np.random.default_rng(6)
    assert chance.chance_top_share(50, 50, 0.2, draws=5, rng=rng) == pytest.approx(0.2)


# --- properties --------------------------------------------------------------------------------


@STEADY
@given(some_counts, st.randoms())
def test_row_order_never_matters(counts: list[int], random) -> None:
    shuffled = list(counts)
    random.shuffle(shuffled)
    one, two = (concentration.measure(c, 0.2, 10) for c in (counts, shuffled))
    assert repr(one) == repr(two)  # as text, so that NaN equals NaN
    weight = dict(zip(counts, concentration.top_weights(counts, 0.2), strict=True))
    again = dict(zip(shuffled, concentration.top_weights(shuffled, 0.2), strict=True))
    assert weight == again


@STEADY
@given(some_counts, st.integers(2, 5))
def test_everybody_several_times_over_is_equally_concentrated(counts: list[int], k: int) -> None:
    one, many = histogram(counts), histogram(counts * k)
    assert float(concentration.gini(one)) == pytest.approx(float(concentration.gini(many)))
    assert float(concentration.top_share(one, 0.3)) == pytest.approx(
        float(concentration.top_share(many, 0.3))
    )


@STEADY
@given(some_counts, some_top, some_top)
def test_top_share_rises_with_the_group_and_beats_equality(
    counts: list[int], a: float, b: float
) -> None:
    low, high = sorted((a, b))
    hist = histogram(counts)
    smaller, larger = (float(concentration.top_share(hist, q)) for q in (low, high))
    assert smaller <= larger + CLOSE
    assert larger >= high - CLOSE
    assert 0 <= smaller <= 1 + CLOSE


@STEADY
@given(some_counts, some_top)
def test_weights_make_a_set_of_the_right_size_and_share(counts: list[int], top: float) -> None:
    weights = concentration.top_weights(counts, top)
    assert weights.sum() == pytest.approx(top * len(counts), abs=CLOSE)
    held = float(weights @ np.array(counts)) / sum(counts)
    assert held == pytest.approx(float(concentration.top_share(histogram(counts), top)))
    assert ((weights >= 0) & (weights <= 1 + CLOSE)).all()


@STEADY
@given(some_counts, st.integers(0, 80))
def test_ginis_are_ordered(counts: list[int], without: int) -> None:
    everyone = concentration.with_known(counts, len(counts) + without)
    plain = float(concentration.gini(histogram(everyone)))
    general = float(concentration.generalised_gini(histogram(everyone)))
    assert -CLOSE <= general <= plain + CLOSE
    assert plain < 1


@FEW
@given(st.integers(0, 10_000))
def test_monthly_shares_of_the_fixed_set_add_up_to_the_overall_share(seed: int) -> None:
    cohort = random_cohort(40, seed)
    rows = stability.readings(cohort, draws=1)
    fixed = rows[rows["reading"] == "fixed_set"]
    overall = concentration.top_share(histogram(cohort.counts), 0.2)
    assert fixed["part"].sum() / fixed["whole"].sum() == pytest.approx(float(overall))


# --- readings and persistence ------------------------------------------------------------------


@pytest.fixture(scope="module")
def made() -> Cohort:
    return random_cohort(120, seed=11, clustered=True)


def test_within_a_month_the_share_has_its_arithmetic_bound(made: Cohort) -> None:
    rows = stability.readings(made, draws=1)
    rows = rows[(rows["reading"] == "within_month") & (rows["whole"] > 0)]
    bound = 1 - 0.8 * rows["whole_people"] / rows["whole"]
    assert (rows["share"] <= bound + CLOSE).all()


def test_readings_are_defined_once_their_window_is_complete(made: Cohort) -> None:
    rows = stability.readings(made, draws=1)
    months = rows.groupby("reading").size()
    assert months["within_month"] == months["cumulative"] == months["fixed_set"] == 36
    assert months["within_quarter"] == 34
    assert months["trailing_year"] == 25
    assert months["prospective"] == 24
    assert rows["month"].min() == "2015-01"


def test_a_share_never_rests_on_more_people_than_the_group_has(made: Cohort) -> None:
    rows = stability.readings(made, draws=1)
    within = rows[rows["reading"] == "within_month"]
    assert (within["part_people"] <= 0.2 * within["whole_people"] + CLOSE).all()
    assert (rows["part"] <= rows["whole"] + CLOSE).all()
    assert (rows["part_largest"] <= rows["part_largest_two"]).all()


def test_readings_do_not_depend_on_the_order_or_names_of_people() -> None:
    incidents = [("a", "2015-01-03"), ("b", "2015-01-04"), ("a", "2015-02-01"), ("c", "2016-03-05")]
    renamed = [({"a": "z", "b": "y", "c": "x"}[p], t) for p, t in reversed(incidents)]
    one = stability.readings(make_cohort(incidents), seed=3)
    two = stability.readings(make_cohort(renamed), seed=3)
    pd.testing.assert_frame_equal(one, two)


def test_each_reading_ranks_and_measures_in_its_own_windows() -> None:
    # In 2015 a has three incidents and four others one each; in January 2016 b has ten, a one.
    incidents = [("a", f"2015-0{m}-01 12:00") for m in (1, 2, 3)]
    incidents += [(p, "2015-12-01 12:00") for p in "bcde"]
    incidents += [("b", f"2016-01-{d:02d} 12:00") for d in range(1, 11)]
    incidents += [("a", "2016-01-20 12:00")]
    rows = stability.readings(make_cohort(incidents), draws=1)
    january = rows[rows["month"] == "2016-01"].set_index("reading")
    assert january.loc["prospective", "share"] == pytest.approx(1 / 11)  # a, ranked on 2015
    assert january.loc["fixed_set", "share"] == pytest.approx(10 / 11)  # b, ranked on it all
    assert january.loc["within_month", "share"] == pytest.approx(0.4 * 10 / 11)  # of two people
    assert january.loc["trailing_year", "share"] == pytest.approx(11 / 17)  # from February 2015
    assert january.loc["within_quarter", "share"] == pytest.approx(11 / 15)
    assert january.loc["cumulative", "share"] == pytest.approx(11 / 18)


def test_incidents_at_random_show_what_chance_predicts() -> None:
    rng = np.random.default_rng(12)
    people, incidents = 150, 900
    names = np.concatenate([np.arange(people), rng.integers(0, people, incidents - people)])
    days = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.uniform(0, 1095, incidents), "D")
    rows = [(f"p{n}", d) for n, d in zip(names, days, strict=True)]
    table = stability.readings(make_cohort(rows), seed=1)
    table = table.groupby("reading")[["share", "chance"]].mean()
    difference = (table["share"] - table["chance"]).abs()
    assert (difference < 0.03).all()


def test_months_that_reach_the_level_are_counted_from_what_is_shown() -> None:
    shown = pd.DataFrame(
        {"reading": ["fixed_set"] * 3 + ["cumulative"] * 2, "percent": [60.0, 75, 61, np.nan, 40]}
    )
    reach = stability.months_reaching(shown, 60.0).set_index("reading")
    assert reach.loc["fixed_set", ["months", "reaching", "without_value"]].tolist() == [3, 3, 0]
    assert reach.loc["cumulative", ["months", "reaching", "without_value"]].tolist() == [1, 0, 1]
    assert reach.loc["fixed_set", "lowest"] == 60


@pytest.mark.parametrize(
    ("percent", "holds"),
    [
        ([61.0, 62.0], True),
        ([61.0, 59.0], False),
        ([61.0, np.nan], None),
        ([59.0, np.nan], False),
        ([np.nan], None),
    ],
)
def test_verdict_needs_every_month_of_the_fixed_set(percent: list, holds: bool | None) -> None:
    shown = pd.DataFrame({"reading": "fixed_set", "percent": percent})
    found = stability.verdict(stability.months_reaching(shown, 60.0))
    assert found.holds is holds
    said = found.sentence.format(**found.numbers)
    assert ("Readings that reach 60 % in every month: fixed set" in said) == (holds is True)


def test_persistence_of_a_group_that_is_known_by_hand() -> None:
    # Ten people active in 2015; a and b are its top fifth. In 2016, a is again at the top.
    incidents = [(p, f"2015-0{m}-01 12:00") for p in "ab" for m in range(1, 6)]
    incidents += [(p, "2015-06-01 12:00") for p in "cdefghij"]
    incidents += [("a", f"2016-0{m}-01 12:00") for m in range(1, 5)]
    incidents += [(p, "2016-06-01 12:00") for p in "bcde"]
    cohort = make_cohort(incidents, births={"b": "1998-09-01"})
    table = persistence.persistence(cohort, draws=2)
    table = table[table["year"] == "2015"].set_index("measure")
    assert table.loc["incidents_next_year", "share"] == pytest.approx((4 + 1) / 8)
    assert table.loc["again_in_top", "share"] == pytest.approx(0.5)
    # b reaches the age limit in 2016, so only a is left in the base
    assert table.loc["again_in_top_if_at_risk", "share"] == pytest.approx(1.0)
    assert table.loc["again_in_top_if_at_risk", "whole"] == pytest.approx(1.0)


def test_one_rate_each_agrees_with_enumeration() -> None:
    """Ten incidents of four people dealt to two years in every way, weighted by its chance."""
    pair = np.array([[3, 0], [2, 1], [0, 1], [1, 2]])
    days = np.array([[300.0, 300], [300, 100], [200, 300], [300, 300]])
    chances = persistence.first_year_chances(pair, days)
    assert chances @ pair.sum(axis=1) == pytest.approx(pair[:, 0].sum())
    odds = chances / (1 - chances) * days[:, 1] / days[:, 0]
    assert odds == pytest.approx(np.full(4, odds[0]))  # one factor for all
    want = weight = 0.0
    for now in product(*(range(n + 1) for n in pair.sum(axis=1))):
        then = pair.sum(axis=1) - np.array(now)
        if then.sum():
            row = top_of_window(np.array(now), then, 0.5)
            chance_of_it = stats.binom.pmf(now, pair.sum(axis=1), chances).prod()
            want += chance_of_it * row["part"] / row["whole"]
            weight += chance_of_it
    by = PeriodCounts(pd.RangeIndex(4), pd.period_range("2015", periods=2, freq="Y"), pair)
    found = persistence.at_constant_rates(
        by, days, days > 0, 0.5, draws=4_000, rng=np.random.default_rng(1)
    )
    assert found["constant"].iloc[0] == pytest.approx(want / weight, abs=0.01)
    assert (found["constant_low"] <= found["constant"]).all()


@pytest.mark.parametrize("pair", [[[2, 0], [1, 0]], [[0, 2], [0, 1]]])
def test_one_rate_each_where_a_year_is_empty(pair: list) -> None:
    chances = persistence.first_year_chances(np.array(pair), np.full((2, 2), 365.0))
    assert chances.tolist() == [float(pair[0][0] > 0)] * 2


def test_an_incident_outside_the_days_at_risk_can_still_be_dealt() -> None:
    pair, days = np.array([[1, 2], [4, 1]]), np.array([[0.0, 200], [200, 0]])
    chances = persistence.first_year_chances(pair, days)
    odds = chances / (1 - chances) / np.array([1 / 200, 200 / 1])  # one day where none is known
    assert odds[0] == pytest.approx(odds[1])


@pytest.mark.parametrize(
    ("percent", "says"),
    [
        ([30.0, 35, 60], "more than regression to the mean"),
        ([90.0, 91, 60], "lasts longer"),
        ([60.0, 61, 49], "is not shown"),
        ([60.0, 49], "is not shown"),
        ([60.0, 49, 61, 48, 62], "more than regression to the mean"),
    ],
)
def test_staying_is_compared_with_one_rate_each(percent: list, says: str) -> None:
    shown = pd.DataFrame(
        {
            "measure": "again_in_top_if_at_risk",
            "percent": [*percent, np.nan],
            "constant_low_percent": 50.0,
            "constant_high_percent": 70.0,
        }
    )
    numbers = persistence.pairs_of_years(shown)
    assert (
        numbers["pairs"] == len(percent) == numbers["below"] + numbers["within"] + numbers["above"]
    )
    assert says in persistence.describe(shown).format(people="adults", person="adult", **numbers)


def test_counts_by_period_hold_every_incident_once(made: Cohort) -> None:
    for frequency in ("M", "Y"):
        counted = count_by_period(made, frequency)
        assert counted.counts.sum() == len(made.incidents)
        assert (counted.counts.sum(axis=1) == made.counts.to_numpy()).all()


# --- uncertainty -------------------------------------------------------------------------------


def test_bootstrap_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(13)
    values = np.concatenate([np.arange(1, 10), np.arange(10, 40, 3)])
    chances = 1 / values**1.7
    chances /= chances.sum()
    everybody = Histogram(values.astype(float), 1e6 * chances)
    truth = {
        "top_share": float(concentration.top_share(everybody, 0.2)),
        "persistent_share": float((values * chances)[values >= 10].sum() / (values @ chances)),
        "gini": float(concentration.gini(everybody)),
    }
    worlds = 120
    covered = dict.fromkeys(truth, 0)
    for seed in range(worlds):
        sample = rng.choice(values, 300, p=chances)
        found = concentration.bootstrap(sample, 0.2, 10, draws=300, seed=seed)
        for name, value in truth.items():
            covered[name] += found[name].low <= value <= found[name].high
    # nominal 95 %; three standard errors of 120 replicates are 6 points
    assert min(covered.values()) / worlds >= 0.89


@pytest.mark.parametrize("repeats", [1, 2])
def test_interval_corrected_for_bias_and_skewness_is_the_textbook_one(repeats: int) -> None:
    """By definition, person by person; each kind of person stands for `repeats` people."""
    values = np.array([1.0, 2.0, 2.0, 3.0, 9.0, 14.0])
    people = np.repeat(values, repeats)
    draws = np.random.default_rng(3).choice(people, (500, len(people))).mean(axis=1)
    left = np.array([np.delete(people, k).mean() for k in range(len(people))])
    z0 = stats.norm.ppf(((draws < people.mean()).mean() + (draws <= people.mean()).mean()) / 2)
    apart = left.mean() - left
    a = (apart**3).sum() / (6 * (apart**2).sum() ** 1.5)
    at = z0 + stats.norm.ppf([0.025, 0.975])
    want = np.quantile(draws, stats.norm.cdf(z0 + at / (1 - a * at)))
    kinds = [(people.sum() - v) / (len(people) - 1) for v in values]
    found = intervals.bias_corrected(people.mean(), draws, kinds, np.full(6, repeats))
    assert found == pytest.approx(want, rel=CLOSE)


def test_interval_of_what_nobody_moves_is_a_point() -> None:
    assert intervals.bias_corrected(2.0, [2.0] * 9, [2.0, 2.0], [3, 4]) == (2.0, 2.0)
    assert np.isnan(intervals.bias_corrected(np.nan, [1.0], [1.0], [1])).all()
    assert np.isnan(intervals.bias_corrected(1.0, [np.nan], [1.0], [1])).all()


def test_the_band_of_the_curve_is_the_interval_of_each_top_share() -> None:
    band = concentration.curve_band(FEASIBLE, [0.05, 0.2], seed=4)
    alone = concentration.bootstrap(FEASIBLE, 0.2, 10, seed=4)["top_share"]
    assert band.loc[1, ["lower", "upper"]].tolist() == pytest.approx(list(alone))
    assert (band["lower"] < band["share_incidents"]).all()
    assert (band["share_incidents"] < band["upper"]).all()


def test_gini_where_counts_are_sparse_has_an_interval_of_its_own() -> None:
    everyone = concentration.with_known(FEASIBLE, 9_000)
    found = concentration.by_people(everyone, {"gini": concentration.sparse_gini})["gini"]
    value = float(concentration.sparse_gini(histogram(everyone)))
    assert value == concentration.measure(everyone, 0.2, 10).gini_generalised_small_sample
    assert found.low < value < found.high


def test_bootstrap_is_the_same_for_the_same_seed_only() -> None:
    one, same, other = (concentration.bootstrap(FEASIBLE, 0.2, 10, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one != other
    assert one["top_share"].low < one["top_share"].high


# --- the synthetic force -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def children(thames_valley: ForceFile, thames_valley_intake: Intake) -> Cohort:
    return select(thames_valley_intake.tables, thames_valley, "children")


def test_the_synthetic_force_has_the_published_concentration(children: Cohort) -> None:
    found = concentration.measure(children.counts, 0.2, 10)
    assert found.persistent_people == 125
    assert round(100 * found.persistent_people_share) == 11
    assert round(100 * found.persistent_share) == 59
    assert round(found.persistent_incidents * 2415.80 / 1e6, 2) == 7.54


def test_the_synthetic_force_meets_the_monthly_sentence_under_the_fixed_set(
    children: Cohort,
) -> None:
    rows = stability.readings(children, draws=2)
    reach = stability.months_reaching(rows.assign(percent=100 * rows["share"]), 60.0)
    reach = reach.set_index("reading")
    assert reach.loc["fixed_set", "reaching"] == reach.loc["fixed_set", "months"] == 68
    assert reach.loc["within_month", "reaching"] == 0
    assert (rows["share"] > rows["chance"])[rows["reading"] != "within_month"].mean() > 0.95


@pytest.mark.parametrize(
    ("seen", "poisson", "log_series", "says"),
    [
        (100.0, 60.0, 95.0, "what was seen: log series"),
        (100.0, 60.0, 80.0, "there are more of them"),
        (100.0, 120.0, 150.0, "there are fewer of them"),
        (100.0, 60.0, 150.0, "with one incident."),
        (100.0, np.nan, np.nan, "not shown"),
        (np.nan, 60.0, 150.0, "not shown"),
    ],
)
def test_whether_a_model_meets_those_with_one_incident(
    seen: float, poisson: float, log_series: float, says: str
) -> None:
    told = chance.describe_singles(seen, {"poisson": poisson, "log_series": log_series})
    assert says in told


def test_no_month_reaches_a_level_with_fewer_incidents_than_needed() -> None:
    counts = np.array([6] + [1] * 4)  # the top fifth is one person; the bound is met exactly
    share = float(concentration.top_share(concentration.histogram(counts), 0.2))
    assert share == pytest.approx(0.6)
    assert counts.mean() == pytest.approx(stability.incidents_needed(0.2, 60.0))


# --- too little data, and figures --------------------------------------------------------------

NOBODY = make_cohort([])
ONE = make_cohort([("a", "2015-05-05 10:00")])
SAME_DAY = make_cohort([(p, "2016-05-05 10:00") for p in "aaabbc"], hours=[0] * 6)


@pytest.mark.parametrize("cohort", [NOBODY, ONE, SAME_DAY], ids=["nobody", "one", "same day"])
def test_too_little_data_gives_missing_values_and_no_error(cohort: Cohort) -> None:
    found = concentration.measure(cohort.counts, 0.2, 10)
    assert found.incidents == len(cohort.incidents)
    assert math.isnan(found.gini) == (len(cohort.incidents) == 0)
    concentration.bootstrap(cohort.counts, 0.2, 10)
    concentration.lorenz(cohort.counts)
    concentration.people_holding(cohort.counts, 0.5, 3)
    laws = count_fits.fit_laws(cohort.counts)
    count_fits.expected_people(cohort.counts, laws)
    said = count_fits.describe(count_fits.compare(cohort.counts, laws, draws=9))
    assert said.startswith("Whether any") == (not laws)
    concentration.curve_band(cohort.counts, [0.2, 0.5], draws=20)
    concentration.by_people(cohort.counts, {"gini": concentration.sparse_gini}, draws=20)
    chance.top_share_by_chance(cohort.counts, 0.2, seed=1)
    chance.describe_limit(chance.fit_negative_binomial(cohort.counts))
    rows = stability.readings(cohort, draws=2)
    reach = stability.months_reaching(rows.assign(percent=100 * rows["share"]), 60.0)
    assert stability.verdict(reach).holds is not True
    years = persistence.persistence(cohort, draws=2, redrawn=3)
    shown = years.assign(percent=np.nan, constant_low_percent=0.0, constant_high_percent=0.0)
    assert "not shown" in persistence.describe(shown)
    stability.incidents_per_active_person(cohort)


def test_figures_are_drawn_and_left_to_nobody(made: Cohort) -> None:
    curve = 100 * concentration.lorenz(made.counts)
    counts = pd.DataFrame({"times_missing": ["1", "10 or more"], "people": [30.0, np.nan]})
    models = pd.DataFrame(
        {"times_missing": ["1", "10 or more"], "poisson": [25.0, 5.0], "log_series": np.nan}
    )
    rows = stability.readings(made, draws=1)
    rows = rows.assign(percent=100 * rows["share"], chance_percent=100 * rows["chance"])
    rows.loc[rows["reading"] == "cumulative", "percent"] = np.nan
    years = persistence.persistence(made, draws=1, redrawn=5)
    for name in ("share", "chance", "constant", "constant_low", "constant_high"):
        years[f"{name}_percent"] = 100 * years[name]
    years = years.rename(columns={"share_percent": "percent"})
    years.loc[years["measure"] == "again_in_top", "percent"] = np.nan
    band = curve.assign(lower=curve["share_incidents"] - 1, upper=curve["share_incidents"] + 1)
    drawn = [
        figures.lorenz_curve(curve, "children"),
        figures.counts_against_models(counts, models, "children"),
        figures.monthly_stability(rows, stability.TITLES, era="2017-01"),
        figures.year_to_year(years),
        figures.lorenz_curve(band, "children"),
    ]
    assert len(drawn[4].axes[0].collections) == len(drawn[0].axes[0].collections) + 1
    assert "not shown" in drawn[3].axes[1].texts[0].get_text()
    assert len(drawn[2].axes) == len(stability.READINGS)
    assert "not shown" in drawn[2].axes[3].texts[0].get_text()
    assert "hidden" in [t.get_text() for t in drawn[1].axes[0].texts]
    assert not plt.get_fignums()
