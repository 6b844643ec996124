"""Usual codes are the book's own, and mean something that the code books know."""

from __future__ import annotations

import pytest

from missing_lib.force.proposal.usual import SEX_NUMBERS, USUAL_CODES, usual_codes
from missing_lib.force.schema import SCHEMA, STUDY_MARKERS

COLUMNS = {name: column for table in SCHEMA.values() for name, column in table.items()}


@pytest.mark.parametrize("name", USUAL_CODES)
def test_every_usual_code_means_a_level_of_its_column(name: str) -> None:
    column = COLUMNS[name]
    levels = STUDY_MARKERS if name == "marker" else column.levels
    allowed = {True, False, None} if column.kind == "flag" else {*levels, None}
    for family in (*USUAL_CODES[name], *((SEX_NUMBERS,) if name == "sex" else ())):
        assert set(family.values()) <= allowed
        assert all(code == code.upper() for code in family)


def test_every_level_flag_and_marker_has_usual_codes() -> None:
    coded = {name for name, column in COLUMNS.items() if column.kind in ("level", "flag")}
    assert coded | {"marker"} == set(USUAL_CODES)
    assert {meaning for family in USUAL_CODES["marker"] for meaning in family.values()} == set(
        STUDY_MARKERS
    )


@pytest.mark.parametrize(
    ("name", "codes", "meanings", "unknown"),
    [
        ("sex", "F M U", {"F": "female", "M": "male", "U": "unknown"}, ""),
        ("sex", "female Male", {"female": "female", "Male": "male"}, ""),
        ("sex", "1 2 9", {"1": "male", "2": "female", "9": "unknown"}, ""),
        ("sex", "1 2 3", {}, "1 2 3"),
        ("ethnicity_self", "W1 M9 A4 B2 O9 NS", {"W1": "white", "A4": "asian"}, ""),
        ("ethnicity_self", "WBRI REFU", {"WBRI": "white", "REFU": "not_stated"}, ""),
        ("ethnicity_officer", "IC1 IC3 IC6", {"IC3": "black", "IC6": "other"}, ""),
        ("risk_final", "High Standard Blorp", {"High": "high", "Standard": "medium"}, "Blorp"),
        ("category", "MIS NAR", {"MIS": "missing", "NAR": "no_apparent_risk"}, ""),
        ("risk_first", "Med Std High", {"Med": "medium", "Std": "low", "High": "high"}, ""),
        ("risk_first", "Std High", {"Std": "medium", "High": "high"}, ""),
        (
            "marker",
            "LAC,CP Plan,S136,DSH,Arrested,CSE",
            {
                "LAC": "local_authority_care",
                "CP Plan": "child_protection",
                "S136": "mental_health",
                "DSH": "self_harm",
                "Arrested": "arrest",
            },
            "CSE",
        ),
        (
            "marker",
            "child in care,self-harm,custody",
            {
                "child in care": "local_authority_care",
                "self-harm": "self_harm",
                "custody": "arrest",
            },
            "",
        ),
        (
            "marker",
            "CP plan,Child in care,Looked after child",
            {
                "CP plan": "child_protection",
                "Child in care": "local_authority_care",
                "Looked after child": "local_authority_care",
            },
            "",
        ),
        ("harm", "y n unknown", {"y": True, "n": False, "unknown": None}, ""),
    ],
)
def test_codes_are_known_in_the_way_they_are_written(
    name: str, codes: str, meanings: dict[str, str | bool | None], unknown: str
) -> None:
    given = frozenset(codes.split("," if "," in codes else None))
    table, known = usual_codes(name, given)
    assert given - known == set(unknown.split())
    assert {code: table[code] for code in meanings} == meanings
    assert not set(unknown.split()) & set(table)
