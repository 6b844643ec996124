"""Dispersion, calibration, influence and collinearity: held against brute force and statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit
from scipy.stats import chi2, nbinom, poisson
from statsmodels.stats.outliers_influence import variance_inflation_factor

from missing_lib.figures import predictors as figures
from missing_lib.study import diagnostics, predictors
from missing_lib.study import frame as frames
from missing_lib.study.frame import Frame
from tests.made_networks import made_frame, odd_cohorts

pytestmark = pytest.mark.filterwarnings("error")

EXACT = 1e-6  # both sides are maxima of one likelihood
ONE_STEP = 0.03  # one Newton step from the full estimate
ODD = odd_cohorts()


def counted(seed: int, alpha: float, people: int = 800) -> Frame:
    """A frame whose numbers of incidents are negative binomial, or Poisson where alpha is 0."""
    frame, rng = made_frame(people, seed, {"mental_health": 0.4, "arrest": 0.4})
    mean = np.exp(-0.7 + 0.6 * frame.marks["arrest"]).to_numpy()
    spread = rng.gamma(1 / alpha, alpha, people) if alpha else np.ones(people)
    number = rng.poisson(mean * spread)
    return replace(frame, people=frame.people.assign(incidents=number, ever=number > 0, days=1))


def logistic_world(people: int, seed: int, beta: dict[str, float]) -> Frame:
    """A frame with an outcome of logit -1 plus the sum of beta over markers."""
    frame, rng = made_frame(people, seed, dict.fromkeys(beta, 0.4))
    eta = -1.0 + frame.marks.to_numpy() @ np.array(list(beta.values()))
    ever = rng.random(people) < expit(eta)
    return replace(frame, people=frame.people.assign(ever=ever, incidents=ever.astype(int)))


# --- dispersion ------------------------------------------------------------------------------


def test_dispersion_by_hand() -> None:
    frame = counted(1, 1.5)
    fit = predictors.number_of_incidents(frame)
    found = diagnostics.dispersion(frame, fit)
    known = fit.terms[fit.terms["coefficient"].notna()]
    x = frames.covariates(frame)[known["term"]].to_numpy()
    mu = np.exp(fit.intercept + x @ known["coefficient"].to_numpy())
    y = frame.people["incidents"].to_numpy()
    freedom = len(y) - x.shape[1] - 1
    pearson = ((y - mu) ** 2 / (mu + fit.dispersion * mu**2)).sum() / freedom
    assert found.negative_binomial == pytest.approx(pearson, rel=EXACT)
    plain = sm.Poisson(y, sm.add_constant(x)).fit(method="newton", disp=False)
    lam = plain.predict()
    assert found.poisson == pytest.approx(((y - lam) ** 2 / lam).sum() / freedom, rel=EXACT)
    size = 1 / fit.dispersion
    gain = 2 * (nbinom.logpmf(y, size, size / (size + mu)).sum() - poisson.logpmf(y, lam).sum())
    assert found.statistic == pytest.approx(gain, rel=EXACT)
    assert found.p == pytest.approx(chi2.sf(gain, 1) / 2, rel=1e-4)
    ratio = np.exp(1.959964 * fit.dispersion_se / fit.dispersion)
    assert [found.lower, found.upper] == pytest.approx(
        [fit.dispersion / ratio, fit.dispersion * ratio], rel=EXACT
    )
    assert found.people == (y > 0).sum()


def test_the_boundary_test_rejects_a_poisson_truth_as_rarely_as_it_says() -> None:
    """Half of chi-squared: without the half it would reject half as often."""
    p = []
    for seed in range(30):
        frame = counted(seed, 0.0, people=300)
        found = diagnostics.dispersion(frame, predictors.number_of_incidents(frame))
        p.append(found.p)
        assert (found.alpha == 0) == (found.p == 1)
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 30)
    seen = counted(3, 1.5)
    assert diagnostics.dispersion(seen, predictors.number_of_incidents(seen)).p < 1e-6


def test_what_is_said_of_dispersion() -> None:
    wide = diagnostics.Dispersion(9.0, 1.0, 2.0, 1.5, 2.5, 99.0, 0.001, people=50)
    assert "speaks against the Poisson" in diagnostics.describe_dispersion(wide)
    assert "does not speak" in diagnostics.describe_dispersion(replace(wide, p=0.3))
    assert "So even" not in diagnostics.describe_dispersion(wide)
    assert "So even" in diagnostics.describe_dispersion(replace(wide, negative_binomial=3.0))
    assert "boundary, nought, and is" in diagnostics.describe_dispersion(replace(wide, alpha=0.0))
    none = replace(wide, alpha=np.nan)
    assert "{" not in diagnostics.describe_dispersion(none)


# --- calibration -----------------------------------------------------------------------------


def test_a_model_of_the_truth_is_calibrated_and_one_of_noise_is_too_extreme() -> None:
    truth = logistic_world(3000, 2, {"mental_health": 1.0, "arrest": 0.8})
    found = diagnostics.calibration(truth, seed=1)
    assert found.lower < 1 < found.upper
    bands = found.bands
    assert len(bands) == 10
    assert bands["people"].sum() == 3000
    assert bands["events"].sum() == truth.people["ever"].sum()
    error = np.sqrt(bands["forecast"] / bands["people"])
    assert ((bands["observed"] - bands["forecast"]).abs() < 4.5 * error).all()
    rng = np.random.default_rng(1)
    few = logistic_world(160, 2, {"mental_health": 0.0})
    noise = {f"noise_{k}": (rng.random(160) < 0.5).astype(float) for k in range(4)}
    spurious = replace(few, marks=few.marks.assign(**noise))
    assert diagnostics.calibration(spurious, seed=1).upper < 1


def test_nobody_is_predicted_from_themselves() -> None:
    """The risk of a fold does not change with its own outcomes."""
    frame = logistic_world(600, 4, {"arrest": 1.0})
    first = np.random.default_rng(7).permutation(600) % 10 == 0
    before = diagnostics._predicted(frame, np.random.default_rng(7), 10)
    turned = frame.people["ever"].to_numpy().copy()
    turned[first] = ~turned[first]
    other = replace(frame, people=frame.people.assign(ever=turned))
    after = diagnostics._predicted(other, np.random.default_rng(7), 10)
    assert (before[first] == after[first]).all()
    assert (before[~first] != after[~first]).any()


def test_the_slope_is_that_of_a_logistic_model_of_the_outcome() -> None:
    frame = logistic_world(900, 5, {"arrest": 1.0, "mental_health": 0.5})
    found = diagnostics.calibration(frame, seed=3)
    risk = diagnostics._predicted(frame, np.random.default_rng(3), 10)
    x = sm.add_constant(np.log(risk / (1 - risk)))
    fit = sm.Logit(frame.people["ever"].astype(float), x).fit(disp=False)
    assert found.slope == pytest.approx(fit.params.iloc[1], rel=EXACT)
    assert [found.lower, found.upper] == pytest.approx(list(fit.conf_int().iloc[1]), rel=EXACT)


@pytest.mark.parametrize(("low", "high", "says"), [
    (0.8, 0.95, "too extreme"), (1.1, 1.3, "not extreme enough"), (0.9, 1.1, "nothing speaks"),
])  # fmt: skip
def test_what_is_said_of_calibration(low: float, high: float, says: str) -> None:
    found = diagnostics.CrossFitted(pd.DataFrame(), 1.0, low, high, people=50)
    assert says in diagnostics.describe_calibration(found)
    unknown = replace(found, slope=np.nan)
    assert "{" not in diagnostics.describe_calibration(unknown)


# --- influence and collinearity --------------------------------------------------------------


def test_the_largest_influence_is_that_of_leaving_out_each_in_turn() -> None:
    frame = logistic_world(150, 6, {"mental_health": 0.8, "arrest": 0.5})
    fit = predictors.ever_missing(frame)
    found = diagnostics.influence(frame, fit, ["arrest"]).iloc[0]
    design, ever = frames.covariates(frame), frame.people["ever"].to_numpy()
    terms = list(fit.terms.loc[fit.terms["coefficient"].notna(), "term"])
    x = sm.add_constant(design[terms]).to_numpy()
    moved = []
    for k in range(len(ever)):
        kept = np.arange(len(ever)) != k
        less = sm.Logit(ever[kept], x[kept]).fit(method="newton", disp=False).params
        moved.append(abs(less[terms.index("arrest") + 1] - fit.row("arrest")["coefficient"]))
    want = max(moved) / fit.row("arrest")["se"]
    assert found["largest"] == pytest.approx(want, rel=ONE_STEP)
    assert found["band"] == min(b for b in diagnostics.BANDS if b >= found["largest"])
    assert found["people"] == fit.row("arrest")[["people", "events"]].min()


@pytest.mark.parametrize(("largest", "band"), [
    (0.0, 0.1), (0.1, 0.1), (0.11, 0.2), (0.7, 1.0), (40.0, 5.0), (np.nan, np.nan),
])  # fmt: skip
def test_only_a_class_of_influence_is_told(largest: float, band: float) -> None:
    assert diagnostics._band(largest) == pytest.approx(band, nan_ok=True)


def test_variance_inflation_is_that_of_statsmodels() -> None:
    frame = logistic_world(500, 7, {"mental_health": 0.5, "arrest": 0.5})
    rng = np.random.default_rng(7)
    near = np.where(rng.random(500) < 0.9, frame.marks["arrest"], 1 - frame.marks["arrest"])
    frame = replace(frame, marks=frame.marks.assign(care=near))
    fit = predictors.ever_missing(frame)
    markers = ["mental_health", "arrest", "care"]
    found = diagnostics.collinearity(frame, fit, markers)
    kept = list(fit.terms.loc[fit.terms["coefficient"].notna(), "term"])
    x = sm.add_constant(frames.covariates(frame)[kept]).to_numpy()
    want = [variance_inflation_factor(x, kept.index(m) + 1) for m in markers]
    assert found["inflation"].tolist() == pytest.approx(want, rel=1e-9)
    assert found["inflation"].max() > 2
    told = diagnostics.describe_collinearity(found["inflation"])
    assert "only just be told apart" in told
    assert "told apart well" in diagnostics.describe_collinearity(found["inflation"][:1])


def test_what_is_said_of_influence() -> None:
    assert "hangs on nobody" in diagnostics.describe_influence(pd.Series([0.1, 0.5, np.nan]))
    assert "do not lean" in diagnostics.describe_influence(pd.Series([0.1, 2.0]))
    assert "{" not in diagnostics.describe_influence(pd.Series([np.nan]))
    assert "{" not in diagnostics.describe_collinearity(pd.Series([], dtype=float))


@pytest.mark.parametrize("name", ODD)
def test_odd_cohorts_give_nan_and_a_sentence(name: str) -> None:
    frame = frames.known_before(ODD[name])
    five = frame.study_markers
    fit = predictors.ever_missing(frame)
    assert diagnostics.describe_dispersion(
        diagnostics.dispersion(frame, predictors.number_of_incidents(frame))
    )
    found = diagnostics.calibration(frame, seed=1)
    assert found.bands["people"].sum() <= len(frame.people)
    bands = found.bands.rename(columns={"observed": "share"})
    figures.calibration(bands.drop(columns="forecast"), bands[["band", "forecast"]])
    assert diagnostics.describe_calibration(found)
    assert len(diagnostics.influence(frame, fit, five)) == len(five)
    assert len(diagnostics.collinearity(frame, fit, five)) == len(five)


def test_points_of_the_calibration_figure_are_the_classes_that_are_shown() -> None:
    shown = pd.DataFrame({"band": [1, 2, 3], "share": [0.1, np.nan, 0.4],
                          "lower": [0.05, np.nan, 0.3], "upper": [0.2, np.nan, 0.5]})  # fmt: skip
    predicted = pd.DataFrame({"band": [1, 2, 3], "forecast": [0.12, 0.2, 0.38]})
    ax = figures.calibration(shown, predicted).axes[0]
    assert ax.containers[0].lines[0].get_xdata().tolist() == [0.12, 0.38]
