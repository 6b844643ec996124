"""Whether a marker matters more in one part of the data than in another: exploratory."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from missing_lib.study.cohort import ERA_CHANGE, ERAS, Cohort
from missing_lib.study.frame import Frame, between, covariates
from missing_lib.study.influence import Influence, difference, of_model
from missing_lib.study.predictors import LEVEL, compare, ever_missing_by_time_at_risk
from missing_lib.study.regression import Fit, holm


@dataclass(frozen=True)
class Contrast:
    """The same markers in two parts of the data, and how much they differ.

    Attributes
    ----------
    parts : DataFrame
        Columns of :func:`.predictors.compare`: hazard ratios, ``model`` being the part.
    ratios : DataFrame
        The same without ``model``: the ratio of the second part's hazard ratio to the first's,
        with ``p_holm``, adjusted over the markers.
    shared : int
        People who are in both parts.
    problem : str
        Why a part has no estimates; empty where both have.
    """

    parts: pd.DataFrame
    ratios: pd.DataFrame
    shared: int
    problem: str = ""


def by_era(cohort: Cohort, frame: Frame, markers: list[str]) -> Contrast | None:
    """The markers before and after the change of recording; None without both eras.

    Both parts hold the same people as far as they are at risk in both, which the standard error
    of the ratio allows for.
    """
    if not cohort.start < ERA_CHANGE <= cohort.end:
        return None
    first = between(cohort, frame, cohort.start, ERA_CHANGE - pd.Timedelta(days=1))
    second = between(cohort, frame, ERA_CHANGE, cohort.end)
    return contrast({ERAS[0]: first, ERAS[1]: second}, markers)


def contrast(parts: dict[str, Frame], markers: list[str]) -> Contrast:
    """Compare the hazard ratios of markers in two frames.

    Parameters
    ----------
    parts : dict of str to Frame
        Two frames by name. They may share people: the variance of a difference is summed over
        people, see :func:`.influence.difference`. That people of one household or placement go
        missing together is not allowed for.
    markers : list of str

    Returns
    -------
    Contrast
    """
    fits = {name: ever_missing_by_time_at_risk(frame) for name, frame in parts.items()}
    first, second = (_pieces(fits[name], frame) for name, frame in parts.items())
    gap = difference(first, second, markers)
    both = pd.concat([fit.terms[["term", "people", "events"]] for fit in fits.values()])
    fewest = both.groupby("term")[["people", "events"]].min().reindex(markers, fill_value=0)
    gap = gap.join(fewest, on="term")
    ratios = compare({"": Fit("hazard ratio", gap, people=0, events=0)}, markers)
    one, two = (set(frame.people["person_id"]) for frame in parts.values())
    problems = [f"{name}: {fit.problem}" for name, fit in fits.items() if fit.problem]
    return Contrast(
        parts=compare(fits, markers),
        ratios=ratios.drop(columns="model").assign(p_holm=holm(gap["p"])),
        shared=len(one & two),
        problem="; ".join(problems),
    )


def describe_contrast(contrast: Contrast, what: str) -> str:
    """What the ratios say together, as a template with ``p``.

    Parameters
    ----------
    contrast : Contrast
    what : str
        The two parts in plain words, such as ``children and adults``.
    """
    if contrast.problem:
        return "The parts cannot be compared here: {problem}."
    known = contrast.ratios.dropna(subset=["p_holm"])
    if known.empty:
        return "No marker has an estimate in both parts, so there is nothing to compare."
    differ = known.loc[known["p_holm"] < LEVEL, "term"]
    told = f"Between {what} the ratios of "
    if differ.empty:
        return told + "no marker differ clearly (smallest adjusted p {p})."
    return told + " and ".join(differ) + " differ clearly (smallest adjusted p {p})."


def _pieces(fit: Fit, frame: Frame) -> Influence | None:
    people = frame.people
    return of_model(fit, people["person_id"], people["ever"], covariates(frame), people["days"])
