"""The table of contents: which pages there are, and which of them compute."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

_PARAMETERS = re.compile(
    r"^```\{code-cell\}[^\n]*\n:tags: \[[^\]]*\bparameters\b[^\]]*\]\n(.*?)^```", re.M | re.S
)


@dataclass(frozen=True)
class Toc:
    """Pages in reading order.

    Attributes
    ----------
    pages : tuple of str
        Paths without ending, relative to the root; the first is the front page.
    computed : tuple of str
        Short names of the chapters that run, in reading order, the findings page first.
    """

    pages: tuple[str, ...]
    computed: tuple[str, ...]

    @property
    def findings(self) -> str:
        """The page that is run last, from what the others published."""
        return self.pages[0]

    @property
    def chapters(self) -> tuple[str, ...]:
        """Chapters that run before the findings page."""
        return tuple(name for name in self.computed if name != self.findings)


def read_toc(root: Path) -> Toc:
    """Read ``_toc.yml``."""
    content = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    entries = [e for part in content.get("parts", []) for e in part["chapters"]]
    pages = (content["root"], *(entry["file"] for entry in entries))
    computed = tuple(
        Path(page).name for page in pages if parameters_of(root / f"{page}.md") is not None
    )
    return Toc(pages, computed)


def parameters_of(path: Path) -> dict[str, object] | None:
    r"""Parameters of a chapter with their defaults, or None for a page that does not run.

    Examples
    --------
    >>> import tempfile
    >>> page = Path(tempfile.mkdtemp()) / "page.md"
    >>> _ = page.write_text("```{code-cell} python\n:tags: [parameters]\nseed = 1\n```\n")
    >>> parameters_of(page)
    {'seed': 1}
    """
    found = _PARAMETERS.search(path.read_text(encoding="utf-8"))
    if found is None:
        return None
    assignments = ast.parse(found.group(1)).body
    return {
        target.id: ast.literal_eval(node.value)
        for node in assignments
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
