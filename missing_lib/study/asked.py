"""What a model of recurrent events can be asked: which terms people tell apart, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from missing_lib.study.counting import CountingRows
from missing_lib.study.diagnosis import too_few, unusable
from missing_lib.study.regression import Fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_Z = float(norm.ppf(0.975))
_EFFECTS = ["effect", "effect_lower", "effect_upper"]


@dataclass(frozen=True)
class Asked:
    """Rows without missing values, terms that can be tried, and why others cannot.

    Attributes
    ----------
    rows : CountingRows
    terms : DataFrame
    rests_on : DataFrame
        ``term``, ``people``, ``events`` of every term asked for.
    reasons : dict
    people, events : int
    problem : str
    """

    rows: CountingRows
    terms: pd.DataFrame
    rests_on: pd.DataFrame
    reasons: dict[str, str]
    people: int
    events: int
    problem: str


def ask(rows: CountingRows, terms: pd.DataFrame) -> Asked:
    """Guards that look at people: terms rest on them, and not on rows."""
    complete = terms.notna().all(axis=1).to_numpy(bool)
    if not complete.all():
        rows, terms = rows.only(complete), terms[complete].reset_index(drop=True)
    who, event = rows.person, rows.event
    has = np.bincount(who, event) > 0
    at_risk = np.bincount(who) > 0
    sides = {name: _Sides.of(terms[name].to_numpy(float)) for name in terms}
    reasons: dict[str, str] = {}
    for name, side in sides.items():
        reasons |= side.unusable(name, event)
    kept = [name for name in terms if name not in reasons]
    return Asked(
        rows,
        terms[kept],
        pd.DataFrame(
            [(name, *side.people(who, event)) for name, side in sides.items()],
            columns=["term", "people", "events"],
        ),
        reasons,
        int(at_risk.sum()),
        int(has.sum()),
        too_few(has, len(kept), binary=False),
    )


@dataclass(frozen=True)
class _Sides:
    """The rows on either side of a yes-no term; all rows on one side of any other.

    Attributes
    ----------
    levels : ndarray of float
        Lowest and highest value; one where they are the same, none without rows.
    upper : ndarray of bool, shape (rows,)
        Rows with the highest value of a yes-no term; all of any other.
    """

    levels: Floats
    upper: NDArray[np.bool_]

    @classmethod
    def of(cls, value: Floats) -> _Sides:
        levels = np.unique([value.min(), value.max()]) if len(value) else np.zeros(0)
        upper = value == levels[-1] if len(value) else np.zeros(0, bool)
        yes_no = (upper | (value == levels[:1])).all()
        return cls(levels, upper if yes_no else np.ones(len(value), bool))

    def unusable(self, name: str, event: NDArray[np.bool_]) -> dict[str, str]:
        """Why the term can tell nothing: constant, or no event on one side."""
        if len(self.levels) > 1 and self.upper.all():
            return {}
        # Combinations of side and event that occur stand for all rows.
        cells = np.flatnonzero(np.bincount(2 * self.upper + event, minlength=4))
        values = np.resize(self.levels, 2)[cells // 2] if len(self.levels) else np.zeros(0)
        return unusable(pd.DataFrame({name: values}), cells % 2 == 1, binary=False)

    def people(self, who: Ints, event: NDArray[np.bool_]) -> tuple[int, int]:
        """Fewest people at risk, and fewest with an event, on either side."""
        if len(self.levels) < 2:
            return 0, 0
        sides = [self.upper] if self.upper.all() else [self.upper, ~self.upper]
        people = min(_distinct(who[side]) for side in sides)
        return people, min(_distinct(who[side & event]) for side in sides)


def _distinct(who: Ints) -> int:
    return int(np.count_nonzero(np.bincount(who)))


def estimated(asked: Asked, terms: Sequence[str], coefficients: Floats, se: Floats) -> Fit:
    """Estimates of some of the terms in the shape of :class:`.regression.Fit`."""
    b = pd.Series(coefficients, index=list(terms))
    error = pd.Series(se, index=list(terms))
    out = asked.rests_on.set_index("term")
    out["coefficient"], out["se"] = b.reindex(out.index), error.reindex(out.index)
    for name, steps in (("estimate", 0), ("lower", -1), ("upper", 1)):
        out[name] = np.exp(out["coefficient"] + steps * _Z * out["se"])
    out["p"] = 2 * norm.sf(np.abs(out["coefficient"] / out["se"]))
    return _fit(asked, out.reset_index(), asked.reasons)


def nothing(asked: Asked) -> Fit:
    """No estimate of any term, and why."""
    numbers = dict.fromkeys(["coefficient", "se", "estimate", "lower", "upper", "p"], np.nan)
    reasons = dict.fromkeys(asked.rests_on["term"], asked.problem) | asked.reasons
    return _fit(asked, asked.rests_on.assign(**numbers), reasons)


def _fit(asked: Asked, table: pd.DataFrame, reasons: dict[str, str]) -> Fit:
    table = table.assign(**dict.fromkeys(_EFFECTS, np.nan))
    table["reason"] = [reasons.get(name, "") for name in table["term"]]
    order = ["term", "coefficient", "se", "estimate", "lower", "upper", "p", *_EFFECTS]
    return Fit(
        "hazard ratio",
        table[[*order, "people", "events", "reason"]],
        people=asked.people,
        events=asked.events,
        problem=asked.problem,
    )
