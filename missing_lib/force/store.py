"""Keep the canonical tables of a force in its own restricted folder, for the chapters to read."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from missing_lib.force import traces
from missing_lib.force.errors import ContractError
from missing_lib.force.intake import Intake
from missing_lib.force.places import new_restricted_folder, restricted_folder
from missing_lib.force.schema import SCHEMA
from missing_lib.force.tables import Tables, conform


def save(intake: Intake, force_folder: Path) -> None:
    """Write tables, ledger, accounts, rows set aside or for review, and places of unread texts.

    Beside them, digests of all that was read, by which the scan knows what may not leave.
    """
    with new_restricted_folder(force_folder) as folder:
        for table in SCHEMA:
            intake.tables[table].to_parquet(folder / f"{table}.parquet", index=False)
        intake.ledger.to_csv(folder / "ledger.csv", index=False)
        intake.accounts.to_csv(folder / "accounts.csv", index=False)
        intake.by_source.to_csv(folder / "accounts-by-source.csv", index=False)
        intake.unread.to_csv(folder / "unread.csv", index=False)
        for table, rows in intake.quarantined.items():
            rows.to_csv(folder / f"quarantined-{table}.csv", index=False)
        for table, rows in intake.flagged.items():
            rows.to_csv(folder / f"flagged-{table}.csv", index=False)
        for table, rows in intake.review.items():
            rows.to_csv(folder / f"review-{table}.csv", index=False)
        if intake.traces is not None:
            traces.save(intake.traces, folder)
        about = {"absent": sorted(intake.tables.absent), "caveats": list(intake.caveats)}
        (folder / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def load(force_folder: Path) -> Intake:
    """Read back what :func:`save` wrote, without rows set aside, flagged or for review.

    Raises
    ------
    ContractError
        If nothing has been taken in yet.
    """
    folder = restricted_folder(force_folder)
    if not (folder / "about.json").is_file():
        name = force_folder.name
        raise ContractError([f"{name}: nothing taken in yet; run 'missing-book check {name}'"])
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    frames = {t: conform(pd.read_parquet(folder / f"{t}.parquet"), t) for t in SCHEMA}
    return Intake(
        tables=Tables(**frames, absent=frozenset(about["absent"])),
        ledger=pd.read_csv(folder / "ledger.csv"),
        accounts=pd.read_csv(folder / "accounts.csv"),
        quarantined={},
        caveats=tuple(about["caveats"]),
        unread=pd.read_csv(folder / "unread.csv"),
        by_source=pd.read_csv(folder / "accounts-by-source.csv"),
    )
