"""Counting-process rows of a cohort: who was at risk from when to when, and what ended it.

A person is at risk from the first midnight of their window to the midnight after its last day
(:func:`missing_lib.study.cohort.at_risk_windows`, never derived from incidents), except between
a report and the return from it. A row (start, stop] is at risk at t when start < t <= stop. Times
are elapsed, in whole milliseconds since the first midnight of the study, also across a change of
clocks; reports of different people at the same moment are ties.

Rules for what a clock cannot tell, so that no incident vanishes in a row of no length:

* Where the end is missing, or lies after the next report, the person is at risk again from the
  report on, as in :func:`missing_lib.study.repeats.gaps`; unless the incident is still open when
  the study ends (:func:`missing_lib.study.cohort.still_open`).
* Several reports of one person at the same moment (two on a day without clock times) are spread
  evenly over the half day that follows, or over the time to the next report or to the end of
  the window where that is shorter. So is a report at the moment at which the window opens.
* A return at the very moment of the next report is set half a day before that report, or half-way
  between the two reports where they are less than a day apart. No other time is moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.cohort import Cohort, at_risk_windows, still_open

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Milliseconds of a day.
DAY = 86_400_000
HALF_DAY = DAY // 2
#: Days without an incident that give everybody the same history to begin with.
WASH_OUT = 365

OUTSIDE = "reported outside the person's time under observation"
NO_WINDOW = "of a person without time under observation"
NO_TIME = "at the very end of the person's time under observation"
WASHED_OUT = "of a person with an incident in the wash-out, or too short a time after it"

_NEVER, _EVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True)
class Clock:
    """Days and instants as milliseconds since the first midnight of the study.

    Attributes
    ----------
    start, end : Timestamp
        First and last day of the study.
    time_zone : str
    """

    start: pd.Timestamp
    end: pd.Timestamp
    time_zone: str

    def midnight(self, days: pd.Series | Ints) -> Ints:
        """The first moment of each day; days outside the study are those just outside it.

        Parameters
        ----------
        days : Series of datetime64, or int array of days since ``start``
            A missing day is far in the past.
        """
        known = np.ones(len(days), bool)
        if isinstance(days, pd.Series):
            known = days.notna().to_numpy(bool)
            since = (days.to_numpy("datetime64[D]") - np.datetime64(self.start, "D")).astype(int)
        else:
            since = np.asarray(days, np.int64)
        last = (self.end - self.start).days + 1
        every = pd.date_range(self.start - _DAY, self.end + 2 * _DAY)
        local = every.tz_localize(self.time_zone, ambiguous=True, nonexistent="shift_forward")
        at = _milliseconds(local.tz_convert("UTC"))
        table = at - at[1]
        return np.where(known, table[np.clip(since, -1, last + 1) + 1], _NEVER)

    def elapsed(self, instants: pd.Series) -> Ints:
        """Milliseconds since the study's first midnight; far in the past where missing."""
        origin = self.start.tz_localize(self.time_zone).tz_convert("UTC")
        since = _milliseconds(instants) - _milliseconds(pd.DatetimeIndex([origin]))[0]
        return np.where(instants.notna().to_numpy(bool), since, _NEVER)


@dataclass(frozen=True)
class FollowUp:
    """Time at risk of each person, from one return to the next report.

    Attributes
    ----------
    clock : Clock
    people : Index of str, shape (people,)
    opens, closes : ndarray of int, shape (people,)
        Window of each person, milliseconds.
    person : ndarray of int, shape (intervals,)
        Position in ``people``, ascending.
    start, stop : ndarray of int, shape (intervals,)
        Milliseconds, stop after start; ascending within a person and never overlapping.
    event : ndarray of bool, shape (intervals,)
        Whether the interval ends with a report.
    order : ndarray of int, shape (intervals,)
        Incidents of the person before it, since the window opened.
    left_out : DataFrame
        Incidents that end no interval: ``incident_id``, ``person_id``, ``reason``.
    days_away : float
        Days inside windows between a report and the return from it, all persons together.
    """

    clock: Clock
    people: pd.Index
    opens: Ints
    closes: Ints
    person: Ints
    start: Ints
    stop: Ints
    event: NDArray[np.bool_]
    order: Ints
    left_out: pd.DataFrame
    days_away: float

    @property
    def span(self) -> int:
        """Milliseconds longer than any window; person p at time t is place p span + t."""
        return int(self.closes.max(initial=0)) + 1

    def place(self, person: Ints, at: Ints) -> Ints:
        """Persons and times on one long axis, persons behind one another."""
        return person * self.span + np.clip(at, 0, self.span - 1)


