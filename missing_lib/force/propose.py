"""Which file fills which canonical table, and which of its columns is which: a proposal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from missing_lib.force.convert import FLAGS
from missing_lib.force.peek import Peeked, Shape
from missing_lib.force.schema import SCHEMA, Column
from missing_lib.force.synonyms import FILES, USUAL_CODES, likeness, words_of

#: Likeness below which a name is not taken, and below which it is marked as unsure.
TAKEN, SURE = 0.4, 0.7
#: Stands where no column was found; no extract has a column of this name.
NOT_FOUND = "NAME YOUR COLUMN HERE"


@dataclass(frozen=True)
class Mapped:
    """How one canonical column would be made.

    Attributes
    ----------
    names : tuple of str
        The extract's columns, one or several to be joined.
    formats : tuple of str
        Only where they are needed.
    recode : dict
        Usual codes and what they become; a proposal of the book, never read off a file.
    doubts : tuple of str
        What the analyst should look at.
    """

    names: tuple[str, ...]
    formats: tuple[str, ...] = ()
    recode: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """How one file would fill one canonical table.

    Attributes
    ----------
    columns : dict of Mapped
        By canonical column.
    fit : float
        How well the file fits the table; 0 where it cannot fill it.
    """

    table: str
    file: Peeked
    columns: dict[str, Mapped]
    fit: float

    @property
    def unused(self) -> list[str]:
        """The file's columns that are mapped to nothing here."""
        used = {name for mapped in self.columns.values() for name in mapped.names}
        return [name for name in self.file.shapes if name not in used]

    @property
    def canonical(self) -> bool:
        """True where the file is in canonical vocabulary, so that no column need be mapped."""
        return all(mapped == Mapped((name,)) for name, mapped in self.columns.items()) and not any(
            name in SCHEMA[self.table] for name in self.unused
        )


def propose(files: list[Peeked]) -> dict[str, Proposal]:
    """The best file for each canonical table.

    Incidents and persons come first, and may come from one file; each other file fills at most
    one table.

    Returns
    -------
    dict of Proposal
        By canonical table, in canonical order.
    """
    made = {(t, n): _fill(t, file) for t in SCHEMA for n, file in enumerate(files)}
    best: dict[str, int] = {
        table: max(range(len(files)), key=lambda n, t=table: made[t, n].fit)  # type: ignore[misc]
        for table in ("incidents", "persons")
    }
    free = set(range(len(files))) - set(best.values())
    rest = [(made[t, n].fit, t, n) for t in SCHEMA if t not in best for n in free]
    for fit, table, number in sorted(rest, key=lambda one: (-one[0], one[1], one[2])):
        if fit > 0 and table not in best and number in free:
            best[table] = number
            free.discard(number)
    return {table: made[table, best[table]] for table in SCHEMA if table in best}


def recognised(file: Peeked) -> bool:
    """Whether any name in the header is known."""
    return any(likeness(n, t, c) >= TAKEN for n in file.shapes for t in SCHEMA for c in SCHEMA[t])


def day_of(names: tuple[str, ...], shapes: dict[str, Shape]) -> Mapped:
    """The day of a column, or of the first of several."""
    day = Column("date", True, "day")
    return Mapped(names[:1], _formats(shapes[names[0]], day)[0] if names[0] in shapes else ())


def _fill(table: str, file: Peeked) -> Proposal:
    shapes = _with_clocks(file.shapes)
    scored = sorted(
        (
            (_score(names, shape, table, name, column), name, names)
            for names, shape in shapes.items()
            for name, column in SCHEMA[table].items()
        ),
        key=lambda one: -one[0],
    )
    columns: dict[str, Mapped] = {}
    scores: dict[str, float] = {}
    used: set[str] = set()
    for score, name, names in scored:
        if score < TAKEN or name in columns or used & set(names):
            continue
        columns[name] = _mapped(names, shapes[names], SCHEMA[table][name], name, score)
        scores[name] = score
        used |= set(names)
    if table == "incidents":
        columns = _with_incident_id(columns, file)
    fit = _fit(table, scores, file, columns)
    for name in _needed(table):
        columns.setdefault(name, Mapped((NOT_FOUND,), doubts=("no column was found for this",)))
    ordered = {name: columns[name] for name in SCHEMA[table] if name in columns}
    if table == "persons" and not file.together_unique(*_there(ordered["person_id"], file)):
        doubt = "several rows have the same person; rows that agree are merged"
        ordered["person_id"] = _doubted(ordered["person_id"], doubt)
    return Proposal(table, file, ordered, fit)


def _there(mapped: Mapped, file: Peeked) -> list[str]:
    return [name for name in mapped.names if name in file.columns]


def _doubted(mapped: Mapped, doubt: str) -> Mapped:
    return replace(mapped, doubts=(*mapped.doubts, doubt))


def _needed(table: str) -> list[str]:
    return [name for name, column in SCHEMA[table].items() if column.required]


def _with_clocks(shapes: dict[str, Shape]) -> dict[tuple[str, ...], Shape]:
    """Columns, a date with the clock time that belongs to it taken together."""
    stem = {name: frozenset(words_of(name)) - {"date", "time"} for name in shapes}
    out: dict[tuple[str, ...], Shape] = {}
    clocks = [name for name, shape in shapes.items() if shape.kind == "clock"]
    for name, shape in shapes.items():
        partner = [c for c in clocks if shape.kind == "date" and stem[c] == stem[name]]
        if not partner:
            out[(name,)] = shape
            continue
        both = [f"{d} {c}" for d, c in product(shape.formats, shapes[partner[0]].formats)]
        formats = (*both, *shape.formats)
        out[name, partner[0]] = Shape("moment", formats, shape.order)
        clocks.remove(partner[0])
    return out


