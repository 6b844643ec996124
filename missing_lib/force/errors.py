"""What goes wrong, sorted by who can mend it; each kind has its exit code."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable, Iterator, Sequence

#: Names of columns that a message lists at most.
MOST_NAMES = 20


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


def together(problems: Sequence[BookError]) -> BookError:
    """All problems as one, with the exit code of the first."""
    return type(problems[0])([line for problem in problems for line in problem.problems])


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


def near_column(name: str, there: Iterable[str], wanted: Iterable[str]) -> str:
    """The end of a message on a column that is not there: the nearest name, or all there are.

    Only where the first row is a header for sure, as one wanted name is in it, are names said
    that are not alike, and none that holds a digit, as most values do; of another row that holds
    a digit, which may be one of data, nothing is said.

    Examples
    --------
    >>> near_column("GENDRE", ["NOMINAL", "GENDER"], ["NOMINAL"])
    " (did you mean 'GENDER'?)"
    >>> near_column("AGE", ["NOMINAL", "GENDER", "N1"], ["NOMINAL"])
    '; there are: NOMINAL, GENDER, ...'
    >>> near_column("PERSON", ["N1", "Pearson"], ["NOMINAL"])
    ''
    """
    names = [one for one in there if one and one.isprintable()]
    sure = bool(set(names) & set(wanted))
    plain = [one for one in names if not any(sign.isdigit() for sign in one)]
    if not sure and plain != names:
        return ""
    near = suggestion(name, names)
    if near or not sure:
        return near
    listed = plain[:MOST_NAMES]
    return f"; there are: {', '.join([*listed, *['...'] * (len(listed) < len(names))])}"


def trace_of(problem: BaseException) -> list[str]:
    """Where an exception was raised, without its message, which may quote a value.

    Returns
    -------
    list of str
        Its type, then file, line and function of each frame, the innermost last; before them
        the same of every exception that led to it. What our own errors say quotes no value and
        stands below the type.
    """
    return [line for one in reversed(list(_chain(problem))) for line in _frames(one)]


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """An exception and those that led to it, the last first."""
    seen: set[int] = set()
    one: BaseException | None = problem
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _frames(problem: BaseException) -> Iterator[str]:
    kind = type(problem)
    yield kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    yield from problem.problems if isinstance(problem, BookError) else ()
    for frame, line in traceback.walk_tb(problem.__traceback__):
        yield f"  {frame.f_code.co_filename}:{line}, in {frame.f_code.co_name}"
