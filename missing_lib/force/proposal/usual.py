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
_STANDARD = frozenset({"STANDARD", "STANDARD RISK", "STD", "S"})
_MEDIUM = frozenset({"MEDIUM", "MEDIUM RISK", "MED", "M"})
_RISK: tuple[Family, ...] = (
    {**_each("no_apparent_risk", "NO APPARENT RISK", "NO RISK", "NAR", "ABSENT"),
     **_each("low", "LOW", "LOW RISK"),
     **_each("medium", "MEDIUM", "MEDIUM RISK", "MED", "STANDARD", "STANDARD RISK", "STD"),
     **_each("high", "HIGH", "HIGH RISK"),
     **_each(None, *_UNKNOWN, "NOT ASSESSED")},
    {"N": "no_apparent_risk", "A": "no_apparent_risk", "L": "low", "M": "medium", "S": "medium",
     "H": "high", "U": None},
)  # fmt: skip
_FLAG: tuple[Family, ...] = (
    {"YES": True, "Y": True, "TRUE": True, "T": True, "1": True, "NO": False, "N": False,
     "FALSE": False, "F": False, "0": False, "U": None, **_each(None, *_UNKNOWN)},
)  # fmt: skip

#: What agencies call the markers that the study reads.
_MARKER: tuple[Family, ...] = (
    {**_each("mental_health", "MENTAL HEALTH", "MENTAL_HEALTH", "MENTAL ILL HEALTH",
             "MENTAL ILLNESS", "MENTAL HEALTH ACT", "MH", "MHA", "EMH", "CAMHS", "S136", "S.136",
             "SECTION 136"),
     **_each("self_harm", "SELF HARM", "SELF-HARM", "SELF_HARM", "SELFHARM", "DSH",
             "DELIBERATE SELF HARM", "DELIBERATE SELF-HARM"),
     **_each("child_protection", "CHILD PROTECTION", "CHILD_PROTECTION", "CHILD PROTECTION PLAN",
             "CP", "CPP", "CP PLAN"),
     **_each("arrest", "ARREST", "ARRESTED", "CUSTODY", "IN CUSTODY"),
     **_each("local_authority_care", "LOCAL AUTHORITY CARE", "LOCAL_AUTHORITY_CARE", "LAC", "CLA",
             "CIC", "LOOKED AFTER", "LOOKED AFTER CHILD", "LOOKED-AFTER CHILD",
             "CHILD LOOKED AFTER", "CHILDREN LOOKED AFTER", "CHILD IN CARE", "IN CARE")},
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
    "marker": _MARKER,
}  # fmt: skip
#: Numbers of ISO/IEC 5218, which are believed only where nothing else stands in the column.
SEX_NUMBERS: Family = {"1": "male", "2": "female", "0": "unknown", "9": "unknown"}
#: Words that stay in capitals where others do not, and words that are never in capitals.
_SHORT = frozenset({"CP", "CPP", "CLA", "LAC", "CIC", "DSH", "MH", "MHA", "EMH", "CAMHS", "S136"})
_SMALL = frozenset({"OR", "IN", "TO", "NOT"})


def _spoken(code: str) -> str:
    """As in running text: ``CP Plan``, ``Child in Care``.

    Examples
    --------
    >>> _spoken("CP PLAN"), _spoken("CHILD IN CARE")
    ('CP Plan', 'Child in Care')
    """
    words = code.split(" ")
    return " ".join(
        word if word in _SHORT else word.lower() if n and word in _SMALL else word.title()
        for n, word in enumerate(words)
    )


def _sentence(code: str) -> str:
    """As a sentence begins, with abbreviations in capitals: ``CP plan``."""
    first, *rest = code.split(" ")
    words = [first if first in _SHORT else first.capitalize()]
    return " ".join([*words, *(word if word in _SHORT else word.lower() for word in rest)])


_STYLES: tuple[Callable[[str], str], ...] = (
    str.upper, str.lower, str.title, str.capitalize, _spoken, _sentence,
)  # fmt: skip


def _standard_beside_medium(codes: frozenset[str]) -> bool:
    plain = {code.upper() for code in codes}
    return bool(plain & _STANDARD and plain & _MEDIUM)


def usual_codes(name: str, codes: frozenset[str]) -> tuple[Family, frozenset[str]]:
    """Families of usual codes of which the extract has any, written as it writes them.

    Parameters
    ----------
    name : str
        Canonical column.
    codes : frozenset of str
        Distinct values of the extract's column.

    Where standard stands beside medium, it is the grade below.

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
        ways = [{style(code): meaning for code, meaning in family.items()} for style in _STYLES]
        for written in sorted(ways, key=lambda way: -len(codes & set(way))):
            if codes & (set(written) - set(table)):
                table |= written
    known = frozenset(codes & set(table))
    if name.startswith("risk") and _standard_beside_medium(known):
        table |= {code: "low" for code in table if code.upper() in _STANDARD}
    return (table if known else dict(USUAL_CODES[name][0])), known
