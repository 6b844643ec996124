"""Build the safe table of each kind of output: the frame for figures, the strings for the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.release import sheet
from missing_lib.release.cells import HIDDEN
from missing_lib.release.policy import Policy, enough_incidents, round_count, significant
from missing_lib.release.published import (
    HIDDEN_SHARE,
    NOT_AVAILABLE,
    p_text,
    percent_text,
    plain,
    value_text,
)

#: Shares of drawn worlds that may stand beside a share, and their headings.
COMPANIONS = {
    "chance": "By chance, %",
    "constant": "At one rate each, %",
    "constant_low": "from, %",
    "constant_high": "to, %",
}


@dataclass(frozen=True)
class Made:
    """A safe table.

    Attributes
    ----------
    frame : DataFrame
        Safe values, NaN where hidden, with the status of each in ``<column>_status``.
    header : list of str
    numeric : list of bool
        Columns set flush right.
    rows : list of list of str
        As printed; a hidden value, a true zero and "not available" read differently.
    notes : list of str
        Rules applied, for the reader.
    unit : str
        What is counted.
    filter : str
        What defines the cells, for the registry.
    sheet : Sheet
        The same for a machine, total row included.
    rule : str
        Kind of the output, by which the policy treats it; see ``cards.RULES``.
    hidden : int
        Number of hidden values.
    """

    frame: pd.DataFrame
    header: list[str]
    numeric: list[bool]
    rows: list[list[str]]
    notes: list[str]
    unit: str
    filter: str
    sheet: sheet.Sheet
    rule: str
    hidden: int = 0


def ratios(
    frame: pd.DataFrame, by: list[str], policy: Policy, labels: dict[str, str] | None
) -> Made:
    """Shares, each from its two rounded counts, hidden where few people stand behind one."""
    part, whole = round_count(frame["part"], policy), round_count(frame["whole"], policy)
    rest = frame["whole"] - frame["part"]
    people = frame[[c for c in ("part_people", "rest_people", "whole_people") if c in frame]]
    open_ = (
        (people.min(axis=1) >= policy.threshold)
        & (frame[["part", "whole"]].min(axis=1) >= policy.threshold)
        & (rest >= policy.threshold)
    ).to_numpy()
    if "part_largest" in frame:
        open_ &= enough_incidents(
            frame["part"],
            frame["part_people"],
            frame["part_largest"],
            frame["part_largest_two"],
            policy,
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.where(open_, np.floor(100 * part / whole + 0.5), np.nan)
    safe = frame[by].copy()
    safe["percent"] = percent
    safe["percent_status"] = sheet.statuses(percent, open_)
    values = ["percent"]
    header, numeric = [*headings(by, labels), "%"], [False] * len(by) + [True]
    cells = [[percent_cell(p, s)] for p, s in zip(percent, safe["percent_status"], strict=True)]
    for name in (c for c in COMPANIONS if c in frame):
        column = f"{name}_percent"
        safe[column] = np.where(open_, np.floor(100 * frame[name] + 0.5), np.nan)
        safe[sheet.status_column(column)] = sheet.statuses(safe[column], open_)
        values.append(column)
        header, numeric = [*header, COMPANIONS[name]], [*numeric, True]
        for cell, beside in zip(cells, safe[column], strict=True):
            cell.append("" if np.isnan(beside) else f"{beside:.0f}")
    keys = [[plain(v) for v in row] for row in frame[by].itertuples(index=False)]
    hidden = int((~open_).sum())
    notes = [f"Shares are computed from counts rounded to the nearest {policy.rounding}."]
    return Made(
        frame=safe.reset_index(drop=True),
        header=header,
        numeric=numeric,
        rows=[key + cell for key, cell in zip(keys, cells, strict=True)],
        notes=notes + ([hidden_note(policy)] if hidden else []),
        unit="share",
        filter=" x ".join(by),
        sheet=sheet.of_frame(safe, by, values),
        rule="ratios",
        hidden=hidden,
    )


def estimates(frame: pd.DataFrame, scale: str, policy: Policy) -> Made:
    """Regression estimates without intercept, fit statistics or exact numbers."""
    open_ = (frame[["people", "events"]].min(axis=1) >= policy.threshold).to_numpy()
    numbers = [c for c in ("estimate", "lower", "upper", "p_holm") if c in frame]
    words = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    safe = frame[[*words, *numbers]].reset_index(drop=True)
    for column in numbers:
        safe[column] = [
            significant(float(v)) if ok else np.nan
            for v, ok in zip(safe[column], open_, strict=True)
        ]
        safe[sheet.status_column(column)] = sheet.statuses(safe[column], open_)
    keys = words
    header = [plain(k).capitalize() for k in keys] + [scale.capitalize(), "95 % interval"]
    rows = []
    for row, ok in zip(safe.to_dict("records"), open_, strict=True):
        line = [plain(row[k]) for k in keys]
        if not ok:
            line += [HIDDEN_SHARE, ""]
        else:
            bounds = f"{value_text(row['lower'])} to {value_text(row['upper'])}"
            known = not np.isnan(row["estimate"])
            line += [value_text(row["estimate"]), bounds if known else ""]
        if "p_holm" in numbers:
            line.append(p_text(row["p_holm"]) if ok else "")
        rows.append(line)
    if "p_holm" in numbers:
        header.append("p (Holm)")
    return Made(
        frame=safe,
        header=header,
        numeric=[False] * len(keys) + [True] * (len(header) - len(keys)),
        rows=rows,
        notes=["Two significant digits; levels that few people or events carry are not shown."],
        unit="estimate",
        filter="model terms",
        sheet=sheet.of_frame(safe, words, numbers),
        rule="estimates",
        hidden=int((~open_).sum()),
    )


def of_rounded(
    frame: pd.DataFrame,
    of: tuple[str, str],
    interval: Callable[[float, float], tuple[float, float]],
    policy: Policy,
) -> pd.DataFrame:
    """The same rows with ``share``, ``lower`` and ``upper`` from the two counts, rounded.

    Three whole per cent from exact counts are often those of one pair of counts only.
    """
    part, whole = (round_count(frame[column], policy) for column in of)
    bounds = [interval(float(p), float(w)) for p, w in zip(part, whole, strict=True)]
    return frame.assign(
        share=np.divide(part, whole, out=np.full(len(frame), np.nan), where=whole > 0),
        lower=[low for low, _ in bounds],
        upper=[high for _, high in bounds],
    )


def statistics(
    frame: pd.DataFrame,
    by: list[str],
    values: list[str],
    people: str,
    percent: bool,
    policy: Policy,
    labels: dict[str, str] | None,
    shown: list[str],
) -> Made:
    """Statistics by row, hidden where a row rests on few people."""
    open_ = (frame[people] >= policy.threshold).to_numpy()
    safe = frame[by].copy()
    for column in values:
        given = frame[column].astype(float)
        safe[column] = [
            (np.floor(100 * v + 0.5) / 100 if percent else significant(v)) if ok else np.nan
            for v, ok in zip(given, open_, strict=True)
        ]
        safe[sheet.status_column(column)] = sheet.statuses(safe[column], open_)
    rows = []
    for row, ok in zip(safe.to_dict("records"), open_, strict=True):
        line = [plain(row[k]) for k in shown]
        line += [_statistic_cell(row[v], ok, percent) for v in values]
        rows.append(line)
    hidden = int((~open_).sum())
    rule = "Whole per cent." if percent else "Two significant digits."
    return Made(
        frame=safe.reset_index(drop=True),
        header=headings(shown + values, labels),
        numeric=[False] * len(shown) + [True] * len(values),
        rows=rows,
        notes=[rule] + ([hidden_note(policy)] if hidden else []),
        unit="statistic",
        filter=" x ".join(by),
        sheet=sheet.of_frame(safe, by, values),
        rule="statistics",
        hidden=hidden,
    )


def unchanged(
    frame: pd.DataFrame,
    labels: dict[str, str] | None,
    rule: str,
    note: str = "",
    as_written: bool = False,
    hides: bool = False,
) -> Made:
    """A table that holds no data of the force but what is published already, as it is.

    ``as_written`` keeps the underscores of names that a reader has to type. A value that is not
    there is one that a rule hides if what the table was computed from ``hides`` some.
    """
    nothing = HIDDEN_SHARE if hides else NOT_AVAILABLE
    rows = [
        [
            nothing if pd.isna(v) else v if as_written and isinstance(v, str) else plain(v)
            for v in row
        ]
        for row in frame.itertuples(index=False)
    ]
    numeric = [pd.api.types.is_numeric_dtype(frame[c]) for c in frame.columns]
    made = sheet.of_public(frame, HIDDEN if hides else sheet.NOT_APPLICABLE)
    return Made(
        frame=frame.reset_index(drop=True),
        header=headings(list(frame.columns), labels),
        numeric=numeric,
        rows=rows,
        notes=[note] if note else [],
        unit="none",
        filter="public",
        sheet=made,
        rule=rule,
        hidden=len(sheet.hidden_cells(made.record)) if hides else 0,
    )


def headings(names: list[str], labels: dict[str, str] | None) -> list[str]:
    """Headings of columns, in words of the chapter where it gives them."""
    given = labels or {}
    return [given.get(n, plain(n)[:1].upper() + plain(n)[1:]) for n in names]


def percent_cell(percent: float, status: str) -> str:
    """Whole per cent as printed."""
    if status == HIDDEN:
        return "hidden"
    return "" if np.isnan(percent) else f"{percent:.0f}"


def _statistic_cell(value: float, shown: bool, percent: bool) -> str:
    if not shown:
        return HIDDEN_SHARE
    if np.isnan(value):
        return NOT_AVAILABLE
    return percent_text(value) if percent else value_text(value)


def hidden_note(policy: Policy) -> str:
    """Why values of a table are hidden."""
    return (
        f"Hidden: fewer than {policy.threshold} people or incidents, one or two people who "
        "dominate, or a cell that would give such a one away."
    )
