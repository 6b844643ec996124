"""Build the safe tables of counts: of people and incidents, and of rows of the extract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from missing_lib.release import sheet
from missing_lib.release.cells import HIDDEN, SHOWN, STRUCTURAL_ZERO, safe_counts, safe_total
from missing_lib.release.counted import ALL_RECORDED, KEPT
from missing_lib.release.mends import Mend
from missing_lib.release.policy import Policy, round_count
from missing_lib.release.published import NOT_AVAILABLE, count_text, kept_text, plain
from missing_lib.release.tables import Made, headings, hidden_note, percent_cell

_KEPT_NOTE = (
    "Where a day stands beside a count, the count is that of an earlier release: what has changed "
    "since concerns too few people to be told."
)
_ZERO_NOTE = "0 stands only where no code of the force means the level, so that nobody can have it."


def counts(
    cells: pd.DataFrame,
    by: list[str],
    units: tuple[str, ...],
    policy: Policy,
    total: bool,
    structural_zeros: Any,
    labels: dict[str, str] | None,
    mends: Mapping[str, Mapping[str, Mend]],
) -> Made:
    """A table of counts with its percentages and, where wanted, its total row.

    ``mends`` are those of each unit by the label of the cell.
    """
    frame = cells[by].copy()
    columns: list[list[str]] = []
    header = headings(by, labels)
    hidden, kept = 0, False
    totals = {
        unit: mended_total(cells, unit, policy, mends[unit].get(ALL_RECORDED))
        for unit in (units if total and len(cells) else ())
    }
    for unit in units:
        safe = mended_counts(cells, by, unit, policy, structural_zeros, mends[unit])
        frame[unit] = safe["count"]
        frame[f"{unit}_status"] = safe["status"]
        frame[f"{unit}_percent"] = safe["percent"]
        columns.append(
            [_count_cell(c, s, since) for c, s, since in safe[["count", "status", "since"]].values]
        )
        columns.append(
            [percent_cell(p, s) for p, s in zip(safe["percent"], safe["status"], strict=True)]
        )
        header += [plain(unit).capitalize(), "%"]
        hidden += int((safe["status"] == HIDDEN).sum())
        kept |= bool((safe["status"] == KEPT).any())
    keys = [[plain(v) for v in row] for row in cells[by].itertuples(index=False)]
    rows = [key + [column[i] for column in columns] for i, key in enumerate(keys)]
    if totals:
        printed = [t for one in totals.values() for t in (_count_cell(*one), "")]
        rows.append([ALL_RECORDED, *[""] * (len(by) - 1), *printed])
    return Made(
        frame=frame.reset_index(drop=True),
        header=header,
        numeric=[False] * len(by) + [True] * (2 * len(units)),
        rows=rows,
        notes=[_rounding_note(policy)]
        + ([hidden_note(policy)] if hidden else [])
        + ([_ZERO_NOTE] if np.any(structural_zeros) else [])
        + ([_KEPT_NOTE] if kept else []),
        unit="/".join(units),
        filter=" x ".join(by),
        sheet=sheet.of_counts(
            frame,
            by,
            units,
            {unit: (value, status) for unit, (value, status, _) in totals.items()},
        ),
        rule="counts",
        hidden=hidden,
    )


def mended_counts(
    cells: pd.DataFrame,
    by: list[str],
    unit: str,
    policy: Policy,
    structural_zeros: Any,
    mends: Mapping[str, Mend],
) -> pd.DataFrame:
    """Safe counts with the mends of the edition; ``since`` says of which day a kept value is."""
    mine = [mends.get(label) for label in cell_labels(cells[by])]
    aside = np.array([m is not None and m.value is None for m in mine], dtype=bool)
    safe = safe_counts(cells, by, unit, policy, structural_zeros, aside).reset_index(drop=True)
    safe["since"] = ""
    for place, mend in enumerate(mine):
        if mend is not None and mend.value is not None:
            safe.loc[place, list(safe)] = [mend.value, KEPT, np.nan, mend.since]
    return safe.set_index(cells.index)


def mended_total(
    cells: pd.DataFrame, unit: str, policy: Policy, mend: Mend | None
) -> tuple[float, str, str]:
    """Value, status and day of the total of a table, with a mend where there is one."""
    value, shown = safe_total(cells, unit, policy)
    if mend is not None and mend.value is not None:
        return mend.value, KEPT, mend.since
    return (value, SHOWN, "") if shown and mend is None else (np.nan, HIDDEN, "")


def cell_labels(keys: pd.DataFrame) -> list[str]:
    """Levels of each cell in words, joined by a comma."""
    return [", ".join(plain(level) for level in row) for row in keys.itertuples(index=False)]


def row_counts(
    frame: pd.DataFrame,
    values: list[str],
    by: list[str],
    policy: Policy,
    labels: dict[str, str] | None,
    mends: Mapping[str, Mend],
) -> Made:
    """Counts of rows, rounded, or "fewer than" the threshold.

    Rows in and rows kept are rounded each by itself, so their difference tells no more than
    that few were merged or set aside.
    """
    given = frame[values].to_numpy(dtype=float)
    few = given < policy.threshold
    lines = cell_labels(frame[by])
    aside = np.array([[row_label(line, v) in mends for v in values] for line in lines], dtype=bool)
    rounded = np.where(few | aside, np.nan, round_count(given, policy))
    safe = frame[by].copy()
    for i, column in enumerate(values):
        safe[column] = rounded[:, i]
        known = np.where(np.isnan(given[:, i]), sheet.NOT_APPLICABLE, SHOWN)
        small = np.where(few[:, i], sheet.fewer(policy.threshold), known)
        safe[sheet.status_column(column)] = np.where(aside[:, i], HIDDEN, small)
    rows = [
        [plain(v) for v in key] + [_row_cell(row[v], row[sheet.status_column(v)]) for v in values]
        for key, row in zip(frame[by].itertuples(index=False), safe.to_dict("records"), strict=True)
    ]
    notes = [f"Counts of rows are rounded to the nearest {policy.rounding}."]
    return Made(
        frame=safe.reset_index(drop=True),
        header=headings(by + values, labels),
        numeric=[False] * len(by) + [True] * len(values),
        rows=rows,
        notes=notes,
        unit="row",
        filter=" x ".join(by),
        sheet=sheet.of_frame(safe, by, values),
        rule="rows",
        hidden=int((few | aside).sum()),
    )


def _count_cell(count: float, status: str, since: str) -> str:
    if status == HIDDEN:
        return "hidden"
    if status == KEPT:
        return kept_text(count, since)
    return "0" if status == STRUCTURAL_ZERO else count_text(count)


def row_label(line: str, column: str) -> str:
    """What a count of rows counts, in words."""
    return f"{line}, {plain(column)}"


def _row_cell(count: float, status: str) -> str:
    if status == sheet.NOT_APPLICABLE:
        return NOT_AVAILABLE
    return status if np.isnan(count) else count_text(count)


def _rounding_note(policy: Policy) -> str:
    return (
        f"Counts are rounded to the nearest {policy.rounding}; "
        "totals are rounded by themselves, so rows may not add up."
    )
