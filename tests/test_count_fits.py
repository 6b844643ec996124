"""Laws of counts and their fit tests: held against R, brute force and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from missing_lib.study import chance, count_fits, count_worlds, mixtures
from missing_lib.study.histogram import Histogram, histogram
from tests.reference_cases import case

LOGLIK = 1e-8  # relative, as the case states
FITTED = 1e-5  # relative; R's optimiser stops at about this for parameters
SETTLED = 1e-6  # EM stops a little before the top, by less than this part of the likelihood


@pytest.fixture(scope="module")
def days_away() -> tuple[pd.Series, dict]:
    data, expected, _ = case("counts_truncated_fits")
    return data["count"], expected


@pytest.mark.parametrize(
    ("fit", "parameters"),
    [
        (chance.fit_poisson, {"mean": "mean"}),
        (chance.fit_negative_binomial, {"mean": "mean", "shape": "shape"}),
        (chance.fit_log_series, {"success": "success"}),
    ],
)
def test_laws_and_their_chi_squared_agree_with_r(days_away, fit, parameters) -> None:
    counts, expected = days_away
    law = fit(counts)
    want = expected[law.name]
    for name, theirs in parameters.items():
        assert getattr(law, name) == pytest.approx(want[theirs], rel=FITTED)
    assert law.loglik == pytest.approx(want["loglik"], rel=LOGLIK)
    assert 2 * law.parameters - 2 * law.loglik == pytest.approx(want["aic"], rel=LOGLIK)
    criterion = mixtures.bayesian_criterion(law.loglik, law.parameters, len(counts))
    assert criterion == pytest.approx(want["bic"], rel=LOGLIK)
    found = count_fits.chi_squared(counts, law)
    assert (found.cells, found.df) == (want["cells"], want["df"])
    assert found.statistic == pytest.approx(want["statistic"], rel=1e-4)
    assert found.p == pytest.approx(want["p"], rel=1e-3)


def test_mixtures_agree_with_r(days_away) -> None:
    counts, expected = days_away
    two, three = mixtures.fit_mixture(counts, 2), mixtures.fit_mixture(counts, 3)
    want = expected["mixture_2"]
    assert two.loglik == pytest.approx(want["loglik"], rel=SETTLED)
    assert two.weights == pytest.approx(want["weights"], rel=1e-3)
    assert two.means == pytest.approx(want["means"], rel=1e-3)
    assert three.loglik == pytest.approx(expected["mixture_3"]["loglik"], rel=SETTLED)
    found = count_fits.chi_squared(counts, two)
    assert (found.cells, found.df) == (want["cells"], want["df"])
    assert found.statistic == pytest.approx(want["statistic"], rel=1e-3)


def test_mixture_is_a_law_and_reaches_the_top_of_its_likelihood() -> None:
    counts = np.random.default_rng(2).poisson(np.repeat([0.3, 6.0], [900, 120]))
    counts = counts[counts > 0]
    law = mixtures.choose_mixture(counts)
    assert len(law.means) == 2
    assert law.means == pytest.approx([0.3, 6.0], rel=0.35)
    chances = law.probabilities(200)
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    assert np.log(chances[counts - 1]).sum() == pytest.approx(law.loglik, abs=1e-8)
    assert chances @ np.arange(1, 201) == pytest.approx(counts.mean(), rel=1e-4)
    # no group elsewhere would raise the likelihood by much: its gradient is at most zero
    x = np.arange(1, 201)
    rates = np.geomspace(1e-6, 30, 400)
    seen = np.bincount(counts, minlength=201)[1:]
    single = np.exp(chance.poisson_log_mass(x[:, None], rates))
    gain = (seen / chances) @ single - seen.sum()
    assert gain.max() < 6  # four would be half of what BIC asks for two more parameters


def test_people_who_all_have_one_incident_are_a_group_without_a_rate() -> None:
    counts = np.repeat([1, 20, 21, 22], [300, 20, 20, 20])
    law = mixtures.fit_mixture(counts, 2)
    assert law.means[0] < 1e-3  # the last steps to nought gain nothing
    assert law.weights[0] == pytest.approx(300 / 360, abs=1e-4)
    best = 300 * np.log(300 / 360) + 60 * np.log(60 / 360)
    best += chance.fit_poisson(counts[counts > 1]).loglik
    assert law.loglik == pytest.approx(best, abs=0.01)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_no_group_is_caught_at_a_rate_of_nought(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = np.array([0.3, 4.0, 15.0, 40.0])
    drawn = rng.poisson(rng.choice(rates, 6000, p=[0.6, 0.28, 0.09, 0.03]))
    counts = drawn[drawn > 0][:1000]
    law = mixtures.fit_mixture(counts, 4)
    assert law.means == pytest.approx(rates, rel=0.2, abs=0.2)
    seen = np.array([0.6, 0.28, 0.09, 0.03]) * -np.expm1(-rates)
    truth = np.exp(chance.poisson_log_mass(counts[:, None], rates)) @ (seen / seen.sum())
    assert law.loglik > np.log(truth).sum()


def test_refits_of_many_draws_are_those_of_each_alone() -> None:
    rng = np.random.default_rng(4)
    rows = np.array([np.bincount(1 + rng.poisson(rng.choice([0.2, 8], 200)), minlength=40)
                     for _ in range(4)], dtype=float)[:, 1:]  # fmt: skip
    many = Histogram(np.arange(1, rows.shape[1] + 1, dtype=float), rows)
    start = mixtures.fit_mixture(Histogram(many.values, rows.sum(axis=0)), 2)
    weights, means = mixtures.refit(many, start)
    for row, weight, mean in zip(rows, weights, means, strict=True):
        alone = mixtures.fit_mixture(Histogram(many.values[row > 0], row[row > 0]), 2)
        order = np.argsort(mean)
        assert mean[order] == pytest.approx(alone.means, rel=0.01)
        assert weight[order] == pytest.approx(alone.weights, rel=0.01)


def test_distance_is_the_sum_of_its_definition() -> None:
    counts, masses = np.array([1, 1, 2, 5]), np.array([0.4, 0.3, 0.2, 0.1])
    below = np.array([2, 3, 3, 4]) / 4  # five joins the last cell
    want = 4 * ((below - masses.cumsum()) ** 2 * masses).sum()
    assert count_fits.distance(histogram(counts), masses) == pytest.approx(want)


def test_too_few_cells_have_no_chi_squared() -> None:
    found = count_fits.chi_squared([1, 1, 2], chance.fit_log_series([1, 1, 2]))
    assert np.isnan(found.p)
    assert found.df < 1


@pytest.mark.parametrize(
    ("p", "says"),
    [
        ([0.001, 0.4, 0.001, 0.001], "do not contradict: negative binomial."),
        ([0.001, 0.001, 0.001, 0.3], "laws does."),
        ([0.001, 0.001, 0.001, 0.001], "Nor does"),
        ([np.nan] * 4, "not shown"),
    ],
)
def test_verdict_names_the_laws_that_are_not_contradicted(p: list, says: str) -> None:
    table = pd.DataFrame({"law": count_fits.NAMES, "p_distance": p})
    assert says in count_fits.describe(table)


def test_counts_of_a_law_are_not_told_from_it_and_others_are() -> None:
    rng = np.random.default_rng(5)
    counts = rng.logseries(0.8, 400)
    table = count_fits.compare(counts, count_fits.fit_laws(counts), draws=99).set_index("law")
    assert table.loc["log_series", "p_distance"] > 0.05
    assert table.loc["poisson", "p_distance"] == pytest.approx(0.01)
    assert table["bic"].idxmin() == "log_series"
    assert table["aic"].min() == table["bic"].min() == 0


@pytest.mark.parametrize("law", ["poisson", "log_series"])
def test_fit_tests_keep_their_size(law: str) -> None:
    worlds = [count_worlds.fit_tests(seed, drawn=law, draws=39) for seed in range(60)]
    rejected = pd.DataFrame(worlds)[["rejects_cells", "rejects_distance"]].sum()
    # nominal 3 of 60; 9 or more come once in four hundred correct runs
    assert (rejected <= 8).all()


@pytest.mark.long
def test_the_fit_test_of_a_mixture_keeps_its_size() -> None:
    worlds = pd.DataFrame(
        [
            count_worlds.fit_tests(seed, drawn="four rates", fitted="mixture", people=800, draws=39)
            for seed in range(60)
        ]
    )
    assert worlds["rejects_distance"].sum() <= 8  # as above


@pytest.mark.parametrize("law", ["poisson", "negative_binomial", "log_series"])
def test_fit_tests_see_two_kinds_of_people(law: str) -> None:
    found = count_worlds.fit_tests(3, drawn="two rates", fitted=law, draws=39)
    assert found["rejects_distance"]
    assert found["rejects_cells"]


@pytest.mark.parametrize("bursts", [False, True])
def test_one_rate_each_is_not_rejected_where_it_holds_and_is_where_it_does_not(
    bursts: bool,
) -> None:
    worlds = pd.DataFrame(
        [count_worlds.staying_at_the_top(seed, bursts=bursts, draws=79) for seed in range(30)]
    )
    # nominal 1.5 of 30; 6 or more come once in five hundred correct runs
    outside = worlds["below"].sum() + worlds["above"].sum()
    assert (worlds["below"].mean() > 0.9) if bursts else (outside <= 5)
