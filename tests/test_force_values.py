"""From texts to values: dates, clock times, codes, ties of a shared key, ages."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from missing_lib.force.convert import Converted, convert
from missing_lib.force.fixed import parse_fixed
from missing_lib.force.mapping import SharedTies, Source
from missing_lib.force.shared import pairs
from missing_lib.force.times import parse_dates, parse_times
from missing_lib.force.typed import TEXT
from tests.test_force import make_force, taken_in

LONDON = "Europe/London"


def dates(*texts: str, formats: tuple[str, ...] = ()) -> list[str | None]:
    read = parse_dates(pd.Series(texts, dtype=object), formats, home=LONDON)
    return [None if pd.isna(day) else f"{day:%Y-%m-%d %H%M}".removesuffix(" 0000") for day in read]


def times(*texts: str, formats: tuple[str, ...] = (), zone: str = LONDON) -> list[str | None]:
    read = parse_times(pd.Series(texts, dtype=object), formats, zone).instants
    assert str(read.dtype) == "datetime64[ns, UTC]"
    return [None if pd.isna(when) else f"{when:%Y-%m-%d %H:%M}" for when in read]


def converted(table: str, cells: dict[str, list[str]], **columns: Any) -> Converted:
    source = Source.model_validate({"file": "x.csv", "columns": columns})
    return convert(pd.DataFrame(cells, dtype=object), table, source, LONDON)


# --- dates and times ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "formats", "read"),
    [
        ("03/04/2020", ("%d/%m/%Y",), "2020-04-03"),
        ("03/04/2020", ("%m/%d/%Y",), "2020-03-04"),
        ("13/04/2020", ("%m/%d/%Y",), None),
        ("04/13/2020", ("%d/%m/%Y",), None),
        ("2020-04-03", ("%d/%m/%Y",), None),
        ("2020-04-03", ("%d/%m/%Y", "%Y-%m-%d"), "2020-04-03"),
        ("03/04/2020", ("%d/%m/%Y", "%Y-%m-%d"), "2020-04-03"),
        ("3 April 2020", ("%d %B %Y",), "2020-04-03"),
        ("2020-04-03", (), "2020-04-03"),
        ("03/04/2020", (), None),
        ("2020-04", (), None),
        ("2020-02-30", (), None),
        ("03/04/2020 23:59", ("%d/%m/%Y %H:%M",), "2020-04-03"),
        ("2020-04-03T00:30:00+01:00", ("%Y-%m-%dT%H:%M:%S%z",), "2020-04-03"),
        ("2020-07-01T23:30:00Z", ("%Y-%m-%dT%H:%M:%S%z",), "2020-07-02"),
        ("2020-07-01T00:00:00Z", ("%Y-%m-%dT%H:%M:%S%z",), "2020-07-01"),
        ("2020-07-02T00:30:00+03:00", ("%Y-%m-%dT%H:%M:%S%z",), "2020-07-01"),
        ("\ue0002020-07-01 23:30:00+00:00", (), "2020-07-02"),
        ("\ue0002020-07-01 00:00:00+0300", (), "2020-07-01"),
        ("\ue0002020-07-01 23:30:00", (), "2020-07-01"),
        ("01112004", ("%d%m%Y",), "2004-11-01"),
        ("1112004", ("%d%m%Y",), None),  # the first or the eleventh
        ("011104", ("%d%m%y",), "2004-11-01"),
        ("11104", ("%d%m%y",), None),
        ("2020111", ("%Y%m%d",), None),
        ("1971.0", ("%Y.0",), "1971-01-01"),
        ("43924", ("excel",), "2020-04-03"),
        ("42462.75", ("excel-1904",), "2020-04-03"),
        ("43924,5", ("excel",), None),
        ("59", ("excel",), None),
        ("99999999", ("excel",), None),
        ("inf", ("excel",), None),
        ("today", (), None),
        ("now", ("%d/%m/%Y",), None),
        ("nan", (), None),
        ("", (), None),
    ],
)
def test_dates_are_read_by_the_declared_format_alone(
    text: str, formats: tuple[str, ...], read: str | None
) -> None:
    assert dates(text, "", formats=formats) == [read, None]


@pytest.mark.parametrize(
    ("text", "formats", "zone", "read"),
    [
        ("2020-07-01T10:00:00Z", (), LONDON, "2020-07-01 10:00"),
        ("2020-07-01T10:00:00Z[UTC]", (), LONDON, "2020-07-01 10:00"),
        ("2020-07-01T10:00:00+02:00[Europe/Paris]", (), LONDON, "2020-07-01 08:00"),
        ("2020-07-01 10:00:00+0200", (), LONDON, "2020-07-01 08:00"),
        ("2020-07-01T10:00-05", (), LONDON, "2020-07-01 15:00"),
        ("2020-07-01T10:00:00.123Z", (), LONDON, "2020-07-01 10:00"),
        ("2020-07-01T10:00", (), LONDON, "2020-07-01 09:00"),
        ("2020-01-01T10:00", (), LONDON, "2020-01-01 10:00"),
        ("2020-07-01 10:00", (), "UTC", "2020-07-01 10:00"),
        ("2020-07-01 10:00", (), "America/Chicago", "2020-07-01 15:00"),
        ("2020-07-01", (), LONDON, "2020-06-30 23:00"),
        ("2020-07", (), LONDON, None),
        ("2020/07", (), LONDON, None),
        ("2020 7", (), LONDON, None),
        ("01/07/2020 0130", ("%d/%m/%Y %H%M",), LONDON, "2020-07-01 00:30"),
        ("01/07/2020 130", ("%d/%m/%Y %H%M",), LONDON, None),
        ("202007", (), LONDON, None),
        ("2020", (), LONDON, None),
        ("10:00", (), LONDON, None),
        ("now", (), LONDON, None),
        ("01/07/2020 10:00", ("%d/%m/%Y %H:%M",), LONDON, "2020-07-01 09:00"),
        ("01/07/2020", ("%d/%m/%Y %H:%M", "%d/%m/%Y"), LONDON, "2020-06-30 23:00"),
        ("01/07/2020", ("%d/%m/%Y %H:%M",), LONDON, None),
        ("01/07/2020 10:00 +0300", ("%d/%m/%Y %H:%M %z",), LONDON, "2020-07-01 07:00"),
        ("44013.416666667", ("excel",), LONDON, "2020-07-01 09:00"),
    ],
)
def test_times_are_instants(
    text: str, formats: tuple[str, ...], zone: str, read: str | None
) -> None:
    assert times(text, "", formats=formats, zone=zone) == [read, None]


def test_each_column_has_its_zone() -> None:
    cells = {"R": ["1"], "T": ["2020-07-01 10:00"]}
    named = {"incident_id": "R", "person_id": "R", "reported_at": "T"}
    done = converted("incidents", cells, **named, ended_at={"column": "T", "zone": "UTC"})
    report, end = done.rows.loc[0, ["reported_at", "ended_at"]]
    assert (report.hour, end.hour) == (9, 10)


@pytest.mark.parametrize("typed", ["", "\ue000"])
def test_a_day_with_a_zone_of_its_own_is_that_at_home(typed: str) -> None:
    cells = {"R": ["1", "1"], "T": [f"{typed}2020-07-01 23:30:00", f"{typed}2020-07-01 00:00:00"]}
    since = {"column": "T", "zone": "UTC", "format": "%Y-%m-%d %H:%M:%S"}
    rows = converted("markers", cells, person_id="R", marker="R", known_from=since).rows
    assert rows["known_from"].dt.day.tolist() == [2, 1]


def test_offsets_may_differ_from_row_to_row() -> None:
    mixed = [f"2020-07-01T10:00{offset}" for offset in ("+01:00", "", "Z", "-05", "x")]
    hours = ("09:00", "09:00", "10:00", "15:00")
    assert times(*mixed) == [*(f"2020-07-01 {hour}" for hour in hours), None]


def test_clock_changes_are_counted_and_follow_the_rule() -> None:
    texts = ["2020-10-25 01:30", "2020-03-29 01:30", "2020-10-25 02:30", "2020-03-29 02:30", ""]
    for formats in ((), ("%Y-%m-%d %H:%M",), ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M")):
        read = parse_times(pd.Series(texts, dtype=object), formats, LONDON)
        assert (read.twice, read.never) == (1, 1)
        hours = read.instants.dropna().dt.strftime("%m-%d %H:%M").tolist()
        assert hours == ["10-25 00:30", "03-29 01:00", "10-25 02:30", "03-29 01:30"]
    cells = {"R": ["1", "2"], "T": texts[:2]}
    done = converted("incidents", cells, incident_id="R", person_id="R", reported_at="T")
    assert done.problems == []
    assert done.caveats == [
        "incidents.reported_at (your 'T'): clock times that occur twice, as clocks go back: 1; "
        "the first is taken",
        "incidents.reported_at (your 'T'): clock times that do not occur, as clocks go forward: "
        "1; moved to the next that does",
    ]
    assert parse_times(pd.Series(["2020-10-25T01:30Z"]), (), LONDON).twice == 0
    every = parse_times(pd.Series(texts[:2] * 3, dtype=object), (), LONDON)
    assert (every.twice, every.never) == (3, 3)


def test_an_elapsed_hour_is_an_hour_across_a_clock_change() -> None:
    text = pd.Series(["2020-10-25 00:30", "2020-10-25 02:30"])
    first, second = parse_times(text, (), LONDON).instants
    assert second - first == pd.Timedelta(hours=3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("0123456789-:TZ+ .[]aWnow/", max_size=20), min_size=1, max_size=5))
@example(["2020-01-01T10:00+99:99"])
@example(["2020-01-01T10:00:00+01:00", "2020-01-01T10:00-1"])
def test_no_text_breaks_the_reading(texts: list[str]) -> None:
    text = pd.Series(texts, dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for formats in ((), ("%d/%m/%Y %H:%M",), ("%Y-%m-%dT%H:%M%z",), ("excel",)):
            assert len(parse_times(text, formats, LONDON).instants) == len(texts)
            assert parse_dates(text, formats).isna().sum() <= len(texts)


@settings(max_examples=60, deadline=None)
@given(st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2037, 12, 31)))
def test_local_times_against_zoneinfo(local: dt.datetime) -> None:
    local = local.replace(second=0, microsecond=0, fold=0)
    expected = local.replace(tzinfo=ZoneInfo(LONDON)).astimezone(dt.UTC)
    read = parse_times(pd.Series([f"{local:%Y-%m-%d %H:%M}"]), (), LONDON)
    if read.never:
        assert read.instants[0].minute == 0
    else:
        assert read.instants[0] == expected


def test_a_wrong_format_stops_and_names_the_column() -> None:
    days = pd.date_range("2015-01-01", periods=60).strftime("%d/%m/%Y").tolist()
    cells = {"R": [str(n) for n in range(60)], "T": days}
    names = {"incident_id": "R", "person_id": "R"}
    done = converted("incidents", cells, **names, reported_at={"column": "T", "format": "%m/%d/%Y"})
    (problem,) = done.problems
    assert problem == (
        "incidents.reported_at (your 'T'): 35 rows could not be read as times like %m/%d/%Y; "
        "that is most of 60, so correct 'format'"
    )
    assert len(done.unread) == 35
    done = converted("incidents", cells, **names, reported_at={"column": "T", "format": "%d/%m/%Y"})
    assert (done.problems, done.caveats) == ([], [])


def test_few_days_after_the_twelfth_are_worth_a_note() -> None:
    days = pd.date_range("2000-01-01", "2015-12-31")
    odd = days[days.day <= 12].strftime("%Y-%m-%d").tolist()
    done = converted("persons", {"P": odd}, person_id="P", birth_date="P")
    (caveat,) = done.caveats
    assert "only 0% of 2,304 dates lie after the 12th of a month" in caveat
    even = days.strftime("%Y-%m-%d").tolist()
    assert converted("persons", {"P": even}, person_id="P", birth_date="P").caveats == []
    years = days.strftime("%Y").tolist()
    year = {"column": "P", "format": "%Y"}
    assert converted("persons", {"P": years}, person_id="P", birth_date=year).caveats == []


# --- codes --------------------------------------------------------------------------------------

CODES = {"P": ["1", "2", "3"], "S": ["F", " M ", ""], "X": ["F", "Q", ""]}


@pytest.mark.parametrize(
    ("origin", "read", "stops", "notes"),
    [
        ({"column": "S", "recode": {"F": "female", "M": "male"}}, ["female", "male", None], 0, 0),
        ({"column": " S ", "recode": {" F": "female", "M ": " male"}},
         ["female", "male", None], 0, 0),
        ({"column": "X", "recode": {"F": "female"}}, ["female", None, None], 1, 0),
        ({"column": "X", "recode": {"F": "female", "Q": None}}, ["female", None, None], 0, 0),
        ({"column": "X", "recode": {"F": "female"}, "otherwise": "other"},
         ["female", "other", None], 0, 1),
        ({"column": "X", "recode": {"F": "female"}, "otherwise_missing": True},
         ["female", None, None], 0, 1),
        ({"column": "X", "recode": {"F": "female", "Q": "male", "": "unknown"}},
         ["female", "male", "unknown"], 0, 0),
        ({"column": "X"}, [None, None, None], 1, 0),
        ({"column": "X", "otherwise_missing": True}, [None, None, None], 0, 1),
        ({"value": "other"}, ["other", "other", "other"], 0, 0),
        ({"value": None}, [None, None, None], 0, 0),
    ],
)  # fmt: skip
def test_levels(origin: dict[str, Any], read: list[str | None], stops: int, notes: int) -> None:
    done = converted("persons", CODES, person_id="P", sex=origin)
    assert (len(done.problems), len(done.caveats)) == (stops, notes)
    if not stops:
        assert [None if pd.isna(v) else v for v in done.rows["sex"]] == read
    else:
        assert (
            "list their codes under 'recode', or say 'otherwise_missing: true'" in done.problems[0]
        )
        assert done.rows.empty


@pytest.mark.parametrize(
    ("cells", "origin", "read"),
    [
        (["Yes", "no", "", "T", "0"], {"column": "H"}, [True, False, None, True, False]),
        (["yes", "no", "maybe", "", ""], {"column": "H"}, "stops"),
        (["J", "N", "", "?", "J"], {"column": "H", "recode": {"J": True, "N": False, "?": None}},
         [True, False, None, None, True]),
        (["J", "N", "", "x", ""], {"column": "H", "recode": {"J": True}, "otherwise": False},
         [True, False, None, False, None]),
        (["J", "N", "", "x", ""], {"column": "H", "recode": {"J": True}}, "stops"),
        (["", "", "", "", ""], {"value": True}, [True] * 5),
    ],
)  # fmt: skip
def test_flags(cells: list[str], origin: dict[str, Any], read: list[bool | None] | str) -> None:
    frame = {"R": list("12345"), "T": ["2015-01-01 10:00"] * 5, "H": cells}
    done = converted(
        "incidents", frame, incident_id="R", person_id="R", reported_at="T", harm=origin
    )
    assert bool(done.problems) == (read == "stops")
    if read != "stops":
        assert [None if pd.isna(v) else bool(v) for v in done.rows["harm"]] == read


def test_several_columns_make_one() -> None:
    frame = {
        "R": ["1", "2", "3"],
        "D": ["01/02/2015", "01/02/2015", ""],
        "T": ["10:00", "", "9:00"],
    }
    both = {"columns": ["D", "T"], "format": ["%d/%m/%Y %H:%M", "%d/%m/%Y"]}
    done = converted("incidents", frame, incident_id=["R", "T"], person_id="R", reported_at=both)
    assert done.rows["incident_id"].fillna("").tolist() == ["1-10:00", "", "3-9:00"]
    hours = done.rows["reported_at"].dt.strftime("%H:%M").fillna("").tolist()
    assert hours == ["10:00", "00:00", ""]
    assert done.caveats == [
        "incidents.reported_at (your 'D' + 'T'): 1 row could not be read as times like "
        "%d/%m/%Y %H:%M or %d/%m/%Y"
    ]


def test_codes_of_a_date_and_of_a_text_are_recoded() -> None:
    frame = {"P": ["1", "2"], "E": ["9999-12-31", "2015-01-01"], "K": ["a", "b"]}
    still = {"column": "E", "recode": {"9999-12-31": None, "2015-01-01": "9999-12-31"}}
    done = converted("persons", frame, person_id="P", observed_to=still)
    assert done.rows["observed_to"].isna().all()
    assert done.unread["position"].tolist() == [1]
    text = {"column": "K", "recode": {"a": "police:arrest"}}
    assert converted("persons", frame, person_id="P", known_first_by=text).problems
    text["otherwise"] = "police:other"
    done = converted("persons", frame, person_id="P", known_first_by=text)
    assert done.rows["known_first_by"].tolist() == ["police:arrest", "police:other"]


# --- ties of a shared key -----------------------------------------------------------------------

SHARED = SharedTies.model_validate(
    {"key": "E", "person": "P", "date": {"column": "D", "format": "%d/%m/%Y"},
     "tie_type": "same_event", "largest_group": 3}
)  # fmt: skip


def shared_rows(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["E", "P", "D"], dtype=object)


def test_people_who_share_a_key_are_tied_from_the_day_of_the_later_one() -> None:
    made, dates_read, caveats = pairs(
        shared_rows(
            ("1", "b", "02/01/2015"), ("1", "a", "05/01/2015"), ("1 ", " a", "03/01/2015"),
            ("2", "a", "01/01/2014"), ("2", "b", "01/01/2014"), ("3", "a", "01/01/2013"),
            *[("4", p, "01/01/2012") for p in "abcd"], *[("5", p, "01/01/2016") for p in "cde"],
            ("", "a", "01/01/2012"), ("6", "", "01/01/2012"), ("6", "a", ""), ("6", "b", "x"),
        ),
        SHARED,
        LONDON,
    )  # fmt: skip
    assert made[["person_a", "person_b", "first_seen"]].to_numpy().tolist() == [
        ["a", "b", "2015-01-03"], ["a", "b", "2014-01-01"],
        ["c", "d", "2016-01-01"], ["c", "e", "2016-01-01"], ["d", "e", "2016-01-01"],
    ]  # fmt: skip
    assert set(made["tie_type"]) == {"same_event"}
    assert int(dates_read.unread.sum()) == 1
    assert caveats == [
        "ties: rows of people alone under their key, who have no tie: 1",
        "ties: rows without key, person or date that make no tie: 4",
        "ties: groups of more than 3 people that make no ties, as 'largest_group' says: 1, with 4 "
        "memberships",
    ]
    made, _, caveats = pairs(shared_rows(), SHARED, LONDON)
    assert (len(made), caveats) == (0, [])


def test_shared_ties_pass_the_rules_of_the_intake(tmp_path: Path) -> None:
    shared = {"key": "RISK", "person": "NOMINAL", "tie_type": "same_risk",
              "date": {"column": "REPORTED", "format": "%Y-%m-%d %H:%M"}}  # fmt: skip
    ties = {"file": "ties.csv", "shared": shared}
    text = "RISK,NOMINAL,REPORTED\nM,N1,2015-01-01 10:00\nM,N2,2015-02-01 10:00\nM,N9,soon\n"
    folder = make_force(tmp_path, {"ties.csv": text}, sources__ties=ties)
    intake = taken_in(folder)
    assert intake.tables.ties["first_seen"].tolist() == [pd.Timestamp("2015-02-01")]
    assert [c for c in intake.caveats if c.startswith("ties.shared.date (your 'REPORTED'): 1 row")]
    assert intake.unread.to_numpy().tolist() == [["ties", "first_seen", 4]]
    (folder / "ties.csv").write_text("RISK,NOMINAL,REPORTED\n")
    assert taken_in(folder).tables.ties.empty


# --- dates of fixed width -----------------------------------------------------------------------

FIXED = ("%d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%m.%d.%Y %H:%M", "%Y%m%d")
LIKE_A_DATE = st.from_regex(r"[0-3]?\d[/.-]?[01]\d[/.-]?(19|20|16|22)\d\d( [0-2]\d:[0-6]\d)?",
                            fullmatch=True)  # fmt: skip


@given(
    texts=st.lists(
        st.one_of(st.dates(dt.date(1600, 1, 1)).map(str), LIKE_A_DATE, st.text(max_size=19)),
        max_size=8,
    ),
    moments=st.lists(st.datetimes(dt.datetime(1678, 1, 1), dt.datetime(2261, 12, 31)), max_size=5),
    one=st.sampled_from(FIXED),
)
def test_what_is_read_at_fixed_width_is_what_pandas_reads(
    texts: list[str], moments: list[dt.datetime], one: str
) -> None:
    written = pd.Series([*texts, *(when.strftime(one) for when in moments)], dtype=TEXT)
    fast = parse_fixed(written, one)
    slow = pd.to_datetime(written, format=one, errors="coerce")
    assert fast is not None
    assert fast.notna().iloc[len(texts) :].all()
    read = fast.notna()
    pd.testing.assert_series_equal(fast[read], slow[read], check_dtype=False, check_names=False)


@pytest.mark.parametrize("one", ["%d/%m/%y", "%d %b %Y", "%H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %z"])
def test_formats_without_a_fixed_width_are_left_to_pandas(one: str) -> None:
    assert parse_fixed(pd.Series(["2020-01-01"], dtype=TEXT), one) is None
