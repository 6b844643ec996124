"""Figures of the chapter on repeats; each takes safe tables only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from missing_lib.figures import style


def next_incident(
    curves: pd.DataFrame,
    reference: pd.DataFrame | None = None,
    bounds: Sequence[float] = (),
    until: float = 365.0,
) -> Figure:
    """Share followed by another incident, by days since the return, one line for each group.

    Parameters
    ----------
    curves : DataFrame
        ``group``, ``time`` (days), ``survival``, ``lower``, ``upper``.
    reference : DataFrame, optional
        ``days`` and ``followed``: what constant rates would give.
    bounds : sequence of float
        Days that are marked.
    until : float
        Last day drawn.
    """
    figure, ax = style.axes(height=4.2)
    for number, (group, rows) in enumerate(curves.groupby("group", sort=False)):
        colour = style.COLOURS[number % len(style.COLOURS)]
        ax.step(
            rows["time"],
            100 * (1 - rows["survival"]),
            where="post",
            color=colour,
            linestyle=style.LINES[number % len(style.LINES)],
            label=str(group),
        )
        ax.fill_between(
            rows["time"],
            100 * (1 - rows["upper"]),
            100 * (1 - rows["lower"]),
            step="post",
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
    if reference is not None and reference["followed"].notna().any():
        ax.plot(
            reference["days"],
            100 * reference["followed"],
            color=style.GREY,
            marker="x",
            linestyle=":",
            label="constant rates that differ between people",
        )
    for day in bounds:
        ax.axvline(day, color=style.GREY, linestyle=":", linewidth=1)
    ax.set(
        xlim=(0, until),
        ylim=(0, 100),
        xlabel="Days since the return",
        ylabel="Followed by another incident, %",
    )
    ax.legend(fontsize=9, loc="lower right")
    return style.finish(figure)


def hazard(rates: pd.DataFrame) -> Figure:
    """Rate of the next incident in bands of time since the return, log scale.

    Parameters
    ----------
    rates : DataFrame
        ``days_since_return`` (band), ``per_hundred_days``, ``lower``, ``upper``, and
        ``expected_low``, ``expected_high`` with times drawn again.
    """
    figure, ax = style.axes()
    place = np.arange(len(rates))
    if rates["expected_high"].notna().any():
        ax.vlines(
            place,
            rates["expected_low"],
            rates["expected_high"],
            color=style.OTHER,
            linewidth=7,
            alpha=0.6,
            label="times drawn again, middle 95 %",
        )
    ax.vlines(place, rates["lower"], rates["upper"], color=style.FORCE, linewidth=2)
    ax.plot(
        place,
        rates["per_hundred_days"],
        color=style.FORCE,
        marker="o",
        linestyle="-",
        linewidth=1,
        label="this force",
    )
    ax.set_xticks(place, rates["days_since_return"].astype(str), fontsize=9)
    if (rates["per_hundred_days"] > 0).any():
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="Days since the return", ylabel="Incidents per 100 person-days")
    ax.legend(fontsize=9)
    return style.finish(figure)


def clustering(test: pd.DataFrame) -> Figure:
    """Share of short gaps beside what the same people would show without clustering.

    Parameters
    ----------
    test : DataFrame
        ``within``, ``kept``, ``observed``, ``expected``, ``low``, ``high`` as fractions.
    """
    figure, ax = style.axes(height=1.2 + 0.55 * max(len(test), 1))
    place = np.arange(len(test))
    ax.hlines(
        place,
        100 * test["low"],
        100 * test["high"],
        color=style.OTHER,
        linewidth=6,
        alpha=0.6,
        label="times drawn again, middle 95 %",
    )
    ax.plot(
        100 * test["expected"],
        place,
        color=style.OTHER,
        marker="|",
        markersize=14,
        linestyle="none",
        label="times drawn again, mean",
    )
    ax.plot(
        100 * test["observed"],
        place,
        color=style.FORCE,
        marker="o",
        markersize=8,
        linestyle="none",
        label="this force",
    )
    ax.set_yticks(place, test["within"].astype(str) + ":\n" + test["kept"].astype(str), fontsize=9)
    ax.set(xlim=(0, 100), ylim=(len(test) - 0.5, -0.5), xlabel="Share of gaps, %")
    ax.grid(axis="x")
    ax.legend(fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return style.finish(figure)


def mean_number(curves: pd.DataFrame, label: str) -> Figure:
    """Mean number of incidents per person over time, at the days that the table gives.

    Parameters
    ----------
    curves : DataFrame
        ``group``, ``time`` (days), ``mean``.
    label : str
        What the days are counted from.
    """
    figure, ax = style.axes()
    for number, (group, rows) in enumerate(curves.groupby("group", sort=False)):
        ax.plot(
            rows["time"],
            rows["mean"],
            marker=style.MARKERS[number % len(style.MARKERS)],
            markersize=4,
            color=style.COLOURS[number % len(style.COLOURS)],
            linestyle=style.LINES[number % len(style.LINES)],
            label=str(group),
        )
    ax.set(xlabel=f"Days {label}", ylabel="Mean number per person")
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    if curves["group"].nunique() > 1:
        ax.legend(fontsize=9)
    return style.finish(figure)
