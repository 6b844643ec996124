"""Write a synthetic force as plain files, the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from missing_lib.force.tables import SCHEMA, Tables
from missing_lib.synthetic import northshire, thames_valley, traps

if TYPE_CHECKING:
    from missing_lib.synthetic.northshire import Northshire
    from missing_lib.synthetic.thames_valley import Made

#: Where ``regenerate`` writes, below the root of the repository.
FOLDER = Path("data") / "synthetic" / "thames-valley"
NORTHSHIRE = Path("data") / "synthetic" / "northshire"
#: The notes that lie beside the files.
NOTE_NORTHSHIRE = Path(__file__).with_name("northshire.md")
NOTE = Path(__file__).with_name("readme.md")
DATE = "%Y-%m-%d"
TIME = "%Y-%m-%dT%H:%M:%SZ"


def regenerate(root: Path) -> list[Path]:
    """Rewrite the committed synthetic forces below a repository root."""
    first = write(thames_valley.make(), Path(root) / FOLDER)
    return first + write_northshire(northshire.make(), Path(root) / NORTHSHIRE)


def write(made: Made, folder: Path) -> list[Path]:
    """Write tables, truth and a note into a folder (made if need be).

    Returns
    -------
    list of Path
        The files written.
    """
    texts = {f"{name}.csv": csv_text(made.tables[name], name) for name in Tables.names()}
    texts["truth.json"] = _json(made.truth)
    texts["README.md"] = NOTE.read_text(encoding="utf-8")
    return _save({name: text.encode("utf-8") for name, text in texts.items()}, Path(folder))


def write_northshire(made: Northshire, folder: Path) -> list[Path]:
    """Write the extract, the truth beside it and a note into a folder (made if need be).

    Returns
    -------
    list of Path
        The files written.
    """
    texts = {f"truth/{name}.csv": csv_text(made.tables[name], name) for name in Tables.names()}
    flags = made.planted.assign(
        recoverable=made.planted["recoverable"].map({True: "true", False: "false"})
    )
    texts["truth/planted.csv"] = str(flags.to_csv(index=False, lineterminator="\n"))
    texts["truth/truth.json"] = _json(made.truth)
    texts["README.md"] = NOTE_NORTHSHIRE.read_text(encoding="utf-8")
    files = {name: text.encode("utf-8") for name, text in texts.items()}
    files |= {f"raw/{traps.FILES[name]}": raw.content() for name, raw in made.raw.items()}
    return _save(files, Path(folder))


def _json(truth: dict[str, Any]) -> str:
    return json.dumps(truth, indent=1, ensure_ascii=False) + "\n"


def _save(files: dict[str, bytes], folder: Path) -> list[Path]:
    out = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        out.append(path)
    return out


def csv_text(frame: pd.DataFrame, table: str) -> str:
    """Write a canonical table as CSV: ISO dates, UTC times, true/false, missing empty, LF."""
    columns = {}
    for name, column in SCHEMA[table].items():
        if column.kind == "age":
            continue  # an age follows from the birth date, which is certain here
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
