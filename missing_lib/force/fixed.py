"""Read dates of fixed width many at a time; whatever is in doubt is left to the slower reader."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from missing_lib.force.typed import arrow_texts

#: Width of each part of a format that is always written with all its digits.
_WIDTHS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
#: Years that instants in nanoseconds can hold in full.
_FIRST_YEAR, _LAST_YEAR = 1678, 2261
_LIMITS = {"%H": 24, "%M": 60, "%S": 60}


def parse_fixed(text: pd.Series, one: str) -> pd.Series | None:
    """Local clock times of texts that a format of fixed width fits digit by digit.

    Parameters
    ----------
    text : Series of str
    one : str
        Such as ``%d/%m/%Y %H:%M``.

    Returns
    -------
    Series of datetime64[ns] or None
        Missing where the text is anything else, such as ``1/7/2020``, which another reader may
        still know; None for a format whose width is not fixed.

    Examples
    --------
    >>> parse_fixed(pd.Series(["31/12/2020", "31/11/2020", "1/12/2020"]), "%d/%m/%Y").tolist()
    [Timestamp('2020-12-31 00:00:00'), NaT, NaT]
    >>> parse_fixed(pd.Series(["31 Dec 2020"]), "%d %b %Y") is None
    True
    """
    layout = _layout(one)
    if layout is None:
        return None
    parts, signs, width = layout
    texts = arrow_texts(text)
    fits = pc.equal(pc.binary_length(texts), width).to_numpy(zero_copy_only=False)
    mine = texts.filter(pa.array(fits))
    start = np.frombuffer(mine.buffers()[1], dtype=np.int64)[mine.offset] if len(mine) else 0
    content = np.frombuffer(mine.buffers()[2] or b"", dtype=np.uint8)
    cells = content[start : start + width * len(mine)].reshape(len(mine), width)
    good = np.ones(len(mine), dtype=bool)
    for place, sign in signs:
        good &= cells[:, place] == sign
    values = {}
    for name, place in parts.items():
        digits = cells[:, place : place + _WIDTHS[name]] - np.uint8(ord("0"))
        good &= (digits < 10).all(axis=1)
        values[name] = digits @ (10 ** np.arange(_WIDTHS[name])[::-1])
    out = np.full(len(text), np.datetime64("NaT"), dtype="datetime64[ns]")
    out[np.flatnonzero(fits)[good]] = _moments({name: v[good] for name, v in values.items()})
    return pd.Series(out, index=text.index)


def _layout(one: str) -> tuple[dict[str, int], list[tuple[int, int]], int] | None:
    """Where each part of a format stands, the signs between them, and the width of all."""
    parts: dict[str, int] = {}
    signs: list[tuple[int, int]] = []
    place = at = 0
    while at < len(one):
        name = one[at : at + 2]
        if name in _WIDTHS and name not in parts:
            parts[name] = place
            place, at = place + _WIDTHS[name], at + 2
            continue
        sign = one[at]
        if sign == "%" or sign.isalnum() or not sign.isascii():
            return None
        signs.append((place, ord(sign)))
        place, at = place + 1, at + 1
    return (parts, signs, place) if {"%Y", "%m", "%d"} <= set(parts) else None


def _moments(values: dict[str, np.ndarray]) -> np.ndarray:
    """Calendar days with clock times; NaT where there is no such day or hour."""
    year, month, day = (values[name].astype(np.int64) for name in ("%Y", "%m", "%d"))
    good = (year >= _FIRST_YEAR) & (year <= _LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(good, day - 1, 0)
    good &= days.astype("datetime64[M]") == months
    seconds = np.zeros(len(days), dtype=np.int64)
    for name, weight in (("%H", 3600), ("%M", 60), ("%S", 1)):
        if name in values:
            good &= values[name] < _LIMITS[name]
            seconds += weight * values[name]
    moments = days.astype("datetime64[s]") + seconds
    moments[~good] = np.datetime64("NaT")
    return moments.astype("datetime64[ns]")
