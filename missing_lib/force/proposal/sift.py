"""What the values of a proposal's columns say: what is doubted, added, or better left out."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.proposal.clocks import NO_COLUMN, with_clocks
from missing_lib.force.proposal.links import differing, holds_nobody, identifiers
from missing_lib.force.proposal.mapped import Mapped, formats_of, mapped
from missing_lib.force.proposal.peek import Peeked
from missing_lib.force.proposal.shapes import Shape
from missing_lib.force.proposal.synonyms import likeness, words_of
from missing_lib.force.proposal.when import days, middle, moments, overlapping, years_between
from missing_lib.force.schema import SCHEMA

#: Share of people whose rows differ from which on a column does not describe the person.
VARIES = 0.1
#: Share of incidents that would merge from which on an end is left out, also if it is called a
#: return; and share of ends before the report.
MERGED, FOUND, BEFORE = 0.1, 0.3, 0.5
#: Share of the rows from which on distinct numbers may be those of incidents.
MANY = 0.2
#: Median days away from which on a later date is not taken for the end by itself.
LONG = 7
#: Years that lie between a birth and a report, in the middle, if it is one.
AGES = (5, 70)

Columns = dict[str, Mapped]


def earliest_date(file: Peeked, shapes: dict[tuple[str, ...], Shape]) -> Mapped | None:
    """The earliest among the best filled dates that are no births: the report, perhaps."""
    found = []
    for names, shape in shapes.items():
        if not shape.dated or "birth" in words_of(names[0]):
            continue
        times = moments(file, names, formats_of(shape, SCHEMA["incidents"]["reported_at"])[0])
        if times.notna().any():
            found.append((float(times.notna().mean()), middle(times), names))
    full = max((share for share, _, _ in found), default=0.0)
    best = sorted((usual, names) for share, usual, names in found if share >= 0.9 * full)
    if not best:
        return None
    names = best[0][1]
    column = SCHEMA["incidents"]["reported_at"]
    why = "taken because it is the earliest of the best filled dates, and no name says reported"
    return mapped(names, shapes[names], column, "reported_at").doubted(why)


def describes(file: Peeked, person: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether a column is the same in all rows of a person, of whom some have several."""
    several = not file.together_unique(*person)
    return several and differing(file, person, names) <= VARIES


# --- incidents ----------------------------------------------------------------------------------


def sifted_incidents(file: Peeked, columns: Columns) -> tuple[Columns, tuple[str, ...]]:
    """Incidents with an identifier and a plausible end; what was left out, in words."""
    if NO_COLUMN in (name for one in columns.values() for name in one.names):
        return columns, _unread_dates(file, columns, "incidents")
    columns = dict(columns)
    person = columns["person_id"]
    if holds_nobody(file.columns[person.names[0]]):
        doubt = "a word such as unknown stands in some rows, which then count as one person"
        columns["person_id"] = person.doubted(doubt)
    columns["incident_id"] = _incident_id(file, columns)
    columns, left = _with_end(file, columns)
    columns, more = _with_last_seen(file, columns)
    return columns, (*left, *more, *_unread_dates(file, columns, "incidents"))


def _lost(file: Peeked, names: tuple[str, ...]) -> int:
    """Rows that cannot have an identifier of their own made of these columns."""
    rows = file.together(*names)
    blank = (rows == "").any(axis=1)
    return int(blank.sum() + rows[~blank].duplicated().sum())


def _incident_id(file: Peeked, columns: Columns) -> Mapped:
    """The incidents' own identifier, or one that is made."""
    person, own = columns["person_id"].names, columns.get("incident_id")
    if own is None or own.names == person:
        return _made_id(file, columns)
    if not _lost(file, own.names):
        return own
    both = (*own.names, *person)
    if _lost(file, both) < _lost(file, own.names):
        own = Mapped(both, doubts=own.doubts).doubted(
            "one number stands for several people, so the person is part of it"
        )
    if _lost(file, own.names):
        own = own.doubted(
            "it is blank or stands twice in some rows; rows that agree are merged, others are set "
            "aside"
        )
    return own


