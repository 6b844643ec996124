"""Zero-truncated regressions: held against R, their own definition and their limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import nbinom

from missing_lib.study import truncated
from missing_lib.study import unseen as unseen_people
from missing_lib.study.truncated import (
    TruncatedFit,
    zero_truncated_negative_binomial,
    zero_truncated_poisson,
)
from tests.reference_cases import case

pytestmark = pytest.mark.filterwarnings("error")

COEFFICIENT = 1e-6  # stated by the case, for coefficients and standard errors
LOGLIK = 1e-8  # stated by the case
SEARCH = 2e-4  # BFGS with numeric derivatives comes as near as this
STEP = 1e-5  # of central differences, which are then right to about its square


def quine() -> tuple[pd.Series, pd.DataFrame, dict]:
    data, expected, _ = case("zerotrunc_quine")
    return data["days"], data[["eth_n", "sex_m", "lrn_sl"]].astype(float), expected


def compare_with_r(fit: TruncatedFit, expected: dict) -> None:
    rows = fit.terms.set_index("term")
    for term in rows.index:
        assert rows.loc[term, "coefficient"] == pytest.approx(
            expected["par"][term], rel=COEFFICIENT
        )
        assert rows.loc[term, "se"] == pytest.approx(expected["se"][term], rel=COEFFICIENT)
    assert fit.intercept == pytest.approx(expected["par"]["intercept"], rel=COEFFICIENT)
    assert fit.log_likelihood == pytest.approx(expected["loglik"], rel=LOGLIK)


def test_the_negative_binomial_is_that_of_r() -> None:
    days, design, expected = quine()
    fit = zero_truncated_negative_binomial(days, design, np.ones(len(days)))
    want = expected["ztnb"]
    compare_with_r(fit, want)
    assert fit.limit == fit.problem == ""
    assert fit.log_theta == pytest.approx(want["par"]["log_theta"], rel=COEFFICIENT)
    assert fit.log_theta_se == pytest.approx(want["se"]["log_theta"], rel=COEFFICIENT)
    assert 1 / fit.dispersion == pytest.approx(want["theta"], rel=COEFFICIENT)
    assert fit.dispersion_se == pytest.approx(fit.dispersion * fit.log_theta_se, rel=1e-12)


def test_the_poisson_is_that_of_r() -> None:
    days, design, expected = quine()
    compare_with_r(zero_truncated_poisson(days, design, np.ones(len(days))), expected["ztpoisson"])


def test_people_who_are_not_seen_are_those_of_r() -> None:
    days, _, expected = quine()
    found, want = unseen_people.unseen(days), expected["unseen"]
    assert (found.seen, found.once, found.twice) == (want["n"], want["f1"], want["f2"])
    values = [found.chao, found.chao_corrected, found.zelterman]
    assert values == pytest.approx([want["chao"], want["chao_bc"], want["zelterman"]], rel=1e-12)


@pytest.mark.parametrize(
    ("counts", "chao", "corrected"),
    [([], np.nan, 0), ([0, 0], np.nan, 0), ([1] * 4, np.nan, 10), ([3, 4], np.nan, 2)],
)
def test_without_anybody_seen_twice_only_the_corrected_bound_is_finite(
    counts: list[int], chao: float, corrected: float
) -> None:
    found = unseen_people.unseen(counts)
    assert found.chao == pytest.approx(chao, nan_ok=True)
    assert found.chao_corrected == corrected
    assert np.isnan(found.zelterman)


# --- the definition --------------------------------------------------------------------------


def made(n: int, seed: int, theta: float) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    """Counts with one yes-no and one other term, unequal days, those without any included."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"a": rng.integers(0, 2, n).astype(float), "z": rng.normal(size=n)})
    days = rng.uniform(100, 2000, n)
    mu = days * np.exp(-6.5 + 0.7 * x["a"] - 0.2 * x["z"]).to_numpy()
    rate = mu if np.isinf(theta) else mu * rng.gamma(theta, 1 / theta, n)
    return rng.poisson(rate), x, days


def test_it_is_the_truncated_likelihood_that_is_largest() -> None:
    y, x, days = made(900, 1, 0.5)
    fit = zero_truncated_negative_binomial(y, x, days)
    seen = y > 0
    full = np.column_stack([np.ones(len(x)), x])[seen]

    def loss(b: np.ndarray) -> float:
        theta = np.exp(b[-1])
        p = theta / (theta + days[seen] * np.exp(full @ b[:-1]))
        return -float((nbinom.logpmf(y[seen], theta, p) - nbinom.logsf(0, theta, p)).sum())

    best = minimize(loss, [-6, 0, 0, 0], method="BFGS")
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=LOGLIK)
    assert [fit.intercept, *fit.terms["coefficient"], fit.log_theta] == pytest.approx(
        best.x, rel=SEARCH
    )
    assert (fit.people, fit.events) == (seen.sum(), (y > 1).sum())
    with_none = zero_truncated_negative_binomial(y[seen], x[seen], days[seen])
    assert with_none.log_likelihood == fit.log_likelihood


@pytest.mark.parametrize("name", ["_poisson", "_log_series", "_negative_binomial"])
@pytest.mark.parametrize("log_theta", [-9.0, -1.0, 0.5, 5.0])
def test_derivatives_are_those_of_the_likelihood(name: str, log_theta: float) -> None:
    y, x, days = made(200, 2, 0.7)
    likelihood = getattr(truncated, name)(truncated._prepared(y, x, days))
    b = np.array([-6.4, 0.4, -0.3])
    if name == "_negative_binomial":
        b = np.append(b - [log_theta, 0, 0], log_theta)
    here = likelihood(b)
    near = 1e-6 * (1 + np.abs(here.information).max())
    for k in range(len(b)):
        step = STEP * np.eye(len(b))[k]
        up, down = likelihood(b + step), likelihood(b - step)
        assert (up.value - down.value) / (2 * STEP) == pytest.approx(here.gradient[k], abs=near)
        bend = (down.gradient - up.gradient) / (2 * STEP)
        assert bend == pytest.approx(here.information[k], abs=near)


