"""How the rate of a person changes with month, age and care: estimated within persons only.

The model is that of a self-controlled case series. Given how many incidents a person has, they
fall on the person's stretches of time with probabilities proportional to

    days at risk x exp(month effect + age effect + effect of each kind of care),

so whatever sets persons apart from one another cancels. The effects of the calendar months are a
change of era, a yearly wave and a deviation of each month; those of ages a curve and a deviation of
each year of age. Deviations are random, and their variances are estimated too: where months differ
no more than chance makes them they are near zero, and a small force's months are not known by
their own clusters.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from missing_lib.study.stretches import Stretches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What can change the rate of one person.
FACTORS = ("month", "age", "care")

#: Prior variance of the era, the waves, the curve of age and care, on the log scale: a rate ratio
#: between 1/7 and 7, nineteen times in twenty. At the size of a force it hardly matters; it keeps
#: an effect finite that the data do not fix.
_WIDE = 1.0
_FIRST_VARIANCE = 0.05
_LEAST_VARIANCE, _MOST_VARIANCE = 1e-6, 4.0
_MONTHS_IN_YEAR = 12
_ROUNDS = 60
_STEP = 2.0
_CLOSE, _STEADY = 1e-6, 1e-3


@dataclass(frozen=True)
class WithinRates:
    """Effects on the log rate within a person, with what is uncertain about them.

    Attributes
    ----------
    terms : tuple of str
        ``month 0``, ``age 14``, ``residential_care`` and so on; may be empty.
    effects : ndarray of float, shape (terms,)
        Log rate ratios; their common level has no meaning.
    covariance : ndarray of float, shape (terms, terms)
        Of the effects given the data (normal approximation).
    variance : dict of str to float
        Estimated variance of the deviations of months and of ages.
    design : csr_array, shape (stretches, terms)
        1 where a term holds in a stretch.
    """

    terms: tuple[str, ...]
    effects: Floats
    covariance: Floats
    variance: dict[str, float]
    design: sparse.csr_array


def within_rates(given: Stretches, factors: Collection[str] = FACTORS) -> WithinRates:
    """Fit the effects by penalised maximum likelihood of the conditional (multinomial) model.

    Newton steps in the effects alternate with updates of each variance, sum of squared deviations
    over their effective number (Schall 1991, doi 10.1093/biomet/78.4.719).

    Parameters
    ----------
    given : Stretches
    factors : collection of str
        Some of :data:`FACTORS`.

    References
    ----------
    Farrington 1995, doi 10.2307/2533328; Whitaker, Farrington, Spiessens and Musonda 2006,
    doi 10.1002/sim.2302.
    """
    unknown = set(factors) - set(FACTORS)
    if unknown:
        raise ValueError(f"no factor {sorted(unknown)}; there are {', '.join(FACTORS)}")
    design, groups = _design(given, factors)
    terms = tuple(term for group in groups for term in group.terms)
    size = len(terms)
    if not size:
        return WithinRates((), np.zeros(0), np.zeros((0, 0)), {}, design)
    variance = {group.name: _FIRST_VARIANCE for group in groups if group.varies}
    effects = np.zeros(size)
    for _ in range(_ROUNDS):
        penalty = _penalty(groups, variance, size)
        score, information = _score_and_information(given, design, effects)
        covariance = np.linalg.inv(information + penalty).astype(np.float64)
        step = np.clip(covariance @ (score - penalty @ effects), -_STEP, _STEP)
        effects = effects + step
        new = _variances(groups, variance, effects, covariance)
        moved = max((abs(np.log(new[name] / variance[name])) for name in new), default=0.0)
        variance = new
        if np.abs(step).max() < _CLOSE and moved < _STEADY:
            break
    return WithinRates(terms, effects, covariance, variance, design)


@dataclass(frozen=True)
class _Group:
    """Effects that share a prior: variance times identity, plus a smooth part.

    Attributes
    ----------
    name : str
    place : slice
        Of its terms among all.
    terms : tuple of str
    smooth : ndarray of float, shape (terms, terms)
        Prior covariance of the smooth part.
    varies : bool
        Whether there are deviations whose variance is estimated.
    """

    name: str
    place: slice
    terms: tuple[str, ...]
    smooth: Floats
    varies: bool

    def prior(self, variance: dict[str, float]) -> Floats:
        """Prior covariance of the effects."""
        deviations = variance[self.name] if self.varies else 0.0
        return self.smooth + deviations * np.eye(len(self.terms))


def _design(given: Stretches, factors: Collection[str]) -> tuple[sparse.csr_array, list[_Group]]:
    """Columns of the model in the order of :data:`FACTORS`, and what is known of them."""
    rows = np.arange(len(given.person))
    blocks: list[sparse.csr_array] = []
    groups: list[_Group] = []
    if not len(rows):
        return sparse.csr_array((0, 0)), groups
    levelled = (("month", given.month, _calendar), ("age", given.age, _curve))
    for factor, values, shape in levelled:
        if factor in factors:
            levels, code = np.unique(values, return_inverse=True)
            ones = np.ones(len(rows))
            blocks.append(sparse.csr_array((ones, (rows, code)), shape=(len(rows), len(levels))))
            basis = shape(given, levels)
            names = tuple(f"{factor} {level}" for level in levels)
            groups.append(_group(factor, names, groups, _WIDE * basis @ basis.T, varies=True))
    if "care" in factors and given.kinds:
        blocks.append(sparse.csr_array(given.care))
        wide = _WIDE * np.eye(len(given.kinds))
        groups.append(_group("care", given.kinds, groups, wide, varies=False))
    if not blocks:
        return sparse.csr_array((len(rows), 0)), groups
    return sparse.csr_array(sparse.hstack(blocks, format="csr")), groups


def _group(
    name: str, terms: tuple[str, ...], before: list[_Group], smooth: Floats, *, varies: bool
) -> _Group:
    start = before[-1].place.stop if before else 0
    return _Group(name, slice(start, start + len(terms)), terms, smooth, varies)


def _calendar(given: Stretches, months: Ints) -> Floats:
    """Change of era, and two waves of a year and of half a year; shape (months, 5)."""
    angle = 2 * np.pi * months / _MONTHS_IN_YEAR
    waves = [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
    return np.column_stack([months >= given.era_month, *waves]).astype(float)


def _curve(given: Stretches, ages: Ints) -> Floats:
    """Line and square over the known ages, in their standard deviations; shape (ages, 2)."""
    known = ages >= 0
    spread = float(np.std(ages[known])) if known.any() else 0.0
    if spread == 0:
        return np.zeros((len(ages), 2))
    line = np.where(known, (ages - ages[known].mean()) / spread, 0.0)
    return np.column_stack([line, line**2])


def _penalty(groups: list[_Group], variance: dict[str, float], size: int) -> Floats:
    out = np.zeros((size, size))
    for group in groups:
        out[group.place, group.place] = np.linalg.inv(group.prior(variance))
    return out


def _score_and_information(
    given: Stretches, design: sparse.csr_array, effects: Floats
) -> tuple[Floats, Floats]:
    """Score x'(y - n p) and information x' diag(n p) x - sum over persons of n (p x)(p x)'."""
    people = len(given.people)
    weight = given.days * np.exp(design @ effects)
    share = weight / np.bincount(given.person, weight, minlength=people)[given.person]
    placed = np.bincount(given.person, given.reports, minlength=people)
    expected = placed[given.person] * share
    score = design.T @ (given.reports - expected)
    rows = np.arange(len(given.person))
    # Persons by stretches, holding the share of each stretch: its product sums within persons.
    shares = sparse.csr_array((share, (given.person, rows)), shape=(people, len(rows)))
    means = (shares @ design).toarray()
    inner = (design.T @ (design * expected[:, None])).toarray()
    return np.asarray(score), np.asarray(inner - means.T @ (placed[:, None] * means))


def _variances(
    groups: list[_Group], variance: dict[str, float], effects: Floats, covariance: Floats
) -> dict[str, float]:
    """New variances of deviations: their squares over how many of them the data fix.

    Deviations are what of the effects is not smooth: u = v P e with P the inverse of the prior
    covariance of the effects e, known up to v P cov(e) P v + v I - v^2 P.
    """
    new = {}
    for group in groups:
        if not group.varies:
            continue
        v, size = variance[group.name], len(group.terms)
        part = v * np.linalg.inv(group.prior(variance))
        deviations = part @ effects[group.place]
        spread = part @ covariance[group.place, group.place] @ part.T
        unknown = float(np.trace(spread)) + v * (size - float(np.trace(part)))
        raw = float((deviations**2).sum()) / max(size - unknown / v, 1e-9)
        new[group.name] = float(np.clip(raw, _LEAST_VARIANCE, _MOST_VARIANCE))
    return new
