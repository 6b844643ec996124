"""One simulated study each for the null of clustering, and for the chapters that count people."""

from __future__ import annotations

from missing_lib.study import clustering_worlds, count_worlds
from missing_lib.study.controls.summary import Estimate


def clustering(
    seed: int,
    *,
    people: int = 1132,
    shape: str = "study",
    boost: float = 1.0,
) -> dict[str, Estimate]:
    """Share of short gaps beside times drawn again, at the size of the study.

    Returns
    -------
    dict of Estimate
        ``short`` and ``long``, the tests at the two bounds, and ``explained``, the part of the
        short gaps that differences explain, whose truth is one where nothing clusters.
    """
    found = clustering_worlds.replicate(seed, people=people, shape=shape, boost=boost)
    explained = Estimate(
        1.0 if boost == 1.0 else float("nan"),
        found["explained"], found["explained_low"], found["explained_high"],
    )  # fmt: skip
    return {
        "short": Estimate(p=found["p"]),
        "long": Estimate(p=found["p_long"]),
        "explained": explained,
    }


def months(seed: int, *, step: float = 1.0, trend: float = 1.0) -> dict[str, Estimate]:
    """Count model of months in a world of people with careers and without a season.

    Returns
    -------
    dict of Estimate
        ``step`` (ratio at the change of era) and ``season``.
    """
    found = count_worlds.season_and_step(seed, kind="careers", step=step, trend=trend)
    return {
        "step": Estimate(step, found["step"], found["step_low"], found["step_high"]),
        "season": _decided(found["season_rejects"]),
    }


def staying(seed: int, *, people: int = 400, bursts: bool = False) -> dict[str, Estimate]:
    """Share of one year's top fifth that is in the next year's, beside constant rates.

    Returns
    -------
    dict of Estimate
        ``stays``: whether it lies outside the middle 95 % of worlds of constant rates.
    """
    found = count_worlds.staying_at_the_top(seed, people=people, bursts=bursts)
    return {"stays": _decided(found["below"] + found["above"])}


def time_missing(seed: int, *, people: int = 150) -> dict[str, Estimate]:
    """Median time missing, open incidents kept.

    Returns
    -------
    dict of Estimate
        ``median``, in hours.
    """
    found = count_worlds.median_missing(seed, people=people)
    return {"median": Estimate(found["truth"], found["median"], found["low"], found["high"])}


def laws(
    seed: int, *, drawn: str = "negative_binomial", fitted: str = "", people: int = 300
) -> dict[str, Estimate]:
    """Fit tests of a law of counts.

    Returns
    -------
    dict of Estimate
        ``cells`` and ``distance``.
    """
    found = count_worlds.fit_tests(seed, drawn=drawn, fitted=fitted, people=people)
    return {"cells": Estimate(p=found["p_cells"]), "distance": Estimate(p=found["p_distance"])}


def _decided(rejects: float) -> Estimate:
    """A test of which only the decision at the level is known."""
    return Estimate(p=0.0 if rejects else 1.0)
