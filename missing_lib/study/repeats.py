"""How soon does it happen again? Gaps between incidents, and whether they are short by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.chance import fit_negative_binomial
from missing_lib.study.cohort import Cohort, at_risk_windows, still_open
from missing_lib.study.intervals import Interval, ratio_by_people
from missing_lib.study.mean_numbers import mean_at
from missing_lib.study.survival import kaplan_meier, piecewise_hazard

Floats = NDArray[np.float64]

#: Incident order in bands, as shown: the incident after which the clock starts.
ORDER_BANDS = ("1st", "2nd", "3rd to 4th", "5th to 9th", "10th or later")
_ORDER_EDGES = (1, 2, 3, 5, 10)
#: Bands of days since the return over which a hazard is taken as constant.
HAZARD_EDGES = (0, 7, 14, 28, 56, 90, 180, 365)
#: Days of a year, and days at which mean numbers are read off.
YEAR = 365
MEAN_AT = (YEAR, 2 * YEAR)
#: From this part of the gaps on, nearly all are of one kind.
NEARLY_ALL = 0.9
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class RepeatShares:
    """The two things that are both called the share of repeats.

    Attributes
    ----------
    people, repeat_people : int
        People with an incident, and with more than one.
    incidents, of_repeat_people, after_first : int
        All incidents; those of people with more than one; those after each person's first.
    share_of_repeat_people, share_after_first : float
        The latter two over all incidents; NaN without incidents.
    """

    people: int
    repeat_people: int
    incidents: int
    of_repeat_people: int
    after_first: int
    share_of_repeat_people: float
    share_after_first: float


def repeat_shares(counts: ArrayLike) -> RepeatShares:
    """Both definitions of the share of repeats.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Incidents of each person with at least one.

    Examples
    --------
    >>> s = repeat_shares([1, 1, 3])
    >>> s.share_of_repeat_people, s.share_after_first
    (0.6, 0.4)
    """
    given = np.asarray(counts, dtype=int)
    incidents, theirs = int(given.sum()), int(given[given > 1].sum())
    after = incidents - len(given)
    return RepeatShares(
        people=len(given),
        repeat_people=int((given > 1).sum()),
        incidents=incidents,
        of_repeat_people=theirs,
        after_first=after,
        share_of_repeat_people=theirs / incidents if incidents else np.nan,
        share_after_first=after / incidents if incidents else np.nan,
    )


def bootstrap_shares(counts: ArrayLike, *, draws: int = 1000, seed: int = 1) -> dict[str, Interval]:
    """Percentile intervals of both repeat shares from resampling whole people.

    Returns
    -------
    dict of Interval
        ``share_of_repeat_people``, ``share_after_first``.
    """
    given = pd.Series(np.asarray(counts, dtype=int))
    parts = {"share_of_repeat_people": given.where(given > 1, 0), "share_after_first": given - 1}
    return {name: ratio_by_people(part, given, draws, seed) for name, part in parts.items()}


def gaps(cohort: Cohort) -> pd.DataFrame:
    """Time from each incident to the person's next one, or to where observation ends.

    A gap runs from the end of an incident to the report of the next. Where the end is missing,
    or lies after the next report, it runs from the report; where the incident is still open when
    the study ends (:func:`.cohort.still_open`), there is none. Observation ends with the
    person's at-risk window: at the age limit, on leaving, or at the end of the study.

    Returns
    -------
    DataFrame
        One row per incident: ``person_id``, ``order``, ``order_band`` (of the incident that
        starts the clock), ``from_end`` (False where the clock starts at the report),
        ``gap_days`` (elapsed days, fractional, at least zero), ``observed`` (True where a next
        incident was seen) and ``away_days`` (from the report to the start of the clock).
    """
    rows = cohort.incidents
    reported, ended = (_instants(rows[name]) for name in ("reported_at", "ended_at"))
    # rows stand by person and report, so the next one is the same person's unless it is a first
    observed = np.zeros(len(rows), dtype=bool)
    observed[:-1] = rows["order"].to_numpy()[1:] > 1
    until = np.roll(reported, -1)
    until[~observed] = _end_of_observation(cohort, rows["person_id"][~observed])
    from_end = (ended >= reported) & ~(observed & (ended > until))
    clock = np.where(from_end, ended, reported)
    clock = np.where(still_open(cohort), np.maximum(until, reported), clock)
    band = np.searchsorted(_ORDER_EDGES, rows["order"].to_numpy(), side="right") - 1
    return pd.DataFrame(
        {
            "person_id": rows["person_id"],
            "order": rows["order"],
            "order_band": pd.Categorical.from_codes(band, list(ORDER_BANDS), ordered=True),
            "from_end": from_end,
            "gap_days": np.maximum((until - clock) / _DAY, 0.0),
            "observed": observed,
            "away_days": (clock - reported) / _DAY,
        }
    )


def _instants(times: pd.Series) -> NDArray[Any]:
    """Times in UTC, without a zone, so that they can be reckoned with as plain numbers."""
    return times.to_numpy("datetime64[ns]")


def _end_of_observation(cohort: Cohort, persons: pd.Series) -> NDArray[Any]:
    """Instant at which each person leaves observation: midnight after the last day, in UTC."""
    windows = at_risk_windows(cohort)
    row = pc.index_in(pa.array(persons), value_set=pa.array(windows["person_id"]))
    last = windows["at_risk_to"].astype("datetime64[ns]").reindex(row.to_numpy(False))
    midnight = (last.fillna(cohort.end) + _DAY).dt.tz_localize(
        cohort.time_zone, ambiguous=False, nonexistent="shift_forward"
    )
    return _instants(midnight)


def ever_at_risk(spells: pd.DataFrame) -> pd.DataFrame:
    """The gaps of people who were observed after the incident for any time at all."""
    return spells[spells["observed"] | (spells["gap_days"] > 0)]


def gaps_by_person(spells: pd.DataFrame, days: float) -> pd.DataFrame:
    """Observed gaps of each person within a bound and beyond it.

    Returns
    -------
    DataFrame
        ``within`` and ``beyond``, indexed by person; only people with an observed gap.
    """
    seen = spells[spells["observed"]]
    short = seen["gap_days"] <= days
    table = pd.DataFrame({"within": short, "beyond": ~short}).astype("int64")
    return table.groupby(seen["person_id"]).sum()


def short_gaps(
    spells: pd.DataFrame, bounds: Sequence[float], *, draws: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Share of observed gaps within each bound, and of all incidents as a lower bound.

    Parameters
    ----------
    spells : DataFrame
        From :func:`gaps`.
    bounds : sequence of float
        Days; a gap of exactly the bound is within it.
    draws : int
        Resampled populations: whole people, with all their gaps.
    seed : int

    Returns
    -------
    DataFrame
        ``days``, ``short`` and ``gaps`` (numbers of observed gaps), ``share``, ``low``,
        ``high`` (percentile interval of the share), ``incidents``, ``share_of_incidents``
        (incidents whose next is not seen count as not followed: a lower bound),
        ``people_short`` and ``people_long`` (with a gap within and with one beyond the bound).
    """
    seen = spells[spells["observed"]]
    rows = []
    for days in bounds:
        short = seen["gap_days"] <= days
        per_person = gaps_by_person(spells, days)
        interval = ratio_by_people(per_person["within"], per_person.sum(axis=1), draws, seed)
        number, total = int(short.sum()), len(seen)
        rows.append(
            {
                "days": float(days),
                "short": number,
                "gaps": total,
                "share": number / total if total else np.nan,
                "low": interval.low,
                "high": interval.high,
                "incidents": len(spells),
                "share_of_incidents": number / len(spells) if len(spells) else np.nan,
                "people_short": int((per_person["within"] > 0).sum()),
                "people_long": int((per_person["beyond"] > 0).sum()),
            }
        )
    return pd.DataFrame(rows)


