"""Cells of a table of incidents, with what a disclosure rule needs to know of each."""

from __future__ import annotations

import pandas as pd


def tabulate(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Count incidents and people in every cell of a table.

    Parameters
    ----------
    rows : DataFrame
        One row per incident with ``person_id`` and the categorical columns ``by``, whose
        categories are the code book: all of them become cells. Rows with a missing key belong
        to no cell.
    by : list of str
        Columns that span the table.

    Returns
    -------
    DataFrame
        One row per combination of levels, zero cells included: ``by``, ``incidents``,
        ``people``, ``largest`` and ``largest_two`` (incidents of the one and of the two people
        with most in the cell), and in every row the same of the whole table, each person
        once: ``total_incidents``, ``total_people``, ``total_largest``, ``total_largest_two``.

    Raises
    ------
    TypeError
        If a column of ``by`` is not categorical: a level that nobody has would be left out, and
        its absence would tell that nobody has it.

    Examples
    --------
    >>> sex = pd.Categorical(["f", "f", "f"], categories=["f", "m"])
    >>> rows = pd.DataFrame({"person_id": ["a", "a", "b"], "sex": sex})
    >>> tabulate(rows, ["sex"])[["incidents", "people", "largest"]].to_numpy().tolist()
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
    return table.assign(
        total_incidents=len(known),
        total_people=len(totals),
        total_largest=int(totals.iloc[:1].sum()),
        total_largest_two=int(totals.iloc[:2].sum()),
    )


def _every_combination(rows: pd.DataFrame, by: list[str]) -> pd.Index:
    levels = [
        pd.CategoricalIndex(rows[name].cat.categories, rows[name].cat.categories, name=name)
        for name in by
    ]
    return pd.MultiIndex.from_product(levels, names=by) if len(by) > 1 else levels[0]
