"""Read delimited text: fast where every reader must agree, with care where it may not."""

from __future__ import annotations

import codecs
import csv
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat, zip_longest
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from missing_lib.force.errors import ContractError
from missing_lib.force.origin import Origin, is_workbook

_DELIMITERS = (",", ";", "\t", "|")
#: Encodings in which a byte below 128 is that ASCII sign and nothing else.
_BYTE_BY_BYTE = re.compile(r"utf-8(-sig)?|ascii|cp125\d|iso8859-\d+|latin-?1|cp850|cp437")
#: Rows that the careful reader holds as lists at a time, and bytes looked at at a time.
_ROWS, _BYTES = 50_000, 1 << 24
#: Quotation marks looked at at a time; even, so that each part begins with an opening one.
_MARKS = 1 << 20
#: Bytes that the fast reader cuts at a time; a longer row is read with care.
_BLOCK = 1 << 23
#: Longest cell of a file whose quotation marks are sound; the module's own is 131,072 signs.
_LONGEST_CELL = 1 << 30


@dataclass(frozen=True)
class Cut:
    """A text cut into cells.

    Attributes
    ----------
    header : list of str
    columns : list of ChunkedArray of string
        As many as names in the header; rows without any value are still there.
    short, long, stray : int
        Rows with fewer cells than the header, the rest taken as empty; with more; and with empty
        cells beyond it, as delimiters at the end of a row leave them.
    loose : bool
        Quotation marks had to be taken loosely.
    """

    header: list[str]
    columns: list[pa.ChunkedArray]
    short: int = 0
    long: int = 0
    stray: int = 0
    loose: bool = False


def read_delimited(path: Path, origin: Origin, where: str) -> Cut:
    """Cut a file into cells; every cell stays the text that it is.

    Raises
    ------
    ContractError
        If the file is empty, or is not text of the declared encoding and delimiter.
    """
    name = f"'{path.name}'"
    try:
        cut = read_fast(path, origin) or read_careful(path, origin)
    except UnicodeError:
        cure = "say how it is encoded; files from Windows are often cp1252, others utf-8"
        said = f"{name} is not {origin.encoding.removesuffix('-sig')} text; {cure}"
        raise ContractError([f"{where}.encoding: {said}"]) from None
    except csv.Error:
        said = f"{name} has a quotation mark that is never closed"
        cure = "close it, or say 'quote: none' where such marks are plain signs"
        raise ContractError([f"{where}.file: {said}; {cure}"]) from None
    if any("\0" in one for one in cut.header):
        encoding = origin.encoding.removesuffix("-sig")
        said = f"{name} is not {encoding} text, as NULs stand in its header"
        cure = "say how it is encoded, such as utf-16-le or utf-16-be"
        raise ContractError([f"{where}.encoding: {said}; {cure}"])
    check_delimiter(cut, origin, name, where)
    return cut


