"""Days that a text names, in the ways in which dates are usually written."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

_ANY_YEAR = re.compile(r"(?:19|20)\d\d")
#: Signs before and after a year within which its day and month stand.
_BEFORE, _AFTER = 24, 8

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_FORMS = tuple(
    re.compile(rf"(?<![^\W_]){form}(?!\d)", re.IGNORECASE)
    for form in (
        rf"{_YEAR}[-/.](?P<one>\d{{1,2}})[-/.](?P<other>\d{{1,2}})",
        rf"(?P<one>\d{{1,2}})[-/.](?P<other>\d{{1,2}})[-/.]{_YEAR}",
        rf"{_YEAR}(?P<one>\d\d)(?P<other>\d\d)",
        rf"date(?:time)?\({_YEAR}, ?(?P<one>\d{{1,2}}), ?(?P<other>\d{{1,2}})",
        rf"{_DAY}[\s.-]{{1,3}}(?:of )?{_MONTH}[\s.,-]{{1,3}}{_YEAR}",
        rf"{_MONTH}[\s.-]{{1,3}}{_DAY}[\s.,-]{{1,3}}{_YEAR}",
    )
)


def days_in(text: str) -> Iterator[dt.date]:
    """Days that a text names, in any order; where day and month may be exchanged, both readings.

    Examples
    --------
    >>> [day.isoformat() for day in days_in("born 3 May 2004, seen 14/03/2015, not 2015-16")]
    ['2015-03-14', '2004-05-03']
    >>> [day.isoformat() for day in days_in("2/1/2004, 20040513")]
    ['2004-02-01', '2004-01-02', '2004-05-13']
    """
    near = "\n".join(_around_years(text))
    for form in _FORMS:
        for found in form.finditer(near):
            yield from _read(found.groupdict())


def _around_years(text: str) -> Iterator[str]:
    """The parts of a text in which a date can stand."""
    begin = end = 0
    for year in _ANY_YEAR.finditer(text):
        if year.start() - _BEFORE > end:
            yield text[begin:end]
            begin = year.start() - _BEFORE
        end = year.end() + _AFTER
    yield text[begin:end]


def _read(part: dict[str, str]) -> Iterator[dt.date]:
    year = int(part["year"])
    if "month" in part:
        month, day = _MONTHS.index(part["month"][:3].casefold()) + 1, int(part["day"])
        readings = {(month, day)}
    else:
        one, other = int(part["one"]), int(part["other"])
        readings = {(one, other), (other, one)}
    for month, day in sorted(readings, reverse=True):
        try:
            yield dt.date(year, month, day)
        except ValueError:
            continue
