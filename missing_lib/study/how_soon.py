"""Who is reported again, and how soon: the markers of the study in a recurrent Cox regression."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import Changes, FollowUp, follow, rows_at_risk
from missing_lib.study.frame import Frame
from missing_lib.study.recurrent import ERA, andersen_gill
from missing_lib.study.regression import Fit
from missing_lib.study.time_varying import LAG, completed_years, era, recorded, sex_and_age

#: The readings of a marker, as tables have them.
AT_LANDMARK = "at the landmark"
AS_RECORDED = "whenever recorded"
BEFORE_FIRST = "before the first incident only"
_AGE = "age"


def rates_by_marker(cohort: Cohort, frame: Frame, lag: int = LAG) -> dict[str, Fit]:
    """Andersen-Gill regressions of all incidents on the markers, sex and age.

    Everybody in the frame is followed from the landmark on, but not while missing; the baseline
    is the calendar, stratified by era; errors are robust to incidents of one person being alike.

    Parameters
    ----------
    cohort : Cohort
    frame : Frame
    lag : int
        Days from recording to the day from which a marker counts.

    Returns
    -------
    dict of str to Fit
        Hazard ratios under three readings: markers fixed at the landmark; from ``lag`` days
        after recording; and the same without those recorded on or after the day of the
        person's first incident, which may be consequences.
    """
    followed = follow(cohort, frame.people["person_id"])
    readings = {
        AT_LANDMARK: {name: _fixed(frame, followed, name) for name in frame.marks},
        AS_RECORDED: {name: recorded(cohort, followed, name, lag=lag) for name in frame.marks},
        BEFORE_FIRST: {
            name: recorded(cohort, followed, name, lag=lag, before_first=True)
            for name in frame.marks
        },
    }
    return {name: _fit(cohort, followed, markers) for name, markers in readings.items()}


def _fixed(frame: Frame, followed: FollowUp, marker: str) -> Changes:
    has = pd.Series(frame.marks[marker].to_numpy(), index=frame.people["person_id"])
    none = np.zeros(0, np.int64)
    return Changes(has.reindex(followed.people).to_numpy(float), none, none, np.zeros(0))


def _fit(cohort: Cohort, followed: FollowUp, markers: dict[str, Changes]) -> Fit:
    own = {f"marker {name}": changes for name, changes in markers.items()}
    quantities = {ERA: era(followed), _AGE: completed_years(cohort, followed), **own}
    rows = rows_at_risk(followed, quantities)
    adjusting = sex_and_age(cohort, rows, _AGE)
    marks = rows.values[list(own)].set_axis(named(list(markers), list(adjusting)), axis=1)
    return andersen_gill(rows, pd.concat([marks, adjusting], axis=1))


def named(markers: list[str], own: list[str]) -> list[str]:
    """Names of terms; a marker called like a term that adjusts gets another."""
    return [f"{name}_marker" if name in own else name for name in markers]
