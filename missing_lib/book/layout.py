"""The one module that knows where things are. Chapters never do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from missing_lib.force.errors import ContractError

ROOT_VARIABLE = "MISSING_BOOK_ROOT"
FORCES_VARIABLE = "MISSING_BOOK_FORCES"
#: Set by the builder for the chapter it runs: where the chapter's registry goes.
REGISTRY_VARIABLE = "MISSING_BOOK_REGISTRY"


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

    def edition(self, force: str, population: str) -> Edition:
        """Places of one edition."""
        return Edition(force, population, self.build / f"{force}-{population}")

    def source(self, chapter: str) -> Path:
        """The text of a chapter, by its short name."""
        at_root = self.root / f"{chapter}.md"
        return at_root if at_root.exists() else self.root / "chapters" / f"{chapter}.md"


@dataclass(frozen=True)
class Edition:
    """Places of one edition: a force and a population."""

    force: str
    population: str
    folder: Path

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
