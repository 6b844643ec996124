"""The text of a proposed force file: YAML, with comments where the analyst should look."""

from __future__ import annotations

import json
import os
import re
import textwrap
from itertools import groupby
from pathlib import Path

import yaml

from missing_lib.force.json_schema import FIRST_LINE
from missing_lib.force.proposal.clocks import NO_COLUMN
from missing_lib.force.proposal.mapped import Mapped
from missing_lib.force.proposal.peek import Peeked
from missing_lib.force.proposal.propose import Proposal, day_of
from missing_lib.force.proposal.synonyms import words_of
from missing_lib.force.proposal.unread import unread, why_unused
from missing_lib.force.proposal.when import Window
from missing_lib.force.schema import SCHEMA

#: Beside the folders of the forces; not a force.
TEMPLATES = "templates"
#: Signs in a line, and what a place to look at begins with.
_WIDTH, MARK = 96, "# CHECK: "
#: Written where no report could be read.
_SOME_YEARS = ("2015-01-01", "2019-12-31")


def force_text(
    code: str,
    name: str,
    folder: Path,
    proposed: dict[str, Proposal],
    peeked: list[Peeked],
    study: Window | None,
) -> str:
    """The whole force file.

    Parameters
    ----------
    code, name : str
    folder : Path
        Where it will lie; files are named as seen from there.
    proposed : dict of Proposal
    peeked : list of Peeked
        All files, those that fill nothing too.
    study : Window or None
        Months with reports, if any could be read.
    """
    lines = [
        FIRST_LINE,
        "# Proposed by missing-book new from names and shapes of columns; no value was copied.",
        "# Look at every line marked CHECK, mend it, and take the mark away. What each key means:",
        "# the page 'How do I describe my force?' of the book. Other concepts, as far as they are",
        f"# common to systems, stand in forces/{TEMPLATES}/, unverified.",
        f"code: {code}",
        f"name: {_scalar(name)}  # CHECK: as readers know the force",
        "kind: real",
        "time_zone: Europe/London  # CHECK: that of the extract's clocks",
        "",
        *_study_lines(study),
        "",
        "# Definitions, unit cost and disclosure policy have defaults. What the official figures",
        "# are compared with: local_authorities: [their official codes]",
        "",
        "sources:",
    ]
    for table in sorted(proposed, key=list(SCHEMA).index):
        lines += _source_lines(table, proposed, folder)
    if "ties" not in proposed:
        lines += _shared_lines(proposed, folder)
    missing = [table for table in SCHEMA if table not in proposed]
    if missing:
        lines.append(f"  # Not supplied: {', '.join(missing)}; chapters that need them say so.")
    for file in unused_files(proposed, peeked):
        why = why_unused(file, proposed)
        lines += _check(f"{_quoted(file.title)} is not used: {why}", "  ")
    return "\n".join(lines) + "\n"


def _study_lines(study: Window | None) -> list[str]:
    start, end = _SOME_YEARS
    why = "no date of a report could be read; say which days"
    if study is not None:
        start, end = f"{study.start:%Y-%m-%d}", f"{study.end:%Y-%m-%d}"
        why = "whole months with reports; the extract must cover them from first day to last"
        if study.quiet:
            why += ". Reports before and after, in months with few of them, are not counted"
    return [*_check(why, ""), "study:", f"  start: {start}", f"  end: {end}"]


def _source_head(table: str, file: Peeked, folder: Path) -> list[str]:
    """Where a source lies, how it is read, and what is joined to it."""
    lines = [f"  {table}:", *(f"    {line}" for line in _origin_lines(file, folder))]
    if file.joining is not None:
        what = "each row is taken for a missing person: are others in it, such as who reported?"
        lines += [*_check(f"joined, as no file has both; {what}", "    "), "    join:"]
        lines += [f"      {line}" for line in _origin_lines(file.joining.incidents, folder)]
        on = ", ".join(f"{_quoted(a)}: {_quoted(b)}" for a, b in file.joining.on.items())
        brought = ", ".join(_scalar(name) for name in file.joining.brought)
        lines += [f"      on: {{{on}}}", f"      columns: [{brought}]"]
    return lines


def _origin_lines(file: Peeked, folder: Path) -> list[str]:
    origin = file.origin
    where = [_scalar(_seen_from(folder, path)) for path in file.paths]
    lines = [f"file: {where[0]}" if len(where) == 1 else f"file: [{', '.join(where)}]"]
    if origin.sheet is not None:
        lines.append(f"sheet: {_scalar(origin.sheet)}")
    if origin.header_row > 1:
        lines.append(f"header_row: {origin.header_row}  # CHECK: the row with the names")
    if origin.encoding != "utf-8-sig":
        doubt = "  # CHECK: not UTF-8, so probably this" if origin.encoding == "cp1252" else ""
        lines.append(f"encoding: {origin.encoding}{doubt}")
    if origin.delimiter != ",":
        sign = "tab" if origin.delimiter == "\t" else _scalar(origin.delimiter)
        lines.append(f"delimiter: {sign}")
    return lines


