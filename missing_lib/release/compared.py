"""Build the safe table of a force's own counts beside official ones, which are public already."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from missing_lib.release import sheet
from missing_lib.release.count_tables import cell_labels
from missing_lib.release.policy import Policy, enough_incidents, round_count
from missing_lib.release.published import count_text, percent_text, plain
from missing_lib.release.tables import Made


def compared(
    frame: pd.DataFrame,
    by: list[str],
    policy: Policy,
    labels: list[str],
    source: str,
    aside: Collection[str] = (),
) -> Made:
    """Own counts, rounded or hidden, official ones, and the first in per cent of the second.

    Parameters
    ----------
    frame : DataFrame
        ``by``; ``own`` with its ``people``, ``largest``, ``largest_two`` and ``rest`` (the people
        around it who are not in it, NaN where it is no part of others); ``members``, the
        identifiers of what ``own`` counts; ``official`` (NaN where there is none) and
        ``official_text``, as printed.
    by : list of str
    policy : Policy
    labels : list of str
        Headings of ``by``, own, official and per cent.
    source : str
        Of the official counts.
    aside : collection of str
        Labels of own counts to be hidden whatever they are.

    Raises
    ------
    ValueError
        If an own count is not the number of its members.
    """
    if any(len(set(ids)) != own for ids, own in zip(frame["members"], frame["own"], strict=True)):
        raise ValueError("an own count beside an official one is not the number of its members")
    open_ = enough_incidents(
        frame["own"], frame["people"], frame["largest"], frame["largest_two"], policy
    )
    open_ &= (frame["rest"].isna() | (frame["rest"] >= policy.threshold)).to_numpy()
    open_ &= np.array([label not in aside for label in cell_labels(frame[by])], dtype=bool)
    own = np.where(open_, round_count(frame["own"], policy), np.nan)
    official = frame["official"].to_numpy(dtype=float)
    known = open_ & (official > 0)
    percent = np.full(len(frame), np.nan)
    percent[known] = np.floor(100 * own[known] / official[known] + 0.5)
    safe = frame[by].assign(own=own, official=official, percent=percent).reset_index(drop=True)
    safe["own_status"] = sheet.statuses(own, open_)
    safe["official_status"] = sheet.statuses(official, True)
    safe["percent_status"] = sheet.statuses(percent, open_)
    keys = [[plain(value) for value in row] for row in frame[by].itertuples(index=False)]
    rows = [
        [
            *key,
            "hidden" if np.isnan(o) else count_text(o),
            str(text),
            "" if np.isnan(p) else percent_text(p / 100),
        ]
        for key, o, text, p in zip(keys, own, frame["official_text"], percent, strict=True)
    ]
    notes = [f"Own counts are rounded to the nearest {policy.rounding}, and shares follow them."]
    if not open_.all():
        notes.append(
            f"Hidden: fewer than {policy.threshold} people or incidents, or one or two people "
            "who dominate, or as few people around a count that would give them away."
        )
    return Made(
        frame=safe,
        header=labels,
        numeric=[False] * len(by) + [True] * 3,
        rows=rows,
        notes=[*notes, f"Source of the official counts: {source}."],
        unit="incidents/people",
        filter=" x ".join(by),
        sheet=sheet.of_frame(safe, by, ["own", "official", "percent"]),
        rule="beside official",
        hidden=int((~open_).sum()),
    )
