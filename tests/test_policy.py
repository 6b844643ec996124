"""The policy: what each of its pure functions holds for whatever it is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from missing_lib.force.spec import PolicyChoice
from missing_lib.release import count_tables, curve_tables, curves, numbers, tables
from missing_lib.release.cells import (
    HIDDEN,
    SHOWN,
    STRUCTURAL_ZERO,
    enough_left,
    large_enough,
    safe_counts,
    safe_total,
)
from missing_lib.release.policy import (
    Policy,
    enough_incidents,
    enough_people,
    round_count,
    significant,
)
from missing_lib.release.publish import Gate
from missing_lib.release.published import HIDDEN_SHARE, NOT_AVAILABLE, Number
from missing_lib.release.registry import ChapterRecords, Registry
from missing_lib.release.unrounded import (
    between,
    of_any_share,
    of_count,
    of_estimate,
    of_share,
)
from missing_lib.study.tabulate import Table, tabulate

POLICY = Policy()
CHOICES = st.builds(
    PolicyChoice, threshold=st.integers(10, 60), rounding=st.sampled_from([5, 10, 15, 20, 50])
)
POLICIES = CHOICES.map(Policy.of)
COUNTS = st.integers(0, 100_000)
SEEDS = st.integers(0, 10**6)
#: People of a level or a group, most of them near where a rule decides.
SIZES = st.sampled_from([0, 1, 4, 9, 10, 11, 14, 19, 20, 21, 30, 60])


def histories(people: int, seed: int) -> list[int]:
    """Incidents of so many people, mostly few, sometimes one with a great many."""
    rng = np.random.default_rng(seed)
    drawn = rng.geometric(0.5, people)
    if people and rng.random() < 0.4:
        drawn[0] += rng.integers(1, 3 * people + 2)
    return [int(n) for n in drawn]


HISTORIES = st.builds(histories, st.integers(0, 60) | st.integers(200, 400), SEEDS)


@st.composite
def people(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Level and number of incidents of each person of a small table."""
    sizes = draw(st.lists(SIZES, min_size=4, max_size=4).filter(any))
    return [(k, n) for k, size in enumerate(sizes) for n in histories(size, draw(SEEDS))]


PEOPLE = people()


def spells(number: int, seed: int) -> list[tuple[int, bool]]:
    """Days, and whether the event was seen, of so many spells."""
    rng = np.random.default_rng(seed)
    seen = rng.random(number) < rng.random()
    return list(zip(rng.integers(0, 61, number).tolist(), seen.tolist(), strict=True))


SPELLS = st.builds(spells, st.integers(0, 80), SEEDS)


def table_of(given_: Sequence[tuple[int, int]], by: Sequence[str] = ("level",)) -> Table:
    """Each person's incidents, all in one level, and in both halves where there are several."""
    rows = [
        (f"{who}", f"{who}-{i}", level, i % 2)
        for who, (level, incidents) in enumerate(given_)
        for i in range(incidents)
    ]
    frame = pd.DataFrame(rows, columns=["person_id", "incident_id", "level", "half"])
    frame["level"] = pd.Categorical(frame["level"], categories=range(4))
    frame["half"] = pd.Categorical(frame["half"], categories=range(2))
    return tabulate(frame, list(by))


def may_stand(cells: pd.DataFrame, unit: str, policy: Policy) -> pd.Series:
    """The rule of one cell, as the policy has it in words."""
    enough = cells["people"] >= policy.threshold
    if unit == "people":
        return enough & (cells["total_people"] - cells["people"] >= policy.threshold)
    return (
        enough
        & (cells["incidents"] >= policy.threshold)
        & (cells["largest"] <= cells["incidents"] * policy.one_share)
        & (cells["largest_two"] <= cells["incidents"] * policy.two_shares)
    )


def held(history: Sequence[int]) -> tuple[int, int, int, int]:
    """Incidents, people, and what the one and the two with most hold."""
    ordered = sorted(history, reverse=True)
    return sum(ordered), len(ordered), sum(ordered[:1]), sum(ordered[:2])


# --- rounding ---------------------------------------------------------------------------------


