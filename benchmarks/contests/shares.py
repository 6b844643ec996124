"""Concentration and its intervals, gaps between incidents, and the null of the clustering test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from peers import Columns, Task

from contests.contest import Contest, R
from contests.made import MINUTES, STUDY_DAYS, people, reports
from missing_lib.force.spec import Definitions
from missing_lib.force.tables import conform, empty
from missing_lib.study import clustering, concentration, repeats
from missing_lib.study.cohort import Cohort
from missing_lib.study.intervals import ratio_by_people

START = pd.Timestamp("2015-01-01")
TOP, LEAST, DRAWS = 0.2, 10, 1000
#: Peers draw this many populations, and their time is multiplied.
FEW_DRAWS = 10
#: Ends of a bootstrap interval differ by chance, more so after few draws.
BY_CHANCE = 0.05


def ours_measure(d: Columns) -> Task:
    counts = d["incidents"][d["incidents"] > 0]

    def work() -> dict[str, float]:
        found = concentration.measure(counts, TOP, LEAST)
        curve = concentration.lorenz(counts)
        half = np.interp(0.5, curve["share_people"], curve["share_incidents"])
        general = concentration.generalised_gini(concentration.histogram(d["incidents"]))
        return {
            "gini": found.gini, "top": found.top_share, "half": half, "general": float(general),
            "persistent": found.persistent_share,
        }  # fmt: skip

    return work


def numpy_measure(d: Columns) -> Task:
    """The formulas over the sorted counts."""
    counts = d["incidents"][d["incidents"] > 0]

    def plain_gini(given: np.ndarray) -> float:
        x, n = np.sort(given).astype(float), len(given)
        return float((2 * (np.arange(1, n + 1) * x).sum() / x.sum() - n - 1) / n)

    def work() -> dict[str, float]:
        x, n = np.sort(counts)[::-1].astype(float), len(counts)
        held = np.append(0.0, np.cumsum(x)) / x.sum()
        share = np.arange(n + 1) / n
        spread = max(1.0, len(d["incidents"]) / x.sum())
        return {
            "gini": plain_gini(counts), "top": np.interp(TOP, share, held),
            "half": np.interp(0.5, share, held), "persistent": x[x >= LEAST].sum() / x.sum(),
            "general": spread * (plain_gini(d["incidents"]) - 1) + 1,
        }  # fmt: skip

    return work


R_MEASURE = R(
    """
    x <- sort(counts); n <- length(x)
    plain <- function(x) { n <- length(x); (2 * sum(seq_len(n) * x) / sum(x) - n - 1) / n }
    held <- c(0, cumsum(rev(x))) / sum(x); share <- 0:n / n
    c(gini = plain(x), top = approx(share, held, 0.2)$y, half = approx(share, held, 0.5)$y,
      persistent = sum(x[x >= 10]) / sum(x),
      general = max(1, length(everybody) / sum(x)) * (plain(sort(everybody)) - 1) + 1)
    """,
    "everybody <- as.double(d$incidents); counts <- everybody[everybody > 0]",
)


def ours_bootstrap(d: Columns) -> Task:
    counts = d["incidents"][d["incidents"] > 0]

    def work() -> dict[str, float]:
        found = concentration.bootstrap(counts, TOP, LEAST, draws=DRAWS, seed=1)
        return {"gini": found["gini"].low, "top": found["top_share"].low}

    return work


def numpy_bootstrap(d: Columns) -> Task:
    counts = d["incidents"][d["incidents"] > 0].astype(float)

    def work() -> dict[str, float]:
        rng, n, drawn = np.random.default_rng(1), len(counts), []
        for _ in range(FEW_DRAWS):
            x = np.sort(counts[rng.integers(0, n, n)])
            gini = (2 * (np.arange(1, n + 1) * x).sum() / x.sum() - n - 1) / n
            drawn.append((gini, x[int(n * (1 - TOP)) :].sum() / x.sum()))
        low = np.quantile(drawn, 0.025, axis=0)
        return {"gini": low[0], "top": low[1]}

    return work


R_BOOTSTRAP = R(
    f"""
    n <- length(counts)
    drawn <- replicate({FEW_DRAWS}, {{
      x <- sort(counts[sample.int(n, n, replace = TRUE)])
      c((2 * sum(seq_len(n) * x) / sum(x) - n - 1) / n, sum(x[(floor(n * 0.8) + 1):n]) / sum(x))
    }})
    c(gini = unname(quantile(drawn[1, ], 0.025)), top = unname(quantile(drawn[2, ], 0.025)))
    """,
    "set.seed(1); counts <- as.double(d$incidents[d$incidents > 0])",
)


def ours_ratio(d: Columns) -> Task:
    part = np.where(d["incidents"] > 1, d["incidents"], 0)

    def work() -> dict[str, float]:
        low, high = ratio_by_people(part, d["incidents"], DRAWS, 1)
        return {"low": low, "high": high}

    return work


def numpy_ratio(d: Columns) -> Task:
    part = np.where(d["incidents"] > 1, d["incidents"], 0)

    def work() -> dict[str, float]:
        rng, n = np.random.default_rng(1), len(part)
        drawn = []
        for _ in range(FEW_DRAWS):
            some = rng.integers(0, n, n)
            drawn.append(part[some].sum() / d["incidents"][some].sum())
        low, high = np.quantile(drawn, [0.025, 0.975])
        return {"low": low, "high": high}

    return work


R_RATIO = R(
    f"""
    n <- length(whole)
    drawn <- replicate({FEW_DRAWS}, {{
      some <- sample.int(n, n, replace = TRUE)
      sum(part[some]) / sum(whole[some])
    }})
    c(low = unname(quantile(drawn, 0.025)), high = unname(quantile(drawn, 0.975)))
    """,
    "set.seed(1); whole <- as.double(d$incidents); part <- ifelse(whole > 1, whole, 0)",
)


def cohort_of(d: Columns) -> Cohort:
    """The people and incidents of the columns as a cohort of all ages."""
    people = d["person"].max() + 1
    names = np.array([f"P{k:07d}" for k in range(people)], dtype=object)
    reported = START.tz_localize("UTC") + pd.to_timedelta(d["minute"], unit="min")
    ended = reported + pd.to_timedelta(np.where(d["away"] < 0, np.nan, d["away"]), unit="min")
    rows = pd.DataFrame(
        {
            "incident_id": np.arange(len(reported)).astype(str),
            "person_id": names[d["person"]],
            "reported_at": reported,
            "ended_at": ended,
        }
    )
    incidents = conform(rows, "incidents")
    incidents["reported_on"] = incidents["reported_at"].dt.tz_localize(None).dt.normalize()
    incidents["month"] = incidents["reported_on"].dt.to_period("M")
    incidents["order"] = rows.groupby(d["person"]).cumcount() + 1
    incidents["n_incidents"] = np.bincount(d["person"])[d["person"]]
    last = np.full(people, STUDY_DAYS)
    last[d["person"]] = d["last_day"]
    about = {
        "person_id": names,
        "birth_date": START + pd.to_timedelta(np.arange(people) % 7000 - 9000, unit="D"),
        "observed_to": START + pd.to_timedelta(last - 1, unit="D"),
    }
    persons = conform(pd.DataFrame(about), "persons")
    return Cohort(
        population="all", incidents=incidents, persons=persons, markers=empty("markers"),
        ties=empty("ties"), events=empty("events"), start=START,
        end=START + pd.Timedelta(days=STUDY_DAYS - 1), time_zone="UTC",
        definitions=Definitions(), absent=frozenset(), unknown_age=incidents.iloc[:0],
    )  # fmt: skip


def said_of_gaps(days: pd.Series, observed: pd.Series) -> dict[str, float]:
    return {
        "days": days.sum(),
        "within": float((days[observed] <= 14).sum()),
        "observed": float(observed.sum()),
    }


def ours_gaps(d: Columns) -> Task:
    cohort = cohort_of(d)

    def work() -> dict[str, float]:
        found = repeats.gaps(cohort)
        return said_of_gaps(found["gap_days"], found["observed"])

    return work


def pandas_gaps(d: Columns) -> Task:
    """The same gaps in plain pandas: group, shift, look up where observation ends, subtract."""
    cohort = cohort_of(d)
    rows, persons = cohort.incidents, cohort.persons

    def work() -> dict[str, float]:
        last = rows["person_id"].map(persons.set_index("person_id")["observed_to"])
        until = (last + pd.Timedelta(days=1)).dt.tz_localize("UTC")
        after = rows.groupby("person_id")["reported_at"].shift(-1)
        ended = rows["ended_at"]
        good = ended.notna() & (ended >= rows["reported_at"]) & ~(ended > after)
        clock = ended.where(good, rows["reported_at"])
        days = ((after.fillna(until) - clock) / pd.Timedelta(days=1)).clip(lower=0)
        return said_of_gaps(days, after.notna())

    return work


R_GAPS = R(
    f"""
    n <- length(person)
    followed <- c(person[-1] == person[-n], FALSE)
    until <- last[match(person, known)] * {MINUTES}
    after <- ifelse(followed, c(minute[-1], 0), until)
    good <- away >= 0 & !(followed & minute + away > after)
    days <- pmax(after - minute - ifelse(good, away, 0), 0) / {MINUTES}
    c(days = sum(days), within = sum(days[followed] <= 14), observed = sum(followed))
    """,
    f"""
    minute <- as.double(d$minute); away <- as.double(d$away)
    known <- sprintf("P%07d", 0:max(d$person)); person <- known[d$person + 1]
    last <- rep({STUDY_DAYS}, length(known)); last[d$person + 1] <- d$last_day
    """,
)


def ours_clustering(d: Columns) -> Task:
    cohort = cohort_of(d)
    found = repeats.gaps(cohort)

    def work() -> dict[str, float]:
        test = clustering.clustering_test(cohort, found, (14, 28), draws=20, seed=1)
        return {"expected": test["expected"].iloc[0]}

    return work


ALL = (
    Contest("Gini, Lorenz, top shares", people, ours_measure, {"numpy": numpy_measure}, R_MEASURE),
    Contest(
        "1,000 bootstrap replicates of them", people, ours_bootstrap, {"numpy": numpy_bootstrap},
        R_BOOTSTRAP, BY_CHANCE, smaller=DRAWS // FEW_DRAWS,
    ),
    Contest(
        "1,000 bootstrap replicates of a ratio", people, ours_ratio, {"numpy": numpy_ratio},
        R_RATIO, BY_CHANCE, smaller=DRAWS // FEW_DRAWS,
    ),
    Contest("gaps between incidents", reports, ours_gaps, {"pandas": pandas_gaps}, R_GAPS),
    Contest("clustering null, 20 worlds", reports, ours_clustering),
)  # fmt: skip
