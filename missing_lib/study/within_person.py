"""How the rate of a person changes with month, age and care: estimated within persons only.

The model is that of a self-controlled case series. Given how many incidents a person has, they
fall on the person's stretches of time with probabilities proportional to

    days at risk x exp(month effect + age effect + effect of each kind of care),

so whatever sets persons apart from one another cancels. Effects of months and of ages are random
with a variance each, which is estimated too: where months differ no more than chance makes them
the effects are near zero, and a small force's months are not known by their own clusters.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from missing_lib.study.stretches import Stretches

Floats = NDArray[np.float64]

#: What can change the rate of one person.
FACTORS = ("month", "age", "care")

#: Prior variance of a care effect: a rate ratio between 1/7 and 7, nineteen times in twenty.
#: At the size of a force it hardly matters; it keeps an effect finite that the data do not fix.
_CARE_VARIANCE = 1.0
_FIRST_VARIANCE = 0.05
_LEAST_VARIANCE, _MOST_VARIANCE = 1e-6, 4.0
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
        Estimated variance of the effects of months and of ages.
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

    Newton steps in the effects alternate with updates of each variance, sum of squared effects
    over effective number of effects (Schall 1991, doi 10.1093/biomet/78.4.719).

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
    terms = tuple(name for names in groups.values() for name in names)
    size = len(terms)
    if not size:
        return WithinRates((), np.zeros(0), np.zeros((0, 0)), {}, design)
    where = _places(groups)
    variance = {group: _FIRST_VARIANCE for group in groups} | {"care": _CARE_VARIANCE}
    effects = np.zeros(size)
    for _ in range(_ROUNDS):
        penalty = _penalty(where, variance, size)
        score, information = _score_and_information(given, design, effects)
        covariance = np.linalg.inv(information + np.diag(penalty)).astype(np.float64)
        step = np.clip(covariance @ (score - penalty * effects), -_STEP, _STEP)
        effects = effects + step
        new = _variances(where, variance, effects, covariance)
        moved = max(abs(np.log(new[group] / variance[group])) for group in where)
        variance = new
        if np.abs(step).max() < _CLOSE and moved < _STEADY:
            break
    told = {group: variance[group] for group in where if group != "care"}
    return WithinRates(terms, effects, covariance, told, design)


def _design(
    given: Stretches, factors: Collection[str]
) -> tuple[sparse.csr_array, dict[str, list[str]]]:
    """Columns of the model in the order of :data:`FACTORS`, and their names by group."""
    rows = np.arange(len(given.person))
    blocks: list[sparse.csr_array] = []
    groups: dict[str, list[str]] = {}
    for factor, values in (("month", given.month), ("age", given.age)):
        if factor in factors and len(rows):
            levels, code = np.unique(values, return_inverse=True)
            ones = np.ones(len(rows))
            blocks.append(sparse.csr_array((ones, (rows, code)), shape=(len(rows), len(levels))))
            groups[factor] = [f"{factor} {level}" for level in levels]
    if "care" in factors and given.kinds and len(rows):
        blocks.append(sparse.csr_array(given.care))
        groups["care"] = list(given.kinds)
    if not blocks:
        return sparse.csr_array((len(rows), 0)), groups
    return sparse.csr_array(sparse.hstack(blocks, format="csr")), groups


def _places(groups: dict[str, list[str]]) -> dict[str, slice]:
    ends = np.cumsum([len(names) for names in groups.values()])
    return {
        group: slice(int(end) - len(names), int(end))
        for (group, names), end in zip(groups.items(), ends, strict=True)
    }


def _penalty(where: dict[str, slice], variance: dict[str, float], size: int) -> Floats:
    out = np.zeros(size)
    for group, place in where.items():
        out[place] = 1 / variance[group]
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
    where: dict[str, slice], variance: dict[str, float], effects: Floats, covariance: Floats
) -> dict[str, float]:
    new = dict(variance)
    for group, place in where.items():
        if group == "care":
            continue
        size = place.stop - place.start
        left = size - float(np.trace(covariance[place, place])) / variance[group]
        raw = float((effects[place] ** 2).sum()) / max(left, 1e-9)
        new[group] = float(np.clip(raw, _LEAST_VARIANCE, _MOST_VARIANCE))
    return new
