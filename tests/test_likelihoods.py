"""Likelihoods and their maxima: against statsmodels, and what makes a row of a person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime, linprog

from missing_lib.study import diagnosis, likelihoods, regression
from missing_lib.study.likelihoods import Rows, alike

#: statsmodels stops a Newton search at a step of 1e-10 or so of the coefficients.
CLOSE = 1e-7
SEEDS = range(6)


def people(seed: int, measured: bool, n: int = 800) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two yes-no terms and a number, days at risk and counts."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n) if measured else rng.integers(0, 5, n).astype(float)
    x = np.column_stack([np.ones(n), rng.random((n, 2)) < 0.3, z])
    days = rng.uniform(0.2, 3, n) if measured else rng.integers(1, 4, n).astype(float)
    mean = days * np.exp(x @ [-0.7, 0.5, -0.3, 0.2])
    return rng.poisson(mean * rng.gamma(0.8, 1 / 0.8, n)).astype(float), x, np.log(days)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("measured", [False, True])
def test_logistic_and_its_effects_are_those_of_statsmodels(seed: int, measured: bool) -> None:
    y, x, _ = people(seed, measured)
    found = likelihoods.logistic(rows := alike(1.0 * (y > 0), x, np.zeros(len(y))))
    theirs = sm.Logit(y > 0, x).fit(method="newton", tol=1e-12, disp=False)
    assert found.converged
    assert_allclose(found.params, theirs.params, rtol=CLOSE)
    assert_allclose(found.covariance, theirs.cov_params(), rtol=CLOSE)
    assert_allclose(found.log_likelihood, theirs.llf, rtol=CLOSE)
    margins = theirs.get_margeff(at="overall", method="dydx", dummy=True)
    effects = likelihoods.average_effects(rows, found)
    assert_allclose(effects[:, 0], margins.margeff, rtol=CLOSE)
    assert_allclose(effects[:, 1:], margins.conf_int(), rtol=CLOSE)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("measured", [False, True])
def test_complementary_log_log_is_that_of_statsmodels(seed: int, measured: bool) -> None:
    y, x, offset = people(seed, measured)
    found = likelihoods.complementary_log_log(alike(1.0 * (y > 0), x, offset))
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    model = sm.GLM(y > 0, x, family=family, offset=offset)
    theirs = model.fit(method="newton", maxiter=60, tol=1e-10)
    assert found.converged
    assert_allclose(found.params, theirs.params, rtol=CLOSE)
    # theirs is from numbers that differ by 1e-6
    assert_allclose(np.sqrt(np.diag(found.covariance)), theirs.bse, rtol=1e-5)
    assert_allclose(found.log_likelihood, theirs.llf, rtol=CLOSE)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("measured", [False, True])
def test_negative_binomial_is_that_of_statsmodels(seed: int, measured: bool) -> None:
    y, x, offset = people(seed, measured)
    found = likelihoods.negative_binomial(alike(y, x, offset))
    model = sm.NegativeBinomial(y, x, loglike_method="nb2", offset=offset)
    start = np.append(found.params[:-1] + 0.01, found.params[-1] * 1.01)
    theirs = model.fit(start_params=start, method="newton", maxiter=60, disp=False)
    assert found.converged
    assert_allclose(found.params, theirs.params, rtol=CLOSE)
    assert_allclose(found.covariance, theirs.cov_params(), rtol=1e-5, atol=1e-9)
    assert_allclose(found.log_likelihood, theirs.llf, rtol=CLOSE)


def test_slopes_of_the_negative_binomial_are_those_of_its_values() -> None:
    y, x, offset = people(1, measured=True)
    rows = alike(y, x, offset)
    beyond = likelihoods._people_beyond(rows)
    at = np.array([-0.5, 0.3, 0.1, 0.1, 0.4])

    def slopes(params: np.ndarray) -> likelihoods.Slopes:
        return likelihoods._negative_binomial_slopes(rows, beyond, 0.0, params)

    here = slopes(at)
    assert_allclose(here.gradient, approx_fprime(at, lambda p: slopes(p).value, 1e-6), rtol=1e-3)
    numeric = approx_fprime(at, lambda p: -slopes(p).gradient, 1e-6)
    assert_allclose(here.information, numeric, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("counts", [[0, 1] * 200, [1, 2] * 200])
def test_counts_that_vary_less_than_chance_are_poisson_and_alpha_is_nought(
    counts: list[int],
) -> None:
    """Their likelihood rises without end as alpha falls to zero, and ends in the Poisson's."""
    design = pd.DataFrame({"a": np.arange(400) // 4 % 2 * 1.0})
    y = np.array(counts) + np.arange(400) // 4 % 2
    days = 1.0 + np.arange(400) % 7
    found = regression.negative_binomial(y, design, days)
    theirs = sm.GLM(
        y, sm.add_constant(design), family=sm.families.Poisson(), offset=np.log(days)
    ).fit(tol=1e-12)
    assert found.problem == ""
    assert found.dispersion == 0
    assert np.isnan(found.dispersion_se)
    row = found.row("a")
    assert_allclose([row["coefficient"], row["se"]], [theirs.params["a"], theirs.bse["a"]], CLOSE)
    assert_allclose(found.log_likelihood, theirs.llf, rtol=CLOSE)


def test_a_search_that_fails_for_another_reason_is_not_called_poisson() -> None:
    y, x, offset = people(1, measured=True)
    found = likelihoods.negative_binomial_or_poisson(alike(y, x, offset), steps=1)
    assert not found.converged
    assert len(found.params) == x.shape[1] + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_people_who_are_alike_are_one_row(seed: int) -> None:
    y, x, offset = people(seed, measured=False)
    y = np.minimum(y, 2.0)
    rows = alike(y, x, offset)
    given = pd.DataFrame(np.column_stack([y, x, offset])).value_counts(sort=False).sort_index()
    assert 0 < len(rows.y) < len(y)
    found = pd.DataFrame(np.column_stack([rows.y, rows.x, rows.offset])).assign(n=rows.weight)
    found = found.set_index(list(range(6)))["n"].sort_index()
    assert found.index.equals(given.index)
    assert found.tolist() == given.tolist()


def test_people_who_are_all_different_stay_as_they_are() -> None:
    y, x, offset = people(1, measured=True)
    rows = alike(y, x, offset)
    assert rows.weight.tolist() == [1.0] * len(y)
    np.testing.assert_array_equal(rows.x, x)


@pytest.mark.parametrize("rows_at_once", [1, 7, 10_000])
def test_blocks_change_nothing(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    y, x, offset = people(2, measured=True, n=60)
    whole = likelihoods.negative_binomial(alike(y, x, offset))
    monkeypatch.setattr(likelihoods, "_ROWS_AT_ONCE", rows_at_once)
    assert_allclose(likelihoods.negative_binomial(alike(y, x, offset)).params, whole.params)


def test_a_search_that_is_cut_short_says_so() -> None:
    y, x, offset = people(3, measured=True)
    rows = replace(alike(1.0 * (y > 0), x, offset))
    assert not likelihoods.logistic(rows, steps=1).converged
    assert likelihoods.logistic(rows).left < 1e-20


@pytest.mark.parametrize("seed", range(20))
def test_separation_is_found_as_by_one_program_over_everybody(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "_PEOPLE_AT_ONCE", 5)
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.integers(0, 4, (60, 3)).astype(float), columns=list("abc"))
    push = x["a"] + x["b"] - 3 + rng.normal(0, 0.3 if seed % 2 else 0.01, 60)
    has = (push > 0).to_numpy()
    rows = np.where(has, 1.0, -1.0)[:, None] * np.column_stack([np.ones(60), x / x.std(ddof=0)])
    whole = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(60), bounds=(-1, 1))
    assert bool(diagnosis.separating_terms(has, x)) == (-whole.fun > 1e-6)


def test_a_term_that_two_nearly_equal_ones_make_up_is_told() -> None:
    rng = np.random.default_rng(4)
    a, small = rng.normal(size=500), rng.normal(size=500)
    x = pd.DataFrame({"a": a, "b": a + 1e-4 * small, "c": small, "d": rng.normal(size=500)})
    reasons = diagnosis.unusable(x, rng.random(500) < 0.5, binary=True)
    assert reasons == {"c": "cannot be told apart from a and b"}


def test_nobody_is_one_empty_row() -> None:
    rows = alike(np.zeros(0), np.zeros((0, 2)), np.zeros(0))
    assert isinstance(rows, Rows)
    assert len(rows.y) == 0


def test_a_dispersion_on_its_way_to_none_breaks_nothing() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(500), rng.random(500) < 0.3])
    rows = likelihoods.Rows(rng.binomial(2, 0.4, 500).astype(float), x, np.zeros(500), np.ones(500))
    beyond = np.array([400.0, 100.0])
    found = likelihoods._negative_binomial_slopes(rows, beyond, 0.0, np.array([0.0, 0.0, -500.0]))
    assert found.value == -np.inf  # no step goes there
    assert np.isfinite(found.gradient).all()
    assert np.isfinite(likelihoods.negative_binomial(rows).params[:2]).all()
