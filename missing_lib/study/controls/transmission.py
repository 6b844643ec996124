"""One simulated data set each for the methods of the chapter on transmission.

What each function takes as ``world`` are keywords of :func:`.worlds_network.histories_with_ties`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from missing_lib.study import network, network_hawkes, peer_cox, placebos
from missing_lib.study.cohort import Cohort
from missing_lib.study.controls.summary import Estimate
from missing_lib.study.network_hawkes import Timeline
from missing_lib.study.worlds_network import histories_with_ties

#: Worlds without peers behind each p value; with half as many none could be below 5 %.
NULL_WORLDS = 39
#: Rewired networks behind each p value.
REWIRED = 59
#: Mean days after which a further incident comes, in worlds that the model makes.
DELAY = 6.0
_RECENT = peer_cox.any_within(14)


def exposure(seed: int, *, people: int = 400, **world: float) -> dict[str, Estimate]:
    """The recurrent Cox regression on peer exposure, with errors for tied people.

    Returns
    -------
    dict of Estimate
        ``cox``: test of any incident of a connection in the past 14 days.
    """
    cohort, pairs = _world(seed, people, **world)
    made = peer_cox.peer_rows(cohort, pairs, days=[14])
    fit = peer_cox.fit_exposure(made, [_RECENT]).fit
    return {"cox": Estimate(p=float(fit.row(_RECENT)["p"]))}


def own_rate(seed: int, *, people: int = 400) -> dict[str, Estimate]:
    """The same given a rate of each person's own, where nobody influences anybody.

    Returns
    -------
    dict of Estimate
        ``own_rate``.
    """
    cohort, pairs = _world(seed, people)
    made = peer_cox.peer_rows(cohort, pairs, days=[14])
    fit = peer_cox.given_own_rate(made, [_RECENT]).fit
    return {"own_rate": Estimate(p=float(fit.row(_RECENT)["p"]))}


def rewired(seed: int, *, people: int = 400, **world: float) -> dict[str, Estimate]:
    """Incidents while exposed against networks rewired among people alike.

    Returns
    -------
    dict of Estimate
        ``rewired``: one-sided, with a p value from :data:`REWIRED` networks.
    """
    found = placebos.rewired_ties(*_world(seed, people, **world), seed=seed, draws=REWIRED)
    return {"rewired": Estimate(p=found.p)}


def model(seed: int, *, people: int = 400, **world: float) -> dict[str, Estimate]:
    """The Hawkes model, where what it supposes holds only in part.

    Returns
    -------
    dict of Estimate
        ``hawkes``: the test of peers, with a p value from :data:`NULL_WORLDS` worlds.
    """
    cohort, pairs = _world(seed, people, **world)
    return {"hawkes": _test(network_hawkes.prepare(cohort, pairs), seed)}


def recovery(
    seed: int, *, people: int = 400, own: float = 0.4, peer: float = 0.2, variance: float = 2.0
) -> dict[str, Estimate]:
    """The Hawkes model in worlds that it made itself, in which its parameters are to be covered.

    Returns
    -------
    dict of Estimate
        ``own``, ``peer`` (further incidents per incident) and ``variance``; where ``peer`` is 0
        its test ``hawkes`` instead.
    """
    cohort, pairs = _world(seed, people)
    like = network_hawkes.prepare(cohort, pairs)
    start = network_hawkes.fit(like).parameters
    if start is None:
        return {}
    truth = replace(
        start, own=own, own_decay=1 / DELAY, peer=peer, peer_decay=1 / DELAY, variance=variance
    )
    line = network_hawkes.simulate(like, truth, np.random.default_rng([seed, 1]))
    fit = network_hawkes.fit(line)
    found = {"own": _bounded(own, fit.own), "variance": _bounded(variance, fit.variance)}
    if peer == 0:
        return found | {"hawkes": _test(line, seed)}
    return found | {"peer": _bounded(peer, fit.peer)}


def _world(seed: int, people: int, **world: float) -> tuple[Cohort, pd.DataFrame]:
    cohort, _ = histories_with_ties(people, np.random.default_rng(seed), **world)
    return cohort, network.ties_before(cohort)


def _test(line: Timeline, seed: int) -> Estimate:
    fit = network_hawkes.fit(line)
    found = network_hawkes.power(fit, line, seed, NULL_WORLDS, multiples=(0.0,))
    return Estimate(p=found.p)


def _bounded(truth: float, found: network_hawkes.Bounded) -> Estimate:
    return Estimate(truth, found.value, found.lower, found.upper)
