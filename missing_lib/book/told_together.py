"""Look at a force's editions together with everything that was released: what is to be mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from missing_lib.book.layout import Edition
from missing_lib.book.toc import Toc
from missing_lib.force.spec import ForceFile
from missing_lib.release.archive import Kept, kept_releases
from missing_lib.release.counted import KEPT, SHOWN, Counted, load
from missing_lib.release.differencing.counts import Collection, Place, Source
from missing_lib.release.differencing.repair import Refused, repair
from missing_lib.release.mends import Mend
from missing_lib.release.policy import Policy
from missing_lib.release.registry import ChapterRecords, read


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


def check(releases: Path, toc: Toc, force: ForceFile, editions: Sequence[Edition]) -> Checked:
    """Look at editions of one force together, with everything that was released."""
    earlier = kept_releases(releases)
    policy = Policy.of(force.policy)
    sources = [
        Source(f"{p}, released as {kept.name}", True, kept.policy, kept.counted(p))
        for kept in earlier
        for p in kept.editions
    ]
    first = len(sources)
    carrying = {
        (first + position, chapter): _carries_findings(records)
        for position, edition in enumerate(editions)
        for chapter, records in read(edition.registry, toc.chapters).items()
    }
    sources += [Source(e.name, False, policy, _counted(e, toc)) for e in editions]

    def vital(place: Place) -> bool:
        counted = sources[place.source].counted[place.output]
        return counted.output in carrying.get((place.source, counted.chapter), ())

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
