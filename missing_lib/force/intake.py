"""From a force's own extract to canonical tables, with every row accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from missing_lib.force import quality
from missing_lib.force.convert import Converted, convert, own_words, said, unread_rows
from missing_lib.force.errors import ContractError
from missing_lib.force.mapping import Source
from missing_lib.force.places import make_restricted_folder
from missing_lib.force.read import missing_columns, read_source
from missing_lib.force.schema import SCHEMA
from missing_lib.force.shared import pairs
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables, conform, empty

#: Lines above the first row in a spreadsheet that counts from one: the header.
_FIRST_ROW = 2


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
        By table: the raw rows, whole, after ``rule`` and ``source_row`` (as a spreadsheet
        counts, the header being row 1; of ties made from a shared key the pair).
    caveats : tuple of str
        What the analyst should know, without any value.
    unread : DataFrame
        ``table``, ``column``, ``source_row`` of every text that could not be read.
    """

    tables: Tables
    ledger: pd.DataFrame
    accounts: pd.DataFrame
    quarantined: dict[str, pd.DataFrame]
    caveats: tuple[str, ...]
    unread: pd.DataFrame = field(default_factory=pd.DataFrame)


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
        The rows concerned are listed in the force's restricted folder.
    """
    raw: dict[str, pd.DataFrame] = {}
    converted: dict[str, Converted] = {}
    problems: list[str] = []
    for table, source in force.sources.items():
        try:
            raw[table], converted[table] = _one_source(folder, table, source, force.time_zone)
        except ContractError as problem:
            problems += problem.problems
        else:
            problems += converted[table].problems
    unread = _unread(list(converted.values()))
    if problems:
        if len(unread):
            place = make_restricted_folder(folder) / "unread.csv"
            unread.to_csv(place, index=False)
            problems.append(f"rows that could not be read: {place.parent.name}/{place.name}")
        raise ContractError(problems)
    steps = _clean(force, converted)
    return Intake(
        tables=_tables(steps),
        ledger=quality.ledger_frame(list(steps.values())),
        accounts=pd.DataFrame(
            [{"table": t, **quality.row_account(len(raw[t]), s)} for t, s in steps.items()]
        ),
        quarantined={t: _whole_rows(raw[t], s) for t, s in steps.items()},
        caveats=tuple(c for t in SCHEMA if t in converted for c in converted[t].caveats),
        unread=unread,
    )


def _unread(converted: list[Converted]) -> pd.DataFrame:
    """Every text that could not be read, by table, column and row."""
    if not converted:
        return pd.DataFrame()
    unread = pd.concat([c.unread for c in converted], ignore_index=True)
    return unread.assign(source_row=unread["position"] + _FIRST_ROW).drop(columns="position")


def _one_source(
    folder: Path, table: str, source: Source, time_zone: str
) -> tuple[pd.DataFrame, Converted]:
    """The rows of one source as they are, and in canonical vocabulary."""
    read = read_source(folder / source.file, source, table)
    lacking = missing_columns(read.rows, table, source)
    if lacking:
        raise ContractError(lacking)
    if source.shared is None:
        rows, done = read.rows, convert(read.rows, table, source, time_zone)
    else:
        rows, dates, notes = pairs(read.rows, source.shared)
        done = convert(rows, table, Source(file=source.file), time_zone)
        where = f"ties.shared.date (your {own_words(source.shared.date)})"
        (done.problems if dates.stops else done.caveats).extend(said(dates, where))
        done.caveats.extend([*notes, *dates.notes])
        done = replace(done, unread=unread_rows(dates, table, "first_seen"))
    return rows, replace(done, caveats=[*read.caveats, *done.caveats])


def _clean(force: ForceFile, converted: dict[str, Converted]) -> dict[str, quality.Step]:
    """Apply the rules of every table; persons come first, the others look them up."""
    zone = force.time_zone
    reported = (force.sources["incidents"].columns or {}).get("reported_at")
    own_clock = reported.zone if reported is not None else None
    steps: dict[str, quality.Step] = {}
    for table in [t for t in SCHEMA if t in converted]:
        around = quality.Surroundings(
            persons=steps["persons"].rows if "persons" in steps else empty("persons"),
            end=pd.Timestamp(force.study.end),
            time_zone=zone,
            clocks=(zone, own_clock or zone),
            gap_hours=force.definitions.merge_gap_hours,
        )
        step = quality.Step(table, converted[table].rows)
        steps[table] = quality.apply(step, quality.rules_for(table, around))
    late = quality.born_after_report(steps["incidents"].rows, zone)
    return {**steps, "persons": quality.apply(steps["persons"], [late])}


def _tables(steps: dict[str, quality.Step]) -> Tables:
    frames = {
        table: conform(steps[table].rows.reset_index(drop=True), table)
        if table in steps
        else empty(table)
        for table in SCHEMA
    }
    return Tables(absent=frozenset(SCHEMA) - frozenset(steps), **frames)


def _whole_rows(raw: pd.DataFrame, step: quality.Step) -> pd.DataFrame:
    positions = step.quarantined["position"]
    aside = pd.DataFrame({"rule": step.quarantined["rule"], "source_row": positions + _FIRST_ROW})
    return pd.concat([aside, raw.loc[positions].reset_index(drop=True)], axis=1)
