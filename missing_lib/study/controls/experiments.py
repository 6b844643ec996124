"""Every experiment: a model of the book in a world whose truth is known."""

from __future__ import annotations

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study.controls import networks, regressions
from missing_lib.study.controls.criteria import (
    COVERS,
    KEEPS_SIZE,
    KEEPS_SIZE_AT_MOST,
    NOTHING,
    Experiment,
    Quantity,
)
from missing_lib.study.controls.of_numbers import CHAPTERS, NUMBERS
from missing_lib.study.controls.of_repeats import CLUSTERING, REPEATS
from missing_lib.study.controls.of_transmission import HAWKES, TRANSMISSION
from missing_lib.study.predictors import words


def _markers(wants: str, what: str) -> tuple[Quantity, ...]:
    return tuple(Quantity(name, f"{what}, {words(name)}", wants) for name in STUDY_MARKERS)


def _idle(wants: str) -> Quantity:
    return Quantity("idle", "test of a marker that changes nothing", wants)


_ODDS, _HAZARD, _RATE = "log odds ratio", "log hazard ratio", "log rate ratio"
_NOBODY_MORE = "the same, but rates differ between people beyond what is on record"

PREDICTORS: tuple[Experiment, ...] = (
    Experiment(
        "logistic",
        "Logistic regression of ever missing",
        "markers, sex and age add up on the log odds; going missing brings further markers on "
        "record, which are dated and so left out",
        regressions.landmark,
        (
            *_markers(COVERS, _ODDS),
            Quantity("effect", "average marginal effect, self-harm", COVERS),
            _idle(KEEPS_SIZE),
        ),
        {"people": 2000},
    ),
    Experiment(
        "logistic_leak",
        "Logistic regression of ever missing",
        "the same, but the later markers have lost their dates and are counted",
        regressions.landmark,
        (
            *_markers(NOTHING, _ODDS),
            Quantity("effect", "average marginal effect, self-harm", NOTHING),
            _idle(NOTHING),
        ),
        {"people": 2000, "dated": False},
        "Markers that going missing itself brought on record look like its causes, even one "
        "that changes nothing. This is why nothing recorded after the landmark counts.",
    ),
    Experiment(
        "not_on_record",
        "Logistic regression of ever missing, imputed five times",
        "sex and ethnicity are not on record for some, more often where health services alone "
        "know a child; whether they are hangs together with marker and outcome",
        regressions.not_on_record,
        (
            *_markers(COVERS, f"{_ODDS}, imputed"),
            Quantity("female", f"{_ODDS}, imputed, girls", COVERS),
            Quantity("ethnicity_other", f"{_ODDS}, imputed, ethnicity other than white", COVERS),
            Quantity("complete", f"{_ODDS}, complete cases, mental health", NOTHING),
        ),
        {"people": 2000},
        "Who is fully recorded is not like who is not: leaving the others out makes the marker "
        "look far stronger than it is. Imputation with the outcome in the model mends it.",
    ),
    Experiment(
        "holm",
        "Holm's adjustment over the five markers",
        "no marker changes anything",
        regressions.family,
        (
            Quantity("holm", "any of five declared, adjusted", KEEPS_SIZE_AT_MOST),
            Quantity("unadjusted", "any of five declared, not adjusted", NOTHING),
        ),
        {"people": 2000},
        "Five tests at one in twenty each declare something far more often than once in twenty "
        "times. This is why the five are adjusted together.",
    ),
    Experiment(
        "time_at_risk",
        "Complementary log-log regression with days at risk",
        "a constant rate that markers, sex and age multiply; people leave at different times",
        regressions.time_at_risk,
        (*_markers(COVERS, _HAZARD), _idle(KEEPS_SIZE)),
        {"people": 2000},
    ),
    Experiment(
        "time_at_risk_differing",
        "Complementary log-log regression with days at risk",
        _NOBODY_MORE,
        regressions.time_at_risk,
        (*_markers(NOTHING, _HAZARD), _idle(KEEPS_SIZE)),
        {"people": 2000, "alpha": 4.0},
        "Where people differ in ways that nobody recorded, ratios of rates are drawn towards "
        "one: what the model finds is a lower bound for the same person.",
    ),
    Experiment(
        "negative_binomial",
        "Negative binomial regression of the number of incidents",
        "rates differ by a Gamma factor beyond the markers; people leave at different times",
        regressions.counts,
        (
            *_markers(COVERS, _RATE),
            Quantity("log_alpha", "log of the dispersion", COVERS),
            _idle(KEEPS_SIZE),
        ),
        {"people": 2000},
    ),
    Experiment(
        "negative_binomial_care",
        "Negative binomial regression of the number of incidents",
        "the same, but children in care differ far more among themselves than others do",
        regressions.counts,
        (*_markers(NOTHING, _RATE), _idle(NOTHING)),
        {"people": 2000, "alpha": 2.0, "alpha_in_care": 12.0},
        "One dispersion for everybody is too small for children in care, so the interval of "
        "their rate ratio is too narrow.",
    ),
    Experiment(
        "negative_binomial_even",
        "Negative binomial regression of the number of incidents",
        "nobody can have more than two, so that numbers vary less than chance alone would have it",
        regressions.counts,
        _markers(NOTHING, _RATE),
        {"people": 2000, "alpha": 0.0, "most": 2},
        "There is no dispersion to estimate, so the fit comes down to Poisson's. A limit to "
        "everybody's number draws the ratios towards one, whatever the errors.",
    ),
)

NETWORK = (
    Experiment(
        "nearness",
        "Shuffling who went missing within strata",
        "ties, markers and care matter; nobody influences anybody",
        networks.labels,
        (Quantity("shuffle", "test of nearness", KEEPS_SIZE),),
        {"people": 600},
    ),
    Experiment(
        "nearness_unseen",
        "Shuffling who went missing within strata",
        "the same, but people in one group share something that no record holds",
        networks.labels,
        (Quantity("shuffle", "test of nearness", NOTHING),),
        {"people": 600, "unseen": 1.0},
        "The test rejects although nobody influences anybody: it finds likeness that the strata "
        "do not hold, and cannot tell it from influence.",
    ),
    Experiment(
        "network_models",
        "Regressions on connections, steps and closeness",
        "connections raise the odds; whether acquaintances went missing changes nothing",
        networks.models,
        (
            Quantity("connections", f"{_ODDS}, a doubling of connections", COVERS),
            Quantity("steps", "test of steps", KEEPS_SIZE),
            Quantity("closeness", "test of closeness", KEEPS_SIZE),
        ),
        {"people": 1500},
        "Closeness looks at everybody within reach, and errors that allow for tied people alone "
        "are too small for it: its test cries wolf about twice as often as it says. Steps keep "
        "their size.",
    ),
    Experiment(
        "network_models_unseen",
        "Regressions on connections, steps and closeness",
        "the same, but people in one group share something that no record holds",
        networks.models,
        (
            Quantity("connections", f"{_ODDS}, a doubling of connections", NOTHING),
            Quantity("steps", "test of steps", NOTHING),
            Quantity("closeness", "test of closeness", NOTHING),
        ),
        {"people": 1500, "unseen": 1.0},
        "Nobody influences anybody, yet steps and closeness look as if they mattered: this is what "
        "a regression on nearness finds wherever like know like.",
    ),
)

#: All of them, by name, in the order of the book.
EXPERIMENTS = {
    one.name: one
    for one in (
        *NUMBERS,
        *CHAPTERS,
        *REPEATS,
        *CLUSTERING,
        *PREDICTORS,
        *NETWORK,
        *TRANSMISSION,
        *HAWKES,
    )
}
