"""What a chapter opens: the cohort of its edition and the gate, by force code and population."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from missing_lib.book.layout import MEMBERS_VARIABLE, REGISTRY_VARIABLE, Layout, find_layout
from missing_lib.book.toc import read_toc
from missing_lib.force import store
from missing_lib.force.spec import ForceFile, check_population, find_force
from missing_lib.release.mends import any_mends, mends_for
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.registry import ChapterRecords, Registry, read
from missing_lib.study.cohort import PEOPLE, PERSON, Cohort, never_reported, select
from missing_lib.study.frame import Frame

if TYPE_CHECKING:
    from missing_lib.book.controls import Trials

#: Registries of the chapters that this process has opened.
_OPEN: list[Registry] = []


class StopChapter(Exception):
    """The chapter ends here in good order; the gate has said why."""


class Chapter:
    """One chapter of one edition.

    Parameters
    ----------
    force : ForceFile
    population : str
    name : str
        Short name of the chapter.
    publish : Gate
    layout : Layout
    """

    def __init__(
        self, force: ForceFile, population: str, name: str, publish: Gate, layout: Layout
    ) -> None:
        self.force = force
        self.population = population
        self.name = name
        self.publish = publish
        self._layout = layout

    @cached_property
    def intake(self) -> store.Intake:
        """Canonical tables and quality ledger of the force."""
        return store.load(self._layout.forces / self.force.code)

    @cached_property
    def cohort(self) -> Cohort:
        """The incidents of this edition's population."""
        return self.cohort_of(self.population)

    def cohort_of(self, population: str) -> Cohort:
        """The incidents of a population of this force, to compare editions."""
        return select(self.intake.tables, self.force, population)

    @cached_property
    def published(self) -> dict[str, ChapterRecords]:
        """What the chapters of this edition published, in the order of the book."""
        edition = self._layout.edition(self.force.code, self.population)
        return read(edition.registry, read_toc(self._layout.root).chapters)

    @property
    def mended(self) -> bool:
        """Whether what everything tells together has changed a cell of this edition."""
        edition = self._layout.edition(self.force.code, self.population)
        return any_mends(edition.mends)

    @property
    def official_folder(self) -> Path:
        """Official statistics shipped with the book."""
        return self._layout.official

    @property
    def trials(self) -> Trials:
        """What the experiments on simulated worlds gave."""
        from missing_lib.book import controls  # heavy, and of one page only

        return controls.trials(self._layout.controls, self._layout.root)

    @property
    def game_folder(self) -> Path:
        """The epidemic game shipped with the book, in which infection did pass by contact."""
        return self._layout.root / "data" / "epigames"

    @property
    def looked_after_folder(self) -> Path:
        """Official statistics on looked-after children who went missing."""
        return self._layout.official / "looked-after-missing"

    def need(self, *tables: str) -> None:
        """End the chapter in one sentence if the force does not supply these tables.

        Raises
        ------
        StopChapter
        """
        lacking = [t for t in tables if t in self.intake.tables.absent]
        lacking += [t for t in tables if t not in lacking and self.intake.tables[t].empty]
        if lacking:
            names = " and ".join(lacking)
            self._stop(
                f"{self.force.name} supplies no {names}, so this chapter has nothing to show; "
                "the other chapters do not need them."
            )

    def need_people(self, people: int, what: str) -> None:
        """End the chapter in one sentence if too few people stand behind it.

        Raises
        ------
        StopChapter
        """
        reason = self._too_few(people, what)
        if reason:
            self._stop(reason)

    @property
    def unreported(self) -> int:
        """People in the force's table whom none of its incidents is about, of any age or time."""
        return never_reported(self.intake.tables)

    def need_comparison(self, frame: Frame) -> None:
        """End the chapter in one sentence if those reported can be compared with nobody.

        Raises
        ------
        StopChapter
        """
        reason = self.lacks_comparison(frame)
        if reason:
            self._stop(reason)

    def lacks_comparison(self, frame: Frame) -> str:
        """Why those reported can be compared with nobody, in one sentence; empty if they can."""
        threshold = self.publish.policy.threshold
        if self.unreported < threshold:
            return (
                f"The table of persons of {self.force.name} holds fewer than {threshold} people "
                "who were never reported missing, so there is nobody to compare with; for this "
                "the force would have to supply people known to its agencies for another reason, "
                "with that reason in the column known_first_by."
            )
        if self.intake.tables.persons["known_first_by"].isna().all():
            return (
                f"The table of persons of {self.force.name} does not say why anybody was first "
                "known to an agency, so people known only because they were reported cannot be "
                "told apart; for this the force would have to supply the column known_first_by."
            )
        ever = int(frame.people["ever"].sum())
        return self._too_few(
            min(ever, len(frame.people) - ever),
            "people known beforehand for another reason, with or without an incident",
        )

    def _too_few(self, people: int, what: str) -> str:
        threshold = self.publish.policy.threshold
        if people >= threshold:
            return ""
        return (
            f"This edition holds fewer than {threshold} {what}, "
            "too few to show anything without showing somebody."
        )

    def _stop(self, reason: str) -> None:
        self.publish.stop(reason)
        close_chapters()
        raise StopChapter(reason)


def open_chapter(force: str, population: str, name: str) -> Chapter:
    """Open a chapter.

    Parameters
    ----------
    force : str
        Code of a force in ``forces/``.
    population : {"children", "adults", "all"}
    name : str
        Short name of the chapter.

    Raises
    ------
    ContractError
        If there is no such force or population.
    """
    layout = find_layout()
    described = find_force(layout.forces, force)
    check_population(population)
    path, members = (os.environ.get(v) for v in (REGISTRY_VARIABLE, MEMBERS_VARIABLE))
    registry = Registry(
        Path(path) if path else None, Path(members) if members else None, chapter=name
    )
    edition = layout.edition(force, population, described.official)
    mends = () if edition.members is None else mends_for(edition.mends, name)
    publish = Gate(Policy.of(described.policy), registry, mends)
    _OPEN.append(registry)
    chapter = Chapter(described, population, name, publish, layout)
    publish.constant(**_constants(described, population, publish.policy))
    return chapter


def close_chapters() -> None:
    """Write what the counts of this process's chapters count, when their work is done."""
    while _OPEN:
        _OPEN.pop().keep()


def _constants(force: ForceFile, population: str, policy: Policy) -> dict[str, object]:
    """Definitions that any chapter's text may name; the study's where there is an extract."""
    named: dict[str, object] = {
        "people": PEOPLE[population],
        "person": PERSON[population],
        "population": population,
        "force_name": force.name,
    }
    if force.official:
        return named
    definitions = force.definitions
    return named | {
        "study_start": _long_date(pd.Timestamp(force.study.start)),
        "study_end": _long_date(pd.Timestamp(force.study.end)),
        "child_age_limit": definitions.child_age_limit,
        "persistent": definitions.persistent_incidents,
        "top_share": f"{100 * definitions.top_share:g} %",
        "merge_gap": f"{definitions.merge_gap_hours:g}",
        "gap_short": definitions.gap_days[0],
        "gap_long": definitions.gap_days[1],
        "threshold": policy.threshold,
        "rounding": policy.rounding,
    }


def _long_date(day: pd.Timestamp) -> str:
    return f"{day.day} {day:%B %Y}"
