"""Figures of the prevalence chapter; each takes a safe table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from missing_lib.figures import style


def monthly(table: pd.DataFrame, era_month: str) -> Figure:
    """Incidents and people by month, with the change of definition marked.

    Parameters
    ----------
    table : DataFrame
        ``month`` (period or text), ``incidents``, ``people``; NaN where hidden.
    era_month : str
        First month of the later era, such as ``2017-01``.
    """
    figure, ax = style.axes(height=3.6)
    at = np.arange(len(table))
    months = table["month"].astype(str)
    for column, colour, line in (
        ("incidents", style.FORCE, style.LINES[0]),
        ("people", style.OTHER, style.LINES[1]),
    ):
        ax.plot(at, table[column], color=colour, linestyle=line, label=column)
    _mark_change(ax, months, era_month)
    _label_years(ax, months)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("per month")
    ax.legend(loc="lower right", ncols=2)
    return style.finish(figure)


def fitted_months(seen: pd.DataFrame, fitted: pd.DataFrame, era_month: str) -> Figure:
    """Incidents by month as published, and what the model of season, trend and step expects.

    Parameters
    ----------
    seen : DataFrame
        ``month``, ``incidents``; NaN where hidden.
    fitted : DataFrame
        ``month``, ``expected``; the same months.
    era_month : str
        First month of the later era, such as ``2017-01``.
    """
    figure, ax = style.axes(height=3.6)
    at, months = np.arange(len(seen)), seen["month"].astype(str)
    ax.plot(
        at,
        seen["incidents"],
        color=style.FORCE,
        marker="o",
        markersize=3,
        linestyle="none",
        label="incidents, rounded",
    )
    before = (months < era_month).to_numpy()
    for side, label in ((before, "model"), (~before, "model" if not before.any() else None)):
        ax.plot(at[side], fitted["expected"][side], color=style.OTHER, label=label)
    _mark_change(ax, months, era_month)
    _label_years(ax, months)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("incidents in the month")
    ax.legend(loc="lower right", ncols=2)
    return style.finish(figure)


def time_missing(curves: pd.DataFrame) -> Figure:
    """Share still missing by hours since the report, with its interval for a single curve.

    Parameters
    ----------
    curves : DataFrame
        ``group``, ``time`` in hours, ``survival``, ``lower``, ``upper``.
    """
    figure, ax = style.axes(height=3.8)
    groups = list(dict.fromkeys(curves["group"].astype(str)))
    for number, group in enumerate(groups):
        rows = curves[curves["group"].astype(str) == group]
        colour = style.COLOURS[number % len(style.COLOURS)]
        ax.step(
            rows["time"],
            100 * rows["survival"],
            where="post",
            color=colour,
            linestyle=style.LINES[number % len(style.LINES)],
            label=group.replace("_", " "),
        )
        if len(groups) == 1:
            ax.fill_between(
                rows["time"],
                100 * rows["lower"],
                100 * rows["upper"],
                step="post",
                color=colour,
                alpha=0.2,
                linewidth=0,
            )
    ax.axhline(50, color=style.GREY, linewidth=1)
    longest = float(curves["time"].max())
    ax.set_xticks([t for t in (0, 8, 24, 48, 72, 120, 168) if t <= longest])
    ax.set(ylim=(0, 100), xlim=(0, longest), xlabel="Hours since the report")
    ax.set_ylabel("still missing, %")
    if len(groups) > 1:
        ax.legend()
    return style.finish(figure)


def _mark_change(ax: Axes, months: pd.Series, era_month: str) -> None:
    if era_month not in set(months):
        return
    change = int(np.flatnonzero(months == era_month)[0]) - 0.5
    ax.axvline(change, color=style.GREY, linewidth=1.2)
    ax.text(
        change + 0.6,
        ax.get_ylim()[1],
        "absent counts as missing",
        va="top",
        fontsize=9,
        color="#4a4f57",
    )


def _label_years(ax: Axes, months: pd.Series) -> None:
    januaries = [i for i, month in enumerate(months) if month.endswith("-01")]
    ax.set_xticks(januaries, [months.iloc[i][:4] for i in januaries])


def bars(table: pd.DataFrame, by: str, unit: str = "incidents", label: str = "") -> Figure:
    """Share of each level, as horizontal bars in the order of the code book.

    Parameters
    ----------
    table : DataFrame
        ``by`` and ``<unit>_percent``; NaN where hidden.
    """
    figure, ax = style.axes(height=0.9 + 0.42 * len(table))
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x")
    at = np.arange(len(table))[::-1]
    percent = table[f"{unit}_percent"]
    ax.barh(at, percent.fillna(0), color=style.FORCE, height=0.68)
    for y, value in zip(at, percent, strict=True):
        text = "hidden" if np.isnan(value) else f"{value:.0f} %"
        ax.text((0 if np.isnan(value) else value) + 0.8, y, text, va="center", fontsize=10)
    ax.set_yticks(at, [str(v).replace("_", " ") for v in table[by]])
    ax.set_xlim(0, min(100, (np.nanmax(percent) if percent.notna().any() else 1) * 1.18 + 3))
    ax.set_xlabel(label or f"per cent of {unit}")
    return style.finish(figure)


def around(table: pd.DataFrame, by: str, label: str) -> Figure:
    """Share of each part of a cycle (hours of a day, months of a year), as columns."""
    figure, ax = style.axes(height=3.2)
    at = np.arange(len(table))
    percent = table["incidents_percent"]
    ax.bar(at, percent.fillna(0), color=style.FORCE, width=0.78)
    ax.axhline(100 / len(table), color=style.OTHER, linestyle="--", linewidth=1.4)
    names = [str(v) for v in table[by]]
    ax.set_xticks(at, [n[:3] if len(names) > 8 else n.split(" ")[0] for n in names])
    ax.set_ylabel("per cent of incidents")
    ax.set_xlabel(label)
    return style.finish(figure)
