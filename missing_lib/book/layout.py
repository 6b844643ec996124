"""The one module that knows where things are. Chapters never do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from missing_lib.force.errors import ContractError
from missing_lib.force.places import EDITIONS, restricted_folder

ROOT_VARIABLE = "MISSING_BOOK_ROOT"
FORCES_VARIABLE = "MISSING_BOOK_FORCES"
#: Set by the builder for the chapter it runs: where the chapter's registry goes.
REGISTRY_VARIABLE = "MISSING_BOOK_REGISTRY"
#: The same for what its counts are counts of; not set where there is no extract.
MEMBERS_VARIABLE = "MISSING_BOOK_MEMBERS"


@dataclass(frozen=True)
class Layout:
    """Places of one checkout.

    Attributes
    ----------
    root : Path
        Folder with ``_toc.yml``.
    forces : Path
        Folder with one folder per force.
    """

    root: Path
    forces: Path

    @property
    def build(self) -> Path:
        """Everything that is made."""
        return self.root / "_build"

    @property
    def releases(self) -> Path:
        """One folder for each release, never written over."""
        return self.build / "release"

    @property
    def official(self) -> Path:
        """Official statistics shipped with the book."""
        return self.root / "data" / "official"

    @property
    def controls(self) -> Path:
        """What the experiments on simulated worlds gave, one file each."""
        return self.root / "data" / "controls"

    @property
    def tests(self) -> Path:
        """Tests of the library, in a checkout that has them."""
        return self.root / "tests"

    def edition(self, force: str, population: str, official: bool = False) -> Edition:
        """Places of one edition; one of official statistics alone has nothing to restrict."""
        kept = None if official else restricted_folder(self.forces / force) / EDITIONS / population
        return Edition(force, population, self.build / f"{force}-{population}", kept)

    def source(self, chapter: str) -> Path:
        """The text of a chapter, by its short name."""
        at_root = self.root / f"{chapter}.md"
        return at_root if at_root.exists() else self.root / "chapters" / f"{chapter}.md"


@dataclass(frozen=True)
class Edition:
    """Places of one edition: a force and a population.

    Attributes
    ----------
    folder : Path
        What is made.
    members : Path or None
        What its counts are counts of, in the force's restricted folder, one file a chapter.
    """

    force: str
    population: str
    folder: Path
    members: Path | None

    @property
    def name(self) -> str:
        """As the analyst types it."""
        return f"{self.force}/{self.population}"

    @property
    def notebooks(self) -> Path:
        """Executed and scrubbed notebooks."""
        return self.folder / "notebooks"

    @property
    def registry(self) -> Path:
        """What was published, one file a chapter."""
        return self.folder / "registry"

    def members_of(self, chapter: str) -> Path | None:
        """The file of what a chapter's counts are counts of."""
        return None if self.members is None else self.members / f"{chapter}.npz"

    @property
    def folder_of_members(self) -> Path:
        """As ``members``, of an edition that has some.

        Raises
        ------
        ValueError
            For an edition without an extract.
        """
        if self.members is None:
            raise ValueError(f"{self.name} counts nobody")
        return self.members

    @property
    def mends(self) -> Path:
        """What must not show today's count."""
        return self.folder_of_members / "mends.json"

    @property
    def keys(self) -> Path:
        """What each result was made from."""
        return self.folder / "keys"

    @property
    def logs(self) -> Path:
        """Details of failures; they stay on the machine."""
        return self.folder / "logs"

    @property
    def source(self) -> Path:
        """What jupyter-book reads."""
        return self.folder / "source"

    @property
    def html(self) -> Path:
        """The book."""
        return self.folder / "html"


def find_layout() -> Layout:
    """The checkout around the working directory, or the one the builder names.

    Raises
    ------
    ContractError
        Outside any checkout.
    """
    named = os.environ.get(ROOT_VARIABLE)
    here = Path(named) if named else Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").exists() and (folder / "chapters").is_dir():
            forces = os.environ.get(FORCES_VARIABLE)
            return Layout(folder, Path(forces) if forces else folder / "forces")
    raise ContractError(["run this inside the folder of the book, where _toc.yml is"])
