"""Whether incidents follow those of acquaintances more closely than chance would have it.

Whole histories are shifted around the clock of each person's own risk, gaps intact. What is
left in step after that is likeness in time; it is not yet influence (Shalizi and Thomas 2011,
doi 10.1177/0049124111404820).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from missing_lib.force.tables import birth_anniversary
from missing_lib.study.cohort import Cohort, at_risk_windows

#: Reports of tied people at most this far apart, in days, are one event: they may have left
#: together, and nobody can tell who followed whom.
TOGETHER = 1.0
#: An incident counts if a connection was reported missing at most so many days before it.
DAYS = 28
#: Shifts of the histories unless asked otherwise.
DRAWS = 199
#: Normal quantile of 80 % power.
POWER = 0.84
#: Stated before looking: ratios up to this are too small to matter.
SMALL = 1.25
#: p values below this count as evidence.
LEVEL = 0.05
_MONTHS_PER_QUARTER = 3
_PASSES = 30


@dataclass(frozen=True)
class Timing:
    """Incidents shortly after a connection's incident, observed and under shifted histories.

    Attributes
    ----------
    observed : float
        Events within the days after an event of a connection; children reported together are
        one event, shared out among them.
    expected : float
        Mean over the shifted histories.
    ratio : float
        observed / expected.
    low, high : float
        Between these ratios lie 95 % of the shifted histories.
    p : float
        (1 + number of shifts at least as large as observed) / (draws + 1).
    detectable : float
        Smallest ratio that these data would have shown with 80 % power at one-sided 5 %,
        approximately: 95th percentile of the shifts plus 0.84 standard deviations.
    people : ndarray of str
        Identifiers of people who have an incident and a connection with one.
    followed : ndarray of str
        Of these, people with an incident that counts as observed.
    null : ndarray, shape (draws,)
        Ratio of each shift.
    """

    observed: float
    expected: float
    ratio: float
    low: float
    high: float
    p: float
    detectable: float
    people: NDArray[np.object_]
    followed: NDArray[np.object_]
    null: NDArray[np.float64]


@dataclass(frozen=True)
class Histories:
    """Incidents of the people who have a window, on their own clocks.

    Attributes
    ----------
    person : int array, shape (incidents,)
        Row of ``windows``, ascending.
    at : float array, shape (incidents,)
        Days since the first midnight of the study.
    windows : DataFrame
        ``person_id`` and ``row``: one history each, or one as a child and one as an adult
        where the cohort holds both.
    edges, mass : float arrays, shape (histories, months + 1)
        Days at which the months of each window begin and end, and the share of the person's
        expected incidents that lies before (0 to 1).
    """

    person: NDArray[np.int64]
    at: NDArray[np.float64]
    windows: pd.DataFrame
    edges: NDArray[np.float64]
    mass: NDArray[np.float64]


@dataclass(frozen=True)
class Encounters:
    """Pairs of incidents of two tied people, where the one might follow the other.

    Attributes
    ----------
    own, other : int arrays, shape (encounters,)
        Positions of the incidents, both directions.
    part : int array, shape (encounters,)
        Number of the combination of the person of ``own`` with the incident ``other``.
    """

    own: NDArray[np.int64]
    other: NDArray[np.int64]
    part: NDArray[np.int64]


def peer_timing(
    cohort: Cohort,
    pairs: pd.DataFrame,
    seed: int,
    days: int = DAYS,
    draws: int = DRAWS,
    background: bool = True,
) -> Timing:
    """Test whether incidents come soon after those of connections.

    Parameters
    ----------
    cohort : Cohort
    pairs : DataFrame
        ``person_a``, ``person_b``, tied before the study window.
    seed : int
    days : int
        An incident counts if a connection was reported missing in the ``days`` before it.
    draws : int
        Number of shifts.
    background : bool
        Shift on the clock of the risk by age and quarter, so that children who reach the same
        age in the same year are no evidence. Without it, on the calendar.

    Returns
    -------
    Timing
        NaN where no two tied people both have incidents.
    """
    histories = own_clocks(cohort, background)
    met = encounters(histories, pairs)
    if len(met.own) == 0:
        return _nothing(draws)
    following = events_that_follow(histories.at, met, days)
    observed = float(following.sum())
    rng = np.random.default_rng(seed)
    null = np.array(
        [events_that_follow(shifted(histories, rng), met, days).sum() for _ in range(draws)]
    )
    expected = float(null.mean())
    if expected == 0:
        return _nothing(draws)
    upper, spread = np.quantile(null, 0.95), null.std(ddof=1)
    return Timing(
        observed=observed,
        expected=expected,
        ratio=observed / expected,
        low=float(np.quantile(null, 0.025)) / expected,
        high=float(np.quantile(null, 0.975)) / expected,
        p=(1 + int((null >= observed - 1e-9).sum())) / (draws + 1),
        detectable=float(upper + POWER * spread) / expected,
        people=_people(histories, met.own),
        followed=_people(histories, np.flatnonzero(following)),
        null=null / expected,
    )


def reading(timing: Timing, p: float | None = None) -> str:
    """What a test of timing says.

    Parameters
    ----------
    timing : Timing
    p : float, optional
        Adjusted for the other questions of the family; the test's own if not given.

    Returns
    -------
    {"in step", "no sign", "not enough data", "not available"}
        ``no sign`` only where a ratio above :data:`SMALL` would probably have been seen.
    """
    if np.isnan(timing.ratio):
        return "not available"
    if (timing.p if p is None else p) < LEVEL:
        return "in step"
    return "no sign" if timing.detectable <= SMALL else "not enough data"


def encounters(histories: Histories, pairs: pd.DataFrame) -> Encounters:
    """All pairs of incidents of tied people."""
    tied = _directed(pairs, histories.windows)
    own, other = _crossed(tied, histories.person)
    key = histories.person[own] * max(len(histories.at), 1) + other
    _, part = np.unique(key, return_inverse=True)
    return Encounters(own, other, part.astype(np.int64))


def events_that_follow(at: NDArray[np.float64], met: Encounters, days: int) -> NDArray[np.float64]:
    """Weight of each incident that comes within the days after a connection's, else 0.

    Reports of tied people within :data:`TOGETHER` are one event: they share its weight, and an
    event in which a person took part is never that person's exposure. The rule looks at the
    times alone, so that it is the same for observed and for shifted histories; records of who
    went missing together are made by the incidents and would not be.

    Parameters
    ----------
    at : float array, shape (incidents,)
    met : Encounters
    days : int

    Returns
    -------
    float array, shape (incidents,)
    """
    gap = at[met.own] - at[met.other]
    close = np.abs(gap) <= TOGETHER
    took_part = np.bincount(met.part[close], minlength=len(met.part)) > 0
    follows = (gap > 0) & (gap <= days) & ~took_part[met.part]
    counted = np.zeros(len(at))
    counted[met.own[follows]] = 1.0
    links = (np.ones(int(close.sum())), (met.own[close], met.other[close]))
    graph = coo_array(links, shape=(len(at), len(at)))
    _, event = connected_components(graph, directed=False)
    return counted / np.bincount(event, minlength=1)[event]


def own_clocks(cohort: Cohort, background: bool = True) -> Histories:
    """Incidents and windows of the people who have both.

    With the background, the rate at age a and in quarter q is r_a c_q, the same for everybody
    up to a factor of the person's own; it is fitted to the shares of each person's incidents,
    so that someone with many weighs no more than someone with few.
    """
    windows = _windows(cohort)
    first, last = windows["first"].to_numpy(float), windows["last"].to_numpy(float)
    person, at = _reports(cohort, windows)
    months = pd.period_range(cohort.start, cohort.end, freq="M").start_time
    begins = np.append((months - cohort.start).days, (cohort.end - cohort.start).days + 1.0)
    begins[0] = 0.0
    edges = np.clip(begins[None, :], first[:, None], last[:, None])
    span = np.diff(edges, axis=1)
    rate = np.ones_like(span)
    if background and len(at):
        born = windows["born"].to_numpy(float)
        rate = _rate_by_age_and_quarter(span, edges, born, person, at, begins)
    mass = np.cumsum(rate * span, axis=1)
    total = mass[:, -1:] if len(mass) else np.ones((0, 1))
    mass = np.concatenate([np.zeros((len(mass), 1)), mass / total], axis=1)
    return Histories(person, at, windows[["person_id", "row"]], edges, mass)


def shifted(histories: Histories, rng: np.random.Generator) -> NDArray[np.float64]:
    """Times after one circular shift of each person's history on the person's own clock.

    Every shift is uniform over the whole window; what runs over its end comes in at its start.
    """
    each = np.arange(len(histories.windows))[:, None]
    place, offset = 2.0 * histories.person, 1e6 * histories.person
    key_edges = (histories.edges + 1e6 * each).ravel()
    key_mass = (histories.mass + 2.0 * each).ravel()
    now = np.interp(histories.at + offset, key_edges, key_mass) - place
    moved = (now + rng.random(len(each))[histories.person]) % 1.0
    return np.interp(moved + place, key_mass, key_edges) - offset


def _windows(cohort: Cohort) -> pd.DataFrame:
    """Windows in days since the study began, of people with incidents; split at the age limit."""
    rows = at_risk_windows(cohort)
    rows = rows[rows["person_id"].isin(cohort.incidents["person_id"])]
    rows = rows.merge(cohort.persons[["person_id", "birth_date"]], on="person_id", how="left")
    grown = birth_anniversary(rows["birth_date"], cohort.definitions.child_age_limit)
    out = pd.DataFrame(
        {
            "person_id": rows["person_id"],
            "first": (rows["at_risk_from"] - cohort.start).dt.days.astype(float),
            "last": (rows["at_risk_to"] - cohort.start).dt.days + 1.0,
            "born": (rows["birth_date"] - cohort.start).dt.days.astype(float),
        }
    )
    turn = (grown - cohort.start).dt.days.astype(float).fillna(-np.inf)
    young, old = (
        out.assign(last=out["last"].clip(upper=turn)),
        out.assign(first=out["first"].clip(lower=turn)),
    )
    out = pd.concat([young, old], ignore_index=True)
    out = out[out["last"] > out["first"]].sort_values(["person_id", "first"])
    return out.reset_index(drop=True).rename_axis("row").reset_index()


def _reports(
    cohort: Cohort, windows: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Row of windows and time of each incident inside a window, in order of row and time."""
    midnight = cohort.start.tz_localize(cohort.time_zone)
    seen = pd.DataFrame(
        {
            "person_id": cohort.incidents["person_id"],
            "at": (cohort.incidents["reported_at"] - midnight) / pd.Timedelta(days=1),
            "day": (cohort.incidents["reported_on"] - cohort.start).dt.days,
        }
    ).merge(windows, on="person_id")
    seen = seen[(seen["day"] >= seen["first"]) & (seen["day"] < seen["last"])]
    at = seen["at"].clip(seen["first"], np.nextafter(seen["last"].to_numpy(float), 0))
    seen = seen.assign(at=at).sort_values(["row", "at"])
    return seen["row"].to_numpy(np.int64), seen["at"].to_numpy(float)