@given(COUNTS, COUNTS, POLICIES)
def test_rounding_is_idempotent_monotone_and_at_most_half_a_step_off(
    n: int, m: int, policy: Policy
) -> None:
    one, other = round_count([n, m], policy)
    assert round_count(one, policy) == one
    assert (one <= other) == (n <= m) or one == other
    assert abs(one - n) <= policy.rounding / 2
    assert one % policy.rounding == 0


@given(st.lists(COUNTS, min_size=1, max_size=20), POLICIES)
def test_a_count_has_one_published_value_wherever_it_stands(ns: list[int], policy: Policy) -> None:
    together = round_count(ns, policy)
    assert together.tolist() == [float(round_count(n, policy)) for n in ns]
    shown = numbers.people("n", ns[0], None, policy)
    assert shown.hidden or shown.value == together[0]


@given(st.floats(-1e9, 1e9, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-9))
def test_two_significant_digits_are_idempotent_and_odd(value: float) -> None:
    short = significant(value)
    assert significant(short) == short
    assert significant(-value) == -short
    assert abs(short - value) <= 0.0501 * abs(value)


# --- enough -----------------------------------------------------------------------------------


@given(st.integers(0, 200), POLICIES)
def test_enough_people_is_a_step_at_the_threshold(n: int, policy: Policy) -> None:
    assert bool(enough_people(n, policy)) == (n >= policy.threshold)


@given(HISTORIES, POLICIES)
def test_a_further_person_with_one_incident_never_hides_a_count(
    history: list[int], policy: Policy
) -> None:
    if enough_incidents(*held(history), policy):
        assert enough_incidents(*held([*history, 1]), policy)


@given(HISTORIES.filter(bool), st.integers(1, 500), POLICIES)
def test_more_of_the_one_with_most_never_opens_a_count(
    history: list[int], more: int, policy: Policy
) -> None:
    ordered = sorted(history, reverse=True)
    worse = [ordered[0] + more, *ordered[1:]]
    total, people, largest, two = held(history)
    if total >= policy.threshold and not enough_incidents(total, people, largest, two, policy):
        assert not enough_incidents(*held(worse), policy)


@given(HISTORIES.filter(lambda h: sum(h) >= POLICY.threshold), st.integers(2, 9))
def test_dominance_does_not_depend_on_the_scale(history: list[int], times: int) -> None:
    scaled = [n * times for n in history]
    assert enough_incidents(*held(history), POLICY) == enough_incidents(*held(scaled), POLICY)


# --- tables of counts ---------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["people", "incidents"])
@settings(max_examples=25, deadline=None)
@given(given_=PEOPLE, strict=POLICIES)
def test_a_stricter_threshold_never_shows_more(
    unit: str, given_: list[tuple[int, int]], strict: Policy
) -> None:
    cells = table_of(given_).cells
    plain = Policy(threshold=10, rounding=strict.rounding)
    for rule in (large_enough, enough_left):
        assert not (rule(cells, unit, strict) & ~rule(cells, unit, plain)).any()
    assert safe_total(cells, unit, strict)[1] <= safe_total(cells, unit, plain)[1]


@pytest.mark.parametrize("unit", ["people", "incidents"])
@pytest.mark.parametrize("by", [("level",), ("half",), ("level", "half")])
@settings(max_examples=25, deadline=None)
@given(given_=PEOPLE, policy=POLICIES, seed=st.integers(0, 99))
def test_a_table_shows_only_what_may_be_shown(
    unit: str, by: tuple[str, ...], given_: list[tuple[int, int]], policy: Policy, seed: int
) -> None:
    cells = table_of(given_, by).cells
    safe = safe_counts(cells, list(by), unit, policy)
    shown = safe["status"] == SHOWN
    assert set(safe["status"]) <= {SHOWN, HIDDEN}, "a nought that happened is no structural zero"
    assert (safe["count"].isna() == ~shown).all(), "hidden is never a number"
    assert safe.loc[~shown, "percent"].isna().all()
    assert may_stand(cells, unit, policy)[shown].all()
    assert (safe.loc[shown, "count"] == round_count(cells.loc[shown, unit], policy)).all()
    turned = cells.sample(frac=1, random_state=seed)
    again = safe_counts(turned, list(by), unit, policy)["status"]
    ties = cells[unit].duplicated(keep=False).any()
    assert ties or again.to_dict() == safe["status"].to_dict(), "the order of rows is nothing"


