"""Small extracts in vocabularies of several made-up systems, for ``missing-book new``.

One small world of people and episodes, written down in the words and the shapes of different
systems. All values are artificial.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Rows = list[list[str]]


@dataclass(frozen=True)
class Episode:
    """One missing episode of a person."""

    number: int
    person: int
    report: dt.datetime
    end: dt.datetime


@dataclass(frozen=True)
class World:
    """People's births and their episodes, 2016 to 2018."""

    births: list[dt.date]
    episodes: list[Episode]


def world(seed: int = 7, people: int = 60, episodes: int = 400) -> World:
    """People born 2000 to 2006, and episodes of up to two days that do not overlap."""
    draw = random.Random(seed)
    births = [dt.date(2000, 1, 1) + dt.timedelta(days=draw.randrange(2500)) for _ in range(people)]
    made = []
    # One report in each slot of four days of a person: two episodes never overlap.
    slots = [(person, slot) for person in range(people) for slot in range(270)]
    for number, (person, slot) in enumerate(
        sorted(draw.sample(slots, episodes), key=lambda s: s[1])
    ):
        minutes = draw.randrange(1, 1440)
        report = dt.datetime(2016, 1, 1) + dt.timedelta(days=4 * slot, minutes=minutes)
        made.append(
            Episode(number, person, report, report + dt.timedelta(hours=draw.randrange(1, 48)))
        )
    return World(births, made)


def write(
    path: Path, header: list[str], rows: Rows, sign: str = ",", encoding: str = "utf-8"
) -> Path:
    """A delimited text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        sign.join(f'"{cell}"' if sign in cell else cell for cell in row) for row in [header, *rows]
    ]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def episode_rows(of: World, *cells: Callable[[Episode], str]) -> Rows:
    """One row per episode."""
    return [[cell(one) for cell in cells] for one in of.episodes]


def person_rows(of: World, *cells: Callable[[int, dt.date], str]) -> Rows:
    """One row per person."""
    return [[cell(n, birth) for cell in cells] for n, birth in enumerate(of.births)]
