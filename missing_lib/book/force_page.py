"""What the page on the force file shows: its keys, and how dates are written."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pydantic import BaseModel

from missing_lib.force.mapping import ColumnFrom, SharedTies, Source
from missing_lib.force.origin import Join, Origin
from missing_lib.force.rulebook import RULES
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import Definitions, ForceFile, PolicyChoice, Study, UnitCost
from missing_lib.study.predictors import FINDINGS, words

#: Section of the page -> the part of the model that it describes.
SECTIONS: dict[str, type[BaseModel]] = {
    "force": ForceFile,
    "study": Study,
    "definitions": Definitions,
    "unit_cost": UnitCost,
    "policy": PolicyChoice,
    "sources": Source,
    "join": Join,
    "columns": ColumnFrom,
    "shared": SharedTies,
}
_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false",
          "array": "list", "object": "keys and values"}  # fmt: skip
#: Keys with short forms that the model's own schema does not show.
_SHORT_FORMS = {"format": "text or list", "join": "keys below, or a list of such",
                "date": "as a column"}  # fmt: skip
_SIGNS = {",": "comma", ".": "point", '"': "double quotation mark"}
#: Ways of writing dates and clock times that cover nearly every extract.
_FORMATS = (
    ("%d/%m/%Y", "31/12/2019"),
    ("%d/%m/%Y %H:%M", "31/12/2019 23:59"),
    ("%d-%b-%Y", "31-Dec-2019"),
    ("%d.%m.%y", "31.12.19"),
    ("%m/%d/%Y %I:%M %p", "12/31/2019 11:59 PM"),
    ("%Y-%m-%d %H:%M:%S", "2019-12-31 23:59:59"),
    ("%Y%m%d", "20191231"),
    ("excel", "43830, a day number of a spreadsheet"),
    ("excel-1904", "42368, the same of a spreadsheet that counts from 1904"),
)


def keys(section: str) -> pd.DataFrame:
    """The keys of one part of the force file.

    Parameters
    ----------
    section : str
        One of :data:`SECTIONS`.

    Returns
    -------
    DataFrame
        ``key``, ``type``, ``default``, ``meaning``; keys that a section inherits from another
        one are described there.
    """
    page = SECTIONS[section]
    schema = page.model_json_schema()
    inherited = set(Origin.model_fields) if page is Join else set()
    needed = schema.get("required", [])
    rows = [
        (
            key,
            _SHORT_FORMS.get(key) or _type(shape),
            "needed" if key in needed else _default(shape.get("default")),
            str(shape.get("description", "")),
        )
        for key, shape in schema["properties"].items()
        if key not in inherited
    ]
    return pd.DataFrame(rows, columns=["key", "type", "default", "meaning"])


def columns(table: str) -> pd.DataFrame:
    """The canonical columns of one table, and what each may become.

    Returns
    -------
    DataFrame
        ``column``, ``needed``, ``kind``, ``meaning``.
    """
    return pd.DataFrame(
        [
            (name, column.required, ", ".join(column.levels) or column.kind, column.meaning)
            for name, column in SCHEMA[table].items()
        ],
        columns=["column", "needed", "kind", "meaning"],
    )


def study_markers() -> pd.DataFrame:
    """The five markers that the findings name, as a force file must spell them.

    Returns
    -------
    DataFrame
        ``finding``, ``marker``, ``meaning``.
    """
    return pd.DataFrame(
        [(finding, name, words(name)) for finding, name in FINDINGS.items()],
        columns=["finding", "marker", "meaning"],
    )


def rules() -> pd.DataFrame:
    """The rules of the intake: what each does by default, and what a force may change.

    Returns
    -------
    DataFrame
        ``rule``, ``looks for``, ``severity``, ``does`` (by default), ``may`` (what else it may
        do, and its settings with default and limits).
    """
    rows = []
    for name, rule in RULES.items():
        usual = {key: f"{setting.default:g}" for key, setting in rule.settings.items()}
        numbers = [
            f"{key} {s.default:g} ({s.low:g} to {s.high:g})" for key, s in rule.settings.items()
        ]
        title = rule.title.format(**usual, gap=" or begins within the merge gap of its end")
        may = "; ".join([*rule.actions[1:], *numbers])
        rows.append((name, title, rule.severity, rule.actions[0], may))
    return pd.DataFrame(rows, columns=["rule", "looks for", "severity", "does", "may"])


def formats() -> pd.DataFrame:
    """Ways of writing dates, each with an example.

    Returns
    -------
    DataFrame
        ``format``, ``reads``.
    """
    return pd.DataFrame(_FORMATS, columns=["format", "reads"])


def _type(shape: dict[str, Any]) -> str:
    """A type in plain words."""
    if "$ref" in shape:
        return "keys below"
    if "enum" in shape:
        return " or ".join(shape["enum"])
    if "anyOf" in shape:
        kinds = [_type(one) for one in shape["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if shape.get("format") == "date":
        return "date, year first"
    kind = _WORDS.get(shape.get("type", ""), shape.get("type", ""))
    return kind + _limits(shape)


def _limits(shape: dict[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most",
             "exclusiveMaximum": "less than"}  # fmt: skip
    said = [f"{word} {shape[key]:g}" for key, word in words.items() if key in shape]
    return f", {' and '.join(said)}" if said else ""


def _default(value: Any) -> str:
    if value in (None, [], {}, ()):
        return "none"
    if isinstance(value, dict):
        return "as below"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, (int, float)) else _SIGNS.get(value, str(value))
