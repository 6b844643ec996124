"""Groups held out and pooled: held against R (metafor), statsmodels and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from statsmodels.stats.meta_analysis import combine_effects

from missing_lib.study.optimism import logistic_forecast
from missing_lib.study.pooling import RandomEffects, leave_one_group_out, random_effects
from tests.reference_cases import case

RELATIVE = 1e-7  # tolerance that the case states; for tau2 by REML it states 1e-5
REML = 1e-5
FLAT_TOP = 1e-6  # how near a search for the top of a likelihood comes
TERMS = ["age", "diag_year", "hs"]
POOLED = {
    "estimate": "est",
    "se": "se",
    "i2": "I2",
    "q": "Q",
    "hksj_se": "hksj_se",
    "tau2": "tau2",
}
BOUNDS = {
    ("lower", "upper"): "ci",
    ("hksj_lower", "hksj_upper"): "hksj_ci",
    ("prediction_lower", "prediction_upper"): "pred_int_t_Kminus2",
}


@pytest.fixture(scope="module")
def states() -> tuple[pd.DataFrame, dict]:
    data, expected, _ = case("iecv_aids2")
    held_out = leave_one_group_out(data["died"], data[TERMS], data["state"], logistic_forecast)
    return held_out, expected


# --- held against R ----------------------------------------------------------------------------


def test_each_state_held_out_agrees_with_r(states: tuple) -> None:
    held_out, expected = states
    assert (held_out["problem"] == "").all()
    names = {
        "group": "state",
        "people": "n",
        "events": "events",
        "auc": "auc",
        "auc_se": "auc_se_delong",
        "slope": "slope",
        "slope_se": "slope_se",
        "in_the_large": "citl",
        "in_the_large_se": "citl_se",
        "brier": "brier",
        "observed_expected": "oe",
    }
    for ours, theirs in names.items():
        want = [state[theirs] for state in expected["by_state"]]
        if ours == "group":
            assert held_out[ours].tolist() == want
        else:
            np.testing.assert_allclose(held_out[ours], want, rtol=RELATIVE, err_msg=ours)


@pytest.mark.parametrize("method", ["DL", "REML"])
@pytest.mark.parametrize(
    ("measure", "name"),
    [("logit_auc", "logit_auc"), ("slope", "slope"), ("in_the_large", "citl")],
)
def test_pooled_states_agree_with_r(states: tuple, measure: str, name: str, method: str) -> None:
    held_out, expected = states
    found = random_effects(held_out[measure], held_out[f"{measure}_se"], method)
    want = expected["pooled"][name][method]
    for ours, theirs in POOLED.items():
        relative = REML if (ours, method) == ("tau2", "REML") else RELATIVE
        assert getattr(found, ours) == pytest.approx(want[theirs], rel=relative), ours
    for (low, high), theirs in BOUNDS.items():
        bounds = [getattr(found, low), getattr(found, high)]
        np.testing.assert_allclose(bounds, want[theirs], rtol=RELATIVE, err_msg=theirs)
    assert (found.groups, found.left_out, found.problem) == (4, 0, "")


# --- definitions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_reml_is_at_the_top_of_the_restricted_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, se = rng.normal(0, 0.4, 6), rng.uniform(0.1, 0.6, 6)

    def lost(tau2: float) -> float:
        w = 1 / (se**2 + tau2)
        mean = (w * y).sum() / w.sum()
        return (-np.log(w).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum()) / 2

    top = minimize_scalar(lost, bounds=(0, 5), method="bounded", options={"xatol": 1e-10})
    found = random_effects(y, se, "REML")
    assert found.tau2 == pytest.approx(top.x, abs=FLAT_TOP)


@pytest.mark.parametrize("seed", range(4))
def test_a_library_agrees_where_groups_differ(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, se = rng.normal(0, 1, 5), rng.uniform(0.1, 0.3, 5)
    library = combine_effects(y, se**2, method_re="dl")
    found = random_effects(y, se, "DL")
    assert library.tau2 > 0
    np.testing.assert_allclose(
        [found.estimate, found.se, found.tau2, found.q, found.i2 / 100, found.hksj_se],
        [
            library.mean_effect_re,
            library.sd_eff_w_re,
            library.tau2,
            library.q,
            library.i2,
            library.sd_eff_w_re_hksj,
        ],
        rtol=1e-10,
    )


@pytest.mark.parametrize("method", ["DL", "REML"])
def test_groups_that_agree_have_no_variance_between_them(method: str) -> None:
    y, se = np.array([0.9, 1.0, 0.95]), np.array([0.3, 0.4, 0.2])
    assert combine_effects(y, se**2, method_re="dl").tau2 < 0  # the library leaves it so
    found = random_effects(y, se, method)
    assert (found.tau2, found.i2) == (0, 0)
    w = 1 / se**2
    assert found.estimate == pytest.approx((w * y).sum() / w.sum())
    assert found.se == pytest.approx(w.sum() ** -0.5)


def finite(found: RandomEffects, *names: str) -> bool:
    return bool(np.isfinite([getattr(found, name) for name in names]).all())


@pytest.mark.parametrize(
    ("y", "se", "groups", "left_out", "told"),
    [
        ([], [], 0, 0, "no group"),
        ([0.4], [0.2], 1, 0, "one group"),
        ([0.4, np.nan], [0.2, 0.1], 1, 1, "one group"),
        ([0.4, 0.6, 0.1], [0.2, 0.1, np.nan], 2, 1, "two groups"),
        ([0.4, 0.6, 0.1], [0.2, 0.1, 0.2], 3, 0, ""),
    ],
)
def test_few_groups(y: list, se: list, groups: int, left_out: int, told: str) -> None:
    found = random_effects(y, se)
    assert (found.groups, found.left_out) == (groups, left_out)
    assert told in found.problem
    assert bool(found.problem) == bool(told)
    assert finite(found, "estimate", "lower", "upper") == (groups > 0)
    assert finite(found, "tau2", "hksj_se", "hksj_lower", "q_p") == (groups > 1)
    assert finite(found, "prediction_lower", "prediction_upper") == (groups > 2)


def test_a_group_that_cannot_be_measured_says_why() -> None:
    rng = np.random.default_rng(1)
    design = pd.DataFrame({"x": rng.normal(size=90)})
    group = np.repeat(["a", "b", "c"], 30)
    outcome = (rng.random(90) < 0.5) & (group != "c")
    held_out = leave_one_group_out(outcome, design, group, logistic_forecast).set_index("group")
    assert held_out.loc["c", "events"] == 0
    assert "all or none" in held_out.loc["c", "problem"]
    assert np.isnan(held_out.loc["c", ["auc", "slope", "logit_auc"]].astype(float)).all()
    pooled = random_effects(held_out["slope"], held_out["slope_se"])
    assert (pooled.groups, pooled.left_out) == (2, 1)
    only = leave_one_group_out(group == "a", design, group, logistic_forecast).set_index("group")
    assert "no forecast without this group: all or none" in only.loc["a", "problem"]
    assert np.isnan(only.loc["a", "brier"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: random_effects([1, 2], [0.1, 0.1], "PM"), "DL, REML"),
        (lambda: random_effects([1, 2], [0.1, 0.0]), "above 0"),
        (
            lambda: leave_one_group_out([0, 1], pd.DataFrame({"x": [1, 2]}), ["a", "a"], print),
            "at least two",
        ),
        (
            lambda: leave_one_group_out([0, 1], pd.DataFrame({"x": [1, 2]}), ["a", None], print),
            "no group",
        ),
    ],
)
def test_what_cannot_be_pooled_says_why(call: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()  # type: ignore[operator]
