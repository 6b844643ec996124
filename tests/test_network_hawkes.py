"""Network Hawkes process: held against tick, literal sums and integrals, and its own simulator."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from missing_lib.study import network
from missing_lib.study import network_hawkes as nh
from missing_lib.study.frame import known_before
from missing_lib.study.network_hawkes import checks, elapsed, persons, search
from missing_lib.study.network_hawkes.attribution import parents as parents_of
from missing_lib.study.network_hawkes.climb import LATER
from missing_lib.study.network_hawkes.fit import MOST, NO_EXPOSURE, NO_TIES, TOO_FEW, TOO_MANY
from missing_lib.study.network_hawkes.power import detectable_effect
from missing_lib.study.network_hawkes.simulate import PEER, simulate_causes
from tests.made_networks import known_cohort, odd_cohorts
from tests.reference_cases import case

EXACT = 1e-10  # the same sums in another order
INTEGRAL = 1e-7  # what adaptive quadrature is good for
NUDGE, DERIVATIVE = 1e-5, 1e-6  # step of a finite difference, and what it is good for
SETTLED = 1e-3  # searches end where a step promises less than this, in standard errors

TRUTH = nh.Parameters(np.array([-7.0, 0.5]), 0.5, 1 / 9, 0.1, 1 / 6, 2.0)


def setting(people: int, rng: np.random.Generator, *, ties: int = 0, effects: bool = True, **more):  # type: ignore[no-untyped-def]
    """People with windows of about three years, a covariate and random ties."""
    opens = rng.uniform(0, 50, people)
    closes = opens + rng.uniform(500, 1500, people)
    made = nh.Setting(
        opens=opens,
        closes=closes,
        ties=nh.ties_of(people, rng.integers(0, people, (ties, 2))),
        background=nh.constant_background(opens, rng.normal(size=(people, 1)), ("x",)),
        given_person=np.empty(0, np.int64),
        given_at=np.empty(0),
        together=1.0,
        person_effects=effects,
        people=np.array([f"p{k}" for k in range(people)], object),
    )
    return replace(made, **more)


def world(seed: int, truth: nh.Parameters = TRUTH, people: int = 400, **more):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    made = setting(people, rng, ties=int(1.4 * people), effects=truth.variance > 0, **more)
    return nh.simulate(nh.timeline(made, [], []), truth, rng, away=rng.exponential(0.5, 50))


def tiny(seed: int) -> nh.Timeline:
    """Few people, pieces of background that change, times away, and reports from outside."""
    rng = np.random.default_rng(seed)
    people, end = 6, 60.0
    opens, closes = rng.uniform(0, 10, people), np.full(people, end)
    closes[-1] = opens[-1] = 0.0  # only heard of
    starts = [np.append(opens[i], np.sort(rng.uniform(10, end, 2))) for i in range(people - 1)]
    fixed = np.column_stack([np.ones(people), rng.normal(size=people)])
    background = nh.Background(
        ("constant", "x", "z"),
        fixed,
        np.array([[0.0], [1.0]]),
        np.append(np.arange(people) * 3, 3 * (people - 1)),
        np.concatenate(starts),
        np.tile([0, 1, 0], people - 1),
        {},
    )
    made = nh.Setting(
        opens, closes, nh.ties_of(people, [[0, 1], [1, 2], [0, 5], [3, 4], [1, 5]]), background,
        np.array([5, 5]), np.array([12.0, 30.0]), 1.0, True, np.arange(people).astype(object),
    )  # fmt: skip
    person = np.repeat([0, 1, 2, 3], [5, 4, 2, 1])
    at = np.concatenate([np.sort(rng.uniform(11, 58, n)) for n in (5, 4, 2, 1)])
    at[6] = at[1] + 0.4  # persons 0 and 1 together
    at[5:9] = np.sort(at[5:9])
    room = np.append(np.diff(at), 5.0)
    back = at + np.where(room > 0, room, 9.0) * rng.uniform(0, 0.9, len(at))
    return nh.timeline(made, person, at, back)


AT = [
    nh.Parameters(np.array([-3.0, 0.4, 0.3]), 0.4, 0.2, 0.3, 0.1, 1.5),
    nh.Parameters(np.array([-4.0, -0.4, 0.0]), 1.4, 2.0, 0.0, 0.5, 0.3),
    nh.Parameters(np.array([-2.0, 0.1, -0.5]), 0.0, 0.2, 0.9, 1.0, 0.0),
]


# --- the rate, written out -----------------------------------------------------------------------


def every(line: nh.Timeline) -> tuple[np.ndarray, ...]:
    """Person, report and return of all reports, those that joined another too."""
    return tuple(
        np.concatenate(both)
        for both in zip((line.person, line.at, line.back), line.joined, strict=True)
    )


def parts(line: nh.Timeline, at: nh.Parameters, i: int, t: float) -> tuple[float, float]:
    """Background without the factor and what is added, as in the definition; 0 while away."""
    made, (person, reported, returned) = line.setting, every(line)
    own = person == i
    if not made.opens[i] < t <= made.closes[i]:
        return 0.0, 0.0
    if ((reported[own] < t) & (t <= returned[own])).any():
        return 0.0, 0.0
    reports = [*zip(person, reported, strict=True)]
    reports += [*zip(made.given_person, made.given_at, strict=True)]
    hearers = [made.ties.ego[made.ties.first[who] : made.ties.first[who + 1]] for who, _ in reports]
    heard = [when for (_, when), those in zip(reports, hearers, strict=True) if i in those]
    if any(when < t <= when + made.together for when in heard):
        return 0.0, 0.0
    pieces = made.background
    span = slice(pieces.first[i], pieces.first[i + 1])
    piece = int(np.flatnonzero(pieces.start[span] < t)[-1])
    z = np.append(pieces.fixed[i], pieces.varying[pieces.pattern[span][piece]])
    added = 0.0
    for back in returned[own]:
        if back < t:
            added += at.own * at.own_decay * np.exp(-at.own_decay * (t - back))
    mine = [when for who, when in reports if who == i]
    for when in heard:
        took_part = any(abs(when - other) <= made.together for other in mine)
        if not took_part and when + made.together < t:
            degree = int((made.ties.ego == i).sum())
            delay = t - when - made.together
            added += at.peer / degree * at.peer_decay * np.exp(-at.peer_decay * delay)
    return float(np.exp(z @ at.beta)), added


def kinks(line: nh.Timeline, i: int) -> np.ndarray:
    """Where the rate of a person jumps."""
    made = line.setting
    _, at, back = every(line)
    when = [at, back, at + made.together, made.given_at, made.given_at + made.together]
    span = slice(made.background.first[i], made.background.first[i + 1])
    inside = np.concatenate([*when, made.background.start[span]])
    low, high = made.opens[i], made.closes[i]
    return np.unique(np.concatenate([[low, high], inside[(inside > low) & (inside < high)]]))


def integral(line: nh.Timeline, at: nh.Parameters, i: int, until: float, which: int) -> float:
    edges = kinks(line, i)
    edges = np.append(edges[edges < until], until)
    return sum(
        integrate.quad(lambda t: parts(line, at, i, t)[which], a, b, epsabs=1e-12)[0]
        for a, b in pairwise(edges)
    )


def literal(line: nh.Timeline, at: nh.Parameters) -> float:
    """Log-likelihood as it is defined: integrals over time, and over each person's factor."""
    total = 0.0
    for i in np.flatnonzero(line.setting.closes > line.setting.opens):
        end = line.setting.closes[i]
        mass, brought = (integral(line, at, i, end, which) for which in (0, 1))
        seen = [parts(line, at, i, t) for t in line.at[line.person == i]]

        def given(v: float, seen: list = seen, mass: float = mass) -> float:
            return float(np.prod([v * mu + e for mu, e in seen]) * np.exp(-v * mass))

        if at.variance == 0:
            total += np.log(given(1.0)) - brought
            continue
        # On the scale of log v the trapezoidal rule is as good as exact.
        log = np.arange(-90.0, 8.0, 0.01)
        law = stats.gamma(1 / at.variance, scale=at.variance).pdf(np.exp(log)) * np.exp(log)
        total += np.log(0.01 * (law * [given(v) for v in np.exp(log)]).sum()) - brought
    return total


