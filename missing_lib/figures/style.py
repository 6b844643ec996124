"""The house style of every figure: colour-blind safe, told apart in grey, read on a phone."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import seaborn as sns
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Wong's colour-blind safe palette (doi 10.1038/nmeth.1618), ordered by falling darkness
#: so that neighbours differ in grey too.
COLOURS = ["#0b3c5d", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
FORCE = COLOURS[0]
OTHER = COLOURS[1]
GREY = "#8a8f98"
LINES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1))]
MARKERS = ["o", "s", "^", "D", "v", "P"]

WIDTH = 6.0

_RC = {
    "font.size": 11,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4a4f57",
    "axes.labelcolor": "#22262b",
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.prop_cycle": cycler(color=COLOURS),
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.9,
    "xtick.color": "#4a4f57",
    "ytick.color": "#4a4f57",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "missing-book",
}


def apply() -> None:
    """Make the house style the default of this process."""
    sns.set_theme(style="ticks", palette=COLOURS, rc=_RC)


def axes(height: float = 3.8) -> tuple[Figure, Axes]:
    """A new figure in house style with one axes, ``height`` inches high and :data:`WIDTH` wide."""
    figure, (ax,) = stacked(height, [1.0])
    return figure, ax


def stacked(height: float, ratios: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """A new figure in house style with axes below each other, of the given relative heights."""
    apply()
    figure, axes_ = plt.subplots(
        len(ratios),
        1,
        figsize=(WIDTH, height),
        squeeze=False,
        gridspec_kw={"height_ratios": list(ratios)},
    )
    for one in axes_[:, 0]:
        one.grid(axis="y")
        one.set_axisbelow(True)
    return figure, list(axes_[:, 0])


def finish(figure: Figure, top: float = 1.0) -> Figure:
    """Lay out a figure and take it out of pyplot's hands, so that nothing shows it twice.

    Above ``top``, a fraction of its height, the figure is left free for a legend of its own.
    """
    figure.tight_layout(rect=(0, 0, 1, top))
    plt.close(figure)
    return figure
