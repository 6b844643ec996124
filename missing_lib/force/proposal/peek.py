"""What an extract's files look like: names, encoding, and the shape of each column's values.

Values are looked at and forgotten: of a column only its kind, its date formats and whether its
codes are known are kept for writing.
"""

from __future__ import annotations

import codecs
import csv
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import openpyxl
import pandas as pd

from missing_lib.force.errors import ContractError
from missing_lib.force.origin import PARQUET, WORKBOOKS, Origin
from missing_lib.force.proposal.shapes import Shape, looks_like_a_value, shape_of
from missing_lib.force.proposal.synonyms import known_words
from missing_lib.force.read import read_one
from missing_lib.force.typed import TYPED, cell_text

#: Values of a column that are looked at for its shape, spread evenly over all of its rows.
LOOKED_AT = 50_000
#: First lines among which the header is looked for, below a title.
_TOP = 12
_DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 20
_HEADER_CURE = "its first row must be the names of the columns"


@dataclass(frozen=True)
class Joining:
    """Columns that another file brings.

    Attributes
    ----------
    people, incidents : Peeked
        The file whose rows they are, and the one that brings columns.
    on : dict of str
        Its key column to that of the rows.
    brought : tuple of str
    """

    people: Peeked
    incidents: Peeked
    on: dict[str, str]
    brought: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Peeked:
    """One file, or several of one layout, or a sheet.

    Attributes
    ----------
    paths : tuple of Path
    origin : Origin
        How it is read; its files are left empty.
    shapes : dict of Shape
        By name of the extract's column, in order; columns without a name, and names that occur
        twice, are left out.
    columns : dict of Series of str
        Values of all rows; never written.
    twice : tuple of str
        Names that several columns have.
    joining : Joining or None
        The file that brings some of the columns.
    """

    paths: tuple[Path, ...]
    origin: Origin
    shapes: dict[str, Shape]
    columns: dict[str, pd.Series] = field(repr=False)
    twice: tuple[str, ...] = ()
    joining: Joining | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """What messages call it: names of files, and that of the sheet."""
        files = " + ".join(path.name for path in self.paths)
        if self.joining is not None:
            return f"{files} with {self.joining.incidents.title}"
        return f"{files}, {self.origin.sheet}" if self.origin.sheet else files

    @property
    def parts(self) -> tuple[Peeked, ...]:
        """The files that it is made of."""
        if self.joining is None:
            return (self,)
        return (self.joining.people, self.joining.incidents)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()), ()))

    @property
    def recognised(self) -> bool:
        """Whether the first row is a header: by its words, or by what stands below it.

        Above dates or numbers stands a name, as it is neither; see :func:`_check_header`.
        """
        below = any(shape.kind not in ("other", "empty") for shape in self.shapes.values())
        return below or any(known_words(name) for name in self.shapes)

    def together(self, *names: str) -> pd.DataFrame:
        """The values of some columns."""
        return pd.DataFrame({name: self.columns[name] for name in names})

    def together_unique(self, *names: str) -> bool:
        """Whether no two rows agree in all of these columns."""
        return not self.together(*names).duplicated().any()

    def distinct(self, *names: str) -> int:
        """How many combinations of these columns' values occur."""
        return int((~self.together(*names).duplicated()).sum())


def peek(path: Path) -> list[Peeked]:
    """Look at a file, or at every sheet of a workbook that holds a table.

    Raises
    ------
    ContractError
        If it is not there, is empty, is no text, or its first row is not a header.
    """
    what = f"'{path.name}'"
    if path.is_file() and path.name.lower().endswith(WORKBOOKS):
        return _sheets(path, what)
    if path.is_file() and path.name.lower().endswith(PARQUET):
        return [_looked_at(path, Origin(file=("-",)), what)]
    return [_looked_at(path, _text_origin(path, what), what)]


def same_layout(files: list[Peeked]) -> list[Peeked]:
    """Files that have the same columns and are read alike, taken as one."""
    groups: dict[tuple[object, ...], list[Peeked]] = {}
    for file in files:
        key = (tuple(file.columns), file.origin.model_dump_json(), file.paths[0].suffix)
        groups.setdefault(key if not file.origin.sheet else (*key, file.paths), []).append(file)
    return [_one(group) for group in groups.values()]


def _one(group: list[Peeked]) -> Peeked:
    if len(group) == 1:
        return group[0]
    names = list(group[0].columns)
    columns = {n: pd.concat([f.columns[n] for f in group], ignore_index=True) for n in names}
    paths = tuple(path for file in group for path in file.paths)
    return replace(group[0], paths=paths, columns=columns, shapes=_shapes(columns))


def _sheets(path: Path, what: str) -> list[Peeked]:
    """The sheets of an Excel file; one that is no table has no columns."""
    tops = _tops(path)
    several = len(tops) > 1
    found: list[Peeked] = []
    problems: list[str] = []
    for name, lines in tops.items() or [("", [])]:
        row, sheet = _header_row(lines), name if several else None
        origin = Origin(file=(path.name,), sheet=sheet, header_row=row)
        try:
            found.append(_looked_at(path, origin, what))
        except ContractError as problem:
            problems += problem.problems
            found.append(Peeked((path,), origin.model_copy(update={"file": ()}), {}, {}))
    if not any(file.columns for file in found):
        raise ContractError(dict.fromkeys(problems))
    return found


