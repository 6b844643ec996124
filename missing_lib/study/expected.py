"""Events of each person up to any moment, and those that a Cox regression expects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.asked import ask
from missing_lib.study.counting import DAY, CountingRows
from missing_lib.study.cox import fit_rows, prepare
from missing_lib.study.cox.residuals import baseline
from missing_lib.study.recurrent import ERA

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Expected:
    """Counting process and compensator of everybody, to be read at any time.

    Attributes
    ----------
    person : ndarray of int, shape (rows,)
        Ascending.
    start, stop : ndarray of float, shape (rows,)
        Days, ascending within a person.
    risk : ndarray of float, shape (rows,)
        exp(x b).
    stratum : ndarray of int, shape (rows,)
    total : ndarray of float, shape (rows + 1,)
        Events expected in all rows before each.
    events : ndarray of int, shape (events,)
        Person and time of each event on one axis, ascending.
    hazards : dict of int to (ndarray, ndarray)
        Times and cumulative baseline hazard of each stratum.
    problem : str
        Why nothing is fitted; empty where the model stands.
    """

    person: Ints
    start: Floats
    stop: Floats
    risk: Floats
    stratum: Ints
    total: Floats
    events: Ints
    hazards: dict[int, tuple[Floats, Floats]]
    problem: str = ""

    def between(self, person: Ints, begins: Floats, ends: Floats) -> tuple[Floats, Floats]:
        """Events of people in (begins, ends], and events expected.

        Parameters
        ----------
        person : ndarray of int, shape (n,)
        begins, ends : ndarray of float, shape (n,)
            Days since the study began.

        Returns
        -------
        seen, expected : ndarray, shape (n,)
        """
        upto = [np.searchsorted(self.events, _axis(person, t), "right") for t in (begins, ends)]
        due = [self._upto(person, at) for at in (begins, ends)]
        return (upto[1] - upto[0]).astype(float), due[1] - due[0]

    def _upto(self, person: Ints, at: Floats) -> Floats:
        """Events expected of everybody up to a moment of one person on the long axis."""
        if len(self.person) == 0:
            return np.zeros(len(person))
        row = np.searchsorted(_axis(self.person, self.start), _axis(person, at), "right") - 1
        held = np.maximum(row, 0)
        inside = (row >= 0) & (self.person[held] == person)
        until = np.minimum(at, self.stop[held])
        stratum, start = self.stratum[held], self.start[held]
        part = self.risk[held] * (self._hazard(stratum, until) - self._hazard(stratum, start))
        return np.asarray(np.where(inside, self.total[held] + part, self.total[row + 1]))

    def _hazard(self, stratum: Ints, at: Floats) -> Floats:
        out = np.zeros(len(at))
        for label, (times, values) in self.hazards.items():
            own = stratum == label
            out[own] = np.append(0.0, values)[np.searchsorted(times, at[own], "right")]
        return out


def expected_of(rows: CountingRows, terms: pd.DataFrame) -> Expected:
    """Events that an Andersen-Gill regression expects of each person in each stretch of time.

    The baseline is stratified by era, with Breslow's estimate, so that over everybody as many
    events are expected as were seen.

    Parameters
    ----------
    rows : CountingRows
        Sorted by person and time, with the era in ``values``.
    terms : DataFrame, shape (rows, k)
        Rows with a missing value are left out.

    References
    ----------
    Therneau, Grambsch and Fleming 1990, doi 10.1093/biomet/77.1.147.
    """
    asked = ask(rows, terms)
    if asked.problem:
        return _nothing(asked.problem)
    own = asked.rows
    stratum = own.values[ERA].to_numpy(np.int64)
    cox = prepare(own.stop, own.event, asked.terms, start=own.start, strata=stratum)
    fit = fit_rows(cox, ties="breslow")
    if not fit.terms:
        return _nothing(fit.problem or "no term is left")
    curve = baseline(cox, fit)
    hazards = {
        int(label): (part["time"].to_numpy(float), part["cumulative_hazard"].to_numpy(float))
        for label, part in curve.groupby("stratum")
    }
    risk = np.exp(asked.terms[list(fit.terms)].to_numpy(float) @ fit.coefficients)
    bare = Expected(
        own.person, own.start, own.stop, risk, stratum, np.zeros(1),
        _axis(own.person, own.stop)[own.event], hazards,
    )  # fmt: skip
    due = risk * (bare._hazard(stratum, own.stop) - bare._hazard(stratum, own.start))
    return Expected(
        bare.person, bare.start, bare.stop, risk, stratum, np.append(0.0, np.cumsum(due)),
        bare.events, hazards,
    )  # fmt: skip


#: Milliseconds longer than any study: 45 years.
_LONG = 2**14 * DAY


def _axis(person: Ints, days: Floats) -> Ints:
    """Persons behind one another, in milliseconds."""
    return person * _LONG + np.clip(np.rint(days * DAY).astype(np.int64), 0, _LONG - 1)


def _nothing(problem: str) -> Expected:
    none, no = np.zeros(0), np.zeros(0, np.int64)
    return Expected(no, none, none, none, no, np.zeros(1), no, {}, problem)
