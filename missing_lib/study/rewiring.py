"""What if everybody had as many ties, but others? A network rewired with its numbers kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from missing_lib.study.nearness import DRAWS, Graph, Permutation, mean_nearness, one_sided

Ints = NDArray[np.int32]

#: Swaps tried for each tie between two networks that are compared.
SWAPS_PER_TIE = 10
#: Swaps tried in one test at most, as long as there is one for each tie and draw.
SWAP_BUDGET = 50_000_000
#: Swaps whose random numbers are held in memory at once.
_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Wiring:
    """The ties of a network as pairs of ends, so that two ties can swap one in place.

    Attributes
    ----------
    start : int array, shape (n + 1,)
        Where the ends of each node begin; never changes, as everybody keeps their number.
    owner, to : int array, shape (2 ties,)
        Node to which an end belongs, and the node at the other end of its tie.
    one, two : int array, shape (ties,)
        The two ends of each tie.
    """

    start: Ints
    owner: Ints
    to: Ints
    one: Ints
    two: Ints

    @property
    def copy(self) -> Wiring:
        """The same ties, to be changed by themselves."""
        return Wiring(self.start, self.owner, self.to.copy(), self.one.copy(), self.two.copy())

    def graph(self, like: Graph) -> Graph:
        """As a graph of the people of another."""
        n = len(like.names)
        ones = np.ones(len(self.to), np.float32)
        return Graph(like.names, csr_array((ones, self.to, self.start), shape=(n, n)))


def wiring(network: Graph) -> Wiring:
    """The ties of a network as pairs of ends."""
    matrix = network.neighbours.sorted_indices()
    start, to = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    owner = np.repeat(np.arange(len(network.names), dtype=np.int32), np.diff(start))
    one, two = np.flatnonzero(owner < to), np.flatnonzero(owner > to)
    two = two[np.lexsort((owner[two], to[two]))]
    return Wiring(start, owner, to, one.astype(np.int32), two.astype(np.int32))


def rewire(wires: Wiring, rng: np.random.Generator, per_tie: int = SWAPS_PER_TIE) -> None:
    """Swap ends of ties in place, at random, everybody keeping their number of ties.

    Two ties a-b and c-d are drawn, and become a-d and c-b where neither exists and nobody is
    tied to themselves; otherwise nothing happens in this step, and it counts. In the long run
    every network with these numbers of ties, connected or not, is as likely as any other
    (Fosdick, Larremore, Nishimura and Ugander 2018, doi 10.1137/16M1087175).

    Parameters
    ----------
    wires : Wiring
        Changed in place.
    rng : Generator
    per_tie : int
        Steps for each tie.
    """
    ties = len(wires.one)
    left = per_tie * ties if ties > 1 else 0
    while left:
        size = min(left, _AT_ONCE)
        first = rng.integers(0, ties, size, dtype=np.int32)
        # The last bit says which way round the second tie is taken.
        second = rng.integers(0, 2 * ties, size, dtype=np.int64)
        _swap(wires.start, wires.owner, wires.to, wires.one, wires.two, first, second)
        left -= size


def rewired(network: Graph, rng: np.random.Generator, per_tie: int = SWAPS_PER_TIE) -> Graph:
    """A network with everybody's number of ties, and else at random; see :func:`rewire`."""
    wires = wiring(network)
    rewire(wires, rng, per_tie)
    return wires.graph(network)


def rewiring_test(
    network: Graph,
    missing: ArrayLike,
    movable: ArrayLike,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Permutation:
    """Test whether missing people are nearer to each other than if ties were made at random.

    Everybody keeps their label and their number of ties; who is tied to whom is drawn anew. The
    statistic is :func:`.nearness.mean_nearness`. All else that makes a network, such as age,
    place and groups of friends, is undone by the draws as well, so the test says whether the
    missing stand together beyond their numbers of ties, and not why.

    One chain of swaps leads from the observed network to a hidden one, and one from there to each
    draw: so the observed is one of a set in which any order is as likely, and p holds even
    where the chains are short (Besag and Clifford 1989, doi 10.1093/biomet/76.4.633).

    Parameters
    ----------
    network : Graph
    missing : array_like of bool, shape (n,)
    movable : array_like of int, shape (m,)
        Nodes whose nearness counts, as in :func:`.nearness.nearness_test`.
    rng : Generator
    draws : int

    Returns
    -------
    Permutation
        With NaN where nobody who counts has a tie.
    """
    label, at = np.asarray(missing, bool), np.asarray(movable, np.intp)
    observed = mean_nearness(network, label, at)
    null = np.full(draws, np.nan)
    if not np.isnan(observed):
        hidden = wiring(network)
        affordable = SWAP_BUDGET // max(draws * len(hidden.one), 1)
        per_tie = max(1, min(SWAPS_PER_TIE, affordable))
        rewire(hidden, rng, per_tie)
        for b in range(draws):
            drawn = hidden.copy
            rewire(drawn, rng, per_tie)
            null[b] = mean_nearness(drawn.graph(network), label, at)
    return one_sided(observed, null)


@njit(cache=True)
def _tied(start: Ints, to: Ints, a: int, b: int) -> bool:
    if start[a + 1] - start[a] > start[b + 1] - start[b]:
        a, b = b, a
    for slot in range(start[a], start[a + 1]):  # noqa: SIM110 - compiled, where any() is slow
        if to[slot] == b:
            return True
    return False


@njit(cache=True)
def _swap(
    start: Ints, owner: Ints, to: Ints, one: Ints, two: Ints, first: Ints, second: NDArray[np.int64]
) -> None:
    for step in range(len(first)):
        tie, other = first[step], second[step] >> 1
        p, q, r, s = one[tie], two[tie], one[other], two[other]
        if second[step] & 1:
            r, s = s, r
        a, b, c, d = owner[p], owner[q], owner[r], owner[s]
        if tie == other or a == d or b == c or _tied(start, to, a, d) or _tied(start, to, b, c):
            continue
        to[p], to[s], to[r], to[q] = d, a, b, c
        one[tie], two[tie], one[other], two[other] = p, s, r, q
