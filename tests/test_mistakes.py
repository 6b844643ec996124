"""What the command says to each mistake that a user can make, word for word.

Each file of ``tests/mistakes`` is one mistake, made in a copy of the force in ``valid``:

did
    what the user did.
edit
    file -> text -> the text that stands in its place.
change, remove
    place in the force file -> its value; places that are taken out.
files
    name -> text; ``{text:, encoding:}``; ``{hex:}``; ``{sheets: {title: rows}}`` of a workbook;
    ``{parquet: rows}``; ``{database: {table: rows}}`` of SQLite; ``folder``; null for no file.
settings
    environment variable -> value, in which ``HERE`` is the folder of the force.
command
    what is typed after ``missing-book``; ``check mark`` if left out.
exit, says
    the exit code, and every line that is printed.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import yaml

from missing_lib import cli
from missing_lib.book.layout import FORCES_VARIABLE, ROOT_VARIABLE
from tests.test_force import set_at

FOLDER = Path(__file__).parent / "mistakes"
VALID = FOLDER / "valid"
MISTAKES = sorted(path for path in FOLDER.glob("*/*.yml") if path.parent != VALID)
KEYS = {"did", "edit", "change", "remove", "files", "settings", "command", "exit", "says"}
#: Texts of the extract that say something about a person: names, births, notes.
PERSONAL = re.compile(
    "|".join(
        re.escape(cell)
        for name, columns in (("persons", ("NAME", "DOB")), ("incidents", ("REPORTED", "NOTE")))
        for column in columns
        for cell in pd.read_csv(VALID / f"{name}.csv", dtype=str)[column].dropna()
    )
)


def write(path: Path, content: Any) -> None:
    """A file of the extract, as the fixture describes it."""
    path.unlink(missing_ok=True)
    if isinstance(content, str) and content != "folder":
        path.write_bytes(content.encode())
    elif content == "folder":
        path.mkdir()
    elif content is not None:
        ((kind, told),) = {k: v for k, v in content.items() if k != "encoding"}.items()
        MADE[kind](path, told, content)


def _text(path: Path, told: str, content: dict[str, Any]) -> None:
    path.write_bytes(told.encode(content["encoding"]))


def _hex(path: Path, told: str, content: dict[str, Any]) -> None:
    path.write_bytes(bytes.fromhex(told))


def _sheets(path: Path, told: dict[str, list[list[Any]]], content: dict[str, Any]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in told.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    with path.open("wb") as file:
        book.save(file)


def _frame(rows: list[list[Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows[1:], columns=rows[0])


def _parquet(path: Path, told: list[list[Any]], content: dict[str, Any]) -> None:
    _frame(told).to_parquet(path)


def _database(path: Path, told: dict[str, list[list[Any]]], content: dict[str, Any]) -> None:
    base = sqlite3.connect(path)
    for table, rows in told.items():
        _frame(rows).to_sql(table, base, index=False)
    base.close()


MADE = {"text": _text, "hex": _hex, "sheets": _sheets, "parquet": _parquet, "database": _database}


def make(mistake: dict[str, Any], folder: Path) -> None:
    """The valid force with a mistake in it."""
    shutil.copytree(VALID, folder)
    page = folder / "force.yml"
    if "change" in mistake or "remove" in mistake:
        content = yaml.safe_load(page.read_text(encoding="utf-8"))
        for place in mistake.get("remove", []):
            set_at(content, place, ...)
        for place, value in mistake.get("change", {}).items():
            set_at(content, place, value)
        page.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    for name, edits in mistake.get("edit", {}).items():
        text = (folder / name).read_bytes().decode()
        for old, new in edits.items():
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        (folder / name).write_bytes(text.encode())
    for name, content in mistake.get("files", {}).items():
        write(folder / name, content)


def run(mistake: dict[str, Any], book: Path, root: Path, patch: pytest.MonkeyPatch) -> int:
    """Run the command in this process and return its exit code."""
    folder = root / "forces" / "mark"
    make(mistake, folder)
    patch.chdir(root)
    patch.setenv(ROOT_VARIABLE, str(book))
    patch.setenv(FORCES_VARIABLE, str(folder.parent))
    for name, value in mistake.get("settings", {}).items():
        patch.setenv(name, value.replace("HERE", folder.as_posix()))
    words = shlex.split(mistake.get("command", "check mark"))
    patch.setattr(sys, "argv", ["missing-book", *words])
    try:
        cli.main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of three chapters, which no command here runs, and a page that computes nothing."""
    root = tmp_path_factory.mktemp("book")
    (root / "chapters").mkdir()
    pages = {"index": "", "prevalence": "", "repeats": "seed = 1\ndepth = 2"}
    for name, more in pages.items():
        place = root if name == "index" else root / "chapters"
        cell = f':tags: [parameters]\nforce = ""\npopulation = ""\n{more}'
        (place / f"{name}.md").write_text(f"```{{code-cell}} ipython3\n{cell}\n```\n")
    (root / "chapters" / "references.md").write_text("# References\n")
    chapters = [{"file": f"chapters/{name}"} for name in ("prevalence", "repeats", "references")]
    toc = {"format": "jb-book", "root": "index", "parts": [{"chapters": chapters}]}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc))
    return root


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_a_mistake_is_answered_word_for_word(
    path: Path,
    book: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mistake = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(mistake) <= KEYS
    code = run(mistake, book, tmp_path, monkeypatch)
    out, err = capsys.readouterr()
    assert (out + err).splitlines() == mistake["says"].splitlines()
    assert code == mistake["exit"]
    assert (out if code else err) == ""
    assert not PERSONAL.findall(out + err)


def test_the_valid_force_gives_nothing_to_say(
    book: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run({}, book, tmp_path, monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "persons",
        "incidents",
        "markers",
        "ties",
        "events",
    ]
    assert all(line.endswith("0 merged + 0 set aside") for line in lines)
