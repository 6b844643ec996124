"""Does an incident of a connection raise the rate? Recurrent Cox regressions of peer exposure.

At each incident the model asks who of those at risk at that moment had a connection with an
incident in the days before. The baseline hazard is free from day to day, so that seasons and
whatever strikes everybody at once are in it; own history, markers, sex, age and the number of
connections are terms beside exposure. Who is alike for reasons that no term holds is exposed
to likes, so that a ratio above one need not be influence (Shalizi and Thomas 2011, doi
10.1177/0049124111404820).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import DAY, Changes, CountingRows, FollowUp, follow, rows_at_risk
from missing_lib.study.diagnosis import MIN_EVENTS
from missing_lib.study.exposure import (
    Reports,
    decaying,
    earlier,
    joining,
    recent,
    reports_of_connections,
)
from missing_lib.study.frame import known_before
from missing_lib.study.how_soon import named
from missing_lib.study.network import connections
from missing_lib.study.recurrent import ERA, FrailtyModel, given_frailty
from missing_lib.study.regression import Fit
from missing_lib.study.tied_fit import TiedFit, fit_tied
from missing_lib.study.time_varying import (
    EARLIER,
    LAG,
    completed_years,
    era,
    own_history,
    recorded,
    sex_and_age,
)

Ints = NDArray[np.int64]

#: An incident of a connection counts for so many days.
DAYS = (7, 14, 28)
#: Days by which decaying exposure falls to 1/e, and where its steps end.
DECAY_MEAN = 7.0
DECAY_STEPS = (2, 4, 7, 14, 28)
#: Days since the own return or event that own history tells apart.
OWN_DAYS = (14, 28)

#: Terms.
DECAYING = "incidents_of_connections_decaying"
BEFORE = "earlier_incidents_of_connections"
DEGREE = "connections"
OWN_OTHER = f"own_incident_of_the_other_kind_in_the_past_{OWN_DAYS[-1]}_days"
#: Names of models, as tables have them.
BY_DAYS_AGO = "any, by days ago"
WEARING_OFF = "incidents, wearing off"
WITH_EARLIER = f"any in {DAYS[-1]} days, beside earlier ones"
SAME_HOME = f"any in {DAYS[-1]} days, compared within homes"
OWN_RATE = f"any in {DAYS[-1]} days, a rate of one's own"

_AGE, _KNOWN, _JOINS = "age", "exposure known", "joins an event"


@dataclass(frozen=True)
class PeerRows:
    """Time at risk, cut wherever exposure or another term changes.

    Attributes
    ----------
    rows : CountingRows
        From the day on which the longest exposure is known; ``values`` is the era.
    adjusting : DataFrame, shape (rows, terms)
        Own history, connections, markers, sex and age.
    exposures : DataFrame, shape (rows, exposures)
        Columns :func:`any_within`, :func:`number_within` and :func:`any_between` of each
        number of days, :data:`DECAYING` and :data:`BEFORE`.
    linked : csr_array, shape (people, people)
        1 where two of those followed are tied.
    """

    rows: CountingRows
    adjusting: pd.DataFrame
    exposures: pd.DataFrame
    linked: csr_array


def any_within(days: float) -> str:
    """Term: whether a connection had an incident in the past days."""
    return f"incident_of_a_connection_in_the_past_{days:g}_days"


def number_within(days: float) -> str:
    """Term: how many connections had an incident in the past days."""
    return f"connections_with_an_incident_in_the_past_{days:g}_days"


def any_between(low: float, high: float) -> str:
    """Term: whether a connection had an incident between two numbers of days ago."""
    return f"incident_of_a_connection_{low:g}_to_{high:g}_days_ago"


def peer_rows(
    cohort: Cohort,
    pairs: pd.DataFrame,
    people: Iterable[str] | None = None,
    *,
    exposed_to: Cohort | None = None,
    days: Sequence[int] = DAYS,
) -> PeerRows:
    """Rows of the people followed, with exposure to their connections' incidents.

    Parameters
    ----------
    cohort : Cohort
        Whose incidents are the outcome, see :func:`.outcomes.cohort_of`.
    pairs : DataFrame
        ``person_a``, ``person_b``: tied before the landmark, see :func:`.network.ties_before`.
    people : iterable of str, optional
        Who is followed; the people of :func:`.frame.known_before` if not given.
    exposed_to : Cohort, optional
        Whose incidents are the exposure; the outcome's own if not given. If it is, a recent own
        incident of that kind is a term too, :data:`OWN_OTHER`.
    days : sequence of int
        How long an incident counts, ascending.

    Returns
    -------
    PeerRows
        Reports before the study are not known, so nobody is at risk here before the longest of
        the ``days`` has passed in it.
    """
    followed = followed_people(cohort, people)
    source = cohort if exposed_to is None else exposed_to
    reports = reports_of_connections(
        source, followed, pairs, outcome=None if exposed_to is None else cohort
    )
    exposures = _exposures(reports, followed, days)
    if exposed_to is not None:
        exposures[OWN_OTHER] = _own_recent(exposed_to, followed)
    used = [cohort] if exposed_to is None else [cohort, exposed_to]
    made = cut_rows(cohort, followed, exposures, {DEGREE: pairs}, days[-1], used)
    if exposed_to is None:
        return made
    own = (made.exposures[[OWN_OTHER]] > 0).astype(float)
    return replace(
        made,
        exposures=made.exposures.drop(columns=OWN_OTHER),
        adjusting=pd.concat([own, made.adjusting], axis=1),
    )


def cut_rows(
    cohort: Cohort,
    followed: FollowUp,
    exposures: Mapping[str, Changes],
    ties: Mapping[str, pd.DataFrame],
    known_after: float,
    reported: Sequence[Cohort] | None = None,
) -> PeerRows:
    """Rows of given exposures beside the terms that every model has.

    The day after a report of somebody tied is left out: whoever is reported then joins that
    event, which its first report stands for (:func:`.exposure.joining`).

    Parameters
    ----------
    cohort : Cohort
    followed : FollowUp
    exposures : mapping of str to Changes
    ties : mapping of str to DataFrame
        Pairs that people are tied by; each name is a term, log2 of one plus their number.
    known_after : float
        Days of the study to leave out, in which exposure is not fully known.
    reported : sequence of Cohort, optional
        Whose reports others join; the cohort's own if not given, and none if empty.
    """
    markers = known_before(cohort).marks.columns
    ends = [pairs[["person_a", "person_b"]].to_numpy(object) for pairs in ties.values()]
    tied = pd.DataFrame(np.concatenate(ends), columns=["person_a", "person_b"])
    joins = {
        f"{_JOINS} {number}": joining(one, followed, tied)
        for number, one in enumerate([cohort] if reported is None else reported)
    }
    wanted = {_KNOWN: _from_the_start(followed, known_after), **joins, **exposures}
    quantities = wanted | _described(cohort, followed, markers)
    rows = rows_at_risk(followed, quantities, after_return=OWN_DAYS)
    begins = (rows.values[list(joins)] <= 0).all(axis=1).to_numpy(bool)
    rows = rows.only((rows.start >= known_after) & begins)
    values = rows.values[list(exposures)]
    if BEFORE in exposures:
        values = values.assign(**{BEFORE: np.log2(1.0 + values[BEFORE])})
    degrees = {
        name: connections(pairs).reindex(followed.people).fillna(0).to_numpy(float)
        for name, pairs in ties.items()
    }
    adjusting = _adjusting(cohort, rows, markers, degrees)
    linked = linked_people(list(ties.values()), followed.people)
    return PeerRows(replace(rows, values=rows.values[[ERA]]), adjusting, values, linked)


def models(
    cohort: Cohort,
    pairs: pd.DataFrame,
    people: Iterable[str] | None = None,
    *,
    homes: pd.Series | None = None,
    exposed_to: Cohort | None = None,
) -> dict[str, Fit]:
    """Every reading of exposure, each in a model of its own beside the same other terms.

    Parameters
    ----------
    cohort, pairs, people, exposed_to
        As for :func:`peer_rows`.
    homes : Series, indexed by ``person_id``, optional
        Home of each person (:func:`.placements.shared_homes`): one more model then follows
        those with a known home, and compares only people of one home.

    Returns
    -------
    dict of str to Fit
        Hazard ratios by name of the model. Errors are robust to tied people being alike
        (:mod:`.tied_fit`), but those of :data:`OWN_RATE`, in which each person has a rate of
        their own, come from the model. ``people`` and ``events`` of an exposure are people who
        are exposed at some time, and of them those with an incident while exposed, or the
        fewer ones who are not; below :data:`.diagnosis.MIN_EVENTS` nothing is estimated.
    """
    made = peer_rows(cohort, pairs, people, exposed_to=exposed_to)
    out = {name: fit_exposure(made, terms).fit for name, terms in readings(DAYS).items()}
    longest = [any_within(DAYS[-1])]
    if homes is not None:
        out[SAME_HOME] = fit_exposure(made, longest, homes=homes).fit
    out[OWN_RATE] = given_own_rate(made, longest).fit
    return out


def readings(days: Sequence[int]) -> dict[str, list[str]]:
    """Terms of exposure of each marginal model."""
    bounds = list(zip([1, *days[:-1]], days, strict=True))
    return {
        **{f"any in {end} days": [any_within(end)] for end in days},
        **{f"connections in {end} days": [number_within(end)] for end in days},
        BY_DAYS_AGO: [any_between(low, high) for low, high in bounds],
        WEARING_OFF: [DECAYING],
        WITH_EARLIER: [any_within(days[-1]), BEFORE],
    }


def fit_exposure(
    made: PeerRows, terms: Sequence[str], *, homes: pd.Series | None = None
) -> TiedFit:
    """A marginal model of some exposures beside own history and the other terms.

    Parameters
    ----------
    made : PeerRows
    terms : sequence of str
        Columns of ``made.exposures``.
    homes : Series, indexed by ``person_id``, optional
        As for :func:`models`.

    Returns
    -------
    TiedFit
    """
    if homes is not None:
        known = homes.reindex(made.rows.followed.people)
        made = _of_people(made, known.notna().to_numpy(bool))
    design, resting, problem = _design(made, terms, made.adjusting)
    if problem:
        return TiedFit(_unfitted(design, resting, made, problem))
    baseline = None
    if homes is not None:
        baseline = pd.factorize(known)[0] + 1
    found = fit_tied(*made.rows.joined(design), made.linked, baseline)
    return replace(found, fit=_resting_on(found.fit, resting))


def _of_people(made: PeerRows, people: NDArray[np.bool_]) -> PeerRows:
    """Rows of some of the people followed."""
    kept = people[made.rows.person]
    return replace(
        made,
        rows=made.rows.only(kept),
        adjusting=made.adjusting[kept].reset_index(drop=True),
        exposures=made.exposures[kept].reset_index(drop=True),
    )


def given_own_rate(made: PeerRows, terms: Sequence[str]) -> FrailtyModel:
    """The same given a rate of each person's own, without the number of own incidents.

    The number is left out for the reason in :mod:`.dependence`. Errors are those of the model.
    """
    design, resting, problem = _design(made, terms, made.adjusting.drop(columns=EARLIER))
    if problem:
        nan = np.nan
        return FrailtyModel(_unfitted(design, resting, made, problem), nan, nan, nan, nan)
    model = given_frailty(*made.rows.joined(design))
    return replace(model, fit=_resting_on(model.fit, resting))


def followed_people(cohort: Cohort, people: Iterable[str] | None = None) -> FollowUp:
    """Time at risk of the people given, or of those of :func:`.frame.known_before`."""
    return follow(cohort, known_before(cohort).people["person_id"] if people is None else people)


def _exposures(reports: Reports, followed: FollowUp, days: Sequence[int]) -> dict[str, Changes]:
    bounds = list(zip([1, *days[:-1]], days, strict=True))
    return {
        **{any_within(end): recent(reports, followed, end) for end in days},
        **{number_within(end): recent(reports, followed, end, what="connections") for end in days},
        **{any_between(low, high): recent(reports, followed, high, low) for low, high in bounds},
        DECAYING: decaying(reports, followed, DECAY_MEAN, DECAY_STEPS),
        BEFORE: earlier(reports, followed, days[-1]),
    }


def _own_recent(cohort: Cohort, followed: FollowUp) -> Changes:
    """Number of own incidents in the past days, from the report on."""
    who = followed.people.get_indexer(cohort.incidents["person_id"]).astype(np.int64)
    at = followed.clock.elapsed(cohort.incidents["reported_at"])[who >= 0]
    who = who[who >= 0]
    return Changes(
        np.zeros(len(followed.people)),
        np.concatenate([who, who]),
        np.concatenate([at, at + OWN_DAYS[-1] * DAY]),
        np.repeat([1.0, -1.0], len(who)),
    )


def _from_the_start(followed: FollowUp, days: float) -> Changes:
    """1 from some days after the study began, 0 before."""
    people = len(followed.people)
    at = np.full(people, round(days * DAY), np.int64)
    return Changes(np.zeros(people), np.arange(people), at, np.ones(people))


def _described(cohort: Cohort, followed: FollowUp, markers: Iterable[str]) -> dict[str, Changes]:
    own = {f"marker {name}": recorded(cohort, followed, name, lag=LAG) for name in markers}
    return {ERA: era(followed), _AGE: completed_years(cohort, followed), **own}


def _adjusting(
    cohort: Cohort,
    rows: CountingRows,
    markers: Iterable[str],
    degrees: Mapping[str, NDArray[np.float64]],
) -> pd.DataFrame:
    about = sex_and_age(cohort, rows, _AGE)
    history = own_history(rows, OWN_DAYS)
    for name, number in degrees.items():
        history[name] = np.log2(1.0 + number)[rows.person]
    names = list(markers)
    marks = rows.values[[f"marker {name}" for name in names]]
    marks = marks.set_axis(named(names, [*about, *history]), axis=1)
    return pd.concat([history, marks, about], axis=1)


def linked_people(ties: Sequence[pd.DataFrame], people: pd.Index) -> csr_array:
    """Which of the people followed are tied: 1 for each pair, symmetric, empty diagonal."""
    a, b = (
        np.concatenate([people.get_indexer(pairs[end]) for pairs in ties])
        for end in ("person_a", "person_b")
    )
    both = (a >= 0) & (b >= 0) & (a != b)
    a, b = a[both], b[both]
    ends = (np.concatenate([a, b]), np.concatenate([b, a]))
    linked = csr_array((np.ones(2 * len(a)), ends), shape=(len(people), len(people)))
    linked.data[:] = 1.0  # a pair given twice is one
    return linked


def _design(
    made: PeerRows, terms: Sequence[str], others: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Exposures beside other terms, the people they rest on, and why there is no estimate."""
    design = pd.concat([made.exposures[list(terms)], others], axis=1)
    resting = pd.DataFrame({name: _resting(made, name) for name in terms}, index=_RESTING).T
    problem = ""
    if not (resting["exposed"] > 0).any():
        problem = "nobody is exposed to an incident of a connection"
    elif resting["exposed_events"].min() < MIN_EVENTS:
        problem = "too few people have an incident while exposed to one of a connection"
    return design, resting, problem


