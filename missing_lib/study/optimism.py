"""How much better a forecast looks on the people it was made from than on new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from missing_lib.study.diagnosis import unusable
from missing_lib.study.newton import RUNS_AWAY, settled
from missing_lib.study.regression import FLAT
from missing_lib.study.validation import calibration, discrimination, scores

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Probabilities for the rows of a design.
Forecast = Callable[[pd.DataFrame], Floats]
#: Makes a forecast from outcomes and design; ValueError where it cannot.
Maker = Callable[[NDArray[np.bool_], pd.DataFrame], Forecast]
#: Measures by name, from outcomes and probabilities.
Measures = Callable[[NDArray[np.bool_], Floats], Mapping[str, float]]


@dataclass(frozen=True)
class Optimism:
    """Measures of a forecast, corrected for having been taken where it was made.

    Attributes
    ----------
    table : DataFrame
        One row a measure: ``measure``, ``apparent`` (on the people it was made from),
        ``optimism`` (mean over resamples of train - test), ``corrected`` (apparent -
        optimism) and ``resamples`` (that had the measure on both sides).
    train, test : DataFrame, shape (resamples, measures)
        Each resample's forecast on the resample itself, and on the people as they are; NaN
        where there is none.
    failed : int
        Resamples from which no forecast could be made. Leaving them out is itself a
        selection: say how many there were.
    """

    table: pd.DataFrame
    train: pd.DataFrame
    test: pd.DataFrame
    failed: int


def usual_measures(outcome: ArrayLike, forecast: ArrayLike) -> dict[str, float]:
    """AUC, Brier score, calibration slope and calibration in the large.

    Examples
    --------
    >>> list(usual_measures([0, 1, 0], [0.3, 0.4, 0.5]))
    ['auc', 'brier', 'slope', 'in_the_large']
    """
    level = calibration(outcome, forecast)
    return {
        "auc": discrimination(outcome, forecast).auc,
        "brier": scores(outcome, forecast).brier,
        "slope": level.slope,
        "in_the_large": level.in_the_large,
    }


def optimism(
    outcome: ArrayLike,
    design: pd.DataFrame,
    make: Maker,
    resamples: Iterable[ArrayLike],
    measures: Measures = usual_measures,
) -> Optimism:
    """Optimism of a forecast by the bootstrap.

    The forecast is made anew from each resample, by every step that was taken the first time
    (choice of terms included: put it into ``make``), and measured there and on the people as
    they are; the mean difference is how much the apparent measure flatters.

    Parameters
    ----------
    outcome : array_like of bool, shape (n,)
    design : DataFrame, shape (n, k)
        With nothing missing.
    make : callable
        ``make(outcome, design)`` returns a function from a design to probabilities.
    resamples : iterable of array_like of int
        Positions of the rows drawn, as from :func:`resample`.
    measures : callable
        ``measures(outcome, probabilities)`` returns numbers by name.

    Returns
    -------
    Optimism

    Raises
    ------
    ValueError
        If no forecast can be made from the people as they are.

    References
    ----------
    Harrell, Lee and Mark 1996, Statistics in Medicine 15, 361-387; Efron and Gong 1983,
    doi 10.1080/00031305.1983.10483087.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> design = pd.DataFrame({"x": rng.normal(size=80)})
    >>> outcome = rng.random(80) < 0.5
    >>> found = optimism(outcome, design, logistic_forecast, resample(80, 20, rng))
    >>> found.table["measure"].tolist(), bool(found.table["optimism"][0] > 0)
    (['auc', 'brier', 'slope', 'in_the_large'], True)
    """
    y = np.asarray(outcome, dtype=bool)

    apparent = measures(y, make(y, design)(design))
    train, test, failed = [], [], 0
    for drawn in resamples:
        rows = np.asarray(drawn)
        had, those = y[rows], design.iloc[rows]
        try:
            forecast = make(had, those)
        except ValueError:
            failed += 1
            continue
        train.append(measures(had, forecast(those)))
        test.append(measures(y, forecast(design)))
    names = list(apparent)
    train_table = pd.DataFrame(train, columns=names, dtype=float)
    test_table = pd.DataFrame(test, columns=names, dtype=float)
    differences = train_table - test_table
    flattered = differences.mean().to_numpy()
    table = pd.DataFrame(
        {
            "measure": names,
            "apparent": list(apparent.values()),
            "optimism": flattered,
            "corrected": np.array(list(apparent.values())) - flattered,
            "resamples": differences.notna().sum().to_numpy(),
        }
    )
    return Optimism(table, train_table, test_table, failed)


def resample(
    rows: int, draws: int, rng: np.random.Generator, cluster: ArrayLike | None = None
) -> list[Ints]:
    """Rows drawn with replacement, or clusters drawn whole.

    Parameters
    ----------
    rows, draws : int
        Number of rows, and of resamples.
    rng : Generator
    cluster : array_like, shape (rows,), optional
        Rows of one person belong together: a person drawn twice brings all rows twice.

    Returns
    -------
    list of ndarray of int
        Positions; of differing lengths with clusters.

    References
    ----------
    Davison and Hinkley 1997, Bootstrap Methods and their Application, section 3.8.

    Examples
    --------
    >>> drawn = resample(4, 1, np.random.default_rng(3), cluster=["a", "a", "b", "c"])[0]
    >>> bool(np.sum(drawn == 0) == np.sum(drawn == 1))
    True
    """
    if cluster is None:
        return [rng.integers(0, rows, rows) for _ in range(draws)]
    codes, names = pd.factorize(np.asarray(cluster))
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
    return [
        np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])
        for _ in range(draws)
    ]


def logistic_forecast(outcome: NDArray[np.bool_], design: pd.DataFrame) -> Forecast:
    """Probabilities of a logistic regression by maximum likelihood.

    A term that the outcomes at hand cannot estimate (the same for everybody, or everybody with
    it has the outcome) is left out of the forecast, as :func:`regression.logistic` leaves it
    out of the model.

    Parameters
    ----------
    outcome : ndarray of bool, shape (n,)
    design : DataFrame, shape (n, k)
        Terms without intercept.

    Raises
    ------
    ValueError
        If the model cannot be fitted; the message says why.

    Examples
    --------
    >>> had = np.tile([True, False, False, True, False], 20)
    >>> forecast = logistic_forecast(had, pd.DataFrame({"x": np.tile([0, 0, 0, 1, 1], 20)}))
    >>> forecast(pd.DataFrame({"x": [0, 1]})).round(3).tolist()
    [0.333, 0.5]
    """
    had = np.asarray(outcome, dtype=bool)
    if had.all() or not had.any():
        raise ValueError("all or none have the outcome")
    without = unusable(design, had, binary=True)
    terms = [name for name in design.columns if name not in without]
    x = np.column_stack([np.ones(len(design)), design[terms].to_numpy(float)])
    b, se = settled(had, x)
    if (se * np.append(1.0, x[:, 1:].std(axis=0)) >= FLAT).any():
        raise ValueError(RUNS_AWAY)
    # a sum by row, so that people who are alike have the same forecast to the last digit
    return lambda rows: np.asarray(expit(b[0] + (rows[terms].to_numpy(float) * b[1:]).sum(axis=1)))
