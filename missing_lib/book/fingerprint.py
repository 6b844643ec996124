"""What a result was made from, as a digest; plain files only, so that asking costs no imports."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from missing_lib.force.places import restricted_folder
from missing_lib.force.spec import ForceFile

#: Rooms of the library that no chapter's result depends on.
_BESIDE = ("synthetic", "cli.py")


def of_files(paths: Iterable[Path], root: Path) -> str:
    """Digest of the contents and relative names of files; a missing file counts as such."""
    total = hashlib.sha256()
    for path in sorted(paths):
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        total.update(name.encode())
        total.update(_content(path))
    return total.hexdigest()


def _content(path: Path) -> bytes:
    if not path.is_file():
        return b"absent"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def of_values(**values: Any) -> str:
    """Digest of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def library(root: Path) -> str:
    """Digest of the code that results depend on."""
    package = Path(__file__).parents[1]
    files = [p for p in package.rglob("*.py") if p.relative_to(package).parts[0] not in _BESIDE]
    return of_values(
        code=of_files(files, package),
        lock=of_files([root / "requirements.lock"], root),
        python=sys.version_info[:2],
    )


def intake_code() -> str:
    """Digest of the code that makes canonical tables."""
    package = Path(__file__).parents[1]
    return of_files((package / "force").glob("*.py"), package)


def of_extract(force: ForceFile, folder: Path) -> str:
    """Digest of what a force's canonical tables are made from: its file, its extract, the code."""
    files = [folder / "force.yml", *(folder / f for s in force.sources.values() for f in s.files())]
    return of_values(files=of_files(files, folder), code=intake_code())


def extract_key(folder: Path) -> Path:
    """Where the digest of the extract that was taken in is remembered."""
    return restricted_folder(folder) / "key"


def remembered(path: Path) -> str:
    """The digest stored with a result, empty if there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def remember(path: Path, key: str) -> None:
    """Store the digest of what a result was made from, after the result is in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(key, encoding="utf-8")
