"""Cells of a table of incidents, with what a disclosure rule needs to know of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Table:
    """A table of counts before the policy, with the incidents that it counts.

    Attributes
    ----------
    by : tuple of str
        Columns that span the table.
    cells : DataFrame
        One row per combination of levels, zero cells included: ``by``, ``incidents``,
        ``people``, ``largest`` and ``largest_two`` (incidents of the one and of the two people
        with most in the cell), and in every row the same of the whole table, each person
        once: ``total_incidents``, ``total_people``, ``total_largest``, ``total_largest_two``.
    rows : DataFrame
        One row per incident that is in some cell: ``incident_id``, ``person_id`` and ``cell``,
        the position in ``cells``.
    """

    by: tuple[str, ...]
    cells: pd.DataFrame
    rows: pd.DataFrame


def tabulate(rows: pd.DataFrame, by: list[str]) -> Table:
    """Count incidents and people in every cell of a table.

    Parameters
    ----------
    rows : DataFrame
        One row per incident with ``incident_id``, ``person_id`` and the categorical columns
        ``by``, whose categories are the code book: all of them become cells. Rows with a
        missing key belong to no cell.
    by : list of str
        Columns that span the table.

    Returns
    -------
    Table

    Raises
    ------
    TypeError
        If a column of ``by`` is not categorical: a level that nobody has would be left out, and
        its absence would tell that nobody has it.

    Examples
    --------
    >>> sex = pd.Categorical(["f", "f", "f"], categories=["f", "m"])
    >>> rows = pd.DataFrame({"incident_id": [1, 2, 3], "person_id": ["a", "a", "b"], "sex": sex})
    >>> tabulate(rows, ["sex"]).cells[["incidents", "people", "largest"]].to_numpy().tolist()
    [[3, 2, 2], [0, 0, 0]]
    """
    plain = [n for n in by if not isinstance(rows[n].dtype, pd.CategoricalDtype)]
    if plain:
        raise TypeError(
            f"no code book for {', '.join(plain)}: make it categorical, with all levels named"
        )
    known = rows.dropna(subset=by)
    per_person = (
        known.groupby([*by, "person_id"], observed=True).size().rename("incidents").reset_index()
    )
    ranked = per_person.sort_values("incidents", ascending=False, kind="stable")
    cells = ranked.groupby(by, observed=True)["incidents"]
    summary = pd.DataFrame(
        {
            "incidents": cells.sum(),
            "people": cells.size(),
            "largest": cells.max(),
            "largest_two": ranked.groupby(by, observed=True)
            .head(2)
            .groupby(by, observed=True)["incidents"]
            .sum(),
        }
    )
    every = _every_combination(rows, by)
    table = summary.reindex(every, fill_value=0).astype("int64").reset_index()
    totals = known.groupby("person_id", observed=True).size().sort_values(ascending=False)
    return Table(
        by=tuple(by),
        cells=table.assign(
            total_incidents=len(known),
            total_people=len(totals),
            total_largest=int(totals.iloc[:1].sum()),
            total_largest_two=int(totals.iloc[:2].sum()),
        ),
        rows=known[["incident_id", "person_id"]]
        .assign(cell=_positions(known, by))
        .reset_index(drop=True),
    )


def _positions(known: pd.DataFrame, by: list[str]) -> NDArray[np.intp]:
    """Position of each row's cell among all combinations of levels, the last column fastest."""
    codes = [known[name].cat.codes.to_numpy(dtype=np.intp) for name in by]
    levels = [len(known[name].cat.categories) for name in by]
    return np.asarray(np.ravel_multi_index(tuple(codes), tuple(levels)), dtype=np.intp)


def _every_combination(rows: pd.DataFrame, by: list[str]) -> pd.Index:
    levels = [
        pd.CategoricalIndex(rows[name].cat.categories, rows[name].cat.categories, name=name)
        for name in by
    ]
    return pd.MultiIndex.from_product(levels, names=by) if len(by) > 1 else levels[0]
