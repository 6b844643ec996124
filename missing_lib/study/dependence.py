"""Does having been missing raise the rate for the same person? Own history and differences.

A rate that is higher after more incidents, or shortly after a return, can mean two things: the
incident changed something, or those who have many were always at higher risk. Marginal models
hold both; a frailty for each person takes the lasting differences out. What is left is
clustering in time, which need not be caused by the incident before.

The number of earlier incidents is no term beside a frailty. With a gamma frailty of variance theta
the rate that n earlier incidents let one expect is proportional to 1/theta + n without any
incident having changed anything: at theta = 1 that is the model in which each incident adds to
the rate, and elsewhere the form of a curve alone would tell the two apart (Bates and Neyman
1952, University of California Publications in Statistics 1, 255-275).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.study.cohort import Cohort
from missing_lib.study.counting import WASH_OUT, CountingRows, FollowUp, follow, rows_at_risk
from missing_lib.study.frame import Frame
from missing_lib.study.recurrent import (
    ERA,
    FrailtyModel,
    andersen_gill,
    change_with_time,
    given_frailty,
    pwp_gap_time,
    pwp_total_time,
)
from missing_lib.study.regression import Fit
from missing_lib.study.time_varying import (
    EARLIER,
    LAG,
    completed_years,
    era,
    in_force,
    own_history,
    returned_within,
    sex_and_age,
)

#: Marker of the study that comes in spells, and its term.
CARE = "local_authority_care"
IN_CARE = f"in_care_for_{LAG}_days_or_longer"
#: Names of models, as tables have them.
ANDERSEN_GILL = "Andersen-Gill"
WITH_NUMBER = "Andersen-Gill, earlier incidents too"
PWP_TOTAL = "PWP, total time"
PWP_GAP = "PWP, gap time"
WITHOUT = "without own history"
WITH = "with time since the return"
#: p values below this are told as smaller than one in a thousand.
SMALLEST_P = 0.001
_LEVEL = 0.05
_AGE = "age"


@dataclass(frozen=True)
class Dependence:
    """Recurrent-event models of one cohort.

    Attributes
    ----------
    marginal : dict of str to Fit
        Andersen-Gill with time since the return, the same with the number of earlier incidents
        too, and the two PWP models, with robust errors.
    frailty : dict of str to FrailtyModel
        Given a rate of each person's own, without and with time since the return, with
        model-based errors; without it alone where only people with an incident are on file.
    drift : DataFrame
        Test of each ratio of the first model against a drift over the years, see
        :func:`.recurrent.change_with_time`.
    people, having : ndarray of str
        Identifiers of those followed, and of those of them with an incident.
    recent : str
        Term of the last return within the shorter bound.
    only_reported : bool
        Whether only people with an incident were followed.
    """

    marginal: dict[str, Fit]
    frailty: dict[str, FrailtyModel]
    drift: pd.DataFrame
    people: np.ndarray
    having: np.ndarray
    recent: str
    only_reported: bool

    def shown(self) -> list[str]:
        """Terms that answer something: all but age and sex not recorded."""
        named = [t for fit in self.marginal.values() for t in fit.terms["term"]]
        adjusting = {"age", "age_squared", "sex_other"}
        return [term for term in dict.fromkeys(named) if term not in adjusting]


def fit_dependence(
    cohort: Cohort, frame: Frame, bounds: Sequence[float], *, compared: bool
) -> Dependence:
    """Fit every model of the section.

    Parameters
    ----------
    cohort : Cohort
    frame : Frame
        People known before the landmark for another reason.
    bounds : sequence of float
        Days since the return, ascending.
    compared : bool
        Whether the frame has people enough who were never reported. If not, everybody with an
        incident is followed: marginal models from the first return on, because all before it is
        decided by who is on file; the frailty model with the likelihood truncated to people with
        an incident, and without own history, under which that likelihood is not known.

    Returns
    -------
    Dependence
    """
    people = frame.people["person_id"] if compared else cohort.counts.index
    followed = follow(cohort, people)
    rows = _rows(cohort, followed, bounds)
    late = _rows(cohort, follow(cohort, people, wash_out=WASH_OUT), bounds)
    used, late = (rows, late) if compared else (_after_first(rows), _after_first(late))
    history, adjusting = own_history(used, bounds), _adjusting(cohort, used)
    recent = pd.concat([history.drop(columns=EARLIER), adjusting], axis=1)
    own, later = own_history(late, bounds).drop(columns=EARLIER), _adjusting(cohort, late)
    marginal = {
        ANDERSEN_GILL: andersen_gill(used, recent),
        WITH_NUMBER: andersen_gill(used, pd.concat([history, adjusting], axis=1)),
        PWP_TOTAL: pwp_total_time(late, pd.concat([own, later], axis=1)),
        PWP_GAP: pwp_gap_time(late, later),
    }
    if compared:
        frailty = {
            WITHOUT: given_frailty(used, adjusting),
            WITH: given_frailty(used, recent),
        }
    else:
        some = _with_an_event(rows)
        frailty = {WITHOUT: given_frailty(some, sex_and_age(cohort, some), truncated=True)}
    having = np.unique(followed.person[followed.event])
    return Dependence(
        marginal,
        frailty,
        change_with_time(used, recent),
        followed.people.to_numpy(object),
        followed.people.to_numpy(object)[having],
        returned_within(0, bounds[0]),
        not compared,
    )


def frailty_table(frailty: dict[str, FrailtyModel]) -> pd.DataFrame:
    """How much people differ, in each model.

    Returns
    -------
    DataFrame
        ``model``, ``variance``, ``lower``, ``upper`` (NaN where there is no bound) and
        ``people`` (with an incident).
    """
    rows = [(name, m.variance, m.lower, m.upper, m.fit.events) for name, m in frailty.items()]
    out = pd.DataFrame(rows, columns=["model", "variance", "lower", "upper", "people"])
    return out.assign(upper=out["upper"].where(out["upper"] < np.inf))


def printed_interval(model: FrailtyModel) -> tuple[float, float] | None:
    """Interval of the variance; None where it has no upper bound."""
    return (model.lower, model.upper) if np.isfinite(model.upper) else None


def ratios(found: Dependence) -> dict[str, pd.Series]:
    """Ratios of a recent return, ``recent`` without and ``recent_own`` with frailty.

    Returns
    -------
    dict of Series
        Rows of :attr:`.regression.Fit.terms`; empty unless both are estimated.
    """
    if WITH not in found.frailty:
        return {}
    fits = {"recent": found.marginal[ANDERSEN_GILL], "recent_own": found.frailty[WITH].fit}
    rows = {name: fit.row(found.recent) for name, fit in fits.items()}
    return rows if all(np.isfinite(row["estimate"]) for row in rows.values()) else {}


def describe_followed(found: Dependence) -> str:
    """Who is followed, as a template with ``followed``, ``ever`` and ``people``."""
    if found.only_reported:
        return (
            "This file does not say enough of {people} who were never reported, so the marginal "
            "models follow those reported from their first return on: all before it is decided "
            "by who is on file."
        )
    return (
        "Followed are the {followed} {people} whom an agency knew before the study began, for "
        "another reason than going missing; {ever} of them had an incident."
    )


def describe_differences(found: Dependence) -> str:
    """Whether people differ, as a template with ``variance``, ``interval``, ``p``, ``problem``."""
    model = found.frailty[WITHOUT]
    if model.problem:
        return "The model that gives each {person} a rate of their own is not fitted: {problem}."
    if model.variance == 0:
        return (
            "Given sex, age and care, the rates of {people} do not differ: the variance of their "
            "own factors is estimated at its lower bound, none at all."
        )
    said = (
        "Without own history, the factors by which {people} differ have variance {variance} "
        "(interval {interval}; test of no differences: p "
    )
    if np.isinf(model.upper):
        said = said.replace("interval {interval}", "these data set it no upper bound")
    said += "below one in a thousand). " if model.p < SMALLEST_P else "= {p}). "
    if model.p >= _LEVEL:
        return said + "That is within what chance gives."
    return said + (
        "So {people} differ, or each incident adds to the rate of the next: a variance without own "
        "history cannot tell the two apart."
    )


def describe_fall(found: Dependence) -> str:
    """What a recent return still tells once people may differ, as a template.

    The numbers are ``days``, and the ratios ``recent`` and ``recent_own`` of :func:`ratios`.
    """
    if WITH not in found.frailty:
        return (
            "A model with time since the return and a rate of each {person}'s own is not fitted: "
            "this file holds only {people} with an incident, and how likely it was to have none "
            "cannot be computed from the hazard of those whose hazard their own incidents changed. "
            "The same model on this file without that correction would be wrong, and is not shown."
        )
    known = ratios(found)
    if not known:
        return "Time since the return and differences between {people} cannot be told apart here."
    said = (
        "Once each {person} may have a rate of their own, the ratio for a return in the past "
        "{days} days goes from {recent} to {recent_own}. "
    )
    given = known["recent_own"]
    if given["lower"] > 1:
        return said + (
            "So lasting differences between {people} do not explain why the days after a return "
            "are days of higher risk."
        )
    if given["upper"] < 1:
        return said + (
            "So for the same {person} the days after a return are days of lower risk, and "
            "differences between {people} hid it."
        )
    return said + (
        "So lasting differences between {people} may be all there is: that the days after a "
        "return are days of higher risk for the same {person} is not shown."
    )


def describe_drift(drift: pd.DataFrame) -> str:
    """Whether the ratios hold over the years, as a template with ``p``."""
    if drift.empty:
        return "Whether the ratios change over the years could not be tested."
    p = float(drift["p"].iloc[-1])
    said = "A test of whether the ratios of Andersen-Gill change over the years gives p "
    said += "below one in a thousand: " if p < SMALLEST_P else "= {p}: "
    if p < _LEVEL:
        return said + "some do, so each ratio is an average over the years."
    return said + "no change is shown."


def not_fitted(fits: dict[str, Fit]) -> dict[str, str]:
    """Models without any estimate, each with its reason."""
    return {name: fit.problem for name, fit in fits.items() if fit.problem}


def _rows(cohort: Cohort, followed: FollowUp, bounds: Sequence[float]) -> CountingRows:
    quantities = {ERA: era(followed), _AGE: completed_years(cohort, followed)}
    if (cohort.markers["marker"] == CARE).any():
        quantities[IN_CARE] = in_force(cohort, followed, CARE)
    return rows_at_risk(followed, quantities, after_return=bounds)


def _adjusting(cohort: Cohort, rows: CountingRows) -> pd.DataFrame:
    terms = sex_and_age(cohort, rows, _AGE)
    if IN_CARE not in rows.values:
        return terms
    return pd.concat([(rows.values[[IN_CARE]] > 0).astype(float), terms], axis=1)


def _after_first(rows: CountingRows) -> CountingRows:
    return rows.only(rows.order > 0)


def _with_an_event(rows: CountingRows) -> CountingRows:
    """Rows of people whose incident stands in a row; one outside the window does not."""
    has = np.bincount(rows.person, rows.event) > 0
    return rows.only(has[rows.person]) if len(has) else rows
