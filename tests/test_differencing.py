"""What everything published tells together: traps found on paper, and every world of small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from missing_lib.release.counted import FEW, HIDDEN, KEPT, SHOWN, Cell, Counted, hashed
from missing_lib.release.differencing.consistent import Worlds, narrowed
from missing_lib.release.differencing.counts import Place, Source, collect, interval
from missing_lib.release.differencing.families import families
from missing_lib.release.differencing.protected import questions
from missing_lib.release.differencing.repair import repair
from missing_lib.release.differencing.system import Named, System
from missing_lib.release.differencing.told import look, told
from missing_lib.release.policy import Policy, round_count
from tests.made_worlds import (
    TEST_ONLY,
    Published,
    Shape,
    agreeing,
    pinned,
    protected,
    publish,
    safe_edition,
    worlds,
)

POLICY = Policy()
EXACT = Policy(rounding=1)


def number(
    name: str,
    members: Sequence[object],
    policy: Policy = POLICY,
    unit: str = "person",
    status: str = "",
) -> Counted:
    """A published number, shown if it may be."""
    sets = hashed(members)
    said = status or (SHOWN if len(sets) >= policy.threshold else FEW)
    value = float(round_count(len(sets), policy)) if said == SHOWN else np.nan
    return Counted("c", name, unit, (), (Cell("", said, value, len(sets)),), (sets,))


def table(
    name: str,
    cells: dict[str, Sequence[object]],
    policy: Policy = POLICY,
    hidden: Sequence[str] = (),
    unit: str = "person",
    by: str = "x",
) -> Counted:
    """A published table without a total in which the cells named are hidden."""
    sets = [hashed(members) for members in cells.values()]
    made = [
        Cell(label, HIDDEN, np.nan, len(s))
        if label in hidden
        else Cell(label, SHOWN, float(round_count(len(s), policy)), len(s))
        for label, s in zip(cells, sets, strict=True)
    ]
    return Counted("c", name, unit, (by,), tuple(made), tuple(sets))


def now(*counted: Counted, policy: Policy = POLICY, fixed: bool = False) -> Source:
    return Source("now", fixed, policy, counted)


def sizes(sources: Sequence[Source], policy: Policy = POLICY) -> list[int]:
    """True sizes of what is told."""
    return sorted(int(t.system.truth[t.question.columns].sum()) for t in told(sources, policy))


def ids(prefix: str, n: int) -> list[str]:
    return [f"{prefix}{i}" for i in range(n)]


# --- what a cell says --------------------------------------------------------------------------


@given(
    count=st.integers(0, 500), threshold=st.integers(10, 40), rounding=st.sampled_from([5, 10, 20])
)
def test_an_interval_holds_exactly_the_counts_that_are_shown_so(
    count: int, threshold: int, rounding: int
) -> None:
    policy = Policy(threshold=threshold, rounding=rounding)
    shown = float(round_count(count, policy))
    low, high = interval(Cell("", SHOWN, shown, count), policy)
    same = [n for n in range(1000) if n >= threshold and float(round_count(n, policy)) == shown]
    assert (same[0], same[-1]) == (low, high) if same else low > high


def test_hidden_few_and_kept_cells_say_different_things() -> None:
    said = [interval(Cell("", s, np.nan, 3), POLICY) for s in (HIDDEN, FEW, KEPT, "zero")]
    assert said == [(0, np.inf), (0, 9), (0, np.inf), (0, 0)]


# --- the traps found on paper ------------------------------------------------------------------


def test_children_and_adults_make_all() -> None:
    children, adults = ids("c", 11), ids("a", 1)
    sources = [
        now(number("children", children), number("adults", adults)),
        now(number("all", children + adults)),
    ]
    assert sizes(sources) == [1]
    assert sizes(sources[:1]) == []  # alone, "fewer than 10" says no more than that
    assert sizes([now(number("children", ids("c", 40))), now(number("all", ids("c", 43)))]) == []


def test_a_second_number_undoes_the_first_by_subtraction() -> None:
    fifty, without_two = ids("p", 50), ids("p", 48)
    exact = [now(number("a", fifty, EXACT), number("b", without_two, EXACT), policy=EXACT)]
    assert sizes(exact, EXACT) == [2]
    assert sizes([now(number("a", fifty), number("b", without_two))]) == []


def test_merging_reports_that_are_an_hour_apart() -> None:
    unmerged, merged = ids("i", 12), ids("i", 11)
    source = now(
        number("gap 0", unmerged, unit="incident"), number("gap 1", merged, unit="incident")
    )
    assert sizes([source]) == [1]


def test_months_that_add_up() -> None:
    months = {f"m{i}": ids(f"m{i}-", 10) for i in range(3)} | {"m3": ids("m3-", 1)}
    everybody = [p for members in months.values() for p in members]
    source = now(table("months", months, hidden=["m3"]), number("all", everybody))
    assert set(sizes([source])) == {1}
    both = now(table("months", months, hidden=["m3", "m0"]), number("all", everybody))
    assert sizes([both]) == []


def test_months_add_up_to_a_calendar_month() -> None:
    months = {"2014-05": ids("a", 10), "2015-05": ids("b", 2), "2014-06": ids("c", 40)}
    calendar = {"May": ids("a", 10) + ids("b", 2), "June": ids("c", 40)}
    source = now(
        table("months", months, hidden=["2015-05"], unit="incident", by="month"),
        table("calendar", calendar, unit="incident", by="calendar_month"),
    )
    assert len(families(collect([source]))) == 1
    assert 2 in sizes([source])


def test_a_release_a_month_later() -> None:
    earlier = now(table("sex", {"f": ids("f", 10), "m": ids("m", 60)}), fixed=True)
    later = now(table("sex", {"f": ids("f", 11), "m": ids("m", 75)}))
    assert sizes([earlier, later]) == [1]
    _, found = repair([earlier, later], POLICY, lambda _: False)
    assert found.places == (Place(1, 0, 0),)
    assert not found.refused


def test_a_number_that_is_not_shown_is_not_small() -> None:
    everybody, most = ids("p", 12), ids("p", 11)
    hidden = number("most", most, status=HIDDEN)
    assert sizes([now(number("all", everybody), hidden)]) == [1]
    assert (
        sizes([now(number("all", ids("p", 30)), number("some", ids("p", 25), status=HIDDEN))]) == []
    )


def test_a_small_number_whose_word_was_taken_away_can_be_any() -> None:
    mended = now(number("few", ids("p", 3), status=HIDDEN), number("all", ids("p", 40)))
    (few,) = (c for c in collect([mended]).counts if c.true == 3)
    assert (few.low, few.high) == (0, np.inf)
    assert sizes([mended]) == []


def test_the_same_set_in_two_places_is_one_quantity() -> None:
    few = ids("p", 4)
    hidden = table("a", {"x": few, "y": ids("q", 30)}, hidden=["x"])
    collection = collect([now(hidden, number("b", few))])
    both = [c for c in collection.counts if c.true == 4]
    assert [len(c.places) for c in both] == [2]
    assert (both[0].low, both[0].high) == (0, 9)


def test_people_in_several_levels_are_no_partition() -> None:
    bands = {"young": ids("p", 30), "old": ids("p", 12) + ids("q", 4)}
    people = sorted(set(bands["young"] + bands["old"]))
    source = now(table("age", bands), number("all", people))
    system = look([source], POLICY)[1]
    said = system.rows @ system.truth
    assert (said >= system.low).all()
    assert (said <= system.high).all()
    assert sizes([source]) == []


def test_somebody_who_stands_twice_in_one_release_does_not_part_it_from_another() -> None:
    """Nobody stands in two levels at first; then one of them is reported at another age too."""
    young, old = ids("p", 10), ids("q", 30)
    earlier = now(table("age", {"young": young, "old": old}), fixed=True)
    later = now(table("age", {"young": [*young, "r0", "r1"], "old": [*old, "p0"]}))
    assert 2 in sizes([earlier, later])
    _, found = repair([earlier, later], POLICY, lambda _: False)
    assert Place(1, 0, 0) in found.places
    assert not found.refused


def test_a_cell_within_a_cell_of_a_table_by_another_column() -> None:
    """Those of twelve and thirteen years are between two bands that two tables show."""
    younger, between, older = ids("a", 100), ids("b", 2), ids("c", 10)
    from_twelve = table("t", {"-11": younger, "12-": between + older}, by="band")
    from_fourteen = table("u", {"-13": younger + between, "14-": older}, by="phase")
    source = now(from_twelve, from_fourteen)
    assert len(families(collect([source]))) == 2
    assert sizes([source]) == [2]
    _, found = repair([source], POLICY, lambda _: False)
    assert found.places == (Place(0, 0, 1),)
    hidden = table("t", {"-11": younger, "12-": between + older}, hidden=["-11", "12-"], by="band")
    assert sizes([now(hidden, from_fourteen)]) == []
    more = table("t", {"-11": younger, "12-": ids("d", 7) + between + older}, by="band")
    assert sizes([now(more, from_fourteen)]) == []  # of nine, one to nine remain possible


def test_people_are_no_more_than_incidents() -> None:
    people = {"x": ids("p", 3), "y": ids("q", 20), "z": ids("r", 20)}
    incidents = {k: [f"{k}{i}" for i in range(n)] for k, n in (("x", 3), ("y", 20), ("z", 25))}
    source = now(
        table("t", people, hidden=["x", "y"]),
        table("t", incidents, hidden=["x", "z"], unit="incident"),
    )
    system = look([source], POLICY)[1]
    worlds_ = Worlds(system, POLICY)
    few = [q for q in questions(system, POLICY) if q.kind == "count"]
    assert few
    assert all(worlds_.safe(q) for q in few)
    # y is shown as incidents, so it has ten people at least.
    low, _ = narrowed(system)
    y, z = (n.columns for n in system.sets
            if n.block.endswith("person") and system.truth[n.columns].sum() == 20)  # fmt: skip
    assert (low[y].sum(), low[z].sum()) == (10, 18)


def test_a_finding_is_never_hidden_silently() -> None:
    children, adults = ids("c", 11), ids("a", 1)
    sources = [now(number("children", children)), now(number("all", children + adults))]
    _, found = repair(sources, POLICY, lambda _: True)
    assert not found.places
    assert [r.needed for r in found.refused] == [(Place(0, 0, 0), Place(1, 0, 0))]
    _, partly = repair(sources, POLICY, lambda place: place.source == 0)
    assert partly.places == (Place(1, 0, 0),)


def test_tables_go_before_numbers_and_first_places_first() -> None:
    rest = {"y": ids("y", 30), "z": ids("z", 30)}
    sets = {"x": ids("x", 11), **rest}
    sources = [
        now(number("all x", [*sets["x"], "one more"])),
        now(table("later", sets)),
    ]
    _, found = repair(sources, POLICY, lambda _: False)
    assert found.places == (Place(1, 0, 0),)


# --- the machinery ------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_narrowing_never_loses_the_truth_or_any_world(seed: int) -> None:
    system = _random_system(np.random.default_rng(seed))
    low, high = narrowed(system)
    found = Worlds(system, TEST_ONLY)
    for question in questions(system, TEST_ONLY):
        found.safe(question)
    for world in [system.truth, *found._worlds]:
        assert (world >= low).all()
        assert (world <= high).all()
        assert (system.rows @ world >= system.low).all()
        assert (system.rows @ world <= system.high).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_safe_means_what_a_search_through_all_worlds_means(seed: int) -> None:
    system = _random_system(np.random.default_rng(seed))
    n = len(system.truth)
    every = worlds(Shape(1, n), 12).astype(float)
    said = every @ system.rows.toarray().T
    left = every[((said >= system.low) & (said <= system.high)).all(axis=1)]
    assert (left == system.truth).all(axis=1).any()
    for question in questions(system, TEST_ONLY):
        values = set(left[:, question.columns].sum(axis=1))
        true = system.truth[question.columns].sum()
        enough = len(values) >= 2 and any(abs(v - true) >= 1 for v in values)
        assert Worlds(system, TEST_ONLY).safe(question) == enough


def _random_system(rng: np.random.Generator) -> System:
    """Four unknowns, and the rounded sums of some of them."""
    truth = rng.integers(0, 5, 4)
    rows = rng.integers(0, 2, (rng.integers(2, 7), 4))
    said = [_said(int(total)) for total in rows @ truth]
    sets = tuple(Named(np.flatnonzero(row), i, "x") for i, row in enumerate(rows) if row.any())
    return System(
        truth=truth,
        rows=csr_matrix(rows.astype(float)),
        low=np.array([low for low, _ in said]),
        high=np.array([high for _, high in said]),
        of=np.arange(len(rows)),
        sets=sets,
        sums=(),
        blocks=((0, 4),) if rng.random() < 0.5 else (),
    )


def _said(total: int) -> tuple[float, float]:
    """What the test's policy prints of a total: its rounded value, or nothing."""
    if total < TEST_ONLY.threshold:
        return 0.0, np.inf
    return interval(Cell("", SHOWN, float(round_count(total, TEST_ONLY)), total), TEST_ONLY)


