"""What surrounds each person at the landmark? Connections, and who of them went missing before."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.cohort import Cohort
from missing_lib.study.frame import Frame
from missing_lib.study.nearness import Graph
from missing_lib.study.network import design_of, position
from missing_lib.study.regression import Fit, logistic

#: What is told of each person, in plain words, in the order of the table.
MEASURES = {
    "connections": "connections",
    "weighted": "connections, those from crowds counted in part",
    "missing_before": "connections reported missing before the landmark",
    "share_before": "share of connections reported missing before the landmark",
    "closeness": "closeness to all others reported missing in the study",
}


def reported_before(incidents: pd.DataFrame, cohort: Cohort) -> pd.Index:
    """People with a report before the landmark, the first day of the study.

    Parameters
    ----------
    incidents : DataFrame
        Canonical incidents of any date, such as ``Tables.incidents``.
    cohort : Cohort
    """
    local = incidents["reported_at"].dt.tz_convert(cohort.time_zone).dt.tz_localize(None)
    return pd.Index(incidents.loc[local < cohort.start, "person_id"].unique())


def missing_alters(network: Graph, before: ArrayLike) -> NDArray[np.float64]:
    """Number of everybody's connections who went missing before; oneself never counts.

    Parameters
    ----------
    network : Graph
    before : array_like of bool, shape (n,)
        Who went missing before the landmark, in the order of ``network.names``.

    Returns
    -------
    array of float, shape (n,)
    """
    return np.asarray(network.neighbours @ np.asarray(before, float), float)


def about(
    frame: Frame,
    network: Graph,
    weighted: pd.Series,
    before: pd.Index,
    steps: NDArray[np.float64],
    closeness: NDArray[np.float64],
) -> pd.DataFrame:
    """Everything that is told of each person's place in the network.

    Parameters
    ----------
    frame : Frame
    network : Graph
        With everybody of the frame.
    weighted : Series
        From :func:`.crowds.weighted_connections`.
    before : Index
        From :func:`reported_before`.
    steps, closeness : array, shape (n,)
        From :func:`.nearness.nearest_other` and :func:`.nearness.harmonic_closeness`.

    Returns
    -------
    DataFrame
        Rows of ``frame.people``: ``person_id``, ``connections``, ``weighted``,
        ``missing_before`` and ``share_before`` (number and share of connections who went missing
        before the landmark; the share is NaN without a connection), ``own_before`` (bool, the
        person's own report before it), ``steps`` (inf where nobody is in reach), ``closeness``.
    """
    at, person = position(frame, network), frame.people["person_id"]
    number = network.degree[at]
    earlier = missing_alters(network, network.names.isin(before))[at]
    with np.errstate(invalid="ignore"):
        share = np.where(number > 0, earlier / number, np.nan)
    return pd.DataFrame(
        {
            "person_id": person,
            "connections": number,
            "weighted": person.map(weighted).fillna(0.0).to_numpy(float),
            "missing_before": earlier,
            "share_before": share,
            "own_before": person.isin(before).to_numpy(bool),
            "steps": steps[at],
            "closeness": closeness[at],
        }
    )


def compared(table: pd.DataFrame, ever: ArrayLike) -> pd.DataFrame:
    """Means over people with a connection, by whether they went missing in the study.

    Parameters
    ----------
    table : DataFrame
        From :func:`about`.
    ever : array_like of bool, shape (people,)

    Returns
    -------
    DataFrame
        ``measure`` (plain words), ``ever``, ``never`` and ``people`` (on either side those for
        whom it is above nought; the fewer of the two).
    """
    went, tied = np.asarray(ever, bool), (table["connections"] > 0).to_numpy()
    rows = []
    for name, words in MEASURES.items():
        value = table[name].to_numpy(float)
        sides = [value[side & tied] for side in (went, ~went)]
        fewest = min(int((side > 0).sum()) for side in sides)
        rows.append((words, *(side.mean() if len(side) else np.nan for side in sides), fewest))
    return pd.DataFrame(rows, columns=["measure", "ever", "never", "people"])


def earlier_model(frame: Frame, degree: pd.Series, table: pd.DataFrame) -> Fit:
    """Logistic regression of ever missing on connections who went missing before the landmark.

    Given the number of connections, markers, sex, age and an own earlier report. What is
    compared happened before the landmark and the outcome after it, so nobody's outcome is a part
    of anybody's term. The term ``connections_before`` is log2(1 + number).

    Parameters
    ----------
    frame : Frame
    degree : Series
        Connections by ``person_id``.
    table : DataFrame
        From :func:`about`.
    """
    earlier = pd.DataFrame(
        {
            "own_before": table["own_before"].astype(float),
            "connections_before": np.log2(1 + table["missing_before"]),
        }
    )
    return logistic(frame.people["ever"], design_of(frame, degree, earlier))


def describe_before(reported: int, enough: int, fit: Fit) -> str:
    """What connections reported missing before the landmark say, as a template.

    Parameters
    ----------
    reported : int
        People of the network with a report before the landmark.
    enough : int
        Fewest people that may be shown.
    fit : Fit
        From :func:`earlier_model`.
    """
    if reported < enough:
        return (
            "The file holds fewer than {enough} people of this network with a report before the "
            "landmark, so whether connections went missing earlier cannot be asked here."
        )
    reason = fit.problem or str(fit.row("connections_before")["reason"])
    if reason:
        return f"Connections reported missing before the landmark have no estimate: {reason}."
    return (
        "Each doubling of one plus the connections reported missing before the landmark goes with "
        "{ratio} times the odds of being reported missing after it (interval {interval})."
    )