def _tops(path: Path) -> dict[str, list[list[str]]]:
    """The first rows of each sheet; none of a file that cannot be read, which reading says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that hold no cell
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            tops = {
                sheet.title: [
                    [cell_text(cell) for cell in row]
                    for row in sheet.iter_rows(max_row=_TOP, values_only=True)
                ]
                for sheet in book.worksheets
            }
            book.close()
    except Exception:  # a damaged archive fails in many ways
        return {}
    return tops


def _text_origin(path: Path, what: str) -> Origin:
    """How a text is encoded and cut, and where its header stands."""
    encoding = _encoding(path, what)
    try:
        with path.open(encoding=encoding, newline="") as file:
            lines = [line for line in islice(file, _TOP) if line.strip()]
            delimiter = _delimiter(lines)
            file.seek(0)
            top = list(islice(csv.reader(file, delimiter=delimiter), _TOP))
    except csv.Error:
        raise ContractError([f"{what} cannot be cut into cells: is it delimited text?"]) from None
    except UnicodeError:
        raise ContractError([f"{what} is not text that can be read: export it again"]) from None
    if not any(cell.strip() for line in top for cell in line):
        raise ContractError([f"{what} is empty, not even a header"])
    if not any(cell.strip() for cell in top[0]) and len(top[0]) > 1:
        raise ContractError([f"{what}: the first row is blank; {_HEADER_CURE}"])
    return Origin(
        file=(path.name,), encoding=encoding, delimiter=delimiter, header_row=_header_row(top)
    )


def _delimiter(lines: list[str]) -> str:
    """The sign that stands in most of the first lines, most often."""

    def often(sign: str) -> tuple[int, int]:
        number = sorted(line.count(sign) for line in lines)
        return (number[len(number) // 2], number[-1]) if number else (0, 0)

    return max(_DELIMITERS, key=often)


def _header_row(lines: list[list[str]]) -> int:
    """The line of the header: the first with several cells, where those above have only one."""
    filled = [sum(bool(str(cell).strip()) for cell in line) for line in lines]
    wide = max(filled, default=0)
    if wide < 3 or not filled or filled[0] > 1:
        return 1
    return next((n + 1 for n, number in enumerate(filled) if number > 1), 1)


def _read(path: Path, origin: Origin, what: str) -> pd.DataFrame:
    """Rows as the intake reads them; messages without a place in a force file."""
    try:
        return read_one(path.parent, origin, path.name, "").rows
    except ContractError as problem:
        lines = [re.sub(r"^\.\w+: ", "", line) for line in problem.problems]
        raise ContractError(
            line if path.name in line else f"{what}: {line}" for line in lines
        ) from None


def _looked_at(path: Path, origin: Origin, what: str) -> Peeked:
    rows = _read(path, origin, what)
    header = [str(name) for name in rows.columns]
    count = Counter(header)
    columns = {
        name: rows.iloc[:, place].str.removeprefix(TYPED).str.strip().reset_index(drop=True)
        for place, name in enumerate(header)
        if name and count[name] == 1
    }
    _check_header(header, columns, what)
    again = pd.DataFrame({name: values == name for name, values in columns.items()}).all(axis=1)
    if again.any():
        columns = {n: v[~again].reset_index(drop=True) for n, v in columns.items()}
    twice = tuple(name for name in count if name and count[name] > 1)
    bare = origin.model_copy(update={"file": ()})
    return Peeked((path,), bare, _shapes(columns), columns, twice)


def _shapes(columns: dict[str, pd.Series]) -> dict[str, Shape]:
    """The shape of each column; where one shows that months come first, they do in all."""
    shapes = {name: _shape(values) for name, values in columns.items()}
    sure = [shape for shape in shapes.values() if shape.order == "sure"]
    if not any(shape.month_first for shape in sure):
        return shapes
    unsure = {
        name: _shape(columns[name], True) for name, s in shapes.items() if s.order == "unsure"
    }
    return {**shapes, **unsure}


def _shape(values: pd.Series, month_first: bool = False) -> Shape:
    some = values[values != ""]
    step = max(1, -(-len(some) // LOOKED_AT))
    shape = shape_of(some.iloc[::step].tolist(), month_first)
    unique = bool(len(some)) and not some.duplicated().any()
    return replace(shape, unique=unique, blank=len(some) < len(values))


def _check_header(header: list[str], columns: dict[str, pd.Series], what: str) -> None:
    """The header holds names: nothing in it is a value, which would then be copied."""
    if not any(header):
        raise ContractError([f"{what}: the first row is blank; {_HEADER_CURE}"])
    valued = any(looks_like_a_value(name) for name in header)
    known = sum(bool(known_words(name)) for name in header)
    within: Iterator[bool] = (bool((values == name).any()) for name, values in columns.items())
    if valued or (2 * known < len(header) and any(within)):
        raise ContractError([f"{what}: the first row looks like data, not names; {_HEADER_CURE}"])


def _encoding(path: Path, what: str) -> str:
    """Encoding by the first bytes, or by whether the whole file is UTF-8."""
    if path.is_dir():
        raise ContractError([f"{what} is a folder, a file is needed"])
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            first = file.read(_CHUNK)
            if first.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
                raise ContractError(
                    [
                        f"{what} is a spreadsheet workbook; let its name end in .xlsx, "
                        "or save the sheet as CSV"
                    ]
                )
            if first.startswith((b"\xff\xfe", b"\xfe\xff")):
                return "utf-16"
            if b"\0" in first:
                raise ContractError([f"{what} is not text; export it as CSV"])
            decoder.decode(first)
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except FileNotFoundError:
        raise ContractError([f"there is no file {what} at that place"]) from None
    except UnicodeDecodeError:
        return "cp1252"
    except OSError as problem:
        raise ContractError([f"{what} cannot be opened: {problem.strerror}"]) from None
    return "utf-8-sig"
