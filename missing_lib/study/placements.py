"""Homes that people shared before the study began, as far as recorded ties tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from missing_lib.study.cohort import Cohort

#: Type of tie between people in one placement.
SAME_PLACEMENT = "same_placement"


def shared_homes(cohort: Cohort) -> pd.Series:
    """The home of everybody whom a tie of one placement joins to others before the landmark.

    Where A was placed with B, and B with C, the three have one home.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    Series of int, indexed by ``person_id``
        Number of the home, from 0; people without such a tie are not in it.
    """
    ties = cohort.ties
    wanted = (ties["tie_type"] == SAME_PLACEMENT) & (ties["first_seen"] < cohort.start)
    found = ties.loc[wanted.fillna(False), ["person_a", "person_b"]].dropna()
    return components(found).rename("home")


def components(pairs: pd.DataFrame) -> pd.Series:
    """Number of the connected component of everybody in the pairs, by ``person_id``.

    Examples
    --------
    >>> pairs = pd.DataFrame({"person_a": ["a", "c", "b"], "person_b": ["b", "d", "e"]})
    >>> components(pairs).to_dict()
    {'a': 0, 'b': 0, 'c': 1, 'd': 1, 'e': 0}
    """
    ends = pd.concat([pairs["person_a"], pairs["person_b"]]).astype(object)
    place, names = pd.factorize(ends, sort=True)
    half = len(pairs)
    links = (np.ones(half), (place[:half], place[half:]))
    _, label = connected_components(coo_array(links, shape=(len(names),) * 2), directed=False)
    return pd.Series(label.astype(np.int64), index=pd.Index(names, name="person_id"))
