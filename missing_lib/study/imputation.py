"""Several completed data sets by chained equations, and one answer from them by Rubin's rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student
from statsmodels.imputation.mice import MICEData

Floats = NDArray[np.float64]
#: Observed values, nearest by prediction, from which an imputed one is drawn.
DONORS = 10
#: Rounds of the chain before the first completed data set, and between one and the next.
BURN_IN, BETWEEN = 10, 3
#: A column with fewer observed values than this is not imputed.
FEWEST_OBSERVED = 50
#: Condition number of cross products up to which columns are far from collinear.
_WELL = 1e10


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


def imputable(data: pd.DataFrame) -> list[str]:
    """Columns in which values are missing and enough observed to impute from."""
    known = data.notna().sum()
    return [str(c) for c in data.columns[(known < len(data)) & (known >= FEWEST_OBSERVED)]]


def completed(data: pd.DataFrame, copies: int, seed: int) -> list[pd.DataFrame]:
    """Fill in missing values several times over, by chained equations.

    Each column with missing values is regressed on all others; with coefficients drawn from
    their distribution, a missing value gets the value of one of the :data:`DONORS` people whose
    prediction is nearest (predictive mean matching), so that only values that occur are filled
    in. statsmodels' ``MICEData`` does it; it draws from numpy's global generator, which is put
    back afterwards.

    Parameters
    ----------
    data : DataFrame of float, shape (n, k)
        Everything that is to predict the missing values, the outcome of the later model
        included. A column that says nothing beyond the others is not used, unless it has missing
        values itself.
    copies : int
    seed : int

    Returns
    -------
    list of DataFrame, shape (n, k)
        Like ``data``; columns not :func:`imputable` keep their missing values. Without any that
        is, a list of as many copies.

    References
    ----------
    van Buuren and Groothuis-Oudshoorn 2011, doi 10.18637/jss.v045.i03; White, Royston and Wood
    2011, doi 10.1002/sim.4067 (the outcome belongs in the model).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=200)
    >>> data = pd.DataFrame({"x": x, "y": np.where(rng.random(200) < 0.2, np.nan, x)})
    >>> first, second = completed(data, 2, seed=1)
    >>> first["y"].isna().sum().item(), first["y"].equals(second["y"])
    (0, False)
    """
    if np.isinf(data.to_numpy(float)).any():
        raise ValueError("a value is infinite: what is not known must be missing (NaN)")
    filled = imputable(data)
    if not filled:
        return [data.copy() for _ in range(copies)]
    used = _independent(data.drop(columns=filled)) + filled
    out = []
    with _drawing(seed):
        chain = _Chain(data[used], k_pmm=DONORS)
        chain.update_all(BURN_IN - BETWEEN)
        for _ in range(copies):
            chain.update_all(BETWEEN)
            out.append(data.assign(**{name: chain.data[name].to_numpy() for name in filled}))
    return out


class _Chain(MICEData):
    """Chained equations whose predictors are all other columns as they are.

    Those of statsmodels read them through a formula, for each column and round anew, which takes
    ten times as long as all the rest, and trips over names that are none in a formula.
    """

    def get_fitting_data(self, vname: str) -> tuple[Floats, Floats, dict, dict]:
        """Observed values of a column, and the others where it is observed."""
        observed = self.ix_obs[vname]
        others = self._others(vname)[observed]
        # Several times faster than the pseudo-inverse, which collinear columns need.
        method = "qr" if np.linalg.cond(others.T @ others) < _WELL else "pinv"
        return self.data[vname].to_numpy()[observed], others, {}, {"method": method}

    def get_split_data(self, vname: str) -> tuple[Floats, Floats, Floats, dict, dict]:
        """The same, and the others where it is missing."""
        observed, others = self.ix_obs[vname], self._others(vname)
        value = self.data[vname].to_numpy()[observed]
        return value, others[observed], others[self.ix_miss[vname]], {}, {}

    def _others(self, name: str) -> Floats:
        return np.column_stack([np.ones(len(self.data)), self.data.drop(columns=name).to_numpy()])


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Seed the global generator of numpy inside, and put it back outside."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)


def _independent(data: pd.DataFrame) -> list[str]:
    """Columns without missing values, none of them constant or told by those before it."""
    kept: list[str] = []
    base = np.ones((len(data), 1))
    for name in data.columns[data.notna().all()]:
        value = data[name].to_numpy(float)
        rest = value - base @ np.linalg.lstsq(base, value, rcond=None)[0]
        if np.std(rest) > 1e-8 * np.std(value) + 1e-12 * np.abs(value).max(initial=0.0):
            kept.append(str(name))
            base = np.column_stack([base, value])
    return kept


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
