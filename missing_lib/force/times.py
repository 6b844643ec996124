"""Dates and clock times by their declared formats; nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.force.fixed import parse_fixed
from missing_lib.force.mapping import EXCEL, EXCEL_1904
from missing_lib.force.typed import TYPED

ISO_DATE = "%Y-%m-%d"

#: Words that pandas reads as the moment of reading, and a date that is cut short.
_NOT_A_DATE = r"now|today|\d{4}(?:[-/. ]?\d{1,2})?"
#: Midnight in a clock time with an offset.
_MIDNIGHT = r"[T ]00:00(?::00(?:\.0+)?)?(?:Z|z|[+-]\d\d(?::?\d\d)?)$"
#: An offset at the end of a clock time, with or without the name of a zone in brackets.
OFFSET = r"[T ]\d\d.*?(?:Z|z|[+-]\d\d(?::?\d\d)?)$"
#: Day zero of a spreadsheet's day numbers; before day 61 they count a day that never was.
_DAY_ZERO = {EXCEL: ("1899-12-30", 61), EXCEL_1904: ("1904-01-01", 0)}
#: Numbers of a format without a sign between them, and the digits of each.
_RUN_TOGETHER = re.compile("%[YymdHIMS]%[YymdHIMSf]")
_DIGITS = {"%Y": r"\d{4}", **dict.fromkeys(("%y", "%m", "%d", "%H", "%I", "%M", "%S"), r"\d\d")}
_IN_WORDS = {EXCEL: "day numbers of a spreadsheet", EXCEL_1904: "day numbers from 1904"}
#: Day number after which pandas has no dates (in the year 2262).
_LAST_DAY = 130_000


@dataclass(frozen=True)
class Instants:
    """Clock times as instants.

    Attributes
    ----------
    instants : Series of datetime64[ns, UTC]
    twice, never : int
        Clock times that occur twice, and that do not occur, where clocks change.
    """

    instants: pd.Series
    twice: int
    never: int


def in_words(formats: tuple[str, ...], kind: str) -> str:
    """The formats for a message.

    Examples
    --------
    >>> in_words(("%d/%m/%Y", "%Y-%m-%d"), "date")
    '%d/%m/%Y or %Y-%m-%d'
    """
    usual = {"date": "2020-12-31", "time": "2020-12-31 23:59 or 2020-12-31T23:59:00Z"}
    return " or ".join(_IN_WORDS.get(one, one) for one in formats) or usual[kind]


def local_day(times: pd.Series, time_zone: str) -> pd.Series:
    """Local calendar days of instants."""
    return times.dt.tz_convert(time_zone).dt.tz_localize(None).dt.normalize()


@dataclass(frozen=True)
class _Located:
    """Instants of distinct texts, and which of them clock changes make unsure."""

    instants: pd.Series
    twice: pd.Series
    never: pd.Series

    def over(self, index: pd.Index) -> _Located:
        """The same, with nothing read elsewhere."""
        if self.instants.index.equals(index):
            return self
        twice, never = (one.reindex(index, fill_value=False) for one in (self.twice, self.never))
        return _Located(self.instants.reindex(index), twice, never)


def _distinct(text: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """Which of the distinct texts each row has, and the distinct texts."""
    codes, values = pd.factorize(text, use_na_sentinel=False)
    return codes, pd.Series(values, dtype=text.dtype)


def parse_dates(
    text: pd.Series, formats: tuple[str, ...], zone: str | None = None, home: str = "UTC"
) -> pd.Series:
    """Dates by the declared formats alone, in their order; what fits none is missing.

    A date is the day that is written. Where a clock time follows with an offset, or the column
    has a zone of its own, it is the day on which that instant fell at home; midnight exactly is
    no instant but a date that a system wrote as one. What a spreadsheet or a database delivers
    as a date needs no format.

    Parameters
    ----------
    text : Series of str
    formats : tuple of str
    zone : str, optional
        Zone of clock times without an offset; that of home if not given.
    home : str
        Zone in which the force's days begin.

    Examples
    --------
    >>> parse_dates(pd.Series(["03/04/2020", "2020-04-03"]), ("%d/%m/%Y",)).tolist()
    [Timestamp('2020-04-03 00:00:00'), NaT]
    >>> late = pd.Series(["2020-07-01T23:30:00Z"])
    >>> parse_dates(late, ("%Y-%m-%dT%H:%M:%S%z",), home="Europe/London")[0].date().isoformat()
    '2020-07-02'
    """
    codes, distinct = _distinct(text)
    typed = distinct.str.startswith(TYPED).astype(bool)
    days = pd.Series(pd.NaT, index=distinct.index, dtype="datetime64[ns]")
    if typed.any():
        said = distinct.where(typed, "").str.slice(1)
        days = days.fillna(_parsed(said.str.slice(0, 10), ISO_DATE))
        offset = said.str.contains(OFFSET, regex=True) & ~said.str.contains(_MIDNIGHT, regex=True)
        days = days.mask(offset, _day_at(_parse_iso(said.where(offset, ""), home), home))
        if zone not in (None, home):
            clock = typed & ~offset & (said.str.len() > len("2020-12-31"))
            days = days.mask(clock, _day_at(_parse_iso(said.where(clock, ""), zone or home), home))
    for one in formats or (ISO_DATE,):
        days = days.fillna(_days(distinct, one, zone, home))
    return pd.Series(days.to_numpy()[codes], index=text.index, dtype="datetime64[ns]")


def _days(text: pd.Series, one: str, zone: str | None, home: str) -> pd.Series:
    """Days by one format."""
    bare = text
    if "%z" in one:
        bare = text.str.replace(r"\s*(?:Z|[+-]\d\d:?\d\d)$", "", regex=True)
    local = _parsed(bare, one.replace("%z", "").rstrip())
    day = local.dt.normalize()
    if "%z" not in one and zone in (None, home):
        return day
    clock = local.notna() & (local != day)
    instants = _located(_parsed(text.where(clock, ""), one), zone or home)
    return day.mask(clock, _day_at(instants, home))


def _day_at(located: _Located, home: str) -> pd.Series:
    """The day at home of each instant."""
    return located.instants.dt.tz_convert(home).dt.tz_localize(None).dt.normalize()


def parse_times(text: pd.Series, formats: tuple[str, ...], zone: str) -> Instants:
    """Instants in UTC by the declared formats and zone.

    Without a format the text is ISO 8601, as are values that a spreadsheet or a database
    delivers as clock times. An offset in the text wins over the zone. A clock time that occurs
    twice is taken as the first, one that does not occur is moved forward to the next that does.
    """
    codes, distinct = _distinct(text)
    typed = distinct.str.startswith(TYPED).astype(bool)
    bare = distinct.str.removeprefix(TYPED) if typed.any() else distinct
    iso = bare[typed] if formats else bare
    done = _parse_iso(iso, zone).over(distinct.index)
    for one in formats:
        rest = distinct.where(done.instants.isna() & ~typed, "")
        done = _together(done, _located(_parsed(rest, one), zone))
    utc = done.instants.dt.tz_localize(None).to_numpy()[codes]
    return Instants(
        pd.Series(utc, index=text.index).dt.tz_localize("UTC"),
        twice=int(done.twice.to_numpy()[codes].sum()),
        never=int(done.never.to_numpy()[codes].sum()),
    )


def _parse_iso(text: pd.Series, zone: str) -> _Located:
    plain = text.str.replace(r"\[[^\]]*\]$", "", regex=True)
    plain = plain.mask((plain == "") | plain.str.fullmatch(_NOT_A_DATE))
    offset = plain.str.contains(OFFSET, regex=True, na=False)
    instants = pd.to_datetime(plain.where(offset), format="ISO8601", utc=True, errors="coerce")
    local = pd.to_datetime(plain.mask(offset), format="ISO8601", errors="coerce")
    return _together(_sure(instants), _located(local, zone))


def _parsed(text: pd.Series, one: str) -> pd.Series:
    """Local clock times by one format, or instants where the format has an offset."""
    if one in _DAY_ZERO:
        zero, first = _DAY_ZERO[one]
        days = pd.to_numeric(text.mask(text == ""), errors="coerce")
        days = days.where(days.between(first, _LAST_DAY)).astype(float)
        return pd.Timestamp(zero) + pd.to_timedelta(days, unit="D").dt.round("s")
    done = parse_fixed(text, one)
    rest = text if done is None else text[done.isna()]
    known = rest.mask((rest == "") | rest.isin(["now", "today"]))
    if _RUN_TOGETHER.search(one):
        known = known.where(known.str.fullmatch(_full_width(one), na=False))
    slow = pd.to_datetime(known, format=one, errors="coerce", utc="%z" in one.lower())
    return slow if done is None else done.fillna(slow)


def _full_width(one: str) -> str:
    r"""A pattern of texts that have all the digits of a format.

    Where parts of a date run together, a text that has lost a zero can be read in two ways.

    Examples
    --------
    >>> bool(re.fullmatch(_full_width("%d%m%Y"), "01112004"))
    True
    >>> bool(re.fullmatch(_full_width("%d%m%Y"), "1112004"))
    False
    """
    parts = re.split("(%.)", one)
    return "".join(
        _DIGITS.get(part, ".+") if part.startswith("%") else re.escape(part) for part in parts
    )


def _sure(instants: pd.Series) -> _Located:
    nothing = pd.Series(False, index=instants.index)
    return _Located(instants, nothing, nothing)


def _located(local: pd.Series, zone: str) -> _Located:
    """Instants of local clock times, with those marked that clock changes make unsure."""
    if local.dt.tz is not None:
        return _sure(local)
    sure = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    unsure = local[local.notna() & sure.isna()]
    first = np.ones(len(unsure), dtype=bool)
    located = unsure.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    never = unsure.dt.tz_localize(zone, ambiguous=first, nonexistent="NaT").isna()
    return _Located(
        sure.fillna(located).dt.tz_convert("UTC"),
        twice=(~never).reindex(local.index, fill_value=False),
        never=never.reindex(local.index, fill_value=False),
    )


def _together(first: _Located, then: _Located) -> _Located:
    """What was read already, and what the next format adds."""
    instants = first.instants.astype("datetime64[ns, UTC]").fillna(then.instants)
    return _Located(instants, first.twice | then.twice, first.never | then.never)
