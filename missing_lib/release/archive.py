"""Releases that went out, kept in the force's restricted folder: what they said, and of whom.

A release is written here before its folder can leave, under a name that says it is pending, and
renamed when the folder is in its place. So whoever is stopped half way has released nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from missing_lib.release.counted import Counted, load
from missing_lib.release.policy import Policy

#: Name of a release whose folder is not in its place yet.
PENDING = ".pending-"
_ABOUT = "about.json"


@dataclass(frozen=True)
class Kept:
    """One release that went out.

    Attributes
    ----------
    name : str
    since : str
        Last day of its study, in words.
    policy : Policy
    editions : dict
        Chapters of each population, in the order of the table of contents.
    folder : Path
    """

    name: str
    since: str
    policy: Policy
    editions: dict[str, tuple[str, ...]]
    folder: Path

    def counted(self, population: str) -> tuple[Counted, ...]:
        """Everything that an edition of it counted."""
        files = [self.folder / population / f"{c}.npz" for c in self.editions[population]]
        return tuple(one for file in files for one in load(file))


def kept_releases(folder: Path) -> list[Kept]:
    """Every release that went out, the oldest first."""
    found = [_read(about) for about in folder.glob(f"[!.]*/{_ABOUT}")]
    return [kept for _, kept in sorted(found, key=lambda pair: pair[0])]


def prepare(
    folder: Path,
    name: str,
    since: str,
    policy: Policy,
    editions: Mapping[str, Sequence[Path]],
) -> Path:
    """Keep the counts of a release that is about to leave.

    Parameters
    ----------
    folder : Path
        Of all releases of the force, in its restricted folder.
    editions : mapping
        Files of each population's chapters, in the order of the table of contents.

    Returns
    -------
    Path
        The pending folder, for :func:`confirm`.
    """
    pending = folder / f"{PENDING}{name}"
    for population, files in editions.items():
        (pending / population).mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, pending / population / file.name)
    about = {
        "number": 1 + len(kept_releases(folder)),
        "name": name,
        "since": since,
        "policy": asdict(policy),
        "editions": {p: [f.stem for f in files] for p, files in editions.items()},
    }
    pending.mkdir(parents=True, exist_ok=True)
    (pending / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return pending


def confirm(pending: Path) -> None:
    """Say that the release is in its place."""
    pending.rename(pending.with_name(pending.name.removeprefix(PENDING)))


def settle(folder: Path, unfinished: Callable[[str], bool]) -> list[str]:
    """Decide on what somebody left pending, and return the names of what is forgotten.

    It is forgotten where its folder was still being written. In any other case the folder may
    have left, so the release counts as one.

    Parameters
    ----------
    folder : Path
        Of all releases of the force, in its restricted folder.
    unfinished : callable
        Whether the folder of a release, by name, is there and not finished.
    """
    forgotten = []
    for pending in sorted(folder.glob(f"{PENDING}*")):
        name = pending.name.removeprefix(PENDING)
        if unfinished(name):
            shutil.rmtree(pending)
            forgotten.append(name)
        else:
            confirm(pending)
    return forgotten


def _read(about: Path) -> tuple[int, Kept]:
    told = json.loads(about.read_text(encoding="utf-8"))
    kept = Kept(
        told["name"],
        told["since"],
        Policy(**told["policy"]),
        {population: tuple(chapters) for population, chapters in told["editions"].items()},
        about.parent,
    )
    return int(told["number"]), kept
