"""Survival curves, hazards and mean numbers of events."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter, NelsonAalenFitter
from peers import Columns, Task

from contests.contest import Contest, R
from contests.made import histories, spells, spells_in_minutes
from missing_lib.study.survival import (
    kaplan_meier,
    mean_cumulative,
    nelson_aalen,
    piecewise_hazard,
)

AT = (14.0, 28.0, 365.0)
EDGES = (0, 7, 14, 28, 56, 90, 180, 365)
R_AT = "at <- c(14, 28, 365)"
R_SPELLS = f"{R_AT}; f <- data.frame(days = d$days, observed = d$observed, person = d$person)"


def at_times(table: pd.DataFrame, *names: str) -> dict[str, float]:
    """Columns of a curve that was read at :data:`AT`."""
    return {f"{n}{t:.0f}": v for n in names for t, v in zip(AT, table[n], strict=True)}


def ours_kaplan_meier(d: Columns, cluster: bool = False) -> Task:
    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        who = frame["person"] if cluster else None
        return at_times(
            kaplan_meier(frame["days"], frame["observed"], cluster=who, at=AT), "survival", "se"
        )

    return work


def ours_clustered(d: Columns) -> Task:
    return ours_kaplan_meier(d, cluster=True)


def lifelines_kaplan_meier(d: Columns) -> Task:
    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        fitter = KaplanMeierFitter().fit(frame["days"], frame["observed"])
        return {f"survival{t:.0f}": fitter.predict(t) for t in AT}

    return work


def r_curve(cluster: str) -> R:
    return R(
        f"s <- summary(survfit(Surv(days, observed) ~ 1, data = f{cluster}), times = at)\n"
        "setNames(c(s$surv, s$std.err), c(paste0('survival', at), paste0('se', at)))",
        R_SPELLS,
        ("survival",),
    )


def ours_whole_curve(d: Columns) -> Task:
    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        curve = kaplan_meier(frame["days"], frame["observed"], cluster=frame["person"])
        return {"survival": curve["survival"].sum(), "se": curve["se"].sum(), "n": len(curve)}

    return work


R_WHOLE = R(
    "s <- survfit(Surv(days, observed) ~ 1, data = f, cluster = person)\n"
    "e <- if (s$logse) s$std.err * s$surv else s$std.err\n"
    "c(survival = sum(s$surv), se = sum(e), n = length(s$time))",
    R_SPELLS,
    ("survival",),
)


def ours_nelson_aalen(d: Columns) -> Task:
    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        last = nelson_aalen(frame["days"], frame["observed"])
        upto = last["time"].searchsorted(AT, side="right") - 1
        return at_times(last.iloc[upto].rename(columns={"cumulative_hazard": "hazard"}),
                        "hazard", "se")  # fmt: skip

    return work


def lifelines_nelson_aalen(d: Columns) -> Task:
    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        fitter = NelsonAalenFitter(nelson_aalen_smoothing=False)
        fitter.fit(frame["days"], frame["observed"])
        return {f"hazard{t:.0f}": fitter.predict(t) for t in AT}

    return work


R_NELSON_AALEN = R(
    "s <- summary(survfit(Surv(days, observed) ~ 1, data = f), times = at)\n"
    "setNames(c(s$cumhaz, s$std.chaz), c(paste0('hazard', at), paste0('se', at)))",
    R_SPELLS,
    ("survival",),
)


def ours_hazard(d: Columns) -> Task:
    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        rates = piecewise_hazard(frame["days"], frame["observed"], frame["person"], EDGES)
        return {f"{n}{k}": v for n in ("rate", "lower") for k, v in enumerate(rates[n])}

    return work


def pandas_hazard(d: Columns) -> Task:
    """The formula in plain pandas: residuals of each band, summed by person."""
    frame = pd.DataFrame(d)

    def work() -> dict[str, float]:
        said = {}
        for k, (low, high) in enumerate(pairwise(EDGES)):
            days = (frame["days"] - low).clip(0, high - low)
            event = frame["observed"] * frame["days"].between(low, high, inclusive="right")
            event += frame["observed"] * ((frame["days"] == low) & (k == 0))
            rate = event.sum() / days.sum()
            moved = (event - rate * days).groupby(frame["person"]).sum()
            spread = np.sqrt((moved**2).sum()) / event.sum()
            said |= {f"rate{k}": rate, f"lower{k}": rate * np.exp(-1.959963984540054 * spread)}
        return said

    return work


R_HAZARD = R(
    """
    edges <- c(0, 7, 14, 28, 56, 90, 180, 365)
    rate <- lower <- numeric(7)
    for (k in 1:7) {
      days <- pmin(pmax(f$days - edges[k], 0), edges[k + 1] - edges[k])
      event <- f$observed * (f$days <= edges[k + 1] & (f$days > edges[k] | (k == 1 & f$days >= 0)))
      rate[k] <- sum(event) / sum(days)
      moved <- rowsum(event - rate[k] * days, f$person, reorder = FALSE)
      lower[k] <- rate[k] * exp(-qnorm(0.975) * sqrt(sum(moved^2)) / sum(event))
    }
    setNames(c(rate, lower), c(paste0("rate", 0:6), paste0("lower", 0:6)))
    """,
    R_SPELLS,
)


def ours_mean_cumulative(d: Columns) -> Task:
    rows = pd.DataFrame(d)
    events = rows[rows["event"] == 1]
    lengths = rows[rows["event"] == 0].set_index("person")["stop"]

    def work() -> dict[str, float]:
        return at_times(
            mean_cumulative(events["stop"], events["person"], lengths, at=AT), "mean", "se"
        )

    return work


R_MEAN_CUMULATIVE = R(
    "s <- summary(survfit(Surv(start, stop, event) ~ 1, data = f, id = person), times = at)\n"
    "setNames(c(s$cumhaz, s$std.chaz), c(paste0('mean', at), paste0('se', at)))",
    f"{R_AT}; f <- data.frame(start = as.double(d$start), stop = d$stop, event = d$event, "
    "person = d$person)",
    ("survival",),
)

LIFELINES = {"lifelines": lifelines_kaplan_meier}
ALL = (
    Contest("Kaplan-Meier, whole days", spells, ours_kaplan_meier, LIFELINES, r_curve("")),
    Contest("Kaplan-Meier, minutes", spells_in_minutes, ours_kaplan_meier, LIFELINES, r_curve("")),
    Contest(
        "Kaplan-Meier by cluster, whole days", spells, ours_clustered,
        r=r_curve(", cluster = person"),
    ),
    Contest(
        "Kaplan-Meier by cluster, minutes", spells_in_minutes, ours_clustered,
        r=r_curve(", cluster = person"),
    ),
    Contest("Kaplan-Meier by cluster, all steps", spells, ours_whole_curve, r=R_WHOLE),
    Contest(
        "Nelson-Aalen", spells, ours_nelson_aalen, {"lifelines": lifelines_nelson_aalen},
        R_NELSON_AALEN,
    ),
    Contest("piecewise hazard", spells, ours_hazard, {"pandas": pandas_hazard}, R_HAZARD),
    Contest(
        "mean cumulative function", histories, ours_mean_cumulative, r=R_MEAN_CUMULATIVE
    ),
)  # fmt: skip