@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("seed", [1])
def test_the_likelihood_is_the_one_of_the_definition(at: nh.Parameters, seed: int) -> None:
    line = tiny(seed)
    assert nh.log_likelihood(line, at) == pytest.approx(literal(line, at), rel=INTEGRAL)


@pytest.mark.parametrize("at", AT)
def test_integrals_up_to_any_moment_are_those_of_the_rate(at: nh.Parameters) -> None:
    line = tiny(3)
    person = np.repeat([0, 1, 2], 4)
    when = np.tile([15.0, 27.5, 41.0, 60.0], 3)
    found = elapsed.elapsed(line, at, person, when)
    for k, (i, t) in enumerate(zip(person, when, strict=True)):
        assert found.background[k] == pytest.approx(integral(line, at, i, t, 0), abs=INTEGRAL)
        assert found.added[k] == pytest.approx(integral(line, at, i, t, 1), abs=INTEGRAL)


def no_report(line: nh.Timeline, at: nh.Parameters, i: int, since: float, until: float) -> float:
    """-log of the chance of no report between two moments, given those up to the first."""
    seen = [parts(line, at, i, t) for t in line.at[line.person == i] if t <= since]
    log = np.arange(-90.0, 8.0, 0.01)
    v = np.exp(log)
    law = stats.gamma(1 / at.variance, scale=at.variance).pdf(v) * v
    for mu, e in seen:
        law = law * (v * mu + e)
    before, after = (integral(line, at, i, t, 0) for t in (since, until))
    brought = integral(line, at, i, until, 1) - integral(line, at, i, since, 1)
    chance = (law * np.exp(-v * after)).sum() / (law * np.exp(-v * before)).sum()
    return float(brought - np.log(chance))


