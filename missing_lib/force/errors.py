"""What goes wrong, sorted by who can mend it; each kind has its exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BookError(Exception):
    """A problem said in plain words, one line each; never holds a personal value.

    Attributes
    ----------
    problems : tuple of str
        All problems found, not only the first.
    exit_code : int
        What the command line returns.
    """

    exit_code = 70

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ContractError(BookError):
    """The force file, the extract or the call is not what was agreed: the analyst can mend it."""

    exit_code = 2


class ExecutionError(BookError):
    """A chapter failed while it ran."""

    exit_code = 3


class DisclosureError(BookError):
    """Something tried to leave that may not."""

    exit_code = 4


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a message that names the nearest known word, or nothing.

    Examples
    --------
    >>> suggestion("chidren", ["children", "adults"])
    " (did you mean 'children'?)"
    >>> suggestion("xyz", ["children", "adults"])
    ''
    """
    plain = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), list(plain), n=1, cutoff=0.6)
    return f" (did you mean {plain[near[0]]!r}?)" if near else ""
