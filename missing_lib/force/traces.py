"""What gives a person of the extract away, as digests: by it the scan knows what may not leave.

Every cell of every column is taken, whether a canonical column is made from it or not. Looked for
are

* its words that tell something by themselves (:func:`telling`): a name, an identifier;
* the cell as a run of words, where it has several: ``Anna Ash``, ``MIS/2015/17``; a long text as
  runs of six, so that whoever quotes eleven words of it in a row is found;
* birth dates, however they are written, and times of incidents as ISO writes them.

Left out is what :data:`COMMON` rows or more hold in a column of :data:`LEVELS` values at most,
which is a code and not a person's; but not of identifiers and birth dates. Left out are words that
say too little to be found without finding everything, such as the identifier 17, and, when a folder
is scanned, whatever the book holds for any force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.force.schema import SCHEMA
from missing_lib.force.tables import Tables
from missing_lib.force.taking import Taken
from missing_lib.force.words import LONGEST, Sequence, digests, runs, sequence, words_of

FILE = "traces.npz"
#: A value of so many rows, in a column of so few distinct values, is a code.
COMMON, LEVELS = 10, 50
#: Letters of a word, digits of a number, and signs of a mixture that tell something.
LETTERS, DIGITS, SIGNS = 4, 6, 5
#: Signs of a run of words, and digits of one without a telling word: with letters, and without.
RUN, RUN_DIGITS_WITH_LETTERS, RUN_DIGITS = 8, 6, 10


@dataclass(frozen=True)
class Cells:
    """A column of the extract.

    Attributes
    ----------
    what : str
        What messages call one value; never the value.
    values : Series of str
    personal : bool
        Also values that many rows share.
    """

    what: str
    values: pd.Series
    personal: bool = False


@dataclass(frozen=True)
class Traces:
    """Digests of an extract.

    Attributes
    ----------
    labels : array of str
        What messages call values.
    digests : dict of array of uint64
        By number of words, sorted.
    label_of : dict of array of int
        The label of each digest.
    births : array of int
        Birth dates, as days since 1970, sorted.
    """

    labels: NDArray[np.str_]
    digests: Mapping[int, NDArray[np.uint64]]
    label_of: Mapping[int, NDArray[np.int64]]
    births: NDArray[np.int64]

    def __len__(self) -> int:
        return sum(map(len, self.digests.values())) + len(self.births)


def telling(word: str) -> bool:
    """Whether a word says enough to be looked for by itself.

    Examples
    --------
    >>> [telling(word) for word in ("zoë", "anna", "p17", "p0017", "10423", "104233")]
    [False, True, False, True, False, True]
    >>> [telling(word) for word in ("2015/16", "14/03/15", "14/03/2015", "1,250,000", "104.2337")]
    [False, True, True, False, False]
    """
    plain = [sign for sign in word if sign.isalnum()]
    count = sum(sign.isdigit() for sign in plain)
    if not count:
        return len(plain) >= LETTERS
    if count < len(plain):
        return len(plain) >= SIGNS
    if len(plain) == len(word):
        return count >= DIGITS
    joints = [sign for sign in word if not sign.isdigit()]
    if "," in joints or joints == ["."]:
        return False
    return count >= (DIGITS if len(joints) > 1 else DIGITS + 2) and not _years(word)


def _years(word: str) -> bool:
    parts = word.replace("/", "-").split("-")
    return len(parts) == 2 and all(len(p) == 4 and p[:2] in ("19", "20") for p in parts)


def of_extract(taken: Mapping[str, Taken], tables: Tables) -> Traces:
    """The traces of everything that was read.

    Parameters
    ----------
    taken : dict of Taken
        All sources, by canonical table.
    tables : Tables
        What was made of them.
    """
    births = tables.persons["birth_date"].dropna().to_numpy().astype("datetime64[D]")
    days = np.unique(births.astype(np.int64))
    return gather([*_canonical(tables), *_as_they_came(taken)], days)


def gather(columns: Iterable[Cells], births: NDArray[np.int64]) -> Traces:
    """Digests of columns of texts.

    Parameters
    ----------
    columns : iterable of Cells
        Where two have a value in common, the first names it.
    births : array of int
        Days since 1970, sorted.
    """
    labels: list[str] = []
    found: dict[int, list[tuple[NDArray[np.uint64], int]]] = {}
    for column in columns:
        labels.append(column.what)
        for length, made in _digests(_distinct(column)).items():
            found.setdefault(length, []).append((made, len(labels) - 1))
    sorted_digests, label_of = {}, {}
    for length, parts in found.items():
        whole = np.concatenate([made for made, _ in parts])
        of = np.concatenate([np.full(len(made), label) for made, label in parts])
        sorted_digests[length], first = np.unique(whole, return_index=True)
        label_of[length] = of[first]
    return Traces(np.array(labels, dtype=np.str_), sorted_digests, label_of, births)


def _distinct(column: Cells) -> list[str]:
    counts = column.values.dropna().value_counts()
    if not column.personal and len(counts) <= LEVELS:
        counts = counts[counts < COMMON]
    return [str(value) for value in counts.index]


def _digests(texts: list[str]) -> dict[int, NDArray[np.uint64]]:
    """Digests of the telling words and runs of some texts, by number of words."""
    cut = [words_of(text) for text in texts]
    whole = sequence([word for words in cut for word in words])
    if not len(whole.words):
        return {}
    tells = np.array([telling(word) for word in whole.words], dtype=bool)
    made = {1: whole.digests[tells]}
    in_order = whole.digests[whole.places]
    for length, starts in _starts(cut).items():
        kept = starts[_run_tells(whole, tells, starts, length)]
        if len(kept):
            made[length] = runs(in_order, kept, length)
    return made


def _starts(cut: list[list[str]]) -> dict[int, NDArray[np.intp]]:
    """Where runs of words begin, by their length, in all texts one after another."""
    starts: dict[int, list[int]] = {}
    begin = 0
    for words in cut:
        many = len(words)
        if 1 < many <= LONGEST:
            starts.setdefault(many, []).append(begin)
        elif many > LONGEST:
            steps = [*range(begin, begin + many - LONGEST + 1, LONGEST), begin + many - LONGEST]
            starts.setdefault(LONGEST, []).extend(steps)
        begin += many
    return {length: np.array(at, dtype=np.intp) for length, at in starts.items()}


def _run_tells(
    whole: Sequence, tells: NDArray[np.bool_], starts: NDArray[np.intp], length: int
) -> NDArray[np.bool_]:
    """Runs that are long enough and have a telling word, or enough digits."""
    size = np.array([len(word) for word in whole.words])
    digit = np.array([sum(sign.isdigit() for sign in word) for word in whole.words])
    at = whole.places[starts[:, None] + np.arange(length)]
    letters = np.array([any(sign.isalpha() for sign in word) for word in whole.words])[at]
    enough = np.where(letters.any(axis=1), RUN_DIGITS_WITH_LETTERS, RUN_DIGITS)
    long = size[at].sum(axis=1) >= RUN
    return long & (tells[at].any(axis=1) | (digit[at].sum(axis=1) >= enough))


def _canonical(tables: Tables) -> Iterator[Cells]:
    """Identifiers, birth dates as numbers of a computer, and times, as they are after intake."""
    for table in Tables.names():
        for name, column in SCHEMA[table].items():
            values = tables[table][name].dropna()
            if column.kind == "id":
                yield Cells(f"an identifier ({table}.{name})", values, personal=True)
            elif column.kind == "time":
                clock = values.dt.strftime("%Y-%m-%d %H:%M")
                yield Cells(f"a time ({table}.{name})", clock[~clock.str.endswith("00:00")])
    born = tables.persons["birth_date"].dropna().astype("int64")
    for unit in (10**9, 10**6, 1):
        yield Cells("a birth date", (born // unit).astype(str), personal=True)


def _as_they_came(taken: Mapping[str, Taken]) -> Iterator[Cells]:
    for table, one in taken.items():
        own = {name: column for column, names in one.names.items() for name in names}
        for part in one.parts:
            for rows in (part.rows, *part.beside):
                for position, header in enumerate(rows.columns):
                    yield _cells(rows.iloc[:, position], table, own.get(header, header), part.label)


def _cells(values: pd.Series, table: str, column: str, label: str) -> Cells:
    known = SCHEMA[table].get(column)
    if known is None:
        return Cells(f"a value of a column of {label} that is not mapped", values)
    if column == "birth_date":
        return Cells("a birth date", values, personal=True)
    kind = "an identifier" if known.kind == "id" else "a value"
    return Cells(f"{kind} ({table}.{column})", values, personal=known.kind == "id")


def without(traces: Traces, public: Mapping[int, NDArray[np.uint64]]) -> Traces:
    """The traces that are not among some digests, by number of words."""
    kept, label_of = {}, {}
    for length, mine in traces.digests.items():
        stays = ~np.isin(mine, public.get(length, digests(np.zeros(0, dtype=object))))
        kept[length], label_of[length] = mine[stays], traces.label_of[length][stays]
    return Traces(traces.labels, kept, label_of, traces.births)


def save(traces: Traces, folder: Path) -> None:
    """Write into a restricted folder."""
    lengths = {f"digests_{n}": made for n, made in traces.digests.items()}
    labels = {f"label_of_{n}": made for n, made in traces.label_of.items()}
    with (folder / FILE).open("wb") as file:
        np.savez(file, labels=traces.labels, births=traces.births, **lengths, **labels)  # type: ignore[arg-type]


def load(folder: Path) -> Traces:
    """Read what :func:`save` wrote."""
    with np.load(folder / FILE, allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    of = {n: held[f"digests_{n}"] for n in range(1, LONGEST + 1) if f"digests_{n}" in held}
    labels = {n: held[f"label_of_{n}"] for n in of}
    return Traces(held["labels"], of, labels, held["births"])