@dataclass(frozen=True)
class Changes:
    """A quantity of each person that changes at known moments.

    The value at t is ``base`` plus the sum of ``by`` over the person's changes before t, so
    that a row has it from the row's start on.

    Attributes
    ----------
    base : ndarray of float, shape (people,)
    person : ndarray of int, shape (changes,)
        Position in :attr:`FollowUp.people`.
    at : ndarray of int, shape (changes,)
        Milliseconds.
    by : ndarray of float, shape (changes,)
    """

    base: Floats
    person: Ints
    at: Ints
    by: Floats


@dataclass(frozen=True)
class CountingRows:
    """Rows ready for a recurrent-event model.

    Attributes
    ----------
    followed : FollowUp
    interval : ndarray of int, shape (rows,)
        Which interval of ``followed`` each row is a part of.
    start, stop : ndarray of float, shape (rows,)
        Days since the study began (calendar or total time).
    since, until : ndarray of float, shape (rows,)
        Days from the start of the interval (the last return, or the opening of the window) to
        the row's start and stop: gap time. From whole milliseconds, so that the same gap is the
        same number whenever it began, and ties stay ties.
    event : ndarray of bool, shape (rows,)
    values : DataFrame, shape (rows, quantities)
        What :func:`rows_at_risk` was given, as it stands in each row.
    """

    followed: FollowUp
    interval: Ints
    start: Floats
    stop: Floats
    since: Floats
    until: Floats
    event: NDArray[np.bool_]
    values: pd.DataFrame

    @property
    def person(self) -> Ints:
        """Position of each row's person in :attr:`FollowUp.people`."""
        return self.followed.person[self.interval]

    @property
    def order(self) -> Ints:
        """Incidents of the person before each row."""
        return self.followed.order[self.interval]

    def only(self, chosen: NDArray[np.bool_]) -> CountingRows:
        """Some of the rows."""
        return CountingRows(
            self.followed,
            self.interval[chosen],
            self.start[chosen],
            self.stop[chosen],
            self.since[chosen],
            self.until[chosen],
            self.event[chosen],
            self.values[chosen].reset_index(drop=True),
        )

    def joined(self, design: pd.DataFrame) -> tuple[CountingRows, pd.DataFrame]:
        """Rows between which neither the design nor a value changes, each as one.

        Parameters
        ----------
        design : DataFrame, shape (rows, k)

        Returns
        -------
        CountingRows, DataFrame
            The fewer rows, which say the same, and their design.
        """
        first = np.ones(len(self.start) + 1, bool)
        same = (np.diff(self.interval) == 0) & (self.start[1:] == self.stop[:-1])
        for column in [*design.items(), *self.values.items()]:
            value = column[1].to_numpy(float)
            same &= (value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1]))
        first[1:-1] = ~same
        begins, ends = first[:-1], first[1:]
        rows = CountingRows(
            self.followed,
            self.interval[begins],
            self.start[begins],
            self.stop[ends],
            self.since[begins],
            self.until[ends],
            self.event[ends],
            self.values[begins].reset_index(drop=True),
        )
        return rows, design[begins].reset_index(drop=True)


