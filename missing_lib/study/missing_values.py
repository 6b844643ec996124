"""The markers where sex, age or ethnicity is not on record: complete cases beside imputed ones.

Only these three are imputed. A marker that is not on record is not a missing value: it is what an
agency did not record, and stays that.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_lib.study.frame import Frame, covariates
from missing_lib.study.imputation import completed, imputable, pool
from missing_lib.study.predictors import compare
from missing_lib.study.regression import Fit, logistic

#: Completed data sets; Rubin's rules lose little beyond as many.
COPIES = 20
COMPLETE, IMPUTED = "complete cases", "imputed"


def incomplete(frame: Frame) -> dict[str, pd.Series]:
    """Identifiers of the people whose sex, age or ethnicity is not on record, and of any of them.

    Returns
    -------
    dict of str to Series
        ``sex``, ``age``, ``ethnicity``, ``any``.
    """
    people = frame.people
    lacks = {
        "sex": ~people["sex_recorded"].astype(bool),
        "age": people["age"].isna(),
        "ethnicity": people["ethnicity"].isna(),
    }
    lacks["any"] = lacks["sex"] | lacks["age"] | lacks["ethnicity"]
    return {name: people.loc[here, "person_id"] for name, here in lacks.items()}


def beside_each_other(frame: Frame, markers: list[str], seed: int) -> pd.DataFrame:
    """One model, with ethnicity as a further term, on complete cases and on imputed data.

    Parameters
    ----------
    frame : Frame
    markers : list of str
    seed : int

    Returns
    -------
    DataFrame
        Columns of :func:`.predictors.compare`; the models are :data:`COMPLETE` and
        :data:`IMPUTED`, the latter with no rows where nothing can be imputed.
    """
    data = with_gaps(frame)
    ever = frame.people["ever"].astype(bool)
    fits = {COMPLETE: logistic(ever, terms(data))}
    if imputable(data):
        fits[IMPUTED] = imputed(frame, seed)
    return compare(fits, markers)


def imputed(frame: Frame, seed: int, copies: int = COPIES) -> Fit:
    """The logistic model with ethnicity, pooled over completed data by Rubin's rules.

    The imputation model holds all terms, the outcome and the log of the time at risk.

    Returns
    -------
    Fit
        ``people`` and ``events`` of a term are the fewest over the completed data; a term is
        estimated where it is in all of them.
    """
    data = with_gaps(frame)
    ever = frame.people["ever"].astype(bool)
    about = data.assign(outcome=ever.astype(float), log_days=np.log(frame.people["days"]))
    fits = [logistic(ever, terms(filled)) for filled in completed(about, copies, seed)]
    problem = next((fit.problem for fit in fits if fit.problem), "")
    rows = pd.concat([fit.terms for fit in fits])
    fewest = rows.groupby("term", sort=False)[["people", "events"]].min()
    b, se = (
        np.array([fit.terms[c].to_numpy(float) for fit in fits]) for c in ("coefficient", "se")
    )
    pooled = pool(b, se**2, complete_df=max(fits[0].people - b.shape[1] - 1, 1))
    table = pd.DataFrame(
        {
            "term": fits[0].terms["term"],
            "coefficient": pooled.estimate,
            "se": pooled.se,
            "estimate": np.exp(pooled.estimate),
            "lower": np.exp(pooled.lower),
            "upper": np.exp(pooled.upper),
            "p": pooled.p,
            "people": fewest["people"].to_numpy(int),
            "events": fewest["events"].to_numpy(int),
            "reason": fits[0].terms["reason"],
        }
    )
    return Fit("odds ratio", table, fits[0].people, fits[0].events, problem=problem)


def with_gaps(frame: Frame) -> pd.DataFrame:
    """Terms of the model, NaN where not on record; age is not squared yet.

    Ethnicity is *other than white* against white, two groups that are large enough to impute in
    every force. Sex that is neither is on record, and so is not imputed.
    """
    people = frame.people
    design = covariates(frame).drop(columns="age_squared")
    stated = people["ethnicity"].notna()
    return design.assign(
        female=design["female"].where(people["sex_recorded"].astype(bool)),
        sex_other=((people["sex"] == "other") & people["sex_recorded"]).astype(float),
        ethnicity_other=(people["ethnicity"] != "white").astype(float).where(stated),
    )


def terms(data: pd.DataFrame) -> pd.DataFrame:
    """Terms of the model from (completed) data: the square of age follows from age."""
    return data.drop(columns=["outcome", "log_days"], errors="ignore").assign(
        age_squared=data["age"] ** 2
    )
