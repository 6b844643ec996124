"""What an estimator says of one simulated data set, and how it did over many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

NAN = float("nan")
#: p values below this reject.
LEVEL = 0.05
_Z = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """One quantity in one simulated data set.

    Attributes
    ----------
    truth : float
        What the estimator aims at in this world; NaN for a test.
    value : float
        The estimate; NaN where the estimator says that it cannot be had.
    lower, upper : float
        95 % interval; NaN where there is none.
    se : float
        Standard error; NaN where there is none.
    p : float
        p value of a test; NaN where there is none.
    """

    truth: float = NAN
    value: float = NAN
    lower: float = NAN
    upper: float = NAN
    se: float = NAN
    p: float = NAN

    @property
    def answered(self) -> bool:
        """Whether the estimator said anything."""
        return not (math.isnan(self.value) and math.isnan(self.p))


@dataclass(frozen=True)
class Summary:
    """One quantity over all simulated data sets.

    Attributes
    ----------
    replicates : int
        Data sets simulated.
    failures : int
        Of these, data sets for which the estimator said that there is no answer.
    truth, bias : float
        Mean truth, and mean of estimate less truth; NaN for a test.
    bias_error : float
        Monte Carlo standard error of the bias.
    spread : float
        Standard deviation of estimate less truth.
    mean_se : float
        Root of the mean squared standard error; as large as ``spread`` where it is right.
    intervals, covered : int
        Data sets with an interval, and of these those whose interval holds the truth.
    tests, rejected : int
        Data sets with a p value, and of these those in which it is below 0.05.
    """

    replicates: int
    failures: int
    truth: float
    bias: float
    bias_error: float
    spread: float
    mean_se: float
    intervals: int
    covered: int
    tests: int
    rejected: int

    @property
    def coverage(self) -> float:
        """Share of intervals that hold the truth; NaN where there is none."""
        return _share(self.covered, self.intervals)

    @property
    def rejection(self) -> float:
        """Share of tests that reject; NaN where there is none."""
        return _share(self.rejected, self.tests)


def wald(truth: float, value: float, se: float) -> Estimate:
    """An estimate, give or take about two standard errors, as every interval of a ratio is."""
    return Estimate(truth, value, value - _Z * se, value + _Z * se, se)


def summarise(estimates: Sequence[Estimate]) -> Summary:
    """Bias, coverage and rejection rate of one quantity.

    Parameters
    ----------
    estimates : sequence of Estimate
        One for each simulated data set, independent of each other.

    References
    ----------
    Morris, White and Crowther 2019, doi 10.1002/sim.8086.

    Examples
    --------
    >>> found = summarise([Estimate(1, 2, 0, 4), Estimate(1, 0, -1, 0.5), Estimate(1)])
    >>> found.bias, found.covered, found.intervals, found.failures
    (0.0, 1, 2, 1)
    """
    rows = np.array(
        [[e.truth, e.value, e.lower, e.upper, e.se, e.p] for e in estimates], dtype=float
    ).reshape(-1, 6)
    truth, value, lower, upper, se, p = rows.T
    error = (value - truth)[~np.isnan(value - truth)]
    spread = float(error.std(ddof=1)) if len(error) > 1 else NAN
    bounded = ~np.isnan(lower) & ~np.isnan(upper) & ~np.isnan(truth)
    with np.errstate(invalid="ignore"):
        covered = bounded & (lower <= truth) & (truth <= upper)
        rejected = p < LEVEL
    return Summary(
        replicates=len(rows),
        failures=sum(not e.answered for e in estimates),
        truth=_mean(truth),
        bias=_mean(error),
        bias_error=spread / math.sqrt(len(error)) if len(error) else NAN,
        spread=spread,
        mean_se=math.sqrt(_mean(se**2)),
        intervals=int(bounded.sum()),
        covered=int(covered.sum()),
        tests=int((~np.isnan(p)).sum()),
        rejected=int(rejected.sum()),
    )


def by_quantity(replicates: Sequence[Mapping[str, Estimate]]) -> dict[str, Summary]:
    """Summaries of all quantities of an experiment, by name."""
    names = dict.fromkeys(name for one in replicates for name in one)
    return {name: summarise([one[name] for one in replicates]) for name in names}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NAN


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else NAN
