"""One simulated data set each for the curves, rates and shares of the chapter on repeats."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd

from missing_lib.study import repeats
from missing_lib.study.controls.summary import Estimate
from missing_lib.study.survival import Z, kaplan_meier, mean_cumulative
from missing_lib.study.worlds_rates import (
    EVEN,
    UNEVEN,
    Rates,
    constant_rates,
    followed,
    mean_number,
    rate_in_band,
    share_of_gaps,
)

#: Days at which curves of the next incident are read.
AT = (14, 28, 365)
#: Days at which mean numbers are read, as the chapter does.
MEANS_AT = repeats.MEAN_AT


def next_incident(seed: int, *, people: int = 2000, even: bool = False) -> dict[str, Estimate]:
    """Kaplan-Meier over all incidents, each person contributing several.

    Returns
    -------
    dict of Estimate
        ``by_person_14`` and so on, with errors that allow for dependence within a person;
        ``greenwood_14`` and so on, with Greenwood's.
    """
    spells, rates = _spells(seed, people, even)
    truth = followed(AT, rates)
    rows = repeats.followed_by(spells, AT)
    plain = kaplan_meier(spells["gap_days"], spells["observed"], at=AT)
    out = {}
    for k, days in enumerate(AT):
        row, other = rows.iloc[k], plain.iloc[k]
        out[f"by_person_{days}"] = Estimate(truth[k], row["followed"], row["low"], row["high"])
        out[f"greenwood_{days}"] = Estimate(
            truth[k], 1 - other["survival"], 1 - other["upper"], 1 - other["lower"], other["se"]
        )
    return out


def hazard(seed: int, *, people: int = 2000) -> dict[str, Estimate]:
    """Rate of the next incident in bands of time since the last one.

    Returns
    -------
    dict of Estimate
        By band, such as ``0 to 7``: incidents per hundred person-days.
    """
    spells, _ = _spells(seed, people, even=False)
    rows = repeats.hazard_table(spells)
    return {
        row.days_since_return: Estimate(truth, row.per_hundred_days, row.lower, row.upper)
        for row, truth in zip(rows.itertuples(), _band_rates(), strict=True)
    }


def short_gaps(seed: int, *, people: int = 2000) -> dict[str, Estimate]:
    """Share of observed gaps within each bound, with the bootstrap of whole people.

    Returns
    -------
    dict of Estimate
        ``within_14`` and ``within_28``.
    """
    spells, _ = _spells(seed, people, even=False)
    rows = repeats.short_gaps(spells, AT[:2], seed=seed)
    return {
        f"within_{days}": Estimate(_gap_share(days), row.share, row.low, row.high)
        for days, row in zip(AT[:2], rows.itertuples(), strict=True)
    }


def mean_numbers(seed: int, *, people: int = 2000) -> dict[str, Estimate]:
    """Mean cumulative function on the clock of observation.

    Returns
    -------
    dict of Estimate
        ``robust_365`` and ``robust_730``, as the chapter prints them; ``poisson_365`` and
        ``poisson_730`` with the variance that independent incidents would have, sum of d/Y^2.
    """
    cohort = constant_rates(people, np.random.default_rng(seed))
    rows = repeats.mean_numbers(cohort)
    rows = rows[rows["clock"].str.contains("observation")]
    events, windows = repeats.clock_since_entry(cohort)
    curve = mean_cumulative(
        events["days_since_entry"], events["person_id"], windows.set_index("person_id")["days"]
    )
    steps = np.diff(curve["mean"], prepend=0.0) / curve["at_risk"]
    out = {}
    for days, row in zip(MEANS_AT, rows.itertuples(), strict=True):
        truth, mean = mean_number(days), float(row.mean)
        out[f"robust_{days}"] = Estimate(truth, mean, row.lower, row.upper)
        se = float(np.sqrt(steps[curve["time"] <= days].sum()))
        width = float(np.exp(Z * se / mean))
        out[f"poisson_{days}"] = Estimate(truth, mean, mean / width, mean * width, se)
    return out


def _spells(seed: int, people: int, even: bool) -> tuple[pd.DataFrame, Rates]:
    rates = EVEN if even else UNEVEN
    cohort = constant_rates(people, np.random.default_rng(seed), rates)
    return repeats.ever_at_risk(repeats.gaps(cohort)), rates


@cache
def _band_rates() -> tuple[float, ...]:
    edges = repeats.HAZARD_EDGES
    return tuple(100 * rate_in_band(low, high) for low, high in pairwise(edges))


@cache
def _gap_share(days: int) -> float:
    return share_of_gaps(days)
