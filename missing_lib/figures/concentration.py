"""Figures of the chapter on concentration; each takes safe tables only."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from missing_lib.figures import style

_MODELS = (
    ("negative_binomial", "negative binomial", "s", "--"),
    ("log_series", "log-series", "D", ":"),
    ("poisson", "Poisson (chance alone)", "^", "-."),
    ("mixture", "mixture of Poisson laws", "o", "-"),
)
_MEASURES = {
    "incidents_next_year": "Share of next year's incidents",
    "again_in_top": "Still in the top group",
    "again_in_top_if_at_risk": "Still in it, of those still at risk",
}


def lorenz_curve(curve: pd.DataFrame, people: str = "people", top: float = 20.0) -> Figure:
    """Share of incidents held by the most frequent people.

    Parameters
    ----------
    curve : DataFrame
        ``share_people``, ``share_incidents`` in per cent, from the top; ``lower``, ``upper`` if
        there is an interval.
    people : str
        Word for the population.
    top : float
        Per cent of people at which the share is marked.
    """
    figure, ax = style.axes(height=4.4)
    ax.plot([0, 100], [0, 100], color=style.GREY, linestyle=":", label="everybody the same")
    ax.plot(
        curve["share_people"],
        curve["share_incidents"],
        color=style.FORCE,
        marker="o",
        markersize=4,
        label="this force",
    )
    if "lower" in curve:
        inner = curve.dropna(subset=["lower"])
        ax.fill_between(
            inner["share_people"],
            inner["lower"],
            inner["upper"],
            color=style.FORCE,
            alpha=0.18,
            linewidth=0,
            label="interval",
        )
    marked = curve[curve["share_people"] == top]
    for row in marked.itertuples():
        ax.plot(
            [top, top, 0],
            [0, row.share_incidents, row.share_incidents],
            color=style.OTHER,
            linestyle="--",
            linewidth=1.2,
        )
        ax.annotate(
            f"{row.share_incidents:.0f} %",
            (top, row.share_incidents),
            xytext=(8, -12),
            textcoords="offset points",
            color=style.OTHER,
        )
    ax.set(
        xlim=(0, 100),
        ylim=(0, 100),
        xlabel=f"{people.capitalize()}, most frequent first, %",
        ylabel="Share of incidents, %",
    )
    ax.legend(loc="lower right")
    return style.finish(figure)


def counts_against_models(
    counts: pd.DataFrame, models: pd.DataFrame, people: str = "people"
) -> Figure:
    """People with 1, 2, ... incidents, seen and expected.

    Parameters
    ----------
    counts : DataFrame
        ``times_missing`` (band), ``people``, ``people_status``.
    models : DataFrame
        ``times_missing`` and one column of expected people for each model.
    people : str
        Word for the population.
    """
    figure, ax = style.axes()
    place = np.arange(len(counts))
    ax.bar(place, counts["people"].fillna(0), color=style.FORCE, alpha=0.8, label="seen")
    for x in place[counts["people"].isna()]:
        ax.annotate("hidden", (x, 0), rotation=90, ha="center", va="bottom", color=style.GREY)
    for number, (name, label, marker, line) in enumerate(_MODELS, start=1):
        if name in models and models[name].notna().any():
            ax.plot(
                place,
                models[name],
                color=style.COLOURS[number],
                marker=marker,
                linestyle=line,
                linewidth=1.2,
                markersize=5,
                label=label,
            )
    bands = [str(band).replace(" or more", "+") for band in counts["times_missing"]]
    ax.set_xticks(place, bands)
    ax.set(xlabel="Incidents in the study", ylabel=people.capitalize())
    ax.legend()
    return style.finish(figure)


def monthly_stability(
    shares: pd.DataFrame, names: dict[str, str], level: float = 60.0, era: str = ""
) -> Figure:
    """Share of the top group month by month, one panel for each reading.

    Parameters
    ----------
    shares : DataFrame
        ``month`` (such as 2014-05), ``reading``, ``percent``, ``chance_percent``.
    names : dict
        Title of the panel of each reading, in order.
    level : float
        Per cent that the statement asks for.
    era : str
        Month from which the definition of missing changed, if inside the study.
    """
    figure, axes = style.stacked(0.7 + 1.45 * len(names), [1.0] * len(names))
    months = sorted(shares["month"].astype(str).unique())
    place = {month: number for number, month in enumerate(months)}
    for ax, (reading, title) in zip(axes, names.items(), strict=True):
        rows = shares[shares["reading"] == reading]
        x = rows["month"].astype(str).map(place)
        ax.plot(
            x, rows["percent"], color=style.FORCE, marker="o", markersize=2.5, label="this force"
        )
        ax.plot(
            x,
            rows["chance_percent"],
            color=style.OTHER,
            linestyle="--",
            linewidth=1.3,
            label="chance alone",
        )
        ax.axhline(level, color=style.GREY, linewidth=1)
        if era in place:
            ax.axvline(place[era], color=style.GREY, linestyle=":", linewidth=1.2)
        ax.set(ylim=(0, 100), xlim=(-1, len(months)), title=title)
        ax.set_yticks([0, 50, 100])
        _label_years(ax, months)
        if not rows["percent"].notna().any():
            ax.annotate("not shown: too few", (0.5, 0.75), xycoords="axes fraction", ha="center")
    axes[0].legend(loc="upper right", ncols=2, bbox_to_anchor=(1.0, 1.32), borderaxespad=0)
    figure.supylabel("Share of incidents, %", fontsize=11)
    return style.finish(figure)


def _label_years(ax: Axes, months: list[str]) -> None:
    january = [(n, m[:4]) for n, m in enumerate(months) if m.endswith("-01")]
    ax.set_xticks([n for n, _ in january], [year for _, year in january])


def year_to_year(table: pd.DataFrame) -> Figure:
    """What this year's top group is next year, beside chance and beside one rate for each.

    Parameters
    ----------
    table : DataFrame
        ``year``, ``measure``, ``percent``, ``chance_percent``, ``constant_percent``,
        ``constant_low_percent``, ``constant_high_percent``.
    """
    figure, axes = style.stacked(1.0 + 2.1 * len(_MEASURES), [1.0] * len(_MEASURES))
    years = sorted(table["year"].astype(str).unique())
    place = {year: number for number, year in enumerate(years)}
    for ax, (measure, label) in zip(axes, _MEASURES.items(), strict=True):
        rows = table[table["measure"] == measure]
        x = rows["year"].astype(str).map(place)
        low, mid, high = (rows[f"constant{end}_percent"] for end in ("_low", "", "_high"))
        ax.errorbar(
            x + 0.12,
            mid,
            yerr=[mid - low, high - mid],
            color=style.OTHER,
            marker="s",
            markersize=5,
            linestyle="none",
            label="if everybody kept one rate",
        )
        ax.plot(
            x - 0.12,
            rows["percent"],
            color=style.FORCE,
            marker="o",
            linestyle="none",
            label="this force",
        )
        if measure != "again_in_top_if_at_risk":
            ax.plot(
                x,
                rows["chance_percent"],
                color=style.GREY,
                marker="_",
                markersize=14,
                linestyle="none",
                label="chance alone",
            )
        ax.set(ylim=(0, 100), xlim=(-0.5, len(years) - 0.5), title=label, ylabel="%")
        ax.set_yticks([0, 50, 100])
        ax.set_xticks(range(len(years)), [f"{y}\nto {int(y) + 1}" for y in years])
        if not rows["percent"].notna().any():
            ax.annotate("not shown: too few", (0.5, 0.75), xycoords="axes fraction", ha="center")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=3, fontsize=9)
    return style.finish(figure, top=0.95)
