"""The registry: everything that was published, with its definition, one line each.

A chapter appends to its own file; the findings page and later checks read nothing else. What
each count is a count of stays apart, in the force's restricted folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from missing_lib.release.counted import Counted, save
from missing_lib.release.published import HIDDEN_SHARE, NOT_AVAILABLE

#: Stands in a text for a published number or a definition.
PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


class Registry:
    """Appends records of one chapter, to a file where there is one.

    Parameters
    ----------
    path : Path or None
        Line-per-record JSON file, started anew; None keeps records in memory only.
    members : Path or None
        File for the counts with their members, in the force's restricted folder.
    chapter : str
        Short name, which the counts carry.
    """

    def __init__(self, path: Path | None, members: Path | None = None, chapter: str = "") -> None:
        self.records: list[dict[str, Any]] = []
        self.counted: list[Counted] = []
        self.chapter = chapter
        self._path = path
        self._members = members
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("", encoding="utf-8")

    def add(self, record: dict[str, Any]) -> None:
        """Append a record; its ``name`` is unique among its kind in the chapter."""
        key = (record["kind"], record["name"])
        if any((r["kind"], r["name"]) == key for r in self.records):
            raise ValueError(f"{record['kind']} {record['name']!r} is published twice")
        self.records.append(record)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")

    def keep(self) -> None:
        """Write the counts with their members, where there is a file for them."""
        if self._members is not None:
            save(self._members, self.counted)


@dataclass(frozen=True)
class ChapterRecords:
    """What one chapter published.

    Attributes
    ----------
    chapter : str
    records : tuple of dict
        In the order of publication.
    """

    chapter: str
    records: tuple[dict[str, Any], ...]

    def of_kind(self, *kinds: str) -> list[dict[str, Any]]:
        """Records of some kinds, in order."""
        return [r for r in self.records if r["kind"] in kinds]

    def texts(self) -> dict[str, str]:
        """What each placeholder of the chapter's text stands for."""
        found = {}
        for record in self.of_kind("constant", "number"):
            found[record["name"]] = record["text"]
            if record["kind"] == "number":
                nothing = HIDDEN_SHARE if record["hidden"] else NOT_AVAILABLE
                found[f"{record['name']}.interval"] = record["interval_text"] or nothing
        return found

    def filled(self, text: str) -> str:
        """A title or caption with what its placeholders stand for, "not shown" included."""
        known = self.texts()
        return PLACEHOLDER.sub(lambda match: known.get(match[1], match[0]), text)

    def digests(self) -> set[str]:
        """Fingerprints of everything that the chapter may show."""
        return {r["digest"] for r in self.records if "digest" in r}


def read(folder: Path, chapters: Iterable[str]) -> dict[str, ChapterRecords]:
    """Registries of the chapters that ran, by chapter.

    Parameters
    ----------
    folder : Path
        Holds ``<chapter>.jsonl``.
    chapters : iterable of str
        Chapters to look for; one that did not run is left out.
    """
    found = {}
    for chapter in chapters:
        path = folder / f"{chapter}.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            found[chapter] = ChapterRecords(chapter, tuple(json.loads(line) for line in lines))
    return found
