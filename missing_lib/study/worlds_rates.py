"""Worlds of people with constant rates that differ: no incident changes what comes after.

Rates are Gamma(k, theta) per day; windows are whole days and do not depend on the rate. What the
estimators of repeats aim at is then known in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.stats import nbinom

from missing_lib.study.cohort import Cohort
from missing_lib.study.worlds_cohort import LENGTH, START, cohort_of, people_known

Floats = NDArray[np.float64]

#: Earliest day on which somebody leaves.
_EARLIEST = 60


@dataclass(frozen=True)
class Rates:
    """How rates differ.

    Attributes
    ----------
    shape : float
        k; the smaller, the more people differ.
    scale : float
        theta, incidents per day.
    """

    shape: float
    scale: float


#: About as uneven as the study's children: most known people never, some dozens of times.
UNEVEN = Rates(shape=0.25, scale=0.005)
#: Everybody's rate within a few per cent of the same.
EVEN = Rates(shape=400.0, scale=0.003 / 400)


def constant_rates(
    people: int, rng: np.random.Generator, rates: Rates = UNEVEN, leaving: float = 0.5
) -> Cohort:
    """A cohort in which every person has a constant rate of their own.

    Parameters
    ----------
    people : int
    rng : Generator
    rates : Rates
    leaving : float
        Part of the people who leave observation on a random day before the end.
    """
    leaves = rng.random(people) < leaving
    length = np.where(leaves, rng.integers(_EARLIEST, LENGTH, people), LENGTH)
    number = rng.poisson(rng.gamma(rates.shape, rates.scale, people) * length)
    who = np.repeat(np.arange(people), number)
    last = START + pd.to_timedelta(length - 1, unit="D")
    persons = people_known(people, observed_to=pd.Series(last).where(leaves))
    return cohort_of(persons, who, rng.random(len(who)) * length[who])


def counts(people: int, rng: np.random.Generator, rates: Rates = UNEVEN) -> NDArray[np.int64]:
    """Numbers of incidents over the whole study of people with at least one.

    ``people`` are known, some of whom have none and are not returned.
    """
    number = rng.poisson(rng.gamma(rates.shape, rates.scale, people) * LENGTH)
    return np.asarray(number[number > 0], dtype=np.int64)


def law_of_counts(rates: Rates = UNEVEN, largest: int = 2000) -> Floats:
    """Probabilities of 1, 2, ..., ``largest`` incidents given at least one."""
    x = np.arange(1, largest + 1)
    law = nbinom(rates.shape, 1 / (1 + rates.scale * LENGTH))
    return np.asarray(law.pmf(x) / law.sf(0))


def followed(days: ArrayLike, rates: Rates = UNEVEN) -> Floats:
    """Share of incidents followed by another, 1 - (1 + theta t)^-(k + 1).

    Incidents at rate r have gaps of survival exp(-r t), and fall on people in proportion to r:
    the hazard over all that are still watched is E[r^2 exp(-r t)]/E[r exp(-r t)], from which
    every window that does not depend on r cancels.
    """
    t = np.asarray(days, dtype=float)
    return np.asarray(1 - (1 + rates.scale * t) ** -(rates.shape + 1))


def rate_in_band(low: float, high: float, rates: Rates = UNEVEN, leaving: float = 0.5) -> float:
    """Incidents per day at risk between two times since an incident.

    Both are integrals over the band of E[r^2 exp(-r t)] and E[r exp(-r t)], weighted by the
    mean time in which an incident would be watched for t days, E[(L - t)+].
    """

    def risk(t: float) -> float:
        return float((1 + rates.scale * t) ** -(rates.shape + 1) * _mean_left(t, leaving))

    def events(t: float) -> float:
        return risk(t) * (rates.shape + 1) * rates.scale / (1 + rates.scale * t)

    return float(quad(events, low, high)[0] / quad(risk, low, high)[0])


def share_of_gaps(days: float, rates: Rates = UNEVEN, leaving: float = 0.5) -> float:
    """Share of *observed* gaps within some days: those that end before observation does."""

    def ended(t: float) -> float:
        return float((1 + rates.scale * t) ** -(rates.shape + 2) * _mean_left(t, leaving))

    return float(quad(ended, 0, days)[0] / quad(ended, 0, LENGTH, limit=200)[0])


def mean_number(days: float, rates: Rates = UNEVEN) -> float:
    """Mean number of incidents of somebody watched so long."""
    return rates.shape * rates.scale * days


def _mean_left(t: float, leaving: float) -> float:
    """E[(L - t)+] over the windows of :func:`constant_rates`."""
    of_leavers = np.clip(np.arange(_EARLIEST, LENGTH) - t, 0, None).mean()
    return float(leaving * of_leavers + (1 - leaving) * max(LENGTH - t, 0.0))
