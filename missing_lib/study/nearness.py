"""Who is near whom: steps over a graph to the nearest other case, and what chance makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from missing_lib.study import reach

#: Most source-and-tie combinations for which all distances are computed.
DISTANCE_BUDGET = 2_000_000_000
#: Draws behind each test unless asked otherwise.
DRAWS = 199


@dataclass(frozen=True)
class Graph:
    """An undirected graph without weights.

    Attributes
    ----------
    names : Index
        Identifier of each node, in order; n of them.
    neighbours : csr_array, shape (n, n)
        1 where two nodes are tied, symmetric, empty diagonal.
    """

    names: pd.Index
    neighbours: csr_array

    @property
    def degree(self) -> NDArray[np.int64]:
        """Number of distinct alters of each node."""
        return np.diff(self.neighbours.indptr).astype(np.int64)

    def among(self, chosen: NDArray[np.bool_]) -> Graph:
        """Some of the nodes, with the ties between them."""
        return Graph(self.names[chosen], csr_array(self.neighbours[chosen][:, chosen]))


@dataclass(frozen=True)
class Permutation:
    """A statistic against what it is in networks, or with labels, drawn at random.

    Attributes
    ----------
    observed : float
    null : ndarray, shape (draws,)
    p : float
        (1 + number of draws at least as large) / (draws + 1).
    """

    observed: float
    null: NDArray[np.float64]
    p: float


def graph(pairs: pd.DataFrame, people: Sequence[Any] | pd.Series | NDArray[Any] = ()) -> Graph:
    """The graph of tied pairs.

    Parameters
    ----------
    pairs : DataFrame
        Two columns of identifiers, each pair once.
    people : sequence
        Further nodes, which may have no tie; they come first.
    """
    known = [pd.Series(people)] if len(people) else []
    ends = pd.concat([*known, pairs.iloc[:, 0], pairs.iloc[:, 1]], ignore_index=True)
    code, names = pd.factorize(ends)
    a, b = code[len(code) - 2 * len(pairs) :].astype(np.int32).reshape(2, -1)
    ones, n = np.ones(2 * len(a), dtype=np.float32), len(names)
    both = (np.concatenate([a, b]), np.concatenate([b, a]))
    return Graph(pd.Index(names), csr_array((ones, both), shape=(n, n)))


def nearest_other(network: Graph, cases: ArrayLike) -> NDArray[np.float64]:
    """Steps from every node to the nearest case other than itself.

    Parameters
    ----------
    network : Graph
    cases : array_like of bool, shape (n,)

    Returns
    -------
    array of float, shape (n,)
        1 for a tied case, 2 for a case one further away, ...; inf where none can be reached.
    """
    steps = reach.to_nearest_case(*_searched(network), np.asarray(cases, bool))
    return np.where(steps == reach.NOBODY, np.inf, steps.astype(float))


def harmonic_closeness(network: Graph, cases: ArrayLike) -> NDArray[np.float64]:
    """Sum over all other cases of 1 / steps; nearer and more cases count more.

    Parameters
    ----------
    network : Graph
    cases : array_like of bool, shape (n,)

    Returns
    -------
    array of float, shape (n,)
        NaN everywhere where the network is too large for all distances.
    """
    sources = np.flatnonzero(np.asarray(cases, bool)).astype(np.int32)
    if len(sources) * network.neighbours.nnz > DISTANCE_BUDGET:
        return np.full(len(network.names), np.nan)
    return reach.inverse_steps_to(*_searched(network), sources)


def mean_nearness(network: Graph, missing: NDArray[np.bool_], at: NDArray[np.intp]) -> float:
    """Mean of 1 / steps to the nearest other missing person, nought where nobody is in reach.

    Parameters
    ----------
    network : Graph
    missing : bool array, shape (n,)
    at : int array, shape (m,)
        Nodes that count, where they went missing and have a tie.

    Returns
    -------
    float
        NaN where there is none of them.
    """
    counted = at[missing[at] & (network.degree[at] > 0)]
    return float((1 / nearest_other(network, missing)[counted]).mean()) if len(counted) else np.nan


def one_sided(observed: float, null: NDArray[np.float64]) -> Permutation:
    """A statistic against its draws; what is not known has no p."""
    if np.isnan(observed):
        return Permutation(np.nan, np.full(len(null), np.nan), np.nan)
    at_least = int((null >= observed - 1e-12).sum())
    return Permutation(observed, null, (1 + at_least) / (len(null) + 1))


def shuffle_within(
    label: NDArray[np.bool_], stratum: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A label permuted among the members of each stratum."""
    out = np.empty_like(label)
    out[np.lexsort((rng.random(len(label)), stratum))] = label[np.argsort(stratum, kind="stable")]
    return out


