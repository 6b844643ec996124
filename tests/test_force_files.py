"""Files of the extract: what cannot be read is one clear line without a value of a cell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from missing_lib.force import places, store
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import read_force_file
from tests.conftest import ROOT
from tests.test_force import INCIDENTS, PERSONS, complaints, make_force, taken_in


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    folder = make_force(tmp_path, sources__incidents__file="..")
    (folder / "persons.csv").unlink()
    assert complaints(lambda: taken_in(folder)) == [
        "sources.persons.file: there is no file 'persons.csv' at that place",
        "sources.incidents.file: '..' is a folder, a file is needed",
    ]


def test_a_missing_canonical_column(tmp_path: Path) -> None:
    folder = make_force(
        tmp_path, {"persons.csv": "PERSON,birthdate\nN1,1987-06-05\n"},
        sources__persons={"file": "persons.csv"},
    )  # fmt: skip
    (line,) = complaints(lambda: taken_in(folder))
    assert line == (
        "sources.persons.columns: 'persons.csv' has no column 'person_id' (did you mean 'PERSON'?)"
    )
    (folder / "persons.csv").write_text("person_id,birthdate\nN1,1987-06-05\nN2,\n")
    (caveat,) = taken_in(folder).caveats
    assert caveat == ("persons: the column 'birthdate' is not read (did you mean 'birth_date'?)")


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (PERSONS.replace(",", ";"), {"delimiter": ";"}),
        (PERSONS.replace(",", "\t"), {"delimiter": "tab"}),
        (PERSONS.replace(",", "|"), {"delimiter": "|"}),
        (PERSONS.replace("Somebody", "Zo\u00eb \u20ac").encode("cp1252"), {"encoding": "cp1252"}),
        (PERSONS.encode("utf-16"), {"encoding": "utf-16"}),
        (PERSONS.encode("utf-8-sig"), {}),
        (PERSONS.encode("utf-8-sig"), {"encoding": "UTF-8"}),
        (PERSONS.replace("NOMINAL", '"NOMINAL"').encode("utf-8-sig"), {"encoding": "utf-8"}),
        (PERSONS.replace("\n", "\r\n"), {}),
        (PERSONS.replace("Somebody", '"Some, body\nand more"'), {}),
        (PERSONS.replace("DOB", " DOB ").replace("N2", " N2 "), {}),
        (PERSONS.replace("NAME", ""), {}),
        (PERSONS.replace("NAME", "NOMINAL.1"), {}),
    ],
)  # fmt: skip
def test_files_are_read_as_declared(
    tmp_path: Path, content: str | bytes, settings: dict[str, str]
) -> None:
    places = {f"sources__persons__{key}": value for key, value in settings.items()}
    intake = taken_in(make_force(tmp_path, {"persons.csv": content}, **places))
    persons = intake.tables.persons
    assert persons["person_id"].tolist() == ["N1", "N2"]
    assert persons["sex"].tolist() == ["female", "male"]
    assert persons["birth_date"].dt.year.tolist() == [1987, 2004]
    assert len(intake.tables.incidents) == 3


def test_blank_and_short_rows_are_counted_and_rows_keep_their_number(tmp_path: Path) -> None:
    rows = "\n , ,\t,\nN1,x,1987-06-05,F\nN2\n,,2004-01-31,M\n\n,,,\n"
    folder = make_force(tmp_path, {"persons.csv": "NOMINAL,NAME,DOB,GENDER" + rows})
    intake = taken_in(folder)
    assert intake.caveats == (
        "persons: rows without any value that were left out: 3",
        "persons: rows with fewer cells than the header, the rest taken as empty: 1",
    )
    aside = intake.quarantined["persons"]
    assert aside[["rule", "source_row"]].to_numpy().tolist() == [["A01", 5]]
    assert aside["DOB"].tolist() == ["2004-01-31"]
    assert intake.tables.persons["person_id"].tolist() == ["N1", "N2"]
    assert intake.accounts.iloc[0].tolist() == ["persons", 3, 2, 0, 1]


def test_header_only_and_empty_tables_survive(tmp_path: Path) -> None:
    headers = {"persons.csv": PERSONS.split("\n")[0], "incidents.csv": INCIDENTS.split("\n")[0]}
    folder = make_force(tmp_path, headers)
    intake = taken_in(folder)
    assert intake.caveats == (
        "persons: the file has a header and no rows",
        "incidents: the file has a header and no rows",
    )
    store.save(intake, folder)
    for table in SCHEMA:
        assert store.load(folder).tables[table].dtypes.equals(intake.tables[table].dtypes)


def test_problems_of_all_files_come_together_with_their_rows(tmp_path: Path) -> None:
    folder = make_force(
        tmp_path,
        {
            "persons.csv": PERSONS.replace("DOB", "BORN"),
            "incidents.csv": INCIDENTS.replace(",H,", ",QX9,").replace("REF", "REF "),
        },
        sources__markers={"file": "none.csv"},
    )
    lines = complaints(lambda: taken_in(folder))
    assert len(lines) == 4
    unread = pd.read_csv(folder / "restricted" / "stopped-unread.csv")
    assert unread.to_numpy().tolist() == [["incidents", "risk_final", 3]]


# --- what is kept -------------------------------------------------------------------------------


def test_save_and_load_keep_values_and_types(tmp_path: Path) -> None:
    folder = make_force(
        tmp_path, {"incidents.csv": INCIDENTS.replace("R3,N1", "R3,N9")},
        sources__persons__columns__sex={"column": "GENDER", "otherwise_missing": True},
    )  # fmt: skip
    made = taken_in(folder)
    store.save(made, folder)
    back = store.load(folder)
    for table in SCHEMA:
        pd.testing.assert_frame_equal(back.tables[table], made.tables[table])
    pd.testing.assert_frame_equal(back.ledger, made.ledger)
    pd.testing.assert_frame_equal(back.accounts, made.accounts)
    pd.testing.assert_frame_equal(back.unread, made.unread, check_dtype=False)
    assert (back.caveats, back.tables.absent) == (made.caveats, made.tables.absent)
    restricted = folder / "restricted"
    assert (restricted / ".gitignore").read_text() == "*\n"
    if os.name == "posix":
        assert restricted.stat().st_mode & 0o777 == 0o700
    assert "R3,N9" in (restricted / "quarantined-incidents.csv").read_text()
    (folder / "incidents.csv").write_text(INCIDENTS)
    (restricted / "quarantined-markers.csv").write_text("of a table that was dropped since")
    store.save(taken_in(folder), folder)
    assert "N9" not in (restricted / "quarantined-incidents.csv").read_text()
    assert not (restricted / "quarantined-markers.csv").exists()


def test_other_folders_of_the_analyst_stay(tmp_path: Path) -> None:
    folder = make_force(tmp_path)
    kept = folder / "restricted-backup-2024"
    kept.mkdir()
    (folder / "restricted-new-1x").mkdir()
    store.save(taken_in(folder), folder)
    assert kept.is_dir()
    assert not (folder / "restricted-new-1x").exists()


def test_columns_of_the_extract_keep_apart_from_ours(tmp_path: Path) -> None:
    header, *lines = PERSONS.splitlines()
    twice = [f"{header},rule,NOTE,NOTE", *(f"{line},a,b,c" for line in lines), ",x,,M,a,b,c", ""]
    other = "\n".join([f"{header},NOTE", ",y,,F,d", ""])
    page = read_force_file(make_force(tmp_path / "page") / "force.yml").sources["persons"]
    source = {"columns": page.model_dump(exclude_unset=True)["columns"]}
    folder = make_force(
        tmp_path,
        {"persons.csv": "\n".join(twice), "more.csv": other},
        sources__persons={**source, "file": ["persons.csv", "more.csv"]},
    )
    aside = taken_in(folder).quarantined["persons"]
    names = {"rule", "source", "source_row", "rule (2)", "NOTE", "NOTE (2)"}
    assert names < set(aside.columns)
    assert aside["NOTE"].tolist() == ["b", "d"]


def test_loading_before_anything_was_taken_in(tmp_path: Path) -> None:
    (line,) = complaints(lambda: store.load(tmp_path / "mark"))
    assert "run 'missing-book check mark'" in line


# --- the exchange of the restricted folder ------------------------------------------------------


def released(folder: Path) -> dict[str, str]:
    """What outlives an intake, by its place."""
    restricted = folder / "restricted"
    found = [p for name in ("releases", "editions") for p in (restricted / name).rglob("*")]
    return {p.relative_to(restricted).as_posix(): p.read_text() for p in found if p.is_file()}


def once_released(tmp_path: Path) -> Path:
    """A force that was taken in, built and released once."""
    folder = make_force(tmp_path)
    store.save(taken_in(folder), folder)
    for place in ("releases/2020-01/registry.jsonl", "editions/children/data.npz"):
        file = folder / "restricted" / place
        file.parent.mkdir(parents=True)
        file.write_text(f"once {place}")
    return folder


def test_releases_and_editions_outlive_an_intake(tmp_path: Path) -> None:
    folder = once_released(tmp_path)
    before = released(folder)
    assert len(before) == 2
    (folder / "restricted" / "left.csv").write_text("of an earlier intake")
    store.save(taken_in(folder), folder)
    assert released(folder) == before
    assert not (folder / "restricted" / "left.csv").exists()
    assert [p.name for p in folder.glob("restricted*")] == ["restricted"]


#: Fills a new folder and ends at a step: filled, four folders copied, two renamed, one removed.
EXCHANGE = """
import os, shutil, sys
from pathlib import Path
from missing_lib.force import places

