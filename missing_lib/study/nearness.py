"""Who is near whom: steps over a graph to the nearest other case, and what chance makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

#: Most source-and-tie combinations for which all distances are computed.
DISTANCE_BUDGET = 2_000_000_000
#: Shuffles of the labels unless asked otherwise.
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


@dataclass(frozen=True)
class Permutation:
    """A statistic against labels shuffled within strata.

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


def graph(pairs: pd.DataFrame, people: ArrayLike = ()) -> Graph:
    """The graph of tied pairs.

    Parameters
    ----------
    pairs : DataFrame
        Two columns of identifiers, each pair once.
    people : array_like
        Further nodes, which may have no tie.
    """
    ends = [pairs.iloc[:, 0].to_numpy(object), pairs.iloc[:, 1].to_numpy(object)]
    names = pd.Index(pd.unique(np.concatenate([np.asarray(people, object), *ends])))
    a, b = names.get_indexer(pd.Index(ends[0])), names.get_indexer(pd.Index(ends[1]))
    ones, n = np.ones(2 * len(a), dtype=np.float32), len(names)
    both = (np.concatenate([a, b]), np.concatenate([b, a]))
    return Graph(names, csr_array((ones, both), shape=(n, n)))


def nearest_other(network: Graph, cases: ArrayLike) -> NDArray[np.float64]:
    """Steps from every node to the nearest case other than itself.

    One breadth-first search from all cases at once, in which every node passes on its two
    nearest distinct cases: two are enough to leave oneself out.

    Parameters
    ----------
    network : Graph
    cases : array_like of bool, shape (n,)

    Returns
    -------
    array of float, shape (n,)
        1 for a tied case, 2 for a case one further away, ...; inf where none can be reached.
    """
    start, ends = network.neighbours.indptr, network.neighbours.indices
    n = len(network.names)
    first, second = np.full(n, -1), np.full(n, -1)
    steps = np.full((n, 2), np.inf)
    node = np.flatnonzero(np.asarray(cases, bool))
    source = node.copy()
    first[node], steps[node, 0] = node, 0.0
    level = 0
    while len(node):
        level += 1
        times = start[node + 1] - start[node]
        at = np.arange(times.sum()) + np.repeat(start[node] - np.cumsum(times) + times, times)
        node, source = ends[at].astype(np.int64), np.repeat(source, times)
        free = (second[node] < 0) & (first[node] != source)
        node, source = np.divmod(np.unique(node[free] * n + source[free]), n)
        rank = np.arange(len(node)) - np.searchsorted(node, node)
        place = rank + (first[node] >= 0)
        node, source, place = node[place < 2], source[place < 2], place[place < 2]
        first[node[place == 0]] = source[place == 0]
        second[node[place == 1]] = source[place == 1]
        steps[node, place] = level
    return np.where(first == np.arange(n), steps[:, 1], steps[:, 0])


def harmonic_closeness(network: Graph, cases: ArrayLike, chunk: int = 256) -> NDArray[np.float64]:
    """Sum over all other cases of 1 / steps; nearer and more cases count more.

    Parameters
    ----------
    network : Graph
    cases : array_like of bool, shape (n,)
    chunk : int
        Cases searched from at once; memory is proportional to it.

    Returns
    -------
    array of float, shape (n,)
        NaN everywhere where the network is too large for all distances.
    """
    sources = np.flatnonzero(np.asarray(cases, bool))
    n = len(network.names)
    if len(sources) * network.neighbours.nnz > DISTANCE_BUDGET:
        return np.full(n, np.nan)
    total = np.zeros(n)
    for begin in range(0, len(sources), chunk):
        part = sources[begin : begin + chunk]
        front = np.zeros((n, len(part)), dtype=np.float32)
        front[part, np.arange(len(part))] = 1
        seen = front > 0
        level = 0
        while front.any():
            level += 1
            arrived = (network.neighbours @ front > 0) & ~seen
            seen |= arrived
            total += arrived.sum(axis=1) / level
            front = arrived.astype(np.float32)
    return total


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

    The statistic is the mean of 1 / steps to the nearest other missing person over the movable
    missing people with a tie (0 where nobody can be reached). It speaks of likeness left over
    in coarse strata, not of influence.

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

    def statistic(yes: NDArray[np.bool_]) -> float:
        counted = at[yes[at] & (network.degree[at] > 0)]
        return float((1 / nearest_other(network, yes)[counted]).mean()) if len(counted) else np.nan

    observed = statistic(label)
    if np.isnan(observed):
        return Permutation(np.nan, np.full(draws, np.nan), np.nan)
    null = np.empty(draws)
    for b in range(draws):
        shuffled = label.copy()
        shuffled[at] = shuffle_within(label[at], level, rng)
        null[b] = statistic(shuffled)
    return Permutation(observed, null, (1 + int((null >= observed - 1e-12).sum())) / (draws + 1))


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
