"""Shared gamma frailty against R, a dense second implementation, and known truths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from missing_lib.study.cox import CoxRows, prepare
from missing_lib.study.cox.frailty import FrailtyFit, fit_frailty
from missing_lib.study.cox.partial import at_risk, information, score
from tests.reference_cases import case

#: The case states 1e-8 at a given theta. Its coefficients come from R's sparse approximation of
#: the information, which stops about 5e-8 short; the dense climb below agrees to 1e-10.
R_COEFFICIENTS = 1e-6
R_FRAILTIES = 2e-7
KIDNEY = ["age", "sex"]


@pytest.fixture(scope="module")
def kidney() -> tuple[pd.DataFrame, CoxRows, dict]:
    d, expected, _ = case("frailty_kidney")
    return d, prepare(d.time, d.status, d[KIDNEY]), expected


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_estimate_agrees_with_r(kidney: tuple, ties: str) -> None:
    d, rows, expected = kidney
    fit, r = fit_frailty(rows, d.id, ties=ties), expected[ties]
    assert fit.theta == pytest.approx(r["theta"], rel=1e-8)
    assert fit.log_likelihood == pytest.approx(r["marginal_loglik"], abs=1e-7)
    assert fit.log_likelihood_no_frailty == pytest.approx(r["loglik_no_frailty"], abs=1e-7)
    assert fit.theta_se == pytest.approx(r["se_theta_profile"], rel=1e-6)
    assert fit.likelihood_ratio == pytest.approx(r["lrt_theta0"], rel=1e-8)
    assert fit.p == pytest.approx(r["p_half_chisq1"], rel=1e-8)
    same_as(fit, r)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_given_theta_agrees_with_r(kidney: tuple, ties: str) -> None:
    d, rows, expected = kidney
    fit = fit_frailty(rows, d.id, ties=ties, theta=0.5)
    r = expected[f"fixed_theta_0.5_{ties}"]
    assert fit.log_likelihood == pytest.approx(r["marginal_loglik"], rel=1e-8)
    assert np.isnan([fit.theta_se, fit.p, fit.theta_lower]).all()
    same_as(fit, r)


def same_as(fit: FrailtyFit, r: dict) -> None:
    np.testing.assert_allclose(fit.coefficients, list(r["coef"].values()), rtol=R_COEFFICIENTS)
    se = np.sqrt(np.diag(fit.covariance_given_theta))
    # Second derivatives by differences of fourth order.
    np.testing.assert_allclose(se, list(r["se"].values()), rtol=1e-7)
    np.testing.assert_allclose(fit.frailties[:6], r["frailty_first6"], rtol=R_FRAILTIES)


def test_frailty_em_is_the_same_model_with_breslow_ties(kidney: tuple) -> None:
    """Its own stop is loose; its standard error of theta lets b move, as ours does."""
    d, rows, expected = kidney
    fit, r = fit_frailty(rows, d.id, ties="breslow"), expected["frailtyEM_breslow"]
    assert fit.theta == pytest.approx(r["theta"], rel=1e-5)
    assert fit.log_likelihood == pytest.approx(r["loglik"], abs=1e-7)
    np.testing.assert_allclose(fit.coefficients, list(r["coef"].values()), rtol=1e-5)
    assert fit.theta_se == pytest.approx(r["se_theta"], rel=1e-3)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_it_is_the_penalised_fit_with_one_column_per_group(kidney: tuple, ties: str) -> None:
    """Therneau, Grambsch and Pankratz: log factors as coefficients with penalty nu (e^w - w)."""
    d, rows, expected = kidney
    fit, nu = fit_frailty(rows, d.id, ties=ties, theta=0.5), 2.0
    people = pd.get_dummies(d.id).astype(float).add_prefix("person ")
    wide = prepare(d.time, d.status, d[KIDNEY].join(people))
    b = np.zeros(len(wide.terms))
    for _ in range(20):
        at = at_risk(wide, b * wide.scale, ties)
        slope = score(wide, at) * wide.scale
        curvature = information(wide, at) * np.outer(wide.scale, wide.scale)
        slope[2:] += nu * (1 - np.exp(b[2:]))
        whole = curvature + np.diag(np.append([0, 0], nu * np.exp(b[2:])))
        b = b + np.linalg.solve(whole, slope)
    np.testing.assert_allclose(fit.coefficients, b[:2], rtol=1e-10)
    np.testing.assert_allclose(fit.frailties, np.exp(b[2:]), rtol=1e-10)
    inverse, r = np.linalg.inv(whole), expected[f"fixed_theta_0.5_{ties}"]
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance_given_theta)), np.sqrt(np.diag(inverse))[:2], rtol=1e-7
    )
    # What R prints as se2 takes the frailties as known; the book shows the other.
    second = np.sqrt(np.diag(inverse @ curvature @ inverse))[:2]
    np.testing.assert_allclose(second, list(r["se2"].values()), rtol=1e-8)


def recurrent(
    seed: int, people: int, theta: float, *, beta: float = 0.7, days: float = 5.0
) -> pd.DataFrame:
    """Constant rates of 0.3 a day times a gamma factor and exp(beta x), all watched as long.

    With theta 0 everybody with the same x has the same number: less spread than chance gives.
    """
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, people)
    z = rng.gamma(1 / theta, theta, people) if theta else x
    number = rng.poisson(0.3 * z * np.exp(beta * x) * days) if theta else 2 + x
    rows = []
    for person in range(people):
        times = np.sort(rng.uniform(0, days, number[person]))
        edges = [0.0, *times, days]
        rows += [(person, a, b, b < days, x[person]) for a, b in pairwise(edges)]
    return pd.DataFrame(rows, columns=["person", "start", "stop", "event", "x"])


def fit_of(d: pd.DataFrame, **more: object) -> FrailtyFit:
    d = d.reset_index(drop=True)
    return fit_frailty(prepare(d.stop, d.event, d[["x"]], start=d.start), d.person, **more)


def test_people_with_an_event_alone_need_the_truncated_likelihood() -> None:
    d = recurrent(3, 4000, 2.0)
    some = d[d.groupby("person")["event"].transform("any")]
    whole = fit_of(d)
    told = fit_of(some, ties="breslow", truncated=True)
    naive = fit_of(some)
    for fit in (whole, told):
        se = np.sqrt(fit.covariance[0, 0])
        assert abs(fit.coefficients[0] - 0.7) < 3 * se
        assert fit.theta_lower < 2.0 < fit.theta_upper
    assert naive.coefficients[0] < 0.7 - 3 * np.sqrt(naive.covariance[0, 0])
    assert naive.theta_upper < 1.0
    assert np.sqrt(told.covariance[0, 0]) > np.sqrt(whole.covariance[0, 0])


def test_the_truncated_likelihood_is_that_of_brute_force() -> None:
    """At its own baseline jumps, person by person, as written down in the literature."""
    d = recurrent(5, 60, 1.0)
    d = d[d.groupby("person")["event"].transform("any")].reset_index(drop=True)
    rows = prepare(d.stop, d.event, d[["x"]], start=d.start)
    theta = 0.8
    fit = fit_frailty(rows, d.person, ties="breslow", truncated=True, theta=theta)
    number = d.groupby("person")["event"].sum()
    hazard = (1 / theta + number) / fit.frailties - 1 / theta
    none = (1 + theta * hazard) ** (-1 / theta)
    factor = fit.frailties + none / (1 - none) / (1 + theta * hazard)
    risk = np.exp(d.x * fit.coefficients[0])
    total = 0.0
    passed = dict.fromkeys(number.index, 0.0)
    for row in d[d.event].itertuples():
        there = (d.start < row.stop) & (row.stop <= d.stop)
        jump = 1 / (risk * d.person.map(factor))[there].sum()
        total += np.log(jump * risk[row.Index])
        for person, own in zip(d.person[there], risk[there], strict=True):
            passed[person] += own * jump
    np.testing.assert_allclose(pd.Series(passed), hazard, rtol=1e-8)
    for person, events in number.items():
        rate = theta * passed[person]
        total += sum(np.log(1 + theta * j) for j in range(events))
        total -= (1 / theta + events) * np.log1p(rate)
        total -= np.log1p(-((1 + rate) ** (-1 / theta)))
    assert fit.log_likelihood == pytest.approx(total + number.sum(), rel=1e-10)


def test_without_differences_theta_is_at_its_boundary() -> None:
    fit = fit_of(recurrent(2, 300, 0.0))
    assert (fit.theta, fit.theta_lower, fit.p, fit.likelihood_ratio) == (0.0, 0.0, 1.0, 0.0)
    assert 0 < fit.theta_upper < 1
    assert (fit.frailties == 1).all()
    assert np.isnan(fit.theta_se)


def test_rows_that_cannot_be_fitted_are_named() -> None:
    d = recurrent(2, 30, 1.0).assign(x=1)
    fit = fit_of(d)
    assert fit.problem == "no term differs among those at risk at an event"
    assert fit.terms == ()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"theta": 0.0}, "must be above 0"),
        ({"truncated": True}, 'needs ties="breslow"'),
        ({"truncated": True, "ties": "breslow"}, "has no event"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_of(recurrent(2, 30, 1.0), **more)
    d = recurrent(2, 30, 1.0)
    rows = prepare(d.stop, d.event, d[["x"]], start=d.start, weights=np.full(len(d), 2.0))
    with pytest.raises(ValueError, match="no case weights"):
        fit_frailty(rows, d.person)
    with pytest.raises(ValueError, match="group has 1 values"):
        fit_frailty(prepare(d.stop, d.event, d[["x"]], start=d.start), [1])


@pytest.mark.parametrize(("people", "bounded"), [(20, True), (400, False)])
def test_a_variance_that_few_events_do_not_bound_has_no_upper_bound(
    people: int, bounded: bool
) -> None:
    """One event among many: however much people differ, it may have come to the likeliest."""
    x = np.linspace(-1, 1, people)
    event = np.arange(people) == people // 2
    fit = fit_frailty(prepare(np.ones(people), event, pd.DataFrame({"x": x})), np.arange(people))
    assert fit.problem == ""
    assert bool(np.isfinite(fit.theta_upper)) is bounded
    assert fit.theta_upper > 100
