"""Do the fitted laws of counts fit? Chi-squared on pooled cells, a bootstrapped distance, BIC.

The laws are those of :mod:`missing_lib.study.chance`, each given at least one incident, and where
none of them fits a mixture of Poisson laws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from missing_lib.study.chance import (
    CountModel,
    fit_log_series,
    fit_negative_binomial,
    fit_poisson,
)
from missing_lib.study.concentration import bands
from missing_lib.study.histogram import Histogram, as_histogram, histogram
from missing_lib.study.mixtures import (
    PoissonMixture,
    bayesian_criterion,
    choose_mixture,
    refit,
)

Floats = NDArray[np.float64]

#: Names of the laws, in the order in which they are fitted.
NAMES = ("poisson", "negative_binomial", "log_series", "mixture")
#: Fewest people that a cell of the chi-squared test is expected to hold.
LEAST_EXPECTED = 5.0
#: Drawn data sets behind a bootstrapped p value.
DRAWS = 199
#: p value from which on a law is said not to be contradicted.
SMALL = 0.05
#: p values below this are printed as this: further down in a tail the law is not known so well.
SMALLEST = 0.001
#: Counts so rare that they are left to the last cell.
_TAIL = 1e-9
_LARGEST = 20_000


class Law(Protocol):
    """A fitted law of counts of at least one."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def loglik(self) -> float: ...  # noqa: D102
    @property
    def parameters(self) -> int: ...  # noqa: D102
    def probabilities(self, largest: int) -> Floats: ...  # noqa: D102


@dataclass(frozen=True)
class ChiSquared:
    """Pearson's test on pooled cells.

    Attributes
    ----------
    statistic, p : float
        NaN where fewer cells remain than the law has parameters, plus two.
    df : int
        Cells less one less the parameters.
    cells : int
    """

    statistic: float
    p: float
    df: int
    cells: int


FITS: tuple[Callable[[ArrayLike | Histogram], CountModel], ...] = (
    fit_poisson,
    fit_negative_binomial,
    fit_log_series,
)


def chi_squared(counts: ArrayLike | Histogram, law: Law) -> ChiSquared:
    """Pearson's chi-squared of a fitted law, neighbouring counts pooled.

    Counts are pooled from one upwards until a cell expects five people; what remains at the end
    joins the last cell. The parameters were fitted to single counts and not to the cells, so the
    true tail lies between that of the stated degrees of freedom and of as many more as the law
    has parameters (Chernoff and Lehmann 1954, doi 10.1214/aoms/1177728726): the p value errs on
    the side of rejecting.

    Examples
    --------
    >>> seen = [1] * 64 + [2] * 24 + [3] * 8 + [4] * 3 + [5]
    >>> found = chi_squared(seen, fit_log_series(seen))
    >>> found.cells, found.df
    (4, 2)
    """
    hist = as_histogram(counts)
    people = float(hist.people.sum())
    expected = people * _masses(law, int(hist.values.max()))
    seen = _spread(hist, len(expected))
    cell = _pool(expected)
    cells = int(cell[-1]) + 1
    df = cells - 1 - law.parameters
    if df < 1:
        return ChiSquared(np.nan, np.nan, df, cells)
    wanted, found = np.bincount(cell, expected), np.bincount(cell, seen)
    statistic = float(((found - wanted) ** 2 / wanted).sum())
    return ChiSquared(statistic, float(stats.chi2.sf(statistic, df)), df, cells)


def distance(hist: Histogram, masses: Floats) -> Floats:
    """Cramer-von Mises distance of a discrete law, n sum (F_n(k) - F(k))^2 p(k).

    Lockhart, Spinelli and Stephens 2007, doi 10.1002/cjs.5550350111.

    Parameters
    ----------
    hist : Histogram
        ``people`` of shape (k,) or (draws, k).
    masses : ndarray of float, shape (largest,) or (draws, largest)
        Probabilities of 1, 2, ...; the last holds everything above, too.

    Returns
    -------
    ndarray of float, shape () or (draws,)
    """
    seen = _spread(hist, masses.shape[-1])
    people = seen.sum(axis=-1)
    apart = np.cumsum(seen, axis=-1) / people[..., None] - np.cumsum(masses, axis=-1)
    return np.asarray(people * (apart**2 * masses).sum(axis=-1))


def bootstrapped_p(
    counts: ArrayLike | Histogram, law: Law, *, draws: int = DRAWS, seed: int = 1
) -> float:
    """Chance of so large a distance when the law holds and is fitted anew to each draw.

    (1 + #{drawn distances >= seen})/(draws + 1), Stute, Gonzalez Manteiga and Presedo Quindimil
    1993, doi 10.1007/BF02613687.
    """
    hist = as_histogram(counts)
    if np.isnan(law.loglik):
        return float("nan")
    masses = _masses(law, int(hist.values.max()))
    people = int(hist.people.sum())
    drawn = np.random.default_rng(seed).multinomial(people, masses, draws).astype(float)
    worlds = Histogram(np.arange(1, len(masses) + 1, dtype=float), drawn)
    if isinstance(law, PoissonMixture):
        weights, means = refit(worlds, law)
        fitted = [
            _masses(PoissonMixture(w, m, 0.0), len(masses), len(masses))
            for w, m in zip(weights, means, strict=True)
        ]
    else:
        fit = next(f for f in FITS if f.__name__ == f"fit_{law.name}")
        fitted = [_refitted(fit, worlds.values, row, len(masses)) for row in drawn]
    further = distance(worlds, np.array(fitted)) >= float(distance(hist, masses))
    return float((1 + further.sum()) / (draws + 1))


