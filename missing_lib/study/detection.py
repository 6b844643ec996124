"""How closely was somebody watched? Contacts with the police other than going missing."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.tables import MISSING_REPORT
from missing_lib.study.cohort import Cohort
from missing_lib.study.outcomes import MISSING

#: The agency whose contacts are counted.
POLICE = "police"


def police_contacts(cohort: Cohort) -> pd.Series:
    """Contacts of each person with the police before the landmark, other than going missing.

    Three kinds of record are counted: dated events, whatever they are; markers that the police
    recorded; and a first contact with any agency that was one with the police. Records of one
    kind in two tables, such as an arrest that is an event and a marker, are counted where there
    are more of them, not twice. Of a kind that is a marker and that no other agency records the
    first is left to the marker, which the models hold as it is.

    Returns
    -------
    Series of int
        By ``person_id``; only people with at least one.
    """
    local = cohort.events["occurred_at"].dt.tz_convert(cohort.time_zone).dt.tz_localize(None)
    early = (local < cohort.start) & (cohort.events["event_type"] != MISSING).fillna(True)
    events = _kinds(cohort.events[early], "event_type", "events")
    markers = cohort.markers
    police = (markers["agency"] == POLICE).fillna(False)
    seen = _kinds(markers[police & (markers["known_from"] < cohort.start)], "marker", "markers")
    rows = pd.concat([events, seen, _first_contacts(cohort.persons)], ignore_index=True)
    number = rows.groupby(["person_id", "kind", "table"]).size().groupby(level=[0, 1]).max()
    others = markers["agency"].notna() & ~police
    alone = set(markers["marker"].dropna()) - set(markers.loc[others, "marker"].dropna())
    further = number - number.index.get_level_values("kind").isin(alone)
    total = further.groupby(level="person_id").sum()
    return total[total > 0].astype("int64").rename("contacts")


def _first_contacts(persons: pd.DataFrame) -> pd.DataFrame:
    """People whom some agency knew first through the police, and not through a missing report."""
    words = persons["known_first_by"].astype("string").str.split(":", n=1)
    agency, reason = words.str[0], words.str[-1]
    by_police = ((agency == POLICE) & (reason != MISSING_REPORT)).fillna(False).astype(bool)
    return _kinds(persons.assign(reason=reason)[by_police], "reason", "persons")


def _kinds(rows: pd.DataFrame, kind: str, table: str) -> pd.DataFrame:
    named = {"person_id": rows["person_id"].astype(object), "kind": rows[kind].astype(object)}
    return pd.DataFrame(named).assign(table=table)
