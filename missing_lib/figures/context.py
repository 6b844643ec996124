"""Figures of the chapter on national context; the tables come from ``study.context``."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from missing_lib.figures import style

#: Colour, line, marker and width of each role in a trend.
_ROLES = {
    "england": (style.OTHER, "--", "s", 1.9),
    "together": (style.FORCE, "-", "o", 2.4),
    "middle": (style.GREY, ":", "", 1.6),
    "authority": (style.GREY, "-", "", 0.8),
}


def trends(series: pd.DataFrame, label: str = "") -> Figure:
    """Lines over years: England, the authorities together and one by one, the middle one.

    A line breaks where a year has no number; a lone year shows as its marker.

    Parameters
    ----------
    series : DataFrame
        ``year``, ``area``, ``role``, ``value``, ``low``, ``high``.
    label : str
        Label of the vertical axis.
    """
    figure, ax = style.axes()
    for role in ("authority", "middle", "england", "together"):
        colour, line, marker, width = _ROLES[role]
        areas = series[series["role"] == role].groupby("area", sort=False)
        for number, (area, rows) in enumerate(areas):
            name = "Each authority" if role == "authority" else str(area)
            ax.plot(
                rows["year"],
                rows["value"],
                color=colour,
                linestyle=line,
                marker=marker or ("." if role == "authority" else None),
                markersize=5 if marker else 3,
                linewidth=width,
                label=name if number == 0 else None,
            )
            if role in ("england", "together"):
                ax.fill_between(
                    rows["year"], rows["low"], rows["high"], color=colour, alpha=0.18, linewidth=0
                )
    ax.set_ylim(bottom=0)
    ax.set_ylabel(label)
    _years(ax, series.loc[series["value"].notna(), "year"])
    _legend_above(ax)
    return style.finish(figure)


def practice_bounds(bounds: pd.DataFrame) -> Figure:
    """England's children missing and away per year, with the bounds of the published note.

    Parameters
    ----------
    bounds : DataFrame
        ``year``, ``measure``, ``value``, ``low``, ``high``.
    """
    figure, ax = style.axes()
    kinds = (
        ("missing_children", "Missing", style.FORCE, "-", "o"),
        ("away_children", "Away", style.OTHER, "--", "s"),
    )
    for measure, name, colour, line, marker in kinds:
        rows = bounds[bounds["measure"] == measure]
        ax.plot(
            rows["year"], rows["value"], color=colour, linestyle=line, marker=marker, label=name
        )
        noted = rows.dropna(subset=["low"])
        span = ax.vlines(noted["year"], noted["low"], noted["high"], color=colour, alpha=0.35)
        span.set(linewidth=5, label=f"{name}: span of the note")
    ax.set_ylim(bottom=0)
    ax.set_ylabel("Looked-after children")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    _years(ax, bounds["year"])
    _legend_above(ax)
    return style.finish(figure)


def funnel(points: pd.DataFrame) -> Figure:
    """Rate of every authority by its size, England's rate, and what chance alone allows.

    Parameters
    ----------
    points : DataFrame
        Sorted by ``looked_after``; ``name``, ``own``, ``rate``, ``target`` and the limits.
    """
    own = points["own"].astype(bool)
    others, named = points[~own], points[own]
    figure, ax = style.axes(4.0 + 0.12 * len(named))
    size = points["looked_after"]
    for digits, line, name in (("95", "--", "95 % limits"), ("998", ":", "99.8 % limits")):
        for side in ("low", "high"):
            ax.plot(
                size,
                points[f"{side}_{digits}"],
                color="#4a4f57",
                linestyle=line,
                linewidth=1.2,
                label=name if side == "low" else None,
            )
    ax.plot(size, points["target"], color=style.OTHER, linewidth=1.5, label="England")
    ax.scatter(others["looked_after"], others["rate"], s=14, color=style.GREY, label="Authorities")
    ax.set_xscale("log")
    ticks = [t for t in (50, 100, 200, 500, 1000, 2000, 5000) if size.min() <= t <= size.max()]
    ax.set_xticks(ticks, [f"{t:,}" for t in ticks])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Children looked after during the year (log scale)")
    ax.set_ylabel("Missing, per 100 of them")
    _legend_above(ax)
    if len(named):
        _number_points(ax, named)
    return style.finish(figure)


def shares(table: pd.DataFrame) -> Figure:
    """Share missing more than once, seen and expected from the mean, one row per area.

    Parameters
    ----------
    table : DataFrame
        ``area``, ``model``, ``share``, ``low``, ``high``.
    """
    areas = list(dict.fromkeys(table["area"]))
    height = 1.5 + 0.42 * len(areas)
    figure, ax = style.axes(max(height, 2.4))
    looks = {
        "observed": ("Observed (95 % interval)", style.FORCE, "o", "full"),
        "log-series": ("Log-series", style.OTHER, "s", "none"),
        "geometric": ("Geometric", style.COLOURS[2], "^", "none"),
        "zero-truncated Poisson": ("Zero-truncated Poisson", style.COLOURS[3], "D", "none"),
    }
    for model, (label, colour, marker, fill) in looks.items():
        rows = table[table["model"] == model]
        places = rows["area"].map(areas.index)
        if model == "observed":
            ax.hlines(places, rows["low"], rows["high"], color=colour, linewidth=2)
        ax.plot(
            rows["share"],
            places,
            linestyle="",
            marker=marker,
            color=colour,
            markersize=6,
            fillstyle=fill,
            markeredgewidth=1.6,
            label=label,
        )
    ax.set_yticks(range(len(areas)), areas)
    ax.set_ylim(len(areas) - 0.5, -0.5)
    ax.set_xlim(0, 102)
    ax.set_xlabel("Missing more than once, % of missing children", loc="right")
    _legend_above(ax, "right")
    return style.finish(figure)


def own_and_official(table: pd.DataFrame) -> Figure:
    """The force's own counts and the official ones over the years, one panel per measure.

    Parameters
    ----------
    table : DataFrame
        ``measure``, ``year``, ``own``, ``official``; NaN where hidden or withheld.
    """
    measures = list(dict.fromkeys(table["measure"]))
    figure, panels = style.stacked(1.2 + 1.7 * len(measures), [1.0] * len(measures))
    sources = (
        ("official", "Official statistics", style.OTHER, "--", "s"),
        ("own", "The force's own records", style.FORCE, "-", "o"),
    )
    for ax, measure in zip(panels, measures, strict=True):
        rows = table[table["measure"] == measure]
        for column, name, colour, line, marker in sources:
            ax.plot(
                rows["year"],
                rows[column],
                color=colour,
                linestyle=line,
                marker=marker,
                label=name,
            )
        ax.set_ylim(bottom=0)
        ax.set_title(measure[:1].upper() + measure[1:])
        ax.yaxis.set_major_formatter("{x:,.0f}")
        _years(ax, table["year"], 1)
        ax.set_xlim(table["year"].min() - 0.5, table["year"].max() + 0.5)
        ax.label_outer()
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper left", ncols=2)
    return style.finish(figure, top=1 - 0.35 / figure.get_figheight())


def _years(ax: Axes, years: pd.Series, step: int = 2) -> None:
    ticks = np.arange(years.min(), years.max() + 1, step)
    ax.set_xticks(ticks, [f"{t:.0f}" for t in ticks])
    ax.set_xlabel("Year to 31 March")


def _legend_above(ax: Axes, side: str = "left") -> None:
    corner = (0.0 if side == "left" else 1.0, 1.0)
    ax.legend(loc=f"lower {side}", bbox_to_anchor=corner, ncols=2, borderaxespad=0.2)


def _number_points(ax: Axes, named: pd.DataFrame) -> None:
    """Number points from left to right, with the key under the plot: names would collide."""
    above = ax.get_legend()
    handles = []
    for number, row in enumerate(named.itertuples(index=False), start=1):
        place = (row.looked_after, row.rate)
        ax.plot(*place, marker="o", markersize=12, color=style.FORCE, zorder=3)
        ax.annotate(
            str(number), place, color="white", fontsize=8, ha="center", va="center_baseline",
            fontweight="bold", zorder=4,
        )  # fmt: skip
        handles.append(
            Line2D([], [], linestyle="", marker=f"${number}$", color=style.FORCE, label=row.name)
        )
    below_label = ScaledTranslation(0, -0.5, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + below_label,
        ncols=2,
        fontsize=9,
    )
    if above is not None:
        ax.add_artist(above)
        above.set_clip_on(False)  # else the layout leaves no room for it
