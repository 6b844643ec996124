"""Comparisons in which influence cannot act, or would show elsewhere.

Three questions, none of which proves influence. Do ties that were not yet there do as much as
those that were? Then what they do is likeness. Would other ties among people alike do as much?
Then who is tied to whom does not matter. Does exposure go with something that nobody catches?
Then it goes with whoever is watched, or in trouble, more closely.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import DAY, FollowUp
from missing_lib.study.diagnosis import MIN_EVENTS
from missing_lib.study.expected import Expected, expected_of
from missing_lib.study.exposure import (
    Incidents,
    Reports,
    incidents_of,
    joining_between,
    outside,
    recent,
    reports_between,
    reports_of_connections,
    spells,
)
from missing_lib.study.memberships import Memberships, memberships, redrawn
from missing_lib.study.network import EPISODE_TIES
from missing_lib.study.peer_cox import (
    DAYS,
    DEGREE,
    any_within,
    cut_rows,
    fit_exposure,
    followed_people,
    peer_rows,
)
from missing_lib.study.regression import Fit
from missing_lib.study.tied_fit import TiedFit
from missing_lib.study.time_varying import LAG

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Rewired networks unless asked otherwise.
DRAWS = 199
#: Share of memberships that must have moved for a rewired network to be another one.
MOVED = 0.1
FUTURE = "incident_of_a_later_connection"
LATER_DEGREE = "later_connections"
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Ratio:
    """A ratio with its 95 % interval.

    Attributes
    ----------
    estimate, lower, upper : float
        NaN where not estimated.
    p : float
        Two-sided, of a ratio of one.
    people : int
        Fewest people on whom it rests.
    """

    estimate: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    p: float = np.nan
    people: int = 0


@dataclass(frozen=True)
class FutureTies:
    """Hazard ratios of exposure through ties that were there, and that were not there yet.

    Attributes
    ----------
    present, future : Ratio
        Of both exposures in one model.
    apart : Ratio
        Present divided by future; one where they do the same.
    pairs : int
        Pairs tied later that are used.
    problem : str
        Why there is no comparison; empty where there is.
    """

    present: Ratio
    future: Ratio
    apart: Ratio
    pairs: int
    problem: str = ""


@dataclass(frozen=True)
class RewiredTies:
    """Incidents of people while exposed, against networks rewired among people alike.

    Attributes
    ----------
    observed : float
        Incidents while exposed, divided by those that own history, markers, sex, age, season
        and the number of connections let one expect in the same time.
    expected, low, high : float
        Mean of that ratio over the rewired networks, and between what 95 % of them lie.
    p : float
        (1 + number of rewired networks with a ratio at least as large) / (draws + 1).
    moved : float
        Share of the memberships that hold another person than observed, on average.
    people : ndarray of str
        Identifiers of people with an incident while exposed.
    null : ndarray, shape (draws,)
        Ratio of each rewired network.
    problem : str
        Why there is no comparison; empty where there is.
    """

    observed: float = np.nan
    expected: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    moved: float = np.nan
    people: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, object))
    null: Floats = field(default_factory=lambda: np.zeros(0))
    problem: str = ""


@dataclass(frozen=True)
class Harmless:
    """The same exposure with the outcome, and with one that nobody should catch.

    Attributes
    ----------
    outcome, harmless : Ratio
        Hazard ratio of exposure on each, each from its own model.
    problem : str
        Why there is no ratio on the harmless outcome; empty where there is.
    """

    outcome: Ratio
    harmless: Ratio
    problem: str = ""


def later_ties(cohort: Cohort, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs tied for the first time during the study, other than by an episode.

    Left out are ties of people found missing together, and those first seen within
    :data:`.time_varying.LAG` days after an incident of one of the two, which it may have made.

    Parameters
    ----------
    cohort : Cohort
    pairs : DataFrame
        ``person_a`` < ``person_b``: those tied before, which are no later ties.

    Returns
    -------
    DataFrame
        ``person_a`` < ``person_b``, ``first_seen``; each pair once.
    """
    ties = cohort.ties
    keep = ties["first_seen"].notna() & ~ties["tie_type"].isin(EPISODE_TIES)
    ties = ties.loc[keep, ["person_a", "person_b", "first_seen"]].dropna()
    a, b = ties["person_a"].astype(object), ties["person_b"].astype(object)
    ties = ties.assign(person_a=a.where(a < b, b), person_b=b.where(a < b, a))
    first = ties.groupby(["person_a", "person_b"], as_index=False)["first_seen"].min()
    inside = (first["first_seen"] >= cohort.start) & (first["first_seen"] <= cohort.end)
    first = first[inside & (first["person_a"] != first["person_b"])]
    known = pd.MultiIndex.from_frame(pairs[["person_a", "person_b"]].astype(object))
    first = first[~pd.MultiIndex.from_frame(first[["person_a", "person_b"]]).isin(known)]
    made = np.zeros(len(first), bool)
    reports = cohort.incidents[["person_id", "reported_on"]]
    for end in ("person_a", "person_b"):
        at = first[[end, "first_seen"]].reset_index(drop=True).reset_index(names="row")
        near = at.merge(reports.astype({"person_id": object}), left_on=end, right_on="person_id")
        days = (near["first_seen"] - near["reported_on"]).dt.days
        made[near.loc[(days >= 0) & (days <= LAG), "row"]] = True
    return first[~made].reset_index(drop=True)


