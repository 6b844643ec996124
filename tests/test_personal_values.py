"""Personal values stay in the force's restricted folder: none is printed, logged or reported."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from missing_lib import cli
from missing_lib.book import engines, execute, workers
from missing_lib.book.layout import Layout
from missing_lib.force import errors, intake, quality, taking
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


# --- any table of valid and broken rows ----------------------------------------------------------

#: Every date of the extract is written so, and nothing else that is ever printed.
DAY, CLOCK = "%d.%m.%Y", "%d.%m.%Y %H:%M"
#: What gives a value away: the mark in every text, and dates in the extract's writing or in ISO's.
LEAK = re.compile(rf"{SECRET}|\d\d\.\d\d\.\d{{4}}|\d{{4}}-\d\d-\d\d", re.IGNORECASE)
ACCOUNT = re.compile(
    r"(\w+) +([\d,]+) rows in = ([\d,]+) kept \+ ([\d,]+) merged \+ ([\d,]+) set aside"
)

PERSON = st.sampled_from([f"{SECRET}-{n}" for n in range(4)] * 3 + ["", f" {SECRET}-1 ", "\ue000"])
DAYS = st.sampled_from(
    ["05.06.1987", "31.01.2004", "01.01.1900", "29.02.2015", "14.03.2015", "", SECRET, "now"]
)
CLOCKS = st.sampled_from(
    ["14.03.2015 10:05", "14.03.2015 23:59", "29.03.2015 01:30", "25.10.2015 01:30", "soon",
     "15.03.2015 00:00", "01.01.2199 00:00", "13.13.2015 10:00", "", SECRET, "14.03.2015"]
)  # fmt: skip
CODES = st.sampled_from(["A", "B", "", SECRET])
FREE = st.sampled_from(
    [
        "",
        SECRET,
        f'"{SECRET}"',
        f"{SECRET},\n{SECRET};\t",
        f"={SECRET}()",
        "\x00",
        "\u2028",
        "\ue000",
    ]
)
#: Table -> its columns, and what stands in each.
COLUMNS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "persons": {"NOM": PERSON, "NAME": FREE, "BORN": DAYS, "SEX": CODES, "FROM": DAYS, "TO": DAYS},
    "incidents": {
        "REF": PERSON, "NOM": PERSON, "AT": CLOCKS, "SEEN": CLOCKS, "END": CLOCKS, "RISK": CODES,
        "HARM": CODES, "NOTE": FREE,
    },
    "markers": {"NOM": PERSON, "FLAG": CODES, "FROM": DAYS, "TO": DAYS, "NOTE": FREE},
    "ties": {"ONE": PERSON, "OTHER": PERSON, "KIND": FREE, "DAY": DAYS},
    "events": {"NOM": PERSON, "WHAT": CODES, "AT": CLOCKS},
}  # fmt: skip


def coded(column: str, one: Any, other: Any, missing: bool) -> dict[str, Any]:
    return {"column": column, "recode": {"A": one, "B": other}, "otherwise_missing": missing}


def page(missing: bool) -> dict[str, Any]:
    """The force file; codes that nobody listed stop the intake or are set missing."""
    day, clock = {"format": DAY}, {"format": CLOCK}
    columns = {
        "persons": {
            "person_id": "NOM",
            "birth_date": {"column": "BORN", **day},
            "sex": coded("SEX", "female", "male", missing),
            "observed_from": {"column": "FROM", **day},
            "observed_to": {"column": "TO", **day},
        },
        "incidents": {
            "incident_id": "REF",
            "person_id": "NOM",
            "reported_at": {"column": "AT", **clock},
            "missing_from_at": {"column": "SEEN", **clock},
            "ended_at": {"column": "END", **clock},
            "risk_final": coded("RISK", "high", "low", missing),
            "harm": coded("HARM", True, False, missing),
        },
        "markers": {
            "person_id": "NOM",
            "marker": coded("FLAG", "arrest", "self_harm", missing),
            "known_from": {"column": "FROM", **day},
            "known_to": {"column": "TO", **day},
        },
        "ties": {
            "person_a": "ONE",
            "person_b": "OTHER",
            "tie_type": "KIND",
            "first_seen": {"column": "DAY", **day},
        },
        "events": {
            "person_id": "NOM",
            "event_type": coded("WHAT", "arrest", "violence_victim", missing),
            "occurred_at": {"column": "AT", **clock},
        },
    }
    return {
        "code": "mark", "name": "Mark", "kind": "synthetic",
        "study": {"start": "2015-01-01", "end": "2016-12-31"},
        "definitions": {"merge_gap_hours": 6},
        "sources": {t: {"file": f"{t}.csv", "columns": named} for t, named in columns.items()},
    }  # fmt: skip


def quoting(function: str) -> Callable[..., Any]:
    """A function that fails and quotes all it is given, as numerical libraries may."""

    def fails(*given: Any, **named: Any) -> Any:
        raise ValueError(f"{function} of {SECRET}, born 05.06.1987: {given} {named}")

    return fails


#: Where a failure inside is planted.
INSIDE = [
    (intake, "take_table"), (taking, "convert"), (taking, "missing_columns"),
    (quality, "exact_duplicates"), (quality, "row_account"), (intake, "conform"),
    (pd.DataFrame, "to_parquet"), (pd.DataFrame, "to_csv"),
]  # fmt: skip


@st.composite
def extracts(draw: st.DrawFn) -> dict[str, list[list[str]]]:
    """Rows of every table; some end early, in empty cells or are repeated."""
    made = {}
    for table, columns in COLUMNS.items():
        rows = draw(st.lists(st.tuples(*columns.values()).map(list), max_size=6))
        odd = draw(st.sampled_from(["short", "stray", "twice", "blank", "none"]))
        if rows and odd != "none":
            spoil = {"short": rows[-1][:2], "stray": [*rows[-1], "", " "], "twice": rows[-1]}
            rows.append(spoil.get(odd, [" "] * len(columns)))
        made[table] = rows
    return made


def checked(root: Path, extract: dict[str, list[list[str]]], missing: bool) -> tuple[int, str, str]:
    """Exit code and outputs of ``missing-book check``, run in a folder of its own."""
    shutil.rmtree(root / "_build", ignore_errors=True)
    folder = root / "forces" / "mark"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "force.yml").write_text(yaml.safe_dump(page(missing)), encoding="utf-8")
    for table, rows in extract.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([list(COLUMNS[table]), *rows])
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as left:
            return int(left.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def assert_nothing_leaks(root: Path, *printed: str) -> None:
    """Neither what is printed nor a file that is made outside the restricted folder has a value."""
    for text in printed:
        assert not LEAK.findall(text)
        assert "Traceback" not in text
    own = {"force.yml", *(f"{table}.csv" for table in COLUMNS)}
    for path in root.rglob("*"):
        if path.is_file() and "restricted" not in path.parts and path.name not in own:
            assert not LEAK.findall(path.read_bytes().decode("latin-1")), path.name
        assert SECRET not in path.name


def assert_rows_add_up(folder: Path, printed: str, extract: dict[str, list[list[str]]]) -> None:
    """Rows in, counted here, are kept, merged or set aside, and lie where they are said to."""
    found = ACCOUNT.findall(printed)
    lines = {table: [int(n.replace(",", "")) for n in numbers] for table, *numbers in found}
    assert list(lines) == list(COLUMNS)
    for table, rows in extract.items():
        counted = sum(any(cell.strip() for cell in row) for row in rows)
        rows_in, kept, merged, aside = lines[table]
        assert rows_in == counted == kept + merged + aside
        assert kept == len(pd.read_parquet(folder / "restricted" / f"{table}.parquet"))
        with (folder / "restricted" / f"quarantined-{table}.csv").open(newline="") as file:
            header, *whole = csv.reader(file)
        assert len(whole) == aside
        width, first = len(COLUMNS[table]), len(header) - len(COLUMNS[table])
        given = [[bare(cell) for cell in (row + [""] * width)[:width]] for row in rows]
        assert [row[first:] for row in whole if row[first:] not in given] == []


def bare(cell: str) -> str:
    return cell.removeprefix("\ue000")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("values")
    (made / "chapters").mkdir()
    (made / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    return made


def check_values(root: Path, data: st.DataObject) -> None:
    extract = data.draw(extracts())
    missing = data.draw(st.booleans())
    broken = data.draw(st.sampled_from([*[None] * 2 * len(INSIDE), *INSIDE]))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv(execute.ROOT_VARIABLE, str(root))
        patch.setenv(execute.FORCES_VARIABLE, str(root / "forces"))
        patch.setattr(sys, "argv", ["missing-book", "check", "mark"])
        if broken is not None:
            patch.setattr(*broken, quoting(broken[1]))
        code, out, err = checked(root, extract, missing)
    assert_nothing_leaks(root, out, err)
    assert code in (0, 2) if broken is None else code in (0, 2, 70)
    if code == 0:
        assert err == ""
        assert_rows_add_up(root / "forces" / "mark", out, extract)
    else:
        assert out == ""
        assert err.endswith("\n")
    if code == 70:
        assert f"{Path(__file__).name}:" in (root / "_build" / "error.log").read_text()


#: An example takes a good part of a second: what fails is shown as it is, not made smaller.
PHASES = (Phase.explicit, Phase.generate)


@settings(max_examples=50, deadline=None, derandomize=True, phases=PHASES)
@given(st.data())
def test_rows_add_up_and_no_value_is_printed(root: Path, data: st.DataObject) -> None:
    check_values(root, data)


@pytest.mark.long
@settings(max_examples=1_000, deadline=None, derandomize=True, phases=PHASES)
@given(st.data())
def test_rows_add_up_and_no_value_is_printed_in_the_long_run(
    root: Path, data: st.DataObject
) -> None:
    check_values(root, data)
