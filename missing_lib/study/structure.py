"""How does a network hang together? Its size, its parts, its circles, and who is tied to whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from missing_lib.study.nearness import Graph

#: Lower bounds of the classes of numbers of connections; merged from the top where few remain.
DEGREE_FROM = (0, 1, 2, 3, 5, 10, 20)
#: Components below this size are shown as one class, degree classes hold as many people.
SMALLEST_CLASS = 10


@dataclass(frozen=True)
class Structure:
    """Plain description of a network; exact values.

    Attributes
    ----------
    people, connected, pairs : int
        Nodes, nodes with a tie, and tied pairs.
    components : int
        Components of :data:`SMALLEST_CLASS` people or more.
    in_largest, in_small : int
        People in the largest component, and tied people in components below that size.
    several : int
        People with two ties or more.
    mean_degree : float
        Over people with a tie.
    transitivity : float
        Triangles closed, of all pairs of ties that share a person; NaN without such a pair.
    clustering : float
        The same within each person's own ties, averaged over people with two or more (Watts and
        Strogatz 1998, doi 10.1038/30918).
    assortativity : float
        Of having gone missing, over ties (Newman 2003, doi 10.1103/PhysRevE.67.026126); 1 where
        only like is tied to like, 0 where ties do not care.
    degree_assortativity : float
        Correlation of the numbers of ties at both ends of a tie; NaN where all are equal.
    """

    people: int
    connected: int
    pairs: int
    components: int
    in_largest: int
    in_small: int
    several: int
    mean_degree: float
    transitivity: float
    clustering: float
    assortativity: float
    degree_assortativity: float


def structure(network: Graph, missing: ArrayLike) -> Structure:
    """Describe a network.

    Parameters
    ----------
    network : Graph
    missing : array_like of bool, shape (n,)
        Who went missing, in the order of ``network.names``.
    """
    degree, ties = network.degree, network.neighbours.nnz
    _, component = connected_components(network.neighbours, directed=False)
    sizes = np.bincount(component[degree > 0])
    sizes = sizes[sizes > 0]
    closed, open_ = _closed_pairs(network), degree * (degree - 1)
    several = open_ > 0
    return Structure(
        people=len(network.names),
        connected=int((degree > 0).sum()),
        pairs=ties // 2,
        components=int((sizes >= SMALLEST_CLASS).sum()),
        in_largest=int(sizes.max(initial=0)),
        in_small=int(sizes[sizes < SMALLEST_CLASS].sum()),
        several=int(several.sum()),
        mean_degree=float(degree[degree > 0].mean()) if ties else np.nan,
        transitivity=float(closed.sum() / open_.sum()) if several.any() else np.nan,
        clustering=float((closed[several] / open_[several]).mean()) if several.any() else np.nan,
        assortativity=assortativity(network, missing),
        degree_assortativity=_correlated(network, degree.astype(float)),
    )


def assortativity(network: Graph, label: ArrayLike) -> float:
    """Assortativity of a yes-no label over ties; NaN where all ends of ties are alike."""
    rows = network.neighbours.tocoo()
    yes = np.asarray(label, bool)
    if rows.nnz == 0 or yes[rows.row].all() or not yes[rows.row].any():
        return np.nan
    like = float((yes[rows.row] == yes[rows.col]).mean())
    share = float(yes[rows.row].mean())
    by_chance = share**2 + (1 - share) ** 2
    return (like - by_chance) / (1 - by_chance)


def degree_classes(degree: ArrayLike) -> pd.DataFrame:
    """How people with a tie spread over classes of numbers of ties.

    Parameters
    ----------
    degree : array_like of int, shape (n,)
        Whoever has none is left out.

    Returns
    -------
    DataFrame
        ``connections`` (label of the class), ``share`` of the people with a tie, and ``fewest``
        (people in the class or outside it). Classes with fewer than :data:`SMALLEST_CLASS`
        people join the class below, the lowest the one above.

    Examples
    --------
    >>> degree_classes([0] * 5 + [1] * 30 + [2] * 10 + [7] * 4 + [30] * 6)["share"].tolist()
    [0.6, 0.2, 0.2]
    """
    number = np.asarray(degree)
    number = number[number > 0]
    rows = []
    for label, low, high in classes(_large_enough(number)):
        inside = int(((number >= low) & (number < high)).sum())
        share = inside / len(number) if len(number) else np.nan
        rows.append((label, share, min(inside, len(number) - inside)))
    return pd.DataFrame(rows, columns=["connections", "share", "fewest"])


def _large_enough(number: NDArray[np.int64]) -> list[int]:
    """Lower bounds of classes that hold enough people each, as far as there are enough."""
    begins = list(DEGREE_FROM[1:])
    for k in reversed(range(1, len(begins))):
        if _held(number, begins, k) < SMALLEST_CLASS:
            del begins[k]
    while len(begins) > 1 and _held(number, begins, 0) < SMALLEST_CLASS:
        del begins[1]
    return begins


def _held(number: NDArray[np.int64], begins: list[int], k: int) -> int:
    high = begins[k + 1] if k + 1 < len(begins) else np.inf
    return int(((number >= begins[k]) & (number < high)).sum())


def classes(begins: list[int]) -> list[tuple[str, int, float]]:
    """Label, lower bound and bound from which on the next class begins.

    Examples
    --------
    >>> [label for label, _, _ in classes([0, 1, 3])]
    ['0', '1 to 2', '3 or more']
    """
    ends = [*begins[1:], np.inf]
    return [(_label(low, high), low, high) for low, high in zip(begins, ends, strict=True)]


def _label(low: int, high: float) -> str:
    if np.isinf(high):
        return f"{low} or more"
    return str(low) if high == low + 1 else f"{low} to {int(high) - 1}"


def _closed_pairs(network: Graph) -> NDArray[np.float64]:
    """Ordered pairs of ties of each person whose other ends are tied too."""
    ties = network.neighbours
    return np.asarray((ties @ ties).multiply(ties).sum(axis=1), float).ravel()


def _correlated(network: Graph, value: NDArray[np.float64]) -> float:
    """Correlation of a value over the two ends of each tie, both ways round."""
    rows = network.neighbours.tocoo()
    one, two = value[rows.row], value[rows.col]
    if rows.nnz == 0 or not one.std() > 0:
        return np.nan
    return float(np.corrcoef(one, two)[0, 1])
