"""Figures of the network chapter; none of them is a picture of the network."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from missing_lib.figures import style


def shares(frame: pd.DataFrame, by: str, label: str, outcome: str = "Ever missing") -> Figure:
    """Share with the outcome in each class, with its interval.

    Parameters
    ----------
    frame : DataFrame
        ``by`` (classes in order), ``share``, ``lower``, ``upper`` (fractions; NaN if hidden).
    by : str
        Column of the classes.
    label, outcome : str
        Titles of the axes.

    Returns
    -------
    Figure
    """
    figure, ax = style.axes(height=3.4)
    place = np.arange(len(frame))
    shown = frame["share"].notna().to_numpy()
    part = frame[shown]
    error = [part["share"] - part["lower"], part["upper"] - part["share"]]
    ax.errorbar(
        place[shown],
        part["share"],
        yerr=np.abs(np.array(error, float)),
        fmt=style.MARKERS[0],
        color=style.FORCE,
        capsize=3,
        markersize=7,
    )
    why = frame.get("share_status", pd.Series("hidden", index=frame.index))
    for x, status in zip(place[~shown], why[~shown], strict=True):
        said = "not\nshown" if status == "hidden" else "not\navailable"
        ax.text(x, 0, said, ha="center", va="bottom", fontsize=9, color=style.GREY)
    short = [str(v).replace(" to ", "–").replace(" or more", "+") for v in frame[by]]
    ax.set_xticks(place, short)
    ax.set_xlim(-0.5, len(frame) - 0.5)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_locator(MultipleLocator(0.05 if ax.get_ylim()[1] < 0.4 else 0.1))
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    ax.set_xlabel(label)
    ax.set_ylabel(outcome)
    return style.finish(figure)


def against_chance(frame: pd.DataFrame, observed: float, label: str) -> Figure:
    """Shuffled values in classes, and the observed one beside them.

    Parameters
    ----------
    frame : DataFrame
        ``from``, ``to`` (bounds of the classes) and ``share`` (fraction of the shuffles).
    observed : float
        Rounded observed value; NaN if it may not be shown.
    label : str
        What the value is.

    Returns
    -------
    Figure
    """
    figure, ax = style.axes(height=3.2)
    width = frame["to"] - frame["from"]
    ax.bar(
        frame["from"],
        frame["share"],
        width=width,
        align="edge",
        color=style.GREY,
        edgecolor="white",
        label="Shuffled",
    )
    if np.isfinite(observed):
        ax.axvline(
            observed, color=style.OTHER, linestyle=style.LINES[1], linewidth=2.4, label="Observed"
        )
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    ax.set_xlabel(label)
    ax.set_ylabel("Share of shuffles")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return style.finish(figure)
