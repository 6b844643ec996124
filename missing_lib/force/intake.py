"""From a force's own extract to canonical tables, with every row accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from missing_lib.force import quality, rules
from missing_lib.force.errors import ContractError
from missing_lib.force.fitness import notes
from missing_lib.force.places import make_restricted_folder
from missing_lib.force.rulebook import RULES
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables, conform, empty
from missing_lib.force.taking import Taken, take_table
from missing_lib.force.traces import Traces, of_extract
from missing_lib.force.typed import without_mark

#: Begins the names of lists that an intake which was stopped leaves beside the last good tables.
STOPPED = "stopped"


@dataclass(frozen=True)
class Intake:
    """What came in and what was kept.

    Attributes
    ----------
    tables : Tables
        Canonical and clean.
    ledger : DataFrame
        ``table``, ``rule``, ``title``, ``action``, ``severity``, ``before``, ``touched``,
        ``after``.
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
        of the same source or of another; ``number`` counts the sources of a table.
    review : dict of DataFrame
        By table: rows that may be one incident or one person, whole, after ``rule``, ``group``
        and ``source_row``.
    flagged : dict of DataFrame
        By table: rows that a rule with a caveat touched and kept, whole, after ``rule`` and
        ``source_row``.
    words : dict of str
        By table and rule: the analyst's names of the columns that the rule looks at, in brackets.
    traces : Traces or None
        Digests of all that was read, by which the scan knows what may not leave.
    """

    tables: Tables
    ledger: pd.DataFrame
    accounts: pd.DataFrame
    quarantined: dict[str, pd.DataFrame]
    caveats: tuple[str, ...]
    unread: pd.DataFrame = field(default_factory=pd.DataFrame)
    by_source: pd.DataFrame = field(default_factory=pd.DataFrame)
    review: dict[str, pd.DataFrame] = field(default_factory=dict)
    flagged: dict[str, pd.DataFrame] = field(default_factory=dict)
    words: dict[tuple[str, str], str] = field(default_factory=dict)
    traces: Traces | None = None


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
        With all problems of all sources: missing files and columns, codes that nobody listed,
        rules that would set aside most of a table. The rows concerned are listed in the force's
        restricted folder.
    """
    taken: dict[str, Taken] = {}
    problems: list[str] = []
    for table in force.sources:
        taken[table] = take_table(folder, table, force.sources[table], force.time_zone)
        problems += taken[table].problems
    unread = _unread(list(taken.values()))
    if problems:
        if len(unread):
            place = make_restricted_folder(folder) / f"{STOPPED}-unread.csv"
            unread.to_csv(place, index=False)
            problems.append(f"rows that could not be read: {place.parent.name}/{place.name}")
        raise ContractError(problems)
    converted = {table: one.converted() for table, one in taken.items()}
    steps = _clean(force, converted, taken["incidents"].with_offsets("reported_at"))
    _stop_at_loss(folder, taken, steps)
    tables = _tables(steps)
    fit = notes(tables, force)
    return Intake(
        tables=tables,
        ledger=quality.ledger_frame(list(steps.values())),
        accounts=pd.DataFrame(
            [{"table": t, **quality.row_account(len(taken[t]), s)} for t, s in steps.items()]
        ),
        quarantined={t: _whole_rows(taken[t], s.quarantined) for t, s in steps.items()},
        caveats=(*(c for t in SCHEMA if t in taken for c in taken[t].caveats), *fit),
        unread=unread,
        by_source=pd.DataFrame(
            [line for t, step in steps.items() for line in _source_accounts(taken[t], step)]
        ),
        flagged={t: _whole_rows(taken[t], s.flagged) for t, s in steps.items() if len(s.flagged)},
        words={
            (t, line.rule): taken[t].own_words(RULES[line.rule].columns)
            for t, step in steps.items()
            for line in step.ledger
        },
        review={t: _whole_rows(taken[t], s.review) for t, s in steps.items() if len(s.review)},
        traces=of_extract(taken, tables),
    )


def _stop_at_loss(folder: Path, taken: dict[str, Taken], steps: dict[str, quality.Step]) -> None:
    """Stop where a rule sets aside so much of a table that the extract cannot be what was meant."""
    problems = []
    for table, step in steps.items():
        for line in step.too_many:
            words = taken[table].own_words(RULES[line.rule].columns)
            problems.append(
                f"{table}: {line.rule}, {line.title}{words}: {line.touched:,} of {line.before:,} "
                f"rows ({line.touched / line.before:.0%}); are the right columns mapped, and do "
                f"all files use the same identifiers? If so, raise rules.{line.rule}.stop_above"
            )
        if step.too_many:
            place = make_restricted_folder(folder) / f"{STOPPED}-{table}.csv"
            _whole_rows(taken[table], step.quarantined).to_csv(place, index=False)
            problems.append(f"the rows concerned: {place.parent.name}/{place.name}")
        else:
            problems += _lost_sources(taken[table], step)
    if problems:
        raise ContractError(problems)


