"""What a safe table holds for a machine: its columns and, for every value, what it is.

Zero, hidden and not applicable are three things; a blank cell or a NaN cannot say which.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from missing_lib.release.cells import HIDDEN, SHOWN, STRUCTURAL_ZERO
from missing_lib.release.counted import ALL_RECORDED, KEPT

NOT_APPLICABLE = "not applicable"

#: Digits of a value that is no whole number: more than any rule leaves, fewer than rounding
#: errors need.
DIGITS = 6


@dataclass(frozen=True)
class Sheet:
    """A safe table, cell by cell.

    Attributes
    ----------
    columns : tuple of str
    cells : tuple of tuples, one per row
        Text in a column that says which row it is; in others a number, None where there is none.
    statuses : tuple of tuples of str, one per row
        Empty beside text. Beside a value :data:`SHOWN`, :data:`HIDDEN`, "fewer than" so many,
        :data:`STRUCTURAL_ZERO`, :data:`NOT_APPLICABLE`, or the words of an official source.
    """

    columns: tuple[str, ...]
    cells: tuple[tuple[str | float | None, ...], ...]
    statuses: tuple[tuple[str, ...], ...]

    @property
    def record(self) -> dict[str, Any]:
        """For the registry."""
        return {
            "columns": list(self.columns),
            "cells": [list(row) for row in self.cells],
            "statuses": [list(row) for row in self.statuses],
        }


def fewer(than: int) -> str:
    """Status of a count that is said to be below the threshold."""
    return f"fewer than {than}"


def statuses(values: ArrayLike, shown: ArrayLike) -> list[str]:
    """Status of each value of one column; what is neither hidden nor there does not apply.

    Examples
    --------
    >>> statuses([1.5, np.nan, np.nan], [True, True, False])
    ['shown', 'not applicable', 'hidden']
    """
    known = ~np.isnan(np.asarray(values, dtype=float))
    open_ = np.broadcast_to(np.asarray(shown, dtype=bool), known.shape)
    return [
        SHOWN if k else NOT_APPLICABLE if o else HIDDEN
        for k, o in zip(known.ravel(), open_.ravel(), strict=True)
    ]


def status_column(name: str) -> str:
    """Column of a safe frame that holds the statuses of another."""
    return f"{name}_status"


def hides(frame: pd.DataFrame) -> bool:
    """Whether a rule hides any value of a safe frame."""
    said = [c for c in frame if str(c).endswith("_status")]
    return bool(frame[said].isin([HIDDEN]).to_numpy().any())


def of_frame(frame: pd.DataFrame, by: Sequence[str], values: Sequence[str]) -> Sheet:
    """Sheet of a safe frame, in which each value has its :func:`status_column`.

    A value is left out where its status says that there is none, whatever a figure draws there.
    """
    cells, said = [], []
    for row in frame.to_dict("records"):
        given = [row[status_column(v)] for v in values]
        cells.append(
            (
                *(_text(row[k]) for k in by),
                *(_number(row[v], s) for v, s in zip(values, given, strict=True)),
            )
        )
        said.append((*("" for _ in by), *given))
    return Sheet((*by, *values), tuple(cells), tuple(said))


def of_counts(
    frame: pd.DataFrame,
    by: Sequence[str],
    units: Sequence[str],
    totals: Mapping[str, tuple[float, str]],
) -> Sheet:
    """Sheet of a table of counts with its percentages and, where ``totals`` are, its total row.

    Parameters
    ----------
    frame : DataFrame
        ``by`` and, for each unit, ``<unit>``, ``<unit>_status``, ``<unit>_percent``.
    totals : mapping
        Total of each unit as published, and its status.
    """
    values = [name for unit in units for name in (unit, f"{unit}_percent")]
    full = frame.copy()
    for unit in units:
        percent = f"{unit}_percent"
        said = full[status_column(unit)]
        unknown = full[percent].isna() & ~said.isin([HIDDEN, KEPT])
        full[status_column(percent)] = said.mask(unknown, HIDDEN).replace(KEPT, NOT_APPLICABLE)
    sheet = of_frame(full, by, values)
    if not totals:
        return sheet
    first = (ALL_RECORDED, *("" for _ in by[1:]))
    total: list[float | None] = []
    statuses_: list[str] = []
    for unit in units:
        value, status = totals[unit]
        total += [None if status == HIDDEN else float(value), None]
        statuses_ += [status, NOT_APPLICABLE]
    return Sheet(
        sheet.columns,
        (*sheet.cells, (*first, *total)),
        (*sheet.statuses, (*("" for _ in by), *statuses_)),
    )


def of_public(frame: pd.DataFrame, nothing: str = NOT_APPLICABLE) -> Sheet:
    """Sheet of a table that holds no data of the force.

    A column is one of values if it holds a number; a word in it, such as "withheld", is the
    status that the source gives.

    Parameters
    ----------
    nothing : str
        Status of a value that is not there.
    """
    values = {c for c in frame if any(_is_number(v) for v in frame[c])}
    cells, said = [], []
    for row in frame.itertuples(index=False):
        line: list[str | float | None] = []
        words: list[str] = []
        for column, value in zip(frame.columns, row, strict=True):
            status = _status(value, nothing) if column in values else ""
            line.append(_number(value, status) if status else _text(value))
            words.append(status)
        cells.append(tuple(line))
        said.append(tuple(words))
    return Sheet(tuple(str(c) for c in frame.columns), tuple(cells), tuple(said))


def with_rows(sheet: Sheet, keys: Sequence[Sequence[str]], status: str) -> Sheet:
    """Sheet with further rows that hold no value, all for the same reason."""
    width = len(sheet.columns)
    return Sheet(
        sheet.columns,
        (*sheet.cells, *((*k, *(None for _ in range(width - len(k)))) for k in keys)),
        (*sheet.statuses, *((*("" for _ in k), *[status] * (width - len(k))) for k in keys)),
    )


def hidden_cells(record: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Row and column of each value of a recorded sheet that is not shown because of a rule."""
    return [
        (row, column)
        for row, line in enumerate(record["statuses"])
        for column, status in enumerate(line)
        if status not in ("", SHOWN, STRUCTURAL_ZERO, NOT_APPLICABLE, KEPT)
    ]


