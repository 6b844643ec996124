"""Counting-process rows: against loops over small cohorts, and no incident or day lost."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_lib.force.tables import conform
from missing_lib.study import counting, time_varying
from missing_lib.study.cohort import ERA_CHANGE, Cohort, at_risk_windows
from missing_lib.study.counting import follow, rows_at_risk
from missing_lib.study.durations import time_missing
from missing_lib.study.repeats import ever_at_risk, gaps
from tests.made_cohorts import START, make_cohort, random_cohort

#: Sums of thousands of times in days, kept as whole milliseconds.
CLOSE = 1e-9
#: A millisecond, to which recorded instants are cut, in days.
TICK = 1.5 / counting.DAY
BOUNDS = (14.0, 28.0)
MIDNIGHT = pd.Timestamp(START, tz="Europe/London")

# Few moments on few days, so that everything that can coincide does: the first and the last
# moment of a window, reports at one moment, returns at the next report, overlaps.
moments = st.sampled_from([0.0, 0.5, 1.0, 1.25, 13.5, 14.0, 15.0, 400.0, 1095.5])
spells = st.lists(
    st.tuples(st.sampled_from("ab"), moments, st.sampled_from([None, 0.0, 0.5, 1.0, 13.0, 2000.0])),
    max_size=7,
)
STEADY = settings(deadline=None, derandomize=True, max_examples=20)


def cohort_of(rows: list, **more: object) -> Cohort:
    """Incidents given as person, days since the study began, and days away."""
    at = [MIDNIGHT + pd.Timedelta(days=day) for _, day, _ in rows]
    hours = [None if away is None else 24 * away for _, _, away in rows]
    pairs = [(who, when.tz_convert("UTC")) for (who, _, _), when in zip(rows, at, strict=True)]
    return make_cohort(pairs, hours=hours, births={"a": "2006-03-01", "b": "2000-06-15"}, **more)


def with_markers(cohort: Cohort, rows: list[tuple[str, str, str, str | None]]) -> Cohort:
    names = ["person_id", "marker", "known_from", "known_to"]
    return replace(cohort, markers=conform(pd.DataFrame(rows, columns=names), "markers"))


def everything(cohort: Cohort, bounds: tuple[float, ...] = BOUNDS) -> counting.CountingRows:
    followed = follow(cohort)
    quantities = {
        "era": time_varying.era(followed),
        "age": time_varying.completed_years(cohort, followed),
        "mark": time_varying.recorded(cohort, followed, "self_harm"),
        "care": time_varying.in_force(cohort, followed, "local_authority_care"),
    }
    return rows_at_risk(followed, quantities, after_return=bounds)


def instant(day: pd.Timestamp) -> float:
    """Elapsed days from the first midnight of the study to that of a day."""
    return (pd.Timestamp(day).tz_localize("Europe/London") - MIDNIGHT) / pd.Timedelta(days=1)


# --- against loops -----------------------------------------------------------------------------


def by_loops(cohort: Cohort) -> pd.DataFrame:
    """The same rows, person by person and piece by piece, without ties or overlaps."""
    out = []
    for window in at_risk_windows(cohort).itertuples():
        mine = cohort.incidents[cohort.incidents["person_id"] == window.person_id]
        opens = instant(window.at_risk_from)
        closes = instant(window.at_risk_to + pd.Timedelta(days=1))
        days = pd.Timedelta(days=1)
        since = opens
        for order, row in enumerate([*mine.itertuples(), None]):
            stop = closes if row is None else (row.reported_at - MIDNIGHT) / days
            out += pieces(cohort, window.person_id, since, stop, order, row is not None)
            if row is not None:
                since = stop if pd.isna(row.ended_at) else (row.ended_at - MIDNIGHT) / days
                since = min(since, closes)
    return pd.DataFrame(out)


def pieces(
    cohort: Cohort, person: str, start: float, stop: float, order: int, event: bool
) -> list[dict]:
    birth = cohort.persons.set_index("person_id").loc[person, "birth_date"]
    marks = cohort.markers[cohort.markers["person_id"] == person]
    lag, day = pd.Timedelta(days=28), pd.Timedelta(days=1)
    days = marks.loc[marks["marker"] == "self_harm", "known_from"]
    first = [instant(d + lag) for d in days[days == days.min()]]
    spell = [
        (instant(m.known_from + lag), instant(m.known_to + day))
        for m in marks[marks["marker"] == "local_authority_care"].itertuples()
    ]
    turned = [instant(birth + pd.DateOffset(years=k)) for k in range(25)]
    cuts = [instant(ERA_CHANGE), *turned, *first, *(t for pair in spell for t in pair)]
    cuts += [start + 14, start + 28] if order else []
    inner = sorted(t for t in cuts if start + TICK < t < stop - TICK)
    edges = [start, *(t for k, t in enumerate(inner) if k == 0 or t > inner[k - 1] + TICK), stop]
    return [
        {
            "person": person,
            "start": a,
            "stop": b,
            "event": event and b == stop,
            "order": order,
            "era": float(a >= instant(ERA_CHANGE)),
            "age": float(sum(t <= a for t in turned) - 1),
            "mark": float(any(t <= a for t in first)),
            "care": float(sum(t <= a < u for t, u in spell)),
            "recent": float(order > 0 and a - start < 14 - TICK),
        }
        for a, b in pairwise(edges)
    ]


def test_rows_are_those_of_loops() -> None:
    cohort = with_markers(
        random_cohort(40, seed=3, clustered=True),
        [
            ("p0001", "self_harm", "2015-10-20", None),
            ("p0002", "self_harm", "2014-01-01", None),
            ("p0002", "self_harm", "2016-01-01", None),
            ("p0003", "local_authority_care", "2015-06-01", "2016-03-03"),
            ("p0003", "local_authority_care", "2016-01-01", "2016-12-31"),
        ],
    )
    rows, want = everything(cohort), by_loops(cohort)
    assert len(rows.start) == len(want) > 300
    np.testing.assert_array_equal(rows.followed.people[rows.person], want["person"])
    np.testing.assert_allclose(rows.start, want["start"], rtol=0, atol=TICK)
    np.testing.assert_allclose(rows.stop, want["stop"], rtol=0, atol=TICK)
    np.testing.assert_array_equal(rows.event, want["event"])
    np.testing.assert_array_equal(rows.order, want["order"])
    for name in ("era", "age", "mark", "care"):
        np.testing.assert_array_equal(rows.values[name], want[name])
    recent = time_varying.own_history(rows, BOUNDS)["returned_in_the_past_14_days"]
    np.testing.assert_array_equal(recent, want["recent"])


# --- nothing is lost ---------------------------------------------------------------------------


@STEADY
@given(spells)
def test_no_incident_and_no_day_is_lost(rows: list) -> None:
    cohort = cohort_of(rows, others=1)
    made = everything(cohort)
    followed = made.followed
    assert made.event.sum() + len(followed.left_out) == len(cohort.incidents)
    assert (made.stop > made.start).all()
    window = (followed.closes - followed.opens).sum() / counting.DAY
    assert (made.stop - made.start).sum() + followed.days_away == pytest.approx(window, rel=CLOSE)
    # Rows of one person follow one another and stay inside the window.
    same = np.diff(made.person) == 0
    assert (made.start[1:][same] >= made.stop[:-1][same]).all()
    assert (made.start >= followed.opens[made.person] / counting.DAY).all()
    assert (made.stop <= followed.closes[made.person] / counting.DAY).all()


@settings(STEADY, max_examples=8)
@given(spells, st.randoms(use_true_random=False))
def test_the_order_of_the_extract_never_matters(rows: list, random: object) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    one, other = (everything(cohort_of(some, others=1)) for some in (rows, mixed))
    for name in ("start", "stop", "event", "order"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_whole_force_keeps_every_incident(children: Cohort) -> None:
    followed = follow(children)
    assert int(followed.event.sum()) == len(children.incidents)
    assert followed.left_out.empty
    at_risk = (followed.stop - followed.start).sum() / counting.DAY
    days = at_risk_windows(children)["days"].sum()
    # Windows that begin in summer and end in winter are an hour longer than their days.
    assert abs(at_risk + followed.days_away - days) <= len(followed.people) / 24


@pytest.fixture(scope="module")
def children(thames_valley, thames_valley_intake) -> Cohort:
    from missing_lib.study.cohort import select

    return select(thames_valley_intake.tables, thames_valley, "children")


# --- what a clock cannot tell ------------------------------------------------------------------

REPORTS = {
    "two at one moment": ([("a", 5, None), ("a", 5, None)], [5, 5.25]),
    "three at one moment": ([("a", 5, None)] * 3, [5, 5 + 1 / 6, 5 + 1 / 3]),
    "two at one moment and soon another": (
        [("a", 5, None), ("a", 5, None), ("a", 5.2, None)],
        [5, 5.1, 5.2],
    ),
    "at the moment the window opens": ([("a", 0, None)], [0.25]),
    "twice at the moment the window opens": ([("a", 0, None)] * 2, [1 / 6, 1 / 3]),
    "shortly before the window closes": ([("a", 1095.9, None)] * 2, [1095.9, 1095.95]),
    "all others stay": ([("a", 5, 0.1), ("a", 5.2, 3), ("a", 20, None)], [5, 5.2, 20]),
}


@pytest.mark.parametrize("name", REPORTS)
def test_reports_at_one_moment_are_spread_over_half_a_day(name: str) -> None:
    rows, expected = REPORTS[name]
    followed = follow(cohort_of(rows), ["a"])
    np.testing.assert_allclose(
        followed.stop[followed.event] / counting.DAY, expected, rtol=0, atol=TICK
    )
    assert list(followed.order[followed.event]) == list(range(len(expected)))


RETURNS = {
    "the recorded end": ([("a", 5, 2), ("a", 20, None)], 7),
    "no end": ([("a", 5, None), ("a", 20, None)], 5),
    "an end after the next report": ([("a", 5, 16), ("a", 20, None)], 5),
    "an end at the next report": ([("a", 5, 15), ("a", 20, None)], 19.5),
    "an end at a next report close by": ([("a", 5, 0.5), ("a", 5.5, None)], 5.25),
}


@pytest.mark.parametrize("name", RETURNS)
def test_a_person_is_at_risk_again_from(name: str) -> None:
    rows, back = RETURNS[name]
    followed = follow(cohort_of(rows), ["a"])
    assert followed.start[followed.order == 1] / counting.DAY == pytest.approx([back], abs=TICK)
    assert int(followed.event.sum()) == 2


@pytest.mark.parametrize(("day", "goes_on"), [(1096 - 27.5, True), (1096 - 28.5, False)])
def test_an_incident_without_an_end_goes_on_only_if_it_is_recent(day: float, goes_on: bool) -> None:
    # 1,096 days of study; one rule for time at risk, gaps and time missing.
    cohort = cohort_of([("a", 5, None), ("a", day, None)])
    followed, spells = follow(cohort, ["a"]), gaps(cohort)
    back = [5.0] if goes_on else [5.0, day]
    assert list(followed.start[followed.order > 0] / counting.DAY) == pytest.approx(back, abs=TICK)
    assert spells["gap_days"].iloc[1] == pytest.approx(0 if goes_on else 1096 - day, abs=TICK)
    assert spells["away_days"].iloc[1] == pytest.approx(1096 - day if goes_on else 0, abs=TICK)
    assert len(time_missing(cohort).still_open) == int(goes_on)
    assert len(ever_at_risk(spells)) == (1 if goes_on else 2)


def test_equal_gaps_are_ties_whenever_they_began() -> None:
    rows = [("a", 0.1 + 0.3 * k, 0.1) for k in range(300)]
    made = rows_at_risk(follow(cohort_of(rows), ["a"]), {}, after_return=[0.05])
    milliseconds = np.round(made.until * counting.DAY)
    assert len(np.unique(made.until)) == len(np.unique(milliseconds)) < 10
    same = made.interval[1:] == made.interval[:-1]
    assert same.sum() == 300
    np.testing.assert_array_equal(made.until[:-1][same], made.since[1:][same])


def test_who_never_comes_back_is_not_at_risk_any_more() -> None:
    followed = follow(cohort_of([("a", 5, 5000)]), ["a"])
    assert list(followed.event) == [True]
    assert followed.days_away == pytest.approx(1096 - 5, abs=TICK)


LEFT_OUT = {
    "after the window": (
        {"rows": [("a", 5, None), ("a", 900, None)], "observed_to": {"a": "2015-12-31"}},
        0,
        {counting.OUTSIDE: 1},
    ),
    "an incident in the wash-out": (
        {"rows": [("a", 5, None), ("a", 900, None), ("b", 900, None)]},
        365,
        {counting.WASHED_OUT: 2},
    ),
    "the first day after the wash-out": ({"rows": [("a", 365, None)]}, 365, {}),
    "a window shorter than the wash-out": (
        {"rows": [("a", 5, None)], "observed_to": {"a": "2015-06-30"}},
        365,
        {counting.WASHED_OUT: 1},
    ),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_incidents_are_left_out_with_a_reason(name: str) -> None:
    given_, wash_out, reasons = LEFT_OUT[name]
    cohort = cohort_of(given_["rows"], observed_to=given_.get("observed_to"))
    followed = follow(cohort, wash_out=wash_out)
    assert followed.left_out["reason"].value_counts().to_dict() == reasons
    assert followed.event.sum() + len(followed.left_out) == len(cohort.incidents)
    assert (followed.order[followed.event] == 0).any() or not followed.event.any()


def test_people_without_a_window_are_named() -> None:
    cohort = cohort_of([("a", 5, None)])
    nobody = replace(cohort, persons=cohort.persons.iloc[:0])
    assert list(follow(nobody).left_out["reason"]) == [counting.NO_WINDOW]
    assert len(everything(nobody).start) == 0


# --- covariates act on the right day -----------------------------------------------------------


@pytest.mark.parametrize(("lag", "known_from"), [(28, "2015-04-10"), (0, "2015-05-08")])
def test_a_marker_counts_from_the_lag_after_its_day(lag: int, known_from: str) -> None:
    cohort = with_markers(cohort_of([("a", 300, None)]), [("a", "self_harm", known_from, None)])
    followed = follow(cohort, ["a"])
    changes = time_varying.recorded(cohort, followed, "self_harm", lag=lag)
    rows = rows_at_risk(followed, {"mark": changes})
    begins = rows.start[(rows.values["mark"] == 1).to_numpy()].min()
    assert begins == pytest.approx(instant(pd.Timestamp("2015-05-08")), abs=TICK)
    before = rows.start < begins
    assert (rows.values["mark"][before] == 0).all()
    assert rows.stop[before].max() == begins


def test_a_marker_dated_after_an_episode_never_acts_before_it() -> None:
    cohort = random_cohort(60, seed=5)
    first = cohort.incidents[cohort.incidents["order"] == 1]
    after = [(r.person_id, "self_harm", r.reported_on, None) for r in first.itertuples()]
    cohort = with_markers(cohort, after)
    followed = follow(cohort)
    changes = time_varying.recorded(cohort, followed, "self_harm")
    rows = rows_at_risk(followed, {"mark": changes})
    marked = rows.values["mark"].to_numpy() == 1
    assert marked.any()
    assert (rows.order[marked] > 0).all()
    reported = {r.person_id: instant(r.reported_on) for r in first.itertuples()}
    when = np.array([reported[p] for p in followed.people[rows.person[marked]]])
    # 28 local days are an hour more or less where the clocks change in between.
    assert (rows.start[marked] - when >= 28 - 1 / 24 - TICK).all()
    never = time_varying.recorded(cohort, followed, "self_harm", before_first=True)
    assert len(never.at) == 0


def test_only_what_was_recorded_before_the_day_of_the_first_incident() -> None:
    cohort = with_markers(
        cohort_of([("a", 10.5, None), ("b", 10.5, None)], others=1),
        [
            ("a", "self_harm", "2015-01-10", None),
            ("b", "self_harm", "2015-01-11", None),
            ("other0", "self_harm", "2016-01-11", None),
        ],
    )
    followed = follow(cohort)
    changes = time_varying.recorded(cohort, followed, "self_harm", before_first=True)
    assert sorted(followed.people[changes.person]) == ["a", "other0"]


def test_a_spell_counts_through_its_last_day_and_never_if_shorter_than_the_lag() -> None:
    cohort = with_markers(
        cohort_of([("a", 10, None)]),
        [
            ("a", "local_authority_care", "2015-02-01", "2015-04-30"),
            ("a", "local_authority_care", "2016-02-01", "2016-02-20"),
        ],
    )
    followed = follow(cohort, ["a"])
    rows = rows_at_risk(
        followed, {"care": time_varying.in_force(cohort, followed, "local_authority_care")}
    )
    held = (rows.values["care"] > 0).to_numpy()
    assert rows.start[held].min() == pytest.approx(instant(pd.Timestamp("2015-03-01")), abs=TICK)
    assert rows.stop[held].max() == pytest.approx(instant(pd.Timestamp("2015-05-01")), abs=TICK)
    assert (rows.values["care"] >= 0).all()


def test_age_changes_on_the_birthday_and_is_missing_without_one() -> None:
    cohort = cohort_of([("a", 10, None)], others=1)
    persons = cohort.persons.copy()
    persons.loc[persons["person_id"] == "other0", "birth_date"] = pd.NaT
    cohort = replace(cohort, persons=persons, population="all")
    followed = follow(cohort)
    rows = rows_at_risk(followed, {"age": time_varying.completed_years(cohort, followed)})
    mine = followed.people[rows.person] == "a"
    ages = rows.values["age"].to_numpy()
    changes = rows.start[mine][np.append(True, np.diff(ages[mine]) != 0)]
    birthdays = [instant(pd.Timestamp(f"{y}-03-01")) for y in (2015, 2016, 2017)]
    np.testing.assert_allclose(changes, [0, *birthdays], rtol=0, atol=TICK)
    assert sorted(set(ages[mine])) == [8, 9, 10, 11]
    assert np.isnan(ages[~mine]).all()


def test_born_on_29_february_turns_a_year_older_on_1_march() -> None:
    cohort = cohort_of([("a", 10, None)])
    cohort = replace(cohort, persons=cohort.persons.assign(birth_date=pd.Timestamp("2004-02-29")))
    followed = follow(cohort, ["a"])
    rows = rows_at_risk(followed, {"age": time_varying.completed_years(cohort, followed)})
    born = [pd.Timestamp(d) for d in ("2015-03-01", "2016-02-29", "2017-03-01")]
    cuts = [t for t in np.unique(rows.start) if t not in (0.0, 10.0)]
    np.testing.assert_allclose(cuts, [instant(d) for d in born], rtol=0, atol=TICK)


def test_own_history_counts_doublings_and_days_since_the_return() -> None:
    rows = everything(cohort_of([("a", 100, 2), ("a", 110, 1), ("a", 300, 1)]))
    own = rows.only(rows.followed.people[rows.person] == "a")
    told = time_varying.own_history(own, BOUNDS)

    def at(day: float) -> list[float]:
        (row,) = np.flatnonzero((own.start < day) & (day <= own.stop))
        return told.iloc[row].round(6).tolist()

    assert at(50) == [0, 0, 0]
    assert at(105) == [1, 1, 0]
    assert at(111 + 14) == [1.584963, 1, 0]
    assert at(111 + 14.01) == [1.584963, 0, 1]
    assert at(111 + 28.01) == [1.584963, 0, 0]
    assert at(302) == [2, 1, 0]
