"""A recurrent Cox regression whose errors allow for tied people being alike.

Clustering by person takes people as independent, which tied people are not. Where the network
falls into many separate components, scores are added up within each of them. Where most events
lie in one component, the cross products of the scores of tied people are added to those within
people, as for spatial dependence; dependence that reaches further than one tie is not covered.

References
----------
Lin and Wei 1989, doi 10.1080/01621459.1989.10478874; Conley 1999,
doi 10.1016/S0304-4076(98)00084-0; effective number of clusters: Carter, Schnepel and Steigerwald
2017, doi 10.1162/REST_a_00639.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from missing_lib.study.asked import Asked, ask, estimated, nothing
from missing_lib.study.counting import CountingRows
from missing_lib.study.cox import CoxFit, CoxRows, fit_rows, prepare
from missing_lib.study.cox.fit import score_residuals
from missing_lib.study.cox.residuals import at_estimate
from missing_lib.study.recurrent import ERA
from missing_lib.study.regression import Fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Components that share out the events as evenly as so many equal ones would are enough to
#: cluster by.
MANY = 40
#: What errors are robust to, as chapters say it.
BY_COMPONENT = "people of one component of the network being alike"
BY_TIE = "tied people being alike"
BY_PERSON = "incidents of one person being alike"


@dataclass(frozen=True)
class TiedFit:
    """A fitted regression and the covariance of its estimated terms.

    Attributes
    ----------
    fit : Fit
        Hazard ratios; errors are the larger of both covariances for each term.
    terms : tuple of str, length k
        Terms that are estimated.
    coefficients : ndarray, shape (k,)
        Log hazard ratios.
    by_person, by_tie : ndarray, shape (k, k)
        Covariance with people independent, and with tied people (or those of a component)
        dependent. The second need not have positive variances.
    robust_to : str
        :data:`BY_COMPONENT`, :data:`BY_TIE` or, where nobody is tied, :data:`BY_PERSON`.
    """

    fit: Fit
    terms: tuple[str, ...] = ()
    coefficients: Floats = field(default_factory=lambda: np.zeros(0))
    by_person: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    by_tie: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    robust_to: str = BY_PERSON

    def contrast(self, more: str, less: str) -> tuple[float, float]:
        """Difference of two log hazard ratios and its standard error; NaN without both."""
        if more not in self.terms or less not in self.terms:
            return np.nan, np.nan
        w = np.zeros(len(self.terms))
        w[self.terms.index(more)], w[self.terms.index(less)] = 1.0, -1.0
        variance = max(w @ self.by_person @ w, w @ self.by_tie @ w)
        return float(w @ self.coefficients), float(np.sqrt(variance))


def fit_tied(
    rows: CountingRows,
    terms: pd.DataFrame,
    linked: csr_array,
    baseline: ArrayLike | None = None,
) -> TiedFit:
    """Andersen-Gill regression with errors for tied people.

    Parameters
    ----------
    rows : CountingRows
        ``values`` has the era, by which the baseline is stratified.
    terms : DataFrame, shape (rows, k)
        Rows with a missing value are left out.
    linked : csr_array, shape (people, people)
        1 where two of the people followed are tied, symmetric, empty diagonal.
    baseline : array_like of int, shape (people,), optional
        People of different groups, such as homes, have different baselines, and are never
        compared.

    Returns
    -------
    TiedFit
    """
    asked = ask(rows, terms)
    if asked.problem:
        return TiedFit(nothing(asked))
    cox = _prepared(asked, baseline)
    fit = fit_rows(cox)
    asked = replace(asked, reasons=asked.reasons | fit.reasons)
    if not fit.terms:
        return TiedFit(nothing(replace(asked, problem=fit.problem or "no term is left")))
    moved = _influence(cox, fit, asked.rows.person, linked.shape[0])
    by_person = moved.T @ moved
    by_tie, robust_to = _among_tied(moved, linked, asked.rows)
    se = np.sqrt(np.maximum(np.diag(by_person), np.diag(by_tie)))
    table = estimated(asked, fit.terms, fit.coefficients, se)
    return TiedFit(table, fit.terms, fit.coefficients, by_person, by_tie, robust_to)


def enough_components(events: ArrayLike) -> bool:
    """Whether components share out the events evenly enough to cluster by them.

    Parameters
    ----------
    events : array_like, shape (components,)
        Events in each.

    Returns
    -------
    bool
        Whether (sum)^2 / (sum of squares) is at least :data:`MANY`.

    Examples
    --------
    >>> enough_components(np.full(40, 3)), enough_components([1000] + [1] * 500)
    (True, False)
    """
    number = np.asarray(events, float)
    squares = float((number**2).sum())
    return squares > 0 and float(number.sum()) ** 2 / squares >= MANY


def _prepared(asked: Asked, baseline: ArrayLike | None) -> CoxRows:
    strata = asked.rows.values[ERA].to_numpy(np.int64)
    if baseline is not None:
        strata = strata + 2 * np.asarray(baseline, np.int64)[asked.rows.person]
    own = asked.rows
    return prepare(own.stop, own.event, asked.terms, start=own.start, strata=strata)


def _influence(cox: CoxRows, fit: CoxFit, person: Ints, people: int) -> Floats:
    """About how far each coefficient moves with each person present; shape (people, k)."""
    state = at_estimate(cox, fit)
    own = state.rows
    score = score_residuals(own, state.at, person[own.used], people) * own.scale
    return np.asarray(score @ fit.covariance)


def _among_tied(moved: Floats, linked: csr_array, rows: CountingRows) -> tuple[Floats, str]:
    if not linked.nnz:
        return moved.T @ moved, BY_PERSON
    number, component = connected_components(linked, directed=False)
    events = np.bincount(component[rows.person], rows.event, minlength=number)
    if enough_components(events):
        summed = np.zeros((number, moved.shape[1]))
        np.add.at(summed, component, moved)
        return summed.T @ summed, BY_COMPONENT
    crossed = moved.T @ (linked @ moved)
    return moved.T @ moved + (crossed + crossed.T) / 2, BY_TIE
