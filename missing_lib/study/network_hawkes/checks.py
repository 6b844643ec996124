"""Whether a fitted network Hawkes process describes the reports: time on the clock of the model.

On the clock of its own expected number every process runs at rate one, whatever it was before
(Brown, Barbieri, Ventura, Kass and Frank 2002, doi 10.1162/08997660252741149). The rate is that
given what was known at the time: with person effects, the mean of v_i given the reports so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from scipy import stats

from missing_lib.study.network_hawkes.climb import Parameters, climb
from missing_lib.study.network_hawkes.elapsed import elapsed
from missing_lib.study.network_hawkes.result import HawkesFit
from missing_lib.study.network_hawkes.timeline import Floats, Ints, Jumps, Timeline

#: Days since an own return, and since a peer's report began to count, that bound the classes.
SINCE_OWN, SINCE_PEER = (14.0, 28.0), (7.0, 28.0)


@dataclass(frozen=True)
class Check:
    """Observed against expected.

    Attributes
    ----------
    gaps : ndarray, shape (reports,)
        Between reports on the clock of the model, everybody's time laid end to end; exponential
        with mean 1 if the model holds.
    statistic, p : float
        Of Kolmogorov and Smirnov against that law. The p value is too kind, because the model was
        fitted to the same reports.
    expected : float
        Reports expected in all.
    table : DataFrame
        ``by`` (``season``, ``own return``, ``peer report``), ``group`` (quarter of the year, or
        days since the last), ``observed``, ``expected``, ``ratio``, ``people`` (with a report in
        the group).
    problem : str
    """

    gaps: Floats
    statistic: float
    p: float
    expected: float
    table: pd.DataFrame
    problem: str = ""


@dataclass(frozen=True)
class _Marks:
    """Reports, and moments between them, of persons in order.

    ``report`` is the position of the report that a mark is, or -1.
    """

    person: Ints
    at: Floats
    report: Ints


def check(found: HawkesFit, line: Timeline) -> Check:
    """Residuals by time rescaling, and observed against expected by season and history.

    Parameters
    ----------
    found : HawkesFit
    line : Timeline
        To which it was fitted, or another that it is to be held against.

    Returns
    -------
    Check
    """
    if found.parameters is None or line.reports == 0:
        empty = pd.DataFrame(columns=_COLUMNS)
        return Check(np.empty(0), np.nan, np.nan, np.nan, empty, found.problem or NO_REPORTS)
    marks = _marks(line)
    passed = compensators(line, found.parameters, marks.person, marks.at, marks.report)
    is_report = marks.report >= 0
    gaps = np.diff(np.cumsum(passed)[is_report], prepend=0.0)
    test = stats.kstest(gaps, "expon")
    names = {
        "season": _season(line, marks),
        "own return": _since(line.own, marks, SINCE_OWN),
        "peer report": _since(line.peer, marks, SINCE_PEER),
    }
    tables = [_table(by, group, passed, marks) for by, group in names.items()]
    return Check(
        gaps, float(test.statistic), float(test.pvalue), float(passed.sum()), pd.concat(tables)
    )


def compensators(
    line: Timeline, at: Parameters, person: Ints, when: Floats, report: Ints
) -> Floats:
    """Expected number of reports of each person since the moment before.

    Parameters
    ----------
    line : Timeline
    at : Parameters
    person : ndarray of int, shape (moments,)
        Ascending.
    when : ndarray of float, shape (moments,)
        Ascending within a person; all reports are among the moments.
    report : ndarray of int, shape (moments,)
        Which report each is, -1 for none.

    Returns
    -------
    ndarray, shape (moments,)
        Given the reports so far: -log of the chance of no report.
    """
    here = climb(line, at)
    by_person, by_pattern = line.setting.background.rates(at.beta)
    rate = by_person[line.person] * by_pattern[line.pattern]
    added = at.own * here.own.at + at.peer * here.peer.at
    past = elapsed(line, at, person, when)
    longest = int(np.diff(line.first).max(initial=0))
    return _filtered(
        person, report, past.background, past.added, rate, added, at.variance, longest
    )  # fmt: skip


def _marks(line: Timeline) -> _Marks:
    """Reports, ends of windows, quarters, and where a class of time since something ends."""
    setting = line.setting
    people = np.flatnonzero(setting.closes > setting.opens)
    parts = [(line.person, line.at), (people, setting.closes[people])]
    for edge in setting.edges:
        parts.append((people, np.full(len(people), edge)))
    for jumps, days in ((line.own, SINCE_OWN), (line.peer, SINCE_PEER)):
        who = np.repeat(np.arange(len(setting.opens)), np.diff(jumps.first))
        parts += [(who, jumps.at + more) for more in (0.0, *days)]
    person = np.concatenate([part[0] for part in parts])
    at = np.concatenate([part[1] for part in parts])
    report = np.full(len(person), -1)
    report[: line.reports] = np.arange(line.reports)
    inside = (at > setting.opens[person]) & (at <= setting.closes[person])
    order = np.lexsort((report, at, person))
    order = order[inside[order]]
    return _Marks(person[order], at[order], report[order])


def _season(line: Timeline, marks: _Marks) -> NDArray[np.object_]:
    """Quarter of the year before each mark."""
    edges, season = line.setting.edges, line.setting.season
    if len(season) == 0:
        return np.full(len(marks.at), "all", object)
    place = np.clip(np.searchsorted(edges, marks.at) - 1, 0, len(season) - 1)
    return np.array(["January to March", "April to June", "July to September",
                     "October to December"], object)[season[place] - 1]  # fmt: skip


def _since(jumps: Jumps, marks: _Marks, days: tuple[float, ...]) -> NDArray[np.object_]:
    """How long ago the last jump was just before each mark, in classes."""
    delay = _delay(jumps.first, jumps.at, marks.person, marks.at)
    lows = (0.0, *days)
    labels = [f"{low:g} to {high:g} days" for low, high in zip(lows, days, strict=False)]
    labels += [f"more than {days[-1]:g} days", "none so far"]
    # A mark at the very end of a class ends time in it; rounding must not put it into the next.
    place = np.searchsorted(np.array(days) + 1e-9, delay)
    return np.array(labels, object)[np.where(np.isnan(delay), len(labels) - 1, place)]


def _table(by: str, group: NDArray[np.object_], passed: Floats, marks: _Marks) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "group": group,
            "expected": passed,
            "observed": (marks.report >= 0).astype(int),
            "who": np.where(marks.report >= 0, marks.person, -1),
        }
    )
    people = rows[rows["who"] >= 0].groupby("group")["who"].nunique().rename("people")
    out = rows.groupby("group")[["observed", "expected"]].sum().join(people).reset_index()
    out["people"] = out["people"].fillna(0).astype(int)
    ratio = out["observed"] / out["expected"].where(out["expected"] > 0)
    return out.assign(by=by, ratio=ratio)[_COLUMNS]


_COLUMNS = ["by", "group", "observed", "expected", "ratio", "people"]
NO_REPORTS = "there are no reports"


@njit(cache=True)
def _delay(first: Ints, jump: Floats, person: Ints, when: Floats) -> Floats:
    out = np.full(len(when), np.nan)
    for k in range(len(when)):
        low, high = first[person[k]], first[person[k] + 1]
        j = low + np.searchsorted(jump[low:high], when[k]) - 1
        if j >= low:
            out[k] = when[k] - jump[j]
    return out


@njit(cache=True)
def _filtered(
    person: Ints,
    report: Ints,
    mass: Floats,
    brought: Floats,
    rate: Floats,
    added: Floats,
    theta: float,
    longest: int,
) -> Floats:
    """Expected number since the mark before; w holds the chances of m background reports so far."""
    out = np.empty(len(person))
    w = np.zeros(longest + 2)
    who, count, before, brought_before = -1, 0, 0.0, 0.0
    for k in range(len(person)):
        if person[k] != who:
            who, count, before, brought_before = person[k], 0, 0.0, 0.0
            w[0] = 1.0
        if theta == 0.0:
            out[k] = mass[k] - before
        else:
            shrunk = np.log1p(theta * before) - np.log1p(theta * mass[k])
            total = 0.0
            for m in range(count + 1):
                w[m] *= np.exp(shrunk * (1.0 / theta + m))
                total += w[m]
            for m in range(count + 1):
                w[m] /= total
            out[k] = -np.log(total)
        out[k] += brought[k] - brought_before
        before, brought_before = mass[k], brought[k]
        if report[k] >= 0 and theta > 0.0:
            mu, e, total = rate[report[k]], added[report[k]], 0.0
            w[count + 1] = 0.0
            for m in range(count + 1, -1, -1):
                step = mu * (1.0 + theta * (m - 1)) / (1.0 + theta * before)
                w[m] = e * w[m] + (step * w[m - 1] if m > 0 else 0.0)
                total += w[m]
            count += 1
            for m in range(count + 1):
                w[m] /= total
    return out
