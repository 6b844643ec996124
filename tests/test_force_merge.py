"""Merging of incidents: the bounds of the gap, open incidents, chains, one-by-one reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_lib.force.merge import merge_incidents, merge_near, near_duplicates
from tests.test_force_rules import incident, rows

ZONE = "Europe/London"


def spell(*hours: tuple[float, float | None], who: str = "a") -> list[dict[str, object]]:
    """Incidents from (hour of report, hour of end or None)."""
    zero = pd.Timestamp("2015-03-02", tz="UTC")
    return [
        incident(
            f"{who}{number}", who, at=zero + pd.Timedelta(hours=start),
            ended_at=None if end is None else zero + pd.Timedelta(hours=end),
        )
        for number, (start, end) in enumerate(hours)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "left"),
    [
        ([(0, 2), (2, 3)], {0: 2, 1: 1}),  # touching: not at gap 0
        ([(0, 2), (1.99, 3)], {0: 1}),
        ([(0, 2), (3, 4)], {0: 2, 1: 1, 6: 1}),  # exactly the gap: joined
        ([(0, 2), (3.01, 4)], {1: 2, 6: 1}),
        ([(0, 2), (8, 9), (33, 34)], {0: 3, 6: 2, 24: 1}),  # a chain
        ([(0, 10), (1, 2), (9, 12)], {0: 1}),  # the latest end so far, not the last
        ([(0, None), (1, 2)], {0: 2, 24: 2}),  # open: never followed by a merge
        ([(0, 5), (1, None), (2, 3)], {0: 2, 24: 2}),
        ([(0, 5), (0, 5)], {0: 1}),
        ([(0, 0), (0, 0)], {0: 2, 1: 1}),
    ],
)
def test_merge_gap(hours: list[tuple[float, float | None]], left: dict[float, int]) -> None:
    frame = rows("incidents", *spell(*hours), *spell((0, 1), who="b"))
    for gap, number in left.items():
        assert len(merge_incidents(frame, gap, ZONE)) == number + 1


def test_a_merged_incident_keeps_the_first_and_the_worst() -> None:
    cells = spell((0, 4), (1, 9), (2, 3))
    cells[0] |= {"risk_final": "low", "harm": False, "category": "no_apparent_risk"}
    cells[1] |= {"risk_final": "high", "harm": None, "placement_id": "x", "from_care": True}
    cells[2] |= {"category": "missing"}
    cells[2] |= {"risk_final": None, "harm": True}
    frame = rows("incidents", *reversed(cells))
    (merged,) = merge_incidents(frame, 0, ZONE).to_dict("records")
    assert (merged["incident_id"], merged["category"]) == ("a0", "missing")
    assert (merged["placement_id"], merged["from_care"]) == ("x", True)
    assert merged["reported_at"] == pd.Timestamp("2015-03-02", tz="UTC")
    assert merged["ended_at"] == pd.Timestamp("2015-03-02T09:00", tz="UTC")
    assert (merged["risk_final"], merged["harm"]) == ("high", True)
    assert merge_incidents(frame, 0, ZONE).dtypes.equals(frame.dtypes)


def test_an_open_last_incident_stays_open_and_order_is_kept() -> None:
    frame = rows("incidents", *spell((5, 6), who="b"), *spell((0, 9), (1, None), (50, 51)))
    merged = merge_incidents(frame, 0, ZONE)
    assert merged["incident_id"].tolist() == ["b0", "a0", "a2"]
    assert merged["ended_at"].isna().tolist() == [False, True, False]


def brute_force_spells(hours: list[tuple[int, int | None]], gap: int) -> int:
    """Spells of one person, one incident after the other."""
    spells, end, is_open = 0, -np.inf, False
    for start, stop in sorted(hours, key=lambda one: one[0]):
        joins = spells and not is_open and (start < end if gap == 0 else start <= end + gap)
        if not joins:
            spells, end = spells + 1, -np.inf
        is_open = stop is None
        end = max(end, -np.inf if stop is None else stop)
    return spells


LENGTH = st.none() | st.integers(0, 12)
STAY = st.tuples(st.integers(0, 40), LENGTH).map(
    lambda one: (one[0], None if one[1] is None else one[0] + one[1])
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(STAY, min_size=1, max_size=8, unique_by=lambda one: one[0]), st.sampled_from([0, 1, 6])
)
def test_merging_against_one_by_one(hours: list[tuple[int, int | None]], gap: int) -> None:
    frame = rows("incidents", *spell(*hours))
    assert len(merge_incidents(frame, gap, ZONE)) == brute_force_spells(hours, gap)


@pytest.mark.parametrize(
    ("known", "hours", "left", "again"),
    [
        ((True, False), [(10, 15), (24, 30)], 2, 0),  # the next day: certainly later
        ((True, False), [(-14, 7), (0, 9)], 2, 1),  # ended at seven, reported that day: unsure
        ((True, False), [(-14, 25), (0, 30)], 1, 0),  # lasted into the next day: certain
        ((False, True), [(0, 15), (16, 17)], 2, 0),  # ended before the next report: certain
        ((False, True), [(0, 20), (10, 12)], 2, 1),  # of one day, who knows which came first
        ((False, True), [(0, 30), (10, 12)], 1, 0),
        ((False, False), [(0, 0), (0, 0)], 2, 1),
        ((False, False), [(0, 30), (0, 30)], 1, 0),
        ((True, True), [(0, 20), (10, 12)], 1, 0),
    ],
)
def test_without_a_clock_time_only_what_is_certain_is_merged(
    known: tuple[bool, bool], hours: list[tuple[float, float]], left: int, again: int
) -> None:
    cells = [cell | {"time_known": sure} for cell, sure in zip(spell(*hours), known, strict=True)]
    frame = merge_incidents(rows("incidents", *cells), 0, ZONE)
    assert len(frame) == left
    near = near_duplicates(frame, 24, ZONE)
    assert (len(near.again), len(near.groups)) == (again, 2 * again)
    assert len(merge_near(frame, 24, ZONE)) == left - again
