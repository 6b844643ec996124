"""What a network Hawkes process is fitted to: who was at risk, who was reported, who heard of it.

Times are days. A person is at risk within one window, except between a report and the return
from it. A report can raise the rates of those tied to its person from ``together`` days after
it on, so that what raises a rate is always known by then. A person who was reported within
``together`` days of it, before or after, took part: it is one event, and never exposure. The
first report stands for the event: one that joins another (:mod:`.at_risk`) is heard of and has a
return, but is not explained, and the days in which it would join are no time at risk.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.network_hawkes.at_risk import (
    Away,
    Floats,
    Heard,
    Ints,
    joins,
    times_away,
)

Weights = Literal["mean", "sum"]


@dataclass(frozen=True)
class Ties:
    """Who hears of whose reports, grouped by the person reported.

    Attributes
    ----------
    first : ndarray of int, shape (people + 1,)
        Where the hearers of each person begin.
    ego : ndarray of int, shape (directed ties,)
        Who hears.
    weight : ndarray of float, shape (directed ties,)
        w_ij of ego i and reported person j: one over the number of i's alters (``mean``), so
        that c is what a report of every alter would bring; or 1 (``sum``), so that c is what
        each report brings to each alter of its person.
    """

    first: Ints
    ego: Ints
    weight: Floats


@dataclass(frozen=True)
class Background:
    """The rate that no earlier report explains: v_i exp(x_i beta + z beta'), by pieces of a window.

    Attributes
    ----------
    terms : tuple of str
        Of the columns of ``fixed``, the first the constant, and then of ``varying``.
    fixed : ndarray, shape (people, fixed terms)
        x_i.
    varying : ndarray, shape (patterns, varying terms)
        Every z that occurs.
    first : ndarray of int, shape (people + 1,)
        Where the pieces of each person begin.
    start : ndarray of float, shape (pieces,)
        Days; the pieces of a person lie end to end and make up the window.
    pattern : ndarray of int, shape (pieces,)
        Row of ``varying`` that holds in each piece.
    reasons : dict of str to str
        Terms that could not be had, and why.
    """

    terms: tuple[str, ...]
    fixed: Floats
    varying: Floats
    first: Ints
    start: Floats
    pattern: Ints
    reasons: dict[str, str]

    def rates(self, beta: Floats) -> tuple[Floats, Floats]:
        """Rate per day of each person, and the factor of each pattern."""
        k = self.fixed.shape[1]
        return np.exp(self.fixed @ beta[:k]), np.exp(self.varying @ beta[k:])

    def ends(self, closes: Floats) -> Floats:
        """Where each piece ends."""
        end = np.append(self.start[1:], 0.0)[: len(self.start)]
        some = np.diff(self.first) > 0
        end[self.first[1:][some] - 1] = closes[some]
        return end


@dataclass(frozen=True)
class Setting:
    """Everything that is given, whoever is reported.

    Attributes
    ----------
    opens, closes : ndarray of float, shape (people,)
        Window of each person, days; the two alike of somebody whose reports are heard and not
        explained.
    ties : Ties
    background : Background
    given_person, given_at : ndarrays, shape (given,)
        Reports outside windows, which others may hear of.
    together : float
        Days.
    person_effects : bool
        Whether the background of each person has a gamma factor v_i of its own, of mean 1.
    people : ndarray of object, shape (people,)
        Identifiers.
    edges : ndarray of float, shape (quarters + 1,)
        Days at which the quarters of the study begin, and its end; empty where there are none.
    season : ndarray of int, shape (quarters,)
        1 to 4.
    """

    opens: Floats
    closes: Floats
    ties: Ties
    background: Background
    given_person: Ints
    given_at: Floats
    together: float
    person_effects: bool
    people: NDArray[np.object_]
    edges: Floats = field(default_factory=lambda: np.empty(0))
    season: Ints = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True)
class Jumps:
    """Moments at which the rate of a person rises, grouped by person, in order of time.

    Attributes
    ----------
    first : ndarray of int, shape (people + 1,)
    at : ndarray of float, shape (jumps,)
    weight : ndarray of float, shape (jumps,)
    source : ndarray of int, shape (jumps,)
        Which report: a position in :attr:`Timeline.at`, or from its length on one that is heard
        of and not explained, those that joined another first.
    """

    first: Ints
    at: Floats
    weight: Floats
    source: Ints


@dataclass(frozen=True)
class Timeline:
    """Reports in a setting, and what follows from the two.

    Attributes
    ----------
    setting : Setting
    first : ndarray of int, shape (people + 1,)
        Where the reports of each person begin, of those that are to be explained.
    person : ndarray of int, shape (reports,)
    at, back : ndarray of float, shape (reports,)
        Report and return, days.
    joined : tuple of ndarray, each of shape (joined,)
        Person, report and return of those that joined another.
    away : Away
        Times not at risk.
    pattern : ndarray of int, shape (reports,)
        Of the background at the report.
    exposure : ndarray of float, shape (pieces,)
        Days at risk within each piece of the background.
    own, peer : Jumps
        Own returns, and reports of alters ``together`` days after them.
    """

    setting: Setting
    first: Ints
    person: Ints
    at: Floats
    back: Floats
    joined: tuple[Ints, Floats, Floats]
    away: Away
    pattern: Ints
    exposure: Floats
    own: Jumps
    peer: Jumps

    @property
    def reports(self) -> int:
        """Number of reports that the process is to explain."""
        return len(self.at)

    @property
    def exposed(self) -> int:
        """Number of people who ever heard of an alter's report while in their window."""
        return int((np.diff(self.peer.first) > 0).sum())


def ties_of(people: int, pairs: ArrayLike, weights: Weights = "mean") -> Ties:
    """Ties from pairs of positions.

    Parameters
    ----------
    people : int
    pairs : array_like of int, shape (ties, 2)
        In any order; a pair given twice counts once, one of a person with themselves never.
    weights : {"mean", "sum"}

    Returns
    -------
    Ties

    Raises
    ------
    ValueError
        If ``weights`` is unknown.

    Examples
    --------
    >>> ties_of(3, [[0, 1], [1, 2]]).weight.tolist()
    [0.5, 1.0, 1.0, 0.5]
    """
    if weights not in get_args(Weights):
        raise ValueError(f"{weights!r} is none of {', '.join(get_args(Weights))}")
    given = np.asarray(pairs, np.int64).reshape(-1, 2)
    given = given[given[:, 0] != given[:, 1]]
    both = np.concatenate([given, given[:, ::-1]])
    key = np.unique(both[:, 0] * people + both[:, 1])
    source, ego = np.divmod(key, max(people, 1))
    degree = np.bincount(source, minlength=people)
    weight = 1.0 / degree[ego] if weights == "mean" else np.ones(len(ego))
    return Ties(_offsets(source, people), ego, weight)


def constant_background(opens: Floats, design: Floats, terms: tuple[str, ...]) -> Background:
    """A background of each person that never changes.

    Parameters
    ----------
    opens : ndarray, shape (people,)
    design : ndarray, shape (people, terms)
        Without the constant.
    terms : tuple of str
    """
    people = len(opens)
    rows = np.column_stack([np.ones(people), np.asarray(design, float).reshape(people, -1)])
    none = np.zeros(people, np.int64)
    return Background(
        ("constant", *terms), rows, np.zeros((1, 0)), np.arange(people + 1), opens, none, {}
    )


def timeline(
    setting: Setting, person: ArrayLike, at: ArrayLike, back: ArrayLike | None = None
) -> Timeline:
    """Reports in a setting.

    Parameters
    ----------
    setting : Setting
    person : array_like of int, shape (reports,)
    at : array_like of float, shape (reports,)
        After the window opens, and not after it closes.
    back : array_like of float, shape (reports,), optional
        Not before the report nor after the next; the report itself if not given.

    Returns
    -------
    Timeline

    Raises
    ------
    ValueError
        If a report lies outside its person's window, or before the return from another.
    """
    who, when = np.asarray(person, np.int64), np.asarray(at, float)
    returned = when if back is None else np.asarray(back, float)
    order = np.lexsort((when, who))
    who, when, returned = who[order], when[order], returned[order]
    _check(setting, who, when, returned)
    people = len(setting.opens)
    heard, place = _told(setting, who, when)
    alone = ~joins(heard, people, who, when, setting.together)
    away = times_away(
        heard, setting.opens, setting.closes, (who, when, returned), alone, setting.together
    )
    pieces = setting.background
    exposure = _time_at_risk(
        pieces.ends(setting.closes) - pieces.start, pieces.first, pieces.start, setting.closes,
        away.person, away.begins, away.ends,
    )  # fmt: skip
    ends_in = _piece(pieces.first, pieces.start, who[alone], when[alone])
    # Those explained come first, then those that joined, then the given ones.
    number = np.empty(len(who) + len(setting.given_at), np.int64)
    number[np.append(np.flatnonzero(alone), np.flatnonzero(~alone))] = np.arange(len(who))
    number[len(who) :] = np.arange(len(who), len(number))
    inside = np.flatnonzero(returned < setting.closes[who])
    own = Jumps(
        _offsets(who[inside], people), returned[inside], np.ones(len(inside)), number[inside]
    )
    return Timeline(
        setting, _offsets(who[alone], people), who[alone], when[alone], returned[alone],
        (who[~alone], when[~alone], returned[~alone]), away, pieces.pattern[ends_in], exposure,
        own, _reaching(setting, who, when, heard, place, number),
    )  # fmt: skip


def again(line: Timeline, person: ArrayLike, at: ArrayLike, back: ArrayLike) -> Timeline:
    """Other reports in the same setting, such as simulated ones."""
    return timeline(line.setting, person, at, back)


def without_person_effects(line: Timeline) -> Timeline:
    """The same, to be fitted with covariates alone."""
    return replace(line, setting=replace(line.setting, person_effects=False))


def _check(setting: Setting, who: Ints, at: Floats, back: Floats) -> None:
    inside = (at > setting.opens[who]) & (at <= setting.closes[who])
    if not inside.all():
        raise ValueError("a report lies outside the window of its person")
    same = who[1:] == who[:-1]
    if (back < at).any() or (same & (at[1:] <= back[:-1]) & (at[1:] != at[:-1])).any():
        raise ValueError("a report comes before the return from the one before")
    if (same & (at[1:] == at[:-1])).any():
        raise ValueError("two reports of one person at the same moment")


def _told(setting: Setting, who: Ints, at: Floats) -> tuple[Heard, tuple[Ints, Ints]]:
    """Who is tied to the person of each report; with it, number of the report and of the tie."""
    ties = setting.ties
    source = np.concatenate([who, setting.given_person])
    when = np.concatenate([at, setting.given_at])
    times = ties.first[source + 1] - ties.first[source]
    report = np.repeat(np.arange(len(source)), times)
    tie = np.arange(times.sum()) + np.repeat(ties.first[source] - np.cumsum(times) + times, times)
    return Heard(ties.ego[tie], source[report], when[report]), (report, tie)


def _reaching(
    setting: Setting,
    who: Ints,
    at: Floats,
    heard: Heard,
    place: tuple[Ints, Ints],
    number: Ints,
) -> Jumps:
    """Whom each report reaches, and when; those who took part are left out."""
    reaches = heard.at + setting.together
    source = np.concatenate([who, setting.given_person])
    when = np.concatenate([at, setting.given_at])
    everybody = np.lexsort((when, source))
    all_first = _offsets(source[everybody], len(setting.opens))
    reached = reaches < setting.closes[heard.ego]
    reached &= ~_took_part(all_first, when[everybody], heard.ego, heard.at, setting.together)
    report, tie = (one[reached] for one in place)
    ego, reaches = heard.ego[reached], reaches[reached]
    order = np.lexsort((reaches, ego))
    return Jumps(
        _offsets(ego[order], len(setting.opens)),
        reaches[order],
        setting.ties.weight[tie[order]],
        number[report[order]],
    )


@njit(cache=True)
def _took_part(
    first: Ints, at: Floats, ego: Ints, when: Floats, together: float
) -> NDArray[np.bool_]:
    """Whether each ego was reported within some days of each alter's report."""
    out = np.zeros(len(ego), np.bool_)
    for k in range(len(ego)):
        low, high = first[ego[k]], first[ego[k] + 1]
        j = low + np.searchsorted(at[low:high], when[k] - together)
        out[k] = j < high and at[j] <= when[k] + together
    return out


@njit(cache=True)
def _time_at_risk(
    length: Floats,
    first: Ints,
    start: Floats,
    closes: Floats,
    who: Ints,
    begins: Floats,
    ends: Floats,
) -> Floats:
    """Length of each piece less the time away."""
    left = length.copy()
    for k in range(len(who)):
        low, high = first[who[k]], first[who[k] + 1]
        p = low + max(np.searchsorted(start[low:high], begins[k]) - 1, 0)
        now, until = begins[k], ends[k]
        while p < high and now < until:
            end = start[p + 1] if p + 1 < high else closes[who[k]]
            gone = min(end, until) - now
            left[p] -= gone
            now += gone
            p += 1
    return np.maximum(left, 0.0)


@njit(cache=True)
def _piece(first: Ints, start: Floats, who: Ints, at: Floats) -> Ints:
    """The piece that each report ends in; one at the very start of a piece, in that before."""
    out = np.empty(len(who), np.int64)
    for k in range(len(who)):
        low, high = first[who[k]], first[who[k] + 1]
        out[k] = low + max(np.searchsorted(start[low:high], at[k]) - 1, 0)
    return out


def _offsets(sorted_key: Ints, groups: int) -> Ints:
    """Where each group of a sorted key begins, and the end."""
    return np.searchsorted(sorted_key, np.arange(groups + 1)).astype(np.int64)
