"""Codes that are usual for a column, and what they become: proposals of the book itself.

A proposal lists whole families of codes, never those that were read off a file.
"""

from __future__ import annotations

from collections.abc import Callable

#: What a code becomes: a level of the code book, true or false, or missing.
Meaning = str | bool | None
Family = dict[str, Meaning]


def _each(meaning: Meaning, *codes: str) -> Family:
    return dict.fromkeys(codes, meaning)


_UNKNOWN = (
    "UNKNOWN",
    "NOT KNOWN",
    "NOT RECORDED",
    "NOT STATED",
    "NONE",
    "NULL",
    "N/K",
    "NK",
    "N/A",
)
_SELF_DEFINED: Family = {
    **_each("white", "W1", "W2", "W3", "W4", "W9"),
    **_each("mixed", "M1", "M2", "M3", "M9"),
    **_each("asian", "A1", "A2", "A3", "A4", "A9"),
    **_each("black", "B1", "B2", "B9"),
    **_each("other", "O1", "O2", "O9"),
    **_each("not_stated", "NS", "N1", "N2", "N3"),
}
#: Codes of the returns that local authorities make on children.
_CHILDREN: Family = {
    **_each("white", "WBRI", "WIRI", "WOTH", "WIRT", "WROM"),
    **_each("mixed", "MWBC", "MWBA", "MWAS", "MOTH"),
    **_each("asian", "AIND", "APKN", "ABAN", "AOTH", "CHNE"),
    **_each("black", "BCRB", "BAFR", "BOTH"),
    **_each("other", "OOTH"),
    **_each("not_stated", "REFU", "NOBT"),
}
_APPEARANCE: Family = {
    "IC1": "white", "IC2": "white", "IC3": "black", "IC4": "asian", "IC5": "asian",
    "IC6": "other", "IC7": "not_stated", "IC9": "not_stated", "IC0": "not_stated",
}  # fmt: skip
_ETHNIC_WORDS: Family = {
    **_each("asian", "ASIAN", "ASIAN OR ASIAN BRITISH", "ASIAN BRITISH", "INDIAN", "PAKISTANI",
            "BANGLADESHI", "CHINESE", "SOUTH ASIAN", "ASIAN/PACIFIC ISLANDER"),
    **_each("black", "BLACK", "BLACK OR BLACK BRITISH", "BLACK BRITISH", "AFRICAN", "CARIBBEAN",
            "BLACK AFRICAN", "BLACK CARIBBEAN", "AFRICAN AMERICAN", "BLACK OR AFRICAN AMERICAN"),
    **_each("mixed", "MIXED", "MIXED RACE", "MIXED HERITAGE", "MULTIPLE", "MULTIRACIAL",
            "TWO OR MORE"),
    **_each("other", "OTHER", "OTHER RACE", "ANY OTHER", "ARAB", "HISPANIC", "LATINO",
            "AMERICAN INDIAN", "NATIVE AMERICAN"),
    **_each("white", "WHITE", "WHITE BRITISH", "WHITE IRISH", "WHITE OTHER", "OTHER WHITE"),
    **_each("not_stated", "NOT STATED", "UNKNOWN", "NOT KNOWN", "NOT RECORDED", "REFUSED",
            "DECLINED", "PREFER NOT TO SAY"),
}  # fmt: skip
_ETHNICITY: tuple[Family, ...] = (
    _ETHNIC_WORDS,
    {"A": "asian", "B": "black", "M": "mixed", "O": "other", "W": "white", "N": "not_stated",
     "U": "not_stated"},
    _SELF_DEFINED,
    _CHILDREN,
    _APPEARANCE,
)  # fmt: skip
_RISK: tuple[Family, ...] = (
    {**_each("no_apparent_risk", "NO APPARENT RISK", "NO RISK", "NAR", "ABSENT"),
     **_each("low", "LOW", "LOW RISK"),
     **_each("medium", "MEDIUM", "MEDIUM RISK", "STANDARD", "STANDARD RISK"),
     **_each("high", "HIGH", "HIGH RISK"),
     **_each(None, *_UNKNOWN, "NOT ASSESSED")},
    {"N": "no_apparent_risk", "A": "no_apparent_risk", "L": "low", "M": "medium", "S": "medium",
     "H": "high", "U": None},
)  # fmt: skip
_FLAG: tuple[Family, ...] = (
    {"YES": True, "Y": True, "TRUE": True, "T": True, "1": True, "NO": False, "N": False,
     "FALSE": False, "F": False, "0": False, "U": None, **_each(None, *_UNKNOWN)},
)  # fmt: skip

#: Families by canonical column, codes in capitals; the first is shown where none is known.
USUAL_CODES: dict[str, tuple[Family, ...]] = {
    "sex": (
        {**_each("female", "FEMALE", "GIRL", "WOMAN"), **_each("male", "MALE", "BOY", "MAN"),
         **_each("other", "OTHER", "INDETERMINATE", "NON-BINARY", "INTERSEX"),
         **_each("unknown", *_UNKNOWN, "NOT SPECIFIED")},
        {"F": "female", "M": "male", "O": "other", "X": "other", "I": "other", "U": "unknown",
         "N": "unknown"},
    ),
    "ethnicity_self": _ETHNICITY,
    "ethnicity_officer": _ETHNICITY,
    "category": (
        {**_each("missing", "MISSING", "MISSING PERSON", "MISPER", "MIS"),
         **_each("no_apparent_risk", "NO APPARENT RISK", "NAR", "ABSENT", "ABS")},
        {"M": "missing", "A": "no_apparent_risk"},
    ),
    "risk_first": _RISK,
    "risk_final": _RISK,
    **dict.fromkeys(("time_known", "harm", "from_care", "out_of_area"), _FLAG),
}  # fmt: skip
#: Numbers of ISO/IEC 5218, which are believed only where nothing else stands in the column.
SEX_NUMBERS: Family = {"1": "male", "2": "female", "0": "unknown", "9": "unknown"}
_STYLES: tuple[Callable[[str], str], ...] = (str.upper, str.lower, str.title, str.capitalize)


def usual_codes(name: str, codes: frozenset[str]) -> tuple[Family, frozenset[str]]:
    """Families of usual codes of which the extract has any, written as it writes them.

    Parameters
    ----------
    name : str
        Canonical column.
    codes : frozenset of str
        Distinct values of the extract's column.

    Returns
    -------
    table : dict
        Each code and its meaning: the book's own, whole families at a time.
    known : frozenset of str
        Which of the extract's codes are in it.

    Examples
    --------
    >>> table, known = usual_codes("sex", frozenset({"f", "m", "?"}))
    >>> table["f"], sorted(known)
    ('female', ['f', 'm'])
    """
    if name == "sex" and {"1", "2"} <= codes <= set(SEX_NUMBERS):
        return SEX_NUMBERS, codes
    table: Family = {}
    for family in USUAL_CODES[name]:
        for style in _STYLES:
            written = {style(code): meaning for code, meaning in family.items()}
            if codes & (set(written) - set(table)):
                table |= written
    known = frozenset(codes & set(table))
    return (table if known else dict(USUAL_CODES[name][0])), known
