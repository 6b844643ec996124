"""Curves and their robust errors at every step: against lifelines, and sums written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from numpy.testing import assert_allclose

from missing_lib.study import survival
from missing_lib.study.curve_variance import summed_squares

#: Two orders of summation of a few dozen doubles.
CLOSE = 1e-11
SEEDS = range(12)


def spells(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times with ties, entries, events and clusters; whole days for even seeds."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    time = rng.integers(1, 15, n) / (1 if seed % 2 == 0 else 8)
    start = np.maximum(time - rng.integers(0, 9, n), rng.choice([0.0, -np.inf], n))
    # Rows that end as they begin are censored: an event there would be refused.
    event = (rng.random(n) < 0.6) & (start < time)
    return time, event, start, rng.integers(0, 1 + n // 3, n)


def written_out(
    time: np.ndarray, event: np.ndarray, start: np.ndarray, who: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows at risk, survival and clustered error at each step, one row and step at a time."""
    steps = np.unique(time)
    moved = np.zeros((len(time), len(steps)))
    at_risk, curve = [], []
    for k, step in enumerate(steps):
        there = (start < step) & (step <= time)
        now = event & (time == step)
        at_risk.append(there.sum())
        curve.append((curve[-1] if curve else 1.0) * (1 - now.sum() / max(at_risk[-1], 1)))
        if k:
            moved[:, k] = moved[:, k - 1]
        if there.sum() > now.sum():
            moved[:, k] += (now - there * now.sum() / there.sum()) / (there.sum() - now.sum())
    squares = (pd.DataFrame(moved).groupby(who).sum() ** 2).sum().to_numpy()
    return np.array(at_risk), np.array(curve), np.array(curve) * np.sqrt(squares)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("delayed", [False, True])
def test_every_step_of_a_clustered_curve_is_the_sum_written_out(seed: int, delayed: bool) -> None:
    time, event, start, who = spells(seed)
    start = start if delayed else np.full(len(time), -np.inf)
    curve = survival.kaplan_meier(time, event, entry=start if delayed else None, cluster=who)
    used = event | (time > start)
    at_risk, expected, se = written_out(time[used], event[used], start[used], who[used])
    np.testing.assert_array_equal(curve["at_risk"], at_risk)
    assert_allclose(curve["survival"], expected, rtol=CLOSE, atol=1e-15)
    assert_allclose(curve["se"], se, rtol=CLOSE, atol=1e-9)
    at = [0.0, 0.6, 3.0, 7.5, 99.0]
    read = survival.kaplan_meier(time, event, entry=start if delayed else None, cluster=who, at=at)
    place = curve["time"].searchsorted(at, side="right")
    assert_allclose(read["se"], np.append(0.0, curve["se"])[place], rtol=CLOSE)
    np.testing.assert_array_equal(
        read["at_risk"], [((start < t) & (t <= time))[used].sum() for t in at]
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("delayed", [False, True])
def test_the_curve_is_that_of_lifelines(seed: int, delayed: bool) -> None:
    time, event, start, _ = spells(seed)
    entry = np.minimum(np.where(np.isfinite(start), start, 0.0), time - 0.01) if delayed else None
    curve = survival.kaplan_meier(time, event, entry=entry)
    fitter = KaplanMeierFitter().fit(time, event, entry=entry)
    assert_allclose(curve["survival"], fitter.predict(curve["time"]), rtol=CLOSE, atol=1e-15)


@pytest.mark.parametrize("seed", SEEDS)
def test_whole_days_are_counted_as_they_would_be_sorted(seed: int) -> None:
    time, event, _, who = spells(2 * seed)
    whole = survival.kaplan_meier(time, event, cluster=who)
    halves = survival.kaplan_meier(time / 2, event, cluster=who)
    pd.testing.assert_frame_equal(whole, halves.assign(time=halves["time"] * 2))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_of_a_mean_number_is_the_sum_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = pd.Series(rng.integers(0, 12, 1 + seed).astype(float))
    who = rng.integers(0, len(lengths), 3 * seed)
    when = rng.integers(0, 12, len(who)).astype(float)
    curve = survival.mean_cumulative(when, who, lengths)
    seen = when <= lengths.to_numpy()[who]
    who, when, ends = who[seen], when[seen], lengths.to_numpy()
    moved, squares = np.zeros(len(ends)), []
    for step in np.unique(when):
        there = ends >= step
        own = np.bincount(who[when == step], minlength=len(ends))
        moved = moved + (own - there * own.sum() / there.sum()) / there.sum()
        squares.append((moved**2).sum())
    assert_allclose(curve["se"], np.sqrt(squares), rtol=CLOSE, atol=1e-8)


def test_rounding_stays_small_where_late_rows_weigh_a_million_times_more() -> None:
    rng = np.random.default_rng(3)
    n = 200_000
    time = np.ceil(rng.exponential(100, n))
    event = rng.random(n) < 0.9
    curve = survival.kaplan_meier(time, event, cluster=np.arange(n))
    plain = survival.kaplan_meier(time, event)
    # with one row a cluster both variances are Greenwood's
    assert_allclose(curve["se"], plain["se"], rtol=1e-8)


def test_nothing_that_changes_leaves_what_was_held() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    squares = summed_squares(
        nothing, nothing, np.zeros(0), np.zeros(0), np.array([2.0, 1.0]), np.array([1.0, 3.0])
    )
    assert squares.tolist() == [5.0, 45.0]


def test_nobody_has_an_empty_curve() -> None:
    assert survival.kaplan_meier([], [], cluster=[]).empty
    assert survival.nelson_aalen([], []).empty
    assert survival.mean_cumulative([], [], pd.Series(dtype=float)).empty


def test_an_event_no_later_than_its_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rows have an event no later than their entry"):
        survival.kaplan_meier([5, 5, 7], [1, 1, 1], entry=[0, 5, 8])
    curve = survival.kaplan_meier([5, 5, 7], [1, 0, 1], entry=[0, 5, 6])
    assert curve["at_risk"].tolist() == [1, 1]
    assert curve["survival"].tolist() == [0, 0]


@pytest.mark.parametrize("clustered", [False, True])
def test_rows_with_a_missing_time_are_left_out(clustered: bool) -> None:
    who = np.array([1, 1, 2, 3, 3])
    time, event = np.array([1, np.nan, 2, np.nan, 3]), np.array([True, True, False, False, True])
    entry = np.array([0, 0, np.nan, 0, 0])
    known = ~np.isnan(time)

    def curve(rows: np.ndarray, entered: bool) -> pd.DataFrame:
        return survival.kaplan_meier(
            time[rows], event[rows], entry=entry[rows] if entered else None,
            cluster=who[rows] if clustered else None,
        )  # fmt: skip

    everybody = np.ones(5, dtype=bool)
    pd.testing.assert_frame_equal(curve(everybody, False), curve(known, False))
    pd.testing.assert_frame_equal(curve(everybody, True), curve(known & ~np.isnan(entry), True))
    pd.testing.assert_frame_equal(
        survival.nelson_aalen(time, event), survival.nelson_aalen(time[known], event[known])
    )


def test_arguments_of_unlike_lengths_are_refused() -> None:
    for more in ({}, {"entry": [0.0]}, {"cluster": ["a"]}):
        with pytest.raises(ValueError, match="rows and durations"):
            survival.kaplan_meier([1, 2], [1, 1] if more else [1], **more)
    with pytest.raises(ValueError, match="observed has 1 rows"):
        survival.nelson_aalen([1, 2], [1])
