"""Predictors: held against R, hand counts, brute force and simulations with a known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.sparse import csr_array
from scipy.special import expit
from scipy.stats import nbinom, norm

from missing_lib.figures.predictors import forest
from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study import (
    diagnosis,
    effects,
    family,
    intervals,
    likelihoods,
    missing_values,
    network,
    predictors,
    recording,
    regression,
    sensitivity,
)
from missing_lib.study import frame as frames
from missing_lib.study.cohort import Cohort
from missing_lib.study.likelihoods import Maximum, Rows
from tests.made_networks import known_cohort, odd_cohorts, random_force
from tests.reference_cases import case

pytestmark = pytest.mark.filterwarnings("error")

R = 1e-8  # the tolerance that the logistic and negative binomial cases state
EXACT = 1e-9  # the tolerance of the interval case
DELTA = 1e-4  # derivatives of the brute-force delta method are one-sided differences
ODD = odd_cohorts()


def birthwt() -> tuple[pd.Series, pd.DataFrame, dict]:
    data, expected, _ = case("logit_birthwt")
    design = data[["age", "lwt", "smoke", "ptl", "ht", "ui"]].astype(float)
    design.insert(2, "race2", (data["race"] == 2).astype(float))
    design.insert(3, "race3", (data["race"] == 3).astype(float))
    return data["low"], design, expected


def test_logistic_is_that_of_r() -> None:
    outcome, design, expected = birthwt()
    fit = regression.logistic(outcome, design)
    terms = fit.terms.set_index("term")
    for name in design:
        row = terms.loc[name]
        assert row["coefficient"] == pytest.approx(expected["coef"][name], rel=R)
        assert row["se"] == pytest.approx(expected["se"][name], rel=R)
        assert row["estimate"] == pytest.approx(expected["or"][name], rel=R)
        assert np.log(row["lower"]) == pytest.approx(expected["wald_low"][name], rel=1e-6)
    assert fit.intercept == pytest.approx(expected["coef"]["intercept"], rel=R)
    assert fit.log_likelihood == pytest.approx(expected["loglik"], rel=R)


def test_linked_errors_without_links_are_the_larger_of_model_and_hc0() -> None:
    outcome, design, expected = birthwt()
    nobody = csr_array((len(design), len(design)))
    terms = regression.logistic(outcome, design, linked=nobody).terms.set_index("term")
    for name in design:
        want = max(expected["se"][name], expected["se_HC0"][name])
        assert terms.loc[name, "se"] == pytest.approx(want, rel=1e-7)


def test_linked_errors_with_everybody_in_pairs_are_those_of_clusters() -> None:
    outcome, design, _ = birthwt()
    n = len(design) - 1
    pair = np.arange(n) // 2
    linked = csr_array((pair[:, None] == pair[None, :]) & ~np.eye(n, dtype=bool)).astype(float)
    fit = regression.logistic(outcome[:n], design[:n], linked=linked)
    x = np.column_stack([np.ones(n), design[:n]])
    b = np.append(fit.intercept, fit.terms["coefficient"])
    p = expit(x @ b)
    bread = np.linalg.inv((x.T * (p * (1 - p))) @ x)
    summed = pd.DataFrame(x * (outcome[:n].to_numpy() - p)[:, None]).groupby(pair).sum()
    want = np.sqrt(np.diag(bread @ summed.T.to_numpy() @ summed.to_numpy() @ bread))
    want = np.maximum(want, np.sqrt(np.diag(bread)))
    assert fit.terms["se"].to_numpy() == pytest.approx(want[1:], rel=1e-6)


def test_average_effects_are_mean_differences_of_probability() -> None:
    outcome, design, _ = birthwt()
    fit = regression.logistic(outcome, design)
    b = fit.terms["coefficient"].to_numpy()
    with_, without = design.assign(smoke=1.0), design.assign(smoke=0.0)
    gap = expit(fit.intercept + with_.to_numpy() @ b) - expit(
        fit.intercept + without.to_numpy() @ b
    )
    assert fit.row("smoke")["effect"] == pytest.approx(gap.mean(), rel=1e-9)
    p = expit(fit.intercept + design.to_numpy() @ b)
    slope = (p * (1 - p)).mean() * fit.row("lwt")["coefficient"]
    assert fit.row("lwt")["effect"] == pytest.approx(slope, rel=1e-9)

    def effect(b: np.ndarray) -> float:
        return float(
            (
                expit(b[0] + with_.to_numpy() @ b[1:]) - expit(b[0] + without.to_numpy() @ b[1:])
            ).mean()
        )

    full = np.append(fit.intercept, b)
    x = np.column_stack([np.ones(len(design)), design])
    covariance = np.linalg.inv((x.T * (p * (1 - p))) @ x)
    slopes = approx_fprime(full, effect, 1e-6)
    half = norm.ppf(0.975) * np.sqrt(slopes @ covariance @ slopes)
    bounds = fit.row("smoke")[["effect_lower", "effect_upper"]].to_numpy(float)
    assert bounds == pytest.approx([gap.mean() - half, gap.mean() + half], rel=DELTA)


@pytest.mark.parametrize("name", ["nb_quine", "nb_offset_bladder"])
def test_negative_binomial_is_that_of_r(name: str) -> None:
    data, expected, _ = case(name)
    if name == "nb_quine":
        columns = {"Sex": "M", "Eth": "N", "Lrn": "SL"}
        design = pd.DataFrame({f"{c}{v}": data[c] == v for c, v in columns.items()})
        for level in ("F1", "F2", "F3"):
            design[f"Age{level}"] = data["Age"] == level
        fit = regression.negative_binomial(data["Days"], design.astype(float), np.ones(len(data)))
        assert fit.dispersion == pytest.approx(expected["alpha"], rel=R)
    else:
        design = data[["thiotepa", "pyridoxine", "number", "size"]].astype(float)
        fit = regression.negative_binomial(data["n"], design, data["months"])
        assert fit.terms.set_index("term")["estimate"].to_dict() == pytest.approx(
            {k: v for k, v in expected["irr"].items() if k in design}, rel=R
        )
        assert 1 / fit.dispersion == pytest.approx(expected["theta"], rel=R)
    terms = fit.terms.set_index("term")
    for term in terms.index:
        assert terms.loc[term, "coefficient"] == pytest.approx(expected["coef"][term], rel=R)
        assert terms.loc[term, "se"] == pytest.approx(expected["se_joint_observed"][term], rel=R)
    assert fit.log_likelihood == pytest.approx(expected["loglik"], rel=R)


def test_negative_binomial_of_very_uneven_counts_is_at_the_top_of_its_likelihood() -> None:
    """From its own start statsmodels reports convergence on such data at alpha = 0."""
    rng = np.random.default_rng(21)
    n = 3000
    x = pd.DataFrame({"a": rng.integers(0, 2, n).astype(float), "z": rng.normal(size=n)})
    days = rng.uniform(100, 2000, n)
    mean = days * np.exp(-8 + 0.7 * x["a"] + 0.2 * x["z"])
    counts = rng.poisson(mean * rng.gamma(1 / 6, 6, n))
    fit = regression.negative_binomial(counts, x, days)
    full = np.column_stack([np.ones(n), x])

    def loss(b: np.ndarray) -> float:
        size = np.exp(-b[-1])
        mu = days * np.exp(full @ b[:-1])
        return -float(nbinom.logpmf(counts, size, size / (size + mu)).sum())

    best = minimize(loss, [-8, 0, 0, 1], method="BFGS", options={"gtol": 1e-3})
    assert fit.problem == ""
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-8)
    assert fit.terms["coefficient"].to_numpy() == pytest.approx(best.x[1:3], abs=1e-3)
    assert abs(fit.row("a")["coefficient"] - 0.7) < 4 * fit.row("a")["se"]
    assert abs(fit.dispersion - 6) < 4 * fit.dispersion_se


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_a_fit_that_says_it_converged_too_early_is_refused(steps: int) -> None:
    y, x = noisy()

    def run(rows: Rows) -> Maximum:
        return replace(likelihoods.logistic(rows, steps), converged=True)

    fit = regression._fit("odds ratio", run, y, x, np.ones(len(y)))
    assert ("did not settle" in fit.problem) is (steps < 30)


def test_holm_is_that_of_r_also_with_a_missing_value() -> None:
    data, expected, _ = case("multiplicity_padjust")
    adjusted = regression.holm(data["p"])
    assert adjusted == pytest.approx(expected["adjusted"]["holm"], abs=1e-12)
    assert (adjusted <= 0.05).sum() == expected["n_rejected_05"]["holm"]
    given = np.array(expected["with_na_in"], dtype=float)
    want = np.array(expected["with_na"]["holm"], dtype=float)
    assert regression.holm(given) == pytest.approx(want, abs=1e-12, nan_ok=True)
    assert np.isnan(regression.holm([np.nan, np.nan])).all()


def test_intervals_are_those_of_r() -> None:
    _, expected, _ = case("prevalence_rates_insurance")
    for row in expected["by_district"]:
        assert intervals.wilson(row["x"], row["n"]) == pytest.approx(row["wilson"], rel=EXACT)
        rate = [1000 * v for v in intervals.poisson_exact(row["x"], row["n"])]
        assert rate == pytest.approx(row["poisson_exact_rate_per1000"], rel=EXACT)
    for row, observed in zip(expected["standardised"], expected["by_district"], strict=True):
        assert intervals.poisson_exact(observed["x"], row["expected"]) == pytest.approx(
            row["sir_exact"], rel=EXACT
        )
    zero = expected["zero"]
    assert intervals.wilson(0, zero["n"]) == pytest.approx(zero["wilson"], rel=EXACT, abs=1e-12)
    assert intervals.poisson_exact(0, 50) == pytest.approx((0, zero["poisson_upper"]), rel=EXACT)
    assert np.isnan(intervals.wilson(0, 0)).all()
    assert np.isnan(intervals.poisson_exact(0, 0)).all()


def test_complementary_log_log_maximises_its_likelihood_and_finds_the_rate_ratio() -> None:
    rng = np.random.default_rng(11)
    n, beta, rate = 6000, 0.7, 0.001
    x = pd.DataFrame({"x": rng.integers(0, 2, n).astype(float), "z": rng.normal(size=n)})
    days = rng.uniform(50, 2000, n)
    y = rng.random(n) < 1 - np.exp(-days * rate * np.exp(beta * x["x"]))
    fit = regression.complementary_log_log(y, x, days)
    full = np.column_stack([np.ones(n), x])

    def loss(b: np.ndarray) -> float:
        mean = days * np.exp(full @ b)
        return float(mean[~y].sum() - np.log(-np.expm1(-mean[y])).sum())

    best = minimize(loss, [np.log(rate), 0, 0], method="Nelder-Mead", options={"xatol": 1e-9})
    assert fit.terms["coefficient"].to_numpy() == pytest.approx(best.x[1:], abs=1e-4)
    row = fit.row("x")
    assert abs(row["coefficient"] - beta) < 4 * row["se"]  # fails once in 16,000 correct runs
    assert row["se"] < 0.06


def test_a_logistic_truth_comes_back_without_bias_and_with_honest_intervals() -> None:
    truth = {"mental_health": 0.6, "arrest": -0.4}
    z = []
    for seed in range(40):
        fit = predictors.ever_missing(frames.known_before(random_force(400, seed, truth)))
        row = fit.terms.set_index("term").loc[list(truth)]
        z.append((row["coefficient"] - list(truth.values())) / row["se"])
    z = np.array(z)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(40)  # 4 standard errors of a mean of 40
    assert ((np.abs(z) < 1.96).mean(axis=0) > 0.81).all()  # 4 binomial errors below 0.95


# --- models that cannot be had ---------------------------------------------------------------


def noisy(n: int = 400, seed: int = 1) -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    design = pd.DataFrame({"a": rng.integers(0, 2, n), "b": rng.integers(0, 2, n)}).astype(float)
    return rng.random(n) < 0.3, design


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda y, x: x.assign(c=1.0), "the same for everybody"),
        (lambda y, x: x.assign(c=np.where(x.index == 7, np.inf, 0.0)), "not a finite number"),
        (lambda y, x: x.assign(c=x["a"] + x["b"]), "cannot be told apart from a and b"),
        (lambda y, x: x.assign(c=1 - x["b"]), "cannot be told apart from b"),
        (lambda y, x: x.assign(c=(y & (x["a"] > 0)) * 1.0), "everybody with it has the outcome"),
        (lambda y, x: x.assign(c=(~y & (x["a"] > 0)) * 1.0), "nobody with it has the outcome"),
        (lambda y, x: x.assign(c=(y | (x["a"] > 0)) * 1.0), "nobody without it has the outcome"),
    ],
)
def test_a_term_that_cannot_be_estimated_is_named_and_the_rest_stands(spoil, reason) -> None:
    y, x = noisy()
    fit = regression.logistic(y, spoil(y, x))
    row = fit.row("c")
    assert fit.problem == ""
    assert row["reason"].startswith(reason)
    assert np.isnan(row["estimate"])
    plain = regression.logistic(y, x)
    assert fit.row("a")["estimate"] == pytest.approx(plain.row("a")["estimate"], rel=1e-9)


def test_a_model_that_tells_the_outcome_fully_is_refused_by_name() -> None:
    y, x = noisy()
    rng = np.random.default_rng(2)
    told = x.assign(dose=np.where(y, 1.0, -1.0) * rng.uniform(0.1, 1, len(y)))
    fit = regression.logistic(y, told)
    assert "fully told by dose" in fit.problem
    assert fit.terms["estimate"].isna().all()
    assert (fit.terms["reason"] == fit.problem).all()


def test_two_terms_that_separate_only_together_are_found() -> None:
    rng = np.random.default_rng(3)
    x = pd.DataFrame(
        {"u": rng.normal(size=300), "v": rng.normal(size=300), "w": rng.normal(size=300)}
    )
    y = (x["u"] + x["v"] > 0.3).to_numpy()
    assert set(diagnosis.separating_terms(y, x[["u", "v"]])) == {"u", "v"}
    assert diagnosis.separating_terms(y, x[["u", "w"]]) == []
    assert "u" in regression.logistic(y, x).problem


@pytest.mark.parametrize("seed", range(12))
def test_one_number_separates_exactly_if_the_two_ranges_do_not_cross(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = rng.integers(0, 6, 12).astype(float)
    y = rng.random(12) < expit((value - 2.5) * 3)
    y[:2] = [True, False]
    apart = value[y].min() >= value[~y].max() or value[y].max() <= value[~y].min()
    found = diagnosis.separating_terms(y, pd.DataFrame({"value": value}))
    assert bool(found) == bool(apart and np.ptp(value) > 0)


@pytest.mark.parametrize(("events", "word"), [(5, "too few"), (12, "so many terms")])
def test_too_few_events_are_refused(events: int, word: str) -> None:
    x = pd.DataFrame(np.random.default_rng(4).normal(size=(200, 4)), columns=list("abcd"))
    y = np.arange(200) % 200 < events
    rng = np.random.default_rng(5)
    fit = regression.logistic(rng.permutation(y), x)
    assert word in fit.problem
    assert fit.terms[["estimate", "p", "effect"]].isna().all(axis=None)


def test_counts_with_hardly_any_mean_give_no_warning() -> None:
    """A mean of nearly nothing makes statsmodels take the log of zero."""
    rng = np.random.default_rng(6)
    x = pd.DataFrame(
        {"a": np.r_[np.zeros(500), np.ones(500)], "far": np.r_[np.zeros(990), [-40.0] * 10]}
    )
    counts = rng.poisson(0.8, 1000) * (x["far"] == 0)
    fit = regression.negative_binomial(counts, x, np.ones(1000))
    assert fit.problem == ""
    assert np.isfinite(fit.row("a")["estimate"])
    assert fit.row("far")["reason"] == "nobody without it has the outcome"


def test_guards_count_the_fewest_people_in_any_cell() -> None:
    x = pd.DataFrame({"a": [1.0] * 30 + [0.0] * 70})
    y = np.r_[np.ones(12), np.zeros(18), np.ones(15), np.zeros(55)].astype(bool)
    row = regression.logistic(y, x).row("a")
    assert (row["people"], row["events"]) == (30, 12)
    counts = regression.negative_binomial(y * 2, x, np.ones(100)).row("a")
    assert (counts["people"], counts["events"]) == (30, 12)


# --- the frame -------------------------------------------------------------------------------

START = "2015-01-01"


def test_who_is_in_the_frame() -> None:
    cohort = known_cohort(
        {
            "in": {},
            "in too": {"observed_from": START},
            "no start": {"observed_from": None},
            "through the report": {"known_first_by": "police:missing_report"},
            "moved in": {"observed_from": "2015-01-02"},
            "no reason": {"known_first_by": None},
            "grown up": {"birth_date": "1997-01-01"},
            "gone": {"observed_to": "2014-12-31"},
            "born later": {"birth_date": "2015-03-01", "observed_from": None},
        },
        [("in", "2015-05-01 12:00"), ("in", "2016-05-01 12:00"), ("moved in", "2015-06-01 12:00")],
    )
    frame = frames.known_before(cohort)
    assert frame.people["person_id"].tolist() == ["in", "in too", "no start"]
    steps = frame.steps.set_index("step")
    assert steps["people"].to_dict() == {
        frames.THROUGH_REPORT: 1,
        frames.LATER: 2,
        frames.REASON_UNKNOWN: 1,
        frames.IN_FRAME: 3,
    }
    assert steps.loc[frames.IN_FRAME, ["ever", "repeat", "incidents"]].tolist() == [1, 1, 2]
    assert steps.loc[frames.LATER, "incidents"] == 1
    assert sorted(frame.at_step(frames.LATER)) == ["born later", "moved in"]
    assert frame.at_step(frames.LATER, ever=True).tolist() == ["moved in"]
    assert frame.at_step(frames.IN_FRAME).tolist() == frame.people["person_id"].tolist()
    assert frame.ever.tolist() == ["in"]


def test_only_markers_of_before_the_landmark_count() -> None:
    people = {name: {} for name in "abcd"}
    markers = [
        ("a", "arrest", "2014-12-31", None),
        ("b", "arrest", "2015-01-01", None),
        ("c", "arrest", "2012-01-01", "2014-12-31"),
        ("d", "arrest", "2012-01-01", "2015-01-01"),
        ("d", "gang", "2016-01-01", None),
        ("a", "mental_health", "2013-01-01", None),
    ]
    frame = frames.known_before(known_cohort(people, (), markers))
    assert list(frame.marks) == ["mental_health", "arrest", "gang"]
    assert frame.marks["arrest"].tolist() == [1, 0, 1, 1]
    assert frame.marks["gang"].tolist() == [0, 0, 0, 0]
    assert frame.study_markers == ["mental_health", "arrest"]
    now = frames.known_before(known_cohort(people, (), markers), in_force=True)
    assert now.marks["arrest"].tolist() == [1, 0, 0, 1]


def test_what_happens_later_changes_no_covariate_and_row_order_nothing() -> None:
    cohort = random_force(200, 1)
    frame = frames.known_before(cohort)
    later = cohort.markers.assign(known_from=cohort.start + pd.Timedelta(days=5))
    later = later.assign(marker="self_harm")
    leaked = replace(cohort, markers=pd.concat([cohort.markers, later], ignore_index=True))
    again = frames.known_before(leaked)
    pd.testing.assert_frame_equal(again.marks[list(frame.marks)], frame.marks)
    assert (again.marks["self_harm"] == 0).all()
    mixed = replace(
        cohort,
        **{t: getattr(cohort, t).sample(frac=1, random_state=1) for t in ("persons", "markers")},
    )
    shuffled = frames.known_before(mixed)
    pd.testing.assert_frame_equal(shuffled.people, frame.people)
    pd.testing.assert_frame_equal(shuffled.marks, frame.marks)


def test_a_marker_recorded_later_is_refused_by_name_and_told_what_to_do() -> None:
    cohort = random_force(60, 2)
    frame = frames.known_before(cohort)
    names = frame.people["person_id"]
    landmark = frame.landmark
    day = pd.Timedelta(days=1)
    late = pd.DataFrame({"person_id": names[:3], "known_from": [landmark - day, landmark, None]})
    for records in (late[:2], late):
        with pytest.raises(frames.RecordedTooLate) as refused:
            frames.with_record(frame, "gang", records)
        told = str(refused.value)
        for word in ("gang", "1 January 2015", "known_from", "day of recording", "Leave out"):
            assert word in told
    kept = frames.with_record(frame, "gang", late[:1])
    assert kept.marks["gang"].sum() == 1
    assert "gang" not in frame.marks
    with pytest.raises(frames.RecordedTooLate, match="markers: recorded on or after 1 January"):
        frames.known_before(cohort, recorded_before=landmark + day)
    earlier = frames.known_before(cohort, recorded_before=pd.Timestamp("2013-05-01"))
    assert earlier.marks.to_numpy().sum() == 0 < frame.marks.to_numpy().sum()


def test_markers_that_going_missing_brings_would_seem_to_raise_the_risk() -> None:
    """The leak: a marker that does nothing, half of it recorded after a first report."""
    cohort = random_force(1500, 4, {"arrest": 0.0}, level=-1.0)
    rng = np.random.default_rng(4)
    first = cohort.incidents.groupby("person_id")["reported_on"].min()
    noticed = first[rng.random(len(first)) < 0.3] + pd.Timedelta(days=14)
    later = pd.DataFrame({"person_id": noticed.index, "known_from": noticed.to_numpy()})
    rows = pd.concat([cohort.markers, later.assign(marker="arrest")], ignore_index=True)
    leaky = replace(cohort, markers=rows)
    frame = frames.known_before(leaky)
    right = predictors.ever_missing(frame).row("arrest")
    admitted = frame.people["person_id"].isin(rows["person_id"]).astype(float)
    wrong = replace(frame, marks=frame.marks.assign(arrest=admitted))
    assert right["lower"] < 1 < right["upper"]
    assert predictors.ever_missing(wrong).row("arrest")["lower"] > 1.3
    with pytest.raises(frames.RecordedTooLate, match="arrest"):
        frames.with_record(frame, "arrest", rows)


def test_admitting_people_through_the_report_would_turn_the_sign() -> None:
    """Why the frame leaves them out: with them a marker that raises the risk looks protective."""
    cohort = random_force(1500, 3, {"arrest": 0.7}, level=-2.0)
    rng = np.random.default_rng(3)
    extra = {f"x{k}": {"known_first_by": "police:missing_report"} for k in range(400)}
    days = pd.Timestamp(START) + pd.to_timedelta(rng.uniform(1, 900, 400), unit="D")
    unknown = known_cohort(extra, zip(extra, days, strict=True))
    both = replace(
        cohort,
        persons=pd.concat([cohort.persons, unknown.persons], ignore_index=True),
        incidents=pd.concat([cohort.incidents, unknown.incidents], ignore_index=True),
    )
    right = predictors.ever_missing(frames.known_before(both)).row("arrest")
    admitted = both.persons.assign(known_first_by="health:appointment").convert_dtypes()
    wrong = predictors.ever_missing(frames.known_before(replace(both, persons=admitted)))
    assert right["lower"] > 1
    assert wrong.row("arrest")["upper"] < 1


def test_covariates_keep_sex_and_age_apart_from_markers_of_the_same_name() -> None:
    people = {"a": {"sex": "male"}, "b": {"sex": None}, "c": {}}
    cohort = known_cohort(people, (), [("a", "age", "2014-01-01", None)])
    table = frames.covariates(frames.known_before(cohort))
    assert list(table) == ["age_marker", "female", "sex_other", "age", "age_squared"]
    assert table[["female", "sex_other"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0]]
    assert table["age"].to_numpy() == pytest.approx([11 + 200 / 365.25 - 12] * 3)


# --- tables ----------------------------------------------------------------------------------


def hand_made() -> frames.Frame:
    """Of 10 with the marker 4 are ever missing, of 30 without it 3; one of these twice."""
    people = {f"p{k:02d}": {} for k in range(40)}
    missing = [*range(4), 10, 11, 12]
    incidents = [(f"p{k:02d}", f"2015-0{1 + k % 7}-10 12:00") for k in missing]
    incidents.append(("p12", "2016-03-01 12:00"))
    markers = [(f"p{k:02d}", "arrest", "2014-01-01", None) for k in range(10)]
    return frames.known_before(known_cohort(people, incidents, markers))


def test_shares_by_marker_by_hand() -> None:
    table = predictors.shares_by_marker(hand_made())
    assert table["recorded"].tolist() == ["yes", "no"]
    assert table[["people", "ever", "fewest"]].to_numpy().tolist() == [[10, 4, 4], [30, 3, 3]]
    assert table["share"].tolist() == [0.4, 0.1]
    assert (table["lower"][0], table["upper"][0]) == intervals.wilson(4, 10)


def test_a_finding_says_why_there_is_no_estimate() -> None:
    made = predictors.Answer("F1", "arrest", "arrest", 2.0, 1.5, 2.6, 0.01, 20, holds=True)
    assert "{ratio} times as high" in predictors.describe_answer(made, 40, True, 10)
    not_so = replace(made, holds=False)
    assert "not shown to be higher" in predictors.describe_answer(not_so, 40, True, 10)
    assert "{ratio}" not in predictors.describe_answer(made, 40, False, 10)
    assert predictors.describe_answer(made, 0, False, 10).startswith("Fewer than {enough}")
    unnamed = predictors.describe_answer(made, None, False, 10)
    assert unnamed.startswith("No marker of this force is called {name}")
    assert "page on the force file" in unnamed


def test_the_number_of_raising_markers_is_told_only_of_a_model_that_stands() -> None:
    assert "{problem}" in predictors.describe_answers(0, "too few people")
    assert predictors.describe_answers(0, "").startswith("None of the markers")
    assert "{raising}" in predictors.describe_answers(3, "")


def test_under_recording_by_hand() -> None:
    frame = hand_made()
    assert recording.if_under_recorded(frame, "arrest") == pytest.approx((4 / 6) / (3 / 27))
    twice = recording.if_under_recorded(frame, "arrest", of_others=0.5)
    assert twice == pytest.approx(4 * 21 / (12 * 3))
    assert np.isnan(recording.if_under_recorded(frame, "arrest", of_others=0.1))
    table = recording.under_recording(frame, (1.0, 0.5))
    assert table["marker"].tolist() == ["arrest"]
    columns = recording.under_recording_columns((1.0, 0.5))
    assert columns == ["100 %", "50 %"]
    assert table.loc[0, columns].tolist() == pytest.approx([6.0, twice])
    assert table["people"].tolist() == [3]


def test_within_follows_everybody_equally_long() -> None:
    people = {"a": {}, "b": {}, "short": {"observed_to": "2015-06-01"}, "c": {}}
    incidents = [("a", "2015-12-31 12:00"), ("a", "2016-01-02 12:00"), ("b", "2016-01-01 12:00")]
    cohort = known_cohort(people, incidents, [("c", "arrest", "2014-01-01", None)])
    year = frames.within(cohort, frames.known_before(cohort), 365)
    assert year.people["person_id"].tolist() == ["a", "b", "c"]
    assert year.people["incidents"].tolist() == [1, 0, 0]
    assert year.marks["arrest"].tolist() == [0, 0, 1]


def test_answers_say_what_holds_by_the_adjusted_p() -> None:
    truth = {"mental_health": 1.2, "self_harm": 0.0, "arrest": -1.0}
    fit = predictors.ever_missing(frames.known_before(random_force(1500, 5, truth)))
    given = pd.Series({"F1": 0.01, "F2": 0.2, "F3": np.nan, "F4": 0.03, "F5": np.nan})
    answers = {a.marker: a for a in predictors.answers(fit, given)}
    assert [a.finding for a in answers.values()] == ["F1", "F2", "F3", "F4", "F5"]
    assert answers["mental_health"].holds is True
    assert answers["self_harm"].holds is False
    assert answers["arrest"].holds is False
    assert answers["local_authority_care"].holds is None
    weak = predictors.answers(fit, given.replace(0.01, 0.06))
    assert weak[0].holds is False
    assert [a.p_holm for a in answers.values()] == pytest.approx(given.to_list(), nan_ok=True)
    table = predictors.family_table("all", fit, given)
    assert table["term"].tolist() == ["mental illness", "self-harm", "arrest"]
    assert table["p_holm"].tolist() == [0.01, 0.2, 0.03]
    margins = effects.average_effects(fit, list(truth))
    assert margins.loc[0, "effect"] > 0 > margins.loc[2, "effect"]


def test_connections_enter_by_doublings() -> None:
    cohort = random_force(800, 8)
    frame = frames.known_before(cohort)
    degree = network.connections(network.ties_before(cohort))
    further = sensitivity.further_terms(cohort, frame, ("connections",))
    row = predictors.ever_missing(frame, further).row("connections")
    number = frame.people["person_id"].map(degree).fillna(0)
    design = frames.covariates(frame).assign(connections=np.log(1 + number))
    natural = regression.logistic(frame.people["ever"], design).row("connections")
    assert row["coefficient"] == pytest.approx(natural["coefficient"] * np.log(2), rel=1e-6)


@pytest.mark.parametrize("name", ODD)
def test_odd_cohorts_give_nan_and_reasons_not_errors(name: str) -> None:
    cohort: Cohort = ODD[name]
    frame = frames.known_before(cohort)
    assert frame.steps["people"].sum() >= len(frame.people)
    fits = {
        "one": predictors.ever_missing(frame),
        "time": predictors.ever_missing_by_time_at_risk(frame),
        "number": predictors.number_of_incidents(frame),
        "again": predictors.missing_again(frame),
        "alone": predictors.one_marker_at_a_time(frame),
        "year": predictors.ever_missing(frames.within(cohort, frame)),
        "truncated": predictors.number_among_the_missing(frame),
    }
    table = predictors.compare(fits)
    assert not np.isinf(table[["estimate", "lower", "upper"]].to_numpy(float)).any()
    assert (table["upper"].isna() | (table["upper"] < 1e6)).all()
    forest(table)
    reasons = predictors.not_estimated(fits)
    unestimated = sum(int(f.terms["estimate"].isna().sum()) for f in fits.values())
    assert len(reasons) == unestimated
    primary = family.primary(cohort, frame, seed=1)
    assert len(predictors.answers(fits["one"], primary.p_holm)) == len(STUDY_MARKERS)
    effects.average_effects(fits["one"], frame.study_markers)
    predictors.family_table("all", fits["one"], primary.p_holm)
    recording.under_recording(frame, (1.0, 0.5))
    assert len(predictors.shares_by_marker(frame)) == 2 * frame.marks.shape[1]
    assert set(missing_values.incomplete(frame)["any"]) <= set(frame.people["person_id"])


def test_a_forest_has_one_mark_for_each_estimate() -> None:
    table = pd.DataFrame(
        {
            "model": ["x", "x", "y", "y"],
            "term": ["arrest", "care", "arrest", "care"],
            "estimate": [1.5, 2.0, np.nan, 3.0],
            "lower": [1.1, 1.5, np.nan, 0.01],
            "upper": [2.0, 2.5, np.nan, 900.0],
        }
    )
    figure = forest(table[:2], table[2:], label="Odds ratio", band=(0.8, 1.25))
    ax = figure.axes[0]
    marks = sum(len(c.lines[0].get_xdata()) for c in ax.containers)
    assert marks == 3
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Arrest", "Care"]
    assert "not shown" in [t.get_text() for t in ax.texts]
    assert ax.get_xlim()[0] > 0.03
    assert ax.get_xlim()[1] < 30
