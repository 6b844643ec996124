"""Durations of incidents, monthly counts and first reports: by hand, against R, by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.sparse import csr_array

from missing_lib.figures import prevalence as figures
from missing_lib.study import (
    choices,
    count_worlds,
    durations,
    first_reports,
    intervals,
    monthly,
    prevalence,
    seasonal_model,
)
from missing_lib.study.cohort import ERA_CHANGE, ERAS, Cohort, select, without_clock
from missing_lib.study.repeats import gaps
from tests.made_cohorts import force_file, make_cohort, make_tables, random_cohort
from tests.reference_cases import case

EXACT = 1e-9  # relative, as the cases state
FITTED = 1e-6  # relative, of standard errors that rest on an estimated correlation

MIDNIGHT, NOON = "2015-02-01 00:00", "2015-02-03 12:00"


def with_clocks(*known: bool | None) -> Cohort:
    """One child with two incidents, of 3 and of 30 hours."""
    tables = make_tables(
        [("p", MIDNIGHT), ("p", NOON)], hours=[3.0, 30.0], time_known=known
    )  # fmt: skip
    return select(tables, force_file(), "children")


@pytest.mark.parametrize(
    ("known", "hours", "bands"),
    [
        ((True, True), [3.0, 30.0], ["up to 4 hours", "1 to 2 days"]),
        ((None, True), [3.0, 30.0], ["up to 4 hours", "1 to 2 days"]),
        ((False, True), [30.0], ["1 to 2 days"]),
        ((False, False), [], []),
    ],
)
def test_an_incident_without_a_clock_time_has_no_duration(
    known: tuple[bool | None, ...], hours: list[float], bands: list[str]
) -> None:
    cohort = with_clocks(*known)
    times = durations.time_missing(cohort)
    assert times.spells["hours"].tolist() == hours
    assert len(times.no_clock) == 2 - len(hours)
    rows = prevalence.described_incidents(cohort)
    assert rows["duration"].dropna().tolist() == bands
    assert len(without_clock(cohort)) == 2 - len(hours)


def test_both_eras_have_names_that_no_category_contradicts() -> None:
    before, after = ERAS
    assert before.endswith(f"to {ERA_CHANGE.year - 1}")
    assert after.endswith(f"from {ERA_CHANGE.year}")
    cohort = select(make_tables([("p", "2016-12-31 22:00"), ("p", "2017-01-01 09:00")]),
                    force_file(), "children")  # fmt: skip
    assert prevalence.described_incidents(cohort)["era"].tolist() == [before, after]
    assert choices.eras(cohort)["era"].tolist() == [before, after]
    assert not any("everybody" in name or "no apparent risk" in name for name in ERAS)


def test_gaps_in_days_keep_an_incident_without_a_clock_time() -> None:
    found = gaps(with_clocks(False, True))
    assert found["gap_days"].tolist()[0] == pytest.approx(2.5 - 3 / 24)


# --- time missing ------------------------------------------------------------------------------


def test_open_incidents_are_censored_at_the_end_and_lost_ends_are_left_out() -> None:
    rows = [("a", "2015-02-01 00:00"), ("a", "2015-03-01 00:00"), ("b", "2017-12-31 12:00"),
            ("c", "2017-12-31 18:00"), ("d", "2016-06-01 00:00")]  # fmt: skip
    times = durations.time_missing(make_cohort(rows, hours=[None, 5.0, None, 30.0, None]))
    found = times.spells.set_index("person_id")
    assert found.loc["a", "hours"] == 5.0
    assert found.loc["b", ["hours", "returned"]].tolist() == [12.0, False]
    assert found.loc["c", ["hours", "returned"]].tolist() == [6.0, False]  # came back after
    assert sorted(times.end_lost["person_id"]) == ["a", "d"]  # a year and a half is no spell
    assert sorted(times.still_open["person_id"]) == ["b"]
    assert len(times.spells) + len(times.end_lost) == 5


def test_the_median_and_its_interval_are_those_of_r() -> None:
    data, expected, _ = case("median_kidney_cluster")
    spells = data.rename(columns={"id": "person_id", "time": "hours"})
    spells["returned"] = spells["status"] == 1
    found = durations.median_time(spells)
    assert [found.hours, found.lower, found.upper] == expected["robust"]
    alone = durations.median_time(spells.assign(person_id=range(len(spells))))
    assert [alone.hours, alone.lower, alone.upper] == expected["plain"]


def test_a_median_rests_on_the_people_on_either_side_of_its_bounds() -> None:
    few = pd.DataFrame(
        {"person_id": list("abcdef"), "hours": [1.0, 2, 3, 4, 5, 6], "returned": True}
    )
    found = durations.median_time(few)
    below = few["person_id"][few["hours"] < found.lower].nunique()
    above = few["person_id"][few["hours"] > found.upper].nunique()
    assert found.hours == 3.0
    assert found.people == min(below, above)


def test_nobody_who_returned_has_no_median() -> None:
    nobody = durations.time_missing(make_cohort([])).spells
    still = pd.DataFrame({"person_id": ["a"], "hours": [4.0], "returned": [False]})
    for spells in (nobody, still):
        found = durations.median_time(spells)
        assert np.isnan(found.hours)
        assert found.people == 0
    grades = pd.Series(["low"], index=["i0"])
    table = durations.median_by(still.assign(incident_id="i0"), grades, ["low", "high"], "grade")
    assert table["people"].tolist() == [0, 0]


def test_the_median_covers_the_truth_where_people_differ_and_some_stay_open() -> None:
    worlds = pd.DataFrame([count_worlds.median_missing(seed, people=80) for seed in range(30)])
    assert worlds["covers"].sum() >= 25  # nominal 28.5 of 30; fewer comes once in 150


# --- months ------------------------------------------------------------------------------------


def test_the_model_of_months_is_that_of_r() -> None:
    data, expected, _ = case("monthly_seatbelts")
    killed, months = (
        data["killed"].to_numpy(float),
        pd.period_range("1969-01", periods=192, freq="M"),
    )
    series = monthly.Series(
        months=months,
        incidents=killed,
        people=killed.astype(int),
        days=data["days"].to_numpy(float),
        by_person=csr_array(np.diag(killed)),  # nobody drives twice
    )
    law = pd.Timestamp("1983-02-01")
    design = seasonal_model.design_of(series, law)
    beta = seasonal_model._newton(killed[None, :], design.to_numpy(), series.days)[0]
    names = ["(Intercept)", "c1", "s1", "c2", "s2", "trend", "law"]
    assert beta == pytest.approx([expected["coef"][n] for n in names], rel=1e-8)
    fit = seasonal_model.fit_series(series, law)
    assert fit.correlation == pytest.approx(expected["correlation"])
    assert fit.correlation == pytest.approx(expected["correlation_root"], abs=0.01)
    assert fit.dispersion == pytest.approx(expected["dispersion"], rel=FITTED)
    mu = fit.expected
    covariance = seasonal_model._shared(design.to_numpy(), mu, fit.dispersion, fit.correlation)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(
        [expected["se"][n] for n in names], rel=FITTED
    )
    assert mu[:12] == pytest.approx(expected["fitted_first_year"], rel=1e-8)
    season = slice(1, 5)
    p = seasonal_model._f_test(beta[season], covariance[season, season], 192 - 7)
    assert p == pytest.approx(expected["season_p"], rel=1e-4)


def test_where_months_are_overdispersed_the_shared_covariance_is_the_wider_one() -> None:
    data, expected, _ = case("monthly_seatbelts")
    killed = data["killed"].to_numpy(float)
    who = np.arange(int(killed.sum()))
    month = np.repeat(np.arange(192), killed.astype(int))
    series = monthly.Series(
        pd.period_range("1969-01", periods=192, freq="M"), killed, killed.astype(int),
        data["days"].to_numpy(float), csr_array((np.ones(len(who)), (who, month))),
    )  # fmt: skip
    step = seasonal_model.fit_series(series, pd.Timestamp("1983-02-01")).step
    assert [step.estimate, step.lower, step.upper] == pytest.approx(expected["step"], rel=FITTED)


def made_series(seed: int, people: int = 60, months: int = 48, **days: float) -> monthly.Series:
    rng = np.random.default_rng(seed)
    cells = rng.poisson(rng.gamma(0.4, 1.0, (people, 1)) * np.ones(months))
    cells = cells[cells.any(axis=1)]
    return monthly.Series(
        pd.period_range("2015-01", periods=months, freq="M"), cells.sum(axis=0).astype(float),
        (cells > 0).sum(axis=0), np.full(months, days.get("days", 30.0)), csr_array(cells * 1.0),
    )  # fmt: skip


def test_people_who_are_alike_in_time_widen_the_covariance_as_their_sum_says() -> None:
    series = made_series(1)
    x = seasonal_model.design_of(series, ERA_CHANGE).to_numpy()
    beta = seasonal_model._newton(series.incidents[None, :], x, series.days)[0]
    mu = series.days * np.exp(x @ beta)
    bread = np.linalg.inv(sum(m * np.outer(row, row) for m, row in zip(mu, x, strict=True)))
    meat = np.zeros((7, 7))
    for person in series.by_person.toarray():
        score = sum(n * row for n, row in zip(person, x, strict=True))
        meat += np.outer(score, score)
    assert seasonal_model._by_person(x, mu, series.by_person) == pytest.approx(
        bread @ meat @ bread, rel=EXACT
    )


def test_coefficients_of_many_draws_are_those_of_statsmodels() -> None:
    series = made_series(2)
    x = seasonal_model.design_of(series, ERA_CHANGE).to_numpy()
    weights = np.random.default_rng(3).poisson(1.0, (3, series.by_person.shape[0]))
    drawn = weights @ series.by_person.toarray()
    found = seasonal_model._newton(drawn.astype(float), x, series.days)
    for y, beta in zip(drawn, found, strict=True):
        other = sm.GLM(y, x, family=sm.families.Poisson(), offset=np.log(series.days)).fit()
        assert beta == pytest.approx(other.params, abs=1e-7)
    low, high = seasonal_model.step_by_people(series, draws=200)
    assert low < seasonal_model.fit_series(series).step.estimate < high


@pytest.mark.parametrize(
    ("start", "months", "step", "whole"),
    [
        ("2015-01", 36, "", ""),
        ("2015-01", 23, "shorter than two years", "shorter than two years"),
        ("2018-01", 36, "on one side", ""),
        ("2012-01", 36, "on one side", ""),
        ("2016-02", 36, "less than a year", ""),
        ("2014-06", 36, "less than a year", ""),
    ],
)
def test_short_studies_and_those_beside_the_change_say_so(
    start: str, months: int, step: str, whole: str
) -> None:
    made = made_series(4, months=months)
    periods = pd.period_range(start, periods=months, freq="M")
    series = monthly.Series(periods, made.incidents, made.people, made.days, made.by_person)
    fit = seasonal_model.fit_series(series)
    assert step in fit.step.reason
    assert bool(step) == bool(fit.step.reason)
    assert whole in fit.problem
    assert bool(whole) == bool(fit.problem)
    assert np.isnan(fit.step.estimate) == bool(step)
    assert np.isnan(fit.expected).all() == bool(whole)
    assert np.isnan(seasonal_model.step_by_people(series, draws=5).low) == bool(step)
    for told in (
        seasonal_model.describe_step(fit),
        seasonal_model.describe_trend(fit),
        seasonal_model.describe_season(fit),
    ):
        assert ("estimated" in told) == ("{ratio}" not in told)


def test_too_few_incidents_or_people_and_a_silent_side_are_named() -> None:
    few = made_series(5, people=6)
    assert "too few" in seasonal_model.fit_series(few).problem
    made = made_series(6)
    after = made.months.start_time >= ERA_CHANGE
    cells = csr_array(made.by_person.toarray() * ~after)
    silent = monthly.Series(made.months, made.incidents * ~after, made.people, made.days, cells)
    assert "too few incidents lie on one side" in seasonal_model.fit_series(silent).step.reason
    nobody = monthly.Series(made.months, made.incidents, made.people, made.days * ~after, cells)
    assert "nobody was at risk" in seasonal_model.fit_series(nobody).problem
    empty = monthly.monthly_series(make_cohort([]), known_people=False)
    assert seasonal_model.fit_series(empty).problem


def test_a_step_a_trend_and_a_season_that_are_there_are_found() -> None:
    found = count_worlds.season_and_step(7, kind="nothing", step=1.6, trend=0.9)
    assert found["step_low"] > 1
    assert found["step_covers"]
    rng = np.random.default_rng(8)
    months = pd.period_range("2014-05", periods=68, freq="M")
    mean = 60 * np.exp(0.4 * np.cos(2 * np.pi * (months.month.to_numpy() - 7) / 12))
    month = np.repeat(np.arange(68), rng.poisson(mean))
    cells = csr_array((np.ones(len(month)), (np.arange(len(month)), month)), shape=(len(month), 68))
    counts = np.bincount(month, minlength=68)
    series = monthly.Series(months, counts.astype(float), counts, np.ones(68), cells)
    fit = seasonal_model.fit_series(series)
    assert fit.season_p < 0.001
    assert fit.highest in (6, 7, 8)
    assert fit.lowest in (12, 1, 2)
    assert fit.season.lower < np.exp(0.8) < fit.season.upper
    assert "picked" in seasonal_model.describe_season(fit)


@pytest.mark.parametrize("kind", count_worlds.KINDS)
def test_a_step_that_is_not_there_is_seldom_found(kind: str) -> None:
    worlds = pd.DataFrame([count_worlds.season_and_step(seed, kind=kind) for seed in range(40)])
    # nominal 2 of 40; 7 or more come once in two hundred correct runs
    assert (1 - worlds["step_covers"]).sum() <= 6
    assert worlds["season_rejects"].sum() <= 6


def test_days_at_risk_leave_out_days_missing_and_days_outside_the_window() -> None:
    rows = [("p", "2015-02-10 00:00"), ("p", "2015-03-30 00:00")]
    cohort = make_cohort(
        rows, hours=[24.0, 96.0], births={"p": "2000-01-01"}, observed_to={"p": "2015-04-20"}
    )
    series = monthly.monthly_series(cohort, known_people=True)
    # British summer time begins on 29 March 2015, so the month is an hour short; the second
    # incident lies across the end of March
    assert series.days[:4] == pytest.approx([31, 27, 29, 18], abs=2 / 24)
    assert series.days[4:].sum() == 0
    assert series.incidents[:4].tolist() == [0, 1, 1, 0]
    calendar = monthly.monthly_series(cohort, known_people=False)
    assert calendar.days[:3].tolist() == [31, 28, 31]


# --- first reports and intervals -----------------------------------------------------------------


def test_first_reports_and_the_years_until_them_are_those_of_a_count_by_hand() -> None:
    rows = [("a", "2016-01-01 12:00"), ("a", "2016-05-01 12:00"), ("b", "2015-01-31 12:00")]
    births = {"a": "2002-01-01", "b": "2004-06-01", "other0": "2001-01-01"}
    cohort = make_cohort(rows, births=births, others=1)
    table = first_reports.by_age(cohort).set_index("age_band")
    assert table["first_reports"].tolist() == [1, 0, 1, 0]
    # a: the year 2015 at 13, one day at 14; b: 31 days at 10; the other: 14 and 15 for two years
    assert table["person_years"].tolist() == pytest.approx(
        [31 / 365.25, 365 / 365.25, (1 + 365 + 366) / 365.25, 365 / 365.25], abs=1e-12
    )
    assert table["standard"].tolist() == [12, 2, 2, 2]
    assert table["fewest"].tolist() == [0, 0, 1, 0]
    ethnic = first_reports.by_ethnicity(cohort)
    assert ethnic["first_reports"].sum() == 0  # nobody's ethnicity is recorded


def test_first_reports_of_nobody_are_no_error() -> None:
    table = first_reports.by_age(make_cohort([]))
    assert table[["first_reports", "person_years"]].to_numpy().sum() == 0
    assert np.isnan(first_reports.standardised(table)).all()
    assert np.isnan(first_reports.oldest_against_youngest(table)).all()


def test_exact_intervals_and_standardised_rates_are_those_of_r() -> None:
    data, expected, _ = case("prevalence_rates_insurance")
    for row in expected["by_district"]:
        assert intervals.clopper_pearson(row["x"], row["n"]) == pytest.approx(
            row["clopper_pearson"], rel=EXACT
        )
    zero = expected["zero"]
    found = intervals.clopper_pearson(0, zero["n"])
    assert found == pytest.approx(zero["clopper_pearson"], rel=EXACT)
    every = data.groupby("age", sort=False)[["holders", "claims"]].sum()
    for row in expected["standardised"]:
        own = data[data["district"] == row["district"]].groupby("age", sort=False)
        own = own[["holders", "claims"]].sum()
        rate, low, high = intervals.standardised_rate(
            own["claims"], own["holders"], every["holders"]
        )
        assert 1000 * rate == pytest.approx(row["dsr_per1000"], rel=EXACT)
        assert [1000 * low, 1000 * high] == pytest.approx(row["fay_feuer_per1000"], rel=EXACT)
    one, four = expected["by_district"][0], expected["by_district"][3]
    ratio, low, high = intervals.rate_ratio((four["x"], one["x"]), (four["n"], one["n"]))
    want = expected["rate_ratio_4_vs_1"]
    assert ratio == pytest.approx(want["est"], rel=EXACT)
    assert [low, high] == pytest.approx(want["ci"], rel=EXACT)


def test_exact_intervals_at_the_ends() -> None:
    assert np.isnan(intervals.clopper_pearson(0, 0)).all()
    assert intervals.clopper_pearson(5, 5)[1] == 1.0
    assert intervals.rate_ratio((3, 0), (1, 1))[::2] == (np.inf, np.inf)
    assert intervals.rate_ratio((0, 3), (1, 1))[:2] == (0.0, 0.0)
    assert np.isnan(intervals.rate_ratio((0, 0), (1, 1))).all()
    assert np.isnan(intervals.rate_ratio((1, 1), (0, 1))).all()
    rate, low, high = intervals.standardised_rate([0, 0], [10, 20], [1, 1])
    assert (rate, low) == (0.0, 0.0)
    assert 0 < high < np.inf
    assert np.isnan(intervals.standardised_rate([0, 1], [0, 20], [1, 1])).all()


@pytest.mark.parametrize("share", [0.03, 0.2, 0.5])
def test_the_exact_interval_covers_at_least_as_often_as_it_says(share: float) -> None:
    seen = np.arange(41)
    chances = np.array([1.0])
    for _ in range(40):
        chances = np.convolve(chances, [1 - share, share])
    bounds = [intervals.clopper_pearson(k, 40) for k in seen]
    covered = sum(p for p, (low, high) in zip(chances, bounds, strict=True) if low <= share <= high)
    assert covered >= 0.95


# --- figures -------------------------------------------------------------------------------------


def test_figures_of_months_and_hours_are_drawn() -> None:
    series = monthly.monthly_series(random_cohort(80, seed=3), known_people=True)
    seen = pd.DataFrame({"month": series.months, "incidents": series.incidents})
    seen.loc[3, "incidents"] = np.nan
    fitted = seen.rename(columns={"incidents": "expected"})
    drawn = figures.fitted_months(seen, fitted, "2017-01")
    assert "absent counts as missing" in [t.get_text() for t in drawn.axes[0].texts]
    later = figures.fitted_months(seen, fitted, "2014-01")
    assert not later.axes[0].texts
    curve = pd.DataFrame(
        {"group": "low", "time": range(9), "survival": 0.5, "lower": 0.4, "upper": 0.6}
    )
    one = figures.time_missing(curve)
    two = figures.time_missing(pd.concat([curve, curve.assign(group="high")]))
    assert len(one.axes[0].collections) == 1
    assert two.axes[0].get_legend() is not None
