"""The Hawkes process on a network: fits at two sizes, and one likelihood beside tick's.

    .venv/bin/python benchmarks/hawkes.py [PEOPLE ...]    (7,000 and 140,000 unless asked otherwise)

People with windows of some years, a covariate, a rate of their own and about three ties each are
simulated with own history and peers, so that the larger world has some 11,000 reports: the size of
the best-known study (Green, Horel and Papachristos 2017). A fit is everything from the timeline to
the profile interval of peers. tick holds a branching ratio for every pair of people, so that it is
asked for a likelihood with its gradient on a small graph without time away or differences between
people, where the two must agree; where it is not installed the table says so. Every contender
runs in a process of its own.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from peers import Columns, Cost, in_python, off_by, serve, write

from missing_lib.study import network_hawkes as nh

SIZES = (7_000, 140_000)
#: Reports that each size is to have, about.
REPORTS = {7_000: 5_000, 140_000: 11_000}
SMALL = (50, 100, 200)
TIES = 1.5
AGREE = 1e-9
DAYS = 2070.0


def line(people: int, reports: int, *, whole: bool = False) -> nh.Timeline:
    """Simulated reports; ``whole`` without time away, late entry or differences between people."""
    rng = np.random.default_rng(11)
    opens = np.zeros(people) if whole else rng.uniform(0, 0.4 * DAYS, people)
    closes = np.full(people, DAYS) if whole else opens + rng.uniform(0.2, 0.6, people) * DAYS
    made = nh.Setting(
        opens, closes, nh.ties_of(people, rng.integers(0, people, (int(TIES * people), 2))),
        nh.constant_background(opens, rng.normal(size=(people, 0 if whole else 3)), ())
        if whole
        else nh.constant_background(opens, rng.normal(size=(people, 3)), ("x", "y", "z")),
        np.empty(0, np.int64), np.empty(0), 0.0 if whole else 1.0, not whole,
        np.arange(people).astype(object),
    )  # fmt: skip
    empty = nh.timeline(made, [], [])
    level = np.log(0.4 * reports / (closes - opens).sum())
    beta = np.append(level, np.zeros(0 if whole else 3))
    truth = nh.Parameters(beta, 0.5, 1 / 9, 0.1, 1 / 6, 0.0 if whole else 2.0)
    return nh.simulate(empty, truth, rng, away=np.zeros(1) if whole else rng.exponential(0.5, 50))


def fit(d: Columns) -> Callable[[], dict[str, float]]:
    """The library: everything to the profile interval."""
    given = line(int(d["people"][0]), int(d["reports"][0]))

    def work() -> dict[str, float]:
        found = nh.fit(given)
        return {"reports": given.reports, "peer": found.peer.value, "upper": found.peer.upper}

    return work


def ours(d: Columns) -> Callable[[], dict[str, float]]:
    """The library: one likelihood with its gradient."""
    given = line(int(d["people"][0]), int(d["reports"][0]), whole=True)
    at = nh.Parameters(np.log([1e-3]), 0.4, 0.1, 0.2, 0.2, 0.0)

    def work() -> dict[str, float]:
        found = nh.climb(given, at)
        return {"value": found.value, "constant": float(found.gradient[0])}

    return work


def tick(d: Columns) -> Callable[[], dict[str, float]]:
    """Tick's compiled likelihood with two exponential kernels, the same process."""
    from tick.hawkes.model.build.hawkes_model import ModelHawkesSumExpKernLogLik

    given = line(int(d["people"][0]), int(d["reports"][0]), whole=True)
    people = len(given.setting.opens)
    times = [given.at[given.first[i] : given.first[i + 1]].copy() for i in range(people)]
    model = ModelHawkesSumExpKernLogLik(np.array([0.1, 0.2]), 1)
    model.set_data([times], np.array([DAYS]))
    branching = np.zeros((people, people, 2))
    branching[:, :, 0] = 0.4 * np.eye(people)
    ties = given.setting.ties
    source = np.repeat(np.arange(people), np.diff(ties.first))
    branching[ties.ego, source, 1] = 0.2 * ties.weight
    at = np.append(np.full(people, 1e-3), branching.ravel())
    gradient = np.empty(len(at))

    def work() -> dict[str, float]:
        loss = model.loss_and_grad(at, gradient)
        # tick's is against a process of rate 1, and by report; its slope by each mu is summed.
        value = -loss * given.reports - DAYS * people
        return {"value": value, "constant": -gradient[:people].sum() * given.reports * 1e-3}

    return work


TASKS = {"fit": fit, "ours": ours, "tick": tick}


def run(task: str, people: int, reports: int) -> Cost | None:
    """One task in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        write(pd.DataFrame({"people": [people], "reports": [reports]}), folder)
        return in_python(str(Path(__file__).resolve()), task, folder)


def row(name: str, cost: Cost | None) -> str:
    """One line of the table."""
    if cost is None:
        return f"{name:<34} gave up"
    added = cost.peak - cost.before
    return f"{name:<34} {cost.seconds:9.4f} s  first {cost.first:6.2f} s  {added:7.0f} MiB more"


def main() -> None:
    """Run every contender at every size and print the table."""
    sizes = [int(float(text)) for text in sys.argv[1:]] or list(SIZES)
    for people in sizes:
        cost = run("fit", people, REPORTS.get(people, people // 10))
        told = "" if cost is None else f"  {cost.answer['reports']:.0f} reports"
        print(row(f"fit, {people:,} people", cost) + told, flush=True)
    has_tick = importlib.util.find_spec("tick") is not None
    for people in SMALL:
        mine = run("ours", people, 10 * people)
        print(row(f"likelihood, {people} people, ours", mine), flush=True)
        if not has_tick:
            print(f"{'':<34} tick is not installed here")
            continue
        theirs = run("tick", people, 10 * people)
        print(row(f"likelihood, {people} people, tick", theirs), flush=True)
        if mine is None or theirs is None:
            continue
        print(f"{'':<34} tick / ours {theirs.seconds / mine.seconds:.0f}")
        if (apart := off_by(mine, theirs)) > AGREE:
            sys.exit(f"the answers differ by {apart:.1e}")


if __name__ == "__main__" and not serve(TASKS):
    main()
