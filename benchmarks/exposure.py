"""Peer exposure of everybody, and its Cox regression: this library against pandas and networkx.

    .venv/bin/python benchmarks/exposure.py [PEOPLE ...]     (10^4 and 10^5 unless asked otherwise)
    .venv/bin/python benchmarks/exposure.py --large          (10^6 people, this library alone)

Three ties and three incidents for each person, unevenly, in 68 months. The task is every stretch
of time in which somebody is exposed to an incident of a connection (one day to 28 days after it,
but for incidents in which they took part). Each contender runs in a process of its own, on one
thread; the number of stretches and their days must agree. The Cox regression has exposure, own
history and connections as terms, and errors for tied people.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
from peers import Columns, Cost, in_python, off_by, serve, write

from missing_lib.force.spec import Definitions
from missing_lib.study import exposure, peer_cox
from missing_lib.study.cohort import Cohort, arranged
from missing_lib.study.counting import DAY, Changes, FollowUp, follow, rows_at_risk
from missing_lib.study.recurrent import ERA
from missing_lib.study.tied_fit import fit_tied
from missing_lib.study.time_varying import era, own_history

SIZES = (10_000, 100_000)
LARGE = 1_000_000
#: More people than this are not asked of plain loops.
LOOPS = 10_000
DAYS = 2070
WITHIN = 28
START = pd.Timestamp("2014-05-01")
AGREE = 1e-9


def world(people: int, seed: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ties and incidents: some people have many more of either than others."""
    rng = np.random.default_rng(seed)
    share = rng.gamma(0.8, 1.0, people)
    ends = rng.choice(people, (3 * people, 2), p=share / share.sum())
    ends = np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1)
    ends = np.unique(ends, axis=0)
    rate = rng.gamma(0.3, 1.0, people)
    who = np.sort(rng.choice(people, 3 * people, p=rate / rate.sum()))
    minute = rng.integers(0, DAYS * 1440, len(who))
    ties = pd.DataFrame(ends, columns=["person_a", "person_b"])
    return ties, pd.DataFrame({"person": who, "minute": minute})


def _inputs(d: Columns) -> tuple[Cohort, pd.DataFrame]:
    people = np.arange(int(d["people"][0]))
    persons = pd.DataFrame(
        {
            "person_id": people,
            "birth_date": pd.NaT,
            "sex": "female",
            "observed_from": pd.Timestamp("2010-01-01"),
            "observed_to": pd.NaT,
        }
    )
    persons[["birth_date", "observed_to"]] = persons[["birth_date", "observed_to"]].astype(
        "datetime64[ns]"
    )
    # Summer time on the first day: the study's first midnight is an hour before that of UTC.
    at = START.tz_localize("Europe/London") + pd.to_timedelta(d["minute"], unit="min")
    at = pd.Series(at).dt.tz_convert("UTC")
    incidents = pd.DataFrame(
        {
            "incident_id": np.arange(len(at)),
            "person_id": d["person"].astype(np.int64),
            "reported_at": at,
            "ended_at": at,
            "reported_on": at.dt.tz_convert("Europe/London").dt.tz_localize(None).dt.normalize(),
        }
    )
    nothing = pd.DataFrame()
    end = START + pd.Timedelta(days=DAYS - 1)
    cohort = Cohort(
        "all", arranged(incidents), persons, nothing, nothing, nothing, START, end, "Europe/London",
        Definitions(), frozenset(), nothing,
    )  # fmt: skip
    pairs = pd.DataFrame({end: d[end].astype(np.int64) for end in ("person_a", "person_b")})
    return cohort, pairs


def ours(d: Columns) -> Callable[[], dict[str, float]]:
    """The library."""
    cohort, pairs = _inputs(d)
    followed = follow(cohort)

    def work() -> dict[str, float]:
        reports = exposure.reports_of_connections(cohort, followed, pairs)
        found = exposure.spells(reports, WITHIN)
        return {"stretches": len(found.ego), "days": (found.ends - found.begins).sum() / DAY}

    return work


def merged(d: Columns) -> Callable[[], dict[str, float]]:
    """Two merges of frames, and groups."""
    pairs = pd.DataFrame({end: d[end].astype(np.int64) for end in ("person_a", "person_b")})
    events = pd.DataFrame({"person": d["person"].astype(np.int64), "minute": d["minute"]})

    def work() -> dict[str, float]:
        back = pairs.rename(columns={"person_a": "person_b", "person_b": "person_a"})
        both = pd.concat([pairs, back]).merge(events, left_on="person_b", right_on="person")
        both = both[["person_a", "minute"]].rename(columns={"person_a": "ego"})
        both["key"] = np.arange(len(both))
        own = both.merge(events, left_on="ego", right_on="person", suffixes=("", "_own"))
        near = (own["minute"] - own["minute_own"]).abs() <= 1440
        both = both[~both["key"].isin(own.loc[near, "key"])].sort_values(["ego", "minute"])
        begins, ends = both["minute"] + 1440, both["minute"] + WITHIN * 1440
        fresh = begins > ends.groupby(both["ego"]).shift(fill_value=-1)
        number = fresh.cumsum()
        days = ends.groupby(number).max() - begins.groupby(number).min()
        return {"stretches": len(days), "days": days.sum() / 1440}

    return work


