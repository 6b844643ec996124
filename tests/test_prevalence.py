"""Durations of incidents, by hand."""

from __future__ import annotations

import pytest

from missing_lib.study import choices, prevalence
from missing_lib.study.cohort import ERA_CHANGE, ERAS, Cohort, select, without_clock
from missing_lib.study.repeats import gaps
from tests.made_cohorts import force_file, make_tables

MIDNIGHT, NOON = "2015-02-01 00:00", "2015-02-03 12:00"


def with_clocks(*known: bool | None) -> Cohort:
    """One child with two incidents, of 3 and of 30 hours."""
    tables = make_tables(
        [("p", MIDNIGHT), ("p", NOON)], hours=[3.0, 30.0], time_known=known
    )  # fmt: skip
    return select(tables, force_file(), "children")


@pytest.mark.parametrize(
    ("known", "hours", "bands"),
    [
        ((True, True), [3.0, 30.0], ["up to 4 hours", "1 to 2 days"]),
        ((None, True), [3.0, 30.0], ["up to 4 hours", "1 to 2 days"]),
        ((False, True), [30.0], ["1 to 2 days"]),
        ((False, False), [], []),
    ],
)
def test_an_incident_without_a_clock_time_has_no_duration(
    known: tuple[bool | None, ...], hours: list[float], bands: list[str]
) -> None:
    cohort = with_clocks(*known)
    assert prevalence.hours_missing(cohort)["hours"].tolist() == hours
    rows = prevalence.described_incidents(cohort)
    assert rows["duration"].dropna().tolist() == bands
    assert len(without_clock(cohort)) == 2 - len(hours)


def test_both_eras_have_names_that_no_category_contradicts() -> None:
    before, after = ERAS
    assert before.endswith(f"to {ERA_CHANGE.year - 1}")
    assert after.endswith(f"from {ERA_CHANGE.year}")
    cohort = select(make_tables([("p", "2016-12-31 22:00"), ("p", "2017-01-01 09:00")]),
                    force_file(), "children")  # fmt: skip
    assert prevalence.described_incidents(cohort)["era"].tolist() == [before, after]
    assert choices.eras(cohort)["era"].tolist() == [before, after]
    assert not any("everybody" in name or "no apparent risk" in name for name in ERAS)


def test_gaps_in_days_keep_an_incident_without_a_clock_time() -> None:
    found = gaps(with_clocks(False, True))
    assert found["gap_days"].tolist()[0] == pytest.approx(2.5 - 3 / 24)
