"""Incidents whose people stand in another file: the two are joined on the incident's number."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from missing_lib.force.proposal.links import FEWEST, SHARED, PersonColumn, identifiers
from missing_lib.force.proposal.peek import Joining, Peeked


def joined_incidents(people: Peeked, person: PersonColumn, incidents: Peeked) -> Peeked | None:
    """Rows of people in incidents, with the columns of the incidents brought to them.

    Parameters
    ----------
    people : Peeked
        Says who took part in which incident.
    person : PersonColumn
        Its column of people.
    incidents : Peeked
        One row per incident, by a number that the other file has too.

    Returns
    -------
    Peeked or None
        None where no number of the incidents occurs in the other file, or where the numbers
        are not those of single incidents.
    """
    mine, theirs = identifiers(people), identifiers(incidents)
    best: tuple[float, str, str] | None = None
    for name, some in mine.items():
        for other, others in theirs.items():
            if name == person.name or not incidents.shapes[other].unique:
                continue
            shared = len(some.intersection(others)) / len(some)
            if len(some) >= FEWEST and shared >= SHARED:
                best = max(best, (shared, name, other)) if best else (shared, name, other)
    if best is None:
        return None
    _, name, other = best
    brought = tuple(n for n in incidents.columns if n != other and n not in people.columns)
    keys = pd.Index(incidents.columns[other])
    place = keys.get_indexer(pd.Index(people.columns[name].where(people.columns[name] != "")))
    columns = dict(people.columns)
    shapes = dict(people.shapes)
    for one in brought:
        values = incidents.columns[one].take(place.clip(0)).reset_index(drop=True)
        columns[one] = values.where(place >= 0, "")
        shapes[one] = replace(
            incidents.shapes[one], unique=False, blank=bool((columns[one] == "").any())
        )
    joining = Joining(people, incidents, {other: name}, brought)
    return replace(people, columns=columns, shapes=shapes, joining=joining)