def clock_share(seen: pd.DataFrame) -> dict[str, float]:
    """Share of observed gaps whose clock starts at the recorded end.

    Returns
    -------
    dict
        ``value``, and the numbers of ``people`` with such a gap and of ``others`` with another.
    """
    from_end = seen["from_end"]
    return {
        "value": float(from_end.mean()) if len(seen) else np.nan,
        "people": seen.loc[from_end, "person_id"].nunique(),
        "others": seen.loc[~from_end, "person_id"].nunique(),
    }


def describe_clock(share: float, shown: bool) -> str:
    """From where the gaps run, as a template for a page with ``share``.

    Parameters
    ----------
    share : float
        Of the gaps, those whose clock starts at the recorded end.
    shown : bool
        Whether the share may be shown.
    """
    if shown:
        return "In {share} of these gaps the clock starts at the recorded end."
    if share >= NEARLY_ALL:
        return "Nearly all of these gaps start at the recorded end."
    if share <= 1 - NEARLY_ALL:
        return "Nearly all of these gaps start at the report, because hardly any end is recorded."
    return "In how many of these gaps the clock starts at the recorded end is not shown."


def followed_by(spells: pd.DataFrame, days: Sequence[float]) -> pd.DataFrame:
    """Share of incidents followed by another within some days, by Kaplan-Meier.

    Returns
    -------
    DataFrame
        ``days``, ``followed``, ``low``, ``high`` (allowing for dependence within a person),
        ``people`` (with a next incident within the days) and ``others`` (still watched then).
    """
    curve = kaplan_meier(
        spells["gap_days"], spells["observed"], cluster=spells["person_id"], at=days
    )
    who = spells["person_id"]
    soon = [who[spells["observed"] & (spells["gap_days"] <= d)].nunique() for d in days]
    still = [who[spells["gap_days"] > d].nunique() for d in days]
    rows = {"days": list(days), "followed": np.nan, "low": np.nan, "high": np.nan}
    if len(curve):
        rows |= {
            "followed": 1 - curve["survival"],
            "low": 1 - curve["upper"],
            "high": 1 - curve["lower"],
        }
    return pd.DataFrame({**rows, "people": soon, "others": still})


