"""A build looks at what its editions tell with everything released, and mends it by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from missing_lib.book import release as releases
from missing_lib.book import telling
from missing_lib.book.layout import Edition, Layout
from missing_lib.book.telling import Work, make_safe
from missing_lib.book.toc import Toc
from missing_lib.force.errors import ContractError, DisclosureError
from missing_lib.force.spec import ForceFile
from missing_lib.release import archive
from missing_lib.release.counted import KEPT, Counted, load
from missing_lib.release.differencing.counts import Source
from missing_lib.release.differencing.told import told
from missing_lib.release.mends import Mend, Mends, mends_for, read_mends, write_mends
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.registry import Registry
from missing_lib.release.sheet import csv_of
from missing_lib.study.tabulate import tabulate
from tests.made_cohorts import force_file
from tests.made_worlds import Population, Shape, people_of

POLICY = Policy()
SHAPE = Shape(2, 3, entries=2)
TOC = Toc("index", (), ("c",), (), ())


@dataclass
class Book:
    """A force whose one chapter publishes a small population, group 0 being its children."""

    layout: Layout
    force: ForceFile
    population: Population
    entered: int = 1
    finding: bool = False
    said: list[str] = field(default_factory=list)
    runs: int = 0

    def edition(self, population: str) -> Edition:
        return self.layout.edition(self.force.code, population)

    def publish(self, edition: Edition) -> None:
        """Run the chapter as a build would."""
        self.runs += 1
        rows = people_of(SHAPE, self.population)
        rows = rows[rows["entry"] < self.entered]
        if edition.population == "children":
            rows = rows[rows["group"] == 0]
        edition.folder_of_members.mkdir(parents=True, exist_ok=True)
        registry = Registry(edition.registry / "c.jsonl", edition.members_of("c"), chapter="c")
        gate = Gate(POLICY, registry, mends_for(edition.mends, "c"))
        gate.counts("by_level", tabulate(rows, ["level"]), title="t", what="w", units=("people",))
        everybody = gate.people("everybody", rows["person_id"], what="w")
        if self.finding:
            gate.finding("P1", "There are {n}.", figures=[everybody], n=everybody)
        registry.keep()

    def make_safe(self, *populations: str) -> DisclosureError | None:
        group = tuple(self.edition(p) for p in populations)
        work = Work({e: {"c": "1"} for e in group}, {e: read_mends(e.mends, "b") for e in group})

        def run(editions: Iterable[Edition]) -> bool:
            for edition in editions:
                self.publish(edition)
                work.keys[edition] = {"c": str(work.mends[edition])}
            return True

        run(group)
        return make_safe(
            self.layout,
            TOC,
            self.force,
            group,
            work,
            run,
            lambda *words: self.said.append(words[2]),
        )

    def release(self, name: str, *populations: str) -> None:
        files = {p: [self.edition(p).folder_of_members / "c.npz"] for p in populations}
        folder = telling.releases_folder(self.layout, self.force.code)
        archive.confirm(archive.prepare(folder, name, f"May {name}", POLICY, files))

    def counted(self, population: str) -> tuple[Counted, ...]:
        return tuple(load(self.edition(population).folder_of_members / "c.npz"))

    def tells(self, *populations: str) -> int:
        earlier = [
            Source(k.name, True, POLICY, k.counted(p))
            for k in archive.kept_releases(telling.releases_folder(self.layout, self.force.code))
            for p in k.editions
        ]
        now = [Source(p, False, POLICY, self.counted(p)) for p in populations]
        return len(told([*earlier, *now], POLICY))


def people(children: Sequence[int], adults: Sequence[int], later: int = 0) -> Population:
    """Levels of children and adults; so many more children of the first level come later."""
    return np.array([*children, *adults, later, 0, 0, 0, 0, 0])


@pytest.fixture
def book(tmp_path: Path) -> Book:
    layout = Layout(tmp_path, tmp_path / "forces")
    return Book(layout, force_file(), people([11, 30, 40], [1, 0, 0]))


def statuses(counted: Counted) -> list[str]:
    return [cell.status for cell in counted.cells]


def test_an_edition_alone_needs_no_mending(book: Book) -> None:
    book.population = people([30, 40, 50], [20, 20, 20])
    assert book.make_safe("children") is None
    assert book.said == ["done"]
    assert not book.edition("children").mends.exists()


def test_editions_that_leave_together_are_mended_together(book: Book) -> None:
    assert book.make_safe("children", "all") is None
    assert book.said == ["1 mended"]
    assert book.tells("children", "all") == 0
    mended = read_mends(book.edition("children").mends, "b").mends
    assert mended == (Mend("c", "by_level", "person", "0"),)
    # The level that was hidden alone would follow from the total; the gate hid a second.
    assert statuses(book.counted("children")[0]).count("hidden") == 2
    assert not book.edition("all").mends.exists()


def test_each_by_itself_stays_as_it_is(book: Book) -> None:
    assert book.make_safe("children") is None
    assert book.make_safe("all") is None
    assert book.said == ["done", "done"]
    assert book.tells("children", "all") > 0


def test_what_was_found_is_not_looked_for_again(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert book.make_safe("children", "all") is None
    monkeypatch.setattr(telling, "_check", lambda *_: pytest.fail("looked again"))
    assert book.make_safe("children", "all") is None


def test_a_cell_that_changed_by_few_keeps_its_earlier_value(book: Book) -> None:
    book.population = people([10, 30, 40], [60, 60, 60], later=1)
    assert book.make_safe("children") is None
    book.release("2018", "children")
    book.entered = 2
    assert book.make_safe("children") is None
    (mend,) = read_mends(book.edition("children").mends, "b").mends
    assert mend == Mend("c", "by_level", "person", "0", 10.0, "May 2018")
    table = book.counted("children")[0]
    assert table.cells[0].status == KEPT
    records = (book.edition("children").registry / "c.jsonl").read_text(encoding="utf-8")
    record = json.loads(records.splitlines()[0])
    assert record["rows"][0][:2] == ["0", "10 (as of May 2018)"]
    line = csv_of(record["sheet"]).splitlines()[1]
    assert line == "0,10,kept,,not applicable"
    assert book.tells("children") == 0
    # A third release goes back to the day on which the value was true.
    book.release("2019", "children")
    book.population = people([10, 30, 40], [60, 60, 60], later=2)
    assert book.make_safe("children") is None
    assert read_mends(book.edition("children").mends, "b").mends[0].since == "May 2018"


def test_what_was_hidden_stays_hidden(book: Book) -> None:
    book.population = people([9, 30, 40], [60, 60, 60], later=1)
    assert book.make_safe("children") is None
    book.release("2018", "children")
    book.entered = 2
    assert book.make_safe("children") is None
    assert book.tells("children") == 0
    mends = read_mends(book.edition("children").mends, "b").mends
    assert {m.value for m in mends if m.label == "0"} <= {None}


def test_a_finding_does_not_vanish(book: Book) -> None:
    book.population = people([11, 0, 0], [1, 0, 0])
    book.finding = True
    refused = book.make_safe("children", "all")
    assert refused is not None
    (line,) = refused.problems
    assert line.startswith("small/children + small/all: ")
    assert "everybody" in line
    assert "Leave one of the editions concerned out" in line
    assert book.said == ["refused"]
    for value in ("11", "12", " 1 "):
        assert value not in line


def test_mends_of_other_data_are_forgotten(book: Book) -> None:
    edition = book.edition("children")
    write_mends(edition.mends, Mends("old", (Mend("c", "by_level", "person", "0"),)))
    assert telling.mends_of(edition, "new") == Mends("new", ())
    assert not edition.mends.exists()
    write_mends(edition.mends, Mends("new", (Mend("c", "by_level", "person", "0"),)))
    assert len(telling.mends_of(edition, "new").mends) == 1


def test_a_new_mend_takes_the_place_of_the_old_one() -> None:
    old = Mends("b", (Mend("c", "t", "person", "x"), Mend("c", "t", "person", "y")))
    more = old.with_more([Mend("c", "t", "person", "x", 10.0, "May")])
    assert [m.value for m in more.mends] == [10.0, None]


# --- the archive of releases ----------------------------------------------------------------------


def test_a_release_counts_unless_its_folder_is_unfinished(book: Book) -> None:
    book.make_safe("children")
    folder = telling.releases_folder(book.layout, book.force.code)
    files = {"children": [book.edition("children").folder_of_members / "c.npz"]}
    archive.prepare(folder, "one", "May 2018", POLICY, files)
    assert archive.kept_releases(folder) == []
    assert archive.settle(folder, lambda name: name == "one") == ["one"]
    assert list(folder.iterdir()) == []
    # The folder is not being written: it came into its place, and may have left since.
    archive.prepare(folder, "one", "May 2018", POLICY, files)
    assert archive.settle(folder, lambda _: False) == []
    assert [k.name for k in archive.kept_releases(folder)] == ["one"]


def test_releases_keep_their_order_and_their_policy(book: Book) -> None:
    book.make_safe("children")
    for name in ("b", "a"):
        book.release(name, "children")
    folder = telling.releases_folder(book.layout, book.force.code)
    kept = archive.kept_releases(folder)
    assert [k.name for k in kept] == ["b", "a"]
    assert kept[0].policy == POLICY
    assert [c.output for c in kept[0].counted("children")] == ["by_level", "everybody"]
    shutil.rmtree(kept[0].folder)
    assert [k.name for k in archive.kept_releases(folder)] == ["a"]


def left(layout: Layout, name: str, force: str = "small") -> None:
    """The folder of a release, still where it was written."""
    (layout.releases / name).mkdir(parents=True)
    manifest = json.dumps({"force": force})
    (layout.releases / name / "manifest.json").write_text(manifest, encoding="utf-8")


@pytest.mark.parametrize("restored", [(), ("a",)])
def test_a_folder_that_left_is_kept_or_nothing_more_leaves(
    book: Book, restored: Sequence[str]
) -> None:
    """The restricted folder is lost, or comes from a backup made before the last release."""
    book.make_safe("children")
    for name in restored:
        book.release(name, "children")
    for name in ("a", "b"):
        left(book.layout, name)
    left(book.layout, "theirs", "other")
    kept = archive.kept_releases(telling.releases_folder(book.layout, book.force.code))
    there = releases.written(book.layout, book.force.code)
    assert there == ["a", "b"]
    with pytest.raises(ContractError, match="b went before, but") as refused:
        releases.must_be_known(book.force, kept, not restored, there)
    assert "theirs" not in str(refused.value)
    releases.must_be_known(book.force, kept, not restored, restored)


def test_the_name_of_a_release_that_was_taken_away_is_not_given_again(book: Book) -> None:
    """Else what the second of the name counts could not be kept beside the first."""
    book.make_safe("children")
    book.release("small-2017-12-31-1", "children")
    folders = [book.layout.releases, telling.releases_folder(book.layout, book.force.code)]
    assert not book.layout.releases.exists()
    assert releases.next_name(folders, "small-2017-12-31") == "small-2017-12-31-2"
    with pytest.raises(ContractError, match="there is a release 'small-2017-12-31-1' already"):
        releases.may_be_written(folders, "small-2017-12-31-1")
