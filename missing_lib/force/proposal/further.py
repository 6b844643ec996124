"""Files beside people and incidents, told by what their values do where names say little."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from missing_lib.force.proposal.links import FEWEST, SHARED, PersonColumn, identifiers
from missing_lib.force.proposal.mapped import Mapped, mapped
from missing_lib.force.proposal.peek import Peeked
from missing_lib.force.proposal.shapes import Shape
from missing_lib.force.proposal.synonyms import FILES, words_of
from missing_lib.force.proposal.usual import usual_codes
from missing_lib.force.schema import SCHEMA

#: Distinct values between which a column may hold codes, and rows per value from which on.
CODES, REPEATED = (2, 40), 5
#: Columns that a table of what was recorded of people has: the code, and its date.
RECORDED = {"markers": ("marker", "known_from"), "events": ("event_type", "occurred_at")}
#: Words of names of columns that say which of the tables it is.
_WORDS = {"markers": {"marker"}, "events": {"event", "offence", "arrest"}}

Shapes = dict[tuple[str, ...], Shape]


@dataclass(frozen=True)
class Parts:
    """Columns of a file that could be people, codes and dates; empty where there is none."""

    codes: tuple[str, ...]
    dates: tuple[str, ...]


def holds_codes(file: Peeked, name: str) -> bool:
    """Whether a column holds few different values, each again and again."""
    shape = file.shapes[name]
    if shape.kind not in ("other", "number") or not CODES[0] <= len(shape.codes) <= CODES[1]:
        return False
    return int((file.columns[name] != "").sum()) >= REPEATED * len(shape.codes)


def parts_of(file: Peeked) -> Parts:
    """What a file has that flags and events have too."""
    return Parts(
        tuple(name for name in file.shapes if holds_codes(file, name)),
        tuple(name for name, shape in file.shapes.items() if shape.dated),
    )


def known_people(file: Peeked, known: pd.Series, where: Peeked) -> PersonColumn | None:
    """The column whose values are those of the people who are known."""
    ids = pd.Index(known[known != ""].unique())
    shares = {
        name: len(distinct.intersection(ids)) / len(distinct)
        for name, distinct in identifiers(file).items()
        if len(distinct.intersection(ids)) >= FEWEST
    }
    best = max(shares, key=lambda name: shares[name], default=None)
    if best is None or shares[best] < SHARED:
        return None
    why = f"taken because its values are those of people of {where.title!r}"
    return PersonColumn(best, why)


def by_values(
    table: str, file: Peeked, columns: dict[str, Mapped], shapes: Shapes
) -> dict[str, Mapped]:
    """The code and the date of flags or events whose names say little, where others do.

    Nothing is taken unless the codes are usual ones of agencies, or a name says what they are.
    """
    if table not in RECORDED or "person_id" not in columns:
        return {}
    code, date = RECORDED[table]
    used = {name for one in columns.values() for name in one.names}
    free = {names: shape for names, shape in shapes.items() if not used & set(names)}
    found: dict[str, Mapped] = {}
    if code not in columns:
        few: list[tuple[str, ...]] = [n for n in free if len(n) == 1 and holds_codes(file, n[0])]
        if few:
            best = max(few, key=lambda n: len(usual_codes("marker", free[n].codes)[1]))
            why = "taken because it holds few codes, and no name says what it is"
            found[code] = mapped(best, free[best], SCHEMA[table][code], code).doubted(why)
    if date not in columns:
        dated = [names for names, shape in free.items() if shape.dated and not _birth(names)]
        if dated:
            best = max(dated, key=lambda names: (file.columns[names[0]] != "").sum())
            column = SCHEMA[table][date]
            why = "taken because it is the best filled date, and no name says what it is"
            found[date] = mapped(best, free[best], column, date).doubted(why)
    whole = columns | found
    sure = code in whole and _says(table, file, whole[code].names)
    return found if sure else {}


def _birth(names: tuple[str, ...]) -> bool:
    return "birth" in words_of(names[0])


def _says(table: str, file: Peeked, code: tuple[str, ...]) -> bool:
    """Whether codes, names of columns or that of the file say that they are such records."""
    if table == "markers" and usual_codes("marker", file.shapes[code[0]].codes)[1]:
        return True
    stems = {word for path in file.paths for word in words_of(path.stem)}
    stems |= set(words_of(file.origin.sheet or ""))
    stems |= {word for name in file.shapes for word in words_of(name)}
    wanted = {word for name in FILES[table] for word in words_of(name)} | _WORDS[table]
    return bool(stems & wanted)
