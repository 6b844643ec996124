"""What these people's reports could have shown of peers, in worlds where the answer is known.

Every world has the people, windows, ties and covariates of the force, and person effects drawn
from what its reports say of each person, so that differences between people that go with ties
are in the worlds too. Reports are simulated from the fit with c held at a chosen value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.intervals import wilson
from missing_lib.study.network_hawkes import search
from missing_lib.study.network_hawkes.fit import MIDDLE, ratio_of, simpler, with_peers
from missing_lib.study.network_hawkes.persons import drawn_factors
from missing_lib.study.network_hawkes.profile import held_at
from missing_lib.study.network_hawkes.result import HawkesFit
from missing_lib.study.network_hawkes.search import COARSE, Top, names_of
from missing_lib.study.network_hawkes.simulate import RunawayWorld, simulate, times_away
from missing_lib.study.network_hawkes.timeline import Floats, Timeline

#: Stated before looking: peers matter from this many further reports per report on.
SMALLEST = 0.1
#: Effects that are simulated, in units of it.
MULTIPLES = (0.0, 0.5, 1.0, 1.5, 2.0)
#: Nominal size of the test, and the power asked of an effect that could have been seen.
LEVEL, WANTED = 0.05, 0.8
#: Worlds of each effect unless asked otherwise.
WORLDS = 99
#: Further effects at most, in search of the one that 80 % of worlds show, and how far apart those
#: on its two sides may lie.
_PROBES, _APART = 6, 3.0
#: Normal quantiles of 95 and 80 % over that of 97.5 %: from half an interval to such an effect.
_TO_DETECT = (1.645 + 0.842) / 1.96


@dataclass(frozen=True)
class Power:
    """The test of peers in simulated worlds.

    Attributes
    ----------
    effects : DataFrame
        One row per effect, ascending: ``effect`` (c), ``multiple`` (of :data:`SMALLEST`),
        ``worlds``, ``found`` (share of worlds with a likelihood ratio above the critical
        value), ``lower``, ``upper`` (95 % Wilson), ``reports`` (mean of a world).
    critical : float
        The likelihood ratio that 5 % of the worlds without peers exceed.
    p : float
        (1 + number of worlds without peers with a ratio at least as large as the observed) /
        (1 + worlds).
    detectable : float
        c that these people's reports would have shown with 80 % power, by interpolation between
        the effects, on the scale of the log; inf where not even the largest would be.
    null : ndarray, shape (worlds,)
        Likelihood ratios of the worlds without peers.
    delay : float
        Mean delay of peers in the worlds, days.
    problem : str
        Why there is no answer; empty where there is.
    """

    effects: pd.DataFrame
    critical: float
    p: float
    detectable: float
    null: Floats
    delay: float
    problem: str = ""


def power(
    found: HawkesFit,
    line: Timeline,
    seed: int,
    worlds: int = WORLDS,
    *,
    multiples: tuple[float, ...] = MULTIPLES,
) -> Power:
    """Power of the test of peers, its p value, and the smallest effect that could be seen.

    Parameters
    ----------
    found : HawkesFit
    line : Timeline
        To which it was fitted.
    seed : int
    worlds : int
        Of each effect.
    multiples : tuple of float
        Effects in units of :data:`SMALLEST`, the first of them 0. Where even the smallest of
        the others is seen often enough, smaller ones are simulated too, until one is not.

    Returns
    -------
    Power
    """
    problem = found.problem or found.peer_problem
    if problem or found.null is None or found.best is None:
        return Power(_table([], 0.0), np.nan, np.nan, np.nan, np.empty(0), np.nan, problem)
    rng = np.random.default_rng(seed)
    delay = 1 / found.best.at.peer_decay if found.peer.lower > 0 else MIDDLE
    null, reports = ratios(line, found.null, found.null, rng, worlds)
    critical = float(np.quantile(null, 1 - LEVEL, method="higher"))
    rows = [(0.0, null, reports)]
    effects = [SMALLEST * multiple for multiple in multiples if multiple > 0]
    for effect in effects:
        rows.append((effect, *_with(line, found, effect, delay, rng, worlds, critical)))
    width = _TO_DETECT * (found.peer.upper - found.peer.value)
    for _ in range(_PROBES):
        probe = _further(_table(rows, critical), width)
        if np.isnan(probe):
            break
        rows.append((probe, *_with(line, found, probe, delay, rng, worlds, critical)))
    table = _table(rows, critical)
    as_large = int((null >= found.ratio - 1e-9).sum())
    return Power(
        table, critical, (1 + as_large) / (1 + worlds), detectable_effect(table), null, delay
    )


def ratios(
    line: Timeline,
    truth: Top,
    null: Top,
    rng: np.random.Generator,
    worlds: int,
    enough: float = np.inf,
) -> tuple[Floats, float]:
    """Likelihood ratios of peers in simulated worlds, and the mean number of reports.

    Parameters
    ----------
    line : Timeline
    truth : Top
        From which the worlds are simulated.
    null : Top
        A fit without peers, from which the search in the first world begins.
    rng : Generator
    worlds : int
    enough : float
        A ratio above which it does not matter how large it is.

    Returns
    -------
    ratios : ndarray, shape (worlds,)
        Infinite in a world that explodes.
    reports : float
    """
    away, near = times_away(line), null
    out, number = np.full(worlds, np.inf), np.full(worlds, np.nan)
    for k in range(worlds):
        factor = drawn_factors(line, truth.at, rng)
        try:
            world = simulate(line, truth.at, rng, factor=factor, away=away)
        except RunawayWorld:
            continue
        number[k] = world.reports
        out[k], here = world_ratio(world, near, enough)
        near = here if names_of(here) == names_of(null) else near
    return out, float(np.nanmean(number)) if np.isfinite(number).any() else np.nan


def world_ratio(world: Timeline, near: Top, enough: float = np.inf) -> tuple[float, Top]:
    """The likelihood ratio of peers in one world, and the fit without them.

    Parameters
    ----------
    world : Timeline
    near : Top
        A fit without peers from which to begin.
    enough : float
        A ratio above which the other delays of the grid need not be tried.
    """
    if world.reports == 0:
        return 0.0, near
    null = simpler(world, search.top(world, near.at, names_of(near), near.spread, slope=COARSE))
    return ratio_of(null, with_peers(world, null, COARSE, enough)), null


def detectable_effect(effects: pd.DataFrame) -> float:
    """The effect seen in 80 % of worlds, by interpolation on the log of the effect.

    Parameters
    ----------
    effects : DataFrame
        ``effect`` and ``found``, ascending.

    Returns
    -------
    float
        The smallest effect simulated where even that is seen more often, inf where none is.

    Examples
    --------
    >>> table = pd.DataFrame({"effect": [0.0, 0.1, 0.4], "found": [0.05, 0.6, 1.0]})
    >>> round(detectable_effect(table), 3)
    0.2
    """
    some = effects[effects["effect"] > 0]
    if some.empty:
        return np.nan
    seen = np.maximum.accumulate(some["found"].to_numpy(float))
    effect = some["effect"].to_numpy(float)
    if seen[-1] < WANTED:
        return np.inf
    k = int(np.argmax(seen >= WANTED))
    if k == 0:
        return float(effect[0])
    part = (WANTED - seen[k - 1]) / (seen[k] - seen[k - 1])
    return float(np.exp(np.log(effect[k - 1]) + part * np.log(effect[k] / effect[k - 1])))


def _further(effects: pd.DataFrame, width: float) -> float:
    """The next effect to simulate; NaN where 80 % lie between two that are close, or nowhere."""
    some = effects[effects["effect"] > 0]
    seen = some.loc[some["found"] >= WANTED, "effect"].min()
    unseen = some.loc[(some["found"] < WANTED) & ~(some["effect"] > seen), "effect"].max()
    if np.isnan(seen):
        return np.nan
    if np.isnan(unseen):
        return float(width if 0 < width < seen / 2 else seen / 2)
    return float(2 * unseen) if seen > _APART * unseen else np.nan


def _with(
    line: Timeline,
    found: HawkesFit,
    effect: float,
    delay: float,
    rng: np.random.Generator,
    worlds: int,
    enough: float,
) -> tuple[Floats, float]:
    """Ratios in worlds with peers: all else as it fits the reports best with c held there."""
    assert found.best is not None
    assert found.null is not None
    truth = held_at(line, found.best, effect, delay)
    return ratios(line, truth, found.null, rng, worlds, enough)


_Row = tuple[float, NDArray[np.float64], float]


def _table(rows: list[_Row], critical: float) -> pd.DataFrame:
    told = []
    for effect, values, reports in sorted(rows, key=lambda row: row[0]):
        seen = int((values > critical).sum())
        low, high = wilson(seen, len(values))
        share = seen / len(values)
        told.append((effect, effect / SMALLEST, len(values), share, low, high, reports))
    names = ["effect", "multiple", "worlds", "found", "lower", "upper", "reports"]
    return pd.DataFrame(told, columns=names)
