"""What is protected: published sets of few, what few are left between two, and few together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from missing_lib.release.differencing.system import Columns, Named, System
from missing_lib.release.policy import Policy


@dataclass(frozen=True)
class Question:
    """A protected size, and what it is the size of.

    Attributes
    ----------
    columns : array of int
        The unknowns of a system that add up to it.
    about : tuple of int
        Positions in the collection of the published counts that it comes from.
    kind : {"count", "difference", "sum"}
    """

    columns: Columns
    about: tuple[int, ...]
    kind: str


def questions(system: System, policy: Policy) -> list[Question]:
    """Everything protected whose parts are in this system, each set of unknowns once.

    Protected are published sets, differences of a published set and a published part of it,
    and sums of two disjoint ones or of all hidden cells of a table, if they hold at least one and
    fewer than the threshold.
    """
    found: dict[bytes, Question] = {}
    for question in _all(system, policy.threshold):
        if len(question.columns):
            found.setdefault(question.columns.tobytes(), question)
    return list(found.values())


def _all(system: System, threshold: int) -> Iterator[Question]:
    blocks: dict[str, list[Named]] = {}
    for one in system.sets:
        blocks.setdefault(one.block, []).append(one)
    for sets in blocks.values():
        yield from _of_block(system, sets, threshold)
    for together in system.sums:
        columns = np.unique(np.concatenate([one.columns for one in together]))
        if 0 < system.truth[columns].sum() < threshold:
            yield Question(columns, tuple(one.count for one in together), "sum")


def _of_block(system: System, sets: Sequence[Named], threshold: int) -> Iterator[Question]:
    distinct = {one.columns.tobytes(): one for one in sets}
    sets = list(distinct.values())
    size = np.array([system.truth[one.columns].sum() for one in sets])
    shared = _shared(system, sets)
    few = (size > 0) & (size < threshold)
    for i in np.flatnonzero(few):
        yield Question(sets[i].columns, (sets[i].count,), "count")
    left = size[None, :] - size[:, None]
    inside = (shared == size[:, None]) & (size[:, None] > 0) & (left > 0) & (left < threshold)
    for i, j in np.argwhere(inside):
        columns = np.setdiff1d(sets[j].columns, sets[i].columns, assume_unique=True)
        yield Question(columns, (sets[j].count, sets[i].count), "difference")
    for i, j in np.argwhere(np.triu((shared == 0) & few[:, None] & few[None, :], 1)):
        if size[i] + size[j] < threshold:
            columns = np.union1d(sets[i].columns, sets[j].columns)
            yield Question(columns, (sets[i].count, sets[j].count), "sum")


def _shared(system: System, sets: Sequence[Named]) -> np.ndarray:
    """Members that each two sets have in common."""
    columns = np.concatenate([one.columns for one in sets]) if sets else np.empty(0, int)
    at = np.repeat(np.arange(len(sets)), [len(one.columns) for one in sets])
    shape = (len(sets), len(system.truth))
    holds = csr_matrix((np.ones(len(at)), (at, columns)), shape=shape)
    weighed = holds.multiply(system.truth[None, :]).tocsr()
    return np.asarray((weighed @ holds.T).todense())
