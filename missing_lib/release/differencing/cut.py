"""The smallest sets that several sets or partitions cut out of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cut:
    """Members sorted by what they belong to."""

    atom: NDArray[np.int64]
    sizes: NDArray[np.int64]


def bits(members: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """A set as a partition: nought for its members, -1 outside."""
    out = np.full(size, -1, dtype=np.int64)
    out[members] = 0
    return out


def cut_out(coded: Sequence[NDArray[np.int64]]) -> Cut:
    """The smallest sets that several partitions cut out of each other, by a hash of the codes."""
    if not coded:
        return Cut(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    weights = np.random.default_rng(0).integers(1, 2**63 - 1, len(coded)).astype(np.uint64) | 1
    signature = np.zeros(len(coded[0]), dtype=np.uint64)
    inside = np.zeros(len(coded[0]), dtype=bool)
    for code, weight in zip(coded, weights, strict=True):
        signature = (signature * np.uint64(0x9E3779B97F4A7C15)) ^ (
            (code + 1).astype(np.uint64) * weight
        )
        inside |= code >= 0
    atom = np.full(len(signature), -1, dtype=np.int64)
    _, atom[inside], sizes = np.unique(signature[inside], return_inverse=True, return_counts=True)
    return Cut(atom, sizes.astype(np.int64))
