"""The files of a release, from what the editions published; no file system is touched here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from missing_lib.release import sacro, sheet
from missing_lib.release.cards import FIGURE, NUMBER, TABLE, Card, Place, as_html, cards_of
from missing_lib.release.policy import Policy
from missing_lib.release.registry import ChapterRecords

#: Version of the manifest's own format.
FORMAT = 1

MANIFEST, README = "manifest.json", "README.txt"


@dataclass(frozen=True)
class Outputs:
    """What one edition published.

    Attributes
    ----------
    name : str
        Folder of the edition within the release: its population.
    title : str
        For readers.
    chapters : tuple of ChapterRecords
        In reading order.
    pictures : mapping
        SVG of each figure, by chapter and name.
    """

    name: str
    title: str
    chapters: tuple[ChapterRecords, ...]
    pictures: Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Origin:
    """What a release was made from, for its manifest.

    Attributes
    ----------
    force, kind : str
    version, code_state : str
        Of the library.
    packages : str
        Versions of the packages that compute.
    study, definitions : dict
        Of the force file; empty for official statistics.
    timestamp : str
        End of the study, which stands for the time of each output; empty if there is none.
    """

    force: str
    kind: str
    version: str
    code_state: str
    packages: str
    study: Mapping[str, str]
    definitions: Mapping[str, Any]
    timestamp: str


def files_of(editions: Sequence[Outputs], policy: Policy, origin: Origin) -> dict[str, str]:
    """Text of every file of a release but its books and its manifest, by relative name.

    Raises
    ------
    ValueError
        If two outputs would get the same file.
    """
    files: dict[str, str] = {}
    cards: list[Card] = []
    sheets: dict[str, dict[str, Any]] = {}
    for edition in editions:
        mine, made = _edition_files(edition, policy, sheets)
        cards += made
        files |= mine
    numbers = [f"{edition.name}/numbers.csv" for edition in editions]
    index = sacro.results(cards, sheets, numbers, origin.timestamp, origin.version)
    files |= {
        sacro.checksum_of(file): hashlib.sha256(files[file].encode()).hexdigest()
        for file in sorted({c.files[0] for c in cards} | set(numbers))
    }
    files[sacro.RESULTS] = index
    files[README] = readme(editions, policy, origin)
    return files


def place_in(edition: str, chapter: str) -> Place:
    """Where each output of a chapter is written.

    Examples
    --------
    >>> place_in("children", "repeats")("table", "curves")
    'children/tables/repeats-curves.csv'
    """

    def place(kind: str, name: str) -> str:
        if kind == NUMBER:
            return f"{edition}/numbers.csv"
        folder, ending = {TABLE: ("tables", "csv"), FIGURE: ("figures", "svg")}[kind]
        return f"{edition}/{folder}/{_file_name(chapter)}-{_file_name(name)}.{ending}"

    return place


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)


def _edition_files(
    edition: Outputs, policy: Policy, sheets: dict[str, dict[str, Any]]
) -> tuple[dict[str, str], list[Card]]:
    """Files and cards of one edition; the sheets of its tables are added to ``sheets``."""
    files: dict[str, str] = {}
    cards: list[Card] = []
    for records in edition.chapters:
        place = place_in(edition.name, records.chapter)
        cards += cards_of(edition.name, records, policy, place)
        for record in records.of_kind(TABLE, FIGURE):
            name = place(record["kind"], record["name"])
            if name in files:
                raise ValueError(f"two outputs would be written to {name}")
            if record["kind"] == TABLE:
                sheets[name] = record["sheet"]
                files[name] = sheet.csv_of(record["sheet"])
            else:
                files[name] = edition.pictures[records.chapter, record["name"]]
    files[f"{edition.name}/numbers.csv"] = numbers_csv(edition.chapters)
    said = {r.chapter: sentences(r) for r in edition.chapters if sentences(r)}
    files[f"{edition.name}/cards/cards.html"] = as_html(f"Outputs: {edition.title}", cards, said)
    files[f"{edition.name}/cards/cards.json"] = _json([asdict(card) for card in cards])
    return files, cards


def numbers_csv(chapters: Iterable[ChapterRecords]) -> str:
    """Every published number of every chapter."""
    header = ["chapter", "name", "what", "unit", "value", "status", "text", "low", "high"]
    lines = []
    for records in chapters:
        for number in records.of_kind(NUMBER):
            low, high = number["interval"] or (None, None)
            lines.append(
                [
                    records.chapter,
                    number["name"],
                    records.filled(number["what"]),
                    number["unit"],
                    sheet.number_text(number["value"]),
                    number["status"],
                    number["text"],
                    sheet.number_text(low),
                    sheet.number_text(high),
                ]
            )
    return sheet.written(header, lines)


def sentences(records: ChapterRecords) -> tuple[str, ...]:
    """Sentences of a chapter that hold published numbers, findings included."""
    said = [r["text"] for r in records.of_kind("text", "stop")]
    said += [f"{r['name']}: {r['sentence']}" for r in records.of_kind("finding")]
    return tuple(records.filled(text) for text in said)


def manifest(
    files: Mapping[str, bytes], editions: Sequence[Outputs], policy: Policy, origin: Origin
) -> str:
    """What a release is, what it was made from, and the checksum of each of its files.

    Parameters
    ----------
    files : mapping
        Content of every other file of the release, by relative name.
    """
    return _json(
        {
            "format": FORMAT,
            "force": origin.force,
            "kind": origin.kind,
            "editions": [edition.name for edition in editions],
            "study": dict(origin.study),
            "definitions": dict(origin.definitions),
            "policy": asdict(policy),
            "missing-lib": origin.version,
            "code state": origin.code_state,
            "packages": origin.packages,
            "files": [
                {
                    "name": name,
                    "bytes": len(files[name]),
                    "sha256": hashlib.sha256(files[name]).hexdigest(),
                }
                for name in sorted(files)
            ],
        }
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def readme(editions: Sequence[Outputs], policy: Policy, origin: Origin) -> str:
    """What a checker finds where, in plain words."""
    listed = "\n".join(f"  {edition.name}/  {edition.title}" for edition in editions)
    own = "" if origin.kind == "official" else _OWN.format(**asdict(policy))
    return _README.format(listed=listed, data=_DATA[origin.kind], sacro=sacro.VERSION) + own


_DATA = {
    "synthetic": "The people in the data are made up: nobody here exists.",
    "real": "The data are records of the force. They are not in this folder.",
    "official": "The data are official statistics, which are public already.",
}

_README = """FOR THE PERSON WHO CHECKS THESE OUTPUTS

