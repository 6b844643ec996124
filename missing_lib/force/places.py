"""Where the rows of a force may lie: in its own restricted folder, and nowhere else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESTRICTED = "restricted"


def restricted_folder(force_folder: Path) -> Path:
    """Where what must not leave is kept."""
    return force_folder / RESTRICTED


@contextmanager
def new_restricted_folder(force_folder: Path) -> Iterator[Path]:
    """Fill a new restricted folder, which takes the place of the old one when all is written.

    Whoever is stopped half way leaves the old folder as it was. Both are for their owner alone
    and unknown to version control.
    """
    place = restricted_folder(force_folder)
    force_folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{RESTRICTED}-new-", dir=force_folder))
    try:
        (made / ".gitignore").write_text("*\n", encoding="utf-8")
        yield made
        if place.exists():
            place.rename(made.with_name(made.name.replace("-new-", "-old-")))
        made.rename(place)
    finally:
        for kind in ("new", "old"):
            for left in force_folder.glob(f"{RESTRICTED}-{kind}-*"):
                shutil.rmtree(left, ignore_errors=True)


def make_restricted_folder(force_folder: Path) -> Path:
    """Make the folder if it is not there, for its owner alone and unknown to version control."""
    folder = restricted_folder(force_folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder
