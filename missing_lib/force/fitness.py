"""Whether an extract can answer the questions of the book, said before anything is built.

Rules look at rows; these notes look at whole tables against the study and its findings.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from missing_lib.force.errors import suggestion
from missing_lib.force.schema import STUDY_MARKERS
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables
from missing_lib.force.times import local_day
from missing_lib.force.typed import is_in

#: Days without a report, at either end of the study, that are worth a note, and how many times
#: as long as between one report and the next they must be.
SILENT_DAYS, SILENT_TIMES = 61, 10
#: Reports below which silence says nothing.
FEW_REPORTS = 10
#: People without an incident, and with one, below which there is nobody to compare with.
FEW_OTHERS = 10
#: Days in a month.
MONTH = 30.44
#: What forces call the study's markers, where a word is not near enough by its letters.
USUAL_WORDS = {
    "looked_after": "local_authority_care",
    "care": "local_authority_care",
    "custody": "arrest",
    "protection_plan": "child_protection",
    "mental_illness": "mental_health",
}


def notes(tables: Tables, force: ForceFile) -> Iterator[str]:
    """What the analyst should know before reading any figure; no value of a row is said."""
    yield from _silent_ends(tables, force)
    yield from _nobody_else(tables)
    yield from _markers_by_name(tables, force)
    yield from _category_in_risk(tables)


def _silent_ends(tables: Tables, force: ForceFile) -> Iterator[str]:
    """A study that is longer than the extract makes every rate too low."""
    if tables.incidents.empty:
        return
    day = local_day(tables.incidents["reported_at"], force.time_zone)
    start, end = pd.Timestamp(force.study.start), pd.Timestamp(force.study.end)
    inside = day[(day >= start) & (day <= end)]
    if inside.empty:
        yield "study: no report lies between start and end; correct the years"
        return
    if len(inside) < FEW_REPORTS:
        return
    usual = (inside.max() - inside.min()).days / len(inside)
    for side, first, last in (("first", start, inside.min()), ("last", inside.max(), end)):
        silent = (last - first).days
        if silent > max(SILENT_DAYS, SILENT_TIMES * usual):
            yield (
                f"study: no report in the {side} {silent / MONTH:.0f} months; does the extract "
                "cover them? Otherwise every rate is too low"
            )


def _nobody_else(tables: Tables) -> Iterator[str]:
    """Who is reported can only be said beside people who are not."""
    reported = is_in(tables.persons["person_id"], tables.incidents["person_id"])
    if (~reported).sum() < FEW_OTHERS <= reported.sum():
        yield (
            f"persons: fewer than {FEW_OTHERS} people have no incident, so nobody can be compared "
            "with those who are reported (F1 to F5, N1, N2); supply everybody whom the agencies "
            "know for another reason"
        )


def _markers_by_name(tables: Tables, force: ForceFile) -> Iterator[str]:
    """Markers that the findings read, and that no row is called by."""
    if "markers" in tables.absent or tables.markers.empty:
        return
    there = set(tables.markers["marker"].unique())
    lacking = [name for name in STUDY_MARKERS if name not in there]
    named = sorted((_names_given(force) & there) - set(STUDY_MARKERS))
    if lacking and there > set(STUDY_MARKERS) - set(lacking):
        near = "".join(_near(word, lacking) for word in named)
        yield (
            f"markers: no row is called {', '.join(lacking)}, which the findings read by these "
            f"names{near}"
        )


def _near(word: str, lacking: list[str]) -> str:
    meant = USUAL_WORDS.get(word)
    if meant in lacking:
        return f"; is your {word!r} {meant!r}?"
    hint = suggestion(word, lacking)
    return f"; {word!r}:{hint}" if hint else ""


def _names_given(force: ForceFile) -> set[str]:
    """Markers that the force file itself names; those of an extract may be anything."""
    names: set[str] = set()
    for _, source in force.sources["markers"].each() if "markers" in force.sources else ():
        origin = (source.columns or {}).get("marker")
        if origin is not None:
            given = [*(origin.recode or {}).values(), origin.otherwise, origin.value]
            names |= {one for one in given if isinstance(one, str)}
    return names


def _category_in_risk(tables: Tables) -> Iterator[str]:
    """Absent and no apparent risk are a category; a grade alone does not set them apart."""
    incidents = tables.incidents
    graded = incidents[["risk_first", "risk_final"]].eq("no_apparent_risk").any(axis=1)
    if incidents["category"].isna().all() and graded.any():
        yield (
            f"incidents: {int(graded.sum()):,} rows are graded no_apparent_risk while nothing is "
            "mapped to category, so the figures without that category cannot be given"
        )
