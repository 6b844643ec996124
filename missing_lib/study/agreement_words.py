"""What the chapter on national context says of the force's own figures beside official ones."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.spec import ForceFile
from missing_lib.study.agreement import MEASURES


def scope(force: ForceFile) -> str:
    """What an edition sets beside the national figures, as a sentence.

    Examples
    --------
    >>> scope(ForceFile(code="england", name="England", kind="official"))
    'This edition shows England and all of its authorities, and rests on no police records.'
    """
    number = len(dict.fromkeys(force.local_authorities))
    if force.official and number:
        return (
            f"This edition, {force.name}, follows {number} of England's authorities, and rests on "
            "no police records."
        )
    if force.official:
        return (
            "This edition shows England and all of its authorities, and rests on no police records."
        )
    if number:
        return (
            f"This chapter sets the authorities of {force.name} beside those numbers, and, where "
            "both exist, the force's own records beside theirs."
        )
    return (
        f"The force file of {force.name} names no local authorities, so this chapter shows "
        "England alone."
    )


def spans(compared: pd.DataFrame) -> pd.Series:
    """The lowest and highest share that the own figures are of the official ones.

    Parameters
    ----------
    compared : DataFrame
        ``measure`` (in words) and ``percent`` (NaN where the two cannot be compared).

    Returns
    -------
    Series of float
        Per cent, as ``lowest_incidents``, ``highest_incidents`` and so on for every measure
        that is known in some year.
    """
    known = compared.dropna(subset=["percent"]).groupby("measure")["percent"]
    ends = {"lowest": known.min(), "highest": known.max()}
    return pd.Series(
        {
            f"{end}_{counted.replace(' ', '_')}": value
            for counted in MEASURES.values()
            for end, values in ends.items()
            if (value := values.get(counted)) is not None
        },
        dtype=float,
    )


def describe(found: pd.Series) -> str:
    """How the force's own figures stand to the official ones, as a sentence.

    Parameters
    ----------
    found : Series of float
        From :func:`spans`.

    Returns
    -------
    str
        With the placeholders ``{force}`` and those of the index.

    Examples
    --------
    >>> describe(pd.Series({"lowest_incidents": 40.0, "highest_incidents": 55.0}))
    'Year by year, the records of {force} hold {lowest_incidents} to {highest_incidents} of the \
incidents in the official figures: fewer throughout.'
    """
    if found.empty:
        return (
            "In none of these years is there both an official sum and a count of the records of "
            "{force} that may be shown."
        )
    parts = []
    for counted in MEASURES.values():
        low, high = (f"{end}_{counted.replace(' ', '_')}" for end in ("lowest", "highest"))
        if low in found:
            span = f"{{{low}}}" if found[low] == found[high] else f"{{{low}}} to {{{high}}}"
            parts.append(f"{span} of the {counted}")
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    way = "neither fewer nor more throughout"
    if (found < 100).all():
        way = "fewer throughout"
    elif (found > 100).all():
        way = "more throughout"
    return f"Year by year, the records of {{force}} hold {listed} in the official figures: {way}."


def differences() -> pd.DataFrame:
    """What the two sources count differently.

    Returns
    -------
    DataFrame
        ``what``, ``official``, ``force``.
    """
    rows = [
        (
            "Whose children",
            "Those for whom these authorities are responsible, wherever they live",
            "Those reported missing in this area, whichever authority is responsible",
        ),
        (
            "In care",
            "In the authority's own register on that day",
            "Put down by the police as missing from a care placement, as far as they knew",
        ),
        (
            "Missing",
            "Nobody knows where the child is; away without authorisation is counted apart",
            "Every incident recorded, also as absent or no apparent risk",
        ),
        (
            "Recorded",
            "What carers told the authority, whether the police were called or not",
            "What was reported to the police; reports that overlap are one incident",
        ),
        (
            "Age",
            "Up to the eighteenth birthday",
            "Below the age limit of this study when reported; not where age is unknown",
        ),
        (
            "Printed",
            "Whole numbers for authorities, small ones withheld",
            "Rounded, small ones hidden",
        ),
    ]
    return pd.DataFrame(rows, columns=["what", "official", "force"])
