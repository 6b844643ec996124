"""What everything published by one force tells of protected sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from missing_lib.release.differencing.consistent import Worlds
from missing_lib.release.differencing.counts import Collection, Source, collect
from missing_lib.release.differencing.families import families
from missing_lib.release.differencing.protected import Question, questions
from missing_lib.release.differencing.system import System, systems
from missing_lib.release.policy import Policy


@dataclass(frozen=True)
class Told:
    """A protected size that can be worked out too closely.

    Attributes
    ----------
    system : System
    question : Question
    """

    system: System
    question: Question


def look(sources: Sequence[Source]) -> tuple[Collection, list[System]]:
    """Everything published, as systems."""
    collection = collect(sources)
    return collection, systems(collection, families(collection))


def told(sources: Sequence[Source], policy: Policy) -> list[Told]:
    """Every protected size that everything published together gives away."""
    found = []
    for system in look(sources)[1]:
        worlds = Worlds(system, policy)
        found += [Told(system, q) for q in questions(system, policy) if not worlds.safe(q)]
    return found
