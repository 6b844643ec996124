"""What gaps in the records could have done to the answer."""

from __future__ import annotations

import pandas as pd

from missing_lib.study.frame import Frame
from missing_lib.study.predictors import words

#: Parts of the records of people never missing that :func:`under_recording` takes as kept.
COMPLETENESS = (1.0, 0.9, 0.8, 0.7, 0.5)


def under_recording(frame: Frame, completeness: tuple[float, ...] = COMPLETENESS) -> pd.DataFrame:
    """Crude odds ratios of the study's markers under incomplete records.

    Parameters
    ----------
    frame : Frame
    completeness : tuple of float
        Part of the bearers on record among people never missing, while those of people who go
        missing are all on record: the direction that flatters a marker.

    Returns
    -------
    DataFrame
        ``marker`` in plain words, one column per part (such as ``90 %``), and ``people``
        (fewest in any cell of the marker and the outcome).
    """
    ever = frame.people["ever"].to_numpy(bool)
    rows = []
    for marker in frame.study_markers:
        has = (frame.marks[marker] == 1).to_numpy()
        cells = [int((side & out).sum()) for side in (has, ~has) for out in (ever, ~ever)]
        ratios = [if_under_recorded(frame, marker, of_others=part) for part in completeness]
        rows.append((words(marker), *ratios, min(cells)))
    columns = ["marker", *under_recording_columns(completeness), "people"]
    return pd.DataFrame(rows, columns=columns)


def under_recording_columns(completeness: tuple[float, ...] = COMPLETENESS) -> list[str]:
    """Names of the columns of :func:`under_recording` that hold odds ratios."""
    return [f"{100 * part:.0f} %" for part in completeness]


def if_under_recorded(
    frame: Frame, marker: str, of_missing: float = 1.0, of_others: float = 1.0
) -> float:
    """Crude odds ratio of a marker if only a part of its bearers were recorded.

    With a of n1 ever-missing people and b of n0 others recorded, and recording complete to a
    fraction s1 and s0, the true numbers are a/s1 and b/s0 (nobody is recorded wrongly).

    Parameters
    ----------
    frame : Frame
    marker : str
    of_missing, of_others : float
        s1 and s0, above 0 and at most 1.

    Returns
    -------
    float
        NaN where that is impossible (more bearers than people) or a cell is empty.
    """
    ever = frame.people["ever"].to_numpy(bool)
    has = (frame.marks[marker] == 1).to_numpy()
    with_1, with_0 = has[ever].sum() / of_missing, has[~ever].sum() / of_others
    without_1, without_0 = ever.sum() - with_1, (~ever).sum() - with_0
    if min(with_1, with_0, without_1, without_0) <= 0:
        return float("nan")
    return float(with_1 * without_0 / (with_0 * without_1))
