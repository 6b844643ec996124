"""A positive control with real contacts: an epidemic game, in which infection passes by contact.

Participants carried a telephone that noted who was near whom, and a virus of the game passed
between telephones. A method that tests for transmission along ties must find it here; with the
days of infection shuffled among the infected there is none left to find, and it must hold its
size. Data and licence: ``data/epigames``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from missing_lib.study.cox import fit_cox

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOURS = 24
#: Terms of the model.
CONTACT = "contact_with_somebody_infected_before"
WEIGHT = "weight_of_contact_with_infected"
CONTACTS = "contacts_of_the_day"


@dataclass(frozen=True)
class Game:
    """Participants, the day of their infection, and contacts by day.

    Attributes
    ----------
    infected : ndarray of int, shape (participants,)
        Day of the first infection, from 1 on; 0 for those never infected.
    ego, alter : ndarray of int, shape (contacts,)
        Positions of the participants, both directions of each contact.
    day : ndarray of int, shape (contacts,)
        From 1 on; each pair once a day.
    weight : ndarray of float, shape (contacts,)
        How much contact the two had on the day.
    """

    infected: Ints
    ego: Ints
    alter: Ints
    day: Ints
    weight: Floats

    @property
    def last(self) -> int:
        """Last day on which anybody was infected."""
        return int(self.infected.max(initial=0))


@dataclass(frozen=True)
class Found:
    """What the test says of one assignment of days.

    Attributes
    ----------
    ratio, lower, upper : float
        Hazard ratio of a day with contact to somebody infected before, and 95 % bounds.
    p : float
        Two-sided; NaN where nothing is estimated.
    problem : str
    """

    ratio: float
    lower: float
    upper: float
    p: float
    problem: str = ""


def read(folder: Path) -> Game:
    """The game as ``people.csv`` and ``contacts.csv`` of a folder have it.

    Parameters
    ----------
    folder : Path
        ``data/epigames`` of the book.
    """
    people = pd.read_csv(folder / "people.csv")
    contacts = pd.read_csv(folder / "contacts.csv")
    position = pd.Index(people["person"])
    a, b = (position.get_indexer(contacts[end]) for end in ("person_a", "person_b"))
    both = pd.DataFrame(
        {
            "ego": np.concatenate([a, b]),
            "alter": np.concatenate([b, a]),
            "day": np.tile(contacts["hour"].to_numpy() // HOURS + 1, 2),
            "weight": np.tile(contacts["weight"].to_numpy(float), 2),
        }
    )
    both = both[both["ego"] != both["alter"]]
    daily = both.groupby(["ego", "alter", "day"], as_index=False)["weight"].sum()
    return Game(
        people["infected_day"].fillna(0).to_numpy(np.int64),
        daily["ego"].to_numpy(np.int64),
        daily["alter"].to_numpy(np.int64),
        daily["day"].to_numpy(np.int64),
        daily["weight"].to_numpy(float),
    )


def person_days(game: Game) -> pd.DataFrame:
    """One row for each participant and day until infection, or the last day of the game.

    Returns
    -------
    DataFrame
        ``person``, ``day``, ``event``; :data:`CONTACT` (whether that day saw contact with
        somebody infected on an earlier day), :data:`WEIGHT` (log2 of one plus the
        weight of such contact) and :data:`CONTACTS` (log2 of one plus all contacts of the day).
    """
    people, last = len(game.infected), game.last
    until = np.where(game.infected > 0, game.infected, last)
    person = np.repeat(np.arange(people), until)
    day = np.arange(len(person)) - np.repeat(np.cumsum(until) - until, until) + 1
    carried = game.infected[game.alter]
    passing = (carried > 0) & (carried < game.day)
    cell = game.ego * (last + 1) + np.minimum(game.day, last + 1) - 1
    kept = game.day <= last
    size = people * (last + 1)
    contacts = np.bincount(cell[kept], minlength=size)
    risky = np.bincount(cell[kept & passing], game.weight[kept & passing], minlength=size)
    own = person * (last + 1) + day - 1
    return pd.DataFrame(
        {
            "person": person,
            "day": day,
            "event": (day == until[person]) & (game.infected[person] > 0),
            CONTACT: (risky[own] > 0).astype(float),
            WEIGHT: np.log2(1 + risky[own]),
            CONTACTS: np.log2(1 + contacts[own]),
        }
    )


def transmission(game: Game, term: str = CONTACT, *, everybody: bool = False) -> Found:
    """Whether infection follows contact with the infected: a Cox regression by days.

    Parameters
    ----------
    game : Game
    term : str
        :data:`CONTACT` or :data:`WEIGHT`.
    everybody : bool
        Compare with those never infected too. Days shuffled among the infected leave these
        apart, and who is ever infected meets others who are: so that comparison finds an
        association that shuffling does not remove, and only the infected are compared unless
        it is asked for.

    Returns
    -------
    Found
    """
    rows = person_days(game)
    if not everybody:
        rows = rows[game.infected[rows["person"]] > 0]
    stop = rows["day"].to_numpy(float)
    fit = fit_cox(stop, rows["event"], rows[[term, CONTACTS]], start=stop - 1)
    if term not in fit.terms:
        nan = np.nan
        return Found(nan, nan, nan, nan, fit.problem or fit.reasons.get(term, "not estimated"))
    at = fit.terms.index(term)
    b, se = float(fit.coefficients[at]), float(fit.standard_errors[at])
    ratio, lower, upper = (float(np.exp(b + k * norm.ppf(0.975) * se)) for k in (0, -1, 1))
    return Found(ratio, lower, upper, float(2 * norm.sf(abs(b / se))))


def shuffled(game: Game, rng: np.random.Generator) -> Game:
    """The same game with the days of infection shuffled among the infected."""
    infected = game.infected.copy()
    ever = np.flatnonzero(infected)
    infected[ever] = rng.permutation(infected[ever])
    return Game(infected, game.ego, game.alter, game.day, game.weight)


def under_shuffling(
    game: Game, seed: int, draws: int, term: str = CONTACT, *, everybody: bool = False
) -> Iterator[Found]:
    """What :func:`transmission` says of shuffled games, one after another."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield transmission(shuffled(game, rng), term, everybody=everybody)
