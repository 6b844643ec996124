"""The part of the force file that says where each canonical column comes from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from missing_lib.force.errors import suggestion
from missing_lib.force.schema import SCHEMA, Column

#: Formats for days counted since 1900 or 1904, as spreadsheets store them.
EXCEL, EXCEL_1904 = "excel", "excel-1904"


class Page(BaseModel):
    """A part of the force file; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_zone(name: str) -> str:
    """Return the name of a time zone, or say which one is near."""
    if name not in _zones():
        raise ValueError(f"unknown time zone {name!r}{suggestion(name, sorted(_zones()))}")
    return name


def _code(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    raise ValueError(f"{value} is read as a number or a date; put it in quotes")


#: What stands in a cell, or what it becomes.
Code = Annotated[str | bool | None, BeforeValidator(_code)]


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class ColumnFrom(Page):
    """How one canonical column is made from the extract's own columns.

    Exactly one of ``column``, ``columns`` (joined with a space for dates and times, with
    ``-`` otherwise) and ``value`` (the same for every row) is given. Several formats are tried
    in their order.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    column: str | None = None
    columns: tuple[str, ...] | None = None
    value: Code = None
    format: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()
    zone: str | None = None
    recode: dict[str, Code] | None = None
    otherwise: Code = Field(
        default=None, description="what a code that recode does not list becomes"
    )
    otherwise_missing: bool = False

    @field_validator("format")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            _check_format(one)
        year_last = [one for one in value if one.lower().find("%y") > one.find("%m") > -1]
        if len({one.find("%d") < one.find("%m") for one in year_last if "%d" in one}) > 1:
            raise ValueError("one format has the day first, another the month: that is guessing")
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else check_zone(value)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnFrom:
        given = [k for k in ("column", "columns", "value") if k in self.model_fields_set]
        if len(given) != 1:
            raise ValueError("give exactly one of column, columns, value")
        if given != ["value"] and not self.names:
            raise ValueError(f"{given[0]} names no column of the extract")
        if self.otherwise is not None and (self.recode is None or self.otherwise_missing):
            raise ValueError("otherwise goes with recode, and not with otherwise_missing")
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
    if "%Y" not in text and "%y" not in text:
        raise ValueError(
            f"format {text!r} names no year; write formats such as %d/%m/%Y or %Y-%m-%d %H:%M, "
            f"or {EXCEL} for a spreadsheet's day numbers"
        )
    if "%M" in text and not {"%m", "%b", "%B", "%j"} & {text[i : i + 2] for i in range(len(text))}:
        raise ValueError(f"format {text!r}: %M is minutes, months are %m")


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

    key: str
    person: str
    date: ColumnMapping
    tie_type: str
    agency: str | None = None
    largest_group: int = Field(20, ge=2, description="groups with more people make no ties")


class Source(Page):
    """One file that fills one canonical table.

    Without ``columns`` the file is already in canonical vocabulary.
    """

    file: str
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    columns: dict[str, ColumnMapping] | None = None
    shared: SharedTies | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            usual = "utf-8, cp1252, latin-1, utf-16"
            raise ValueError(f"unknown encoding {value!r}; usual ones are {usual}") from None
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_sign(cls, value: str) -> str:
        if value == "tab":
            return "\t"
        if len(value) != 1:
            raise ValueError("give one sign, such as ',' or ';', or the word tab")
        return value


def mapping_problems(table: str, source: Source) -> Iterator[str]:
    """What is wrong with the mapping of one canonical table, in plain words."""
    if source.shared is not None:
        if table != "ties":
            yield f"{table}: 'shared' makes ties and belongs to the table ties"
        elif source.columns is not None:
            yield f"{table}: give 'shared' or 'columns', not both"
        day = Column("date", True, "first sight of the tie")
        yield from _column_problems(f"{table}.shared.date", day, source.shared.date)
        return
    if source.columns is None:
        return
    for name, column in SCHEMA[table].items():
        if name in source.columns:
            yield from _column_problems(f"{table}.columns.{name}", column, source.columns[name])
        elif column.required:
            yield f"{table}.columns: nothing is mapped to {name!r}, which every row needs"
    for name in source.columns:
        if name not in SCHEMA[table]:
            near = suggestion(name, SCHEMA[table])
            yield f"{table}.columns: there is no canonical column {name!r}{near}"


def _column_problems(where: str, column: Column, origin: ColumnFrom) -> Iterator[str]:
    """Settings that cannot work for a column of this kind."""
    if origin.format and column.kind not in ("date", "time"):
        yield f"{where}: 'format' is for dates and times"
    if origin.zone is not None and column.kind != "time":
        yield f"{where}: 'zone' is for times"
    targets = [*(origin.recode or {}).values(), origin.otherwise]
    if "value" in origin.model_fields_set:
        targets.append(origin.value)
    for target in dict.fromkeys(targets):
        yield from _target_problem(where, column, target)


def _target_problem(where: str, column: Column, target: str | bool | None) -> Iterator[str]:
    if target is None:
        return
    if column.kind == "flag":
        if not isinstance(target, bool):
            yield f"{where}: {target!r} is not true, false or null"
    elif not isinstance(target, str):
        yield f"{where}: {target!r} is not text; put it in quotes"
    elif column.kind == "level" and target not in column.levels:
        levels = ", ".join(column.levels)
        yield f"{where}: {target!r} is not one of {levels}{suggestion(target, column.levels)}"
