"""What an edition tells together with everything published: checked, and mended where it can be.

The chapters have run. Their counts are looked at with those of every earlier release of the
force, and of the other editions that are to leave with them. What tells too much is hidden or
keeps its earlier value; the list is written as an input of the edition, and the chapters touched
are run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from missing_lib.book import fingerprint
from missing_lib.book.layout import Edition, Layout
from missing_lib.book.toc import Toc
from missing_lib.force.errors import DisclosureError
from missing_lib.force.places import RELEASES, restricted_folder
from missing_lib.force.spec import ForceFile
from missing_lib.release.archive import Kept, kept_releases
from missing_lib.release.counted import KEPT, SHOWN, Counted, load
from missing_lib.release.differencing.counts import Collection, Place, Source
from missing_lib.release.differencing.repair import Refused, repair
from missing_lib.release.mends import Mend, Mends, read_mends, write_mends
from missing_lib.release.policy import Policy
from missing_lib.release.registry import ChapterRecords, read

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
        checked = check(layout, toc, force, group)
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


def _told(edition: Edition) -> Path:
    """Where it is remembered that an edition tells nothing, alone or with others."""
    return edition.keys / "telling"


@dataclass(frozen=True)
class Checked:
    """What a check of several editions of one force found.

    Attributes
    ----------
    mends : dict
        New mends of each edition that has some.
    problems : tuple of str
        What cannot be mended without a finding going away.
    """

    mends: dict[Edition, tuple[Mend, ...]]
    problems: tuple[str, ...]


def _key(layout: Layout, keys: Mapping[Edition, Mapping[str, str]]) -> str:
    """Digest of everything that a check looks at."""
    (force,) = {e.force for e in keys}
    kept = [
        f
        for k in kept_releases(releases_folder(layout, force))
        for f in sorted(k.folder.rglob("*"))
    ]
    return fingerprint.of_values(
        chapters={e.name: dict(mine) for e, mine in keys.items()},
        releases=fingerprint.of_files(kept, layout.forces),
    )


def check(layout: Layout, toc: Toc, force: ForceFile, editions: Sequence[Edition]) -> Checked:
    """Look at editions of one force together, with everything that was released."""
    earlier = kept_releases(releases_folder(layout, force.code))
    policy = Policy.of(force.policy)
    sources = [
        Source(f"{p}, released as {kept.name}", True, kept.policy, kept.counted(p))
        for kept in earlier
        for p in kept.editions
    ]
    first = len(sources)
    records = {e: read(e.registry, toc.chapters) for e in editions}
    sources += [Source(e.name, False, policy, _counted(e, toc)) for e in editions]

    def vital(place: Place) -> bool:
        if place.source < first:
            return False
        counted = sources[place.source].counted[place.output]
        return counted.output in _carries_findings(
            records[editions[place.source - first]][counted.chapter]
        )

    collection, found = repair(sources, policy, vital)
    mends: dict[Edition, tuple[Mend, ...]] = {}
    for place in found.places:
        edition = editions[place.source - first]
        mend = _mend(edition, sources[place.source].counted[place.output], place.cell, earlier)
        mends[edition] = (*mends.get(edition, ()), mend)
    problems = [_in_words(one, sources, collection, policy) for one in found.refused]
    return Checked(mends, tuple(dict.fromkeys(problems)))


def _counted(edition: Edition, toc: Toc) -> tuple[Counted, ...]:
    found: list[Counted] = []
    for chapter in toc.chapters:
        file = edition.members_of(chapter)
        if file is not None:
            found += load(file)
    return tuple(found)


def _carries_findings(records: ChapterRecords) -> set[str]:
    """Names of a chapter's numbers that a finding shows, and of those these are made of."""
    made_of = {r["name"]: r.get("of", []) for r in records.of_kind("number")}
    open_ = [f["name"] for r in records.of_kind("finding") for f in r["figures"]]
    found: set[str] = set()
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            open_ += made_of.get(name, [])
    return found


def _mend(edition: Edition, counted: Counted, cell: int, earlier: Sequence[Kept]) -> Mend:
    """Hide a cell, or let it keep what it showed in the last release that showed it."""
    label = counted.cells[cell].label
    plain = Mend(counted.chapter, counted.output, counted.unit, label)
    if not counted.by and len(counted.cells) > 1:
        return plain
    for kept in reversed(earlier):
        if edition.population not in kept.editions:
            continue
        status, value = _as_released(kept, edition.population, plain)
        if status == SHOWN:
            return Mend(*_cell(plain), value, kept.since)
        if status != KEPT:
            break
    return plain


def _cell(mend: Mend) -> tuple[str, str, str, str]:
    return mend.chapter, mend.output, mend.unit, mend.label


def _as_released(kept: Kept, population: str, wanted: Mend) -> tuple[str, float]:
    for counted in kept.counted(population):
        if (counted.chapter, counted.output, counted.unit) == _cell(wanted)[:3]:
            for cell in counted.cells:
                if cell.label == wanted.label:
                    return cell.status, cell.value
    return "", 0.0


def _in_words(
    refused: Refused, sources: Sequence[Source], collection: Collection, policy: Policy
) -> str:
    about = [p for c in refused.told.question.about for p in collection.counts[c].places[:1]]
    told = "; ".join(dict.fromkeys(_place(p, sources) for p in about)) or "a total of a table"
    needed = "; ".join(dict.fromkeys(_place(p, sources) for p in refused.needed))
    if not needed:
        return (
            f"what was released already tells a number of very few ({told}); nothing in this "
            "edition can change that. Ask the releases' output checker before anything more leaves"
        )
    return (
        f"the difference of published counts would tell a number of very few ({told}), and only "
        f"hiding a finding could prevent it: {needed}. Leave one of the editions concerned out of "
        "the release, or round more coarsely in the force file "
        f"(policy: rounding: {2 * policy.rounding})"
    )


def _place(place: Place, sources: Sequence[Source]) -> str:
    source = sources[place.source]
    counted = source.counted[place.output]
    cell = counted.cells[place.cell].label
    words = f"{source.name}, chapter {counted.chapter}, {counted.output}"
    return f"{words} ({cell})" if cell else words
