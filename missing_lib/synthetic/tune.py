"""Tune the children's rhythm to the gap shares: done once, its result is frozen in the code.

``python -m missing_lib.synthetic.tune`` prints the values that :data:`outcomes.CHILD_RHYTHM`
holds (about a minute).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from missing_lib.synthetic import monthly, outcomes, people, times, world
from missing_lib.synthetic.clock import DAY, Clock, study_clock
from missing_lib.synthetic.thames_valley import SEED

DRAWS = 60
ROUNDS = 2
#: Half-widths of the region explored: branching, and log of the mean delay.
REGION = np.array([0.05, 0.25])


def tune(
    before: world.World, clock: Clock, start: times.Rhythm, rng: np.random.Generator
) -> times.Rhythm:
    """Branching ratio and mean delay at which the expected gap shares are 60 and 70 per cent.

    Shares of simulated outcomes at random points around ``start`` are regressed on the two
    parameters, and the two linear equations solved; then once more around the solution.
    """
    centre = np.array([start.branching, np.log(start.delay)])
    for _ in range(ROUNDS):
        points = centre + REGION * rng.uniform(-1, 1, (DRAWS, 2))
        shares = np.array([_shares(before, clock, _at(start, p), rng) for p in points])
        design = np.column_stack([np.ones(DRAWS), points])
        fit = np.linalg.lstsq(design, shares, rcond=None)[0]
        centre = np.linalg.solve(fit[1:].T, np.array(monthly.GAP_SHARES) - fit[0])
    return _at(start, centre)


def _at(rhythm: times.Rhythm, point: np.ndarray) -> times.Rhythm:
    return replace(rhythm, branching=float(point[0]), delay=float(np.exp(point[1])))


def _shares(
    before: world.World, clock: Clock, rhythm: times.Rhythm, rng: np.random.Generator
) -> np.ndarray:
    number = outcomes.child_numbers(before, rng)
    rows = np.flatnonzero(number > 1)
    start, stop = people.child_window(before.people.iloc[rows])
    windows = outcomes.windows_of(before, rows, start, stop, clock)
    gaps = []
    for row, window in zip(rows, windows, strict=True):
        h = times.history(int(number[row]), window, rhythm, clock, rng)
        gaps.append(h.reported[1:] - h.ended[:-1])
    gap = np.concatenate(gaps)
    return np.array([(gap <= days * DAY).mean() for days in monthly.GAP_DAYS])


if __name__ == "__main__":
    print(
        tune(
            world.generate(SEED),
            study_clock(),
            outcomes.CHILD_RHYTHM,
            np.random.default_rng([SEED, 9]),
        )
    )
