"""Peer exposure: how many acquaintances had an event shortly before.

A report of a connection becomes exposure one day after it, and stays it for some days. Reports
of two tied people at most :data:`.peers.TOGETHER` apart are one event in which both took part:
it is never the exposure of either, at any later time. The rule looks at nothing that lies more
than a day after the connection's report, so that exposure is known when it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import DAY, Changes, FollowUp
from missing_lib.study.peers import TOGETHER

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: What is counted: whether there is any, connections with one, or their incidents.
What = Literal["any", "connections", "incidents"]
#: Milliseconds within which reports of two tied people are one event.
_TOGETHER = round(TOGETHER * DAY)


@dataclass(frozen=True)
class Reports:
    """Reports of connections that can be exposure, once for each person exposed.

    Attributes
    ----------
    ego : ndarray of int, shape (reports,)
        Position of the person exposed in :attr:`.FollowUp.people`, ascending.
    alter : ndarray of int, shape (reports,)
        Number of the connection; ascending within a person.
    at : ndarray of int, shape (reports,)
        Milliseconds since the study began; ascending within a person and connection.
    names : Index of str
        Identifier of each connection that has an incident, by number.
    """

    ego: Ints
    alter: Ints
    at: Ints
    names: pd.Index

    def only(self, chosen: NDArray[np.bool_]) -> Reports:
        """Some of the reports."""
        return Reports(self.ego[chosen], self.alter[chosen], self.at[chosen], self.names)


@dataclass(frozen=True)
class Spells:
    """Times during which somebody is exposed, (begins, ends].

    Attributes
    ----------
    ego : ndarray of int, shape (spells,)
        Position in :attr:`.FollowUp.people`.
    begins, ends : ndarray of int, shape (spells,)
        Milliseconds since the study began.
    """

    ego: Ints
    begins: Ints
    ends: Ints


@dataclass(frozen=True)
class Incidents:
    """Incidents of everybody who has any, and own reports of the people followed.

    Attributes
    ----------
    names : Index of str
        Who has an incident; their position is their number.
    at : ndarray of int, shape (incidents,)
        Milliseconds since the study began, person by person, ascending.
    begins : ndarray of int, shape (cases + 1,)
        Incidents of number k are those from ``begins[k]`` to ``begins[k + 1]`` - 1.
    own : ndarray of int, shape (reports,)
        Position in :attr:`.FollowUp.people` times ``width``, plus the time of an own report or
        outcome; ascending.
    width : int
        Milliseconds.
    """

    names: pd.Index
    at: Ints
    begins: Ints
    own: Ints
    width: int


def incidents_of(cohort: Cohort, followed: FollowUp, *, outcome: Cohort | None = None) -> Incidents:
    """What exposure is made of; parameters are those of :func:`reports_of_connections`."""
    number, names = pd.factorize(cohort.incidents["person_id"])
    at = followed.clock.elapsed(cohort.incidents["reported_at"])
    order = np.lexsort((at, number))
    size = np.bincount(number, minlength=len(names))
    used = [cohort] if outcome is None else [cohort, outcome]
    tables = [one.incidents for one in used]
    who = np.concatenate([followed.people.get_indexer(own["person_id"]) for own in tables])
    when = np.concatenate([followed.clock.elapsed(own["reported_at"]) for own in tables])
    width = int(when.max(initial=0)) + 3 * _TOGETHER
    keys = np.sort(who[who >= 0].astype(np.int64) * width + when[who >= 0])
    begins = np.append(0, np.cumsum(size)).astype(np.int64)
    return Incidents(pd.Index(names), at[order], begins, keys, width)


def reports_of_connections(
    cohort: Cohort, followed: FollowUp, pairs: pd.DataFrame, *, outcome: Cohort | None = None
) -> Reports:
    """Every report of everybody's connections, without those in which one took part.

    Parameters
    ----------
    cohort : Cohort
        Whose incidents are the exposure.
    followed : FollowUp
        Who is exposed.
    pairs : DataFrame
        ``person_a``, ``person_b``; the order and repetitions make no difference.
    outcome : Cohort, optional
        Of another outcome: who had that within a day of a report took part in it too.

    Returns
    -------
    Reports
    """
    found = incidents_of(cohort, followed, outcome=outcome)
    return reports_between(found, *_placed(found, followed, pairs))


def joining(cohort: Cohort, followed: FollowUp, pairs: pd.DataFrame) -> Changes:
    """Whether somebody tied was reported in the past day: who is now reported joins that event.

    Two who leave together are one event, and its first report stands for it. So the day after
    a report of somebody tied is no time in which an event of one's own could begin. Of two
    reports at one moment the first is that of the person who comes first among those followed.

    Parameters
    ----------
    cohort : Cohort
        Whose reports.
    followed : FollowUp
    pairs : DataFrame
        ``person_a``, ``person_b``; the order and repetitions make no difference.

    Returns
    -------
    Changes
        Above 0 while that is so.
    """
    found = incidents_of(cohort, followed)
    place = followed.people.get_indexer(found.names)
    joins = joining_between(found, place, *_placed(found, followed, pairs))
    return _changes(
        followed,
        np.tile(joins.ego, 2),
        np.concatenate([joins.begins, joins.ends]),
        np.repeat([1.0, -1.0], len(joins.ego)),
    )


def joining_between(found: Incidents, place: Ints, exposed: Ints, case: Ints) -> Spells:
    """:func:`joining` of pairs given by position, one spell for each report.

    Parameters
    ----------
    found : Incidents
    place : ndarray of int, shape (cases,)
        Position among the people followed of everybody who has an incident; -1 for others.
    exposed, case : ndarray of int, shape (pairs, 2)
        As for :func:`reports_between`.
    """
    heard = _between(found, exposed, case)
    first = place[heard.alter] < heard.ego
    return Spells(heard.ego, heard.at - first, heard.at + _TOGETHER)


def outside(spells: Spells, others: Spells) -> Spells:
    """The parts of some spells that lie in none of others of the same person.

    Examples
    --------
    >>> one = Spells(np.array([0, 1]), np.array([10, 10]), np.array([20, 20]))
    >>> two = Spells(np.array([0, 0]), np.array([5, 14]), np.array([12, 16]))
    >>> found = outside(one, two)
    >>> [*zip(found.ego.tolist(), found.begins.tolist(), found.ends.tolist())]
    [(0, 12, 14), (0, 16, 20), (1, 10, 20)]
    """
    ego = np.concatenate([spells.ego, spells.ego, others.ego, others.ego]).astype(np.int64)
    at = np.concatenate([spells.begins, spells.ends, others.begins, others.ends])
    own, other = len(spells.ego), len(others.ego)
    inside = np.repeat([1, -1, 0, 0], [own, own, other, other])
    barred = np.repeat([0, 0, 1, -1], [own, own, other, other])
    order = np.lexsort((at, ego))
    ego, at = ego[order], at[order]
    open_ = (np.cumsum(inside[order]) > 0) & (np.cumsum(barred[order]) == 0)
    # What holds between one change and the next, which is of the same person wherever it is open.
    kept = open_[:-1] & (np.diff(at) > 0) if len(at) else np.zeros(0, bool)
    return Spells(ego[:-1][kept], at[:-1][kept], at[1:][kept])


def reports_between(found: Incidents, exposed: Ints, case: Ints) -> Reports:
    """:func:`reports_of_connections` of pairs of two different people given by position.

    Parameters
    ----------
    found : Incidents
    exposed, case : ndarray of int, shape (pairs, 2)
        Position of both among the people followed, and number among those with incidents; -1
        where they are not among them.
    """
    out = _between(found, exposed, case)
    middle = out.ego * found.width + out.at
    since = np.searchsorted(found.own, middle - _TOGETHER, side="left")
    upto = np.searchsorted(found.own, middle + _TOGETHER, side="right")
    return out.only(since == upto)


def _placed(found: Incidents, followed: FollowUp, pairs: pd.DataFrame) -> tuple[Ints, Ints]:
    """Both ends of each pair among the people followed, and among those with incidents."""
    ends = [pairs["person_a"], pairs["person_b"]]
    exposed = np.column_stack([followed.people.get_indexer(end) for end in ends])
    case = np.column_stack([found.names.get_indexer(end) for end in ends])
    other = (ends[0] != ends[1]).to_numpy(bool)
    return exposed[other], case[other]


def _between(found: Incidents, exposed: Ints, case: Ints) -> Reports:
    """All reports of connections, those in which one took part too."""
    ego, alter = exposed.ravel(), case[:, ::-1].ravel()
    kept = (ego >= 0) & (alter >= 0)
    wide = max(len(found.names), 1)
    # Sorted, not hashed: numpy's own unique is several times slower here.
    keys = np.sort(ego[kept].astype(np.int64) * wide + alter[kept])
    keys = keys[np.append(True, np.diff(keys) > 0)[: len(keys)]]
    ego, alter = np.divmod(keys, wide)
    each = np.diff(found.begins)[alter]
    offset = found.begins[alter] - np.cumsum(each) + each
    place = np.arange(each.sum()) + np.repeat(offset, each)
    return Reports(np.repeat(ego, each), np.repeat(alter, each), found.at[place], found.names)


def recent(
    reports: Reports,
    followed: FollowUp,
    until: float,
    since: float = TOGETHER,
    what: What = "any",
) -> Changes:
    """Exposure to reports at least ``since`` and at most ``until`` days ago.

    At t a report at u counts where u + since < t <= u + until.

    Parameters
    ----------
    reports : Reports
    followed : FollowUp
    until, since : float
        Days.
    what : {"any", "connections", "incidents"}
        1 if there is such a report, else 0; the number of connections with one; or the number
        of reports.

    Returns
    -------
    Changes
        With as few changes as say it.

    Raises
    ------
    ValueError
        If ``what`` is none of the three, or ``since`` is below a day or not below ``until``.
    """
    found = spells(_in_time(reports, followed, since, until), until, since, what)
    return _changes(
        followed,
        np.concatenate([found.ego, found.ego]),
        np.concatenate([found.begins, found.ends]),
        np.repeat([1.0, -1.0], len(found.ego)),
    )


def spells(reports: Reports, until: float, since: float = TOGETHER, what: What = "any") -> Spells:
    """Times of exposure; those that meet are one, of everybody or of one connection.

    Parameters are those of :func:`recent`.
    """
    if what not in get_args(What):
        raise ValueError(f"what is {what!r}; it must be one of {', '.join(get_args(What))}.")
    _refuse(since, until)
    own = reports
    if what == "any":
        order = np.argsort(own.ego * _width(own.at) + own.at, kind="stable")
        own = Reports(own.ego[order], own.alter[order], own.at[order], own.names)
    begins, ends = own.at + round(since * DAY), own.at + round(until * DAY)
    apart = np.ones(len(begins) + 1, bool)
    if what != "incidents":
        same = own.ego[1:] == own.ego[:-1]
        if what == "connections":
            same &= own.alter[1:] == own.alter[:-1]
        apart[1:-1] = ~same | (begins[1:] > ends[:-1])
    first, last = apart[:-1], apart[1:]
    return Spells(own.ego[first], begins[first], ends[last])


def decaying(reports: Reports, followed: FollowUp, mean: float, bounds: Sequence[float]) -> Changes:
    """Exposure that wears off: sum over reports of exp(-(days - 1)/mean), in steps.

    Within each step it is the mean of the curve there; after the last bound it is nothing.

    Parameters
    ----------
    reports : Reports
    followed : FollowUp
    mean : float
        Days by which it falls to 1/e.
    bounds : sequence of float
        Days after the report at which a step ends, ascending, above one.

    Returns
    -------
    Changes
    """
    _refuse(TOGETHER, bounds[0])
    own = _in_time(reports, followed, TOGETHER, bounds[-1])
    heights = np.append(steps_of_decay(mean, bounds), 0.0)
    begins = [TOGETHER, *bounds]
    return _changes(
        followed,
        np.tile(own.ego, len(begins)),
        np.concatenate([own.at + round(day * DAY) for day in begins]),
        np.repeat(np.diff(heights, prepend=0.0), len(own.ego)),
    )


def steps_of_decay(mean: float, bounds: Sequence[float]) -> Floats:
    """Mean of exp(-(days - 1)/mean) between one day and the first bound, and so on.

    Examples
    --------
    >>> steps_of_decay(1.0, [2, 3]).round(4).tolist()
    [0.6321, 0.2325]
    """
    left = np.exp(-(np.array([TOGETHER, *bounds]) - TOGETHER) / mean)
    return np.asarray(-np.diff(left) * mean / np.diff([TOGETHER, *bounds]))


def earlier(reports: Reports, followed: FollowUp, since: float) -> Changes:
    """Number of reports of connections more than some days ago, since the study began."""
    _refuse(since, np.inf)
    own = _in_time(reports, followed, since, np.inf)
    return _changes(followed, own.ego, own.at + round(since * DAY), np.ones(len(own.ego)))


def recent_events_of_alters(
    persons: ArrayLike,
    times: ArrayLike,
    ties: pd.DataFrame,
    events: pd.DataFrame,
    within: float,
) -> NDArray[np.int64]:
    """Number of events of a person's alters from ``within`` before a time to just before it.

    Parameters
    ----------
    persons : array_like, shape (n,)
        Whose exposure.
    times : array_like, shape (n,)
        When, on the clock of the events.
    ties : DataFrame
        ``ego``, ``alter``: one row per direction. A tie of a person with themselves is no tie;
        a pair given twice counts once.
    events : DataFrame
        ``person``, ``time``.
    within : float
        h: an event at u counts at time t if t - h <= u < t.

    Returns
    -------
    ndarray of int, shape (n,)
        Own events never count, nor does one at the same time.

    Examples
    --------
    >>> ties = pd.DataFrame({"ego": ["a", "b"], "alter": ["b", "a"]})
    >>> events = pd.DataFrame({"person": ["b", "b", "a"], "time": [1.0, 3.0, 3.0]})
    >>> recent_events_of_alters(["a", "a"], [3, 4], ties, events, 14).tolist()
    [1, 2]
    """
    pairs = ties.loc[ties["ego"] != ties["alter"], ["ego", "alter"]].drop_duplicates()
    seen = pairs.merge(events, left_on="alter", right_on="person")
    who = pd.Index(pd.unique(pd.concat([pd.Series(np.asarray(persons)), seen["ego"]])))
    moments, place = np.unique(seen["time"].to_numpy(), return_inverse=True)
    width = len(moments) + 1
    keys = np.sort(who.get_indexer(seen["ego"]) * width + place)
    own = who.get_indexer(np.asarray(persons)) * width
    when = np.asarray(times, float)
    upto = np.searchsorted(keys, own + np.searchsorted(moments, when, side="left"))
    since = np.searchsorted(keys, own + np.searchsorted(moments, when - within, side="left"))
    return (upto - since).astype(np.int64)


def _refuse(since: float, until: float) -> None:
    if not TOGETHER <= since < until:
        raise ValueError(
            f"exposure from {since:g} to {until:g} days after a report: it begins {TOGETHER:g} day "
            "after it or later, and ends after it begins."
        )


def _width(at: Ints) -> int:
    """Milliseconds longer than any of the times."""
    return int(at.max(initial=0)) + 1


def _in_time(reports: Reports, followed: FollowUp, since: float, until: float) -> Reports:
    """Reports that are exposure at some time in the person's window."""
    late = reports.at + round(since * DAY) < followed.closes[reports.ego]
    if np.isfinite(until):
        late &= reports.at + round(until * DAY) > followed.opens[reports.ego]
    return reports.only(late)


def _changes(followed: FollowUp, ego: Ints, at: Ints, by: Floats) -> Changes:
    # What changes after the window changes nothing, and would be a change at its end.
    inside = at < followed.closes[ego]
    return Changes(np.zeros(len(followed.people)), ego[inside], at[inside], by[inside])
