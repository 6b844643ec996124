"""Other ways of asking about the markers: held against asking by hand, and against simulations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit
from scipy.stats import norm

from missing_lib.figures import predictors as figures
from missing_lib.force.tables import conform
from missing_lib.study import (
    contrasts,
    detection,
    effects,
    influence,
    missing_values,
    network,
    predictors,
    regression,
    sensitivity,
)
from missing_lib.study import frame as frames
from missing_lib.study.cohort import ERA_CHANGE, Cohort
from missing_lib.study.frame import Frame
from missing_lib.study.sensitivity import PRIMARY, Specification
from tests.made_networks import known_cohort, made_frame, odd_cohorts, random_force

pytestmark = pytest.mark.filterwarnings("error")

DELTA = 1e-4  # derivatives of the brute-force delta method are one-sided differences
ODD = odd_cohorts()


@pytest.fixture(scope="module")
def force() -> Cohort:
    """A force with two eras, a lowest category, ties of placements, events and ethnicities."""
    cohort = random_force(900, 21, {"mental_health": 0.8, "arrest": 0.5}, level=-0.6)
    rng = np.random.default_rng(21)
    persons, rows = cohort.persons.copy(), cohort.incidents.copy()
    levels = ["white", "asian", "not_stated", None]
    persons["ethnicity_self"] = pd.Categorical(
        rng.choice(np.array(levels, dtype=object), len(persons), p=[0.6, 0.2, 0.1, 0.1]),
        categories=persons["ethnicity_self"].cat.categories,
        ordered=True,
    )
    rows["category"] = pd.Categorical(
        np.where(rng.random(len(rows)) < 0.2, "no_apparent_risk", "missing"),
        categories=rows["category"].cat.categories,
        ordered=True,
    )
    homes = cohort.ties.sample(frac=0.2, random_state=1).index
    ties = cohort.ties.copy()
    ties.loc[homes, "tie_type"] = "same_placement"
    who = rng.choice(persons["person_id"], 700)
    when = pd.Timestamp("2013-06-01", tz="UTC") + pd.to_timedelta(rng.uniform(0, 900, 700), "D")
    kinds = rng.choice(["arrest", "violence_victim"], 700)
    events = pd.DataFrame({"person_id": who, "event_type": kinds, "occurred_at": when})
    return replace(
        cohort, persons=persons, incidents=rows, ties=ties, events=conform(events, "events")
    )


# --- windows ---------------------------------------------------------------------------------


def test_between_counts_the_days_and_incidents_of_a_part_of_the_study() -> None:
    people = {"a": {}, "b": {"observed_to": "2016-02-10"}, "c": {"observed_to": "2015-12-31"}}
    incidents = [("a", "2015-12-31 12:00"), ("a", "2016-01-01 12:00"), ("a", "2016-12-31 12:00"),
                 ("a", "2017-01-01 12:00"), ("b", "2016-02-10 12:00")]  # fmt: skip
    cohort = known_cohort(people, incidents, [("b", "arrest", "2014-01-01", None)])
    frame = frames.known_before(cohort)
    day = pd.Timestamp
    year = frames.between(cohort, frame, day("2016-01-01"), day("2016-12-31"))
    assert year.people["person_id"].tolist() == ["a", "b"]
    assert year.people["days"].tolist() == [366, 41]
    assert year.people["incidents"].tolist() == [2, 1]
    assert year.marks["arrest"].tolist() == [0, 1]
    whole = frames.between(cohort, frame, cohort.start, cohort.end)
    pd.testing.assert_frame_equal(whole.people, frame.people, check_dtype=False)
    parts = [
        frames.between(cohort, frame, cohort.start, ERA_CHANGE - pd.Timedelta(days=1)),
        frames.between(cohort, frame, ERA_CHANGE, cohort.end),
    ]
    assert sum(p.people["days"].sum() for p in parts) == frame.people["days"].sum()
    assert sum(p.people["incidents"].sum() for p in parts) == frame.people["incidents"].sum()


# --- the grid --------------------------------------------------------------------------------


def test_the_grid_crosses_every_choice_and_begins_with_the_primary_model(force: Cohort) -> None:
    grid = sensitivity.specifications(force)
    assert grid[0] == PRIMARY
    assert len(grid) == len(set(grid)) == 5 * 2 * 2 * 3
    assert len({one.words for one in grid}) == len(grid)
    without = replace(force, ties=force.ties.iloc[:0])
    assert {one.given for one in sensitivity.specifications(without)} == {"", "all on record"}
    early = replace(force, end=ERA_CHANGE - pd.Timedelta(days=1))
    assert not [one for one in sensitivity.specifications(early) if "era" in one.outcome]
    plain = replace(force, incidents=force.incidents.assign(category="missing"))
    assert all(one.low_risk for one in sensitivity.specifications(plain))


def test_one_change_at_a_time_is_one_change(force: Cohort) -> None:
    changed = sensitivity.one_change(force)
    for one in changed:
        differs = [getattr(one, n) != getattr(PRIMARY, n) for n in one.__dataclass_fields__]
        assert sum(differs) == 1
        assert one.change
    assert PRIMARY.change == ""
    quiet = replace(force, events=force.events.iloc[:0], ties=force.ties.iloc[:0])
    assert not [one for one in sensitivity.one_change(quiet) if one.given]


def by_hand(force: Cohort, one: Specification) -> regression.Fit:
    """The model of a specification, put together here."""
    if not one.low_risk:
        rows = force.incidents[force.incidents["category"] == "missing"]
        force = replace(force, incidents=rows)
    frame = frames.known_before(force, one.in_force)
    if one.outcome == "year":
        frame = frames.within(force, frame, 365)
    if one.outcome == "second era":
        frame = frames.between(force, frame, pd.Timestamp("2017-01-01"), force.end)
    design = frames.covariates(frame)
    who = frame.people["person_id"]
    if one.given:
        degree = network.connections(network.ties_before(force))
        design["connections"] = np.log2(1 + who.map(degree).fillna(0)).astype(float)
    if one.given == "all on record":
        home = force.ties[force.ties["tie_type"] == "same_placement"]
        sharers = set(home["person_a"]) | set(home["person_b"])
        design["shared_placement"] = who.isin(sharers).astype(float)
        design["contacts"] = np.log2(1 + who.map(detection.police_contacts(force)).fillna(0))
        stated = who.map(force.persons.set_index("person_id")["ethnicity_self"].astype(object))
        unknown = stated.isna() | (stated == "not_stated")
        design["ethnicity_unknown"] = unknown.astype(float)
        design["ethnicity_other"] = (~unknown & (stated != "white")).astype(float)
    if one.outcome in ("ever", "year"):
        return regression.logistic(frame.people["ever"], design)
    return regression.complementary_log_log(frame.people["ever"], design, frame.people["days"])


@pytest.mark.parametrize(
    "one",
    [
        PRIMARY,
        Specification("year", low_risk=False),
        Specification("rate", in_force=True, given="connections"),
        Specification("second era", low_risk=False, given="all on record"),
        Specification("ever", given="all on record"),
    ],
)
def test_a_specification_is_the_model_that_it_says(force: Cohort, one: Specification) -> None:
    fit, want = sensitivity.fits_of(force, [one])[one], by_hand(force, one)
    assert fit.problem == want.problem == ""
    for marker in ("mental_health", "arrest"):
        assert fit.row(marker)["coefficient"] == pytest.approx(
            want.row(marker)["coefficient"], rel=1e-7
        )
        assert fit.row(marker)["people"] == want.row(marker)["people"]


def test_the_curve_holds_every_marker_under_every_specification(force: Cohort) -> None:
    curve = sensitivity.curve(force, ["mental_health", "arrest"])
    assert len(curve) == 2 * len(sensitivity.specifications(force))
    primary = curve[curve["model"] == PRIMARY.words].set_index("term")["estimate"]
    fit = predictors.ever_missing(frames.known_before(force))
    assert primary["arrest"] == fit.row("arrest")["estimate"]
    told = sensitivity.spread(curve).set_index("term")
    mine = curve[curve["term"] == "arrest"].dropna(subset=["estimate"])
    assert told.loc["arrest", "specifications"] == len(mine)
    assert told.loc["arrest", "clear"] == (mine["lower"] > 1).sum()
    assert told.loc["arrest", "above"] == (mine["estimate"] > 1).sum()
    assert told.loc["arrest", "highest"] == mine["estimate"].max()
    assert mine["estimate"].isin([told.loc["arrest", "middle"]]).any()
    figure = figures.specification_curve(curve, PRIMARY.words)
    assert len(figure.axes) == 2
    dots = figure.axes[0].collections[1].get_offsets()
    assert len(dots) == curve["term"].eq("mental illness").sum()
    assert (np.diff(dots[:, 1]) >= 0).all()


def test_events_before_the_landmark_count_once_they_are_no_marker() -> None:
    events = [
        ("a", "arrest", "2014-01-01"),
        ("a", "arrest", "2014-02-01"),
        ("b", "arrest", "2014-02-01"),
        ("b", "violence_victim", "2014-02-01"),
        ("c", "violence_victim", "2015-01-01"),
        ("d", "arrest", "2014-12-31"),
    ]
    table = pd.DataFrame(events, columns=["person_id", "event_type", "occurred_at"])
    table["occurred_at"] += " 23:59"
    cohort = known_cohort({n: {} for n in "abcd"}, (), [("a", "arrest", "2014-01-01", None)])
    cohort = replace(cohort, events=conform(table, "events"))
    assert detection.police_contacts(cohort).to_dict() == {"a": 1, "b": 1}
    unmarked = replace(cohort, markers=cohort.markers.iloc[:0])
    assert detection.police_contacts(unmarked).to_dict() == {"a": 2, "b": 2, "d": 1}
    nothing = replace(cohort, events=cohort.events.iloc[:0])
    assert detection.police_contacts(nothing).empty


def test_allowing_for_contacts_takes_detection_out_of_a_marker() -> None:
    """A marker that does nothing but is held by those who are watched, and so reported."""
    rng = np.random.default_rng(8)
    n = 2500
    watched = rng.poisson(1.0, n)
    has = rng.random(n) < expit(-1.5 + 0.9 * np.log2(1 + watched))
    ever = rng.random(n) < expit(-2.0 + 0.8 * np.log2(1 + watched))
    names = [f"p{k:04d}" for k in range(n)]
    cohort = known_cohort(
        {name: {"birth_date": f"200{k % 5}-06-15"} for k, name in enumerate(names)},
        [(names[k], "2015-06-01 12:00") for k in np.flatnonzero(ever)],
        [(names[k], "mental_health", "2014-01-01", None) for k in np.flatnonzero(has)],
    )
    times = pd.DataFrame(
        {"person_id": np.repeat(names, watched), "event_type": "stop", "occurred_at": "2014-05-01"}
    )
    cohort = replace(cohort, events=conform(times, "events"))
    given = Specification(given="earlier contacts with the police")
    fits = sensitivity.fits_of(cohort, [PRIMARY, given])
    assert fits[PRIMARY].row("mental_health")["lower"] > 1.1
    row = fits[given].row("mental_health")
    assert abs(row["coefficient"]) < 4 * row["se"]
    assert row["estimate"] < 1.2


# --- eras and populations --------------------------------------------------------------------


def test_each_era_has_its_own_model_and_people_in_both_count_once(force: Cohort) -> None:
    frame = frames.known_before(force)
    markers = ["mental_health", "arrest"]
    found = contrasts.by_era(force, frame, markers)
    assert found is not None
    early = frames.between(force, frame, force.start, pd.Timestamp("2016-12-31"))
    late = frames.between(force, frame, pd.Timestamp("2017-01-01"), force.end)
    one, two = (predictors.ever_missing_by_time_at_risk(part) for part in (early, late))
    parts = found.parts["estimate"]
    assert parts.iloc[:2].tolist() == one.terms.set_index("term").loc[markers, "estimate"].tolist()
    ratio = found.ratios.set_index("term").loc["arrest"]
    assert ratio["estimate"] == pytest.approx(
        two.row("arrest")["estimate"] / one.row("arrest")["estimate"]
    )
    assert found.shared == len(set(early.people["person_id"]) & set(late.people["person_id"])) > 0
    assert ratio["people"] == min(f.row("arrest")["people"] for f in (one, two))
    assert contrasts.by_era(replace(force, end=pd.Timestamp("2016-06-01")), frame, []) is None


def two_populations(seed: int, gap: float) -> dict[str, Frame]:
    """Children and adults of whom a marker raises the hazard by 0.5, and by 0.5 + gap."""
    out = {}
    for name, beta in {"children": 0.5, "adults": 0.5 + gap}.items():
        frame, rng = made_frame(700, seed, {"arrest": 0.4}, name)
        risk = 1 - np.exp(-frame.people["days"] * 4e-4 * np.exp(beta * frame.marks["arrest"]))
        ever = rng.random(len(risk)) < risk
        out[name] = replace(frame, people=frame.people.assign(ever=ever))
        seed += 1
    return out


def test_the_test_of_a_difference_keeps_its_size_and_sees_one() -> None:
    p = []
    for seed in range(0, 300, 10):
        parts = two_populations(seed, 0.0).values()
        fits = [predictors.ever_missing_by_time_at_risk(frame) for frame in parts]
        one, two = (contrasts._pieces(*both) for both in zip(fits, parts, strict=True))
        p.append(influence.difference(one, two, ["arrest"])["p"][0])
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 30)
    assert 0.2 < np.mean(p) < 0.8
    seen = contrasts.contrast(two_populations(3, 0.9), ["arrest"])
    assert seen.shared == 0
    assert seen.ratios["lower"][0] > 1
    assert "ratios of arrest differ clearly" in contrasts.describe_contrast(seen, "the two")
    alike = replace(seen, ratios=seen.ratios.assign(p_holm=0.3))
    assert "no marker differ clearly" in contrasts.describe_contrast(alike, "the two")


def test_the_landmark_puts_nobody_into_both_populations() -> None:
    people = {
        "child": {"birth_date": "2003-06-15"},
        "comes of age": {"birth_date": "1997-06-15"},
        "adult": {"birth_date": "1980-06-15"},
        "eighteen on the day": {"birth_date": "1997-01-01"},
    }
    both = {p: known_cohort(people, population=p) for p in ("children", "adults")}
    names = {p: set(frames.known_before(c).people["person_id"]) for p, c in both.items()}
    assert names == {
        "children": {"child", "comes of age"},
        "adults": {"adult", "eighteen on the day"},
    }


# --- risks -----------------------------------------------------------------------------------


def test_risks_within_a_year_are_those_of_all_with_and_all_without(force: Cohort) -> None:
    frame = frames.known_before(force)
    fit = predictors.ever_missing_by_time_at_risk(frame)
    row = effects.risk_within(fit, frame, ["arrest"]).iloc[0]
    design = frames.covariates(frame)
    known = fit.terms[fit.terms["coefficient"].notna()]
    terms = known["term"]
    b = np.append(fit.intercept, known["coefficient"])

    def risk(b: np.ndarray, level: float) -> float:
        x = design.assign(arrest=level)[terms].to_numpy()
        return float((1 - np.exp(-365 * np.exp(b[0] + x @ b[1:]))).mean())

    def gap(b: np.ndarray) -> float:
        return risk(b, 1.0) - risk(b, 0.0)

    assert [row["with_it"], row["without"]] == pytest.approx([risk(b, 1.0), risk(b, 0.0)])
    assert row["effect"] == pytest.approx(gap(b))
    people = frame.people
    pieces = influence.of_model(fit, people["person_id"], people["ever"], design, people["days"])
    assert pieces is not None
    slopes = approx_fprime(b, gap, 1e-7)
    half = norm.ppf(0.975) * np.sqrt(slopes @ pieces.covariance @ slopes)
    assert [row["lower"], row["upper"]] == pytest.approx([gap(b) - half, gap(b) + half], rel=DELTA)
    longer = effects.risk_within(fit, frame, ["arrest"], horizon=730).iloc[0]
    assert longer["with_it"] > row["with_it"]


def test_a_risk_difference_is_the_true_one_in_a_world_of_constant_rates() -> None:
    z = []
    for seed in range(25):
        frame = two_populations(100 + seed, 0.0)["children"]
        fit = predictors.ever_missing_by_time_at_risk(frame)
        row = effects.risk_within(fit, frame, ["arrest"]).iloc[0]
        truth = np.exp(-365 * 4e-4) - np.exp(-365 * 4e-4 * np.exp(0.5))
        z.append((row["effect"] - truth) / ((row["upper"] - row["lower"]) / 3.92))
    assert abs(np.mean(z)) < 4 / np.sqrt(25)
    assert (np.abs(z) < 1.96).mean() > 0.77  # 4 binomial errors below 0.95


# --- what is not on record -------------------------------------------------------------------


def test_only_sex_age_and_ethnicity_have_gaps(force: Cohort) -> None:
    persons = force.persons.copy()
    persons.loc[:40, "sex"] = "unknown"
    persons.loc[41:60, "sex"] = None
    persons.loc[61:70, "sex"] = "other"
    frame = frames.known_before(replace(force, persons=persons))
    data = missing_values.with_gaps(frame)
    gaps = data.columns[data.isna().any()]
    assert set(gaps) == {"female", "ethnicity_other"}
    lacks = missing_values.incomplete(frame)
    assert len(lacks["sex"]) == data["female"].isna().sum() == 61
    assert len(lacks["ethnicity"]) == data["ethnicity_other"].isna().sum() > 100
    assert lacks["age"].empty
    assert set(lacks["any"]) == set(lacks["sex"]) | set(lacks["ethnicity"])
    assert data.loc[data["sex_other"] == 1, "female"].eq(0).all()
    assert data["sex_other"].sum() == 10


def test_complete_cases_stand_beside_imputed_ones(force: Cohort) -> None:
    frame = frames.known_before(force)
    markers = ["mental_health", "arrest"]
    table = missing_values.beside_each_other(frame, markers, seed=1)
    assert table["model"].tolist() == [missing_values.COMPLETE] * 2 + [missing_values.IMPUTED] * 2
    complete, mended = table[:2].reset_index(), table[2:].reset_index()
    width = [np.log(t["upper"] / t["lower"]) for t in (complete, mended)]
    assert (width[1] < width[0]).all()
    assert (mended["people"] > complete["people"]).all()
    again = missing_values.beside_each_other(frame, markers, seed=1)
    pd.testing.assert_frame_equal(again, table)
    whole = replace(frame, people=frame.people.assign(ethnicity="white", sex_recorded=True))
    assert missing_values.beside_each_other(whole, markers, 1)["model"].nunique() == 1


def test_age_is_imputed_before_it_is_squared() -> None:
    cohort = random_force(600, 5, {"arrest": 0.5})
    persons = cohort.persons.assign(ethnicity_self="white")
    persons.loc[np.arange(600) % 6 == 0, "birth_date"] = pd.NaT
    frame = frames.known_before(replace(cohort, population="all", persons=persons))
    data = missing_values.with_gaps(frame)
    assert data["age"].isna().sum() == 100
    filled = missing_values.terms(data.fillna({"age": 2.0}))
    assert (filled["age_squared"] == filled["age"] ** 2).all()
    fit = missing_values.imputed(frame, seed=1, copies=3)
    assert fit.people == 600
    assert np.isfinite(fit.row("arrest")["estimate"])


@pytest.mark.parametrize("name", ODD)
def test_odd_cohorts_give_nan_and_reasons_not_errors(name: str) -> None:
    cohort = ODD[name]
    frame = frames.known_before(cohort)
    five = frame.study_markers
    every = sensitivity.specifications(cohort)
    assert every[0] == PRIMARY
    some = [*sensitivity.one_change(cohort), *every[::7]]
    curve = sensitivity.curve(cohort, five, some)
    assert not np.isinf(curve[["estimate", "upper"]].to_numpy(float)).any()
    assert len(sensitivity.spread(curve)) <= len(five)
    figures.specification_curve(curve, PRIMARY.change)
    era = contrasts.by_era(cohort, frame, five)
    assert era is not None
    assert contrasts.describe_contrast(era, "the eras")
    missing_values.beside_each_other(frame, five, seed=1)
    fit = predictors.ever_missing_by_time_at_risk(frame)
    assert len(effects.risk_within(fit, frame, five)) == len(five)
