"""Run one chapter of a force in this process, cell by cell, and look at what its gate let out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import pytest
import yaml

from missing_lib.book import chapter as chapters
from missing_lib.book.layout import (
    FORCES_VARIABLE,
    MEMBERS_VARIABLE,
    REGISTRY_VARIABLE,
    ROOT_VARIABLE,
)
from missing_lib.force import store
from missing_lib.force.intake import take_in
from missing_lib.force.spec import find_force
from missing_lib.force.tables import Tables
from missing_lib.release.publish import Gate
from missing_lib.release.published import Shown
from missing_lib.release.registry import ChapterRecords
from tests.conftest import ROOT
from tests.made_cohorts import END, START


def gate_of(source: Path, force: str, population: str = "children") -> Gate:
    """The gate of a chapter after all its cells have run, or after it stopped with a reason."""
    space: dict[str, Any] = {"__name__": source.stem}
    opened: list[Gate] = []
    for cell in jupytext.read(source).cells:
        if cell.cell_type == "code":
            try:
                exec(compile(cell.source, source.name, "exec"), space)
            except chapters.StopChapter:
                break
            finally:
                opened += [space["publish"]] if "publish" in space else []
        if "parameters" in cell.metadata.get("tags", []):
            space |= {"force": force, "population": population}
    chapters.close_chapters()
    gate = opened[-1] if opened else space["chapter"].publish
    assert isinstance(gate, Gate)
    return gate


def published_of(
    source: Path,
    tables: Tables,
    forces: Path,
    patch: pytest.MonkeyPatch,
    population: str = "children",
    drawn: bool = False,
) -> ChapterRecords:
    """What a chapter publishes of a force made of these tables.

    Parameters
    ----------
    source : Path
        The chapter.
    tables : Tables
    forces : Path
        Folder of the force files.
    patch : MonkeyPatch
    population : str
    drawn : bool
        Draw the figures too, which changes nothing and takes most of the time.
    """
    if not drawn:
        patch.setattr(Gate, "figure", lambda _self, name, *_, **__: Shown(name, {"kind": "none"}))
    supply(tables, forces)
    patch.setenv(ROOT_VARIABLE, str(ROOT))
    patch.setenv(FORCES_VARIABLE, str(forces))
    for name in (REGISTRY_VARIABLE, MEMBERS_VARIABLE):
        patch.delenv(name, raising=False)
    gate = gate_of(source, "small", population)
    return ChapterRecords(source.stem, tuple(gate.registry.records))


def texts(records: ChapterRecords) -> str:
    """All sentences, and why the chapter stopped if it did."""
    return " ".join(r["text"] for r in records.of_kind("text", "stop"))


def numbers_of(records: ChapterRecords) -> dict[str, str]:
    """Numbers as printed, by name."""
    return {r["name"]: r["text"] for r in records.of_kind("number")}


def supply(tables: Tables, forces: Path, code: str = "small") -> None:
    """Deliver canonical tables as the extract of a made-up force, and take them in.

    Parameters
    ----------
    tables : Tables
        An empty table is not delivered.
    forces : Path
        Folder of the force files.
    """
    home = forces / code
    home.mkdir(parents=True)
    sources = {}
    for table in ("persons", "incidents", "markers", "ties", "events"):
        if len(tables[table]):
            tables[table].to_csv(home / f"{table}.csv", index=False)
            sources[table] = {"file": f"{table}.csv"}
    page = {
        "code": code, "name": f"Force {code} (synthetic)", "kind": "synthetic",
        "study": {"start": START, "end": END}, "sources": sources,
    }  # fmt: skip
    (home / "force.yml").write_text(yaml.safe_dump(page), encoding="utf-8")
    store.save(take_in(find_force(forces, code), home), home)
