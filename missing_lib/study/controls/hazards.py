"""One simulated data set each for the hazard models of recurrent incidents."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.controls.summary import Estimate, wald
from missing_lib.study.cox import CoxFit, fit_cox, fit_rows, prepare
from missing_lib.study.cox.frailty import fit_frailty
from missing_lib.study.cox.residuals import proportional_hazards_test
from missing_lib.study.worlds_hazards import EFFECTS, Rows, recurrent

#: Orders of incident that have a baseline of their own; later ones share the last.
_STRATA = 4


def andersen_gill(seed: int, *, people: int = 500, theta: float = 1.0) -> dict[str, Estimate]:
    """Andersen-Gill model, which aims at the mean number whatever the frailty.

    Returns
    -------
    dict of Estimate
        ``robust_marked`` and ``robust_score``, with errors by person; ``model_marked`` and
        ``model_score``, with those of independent increments.
    """
    rows = recurrent(people, np.random.default_rng(seed), theta)
    fit = fit_cox(rows.stop, rows.event, rows.design, start=rows.start, cluster=rows.person)
    plain = np.sqrt(np.diag(fit.covariance))
    robust = {f"robust_{n}": e for n, e in _coefficients(fit, fit.standard_errors).items()}
    return robust | {f"model_{n}": e for n, e in _coefficients(fit, plain).items()}


def conditional(seed: int, *, people: int = 500, theta: float = 0.0) -> dict[str, Estimate]:
    """Models of Prentice, Williams and Peterson: a baseline for each order of incident.

    Returns
    -------
    dict of Estimate
        ``gap_marked``, ``gap_score`` (time since the last incident), ``total_marked`` and
        ``total_score`` (time since the window opened); errors by person.
    """
    rows = recurrent(people, np.random.default_rng(seed), theta)
    order = np.minimum(rows.order, _STRATA)
    gap = fit_cox(
        rows.stop - rows.start, rows.event, rows.design, strata=order, cluster=rows.person
    )
    total = fit_cox(
        rows.stop, rows.event, rows.design, start=rows.start, strata=order, cluster=rows.person
    )
    return {
        f"{clock}_{name}": one
        for clock, fit in (("gap", gap), ("total", total))
        for name, one in _coefficients(fit, fit.standard_errors).items()
    }


def frailty(
    seed: int,
    *,
    people: int = 300,
    theta: float = 1.0,
    only_reported: bool = False,
    truncated: bool = False,
) -> dict[str, Estimate]:
    """Shared gamma frailty by maximum marginal likelihood.

    Returns
    -------
    dict of Estimate
        ``marked``, ``score`` (given the frailty), ``theta`` (profile likelihood interval) and
        ``no_frailty``, the test of theta = 0.
    """
    rows = recurrent(people, np.random.default_rng(seed), theta, only_reported)
    ready = prepare(rows.stop, rows.event, rows.design, start=rows.start)
    fit = fit_frailty(ready, rows.person, ties="breslow", truncated=truncated)
    se = np.sqrt(np.diag(fit.covariance))
    found = _of_terms(fit.terms, fit.coefficients, se)
    found["theta"] = Estimate(theta, fit.theta, fit.theta_lower, fit.theta_upper, fit.theta_se)
    return found | {"no_frailty": Estimate(p=fit.p)}


def proportional(seed: int, *, people: int = 500, theta: float = 0.0) -> dict[str, Estimate]:
    """The test of proportional hazards, in a Cox model of the time to the first incident.

    Returns
    -------
    dict of Estimate
        ``marked`` and ``both`` terms together.
    """
    every = recurrent(people, np.random.default_rng(seed), theta)
    rows: Rows = every.keep(every.order == 1)
    ready = prepare(rows.stop, rows.event, rows.design)
    found = proportional_hazards_test(ready, fit_rows(ready)).set_index("term")["p"]
    return {
        "marked": Estimate(p=float(found["marked"])),
        "both": Estimate(p=float(found["all terms"])),
    }


def _coefficients(fit: CoxFit, se: NDArray[np.float64]) -> dict[str, Estimate]:
    return _of_terms(fit.terms, fit.coefficients, se)


def _of_terms(
    terms: tuple[str, ...], coefficients: NDArray[np.float64], se: NDArray[np.float64]
) -> dict[str, Estimate]:
    """Log hazard ratios; without a value where a term is not estimated."""
    b, error = (pd.Series(v, index=list(terms)).reindex(list(EFFECTS)) for v in (coefficients, se))
    return {
        name: wald(truth, float(b[name]), float(error[name])) for name, truth in EFFECTS.items()
    }