def _format(origin: Origin) -> dict[str, str | int]:
    if not origin.quote:
        return {"delimiter": origin.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": origin.delimiter, "quotechar": origin.quote}


def _encoding(origin: Origin) -> str:
    """The encoding, and that of UTF-8 with a byte-order mark where that may be."""
    name = codecs.lookup(origin.encoding).name
    return "utf-8-sig" if name == "utf-8" else name


def names_of(cells: list[str]) -> list[str]:
    """Names of columns as they are written in a header."""
    return [cell.strip().removeprefix("\ufeff").strip('"') for cell in cells]


# --- with care ----------------------------------------------------------------------------------


def read_careful(path: Path, origin: Origin) -> Cut:
    """Cut with the standard library's reader, which knows every line."""
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        return _one_by_one(path, origin, strict=True)
    except csv.Error as problem:
        if "expected after" not in str(problem):
            raise
    finally:
        csv.field_size_limit(limit)
    return _one_by_one(path, origin, strict=False)


def _one_by_one(path: Path, origin: Origin, strict: bool) -> Cut:
    with path.open(encoding=_encoding(origin), newline="") as file:
        lines = csv.reader(file, strict=strict, **_format(origin))  # type: ignore[arg-type]
        above = list(islice(lines, origin.header_row))
        header = names_of(above[-1]) if len(above) == origin.header_row else []
        width, counts = len(header), np.zeros(3, dtype=np.int64)
        chunks: list[list[pa.Array]] = [[] for _ in header]
        for block in _blocks(lines):
            counts += _uneven(block, width)
            cells = islice(
                chain(zip_longest(*block, fillvalue=""), repeat([""] * len(block))), width
            )
            for column, values in zip(chunks, cells, strict=True):
                column.append(pa.array(values, pa.large_string()))
    whole = [pa.chunked_array(parts, pa.large_string()) for parts in chunks]
    short, long, stray = counts.tolist()
    return Cut(header, whole, short, long, stray, loose=not strict)


def _uneven(block: list[list[str]], width: int) -> tuple[int, int, int]:
    """Rows that are shorter than the header, longer, and longer by empty cells alone."""
    uneven = [line for line in block if len(line) != width and any(c.strip() for c in line)]
    short = sum(len(line) < width for line in uneven)
    long = sum(any(cell.strip() for cell in line[width:]) for line in uneven)
    return short, long, len(uneven) - short - long


def _blocks(lines: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while block := list(islice(lines, _ROWS)):
        yield block


# --- fast ---------------------------------------------------------------------------------------


def read_fast(path: Path, origin: Origin) -> Cut | None:
    """Cut with a vectorised reader where that gives the same cells, otherwise None.

    It does where every quotation mark opens a cell, closes it or is doubled within one, rows end
    alike and all have as many cells as the header.
    """
    encoding = _encoding(origin)
    plain = _BYTE_BY_BYTE.fullmatch(encoding) and f"{origin.delimiter}{origin.quote}".isascii()
    if not plain or origin.header_row > 1 or not path.stat().st_size or not _sound(path, origin):
        return None
    try:
        first = _first_line(path, encoding, origin)
        table = _table(path, encoding, origin, len(first)) if len(first) > 1 else None
    except (pa.ArrowInvalid, UnicodeError, csv.Error):
        return None
    if table is None or [column[0].as_py() for column in table.columns] != first:
        return None
    return Cut(names_of(first), [column.slice(1) for column in table.columns])


def _first_line(path: Path, encoding: str, origin: Origin) -> list[str]:
    with path.open(encoding=encoding, newline="") as file:
        lines = csv.reader(file, strict=True, **_format(origin))  # type: ignore[arg-type]
        return next(lines, [])


def _table(path: Path, encoding: str, origin: Origin, width: int) -> pa.Table:
    """All lines, that of the header too, as texts."""
    names = [f"f{number}" for number in range(width)]
    return arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(
            autogenerate_column_names=True,
            encoding="utf8" if encoding.startswith("utf-8") else encoding,
            block_size=_BLOCK,
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=origin.delimiter,
            quote_char=origin.quote or False,
            newlines_in_values=bool(origin.quote),
            ignore_empty_lines=False,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        ),
    )


def _sound(path: Path, origin: Origin) -> bool:
    """Whether quotation marks and ends of rows leave nothing to decide."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole,
    ):
        start = len(codecs.BOM_UTF8) if whole[:3] == codecs.BOM_UTF8 else 0
        content = np.frombuffer(whole, dtype=np.uint8)
        try:
            return _sound_bytes(content, start, origin)
        finally:
            del content


def _sound_bytes(content: np.ndarray, start: int, origin: Origin) -> bool:
    carriage, newline = ord("\r"), ord("\n")
    quotes = []
    for begin in range(0, len(content), _BYTES):
        block = content[begin : begin + _BYTES + 1]
        returns = np.flatnonzero(block[:_BYTES] == carriage)
        if len(returns) and (
            returns[-1] + 1 >= len(block) or (block[returns + 1] != newline).any()
        ):
            return False
        if (block == 0).any():
            return False
        if origin.quote:
            quotes.append(np.flatnonzero(block[:_BYTES] == ord(origin.quote)) + begin)
    marks = np.concatenate(quotes) if quotes else np.empty(0, dtype=np.int64)
    if not len(marks):
        return True
    if len(marks) % 2:
        return False
    edges = np.array([ord(origin.delimiter), carriage, newline], dtype=np.uint8)
    steps = range(0, len(marks), _MARKS)
    return all(_paired(content, marks, begin, start, edges) for begin in steps)


def _paired(
    content: np.ndarray, marks: np.ndarray, begin: int, start: int, edges: np.ndarray
) -> bool:
    """Whether quotation marks, from an opening one on, stand at the edges of cells or doubled."""
    end, last = begin + _MARKS, len(content) - 1
    opening, closing = marks[begin:end:2], marks[begin + 1 : end : 2]
    follows = np.append(marks[begin + 2 : end + 2 : 2], -1)[: len(closing)]
    precedes = np.append(marks[begin - 1] if begin else -2, closing[:-1])
    before = (opening == start) | (opening == precedes + 1)
    before |= np.isin(content[np.maximum(opening - 1, 0)], edges)
    after = (closing == last) | (follows == closing + 1)
    after |= np.isin(content[np.minimum(closing + 1, last)], edges)
    return bool(before.all() and after.all())


# --- what both must show ------------------------------------------------------------------------


def check_delimiter(cut: Cut, origin: Origin, name: str, where: str) -> None:
    """There is a header, it is cut at the right sign, and no row is longer than it.

    Raises
    ------
    ContractError
        Naming the key to correct.
    """
    header = cut.header
    if not header and origin.header_row > 1:
        said = f"{name} has no row {origin.header_row}, where the header should be"
        raise ContractError([f"{where}.header_row: {said}; correct the number"])
    if not header and not cut.long:
        raise ContractError([f"{where}.file: {name} is empty, not even a header"])
    row, cure = row_named(origin), "say in which row it stands, such as 'header_row: 2'"
    if not any(header):
        raise ContractError([f"{where}.file: {row} of {name} is blank, not a header; {cure}"])
    others = [sign for sign in _DELIMITERS if sign in header[0] and sign != origin.delimiter]
    if len(header) == 1 and others:
        cut_at, seems = _sign(origin.delimiter), _sign(others[0])
        said = f"the header of {name} is one cell when cut at {cut_at}; it looks cut at {seems}"
        raise ContractError([f"{where}.delimiter: {said}"])
    if cut.long:
        said = f"{name} has rows with more cells than {row}: {cut.long}"
        quoted = "" if is_workbook(name.strip("'")) else (
            ", and are texts that hold the delimiter in quotation marks"
        )  # fmt: skip
        cure = f"is {row} the header (otherwise {cure}){quoted}?"
        raise ContractError([f"{where}.file: {said}; {cure}"])


def row_named(origin: Origin) -> str:
    """What messages call the row in which the header should stand."""
    return "the first row" if origin.header_row == 1 else f"row {origin.header_row}"


def _sign(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else f"'{delimiter}'"


def ends_with_its_row(path: Path) -> bool:
    """Whether the last row ends its line; a file that was cut off mostly does not."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 4, 0))
        last = file.read().strip(b"\0\x1a")
    return not last or last.endswith((b"\n", b"\r"))


def blank_rows(columns: list[pa.ChunkedArray], rows: int) -> np.ndarray:
    """Rows without any value.

    Returns
    -------
    ndarray of bool, shape (rows,)
    """
    blank = np.ones(rows, dtype=bool)
    for column in columns:
        if not blank.any():
            break
        empty = pc.equal(pc.utf8_trim_whitespace(column), "")
        blank &= empty.to_numpy(zero_copy_only=False)
    return blank
