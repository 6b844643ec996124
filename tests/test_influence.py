"""Influence of people on estimates: held against leaving them out and against stacked models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from missing_lib.study import influence, regression
from missing_lib.study.influence import Influence
from missing_lib.study.regression import Fit

pytestmark = pytest.mark.filterwarnings("error")

EXACT = 1e-6  # both sides are Newton's method run to the end
ONE_STEP = 0.03  # one Newton step from the full estimate, in a sample of three hundred


def made(n: int, seed: int, shift: float = 0.0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"a": rng.integers(0, 2, n).astype(float), "z": rng.normal(size=n)})
    days = rng.uniform(50, 900, n)
    mean = days * np.exp(-6.5 + (0.6 + shift) * x["a"] + 0.3 * x["z"])
    return x, rng.random(n) < 1 - np.exp(-mean.to_numpy()), days


def fitted(kind: str, x: pd.DataFrame, y: np.ndarray, days: np.ndarray) -> Fit:
    if kind == "logistic":
        return regression.logistic(y, x)
    return regression.complementary_log_log(y, x, days)


def pieces(kind: str, x: pd.DataFrame, y: np.ndarray, days: np.ndarray, names: list) -> Influence:
    found = influence.of_model(
        fitted(kind, x, y, days), names, y, x, None if kind == "logistic" else days
    )
    assert found is not None
    return found


KINDS = ["logistic", "log-log"]


@pytest.mark.parametrize("kind", KINDS)
def test_scores_sum_to_nought_and_the_covariance_is_that_of_the_fit(kind: str) -> None:
    x, y, days = made(400, 1)
    found = pieces(kind, x, y, days, list(range(400)))
    assert found.terms == ["intercept", "a", "z"]
    assert np.abs(found.score.sum(axis=0)).max() < 1e-5
    se = fitted(kind, x, y, days).terms["se"]
    assert np.sqrt(np.diag(found.covariance))[1:] == pytest.approx(se, rel=EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_a_person_out_moves_the_estimates_as_foretold(kind: str) -> None:
    x, y, days = made(300, 2)
    found = pieces(kind, x, y, days, [f"p{k}" for k in range(300)])
    foretold = found.left_out
    most = foretold["a"].abs().sort_values().index[-5:]
    for name in most:
        out = np.arange(300) != int(name[1:])
        less = fitted(kind, x[out].reset_index(drop=True), y[out], days[out])
        moved = less.row("a")["coefficient"] - found.coefficients[1]
        assert foretold.loc[name, "a"] == pytest.approx(moved, rel=ONE_STEP)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [0, 150, 300])
def test_the_difference_is_that_of_a_stacked_model_clustered_by_person(
    kind: str, shared: int
) -> None:
    """Every term crossed with the part; CR0, that is without statsmodels' factor."""
    (x1, y1, d1), (x2, y2, d2) = made(300, 3), made(350, 4, shift=0.4)
    one = [f"p{k}" for k in range(300)]
    two = [f"p{k}" for k in range(300 - shared, 650 - shared)]
    first, second = pieces(kind, x1, y1, d1, one), pieces(kind, x2, y2, d2, two)
    row = influence.difference(first, second, ["a", "z", "other"]).set_index("term")
    base = sm.add_constant(pd.concat([x1, x2], ignore_index=True))
    later = np.r_[np.zeros(300), np.ones(350)][:, None] * base
    stacked = np.column_stack([base, later])
    link = sm.families.links.Logit() if kind == "logistic" else sm.families.links.CLogLog()
    offset = np.zeros(650) if kind == "logistic" else np.log(np.r_[d1, d2])
    family = sm.families.Binomial(link=link)
    model = sm.GLM(np.r_[y1, y2].astype(float), stacked, family=family, offset=offset)
    groups = pd.factorize(np.array(one + two))[0]
    result = model.fit(
        method="newton",
        cov_type="cluster",
        cov_kwds={"groups": groups, "use_correction": False},
        tol=1e-12,
    )
    for term, k in (("a", 4), ("z", 5)):
        assert row.loc[term, "coefficient"] == pytest.approx(result.params[k], rel=1e-4)
        assert row.loc[term, "se"] == pytest.approx(result.bse[k], rel=1e-4)
        assert row.loc[term, "p"] == pytest.approx(result.pvalues[k], rel=1e-3)
    assert row.loc["other"].isna().all()


def test_one_model_does_not_differ_from_itself() -> None:
    x, y, days = made(300, 5)
    same = pieces("logistic", x, y, days, list(range(300)))
    row = influence.difference(same, same, ["a"]).iloc[0]
    assert row["coefficient"] == row["se"] == 0
    assert influence.difference(same, None, ["a"])["estimate"].isna().all()


def test_only_models_whose_pieces_are_known_are_taken() -> None:
    x, y, days = made(300, 6)
    counts = regression.negative_binomial(y * 2, x, days)
    for fit, given in ((counts, days), (regression.logistic(y, x), days)):
        with pytest.raises(ValueError, match="only logistic models"):
            influence.of_model(fit, range(300), y, x, given)
    nobody = regression.logistic(np.zeros(300), x)
    assert influence.of_model(nobody, range(300), np.zeros(300), x) is None