def hazard_table(spells: pd.DataFrame) -> pd.DataFrame:
    """Incidents per hundred person-days in the bands of :data:`HAZARD_EDGES`.

    Returns
    -------
    DataFrame
        ``days_since_return`` (band in words), ``per_hundred_days``, ``lower``, ``upper`` and
        ``people`` (with an incident in the band).
    """
    rates = piecewise_hazard(
        spells["gap_days"], spells["observed"], spells["person_id"], HAZARD_EDGES
    )
    bands = [
        f"{a:.0f} to {b:.0f}" for a, b in zip(rates["days_from"], rates["days_to"], strict=True)
    ]
    return pd.DataFrame(
        {
            "days_since_return": bands,
            "per_hundred_days": 100 * rates["rate"],
            "lower": 100 * rates["lower"],
            "upper": 100 * rates["upper"],
            "people": rates["people"],
        }
    )


def mean_numbers(
    cohort: Cohort, days: Sequence[float] = MEAN_AT, everybody: bool = True
) -> pd.DataFrame:
    """Mean number of incidents per person by some days, with robust intervals.

    Parameters
    ----------
    cohort : Cohort
    days : sequence of float
    everybody : bool
        Give it also for everybody known to an agency, on the clock of observation.

    Returns
    -------
    DataFrame
        ``clock`` (in words), ``days``, ``mean``, ``lower``, ``upper`` (on the log scale, so
        that they stay above zero; NaN without an incident) and ``people`` (the smaller of the
        numbers with an incident by then and still under observation then).
    """
    clocks = {
        "further incidents since the first report": clock_since_first(cohort),
    }
    if everybody:
        clocks["incidents since the first day under observation"] = clock_since_entry(cohort)
    tables = []
    for clock, (events, windows) in clocks.items():
        table = mean_at(events, windows, days)
        table.insert(0, "clock", clock)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def clock_since_entry(cohort: Cohort) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Incidents and observation of everybody known, by days since the person's entry.

    Returns
    -------
    events : DataFrame
        ``person_id``, ``days_since_entry``: 1 on the first day at risk; incidents outside the
        person's at-risk window are left out.
    windows : DataFrame
        ``person_id``, ``days`` at risk, of everybody with a day at risk.
    """
    windows = at_risk_windows(cohort).drop_duplicates("person_id")
    rows = cohort.incidents.merge(windows, on="person_id")
    days = (rows["reported_on"] - rows["at_risk_from"]).dt.days + 1
    events = pd.DataFrame({"person_id": rows["person_id"], "days_since_entry": days})
    inside = (days >= 1) & (days <= rows["days"])
    return events[inside].reset_index(drop=True), windows[["person_id", "days"]]


def clock_since_first(cohort: Cohort) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Further incidents and observation of everybody with one, by days since the first.

    Returns
    -------
    events : DataFrame
        ``person_id``, ``days_since_first``: 0 on the day of the first; the first itself is
        not an event.
    windows : DataFrame
        ``person_id``, ``days`` of observation after the day of the first incident.
    """
    rows = cohort.incidents
    first = rows[rows["order"] == 1].set_index("person_id")["reported_on"]
    last = at_risk_windows(cohort).drop_duplicates("person_id").set_index("person_id")
    until = last["at_risk_to"].reindex(first.index).fillna(cohort.end)
    length = (until - first).dt.days.clip(lower=0)
    later = rows[rows["order"] > 1]
    days = (later["reported_on"] - later["person_id"].map(first)).dt.days
    events = pd.DataFrame({"person_id": later["person_id"], "days_since_first": days})
    inside = days <= later["person_id"].map(length)
    windows = length.rename("days").rename_axis("person_id").reset_index()
    return events[inside].reset_index(drop=True), windows