def test_the_truth_comes_back_with_honest_intervals() -> None:
    z = []
    for seed in range(40):
        fit = zero_truncated_negative_binomial(*made(1200, seed, 0.6))
        row = fit.row("a")
        z.append((row["coefficient"] - 0.7) / row["se"])
    assert abs(np.mean(z)) < 4 / np.sqrt(40)  # 4 standard errors of a mean of 40
    assert (np.abs(z) < 1.96).mean() > 0.81  # 4 binomial errors below 0.95


# --- limits ----------------------------------------------------------------------------------


def test_too_little_spread_is_the_poisson_by_name() -> None:
    y, x, days = made(3000, 7, np.inf)
    fit = zero_truncated_negative_binomial(y, x, days)
    plain = zero_truncated_poisson(y, x, days)
    assert fit.limit == "poisson"  # as in about half of all such samples
    assert fit.terms["coefficient"].tolist() == plain.terms["coefficient"].tolist()
    assert fit.intercept == plain.intercept
    assert np.isnan(fit.dispersion)
    assert np.isnan(fit.log_theta)
    assert "Poisson" in truncated.describe_limit(fit)


def test_too_much_spread_is_the_log_series_by_name() -> None:
    """Singletons beside people with very many, as in the study: no theta above nought is best."""
    rng = np.random.default_rng(5)
    x = pd.DataFrame({"a": rng.integers(0, 2, 900).astype(float)})
    y = np.where(rng.random(900) < 0.7, 1, rng.integers(2, 60, 900))
    fit = zero_truncated_negative_binomial(y, x, np.ones(900))
    assert fit.limit == "log_series"
    assert "log-series" in truncated.describe_limit(fit)
    near = truncated._negative_binomial(truncated._prepared(y, x, np.ones(900)))
    b = [fit.intercept, *fit.terms["coefficient"]]
    values = [near(np.array([*b, log_theta])).value for log_theta in (-12.0, -6.0, -3.0)]
    assert values[0] == pytest.approx(fit.log_likelihood, rel=1e-5)
    assert np.all(np.diff([fit.log_likelihood, *values]) < 0)


def test_the_two_limits_are_where_the_negative_binomial_goes() -> None:
    y, x, days = made(200, 3, 0.7)
    data = truncated._prepared(y, x, days)
    b = np.array([-6.4, 0.4, -0.3])
    inside = truncated._negative_binomial(data)
    far = 14.0  # log theta
    series = inside(np.append(b, -far)).value
    assert series == pytest.approx(truncated._log_series(data)(b).value, rel=1e-5)
    poisson = inside(np.append(b - [far, 0, 0], far)).value
    assert poisson == pytest.approx(truncated._poisson(data)(b).value, rel=1e-4)


# --- what cannot be had ----------------------------------------------------------------------


@pytest.mark.parametrize("model", [zero_truncated_negative_binomial, zero_truncated_poisson])
@pytest.mark.parametrize(
    ("counts", "word"), [([], "too few"), ([1] * 60, "too few"), ([0] * 60, "too few")]
)
def test_too_few_with_more_than_one_are_refused(model, counts: list[int], word: str) -> None:
    x = pd.DataFrame({"a": np.arange(len(counts)) % 2.0})
    fit = model(counts, x, np.ones(len(counts)))
    assert word in fit.problem
    assert fit.terms["estimate"].isna().all()
    assert fit.limit == truncated.describe_limit(fit) == ""


def test_terms_that_cannot_be_estimated_are_named_and_the_rest_stands() -> None:
    y, x, days = made(900, 1, 0.5)
    spoilt = x.assign(
        none=(y == 1) * (x["z"] > 0.5).to_numpy() * 1.0, same=1.0, twin=2 * x["a"] + 1
    )
    fit = zero_truncated_negative_binomial(y, spoilt, days)
    reasons = fit.terms.set_index("term")["reason"]
    assert reasons["none"] == "nobody with it has the outcome"
    assert reasons["same"] == "the same for everybody"
    assert reasons["twin"] == "cannot be told apart from a"
    plain = zero_truncated_negative_binomial(y, x, days)
    assert fit.row("a")["estimate"] == pytest.approx(plain.row("a")["estimate"], rel=1e-9)


def test_a_missing_value_leaves_a_person_out() -> None:
    y, x, days = made(900, 1, 0.5)
    gap = x.copy()
    gap.loc[y > 30, "z"] = np.nan
    few = zero_truncated_negative_binomial(y, gap, days)
    by_hand = zero_truncated_negative_binomial(y[y <= 30], x[y <= 30], days[y <= 30])
    assert few.log_likelihood == by_hand.log_likelihood
    assert few.people == by_hand.people


def test_a_term_that_only_a_flat_likelihood_has_is_refused() -> None:
    """Nobody with a high dose has a second incident: its coefficient goes to minus infinity."""
    y, x, days = made(900, 1, 0.5)
    rng = np.random.default_rng(1)
    dose = np.where(y > 1, 0.0, rng.uniform(0.5, 1, len(y)))
    fit = zero_truncated_negative_binomial(y, x.assign(dose=dose), days)
    assert fit.problem
    assert fit.terms["estimate"].isna().all()
