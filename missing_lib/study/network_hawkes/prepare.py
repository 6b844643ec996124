"""From a cohort and its ties to the timeline of a network Hawkes process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import DAY, Changes, FollowUp, follow, rows_at_risk
from missing_lib.study.diagnosis import EVENTS_PER_TERM, unusable
from missing_lib.study.frame import OWN_TERMS, Frame
from missing_lib.study.network_hawkes.timeline import (
    Background,
    Floats,
    Ints,
    Setting,
    Timeline,
    Weights,
    ties_of,
    timeline,
)
from missing_lib.study.peers import TOGETHER
from missing_lib.study.time_varying import completed_years

#: Completed years at which the bands of age begin; the first band is below them.
AGE_FROM = {
    "children": (12, 14, 15, 16, 17),
    "adults": (25, 35, 50, 65),
    "all": (12, 14, 16, 18, 25, 35, 50, 65),
}
#: A band, quarter or year with reports of fewer people joins the one before it.
FEWEST = 5
#: Parameters beside the terms of the background.
_BESIDE = 5
TOO_MANY = "too few people with a report for so many terms"


def prepare(
    cohort: Cohort,
    pairs: pd.DataFrame,
    frame: Frame | None = None,
    *,
    weights: Weights = "mean",
    together: float = TOGETHER,
    person_effects: bool = True,
) -> Timeline:
    """The timeline of a cohort.

    The background has bands of age, log2(1 + connections), the study's markers as recorded
    before the person's window opens, sex, the quarter of the year (season) and the calendar
    year (trend, and with it the change of definition). Where there are too few people with a
    report for all of them, the last ones are left out, and named.

    Parameters
    ----------
    cohort : Cohort
    pairs : DataFrame
        ``person_a``, ``person_b``, tied before the study.
    frame : Frame, optional
        Whose reports are explained; everybody with a window if not given. Reports of others
        count as heard.
    weights, together
        See :func:`.timeline.ties_of` and :mod:`.timeline`.
    person_effects : bool
        Whether people differ by more than the covariates say.

    Returns
    -------
    Timeline
    """
    followed = follow(cohort, None if frame is None else frame.people["person_id"])
    ends_of = [pairs[name].to_numpy(object) for name in ("person_a", "person_b")]
    known = followed.people.to_numpy(object)
    people = pd.Index(pd.unique(np.concatenate([known, *ends_of])), dtype=object)
    ends = np.column_stack([people.get_indexer(one) for one in ends_of])
    ties = ties_of(len(people), ends, weights)
    opens, closes = _windows(followed, len(people))
    given = _given(cohort, followed, people)
    degree = np.bincount(ties.ego, minlength=len(people))
    background = _background(cohort, followed, opens, degree)
    setting = Setting(
        opens, closes, ties, background, *given, together, person_effects,
        people.to_numpy(object), *_calendar(cohort, followed),
    )  # fmt: skip
    person, at, back = _reports(followed)
    line = timeline(setting, person, at, back)
    return _usable(line, (person, at, back))


def _windows(followed: FollowUp, people: int) -> tuple[Floats, Floats]:
    """Window of each person in days; of no length for people who are only heard of."""
    opens, closes = np.zeros(people), np.zeros(people)
    known = len(followed.people)
    opens[:known], closes[:known] = followed.opens / DAY, followed.closes / DAY
    first = np.flatnonzero(np.append(True, np.diff(followed.person) > 0)[: len(followed.person)])
    opens[followed.person[first]] = followed.start[first] / DAY
    return opens, closes


def _reports(followed: FollowUp) -> tuple[Ints, Floats, Floats]:
    """Person, report and return of each interval that ends with a report."""
    ends = np.flatnonzero(followed.event)
    person = followed.person[ends]
    following = np.minimum(ends + 1, len(followed.person) - 1)
    goes_on = (ends + 1 < len(followed.person)) & (followed.person[following] == person)
    back = np.where(goes_on, followed.start[following], followed.closes[person])
    return person, followed.stop[ends] / DAY, back / DAY


def _given(cohort: Cohort, followed: FollowUp, people: pd.Index) -> tuple[Ints, Floats]:
    """Reports that are heard of and not explained: outside windows, or of people outside them."""
    incidents = cohort.incidents
    who = people.get_indexer(incidents["person_id"]).astype(np.int64)
    explained = (who < len(followed.people)) & ~incidents["incident_id"].isin(
        followed.left_out["incident_id"]
    ).to_numpy(bool)
    heard = (who >= 0) & ~explained
    return who[heard], followed.clock.elapsed(incidents["reported_at"])[heard] / DAY


def _background(cohort: Cohort, followed: FollowUp, opens: Floats, degree: Ints) -> Background:
    """Everybody's fixed terms, every combination of those that change, and when it holds."""
    known = len(followed.people)
    whole = replace(
        followed,
        person=np.arange(known),
        start=np.round(opens[:known] * DAY).astype(np.int64),
        stop=followed.closes,
        event=np.zeros(known, bool),
        order=np.zeros(known, np.int64),
    )
    years = completed_years(cohort, followed)
    cut = rows_at_risk(whole, {"age": years, "quarter": _quarters(cohort, followed)})
    varying = _varying(cohort, cut.values)
    distinct, pattern = np.unique(varying.to_numpy(float), axis=0, return_inverse=True)
    pattern = pattern.ravel().astype(np.int64)
    new = np.append(True, (np.diff(cut.person) != 0) | (np.diff(pattern) != 0))[: len(pattern)]
    fixed = _fixed(cohort, followed, degree[:known])
    rows = np.zeros((len(opens), 1 + fixed.shape[1]))
    rows[:, 0] = 1.0
    rows[:known, 1:] = fixed.to_numpy()
    first = np.searchsorted(cut.person[new], np.arange(len(opens) + 1)).astype(np.int64)
    terms = ("constant", *fixed.columns, *varying.columns)
    return Background(terms, rows, distinct, first, cut.start[new], pattern[new], {})


