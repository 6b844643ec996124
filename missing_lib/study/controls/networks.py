"""One simulated data set each for the tests and models of the chapter on the network."""

from __future__ import annotations

import numpy as np

from missing_lib.study import nearness, network, peers
from missing_lib.study.controls.summary import Estimate, wald
from missing_lib.study.frame import known_before
from missing_lib.study.worlds_network import ever_missing_with_ties, histories_with_ties


def labels(seed: int, *, people: int = 600, unseen: float = 0.0) -> dict[str, Estimate]:
    """The test of nearness by shuffling who went missing within strata.

    Returns
    -------
    dict of Estimate
        ``shuffle``.
    """
    rng = np.random.default_rng(seed)
    cohort, _ = ever_missing_with_ties(people, rng, coarse=True, unseen=unseen)
    frame, pairs = known_before(cohort), network.ties_before(cohort)
    graph = nearness.graph(pairs, frame.people["person_id"])
    found = nearness.nearness_test(
        graph,
        graph.names.isin(cohort.counts.index),
        graph.names.get_indexer(frame.people["person_id"]),
        network.strata(frame, network.connections(pairs)),
        rng,
    )
    return {"shuffle": Estimate(p=found.p)}


def models(
    seed: int, *, people: int = 1500, connections: float = 0.4, unseen: float = 0.0
) -> dict[str, Estimate]:
    """The regressions on connections, steps and closeness, where nobody influences anybody.

    Returns
    -------
    dict of Estimate
        ``connections`` (log odds ratio of a doubling), and the tests ``steps`` and
        ``closeness``.
    """
    rng = np.random.default_rng(seed)
    cohort, _ = ever_missing_with_ties(people, rng, connections=connections, unseen=unseen)
    frame, pairs = known_before(cohort), network.ties_before(cohort)
    degree = network.connections(pairs)
    graph = nearness.graph(pairs, frame.people["person_id"])
    missing = graph.names.isin(cohort.counts.index)
    row = network.degree_model(frame, degree).row("connections")
    steps = nearness.nearest_other(graph, missing)
    close = nearness.harmonic_closeness(graph, missing)
    by_steps = network.steps_model(frame, graph, degree, steps).row("steps")
    by_closeness = network.closeness_model(frame, graph, degree, close).row("closeness")
    return {
        "connections": wald(connections, row["coefficient"], row["se"]),
        "steps": Estimate(p=float(by_steps["p"])),
        "closeness": Estimate(p=float(by_closeness["p"])),
    }


def timing(seed: int, *, people: int = 400, **world: float) -> dict[str, Estimate]:
    """The test whether incidents come soon after those of connections.

    ``world`` are keywords of :func:`.worlds_network.histories_with_ties`.

    Returns
    -------
    dict of Estimate
        ``shift``.
    """
    rng = np.random.default_rng(seed)
    cohort, _ = histories_with_ties(people, rng, **world)
    found = peers.peer_timing(cohort, network.ties_before(cohort), seed)
    return {"shift": Estimate(p=found.p)}
