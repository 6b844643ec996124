"""What of an extract is not read, and why: columns that may be wanted, and files of no table."""

from __future__ import annotations

from dataclasses import dataclass

from missing_lib.force.proposal.clocks import NO_COLUMN
from missing_lib.force.proposal.further import RECORDED, holds_codes, parts_of
from missing_lib.force.proposal.mapped import like_flags
from missing_lib.force.proposal.peek import Peeked
from missing_lib.force.proposal.propose import Proposal, about_them, filled
from missing_lib.force.proposal.shapes import Shape
from missing_lib.force.proposal.usual import usual_codes
from missing_lib.force.schema import SCHEMA

#: Share of a column's different values that must be usual codes of a family.
ALIKE = 0.5
#: Canonical columns whose codes are of one family, with their table.
FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("incidents", ("risk_first", "risk_final")),
    ("persons", ("sex",)),
    ("persons", ("ethnicity_self", "ethnicity_officer")),
    ("incidents", ("time_known", "harm", "from_care", "out_of_area")),
    ("incidents", ("category",)),
)
_PAGE = "the page 'How do I describe my force?'"


@dataclass(frozen=True)
class Unread:
    """Columns of a source that nothing is made of.

    Attributes
    ----------
    checks : tuple of str
        What the analyst should look at.
    rest : tuple of str
        Names of the others.
    """

    checks: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


def unread(table: str, proposed: dict[str, Proposal]) -> Unread:
    """What is not read of a source; of a file that fills two tables, it is said once."""
    proposal = proposed[table]
    file = proposal.file
    tables = [t for t, one in proposed.items() if one.file is file or one.file in file.parts]
    elsewhere = [one for t, one in proposed.items() if t != table and file in one.file.parts]
    if table == "persons" and elsewhere:
        return Unread()
    used = {name for t in tables for one in proposed[t].columns.values() for name in one.names}
    asides = " ".join(aside for t in tables for aside in proposed[t].asides)
    told = {name for name in file.shapes if repr(name) in asides}
    names = [name for name in file.shapes if name not in used]
    silent = [name for name in names if name not in told]
    checks: list[str] = []
    said: set[str] = set()
    for family, wanted in _alike(file, silent, proposed, tables).items():
        free = ", ".join(family)
        checks.append(f"{_listed(wanted)}: codes like those of {free}; map it if it is that")
        said |= set(wanted)
    coded = [name for name in silent if name not in said and holds_codes(file, name)]
    dated = [name for name in silent if file.shapes[name].dated]
    if coded:
        checks.append(f"not read, although few values come again and again: {_listed(coded)}")
    if dated:
        checks.append(f"not read, although they are dates: {_listed(dated)}")
    said |= {*coded, *dated}
    return Unread(tuple(checks), tuple(name for name in names if name not in said))


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _alike(
    file: Peeked, names: list[str], proposed: dict[str, Proposal], tables: list[str]
) -> dict[tuple[str, ...], list[str]]:
    """Columns by the canonical ones that are still free and have codes like theirs."""
    open_ = {
        name: tuple(one for one in family if one not in proposed[table].columns)
        for table, family in FAMILIES
        for name in family
        if table in tables
    }
    found: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        if holds_codes(file, name):
            best = max(open_, key=lambda one: _likeness(one, file.shapes[name]), default=None)
            if best and open_[best] and _likeness(best, file.shapes[name]) >= ALIKE:
                found.setdefault(open_[best], []).append(name)
    return found


def _likeness(canonical: str, shape: Shape) -> float:
    """Share of the codes that are usual ones of a canonical column; 0 where two are not."""
    known = usual_codes(canonical, shape.codes)[1]
    if canonical in FAMILIES[3][1]:
        return len(known) / len(shape.codes) if like_flags(shape) and len(known) > 1 else 0.0
    plain = {code for code in known if not code.isdigit()}
    return len(plain) / len(shape.codes) if len(plain) > 1 else 0.0


# --- files --------------------------------------------------------------------------------------


def why_unused(file: Peeked, proposed: dict[str, Proposal]) -> str:
    """Why a file fills no table, as far as its names and values show."""
    if not file.recognised:
        return "no name in its first row is known"
    if not file.rows:
        return "it has no rows"
    persons = proposed["persons"]
    whole = {table: filled(table, file, persons) for table in SCHEMA if table not in _FIRST}
    fitting = [one for one in whole.values() if one.fit > 0]
    if fitting and not any(about_them(one, persons) for one in fitting):
        people = fitting[0].columns
        name = next(people[c].names[0] for c in ("person_id", "person_a") if c in people)
        return (
            f"the people in {name!r} are not those of {persons.file.title!r}: are they written "
            "alike?"
        )
    if fitting:
        table = max(fitting, key=lambda one: one.fit).table
        other = proposed[table].file.title if table in proposed else "another file"
        return (
            f"it could be {table}, but {other!r} is; one file, or several with the same columns, "
            "make a table"
        )
    return _like_records(file, whole)


_FIRST = ("persons", "incidents")


def _like_records(file: Peeked, whole: dict[str, Proposal]) -> str:
    """What was and what was not recognised of a file that has no table's columns."""
    person = next(
        (
            one.columns["person_id"].names
            for table, one in whole.items()
            if table in RECORDED and one.columns["person_id"].names != (NO_COLUMN,)
        ),
        (),
    )
    parts = parts_of(file)
    codes = [name for name in parts.codes if name not in person]
    there = [
        f"people ({_listed(list(person))})" if person else "",
        f"codes ({_listed(codes)})" if codes else "",
        f"dates ({_listed(list(parts.dates))})" if parts.dates else "",
    ]
    seen = ", ".join(part for part in there if part) or "neither people nor codes nor dates"
    return (
        f"its columns were not recognised as those of a table; seen were {seen}. If it holds "
        f"flags, events or ties, see markers, events and ties on {_PAGE}"
    )
