"""Keep of an executed chapter what the gate let through, and nothing about who ran it where."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import nbformat
from papermill.translators import PythonTranslator

from missing_lib.force.errors import DisclosureError
from missing_lib.release.published import MIME, digest
from missing_lib.release.registry import ChapterRecords

STOP = "StopChapter"


def scrub(
    notebook: nbformat.NotebookNode,
    published: ChapterRecords,
    chapter: str,
    parameters: Mapping[str, Any],
) -> nbformat.NotebookNode:
    """A copy with gate outputs only, no runner metadata and no injected parameters.

    The values that were injected stand in the parameters cell instead of its defaults, so that
    the code shown is the code that ran. Cells after a chapter has stopped are left out.

    Parameters
    ----------
    notebook : NotebookNode
        As papermill left it.
    published : ChapterRecords
        The chapter's registry; an output that is not in it did not pass the gate.
    parameters : mapping
        What the chapter was run with, by name.

    Raises
    ------
    DisclosureError
        Names every cell with an output that did not pass, without the output.
    """
    allowed = published.digests()
    cells: list[nbformat.NotebookNode] = []
    problems: list[str] = []
    for number, cell in enumerate(notebook.cells, start=1):
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags or "papermill-error-cell-tag" in tags:
            continue
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(cell.source, id=f"cell-{number}"))
            continue
        stopped = _stopped(cell)
        kept, strange = _gate_outputs(cell, allowed)
        problems += [f"chapter {chapter}, cell {number}: {what}" for what in strange]
        source = as_run(cell.source, parameters) if "parameters" in tags else cell.source
        clean = nbformat.v4.new_code_cell(
            source, id=f"cell-{number}", outputs=kept, metadata={"tags": ["hide-input"]}
        )
        cells.append(clean)
        if stopped:
            break
    if problems:
        raise DisclosureError(
            [f"{p} did not pass the gate; show it with a method of publish" for p in problems]
        )
    return nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def as_run(source: str, parameters: Mapping[str, Any]) -> str:
    r"""A parameters cell with the values of a run in place of its defaults.

    Examples
    --------
    >>> as_run('force = "somewhere"\nseed = 1', {"force": "westmark"})
    'force = "westmark"\nseed = 1'
    """
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in parameters:
                given = f"{name} = {PythonTranslator.translate(parameters[name])}"
                lines[node.lineno - 1 : node.end_lineno] = [given]
    return "\n".join(lines)


def _stopped(cell: nbformat.NotebookNode) -> bool:
    return any(o.output_type == "error" and o.ename == STOP for o in cell.outputs)


def _gate_outputs(
    cell: nbformat.NotebookNode, allowed: set[str]
) -> tuple[list[nbformat.NotebookNode], list[str]]:
    """Outputs that passed, and a word for each that did not."""
    kept: list[nbformat.NotebookNode] = []
    strange: list[str] = []
    for output in cell.outputs:
        payload: dict[str, Any] | None = output.get("data", {}).get(MIME)
        if payload is not None and digest(payload) in allowed:
            kept.append(nbformat.v4.new_output("display_data", data={MIME: payload}))
        elif payload is not None:
            strange.append("an output that is not in the registry")
        elif output.output_type == "stream":
            strange.append(f"text on {output.name}")
        elif output.output_type == "error":
            if output.ename != STOP:
                strange.append(f"a {output.ename}")
        else:
            kinds = sorted(output.data)
            picture = any(kind.startswith("image/") for kind in kinds)
            strange.append("a bare figure" if picture else "a bare value")
    return kept, strange
