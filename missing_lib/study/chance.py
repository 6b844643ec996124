"""What chance alone does to counts: models with at least one incident, and random allocation.

Police files hold only people with at least one incident, so every model here is conditional
on that (zero-truncated), except where a function says that it counts every unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from missing_lib.study.concentration import top_share
from missing_lib.study.given import refuse_unless_whole
from missing_lib.study.histogram import Histogram, as_histogram

Floats = NDArray[np.float64]

#: A model meets a number of people if it is off by no more than this part of it.
NEAR = 0.1
#: Shapes between which the negative binomial is fitted; beyond them it is its own limit.
_SHAPES = (1e-6, 1e4)
#: Gain in log-likelihood below which a fit is reported as its limit.
_NO_GAIN = 1e-6
#: Accepted deviation of a simulated total, as a part of it: exact below two hundred incidents.
_TOTAL_TOLERANCE = 0.005
_BATCH = 2000


@dataclass(frozen=True)
class CountModel:
    """A fitted model of counts of at least one.

    Attributes
    ----------
    name : str
        ``poisson``, ``negative_binomial`` or ``log_series``.
    mean : float
        Poisson rate, or mean of the untruncated negative binomial; NaN for the log-series.
    shape : float
        Negative binomial shape k (variance mu + mu^2/k); infinite for Poisson, zero for the
        log-series.
    success : float
        Ratio parameter of the log-series, or mu/(k + mu).
    loglik : float
    limit : str
        ``log_series`` or ``poisson`` where a negative binomial ran to that limit, else "".
    """

    name: str
    mean: float
    shape: float
    success: float
    loglik: float
    limit: str = ""

    @property
    def parameters(self) -> int:
        """Free parameters; a negative binomial keeps its two where it ran to its limit."""
        return 2 if self.name == "negative_binomial" else 1

    def probabilities(self, largest: int) -> Floats:
        """Probabilities of 1, 2, ..., ``largest``; shape (largest,)."""
        x = np.arange(1, largest + 1, dtype=float)
        return np.exp(_log_mass(self, x))


def poisson_log_mass(x: ArrayLike, mean: ArrayLike) -> Floats:
    """Log probability of x >= 1 under a zero-truncated Poisson; ``mean`` is before truncation."""
    x, mu = np.asarray(x, dtype=float), np.asarray(mean, dtype=float)
    return special.xlogy(x, mu) - special.gammaln(x + 1) - mu - np.log(-np.expm1(-mu))


def negative_binomial_log_mass(x: ArrayLike, mean: ArrayLike, shape: float) -> Floats:
    """Log probability of x >= 1 under a zero-truncated negative binomial.

    Parameters
    ----------
    x : array_like
    mean : array_like
        Mean before truncation, the same for all or one for each x.
    shape : float
        k; the variance before truncation is mu + mu^2/k.
    """
    x, mu = np.asarray(x, dtype=float), np.asarray(mean, dtype=float)
    log_zero = -shape * np.log1p(mu / shape)
    ways = special.gammaln(x + shape) - special.gammaln(shape) - special.gammaln(x + 1)
    return ways + log_zero - x * np.log1p(shape / mu) - np.log(-np.expm1(log_zero))


def log_series_log_mass(x: ArrayLike, success: float) -> Floats:
    """Log probability of x >= 1 under the log-series, p^x / (-x log(1 - p))."""
    x = np.asarray(x, dtype=float)
    return special.xlogy(x, success) - np.log(x) - np.log(-np.log1p(-success))


def fit_poisson(counts: ArrayLike | Histogram) -> CountModel:
    """Zero-truncated Poisson by maximum likelihood: the mean solves mu/(1 - exp(-mu)) = mean(x).

    Without a person who has more than one incident the rate is zero and the fit is NaN.
    """
    hist = _of_at_least_one(counts)
    average = _mean(hist)
    if not average > 1:
        return CountModel("poisson", np.nan, np.inf, np.nan, np.nan)
    mu = _poisson_mean(average)
    loglik = float(hist.people @ poisson_log_mass(hist.values, mu))
    return CountModel("poisson", mu, np.inf, np.nan, loglik)


def fit_log_series(counts: ArrayLike | Histogram) -> CountModel:
    """Log-series by maximum likelihood: -p/((1 - p) log(1 - p)) = mean(x) (Fisher 1943)."""
    hist = _of_at_least_one(counts)
    average = _mean(hist)
    if not average > 1:
        return CountModel("log_series", np.nan, 0.0, np.nan, np.nan)

    def excess(logit: float) -> float:
        # with p = expit(logit): p/(1-p) = exp(logit), -log(1-p) = log(1 + exp(logit))
        return float(np.exp(logit) / np.logaddexp(0, logit) - average)

    p = float(special.expit(optimize.brentq(excess, -40, 40, xtol=1e-14)))
    loglik = float(hist.people @ log_series_log_mass(hist.values, p))
    return CountModel("log_series", np.nan, 0.0, p, loglik)


def fit_negative_binomial(counts: ArrayLike | Histogram) -> CountModel:
    """Zero-truncated negative binomial by maximum profile likelihood over its shape.

    Given the shape, the mean solves mu/(1 - (1 + mu/k)^-k) = mean(x). As the shape goes to
    zero the model becomes the log-series, as it grows the Poisson; where the likelihood is
    largest there, the result is that model and says so in ``limit``.
    """
    hist = _of_at_least_one(counts)
    average = _mean(hist)
    if not average > 1:
        return CountModel("negative_binomial", np.nan, np.nan, np.nan, np.nan)

    def fitted(log_shape: float) -> tuple[float, float]:
        mu = _negative_binomial_mean(average, float(np.exp(log_shape)))
        mass = negative_binomial_log_mass(hist.values, mu, float(np.exp(log_shape)))
        return mu, float(hist.people @ mass)

    best = optimize.minimize_scalar(
        lambda s: -fitted(s)[1], bounds=np.log(_SHAPES), method="bounded", options={"xatol": 1e-9}
    )
    mu, loglik = fitted(best.x)
    shape = float(np.exp(best.x))
    limits = {"log_series": fit_log_series(hist), "poisson": fit_poisson(hist)}
    limit = max(limits, key=lambda name: limits[name].loglik)
    if limits[limit].loglik >= loglik - _NO_GAIN:
        at = limits[limit]
        return CountModel("negative_binomial", at.mean, at.shape, at.success, at.loglik, limit)
    return CountModel("negative_binomial", mu, shape, mu / (shape + mu), loglik)


def in_two_digits(number: float) -> str:
    """A number of people as printed where it is known roughly only.

    Examples
    --------
    >>> in_two_digits(2055.3), in_two_digits(float("nan"))
    ('2,100', 'not shown')
    """
    return f"{float(f'{number:.2g}'):,.0f}" if np.isfinite(number) else "not shown"


def describe_limit(model: CountModel) -> str:
    """What a fitted negative binomial says, as one sentence."""
    if np.isnan(model.loglik):
        return "The models cannot be fitted: nobody has more than one incident."
    if model.limit == "log_series":
        return (
            "The negative binomial ran to its limit, the log-series: no finite spread of rates "
            "is wide enough, and the two models are one here."
        )
    if model.limit == "poisson":
        return "The negative binomial ran to its other limit, the Poisson: rates need not differ."
    return "The negative binomial was fitted inside its limits, log-series and Poisson."


def describe_singles(seen: float, expected: Mapping[str, float]) -> str:
    """How well the models meet the people with one incident, as a template with ``near``.

    Parameters
    ----------
    seen : float
        People with one incident as published; NaN where not shown.
    expected : mapping of str to float
        The same under each model, by its name; NaN where not fitted or not shown.
    """
    known = {name.replace("_", " "): n for name, n in expected.items() if np.isfinite(n)}
    if not known or not np.isfinite(seen):
        return "How well the models meet the number of {who} with one incident is not shown here."
    close = [name for name, n in known.items() if abs(n - seen) <= NEAR * seen]
    if close:
        return (
            "For {who} with one incident, expected within {near} of what was seen: "
            + ", ".join(close)
            + "."
        )
    told = "No model fits: none comes within {near} of the number of {who} with one incident"
    if all(n < seen for n in known.values()):
        return told + "; there are more of them than any of the models expects."
    if all(n > seen for n in known.values()):
        return told + "; there are fewer of them than any of the models expects."
    return told + "."


@dataclass(frozen=True)
class Unseen:
    """How many people a file would hold if it held those without an incident, too.

    Attributes
    ----------
    chao, chao_corrected : float
        Lower bounds whatever the spread of rates, the second with less bias in small files; the
        first is infinite where nobody has two incidents and somebody one.
    zelterman : float
        An estimate that leans on those with one or two incidents.
    """

    chao: float
    chao_corrected: float
    zelterman: float


def unseen_people(seen: float, once: float, twice: float) -> Unseen:
    """People of a file with their like who had no incident by luck, from those with one and two.

    n + f1^2/(2 f2), n + f1 (f1 - 1)/(2 (f2 + 1)) (Chao 1987, doi 10.2307/2531532) and
    n/(1 - exp(-2 f2/f1)) (Zelterman 1988, doi 10.1016/0378-3758(88)90007-9). They suppose that
    each person's incidents are independent of each other, at a rate of the person's own.

    Parameters
    ----------
    seen, once, twice : float
        People with at least one incident, with one, and with two.

    Examples
    --------
    >>> found = unseen_people(137, 4, 6)
    >>> round(found.chao, 2), round(found.chao_corrected, 2), round(found.zelterman, 2)
    (138.33, 137.86, 144.18)
    """
    if np.isnan([seen, once, twice]).any():
        return Unseen(np.nan, np.nan, np.nan)
    more = once**2 / (2 * twice) if twice else (np.inf if once else 0.0)
    missed = -np.expm1(-2 * twice / once) if once else 1.0
    return Unseen(
        chao=seen + more,
        chao_corrected=seen + once * (once - 1) / (2 * (twice + 1)),
        zelterman=float(seen / missed) if missed else np.inf,
    )


def draw_counts(people: int, incidents: int, draws: int, rng: np.random.Generator) -> Histogram:
    """Drop incidents on people at random, given that each person has at least one.

    The law is that of independent zero-truncated Poisson counts given their total. Draws are
    accepted when the total is right: exactly below two hundred incidents, to half a per cent
    above.

    Returns
    -------
    Histogram
        ``people`` has shape (draws, k). Empty where the people are more than the incidents.
    """
    if people < 1 or incidents < people:
        return Histogram(np.zeros(0), np.zeros((draws, 0)))
    if incidents == people:
        return Histogram(np.ones(1), np.full((draws, 1), float(people)))
    mean = _poisson_mean(incidents / people)
    largest = int(stats.poisson.isf(1e-13, mean)) + 2
    values = np.arange(1, largest + 1, dtype=float)
    chances = np.exp(poisson_log_mass(values, mean))
    tolerance = int(_TOTAL_TOLERANCE * incidents)
    kept: list[Floats] = []
    while sum(len(k) for k in kept) < draws:
        drawn = rng.multinomial(people, chances / chances.sum(), _BATCH).astype(float)
        kept.append(drawn[np.abs(drawn @ values - incidents) <= tolerance])
    return Histogram(values, np.concatenate(kept)[:draws])


def chance_top_share(
    people: int, incidents: int, top: float, *, draws: int, rng: np.random.Generator
) -> float:
    """Share of the top fraction if incidents fell at random, each person having at least one.

    Returns
    -------
    float
        Mean over the draws; NaN where the people are more than the incidents.
    """
    if people < 1 or incidents < people:
        return float("nan")
    return float(top_share(draw_counts(people, incidents, draws, rng), top).mean())


def top_share_by_chance(counts: ArrayLike, top: float, *, seed: int, draws: int = 200) -> float:
    """Top share if the incidents of these people fell on them at random, one each at least."""
    given = np.asarray(counts, dtype=int)
    rng = np.random.default_rng(seed)
    return chance_top_share(len(given), int(given.sum()), top, draws=draws, rng=rng)


def chance_share_of_units(units: int, events: int, share: float) -> float:
    """Share of all units that hold a share of events when each event falls on any unit.

    The expected number of units with j events is ``units`` times the binomial probability of j;
    the share is read off the Lorenz curve of these (Chalfin, Kaplan and Cuellar 2021, doi
    10.1177/0022427820984213). Units without an event count.

    Parameters
    ----------
    units, events : int
    share : float
        Share of events, between 0 and 1.

    Returns
    -------
    float
        NaN without units or events.

    Examples
    --------
    >>> round(100 * chance_share_of_units(118_653, 131_179, 0.25), 2)
    8.12
    """
    if units < 1 or events < 1:
        return float("nan")
    law = stats.binom(events, 1 / units)
    values = np.arange(int(law.isf(1e-14)) + 2, dtype=float)[::-1]
    people = law.pmf(values)
    held = np.cumsum(values * people)
    return float(np.interp(share, np.append(0, held / held[-1]), np.append(0, people.cumsum())))


def gamma_top_share(shape: float, top: float) -> float:
    """Share of the worst fraction of units whose rates follow a Gamma law, all units counted.

    1 - F_(k+1)(F_k^-1(1 - p)), F_k the Gamma distribution function of shape k (Mohler,
    Brantingham, Carter and Short 2019, doi 10.1007/s10940-019-09404-1).

    Examples
    --------
    >>> round(gamma_top_share(0.82, 0.05), 4)
    0.2193
    """
    return float(stats.gamma.sf(stats.gamma.isf(top, shape), shape + 1))


def gamma_gini(shape: float) -> float:
    """Gini coefficient of Gamma rates, Gamma(k + 1/2) / (sqrt(pi) Gamma(k + 1)).

    Examples
    --------
    >>> round(gamma_gini(0.82), 4)
    0.5388
    """
    return float(np.exp(special.gammaln(shape + 0.5) - special.gammaln(shape + 1)) / np.sqrt(np.pi))


def _log_mass(model: CountModel, x: Floats) -> Floats:
    if model.shape == 0:
        return log_series_log_mass(x, model.success)
    if np.isinf(model.shape):
        return poisson_log_mass(x, model.mean)
    return negative_binomial_log_mass(x, model.mean, model.shape)


def _of_at_least_one(counts: ArrayLike | Histogram) -> Histogram:
    """Counts as a histogram; a law of counts of at least one cannot hold a person with none."""
    hist = as_histogram(counts)
    there = hist.people > 0
    refuse_unless_whole("counts", hist.values[there], least=1)
    return hist if there.all() else Histogram(hist.values[there], hist.people[there])


def _mean(hist: Histogram) -> float:
    people = hist.people.sum()
    return float(hist.values @ hist.people / people) if people else float("nan")


def _poisson_mean(average: float) -> float:
    """The Poisson mean whose zero-truncated mean is ``average`` > 1."""
    return float(optimize.brentq(lambda m: m / -np.expm1(-m) - average, 1e-12, average, xtol=1e-14))


def _negative_binomial_mean(average: float, shape: float) -> float:
    """The mean before truncation that gives ``average`` > 1 after it."""

    def excess(mu: float) -> float:
        return float(mu / -np.expm1(-shape * np.log1p(mu / shape)) - average)

    lowest = 1e-9 * min(1.0, shape)
    return float(optimize.brentq(excess, lowest, average, xtol=1e-18, rtol=1e-13))
