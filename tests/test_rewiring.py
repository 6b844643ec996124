"""Networks rewired at random: numbers of ties kept, every network as likely, honest p values."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from missing_lib.study import nearness, rewiring

pytestmark = pytest.mark.filterwarnings("error")

#: Rejects a true law once in 100,000.
UNLIKELY = 1e-5


def graph_of(pairs: list[tuple[int, int]], people: int) -> nearness.Graph:
    return nearness.graph(pd.DataFrame(pairs, columns=["a", "b"], dtype=int), np.arange(people))


def pairs_of(network: nearness.Graph) -> frozenset[tuple[int, int]]:
    rows = network.neighbours.tocoo()
    return frozenset((int(a), int(b)) for a, b in zip(rows.row, rows.col, strict=True) if a < b)


def random_pairs(people: int, ties: int, seed: int) -> list[tuple[int, int]]:
    g = nx.gnm_random_graph(people, ties, seed)
    return [(int(a), int(b)) for a, b in g.edges]


@pytest.mark.parametrize("seed", range(3))
def test_everybody_keeps_their_number_and_no_tie_is_double_or_to_oneself(seed: int) -> None:
    network = graph_of(random_pairs(60, 150, seed), 60)
    drawn = rewiring.rewired(network, np.random.default_rng(seed))
    assert (drawn.degree == network.degree).all()
    matrix = drawn.neighbours.toarray()
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix) == 0).all()
    assert set(np.unique(matrix)) == {0.0, 1.0}
    assert len(pairs_of(drawn) - pairs_of(network)) > 75


def test_every_network_with_these_numbers_is_as_likely() -> None:
    """All networks of six people with 3, 2, 2, 2, 2, 1 ties, connected or not."""
    degree = [3, 2, 2, 2, 2, 1]
    every = {
        frozenset(chosen)
        for chosen in combinations(list(combinations(range(6), 2)), 6)
        if np.bincount(np.ravel(chosen), minlength=6).tolist() == degree
    }
    network = graph_of([tuple(p) for p in sorted(next(iter(every)))], 6)
    rng, draws = np.random.default_rng(1), 40 * len(every)
    seen = Counter(pairs_of(rewiring.rewired(network, rng, per_tie=20)) for _ in range(draws))
    assert set(seen) == every
    found = sum((n - draws / len(every)) ** 2 / (draws / len(every)) for n in seen.values())
    assert chi2.sf(found, len(every) - 1) > UNLIKELY


@pytest.mark.parametrize(
    "pairs",
    [[], [(0, 1)], [(0, 1), (0, 2), (0, 3)], list(combinations(range(5), 2))],
    ids=["no ties", "one tie", "a star", "all with all"],
)
def test_what_cannot_be_rewired_stays(pairs: list[tuple[int, int]]) -> None:
    network = graph_of(pairs, 6)
    rng = np.random.default_rng(1)
    assert pairs_of(rewiring.rewired(network, rng)) == frozenset(pairs)
    label = np.arange(6) < 2
    test = rewiring.rewiring_test(network, label, np.arange(6), rng, draws=19)
    assert test.p == pytest.approx(1.0 if pairs else np.nan, nan_ok=True)


def test_nobody_who_counts_gives_no_p() -> None:
    network = graph_of([(0, 1), (2, 3)], 6)
    test = rewiring.rewiring_test(
        network, np.arange(6) == 4, np.arange(6), np.random.default_rng(1), draws=9
    )
    assert np.isnan(test.observed)
    assert np.isnan(test.p)
    assert np.isnan(test.null).all()


def test_the_same_seed_gives_the_same_and_the_network_is_left_alone() -> None:
    network = graph_of(random_pairs(40, 80, 4), 40)
    before, label = pairs_of(network), np.arange(40) % 3 == 0
    one, two = (
        rewiring.rewiring_test(network, label, np.arange(40), np.random.default_rng(3), draws=9)
        for _ in range(2)
    )
    assert (one.null == two.null).all()
    assert pairs_of(network) == before


def test_the_test_keeps_its_size_where_the_ties_of_the_missing_are_random() -> None:
    """Missingness depends on the number of ties and on nothing else."""
    p = []
    for seed in range(100):
        rng = np.random.default_rng([7, seed])
        network = graph_of(random_pairs(80, 110, seed), 80)
        label = rng.random(80) < 0.05 + 0.06 * network.degree
        p.append(rewiring.rewiring_test(network, label, np.arange(80), rng, draws=19).p)
    rejected = np.mean(np.array(p) <= 0.10)
    assert abs(rejected - 0.10) < 4 * np.sqrt(0.09 / 100)  # 4 binomial errors


def test_p_is_uniform_even_where_the_draws_hardly_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen swaps in all: around the observed network itself, p would be near one half."""
    few = lambda wires, rng, _: rewiring._swap(  # noqa: E731
        *(getattr(wires, name) for name in ("start", "owner", "to", "one", "two")),
        rng.integers(0, len(wires.one), 15, dtype=np.int32),
        rng.integers(0, 2 * len(wires.one), 15, dtype=np.int64),
    )
    monkeypatch.setattr(rewiring, "rewire", few)
    p = []
    for seed in range(200):
        rng = np.random.default_rng([8, seed])
        network = graph_of(random_pairs(80, 110, 500 + seed), 80)
        label = rng.random(80) < 0.25
        p.append(rewiring.rewiring_test(network, label, np.arange(80), rng, draws=19).p)
    extreme = np.mean([value <= 0.2 or value > 0.8 for value in p])
    assert abs(extreme - 0.4) < 4 * np.sqrt(0.24 / 200)  # 4 binomial errors


def test_a_large_network_gets_fewer_swaps_and_never_less_than_one_a_tie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(rewiring, "rewire", lambda _wires, _rng, per_tie: asked.append(per_tie))
    network, label = graph_of(random_pairs(30, 50, 1), 30), np.arange(30) < 9
    for budget in (10**9, 19 * 50 * 4, 1):
        monkeypatch.setattr(rewiring, "SWAP_BUDGET", budget)
        rng = np.random.default_rng(1)
        rewiring.rewiring_test(network, label, np.arange(30), rng, draws=19)
    assert asked == [rewiring.SWAPS_PER_TIE] * 20 + [4] * 20 + [1] * 20


def test_the_two_nulls_answer_different_questions() -> None:
    """Circles of friends of whom all or nobody is at risk, by something that is on record.

    Shuffled among people alike in what is on record, the labels fall into the same circles, so
    nothing is left over; rewired ties know no circles, so the missing are nearer than chance.
    """
    rng = np.random.default_rng(5)
    pairs, trait = [], np.repeat(np.arange(40) % 4 == 0, 6)
    for circle in range(40):
        members = np.arange(6 * circle, 6 * circle + 6)
        pairs += [(int(a), int(b)) for a, b in combinations(members, 2) if rng.random() < 0.5]
    network = graph_of(pairs, 240)
    label = rng.random(240) < np.where(trait, 0.6, 0.01)
    everybody = np.arange(240)
    shuffled = nearness.nearness_test(network, label, everybody, trait.astype(int), rng)
    ties = rewiring.rewiring_test(network, label, everybody, rng)
    assert ties.p <= 0.01
    assert shuffled.p > 0.1
    table = nearness.against({"labels shuffled": shuffled, "ties rewired": ties})
    assert table["observed"].nunique() == 1
    assert table["expected"].tolist() == pytest.approx([shuffled.null.mean(), ties.null.mean()])
    assert (table["low"] <= table["expected"]).all()
    assert (table["expected"] <= table["high"]).all()
