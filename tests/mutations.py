"""Ways in which an extract or a force file can be broken, each drawn from a seed.

What can be demanded of the intake differs, and each mutation says which it is:

SAME
    the canonical tables hold what they hold without it (rows in any order);
TOLD
    the intake refuses, or the tables are the same, or something says that they are not: a line
    of the ledger, a caveat, an unread text;
COUNTED
    every row is accounted for, and no more can be asked. No program sees that a date was put in
    place of another, that an optional cell was emptied, that a file ends before its last rows,
    or that two columns of one kind were exchanged.
"""

from __future__ import annotations

import copy
import io
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import yaml
from pyarrow import parquet

SAME, TOLD, COUNTED = "same", "told", "counted"
#: Stands in every text about a person.
SECRET = "Zephyrine"
DAY, CLOCK = "%d.%m.%Y", "%d.%m.%Y %H:%M"
URL = "MISSING_TEST_DATABASE"
FORMATS = ("csv", "tsv", "xlsx", "parquet", "sqlite")
#: Table -> column -> kind.
KINDS = {
    "persons": {"NOM": "person", "NAME": "free", "BORN": "day", "SEX": "code"},
    "incidents": {
        "REF": "id", "NOM": "person", "AT": "clock", "END": "clock", "RISK": "code", "NOTE": "free",
    },
    "markers": {"NOM": "person", "FLAG": "code", "SINCE": "day"},
    "ties": {"ONE": "person", "OTHER": "person", "DAY": "day", "KIND": "code"},
    "events": {"NOM": "person", "WHAT": "code", "AT": "clock"},
}  # fmt: skip
OPTIONAL = {"BORN", "SEX", "END", "RISK", "NAME", "NOTE"}
_RECODES = {
    "SEX": {"F": "female", "M": "male"},
    "RISK": {"L": "low", "M": "medium", "H": "high"},
    "FLAG": {"A": "arrest", "S": "self_harm"},
    "KIND": {"C": "co_arrest", "P": "same_placement"},
    "WHAT": {"A": "arrest", "V": "violence_victim"},
}
_CANONICAL = {
    "persons": {"person_id": "NOM", "birth_date": "BORN", "sex": "SEX"},
    "incidents": {
        "incident_id": "REF", "person_id": "NOM", "reported_at": "AT", "ended_at": "END",
        "risk_final": "RISK",
    },
    "markers": {"person_id": "NOM", "marker": "FLAG", "known_from": "SINCE"},
    "ties": {"person_a": "ONE", "person_b": "OTHER", "first_seen": "DAY", "tie_type": "KIND"},
    "events": {"person_id": "NOM", "event_type": "WHAT", "occurred_at": "AT"},
}  # fmt: skip

Rows = dict[str, list[list[str]]]


@dataclass(frozen=True)
class Case:
    """An extract on its way to being broken.

    Attributes
    ----------
    rng : Random
    form : str
        One of :data:`FORMATS`.
    table : str
        The table that is broken.
    rows : dict of list
        Header and rows of every table.
    demand : {SAME, TOLD, COUNTED}
    """

    rng: random.Random
    form: str
    table: str
    rows: Rows
    demand: str = TOLD

    @property
    def lines(self) -> list[list[str]]:
        """Header and rows of the table that is broken."""
        return self.rows[self.table]

    def column(self, *kinds: str) -> int:
        """Place of a column of one of some kinds, or of any where the table has none."""
        all_ = list(KINDS[self.table].values())
        return self.rng.choice([n for n, k in enumerate(all_) if k in kinds] or range(len(all_)))

    def with_lines(self, lines: list[list[str]], demand: str) -> Case:
        """The case with other rows."""
        return replace(self, rows={**self.rows, self.table: lines}, demand=demand)

    def with_cells(self, place: int, value: Callable[[str], str], demand: str, most: int) -> Case:
        """The case with other cells of a column in at most some rows."""
        lines = [list(line) for line in self.lines]
        number = min(self.rng.randint(1, most), len(lines) - 1)
        for at in self.rng.sample(range(1, len(lines)), number):
            lines[at][place] = value(lines[at][place])
        return self.with_lines(lines, demand)