def future_ties(
    cohort: Cohort,
    pairs: pd.DataFrame,
    people: Iterable[str] | None = None,
    days: int = DAYS[-1],
) -> FutureTies:
    """Exposure through present ties beside that through ties that are yet to come.

    An incident of somebody tied later counts only where all its days end
    :data:`.time_varying.LAG` days before the tie was first seen. Two people who will meet are
    alike already; if incidents of those whom one does not know yet do as much as those of
    connections, likeness is all that is shown.

    Parameters
    ----------
    cohort : Cohort
    pairs : DataFrame
        ``person_a`` < ``person_b``, tied before the landmark.
    people : iterable of str, optional
        Who is followed, as for :func:`.peer_cox.peer_rows`.
    days : int
        How long an incident counts.

    Returns
    -------
    FutureTies
    """
    followed, later = followed_people(cohort, people), later_ties(cohort, pairs)
    now = reports_of_connections(cohort, followed, pairs)
    soon = _before_the_tie(reports_of_connections(cohort, followed, later), followed, later, days)
    own = any_within(days)
    exposures = {own: recent(now, followed, days), FUTURE: recent(soon, followed, days)}
    made = cut_rows(cohort, followed, exposures, {DEGREE: pairs, LATER_DEGREE: later}, days)
    found = fit_exposure(made, [own, FUTURE])
    return FutureTies(
        _ratio(found.fit, own),
        _ratio(found.fit, FUTURE),
        _apart(found, own, FUTURE),
        len(later),
        found.fit.problem or _reason(found.fit, own, FUTURE),
    )


def rewired_ties(
    cohort: Cohort,
    pairs: pd.DataFrame,
    people: Iterable[str] | None = None,
    *,
    seed: int,
    draws: int = DRAWS,
    days: int = DAYS[-1],
) -> RewiredTies:
    """Incidents while exposed, against networks in which people alike have changed places.

    What everybody does, and when, stays; who is tied to whom is drawn anew by
    :mod:`.memberships`. The statistic compares incidents in the days after those of connections
    with those that a Cox regression without exposure expects in the same time, fitted once and
    to time that no network cuts. The day after a report of somebody tied is left out, in each
    network by its own ties (:func:`.exposure.joining`). Rewiring keeps
    each home's and each age's incidents in time, but not those of a circle of friends, so that
    a small p may also be a shock or a trait that friends share.

    Parameters
    ----------
    cohort, pairs, people
        As for :func:`future_ties`.
    seed : int
    draws : int
        Rewired networks.
    days : int
        How long an incident counts.

    Returns
    -------
    RewiredTies
    """
    followed = followed_people(cohort, people)
    made = cut_rows(cohort, followed, {}, {DEGREE: pairs}, days, reported=())
    model = expected_of(*made.rows.joined(made.adjusting))
    if model.problem:
        return RewiredTies(problem=model.problem)
    groups, found = memberships(cohort, pairs), incidents_of(cohort, followed)
    places = followed.people.get_indexer(groups.names), found.names.get_indexer(groups.names)
    observed, who = _seen_to_expected(model, found, groups, places, days)
    if len(who) < MIN_EVENTS:
        return RewiredTies(problem="too few people have an incident while exposed")
    rng = np.random.default_rng(seed)
    hidden = redrawn(groups, rng)
    null, moved = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        one = redrawn(hidden, rng)
        moved[draw] = (one.person != groups.person).mean()
        null[draw] = _seen_to_expected(model, found, one, places, days)[0]
    if moved.mean() < MOVED:
        return RewiredTies(problem="hardly a tie can be exchanged between people alike")
    return RewiredTies(
        observed=observed,
        expected=float(np.nanmean(null)),
        low=float(np.nanquantile(null, 0.025)),
        high=float(np.nanquantile(null, 0.975)),
        p=(1 + int((null >= observed - 1e-9).sum())) / (draws + 1),
        moved=float(moved.mean()),
        people=followed.people.to_numpy(object)[who],
        null=null,
    )


