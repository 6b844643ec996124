"""Which people are reported missing, how often, and again: five markers known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study.cohort import Cohort
from missing_lib.study.frame import Frame, covariates
from missing_lib.study.intervals import wilson
from missing_lib.study.regression import (
    Fit,
    complementary_log_log,
    holm,
    logistic,
    negative_binomial,
)

#: Finding of the study that each marker answers.
FINDINGS = {f"F{i}": marker for i, marker in enumerate(STUDY_MARKERS, start=1)}
#: Plain words for the markers and for the terms beside them.
WORDS = {
    "mental_health": "mental illness",
    "self_harm": "self-harm",
    "child_protection": "child protection",
    "local_authority_care": "local-authority care",
    "female": "female (against male)",
    "sex_other": "sex other or not recorded (against male)",
    "connections": "one plus the number of connections, each doubling",
    "steps": "each step further away",
    "closeness": "closeness to all of them",
    "earlier_incidents": "earlier incidents, each doubling",
}
#: Holm-adjusted p values below this count as evidence.
LEVEL = 0.05
#: Parts of the records of people never missing that :func:`under_recording` takes as kept.
COMPLETENESS = (1.0, 0.9, 0.8, 0.7, 0.5)


@dataclass(frozen=True)
class Answer:
    """What one model says about one finding.

    Attributes
    ----------
    finding, marker, words : str
        Such as ``F1``, the marker behind it, and the marker in plain words.
    estimate, lower, upper : float
        Odds ratio and 95 % bounds; NaN where not estimated.
    p_holm : float
        Adjusted over the family of markers.
    people : int
        Fewest people on whom the estimate rests, by marker and outcome.
    holds : bool or None
        Adjusted p below 0.05 and odds ratio above 1; None where not estimated.
    """

    finding: str
    marker: str
    words: str
    estimate: float
    lower: float
    upper: float
    p_holm: float
    people: int
    holds: bool | None


def ever_missing(frame: Frame, connections: pd.Series | None = None) -> Fit:
    """Logistic regression of ever being reported missing on what was known at the landmark.

    Parameters
    ----------
    frame : Frame
    connections : Series, optional
        Number of distinct connections by ``person_id``; enters as log2(1 + number).

    Returns
    -------
    Fit
        Odds ratios; terms are the markers, ``female``, ``sex_other``, ``age``,
        ``age_squared`` and, where given, ``connections``.
    """
    design = covariates(frame)
    if connections is not None:
        known = frame.people["person_id"].map(connections).fillna(0).astype(float)
        design = design.assign(connections=np.log2(1 + known))
    return logistic(frame.people["ever"], design)


def ever_missing_by_time_at_risk(frame: Frame) -> Fit:
    """The same outcome, with unequal time at risk: hazard ratios at a constant rate."""
    return complementary_log_log(frame.people["ever"], covariates(frame), frame.people["days"])


def number_of_incidents(frame: Frame) -> Fit:
    """Negative binomial regression of the number of incidents per day at risk: rate ratios."""
    return negative_binomial(frame.people["incidents"], covariates(frame), frame.people["days"])


def missing_again(frame: Frame) -> Fit:
    """Logistic regression of a second incident among those with a first: odds ratios."""
    ever = frame.people["ever"].to_numpy(bool)
    again = frame.people.loc[ever, "incidents"] > 1
    return logistic(again, covariates(frame)[ever].reset_index(drop=True))


def one_marker_at_a_time(frame: Frame) -> Fit:
    """Odds ratio of each marker without the other markers, given sex and age.

    Returns
    -------
    Fit
        ``terms`` holds one row per marker, each from its own regression; ``problem`` is empty.
    """
    own = [n for n in covariates(frame, []).columns]
    rows = []
    for marker in frame.marks.columns:
        fit = logistic(frame.people["ever"], covariates(frame, [marker]))
        rows.append(fit.terms[~fit.terms["term"].isin(own)])
    terms = pd.concat(rows, ignore_index=True) if rows else ever_missing(frame).terms.iloc[:0]
    ever = int(frame.people["ever"].sum())
    return Fit("odds ratio", terms, people=len(frame.people), events=ever)


def within(cohort: Cohort, frame: Frame, days: int = 365) -> Frame:
    """The frame with everybody followed equally long: outcomes of the first days only.

    Parameters
    ----------
    cohort : Cohort
    frame : Frame
    days : int
        Length of follow-up; people at risk for a shorter time are left out.

    Returns
    -------
    Frame
        Same columns; ``incidents`` and ``ever`` count the first ``days`` days.
    """
    long_enough = (frame.people["days"] >= days).to_numpy()
    people = frame.people[long_enough].reset_index(drop=True)
    since = (cohort.incidents["reported_on"] - cohort.start).dt.days
    early = cohort.incidents.loc[since.between(0, days - 1), "person_id"].value_counts()
    count = people["person_id"].map(early).fillna(0).astype("int64")
    people = people.assign(days=days, incidents=count, ever=count > 0)
    return replace(frame, people=people, marks=frame.marks[long_enough].reset_index(drop=True))


def shares_by_marker(frame: Frame) -> pd.DataFrame:
    """Share of people ever missing, with and without each marker.

    Returns
    -------
    DataFrame
        ``marker``, ``recorded`` (yes / no), ``people``, ``ever``, ``fewest`` (smaller of those
        ever and never missing), ``share``, ``lower``, ``upper`` (95 % Wilson).
    """
    ever = frame.people["ever"].to_numpy(bool)
    rows = []
    for marker in frame.marks.columns:
        for level, recorded in ((1.0, "yes"), (0.0, "no")):
            side = (frame.marks[marker] == level).to_numpy()
            n, k = int(side.sum()), int(ever[side].sum())
            share = k / n if n else np.nan
            rows.append((words(marker), recorded, n, k, min(k, n - k), share, *wilson(k, n)))
    columns = ["marker", "recorded", "people", "ever", "fewest", "share", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns)


def compare(fits: Mapping[str, Fit], terms: list[str] | None = None) -> pd.DataFrame:
    """Terms of several models below each other, ready for a table and a forest plot.

    Parameters
    ----------
    fits : mapping of str to Fit
        Plain name of each model.
    terms : list of str, optional
        Only these terms.

    Returns
    -------
    DataFrame
        ``model``, ``term`` (plain words), ``estimate``, ``lower``, ``upper``, ``people`` and
        ``events``. Age terms are left out: they adjust, and mean nothing by themselves.
    """
    parts = [fit.terms.assign(model=name) for name, fit in fits.items()]
    table = pd.concat(parts, ignore_index=True)
    adjusting = table["term"].isin(["age", "age_squared"])
    table = table[~adjusting if terms is None else table["term"].isin(terms)]
    table = table.assign(term=[words(name) for name in table["term"]])
    return table[["model", "term", *_SHOWN]].reset_index(drop=True)


def family_table(name: str, fit: Fit) -> pd.DataFrame:
    """The study's markers in one model with adjusted p values: :func:`compare` and ``p_holm``."""
    recorded = [m for m in STUDY_MARKERS if m in set(fit.terms["term"])]
    p = adjusted_p(fit)[recorded].to_numpy()
    return compare({name: fit}, recorded).assign(p_holm=p)