@pytest.mark.parametrize("unit", ["people", "incidents"])
@settings(max_examples=25, deadline=None)
@given(given_=PEOPLE, policy=POLICIES)
def test_what_a_line_hides_could_be_shown_or_is_all_of_it(
    unit: str, given_: list[tuple[int, int]], policy: Policy
) -> None:
    cells = table_of(given_, ("level", "half")).cells
    hidden = safe_counts(cells, ["level", "half"], unit, policy)["status"] == HIDDEN
    for key in ("level", "half"):
        for _, line in cells.groupby(key, observed=True):
            inside = line[hidden[line.index]]
            if 0 < len(inside) < len(line):
                assert len(inside) >= 2
                assert inside[unit].sum() >= policy.threshold


@settings(max_examples=25, deadline=None)
@given(PEOPLE)
def test_zero_stands_only_where_nobody_can_be(given_: list[tuple[int, int]]) -> None:
    cells = table_of(given_).cells
    zero = (cells["people"] == 0).to_numpy() & (cells["level"].astype(int) < 3).to_numpy()
    safe = safe_counts(cells, ["level"], "people", POLICY, zero)
    assert ((safe["status"] == STRUCTURAL_ZERO) == zero).all()
    assert (safe["count"].fillna(-1)[~zero] != 0).all()


@settings(max_examples=25, deadline=None)
@given(PEOPLE, st.lists(st.booleans(), min_size=4, max_size=4))
@example(given_=[(level, 1) for level in [1] * 11 + [3] * 10], wanted=[False, True, False, False])
def test_a_cell_set_aside_is_hidden_and_shows_no_other(
    given_: list[tuple[int, int]], wanted: list[bool]
) -> None:
    cells, aside = table_of(given_).cells, np.array(wanted)
    plain = safe_counts(cells, ["level"], "people", POLICY)["status"] == SHOWN
    with_aside = safe_counts(cells, ["level"], "people", POLICY, None, aside)["status"] == SHOWN
    assert not with_aside[aside].any()
    assert not (with_aside & ~plain).any()


def test_an_empty_table_has_no_total() -> None:
    assert safe_total(table_of([(0, 1)]).cells.iloc[:0], "people", POLICY) == (0.0, False)


# --- numbers ------------------------------------------------------------------------------------


def count(n: int, unit: str = "person") -> Number:
    shown = numbers.people("n", n, None, POLICY)
    return Number(shown.name, shown.value, shown.text, hidden=shown.hidden, unit=unit, exact=n)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_share_follows_its_two_rounded_counts(n: int, more: int) -> None:
    part, whole = count(n), count(n + more)
    share = numbers.share("s", part, whole, None)
    assert share.hidden == (n < POLICY.threshold)
    if not share.hidden:
        exact = part.value / whole.value
        assert share.value == math.floor(100 * exact + 0.5) / 100
        low, high = of_share(part.value, whole.value, POLICY)
        assert low <= n / (n + more) <= high


@given(st.integers(10, 1200), st.integers(0, 1200))
def test_the_bounds_of_a_share_without_counts_hold_the_true_one(n: int, more: int) -> None:
    part, whole = round_count([n, n + more], POLICY)
    low, high = of_any_share(math.floor(100 * part / whole + 0.5) / 100, POLICY)
    assert low <= n / (n + more) <= high


@given(st.integers(10, 10**6), POLICIES)
def test_the_bounds_of_a_count_hold_the_true_one(n: int, policy: Policy) -> None:
    low, high = of_count(float(round_count(n, policy)), policy)
    assert low <= n <= high or n < policy.threshold
    assert round_count([low, high], policy).tolist()[1] == float(round_count(n, policy))