def _some(rng: np.random.Generator, shape: Shape) -> list[Published]:
    """A random chain of tables and numbers over one population."""
    every = [
        Published("children by level", lambda c: c["group"] == 0, "level"),
        Published("adults by level", lambda c: c["group"] == 1, "level"),
        Published("all by level", lambda c: c["group"] >= 0, "level"),
        Published("all by group", lambda c: c["group"] >= 0, "group"),
        Published("children", lambda c: c["group"] == 0),
        Published("first level", lambda c: c["level"] == 0),
    ]
    chosen = [one for one in every if rng.random() < 0.6]
    return chosen or every[:1]


# --- every world of small populations -----------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_no_search_through_all_worlds_pins_a_protected_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = Shape(2, 2)
    population = rng.integers(0, 6, shape.size)
    wanted = _some(rng, shape)
    every = worlds(shape, 12)
    counted = safe_edition(shape, population, wanted, TEST_ONLY)
    left = agreeing(every, shape, wanted, counted, TEST_ONLY)
    assert (left == population).all(axis=1).any()
    assert pinned(population, left, protected(shape, wanted), TEST_ONLY) == 0


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_no_later_release_pins_a_protected_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = Shape(2, 2, entries=2)
    population = np.concatenate([rng.integers(0, 5, 4), rng.integers(0, 3, 4)])
    wanted = _some(rng, shape)
    before = [
        replace(w, name=w.name, who=lambda c, who=w.who: who(c) & (c["entry"] == 0)) for w in wanted
    ]
    first = safe_edition(shape, population, before, TEST_ONLY)
    earlier = Source("before", True, TEST_ONLY, tuple(first))
    second = safe_edition(shape, population, wanted, TEST_ONLY, [earlier])
    every = worlds(shape, 5)
    both = [*before, *wanted]
    left = agreeing(every, shape, both, [*first, *second], TEST_ONLY)
    assert (left == population).all(axis=1).any()
    assert pinned(population, left, protected(shape, both), TEST_ONLY) == 0


def test_the_same_search_pins_sizes_with_the_gate_off() -> None:
    shape = Shape(2, 2)
    population = np.array([5, 4, 2, 5])
    wanted = _every_table()
    off = Policy(threshold=0, rounding=1)
    left = agreeing(worlds(shape, 8), shape, wanted, publish(shape, population, wanted, off), off)
    assert pinned(population, left, protected(shape, wanted), TEST_ONLY) > 0


@pytest.mark.long
def test_without_repair_the_search_pins_sizes_now_and_then() -> None:
    rng = np.random.default_rng(1)
    shape = Shape(2, 3)
    every, found = worlds(shape, 8), 0
    for _ in range(150):
        population = rng.integers(0, 6, shape.size)
        counted = publish(shape, population, _every_table(), TEST_ONLY)
        left = agreeing(every, shape, _every_table(), counted, TEST_ONLY)
        found += pinned(population, left, protected(shape, _every_table()), TEST_ONLY)
    assert found > 0


def _every_table() -> list[Published]:
    return [
        Published("children by level", lambda c: c["group"] == 0, "level"),
        Published("adults by level", lambda c: c["group"] == 1, "level"),
        Published("all by level", lambda c: c["group"] >= 0, "level"),
    ]
