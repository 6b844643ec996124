"""Worlds whose truth is known: simulators for size, power and controls.

People with recurrent incidents: their rates differ, and change with season, age, era and spells
in care; nobody is reported while missing. Where ``boost`` is 1 that is all, and no incident says
anything of the next. Elsewhere each return multiplies the rate for some days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import Tables, conform, empty

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START, END = pd.Timestamp("2014-05-01"), pd.Timestamp("2019-12-31")
DAYS = int((END - START).days) + 1
#: Numbers of incidents of the study's children with one to nine; one feasible distribution.
STUDY_FEW = (631, 96, 112, 48, 36, 28, 22, 18, 16)
#: How many have ten or more, and how many incidents they have together.
STUDY_MANY, STUDY_OF_MANY, STUDY_MOST = 125, 3121, 140
#: What the rates of people may look like.
SHAPES = ("study", "gamma", "two-point", "heavy tail", "same")

_ERA_CHANGE = int((pd.Timestamp("2017-01-01") - START).days)
_YEAR = 365.25
_OF_AGE = 18 * _YEAR
#: Shortest window, and fewest days of it for each incident, and for each day away.
_SHORTEST, _DAYS_EACH, _PER_DAY_AWAY = 90, 6, 3
#: Histories drawn at once for somebody whose number is given, and how often.
_TRIES, _ROUNDS = 40, 400


@dataclass(frozen=True)
class World:
    """One world of children; the defaults are of the size of the study.

    Attributes
    ----------
    people : int
        Children; those of other shapes than ``study`` may have no incident.
    shape : str
        One of :data:`SHAPES`. With ``study`` each child has a number of the study's
        distribution (scaled to ``people``), and histories are drawn given that number.
    mean : float
        Incidents per child that the other shapes aim at.
    season : float
        Amplitude of the yearly wave of the log rate.
    era : float
        Factor of the rate from 2017 on.
    age : bool
        Whether the rate rises from the age of eight to fifteen, from a tenth to one.
    share_in_care, in_care : float
        Share with one or two spells in care, and factor of the rate inside.
    away : float
        Median days from report to return (log-normal).
    away_sigma : float
        Standard deviation of its logarithm.
    boost, boost_days : float
        Factor of the rate after each return, and for how many days.
    """

    people: int = 1132
    shape: str = "study"
    mean: float = 4.65
    season: float = 0.25
    era: float = 1.4
    age: bool = True
    share_in_care: float = 0.4
    in_care: float = 2.5
    away: float = 0.3
    away_sigma: float = 1.2
    boost: float = 1.0
    boost_days: float = 14.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"no shape {self.shape!r}; there are {', '.join(SHAPES)}")

    @property
    def mean_away(self) -> float:
        """Mean days from report to return."""
        return float(self.away * np.exp(self.away_sigma**2 / 2))


@dataclass(frozen=True)
class _Lives:
    """What is fixed before anybody goes missing.

    Attributes
    ----------
    born, since, until : ndarray of int, shape (people,)
        Days since the study began; under observation from ``since`` up to before ``until``.
    care : DataFrame
        ``person``, ``start``, ``stop`` (days) of spells in care.
    rate : ndarray of float, shape (people, DAYS)
        Relative rate on each day; zero outside the window.
    hazard : ndarray of float, shape (people, DAYS + 1)
        Its sum before each day.
    """

    born: Ints
    since: Ints
    until: Ints
    care: pd.DataFrame
    rate: Floats
    hazard: Floats


def force_file() -> ForceFile:
    """The made-up force of these worlds: the study's window and definitions."""
    return ForceFile.model_validate(
        {
            "code": "world",
            "name": "World (simulated)",
            "kind": "synthetic",
            "time_zone": "UTC",
            "study": {"start": str(START.date()), "end": str(END.date())},
            "sources": {"persons": {"file": "p.csv"}, "incidents": {"file": "i.csv"}},
        }
    )


def simulate(world: World, rng: np.random.Generator) -> Tables:
    """Run one world, and write it down as an agency would.

    Examples
    --------
    >>> made = simulate(World(people=50, shape="gamma"), np.random.default_rng(1))
    >>> len(made.persons), bool(made.incidents["ended_at"].gt(made.incidents["reported_at"]).all())
    (50, True)
    """
    lives = _lives(world, rng)
    if world.shape == "study":
        numbers = study_numbers(world.people, rng)
        each = max(_DAYS_EACH, _PER_DAY_AWAY * world.mean_away)
        numbers = _fitting(numbers, (lives.until - lives.since) / each, rng)
        person, reported, away = _given_numbers(world, lives, numbers, rng)
    else:
        rates = _rates(world, lives, rng)
        person, reported, away = _histories(world, lives, np.arange(world.people), rates, rng)
    return _tables(lives, person, reported, away)


