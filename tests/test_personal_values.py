"""Personal values stay in the force's restricted folder: none is printed, logged or reported."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from missing_lib import cli
from missing_lib.book import engines, execute, workers
from missing_lib.book.layout import Layout
from missing_lib.force import errors
from missing_lib.force.errors import ContractError, ExecutionError, trace_of

#: Stands for any value of a person; no message or log may hold it.
SECRET = "Zephyrine"


# --- failures inside ----------------------------------------------------------------------------


def fail(value: str) -> None:
    try:
        {}[value]
    except KeyError as problem:
        raise ValueError(f"{value}\n  File {value}:1, in {value}") from problem


def traced(act: Any, *given: Any) -> list[str]:
    with pytest.raises(Exception) as caught:  # noqa: PT011  any will do
        act(*given)
    return trace_of(caught.value)


def test_a_trace_names_places_and_types_and_no_value() -> None:
    lines = traced(fail, SECRET)
    assert lines[0] == "KeyError"
    assert [line for line in lines if not line.startswith("  ")] == ["KeyError", "ValueError"]
    assert re.fullmatch(rf"  {re.escape(__file__)}:\d+, in fail", lines[-1])
    assert SECRET not in "\n".join(lines)


def test_a_trace_ends_where_causes_go_round_and_quotes_our_own_words() -> None:
    one, other = ContractError(["expected a"]), KeyError(SECRET)
    one.__cause__, other.__context__ = other, one
    assert trace_of(one) == ["KeyError", f"{errors.__name__}.ContractError", "expected a"]
    one.__cause__, one.__suppress_context__ = None, True
    assert trace_of(one) == [f"{errors.__name__}.ContractError", "expected a"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with one chapter that fails on a value, two files deep."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (tmp_path / "chapters" / "x.md").write_text(
        "---\nkernelspec: {name: python3, display_name: x}\n---\n\n"
        f"```{{code-cell}} ipython3\nfrom {__name__} import fail\nfail('{SECRET}')\n```\n"
    )
    monkeypatch.chdir(tmp_path)
    for name in (execute.ROOT_VARIABLE, execute.FORCES_VARIABLE, execute.REGISTRY_VARIABLE):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return tmp_path


@pytest.mark.parametrize("engine", [engines.IN_PROCESS, engines.KERNEL])
def test_the_log_of_a_chapter_leads_to_the_place(here: Path, engine: str) -> None:
    edition = Layout(here, here / "forces").edition("mark", "children")
    task = execute.Task(Layout(here, here / "forces"), edition, "x", {}, engine)
    (outcome,) = workers.run_all(execute.run_chapter, [task], 1, fork=False)
    assert outcome.problem is not None
    assert outcome.problem.problems == ("chapter x, cell 1: ValueError",)
    log = (edition.logs / "x.log").read_text()
    assert SECRET not in log
    assert "ValueError" in log
    assert len(re.findall(rf"{Path(__file__).name}:\d+", log)) == 2


def give_up(value: str) -> None:
    raise KeyError(value)


def test_what_fails_outside_a_chapter_names_its_place_alone() -> None:
    (outcome,) = workers.run_all(give_up, [SECRET], 1, fork=False)
    assert isinstance(outcome.problem, ExecutionError)
    (line,) = outcome.problem.problems
    assert re.fullmatch(r"KeyError at .*test_personal_values\.py:\d+, in give_up", line)


@pytest.mark.parametrize("writable", [True, False])
def test_a_failure_inside_a_command_is_one_line_and_a_log_without_values(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], writable: bool
) -> None:
    if not writable:
        (here / "_build").write_text("a file, where the folder should be")
    monkeypatch.setattr(cli, "_layout", lambda forces: fail(SECRET))
    monkeypatch.setattr(sys, "argv", ["missing-book", "check", "mark"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    out, err = capsys.readouterr()
    log = "_build/error.log"
    end = (
        f"Details, which quote no data: {log}" if writable else "Details could not be written here."
    )
    assert (left.value.code, out) == (70, "")
    assert err == (
        "Something went wrong inside the book (ValueError); it is not your doing. Nothing was "
        f"lost. {end}\n"
    )
    if writable:
        assert f"{__file__}:" in (here / log).read_text()
        assert SECRET not in (here / log).read_text()
