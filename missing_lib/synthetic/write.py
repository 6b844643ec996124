"""Write a synthetic force as plain files, the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from missing_lib.force.tables import SCHEMA, Tables
from missing_lib.synthetic import thames_valley

if TYPE_CHECKING:
    from missing_lib.synthetic.thames_valley import Made

#: Where ``regenerate`` writes, below the root of the repository.
FOLDER = Path("data") / "synthetic" / "thames-valley"
#: The note that lies beside the files.
NOTE = Path(__file__).with_name("readme.md")
DATE = "%Y-%m-%d"
TIME = "%Y-%m-%dT%H:%M:%SZ"


def regenerate(root: Path) -> list[Path]:
    """Rewrite the committed synthetic force below a repository root."""
    return write(thames_valley.make(), Path(root) / FOLDER)


def write(made: Made, folder: Path) -> list[Path]:
    """Write tables, truth and a note into a folder (made if need be).

    Returns
    -------
    list of Path
        The files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"{name}.csv": csv_text(made.tables[name], name) for name in Tables.names()}
    texts["truth.json"] = json.dumps(made.truth, indent=1, ensure_ascii=False) + "\n"
    texts["README.md"] = NOTE.read_text(encoding="utf-8")
    out = []
    for name, text in texts.items():
        path = folder / name
        path.write_bytes(text.encode("utf-8"))
        out.append(path)
    return out


def csv_text(frame: pd.DataFrame, table: str) -> str:
    """Write a canonical table as CSV: ISO dates, UTC times, true/false, missing empty, LF."""
    columns = {}
    for name, column in SCHEMA[table].items():
        values = frame[name]
        if column.kind == "date":
            columns[name] = values.dt.strftime(DATE)
        elif column.kind == "time":
            columns[name] = values.dt.strftime(TIME)
        elif column.kind == "flag":
            columns[name] = values.map({True: "true", False: "false"})
        else:
            columns[name] = values
    text = pd.DataFrame(columns).to_csv(index=False, lineterminator="\n")
    return str(text)
