"""One simulated data set each for the regressions of the chapter on predictors."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study.controls.summary import Estimate, wald
from missing_lib.study.frame import known_before
from missing_lib.study.missing_values import imputed, terms, with_gaps
from missing_lib.study.predictors import (
    ever_missing,
    ever_missing_by_time_at_risk,
    number_of_incidents,
)
from missing_lib.study.regression import Fit, holm, logistic
from missing_lib.study.worlds_people import (
    EFFECTS,
    FEMALE,
    Known,
    counts_world,
    ever_missing_world,
    forgotten_world,
)

#: The marker of the worlds that changes nothing.
IDLE = "school_exclusion"


def landmark(
    seed: int, *, people: int = 2000, noticed: float = 0.3, dated: bool = True
) -> dict[str, Estimate]:
    """Logistic regression of ever missing on markers, of which later ones are to be left out.

    Returns
    -------
    dict of Estimate
        Log odds ratio of each marker of the study, ``effect`` (average marginal effect of
        self-harm, whose truth is that of the people simulated) and ``idle``, the test of a
        marker that changes nothing.
    """
    rng = np.random.default_rng(seed)
    cohort, known = ever_missing_world(people, rng, noticed=noticed, dated=dated)
    fit = ever_missing(known_before(cohort))
    row = fit.row("self_harm")
    effect = Estimate(
        _effect(known, "self_harm", -1.9), row["effect"], row["effect_lower"], row["effect_upper"]
    )
    return {**coefficients(fit, EFFECTS), "effect": effect, "idle": test_of(fit, IDLE)}


def family(seed: int, *, people: int = 2000) -> dict[str, Estimate]:
    """Whether any of the study's five markers is declared, where none changes anything.

    Returns
    -------
    dict of Estimate
        ``holm`` and ``unadjusted``: smallest p value with and without adjustment.
    """
    rng = np.random.default_rng(seed)
    nothing = dict.fromkeys(EFFECTS, 0.0)
    cohort, _ = ever_missing_world(people, rng, effects=nothing)
    fit = ever_missing(known_before(cohort))
    plain = fit.terms.set_index("term")["p"].reindex(list(STUDY_MARKERS))
    return {
        "holm": Estimate(p=float(np.nanmin(holm(plain)))),
        "unadjusted": Estimate(p=float(plain.min())),
    }


def time_at_risk(seed: int, *, people: int = 2000, alpha: float = 0.0) -> dict[str, Estimate]:
    """Complementary log-log regression with unequal time at risk.

    Returns
    -------
    dict of Estimate
        Log hazard ratio of each marker of the study, and ``idle``.
    """
    rng = np.random.default_rng(seed)
    cohort, _ = counts_world(people, rng, alpha=alpha)
    fit = ever_missing_by_time_at_risk(known_before(cohort))
    return {**coefficients(fit, EFFECTS), "idle": test_of(fit, IDLE)}


def counts(
    seed: int,
    *,
    people: int = 2000,
    alpha: float = 4.0,
    alpha_in_care: float | None = None,
    most: int = 0,
) -> dict[str, Estimate]:
    """Negative binomial regression of the number of incidents with unequal time at risk.

    Returns
    -------
    dict of Estimate
        Log rate ratio of each marker of the study, ``log_alpha`` (interval by the delta method;
        only where alpha is one number above 0) and ``idle``.
    """
    rng = np.random.default_rng(seed)
    cohort, _ = counts_world(people, rng, alpha=alpha, alpha_in_care=alpha_in_care, most=most)
    fit = number_of_incidents(known_before(cohort))
    found = {**coefficients(fit, EFFECTS), "idle": test_of(fit, IDLE)}
    if alpha > 0 and alpha_in_care is None:
        value, se = np.log(fit.dispersion), fit.dispersion_se / fit.dispersion
        found["log_alpha"] = wald(float(np.log(alpha)), float(value), float(se))
    return found


def not_on_record(seed: int, *, people: int = 2000, copies: int = 5) -> dict[str, Estimate]:
    """Logistic regression where sex and ethnicity are not on record for all.

    Returns
    -------
    dict of Estimate
        Log odds ratio of each marker of the study, of ``female`` and of ``ethnicity_other``, from
        imputed data; ``complete``, that of mental health from complete cases.
    """
    frame = known_before(forgotten_world(people, np.random.default_rng(seed)))
    pooled = imputed(frame, seed, copies)
    complete = logistic(frame.people["ever"].astype(bool), terms(with_gaps(frame)))
    name = "mental_health"
    return {
        **coefficients(pooled, EFFECTS),
        "female": _log_ratio(pooled, "female", FEMALE),
        "ethnicity_other": _log_ratio(pooled, "ethnicity_other", 0.0),
        "complete": _log_ratio(complete, name, EFFECTS[name]),
    }


def coefficients(fit: Fit, truth: dict[str, float]) -> dict[str, Estimate]:
    """Log ratios of the study's markers."""
    return {name: _log_ratio(fit, name, truth[name]) for name in STUDY_MARKERS}


def _log_ratio(fit: Fit, term: str, truth: float) -> Estimate:
    row = fit.row(term)
    return wald(truth, row["coefficient"], row["se"])


def test_of(fit: Fit, term: str) -> Estimate:
    """The test of one term."""
    return Estimate(p=float(fit.row(term)["p"]))


def _effect(known: Known, marker: str, level: float) -> float:
    """Mean difference of probability with and without a marker over the people simulated."""
    without = level + known.eta - EFFECTS[marker] * known.marks[marker].to_numpy()
    return float((expit(without + EFFECTS[marker]) - expit(without)).mean())
