"""How many people there are, estimated from a file that holds only those with an incident."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Unseen:
    """How many people there are, those with no incident on file included.

    Attributes
    ----------
    seen, once, twice : int
        People with at least one incident, with one (f1) and with two (f2).
    chao : float
        n + f1^2 / (2 f2): a lower bound, whatever the differences between people.
    chao_corrected : float
        n + f1 (f1 - 1) / (2 (f2 + 1)): the same, less biased in small numbers, and finite
        without anybody who has two.
    zelterman : float
        n / (1 - exp(-2 f2/f1)): if people with one and two incidents have one common rate.
    """

    seen: int
    once: int
    twice: int
    chao: float
    chao_corrected: float
    zelterman: float


def unseen(counts: ArrayLike) -> Unseen:
    """Estimate the number of all people from those with one incident (f1) and with two (f2).

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Incidents of each person; those with none do not count.

    References
    ----------
    Chao 1987, doi 10.2307/2531532; Zelterman 1988, doi 10.1016/0378-3758(88)90007-9.

    Examples
    --------
    >>> unseen([1] * 4 + [2] * 6 + [3] * 127).chao
    138.33333333333334
    """
    given = np.asarray(counts)
    n, once, twice = (int(k.sum()) for k in (given > 0, given == 1, given == 2))
    return Unseen(
        seen=n,
        once=once,
        twice=twice,
        chao=n + once**2 / (2 * twice) if twice else np.nan,
        chao_corrected=n + once * (once - 1) / (2 * (twice + 1)),
        zelterman=n / -np.expm1(-2 * twice / once) if once and twice else np.nan,
    )