def clean_rows() -> Rows:
    """A small extract in which nothing is wrong."""
    rng = random.Random(0)
    people = [f"N{1000 + n}" for n in range(42)]
    begin = datetime(2016, 1, 5)

    def moment(first: int = 0, last: int = 1000) -> datetime:
        return begin + timedelta(days=rng.randint(first, last), minutes=rng.randint(5, 1400))

    made: dict[str, list[list[str]]] = {table: [list(KINDS[table])] for table in KINDS}
    for n, who in enumerate(people):
        born = datetime(1999, 1, 20) + timedelta(days=60 * n + rng.randint(0, 50))
        made["persons"].append([who, f"{SECRET} {who} Zoë", born.strftime(DAY), rng.choice("FM")])
        for k in range(1 + n % 3 if n < 30 else 0):
            at = moment(k * 330, k * 330 + 300)
            end = at + timedelta(minutes=rng.randint(30, 4000))
            made["incidents"].append(
                [f"R{n}{k}5", who, at.strftime(CLOCK), end.strftime(CLOCK), rng.choice("LMH"),
                 rng.choice(["", f"{SECRET}, then; home", f'"{SECRET}"'])]
            )  # fmt: skip
        made["markers"].append([who, "AS"[n % 2], moment().strftime(DAY)])
        made["ties"].append([who, people[n - 1], moment().strftime(DAY), "CP"[n % 2]])
        made["events"].append([who, "AV"[n % 2], moment().strftime(CLOCK)])
    for line in made["ties"][1:]:
        line[:2] = sorted(line[:2])
    return made


def page(form: str) -> dict[str, Any]:
    """The force file of the clean extract."""
    sources: dict[str, Any] = {}
    for table, columns in _CANONICAL.items():
        mapped = {name: _mapped(own, KINDS[table][own]) for name, own in columns.items()}
        origin: dict[str, Any] = {"file": f"{table}.{form}"}
        if form == "sqlite":
            origin = {"query": f"SELECT * FROM {table}", "connection": URL}
        elif form == "tsv":
            origin["delimiter"] = "tab"
        sources[table] = {**origin, "columns": mapped}
    return {
        "code": "mark", "name": "Mark", "kind": "synthetic",
        "study": {"start": "2016-01-01", "end": "2018-10-31"}, "sources": sources,
    }  # fmt: skip


def _mapped(own: str, kind: str) -> Any:
    if kind in ("day", "clock"):
        return {"column": own, "format": DAY if kind == "day" else CLOCK}
    return {"column": own, "recode": dict(_RECODES[own])} if own in _RECODES else own


# --- writing ------------------------------------------------------------------------------------


def write(folder: Path, form: str, rows: Rows) -> None:
    """The extract in one of the formats."""
    if form == "sqlite":
        base = sqlite3.connect(folder / "extract.sqlite")
        for table, lines in rows.items():
            _frame(lines).to_sql(table, base, index=False)
        base.close()
        return
    for table, lines in rows.items():
        (folder / f"{table}.{form}").write_bytes(_bytes(form, lines))


def _bytes(form: str, lines: list[list[str]]) -> bytes:
    if form in ("csv", "tsv"):
        return text_of(lines, "," if form == "csv" else "\t").encode()
    made = io.BytesIO()
    if form == "xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Extract")
        for line in lines:
            sheet.append([_typed(cell) for cell in line])
        book.save(made)
    else:
        table = pa.Table.from_pandas(_frame(lines), preserve_index=False)
        parquet.write_table(table, made, write_page_checksum=True)
    return made.getvalue()


