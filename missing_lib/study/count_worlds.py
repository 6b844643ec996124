"""Worlds with known answers for the chapters on prevalence and concentration.

Each function makes one data set from its seed, runs one method of the book on it and returns what
a table of size, power or coverage needs; how often to call it is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from missing_lib.study.chance import fit_log_series, fit_negative_binomial, fit_poisson
from missing_lib.study.cohort import ERA_CHANGE
from missing_lib.study.count_fits import SMALL, Law, bootstrapped_p, chi_squared
from missing_lib.study.durations import median_time
from missing_lib.study.histogram import Histogram
from missing_lib.study.mixtures import choose_mixture
from missing_lib.study.monthly import Series
from missing_lib.study.periods import PeriodCounts, share_of, top_of_window
from missing_lib.study.persistence import at_constant_rates
from missing_lib.study.seasonal_model import fit_series, step_by_people

Floats = NDArray[np.float64]

#: Months of the study, and incidents in each where nothing moves.
MONTHS, PER_MONTH = pd.period_range("2014-05", "2019-12", freq="M"), 77.0
#: What moves the months of a world of :func:`season_and_step`.
KINDS = ("nothing", "overdispersed", "shared", "careers")

#: Laws of counts that can be drawn and fitted.
_FITS: dict[str, Callable[[ArrayLike | Histogram], Law]] = {
    "poisson": fit_poisson,
    "negative_binomial": fit_negative_binomial,
    "log_series": fit_log_series,
    "mixture": choose_mixture,
}
#: Rates of people, and the parts who have them: no law of one Gamma spread fits.
_RATES = {
    "two rates": ([0.4, 14.0], [0.9, 0.1]),
    "four rates": ([0.3, 4.0, 15.0, 40.0], [0.6, 0.28, 0.09, 0.03]),
}


def fit_tests(
    seed: int, *, drawn: str = "log_series", fitted: str = "", people: int = 300, draws: int = 99
) -> dict[str, float]:
    """Fit tests of one law on one set of counts.

    Parameters
    ----------
    seed : int
    drawn : {"poisson", "negative_binomial", "log_series", "two rates", "four rates"}
        Law of the counts.
    fitted : {"poisson", "negative_binomial", "log_series", "mixture"}, optional
        Law that is tested; the one drawn from if not given (size).
    people : int
        With at least one incident.
    draws : int

    Returns
    -------
    dict
        ``p_cells``, ``p_distance``, and ``rejects_cells``, ``rejects_distance`` (0 or 1).
    """
    rng = np.random.default_rng(seed)
    counts = _at_least_one(rng, drawn, people)
    law = _FITS[fitted or drawn](counts)
    cells = chi_squared(counts, law).p
    distance = bootstrapped_p(counts, law, draws=draws, seed=seed + 1)
    return {
        "p_cells": cells,
        "p_distance": distance,
        "rejects_cells": float(cells < SMALL),
        "rejects_distance": float(distance < SMALL),
    }


def season_and_step(
    seed: int, *, kind: str = "careers", step: float = 1.0, trend: float = 1.0, draws: int = 0
) -> dict[str, float]:
    """Step, trend and season of one series of months without a season.

    Parameters
    ----------
    seed : int
    kind : {"nothing", "overdispersed", "shared", "careers"}
        Poisson months; months with a factor each of coefficient of variation 0.17; months whose
        factors (standard deviation 0.2 on the log scale) have a correlation of 0.3 with the
        month before; people with one, three or thirty incidents in careers of a year on average.
    step, trend : float
        True ratios.
    draws : int
        Resampled populations of the second interval; none if zero.

    Returns
    -------
    dict
        ``step``, ``step_low``, ``step_high``, ``step_covers``, ``trend_covers``,
        ``season_rejects`` and, with draws, ``people_low``, ``people_high``, ``people_covers``.
    """
    rng = np.random.default_rng(seed)
    place = np.arange(len(MONTHS))
    after = MONTHS.start_time >= ERA_CHANGE
    mean = PER_MONTH * step**after * trend ** ((place - place.mean()) / 12)
    series = _careers(rng, mean) if kind == "careers" else _months(rng, mean, kind)
    fit = fit_series(series)
    found = {
        "step": fit.step.estimate,
        "step_low": fit.step.lower,
        "step_high": fit.step.upper,
        "step_covers": float(fit.step.lower <= step <= fit.step.upper),
        "trend_covers": float(fit.trend.lower <= trend <= fit.trend.upper),
        "season_rejects": float(fit.season_p < SMALL),
    }
    if draws:
        low, high = step_by_people(series, draws=draws, seed=seed + 1)
        found |= {"people_low": low, "people_high": high}
        found["people_covers"] = float(low <= step <= high)
    return found


def staying_at_the_top(
    seed: int, *, people: int = 400, bursts: bool = False, draws: int = 99
) -> dict[str, float]:
    """Who stays in the top fifth, where everybody keeps one rate, or has bursts instead.

    Parameters
    ----------
    seed : int
    people : int
        Of whom a quarter are at risk for a part of the second year only.
    bursts : bool
        Whether each person's rate is drawn anew for each year.
    draws : int

    Returns
    -------
    dict
        ``seen``, ``low``, ``high`` and ``below``, ``above`` (0 or 1): outside the middle 95 % of
        worlds in which everybody keeps one rate.
    """
    rng = np.random.default_rng(seed)
    days = np.full((people, 2), 365.0)
    days[: people // 4, 1] = rng.uniform(30, 365, people // 4)
    rates = rng.gamma(0.5, 4.0, (people, 2))
    rates = rates if bursts else np.repeat(rates[:, :1], 2, axis=1)
    counts = rng.poisson(rates * [1.0, 0.8] * days / 365.0)
    by = PeriodCounts(pd.RangeIndex(people), pd.period_range("2015", periods=2, freq="Y"), counts)
    kept = at_constant_rates(by, days, days >= 365.0, 0.2, draws=draws, rng=rng)
    seen = share_of(pd.DataFrame([top_of_window(counts[:, 0], counts[:, 1], 0.2)])).iloc[0]
    low, high = kept[["constant_low", "constant_high"]].iloc[0]
    return {
        "seen": float(seen),
        "low": float(low),
        "high": float(high),
        "below": float(seen < low),
        "above": float(seen > high),
    }


def median_missing(seed: int, *, people: int = 150) -> dict[str, float]:
    """The median time missing where people differ, many have several spells, and some stay open.

    Returns
    -------
    dict
        ``median``, ``low``, ``high``, ``truth`` and ``covers`` (0 or 1).
    """
    rng = np.random.default_rng(seed)
    number = rng.integers(1, 8, people)
    who = np.repeat(np.arange(people), number)
    level = rng.choice([0.4, 1.0, 2.5], people)[who]
    hours = level * rng.exponential(10.0, len(who))
    closed = rng.uniform(0, 120, len(who))
    found = median_time(
        pd.DataFrame(
            {
                "person_id": who,
                "hours": np.minimum(hours, closed),
                "returned": hours <= closed,
            }
        )
    )
    truth = _median_of_mixture(np.array([4.0, 10.0, 25.0]))
    return {
        "median": found.hours,
        "low": found.lower,
        "high": found.upper,
        "truth": truth,
        "covers": float(found.lower <= truth <= found.upper),
    }


def _at_least_one(rng: np.random.Generator, law: str, people: int) -> NDArray[np.int64]:
    """Counts of so many people with at least one."""
    kept = np.zeros(0, dtype=np.int64)
    while len(kept) < people:
        drawn = _counts(rng, law, 4 * people)
        kept = np.concatenate([kept, drawn[drawn > 0]])
    return kept[:people]


def _counts(rng: np.random.Generator, law: str, people: int) -> NDArray[np.int64]:
    if law == "poisson":
        return rng.poisson(1.2, people)
    if law == "negative_binomial":
        return rng.negative_binomial(0.6, 0.15, people)
    if law == "log_series":
        return rng.logseries(0.85, people)
    rates, parts = _RATES[law]
    return rng.poisson(rng.choice(rates, people, p=parts))


def _months(rng: np.random.Generator, mean: Floats, kind: str) -> Series:
    """Months that vary together, every incident of another person."""
    factor = np.ones(len(mean))
    if kind == "overdispersed":
        factor = rng.gamma(1 / 0.03, 0.03, len(mean))
    if kind == "shared":
        noise = 0.2 * rng.standard_normal(len(mean))
        for k in range(1, len(mean)):
            noise[k] = 0.3 * noise[k - 1] + np.sqrt(1 - 0.3**2) * noise[k]
        factor = np.exp(noise - 0.02)
    month = np.repeat(np.arange(len(mean)), rng.poisson(mean * factor))
    return _series(np.arange(len(month)), month)


def _careers(rng: np.random.Generator, mean: Floats) -> Series:
    """People who begin at any time, and whose incidents fall in a career."""
    people = 4000
    number = rng.poisson(rng.choice([1, 3, 30], people, p=[0.6, 0.3, 0.1]))
    who = np.repeat(np.arange(people), number)
    begins, lasts = rng.uniform(-48, len(mean), people), rng.exponential(12.0, people)
    month = np.floor(begins[who] + rng.uniform(size=len(who)) * lasts[who]).astype(int)
    inside = (month >= 0) & (month < len(mean))
    who, month = who[inside], month[inside]
    kept = rng.random(len(who)) < mean[month] / (3.0 * PER_MONTH)
    return _series(who[kept], month[kept])


def _series(who: NDArray[np.int64], month: NDArray[np.int64]) -> Series:
    known, person = np.unique(who, return_inverse=True)
    cells = csr_array(
        (np.ones(len(who)), (person, month)), shape=(len(known), len(MONTHS)), dtype=np.float64
    )
    cells.sum_duplicates()
    return Series(
        months=MONTHS,
        incidents=np.bincount(month, minlength=len(MONTHS)).astype(float),
        people=np.bincount(cells.indices, minlength=len(MONTHS)),
        days=np.ones(len(MONTHS)),
        by_person=cells,
    )


def _median_of_mixture(means: Floats) -> float:
    """Median of equal parts of exponential times."""
    grid = np.linspace(0, 100, 200_001)
    left = np.exp(-grid[:, None] / means).mean(axis=1)
    return float(grid[int((left <= 0.5).argmax())])
