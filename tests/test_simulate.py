"""The command that runs the experiments: resumed, repeated, side by side, and with other code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from missing_lib import cli
from missing_lib.book import code_state, simulate
from missing_lib.book.experiments import EXPERIMENTS
from missing_lib.book.layout import ROOT_VARIABLE, Layout
from missing_lib.book.simulate import BLOCK, read, wanted
from missing_lib.force.errors import ExecutionError
from tests.conftest import ROOT

#: Cheap ones: three blocks each, the last not full.
NAMES = ("wilson", "poisson_exact")
NUMBER = 2 * BLOCK + 10


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, tmp_path / "forces")


def run(layout: Layout, *names: str, number: int = NUMBER, workers: int = 1) -> dict[str, str]:
    """How each experiment went."""
    said: dict[str, str] = {}
    problems = simulate.simulate(
        layout, wanted(names or NAMES), number, workers,
        lambda name, _, how, __: said.update({name: how}),
    )  # fmt: skip
    assert problems == []
    return said


def kept(layout: Layout) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(layout.controls.iterdir())}


def test_results_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    made = []
    for workers in (1, 3):
        layout = Layout(tmp_path / str(workers), tmp_path)
        assert run(layout, workers=workers) == dict.fromkeys(NAMES, "done")
        made.append(kept(layout))
    assert made[0] == made[1]
    assert set(made[0]) == {f"{name}.json" for name in NAMES}
    assert made[0]["wilson.json"] != made[0]["poisson_exact.json"]


def test_results_are_those_of_the_seeds_in_a_row(layout: Layout) -> None:
    run(layout, "wilson")
    result = read(layout.controls, "wilson")
    rows = [EXPERIMENTS["wilson"].run(seed)["share"] for seed in range(NUMBER)]
    assert result is not None
    found = result.found["share"]
    assert found.covered == sum(e.lower <= e.truth <= e.upper for e in rows)
    assert found.bias == pytest.approx(sum(e.value - e.truth for e in rows) / NUMBER, rel=1e-5)


def test_run_twice_does_nothing(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    run(layout)
    asked: list[Any] = []
    monkeypatch.setattr(simulate, "run_all", lambda _, tasks, *__, **___: asked.extend(tasks) or [])
    before = kept(layout)
    assert run(layout) == dict.fromkeys(NAMES, "up to date")
    assert run(layout, number=BLOCK) == dict.fromkeys(NAMES, "up to date")
    assert (asked, kept(layout)) == ([], before)


def stopping(after: int) -> Any:
    """The workers, until somebody kills the command after some blocks."""

    def some(function: Any, tasks: list[Any], workers: int, fork: bool) -> Iterator[Any]:
        for number, outcome in enumerate(WORKERS(function, tasks, workers, fork)):
            if number == after:
                raise KeyboardInterrupt
            yield outcome

    return some


WORKERS = simulate.run_all


@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_killed_run_goes_on_and_ends_the_same(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = (Layout(tmp_path / name, tmp_path) for name in ("whole", "cut"))
    run(whole)
    monkeypatch.setattr(simulate, "run_all", stopping(after))
    with pytest.raises(KeyboardInterrupt):
        run(cut)
    asked: list[Any] = []

    def noting(function: Any, tasks: list[Any], workers: int, fork: bool) -> Iterator[Any]:
        asked.extend(tasks)
        yield from WORKERS(function, tasks, workers, fork)

    monkeypatch.setattr(simulate, "run_all", noting)
    run(cut)
    assert len(asked) == 2 * 3 - after - 1  # the block under way when it was killed was written
    assert kept(cut) == kept(whole)


def test_half_written_block_is_made_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = simulate._blocks(layout, "wilson", {"wilson": "x"}, 10)
    monkeypatch.setattr(Path, "replace", lambda *_: 1 / 0)  # killed before it is in its place
    with pytest.raises(ZeroDivisionError):
        simulate.run_block(block)
    monkeypatch.undo()
    assert not simulate._done(block)
    simulate.run_block(block)
    assert simulate._done(block)


def test_more_data_sets_take_over_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, fresh = Layout(tmp_path / "a", tmp_path), Layout(tmp_path / "b", tmp_path)
    run(layout, "wilson", number=BLOCK + 10)
    made = list((layout.build / "controls" / "wilson").iterdir())
    times = {p: p.stat().st_mtime_ns for p in made if p.name == "000000.json"}
    assert run(layout, "wilson", number=3 * BLOCK) == {"wilson": "done"}
    assert {p: p.stat().st_mtime_ns for p in times} == times
    run(fresh, "wilson", number=3 * BLOCK)
    assert kept(layout) == kept(fresh)


def test_changed_code_makes_results_stale_and_they_are_made_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(layout, "wilson")
    before = kept(layout)
    monkeypatch.setattr(simulate, "of_experiments", lambda *_: {"wilson": "changed"})
    assert run(layout, "wilson") == {"wilson": "done"}
    after = kept(layout)
    assert json.loads(after["wilson.json"])["code"] == "changed"
    assert after != before


def test_experiment_that_fails_is_named_and_the_others_go_on(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "default_engine", lambda: simulate.IN_PROCESS)
    real = EXPERIMENTS["poisson_exact"].run

    def fails(self: Any, seed: int) -> Any:
        if self.name == "wilson" and seed >= BLOCK:
            raise ZeroDivisionError("a secret")
        return real(seed)

    monkeypatch.setattr(type(EXPERIMENTS["wilson"]), "run", fails)
    said: list[str] = []
    problems = simulate.simulate(
        layout, wanted(NAMES), NUMBER, 1, lambda name, *_: said.append(name)
    )
    assert {type(p) for p in problems} == {ExecutionError}
    assert all(p.problems[0].startswith("wilson: ZeroDivisionError") for p in problems)
    assert "secret" not in str(problems)
    assert said == ["poisson_exact"]
    assert read(layout.controls, "wilson") is None


def test_unknown_experiment_is_answered_with_the_nearest_and_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(ROOT))
    monkeypatch.setattr(sys, "argv", ["missing-book", "simulate", "wilsn", "timing"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "no experiment 'wilsn' (did you mean 'wilson'?); there are: " + ", ".join(EXPERIMENTS)
    ]


# --- which code a result was made with ----------------------------------------------------------

CODE = {
    "study/a.py": "from missing_lib.study.b import half\n\n\ndef one(seed):\n    return half\n",
    "study/b.py": '"""Halves."""\n\nfrom missing_lib.study import c\n\nhalf = c.one / 2\n',
    "study/c.py": "one = 1\n",
    "study/beside.py": "import missing_lib.study.a\n",
}
LOCK = "numpy==2.1.0 \\\n    --hash=sha256:00\nrich==1.0 \\\n    --hash=sha256:00\n"


def state(folder: Path, changed: dict[str, str], **settings: float) -> str:
    root, package = folder / "root", folder / "missing_lib"
    root.mkdir(parents=True)
    (root / "requirements.lock").write_text(changed.get("lock", LOCK))
    for name, text in (CODE | {k: v for k, v in changed.items() if k != "lock"}).items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def replicate(seed: int) -> dict[str, Any]:
        return {}

    replicate.__module__ = "missing_lib.study.a"
    one = simulate.Experiment("one", "m", "w", replicate, (), settings)
    return code_state.of_experiments([one], root, package)["one"]


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"study/a.py": CODE["study/a.py"].replace("return half", "return 2 * half")}, False),
        ({"study/c.py": "one = 2\n"}, False),
        ({"study/c.py": "# As it was.\none = 1  # still\n\n"}, True),
        ({"study/b.py": CODE["study/b.py"].replace("Halves", "Half of one")}, True),
        ({"study/beside.py": "x = 1\n"}, True),
        ({"lock": LOCK.replace("2.1.0", "2.2.0")}, False),
        ({"lock": LOCK.replace("rich==1.0", "rich==1.1")}, True),
    ],
)
def test_code_state_follows_code_and_versions_and_nothing_else(
    tmp_path: Path, changed: dict[str, str], same: bool
) -> None:
    assert (state(tmp_path / "a", {}) == state(tmp_path / "b", changed)) == same


def test_code_state_follows_the_settings_of_the_world(tmp_path: Path) -> None:
    first = state(tmp_path / "a", {}, people=10.0)
    assert first == state(tmp_path / "b", {}, people=10.0)
    assert first != state(tmp_path / "c", {}, people=11.0)


def test_an_experiment_depends_on_the_estimator_and_not_on_the_page() -> None:
    for name, needs in (
        ("logistic", "study/regression.py"),
        ("kaplan_meier", "study/survival.py"),
        ("frailty", "study/cox/kernel.py"),
        ("timing", "study/peers.py"),
    ):
        files = code_state.depends_on(EXPERIMENTS[name].replicate.__module__)
        names = {p.relative_to(ROOT / "missing_lib").as_posix() for p in files}
        assert needs in names
        assert not {n for n in names if n.startswith(("book/", "figures/", "release/"))}
        assert "study/controls/experiments.py" not in names


def test_locked_versions_are_read() -> None:
    found = code_state.locked_versions(ROOT / "requirements.lock")
    assert {"numpy", "scipy", "pandas", "statsmodels", "lifelines", "numba"} <= set(found)