def study_numbers(people: int, rng: np.random.Generator) -> Ints:
    """Incidents of each child, distributed as the study's; at random order.

    The 125 with ten or more are spread over 10 to 140 by a fixed falling curve that sums to the
    study's 3,121; for another number of people children are drawn from the study's.
    """
    few = np.repeat(np.arange(1, len(STUDY_FEW) + 1), STUDY_FEW)
    level = (np.arange(STUDY_MANY) + 0.5) / STUDY_MANY
    curve = 10 + (STUDY_MOST - 10) * level**7.7
    # Rounding carries over, so that the sum is the study's.
    ends = np.round(np.cumsum(curve * STUDY_OF_MANY / curve.sum()))
    many = np.diff(ends, prepend=0.0)
    numbers = np.concatenate([few, many]).astype(np.int64)
    if people != len(numbers):
        return rng.choice(numbers, people)
    return rng.permutation(numbers)


def _lives(world: World, rng: np.random.Generator) -> _Lives:
    n = world.people
    since = np.where(rng.random(n) < 0.7, 0, rng.integers(0, DAYS - 2 * _SHORTEST, n))
    age = rng.uniform(8, 18 - 2 * _SHORTEST / _YEAR, n)
    born = since - np.ceil(age * _YEAR).astype(np.int64)
    until = np.minimum(born + int(_OF_AGE), DAYS)
    left = since + _SHORTEST + (rng.random(n) * (until - since - _SHORTEST)).astype(np.int64)
    until = np.where(rng.random(n) < 0.1, left, until)
    care = _care(world, since, until, rng)
    rate = _rate(world, born, since, until, care)
    hazard = np.concatenate([np.zeros((n, 1)), np.cumsum(rate, axis=1)], axis=1)
    return _Lives(born, since, until, care, rate, hazard)


def _care(world: World, since: Ints, until: Ints, rng: np.random.Generator) -> pd.DataFrame:
    """One or two spells in care of some people; both may reach over the ends of the window."""
    who = np.flatnonzero(rng.random(len(since)) < world.share_in_care)
    span = (until - since)[who]
    start = since[who] - 200 + (rng.random(len(who)) * (span + 200)).astype(np.int64)
    stop = start + 30 + rng.exponential(400, len(who)).astype(np.int64)
    again = rng.random(len(who)) < 0.4
    later = stop + 30 + rng.exponential(200, len(who)).astype(np.int64)
    end = later + 30 + rng.exponential(300, len(who)).astype(np.int64)
    first = pd.DataFrame({"person": who, "start": start, "stop": stop})
    second = pd.DataFrame({"person": who, "start": later, "stop": end})[again]
    both = pd.concat([first, second], ignore_index=True)
    return both[both["start"] < until[both["person"]]].reset_index(drop=True)


def _rate(world: World, born: Ints, since: Ints, until: Ints, care: pd.DataFrame) -> Floats:
    day = np.arange(DAYS)
    wave = np.exp(world.season * np.sin(2 * np.pi * (day + 30) / _YEAR))
    wave = wave * np.where(day >= _ERA_CHANGE, world.era, 1.0)
    rate = np.broadcast_to(wave, (len(born), DAYS)).copy()
    if world.age:
        years = (day[None, :] - born[:, None]) / _YEAR
        rate *= np.interp(years, [8.0, 15.0, 17.0, 18.0], [0.1, 1.0, 1.0, 0.9])
    for spell in care.itertuples():
        rate[spell.person, max(spell.start, 0) : max(spell.stop, 0)] *= world.in_care
    rate *= (day[None, :] >= since[:, None]) & (day[None, :] < until[:, None])
    return rate


def _rates(world: World, lives: _Lives, rng: np.random.Generator) -> Floats:
    """Everybody's factor of the rate, scaled so that ``mean`` incidents come about."""
    n = world.people
    if world.shape == "gamma":
        drawn = rng.gamma(0.4, 1.0, n)
    elif world.shape == "two-point":
        drawn = np.where(rng.random(n) < 0.1, 20.0, 1.0)
    elif world.shape == "heavy tail":
        drawn = np.exp(rng.normal(0.0, 1.6, n))
    else:
        drawn = np.ones(n)
    # Nobody more often than every other day: the tail would be all there is.
    total = lives.hazard[:, -1]
    scale = world.mean * n / (drawn * total).sum()
    return np.minimum(drawn * scale, 0.5 * (lives.until - lives.since) / total)


def _fitting(numbers: Ints, room: Floats, rng: np.random.Generator) -> Ints:
    """Hand out the numbers, largest first, each to somebody whose window has room for it."""
    out = np.zeros(len(numbers), dtype=np.int64)
    free = rng.permutation(len(numbers))
    for number in np.sort(numbers)[::-1]:
        enough = room[free] >= number
        place = int(np.argmax(enough if enough.any() else room[free]))
        out[free[place]] = number
        free = np.delete(free, place)
    return out


