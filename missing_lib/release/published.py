"""What has passed the gate: numbers, tables, figures and sentences that hold only safe values."""

from __future__ import annotations

import hashlib
import html
import json
import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

#: The only kind of output that a chapter may leave behind.
MIME = "application/vnd.missing-book.published+json"

HIDDEN_SHARE = "not shown"
NOT_AVAILABLE = "not available"
#: P values below this are shown as such.
SMALLEST_P = 0.001


@dataclass(frozen=True)
class Number:
    """One published number.

    Attributes
    ----------
    name : str
        Unique in its chapter.
    value : float
        Safe value: a rounded count, a fraction rounded to whole per cent, or two significant
        digits. NaN where hidden or not available.
    text : str
        As it stands in a sentence.
    low, high : float
        Safe interval, NaN where there is none.
    interval_text : str
        As it stands in a sentence, empty where there is none.
    hidden : bool
        True where a rule hides it.
    unit : {"person", "incident", ""}
        What a count counts; empty for everything else.
    since : str
        Day of the earlier release whose value this is, in words; empty for today's.
    exact : float
        The value on this machine; never written anywhere.
    """

    name: str
    value: float
    text: str
    low: float = math.nan
    high: float = math.nan
    interval_text: str = ""
    hidden: bool = False
    unit: str = ""
    since: str = ""
    exact: float = field(default=math.nan, repr=False)

    @property
    def status(self) -> str:
        """Shown, kept from an earlier release, hidden, "fewer than" so many, not applicable."""
        if not self.hidden:
            shown = "kept" if self.since else "shown"
            return "not applicable" if math.isnan(self.value) else shown
        return "hidden" if self.text == HIDDEN_SHARE else self.text

    def __str__(self) -> str:
        return self.text

    def _ipython_display_(self) -> None:
        """Show nothing: numbers stand in sentences."""


@dataclass(frozen=True)
class Shown:
    """A table, figure or sentence as it goes into the book.

    Attributes
    ----------
    name : str
        Unique in its chapter.
    payload : dict
        Everything the page shows, safe and ready to print.
    frame : DataFrame
        Safe values of a table, for figures; empty otherwise.
    """

    name: str
    payload: dict[str, Any]
    frame: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    def _ipython_display_(self) -> None:
        """Show nothing more: the gate has shown it already."""


def digest(payload: dict[str, Any]) -> str:
    """Fingerprint of a payload, the same on every machine."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def as_html(payload: dict[str, Any]) -> str:
    """A payload for a notebook that is open on the analyst's screen; the book draws its own."""
    if payload["kind"] == "figure":
        return str(payload["svg"])
    if payload["kind"] in ("text", "stop"):
        return f"<p>{html.escape(payload['text'])}</p>"
    if payload["kind"] == "example":
        return f"<pre>{html.escape(payload['text'])}</pre>"
    if payload["kind"] == "answers":
        return "".join(f"<p>{html.escape(a['sentence'])}</p>" for a in payload["answers"])
    head = "".join(f"<th>{html.escape(h)}</th>" for h in payload["header"])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in payload["rows"]
    )
    caption = html.escape(payload["title"])
    return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"


def plain(level: Any) -> str:
    """A level or column name in words a reader would use.

    Examples
    --------
    >>> plain("no_apparent_risk"), plain(pd.Period("2014-05", "M")), plain(True)
    ('no apparent risk', '2014-05', 'yes')
    """
    if isinstance(level, bool):
        return "yes" if level else "no"
    if isinstance(level, float) and level.is_integer():
        return f"{level:,.0f}"
    return str(level).replace("_", " ")


def count_text(count: float) -> str:
    """A rounded count with thousands separated."""
    return f"{count:,.0f}"


def kept_text(count: float, since: str) -> str:
    """A count of an earlier release, with its day.

    Examples
    --------
    >>> kept_text(1250.0, "31 March 2016")
    '1,250 (as of 31 March 2016)'
    """
    return f"{count_text(count)} (as of {since})"


def constant_text(value: object) -> str:
    """A definition in a sentence; a year is written as text, so that it gets no separator.

    Examples
    --------
    >>> constant_text(1325.44), constant_text(18.0), constant_text("2016")
    ('1,325.44', '18', '2016')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,}"


def percent_text(fraction: float) -> str:
    """A fraction as whole per cent.

    Examples
    --------
    >>> percent_text(0.88)
    '88 %'
    """
    return f"{100 * fraction:.0f} %"


def value_text(value: float) -> str:
    """A number of two significant digits.

    Examples
    --------
    >>> value_text(0.65), value_text(1200.0), value_text(2.0), value_text(0.5)
    ('0.65', '1,200', '2.0', '0.50')
    """
    if math.isnan(value):
        return NOT_AVAILABLE
    size = abs(value)
    if size >= 10:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.1f}"
    return "0" if size == 0 else f"{value:.{1 - math.floor(math.log10(size))}f}"


def p_text(p: float) -> str:
    """A p value: two significant digits, never smaller than one in a thousand.

    Examples
    --------
    >>> p_text(0.000012), p_text(0.0312)
    ('< 0.001', '0.031')
    """
    if math.isnan(p):
        return NOT_AVAILABLE
    return f"< {SMALLEST_P}" if p < SMALLEST_P else value_text(float(f"{p:.2g}"))
