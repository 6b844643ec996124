"""Figures of the data chapter; each takes a safe table."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from missing_lib.figures import style

#: Columns of the table of choices and what their points are called.
FINDINGS = {
    "repeat": "incidents of repeaters",
    "persistent": "incidents of the persistent",
    "top": "incidents of the top share",
    "short": "short gaps",
    "long": "short and middling gaps",
}


def choices(table: pd.DataFrame) -> Figure:
    """Main findings under each choice of cleaning, one row of points a choice.

    Parameters
    ----------
    table : DataFrame
        ``choice`` and the columns of :data:`FINDINGS`, fractions; NaN where hidden.
    """
    figure, ax = style.axes(height=1.8 + 0.45 * len(table))
    ax.grid(axis="x")
    at = np.arange(len(table))[::-1]
    for number, (column, label) in enumerate(FINDINGS.items()):
        ax.plot(
            100 * table[column],
            at,
            linestyle="none",
            marker=style.MARKERS[number],
            color=style.COLOURS[number],
            label=label,
            markersize=7,
        )
    ax.set_yticks(at, [textwrap.fill(str(name), 28) for name in table["choice"]])
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlim(0, 100)
    ax.set_xlabel("per cent")
    ax.legend(loc="upper center", bbox_to_anchor=(0.25, -0.18), ncols=2, columnspacing=1.0)
    return style.finish(figure)
