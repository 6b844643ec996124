"""Arguments of models that do not fit together, or are coded otherwise, are refused by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from missing_lib.study import chance, concentration, regression, truncated
from missing_lib.study.histogram import Histogram

N = 60
RNG = np.random.default_rng(1)
X = pd.DataFrame({"a": RNG.integers(0, 2, N).astype(float), "z": RNG.normal(size=N)})
YES_NO = RNG.integers(0, 2, N).astype(float)
COUNTS = RNG.integers(0, 5, N).astype(float)
DAYS = np.full(N, 10.0)

Model = Callable[[object, pd.DataFrame, object], object]
MODELS: dict[str, tuple[Model, np.ndarray]] = {
    "logistic": (lambda y, x, days: regression.logistic(y, x), YES_NO),
    "log-log": (regression.complementary_log_log, YES_NO),
    "counts": (regression.negative_binomial, COUNTS),
    "truncated": (truncated.zero_truncated_negative_binomial, COUNTS),
    "truncated poisson": (truncated.zero_truncated_poisson, COUNTS),
}


@pytest.mark.parametrize("name", MODELS)
def test_arguments_of_other_lengths_orders_or_names_are_refused(name: str) -> None:
    model, y = MODELS[name]
    for short in (y[:-1], np.append(y, y)):
        with pytest.raises(ValueError, match=f"design has {N} rows and outcome {len(short)}"):
            model(short, X, DAYS)
    with pytest.raises(ValueError, match="index of design is not that of outcome"):
        model(pd.Series(y), X[::-1], DAYS)
    with pytest.raises(ValueError, match="Two columns are named z"):
        model(y, X.set_axis(["z", "z"], axis=1), DAYS)
    if name != "logistic":
        with pytest.raises(ValueError, match="days has 1 rows"):
            model(y, X, DAYS[:1])
        with pytest.raises(ValueError, match="days are infinite"):
            model(y, X, np.where(np.arange(N) == 3, np.inf, DAYS))


@pytest.mark.parametrize("odd", [2.0, 0.5, -1.0, np.inf])
@pytest.mark.parametrize("name", MODELS)
def test_outcomes_of_another_coding_are_refused(name: str, odd: float) -> None:
    model, y = MODELS[name]
    spoiled = np.where(np.arange(N) == 3, odd, y)
    says = "must be 0 or 1" if y is YES_NO else "must be whole numbers of 0 or more"
    if y is COUNTS and odd == 2.0:
        model(spoiled, X, DAYS)
        return
    with pytest.raises(ValueError, match=says):
        model(spoiled, X, DAYS)


def test_missing_values_are_no_other_coding() -> None:
    for model, y in MODELS.values():
        model(np.where(np.arange(N) == 3, np.nan, y), X, DAYS)


def test_links_of_others_are_refused() -> None:
    with pytest.raises(ValueError, match=r"linked has shape \(3, 3\) for 60 people"):
        regression.logistic(YES_NO, X, csr_array(np.zeros((3, 3))))


LAWS = [chance.fit_poisson, chance.fit_log_series, chance.fit_negative_binomial]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ([0, 1, 2, 3], "whole numbers of 1 or more; 0 is not"),
        ([1.5, 1, 2], "whole numbers of 0 or more; 1.5 is not"),
        ([-1, 1, 2], "whole numbers of 0 or more; -1 is not"),
        ([np.inf, 1, 2], "whole numbers of 0 or more; inf is not"),
        ([np.nan, 1, 2], "A count is missing"),
        (Histogram(np.array([0.0, 1, 2]), np.array([1.0, 5, 2])), "1 or more; 0 is not"),
    ],
)
def test_a_law_of_at_least_one_refuses_other_counts(law: Callable, counts: list, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        law(counts)


@pytest.mark.parametrize("law", LAWS)
def test_a_row_of_a_histogram_without_people_is_nobody(law: Callable) -> None:
    counts = Histogram(np.array([0.0, 1, 2, 3]), np.array([0.0, 9, 3, 1]))
    assert law(counts).loglik == pytest.approx(law([1] * 9 + [2] * 3 + [3]).loglik, rel=1e-9)


@pytest.mark.parametrize("counts", [[-1, 2, 3], [1.5, 2], [np.inf, 1]])
def test_concentration_is_that_of_counts(counts: list) -> None:
    with pytest.raises(ValueError, match="whole numbers of 0 or more"):
        concentration.measure(counts, 0.2, 10)
