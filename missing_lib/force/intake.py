"""From a force's own extract to canonical tables, with every row accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from missing_lib.force import quality
from missing_lib.force.errors import ContractError
from missing_lib.force.outside import long_incidents, outside_study
from missing_lib.force.places import make_restricted_folder
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables, conform, empty
from missing_lib.force.taking import Taken, take_table
from missing_lib.force.typed import without_mark


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
        counts, the header being row 1; of ties made from a shared key, of Parquet files and
        queries, as rows are counted from one); ``source`` where a table has several.
    caveats : tuple of str
        What the analyst should know, without any value.
    unread : DataFrame
        ``table``, ``column``, ``source_row`` of every text that could not be read; ``source``
        where a table has several.
    by_source : DataFrame
        The accounts of each file or query; ``merged`` are its rows that went into another row,
        of the same source or of another.
    """

    tables: Tables
    ledger: pd.DataFrame
    accounts: pd.DataFrame
    quarantined: dict[str, pd.DataFrame]
    caveats: tuple[str, ...]
    unread: pd.DataFrame = field(default_factory=pd.DataFrame)
    by_source: pd.DataFrame = field(default_factory=pd.DataFrame)


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
    taken: dict[str, Taken] = {}
    problems: list[str] = []
    for table in force.sources:
        taken[table] = take_table(folder, table, force.sources[table], force.time_zone)
        problems += taken[table].problems
    unread = _unread(list(taken.values()))
    if problems:
        if len(unread):
            place = make_restricted_folder(folder) / "unread.csv"
            unread.to_csv(place, index=False)
            problems.append(f"rows that could not be read: {place.parent.name}/{place.name}")
        raise ContractError(problems)
    steps = _clean(force, {table: one.converted() for table, one in taken.items()})
    tables = _tables(steps)
    caveats = [c for t in SCHEMA if t in taken for c in taken[t].caveats]
    return Intake(
        tables=tables,
        ledger=quality.ledger_frame(list(steps.values())),
        accounts=pd.DataFrame(
            [{"table": t, **quality.row_account(len(taken[t]), s)} for t, s in steps.items()]
        ),
        quarantined={t: _whole_rows(taken[t], s) for t, s in steps.items()},
        caveats=(*caveats, *outside_study(tables, force), *long_incidents(tables, force)),
        unread=unread,
        by_source=pd.DataFrame(
            [line for t, step in steps.items() for line in _source_accounts(taken[t], step)]
        ),
    )


def _unread(taken: list[Taken]) -> pd.DataFrame:
    """Every text that could not be read, by table, column and row."""
    parts = [
        part.done.unread.assign(source_row=part.done.unread["position"] + part.first_row)
        for one in taken
        for part in one.parts
    ]
    labels = [part.label for one in taken for part in one.parts]
    if not parts:
        return pd.DataFrame()
    several = any(len(one.parts) > 1 for one in taken)
    if several:
        parts = [p.assign(source=label) for p, label in zip(parts, labels, strict=True)]
    return pd.concat(parts, ignore_index=True).drop(columns="position")


def _source_accounts(taken: Taken, step: quality.Step) -> list[dict[str, object]]:
    """Per source: rows in = kept + merged into another row + quarantined."""
    lines: list[dict[str, object]] = []
    kept, aside = step.rows.index.to_numpy(), step.quarantined["position"].to_numpy()
    for part, begin in zip(taken.parts, taken.begins, strict=True):
        end = begin + part.extent
        here = [int(((at >= begin) & (at < end)).sum()) for at in (kept, aside)]
        account = {"kept": here[0], "merged": len(part.rows) - sum(here), "quarantined": here[1]}
        about = {"table": step.table, "source": part.label, "rows_in": len(part.rows)}
        lines.append({**about, **account})
    return lines


def _clean(force: ForceFile, converted: dict[str, pd.DataFrame]) -> dict[str, quality.Step]:
    """Apply the rules of every table; persons come first, the others look them up."""
    zone = force.time_zone
    origins = [(s.columns or {}).get("reported_at") for _, s in force.sources["incidents"].each()]
    own_clocks = [origin.zone for origin in origins if origin is not None and origin.zone]
    steps: dict[str, quality.Step] = {}
    for table in [t for t in SCHEMA if t in converted]:
        around = quality.Surroundings(
            persons=steps["persons"].rows if "persons" in steps else empty("persons"),
            end=pd.Timestamp(force.study.end),
            time_zone=zone,
            clocks=tuple(dict.fromkeys([zone, *own_clocks])),
            gap_hours=force.definitions.merge_gap_hours,
        )
        step = quality.Step(table, converted[table])
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


def _whole_rows(taken: Taken, step: quality.Step) -> pd.DataFrame:
    """The quarantined rows as they came, after rule, place and, where there are several, source."""
    several = len(taken.parts) > 1
    frames = []
    for part, begin in zip(taken.parts, taken.begins, strict=True):
        at = step.quarantined["position"]
        mine = step.quarantined[(at >= begin) & (at < begin + part.extent)]
        positions = (mine["position"] - begin).reset_index(drop=True)
        aside = pd.DataFrame({"rule": mine["rule"].array, "source_row": positions + part.first_row})
        if several:
            aside.insert(1, "source", part.label)
        whole = part.rows.loc[positions].reset_index(drop=True).apply(without_mark)
        frames.append(pd.concat([aside, whole], axis=1))
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
