"""Graph building and steps to the nearest other case: this library, networkx and igraph.

    .venv/bin/python benchmarks/network.py [PEOPLE ...]   (10^5 and 10^6 unless asked otherwise)

Three ties a person, one person in fifty a case, whose own case never counts. Each contender
works in a process of its own, on one thread, in the way that its own means allow: networkx by
searching layer by layer, igraph by one search from a node tied to all cases, whose tree says
which case is nearest. The number of people in reach and the sum of their steps must be the same.
Memory is that of the whole process, and what of it was there before the work.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from peers import Columns, in_python, off_by, serve, write

SIZES = (100_000, 1_000_000)
TIES_EACH = 3
CASES = 0.02
SEED = 5
Answer = dict[str, float]


def world(people: int) -> pd.DataFrame:
    """Pairs tied at random, and in the first rows whether each person is a case."""
    rng = np.random.default_rng(SEED)
    pairs = np.sort(rng.integers(0, people, (TIES_EACH * people, 2)), axis=1)
    key = np.sort(pairs[:, 0] * people + pairs[:, 1])
    key = key[(np.diff(key, prepend=-1) > 0) & (key // people != key % people)]
    case = np.zeros(len(key), np.int32)
    case[:people] = rng.random(people) < CASES
    table = {"a": key // people, "b": key % people, "case": case}
    return pd.DataFrame(table).assign(people=people)


def _parts(d: Columns) -> tuple[int, np.ndarray]:
    people = int(d["people"][0])
    return people, d["case"][:people] > 0


def _said(steps: np.ndarray) -> Answer:
    reached = np.isfinite(steps)
    return {"reached": float(reached.sum()), "steps": float(steps[reached].sum())}


def ours_build(d: Columns) -> Callable[[], Answer]:
    """A sparse matrix."""
    from missing_lib.study.nearness import graph

    people, _ = _parts(d)
    pairs, everybody = pd.DataFrame({"a": d["a"], "b": d["b"]}), np.arange(people, dtype=np.int32)

    def work() -> Answer:
        made = graph(pairs, everybody)
        return {"people": len(made.names), "ties": made.neighbours.nnz / 2}

    return work


def ours_search(d: Columns) -> Callable[[], Answer]:
    """Two compiled sweeps."""
    from missing_lib.study.nearness import graph, nearest_other

    people, case = _parts(d)
    made = graph(pd.DataFrame({"a": d["a"], "b": d["b"]}), np.arange(people, dtype=np.int32))
    return lambda: _said(nearest_other(made, case))


def networkx_build(d: Columns) -> Callable[[], Answer]:
    """A dictionary of dictionaries."""
    import networkx as nx

    people, _ = _parts(d)

    def work() -> Answer:
        made = nx.Graph()
        made.add_nodes_from(range(people))
        made.add_edges_from(zip(d["a"].tolist(), d["b"].tolist(), strict=True))
        return {"people": made.number_of_nodes(), "ties": made.number_of_edges()}

    return work


def networkx_search(d: Columns) -> Callable[[], Answer]:
    """Layers around all cases, and the ties where the surroundings of two cases meet."""
    import networkx as nx

    people, case = _parts(d)
    made = nx.Graph()
    made.add_nodes_from(range(people))
    made.add_edges_from(zip(d["a"].tolist(), d["b"].tolist(), strict=True))
    cases = np.flatnonzero(case).tolist()

    def work() -> Answer:
        nearest = dict(zip(cases, cases, strict=True))
        steps = dict.fromkeys(cases, 0)
        for level, layer in enumerate(nx.bfs_layers(made, cases)):
            for node in layer:
                for to in made[node]:
                    if to not in nearest:
                        nearest[to], steps[to] = nearest[node], level + 1
        out = np.full(people, np.inf)
        for node, away in steps.items():
            if not case[node]:
                out[node] = away
        for a, b in made.edges:
            if a in nearest and nearest[a] != nearest[b]:
                way = steps[a] + 1 + steps[b]
                out[nearest[a]] = min(out[nearest[a]], way)
                out[nearest[b]] = min(out[nearest[b]], way)
        return _said(out)

    return work


def igraph_build(d: Columns) -> Callable[[], Answer]:
    """Compiled lists of neighbours."""
    import igraph

    people, _ = _parts(d)
    pairs = np.column_stack([d["a"], d["b"]])

    def work() -> Answer:
        made = igraph.Graph(n=people, edges=pairs)
        return {"people": made.vcount(), "ties": made.ecount()}

    return work


def igraph_search(d: Columns) -> Callable[[], Answer]:
    """A tree from one node tied to all cases; steps and nearest case follow from it in numpy."""
    import igraph

    people, case = _parts(d)
    cases = np.flatnonzero(case)
    ends = [np.append(d["a"], np.full(len(cases), people)), np.append(d["b"], cases)]
    made = igraph.Graph(n=people + 1, edges=np.column_stack(ends))
    a, b = d["a"], d["b"]

    def work() -> Answer:
        order, layers, parents = made.bfs(people)
        order, parent = np.array(order), np.array(parents)
        nearest, steps = np.full(people + 1, -1), np.full(people + 1, np.inf)
        nearest[cases], steps[cases] = cases, 0
        for level, (first, last) in enumerate(pairwise(layers[2:]), 1):
            layer = order[first:last]
            nearest[layer], steps[layer] = nearest[parent[layer]], level
        out = np.where(case, np.inf, steps[:-1])
        meet = nearest[a] != nearest[b]
        way = steps[a[meet]] + 1 + steps[b[meet]]
        for end in (a, b):
            np.minimum.at(out, nearest[end[meet]], way)
        return _said(out)

    return work


TASKS = {
    "ours: build": ours_build, "networkx: build": networkx_build, "igraph: build": igraph_build,
    "ours: nearest": ours_search, "networkx: nearest": networkx_search,
    "igraph: nearest": igraph_search,
}  # fmt: skip


def main() -> None:
    """Run every contender at every size and print the table."""
    sizes = [int(float(text)) for text in sys.argv[1:]] or SIZES
    if not find_spec("igraph"):
        print("igraph does not take part: it is not installed here.")
    head = f"{'seconds':>9}{'first':>8}{'before MiB':>12}{'peak MiB':>10}{'ratio':>8}"
    print(f"{'people':>9}  {'contender':20}{head}")
    for people in sizes:
        with tempfile.TemporaryDirectory() as place:
            write(world(people), Path(place))
            show(people, Path(place))


def show(people: int, folder: Path) -> None:
    """One line for each contender; stops where two answers differ."""
    own = {}
    for name in TASKS:
        who, what = name.split(": ")
        if who == "igraph" and not find_spec("igraph"):
            continue
        cost = in_python(str(Path(__file__).resolve()), name, folder)
        if cost is None:
            print(f"{people:9,}  {name:20}{'-':>9}")
            continue
        own.setdefault(what, cost)
        ratio = "" if who == "ours" else f"{cost.seconds / own[what].seconds:.1f}"
        print(
            f"{people:9,}  {name:20}{cost.seconds:9.3f}{cost.first:8.2f}"
            f"{cost.before:12.0f}{cost.peak:10.0f}{ratio:>8}"
        )
        if off_by(own[what], cost) > 0:
            sys.exit(f"{name} gives another answer than this library.")


if __name__ == "__main__" and not serve(TASKS):
    main()
