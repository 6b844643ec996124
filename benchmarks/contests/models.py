"""Regressions of whether and how often, with six covariates."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from peers import Columns, Task

from contests.contest import Contest, R
from contests.made import YES_NO, measured_people, people
from missing_lib.study.diagnosis import separating_terms
from missing_lib.study.regression import (
    Fit,
    complementary_log_log,
    logistic,
    negative_binomial,
)

TERMS = [*YES_NO, "age"]
#: Optimisers stop at different distances from the top.
NEAR = 1e-4
#: That of statsmodels for counts stops earlier (1e-4), and R's search for theta too.
NEARER_THAN_STATSMODELS = 2e-3


def design_of(d: Columns) -> pd.DataFrame:
    return pd.DataFrame({name: d[name].astype(float) for name in TERMS})


def ours(fit: Callable[[Columns, pd.DataFrame], Fit]) -> Callable[[Columns], Task]:
    def task(d: Columns) -> Task:
        design = design_of(d)

        def work() -> dict[str, float]:
            found = fit(d, design)
            terms = found.terms.set_index("term")
            said = {"intercept": found.intercept, **terms["coefficient"]}
            if np.isnan(found.dispersion):
                return said | {f"se {name}": terms.loc[name, "se"] for name in TERMS}
            return said | {"alpha": found.dispersion}

        return work

    return task


def of_statsmodels(
    model: Callable[[Columns, np.ndarray], Any], errors: bool = False, **how: Any
) -> Callable[[Columns], Task]:
    def task(d: Columns) -> Task:
        x = sm.add_constant(design_of(d)).to_numpy()

        def work() -> dict[str, float]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fit = model(d, x).fit(**how)
            said = dict(zip(["intercept", *TERMS, "alpha"], fit.params, strict=False))
            with_errors = zip(TERMS, fit.bse[1:], strict=False) if errors else ()
            return said | {f"se {n}": s for n, s in with_errors}

        return work

    return task


R_PREPARE = "f <- as.data.frame(d)"
R_SAID = "\nb <- coef(m); names(b)[1] <- 'intercept'"
R_ERRORS = "; s <- sqrt(diag(vcov(m)))[-1]; c(b, setNames(s, paste('se', names(s))))"
R_TERMS = " + ".join(TERMS)


R_LOGISTIC = R(f"m <- glm(ever ~ {R_TERMS}, binomial, f){R_SAID}{R_ERRORS}", R_PREPARE)
#: Of both peers the errors are left out: theirs are from expected information.
R_CLOGLOG = R(
    f"m <- glm(ever ~ {R_TERMS} + offset(log(days)), binomial('cloglog'), f){R_SAID}; b", R_PREPARE
)
R_COUNTS = R(
    f"m <- glm.nb(incidents ~ {R_TERMS} + offset(log(days)), f){R_SAID}; c(b, alpha = 1 / m$theta)",
    R_PREPARE,
    ("MASS",),
)

our_logistic = ours(lambda d, x: logistic(d["ever"], x))
our_cloglog = ours(lambda d, x: complementary_log_log(d["ever"], x, d["days"]))
our_counts = ours(lambda d, x: negative_binomial(d["incidents"], x, d["days"]))

LOGIT = {"statsmodels": of_statsmodels(lambda d, x: sm.Logit(d["ever"], x), True, disp=False)}
CLOGLOG = {
    "statsmodels": of_statsmodels(
        lambda d, x: sm.GLM(
            d["ever"], x, sm.families.Binomial(sm.families.links.CLogLog()),
            offset=np.log(d["days"]),
        )
    )
}  # fmt: skip
COUNTS = {
    "statsmodels": of_statsmodels(
        lambda d, x: sm.NegativeBinomial(d["incidents"], x, offset=np.log(d["days"])), disp=False
    )
}


def our_separation(d: Columns) -> Task:
    design = design_of(d)
    return lambda: {"terms": float(len(separating_terms(d["ever"] > 0, design)))}


ALL = tuple(
    contest
    for of, columns in (("six whole numbers", people), ("one measured", measured_people))
    for contest in (
        Contest(f"logistic, {of}", columns, our_logistic, LOGIT, R_LOGISTIC, NEAR),
        Contest(
            f"complementary log-log, {of}", columns, our_cloglog, CLOGLOG,
            R_CLOGLOG, NEAR,
        ),
        Contest(
            f"negative binomial, {of}", columns, our_counts, COUNTS, R_COUNTS,
            NEARER_THAN_STATSMODELS,
        ),
        Contest(f"separation looked for, {of}", columns, our_separation),
    )
)  # fmt: skip
