"""Is this force unusual? Its authorities beside England's, from official statistics.

Tables come from :func:`missing_lib.study.official.load`; years are years to 31 March, and
shares and rates are in per cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from missing_lib.force.errors import ContractError
from missing_lib.study.official import ENGLAND, MEASURES, check_authorities, codes_in_year, existed

#: Computed from published counts: the sums of the measures named, one divided by the other.
RATIOS = {
    "missing_rate": (("missing_children",), ("looked_after_during_year",)),
    "share_more_than_once": (("missing_more_than_once",), ("missing_children",)),
    "away_share": (("away_incidents",), ("away_incidents", "missing_incidents")),
    "incidents_per_missing_child": (("missing_incidents",), ("missing_children",)),
}
#: Shares of children have binomial intervals; incidents of one child are not independent.
_SHARES_OF_CHILDREN = ("missing_rate", "share_more_than_once")
_PER_CENT = (*_SHARES_OF_CHILDREN, "away_share")

TOGETHER, MIDDLE = "These authorities together", "Middle authority"
_SERIES = ["year", "area", "role", "value", "low", "high", "status"]


@dataclass(frozen=True)
class Trend:
    """A measure over the years.

    Attributes
    ----------
    measure : str
        Of ``official.MEASURES`` or :data:`RATIOS`.
    series : DataFrame
        ``year``, ``area``, ``role`` (``england``, ``together``, ``authority``, ``middle``),
        ``value``, ``low``, ``high``, ``status``. Bounds are 95 % Wilson intervals of shares of
        children, and the quartiles around the middle authority; NaN where there is none.
    not_summed : DataFrame
        ``year``, ``area``, ``measure``, ``status``: what keeps a year from being added up.
    """

    measure: str
    series: pd.DataFrame
    not_summed: pd.DataFrame


def trend(table: pd.DataFrame, codes: Sequence[str], measure: str) -> Trend:
    """Follow a measure for some authorities, their sum, England and the middle authority.

    Several authorities are added up only where every part is a number. A withheld part is not
    worked out from the others: that would undo the protection of the children behind it.
    The middle authority is the median of those with a number; withheld ones are mostly small.

    Examples
    --------
    >>> from pathlib import Path
    >>> from missing_lib.study import official
    >>> table = official.load(Path("data/official/looked-after-missing"))
    >>> slough_and_reading = trend(table, ["E06000039", "E06000038"], "missing_children")
    >>> rows = slough_and_reading.series.query("role == 'together' and year > 2022")
    >>> rows[["year", "value", "status"]].values.tolist()
    [[2023, 39.0, 'value'], [2024, nan, 'suppressed']]
    """
    _check_measure(measure)
    check_authorities(table, codes)
    names = table.groupby("code")["name"].last()
    parts = [_follow(table, [ENGLAND], measure).assign(area="England", role="england")]
    if codes:
        together = _follow(table, codes, measure, as_area=True)
        parts.append(together.assign(area=TOGETHER, role="together"))
    for code in dict.fromkeys(codes):
        parts.append(_follow(table, [code], measure).assign(area=names[code], role="authority"))
    parts.append(_middle(table, measure).assign(area=MIDDLE, role="middle"))
    return Trend(
        measure, pd.concat(parts, ignore_index=True)[_SERIES], _gaps(table, codes, measure)
    )


def latest_year(table: pd.DataFrame, codes: Sequence[str], measure: str) -> int | None:
    """The last year in which these authorities together (none: England) have a number."""
    _check_measure(measure)
    check_authorities(table, codes)
    together = _follow(table, codes or [ENGLAND], measure, as_area=True)
    years = together.loc[together["status"] == "value", "year"]
    return int(years.max()) if len(years) else None


@dataclass(frozen=True)
class Funnel:
    """Authorities against what chance alone would allow in one year.

    Attributes
    ----------
    year : int
    target : float
        England's rate: children missing per 100 looked after during the year.
    points : DataFrame
        One row per authority with both numbers, by size: ``code``, ``name``, ``own`` (one of
        those asked for), ``looked_after``, ``missing_children``, ``rate``, ``target``,
        ``low_95``, ``high_95``, ``low_998``, ``high_998``, ``verdict`` (inside, outside 95 %,
        outside 99.8 %).
    left_out : DataFrame
        ``code``, ``name``, ``own``, ``status`` of authorities without a rate.
    outside_95, outside_998 : float
        Per cent of the points beyond the limits; chance alone would put at most 5 and 0.2 there.
    dispersion : float
        Mean squared standardised distance from the target; 1 were chance all there is.
    """

    year: int
    target: float
    points: pd.DataFrame
    left_out: pd.DataFrame
    outside_95: float
    outside_998: float
    dispersion: float


def funnel(table: pd.DataFrame, year: int, codes: Sequence[str] = ()) -> Funnel:
    """Compare the rate of every authority with England's.

    Dispersion is ``mean(z**2)`` with ``z = (y - t) / sqrt(t (1 - t) / n)`` for rate y, target
    t and size n (Spiegelhalter 2005, doi 10.1002/sim.1970; not winsorised). Far above 1, the
    limits are too narrow to call a single authority unusual.

    Examples
    --------
    >>> from pathlib import Path
    >>> from missing_lib.study import official
    >>> table = official.load(Path("data/official/looked-after-missing"))
    >>> result = funnel(table, 2024)
    >>> round(result.target, 1), len(result.points), len(result.left_out)
    (11.2, 149, 4)
    """
    check_authorities(table, codes)
    england = _follow(table, [ENGLAND], "missing_rate").set_index("year")["value"]
    target = float(england.get(year, np.nan))
    if np.isnan(target):
        raise ContractError([f"the official statistics hold no rate for the year {year}"])
    here = table[(table["year"] == year) & (table["level"] == "authority")]
    here = here[[existed(code, year) for code in here["code"]]]
    wide = here.pivot(index=["code", "name"], columns="measure", values=["value", "status"])
    value, status = wide["value"].astype(float), wide["status"]
    frame = pd.DataFrame(
        {
            "looked_after": value["looked_after_during_year"],
            "missing_children": value["missing_children"],
            "status": _first_gap(status["missing_children"], status["looked_after_during_year"]),
        }
    ).reset_index()
    frame.insert(2, "own", frame["code"].isin(codes))
    frame["status"] = frame["status"].mask(frame["looked_after"] == 0, "not_applicable")
    usable = frame["status"] == "value"
    points = _judge(frame[usable].drop(columns="status"), target)
    z2 = (points["rate"] - target) ** 2 * points["looked_after"] / (target * (100 - target))
    return Funnel(
        year=year,
        target=target,
        points=points,
        left_out=frame.loc[~usable, ["code", "name", "own", "status"]].reset_index(drop=True),
        outside_95=100 * float(points["verdict"].ne("inside").mean()),
        outside_998=100 * float(points["verdict"].eq("outside 99.8 %").mean()),
        dispersion=float(z2.mean()),
    )


def funnel_limits(
    n: ArrayLike, target: float, coverage: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact binomial limits of a proportion around a target.

    Quantiles of Binomial(n, target) at ``(1 - coverage) / 2`` and at its mirror image, over n
    (Spiegelhalter 2005, doi 10.1002/sim.1970, appendix A.1.1). Without his interpolation
    between whole numbers, chance passes each limit with at most the stated probability.

    Examples
    --------
    >>> low, high = funnel_limits([100], 0.1, 0.95)
    >>> float(low[0]), float(high[0])
    (0.05, 0.16)
    """
    size, tail = np.asarray(n, dtype=float), (1 - coverage) / 2
    return binom.ppf(tail, size, target) / size, binom.ppf(1 - tail, size, target) / size