@given(st.floats(1e-4, 1e6) | st.floats(-1e6, -1e-4))
def test_the_bounds_of_an_estimate_hold_the_true_one(value: float) -> None:
    low, high = of_estimate(significant(value))
    assert low - 1e-9 * abs(value) <= value <= high + 1e-9 * abs(value)


@given(st.floats(0, 1), st.integers(0, 40))
def test_a_p_value_is_never_shown_below_one_in_a_thousand(p: float, people: int) -> None:
    made = numbers.p_value("p", p, people, Policy())
    assert made.hidden == (people < Policy().threshold)
    if not made.hidden:
        assert made.value >= 0.001
        assert made.text.startswith("<") == (p < 0.001)
    record = {"hidden": made.hidden, "value": made.value, "status": made.status, "unit": "estimate",
              "text": made.text, "of": [], "name": "p"}  # fmt: skip
    said = between(record, ChapterRecords("c", ()), Policy())
    if not made.hidden:
        low, high = (float(n) for n in said.split(" to "))
        assert low - 1e-9 <= p <= high * (1 + 1e-2)


@given(st.integers(0, 3000), st.floats(1, 5000))
def test_money_is_that_of_the_rounded_count(n: int, unit_cost: float) -> None:
    counted = count(n, "incident")
    cost = numbers.money("c", counted, unit_cost, "GBP")
    assert cost.hidden == counted.hidden
    if not cost.hidden:
        assert cost.value == counted.value * unit_cost
        assert cost == numbers.money("c", count(int(counted.value), "incident"), unit_cost, "GBP")


QUANTILES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), max_size=120)


@settings(max_examples=100, deadline=None)
@given(QUANTILES, st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 1.0]))
def test_a_quantile_has_enough_people_on_each_side_and_is_no_extreme(
    given_: list[tuple[int, int]], q: float
) -> None:
    values = np.array([v for v, _ in given_], float)
    persons = np.array([p for _, p in given_])
    made = numbers.quantile("q", values, q, persons, "days", POLICY)
    if not made.hidden:
        at = np.quantile(values, q)
        assert len(set(persons[values < at])) >= POLICY.threshold
        assert len(set(persons[values > at])) >= POLICY.threshold
        assert values.min() < at < values.max()


def test_a_longest_case_that_many_share_is_an_extreme_all_the_same() -> None:
    values, persons = np.r_[np.arange(60.0), np.full(40, 60.0)], np.arange(100)
    assert numbers.quantile("q", values, 1.0, persons, "days", POLICY).hidden
    assert numbers.quantile("q", values, 0.7, persons, "days", POLICY).hidden
    assert not numbers.quantile("q", values, 0.5, persons, "days", POLICY).hidden


# --- shares, statistics and models in tables ----------------------------------------------------

RATIO = st.fixed_dictionaries(
    {name: st.integers(0, 200) for name in ("part", "rest", "part_people", "rest_people")}
)


@settings(max_examples=100, deadline=None)
@given(st.lists(RATIO, min_size=1, max_size=6), POLICIES)
def test_a_ratio_has_enough_on_each_side(given_: list[dict[str, int]], policy: Policy) -> None:
    frame = pd.DataFrame(given_)
    frame["whole"] = frame["part"] + frame["rest"]
    frame["line"] = range(len(frame))
    made = tables.ratios(frame.drop(columns="rest"), ["line"], policy, None).frame
    few = frame[["part", "rest", "part_people", "rest_people"]].min(axis=1) < policy.threshold
    assert (made["percent_status"] == "hidden").tolist() == few.tolist()
    assert made["percent"].isna().tolist() == few.tolist()


TERM = st.tuples(st.floats(0.01, 99), st.integers(0, 40), st.integers(0, 40))


