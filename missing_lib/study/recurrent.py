"""Models of recurrent events on counting-process rows: Andersen-Gill, PWP, frailty and WLW.

Andersen-Gill and Prentice-Williams-Peterson models are marginal: they compare people as they
are, and their standard errors are robust to rows of one person being alike. A frailty model
compares a person with the same person at another time, and its errors are those of the model.
The two estimate different numbers and stand in different tables.

References
----------
Andersen and Gill 1982, doi 10.1214/aos/1176345976; Prentice, Williams and Peterson 1981, doi
10.1093/biomet/68.2.373; Lin, Wei, Yang and Ying 2000, doi 10.1111/1467-9868.00259.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.asked import Asked, ask, estimated, nothing
from missing_lib.study.counting import CountingRows
from missing_lib.study.cox import CoxRows, fit_rows, prepare, residuals
from missing_lib.study.cox.frailty import fit_frailty
from missing_lib.study.cox.partial import Ties
from missing_lib.study.regression import Fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Start, stop and stratum of each row on one of the clocks.
_Clock = tuple[Floats, Floats, Ints]

#: Order of incident from which on the strata of PWP models are one: the fifth and later.
TOP = 4
#: Quantity of the rows by which the baseline is stratified.
ERA = "era"


@dataclass(frozen=True)
class FrailtyModel:
    """A frailty model as a table of terms, and how much people differ.

    Attributes
    ----------
    fit : Fit
        Hazard ratios for the same person with model-based bounds.
    variance, lower, upper : float
        Variance of the frailty (mean 1) with its 95 % interval; NaN where nothing is fitted,
        and ``upper`` infinite where the data set no bound.
    p : float
        Of no differences between people: half the tail of chi-squared with one degree of
        freedom, because a variance cannot be negative.
    """

    fit: Fit
    variance: float
    lower: float
    upper: float
    p: float

    @property
    def problem(self) -> str:
        """Why nothing is estimated; empty where the model stands."""
        return self.fit.problem


def andersen_gill(rows: CountingRows, terms: pd.DataFrame) -> Fit:
    """Rate of the next incident on the clock of the calendar, the same for every order.

    The hazard of a row is lambda_era(t) exp(x b), with person-clustered standard errors.

    Parameters
    ----------
    rows : CountingRows
        ``values`` has the era, by which the baseline is stratified.
    terms : DataFrame, shape (rows, k)
        Rows with a missing value are left out.

    Returns
    -------
    Fit
        Hazard ratios. ``people`` and ``events`` of a term are people, not rows: the fewest at
        risk, and the fewest with an incident, on either side of a yes-no term. One person may
        stand on both sides.
    """
    return _marginal(rows, terms, _calendar)


def pwp_total_time(rows: CountingRows, terms: pd.DataFrame) -> Fit:
    """As :func:`andersen_gill`, with a baseline of its own for each order of incident.

    Order is that since observation began, so that rows should come after a wash-out; the fifth
    incident and later ones share a stratum. Differences between the baselines are not event
    dependence: those who reach a high order were always at higher risk.
    """
    return _marginal(rows, terms, _total)


def pwp_gap_time(rows: CountingRows, terms: pd.DataFrame) -> Fit:
    """As :func:`pwp_total_time` on the clock that starts again at each return.

    How long ago the last return was is this clock itself, and can be no term.
    """
    return _marginal(rows, terms, _gap)


def given_frailty(
    rows: CountingRows, terms: pd.DataFrame, *, truncated: bool = False
) -> FrailtyModel:
    """Rate of the next incident, given that each person has a rate of their own.

    As :func:`andersen_gill` with a gamma factor shared by the rows of a person; see
    :mod:`.cox.frailty`.

    Parameters
    ----------
    rows : CountingRows
    terms : DataFrame, shape (rows, k)
        None may come from the person's own incidents if ``truncated``: the chance of having had
        none is computed from the hazard along the rows, and would then be that of another
        history.
    truncated : bool
        Only people with an incident are on file, so that the likelihood is conditional on that.

    Returns
    -------
    FrailtyModel
    """
    asked = ask(rows, terms)
    if asked.problem:
        return _no_frailty(asked)
    cox = _prepared(asked, _calendar)
    ties: Ties = "breslow" if truncated else "efron"
    fit = fit_frailty(cox, asked.rows.person, ties=ties, truncated=truncated)
    if fit.problem:
        return _no_frailty(replace(asked, problem=fit.problem))
    asked = replace(asked, reasons=asked.reasons | fit_rows(cox, ties=ties).reasons)
    table = estimated(asked, fit.terms, fit.coefficients, np.sqrt(np.diag(fit.covariance)))
    return FrailtyModel(table, fit.theta, fit.theta_lower, fit.theta_upper, fit.p)


def change_with_time(rows: CountingRows, terms: pd.DataFrame) -> pd.DataFrame:
    """Whether the ratios of :func:`andersen_gill` change over the years of the study.

    A diagnostic: the score test of proportional hazards against a drift with calendar time. It
    takes rows as independent, so that with many incidents a small p value comes easily.

    Returns
    -------
    DataFrame
        As :func:`.residuals.proportional_hazards_test`; no rows where nothing is fitted, or the
        data cannot tell, such as when all incidents came at one time.
    """
    asked = ask(rows, terms)
    if not asked.problem:
        cox = _prepared(asked, _calendar)
        fit = fit_rows(cox)
        if fit.terms and not fit.problem:
            told = residuals.proportional_hazards_test(cox, fit, "identity")
            if np.isfinite(told["p"].iloc[-1]):
                return told
    return pd.DataFrame(columns=["term", "chi_squared", "degrees_of_freedom", "p"])


def by_event(design: pd.DataFrame, order: ArrayLike) -> pd.DataFrame:
    """Every column once for each order of event, 0 in the rows of other orders.

    Parameters
    ----------
    design : DataFrame, shape (n, k)
    order : array_like, shape (n,)

    Returns
    -------
    DataFrame, shape (n, k * orders)
        Columns ``<name>_<order>``.
    """
    number = np.asarray(order)
    return pd.DataFrame(
        {
            f"{name}_{k}": design[name].to_numpy(float) * (number == k)
            for name in design
            for k in np.unique(number)
        }
    )


def common_effect(coefficients: ArrayLike, covariance: ArrayLike) -> tuple[float, float, float]:
    """One effect out of several of the same thing, weighted for the smallest variance.

    With W the inverse of the covariance, weights are 1'W/(1'W1). This combines the
    event-specific effects of the model of Wei, Lin and Weissfeld, which is fitted by
    :func:`.cox.fit_cox` with :func:`by_event`, a stratum for each order and clustering by
    person. The book does not lead with that model: it has everybody at risk of a fifth incident
    from the first day, before any other, so that the effect on the first incident is carried
    over into all later ones, and neither own history nor time since the return can be a term.

    Parameters
    ----------
    coefficients : array_like, shape (m,)
    covariance : array_like, shape (m, m)
        Robust.

    Returns
    -------
    effect, standard_error : float
    wald : float
        Of no effect at any event; chi-squared with m degrees of freedom.

    References
    ----------
    Wei, Lin and Weissfeld 1989, doi 10.1080/01621459.1989.10478873.

    Examples
    --------
    >>> common_effect([1.0, 3.0], [[1.0, 0.0], [0.0, 1.0]])[0]
    2.0
    """
    b, inverse = np.asarray(coefficients, float), np.linalg.inv(np.asarray(covariance, float))
    total = float(inverse.sum())
    effect = float(inverse.sum(axis=0) @ b) / total
    return effect, total**-0.5, float(b @ inverse @ b)


def _calendar(rows: CountingRows) -> _Clock:
    return rows.start, rows.stop, rows.values[ERA].to_numpy(np.int64)


def _total(rows: CountingRows) -> _Clock:
    return rows.start, rows.stop, _strata(rows)


def _gap(rows: CountingRows) -> _Clock:
    return rows.since, rows.until, _strata(rows)


def _strata(rows: CountingRows) -> Ints:
    """Order of incident within era, from :data:`TOP` on as one."""
    era = rows.values[ERA].to_numpy(np.int64)
    return np.asarray(era * (TOP + 1) + np.minimum(rows.order, TOP))


def _prepared(asked: Asked, clock: Callable[[CountingRows], _Clock]) -> CoxRows:
    start, stop, strata = clock(asked.rows)
    return prepare(stop, asked.rows.event, asked.terms, start=start, strata=strata)


def _marginal(
    rows: CountingRows, terms: pd.DataFrame, clock: Callable[[CountingRows], _Clock]
) -> Fit:
    """A Cox fit with errors robust to rows of one person being alike."""
    asked = ask(rows, terms)
    if asked.problem:
        return nothing(asked)
    fit = fit_rows(_prepared(asked, clock), cluster=asked.rows.person)
    asked = replace(asked, reasons=asked.reasons | fit.reasons)
    if not fit.terms or fit.robust_problem:
        problem = fit.problem or fit.robust_problem or "no term is left"
        return nothing(replace(asked, problem=problem))
    return estimated(asked, fit.terms, fit.coefficients, fit.standard_errors)


def _no_frailty(asked: Asked) -> FrailtyModel:
    return FrailtyModel(nothing(asked), np.nan, np.nan, np.nan, np.nan)
