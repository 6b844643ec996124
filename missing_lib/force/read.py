"""Read an extract's file as text, cell by cell; whatever is wrong with it is one clear line."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from missing_lib.force.errors import ContractError, suggestion
from missing_lib.force.mapping import Source
from missing_lib.force.schema import SCHEMA

#: First bytes, the encoding that they go with, and what to do where another one is declared.
_SIGNATURES = (
    (b"PK\x03\x04", None, "is a spreadsheet workbook or an archive; save the sheet as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", None, "is an old spreadsheet workbook; save the sheet as CSV UTF-8"),
    (b"\xff\xfe", "utf-16", "is UTF-16 text; say 'encoding: utf-16'"),
    (b"\xfe\xff", "utf-16", "is UTF-16 text; say 'encoding: utf-16'"),
    (b"\xef\xbb\xbf", "utf-8", "is UTF-8 text; say 'encoding: utf-8'"),
)
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Raw:
    """A file as it is.

    Attributes
    ----------
    rows : DataFrame of str
        One column per header name, without spaces around the names; the index is the row's
        position under the header. Rows without any value are left out.
    caveats : list of str
        Blank and short rows, counted.
    """

    rows: pd.DataFrame
    caveats: list[str]


def read_source(path: Path, source: Source, table: str) -> Raw:
    """Read a delimited text file; every cell stays the text that it is.

    Raises
    ------
    ContractError
        If the file is not there, is empty, or is not text of the declared encoding and
        delimiter.
    """
    where, name = f"sources.{table}", f"'{path.name}'"
    _check_first_bytes(path, source, f"{where}.file: {name}")
    try:
        lines, loose = _cells(path, source)
    except UnicodeError:
        cure = "files from Windows are often cp1252, others utf-8"
        said = f"{name} is not {source.encoding} text; {cure}"
        raise ContractError([f"{where}.encoding: {said}"]) from None
    except csv.Error:
        raise ContractError(
            [f"{where}.file: {name} has a quotation mark that is never closed"]
        ) from None
    header = [cell.strip().removeprefix("\ufeff").strip('"') for cell in lines[0]] if lines else []
    _check_shape(header, lines[1:], source, name, where)
    width = len(header)
    blank = [not any(cell.strip() for cell in line) for line in lines[1:]]
    cells = [line + [""] * (width - len(line)) for line in lines[1:]]
    rows = pd.DataFrame(cells, columns=header, dtype=object)
    short = [len(line) < width and not empty for line, empty in zip(lines[1:], blank, strict=True)]
    notes = [
        (not cells, "the file has a header and no rows"),
        (sum(blank), f"rows without any value that were left out: {sum(blank)}"),
        (
            sum(short),
            f"rows with fewer cells than the header, the rest taken as empty: {sum(short)}",
        ),
        (loose, "quotation marks inside texts are not doubled; check that columns line up"),
    ]
    return Raw(rows[~np.array(blank, dtype=bool)], [f"{table}: {n}" for there, n in notes if there])


def _cells(path: Path, source: Source) -> tuple[list[list[str]], bool]:
    """All lines cut into cells, and whether quotation marks had to be taken loosely."""
    for strict in (True, False):
        with path.open(encoding=source.encoding, newline="") as file:
            try:
                lines = list(csv.reader(file, delimiter=source.delimiter, strict=strict))
            except csv.Error as problem:
                if not strict or "expected after" not in str(problem):
                    raise
            else:
                break
    return lines, not strict


def _check_first_bytes(path: Path, source: Source, what: str) -> None:
    """The file is there, is a file, and does not begin like something else."""
    if path.is_dir():
        raise ContractError([f"{what} is a folder, a file is needed"])
    try:
        with path.open("rb") as file:
            first = file.read(4)
    except FileNotFoundError:
        whole = what.replace(": ", ": there is no file ", 1)
        raise ContractError([f"{whole} at that place"]) from None
    except OSError as problem:
        raise ContractError([f"{what} cannot be opened: {problem.strerror}"]) from None
    declared = codecs.lookup(source.encoding).name
    for signature, encoding, cure in _SIGNATURES:
        fits = encoding is not None and declared.startswith(encoding)
        if first.startswith(signature) and not fits:
            raise ContractError([f"{what} {cure}"])


def _check_shape(
    header: list[str], lines: list[list[str]], source: Source, name: str, where: str
) -> None:
    """There is a header, and no row is longer than it."""
    if not header and not any(lines):
        raise ContractError([f"{where}.file: {name} is empty, not even a header"])
    if not any(header):
        raise ContractError([f"{where}.file: the first row of {name} is blank, not a header"])
    others = [sign for sign in _DELIMITERS if sign in header[0] and sign != source.delimiter]
    if len(header) == 1 and others:
        cut, seems = _sign(source.delimiter), _sign(others[0])
        said = f"the header of {name} is one cell when cut at {cut}; it looks cut at {seems}"
        raise ContractError([f"{where}.delimiter: {said}"])
    long = sum(len(line) > len(header) for line in lines)
    if long:
        said = (
            f"{name} has rows with more cells than its first row: {long}; is the first row the "
            "header, are texts that hold the delimiter quoted, and does no line end in a stray one?"
        )
        raise ContractError([f"{where}.delimiter: {said}"])


def _sign(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else f"'{delimiter}'"


def missing_columns(raw: pd.DataFrame, table: str, source: Source) -> list[str]:
    """Columns that are wanted and that the extract lacks or has more than once."""
    count = Counter(str(name) for name in raw.columns)
    wanted = _wanted(table, source)
    file = f"'{Path(source.file).name}'"
    lacking = [(place, name) for place, name in wanted if not count[name]]
    near = {name: suggestion(name, [c for c in count if c]) for _, name in lacking}
    if len(lacking) == len(wanted) > 1 and not any(near.values()):
        return [
            f"sources.{table}: {file} has none of the {len(wanted)} columns that are needed; "
            "is its first row the header, and is it the right file?"
        ]
    problems = [
        f"sources.{table}.{place}: {file} has no column {name!r}{near[name]}"
        for place, name in lacking
    ]
    problems += [
        f"sources.{table}.{place}: {file} has {count[name]} columns named {name!r}; rename one"
        for place, name in wanted
        if count[name] > 1
    ]
    return problems


def _wanted(table: str, source: Source) -> list[tuple[str, str]]:
    """Place in the force file and name of each column that must be there, once."""
    if source.shared is not None:
        shared = source.shared
        wanted = [("shared.key", shared.key), ("shared.person", shared.person)]
        wanted += [("shared.date", name) for name in shared.date.names]
    elif source.columns is not None:
        wanted = [
            (f"columns.{column}", name)
            for column, origin in source.columns.items()
            for name in origin.names
        ]
    else:
        needed = [name for name, column in SCHEMA[table].items() if column.required]
        wanted = [("columns", name) for name in needed]
    return list({name: (place, name) for place, name in reversed(wanted)}.values())[::-1]