def _score(names: tuple[str, ...], shape: Shape, table: str, name: str, column: Column) -> float:
    """How surely a column is this canonical one, by name and shape."""
    by_name = max(likeness(one, table, name) for one in names)
    if by_name == 1.0:
        return by_name
    if column.kind in ("date", "time"):
        dates = (
            shape.dated or shape.kind == "empty" or bool(shape.formats and shape.kind != "clock")
        )
        if not dates:
            return 0.0
        return by_name + (0.02 if column.kind == "time" and shape.kind == "moment" else 0.0)
    if shape.dated or shape.kind == "clock":
        return 0.0
    if column.kind == "flag" and not _all_flags(shape):
        return by_name - 0.2
    if name == "incident_id":
        return by_name + (0.05 if shape.unique else -0.05)
    return by_name


def _all_flags(shape: Shape) -> bool:
    return shape.kind == "empty" or (
        bool(shape.codes) and {code.lower() for code in shape.codes} <= set(FLAGS)
    )


def _mapped(
    names: tuple[str, ...], shape: Shape, column: Column, name: str, score: float
) -> Mapped:
    doubts = [] if score >= SURE else ["the name may mean something else"]
    if shape.kind == "empty":
        return Mapped(names, doubts=(*doubts, "no value was seen in this column"))
    formats: tuple[str, ...] = ()
    recode: tuple[tuple[str, str], ...] = ()
    if column.kind in ("date", "time"):
        formats, more = _formats(shape, column)
        doubts += more
    elif column.kind == "level":
        recode, more = _codes(shape, column, name)
        doubts += more
    elif column.kind == "flag" and not _all_flags(shape):
        doubts.append('needs a recode: {"<your code>": true, "<your code>": false}')
    elif name == "known_first_by" and score < 1:
        doubts.append("must read agency:reason")
    return Mapped(names, formats, recode, tuple(doubts))


def _formats(shape: Shape, column: Column) -> tuple[tuple[str, ...], list[str]]:
    """Formats where they are needed, and what is unsure about them."""
    doubts = []
    if not shape.formats:
        return (), ["no way of writing dates was recognised; say 'format'"]
    if shape.order == "unsure":
        doubts.append("no value shows whether day or month comes first")
    if shape.order == "mixed":
        doubts.append("some values have the day first, others the month")
    if any("%y" in one for one in shape.formats):
        doubts.append("years have two digits: is the century right?")
    if any(one in ("%Y", "%Y.0") for one in shape.formats):
        doubts.append("only the year is known, and taken as its first day")
    if "excel" in shape.formats:
        doubts.append("day numbers of a spreadsheet; excel-1904 if they come from an old Mac")
    if column.kind == "time" and shape.kind == "date":
        doubts.append("has no clock time: results that need hours leave these rows out")
    plain = all(one == "%Y-%m-%d" for one in shape.formats)
    if plain or (column.kind == "time" and shape.dated and shape.iso):
        return (), doubts
    return shape.formats, doubts


def _codes(
    shape: Shape, column: Column, name: str
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Nothing where codes are canonical, usual codes where they fit, otherwise a doubt."""
    if shape.codes and shape.codes <= set(column.levels):
        return (), []
    usual = USUAL_CODES[name]
    for style in (str.upper, str.lower, str.title, str.capitalize):
        table = {style(code): meaning for code, meaning in usual.items()}
        if shape.codes and shape.codes <= set(table):
            return tuple(table.items()), ["usual codes, proposed by the book: do yours mean this?"]
    levels = ", ".join(column.levels)
    return (), [f'needs a recode: {{"<your code>": <one of {levels}>}}']


def _with_incident_id(columns: dict[str, Mapped], file: Peeked) -> dict[str, Mapped]:
    """Incidents with an identifier of their own, made from the person where there is none."""
    person, own = columns.get("person_id"), columns.get("incident_id")
    if person is None:
        return columns
    if own is None and "reported_at" in columns:
        names = (*person.names, *columns["reported_at"].names)
        made = Mapped(names, doubts=("made from person and report, as no identifier was found",))
        return columns | {"incident_id": made}
    if own is None or own.names == person.names:
        return columns
    both = (*own.names, *person.names)
    if not file.together_unique(*own.names) and file.together_unique(*both):
        doubt = "one number stands for several people, so the person is part of it"
        return columns | {"incident_id": _doubted(replace(own, names=both), doubt)}
    return columns


def _fit(table: str, scores: dict[str, float], file: Peeked, columns: dict[str, Mapped]) -> float:
    """How well a file fits a table: needed columns count most, then others, then its name."""
    needed = [name for name in _needed(table) if name != "incident_id"]
    found = [scores[name] for name in needed if name in scores]
    named = bool(set(words_of(file.path.stem)) & {w for f in FILES[table] for w in words_of(f)})
    whole = len(found) == len(needed)
    fit = sum(found) / len(needed) + 0.1 * sum(name not in needed for name in scores) + 0.3 * named
    if table == "persons" and whole and file.together_unique(*columns["person_id"].names):
        fit += 0.5
    return fit if whole else 0.1 * fit if table in ("persons", "incidents") else 0.0
