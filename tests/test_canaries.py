"""Canaries: whatever goes wrong, nothing of the extract is found outside the force's own folder."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from missing_lib.book import letting_out
from missing_lib.book.layout import ROOT_VARIABLE, Layout
from missing_lib.force.errors import DisclosureError
from missing_lib.force.spec import find_force
from tests.canary_search import STEM, is_told, told_under
from tests.conftest import ROOT, Tree, copy_sources
from tests.hidden_texts import WAYS
from tests.made_canaries import FORCE, Planted, plant

#: Exit codes.
FINE, CONTRACT, EXECUTION, DISCLOSURE, KILLED = 0, 2, 3, 4, -9
#: The chapters that the ordinary run builds; the long run builds all.
FEW = """format: jb-book
root: index
parts:
  - caption: The study
    chapters:
      - file: chapters/prevalence
      - file: chapters/disclosure
      - file: chapters/references
"""


@dataclass(frozen=True)
class Aviary:
    """A tree with a built book of canaries, where also homes and temporary files lie."""

    tree: Tree
    planted: Planted

    @property
    def force(self) -> Path:
        return self.tree.root / "forces" / FORCE

    def told(self, *printed: str) -> list[str]:
        """Where a canary is found that may not be there."""
        days, root = self.planted.days, self.tree.root
        found = told_under(root, [self.force, root / "data", root / "_static"], days)
        return found + [text for text in printed if is_told(text.encode(), days)]


def built(root: Path, toc: str | None, patch: pytest.MonkeyPatch) -> Aviary:
    tree = copy_sources(root)
    if toc is not None:
        (root / "_toc.yml").write_text(toc)
    planted = plant(tree)
    for variable in ("HOME", "TMPDIR"):
        (root / variable.lower()).mkdir()
        patch.setenv(variable, str(root / variable.lower()))
    done = tree.run("build")
    assert done.returncode == FINE, done.stdout + done.stderr
    aviary = Aviary(tree, planted)
    assert aviary.told(done.stdout, done.stderr) == []
    assert (tree.edition(FORCE) / "html" / "index.html").exists()
    return aviary


@pytest.fixture(scope="module", autouse=True)
def at_home() -> Iterator[pytest.MonkeyPatch]:
    """Homes and folders of temporary files are put back at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ROOT_VARIABLE, raising=False)
        yield patch


@pytest.fixture(scope="module")
def aviary(tmp_path_factory: pytest.TempPathFactory, at_home: pytest.MonkeyPatch) -> Aviary:
    return built(tmp_path_factory.mktemp("aviary"), FEW, at_home)


@pytest.fixture
def fresh(aviary: Aviary) -> Aviary:
    """The built tree; afterwards its sources and its extract are as they were."""
    kept = aviary.tree.root.with_name(aviary.tree.root.name + "-kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(aviary.force, kept, ignore=shutil.ignore_patterns("restricted"))
    yield aviary
    for path in kept.iterdir():
        shutil.copyfile(path, aviary.force / path.name)
    page = "chapters/prevalence.md"
    shutil.copyfile(ROOT / page, aviary.tree.root / page)


def some_now(cases: Iterable[str], now: tuple[str, ...]) -> list[Any]:
    """Parameters of which some are of the ordinary run, and the others of the long one."""
    return [pytest.param(c, marks=() if c in now else pytest.mark.long) for c in cases]


# --- the search itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_the_search_finds_a_canary_however_it_is_hidden(way: str, tmp_path: Path) -> None:
    name, hide = WAYS[way]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).write_bytes(hide(f"{STEM}k7bird"))
    assert told_under(tmp_path, []) == [f"a/{name}"]
    assert told_under(tmp_path, [tmp_path / "a"]) == []
    (tmp_path / "a" / name).write_bytes(hide("Pvjxk7bird"))
    assert told_under(tmp_path, []) == []


def test_the_search_looks_at_names_of_files_and_at_dates(tmp_path: Path) -> None:
    (tmp_path / f"{STEM.lower()}x.txt").write_text("")
    (tmp_path / "a.html").write_text("born 14 May 2003")
    assert told_under(tmp_path, [], ["14 may 2003"]) == ["a.html", f"{STEM.lower()}x.txt"]


def test_ten_thousand_are_planted_in_every_field(aviary: Aviary) -> None:
    assert len(aviary.planted.canaries) >= 10_000
    assert len(aviary.planted.days) > 500
    for name in ("force.yml", *(f"{t}.csv" for t in ("persons", "incidents", "markers", "ties",
                                                     "events"))):  # fmt: skip
        assert is_told((aviary.force / name).read_bytes()), name
    assert is_told((aviary.force / "restricted" / "persons.parquet").read_bytes())