@dataclass(frozen=True)
class CountModel:
    """A distribution of incidents per missing child that has the observed mean.

    Attributes
    ----------
    name : str
    parameter : float
        Of the distribution, in the notation of the function that solved for it.
    more_than_once : float
        Per cent of children with two incidents or more.
    """

    name: str
    parameter: float
    more_than_once: float


def zero_truncated_poisson(mean: float) -> CountModel:
    """Everybody has the same rate: ``mean = r / (1 - exp(-r))``, ``P(1) = r / (exp(r) - 1)``.

    Plackett 1953, Biometrics 9(4), 485-488.

    Examples
    --------
    >>> round(zero_truncated_poisson(6.45).more_than_once, 1)
    99.0
    """
    _check_mean(mean)
    if mean == 1:
        return CountModel("zero-truncated Poisson", 0.0, 0.0)
    # The mean lies between r and r + 1, so these ends enclose the root.
    rate = float(brentq(lambda r: r / -np.expm1(-r) - mean, mean - 1, mean))
    once = mean * float(np.exp(-rate))
    return CountModel("zero-truncated Poisson", rate, 100 * (1 - once))


def geometric(mean: float) -> CountModel:
    """Every incident is the last with the same chance p: ``mean = 1 / p``, ``P(1) = p``.

    A Poisson whose rate varies exponentially between people gives it too, once people without
    an incident are left out; the one parameter has a closed form.

    Examples
    --------
    >>> round(geometric(6.45).more_than_once, 1)
    84.5
    """
    _check_mean(mean)
    return CountModel("geometric", 1 / mean, 100 * (1 - 1 / mean))


