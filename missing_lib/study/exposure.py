"""Peer exposure: how many acquaintances had an event shortly before."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


def recent_events_of_alters(
    persons: ArrayLike,
    times: ArrayLike,
    ties: pd.DataFrame,
    events: pd.DataFrame,
    within: float,
) -> NDArray[np.int64]:
    """Number of events of a person's alters from ``within`` before a time to just before it.

    Parameters
    ----------
    persons : array_like, shape (n,)
        Whose exposure.
    times : array_like, shape (n,)
        When, on the clock of the events.
    ties : DataFrame
        ``ego``, ``alter``: one row per direction. A tie of a person with themselves is no tie;
        a pair given twice counts once.
    events : DataFrame
        ``person``, ``time``.
    within : float
        h: an event at u counts at time t if t - h <= u < t.

    Returns
    -------
    ndarray of int, shape (n,)
        Own events never count, nor does one at the same time.

    Examples
    --------
    >>> ties = pd.DataFrame({"ego": ["a", "b"], "alter": ["b", "a"]})
    >>> events = pd.DataFrame({"person": ["b", "b", "a"], "time": [1.0, 3.0, 3.0]})
    >>> recent_events_of_alters(["a", "a"], [3, 4], ties, events, 14).tolist()
    [1, 2]
    """
    pairs = ties.loc[ties["ego"] != ties["alter"], ["ego", "alter"]].drop_duplicates()
    seen = pairs.merge(events, left_on="alter", right_on="person")
    who = pd.Index(pd.unique(pd.concat([pd.Series(np.asarray(persons)), seen["ego"]])))
    moments, place = np.unique(seen["time"].to_numpy(), return_inverse=True)
    width = len(moments) + 1
    keys = np.sort(who.get_indexer(seen["ego"]) * width + place)
    own = who.get_indexer(np.asarray(persons)) * width
    when = np.asarray(times, float)
    upto = np.searchsorted(keys, own + np.searchsorted(moments, when, side="left"))
    since = np.searchsorted(keys, own + np.searchsorted(moments, when - within, side="left"))
    return (upto - since).astype(np.int64)
