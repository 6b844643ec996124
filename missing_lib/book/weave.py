"""Turn a scrubbed notebook into a page: sentences filled, figures and tables numbered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import nbformat

from missing_lib.force.errors import ContractError
from missing_lib.release.published import HIDDEN_SHARE, MIME, NOT_AVAILABLE
from missing_lib.release.registry import PLACEHOLDER, ChapterRecords

#: Tables with more rows are folded.
LONGEST_OPEN_TABLE = 16

#: Said in the box of a finding, so that its colour is not the only sign.
VERDICT_WORDS = {"holds": "holds here", "differs": "does not hold here"}


@dataclass(frozen=True)
class Place:
    """A code cell that other pages refer to.

    Attributes
    ----------
    labels : tuple of str
        Under which they do.
    way : str
        Label of the part of the reviewers' pages that goes from it to the formula; may be empty.
    """

    labels: tuple[str, ...]
    way: str


def weave(
    notebook: nbformat.NotebookNode,
    records: ChapterRecords,
    pictures: Path,
    banner: str,
    colophon: str,
    places: Mapping[int, Place] | None = None,
) -> nbformat.NotebookNode:
    """The notebook as jupyter-book shall read it.

    Parameters
    ----------
    notebook : NotebookNode
        Scrubbed: outputs are gate payloads.
    records : ChapterRecords
        What the chapter published; its numbers fill the placeholders of the text.
    pictures : Path
        Folder beside the pages for the figures' files.
    banner, colophon : str
        MyST text under the title and at the end.
    places : mapping, optional
        By number of the code cell, from 0: what other pages say of it; None where the book has
        no such pages, and no finding links to its code.

    Raises
    ------
    ContractError
        If the text names a number that the chapter did not publish.
    """
    chapter = records.chapter
    shown = [o["data"][MIME] for c in notebook.cells for o in c.get("outputs", [])]
    drawn = [name for payload in shown for name in payload.get("tables", [])]
    tables = {payload["name"]: payload for payload in shown if payload["kind"] == "table"}
    fill = _filler(records, stopped=any(p["kind"] == "stop" for p in shown))
    page = _Page(chapter, pictures, tables, set(drawn), fill, places is not None)
    cells: list[nbformat.NotebookNode] = []
    named = iter((places or {}).get(number) for number in count())
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cells.append(_markdown(fill(cell.source), cell.id))
            continue
        outputs = cell.outputs
        _add_code(cells, cell, next(named))
        texts = [page.text_of(output["data"][MIME]) for output in outputs]
        body = "\n\n".join(text for text in texts if text)
        if body:
            cells.append(_markdown(body, f"{cell.id}-shown"))
    _under_title(cells, banner)
    cells.append(_markdown(colophon, "colophon"))
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"language_info": {"name": "python", "pygments_lexer": "python"}}
    )


class _Page:
    """Writes the outputs of one chapter, each table once."""

    def __init__(
        self,
        chapter: str,
        pictures: Path,
        tables: dict[str, Any],
        drawn: set[str],
        fill: Callable[[str], str],
        leads: bool,
    ) -> None:
        self._chapter = chapter
        self._pictures = pictures
        self._tables = tables
        self._drawn = drawn
        self._fill = fill
        self._leads = leads
        self._written: set[str] = set()

    def text_of(self, payload: dict[str, Any]) -> str:
        """MyST text of one output; a table that a figure draws waits for its figure."""
        if payload["kind"] == "table":
            return "" if payload["name"] in self._drawn else self._table(payload, fold=False)
        if payload["kind"] == "figure":
            return self._figure(payload)
        if payload["kind"] == "answers":
            return "\n\n".join(_answer(answer, self._leads) for answer in payload["answers"])
        if payload["kind"] == "stop":
            return f"```{{admonition}} Not in this edition\n{payload['text']}\n```"
        if payload["kind"] == "example":
            return f"````{payload['language']}\n{payload['text'].rstrip()}\n````"
        return escaped(payload["text"])

    def _figure(self, payload: dict[str, Any]) -> str:
        file = f"{self._chapter}-{payload['name']}.svg"
        self._pictures.mkdir(parents=True, exist_ok=True)
        (self._pictures / file).write_text(payload["svg"], encoding="utf-8", newline="\n")
        figure = "\n".join(
            [
                f"```{{figure}} /{self._pictures.name}/{file}",
                f":name: fig-{self._chapter}-{payload['name']}".replace("_", "-"),
                f":alt: {_unescaped(_line(self._fill(payload['alt'])))}",
                "",
                _line(self._fill(payload["caption"])),
                "```",
            ]
        )
        waiting = [n for n in payload["tables"] if n in self._tables and n not in self._written]
        folded = [self._table(self._tables[name], fold=True) for name in waiting]
        return "\n\n".join([figure, *folded])

    def _table(self, payload: dict[str, Any], fold: bool) -> str:
        self._written.add(payload["name"])
        marks = ["--:" if numeric else ":--" for numeric in payload["numeric"]]
        header = [self._fill(h) for h in payload["header"]]
        lines = [_row(header, escape=False), _row(marks, escape=False)]
        lines += [_row(row) for row in payload["rows"]]
        title = _line(self._fill(payload["title"]))
        table = "\n".join(
            [
                f"```{{table}} {title}",
                f":name: tab-{self._chapter}-{payload['name']}".replace("_", "-"),
                "",
                *lines,
                "```",
            ]
        )
        notes = self._fill(" ".join(payload["notes"]))
        text = f"{table}\n\n{{.table-note}}\n{notes}" if notes else table
        if not fold and len(payload["rows"]) <= LONGEST_OPEN_TABLE:
            return text
        what = "The numbers behind the figure" if fold else "The table"
        return f"````{{dropdown}} {what}: {title}\n{text}\n````"


def _answer(answer: dict[str, str], leads: bool) -> str:
    """One finding: what the study found, what this edition finds, and the way there."""
    figure = f"**{escaped(answer['figure'])}**" if answer["figure"] else "no figure"
    word = VERDICT_WORDS.get(answer["verdict"])
    verdict = f" [{word}]{{.finding-verdict}}" if word else ""
    rounded = f", {answer['rounded']}" if answer["rounded"] else ""
    way = f" [How we know]({answer['page']})" if answer["page"] else ""
    way += f" [Code and tests](#trail-{answer['id'].lower()})" if leads else ""
    return "\n".join(
        [
            f":::::{{div}} finding {answer['verdict']}",
            f"[{answer['id']}]{{.finding-id}} **{escaped(answer['claim'])}**{verdict}",
            "",
            "::::{div} finding-figures",
            f"[The study]{{.finding-label}} {escaped(answer['published'])}",
            "",
            f"[This edition{rounded}]{{.finding-label}} {figure}",
            "::::",
            "",
            f"{escaped(answer['sentence'])}{way}",
            ":::::",
        ]
    )


def _filler(records: ChapterRecords, stopped: bool) -> Callable[[str], str]:
    """Puts published numbers in place of placeholders.

    A line whose number is not shown is left out, and so is, where the chapter has stopped, a line
    about a number that it did not get to: a line of text is a sentence.
    """
    known = records.texts()
    unshown = {n for n, text in known.items() if text in (HIDDEN_SHARE, NOT_AVAILABLE)}
    unshown -= {name for name in unshown if name.endswith(".interval")}

    def fill(text: str) -> str:
        lines = text.split("\n")
        kept = [ln for ln in lines if not unshown & set(PLACEHOLDER.findall(ln))]
        if stopped:
            kept = [ln for ln in kept if set(PLACEHOLDER.findall(ln)) <= set(known)]
        unknown = sorted(set(PLACEHOLDER.findall("\n".join(kept))) - set(known))
        if unknown:
            raise ContractError(
                [f"chapter {records.chapter}: {{{{ {n} }}}} was not published" for n in unknown]
            )
        return PLACEHOLDER.sub(lambda match: escaped(known[match[1]]), "\n".join(kept))

    return fill


def _markdown(text: str, name: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(text, id=name)


def _add_code(
    cells: list[nbformat.NotebookNode], cell: nbformat.NotebookNode, place: Place | None
) -> None:
    """Add code, folded; code that follows code goes into the same fold."""
    follows = bool(cells) and cells[-1].cell_type == "code"
    fold = cells.pop() if follows else None
    if place:
        labels = "\n".join(f"({label})=" for label in place.labels)
        link = f"[To the formula](#{place.way})\n" if place.way else ""
        cells.append(_markdown(f"{labels}\n:::{{div}} way\n{link}:::", f"{cell.id}-place"))
    if fold is not None:
        fold.source += f"\n\n{cell.source}"
        cells.append(fold)
        return
    tags = {"tags": ["hide-input"]}
    cells.append(nbformat.v4.new_code_cell(cell.source, id=cell.id, metadata=tags))


def _under_title(cells: list[nbformat.NotebookNode], banner: str) -> None:
    if not banner:
        return
    for cell in cells:
        if cell.cell_type == "markdown":
            title, _, rest = cell.source.partition("\n")
            cell.source = f"{title}\n\n{banner}\n{rest}"
            return


def _row(values: list[str], escape: bool = True) -> str:
    return "| " + " | ".join(escaped(v) if escape else v for v in values) + " |"


def escaped(text: str) -> str:
    """Text in which no character has a meaning in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|$#~])", r"\\\1", text)


def _unescaped(text: str) -> str:
    """Text for an attribute, where a backslash would be seen."""
    return re.sub(r"\\([\\`*_{}\[\]<>|$#~])", r"\1", text)


def _line(text: str) -> str:
    """Text on one line that begins with a capital, whatever a placeholder put there."""
    line = " ".join(text.split())
    return line[:1].upper() + line[1:]
