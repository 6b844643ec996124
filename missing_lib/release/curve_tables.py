"""Build the safe tables of curves: survival, mean cumulative numbers, Lorenz."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from missing_lib.release import sheet
from missing_lib.release.cells import HIDDEN, SHOWN, STRUCTURAL_ZERO
from missing_lib.release.curves import (
    LORENZ_PERCENTILES,
    safe_lorenz,
    safe_mean_cumulative,
    safe_survival,
)
from missing_lib.release.policy import Policy
from missing_lib.release.published import HIDDEN_SHARE, count_text, percent_text, plain
from missing_lib.release.tables import Made

#: Times at which a curve is printed, by its unit of time.
READ_AT = {
    "days": (1, 7, 14, 28, 56, 90, 180, 365, 730),
    "hours": (1, 2, 4, 8, 12, 24, 48, 72, 168),
}


def survival(
    data: pd.DataFrame,
    duration: str,
    event: str,
    person: str,
    group: str | None,
    levels: Sequence[str] | None,
    until: int,
    policy: Policy,
    unit: str = "days",
) -> Made:
    """Kaplan-Meier curves of one or several groups."""
    curves, named = [], []
    for level, rows in _groups(data, group, levels):
        known = rows.dropna(subset=[duration])
        enough = known[person].nunique() >= policy.threshold
        part = known if enough else known.iloc[:0]
        curve = safe_survival(part[duration], part[event], until, policy, part[person])
        curves.append(curve.assign(group=level))
        named.append(level)
    frame = pd.concat(curves, ignore_index=True)
    values = ["survival", "lower", "upper", "at_risk"]
    frame = _with_statuses(frame, values[:3], frame["events"] > 0, policy)
    frame["at_risk_status"] = SHOWN
    few = [level for level in named if level not in set(frame["group"])]
    printed = frame[frame["time"].isin([t for t in READ_AT[unit] if t <= until])]
    rows_ = [
        [
            plain(row.group),
            f"{row.time:.0f}",
            percent_text(1 - row.survival) if row.events else _few_events(policy),
            f"{100 * (1 - row.upper):.0f} to {percent_text(1 - row.lower)}" if row.events else "",
            count_text(row.at_risk),
        ]
        for row in printed.itertuples()
    ]
    return Made(
        frame=frame,
        header=["Group", unit.capitalize(), "Event by then", "Interval", "At risk"],
        numeric=[False, True, True, True, True],
        rows=[*rows_, *([plain(level), "", HIDDEN_SHARE, "", ""] for level in few)],
        notes=[_curve_note(policy)],
        unit="spell",
        filter=group or "all",
        sheet=_sheet(frame, values, few),
        rule="survival",
        hidden=len(few),
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
    curves, named = [], []
    for level, people in _groups(windows, group, levels):
        mine = data[data[person].isin(people[person])]
        enough = mine[person].nunique() >= policy.threshold
        part = mine if enough else mine.iloc[:0]
        curve = safe_mean_cumulative(part[time], people["days"], until, policy)
        curves.append(curve.assign(group=level))
        named.append(level)
    frame = pd.concat(curves, ignore_index=True)
    frame = _with_statuses(frame, ["mean"], frame["mean"] > 0, policy)
    frame["at_risk_status"] = SHOWN
    few = [level for level in named if level not in set(frame["group"])]
    rows_ = [
        [
            plain(r.group),
            f"{r.time:.0f}",
            f"{r.mean:.2f}" if r.mean else _few_events(policy),
            count_text(r.at_risk),
        ]
        for r in frame[frame["time"] % 90 == 0].itertuples()
    ]
    return Made(
        frame=frame,
        header=["Group", "Days", "Mean number", "Under observation"],
        numeric=[False, True, True, True],
        rows=[*rows_, *([plain(level), "", HIDDEN_SHARE, ""] for level in few)],
        notes=[_curve_note(policy)],
        unit="incident",
        filter=group or "all",
        sheet=_sheet(frame, ["mean", "at_risk"], few),
        rule="mean cumulative",
        hidden=len(few),
    )


def lorenz(
    per_person: ArrayLike, policy: Policy, band: Callable[[Sequence[float]], pd.DataFrame] | None
) -> Made:
    """A Lorenz curve at fixed percentiles, with an interval at each where a band is given."""
    frame = safe_lorenz(per_person, policy)
    ends = frame["share_people"] == 0
    frame["share_incidents_status"] = np.where(ends, STRUCTURAL_ZERO, SHOWN)
    left_out = [p for p in LORENZ_PERCENTILES if p not in set(frame["share_people"])]
    values, header = ["share_incidents"], ["Most frequent, % of people", "% of incidents"]
    rows = [
        [f"{people:.0f}", f"{incidents:.0f}"]
        for people, incidents in zip(frame["share_people"], frame["share_incidents"], strict=True)
    ]
    if band is not None:
        frame = _with_band(frame, band)
        values, header = [*values, "lower", "upper"], [*header, "Interval"]
        for row, at in zip(rows, frame.itertuples(), strict=True):
            row.append("" if np.isnan(at.lower) else f"{at.lower:.0f} to {at.upper:.0f}")
    return Made(
        frame=frame,
        header=header,
        numeric=[True] * len(header),
        rows=rows,
        notes=[f"Percentiles with fewer than {policy.threshold} people between them are left out."],
        unit="incident",
        filter="people by number of incidents",
        sheet=sheet.with_rows(
            sheet.of_frame(frame, ["share_people"], values),
            [[str(percentile)] for percentile in left_out],
            HIDDEN,
        ),
        rule="lorenz",
        hidden=len(left_out),
    )


def _with_band(
    frame: pd.DataFrame, band: Callable[[Sequence[float]], pd.DataFrame]
) -> pd.DataFrame:
    """Bounds at the percentiles that are shown, rounded outwards to whole per cent; none at ends.

    ``band`` takes fractions of people and returns ``lower`` and ``upper`` as fractions.
    """
    inner = ((frame["share_people"] > 0) & (frame["share_people"] < 100)).to_numpy()
    bounds = band([float(p) / 100 for p in frame["share_people"][inner]])
    wide = frame.assign(lower=np.nan, upper=np.nan)
    wide.loc[inner, "lower"] = np.floor(100 * bounds["lower"].to_numpy())
    wide.loc[inner, "upper"] = np.ceil(100 * bounds["upper"].to_numpy())
    for name in ("lower", "upper"):
        wide[sheet.status_column(name)] = sheet.statuses(wide[name], np.ones(len(wide), bool))
    return wide


def _with_statuses(
    frame: pd.DataFrame, values: list[str], full: pd.Series, policy: Policy
) -> pd.DataFrame:
    """Frame with the status of values that few events stand behind until a block is ``full``."""
    said = np.where(full, SHOWN, sheet.fewer(policy.block))
    return frame.assign(**{sheet.status_column(v): said for v in values})


def _sheet(frame: pd.DataFrame, values: list[str], few: Sequence[str]) -> sheet.Sheet:
    """Sheet of curves by group and day; a group without a curve is one hidden row."""
    made = sheet.of_frame(frame, ["group", "time"], values)
    return sheet.with_rows(made, [[level, ""] for level in few], HIDDEN)


def _few_events(policy: Policy) -> str:
    return f"{sheet.fewer(policy.block)} events"


def _groups(
    data: pd.DataFrame, group: str | None, levels: Sequence[str] | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    if group is None:
        yield "all", data
        return
    if levels is None:
        raise TypeError(f"no code book for {group}: name its levels, all of them")
    for level in levels:
        yield str(level), data[data[group] == level]


def _curve_note(policy: Policy) -> str:
    return (
        f"Computed from counts in blocks of {policy.block} and cut where fewer than "
        f"{policy.threshold} remain."
    )
