"""Models of recurrent events on counting-process rows: Andersen-Gill, PWP, frailty and WLW.

Andersen-Gill and Prentice-Williams-Peterson models are marginal: they compare people as they
are, and their standard errors are robust to rows of one person being alike. A frailty model
compares a person with the same person at another time, and its errors are those of the model.
The two estimate different numbers and stand in different tables.

References
----------
Andersen and Gill 1982, doi 10.1214/aos/1176345976; Prentice, Williams and Peterson 1981, doi
10.1093/biomet/68.2.373; Lin, Wei, Yang and Ying 2000, doi 10.1111/1467-9868.00259.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from missing_lib.study.counting import CountingRows
from missing_lib.study.cox import CoxFit, CoxRows, fit_rows, prepare, residuals
from missing_lib.study.cox.fit import Ties
from missing_lib.study.cox.frailty import FrailtyFit, fit_frailty
from missing_lib.study.diagnosis import too_few, unusable
from missing_lib.study.regression import Fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Start, stop and stratum of each row on one of the clocks.
_Clock = tuple[Floats, Floats, Ints]

#: Order of incident from which on the strata of PWP models are one: the fifth and later.
TOP = 4
#: Quantity of the rows by which the baseline is stratified.
ERA = "era"
_Z = float(norm.ppf(0.975))
_EFFECTS = ["effect", "effect_lower", "effect_upper"]


@dataclass(frozen=True)
class FrailtyModel:
    """A frailty model as a table of terms, and how much people differ.

    Attributes
    ----------
    fit : Fit
        Hazard ratios for the same person with model-based bounds.
    variance, lower, upper : float
        Variance of the frailty (mean 1) with its 95 % interval; NaN where nothing is fitted.
    p : float
        Of no differences between people: half the tail of chi-squared with one degree of
        freedom, because a variance cannot be negative.
    """

    fit: Fit
    variance: float
    lower: float
    upper: float
    p: float

    @property
    def problem(self) -> str:
        """Why nothing is estimated; empty where the model stands."""
        return self.fit.problem


def andersen_gill(rows: CountingRows, terms: pd.DataFrame) -> Fit:
    """Rate of the next incident on the clock of the calendar, the same for every order.

    The hazard of a row is lambda_era(t) exp(x b), with person-clustered standard errors.

    Parameters
    ----------
    rows : CountingRows
        ``values`` has the era, by which the baseline is stratified.
    terms : DataFrame, shape (rows, k)
        Rows with a missing value are left out.

    Returns
    -------
    Fit
        Hazard ratios. ``people`` and ``events`` of a term are people, not rows: the fewest at
        risk, and the fewest with an incident, on either side of a yes-no term. One person may
        stand on both sides.
    """
    return _marginal(rows, terms, _calendar)


def pwp_total_time(rows: CountingRows, terms: pd.DataFrame) -> Fit:
    """As :func:`andersen_gill`, with a baseline of its own for each order of incident.

    Order is that since observation began, so that rows should come after a wash-out; the fifth
    incident and later ones share a stratum. Differences between the baselines are not event
    dependence: those who reach a high order were always at higher risk.
    """
    return _marginal(rows, terms, _total)


def pwp_gap_time(rows: CountingRows, terms: pd.DataFrame) -> Fit:
    """As :func:`pwp_total_time` on the clock that starts again at each return.

    How long ago the last return was is this clock itself, and can be no term.
    """
    return _marginal(rows, terms, _gap)


def given_frailty(
    rows: CountingRows, terms: pd.DataFrame, *, truncated: bool = False
) -> FrailtyModel:
    """Rate of the next incident, given that each person has a rate of their own.

    As :func:`andersen_gill` with a gamma factor shared by the rows of a person; see
    :mod:`.cox.frailty`.

    Parameters
    ----------
    rows : CountingRows
    terms : DataFrame, shape (rows, k)
        None may come from the person's own incidents if ``truncated``: the chance of having had
        none is computed from the hazard along the rows, and would then be that of another
        history.
    truncated : bool
        Only people with an incident are on file, so that the likelihood is conditional on that.

    Returns
    -------
    FrailtyModel
    """
    asked = _ask(rows, terms)
    if asked.problem:
        return _no_frailty(asked)
    cox = _prepared(asked, _calendar)
    ties: Ties = "breslow" if truncated else "efron"
    fit = fit_frailty(cox, asked.rows.person, ties=ties, truncated=truncated)
    if fit.problem:
        return _no_frailty(replace(asked, problem=fit.problem))
    asked = replace(asked, reasons=asked.reasons | fit_rows(cox, ties=ties).reasons)
    table = _table(asked, fit, np.sqrt(np.diag(fit.covariance)))
    return FrailtyModel(table, fit.theta, fit.theta_lower, fit.theta_upper, fit.p)


def change_with_time(rows: CountingRows, terms: pd.DataFrame) -> pd.DataFrame:
    """Whether the ratios of :func:`andersen_gill` change over the years of the study.

    A diagnostic: the score test of proportional hazards against a drift with calendar time. It
    takes rows as independent, so that with many incidents a small p value comes easily.

    Returns
    -------
    DataFrame
        As :func:`.residuals.proportional_hazards_test`; no rows where nothing is fitted.
    """
    asked = _ask(rows, terms)
    if not asked.problem:
        cox = _prepared(asked, _calendar)
        fit = fit_rows(cox)
        if fit.terms and not fit.problem:
            return residuals.proportional_hazards_test(cox, fit, "identity")
    return pd.DataFrame(columns=["term", "chi_squared", "degrees_of_freedom", "p"])


def by_event(design: pd.DataFrame, order: ArrayLike) -> pd.DataFrame:
    """Every column once for each order of event, 0 in the rows of other orders.

    Parameters
    ----------
    design : DataFrame, shape (n, k)
    order : array_like, shape (n,)

    Returns
    -------
    DataFrame, shape (n, k * orders)
        Columns ``<name>_<order>``.
    """
    number = np.asarray(order)
    return pd.DataFrame(
        {
            f"{name}_{k}": design[name].to_numpy(float) * (number == k)
            for name in design
            for k in np.unique(number)
        }
    )


def common_effect(coefficients: ArrayLike, covariance: ArrayLike) -> tuple[float, float, float]:
    """One effect out of several of the same thing, weighted for the smallest variance.

    With W the inverse of the covariance, weights are 1'W/(1'W1). This combines the
    event-specific effects of the model of Wei, Lin and Weissfeld, which is fitted by
    :func:`.cox.fit_cox` with :func:`by_event`, a stratum for each order and clustering by
    person. The book does not lead with that model: it has everybody at risk of a fifth incident
    from the first day, before any other, so that the effect on the first incident is carried
    over into all later ones, and neither own history nor time since the return can be a term.

    Parameters
    ----------
    coefficients : array_like, shape (m,)
    covariance : array_like, shape (m, m)
        Robust.

    Returns
    -------
    effect, standard_error : float
    wald : float
        Of no effect at any event; chi-squared with m degrees of freedom.

    References
    ----------
    Wei, Lin and Weissfeld 1989, doi 10.1080/01621459.1989.10478873.

    Examples
    --------
    >>> common_effect([1.0, 3.0], [[1.0, 0.0], [0.0, 1.0]])[0]
    2.0
    """
    b, inverse = np.asarray(coefficients, float), np.linalg.inv(np.asarray(covariance, float))
    total = float(inverse.sum())
    effect = float(inverse.sum(axis=0) @ b) / total
    return effect, total**-0.5, float(b @ inverse @ b)


@dataclass(frozen=True)
class _Asked:
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


def _ask(rows: CountingRows, terms: pd.DataFrame) -> _Asked:
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
    return _Asked(
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


def _calendar(rows: CountingRows) -> _Clock:
    return rows.start, rows.stop, rows.values[ERA].to_numpy(np.int64)


def _total(rows: CountingRows) -> _Clock:
    return rows.start, rows.stop, _strata(rows)


def _gap(rows: CountingRows) -> _Clock:
    return rows.since, rows.since + (rows.stop - rows.start), _strata(rows)


def _strata(rows: CountingRows) -> Ints:
    """Order of incident within era, from :data:`TOP` on as one."""
    era = rows.values[ERA].to_numpy(np.int64)
    return np.asarray(era * (TOP + 1) + np.minimum(rows.order, TOP))


def _prepared(asked: _Asked, clock: Callable[[CountingRows], _Clock]) -> CoxRows:
    start, stop, strata = clock(asked.rows)
    return prepare(stop, asked.rows.event, asked.terms, start=start, strata=strata)


def _marginal(
    rows: CountingRows, terms: pd.DataFrame, clock: Callable[[CountingRows], _Clock]
) -> Fit:
    """A Cox fit with errors robust to rows of one person being alike."""
    asked = _ask(rows, terms)
    if asked.problem:
        return _nothing(asked)
    fit = fit_rows(_prepared(asked, clock), cluster=asked.rows.person)
    asked = replace(asked, reasons=asked.reasons | fit.reasons)
    if not fit.terms:
        return _nothing(replace(asked, problem=fit.problem or "no term is left"))
    return _table(asked, fit, fit.standard_errors)


def _table(asked: _Asked, fit: CoxFit | FrailtyFit, se: Floats) -> Fit:
    """Estimates in the shape of :class:`.regression.Fit`."""
    b = pd.Series(fit.coefficients, index=list(fit.terms))
    error = pd.Series(se, index=list(fit.terms))
    out = asked.rests_on.set_index("term")
    out["coefficient"], out["se"] = b.reindex(out.index), error.reindex(out.index)
    for name, steps in (("estimate", 0), ("lower", -1), ("upper", 1)):
        out[name] = np.exp(out["coefficient"] + steps * _Z * out["se"])
    out["p"] = 2 * norm.sf(np.abs(out["coefficient"] / out["se"]))
    return _fit(asked, out.reset_index(), asked.reasons)


def _nothing(asked: _Asked) -> Fit:
    numbers = dict.fromkeys(["coefficient", "se", "estimate", "lower", "upper", "p"], np.nan)
    reasons = dict.fromkeys(asked.rests_on["term"], asked.problem) | asked.reasons
    return _fit(asked, asked.rests_on.assign(**numbers), reasons)


def _fit(asked: _Asked, table: pd.DataFrame, reasons: dict[str, str]) -> Fit:
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


def _no_frailty(asked: _Asked) -> FrailtyModel:
    return FrailtyModel(_nothing(asked), np.nan, np.nan, np.nan, np.nan)