def _made_id(file: Peeked, columns: Columns) -> Mapped:
    person, report = columns["person_id"].names, columns["reported_at"].names
    used = {name for one in columns.values() for name in one.names}
    for name in identifiers(file):
        if name not in used and not _lost(file, (name,)) and "id" in words_of(name):
            return Mapped((name,), doubts=("taken because no value occurs twice",))
    numbers = [
        (name, *person)
        for name, distinct in identifiers(file).items()
        if name not in used and len(distinct) >= MANY * file.rows and "id" in words_of(name)
    ]
    made = min((*person, *report), (*person, report[0]), key=lambda names: _lost(file, names))
    doubt = "made from person and report, as no identifier was found"
    best = min(numbers, key=lambda names: _lost(file, names), default=None)
    if best is not None and _lost(file, best) <= _lost(file, made):
        made, doubt = best, "one number may stand for several people, so the person is part of it"
    if _lost(file, made):
        doubt += "; rows that share both are merged if they agree, otherwise one is set aside"
    return Mapped(made, doubts=(doubt,))


def _with_end(file: Peeked, columns: Columns) -> tuple[Columns, tuple[str, ...]]:
    """An end that the values do not deny; one that is taken by its values where none is named."""
    reports = moments(file, columns["reported_at"].names, columns["reported_at"].formats)
    people = file.columns[columns["person_id"].names[0]]
    end = columns.get("ended_at")
    if end is None:
        found = _later_date(file, columns, reports, people)
        return ({**columns, "ended_at": found}, ()) if found else (columns, ())
    ends = moments(file, end.names, end.formats)
    merged = overlapping(people, reports, ends)
    both = reports.notna() & ends.notna()
    before = float((ends < reports)[both].mean()) if both.any() else 0.0
    if merged < MERGED and before < BEFORE:
        if any("found" in words_of(name) for name in end.names):
            return columns, ()
        doubt = "is this the return of the person, or when the record was closed?"
        return {**columns, "ended_at": end.doubted(doubt)}, ()
    share = f"about {round(100 * merged)} in 100 incidents begin before the person's last has ended"
    if before >= BEFORE:
        share = "most of its dates lie before the report"
    names = " + ".join(repr(name) for name in end.names)
    if "found" in words_of(end.names[0]) and before < BEFORE and merged < FOUND:
        doubt = f"{share}, and are merged into it: is this the return?"
        return {**columns, "ended_at": end.doubted(doubt)}, ()
    aside = (
        f"{names} could be ended_at, but {share}; it seems to be another date, such as that of "
        "the file's closure, and is left out, so that gaps run from report to report"
    )
    return {name: one for name, one in columns.items() if name != "ended_at"}, (aside,)


def _later_date(
    file: Peeked, columns: Columns, reports: pd.Series, people: pd.Series
) -> Mapped | None:
    """A date that no name explains, soon after the report in nearly every row."""
    used = {name for one in columns.values() for name in one.names}
    column = SCHEMA["incidents"]["ended_at"]
    for names, shape in with_clocks(file.shapes)[0].items():
        if not shape.dated or used & set(names) or _named_otherwise(names[0]):
            continue
        ends = moments(file, names, formats_of(shape, column)[0])
        away = (ends - reports).dropna()
        if not len(away) or (away < pd.Timedelta(0)).mean() > 0.05:
            continue
        soon = pd.Timedelta(0) < away.median() <= pd.Timedelta(days=LONG)
        if soon and overlapping(people, reports, ends) < MERGED:
            why = "taken because it soon follows the report in nearly every row: is it the return?"
            return mapped(names, shape, column, "ended_at").doubted(why)
    return None


def _named_otherwise(name: str) -> bool:
    """Whether a date's name says that it is neither report nor end."""
    words = set(words_of(name))
    return bool(words & {"birth", "recorded", "reported", "seen", "start", "first", "updated"})


