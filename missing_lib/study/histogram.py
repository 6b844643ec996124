"""Counts as a histogram, and intervals from drawing whole people anew, which it makes cheap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.given import refuse_unless_whole
from missing_lib.study.intervals import Interval, bias_corrected

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Histogram:
    """How many people have each number of incidents.

    Attributes
    ----------
    values : ndarray of float, shape (k,)
        Numbers of incidents that occur, ascending; zero may be one of them.
    people : ndarray of float, shape (k,) or (draws, k)
        People with that number, one row for each draw of a resampled histogram.
    """

    values: Floats
    people: Floats


def histogram(counts: ArrayLike) -> Histogram:
    """Count how many people have each number of incidents.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Incidents of each person.

    Raises
    ------
    ValueError
        If a count is missing or no whole number of 0 or more.

    Examples
    --------
    >>> h = histogram([1, 3, 1])
    >>> h.values.tolist(), h.people.tolist()
    ([1.0, 3.0], [2.0, 1.0])
    """
    given = np.asarray(counts)
    if given.dtype.kind == "i" and given.size and given.min() >= 0 and given.max() < given.size:
        number = np.bincount(given)
        there = np.flatnonzero(number)
        return Histogram(np.asarray(there, dtype=float), np.asarray(number[there], dtype=float))
    values, people = np.unique(given.astype(float), return_counts=True)
    if np.isnan(values).any():
        raise ValueError("A count is missing; every person needs one.")
    refuse_unless_whole("counts", values)
    return Histogram(values, people.astype(float))


def as_histogram(counts: ArrayLike | Histogram) -> Histogram:
    """A histogram as it is, or that of counts."""
    return counts if isinstance(counts, Histogram) else histogram(counts)


def by_people(
    counts: ArrayLike | Histogram,
    statistics: Mapping[str, Callable[[Histogram], Floats]],
    *,
    draws: int = 1000,
    seed: int = 1,
) -> dict[str, Interval]:
    """Intervals of statistics of the histogram, when whole people are drawn anew.

    Drawing n people with replacement is one multinomial draw over the histogram, whatever n is.
    The intervals are corrected for bias and skewness (:func:`intervals.bias_corrected`): the
    middle 95 % of the draws miss the Gini coefficient of three hundred people with counts like
    the study's in 12 % of samples, the corrected interval in 10 %; with eleven hundred 6 and 5 %.

    Parameters
    ----------
    counts : array_like of int, shape (n,), or Histogram
    statistics : mapping of str to callable
        Each takes a histogram with one or many rows of people and returns as many values.
    draws : int
        Resampled populations.
    seed : int

    Returns
    -------
    dict of Interval
        95 %, by name; NaN without incidents.
    """
    hist = as_histogram(counts)
    if not hist.values @ hist.people > 0:
        return {name: Interval(np.nan, np.nan) for name in statistics}
    n = int(hist.people.sum())
    drawn = np.random.default_rng(seed).multinomial(n, hist.people / n, draws)
    resampled = Histogram(hist.values, drawn.astype(float))
    without = Histogram(hist.values, hist.people - np.eye(len(hist.values)))
    return {
        name: bias_corrected(
            float(statistic(hist)), statistic(resampled), statistic(without), hist.people
        )
        for name, statistic in statistics.items()
    }
