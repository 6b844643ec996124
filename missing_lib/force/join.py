"""Bring columns of another agency's file to the rows that have the same key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from missing_lib.force.errors import ContractError, near_column
from missing_lib.force.origin import Join
from missing_lib.force.typed import TEXT

_GLUE = "\x1f"


@dataclass(frozen=True)
class Joined:
    """Rows with the columns that a join brought.

    Attributes
    ----------
    rows : DataFrame of str
        As many as before; a column that is brought is empty where nothing matches.
    notes : list of str
        Rows without a match, and rows that share one, counted.
    """

    rows: pd.DataFrame
    notes: list[str]


def joined(rows: pd.DataFrame, other: pd.DataFrame, join: Join, label: str, where: str) -> Joined:
    """Join on keys that must be unique in the other file.

    Parameters
    ----------
    rows, other : DataFrame of str
    join : Join
        Keys and columns.
    label, where : str
        What messages call the rows, and the place of the join in the force file.

    Raises
    ------
    ContractError
        If a column is not there or already there, or rows of the other file have one key and
        say different things.
    """
    brought = _brought(rows, other, join, label, where)
    theirs = _keys(other, list(join.on))
    mine = _keys(rows, list(join.on.values()))
    given = other[list(brought)].set_axis(list(brought.values()), axis=1).assign(_key=theirs)
    given = given[theirs != ""]
    again = given.duplicated()
    given = given[~again]
    twice = given["_key"].duplicated(keep=False)
    if twice.any():
        number = given.loc[twice, "_key"].nunique()
        said = f"keys for which {join.label} has several rows that differ: {number}"
        raise ContractError([f"{where}: {said}; one row per key is needed"])
    index = pd.Index(given["_key"])
    place = index.get_indexer(pd.Index(mine))
    found = place >= 0
    out = rows.copy(deep=False)
    for name in brought.values():
        values = given[name].take(place.clip(0)) if len(given) else pd.Series("", rows.index, TEXT)
        out[name] = pd.Series(values.array, index=rows.index).where(found, "").astype(TEXT)
    unused = len(index) - len(set(place[found]))
    sharing = int(pd.Series(place[found]).duplicated(keep=False).sum())
    notes = [
        ((~found).sum(), f"rows without a match in {join.label}: {(~found).sum():,} of"
         f" {len(rows):,}"),
        (unused, f"rows of {join.label} that match none: {unused:,} of {len(index):,}"),
        (sharing, f"rows that share a row of {join.label} with another: {sharing:,}"),
        (again.sum(), f"rows of {join.label} that are there again: {again.sum():,}"),
        ((theirs == "").sum(), f"rows of {join.label} without a key: {(theirs == '').sum():,}"),
    ]  # fmt: skip
    return Joined(out, [note for there, note in notes if there])


def _keys(rows: pd.DataFrame, names: list[str]) -> pd.Series:
    """The key of each row; empty where any part of it is."""
    parts = [rows[name].str.strip() for name in names]
    key, empty = parts[0], parts[0] == ""
    for part in parts[1:]:
        key, empty = key + _GLUE + part, empty | (part == "")
    return key.mask(empty, "")


def _brought(
    rows: pd.DataFrame, other: pd.DataFrame, join: Join, label: str, where: str
) -> dict[str, str]:
    """Columns that are brought, each with its name here."""
    keys = [(f"on.{name}", name) for name in join.on]
    wanted = [*keys, *((f"columns.{name}", name) for name in join.columns or {})]
    problems = _absent(other, wanted, join.label, where)
    problems += _absent(rows, [(f"on.{t}", m) for t, m in join.on.items()], label, where)
    named = [str(n) for n in other.columns if n and n not in join.on]
    brought = dict(join.columns) if join.columns is not None else {n: n for n in named}
    problems += [
        f"{where}.columns: {label} has a column {name!r} already; write {{{origin!r}: new name}}"
        for origin, name in brought.items()
        if name in rows.columns and not problems
    ]
    if problems:
        raise ContractError(problems)
    return brought


def _absent(frame: pd.DataFrame, wanted: list[tuple[str, str]], label: str, at: str) -> list[str]:
    count = Counter(str(name) for name in frame.columns)
    lines = []
    for place, name in wanted:
        if not count[name]:
            near = near_column(name, count, [one for _, one in wanted])
            lines.append(f"{at}.{place}: {label} has no column {name!r}{near}")
        elif count[name] > 1:
            said = f"{label} has {count[name]} columns named {name!r}; rename one"
            lines.append(f"{at}.{place}: {said}")
    return lines
