"""The force file: one YAML page that says what a force is and where its extract lies."""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from missing_lib.force.errors import ContractError, suggestion
from missing_lib.force.schema import NEEDED_TABLES, SCHEMA

CODE_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
POPULATIONS = ("children", "adults", "all")


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Study(_Page):
    """First and last local day of the study window."""

    start: dt.date
    end: dt.date

    @model_validator(mode="after")
    def _in_order(self) -> Study:
        if self.end <= self.start:
            raise ValueError("study.end must be later than study.start")
        return self


class Definitions(_Page):
    """The definitions that vary between studies; the defaults are the study's own."""

    child_age_limit: int = Field(18, ge=10, le=25)
    merge_gap_hours: float = Field(0, ge=0, le=24)
    persistent_incidents: int = Field(10, ge=2)
    top_share: float = Field(0.2, gt=0, lt=1)
    gap_days: tuple[int, int] = (14, 28)
    marker_lag_days: int = Field(28, ge=0)


class UnitCost(_Page):
    """Published police cost of one case: range, price year and where it stands."""

    low: float = Field(gt=0)
    high: float = Field(gt=0)
    currency: str = "GBP"
    price_year: str
    source: str


class PolicyChoice(_Page):
    """A disclosure policy; it can only be stricter than the default."""

    threshold: int = Field(10, ge=10)
    rounding: int = Field(5, ge=5)

    @field_validator("rounding")
    @classmethod
    def _multiple(cls, value: int) -> int:
        if value % 5:
            raise ValueError("rounding must be a multiple of 5")
        return value


class ColumnFrom(_Page):
    """How one canonical column is made from the extract's own columns.

    Exactly one of ``column``, ``columns`` (joined with a space for dates and times, with
    ``-`` otherwise) and ``value`` (the same for every row) is given.
    """

    column: str | None = None
    columns: tuple[str, ...] | None = None
    value: str | bool | None = None
    format: str | None = None
    zone: str | None = None
    recode: dict[str, str | bool | None] | None = None
    otherwise: str | bool | None = Field(
        default=None, description="what a code that recode does not list becomes"
    )
    otherwise_missing: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnFrom:
        given = [k for k in ("column", "columns", "value") if k in self.model_fields_set]
        if len(given) != 1:
            raise ValueError("give exactly one of column, columns, value")
        if self.zone is not None and self.zone not in available_timezones():
            raise ValueError(f"unknown time zone{suggestion(self.zone, available_timezones())}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The extract's columns that are read, in order."""
        if self.column is not None:
            return (self.column,)
        return self.columns or ()


def _short_form(value: Any) -> Any:
    """A bare name means ``column``, a list means ``columns``."""
    if isinstance(value, str):
        return {"column": value}
    if isinstance(value, (list, tuple)):
        return {"columns": value}
    return value


ColumnMapping = Annotated[ColumnFrom, BeforeValidator(_short_form)]


class SharedTies(_Page):
    """Ties made from rows that share a key: two people in one event, one address, one case."""

    key: str
    person: str
    date: ColumnMapping
    tie_type: str
    agency: str | None = None
    largest_group: int = Field(20, ge=2, description="groups with more people make no ties")


class Source(_Page):
    """One file that fills one canonical table.

    Without ``columns`` the file is already in canonical vocabulary.
    """

    file: str
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    columns: dict[str, ColumnMapping] | None = None
    shared: SharedTies | None = None
    extra_columns: Literal["ignore"] = "ignore"


class ForceFile(_Page):
    """A force, as its analyst describes it in ``forces/<code>/force.yml``."""

    code: str = Field(pattern=CODE_PATTERN)
    name: str = Field(min_length=1)
    kind: Literal["synthetic", "real"]
    time_zone: str = "Europe/London"
    study: Study
    definitions: Definitions = Definitions()
    unit_cost: UnitCost | None = None
    policy: PolicyChoice = PolicyChoice()
    local_authorities: tuple[str, ...] = ()
    sources: dict[str, Source]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"unknown time zone{suggestion(value, available_timezones())}")
        return value

    @field_validator("sources")
    @classmethod
    def _known_tables(cls, value: dict[str, Source]) -> dict[str, Source]:
        problems = [f"unknown table {t!r}{suggestion(t, SCHEMA)}" for t in value if t not in SCHEMA]
        problems += [f"the table {t!r} is needed" for t in NEEDED_TABLES if t not in value]
        for table, source in value.items():
            for column in source.columns or {}:
                if table in SCHEMA and column not in SCHEMA[table]:
                    near = suggestion(column, SCHEMA[table])
                    problems.append(f"{table} has no canonical column {column!r}{near}")
            if source.shared is not None and table != "ties":
                problems.append(f"{table}: 'shared' makes ties and belongs to the table ties")
        if problems:
            raise ValueError("; ".join(problems))
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Time zone in which the force's clock times are shown."""
        return ZoneInfo(self.time_zone)

    @property
    def synthetic(self) -> bool:
        """True where the force is made up."""
        return self.kind == "synthetic"


