"""The made-up forces over and over: what the chapters on ties find in worlds whose truth is known.

Never the one data set that is shipped: an estimate that happens to hold the truth once proves
nothing.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables
from missing_lib.study import family, network_hawkes, peer_cox
from missing_lib.study.cohort import select
from missing_lib.study.controls.criteria import (
    COVERS,
    FINDS,
    KEEPS_SIZE,
    Experiment,
    Quantity,
)
from missing_lib.study.controls.summary import Estimate
from missing_lib.study.frame import known_before
from missing_lib.study.network_hawkes import SMALLEST, HawkesFit
from missing_lib.synthetic import clock, hawkes, hawkes_world, northshire, thames_valley, world

#: Days over which the exposure of the leading Cox reading lasts.
DAYS = 28


def without_influence(seed: int) -> dict[str, Estimate]:
    """Another run of Thames Valley, in which connections matter and nobody influences anybody.

    Returns
    -------
    dict of Estimate
        ``connections`` (test), ``steps`` (test of equivalence), ``absence`` (whether the whole
        interval of further incidents is below what would matter, as a p value of 0 or 1),
        ``shift`` and ``cox`` (tests).
    """
    return _asked(
        thames_valley.children_again(_before(), seed),
        _force("thames-valley", clock.FIRST_DATE, clock.LAST_DATE),
        seed,
    )


def with_influence(seed: int, *, peer: float = hawkes.TRUTH.peer) -> dict[str, Estimate]:
    """Another Northshire: another society, other incidents, clean records.

    Returns
    -------
    dict of Estimate
        ``peer``, further incidents among connections per incident; its truth is what comes
        after the first day, because what comes within it is one event. ``shift``, ``cox`` and
        ``hawkes`` (whether the interval excludes none, as a p value of 0 or 1).
    """
    own_clock = _clock_of_northshire()
    society = hawkes_world.generate(seed)
    incidents = hawkes.simulate(society, hawkes.TRUTH, own_clock, np.random.default_rng([seed, 12]))
    tables = northshire.clean_tables(society, incidents, own_clock, seed)
    found = _asked(
        tables, _force("northshire", hawkes_world.FIRST_DATE, hawkes_world.LAST_DATE), seed
    )
    later = peer * float(np.exp(-hawkes.TRUTH.peer_decay))
    return {name: found[name] for name in ("shift", "cox", "hawkes")} | {
        "peer": Estimate(later, found["peer"].value, found["peer"].lower, found["peer"].upper)
    }


def _asked(tables: Tables, force: ForceFile, seed: int) -> dict[str, Estimate]:
    cohort = select(tables, force, "children")
    frame = known_before(cohort)
    found = family.primary(cohort, frame, seed)
    made = peer_cox.peer_rows(cohort, found.ties.pairs, days=[DAYS])
    term = peer_cox.any_within(DAYS)
    row = peer_cox.fit_exposure(made, [term]).fit.row(term)
    fit = network_hawkes.fit(network_hawkes.prepare(cohort, found.ties.pairs, frame))
    return {
        "connections": Estimate(p=float(found.p["N1"])),
        "steps": Estimate(p=float(found.p["N2"])),
        "shift": Estimate(p=float(found.p["N3"])),
        "cox": Estimate(p=float(row["p"])),
        "absence": _decided(fit, bool(fit.peer.upper < SMALLEST)),
        "hawkes": _decided(fit, bool(fit.peer.lower > 0)),
        "peer": Estimate(np.nan, fit.peer.value, fit.peer.lower, fit.peer.upper),
    }


def _decided(fit: HawkesFit, yes: bool) -> Estimate:
    return Estimate() if np.isnan(fit.peer.value) else Estimate(p=float(not yes))


@cache
def _before() -> world.World:
    return world.generate(thames_valley.SEED)


@cache
def _clock_of_northshire() -> clock.Clock:
    return clock.study_clock(hawkes_world.FIRST_DATE, hawkes_world.DAYS)


@cache
def _force(code: str, start: pd.Timestamp, end: pd.Timestamp) -> ForceFile:
    return ForceFile.model_validate(
        {
            "code": code,
            "name": code,
            "kind": "synthetic",
            "study": {"start": start.date(), "end": end.date()},
            "sources": {"persons": {"file": "p.csv"}, "incidents": {"file": "i.csv"}},
        }
    )


MADE_FORCES = (
    Experiment(
        "thames_valley",
        "The chapters on ties, whole",
        "the made-up Thames Valley, run again: connections matter, nobody influences anybody",
        without_influence,
        (
            Quantity("connections", "test of connections", FINDS),
            Quantity("steps", "equivalence of steps", FINDS),
            Quantity("absence", "interval of peers inside what would not matter", FINDS),
            Quantity("shift", "test of timing", KEEPS_SIZE),
            Quantity("cox", f"test of peer exposure, {DAYS} days", KEEPS_SIZE),
        ),
    ),
    Experiment(
        "northshire",
        "The chapters on ties, whole",
        "the made-up Northshire, run again: each incident brings on others among connections",
        with_influence,
        (
            Quantity("peer", "further incidents among connections after the first day", COVERS),
            Quantity("shift", "test of timing", FINDS),
            Quantity("cox", f"test of peer exposure, {DAYS} days", FINDS),
            Quantity("hawkes", "interval of peers excludes none", FINDS),
        ),
    ),
)
