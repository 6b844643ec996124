"""Read an extract as text, cell by cell; whatever is wrong with it is one clear line."""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from missing_lib.force.delimited import (
    Cut,
    blank_rows,
    check_delimiter,
    ends_with_its_row,
    read_delimited,
    row_named,
)
from missing_lib.force.errors import ContractError, near_column
from missing_lib.force.join import joined
from missing_lib.force.mapping import Source
from missing_lib.force.origin import PARQUET, Origin, is_workbook
from missing_lib.force.schema import SCHEMA
from missing_lib.force.typed import column_text, frame

#: First bytes, the encoding that they go with, and what to do where another one is declared.
_SIGNATURES = (
    (b"PK\x03\x04", None, "is a spreadsheet workbook or an archive; save the sheet as CSV UTF-8, "
     "or let an Excel file's name end in .xlsx"),
    (b"\xd0\xcf\x11\xe0", None, "is an Excel file of before 2007 or one with a password; "
     "save it as .xlsx without a password, or as CSV UTF-8"),
    (b"PAR1", None, "is a Parquet file; let its name end in .parquet"),
    (b"\xff\xfe\0\0", "utf-32", "is UTF-32 text; say 'encoding: utf-32'"),
    (b"\xff\xfe", "utf-16", "is UTF-16 text; say 'encoding: utf-16'"),
    (b"\xfe\xff", "utf-16", "is UTF-16 text; say 'encoding: utf-16'"),
    (b"\xef\xbb\xbf", "utf-8", "is UTF-8 text; say 'encoding: utf-8'"),
)  # fmt: skip
_WORKBOOK, _PARQUET = b"PK\x03\x04", b"PAR1"


@dataclass(frozen=True)
class Raw:
    """Rows of one file or query as they are.

    Attributes
    ----------
    rows : DataFrame of str
        One column per header name, without spaces around the names; the index is the row's
        position under the header. Rows without any value are left out.
    caveats : list of str
        Blank and short rows and the like, counted.
    label : str
        What messages call it.
    first_row : int
        What a spreadsheet calls the row at position zero.
    beside : tuple of DataFrame
        Whole files that were joined.
    """

    rows: pd.DataFrame
    caveats: list[str]
    label: str
    first_row: int = 2
    beside: tuple[pd.DataFrame, ...] = ()


def read_source(folder: Path, source: Source, where: str) -> tuple[list[Raw], list[str]]:
    """Read every file of a source, or its query, with the columns that joins bring.

    Parameters
    ----------
    folder : Path
        Files are found relative to it.
    source : Source
    where : str
        Place of the source in the force file.

    Returns
    -------
    raws : list of Raw
        One per file that could be read and has its columns.
    problems : list of str
    """
    files: list[str | None] = [*source.file] or [None]
    raws: list[Raw] = []
    problems: list[str] = []
    others, wrong = _joined_files(folder, source, where)
    for file in files:
        try:
            raw = read_one(folder, source, file, where)
        except ContractError as problem:
            problems += problem.problems
            continue
        if wrong:
            continue
        try:
            raw = _with_joins(raw, source, others, where)
        except ContractError as problem:
            problems += problem.problems
        else:
            raws.append(raw)
    return raws, [*problems, *wrong]


def _joined_files(folder: Path, source: Source, where: str) -> tuple[list[pd.DataFrame], list[str]]:
    """The files that are joined, several of one layout one beneath the other."""
    others: list[pd.DataFrame] = []
    problems: list[str] = []
    for number, join in enumerate(source.join):
        files: list[str | None] = [*join.file] or [None]
        try:
            rows = [read_one(folder, join, f, f"{where}.join.{number}").rows for f in files]
        except ContractError as problem:
            problems += problem.problems
        else:
            others.append(rows[0] if len(rows) == 1 else pd.concat(rows, ignore_index=True))
    return others, problems


def _with_joins(raw: Raw, source: Source, others: list[pd.DataFrame], where: str) -> Raw:
    rows, caveats = raw.rows, list(raw.caveats)
    for number, (join, other) in enumerate(zip(source.join, others, strict=True)):
        done = joined(rows, other, join, raw.label, f"{where}.join.{number}")
        rows, caveats = done.rows, [*caveats, *done.notes]
    return Raw(rows, caveats, raw.label, raw.first_row, tuple(others))


