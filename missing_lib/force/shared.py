"""Ties made from rows that share a key: two people in one event, one address, one case."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.convert import Read, read_dates
from missing_lib.force.mapping import SharedTies
from missing_lib.force.typed import without_mark


def pairs(
    raw: pd.DataFrame, shared: SharedTies, time_zone: str, decimal: str = "."
) -> tuple[pd.DataFrame, Read, list[str]]:
    """Pairs of people who share a key, in canonical vocabulary.

    A pair is dated by the day on which the later of the two first appears under the key: before
    that day nobody could know of the tie.

    Parameters
    ----------
    raw : DataFrame of str
        One row per person under a key.
    shared : SharedTies
        Columns, type of tie, and the size above which a group makes no ties.
    time_zone : str
        Zone in which the force's days begin.
    decimal : {".", ","}
        Sign before the decimals of a day number.

    Returns
    -------
    rows : DataFrame of str
        ``person_a`` < ``person_b``, ``tie_type``, ``first_seen``, ``agency``; a pair occurs
        once for each key that it shares.
    dates : Read
        How the dates were read.
    caveats : list of str
        Rows that make no tie, counted by reason.
    """
    dates = read_dates(raw, shared.date, time_zone, decimal)
    rows = pd.DataFrame(
        {
            "key": without_mark(raw[shared.key].str.strip()),
            "person": without_mark(raw[shared.person].str.strip()),
            "date": dates.values,
        }
    )
    usable = (rows["key"] != "") & (rows["person"] != "") & rows["date"].notna()
    first = rows[usable].groupby(["key", "person"], as_index=False)["date"].min()
    size = first.groupby("key")["person"].transform("size")
    small = first[size.between(2, shared.largest_group)]
    both = small.merge(small, on="key", suffixes=("_a", "_b"))
    both = both[both["person_a"] < both["person_b"]].reset_index(drop=True)
    made = pd.DataFrame(
        {
            "person_a": both["person_a"],
            "person_b": both["person_b"],
            "tie_type": shared.tie_type,
            "first_seen": both[["date_a", "date_b"]].max(axis=1).dt.strftime("%Y-%m-%d"),
            "agency": shared.agency or "",
        },
        dtype=str,
    )
    alone = int(rows.loc[usable, "key"].isin(first.loc[size == 1, "key"]).sum())
    large = first[size > shared.largest_group]
    return made, dates, _notes(shared, int((~usable).sum()), alone, large)


def _notes(shared: SharedTies, unusable: int, alone: int, large: pd.DataFrame) -> list[str]:
    notes = []
    if alone:
        notes.append(f"ties: rows of people alone under their key, who have no tie: {alone}")
    if unusable:
        notes.append(f"ties: rows without key, person or date that make no tie: {unusable}")
    if len(large):
        notes.append(
            f"ties: groups of more than {shared.largest_group} people that make no ties, as "
            f"'largest_group' says: {large['key'].nunique()}, with {len(large)} memberships"
        )
    return notes
