"""Figures of the predictors chapter; also the forest plot of any regression table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from missing_lib.figures import style

_ROW = 0.46
_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50)
_FEW_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
#: From this ratio of the ends of the axis on, only the few ticks have room.
_WIDE = 30.0


def forest(
    *frames: pd.DataFrame,
    label: str = "Odds ratio",
    band: tuple[float, float] | None = None,
    largest: float = 20.0,
) -> Figure:
    """Estimates with their intervals, one line per term and one mark per model.

    Parameters
    ----------
    *frames : DataFrame
        ``term``, ``estimate``, ``lower``, ``upper`` and, for several models, ``model``; a row
        without an estimate keeps its place and says so.
    label : str
        What the axis shows; 1 is no difference.
    band : (float, float), optional
        Region shaded as too small to matter.
    largest : float
        The axis ends here at the latest.

    Returns
    -------
    Figure
    """
    rows = pd.concat([f.assign(model=f.get("model", "")) for f in frames], ignore_index=True)
    terms, models = list(dict.fromkeys(rows["term"])), list(dict.fromkeys(rows["model"]))
    figure, ax = style.axes(height=1.6 + _ROW * max(len(terms), 0.45 * len(rows)))
    ax.grid(False)
    ax.grid(axis="x")
    ax.axvline(1, color=style.GREY, linewidth=1.2)
    if band is not None:
        ax.axvspan(*band, color=style.GREY, alpha=0.15, linewidth=0)
    among = rows.groupby("term")["model"]
    beside = among.cumcount() - (among.transform("size") - 1) / 2
    place = rows["term"].map(terms.index) + beside * 0.7 / max(len(models), 1)
    for i, model in enumerate(models):
        mine = rows["model"] == model
        _draw(ax, rows[mine], place[mine].to_numpy(float), i, model)
    ax.set_xscale("log")
    low, high = _limits(rows, largest)
    ax.set_xlim(low, high)
    ax.xaxis.set_major_locator(FixedLocator(_FEW_TICKS if high > _WIDE * low else _TICKS))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.set_yticks(range(len(terms)), [t[:1].upper() + t[1:] for t in terms])
    ax.set_ylim(len(terms) - 0.4, -0.6)
    ax.set_xlabel(f"{label}, log scale")
    if len(models) > 1:
        figure.legend(*ax.get_legend_handles_labels(), loc="upper left", ncols=2)
        figure = style.finish(figure)
        figure.subplots_adjust(top=1 - 0.3 * ((len(models) + 1) // 2) / figure.get_figheight())
        return figure
    return style.finish(figure)


def _draw(ax: Axes, rows: pd.DataFrame, place: np.ndarray, index: int, model: str) -> None:
    shown = rows["estimate"].notna().to_numpy()
    part = rows[shown]
    error = [part["estimate"] - part["lower"], part["upper"] - part["estimate"]]
    ax.errorbar(
        part["estimate"],
        place[shown],
        xerr=np.abs(np.array(error, float)),
        fmt=style.MARKERS[index % len(style.MARKERS)],
        color=style.COLOURS[index % len(style.COLOURS)],
        markersize=6,
        label=str(model),
    )
    why = rows.get("estimate_status", pd.Series("hidden", index=rows.index))
    for y, status in zip(place[~shown], why[~shown], strict=True):
        said = "not shown" if status == "hidden" else "not available"
        ax.text(1.02, y, said, va="center", fontsize=9, color=style.GREY)


def _limits(rows: pd.DataFrame, largest: float) -> tuple[float, float]:
    """Ends of the axis: all intervals, but no more than from a twentieth to the largest."""
    known = rows.dropna(subset=["estimate"])
    low = float(known["lower"].min()) if len(known) else 0.7
    high = float(known["upper"].max()) if len(known) else 1.5
    return max(0.05, min(0.7, low) / 1.15), min(largest, max(1.5, high) * 1.15)
