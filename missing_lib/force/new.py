"""``missing-book new``: a force file proposed from the names and shapes of an extract's columns.

No value of the extract is written: only names of columns, ways of writing dates, and the years
that the study may span.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from missing_lib.force.errors import ContractError
from missing_lib.force.json_schema import FIRST_LINE
from missing_lib.force.peek import LOOKED_AT, Peeked, Shape, peek
from missing_lib.force.propose import Mapped, Proposal, day_of, propose, recognised
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import CODE_PATTERN
from missing_lib.force.synonyms import words_of

#: Beside the folders of the forces; not a force.
TEMPLATES = "templates"
#: Share of reports below which a year is taken for a slip of the keyboard.
RARE_YEAR = 0.01


@dataclass(frozen=True)
class Made:
    """A force file that was written.

    Attributes
    ----------
    path : Path
    tables : dict of str
        Canonical table to the name of the file that fills it.
    checks : int
        Places that are marked with ``# CHECK:``.
    left : tuple of str
        Files that fill nothing.
    """

    path: Path
    tables: dict[str, str]
    checks: int
    left: tuple[str, ...]


def new_force(forces: Path, code: str, files: list[Path], name: str = "") -> Made:
    """Propose and write the force file of a new force.

    Parameters
    ----------
    forces : Path
        Folder of the forces.
    code : str
        Short name of the new force.
    files : list of Path
        Its extract; left where it is, and referred to by relative path.
    name : str
        Name of the force; made from the code if empty.

    Raises
    ------
    ContractError
        For a code that cannot be one, a force that is there already, and every file that
        cannot be read.
    """
    _check_code(forces, code)
    if not files:
        raise ContractError(["name the files of the extract: --from FILE ..."])
    folder = forces / code
    peeked = _peek_all(files)
    known = [file for file in peeked if recognised(file)]
    if not known:
        raise ContractError(
            ["no name in the first rows is known; are they headers? Otherwise begin with a file of "
             f"forces/{TEMPLATES}/"]
        )  # fmt: skip
    proposed = propose(known)
    text = _text(code, name or code.replace("-", " ").title(), folder, proposed, peeked)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "force.yml"
    with path.open("x", encoding="utf-8", newline="\n") as out:
        out.write(text)
    used = [p.file for p in proposed.values()]
    return Made(
        path=path,
        tables={table: p.file.path.name for table, p in proposed.items()},
        checks=text.count("# CHECK:"),
        left=tuple(file.path.name for file in peeked if file not in used),
    )


def _check_code(forces: Path, code: str) -> None:
    if not re.fullmatch(CODE_PATTERN, code):
        slug = "-".join(re.findall("[a-z0-9]+", code.lower()))
        near = f" (did you mean {slug!r}?)" if slug else ""
        raise ContractError(
            [f"{code!r} is no code of a force{near}: lower-case letters and digits, with hyphens "
             "between words"]
        )  # fmt: skip
    if code == TEMPLATES:
        raise ContractError([f"{TEMPLATES!r} is the folder of the mapping templates; take another"])
    if (forces / code / "force.yml").exists():
        raise ContractError(
            [f"forces/{code}/force.yml is there already and stays as it is; take another code, or "
             "move it away first"]
        )  # fmt: skip


def _peek_all(files: list[Path]) -> list[Peeked]:
    """Look at every file; all problems are said at once."""
    peeked: list[Peeked] = []
    problems: list[str] = []
    for path in dict.fromkeys(files):
        try:
            peeked.append(peek(path))
        except ContractError as problem:
            problems += problem.problems
    if problems:
        raise ContractError(problems)
    return peeked


# --- the text -----------------------------------------------------------------------------------


def _text(
    code: str, name: str, folder: Path, proposed: dict[str, Proposal], peeked: list[Peeked]
) -> str:
    start, end, sure = _years(proposed["incidents"])
    window = "whole years, by the reports" if sure else "no years could be read; say which"
    lines = [
        FIRST_LINE,
        "# Proposed by missing-book new from names and shapes of columns; no value was copied.",
        "# Look at every line marked CHECK, mend it, and take the mark away. What each key means:",
        "# the page 'How do I describe my force?' of the book. Other concepts, as far as they are",
        f"# common to systems, stand in forces/{TEMPLATES}/, unverified.",
        f"code: {code}",
        f"name: {_scalar(name)}  # CHECK: as readers know the force",
        "kind: real",
        "time_zone: Europe/London",
        "",
        f"# CHECK: {window}; the extract must cover them from the first day to the last.",
        "study:",
        f"  start: {start}-01-01",
        f"  end: {end}-12-31",
        "",
        "# Definitions, unit cost and disclosure policy have defaults. What the official figures",
        "# are compared with: local_authorities: [their official codes]",
        "",
        "sources:",
    ]
    for table in sorted(proposed, key=list(SCHEMA).index):
        lines += _source_lines(table, proposed[table], folder)
    if "ties" not in proposed:
        lines += _shared_lines(proposed, folder)
    missing = [table for table in SCHEMA if table not in proposed]
    if missing:
        lines.append(f"  # Not supplied: {', '.join(missing)}; chapters that need them say so.")
    used = [p.file for p in proposed.values()]
    for file in peeked:
        if file not in used:
            why = (
                "fills no other table" if recognised(file) else "no name in its first row is known"
            )
            lines.append(f"  # CHECK: {_quoted(file.path.name)} is not used: {why}.")
    return "\n".join(lines) + "\n"


def _source_head(table: str, proposal: Proposal, folder: Path) -> list[str]:
    """Where a source lies, and how it is read."""
    file = proposal.file
    where = os.path.relpath(file.path.resolve(), folder.resolve())
    lines = [f"  {table}:", f"    file: {_scalar(Path(where).as_posix())}"]
    if file.encoding != "utf-8-sig":
        doubt = "  # CHECK: not UTF-8, so probably this" if file.encoding == "cp1252" else ""
        lines.append(f"    encoding: {file.encoding}{doubt}")
    if file.delimiter != ",":
        sign = "tab" if file.delimiter == "\t" else _scalar(file.delimiter)
        lines.append(f"    delimiter: {sign}")
    return lines


def _source_lines(table: str, proposal: Proposal, folder: Path) -> list[str]:
    lines = _source_head(table, proposal, folder)
    if proposal.canonical:
        lines.append("    # Names and codes are canonical, so no column is mapped.")
    else:
        lines.append("    columns:")
        for name, mapped in proposal.columns.items():
            lines += _column_lines(name, mapped)
        lacking = [name for name in SCHEMA[table] if name not in proposal.columns]
        if lacking:
            lines.append(f"      # Nothing found for: {', '.join(lacking)}")
    if proposal.unused:
        names = ", ".join(_quoted(name) for name in proposal.unused)
        lines.append(f"    # Columns that are not read here: {names}")
    return lines


def _shared_lines(proposed: dict[str, Proposal], folder: Path) -> list[str]:
    """Ties that could be made from a number which several people share, as a comment."""
    for table, when in (("events", "occurred_at"), ("incidents", "reported_at")):
        if table not in proposed:
            continue
        proposal = proposed[table]
        file, person = proposal.file, proposal.columns["person_id"].names
        own = proposal.columns.get("incident_id", Mapped(())).names
        for key in (name for name in (*proposal.unused, *own) if name not in person):
            both = (key, *person)
            if "id" not in words_of(key) or not set(both) <= set(file.columns):
                continue
            if file.distinct(*both) > file.distinct(key):
                tie = "co_arrest" if table == "events" else "missing_together"
                names = proposal.columns[when].names
                dated = _column_lines("date", day_of(names, file.shapes))
                block = [
                    *_source_head("ties", proposal, folder),
                    "    shared:",
                    f"      key: {_scalar(key)}",
                    f"      person: {_scalar(person[0])}",
                    *dated,
                    f"      tie_type: {tie}",
                ]
                doubt = f"people who share {_quoted(key)} could be tied: take away # below"
                return [f"  # CHECK: {doubt}", *(f"  #{line[1:]}" for line in block)]
    return []


def _column_lines(name: str, mapped: Mapped) -> list[str]:
    """One canonical column: doubts above, the short form where it is enough."""
    lines = [f"      # CHECK: {doubt}" for doubt in mapped.doubts]
    names = [_scalar(one) for one in mapped.names]
    origin = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    if not mapped.formats and not mapped.recode:
        return [*lines, f"      {name}: {origin}"]
    key = "column" if len(names) == 1 else "columns"
    lines += [f"      {name}:", f"        {key}: {origin}"]
    if mapped.formats:
        formats = [json.dumps(one) for one in mapped.formats]
        written = formats[0] if len(formats) == 1 else f"[{', '.join(formats)}]"
        lines.append(f"        format: {written}")
    if mapped.recode:
        lines.append("        recode:")
        lines += [f"          {json.dumps(code)}: {level}" for code, level in mapped.recode]
    return lines


def _quoted(name: str) -> str:
    """A name on one line, in quotes."""
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _scalar(text: str) -> str:
    """A text as YAML reads it back, in quotes only where that is needed."""
    plain = re.fullmatch(r"[A-Za-z][\w ./-]*|\.\./[\w ./-]*", text) is not None
    if plain and not text.endswith(" ") and yaml.safe_load(text) == text:
        return text
    return _quoted(text)


def _years(incidents: Proposal) -> tuple[int, int, bool]:
    """First and last year in which reports are more than slips, and whether any was read."""
    mapped = incidents.columns["reported_at"]
    column = mapped.names[0]
    shape = incidents.file.shapes.get(column, Shape("empty"))
    count: Counter[int] = Counter()
    for value in incidents.file.columns.get(column, []):
        found = re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", value)
        if found and shape.dated:
            count[int(found[0])] += 1
    total = sum(count.values())
    years = [year for year, number in count.items() if number >= RARE_YEAR * total]
    if not years:
        return 2015, 2019, False
    return min(years), max(years), True


def said(made: Made, code: str) -> list[str]:
    """What the command prints: what was proposed, and what to do next."""
    return [
        *(f"{table:10} from {file}" for table, file in made.tables.items()),
        *(f"not used   {file}" for file in made.left),
        f"Wrote forces/{code}/{made.path.name}, with {made.checks} places marked CHECK; the first "
        f"{LOOKED_AT:,} rows of each file were looked at, and none was copied.",
        f"Other ways to map common concepts (unverified): forces/{TEMPLATES}/",
        f"Next: read the file, mend what is marked, then: missing-book check {code}",
    ]