def fit_laws(counts: ArrayLike) -> list[Law]:
    """The three usual laws, and the mixture; empty where nobody has more than one incident."""
    hist = histogram(counts)
    if hist.values.size == 0 or hist.values.max() < 2:
        return []
    return [*(fit(counts) for fit in FITS), choose_mixture(hist)]


def expected_people(
    counts: ArrayLike, laws: Sequence[Law], largest: int = 10, total: float | None = None
) -> pd.DataFrame:
    """People with 1, 2, ..., ``largest`` or more incidents, seen and expected by each law.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
    laws : sequence of Law
        From :func:`fit_laws`.
    largest : int
        First number of the last band.
    total : float, optional
        People that the laws share out; n if not given. A page gives the published number.

    Returns
    -------
    DataFrame
        ``times_missing`` (band), ``observed`` and a column for each of :data:`NAMES`: numbers of
        people, NaN where a law is not among those given.
    """
    given = np.asarray(counts, dtype=int)
    seen = pd.Series(bands(given, largest)).value_counts(sort=False)
    table = pd.DataFrame(
        {"times_missing": seen.index.astype(str), "observed": seen.to_numpy(float)}
    )
    people = len(given) if total is None else total
    table[list(NAMES)] = np.nan
    for law in laws:
        chances = law.probabilities(largest - 1)
        table[law.name] = people * np.append(chances, 1 - chances.sum())
    return table


def compare(
    counts: ArrayLike, laws: Sequence[Law], *, draws: int = DRAWS, seed: int = 1
) -> pd.DataFrame:
    """How well each law fits.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
    laws : sequence of Law
        From :func:`fit_laws`.
    draws : int
    seed : int

    Returns
    -------
    DataFrame
        ``law``, ``parameters``, ``cells`` and ``p_cells`` (of :func:`chi_squared`), ``p_distance``
        (of :func:`bootstrapped_p`), ``aic`` and ``bic``, each above the smallest of the laws.
    """
    hist = histogram(counts)
    people = hist.people.sum()
    rows = []
    for law in laws:
        cells = chi_squared(hist, law)
        rows.append(
            {
                "law": law.name,
                "parameters": law.parameters,
                "cells": cells.cells,
                "p_cells": cells.p,
                "p_distance": bootstrapped_p(hist, law, draws=draws, seed=seed),
                "aic": 2 * law.parameters - 2 * law.loglik,
                "bic": bayesian_criterion(law.loglik, law.parameters, people),
            }
        )
    columns = ["law", "parameters", "cells", "p_cells", "p_distance", "aic", "bic"]
    table = pd.DataFrame(rows, columns=columns)
    for criterion in ("aic", "bic"):
        table[criterion] -= table[criterion].min()
    return table


def describe(table: pd.DataFrame) -> str:
    """Which laws the counts do not contradict, as a sentence.

    Parameters
    ----------
    table : DataFrame
        ``law`` and ``p_distance``, as published; NaN where not shown.
    """
    known = table.dropna(subset=["p_distance"])
    single = known[known["law"] != "mixture"]
    if single.empty:
        return "Whether any of the laws fits is not shown here."
    fit = [name.replace("_", " ") for name in single.loc[single["p_distance"] >= SMALL, "law"]]
    if fit:
        return "The counts do not contradict: " + ", ".join(fit) + "."
    told = "None of the three laws fits: counts drawn from it are nearly always closer to it. "
    mixed = known[known["law"] == "mixture"]
    if len(mixed) and mixed["p_distance"].iloc[0] >= SMALL:
        return told + "A mixture of a few Poisson laws does."
    return told + "Nor does a mixture of a few Poisson laws."


def _masses(law: Law, largest: int, exactly: int = 0) -> Floats:
    """Probabilities of 1, 2, ... up to where little is left, the last cell with all above."""
    size = max(2 * largest, 50)
    chances = law.probabilities(exactly or size)
    while not exactly and 1 - chances.sum() > _TAIL and size < _LARGEST:
        size *= 2
        chances = law.probabilities(size)
    chances[-1] += max(1 - float(chances.sum()), 0.0)
    return np.asarray(chances / chances.sum())


def _spread(hist: Histogram, size: int) -> Floats:
    """People with 1, 2, ..., ``size`` or more."""
    place = np.minimum(hist.values.astype(np.int64), size) - 1
    where = np.zeros((len(place), size))
    where[np.arange(len(place)), place] = 1.0
    return np.asarray(hist.people @ where)


def _pool(expected: Floats) -> NDArray[np.int64]:
    """Cell of each count: neighbours together until a cell expects enough people."""
    cell = np.zeros(len(expected), dtype=np.int64)
    number, held = 0, 0.0
    left = np.cumsum(expected[::-1])[::-1]
    for k, size in enumerate(expected):
        cell[k] = number
        held += float(size)
        after = left[k + 1] if k + 1 < len(expected) else 0.0
        if held >= LEAST_EXPECTED and after >= LEAST_EXPECTED:
            number, held = number + 1, 0.0
    return cell


def _refitted(
    fit: Callable[[ArrayLike | Histogram], CountModel], values: Floats, people: Floats, size: int
) -> Floats:
    """Masses of a law fitted to one drawn data set; a single one, if nobody has two, at one."""
    law = fit(Histogram(values[people > 0], people[people > 0]))
    if np.isnan(law.loglik):
        return np.eye(1, size)[0]
    return _masses(law, size, size)
