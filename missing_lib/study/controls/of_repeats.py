"""Experiments with the methods of the chapter on repeats."""

from __future__ import annotations

from itertools import pairwise

from missing_lib.study.controls import dependence, hazards, times
from missing_lib.study.controls.criteria import (
    COVERS,
    FINDS,
    KEEPS_SIZE,
    NOTHING,
    Experiment,
    Quantity,
)
from missing_lib.study.repeats import HAZARD_EDGES


def _at(name: str, what: str, days: tuple[int, ...], wants: str) -> tuple[Quantity, ...]:
    return tuple(Quantity(f"{name}_{d}", what.format(days=d), wants) for d in days)


def _terms(name: str, what: str, wants: str) -> tuple[Quantity, ...]:
    return (
        Quantity(f"{name}marked", f"{what}, a marker", wants),
        Quantity(f"{name}score", f"{what}, a score", wants),
    )


_SHORT = times.AT[:2]
_BANDS = tuple(f"{low} to {high}" for low, high in pairwise(HAZARD_EDGES))
_HAZARD = "log hazard ratio"

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

_NULL = "Short gaps beside times drawn again"
_TESTS = (
    ("short", "test of gaps within 14 days"),
    ("long", "test of gaps within 28 days"),
)

CLUSTERING = (
    Experiment(
        "clustering",
        _NULL,
        "rates differ between people as in the study, and change with season, age, era and care",
        dependence.clustering,
        (
            *(Quantity(name, words, KEEPS_SIZE) for name, words in _TESTS),
            Quantity("explained", "part of short gaps that differences explain", COVERS),
        ),
    ),
    Experiment(
        "clustering_gamma",
        _NULL,
        "the same, with rates that differ by a Gamma law",
        dependence.clustering,
        (
            *(Quantity(name, words, KEEPS_SIZE) for name, words in _TESTS),
            Quantity("explained", "part of short gaps that differences explain", COVERS),
        ),
        {"shape": "gamma"},
    ),
    Experiment(
        "clustering_boost",
        _NULL,
        "as the first, but each return raises the rate one and a half times for 14 days",
        dependence.clustering,
        (
            Quantity("short", _TESTS[0][1], FINDS),
            Quantity("long", _TESTS[1][1], FINDS),
            Quantity("explained", "part of short gaps that differences explain", NOTHING),
        ),
        {"boost": 1.5},
    ),
)
