"""Which reports followed from which: from the background, own history, or peers.

Softly, as the chance that each report came from each; and by the most probable parent, a single
earlier report or the background, as Green, Horel and Papachristos 2017 do (doi
10.1001/jamainternmed.2016.8245; their 63.1 % is one less cascades over reports). The two differ,
because a sum of many small chances is nobody's most probable parent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from scipy.stats import norm

from missing_lib.study.network_hawkes import search
from missing_lib.study.network_hawkes.climb import LATER, Parameters, climb
from missing_lib.study.network_hawkes.result import Bounded, HawkesFit
from missing_lib.study.network_hawkes.search import DELAYS, names_of
from missing_lib.study.network_hawkes.timeline import Floats, Ints, Timeline

#: Draws of the parameters for the intervals unless asked otherwise.
DRAWS = 200
#: What a report can have come from; columns of the chances.
SOURCES = ("background", "own", "peer")
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Attribution:
    """Shares of reports by what they came from.

    Attributes
    ----------
    shares : DataFrame
        One row per way and source: ``way`` (``soft``, ``most probable parent``), ``source``
        (:data:`SOURCES`), ``share``, ``lower``, ``upper`` (95 %, from draws of the parameters).
    chances : ndarray, shape (reports, 3)
        Chance that each report came from each source.
    source : ndarray of int, shape (reports,)
        Position in :data:`SOURCES` of the most probable parent.
    parent : ndarray of int, shape (reports,)
        The report it is, as in :attr:`.timeline.Jumps.source`; -1 for the background.
    cascades : int
        Reports whose most probable parent is the background, each with all that follows from it.
    people, by_peers : ndarray of object
        Identifiers of the people with a report, and of those with a report whose most probable
        parent is a peer's.
    problem : str
    """

    shares: pd.DataFrame
    chances: Floats
    source: Ints
    parent: Ints
    cascades: int
    people: NDArray[np.object_]
    by_peers: NDArray[np.object_]
    problem: str = ""

    def share(self, source: str, way: str = "soft") -> Bounded:
        """One of the shares."""
        rows = self.shares[(self.shares["source"] == source) & (self.shares["way"] == way)]
        row = rows.iloc[0]
        return Bounded(float(row["share"]), float(row["lower"]), float(row["upper"]))


def attribute(found: HawkesFit, line: Timeline, seed: int, draws: int = DRAWS) -> Attribution:
    """Attribute reports to the background, own history and peers.

    Parameters
    ----------
    found : HawkesFit
    line : Timeline
        To which it was fitted.
    seed, draws : int
        Draws of the parameters, for the intervals.

    Returns
    -------
    Attribution
    """
    people = line.setting.people[np.unique(line.person)]
    nobody = np.empty(0, object)
    if found.parameters is None:
        none = np.empty(0, np.int64)
        table = _table(np.full((2, 3), np.nan), np.full((1, 2, 3), np.nan))
        return Attribution(
            table, np.empty((0, 3)), none, none, 0, people, nobody, found.problem
        )  # fmt: skip
    chances, source, parent = parents(line, found.parameters)
    rng = np.random.default_rng(seed)
    several = [parents(line, at)[:2] for at in drawn(found, rng, draws)]
    table = _table(_shares(chances, source), np.array([_shares(*one) for one in several]))
    by_peers = line.setting.people[np.unique(line.person[source == SOURCES.index("peer")])]
    return Attribution(
        table, chances, source, parent, int((parent < 0).sum()), people, by_peers,
        found.peer_problem,
    )  # fmt: skip


def parents(line: Timeline, at: Parameters) -> tuple[Floats, Ints, Ints]:
    """Chances, most probable source and most probable parent of each report.

    See :class:`Attribution`. With person effects the chance of the background is that given all
    of the person's reports; what is left is shared out as the kernels have it.
    """
    found = climb(line, at)
    own, peer = at.own * found.own.at, at.peer * found.peer.at
    background = found.persons.background
    scale = found.persons.by_added
    chances = np.column_stack([background, own * scale, peer * scale])
    setting = line.setting
    spans = (line.first, line.at, line.back, setting.opens)
    single = []
    for jumps, part, decay in (
        (line.own, at.own, at.own_decay),
        (line.peer, at.peer, at.peer_decay),
    ):
        most, place = _largest(jumps.first, jumps.at, jumps.weight, *spans, decay)
        told = np.append(jumps.source, -1)[place]
        single.append((part * decay * most * scale, told))
    each = np.column_stack([background, single[0][0], single[1][0]])
    source = each.argmax(axis=1)
    parent = np.choose(source, [np.full(len(source), -1), single[0][1], single[1][1]])
    return chances, source, parent


def drawn(found: HawkesFit, rng: np.random.Generator, draws: int) -> list[Parameters]:
    """Parameters from about the normal law of their estimates.

    Peers' c from two half normals whose tails beyond the profile interval hold 2.5 % each,
    never below 0; everything else, on the scale of the search, given it.
    """
    best = found.best
    assert best is not None
    spread, names = found.covariance, names_of(best)
    kept = np.arange(len(spread))
    z = rng.standard_normal(draws)
    slope = np.zeros(len(spread))
    if "peer" in names:
        at = search.place(best, "peer")
        kept = np.delete(kept, at)
        slope = spread[:, at] / np.sqrt(spread[at, at])
        spread = spread - np.outer(slope, slope)
    mean, _ = search.vector(best)
    root = np.linalg.cholesky(spread[np.ix_(kept, kept)] + 1e-12 * np.eye(len(kept)))
    values = (
        mean[kept] + np.outer(z, slope[kept]) + rng.standard_normal((draws, len(kept))) @ root.T
    )
    free = [name for name in names if name != "peer"]
    return [
        _parameters(found, value, free, c)
        for value, c in zip(values, _peers(found, z), strict=True)
    ]


def _peers(found: HawkesFit, z: Floats) -> Floats:
    peer = found.peer
    if np.isnan(peer.value):
        return np.zeros(len(z))
    if peer.value == 0.0:
        return np.abs(z) / _Z * peer.upper
    up, down = (peer.upper - peer.value) / _Z, (peer.value - peer.lower) / _Z
    return np.maximum(peer.value + np.where(z > 0, up, down) * z, 0.0)


def _parameters(found: HawkesFit, value: Floats, free: list[str], c: float) -> Parameters:
    at = found.parameters
    assert at is not None
    terms = len(at.beta)
    later = {name: float(getattr(at, name)) for name in LATER}
    for name, log in zip(free, value[terms:], strict=True):
        later[name] = float(np.exp(log))
        if name in DELAYS:
            later[name] = 1 / float(np.clip(np.exp(-log), *DELAYS[name]))
    return Parameters(value[:terms], **(later | {"peer": float(c)}))


def _shares(chances: Floats, source: Ints) -> Floats:
    """Soft shares, and those by the most probable parent; shape (2, 3)."""
    hard = np.bincount(source, minlength=3) / len(source)
    return np.stack([chances.mean(axis=0), hard])


def _table(shares: Floats, several: Floats) -> pd.DataFrame:
    low, high = np.quantile(several, [0.025, 0.975], axis=0)
    rows = [
        (way, source, shares[w, k], low[w, k], high[w, k])
        for w, way in enumerate(("soft", "most probable parent"))
        for k, source in enumerate(SOURCES)
    ]
    return pd.DataFrame(rows, columns=["way", "source", "share", "lower", "upper"])


@njit(cache=True)
def _largest(
    first: Ints,
    jump: Floats,
    weight: Floats,
    report: Ints,
    at: Floats,
    back: Floats,
    opens: Floats,
    b: float,
) -> tuple[Floats, Ints]:
    """Largest w exp(-b u) of a single jump before each report, and which; 0 and -1 if none.

    All fall at one rate, so that the largest stays the largest until a larger one comes.
    """
    most, place = np.zeros(len(at)), np.full(len(at), -1)
    for i in range(len(opens)):
        j, last = first[i], first[i + 1]
        level, which, now = 0.0, -1, 0.0
        for k in range(report[i], report[i + 1]):
            while j < last and jump[j] < at[k]:
                level *= np.exp(-b * (jump[j] - now)) if which >= 0 else 0.0
                if weight[j] >= level:
                    level, which = weight[j], j
                now = jump[j]
                j += 1
            if which >= 0:
                most[k], place[k] = level * np.exp(-b * (at[k] - now)), which
    return most, place
