"""What everything published by one force tells of protected sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from missing_lib.release.differencing.consistent import Worlds
from missing_lib.release.differencing.counts import Collection, Source, collect
from missing_lib.release.differencing.families import families
from missing_lib.release.differencing.nested import nested
from missing_lib.release.differencing.protected import Question, questions
from missing_lib.release.differencing.system import System, system_of
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


def look(sources: Sequence[Source], policy: Policy) -> tuple[Collection, System]:
    """Everything published, as bounds on sums of unknowns."""
    collection = collect(sources)
    within = nested(collection, policy)
    return collection, system_of(collection, families(collection), within)


def told(sources: Sequence[Source], policy: Policy) -> list[Told]:
    """Every protected size that everything published together gives away."""
    system = look(sources, policy)[1]
    worlds = Worlds(system, policy)
    return [Told(system, q) for q in questions(system, policy) if not worlds.safe(q)]
