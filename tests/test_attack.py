"""The attacker against the gate, and against the gate with each single rule switched off."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_lib.release import cells, numbers
from missing_lib.release.counted import KEPT, SHOWN, Counted
from missing_lib.release.differencing.counts import Source
from missing_lib.release.differencing.repair import repair
from missing_lib.release.mends import Mend
from missing_lib.release.policy import Policy, round_count
from missing_lib.release.publish import Gate
from missing_lib.release.registry import Registry
from tests.attacker import JUDGE, Print, recovered
from tests.made_worlds import Population, Published, Shape, people_of, publish

POLICY = Policy()
ONE_TABLE = Shape(1, 4)
FORCE = Shape(3, 4, entries=2)

BY_LEVEL = [Published("all by level", lambda c: c["group"] >= 0, "level")]

#: Everything that a force publishes of children, adults and all.
EVERYTHING = [
    Published("children by level", lambda c: c["group"] == 0, "level"),
    Published("children", lambda c: c["group"] == 0),
    Published("adults by level", lambda c: c["group"] == 1, "level"),
    Published("adults", lambda c: c["group"] == 1),
    Published("all by level", lambda c: c["group"] >= 0, "level"),
    Published("all by group", lambda c: c["group"] >= 0, "group"),
    Published("all", lambda c: c["group"] >= 0),
    Published("age known", lambda c: c["group"] < 2),
]


def near_the_threshold(rng: np.random.Generator, shape: Shape) -> Population:
    """A population in which many cells and differences are small, or just large enough."""
    people = np.stack([rng.integers(0, 4, shape.size), rng.integers(10, 13, shape.size),
                       rng.integers(10, 40, shape.size)])  # fmt: skip
    chosen = people[rng.integers(0, len(people), shape.size), np.arange(shape.size)]
    later = shape.combinations()["entry"].to_numpy() > 0
    return np.where(later, rng.integers(0, 3, shape.size), chosen)


def printed(
    shape: Shape, population: Population, wanted: Sequence[Published], policy: Policy
) -> list[Print]:
    counted = publish(shape, population, wanted, policy)
    return [(one, said, policy) for one, said in zip(wanted, counted, strict=True)]


# --- rules of a single table ---------------------------------------------------------------------

#: One small level and two of just enough or somewhat more people.
SMALL_TABLES = [
    np.array(levels) for levels in itertools.product((1, 2, 3), (10, 11, 12, 15), (10, 12, 15))
]
#: Two populations, the second inside the first but for a few.
NESTED = [np.array([few, many]) for few, many in itertools.product((1, 2, 3, 7), (10, 11, 24, 37))]


def attacks(
    shape: Shape, wanted: Sequence[Published], worlds: Sequence[Population], policy: Policy
) -> int:
    return sum(len(recovered(shape, w, printed(shape, w, wanted, policy))) for w in worlds)


def test_nothing_is_recovered_from_one_table() -> None:
    assert attacks(Shape(1, 3), BY_LEVEL, SMALL_TABLES, POLICY) == 0


def test_a_table_without_threshold_is_read() -> None:
    off = replace(POLICY, threshold=0)
    assert attacks(Shape(1, 3), BY_LEVEL, SMALL_TABLES, off) > 0


def test_a_table_with_a_single_hidden_cell_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "hide_second_cells", lambda c, by, unit, hidden, *_: hidden)
    assert attacks(Shape(1, 3), BY_LEVEL, SMALL_TABLES, POLICY) > 0


def part_of_whole(population: Population) -> list[Print]:
    """All and most of them, as two numbers in a sentence."""
    shape = Shape(1, 2)
    rows = people_of(shape, population)
    gate = Gate(POLICY, Registry(None, chapter="c"))
    everybody = gate.people("all", rows["person_id"], what="w")
    gate.people("most", rows.loc[rows["level"] == 1, "person_id"], what="w", of=everybody)
    wanted = [
        Published("all", lambda c: c["level"] >= 0),
        Published("most", lambda c: c["level"] == 1),
    ]
    return [(one, said, POLICY) for one, said in zip(wanted, gate.registry.counted, strict=True)]


def attacks_on_parts() -> int:
    return sum(len(recovered(Shape(1, 2), world, part_of_whole(world))) for world in NESTED)


def test_nothing_is_recovered_from_a_part_of_a_whole() -> None:
    assert attacks_on_parts() == 0


def test_a_part_of_a_whole_is_read_without_the_rule_of_the_complement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numbers, "_complement_is_safe", lambda *_: True)
    assert attacks_on_parts() > 0


def test_rounding_is_what_keeps_apart_two_numbers_that_differ_by_few() -> None:
    wanted = [
        Published("all", lambda c: c["level"] >= 0),
        Published("most", lambda c: c["level"] == 1),
    ]
    far = [world for world in NESTED if world[1] > 12]
    assert attacks(Shape(1, 2), wanted, far, POLICY) == 0
    assert attacks(Shape(1, 2), wanted, far, replace(POLICY, rounding=1)) > 0


# --- everything that a force publishes -----------------------------------------------------------


def release(
    population: Population,
    wanted: Sequence[Published],
    earlier: Sequence[Source],
    look: bool = True,
) -> Source:
    """What leaves: mended until nothing is told, with earlier values kept where there are some."""
    mends: list[Mend] = []
    while True:
        counted = tuple(publish(FORCE, population, wanted, POLICY, mends))
        source = Source("now", False, POLICY, counted)
        if not look:
            return source
        _, found = repair([*earlier, source], POLICY, lambda _: False)
        assert not found.refused
        if not found.places:
            return source
        for place in found.places:
            said = counted[place.output]
            label = said.cells[place.cell].label
            value = _earlier_value(earlier, said, label)
            mends.append(
                Mend("c", said.output, said.unit, label, value, "" if value is None else "May")
            )


def _earlier_value(earlier: Sequence[Source], said: Counted, label: str) -> float | None:
    for source in earlier:
        for one in source.counted:
            for cell in one.cells:
                if (one.output, cell.label, cell.status) == (said.output, label, SHOWN):
                    return cell.value
    return None


def before(wanted: Sequence[Published]) -> list[Published]:
    """The same of those who had entered by the first release."""

    def entered(who: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
        return lambda c: who(c) & (c["entry"] == 0)

    return [replace(one, who=entered(one.who)) for one in wanted]


def attack_on_two_releases(seed: int, look: bool, remember: bool) -> tuple[int, int]:
    """Protected sizes recovered from two releases, and values kept from the first."""
    population = near_the_threshold(np.random.default_rng(seed), FORCE)
    first = release(population, before(EVERYTHING), [], look)
    earlier = [replace(first, fixed=True)] if remember else []
    second = release(population, EVERYTHING, earlier, look)
    prints = [
        *((one, said, POLICY) for one, said in zip(before(EVERYTHING), first.counted, strict=True)),
        *((one, said, POLICY) for one, said in zip(EVERYTHING, second.counted, strict=True)),
    ]
    kept = sum(c.status == KEPT for said in second.counted for c in said.cells)
    return len(recovered(FORCE, population, prints)), kept


SEEDS = range(6)


def test_nothing_is_recovered_from_all_editions_and_two_releases_of_two_forces() -> None:
    found = [attack_on_two_releases(seed, look=True, remember=True) for seed in SEEDS]
    assert [told for told, _ in found] == [0] * len(SEEDS)
    assert sum(kept for _, kept in found) > 0


def test_without_differencing_sizes_are_recovered() -> None:
    found = [attack_on_two_releases(seed, look=False, remember=False) for seed in SEEDS]
    assert sum(told for told, _ in found) > 0


def test_without_the_earlier_release_sizes_are_recovered() -> None:
    found = [attack_on_two_releases(seed, look=True, remember=False) for seed in SEEDS]
    assert sum(told for told, _ in found) > 0


def test_with_two_values_for_one_quantity_sizes_are_recovered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If a quantity were rounded anew wherever it appears, its true value would come out."""
    population = np.array([40, 30, 20, 3])
    prints: list[Print] = []
    for shift in range(5):

        def rounded(count: Any, policy: Policy, by: int = shift) -> Any:
            return round_count(np.asarray(count, dtype=float) + by, policy) - by

        monkeypatch.setattr(cells, "round_count", rounded)
        one, said, _ = printed(ONE_TABLE, population, BY_LEVEL, POLICY)[0]
        moved = tuple(replace(c, value=c.value + shift) for c in said.cells)
        prints.append((one, replace(said, cells=moved), POLICY))
    monkeypatch.undo()
    assert _from_shifted(prints, population)
    assert not recovered(ONE_TABLE, population, printed(ONE_TABLE, population, BY_LEVEL, POLICY))


