"""Stand-ins for rows of the extract, whose identifiers no table of counts of rows knows.

Only the numbers are known: how many rows of a table came in, and what became of them. The
stand-ins are made from names and positions so that the sets relate to each other exactly as the
rows did, in every edition of a force alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from missing_lib.release.counted import Members, hashed

#: What becomes of a row.
KEPT, MERGED, QUARANTINED = "kept", "merged", "quarantined"
FATES = (KEPT, MERGED, QUARANTINED)
#: Positions below a name.
_ROOM = np.uint64(32)


def parts(accounts: pd.DataFrame) -> dict[str, list[Members]]:
    """Rows that came in are those kept, those merged and those set aside, with none in two.

    Parameters
    ----------
    accounts : DataFrame
        ``table``, ``rows_in`` and :data:`FATES`, one row per source of a table.

    Returns
    -------
    dict of list of Members
        By column, one set per row.

    Raises
    ------
    ValueError
        If an account does not add up.
    """
    found: dict[str, list[Members]] = {name: [] for name in ("rows_in", *FATES)}
    used: dict[tuple[str, str], int] = {}
    for line in accounts.to_dict("records"):
        table, mine = str(line["table"]), []
        for fate in FATES:
            begin = used.get((table, fate), 0)
            used[table, fate] = begin + int(line[fate])
            mine.append(_block(table, fate, begin, begin + int(line[fate])))
            found[fate].append(mine[-1])
        found["rows_in"].append(_together(mine))
        if len(found["rows_in"][-1]) != line["rows_in"]:
            raise ValueError(f"the account of the rows of {table} does not add up")
    return found


def chain(ledger: pd.DataFrame) -> dict[str, list[Members]]:
    """Each rule finds the rows that the one before left, and takes some away or none.

    A rule that merges or sets aside takes a block of them; the last rule leaves what
    :func:`parts` calls kept. A rule that only looks touches some at random, always the same:
    which rows it shares with other rules is not known.

    Parameters
    ----------
    ledger : DataFrame
        ``table``, ``rule``, ``action``, ``before``, ``touched``, ``after``, in the order in which
        the rules of each table were applied.

    Returns
    -------
    dict of list of Members
        By column (``before``, ``touched``, ``after``), one set per row.

    Raises
    ------
    ValueError
        If a rule begins with other rows than the one before it left.
    """
    sets: dict[int, tuple[Members, Members, Members]] = {}
    for table, lines in ledger.reset_index(drop=True).groupby("table", sort=False):
        sets |= _of_table(str(table), lines)
    ordered = [sets[at] for at in range(len(ledger))]
    names = ("before", "touched", "after")
    return {name: [one[place] for one in ordered] for place, name in enumerate(names)}


#: How the columns of a table of rows relate, by the name that a chapter gives.
RELATIONS: dict[str, Callable[[pd.DataFrame], dict[str, list[Members]]]] = {
    "parts": parts,
    "chain": chain,
}


def related(frame: pd.DataFrame, relation: str) -> dict[str, list[Members]]:
    """The sets behind a table of rows.

    Raises
    ------
    ValueError
        If there is no such relation.
    """
    if relation not in RELATIONS:
        raise ValueError(f"no relation {relation!r}; there are: {', '.join(RELATIONS)}")
    return RELATIONS[relation](frame)


def _of_table(table: str, lines: pd.DataFrame) -> dict[int, tuple[Members, Members, Members]]:
    """Rows before, touched and after, by position of the rule in the ledger."""
    taken = {fate: lines.loc[lines["action"] == fate, "touched"] for fate in FATES[1:]}
    left = _together(
        [
            _block(table, KEPT, 0, int(lines["after"].iloc[-1])),
            *(_block(table, fate, 0, int(touched.sum())) for fate, touched in taken.items()),
        ]
    )
    found = {}
    used = dict.fromkeys(FATES, 0)
    for at, line in lines.iterrows():
        before, fate, number = left, str(line["action"]), int(line["touched"])
        if fate in taken:
            touched = _block(table, fate, used[fate], used[fate] + number)
            used[fate] += number
            left = np.setdiff1d(before, touched, assume_unique=True)
        else:
            touched = _some(before, number, f"{table}/{line['rule']}")
        if (len(before), len(left)) != (line["before"], line["after"]):
            raise ValueError(f"the ledger of {table} breaks off at the rule {line['rule']}")
        found[int(str(at))] = (before, touched, left)
    return found


def _block(table: str, fate: str, begin: int, end: int) -> Members:
    """Rows of one fate by position; a name takes the upper half of a stand-in, sorted so."""
    (name,) = hashed([f"{table}/{fate}"])
    return ((name >> _ROOM) << _ROOM) + np.arange(begin, end, dtype=np.uint64)


def _together(sets: list[Members]) -> Members:
    return np.sort(np.concatenate(sets))


def _some(rows: Members, number: int, seed: str) -> Members:
    (start,) = hashed([seed])
    chosen = np.random.default_rng(int(start)).choice(rows, number, replace=False)
    return np.sort(chosen)