def nearness_test(
    network: Graph,
    missing: ArrayLike,
    movable: ArrayLike,
    stratum: ArrayLike,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Permutation:
    """Test whether missing people are nearer to each other than a shuffle within strata.

    The statistic is :func:`mean_nearness` over the movable missing people with a tie. It speaks
    of likeness left over in coarse strata, not of influence.

    Parameters
    ----------
    network : Graph
    missing : array_like of bool, shape (n,)
    movable : array_like of int, shape (m,)
        Nodes whose label may change places; the others keep theirs.
    stratum : array_like of int, shape (m,)
    rng : Generator
    draws : int

    Returns
    -------
    Permutation
        With NaN where no movable missing person has a tie.
    """
    label = np.asarray(missing, bool)
    at, level = np.asarray(movable, np.intp), np.asarray(stratum, np.int64)
    observed = mean_nearness(network, label, at)
    null = np.full(draws, np.nan)
    if not np.isnan(observed):
        for b in range(draws):
            shuffled = label.copy()
            shuffled[at] = shuffle_within(label[at], level, rng)
            null[b] = mean_nearness(network, shuffled, at)
    return one_sided(observed, null)


def against(tests: Mapping[str, Permutation]) -> pd.DataFrame:
    """Tests of one statistic below each other.

    Parameters
    ----------
    tests : mapping of str to Permutation
        By what was drawn at random, in words.

    Returns
    -------
    DataFrame
        ``drawn``, ``observed``, and ``expected``, ``low``, ``high``: mean and middle 95 % of the
        draws.
    """
    rows = [
        (name, test.observed, test.null.mean(), *np.quantile(test.null, [0.025, 0.975]))
        for name, test in tests.items()
    ]
    return pd.DataFrame(rows, columns=["drawn", "observed", "expected", "low", "high"])


def binned(values: ArrayLike, classes: int = 12) -> pd.DataFrame:
    """How values spread over round classes of equal width.

    Returns
    -------
    DataFrame
        ``from``, ``to`` and ``share`` (fraction of the values); empty without values.

    Examples
    --------
    >>> binned([0.91, 0.97, 1.04, 1.06], classes=4)["from"].tolist()
    [0.9, 0.95, 1.0, 1.05]
    """
    given = np.asarray(values, float)
    given = given[np.isfinite(given)]
    if not len(given):
        return pd.DataFrame(columns=["from", "to", "share"], dtype=float)
    spread = max(float(np.ptp(given)), 1e-6)
    power = 10.0 ** np.floor(np.log10(spread / classes))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= spread / classes * (1 - 1e-9))
    low, high = np.floor(given.min() / step + 1e-9), np.floor(given.max() / step + 1e-9)
    edges = np.round(np.arange(low, high + 2) * step, 10)
    counts, _ = np.histogram(given, bins=edges)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "share": counts / len(given)})


def _searched(network: Graph) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What a compiled search reads of a graph."""
    start, ends = network.neighbours.indptr, network.neighbours.indices
    return start.astype(np.int32, copy=False), ends.astype(np.int32, copy=False)