def _from_shifted(prints: Sequence[Print], population: Population) -> bool:
    """Whether the shown cells come out exactly from their several roundings."""
    for level in (0, 1):
        windows = [
            (said.cells[level].value - shift - 2, said.cells[level].value - shift + 2)
            for shift, (_, said, _) in enumerate(prints)
        ]
        least, most = max(w[0] for w in windows), min(w[1] for w in windows)
        if not least == most == population[level]:
            return False
    return True


# --- one person who dominates ---------------------------------------------------------------------


def insider_comes_near(per_person: Sequence[int], policy: Policy) -> bool:
    """Whether the person with the second most learns what the first has, to one in ten."""
    if not numbers.may_be_shown(per_person, policy):
        return False
    ordered = np.sort(np.asarray(per_person))[::-1]
    own, largest = ordered[1], ordered[0]
    shown = float(round_count(ordered.sum(), policy))
    most = shown + 2 - own - (len(ordered) - 2)
    return bool(most <= 1.1 * largest)


def test_an_insider_learns_nothing_of_the_one_who_dominates() -> None:
    rng = np.random.default_rng(3)
    off = replace(POLICY, one_share=1.0, two_shares=1.0)
    crowds = [[140] + [1] * 11, *([int(rng.integers(20, 200))] + [1] * 10 for _ in range(20))]
    ordinary = [rng.poisson(3, 30) + 1 for _ in range(50)]
    assert not any(insider_comes_near(c, POLICY) for c in [*crowds, *ordinary])
    assert all(insider_comes_near(c, off) for c in crowds)


def test_the_judge_is_the_default_policy() -> None:
    assert (JUDGE.threshold, JUDGE.consistent, JUDGE.distance) == (10, 4, 2)
