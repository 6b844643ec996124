"""One simulated study put to the tests of clustering, for their size and power."""

from __future__ import annotations

from typing import Any

import numpy as np

from missing_lib.study import clustering, serial
from missing_lib.study.cohort import select
from missing_lib.study.repeats import gaps
from missing_lib.study.within_person import FACTORS
from missing_lib.study.worlds import World, force_file, simulate

#: Days within which gaps are short, as in the study.
BOUNDS = (14.0, 28.0)


def replicate(
    seed: int, *, draws: int = 99, kept: tuple[str, ...] = FACTORS, **world: Any
) -> dict[str, float]:
    """Draw one world and test it as a chapter would.

    Parameters
    ----------
    seed : int
        Of the world and of the tests.
    draws : int
        Worlds drawn again for each p value.
    kept : tuple of str
        What the null keeps, see :func:`missing_lib.study.clustering.draw_again`.
    **world
        Fields of :class:`missing_lib.study.worlds.World`.

    Returns
    -------
    dict of str to float
        ``people`` and ``incidents``; ``observed``, ``expected`` and ``explained`` (with
        ``explained_low``, ``explained_high``) of gaps within the shorter bound; ``p`` and
        ``p_long`` for the two bounds; ``serial`` and ``p_serial``. NaN where there is no gap.
    """
    made = simulate(World(**world), np.random.default_rng([seed, 1]))
    cohort = select(made, force_file(), "children")
    spells = gaps(cohort)
    drawn = clustering.draw_again(cohort, spells, BOUNDS, kept=kept, draws=draws, seed=seed)
    short, long = clustering.compare(drawn, seed=seed).to_dict("records")
    alike = serial.serial_correlation(spells, draws=draws, seed=seed)
    told = ("observed", "expected", "explained", "explained_low", "explained_high", "p")
    return {
        "people": float(len(cohort.counts)),
        "incidents": float(len(cohort.incidents)),
        **{name: float(short[name]) for name in told},
        "p_long": float(long["p"]),
        "serial": alike.correlation,
        "p_serial": alike.p,
    }
