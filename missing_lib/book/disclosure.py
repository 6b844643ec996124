"""What the page on disclosure shows: the rules in force, and what they did to this edition.

Read from the policy and from what the chapters published, so it can say no more than they do.
Which hidden cells the check of everything together has added is not said: that such a cell is not
small would help to work out its neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from missing_lib.release import unrounded
from missing_lib.release.cards import NUMBER_RULES, RULES, worded
from missing_lib.release.policy import Policy
from missing_lib.release.published import percent_text, plain
from missing_lib.release.registry import ChapterRecords
from missing_lib.study.findings import CLAIMS, Claim

Published = Mapping[str, ChapterRecords]

#: What can be said of a value, in the words of the page; "fewer than" goes with the threshold.
FEWER = "fewer than"
STATUSES = ("shown", "hidden", FEWER, "kept", "zero", "not applicable")

#: Kinds of table that a rule can hide something in, and the columns whose values are counted:
#: not the percentage of a count nor the bounds of an estimate, which stand and fall with it.
COUNTED_COLUMNS: dict[str, tuple[str, ...]] = {
    "counts": ("people", "incidents"),
    "ratios": ("percent",),
    "estimates": ("estimate",),
    "beside official": ("own",),
    "lorenz": ("share_incidents",),
    "survival": ("at_risk",),
    "mean cumulative": ("at_risk",),
    "statistics": (),
    "rows": (),
}
CURVES = ("survival", "mean cumulative")

#: Kinds of number that a rule can hide.
COUNTED_NUMBERS = ("person", "incident", "share", "estimate", "money")

_OUTPUTS = {
    "counts": "table of counts",
    "ratios": "table of shares",
    "survival": "survival curve",
    "mean cumulative": "mean cumulative number",
    "lorenz": "Lorenz curve",
    "estimates": "model",
    "statistics": "table of statistics",
    "rows": "rows of the extract",
    "beside official": "counts beside official ones",
}
_NUMBERS = {
    "person": "number of people in a sentence",
    "incident": "number of incidents in a sentence",
    "share": "share in a sentence",
    "estimate": "statistic in a sentence",
    "money": "cost",
}


def example_numbers(policy: Policy) -> dict[str, object]:
    """Numbers of the policy, and of examples that stand on either side of its rules.

    Examples
    --------
    >>> numbers = example_numbers(Policy())
    >>> numbers["most"], numbers["whole"], numbers["both"], numbers["few"]
    (48, 52, 50, 4)
    """
    half, ten = (policy.rounding - 1) // 2, 10 * policy.rounding
    low, high = unrounded.of_count(2.0 * ten, policy)
    return {
        "consistent": policy.consistent,
        "distance": policy.distance,
        "block": policy.block,
        "one_share": percent_text(policy.one_share),
        "two_shares": percent_text(policy.two_shares),
        "most": ten - half,
        "whole": ten + half,
        "both": ten,
        "few": 2 * half,
        "as_shown": 2 * ten,
        "at_least": low,
        "at_most": high,
        "of_one": 14 * policy.threshold,
        "all_ages": ten + 2,
        "difference": 2,
    }


def rules(policy: Policy) -> pd.DataFrame:
    """The rules in force for each kind of output, in the words of its card.

    Returns
    -------
    DataFrame
        ``output``, ``rule``.
    """
    lines = [(name, RULES[rule]) for rule, name in _OUTPUTS.items()]
    lines += [(name, NUMBER_RULES[unit]) for unit, name in _NUMBERS.items()]
    return pd.DataFrame(
        [(name.capitalize(), " ".join(worded(said, policy))) for name, said in lines],
        columns=["output", "rule"],
    )


def values_by_chapter(published: Published) -> pd.DataFrame:
    """How many values of each chapter are shown, and how many are not, by what stands for them.

    Returns
    -------
    DataFrame
        ``chapter`` and a column for each of :data:`STATUSES`; chapters without a value that a
        rule could hide are left out.
    """
    lines = []
    for chapter, records in published.items():
        seen = Counter(status for _, said in _outputs(records) for status in said)
        if seen:
            lines.append((plain(chapter).capitalize(), *(seen[status] for status in STATUSES)))
    return pd.DataFrame(lines, columns=["chapter", *STATUSES])


def hidden_outputs(published: Published) -> pd.DataFrame:
    """Outputs of which something is not shown.

    Returns
    -------
    DataFrame
        ``output`` with its chapter, ``hidden``, ``fewer than``, ``values``.
    """
    lines = [
        (
            f"{plain(chapter).capitalize()}: {title}",
            said.count("hidden"),
            said.count(FEWER),
            len(said),
        )
        for chapter, records in published.items()
        for title, said in _outputs(records)
        if {"hidden", FEWER} & set(said)
    ]
    return pd.DataFrame(lines, columns=["output", "hidden", FEWER, "values"])


def findings_touched(published: Published, population: str) -> pd.DataFrame:
    """Findings to which hiding does something: a figure or something under it is not shown.

    Returns
    -------
    DataFrame
        ``finding``, ``effect``.
    """
    lines = []
    for claim in CLAIMS:
        effect = _effect(claim, published.get(claim.chapter))
        if effect:
            lines.append((f"{claim.id}: {claim.titled(population)}", effect))
    return pd.DataFrame(lines, columns=["finding", "effect"])


def rounding_of_findings(published: Published, policy: Policy) -> pd.DataFrame:
    """Between what each finding's figures could lie before they were rounded.

    Returns
    -------
    DataFrame
        ``finding``, ``figure``, ``shown``, ``between``.
    """
    lines = []
    for claim in CLAIMS:
        records = published.get(claim.chapter)
        for figure, record in _figures(claim.id, records) if records else ():
            bounds = unrounded.between(record, records, policy) if records else ""
            if bounds:
                lines.append((claim.id, _what(figure, record), figure["text"], bounds))
    return pd.DataFrame(lines, columns=["finding", "figure", "shown", "between"])


def _outputs(records: ChapterRecords) -> Iterator[tuple[str, list[str]]]:
    """Title of each output and what is said of its values; numbers in sentences are one output."""
    for table in records.of_kind("table"):
        said = _values(table)
        if said:
            yield _capital(records.filled(table["title"])), said
    numbers = [r for r in records.of_kind("number") if r["unit"] in COUNTED_NUMBERS]
    if numbers:
        yield "Numbers in sentences", [_status(r["status"]) for r in numbers]


def _values(table: dict[str, Any]) -> list[str]:
    """What is said of each value of a table; of a curve, once for each group."""
    rule, sheet = table["rule"], table["sheet"]
    if rule not in COUNTED_COLUMNS:
        return []
    wanted = COUNTED_COLUMNS[rule] or tuple(sheet["columns"])
    at = [i for i, name in enumerate(sheet["columns"]) if name in wanted]
    lines = list(zip(sheet["cells"], sheet["statuses"], strict=True))
    if rule in CURVES:
        group = sheet["columns"].index("group")
        lines = list({cells[group]: (cells, said) for cells, said in reversed(lines)}.values())
    return [_status(said[i]) for _, said in lines for i in at if said[i]]


def _status(said: str) -> str:
    return FEWER if said.startswith(FEWER) else said


def _figures(finding: str, records: ChapterRecords) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Figures of a finding, each with the record of its number."""
    numbers = {r["name"]: r for r in records.of_kind("number")}
    found = [r for r in records.of_kind("finding") if r["name"] == finding]
    return [(figure, numbers[figure["name"]]) for r in found for figure in r["figures"]]


