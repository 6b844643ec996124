"""Figures of the predictors chapter; also the forest plot of any regression table."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from missing_lib.figures import style

_ROW = 0.46
_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50)
#: Letters of a model's name that two columns of a legend have room for.
_LONG_NAME = 36
#: Letters of a term that stand in one line beside the axis.
_NAME_WIDTH = 34
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
    names = [fill(t[:1].upper() + t[1:], _NAME_WIDTH) for t in terms]
    ax.set_yticks(range(len(terms)), names)
    ax.set_ylim(len(terms) - 0.4, -0.6)
    ax.set_xlabel(f"{label}, log scale")
    if len(models) > 1:
        columns = 1 if max(len(str(m)) for m in models) > _LONG_NAME else 2
        figure.legend(*ax.get_legend_handles_labels(), loc="upper left", ncols=columns)
        figure = style.finish(figure)
        lines = -(-len(models) // columns)
        figure.subplots_adjust(top=1 - 0.3 * lines / figure.get_figheight())
        return figure
    return style.finish(figure)


def specification_curve(frame: pd.DataFrame, primary: str) -> Figure:
    """Estimates under many specifications, lowest first, one panel per term.

    Parameters
    ----------
    frame : DataFrame
        ``model`` (specification; what counts stands before the first semicolon), ``term``,
        ``estimate``, ``lower``, ``upper``. Rows without an estimate are left out.
    primary : str
        The specification that is marked.

    Returns
    -------
    Figure
    """
    known = frame.dropna(subset=["estimate"])
    terms = list(dict.fromkeys(known["term"]))
    figure, panels = style.stacked(1.5 + 1.55 * max(len(terms), 1), [1.0] * max(len(terms), 1))
    outcome = known["model"].str.split(";").str[0]
    colours = dict(zip(dict.fromkeys(outcome), style.COLOURS, strict=False))
    for ax, term in zip(panels, terms, strict=False):
        mine = known[known["term"] == term].sort_values("estimate", kind="stable")
        place, colour = np.arange(len(mine)), [colours[o] for o in outcome[mine.index]]
        ax.vlines(place, mine["lower"], mine["upper"], colors=colour, linewidth=1, alpha=0.5)
        ax.scatter(place, mine["estimate"], c=colour, s=10, zorder=2)
        first = (mine["model"] == primary).to_numpy()
        ax.plot(place[first], mine["estimate"][first], "D", color="black", markersize=6, zorder=3)
        _ratio_axis(ax, mine)
        ax.set_title(term[:1].upper() + term[1:])
    panels[-1].set_xlabel("Specifications, lowest estimate first")
    for name, colour in colours.items():
        panels[0].plot([], [], "o", markersize=4, color=colour, label=name)
    panels[0].plot([], [], "D", color="black", markersize=6, label="primary model")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="upper left", fontsize=9, ncols=2)
    lines = (len(colours) + 2) // 2
    return style.finish(figure, top=1 - (0.15 + 0.2 * lines) / figure.get_figheight())


def calibration(observed: pd.DataFrame, predicted: pd.DataFrame) -> Figure:
    """Share ever missing against predicted risk, by band of predicted risk.

    Parameters
    ----------
    observed : DataFrame
        ``band``, ``share``, ``lower``, ``upper``; NaN where not shown.
    predicted : DataFrame
        ``band``, ``forecast``; NaN where not shown.

    Returns
    -------
    Figure
    """
    both = observed.merge(predicted, on="band").dropna(subset=["share", "forecast"])
    figure, ax = style.axes(height=4.2)
    top = 1.08 * max(0.1, both["upper"].max(), both["forecast"].max()) if len(both) else 1.0
    ax.plot([0, top], [0, top], color=style.GREY, linewidth=1.2)
    error = [both["share"] - both["lower"], both["upper"] - both["share"]]
    ax.errorbar(
        both["forecast"], both["share"], yerr=np.abs(np.array(error, float)), fmt="o",
        color=style.FORCE, markersize=6,
    )  # fmt: skip
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.0f} %"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
    ax.set_xlabel("Predicted risk, mean of the band")
    ax.set_ylabel("Ever missing")
    return style.finish(figure)


def _ratio_axis(ax: Axes, rows: pd.DataFrame) -> None:
    """A logarithmic vertical axis of ratios, with a line at no difference."""
    ax.axhline(1, color=style.GREY, linewidth=1.2)
    ax.set_yscale("log")
    ax.set_ylim(*_limits(rows, 20.0))
    ax.yaxis.set_major_locator(FixedLocator(_FEW_TICKS))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.set_xticks([])


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
