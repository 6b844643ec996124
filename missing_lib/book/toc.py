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


#: In the front matter of a computed page: it belongs in an edition without an extract too.
_WITHOUT_ROWS = re.compile(r"\A---\n(?:(?!---\n).*\n)*?without_rows: true\n")
#: The same for a page that reads what the other chapters published, and so is run after them.
_READS_OTHERS = re.compile(r"\A---\n(?:(?!---\n).*\n)*?reads_others: true\n")
#: The same for a page that computes nothing and that the builder writes from code.
_FROM_CODE = re.compile(r"\A---\n(?:(?!---\n).*\n)*?written_from_code: true\n")


@dataclass(frozen=True)
class Toc:
    """Pages of an edition in reading order.

    Attributes
    ----------
    front : str
        Path of the front page, without ending, relative to the root.
    parts : tuple of (str, tuple of str)
        Caption and pages of each part.
    computed : tuple of str
        Short names of the chapters that run, in reading order, the front page first.
    last : tuple of str
        Those of them that are run after the others, from what these published.
    from_code : tuple of str
        Short names of the pages that are written from the code of the chapters and the library.
    """

    front: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    computed: tuple[str, ...]
    last: tuple[str, ...]
    from_code: tuple[str, ...]

    @property
    def pages(self) -> tuple[str, ...]:
        """All pages, the front page first."""
        return (self.front, *(page for _, pages in self.parts for page in pages))

    @property
    def chapters(self) -> tuple[str, ...]:
        """Chapters that read no other."""
        return tuple(name for name in self.computed if name not in self.last)

    def place(self, page: str) -> str:
        """Where a page stands in the book; a book opens with its index."""
        return "index" if page == self.front else page

    def as_yaml(self) -> str:
        """The table of contents as jupyter-book reads it."""
        parts = [
            {"caption": caption, "chapters": [{"file": page} for page in pages]}
            for caption, pages in self.parts
        ]
        content = {"format": "jb-book", "root": self.place(self.front), "parts": parts}
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def read_toc(root: Path, without_rows: bool = False) -> Toc:
    """Read ``_toc.yml``.

    Parameters
    ----------
    root : Path
    without_rows : bool
        For an edition without an extract: only pages that neither compute nor are written from
        code, or whose front matter says ``without_rows: true``. The first of them is the front
        page.
    """
    content = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    given = [("", (content["root"],))]
    for part in content.get("parts", []):
        given.append((part.get("caption", ""), tuple(one["file"] for one in part["chapters"])))
    kept = [
        (caption, page)
        for caption, pages in given
        for page in pages
        if not without_rows or _goes_without_rows(root / f"{page}.md")
    ]
    (_, front), rest = kept[0], kept[1:]
    parts = {caption: tuple(p for c, p in rest if c == caption) for caption, _ in rest}
    computed = tuple(
        Path(page).name for _, page in kept if parameters_of(root / f"{page}.md") is not None
    )
    last = tuple(Path(page).name for _, page in kept if _says(_READS_OTHERS, root / f"{page}.md"))
    from_code = tuple(Path(page).name for _, page in kept if _says(_FROM_CODE, root / f"{page}.md"))
    return Toc(front, tuple(parts.items()), computed, last, from_code)


def _goes_without_rows(path: Path) -> bool:
    still = parameters_of(path) is None and not _says(_FROM_CODE, path)
    return still or _says(_WITHOUT_ROWS, path)


def _says(what: re.Pattern[str], path: Path) -> bool:
    return what.match(path.read_text(encoding="utf-8")) is not None


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
