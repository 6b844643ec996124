"""The part of the force file that says where each canonical column comes from."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from math import isfinite
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from missing_lib.force.errors import suggestion
from missing_lib.force.origin import Join, Origin, Page, one_or_more
from missing_lib.force.schema import SCHEMA, Column

#: Formats for days counted since 1900 or 1904, as spreadsheets store them.
EXCEL, EXCEL_1904 = "excel", "excel-1904"
#: What may follow a per cent sign in a format.
_SIGNS = "YymdbBHIMSfpzjaA"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_zone(name: str) -> str:
    """Return the name of a time zone, or say which one is near."""
    if name not in _zones():
        near = suggestion(name, sorted(zone for zone in _zones() if "/" in zone))
        raise ValueError(
            f"unknown time zone {name!r}{near}; write UTC, or an area and a city such as "
            "Europe/London"
        )
    return name


def _code(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    raise ValueError(f"{value} is read as a number or a date; put it in quotes")


#: What stands in a cell, or what it becomes.
Code = Annotated[str | bool | None, BeforeValidator(_code)]


class ColumnFrom(Page):
    """How one canonical column is made from the extract's own columns.

    Exactly one of ``column``, ``columns`` (joined with a space for dates and times, with
    ``-`` otherwise) and ``value`` (the same for every row) is given. Several formats are tried
    in their order.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    column: str | None = Field(None, description="name of the extract's column")
    columns: tuple[str, ...] | None = Field(
        None, description="several columns, joined: a date and its time, the parts of an identifier"
    )
    value: Code = Field(None, description="the same for every row, instead of a column")
    format: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = Field(
        (), description="how dates or times are written; several are tried in their order"
    )
    zone: str | None = Field(None, description="time zone of this column, where it is another")
    recode: dict[str, Code] | None = Field(
        None, description="each code of the extract, in quotes, and what it becomes"
    )
    otherwise: Code = Field(
        default=None, description="what a code that recode does not list becomes"
    )
    otherwise_missing: bool = Field(
        False, description="true sets codes that nobody listed missing, instead of stopping"
    )

    @field_validator("format")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            _check_format(one)
        whole = [one for one in value if "%d" in one and "%m" in one]
        for last in (True, False):
            alike = [one for one in whole if (one.lower().find("%y") > one.find("%m")) == last]
            if len({one.find("%d") < one.find("%m") for one in alike}) > 1:
                raise ValueError(
                    "one format has the day first, another the month, so that many dates fit "
                    "both; keep one"
                )
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else check_zone(value)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnFrom:
        given = [k for k in ("column", "columns", "value") if k in self.model_fields_set]
        if len(given) != 1:
            raise ValueError("give exactly one of 'column', 'columns' and 'value'")
        if given != ["value"] and not self.names:
            raise ValueError(f"{given[0]!r} names no column of the extract")
        if self.otherwise is not None and (self.recode is None or self.otherwise_missing):
            raise ValueError("'otherwise' goes with 'recode', and not with 'otherwise_missing'")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The extract's columns that are read, in order."""
        if self.column:
            return (self.column,)
        return self.columns or ()


def _check_format(text: str) -> None:
    """A format must name the year, and not minutes where it means months."""
    if text in (EXCEL, EXCEL_1904):
        return
    signs = re.findall("%(.?)", text.replace("%%", ""))
    for sign in dict.fromkeys(signs):
        if not sign or sign not in _SIGNS:
            said = f"%{sign} stands for nothing; usual are %d %m %Y %H %M"
            raise ValueError(f"format {text!r}: {said}")
        if signs.count(sign) > 1:
            raise ValueError(f"format {text!r}: %{sign} stands twice; keep one")
    if "%Y" not in text and "%y" not in text:
        raise ValueError(
            f"format {text!r} names no year; write formats such as %d/%m/%Y or %Y-%m-%d %H:%M, "
            f"or {EXCEL} for a spreadsheet's day numbers"
        )
    if "%M" in text and not {"%m", "%b", "%B", "%j"} & {text[i : i + 2] for i in range(len(text))}:
        raise ValueError(f"format {text!r}: %M is minutes; months are %m")


def _short_form(value: Any) -> Any:
    """A bare name means ``column``, a list means ``columns``."""
    if isinstance(value, str):
        return {"column": value}
    if isinstance(value, (list, tuple)):
        return {"columns": value}
    return value


ColumnMapping = Annotated[ColumnFrom, BeforeValidator(_short_form)]


class SharedTies(Page):
    """Ties made from rows that share a key: two people in one event, one address, one case."""

    key: str = Field(description="column whose value ties all people who have it")
    person: str = Field(description="column that identifies the person")
    date: ColumnMapping = Field(description="when the person came under the key")
    tie_type: str = Field(description="what such a tie is called, such as co_arrest")
    agency: str | None = Field(None, description="agency that recorded it")
    largest_group: int = Field(20, ge=2, description="groups with more people make no ties")


