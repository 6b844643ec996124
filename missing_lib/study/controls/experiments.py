"""Every experiment: a model of the book in a world whose truth is known."""

from __future__ import annotations

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study.controls import networks, regressions, transmission
from missing_lib.study.controls.criteria import (
    COVERS,
    FINDS,
    KEEPS_SIZE,
    KEEPS_SIZE_AT_MOST,
    NOTHING,
    Experiment,
    Quantity,
)
from missing_lib.study.controls.of_numbers import CHAPTERS, NUMBERS
from missing_lib.study.controls.of_repeats import CLUSTERING, REPEATS
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
    Experiment(
        "timing",
        "Shifting whole histories",
        "incidents in bursts, more at some ages and seasons; nobody influences anybody",
        networks.timing,
        (Quantity("shift", "test of timing", KEEPS_SIZE),),
        {"people": 400},
    ),
    Experiment(
        "timing_shocks",
        "Shifting whole histories",
        "the same, but groups have bad weeks in common; nobody influences anybody",
        networks.timing,
        (Quantity("shift", "test of timing", NOTHING),),
        {"people": 400, "shocks": 1.5},
        "A bad week in a home or school puts its members in step. The test finds it, and "
        "nothing in the data tells it from influence.",
    ),
    Experiment(
        "timing_influence",
        "Shifting whole histories",
        "one incident in seven is followed by one of each connection within four weeks",
        networks.timing,
        (Quantity("shift", "test of timing", FINDS),),
        {"people": 400, "influence": 1 / 7},
    ),
)

_ALONE = "incidents in bursts, more at some ages and seasons; nobody influences anybody"
_COX, _HAWKES = "Recurrent Cox regression on peer exposure", "Hawkes model of incidents and peers"
_TOGETHER = (
    "the same, but three bursts in ten begin together with that of a connection, and go on apart"
)
_BROKEN: tuple[tuple[str, str, dict[str, float], str], ...] = (
    (
        "alike",
        "the same, but people in one group share a lasting trait that no record holds",
        {"alike": 0.8},
        "Connections are alike in how often they go missing, and nobody influences anybody. What "
        "lasts can be told from what follows only as far as the method lets people differ.",
    ),
    (
        "watched",
        "the same, but in quarters in which nobody watches a group, half of its incidents go "
        "unreported",
        {"watched": 0.5},
        "Attention that comes and goes puts the reports of a group in step. Nothing in the data "
        "tells it from influence.",
    ),
    (
        "shocks",
        "the same, but groups have bad weeks in common; nobody influences anybody",
        {"shocks": 1.5},
        "A bad week in a home or school puts its members in step. The method finds it, and "
        "nothing in the data tells it from influence.",
    ),
)
_INFLUENCE = "one incident in seven is followed by one of each connection within four weeks"

TRANSMISSION: tuple[Experiment, ...] = (
    Experiment(
        "exposure",
        _COX,
        _ALONE,
        transmission.exposure,
        (Quantity("cox", "test of peer exposure", KEEPS_SIZE),),
        {"people": 400},
    ),
    *(
        Experiment(
            f"exposure_{name}",
            _COX,
            world,
            transmission.exposure,
            (Quantity("cox", "test of peer exposure", NOTHING),),
            {"people": 400, **settings},
            finding,
        )
        for name, world, settings, finding in _BROKEN
    ),
    Experiment(
        "exposure_together",
        _COX,
        _TOGETHER,
        transmission.exposure,
        (Quantity("cox", "test of peer exposure", KEEPS_SIZE),),
        {"people": 400, "together": 0.3},
    ),
    Experiment(
        "exposure_influence",
        _COX,
        _INFLUENCE,
        transmission.exposure,
        (Quantity("cox", "test of peer exposure", FINDS),),
        {"people": 400, "influence": 1 / 7},
    ),
    Experiment(
        "exposure_own_rate",
        f"{_COX}, a rate of one's own",
        _ALONE,
        transmission.own_rate,
        (Quantity("own_rate", "test of peer exposure", NOTHING),),
        {"people": 400},
        "Bursts are not the Gamma law of lasting rates that this model supposes, and its errors "
        "are its own; it stands beside the other as an exploration.",
    ),
    Experiment(
        "hawkes",
        _HAWKES,
        _ALONE,
        transmission.model,
        (Quantity("hawkes", "test of peers", KEEPS_SIZE_AT_MOST),),
        {"people": 400},
    ),
    *(
        Experiment(
            f"hawkes_{name}",
            _HAWKES,
            world,
            transmission.model,
            (Quantity("hawkes", "test of peers", NOTHING),),
            {"people": 400, **settings},
            finding,
        )
        for name, world, settings, finding in _BROKEN
    ),
    Experiment(
        "hawkes_together",
        _HAWKES,
        _TOGETHER,
        transmission.model,
        (Quantity("hawkes", "test of peers", KEEPS_SIZE_AT_MOST),),
        {"people": 400, "together": 0.3},
    ),
    Experiment(
        "hawkes_influence",
        _HAWKES,
        _INFLUENCE,
        transmission.model,
        (Quantity("hawkes", "test of peers", FINDS),),
        {"people": 400, "influence": 1 / 7},
    ),
    Experiment(
        "hawkes_recovery",
        _HAWKES,
        "made by the model: own incidents and those of connections bring on further ones, and "
        "people differ",
        transmission.recovery,
        (
            Quantity("own", "further incidents of the same person", COVERS),
            Quantity("peer", "further incidents among connections", COVERS),
            Quantity("variance", "variance of people's factors", COVERS),
        ),
        {"people": 400},
    ),
    Experiment(
        "hawkes_nothing",
        _HAWKES,
        "made by the model, without influence",
        transmission.recovery,
        (
            Quantity("own", "further incidents of the same person", COVERS),
            Quantity("variance", "variance of people's factors", COVERS),
            Quantity("hawkes", "test of peers", KEEPS_SIZE_AT_MOST),
        ),
        {"people": 400, "peer": 0.0},
    ),
    *(
        Experiment(
            f"timing_{name}",
            "Shifting whole histories",
            world,
            networks.timing,
            (Quantity("shift", "test of timing", NOTHING),),
            {"people": 400, **settings},
            finding,
        )
        for name, world, settings, finding in _BROKEN[:2]
    ),
    Experiment(
        "timing_together",
        "Shifting whole histories",
        _TOGETHER,
        networks.timing,
        (Quantity("shift", "test of timing", KEEPS_SIZE),),
        {"people": 400, "together": 0.3},
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
    )
}
