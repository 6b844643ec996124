"""Release a force's editions: build, check, and write the folder that is asked to leave."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from missing_lib.book import build as builder
from missing_lib.book import fingerprint, letting_out, telling
from missing_lib.book.layout import Edition, Layout
from missing_lib.book.start import people_of
from missing_lib.book.toc import read_toc
from missing_lib.force.errors import ContractError, DisclosureError, together
from missing_lib.force.places import RELEASES
from missing_lib.force.spec import ForceFile, find_force
from missing_lib.release import archive
from missing_lib.release import folder as content
from missing_lib.release.policy import Policy
from missing_lib.release.published import MIME, digest
from missing_lib.release.registry import ChapterRecords, read

#: Beginning of the name of a folder that is not finished.
UNFINISHED = ".unfinished-"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def release(
    layout: Layout, wish: builder.Wish, name: str, say: builder.Say, first: bool = False
) -> Path:
    """Build editions and write them as one folder, whole or not at all.

    What they count is kept in the force's restricted folder, so that a later release can be
    checked against this one.

    Parameters
    ----------
    layout : Layout
    wish : Wish
        Editions of one force, without parameters.
    name : str
        Of the folder; empty for force, end of the study and the next number.
    first : bool
        Whether the analyst says that nothing of this force was released before.
    say : callable

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ContractError
        If editions of two forces are named, the folder is there already, or it is not clear
        what was released before.
    BookError
        Of the first problem of the build, with the words of all.
    DisclosureError
        If something may not leave.
    """
    force = find_force(layout.forces, _one_force(wish.editions))
    kept = telling.releases_folder(layout, force.code)
    if not force.official:
        for left in archive.settle(kept, lambda n: _unfinished(layout.releases / n).is_dir()):
            shutil.rmtree(_unfinished(layout.releases / left))
        must_be_known(force, archive.kept_releases(kept), first, written(layout, force.code))
    name = name or next_name([layout.releases, kept], _stem(force))
    may_be_written([layout.releases, kept], name)
    target = layout.releases / name
    problems = builder.build(layout, replace(wish, together=True), say)
    if problems:
        raise together(problems)
    started = time.monotonic()
    editions = [outputs_of(layout, force, edition) for edition in wish.editions]
    policy, origin = Policy.of(force.policy), origin_of(layout, force)
    with _whole_or_not_at_all(target) as made, _kept(layout, force, wish.editions, name):
        for file, text in content.files_of(editions, policy, origin).items():
            _write(made / file, text)
        for edition, outputs in zip(wish.editions, editions, strict=True):
            shutil.copytree(edition.html, made / outputs.name / "html")
        _write(made / content.MANIFEST, content.manifest(_all(made), editions, policy, origin))
        letting_out.check_folder(layout, force, made)
    if not force.official:
        archive.confirm(kept / f"{archive.PENDING}{name}")
    say(force.code, "release", "done", time.monotonic() - started)
    return target


def written(layout: Layout, force: str) -> list[str]:
    """Names of a force's releases whose folders are still where they were written."""
    manifests = sorted(layout.releases.glob(f"[!.]*/{content.MANIFEST}"))
    told = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in manifests}
    return [name for name, manifest in told.items() if manifest.get("force") == force]


def must_be_known(
    force: ForceFile, kept: Sequence[archive.Kept], first: bool, folders: Sequence[str]
) -> None:
    """Whether it is known what was released before, without which nothing may leave.

    Parameters
    ----------
    first : bool
        Whether the analyst says that nothing went before.
    folders : sequence of str
        Names of releases whose folders are there: each must be kept, whatever the analyst says.

    Raises
    ------
    ContractError
    """
    lost = sorted(set(folders) - {one.name for one in kept})
    if lost:
        raise ContractError(
            [
                f"{force.code}: {', '.join(lost)} went before, but restricted/{RELEASES}/ does not "
                "keep what was counted, so what this release tells together with it cannot be "
                "checked. Put its folder there back from your latest backup"
            ]
        )
    if not kept and not first:
        raise ContractError(
            [
                f"{force.code}: no earlier release is kept in restricted/{RELEASES}/, so what this "
                "one tells together with it cannot be checked. If nothing of this force has ever "
                f"left, say so: missing-book release {force.code} --first. If something has, put "
                "its folder back from your backup"
            ]
        )
    if kept and first:
        names = ", ".join(one.name for one in kept)
        raise ContractError(
            [f"{force.code}: this is not the first release, {names} went before; leave out --first"]
        )