@settings(max_examples=100, deadline=None)
@given(st.lists(TERM, min_size=1, max_size=6), POLICIES)
def test_a_term_needs_people_and_events_and_shows_two_digits(
    terms: list[tuple[float, int, int]], policy: Policy
) -> None:
    frame = pd.DataFrame(terms, columns=["estimate", "people", "events"])
    frame = frame.assign(term=[f"t{i}" for i in range(len(frame))])
    frame = frame.assign(lower=frame["estimate"] / 2, upper=frame["estimate"] * 2)
    frame = frame.assign(intercept=0.1234, log_likelihood=-123.4, n=1234)
    made = tables.estimates(frame, "odds ratio", policy)
    few = (frame["people"] < policy.threshold) | (frame["events"] < policy.threshold)
    assert (made.frame["estimate_status"] == "hidden").tolist() == few.tolist()
    values = made.frame[["estimate", "lower", "upper"]].to_numpy(float)
    assert np.isnan(values).all(axis=1).tolist() == few.tolist()
    assert all(significant(v) == v for v in values[~few.to_numpy()].ravel())
    told = {str(c) for c in made.frame} | set(made.sheet.columns) | set(made.header)
    assert not told & {"people", "events", "intercept", "log_likelihood", "n"}


def test_not_applicable_is_neither_hidden_nor_nought() -> None:
    frame = pd.DataFrame(
        {"row": ["known", "none", "few"], "share": [0.4, np.nan, 0.4], "people": [50, 50, 9]}
    )
    made = tables.statistics(frame, ["row"], ["share"], "people", True, POLICY, None, ["row"]).frame
    assert made["share_status"].tolist() == ["shown", "not applicable", "hidden"]
    rows = count_tables.row_counts(
        pd.DataFrame({"t": ["a", "b", "c"], "n": [50, np.nan, 0]}), ["n"], ["t"], POLICY, None, {}
    )
    assert [row[1] for row in rows.rows] == ["50", NOT_AVAILABLE, "fewer than 10"]
    assert numbers.estimate("e", math.nan, 50, None, "", POLICY).status == "not applicable"
    assert numbers.estimate("e", 1.0, 9, None, "", POLICY).text == HIDDEN_SHARE


@given(st.floats(0, 1), st.integers(0, 40), POLICIES)
def test_a_statistic_is_whole_per_cent_of_enough_people(
    share: float, people: int, policy: Policy
) -> None:
    frame = pd.DataFrame({"row": ["a"], "share": [share], "people": [people]})
    made = tables.statistics(frame, ["row"], ["share"], "people", True, policy, None, ["row"])
    (value,) = made.frame["share"]
    assert np.isnan(value) == (people < policy.threshold)
    assert np.isnan(value) or value == round(value, 2)


# --- curves -------------------------------------------------------------------------------------


@given(st.lists(COUNTS, min_size=2, max_size=20), POLICIES)
def test_blocks_are_monotone_and_hold_their_counts(ns: list[int], policy: Policy) -> None:
    ordered = sorted(ns)
    blocks = curves.in_blocks(ordered, policy).tolist()
    assert all(a <= b for a, b in pairwise(blocks))
    for n, block in zip(ordered, blocks, strict=True):
        assert block == 0 if n < policy.block else abs(block - n) <= policy.block / 2
        assert (block == 0) == (n < policy.block)


def blocked(days: Sequence[int], seen: Sequence[bool], policy: Policy) -> tuple[Any, ...]:
    """All that a curve may be computed from."""
    at, happened = np.array(days, int), np.array(seen, bool)
    until = np.arange(61)
    series = [
        curves.in_blocks((at[chosen][:, None] <= until).sum(axis=0), policy).tolist()
        for chosen in (happened, ~happened)
    ]
    people = len(at) - (at[:, None] < until).sum(axis=0)
    return (*series, float(round_count(len(at), policy)), (people >= policy.threshold).tolist())


@settings(max_examples=120, deadline=None)
@given(st.builds(spells, st.integers(12, 60), SEEDS), st.data())
def test_a_curve_uses_no_more_than_its_blocks(
    given_: list[tuple[int, bool]], data: st.DataObject
) -> None:
    days, seen = [d for d, _ in given_], [s for _, s in given_]
    at = data.draw(st.integers(0, len(days) - 1))
    moved = [*days[:at], data.draw(st.integers(0, 60)), *days[at + 1 :]]
    assume(blocked(days, seen, POLICY) == blocked(moved, seen, POLICY))
    one = curves.safe_survival(days, seen, 60, POLICY)
    pd.testing.assert_frame_equal(one, curves.safe_survival(moved, seen, 60, POLICY))


