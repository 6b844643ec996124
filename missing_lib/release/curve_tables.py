"""Build the safe tables of curves: survival, mean cumulative numbers, Lorenz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from numpy.typing import ArrayLike

from missing_lib.release.curves import safe_lorenz, safe_mean_cumulative, safe_survival
from missing_lib.release.policy import Policy
from missing_lib.release.published import count_text, percent_text, plain
from missing_lib.release.tables import Made


def survival(
    data: pd.DataFrame,
    duration: str,
    event: str,
    person: str,
    group: str | None,
    levels: Sequence[str] | None,
    until: int,
    policy: Policy,
) -> Made:
    """Kaplan-Meier curves of one or several groups."""
    curves = []
    for level, rows in _groups(data, group, levels):
        known = rows.dropna(subset=[duration])
        enough = known[person].nunique() >= policy.threshold
        part = known if enough else known.iloc[:0]
        curve = safe_survival(part[duration], part[event], until, policy, part[person])
        curves.append(curve.assign(group=level))
    frame = pd.concat(curves, ignore_index=True)
    printed = frame[frame["time"].isin(_reading_days(until))]
    rows_ = [
        [
            plain(row.group),
            f"{row.time:.0f}",
            percent_text(1 - row.survival) if row.events else f"fewer than {policy.block} events",
            f"{100 * (1 - row.upper):.0f} to {percent_text(1 - row.lower)}" if row.events else "",
            count_text(row.at_risk),
        ]
        for row in printed.itertuples()
    ]
    return Made(
        frame=frame,
        header=["Group", "Days", "Event by then", "Interval", "At risk"],
        numeric=[False, True, True, True, True],
        rows=rows_,
        notes=[_curve_note(policy)],
        unit="spell",
        filter=group or "all",
    )


def mean_cumulative(
    data: pd.DataFrame,
    windows: pd.DataFrame,
    time: str,
    person: str,
    group: str | None,
    levels: Sequence[str] | None,
    until: int,
    policy: Policy,
) -> Made:
    """Mean cumulative functions of one or several groups of people."""
    curves = []
    for level, people in _groups(windows, group, levels):
        mine = data[data[person].isin(people[person])]
        enough = mine[person].nunique() >= policy.threshold
        part = mine if enough else mine.iloc[:0]
        curve = safe_mean_cumulative(part[time], people["days"], until, policy)
        curves.append(curve.assign(group=level))
    frame = pd.concat(curves, ignore_index=True)
    return Made(
        frame=frame,
        header=["Group", "Days", "Mean number", "Under observation"],
        numeric=[False, True, True, True],
        rows=[
            [plain(r.group), f"{r.time:.0f}", f"{r.mean:.2f}", count_text(r.at_risk)]
            for r in frame[frame["time"] % 90 == 0].itertuples()
        ],
        notes=[_curve_note(policy)],
        unit="incident",
        filter=group or "all",
    )


def lorenz(per_person: ArrayLike, policy: Policy) -> Made:
    """A Lorenz curve at fixed percentiles."""
    frame = safe_lorenz(per_person, policy)
    return Made(
        frame=frame,
        header=["Most frequent, % of people", "% of incidents"],
        numeric=[True, True],
        rows=[[f"{v:.0f}" for v in row] for row in frame.itertuples(index=False)],
        notes=[f"Percentiles with fewer than {policy.threshold} people between them are left out."],
        unit="incident",
        filter="people by number of incidents",
    )


def _groups(
    data: pd.DataFrame, group: str | None, levels: Sequence[str] | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    if group is None:
        yield "all", data
        return
    for level in levels if levels is not None else sorted(data[group].dropna().unique()):
        yield str(level), data[data[group] == level]


def _reading_days(until: int) -> list[int]:
    return [d for d in (1, 7, 14, 28, 56, 90, 180, 365, 730) if d <= until]


def _curve_note(policy: Policy) -> str:
    return (
        f"Computed from counts in blocks of {policy.block} and cut where fewer than "
        f"{policy.threshold} remain."
    )
