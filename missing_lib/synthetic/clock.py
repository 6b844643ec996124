"""Study window, local calendar and the daily and yearly rhythm of reports.

Inside this room a day is an integer (0 is the first study day, local calendar) and
an instant is an integer number of minutes since that day began in local time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

ZONE = "Europe/London"
FIRST_DATE = pd.Timestamp("2014-05-01")
LAST_DATE = pd.Timestamp("2019-12-31")
#: Study days are 0 .. DAYS - 1.
DAYS = int((LAST_DATE - FIRST_DATE).days) + 1
MONTHS = 68
#: Day number that stands for "not yet".
NEVER = 10**6
DAY = 1440
YEAR = 365.25

#: Relative number of reports in each local hour; the mode lies at 21 to 23 h.
HOUR_PROFILE = np.concatenate(
    [
        [1.1, 0.8, 0.6, 0.45, 0.35, 0.3, 0.35, 0.45, 0.55, 0.65, 0.75, 0.8],
        [0.85, 0.85, 0.9, 1.0, 1.2, 1.35, 1.5, 1.65, 1.8, 2.0, 2.0, 1.6],
    ]
)
#: Relative number of reports in each calendar month, January first.
MONTH_PROFILE = np.array([0.95, 0.94, 1.0, 1.02, 1.06, 1.07, 1.06, 1.03, 1.02, 1.0, 0.96, 0.91])


@dataclass(frozen=True)
class Clock:
    """Conversions between calendar and operational time.

    Operational time runs fast in hours and months with many reports:
    op(t) = integral of h(hour) s(month) from day 0 to t, in days, with h and s scaled
    to mean one. A process that is homogeneous on it has the daily and yearly rhythm.

    Attributes
    ----------
    day_start : int array (DAYS + 1,)
        Minute at which each local day begins; the last entry is the end of the study.
    month_start : int array (MONTHS + 1,)
        Minute at which each local month begins; the last entry is the end of the study.
    minute, operational : arrays (hours + 1,)
        The hourly grid of op(t).
    origin : Timestamp
        Instant of minute 0 (UTC).
    """

    day_start: np.ndarray
    month_start: np.ndarray
    minute: np.ndarray
    operational: np.ndarray
    origin: pd.Timestamp

    def op(self, minute: np.ndarray | float) -> np.ndarray:
        """Operational time of an instant."""
        return np.interp(minute, self.minute, self.operational)

    def at(self, operational: np.ndarray | float) -> np.ndarray:
        """Instant (minutes, not rounded) of an operational time."""
        return np.interp(operational, self.operational, self.minute)

    def local_day(self, minute: np.ndarray) -> np.ndarray:
        """Local day number of an instant."""
        return np.searchsorted(self.day_start, minute, side="right") - 1

    def local_month(self, minute: np.ndarray) -> np.ndarray:
        """Local calendar month of an instant, 0 for the first of the study."""
        return np.searchsorted(self.month_start, minute, side="right") - 1

    def instant(self, minute: np.ndarray) -> pd.DatetimeIndex:
        """UTC instants of minutes; NaN becomes missing."""
        values = np.asarray(minute, dtype=float)
        return pd.DatetimeIndex(self.origin + pd.to_timedelta(values, unit="m")).round("s")


def study_clock(first: pd.Timestamp = FIRST_DATE, length: int = DAYS) -> Clock:
    """Build the clock of a study window, by default that of Thames Valley.

    Parameters
    ----------
    first : Timestamp
        First local day.
    length : int
        Number of days.

    Examples
    --------
    >>> clock = study_clock()
    >>> int(clock.day_start[1]), len(clock.month_start)
    (1440, 69)
    """
    days = pd.date_range(first, periods=length + 1, freq="D").tz_localize(ZONE)
    origin = days[0].tz_convert("UTC")
    day_start = _minutes(days, origin)
    month_start = day_start[np.flatnonzero(days.day == 1)]
    hours = pd.date_range(days[0], days[-1], freq="h")
    rate = HOUR_PROFILE[hours.hour] / HOUR_PROFILE.mean()
    rate = rate * MONTH_PROFILE[hours.month - 1] / MONTH_PROFILE.mean()
    operational = np.concatenate([[0.0], np.cumsum(rate[:-1])]) / 24
    return Clock(day_start, month_start, _minutes(hours, origin), operational, origin)


def _minutes(instants: pd.DatetimeIndex, origin: pd.Timestamp) -> np.ndarray:
    return ((instants.tz_convert("UTC") - origin) // pd.Timedelta(minutes=1)).to_numpy(np.int64)


def date_of(day: np.ndarray, first: pd.Timestamp = FIRST_DATE) -> pd.Series:
    """Calendar dates of day numbers; :data:`NEVER` becomes missing."""
    values = pd.Series(np.asarray(day, dtype=float))
    never = values >= NEVER
    return (first + pd.to_timedelta(values.mask(never, 0.0), unit="D")).mask(never)


def day_of(dates: pd.Series, first: pd.Timestamp = FIRST_DATE) -> np.ndarray:
    """Day numbers of calendar dates."""
    return (dates - first).dt.days.to_numpy(np.int64)
