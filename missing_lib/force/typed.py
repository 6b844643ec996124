"""The text of values that Excel, Parquet and databases deliver with a type.

A date or clock time that has a type needs no format: its text is ISO 8601 after :data:`TYPED`,
by which :mod:`missing_lib.force.times` knows it from a text that a declared format must fit. At
midnight it is the date alone. Whole numbers lose their ``.0``; truth values are ``true`` and
``false``; whatever is missing is empty.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

#: Stands before the text of a typed date or time; a sign that no writing system uses.
TYPED = "\ue000"
#: Texts in little memory; comparisons give plain truth values.
TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)
#: Types whose text is that of the value.
_PLAIN = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean,
    pa.types.is_null,
)  # fmt: skip
#: Whole numbers up to here are exact as floats.
_EXACT = 2.0**53


def series(texts: pa.ChunkedArray | pa.Array | Sequence[str]) -> pd.Series:
    """Texts as a column."""
    if not isinstance(texts, pa.ChunkedArray):
        texts = pa.chunked_array([pa.array(texts, type=pa.large_string())])
    text = texts.cast(pa.large_string())
    return pd.Series(pd.array(text, dtype=TEXT))


def arrow_texts(text: pd.Series) -> pa.Array:
    """A column as one array of texts, missing ones null."""
    whole = pa.array(text, from_pandas=True)
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.combine_chunks()
    return whole.cast(pa.large_string())


def is_in(text: pd.Series, known: pd.Series) -> pd.Series:
    """Which texts are among the known ones, by a hash table in place of pandas' detour.

    Examples
    --------
    >>> is_in(series(["a", "b"]), series(["b", "c"])).tolist()
    [False, True]
    """
    found = pc.is_in(arrow_texts(text), value_set=arrow_texts(known), skip_nulls=True)
    return pd.Series(found.to_numpy(zero_copy_only=False), index=text.index)


def frame(header: list[str], columns: Iterable[pa.ChunkedArray]) -> pd.DataFrame:
    """A frame of texts; names may occur twice."""
    made = {number: series(column) for number, column in enumerate(columns)}
    rows = pd.DataFrame(made, columns=range(len(header)))
    if not made or not len(rows):
        rows = rows.astype(TEXT)
    return rows.set_axis(pd.Index(header, dtype=object), axis=1)


def cell_text(value: Any) -> str:
    """The text of one value.

    Examples
    --------
    >>> [cell_text(v) for v in (None, 1971.0, 2.5, True, dt.time(9, 30))]
    ['', '1971', '2.5', 'true', '09:30:00']
    """
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (float, Decimal)):
        return _number(value)
    if isinstance(value, dt.datetime):
        text = value.isoformat(" ")
        return TYPED + text.removesuffix(" 00:00:00")
    if isinstance(value, dt.date):
        return TYPED + value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return str(value)


def _number(value: float | Decimal) -> str:
    if isinstance(value, float) and abs(value) < _EXACT and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite():
        whole = value == value.to_integral_value()
        return str(int(value)) if whole else format(value.normalize(), "f")
    return repr(value) if isinstance(value, float) else str(value)


def column_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts of a typed column, as :func:`cell_text` would give them one by one."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values)
    if any(fits(kind) for fits in _PLAIN):
        text = values.cast(pa.large_string())
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        text = _moment_text(values)
    else:
        if pa.types.is_nested(kind):
            return pa.chunked_array([[cell_text(v) for v in values.to_pylist()]], pa.large_string())
        distinct = values.dictionary_encode().combine_chunks()
        words = pa.array([cell_text(v) for v in distinct.dictionary.to_pylist()], pa.large_string())
        text = pa.chunked_array([words.take(distinct.indices)])
    return pc.fill_null(text, "")


def _moment_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO 8601 of dates or clock times, with the offset where the column has a zone."""
    if pa.types.is_date64(values.type):
        values = values.cast(pa.date32())
    text = values.cast(pa.large_string())
    text = pc.replace_substring_regex(text, r"\.0+($|[-+Z])", r"\1")
    text = pc.replace_substring_regex(text, " 00:00:00$", "")
    mark, nothing = (pa.scalar(one, pa.large_string()) for one in (TYPED, ""))
    return pc.binary_join_element_wise(mark, text, nothing)


def without_mark(text: pd.Series) -> pd.Series:
    """Texts as people read them."""
    marked = text.str.startswith(TYPED)
    return text.where(~marked, text.str.removeprefix(TYPED)) if marked.any() else text
