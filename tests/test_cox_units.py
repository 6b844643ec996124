"""Cox regression where units, offsets and weights lie far apart, and arguments that do not fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from missing_lib.study.cox import CoxFit, fit_cox, fit_rows, prepare, residuals

#: What a shift that cancels exactly may cost: rounding of the shifted numbers themselves.
SHIFTED = 1e-8


def assert_same(one: CoxFit, other: CoxFit, rtol: float = SHIFTED) -> None:
    assert one.problem == other.problem == ""
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=rtol)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=rtol)
    if one.robust is not None:
        np.testing.assert_allclose(one.robust, other.robust, rtol=rtol)


@pytest.mark.parametrize("apart", [1e2, 1e4, 1e6])
def test_what_strata_differ_by_tells_nothing(apart: float) -> None:
    rng = np.random.default_rng(1)
    place, x = np.repeat(np.arange(30), 10), rng.normal(size=300)
    stop, who = rng.exponential(np.exp(-0.7 * x)), np.arange(300) // 3

    def fit(values: np.ndarray) -> CoxFit:
        return fit_cox(stop, np.ones(300), pd.DataFrame({"x": values}), strata=place, cluster=who)

    assert_same(fit(apart * place + x), fit(x))


@pytest.mark.parametrize("apart", [1e2, 1e4, 1e6])
def test_what_those_never_at_risk_together_differ_by_tells_nothing(apart: float) -> None:
    """People come year by year, and x counts the years up: only within a year is it compared."""
    rng = np.random.default_rng(2)
    year, x = np.repeat(np.arange(20), 15), rng.normal(size=300)
    stop = year + np.minimum(rng.exponential(np.exp(-0.7 * x)), 0.9)

    def fit(values: np.ndarray) -> CoxFit:
        design = pd.DataFrame({"x": values})
        return fit_cox(stop, stop < year + 0.9, design, start=year - 0.05)

    assert_same(fit(apart * year + x), fit(x))


def test_a_term_that_drifts_while_people_come_and_go_is_no_separation() -> None:
    """As above, but those of one year see the next begin, so that no risk set stands alone."""
    rng = np.random.default_rng(3)
    year, x = np.repeat(np.arange(20), 15), rng.normal(size=300)
    stop = year + np.minimum(rng.exponential(np.exp(-0.7 * x)), 0.99)
    design = pd.DataFrame({"x": x, "drift": 300.0 * year + rng.normal(size=300)})
    fit = fit_cox(stop, stop < year + 0.99, design, start=year - 0.05)
    plain = fit_cox(stop, stop < year + 0.99, design.assign(drift=design.drift - 300 * year),
                    start=year - 0.05)  # fmt: skip
    assert fit.problem == ""
    assert fit.coefficients[0] == pytest.approx(plain.coefficients[0], rel=0.05)


def early_and_late(level: float) -> dict:
    """Hundred rows until 1, hundred from 1.5 on; the late ones' hazards are exp(level) times."""
    rng = np.random.default_rng(5)
    late = np.repeat([0.0, 1.0], 100)
    stop = np.concatenate([rng.uniform(0, 1, 100), rng.uniform(2, 3, 100)])
    design = pd.DataFrame({"x": rng.normal(size=200)})
    return {"stop": stop, "event": np.ones(200), "design": design, "start": 1.5 * late,
            "offset": level * late, "cluster": np.arange(200) // 2}  # fmt: skip


@pytest.mark.parametrize("level", [-800.0, -30, 20, 30, 34, 40, 800])
def test_levels_of_rows_never_at_risk_together_cancel(level: float) -> None:
    fit = fit_cox(**early_and_late(level))
    # R 4.4, survival::coxph, which prints this number at 0, 30, 34 and 40.
    assert fit.coefficients[0] == pytest.approx(0.07288625069, rel=1e-9)
    assert_same(fit, fit_cox(**early_and_late(0.0)))
    d = early_and_late(level)
    d["strata"], d["start"] = d.pop("start"), None
    assert_same(fit_cox(**d), fit)


def test_curves_go_on_where_nobody_is_at_risk() -> None:
    """Baseline and prediction run through a gap between risk sets, as with somebody in between."""
    whole = early_and_late(0.0) | {"offset": np.linspace(0, 1, 200)}
    whole.pop("cluster")
    gap = prepare(**whole)
    # A row of next to no weight that is at risk throughout, so that nothing is cut.
    longer = {k: np.append(whole[k], v) for k, v in
              {"stop": 3.0, "event": 0, "start": -1.0, "offset": 0.0}.items()}  # fmt: skip
    design = pd.concat([whole["design"], pd.DataFrame({"x": [0.0]})], ignore_index=True)
    through = prepare(**longer, design=design, weights=np.append(np.ones(200), 1e-12))
    assert len(gap.first_slot) == 3
    assert len(through.first_slot) == 2
    fit, other = (fit_rows(rows) for rows in (gap, through))
    one, two = residuals.baseline(gap, fit), residuals.baseline(through, other)
    np.testing.assert_allclose(one.cumulative_hazard, two.cumulative_hazard, rtol=1e-7)
    one, two = (residuals.predicted_survival(r, f, {"x": 0.7}, [0.5, 1.7, 2.5])
                for r, f in ((gap, fit), (through, other)))  # fmt: skip
    np.testing.assert_allclose(one, two, rtol=1e-7)


@pytest.mark.parametrize("spread", [20.0, 100.0])
def test_offsets_within_a_risk_set_may_differ_much(spread: float) -> None:
    rng = np.random.default_rng(0)
    stop, x = rng.exponential(size=(2, 100))
    offset, order = np.linspace(-spread, spread, 100), np.argsort(stop)

    def minus(b: float) -> float:
        eta = (offset + b * x)[order]
        return -sum(eta[i] - np.logaddexp.reduce(eta[i:]) for i in range(100))

    best = minimize_scalar(minus, bracket=(-1, 1), tol=1e-12)
    fit = fit_cox(stop, np.ones(100), pd.DataFrame({"x": x}), offset=offset)
    assert fit.coefficients[0] == pytest.approx(best.x, rel=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)


def test_offsets_whose_sums_no_number_holds_are_named() -> None:
    """Hazards fall so fast that those at risk last are nothing beside those who left."""
    design = pd.DataFrame({"x": np.random.default_rng(1).normal(size=300)})
    stop = np.arange(1.0, 301)
    fit = fit_cox(stop, np.ones(300), design, offset=-5 * stop)
    assert fit.problem == (
        "offsets or weights differ by too many orders of magnitude among rows that overlap"
    )
    assert fit.reasons == {"x": fit.problem}


@pytest.mark.parametrize("weight", [1e-14, 1e-8, 1e8])
def test_the_unit_of_weights_moves_no_estimate(weight: float) -> None:
    rng = np.random.default_rng(4)
    stop, design = rng.exponential(size=80), pd.DataFrame({"x": rng.normal(size=80)})
    fit = fit_cox(stop, np.ones(80), design, weights=np.full(80, weight))
    plain = fit_cox(stop, np.ones(80), design)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance * weight, plain.covariance, rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-200, 1e-140, 1e140, 1e200])