@pytest.mark.parametrize("at", AT[:2])
def test_what_is_expected_is_expected_given_the_reports_so_far(at: nh.Parameters) -> None:
    line = tiny(7)
    report = np.arange(line.reports)
    found = checks.compensators(line, at, line.person, line.at, report)
    later = np.flatnonzero(np.diff(line.person) == 0)[[0, 2, 3]] + 1
    for k in later:
        want = no_report(line, at, line.person[k], line.at[k - 1], line.at[k])
        assert found[k] == pytest.approx(want, rel=INTEGRAL)


@pytest.mark.parametrize("weights", ["mean", "sum"])
@pytest.mark.parametrize("point", range(4))
def test_log_likelihood_agrees_with_tick(weights: str, point: int) -> None:
    data, expected, _ = case("hawkes_network_tick")
    people, want = expected["people"], expected["grid"][point]
    none = np.zeros(people)
    made = nh.Setting(
        none, np.full(people, expected["end"]), nh.ties_of(people, expected["ties"], weights),
        nh.constant_background(none, np.empty((people, 0)), ()), np.empty(0, np.int64),
        np.empty(0), 0.0, False, np.arange(people).astype(object),
    )  # fmt: skip
    line = nh.timeline(made, data["person"], data["time"])
    at = nh.Parameters(
        np.log([want["rate"]]), want["own"], want["own_decay"], want["peer"], want["peer_decay"], 0
    )
    assert nh.log_likelihood(line, at) == pytest.approx(want[weights], rel=EXACT)


@pytest.mark.parametrize("at", AT)
def test_the_gradient_is_that_of_the_likelihood(at: nh.Parameters) -> None:
    line = tiny(4)
    found = nh.climb(line, at)
    terms = len(at.beta)

    def near(k: int, way: int) -> float:
        if k < terms:
            return nh.log_likelihood(line, replace(at, beta=at.beta + way * NUDGE * np.eye(3)[k]))
        name = LATER[k - terms]
        value = getattr(at, name)
        moved = value + way * NUDGE if name == "peer" else value * np.exp(way * NUDGE)
        return nh.log_likelihood(line, at.but(name, moved))

    for k in range(terms + len(LATER)):
        if k == terms + LATER.index("peer") and at.peer == 0:
            slope = (near(k, 1) - found.value) / NUDGE
            assert found.gradient[k] == pytest.approx(slope, rel=1e-3)
            continue
        slope = (near(k, 1) - near(k, -1)) / (2 * NUDGE)
        assert found.gradient[k] == pytest.approx(slope, abs=DERIVATIVE * (1 + abs(found.value)))


# --- what must not matter ------------------------------------------------------------------------