@settings(max_examples=100, deadline=None)
@given(SPELLS, POLICIES)
def test_a_curve_is_cut_and_has_no_mark_of_an_end(
    given_: list[tuple[int, bool]], policy: Policy
) -> None:
    days, seen = np.array([d for d, _ in given_], int), np.array([s for _, s in given_], bool)
    curve = curves.safe_survival(days, seen, 60, policy)
    assert set(curve) == {"time", "survival", "lower", "upper", "at_risk", "events"}
    assert curve.empty or len(days) >= policy.threshold
    for row in curve.itertuples():
        assert (days >= row.time).sum() >= policy.threshold
    assert (curve["at_risk"] % policy.rounding == 0).all()
    assert (curve["survival"].diff().dropna() <= 0).all()
    # Only censorings: nothing moves, whenever they are.
    flat = curves.safe_survival(days, np.zeros(len(days), bool), 60, policy)
    assert (flat["survival"] == 1).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 100), max_size=120), st.lists(st.integers(0, 90), max_size=60),
       POLICIES)  # fmt: skip
def test_a_mean_number_is_cut_and_moves_in_blocks(
    times: list[int], lengths: list[int], policy: Policy
) -> None:
    made = curves.safe_mean_cumulative(times, lengths, 60, policy, steps=1)
    assert made.empty or len(lengths) >= policy.threshold
    assert (made["at_risk"] >= policy.threshold - policy.rounding / 2).all()
    steps = int((made["mean"].diff().dropna() > 0).sum())
    assert steps <= sum(t <= 60 for t in times) // policy.block
    assert (made["mean"].diff().dropna() >= 0).all()


@pytest.mark.parametrize("make", [curve_tables.survival, curve_tables.mean_cumulative])
def test_groups_of_curves_come_from_the_code_book(make: Any) -> None:
    rows = pd.DataFrame({"p": range(30), "t": 5.0, "e": True, "days": 9.0, "sex": "female"})
    if make is curve_tables.survival:
        given_ = (rows, "t", "e", "p", "sex")
    else:
        given_ = (rows, rows, "t", "p", "sex")
    with pytest.raises(TypeError, match="no code book for sex: name its levels"):
        make(*given_, None, 30, POLICY)
    made = make(*given_, ["female", "male"], 30, POLICY)
    assert made.rows[-1][0] == "male", "a level that nobody has keeps its row"


@settings(max_examples=150, deadline=None)
@given(HISTORIES, POLICIES)
def test_a_lorenz_curve_is_read_at_fixed_percentiles_of_enough_people(
    history: list[int], policy: Policy
) -> None:
    curve = curves.safe_lorenz(history, policy)
    assert curve.empty or len(history) >= 2 * policy.threshold
    read = curve["share_people"].tolist()
    assert set(read) <= {0.0, *map(float, curves.LORENZ_PERCENTILES), 100.0}
    people = [len(history) * p / 100 for p in read]
    assert all(b - a >= policy.threshold - 1e-9 for a, b in pairwise(people))
    ordered = sorted(history, reverse=True)
    for top in people[1:-1]:
        above = float(np.interp(top, range(len(ordered) + 1), np.r_[0, np.cumsum(ordered)]))
        assert ordered[0] <= policy.one_share * above
        assert sum(ordered[:2]) <= policy.two_shares * above
    assert (curve["share_incidents"] == curve["share_incidents"].round()).all()


# --- the policy of a force ----------------------------------------------------------------------


@given(CHOICES)
def test_a_force_only_tightens(choice: PolicyChoice) -> None:
    own = Policy.of(choice)
    assert (own.threshold, own.rounding) == (choice.threshold, choice.rounding)
    assert own.block >= max(own.threshold, POLICY.block)
    assert own.one_share <= POLICY.one_share
    assert own.two_shares <= POLICY.two_shares
    assert own.consistent >= POLICY.consistent
    assert own.distance >= POLICY.distance


