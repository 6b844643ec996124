"""Fixtures: the synthetic force, and one small book built once for all tests that look at one."""

from __future__ import annotations

import os

# As the command line does: one thread a process, before anything numerical is imported.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from missing_lib.force.intake import Intake, take_in
from missing_lib.force.spec import ForceFile, find_force

#: How references were made: scripts of their own surroundings, and no tests.
collect_ignore_glob = ["reference/*/how.py"]

ROOT = Path(__file__).parents[1]
RAW = ROOT / "data" / "synthetic" / "thames-valley"
#: What a build reads, beside the library.
SOURCES = (
    "_config.yml", "_toc.yml", "_static", "chapters", "data", "index.md", "references.bib",
    "requirements.lock",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run what make test-all runs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    long = [item for item in items if "long" in item.keywords]
    items[:] = [item for item in items if "long" not in item.keywords]
    config.hook.pytest_deselected(items=long)


@pytest.fixture(scope="session")
def thames_valley() -> ForceFile:
    return find_force(ROOT / "forces", "thames-valley")


@pytest.fixture(scope="session")
def thames_valley_intake(thames_valley: ForceFile) -> Intake:
    return take_in(thames_valley, ROOT / "forces" / "thames-valley")


@dataclass(frozen=True)
class Tree:
    """A copy of the book's sources with forces of its own."""

    root: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the tree as a user would."""
        return subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning:missing_lib", "-m", "missing_lib.cli",
             *words],
            cwd=self.root, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip

    def steps(self, *words: str) -> dict[str, str]:
        """How each step of a build went: done, failed, up to date."""
        lines = [line.split(maxsplit=2) for line in self.run(*words).stdout.splitlines()]
        return {
            f"{line[0]} {line[1]}": line[2].rsplit(maxsplit=2)[0].strip()
            for line in lines
            if len(line) == 3 and "/" in line[0]
        }

    def edition(self, force: str, population: str = "children") -> Path:
        return self.root / "_build" / f"{force}-{population}"


def copy_sources(root: Path) -> Tree:
    """A tree without forces."""
    root.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name)
        else:
            shutil.copyfile(source, root / name)
    return Tree(root)


def add_force(tree: Tree, code: str, keep: pd.Series) -> Path:
    """Add a force made of some of Thames Valley's people, with all their rows.

    Parameters
    ----------
    keep : Series of bool, indexed by person_id
    """
    folder = tree.root / "forces" / code
    folder.mkdir(parents=True)
    people = set(keep.index[keep])
    for table in ("persons", "incidents", "markers", "ties", "events"):
        rows = pd.read_csv(RAW / f"{table}.csv", dtype=str, keep_default_na=False)
        named = [c for c in ("person_id", "person_a", "person_b") if c in rows]
        rows = rows[rows[named].isin(people).all(axis=1)]
        rows.to_csv(folder / f"{table}.csv", index=False)
    page = yaml.safe_load((ROOT / "forces" / "thames-valley" / "force.yml").read_text())
    page |= {"code": code, "name": f"Force {code} (synthetic)"}
    page["sources"] = {t: {"file": f"{t}.csv"} for t in page["sources"]}
    (folder / "force.yml").write_text(yaml.safe_dump(page))
    return folder


@pytest.fixture(scope="session")
def two_forces(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A tree with the built books of two small forces that share no person."""
    tree = copy_sources(tmp_path_factory.mktemp("book"))
    persons = pd.read_csv(RAW / "persons.csv", usecols=["person_id"], dtype=str)["person_id"]
    number = pd.Series(range(len(persons)), index=persons)
    add_force(tree, "westmark", number % 5 < 3)
    add_force(tree, "eastmark", number % 5 >= 3)
    done = tree.run("build")
    assert done.returncode == 0, done.stdout + done.stderr
    return tree


@pytest.fixture(scope="session")
def small_edition(two_forces: Tree) -> Path:
    """The HTML of one small edition."""
    return two_forces.edition("westmark") / "html"


@pytest.fixture(scope="session")
def official_editions(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A tree with the built books of England and of two authorities, and not one police record."""
    tree = copy_sources(tmp_path_factory.mktemp("official"))
    shutil.copytree(ROOT / "forces" / "england", tree.root / "forces" / "england")
    region = {
        "code": "pair",
        "name": "Reading and Slough",
        "kind": "official",
        "local_authorities": ["E06000038", "E06000039"],
    }
    (tree.root / "forces" / "pair").mkdir()
    (tree.root / "forces" / "pair" / "force.yml").write_text(yaml.safe_dump(region))
    done = tree.run("build")
    assert done.returncode == 0, done.stdout + done.stderr
    return tree
