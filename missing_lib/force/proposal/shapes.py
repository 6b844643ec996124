"""What the values of one column look like: dates, clock times, numbers or codes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

#: Distinct values up to which a column may hold codes.
FEW = 1000
#: Share of values from which on a column holds dates, and of those below which a way of writing
#: is taken for a slip.
MOST, SLIP = 0.6, 0.002
#: Ways of writing that are listed at most.
WAYS = 6

_CLOCK = r"\d{1,2}:\d\d(?P<sec>:\d\d)?(?P<frac>\.\d+)?(?P<half> ?[AaPp][Mm])?"
_TAIL = (
    rf"(?:(?P<gap>T|, | |:){_CLOCK}(?P<zone> ?(?:Z|[+-]\d\d:?\d\d)| (?:UTC|GMT))?"
    r"(?P<named>\[[^\]]*\])?)?"
)
#: Three parts with signs between them; month before day in words; and run together, as 05JAN2016.
_PATTERNS = tuple(
    re.compile(rf"(?P<weekday>[A-Za-z]{{3,9}},? )?{body}{_TAIL}")
    for body in (
        r"(?P<a>\d{1,4})(?P<sign>[-/. ])(?P<b>\d{1,2}|[A-Za-z]{3,9})(?P<then>(?P=sign))"
        r"(?P<c>\d{4}|\d{1,2})",
        r"(?P<b>[A-Za-z]{3,9})(?P<sign> )(?P<a>\d{1,2})(?P<then>,? )(?P<c>\d{4})",
        r"(?P<a>\d\d)(?P<sign>)(?P<b>[A-Za-z]{3})(?P<then>)(?P<c>\d{4}|\d\d)",
    )
)
_CLOCK_ONLY = re.compile(_CLOCK)
_DAY = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_MINUTE = r"(?:[01]\d|2[0-3])[0-5]\d"
#: Numbers and the format that they would have if they were dates or clock times.
_NUMBERS = (
    (re.compile(_DAY), "%Y%m%d"),
    (re.compile(_DAY + _MINUTE), "%Y%m%d%H%M"),
    (re.compile(_DAY + _MINUTE + r"[0-5]\d"), "%Y%m%d%H%M%S"),
    (re.compile(r"(?:19|20)\d\d"), "%Y"),
    (re.compile(r"(?:19|20)\d\d(?:\.0)?"), "%Y.0"),
    (re.compile(r"[2-5]\d{4}(?:[.,]\d+)?"), "excel"),
    (re.compile(_MINUTE), "%H%M"),
)
#: Formats of numbers that are dates or times only if the column's name says so.
_DOUBTFUL = ("%Y", "%Y.0", "excel", "%H%M")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_EPOCH = re.compile(r"1[0-9]\d{8}(?:\d{3})?(?:\.0)?")


@dataclass(frozen=True)
class Shape:
    """What the values of one column look like.

    Attributes
    ----------
    kind : {"empty", "date", "moment", "clock", "number", "epoch", "other"}
        A moment is a date with a clock time, a clock is a time alone, an epoch is a number of
        seconds since 1970.
    formats : tuple of str
        Ways in which dates or clock times are written, the most frequent first.
    order : {"", "sure", "unsure", "mixed"}
        Whether a value shows which number is the day and which is the month.
    unique : bool
        No value occurs twice.
    codes : frozenset of str
        Distinct values if there are few, for comparison with code books; never written.
    stray : bool
        Some values are no dates although most are.
    blank : bool
        Some cells are blank.
    """

    kind: str
    formats: tuple[str, ...] = ()
    order: str = ""
    unique: bool = False
    codes: frozenset[str] = field(default=frozenset(), repr=False)
    stray: bool = False
    blank: bool = False

    @property
    def dated(self) -> bool:
        """True where the values are dates, with or without a clock time."""
        return self.kind in ("date", "moment")

    @property
    def iso(self) -> bool:
        """True where all values are written as ISO 8601, year first, as nothing else is."""
        return all(one.startswith("%Y-%m-%d") and "%Z" not in one for one in self.formats)

    @property
    def month_first(self) -> bool:
        """True where the month is a number that stands before the day."""
        return any(one.startswith("%m") for one in self.formats)


def looks_like_a_value(name: str) -> bool:
    """Whether what stands in a header is rather a value: a date, a number or an address."""
    dated = _dated(name) or _CLOCK_ONLY.fullmatch(name)
    return bool(dated or re.fullmatch(r"[\d.,+ /:-]*\d[\d.,+ /:-]*", name) or "@" in name)


def shape_of(values: Iterable[str], month_first: bool = False) -> Shape:
    """The shape of a column's values.

    Parameters
    ----------
    values : iterable of str
    month_first : bool
        What is taken where no value shows whether day or month comes first.

    Examples
    --------
    >>> shape_of(["13/02/2020 10:00", "01/02/2020 11:30"]).formats
    ('%d/%m/%Y %H:%M',)
    >>> shape_of(["01/02/2020", "02/03/2021"]).order
    'unsure'
    >>> shape_of(["Jan 5, 2016", "Feb 12, 2016"]).formats
    ('%b %d, %Y',)
    """
    count = Counter(value for value in values if value)
    total = sum(count.values())
    if not total:
        return Shape("empty")
    unique = max(count.values()) == 1
    codes = frozenset(count) if len(count) <= FEW else frozenset()
    found = _dates(count, month_first) or _clocks(count) or _numbers(count)
    if found is None:
        return Shape("other", unique=unique, codes=codes)
    return Shape(found.kind, found.formats, found.order, unique, codes, found.stray)


def _dated(value: str) -> re.Match[str] | None:
    return next((m for pattern in _PATTERNS if (m := pattern.fullmatch(value))), None)


def _dates(count: Counter[str], month_first: bool) -> Shape | None:
    """Formats of dates; the order of day and month is settled by the values alone."""
    found = {value: match for value in count if (match := _dated(value))}
    total, dated = sum(count.values()), sum(count[value] for value in found)
    if dated < MOST * total:
        return None
    numeric = {v: m for v, m in found.items() if len(m["a"]) < 4 and m["b"].isdigit()}
    first = sum(count[v] for v, m in numeric.items() if int(m["a"]) > 12)
    second = sum(count[v] for v, m in numeric.items() if int(m["b"]) > 12)
    order = "mixed" if first and second else "sure" if first or second or not numeric else "unsure"
    month_first = second > first or (order == "unsure" and month_first)
    ways: Counter[str] = Counter()
    for value, match in found.items():
        ways[_format(match, month_first)] += count[value]
    formats = tuple(_usual(ways))
    kind = "moment" if any("%H" in one or "%I" in one for one in formats) else "date"
    return Shape(kind, formats, order, stray=dated < total)


def _format(match: re.Match[str], month_first: bool) -> str:
    """How one date is written."""
    word = "" if match["b"].isdigit() else "%b" if len(match["b"]) == 3 else "%B"
    year = "%Y" if max(len(match["a"]), len(match["c"])) == 4 else "%y"
    if match.start("b") < match.start("a"):
        parts = [word, "%d", year]
    elif len(match["a"]) == 4:
        parts = [year, word or "%m", "%d"]
    elif month_first and not word:
        parts = ["%m", "%d", year]
    else:
        parts = ["%d", word or "%m", year]
    date = parts[0] + match["sign"] + parts[1] + match["then"] + parts[2]
    if match["weekday"]:
        bare = match["weekday"].rstrip(" ,")
        date = ("%a" if len(bare) == 3 else "%A") + match["weekday"][len(bare) :] + date
    return date + match["gap"] + _clock_format(match) + _zone(match) if match["gap"] else date


def _zone(match: re.Match[str]) -> str:
    zone = match["zone"] or ""
    if zone.endswith(("UTC", "GMT")):
        return " %Z"
    return (" " if zone.startswith(" ") else "") + "%z" if zone else ""


def _clock_format(match: re.Match[str]) -> str:
    hour = "%I" if match["half"] else "%H"
    seconds = ":%S" if match["sec"] else ""
    parts = ".%f" if match["frac"] else ""
    half = match["half"].upper().replace("AM", "%p").replace("PM", "%p") if match["half"] else ""
    return f"{hour}:%M{seconds}{parts}{half}"


def _clocks(count: Counter[str]) -> Shape | None:
    found = {value: match for value in count if (match := _CLOCK_ONLY.fullmatch(value))}
    if sum(count[v] for v in found) < MOST * sum(count.values()):
        return None
    ways: Counter[str] = Counter()
    for value, match in found.items():
        ways[_clock_format(match)] += count[value]
    return Shape("clock", tuple(_usual(ways)))


def _usual(ways: Counter[str]) -> Iterator[str]:
    """Ways of writing that are no slips, the most frequent first."""
    total = sum(ways.values())
    ordered = sorted(ways.items(), key=lambda item: (-item[1], item[0]))
    for way, number in ordered[:WAYS]:
        if number > SLIP * total or number == ordered[0][1]:
            yield way


def _numbers(count: Counter[str]) -> Shape | None:
    """Numbers, with the format that they would have if they were dates."""
    total = sum(count.values())
    for pattern, one in _NUMBERS:
        if sum(count[v] for v in count if pattern.fullmatch(v)) >= 0.8 * total:
            kind = "number" if one in _DOUBTFUL else "moment" if "%H" in one else "date"
            return Shape(kind, (one,))
    if all(_EPOCH.fullmatch(value) for value in count):
        return Shape("epoch")
    if all(_NUMBER.fullmatch(value) for value in count):
        return Shape("number")
    return None
