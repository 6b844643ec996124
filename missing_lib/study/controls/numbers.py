"""One simulated data set each for shares, concentration and the laws of counts."""

from __future__ import annotations

from functools import cache

import numpy as np

from missing_lib.study import chance, concentration, repeats
from missing_lib.study.concentration import Histogram
from missing_lib.study.controls.summary import Estimate
from missing_lib.study.intervals import Interval, poisson_exact, wilson
from missing_lib.study.worlds_rates import UNEVEN, counts, law_of_counts

#: Fraction of people whose share of the incidents is taken, and incidents of the persistent.
TOP, LEAST = 0.2, 10


def shares(seed: int, *, people: int = 2500) -> dict[str, Estimate]:
    """Repeat shares and concentration of one set of counts, with the bootstrap of people.

    Returns
    -------
    dict of Estimate
        ``share_of_repeat_people``, ``share_after_first``, ``gini``, ``top_share``,
        ``persistent_share`` and ``persistent_people_share``.
    """
    given = counts(people, np.random.default_rng(seed))
    truth = _truth()
    repeat, few = repeats.repeat_shares(given), concentration.measure(given, TOP, LEAST)
    found: dict[str, tuple[float, Interval]] = {}
    for name, interval in repeats.bootstrap_shares(given, seed=seed).items():
        found[name] = (getattr(repeat, name), interval)
    for name, interval in concentration.bootstrap(given, TOP, LEAST, seed=seed).items():
        found[name] = (getattr(few, name), interval)
    return {
        name: Estimate(truth[name], value, interval.low, interval.high)
        for name, (value, interval) in found.items()
    }


def proportion(seed: int, *, people: int = 240, share: float = 0.12) -> dict[str, Estimate]:
    """Wilson's interval of a share of people."""
    part = int(np.random.default_rng(seed).binomial(people, share))
    return {"share": Estimate(share, part / people, *wilson(part, people))}


def rate(seed: int, *, events: float = 6.0) -> dict[str, Estimate]:
    """The exact interval of a Poisson rate, per unit of exposure."""
    seen = int(np.random.default_rng(seed).poisson(events))
    return {"rate": Estimate(events, float(seen), *poisson_exact(seen, 1.0))}


def truncated(
    seed: int, *, people: int = 1100, shape: float = 0.8, mean: float = 3.0, once: float = 0.0
) -> dict[str, Estimate]:
    """Zero-truncated negative binomial fitted to counts of at least one.

    Parameters
    ----------
    shape : float
        k of the counts before truncation; 0 for the log-series with the same mean/k as ratio.
    mean : float
        Mean before truncation; for the log-series p/(1 - p).
    once : float
        Part of the people who can only ever have one incident.

    Returns
    -------
    dict of Estimate
        ``log_shape``; without a value where the fit ran to its limit and says so.
    """
    rng = np.random.default_rng(seed)
    given = _at_least_one(people, shape, mean, rng)
    given[rng.random(people) < once] = 1
    model = chance.fit_negative_binomial(given)
    if model.limit:
        return {"log_shape": Estimate()}
    truth = np.log(shape) if shape > 0 and not once else np.nan
    return {"log_shape": Estimate(float(truth), float(np.log(model.shape)))}


def _at_least_one(people: int, shape: float, mean: float, rng: np.random.Generator) -> np.ndarray:
    if shape == 0:
        return rng.logseries(mean / (1 + mean), people)
    drawn = rng.negative_binomial(shape, shape / (shape + mean), 20 * people)
    return drawn[drawn > 0][:people]


@cache
def _truth() -> dict[str, float]:
    """The same measures of the law that the counts follow, as if of endless people."""
    law = law_of_counts(UNEVEN)
    x = np.arange(1, len(law) + 1, dtype=float)
    endless = Histogram(x, law * 1e12)
    mean, many = float(law @ x), x >= LEAST
    return {
        "share_of_repeat_people": 1 - float(law[0]) / mean,
        "share_after_first": 1 - 1 / mean,
        "gini": float(concentration.gini(endless)),
        "top_share": float(concentration.top_share(endless, TOP)),
        "persistent_share": float((law * x)[many].sum() / mean),
        "persistent_people_share": float(law[many].sum()),
    }