def follow(cohort: Cohort, people: Iterable[str] | None = None, *, wash_out: int = 0) -> FollowUp:
    """Time at risk between returns and reports.

    Parameters
    ----------
    cohort : Cohort
    people : iterable of str, optional
        Identifiers of those followed; everybody known if not given.
    wash_out : int
        Days of everybody's window that are spent on history: whoever has an incident in them
        is left out, and the window opens after them, so that order begins at 0 for all.

    Returns
    -------
    FollowUp
        Events of the intervals and rows of ``left_out`` together are the incidents of the
        people asked for.
    """
    windows = at_risk_windows(cohort).drop_duplicates("person_id")
    incidents, goes_on = cohort.incidents, still_open(cohort)
    if people is not None:
        wanted = pd.Index(list(people))
        windows = windows[windows["person_id"].isin(wanted)]
        chosen = incidents["person_id"].isin(wanted).to_numpy(bool)
        incidents, goes_on = incidents[chosen], goes_on[chosen]
    clock = Clock(cohort.start, cohort.end, cohort.time_zone)
    opens = clock.midnight(windows["at_risk_from"])
    closes = clock.midnight(windows["at_risk_to"] + _DAY)
    who = pd.Index(windows["person_id"]).get_indexer(incidents["person_id"]).astype(np.int64)
    at = clock.elapsed(incidents["reported_at"])
    reasons = np.full(len(who), "", dtype=object)
    reasons[who < 0] = NO_WINDOW
    known = who >= 0
    reasons[known] = np.where(
        (at[known] < opens[who[known]]) | (at[known] >= closes[who[known]]), OUTSIDE, ""
    )
    if wash_out:
        opens = opens + wash_out * DAY
        early = who[(reasons == "") & (at < opens[np.maximum(who, 0)])]
        stay = opens < closes
        stay[early] = False
        reasons[(reasons == "") & ~stay[np.maximum(who, 0)]] = WASHED_OUT
        renumbered = np.where(stay, np.cumsum(stay) - 1, -1)
        windows, opens, closes = windows[stay], opens[stay], closes[stay]
        who = np.where(who >= 0, renumbered[who], -1) if len(renumbered) else who
    ends = np.where(goes_on, _EVER, clock.elapsed(incidents["ended_at"]))
    used = np.flatnonzero(reasons == "")
    used = used[np.lexsort((ends[used], at[used], who[used]))]
    names = pd.Index(windows["person_id"])
    made = _between(who[used], at[used], ends[used], opens, closes)
    reasons[used[made.lost]] = NO_TIME
    out = incidents.loc[reasons != "", ["incident_id", "person_id"]]
    left_out = out.assign(reason=reasons[reasons != ""]).reset_index(drop=True)
    return FollowUp(
        clock, names, opens, closes, made.person, made.start, made.stop, made.event, made.order,
        left_out, made.days_away,
    )  # fmt: skip


@dataclass(frozen=True)
class _Intervals:
    """See :class:`FollowUp`; ``lost`` are positions of reports that end no interval."""

    person: Ints
    start: Ints
    stop: Ints
    event: NDArray[np.bool_]
    order: Ints
    lost: Ints
    days_away: float


def _between(who: Ints, at: Ints, ends: Ints, opens: Ints, closes: Ints) -> _Intervals:
    """Intervals from each return to the next report; reports sorted by person and time."""
    number = np.bincount(who, minlength=len(opens)).astype(np.int64)
    first = np.arange(len(opens)) + np.cumsum(number) - number
    last = first + number
    size = len(opens) + len(who)
    reported = _told_apart(who, at, opens, closes)
    begins = np.zeros(size, bool)
    begins[first] = True
    ending = np.zeros(size, bool)
    ending[last] = True
    stop = np.empty(size, np.int64)
    stop[last] = closes
    stop[~ending] = reported
    start = np.empty(size, np.int64)
    start[first] = opens
    start[~begins] = _returns(reported, at, ends, stop[~begins], ending[~begins])
    person = np.repeat(np.arange(len(opens)), number + 1)
    order = np.arange(size) - first[person]
    some = stop > start
    lost = np.flatnonzero(~some[~ending])
    away = float((start[~begins] - reported).sum()) / DAY
    return _Intervals(person[some], start[some], stop[some], ~ending[some], order[some], lost, away)