def read_one(folder: Path, origin: Origin, file: str | None, where: str) -> Raw:
    """Read one file, or the query where there is none.

    Raises
    ------
    ContractError
        If it cannot be read as declared.
    """
    notes: list[str] = []
    if file is None:
        from missing_lib.force.database import read_query

        cut, label, first_row = read_query(origin, where), "the query", 1
    else:
        path = folder / file
        label, first_row = f"'{path.name}'", origin.header_row + 1
        _check_first_bytes(path, origin, file, f"{where}.file: {label}")
        if is_workbook(file):
            from missing_lib.force.workbook import read_workbook

            cut, notes = read_workbook(path, origin, where)
            check_delimiter(cut, origin, label, where)
        elif file.lower().endswith(PARQUET):
            cut, first_row = _read_parquet(path, where), 1
        else:
            cut = read_delimited(path, origin, where)
            whole = not cut.columns or not len(cut.columns[0]) or ends_with_its_row(path)
            notes = [] if whole else ["the last row does not end its line; is the file complete?"]
    return _as_rows(cut, notes, label, first_row)


def _as_rows(cut: Cut, notes: list[str], label: str, first_row: int) -> Raw:
    rows = frame(cut.header, cut.columns)
    blank = blank_rows(cut.columns, len(rows))
    empty = int(blank.sum())
    said = [
        (not len(rows), "the file has a header and no rows"),
        (empty, f"rows without any value that were left out: {empty}"),
        (
            cut.short,
            f"rows with fewer cells than the header, the rest taken as empty: {cut.short}",
        ),
        (
            cut.stray,
            f"rows with empty cells beyond the header, which were left out: {cut.stray}; check "
            "that columns line up, as a delimiter in a text without quotation marks looks alike",
        ),
        (cut.loose, "quotation marks inside texts are not doubled; check that columns line up"),
    ]
    caveats = [*(note for there, note in said if there), *notes]
    return Raw(rows[~blank] if empty else rows, caveats, label, first_row)


def _read_parquet(path: Path, where: str) -> Cut:
    try:
        table = parquet.read_table(path, page_checksum_verification=True)
        columns = [column_text(column) for column in table.columns]
    except (pa.ArrowException, OSError, ValueError):
        said = f"'{path.name}' cannot be read as a Parquet file; write it anew"
        raise ContractError([f"{where}.file: {said}"]) from None
    return Cut([str(name).strip() for name in table.column_names], columns)


def _check_first_bytes(path: Path, origin: Origin, file: str, what: str) -> None:
    """The file is there, is a file, and does not begin like something else."""
    if path.is_dir():
        raise ContractError([f"{what} is a folder, a file is needed"])
    try:
        with path.open("rb") as opened:
            first = opened.read(4)
    except FileNotFoundError:
        whole = what.replace(": ", ": there is no file ", 1)
        raise ContractError([f"{whole} at that place"]) from None
    except OSError as problem:
        raise ContractError([f"{what} cannot be opened: {problem.strerror}"]) from None
    if is_workbook(file) and not first.startswith((_WORKBOOK, b"\xd0\xcf\x11\xe0")):
        raise ContractError([f"{what} is no Excel file, whatever its name ends in"])
    if file.lower().endswith(PARQUET) and not first.startswith(_PARQUET):
        raise ContractError([f"{what} is no Parquet file, whatever its name ends in"])
    declared = codecs.lookup(origin.encoding).name
    for signature, encoding, cure in _SIGNATURES:
        if not first.startswith(signature):
            continue
        fits = encoding is not None and declared.startswith(encoding)
        fits |= is_workbook(file) and signature == _WORKBOOK
        fits |= file.lower().endswith(PARQUET) and signature == _PARQUET
        if not fits:
            raise ContractError([f"{what} {cure}"])
        return


def missing_columns(raw: Raw, table: str, source: Source, where: str) -> list[str]:
    """Columns that are wanted and that the extract lacks or has more than once."""
    count = Counter(str(name) for name in raw.rows.columns)
    wanted = _wanted(table, source)
    lacking = [(place, name) for place, name in wanted if not count[name]]
    names = [name for _, name in wanted]
    near = {name: near_column(name, count, names) for _, name in lacking}
    if len(lacking) == len(wanted) > 1 and not any(near.values()):
        named = ", ".join(repr(name) for name in names)
        return [f"{where}: {raw.label} has none of the columns {named}; {_question(raw, source)}"]
    problems = [
        f"{where}.{place}: {raw.label} has no column {name!r}{near[name]}"
        for place, name in lacking
    ]
    problems += [
        f"{where}.{place}: {raw.label} has {count[name]} columns named {name!r}; rename one"
        for place, name in wanted
        if count[name] > 1
    ]
    return problems


def _question(raw: Raw, source: Source) -> str:
    """What to look at where no column is found."""
    if source.columns is None and source.shared is None:
        return "where it has other names, map them under 'columns'"
    if raw.first_row == 1:
        return "are its columns named so, and is it the right one?"
    return f"is {row_named(source)} the header, and is it the right file?"


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
