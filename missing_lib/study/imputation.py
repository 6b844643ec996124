"""Rubin's rules: one answer from several completed data sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """Estimates of k terms pooled over m completed data sets; every array has shape (k,).

    Attributes
    ----------
    estimate : ndarray
        Mean of the m estimates.
    se : ndarray
        Root of ``total``.
    within, between, total : ndarray
        Mean of the m variances U; variance B of the m estimates; U + (1 + 1/m) B.
    df : ndarray
        Degrees of freedom of Barnard and Rubin.
    statistic, p : ndarray
        estimate / se, and its two-sided p value under Student's t with ``df``.
    lower, upper : ndarray
        Bounds of the confidence interval.
    relative_increase : ndarray
        r = (1 + 1/m) B / U, by how much the missing values raise the variance.
    proportion_missing : ndarray
        lambda = (1 + 1/m) B / total, share of the variance that is due to the missing values.
    fraction_missing : ndarray
        (r + 2/(df + 3)) / (r + 1), fraction of information that is missing.
    """

    estimate: Floats
    se: Floats
    within: Floats
    between: Floats
    total: Floats
    df: Floats
    statistic: Floats
    p: Floats
    lower: Floats
    upper: Floats
    relative_increase: Floats
    proportion_missing: Floats
    fraction_missing: Floats


def pool(
    estimates: ArrayLike, variances: ArrayLike, complete_df: float, level: float = 0.95
) -> Pooled:
    """Pool the estimates of one model over several completed data sets.

    Parameters
    ----------
    estimates : array_like, shape (m, k)
        One row for each of m >= 2 completed data sets, one column for each term, on the scale
        on which the estimate is about normal (the log scale of a ratio).
    variances : array_like, shape (m, k)
        Squared standard errors.
    complete_df : float
        Residual degrees of freedom had nothing been missing: people less coefficients in a
        linear model; ``numpy.inf`` where the model's own tests are normal.
    level : float
        Of the confidence intervals.

    Returns
    -------
    Pooled
        A term that some data set could not estimate (NaN) is NaN throughout.

    Raises
    ------
    ValueError
        If there are fewer than two data sets, the shapes differ, a variance is negative or
        ``complete_df`` is not above 0.

    Notes
    -----
    Without a difference between data sets (B = 0) the degrees of freedom are those of the
    observed data, (df + 1)/(df + 3) df. The R package mice takes lambda no smaller than 0.0001
    there, so that its degrees of freedom are smaller by that part.

    References
    ----------
    Rubin 1987, doi 10.1002/9780470316696; Barnard and Rubin 1999, doi 10.1093/biomet/86.4.948.

    Examples
    --------
    >>> pooled = pool([[1.0], [2.0], [3.0]], [[1.0], [1.0], [1.0]], complete_df=100)
    >>> [round(float(value[0]), 3) for value in (pooled.estimate, pooled.total, pooled.df)]
    [2.0, 2.333, 5.346]
    """
    q, u = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    _check(q, u, complete_df)
    m = len(q)
    within, between = u.mean(axis=0), q.var(axis=0, ddof=1)
    inflated = (1 + 1 / m) * between
    total = within + inflated
    estimate, se = q.mean(axis=0), np.sqrt(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, increase = inflated / total, inflated / within
        df = barnard_rubin(m, share, complete_df)
        statistic = estimate / se
    half = student.ppf((1 + level) / 2, df) * se
    return Pooled(
        estimate=estimate,
        se=se,
        within=within,
        between=between,
        total=total,
        df=df,
        statistic=statistic,
        p=2 * student.sf(np.abs(statistic), df),
        lower=estimate - half,
        upper=estimate + half,
        relative_increase=increase,
        proportion_missing=share,
        # (r + 2/(df + 3)) / (r + 1) with r = lambda / (1 - lambda), so that r may be infinite
        fraction_missing=share + (1 - share) * 2 / (df + 3),
    )


def barnard_rubin(m: int, share: Floats, complete_df: float) -> Floats:
    """Degrees of freedom of a pooled estimate.

    1/df = lambda^2/(m - 1) + 1/df_obs with df_obs = (c + 1)/(c + 3) c (1 - lambda), c the
    degrees of freedom of the complete data; Rubin's (m - 1)/lambda^2 where c is infinite.

    Parameters
    ----------
    m : int
        Completed data sets.
    share : ndarray, shape (k,)
        lambda, the part of the variance that is due to the missing values, in [0, 1].
    complete_df : float

    Returns
    -------
    ndarray, shape (k,)

    References
    ----------
    Barnard and Rubin 1999, doi 10.1093/biomet/86.4.948.

    Examples
    --------
    >>> barnard_rubin(5, np.array([0.0, 0.5]), np.inf).tolist()
    [inf, 16.0]
    """
    with np.errstate(divide="ignore"):
        inverse = share**2 / (m - 1)
        if np.isfinite(complete_df):
            observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
            inverse = inverse + 1 / observed
        return np.asarray(1 / inverse)


def _check(q: Floats, u: Floats, complete_df: float) -> None:
    if q.ndim != 2 or q.shape != u.shape:
        raise ValueError(
            "estimates and variances must both have the shape (data sets, terms), "
            f"not {q.shape} and {u.shape}"
        )
    if len(q) < 2:
        raise ValueError("pooling needs at least two completed data sets")
    if (u < 0).any():
        raise ValueError("a variance is negative: give squared standard errors")
    if not complete_df > 0:
        raise ValueError("complete_df must be above 0 (numpy.inf for a normal test)")
