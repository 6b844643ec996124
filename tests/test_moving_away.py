"""Those who left the area: who they are, and what they could change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from missing_lib.study.moving_away import bounds_of_leaving, left_early
from missing_lib.study.repeats import gaps
from missing_lib.study.worlds_cohort import ALWAYS_CHILD, END, START, cohort_of, people_known

LATE = END - pd.Timedelta(days=100)
#: Eighteen in the middle of the study.
GROWN = START + pd.Timedelta(days=900) - pd.DateOffset(years=18)


@pytest.mark.parametrize(
    ("leaves", "born", "early"),
    [
        (pd.NaT, ALWAYS_CHILD, False),
        (END, ALWAYS_CHILD, False),
        (LATE, ALWAYS_CHILD, True),
        (LATE, GROWN, False),  # of age before
        (START + pd.Timedelta(days=899), GROWN, False),  # on the last day as a child
        (START + pd.Timedelta(days=800), GROWN, True),
    ],
)
def test_who_left_before_anything_else_ended_the_time(leaves, born, early: bool) -> None:
    cohort = cohort_of(people_known(1, observed_to=[leaves], birth_date=[born]), [0], [10.0])
    assert left_early(cohort, pd.Series(["p000000"])).tolist() == [early]


def test_the_curve_lies_between_its_bounds_and_they_meet_where_nobody_left() -> None:
    rng = np.random.default_rng(3)
    leaves = pd.Series(pd.NaT, index=range(60)).where(
        np.arange(60) >= 20, START + pd.to_timedelta(rng.integers(200, 1500, 60), unit="D")
    )
    who = rng.integers(0, 60, 400)
    cohort = cohort_of(people_known(60, observed_to=leaves), who, rng.random(400) * 1800)
    spells = gaps(cohort)
    found = bounds_of_leaving(cohort, spells, [14, 365])
    assert (found["none"] < found["alike"]).all()
    assert (found["alike"] < found["at_once"]).all()
    gone = left_early(cohort, spells["person_id"])
    stayed = bounds_of_leaving(cohort, spells[~gone], [14, 365])
    np.testing.assert_allclose(stayed["none"], stayed["at_once"])
    assert stayed["people"].tolist() == [0, 0]


def test_no_incident_has_no_bounds() -> None:
    cohort = cohort_of(people_known(3), [], [])
    found = bounds_of_leaving(cohort, gaps(cohort), [14])
    assert found["alike"].isna().all()
    assert found["people"].tolist() == [0]
