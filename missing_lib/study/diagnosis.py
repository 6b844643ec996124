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
    scale = design.std(ddof=0).replace(0, 1).to_numpy()
    x = np.column_stack([np.ones(len(design)), design.to_numpy(float) / scale])
    rows, times = np.unique(np.where(has, 1.0, -1.0)[:, None] * x, axis=0, return_counts=True)
    found = linprog(-(times @ rows), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1))
    return bool(found.success and -found.fun > 1e-6)


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
    for name in x.columns:
        value = x[name].to_numpy()
        if len(value) == 0 or np.ptp(value) == 0:
            reasons[name] = "the same for everybody"
            continue
        others = np.column_stack([np.ones(len(x)), x[kept].to_numpy()])
        b, _, _, _ = np.linalg.lstsq(others, value, rcond=None)
        if np.std(value - others @ b) < 1e-8 * np.std(value):
            twins = [k for k, weight in zip(kept, b[1:], strict=True) if abs(weight) > 1e-8]
            reasons[name] = f"cannot be told apart from {listed(twins)}"
            continue
        levels = np.unique(value)
        if len(levels) == 2:
            on = value == levels[1]
            empty = [not has[on].any(), not has[~on].any()]
            empty += [has[on].all(), has[~on].all()] if binary else []
            if any(empty):
                reasons[name] = _EMPTY_CELL[empty.index(True)]
                continue
        kept.append(name)
    return reasons


_EMPTY_CELL = (
    "nobody with it has the outcome",
    "nobody without it has the outcome",
    "everybody with it has the outcome",
    "everybody without it has the outcome",
)


def guards(x: pd.DataFrame, has: NDArray[np.bool_], binary: bool) -> pd.DataFrame:
    """Fewest people, and fewest with or without the outcome, on which each term rests."""
    rows = []
    outcomes = (True, False) if binary else (True,)
    for name in x.columns:
        value = x[name].to_numpy()
        levels = np.unique(value)
        sides = (
            [value == level for level in levels] if len(levels) <= 2 else [np.ones(len(x), bool)]
        )
        people = min((int(s.sum()) for s in sides), default=0) if len(levels) > 1 else 0
        cells = [int((has[s] == wanted).sum()) for s in sides for wanted in outcomes]
        rows.append((name, people, min(cells, default=0)))
    return pd.DataFrame(rows, columns=["term", "people", "events"])


def listed(names: list[str]) -> str:
    """Terms in plain words: one, two and three."""
    plain = [name.replace("_", " ") for name in names]
    return plain[0] if len(plain) == 1 else f"{', '.join(plain[:-1])} and {plain[-1]}"
