"""The numbered rules: what each touches, and that every row is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missing_lib.force import person_rules, quality, rules
from missing_lib.force.intake import Intake, take_in
from missing_lib.force.rulebook import DONE, RULES, chosen
from missing_lib.force.spec import find_force, read_force_file
from missing_lib.force.tables import conform
from tests.conftest import ROOT
from tests.test_force import INCIDENTS, PERSONS, complaints, make_force, taken_in

MIDNIGHT_ZONE = "Europe/London"


def rows(table: str, *cells: dict[str, object]) -> pd.DataFrame:
    return conform(pd.DataFrame(list(cells)), table)


def person(person_id: str, **cells: object) -> dict[str, object]:
    return {"person_id": person_id, **cells}


def incident(
    number: str, who: str = "a", at: object = "2015-03-01T10:00Z", **cells: object
) -> dict[str, object]:
    return {"incident_id": number, "person_id": who, "reported_at": at, **cells}


def marker(**cells: object) -> dict[str, object]:
    return {"person_id": "a", "marker": "arrest", "known_from": "2015-01-02", **cells}


def tie(a: str, b: str, seen: str = "2015-01-02", kind: str = "co_arrest") -> dict[str, object]:
    return {"person_a": a, "person_b": b, "tie_type": kind, "first_seen": seen}


def around(
    gap_hours: float = 0,
    clocks: tuple[str, ...] = (MIDNIGHT_ZONE,),
    choices: dict[str, dict[str, Any]] | None = None,
) -> rules.Surroundings:
    persons = rows(
        "persons", person("a", observed_from="2015-02-01", observed_to="2016-01-31"), person("b")
    )
    return rules.Surroundings(
        persons=persons,
        start=pd.Timestamp("2015-01-02"),
        end=pd.Timestamp("2017-12-31"),
        time_zone=MIDNIGHT_ZONE,
        clocks=clocks,
        gap_hours=gap_hours,
        choices=choices or {},
    )


def clean(table: str, frame: pd.DataFrame, **settings: object) -> quality.Step:
    made = rules.rules_for(table, around(**settings))
    return rules.apply(quality.Step(table, frame), made)


def touched(step: quality.Step) -> dict[str, int]:
    return {line.rule: line.touched for line in step.ledger if line.touched}


CASES = [
    ("A01", "quarantined", "persons", [person("a"), person("")]),
    ("A01", "quarantined", "incidents", [incident("1"), incident("2", at=None)]),
    ("A01", "quarantined", "markers", [marker(), marker(known_from=None)]),
    ("A01", "quarantined", "ties", [tie("a", "b"), tie("a", None)]),
    ("A01", "quarantined", "events", [
        {"person_id": "a", "event_type": "", "occurred_at": "2015-01-01T10:00Z"}]),
    ("A02", "merged", "persons", [person("a", sex="male"), person("a", sex="male")]),
    ("A02", "merged", "incidents", [incident("1"), incident("1")]),
    ("A02", "merged", "markers", [marker(), marker(), marker(agency="police")]),
    ("A03", "quarantined", "persons", [person("a", sex="male"), person("a", sex="female")]),
    ("A03", "quarantined", "incidents", [incident("1"), incident("1", "b")]),
    ("A04", "quarantined", "incidents", [incident("1"), incident("2", "c")]),
    ("A04", "quarantined", "markers", [marker(), marker(person_id="c")]),
    ("A04", "quarantined", "ties", [tie("a", "b"), tie("a", "c")]),
    ("A04", "quarantined", "ties", [tie("a", "b"), tie("c", "b")]),
    ("A04", "quarantined", "events", [
        {"person_id": "c", "event_type": "arrest", "occurred_at": "2015-01-01T10:00Z"}]),
    ("P01", "set missing", "persons", [
        person("a", birth_date="1900-01-01"), person("b", birth_date="1908-01-01")]),
    ("P01", "set missing", "persons", [
        person("a", birth_date="2018-01-01"), person("b", birth_date="2017-12-31")]),
    ("P01", "set missing", "persons", [
        person("a", birth_date="1907-12-30"), person("b", birth_date="1907-12-31")]),
    ("P02", "set missing", "persons", [
        person("a", observed_from="2015-01-02", observed_to="2015-01-01"),
        person("b", observed_from="2015-01-02", observed_to="2015-01-02")]),
    ("I02", "set missing", "incidents", [
        incident("1", missing_from_at="2015-03-01T10:01Z"),
        incident("2", "b", missing_from_at="2015-03-01T10:00Z")]),
    ("I03", "set missing", "incidents", [
        incident("1", ended_at="2015-03-01T09:59Z"),
        incident("2", "b", ended_at="2015-03-01T10:00Z")]),
    ("I01", "flagged", "incidents", [incident("1", at="2015-06-01T23:00Z"), incident("2", "b")]),
    ("I01", "flagged", "incidents", [incident("1", "b", at="2015-01-02T00:00Z")]),
    ("I04", "merged", "incidents", [
        incident("1", ended_at="2015-03-01T12:00Z"), incident("2", at="2015-03-01T11:59Z")]),
    ("I05", "flagged", "incidents", [
        incident("1"), incident("2", at="2015-04-01T10:00Z"), incident("3", "b")]),
    ("I06", "flagged", "incidents", [
        incident("1", at="2015-01-31T23:59Z", ended_at="2015-02-01T01:00Z"),
        incident("2", at="2016-01-31T23:59Z"), incident("3", "b", at="2017-12-31T23:59Z")]),
    ("I06", "flagged", "incidents", [
        incident("1", at="2015-02-01T00:01Z", ended_at="2015-02-01T01:00Z"),
        incident("2", at="2016-02-01T00:01Z")]),
    ("I07", "flagged", "incidents", [
        incident("1", "b", at="2015-03-01T10:00Z", ended_at="2015-03-01T11:00Z"),
        incident("2", "b", at="2015-03-01T12:00Z"),
        incident("3", at="2015-03-01T13:00Z"), incident("4", at="2015-03-02T13:01Z"),
        incident("5", at="2015-03-03T13:01Z", ended_at="2015-03-03T14:00Z")]),
    ("I07", "flagged", "incidents", [
        incident("1", at="2015-03-01T00:00Z", ended_at="2015-03-01T00:00Z"),
        incident("2", at="2015-03-01T00:00Z", ended_at="2015-03-01T00:00Z")]),
    ("I08", "flagged", "incidents", [
        incident("1", "b", at="2015-01-01T23:59Z", ended_at="2015-01-02T12:00Z"),
        incident("2", "b", at="2017-12-31T23:59Z")]),
    ("I08", "flagged", "incidents", [
        incident("1", "b", at="2015-01-02T00:01Z", ended_at="2015-01-02T12:00Z"),
        incident("2", "b", at="2018-01-01T00:01Z")]),
    ("I10", "flagged", "incidents", [
        incident("1", "b", ended_at="2016-03-01T10:01Z"),
        incident("2", "b", at="2016-04-01T10:00Z", ended_at="2017-04-01T10:00Z")]),
    ("I10", "flagged", "incidents", [
        incident("1", "b", missing_from_at="2014-03-01T09:59Z"),
        incident("2", missing_from_at="2014-03-01T10:00Z")]),
    ("A05", "flagged", "markers", [marker(known_from="2018-01-01"),
                                   marker(known_from="2017-12-31")]),
    ("A05", "flagged", "ties", [tie("a", "b", "2018-01-01")]),
    ("A05", "flagged", "events", [
        {"person_id": "a", "event_type": "x", "occurred_at": "2018-01-01T00:00Z"},
        {"person_id": "a", "event_type": "x", "occurred_at": "2017-12-31T23:59Z"}]),
    ("M01", "set missing", "markers", [
        marker(known_to="2015-01-01"), marker(known_to="2015-01-02")]),
    ("T01", "flagged", "ties", [tie("b", "a"), tie("a", "b", kind="intelligence")]),
    ("T02", "quarantined", "ties", [tie("a", "a"), tie("a", "b")]),
    ("T03", "merged", "ties", [
        tie("a", "b"), tie("b", "a", kind="x"), tie("a", "b", "2014-01-01")]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "action", "table", "cells"), CASES)
def test_a_rule_touches_one_row_and_no_other_rule_does(
    rule: str, action: str, table: str, cells: list[dict[str, object]]
) -> None:
    frame = rows(table, *cells)
    step = clean(table, frame)
    beside = {"I05": {"I07"}, "I07": {"I01", "I05"}, "T03": {"T01"}}.get(rule, set())
    assert {name: n for name, n in touched(step).items() if name not in beside} == {rule: 1}
    (line,) = [line for line in step.ledger if line.rule == rule and line.touched]
    assert line.action == action
    gone = action in ("merged", "quarantined")
    assert (line.before, line.after) == (len(frame), len(frame) - gone)
    account = quality.row_account(len(frame), step)
    assert account["quarantined"] == (action == "quarantined")
    assert account["merged"] == (action == "merged")
    for earlier, later in zip(step.ledger, step.ledger[1:], strict=False):
        assert later.before == earlier.after


def test_what_rules_leave_behind() -> None:
    ties = clean("ties", rows("ties", tie("b", "a"), tie("a", "b", "2014-01-01"))).rows
    assert ties[["person_a", "person_b"]].to_numpy().tolist() == [["a", "b"]]
    assert ties["first_seen"].tolist() == [pd.Timestamp("2014-01-01")]
    backwards = person("a", observed_from="2015-01-02", observed_to="2015-01-01")
    window = clean("persons", rows("persons", backwards)).rows
    assert window[["observed_from", "observed_to"]].isna().all(axis=None)
    born = clean("persons", rows("persons", person("a", birth_date="1901-01-01"))).rows
    assert born["birth_date"].isna().all()
    late = clean("incidents", rows("incidents", incident("1", ended_at="2015-03-01T09:00Z"))).rows
    assert late["ended_at"].isna().all()
    first = clean("persons", rows("persons", person("a", sex="male"), person("a", sex="female")))
    assert first.rows["sex"].tolist() == ["male"]
    assert first.quarantined.to_numpy().tolist() == [[1, "A03"]]


def test_placeholder_midnight_is_that_of_the_force_or_of_the_extract() -> None:
    frame = rows(
        "incidents",
        incident("1", at="2015-06-01T23:00Z"),
        incident("2", "b", at="2015-06-01T00:00Z"),
        incident("3", "b", at="2015-07-01T23:00Z", time_known=True),
        incident("4", "b", at="2015-08-01T12:00Z", time_known=False),
    )
    known = clean("incidents", frame).rows["time_known"].tolist()
    assert known == [False, True, True, False]
    both = clean("incidents", frame, clocks=(MIDNIGHT_ZONE, "UTC"))
    assert both.rows["time_known"].tolist() == [False, False, True, False]
    assert touched(both)["I01"] == 2


def test_last_seen_is_compared_by_day_where_only_the_day_of_the_report_is_known() -> None:
    frame = rows(
        "incidents",
        incident("1", at="2015-06-01T23:00Z", missing_from_at="2015-06-02T22:59Z"),
        incident("2", "b", at="2015-06-01T23:00Z", missing_from_at="2015-06-02T23:00Z"),
    )
    step = clean("incidents", frame)
    assert step.rows["missing_from_at"].isna().tolist() == [False, True]
    assert touched(step) == {"I01": 2, "I02": 1}


def test_birth_after_the_first_report_is_set_missing() -> None:
    incidents = rows(
        "incidents", incident("1", at="2015-06-01T23:30Z"), incident("2", at="2016-06-01T23:30Z")
    )
    rule = person_rules.born_after_report(chosen("P03", {}), incidents, MIDNIGHT_ZONE)
    frame = rows(
        "persons", person("a", birth_date="2015-06-02"), person("b", birth_date="2017-01-01")
    )
    assert rule(quality.Step("persons", frame)).ledger[0].touched == 0
    frame["birth_date"] += pd.Timedelta(days=1)
    step = rule(quality.Step("persons", frame))
    assert step.rows["birth_date"].isna().tolist() == [True, False]
    assert (step.ledger[0].rule, step.ledger[0].touched) == ("P03", 1)


def test_placeholder_births_are_set_missing_whenever_the_study_was() -> None:
    born = [person("a", birth_date="1900-01-01"), person("b", birth_date="1900-01-02")]
    rule = person_rules.implausible_birth(chosen("P01", {}), pd.Timestamp("2006-12-31"))
    step = rule(quality.Step("persons", rows("persons", *born)))
    assert step.rows["birth_date"].isna().tolist() == [True, False]


def test_an_account_that_does_not_add_up_is_an_error() -> None:
    step = clean("persons", rows("persons", person("a")))
    with pytest.raises(AssertionError, match="persons: the row account does not add up"):
        quality.row_account(2, step)


# --- what a force may change, and what is for review ---------------------------------------------


def test_every_rule_is_tried_and_touches_by_its_first_action() -> None:
    tried = {rule: action for rule, action, *_ in CASES}
    elsewhere = {"I09", "P03", "P04", "P05", "P06"}
    assert set(tried) == set(RULES) - elsewhere
    assert tried == {rule: DONE[RULES[rule].actions[0]] for rule in tried}


@pytest.mark.parametrize(
    ("rule", "choice", "cells", "left"),
    [
        ("I02", {"action": "quarantine"}, [incident("1", missing_from_at="2015-03-02T10:00Z")], []),
        ("I03", {"action": "quarantine"}, [incident("1", ended_at="2015-03-01T09:00Z")], []),
        ("I06", {"action": "quarantine"}, [incident("1", at="2016-02-02T12:00Z")], []),
        ("I07", {"action": "merge"}, [incident("1"), incident("2", at="2015-03-02T10:00Z")], ["1"]),
        ("I07", {"hours": 23}, [incident("1"), incident("2", at="2015-03-02T10:00Z")], ["1", "2"]),
        ("I09", {"action": "fill"},
         [incident("1", at=None, missing_from_at="2015-03-02T10:00Z")], ["1"]),
        ("I09", {}, [incident("1", at=None, missing_from_at="2015-03-02T10:00Z")], []),
    ],
)  # fmt: skip
def test_a_force_may_let_a_rule_do_something_else(
    rule: str, choice: dict[str, Any], cells: list[dict[str, object]], left: list[str]
) -> None:
    step = clean("incidents", rows("incidents", *cells), choices={rule: choice})
    assert step.rows["incident_id"].tolist() == left
    quality.row_account(len(cells), step)
    (line,) = [line for line in step.ledger if line.rule == rule]
    assert line.action == DONE[choice.get("action", RULES[rule].actions[0])]
    assert line.touched == (0 if choice == {"hours": 23} else 1)
    if line.action == "filled":
        assert not step.rows["time_known"].any()


def test_a_near_duplicate_is_listed_with_what_it_repeats() -> None:
    cells = [incident("1"), incident("2", "b"), incident("3", at="2015-03-02T09:00Z", harm=True)]
    listed = clean("incidents", rows("incidents", *cells)).review
    assert listed.to_numpy().tolist() == [[0, "I07", 1], [2, "I07", 1]]
    merged = clean("incidents", rows("incidents", *cells), choices={"I07": {"action": "merge"}})
    assert merged.rows["incident_id"].tolist() == ["1", "2"]
    assert merged.rows["harm"].eq(True).fillna(False).tolist() == [True, False]


@pytest.mark.parametrize(
    ("ages", "years", "wrong"),
    [
        ([12, 12], 1, True),
        ([11, 11], 1, False),
        ([12, 10], 1, False),
        ([12, 12, 10], 1, True),
        ([11], 0.5, True),
        ([None], 1, False),
    ],
)
def test_an_age_that_most_reports_contradict(ages: list[Any], years: float, wrong: bool) -> None:
    incidents = rows("incidents", *(incident(str(n), age_recorded=a) for n, a in enumerate(ages)))
    people = rows("persons", person("a", birth_date="2004-06-01"), person("b"))
    rule = person_rules.disagreeing_age(
        chosen("P04", {"P04": {"years": years}}), incidents, MIDNIGHT_ZONE
    )
    step = rule(quality.Step("persons", people))
    assert step.rows["birth_date"].isna().tolist() == [wrong, True]
    assert step.ledger[0].touched == wrong


@pytest.mark.parametrize(("new_year", "touched"), [(5, 0), (6, 6), (60, 60)])
def test_births_on_1_january_count_where_they_pile_up(new_year: int, touched: int) -> None:
    born = ["2004-01-01"] * new_year + ["2004-05-06"] * 500
    people = rows("persons", *(person(str(n), birth_date=b) for n, b in enumerate(born)))
    step = person_rules.first_of_january(chosen("P05", {}))(quality.Step("persons", people))
    assert step.ledger[0].touched == touched
    assert step.rows["birth_date"].notna().all()
    blank = chosen("P05", {"P05": {"action": "set missing"}})
    rest = person_rules.first_of_january(blank)(quality.Step("persons", people)).rows["birth_date"]
    assert rest.isna().sum() == touched
    many = chosen("P05", {"P05": {"times": 20}})
    assert person_rules.first_of_january(many)(quality.Step("persons", people)).ledger[
        0
    ].touched == (60 if new_year == 60 else 0)


def test_persons_who_agree_are_listed_if_both_were_reported() -> None:
    same = {"birth_date": "2004-05-06", "sex": "male"}
    new_year = {"birth_date": "2004-01-01", "sex": "male"}
    people = rows(
        "persons", person("a", **same), person("b", **same), person("c", **same),
        person("d", **same, ethnicity_self="black"), person("e", **new_year),
        person("f", **new_year), person("g", birth_date="2004-05-06"),
    )  # fmt: skip
    incidents = rows("incidents", *(incident(who, who) for who in "abdefg"))
    step = person_rules.same_person_twice(chosen("P06", {}), incidents)(
        quality.Step("persons", people)
    )
    assert step.review.to_numpy().tolist() == [[0, "P06", 0], [1, "P06", 0]]
    assert step.ledger[0].touched == 2
    assert len(step.rows) == len(people)


@pytest.mark.parametrize(("strangers", "limit", "stops"), [
    (6, None, True), (5, None, False), (5, 0.4, True), (9, 1, False),
])  # fmt: skip
def test_a_rule_that_would_set_most_aside_stops(
    tmp_path: Path, strangers: int, limit: float | None, stops: bool
) -> None:
    header, line = INCIDENTS.split("\n")[:2]
    ids = ["N1"] * (10 - strangers) + ["N9"] * strangers
    text = [line.replace("R1,", f"R{n},").replace("N1", who) for n, who in enumerate(ids)]
    rules_ = {} if limit is None else {"rules": {"A04": {"stop_above": limit}}}
    folder = make_force(tmp_path, {"incidents.csv": "\n".join([header, *text])}, **rules_)
    if not stops:
        assert taken_in(folder).accounts["quarantined"].tolist() == [0, strangers]
        return
    first, second = complaints(lambda: taken_in(folder))
    share = f"{strangers} of 10 rows ({strangers}0%)"
    assert first.startswith(
        "incidents: A04, a person who is not in the table of persons (your 'NOMINAL'): " + share
    )
    assert first.endswith("If so, raise rules.A04.stop_above")
    assert second == "the rows concerned: restricted/stopped-incidents.csv"
    assert len(pd.read_csv(folder / "restricted" / "stopped-incidents.csv")) == strangers


# --- the whole intake ---------------------------------------------------------------------------

IDS = st.sampled_from(["N1", "N2", "N3", "", " N1 "])
CELL = st.sampled_from(["2015-03-01 10:00", "2015-03-01 12:30", "01/02/2015", "soon", ""])
PERSON_ROWS = st.lists(
    st.tuples(IDS, st.sampled_from(["2004-01-31", "1900-01-01", "x", ""])), max_size=9
)
INCIDENT_ROWS = st.lists(
    st.tuples(st.sampled_from(["R1", "R2", "R3", ""]), IDS, CELL, CELL), max_size=9
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_force(tmp_path_factory.mktemp("rows"))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(persons=PERSON_ROWS, incidents=INCIDENT_ROWS)
def test_rows_in_are_kept_merged_or_set_aside(
    folder: Path, persons: list[tuple[str, ...]], incidents: list[tuple[str, ...]]
) -> None:
    people = [PERSONS.split("\n")[0], *(f"{p},,{born},F" for p, born in persons)]
    reports = [INCIDENTS.split("\n")[0], *(",".join((*cells, "M", "")) for cells in incidents)]
    (folder / "persons.csv").write_text("\n".join(people))
    (folder / "incidents.csv").write_text("\n".join(reports))
    intake = take_in(read_force_file(folder / "force.yml"), folder)
    check_accounts(intake, {"persons": len(persons), "incidents": len(incidents)})
    assert intake.tables.incidents["person_id"].isin(intake.tables.persons["person_id"]).all()
    assert not intake.tables.incidents["incident_id"].duplicated().any()
    assert not intake.tables.persons["person_id"].duplicated().any()


def test_midnight_in_utc_is_a_placeholder_where_stamps_have_offsets(tmp_path: Path) -> None:
    text = INCIDENTS.replace("2015-03-01 10:00", "2015-07-01T00:00:00Z")
    plain = {"sources__incidents__columns__reported_at": "REPORTED"}
    incidents = taken_in(make_force(tmp_path, {"incidents.csv": text}, **plain)).tables.incidents
    assert incidents["time_known"].tolist() == [False, True, True]


def test_a_source_of_which_nothing_is_left_stops(tmp_path: Path) -> None:
    header, line = INCIDENTS.split("\n")[:2]
    rows_ = [line.replace("R1,", f"R{n},") for n in range(30)]
    same = [one.replace("10:00", "11:00") for one in rows_[:10]]
    files = {"a.csv": rows_, "b.csv": same}
    content = {name: "\n".join([header, *lines, ""]) for name, lines in files.items()}
    page = read_force_file(make_force(tmp_path / "page") / "force.yml").sources["incidents"]
    source = {"file": list(files), "columns": page.model_dump(exclude_unset=True)["columns"]}
    folder = make_force(tmp_path, content, sources__incidents=source)
    (said,) = complaints(lambda: taken_in(folder))
    assert said.startswith("incidents: all 10 rows of 'b.csv' would be set aside; do its ident")


def test_rules_that_look_at_the_force_file_or_at_other_tables(tmp_path: Path) -> None:
    text = INCIDENTS.replace("2015-03-01 10:00", "2015-06-01 00:00").replace(
        "2015-03-02", "2000-01-01"
    )
    zone = {"sources__incidents__columns__reported_at__zone": "UTC"}
    intake = taken_in(make_force(tmp_path, {"incidents.csv": text}, **zone))
    assert intake.tables.incidents["time_known"].tolist() == [False, True, True]
    assert intake.tables.persons["birth_date"].isna().tolist() == [False, True]
    by_rule = intake.ledger[intake.ledger["touched"] > 0].set_index("rule")["touched"]
    assert by_rule.to_dict() == {"P03": 1, "I01": 1, "I03": 1, "I08": 1}


def check_accounts(intake: Intake, rows_in: dict[str, int]) -> None:
    """Account, ledger, tables and quarantined rows tell the same story."""
    for line in intake.accounts.itertuples():
        assert line.rows_in == rows_in[line.table]
        assert line.rows_in == line.kept + line.merged + line.quarantined
        assert line.kept == len(intake.tables[line.table])
        assert line.quarantined == len(intake.quarantined[line.table])
        ledger = intake.ledger[intake.ledger["table"] == line.table]
        of = ledger.groupby("action")["touched"].sum()
        assert (of.get("merged", 0), of.get("quarantined", 0)) == (line.merged, line.quarantined)


def test_the_synthetic_force_loses_no_row(thames_valley_intake: Intake) -> None:
    page = yaml.safe_load((ROOT / "forces/thames-valley/force.yml").read_text())
    folder = ROOT / "forces/thames-valley"
    number = {
        t: len(pd.read_csv(folder / s["file"], dtype=str)) for t, s in page["sources"].items()
    }
    check_accounts(thames_valley_intake, number)
    assert thames_valley_intake.accounts["kept"].tolist() == list(number.values())
    assert thames_valley_intake.unread.empty
    assert thames_valley_intake.caveats == ()
    assert find_force(ROOT / "forces", "thames-valley").synthetic
