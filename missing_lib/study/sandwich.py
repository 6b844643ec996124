"""Sandwich covariances, bread x meat x bread, with their small-sample factors named.

For what statsmodels lacks: a factor of G/(G - 1) alone, clusters that cross in any number of
ways, and any model that gives its scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Rows = Literal["HC0", "HC1", "HC2", "HC3"]
Factor = Literal["CR0", "CR1", "CR1S"]

#: A row whose leverage is within this of one is fitted by itself.
_ALONE = 1e-10


@dataclass(frozen=True)
class Parts:
    """What a sandwich covariance is made of, for n rows and k coefficients.

    Attributes
    ----------
    scores : ndarray, shape (n, k)
        What each row adds to the derivative of the log-likelihood (or estimating function).
    bread : ndarray, shape (k, k)
        Inverse of the summed information.
    leverage : ndarray, shape (n,)
        Diagonal of the hat matrix.
    """

    scores: Floats
    bread: Floats
    leverage: Floats


def canonical_parts(
    outcome: ArrayLike,
    design: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike | None = None,
    weight: ArrayLike | None = None,
) -> Parts:
    """Scores, bread and leverage of a fitted linear, logistic or Poisson model.

    With the canonical link the score of row i is w_i x_i (y_i - mu_i) and the information is
    the sum of w_i v_i x_i x_i', v the variance at mu.

    Parameters
    ----------
    outcome, mean : array_like, shape (n,)
        Observed and fitted.
    design : array_like, shape (n, k)
        With its constant.
    variance : array_like, shape (n,), optional
        mu (1 - mu) for a logistic and mu for a Poisson model; one if not given, which is the
        linear model.
    weight : array_like, shape (n,), optional

    Returns
    -------
    Parts

    Raises
    ------
    ValueError
        If the columns of the design are collinear.

    References
    ----------
    White 1982, doi 10.2307/1912526.

    Examples
    --------
    >>> parts = canonical_parts([1.0, 3.0], [[1.0], [1.0]], [2.0, 2.0])
    >>> parts.scores.ravel().tolist(), parts.bread.item()
    ([-1.0, 1.0], 0.5)
    """
    x = np.asarray(design, dtype=float)
    y, mu = np.asarray(outcome, dtype=float), np.asarray(mean, dtype=float)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    v = w if variance is None else w * np.asarray(variance, dtype=float)
    rooted = x * np.sqrt(v)[:, None]
    if np.linalg.matrix_rank(rooted) < x.shape[1]:
        raise ValueError("the columns of the design are collinear: there is no covariance")
    bread = np.linalg.inv(rooted.T @ rooted)
    leverage = np.einsum("ij,jk,ik->i", rooted, bread, rooted)
    return Parts((w * (y - mu))[:, None] * x, bread, leverage)


def by_rows(parts: Parts, kind: Rows) -> Floats:
    """Covariance robust to unequal variance, rows being independent.

    The scores are squared as they are (HC0), with n/(n - k) (HC1), or each divided first by
    the root of 1 - h (HC2) or by 1 - h (HC3), h its leverage.

    Parameters
    ----------
    parts : Parts
    kind : {"HC0", "HC1", "HC2", "HC3"}

    Returns
    -------
    ndarray, shape (k, k)

    Raises
    ------
    ValueError
        If the kind is unknown, or HC2 or HC3 is asked for where one row has leverage one (it
        alone determines a coefficient, and fits itself).

    References
    ----------
    White 1980, doi 10.2307/1912934; MacKinnon and White 1985, doi 10.1016/0304-4076(85)90158-7.

    Examples
    --------
    >>> parts = canonical_parts([1.0, 3.0], [[1.0], [1.0]], [2.0, 2.0])
    >>> [round(by_rows(parts, kind).item(), 9) for kind in ("HC0", "HC1", "HC2", "HC3")]
    [0.5, 1.0, 1.0, 2.0]
    """
    _known(kind, Rows)
    n, k = parts.scores.shape
    power = {"HC2": 0.5, "HC3": 1.0}.get(kind, 0.0)
    left = 1 - parts.leverage
    if power and left.min() < _ALONE:
        raise ValueError(f"{kind} does not exist: one row alone determines a coefficient")
    scores = parts.scores / (left**power)[:, None] if power else parts.scores
    factor = n / (n - k) if kind == "HC1" else 1.0
    return factor * _between_bread(parts.bread, scores)


def by_clusters(
    parts: Parts,
    clusters: Sequence[ArrayLike],
    factor: Factor,
    bare_rows: bool = False,
) -> Floats:
    """Covariance robust to dependence within clusters of one or more kinds.

    Scores are summed within a cluster before they are squared. With several kinds (persons
    and homes, say) the covariances by each kind are added, those by each pair of kinds taken
    away, those by each triple added, and so on.

    Parameters
    ----------
    parts : Parts
    clusters : sequence of array_like, shape (n,)
        One labelling of the rows for each kind of cluster.
    factor : {"CR0", "CR1", "CR1S"}
        One; G/(G - 1); G/(G - 1) times (n - 1)/(n - k). G is counted for each term anew. CR1S
        is the default of Stata's regress and of statsmodels.
    bare_rows : bool
        Give the finest term, clusters of all kinds at once, no factor (R's ``multi0``: often
        single rows, whose covariance then is White's).

    Returns
    -------
    ndarray, shape (k, k)
        With several kinds the difference may have a negative variance; :func:`errors` gives
        NaN for it.

    Raises
    ------
    ValueError
        If the factor is unknown, a row has no cluster, or a kind has a single cluster.

    References
    ----------
    Liang and Zeger 1986, doi 10.1093/biomet/73.1.13; Cameron, Gelbach and Miller 2011,
    doi 10.1198/jbes.2010.07136; factors named as in Pustejovsky and Tipton 2018,
    doi 10.1080/07350015.2016.1247004.

    Examples
    --------
    >>> parts = canonical_parts([1.0, 3.0, 5.0, 3.0], np.ones((4, 1)), np.full(4, 3.0))
    >>> by_clusters(parts, [["a", "a", "b", "b"]], "CR1").item()
    1.0
    """
    _known(factor, Factor)
    codes = [_codes(labels) for labels in clusters]
    total = np.zeros_like(parts.bread)
    for size in range(1, len(codes) + 1):
        for kinds in combinations(codes, size):
            crossed = np.unique(np.column_stack(kinds), axis=0, return_inverse=True)[1].ravel()
            bare = bare_rows and size == len(codes) > 1
            weight = 1.0 if bare else _factor(factor, crossed.max() + 1, parts.scores.shape)
            summed = _summed(parts.scores, crossed)
            total += (-1) ** (size + 1) * weight * _between_bread(parts.bread, summed)
    return total


def errors(covariance: ArrayLike) -> Floats:
    """Standard errors, the roots of the diagonal; NaN where a variance came out negative.

    Examples
    --------
    >>> errors([[4.0, 0.0], [0.0, -1.0]]).tolist()
    [2.0, nan]
    """
    variances = np.diag(np.asarray(covariance, dtype=float))
    return np.sqrt(np.where(variances >= 0, variances, np.nan))


def _between_bread(bread: Floats, scores: Floats) -> Floats:
    moved = scores @ bread
    return np.asarray(moved.T @ moved)


def _summed(scores: Floats, codes: NDArray[np.int64]) -> Floats:
    return np.column_stack([np.bincount(codes, column) for column in scores.T])


def _factor(name: Factor, groups: int, shape: tuple[int, ...]) -> float:
    if name == "CR0":
        return 1.0
    n, k = shape
    return groups / (groups - 1) * ((n - 1) / (n - k) if name == "CR1S" else 1.0)


def _codes(labels: ArrayLike) -> NDArray[np.int64]:
    codes, values = pd.factorize(np.asarray(labels))
    if (codes < 0).any():
        raise ValueError("a row has no cluster: leave it out, or give it one of its own")
    if len(values) < 2:
        raise ValueError("one cluster alone says nothing of how clusters differ")
    return np.asarray(codes)


def _known(name: str, names: Any) -> None:
    if name not in get_args(names):
        raise ValueError(f"{name!r} is none of {', '.join(get_args(names))}")
