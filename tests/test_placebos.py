"""Placebos of contagion: held against plain loops, full enumeration and worlds of known truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from missing_lib.force.tables import conform
from missing_lib.study import expected, network, outcomes, peer_cox, placebos
from missing_lib.study import memberships as groups_of
from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import DAY
from missing_lib.study.cox import fit_rows, prepare
from missing_lib.study.cox.residuals import martingale
from missing_lib.study.exposure import Spells, outside
from missing_lib.study.worlds_network import histories_with_ties
from tests.made_networks import known_cohort, odd_cohorts

pytestmark = pytest.mark.filterwarnings("error")

START = pd.Timestamp("2015-01-01")
ODD = odd_cohorts()


@pytest.fixture(scope="module")
def quiet() -> tuple[Cohort, pd.DataFrame]:
    cohort, _ = histories_with_ties(300, np.random.default_rng(4))
    return cohort, network.ties_before(cohort)


@pytest.fixture(scope="module")
def catching() -> tuple[Cohort, pd.DataFrame]:
    cohort, _ = histories_with_ties(400, np.random.default_rng(6), influence=0.2)
    return cohort, network.ties_before(cohort)


def in_crowds(seed: int = 0) -> Cohort:
    """Ties of arrests of two to four people on a day, and of schools."""
    rng = np.random.default_rng(seed)
    names = [f"p{k:02d}" for k in range(40)]
    ties = []
    for day in range(25):
        crowd = np.sort(rng.choice(40, rng.integers(2, 5), replace=False))
        when = str((pd.Timestamp("2014-01-01") + pd.Timedelta(days=day)).date())
        kind = ("co_arrest", "same_school")[day % 2]
        ties += [(names[a], names[b], kind, when) for a in crowd for b in crowd if a < b]
    people = {name: {"birth_date": f"200{k % 7}-05-05"} for k, name in enumerate(names)}
    return known_cohort(people, (), (), ties)


# --- occasions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_occasions_give_back_the_pairs(seed: int) -> None:
    cohort = in_crowds(seed)
    pairs = network.ties_before(cohort)
    found = groups_of.memberships(cohort, pairs)
    names = found.names.to_numpy(object)[found.pairs()]
    assert sorted(map(tuple, names)) == sorted(map(tuple, pairs.to_numpy(object)))
    assert np.diff(found.begins).max() > 2


def test_the_same_people_together_often_are_one_occasion_of_a_type() -> None:
    pair = [("a", "b", "co_arrest", f"2014-01-0{day}") for day in range(1, 7)]
    crowd = [(x, y, "same_school", "2014-02-01") for x, y in ("ab", "ac", "bc")]
    cohort = known_cohort({k: {} for k in "abcd"}, (), (), [*pair, *crowd])
    found = groups_of.memberships(cohort, network.ties_before(cohort))
    assert sorted(np.diff(found.begins)) == [2, 3]
    # However they are dealt anew, as many occasions tie people as did.
    for seed in range(5):
        assert len(groups_of.redrawn(found, np.random.default_rng(seed)).pairs()) <= 4


def test_a_chain_of_ties_of_one_day_is_no_crowd() -> None:
    ties = [("a", "b", "intelligence", "2014-01-01"), ("b", "c", "intelligence", "2014-01-01")]
    cohort = known_cohort({k: {} for k in "abc"}, (), (), ties)
    found = groups_of.memberships(cohort, network.ties_before(cohort))
    assert np.diff(found.begins).tolist() == [2, 2]


@pytest.mark.parametrize("seed", range(3))
def test_redrawn_occasions_keep_every_number(seed: int) -> None:
    cohort = in_crowds(seed)
    found = groups_of.memberships(cohort, network.ties_before(cohort))
    drawn = groups_of.redrawn(found, np.random.default_rng(seed))
    assert (drawn.person != found.person).mean() > 0.1

    def numbers(one: groups_of.Memberships) -> Counter:
        return Counter(zip(one.person.tolist(), one.group.tolist(), strict=True))

    assert numbers(drawn) == numbers(found)
    each = pd.DataFrame({"occasion": drawn.occasion, "person": drawn.person})
    assert not each.duplicated().any()


def test_every_arrangement_is_as_likely() -> None:
    """Four people, three occasions of two, everybody's number kept: against all arrangements."""
    people = np.array([0, 1, 0, 2, 1, 3])
    begins = np.array([0, 2, 4, 6])
    start = groups_of.Memberships(pd.Index(list("abcd")), people, begins, np.zeros(6, np.int64))
    rng = np.random.default_rng(8)
    seen: Counter = Counter()
    for _ in range(3000):
        drawn = groups_of.redrawn(start, rng)
        parts = [frozenset(drawn.person[a:b]) for a, b in pairwise(begins)]
        seen[tuple(parts)] += 1
    # Occasions are told apart: 0 and 1 are in two each, 2 and 3 in one each.
    sides = [frozenset(s) for s in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))]
    want = {
        (x, y, z)
        for x in sides for y in sides for z in sides
        if Counter([*x, *y, *z]) == Counter({0: 2, 1: 2, 2: 1, 3: 1})
    }  # fmt: skip
    assert set(seen) == want
    due = 3000 / len(want)
    statistic = sum((n - due) ** 2 / due for n in seen.values())
    assert statistic < chi2.ppf(0.9999, len(want) - 1)


