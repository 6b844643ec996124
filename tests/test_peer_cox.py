"""Peer exposure and its Cox model: held against plain loops, other sums and odd networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from missing_lib.force.tables import conform
from missing_lib.study import exposure, network, outcomes, peer_cox, placements, tied_fit
from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import DAY, Changes, FollowUp, follow
from missing_lib.study.cox import fit_cox
from missing_lib.study.cox.residuals import dfbeta
from missing_lib.study.diagnosis import MIN_EVENTS
from missing_lib.study.worlds_network import histories_with_ties
from tests.made_networks import known_cohort, odd_cohorts, random_force

pytestmark = pytest.mark.filterwarnings("error")

#: Sums of the same numbers in another order.
SAME = 1e-9
START = pd.Timestamp("2015-01-01")
ODD = odd_cohorts()


def busy(seed: int, people: int = 14, incidents: int = 60) -> Cohort:
    """Few people with many incidents at quarters of days, so that many fall together."""
    rng = np.random.default_rng(seed)
    names = [f"p{k}" for k in range(people)]
    who = rng.integers(0, people, incidents)
    when = START + pd.to_timedelta(rng.integers(1, 4 * 150, incidents) / 4, unit="D")
    pairs = rng.integers(0, people, (18, 2))
    ties = [(names[a], names[b], "co_arrest", "2014-01-01") for a, b in np.sort(pairs) if a != b]
    incidents = [(names[k], t) for k, t in zip(who, when, strict=True)]
    return known_cohort({name: {} for name in names}, incidents, (), ties)


def value_at(changes: Changes, person: int, at: float) -> float:
    """The value at a moment, in days, by the definition of :class:`.Changes`."""
    own = (changes.person == person) & (changes.at < at * DAY)
    return float(changes.base[person] + changes.by[own].sum())


def counted(cohort: Cohort, followed: FollowUp, person: str, at: float) -> dict[str, list[float]]:
    """Days since each report of each connection that can count, by plain loops."""
    pairs = network.ties_before(cohort).itertuples(index=False)
    friends = {a if b == person else b for a, b in pairs if person in (a, b)}
    days = followed.clock.elapsed(cohort.incidents["reported_at"]) / DAY
    times: dict[str, list[float]] = {}
    for who, day in zip(cohort.incidents["person_id"], days, strict=True):
        times.setdefault(who, []).append(float(day))
    own = times.get(person, [])
    return {
        friend: [
            at - day for day in times.get(friend, []) if all(abs(mine - day) > 1 for mine in own)
        ]
        for friend in friends
    }


# --- exposure --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_exposure_is_that_of_plain_loops(seed: int) -> None:
    cohort = busy(seed)
    followed = follow(cohort)
    reports = exposure.reports_of_connections(cohort, followed, network.ties_before(cohort))
    kinds = {
        what: exposure.recent(reports, followed, 14, what=what)
        for what in ("any", "connections", "incidents")
    }
    later = exposure.recent(reports, followed, 28, 7)
    fading = exposure.decaying(reports, followed, 5.0, [3, 10, 28])
    before = exposure.earlier(reports, followed, 28)
    height = exposure.steps_of_decay(5.0, [3, 10, 28])
    seen = 0
    for at in np.arange(1.125, 200, 15.25):  # never the moment of a change
        for position, person in enumerate(followed.people):
            ago = counted(cohort, followed, person, at)
            near = {friend: [d for d in days if 1 < d <= 14] for friend, days in ago.items()}
            every = [d for days in ago.values() for d in days]
            want = {
                "any": any(near.values()),
                "connections": sum(bool(days) for days in near.values()),
                "incidents": sum(len(days) for days in near.values()),
            }
            for what, changes in kinds.items():
                assert value_at(changes, position, at) == want[what]
            assert value_at(later, position, at) == any(7 < d <= 28 for d in every)
            assert value_at(before, position, at) == sum(d > 28 for d in every)
            step = [height[np.searchsorted([3, 10, 28], d)] for d in every if 1 < d <= 28]
            assert value_at(fading, position, at) == pytest.approx(sum(step), abs=SAME)
            seen += want["incidents"]
    assert seen > 50


@pytest.mark.parametrize(
    ("own", "counts"),
    [
        ([], True),
        ([8.99], True),  # more than a day before
        ([9.0], False),
        ([10.5], False),  # they may have left together, at any later time too
        ([11.0], False),
        ([11.01], True),
    ],
)
def test_an_event_in_which_one_took_part_is_never_exposure(own: list[float], counts: bool) -> None:
    rows = [("b", START + pd.Timedelta(days=10))]
    rows += [("a", START + pd.Timedelta(days=day)) for day in own]
    ties = [("a", "b", "co_arrest", "2014-01-01")]
    cohort = known_cohort({"a": {}, "b": {}}, rows, (), ties)
    followed = follow(cohort)
    reports = exposure.reports_of_connections(cohort, followed, network.ties_before(cohort))
    recent = exposure.recent(reports, followed, 28)
    position = followed.people.get_loc("a")
    values = [value_at(recent, position, at) for at in (10.9, 11.02, 20, 38, 38.1)]
    assert values == [0, counts, counts, counts, 0]


def test_own_incidents_are_never_exposure() -> None:
    rows = [("a", START + pd.Timedelta(days=day)) for day in (5, 30, 60)]
    ties = [("a", "b", "co_arrest", "2014-01-01")]
    cohort = known_cohort({"a": {}, "b": {}}, rows, (), ties)
    pairs = pd.DataFrame({"person_a": ["a", "a", "b"], "person_b": ["a", "b", "a"]})
    followed = follow(cohort)
    reports = exposure.reports_of_connections(cohort, followed, pairs)
    assert set(followed.people[reports.ego]) == {"b"}
    assert len(reports.at) == 3  # the pair given twice is one


@pytest.mark.parametrize("wrong", [(14, 14), (14, 0.5), (0.5, 0.25)])
def test_exposure_that_overlaps_the_common_day_is_refused(wrong: tuple[float, float]) -> None:
    followed = follow(ODD["one component"])
    nobody = exposure.Reports(*[np.zeros(0, np.int64)] * 3, pd.Index([]))
    with pytest.raises(ValueError, match="it begins 1 day"):
        exposure.recent(nobody, followed, *wrong)


def test_an_unknown_way_of_counting_names_those_that_there_are() -> None:
    followed = follow(ODD["one component"])
    nobody = exposure.Reports(*[np.zeros(0, np.int64)] * 3, pd.Index([]))
    with pytest.raises(ValueError, match="any, connections, incidents"):
        exposure.recent(nobody, followed, 7, what="all")  # type: ignore[arg-type]


# --- errors among tied people ------------------------------------------------------------------


def linked_pairs(people: int, pairs: list[tuple[int, int]]) -> csr_array:
    dense = np.zeros((people, people))
    for a, b in pairs:
        dense[a, b] = dense[b, a] = 1.0
    return csr_array(dense)


@pytest.fixture(scope="module")
def small() -> peer_cox.PeerRows:
    cohort, _ = histories_with_ties(300, np.random.default_rng(3))
    return peer_cox.peer_rows(cohort, network.ties_before(cohort))


def test_errors_by_tie_are_the_double_sum_over_tied_people(small: peer_cox.PeerRows) -> None:
    rows, design = small.rows, small.adjusting[["age", "earlier_incidents"]]
    n = len(rows.followed.people)
    chain = [(k, k + 1) for k in range(n - 1)]
    found = tied_fit.fit_tied(rows, design, linked_pairs(n, chain))
    assert found.robust_to == tied_fit.BY_TIE
    era = rows.values["era"]
    cox = tied_fit.prepare(rows.stop, rows.event, design, start=rows.start, strata=era)
    fit = tied_fit.fit_rows(cox)
    moved = dfbeta(cox, fit, rows.person).reindex(range(n)).fillna(0).to_numpy()
    want = np.zeros((2, 2))
    for i in range(n):
        for j in (i - 1, i, i + 1):
            if 0 <= j < n:
                want += np.outer(moved[i], moved[j])
    np.testing.assert_allclose(found.by_tie, want, rtol=1e-7, atol=1e-14)
    se = np.sqrt(np.maximum(np.diag(found.by_person), np.diag(want)))
    np.testing.assert_allclose(found.fit.terms["se"], se, rtol=1e-7)
    difference, error = found.contrast("age", "earlier_incidents")
    w = np.array([1.0, -1.0])
    assert difference == pytest.approx(w @ found.coefficients)
    assert error == pytest.approx(np.sqrt(max(w @ want @ w, w @ found.by_person @ w)))


def test_many_components_are_clusters(small: peer_cox.PeerRows) -> None:
    rows, design = small.rows, small.adjusting[["age", "earlier_incidents"]]
    n = len(rows.followed.people)
    found = tied_fit.fit_tied(rows, design, linked_pairs(n, [(k, k + 1) for k in range(0, n, 2)]))
    assert found.robust_to == tied_fit.BY_COMPONENT
    want = fit_cox(
        rows.stop, rows.event, design, start=rows.start, strata=rows.values["era"],
        cluster=rows.person // 2,
    )  # fmt: skip
    np.testing.assert_allclose(found.by_tie, want.robust, rtol=1e-7)


def test_without_ties_errors_are_by_person(small: peer_cox.PeerRows) -> None:
    rows, design = small.rows, small.adjusting[["age", "earlier_incidents"]]
    n = len(rows.followed.people)
    found = tied_fit.fit_tied(rows, design, linked_pairs(n, []))
    assert found.robust_to == tied_fit.BY_PERSON
    np.testing.assert_array_equal(found.by_tie, found.by_person)


def test_homes_are_never_compared_with_each_other(small: peer_cox.PeerRows) -> None:
    rows, design = small.rows, small.adjusting[["age", "earlier_incidents"]]
    n = len(rows.followed.people)
    home = np.arange(n) % 5
    found = tied_fit.fit_tied(rows, design, linked_pairs(n, []), home)
    strata = [f"{h} {e}" for h, e in zip(home[rows.person], rows.values["era"], strict=True)]
    want = fit_cox(rows.stop, rows.event, design, start=rows.start, strata=strata)
    np.testing.assert_allclose(found.coefficients, want.coefficients, rtol=1e-7)


# --- rows and models ---------------------------------------------------------------------------


def test_joined_rows_say_the_same(small: peer_cox.PeerRows) -> None:
    design = pd.concat([small.exposures[[peer_cox.any_within(7)]], small.adjusting], axis=1)
    rows, fewer = small.rows.joined(design)
    assert len(rows.start) < 0.8 * len(small.rows.start)
    assert rows.event.sum() == small.rows.event.sum()
    time = [(r.stop - r.start).sum() for r in (rows, small.rows)]
    assert time[0] == pytest.approx(time[1])
    fits = [
        fit_cox(r.stop, r.event, d, start=r.start, strata=r.values["era"]).coefficients
        for r, d in ((rows, fewer), (small.rows, design))
    ]
    np.testing.assert_allclose(*fits, rtol=1e-6)


def test_nobody_is_at_risk_before_exposure_is_known(small: peer_cox.PeerRows) -> None:
    assert small.rows.start.min() == peer_cox.DAYS[-1]
    assert not small.exposures.isna().any().any()


def test_bands_and_windows_agree(small: peer_cox.PeerRows) -> None:
    x = small.exposures
    bands = [peer_cox.any_between(*b) for b in ((1, 7), (7, 14), (14, 28))]
    assert (x[bands].max(axis=1) == x[peer_cox.any_within(28)]).all()
    assert ((x[peer_cox.number_within(28)] > 0) == (x[peer_cox.any_within(28)] > 0)).all()
    assert (x[peer_cox.number_within(7)] <= x[peer_cox.number_within(28)]).all()


def test_an_exposure_rests_on_the_exposed(small: peer_cox.PeerRows) -> None:
    term = peer_cox.number_within(28)
    row = peer_cox.fit_exposure(small, [term]).fit.row(term)
    on = small.exposures[term] > 0
    assert row["people"] <= len(np.unique(small.rows.person[on]))
    assert row["events"] == len(np.unique(small.rows.person[on & small.rows.event]))


def with_events(cohort: Cohort) -> Cohort:
    """Violence on the days of the incidents, and an arrest of everybody."""
    rows = cohort.incidents
    events = pd.DataFrame(
        {
            "person_id": [*rows["person_id"], *cohort.persons["person_id"]],
            "event_type": ["violence"] * len(rows) + ["arrest"] * len(cohort.persons),
            "occurred_at": [
                *rows["reported_at"],
                *[pd.Timestamp("2016-02-03 04:05", tz="UTC")] * len(cohort.persons),
            ],
        }
    )
    return replace(cohort, events=conform(events, "events"))


@pytest.mark.parametrize("name", list(ODD))
@pytest.mark.parametrize("outcome", ["missing", "arrest"])
def test_odd_networks_get_a_reason(name: str, outcome: str) -> None:
    cohort = with_events(ODD[name])
    if outcome in outcomes.known_outcomes(cohort):
        cohort = outcomes.cohort_of(cohort, outcome)
    homes = placements.shared_homes(cohort)
    fits = peer_cox.models(cohort, network.ties_before(cohort), homes=homes)
    assert all(fit.problem for fit in fits.values())
    for fit in fits.values():
        assert fit.terms["estimate"].isna().all()
        assert fit.terms["reason"].str.len().gt(0).all()


def test_ten_ties_are_too_few() -> None:
    cohort = random_force(400, 1, level=0.5)
    fits = peer_cox.models(cohort, network.ties_before(cohort).iloc[:10])
    assert {fit.problem for fit in fits.values()} == {
        "too few people have an incident while exposed to one of a connection"
    }
    nobody = peer_cox.models(cohort, network.ties_before(cohort).iloc[:0])
    assert {fit.problem for fit in nobody.values()} == {
        "nobody is exposed to an incident of a connection"
    }


def test_everybody_in_one_home() -> None:
    """All tied to all: everybody is exposed alike, but for those whose incident it was."""
    cohort = random_force(40, 2, level=1.0)
    names = cohort.persons["person_id"].to_numpy(object)
    a, b = np.triu_indices(len(names), 1)
    pairs = pd.DataFrame({"person_a": names[a], "person_b": names[b]})
    fits = peer_cox.models(cohort, pairs, homes=pd.Series(0, index=names))
    for fit in fits.values():
        assert fit.problem or np.isfinite(fit.terms["se"].dropna()).all()


def test_within_homes_nobody_without_a_home_is_compared() -> None:
    cohort, _ = histories_with_ties(300, np.random.default_rng(5), influence=0.1)
    pairs, term = network.ties_before(cohort), peer_cox.any_within(28)
    names = cohort.persons["person_id"]
    made = peer_cox.peer_rows(cohort, pairs, days=[28])
    everybody = peer_cox.fit_exposure(made, [term]).fit.row(term)["estimate"]
    one_home = pd.Series(0, index=names)
    alone = peer_cox.fit_exposure(made, [term], homes=one_home).fit.row(term)["estimate"]
    assert alone == pytest.approx(everybody)
    half = one_home.iloc[::2]
    some = peer_cox.fit_exposure(made, [term], homes=half).fit.row(term)
    kept = made.rows.followed.people.isin(half.index)[made.rows.person]
    assert int(some["people"]) <= len(np.unique(made.rows.person[kept]))
    assert some["estimate"] != pytest.approx(everybody)
    assert peer_cox.fit_exposure(made, [term], homes=one_home.iloc[:0]).fit.problem


def test_the_order_of_ties_and_incidents_never_matters() -> None:
    cohort, _ = histories_with_ties(250, np.random.default_rng(5), influence=0.1)
    pairs = network.ties_before(cohort)
    term = [peer_cox.any_within(28)]
    one = peer_cox.fit_exposure(peer_cox.peer_rows(cohort, pairs), term).fit
    turned = pairs.rename(columns={"person_a": "person_b", "person_b": "person_a"})
    other = peer_cox.fit_exposure(peer_cox.peer_rows(cohort, turned.iloc[::-1]), term).fit
    pd.testing.assert_frame_equal(one.terms, other.terms, rtol=SAME)
    assert one.row(term[0])["events"] >= MIN_EVENTS


def test_influence_is_found_and_its_absence_is_not_taken_for_it() -> None:
    """Where one in five incidents draws connections along, the ratio is far above one."""
    ratio = {}
    for influence in (0.0, 0.2):
        cohort, _ = histories_with_ties(400, np.random.default_rng(11), influence=influence)
        made = peer_cox.peer_rows(cohort, network.ties_before(cohort))
        row = peer_cox.fit_exposure(made, [peer_cox.any_within(28)]).fit.row(
            peer_cox.any_within(28)
        )
        ratio[influence] = row["lower"], row["upper"]
    assert ratio[0.2][0] > 1.5
    assert ratio[0.0][0] < 1.2


# --- outcomes and homes ------------------------------------------------------------------------


def test_missing_is_the_cohort_itself() -> None:
    assert outcomes.cohort_of(ODD["one component"], "missing") is ODD["one component"]


def test_an_unknown_outcome_names_those_that_there_are() -> None:
    cohort = with_events(ODD["one component"])
    with pytest.raises(ValueError, match="there are missing, arrest, violence"):
        outcomes.cohort_of(cohort, "violance")


def test_events_are_of_the_population_of_that_day() -> None:
    people = {"a": {"birth_date": "1998-03-01"}, "b": {"birth_date": None}, "c": {}}
    rows = [
        ("a", "knife", "2016-02-29 23:59"),  # the last day of being a child
        ("a", "knife", "2016-03-01 00:00"),
        ("a", "knife", "2016-03-01 00:00"),  # the same once more
        ("b", "knife", "2016-05-05 10:00"),
        ("c", "other", "2016-05-05 10:00"),
        ("c", "knife", "2031-01-01 10:00"),  # after the study
        ("c", "knife", "2016-07-01 10:00"),
    ]
    events = conform(
        pd.DataFrame(rows, columns=["person_id", "event_type", "occurred_at"]), "events"
    )
    for population, whose in (
        ("children", ["a", "c"]),
        ("adults", ["a"]),
        ("all", ["a", "a", "b", "c"]),
    ):
        cohort = replace(known_cohort(people, population=population), events=events)
        found = outcomes.cohort_of(cohort, "knife")
        assert found.incidents["person_id"].tolist() == whose
        assert found.unknown_age["person_id"].tolist() == ["b"]
        assert list(found.incidents) == list(cohort.incidents)
        assert (found.incidents["ended_at"] == found.incidents["reported_at"]).all()
    assert follow(found).event.sum() == 4


def test_homes_are_components_of_ties_of_before() -> None:
    ties = [
        ("a", "b", "same_placement", "2014-01-01"),
        ("b", "c", "same_placement", "2014-01-01"),
        ("d", "e", "same_placement", "2016-01-01"),
        ("c", "d", "co_arrest", "2014-01-01"),
    ]
    homes = placements.shared_homes(known_cohort({k: {} for k in "abcde"}, (), (), ties))
    assert homes.to_dict() == {"a": 0, "b": 0, "c": 0}
