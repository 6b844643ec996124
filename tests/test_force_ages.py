"""Ages and birthdays, held against plain dates counted one year after the other."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from missing_lib.force.tables import age_in_years, birth_anniversary, conform, empty


def age_by_hand(birth: dt.date, on: dt.date) -> int:
    """Birthdays passed, one year after the other."""
    years = 0
    while birthday(birth, years + 1) <= on:
        years += 1
    return years


def birthday(birth: dt.date, years: int) -> dt.date:
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return dt.date(birth.year + years, 3, 1)


DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2030, 12, 31))
LEAP_BIRTHS = st.sampled_from([dt.date(y, 2, 29) for y in (1904, 1996, 2000, 2004)])


@settings(max_examples=150, deadline=None)
@given(DAYS | LEAP_BIRTHS, st.integers(0, 25), st.integers(-2, 2))
@example(dt.date(2000, 2, 29), 18, -1)
@example(dt.date(2000, 2, 29), 18, 0)
@example(dt.date(2000, 2, 29), 20, -1)
@example(dt.date(1896, 2, 29), 4, 0)
def test_age_around_the_birthday(birth: dt.date, years: int, shift: int) -> None:
    on = max(birth, birthday(birth, years) + dt.timedelta(days=shift))
    born, day = (pd.Series([pd.Timestamp(d)]) for d in (birth, on))
    age = age_in_years(born, day)[0]
    assert int(age) == age_by_hand(birth, on)
    since = (on - birthday(birth, int(age))).days
    assert age - int(age) == pytest.approx(min(since / 365.25, 0.999))
    assert birth_anniversary(born, years)[0].date() == birthday(birth, years)


def test_age_is_missing_where_a_date_is() -> None:
    days = pd.Series(pd.to_datetime(["2000-02-29", None, "2000-02-29"]))
    on = pd.Series(pd.to_datetime(["2018-03-01", "2018-03-01", None]))
    age = age_in_years(days, on)
    assert (age[0], age.isna().tolist()) == (18, [False, True, True])
    assert birth_anniversary(days, 18).isna().tolist() == [False, True, False]
    nobody = empty("persons")["birth_date"]
    assert age_in_years(nobody, nobody).tolist() == birth_anniversary(nobody, 18).tolist() == []


def test_before_birth_age_is_negative() -> None:
    born, on = (pd.Series(pd.to_datetime([day])) for day in ("2000-05-02", "2000-05-01"))
    assert age_in_years(born, on)[0] < 0


def test_conform_refuses_a_code_outside_the_code_book_without_quoting_it() -> None:
    with pytest.raises(ValueError, match=r"persons\.sex: 1 values outside the code book") as caught:
        conform(pd.DataFrame({"person_id": ["1"], "sex": ["Zephyrine"]}), "persons")
    assert "Zephyrine" not in str(caught.value)
