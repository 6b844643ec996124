"""How much the five markers depend on choices that somebody else could have made: exploratory.

A specification is one value for every choice; all combinations are stated here, before any data
are seen, and every one is shown (Simonsohn, Simmons and Nelson 2020, Specification curve
analysis, doi 10.1038/s41562-020-0912-z).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from missing_lib.study import network
from missing_lib.study.cohort import ERA_CHANGE, Cohort, arranged
from missing_lib.study.detection import police_contacts
from missing_lib.study.frame import Frame, between, known_before, within
from missing_lib.study.placements import SAME_PLACEMENT
from missing_lib.study.predictors import (
    compare,
    ever_missing,
    ever_missing_by_time_at_risk,
)
from missing_lib.study.regression import Fit

#: Outcomes, in words: what counts, and the scale of the ratio.
OUTCOMES = {
    "ever": "ever missing (odds)",
    "year": "missing within a year (odds)",
    "rate": "first report by days at risk (hazard)",
    "first era": f"first report to {ERA_CHANGE.year - 1} (hazard)",
    "second era": f"first report from {ERA_CHANGE.year} on (hazard)",
}
#: What the markers are compared given, beside each other, sex and age.
GIVEN: dict[str, tuple[str, ...]] = {
    "": (),
    "connections": ("connections",),
    "earlier contacts with the police": ("contacts",),
    "all on record": ("connections", "contacts", "ethnicity", "placement"),
}
#: Those of them that the grid crosses with every other choice.
CROSSED = ("", "connections", "all on record")


@dataclass(frozen=True)
class Specification:
    """One way of asking; the defaults are those of the primary model.

    Attributes
    ----------
    outcome : str
        Key of :data:`OUTCOMES`.
    low_risk : bool
        Whether incidents of the lowest category (absent, no apparent risk) count.
    in_force : bool
        Whether a marker counts only while it holds at the landmark.
    given : str
        Key of :data:`GIVEN`.
    """

    outcome: str = "ever"
    low_risk: bool = True
    in_force: bool = False
    given: str = ""

    @property
    def words(self) -> str:
        """What counts, and where else it differs from the primary model."""
        return "; ".join([OUTCOMES[self.outcome], *self._changes])

    @property
    def change(self) -> str:
        """Where it differs from the primary model, and no more."""
        own = [] if self.outcome == PRIMARY.outcome else [OUTCOMES[self.outcome]]
        return "; ".join([*own, *self._changes])

    @property
    def _changes(self) -> list[str]:
        parts = [
            "" if self.low_risk else "without the lowest category",
            "markers in force" if self.in_force else "",
            f"given {self.given}" if self.given else "",
        ]
        return [part for part in parts if part]


PRIMARY = Specification()


def specifications(cohort: Cohort) -> list[Specification]:
    """All combinations of choices that this force's data allow, the primary one first."""
    eras = cohort.start < ERA_CHANGE <= cohort.end
    outcomes = [name for name in OUTCOMES if eras or "era" not in name]
    lowest = [True, False] if _lowest(cohort).any() else [True]
    given = [name for name in CROSSED if name != "connections" or _ties(cohort)]
    grid = itertools.product(outcomes, lowest, [False, True], given)
    return [Specification(*values) for values in grid]


def one_change(cohort: Cohort) -> list[Specification]:
    """Specifications that differ from the primary one in a single choice, as far as they can."""
    chosen = [Specification(outcome="rate"), Specification(outcome="year")]
    if _lowest(cohort).any():
        chosen.append(Specification(low_risk=False))
    chosen.append(Specification(in_force=True))
    if _ties(cohort):
        chosen.append(Specification(given="connections"))
    if not police_contacts(cohort).empty:
        chosen.append(Specification(given="earlier contacts with the police"))
    return chosen


def curve(
    cohort: Cohort, markers: list[str], chosen: list[Specification] | None = None
) -> pd.DataFrame:
    """The markers' ratios under each specification.

    Parameters
    ----------
    cohort : Cohort
    markers : list of str
    chosen : list of Specification, optional
        Named by their change; all of :func:`specifications`, named in full, if not given.

    Returns
    -------
    DataFrame
        Columns of :func:`.predictors.compare`; ``model`` is the specification in words.
    """
    if chosen is None:
        fits = fits_of(cohort, specifications(cohort))
        return compare({spec.words: fit for spec, fit in fits.items()}, markers)
    return compare({one.change: fit for one, fit in fits_of(cohort, chosen).items()}, markers)


