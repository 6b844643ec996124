"""Read the rows of a database query; neither its address nor its data stand in a message."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from missing_lib.force.delimited import Cut
from missing_lib.force.errors import ContractError
from missing_lib.force.origin import Origin
from missing_lib.force.typed import cell_text, column_text

#: Extra of this library that installs the driver of a dialect.
EXTRAS = {"mssql": "sqlserver", "oracle": "oracle", "postgresql": "postgresql", "duckdb": "duckdb"}
_ROWS = 50_000


def read_query(origin: Origin, where: str) -> Cut:
    """Ask the database that an environment variable names.

    Raises
    ------
    ContractError
        If the variable is not set or holds no URL, the driver is not installed, the database
        does not answer or refuses the query.
    """
    variable = origin.connection or ""
    engine = _engine(variable, f"{where}.connection")
    try:
        try:
            connection = engine.connect()
        except (SQLAlchemyError, OSError) as problem:
            said = f"the database does not answer, or refuses the login ({_kind(problem)})"
            cure = f"check the URL in the environment variable {variable}"
            raise ContractError([f"{where}.connection: {said}; {cure}"]) from None
        with connection:
            return _asked(connection, origin.query or "", where)
    finally:
        engine.dispose()


def _engine(variable: str, where: str) -> sa.Engine:
    address = os.environ.get(variable, "").strip()
    if not address:
        said = f"the environment variable {variable} is not set; it holds the database's URL"
        raise ContractError([f"{where}: {said}, dialect+driver://user:password@host/database"])
    try:
        url = sa.make_url(address)
    except (ArgumentError, ValueError):
        said = f"what the environment variable {variable} holds is no database URL"
        raise ContractError(
            [f"{where}: {said}: dialect+driver://user:password@host/database"]
        ) from None
    try:
        return sa.create_engine(url)
    except (ImportError, NoSuchModuleError):
        dialect = url.get_backend_name()
        extra = EXTRAS.get(dialect)
        cure = (
            f"pip install 'missing-lib[{extra}]'"
            if extra
            else f"known are sqlite, {', '.join(EXTRAS)}"
        )
        said = f"the driver of {dialect!r} databases is not installed; {cure}"
        raise ContractError([f"{where}: {said}"]) from None
    except (SQLAlchemyError, TypeError, ValueError) as problem:
        said = f"the URL in the environment variable {variable} is not understood"
        raise ContractError([f"{where}: {said} ({_kind(problem)})"]) from None


def _asked(connection: sa.Connection, query: str, where: str) -> Cut:
    """All rows as text; colons in the query are no parameters."""
    try:
        result = connection.execution_options(stream_results=True, max_row_buffer=_ROWS).execute(
            sa.text(query.replace("\\", "\\\\").replace(":", "\\:"))
        )
        header = [str(name).strip() for name in result.keys()]  # noqa: SIM118  a result is no dict
        chunks: list[list[pa.Array]] = [[] for _ in header]
        while rows := result.fetchmany(_ROWS):
            for column, values in zip(chunks, zip(*rows, strict=True), strict=True):
                column.append(_texts(values))
    except Exception as problem:  # drivers fail in many ways, and what they say may quote values
        said = f"the database refuses the query ({_kind(problem)}); try it in the database's own"
        raise ContractError([f"{where}.query: {said} tool, there it says why"]) from None
    return Cut(header, [pa.chunked_array(parts, pa.large_string()) for parts in chunks])


def _texts(values: tuple[Any, ...]) -> pa.Array:
    """Texts of one column's values, by type where they have one in common."""
    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) == 1 and kinds <= {int, float}:
        try:
            typed = pa.chunked_array([pa.array(values)])
        except (pa.ArrowInvalid, OverflowError):
            pass
        else:
            return column_text(typed).combine_chunks()
    if kinds == {str}:
        return pa.array(["" if v is None else v for v in values], pa.large_string())
    return pa.array([cell_text(value) for value in values], pa.large_string())


def _kind(problem: BaseException) -> str:
    original = getattr(problem, "orig", None)
    return type(original or problem).__name__
