"""Does the model fit? Dispersion, calibration, influence and collinearity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2, norm

from missing_lib.study import likelihoods, validation
from missing_lib.study.frame import Frame, covariates
from missing_lib.study.influence import of_model
from missing_lib.study.predictors import LEVEL, words
from missing_lib.study.regression import Fit, logistic

Floats = NDArray[np.float64]
#: Parts of the data that are left out in turn, and predicted from the rest.
FOLDS = 10
#: Most bands of predicted risk, each with as many people, and people ever (and never) missing
#: in one of them on average.
BANDS_OF_RISK, IN_A_BAND = 10, 20
#: Bounds of the classes in which the largest influence of one person is told, in standard
#: errors; the last stands for anything above as well.
BANDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
#: Pearson's statistic per degree of freedom up to which counts are not called overdispersed.
MUCH = 1.5
#: From this variance inflation on an interval is at least half as wide again (1.5 squared).
INFLATED = 2.25
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Dispersion:
    """How much counts vary beyond the models of them.

    Attributes
    ----------
    poisson, negative_binomial : float
        Pearson's statistic sum (y - mu)^2 / V(mu) per degree of freedom under each model; about
        1 where its variance V is right.
    alpha, lower, upper : float
        Of the negative binomial, with a 95 % interval on the log scale; 0 is Poisson, and has
        no interval.
    statistic, p : float
        Likelihood ratio against alpha = 0, which lies on the boundary: half of chi-squared with
        one degree of freedom (Self and Liang 1987, doi 10.1080/01621459.1987.10478472).
    people : int
        People with an incident.
    """

    poisson: float
    negative_binomial: float
    alpha: float
    lower: float
    upper: float
    statistic: float
    p: float
    people: int


@dataclass(frozen=True)
class CrossFitted:
    """Predicted risks against what happened, for people who were not used to predict.

    Attributes
    ----------
    bands : DataFrame
        From :func:`.validation.calibration_bands`, with ``fewest`` (smaller of those ever and
        never missing).
    slope, lower, upper : float
        Calibration slope with 95 % bounds; 1 is right, below 1 predictions are too extreme.
    people : int
        Smaller of people ever and never missing; 0 without a slope.
    """

    bands: pd.DataFrame
    slope: float
    lower: float
    upper: float
    people: int


def dispersion(frame: Frame, fit: Fit) -> Dispersion:
    """Check the spread of counts around a negative binomial regression.

    Parameters
    ----------
    frame : Frame
    fit : Fit
        From :func:`.predictors.number_of_incidents` of the same frame.
    """
    ever = int(frame.people["ever"].sum())
    if fit.problem:
        return Dispersion(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, people=ever)
    y, x, t = _counts(frame, fit)
    poisson = likelihoods.poisson(likelihoods.alike(y, x, np.log(t)))
    b = np.append(fit.intercept, fit.terms["coefficient"].dropna())
    mu, plain, alpha = t * np.exp(x @ b), t * np.exp(x @ poisson.params), fit.dispersion
    freedom = len(y) - x.shape[1]
    half = _Z * fit.dispersion_se / alpha if alpha > 0 else np.nan
    gain = max(2 * (fit.log_likelihood - poisson.log_likelihood), 0.0)
    return Dispersion(
        poisson=float(np.sum((y - plain) ** 2 / plain) / freedom),
        negative_binomial=float(np.sum((y - mu) ** 2 / (mu + alpha * mu**2)) / freedom),
        alpha=alpha,
        lower=alpha * np.exp(-half),
        upper=alpha * np.exp(half),
        statistic=gain,
        p=float(chi2.sf(gain, 1) / 2) if gain > 0 else 1.0,
        people=ever,
    )


def calibration(frame: Frame, seed: int, folds: int = FOLDS) -> CrossFitted:
    """Check predicted risks by cross-fitting: each tenth is predicted from the other nine.

    On the data that it was fitted to a logistic model is calibrated by construction.

    Parameters
    ----------
    frame : Frame
    seed : int
        Of the division into folds.
    folds : int
    """
    ever = frame.people["ever"].to_numpy(bool)
    risk = _predicted(frame, np.random.default_rng(seed), folds)
    ever, risk = ever[np.isfinite(risk)], risk[np.isfinite(risk)]
    fewest = int(min(ever.sum(), (~ever).sum()))
    number = min(BANDS_OF_RISK, max(fewest // IN_A_BAND, 1))
    bands = validation.calibration_bands(ever, risk, number)
    found = validation.calibration(ever, risk)
    half = _Z * found.slope_se
    return CrossFitted(
        bands=bands.assign(fewest=np.minimum(bands["events"], bands["people"] - bands["events"])),
        slope=found.slope,
        lower=found.slope - half,
        upper=found.slope + half,
        people=fewest if np.isfinite(found.slope) else 0,
    )


def influence(frame: Frame, fit: Fit, markers: list[str]) -> pd.DataFrame:
    """How far one person alone moves each marker's coefficient, at most.

    Parameters
    ----------
    frame : Frame
    fit : Fit
        From :func:`.predictors.ever_missing` of the same frame.
    markers : list of str

    Returns
    -------
    DataFrame
        ``marker``, ``largest`` (change when one person is left out, in standard errors), ``band``
        (the least of :data:`BANDS` that it does not exceed) and ``people``. The largest is one
        person's, so that only the band may be shown.

    References
    ----------
    Belsley, Kuh and Welsch 1980, doi 10.1002/0471725153 (dfbetas); one-step as in Pregibon 1981,
    doi 10.1214/aos/1176345513.
    """
    pieces = of_model(fit, frame.people["person_id"], frame.people["ever"], covariates(frame))
    rows = fit.terms[fit.terms["term"].isin(markers)].reset_index(drop=True)
    largest = np.full(len(rows), np.nan)
    if pieces is not None:
        moved = pieces.left_out.abs().max().reindex(rows["term"])
        largest = moved.to_numpy(float) / rows["se"].to_numpy(float)
    return pd.DataFrame(
        {
            "marker": [words(name) for name in rows["term"]],
            "largest": largest,
            "band": [_band(value) for value in largest],
            "people": rows[["people", "events"]].min(axis=1).to_numpy(int),
        }
    )


def collinearity(frame: Frame, fit: Fit, markers: list[str]) -> pd.DataFrame:
    """Variance inflation of each marker by the other terms: 1/(1 - R^2).

    Returns
    -------
    DataFrame
        ``marker``, ``inflation`` and ``people``.

    References
    ----------
    Marquardt 1970, doi 10.1080/00401706.1970.10488699.
    """
    rows = fit.terms[fit.terms["term"].isin(markers)].reset_index(drop=True)
    estimated = list(fit.terms.loc[fit.terms["coefficient"].notna(), "term"])
    x = covariates(frame)[estimated].dropna().to_numpy(float)
    inflation = pd.Series(_inflation(x), index=estimated, dtype=float)
    return pd.DataFrame(
        {
            "marker": [words(name) for name in rows["term"]],
            "inflation": inflation.reindex(rows["term"]).to_numpy(float),
            "people": rows[["people", "events"]].min(axis=1).to_numpy(int),
        }
    )


def describe_dispersion(found: Dispersion) -> str:
    """What the spread of counts says, with ``poisson``, ``fitted``, ``alpha``, ``interval``."""
    if np.isnan(found.alpha):
        return "The number of incidents has no model here whose spread could be checked."
    if found.alpha == 0:
        return (
            "Counts spread {poisson} times as widely as a Poisson model allows: the negative "
            "binomial ran to its boundary, nought, and is that model here."
        )
    told = (
        "Counts spread {poisson} times as widely as a Poisson model allows, and {fitted} times "
        "as widely as the negative binomial does; its alpha is {alpha} (interval {interval}), "
    )
    if found.p < LEVEL:
        told += "and a test at the boundary, nought, speaks against the Poisson (p {p})."
    else:
        told += "and a test at the boundary, nought, does not speak against the Poisson (p {p})."
    if found.negative_binomial > MUCH:
        told += (
            " So even the negative binomial does not allow for the few with very many incidents, "
            "and its intervals are rather too narrow."
        )
    return told


def describe_calibration(found: CrossFitted) -> str:
    """What the slope says, with ``slope`` and ``interval``."""
    if np.isnan(found.slope):
        return "There are too few people to check predicted risks on people left out."
    told = "The calibration slope is {slope} (interval {interval}); one is perfect: "
    if found.upper < 1:
        return told + "the predicted risks are too extreme."
    if found.lower > 1:
        return told + "the predicted risks are not extreme enough."
    return told + "nothing speaks against the predicted risks."


def describe_influence(bands: pd.Series) -> str:
    """What the largest influences say together, with ``band``; NaN where not shown."""
    known = bands.dropna()
    if known.empty:
        return "There is no model here in which the influence of one person could be looked at."
    told = "Leaving out any one person moves no marker shown by more than {band} standard errors"
    if known.max() > 1:
        return told + ", which is a lot: do not lean on a marker that hangs on one person."
    return told + ": the answer hangs on nobody."


def describe_collinearity(inflation: pd.Series) -> str:
    """What the variance inflation says, with ``most``; NaN where not shown."""
    known = inflation.dropna()
    if known.empty:
        return "There is no model here whose terms could be held against each other."
    told = "The other terms inflate the variance of a marker by a factor of {most} at most: "
    if known.max() < INFLATED:
        return told + "the markers can be told apart well."
    return told + "some can only just be told apart, and their intervals are wide for that reason."


def _counts(frame: Frame, fit: Fit) -> tuple[Floats, Floats, Floats]:
    """Counts, terms that were estimated with a constant, and days, of the people in the model."""
    design, people = covariates(frame), frame.people
    used = (design.notna().all(axis=1) & (people["days"] > 0)).to_numpy(bool)
    terms = list(fit.terms.loc[fit.terms["coefficient"].notna(), "term"])
    x = np.column_stack([np.ones(used.sum()), design.loc[used, terms].to_numpy(float)])
    return (
        people.loc[used, "incidents"].to_numpy(float),
        x,
        people.loc[used, "days"].to_numpy(float),
    )


def _predicted(frame: Frame, rng: np.random.Generator, folds: int) -> Floats:
    """Risk of each person by the model of the others; NaN where that cannot be had."""
    design, ever = covariates(frame), frame.people["ever"].to_numpy(bool)
    complete = design.notna().all(axis=1).to_numpy(bool)
    fold = rng.permutation(len(design)) % folds
    risk = np.full(len(design), np.nan)
    for k in range(folds):
        out = (fold == k) & complete
        fit = logistic(ever[fold != k], design[fold != k].reset_index(drop=True))
        if fit.problem or not out.any():
            continue
        known = fit.terms[fit.terms["coefficient"].notna()]
        b = known["coefficient"].to_numpy(float)
        risk[out] = expit(fit.intercept + design.loc[out, known["term"]].to_numpy(float) @ b)
    return risk


def _band(largest: float) -> float:
    if np.isnan(largest):
        return float("nan")
    return next((bound for bound in BANDS if largest <= bound), BANDS[-1])


def _inflation(x: Floats) -> Floats:
    if x.shape[1] == 0:
        return np.zeros(0)
    return np.diag(np.linalg.inv(np.corrcoef(x, rowvar=False).reshape(x.shape[1], -1)))