def _joins(value: Any) -> Any:
    return (value,) if isinstance(value, dict) else value


class Source(Origin):
    """What fills one canonical table: files, a query, or a list of such sources.

    Without ``columns`` the rows are already in canonical vocabulary.
    """

    columns: dict[str, ColumnMapping] | None = Field(
        None, description="canonical column to the extract's own; left out where names agree"
    )
    join: Annotated[tuple[Join, ...], BeforeValidator(_joins)] = Field(
        (), description="columns of another file, or of several, by keys that agree"
    )
    shared: SharedTies | None = Field(
        None, description="ties made from a shared key, instead of columns"
    )
    parts: SkipJsonSchema[tuple[Source, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _list_of_sources(cls, value: Any) -> Any:
        if isinstance(value, dict) and "parts" in value:
            raise ValueError("'parts' is no key; write the sources of a table as a list")
        return {"parts": value} if isinstance(value, (list, tuple)) else value

    def _check_kind(self) -> None:
        if not self.parts:
            super()._check_kind()

    def each(self) -> tuple[tuple[str, Source], ...]:
        """The sources of the table, each with its place under the table's key."""
        return tuple((f".{n}", s) for n, s in enumerate(self.parts)) or (("", self),)

    def files(self) -> tuple[str, ...]:
        """Every file that the table is made from, as seen from the force file.

        What a database holds cannot be known without asking it; it is asked again on
        ``missing-book check``, and when the force file changes.
        """
        own = [*self.file, *(file for join in self.join for file in join.file)]
        return tuple(dict.fromkeys([*own, *(f for part in self.parts for f in part.files())]))


def mapping_problems(table: str, source: Source) -> Iterator[str]:
    """What is wrong with the mapping of one canonical table, in plain words."""
    if source.parts:
        for place, part in source.each():
            yield from _one_source_problems(f"sources.{table}{place}", table, part)
    else:
        yield from _one_source_problems(f"sources.{table}", table, source)


def _one_source_problems(place: str, table: str, source: Source) -> Iterator[str]:
    if source.shared is not None:
        if table != "ties":
            yield f"{place}: 'shared' makes ties and belongs to the table ties"
        elif source.columns is not None:
            yield f"{place}: give 'shared' or 'columns', not both"
        day = Column("date", True, "first sight of the tie")
        yield from _column_problems(f"{place}.shared.date", day, source.shared.date)
        return
    if source.columns is None:
        return
    for name, column in SCHEMA[table].items():
        if name in source.columns:
            yield from _column_problems(f"{place}.columns.{name}", column, source.columns[name])
    yield from names_problems(place, table, source.columns)


def names_problems(place: str, table: str, names: Collection[Any]) -> Iterator[str]:
    """Canonical columns that every row needs and that are not mapped, and names that are none."""
    for name, column in SCHEMA[table].items():
        if column.required and name not in names:
            yield f"{place}.columns: nothing is mapped to {name!r}, which every row needs"
    for name in names:
        if name not in SCHEMA[table]:
            near = suggestion(str(name), SCHEMA[table])
            there = "" if near else f"; there are: {', '.join(SCHEMA[table])}"
            yield f"{place}.columns: there is no canonical column {name!r}{near}{there}"


def _column_problems(where: str, column: Column, origin: ColumnFrom) -> Iterator[str]:
    """Settings that cannot work for a column of this kind."""
    if origin.format and column.kind not in ("date", "time"):
        yield f"{where}: 'format' is for dates and times; remove it here"
    if origin.zone is not None and column.kind not in ("date", "time"):
        yield f"{where}: 'zone' is for dates and times; remove it here"
    targets = [*(origin.recode or {}).values(), origin.otherwise]
    if "value" in origin.model_fields_set:
        targets.append(origin.value)
    for target in dict.fromkeys(targets):
        yield from _target_problem(where, column, target)


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _target_problem(where: str, column: Column, target: str | bool | None) -> Iterator[str]:
    if target is None:
        return
    if column.kind == "flag":
        if not isinstance(target, bool):
            yield f"{where}: {target!r} is not true, false or null"
    elif column.kind == "age":
        if not isinstance(target, str) or not _is_number(target):
            yield f"{where}: {target!r} is not a number in quotes, or null"
    elif not isinstance(target, str):
        told = "put yes, no, true and false in quotes where they are words"
        yield f"{where}: {target!r} is not text; {told}"
    elif column.kind == "level" and target not in column.levels:
        levels = ", ".join(column.levels)
        yield f"{where}: {target!r} is not one of {levels}{suggestion(target, column.levels)}"