def _told_apart(who: Ints, at: Ints, opens: Ints, closes: Ints) -> Ints:
    """Reports, those of one person at one moment spread over what follows; the rest as it is."""
    if len(who) == 0:
        return at
    fresh = np.append(True, (np.diff(who) != 0) | (np.diff(at) != 0))
    group = np.cumsum(fresh) - 1
    heads = np.flatnonzero(fresh)
    rank = np.arange(len(at)) - heads[group]
    many = np.bincount(group)[group]
    at_opening = at == opens[who]
    following = np.append(heads[1:], 0)
    same = np.append(who[heads[1:]] == who[heads[:-1]], False)
    until = np.where(same, at[following], closes[who[heads]])[group]
    room = np.minimum(HALF_DAY, until - at)
    return np.asarray(at + (rank + at_opening) * room // (many + at_opening))


def _returns(
    reported: Ints, at: Ints, ends: Ints, following: Ints, is_last: NDArray[np.bool_]
) -> Ints:
    """From when each person is at risk again after a report."""
    known = (ends >= at) & (is_last | (ends <= following))
    back = np.where(known, np.maximum(ends, reported), reported)
    back = np.minimum(back, following)
    no_gap = ~is_last & (back == following)
    earlier = following - np.minimum(HALF_DAY, (following - reported) // 2)
    return np.asarray(np.where(no_gap, earlier, back))


def rows_at_risk(
    followed: FollowUp,
    quantities: Mapping[str, Changes],
    *,
    after_return: Sequence[float] = (),
) -> CountingRows:
    """Cut time at risk wherever a quantity changes, and some days after each return.

    Parameters
    ----------
    followed : FollowUp
    quantities : mapping of str to Changes
    after_return : sequence of float
        Days since the return at which a row ends; does not apply before the first incident.

    Returns
    -------
    CountingRows
        Sorted by person and time; each quantity is constant within a row.
    """
    open_at = followed.place(followed.person, followed.start)
    close_at = followed.place(followed.person, followed.stop)
    places = {name: followed.place(q.person, q.at) for name, q in quantities.items()}
    cuts = [_inside(changing, open_at, close_at) for changing in places.values()]
    for length in (round(days * DAY) for days in after_return):
        lasting = (followed.order > 0) & (close_at - open_at > length)
        cuts.append(open_at[lasting] + length)
    # Sorted, not hashed: numpy's own unique is several times slower here.
    starts = np.sort(np.concatenate([open_at, *cuts]))
    starts = starts[np.append(True, np.diff(starts) > 0)[: len(starts)]]
    interval = np.searchsorted(open_at, starts, side="right") - 1
    following = np.append(starts[1:], 0)
    ends_it = np.append(np.diff(interval) != 0, True)[: len(starts)]
    stops = np.where(ends_it, close_at[interval], following[: len(starts)])
    person = followed.person[interval]
    base = person * followed.span
    values = {
        name: q.base[person] + _sums(places[name], q.by, starts, base)
        for name, q in quantities.items()
    }
    return CountingRows(
        followed,
        interval,
        (starts - base) / DAY,
        (stops - base) / DAY,
        (starts - open_at[interval]) / DAY,
        (stops - open_at[interval]) / DAY,
        followed.event[interval] & ends_it,
        pd.DataFrame(values, index=pd.RangeIndex(len(starts))),
    )


def _inside(places: Ints, open_at: Ints, close_at: Ints) -> Ints:
    """Places strictly inside an interval."""
    own = np.searchsorted(open_at, places, side="right") - 1
    held = own >= 0
    held[held] = (places[held] > open_at[own[held]]) & (places[held] < close_at[own[held]])
    return places[held]


def _sums(places: Ints, by: Floats, at: Ints, base: Ints) -> Floats:
    """Sum of each person's changes up to and including a place."""
    order = np.argsort(places, kind="stable")
    total = np.append(0.0, np.cumsum(by[order]))
    keys = places[order]
    upto = np.searchsorted(keys, at, side="right")
    return np.asarray(total[upto] - total[np.searchsorted(keys, base, side="left")])


def _milliseconds(instants: pd.Series | pd.DatetimeIndex) -> Ints:
    """Instants as milliseconds, rounded down; meaningless where missing."""
    plain = instants.dt.tz_convert(None) if isinstance(instants, pd.Series) else instants
    if isinstance(plain, pd.DatetimeIndex) and plain.tz is not None:
        plain = plain.tz_convert(None)
    return plain.to_numpy("datetime64[ms]").astype(np.int64)


_DAY = pd.Timedelta(days=1)
