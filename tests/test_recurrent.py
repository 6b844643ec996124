"""Recurrent-event models: against R on rows that R expanded, and on worlds of known truth."""

from __future__ import annotations

import string
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from missing_lib.force.tables import conform, empty
from missing_lib.study import (
    asked,
    dependence,
    how_soon,
    mean_numbers,
    recurrent,
    repeats,
    time_varying,
)
from missing_lib.study import frame as frames
from missing_lib.study.cohort import Cohort, arranged
from missing_lib.study.counting import CountingRows, follow, rows_at_risk
from missing_lib.study.cox import fit_cox
from missing_lib.study.regression import Fit
from missing_lib.study.survival import mean_cumulative
from tests.made_cohorts import make_cohort, random_cohort
from tests.reference_cases import FOLDER, case

#: R holds the times of cuts as doubles, here they are whole milliseconds.
R_TOLERANCE = 1e-7
BLADDER = ["rx", "size", "number"]
BOUNDS = (14.0, 28.0)


# --- held against R ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made() -> tuple[Cohort, dict]:
    """The made cohort of the case, as the library reads it, and what R found."""
    incidents, expected, _ = case("recurrent_made")
    persons = pd.read_csv(FOLDER / "recurrent_made" / "people.csv")
    markers = pd.read_csv(FOLDER / "recurrent_made" / "markers.csv")
    rows = conform(incidents, "incidents")
    local = rows["reported_at"].dt.tz_convert("Europe/London").dt.tz_localize(None)
    described = arranged(rows.assign(reported_on=local.dt.normalize()))
    cohort = replace(
        random_cohort(2, seed=1),
        population="all",
        incidents=described,
        persons=conform(persons, "persons"),
        markers=conform(markers, "markers"),
    )
    return cohort, expected


def terms_of(cohort: Cohort, wash_out: int = 0) -> tuple[CountingRows, pd.DataFrame]:
    followed = follow(cohort, wash_out=wash_out)
    quantities = {
        "era": time_varying.era(followed),
        "age": time_varying.completed_years(cohort, followed),
        "mental_health": time_varying.recorded(cohort, followed, "mental_health"),
    }
    rows = rows_at_risk(followed, quantities, after_return=BOUNDS)
    history = time_varying.own_history(rows, BOUNDS)
    adjusting = time_varying.sex_and_age(cohort, rows)[["female", "age"]]
    return rows, pd.concat([history, rows.values[["mental_health"]], adjusting], axis=1)


def agrees(fit: Fit, expected: dict) -> None:
    assert not fit.problem
    np.testing.assert_allclose(
        fit.terms["coefficient"], list(expected["coef"].values()), rtol=R_TOLERANCE
    )
    np.testing.assert_allclose(
        fit.terms["se"], list(expected["se_robust"].values()), rtol=R_TOLERANCE
    )


def test_rows_are_as_many_and_as_long_as_those_of_r(made: tuple[Cohort, dict]) -> None:
    cohort, expected = made
    rows, _ = terms_of(cohort)
    assert len(rows.start) == expected["rows"]
    assert (rows.stop - rows.start).sum() == pytest.approx(expected["days"], abs=1e-3)
    assert int(rows.event.sum()) == expected["ag"]["nevent"]


def test_andersen_gill_is_that_of_r(made: tuple[Cohort, dict]) -> None:
    cohort, expected = made
    rows, terms = terms_of(cohort)
    agrees(recurrent.andersen_gill(rows, terms), expected["ag"])
    drift = recurrent.change_with_time(rows, terms)
    np.testing.assert_allclose(
        drift["chi_squared"], list(expected["zph"]["chisq"].values()), rtol=1e-6
    )