def _lost_sources(taken: Taken, step: quality.Step) -> list[str]:
    """Sources of a table of which no row is left."""
    lines = _source_accounts(taken, step) if len(taken.parts) > 1 else []
    return [
        f"{step.table}: all {len(part.rows):,} rows of {part.label} would be set aside; do its "
        "identifiers agree with the other sources', and does no other file use the same numbers?"
        for part, line in zip(taken.parts, lines, strict=False)
        if len(part.rows) == line["quarantined"] and len(part.rows) >= quality.ENOUGH_ROWS
    ]


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


def _apart(ours: list[str], theirs: list[str]) -> list[str]:
    """The extract's names of columns, so that none is twice or one of ours."""
    names: list[str] = []
    for name in theirs:
        made, number = name, 1
        while made in (*ours, *names):
            number += 1
            made = f"{name} ({number})"
        names.append(made)
    return names


def _source_accounts(taken: Taken, step: quality.Step) -> list[dict[str, object]]:
    """Per source: rows in = kept + merged into another row + quarantined."""
    lines: list[dict[str, object]] = []
    kept, aside = step.rows.index.to_numpy(), step.quarantined["position"].to_numpy()
    for number, (part, begin) in enumerate(zip(taken.parts, taken.begins, strict=True), start=1):
        end = begin + part.extent
        here = [int(((at >= begin) & (at < end)).sum()) for at in (kept, aside)]
        account = {"kept": here[0], "merged": len(part.rows) - sum(here), "quarantined": here[1]}
        about = {"table": step.table, "number": number, "source": part.label}
        about["rows_in"] = len(part.rows)
        lines.append({**about, **account})
    return lines


def _clean(
    force: ForceFile, converted: dict[str, pd.DataFrame], offsets: bool
) -> dict[str, quality.Step]:
    """Apply the rules of every table; persons come first, the others look them up."""
    zone = force.time_zone
    origins = [(s.columns or {}).get("reported_at") for _, s in force.sources["incidents"].each()]
    own_clocks = [origin.zone for origin in origins if origin is not None and origin.zone]
    own_clocks += ["UTC"] if offsets else []
    steps: dict[str, quality.Step] = {}
    for table in [t for t in SCHEMA if t in converted]:
        around = rules.Surroundings(
            persons=steps["persons"].rows if "persons" in steps else empty("persons"),
            start=pd.Timestamp(force.study.start),
            end=pd.Timestamp(force.study.end),
            time_zone=zone,
            clocks=tuple(dict.fromkeys([zone, *own_clocks])),
            gap_hours=force.definitions.merge_gap_hours,
            choices=force.rules,
        )
        step = quality.Step(table, converted[table])
        steps[table] = rules.apply(step, rules.rules_for(table, around))
    late = rules.rules_of_persons_after_incidents(around, steps["incidents"].rows)
    return {**steps, "persons": rules.apply(steps["persons"], late)}


def _tables(steps: dict[str, quality.Step]) -> Tables:
    frames = {
        table: conform(steps[table].rows.reset_index(drop=True), table)
        if table in steps
        else empty(table)
        for table in SCHEMA
    }
    return Tables(absent=frozenset(SCHEMA) - frozenset(steps), **frames)


def _whole_rows(taken: Taken, listed: pd.DataFrame) -> pd.DataFrame:
    """Rows as they came, after rule, place and, where there are several, source."""
    several = len(taken.parts) > 1
    frames = []
    for part, begin in zip(taken.parts, taken.begins, strict=True):
        at = listed["position"]
        mine = listed[(at >= begin) & (at < begin + part.extent)]
        positions = (mine["position"] - begin).reset_index(drop=True)
        about = mine.drop(columns="position").reset_index(drop=True)
        aside = about.assign(source_row=positions + part.first_row)
        if several:
            aside.insert(1, "source", part.label)
        whole = part.rows.loc[positions].reset_index(drop=True)
        whole = whole.set_axis(_apart(list(aside), list(whole)), axis=1).apply(without_mark)
        frames.append(pd.concat([aside, whole], axis=1))
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
