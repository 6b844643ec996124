"""How few people account for how much: Gini, Lorenz curve, top shares and their uncertainty.

Everything is computed from the histogram of counts (how many people have one incident, two,
...), so that the cost depends on the largest count and not on the number of people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.histogram import Histogram, by_people, histogram
from missing_lib.study.intervals import Interval

Floats = NDArray[np.float64]

#: Share of the incidents for which :func:`people_holding` is asked.
HALF = 0.5


@dataclass(frozen=True)
class Concentration:
    """Concentration of incidents in people with at least one.

    Attributes
    ----------
    people, incidents : int
    gini, gini_small_sample : float
        Gini coefficient as is, and times n/(n-1).
    gini_generalised, gini_generalised_small_sample : float
        Against the most equal split that whole incidents allow; differ from the former only
        where incidents are fewer than people.
    top_share : float
        Share of incidents of the top fraction of people.
    persistent_people, persistent_incidents : int
        People with the given number of incidents or more, and their incidents.
    persistent_people_share, persistent_share : float
        The same two as fractions of all people and all incidents.
    """

    people: int
    incidents: int
    gini: float
    gini_small_sample: float
    gini_generalised: float
    gini_generalised_small_sample: float
    top_share: float
    persistent_people: int
    persistent_incidents: int
    persistent_people_share: float
    persistent_share: float


def gini(hist: Histogram) -> Floats:
    """Gini coefficient, G = (2 sum i y_(i) - n - 1) / n with y the ascending shares of incidents.

    Returns
    -------
    ndarray of float, shape () or (draws,)
        NaN without people or without incidents.

    Notes
    -----
    The k-th value fills the ranks N_(k-1)+1 ... N_k, whose sum is n_k (N_(k-1) + N_k + 1) / 2
    (Bernasco and Steenbeek 2017, doi 10.1007/s10940-016-9324-7).

    Examples
    --------
    >>> round(float(gini(histogram([5, 2, 1] + 7 * [0]))), 6)
    0.8
    """
    after = np.cumsum(hist.people, axis=-1)
    rank_sums = hist.people * (2 * after - hist.people + 1) / 2
    n = hist.people.sum(axis=-1)
    held = _ratio((hist.values * rank_sums).sum(axis=-1), _incidents(hist))
    return _ratio(2 * held - n - 1, n)


def generalised_gini(hist: Histogram) -> Floats:
    """Gini coefficient against the most equal split that whole incidents allow.

    G' = max(1, n/c) (G - 1) + 1 for c incidents of n people: zero where c < n people have one
    each (Bernasco and Steenbeek 2017, doi 10.1007/s10940-016-9324-7).

    Examples
    --------
    >>> round(float(generalised_gini(histogram([5, 2, 1] + 7 * [0]))), 6)
    0.75
    """
    per_incident = _ratio(hist.people.sum(axis=-1), _incidents(hist))
    return np.maximum(1.0, per_incident) * (gini(hist) - 1) + 1


def small_sample(coefficient: ArrayLike, size: ArrayLike) -> Floats:
    """Multiply by m/(m-1), so that one person who holds everything gives one.

    Parameters
    ----------
    size : array_like
        m: people for the Gini coefficient, the smaller of people and incidents for the
        generalised one.
    """
    m = np.asarray(size, dtype=float)
    return np.asarray(coefficient, dtype=float) * _ratio(m, m - 1)


def top_people(hist: Histogram, top: float) -> Floats:
    """How many people of each value belong to the top fraction.

    The value at which the cut falls contributes as many people as are still needed: each of
    the tied people belongs with the same fractional weight, which is what breaking ties at
    random gives on average.

    Returns
    -------
    ndarray of float, same shape as ``hist.people``
    """
    after = np.cumsum(hist.people, axis=-1)
    n = after[..., -1:] if hist.values.size else np.zeros(hist.people.shape)
    return np.clip(top * n - (n - after), 0.0, hist.people)


def top_share(hist: Histogram, top: float) -> Floats:
    """Share of incidents of the top fraction of people, T(q) = 1 - L(1 - q), interpolated.

    Parameters
    ----------
    hist : Histogram
    top : float
        Fraction q of people.

    Returns
    -------
    ndarray of float, shape () or (draws,)

    Examples
    --------
    >>> round(float(top_share(histogram([1, 2, 3, 4, 5]), 0.3)), 6)
    0.466667
    """
    held = (hist.values * top_people(hist, top)).sum(axis=-1)
    return _ratio(held, _incidents(hist))


def top_weights(counts: ArrayLike, top: float) -> Floats:
    """Weight with which each person belongs to the top fraction of those with an incident.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Incidents of each person; people with none are never in the set and not in its base.
    top : float

    Returns
    -------
    ndarray of float, shape (n,)
        One above the cut, zero below, in between for people tied at it. The weights add up to
        ``top`` times the people with an incident.

    Examples
    --------
    >>> top_weights([4, 1, 1, 1, 0, 1], 0.4).tolist()
    [1.0, 0.25, 0.25, 0.25, 0.0, 0.25]
    """
    given = np.asarray(counts).astype(np.int64)
    if given.size == 0:
        return np.zeros(0)
    people = np.bincount(given)
    people[0] = 0
    hist = Histogram(np.arange(len(people), dtype=float), people.astype(float))
    of_value = np.divide(
        top_people(hist, top), hist.people, out=np.zeros(len(people)), where=people > 0
    )
    return np.asarray(of_value[given], dtype=float)


def lorenz(counts: ArrayLike) -> pd.DataFrame:
    """The Lorenz curve from the top: share of incidents held by the most frequent people.

    Returns
    -------
    DataFrame
        ``share_people`` and ``share_incidents``, from (0, 0) to (1, 1), one row for each number
        of incidents that occurs; the curve is straight in between. Empty without incidents.
    """
    hist = histogram(counts)
    if not _incidents(hist) > 0:
        return pd.DataFrame({"share_people": [], "share_incidents": []}, dtype=float)
    people = np.cumsum(hist.people[::-1])
    incidents = np.cumsum((hist.values * hist.people)[::-1])
    return pd.DataFrame(
        {
            "share_people": np.concatenate([[0.0], people / people[-1]]),
            "share_incidents": np.concatenate([[0.0], incidents / incidents[-1]]),
        }
    )


def people_holding(counts: ArrayLike, share: float, known: int) -> float:
    """Smallest part of all known people that holds a share of the incidents, interpolated.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Incidents of the people with at least one.
    share : float
        Share of incidents.
    known : int
        All people, with or without an incident.

    Examples
    --------
    >>> people_holding([4, 2, 2], 0.5, known=10)
    0.1
    """
    curve = lorenz(counts)
    if curve.empty or known < 1:
        return float("nan")
    holding = np.interp(share, curve["share_incidents"], curve["share_people"])
    return float(holding) * len(np.asarray(counts)) / known


def with_known(counts: ArrayLike, known: int) -> NDArray[np.int64]:
    """Counts of all known people: those given, and zeros up to the number known."""
    given = np.asarray(counts, dtype=np.int64)
    return np.append(given, np.zeros(max(known - len(given), 0), dtype=np.int64))


def persistent(counts: pd.Series, least: int) -> pd.Series:
    """The counts of the people with at least ``least`` incidents."""
    return counts[counts >= least]


def measure(counts: ArrayLike, top: float, least: int) -> Concentration:
    """All measures of concentration of one set of counts.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Incidents of each person.
    top : float
        Fraction of people whose share is taken.
    least : int
        Incidents from which on a person counts as persistent.
    """
    hist = histogram(counts)
    people, incidents = float(hist.people.sum()), float(_incidents(hist))
    many = hist.values >= least
    held = float((hist.values * hist.people)[many].sum())
    plain, general = float(gini(hist)), float(generalised_gini(hist))
    return Concentration(
        people=int(people),
        incidents=int(incidents),
        gini=plain,
        gini_small_sample=float(small_sample(plain, people)),
        gini_generalised=general,
        gini_generalised_small_sample=float(sparse_gini(hist)),
        top_share=float(top_share(hist, top)),
        persistent_people=int(hist.people[many].sum()),
        persistent_incidents=int(held),
        persistent_people_share=float(_ratio(hist.people[many].sum(), people)),
        persistent_share=float(_ratio(held, incidents)),
    )


def bootstrap(
    counts: ArrayLike, top: float, least: int, *, draws: int = 1000, seed: int = 1
) -> dict[str, Interval]:
    """Intervals of the measures that the book prints, from resampling whole people.

    Parameters
    ----------
    counts, top, least
        As in :func:`measure`.
    draws : int
        Resampled populations.
    seed : int

    Returns
    -------
    dict of Interval
        ``gini``, ``top_share``, ``persistent_share``, ``persistent_people_share``.
    """
    return by_people(
        counts,
        {
            "gini": gini,
            "top_share": lambda hist: top_share(hist, top),
            "persistent_share": lambda hist: _share_from(hist, least, of_incidents=True),
            "persistent_people_share": lambda hist: _share_from(hist, least, of_incidents=False),
        },
        draws=draws,
        seed=seed,
    )


def curve_band(
    counts: ArrayLike, tops: ArrayLike, *, draws: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Interval of the share of incidents that each top fraction of people holds.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
    tops : array_like of float, shape (k,)
        Fractions of people; each has an interval of its own, not one for the whole curve.

    Returns
    -------
    DataFrame
        ``share_people``, ``share_incidents``, ``lower``, ``upper``, as fractions.

    Examples
    --------
    >>> curve_band([1, 1, 4, 4], [0.5], draws=20)["share_incidents"].tolist()
    [0.8]
    """
    fractions = np.asarray(tops, dtype=float)
    hist = histogram(counts)

    def share(top: float) -> Callable[[Histogram], Floats]:
        return lambda drawn: top_share(drawn, top)

    found = by_people(
        counts, {str(k): share(top) for k, top in enumerate(fractions)}, draws=draws, seed=seed
    )
    return pd.DataFrame(
        {
            "share_people": fractions,
            "share_incidents": [float(top_share(hist, top)) for top in fractions],
            "lower": [found[str(k)].low for k in range(len(fractions))],
            "upper": [found[str(k)].high for k in range(len(fractions))],
        }
    )


