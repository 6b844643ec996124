"""Figures of the data chapter; each takes a safe table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from missing_lib.figures import style


def specification_curve(
    table: pd.DataFrame, finding: str, default: str, marks: Mapping[str, tuple[str, object]]
) -> Figure:
    """One finding under every specification, from the lowest to the highest.

    Above, the finding; below, a mark for each choice that is made otherwise (Simonsohn, Simmons
    and Nelson 2020, doi 10.1038/s41562-020-0912-z).

    Parameters
    ----------
    table : DataFrame
        ``choice`` (in words), one column for each choice, and the finding as a fraction, NaN
        where hidden.
    finding : str
        Column to draw.
    default : str
        Value of ``choice`` that is marked.
    marks : mapping
        Label of each line below to a column and the value that it marks.
    """
    shown = table.dropna(subset=[finding]).sort_values(finding, kind="stable", ignore_index=True)
    lines = len(marks)
    figure, (above, below) = style.stacked(2.8 + 0.24 * lines, [2.2, 0.24 * lines])
    at = np.arange(len(shown))
    percent = 100 * shown[finding]
    above.plot(at, percent, linestyle="none", marker=".", color=style.GREY, markersize=6)
    usual = np.flatnonzero(shown["choice"] == default)
    above.plot(
        usual,
        percent[usual],
        linestyle="none",
        marker="D",
        color=style.OTHER,
        markersize=8,
        label=default,
    )
    if len(shown):
        middle = (percent.min() + percent.max()) / 2
        reach = max(5.0, 0.7 * (percent.max() - percent.min()))
        above.set_ylim(max(0, middle - reach), min(101, middle + reach))
    above.set_ylabel("per cent")
    above.set_xticks([])
    above.legend(loc="lower right")
    for line, (column, value) in enumerate(marks.values()):
        made = np.flatnonzero((shown[column] == value).to_numpy())
        below.plot(
            made, np.full(len(made), lines - line), linestyle="none", marker="|",
            color=style.FORCE, markersize=7, markeredgewidth=1.6,
        )  # fmt: skip
    below.set_yticks(np.arange(lines, 0, -1), list(marks), fontsize=9)
    below.set_ylim(0.4, lines + 0.6)
    below.set_xticks([])
    for axes in (above, below):
        axes.set_xlim(-1, max(len(shown), 1))
    below.set_xlabel("from the lowest to the highest figure")
    return style.finish(figure)