def test_the_unit_of_time_only_shifts_the_likelihood() -> None:
    line, at, unit = tiny(5), AT[0], 24.0
    made = line.setting
    background = replace(made.background, start=made.background.start * unit)
    hours = replace(
        made, opens=made.opens * unit, closes=made.closes * unit, background=background,
        given_at=made.given_at * unit, together=made.together * unit,
    )  # fmt: skip
    slower = nh.Parameters(
        at.beta - np.log(unit) * np.eye(3)[0], at.own, at.own_decay / unit, at.peer,
        at.peer_decay / unit, at.variance,
    )  # fmt: skip
    person, at_days, back = every(line)
    other = nh.timeline(hours, person, at_days * unit, back * unit)
    shift = line.reports * np.log(unit)
    assert nh.log_likelihood(other, slower) + shift == pytest.approx(nh.log_likelihood(line, at))


def test_neither_names_nor_order_matter() -> None:
    rng = np.random.default_rng(1)
    people = 200
    made = setting(people, rng, ties=300)
    line = nh.simulate(nh.timeline(made, [], []), TRUTH, rng, away=np.array([0.2, 1.0]))
    new = rng.permutation(people)  # where each person stands afterwards
    old = np.argsort(new)
    source = np.repeat(np.arange(people), np.diff(made.ties.first))
    pairs = np.column_stack([new[source], new[made.ties.ego]])
    other = replace(
        made, opens=made.opens[old], closes=made.closes[old], ties=nh.ties_of(people, pairs),
        background=nh.constant_background(
            made.opens[old], made.background.fixed[old, 1:], ("x",)
        ),
        people=made.people[old],
    )  # fmt: skip
    turned = nh.timeline(other, new[line.person], line.at, line.back)
    one, two = nh.fit(line), nh.fit(turned)
    assert two.peer.value == pytest.approx(one.peer.value, rel=SETTLED)
    assert two.peer.upper == pytest.approx(one.peer.upper, rel=1e-2)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-8)


def test_reports_together_are_never_exposure() -> None:
    made = setting(
        3, np.random.default_rng(0), given_person=np.array([2]), given_at=np.array([99.0])
    )
    made = replace(made, ties=nh.ties_of(3, [[0, 1], [0, 2]]))
    line = nh.timeline(made, [0, 0, 1, 1], [100.0, 200.0, 101.0, 300.0])
    # person 1's first and person 2's only report are those of person 0; the other one is heard of
    # (person 2's came first, and the two others joined it)
    assert line.peer.at[line.peer.first[0] : line.peer.first[1]].tolist() == [301.0]
    assert line.peer.at[line.peer.first[1] : line.peer.first[2]].tolist() == [201.0]
    assert line.peer.weight[: line.peer.first[1]].tolist() == [0.5]


def test_who_joins_an_event_is_heard_of_and_not_explained() -> None:
    made = setting(3, np.random.default_rng(0))
    made = replace(made, opens=np.zeros(3), ties=nh.ties_of(3, [[0, 1], [1, 2]]))
    made = replace(made, background=nh.constant_background(made.opens, np.empty((3, 0)), ()))
    # 1 joins 0; 2 is not tied to 0 and joins 1; 2's second is by itself; 0 and 1 at one moment
    person, at = [0, 1, 2, 2, 1, 0], [100.0, 100.5, 101.2, 200.0, 300.0, 300.0]
    line = nh.timeline(made, person, at, np.add(at, 0.25))
    assert line.person.tolist() == [0, 0, 2]
    assert line.at.tolist() == [100.0, 300.0, 200.0]
    assert [one.tolist() for one in line.joined[:2]] == [[1, 1, 2], [100.5, 300.0, 101.2]]
    # a return counts, whoever was joined; those who took part do not hear of each other
    assert line.own.at.tolist() == [100.25, 300.25, 100.75, 300.25, 101.45, 200.25]
    assert line.own.source.tolist() == [0, 1, 3, 4, 5, 2]
    assert line.peer.at.tolist() == [201.0, 301.0]
    assert line.peer.source.tolist() == [2, 4]
    away = [
        [(100.0, 100.25), (100.5, 101.5), (300.0, 301.0)],
        [(100.0, 101.0), (101.2, 102.2), (200.0, 201.0), (300.0, 301.0)],
        [(100.5, 101.5), (200.0, 200.25), (300.0, 301.0)],
    ]
    for i, expected in enumerate(away):
        mine = slice(line.away.first[i], line.away.first[i + 1])
        found = zip(line.away.begins[mine], line.away.ends[mine], strict=True)
        assert [*found] == [(pytest.approx(a), pytest.approx(b)) for a, b in expected]