# --- nothing goes wrong --------------------------------------------------------------------------


def test_a_book_holds_none(aviary: Aviary) -> None:
    assert aviary.told() == []


@pytest.mark.long
def test_a_whole_book_holds_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aviary = built(tmp_path, None, monkeypatch)
    for words in (["check", FORCE], ["build", f"{FORCE}/all"]):
        done = aviary.tree.run(*words)
        assert done.returncode == FINE, done.stderr
        assert aviary.told(done.stdout, done.stderr) == []


# --- the extract is wrong ------------------------------------------------------------------------


def replaced(old: str, new: str, count: int = -1) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, count)


def first_rows(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:40])


def of_nobody(text: str) -> str:
    """An incident of a person who is not there."""
    rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    rows.loc[3, "person_id"] = f"{STEM}nobody"
    return rows.to_csv(index=False)


def swapped(text: str) -> str:
    """Rows in which identifiers and codes have changed their places."""
    header, *rows = text.splitlines(keepends=True)
    cells = header.rstrip("\n").split(",")
    one, other = cells.index("person_id"), cells.index("sex")
    cells[one], cells[other] = cells[other], cells[one]
    return "".join([",".join(cells) + "\n", *rows])


#: What is done to a file of the extract or to the force file, and how the check ends.
WRONG: dict[str, tuple[str, Callable[[str], str], int]] = {
    "a column is gone": ("persons.csv", replaced("birth_date", f"{STEM}born2", 1), CONTRACT),
    "a header is a row": ("incidents.csv", lambda t: t.split("\n", 1)[1], CONTRACT),
    "codes and identifiers exchanged": ("persons.csv", swapped, CONTRACT),
    "codes that nobody listed": ("force.yml", replaced("otherwise_missing: true", "zone: null"),
                                 CONTRACT),
    "dates in another form": ("force.yml", replaced("'%d/%m/%Y'", "'%m/%d/%Y'"), CONTRACT),
    "names for dates": ("force.yml", replaced("column: birth_date", "column: SURNAME"), CONTRACT),
    "a code for a time": ("force.yml", replaced("ended_at: ended_at", "ended_at: category"),
                                    CONTRACT),
    "people whom nobody knows": ("persons.csv", first_rows, CONTRACT),
    "a quotation mark that is not closed": ("persons.csv", replaced('""', '"', 3), CONTRACT),
    "a force file that is none": ("force.yml", replaced("study:", "study: [", 1), CONTRACT),
    "rows set aside": ("incidents.csv", of_nobody, FINE),
}  # fmt: skip


#: Of the ordinary run.
SOME_WRONG = ("codes and identifiers exchanged", "names for dates", "people whom nobody knows",
              "rows set aside")  # fmt: skip


@pytest.mark.parametrize("wrong", some_now(WRONG, SOME_WRONG))
def test_an_extract_that_is_wrong_is_refused_without_a_value(fresh: Aviary, wrong: str) -> None:
    name, change, code = WRONG[wrong]
    path = fresh.force / name
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
    done = fresh.tree.run("check", FORCE)
    assert fresh.told(done.stdout, done.stderr) == []
    assert done.returncode == code, done.stdout + done.stderr


# --- a chapter fails -----------------------------------------------------------------------------

