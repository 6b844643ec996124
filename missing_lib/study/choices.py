"""How much the headline findings depend on choices of cleaning that a force could defend."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from missing_lib.force.quality import merge_incidents
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables
from missing_lib.study.cohort import ERA_CHANGE, Cohort, select
from missing_lib.study.concentration import measure
from missing_lib.study.repeats import gaps, repeat_shares

MERGE_GAPS = (1.0, 6.0, 24.0)


@dataclass(frozen=True)
class Choice:
    """One way of preparing the same data.

    Attributes
    ----------
    name : str
        In plain words.
    tables : Tables
        The data prepared that way.
    """

    name: str
    tables: Tables


def choices(tables: Tables, force: ForceFile) -> list[Choice]:
    """The default and every other choice, one at a time.

    Returns
    -------
    list of Choice
        As taken in; reports merged within 1, 6 and 24 hours; without the category of no
        apparent risk; without the first twelve months of each history (a wash-out).
    """
    made = [Choice("as taken in", tables)]
    for hours in MERGE_GAPS:
        merged = merge_incidents(tables.incidents, hours)
        name = f"reports within {hours:g} h of a return are the same incident"
        made.append(Choice(name, replace(tables, incidents=merged)))
    certain = tables.incidents["category"] != "no_apparent_risk"
    made.append(
        Choice(
            "without absent and no apparent risk",
            replace(tables, incidents=tables.incidents[certain]),
        )
    )
    start = pd.Timestamp(force.study.start, tz=force.time_zone) + pd.DateOffset(years=1)
    later = tables.incidents["reported_at"] >= start
    made.append(
        Choice(
            "without the first year of the study",
            replace(tables, incidents=tables.incidents[later]),
        )
    )
    return made


def headline_by_choice(tables: Tables, force: ForceFile, population: str) -> pd.DataFrame:
    """Headline shares under every choice.

    Parameters
    ----------
    tables : Tables
    force : ForceFile
    population : {"children", "adults", "all"}

    Returns
    -------
    DataFrame
        One row per choice: ``choice``, ``repeat`` (share of incidents of people with more than
        one), ``persistent`` (share of incidents of persistent people), ``top`` (share of
        incidents of the top fraction), ``short`` and ``long`` (share of gaps within the two
        bounds), ``people`` (the smallest number of people behind any of them).
    """
    rows = [
        {"choice": choice.name, **_headline(select(choice.tables, force, population))}
        for choice in choices(tables, force)
    ]
    return pd.DataFrame(rows)


def _headline(cohort: Cohort) -> dict[str, float]:
    definitions = cohort.definitions
    counts = cohort.counts
    concentrated = measure(counts, definitions.top_share, definitions.persistent_incidents)
    spells = gaps(cohort)
    seen = spells[spells["observed"]]
    repeated = repeat_shares(counts)
    short, long = definitions.gap_days
    return {
        "repeat": repeated.share_of_repeat_people,
        "persistent": concentrated.persistent_share,
        "top": concentrated.top_share,
        "short": float((seen["gap_days"] <= short).mean()) if len(seen) else float("nan"),
        "long": float((seen["gap_days"] <= long).mean()) if len(seen) else float("nan"),
        "people": min(
            concentrated.persistent_people,
            repeated.people - repeated.repeat_people,
            repeated.repeat_people,
        ),
    }


def eras(cohort: Cohort) -> pd.DataFrame:
    """The two eras of recording, with their days inside the study window.

    Returns
    -------
    DataFrame
        ``era``, ``from``, ``to``: text; an era outside the window is left out.
    """
    parts = [
        ("absent category could be used", cohort.start, min(cohort.end, ERA_CHANGE - _DAY)),
        ("everybody is missing", max(cohort.start, ERA_CHANGE), cohort.end),
    ]
    return pd.DataFrame(
        [(name, f"{a:%Y-%m-%d}", f"{b:%Y-%m-%d}") for name, a, b in parts if a <= b],
        columns=["era", "from", "to"],
    )


_DAY = pd.Timedelta(days=1)
