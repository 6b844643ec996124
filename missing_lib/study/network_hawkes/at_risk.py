"""When somebody is at risk of a report that begins an event of its own.

Not between a report and the return from it; and not in the days after a report of somebody tied,
because who is reported then joined that event: its first report stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Away:
    """Times not at risk, apart from each other, grouped by person and in order.

    Attributes
    ----------
    first : ndarray of int, shape (people + 1,)
        Where those of each person begin.
    person : ndarray of int, shape (times,)
    begins, ends : ndarray of float, shape (times,)
        Days; at risk up to and at the beginning, and again after the end.
    report : ndarray of int, shape (times,)
        Which of the reports that are to be explained is at the beginning; -1 for none.
    """

    first: Ints
    person: Ints
    begins: Floats
    ends: Floats
    report: Ints


@dataclass(frozen=True)
class Heard:
    """Reports of tied people, once for each who is tied to them.

    Attributes
    ----------
    ego, alter : ndarray of int, shape (heard,)
        Whose tie, and who was reported.
    at : ndarray of float, shape (heard,)
        Day of the report.
    """

    ego: Ints
    alter: Ints
    at: Floats


def joins(heard: Heard, people: int, who: Ints, at: Floats, together: float) -> NDArray[np.bool_]:
    """Whether each report joined an event that a report of somebody tied had begun.

    Of two at one moment the first is that of the person with the smaller position.

    Parameters
    ----------
    heard : Heard
    people : int
    who, at : ndarray, shape (reports,)
    together : float
        Days; 0 for no such rule.

    Examples
    --------
    >>> heard = Heard(np.array([0, 1]), np.array([1, 0]), np.array([5.5, 5.0]))
    >>> joins(heard, 2, np.array([0, 1]), np.array([5.0, 5.5]), 1.0).tolist()
    [False, True]
    """
    if together <= 0:
        return np.zeros(len(at), np.bool_)
    order = np.lexsort((heard.alter, heard.at, heard.ego))
    ego = heard.ego[order]
    first = np.searchsorted(ego, np.arange(people + 1)).astype(np.int64)
    return np.asarray(_joins(first, heard.at[order], heard.alter[order], who, at, together))


def times_away(
    heard: Heard,
    opens: Floats,
    closes: Floats,
    reports: tuple[Ints, Floats, Floats],
    explained: NDArray[np.bool_],
    together: float,
) -> Away:
    """The union of all that takes somebody out of the risk set, inside the windows.

    Parameters
    ----------
    heard : Heard
    opens, closes : ndarray, shape (people,)
    reports : tuple of ndarray, each of shape (reports,)
        Person, report and return.
    explained : ndarray of bool, shape (reports,)
        Which of them did not join another.
    together : float
        Days after a report of somebody tied that are no time at risk.
    """
    who, at, back = reports
    number = np.where(explained, np.cumsum(explained) - 1, -1)
    near = heard.at < closes[heard.ego]
    near &= (heard.at + together > opens[heard.ego]) & (together > 0)
    ego, begins = heard.ego[near], heard.at[near]
    person = np.concatenate([who, ego])
    start = np.maximum(np.concatenate([at, begins]), opens[person])
    end = np.minimum(np.concatenate([back, begins + together]), closes[person])
    told = np.concatenate([number, np.full(len(ego), -1)])
    order = np.lexsort((-told, start, person))
    person, start, end, told = _merged(person[order], start[order], end[order], told[order])
    first = np.searchsorted(person, np.arange(len(opens) + 1)).astype(np.int64)
    return Away(first, person, start, end, told)


@njit(cache=True)
def _joins(
    first: Ints, heard: Floats, alter: Ints, who: Ints, at: Floats, together: float
) -> NDArray[np.bool_]:
    out = np.zeros(len(at), np.bool_)
    for k in range(len(at)):
        low, high = first[who[k]], first[who[k] + 1]
        j = low + np.searchsorted(heard[low:high], at[k])
        out[k] = j > low and at[k] <= heard[j - 1] + together
        while j < high and heard[j] == at[k]:
            out[k] |= alter[j] < who[k]
            j += 1
    return out


@njit(cache=True)
def _merged(
    person: Ints, start: Floats, end: Floats, report: Ints
) -> tuple[Ints, Floats, Floats, Ints]:
    """Times that touch made one; an explained report can only be at the beginning of one."""
    kept = -1
    for k in range(len(person)):
        if kept >= 0 and person[k] == person[kept] and start[k] <= end[kept] and report[k] < 0:
            end[kept] = max(end[kept], end[k])
            continue
        kept += 1
        person[kept], start[kept], end[kept] = person[k], start[k], end[k]
        report[kept] = report[k]
    kept += 1
    return person[:kept], start[:kept], end[:kept], report[:kept]
