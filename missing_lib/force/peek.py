"""What an extract's file looks like: names, encoding, and the shape of each column's values.

Values are looked at and forgotten: of a column only its kind, its date formats and whether its
codes are known are kept for writing.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from missing_lib.force.errors import ContractError
from missing_lib.force.origin import PARQUET, WORKBOOKS, Origin
from missing_lib.force.read import read_one
from missing_lib.force.typed import TYPED

#: Rows that are looked at; the check afterwards reads all of them.
LOOKED_AT = 20_000
#: Distinct values up to which a column may hold codes.
FEW = 30
#: Share of values that must look alike, and below which a way of writing is taken for a slip.
MOST, SLIP = 0.8, 0.02
_DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 20

_CLOCK = r"\d{1,2}:\d\d(?P<sec>:\d\d)?(?P<frac>\.\d+)?(?P<half> ?[AaPp][Mm])?"
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<sign>[-/. ])(?P<b>\d{1,2}|[A-Za-z]{3,9})(?P=sign)(?P<c>\d{2,4}|\d)"
    rf"(?:(?P<gap>[T ]){_CLOCK}(?P<zone>Z|[+-]\d\d:?\d\d)?(?P<named>\[[^\]]*\])?)?"
)
_CLOCK_ONLY = re.compile(_CLOCK)
_PACKED = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_YEAR = re.compile(r"(?:19|20)\d\d(?P<tail>\.0)?")
_SERIAL = re.compile(r"[2-5]\d{4}(?:\.\d+)?")


@dataclass(frozen=True)
class Shape:
    """What the values of one column look like.

    Attributes
    ----------
    kind : {"empty", "date", "moment", "clock", "number", "other"}
        A moment is a date with a clock time, a clock is a time alone.
    formats : tuple of str
        Ways in which dates or clock times are written, the most frequent first.
    order : {"", "sure", "unsure", "mixed"}
        Whether a value shows which number is the day and which is the month.
    unique : bool
        No value occurs twice.
    codes : frozenset of str
        Distinct values if there are few, for comparison with code books; never written.
    """

    kind: str
    formats: tuple[str, ...] = ()
    order: str = ""
    unique: bool = False
    codes: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def dated(self) -> bool:
        """True where the values are dates, with or without a clock time."""
        return self.kind in ("date", "moment")

    @property
    def iso(self) -> bool:
        """True where all values are written year first, as nothing else is."""
        return all(one.startswith("%Y-%m-%d") for one in self.formats)


@dataclass(frozen=True)
class Peeked:
    """One file.

    Attributes
    ----------
    path : Path
    encoding, delimiter : str
    shapes : dict of Shape
        By name of the extract's column, in order; columns without a name are left out.
    columns : dict of list of str
        Values of the rows that were looked at; never written.
    """

    path: Path
    encoding: str
    delimiter: str
    shapes: dict[str, Shape]
    columns: dict[str, list[str]] = field(repr=False)

    def together_unique(self, *names: str) -> bool:
        """Whether no two rows agree in all of these columns."""
        return all(self.distinct(*names) == len(self.columns[name]) for name in names)

    def distinct(self, *names: str) -> int:
        """How many combinations of these columns' values occur."""
        return len(set(zip(*(self.columns[name] for name in names), strict=True)))


def peek(path: Path) -> Peeked:
    """Look at a file.

    Raises
    ------
    ContractError
        If it is not there, is empty, is no text, or its first row is not a header.
    """
    what = f"'{path.name}'"
    if path.is_file() and path.name.lower().endswith((*WORKBOOKS, *PARQUET)):
        return _peek_typed(path, what)
    encoding = _encoding(path, what)
    try:
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline()
            delimiter = max(_DELIMITERS, key=first.count)
            file.seek(0)
            lines = list(islice(csv.reader(file, delimiter=delimiter), LOOKED_AT + 1))
    except csv.Error:
        raise ContractError([f"{what} cannot be cut into cells: is it delimited text?"]) from None
    except UnicodeError:
        raise ContractError([f"{what} is not text that can be read: export it again"]) from None
    lines = [[cell.strip() for cell in line] for line in lines]
    if not any(any(line) for line in lines):
        raise ContractError([f"{what} is empty, not even a header"])
    header = [cell.removeprefix("\ufeff").strip('"') for cell in lines[0]]
    rows = [line for line in lines[1:] if any(line) and line != lines[0]]
    columns = {
        name: [line[place] if place < len(line) else "" for line in rows]
        for place, name in reversed(list(enumerate(header)))
        if name
    }
    columns = {name: columns[name] for name in dict.fromkeys(header) if name}
    _check_header(header, columns, rows, what)
    shapes = {name: shape_of(values) for name, values in columns.items()}
    return Peeked(path, encoding, delimiter, shapes, columns)


def _peek_typed(path: Path, what: str) -> Peeked:
    """An Excel or Parquet file, as the intake reads it."""
    raw = read_one(path.parent, Origin(file=(path.name,)), path.name, "--from")
    rows = raw.rows.iloc[:LOOKED_AT].fillna("").astype(str)
    header = [str(name) for name in rows.columns]
    columns = {
        name: rows.iloc[:, place].str.removeprefix(TYPED).str.strip().tolist()
        for place, name in enumerate(header)
        if name
    }
    _check_header(header, columns, rows.iloc[:5].to_numpy().tolist(), what)
    shapes = {name: shape_of(values) for name, values in columns.items()}
    return Peeked(path, "utf-8-sig", ",", shapes, columns)


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