def test_leaving_together_does_not_pass_for_influence() -> None:
    # Each incident takes a friend along within hours in one of two cases; nothing travels later.
    rng, found = np.random.default_rng(8), []
    for seed in range(12):
        line = world(700 + seed, replace(TRUTH, peer=0.0))
        made = line.setting
        person, at, back = list(line.person), list(line.at), list(line.back)
        for who, when in zip(line.person, line.at, strict=True):
            hears = made.ties.ego[made.ties.first[who] : made.ties.first[who + 1]]
            if len(hears) == 0 or rng.random() < 0.5:
                continue
            friend, then = rng.choice(hears), when + rng.uniform(0.0, 0.3)
            inside = made.opens[friend] < then < made.closes[friend]
            near = [abs(then - t) < 5 for who, t in zip(person, at, strict=True) if who == friend]
            if inside and not any(near):
                person, at, back = [*person, friend], [*at, then], [*back, then + 0.5]
        found.append(nh.fit(nh.timeline(made, person, at, back)))
    assert np.mean([one.peer.lower == 0.0 for one in found]) > 0.75
    assert all(one.peer.upper < nh.SMALLEST for one in found)


# --- what was put in is found again --------------------------------------------------------------


def test_estimates_and_intervals_find_what_was_put_in() -> None:
    fits = [nh.fit(world(seed)) for seed in range(24)]
    truth = {
        "own": 0.5, "own_delay": 9.0, "peer": 0.1, "peer_delay": 6.0, "variance": 2.0,
    }  # fmt: skip
    for name, value in truth.items():
        found = [getattr(one, name) for one in fits]
        middle = np.array([one.value for one in found])
        error = middle.std(ddof=1) / np.sqrt(len(fits))
        assert abs(np.mean(middle) - value) < 3 * error + 0.02 * value
        covered = [one.lower <= value <= one.upper for one in found]
        assert np.mean(covered) > 0.8  # less than 19 of 24 at 95 % each has a chance below 0.01


def test_without_peers_the_interval_begins_at_none() -> None:
    alone = replace(TRUTH, peer=0.0)
    fits = [nh.fit(world(100 + seed, alone)) for seed in range(24)]
    assert np.mean([one.peer.lower == 0.0 for one in fits]) > 0.8
    assert all(one.peer.upper < 0.1 for one in fits)
    assert all(one.ratio >= 0 for one in fits)


def test_left_out_differences_between_people_pass_for_own_history() -> None:
    line = world(7)
    honest, blind = nh.fit(line), nh.fit(nh.without_person_effects(line))
    assert blind.variance.value == 0.0
    assert blind.own.value > honest.own.value
    assert blind.log_likelihood < honest.log_likelihood


def test_the_curvature_agrees_with_the_profile() -> None:
    found = nh.fit(world(16, replace(TRUTH, peer=0.4)))
    assert found.best is not None
    at = search.place(found.best, "peer")
    by_curvature = found.peer.value * np.sqrt(found.covariance[at, at]) * 2 * 1.96
    assert found.peer.upper - found.peer.lower == pytest.approx(by_curvature, rel=0.05)


@pytest.mark.long
@pytest.mark.parametrize("peer", [0.0, 0.1])
def test_coverage_with_differences_between_people(peer: float) -> None:
    fits = [nh.fit(world(1000 + seed, replace(TRUTH, peer=peer))) for seed in range(400)]
    covered = [one.peer.lower <= peer <= one.peer.upper for one in fits]
    assert 0.925 <= np.mean(covered) <= (0.99 if peer == 0 else 0.975)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_simulated_reports_run_at_rate_one_on_the_clock_of_the_truth(seed: int) -> None:
    line = world(seed, replace(TRUTH, peer=0.4))
    report = np.arange(line.reports)
    gaps = checks.compensators(line, TRUTH.but("peer", 0.4), line.person, line.at, report)
    # the gaps of a person are exponential, cut off by the window: Lambda(window) in all
    ends = np.arange(len(line.setting.opens))
    marks = np.concatenate([line.person, ends])
    when = np.concatenate([line.at, line.setting.closes])
    which = np.concatenate([report, np.full(len(ends), -1)])
    order = np.lexsort((when, marks))
    passed = checks.compensators(
        line, TRUTH.but("peer", 0.4), marks[order], when[order], which[order]
    )
    assert passed[which[order] >= 0] == pytest.approx(gaps)
    assert abs(line.reports - passed.sum()) < 4 * np.sqrt(passed.sum())
    laid = np.diff(np.cumsum(passed)[which[order] >= 0], prepend=0.0)
    assert stats.kstest(laid, "expon").pvalue > 0.001