def text_of(lines: list[list[str]], sign: str) -> str:
    """Delimited text; every cell that holds a sign of the format is quoted."""

    def cell(text: str) -> str:
        odd = any(c in text for c in (sign, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if odd else text

    return "".join(sign.join(map(cell, line)) + "\r\n" for line in lines)


def _typed(cell: str) -> Any:
    """What a spreadsheet makes of a text."""
    for form in (CLOCK, DAY):
        try:
            return datetime.strptime(cell, form)
        except ValueError:
            continue
    return cell or None


def _frame(lines: list[list[str]]) -> pd.DataFrame:
    width = len(lines[0])
    fixed = [(line + [""] * width)[:width] for line in lines[1:]]
    names = [name or f"unnamed {n}" for n, name in enumerate(lines[0])]
    again = [n for n, name in enumerate(names) if name.casefold() in map(str.casefold, names[:n])]
    for n in again:
        names[n] = f"{names[n]} again {n}"
    return pd.DataFrame(fixed, columns=names, dtype=object)


# --- cells and rows -----------------------------------------------------------------------------

ABSURD = (
    "31.02.2016", "00.00.0000 00:00", "99.99.9999 99:99", "14.03.20166 10:00", "01.01.0001", "-1",
    "14.03.2016 25:61", "1e99", "inf", "NaT", "nan", "now", "today", "2016", "9" * 400, SECRET,
    "01.01.2199", "01.01.2199 10:00", "14.03.16", "14.03.2016 10:00Z", "42443.5", "2016-03-14",
)  # fmt: skip
FORMULAS = ("=1+1", "=HYPERLINK(A1)", "@SUM(A1)", "+1|' '!A0", "#N/A", "#REF!", "-1+1")
ODD_SIGNS = ("\x00", "\u202e", "\ufeff", "\ue000", "\u2028", "\x85", "\x1f", "😀", "\x7f")


def _by_kind(case: Case, place: int) -> str:
    """What can be demanded where a cell of a column becomes another text."""
    name, kind = list(KINDS[case.table].items())[place]
    if kind == "free":
        return SAME
    return COUNTED if kind == "id" or (kind == "code" and name in OPTIONAL) else TOLD


def absurd_dates(case: Case) -> Case:
    """Days and clock times that cannot be, or cannot be right."""
    place = case.column("day", "clock")
    return case.with_cells(place, lambda _: case.rng.choice(ABSURD), TOLD, 3)


def long_cells(case: Case) -> Case:
    """Cells of a million signs."""
    place = case.column("person", "id", "free", "day", "clock", "code")
    sign = case.rng.choice(["x", "9", '"', " y"])
    long = (sign * 1_000_000)[:1_000_000]
    return case.with_cells(place, lambda _: long, _by_kind(case, place), 2)


def formulas(case: Case) -> Case:
    """Cells that begin as formulas do, or hold what failed ones give."""
    place = case.column("person", "free", "day", "clock", "code")
    demand = TOLD if case.form == "xlsx" else _by_kind(case, place)
    return case.with_cells(place, lambda _: case.rng.choice(FORMULAS), demand, 3)


def odd_signs(case: Case) -> Case:
    """Signs that no one types: NUL, marks of direction and of byte order, private ones."""
    place = case.column("person", "free", "day", "clock", "code")
    sign = case.rng.choice(ODD_SIGNS[1:] if case.form == "sqlite" else ODD_SIGNS)
    if case.form == "xlsx" and sign < " ":
        sign = "\u200b"
    return case.with_cells(place, lambda cell: sign + cell, _by_kind(case, place), 3)


def unlisted_codes(case: Case) -> Case:
    """Codes that nobody listed."""
    return case.with_cells(case.column("code"), lambda _: SECRET, TOLD, 2)


def emptied_cells(case: Case) -> Case:
    """Cells without a value, where one is needed or not."""
    place = case.column("person", "id", "day", "clock", "code", "free")
    demand = COUNTED if list(KINDS[case.table])[place] in OPTIONAL else TOLD
    return case.with_cells(place, lambda _: "", demand, 5)


def padded_cells(case: Case) -> Case:
    """Spaces around values."""
    place = case.column("person", "id", "code", "free")
    return case.with_cells(place, lambda cell: f"  {cell} ", SAME, 30)


def other_dates(case: Case) -> Case:
    """Another day in place of a day: nobody can see it."""
    place = case.column("day", "clock")
    return case.with_cells(place, lambda cell: f"{case.rng.randint(10, 28)}{cell[2:]}", COUNTED, 5)


def american_dates(case: Case) -> Case:
    """A whole column with the month first."""
    place = case.column("day", "clock")
    lines = [list(line) for line in case.lines]
    for line in lines[1:]:
        day, month, rest = line[place].split(".", 2)
        line[place] = ".".join((month, day, rest))
    return case.with_lines(lines, TOLD)


def rows_again(case: Case) -> Case:
    """Rows that are there twice."""
    head, *lines = case.lines
    more = case.rng.choices(lines, k=case.rng.randint(1, 9))
    return case.with_lines([head, *lines, *more], SAME)


def blank_rows(case: Case) -> Case:
    """Rows without any value."""
    lines = list(case.lines)
    for _ in range(case.rng.randint(1, 5)):
        blank = [case.rng.choice(["", " "])] * len(lines[0])
        lines.insert(case.rng.randint(1, len(lines)), blank)
    return case.with_lines(lines, SAME)


def rows_in_another_order(case: Case) -> Case:
    """The same rows, shuffled."""
    head, *lines = case.lines
    case.rng.shuffle(lines)
    return case.with_lines([head, *lines], SAME)


def short_rows(case: Case) -> Case:
    """Rows that end early."""
    lines = list(case.lines)
    for at in case.rng.sample(range(1, len(lines)), 2):
        lines[at] = lines[at][: case.rng.randint(1, len(lines[at]) - 1)]
    return case.with_lines(lines, TOLD if case.form in ("csv", "tsv") else COUNTED)


def longer_rows(case: Case) -> Case:
    """Cells beyond the header, with a text or without."""
    lines = [list(line) for line in case.lines]
    more = case.rng.choice([["", ""], [""], [SECRET], ["", SECRET]])
    for at in case.rng.sample(range(1, len(lines)), 3):
        lines[at] += more
    return case.with_lines(lines, TOLD if any(more) else SAME)


def shifted_rows(case: Case) -> Case:
    """Rows with a cell too many near their beginning."""
    lines = [list(line) for line in case.lines]
    at = case.rng.randint(1, len(lines) - 1)
    lines[at].insert(case.rng.randint(0, 2), "")
    return case.with_lines(lines, TOLD)


def header_again(case: Case) -> Case:
    """The header once more among the rows."""
    lines = list(case.lines)
    lines.insert(case.rng.randint(1, len(lines)), lines[0])
    return case.with_lines(lines, TOLD)


def swapped_columns(case: Case) -> Case:
    """Two columns that exchange their values, under their old names."""
    kinds = list(KINDS[case.table].values())
    one, other = case.rng.sample(range(len(kinds)), 2)
    lines = [list(line) for line in case.lines]
    for line in lines[1:]:
        line[one], line[other] = line[other], line[one]
    return case.with_lines(lines, COUNTED if kinds[one] == kinds[other] else TOLD)


def spoilt_header(case: Case) -> Case:
    """A name that is another, missing, doubled or a value."""
    place = case.rng.randrange(len(case.lines[0]))
    names = list(case.lines[0])
    names[place] = case.rng.choice(["", "X", names[place - 1], names[place].lower(), f"{SECRET}1"])
    return case.with_lines([names, *case.lines[1:]], TOLD)


def without_a_column(case: Case) -> Case:
    """A column that is not delivered."""
    place = case.rng.randrange(len(case.lines[0]))
    return case.with_lines([[*x[:place], *x[place + 1 :]] for x in case.lines], TOLD)


def another_table(case: Case) -> Case:
    """The file of another table."""
    return case.with_lines(case.rows[case.rng.choice(sorted(set(KINDS) - {case.table}))], TOLD)


def title_above(case: Case) -> Case:
    """A title, or a blank row, above the header."""
    above = case.rng.choice([[SECRET], [""], [SECRET, "", ""]])
    if case.form in ("parquet", "sqlite"):
        return case.with_lines(case.lines, SAME)
    return case.with_lines([above, *case.lines], TOLD)


CELLS = (
    absurd_dates, long_cells, formulas, odd_signs, unlisted_codes, emptied_cells, padded_cells,
    other_dates, american_dates, rows_again, blank_rows, rows_in_another_order, short_rows,
    longer_rows, shifted_rows, header_again, swapped_columns, spoilt_header, without_a_column,
    another_table, title_above,
)  # fmt: skip


# --- bytes --------------------------------------------------------------------------------------

#: What a mutation of bytes makes of a file: the bytes, and what can be demanded.
Broken = tuple[bytes, str]


def cut(rng: random.Random, form: str, content: bytes) -> Broken:
    """The file ends early; where a row ends there too, nobody can see it."""
    left = content[: rng.randrange(len(content))]
    seen = form in ("xlsx", "parquet") or not left.endswith((b"\n", b"\r"))
    return left, TOLD if seen and form != "sqlite" else COUNTED


def random_bytes(rng: random.Random, form: str, content: bytes) -> Broken:
    """Some bytes are others. Only a format with checksums shows what they were."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 12)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed), TOLD if form == "xlsx" else COUNTED


def more_bytes(rng: random.Random, form: str, content: bytes) -> Broken:
    """Bytes that do not belong there."""
    at = rng.randrange(len(content))
    return content[:at] + rng.randbytes(rng.randint(1, 40)) + content[at:], COUNTED


def nothing(rng: random.Random, form: str, content: bytes) -> Broken:
    """An empty file, or one of zeros."""
    return rng.choice([b"", b"\n", bytes(len(content)), b" "]), TOLD


def other_encoding(rng: random.Random, form: str, content: bytes) -> Broken:
    """Text in another encoding than the declared one."""
    text = content.decode()
    name = rng.choice(["cp1252", "utf-16", "utf-16-be", "utf-32", "cp037", "utf-8-sig"])
    same = name == "utf-8-sig" or (name == "cp1252" and text.isascii())
    return text.encode(name), SAME if same else TOLD


def other_line_ends(rng: random.Random, form: str, content: bytes) -> Broken:
    """Rows that end in another way, or each in its own."""
    ends = [b"\n", b"\r", b"\r\n"]
    parts = content.split(b"\r\n")
    one = rng.choice(ends)
    mixed = rng.random() < 0.5
    joined = b"".join(p + (rng.choice(ends) if mixed else one) for p in parts[:-1])
    return joined, SAME


def other_delimiter(rng: random.Random, form: str, content: bytes) -> Broken:
    """Another sign between cells."""
    sign = b"," if form == "csv" else b"\t"
    return content.replace(sign, rng.choice([b";", b"|", b":", b"  "])), TOLD


def stray_quote(rng: random.Random, form: str, content: bytes) -> Broken:
    """A quotation mark more, which may swallow ends of rows; within a text it is a sign of it."""
    at = rng.randrange(1, len(content))
    opens = content[at - 1 : at] in (b",", b"\t", b"\n")
    return content[:at] + b'"' + content[at:], TOLD if opens else COUNTED


def twice_over(rng: random.Random, form: str, content: bytes) -> Broken:
    """The file behind itself."""
    return content * 2, TOLD


ANY_BYTES = (cut, random_bytes, more_bytes, nothing)
TEXT_BYTES = (other_encoding, other_line_ends, other_delimiter, stray_quote, twice_over)


# --- the force file -----------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (
    None, "", 0, -1, 1e300, True, [], {}, [None], {"": ""}, "x" * 1_000, "\x85", "2016-02-30",
    "%d", "excel", "../..", "C:\\x", "\u202e", float("nan"), [["a"]], {"column": None}, "Etc/UTC",
)  # fmt: skip

SIGNS = (
    b"\t", b"\n", b":", b"'", b"[", b"{", b"%", b"&a ", b"*a", b"\0", b"\xff", b"!!", b"- ",
    b"<<: ",
)  # fmt: skip


def broken_page(rng: random.Random, form: str) -> bytes:
    """A force file with a value replaced, a key gone or misspelt, or broken as text."""
    content = page(form)
    way = rng.randrange(3)
    if way < 2:
        above, key = rng.choice(list(_places(content)))
        if way == 0 or not isinstance(key, str):
            above[key] = copy.deepcopy(rng.choice(VALUES))
        else:
            value = above.pop(key)
            if rng.random() < 0.5:
                above[rng.choice([key[1:], key + "s", key.upper(), ""])] = value
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode()
    text = bytearray(yaml.safe_dump(content, sort_keys=False).encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        text[at : at + rng.randint(0, 3)] = rng.choice(
            [
                b"\t",
                b"\n",
                b":",
                b"'",
                b"[",
                b"{",
                b"%",
                b"&a ",
                b"*a",
                b"\x00",
                b"\xff",
                b"!!",
                b"- ",
            ]
        )
    return bytes(text[: rng.randrange(len(text))] if rng.random() < 0.2 else text)


def _places(content: Any) -> Any:
    for key, value in list(content.items() if isinstance(content, dict) else enumerate(content)):
        yield content, key
        if isinstance(value, (dict, list)):
            yield from _places(value)