_RESTING = ["exposed", "exposed_events", "people", "events"]


def _resting(made: PeerRows, term: str) -> list[int]:
    """Exposed people and those with an event while exposed; the same or the fewer others."""
    who, event = made.rows.person, made.rows.event
    on = made.exposures[term].to_numpy(float) > 0
    sides = [(_distinct(who[side]), _distinct(who[side & event])) for side in (on, ~on)]
    return [*sides[0], min(s[0] for s in sides), min(s[1] for s in sides)]


def _distinct(who: Ints) -> int:
    return int(np.count_nonzero(np.bincount(who)))


def _resting_on(fit: Fit, resting: pd.DataFrame) -> Fit:
    """A fit whose exposures rest on those exposed."""
    table = fit.terms.copy()
    own = table["term"].isin(resting.index)
    for column in ("people", "events"):
        table.loc[own, column] = resting[column].reindex(table.loc[own, "term"]).to_numpy()
    return replace(fit, terms=table)


def _unfitted(design: pd.DataFrame, resting: pd.DataFrame, made: PeerRows, problem: str) -> Fit:
    numbers = ["coefficient", "se", "estimate", "lower", "upper", "p"]
    effects = ["effect", "effect_lower", "effect_upper"]
    table = pd.DataFrame({"term": list(design)}).assign(
        **dict.fromkeys([*numbers, *effects], np.nan), people=0, events=0, reason=problem
    )
    who = made.rows.person
    has = _distinct(who[made.rows.event])
    fit = Fit("hazard ratio", table, people=_distinct(who), events=has, problem=problem)
    return _resting_on(fit, resting)
