"""A network Hawkes process, run forward: who goes missing, when, and what set each incident off.

lambda_i(t) = Y_i(t) [ v_i r(age) exp(alpha + z_i g)
                       + a sum over own returns t_k < t of b_o exp(-b_o (t - t_k))
                       + c sum over alters j of 1/d_i sum over reports t_k^j < t
                         of b_p exp(-b_p (t - t_k^j)) ]

Time is operational (see :mod:`missing_lib.synthetic.clock`), so that reports have a daily and a
yearly rhythm. Y_i is 0 while i is missing or not under observation, v_i is a gamma frailty of mean
one, d_i the number of alters. Each incident is drawn as spontaneous, or as set off by one own or
one alter's incident: that is the same process, and its parents are known.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.synthetic.clock import DAY, YEAR, Clock
from missing_lib.synthetic.hawkes_world import DAYS, Society

LONGEST_SPELL = 60 * DAY
SHORTEST_SPELL = 15
#: What set an incident off.
SPONTANEOUS, OWN, PEER = 0, 1, 2


@dataclass(frozen=True)
class Coefficients:
    """The truth of the process.

    Attributes
    ----------
    alpha : float
        Log of the spontaneous incidents per operational day of a person with no marker, at
        the age of 15 and with frailty 1.
    gamma : dict of str to float
        Effects on that log rate.
    own, own_decay : float
        a, and b_o per operational day, from the return.
    peer, peer_decay : float
        c, and b_p per operational day, from the alter's report.
    frailty_variance : float
    spell_median, spell_sigma : float
        Log-normal minutes from report to return.
    """

    alpha: float
    gamma: dict[str, float]
    own: float
    own_decay: float
    peer: float
    peer_decay: float
    frailty_variance: float
    spell_median: float
    spell_sigma: float


TRUTH = Coefficients(
    alpha=-8.35,
    gamma={
        "mental_health": 0.30,
        "self_harm": 0.70,
        "child_protection": 0.15,
        "arrest": 0.55,
        "local_authority_care": 1.10,
        "female": 0.10,
        "unknown": -2.60,
    },
    own=0.55,
    own_decay=1 / 9,
    peer=0.35,
    peer_decay=1 / 6,
    frailty_variance=2.0,
    spell_median=390.0,
    spell_sigma=1.5,
)
#: Relative rate of spontaneous incidents at an age: low in childhood, full at 15, low as an adult.
AGES, RATES = (8.0, 15.0, 17.0, 18.0, 20.0, 90.0), (0.1, 1.0, 1.0, 0.35, 0.12, 0.12)


def rate_by_age(years: np.ndarray) -> np.ndarray:
    """Relative rate of spontaneous incidents at an age in years."""
    return np.interp(years, AGES, RATES)


def simulate(
    society: Society, truth: Coefficients, clock: Clock, rng: np.random.Generator
) -> pd.DataFrame:
    """Run the process over the study window; nobody has an incident before it.

    Returns
    -------
    DataFrame
        In order of person and time: ``row``, ``reported``, ``ended`` (minutes), ``cause``
        (:data:`SPONTANEOUS`, :data:`OWN` or :data:`PEER`), ``is_child``, ``time_known`` (always
        true).
    """
    waiting = _spontaneous(society, truth, clock, rng)
    heapq.heapify(waiting)
    alters = neighbours(society)
    free, gone = windows(society, clock)
    done = []
    end = float(clock.operational[-1])
    while waiting:
        at, row, cause = heapq.heappop(waiting)
        minute = int(clock.at(at)) + 1
        minute += int(minute == clock.day_start[clock.local_day(np.array(minute))])
        if not free[row] < minute < gone[row]:
            continue
        ended = minute + _spell(truth, rng)
        free[row] = ended
        done.append((row, minute, ended, cause))
        later = [
            (float(clock.op(ended)) + wait, row, OWN)
            for wait in rng.exponential(1 / truth.own_decay, rng.poisson(truth.own))
        ]
        for other in alters[row]:
            number = rng.poisson(truth.peer / len(alters[other]))
            waits = rng.exponential(1 / truth.peer_decay, number)
            later += [(at + wait, other, PEER) for wait in waits]
        for event in later:
            if event[0] < end:
                heapq.heappush(waiting, event)
    frame = pd.DataFrame(done, columns=["row", "reported", "ended", "cause"])
    day = clock.local_day(frame["reported"].to_numpy())
    frame["is_child"] = day < society.people["eighteenth"].to_numpy()[frame["row"]]
    frame["time_known"] = True
    return frame.sort_values(["row", "reported"]).reset_index(drop=True)


def neighbours(society: Society) -> list[list[int]]:
    """Alters of each person over the ties before the study."""
    out: list[list[int]] = [[] for _ in range(len(society.people))]
    for a, b in society.ties[["a", "b"]].drop_duplicates().itertuples(index=False):
        out[a].append(int(b))
        out[b].append(int(a))
    return out


def windows(society: Society, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """Last minute before and first minute after each person's time under observation."""
    start = np.maximum(0, society.people["observed_from"].to_numpy())
    stop = np.minimum(society.people["observed_to"].to_numpy(), DAYS)
    return clock.day_start[start] - 1, clock.day_start[stop]


def _spontaneous(
    society: Society, truth: Coefficients, clock: Clock, rng: np.random.Generator
) -> list[tuple[float, int, int]]:
    """Incidents that nothing sets off: Poisson with frailty, thinned by age."""
    terms = list(truth.gamma)
    eta = society.design[terms].to_numpy() @ np.array([truth.gamma[t] for t in terms])
    shape = 1 / truth.frailty_variance
    frailty = rng.gamma(shape, 1 / shape, len(eta))
    before, gone = windows(society, clock)
    low, high = clock.op(before + 1), clock.op(gone)
    number = rng.poisson(np.exp(truth.alpha + eta) * frailty * np.maximum(0, high - low))
    row = np.repeat(np.arange(len(eta)), number)
    at = low[row] + rng.random(len(row)) * (high - low)[row]
    years = (clock.at(at) / DAY - society.people["birth"].to_numpy()[row]) / YEAR
    keep = rng.random(len(row)) < rate_by_age(years)
    return [(float(t), int(r), SPONTANEOUS) for t, r in zip(at[keep], row[keep], strict=True)]


def _spell(truth: Coefficients, rng: np.random.Generator) -> int:
    drawn = truth.spell_median * np.exp(truth.spell_sigma * rng.standard_normal())
    return int(np.clip(np.ceil(drawn), SHORTEST_SPELL, LONGEST_SPELL))
