"""Andersen-Gill regression with person-clustered errors: this library against R and lifelines.

    .venv/bin/python benchmarks/cox.py [ROWS ...]     (10^5 and 10^6 unless asked otherwise)

Six terms, whole days of 68 months, (start, stop] rows of persons with up to five incidents. Each
contender runs in a process of its own, on one thread; the answers must agree to eight digits.
The Python peer is asked only up to 10^5 rows: it takes minutes there. Its clustered errors are
not compared, because with late entry they are not those of R.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from peers import Columns, Cost, in_python, in_r, off_by, r_lacks, serve, write

from missing_lib.study.cox import fit_cox
from missing_lib.study.cox.frailty import fit_frailty
from missing_lib.study.cox.rows import prepare

SIZES = (100_000, 1_000_000)
DAYS = 2070
TERMS = [f"m{i}" for i in range(1, 6)] + ["age"]
AGREE = 1e-8
PEER_ROWS = 100_000


def world(rows: int, seed: int = 7) -> pd.DataFrame:
    """Persons with frailty, five yes-no terms and age; a row from each incident to the next."""
    rng = np.random.default_rng(seed)
    people = rows // 2
    marks = rng.random((people, 5)) < np.array([0.1, 0.15, 0.2, 0.05, 0.1])
    age = rng.normal(0, 2.5, people).round(1)
    rate = rng.gamma(0.8, 1 / 0.8, people) * np.exp(marks @ [0.6, 0.5, 0.7, 0.4, 0.9])
    number = np.minimum(rng.poisson(0.9 * rate / rate.mean()), 12)
    person = np.repeat(np.arange(people), number)
    day = rng.integers(1, DAYS, len(person))
    events = pd.DataFrame({"id": person, "stop": day, "event": 1}).drop_duplicates()
    ends = pd.DataFrame({"id": np.arange(people), "stop": DAYS, "event": 0})
    out = pd.concat([events, ends]).sort_values(["id", "stop"], ignore_index=True)
    out["start"] = out.groupby("id")["stop"].shift(fill_value=0)
    for j, name in enumerate(TERMS[:5]):
        out[name] = marks[out["id"], j].astype(int)
    return out.assign(age=age[out["id"]]).iloc[:rows]


def ours(d: Columns) -> Callable[[], dict[str, float]]:
    """The library: robust errors."""
    design = pd.DataFrame({name: d[name].astype(float) for name in TERMS})

    def work() -> dict[str, float]:
        fit = fit_cox(d["stop"], d["event"], design, start=d["start"], cluster=d["id"])
        return _answer(fit.coefficients, fit.standard_errors)

    return work


def ours_without_robust(d: Columns) -> Callable[[], dict[str, float]]:
    """The library: model-based errors."""
    design = pd.DataFrame({name: d[name].astype(float) for name in TERMS})

    def work() -> dict[str, float]:
        fit = fit_cox(d["stop"], d["event"], design, start=d["start"])
        return _answer(fit.coefficients, fit.standard_errors)

    return work


def ours_frailty(d: Columns) -> Callable[[], dict[str, float]]:
    """Shared gamma frailty, its variance estimated."""
    design = pd.DataFrame({name: d[name].astype(float) for name in TERMS})

    def work() -> dict[str, float]:
        rows = prepare(d["stop"], d["event"], design, start=d["start"])
        fit = fit_frailty(rows, d["id"], ties="breslow")
        return {"theta": fit.theta, "b1": fit.coefficients[0]}

    return work


def lifelines(d: Columns) -> Callable[[], dict[str, float]]:
    """The Python peer: CoxPHFitter with entry and cluster."""
    from lifelines import CoxPHFitter

    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = CoxPHFitter().fit(
                frame, "stop", "event", entry_col="start", cluster_col="id",
                fit_options={"precision": 1e-9},
            )  # fmt: skip
        return {f"b{i}": value for i, value in enumerate(fit.params_[TERMS], 1)}

    return work


def _answer(coefficients: np.ndarray, errors: np.ndarray) -> dict[str, float]:
    out = {f"b{i}": float(b) for i, b in enumerate(coefficients, 1)}
    return out | {f"se{i}": float(se) for i, se in enumerate(errors, 1)}


TASKS = {
    "ours": ours, "ours without robust": ours_without_robust, "ours frailty": ours_frailty,
    "lifelines": lifelines,
}  # fmt: skip
_FORMULA = f"Surv(start, stop, event) ~ {' + '.join(TERMS)}"
_R_PREPARE = "frame <- as.data.frame(d)\ncontrol <- coxph.control(eps = 1e-12, timefix = FALSE)\n"
_R_WORK = """f <- coxph({formula}, frame{more}, control = control)
c(setNames(coef(f), paste0("b", 1:6)), setNames(sqrt(diag(f$var)), paste0("se", 1:6)))"""
_R_FRAILTY = """f <- coxph({formula} + frailty(id), frame, ties = "breslow")
c(theta = f$history[[1]]$theta, b1 = unname(coef(f)[1]))"""


def contenders(rows: int, folder: Path) -> dict[str, Cost | None]:
    """What each contender took."""
    script = str(Path(__file__).resolve())
    out = {name: in_python(script, name, folder) for name in ("ours", "ours without robust")}
    for name, more in (("R coxph", ", cluster = id"), ("R coxph without robust", "")):
        work = _R_WORK.format(formula=_FORMULA, more=more)
        out[name] = in_r(_R_PREPARE, work, folder, "survival")
    if rows <= PEER_ROWS:
        out["lifelines"] = in_python(script, "lifelines", folder)
        out["ours frailty"] = in_python(script, "ours frailty", folder)
        work = _R_FRAILTY.format(formula=_FORMULA)
        out["R frailty"] = in_r(_R_PREPARE, work, folder, "survival")
    return out


#: Whom a contender is compared with, and how far the answers may differ. R stops early in
#: theta, where the likelihood is flat.
PAIRS = {
    "R coxph": ("ours", AGREE),
    "R coxph without robust": ("ours without robust", AGREE),
    "lifelines": ("ours without robust", 1e-6),
    "R frailty": ("ours frailty", 0.05),
}


def main() -> None:
    """Run every contender at every size and print the table."""
    sizes = [int(float(text)) for text in sys.argv[1:]] or SIZES
    if lacking := r_lacks("survival"):
        print(f"R does not take part: {lacking}.")
    print(f"{'rows':>9}  {'contender':24}{'seconds':>9}{'first':>8}{'peak MiB':>10}{'ratio':>8}")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write(world(rows), folder)
            costs = contenders(rows, folder)
        for name, cost in costs.items():
            if cost is None:
                print(f"{rows:9,}  {name:24}{'-':>9}")
                continue
            base, near = PAIRS.get(name, (name, 0.0))
            own = costs[base]
            if own is None:
                continue
            ratio = f"{cost.seconds / own.seconds:8.1f}" if base != name else " " * 8
            print(
                f"{rows:9,}  {name:24}{cost.seconds:9.2f}{cost.first:8.2f}{cost.peak:10.0f}{ratio}"
            )
            if base != name and (far := off_by(own, cost)) > near:
                sys.exit(f"{name} and {base} differ by {far:.1e}, more than {near:.0e}.")


if __name__ == "__main__" and not serve(TASKS):
    main()
