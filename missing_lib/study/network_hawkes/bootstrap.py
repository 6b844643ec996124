"""Intervals of a network Hawkes process from worlds simulated at its estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.study.network_hawkes import search
from missing_lib.study.network_hawkes.attribution import SOURCES, parents
from missing_lib.study.network_hawkes.fit import best_of, simpler, with_peers
from missing_lib.study.network_hawkes.result import HawkesFit
from missing_lib.study.network_hawkes.search import Top, names_of
from missing_lib.study.network_hawkes.simulate import RunawayWorld, simulate, times_away
from missing_lib.study.network_hawkes.timeline import Timeline

#: Worlds unless asked otherwise.
DRAWS = 199


@dataclass(frozen=True)
class Bootstrap:
    """Estimates in worlds simulated at the estimate.

    Attributes
    ----------
    estimates : DataFrame, shape (draws, 8)
        ``own``, ``own_delay``, ``peer``, ``peer_delay``, ``variance``, and the soft shares
        ``from_background``, ``from_own`` and ``from_peer``; delays NaN where the part is 0.
    intervals : DataFrame
        ``name``, ``value`` (the estimate), ``lower``, ``upper`` (2.5 and 97.5 % of the worlds).
    lost : int
        Worlds that exploded or could not be fitted.
    problem : str
    """

    estimates: pd.DataFrame
    intervals: pd.DataFrame
    lost: int
    problem: str = ""


def bootstrap(found: HawkesFit, line: Timeline, seed: int, draws: int = DRAWS) -> Bootstrap:
    """Parametric bootstrap: person effects are drawn anew from their law.

    Parameters
    ----------
    found : HawkesFit
    line : Timeline
        To which it was fitted.
    seed, draws : int

    Returns
    -------
    Bootstrap
    """
    problem = found.problem or found.peer_problem
    if problem or found.best is None or found.null is None:
        nothing = pd.DataFrame(columns=_NAMES, dtype=float)
        return Bootstrap(nothing, _intervals(nothing, nothing), 0, problem)
    rng = np.random.default_rng(seed)
    away = times_away(line)
    rows = []
    for _ in range(draws):
        try:
            world = simulate(line, found.best.at, rng, away=away)
        except RunawayWorld:
            continue
        if world.reports:
            rows.append(_estimates(world, refit(world, found.null)))
    table = pd.DataFrame(rows, columns=_NAMES)
    here = pd.DataFrame([_estimates(line, found.best)], columns=_NAMES)
    return Bootstrap(table, _intervals(table, here), draws - len(rows))


def refit(world: Timeline, near: Top) -> Top:
    """The best fit to a world, from a fit without peers that is close by."""
    null = simpler(world, search.top(world, near.at, names_of(near), near.spread))
    return best_of(world, null, with_peers(world, null))


_NAMES = [
    "own", "own_delay", "peer", "peer_delay", "variance", *(f"from_{name}" for name in SOURCES),
]  # fmt: skip


def _estimates(line: Timeline, found: Top) -> tuple[float, ...]:
    at = found.at
    own_delay = 1 / at.own_decay if at.own > 0 else np.nan
    peer_delay = 1 / at.peer_decay if at.peer > 0 else np.nan
    shares = parents(line, at)[0].mean(axis=0)
    return at.own, own_delay, at.peer, peer_delay, at.variance, *(float(s) for s in shares)


def _intervals(table: pd.DataFrame, here: pd.DataFrame) -> pd.DataFrame:
    low, high = (
        [float(table[name].quantile(q)) if table[name].notna().any() else np.nan for name in _NAMES]
        for q in (0.025, 0.975)
    )
    value = here.iloc[0].to_list() if len(here) else [np.nan] * len(_NAMES)
    return pd.DataFrame({"name": _NAMES, "value": value, "lower": low, "upper": high})