@pytest.mark.parametrize("clock", ["tt", "gt"])
def test_pwp_after_a_wash_out_is_that_of_r(clock: str, made: tuple[Cohort, dict]) -> None:
    cohort, expected = made
    rows, terms = terms_of(cohort, wash_out=365)
    assert len(rows.followed.people) == expected["people_after_wash_out"]
    if clock == "tt":
        fit = recurrent.pwp_total_time(rows, terms.drop(columns=time_varying.EARLIER))
    else:
        fit = recurrent.pwp_gap_time(rows, terms[["mental_health", "female", "age"]])
    agrees(fit, expected[f"pwp_{clock}"])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_effects_by_event_and_their_common_effect_are_those_of_r(ties: str) -> None:
    data, expected, _ = case("wlw_bladder")
    want = expected[ties]
    design = recurrent.by_event(data[BLADDER], data["enum"])
    fit = fit_cox(
        data["stop"], data["event"], design, strata=data["enum"], cluster=data["id"], ties=ties
    )
    named = {f"strata(enum)enum={k}:{name}": f"{name}_{k}" for name in BLADDER for k in range(1, 5)}
    close = {"rtol": 1e-8}
    ours = pd.Series(fit.coefficients, index=list(fit.terms))
    robust = pd.Series(fit.standard_errors, index=list(fit.terms))
    for r_name, name in named.items():
        assert ours[name] == pytest.approx(want["coef"][r_name], rel=1e-8)
        assert robust[name] == pytest.approx(want["se_robust"][r_name], rel=1e-8)
    model = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(sorted(model), sorted(want["se_model"].values()), **close)
    np.testing.assert_allclose(
        [fit.log_likelihood_null, fit.log_likelihood], want["loglik"], **close
    )
    place = [fit.terms.index(f"rx_{k}") for k in range(1, 5)]
    assert fit.robust is not None
    treated = fit.robust[np.ix_(place, place)]
    np.testing.assert_allclose(treated, want["rx_robust_vcov"], **close)
    effect, se, wald = recurrent.common_effect(fit.coefficients[place], treated)
    assert effect == pytest.approx(want["optimal_common_rx"], rel=1e-8)
    assert se == pytest.approx(want["se_common_rx"], rel=1e-8)
    assert wald == pytest.approx(want["wald4df"], rel=1e-8)


def test_a_common_effect_takes_the_weights_of_least_variance() -> None:
    covariance = np.array([[1.0, 0.3], [0.3, 0.5]])
    effect, se, _ = recurrent.common_effect([1.0, 2.0], covariance)
    weights = np.linspace(-1, 2, 3001)
    variances = [np.array([w, 1 - w]) @ covariance @ [w, 1 - w] for w in weights]
    best = weights[int(np.argmin(variances))]
    assert se**2 == pytest.approx(min(variances), rel=1e-6)
    assert effect == pytest.approx(best * 1.0 + (1 - best) * 2.0, abs=1e-3)


# --- worlds of known truth ---------------------------------------------------------------------


def world(
    seed: int, *, people: int = 700, variance: float, after: float, marker: float = 0.0
) -> Cohort:
    """Constant rates with a gamma factor, raised for 14 days after a return; by thinning.

    ``marker`` is the log ratio of self-harm, recorded for a third of the people on some day.
    """
    rng = np.random.default_rng(seed)
    factor = rng.gamma(1 / variance, variance, people) if variance else np.ones(people)
    recorded = np.where(rng.random(people) < 1 / 3, rng.uniform(-100, 900, people), np.inf)
    rows, hours = [], []
    for who in range(people):
        t, back = 0.0, -np.inf
        top = 0.0012 * factor[who] * np.exp(after + abs(marker))
        while (t := t + rng.exponential(1 / top)) < 1090:
            on = t > np.floor(recorded[who]) + 28
            rate = 0.0012 * factor[who] * np.exp(after * (t - back < 14) + marker * on)
            if rng.random() < rate / top:
                rows.append((f"p{who:04d}", pd.Timestamp("2015-01-01") + pd.Timedelta(days=t)))
                hours.append(12.0)
                t = back = t + 0.5
    cohort = make_cohort(rows, hours=hours)
    days = rng.integers(-900, 900, people)
    everybody = conform(
        pd.DataFrame(
            {
                "person_id": [f"p{who:04d}" for who in range(people)],
                "birth_date": pd.Timestamp("2003-06-15") + pd.to_timedelta(days, unit="D"),
                "sex": np.where(rng.random(people) < 0.5, "female", "male"),
                "known_first_by": "social_care:assessment",
            }
        ),
        "persons",
    )
    known = np.flatnonzero(np.isfinite(recorded))
    start = pd.Timestamp("2015-01-01")
    on = start + pd.to_timedelta(np.floor(recorded[known]), unit="D")
    marks = pd.DataFrame(
        {"person_id": everybody["person_id"].to_numpy()[known], "marker": "self_harm",
         "known_from": on}
    )  # fmt: skip
    return replace(cohort, persons=everybody, markers=conform(marks, "markers"))


