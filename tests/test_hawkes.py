"""Hawkes process: held against R, a sum over all pairs, and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from missing_lib.study.hawkes import (
    Parameters,
    climb,
    fit,
    log_likelihood,
    log_likelihood_by_pairs,
    residuals,
)
from tests.reference_cases import case

GRID, MAXIMUM = 1e-10, 1e-6  # tolerances that the case states
CLOSE = 1e-9
NUDGE = 1e-5  # step of a finite difference
DERIVATIVE = 1e-6  # what that step is good for

STEADY = settings(deadline=None, derandomize=True, max_examples=40)

#: Two disasters of the case share a date. R lets the first bring the second (each counts the
#: events before it in the file); the book does not, as in the inequality t_k < t.
IN_TURN = "in_turn"

sizes = st.floats(0.05, 3.0)
days = st.lists(st.integers(1, 30), max_size=20)


@pytest.fixture(scope="module")
def coal() -> tuple[np.ndarray, float, dict]:
    data, expected, _ = case("hawkes_coal")
    assert len(data) == expected["n"]
    return data["t"].to_numpy(), float(expected["T"]), expected


# --- held against R ----------------------------------------------------------------------------


@pytest.mark.parametrize("point", range(8))
@pytest.mark.parametrize("way", [log_likelihood, log_likelihood_by_pairs])
def test_log_likelihood_agrees_with_r(coal: tuple, way: object, point: int) -> None:
    times, end, expected = coal
    want = expected["grid"][point]
    at = Parameters(want["mu"], want["a"], want["b"])
    found = way(times, end, at, IN_TURN)  # type: ignore[operator]
    assert found == pytest.approx(want["loglik"], rel=GRID)


def test_the_maximum_agrees_with_r(coal: tuple) -> None:
    times, end, expected = coal
    want, found = expected["mle"], fit(times, end, IN_TURN)
    assert found.parameters is not None
    values = [found.parameters.background, found.parameters.branching, found.parameters.decay]
    np.testing.assert_allclose(values, [want["mu"], want["a"], want["b"]], rtol=MAXIMUM)
    np.testing.assert_allclose(found.log_se, want["se_log"], rtol=MAXIMUM)
    assert found.log_likelihood == pytest.approx(want["loglik"], rel=MAXIMUM)
    assert found.poisson_log_likelihood == pytest.approx(expected["poisson_loglik"], rel=GRID)
    gaps = residuals(times, found.parameters, IN_TURN)
    np.testing.assert_allclose(gaps[:5], expected["residuals_first5"], rtol=MAXIMUM)
    statistic = stats.kstest(gaps, "expon").statistic
    assert statistic == pytest.approx(expected["ks_statistic"], rel=MAXIMUM)


def test_one_shared_date_changes_little_and_is_no_longer_unbounded(coal: tuple) -> None:
    times, end, _ = coal
    apart, in_turn = fit(times, end), fit(times, end, IN_TURN)
    assert apart.parameters is not None
    assert in_turn.parameters is not None
    assert apart.parameters.branching == pytest.approx(in_turn.parameters.branching, rel=0.02)
    # in turn, a kernel of no length makes the pair infinitely likely
    wild = [Parameters(1.6, 0.01, decay) for decay in (1e20, 1e60)]
    assert log_likelihood(times, end, wild[1], IN_TURN) > in_turn.log_likelihood
    assert log_likelihood(times, end, wild[1]) == log_likelihood(times, end, wild[0])


# --- definitions ---------------------------------------------------------------------------------


@STEADY
@given(days, sizes, sizes, sizes, st.sampled_from(["apart", "in_turn"]))
def test_the_recursion_is_the_sum_over_all_pairs(
    times: list, mu: float, a: float, b: float, simultaneous: str
) -> None:
    at = Parameters(mu, a, b)
    one = log_likelihood(times, 31.0, at, simultaneous)
    assert one == pytest.approx(log_likelihood_by_pairs(times, 31.0, at, simultaneous), rel=CLOSE)


@STEADY
@given(days, sizes, sizes, sizes, st.sampled_from(["apart", "in_turn"]))
def test_derivatives_are_those_of_the_likelihood(
    times: list, mu: float, a: float, b: float, simultaneous: str
) -> None:
    here = np.array([mu, a, b])
    found = climb(times, 31.0, Parameters(*here), simultaneous)

    def near(k: int, way: int):  # type: ignore[no-untyped-def]
        moved = here.copy()
        moved[k] += way * NUDGE
        return climb(times, 31.0, Parameters(*moved), simultaneous)

    scale = 1 + abs(found.hessian).max() + len(times) / mu**3 + len(times) / mu
    for k in range(3):
        up, down = near(k, 1), near(k, -1)
        slope = (up.value - down.value) / (2 * NUDGE)
        assert found.gradient[k] == pytest.approx(slope, abs=DERIVATIVE * scale)
        bend = (up.gradient - down.gradient) / (2 * NUDGE)
        np.testing.assert_allclose(found.hessian[k], bend, atol=DERIVATIVE * scale)


def test_the_integral_is_that_of_the_rate() -> None:
    times, end, at = np.array([0.5, 1.25, 1.5]), 4.0, Parameters(0.3, 0.8, 1.7)

    def rate(t: float) -> float:
        before = times[times < t]
        return 0.3 + (0.8 * 1.7 * np.exp(-1.7 * (t - before))).sum()

    edges = [0.0, *times, end]
    expected = np.cumsum([integrate.quad(rate, *edges[k : k + 2])[0] for k in range(4)])
    jumps = sum(np.log(rate(t)) for t in times)
    assert log_likelihood(times, end, at) == pytest.approx(jumps - expected[-1], rel=CLOSE)
    np.testing.assert_allclose(np.cumsum(residuals(times, at)), expected[:3], rtol=CLOSE)


def simulated(at: Parameters, end: float, rng: np.random.Generator) -> np.ndarray:
    """By clusters: background events, and the generations of events that each brings."""
    generation = rng.uniform(0, end, rng.poisson(at.background * end))
    every = [generation]
    while len(generation):
        parents = np.repeat(generation, rng.poisson(at.branching, len(generation)))
        generation = parents + rng.exponential(1 / at.decay, len(parents))
        generation = generation[generation < end]
        every.append(generation)
    return np.concatenate(every)


def test_what_was_put_in_is_found_again() -> None:
    truth, rng = Parameters(0.5, 0.6, 2.0), np.random.default_rng(7)
    logs = np.log([truth.background, truth.branching, truth.decay])
    scores = []
    for _ in range(20):
        found = fit(simulated(truth, 1500.0, rng), 1500.0)
        assert found.parameters is not None
        values = [found.parameters.background, found.parameters.branching, found.parameters.decay]
        scores.append((np.log(values) - logs) / found.log_se)
    # each column is about standard normal: mean within 3/sqrt(20), spread near 1
    assert (np.abs(np.mean(scores, axis=0)) < 3 / np.sqrt(20)).all()
    assert ((np.std(scores, axis=0) > 0.5) & (np.std(scores, axis=0) < 1.6)).all()


def test_the_unit_of_time_does_not_matter() -> None:
    times = simulated(Parameters(0.5, 0.6, 2.0), 200.0, np.random.default_rng(8))
    in_years, in_days = fit(times, 200.0), fit(times * 365, 200.0 * 365)
    assert in_years.parameters is not None
    assert in_days.parameters is not None
    assert in_days.parameters.branching == pytest.approx(in_years.parameters.branching, rel=MAXIMUM)
    assert 365 * in_days.parameters.decay == pytest.approx(in_years.parameters.decay, rel=MAXIMUM)
    np.testing.assert_allclose(in_days.log_se, in_years.log_se, rtol=MAXIMUM)


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([], "too few"),
        ([3.0], "too few"),
        ([5.0] * 9, "too few"),
        ([5.0] * 30, "constant rate|bound|settle"),
        (np.arange(1.0, 40.0), "constant rate"),
        (np.repeat(np.arange(1.0, 40.0), 3), "constant rate"),
    ],
)
def test_what_cannot_be_fitted_says_why(times: list, told: str) -> None:
    found = fit(times, 40.0)
    assert found.parameters is None
    assert np.isnan(found.log_se).all()
    assert found.events == len(times)
    assert any(word in found.problem for word in told.split("|"))


def test_a_kernel_of_no_length_is_no_estimate() -> None:
    pairs = np.repeat(np.arange(1.0, 40.0), 2)
    found = fit(pairs, 40.0, IN_TURN)
    assert found.parameters is None
    assert "bound" in found.problem


@pytest.mark.parametrize("times", [[0.0, 1.0], [1.0, 5.0], [np.nan, 1.0]])
def test_events_outside_the_observation_are_refused(times: list) -> None:
    with pytest.raises(ValueError, match="time of observation"):
        log_likelihood(times, 4.0, Parameters(1.0, 0.5, 1.0))


def test_an_unknown_rule_for_one_time_is_refused() -> None:
    with pytest.raises(ValueError, match="apart, in_turn"):
        fit([1.0], 4.0, "together")  # type: ignore[arg-type]
