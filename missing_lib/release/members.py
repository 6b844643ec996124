"""What was published, with the set behind each count: from a table, a number or rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from missing_lib.release import sheet
from missing_lib.release.count_tables import cell_labels, mended_total, row_label
from missing_lib.release.counted import (
    ALL_RECORDED,
    FEW,
    HIDDEN,
    INCIDENT,
    KEPT,
    PERSON,
    ROW,
    SHOWN,
    Cell,
    Counted,
    Members,
    Tabulated,
    hashed,
)
from missing_lib.release.mends import Mend
from missing_lib.release.policy import Policy
from missing_lib.release.published import HIDDEN_SHARE, Number
from missing_lib.release.tables import Made

#: Unit and identifier of what a table counts.
UNITS = {"people": (PERSON, "person_id"), "incidents": (INCIDENT, "incident_id")}


def incidents_by_person(rows: pd.DataFrame) -> pd.Series:
    """Number of incidents of each person.

    Parameters
    ----------
    rows : DataFrame
        ``incident_id`` and ``person_id``, one row per incident.

    Raises
    ------
    ValueError
        If a row has no identifier, or an incident has two rows.
    """
    ids = rows[["incident_id", "person_id"]]
    if ids.isna().to_numpy().any():
        raise ValueError("a count of incidents needs the identifiers of incident and person")
    if ids["incident_id"].duplicated().any():
        raise ValueError("a count of incidents holds an incident twice")
    return ids.groupby("person_id", observed=True).size()


def of_number(chapter: str, number: Number, ids: Iterable[Any], policy: Policy) -> Counted:
    """A number in a sentence and the set that it counts."""
    members = hashed(ids)
    few = FEW if number.text != HIDDEN_SHARE else HIDDEN
    shown = KEPT if number.since else SHOWN
    cell = Cell("", few if number.hidden else shown, number.value, len(members))
    return Counted(chapter, number.name, number.unit, (), (cell,), (members,))


def of_table(
    chapter: str,
    output: str,
    table: Tabulated,
    safe: pd.DataFrame,
    unit: str,
    policy: Policy,
    total: bool,
    mends: Mapping[str, Mend],
) -> Counted:
    """The counts of one unit in a table.

    Parameters
    ----------
    safe : DataFrame
        As published: ``unit`` and its status, one row per cell.
    unit : {"people", "incidents"}
    total : bool
        Whether the table has a row for all its cells.
    """
    name, column = UNITS[unit]
    ids = dict(iter(table.rows.groupby("cell")[column]))
    members = [hashed(ids.get(place, ())) for place in range(len(safe))]
    cells = [
        Cell(label, status, float(value), len(mine))
        for label, status, value, mine in zip(
            cell_labels(safe[list(table.by)]),
            safe[f"{unit}_status"],
            safe[unit],
            members,
            strict=True,
        )
    ]
    if total and cells:
        value, status, _ = mended_total(table.cells, unit, policy, mends.get(ALL_RECORDED))
        members.append(hashed(table.rows[column]))
        cells.append(Cell(ALL_RECORDED, status, value, len(members[-1])))
    return Counted(chapter, output, name, tuple(table.by), tuple(cells), tuple(members))


def of_rows(
    chapter: str, output: str, by: list[str], made: Made, sets: dict[str, list[Members]]
) -> Counted:
    """The counts of a table of rows of the extract, line by line.

    Parameters
    ----------
    by : list of str
        Columns that say which line it is.
    sets : dict of list of Members
        By column of counts, one set per line.
    """
    cells, members = [], []
    for place, label in enumerate(cell_labels(made.frame[by])):
        for column, of_column in sets.items():
            value, mine = float(made.frame[column].iloc[place]), of_column[place]
            said = made.frame[sheet.status_column(column)].iloc[place]
            status = FEW if said.startswith("fewer") else said
            cells.append(Cell(row_label(label, column), status, value, len(mine)))
            members.append(mine)
    return Counted(chapter, output, ROW, (), tuple(cells), tuple(members))


def beside_official(
    chapter: str, output: str, by: list[str], made: Made, frame: pd.DataFrame
) -> list[Counted]:
    """Own counts that stand beside official ones, by unit.

    Parameters
    ----------
    frame : DataFrame
        ``unit`` and ``members``, the identifiers of those counted, in the order of ``made``.
    """
    found = []
    sets = [hashed(ids) for ids in frame["members"]]
    values = made.frame["own"].to_numpy(dtype=float)
    labels = cell_labels(made.frame[by])
    for unit in frame["unit"].unique():
        places = np.flatnonzero(frame["unit"] == unit)
        cells = tuple(
            Cell(labels[at], HIDDEN if np.isnan(values[at]) else SHOWN, values[at], len(sets[at]))
            for at in places
        )
        mine = tuple(sets[at] for at in places)
        found.append(Counted(chapter, output, unit, (), cells, mine))
    return found
