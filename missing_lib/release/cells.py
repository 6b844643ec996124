"""Which cells of a table of counts may be shown: small ones, their complements, their lines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.release.policy import Policy, enough_incidents, enough_people, round_count

#: What a cell of a safe table can be.
SHOWN, HIDDEN, STRUCTURAL_ZERO = "shown", "hidden", "zero"


def safe_counts(
    cells: pd.DataFrame,
    by: list[str],
    unit: str,
    policy: Policy,
    structural_zeros: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Hide and round the counts of one unit in a table.

    Parameters
    ----------
    cells : DataFrame
        One row per cell with ``by``, ``people`` and, for incidents, ``incidents``, ``largest``,
        ``largest_two``; ``total_people`` and ``total_incidents`` hold the table's totals.
    by : list of str
        Columns that span the table; a line is all cells that agree in every column but one.
    unit : {"people", "incidents"}
    policy : Policy
    structural_zeros : array of bool, optional
        Cells that cannot hold anybody by definition; only these may be shown as zero.

    Returns
    -------
    DataFrame
        ``count`` (rounded; 0 for a structural zero, NaN where hidden), ``status`` and ``percent``
        (whole per cent of the rounded total; NaN where hidden), in the order of ``cells``.
    """
    count = cells[unit].to_numpy(dtype=float)
    zero = np.zeros(len(cells), dtype=bool) if structural_zeros is None else structural_zeros
    open_ = cell_is_large_enough(cells, unit, policy)
    total = float(cells[f"total_{unit}"].iloc[0]) if len(cells) else 0.0
    if unit == "people" or len(by) == 1:
        open_ &= total - count >= policy.threshold
    hidden = ~open_ & ~zero
    if total < policy.threshold:
        hidden = ~zero
    else:
        hidden = hide_second_cells(cells[by], count, hidden, zero, policy)
    shown_total = float(round_count(total, policy))
    rounded = np.where(zero, 0.0, np.where(hidden, np.nan, round_count(count, policy)))
    percent = np.floor(100 * rounded / shown_total + 0.5) if shown_total else rounded * np.nan
    return pd.DataFrame(
        {
            "count": rounded,
            "status": np.where(zero, STRUCTURAL_ZERO, np.where(hidden, HIDDEN, SHOWN)),
            "percent": percent,
        },
        index=cells.index,
    )


def cell_is_large_enough(cells: pd.DataFrame, unit: str, policy: Policy) -> NDArray[np.bool_]:
    """True where the count itself may be shown, whatever stands beside it."""
    if unit == "people":
        return enough_people(cells["people"], policy)
    return enough_incidents(
        cells["incidents"], cells["people"], cells["largest"], cells["largest_two"], policy
    )


def hide_second_cells(
    keys: pd.DataFrame,
    count: NDArray[np.float64],
    hidden: NDArray[np.bool_],
    zero: NDArray[np.bool_],
    policy: Policy,
) -> NDArray[np.bool_]:
    """Hide further cells until no line has exactly one hidden cell or a small hidden sum.

    In each line with one hidden cell, or whose hidden cells sum to less than the threshold,
    the smallest open cell is hidden too (the first of equals), until nothing changes: few
    cells, found the same way each time, not the fewest possible.
    """
    hidden = hidden.copy()
    lines = [
        np.asarray(list(members), dtype=int)
        for name in keys.columns
        for members in _lines(keys, name)
    ]
    changed = True
    while changed:
        changed = False
        for line in lines:
            inside = line[hidden[line]]
            exposed = len(inside) == 1 or (len(inside) > 1 and _sum_is_small(count[inside], policy))
            candidates = line[~hidden[line] & ~zero[line]]
            if exposed and len(candidates):
                hidden[candidates[np.argmin(count[candidates])]] = True
                changed = True
    return hidden


def _sum_is_small(counts: NDArray[np.float64], policy: Policy) -> bool:
    """The hidden cells of a line together are known as total minus shown: a small cell too."""
    return bool(counts.sum() < policy.threshold)


def _lines(keys: pd.DataFrame, along: str) -> list[NDArray[np.int64]]:
    others = [name for name in keys.columns if name != along]
    if not others:
        return [np.arange(len(keys))]
    positions = keys.reset_index(drop=True).groupby(others, observed=True, sort=False).indices
    return list(positions.values())
