"""Small made-up populations that the gate publishes, and the worlds that could be behind it.

A population is a number of people for each combination of group, level and time of entry. What
is published of it is a sum over combinations, so everything that can be known of it can be found
by going through all populations up to some size.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.release.counted import ALL_RECORDED, Counted
from missing_lib.release.differencing.counts import Source, interval
from missing_lib.release.differencing.repair import repair
from missing_lib.release.mends import Mend
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.registry import Registry
from missing_lib.study.tabulate import tabulate

#: So low that small worlds are not simply all hidden; never that of a force.
TEST_ONLY = Policy(threshold=3, rounding=2, consistent=2, distance=1)

Population = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """Numbers of groups, levels and times of entry."""

    groups: int
    levels: int
    entries: int = 1

    @property
    def size(self) -> int:
        return self.groups * self.levels * self.entries

    def combinations(self) -> pd.DataFrame:
        """One row per combination, in the order of a population."""
        every = itertools.product(range(self.entries), range(self.groups), range(self.levels))
        return pd.DataFrame(every, columns=["entry", "group", "level"])


@dataclass(frozen=True)
class Published:
    """One table or number: who is in it, and what spans it.

    Attributes
    ----------
    who : callable
        Takes the combinations, returns which of them are in it.
    by : str
        Column that spans it; empty for a number.
    """

    name: str
    who: Callable[[pd.DataFrame], pd.Series]
    by: str = ""


def people_of(shape: Shape, population: Population) -> pd.DataFrame:
    """One incident for each person, with group, level and entry."""
    rows = shape.combinations().loc[np.repeat(np.arange(shape.size), population)]
    at = rows.groupby(rows.index).cumcount()
    ids = [f"{k}-{i}" for k, i in zip(rows.index, at, strict=True)]
    rows = rows.assign(person_id=ids, incident_id=ids).reset_index(drop=True)
    for name, number in (("group", shape.groups), ("level", shape.levels)):
        rows[name] = pd.Categorical(rows[name], categories=range(number))
    return rows


def publish(
    shape: Shape,
    population: Population,
    wanted: Sequence[Published],
    policy: Policy,
    mends: Sequence[Mend] = (),
) -> list[Counted]:
    """What the gate publishes of a population."""
    rows = people_of(shape, population)
    gate = Gate(policy, Registry(None, chapter="c"), mends)
    for one in wanted:
        mine = rows[one.who(rows.astype({"group": int, "level": int})).to_numpy(dtype=bool)]
        if one.by:
            gate.counts(one.name, tabulate(mine, [one.by]), title="t", what="w", units=("people",))
        else:
            gate.people(one.name, mine["person_id"], what="w")
    return list(gate.registry.counted)


def hide(sources: Sequence[Source], policy: Policy) -> list[list[Mend]]:
    """Mends of each source that are needed for nothing to be told."""
    _, found = repair(sources, policy, lambda _: False)
    assert not found.refused
    mends: list[list[Mend]] = [[] for _ in sources]
    for place in found.places:
        counted = sources[place.source].counted[place.output]
        label = counted.cells[place.cell].label
        mends[place.source].append(Mend("c", counted.output, counted.unit, label))
    return mends


def safe_edition(
    shape: Shape,
    population: Population,
    wanted: Sequence[Published],
    policy: Policy,
    earlier: Sequence[Source] = (),
) -> list[Counted]:
    """What leaves: published, mended and published again until nothing is told."""
    mends: list[Mend] = []
    while True:
        counted = publish(shape, population, wanted, policy, mends)
        more = hide([*earlier, Source("now", False, policy, tuple(counted))], policy)[-1]
        if not more:
            return counted
        mends += more


def masks(shape: Shape, one: Published) -> list[NDArray[np.bool_]]:
    """The combinations in each cell of a table and in all of it, or in a number."""
    every = shape.combinations()
    inside = one.who(every).to_numpy(dtype=bool)
    if not one.by:
        return [inside]
    levels = {"group": shape.groups, "level": shape.levels}[one.by]
    cells = [inside & (every[one.by] == level).to_numpy() for level in range(levels)]
    return [*cells, inside]


def worlds(shape: Shape, largest: int) -> NDArray[np.int8]:
    """Every population with at most so many people in a combination."""
    axes = [np.arange(largest + 1, dtype=np.int8)] * shape.size
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)


def agreeing(
    every: NDArray[np.int8],
    shape: Shape,
    wanted: Sequence[Published],
    counted: Sequence[Counted],
    policy: Policy,
) -> NDArray[np.int8]:
    """Worlds that everything published agrees with, by the words of the policy alone."""
    left = every
    for one, said in zip(wanted, counted, strict=True):
        for mask, cell in zip(masks(shape, one), said.cells, strict=True):
            low, high = interval(cell, policy)
            value = left[:, mask].sum(axis=1, dtype=np.int64)
            agrees = (value >= low) & (value <= high)
            if cell.status == "shown" and one.by and cell.label != ALL_RECORDED:
                around = left[:, masks(shape, one)[-1]].sum(axis=1, dtype=np.int64)
                agrees &= around - value >= policy.threshold
            left = left[agrees]
    return left


def protected(shape: Shape, wanted: Sequence[Published]) -> dict[bytes, NDArray[np.bool_]]:
    """Cells, what is left of one around another, and two that share nobody."""
    sets = [mask for one in wanted for mask in masks(shape, one)]
    found = {mask.tobytes(): mask for mask in sets}
    for one, other in itertools.permutations(sets, 2):
        if not (one & ~other).any():
            found[(other & ~one).tobytes()] = other & ~one
        if not (one & other).any():
            found[(one | other).tobytes()] = one | other
    return {key: mask for key, mask in found.items() if mask.any()}


def pinned(
    population: Population,
    left: NDArray[np.int8],
    sizes: dict[bytes, NDArray[np.bool_]],
    policy: Policy,
) -> int:
    """How many protected sizes are the same in every world that is left."""
    found = 0
    for mask in sizes.values():
        if 0 < population[mask].sum() < policy.threshold:
            values = np.unique(left[:, mask].sum(axis=1, dtype=np.int64))
            found += len(values) < 2
    return found
