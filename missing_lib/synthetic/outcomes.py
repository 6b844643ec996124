"""Who goes missing, how often and when: the part of the world that a new outcome seed changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_lib.synthetic import counts, monthly, people, times
from missing_lib.synthetic.clock import DAY, DAYS, NEVER, Clock
from missing_lib.synthetic.conditional import conditional_bernoulli
from missing_lib.synthetic.world import World

#: Children's and adults' histories (branching, delay and median spell of children: calibrated).
CHILD_RHYTHM = times.Rhythm(0.585, 8.78, 440.0, 1.62, 0.045)
ADULT_RHYTHM = times.Rhythm(0.35, 8.0, 540.0, 1.50, 0.060)
#: Only incidents of the last days of the study are still open at its end.
OPEN_DAYS = 10


@dataclass(frozen=True)
class Outcomes:
    """What happened.

    Attributes
    ----------
    child_incidents, adult_incidents : int array
        Number of incidents of each person of the world, by age at the report.
    incidents : DataFrame
        ``row`` (person), ``reported``, ``ended`` (minutes), ``time_known``, ``is_child``,
        in order of person and time.
    calibration : Calibration
        How the children's times were fitted to the monthly finding.
    """

    child_incidents: np.ndarray
    adult_incidents: np.ndarray
    incidents: pd.DataFrame
    calibration: monthly.Calibration


def generate(world: World, clock: Clock, seed: int) -> Outcomes:
    """Outcomes of a world: numbers by the stage models, then times given the numbers."""
    step = iter(np.random.default_rng([seed, 2, k]) for k in range(20))
    of_children = child_numbers(world, next(step))
    crossing = crossing_numbers(world, of_children, next(step))
    of_adults = crossing + adult_numbers(world, next(step))
    rows, calibration = _child_histories(world, of_children, clock, next(step), next(step))
    childhood = {int(row): h for row, h in zip(rows, calibration.histories, strict=True)}
    adulthood = _adult_histories(world, of_adults, childhood, clock, next(step))
    parts = [_incident_rows(childhood, True), _incident_rows(adulthood, False)]
    incidents = pd.concat(parts, ignore_index=True).sort_values(["row", "reported"])
    return Outcomes(of_children, of_adults, incidents.reset_index(drop=True), calibration)


def children_only(world: World, clock: Clock, seed: int) -> pd.DataFrame:
    """The children's incidents once more: numbers and times, not fitted to the monthly finding.

    Returns
    -------
    DataFrame
        As :attr:`Outcomes.incidents`.
    """
    numbers, times_of = (np.random.default_rng([seed, 2, k]) for k in (0, 3))
    of_children = child_numbers(world, numbers)
    rows = np.flatnonzero(of_children)
    start, stop = people.child_window(world.people.iloc[rows])
    windows = windows_of(world, rows, start, stop, clock)
    histories = {
        int(row): times.history(int(of_children[row]), window, CHILD_RHYTHM, clock, times_of)
        for row, window in zip(rows, windows, strict=True)
    }
    found = _incident_rows(histories, True).sort_values(["row", "reported"])
    return found.reset_index(drop=True)


def child_numbers(world: World, rng: np.random.Generator) -> np.ndarray:
    """Draw the number of child incidents of every person of the world."""
    pool = np.flatnonzero(world.is_child)
    level = counts.classes(counts.CHILD_STAGES, world.design.iloc[pool], rng)
    room = people.child_window_length(world.people.iloc[pool]) // counts.DAYS_PER_INCIDENT
    out = np.zeros(len(world.people), dtype=np.int64)
    out[pool] = counts.incidents_per_person(level, counts.CHILD_NUMBERS, room, rng)
    return out


def adult_numbers(world: World, rng: np.random.Generator) -> np.ndarray:
    """Draw the number of incidents of persons who are adults throughout."""
    pool = np.flatnonzero(~world.is_child)
    level = counts.classes(counts.ADULT_STAGES, world.design.iloc[pool], rng)
    room = people.adult_window_length(world.people.iloc[pool]) // counts.DAYS_PER_INCIDENT
    out = np.zeros(len(world.people), dtype=np.int64)
    out[pool] = counts.incidents_per_person(level, counts.ADULT_NUMBERS, room, rng)
    return out


def crossing_numbers(world: World, of_children: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the adult incidents of the children of the study who go missing again as adults."""
    window = people.adult_window_length(world.people)
    pool = np.flatnonzero((of_children > 0) & (window >= people.SHORTEST_WINDOW))
    log_incidents = pd.DataFrame({"log_incidents": np.log(of_children[pool])})
    chosen = conditional_bernoulli(counts.CROSSING.eta(log_incidents), counts.CROSSING.total, rng)
    pool = pool[chosen]
    numbers = np.repeat(list(counts.CROSSING_NUMBERS), list(counts.CROSSING_NUMBERS.values()))
    out = np.zeros(len(world.people), dtype=np.int64)
    out[pool] = counts.deal(numbers, window[pool] // counts.DAYS_PER_INCIDENT, rng)
    return out


def _child_histories(
    world: World,
    of_children: np.ndarray,
    clock: Clock,
    rng: np.random.Generator,
    chooser: np.random.Generator,
) -> tuple[np.ndarray, monthly.Calibration]:
    rows = np.flatnonzero(of_children)
    start, stop = people.child_window(world.people.iloc[rows])
    windows = windows_of(world, rows, start, stop, clock)

    def draw(k: int) -> times.History:
        return times.history(int(of_children[rows[k]]), windows[k], CHILD_RHYTHM, clock, rng)

    first = [draw(k) for k in range(len(rows))]
    return rows, monthly.calibrate(first, of_children[rows], draw, clock, chooser)


def _adult_histories(
    world: World,
    of_adults: np.ndarray,
    childhood: dict[int, times.History],
    clock: Clock,
    rng: np.random.Generator,
) -> dict[int, times.History]:
    """Histories of adults; a child who crosses starts after the last spell as a child."""
    rows = np.flatnonzero(of_adults)
    start, stop = people.adult_window(world.people.iloc[rows])
    for k, row in enumerate(rows):
        if int(row) in childhood:
            ended = clock.local_day(childhood[int(row)].ended[-1:])[0]
            start[k] = max(start[k], ended + 1)
    windows = windows_of(world, rows, start, stop, clock)
    return {
        int(row): times.history(int(of_adults[row]), window, ADULT_RHYTHM, clock, rng)
        for row, window in zip(rows, windows, strict=True)
    }


def windows_of(
    world: World, rows: np.ndarray, start: np.ndarray, stop: np.ndarray, clock: Clock
) -> list[times.Window]:
    """Windows of persons; who leaves the area has ended the last spell by then."""
    leaves = world.people["observed_to"].to_numpy()[rows]
    birth = world.people["birth"].to_numpy()[rows]
    last_days = int(clock.day_start[-1]) - OPEN_DAYS * DAY
    return [
        times.Window(
            start=int(a),
            stop=int(b),
            latest_end=int(clock.day_start[min(gone, DAYS)]),
            open_from=last_days if gone >= NEVER else NEVER * DAY,
            birth=int(born),
        )
        for a, b, gone, born in zip(start, stop, leaves, birth, strict=True)
    ]


def _incident_rows(histories: dict[int, times.History], is_child: bool) -> pd.DataFrame:
    sizes = [len(h.reported) for h in histories.values()]
    return pd.DataFrame(
        {
            "row": np.repeat(np.array(list(histories), dtype=np.int64), sizes),
            "reported": np.concatenate([h.reported for h in histories.values()]),
            "ended": np.concatenate([h.ended for h in histories.values()]),
            "time_known": np.concatenate([h.time_known for h in histories.values()]),
            "is_child": is_child,
        }
    )
