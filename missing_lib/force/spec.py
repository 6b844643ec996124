"""The force file: one YAML page that says what a force is and where its extract lies."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from missing_lib.force.errors import ContractError, suggestion
from missing_lib.force.mapping import (
    ColumnFrom,
    Join,
    Page,
    SharedTies,
    Source,
    check_zone,
    mapping_problems,
    names_problems,
)
from missing_lib.force.plain import plain
from missing_lib.force.rulebook import choice_problems
from missing_lib.force.schema import NEEDED_TABLES, SCHEMA

CODE_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
POPULATIONS = ("children", "adults", "all")

#: The kind of file that describes an edition of official statistics alone, and its only keys.
OFFICIAL = "official"
OFFICIAL_KEYS = ("code", "name", "kind", "local_authorities")


class Study(Page):
    """First and last local day of the study window."""

    start: dt.date = Field(description="first local day of the study")
    end: dt.date = Field(description="last local day of the study, which the extract still covers")

    @model_validator(mode="after")
    def _in_order(self) -> Study:
        if self.end <= self.start:
            raise ValueError("end must be later than start")
        return self


#: What stands in place of a study window where there are no rows to lie in one.
ALWAYS = Study(start=dt.date.min, end=dt.date.max)


class Definitions(Page):
    """The definitions that vary between studies; the defaults are the study's own."""

    child_age_limit: int = Field(
        18, ge=10, le=25, description="a child is younger than this many years when reported"
    )
    merge_gap_hours: float = Field(
        0, ge=0, le=24, description="incidents that begin this soon after the last end are one"
    )
    persistent_incidents: int = Field(
        10, ge=2, description="incidents from which on somebody is called persistent"
    )
    top_share: float = Field(
        0.2, gt=0, lt=1, description="share of people whose part of all incidents is reported"
    )
    gap_days: tuple[int, int] = Field(
        (14, 28), description="two numbers of days within which a repeat is reported"
    )

    @field_validator("gap_days")
    @classmethod
    def _rising(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 0 < value[0] < value[1]:
            raise ValueError("give two numbers of days, the smaller first")
        return value


class UnitCost(Page):
    """Published police cost of one case: range, price year and where it stands."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    low: float = Field(gt=0, description="lower published cost of one case")
    high: float = Field(gt=0, description="upper published cost of one case")
    currency: str = Field("GBP", description="currency of both, as it stands in sentences")
    price_year: str = Field(description="year of the prices, which are not adjusted")
    source: str = Field(description="key of the publication in references.bib")

    @model_validator(mode="after")
    def _in_order(self) -> UnitCost:
        if self.high < self.low:
            raise ValueError("high must not be below low")
        return self


class PolicyChoice(Page):
    """A disclosure policy; it can only be stricter than the default."""

    threshold: int = Field(10, ge=10, description="smallest count of people that is shown")
    rounding: int = Field(5, ge=5, description="counts are rounded to the nearest multiple")

    @field_validator("rounding")
    @classmethod
    def _multiple(cls, value: int) -> int:
        if value % 5:
            raise ValueError("rounding must be a multiple of 5")
        return value


class ForceFile(Page):
    """A force, as its analyst describes it in ``forces/<code>/force.yml``."""

    code: str = Field(
        pattern=CODE_PATTERN, description="short name of the force, the same as its folder's"
    )
    name: str = Field(min_length=1, description="name of the force as readers know it")
    kind: Literal["synthetic", "real", "official"] = Field(
        description="whether the people in the extract exist; made-up data get a banner; "
        "official where there is no extract"
    )
    time_zone: str = Field("Europe/London", description="zone of the force's days and clocks")
    study: Study = Field(description="first and last day of the study")
    definitions: Definitions = Field(
        Definitions(), description="definitions that vary between studies"
    )
    unit_cost: UnitCost | None = Field(
        None, description="published police cost of one case; without it no cost is shown"
    )
    policy: PolicyChoice = Field(
        PolicyChoice(), description="disclosure policy; it can only be stricter than the default"
    )
    local_authorities: tuple[str, ...] = Field(
        (), description="official codes of the local authorities in the area"
    )
    rules: dict[str, dict[str, Any]] = Field(
        {}, description="rules of the intake that do something else here, by their number"
    )
    sources: dict[str, Source] = Field(
        description="where each canonical table comes from; persons and incidents are needed"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_extract(cls, content: Any) -> Any:
        """Official statistics alone need neither a study window nor sources."""
        if isinstance(content, dict) and content.get("kind") == OFFICIAL:
            return {"study": ALWAYS, "sources": {}} | content
        return content

    @field_validator("*", mode="before")
    @classmethod
    def _of_an_extract(cls, value: Any, info: ValidationInfo) -> Any:
        extract = info.data.get("kind") != OFFICIAL
        if extract or info.field_name in OFFICIAL_KEYS or value in (ALWAYS, {}):
            return value
        said = "'kind: official' has no extract; remove this key, or correct the kind"
        raise PydanticCustomError("no_extract", said)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return check_zone(value)

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        problems = list(choice_problems(value))
        if problems:
            raise ValueError("\n".join(problems))
        return value

    @field_validator("sources")
    @classmethod
    def _known_tables(cls, value: dict[str, Source], info: ValidationInfo) -> dict[str, Source]:
        problems = _sources_problems(value) if info.data.get("kind") != OFFICIAL else []
        if problems:
            raise ValueError("\n".join(problems))
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Time zone in which the force's clock times are shown."""
        return ZoneInfo(self.time_zone)

    @property
    def synthetic(self) -> bool:
        """True where the force is made up."""
        return self.kind == "synthetic"

    @property
    def official(self) -> bool:
        """True where there is no extract, and official statistics stand alone."""
        return self.kind == OFFICIAL


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is an error, and keys such as on and no are words."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                mark = node.value[position][0].start_mark
                raise _GivenTwice(f"the key {key!r} near line {mark.line + 1} is given twice")
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)


