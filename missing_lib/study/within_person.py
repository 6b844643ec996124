"""How the rate of a person changes with month, age and care: estimated within persons only.

The model is that of a self-controlled case series. Given how many incidents a person has, they
fall on the person's stretches of time with probabilities proportional to

    days at risk x exp(month effect + age effect + effect of each kind of care),

so whatever sets persons apart from one another cancels. The effects of the calendar months are a
change of era, a yearly wave and a deviation of each month; those of ages a curve and a deviation of
each year of age. Each of these parts is random with a variance that is estimated too: where months
differ no more than chance makes them their effects are near zero, and a small force's months are
not known by their own clusters.
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

#: Prior variance of an effect of care: a rate ratio between 1/7 and 7, nineteen times in twenty.
#: At the size of a force it hardly matters; it keeps an effect finite that the data do not fix.
_CARE_VARIANCE = 1.0
_FIRST_VARIANCE = 0.05
_LEAST_VARIANCE, _MOST_VARIANCE = 1e-5, 4.0
_MONTHS_IN_YEAR = 12
_ROUNDS = 60
_STEP = 2.0
_CLOSE, _STEADY = 1e-6, 1e-2


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
        Estimated variances: of ``calendar`` (era and waves), ``month`` (deviations), ``curve``
        and ``age``.
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

    Newton steps in the effects alternate with updates of each variance, the sum of squares of the
    part over its effective size (Schall 1991, doi 10.1093/biomet/78.4.719).

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
    variance = {part.name: part.first for group in groups for part in group.parts}
    effects = np.zeros(size)
    for _ in range(_ROUNDS):
        penalty = _penalty(groups, variance, size)
        score, information = _score_and_information(given, design, effects)
        covariance = np.linalg.inv(information + penalty).astype(np.float64)
        step = np.clip(covariance @ (score - penalty @ effects), -_STEP, _STEP)
        effects = effects + step
        new = _variances(groups, variance, effects, covariance)
        moved = max(abs(np.log(new[name] / variance[name])) for name in new)
        variance = new
        if np.abs(step).max() < _CLOSE and moved < _STEADY:
            break
    return WithinRates(terms, effects, covariance, variance, design)


@dataclass(frozen=True)
class _Part:
    """One part of the effects of a group: its basis times independent normal values.

    Attributes
    ----------
    name : str
    basis : ndarray of float, shape (terms, size)
    first : float
        Variance of the values, to begin with.
    estimated : bool
        Whether it is estimated, or stays.
    """

    name: str
    basis: Floats
    first: float = _FIRST_VARIANCE
    estimated: bool = True


@dataclass(frozen=True)
class _Group:
    """Effects that belong together; they are the sum of the parts.

    Attributes
    ----------
    place : slice
        Of its terms among all.
    terms : tuple of str
    parts : tuple of _Part
    """

    place: slice
    terms: tuple[str, ...]
    parts: tuple[_Part, ...]

    def precision(self, variance: dict[str, float]) -> Floats:
        """Inverse of the prior covariance of the effects."""
        prior = sum(variance[part.name] * part.basis @ part.basis.T for part in self.parts)
        return np.linalg.inv(np.asarray(prior)).astype(np.float64)


def _design(given: Stretches, factors: Collection[str]) -> tuple[sparse.csr_array, list[_Group]]:
    """Columns of the model in the order of :data:`FACTORS`, and what is known of them."""
    rows = np.arange(len(given.person))
    blocks: list[sparse.csr_array] = []
    groups: list[_Group] = []
    if not len(rows):
        return sparse.csr_array((0, 0)), groups
    levelled = (("month", given.month, "calendar", _calendar), ("age", given.age, "curve", _curve))
    for factor, values, shape, basis in levelled:
        if factor in factors:
            levels, code = np.unique(values, return_inverse=True)
            ones = np.ones(len(rows))
            blocks.append(sparse.csr_array((ones, (rows, code)), shape=(len(rows), len(levels))))
            names = tuple(f"{factor} {level}" for level in levels)
            parts = (_Part(shape, basis(given, levels)), _Part(factor, np.eye(len(levels))))
            groups.append(_Group(_after(groups, len(names)), names, parts))
    if "care" in factors and given.kinds:
        blocks.append(sparse.csr_array(given.care))
        part = _Part("care", np.eye(len(given.kinds)), _CARE_VARIANCE, estimated=False)
        groups.append(_Group(_after(groups, len(given.kinds)), given.kinds, (part,)))
    if not blocks:
        return sparse.csr_array((len(rows), 0)), groups
    return sparse.csr_array(sparse.hstack(blocks, format="csr")), groups


def _after(groups: list[_Group], size: int) -> slice:
    start = groups[-1].place.stop if groups else 0
    return slice(start, start + size)


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
        out[group.place, group.place] = group.precision(variance)
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
    """New variance of each part: squares of its values over how many of them the data fix.

    With effects e of prior precision P, a part of basis B and variance v has the values
    v B'P e, known up to v B'P cov(e) P B v + v I - v^2 B'P B.
    """
    new = dict(variance)
    for group in groups:
        precision = group.precision(variance)
        for part in group.parts:
            if part.estimated:
                v, size = variance[part.name], part.basis.shape[1]
                back = v * part.basis.T @ precision
                values = back @ effects[group.place]
                known = back @ covariance[group.place, group.place] @ back.T - v * back @ part.basis
                fixed = size - (float(np.trace(known)) + v * size) / v
                raw = float(values @ values) / max(fixed, 1e-9)
                new[part.name] = float(np.clip(raw, _LEAST_VARIANCE, _MOST_VARIANCE))
    return new
