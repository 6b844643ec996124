"""Rubin's rules: held against the R package mice, and against their limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from missing_lib.study.imputation import barnard_rubin, pool
from tests.reference_cases import case

RELATIVE = 1e-9  # tolerance that the case states

TERMS = ["intercept", "age", "bmi"]
SCALARS = {
    "estimate": "qbar",
    "within": "ubar",
    "between": "b",
    "total": "t",
    "df": "df",
    "relative_increase": "r",
    "fraction_missing": "fmi",
}
POOLED = {
    "estimate": "estimate",
    "se": "se",
    "statistic": "statistic",
    "df": "df",
    "p": "p",
    "lower": "low",
    "upper": "high",
}


def completed_fits(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and variances of chl ~ age + bmi in each completed data set."""
    fits = [
        sm.OLS(rows["chl"], sm.add_constant(rows[["age", "bmi"]])).fit()
        for _, rows in data.groupby("imp")
    ]
    return np.array([fit.params for fit in fits]), np.array([fit.bse**2 for fit in fits])


def test_pooled_answers_agree_with_r() -> None:
    data, expected, _ = case("rubin_pool_nhanes")
    estimates, variances = completed_fits(data)
    pooled = pool(estimates, variances, complete_df=25 - 3)
    for ours, theirs in SCALARS.items():
        want = [expected["scalar"][term][theirs] for term in TERMS]
        np.testing.assert_allclose(getattr(pooled, ours), want, rtol=RELATIVE, err_msg=ours)
    for ours, theirs in POOLED.items():
        np.testing.assert_allclose(
            getattr(pooled, ours), expected["pooled"][theirs], rtol=RELATIVE, err_msg=ours
        )
    lam = [(1 + 1 / 5) * s["b"] / s["t"] for s in expected["scalar"].values()]
    np.testing.assert_allclose(pooled.proportion_missing, lam, rtol=RELATIVE)


def test_data_sets_that_agree_leave_the_degrees_of_freedom_of_the_observed_data() -> None:
    same = pool(np.full((4, 1), 2.0), np.full((4, 1), 0.25), complete_df=20)
    assert same.total[0] == 0.25
    assert same.df[0] == pytest.approx(21 / 23 * 20)
    assert same.proportion_missing[0] == 0
    normal = pool(np.full((4, 1), 2.0), np.full((4, 1), 0.25), complete_df=np.inf)
    assert np.isinf(normal.df[0])
    assert normal.upper[0] == pytest.approx(2 + 1.959963984540054 * 0.5)
    assert normal.fraction_missing[0] == 0


@pytest.mark.parametrize("lam", [0.01, 0.3, 0.9])
def test_many_complete_people_bring_back_rubins_first_degrees_of_freedom(lam: float) -> None:
    large = barnard_rubin(5, np.array([lam]), 1e12)
    np.testing.assert_allclose(large, barnard_rubin(5, np.array([lam]), np.inf), rtol=1e-6)


def test_a_term_that_one_data_set_cannot_estimate_is_not_pooled() -> None:
    pooled = pool([[1.0, 2.0], [1.5, np.nan]], [[0.1, 0.1], [0.1, np.nan]], complete_df=50)
    assert np.isfinite(pooled.se[0])
    for field in ("estimate", "se", "df", "p", "lower", "upper", "fraction_missing"):
        assert np.isnan(getattr(pooled, field)[1])


@pytest.mark.parametrize(
    ("estimates", "variances", "complete_df", "told"),
    [
        ([[1.0]], [[1.0]], 10, "at least two"),
        ([1.0, 2.0], [1.0, 2.0], 10, "shape"),
        ([[1.0], [2.0]], [[1.0, 1.0], [1.0, 1.0]], 10, "shape"),
        ([[1.0], [2.0]], [[1.0], [-1.0]], 10, "negative"),
        ([[1.0], [2.0]], [[1.0], [1.0]], 0, "complete_df"),
    ],
)
def test_what_cannot_be_pooled_says_why(
    estimates: list, variances: list, complete_df: float, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        pool(estimates, variances, complete_df)
