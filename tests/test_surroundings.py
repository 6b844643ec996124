"""What a tie is worth, who was missing before, who is watched, and what is left given them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from missing_lib.force.tables import conform
from missing_lib.study import adjustment, crowds, detection, nearness, network, surroundings
from missing_lib.study import frame as frames
from missing_lib.study.cohort import Cohort
from missing_lib.study.structure import SMALLEST_CLASS, degree_classes
from tests.made_networks import known_cohort, odd_cohorts, random_force

pytestmark = pytest.mark.filterwarnings("error")

ODD = odd_cohorts()


def clique(names: str, kind: str, day: str) -> list[tuple[str, ...]]:
    return [(a, b, kind, day) for a, b in combinations(names, 2)]


def people_of(ties: list[tuple[str, ...]]) -> dict[str, dict]:
    return {name: {} for tie in ties for name in tie[:2]}


# --- crowds ----------------------------------------------------------------------------------


def test_ties_of_a_crowd_count_in_part_and_others_in_full() -> None:
    crowd = clique("abcdefghijkl", "intelligence", "2014-03-01")
    few = clique("abm", "intelligence", "2014-03-02")
    ties = crowd + few + [("a", "c", "co_arrest", "2014-03-01")]
    cohort = known_cohort(people_of(ties), (), (), ties)
    table = crowds.weighted_ties(cohort).set_index(["person_a", "person_b"])["weight"]
    full = {("a", "b"), ("a", "m"), ("b", "m"), ("a", "c")}
    assert {pair for pair, weight in table.items() if weight == 1} == full
    assert table.drop(list(full)).to_numpy() == pytest.approx(1 / 11)
    assert list(table.index) == [tuple(p) for p in network.ties_before(cohort).to_numpy()]
    number = crowds.weighted_connections(table.reset_index())
    assert number["l"] == pytest.approx(1.0)  # one event is one connection at most
    assert number["a"] == pytest.approx(3 + 9 / 11)
    kept = crowds.weighted_ties(cohort, crowds="leave out")
    assert {tuple(p) for p in kept[["person_a", "person_b"]].to_numpy()} == full


@pytest.mark.parametrize(
    ("ties", "sizes"),
    [
        (clique("abcd", "x", "2014-01-01"), [4] * 6),
        (clique("ab", "x", "2014-01-01") * 2 + clique("cd", "x", "2014-01-01"), [2, 2, 2]),
        (clique("ab", "x", "2014-01-01") + clique("bc", "x", "2014-01-01"), [2, 2]),
        (clique("abc", "x", "2014-01-01") + clique("cd", "x", "2014-01-01"), [3, 3, 3, 2]),
        (clique("ab", "x", "2014-01-01") + clique("bc", "y", "2014-01-01"), [2, 2]),
        (clique("abc", "x", "2014-01-01")[:2] + clique("bc", "x", "2014-01-02"), [2, 2, 2]),
        ([], []),
    ],
    ids=["one", "twice", "a chain", "one more", "two types", "two days", "none"],
)
def test_a_group_is_the_two_and_whoever_is_tied_to_both_on_one_day_by_one_type(
    ties: list[tuple[str, ...]], sizes: list[int]
) -> None:
    records = network.records_before(known_cohort(people_of(ties), (), (), ties))
    first, second, _ = network.numbered(records)
    assert crowds.group_sizes(records, first, second).tolist() == sizes


def test_a_day_on_which_all_records_were_entered_makes_no_crowd() -> None:
    cohort = random_force(600, 5, ties_each=6.0)
    assert cohort.ties["first_seen"].nunique() == 1
    assert (crowds.weighted_ties(cohort)["weight"] == 1).all()


def test_the_size_from_which_on_an_event_is_a_crowd_is_a_choice() -> None:
    ties = clique("abcd", "intelligence", "2014-03-01")
    cohort = known_cohort(people_of(ties), (), (), ties)
    assert (crowds.weighted_ties(cohort)["weight"] == 1).all()
    assert crowds.weighted_ties(cohort, largest=3)["weight"].to_numpy() == pytest.approx(1 / 3)
    assert (crowds.weighted_ties(cohort, largest=4)["weight"] == 1).all()
    with pytest.raises(ValueError, match="share, leave out"):
        crowds.weighted_ties(cohort, crowds="halve")


def test_types_of_ties_can_be_chosen() -> None:
    ties = [
        ("a", "b", "co_arrest", "2014-01-01"),
        ("b", "c", "same_school", "2014-01-01", "education"),
        ("c", "d", "missing_together", "2014-01-01"),
        ("d", "e", "co_arrest", "2015-01-01"),
    ]
    cohort = known_cohort(people_of(ties), (), (), ties)

    def found(**choice: object) -> list[str]:
        return ["".join(p) for p in network.ties_before(cohort, **choice).to_numpy()]  # type: ignore[arg-type]

    assert found() == ["ab", "bc"]
    assert found(only=("same_school",)) == ["bc"]
    assert found(only=("same_school",), agency="police") == []
    assert found(leave_out=()) == ["ab", "bc", "cd"]
    assert found(leave_out=("co_arrest", "missing_together")) == ["bc"]
    assert found(only=("missing_together",)) == []


def test_classes_of_connections_hold_enough_people_each() -> None:
    rng = np.random.default_rng(3)
    for mean in (0.1, 1.0, 4.0, 15.0):
        number = rng.poisson(rng.gamma(1.0, mean, 200))
        table = degree_classes(number)
        assert table["share"].sum() == pytest.approx(1.0)
        if (number > 0).sum() >= 2 * SMALLEST_CLASS and len(table) > 1:
            held = np.round(table["share"] * (number > 0).sum())
            assert (held >= SMALLEST_CLASS).all()
    assert degree_classes([0, 0])["share"].isna().all()


# --- detection -------------------------------------------------------------------------------


def watched(
    events: list[tuple[str, str, str]], markers: list[tuple], known: dict[str, str]
) -> pd.Series:
    cohort = known_cohort({name: {"known_first_by": by} for name, by in known.items()}, (), markers)
    rows = pd.DataFrame(events, columns=["person_id", "event_type", "occurred_at"])
    rows["occurred_at"] = pd.to_datetime(rows["occurred_at"], utc=True)
    agency = {"arrest": "police", "self_harm": "health", "seen": "police"}
    marks = cohort.markers
    marks = marks.assign(agency=marks["marker"].map(agency).astype(marks["agency"].dtype))
    cohort = replace(cohort, events=conform(rows, "events"), markers=marks)
    return detection.police_contacts(cohort)


def test_contacts_are_counted_by_hand() -> None:
    events = [
        ("a", "violence_victim", "2014-05-01T10:00Z"),
        ("a", "violence_victim", "2014-06-01T10:00Z"),
        ("a", "arrest", "2014-06-01T10:00Z"),
        ("b", "arrest", "2014-06-01T10:00Z"),
        ("b", "arrest", "2014-07-01T10:00Z"),
        ("c", "violence_victim", "2015-01-01T00:00Z"),  # on the landmark
    ]
    markers = [
        ("a", "arrest", "2014-06-01", None),  # the event again, and the marker itself
        ("b", "arrest", "2014-06-01", None),
        ("d", "self_harm", "2014-01-01", None),  # not the police
    ]
    by = dict.fromkeys("abcd", "health:appointment") | {
        "e": "police:witness",
        "f": "police:missing_report",
        "g": None,
    }
    assert watched(events, markers, by).to_dict() == {"a": 2, "b": 1, "e": 1}


def test_without_events_and_markers_nobody_is_watched() -> None:
    assert watched([], [], dict.fromkeys("ab", "health:appointment")).empty
    assert watched([], [], {}).empty


# --- those missing before --------------------------------------------------------------------


def with_history(people: int = 900, seed: int = 4) -> tuple[Cohort, pd.DataFrame]:
    """A random force, and incidents of every fourth person a year before the study."""
    cohort = random_force(people, seed, ties_each=4.0)
    names = cohort.persons["person_id"].iloc[::4]
    before = pd.DataFrame(
        {
            "incident_id": [f"b{k}" for k in range(len(names))],
            "person_id": names.to_numpy(),
            "reported_at": pd.Timestamp("2014-02-01", tz="UTC"),
        }
    )
    return cohort, pd.concat([cohort.incidents, conform(before, "incidents")], ignore_index=True)


def place_of(cohort: Cohort, incidents: pd.DataFrame) -> pd.DataFrame:
    frame = frames.known_before(cohort)
    pairs = network.ties_before(cohort)
    graph = nearness.graph(pairs, frame.people["person_id"])
    missing = graph.names.isin(cohort.counts.index)
    return surroundings.about(
        frame,
        graph,
        crowds.weighted_connections(crowds.weighted_ties(cohort)),
        surroundings.reported_before(incidents, cohort),
        nearness.nearest_other(graph, missing),
        nearness.harmonic_closeness(graph, missing),
    )


def test_connections_missing_before_are_those_of_plain_loops() -> None:
    cohort, incidents = with_history(200)
    table = place_of(cohort, incidents).set_index("person_id")
    early = set(incidents.loc[incidents["reported_at"].dt.year < 2015, "person_id"])
    friends: dict[str, set[str]] = {}
    for a, b in network.ties_before(cohort).to_numpy():
        friends.setdefault(a, set()).add(b)
        friends.setdefault(b, set()).add(a)
    for person, row in table.iterrows():
        mine = friends.get(person, set())
        assert row["connections"] == len(mine)
        assert row["weighted"] == len(mine)  # there is no crowd
        assert row["missing_before"] == len(mine & early)
        share = len(mine & early) / len(mine) if mine else np.nan
        assert row["share_before"] == pytest.approx(share, nan_ok=True)
        assert row["own_before"] == (person in early)


def test_nothing_after_the_landmark_enters() -> None:
    cohort, incidents = with_history(200)
    later = incidents.assign(
        reported_at=incidents["reported_at"].where(
            incidents["reported_at"] < pd.Timestamp("2015-01-01", tz="UTC"),
            pd.Timestamp("2015-01-01", tz="UTC"),
        )
    )
    columns = ["connections", "weighted", "missing_before", "share_before", "own_before"]
    changed = place_of(cohort, later)[columns]
    pd.testing.assert_frame_equal(place_of(cohort, incidents)[columns], changed)
    nobody = incidents[incidents["reported_at"] >= pd.Timestamp("2015-01-01", tz="UTC")]
    assert (place_of(cohort, nobody)["missing_before"] == 0).all()


def test_means_are_hidden_by_those_for_whom_they_are_not_nought() -> None:
    cohort, incidents = with_history()
    frame = frames.known_before(cohort)
    table = place_of(cohort, incidents)
    shown = surroundings.compared(table, frame.people["ever"]).set_index("measure")
    tied = table["connections"] > 0
    ever = frame.people["ever"]
    row = shown.loc[surroundings.MEASURES["missing_before"]]
    assert row["ever"] == pytest.approx(table.loc[ever & tied, "missing_before"].mean())
    assert row["never"] == pytest.approx(table.loc[~ever & tied, "missing_before"].mean())
    some = table["missing_before"] > 0
    assert row["people"] == min((ever & some).sum(), (~ever & some).sum())
    nobody = place_of(cohort, cohort.incidents)
    shown = surroundings.compared(nobody, ever).set_index("measure")
    assert shown.loc[surroundings.MEASURES["missing_before"], "people"] == 0


def test_the_model_of_earlier_incidents_recovers_what_was_put_in() -> None:
    cohort, incidents = with_history(4000, 8)
    frame = frames.known_before(cohort)
    table = place_of(cohort, incidents)
    degree = network.connections(network.ties_before(cohort))
    rng = np.random.default_rng(8)
    eta = -1.5 + 0.8 * np.log2(1 + table["missing_before"]) + 0.5 * table["own_before"]
    ever = rng.random(len(table)) < 1 / (1 + np.exp(-eta))
    frame = replace(frame, people=frame.people.assign(ever=ever.to_numpy()))
    fit = surroundings.earlier_model(frame, degree, table)
    for term, truth in (("connections_before", 0.8), ("own_before", 0.5), ("connections", 0.0)):
        row = fit.row(term)
        assert abs(row["coefficient"] - truth) < 4 * row["se"]
    assert fit.row("connections_before")["se"] < 0.1
    said = surroundings.describe_before(1000, 10, fit)
    assert "{ratio}" in said
    assert "fewer than {enough}" in surroundings.describe_before(9, 10, fit)


def test_without_earlier_incidents_the_model_says_so() -> None:
    cohort, _ = with_history()
    frame = frames.known_before(cohort)
    degree = network.connections(network.ties_before(cohort))
    fit = surroundings.earlier_model(frame, degree, place_of(cohort, cohort.incidents))
    assert fit.row("connections_before")["reason"]
    assert np.isnan(fit.row("connections_before")["estimate"])
    assert "no estimate" in surroundings.describe_before(50, 10, fit)


# --- given placement and detection -----------------------------------------------------------


def test_what_a_shared_home_and_attention_explain_goes_where_they_are_held_still() -> None:
    """Whoever is watched has more ties and is reported more; ties themselves do nothing."""
    people, rng = 3000, np.random.default_rng(11)
    cohort = random_force(people, 11, {}, ties_each=0.0)
    names = cohort.persons["person_id"].to_numpy()
    often = rng.poisson(rng.gamma(0.7, 2.0, people))
    stubs = np.repeat(np.arange(people), 1 + often)
    rng.shuffle(stubs)
    pairs = np.sort(stubs[: len(stubs) // 2 * 2].reshape(-1, 2), axis=1)
    ties = pd.DataFrame(
        {
            "person_a": names[pairs[:, 0]], "person_b": names[pairs[:, 1]],
            "tie_type": "same_school", "first_seen": pd.Timestamp("2014-01-01"), "agency": "police",
        }
    )  # fmt: skip
    seen = pd.DataFrame(
        {
            "person_id": np.repeat(names, often), "event_type": "violence_victim",
            "occurred_at": pd.Timestamp("2014-01-01", tz="UTC"),
        }
    )  # fmt: skip
    cohort = replace(cohort, ties=conform(ties, "ties"), events=conform(seen, "events"))
    frame = frames.known_before(cohort)
    level = 0.8 * np.log2(1 + pd.Series(often, index=names)[frame.people["person_id"]].to_numpy())
    ever = rng.random(len(level)) < 1 / (1 + np.exp(2.0 - level))
    counted = rng.poisson(np.exp(level - 1.0))
    frame = replace(frame, people=frame.people.assign(ever=ever, incidents=counted))
    degree = network.connections(network.ties_before(cohort))
    for fits in (
        adjustment.ever_by_connections(cohort, frame, degree),
        adjustment.number_by_connections(cohort, frame, degree),
    ):
        crude = fits[adjustment.AGE_ALONE].row("connections")
        row = fits[adjustment.EVERYTHING].row("connections")
        assert crude["lower"] > 1.2
        assert abs(row["coefficient"]) < 4 * row["se"]
        contacts = fits[adjustment.EVERYTHING].row("contacts")
        assert abs(contacts["coefficient"] - 0.8) < 4 * contacts["se"]
        gaps = adjustment.describe_gaps(fits[adjustment.EVERYTHING])
        assert gaps == (
            "Not estimated beside the others: a placement shared with others (the same for "
            "everybody)."
        )


def test_the_middle_model_is_that_of_the_family() -> None:
    cohort = random_force(900, 3)
    frame = frames.known_before(cohort)
    degree = network.connections(network.ties_before(cohort))
    fits = adjustment.ever_by_connections(cohort, frame, degree)
    primary = network.degree_model(frame, degree)
    pd.testing.assert_frame_equal(fits[adjustment.MARKERS].terms, primary.terms)
    assert list(fits) == [adjustment.AGE_ALONE, adjustment.MARKERS, adjustment.EVERYTHING]


def test_kinds_of_ties_differ_only_where_there_are_such_ties() -> None:
    cohort = random_force(900, 3)
    spread = pd.to_datetime("2013-01-01") + pd.to_timedelta(np.arange(len(cohort.ties)) % 300, "D")
    cohort = replace(cohort, ties=cohort.ties.assign(first_seen=spread))
    frame = frames.known_before(cohort)
    primary = network.degree_model(frame, network.connections(network.ties_before(cohort)))
    fits = adjustment.by_kind_of_tie(cohort, frame)
    assert len(fits) == 4
    for fit in fits.values():
        pd.testing.assert_frame_equal(fit.terms, primary.terms)
    placed = cohort.ties.assign(tie_type="same_placement", agency="social_care")
    fits = adjustment.by_kind_of_tie(replace(cohort, ties=placed), frame)
    reasons = [fit.row("connections")["reason"] for fit in fits.values()]
    assert [bool(reason) for reason in reasons] == [True, True, False, False]


@pytest.mark.parametrize("name", ODD)
def test_odd_cohorts_have_reasons_and_no_errors(name: str) -> None:
    cohort = ODD[name]
    frame = frames.known_before(cohort)
    degree = network.connections(network.ties_before(cohort))
    fits = {
        **adjustment.ever_by_connections(cohort, frame, degree),
        **adjustment.by_kind_of_tie(cohort, frame),
    }
    for fit in [*fits.values(), *adjustment.number_by_connections(cohort, frame, degree).values()]:
        row = fit.row("connections")
        assert np.isnan(row["estimate"]) == bool(row["reason"])
    assert adjustment.describe_gaps(fits[adjustment.EVERYTHING])
    table = place_of(cohort, cohort.incidents)
    assert len(table) == len(frame.people)
    shown = surroundings.compared(table, frame.people["ever"])
    assert len(shown) == len(surroundings.MEASURES)
    fit = surroundings.earlier_model(frame, degree, table)
    assert surroundings.describe_before(0, 10, fit)


def test_going_missing_is_no_contact_other_than_going_missing() -> None:
    events = [("a", "missing", "2014-03-01"), ("b", "seen", "2014-03-01")]
    found = watched(events, [], {"a": "health:visit", "b": "health:visit"})
    assert found.to_dict() == {"b": 1}
