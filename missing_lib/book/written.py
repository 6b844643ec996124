"""Python as a reader of the book sees it: definitions, folded source, folded tests; in MyST."""

from __future__ import annotations

import re
from collections.abc import Iterable

from missing_lib.book.sources import Definition
from missing_lib.book.weave import escaped

#: Sections of a numpy docstring that say what a function computes; the others say how to call it.
_SAYS = ("References", "Notes")
_SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", re.M)
_DOI = re.compile(r"\bdoi:? (10\.\d{4,9}/\S*[^\s.,;)])")
_ROLE = re.compile(r":[a-z]+:`([^`]*)`")
_QUOTED = re.compile(r"``([^`]+)``")


def definition(doc: str) -> str:
    r"""What a docstring says of formula and source, each DOI a link; not how to call it.

    Examples
    --------
    >>> print(definition("Gini.\n\nG, doi 10.1000/a_b.\n\nParameters\n----------\nx : int"))
    Gini.
    <BLANKLINE>
    G, [doi 10.1000/a\_b](https://doi.org/10.1000/a_b).
    """
    first, *rest = _SECTION.split(doc)
    said = [
        first,
        *(text for name, text in zip(rest[::2], rest[1::2], strict=True) if name in _SAYS),
    ]
    paragraphs = [" ".join(one.split()) for text in said for one in text.split("\n\n")]
    return "\n\n".join(_marked_up(one) for one in paragraphs if one)


def _marked_up(text: str) -> str:
    """One paragraph of a docstring in MyST."""
    done: list[str] = []
    at = 0
    patterns = re.compile("|".join(f"(?:{p.pattern})" for p in (_DOI, _ROLE, _QUOTED)))
    for found in patterns.finditer(text):
        doi, role, quoted = found.groups()
        done.append(escaped(text[at : found.start()]))
        if doi:
            done.append(f"[doi {escaped(doi)}](https://doi.org/{doi})")
        else:
            done.append(f"`{(role or quoted).lstrip('.~')}`")
        at = found.end()
    return "".join([*done, escaped(text[at:])])


def code(text: str, language: str = "python") -> str:
    """A block of code."""
    return _fenced("`", language, text)


def block(head: str, *parts: str) -> str:
    """A directive with blocks in it; ``head`` is its name in braces and what follows on the line.

    Examples
    --------
    >>> print(block("{div} step", "one", block("{dropdown} `two`", "three")))
    ::::{div} step
    one
    <BLANKLINE>
    :::{dropdown} `two`
    three
    :::
    ::::
    """
    return _fenced(":", head, "\n\n".join(part for part in parts if part))


def source(one: Definition, constants: Iterable[Definition] = (), title: str = "") -> str:
    """A definition as it is written, folded, the constants that it reads above it.

    Parameters
    ----------
    one : Definition
    constants : iterable of Definition
    title : str
        MyST text; by default the place, which else stands above the code.
    """
    place = f"{escaped(one.file)}, line {one.line}"
    above = code("\n".join(c.source for c in constants)) if constants else ""
    where = f"{place}:" if title else ""
    return block(f"{{dropdown}} {title or place}", where, above, code(one.source))


def _fenced(sign: str, head: str, body: str) -> str:
    """Text between two fences that are longer than any fence in it."""
    longest = max((len(run) for run in re.findall(f"^{sign}{{3,}}", body, re.M)), default=2)
    fence = sign * (longest + 1)
    return f"{fence}{head}\n{body}\n{fence}"