def test_the_unit_of_a_term_is_no_reason_or_is_named(unit: float) -> None:
    rng = np.random.default_rng(4)
    stop, x = rng.exponential(size=(2, 80))
    design = pd.DataFrame({"far_off": x * unit})
    if 1e-150 < unit < 1e150:
        plain = fit_cox(stop, np.ones(80), pd.DataFrame({"x": x}))
        fit = fit_cox(stop, np.ones(80), design)
        np.testing.assert_allclose(fit.coefficients * unit, plain.coefficients, rtol=1e-9)
    else:
        with pytest.raises(ValueError, match="far_off are too large or too small"):
            fit_cox(stop, np.ones(80), design)


def test_a_row_far_off_is_no_separation() -> None:
    """One row ten thousand standard deviations out that leaves early, as R's coxph fits it."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=200)
    stop, event = rng.exponential(np.exp(-0.7 * x)), np.ones(200)
    x[0], stop[0], event[0] = 1e6, np.sort(stop)[5], 0
    fit = fit_cox(stop, event, pd.DataFrame({"x": x}))
    assert fit.problem == ""
    assert np.isfinite(fit.standard_errors).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"design": pd.DataFrame({"x": [1.0, 2]})}, "design has 2 rows and stop 3"),
        ({"design": pd.DataFrame({"x": np.arange(9.0)})}, "design has 9 rows and stop 3"),
        ({"event": [1, 1]}, "event has 2 rows and stop 3"),
        ({"start": [0]}, "start has 1 rows and stop 3"),
        ({"strata": ["a"]}, "strata has 1 rows and stop 3"),
        ({"weights": [1.0] * 4}, "weights has 4 rows and stop 3"),
        ({"offset": []}, "offset has 0 rows and stop 3"),
        ({"event": pd.Series([1, 1, 0], index=[2, 1, 0])}, "index of design is not that of event"),
        ({"event": [1, 2, 2]}, "event must be 0 or 1"),
        ({"event": [1, -1, 0]}, "event must be 0 or 1"),
        ({"design": pd.DataFrame([[1.0, 2]] * 3, columns=["a", "a"])}, "Two columns are named a"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict, message: str) -> None:
    good = {"stop": [1, 2, 3], "event": [1, 1, 0], "design": pd.DataFrame({"age": [1.0, 2, 4]})}
    with pytest.raises(ValueError, match=message):
        fit_cox(**good | change)


@pytest.mark.parametrize(("clusters", "stands"), [(1, False), (2, False), (3, False), (4, True)])
def test_robust_errors_need_more_clusters_than_terms(clusters: int, stands: bool) -> None:
    rng = np.random.default_rng(7)
    design = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    stop = rng.exponential(size=200)
    fit = fit_cox(stop, np.ones(200), design, cluster=np.arange(200) % clusters)
    assert np.isfinite(fit.coefficients).all()
    assert bool(np.isfinite(fit.standard_errors).all()) is stands
    assert bool(np.isfinite([fit.wald_test, fit.robust_score_test]).all()) is stands
    told = f"robust errors of 3 terms need more than {clusters} clusters"
    assert fit.robust_problem == ("" if stands else told)
