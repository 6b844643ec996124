"""Experiments with the methods of the chapters on prevalence and concentration."""

from __future__ import annotations

from missing_lib.study.controls import dependence, numbers
from missing_lib.study.controls.criteria import (
    COVERS,
    COVERS_AT_LEAST,
    KEEPS_SIZE,
    KEEPS_SIZE_AT_MOST,
    NOTHING,
    Experiment,
    Quantity,
)

NUMBERS = (
    Experiment(
        "concentration",
        "Repeat shares and concentration with the bootstrap of people",
        "constant rates that differ between people; only people with an incident are seen",
        numbers.shares,
        (
            Quantity("share_of_repeat_people", "share of incidents of repeat people", COVERS),
            Quantity("share_after_first", "share of incidents after the first", COVERS),
            Quantity("gini", "Gini coefficient", COVERS),
            Quantity("top_share", "share of the top fifth", COVERS),
            Quantity("persistent_share", "share of incidents of ten or more", COVERS),
            Quantity("persistent_people_share", "share of people with ten or more", COVERS),
        ),
        {"people": 2500},
    ),
    Experiment(
        "wilson",
        "Wilson's interval of a share",
        "each of so many people has the same chance",
        numbers.proportion,
        (Quantity("share", "share of people", COVERS),),
        {"people": 240, "share": 0.12},
    ),
    Experiment(
        "poisson_exact",
        "Exact interval of a rate",
        "a Poisson number with a mean of six",
        numbers.rate,
        (Quantity("rate", "rate", COVERS_AT_LEAST),),
        {"events": 6.0},
    ),
    Experiment(
        "truncated",
        "Negative binomial law of counts from one on",
        "counts that follow that law",
        numbers.truncated,
        (Quantity("log_shape", "log of the shape", NOTHING),),
        {"people": 1100, "shape": 0.8, "mean": 3.0},
    ),
    Experiment(
        "truncated_log_series",
        "Negative binomial law of counts from one on",
        "counts that follow its limit, the log-series",
        numbers.truncated,
        (Quantity("log_shape", "log of the shape", NOTHING),),
        {"people": 1100, "shape": 0.0, "mean": 40.0},
        "At the limit there is no shape to find, and the fit says so in about one data set of "
        "two; in the others it finds a shape near nought.",
    ),
    Experiment(
        "truncated_mixture",
        "Negative binomial law of counts from one on",
        "two in five people can only ever have one incident, as in the study",
        numbers.truncated,
        (Quantity("log_shape", "log of the shape", NOTHING),),
        {"people": 1100, "shape": 0.8, "mean": 8.0, "once": 0.4},
        "With more people of a single incident than the law can hold, it runs to its limit and "
        "says so. No shape of it describes such people.",
    ),
)

_STAYS = "Who stays in the top fifth beside constant rates"
_MONTHS = "Count model of months"

CHAPTERS = (
    Experiment(
        "months",
        _MONTHS,
        "people with careers of a year on average; no season, no step, no trend",
        dependence.months,
        (
            Quantity("step", "ratio at the change of definition", COVERS),
            Quantity("season", "test of a season", KEEPS_SIZE),
        ),
    ),
    Experiment(
        "months_step",
        _MONTHS,
        "the same, with a third more from the change on and a tenth more each year",
        dependence.months,
        (
            Quantity("step", "ratio at the change of definition", COVERS),
            Quantity("season", "test of a season", KEEPS_SIZE),
        ),
        {"step": 4 / 3, "trend": 1.1},
    ),
    Experiment(
        "staying",
        _STAYS,
        "everybody keeps one rate; a quarter are at risk for a part of the second year",
        dependence.staying,
        (Quantity("stays", "test of who stays", KEEPS_SIZE_AT_MOST),),
    ),
    Experiment(
        "staying_bursts",
        _STAYS,
        "each person's rate is drawn anew for each year",
        dependence.staying,
        (Quantity("stays", "test of who stays", NOTHING),),
        {"bursts": True},
        "Where rates do not last, fewer stay at the top than constant rates would keep there, "
        "and the comparison says so.",
    ),
    Experiment(
        "time_missing",
        "Median time missing with people drawn anew",
        "times that differ between people, some still open",
        dependence.time_missing,
        (Quantity("median", "median time missing", COVERS),),
    ),
    Experiment(
        "laws",
        "Fit tests of laws of counts",
        "counts that follow the negative binomial law that is tested",
        dependence.laws,
        (
            Quantity("cells", "test cell by cell", KEEPS_SIZE_AT_MOST),
            Quantity("distance", "test by distance", KEEPS_SIZE_AT_MOST),
        ),
    ),
)
