"""Rubin's rules and chained equations: held against R, statsmodels and simulated truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit
from statsmodels.imputation.mice import MICEData

from missing_lib.study import imputation, regression
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


# --- completed data sets ---------------------------------------------------------------------


def gappy(n: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """A logistic world whose ``z`` is missing more often with the outcome and a high ``x``.

    Returns the data with gaps, and ``z`` without.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    z = (rng.random(n) < expit(-0.3 + 1.2 * x)).astype(float)
    y = rng.random(n) < expit(-1.0 + 0.5 * x + 1.0 * z)
    lost = rng.random(n) < expit(-2.2 + 1.5 * y + 1.0 * x)
    data = pd.DataFrame({"x": x, "z": np.where(lost, np.nan, z), "y": y.astype(float)})
    return data, pd.Series(z)


def test_completed_data_keep_what_is_known_and_fill_in_what_occurs() -> None:
    data, _ = gappy(600, 1)
    data["few"] = np.where(np.arange(600) < 40, 1.0, np.nan)
    copies = imputation.completed(data, 3, seed=2)
    known = data["z"].notna()
    for filled in copies:
        assert filled["z"].isin([0.0, 1.0]).all()
        pd.testing.assert_frame_equal(filled[["x", "y"]], data[["x", "y"]])
        pd.testing.assert_series_equal(filled.loc[known, "z"], data.loc[known, "z"])
        assert filled["few"].isna().sum() == 560
    assert imputation.imputable(data) == ["z"]
    assert not copies[0]["z"].equals(copies[1]["z"])
    again = imputation.completed(data, 3, seed=2)
    assert all(a.equals(b) for a, b in zip(copies, again, strict=True))
    assert not copies[0].equals(imputation.completed(data, 1, seed=3)[0])


def test_the_global_generator_of_numpy_is_as_it_was_before() -> None:
    data, _ = gappy(300, 2)
    np.random.seed(11)
    want = np.random.random(3)
    np.random.seed(11)
    imputation.completed(data, 2, seed=4)
    assert (np.random.random(3) == want).all()


def test_names_of_a_force_and_collinear_columns_do_no_harm() -> None:
    data, _ = gappy(400, 3)
    plain = imputation.completed(data, 2, seed=1)
    odd = data.rename(columns={"x": "at risk (2016)", "y": "C"})
    odd["C again"] = 2 * odd["C"] + 1
    odd["same"] = 1.0
    for a, b in zip(plain, imputation.completed(odd, 2, seed=1), strict=True):
        assert a["z"].equals(b["z"])


def test_nothing_to_impute_gives_copies() -> None:
    data, z = gappy(100, 4)
    whole = data.assign(z=z)
    copies = imputation.completed(whole, 2, seed=1)
    assert len(copies) == 2
    assert all(c.equals(whole) for c in copies)
    copies[0].loc[0, "x"] = 9.0
    assert whole.loc[0, "x"] != 9.0


def test_the_chain_is_that_of_statsmodels_own_formulas() -> None:
    data, _ = gappy(300, 5)
    np.random.seed(7)
    theirs = MICEData(data, k_pmm=imputation.DONORS)
    theirs.update_all(imputation.BURN_IN)
    ours = imputation.completed(data, 1, seed=7)[0]
    # Coefficients agree to rounding, and so nearly always do the donors drawn by them.
    assert (theirs.data["z"] == ours["z"]).mean() > 0.97


def test_imputation_mends_the_bias_of_complete_cases() -> None:
    """Gaps depend on outcome and x: complete cases are off, pooled imputed ones are not."""
    complete, mended, errors = [], [], []
    for seed in range(12):
        data, _ = gappy(1500, seed)
        fit = regression.logistic(data["y"], data[["x", "z"]])
        complete.append(fit.row("x")["coefficient"])
        fits = [
            regression.logistic(f["y"], f[["x", "z"]]).terms
            for f in imputation.completed(data, 5, seed)
        ]
        b, se = (np.array([f[c] for f in fits]) for c in ("coefficient", "se"))
        pooled = imputation.pool(b, se**2, complete_df=1497)
        mended.append(pooled.estimate[0])
        errors.append(pooled.se[0])
    off = 4 * np.mean(errors) / np.sqrt(12)  # 4 standard errors of a mean of 12
    assert abs(np.mean(mended) - 0.5) < off
    assert abs(np.mean(complete) - 0.5) > off
    assert 0.5 < np.std(mended, ddof=1) / np.mean(errors) < 1.7
