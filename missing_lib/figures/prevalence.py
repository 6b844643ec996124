"""Figures of the prevalence chapter; each takes a safe table."""

from __future__ import annotations

import numpy as np
import pandas as pd
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
    if era_month in set(months):
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
    januaries = [i for i, m in enumerate(months) if m.endswith("-01")]
    ax.set_xticks(januaries, [months.iloc[i][:4] for i in januaries])
    ax.set_ylim(bottom=0)
    ax.set_ylabel("per month")
    ax.legend(loc="lower right", ncols=2)
    return style.finish(figure)


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
