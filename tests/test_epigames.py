"""The positive control: real contacts, in which transmission is known to happen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from missing_lib.study.controls import epigames
from tests.conftest import ROOT

FOLDER = ROOT / "data" / "epigames"
DRAWS = 200


@pytest.fixture(scope="module")
def game() -> epigames.Game:
    return epigames.read(FOLDER)


def test_the_game_is_that_of_the_files(game: epigames.Game) -> None:
    assert len(game.infected) == 594
    assert (game.infected > 0).sum() == 330
    assert game.last == 15
    pairs = set(zip(game.ego.tolist(), game.alter.tolist(), game.day.tolist(), strict=True))
    assert len(pairs) == len(game.ego)
    assert {(b, a, d) for a, b, d in pairs} == pairs


def by_loops(game: epigames.Game) -> list[tuple]:
    """Rows of a game, day by day."""
    rows = []
    for i, mine in enumerate(game.infected):
        for day in range(1, (mine or game.last) + 1):
            met = [
                (game.alter[k], game.weight[k])
                for k in range(len(game.ego))
                if game.ego[k] == i and game.day[k] == day
            ]
            risky = [w for j, w in met if 0 < game.infected[j] < day]
            rows.append((i, day, day == mine, len(risky) > 0, sum(risky), len(met)))
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_those_of_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = np.triu_indices(9, 1)
    met = [(x, y, d) for x, y in zip(a, b, strict=True) for d in range(1, 9) if rng.random() < 0.1]
    pairs = np.array([*met, *[(y, x, d) for x, y, d in met]])
    infected = np.where(rng.random(9) < 0.6, rng.integers(1, 7, 9), 0)
    infected[0] = 6
    game = epigames.Game(infected, *pairs.T, np.tile(rng.random(len(met)), 2))
    rows, want = epigames.person_days(game), np.array(by_loops(game), float)
    found = rows[["person", "day", "event", epigames.CONTACT]].to_numpy(float)
    np.testing.assert_array_equal(found, want[:, :4])
    np.testing.assert_allclose(rows[epigames.WEIGHT], np.log2(1 + want[:, 4]))
    np.testing.assert_allclose(rows[epigames.CONTACTS], np.log2(1 + want[:, 5]))


@pytest.mark.parametrize("term", [epigames.CONTACT, epigames.WEIGHT])
def test_transmission_is_found(game: epigames.Game, term: str) -> None:
    found = epigames.transmission(game, term)
    assert found.p < 0.001
    assert found.lower > 1


def test_shuffling_changes_days_alone(game: epigames.Game) -> None:
    other = epigames.shuffled(game, np.random.default_rng(1))
    assert sorted(other.infected) == sorted(game.infected)
    assert ((other.infected > 0) == (game.infected > 0)).all()
    assert (other.infected != game.infected).sum() > 200
    assert game.infected[0] == epigames.read(FOLDER).infected[0]


@pytest.mark.parametrize("term", [epigames.CONTACT, epigames.WEIGHT])
def test_the_test_holds_its_size_over_shuffled_days(game: epigames.Game, term: str) -> None:
    p = np.array([found.p for found in epigames.under_shuffling(game, 3, DRAWS, term)])
    assert np.isfinite(p).all()
    # Between the one in a thousand quantiles of a test of exactly one in twenty.
    low, high = binom.ppf([0.001, 0.999], DRAWS, 0.05)
    assert low <= (p < 0.05).sum() <= high


def test_comparing_with_those_never_infected_does_not(game: epigames.Game) -> None:
    """Who is ever infected meets others who are: shuffling days leaves that as it is."""
    p = np.array([one.p for one in epigames.under_shuffling(game, 3, 40, everybody=True)])
    assert (p < 0.05).sum() > 10


def test_nobody_infected_and_nobody_met(game: epigames.Game) -> None:
    nobody = replace(game, infected=np.zeros_like(game.infected))
    assert epigames.transmission(nobody).problem
    none = np.zeros(0, np.int64)
    alone = replace(game, ego=none, alter=none, day=none, weight=np.zeros(0))
    assert epigames.transmission(alone).problem
