"""Read a sheet of an Excel file; values keep their type until they become text."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from missing_lib.force.delimited import Cut
from missing_lib.force.errors import ContractError, suggestion
from missing_lib.force.origin import Origin
from missing_lib.force.typed import cell_text

#: What a formula gives that failed.
ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
_ROWS = 20_000


def read_workbook(path: Path, origin: Origin, where: str) -> tuple[Cut, list[str]]:
    """Read a sheet: the declared one, or the only one.

    Returns
    -------
    cut : Cut
    notes : list of str
        Cells that hold no value, counted: failed formulas, formulas without a stored result.

    Raises
    ------
    ContractError
        If it is no Excel file, lacks the sheet, or several sheets leave the choice open.
    """
    name = f"'{path.name}'"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that hold no cell
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                title = _title(book.sheetnames, origin, name, where)
                cut, failed = _cut(_rows(book[title]), origin.header_row)
                from_1904 = book.epoch == CALENDAR_MAC_1904
            finally:
                book.close()
            unstored = _unstored(path, title, origin.header_row)
    except ContractError:
        raise
    except Exception:  # a damaged archive fails in many ways, and its parts must not be quoted
        said = f"{name} cannot be read as an Excel file (.xlsx); open it there and save it anew"
        raise ContractError([f"{where}.file: {said}"]) from None
    notes = [
        (from_1904, f"{name} counts its days from 1904: where a format says excel, say excel-1904"),
        (failed, f"cells with an error of the spreadsheet, such as #N/A, taken as empty: {failed}"),
        (
            unstored,
            f"formulas whose result is not stored in {name}, taken as empty: {unstored}; open it "
            "in the spreadsheet program and save it",
        ),
    ]
    return cut, [note for there, note in notes if there]


def _title(sheets: list[str], origin: Origin, name: str, where: str) -> str:
    there = ", ".join(repr(one) for one in sheets)
    if origin.sheet is None:
        if len(sheets) == 1:
            return sheets[0]
        said = f"{name} has several sheets; say 'sheet: ' and one of {there}"
        raise ContractError([f"{where}.sheet: {said}"])
    if origin.sheet not in sheets:
        said = f"{name} has no sheet {origin.sheet!r}{suggestion(origin.sheet, sheets)}"
        raise ContractError([f"{where}.sheet: {said}; there are: {there}"])
    return origin.sheet


def _rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Rows with their values; a stored extent that is wrong is not believed."""
    if not hasattr(sheet, "iter_rows"):
        return
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()
    yield from sheet.iter_rows(values_only=True)


def _cut(rows: Iterator[tuple[Any, ...]], header_row: int) -> tuple[Cut, int]:
    """Cells as texts, and how many held an error."""
    header: list[str] = []
    for number, cells in enumerate(rows, start=1):
        if number == header_row:
            header = [cell_text(cell).strip() for cell in cells]
            break
    while header and not header[-1]:
        header.pop()
    width, long, failed = len(header), 0, 0
    chunks: list[list[pa.Array]] = [[] for _ in header]
    block: list[list[str]] = []

    def put_away() -> None:
        for column, values in zip(chunks, zip(*block, strict=True), strict=False):
            column.append(pa.array(values, pa.large_string()))
        block.clear()

    for cells in rows:
        texts = [cell_text(cell) for cell in cells]
        wrong = [n for n, text in enumerate(texts) if text in ERRORS]
        for n in wrong:
            texts[n] = ""
        failed += len(wrong)
        long += any(text.strip() for text in texts[width:])
        block.append((texts + [""] * (width - len(texts)))[:width])
        if len(block) == _ROWS:
            put_away()
    put_away()
    return Cut(header, [pa.chunked_array(c, pa.large_string()) for c in chunks], long=long), failed


def _unstored(path: Path, title: str, header_row: int) -> int:
    """Formulas without a stored result; looked for only where the file has formulas at all."""
    if not _has_formulas(path):
        return 0
    number = 0
    formulas = openpyxl.load_workbook(path, read_only=True)
    results = openpyxl.load_workbook(path, read_only=True, data_only=True)
    for said, got in zip(_rows(formulas[title]), _rows(results[title]), strict=False):
        number += sum(
            isinstance(one, str) and one.startswith("=") and value is None
            for one, value in zip(said, got, strict=False)
        )
    formulas.close()
    results.close()
    return number


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                with archive.open(name) as part:
                    tail = b""
                    while block := part.read(1 << 20):
                        if b"<f>" in tail + block or b"<f " in tail + block:
                            return True
                        tail = block[-2:]
    return False