def _with_last_seen(file: Peeked, columns: Columns) -> tuple[Columns, tuple[str, ...]]:
    """Last seen comes before the report, or is something else."""
    seen = columns.get("missing_from_at")
    if seen is None:
        return columns, ()
    reports = moments(file, columns["reported_at"].names, columns["reported_at"].formats)
    late = moments(file, seen.names, seen.formats) > reports.dt.normalize() + pd.Timedelta(days=1)
    if late.mean() < BEFORE:
        return columns, ()
    names = " + ".join(repr(name) for name in seen.names)
    aside = f"{names} could be missing_from_at, but mostly lies after the report; it is left out"
    return {name: one for name, one in columns.items() if name != "missing_from_at"}, (aside,)


def _unread_dates(file: Peeked, columns: Columns, table: str) -> tuple[str, ...]:
    """Columns that are called like a date that was not found, but hold none that is recognised."""
    used = {name for one in columns.values() for name in one.names}
    asides = []
    for name, shape in file.shapes.items():
        if name in used or shape.dated or shape.kind in ("clock", "empty", "number"):
            continue
        for wanted, column in SCHEMA[table].items():
            dated = column.kind in ("date", "time") and (
                wanted not in columns or columns[wanted].names == (NO_COLUMN,)
            )
            if dated and likeness(name, table, wanted) >= 0.7:
                what = (
                    "seconds since 1970, which no format reads: export dates"
                    if shape.kind == "epoch"
                    else "no way of writing dates that is recognised: say 'format' to use it"
                )
                asides.append(f"{name!r} could be {wanted}, but holds {what}")
                break
    return tuple(asides)


# --- persons ------------------------------------------------------------------------------------


def sifted_persons(
    file: Peeked, columns: Columns, incidents: Peeked, others: Columns
) -> tuple[Columns, tuple[str, ...]]:
    """Persons with only what describes a person; what was left out, in words."""
    person = columns["person_id"]
    if NO_COLUMN in person.names:
        return columns, ()
    if "birth_date" not in columns:
        columns = _with_birth(file, columns, incidents, others)
    window = "time outside this window does not count: is it when reports could be seen here?"
    for name in ("observed_from", "observed_to"):
        if name in columns and columns[name] != Mapped((name,)):
            columns = {**columns, name: columns[name].doubted(window)}
    if file.together_unique(*person.names):
        return columns, _unread_dates(file, columns, "persons")
    kept = {"person_id": person.doubted("several rows have the same person; rows that agree are "
                                        "merged")}  # fmt: skip
    asides = []
    for name, one in columns.items():
        if name == "person_id":
            continue
        share = differing(file, person.names, one.names)
        if share > VARIES:
            own = " + ".join(repr(each) for each in one.names)
            asides.append(
                f"{own} could be {name}, but differs between rows of the same person, so it is "
                "left out"
            )
        elif share:
            doubt = (
                "differs between rows of some people: their first row counts, the others are set "
                "aside here (rule A03), and incidents stay"
            )
            kept[name] = one.doubted(doubt)
        else:
            kept[name] = one
    return kept, (*asides, *_unread_dates(file, columns, "persons"))


def _with_birth(file: Peeked, columns: Columns, incidents: Peeked, others: Columns) -> Columns:
    """A date that no name explains, and that lies as long before the reports as births do."""
    report = others["reported_at"]
    if NO_COLUMN in report.names or not columns.keys() >= {"person_id"}:
        return columns
    used = {name for one in columns.values() for name in one.names}
    if file is incidents:
        used |= {name for one in others.values() for name in one.names}
    usual = middle(moments(incidents, report.names, report.formats))
    column = SCHEMA["persons"]["birth_date"]
    person = columns["person_id"].names
    for name, shape in file.shapes.items():
        if not shape.dated or name in used or _named_otherwise(name):
            continue
        births = days(file, name, formats_of(shape, column)[0]).dropna()
        ages = years_between(births, pd.Series(usual, index=births.index))
        plausible = (
            len(ages) and AGES[0] <= ages.median() <= AGES[1] and ages.between(-5, 110).all()
        )
        spread = len(ages) and ages.max() - ages.min() > 2
        if plausible and spread and differing(file, person, (name,)) <= VARIES:
            why = "taken because it lies as long before the reports as births do"
            return {
                **columns,
                "birth_date": mapped((name,), shape, column, "birth_date").doubted(why),
            }
    return columns
