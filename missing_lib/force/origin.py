"""The part of the force file that says where rows come from: a file, a sheet or a database."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

#: Endings of files that are no delimited text.
WORKBOOKS, PARQUET = (".xlsx", ".xlsm"), (".parquet", ".pq")


class Page(BaseModel):
    """A part of the force file; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def one_or_more(value: Any) -> Any:
    """A single text stands for a list of one."""
    return (value,) if isinstance(value, str) else value


def _names(value: Any) -> Any:
    """A list of names brings each column under its own name."""
    value = one_or_more(value)
    return {name: name for name in value} if isinstance(value, (list, tuple)) else value


def _many(items: dict[str, Any]) -> WithJsonSchema:
    text: dict[str, Any] = {"type": "string"}
    return WithJsonSchema({"anyOf": [text, {"type": "array", "items": text}, items]})


class Origin(Page):
    """Rows of one or several files of the same layout, or of a database query."""

    file: Annotated[
        tuple[str, ...],
        BeforeValidator(one_or_more),
        WithJsonSchema(
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
        ),
    ] = Field((), description="path of the file, or of several, as seen from the force file")
    sheet: str | None = Field(None, description="sheet of an Excel file, where it has several")
    header_row: int = Field(
        1, ge=1, description="line or row with the names of the columns; those above are skipped"
    )
    encoding: str = Field("utf-8-sig", description="how the text is encoded, such as cp1252")
    delimiter: str = Field(",", description="sign between cells, or the word tab")
    quote: str = Field('"', description="sign around texts that hold the delimiter, or none")
    decimal: str = Field(".", description="sign before the decimals of a day number, . or ,")
    query: str | None = Field(None, description="SQL that selects the rows, instead of a file")
    connection: str | None = Field(
        None, description="name of the environment variable that holds the database's URL"
    )

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

    @field_validator("quote")
    @classmethod
    def _sign_or_none(cls, value: str) -> str:
        if value == "none":
            return ""
        if len(value) != 1 or value in "\r\n":
            raise ValueError("give one sign, such as '\"', or the word none")
        return value

    @field_validator("decimal")
    @classmethod
    def _point_or_comma(cls, value: str) -> str:
        if value not in (".", ","):
            raise ValueError("give '.' or ','")
        return value

    @field_validator("query")
    @classmethod
    def _selects(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"\s*\(*\s*(select|with)\b", value, re.IGNORECASE):
            raise ValueError("a query begins with SELECT or WITH")
        return value

    @field_validator("connection")
    @classmethod
    def _variable(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_]\w*", value):
            raise PydanticCustomError(
                "no_variable",
                "give the name of an environment variable; the database's URL stands there, "
                "never in this file",
            )
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Origin:
        self._check_kind()
        return self

    def _check_kind(self) -> None:
        """A file or a query, with the settings that go with it."""
        if self.query is None and not self.file:
            raise PydanticCustomError("no_file", "the key 'file' is missing")
        if self.query is not None and self.file:
            raise ValueError("give 'file' or 'query', not both")
        if (self.query is None) != (self.connection is None):
            lacks = "connection" if self.connection is None else "query"
            raise ValueError(f"'query' and 'connection' go together; {lacks!r} is missing")
        if self.sheet is not None and not all(is_workbook(one) for one in self.file or ("",)):
            raise ValueError("'sheet' is for Excel files that end in .xlsx")
        plain = [one for one in self.file if not one.lower().endswith(PARQUET)]
        if self.header_row > 1 and not plain:
            raise ValueError("'header_row' is for text and Excel files")

    @property
    def label(self) -> str:
        """What messages call it: the files' names, or the query."""
        return " + ".join(f"'{PurePath(one).name}'" for one in self.file) or "the query"


def is_workbook(file: str) -> bool:
    """Whether a file is read as an Excel file, by its ending."""
    return file.lower().endswith(WORKBOOKS)


class Join(Origin):
    """Columns of another file, brought to the rows that have the same key."""

    on: dict[str, str] = Field(
        min_length=1, description="column of the other file, and that of this one, which agree"
    )
    columns: Annotated[
        dict[str, str] | None,
        BeforeValidator(_names),
        _many({"type": "object", "additionalProperties": {"type": "string"}}),
    ] = Field(
        None,
        description="columns that are brought, or each with the name it gets; otherwise all",
    )