def fits_of(cohort: Cohort, chosen: list[Specification]) -> dict[Specification, Fit]:
    """One model for each specification."""
    cohorts = {True: cohort, False: without_lowest(cohort)}
    frames = {
        (low_risk, in_force): known_before(cohorts[low_risk], in_force)
        for low_risk, in_force in {(one.low_risk, one.in_force) for one in chosen}
    }
    about = {name: _columns(cohort, name) for name in GIVEN["all on record"]}
    return {
        one: _fit(one, cohorts[one.low_risk], frames[one.low_risk, one.in_force], about)
        for one in chosen
    }


def without_lowest(cohort: Cohort) -> Cohort:
    """The cohort without the incidents that were graded absent or no apparent risk."""
    return replace(cohort, incidents=arranged(cohort.incidents[~_lowest(cohort)]))


def further_terms(cohort: Cohort, frame: Frame, names: tuple[str, ...]) -> pd.DataFrame:
    """Terms beside markers, sex and age, all as they stood at the landmark.

    Parameters
    ----------
    cohort : Cohort
    frame : Frame
    names : tuple of str
        Of ``connections`` and ``contacts`` with the police (log2 of one plus their number),
        ``ethnicity`` (other than white, and not stated, against white) and ``placement`` (1
        where a tie to somebody in the same placement is on record).

    Returns
    -------
    DataFrame of float
        Rows of ``frame.people``.
    """
    return _terms(frame, {name: _columns(cohort, name) for name in names})


def spread(curve: pd.DataFrame) -> pd.DataFrame:
    """What the specifications say together, from the published curve alone.

    Returns
    -------
    DataFrame
        ``term``, ``specifications`` (with an estimate), ``above`` (estimate above one),
        ``clear`` (whole interval above one), ``lowest``, ``middle`` and ``highest`` estimate.
    """
    known = curve.dropna(subset=["estimate"])
    rows = [
        (
            term,
            len(part),
            int((part["estimate"] > 1).sum()),
            int((part["lower"] > 1).sum()),
            *(float(part["estimate"].quantile(q, interpolation="lower")) for q in (0, 0.5, 1)),
        )
        for term, part in known.groupby("term", sort=False)
    ]
    columns = ["term", "specifications", "above", "clear", "lowest", "middle", "highest"]
    return pd.DataFrame(rows, columns=columns)


def _lowest(cohort: Cohort) -> pd.Series:
    return cohort.incidents["category"].astype(object) == "no_apparent_risk"


def _ties(cohort: Cohort) -> bool:
    return not network.ties_before(cohort).empty


def _fit(
    one: Specification, cohort: Cohort, frame: Frame, about: Mapping[str, pd.DataFrame | None]
) -> Fit:
    frame = _window(one.outcome, cohort, frame)
    further = _terms(frame, {name: about[name] for name in GIVEN[one.given]})
    odds = one.outcome in ("ever", "year")
    return (ever_missing if odds else ever_missing_by_time_at_risk)(frame, further)


def _window(outcome: str, cohort: Cohort, frame: Frame) -> Frame:
    day = pd.Timedelta(days=1)
    if outcome == "year":
        return within(cohort, frame)
    if outcome == "first era":
        return between(cohort, frame, cohort.start, ERA_CHANGE - day)
    if outcome == "second era":
        return between(cohort, frame, ERA_CHANGE, cohort.end)
    return frame


def _columns(cohort: Cohort, name: str) -> pd.DataFrame | None:
    """What is known of each person, by ``person_id``; None where it stands in the frame."""
    if name == "ethnicity":
        return None
    if name == "contacts":
        return _doublings(police_contacts(cohort), name)
    if name == "connections":
        return _doublings(network.connections(network.ties_before(cohort)), name)
    number = network.connections(network.ties_before(cohort, only=(SAME_PLACEMENT,)))
    return (number > 0).astype(float).to_frame("shared_placement")


def _doublings(number: pd.Series, name: str) -> pd.DataFrame:
    return np.log2(1 + number.astype(float)).to_frame(name)


def _terms(frame: Frame, about: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    who, stated = pd.Index(frame.people["person_id"]), frame.people["ethnicity"]
    parts = [pd.DataFrame(index=frame.people.index)]
    for columns in about.values():
        if columns is None:
            other = (stated.notna() & (stated != "white")).astype(float)
            unknown = stated.isna().astype(float)
            parts.append(pd.DataFrame({"ethnicity_other": other, "ethnicity_unknown": unknown}))
        else:
            parts.append(columns.reindex(who).fillna(0.0).set_axis(frame.people.index))
    return pd.concat(parts, axis=1)