def looped(d: Columns) -> Callable[[], dict[str, float]]:
    """A graph of networkx and plain loops."""
    graph = nx.Graph()
    graph.add_edges_from(zip(d["person_a"].tolist(), d["person_b"].tolist(), strict=True))
    times: dict[int, list[int]] = {}
    for who, minute in zip(d["person"].tolist(), d["minute"].tolist(), strict=True):
        times.setdefault(who, []).append(minute)

    def work() -> dict[str, float]:
        stretches, days = 0, 0
        for ego in graph:
            own = times.get(ego, [])
            seen = sorted(
                minute
                for alter in graph[ego]
                for minute in times.get(alter, [])
                if all(abs(minute - mine) > 1440 for mine in own)
            )
            until = -1
            for minute in seen:
                begins, ends = minute + 1440, minute + WITHIN * 1440
                stretches += begins > until
                days += ends - max(begins, until)
                until = ends
        return {"stretches": stretches, "days": days / 1440}

    return work


def regression(d: Columns) -> Callable[[], dict[str, float]]:
    """The library: exposure, rows at risk, and the Cox regression with errors for tied people."""
    cohort, pairs = _inputs(d)

    def work() -> dict[str, float]:
        followed = follow(cohort)
        reports = exposure.reports_of_connections(cohort, followed, pairs)
        rows = rows_at_risk(
            followed,
            {ERA: era(followed), "exposed": _exposed(reports, followed)},
            after_return=peer_cox.OWN_DAYS,
        )
        del reports
        terms = own_history(rows, peer_cox.OWN_DAYS)
        terms["exposed"] = rows.values["exposed"]
        terms["connections"] = np.log2(1.0 + _degree(pairs, len(followed.people)))[rows.person]
        linked = peer_cox.linked_people([pairs], followed.people)
        found = fit_tied(rows, terms, linked)
        row = found.fit.row("exposed")
        return {"rows": len(rows.start), "coefficient": row["coefficient"], "se": row["se"]}

    return work


def _exposed(reports: exposure.Reports, followed: FollowUp) -> Changes:
    return exposure.recent(reports, followed, WITHIN)


def _degree(pairs: pd.DataFrame, people: int) -> np.ndarray:
    return np.bincount(pairs.to_numpy().ravel(), minlength=people)


TASKS = {"ours": ours, "pandas": merged, "networkx": looped, "regression": regression}


def contest(people: int, large: bool) -> None:
    """Print what each contender took at one size."""
    ties, events = world(people)
    print(f"\n{people:,} people, {len(ties):,} ties, {len(events):,} incidents")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, column in {**ties, **events, "people": pd.Series([people])}.items():
            write(column.to_frame(str(name)), folder / str(name))
        joined(folder)
        costs = {"ours": in_python(__file__, "ours", folder)}
        if not large:
            costs["pandas"] = in_python(__file__, "pandas", folder)
            if people <= LOOPS:
                costs["networkx"] = in_python(__file__, "networkx", folder)
        for name, cost in costs.items():
            told(name, cost, costs["ours"])
        told("exposure, rows and Cox regression", in_python(__file__, "regression", folder), None)


def joined(folder: Path) -> None:
    """Columns of several lengths as one folder that :func:`peers.read` takes."""
    lines = []
    for part in sorted(child for child in folder.iterdir() if child.is_dir()):
        lines += (part / "columns.txt").read_text(encoding="utf-8").splitlines()
        (part / f"{part.name}.bin").rename(folder / f"{part.name}.bin")
    (folder / "columns.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def told(name: str, cost: Cost | None, best: Cost | None) -> None:
    """One line of the table."""
    if cost is None:
        print(f"  {name:36} took too long")
        return
    line = f"  {name:36} {cost.seconds:8.2f} s  peak {cost.peak:7.0f} MiB"
    if best is not None and best is not cost:
        if off_by(best, cost) > AGREE:
            sys.exit(f"{name} disagrees: {cost.answer} and {best.answer}")
        line += f"  {cost.seconds / best.seconds:6.1f} times ours"
    elif best is None:
        line += "  " + ", ".join(f"{key} {value:.6g}" for key, value in cost.answer.items())
    print(line)


def main() -> None:
    """Run the sizes asked for."""
    if serve(TASKS):
        return
    large = "--large" in sys.argv
    asked = [int(float(word)) for word in sys.argv[1:] if word != "--large"]
    for people in asked or ([LARGE] if large else SIZES):
        contest(people, large)


if __name__ == "__main__":
    main()
