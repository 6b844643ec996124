"""Which further cells to hide so that nothing protected is told, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from missing_lib.release.differencing.consistent import Worlds, tight_rows
from missing_lib.release.differencing.counts import Collection, Place, Source
from missing_lib.release.differencing.protected import Question, questions
from missing_lib.release.differencing.system import System
from missing_lib.release.differencing.told import Told, look
from missing_lib.release.policy import Policy


@dataclass(frozen=True)
class Repair:
    """What is to be changed, and what no change could mend.

    Attributes
    ----------
    places : tuple of Place
        Shown cells that must not show today's count, sorted.
    refused : tuple of Refused
    """

    places: tuple[Place, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True)
class Refused:
    """A protected size that stays told unless something goes that must stay.

    Attributes
    ----------
    told : Told
    needed : tuple of Place
        Places of which one would have to go; none if everything that tells it is out already.
    """

    told: Told
    needed: tuple[Place, ...]


def repair(
    sources: Sequence[Source], policy: Policy, vital: Callable[[Place], bool]
) -> tuple[Collection, Repair]:
    """Find cells to hide until every protected size is safe.

    For each size that is told, the cells without which it would be less tight are tried in the
    order of their places, those of tables before numbers in sentences; the first that alone makes
    it safe is hidden, or the first of all and the search goes on. Hiding only ever leaves more
    worlds, so what was safe stays safe.

    Parameters
    ----------
    sources : sequence of Source
        Earlier releases and the editions to be mended.
    policy : Policy
    vital : callable
        Whether hiding a place would make a finding vanish.
    """
    collection, whole = look(sources, policy)
    order = _Order(collection, sources, vital)
    hidden: set[int] = set()
    refused: list[Refused] = []
    worlds = Worlds(whole, policy)
    for question in questions(whole, policy):
        while not worlds.safe(question):
            tight = _tighten(worlds.system, question)
            candidates = order.sorted(tight)
            if not candidates:
                refused.append(Refused(Told(worlds.system, question), order.kept(tight)))
                break
            chosen, worlds = _hide_one(worlds, question, candidates)
            hidden.add(chosen)
    places = sorted(p for c in hidden for p in order.open_places(c))
    return collection, Repair(tuple(places), tuple(refused))


def _hide_one(worlds: Worlds, question: Question, candidates: Sequence[int]) -> tuple[int, Worlds]:
    first = None
    for count in candidates:
        without = worlds.after(worlds.system.without([count]))
        if without.safe(question):
            return count, without
        first = first or (count, without)
    assert first is not None
    return first


def _tighten(system: System, question: Question) -> list[int]:
    """Counts whose publication makes a size tight; all that touch it if no single one does."""
    rows = tight_rows(system, question)
    counts = {int(c) for c in system.of[rows] if c >= 0}
    if not counts:
        touching = np.flatnonzero(system.rows[:, question.columns].getnnz(axis=1))
        counts = {int(c) for c in system.of[touching] if c >= 0}
    return sorted(counts)


class _Order:
    """Which counts may be hidden, and in which order they are tried."""

    def __init__(
        self,
        collection: Collection,
        sources: Sequence[Source],
        vital: Callable[[Place], bool],
    ) -> None:
        self._counts, self._sources, self._vital = collection.counts, sources, vital

    def sorted(self, counts: Iterable[int]) -> list[int]:
        """Those that are nowhere out already and carry no finding, first places first."""
        open_ = [c for c in counts if self._may_go(c)]
        return sorted(open_, key=self._key)

    def kept(self, counts: Iterable[int]) -> tuple[Place, ...]:
        """Places that would have to go, of counts that are nowhere out already."""
        return tuple(
            sorted(p for c in counts if not self._is_out(c) for p in self._counts[c].told_at)
        )

    def open_places(self, count: int) -> list[Place]:
        return [p for p in self._counts[count].told_at if not self._sources[p.source].fixed]

    def _is_out(self, count: int) -> bool:
        return any(self._sources[p.source].fixed for p in self._counts[count].told_at)

    def _may_go(self, count: int) -> bool:
        places = self._counts[count].told_at
        return not self._is_out(count) and not any(self._vital(p) for p in places)

    def _key(self, count: int) -> tuple[bool, Place]:
        places = self._counts[count].told_at
        number = any(not self._sources[p.source].counted[p.output].by for p in places)
        return number, min(places)
