"""Forecasts validated: held against R (pROC, glm), by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from missing_lib.study.validation import (
    calibration,
    calibration_bands,
    classification,
    discrimination,
    net_benefit,
    scores,
)
from tests.reference_cases import case

RELATIVE = 1e-8  # tolerance that the case states
ZERO = 1e-10  # for what is nought in exact arithmetic
TERMS = ["npreg", "glu", "bp", "skin", "bmi", "ped", "age"]


@pytest.fixture(scope="module")
def pima() -> tuple[dict, dict]:
    """Outcome and forecast in the sets of development and validation, and R's answers."""
    data, expected, _ = case("validate_pima")
    design = sm.add_constant(data[TERMS])
    developed = data["set"] == "dev"
    fit = sm.Logit(data["y"][developed], design[developed]).fit(
        method="newton", tol=1e-14, disp=False
    )
    np.testing.assert_allclose(fit.params, list(expected["dev_coef"].values()), rtol=RELATIVE)
    chance = fit.predict(design)
    sets = {"apparent": developed, "external": ~developed}
    return {name: (data["y"][rows], chance[rows]) for name, rows in sets.items()}, expected


def agree(found: list, want: list) -> None:
    np.testing.assert_allclose(found, want, rtol=RELATIVE, atol=ZERO)


# --- held against R ----------------------------------------------------------------------------

SETS = pytest.mark.parametrize("name", ["apparent", "external"])


@SETS
def test_discrimination_agrees_with_r(pima: tuple, name: str) -> None:
    (outcome, chance), want = pima[0][name], pima[1][name]
    found = discrimination(outcome, chance)
    agree([found.auc, found.se], [want["auc"], want["auc_delong_se"]])
    agree([found.lower, found.upper], want["auc_ci95"])
    assert (found.cases + found.controls, found.cases) == (want["n"], want["events"])


@SETS
def test_calibration_agrees_with_r(pima: tuple, name: str) -> None:
    (outcome, chance), want = pima[0][name], pima[1][name]
    found = calibration(outcome, chance)
    names = {
        "slope": "calibration_slope",
        "slope_se": "calibration_slope_se",
        "intercept": "calibration_intercept_joint",
        "in_the_large": "calibration_in_the_large",
        "in_the_large_se": "citl_se",
        "observed_expected": "oe_ratio",
    }
    agree([getattr(found, n) for n in names], [want[n] for n in names.values()])
    assert not found.problem


@SETS
def test_scores_agree_with_r(pima: tuple, name: str) -> None:
    (outcome, chance), want = pima[0][name], pima[1][name]
    found = scores(outcome, chance)
    names = ["brier", "brier_null", "scaled_brier", "log_score", "spiegelhalter_z"]
    agree([getattr(found, n) for n in names], [want[n] for n in names])


@SETS
def test_net_benefit_agrees_with_r(pima: tuple, name: str) -> None:
    (outcome, chance), want = pima[0][name], pima[1][name]["net_benefit"]
    found = net_benefit(outcome, chance, want["threshold"])
    for column in ("model", "treat_all", "standardised"):
        agree(found[column], want[column])


@SETS
def test_classification_agrees_with_r(pima: tuple, name: str) -> None:
    (outcome, chance), want = pima[0][name], pima[1][name]
    found = classification(outcome, chance, threshold=0.2)
    agree(
        [found.sensitivity, found.specificity, found.ppv, found.npv],
        [want[f"{short}_at_0.2"] for short in ("sens", "spec", "ppv", "npv")],
    )


@SETS
def test_bands_of_the_forecast_agree_with_r(pima: tuple, name: str) -> None:
    (outcome, chance), want = pima[0][name], pima[1][name]["decile"]
    found = calibration_bands(outcome, chance)
    assert found["people"].tolist() == want["n"]
    agree(found["forecast"], want["mean_pred"])
    agree(found["observed"], want["obs"])


# --- definitions ---------------------------------------------------------------------------------


def test_the_area_is_a_share_of_pairs() -> None:
    rng = np.random.default_rng(1)
    outcome, score = rng.random(60) < 0.4, rng.integers(0, 6, 60)
    over = score[outcome][:, None] - score[~outcome][None, :]
    pairs = (over > 0) + (over == 0) / 2
    found = discrimination(outcome, score)
    agree([found.auc], [pairs.mean()])
    spread = pairs.mean(axis=1).var(ddof=1) / len(pairs) + pairs.mean(axis=0).var(ddof=1) / len(
        pairs.T
    )
    agree([found.se], [np.sqrt(spread)])


