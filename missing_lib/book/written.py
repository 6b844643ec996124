"""Python as a reader of the book sees it: what it computes, and its source folded; in HTML.

It is handed to the book as it stands, because to have jupyter-book read and colour some hundred
functions takes it longer than all chapters together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import escape

import pygments  # comes with jupyter-book
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from missing_lib.book.sources import Definition

#: Sections of a numpy docstring that say what a function computes; the others say how to call it.
_SAYS = ("References", "Notes")
_SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", re.M)
_MARKED = re.compile(
    r"\bdoi:? (?P<doi>10\.\d{4,9}/\S*[^\s.,;)])|:[a-z]+:`(?P<role>[^`]*)`|``(?P<quoted>[^`]+)``"
)


def definition(doc: str) -> list[str]:
    r"""What a docstring says of formula and source, one paragraph each; not how to call it.

    Examples
    --------
    >>> definition("G < 1.\n\nSee doi 10.1000/a_b.\n\nParameters\n----------\nx : int")
    ['G &lt; 1.', 'See <a href="https://doi.org/10.1000/a_b">doi 10.1000/a_b</a>.']
    """
    first, *rest = _SECTION.split(doc)
    sections = zip(rest[::2], rest[1::2], strict=True)
    said = [first, *(text for name, text in sections if name in _SAYS)]
    paragraphs = [" ".join(one.split()) for text in said for one in text.split("\n\n")]
    return [_marked_up(one) for one in paragraphs if one]


def _marked_up(text: str) -> str:
    """One paragraph of a docstring."""
    done: list[str] = []
    at = 0
    for found in _MARKED.finditer(text):
        done.append(escape(text[at : found.start()], quote=False))
        if doi := found["doi"]:
            done.append(f'<a href="https://doi.org/{escape(doi)}">doi {escape(doi)}</a>')
        else:
            done.append(quoted((found["role"] or found["quoted"]).lstrip(".~")))
        at = found.end()
    return "".join([*done, escape(text[at:], quote=False)])


def quoted(name: str) -> str:
    """A name of the code in a sentence."""
    return f"<code>{escape(name)}</code>"


def paragraphs(texts: Iterable[str]) -> str:
    """Paragraphs, below each other."""
    return "".join(f"<p>{text}</p>" for text in texts)


def coloured(code: str, language: str = "python") -> str:
    """A block of code."""
    block = pygments.highlight(code, get_lexer_by_name(language), _formatter())
    return f'<div class="highlight-{language} notranslate">{block.rstrip()}</div>'


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter()


def fold(title: str, *parts: str) -> str:
    """What opens when its title is touched."""
    return f'<details class="fold"><summary>{title}</summary>{"".join(parts)}</details>'


def source(one: Definition, constants: Iterable[Definition] = (), title: str = "") -> str:
    """A definition as it is written, folded, the constants that it reads above it.

    Parameters
    ----------
    one : Definition
    constants : iterable of Definition
    title : str
        Of the fold, in HTML; by default the place, which else stands above the code.
    """
    place = f"{escape(one.file)}, line {one.line}"
    above = "\n".join(c.source for c in constants)
    parts = [f"<p>{place}:</p>" if title else "", coloured(above) if above else ""]
    return fold(title or place, *parts, coloured(one.source))


def as_it_stands(html: str) -> str:
    """HTML for a page in MyST, which leaves it alone."""
    longest = max((len(run) for run in re.findall("^`{3,}", html, re.M)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{{raw}} html\n{html}\n{fence}"