def _given_numbers(
    world: World, lives: _Lives, numbers: Ints, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats]:
    """Histories given each person's number, by drawing until the number comes out."""
    days = (lives.until - lives.since).astype(float)
    often = 1 - np.exp(-numbers * world.boost_days / days)
    here = np.maximum(1 - numbers * world.mean_away / days, 0.2)
    rates = numbers / lives.hazard[:, -1] / (1 + (world.boost - 1) * often) / here
    waiting = np.arange(world.people)
    found: list[tuple[Ints, Floats, Floats]] = []
    for _ in range(_ROUNDS):
        people = np.repeat(waiting, _TRIES)
        row, reported, away = _histories(world, lives, people, rates[people], rng)
        right = np.bincount(row, minlength=len(people)) == numbers[people]
        right = right.reshape(-1, _TRIES)
        chosen = np.arange(len(waiting)) * _TRIES + np.argmax(right, axis=1)
        chosen = chosen[right.any(axis=1)]
        kept = np.isin(row, chosen)
        found.append((people[row[kept]], reported[kept], away[kept]))
        waiting = waiting[~right.any(axis=1)]
        if not len(waiting):
            person, when, gone = (np.concatenate(parts) for parts in zip(*found, strict=True))
            return person, when, gone
    raise RuntimeError(f"no history with the given number for {len(waiting)} people")


def _histories(
    world: World, lives: _Lives, people: Ints, rates: Floats, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats]:
    """Run everybody forward, one incident of all at a time.

    Returns
    -------
    row, reported, away : ndarray
        Position in ``people``, day of the report, and days until the return.
    """
    total = lives.hazard[:, -1]
    span = 2.0 * float(total.max()) + 1.0
    axis = (lives.hazard + span * np.arange(len(total))[:, None]).ravel()
    grid = np.tile(np.arange(DAYS + 1.0), len(total))
    row = np.arange(len(people))
    now, until_boost = lives.since[people].astype(float), np.full(len(people), -1.0)
    out: list[tuple[Ints, Floats, Floats]] = []
    while len(row):
        who = people[row]
        need = rng.exponential(1.0, len(row)) / rates[row]
        at = _hazard_at(lives, who, now)
        raised = np.maximum(_hazard_at(lives, who, np.maximum(until_boost, now)) - at, 0.0)
        soon = need < world.boost * raised
        target = at + np.where(soon, need / world.boost, need - (world.boost - 1) * raised)
        going = target < total[who]
        row, who, target = row[going], who[going], target[going]
        reported = np.interp(target + span * who, axis, grid)
        away = np.exp(rng.normal(np.log(world.away), world.away_sigma, len(row)))
        out.append((row, reported, away))
        now = np.minimum(reported + away, float(DAYS))
        until_boost = np.minimum(now + world.boost_days, float(DAYS))
    row, reported, away = (np.concatenate(parts) for parts in zip(*out, strict=True))
    return row, reported, away


def _hazard_at(lives: _Lives, who: Ints, day: Floats) -> Floats:
    whole = np.minimum(day.astype(np.int64), DAYS - 1)
    return np.asarray(lives.hazard[who, whole] + (day - whole) * lives.rate[who, whole])


def _tables(lives: _Lives, person: Ints, reported: Floats, away: Floats) -> Tables:
    n = len(lives.born)
    ids = np.array([f"P{k:06d}" for k in range(n)])
    persons = pd.DataFrame(
        {
            "person_id": ids,
            "birth_date": _date(lives.born),
            "observed_from": _date(lives.since),
            "observed_to": _date(lives.until - 1),
        }
    )
    order = np.lexsort((reported, person))
    person, reported, away = person[order], reported[order], away[order]
    begun = pd.Series(pd.Timestamp(START, tz="UTC") + pd.to_timedelta(reported, unit="D"))
    incidents = pd.DataFrame(
        {
            "incident_id": [f"I{k:06d}" for k in range(len(person))],
            "person_id": ids[person],
            "reported_at": begun,
            "ended_at": begun + pd.to_timedelta(away, unit="D"),
            "category": "missing",
        }
    )
    markers = pd.DataFrame(
        {
            "person_id": ids[lives.care["person"]],
            "marker": "local_authority_care",
            "known_from": _date(lives.care["start"].to_numpy()),
            "known_to": _date(lives.care["stop"].to_numpy()),
            "agency": "social_care",
        }
    )
    return Tables(
        persons=conform(persons, "persons"),
        incidents=conform(incidents, "incidents"),
        markers=conform(markers, "markers"),
        ties=empty("ties"),
        events=empty("events"),
    )


def _date(days: Ints) -> pd.Series:
    return pd.Series(START + pd.to_timedelta(days, unit="D"))