folder, step, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
done = []

def end():
    done.append(1)
    if len(done) == step:
        os._exit(9) if how == "killed" else sys.exit(9)

def ending(whole):
    return lambda *given, **more: (end(), whole(*given, **more))[1]

Path.rename, shutil.copytree = ending(Path.rename), ending(shutil.copytree)
shutil.rmtree = ending(shutil.rmtree)
with places.new_restricted_folder(folder) as made:
    end()
    (made / "about.json").write_text("new")
"""


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6, 7, 8])
def test_whoever_is_ended_during_an_exchange_loses_nothing(
    tmp_path: Path, step: int, how: str
) -> None:
    folder = once_released(tmp_path)
    before = released(folder)
    words = [sys.executable, "-c", EXCHANGE, str(folder), str(step), how]
    assert subprocess.run(words, cwd=ROOT, check=False).returncode == 9
    if how == "killed" and step == 7:  # between the two renames
        assert not (folder / "restricted").exists()
    places.put_back(folder)
    assert released(folder) == before
    is_new = (folder / "restricted" / "about.json").read_text() == "new"
    assert is_new == (step == 8)
    store.save(taken_in(folder), folder)
    assert released(folder) == before
    assert [p.name for p in folder.glob("restricted*")] == ["restricted"]


@pytest.mark.parametrize("start", [places.make_restricted_folder, places.put_back])
def test_an_old_folder_without_a_new_one_is_put_back(
    tmp_path: Path, start: Callable[[Path], object]
) -> None:
    folder = once_released(tmp_path)
    before = released(folder)
    (folder / "restricted").rename(folder / "restricted-old-x1")
    start(folder)
    assert released(folder) == before
    assert [p.name for p in folder.glob("restricted*")] == ["restricted"]
