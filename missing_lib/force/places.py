"""Where the rows of a force may lie: in its own restricted folder, and nowhere else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESTRICTED = "restricted"
#: Folders inside it that outlive an intake: what was released, and what editions count.
RELEASES, EDITIONS = "releases", "editions"


def restricted_folder(force_folder: Path) -> Path:
    """Where what must not leave is kept."""
    return force_folder / RESTRICTED


@contextmanager
def new_restricted_folder(force_folder: Path) -> Iterator[Path]:
    """Fill a new restricted folder, which takes the place of the old one when all is written.

    What outlives an intake is copied into it. Whoever is stopped half way leaves the old folder
    as it was, or where the next start finds it. Both are for their owner alone and unknown to
    version control.
    """
    place = restricted_folder(force_folder)
    force_folder.mkdir(parents=True, exist_ok=True)
    put_back(force_folder)
    made = Path(tempfile.mkdtemp(prefix=f"{RESTRICTED}-new-", dir=force_folder))
    try:
        (made / ".gitignore").write_text("*\n", encoding="utf-8")
        yield made
        for name in (RELEASES, EDITIONS):
            if (place / name).is_dir():
                shutil.copytree(place / name, made / name)
        if place.exists():
            place.rename(made.with_name(made.name.replace("-new-", "-old-")))
        made.rename(place)
    finally:
        put_back(force_folder)
        _clear(force_folder)


def put_back(force_folder: Path) -> None:
    """Put the old restricted folder back in its place, if somebody was stopped before the new one.

    Between the two steps of the exchange there is no restricted folder, and the old one, with
    all that was released, is the only one of its kind.
    """
    place = restricted_folder(force_folder)
    if place.exists():
        return
    old = sorted(force_folder.glob(f"{RESTRICTED}-old-*"), key=lambda p: p.stat().st_mtime)
    if old:
        old[-1].rename(place)


def make_restricted_folder(force_folder: Path) -> Path:
    """Make the folder if it is not there, for its owner alone and unknown to version control."""
    put_back(force_folder)
    folder = restricted_folder(force_folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def _clear(force_folder: Path) -> None:
    """Remove what an exchange leaves over; an old folder only where there is one in its place."""
    kinds = ("new", "old") if restricted_folder(force_folder).exists() else ("new",)
    for kind in kinds:
        for left in force_folder.glob(f"{RESTRICTED}-{kind}-*"):
            shutil.rmtree(left, ignore_errors=True)