def test_nobody_is_drawn_along_by_what_they_took_part_in() -> None:
    rng = np.random.default_rng(2)
    made = setting(60, rng, ties=200)
    busy = nh.Parameters(np.array([-5.0, 0.0]), 0.3, 0.5, 0.6, 1.0, 0.0)
    found = simulate_causes(nh.timeline(made, [], []), busy, rng, away=np.array([0.1]))
    line = found.line
    for k in np.flatnonzero(found.cause == PEER):
        reach = line.peer.at[line.peer.first[line.person[k]] : line.peer.first[line.person[k] + 1]]
        assert (reach < line.at[k]).any()
    same = np.diff(line.person) == 0
    assert (line.at[1:] > line.back[:-1])[same].all()


def test_worlds_have_the_number_of_reports_that_branching_gives() -> None:
    rng = np.random.default_rng(3)
    made = setting(400, rng, ties=0)
    at = nh.Parameters(np.array([-6.0, 0.0]), 0.5, 1.0, 0.0, 1.0, 0.0)
    line = nh.timeline(made, [], [])
    number = np.mean([nh.simulate(line, at, rng).reports for _ in range(5)])
    assert number == pytest.approx(np.exp(-6) * line.exposure.sum() / 0.5, rel=0.05)


def test_a_world_that_explodes_says_so() -> None:
    rng = np.random.default_rng(4)
    line = nh.timeline(setting(50, rng, ties=0), [], [])
    wild = nh.Parameters(np.array([-6.0, 0.0]), 3.0, 5.0, 0.0, 1.0, 0.0)
    with pytest.raises(nh.RunawayWorld, match="explodes"):
        nh.simulate(line, wild, rng)


def test_drawn_factors_have_the_mean_that_the_reports_give() -> None:
    line = world(8, people=100)
    rng = np.random.default_rng(5)
    drawn = np.mean([persons.drawn_factors(line, TRUTH, rng) for _ in range(400)], axis=0)
    found = nh.climb(line, TRUTH)
    assert np.abs(drawn - found.persons.factor).max() < 0.6
    assert drawn.mean() == pytest.approx(found.persons.factor.mean(), rel=0.02)


# --- what a fit says -----------------------------------------------------------------------------


def test_attribution_shares_out_every_report() -> None:
    line = world(9, replace(TRUTH, peer=0.4))
    fit = nh.fit(line)
    found = nh.attribute(fit, line, seed=1, draws=50)
    np.testing.assert_allclose(found.chances.sum(axis=1), 1.0, rtol=EXACT)
    assert found.shares.groupby("way")["share"].sum().tolist() == pytest.approx([1.0, 1.0])
    for way in ("soft", "most probable parent"):
        share = found.share("peer", way)
        assert share.lower < share.value < share.upper
    assert found.cascades == int((found.source == 0).sum())
    own = found.parent[found.source == 1]
    assert (line.person[own] == line.person[found.source == 1]).all()
    assert (line.back[own] < line.at[found.source == 1]).all()
    peer = found.parent[found.source == 2]
    assert (line.person[peer] != line.person[found.source == 2]).all()


def test_attribution_finds_the_share_that_peers_set_off() -> None:
    truth, shares = replace(TRUTH, peer=0.4), []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        made = setting(400, rng, ties=560)
        found = simulate_causes(nh.timeline(made, [], []), truth, rng, away=np.array([0.2]))
        said = nh.attribute(nh.fit(found.line), found.line, seed=1, draws=2).share("peer").value
        shares.append(said - (found.cause == PEER).mean())
    assert abs(np.mean(shares)) < 0.02


def test_chances_are_shares_of_the_rate() -> None:
    line, at = tiny(6), replace(AT[0], variance=0.0)
    chances, _, _ = parents_of(line, at)
    for k in range(line.reports):
        mu, e = parts(line, at, line.person[k], line.at[k])
        assert chances[k, 0] == pytest.approx(mu / (mu + e), rel=EXACT)
        alone = parts(line, replace(at, own=0.0), line.person[k], line.at[k])[1]
        assert chances[k, 2] == pytest.approx(alone / (mu + e), rel=1e-9)


