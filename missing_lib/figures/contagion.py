"""Figures of the chapter on transmission."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from missing_lib.figures import style


def power(frame: pd.DataFrame, smallest: float, wanted: float) -> Figure:
    """Share of simulated worlds in which an effect of peers was found.

    Parameters
    ----------
    frame : DataFrame
        ``effect`` (further incidents per incident, above 0), ``found``, ``lower``, ``upper``
        (shares).
    smallest : float
        Effect from which on it would matter.
    wanted : float
        Share in which an effect that could have been seen is found.

    Returns
    -------
    Figure
    """
    figure, ax = style.axes(height=3.2)
    error = [frame["found"] - frame["lower"], frame["upper"] - frame["found"]]
    ax.errorbar(
        frame["effect"],
        frame["found"],
        yerr=[part.clip(lower=0) for part in error],
        fmt=style.MARKERS[0],
        linestyle="-",
        color=style.FORCE,
        capsize=3,
    )
    ax.axhline(wanted, color=style.GREY, linestyle=":", linewidth=1.2)
    ax.axvline(smallest, color=style.GREY, linestyle="--", linewidth=1.2)
    ax.set_xscale("log")
    low = float(frame["effect"].min())
    ticks = [t for t in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1) if t >= low / 1.5]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_ylim(0, 1.04)
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    ax.set_xlabel("Further incidents per incident, log scale")
    ax.set_ylabel("Found")
    return style.finish(figure)
