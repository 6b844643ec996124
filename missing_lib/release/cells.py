"""Which cells of a table of counts may be shown: small ones, their complements, their lines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.release.counted import HIDDEN, SHOWN, ZERO
from missing_lib.release.policy import Policy, enough_incidents, enough_people, round_count

#: A cell of a safe table that nobody can be in.
STRUCTURAL_ZERO = ZERO


def safe_counts(
    cells: pd.DataFrame,
    by: list[str],
    unit: str,
    policy: Policy,
    structural_zeros: NDArray[np.bool_] | None = None,
    aside: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Hide and round the counts of one unit in a table.

    Parameters
    ----------
    cells : DataFrame
        One row per cell with ``by``, ``people`` and, for incidents, ``incidents``, ``largest``,
        ``largest_two``; the columns ``total_...`` hold the same of the whole table.
    by : list of str
        Columns that span the table; a line is all cells that agree in every column but one.
    unit : {"people", "incidents"}
    policy : Policy
    structural_zeros : array of bool, optional
        Cells that cannot hold anybody by definition; only these may be shown as zero. Where they
        leave one cell, that is the whole table and has no complement.
    aside : array of bool, optional
        Cells to be hidden whatever they hold, because of what is published elsewhere.

    Returns
    -------
    DataFrame
        ``count`` (rounded; 0 for a structural zero, NaN where hidden), ``status`` and ``percent``
        (whole per cent of the rounded total; NaN where either is hidden), in the order of
        ``cells``.

    Raises
    ------
    ValueError
        If a cell holds somebody that cannot hold anybody.
    """
    count = cells[unit].to_numpy(dtype=float)
    zero = np.zeros(len(cells), dtype=bool) if structural_zeros is None else structural_zeros
    if count[zero].any():
        raise ValueError(f"a cell by {', '.join(by)} that can hold nobody holds somebody")
    total, total_shown = safe_total(cells, unit, policy)
    open_ = large_enough(cells, unit, policy)
    if (unit == "people" or len(by) == 1) and (~zero).sum() > 1:
        open_ &= enough_left(cells, unit, policy)
    hidden = hide_second_cells(cells, by, unit, ~open_ & ~zero, zero, policy)
    if aside is not None:
        # Only now: a cell set aside could stand in for a second one, which would then be shown.
        hidden = hide_second_cells(cells, by, unit, hidden | (aside & ~zero), zero, policy)
    rounded = np.where(zero, 0.0, np.where(hidden, np.nan, round_count(count, policy)))
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.floor(100 * rounded / total + 0.5) if total_shown else rounded * np.nan
    return pd.DataFrame(
        {
            "count": rounded,
            "status": np.where(zero, STRUCTURAL_ZERO, np.where(hidden, HIDDEN, SHOWN)),
            "percent": percent,
        },
        index=cells.index,
    )


def safe_total(cells: pd.DataFrame, unit: str, policy: Policy) -> tuple[float, bool]:
    """The rounded total of a table, and whether it may be shown at all."""
    if cells.empty:
        return 0.0, False
    first = cells.iloc[[0]]
    totals = first[[c for c in first if str(c).startswith("total_")]]
    totals = totals.rename(columns=lambda name: str(name).removeprefix("total_"))
    shown = bool(large_enough(totals, unit, policy)[0])
    return float(round_count(totals[unit].iloc[0], policy)), shown


def large_enough(cells: pd.DataFrame, unit: str, policy: Policy) -> NDArray[np.bool_]:
    """True where the count itself may be shown, whatever stands beside it."""
    if unit == "people":
        return enough_people(cells["people"], policy)
    return enough_incidents(
        cells["incidents"], cells["people"], cells["largest"], cells["largest_two"], policy
    )


def enough_left(cells: pd.DataFrame, unit: str, policy: Policy) -> NDArray[np.bool_]:
    """True where what a table holds beside a cell could itself be shown."""
    left = cells[f"total_{unit}"].to_numpy(dtype=float) - cells[unit].to_numpy(dtype=float)
    return left >= policy.threshold


def hide_second_cells(
    cells: pd.DataFrame,
    by: list[str],
    unit: str,
    hidden: NDArray[np.bool_],
    zero: NDArray[np.bool_],
    policy: Policy,
) -> NDArray[np.bool_]:
    """Hide further cells until what a line hides could itself be shown.

    The hidden cells of a line are known together, as the total less what is shown. So in each
    line with one hidden cell, or whose hidden cells together break a rule, the smallest open cell
    is hidden too (the first of equals), until nothing changes: few cells, found the same way
    each time, not the fewest possible.
    """
    hidden = hidden.copy()
    count = cells[unit].to_numpy(dtype=float)
    lines = [members for name in by for members in _lines(cells[by], name)]
    changed = True
    while changed:
        changed = False
        for line in lines:
            inside = line[hidden[line]]
            exposed = len(inside) == 1 or not _may_be_known(cells.iloc[inside], unit, policy)
            candidates = line[~hidden[line] & ~zero[line]]
            if len(inside) and exposed and len(candidates):
                hidden[candidates[np.argmin(count[candidates])]] = True
                changed = True
    return hidden


def _may_be_known(cells: pd.DataFrame, unit: str, policy: Policy) -> bool:
    """Whether the sum of several cells could be shown, at the worst that their summaries allow.

    The same people may stand in several cells, so the people of the sum are at least those of
    the fullest cell, and what its largest hold is at most what the cells' largest hold together.
    """
    if unit == "people":
        return bool(cells["people"].sum() >= policy.threshold)
    together = cells[["incidents", "largest", "largest_two"]].sum()
    return bool(
        enough_incidents(
            together["incidents"],
            cells["people"].max() if len(cells) else 0,
            together["largest"],
            together["largest_two"],
            policy,
        )
    )


def _lines(keys: pd.DataFrame, along: str) -> list[NDArray[np.int64]]:
    others = [name for name in keys.columns if name != along]
    if not others:
        return [np.arange(len(keys))]
    positions = keys.reset_index(drop=True).groupby(others, observed=True, sort=False).indices
    return [np.asarray(members, dtype=np.int64) for members in positions.values()]
