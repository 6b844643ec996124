"""The time in which each person could have been reported, cut where the rate may change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.cohort import ERA_CHANGE, Cohort, at_risk_windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: How the markers end that are spells of care: ``local_authority_care``, ``residential_care``,
#: and any that a force adds under such a name.
CARE_ENDING = "_care"

_DAY = np.timedelta64(1, "D")
_DAYS_IN_YEAR = 365.25


@dataclass(frozen=True)
class Stretches:
    """At-risk time of people with an incident, in stretches of one month, age and placement.

    The time between the report of an incident and the return is in no stretch: somebody who is
    missing cannot be reported missing.

    Attributes
    ----------
    people : Index of str, shape (people,)
        Identifiers, in order.
    numbers : ndarray of int, shape (people,)
        Incidents of each person, those reported outside the person's window too.
    person : ndarray of int, shape (stretches,)
        Position in ``people``, ascending; within a person in the order of time.
    days : ndarray of float, shape (stretches,)
        Length, above zero.
    month : ndarray of int, shape (stretches,)
        Calendar month, 0 for the first of the study.
    era_month : int
        Month of the change of era, which may lie outside the study.
    age : ndarray of int, shape (stretches,)
        Completed years up to twenty, then decades; -1 where unknown.
    care : ndarray of float, shape (stretches, kinds)
        1 in a spell of that kind of care, 0 outside.
    kinds : tuple of str
        Markers that are spells of care.
    reports : ndarray of int, shape (stretches,)
        Incidents reported in the stretch or at its end.
    """

    people: pd.Index
    numbers: Ints
    person: Ints
    days: Floats
    month: Ints
    era_month: int
    age: Ints
    care: Floats
    kinds: tuple[str, ...]
    reports: Ints

    @property
    def first(self) -> Ints:
        """Row at which each person begins, and the number of rows; shape (people + 1,)."""
        return np.searchsorted(self.person, np.arange(len(self.people) + 1))


@dataclass(frozen=True)
class _Cuts:
    """Times at which something changes for somebody.

    Attributes
    ----------
    person : ndarray of int, shape (cuts,)
    at : ndarray of float, shape (cuts,)
        Days since the study began.
    change : ndarray of int, shape (cuts, 1 + kinds)
        1 where a time away (first column) or a spell of care begins, -1 where it ends.
    """

    person: Ints
    at: Floats
    change: Ints


def stretches(cohort: Cohort, spells: pd.DataFrame) -> Stretches:
    """Cut everybody's at-risk time by calendar month, birthday, spell of care and time away.

    Parameters
    ----------
    cohort : Cohort
    spells : DataFrame
        From :func:`missing_lib.study.repeats.gaps`: who was away from each report on how long.
    """
    windows = _windows(cohort)
    months = _month_edges(cohort)
    kinds = _kinds(cohort)
    reported = _since_start(cohort, cohort.incidents["reported_at"])
    who = windows.index.get_indexer(cohort.incidents["person_id"]).astype(np.int64)
    away = reported + spells["away_days"].to_numpy(dtype=float)
    parts = [_calendar(windows, months, len(kinds)), _birthdays(windows, len(kinds))]
    parts.append(_spells(windows, who, reported, away, 0, len(kinds)))
    for column, kind in enumerate(kinds, start=1):
        parts.append(_spells(windows, *_care(cohort, windows, kind), column, len(kinds)))
    person, start, stop, state = _between(parts)
    at_risk = state[:, 0] == 0
    # Who would have no time at risk at all (missing throughout) keeps the whole window.
    some = np.bincount(person, (stop - start) * at_risk, minlength=len(windows)) > 0
    kept = at_risk | ~some[person]
    person, start, stop, state = person[kept], start[kept], stop[kept], state[kept]
    middle = (start + stop) / 2
    years = (middle - windows["born"].to_numpy()[person]) / _DAYS_IN_YEAR
    return Stretches(
        people=windows.index,
        numbers=cohort.counts.to_numpy(dtype=np.int64),
        person=person,
        days=stop - start,
        month=np.clip(np.searchsorted(months, middle, side="right") - 1, 0, len(months) - 2),
        era_month=(ERA_CHANGE.to_period("M") - cohort.months[0]).n,
        age=_age_band(years),
        care=(state[:, 1:] > 0).astype(float),
        kinds=kinds,
        reports=_reports(windows, person, start, who, reported),
    )


def _windows(cohort: Cohort) -> pd.DataFrame:
    """At-risk windows of the people with an incident, in days since the study began."""
    known = at_risk_windows(cohort).drop_duplicates("person_id").set_index("person_id")
    own = known.reindex(cohort.counts.index)
    since = own["at_risk_from"].fillna(cohort.start)
    until = own["at_risk_to"].fillna(cohort.end) + _DAY
    births = cohort.persons.drop_duplicates("person_id").set_index("person_id")["birth_date"]
    born = births.reindex(own.index)
    return pd.DataFrame(
        {
            "since": (since - cohort.start) / _DAY,
            "until": (until - cohort.start) / _DAY,
            "born": (born - cohort.start) / _DAY,
        },
        index=own.index,
    )


def _month_edges(cohort: Cohort) -> Floats:
    starts = cohort.months.start_time[1:]
    inner = (starts - cohort.start) / _DAY
    last = (cohort.end - cohort.start) / _DAY + 1
    return np.concatenate([[0.0], np.asarray(inner, dtype=float), [float(last)]])


def _since_start(cohort: Cohort, instants: pd.Series) -> Floats:
    """Local time in days since the study began; an hour off for a day when the clocks change."""
    local = instants.dt.tz_convert(cohort.time_zone).dt.tz_localize(None)
    return np.asarray((local - cohort.start) / _DAY, dtype=float)


def _kinds(cohort: Cohort) -> tuple[str, ...]:
    named = cohort.markers["marker"].dropna().unique()
    return tuple(sorted(str(name) for name in named if str(name).endswith(CARE_ENDING)))


def _care(cohort: Cohort, windows: pd.DataFrame, kind: str) -> tuple[Ints, Floats, Floats]:
    """Who has a spell of this kind, from which day, and to which (the day it ceased to hold)."""
    rows = cohort.markers[cohort.markers["marker"] == kind]
    who = windows.index.get_indexer(rows["person_id"])
    begun = (rows["known_from"] - cohort.start) / _DAY
    ended = ((rows["known_to"] - cohort.start) / _DAY).fillna(np.inf)
    dated = (who >= 0) & begun.notna().to_numpy()
    return who[dated].astype(np.int64), begun.to_numpy()[dated], ended.to_numpy()[dated]


def _calendar(windows: pd.DataFrame, months: Floats, kinds: int) -> _Cuts:
    since, until = windows["since"].to_numpy(), windows["until"].to_numpy()
    at = np.clip(months[None, :], since[:, None], until[:, None])
    person = np.repeat(np.arange(len(windows)), len(months))
    return _Cuts(person, at.ravel(), np.zeros((len(person), 1 + kinds), np.int64))


def _birthdays(windows: pd.DataFrame, kinds: int) -> _Cuts:
    born = windows["born"].to_numpy()
    since, until = windows["since"].to_numpy(), windows["until"].to_numpy()
    longest = int(np.ceil(np.max(until - since, initial=0.0) / _DAYS_IN_YEAR))
    turned = np.ceil((since - born) / _DAYS_IN_YEAR)[:, None] + np.arange(longest + 1)
    at = born[:, None] + turned * _DAYS_IN_YEAR
    person, _ = np.nonzero((at > since[:, None]) & (at < until[:, None]))
    inside = at[(at > since[:, None]) & (at < until[:, None])]
    return _Cuts(person, inside, np.zeros((len(person), 1 + kinds), np.int64))


def _spells(
    windows: pd.DataFrame, who: Ints, begun: Floats, ended: Floats, column: int, kinds: int
) -> _Cuts:
    """Both ends of each spell, as far as it lies in the person's window."""
    since, until = windows["since"].to_numpy()[who], windows["until"].to_numpy()[who]
    begun, ended = np.clip(begun, since, until), np.clip(ended, since, until)
    some = ended > begun
    who, begun, ended = who[some], begun[some], ended[some]
    change = np.zeros((2 * len(who), 1 + kinds), np.int64)
    change[: len(who), column], change[len(who) :, column] = 1, -1
    return _Cuts(np.concatenate([who, who]), np.concatenate([begun, ended]), change)


