"""The folder of a release: what is in it, what it says, and that it is whole or not there."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from missing_lib.book import build as builder
from missing_lib.book import release as releases
from missing_lib.book.layout import Layout
from missing_lib.force import store
from missing_lib.force.errors import BookError, ContractError, DisclosureError
from missing_lib.force.spec import find_force
from missing_lib.release import folder as content
from missing_lib.release import sheet
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.registry import ChapterRecords, Registry
from missing_lib.study.cohort import select
from missing_lib.study.tabulate import tabulate
from tests.conftest import Tree

#: Pages that show lines of code, whose numbers are of no extract.
FROM_CODE = {"trail", "models", "library"}

READER = Path(__file__).with_name("usual_tool.py")
STATUSES = {"shown", "hidden", "zero", "not applicable", "fewer than 10"}


def is_first(tree: Tree, force: str) -> bool:
    """Whether nothing of a force was released in this tree."""
    kept = tree.root / "forces" / force / "restricted" / "releases"
    return not any(kept.glob("[!.]*"))


def released(tree: Tree, *words: str) -> Path:
    force = words[0].partition("/")[0]
    official = force in ("england", "pair")
    first = ["--first"] if is_first(tree, force) and not official else []
    done = tree.run("release", *words, *first)
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"^Released: (\S+);", done.stdout, re.M)
    assert told is not None
    return tree.root / told[1]


@pytest.fixture(scope="module")
def westmark(two_forces: Tree) -> Path:
    return released(two_forces, "westmark")


def rows_of(path: Path) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
    return header, rows


def tables_of(folder: Path) -> list[Path]:
    return sorted((folder / "children" / "tables").glob("*.csv"))


# --- content --------------------------------------------------------------------------------


def test_every_output_of_the_registry_is_there(two_forces: Tree, westmark: Path) -> None:
    edition = two_forces.edition("westmark")
    for path in (edition / "registry").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["kind"] in ("table", "figure", "number"):
                place = content.place_in("children", path.stem)
                assert (westmark / place(record["kind"], record["name"])).is_file()
    assert (westmark / "children" / "html" / "index.html").is_file()
    assert "Begin here" in (westmark / "README.txt").read_text(encoding="utf-8")


def test_a_figure_names_the_files_of_its_tables(westmark: Path) -> None:
    cards = json.loads((westmark / "children" / "cards" / "cards.json").read_text())
    figures = [card for card in cards if card["kind"] == "figure"]
    assert len(figures) > 20
    for card in figures:
        assert len(card["files"]) > 1
        assert all((westmark / file).is_file() for file in card["files"])
        assert (westmark / card["files"][0]).read_text(encoding="utf-8").startswith("<?xml")


def test_every_card_says_what_it_needs_to(westmark: Path) -> None:
    cards = json.loads((westmark / "children" / "cards" / "cards.json").read_text())
    page = (westmark / "children" / "cards" / "cards.html").read_text(encoding="utf-8")
    for card in cards:
        assert card["what"], card["name"]
        assert card["rests_on"], card["name"]
        assert card["rules"], card["name"]
        assert "{{" not in json.dumps(card)
    assert "//" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert all(f">{card['name']}<" in page or f" {card['name']}:" in page for card in cards)


def test_numbers_have_text_interval_and_status(westmark: Path) -> None:
    header, rows = rows_of(westmark / "children" / "numbers.csv")
    assert header[:6] == ["chapter", "name", "what", "unit", "value", "status"]
    assert header[6:] == ["text", "low", "high"]
    assert len(rows) > 60
    for row in rows:
        named = dict(zip(header, row, strict=True))
        assert named["status"] in STATUSES
        assert bool(named["value"]) == (named["status"] == "shown"), named
        assert bool(named["low"]) == bool(named["high"])


@pytest.mark.parametrize("forces", ["two_forces", "official_editions"])
def test_the_manifest_holds_every_file(forces: str, request: pytest.FixtureRequest) -> None:
    folder = released(
        request.getfixturevalue(forces), "westmark" if forces == "two_forces" else "england"
    )
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    listed = {file["name"]: file for file in manifest["files"]}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert list(listed) == sorted(there - {"manifest.json"})
    for name, file in listed.items():
        data = (folder / name).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["bytes"] == len(data)
    assert manifest["policy"]["threshold"] == 10
    assert bool(manifest["definitions"]) == (forces == "two_forces")


# --- zero, hidden, not applicable -----------------------------------------------------------


def test_every_value_of_every_table_has_a_status(westmark: Path) -> None:
    found: set[str] = set()
    for path in tables_of(westmark):
        header, rows = rows_of(path)
        beside = [i for i, name in enumerate(header) if f"{name} status" in header]
        for row in rows:
            for i in beside:
                assert header[i + 1] == f"{header[i]} status"
                status = row[i + 1]
                known = status in ("shown", "zero")
                assert bool(row[i]) == known, f"{path.name}: {header[i]} is {status}"
                if not path.name.startswith("context-"):
                    assert status in STATUSES, path.name
                found.add(status)
    assert found >= STATUSES


def gate_of(policy: Policy | None = None) -> Gate:
    return Gate(policy or Policy(), Registry(None))


def structural_zero(gate: Gate) -> None:
    names = ["a"] * 30 + ["b"] * 40
    ids = [str(i) for i in range(70)]
    rows = pd.DataFrame({"person_id": ids, "incident_id": ids})
    table = tabulate(rows.assign(level=pd.Categorical(names, categories=["a", "b", "c"])),
                     ["level"])  # fmt: skip
    gate.counts("t", table, units=["people"], title="x", what="x",
                structural_zeros=np.array([False, False, True]))  # fmt: skip


def hidden_and_missing(gate: Gate) -> None:
    frame = pd.DataFrame({"k": ["a", "b", "c"], "v": [0.5, np.nan, 0.5], "n": [50, 50, 5]})
    gate.statistics("t", frame, ["k"], values=["v"], people="n", title="x", what="x")


def hidden_and_missing_term(gate: Gate) -> None:
    frame = pd.DataFrame(
        {"term": ["a", "b", "c"], "estimate": [1.5, np.nan, 2.0], "lower": [1, np.nan, 1],
         "upper": [2, np.nan, 3], "people": [50, 50, 5], "events": [50, 50, 5]}
    )  # fmt: skip
    gate.estimates("t", frame, title="x", what="x")


def rows_of_extract(gate: Gate) -> None:
    frame = pd.DataFrame({"table": ["a", "b"], "rows_in": [50, 0], "kept": [50, 0]})
    frame = frame.assign(merged=0, quarantined=0)
    gate.rows("t", frame, ["rows_in"], ["table"], title="x", relation="parts")


def withheld_by_the_source(gate: Gate) -> None:
    frame = pd.DataFrame({"k": ["a", "b", "c"], "n": [50.0, "withheld", np.nan]})
    gate.official("t", frame, title="x", source="x")


@pytest.mark.parametrize(
    ("publish", "column", "wanted"),
    [
        (structural_zero, "people", ["30 shown", "40 shown", "0 zero", "70 shown"]),
        (
            structural_zero, "people_percent",
            ["43 shown", "57 shown", "0 zero", " not applicable"],
        ),
        (hidden_and_missing, "v", ["0.5 shown", " not applicable", " hidden"]),
        (hidden_and_missing_term, "estimate", ["1.5 shown", " not applicable", " hidden"]),
        (rows_of_extract, "rows_in", ["50 shown", " fewer than 10"]),
        (withheld_by_the_source, "n", ["50 shown", " withheld", " not applicable"]),
    ],
)  # fmt: skip
def test_zero_hidden_and_not_applicable_differ_in_the_csv(
    publish: Callable[[Gate], None], column: str, wanted: list[str]
) -> None:
    gate = gate_of()
    publish(gate)
    header, *rows = csv.reader(io.StringIO(sheet.csv_of(gate.registry.records[0]["sheet"])))
    at = header.index(column)
    assert [f"{row[at]} {row[at + 1]}" for row in rows] == wanted


@pytest.mark.parametrize("publish", [hidden_and_missing, rows_of_extract, hidden_and_missing_term])
def test_page_and_csv_say_the_same(publish: Callable[[Gate], None]) -> None:
    gate = gate_of()
    publish(gate)
    (record,) = gate.registry.records
    printed = [row[1] for row in record["rows"]]
    given = [row[-1] for row in record["sheet"]["statuses"]]
    said = {"not shown": "hidden", "not available": "not applicable"}
    assert [said.get(text, text) for text in printed[1:]] == given[1:]


def test_a_group_of_few_is_hidden_and_not_absent() -> None:
    gate = gate_of()
    data = pd.DataFrame(
        {"days": np.arange(1.0, 46.0), "seen": True, "who": range(45),
         "sex": ["female"] * 40 + ["male"] * 5}
    )  # fmt: skip
    shown = gate.survival("t", data, duration="days", event="seen", person="who", title="x",
                          what="x", group="sex", levels=["female", "male"])  # fmt: skip
    (record,) = gate.registry.records
    assert record["rows"][-1] == ["male", "", "not shown", "", ""]
    assert record["sheet"]["cells"][-1] == ["male", "", None, None, None, None]
    assert set(record["sheet"]["statuses"][-1][2:]) == {"hidden"}
    assert set(shown.frame["group"]) == {"female"}, "a figure draws what there is"


def test_no_event_yet_is_no_zero() -> None:
    gate = gate_of()
    days = np.repeat([5.0, 60.0], 20)
    windows = pd.DataFrame({"who": range(40), "days": 400.0})
    data = pd.DataFrame({"who": range(40), "days": days})
    gate.mean_cumulative("t", data, windows, time="days", person="who", title="x", what="x")
    (record,) = gate.registry.records
    assert record["rows"][0][2] == "fewer than 10 events"
    assert record["sheet"]["cells"][0][2] is None
    assert record["sheet"]["statuses"][0][2] == "fewer than 10"


def test_a_table_computed_from_a_hidden_value_hides_it_too() -> None:
    gate = gate_of()
    frame = pd.DataFrame({"k": ["a", "b"], "v": [0.5, 0.5], "n": [50, 5]})
    whole = gate.statistics("t", frame, ["k"], values=["v"], people="n", title="x", what="x")
    gate.derived("twice", whole.frame[["k", "v"]].assign(v=2 * whole.frame["v"]), whole, title="x")
    record = gate.registry.records[-1]
    assert record["rows"] == [["a", "1"], ["b", "not shown"]]
    assert record["sheet"]["statuses"][1][1] == "hidden"


# --- nothing exact --------------------------------------------------------------------------


def exact_counts(tree: Tree) -> Iterator[int]:
    """Numbers that no rule lets out: totals, and the cells of single columns and months."""
    force = find_force(tree.root / "forces", "westmark")
    cohort = select(store.load(tree.root / "forces" / "westmark").tables, force, "children")
    rows = cohort.incidents
    yield len(rows)
    yield rows["person_id"].nunique()
    for names in (["sex"], ["risk_first"], ["category"]):
        cells = tabulate(rows.dropna(subset=names), names).cells
        for unit in ("incidents", "people"):
            yield from (int(n) for n in cells[unit])


#: A number as it stands in a text, with or without thousands separated.
NUMBER = re.compile(r"(?<![\w.#:-])(?<!\d,)\d[\d,]*(?![\w.%-])")
UNSEEN = re.compile(r"<(style|script|code|pre).*?</\1>|<[^>]*>", re.S)


def numbers_in(path: Path) -> set[str]:
    """Numbers that a reader of a file sees."""
    if path.suffix == ".csv":
        header, rows = rows_of(path)
        # not the columns that say which row it is: days of a curve run through all numbers
        valued = [i for i, name in enumerate(header)
                  if f"{name} status" in header or path.name == "numbers.csv"]  # fmt: skip
        text = " | ".join(row[i] for row in rows for i in valued)
    elif path.name == "results.json":
        results = json.loads(path.read_text(encoding="utf-8"))["results"].values()
        # beside these stand places of cells and how many values a column has
        text = " | ".join(line for one in results for line in [one["summary"], *one["comments"]])
    else:
        text = UNSEEN.sub(" ", path.read_text(encoding="utf-8"))
    return {word.strip(",").replace(",", "") for word in NUMBER.findall(text)}


def test_no_exact_count_stands_in_any_file(two_forces: Tree, westmark: Path) -> None:
    exact = {str(n) for n in exact_counts(two_forces) if n % 5 and n > 100}
    assert len(exact) > 10
    files = [westmark / "results.json", westmark / "README.txt", *westmark.rglob("*.csv")]
    files += [*westmark.glob("children/cards/*"), *westmark.glob("children/html/**/*.html")]
    assert len(files) > 60
    seen: set[str] = set()
    for path in files:
        if path.name.startswith("context"):
            continue  # official counts of other children, as published
        if path.stem in FROM_CODE:
            continue  # written from the source of the library, before any extract is read
        found = numbers_in(path)
        assert not exact & found, f"{path.name} holds an exact count: {exact & found}"
        seen |= found
    rounded = {str(5 * ((int(n) + 2) // 5)) for n in exact}
    assert len(rounded & seen) > 5, "the rounded ones are there to be seen"


def test_every_count_is_rounded_and_reaches_the_threshold(westmark: Path) -> None:
    seen = 0
    # The page on what is hidden counts values, not people.
    of_people = [p for p in tables_of(westmark) if not p.name.startswith("disclosure-")]
    for path in of_people:
        header, rows = rows_of(path)
        names = {"people", "incidents", "rows_in", "kept", "before", "after", "own", "at_risk"}
        for i in (i for i, name in enumerate(header) if name in names):
            for row in rows:
                if row[i + 1 : i + 2] == ["shown"]:
                    assert float(row[i]) % 5 == 0, path.name
                    assert float(row[i]) >= 10, path.name
                    seen += 1
    assert seen > 300


# --- the viewer of the checkers -------------------------------------------------------------


@pytest.mark.parametrize(("forces", "edition"), [("two_forces", "westmark"),
                                                 ("official_editions", "england")])  # fmt: skip
def test_the_usual_reader_loads_a_release(
    forces: str, edition: str, request: pytest.FixtureRequest
) -> None:
    folder = released(request.getfixturevalue(forces), edition)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(READER), str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    written = json.loads((folder / "results.json").read_text(encoding="utf-8"))["results"]
    assert set(loaded) == set(written)
    for uid, one in loaded.items():
        assert one["status"] in ("pass", "review")
        assert one["summary"].split("; ")[0] == one["status"]
        assert bool(one["exception"]) == (one["status"] == "review")
        assert one["comments"]
        assert bool(one["tables"]) == (one["type"] != "custom"), uid
        assert one["timestamp"] == ("2019-12-31T00:00:00" if edition == "westmark" else "")
    assert any(one["suppressed"] for one in loaded.values()) == (edition == "westmark")


def test_checksums_stand_where_the_viewer_looks(westmark: Path) -> None:
    results = json.loads((westmark / "results.json").read_text(encoding="utf-8"))["results"]
    files = [file["name"] for one in results.values() for file in one["files"]]
    assert len(files) == len(set(files)) > 80
    for name in files:
        told = (westmark / "checksums" / f"{name}.txt").read_text(encoding="utf-8")
        assert told == hashlib.sha256((westmark / name).read_bytes()).hexdigest()
    others = [p for p in westmark.glob("*.json") if p.name != "results.json"]
    assert not any({"version", "results"} <= set(json.loads(p.read_text())) for p in others), (
        "the viewer takes the only file that has both"
    )


def test_the_viewer_marks_the_hidden_cells(westmark: Path) -> None:
    results = json.loads((westmark / "results.json").read_text(encoding="utf-8"))["results"]
    marked = 0
    for one in results.values():
        for file in one["files"]:
            for row, column in file["sdc"]["cells"]["threshold"]:
                cells = rows_of(westmark / file["name"])[1][row]
                assert cells[column + 1] == "", "the viewer leaves out the first column"
                assert cells[column + 2] in ("hidden", "fewer than 10")
                marked += 1
    assert marked > 20


# --- whole or not at all --------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_two_releases_are_the_same_bytes_in_two_folders(two_forces: Tree, westmark: Path) -> None:
    again = released(two_forces, "westmark")
    assert again.parent == westmark.parent
    number = int(westmark.name.rsplit("-", 1)[1])
    assert westmark.name.startswith("westmark-2019-12-31-")
    assert int(again.name.rsplit("-", 1)[1]) > number
    assert contents(again) == contents(westmark)


def layout_of(tree: Tree) -> Layout:
    return Layout(tree.root, tree.root / "forces")


def quietly(*_: Any) -> None:
    """Say nothing."""


def wish_of(tree: Tree, *names: str) -> builder.Wish:
    return builder.Wish(builder.wanted_editions(layout_of(tree), names), {}, 1)


def release_westmark(tree: Tree, name: str) -> Path:
    wish, first = wish_of(tree, "westmark"), is_first(tree, "westmark")
    return releases.release(layout_of(tree), wish, name, quietly, first)


def failing(*_: Any) -> None:
    raise DisclosureError(["chapter x, table y: hidden together"])


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (releases.archive, "prepare"),
        (releases.letting_out, "check_folder"),
        (content, "manifest"),
        (content, "files_of"),
    ],
)
def test_what_fails_leaves_nothing(
    two_forces: Tree, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    monkeypatch.setattr(place, name, failing)
    before = set((two_forces.root / "_build" / "release").glob("*"))
    with pytest.raises(DisclosureError, match="hidden together"):
        release_westmark(two_forces, "")
    assert set((two_forces.root / "_build" / "release").glob("*")) == before


def test_the_scan_sees_the_whole_folder_before_it_has_its_name(
    two_forces: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, bytes] = {}

    def scan(layout: Layout, force: Any, made: Path) -> None:
        assert made.name.startswith(releases.UNFINISHED)
        seen.update(contents(made))

    monkeypatch.setattr(releases.letting_out, "check_folder", scan)
    target = release_westmark(two_forces, "scanned")
    assert contents(target) == seen


KILLED = """
import os, sys
from missing_lib import cli
from missing_lib.release import folder
folder.manifest = lambda *_: os._exit(9)
sys.argv = ["missing-book", "release", "westmark", "--name", "killed", *sys.argv[1:]]
cli.main()
"""


def test_a_release_killed_half_way_is_not_there(two_forces: Tree) -> None:
    first = ["--first"] if is_first(two_forces, "westmark") else []
    command = [sys.executable, "-c", KILLED, *first]
    done = subprocess.run(command, cwd=two_forces.root, check=False)
    assert done.returncode == 9
    place = two_forces.root / "_build" / "release"
    assert not (place / "killed").exists()
    assert (place / ".unfinished-killed").exists()
    assert (released(two_forces, "westmark", "--name", "killed") / "manifest.json").is_file()
    assert not list(place.glob(".unfinished-*"))


def test_a_release_is_never_written_over(two_forces: Tree, westmark: Path) -> None:
    before = contents(westmark)
    done = two_forces.run("release", "westmark", "--name", westmark.name)
    assert done.returncode == ContractError.exit_code
    assert f"there is a release {westmark.name!r} already" in done.stderr
    assert "choose another --name" in done.stderr
    assert contents(westmark) == before


def test_the_next_number_follows_the_highest(tmp_path: Path) -> None:
    assert releases.next_name([tmp_path], "mark-2019-12-31") == "mark-2019-12-31-1"
    for name in ("mark-2019-12-31-2", "mark-2019-12-31-10", "mark-2", "mark-2019-12-31-x"):
        (tmp_path / name).mkdir()
    assert releases.next_name([tmp_path], "mark-2019-12-31") == "mark-2019-12-31-11"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("westmrk",), "did you mean 'westmark'?"),
        (("westmark/chidren",), "did you mean 'children'?"),
        (("westmark", "eastmark"), "a release is of one force, not of westmark and eastmark"),
        (("westmark", "--name", "../out"), "--name: use letters, digits, dots and hyphens"),
    ],
)
def test_what_cannot_be_released_is_said(
    two_forces: Tree, words: tuple[str, ...], said: str
) -> None:
    done = two_forces.run("release", *words)
    assert done.returncode == ContractError.exit_code
    assert said in done.stderr
    assert "done" not in done.stdout, "said before anything is built"


def test_a_failed_build_releases_nothing(two_forces: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = BookError(["westmark/children: chapter x failed"])
    monkeypatch.setattr(builder, "build", lambda *_: [problem])
    before = set((two_forces.root / "_build" / "release").glob("*"))
    with pytest.raises(BookError, match="chapter x failed"):
        release_westmark(two_forces, "")
    assert set((two_forces.root / "_build" / "release").glob("*")) == before


def test_a_figure_that_did_not_pass_the_gate_is_not_released(
    two_forces: Tree, tmp_path: Path
) -> None:
    edition = two_forces.edition("westmark")
    lines = (edition / "registry" / "prevalence.jsonl").read_text(encoding="utf-8").splitlines()
    records = ChapterRecords("prevalence", tuple(json.loads(line) for line in lines))
    notebook = edition / "notebooks" / "prevalence.ipynb"
    assert "monthly" in releases.pictures_of(notebook, records)
    changed = tmp_path / "prevalence.ipynb"
    changed.write_text(notebook.read_text(encoding="utf-8").replace("<svg ", "<svg x='1' "))
    with pytest.raises(DisclosureError, match="figure monthly: not the one that passed the gate"):
        releases.pictures_of(changed, records)


def test_editions_of_one_force_share_a_folder(two_forces: Tree, westmark: Path) -> None:
    edition = layout_of(two_forces).edition("westmark", "children")
    force = find_force(two_forces.root / "forces", "westmark")
    layout = layout_of(two_forces)
    one = releases.outputs_of(layout, force, edition)
    two = dataclasses.replace(one, name="adults", title="Force westmark, adults")
    origin = releases.origin_of(layout, force)
    files = content.files_of([one, two], Policy(), origin)
    assert {name.split("/")[0] for name in files if "/" in name} == {
        "children", "adults", "checksums"
    }  # fmt: skip
    assert len(json.loads(files["results.json"])["results"]) == 2 * len(
        json.loads((westmark / "results.json").read_text())["results"]
    )
    assert "adults/" in files["README.txt"]


def test_official_statistics_release_too(official_editions: Tree) -> None:
    folder = released(official_editions, "england")
    assert re.fullmatch(r"england-\d+", folder.name)
    manifest = yaml.safe_load((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["kind"] == "official"
    cards = json.loads((folder / "children" / "cards" / "cards.json").read_text())
    rules = {card["rule"] for card in cards} - {""}
    assert rules <= {"official", "definitions", "derived"}