def own_terms(cohort: Cohort) -> tuple[CountingRows, pd.DataFrame]:
    followed = follow(cohort)
    quantities = {
        "era": time_varying.era(followed),
        "self_harm": time_varying.recorded(cohort, followed, "self_harm"),
    }
    rows = rows_at_risk(followed, quantities, after_return=(14.0,))
    return rows, pd.concat(
        [time_varying.own_history(rows, (14.0,)), rows.values[["self_harm"]]], axis=1
    )


#: Standard errors within which a mean over replicates of a world must lie.
NEAR = 3.5
RECENT = time_varying.returned_within(0, 14)


def mean_and_error(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def test_andersen_gill_finds_the_truth_where_people_are_alike() -> None:
    found = []
    for seed in range(6):
        rows, terms = own_terms(world(seed, variance=0.0, after=np.log(4), marker=0.7))
        fit = recurrent.andersen_gill(rows, terms)
        found.append([fit.row(name)["coefficient"] for name in (RECENT, "self_harm")])
    for values, truth in zip(np.transpose(found), (np.log(4), 0.7), strict=True):
        mean, error = mean_and_error(list(values))
        assert abs(mean - truth) < NEAR * error
        assert error < 0.1


def test_differences_alone_look_like_history_until_frailty_takes_them_out() -> None:
    number, marginal, given, variance = [], [], [], []
    for seed in range(4):
        rows, terms = own_terms(world(seed, people=500, variance=1.5, after=0.0))
        number.append(recurrent.andersen_gill(rows, terms).row(time_varying.EARLIER)["lower"])
        recent = terms.drop(columns=time_varying.EARLIER)
        marginal.append(recurrent.andersen_gill(rows, recent).row(RECENT)["lower"])
        model = recurrent.given_frailty(rows, recent)
        given.append(model.fit.row(RECENT)["coefficient"])
        variance.append(model.variance)
        assert model.p < 0.001
    assert min(number) > 1
    assert min(marginal) > 1
    mean, error = mean_and_error(given)
    assert abs(mean) < NEAR * error
    mean, error = mean_and_error(variance)
    assert abs(mean - 1.5) < NEAR * error


def test_the_number_of_earlier_incidents_stands_for_a_frailty_of_variance_one() -> None:
    """Why no model has both: 1/theta + n is then what a doubling of 1 + n multiplies."""
    rows, terms = own_terms(world(5, people=1500, variance=1.0, after=0.0))
    model = recurrent.given_frailty(rows, terms[[time_varying.EARLIER, "self_harm"]])
    number = recurrent.andersen_gill(rows, terms[[time_varying.EARLIER, "self_harm"]])
    assert abs(number.row(time_varying.EARLIER)["coefficient"] - np.log(2)) < 0.15
    assert model.lower == 0
    assert recurrent.given_frailty(rows, terms[["self_harm"]]).lower > 0.7


def test_a_rate_raised_after_a_return_stays_when_people_differ() -> None:
    found = []
    for seed in range(4):
        rows, terms = own_terms(world(seed, people=400, variance=1.0, after=np.log(5)))
        model = recurrent.given_frailty(rows, terms.drop(columns=time_varying.EARLIER))
        found.append(model.fit.row(RECENT)["coefficient"])
    mean, error = mean_and_error(found)
    assert abs(mean - np.log(5)) < NEAR * error


def test_only_people_with_an_incident_need_the_truncated_likelihood() -> None:
    cohort = world(11, people=1200, variance=1.0, after=0.0, marker=0.7)
    rows, terms = own_terms(cohort)
    has = np.bincount(rows.person, rows.event) > 0
    mine = has[rows.person]
    some, term = rows.only(mine), terms.loc[mine, ["self_harm"]].reset_index(drop=True)
    right = recurrent.given_frailty(some, term, truncated=True)
    wrong = recurrent.given_frailty(some, term)
    assert (
        abs(right.fit.row("self_harm")["coefficient"] - 0.7) < 2 * right.fit.row("self_harm")["se"]
    )
    assert right.lower < 1.0 < right.upper
    assert not wrong.lower < 1.0 < wrong.upper


# --- what rests on too little ------------------------------------------------------------------


def test_guards_count_people_and_not_rows() -> None:
    rows, _ = own_terms(world(2, people=300, variance=0.0, after=0.0))
    having = rows.followed.people[np.unique(rows.person[rows.event])]
    few = pd.DataFrame({"few": np.isin(rows.followed.people[rows.person], having[:3]) * 1.0})
    fit = recurrent.andersen_gill(rows, few)
    assert int(fit.row("few")["people"]) == 3
    assert int(fit.row("few")["events"]) == 3
    assert fit.people == 300
    assert fit.events == len(having)


def test_people_are_counted_on_both_sides_of_a_term_that_changes() -> None:
    rows, terms = own_terms(world(2, people=300, variance=0.0, after=np.log(8)))
    told = recurrent.andersen_gill(rows, terms).row(RECENT)
    recent = terms[RECENT].to_numpy() == 1
    assert told["people"] == np.unique(rows.person[recent]).size
    assert told["events"] == np.unique(rows.person[recent & rows.event]).size


SPOILED = {
    "constant": (lambda rows: np.ones(len(rows.start)), "the same for everybody"),
    "nobody": (
        lambda rows: (
            (rows.person == rows.person[~rows.event][-1]) & ~rows.event & (rows.order == 0)
        ),
        "nobody with it has the outcome",
    ),
    "twin": (lambda rows: rows.values["self_harm"], "cannot be told apart from self harm"),
    "calendar": (lambda rows: rows.values["era"], "the same for everybody at risk at an event"),
}


@pytest.mark.parametrize("name", SPOILED)
@pytest.mark.parametrize("model", ["andersen_gill", "pwp_total_time", "frailty"])
def test_a_term_that_cannot_be_had_is_named_and_the_rest_stands(name: str, model: str) -> None:
    make, reason = SPOILED[name]
    rows, terms = own_terms(world(4, people=300, variance=0.0, after=0.0))
    terms = terms[["self_harm"]].assign(spoiled=np.asarray(make(rows), float))
    if model == "frailty":
        fit = recurrent.given_frailty(rows, terms).fit
    else:
        fit = getattr(recurrent, model)(rows, terms)
    assert fit.row("spoiled")["reason"] == reason
    assert np.isnan(fit.row("spoiled")["estimate"])
    assert np.isfinite(fit.row("self_harm")["estimate"])


def test_incidents_of_few_people_are_refused_however_many_they_are() -> None:
    rows = [
        (f"p{k % 4}", f"2015-{1 + k % 12:02d}-{1 + k % 28:02d} 12:{k % 60:02d}") for k in range(200)
    ]
    followed = follow(make_cohort(rows, others=50))
    made_rows = rows_at_risk(followed, {"era": time_varying.era(followed)})
    terms = pd.DataFrame({"odd": made_rows.person % 2.0})
    for fit in (
        recurrent.andersen_gill(made_rows, terms),
        recurrent.pwp_gap_time(made_rows, terms),
        recurrent.given_frailty(made_rows, terms).fit,
    ):
        assert fit.problem == "too few people with the outcome, or without it"
        assert fit.terms["estimate"].isna().all()
        assert (fit.terms["reason"] == fit.problem).all()
    assert recurrent.change_with_time(made_rows, terms).empty


def test_incidents_at_one_time_cannot_tell_a_drift() -> None:
    times = [(f"p{k}", "2015-05-05 12:00") for k in range(40)]
    followed = follow(make_cohort(times, others=40))
    made_rows = rows_at_risk(followed, {"era": time_varying.era(followed)})
    terms = pd.DataFrame({"odd": made_rows.person % 2.0})
    assert not recurrent.andersen_gill(made_rows, terms).problem
    assert recurrent.change_with_time(made_rows, terms).empty


def test_too_few_people_for_robust_errors_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guards of people stop this earlier, unless they are loosened."""
    monkeypatch.setattr(asked, "too_few", lambda *of, **more: "")
    rows = [(f"p{k % 2}", f"2015-{1 + k % 12:02d}-{1 + k % 28:02d} 12:00") for k in range(60)]
    followed = follow(make_cohort(rows))
    made_rows = rows_at_risk(followed, {"era": time_varying.era(followed)})
    rng = np.random.default_rng(1)
    terms = pd.DataFrame(rng.normal(size=(len(made_rows.person), 3)), columns=list("abc"))
    fit = recurrent.andersen_gill(made_rows, terms)
    assert fit.problem == "robust errors of 3 terms need more than 2 clusters"
    assert fit.terms["estimate"].isna().all()


def test_rows_with_a_missing_value_are_left_out_of_every_model() -> None:
    rows, terms = own_terms(world(2, people=300, variance=0.0, after=0.0))
    lacking = rows.person % 3 == 0
    spoiled = terms.mask(pd.Series(lacking), axis=0)
    fit = recurrent.andersen_gill(rows, spoiled)
    other = recurrent.andersen_gill(rows.only(~lacking), terms[~lacking].reset_index(drop=True))
    pd.testing.assert_frame_equal(fit.terms, other.terms)
    assert fit.people == 200


# --- the sections of the chapters --------------------------------------------------------------


@pytest.fixture(scope="module")
def clustered() -> dependence.Dependence:
    cohort = world(7, people=500, variance=1.0, after=np.log(6))
    frame = frames.known_before(cohort)
    return dependence.fit_dependence(cohort, frame, BOUNDS, compared=True)


def test_marginal_and_frailty_models_stand_apart(clustered: dependence.Dependence) -> None:
    assert list(clustered.marginal) == [
        dependence.ANDERSEN_GILL, dependence.WITH_NUMBER, dependence.PWP_TOTAL, dependence.PWP_GAP,
    ]  # fmt: skip
    assert list(clustered.frailty) == [dependence.WITHOUT, dependence.WITH]
    assert not dependence.not_fitted(clustered.marginal)
    table = dependence.frailty_table(clustered.frailty).set_index("model")
    assert table.loc[dependence.WITHOUT, "variance"] > table.loc[dependence.WITH, "variance"]
    told = dependence.ratios(clustered)
    assert told["recent"]["estimate"] > told["recent_own"]["estimate"]
    assert told["recent_own"]["lower"] > 1
    assert all(
        time_varying.EARLIER not in set(m.fit.terms["term"]) for m in clustered.frailty.values()
    )


def test_gap_time_has_no_term_for_its_own_clock(clustered: dependence.Dependence) -> None:
    named = set(clustered.marginal[dependence.PWP_GAP].terms["term"])
    assert not named & {time_varying.EARLIER, RECENT}


def test_the_untruncated_model_is_never_fitted_to_people_with_an_incident_alone() -> None:
    cohort = world(7, people=400, variance=1.0, after=np.log(6))
    found = dependence.fit_dependence(cohort, frames.known_before(cohort), BOUNDS, compared=False)
    assert list(found.frailty) == [dependence.WITHOUT]
    assert set(found.frailty[dependence.WITHOUT].fit.terms["term"]) == {
        "female", "sex_other", "age", "age_squared",
    }  # fmt: skip
    assert len(found.people) == len(found.having) == cohort.incidents["person_id"].nunique()
    assert "is not fitted" in dependence.describe_fall(found)
    # Marginal models begin after the first incident, so nobody without a second has an event.
    again = cohort.counts[cohort.counts > 1]
    assert found.marginal[dependence.ANDERSEN_GILL].events == len(again)


def told_of(
    low: float, high: float, p: float = 1e-9, variance: float = 2.0
) -> dependence.Dependence:
    terms = pd.DataFrame(
        {"term": [RECENT], "estimate": [(low * high) ** 0.5], "lower": [low], "upper": [high]}
    )
    fit = Fit("hazard ratio", terms, people=100, events=50)
    model = recurrent.FrailtyModel(fit, variance, 1.0, 3.0, p)
    nobody = np.array([], object)
    return dependence.Dependence(
        {dependence.ANDERSEN_GILL: fit},
        {dependence.WITHOUT: model, dependence.WITH: model},
        pd.DataFrame({"p": [0.5]}), nobody, nobody, RECENT, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (1.1, 1.3, "do not explain why"),
        (0.7, 0.9, "days of lower risk"),
        (0.9, 1.1, "may be all there is"),
        (np.nan, np.nan, "cannot be told apart"),
    ],
)
def test_what_is_left_of_a_recent_return_is_said_in_words(
    low: float, high: float, says: str
) -> None:
    text = dependence.describe_fall(told_of(low, high))
    assert says in text
    assert not any(c in string.digits for c in text)


@pytest.mark.parametrize(
    ("p", "variance", "says"),
    [
        (1e-9, 2.0, "below one in a thousand). So {people} differ, or"),
        (0.01, 2.0, "= {p}). So {people} differ, or"),
        (0.4, 0.1, "within what chance gives"),
        (1.0, 0.0, "do not differ"),
    ],
)
def test_how_people_differ_is_said_in_words(p: float, variance: float, says: str) -> None:
    found = told_of(0.9, 1.1, p, variance)
    assert says in dependence.describe_differences(found)


def test_a_variance_without_an_upper_bound_is_said_and_printed_as_none() -> None:
    found = told_of(0.9, 1.1, 0.01, 2.0)
    model = found.frailty[dependence.WITHOUT]
    assert dependence.printed_interval(model) == (model.lower, model.upper)
    endless = replace(model, upper=np.inf)
    found = replace(found, frailty=found.frailty | {dependence.WITHOUT: endless})
    said = dependence.describe_differences(found)
    assert "these data set it no upper bound" in said
    assert "{interval}" not in said
    assert dependence.printed_interval(endless) is None
    table = dependence.frailty_table({"one": model, "other": endless})
    assert table["upper"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("p", "says"), [([0.2, 0.3], "no change"), ([0.2, 0.01], "= {p}: some do"),
                    ([0.2, 1e-6], "one in a thousand: some do"), ([], "could not be tested")],
)  # fmt: skip
def test_a_drift_of_ratios_is_said_in_words(p: list, says: str) -> None:
    assert says in dependence.describe_drift(pd.DataFrame({"p": p}))


ODD = {
    "nobody": lambda: make_cohort([]),
    "one person": lambda: make_cohort([("a", "2015-05-05 12:00")]),
    "nobody again": lambda: make_cohort(
        [(f"p{k}", "2015-05-05 12:00") for k in range(30)], others=30
    ),
    "nobody else": lambda: random_cohort(30, seed=2),
}


@pytest.mark.parametrize("compared", [True, False])
@pytest.mark.parametrize("name", ODD)
def test_odd_cohorts_give_reasons_and_no_errors(name: str, compared: bool) -> None:
    cohort = replace(ODD[name](), markers=empty("markers"))
    persons = cohort.persons.assign(known_first_by="social_care:assessment")
    cohort = replace(cohort, persons=conform(persons, "persons"))
    frame = frames.known_before(cohort)
    found = dependence.fit_dependence(cohort, frame, BOUNDS, compared=compared)
    for text in (
        dependence.describe_differences(found),
        dependence.describe_fall(found),
        dependence.describe_drift(found.drift),
        dependence.describe_followed(found),
    ):
        assert text
    for fit in found.marginal.values():
        assert fit.problem or fit.terms["estimate"].notna().any()
    assert isinstance(how_soon.rates_by_marker(cohort, frame)[how_soon.AT_LANDMARK], Fit)


def test_the_three_readings_of_a_marker_part_where_incidents_bring_records() -> None:
    cohort = world(3, people=900, variance=1.0, after=0.0)
    first = cohort.incidents[cohort.incidents["order"] == 1]
    brought = first[["person_id"]].assign(
        marker="arrest", known_from=first["reported_on"] + pd.Timedelta(days=5)
    )
    others = cohort.persons["person_id"].iloc[::5]
    history = pd.DataFrame(
        {"person_id": others, "marker": "arrest", "known_from": pd.Timestamp("2014-01-01")}
    )
    both = pd.concat([brought, history], ignore_index=True)
    cohort = replace(cohort, markers=conform(both, "markers"))
    fits = how_soon.rates_by_marker(cohort, frames.known_before(cohort))
    ratio = {name: fit.row("arrest") for name, fit in fits.items()}
    assert ratio[how_soon.AS_RECORDED]["lower"] > 1.5
    assert ratio[how_soon.AT_LANDMARK]["lower"] < 1.0 < ratio[how_soon.AT_LANDMARK]["upper"]
    pd.testing.assert_series_equal(
        ratio[how_soon.BEFORE_FIRST], ratio[how_soon.AT_LANDMARK], rtol=1e-9
    )


def test_mean_numbers_by_group_are_those_of_each_group_alone() -> None:
    cohort = random_cohort(60, seed=8)
    events, windows = repeats.clock_since_first(cohort)
    groups = mean_numbers.first_described(cohort)
    levels = mean_numbers.levels(cohort)
    table = mean_numbers.mean_by_group(events, windows, groups, levels, repeats.MEAN_AT)
    assert list(table["group"].drop_duplicates()) == [v for book in levels.values() for v in book]
    some = groups.loc[groups["age"] == "aged 12 to 13", "person_id"]
    mine, theirs = (t[t["person_id"].isin(some)] for t in (events, windows))
    alone = mean_cumulative(
        mine["days_since_first"], mine["person_id"], theirs.set_index("person_id")["days"],
        at=repeats.MEAN_AT,
    )  # fmt: skip
    got = table[table["group"] == "aged 12 to 13"]
    np.testing.assert_allclose(got["mean"], alone["mean"])
    assert (
        table[table["group"] == "other"]["mean"].isna().all()
        or (table[table["group"] == "other"]["people"] == 0).all()
    )