def memoryless_survival(days: ArrayLike, shape: float, scale: float) -> Floats:
    """Survival to the next event of people with constant rates that differ between them.

    With Gamma(k, theta) rates the next event after a randomly chosen event has S(t) =
    (1 + theta t)^-(k + 1): people with high rates have more events to choose from, so the
    hazard falls although no event changes anything.

    Parameters
    ----------
    days : array_like
    shape, scale : float
        k and theta; theta in events per day.
    """
    return np.asarray((1 + scale * np.asarray(days, dtype=float)) ** -(shape + 1))


def memoryless_table(shape: float, scale: float) -> pd.DataFrame:
    """Share followed by another incident under constant rates, at the ends of the hazard bands.

    Returns
    -------
    DataFrame
        ``days``, ``followed``.
    """
    days = np.array(HAZARD_EDGES[1:], dtype=float)
    return pd.DataFrame({"days": days, "followed": 1 - memoryless_survival(days, shape, scale)})


def memoryless_reference(cohort: Cohort) -> tuple[float, float]:
    """Shape and scale of constant Gamma rates that the cohort's counts suggest.

    The zero-truncated negative binomial of the counts, over the mean days at risk L of people
    with an incident: theta = mu/(k L). At its log-series limit k = 0 and theta = p/((1 - p) L).

    Returns
    -------
    tuple of float
        Shape and scale (per day); NaN where the counts cannot be fitted or do not differ more
        than chance.
    """
    model = fit_negative_binomial(cohort.counts)
    windows = at_risk_windows(cohort).drop_duplicates("person_id").set_index("person_id")["days"]
    length = windows.reindex(cohort.counts.index).mean()
    if not np.isfinite(model.success) or not length > 0:
        return np.nan, np.nan
    return model.shape, float(model.success / (1 - model.success) / length)
