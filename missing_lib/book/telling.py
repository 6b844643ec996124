"""What an edition tells together with everything published: checked, and mended where it can be.

The chapters have run. Their counts are looked at with those of every earlier release of the
force, and of the other editions that are to leave with them. What tells too much is hidden or
keeps its earlier value; the list is written as an input of the edition, and the chapters touched
are run again. Nothing heavy is imported until something has to be looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from missing_lib.book import fingerprint
from missing_lib.book.layout import Edition, Layout
from missing_lib.book.toc import Toc
from missing_lib.force.errors import DisclosureError
from missing_lib.force.places import RELEASES, restricted_folder
from missing_lib.force.spec import ForceFile
from missing_lib.release.mends import Mends, read_mends, write_mends

if TYPE_CHECKING:
    from missing_lib.book.told_together import Checked

#: Rounds of mending and running again; each hides more, so there is an end, and it is near.
ROUNDS = 8


def releases_folder(layout: Layout, force: str) -> Path:
    """Where the counts of what went out are kept."""
    return restricted_folder(layout.forces / force) / RELEASES


def mends_of(edition: Edition, basis: str) -> Mends:
    """The mends of an edition; those found with other data or code are forgotten."""
    if edition.members is None:
        return Mends(basis, ())
    mends = read_mends(edition.mends, basis)
    if not mends.mends:
        edition.mends.unlink(missing_ok=True)
    return mends


@dataclass
class Work:
    """Where a build stands: what each edition is made from by now.

    Attributes
    ----------
    keys : dict
        Digest of each chapter of each edition.
    mends : dict
        Of each edition.
    """

    keys: dict[Edition, dict[str, str]]
    mends: dict[Edition, Mends]


def checked_together(editions: Iterable[Edition], together: bool) -> list[tuple[Edition, ...]]:
    """Editions with counts that must be safe together, or each by itself."""
    counting = [e for e in editions if e.members is not None]
    if not together:
        return [(e,) for e in counting]
    forces = dict.fromkeys(e.force for e in counting)
    return [tuple(e for e in counting if e.force == force) for force in forces]


def make_safe(
    layout: Layout,
    toc: Toc,
    force: ForceFile,
    group: tuple[Edition, ...],
    work: Work,
    run: Callable[[Iterable[Edition]], bool],
    say: Callable[[str, str, str, float], None],
) -> DisclosureError | None:
    """Mend editions of one force until they tell nothing together.

    Parameters
    ----------
    run : callable
        Runs the stale chapters of some editions; False if one failed, which has been said.
    say : callable
        Takes edition, step, how it went, seconds.

    Returns
    -------
    DisclosureError or None
        Why they cannot be let out.
    """
    names = " + ".join(e.name for e in group)
    started, hidden = time.monotonic(), 0
    for _ in range(ROUNDS):
        key = _key(layout, {e: work.keys[e] for e in group})
        if all(fingerprint.remembered(_told(e)) == key for e in group):
            return None
        checked = _check(releases_folder(layout, force.code), toc, force, group)
        if checked.problems:
            say(names, "differencing", "refused", time.monotonic() - started)
            return DisclosureError([f"{names}: {line}" for line in checked.problems])
        if not checked.mends:
            for edition in group:
                fingerprint.remember(_told(edition), key)
            how = f"{hidden} mended" if hidden else "done"
            say(names, "differencing", how, time.monotonic() - started)
            return None
        for edition, more in checked.mends.items():
            hidden += len(more)
            work.mends[edition] = work.mends[edition].with_more(more)
            write_mends(edition.mends, work.mends[edition])
        if not run(list(checked.mends)):
            return None
    return DisclosureError([f"{names}: mending has no end; this is a fault of the book"])


def _check(releases: Path, toc: Toc, force: ForceFile, group: tuple[Edition, ...]) -> Checked:
    from missing_lib.book.told_together import check

    return check(releases, toc, force, group)


def _told(edition: Edition) -> Path:
    """Where it is remembered that an edition tells nothing, alone or with others."""
    return edition.keys / "telling"


def _key(layout: Layout, keys: Mapping[Edition, Mapping[str, str]]) -> str:
    """Digest of everything that a check looks at."""
    (force,) = {e.force for e in keys}
    kept = [f for f in releases_folder(layout, force).glob("[!.]*/**/*") if f.is_file()]
    return fingerprint.of_values(
        chapters={e.name: dict(mine) for e, mine in keys.items()},
        releases=fingerprint.of_files(kept, layout.forces),
    )