def adjusted_p(fit: Fit, family: tuple[str, ...] = STUDY_MARKERS) -> pd.Series:
    """Holm-adjusted p values of a family of terms, by term; NaN where not estimated."""
    p = fit.terms.set_index("term")["p"].reindex(list(family))
    return pd.Series(holm(p), index=p.index, name="p_holm")


def answers(fit: Fit) -> list[Answer]:
    """Answer F1 to F5 from one model; a marker that the force does not record has NaN."""
    terms = fit.terms.set_index("term")
    adjusted = adjusted_p(fit)
    out = []
    for finding, marker in FINDINGS.items():
        p, people = float(adjusted[marker]), 0
        estimate = lower = upper = np.nan
        if marker in terms.index:
            row = terms.loc[marker]
            estimate, lower, upper = row["estimate"], row["lower"], row["upper"]
            people = int(min(row["people"], row["events"]))
        holds = None if np.isnan(p) else bool(p < LEVEL and estimate > 1)
        plain = words(marker)
        out.append(Answer(finding, marker, plain, estimate, lower, upper, p, people, holds))
    return out


def describe_answer(answer: Answer, bearers: int | None, shown: bool, enough: int) -> str:
    """One finding as a template for a page, with numbers and the marker's ``name`` and ``words``.

    Parameters
    ----------
    answer : Answer
    bearers : int or None
        People in the comparison with the marker; None where the force does not record it.
    shown : bool
        Whether there is an odds ratio that may be shown.
    enough : int
        Fewest people that may be shown.
    """
    if bearers is None:
        return (
            "No marker of this force is called {name}, the name by which this book knows {words}; "
            "if the force records it, the force file must spell it so (see the page on the force "
            "file)."
        )
    if bearers < enough:
        return "Fewer than {enough} in this comparison have {words} on record."
    if not shown:
        return "For {words} this edition has no estimate that may be shown."
    if answer.holds:
        return (
            "With {words} on record before, the odds of being reported missing were {ratio} "
            "times as high (interval {interval})."
        )
    return (
        "With {words} on record before, the odds of being reported missing were not shown to "
        "be higher: odds ratio {ratio} (interval {interval})."
    )


