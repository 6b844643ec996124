"""What ``missing-book check`` says of an intake: the account, what rules touched, what to see."""

from __future__ import annotations

from collections.abc import Iterator

from missing_lib.force.intake import Intake
from missing_lib.force.places import RESTRICTED
from missing_lib.force.review import pairs_by_chance
from missing_lib.force.typed import is_in


def said(intake: Intake) -> Iterator[str]:
    """The report, line by line; counts only, never a value."""
    yield from _account(intake)
    touched = intake.ledger[intake.ledger["touched"] > 0]
    for severity, heading in (
        ("caveat", "Runs with a caveat; the figures may suffer:"),
        ("note", "To know:"),
    ):
        lines = touched[touched["severity"] == severity]
        notes = list(intake.caveats) if severity == "caveat" else []
        if len(lines) or notes:
            yield heading
        for line in lines.itertuples():
            words = intake.words.get((line.table, line.rule), "")
            yield f"  {line.table} {line.rule}: {line.title}{words}: {line.touched:,} {line.action}"
        yield from (f"  {note}" for note in notes)
    yield from _review(intake)
    if intake.flagged:
        yield f"Rows that a rule with a caveat touched and kept: {RESTRICTED}/flagged-<table>.csv"
    if intake.accounts["quarantined"].any():
        yield (
            f"Rows set aside are in the force's folder {RESTRICTED}/, whole, with rule and row: "
            f"quarantined-<table>.csv"
        )


def _account(intake: Intake) -> Iterator[str]:
    for row in intake.accounts.itertuples():
        yield (
            f"{row.table:10} {row.rows_in:>9,} rows in = {row.kept:,} kept + {row.merged:,} merged"
            f" + {row.quarantined:,} set aside"
        )
        parts = intake.by_source[intake.by_source["table"] == row.table]
        for part in parts.itertuples() if len(parts) > 1 else ():
            yield (
                f"  {part.rows_in:>17,} rows of {part.source} = {part.kept:,} kept + "
                f"{part.merged:,} merged + {part.quarantined:,} set aside"
            )


def _review(intake: Intake) -> Iterator[str]:
    """Lists for people to look at."""
    for table, rows in intake.review.items():
        for rule, mine in rows.groupby("rule"):
            groups = mine["group"].nunique()
            chance = _by_chance(intake) if rule == "P06" else ""
            number = "1 group" if groups == 1 else f"{groups:,} groups"
            yield (
                f"For review: {rule}, {number} of {table} that may be one{chance}: "
                f"{RESTRICTED}/review-{table}.csv"
            )


def _by_chance(intake: Intake) -> str:
    persons, incidents = intake.tables.persons, intake.tables.incidents
    reported = persons[is_in(persons["person_id"], incidents["person_id"])]
    return f" (about {pairs_by_chance(reported):.0f} pairs would agree by chance)"
