"""Why a regression cannot be had: constant, collinear or separating terms, too few events."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog

#: Fewer people than this with the outcome, or without it, and nothing is fitted.
MIN_EVENTS = 10
#: Fewer of them than this for each term, and nothing is fitted
#: (Vittinghoff and McCulloch 2007, doi 10.1093/aje/kwk052).
EVENTS_PER_TERM = 5
#: People whose conditions a linear program takes up at a time.
_PEOPLE_AT_ONCE = 500
_ROWS_AT_ONCE = 1 << 14
#: Margin, in standard deviations, that tells people apart, and by which a condition is broken.
_APART, _BROKEN = 1e-6, 1e-7
#: Part of a term's variance left by the others from which on it is surely told apart.
_SURELY = 1e-4


def separating_terms(outcome: ArrayLike, design: pd.DataFrame) -> list[str]:
    """Terms whose combination splits the people with the outcome from those without.

    Estimates are infinite exactly if some direction b has s_i (1, x_i) b >= 0 for everybody
    (s_i = 1 with the outcome, -1 without) and > 0 for somebody; found by linear programming.

    Returns
    -------
    list of str
        Terms that separate, none of which can be spared; empty where the estimates are finite.

    References
    ----------
    Albert and Anderson 1984, doi 10.1093/biomet/71.1.1.
    """
    has = np.asarray(outcome, bool)
    terms = [str(name) for name in design.columns]
    if not _separates(has, design):
        return []
    for name in list(terms):
        fewer = [term for term in terms if term != name]
        if fewer and _separates(has, design[fewer]):
            terms = fewer
    return terms


def _separates(has: NDArray[np.bool_], design: pd.DataFrame) -> bool:
    """Whether some direction separates: a linear program over few people, then over those missed.

    A direction that is best under the conditions of some people and breaks nobody else's is best
    under all, so people are added until nobody's is broken.
    """
    scale = design.std(ddof=0).replace(0, 1).to_numpy()
    rows = np.column_stack([np.ones(len(design)), design.to_numpy(float) / scale])
    rows[~has] *= -1
    total = rows.sum(axis=0)
    some = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _PEOPLE_AT_ONCE)).astype(int))
    while True:
        found = linprog(-total, A_ub=-rows[some], b_ub=np.zeros(len(some)), bounds=(-1, 1))
        if not (found.success and -found.fun > _APART):
            return False
        margin = rows @ found.x
        broken = np.setdiff1d(np.flatnonzero(margin < -_BROKEN), some)
        if len(broken) == 0:
            return bool(margin.max() > _APART)
        worst = np.argsort(margin[broken], kind="stable")[:_PEOPLE_AT_ONCE]
        some = np.union1d(some, broken[worst])


def too_few(has: NDArray[np.bool_], terms: int, binary: bool) -> str:
    """Why there are too few people with (or, of a yes-no outcome, without) it; empty if not."""
    fewest = int(min(has.sum(), (~has).sum()) if binary else has.sum())
    if fewest < MIN_EVENTS:
        return "too few people with the outcome, or without it"
    if fewest < EVENTS_PER_TERM * terms:
        return "too few people with the outcome for so many terms"
    return ""


def unusable(x: pd.DataFrame, has: NDArray[np.bool_], binary: bool) -> dict[str, str]:
    """Terms that cannot be estimated, each with its reason; models go on without them."""
    reasons: dict[str, str] = {}
    kept: list[str] = []
    finite = np.array([np.isfinite(x[name]).all() for name in x.columns], dtype=bool)
    alone = _alone(x if finite.all() else x.loc[:, finite])
    for name, known in zip(x.columns, finite, strict=True):
        value = x[name].to_numpy()
        if not known:
            reasons[name] = "not a finite number for everybody"
            continue
        if len(value) == 0 or np.ptp(value) == 0:
            reasons[name] = "the same for everybody"
            continue
        if alone[name] < _SURELY and (twins := _twins(x, kept, name)):
            reasons[name] = f"cannot be told apart from {listed(twins)}"
            continue
        on = value == value.max()
        if bool((on | (value == value.min())).all()):
            empty = [not has[on].any(), not has[~on].any()]
            empty += [has[on].all(), has[~on].all()] if binary else []
            if any(empty):
                reasons[name] = _EMPTY_CELL[empty.index(True)]
                continue
        kept.append(name)
    return reasons


def _alone(x: pd.DataFrame) -> dict[str, float]:
    """Part of each term's variance that the terms before it leave, from their correlations.

    Good to about 1e-10, so a small part says only that a term must be looked at; those after it
    then have zero, and must be too.
    """
    values = x.to_numpy(float)
    product = np.zeros((x.shape[1], x.shape[1]))
    centre = values.mean(axis=0) if len(values) else 0.0
    for first in range(0, len(values), _ROWS_AT_ONCE):
        some = values[first : first + _ROWS_AT_ONCE] - centre
        product += some.T @ some
    varies = np.diag(product) > 0
    left = np.zeros(len(varies))
    scale = np.sqrt(np.where(varies, np.diag(product), 1.0))
    matrix = product / np.outer(scale, scale)
    for k in range(len(left)):
        left[k] = matrix[k, k]
        if left[k] <= _SURELY and varies[k]:
            left[k:] = 0.0
            break
        if varies[k]:
            matrix = matrix - np.outer(matrix[:, k], matrix[k]) / left[k]
    return dict(zip(x.columns, left, strict=True))


def _twins(x: pd.DataFrame, kept: list[str], name: str) -> list[str]:
    """Kept terms that together make a term; none if they do not."""
    value = x[name].to_numpy()
    others = np.column_stack([np.ones(len(x)), x[kept].to_numpy()])
    b, _, _, _ = np.linalg.lstsq(others, value, rcond=None)
    if np.std(value - others @ b) >= 1e-8 * np.std(value):
        return []
    return [k for k, weight in zip(kept, b[1:], strict=True) if abs(weight) > 1e-8]


_EMPTY_CELL = (
    "nobody with it has the outcome",
    "nobody without it has the outcome",
    "everybody with it has the outcome",
    "everybody without it has the outcome",
)


def guards(
    x: pd.DataFrame,
    has: NDArray[np.bool_],
    binary: bool,
    weight: NDArray[np.float64] | None = None,
) -> pd.DataFrame:
    """Fewest people, and fewest with or without the outcome, on which each term rests.

    Parameters
    ----------
    x : DataFrame, shape (n, k)
    has : ndarray of bool, shape (n,)
        With the outcome.
    binary : bool
        Count those without it too.
    weight : ndarray of float, shape (n,), optional
        People of each row; one if not given.

    Returns
    -------
    DataFrame
        ``term``, ``people``, ``events``.
    """
    people = np.ones(len(x)) if weight is None else weight
    outcomes = [people * has, people * ~has] if binary else [people * has]
    rows = []
    for name in x.columns:
        value = x[name].to_numpy()
        levels = {value.min(), value.max()} if len(value) else set()
        sides = [(value == level).astype(float) for level in levels]
        if len(levels) > 1 and not np.add(*sides).all():
            sides = [np.ones(len(x))]
        fewest = min((int(people @ s) for s in sides), default=0) if len(levels) > 1 else 0
        cells = [int(of @ s) for s in sides for of in outcomes]
        rows.append((name, fewest, min(cells, default=0)))
    return pd.DataFrame(rows, columns=["term", "people", "events"])


def listed(names: list[str]) -> str:
    """Terms in plain words: one, two and three."""
    plain = [name.replace("_", " ") for name in names]
    return plain[0] if len(plain) == 1 else f"{', '.join(plain[:-1])} and {plain[-1]}"