SURNAME = (
    f"import pandas as pd\nwho = pd.read_csv('forces/{FORCE}/persons.csv')['SURNAME'].iloc[0]\n"
)
WHO = "who = cohort.persons['person_id'].iloc[0]\n"
#: What a cell does with values, and how the build ends.
CELLS: dict[str, tuple[str, int]] = {
    "an error with a table": ("raise ValueError(cohort.persons.head().to_string())", EXECUTION),
    "a key": (f"{WHO}{{}}[who]", EXECUTION),
    "an error of an error": (
        f"{WHO}try:\n    {{}}[who]\nexcept KeyError as one:\n    raise ValueError(who) from one",
        EXECUTION,
    ),
    "an assertion": (f"{WHO}assert who == 'x', cohort.persons", EXECUTION),
    "print": ("print(cohort.persons.head())", DISCLOSURE),
    "a bare value": ("cohort.persons.head()", DISCLOSURE),
    "a bare figure": (
        f"{WHO}import matplotlib.pyplot as plt\n_ = plt.title(who)\nplt.gcf()", DISCLOSURE
    ),
    "a warning": (f"{WHO}import warnings\nwarnings.warn(who)", DISCLOSURE),
    "the system's own output": (
        f"{WHO}import os\nos.write(1, who.encode())\n_ = os.write(2, who.encode())\n"
        "_ = os.system('echo ' + who)",
        FINE,
    ),
    "a payload of its own": (
        f"{WHO}from IPython.display import display\n"
        "display({'application/vnd.missing-book+json': {'kind': 'text', 'name': 'x', 'text': who}}"
        ", raw=True)",
        DISCLOSURE,
    ),
    "a sentence": (f"{SURNAME}publish.sentence('One of them is ' + who + '.')", DISCLOSURE),
    "a sentence that warns": (
        f"{SURNAME}publish.sentence('See [' + who + '](' + who + '.md).')", DISCLOSURE
    ),
    "a birth date": (
        "born = cohort.persons['birth_date'].dropna().iloc[0]\n"
        "text = f'born on {born.day} {born:%B %Y}'\n"
        "publish.registry.add({'kind': 'constant', 'name': 'x', 'text': text})",
        DISCLOSURE,
    ),
    "a record past the gate": (
        f"{WHO}publish.registry.add({{'kind': 'constant', 'name': 'x', 'text': who}})", DISCLOSURE
    ),
    "killed": (
        f"{WHO}print(who)\n```\n\n```{{code-cell}} ipython3\nimport os, signal\n"
        "os.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)",
        KILLED,
    ),
}  # fmt: skip


def add_cell(tree: Tree, code: str) -> None:
    page = tree.root / "chapters" / "prevalence.md"
    page.write_text(f"{page.read_text()}\n```{{code-cell}} ipython3\n{code}\n```\n")


#: Of the ordinary run.
SOME_CELLS = ("an error with a table", "print", "a bare figure", "the system's own output",
              "a sentence that warns", "a birth date", "killed")  # fmt: skip


@pytest.mark.parametrize("cell", some_now(CELLS, SOME_CELLS))
def test_a_chapter_that_shows_a_value_leaves_none(fresh: Aviary, cell: str) -> None:
    code, ends = CELLS[cell]
    index = fresh.tree.edition(FORCE) / "html" / "index.html"
    before = index.read_bytes()
    add_cell(fresh.tree, code)
    done = fresh.tree.run("build")
    assert fresh.told(done.stdout, done.stderr) == []
    assert done.returncode == ends, done.stdout + done.stderr
    if ends != FINE:
        assert index.read_bytes() == before


@pytest.mark.long
@pytest.mark.parametrize("cell", CELLS)
def test_a_chapter_in_a_kernel_that_shows_a_value_leaves_none(fresh: Aviary, cell: str) -> None:
    add_cell(fresh.tree, CELLS[cell][0].replace("os.getppid()", "os.getpid()"))
    done = fresh.tree.run("build", "--engine", "missing-book-kernel")
    assert fresh.told(done.stdout, done.stderr) == []
    assert done.returncode in (CELLS[cell][1], EXECUTION), done.stdout + done.stderr


# --- the book, and what leaves -------------------------------------------------------------------


def test_a_book_that_cannot_be_made_quotes_no_value(fresh: Aviary) -> None:
    page = fresh.tree.root / "chapters" / "prevalence.md"
    page.write_text(page.read_text() + "\n{ref}`nowhere` and {unknown}`x`\n")
    done = fresh.tree.run("build")
    assert done.returncode == EXECUTION
    assert "could not be built" in done.stderr
    assert fresh.told(done.stdout, done.stderr) == []


def test_what_leaves_is_refused_file_by_file_and_no_value_is_said(
    aviary: Aviary, tmp_path: Path
) -> None:
    layout = Layout(aviary.tree.root, aviary.tree.root / "forces")
    canaries = sorted(aviary.planted.canaries)
    for number, (name, hide) in enumerate(WAYS.values()):
        (tmp_path / f"{number}-{name}").write_bytes(hide(canaries[7 * number]))
    (tmp_path / "fine.html").write_text("<p>Nobody is named here.</p>")
    with pytest.raises(DisclosureError) as refused:
        letting_out.check_folder(layout, find_force(layout.forces, FORCE), tmp_path)
    said = refused.value.problems
    files = {path.name for path in tmp_path.iterdir()} - {"fine.html"}
    assert {line.split(" holds ")[0] for line in said} == files
    assert not is_told("\n".join(said).encode())
