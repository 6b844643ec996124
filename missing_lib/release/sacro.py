"""The index of a release in the format of SACRO, whose viewer output checkers use.

The format is that of acro 1.0.2: what it requires of ``results.json`` is in its ``record.py``. The
viewer looks for the SHA-256 of ``<file>`` in ``checksums/<file>.txt``, and marks the cells named
under ``sdc`` by row and column of the CSV file, the heading and the first column not counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from missing_lib.release import sheet
from missing_lib.release.cards import FIGURE, TABLE, Card

#: The version whose format is written; its reader takes no other.
VERSION = "1.0.2"

RESULTS, CHECKSUMS = "results.json", "checksums"

#: The usual tool's own name for a kind of output, where it has one.
_TYPES = {"estimates": "regression", "survival": "survival plot"}

_PICTURE = (
    "A vector file whose coordinates are those of the published tables named in the comments; "
    "it was drawn from them alone."
)
_NUMBERS = "Every number of the book's sentences, each with its status."


def results(
    cards: Sequence[Card],
    sheets: Mapping[str, dict[str, Any]],
    numbers: Sequence[str],
    timestamp: str,
    version: str,
) -> str:
    """Text of ``results.json``.

    Parameters
    ----------
    cards : sequence of Card
        Those of numbers are left out: their files stand for them.
    sheets : mapping
        Recorded sheet of each file with a table.
    numbers : sequence of str
        Files of numbers.
    timestamp : str
        ISO date and time; empty where there is none.
    version : str
        Of this library.
    """
    outputs = [_output(card, sheets, timestamp) for card in cards if card.kind in (TABLE, FIGURE)]
    outputs += [_numbers(file, timestamp) for file in numbers]
    whole = {
        "version": VERSION,
        "tool": {"@type": "SoftwareApplication", "name": "missing-lib", "version": version},
        "results": {output["uid"]: output for output in outputs},
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _output(card: Card, sheets: Mapping[str, dict[str, Any]], timestamp: str) -> dict[str, Any]:
    picture = card.kind == FIGURE
    own = card.files[:1]
    hidden = [] if picture else _marked(sheets[own[0]])
    count = len(hidden)
    status = "review" if picture else "pass"
    said = "to be looked at" if picture else f"{count} values not shown" if count else "all shown"
    return {
        "uid": f"{card.edition}-{card.chapter}-{card.kind}-{card.name}",
        "status": status,
        "type": "custom" if picture else _TYPES.get(card.rule, "table"),
        "properties": {"method": card.rule or card.kind, "title": card.title},
        "files": [{"name": f, "sdc": _sdc(hidden)} for f in own],
        "outcome": {} if picture else _outcome(sheets[own[0]]),
        "command": f"missing-book release: {card.kind} {card.name} of chapter {card.chapter}",
        "summary": f"{status}; {said}",
        "timestamp": timestamp,
        "comments": [
            card.what,
            f"Rests on: {card.rests_on}.",
            *card.rules,
            f"Hidden: {card.hidden}",
            *(f"Table: {file}" for file in card.files[1:]),
        ],
        "exception": _PICTURE if picture else "",
        "fair": {},
    }


def _numbers(file: str, timestamp: str) -> dict[str, Any]:
    return {
        "uid": file.replace("/", "-").removesuffix(".csv"),
        "status": "pass",
        "type": "table",
        "properties": {"method": "numbers", "title": "Numbers"},
        "files": [{"name": file, "sdc": _sdc([])}],
        "outcome": {},
        "command": "missing-book release: numbers of all chapters",
        "summary": "pass; numbers of sentences",
        "timestamp": timestamp,
        "comments": [_NUMBERS, "The rule of each stands in its card."],
        "exception": "",
        "fair": {},
    }


def _marked(made: dict[str, Any]) -> list[tuple[int, int]]:
    """Hidden cells as the viewer counts them: from the second column of the CSV on."""
    return [(row, sheet.csv_column(made, column) - 1) for row, column in sheet.hidden_cells(made)]


def _sdc(hidden: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Which cells are hidden, for the viewer to mark."""
    return {
        "summary": {"suppressed": bool(hidden), "threshold": len(hidden)},
        "cells": {"threshold": [list(cell) for cell in hidden]},
    }


def _outcome(made: dict[str, Any]) -> dict[str, dict[str, int]]:
    """How many values of each column have which status."""
    return {
        name: dict(sorted(Counter(row[c] for row in made["statuses"]).items()))
        for c, name in enumerate(made["columns"])
        if any(row[c] for row in made["statuses"])
    }


def checksum_of(file: str) -> str:
    """Where the checksum of a file stands."""
    return f"{CHECKSUMS}/{file}.txt"