class _GivenTwice(yaml.YAMLError):
    pass


def _content(path: Path) -> dict[Any, Any]:
    """What the file holds, as plain values."""
    name = path.name
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise ContractError(
            [f"there is no force file {name} in forces/{path.parent.name}"]
        ) from None
    except OSError as problem:
        raise ContractError([f"{name} cannot be read: {problem.strerror}"]) from None
    except UnicodeDecodeError:
        raise ContractError([f"{name}: save the file as UTF-8 text"]) from None
    except _GivenTwice as problem:
        raise ContractError([f"{name}: {problem}; keep one"]) from None
    except yaml.YAMLError as problem:
        raise ContractError([f"{name}: not valid YAML{_cure(problem)}"]) from None
    if not isinstance(content, dict):
        said = "expected keys such as 'code:' and 'sources:'"
        cure = "'missing-book new' proposes a file to begin with"
        raise ContractError([f"{name}: {said}; {cure}"])
    return content


def _cure(problem: yaml.YAMLError) -> str:
    """Where YAML cannot be read, and what to do about it."""
    mark, why = getattr(problem, "problem_mark", None), str(getattr(problem, "problem", ""))
    where = f" near line {mark.line + 1}" if mark else ""
    if "'%'" in why:
        return f"{where}; put formats such as %d/%m/%Y in quotes"
    if "'\\t'" in why:
        return f"{where}; indent with spaces instead of tabs"
    return f"{where}; check indentation, colons and brackets there and in the line above"


def read_force_file(path: Path) -> ForceFile:
    """Read and check a whole force file.

    Raises
    ------
    ContractError
        With every problem of the file at once: place, what was expected, what to do.
    """
    content = _content(path)
    try:
        force = ForceFile.model_validate(content)
    except ValidationError as problems:
        lines = [line for p in problems.errors() for line in plain(p, _page_at)]
        sources = content.get("sources")
        if isinstance(sources, dict) and content.get("kind") != OFFICIAL:
            lines += _sources_problems(_valid(sources))
        raise ContractError(f"{path.name}: {line}" for line in dict.fromkeys(lines)) from None
    if force.code != path.parent.name:
        raise ContractError(
            [
                f"{path.name}: code is {force.code!r} but the folder is {path.parent.name!r}; "
                "make them the same"
            ]
        )
    return force


def _valid(sources: dict[Any, Any]) -> dict[str, Source | Any]:
    """Sources by table, as they are written where pydantic has complained already."""
    valid: dict[str, Source | Any] = {}
    for table, content in sources.items():
        try:
            valid[str(table)] = Source.model_validate(content)
        except ValidationError:
            valid[str(table)] = content
    return valid


def _sources_problems(sources: Mapping[str, Source | Any]) -> list[str]:
    """Tables that are not canonical or lack, and mappings that cannot work."""
    problems = [f"sources: the table {t!r} is needed" for t in NEEDED_TABLES if t not in sources]
    for table, source in sources.items():
        if table not in SCHEMA:
            near = suggestion(table, SCHEMA)
            there = "" if near else f"; there are: {', '.join(SCHEMA)}"
            problems.append(f"sources: unknown table {table!r}{near}{there}")
        elif isinstance(source, Source):
            problems += mapping_problems(table, source)
        else:
            problems += _names_as_written(table, source)
    return problems


def _names_as_written(table: str, content: Any) -> list[str]:
    """Canonical columns that are not known or lack, in sources that are wrong otherwise."""
    listed = isinstance(content, list)
    problems: list[str] = []
    for number, one in enumerate(content if listed else [content]):
        columns = one.get("columns") if isinstance(one, dict) else None
        if isinstance(columns, dict):
            place = f"sources.{table}.{number}" if listed else f"sources.{table}"
            problems += names_problems(place, table, columns)
    return problems


def _page_at(loc: tuple[str | int, ...]) -> type[BaseModel] | None:
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
        return _source_page_at([part for part in loc[2:] if not isinstance(part, int)])
    return pages.get(str(loc[0]))


def _source_page_at(loc: list[str]) -> type[BaseModel]:
    """The page of a source that holds a place below it."""
    inner: dict[str, type[BaseModel]] = {"shared": SharedTies, "join": Join}
    below = [part for part in loc if part != "parts"]
    if not below:
        return Source
    return inner.get(below[0], ColumnFrom) if len(below) == 1 else ColumnFrom


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
        raise ContractError([f"no force {code!r}{_instead(folder, code, known)}"])
    return read_force_file(folder / code / "force.yml")


def _instead(folder: Path, code: str, known: list[str]) -> str:
    """What there is where a force is not."""
    if re.fullmatch(CODE_PATTERN, code) and (folder / code).is_dir():
        return (
            f": its folder holds no force.yml; 'missing-book new {code} --from FILE ...' writes it"
        )
    if not folder.is_dir():
        return f": there is no folder {folder.name!r} of forces at that place"
    there = f"; there are: {', '.join(known)}" if known else "; there is none yet"
    return f"{suggestion(code, known)}{there}"


def check_population(name: str) -> str:
    """Return a population's name, or say which there are.

    Examples
    --------
    >>> check_population("children")
    'children'
    """
    if name not in POPULATIONS:
        near = suggestion(name, POPULATIONS).strip(" ()")
        there = "there are: " + ", ".join(POPULATIONS)
        hints = "; ".join(hint for hint in (near, there) if hint)
        raise ContractError([f"no population {name!r}; {hints}"])
    return name
