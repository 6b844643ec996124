"""The JSON schema of the force file, by which an editor completes and checks it.

The model of :mod:`missing_lib.force.spec` is the only source. What the model says in code, and
its own schema cannot know, is added here: which canonical columns a table has, which settings and
codes go with a column, and that a bare name or a list is short for ``column`` or ``columns``.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from missing_lib.force.mapping import ColumnFrom, Source
from missing_lib.force.rulebook import RULES, Rule
from missing_lib.force.schema import NEEDED_TABLES, SCHEMA, Column
from missing_lib.force.spec import OFFICIAL, OFFICIAL_KEYS, ForceFile

#: Beside the folders of the forces.
FILE_NAME = "force.schema.json"
#: First line of a force file in its own folder; editors look the schema up by it.
FIRST_LINE = f"# yaml-language-server: $schema=../{FILE_NAME}"

_DEFINITIONS = "#/$defs/"
_DAY = Column("date", True, "day")


def force_schema() -> dict[str, Any]:
    """The schema, as plain values.

    Returns
    -------
    dict
        Accepts what the model accepts, but for what only the extract can show, formats and
        time zones, and limits between two keys.
    """
    schema = ForceFile.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    column, source = definitions["ColumnFrom"], definitions["Source"]
    column["properties"]["format"] = _text_or_list(column["properties"]["format"])
    definitions["UnitCost"]["properties"]["price_year"]["type"] = ["string", "number"]
    whole = schema["properties"]["sources"]
    per_table = whole.pop("additionalProperties")
    whole |= {
        "additionalProperties": False,
        "required": list(NEEDED_TABLES),
        "properties": {
            table: _one_or_many(_pointing(per_table, "Source", f"Source-{table}"))
            for table in SCHEMA
        },
    }
    schema["properties"]["rules"] |= {
        "additionalProperties": False,
        "properties": {name: _rule(rule) for name, rule in RULES.items()},
    }
    shared = definitions["SharedTies"]["properties"]
    shared["date"] = {"$ref": _definition(_DAY), "description": _meaning(shared["date"])}
    for table in SCHEMA:
        definitions[f"Source-{table}"] = _source_of(table, source)
        for kind in SCHEMA[table].values():
            definitions[_definition(kind).removeprefix(_DEFINITIONS)] = _mapping(column, kind)
    del definitions["Source"], definitions["ColumnFrom"]
    schema = _without_titles(schema)
    schema["title"] = "Force file"
    return _by_kind(schema)


def schema_text() -> str:
    """The schema as it is written beside the forces."""
    return json.dumps(force_schema(), indent=1, ensure_ascii=False) + "\n"


def write_schema(forces: Path) -> Path:
    """Write the schema into the folder of the forces."""
    path = forces / FILE_NAME
    path.write_text(schema_text(), encoding="utf-8", newline="\n")
    return path


def _by_kind(schema: dict[str, Any]) -> dict[str, Any]:
    """A file without an extract has few keys; every other one needs all that are required."""
    always = [key for key in schema["required"] if key in OFFICIAL_KEYS]
    return schema | {
        "required": always,
        "if": {"properties": {"kind": {"const": OFFICIAL}}, "required": ["kind"]},
        "then": {"propertyNames": {"enum": list(OFFICIAL_KEYS)}},
        "else": {"required": [key for key in schema["required"] if key not in always]},
    }


def _one_or_many(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}


def _source_of(table: str, source: dict[str, Any]) -> dict[str, Any]:
    """A source that fills one table, with the columns that the table has."""
    own = copy.deepcopy(source)
    own["description"] = f"One source of the table {table}."
    columns = {
        name: {"$ref": _definition(kind), "description": f"{kind.meaning} ({_kind(kind)})"}
        for name, kind in SCHEMA[table].items()
    }
    own["properties"]["columns"] = {
        "description": Source.model_fields["columns"].description,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": columns,
        "required": [name for name, kind in SCHEMA[table].items() if kind.required],
    }
    keys = own["properties"]
    keys["join"] = {"description": _meaning(keys["join"])} | _one_or_many(keys["join"]["items"])
    own["oneOf"] = [{"required": ["file"]}, {"required": ["query", "connection"]}]
    if table != "ties":
        keys.pop("shared")
    return own


def _rule(rule: Rule) -> dict[str, Any]:
    """What a force may change about one rule."""
    settings = {
        name: {
            "type": "number",
            "minimum": setting.low,
            "maximum": setting.high,
            "default": setting.default,
            "description": setting.meaning,
        }
        for name, setting in rule.settings.items()
    }
    action = {"enum": list(rule.actions), "default": rule.actions[0], "description": "what it does"}
    return {
        "type": "object",
        "description": rule.title,
        "additionalProperties": False,
        "properties": {"action": action, **settings},
    }


def _definition(kind: Column) -> str:
    """Where the mapping of a column of this kind is defined."""
    kinds = "-or-".join(kind.levels) if kind.kind == "level" else kind.kind
    return f"{_DEFINITIONS}column-{kinds}"


def _mapping(whole: dict[str, Any], kind: Column) -> dict[str, Any]:
    """How one column is mapped: a name, several names, or the long form."""
    long = copy.deepcopy(whole)
    keys = long["properties"]
    if kind.kind not in ("date", "time"):
        keys.pop("format")
    if kind.kind not in ("date", "time"):
        keys.pop("zone")
    codes = _codes(kind)
    for name in ("value", "otherwise"):
        keys[name] = {"description": _meaning(keys[name]), **codes}
    keys["recode"] = {
        "description": _meaning(keys["recode"]),
        "type": ["object", "null"],
        "additionalProperties": codes,
    }
    long["description"] = ColumnFrom.__doc__.split("\n")[0] if ColumnFrom.__doc__ else ""
    long["oneOf"] = [{"required": [name]} for name in ("column", "columns", "value")]
    names = {"type": "array", "minItems": 1, "items": {"type": "string"}}
    return {"anyOf": [{"type": "string"}, names, long]}


def _codes(kind: Column) -> dict[str, Any]:
    """What a code of the extract may become."""
    if kind.kind == "flag":
        return {"type": ["boolean", "null"]}
    if kind.kind == "level":
        return {"enum": [*kind.levels, None]}
    return {"type": ["string", "null"]}


def _kind(kind: Column) -> str:
    needed = "needed" if kind.required else "may be left out"
    return f"{kind.kind}, {needed}" + (f": {', '.join(kind.levels)}" if kind.levels else "")


def _text_or_list(one: dict[str, Any]) -> dict[str, Any]:
    kept = {key: one[key] for key in ("default", "description") if key in one}
    many = {key: value for key, value in one.items() if key not in kept}
    return kept | {"anyOf": [{"type": "string"}, many]}


def _meaning(key: dict[str, Any]) -> str:
    return str(key.get("description", ""))


def _pointing(value: Any, name: str, other: str) -> Any:
    """A part of a schema that points to another definition."""
    if isinstance(value, dict):
        return {k: _pointing(v, name, other) for k, v in value.items()}
    if isinstance(value, list):
        return [_pointing(v, name, other) for v in value]
    return _DEFINITIONS + other if value == _DEFINITIONS + name else value


def _without_titles(value: Any) -> Any:
    """Without the titles that are made from the keys and say nothing more."""
    if isinstance(value, dict):
        return {
            k: _without_titles(v)
            for k, v in value.items()
            if not (k == "title" and isinstance(v, str))
        }
    if isinstance(value, list):
        return [_without_titles(v) for v in value]
    return value
