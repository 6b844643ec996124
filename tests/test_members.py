"""Published counts and the sets behind them: stand-ins, statuses, and what is kept of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from missing_lib.force.reachable import reachable_levels
from missing_lib.force.schema import CATEGORIES, ETHNICITIES, RISKS, SEXES
from missing_lib.force.spec import ForceFile
from missing_lib.release import row_members
from missing_lib.release.counted import ALL_RECORDED, Counted, Members, hashed, load, save
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.registry import Registry
from missing_lib.study.prevalence import holds_nobody
from missing_lib.study.tabulate import Table, tabulate
from tests.conftest import ROOT

POLICY = Policy()


@pytest.fixture
def gate() -> Gate:
    return Gate(POLICY, Registry(None, chapter="here"))


def some_incidents(seed: int = 1, people: int = 120) -> pd.DataFrame:
    """Incidents of people, with a level that few have and a missing one."""
    rng = np.random.default_rng(seed)
    numbers = rng.geometric(0.4, people)
    rows = pd.DataFrame({"person_id": np.repeat([f"p{i}" for i in range(people)], numbers)})
    rows["incident_id"] = [f"i{i}" for i in range(len(rows))]
    level = rng.choice(["a", "b", "c", None], len(rows), p=[0.5, 0.4, 0.02, 0.08])
    rows["level"] = pd.Categorical(level, categories=["a", "b", "c", "d"])
    day = rng.choice(["Monday", "Sunday"], len(rows))
    rows["day"] = pd.Categorical(day, categories=["Monday", "Sunday"])
    return rows


def as_lists(counted: Counted) -> list[list[int]]:
    return [members.tolist() for members in counted.members]


# --- tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [["level"], ["level", "day"], ["day", "level"]])
def test_each_incident_stands_in_the_cell_of_its_levels(by: list[str]) -> None:
    rows = some_incidents()
    table = tabulate(rows, by)
    assert table.by == tuple(by)
    placed = table.rows.merge(rows, on=["incident_id", "person_id"], validate="one_to_one")
    assert len(placed) == rows["level"].notna().sum()
    assert (placed[by].astype(str) == table.cells.loc[placed["cell"], by].astype(str).values).all(
        axis=None
    )
    number = placed.groupby("cell").size().reindex(range(len(table.cells)), fill_value=0)
    assert number.tolist() == table.cells["incidents"].tolist()


@pytest.mark.parametrize("total", [True, False])
def test_a_table_is_counted_once_a_unit(gate: Gate, total: bool) -> None:
    rows = some_incidents()
    shown = gate.counts("t", tabulate(rows, ["level"]), title="t", what="x", total=total)
    incidents, people = gate.registry.counted
    assert [(c.chapter, c.output, c.by) for c in (incidents, people)] == 2 * [
        ("here", "t", ("level",))
    ]
    assert (incidents.unit, people.unit) == ("incident", "person")
    known = rows.dropna(subset="level")
    for counted, unit, column in (
        (incidents, "incidents", "incident_id"),
        (people, "people", "person_id"),
    ):
        expected = [hashed(known.loc[known["level"] == level, column]) for level in "abcd"]
        assert as_lists(counted)[:4] == [one.tolist() for one in expected]
        assert [c.label for c in counted.cells] == [*"abcd", *([ALL_RECORDED] if total else [])]
        assert [c.status for c in counted.cells][:4] == shown.frame[f"{unit}_status"].tolist()
        np.testing.assert_array_equal(
            [c.value for c in counted.cells][:4], shown.frame[unit].astype(float)
        )
        if total:
            assert as_lists(counted)[4] == hashed(known[column]).tolist()
            (last,) = [row for row in shown.payload["rows"] if row[0] == ALL_RECORDED]
            printed = {"incidents": last[1], "people": last[3]}[unit]
            assert printed == f"{counted.cells[-1].value:,.0f}"
    assert sum(c.true for c in incidents.cells[:4]) == len(known)  # a partition
    assert sum(c.true for c in people.cells[:4]) > known["person_id"].nunique()  # is none


def test_cells_of_two_columns_are_labelled_by_both(gate: Gate) -> None:
    table = tabulate(some_incidents(), ["level", "day"])
    gate.counts("t", table, title="t", what="x", units=("people",))
    (counted,) = gate.registry.counted
    assert [c.label for c in counted.cells][:3] == ["a, Monday", "a, Sunday", "b, Monday"]


def test_nought_by_definition_is_no_hidden_count(gate: Gate) -> None:
    zero = np.array([False, False, False, True])
    table = tabulate(some_incidents(), ["level"])
    gate.counts("t", table, title="t", what="x", structural_zeros=zero)
    last = gate.registry.counted[0].cells[3]
    assert (last.status, last.value, last.true) == ("zero", 0.0, 0)


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "status"),
    [(0, "few"), (9, "few"), (10, "shown"), (42, "shown"), (43, "hidden"), (52, "hidden")],
)
def test_a_number_is_shown_few_or_hidden(gate: Gate, part: int, status: str) -> None:
    whole = gate.people("whole", range(52), what="all")
    number = gate.people("part", range(part), what="some", of=whole)
    counted = gate.registry.counted[-1]
    (cell,), (members,) = counted.cells, counted.members
    assert (cell.status, cell.true, counted.unit, counted.by) == (status, part, "person", ())
    assert members.tolist() == hashed(range(part)).tolist()
    assert ("fewer than" in number.text) == (status == "few")
    assert math.isnan(cell.value) == (status != "shown")


def test_people_count_once_and_incidents_may_not_repeat(gate: Gate) -> None:
    rows = some_incidents()
    assert gate.people("n", rows["person_id"], what="x").exact == 120
    assert gate.incidents("i", rows, what="x").exact == len(rows)
    with pytest.raises(ValueError, match="an incident twice"):
        gate.incidents("j", pd.concat([rows, rows.iloc[:1]]), what="x")
    with pytest.raises(ValueError, match="identifiers of incident and person"):
        gate.incidents("k", rows.assign(person_id=None), what="x")
    assert [c.output for c in gate.registry.counted] == ["n", "i"]


def test_the_registry_says_what_a_number_is_made_from(gate: Gate) -> None:
    rows = some_incidents()
    whole = gate.incidents("whole", rows, what="all incidents")
    part = gate.incidents("part", rows.iloc[::2], what="every second")
    gate.share("share", part, whole, what="share")
    gate.money("cost", part, 10.0, currency="GBP", what="cost")
    table = gate.counts("t", tabulate(rows, ["level"]), title="t", what="x")
    gate.derived_number("d", 1.0, of=table, text="1", what="first")
    gate.derived("again", table.frame[["level"]], table, title="again")
    made_from = {r["name"]: r["of"] for r in gate.registry.records}
    assert made_from == {
        "whole": [], "part": [], "share": ["part", "whole"], "cost": ["part"], "t": [],
        "d": ["t"], "again": ["t"],
    }  # fmt: skip
    assert gate.registry.records[0]["filter"] == "all incidents"


def test_the_public_registry_holds_no_member(tmp_path: Path) -> None:
    rows = some_incidents()
    gate = Gate(POLICY, Registry(tmp_path / "c.jsonl", tmp_path / "c.npz", chapter="c"))
    gate.incidents("i", rows, what="x")
    gate.people("n", rows["person_id"], what="x")
    assert not (tmp_path / "c.npz").exists()
    gate.registry.keep()
    assert [c.output for c in load(tmp_path / "c.npz")] == ["i", "n"]
    text = (tmp_path / "c.jsonl").read_text()
    assert not any(str(m) in text for c in gate.registry.counted for m in c.members[0])
    assert "p17" not in text


def test_counts_come_back_as_they_were_kept(tmp_path: Path, gate: Gate) -> None:
    rows = some_incidents()
    gate.counts("t", tabulate(rows, ["level", "day"]), title="t", what="x")
    gate.people("none", [], what="nobody")
    gate.people("all", rows["person_id"], what="everybody")
    gate.rows("a", ACCOUNTS, ["rows_in", "kept"], by=["table", "number"], title="a",
              relation="parts")  # fmt: skip
    save(tmp_path / "deeper" / "x.npz", gate.registry.counted)
    back = load(tmp_path / "deeper" / "x.npz")
    assert len(back) == len(gate.registry.counted) == 5
    for one, other in zip(back, gate.registry.counted, strict=True):
        assert (one.chapter, one.output, one.unit, one.by) == (
            other.chapter, other.output, other.unit, other.by,
        )  # fmt: skip
        assert [repr(c) for c in one.cells] == [repr(c) for c in other.cells]
        assert as_lists(one) == as_lists(other)
        assert all(m.dtype == np.uint64 for m in one.members)


# --- rows of the extract ----------------------------------------------------------------------

ACCOUNTS = pd.DataFrame(
    [("people", 1, 100, 90, 4, 6), ("people", 2, 50, 47, 3, 0), ("notes", 1, 30, 30, 0, 0)],
    columns=["table", "number", "rows_in", "kept", "merged", "quarantined"],
)
LEDGER = pd.DataFrame(
    [
        ("people", "A01", "quarantined", 150, 5, 145),
        ("notes", "A01", "quarantined", 30, 0, 30),
        ("people", "P01", "set missing", 145, 40, 145),
        ("people", "A02", "merged", 145, 7, 138),
        ("people", "P02", "flagged", 138, 60, 138),
        ("people", "A03", "quarantined", 138, 1, 137),
        ("notes", "P01", "flagged", 30, 30, 30),
    ],
    columns=["table", "rule", "action", "before", "touched", "after"],
)


def members_of(one: Members) -> set[int]:
    found = set(one.tolist())
    assert len(found) == len(one)
    assert one.tolist() == sorted(found)
    return found


def test_rows_that_came_in_are_kept_merged_or_set_aside() -> None:
    sets = row_members.parts(ACCOUNTS)
    lines = [[members_of(sets[c][i]) for c in ACCOUNTS.columns[2:]] for i in range(3)]
    for came, *parts in lines:
        assert came == set().union(*parts)
        assert len(came) == sum(map(len, parts))
    assert not lines[0][0] & lines[1][0]
    assert not (lines[0][0] | lines[1][0]) & lines[2][0]
    for column, of_column in sets.items():
        assert [len(one) for one in of_column] == ACCOUNTS[column].tolist()


def test_each_rule_begins_where_the_one_before_ended() -> None:
    sets = row_members.chain(LEDGER)
    for column, of_column in sets.items():
        assert [len(one) for one in of_column] == LEDGER[column].tolist()
    for table in ("people", "notes"):
        left = None
        for at in LEDGER.index[LEDGER["table"] == table]:
            before, touched, after = (members_of(sets[c][at]) for c in sets)
            assert touched <= before
            assert left is None or before == left
            taken = LEDGER.loc[at, "action"] in ("merged", "quarantined")
            assert after == (before - touched if taken else before)
            left = after


def test_account_and_ledger_speak_of_the_same_rows() -> None:
    accounts, ledger = row_members.parts(ACCOUNTS), row_members.chain(LEDGER)
    came, kept = (
        members_of(accounts[c][0]) | members_of(accounts[c][1]) for c in ("rows_in", "kept")
    )
    merged = members_of(accounts["merged"][0]) | members_of(accounts["merged"][1])
    assert members_of(ledger["before"][0]) == came
    assert members_of(ledger["after"][5]) == kept
    assert members_of(ledger["touched"][3]) == merged


def test_what_rules_touch_overlaps_by_chance_and_always_alike() -> None:
    sets, again = row_members.chain(LEDGER), row_members.chain(LEDGER)
    assert [a.tolist() for a in sets["touched"]] == [b.tolist() for b in again["touched"]]
    one, other = members_of(sets["touched"][2]), members_of(sets["touched"][4])
    assert 0 < len(one & other) < 40


@pytest.mark.parametrize(
    ("frame", "relation", "said"),
    [
        (LEDGER.assign(after=LEDGER["after"] - 1), "chain", "breaks off at the rule A01"),
        (LEDGER.drop(index=3), "chain", "people breaks off"),
        (ACCOUNTS.assign(rows_in=7), "parts", "people does not add up"),
        (ACCOUNTS, "part", "no relation 'part'; there are: parts, chain"),
    ],
)
def test_rows_that_do_not_relate_so_are_refused(
    frame: pd.DataFrame, relation: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        row_members.related(frame, relation)


def test_counts_of_rows_are_shown_or_few(gate: Gate) -> None:
    columns = ["rows_in", "merged"]
    gate.rows("a", ACCOUNTS, columns, by=["table", "number"], title="a", relation="parts")
    (counted,) = gate.registry.counted
    assert [(c.label, c.status, c.true) for c in counted.cells] == [
        ("people, 1, rows in", "shown", 100), ("people, 1, merged", "few", 4),
        ("people, 2, rows in", "shown", 50), ("people, 2, merged", "few", 3),
        ("notes, 1, rows in", "shown", 30), ("notes, 1, merged", "few", 0),
    ]  # fmt: skip
    assert (counted.unit, counted.by) == ("row", ())
    assert [c.true for c in counted.cells] == [len(m) for m in counted.members]


# --- levels that nobody can have ----------------------------------------------------------------


def force_with(persons: object, incidents: object = "I") -> ForceFile:
    """A force whose sex comes from these sources, and category from one."""
    needed = {"incident_id": "I", "person_id": "P", "reported_at": "T"}
    of_incidents = {} if incidents is None else {"category": incidents}
    return ForceFile.model_validate(
        {
            "code": "mark",
            "name": "Mark (synthetic)",
            "kind": "synthetic",
            "study": {"start": "2015-01-01", "end": "2017-12-31"},
            "sources": {
                "persons": persons,
                "incidents": {"file": "i.csv", "columns": needed | of_incidents},
            },
        }
    )


def source(sex: object) -> dict[str, object]:
    columns: dict[str, object] = {"person_id": "P"}
    return {"file": "p.csv", "columns": columns if sex is None else columns | {"sex": sex}}


def recoded(**more: object) -> dict[str, object]:
    return {"column": "S", "recode": {"F": "female", "M": "male", "X": None}, **more}


@pytest.mark.parametrize(
    ("persons", "impossible"),
    [
        (source(recoded()), {"other"}),
        (source(recoded(otherwise="other")), set()),
        (source(recoded(otherwise="unknown")), {"other"}),
        (source(recoded(otherwise_missing=True)), {"other"}),
        (source({"value": "female"}), {"male", "other"}),
        (source("S"), set()),  # canonical words, any of them
        (source(None), set()),  # not mapped at all
        ({"file": "p.csv"}, set()),  # canonical columns
        ([source(recoded()), source(None)], {"other"}),
        ([source(recoded()), source("S")], set()),
        ([source(recoded()), source({"value": "other"})], set()),
        ([source(recoded()), {"file": "p.csv"}], set()),
    ],
)
def test_a_level_that_no_code_becomes_can_hold_nobody(
    persons: object, impossible: set[str]
) -> None:
    force = force_with(persons)
    possible = reachable_levels(force, "persons", "sex")
    assert set(SEXES) - set(possible) == impossible
    assert list(possible) == [level for level in SEXES if level in possible]
    rows = pd.DataFrame({"incident_id": ["i"], "person_id": ["a"]})
    rows["sex"] = pd.Categorical(["female"], categories=SEXES)
    nobody = holds_nobody(tabulate(rows, ["sex"]), force)
    assert {level for level, zero in zip(SEXES, nobody, strict=True) if zero} == impossible


def test_every_cell_of_an_impossible_level_can_hold_nobody() -> None:
    force = force_with(source("S"), {"column": "C", "recode": {"M": "missing"}})
    rows = pd.DataFrame({"incident_id": ["i"], "person_id": ["a"]})
    rows["category"] = pd.Categorical(["missing"], categories=CATEGORIES)
    rows["day"] = pd.Categorical(["Monday"], categories=["Monday", "Sunday"])
    rows["harm"] = pd.Categorical(["yes"], categories=["yes", "no"])
    table: Table = tabulate(rows, ["day", "category"])
    assert holds_nobody(table, force).tolist() == [False, True, False, True]
    assert not holds_nobody(tabulate(rows, ["day", "harm"]), force).any()


def test_northshire_maps_every_level_that_its_tables_have() -> None:
    from missing_lib.force.spec import find_force

    force = find_force(ROOT / "forces", "northshire")
    assert reachable_levels(force, "persons", "ethnicity_self") == ETHNICITIES
    assert reachable_levels(force, "incidents", "risk_first") == RISKS