def harmless(
    cohort: Cohort,
    unrelated: Mapping[str, Cohort],
    pairs: pd.DataFrame,
    people: Iterable[str] | None = None,
    days: int = DAYS[-1],
) -> dict[str, Harmless]:
    """Exposure to connections' incidents with outcomes that it should not bring on.

    A ratio above one there is no influence, and tells how much of the ratio on the outcome
    itself may not be influence either. Own recent incidents of the exposing kind are held still,
    because they may bring on the harmless outcome and be brought on by the exposure.

    Parameters
    ----------
    cohort : Cohort
        Whose incidents are exposure and outcome.
    unrelated : mapping of str to Cohort
        Whose incidents are the harmless outcomes, see :func:`.outcomes.cohort_of`. Which event
        is harmless is for the reader to judge: an arrest of somebody who ran away with a friend
        is not.
    pairs, people, days
        As for :func:`future_ties`.

    Returns
    -------
    dict of str to Harmless
    """
    term = any_within(days)
    own = _ratio(fit_exposure(peer_rows(cohort, pairs, people, days=[days]), [term]).fit, term)
    out = {}
    for name, other in unrelated.items():
        made = peer_rows(other, pairs, people, exposed_to=cohort, days=[days])
        found = fit_exposure(made, [term]).fit
        out[name] = Harmless(own, _ratio(found, term), found.problem or _reason(found, term))
    return out


def _before_the_tie(
    reports: Reports, followed: FollowUp, later: pd.DataFrame, days: int
) -> Reports:
    """Reports whose exposure is over some time before the two are tied."""
    ends = [later["person_a"], later["person_b"]]
    ego = np.concatenate([followed.people.get_indexer(end) for end in ends]).astype(np.int64)
    alter = np.concatenate([reports.names.get_indexer(end) for end in reversed(ends)])
    tied = np.tile(followed.clock.midnight(later["first_seen"]), 2)
    width = max(len(reports.names), 1)
    both = (ego >= 0) & (alter >= 0)
    keys, tied = (ego * width + alter)[both], tied[both]
    order = np.argsort(keys)
    at = np.searchsorted(keys[order], reports.ego * width + reports.alter)
    over = reports.at + (days + LAG) * DAY
    return reports.only(over <= tied[order][at] if len(at) else np.zeros(0, bool))


def _seen_to_expected(
    model: Expected, found: Incidents, groups: Memberships, places: tuple[Ints, Ints], days: int
) -> tuple[float, Ints]:
    """Events while exposed over those expected, and the positions of the people who had them.

    ``places`` are those of the people of ``groups`` among the people followed, and among those
    with incidents.
    """
    pairs = groups.pairs()
    ends, place = (places[0][pairs], places[1][pairs]), np.full(len(found.names), -1)
    case = places[1] >= 0
    place[places[1][case]] = places[0][case]
    exposed = outside(
        spells(reports_between(found, *ends), days), joining_between(found, place, *ends)
    )
    seen, due = model.between(exposed.ego, exposed.begins / DAY, exposed.ends / DAY)
    total = float(due.sum())
    who = np.unique(exposed.ego[seen > 0])
    return (float(seen.sum()) / total if total > 0 else np.nan), who


def _ratio(fit: Fit, term: str) -> Ratio:
    row = fit.row(term)
    estimate, lower, upper, p = (float(row[name]) for name in ("estimate", "lower", "upper", "p"))
    return Ratio(estimate, lower, upper, p, int(min(row["people"], row["events"])))


def _apart(found: TiedFit, more: str, less: str) -> Ratio:
    difference, se = found.contrast(more, less)
    if not se > 0:
        return Ratio()
    estimate, lower, upper = (float(np.exp(difference + k * _Z * se)) for k in (0, -1, 1))
    people = min(_ratio(found.fit, term).people for term in (more, less))
    return Ratio(estimate, lower, upper, float(2 * norm.sf(abs(difference) / se)), people)


def _reason(fit: Fit, *terms: str) -> str:
    """Why one of the terms has no estimate."""
    return next((r for t in terms if (r := str(fit.row(t)["reason"]))), "")
