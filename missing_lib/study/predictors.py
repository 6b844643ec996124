"""Which people are reported missing, and how often: five markers known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study.frame import Frame, covariates
from missing_lib.study.intervals import wilson
from missing_lib.study.regression import (
    Fit,
    complementary_log_log,
    logistic,
    negative_binomial,
)
from missing_lib.study.truncated import TruncatedFit, zero_truncated_negative_binomial

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
    "connections_before": "one plus connections reported missing before, each doubling",
    "own_before": "an own report before",
    "steps": "each step further away",
    "closeness": "closeness to all of them",
    "contacts": "one plus earlier contacts with the police, each doubling",
    "shared_placement": "a placement shared with others",
    "ethnicity_other": "ethnicity other than white (against white)",
    "ethnicity_unknown": "ethnicity not stated (against white)",
    "earlier_incidents": "earlier incidents, each doubling",
}
#: Holm-adjusted p values below this count as evidence.
LEVEL = 0.05


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
        Adjusted over the primary family, see :mod:`.family`.
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


def ever_missing(frame: Frame, further: pd.DataFrame | None = None) -> Fit:
    """Logistic regression of ever being reported missing on what was known at the landmark.

    Parameters
    ----------
    frame : Frame
    further : DataFrame of float, optional
        Rows of ``frame.people``: terms beside those of :func:`.frame.covariates`, such as
        :func:`.sensitivity.further_terms`.

    Returns
    -------
    Fit
        Odds ratios; terms are the markers, ``female``, ``sex_other``, ``age``,
        ``age_squared`` and, where given, the further ones.
    """
    return logistic(frame.people["ever"], _with(frame, further))


def ever_missing_by_time_at_risk(frame: Frame, further: pd.DataFrame | None = None) -> Fit:
    """The same outcome, with unequal time at risk: hazard ratios at a constant rate."""
    return complementary_log_log(frame.people["ever"], _with(frame, further), frame.people["days"])


def number_of_incidents(frame: Frame) -> Fit:
    """Negative binomial regression of the number of incidents per day at risk: rate ratios.

    Everybody in the frame counts, those never missing with none: whether and how often in one.
    """
    return negative_binomial(frame.people["incidents"], covariates(frame), frame.people["days"])


def number_among_the_missing(frame: Frame) -> TruncatedFit:
    """The same among people with an incident, of whom a police file alone would know.

    Zero-truncated: how often, given that it happens at all. If one process ruled both whether
    and how often, these would be the ratios of :func:`number_of_incidents`, estimated from fewer.
    """
    people = frame.people
    return zero_truncated_negative_binomial(people["incidents"], covariates(frame), people["days"])


def missing_again(frame: Frame) -> Fit:
    """Logistic regression of a second incident among those with a first: odds ratios."""
    ever = frame.people["ever"].to_numpy(bool)
    again = frame.people.loc[ever, "incidents"] > 1
    return logistic(again, covariates(frame)[ever])


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


def family_table(name: str, fit: Fit, p_holm: pd.Series) -> pd.DataFrame:
    """The study's markers in one model with adjusted p values: :func:`compare` and ``p_holm``.

    Parameters
    ----------
    name : str
        Of the model.
    fit : Fit
    p_holm : Series
        By finding, see :class:`.family.Family`.
    """
    recorded = {f: m for f, m in FINDINGS.items() if m in set(fit.terms["term"])}
    table = compare({name: fit}, list(recorded.values()))
    return table.assign(p_holm=p_holm[list(recorded)].to_numpy(float))


def answers(fit: Fit, p_holm: pd.Series) -> list[Answer]:
    """Answer F1 to F5 from one model; a marker that the force does not record has NaN.

    Parameters
    ----------
    fit : Fit
    p_holm : Series
        Adjusted p values by finding, see :class:`.family.Family`.
    """
    terms = fit.terms.set_index("term")
    out = []
    for finding, marker in FINDINGS.items():
        p, people = float(p_holm[finding]), 0
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
            "times as high (interval {interval}; adjusted p {p})."
        )
    return (
        "With {words} on record before, the odds of being reported missing were not shown to "
        "be higher: odds ratio {ratio} (interval {interval}; adjusted p {p})."
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
        "raise the odds by this test, all questions of the family being tested together."
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


def _with(frame: Frame, further: pd.DataFrame | None) -> pd.DataFrame:
    design = covariates(frame)
    return design if further is None else pd.concat([design, further], axis=1)


def words(term: str) -> str:
    """A term in plain words."""
    return WORDS.get(term, term.replace("_", " "))


_SHOWN = ["estimate", "lower", "upper", "people", "events"]
