"""Robust covariances: held against the R packages sandwich and geepack, and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.genmod.cov_struct import Exchangeable, Independence

from missing_lib.study.sandwich import Parts, by_clusters, by_rows, canonical_parts, errors
from tests.reference_cases import case

PETERSEN, EPIL, GEE = 1e-9, 1e-8, 1e-6  # tolerances that the cases state


@pytest.fixture(scope="module")
def petersen() -> tuple[pd.DataFrame, dict, Parts]:
    data, expected, _ = case("sandwich_petersen")
    design = sm.add_constant(data[["x"]]).to_numpy()
    fit = sm.OLS(data["y"].to_numpy(), design).fit()
    np.testing.assert_allclose(fit.params, list(expected["coef"].values()), rtol=PETERSEN)
    return data, expected, canonical_parts(data["y"], design, fit.fittedvalues)


@pytest.fixture(scope="module")
def petersen_logit() -> tuple[pd.DataFrame, dict, Parts]:
    data, expected, _ = case("sandwich_petersen")
    design, outcome = sm.add_constant(data[["x"]]).to_numpy(), (data["y"] > 0).to_numpy(float)
    fit = sm.Logit(outcome, design).fit(method="newton", tol=1e-14, disp=False)
    want = expected["logit"]
    np.testing.assert_allclose(fit.params, list(want["coef"].values()), rtol=PETERSEN)
    mean = fit.predict()
    return data, want, canonical_parts(outcome, design, mean, mean * (1 - mean))


@pytest.fixture(scope="module")
def epil() -> tuple[pd.DataFrame, dict, np.ndarray]:
    data, expected, _ = case("count_cluster_epil")
    logs = np.log(data["base"] / 4), np.log(data["age"])
    return (
        data,
        expected,
        np.column_stack([np.ones(len(data)), data["progabide"], *logs, data["V4"]]),
    )


def agree(covariance: np.ndarray, want: dict, relative: float) -> None:
    np.testing.assert_allclose(errors(covariance), list(want.values()), rtol=relative)


# --- held against R ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_errors_by_rows_agree_with_r(petersen: tuple, kind: str) -> None:
    _, expected, parts = petersen
    agree(by_rows(parts, kind), expected[kind], PETERSEN)


@pytest.mark.parametrize(
    ("name", "kinds", "factor", "bare_rows"),
    [
        ("firm_CR0", ["firm"], "CR0", False),
        ("firm_CR1S", ["firm"], "CR1S", False),
        ("year_CR1S", ["year"], "CR1S", False),
        ("firm_year_HC1", ["firm", "year"], "CR1S", False),
        ("firm_year_multi0", ["firm", "year"], "CR1S", True),
        ("firm_year_HC1", ["year", "firm"], "CR1S", False),
    ],
)
def test_errors_by_clusters_agree_with_r(
    petersen: tuple, name: str, kinds: list[str], factor: str, bare_rows: bool
) -> None:
    data, expected, parts = petersen
    covariance = by_clusters(parts, [data[kind] for kind in kinds], factor, bare_rows)
    agree(covariance, expected[name], PETERSEN)


def test_errors_of_the_logistic_model_agree_with_r(petersen_logit: tuple) -> None:
    data, want, parts = petersen_logit
    agree(parts.bread, want["model"], PETERSEN)
    agree(by_rows(parts, "HC0"), want["HC0"], PETERSEN)
    agree(by_clusters(parts, [data["firm"]], "CR0"), want["firm_CR0"], PETERSEN)
    agree(by_clusters(parts, [data["firm"]], "CR1"), want["firm_CR1"], PETERSEN)


def test_errors_of_the_poisson_model_agree_with_r(epil: tuple) -> None:
    data, want, design = epil
    fit = sm.GLM(data["y"], design, family=sm.families.Poisson()).fit(tol=1e-14)
    np.testing.assert_allclose(fit.params, list(want["coef"].values()), rtol=EPIL)
    parts = canonical_parts(data["y"], design, fit.mu, fit.mu)
    agree(parts.bread, want["se_model"], EPIL)
    agree(by_rows(parts, "HC0"), want["se_HC0"], EPIL)
    names = {"CR0": "se_CR0", "CR1": "se_CR_G_over_Gm1", "CR1S": "se_CR1S"}
    for factor, name in names.items():
        agree(by_clusters(parts, [data["subject"]], factor), want[name], EPIL)


@pytest.mark.parametrize(
    ("name", "structure"),
    [("gee_independence", Independence), ("gee_exchangeable", Exchangeable)],
)
def test_estimating_equations_of_statsmodels_agree_with_r(
    epil: tuple, name: str, structure: type
) -> None:
    data, expected, design = epil
    want, within = expected[name], structure()
    model = sm.GEE(
        data["y"], design, data["subject"], family=sm.families.Poisson(), cov_struct=within
    )
    # ddof_scale=0: correlation and scale divide by the number of pairs and rows, as geepack
    # does; statsmodels' own choice takes the coefficients off (0.7 % for one of them).
    fit = model.fit(ddof_scale=0, ctol=1e-11)
    np.testing.assert_allclose(fit.params, list(want["coef"].values()), rtol=GEE)
    np.testing.assert_allclose(fit.bse, list(want["se"].values()), rtol=GEE)
    if name == "gee_exchangeable":
        assert within.dep_params == pytest.approx(want["alpha"], rel=GEE)
        model.scaletype = "X2"
        assert model.estimate_scale() == pytest.approx(want["scale"], rel=GEE)


# --- which factor statsmodels takes --------------------------------------------------------------


@pytest.mark.parametrize(("corrected", "factor"), [(True, "CR1S"), (False, "CR0")])
def test_statsmodels_knows_two_of_the_three_factors(
    epil: tuple, corrected: bool, factor: str
) -> None:
    data, _, design = epil
    how = {"groups": data["subject"].to_numpy(), "use_correction": corrected}
    fit = sm.GLM(data["y"], design, family=sm.families.Poisson()).fit(
        tol=1e-14, cov_type="cluster", cov_kwds=how
    )
    parts = canonical_parts(data["y"], design, fit.mu, fit.mu)
    ours = by_clusters(parts, [data["subject"]], factor)
    np.testing.assert_allclose(errors(ours), fit.bse, rtol=EPIL)


def test_statsmodels_calls_hc1_what_is_hc0_in_a_logistic_model(petersen_logit: tuple) -> None:
    data, want, parts = petersen_logit
    design, outcome = sm.add_constant(data[["x"]]), (data["y"] > 0).astype(float)
    fit = sm.Logit(outcome, design).fit(disp=False, tol=1e-12, cov_type="HC1")
    np.testing.assert_allclose(fit.bse, list(want["HC0"].values()), rtol=PETERSEN)
    n, k = parts.scores.shape
    ratio = errors(by_rows(parts, "HC1")) / errors(by_rows(parts, "HC0"))
    np.testing.assert_allclose(ratio, np.sqrt(n / (n - k)), rtol=1e-12)


# --- definitions ---------------------------------------------------------------------------------


def test_a_cluster_for_each_row_is_white() -> None:
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(40), rng.normal(size=40)])
    outcome = rng.normal(size=40)
    fit = sm.OLS(outcome, design).fit()
    parts = canonical_parts(outcome, design, fit.fittedvalues)
    alone = by_clusters(parts, [np.arange(40)], "CR0")
    np.testing.assert_allclose(alone, by_rows(parts, "HC0"), rtol=1e-12)
    np.testing.assert_allclose(
        by_clusters(parts, [np.arange(40)], "CR1S"), by_rows(parts, "HC1"), rtol=1e-12
    )


def test_three_kinds_of_cluster_by_brute_force() -> None:
    rng = np.random.default_rng(2)
    design = np.column_stack([np.ones(60), rng.normal(size=60)])
    outcome, kinds = rng.normal(size=60), [rng.integers(0, 6, 60) for _ in range(3)]
    fit = sm.OLS(outcome, design).fit()
    parts = canonical_parts(outcome, design, fit.fittedvalues)
    # with no factor, inclusion and exclusion leave each pair of rows that share any cluster
    shared = np.any([kind[:, None] == kind[None, :] for kind in kinds], axis=0)
    want = parts.bread @ parts.scores.T @ shared @ parts.scores @ parts.bread
    np.testing.assert_allclose(by_clusters(parts, kinds, "CR0"), want, rtol=1e-10)


def test_weights_are_rows_repeated() -> None:
    design = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 4.0]])
    outcome, times = np.array([0.0, 2.0, 1.0, 3.0]), np.array([1, 2, 1, 3])
    fit = sm.WLS(outcome, design, weights=times).fit()
    weighted = canonical_parts(outcome, design, fit.fittedvalues, weight=times)
    rows = np.repeat(np.arange(4), times)
    repeated = canonical_parts(outcome[rows], design[rows], fit.fittedvalues[rows])
    np.testing.assert_allclose(weighted.bread, repeated.bread, rtol=1e-12)
    np.testing.assert_allclose(
        by_clusters(weighted, [np.arange(4)], "CR0"),
        by_clusters(repeated, [rows], "CR0"),
        rtol=1e-12,
    )


def simple(leverage: float = 0.5) -> Parts:
    return Parts(np.array([[1.0], [-1.0]]), np.array([[0.5]]), np.full(2, leverage))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: by_rows(simple(), "HC9"), "HC0, HC1, HC2, HC3"),
        (lambda: by_rows(simple(leverage=1.0), "HC3"), "alone determines"),
        (lambda: by_clusters(simple(), [[1, 2]], "CR2"), "CR0, CR1, CR1S"),
        (lambda: by_clusters(simple(), [[1, 1]], "CR1"), "one cluster"),
        (lambda: by_clusters(simple(), [["a", None]], "CR0"), "no cluster"),
        (lambda: by_clusters(simple(), [[1.0, np.nan]], "CR0"), "no cluster"),
        (lambda: canonical_parts([1, 2], [[1, 1], [1, 1]], [1, 1]), "collinear"),
    ],
)
def test_what_cannot_be_had_says_why(call: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()  # type: ignore[operator]


def test_a_negative_variance_has_no_standard_error() -> None:
    # +1 and -1 in each row and each column of a two-by-two crossing: the sums by either kind
    # vanish, those by both do not
    scores = np.array([[1.0], [-1.0], [-1.0], [1.0]])
    crossing = [["a", "a", "b", "b"], ["c", "d", "c", "d"]]
    covariance = by_clusters(Parts(scores, np.eye(1), np.full(4, 0.25)), crossing, "CR0")
    assert covariance.item() == -4
    assert np.isnan(errors(covariance)).all()