def _what(figure: dict[str, Any], record: dict[str, Any]) -> str:
    return _capital(str(figure["label"] or record["what"].split(", from ")[0]))


def _capital(text: str) -> str:
    """Text that begins with a capital, but for the name of a statistic."""
    return text if len(text) == 1 else text[:1].upper() + text[1:]


def _effect(claim: Claim, records: ChapterRecords | None) -> str:
    """What hiding does to the answer; empty where it does nothing."""
    found = [r for r in records.of_kind("finding") if r["name"] == claim.id] if records else []
    if records is None or not found:
        stops = records.of_kind("stop") if records else []
        return f"Not answered: {stops[0]['text']}" if stops else ""
    hidden = [f for f in found[0]["figures"] if f["hidden"]]
    if hidden or not found[0]["figures"]:
        return str(found[0]["sentence"])
    tables = [r for r in _under(claim.id, records) if {"hidden", FEWER} & set(_values(r))]
    return " ".join(_in_part(table, records) for table in tables)


def _in_part(table: dict[str, Any], records: ChapterRecords) -> str:
    said = _values(table)
    hidden = sum(status in ("hidden", FEWER) for status in said)
    return (
        "Answered from the values that are shown: of the table "
        f"“{_capital(records.filled(table['title']))}” {hidden} of {len(said)} are not."
    )


def _under(finding: str, records: ChapterRecords) -> list[dict[str, Any]]:
    """Tables that the figures of a finding were computed from, directly or by other numbers."""
    made = {r["name"]: r for r in records.of_kind("number", "table")}
    open_ = [record["name"] for _, record in _figures(finding, records)]
    seen: dict[str, dict[str, Any]] = {}
    while open_:
        name = open_.pop()
        if name in made and name not in seen:
            seen[name] = made[name]
            open_ += made[name].get("of", [])
    return [record for record in seen.values() if record["kind"] == "table"]