def log_series(mean: float) -> CountModel:
    """Very unequal rates: ``mean = -p / ((1 - p) log(1 - p))``, ``P(1) = -p / log(1 - p)``.

    Fisher, Corbet and Williams 1943, doi 10.2307/1411.

    Examples
    --------
    >>> round(log_series(6.45).more_than_once, 1)
    68.5
    """
    _check_mean(mean)
    if mean == 1:
        return CountModel("log-series", 0.0, 0.0)
    # Solved for g = -log(1 - p), which keeps its digits as p nears 0 or 1: mean = (e^g - 1) / g.
    g = float(brentq(lambda g: np.expm1(g) / g - mean, np.log(mean), 1 + 2 * np.log(mean)))
    p = float(-np.expm1(-g))
    return CountModel("log-series", p, 100 * (1 - p / g))


def repeat_shares(table: pd.DataFrame, year: int, codes: Sequence[str] = ()) -> pd.DataFrame:
    """Share of missing children missing more than once, against three distributions.

    Returns
    -------
    DataFrame
        ``area``, ``role``, ``mean`` (incidents per missing child), ``model`` (``observed`` and
        the three), ``share``, ``low``, ``high`` (95 % Wilson interval of the observed share).
        Areas without all three numbers are left out.
    """
    observed = trend(table, codes, "share_more_than_once").series
    means = trend(table, codes, "incidents_per_missing_child").series
    both = observed.merge(means, on=["year", "area", "role"], suffixes=("", "_mean"))
    both = both[(both["year"] == year) & both["role"].ne("middle")]
    both = both.dropna(subset=["value", "value_mean"])
    rows = []
    for area in both.itertuples(index=False):
        start = {"area": area.area, "role": area.role, "mean": area.value_mean}
        seen = {"model": "observed", "share": area.value, "low": area.low, "high": area.high}
        rows.append({**start, **seen})
        for model in (zero_truncated_poisson, geometric, log_series):
            made = model(float(area.value_mean))
            rows.append({**start, "model": made.name, "share": made.more_than_once})
    columns = ["area", "role", "mean", "model", "share", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def describe_log_series(observed: float, expected: float) -> str:
    """How the children missing once compare with the log-series, as a sentence.

    Parameters
    ----------
    observed, expected : float
        Per cent missing more than once, seen and under the log-series.
    """
    if observed < expected:
        return (
            "Children who go missing once only are more common than even the log-series expects: "
            "a few children with very many incidents hold the mean up."
        )
    return "Children who go missing once only are no more common than the log-series expects."


def _check_measure(measure: str) -> None:
    if measure not in MEASURES and measure not in RATIOS:
        known = ", ".join([*RATIOS, *MEASURES])
        raise ContractError([f"unknown measure {measure!r}; one of {known}"])


def _check_mean(mean: float) -> None:
    if not mean >= 1:
        raise ValueError(f"a missing child has one incident or more, so the mean is not {mean}")


def _follow(
    table: pd.DataFrame, codes: Sequence[str], measure: str, as_area: bool = False
) -> pd.DataFrame:
    """``year``, ``value``, ``low``, ``high``, ``status`` of the sum of some places."""
    above, below = RATIOS.get(measure, ((measure,), ()))
    top = _total(table, codes, above, as_area)
    if not below:
        return top.assign(low=np.nan, high=np.nan)
    base = _total(table, codes, below, as_area)
    status = _first_gap(top["status"], base["status"]).mask(base["value"] == 0, "not_applicable")
    good = status == "value"
    scale = 100 if measure in _PER_CENT else 1
    frame = top.assign(value=(scale * top["value"] / base["value"]).where(good), status=status)
    frame = frame.assign(low=np.nan, high=np.nan)
    if measure in _SHARES_OF_CHILDREN and good.any():
        bounds = proportion_confint(top["value"][good], base["value"][good], method="wilson")
        frame.loc[good, "low"], frame.loc[good, "high"] = 100 * bounds[0], 100 * bounds[1]
    return frame


def _total(
    table: pd.DataFrame, codes: Sequence[str], measures: Sequence[str], as_area: bool
) -> pd.DataFrame:
    cells = _cells(table, codes, measures, as_area)
    gaps = cells[cells["status"] != "value"].groupby("year")["status"].first()
    years = cells.groupby("year")["value"].sum().to_frame()
    years["status"] = gaps.reindex(years.index).fillna("value")
    return years.assign(value=years["value"].where(years["status"] == "value")).reset_index()


def _cells(
    table: pd.DataFrame, codes: Sequence[str], measures: Sequence[str], as_area: bool
) -> pd.DataFrame:
    """Every cell a sum needs; one that the files do not hold has status ``not_published``."""
    wanted = [
        (year, code, measure)
        for year in sorted(table["year"].unique())
        for code in (codes_in_year(codes, year) if as_area else dict.fromkeys(codes))
        for measure in measures
    ]
    key = ["year", "code", "measure"]
    found = table.set_index(key)[["value", "status"]]
    cells = found.reindex(pd.MultiIndex.from_tuples(wanted, names=key)).reset_index()
    return cells.assign(status=cells["status"].fillna("not_published"))


def _gaps(table: pd.DataFrame, codes: Sequence[str], measure: str) -> pd.DataFrame:
    columns = ["year", "area", "measure", "status"]
    if not codes:
        return pd.DataFrame(columns=columns)
    above, below = RATIOS.get(measure, ((measure,), ()))
    cells = _cells(table, codes, list(dict.fromkeys((*above, *below))), as_area=True)
    cells["area"] = cells["code"].map(table.groupby("code")["name"].last())
    return cells.loc[cells["status"] != "value", columns].reset_index(drop=True)


def _middle(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    above, below = RATIOS.get(measure, ((measure,), ()))
    rows = table[(table["level"] == "authority") & (table["status"] == "value")]
    wide = rows.pivot(index=["year", "code"], columns="measure", values="value")
    values = wide[list(above)].sum(axis=1, skipna=False)
    if below:
        base = wide[list(below)].sum(axis=1, skipna=False)
        values = (100 if measure in _PER_CENT else 1) * values / base.where(base > 0)
    years = values.groupby("year").quantile([0.25, 0.5, 0.75]).unstack()
    years.columns = pd.Index(["low", "value", "high"])
    status = np.where(years["value"].notna(), "value", "not_published")
    return years.assign(status=status).reset_index()


def _first_gap(first: pd.Series, second: pd.Series) -> pd.Series:
    """The first status that is not a value, so that a reader learns why there is none."""
    return first.where(first != "value", second)


def _judge(frame: pd.DataFrame, target: float) -> pd.DataFrame:
    points = frame.sort_values(["looked_after", "code"]).reset_index(drop=True)
    points["rate"] = 100 * points["missing_children"] / points["looked_after"]
    points["target"] = target
    for coverage, name in ((0.95, "95"), (0.998, "998")):
        low, high = funnel_limits(points["looked_after"], target / 100, coverage)
        points[f"low_{name}"], points[f"high_{name}"] = 100 * low, 100 * high
    far = ~points["rate"].between(points["low_998"], points["high_998"])
    out = ~points["rate"].between(points["low_95"], points["high_95"])
    points["verdict"] = np.select([far, out], ["outside 99.8 %", "outside 95 %"], "inside")
    return points
