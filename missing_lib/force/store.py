"""Keep the canonical tables of a force in its own restricted folder, for the chapters to read."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from missing_lib.force.intake import Intake
from missing_lib.force.schema import SCHEMA
from missing_lib.force.tables import Tables, conform

RESTRICTED = "restricted"


def restricted_folder(force_folder: Path) -> Path:
    """Where what must not leave is kept; ignored by version control."""
    return force_folder / RESTRICTED


def save(intake: Intake, force_folder: Path) -> None:
    """Write tables, ledger, accounts and quarantined rows."""
    folder = restricted_folder(force_folder)
    folder.mkdir(parents=True, exist_ok=True)
    for table in SCHEMA:
        intake.tables[table].to_parquet(folder / f"{table}.parquet", index=False)
    intake.ledger.to_csv(folder / "ledger.csv", index=False)
    intake.accounts.to_csv(folder / "accounts.csv", index=False)
    for table, rows in intake.quarantined.items():
        rows.to_csv(folder / f"quarantined-{table}.csv", index=False)
    about = {"absent": sorted(intake.tables.absent), "caveats": list(intake.caveats)}
    (folder / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def load(force_folder: Path) -> Intake:
    """Read back what :func:`save` wrote, without the quarantined rows."""
    folder = restricted_folder(force_folder)
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    frames = {t: conform(pd.read_parquet(folder / f"{t}.parquet"), t) for t in SCHEMA}
    return Intake(
        tables=Tables(**frames, absent=frozenset(about["absent"])),
        ledger=pd.read_csv(folder / "ledger.csv"),
        accounts=pd.read_csv(folder / "accounts.csv"),
        quarantined={},
        caveats=tuple(about["caveats"]),
    )
