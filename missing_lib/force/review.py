"""Who may be one person under two identifiers; a list for people to look at, never a merge."""

from __future__ import annotations

import pandas as pd

#: What two rows of one person would share.
ALIKE = ["birth_date", "sex", "ethnicity_self"]
YEAR = 365.25


def same_person_groups(persons: pd.DataFrame) -> pd.Series:
    """Groups of persons who agree in birth date, sex and self-stated ethnicity.

    Persons without birth date or sex are in no group, nor are those born on 1 January, a day
    that stands for unknown ones.

    Parameters
    ----------
    persons : DataFrame
        Canonical persons, one row each.

    Returns
    -------
    Series of int
        Number of the group, by index of the row; only rows that share theirs.
    """
    birth = persons["birth_date"]
    new_year = (birth.dt.month == 1) & (birth.dt.day == 1)
    clear = persons[birth.notna() & persons["sex"].notna() & ~new_year][ALIKE].astype(str)
    shared = clear[clear.duplicated(keep=False)]
    return shared.groupby(ALIKE).ngroup().astype("int64")


def pairs_by_chance(persons: pd.DataFrame) -> float:
    """How many pairs would agree if birthdays of different people fell by chance.

    Of n persons of one sex, ethnicity and year of birth, n (n - 1) / 2 pairs share a birthday
    with probability 1 / 365.25 each.

    Examples
    --------
    >>> one = pd.DataFrame({"birth_date": pd.to_datetime(["2004-05-01"] * 3), "sex": "male",
    ...                     "ethnicity_self": "white"})
    >>> round(pairs_by_chance(one), 4)
    0.0082
    """
    clear = persons[persons["birth_date"].notna() & persons["sex"].notna()]
    alike = [clear["birth_date"].dt.year, *(clear[name].astype(str) for name in ALIKE[1:])]
    n = clear.groupby(alike).size()
    return float((n * (n - 1)).sum() / 2 / YEAR)
