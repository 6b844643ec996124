"""The primary family: eight questions fixed beforehand, one model each, tested together.

Five markers (F1 to F5) and three questions about ties (N1 to N3) are what the study claimed or
asked. Each has one test, the same for every force and written here, and the eight p values are
adjusted together by Holm's method, so that the chance of so much as one false claim among them is
at most one in twenty. Whatever else a chapter computes is exploratory.

=======  ===============================================================  =========================
finding  what the test would reject                                       p value
=======  ===============================================================  =========================
F1 - F5  the marker makes no difference beside the others, sex and age    Wald, two-sided
N1       connections make no difference beside markers, sex and age       Wald, two-sided
N2       each step away from others who went missing matters: its odds    larger of the two
         ratio lies outside :data:`.network.EQUIVALENCE`                  one-sided tests
N3       incidents come no sooner after those of connections than under   permutation, one-sided
         shifted histories
=======  ===============================================================  =========================

N2 is a claim of no influence, so its test is one of equivalence: a small p value speaks *for* no
influence. N3 is a test of timing, whose p value cannot be below one in the number of shifts plus
one; with 199 shifts and eight members it can just stay below 0.05 after the adjustment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from missing_lib.study import nearness, network, peers, predictors
from missing_lib.study.cohort import Cohort
from missing_lib.study.frame import Frame
from missing_lib.study.regression import Fit, holm

#: The findings of the study that are tested together.
MEMBERS = (*predictors.FINDINGS, "N1", "N2", "N3")
#: What each is, in plain words.
QUESTIONS = {
    **{finding: predictors.words(marker) for finding, marker in predictors.FINDINGS.items()},
    "N1": "connections",
    "N2": "no influence of nearness",
    "N3": "episodes in step",
}


@dataclass(frozen=True)
class Ties:
    """What the questions about ties need, computed once.

    Attributes
    ----------
    pairs : DataFrame
        Tied pairs at the landmark, see :func:`.network.ties_before`.
    degree : Series
        Connections by ``person_id``.
    graph : Graph
        Of everybody tied or in the frame.
    missing : bool array, shape (nodes,)
        Who went missing.
    steps : float array, shape (nodes,)
        To the nearest other who went missing; inf where nobody is in reach.
    """

    pairs: pd.DataFrame
    degree: pd.Series
    graph: nearness.Graph
    missing: NDArray[np.bool_]
    steps: NDArray[np.float64]


@dataclass(frozen=True)
class Family:
    """The eight tests and their adjusted p values.

    Attributes
    ----------
    markers : Fit
        Logistic regression behind F1 to F5.
    connections, steps : Fit
        Those behind N1 and N2.
    timing : Timing
        Behind N3.
    ties : Ties
    p : Series
        By finding; NaN where a force's data have no answer.
    p_holm : Series
        Adjusted over those that have one.
    people : Series
        Fewest people on whom each test rests.
    """

    markers: Fit
    connections: Fit
    steps: Fit
    timing: peers.Timing
    ties: Ties
    p: pd.Series
    p_holm: pd.Series
    people: pd.Series

    @property
    def tested(self) -> int:
        """How many of the eight have an answer."""
        return int(self.p.notna().sum())


def primary(cohort: Cohort, frame: Frame, seed: int) -> Family:
    """Answer the eight questions of the family and adjust their p values together.

    Parameters
    ----------
    cohort : Cohort
    frame : Frame
        From :func:`.frame.known_before`.
    seed : int
        Of the shifts behind N3; every chapter of an edition gives the same.

    Returns
    -------
    Family
    """
    ties = ties_of(cohort, frame)
    markers = predictors.ever_missing(frame)
    connections = network.degree_model(frame, ties.degree)
    steps = network.steps_model(frame, ties.graph, ties.degree, ties.steps)
    timing = peers.peer_timing(cohort, ties.pairs, seed)
    fits = dict.fromkeys(predictors.FINDINGS, markers) | {"N1": connections, "N2": steps}
    terms = predictors.FINDINGS | {"N1": "connections", "N2": "steps"}
    rows = {finding: _row(fits[finding], term) for finding, term in terms.items()}
    p = {finding: float(row["p"]) for finding, row in rows.items()}
    p["N2"] = equivalence_p(rows["N2"]["coefficient"], rows["N2"]["se"])
    p["N3"] = timing.p
    people = {f: int(min(row["people"], row["events"])) for f, row in rows.items()}
    people["N3"] = len(timing.followed)
    raw = pd.Series(p).reindex(list(MEMBERS))
    return Family(
        markers=markers,
        connections=connections,
        steps=steps,
        timing=timing,
        ties=ties,
        p=raw,
        p_holm=pd.Series(holm(raw), index=raw.index),
        people=pd.Series(people).reindex(list(MEMBERS)),
    )


def ties_of(cohort: Cohort, frame: Frame) -> Ties:
    """The network at the landmark, with the steps from each person to the nearest other."""
    pairs = network.ties_before(cohort)
    graph = nearness.graph(pairs, frame.people["person_id"])
    missing = graph.names.isin(cohort.counts.index)
    return Ties(
        pairs=pairs,
        degree=network.connections(pairs),
        graph=graph,
        missing=missing,
        steps=nearness.nearest_other(graph, missing),
    )


def equivalence_p(
    coefficient: float, se: float, region: tuple[float, float] = network.EQUIVALENCE
) -> float:
    """P value of two one-sided tests that a ratio lies inside a region.

    Parameters
    ----------
    coefficient, se : float
        On the log scale.
    region : (float, float)
        Ratios too small to matter.

    Returns
    -------
    float
        Below 0.05 exactly where the 90 % interval lies in the region; NaN without an estimate.

    References
    ----------
    Schuirmann 1987, doi 10.1007/BF01068419.

    Examples
    --------
    >>> round(equivalence_p(0.0, 0.1), 4), equivalence_p(1.0, 0.1) > 0.99
    (0.0128, True)
    """
    low, high = np.log(region)
    if not se > 0:
        return float("nan")
    return float(max(norm.sf((coefficient - low) / se), norm.cdf((coefficient - high) / se)))


def _row(fit: Fit, term: str) -> pd.Series:
    """A row of the terms, NaN where the force does not record the term."""
    if term in set(fit.terms["term"]):
        return fit.row(term)
    return pd.Series({"coefficient": np.nan, "se": np.nan, "p": np.nan, "people": 0, "events": 0})
