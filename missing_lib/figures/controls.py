"""Figure of the page on simulated worlds: how often intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from missing_lib.figures import style

_ROW = 0.2
_EMPTY = 0.5


def coverage(frame: pd.DataFrame, *, low: float, high: float, earlier: str) -> Figure:
    """One dot for each quantity: share of intervals that hold the truth, with its own interval.

    Parameters
    ----------
    frame : DataFrame
        ``experiment``, ``quantity``, ``held``, ``from``, ``to`` (per cent) and ``criterion``.
    low, high : float
        Band in which a dot is to lie, per cent.
    earlier : str
        Part of a criterion that says that the code has changed since; such dots are hollow.

    Returns
    -------
    Figure
    """
    begins = (frame["experiment"] != frame["experiment"].shift()).to_numpy()
    place = np.arange(len(frame)) + (1 + _EMPTY) * np.cumsum(begins)
    stale = frame["criterion"].str.contains(earlier, regex=False).to_numpy()
    last = float(place[-1])
    figure, ax = style.axes(height=1.2 + _ROW * (last + 1))
    ax.grid(False)
    ax.grid(axis="x")
    ax.axvspan(low, high, color=style.GREY, alpha=0.25, linewidth=0)
    for some, fill, said in ((~stale, style.FORCE, ""), (stale, "white", earlier)):
        part = frame[some]
        if part.empty:
            continue
        error = np.abs([part["held"] - part["from"], part["to"] - part["held"]])
        ax.errorbar(
            part["held"],
            place[some],
            xerr=error,
            fmt="o",
            color=style.FORCE,
            markerfacecolor=fill,
            markersize=4.5,
            linewidth=1.2,
            label=said,
        )
    heads = frame.loc[begins, "experiment"]
    ax.set_yticks(
        [*(place[begins] - 1), *place],
        [*heads, *frame["quantity"]],
        fontsize=8,
    )
    for label in ax.get_yticklabels()[: len(heads)]:
        label.set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(last + 1, -0.5)
    ax.set_xlim(min(85.0, float(frame["from"].min()) - 2), 101)
    ax.set_xlabel("Intervals that hold the truth, %")
    if stale.any():
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1))
    return style.finish(figure)