def _rate_by_age_and_quarter(
    span: NDArray[np.float64],
    edges: NDArray[np.float64],
    born: NDArray[np.float64],
    person: NDArray[np.int64],
    at: NDArray[np.float64],
    begins: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Rate of each person and month, by iterated scaling of the two margins."""
    age = np.floor((edges[:, :-1] - born[:, None]) / 365.25)
    _, age = np.unique(np.where(np.isnan(age), -1, age), return_inverse=True)
    age = age.reshape(span.shape)
    quarter = np.broadcast_to(np.arange(span.shape[1]) // _MONTHS_PER_QUARTER, span.shape)
    month = np.searchsorted(begins, at, side="right") - 1
    share = 1 / np.bincount(person, minlength=len(span))[person]
    rate = np.ones_like(span)
    for _ in range(_PASSES):
        for cell in (age, quarter):
            seen = np.bincount(cell[person, month], share, minlength=cell.max() + 1)
            expected = rate * span
            expected /= expected.sum(axis=1, keepdims=True)
            due = np.bincount(cell.ravel(), expected.ravel(), minlength=cell.max() + 1)
            rate = rate * ((seen + 0.5) / (due + 0.5))[cell]
    return rate


def _directed(pairs: pd.DataFrame, windows: pd.DataFrame) -> NDArray[np.int64]:
    """Both directions of the pairs in which both people have a history; shape (k, 2)."""
    ends = pairs[["person_a", "person_b"]].astype(object)
    ends = ends[ends["person_a"] != ends["person_b"]]
    a, b = windows.add_suffix("_a"), windows.add_suffix("_b")
    both = ends.merge(a, left_on="person_a", right_on="person_id_a")
    both = both.merge(b, left_on="person_b", right_on="person_id_b")
    rows = both[["row_a", "row_b"]].to_numpy(np.int64)
    return np.unique(np.concatenate([rows, rows[:, ::-1]]), axis=0)


def _crossed(
    directed: NDArray[np.int64], person: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every incident of the first person with every incident of the second, pair by pair."""
    size = np.bincount(person, minlength=int(directed.max(initial=-1)) + 1)
    start = np.cumsum(size) - size
    a, b = directed[:, 0], directed[:, 1]
    times = size[a] * size[b]
    k = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    wide = np.maximum(np.repeat(size[b], times), 1)
    own = np.repeat(start[a], times) + k // wide
    other = np.repeat(start[b], times) + k % wide
    return own.astype(np.int64), other.astype(np.int64)


def _people(histories: Histories, incidents: NDArray[np.int64]) -> NDArray[np.object_]:
    rows = np.unique(histories.person[incidents])
    names = histories.windows["person_id"].iloc[rows].drop_duplicates()
    return names.to_numpy(dtype=object)


def _nothing(draws: int) -> Timing:
    nan, nobody = float("nan"), np.array([], dtype=object)
    return Timing(nan, nan, nan, nan, nan, nan, nan, nobody, nobody, np.full(draws, np.nan))
