"""What a ratio means in people: differences of risk, with and without each marker."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from missing_lib.study.frame import Frame, covariates
from missing_lib.study.influence import Influence, of_model
from missing_lib.study.predictors import words
from missing_lib.study.regression import Fit

#: Days within which the risk of the model with unequal time at risk is stated: a year.
HORIZON = 365
_Z = float(norm.ppf(0.975))


def average_effects(fit: Fit, markers: list[str]) -> pd.DataFrame:
    """How much more often people with a marker are missing, all else as it is.

    Returns
    -------
    DataFrame
        ``marker``, ``effect``, ``lower``, ``upper`` (differences of probability) and ``people``
        (fewest on whom the estimate rests).
    """
    rows = fit.terms[fit.terms["term"].isin(markers)]
    return pd.DataFrame(
        {
            "marker": [words(name) for name in rows["term"]],
            "effect": rows["effect"].to_numpy(float),
            "lower": rows["effect_lower"].to_numpy(float),
            "upper": rows["effect_upper"].to_numpy(float),
            "people": rows[["people", "events"]].min(axis=1).to_numpy(int),
        }
    )


def risk_within(
    fit: Fit, frame: Frame, markers: list[str], horizon: float = HORIZON
) -> pd.DataFrame:
    """How much the risk of a first incident within the horizon differs by marker.

    For each marker the mean over everybody in the frame of P(T | yes) - P(T | no), with
    P(T) = 1 - exp(-T exp(a + x b)) and all else as it is: the risk if everybody had the marker
    less the risk if nobody had it. Bounds by the delta method.

    Parameters
    ----------
    fit : Fit
        From :func:`.predictors.ever_missing_by_time_at_risk` of the same frame.
    frame : Frame
    markers : list of str
    horizon : float
        T, in days.

    Returns
    -------
    DataFrame
        ``marker``, ``with_it``, ``without`` (mean risks), ``effect``, ``lower``, ``upper`` (their
        difference) and ``people``; NaN where not estimated.

    References
    ----------
    Graubard and Korn 1999, doi 10.1111/j.0006-341X.1999.00652.x.
    """
    design = covariates(frame)
    people = frame.people
    pieces = of_model(fit, people["person_id"], people["ever"], design, people["days"])
    rows = fit.terms[fit.terms["term"].isin(markers)]
    risks = [_risks(pieces, name, horizon) for name in rows["term"]]
    out = pd.DataFrame(risks, columns=["with_it", "without", "effect", "lower", "upper"])
    out.insert(0, "marker", [words(name) for name in rows["term"]])
    return out.assign(people=rows[["people", "events"]].min(axis=1).to_numpy(int))


def _risks(pieces: Influence | None, term: str, horizon: float) -> tuple[float, ...]:
    """Mean risks with and without a term, their difference and its bounds."""
    if pieces is None or term not in pieces.terms:
        return (np.nan,) * 5
    mean, slope = [], []
    for level in (1.0, 0.0):
        x = pieces.x.copy()
        x[:, pieces.terms.index(term)] = level
        hazard = horizon * np.exp(x @ pieces.coefficients)
        mean.append(float(-np.expm1(-hazard).mean()))
        slope.append((hazard * np.exp(-hazard)) @ x / len(x))
    gradient = slope[0] - slope[1]
    se = float(np.sqrt(gradient @ pieces.covariance @ gradient))
    effect = mean[0] - mean[1]
    return (*mean, effect, effect - _Z * se, effect + _Z * se)