# --- events and expected events ----------------------------------------------------------------


def test_expected_events_are_those_of_the_martingale(quiet: tuple) -> None:
    made = peer_cox.peer_rows(*quiet)
    rows, design = made.rows.joined(made.adjusting)
    model = expected.expected_of(rows, design)
    cox = prepare(rows.stop, rows.event, design, start=rows.start, strata=rows.values["era"])
    want = rows.event - martingale(cox, fit_rows(cox, ties="breslow"))
    seen, due = model.between(rows.person, rows.start, rows.stop)
    np.testing.assert_allclose(due, want, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(seen, rows.event)
    assert due.sum() == pytest.approx(rows.event.sum())


def test_stretches_of_time_add_up(quiet: tuple) -> None:
    made = peer_cox.peer_rows(*quiet)
    model = expected.expected_of(*made.rows.joined(made.adjusting))
    people = np.arange(len(made.rows.followed.people))
    cuts = [np.full(len(people), day) for day in (0.0, 100.5, 731.25, 731.25, 1500.0, 5000.0)]
    parts = [model.between(people, a, b) for a, b in pairwise(cuts)]
    for k, total in enumerate(model.between(people, cuts[0], cuts[-1])):
        np.testing.assert_allclose(sum(part[k] for part in parts), total, atol=1e-9)


def test_the_statistic_is_that_of_the_rows(quiet: tuple) -> None:
    """Rows cut at exposure and without time to join hold the same incidents, and the same due."""
    made = peer_cox.peer_rows(*quiet)
    found = placebos.rewired_ties(*quiet, seed=1, draws=5)
    followed = peer_cox.followed_people(quiet[0])
    whole = peer_cox.cut_rows(quiet[0], followed, {}, {peer_cox.DEGREE: quiet[1]}, 28, reported=())
    model = expected.expected_of(*whole.rows.joined(whole.adjusting))
    on = made.exposures[peer_cox.any_within(28)].to_numpy() > 0
    seen, due = model.between(made.rows.person[on], made.rows.start[on], made.rows.stop[on])
    assert found.observed == pytest.approx(seen.sum() / due.sum(), rel=1e-9)
    who = np.unique(made.rows.person[on & made.rows.event])
    assert sorted(found.people) == sorted(made.rows.followed.people[who])


# --- rewired ties ------------------------------------------------------------------------------


def test_rewired_ties_see_influence(catching: tuple) -> None:
    found = placebos.rewired_ties(*catching, seed=2, draws=99)
    assert found.p == 0.01
    assert found.observed > found.high
    assert found.low < found.expected < found.high
    assert found.moved > 0.5


def test_rewired_ties_hold_their_size_where_nobody_influences_anybody() -> None:
    p = []
    for seed in range(10):
        cohort, _ = histories_with_ties(250, np.random.default_rng(seed + 40))
        found = placebos.rewired_ties(cohort, network.ties_before(cohort), seed=seed, draws=19)
        assert found.p == (1 + (found.null >= found.observed - 1e-9).sum()) / 20
        p.append(found.p)
    # More than four of ten at one in ten happen in fewer than two of a thousand tests.
    assert (np.array(p) <= 0.1).sum() <= 4


@pytest.mark.parametrize("seed", range(5))
def test_what_lies_outside_is_what_no_other_covers(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def some(n: int) -> Spells:
        begins = rng.integers(0, 50, n)
        return Spells(rng.integers(0, 4, n), begins, begins + rng.integers(1, 12, n))

    def covers(spells: Spells) -> set[tuple[int, int]]:
        each = zip(spells.ego, spells.begins, spells.ends, strict=True)
        return {(int(who), int(t)) for who, a, b in each for t in range(a, b)}

    one, two = some(8), some(12)
    found = outside(one, two)
    assert covers(found) == covers(one) - covers(two)
    assert len(found.ego) > 0
    nobody = Spells(*(np.zeros(0, np.int64) for _ in range(3)))
    assert len(outside(nobody, nobody).ego) == 0
    assert covers(outside(one, nobody)) == covers(one)


def test_a_seed_gives_the_same_again(quiet: tuple) -> None:
    one, two = (placebos.rewired_ties(*quiet, seed=3, draws=5) for _ in range(2))
    np.testing.assert_array_equal(one.null, two.null)


# --- ties that are yet to come -----------------------------------------------------------------


def test_ties_made_by_an_episode_are_no_later_ties() -> None:
    ties = [
        ("a", "b", "co_arrest", "2014-06-01"),  # before
        ("b", "a", "co_arrest", "2015-06-01"),  # tied already
        ("a", "c", "co_arrest", "2015-02-01"),
        ("c", "a", "same_school", "2015-08-01"),  # the first day is what counts
        ("a", "d", "co_arrest", "2015-03-10"),  # on the day of a's incident
        ("a", "e", "co_arrest", "2015-04-07"),  # 28 days after it
        ("a", "f", "co_arrest", "2015-04-08"),  # 29 days after it
        ("b", "c", "missing_together", "2015-05-01"),
        ("b", "d", "co_arrest", "2029-01-01"),  # after the study
    ]
    cohort = known_cohort({k: {} for k in "abcdef"}, [("a", "2015-03-10 10:00")], (), ties)
    found = placebos.later_ties(cohort, network.ties_before(cohort))
    assert found.astype(str).to_numpy().tolist() == [
        ["a", "c", "2015-02-01"],
        ["a", "f", "2015-04-08"],
    ]


@pytest.mark.parametrize(("day", "counts"), [("2015-05-07", False), ("2015-05-08", True)])
def test_exposure_through_a_later_tie_is_over_before_it(day: str, counts: bool) -> None:
    """b's report at noon of day 70 is exposure until day 98; the tie must be 28 days later."""
    ties = [("a", "b", "co_arrest", day)]
    cohort = known_cohort({"a": {}, "b": {}}, [("b", START + pd.Timedelta(days=70.5))], (), ties)
    followed = peer_cox.followed_people(cohort)
    later = placebos.later_ties(cohort, network.ties_before(cohort))
    reports = placebos.reports_of_connections(cohort, followed, later)
    assert len(reports.at) == 1
    assert reports.at[0] == 70.5 * DAY
    kept = placebos._before_the_tie(reports, followed, later, 28)
    assert len(kept.at) == counts


def with_later_ties(cohort: Cohort, seed: int) -> Cohort:
    """New ties in the last months of the study between people who had none."""
    rng = np.random.default_rng(seed)
    names = cohort.persons["person_id"].to_numpy(object)
    ends = np.sort(names[rng.integers(0, len(names), (900, 2))], axis=1)
    later = pd.DataFrame(ends, columns=["person_a", "person_b"])
    later = later[later["person_a"] != later["person_b"]].drop_duplicates()
    later = later.assign(tie_type="co_arrest", first_seen=cohort.end - pd.Timedelta(days=30))
    ties = pd.concat([cohort.ties, conform(later.assign(agency="police"), "ties")])
    return replace(cohort, ties=ties.reset_index(drop=True))


def test_present_ties_do_what_later_ones_do_not(catching: tuple) -> None:
    cohort = with_later_ties(catching[0], 1)
    found = placebos.future_ties(cohort, catching[1])
    assert not found.problem
    assert found.present.lower > 1.5
    assert found.future.lower < 1 < found.future.upper
    assert found.apart.lower > 1
    assert found.apart.estimate == pytest.approx(found.present.estimate / found.future.estimate)


# --- a harmless outcome ------------------------------------------------------------------------


def test_a_harmless_outcome_is_left_alone(catching: tuple) -> None:
    cohort, pairs = catching
    rng = np.random.default_rng(3)
    who = rng.integers(0, len(cohort.persons), 900)
    when = cohort.start + pd.to_timedelta(rng.random(900) * 1800, unit="D")
    events = pd.DataFrame(
        {
            "person_id": cohort.persons["person_id"].to_numpy(object)[who],
            "event_type": "dentist",
            "occurred_at": when.tz_localize("UTC"),
        }
    )
    cohort = replace(cohort, events=conform(events, "events"))
    dentist = outcomes.cohort_of(cohort, "dentist")
    found = placebos.harmless(cohort, {"dentist": dentist}, pairs)["dentist"]
    assert not found.problem
    assert found.outcome.lower > 1.5
    assert found.harmless.lower < 1 < found.harmless.upper
    made = peer_cox.peer_rows(outcomes.cohort_of(cohort, "dentist"), pairs, exposed_to=cohort)
    assert peer_cox.OWN_OTHER in made.adjusting


# --- odd forces --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(ODD))
def test_odd_networks_get_a_reason(name: str) -> None:
    cohort = ODD[name]
    pairs = network.ties_before(cohort)
    for found in (
        placebos.future_ties(cohort, pairs),
        placebos.rewired_ties(cohort, pairs, seed=1, draws=3),
        placebos.harmless(cohort, {"itself": cohort}, pairs)["itself"],
    ):
        assert found.problem


def test_everybody_tied_to_everybody_cannot_be_rewired() -> None:
    cohort, _ = histories_with_ties(200, np.random.default_rng(1))
    names = np.sort(cohort.persons["person_id"].to_numpy(object)[:60])
    a, b = np.triu_indices(60, 1)
    ties = pd.DataFrame({"person_a": names[a], "person_b": names[b], "agency": "social_care"})
    ties = ties.assign(tie_type="same_placement", first_seen=cohort.start - pd.Timedelta(days=9))
    cohort = replace(cohort, ties=conform(ties, "ties"))
    found = placebos.rewired_ties(cohort, network.ties_before(cohort), seed=1, draws=3)
    assert found.problem == "hardly a tie can be exchanged between people alike"