def _seen_from(folder: Path, path: Path) -> str:
    """A path relative to the folder, or whole where there is no way (another drive)."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _source_lines(table: str, proposed: dict[str, Proposal], folder: Path) -> list[str]:
    proposal = proposed[table]
    lines = _source_head(table, proposal.file, folder)
    lines += [line for aside in proposal.asides for line in _check(aside, "    ")]
    if proposal.canonical:
        lines.append("    # Names and codes are canonical, so no column is mapped.")
    else:
        lines.append("    columns:")
        for name, mapped in proposal.columns.items():
            lines += _column_lines(name, mapped)
        lacking = [name for name in SCHEMA[table] if name not in proposal.columns]
        if lacking:
            lines.append(f"      # Nothing found for: {', '.join(lacking)}")
    if table == "persons" and "birth_date" not in proposal.columns:
        what = "without birth dates nobody counts as a child or an adult; build the edition all"
        aged = any("age" in words_of(name) for name in proposal.file.shapes)
        cure = ". An age cannot stand for it: export the date or the year of birth" if aged else ""
        lines += _check(what + cure, "    ")
    left = unread(table, proposed)
    lines += [line for check in left.checks for line in _check(check, "    ")]
    if left.rest:
        names = ", ".join(_quoted(name) for name in left.rest)
        lines.append(f"    # Columns that are not read here: {names}")
    if proposal.file.twice:
        names = ", ".join(_quoted(name) for name in proposal.file.twice)
        lines += _check(f"several columns have one name and are not read: {names}", "    ")
    return lines


def _shared_lines(proposed: dict[str, Proposal], folder: Path) -> list[str]:
    """Ties that could be made from a number which several people share, as a comment."""
    for table, when in (("events", "occurred_at"), ("incidents", "reported_at")):
        if table not in proposed:
            continue
        proposal = proposed[table]
        file, person = proposal.file, proposal.columns["person_id"].names
        own = proposal.columns.get("incident_id", Mapped(())).names
        for key in (name for name in (*own, *proposal.unused) if name not in person):
            both = (key, *person)
            if "id" not in words_of(key) or not set(both) <= set(file.columns):
                continue
            if file.distinct(*both) > file.distinct(key):
                tie = "co_arrest" if table == "events" else "missing_together"
                names = proposal.columns[when].names
                dated = _column_lines("date", day_of(names, file.shapes))
                block = [
                    *_source_head("ties", file, folder),
                    "    shared:",
                    f"      key: {_scalar(key)}",
                    f"      person: {_scalar(person[0])}",
                    *dated,
                    f"      tie_type: {tie}",
                ]
                doubt = f"people who share {_quoted(key)} could be tied: take away # below"
                return [*_check(doubt, "  "), *(f"  #{line[1:]}" for line in block)]
    return []


def _column_lines(name: str, mapped: Mapped) -> list[str]:
    """One canonical column: doubts above, the short form where it is enough."""
    lines = [line for doubt in mapped.doubts for line in _check(doubt, "      ")]
    names = [_scalar(one) for one in mapped.names]
    origin = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    if not (mapped.formats or mapped.recode or mapped.zone):
        return [*lines, f"      {name}: {origin}"]
    key = "column" if len(names) == 1 else "columns"
    lines += [f"      {name}:", f"        {key}: {origin}"]
    if mapped.formats:
        formats = [json.dumps(one) for one in mapped.formats]
        written = formats[0] if len(formats) == 1 else f"[{', '.join(formats)}]"
        lines.append(f"        format: {written}")
    if mapped.zone:
        lines.append(f"        zone: {mapped.zone}")
    if mapped.recode:
        lines += _recode_lines(mapped)
    if mapped.rest_missing:
        lines.append("        otherwise_missing: true")
    if mapped.rest:
        lines.append(f"        otherwise: {mapped.rest}")
    return lines


def _recode_lines(mapped: Mapped) -> list[str]:
    """Codes by what they become, each meaning on lines of its own."""
    lines = []
    for meaning, group in groupby(mapped.recode, key=lambda pair: pair[1]):
        pairs = [f"{json.dumps(code)}: {_meaning(meaning)}," for code, _ in group]
        line = "         "
        for pair in pairs:
            if len(line) + len(pair) >= _WIDTH:
                lines.append(line)
                line = "         "
            line += f" {pair}"
        lines.append(line)
    return ["        recode: {", *lines, "        }"]


def _check(what: str, indent: str) -> list[str]:
    """A place to look at, as a comment that is cut into lines."""
    lines = textwrap.wrap(what, _WIDTH - len(indent) - len(MARK), break_long_words=False,
                          break_on_hyphens=False)  # fmt: skip
    return [f"{indent}{MARK}{lines[0]}", *(f"{indent}#   {line}" for line in lines[1:])]


def _meaning(meaning: str | bool | None) -> str:
    return meaning if isinstance(meaning, str) else json.dumps(meaning)


def _quoted(name: str) -> str:
    """A name on one line, in quotes."""
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _scalar(text: str) -> str:
    """A text as YAML reads it back, in quotes only where that is needed."""
    plain = re.fullmatch(r"[A-Za-z][\w ./-]*|\.\./[\w ./-]*", text) is not None
    if plain and not text.endswith(" ") and yaml.safe_load(text) == text:
        return text
    return _quoted(text)


def unused_files(proposed: dict[str, Proposal], peeked: list[Peeked]) -> list[Peeked]:
    """Files that fill nothing."""
    used = [part for proposal in proposed.values() for part in proposal.file.parts]
    return [file for file in peeked if file not in used]


def not_found(proposed: dict[str, Proposal]) -> list[str]:
    """Canonical columns for which the analyst must name a column before anything works."""
    return [
        f"{table}.{name}"
        for table, proposal in proposed.items()
        for name, mapped in proposal.columns.items()
        if mapped.names == (NO_COLUMN,)
    ]