def test_checks_expect_what_was_seen() -> None:
    line = world(10)
    found = nh.check(nh.fit(line), line)
    assert len(found.gaps) == line.reports
    assert found.p > 0.001
    assert found.expected == pytest.approx(line.reports, rel=0.05)
    for _, rows in found.table.groupby("by"):
        assert rows["observed"].sum() == line.reports
        assert rows["expected"].sum() == pytest.approx(found.expected)


def test_checks_see_what_the_model_lacks() -> None:
    line = world(11, replace(TRUTH, own=0.7, own_decay=0.5))
    poor = nh.fit(line)
    assert poor.parameters is not None
    wrong = replace(poor, parameters=poor.parameters.but("own", 0.0))
    table = nh.check(wrong, line).table.set_index(["by", "group"])
    assert table.loc[("own return", "0 to 14 days"), "ratio"] > 2


def test_power_holds_its_size_and_finds_large_effects() -> None:
    line = world(12, replace(TRUTH, peer=0.0), people=300)
    found = nh.fit(line)
    told = nh.power(found, line, seed=1, worlds=19, multiples=(0.0, 1.0))
    table = told.effects.set_index("effect")["found"]
    assert table.loc[0.0] <= 1 / 19
    assert table.loc[nh.SMALLEST] == 1.0
    assert 0 < told.detectable < nh.SMALLEST
    assert told.p == (1 + (told.null >= found.ratio - 1e-9).sum()) / 20
    again = nh.power(found, line, seed=1, worlds=19, multiples=(0.0, 1.0))
    pd.testing.assert_frame_equal(told.effects, again.effects)


@pytest.mark.parametrize(
    ("found", "detectable"),
    [([0.05, 0.1, 0.2], np.inf), ([0.05, 0.9, 1.0], 0.1), ([0.05, 0.6, 1.0], 0.2)],
)
def test_the_detectable_effect_lies_between_those_simulated(found: list, detectable: float) -> None:
    table = pd.DataFrame({"effect": [0.0, 0.1, 0.4], "found": found})
    assert detectable_effect(table) == pytest.approx(detectable)


def test_bootstrap_agrees_with_the_profile() -> None:
    line = world(13)
    found = nh.fit(line)
    told = nh.bootstrap(found, line, seed=1, draws=40)
    row = told.intervals.set_index("name").loc["peer"]
    assert told.lost == 0
    assert row["value"] == pytest.approx(found.peer.value)
    width = found.peer.upper - found.peer.lower
    assert row["upper"] - row["lower"] == pytest.approx(width, rel=0.4)


# --- little to compute with ----------------------------------------------------------------------


def test_people_without_ties_still_have_a_history() -> None:
    line = world(14, replace(TRUTH, peer=0.0))
    none = replace(line.setting, ties=nh.ties_of(len(line.setting.opens), np.empty((0, 2))))
    found = nh.fit(nh.timeline(none, line.person, line.at, line.back))
    assert found.peer_problem == NO_TIES
    assert np.isnan(found.peer.value)
    assert found.own.lower < 0.5 < found.own.upper
    told = nh.power(found, line, seed=1, worlds=2)
    assert told.problem == NO_TIES
    assert np.isnan(told.p)
    shares = nh.attribute(found, nh.timeline(none, line.person, line.at, line.back), 1, 5)
    assert shares.share("peer").value == 0.0


def test_ties_to_nobody_who_was_reported_say_nothing() -> None:
    line = world(15, replace(TRUTH, peer=0.0))
    quiet = np.flatnonzero(np.diff(line.first) == 0)[:2]
    made = replace(line.setting, ties=nh.ties_of(len(line.setting.opens), [quiet]))
    found = nh.fit(nh.timeline(made, line.person, line.at, line.back))
    assert found.peer_problem == NO_EXPOSURE


@pytest.mark.parametrize("reports", [0, 1, 9])
def test_too_few_reports_are_no_fit(reports: int) -> None:
    made = setting(30, np.random.default_rng(0), ties=40)
    line = nh.timeline(made, np.arange(reports), np.full(reports, 100.0))
    found = nh.fit(line)
    assert found.problem == TOO_FEW
    assert found.parameters is None
    assert nh.check(found, line).problem
    assert nh.attribute(found, line, 1).problem == TOO_FEW
    assert nh.power(found, line, 1).problem == TOO_FEW
    assert nh.bootstrap(found, line, 1).problem == TOO_FEW


