"""Every experiment: a model of the book in a world whose truth is known, and what it must do there.

What is asked of a method is written down here before anything is simulated. A method whose
assumptions do not hold in a world is asked for nothing; its failure is the finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study.controls import hazards, networks, numbers, regressions, times
from missing_lib.study.controls.summary import Estimate, Summary
from missing_lib.study.predictors import words
from missing_lib.study.repeats import HAZARD_EDGES

#: Data sets simulated for each experiment, and from which on a criterion is applied.
REPLICATES = 400
#: Between these the coverage of a 95 % interval must lie.
COVERED = (0.925, 0.975)
#: Between these the rejection rate of a test at 5 % must lie where nothing is to be found.
SIZE = (0.025, 0.075)
#: From this on a test finds what is there often enough.
POWER = 0.8
#: Part of the data sets for which there must be an answer.
ANSWERED = 0.95

#: What is asked of a quantity: nothing, or one of the five.
NOTHING = "nothing"
COVERS = "coverage"
COVERS_AT_LEAST = "coverage or more"
KEEPS_SIZE = "size"
KEEPS_SIZE_AT_MOST = "size or less"
FINDS = "power"

MET, NOT_MET, NOT_REQUIRED = "met", "not met", "not required"
TOO_FEW = "too few data sets"

Replicate = Callable[..., Mapping[str, Estimate]]


@dataclass(frozen=True)
class Quantity:
    """One quantity that an experiment looks at.

    Attributes
    ----------
    name : str
        As the replicate function names it.
    words : str
    wants : str
        What is asked of it: one of the six above.
    """

    name: str
    words: str
    wants: str


@dataclass(frozen=True)
class Experiment:
    """A model of the book in one world.

    Attributes
    ----------
    name : str
        As typed on the command line.
    model, world : str
        Plain words.
    replicate : callable
        Takes a seed and the settings; simulates one data set, calls the estimator of the book
        and returns an :class:`.summary.Estimate` for each quantity.
    quantities : tuple of Quantity
    settings : mapping
        Keywords of ``replicate``.
    finding : str
        Where a method fails in this world: why, and what follows.
    """

    name: str
    model: str
    world: str
    replicate: Replicate
    quantities: tuple[Quantity, ...]
    settings: Mapping[str, float] = field(default_factory=dict)
    finding: str = ""

    def run(self, seed: int) -> Mapping[str, Estimate]:
        """Simulate and estimate once."""
        return self.replicate(seed, **self.settings)


def verdict(quantity: Quantity, found: Summary) -> str:
    """Whether a quantity meets what is asked of it.

    Returns
    -------
    {"met", "not met", "not required", "too few data sets"}
    """
    if quantity.wants == NOTHING:
        return NOT_REQUIRED
    if found.replicates < REPLICATES:
        return TOO_FEW
    if found.replicates - found.failures < ANSWERED * found.replicates:
        return NOT_MET
    is_test = quantity.wants in (KEEPS_SIZE, KEEPS_SIZE_AT_MOST, FINDS)
    share = found.rejection if is_test else found.coverage
    low, high = {
        COVERS: COVERED,
        COVERS_AT_LEAST: (COVERED[0], 1.0),
        KEEPS_SIZE: SIZE,
        KEEPS_SIZE_AT_MOST: (0.0, SIZE[1]),
        FINDS: (POWER, 1.0),
    }[quantity.wants]
    return MET if low <= share <= high else NOT_MET


def _markers(wants: str, what: str) -> tuple[Quantity, ...]:
    return tuple(Quantity(name, f"{what}, {words(name)}", wants) for name in STUDY_MARKERS)


def _idle(wants: str) -> Quantity:
    return Quantity("idle", "test of a marker that changes nothing", wants)


def _at(name: str, what: str, days: tuple[int, ...], wants: str) -> tuple[Quantity, ...]:
    return tuple(Quantity(f"{name}_{d}", what.format(days=d), wants) for d in days)


def _terms(name: str, what: str, wants: str) -> tuple[Quantity, ...]:
    return (
        Quantity(f"{name}marked", f"{what}, a marker", wants),
        Quantity(f"{name}score", f"{what}, a score", wants),
    )


_SHORT = times.AT[:2]
_BANDS = tuple(f"{low} to {high}" for low, high in pairwise(HAZARD_EDGES))
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
        "There is no dispersion to estimate, and the fit says that it has no answer instead of "
        "giving a wrong one.",
    ),
)

REPEATS = (
    Experiment(
        "kaplan_meier",
        "Kaplan-Meier curve of the next incident",
        "constant rates that differ between people; several incidents of each person",
        times.next_incident,
        (
            *_at("by_person", "followed within {days} days, errors by person", times.AT, COVERS),
            *_at("greenwood", "followed within {days} days, Greenwood", times.AT, NOTHING),
        ),
        {"people": 2000},
        "Greenwood's error takes the incidents of one person as strangers to each other, and is "
        "too small. This is why intervals are computed by person.",
    ),
    Experiment(
        "kaplan_meier_even",
        "Kaplan-Meier curve of the next incident",
        "everybody has the same constant rate, so that incidents of a person are not alike",
        times.next_incident,
        (
            *_at("by_person", "followed within {days} days, errors by person", times.AT, COVERS),
            *_at("greenwood", "followed within {days} days, Greenwood", times.AT, COVERS),
        ),
        {"people": 600, "even": True},
    ),
    Experiment(
        "hazard",
        "Rate of the next incident by days since the return",
        "constant rates that differ between people",
        times.hazard,
        tuple(Quantity(band, f"rate from day {band}", COVERS) for band in _BANDS),
        {"people": 2000},
    ),
    Experiment(
        "short_gaps",
        "Share of short gaps with the bootstrap of people",
        "constant rates that differ between people",
        times.short_gaps,
        _at("within", "share of gaps within {days} days", _SHORT, COVERS),
        {"people": 2000},
    ),
    Experiment(
        "mean_cumulative",
        "Mean cumulative function",
        "constant rates that differ between people, who leave at different times",
        times.mean_numbers,
        (
            *_at("robust", "mean number by day {days}, robust", times.MEANS_AT, COVERS),
            *_at("poisson", "mean number by day {days}, Poisson", times.MEANS_AT, NOTHING),
        ),
        {"people": 2000},
        "A Poisson variance takes every incident as a separate accident. Where a few people "
        "have most of them, its interval is far too narrow.",
    ),
    Experiment(
        "andersen_gill",
        "Andersen-Gill model",
        "constant rates that terms multiply and that differ by a Gamma factor beyond them",
        hazards.andersen_gill,
        (
            *_terms("robust_", f"{_HAZARD}, errors by person", COVERS),
            *_terms("model_", f"{_HAZARD}, errors of the model", NOTHING),
        ),
        {"people": 500, "theta": 1.0},
        "The ratio of mean numbers is found, but the model's own errors know nothing of people "
        "who differ, and are too small.",
    ),
    Experiment(
        "pwp",
        "Models by order of incident (Prentice, Williams and Peterson)",
        "constant rates that terms multiply; people of the same terms do not differ",
        hazards.conditional,
        (
            *_terms("gap_", f"{_HAZARD}, gap time", COVERS),
            *_terms("total_", f"{_HAZARD}, total time", COVERS),
        ),
        {"people": 500},
    ),
    Experiment(
        "pwp_differing",
        "Models by order of incident (Prentice, Williams and Peterson)",
        "the same, but rates differ by a Gamma factor beyond the terms",
        hazards.conditional,
        (
            *_terms("gap_", f"{_HAZARD}, gap time", NOTHING),
            *_terms("total_", f"{_HAZARD}, total time", NOTHING),
        ),
        {"people": 500, "theta": 1.0},
        "Whoever reaches a high order was always likely to, whatever the terms say, so ratios "
        "within an order are drawn towards one. Differences between orders are no proof that "
        "incidents change people.",
    ),
    Experiment(
        "frailty",
        "Shared gamma frailty",
        "rates differ by a Gamma factor of variance one; everybody is on file",
        hazards.frailty,
        (
            *_terms("", _HAZARD, COVERS),
            Quantity("theta", "variance of the frailty", COVERS),
        ),
        {"people": 300, "theta": 1.0},
    ),
    Experiment(
        "frailty_none",
        "Shared gamma frailty",
        "people of the same terms do not differ, so that the variance is nought",
        hazards.frailty,
        (
            *_terms("", _HAZARD, COVERS),
            Quantity("no_frailty", "test of no frailty, half chi-squared", KEEPS_SIZE),
        ),
        {"people": 300, "theta": 0.0},
    ),
    Experiment(
        "frailty_reported",
        "Shared gamma frailty for people with an incident",
        "rates differ by a Gamma factor of variance two; only people with an incident are on "
        "file, and the model knows it",
        hazards.frailty,
        (
            *_terms("", _HAZARD, COVERS),
            Quantity("theta", "variance of the frailty", COVERS),
        ),
        {"people": 600, "theta": 2.0, "only_reported": True, "truncated": True},
    ),
    Experiment(
        "frailty_reported_ignored",
        "Shared gamma frailty",
        "only people with an incident are on file, and the model does not know it",
        hazards.frailty,
        (
            *_terms("", _HAZARD, NOTHING),
            Quantity("theta", "variance of the frailty", NOTHING),
        ),
        {"people": 600, "theta": 2.0, "only_reported": True},
        "With everybody left out who was never reported, people look far more alike than they "
        "are. A file of missing people needs a model that knows what it lacks.",
    ),
    Experiment(
        "proportional",
        "Test of proportional hazards",
        "constant rates that terms multiply, time to the first incident",
        hazards.proportional,
        (
            Quantity("marked", "test of a marker", KEEPS_SIZE),
            Quantity("both", "test of all terms", KEEPS_SIZE),
        ),
        {"people": 500},
    ),
    Experiment(
        "proportional_differing",
        "Test of proportional hazards",
        "the same, but rates differ by a Gamma factor beyond the terms",
        hazards.proportional,
        (
            Quantity("marked", "test of a marker", NOTHING),
            Quantity("both", "test of all terms", NOTHING),
        ),
        {"people": 500, "theta": 1.0},
        "Differences between people that nobody recorded make ratios fade with time, and the "
        "test finds that, although every single person's ratio is constant.",
    ),
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

#: All of them, by name, in the order of the book.
EXPERIMENTS = {one.name: one for one in (*NUMBERS, *REPEATS, *PREDICTORS, *NETWORK)}
