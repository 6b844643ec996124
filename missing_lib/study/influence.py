"""How each person moves the estimates of a model: influence, and what follows from it.

The influence of person i on the estimates is I^-1 s_i, with the score s_i of that person and the
information I of all. Its sums of squares are the robust covariance; over two models at once they
give the covariance between the models, also where one person is in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from scipy.stats import norm

from missing_lib.study.regression import Fit

Floats = NDArray[np.float64]
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Influence:
    """The pieces of a fitted model, person by person.

    Attributes
    ----------
    terms : list of str
        ``intercept`` and the terms that were estimated.
    people : array, shape (n,)
        Identifiers of the people in the model.
    coefficients : array, shape (1 + k,)
    x : array, shape (n, 1 + k)
    weight : array, shape (n,)
        Second derivative of minus each person's log-likelihood by the linear predictor.
    score : array, shape (n, 1 + k)
    covariance : array, shape (1 + k, 1 + k)
        Inverse of the observed information.
    """

    terms: list[str]
    people: NDArray[np.object_]
    coefficients: Floats
    x: Floats
    weight: Floats
    score: Floats
    covariance: Floats

    @property
    def by_person(self) -> pd.DataFrame:
        """I^-1 s_i, indexed by person, one column per term."""
        return pd.DataFrame(self.score @ self.covariance, index=self.people, columns=self.terms)

    @property
    def left_out(self) -> pd.DataFrame:
        """Change of each coefficient when one person is left out, by one Newton step.

        -I^-1 s_i / (1 - h_i) with leverage h_i; for the logistic model that of Pregibon 1981, doi
        10.1214/aos/1176345513.
        """
        leverage = self.weight * np.einsum("ij,jk,ik->i", self.x, self.covariance, self.x)
        return -self.by_person.div(np.clip(1 - leverage, 1e-12, None), axis=0)


def of_model(
    fit: Fit,
    people: ArrayLike,
    outcome: ArrayLike,
    design: pd.DataFrame,
    days: ArrayLike | None = None,
) -> Influence | None:
    """The pieces of a logistic or complementary log-log model.

    Parameters
    ----------
    fit : Fit
        From :func:`.regression.logistic` or, with days, :func:`.regression.complementary_log_log`.
    people, outcome : array_like, shape (n,)
    design : DataFrame, shape (n, k)
        As it was given to the model.
    days : array_like, shape (n,), optional

    Returns
    -------
    Influence or None
        None where the model has no estimates.

    Raises
    ------
    ValueError
        If the fit is of neither kind, or days do not go with it.
    """
    if fit.scale not in _KINDS or (days is None) is not (fit.scale == "odds ratio"):
        raise ValueError("only logistic models, and complementary log-log models with days")
    if fit.problem:
        return None
    y = np.asarray(outcome, float)
    t = np.ones(len(y)) if days is None else np.asarray(days, float)
    used = (design.notna().all(axis=1) & ~np.isnan(y) & (t > 0)).to_numpy(bool)
    known = fit.terms[fit.terms["coefficient"].notna()]
    terms = list(known["term"])
    x = np.column_stack([np.ones(used.sum()), design.loc[used, terms].to_numpy(float)])
    b = np.append(fit.intercept, known["coefficient"].to_numpy(float))
    slope, weight = _KINDS[fit.scale](y[used], x @ b + np.log(t[used]))
    return Influence(
        terms=["intercept", *terms],
        people=np.asarray(people, dtype=object)[used],
        coefficients=b,
        x=x,
        weight=weight,
        score=slope[:, None] * x,
        covariance=np.linalg.inv((x.T * weight) @ x),
    )


def difference(first: Influence | None, second: Influence | None, terms: list[str]) -> pd.DataFrame:
    """How much the coefficients of two models differ, whoever is in both.

    The variance of the difference is the sum over people of the squared difference of their
    influences (nought where a person is in one model only), so that a person who counts twice
    counts as one (Weesie 1999, Stata Technical Bulletin 52, 34-47); without any factor for small
    numbers (CR0).

    Parameters
    ----------
    first, second : Influence or None
    terms : list of str

    Returns
    -------
    DataFrame
        ``term``, ``coefficient`` (second less first), ``se``, ``estimate``, ``lower``, ``upper``
        (ratio of the two ratios, and 95 % bounds), ``p``; NaN where one of the two is missing.
    """
    rows = pd.DataFrame({"term": pd.Series(terms, dtype=object)})
    rows = rows.assign(**dict.fromkeys(_DIFFERENCE, np.nan))
    if first is None or second is None:
        return rows
    both = [t for t in terms if t in first.terms and t in second.terms]
    one, two = first.by_person[both], second.by_person[both]
    gap = two.sub(one, fill_value=0.0)
    variance = (gap**2).sum().to_numpy(float)
    here = dict(zip(first.terms, first.coefficients, strict=True))
    there = dict(zip(second.terms, second.coefficients, strict=True))
    b = np.array([there[t] - here[t] for t in both])
    se = np.sqrt(variance)
    z = np.divide(b, se, out=np.full(len(b), np.nan), where=se > 0)
    values = [b, se, *(np.exp(b + k * se) for k in (0, -_Z, _Z)), 2 * norm.sf(np.abs(z))]
    rows.loc[rows["term"].isin(both), _DIFFERENCE] = np.column_stack(values)
    return rows


def _logistic(y: Floats, eta: Floats) -> tuple[Floats, Floats]:
    p = expit(eta)
    return y - p, p * (1 - p)


def _log_log(y: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """Of y log(1 - exp(-mu)) - (1 - y) mu with mu = exp(eta)."""
    mu = np.exp(eta)
    odds = 1 / np.expm1(mu)
    slope = mu * (y * odds - (1 - y))
    return slope, y * mu**2 * odds * (1 + odds) - slope


_KINDS: dict[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {
    "odds ratio": _logistic,
    "hazard ratio": _log_log,
}
_DIFFERENCE = ["coefficient", "se", "estimate", "lower", "upper", "p"]