def test_somebody_with_too_many_reports_is_no_fit() -> None:
    made = setting(20, np.random.default_rng(0))
    many = np.linspace(60.0, 400.0, MOST + 1)
    person = np.append(np.zeros(len(many), int), np.arange(1, 20))
    line = nh.timeline(made, person, np.append(many, np.full(19, 100.0)))
    assert nh.fit(line).problem == TOO_MANY


def test_differences_that_peers_made_are_none_once_peers_are_in() -> None:
    rng = np.random.default_rng(31)
    made = setting(60, rng, ties=300)
    at = nh.Parameters(np.array([-7.5, 0.5]), 0.3, 0.2, 0.6, 0.2, 0.0)
    found = nh.fit(nh.simulate(nh.timeline(made, [], []), at, rng))
    assert not found.problem
    assert found.variance.value < 0.3
    assert np.isfinite(found.peer.upper)


def test_everybody_tied_through_one_home() -> None:
    people = 40
    pairs = np.array([(a, b) for a in range(people) for b in range(a)])
    truth = replace(TRUTH, peer=0.3)
    rng = np.random.default_rng(1)
    made = replace(setting(people, rng), ties=nh.ties_of(people, pairs))
    line = nh.simulate(nh.timeline(made, [], []), truth, rng, away=np.array([0.1]))
    found = nh.fit(line)
    assert not found.problem
    assert found.peer.lower <= found.peer.value <= found.peer.upper


@pytest.mark.parametrize(
    ("person", "at", "back", "told"),
    [
        ([0], [1e6], None, "outside the window"),
        ([0, 0], [100.0, 101.0], [102.0, 103.0], "before the return"),
        ([0], [100.0], [99.0], "before the return"),
        ([0, 0], [100.0, 100.0], None, "same moment"),
    ],
)
def test_reports_that_cannot_be_are_refused(
    person: list, at: list, back: list | None, told: str
) -> None:
    made = setting(2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=told):
        nh.timeline(made, person, at, back)


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="mean, sum"):
        nh.ties_of(2, [[0, 1]], "max")  # type: ignore[arg-type]


# --- from a cohort -------------------------------------------------------------------------------


ODD = odd_cohorts()


@pytest.mark.parametrize("name", list(ODD))
def test_odd_cohorts_have_a_fit_or_a_reason(name: str) -> None:
    cohort = ODD[name]
    pairs = network.ties_before(cohort)
    for frame in (None, known_before(cohort)):
        line = nh.prepare(cohort, pairs, frame)
        found = nh.fit(line)
        assert found.problem or np.isfinite(found.own.value)
        assert nh.check(found, line).problem or found.parameters is not None


def test_a_cohort_becomes_the_timeline_that_it_is() -> None:
    cohort = known_cohort(
        {
            "a": {"birth_date": "2004-06-15"},
            "b": {"observed_from": "2015-03-01"},
            "c": {"known_first_by": "police:missing_report"},
        },
        [("a", "2015-02-01 12:00"), ("b", "2015-03-02 00:00"), ("c", "2015-02-10 00:00")],
        ties=[("a", "b", "co_arrest", "2014-01-01"), ("a", "c", "co_arrest", "2014-01-01")],
    )
    line = nh.prepare(cohort, network.ties_before(cohort), known_before(cohort))
    names = list(line.setting.people)
    assert set(names) == {"a", "b", "c"}
    start = pd.Timestamp(cohort.start)
    a = names.index("a")
    # b comes later and c is known by a report alone: both are heard of and not explained
    assert line.setting.people[line.person].tolist() == ["a"]
    assert sorted(line.setting.people[line.setting.given_person]) == ["b", "c"]
    heard = line.peer.at[line.peer.first[a] : line.peer.first[a + 1]]
    days = [(pd.Timestamp(day) - start).days + 1.0 for day in ("2015-02-10", "2015-03-02")]
    np.testing.assert_allclose(heard, days)
    everybody = nh.prepare(cohort, network.ties_before(cohort))
    assert everybody.reports == 3
    b = list(everybody.setting.people).index("b")
    assert everybody.setting.opens[b] == (pd.Timestamp("2015-03-01") - start).days


def test_exposure_is_the_time_at_risk() -> None:
    cohort = ODD["one component"]
    line = nh.prepare(cohort, network.ties_before(cohort))
    made = line.setting
    away = (line.away.ends - line.away.begins).sum()
    assert line.exposure.sum() == pytest.approx((made.closes - made.opens).sum() - away)