def describe_answers(estimated: int, problem: str) -> str:
    """How many of the markers raise the odds, as a template with ``estimated``, ``raising``.

    Parameters
    ----------
    estimated : int
        Markers with an odds ratio that is shown.
    problem : str
        Why nothing is estimated, see :class:`.regression.Fit`; empty where the model stands.
    """
    if problem:
        return "The model with all markers is not fitted here: {problem}."
    if not estimated:
        return "None of the markers of the study has an estimate that may be shown here."
    return (
        "Markers of the study that could be estimated here: {estimated}; of these, {raising} "
        "raise the odds by this test."
    )


def average_effects(fit: Fit, markers: list[str]) -> pd.DataFrame:
    """How much more often people with a marker are missing, all else as it is.

    Returns
    -------
    DataFrame
        ``marker``, ``effect``, ``lower``, ``upper`` (differences of probability) and ``people``
        (fewest on whom the estimate rests).
    """
    rows = fit.terms[fit.terms["term"].isin(markers)]
    return pd.DataFrame(
        {
            "marker": [words(name) for name in rows["term"]],
            "effect": rows["effect"].to_numpy(float),
            "lower": rows["effect_lower"].to_numpy(float),
            "upper": rows["effect_upper"].to_numpy(float),
            "people": rows[["people", "events"]].min(axis=1).to_numpy(int),
        }
    )


def not_estimated(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Terms without an estimate, and why.

    Returns
    -------
    DataFrame
        ``model``, ``term``, ``reason``.
    """
    rows = [
        (name, words(row.term), row.reason)
        for name, fit in fits.items()
        for row in fit.terms.itertuples()
        if row.reason
    ]
    return pd.DataFrame(rows, columns=["model", "term", "reason"])


def under_recording(frame: Frame, completeness: tuple[float, ...] = COMPLETENESS) -> pd.DataFrame:
    """Crude odds ratios of the study's markers under incomplete records.

    Parameters
    ----------
    frame : Frame
    completeness : tuple of float
        Part of the bearers on record among people never missing, while those of people who go
        missing are all on record: the direction that flatters a marker.

    Returns
    -------
    DataFrame
        ``marker`` in plain words, one column per part (such as ``90 %``), and ``people``
        (fewest in any cell of the marker and the outcome).
    """
    ever = frame.people["ever"].to_numpy(bool)
    rows = []
    for marker in frame.study_markers:
        has = (frame.marks[marker] == 1).to_numpy()
        cells = [int((side & out).sum()) for side in (has, ~has) for out in (ever, ~ever)]
        ratios = [if_under_recorded(frame, marker, of_others=part) for part in completeness]
        rows.append((words(marker), *ratios, min(cells)))
    columns = ["marker", *under_recording_columns(completeness), "people"]
    return pd.DataFrame(rows, columns=columns)


def under_recording_columns(completeness: tuple[float, ...] = COMPLETENESS) -> list[str]:
    """Names of the columns of :func:`under_recording` that hold odds ratios."""
    return [f"{100 * part:.0f} %" for part in completeness]


def incomplete(frame: Frame) -> pd.Series:
    """Identifiers of people left out of every model because their age is not known."""
    return frame.people.loc[covariates(frame, []).isna().any(axis=1), "person_id"]


def if_under_recorded(
    frame: Frame, marker: str, of_missing: float = 1.0, of_others: float = 1.0
) -> float:
    """Crude odds ratio of a marker if only a part of its bearers were recorded.

    With a of n1 ever-missing people and b of n0 others recorded, and recording complete to a
    fraction s1 and s0, the true numbers are a/s1 and b/s0 (nobody is recorded wrongly).

    Parameters
    ----------
    frame : Frame
    marker : str
    of_missing, of_others : float
        s1 and s0, above 0 and at most 1.

    Returns
    -------
    float
        NaN where that is impossible (more bearers than people) or a cell is empty.
    """
    ever = frame.people["ever"].to_numpy(bool)
    has = (frame.marks[marker] == 1).to_numpy()
    with_1, with_0 = has[ever].sum() / of_missing, has[~ever].sum() / of_others
    without_1, without_0 = ever.sum() - with_1, (~ever).sum() - with_0
    if min(with_1, with_0, without_1, without_0) <= 0:
        return float("nan")
    return float(with_1 * without_0 / (with_0 * without_1))


def words(term: str) -> str:
    """A term in plain words."""
    return WORDS.get(term, term.replace("_", " "))


_SHOWN = ["estimate", "lower", "upper", "people", "events"]