def _between(parts: list[_Cuts]) -> tuple[Ints, Floats, Floats, Ints]:
    """What lies between neighbouring cuts of one person, and what holds there."""
    person = np.concatenate([part.person for part in parts])
    at = np.concatenate([part.at for part in parts])
    order = np.lexsort((at, person))
    person, at = person[order], at[order]
    # Every spell ends inside its person's window, so the sum is back at zero for the next one.
    state = np.cumsum(np.concatenate([part.change for part in parts])[order], axis=0)
    real = (np.diff(person) == 0) & (np.diff(at) > 0)
    return person[:-1][real], at[:-1][real], at[1:][real], state[:-1][real]


def _reports(
    windows: pd.DataFrame, person: Ints, start: Floats, who: Ints, reported: Floats
) -> Ints:
    """Reports in each stretch: the last that began before the report, the first if none did."""
    inside = reported >= windows["since"].to_numpy()[who]
    inside &= reported <= windows["until"].to_numpy()[who]
    who, reported = who[inside], reported[inside]
    longest = float(np.max(np.abs(np.concatenate([start, reported])), initial=0.0)) + 1.0
    axis = person * 3 * longest + start
    row = np.searchsorted(axis, who * 3 * longest + reported, side="left") - 1
    row = np.maximum(row, np.searchsorted(person, who))
    return np.bincount(row, minlength=len(person)).astype(np.int64)


def _age_band(age: Floats) -> Ints:
    """Completed years up to twenty, then decades; -1 where unknown."""
    years = np.floor(age)
    band = np.where(years < 20, years, 20 + 10 * np.floor((years - 20) / 10))
    return np.where(np.isfinite(band), np.clip(band, 0, None), -1).astype(np.int64)