@contextmanager
def _kept(
    layout: Layout, force: ForceFile, editions: Sequence[Edition], name: str
) -> Iterator[None]:
    """Keep what a release counts before its folder is whole, and forget it if that fails."""
    if force.official:
        yield
        return
    pending = _prepare(layout, force, editions, name)
    try:
        yield
    except BaseException:
        shutil.rmtree(pending)
        raise


def _prepare(layout: Layout, force: ForceFile, editions: Sequence[Edition], name: str) -> Path:
    toc = read_toc(layout.root)
    end = force.study.end
    return archive.prepare(
        telling.releases_folder(layout, force.code),
        name,
        f"{end.day} {end:%B %Y}",
        Policy.of(force.policy),
        {e.population: [e.folder_of_members / f"{c}.npz" for c in toc.chapters] for e in editions},
    )


def next_name(folders: Sequence[Path], stem: str) -> str:
    """Name of the next release: one more than the highest number in any of the folders.

    What was handed in and deleted is still kept under its name, on the machine.
    """
    there = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    found = [re.fullmatch(rf"{re.escape(stem)}-(\d+)", path.name) for path in there]
    return f"{stem}-{1 + max((int(m[1]) for m in found if m), default=0)}"


def _stem(force: ForceFile) -> str:
    return force.code if force.official else f"{force.code}-{force.study.end.isoformat()}"


def _one_force(editions: tuple[Edition, ...]) -> str:
    codes = list(dict.fromkeys(edition.force for edition in editions))
    if len(codes) > 1:
        raise ContractError(
            [f"a release is of one force, not of {' and '.join(codes)}: release one after another"]
        )
    return codes[0]


def may_be_written(folders: Sequence[Path], name: str) -> None:
    """Say before anything is built that a release cannot get this name.

    Parameters
    ----------
    folders : sequence of Path
        Where releases are written, and where what they count is kept.

    Raises
    ------
    ContractError
    """
    if not _NAME.fullmatch(name):
        raise ContractError(
            ["--name: use letters, digits, dots and hyphens, such as spring-2; it names a folder"]
        )
    if any((folder / name).exists() for folder in folders):
        raise ContractError(
            [
                f"there is a release {name!r} already, and a release is never written "
                "over: choose another --name, or leave it out for the next number"
            ]
        )


def outputs_of(layout: Layout, force: ForceFile, edition: Edition) -> content.Outputs:
    """What an edition that has been built published."""
    toc = read_toc(layout.root, without_rows=force.official)
    records = read(edition.registry, toc.computed)
    chapters = tuple(records[name] for name in toc.computed)
    pictures = {
        (one.chapter, name): svg
        for one in chapters
        for name, svg in pictures_of(edition.notebooks / f"{one.chapter}.ipynb", one).items()
    }
    title = f"{force.name}, {people_of(force, edition.population)}"
    return content.Outputs(edition.population, title, chapters, pictures)


def pictures_of(notebook: Path, records: ChapterRecords) -> dict[str, str]:
    """SVG of each figure of a chapter, as it passed the gate.

    Raises
    ------
    DisclosureError
        If a figure is not the one that the registry knows.
    """
    found = {}
    for payload in _payloads(json.loads(notebook.read_text(encoding="utf-8"))):
        if payload["kind"] == "figure" and digest(payload) in records.digests():
            found[payload["name"]] = str(payload["svg"])
    changed = [r["name"] for r in records.of_kind("figure") if r["name"] not in found]
    if changed:
        raise DisclosureError(
            [
                f"chapter {records.chapter}, figure {name}: not the one that passed the gate; "
                "delete the folder of the edition in _build and release again"
                for name in changed
            ]
        )
    return found


def _payloads(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if MIME in output.get("data", {}):
                yield output["data"][MIME]


def origin_of(layout: Layout, force: ForceFile) -> content.Origin:
    """What a release of a force is made from."""
    about = builder.about(fingerprint.library(layout.root))
    end = dt.datetime.combine(force.study.end, dt.time())
    return content.Origin(
        force=force.code,
        kind=force.kind,
        version=about.version,
        code_state=about.code_state,
        packages=f"Python {about.python}, {about.packages}",
        study={} if force.official else force.study.model_dump(mode="json"),
        definitions={} if force.official else force.definitions.model_dump(mode="json"),
        timestamp="" if force.official else end.isoformat(),
    )


@contextmanager
def _whole_or_not_at_all(target: Path) -> Iterator[Path]:
    """Fill a folder that gets its name when all is written; what was left half is removed."""
    made = _unfinished(target)
    if made.exists():
        shutil.rmtree(made)
    made.mkdir(parents=True)
    try:
        yield made
        made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _unfinished(target: Path) -> Path:
    return target.with_name(f"{UNFINISHED}{target.name}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _all(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
