"""Editions: built, built again, broken, and never mixed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

from missing_lib.book import engines, fingerprint, scrub
from missing_lib.book.lock import only_one
from missing_lib.book.toc import parameters_of, read_toc
from missing_lib.book.weave import weave
from missing_lib.force import store
from missing_lib.force.errors import ContractError, DisclosureError
from missing_lib.force.intake import Intake
from missing_lib.release.counted import ALL_RECORDED, Counted, load
from missing_lib.release.published import MIME, digest
from missing_lib.release.registry import ChapterRecords, read
from missing_lib.study.findings import CLAIMS
from tests.conftest import ROOT, Tree, add_force, copy_sources

CHAPTERS = read_toc(ROOT).computed


def use_chapter(tree: Tree, code: str) -> None:
    """Put a cell at the end of the prevalence chapter."""
    page = tree.root / "chapters" / "prevalence.md"
    original = ROOT / "chapters" / "prevalence.md"
    page.write_text(f"{original.read_text()}\n```{{code-cell}} ipython3\n{code}\n```\n")


@pytest.fixture
def fresh(two_forces: Tree) -> Tree:
    """The built tree, with the sources as they are in the project."""
    yield two_forces
    shutil.copyfile(ROOT / "chapters/prevalence.md", two_forces.root / "chapters/prevalence.md")


def registry(tree: Tree, force: str) -> dict[str, ChapterRecords]:
    return read(tree.edition(force) / "registry", CHAPTERS)


# --- building ---------------------------------------------------------------------------------


def test_all_chapters_and_the_start_page_are_there(two_forces: Tree) -> None:
    start = (two_forces.root / "_build" / "index.html").read_text()
    for force in ("westmark", "eastmark"):
        assert f"{force}-children/html/index.html" in start
        html = two_forces.edition(force) / "html"
        for page in read_toc(ROOT).pages:
            assert (html / f"{page}.html").exists()
        assert set(registry(two_forces, force)) == set(CHAPTERS)


def test_no_placeholder_is_left_for_readers(two_forces: Tree) -> None:
    pages = [*(two_forces.root / "_build").glob("*/html/[!_]*/*.html")]
    pages += (two_forces.root / "_build").glob("*/html/*.html")
    assert len(pages) > 20
    for page in pages:
        text = re.sub(r"<pre.*?</pre>", "", page.read_text(encoding="utf-8"), flags=re.S)
        assert "{{" not in text, page.name


def test_every_finding_has_an_answer_on_the_page(small_edition: Path) -> None:
    page = (small_edition / "index.html").read_text()
    for finding in ("P1", "P2", "P3", "R1", "C1", "C2", "C3", "C4", "T1", "T2", "F1", "F2", "F3",
                    "F4", "F5", "N1", "N2", "N3"):  # fmt: skip
        assert f">{finding}<" in page
    assert "does not answer it" not in page


def test_every_finding_leads_to_its_code_and_back(small_edition: Path) -> None:
    front, way = ((small_edition / p).read_text() for p in ("index.html", "chapters/trail.html"))
    for claim in CLAIMS:
        place = f"trail-{claim.id.lower()}"
        assert front.count(f'href="chapters/trail.html#{place}"') == 1
        assert way.count(f'id="{place}"') == 1
    back = set(re.findall(r'href="(\w+\.html)#(computed-\w+)"', way))
    assert len(back) == len({(claim.chapter, claim.code) for claim in CLAIMS})
    for page, place in back:
        chapter = (small_edition / "chapters" / page).read_text()
        assert chapter.count(f'id="{place}"') == 1
        assert f'href="trail.html#{place.replace("computed", "trail")}"' in chapter
    models = (small_edition / "chapters" / "models.html").read_text()
    there = set(re.findall(r'href="\w+\.html#computed-(\w+-[\w-]+)"', models))
    assert {f"trail-{name}" for name in there} == set(
        re.findall(r'id="(trail-\w+-[\w-]+)"', models)
    )
    assert "predictors-readings" in there


def test_pages_for_reviewers_lead_outside_by_dois_alone(small_edition: Path) -> None:
    for name in ("trail", "models", "library"):
        page = (small_edition / "chapters" / f"{name}.html").read_text()
        (article,) = re.findall(r"<article.*?</article>", page, re.S)
        outside = re.findall(r'href="(\w+://[^"]*)"', article)
        assert outside
        assert [a for a in outside if not a.startswith("https://doi.org/10.")] == [], name


def test_nothing_changed_runs_nothing(fresh: Tree) -> None:
    assert set(fresh.steps("build").values()) == {"up to date"}


def test_nothing_changed_imports_no_stack(fresh: Tree) -> None:
    code = (
        "import sys; from missing_lib import cli; sys.argv = ['missing-book', 'build']\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'pandas', 'numpy', 'papermill', 'jupyter_book'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=fresh.root, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_edited_chapter_reruns_itself_and_the_findings(fresh: Tree) -> None:
    use_chapter(fresh, "more = 1")
    steps = fresh.steps("build", "westmark")
    assert steps == {
        "westmark/children prevalence": "done",
        "westmark/children differencing": "done",
        "westmark/children index": "done",
        "westmark/children disclosure": "done",
        "westmark/children book": "done",
    }


def test_changed_data_rerun_the_edition(tmp_path: Path, two_forces: Tree) -> None:
    tree = Tree(tmp_path / "copy")
    shutil.copytree(two_forces.root, tree.root)
    file = tree.root / "forces" / "westmark" / "incidents.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    steps = tree.steps("run", "prevalence", "westmark")
    assert steps == {
        "westmark/children intake": "done",
        "westmark/children prevalence": "done",
    }
    stale = tree.steps("build", "eastmark")
    assert stale == {"eastmark/children book": "up to date"}


def test_two_forces_share_no_number(two_forces: Tree) -> None:
    west, east = registry(two_forces, "westmark"), registry(two_forces, "eastmark")
    incidents = {}
    for name, records in (("westmark", west), ("eastmark", east)):
        rows = pd.read_csv(two_forces.root / "forces" / name / "incidents.csv")
        texts = records["prevalence"].texts()
        assert texts["all_incidents"] == f"{5 * round(len(rows) / 5):,}"
        assert texts["force_name"] == f"Force {name} (synthetic)"
        incidents[name] = texts["all_incidents"]
    assert incidents["westmark"] != incidents["eastmark"]
    for name, other in (("westmark", "eastmark"), ("eastmark", "westmark")):
        for page in (two_forces.edition(name) / "html").rglob("*.html"):
            assert f"Force {other}" not in page.read_text()


def test_kernel_and_forked_child_give_the_same_chapter(tmp_path: Path, two_forces: Tree) -> None:
    tree = Tree(tmp_path / "copy")
    shutil.copytree(two_forces.root, tree.root)
    made = []
    for engine in (engines.KERNEL, engines.IN_PROCESS):
        done = tree.run("run", "prevalence", "westmark", "--engine", engine)
        assert done.returncode == 0, done.stderr
        parts = ("notebooks/prevalence.ipynb", "registry/prevalence.jsonl")
        made.append([(tree.edition("westmark") / part).read_bytes() for part in parts])
        made[-1].append((members_folder(tree, "westmark") / "prevalence.npz").read_bytes())
    assert made[0] == made[1]


@pytest.mark.long
def test_clean_builds_in_two_folders_are_the_same_bytes(tmp_path: Path) -> None:
    pages = []
    for place in ("a", "deeper/and/elsewhere"):
        tree = copy_sources(tmp_path / place)
        persons = pd.read_csv(ROOT / "data/synthetic/thames-valley/persons.csv", dtype=str)
        keep = pd.Series(range(len(persons)), index=persons["person_id"]) % 5 < 3
        add_force(tree, "westmark", keep)
        assert tree.run("build").returncode == 0
        html = tree.edition("westmark") / "html"
        pages.append({p.relative_to(html): p.read_bytes() for p in html.rglob("*") if p.is_file()})
    assert pages[0].keys() == pages[1].keys()
    assert [name for name in pages[0] if pages[0][name] != pages[1][name]] == []


# --- what counts count --------------------------------------------------------------------------


#: Units of records that are counts; curves and statistics have others.
COUNTS = {"number": ("person", "incident"), "table": ("row", "people", "incidents/people")}


def members_folder(tree: Tree, force: str) -> Path:
    return tree.root / "forces" / force / "restricted" / "editions" / "children"


def counted(tree: Tree, force: str) -> list[Counted]:
    folder = members_folder(tree, force)
    return [one for chapter in CHAPTERS for one in load(folder / f"{chapter}.npz")]


@pytest.mark.parametrize("force", ["westmark", "eastmark"])
def test_every_published_count_has_its_members(two_forces: Tree, force: str) -> None:
    every = counted(two_forces, force)
    assert {one.unit for one in every} == {"person", "incident", "row"}
    for one in every:
        assert len(one.cells) == len(one.members)
        for cell, members in zip(one.cells, one.members, strict=True):
            assert cell.true == len(members) == len(set(members.tolist()))
            assert (cell.status in ("shown", "zero")) == (cell.value == cell.value)
            if cell.status == "shown":
                assert abs(cell.value - cell.true) <= 2
    known = {(one.chapter, one.output) for one in every}
    for chapter, records in registry(two_forces, force).items():
        for record in records.of_kind("number", "table"):
            counts = record["unit"] in COUNTS[record["kind"]]
            assert counts == ((chapter, record["name"]) in known), record["name"]


@pytest.mark.parametrize("force", ["westmark", "eastmark"])
def test_equal_sets_have_one_published_value(two_forces: Tree, force: str) -> None:
    values: dict[tuple[str, bytes], set[float]] = {}
    for one in counted(two_forces, force):
        for cell, members in zip(one.cells, one.members, strict=True):
            if cell.status == "shown":
                values.setdefault((one.unit, members.tobytes()), set()).add(cell.value)
    assert len(values) > 100
    assert {len(found) for found in values.values()} == {1}


@pytest.mark.parametrize("force", ["westmark", "eastmark"])
def test_the_incidents_of_a_table_are_those_of_its_cells(two_forces: Tree, force: str) -> None:
    tables = [c for c in counted(two_forces, force) if c.unit == "incident" and c.by]
    assert len(tables) > 9
    for one in tables:
        total = one.cells[-1].label == ALL_RECORDED
        *parts, whole = [set(m.tolist()) for m in one.members] + ([] if total else [set()])
        together = set().union(*parts)
        assert len(together) == sum(map(len, parts)), one.output
        assert not total or together == whole, one.output


def test_what_counts_count_is_written_nowhere_else(two_forces: Tree) -> None:
    places = {p.parent for p in two_forces.root.rglob("*.npz")}
    members = {members_folder(two_forces, f) for f in ("westmark", "eastmark")}
    assert places == members | {folder.parents[1] for folder in members}
    assert {p.name for m in members for p in m.parents[1].glob("*.npz")} == {"traces.npz"}


def test_a_chapter_whose_members_are_lost_runs_again(fresh: Tree) -> None:
    file = members_folder(fresh, "westmark") / "repeats.npz"
    before = file.read_bytes()
    file.unlink()
    steps = fresh.steps("build", "westmark")
    assert steps["westmark/children repeats"] == "done"
    assert "westmark/children network" not in steps
    assert file.read_bytes() == before


def test_a_chapter_that_fails_leaves_the_members_as_they_were(fresh: Tree) -> None:
    folder = members_folder(fresh, "westmark")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    use_chapter(fresh, 'publish.people("more", cohort.counts.index, what="x")\n1 / 0')
    assert fresh.run("build", "westmark").returncode == 3
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_new_intake_keeps_what_editions_count(fresh: Tree) -> None:
    folder = members_folder(fresh, "westmark")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert fresh.run("check", "westmark").returncode == 0
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert set(fresh.steps("build").values()) == {"up to date"}


# --- what a user gets wrong --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["build", "westmarc"], "no force 'westmarc' (did you mean 'westmark'?)"),
        (["build", "westmark/chidren"], "no population 'chidren'; did you mean 'children'?"),
        (["build", "-s", "sed=3"], "no chapter has a parameter 'sed' (did you mean 'seed'?)"),
        (["build", "-s", "force=x"], "no chapter has a parameter 'force'"),
        (["build", "-s", "seed"], "write NAME=VALUE"),
        (["run", "prevalance", "westmark"], "no chapter 'prevalance' (did you mean 'prevalence'?)"),
        (["check", "nowhere"], "no force 'nowhere'"),
    ],
)
def test_misspelt_words_are_said_before_anything_runs(
    two_forces: Tree, words: list[str], said: str
) -> None:
    done = two_forces.run(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_outside_a_checkout_the_message_says_where_to_go(tmp_path: Path) -> None:
    done = Tree(tmp_path).run("build")
    assert (done.returncode, "_toc.yml" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("cohort.incidents.head()", "a bare value"),
        ("print(len(cohort.incidents))", "text on stdout"),
        ("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\nplt.gcf()", "a bare figure"),
        ("import warnings\nwarnings.warn('x')", "text on stderr"),
        (
            f"from IPython.display import display\ndisplay({{{MIME!r}: {{'kind': 'text', "
            "'name': 'x', 'text': 'P000123'}}, raw=True)",
            "not in the registry",
        ),
    ],
)
def test_what_did_not_pass_the_gate_fails_the_build(fresh: Tree, code: str, said: str) -> None:
    html = fresh.edition("westmark") / "html" / "index.html"
    before = html.stat().st_mtime_ns
    use_chapter(fresh, code)
    done = fresh.run("build", "westmark")
    assert done.returncode == 4
    assert re.search(rf"chapter prevalence, cell \d+: .*{said}.* did not pass", done.stderr)
    assert "P000123" not in done.stdout + done.stderr
    assert html.stat().st_mtime_ns == before


def test_failing_chapter_is_named_and_harms_nothing_else(fresh: Tree) -> None:
    html = fresh.edition("westmark") / "html" / "index.html"
    before = html.stat().st_mtime_ns
    others = sorted((fresh.edition("westmark") / "registry").glob("c*.jsonl"))
    bytes_before = [p.read_bytes() for p in others]
    use_chapter(fresh, "raise KeyError(cohort.incidents['person_id'].iloc[0])")
    done = fresh.run("build", "westmark")
    assert done.returncode == 3
    first, log = done.stderr.splitlines()
    assert re.fullmatch(r"westmark/children: chapter prevalence, cell \d+: KeyError", first)
    written = (fresh.root / log.removeprefix("details: ")).read_text()
    assert written.startswith("KeyError\n")
    assert not re.search(r"P\d{6}", done.stdout + done.stderr + written)
    assert html.stat().st_mtime_ns == before
    assert [p.read_bytes() for p in others] == bytes_before


def test_killed_child_is_reported(fresh: Tree) -> None:
    use_chapter(fresh, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    done = fresh.run("build", "westmark")
    assert done.returncode == 3
    assert "ended from outside" in done.stderr


# --- the smallest forces ------------------------------------------------------------------------


def some_people(number: int, table: str = "incidents") -> pd.Series:
    """The first people with a child incident, one incident each."""
    rows = pd.read_csv(ROOT / f"data/synthetic/thames-valley/{table}.csv", dtype=str)
    people = rows["person_id"].unique()[:number]
    return pd.Series(True, index=people)


@pytest.mark.parametrize(("people", "dropped"), [(1, ()), (0, ()), (60, ("ties", "markers"))])
def test_small_and_poor_extracts_still_give_a_book(
    tmp_path: Path, people: int, dropped: tuple[str, ...]
) -> None:
    tree = copy_sources(tmp_path)
    folder = add_force(tree, "smallmark", some_people(people))
    page = (folder / "force.yml").read_text()
    for table in dropped:
        page = re.sub(rf"  {table}:\n    file: {table}.csv\n", "", page)
    (folder / "force.yml").write_text(page)
    done = tree.run("build")
    assert done.returncode == 0, done.stdout + done.stderr
    network = (tree.edition("smallmark") / "html/chapters/network.html").read_text()
    assert "Not in this edition" in network
    if dropped:
        assert "supplies no ties" in network
        assert (
            "supplies no markers"
            in (tree.edition("smallmark") / "html/chapters/predictors.html").read_text()
        )


def test_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    tree = copy_sources(tmp_path)
    folder = add_force(tree, "smallmark", some_people(30))
    (folder / "incidents.csv").unlink()
    done = tree.run("build")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "sources.incidents.file: there is no file 'incidents.csv' at that place"
    ]


# --- official statistics alone ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "has", "lacks"),
    [
        ("england", ("all of its authorities",), ("These authorities",)),
        ("pair", ("follows 2 of England", "These authorities together", "Slough"), ()),
    ],
)
def test_a_book_without_an_extract_has_only_pages_that_need_none(
    official_editions: Tree, code: str, has: tuple[str, ...], lacks: tuple[str, ...]
) -> None:
    edition = official_editions.edition(code)
    html = edition / "html"
    pages = {
        p.relative_to(html).as_posix() for p in html.rglob("*.html") if "_static" not in p.parts
    }
    assert pages == {"index.html", "chapters/references.html", "search.html"}
    assert [p.stem for p in (edition / "registry").iterdir()] == ["context"]
    front = nbformat.read(edition / "source" / "index.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in front.cells if cell.cell_type == "markdown")
    assert "What do the national figures say?" in text
    assert "no police records to set beside" in text
    assert "Data: official statistics." in text
    for words in ("Made-up data", "synthetic", "Disclosure policy", "records of", *lacks):
        assert words not in text
    assert all(words in text for words in has)
    assert not (official_editions.root / "forces" / code / "restricted").exists()


def test_the_start_page_says_what_an_edition_without_an_extract_is(
    official_editions: Tree,
) -> None:
    start = (official_editions.root / "_build" / "index.html").read_text()
    assert ">England: national context</a>" in start
    assert start.count("no police records") == 2
    assert "Made-up data" not in start
    assert set(official_editions.steps("build").values()) == {"up to date"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["build", "england/adults"], 2, "england/adults: official statistics are of looked-after"),
        (["build", "england/all"], 2, "of looked-after children; build 'england'"),
        (["build", "england/grown"], 2, "no population 'grown'"),
        (["run", "prevalence", "england"], 2, "no chapter 'prevalence'; there are: context"),
        (["check", "england"], 0, "England has no extract, so there is nothing to check"),
        (["new", "england", "--from", "x.csv"], 2, "england"),
    ],
)
def test_what_official_statistics_cannot_do_is_said(
    official_editions: Tree, words: list[str], code: int, said: str
) -> None:
    done = official_editions.run(*words)
    assert done.returncode == code
    assert said in (done.stderr if code else done.stdout)
    assert "Traceback" not in done.stderr


def test_an_authority_that_there_is_not_stops_the_build(
    official_editions: Tree, tmp_path: Path
) -> None:
    tree = copy_sources(tmp_path)
    shutil.copytree(official_editions.root / "forces" / "pair", tree.root / "forces" / "pair")
    page = tree.root / "forces" / "pair" / "force.yml"
    page.write_text(page.read_text().replace("E06000039", "E0600039"))
    done = tree.run("build")
    assert done.returncode == 2
    assert "'E0600039' is no authority in the official statistics; near it" in done.stderr


def test_the_root_table_of_contents_is_that_of_a_force() -> None:
    toc, alone = read_toc(ROOT), read_toc(ROOT, without_rows=True)
    assert yaml.safe_load(toc.as_yaml()) == yaml.safe_load((ROOT / "_toc.yml").read_text())
    assert (toc.front, toc.computed[0]) == ("index", "index")
    assert toc.last == ("index", "disclosure")
    assert (alone.front, alone.last, alone.computed) == ("chapters/context", (), ("context",))
    assert alone.pages == ("chapters/context", "chapters/references")
    assert yaml.safe_load(alone.as_yaml())["root"] == "index"


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        ("---\nwithout_rows: true\n---\n", True),
        ("---\na:\n  b: c\nwithout_rows: true\nd: e\n---\n", True),
        ("---\nwithout_rows: false\n---\n", False),
        ("---\na: b\n---\nwithout_rows: true\n---\n", False),
        ("", False),
    ],
)
def test_a_computed_page_says_at_its_head_that_it_needs_no_rows(
    tmp_path: Path, head: str, kept: bool
) -> None:
    parameters = "```{code-cell} python\n:tags: [parameters]\nforce = 'x'\n```\n"
    (tmp_path / "plain.md").write_text("# Plain\n")
    (tmp_path / "page.md").write_text(head + parameters)
    (tmp_path / "_toc.yml").write_text(
        "root: plain\nparts: [{caption: C, chapters: [{file: page}]}]\n"
    )
    pages = read_toc(tmp_path, without_rows=True).pages
    assert pages == (("plain", "page") if kept else ("plain",))


# --- own records beside official ones -----------------------------------------------------------


def test_own_records_stand_beside_official_figures(two_forces: Tree) -> None:
    records = registry(two_forces, "westmark")["context"]
    (table,) = [r for r in records.of_kind("table") if r["name"] == "own_records"]
    assert [row[1] for row in table["rows"]] == 3 * ["2016", "2017", "2018", "2019"]
    own = [row[2] for row in table["rows"]]
    assert {int(cell.replace(",", "")) % 5 for cell in own if cell != "hidden"} == {0}
    page = (two_forces.edition("westmark") / "html/chapters/context.html").read_text()
    assert "Official statistics, and made-up data" in page
    assert "says nothing about anybody" in page
    assert "fig-context-own-records-figure" in page


@pytest.mark.parametrize(
    ("population", "change", "said"),
    [
        ("adults", {}, "This edition is about adults, whom the official figures do not count."),
        ("all", {"local_authorities": []}, "names no local authorities, so there are no official"),
        ("children", {"study": {"start": "2016-01-01", "end": "2016-12-31"}}, "lies wholly inside"),
        ("children", {"from_care": None}, "do not say who was missing from care"),
    ],
)
def test_one_sentence_where_there_is_nothing_to_set_beside_them(
    tmp_path: Path, population: str, change: dict[str, object], said: str
) -> None:
    tree = copy_sources(tmp_path)
    folder = add_force(tree, "smallmark", some_people(60))
    page = yaml.safe_load((folder / "force.yml").read_text())
    if "from_care" in change:
        rows = pd.read_csv(folder / "incidents.csv", dtype=str, keep_default_na=False)
        rows.drop(columns="from_care").to_csv(folder / "incidents.csv", index=False)
    else:
        page |= change
    (folder / "force.yml").write_text(yaml.safe_dump(page))
    done = tree.run("run", "context", f"smallmark/{population}")
    assert done.returncode == 0, done.stdout + done.stderr
    records = read(tree.edition("smallmark", population) / "registry", ["context"])["context"]
    assert sum(said in r["text"] for r in records.of_kind("text")) == 1
    assert not {"own_records", "differences"} & {r["name"] for r in records.of_kind("table")}


# --- scrub and weave ----------------------------------------------------------------------------

PAYLOAD = {"kind": "text", "name": "sentence-1", "text": "All is <well> | *really*"}
RECORDS = ChapterRecords(
    "c",
    (
        {"kind": "constant", "name": "who", "text": "children"},
        {"kind": "constant", "name": "odd", "text": "A*B* <i>"},
        {"kind": "number", "name": "n", "text": "50", "interval_text": "40 to 60", "hidden": False},
        {"kind": "number", "name": "few", "text": "not shown", "interval_text": "", "hidden": True},
        {**PAYLOAD, "digest": digest(PAYLOAD)},
    ),
)


def notebook(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=list(cells))


def shown_cell(payload: dict[str, str]) -> nbformat.NotebookNode:
    output = nbformat.v4.new_output("display_data", data={MIME: payload, "text/html": "<p>x</p>"})
    return nbformat.v4.new_code_cell("x", outputs=[output], execution_count=3)


def test_scrub_keeps_gate_outputs_alone() -> None:
    injected = nbformat.v4.new_code_cell("force = 1", metadata={"tags": ["injected-parameters"]})
    dirty = notebook(injected, shown_cell(PAYLOAD))
    dirty.metadata["papermill"] = {"input_path": "/somewhere"}
    clean = scrub.scrub(dirty, RECORDS, "c", {})
    assert len(clean.cells) == 1
    assert clean.cells[0].outputs[0].data == {MIME: PAYLOAD}
    text = json.dumps(clean)
    assert "somewhere" not in text
    assert "text/html" not in text


def test_scrub_shows_the_parameters_that_were_used() -> None:
    source = 'force = "a"  # where\npair = (\n    1,\n    2,\n)\nseed = 1'
    given = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    other = nbformat.v4.new_code_cell('force = "a"')
    clean = scrub.scrub(notebook(given, other), RECORDS, "c", {"force": "b", "pair": [3, 4]})
    assert clean.cells[0].source == 'force = "b"\npair = [3, 4]\nseed = 1'
    assert clean.cells[1].source == 'force = "a"'


def test_folded_code_names_the_force_of_the_edition(two_forces: Tree) -> None:
    for force in ("westmark", "eastmark"):
        pages = {p.name: p for p in (two_forces.edition(force) / "notebooks").glob("*.ipynb")}
        assert pages
        for page in pages.values():
            sources = [c.source for c in nbformat.read(page, as_version=4).cells]
            (named,) = [s for s in sources if s.startswith("force = ")]
            assert named.startswith(f'force = "{force}"\npopulation = "children"')


def test_scrub_refuses_a_changed_payload() -> None:
    with pytest.raises(DisclosureError, match="cell 1: an output that is not in the registry"):
        scrub.scrub(notebook(shown_cell(PAYLOAD | {"text": "other"})), RECORDS, "c", {})


def woven(text: str, tmp_path: Path) -> str:
    page = scrub.scrub(notebook(nbformat.v4.new_markdown_cell(text)), RECORDS, "c", {})
    made = weave(page, RECORDS, tmp_path, "BANNER", "COLOPHON")
    assert made.cells[-1].source == "COLOPHON"
    return str(made.cells[0].source)


def test_weave_fills_numbers_and_adds_the_banner(tmp_path: Path) -> None:
    text = woven("# Title\n{{ n }} {{who}} ({{ n.interval }}), {{ few.interval }}.", tmp_path)
    assert text == "# Title\n\nBANNER\n50 children (40 to 60), not shown."


def test_weave_escapes_what_a_force_is_called(tmp_path: Path) -> None:
    assert woven("# T\n{{ odd }}", tmp_path).splitlines()[-1] == r"A\*B\* \<i\>"


def test_weave_leaves_out_sentences_without_their_number(tmp_path: Path) -> None:
    text = woven("# Title\nThere are {{ few }}.\nThere are {{ n }}.", tmp_path)
    assert text == "# Title\n\nBANNER\nThere are 50."


def test_weave_names_a_number_that_nobody_published(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=re.escape("chapter c: {{ m }} was not published")):
        woven("There are {{ m }}.", tmp_path)


def test_weave_lets_no_value_become_markup(tmp_path: Path) -> None:
    page = scrub.scrub(notebook(shown_cell(PAYLOAD)), RECORDS, "c", {})
    text = weave(page, RECORDS, tmp_path, "", "").cells[1].source
    assert text == r"All is \<well\> \| \*really\*"


# --- chapters -----------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_are_thin(chapter: str) -> None:
    at_root = ROOT / f"{chapter}.md"
    path = at_root if at_root.exists() else ROOT / "chapters" / f"{chapter}.md"
    text = path.read_text()
    assert {"force", "population"} <= set(parameters_of(path) or {})
    code = "\n".join(re.findall(r"^```\{code-cell\}.*?\n(.*?)^```", text, re.M | re.S))
    assert not re.search(r"^\s*(def|class|lambda)\b|lambda ", code, re.M)
    assert not re.search(r"[\"'](/|\./|\.\./)|\.csv|\.parquet|open\(", code)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_text_of_chapters_holds_no_typed_number(chapter: str) -> None:
    at_root = ROOT / f"{chapter}.md"
    path = at_root if at_root.exists() else ROOT / "chapters" / f"{chapter}.md"
    text = re.sub(r"\A---.*?^---", "", path.read_text(), flags=re.M | re.S)
    text = re.sub(r"^```\{code-cell\}.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(
        r"\$\$.*?\$\$|\$[^$]*\$|\{\{.*?\}\}|\{cite\}`[^`]*`|`[^`]*`", "", text, flags=re.S
    )
    text = re.sub(r"\]\([^)]*\)|^\d+\. ", "", text, flags=re.M)
    assert re.findall(r"[^\n]*\d[^\n]*", text) == []


# --- several builds, and builds that are cut short ----------------------------------------------


def test_two_builds_at_once_do_not_mix(two_forces: Tree) -> None:
    with only_one(two_forces.root / "_build"):
        done = two_forces.run("build")
    assert done.returncode == 2
    assert done.stderr == "another build is running in this folder; wait until it has ended\n"
    assert two_forces.run("build").returncode == 0


def test_interrupted_intake_leaves_the_last_good_tables(
    tmp_path: Path, thames_valley_intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(thames_valley_intake, tmp_path)
    fingerprint.remember(tmp_path / "restricted" / "key", "good")
    few = replace(thames_valley_intake.tables, incidents=thames_valley_intake.tables.incidents[:9])
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda *_, **__: 1 / 0)  # stopped half way
    with pytest.raises(ZeroDivisionError):
        store.save(replace(thames_valley_intake, tables=few), tmp_path)
    monkeypatch.undo()
    assert len(store.load(tmp_path).tables.incidents) == 8773
    assert fingerprint.remembered(tmp_path / "restricted" / "key") == "good"
    assert [p.name for p in tmp_path.iterdir()] == ["restricted"]
    store.save(replace(thames_valley_intake, tables=few), tmp_path)
    assert len(store.load(tmp_path).tables.incidents) == 9
    assert fingerprint.remembered(tmp_path / "restricted" / "key") == ""


def test_killed_build_is_taken_up_and_ends_the_same(tmp_path: Path, two_forces: Tree) -> None:
    tree = Tree(tmp_path / "copy")
    shutil.copytree(two_forces.root, tree.root)
    edition = tree.edition("westmark")
    shutil.rmtree(edition)
    shutil.rmtree(tree.root / "forces" / "westmark" / "restricted")
    process = subprocess.Popen(
        [sys.executable, "-m", "missing_lib.cli", "build", "westmark"],
        cwd=tree.root,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while " intake " in process.stdout.readline():
        pass
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    done = tree.run("build", "westmark")
    assert done.returncode == 0, done.stderr
    whole = two_forces.edition("westmark")
    for page in sorted((whole / "html").rglob("*.html")):
        assert (edition / page.relative_to(whole)).read_bytes() == page.read_bytes()
