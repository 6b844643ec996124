"""Hundreds of broken extracts and force files: none ends in a traceback, loses a row or is silent.

:mod:`tests.mutations` says what can be demanded of each mutation, and why no more.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from missing_lib.force import store
from missing_lib.force.errors import ContractError
from missing_lib.force.intake import Intake, take_in
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import find_force
from tests import mutations
from tests.mutations import COUNTED, FORMATS, KINDS, SAME, SECRET, TOLD, Case, Rows

#: Cases of the long run, and of the ordinary one: every way of breaking rows, some of the others.
ROWS, FILES, PAGES = 252, 200, 200
FEW_ROWS, FEW_FILES, FEW_PAGES = len(mutations.CELLS), 10, 10
CLEAN = mutations.clean_rows()
#: Values of the extract that say something about a person.
PERSONAL = re.compile(
    "|".join(
        sorted({re.escape(c) for rows in CLEAN.values() for x in rows[1:] for c in x if len(c) > 4})
    )
    + f"|{SECRET}"
)


def taken_in(folder: Path) -> Intake:
    """As ``missing-book check`` does, the saving of what was made included."""
    intake = take_in(find_force(folder.parent, "mark"), folder)
    store.save(intake, folder)
    return intake


def written(folder: Path, form: str, rows: Rows) -> Path:
    folder.mkdir(parents=True)
    (folder / "force.yml").write_text(yaml.safe_dump(mutations.page(form)), encoding="utf-8")
    mutations.write(folder, form, rows)
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Intake:
    return taken_in(written(tmp_path_factory.mktemp("clean") / "mark", "csv", CLEAN))


def set_of_rows(intake: Intake, table: str) -> pd.DataFrame:
    frame = intake.tables[table]
    return frame.sort_values(list(frame.columns)).reset_index(drop=True)


def differs(one: Intake, other: Intake) -> bool:
    return any(not set_of_rows(one, t).equals(set_of_rows(other, t)) for t in SCHEMA)


def flagged(intake: Intake) -> bool:
    """Whether anything says that the extract is not as it should be."""
    return bool(intake.caveats) or bool(intake.ledger["touched"].any()) or len(intake.unread) > 0


def counted(text: str, sign: str) -> int:
    """Rows under the header that hold a value: a reader of its own, one sign after the other."""
    rows, row, cell, within, closed = [], [], "", False, False
    signs = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for one in [*signs, *([] if signs.endswith("\n") else ["\n"])]:
        if within:
            within, closed = one != '"', one == '"'
            cell += "" if closed else one
        elif one == '"' and (closed or not cell):
            cell += '"' if closed else ""
            within, closed = True, False
        elif one == sign:
            row, cell, closed = [*row, cell], "", False
        elif one == "\n":
            rows, row, cell, closed = [*rows, [*row, cell]], [], "", False
        else:
            cell, closed = cell + one, False
    return sum(any(c.strip() for c in one) for one in rows[1:])


def assert_in_plain_words(lines: tuple[str, ...]) -> None:
    assert lines
    for line in lines:
        assert line.isprintable(), line
        assert not PERSONAL.findall(line), line
        assert "Traceback" not in line
        assert len(line) < 3_000


def assert_adds_up(intake: Intake, rows_in: dict[str, int]) -> None:
    for line in intake.accounts.itertuples():
        assert line.rows_in == line.kept + line.merged + line.quarantined
        assert line.kept == len(intake.tables[line.table])
        assert line.quarantined == len(intake.quarantined[line.table])
        assert line.rows_in == rows_in.get(line.table, line.rows_in)
    for note in intake.caveats:
        assert not PERSONAL.findall(note)


def taken_in_or_refused(folder: Path) -> Intake | None:
    """The intake, or nothing where it was refused in plain words."""
    try:
        return taken_in(folder)
    except ContractError as refusal:
        assert_in_plain_words(refusal.problems)
        return None


def assert_kept_promise(folder: Path, clean: Intake, demand: str, rows_in: dict[str, int]) -> None:
    """A refusal in plain words, or an account that adds up and says what is not as it was."""
    intake = taken_in_or_refused(folder)
    if intake is None:
        assert demand != SAME
        return
    assert_adds_up(intake, rows_in)
    if demand != COUNTED and differs(intake, clean):
        assert demand == TOLD
        assert flagged(intake)


def number_of_rows(rows: Rows) -> dict[str, int]:
    return {t: sum(any(c.strip() for c in x) for x in lines[1:]) for t, lines in rows.items()}


def seeds(number: int, few: int) -> list[object]:
    return [
        pytest.param(seed, marks=pytest.mark.long if seed >= few else ()) for seed in range(number)
    ]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mutations.URL, f"sqlite:///{tmp_path / 'mark' / 'extract.sqlite'}")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("database")
def test_the_clean_extract_is_the_same_in_every_format(
    tmp_path: Path, clean: Intake, form: str
) -> None:
    intake = taken_in(written(tmp_path / "mark", form, CLEAN))
    assert not differs(intake, clean)
    assert not flagged(intake)
    assert_adds_up(intake, number_of_rows(CLEAN))


@pytest.mark.parametrize("seed", seeds(ROWS, FEW_ROWS))
@pytest.mark.usefixtures("database")
def test_rows_that_are_broken(tmp_path: Path, clean: Intake, seed: int) -> None:
    rng = random.Random(seed)
    form, mutate = FORMATS[seed % len(FORMATS)], mutations.CELLS[seed % len(mutations.CELLS)]
    case = mutate(Case(rng, form, rng.choice(list(KINDS)), CLEAN))
    folder = written(tmp_path / "mark", form, case.rows)
    assert_kept_promise(folder, clean, case.demand, number_of_rows(case.rows))


@pytest.mark.parametrize("seed", seeds(FILES, FEW_FILES))
@pytest.mark.usefixtures("database")
def test_files_that_are_broken(tmp_path: Path, clean: Intake, seed: int) -> None:
    rng = random.Random(seed)
    form, table = FORMATS[seed % len(FORMATS)], rng.choice(list(KINDS))
    texts = form in ("csv", "tsv")
    mutate = rng.choice([*mutations.ANY_BYTES, *(mutations.TEXT_BYTES if texts else ())])
    folder = written(tmp_path / "mark", form, CLEAN)
    file = folder / ("extract.sqlite" if form == "sqlite" else f"{table}.{form}")
    content, demand = mutate(rng, form, file.read_bytes())
    file.write_bytes(content)
    rows_in = number_of_rows(CLEAN) if form != "sqlite" else {}
    if texts:
        sign = "," if form == "csv" else "\t"
        rows_in[table] = counted(content.decode("utf-8", errors="replace"), sign)
    elif demand == COUNTED:
        rows_in.pop(table, None)
    assert_kept_promise(folder, clean, demand, rows_in)


@pytest.mark.parametrize("seed", seeds(PAGES, FEW_PAGES))
@pytest.mark.usefixtures("database")
def test_force_files_that_are_broken(tmp_path: Path, clean: Intake, seed: int) -> None:
    rng = random.Random(seed)
    form = FORMATS[seed % len(FORMATS)]
    folder = written(tmp_path / "mark", form, CLEAN)
    (folder / "force.yml").write_bytes(mutations.broken_page(rng, form))
    assert_kept_promise(folder, clean, COUNTED, {})
