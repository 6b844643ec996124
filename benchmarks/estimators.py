"""Time the estimators of the book beside R and the usual Python libraries, on the same columns.

Each contender runs in a process of its own (``peers.py``). A line gives its processor seconds,
the clock seconds of its first call, the largest memory of its process and what of that was there
before the work, and how many times ours it took and held. Answers are compared, and a task whose
answers differ by more than its tolerance fails the run. Where R or a package of it is absent, the
table says so, and the others are compared.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
import peers
from contests import curves, models, shares
from contests.contest import Contest
from peers import Cost

SIZES, LARGE = (100_000, 1_000_000), 3_300_000
SEED = 5
CONTESTS = {one.name: one for one in (*curves.ALL, *shares.ALL, *models.ALL)}
HEAD = "| task | persons | who | s | first, s | MiB | before | s / ours | MiB / ours | off by |"


def main() -> None:
    """Run the tasks named, or all, at each size; then say where a peer is ahead."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("tasks", nargs="*", help="parts of the names of tasks; all if none")
    words.add_argument("--large", action="store_true", help=f"also {LARGE:,} persons")
    words.add_argument("--persons", type=int, nargs="*", help="these sizes instead")
    words.add_argument("--without-peers", action="store_true", help="ours only")
    asked = words.parse_args()
    sizes = asked.persons or (*SIZES, *((LARGE,) if asked.large else ()))
    print(HEAD, "|" + "---|" * 10, sep="\n", flush=True)
    behind, growth = [], []
    for name, contest in CONTESTS.items():
        if asked.tasks and not any(part in name for part in asked.tasks):
            continue
        seconds = []
        for size in sizes:
            costs = contend(contest, size, not asked.without_peers)
            behind += report(contest, size, costs)
            seconds.append(costs["ours"].seconds)
        if len(sizes) > 1:
            power = math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])
            growth.append(f"{name}: persons to the power {power:.2f}")
    print("\nCost grows like", *growth, sep="\n  ")
    print("\nA peer is ahead in", *(behind or ["nothing"]), sep="\n  ")


def contend(contest: Contest, size: int, peers_too: bool) -> dict[str, Cost | str]:
    """What each contender took; a sentence for one that takes no part."""
    costs: dict[str, Cost | str] = {}
    late = f"no answer after {peers.OUT:.0f} s"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        peers.write(contest.columns(size, np.random.default_rng(SEED)), folder)
        costs["ours"] = peers.in_python(__file__, f"{contest.name}:ours", folder) or late
        if not peers_too:
            return costs
        for name in contest.python:
            costs[name] = peers.in_python(__file__, f"{contest.name}:{name}", folder) or late
        if contest.r is not None:
            r = contest.r
            lacking = peers.r_lacks(*r.packages)
            costs["R"] = lacking or peers.in_r(r.prepare, r.work, folder, *r.packages) or late
    return costs


def report(contest: Contest, size: int, costs: dict[str, Cost | str]) -> list[str]:
    """Print a line for each contender; give back in what a peer is ahead of ours."""
    ours = costs["ours"]
    if isinstance(ours, str):
        sys.exit(f"{contest.name}: {ours}")
    behind = []
    for who, cost in costs.items():
        start = f"| {contest.name} | {size:,} | {who} "
        if isinstance(cost, str):
            print(f"{start}| {cost} |" + " |" * 6, flush=True)
            continue
        seconds = cost.seconds * (1 if who == "ours" else contest.smaller)
        times, held = seconds / ours.seconds, cost.peak / ours.peak
        off = peers.off_by(ours, cost)
        print(
            f"{start}| {seconds:.4f} | {cost.first:.2f} | {cost.peak:.0f} | {cost.before:.0f} "
            f"| {times:.2f} | {held:.2f} | {off:.0e} |",
            flush=True,
        )
        if off > contest.tolerance:
            sys.exit(f"{contest.name}: the answers differ: {ours.answer}, {cost.answer}")
        behind += [f"seconds: {contest.name}, {size:,}, {who} {times:.2f}"] * (times < 1)
        more = f"({ours.peak - ours.before:.0f} and {cost.peak - cost.before:.0f} MiB of the work)"
        behind += [f"memory: {contest.name}, {size:,}, {who} {held:.2f} {more}"] * (held < 1)
    return behind


TASKS = {
    f"{name}:{who}": task
    for name, contest in CONTESTS.items()
    for who, task in {"ours": contest.ours, **contest.python}.items()
}

if __name__ == "__main__":
    if not peers.serve(TASKS):
        main()