def csv_column(record: Mapping[str, Any], column: int) -> int:
    """Where a column of a recorded sheet stands in its CSV."""
    return column + sum(c < column for c in _valued(record))


def _valued(record: Mapping[str, Any]) -> set[int]:
    """Columns with values; a table without rows has none."""
    return {c for line in record["statuses"] for c, status in enumerate(line) if status}


def csv_of(record: Mapping[str, Any]) -> str:
    """A recorded sheet as CSV; a column of statuses follows each column of values."""
    valued = _valued(record)
    header = [
        name
        for c, column in enumerate(record["columns"])
        for name in ([column, f"{column} status"] if c in valued else [column])
    ]
    lines = [
        [
            text
            for c, (cell, status) in enumerate(zip(cells, statuses_, strict=True))
            for text in ([_written(cell), status] if c in valued else [_written(cell)])
        ]
        for cells, statuses_ in zip(record["cells"], record["statuses"], strict=True)
    ]
    return written(header, lines)


def written(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """CSV text with the same line ends everywhere."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    return text.getvalue()


def number_text(value: float | None) -> str:
    """A number as it is written into a file, empty where there is none.

    Examples
    --------
    >>> number_text(8775.0), number_text(0.857142857), number_text(None)
    ('8775', '0.857143', '')
    """
    if value is None or math.isnan(value):
        return ""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.{DIGITS}g}"


def _written(cell: str | float | None) -> str:
    return cell if isinstance(cell, str) else number_text(cell)


def _status(value: Any, nothing: str) -> str:
    if isinstance(value, str):
        return value
    return nothing if pd.isna(value) else SHOWN


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def _number(value: Any, status: str) -> float | None:
    """A value rounded to so many digits that every machine writes the same."""
    if status not in (SHOWN, STRUCTURAL_ZERO, KEPT):
        return None
    given = float(value)
    return given if given.is_integer() else float(f"{given:.{DIGITS}g}")


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return number_text(float(value))
    return "" if value is None or value is pd.NaT or value is pd.NA else str(value)
