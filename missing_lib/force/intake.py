"""From a force's own extract to canonical tables, with every row accounted for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from missing_lib.force import quality
from missing_lib.force.convert import Converted, convert, joined, parse_dates
from missing_lib.force.errors import ContractError, suggestion
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import ForceFile, SharedTies, Source
from missing_lib.force.tables import Tables, conform, empty


@dataclass(frozen=True)
class Intake:
    """What came in and what was kept.

    Attributes
    ----------
    tables : Tables
        Canonical and clean.
    ledger : DataFrame
        ``table``, ``rule``, ``title``, ``action``, ``before``, ``touched``, ``after``.
    accounts : DataFrame
        ``table``, ``rows_in``, ``kept``, ``merged``, ``quarantined``: they add up exactly.
    quarantined : dict of DataFrame
        By table: the raw rows, whole, with ``rule`` and ``source_row``.
    caveats : tuple of str
        What the analyst should know, without any value.
    """

    tables: Tables
    ledger: pd.DataFrame
    accounts: pd.DataFrame
    quarantined: dict[str, pd.DataFrame]
    caveats: tuple[str, ...]


def take_in(force: ForceFile, folder: Path) -> Intake:
    """Read, map and clean every source of a force.

    Parameters
    ----------
    force : ForceFile
    folder : Path
        Folder of the force file; files are found relative to it.

    Returns
    -------
    Intake

    Raises
    ------
    ContractError
        With all problems of all sources: missing files and columns, codes that nobody listed.
    """
    raw, problems = _read_all(force, folder)
    converted: dict[str, Converted] = {}
    for table, rows in raw.items():
        source = force.sources[table]
        if source.shared is not None:
            rows = _shared_ties(rows, source.shared, force.time_zone)
            raw[table], source = rows, Source(file=source.file)
        converted[table] = convert(rows, table, source, force.time_zone)
        problems += converted[table].problems
    if problems:
        raise ContractError(problems)
    steps: dict[str, quality.Step] = {}
    for table in [t for t in SCHEMA if t in converted]:
        persons = steps["persons"].rows if "persons" in steps else empty("persons")
        rules = quality.rules_for(
            table,
            persons,
            pd.Timestamp(force.study.end),
            force.time_zone,
            force.definitions.merge_gap_hours,
            times_mapped="time_known" in converted[table].mapped,
        )
        steps[table] = quality.apply(quality.Step(table, converted[table].rows), rules)
    return Intake(
        tables=_tables(steps),
        ledger=quality.ledger_frame(list(steps.values())),
        accounts=pd.DataFrame(
            [{"table": t, **quality.row_account(len(raw[t]), s)} for t, s in steps.items()]
        ),
        quarantined={t: _whole_rows(raw[t], s) for t, s in steps.items()},
        caveats=tuple(c for t in converted.values() for c in t.caveats),
    )


def _tables(steps: dict[str, quality.Step]) -> Tables:
    frames: dict[str, Any] = {
        table: conform(steps[table].rows.reset_index(drop=True), table)
        if table in steps
        else empty(table)
        for table in SCHEMA
    }
    return Tables(**frames, absent=frozenset(SCHEMA) - frozenset(steps))


def _whole_rows(raw: pd.DataFrame, step: quality.Step) -> pd.DataFrame:
    positions = step.quarantined["position"].astype("int64")
    rows = raw.loc[positions].reset_index(drop=True)
    aside = {"rule": step.quarantined["rule"].to_numpy(), "source_row": positions.to_numpy() + 2}
    return rows.assign(**{k: v for k, v in aside.items()})


def _read_all(force: ForceFile, folder: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
    raw: dict[str, pd.DataFrame] = {}
    problems: list[str] = []
    for table, source in force.sources.items():
        try:
            raw[table] = read_source(folder / source.file, source, f"sources.{table}")
        except ContractError as problem:
            problems += problem.problems
            continue
        problems += _missing_columns(raw[table], table, source)
    if problems:
        raise ContractError(problems)
    return raw, problems


def read_source(path: Path, source: Source, where: str) -> pd.DataFrame:
    """Read a delimited text file; every cell stays the text that it is.

    Raises
    ------
    ContractError
        If the file is not there, is empty, or is not text in the declared encoding.
    """
    name = path.name
    try:
        return pd.read_csv(
            path,
            sep=source.delimiter,
            encoding=source.encoding,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=True,
        )
    except FileNotFoundError:
        raise ContractError([f"{where}.file: there is no file '{name}' at that place"]) from None
    except IsADirectoryError:
        raise ContractError([f"{where}.file: '{name}' is a folder, a file is needed"]) from None
    except pd.errors.EmptyDataError:
        raise ContractError([f"{where}.file: '{name}' is empty, not even a header"]) from None
    except (UnicodeDecodeError, LookupError):
        raise ContractError(
            [
                f"{where}.encoding: '{name}' is not {source.encoding}; "
                "files from Windows are often cp1252"
            ]
        ) from None
    except pd.errors.ParserError:
        raise ContractError(
            [
                f"{where}.delimiter: '{name}' has rows with more cells than its header; "
                f"is {source.delimiter!r} right, and are texts quoted?"
            ]
        ) from None


def _missing_columns(raw: pd.DataFrame, table: str, source: Source) -> list[str]:
    """Columns that the force file maps and the extract does not have."""
    wanted: list[tuple[str, str]] = []
    if source.shared is not None:
        shared = source.shared
        wanted = [("shared.key", shared.key), ("shared.person", shared.person)]
        wanted += [("shared.date", name) for name in shared.date.names]
    elif source.columns is not None:
        wanted = [
            (f"columns.{column}", name)
            for column, origin in source.columns.items()
            for name in origin.names
        ]
    else:
        needed = [name for name, column in SCHEMA[table].items() if column.required]
        wanted = [("columns", name) for name in needed]
    problems = []
    for place, name in wanted:
        if name not in raw.columns:
            near = suggestion(name, [str(c) for c in raw.columns])
            problems.append(
                f"sources.{table}.{place}: '{Path(source.file).name}' has no column {name!r}{near}"
            )
    return problems


def _shared_ties(raw: pd.DataFrame, shared: SharedTies, time_zone: str) -> pd.DataFrame:
    """Pairs of people who share a key, in canonical vocabulary, dated by the row's day."""
    dates = parse_dates(joined(raw, shared.date, " "), shared.date)
    rows = pd.DataFrame(
        {"key": raw[shared.key], "person": raw[shared.person].str.strip(), "date": dates}
    )
    rows = rows[(rows["key"] != "") & (rows["person"] != "") & rows["date"].notna()]
    rows = rows.drop_duplicates(["key", "person"])
    size = rows.groupby("key")["person"].transform("size")
    pairs = [
        (min(a, b), max(a, b), date)
        for date, people in (
            (group["date"].min(), group["person"].tolist())
            for _, group in rows[size.between(2, shared.largest_group)].groupby("key", sort=False)
        )
        for a, b in itertools.combinations(people, 2)
    ]
    return pd.DataFrame(
        {
            "person_a": [p[0] for p in pairs],
            "person_b": [p[1] for p in pairs],
            "tie_type": shared.tie_type,
            "first_seen": [p[2].strftime("%Y-%m-%d") for p in pairs],
            "agency": shared.agency or "",
        },
        dtype=str,
    )