def _quarters(cohort: Cohort, followed: FollowUp) -> Changes:
    """Number of the calendar quarter of the study, from 0."""
    people = len(followed.people)
    begins = pd.period_range(cohort.start, cohort.end, freq="Q").start_time[1:]
    at = followed.clock.midnight(pd.Series(begins))
    each = np.repeat(np.arange(people), len(at))
    return Changes(np.zeros(people), each, np.tile(at, people), np.ones(len(each)))


def _calendar(cohort: Cohort, followed: FollowUp) -> tuple[Floats, Ints]:
    """Where the quarters of the study begin, with its end, and which of the year they are."""
    periods = pd.period_range(cohort.start, cohort.end, freq="Q")
    begins = [cohort.start, *periods.start_time[1:], cohort.end + pd.Timedelta(days=1)]
    return followed.clock.midnight(pd.Series(begins)) / DAY, periods.quarter.to_numpy(np.int64)


def _fixed(cohort: Cohort, followed: FollowUp, degree: Ints) -> pd.DataFrame:
    """What is known of each person when the window opens."""
    people = followed.people
    about = cohort.persons.drop_duplicates("person_id").set_index("person_id").reindex(people)
    sex = about["sex"].astype(object)
    opened = cohort.start + pd.to_timedelta(np.ceil(followed.opens / DAY), unit="D")
    early = cohort.markers[cohort.markers["known_from"].notna()]
    who = people.get_indexer(early["person_id"])
    early, who = early[who >= 0], who[who >= 0]
    before = (early["known_from"].to_numpy() < opened.to_numpy()[who]) & (
        early["known_from"].to_numpy() < np.maximum(opened.to_numpy()[who], cohort.start.to_numpy())
    )
    out = {"connections": np.log2(1.0 + degree)}
    for marker in STUDY_MARKERS:
        has = np.zeros(len(people))
        has[who[before & (early["marker"] == marker).to_numpy(bool)]] = 1.0
        out[f"{marker}_marker" if marker in OWN_TERMS else marker] = has
    out["female"] = (sex == "female").to_numpy(float)
    out["sex_other"] = (~sex.isin(["female", "male"])).to_numpy(float)
    return pd.DataFrame(out)


def _varying(cohort: Cohort, values: pd.DataFrame) -> pd.DataFrame:
    """Bands of age, quarters of the year and calendar years, against the first of each."""
    number = values["quarter"].to_numpy(int)
    periods = pd.period_range(cohort.start, cohort.end, freq="Q")
    lows = AGE_FROM[cohort.population]
    band = np.digitize(values["age"].fillna(-1.0), lows)
    out = {f"age_from_{low}": band == k + 1 for k, low in enumerate(lows)}
    out["age_unknown"] = values["age"].isna().to_numpy()
    quarter, year = periods.quarter.to_numpy()[number], periods.year.to_numpy()[number]
    out |= {f"quarter_{q}": quarter == q for q in (2, 3, 4)}
    out |= {f"year_{y}": year == y for y in sorted(set(periods.year))[1:]}
    return pd.DataFrame(out).astype(float)


def _usable(line: Timeline, reports: tuple[Ints, Floats, Floats]) -> Timeline:
    """The timeline without the terms that cannot be had, each named with its reason."""
    background = line.setting.background
    width = background.fixed.shape[1]
    fixed = pd.DataFrame(background.fixed[:, 1:], columns=list(background.terms[1:width]))
    varying = pd.DataFrame(background.varying, columns=list(background.terms[width:]))
    varying, reasons = _joined(varying, line)
    followed = line.setting.closes > line.setting.opens
    reported = np.diff(line.first) > 0
    reasons |= unusable(fixed[followed], reported[followed], binary=False)
    seen = np.bincount(line.pattern, minlength=len(varying)) > 0
    reasons |= unusable(varying, seen, binary=False)
    kept = [name for name in (*fixed.columns, *varying.columns) if name not in reasons]
    room = max(int(reported.sum()) // EVENTS_PER_TERM - _BESIDE, 0)
    reasons |= dict.fromkeys(kept[room:], TOO_MANY)
    kept = kept[:room]
    some = [name for name in fixed.columns if name in kept]
    changing = [name for name in varying.columns if name in kept]
    distinct, number = np.unique(varying[changing].to_numpy(float), axis=0, return_inverse=True)
    lean = replace(
        background,
        terms=("constant", *some, *changing),
        fixed=np.column_stack([np.ones(len(fixed)), fixed[some].to_numpy(float)]),
        varying=distinct,
        pattern=number.ravel().astype(np.int64)[background.pattern],
        reasons=reasons,
    )
    return timeline(replace(line.setting, background=lean), *reports)


def _joined(x: pd.DataFrame, line: Timeline) -> tuple[pd.DataFrame, dict[str, str]]:
    """Bands, quarters and years with too few people joined to the one before."""
    x, reasons = x.copy(), {}
    for prefix in ("age_from_", "quarter_", "year_"):
        names = [name for name in x.columns if name.startswith(prefix)]
        for before, name in reversed(list(zip([None, *names], names, strict=False))):
            inside = x[name].to_numpy()[line.pattern] > 0
            if len(np.unique(line.person[inside])) >= FEWEST:
                continue
            if before is not None:
                x[before] = x[before] + x[name]
            x = x.drop(columns=name)
            reasons[name] = JOINED
    return x, reasons


JOINED = "too few people with a report; counted with the one before it"
