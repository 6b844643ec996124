"""How many incidents each person has: continuation logits with exact totals.

ever missing | frame, repeat | ever, ten or more | repeat; each stage is
logit P = alpha_s + z beta_s + gamma_s log(1 + degree) + placement effect, drawn given its
exact total. Within a class the numbers are a fixed list, shuffled without regard to z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from missing_lib.synthetic.conditional import centred_intercept, conditional_bernoulli

#: Days of observation needed per incident: feasibility, nothing else.
DAYS_PER_INCIDENT = 9


@dataclass(frozen=True)
class Stage:
    """One continuation logit.

    Attributes
    ----------
    total : int
        Exact number of successes.
    beta : dict of str to float
        Log odds ratio of each term of the design.
    """

    total: int
    beta: dict[str, float]

    def eta(self, design: pd.DataFrame) -> np.ndarray:
        """Linear predictor without its intercept."""
        return design[list(self.beta)].to_numpy() @ np.array(list(self.beta.values()))


@dataclass(frozen=True)
class Numbers:
    """The fixed list of numbers of incidents of the people of one kind.

    Attributes
    ----------
    few : dict of int to int
        Number of people with each number from 2 to 9.
    many : int array
        The numbers of ten and more, largest first.
    """

    few: dict[int, int]
    many: np.ndarray


CHILD_STAGES = {
    "ever": Stage(
        1_132,
        {
            "mental_health": 0.65,
            "self_harm": 0.75,
            "child_protection": 0.65,
            "arrest": 0.80,
            "local_authority_care": 0.80,
            "residential_care": 0.40,
            "log1p_degree": 0.40,
            "female": 0.15,
            "age": -0.14,
            "age_squared": -0.05,
            "unknown": -1.70,
            "arriving": 0.70,
        },
    ),
    "repeat": Stage(
        501,
        {
            "mental_health": 0.25,
            "self_harm": 0.30,
            "child_protection": 0.25,
            "arrest": 0.40,
            "local_authority_care": 0.80,
            "residential_care": 0.30,
            "log1p_degree": 0.20,
            "female": 0.10,
            "unknown": -0.40,
            "arriving": 0.0,
        },
    ),
    "ten_or_more": Stage(
        125,
        {
            "mental_health": 0.20,
            "self_harm": 0.25,
            "child_protection": 0.20,
            "arrest": 0.35,
            "local_authority_care": 0.80,
            "residential_care": 0.40,
            "log1p_degree": 0.15,
            "female": 0.10,
            "unknown": -0.30,
            "arriving": 0.0,
        },
    ),
}

ADULT_STAGES = {
    "ever": Stage(
        1_621,
        {
            "mental_health": 0.80,
            "self_harm": 0.60,
            "child_protection": 0.20,
            "arrest": 0.40,
            "log1p_degree": 0.20,
            "decade": -0.10,
            "unknown": -2.10,
        },
    ),
    "repeat": Stage(431, {"mental_health": 0.50, "self_harm": 0.40, "arrest": 0.20}),
    "ten_or_more": Stage(35, {"mental_health": 0.40, "self_harm": 0.40}),
}

#: Going missing again as an adult, among children of the study who reach eighteen in view.
CROSSING = Stage(190, {"log_incidents": 0.60})
CROSSING_NUMBERS = {1: 110, 2: 38, 3: 18, 4: 10, 5: 5, 6: 1, 8: 4, 17: 4}


def spread(people: int, total: int, low: int, high: int) -> np.ndarray:
    """Whole numbers from low to high, spread like a bounded Pareto law, with an exact sum.

    The quantiles x(u) = ((1 - u) low^-k + u high^-k)^(-1/k) at equally spaced u, with k solved
    for the sum; what rounding leaves over is spread over the numbers inside the bounds.

    Examples
    --------
    >>> spread(4, 70, 10, 30).tolist()
    [30, 17, 13, 10]
    """
    u = np.linspace(0, 1, people)

    def quantiles(k: float) -> np.ndarray:
        return ((1 - u) * low**-k + u * high**-k) ** (-1 / k)

    k = brentq(lambda k: quantiles(k).sum() - total, 0.01, 8.0)
    out = np.rint(quantiles(k)).astype(np.int64)
    surplus = total - int(out.sum())
    inside = np.flatnonzero((out > low) & (out < high))
    out[inside[: abs(surplus)]] += np.sign(surplus)
    if out.sum() != total:
        raise ValueError(f"{people} numbers from {low} to {high} cannot be rounded to sum {total}")
    return np.sort(out)[::-1]


CHILD_NUMBERS = Numbers(
    few={2: 96, 3: 112, 4: 48, 5: 36, 6: 28, 7: 22, 8: 18, 9: 16},
    many=spread(125, 3_121, 10, 140),
)
ADULT_NUMBERS = Numbers(
    few={2: 185, 3: 95, 4: 43, 5: 27, 6: 17, 7: 13, 8: 9, 9: 7},
    many=spread(35, 620, 10, 60),
)


def classes(stages: dict[str, Stage], design: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Class of each person: 0 never, 1 once, 2 repeat, 3 ten or more.

    Parameters
    ----------
    stages : dict of Stage
        The stages ``ever``, ``repeat`` and ``ten_or_more``.
    design : DataFrame
        One row per person, one column per term.
    """
    out = np.zeros(len(design), dtype=np.int64)
    for level, stage in enumerate(stages.values(), start=1):
        pool = np.flatnonzero(out == level - 1)
        chosen = conditional_bernoulli(stage.eta(design.iloc[pool]), stage.total, rng)
        out[pool[chosen]] = level
    return out


def intercepts(stages: dict[str, Stage], design: pd.DataFrame) -> dict[str, float]:
    """Intercept of each stage, at which its expected total over the pool is the exact one.

    Examples
    --------
    >>> pool = pd.DataFrame({"z": [0.0] * 8})
    >>> stages = {"ever": Stage(4, {"z": 1.0}), "repeat": Stage(2, {"z": 1.0})}
    >>> {name: abs(round(alpha, 6)) for name, alpha in intercepts(stages, pool).items()}
    {'ever': 0.0, 'repeat': 0.0}
    """
    at_risk, out = np.ones(len(design)), {}
    for name, stage in stages.items():
        eta = stage.eta(design)
        out[name] = centred_intercept(eta, stage.total, at_risk)
        at_risk = at_risk * expit(out[name] + eta)
    return out


def incidents_per_person(
    level: np.ndarray, numbers: Numbers, room: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Deal each class its fixed list of numbers, at random among those with room for it."""
    out = (level == 1).astype(np.int64)
    few = np.repeat(list(numbers.few), list(numbers.few.values()))
    for value, members in ((few, level == 2), (numbers.many, level == 3)):
        out[members] = deal(value, room[members], rng)
    return out


def deal(numbers: np.ndarray, room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal numbers to people at random so that every number fits.

    The largest number goes first, to anyone of those left who have room for it: where all
    have room, a uniform shuffle.

    Examples
    --------
    >>> deal(np.array([5, 1]), np.array([2, 9]), np.random.default_rng(1)).tolist()
    [1, 5]
    """
    out = np.zeros(len(room), dtype=np.int64)
    free = np.arange(len(room))
    for value in np.sort(numbers)[::-1]:
        fits = np.flatnonzero(room[free] >= value)
        if not len(fits):
            raise ValueError(f"nobody has room for {value} incidents")
        pick = fits[rng.integers(len(fits))]
        out[free[pick]] = value
        free = np.delete(free, pick)
    return out