def _check_header(
    header: list[str], columns: dict[str, list[str]], rows: list[list[str]], what: str
) -> None:
    """The first row holds names: nothing in it is a value, which would then be copied."""
    cure = "its first row must be the names of the columns"
    if not columns:
        raise ContractError([f"{what}: the first row is blank; {cure}"])
    if len(columns) == 1 and any(sum(map(bool, row)) > 1 for row in rows[:5]):
        raise ContractError([f"{what}: the first row looks like a title; {cure}"])
    valued = [name for name in header if _looks_like_a_value(name)]
    within = [name for name, values in columns.items() if name in values]
    if valued or within:
        raise ContractError([f"{what}: the first row looks like data, not names; {cure}"])


def _looks_like_a_value(name: str) -> bool:
    dated = _DATE.fullmatch(name) or _CLOCK_ONLY.fullmatch(name)
    return bool(dated or re.fullmatch(r"[\d.,+ /:-]*\d[\d.,+ /:-]*", name) or "@" in name)


def shape_of(values: Iterable[str]) -> Shape:
    """The shape of a column's values.

    Examples
    --------
    >>> shape_of(["13/02/2020 10:00", "01/02/2020 11:30"]).formats
    ('%d/%m/%Y %H:%M',)
    >>> shape_of(["01/02/2020", "02/03/2021"]).order
    'unsure'
    """
    count = Counter(value for value in values if value)
    total = sum(count.values())
    if not total:
        return Shape("empty")
    unique = max(count.values()) == 1
    for found in (_dates(count), _clocks(count), _numbers(count)):
        if found is not None:
            kind, formats, order = found
            return Shape(kind, formats, order, unique)
    codes = frozenset(count) if len(count) <= FEW else frozenset()
    return Shape("other", unique=unique, codes=codes)


def _dates(count: Counter[str]) -> tuple[str, tuple[str, ...], str] | None:
    """Formats of dates; the order of day and month is settled by the values alone."""
    found = {value: match for value in count if (match := _DATE.fullmatch(value))}
    if sum(count[v] for v in found) < MOST * sum(count.values()):
        return None
    numeric = {v: m for v, m in found.items() if len(m["a"]) < 4 and m["b"].isdigit()}
    first = sum(count[v] for v, m in numeric.items() if int(m["a"]) > 12)
    second = sum(count[v] for v, m in numeric.items() if int(m["b"]) > 12)
    order = "mixed" if first and second else "sure" if first or second or not numeric else "unsure"
    ways: Counter[str] = Counter()
    for value, match in found.items():
        ways[_format(match, month_first=second > first)] += count[value]
    formats = tuple(_usual(ways))
    kind = "moment" if any("%H" in one or "%I" in one for one in formats) else "date"
    return kind, formats, order


def _format(match: re.Match[str], month_first: bool) -> str:
    """How one date is written."""
    word = "" if match["b"].isdigit() else "%b" if len(match["b"]) == 3 else "%B"
    if len(match["a"]) == 4:
        parts = ["%Y", word or "%m", "%d"]
    else:
        year = "%Y" if len(match["c"]) == 4 else "%y"
        parts = ["%m", "%d", year] if month_first and not word else ["%d", word or "%m", year]
    date = match["sign"].join(parts)
    if not match["gap"]:
        return date
    return date + match["gap"] + _clock_format(match) + ("%z" if match["zone"] else "")


def _clock_format(match: re.Match[str]) -> str:
    hour = "%I" if match["half"] else "%H"
    seconds = ":%S" if match["sec"] else ""
    parts = ".%f" if match["frac"] else ""
    half = match["half"].upper().replace("AM", "%p").replace("PM", "%p") if match["half"] else ""
    return f"{hour}:%M{seconds}{parts}{half}"


def _clocks(count: Counter[str]) -> tuple[str, tuple[str, ...], str] | None:
    found = {value: match for value in count if (match := _CLOCK_ONLY.fullmatch(value))}
    if sum(count[v] for v in found) < MOST * sum(count.values()):
        return None
    ways: Counter[str] = Counter()
    for value, match in found.items():
        ways[_clock_format(match)] += count[value]
    return "clock", tuple(_usual(ways)), ""


def _usual(ways: Counter[str]) -> Iterator[str]:
    """Ways of writing that are no slips, the most frequent first."""
    total = sum(ways.values())
    for way, number in sorted(ways.items(), key=lambda item: (-item[1], item[0])):
        if number > SLIP * total or number == max(ways.values()):
            yield way


def _numbers(count: Counter[str]) -> tuple[str, tuple[str, ...], str] | None:
    """Numbers, with the format that they would have if they were dates."""
    total = sum(count.values())
    for pattern, one in ((_PACKED, "%Y%m%d"), (_YEAR, "%Y"), (_SERIAL, "excel")):
        found = {v: m for v in count if (m := pattern.fullmatch(v))}
        if sum(count[v] for v in found) < MOST * total:
            continue
        if pattern is _YEAR and any(match["tail"] for match in found.values()):
            return "number", ("%Y.0",), ""
        return "number", (one,), ""
    return None
