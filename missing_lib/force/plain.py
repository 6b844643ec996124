"""Problems that validation finds in a force file, in plain words: place, expectation, cure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel

from missing_lib.force.errors import suggestion

#: Kind of a problem, as pydantic calls it or begins to call it, and what is expected instead.
_EXPECTED = {
    "string": "a text is expected; put it in quotes",
    "int": "a whole number is expected",
    "float": "a number is expected",
    "bool": "true or false is expected",
    "date": "a day that exists is expected, written as 2015-12-31",
    "tuple": "a list is expected, such as [a, b]",
}
_LIMITS = {
    "greater_than_equal": "{ge:g} or more is expected",
    "greater_than": "more than {gt:g} is expected",
    "less_than_equal": "{le:g} or less is expected",
    "less_than": "less than {lt:g} is expected",
}
#: Last part of a place under which keys stand, and such keys.
_BELOW = {
    "sources": "'persons:' and 'incidents:'",
    "columns": "'person_id:', each with the name of your own column",
    "recode": "'\"M\": male', each code of the extract in quotes with what it becomes",
    "on": "'ID: PERSON_NO', the other file's column with your own",
}

#: Gives the page of the force file that holds a place.
PageAt = Callable[[tuple[str | int, ...]], type[BaseModel] | None]


def plain(problem: Any, page_at: PageAt) -> Iterable[str]:
    """One problem of pydantic's as lines that say where, what is expected and what to do."""
    loc = [part for part in problem["loc"] if part not in ("[key]", "str", "bool", "parts")]
    place, kind = ".".join(str(part) for part in loc), problem["type"]
    if kind == "extra_forbidden":
        page = page_at(problem["loc"][:-1])
        near = suggestion(str(loc[-1]), page.model_fields if page else ())
        return [f"unknown key '{place}'{near}; correct or remove it"]
    if kind == "no_file":
        return [f"the key '{place}.file' is missing (a database needs 'query' and 'connection')"]
    if kind == "missing":
        hint = " (only 'kind: official' goes without)" if place == "sources" else ""
        return [f"the key '{place}' is missing{hint}"]
    if kind == "value_error" and loc in (["sources"], ["rules"]):
        return problem["msg"].removeprefix("Value error, ").splitlines()
    if "[key]" in problem["loc"]:
        what = "code" if "recode" in loc else "name"
        above = ".".join(str(part) for part in loc[:-1])
        return [f"{above}: the {what} {problem['input']} is no text; put it in quotes"]
    return [f"{place}: {_expected(problem, loc, page_at)}"]


def _expected(problem: Any, loc: list[str | int], page_at: PageAt) -> str:
    kind = problem["type"]
    if kind == "string_pattern_mismatch":
        return "use lower-case letters and digits, with hyphens between words"
    if kind == "greater_than_equal" and loc[0] == "policy":
        return f"can only be stricter than the default, {problem['ctx']['ge']} or more"
    if problem["input"] is None and kind.endswith("_type"):
        return "nothing is given; fill it in"
    if kind in ("model_type", "dict_type"):
        return f"keys are expected below it, such as {_below(loc, page_at)}"
    if kind in _LIMITS:
        return _LIMITS[kind].format(**problem["ctx"])
    known = _EXPECTED.get(kind.split("_")[0])
    message: str = problem["msg"].removeprefix("Value error, ")
    return known or f"{message[0].lower()}{message[1:]}"


def _below(loc: list[str | int], page_at: PageAt) -> str:
    """Keys that stand below a place."""
    if str(loc[-1]) in _BELOW:
        return _BELOW[str(loc[-1])]
    if len(loc) in (2, 3) and loc[0] == "sources":
        return "'file:' and 'columns:'"
    page = page_at((*loc, ""))
    first = list(page.model_fields)[:2] if page else []
    return " and ".join(f"'{name}:'" for name in first) or "'name:'"