def sparse_gini(hist: Histogram) -> Floats:
    """Generalised Gini coefficient with its small-sample factor, m the fewer of c and n.

    Examples
    --------
    >>> round(float(sparse_gini(histogram([5, 2, 1] + 7 * [0]))), 6)
    0.857143
    """
    size = np.minimum(hist.people.sum(axis=-1), _incidents(hist))
    return small_sample(generalised_gini(hist), size)


def bands(counts: ArrayLike, largest: int = 10) -> pd.Categorical:
    """Numbers of incidents as table rows: 1, 2, ... and ``largest`` or more.

    Examples
    --------
    >>> list(bands([1, 12, 3], largest=4))
    ['1', '4 or more', '3']
    """
    levels = [str(k) for k in range(1, largest)] + [f"{largest} or more"]
    codes = np.minimum(np.asarray(counts, dtype=int), largest) - 1
    return pd.Categorical.from_codes(codes, categories=levels, ordered=True)


def published() -> pd.DataFrame:
    """What other studies found: the few who account for many, in per cent.

    Returns
    -------
    DataFrame
        ``who``, ``people_percent``, ``incidents_percent``, ``source``.
    """
    rows = [
        ("children missing ten times or more, the study", 11.0, 59.0, "the study"),
        ("children missing ten times or more, one force, 2015", 4.0, 28.0, "Sidebottom 2020"),
        ("children missing most often, one force", 6.0, 33.0, "Police Journal 2021"),
        ("worst tenth of offenders", 10.0, 41.3, "Eck 2017"),
        ("worst tenth of victims", 10.0, 34.8, "Eck 2017"),
        ("worst tenth of places", 10.0, 42.4, "Eck 2017"),
    ]
    return pd.DataFrame(rows, columns=["who", "people_percent", "incidents_percent", "source"])


def _share_from(hist: Histogram, least: int, *, of_incidents: bool) -> Floats:
    """Share of incidents, or of people, of those with at least ``least`` incidents."""
    size = hist.values * hist.people if of_incidents else hist.people
    return _ratio(size[..., hist.values >= least].sum(axis=-1), size.sum(axis=-1))


def _incidents(hist: Histogram) -> Floats:
    return np.asarray((hist.values * hist.people).sum(axis=-1), dtype=float)


def _ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Quotient, NaN where the denominator is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.asarray(numerator, dtype=float) / np.asarray(denominator, dtype=float)
    return np.where(np.isfinite(quotient), quotient, np.nan)