def test_the_interval_of_the_area_stays_within_its_range() -> None:
    found = discrimination([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6])
    assert found.upper == 1
    assert found.auc + 1.96 * found.se > 1


@pytest.mark.parametrize(
    ("outcome", "forecast", "told", "level_too"),
    [
        ([0, 0], [0.2, 0.4], "all or none", False),
        ([1, 1], [0.2, 0.4], "all or none", False),
        ([], [], "all or none", False),
        ([0, 1], [0.0, 0.4], "no logit", False),
        ([0, 1, 1], [1 - 1e-16, 1e-300, 1e-300], "too extreme", False),
        ([0, 1, 0, 1], [0.3] * 4, "same for everybody", True),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], "splits", True),
        ([0, 1, 0, 1], [0.3, 0.2, 0.3, 0.1], "splits", True),
        ([0, 0, 1, 1], [0.1, 0.3, 0.3, 0.4], "splits", True),
    ],
)
def test_calibration_says_why_it_cannot_be_had(
    outcome: list, forecast: list, told: str, level_too: bool
) -> None:
    found = calibration(outcome, forecast)
    assert told in found.problem
    assert np.isnan([found.slope, found.slope_se, found.intercept]).all()
    assert np.isfinite(found.in_the_large) == level_too
    assert found.observed == sum(outcome)


def test_forecasts_made_more_extreme_have_a_slope_below_one() -> None:
    rng = np.random.default_rng(2)
    lp = rng.normal(-1, 1, 4000)
    outcome = rng.random(4000) < 1 / (1 + np.exp(-lp))
    honest = calibration(outcome, 1 / (1 + np.exp(-lp)))
    extreme = calibration(outcome, 1 / (1 + np.exp(-2 * lp)))
    agree([2 * extreme.slope, extreme.intercept], [honest.slope, honest.intercept])
    assert abs(honest.slope - 1) < 3 * honest.slope_se


@pytest.mark.parametrize(
    ("outcome", "forecast", "log_score"),
    [([0, 1], [0.0, 1.0], 0.0), ([1, 1], [0.0, 1.0], np.inf)],
)
def test_certain_forecasts_are_right_or_infinitely_wrong(
    outcome: list, forecast: list, log_score: float
) -> None:
    with np.errstate(divide="ignore"):
        assert scores(outcome, forecast).log_score == log_score


def test_nobody() -> None:
    assert np.isnan(discrimination([], []).auc)
    assert np.isnan(scores([], []).brier)
    assert np.isnan(net_benefit([], [], [0.5])["model"]).all()
    assert np.isnan(classification([], [], 0.5).ppv)
    assert calibration_bands([], []).empty
    assert np.isnan(discrimination([1, 0], [0.5, 0.2]).se)
    assert calibration_bands([1], [0.5])["observed"].tolist() == [1.0]


def test_people_who_miss_something_are_left_out_and_counted() -> None:
    found = discrimination([0, 1, np.nan, 1, 0], [0.1, 0.4, 0.5, np.nan, 0.6])
    assert (found.cases, found.controls, found.left_out) == (1, 2, 2)
    outcome = pd.array([False, True, None, True], dtype="boolean")
    assert scores(outcome, [0.1, 0.4, 0.5, 0.6]).brier == pytest.approx((0.01 + 0.36 + 0.16) / 3)


def test_everybody_above_the_threshold_is_acting_for_all() -> None:
    found = net_benefit([0, 0, 1], [0.5, 0.6, 0.7], [0.1, 0.5, 0.55])
    assert found["model"][0] == pytest.approx(found["treat_all"][0])
    assert found["flagged"].tolist() == [3, 3, 2]  # at the threshold is above it
    assert classification([0, 0, 1], [0.5, 0.6, 0.7], threshold=0.5).specificity == 0


@pytest.mark.parametrize("n", [1, 2, 7, 10, 11, 21, 332])
def test_bands_are_as_equal_as_their_number_allows(n: int) -> None:
    rng = np.random.default_rng(n)
    found = calibration_bands(rng.random(n) < 0.5, rng.permutation(n) / n)
    assert found["people"].sum() == n
    assert found["people"].max() - found["people"].min() <= 1
    assert found["forecast"].is_monotonic_increasing


@pytest.mark.parametrize(
    "call",
    [
        lambda: scores([0, 1], [0.5, 1.5]),
        lambda: calibration([0, 1], [-0.1, 0.5]),
        lambda: net_benefit([0, 1], [0.2, 0.5], [1.0]),
    ],
)
def test_what_is_no_probability_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        call()  # type: ignore[operator]
