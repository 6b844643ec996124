"""What a tie is worth that comes from an event with many people.

Thirty people stopped at one party are tied 435 times over in one night, and hardly know each
other. The group of a tie are the two people and everybody whom records of the same type and the
same day tie to both. Where it holds more people than :data:`LARGEST_GROUP`, the tie counts for
less, or not at all. A day on which many unrelated records were entered makes no group.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from missing_lib.study.cohort import Cohort
from missing_lib.study.network import EPISODE_TIES, numbered, records_before

#: Most people in an event whose ties count in full.
LARGEST_GROUP = 10
#: What is done with ties from larger ones.
CROWDS = ("share", "leave out")


def weighted_ties(
    cohort: Cohort,
    crowds: str = "share",
    largest: int = LARGEST_GROUP,
    agency: str | None = None,
    leave_out: tuple[str, ...] = EPISODE_TIES,
    only: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """The pairs of :func:`.network.ties_before`, with what each is worth.

    Parameters
    ----------
    cohort : Cohort
    crowds : {"share", "leave out"}
        A tie of a group of more than ``largest`` people counts 1 / (people - 1), so that an
        event that ties everybody to everybody adds one connection to each (Newman 2001, doi
        10.1103/PhysRevE.64.016132), or is left out.
    largest : int
    agency, leave_out, only
        As for :func:`.network.ties_before`.

    Returns
    -------
    DataFrame
        ``person_a`` < ``person_b``, sorted, and ``weight``, above 0 and at most 1: the largest
        of the weights of a pair's records.

    Raises
    ------
    ValueError
        For another way with crowds.
    """
    if crowds not in CROWDS:
        raise ValueError(f"crowds is one of {', '.join(CROWDS)}")
    ties = records_before(cohort, agency, leave_out, only)
    first, second, names = numbered(ties)
    size = group_sizes(ties, first, second)
    weight = np.where(size > largest, 1.0 / np.maximum(size - 1, 1), 1.0)
    if crowds == "leave out":
        kept = size <= largest
        first, second, weight = first[kept], second[kept], weight[kept]
    pair = first * len(names) + second
    order = np.argsort(pair)
    begins = np.flatnonzero(np.diff(pair[order], prepend=-1) > 0)
    best = np.maximum.reduceat(weight[order], begins) if len(begins) else weight
    first, second = np.divmod(pair[order][begins], max(len(names), 1))
    return pd.DataFrame({"person_a": names[first], "person_b": names[second], "weight": best})


def group_sizes(
    ties: pd.DataFrame, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int64]:
    """People in the group of each record of a tie.

    Parameters
    ----------
    ties : DataFrame
        ``tie_type`` and ``first_seen``.
    first, second : int array, shape (ties,)
        The two people of each, by number.

    Returns
    -------
    int array, shape (ties,)
        2 and the number of people tied to both by records of the same type and day.
    """
    if ties.empty:
        return np.empty(0, np.int64)
    event = ties.groupby(["tie_type", "first_seen"], sort=False, observed=True, dropna=False)
    number = event.ngroup().to_numpy(np.int64) * (int(second.max()) + 1)
    # Everybody is another node in every event.
    place, ends = pd.factorize(np.concatenate([number + first, number + second]))
    one, two = place[: len(ties)], place[len(ties) :]
    both = (np.concatenate([one, two]), np.concatenate([two, one]))
    tied = csr_array((np.ones(2 * len(ties), np.int32), both), shape=(len(ends), len(ends)))
    tied.data[:] = 1
    shared = (tied @ tied).multiply(tied).tocoo()
    key = shared.row * np.int64(len(ends)) + shared.col
    order = np.argsort(key)
    key, common = np.append(key[order], -1), np.append(shared.data[order], 0)
    wanted = one * np.int64(len(ends)) + two
    at = np.searchsorted(key[:-1], wanted)
    return np.where(key[at] == wanted, common[at], 0).astype(np.int64) + 2


def weighted_connections(ties: pd.DataFrame) -> pd.Series:
    """Sum of the weights of everybody's ties, by ``person_id``.

    Parameters
    ----------
    ties : DataFrame
        From :func:`weighted_ties`.
    """
    ends = pd.concat([ties.set_index(end)["weight"] for end in ("person_a", "person_b")])
    total = ends.groupby(level=0, sort=True).sum()
    return total.astype(float).rename("connections").rename_axis("person_id")
