"""The findings page: what the chapters answered, read from the registry alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missing_lib.release.registry import ChapterRecords
from missing_lib.study.findings import CLAIMS, Claim

#: Class of a finding's box by what was found.
VERDICTS = {True: "holds", False: "differs", None: "open"}

COUNTED = {"person": "people", "incident": "incidents"}


def answers(
    published: Mapping[str, ChapterRecords], group: str, population: str
) -> list[dict[str, str]]:
    """Answers to the findings of one group, for :meth:`Gate.answers`.

    Parameters
    ----------
    published : mapping
        Registry of each chapter that ran.
    group : str
        First letter of the findings' identifiers.
    population : {"children", "adults", "all"}
        Of the edition; titles follow it.

    Returns
    -------
    list of dict
        One for each claim of the group, answered or not.
    """
    return [_answer(claim, published, population) for claim in CLAIMS if claim.id.startswith(group)]


def _answer(
    claim: Claim, published: Mapping[str, ChapterRecords], population: str
) -> dict[str, str]:
    records = published.get(claim.chapter)
    found = {r["name"]: r for r in records.of_kind("finding")} if records else {}
    common = {
        "id": claim.id,
        "claim": claim.titled(population),
        "published": claim.figure_beside(population),
        "page": f"chapters/{claim.chapter}" if records else "",
    }
    if records is not None and claim.id in found:
        record = found[claim.id]
        return common | {
            "figure": ", ".join(_figure(f) for f in record["figures"]),
            "rounded": _rounded(record["figures"], records),
            "sentence": record["sentence"],
            "verdict": VERDICTS[record["holds"]],
        }
    return common | {"figure": "", "rounded": "", "sentence": _why_not(records), "verdict": "open"}


def _figure(figure: dict[str, Any]) -> str:
    unit = COUNTED.get(figure["unit"], "")
    between = f" ({figure['interval']})" if figure["interval"] else ""
    label = f"{figure['label']} " if figure["label"] else ""
    return label + f"{figure['text']} {unit}".strip() + between


def _rounded(figures: list[dict[str, Any]], records: ChapterRecords) -> str:
    """How the counts among the figures were rounded, empty without a count."""
    counts = any(f["unit"] and not f["hidden"] for f in figures)
    return f"rounded to {records.texts()['rounding']}" if counts else ""


def _why_not(records: ChapterRecords | None) -> str:
    stops = records.of_kind("stop") if records else []
    return stops[0]["text"] if stops else "This edition does not answer it."