def read_force_file(path: Path) -> ForceFile:
    """Read and check a whole force file.

    Raises
    ------
    ContractError
        With every problem of the file at once: place, what was expected, what to do.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(
            [f"there is no force file {path.name} in forces/{path.parent.name}"]
        ) from None
    except UnicodeDecodeError:
        raise ContractError([f"{path.name}: save the file as UTF-8 text"]) from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        raise ContractError(
            [f"{path.name}: not valid YAML{where}; check indentation and colons"]
        ) from None
    if not isinstance(content, dict):
        raise ContractError([f"{path.name}: expected keys such as 'code:' and 'sources:'"])
    try:
        force = ForceFile.model_validate(content)
    except ValidationError as problems:
        raise ContractError([_plain(p, path.name) for p in problems.errors()]) from None
    if force.code != path.parent.name:
        raise ContractError(
            [f"{path.name}: code is {force.code!r} but the folder is {path.parent.name!r}"]
        )
    return force


def _plain(problem: Any, file: str) -> str:
    """One validation problem as place, expectation and cure."""
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        parent = _model_at(problem["loc"][:-1])
        known = parent.model_fields if parent else ()
        key = str(problem["loc"][-1])
        return f"{file}: unknown key '{place}'{suggestion(key, known)}; correct or remove it"
    if problem["type"] == "missing":
        return f"{file}: the key '{place}' is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{file}: '{place}': {message[0].lower()}{message[1:]}"


def _model_at(loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The page of the force file that holds a place, for suggestions."""
    pages: dict[str, type[BaseModel]] = {
        "study": Study,
        "definitions": Definitions,
        "unit_cost": UnitCost,
        "policy": PolicyChoice,
    }
    if not loc:
        return ForceFile
    if loc[0] == "sources":
        if len(loc) == 2:
            return Source
        return SharedTies if loc[2] == "shared" and len(loc) == 3 else ColumnFrom
    return pages.get(str(loc[0]))


def known_forces(folder: Path) -> list[str]:
    """Codes of the forces that have a force file, in alphabetical order."""
    return sorted(p.parent.name for p in folder.glob("*/force.yml"))


def find_force(folder: Path, code: str) -> ForceFile:
    """The force file of a code.

    Raises
    ------
    ContractError
        If there is no such force; names the nearest code.
    """
    known = known_forces(folder)
    if code not in known:
        there = f"; there are: {', '.join(known)}" if known else "; there is none yet"
        raise ContractError([f"no force {code!r}{suggestion(code, known)}{there}"])
    return read_force_file(folder / code / "force.yml")


def check_population(name: str) -> str:
    """Return a population's name, or say which there are.

    Examples
    --------
    >>> check_population("children")
    'children'
    """
    if name not in POPULATIONS:
        near = difflib.get_close_matches(name, POPULATIONS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ContractError([f"no population {name!r}{hint} There are: {', '.join(POPULATIONS)}"])
    return name
