"""Which file fills which canonical table, and which of its columns is which: a proposal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from missing_lib.force.proposal.clocks import NO_COLUMN, with_clocks
from missing_lib.force.proposal.further import by_values, known_people
from missing_lib.force.proposal.links import (
    PersonColumn,
    overlap,
    person_columns,
    written_differently,
)
from missing_lib.force.proposal.mapped import (
    Mapped,
    formats_of,
    like_flags,
    mapped,
    share_of_ages,
)
from missing_lib.force.proposal.peek import Peeked
from missing_lib.force.proposal.relate import joined_incidents
from missing_lib.force.proposal.shapes import Shape
from missing_lib.force.proposal.sift import (
    describes,
    earliest_date,
    sifted_incidents,
    sifted_persons,
)
from missing_lib.force.proposal.synonyms import FILES, likeness, words_of
from missing_lib.force.proposal.usual import usual_codes
from missing_lib.force.schema import SCHEMA, Column

#: Likeness below which a name is not taken, and below which it is marked as unsure.
TAKEN, SURE = 0.4, 0.7
#: Share of the different values of a column of ages that must be ages.
AGES = 0.8
#: Share of a further file's rows that must be about people of the persons.
ABOUT_THEM = 0.05


@dataclass(frozen=True)
class Proposal:
    """How one file would fill one canonical table.

    Attributes
    ----------
    columns : dict of Mapped
        By canonical column.
    fit : float
        How well the file fits the table; 0 where it cannot fill it.
    asides : tuple of str
        What was not mapped although it might be, and why.
    """

    table: str
    file: Peeked
    columns: dict[str, Mapped]
    fit: float
    asides: tuple[str, ...] = ()

    @property
    def unused(self) -> list[str]:
        """The file's columns that are mapped to nothing here."""
        used = {name for one in self.columns.values() for name in one.names}
        return [name for name in self.file.shapes if name not in used]

    @property
    def canonical(self) -> bool:
        """True where the file is in canonical vocabulary, so that no column need be mapped."""
        return all(one == Mapped((name,)) for name, one in self.columns.items()) and not any(
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
    people = person_columns(files)
    both = _with_join(files, people)
    if both is not None:
        people[len(files)] = people[files.index(both.parts[0])]
        files = [*files, both]
    made = {(t, n): _fill(t, file, people.get(n)) for t in SCHEMA for n, file in enumerate(files)}
    best: dict[str, int] = {
        table: max(range(len(files)), key=lambda n, t=table: made[t, n].fit)  # type: ignore[misc]
        for table in ("incidents", "persons")
    }
    first = _people_and_incidents(made, best, people)
    used = {id(part) for n in best.values() for part in (files[n], *files[n].parts)}
    free = {n for n, file in enumerate(files) if not used & {id(p) for p in (file, *file.parts)}}
    made |= _of_known_people(files, free - set(people), first["persons"])
    rest = [(made[t, n].fit, t, n) for t in SCHEMA if t not in best for n in free]
    for fit, table, number in sorted(rest, key=lambda one: (-one[0], one[1], one[2])):
        open_ = fit > 0 and table not in best and number in free
        if open_ and about_them(made[table, number], first["persons"]):
            best[table] = number
            free.discard(number)
    whole = {table: made[table, best[table]] for table in best} | first
    return {table: whole[table] for table in SCHEMA if table in whole}


def _of_known_people(
    files: list[Peeked], numbers: set[int], persons: Proposal
) -> dict[tuple[str, int], Proposal]:
    """Further files, by the column whose values are those of the persons."""
    return {
        (table, n): filled(table, files[n], persons) for n in sorted(numbers) for table in SCHEMA
    }


def _with_join(files: list[Peeked], people: dict[int, PersonColumn]) -> Peeked | None:
    """Incidents and their people joined, where no file surely has both."""
    made = [_fill("incidents", file, people.get(n)) for n, file in enumerate(files)]
    if any(_surely_incidents(one) for one in made):
        return None
    dated = [one for one in made if one.columns["reported_at"].names != (NO_COLUMN,)]
    found = [
        (_reported(one), joined)
        for n, person in people.items()
        for one in dated
        if one.file is not files[n]
        and (joined := joined_incidents(files[n], person, one.file)) is not None
    ]
    return max(found, key=lambda pair: (pair[0], pair[1].rows))[1] if found else None


def _reported(proposal: Proposal) -> float:
    """How surely the name of a column says that it is the report."""
    return max(
        likeness(n, "incidents", "reported_at") for n in proposal.columns["reported_at"].names
    )


def _surely_incidents(proposal: Proposal) -> bool:
    """Whether people occur several times in a file, each time with a date of a report."""
    person = proposal.columns["person_id"].names
    if person == (NO_COLUMN,) or proposal.file.together_unique(*person):
        return False
    return _reported(proposal) >= SURE


def _people_and_incidents(
    made: dict[tuple[str, int], Proposal], best: dict[str, int], people: dict[int, PersonColumn]
) -> dict[str, Proposal]:
    """Persons and incidents that go together, with what their values say."""
    incidents, persons = (made[table, best[table]] for table in ("incidents", "persons"))
    person = incidents.columns["person_id"].names
    asides: tuple[str, ...] = ()
    if persons.file is not incidents.file:
        persons, asides = _agreeing(persons, incidents)
    if persons.file is incidents.file:
        others = {n: one for n, one in persons.columns.items() if one.names != person}
        same = persons.columns["person_id"]
        same = same if same.names == person else incidents.columns["person_id"]
        persons = replace(persons, columns={**others, "person_id": same})
    columns, more = sifted_persons(persons.file, persons.columns, incidents.file, incidents.columns)
    persons = replace(persons, columns=_ordered("persons", columns), asides=(*asides, *more))
    columns, more = sifted_incidents(incidents.file, incidents.columns)
    incidents = replace(incidents, columns=_ordered("incidents", columns), asides=more)
    return {"persons": persons, "incidents": incidents}


def _agreeing(persons: Proposal, incidents: Proposal) -> tuple[Proposal, tuple[str, ...]]:
    """Persons whose identifiers are those of the incidents, from the same file if need be."""
    ours, theirs = persons.columns["person_id"], incidents.columns["person_id"]
    if NO_COLUMN in (*ours.names, *theirs.names) or len(ours.names) + len(theirs.names) > 2:
        return persons, ()
    known = persons.file.columns[ours.names[0]]
    said = incidents.file.columns[theirs.names[0]]
    share = overlap(said, known)
    if share >= ABOUT_THEM:
        if share == 1:
            return persons, ()
        about = max(1, round(100 * (1 - share)))
        doubt = (
            f"about {about} in 100 incidents are of people who are not in this file; those are "
            "set aside (rule A04)"
        )
        columns = {**persons.columns, "person_id": ours.doubted(doubt)}
        return replace(persons, columns=columns), ()
    cure = (
        "; they would agree without .0 and leading zeros: export them alike"
        if written_differently(said, known)
        else ""
    )
    aside = (
        f"the people of {persons.file.title!r} are not those of {incidents.file.title!r}, so "
        f"people are taken from the incidents{cure}"
    )
    return _fill("persons", incidents.file, PersonColumn(theirs.names[0], "")), (aside,)


def filled(table: str, file: Peeked, persons: Proposal) -> Proposal:
    """How a further file would fill a table, whose people may be those of the persons."""
    ids = persons.columns["person_id"].names
    plain = NO_COLUMN not in ids and len(ids) == 1
    known = persons.file.columns[ids[0]] if plain else None
    return _fill(table, file, None if known is None else known_people(file, known, persons.file))


def about_them(proposal: Proposal, persons: Proposal) -> bool:
    """Whether a further file is about people whom the persons hold."""
    name = "person_a" if proposal.table == "ties" else "person_id"
    names = (*proposal.columns[name].names, *persons.columns["person_id"].names)
    if NO_COLUMN in names or len(names) > 2:
        return True
    given, known = proposal.file.columns[names[0]], persons.file.columns[names[1]]
    return overlap(given, known) >= ABOUT_THEM


def day_of(names: tuple[str, ...], shapes: dict[str, Shape]) -> Mapped:
    """The day of a column, or of the first of several."""
    day = Column("date", True, "day")
    return Mapped(names[:1], formats_of(shapes[names[0]], day)[0] if names[0] in shapes else ())


def _fill(table: str, file: Peeked, person: PersonColumn | None) -> Proposal:
    shapes, beside = with_clocks(file.shapes)
    if table == "incidents":
        shapes = _of_incidents(file, shapes, person)
    scored = sorted(
        (
            (_score(names, shape, table, name, person), name, names)
            for names, shape in shapes.items()
            for name in SCHEMA[table]
        ),
        key=lambda one: -one[0],
    )
    columns: dict[str, Mapped] = {}
    scores: dict[str, float] = {}
    used: set[str] = set()
    for score, name, names in scored:
        if score < TAKEN or name in columns or used & set(names):
            continue
        why = _why(names, table, name, score, person)
        if names in beside:
            why = (*why, "joined because the clock time stands beside the date")
        columns[name] = mapped(names, shapes[names], SCHEMA[table][name], name).doubted(*why)
        scores[name] = score
        used |= set(names)
    if table == "incidents" and "reported_at" not in columns:
        free = {names: shape for names, shape in shapes.items() if not used & set(names)}
        found = _stand_in(columns) or earliest_date(file, free)
        if found is not None:
            columns["reported_at"], scores["reported_at"] = found, TAKEN
    further = by_values(table, file, columns, shapes)
    columns |= further
    scores |= dict.fromkeys(further, TAKEN)
    fit = _fit(table, scores, file, columns)
    for name in _needed(table):
        if name != "incident_id" or "person_id" not in columns or "reported_at" not in columns:
            nothing = Mapped((NO_COLUMN,), doubts=("no column was found for this",))
            columns.setdefault(name, nothing)
    return Proposal(table, file, _ordered(table, columns), fit)


def _of_incidents(
    file: Peeked, shapes: dict[tuple[str, ...], Shape], person: PersonColumn | None
) -> dict[tuple[str, ...], Shape]:
    """Columns without the dates that are the same in all rows of a person, such as a birth."""
    named = max(file.shapes, key=lambda name: likeness(name, "incidents", "person_id"))
    sure = likeness(named, "incidents", "person_id") >= SURE
    who = named if sure else person.name if person is not None else None
    if who is None:
        return shapes
    return {
        names: shape
        for names, shape in shapes.items()
        if not (shape.dated and describes(file, (who,), names))
    }


def _stand_in(columns: dict[str, Mapped]) -> Mapped | None:
    """The time of going missing, which stands for the report where no date of one is found."""
    missing = columns.pop("missing_from_at", None)
    why = "no date of a report was found, so the time of going missing stands for it"
    return None if missing is None else missing.doubted(why)


def _ordered(table: str, columns: dict[str, Mapped]) -> dict[str, Mapped]:
    return {name: columns[name] for name in SCHEMA[table] if name in columns}


def _needed(table: str) -> list[str]:
    return [name for name, column in SCHEMA[table].items() if column.required]


def _score(
    names: tuple[str, ...], shape: Shape, table: str, name: str, person: PersonColumn | None
) -> float:
    """How surely a column is this canonical one, by name, shape and what other files hold."""
    by_name = max(likeness(one, table, name) for one in names)
    if by_name == 1.0:
        return by_name
    if person is not None and names == (person.name,):
        return _score_of_person(person, table, name, by_name)
    column = SCHEMA[table][name]
    if column.kind == "age":
        return by_name if share_of_ages(shape) >= AGES else 0.0
    if column.kind in ("date", "time"):
        readable = shape.dated or shape.kind == "empty"
        if not (readable or (shape.formats and shape.kind == "number")):
            return 0.0
        moment = column.kind == "time" and shape.kind == "moment"
        return by_name + (0.02 if moment and by_name else 0.0)
    if shape.dated or shape.kind == "clock":
        return 0.0
    return _score_of_codes(shape, column, name, by_name)


def _score_of_codes(shape: Shape, column: Column, name: str, by_name: float) -> float:
    """How surely a column of codes is this one: what its codes say, beside its name."""
    if name == "marker" and 0 < by_name < SURE and usual_codes("marker", shape.codes)[1]:
        return SURE - 0.01
    if column.kind == "flag" and not like_flags(shape):
        return by_name - 0.2
    if name == "placement_id" and like_flags(shape):
        return by_name - 0.2
    if name == "incident_id":
        return by_name + (0.05 if shape.unique else -0.05)
    return by_name


def _score_of_person(person: PersonColumn, table: str, name: str, by_name: float) -> float:
    """A column that identifies people by its values is the person, unless its name denies it."""
    if name in ("person_id", "person_a"):
        other = max(
            (likeness(person.name, table, n) for n in SCHEMA[table] if n != name), default=0.0
        )
        return by_name if other >= SURE else max(by_name, SURE - 0.01)
    return by_name if by_name >= SURE else 0.0


def _why(
    names: tuple[str, ...], table: str, name: str, score: float, person: PersonColumn | None
) -> tuple[str, ...]:
    """What is unsure about the choice of a column."""
    if score >= SURE:
        return ()
    if person is not None and names == (person.name,) and person.why:
        return (person.why,)
    return ("the name may mean something else",)


def _fit(table: str, scores: dict[str, float], file: Peeked, columns: dict[str, Mapped]) -> float:
    """How well a file fits a table: needed columns count most, then others, then its name."""
    needed = [name for name in _needed(table) if name != "incident_id"]
    found = [scores[name] for name in needed if name in scores]
    stems = {word for path in file.paths for word in words_of(path.stem)}
    stems |= set(words_of(file.origin.sheet or ""))
    named = bool(stems & {w for f in FILES[table] for w in words_of(f)})
    whole = len(found) == len(needed)
    fit = sum(found) / len(needed) + 0.1 * sum(name not in needed for name in scores) + 0.3 * named
    if table in ("persons", "incidents") and "person_id" in scores:
        once = file.together_unique(*columns["person_id"].names)
        fit += 0.5 * once if table == "persons" else -0.2 * once
    return fit if whole else 0.1 * fit if table in ("persons", "incidents") else 0.0
