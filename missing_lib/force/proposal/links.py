"""Which columns identify people, told by what the values do: repeat, and occur in other files."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from missing_lib.force.proposal.peek import Peeked
from missing_lib.force.proposal.synonyms import likeness, words_of

#: Distinct values below which a column is no identifier, and share of rows that must be filled.
FEWEST, FILLED = 5, 0.5
#: Share of the smaller column's values that must occur in the other.
SHARED = 0.5
#: Rows per value, on average, between which a column of a single file may identify people.
OFTEN = (1.02, 200)
#: Texts that stand for "nobody known" where an identifier should be.
NOBODY = frozenset({"0", "-", ".", "?", "na", "n/a", "nk", "n/k", "null", "none", "nan", "unknown",
                    "not known", "not recorded"})  # fmt: skip


@dataclass(frozen=True)
class PersonColumn:
    """The column of a file that seems to identify people, and why."""

    name: str
    why: str


def identifiers(file: Peeked) -> dict[str, pd.Index]:
    """Distinct values of the columns that may identify something."""
    found = {}
    for name, shape in file.shapes.items():
        if shape.dated or shape.kind in ("clock", "empty", "epoch"):
            continue
        values = file.columns[name]
        given = values[values != ""]
        distinct = pd.Index(given.unique())
        if len(given) >= FILLED * len(values) and len(distinct) >= FEWEST:
            found[name] = distinct
    return found


def person_columns(files: list[Peeked]) -> dict[int, PersonColumn]:
    """By place of the file: the column that seems to identify people.

    Of all pairs of columns in different files, the one that shares most values is taken, where
    one column holds each value once and the other repeats them; in a single file, a column
    whose values repeat and that is called, or looks like, an identifier.
    """
    ids = [identifiers(file) for file in files]
    pairs = []
    for one, two in combinations(range(len(files)), 2):
        for left, some in ids[one].items():
            for right, others in ids[two].items():
                score = _alike(files[one], left, some, files[two], right, others)
                if score > 0:
                    pairs.append((score, one, left, two, right))
    if pairs:
        return _linked(files, max(pairs, key=lambda pair: pair[0]), pairs)
    single = {n: _repeating(file, ids[n]) for n, file in enumerate(files)}
    return {n: found for n, found in single.items() if found is not None}


def _alike(
    file: Peeked, left: str, some: pd.Index, other: Peeked, right: str, others: pd.Index
) -> float:
    """How much two columns seem to identify the same people."""
    smaller = min(len(some), len(others))
    shared = len(some.intersection(others)) / smaller
    once = file.shapes[left].unique, other.shapes[right].unique
    if shared < SHARED or not any(once):
        return 0.0
    score = shared + 0.5 * (once[0] != once[1]) + 0.5 * (words_of(left) == words_of(right))
    words = [set(words_of(name)) for name in (left, right)]
    score += 0.3 * sum("person" in each for each in words)
    score -= 0.5 * sum(
        bool(each & {"incident", "event"}) and "person" not in each for each in words
    )
    score += sum(
        _about_people(one) for one, alone in zip((file, other), once, strict=True) if alone
    )
    return score + 0.1 * sum("id" in each for each in words)


def _about_people(file: Peeked) -> float:
    """Whether a file, by its names, describes people rather than what is reported of them."""
    traits = ("birth_date", "sex", "ethnicity_self", "ethnicity_officer")
    described = max(likeness(n, "persons", trait) for n in file.shapes for trait in traits)
    reported = max(likeness(n, "incidents", "reported_at") for n in file.shapes)
    return 0.4 * (described > 0.5) - 0.4 * (reported > 0.7)


def _linked(
    files: list[Peeked],
    best: tuple[float, int, str, int, str],
    pairs: list[tuple[float, int, str, int, str]],
) -> dict[int, PersonColumn]:
    """The best pair, and what the other files share with either of its columns."""
    _, one, left, two, right = best
    found = {
        one: PersonColumn(left, _why(files[two], right)),
        two: PersonColumn(right, _why(files[one], left)),
    }
    for _, this, name, that, other in sorted(pairs, key=lambda pair: -pair[0]):
        for a, column, b, partner in ((this, name, that, other), (that, other, this, name)):
            if a not in found and b in (one, two) and found[b].name == partner:
                found[a] = PersonColumn(column, _why(files[b], partner))
    return found


def _why(other: Peeked, name: str) -> str:
    return f"taken because its values occur in {name!r} of {other.title!r} too"


def _repeating(file: Peeked, ids: dict[str, pd.Index]) -> PersonColumn | None:
    """The column of a single file whose values repeat as people do."""
    best: tuple[tuple[bool, bool, int], str] | None = None
    for name, distinct in ids.items():
        words = set(words_of(name))
        often = file.rows / len(distinct)
        digits = bool(distinct.str.contains(r"\d").mean() > 0.9)
        if not OFTEN[0] <= often <= OFTEN[1] or not (digits or words & {"id", "person"}):
            continue
        rank = ("person" in words, "id" in words, len(distinct))
        best = max(best, (rank, name)) if best else (rank, name)
    if best is None:
        return None
    return PersonColumn(best[1], "taken because its values repeat as those of people would")


def overlap(people: pd.Series, known: pd.Series) -> float:
    """Share of rows whose person occurs among those known; 1 without any."""
    given = people[people != ""]
    there = pd.Index(known[known != ""].unique()).get_indexer(pd.Index(given)) >= 0
    return float(there.mean()) if len(given) else 1.0


def written_differently(people: pd.Series, known: pd.Series) -> bool:
    """Whether identifiers would agree without ``.0`` at their end and zeros before them."""
    bare = [s.str.replace(r"^0+|\.0+$", "", regex=True).str.lower() for s in (people, known)]
    return overlap(people, known) < SHARED <= overlap(bare[0], bare[1])


def holds_nobody(values: pd.Series) -> bool:
    """Whether a word such as "unknown" stands where an identifier should be."""
    return bool(values.str.lower().isin(NOBODY).any())


def differing(file: Peeked, person: tuple[str, ...], names: tuple[str, ...]) -> float:
    """Share of the people with several rows whose rows differ in these columns."""
    rows = file.together(*dict.fromkeys((*person, *names)))
    rows = rows[(rows[list(person)] != "").all(axis=1)]
    several = rows.groupby(list(person), sort=False).size()
    number = int((several > 1).sum())
    if not number:
        return 0.0
    contents = rows.drop_duplicates().groupby(list(person), sort=False).size()
    return int((contents > 1).sum()) / number
