"""Residuals, baseline hazard and the test of proportional hazards of a fitted Cox regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm

from missing_lib.study.cox.fit import CoxFit
from missing_lib.study.cox.kernel import cumulated, expected_events
from missing_lib.study.cox.partial import (
    AtRisk,
    at_risk,
    information,
    keep_terms,
    mean_covariates,
    score_residuals,
)
from missing_lib.study.cox.rows import CoxRows

Floats = NDArray[np.float64]
_Z = float(norm.ppf(0.975))
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
#: Least eigenvalue of an information, scaled to ones on the diagonal, that is more than rounding.
_SINGULAR = 1e-10
Transform = Literal["km", "identity", "rank", "log"]


@dataclass(frozen=True)
class AtEstimate:
    """The estimated terms of a regression and the sums over risk sets at the estimate.

    Attributes
    ----------
    rows : CoxRows
        With the terms that are estimated.
    at : AtRisk
    """

    rows: CoxRows
    at: AtRisk


def at_estimate(rows: CoxRows, fit: CoxFit) -> AtEstimate:
    """Sums over risk sets at the estimate.

    Parameters
    ----------
    rows : CoxRows
        Those that were fitted.
    fit : CoxFit

    Raises
    ------
    ValueError
        If nothing is estimated.
    """
    if fit.problem or not fit.terms:
        raise ValueError(f"The regression has no estimate: {fit.problem or 'it has no terms'}.")
    own = keep_terms(rows, [rows.terms.index(name) for name in fit.terms])
    return AtEstimate(own, at_risk(own, fit.coefficients * own.scale, fit.ties))


def martingale(rows: CoxRows, fit: CoxFit) -> Floats:
    """Events of each row less those that the model expects of it.

    Returns
    -------
    ndarray, shape (rows given,)
        NaN for a row with a missing value; 0 for a row never at risk at an event.

    References
    ----------
    Therneau, Grambsch and Fleming 1990, doi 10.1093/biomet/77.1.147.

    Examples
    --------
    >>> from missing_lib.study.cox import prepare, fit_rows
    >>> rows = prepare([1, 2, 3], [1, 1, 0], pd.DataFrame({"x": [0.0, 1, 0]}))
    >>> round(abs(float(martingale(rows, fit_rows(rows)).sum())), 6)
    0.0
    """
    state = at_estimate(rows, fit)
    own, at = state.rows, state.at
    cumulative = cumulated(at.sums[:, :1], own.first_slot)[:, 0]
    expected = expected_events(at.risk, cumulative, at.sums[:, 1], own.before, own.last, own.died)
    return _spread(own, own.died - expected)


def deviance(rows: CoxRows, fit: CoxFit) -> Floats:
    """Martingale residuals made more symmetric: sign(m) sqrt(-2 [m + d log(d - m)]).

    Returns
    -------
    ndarray, shape (rows given,)
    """
    m = martingale(rows, fit)
    died = np.zeros(rows.given)
    died[rows.used] = rows.died
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(died > 0, np.log(died - m), 0.0)
    return np.asarray(np.sign(m) * np.sqrt(np.maximum(-2 * (m + died * logs), 0.0)))


def score_by_row(rows: CoxRows, fit: CoxFit) -> pd.DataFrame:
    """Score residual of each row, weighted; shape (rows given, k).

    Rows with a missing value have NaN; rows never at risk at an event 0.
    """
    state = at_estimate(rows, fit)
    own = state.rows
    each = score_residuals(own, state.at, np.arange(len(own.last)), len(own.last)) * own.scale
    return pd.DataFrame({name: _spread(own, each[:, j]) for j, name in enumerate(own.terms)})


def dfbeta(rows: CoxRows, fit: CoxFit, cluster: ArrayLike | None = None) -> pd.DataFrame:
    """About how far each coefficient moves with a row, or with all rows of a cluster, present.

    Parameters
    ----------
    rows : CoxRows
    fit : CoxFit
    cluster : array_like, shape (rows given,), optional

    Returns
    -------
    DataFrame
        One column per term; indexed by cluster, in sorted order, or by row.
    """
    moved = score_by_row(rows, fit)
    moved = pd.DataFrame(moved.to_numpy() @ fit.covariance, columns=list(fit.terms))
    return moved if cluster is None else moved.groupby(np.asarray(cluster)).sum()


def schoenfeld(rows: CoxRows, fit: CoxFit, *, scaled: bool = False) -> pd.DataFrame:
    """Covariates of each event less their mean among those at risk.

    Parameters
    ----------
    rows : CoxRows
    fit : CoxFit
    scaled : bool
        Multiplied by the covariance and the number of events, plus the coefficient: values that
        scatter about the coefficient as it would be at that time.

    Returns
    -------
    DataFrame
        ``stratum``, ``time`` and one column per term, sorted by stratum and time.

    References
    ----------
    Schoenfeld 1982, doi 10.1093/biomet/69.1.239; Grambsch and Therneau 1994, doi
    10.1093/biomet/81.3.515.
    """
    state = at_estimate(rows, fit)
    own = state.rows
    dying = np.flatnonzero(own.died)
    dying = dying[np.argsort(own.last[dying], kind="stable")]
    where = own.last[dying]
    values = (own.x[dying] - mean_covariates(own, state.at)[where]) * own.scale
    if scaled:
        values = values @ fit.covariance * own.events + fit.coefficients
    stratum = np.repeat(own.strata, np.diff(own.first_of_stratum))[where]
    about = pd.DataFrame({"stratum": stratum, "time": own.times[where]})
    return pd.concat([about, pd.DataFrame(values, columns=list(own.terms))], axis=1)


def baseline(rows: CoxRows, fit: CoxFit) -> pd.DataFrame:
    """Cumulative baseline hazard, with all terms and the offset at 0.

    Breslow's estimate with the ties of the fit: at each event time the sum of h (see
    :mod:`.kernel`).

    Returns
    -------
    DataFrame
        ``stratum``, ``time`` (each event time) and ``cumulative_hazard``.
    """
    state = at_estimate(rows, fit)
    own, at = state.rows, state.at
    per_unit = np.exp(-at.level - own.centre @ fit.coefficients)[own.stretch]
    hazard = cumulated(at.sums[:, :1] * per_unit[:, None], own.first_of_stratum)[:, 0]
    return pd.DataFrame(
        {
            "stratum": np.repeat(own.strata, np.diff(own.first_of_stratum)),
            "time": own.times,
            "cumulative_hazard": hazard,
        }
    )


def predicted_survival(
    rows: CoxRows,
    fit: CoxFit,
    values: dict[str, float],
    times: ArrayLike,
    *,
    stratum: object = "all",
) -> pd.DataFrame:
    """Probability of no event by some times for a row with given values.

    Parameters
    ----------
    rows : CoxRows
    fit : CoxFit
    values : dict
        A value for every estimated term.
    times : array_like
    stratum : object
        Label of the stratum; ``all`` where there are none.

    Returns
    -------
    DataFrame
        ``time``, ``survival``, ``se``, ``lower``, ``upper`` (95 %, on the log(-log) scale; NaN
        where survival is 1). The variance of the cumulative hazard is that of Tsiatis: the sum
        of C, and d' V d for the estimated coefficients with d = integral of (x - mean) dA.

    References
    ----------
    Tsiatis 1981, doi 10.1214/aos/1176345335.
    """
    state = at_estimate(rows, fit)
    own, at = state.rows, state.at
    known = list(own.strata)
    if stratum not in known:
        raise ValueError(f"No stratum {stratum!r} has an event; there are {known}.")
    slots = slice(*own.first_of_stratum[known.index(stratum) :][:2])
    stretch = own.stretch[slots]
    x = (np.array([values[name] for name in own.terms]) - own.centre[stretch]) / own.scale
    a, _, c, d = (at.sums[slots, [i]].reshape(-1, 1) for i in range(4))
    relative = np.exp(x @ (fit.coefficients * own.scale) - at.level[stretch])[:, None]
    hazard = np.cumsum(a * relative)
    moved = a * x - (c * at.s1[slots] - d * at.s1d[slots])
    drift = np.cumsum(moved * relative, axis=0)
    unit = fit.covariance * np.outer(own.scale, own.scale)
    variance = np.cumsum(c * relative**2) + np.einsum("tj,jk,tk->t", drift, unit, drift)
    upto = np.searchsorted(own.times[slots], np.asarray(times, float), side="right")
    h = np.append(0.0, hazard)[upto]
    spread = np.sqrt(np.append(0.0, variance)[upto])
    survival = np.exp(-h)
    inside = h > 0
    ratio = np.exp(_Z * np.divide(spread, h, out=np.zeros_like(h), where=inside))
    return pd.DataFrame(
        {
            "time": np.asarray(times, float),
            "survival": survival,
            "se": survival * spread,
            "lower": np.where(inside, survival**ratio, np.nan),
            "upper": np.where(inside, survival ** (1 / ratio), np.nan),
        }
    )


def proportional_hazards_test(
    rows: CoxRows, fit: CoxFit, transform: Transform = "km"
) -> pd.DataFrame:
    """Does a coefficient change with time? Score test of adding x g(t) for each term.

    The full score test with the information of the model with x and x g(t), not the
    approximation of 1994 that takes the information as equal at every event.

    Parameters
    ----------
    rows : CoxRows
    fit : CoxFit
    transform : {"km", "identity", "rank", "log"}
        g(t): one minus the Kaplan-Meier curve just before t, the time, its rank among the ends
        of all rows, censored ones too, or its log.

    Returns
    -------
    DataFrame
        ``term`` (the last is ``all terms``), ``chi_squared``, ``degrees_of_freedom``, ``p``. NaN
        where the data cannot tell: all events at one time, or a term that varies at one time
        only.

    Raises
    ------
    ValueError
        If ``log`` is asked for with an event at a time of 0 or less, and if nothing is estimated.

    References
    ----------
    Grambsch and Therneau 1994, doi 10.1093/biomet/81.3.515; in the form of Therneau's
    survival package since version 3.0.
    """
    state = at_estimate(rows, fit)
    own, at = state.rows, state.at
    g = _transformed(own, transform)
    g = g - float(own.deaths @ g) / own.events
    k = len(own.terms)
    dying = own.last[own.died]
    gap = own.x[own.died] - mean_covariates(own, at)[dying]
    slope = np.append(np.zeros(k), (own.weight[own.died] * g[dying]) @ gap)
    first, mixed, second = (information(own, at, weight) for weight in (None, g, g**2))
    whole = np.block([[first, mixed], [mixed, second]])
    each = [[*range(k), k + j] for j in range(k)]
    values = [_quadratic(slope[i], whole[np.ix_(i, i)]) for i in [*each, list(range(2 * k))]]
    degrees = np.append(np.ones(k, int), k)
    return pd.DataFrame(
        {
            "term": [*own.terms, "all terms"],
            "chi_squared": values,
            "degrees_of_freedom": degrees,
            "p": chi2.sf(values, degrees),
        }
    )


def _quadratic(slope: Floats, info: Floats) -> float:
    """Score statistic; NaN where the information does not hold every direction."""
    unit = np.sqrt(np.maximum(np.diag(info), 0.0))
    if not (unit > 0).all():
        return np.nan
    told = info / np.outer(unit, unit)
    if np.linalg.eigvalsh(told).min() < _SINGULAR:
        return np.nan
    return float(slope / unit @ np.linalg.solve(told, slope / unit))


def _transformed(rows: CoxRows, transform: Transform) -> Floats:
    """The clock g(t) at each slot."""
    times = rows.times
    if transform == "identity":
        return times
    if transform == "log":
        if (times <= 0).any():
            raise ValueError("An event came at a time of 0 or less, which has no logarithm.")
        return np.log(times)
    if transform == "rank":
        ends = np.sort(rows.stop[rows.known])
        low, high = (np.searchsorted(ends, times, side=side) for side in _SIDES)
        return np.asarray((low + high + 1) / 2)
    if transform != "km":
        raise ValueError(f"transform is {transform!r}; it must be km, identity, rank or log.")
    distinct, place = np.unique(times, return_inverse=True)
    deaths = np.bincount(place, rows.deaths)
    at_risk_then = _number_at_risk(rows, distinct)
    curve = np.cumprod(1 - deaths / at_risk_then)
    return np.asarray(1 - np.append(1.0, curve)[place])


def _number_at_risk(rows: CoxRows, distinct: Floats) -> Floats:
    """Rows at risk at each distinct event time, all strata together.

    A row is followed in the slots of its own stratum; between them it is at risk at the event
    times of others too, so its start and stop are needed.
    """
    entered = np.searchsorted(distinct, rows.start[rows.known], side="right")
    left = np.searchsorted(distinct, rows.stop[rows.known], side="right")
    change = np.bincount(entered, minlength=len(distinct) + 1).astype(float)
    change -= np.bincount(left, minlength=len(distinct) + 1)
    return np.cumsum(change)[: len(distinct)]


def _spread(rows: CoxRows, values: Floats) -> Floats:
    """Values of the rows used, in the places of the rows given."""
    out = np.full(rows.given, np.nan)
    out[rows.known] = 0.0
    out[rows.used] = values
    return out