This folder is complete: what is not in it is not asked to leave.
{data}

Editions in it:
{listed}

In the folder of an edition

  cards/cards.html   Begin here. One card for each output: what it is, how many it
                     rests on, which rules were applied, what is hidden.
  tables/            Every table, as CSV.
  figures/           Every figure, as SVG. Its card names the tables it was drawn
                     from; it was drawn from those and nothing else.
  numbers.csv        Every number that stands in a sentence.
  html/index.html    The book. It shows these tables, figures and numbers, text
                     that is the same for every force, and sentences made of
                     these numbers; the cards list those sentences.

Beside them

  results.json       The same outputs for the SACRO viewer (format of acro {sacro}):
                     open this folder in it. Hidden values are marked.
  checksums/         What the viewer compares each file with.
  manifest.json      What the release was made from, and the SHA-256 of each file.

How to read a CSV

  Beside each column of values stands a column "... status":
    shown             the value, rounded
    hidden            a rule hides it; how large it is cannot be told
    fewer than N      it is below N, nought included
    zero              nought by definition, not by count
    not applicable    there is no such value
  The value is empty where nothing is shown. In tables of official statistics the
  status can also be the word that the source gives, such as "withheld".
"""

_OWN = """
What holds for everything that comes from the records of the force

  No count of people below {threshold} is shown, and none of incidents of fewer than
  {threshold} people or that one or two people dominate. What is shown is rounded to
  the nearest {rounding}. Totals are rounded by themselves, so they may not add up.
  Exact counts stand in no file of this folder. Official statistics beside them are
  public and as published.
"""