def test_the_default_policy_is_that_of_a_force_that_says_nothing() -> None:
    assert Policy.of(PolicyChoice()) == POLICY


def test_rates_come_from_rounded_counts_and_hide_few_people() -> None:
    gate = Gate(POLICY, Registry(None, chapter="prevalence"))
    frame = pd.DataFrame(
        {"band": ["a", "b"], "events": [23.0, 9.0], "years": [998.0, 40.0], "fewest": [23, 9]}
    )
    other = frame.assign(events=[27.0, 8.0], years=[1002.0, 41.0])
    made = [
        gate.rates(
            f"r{k}", given, ["band"], of=("events", "years"), per=1000, people="fewest",
            interval=lambda x, t: (0.5 * x / t, 2 * x / t), title="", what="",
        ).frame
        for k, given in enumerate((frame, other))
    ]  # fmt: skip
    pd.testing.assert_frame_equal(*made)
    assert made[0].loc[0, ["rate", "lower", "upper"]].tolist() == [25.0, 12.0, 50.0]
    assert made[0].loc[1, ["rate", "lower", "upper"]].isna().all()


def test_a_curve_by_the_hour_is_read_at_hours() -> None:
    rows = pd.DataFrame({"t": np.linspace(0.2, 60, 90), "e": True, "p": range(90)})
    made = curve_tables.survival(rows, "t", "e", "p", None, None, 168, POLICY, "hours")
    assert made.header[1] == "Hours"
    assert {row[1] for row in made.rows} <= {"1", "2", "4", "8", "12", "24", "48", "72", "168"}
    assert "8" in {row[1] for row in made.rows}


def test_bounds_of_a_lorenz_curve_stand_at_its_own_percentiles_rounded_outwards() -> None:
    asked = []

    def band(tops):
        asked.extend(tops)
        return pd.DataFrame({"lower": [0.3333] * len(tops), "upper": [0.9001] * len(tops)})

    counts = [1] * 200 + [5] * 60 + [30] * 20
    made = curve_tables.lorenz(counts, POLICY, band)
    inner = made.frame["share_people"].between(0, 100, inclusive="neither")
    assert asked == pytest.approx((made.frame["share_people"][inner] / 100).tolist())
    assert set(made.frame["lower"][inner]) == {33.0}
    assert set(made.frame["upper"][inner]) == {91.0}
    assert made.frame["lower"][~inner].isna().all()
    few = curve_tables.lorenz([1] * 15, POLICY, band)
    assert few.frame.empty
    assert few.rows == []


def test_an_interval_of_a_cost_comes_from_published_numbers_alone() -> None:
    shared = numbers.percent("s", 0.5934, (0.541, 0.642), shown=True)
    whole, part = count(5262, "incident"), count(3121, "incident")
    made = numbers.money("c", part, 100.0, "GBP", numbers.share_of_count(shared, whole))
    assert (made.low, made.high) == (0.54 * 526_000, 0.65 * 526_000)
    assert made.interval_text == "GBP 284,000 to 342,000"
    hidden = numbers.percent("s", 0.5934, (0.541, 0.642), shown=False)
    without = numbers.money("c", part, 100.0, "GBP", numbers.share_of_count(hidden, whole))
    assert without.interval_text == ""
    assert np.isnan(without.low)


def test_what_drawn_worlds_give_is_hidden_with_the_share_beside_it() -> None:
    frame = pd.DataFrame(
        {
            "line": ["a", "b"], "part": [50, 5], "whole": [100, 100], "part_people": [40, 5],
            "rest_people": [40, 60], "whole_people": [80, 65], "constant": [0.664, 0.5],
            "constant_low": [0.6, 0.4], "constant_high": [0.7, 0.6],
        }
    )  # fmt: skip
    made = tables.ratios(frame, ["line"], POLICY, None)
    beside = ["constant_percent", "constant_low_percent", "constant_high_percent"]
    assert made.frame.loc[0, beside].tolist() == [66, 60, 70]
    assert made.frame.loc[1, beside].isna().all()
    assert [len(row) for row in made.rows] == [len(made.header)] * 2
