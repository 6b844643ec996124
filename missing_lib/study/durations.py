"""How long are people missing? From report to return, with those still missing kept as censored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.study.cohort import Cohort, clock_known, still_open
from missing_lib.study.survival import kaplan_meier

#: Hours of a week, over which the curve is shown.
WEEK = 168
#: Levels of the curve between which the interval of a median is looked for.
_LEVELS = np.linspace(0.005, 0.995, 199)


@dataclass(frozen=True)
class TimeMissing:
    """Incidents with a known clock, and those that could not be used.

    Attributes
    ----------
    spells : DataFrame
        ``incident_id``, ``person_id``, ``hours`` (from report to return, or to the end of the
        study), ``returned`` (False where the return was not seen by then).
    still_open : DataFrame
        ``incident_id``, ``person_id`` of incidents that go on when the study ends
        (:func:`.cohort.still_open`); they are in ``spells``, as censored.
    end_lost : DataFrame
        The same of other incidents without an end: the person had come back, nobody knows
        when, and they are left out.
    no_clock : DataFrame
        The same of incidents whose report has a date and no clock time; left out.
    """

    spells: pd.DataFrame
    still_open: pd.DataFrame
    end_lost: pd.DataFrame
    no_clock: pd.DataFrame


@dataclass(frozen=True)
class Median:
    """A median time and its 95 % interval.

    Attributes
    ----------
    hours, lower, upper : float
        NaN where the curve, or its bound, does not come down to one half.
    people : int
        Fewest people with a return before, or with a longer spell after, any of the three.
    """

    hours: float
    lower: float
    upper: float
    people: int


def time_missing(cohort: Cohort) -> TimeMissing:
    """Elapsed hours from report to return of each incident.

    The study is over at the midnight after its last day: whoever returns later is censored there,
    as is whoever has not returned. What lies before the report is not counted.
    """
    rows = cohort.incidents
    ids = ["incident_id", "person_id"]
    over = (cohort.end + pd.Timedelta(days=1)).tz_localize(cohort.time_zone).tz_convert("UTC")
    clock, ended = clock_known(rows), rows["ended_at"]
    still = still_open(cohort)
    lost = ended.isna() & ~still
    used = rows[clock & ~lost]
    until = used["ended_at"].fillna(over)
    hours = (until.clip(upper=over) - used["reported_at"]).dt.total_seconds() / 3600
    spells = used[ids].assign(
        hours=hours.clip(lower=0.0), returned=used["ended_at"].notna() & (used["ended_at"] <= over)
    )
    return TimeMissing(
        spells=spells.reset_index(drop=True),
        still_open=rows.loc[still, ids],
        end_lost=rows.loc[lost, ids],
        no_clock=rows.loc[~clock, ids],
    )


def median_time(spells: pd.DataFrame) -> Median:
    """Median of the Kaplan-Meier curve, with an interval that allows for repeats of one person.

    The median is the first time at which the curve is at one half or below; the bounds are the
    times at which the curve's own bounds are (Brookmeyer and Crowley 1982, doi 10.2307/2530286),
    with standard errors summed by person and the log(-log) scale. Bounds are looked for at 199
    levels of the observed times.

    Parameters
    ----------
    spells : DataFrame
        ``person_id``, ``hours``, ``returned``; from :func:`time_missing`.
    """
    if not spells["returned"].any():
        return Median(np.nan, np.nan, np.nan, 0)
    hours, returned = spells["hours"], spells["returned"]
    curve = kaplan_meier(hours, returned)
    middle = _first_at_half(curve["time"], curve["survival"])
    times = np.unique(np.quantile(hours[returned], _LEVELS, method="inverted_cdf"))
    bounds = kaplan_meier(hours, returned, cluster=spells["person_id"], at=times.tolist())
    lower = _first_at_half(bounds["time"], bounds["lower"])
    upper = _first_at_half(bounds["time"], bounds["upper"])
    sides = [
        spells.loc[side, "person_id"].nunique()
        for at in (lower, middle, upper)
        if np.isfinite(at)
        for side in (returned & (hours < at), hours > at)
    ]
    return Median(middle, lower, upper, min(sides, default=0))


def median_by(
    spells: pd.DataFrame, group: pd.Series, levels: Sequence[str], name: str
) -> pd.DataFrame:
    """The median of each level of a group.

    Parameters
    ----------
    spells : DataFrame
        From :func:`time_missing`.
    group : Series
        Level of each incident, indexed by ``incident_id``.
    levels : sequence of str
        All levels of the code book.
    name : str
        Column of the level in the result.

    Returns
    -------
    DataFrame
        ``name``, ``median``, ``lower``, ``upper`` (hours) and ``people``.
    """
    of_spell = spells["incident_id"].map(group)
    rows = []
    for level in levels:
        found = median_time(spells[(of_spell == level).to_numpy()])
        rows.append(
            {
                name: level,
                "median": found.hours,
                "lower": found.lower,
                "upper": found.upper,
                "people": found.people,
            }
        )
    return pd.DataFrame(rows)


def _first_at_half(time: pd.Series, curve: pd.Series) -> float:
    """First time at which a curve is at one half or below; NaN where it never is."""
    down = (curve <= 0.5 + 1e-12).to_numpy()
    return float(time.to_numpy()[down.argmax()]) if down.any() else np.nan
